"""Rows -> core instructions: a program whose every line has a step rule.

Calling a row on a tape that expands appends `integral(row; a..., q..., p)`, meaning p·y' = Σ q·a'.
The companions q and p are ordinary instructions, so sin and cos of one argument, or 1 + a² of two
functions, are shared.  They may stand *after* y and depend on it: the step for degree k reads q and
p below degree k only, so the order of the list is an order of evaluation for every degree.

Besides the core (input · constant · add · mul · div · linear · integral) an expanded program may
hold `parameter` (a constant given with each sweep), `local` (a row with a local series), `jump` (a
piecewise constant row) and `choose`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from taylor.core.calls import Call
from taylor.core.instructions import Const, Input, Op, Parameter, Scale, Shape
from taylor.core.integrals import Integral, Row
from taylor.core.maps import Reshape
from taylor.core.program import Program
from taylor.core.sides import Choose
from taylor.core.table import Elementary
from taylor.core.tape import Node, Tape
from taylor.kept import STORE


class Expansion(Tape):
    """A tape on which a row is replaced by its differential equation.

    With `exact` it is the quotient, without the forms that rounding harms less and that may need
    irrational numbers.
    """

    def __init__(self, exact: bool = False) -> None:
        super().__init__()
        self.exact = exact
        self.active: list[bool] = []
        self.known: dict[Any, int] = {}  # what instructions have been replaced by

    def push(self, op: Op, args: tuple[int, ...], shape: Shape, value: Any) -> Node:
        """Append what an instruction means, and return its node."""
        if op.by_element and type(op) is not Scale:
            args = tuple(self._aligned(a, len(shape)) for a in args)
        key = (op.key(), args)
        if key not in self.known:
            nodes = [Node(self, a) for a in args]
            y = op.expanded(self, nodes, shape)
            self.known[key] = y.i
            new, given, _ = self.code[y.i]
            if type(new) is Integral and given == args and any(self.active[a] for a in args):
                self.code[y.i] = new.equation(self, nodes, y)  # which may need y
        return Node(self, self.known[key])

    def core(self, op: Op, args: Sequence[Node], shape: Shape) -> Node:
        """Append one instruction that has a step rule (or find it)."""
        node = super().push(op, tuple(a.i for a in args), shape, None)
        if len(self.active) < len(self.code):
            self.active.append(type(op) is Input or any(self.active[a.i] for a in args))
        return node

    def _aligned(self, a: int, ndim: int) -> int:
        """Return variable a with unit axes in front, so that its coefficients broadcast."""
        op, _, shape = self.code[a]
        missing = ndim - len(shape)
        if missing <= 0 or (shape == () and isinstance(op, (Const, Parameter))):
            return a
        return self.apply(Reshape((1,) * missing + shape), [Node(self, a)]).i

    def plain(self, x: Node) -> Any:
        """Return the numbers of a constant, and any other node itself."""
        op = self.code[x.i].op
        return op.c if isinstance(op, Const) else x


def expand(program: Program) -> Program:
    """Return the program in core instructions.

    >>> from taylor import record, sin
    >>> [i.op.name for i in expand(record(lambda x: sin(x) * 2, 0.5)).code]
    ['input', 'sin', 'cos', 'scale', 'const', 'scale']
    """
    tape, v = _replaced(program)
    return program.renumbered(tape.code, lambda i: v[i].i).pruned()


def kept(make: Callable[[Program], Program], program: Program) -> Program:
    """Return make(program), made once for all equal programs if they mean the same for ever."""
    if not told(program):
        return make(program)
    return STORE.made(lambda: make(program), make.__name__, program.identity)


def told(program: Program) -> bool:
    """Whether a program tells all that is derived from it.

    The equation of a row is read once, but what a rule of arrays says of its derivatives is the
    user's code, run whenever they are asked for.
    """
    return not any(isinstance(i.op, Call) for i in program.code)


def _replaced(program: Program) -> tuple[Expansion, list[Node]]:
    """Return the tape of the core instructions, and the node of each variable of the program."""
    tape = Expansion()
    v: list[Node] = []
    for op, args, shape in program.code:
        if type(op) is Input:
            v.append(tape.input(shape))
        else:
            v.append(tape.push(op, tuple(v[a].i for a in args), shape, None))
    return tape, v


def deciding(program: Program) -> Program:
    """Return the expanded program of the functions whose signs decide the branches of a program.

    They are the differences of what is compared, and functions that vanish at jumps.

    >>> from taylor import record
    >>> p = deciding(record(lambda x: np.where(x > 2, x, -x) + np.floor(x), 0.5))
    >>> [p.code[i].op.name for i in p.outputs]
    ['add', 'sinpi']
    """
    tape, v = _replaced(program)
    found = [v[g.a] - v[g.b] for g in program.guards if 0 <= g.b != g.a]  # x >= x asks for nan
    for op, args, _ in list(tape.code):
        x = [Node(tape, a) for a in args]
        if isinstance(op, Choose):
            found.append(x[0] - x[1])
        elif isinstance(op, Row) and op.row.jumps is not None:
            row = op.row.surface
            found.append(x[0] if row is None else row(x[0]))
    outputs = list(dict.fromkeys(tape.node(y).i for y in found))
    return Program(tape.code, tape.inputs, outputs, [], single=False).pruned()


@functools.lru_cache(maxsize=1024)
def of_row(row: Elementary, active: tuple[bool, ...], exact: bool = False) -> Program:
    """Return the expanded program of one row; arguments that are not active become parameters."""
    tape = Expansion(exact)
    args: list[Any] = []
    for live in active:
        count = sum(type(i.op) is Parameter for i in tape.code)
        args.append(tape.input(()) if live else tape.push(Parameter(count), (), (), None))
    return Program(tape.code, tape.inputs, [row(*args).i]).pruned()
