"""The operations on single numbers that a recorded program makes, as validated steps need them.

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

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from taylor.core import scalars as apart
from taylor.core.calls import Integral, Row
from taylor.core.choices import SIDES
from taylor.core.functions import power, reciprocal
from taylor.core.instructions import Add, Const, Div, Input, Mul, Op, Scale
from taylor.core.program import Program
from taylor.core.sides import Choose
from taylor.core.table import Elementary
from taylor.errors import TraceError
from taylor.verified.interval import Interval

Operation = tuple[Any, ...]
NAMES: dict[type[Op], str] = {Add: "add", Mul: "mul", Div: "div"}
MOST = 64  # of a power that is written out
FEW = 4  # degrees of polynomials in t that are known as such


@dataclass
class Scalars:
    """The operations of a program, and those that are its inputs and outputs, by element."""

    code: list[Operation]
    inputs: list[int]
    outputs: list[int]
    rows: dict[int, Elementary]  # the functions of the operations that are rows
    guards: list[tuple[str, int, int, bool]]  # comparisons that were so


def scalars(program: Program, order: int = 0, values: bool = False) -> Scalars:
    """Return the operations of a program that was expanded exactly, or of one of values alone.

    Up to which order functions without an equation are developed is said by `order`.
    """
    try:
        return _Taking(order, values).program(apart.scalars(program))
    except TraceError as error:
        raise TypeError(
            f"{error}, and has no rigorous series: write the function in arithmetic, sums, "
            "products, indexing and functions of the table"
        ) from error


def reads(operation: Operation) -> Sequence[int]:
    """Return the operations whose values an operation takes."""
    name, *args = operation
    last = {"const": 0, "scale": 1, "power": 1, "coef": 1}.get(name)
    found: Sequence[int] = args[name == "value"] if name in ("row", "value") else args[:last]
    return found[1:] if name in ("choose", "local") else found


def heights(code: Sequence[Operation], time: int, order: int) -> list[int]:
    """Return the degree of the last coefficient of each operation that may not be zero."""
    if not order:
        return [0] * len(code)
    found: list[int] = []
    for i, (name, *args) in enumerate(code):
        if name == "input":
            h = 1 if i == time else order
        elif name in ("const", "local", "coef"):
            h = 0
        elif name in ("add", "scale", "rise", "choose"):
            h = max(found[a] for a in reads(code[i])[-2:])
        elif name == "mul":
            h = found[args[0]] + found[args[1]]
        elif name == "div":
            h = order if found[args[1]] else found[args[0]]
        else:
            h = order if any(found[a] for a in args[0]) else 0
        found.append(h if h <= FEW else order)
    return [min(h, order) for h in found]


class _Taking:
    """Takes the instructions of a program of numbers, one after the other."""

    def __init__(self, order: int, alone: bool) -> None:
        self.order, self.alone = order, alone  # values, without series
        self.code: list[Operation] = []
        self.known: dict[Operation, int] = {}
        self.rows: dict[int, Elementary] = {}

    def program(self, program: Program) -> Scalars:
        v: list[int] = []  # the operation of each instruction
        active: list[bool] = []
        for op, args, _ in program.code:
            reads = op.reads(args)
            active.append(isinstance(op, Input) or any(active[a] for a in reads))
            v.append(self.taken(op, [v[a] for a in reads]))
        for i, (op, args, _) in enumerate(program.code):
            if isinstance(op, Integral):
                given = tuple(v[a] for a in args[: op.count])
                live = [v[a] for a in args[: op.count] if active[a]]
                qs = [v[q] for q in args[op.count : -1]]
                self.code[v[i]] = ("row", given, tuple(zip(live, qs, strict=True)), v[args[-1]])
        guards = [(g.op, v[g.a], v[g.b], bool(g.outcome)) for g in program.guards]
        inputs, outputs = ([v[i] for i in some] for some in (program.inputs, program.outputs))
        return Scalars(self.code, inputs, outputs, self.rows, guards)

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

    def taken(self, op: Op, x: Sequence[int]) -> int:
        """Return the operation of an instruction."""
        if isinstance(op, Input):
            return self.new(("input",))
        if isinstance(op, Const):
            return self.constant(op.c)
        if isinstance(op, Integral):
            self.rows[found := self.new(())] = op.row  # its equation is known later
            return found
        if type(op) in NAMES:
            return self.put(NAMES[type(op)], *x)
        if isinstance(op, Choose):
            return self.put("choose", op.mode not in SIDES, *x)
        if isinstance(op, Scale):
            c = Interval(op.c)
            return self.put("scale", x[0], float(c.lo), float(c.hi))
        if isinstance(op, Row) and self.alone:
            return self.value(op.row, *x)
        if isinstance(op, Row) and op.row.local is not None and len(x) == 1:
            return self.developed(op.row, *x)
        raise TraceError(f"{op.name} is no operation on sets")

    def value(self, row: Elementary, *a: int) -> int:
        """Return the value of a function of the table."""
        n = self.code[a[1]][1] if row is power and self.code[a[1]][0] == "const" else None
        if n is not None and self.code[a[1]][2] == n == math.floor(n) and 0 < abs(n) < MOST:
            found = self.put("power", a[0], int(abs(n)))
            return found if n > 0 else self.put("div", self.constant(1), found)
        if row is reciprocal:
            return self.put("div", self.constant(1), a[0])
        what = ("value", row.name, a)
        found = self.put(*what) if row.own else self.new(what)
        self.rows[found] = row
        return found

    def developed(self, row: Elementary, a: int) -> int:
        """Return Σ c_k (a - a_0)^k, of a function by its local series."""
        c = self.new(("local", row.name, a))
        self.rows[c] = row
        u, found = self.put("rise", a), self.put("coef", c, self.order)
        for k in range(self.order - 1, -1, -1):
            found = self.put("add", self.put("mul", found, u), self.put("coef", c, k))
        return found
