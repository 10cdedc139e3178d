"""Functions without a series where their arguments stay: there they are constants.

sign(v), √|v| and |v|^1.5 have a series at v = 0 only if v stays 0: then it is the value there, as
in plain numbers.  That it does is seen in the series of the solution for that value; in later steps
by a guard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.calls import Row
from taylor.core.instructions import Input, Instruction
from taylor.core.program import Program, expand, kept, plain
from taylor.core.rules import numbers
from taylor.core.table import jumps_at
from taylor.errors import DomainError, GuardError
from taylor.ode.control import finite
from taylor.ode.pieces import Pieces, Place, along
from taylor.ode.system import System
from taylor.series.rows import singular_at

Array = NDArray[Any]


class Held(NamedTuple):
    """An instruction without a series: its arguments, in which of its elements, its value."""

    args: tuple[int, ...]
    at: Array
    value: Any


def instead(system: System, args: Sequence[Any], place: Place, order: int) -> System | None:
    """Return the system to step by from a place where one has no series; None if there is none."""
    t, y = place.t, place.y
    return system.overflown(t, y, args) or standing(system, args, place, order)


def standing(system: System, args: Sequence[Any], place: Place, order: int) -> System | None:
    """Return the system in which functions without a series at a place hold their values; None if
    there are none, or their arguments do not stay there.
    """
    t, y, p = place.t, place.y, system.parameters(args)
    if system.program is None or not any(map(_may_end, system.program.code)):
        return None
    program = kept(plain, system.program)
    try:
        with np.errstate(all="ignore"):
            v = program.trace([t, y, *p])
            held = _held(program, v)
            if not held:
                return None
            f = _holding(program, held, v)
            other = System(lambda t, y, *x: f(t, y, *(x[i] for i in system.free)), t, y, args)
            c = other.series(t, y, p, order)
            other.holds = True
            if finite(c) and _stay(program, held, Place(t, 0 * t, y, 0 * y), c, p):
                return other
    except (DomainError, GuardError, ZeroDivisionError):  # of numbers of many digits
        pass
    return None


def _may_end(i: Instruction) -> bool:
    return isinstance(i.op, Row) and (i.op.row.jumps is not None or i.op.row.quotient is not None)


def _held(program: Program, v: Sequence[Any]) -> dict[int, Held]:
    """Return the instructions of a program without a series at the values of its instructions."""
    found = {}
    for i, (op, args, _) in enumerate(program.code):
        if isinstance(op, Row) and _may_end(program.code[i]):
            given = [v[j] for j in args]
            if any(map(np.iscomplexobj, given)):  # which cannot be watched to stay
                continue
            jumps = op.row.jumps is not None
            at = (
                jumps_at(op.row, *given)
                if jumps
                else singular_at(op.row, [True] * len(args), given)
            )
            if np.any(at):
                found[i] = Held(args, np.asarray(at, dtype=bool), v[i])
    return found


def _holding(program: Program, held: dict[int, Held], point: Sequence[Any]) -> Callable[..., Any]:
    """Return the function of a program in which some instructions are constants, where their
    arguments have the values at a point.
    """

    def f(*x: Any) -> Any:
        number, v = numbers(x), list[Any]()
        for i, (op, args, _) in enumerate(program.code):
            a = [v[j] for j in args]
            if i in held:
                at, value = held[i].at, held[i].value
                away = [np.where(at, v[j] - point[j], 0) for j in args]
                if any(not (np.all(d <= 0) and np.all(d >= 0)) for d in away):
                    raise GuardError("what fun holds constant does not stay")
                v.append(value if at.all() else np.where(at, value, op.value(a, number)))
            else:
                v.append(x[op.n] if isinstance(op, Input) else op.value(a, number))
        return v[program.outputs[0]]

    return f


def _stay(program: Program, held: dict[int, Held], at: Place, c: Array, p: Sequence[Any]) -> bool:
    """Whether the arguments of what is held are constant along a solution with this series."""
    pairs = [(j, h.at) for h in held.values() for j in h.args]
    arguments = Program(program.code, program.inputs, [j for j, _ in pairs], [], single=False)
    one = np.array([at.t * 0 + 1])
    piece = Pieces(np.array([at.t]), 0 * one, one, c[None])
    tables = along(expand(arguments.pruned()), piece, p)
    return not any(
        np.any(np.where(lanes, table[0, 1:], 0) != 0)
        for (_, lanes), table in zip(pairs, tables, strict=True)
    )
