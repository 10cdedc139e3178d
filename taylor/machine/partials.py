"""All partial derivatives of one order, from series in several variables that are mostly zeros.

A coefficient is a register, one that is known to be zero is none: most functions are made of parts
of few variables each, and their products of few terms.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.calls import Integral
from taylor.core.instructions import Div, Mul
from taylor.core.program import Program, expand, kinds
from taylor.core.scalars import scalars
from taylor.llvm.entry import Value, Written
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.registers import Scalar
from taylor.llvm.spread import spread
from taylor.machine.emit import Symbol, Unsupported, lifted
from taylor.machine.machine import Machine, failed
from taylor.machine.nests import Shape, at
from taylor.machine.series import Emission
from taylor.numbers.kinds import Array, Handled

NUMBERS = 400  # of the function
TERMS = 1 << 13  # products of coefficients: a tenth of a millisecond each to write and compile
Pairs = list[tuple[Scalar, Scalar]]


class Part:
    """The coefficients of one degree, by monomials: x_i has the number (order + 1)^i.

    They are written when they are asked for, one after the other, and so need few registers.
    """

    def __init__(self, waiting: dict[int, Callable[[], Scalar]]) -> None:
        self.waiting, self.known = waiting, dict[int, Scalar]()

    def write(self, m: int) -> Scalar:
        """Return a coefficient in a register."""
        if m not in self.known:
            self.known[m] = self.waiting[m]()
        return self.known[m]

    def each(self, body: Callable[[Scalar], Scalar]) -> Part:
        """Return what body makes of every coefficient."""

        def one(m: int) -> Scalar:
            return body(self.write(m))

        return Part({m: functools.partial(one, m) for m in self.waiting})

    def __add__(self, o: Part) -> Part:
        every = self.waiting | o.waiting

        def total(m: int) -> Scalar:
            first, *rest = (x.write(m) for x in (self, o) if m in x.waiting)
            return first + rest[0] if rest else first

        return Part({m: functools.partial(total, m) for m in every})

    def __neg__(self) -> Part:
        return self.each(lambda x: -x)

    def __sub__(self, o: Part) -> Part:
        return self + -o

    def __mul__(self, c: Any) -> Part:
        factor = at(c, []) if isinstance(c, Symbol) else float(c)
        return self.each(lambda x: x * factor)

    def __truediv__(self, k: int) -> Part:
        return self * (1.0 / k)


NONE = Part({})


class Terms(Handled):
    """The parts of a series of the function being written; its value is a symbol."""

    complex = False

    def __init__(self, algebra: Products) -> None:
        self.algebra, self.shape = algebra, (algebra.size,)
        self.parts: dict[int, Any] = {}

    def _zeros(self, shape: Shape) -> Terms:
        return Terms(self.algebra)

    def new(self, shape: Shape, complex: bool) -> Terms:
        """Return a series whose coefficients are not known yet."""
        return Terms(self.algebra)

    def __getitem__(self, k: int) -> Any:
        return self.parts.get(k, NONE)

    def __setitem__(self, k: int, x: Any) -> None:
        f = self.algebra.f
        self.parts[k] = lifted(f, x) if k == 0 else x if isinstance(x, Part) else NONE
        for m in self.parts[k].waiting if k else ():
            if self.algebra.counts:
                x.known[m] = f.constant(1.0)
            else:
                x.write(m)
                f.pause()


class Products:
    """The algebra of such series: sums of the products that are not zero, or only their number."""

    def __init__(self, f: Function, order: int, counts: bool = False) -> None:
        self.f, self.order, self.size = f, order, order + 1
        self.counts, self.count = counts, 0

    def part(self, k: int) -> int:
        """Return the index of the part of degree k."""
        return k

    def interior(self, k: int, x: Terms, y: Terms, hx: int, hy: int) -> Part | None:
        """Return Σ x_j y_{k-j} over 1 <= j < k, j <= hx, k - j <= hy; None for no term."""
        found = defaultdict[int, tuple[Pairs, Pairs]](lambda: ([], []))
        for j in range(max(1, k - hy), min(k - 1, hx) + 1):
            if x is not y or 2 * j <= k:  # of a square each product once
                for (m, a), (n, b) in itertools.product(x[j].known.items(), y[k - j].known.items()):
                    if x is not y or (2 * j, m) <= (k, n):
                        found[m + n][x is y and (2 * j, m) < (k, n)].append((a, b))
        self.count += sum(len(once) + len(twice) for once, twice in found.values())
        if self.count > TERMS:
            raise Unsupported(f"more than {TERMS} products of coefficients")
        sums = ((m, functools.partial(self._sum, *pairs)) for m, pairs in found.items())
        return Part(dict(sums)) if found else None

    def _sum(self, once: Pairs, twice: Pairs) -> Scalar:
        """Return Σ a·b of some and 2·Σ a·b of others."""
        total: Scalar | None = None
        for pairs in (twice, once):
            total = total + total if total else None
            for a, b in pairs:
                total = a * b if total is None else self.f.fma(a, b, total)
        assert total is not None
        return total


class Sparse(Emission):
    """The sweep of a program of numbers on such series."""

    algebra: Any

    def choosing(self, i: int) -> Callable[[Any], Any]:
        raise Unsupported("choices are left to directions")

    jumping: Any = choosing
    looping: Any = choosing
    calling: Any = choosing

    def dividing(self, x: Any, low: Any) -> Any:
        divide, by = super().dividing(x, low)

        def one(s: Scalar) -> Scalar:
            return at(divide(Symbol(self.f, (), reg=s), by), [])

        return lambda s, by: s.each(one) if isinstance(s, Part) else NONE, by

    def run(self) -> None:
        """Write the steps of all degrees."""
        for k in range(self.order + 1):
            self.write(k, range(len(self.steps)))
        self.steps.clear()


def swept(algebra: Products, program: Program, x: Sequence[Scalar]) -> tuple[Sparse, Terms]:
    """Return the sweep of an expanded program of numbers at a point, and its result."""
    f, inputs = algebra.f, []
    for i, v in enumerate(x):
        inputs.append(Terms(algebra))
        inputs[i][0] = Symbol(f, (), reg=v)
        inputs[i][1] = Part({algebra.size**i: lambda: f.constant(1.0)})
    sweep = Sparse(f, program, algebra.order, inputs, [1] * len(x), (), algebra, whole=True)
    sweep.run()
    y = sweep.table[program.outputs[0]]
    if not isinstance(y, Terms):
        raise Unsupported("the function is constant")
    return sweep, y


def terms(program: Program, order: int, complex: bool = False) -> int:
    """Return how many products `Partials` takes; Unsupported where directions take fewer.

    It has none at a `complex` point.
    """
    shapes = [program.code[i].shape for i in program.outputs]
    if len(program.inputs) != 1 or shapes != [()] or any(kinds(program.code, [complex])):
        raise Unsupported("the function is no real number, or of several arguments")
    numbers = expand(scalars(program, NUMBERS))
    algebra = Products(f := Function(), order, counts=True)
    swept(algebra, numbers, [f.constant(1.0)] * (n := len(numbers.inputs)))
    nonlinear = sum(isinstance(i.op, (Mul, Div, Integral)) for i in numbers.code)
    rows = -(-math.comb(n + order - 2, order - 1) // (2 * WIDTH))  # vectors of half of them
    if algebra.count > rows * 3**order * nonlinear:
        raise Unsupported("directions take fewer products than coefficients")
    return algebra.count


@functools.lru_cache(maxsize=8)
def distinct(n: int, order: int) -> Array:
    """Return the number of every entry of a tensor among those with ascending indices, in order."""
    index = np.sort(np.indices((n,) * order).reshape(order, -1), axis=0)
    codes = np.ravel_multi_index(tuple(index), (n,) * order)
    return np.unique(codes, return_inverse=True)[1]


class Partials(Machine):
    """A scalar function of one array as the code of all its partial derivatives of one order.

    Called with a point it returns those that differ (see `distinct`), and the value of f.
    """

    def __init__(self, program: Program, order: int, make: bool = True) -> None:
        self.degree = order
        super().__init__(program, make=make, name=("partials", order))

    def _shapes(self, program: Program, *given: Any) -> tuple[Any, ...]:
        grown = super()._shapes(program, *given)
        count = math.comb(math.prod(self.inputs[0]) + self.degree - 1, self.degree)
        self.outputs, self.found = [(count,), ()], [False, False]
        return grown

    def _is_far(self, shape: Sequence[int]) -> bool:
        return False

    def _body(self, f: Function, program: Program) -> None:
        order, n = self.degree, math.prod(self.inputs[0])
        (x,) = self._given(f)
        numbers, point = expand(scalars(program, NUMBERS)), x.view((n,), (1,))
        sweep, y = swept(Products(f, order), numbers, [at(point, [i]) for i in range(n)])
        distinct = self._array(f, self.outputs[0], self.results[0], self.results[0])
        for k, i in enumerate(itertools.combinations_with_replacement(range(n), order)):
            x = y[order].known.get(sum((order + 1) ** v for v in i), f.constant(0.0))
            times = math.prod(map(math.factorial, Counter(i).values()))
            distinct.store(x * float(times), [(k, 1)])
            f.pause()
        f.store(at(y[0], []), f.address("%data", [], self.results[1]))
        v = {i: sweep.value(i) for g in numbers.guards for i in (g.a, g.b)}
        f.store(failed(f, numbers.guards, v), f.address("%data", [], self.flag))
        self._finite(f)

    def returned(self, data: Array) -> list[Value | Written]:
        """Return the tensor as what a call by Python returns."""
        numbers = data[self.results[0] :][: self.outputs[0][0]]
        shape = self.inputs[0]
        return [spread(numbers, distinct(math.prod(shape), self.degree), shape, self.degree)]
