"""Functions without a series where their arguments stay: there they are constants.

sign(v), √|v| and |v|^1.5 have a series at v = 0 only if v stays 0: then it is the value there, as
in plain numbers.  That it does is seen in the series of the solution for that value; in later steps
by a guard.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.calls import Row
from taylor.core.instructions import Div, Input
from taylor.core.program import Program, expand, kept, plain, record
from taylor.core.rules import numbers
from taylor.core.table import jumps_at
from taylor.errors import DomainError, GuardError
from taylor.ode.control import finite
from taylor.ode.pieces import Pieces, Place, along
from taylor.ode.system import Still, System
from taylor.series.rows import singular_at

Array = NDArray[Any]


NO_VALUE = DomainError, GuardError, ZeroDivisionError  # the last one of numbers of many digits


class Held(NamedTuple):
    """An instruction without a series: its arguments, in which of its elements, its value."""

    args: tuple[int, ...]
    at: Array
    value: Any


def recorded_here(system: System, args: Sequence[Any], place: Place, order: int) -> System | None:
    """Return the system recorded at a place, if it is another one there, and has a series.

    As derivatives of x**r are r·y/x, but not where they are recorded at x = 0.
    """
    t, y = place.t, place.y
    if system.recorded is None:
        return None
    try:
        other = System(system.f, t, y, args)
        if other.recorded is None or other.recorded.identity == system.recorded.identity:
            return None
        with np.errstate(all="ignore"):
            return other if finite(other.series(t, y, other.parameters(args), order)) else None
    except (DomainError, GuardError):  # it has no value here, or no series
        return None


def standing(
    system: System, args: Sequence[Any], place: Place, order: int, quotients: bool = False
) -> System | None:
    """Return the system in which functions without a series at a place hold their values; None if
    there are none, or their arguments do not stay there.

    With `quotients` 0/0 is one of them, and 0.
    """
    other, (t, y) = holding(system, args, place, quotients), (place.t, place.y)
    if other is None:
        return None
    with np.errstate(all="ignore"), contextlib.suppress(*NO_VALUE):
        c = other.series(t, y, other.parameters(args), order)
        if finite(c) and _stay(other, args, Place(t, 0 * t, y, 0 * y), c):
            return other
    return None


def holding(
    system: System, args: Sequence[Any], place: Place, quotients: bool = False
) -> System | None:
    """Return the system in which functions without a series at a place hold their values, whether
    they stay or not; None if there are none.
    """
    t, y, p = place.t, place.y, system.parameters(args)
    if system.program is None:
        return None
    program = kept(plain, system.program)
    with np.errstate(all="ignore"), contextlib.suppress(*NO_VALUE):
        held, v = _held(program, [t, y, *p], quotients)
        if not held:
            return None
        free, f = system.free, _holding(program, held, v)
        other = System(lambda t, y, *x: f(t, y, *(x[i] for i in free))[0], t, y, args)
        still = record(lambda *x: f(*x)[1:], t, y, *p)
        other.holds = Still(replace(still, guards=[]), free)
        return other
    return None


def _held(program: Program, x: Sequence[Any], quotients: bool) -> tuple[dict[int, Held], list[Any]]:
    """Return the instructions of a program without a series at a point, and all values there."""
    found, number, v = dict[int, Held](), numbers(x), list[Any]()
    for i, (op, args, _) in enumerate(program.code):
        a = [v[j] for j in args]
        v.append(x[op.n] if isinstance(op, Input) else op.value(a, number))
        if any(map(np.iscomplexobj, a)):  # which cannot be watched to stay
            continue
        if quotients and isinstance(op, Div):
            at = np.equal(a[0], 0) & np.equal(a[1], 0)
            v[i] = np.where(at, 0 * a[1], v[i])
        elif isinstance(op, Row) and op.row.jumps is not None:
            at = jumps_at(op.row, *a)
        elif isinstance(op, Row) and op.row.quotient is not None:
            at = singular_at(op.row, [True] * len(args), a)
        else:
            continue
        if np.any(at):
            found[i] = Held(args, np.asarray(at, dtype=bool), v[i])
    return found, v


def _holding(program: Program, held: dict[int, Held], point: Sequence[Any]) -> Callable[..., Any]:
    """Return the function of a program in which some instructions are constants, where their
    arguments have the values at a point, and these arguments.
    """

    def f(*x: Any) -> Any:
        number, v, still = numbers(x), list[Any](), list[Any]()
        for i, (op, args, _) in enumerate(program.code):
            a = [v[j] for j in args]
            if i in held:
                at, value = held[i].at, held[i].value
                away = [np.where(at, v[j] - point[j], 0) for j in args]
                if any(not (np.all(d <= 0) and np.all(d >= 0)) for d in away):
                    raise GuardError("what fun holds constant does not stay")
                still += away
                v.append(value if at.all() else np.where(at, value, op.value(a, number)))
            else:
                v.append(x[op.n] if isinstance(op, Input) else op.value(a, number))
        return v[program.outputs[0]], *still

    return f


def _stay(system: System, args: Sequence[Any], at: Place, c: Array) -> bool:
    """Whether the arguments of what is held are constant along a solution with this series."""
    one, still = np.array([at.t * 0 + 1]), system.holds
    assert still is not None
    piece = Pieces(np.array([at.t]), 0 * one, one, c[None])
    tables = along(expand(still.program), piece, [args[i] for i in still.free])
    return not any(np.any(table[0, 1:] != 0) for table in tables)
