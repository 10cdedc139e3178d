"""The tables of a sweep: the coefficients of every instruction, and what rounding took from values.

`height[i]` bounds the degree of the last non-zero part of instruction i: terms beyond it are left
out, which makes 1 + a² cheap and keeps 0·inf from turning an overflowed value into nan.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import Algebra
from taylor.core.instructions import (
    MUL,
    Arithmetic,
    Const,
    Input,
    Integral,
    Parameter,
    Row,
    Scale,
)
from taylor.core.program import Program
from taylor.core.singular import checked, like_numbers, local_series
from taylor.numbers import rounding
from taylor.numbers.formulas import Constant
from taylor.numbers.kinds import Kind, is_operand
from taylor.numbers.policy import current_policy
from taylor.numbers.values import common_shape, constant, zeros

Array = Any
Step = Callable[[int], None]
DEPTH = 5  # of companions such as (1 - e) + 2e·s²
LARGEST_LOW = 2.0**-48  # of a low part; else the value is out of the range of its formula
LOW_ORDER = 20  # a rounded value puts coefficient k off by up to k/2 units: not worth a look below


class Tables:
    """The tables of all instructions of an expanded program, computed degree by degree.

    `inputs` are tables (first axis: coefficients) and `parameters` plain values; `inputs` may be
    filled in later, degree by degree, if `heights` says how far each will reach.
    """

    def __init__(
        self,
        program: Program,
        algebra: Algebra,
        inputs: Sequence[Array],
        parameters: Sequence[Any] = (),
        heights: Sequence[int] | None = None,
    ) -> None:
        self.program, self.algebra, self.order = program, algebra, algebra.order
        self.policy = current_policy()
        constants = [i.op.constant for i in program.code if i.op.constant is not None]
        self.like = self._kind([*inputs, *_deciding(parameters), *_deciding(constants)])
        self.table: list[Any] = []  # a table, or the plain value of an inactive instruction
        self.height: list[int] = []
        self.weighted: dict[int, Array] = {}  # D of a table, for integrals
        self.steps: list[Step] = []
        self.owners: list[int] = []  # per step, its instruction
        integrals = [i for i in program.code if type(i.op) is Integral]
        lows = (i.op.row.low for i in integrals if isinstance(i.op, Integral))
        self.precise = self.order > LOW_ORDER and any(low is not None for low in lows)
        self.lows: dict[int, Any] = {}  # what rounding took from the values of rows, when asked for
        self.moving: list[Any] = []  # per instruction, the lanes that vary (made when needed)
        self.live: list[bool] = []  # per instruction, whether it depends on an input at all
        known = [algebra.height(x) for x in inputs] if heights is None else heights
        read = {a for i in integrals for a in i.op.reads(i.args)}
        for i, (op, args, _) in enumerate(program.code):
            self.live.append(type(op) is Input or any(self.live[a] for a in op.reads(args)))
            if type(op) is Input:
                self.table.append(inputs[op.n])
                self.height.append(known[op.n])
            else:
                self._enter(i, parameters)
            if i in read and self.height[i] > 0 and type(op) is not Integral:
                self._derive(i, type(op) is Input and heights is None)

    def _enter(self, i: int, parameters: Sequence[Any]) -> None:
        """Add the table and the step rule of an instruction, or its value if that is all."""
        op, args, shape = self.program.code[i]
        args = op.reads(args)
        self.height.append(op.height([self.height[a] for a in args], self.order))
        if self.height[i] > 0:
            if op.by_element:
                shape = common_shape(shape, *(self._shape(a) for a in args))
            self.table.append(self._room(i, (self.algebra.size, *shape)))
            self.steps.append(self._step(i))
            self.owners.append(i)
        elif isinstance(op, Parameter):
            self.table.append(self._number(parameters[op.n]))
        elif isinstance(op, Row):
            self.table.append(self._checked(op.row, [self._head(a) for a in args]))
        else:
            self.table.append(op.value([self._head(a) for a in args], self._number))

    def _derive(self, i: int, known: bool) -> None:
        """Add D of a table that an integral reads, all at once if all of it is known."""
        table = self.table[i]
        if known:
            weights = self.algebra.degrees.reshape((-1,) + (1,) * (table.ndim - 1))
            with np.errstate(all="ignore"):
                self.weighted[i] = table * like_numbers(weights, table)
        else:
            self.weighted[i] = zeros(table.shape, table)
            self.steps.append(self._weigh(i))
            self.owners.append(i)

    def _number(self, c: Any) -> Any:
        return constant(c, self.like)

    def _room(self, i: int, shape: tuple[int, ...]) -> Any:
        """Return the table of instruction i, all zeros."""
        return zeros(shape, self.like)

    def _kind(self, inputs: Sequence[Array]) -> Array:
        """Return an empty array of the kind of number of all tables."""
        return _common(inputs)

    def _checked(self, row: Any, values: Sequence[Any]) -> Any:
        """Return the value of a row; a scalar outside the domain raises DomainError."""
        return checked(row, values, self.policy.singular)

    def _coefficients(self, row: Any, x: Any) -> Any:
        """Return the local coefficients 0..order of a row at x."""
        return local_series(row, x, self.order)

    def _shape(self, a: int) -> tuple[int, ...]:
        return self.table[a].shape[1:] if self.height[a] else np.shape(self._head(a))

    def _value(self, a: int) -> Any:
        """Return the degree-0 part of instruction a."""
        return self.table[a][0] if self.height[a] else self._head(a)

    def _divisor(self, i: int) -> Any:
        """Return what divides by the value of instruction i, as it is before it is rounded.

        A rounded divisor moves a singularity, which puts coefficient k off by k times as much.
        """
        return self._dividing(self._value(i), self._low(i))

    def _dividing(self, x: Any, low: Any) -> Any:
        """Return (divide, by): divide(s, by) is s/(x + low)."""
        if low is None:
            return operator.truediv, x
        if not np.any(low):
            return operator.truediv, x
        with np.errstate(all="ignore"):
            return rounding.over, rounding.divisor(x, low)

    def _low(self, i: int, depth: int = DEPTH) -> Any:
        """Return what rounding took from the value of instruction i, as far as it is known."""
        op, args, _ = self.program.code[i]
        if isinstance(op, Integral):
            return self._row_low(i)
        if depth == 0 or not self._has_low(i):
            return None
        if isinstance(op, Const):
            return rounding.of_constant(op.c) if isinstance(op.c, Constant) else None
        if not isinstance(op, (Arithmetic, Scale)) or np.ndim(op.constant):
            return None
        x = [(self._value(a), self._low(a, depth - 1)) for a in args]
        if isinstance(op, Scale):
            x.append((self._number(op.c), rounding.of_constant(op.c)))
            op = MUL
        return op.low(x[0], x[1], self._value(i), self._product_low)

    def _row_low(self, i: int) -> Any:
        """Return what rounding took from the value of a row that says so, at high orders."""
        if i not in self.lows:
            self.lows[i] = self._new_row_low(i)
        return self.lows[i]

    def _new_row_low(self, i: int) -> Any:
        op, given, _ = self.program.code[i]
        if not isinstance(op, Integral) or op.row.low is None or not self.precise:
            return None
        args = op.reads(given)
        if not all(map(self._has_low, (i, *args))):
            return None
        y = self._value(i)
        with np.errstate(all="ignore"):
            low = self._kept(op.row.low(*map(self._value, args), y), y)
            qs, p = given[op.count : -1], self._value(given[-1])
            for a, q in zip([a for a in args if self.live[a]], qs, strict=True):
                change = self._low(a, DEPTH - 2)
                if change is not None:
                    low = low + change * self._value(q) / p
        return low

    def _kept(self, low: Any, y: Any) -> Any:
        """Return a low part of y, zero where it is none."""
        return np.where(np.abs(low) <= LARGEST_LOW * np.abs(y), low, 0.0)[()]

    def _has_low(self, i: int) -> bool:
        """Whether the value of instruction i is a float (or some)."""
        x = self._value(i)
        return isinstance(x, (int, float)) or (type(x) is np.ndarray and x.dtype == float)

    def _product_low(self, x: Any, y: Any, z: Any) -> Any:
        return rounding.of_product(x, y, z)

    def _head(self, a: int) -> Any:
        x = self.table[a]
        return x[0] if type(self.program.code[a].op) is Input else x

    def run(self) -> None:
        """Compute all parts of all instructions."""
        with np.errstate(all="ignore"):
            for k in range(self.order + 1):
                for step in self.steps:
                    step(k)
        self.steps.clear()  # the steps refer back to the sweep: let the tables go with the sweep

    def result(self, i: int) -> Array:
        """Return the table of instruction i."""
        if self.height[i] or type(self.program.code[i].op) is Input:
            return self.table[i]
        value = self.table[i]
        table = zeros(
            (self.algebra.size, *np.shape(value)),
            self.like
            if is_operand(value) or is_operand(self.like)
            else Kind.of(self.like, value).zeros((1,)),
        )
        table[0] = value
        return table

    def _weigh(self, i: int) -> Step:
        y, d, part = self.table[i], self.weighted[i], self.algebra.part

        def step(k: int) -> None:
            if 1 <= k <= self.height[i]:
                d[part(k)] = y[part(k)] * k

        return step

    def _step(self, i: int) -> Step:
        """Return the step rule of instruction i."""
        raise NotImplementedError


def _deciding(constants: Iterable[Any]) -> list[Any]:
    """Return what decides, among constants, on the kind of number of a table.

    Python's floats do not: they take the precision of the table, as in NumPy.
    """
    found: list[Any] = []
    for c in constants:
        if is_operand(c) or isinstance(c, (np.ndarray, np.inexact)):
            found.append(c)
        elif isinstance(c, complex):
            found.append(np.zeros(0, dtype=np.complex64))
        elif not Kind.of(c).numpy:
            found.append(c)
    return found


def _common(inputs: Sequence[Any]) -> Array:
    """Return an array of the kind of number that combines all inputs."""
    held = [x for x in inputs if is_operand(x)]
    plain = [x for x in inputs if not is_operand(x)]
    like: Any = Kind.of(*plain).zeros((1,)) if plain or not held else None
    for x in held:
        head = x.reshape(-1)[:1]
        like = head if like is None else like + head
    return like
