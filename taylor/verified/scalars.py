"""A recorded program taken apart into operations of single numbers, as validated steps need them.

| operation | meaning |
|---|---|
| ("input",) | a number that is given |
| ("const", lo, hi) | a constant, within its bounds |
| ("add", a, b), ("mul", a, b), ("div", a, b) | |
| ("scale", a, lo, hi) | c·a for a constant c within bounds |
| ("choose", strict, a, b, c, d) | c where a >= b, or (strict) a > b, and d where a < b |
| ("row", arguments, pairs, p) | y of p·y' = Σ q·a' over pairs (a, q): a function of the table |
| ("value", name, arguments) | the value alone of a function of the table |
| ("power", a, n) | aⁿ, where values alone are wanted |
| ("local", name, a), ("coef", c, k) | the c_k at a₀ of a function without an equation; c_k |
| ("rise", a) | a - a₀: with it, Σ c_k (a - a₀)^k is sums and products |

Operands are numbers of operations; the companions q and p of a row may stand after it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from taylor.core.calls import Integral, Row
from taylor.core.choices import SIDES
from taylor.core.functions import power, reciprocal
from taylor.core.instructions import Add, Const, Div, Input, Instruction, Mul, Op, Scale
from taylor.core.maps import Contract, CumSum, Gather, Reshape, Scatter, Sum
from taylor.core.program import Program
from taylor.core.sides import Choose
from taylor.core.table import Elementary
from taylor.numbers.kinds import Array
from taylor.verified.interval import Interval

Operation = tuple[Any, ...]
Shape = tuple[int, ...]
NAMES: dict[type[Op], str] = {Add: "add", Mul: "mul", Div: "div"}
MOST = 64  # of a power that is written out
REFUSED = (
    "{} has no rigorous series: write the function in arithmetic, sums, products, indexing and "
    "functions of the table"
)


@dataclass
class Scalars:
    """The operations of a program, and those that are its inputs and outputs, by element."""

    code: list[Operation]
    inputs: list[list[int]]
    outputs: list[list[int]]
    rows: dict[int, Elementary]  # the functions of the operations that are rows
    guards: list[tuple[str, list[int], list[int], list[bool]]]  # comparisons that were so


def scalars(program: Program, order: int = 0, values: bool = False) -> Scalars:
    """Return the operations of a program that was expanded exactly, or of one of values alone.

    `order` is how far functions without an equation are developed.
    """
    return _Taking(order, values).program(program)


class _Taking:
    """Takes the instructions of a program apart, one after the other."""

    def __init__(self, order: int, alone: bool) -> None:
        self.order, self.alone = order, alone  # values, without series
        self.code: list[Operation] = []
        self.known: dict[Operation, int] = {}
        self.rows: dict[int, Elementary] = {}
        self.values: list[Array] = []  # of each instruction the operations that are its elements

    def program(self, program: Program) -> Scalars:
        active: list[bool] = []
        for op, args, _ in program.code:
            active.append(isinstance(op, Input) or any(active[a] for a in op.reads(args)))
        for instruction in program.code:
            self.values.append(self.taken(instruction))
        for i, (op, args, shape) in enumerate(program.code):
            if isinstance(op, Integral):
                self.equations(self.values[i], op, args, shape, active)
        elements = [v.reshape(-1).tolist() for v in self.values]
        return Scalars(
            self.code,
            [elements[i] for i in program.inputs],
            [elements[i] for i in program.outputs],
            self.rows,
            [self.guard(g) for g in program.guards],
        )

    def put(self, *what: Any) -> int:
        """Append an operation, or find it."""
        if what not in self.known:
            self.known[what] = self.new(what)
        return self.known[what]

    def new(self, what: Operation) -> int:
        self.code.append(what)
        return len(self.code) - 1

    def constant(self, c: Any) -> int:
        x = Interval(c)
        return self.put("const", float(x.lo), float(x.hi))

    def scaled(self, c: Any, a: int) -> int:
        x = Interval(c)
        return self.put("scale", a, float(x.lo), float(x.hi))

    def total(self, terms: Sequence[int]) -> int:
        if not terms:
            return self.constant(0.0)
        return functools.reduce(lambda a, b: self.put("add", a, b), terms)

    def taken(self, instruction: Instruction) -> Array:
        """Return the elements of an instruction."""
        op, args, shape = instruction
        x = [self.values[a] for a in args if a < len(self.values)]
        if isinstance(op, Input):
            return _each(lambda: self.new(("input",)), shape)
        if isinstance(op, Const):
            return _each(self.constant, shape, _objects(op.c))
        if isinstance(op, Integral):
            out = _each(lambda: self.new(()), shape)  # its equation is known later
            self.rows.update(dict.fromkeys(out.reshape(-1).tolist(), op.row))
            return out
        if type(op) in NAMES:
            return _each(functools.partial(self.put, NAMES[type(op)]), shape, *x)
        if isinstance(op, Choose):
            choice = functools.partial(self.put, "choose", op.mode not in SIDES)
            return _each(choice, shape, *x)
        if isinstance(op, Scale):
            return _each(self.scaled, shape, _objects(op.c), x[0])
        if isinstance(op, Row) and self.alone:
            return self.row_of(op.row, x, shape)
        if isinstance(op, Row) and op.row.local is not None and len(x) == 1:
            return _each(functools.partial(self.developed, op.row), shape, *x)
        return self.moved(op, x, shape)

    def row_of(self, row: Elementary, x: list[Array], shape: Shape) -> Array:
        """Return the elements of the values of a function of the table."""

        def value(*a: int) -> int:
            n = self.code[a[1]][1] if row is power and self.code[a[1]][0] == "const" else None
            if n is not None and self.code[a[1]][2] == n == math.floor(n) and 0 < abs(n) < MOST:
                found = self.put("power", a[0], int(abs(n)))
                return found if n > 0 else self.put("div", self.constant(1), found)
            if row is reciprocal:
                return self.put("div", self.constant(1), a[0])
            put = self.put if row.own else lambda *what: self.new(what)
            found = put("value", row.name, a)
            self.rows[found] = row
            return found

        return _each(value, shape, *x)

    def developed(self, row: Elementary, a: int) -> int:
        """Return Σ c_k (a - a_0)^k, of a function by its local series."""
        c = self.new(("local", row.name, a))
        self.rows[c] = row
        u, found = self.put("rise", a), self.put("coef", c, self.order)
        for k in range(self.order - 1, -1, -1):
            found = self.put("add", self.put("mul", found, u), self.put("coef", c, k))
        return found

    def moved(self, op: Any, x: list[Array], shape: Shape) -> Array:
        """Return the elements of what moves and adds elements."""
        if isinstance(op, Reshape):
            return x[0].reshape(shape)
        if isinstance(op, Gather):
            flat = np.concatenate([e.reshape(-1) for e in x])
            return _each(lambda n: int(flat[n]) if n >= 0 else self.constant(0.0), shape, op.index)
        if isinstance(op, Sum):
            kept = [i for i in range(x[0].ndim) if i not in op.axes]
            rows = x[0].transpose([*kept, *op.axes]).reshape(math.prod(shape), -1)
            return _array([self.total(row.tolist()) for row in rows], shape)
        if isinstance(op, Scatter):
            found: list[list[int]] = [[] for _ in range(math.prod(shape))]
            for n, a in zip(op.index.reshape(-1), x[0].reshape(-1), strict=True):
                found[n].append(a)
            return _array([self.total(terms) for terms in found], shape)
        if isinstance(op, CumSum):
            rows = np.moveaxis(x[0], op.axis, -1)
            ends = [
                row[: n + 1] for row in rows.reshape(-1, rows.shape[-1]) for n in range(len(row))
            ]
            sums = _array([self.total(end.tolist()) for end in ends], rows.shape)
            return np.moveaxis(sums, -1, op.axis)
        if isinstance(op, Contract):
            return self.contracted(op, x[0], shape)
        raise TypeError(REFUSED.format(op.name))

    def contracted(self, op: Contract, x: Array, shape: Shape) -> Array:
        """Return einsum(spec, c, x) for a constant c."""
        terms, out = op.spec.split("->")
        c, name = terms.split(",")
        sizes = dict(zip(c + name, (*op.c.shape, *x.shape), strict=True))
        summed = [s for s in sizes if s not in out]
        found: list[int] = []
        for place in np.ndindex(*shape):
            at, parts = dict(zip(out, place, strict=True)), []
            for inner in np.ndindex(*(sizes[s] for s in summed)):
                at.update(zip(summed, inner, strict=True))
                number = op.c[tuple(at[s] for s in c)]
                if isinstance(number, Interval) or number != 0:
                    parts.append(self.scaled(number, x[tuple(at[s] for s in name)]))
            found.append(self.total(parts))
        return _array(found, shape)

    def equations(
        self, y: Array, op: Integral, args: tuple[int, ...], shape: Shape, active: list[bool]
    ) -> None:
        """Say what the equations of a row are, element by element."""
        if op.polar is not None:
            raise TypeError("the program was not expanded exactly")
        x = [np.broadcast_to(self.values[a], shape).reshape(-1) for a in args]
        live = [n for n in range(op.count) if active[args[n]]]
        for n, place in enumerate(y.reshape(-1)):
            given = [v[n] for v in x]
            pairs = zip((given[i] for i in live), given[op.count : -1], strict=True)
            self.code[place] = ("row", tuple(given[: op.count]), tuple(pairs), given[-1])

    def guard(self, guard: Any) -> tuple[str, list[int], list[int], list[bool]]:
        """Return a comparison that decided on a branch."""
        if guard.b < 0:
            raise TypeError(REFUSED.format(f"np.{guard.op}"))
        outcome = np.asarray(guard.outcome, dtype=bool)
        sides = (np.broadcast_to(self.values[i], outcome.shape) for i in (guard.a, guard.b))
        a, b = (side.reshape(-1).tolist() for side in sides)
        return guard.op, a, b, outcome.reshape(-1).tolist()


def _each(f: Callable[..., int], shape: Shape, *args: Any) -> Array:
    """Return f of every element of arguments that broadcast to a shape."""
    seen = [np.broadcast_to(a, shape) for a in args]
    return _array([f(*(a[i] for a in seen)) for i in np.ndindex(*shape)], shape)


def _objects(x: Any) -> Array:
    """Return a number, or the numbers of an array, as objects, which stay what they are."""
    if isinstance(x, np.ndarray):
        return _array(x.reshape(-1).tolist(), x.shape)
    if isinstance(x, Interval):
        return _array([x[i] for i in np.ndindex(*x.shape)], x.shape)
    return _array([x.item() if isinstance(x, np.generic) else x], ())


def _array(items: Sequence[Any], shape: Shape) -> Array:
    out = np.empty(len(items), dtype=object)
    for n, item in enumerate(items):
        out[n] = item
    return out.reshape(shape)
