"""Functions of a program by their zeros: where its branches change, and where its series end."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.core.calls import Integral, Row
from taylor.core.conditions import Guard
from taylor.core.instructions import Div, Input, Instruction
from taylor.core.lookups import Lookup
from taylor.core.node import Node
from taylor.core.parts import Part
from taylor.core.program import Expansion, Program, kinds, replaced
from taylor.core.sides import Choose
from taylor.numbers.kinds import base

# decisions by one value that become others where it vanishes
OF_ZERO = ("not_equal", "signbit", "nonzero", "flatnonzero", "argwhere", "count_nonzero")


def deciding(program: Program, but: Sequence[int] = ()) -> Program:
    """Return the expanded program of the functions whose signs decide the branches of a program.

    They are the differences of what is compared, and functions that vanish at jumps; `but` holds
    inputs of which is known when they pass the knots of tables, and numbers they are compared with.
    Between two formulas of one function there is no branch: the series of one is that of the other.

    >>> from taylor.core.program import record
    >>> p = deciding(record(lambda x: np.where(x > 2, x, -x) + np.floor(x), 0.5))
    >>> [p.code[i].op.name for i in p.outputs]
    ['add', 'sinpi']
    """
    tape, v = replaced(program)
    known = [tape.inputs[n] for n in but]
    sides = [(v[g.a], v[g.b]) for g in program.guards if 0 <= g.b != g.a]  # x >= x asks for nan
    found: list[Any] = [a - b for a, b in sides if limit(tape.code, a.i, b.i, known) is None]
    found += [_edges(g, v[g.a]) for g in program.guards if g.op in ("digitize", *OF_ZERO)]
    code, complex = list(tape.code), complex_of(program, tape.code)
    lookups: dict[Any, tuple[Lookup, Node]] = {}
    poles: list[bool] = []  # whether an instruction, or what it depends on, may have a pole
    for i, (op, args, _) in enumerate(code):
        x, y = [Node(tape, a) for a in args], Node(tape, i)
        own = isinstance(op, Div) or (isinstance(op, Row) and op.row.domain != "all x")
        poles.append(own or any(poles[a] for a in op.reads(args)))
        if isinstance(op, Choose):
            if op.mode != "formula" and limit(code, args[0], args[1], known) is None:
                found.append(x[0] - x[1])
        elif isinstance(op, Lookup) and args[0] not in known:
            lookups.setdefault((args[0], op.knots.tobytes(), op.side), (op, x[0]))
        elif isinstance(op, Row) and op.row.jumps is not None:
            row = op.row.surface
            found.append(x[0] if row is None else row(x[0]))
        elif isinstance(op, Integral) and tape.active[i]:
            given = code[args[0]] if poles[args[0]] else None
            found += _seams(tape, op, x, y, complex[args[0]], given)
    found += [op.surface(x) for op, x in lookups.values()]
    outputs = list(dict.fromkeys(tape.node(y).i for y in found))
    return Program(tape.code, tape.inputs, outputs, [], single=False).pruned()


def limit(code: Sequence[Instruction], a: int, b: int, among: Sequence[int]) -> float | None:
    """Return the number with which one of some variables is compared; None if it is none."""
    for x, y in ((a, b), (b, a)):
        c = code[y].op.constant
        if x in among and isinstance(c, (int, float)):
            return float(c)
    return None


def _edges(guard: Guard, x: Node) -> Any:
    """Return what vanishes where a decision by the value of x alone becomes another one."""
    if guard.op in OF_ZERO:
        return x
    return np.expand_dims(x, -1) - guard.extra[0][0]


def _seams(
    tape: Expansion, op: Integral, x: list[Node], y: Node, complex: bool, pole: Instruction | None
) -> list[Any]:
    """Return the functions that change their signs where the value of a row jumps.

    `pole` is the instruction of its first argument, if that may have a pole: where a divisor
    vanishes is known better than where the result does something.
    """
    row = op.row
    if complex:
        return [] if row.cut is None else [_part(tape, row.cut.across, x[0])]
    if row.seam is None or (op.count == 1 and pole is None):
        return []
    if op.count == 1 and pole is not None:
        if isinstance(pole.op, Div):
            return [Node(tape, pole.args[1])]
        if isinstance(pole.op, Row) and pole.op.row.surface is not None:
            return [pole.op.row.surface(Node(tape, pole.args[0]))]
    return [row.seam(*x[: op.count], y)]


def zeros(program: Program) -> Program:
    """Return the expanded program of the real functions whose zeros series do not pass.

    Those of `vanishing`: of a complex one and of several that vanish together, the sum of squares.

    >>> from taylor.core.program import record
    >>> p = zeros(record(lambda x: np.sqrt(x[0]) + np.hypot(x[1], x[2]), np.ones(3)))
    >>> p(np.array([2.0, 3.0, 4.0]))
    [np.float64(2.0), np.float64(25.0)]
    """
    tape, _ = replaced(program)
    complex = complex_of(program, tape.code)
    found = []
    for group in vanishing(Program(list(tape.code), tape.inputs, [])):
        x: list[Any] = []
        for i in group:
            node = Node(tape, i)
            x += [_part(tape, kind, node) for kind in ("real", "imag")] if complex[i] else [node]
        found.append(x[0] if len(x) == 1 else functools.reduce(operator.add, [a * a for a in x]))
    outputs = list(dict.fromkeys(tape.node(y).i for y in found))
    return Program(tape.code, tape.inputs, outputs, [], single=False).pruned()


def _part(tape: Expansion, kind: str, x: Node) -> Node:
    return tape.core(Part(kind), [x], x.shape)


def complex_of(program: Program, code: Sequence[Instruction]) -> list[bool]:
    """Return which instructions of code with the inputs of a program are complex."""
    return kinds(code, [bool(np.iscomplexobj(base(x))) for x in program.point])


def vanishing(program: Program) -> list[tuple[int, ...]]:
    """Return the variables of an expanded program whose zeros its series do not pass.

    They are the p of the equations p·y' = Σ q·a', of angles and moduli of b + ia the two that
    vanish together there.

    >>> from taylor.core.program import expand, record
    >>> vanishing(expand(record(lambda x: np.sqrt(x[0]) + np.hypot(x[1], x[2]), np.ones(3))))
    [(1,), (4, 5)]
    """
    live: list[bool] = []
    for op, args, _ in program.code:
        live.append(type(op) is Input or any(live[a] for a in op.reads(args)))
    found: dict[tuple[int, ...], None] = {}
    for op, args, _ in program.code:
        if isinstance(op, Integral):
            with_p = op.polar is None or op.row.split
            group = args[-1:] if with_p else op.reads(args) if op.count == 2 else ()
            if any(live[i] for i in group):
                found[group] = None
    return list(found)
