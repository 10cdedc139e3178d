"""Programs on multivariate series as machine code: the same step rules, part by part.

A part of degree k is an array of coefficients (of arrays, where the series describe arrays), and a
sum of products goes through the pairs of monomials of the algebra, whose addresses are given to the
function with its data.  The parts lie one after the other and are written in the order of their
degrees, so that each may be written to its last vector.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from taylor.core.algebra import CACHED_PAIRS, Graded
from taylor.core.program import Program
from taylor.llvm.function import Function
from taylor.llvm.registers import Scalar
from taylor.machine.emit import Symbol, Unsupported, broadcast, empty
from taylor.machine.nests import Strided, axes_of, over_axes, terms_of

ROOM = 1 << 22  # coefficients of all tables of a program
STEPS = 800  # instructions times degrees: each is written out, and compiled in a millisecond or two


class Pairs:
    """An algebra of monomials whose sums of products are loops in the function being written."""

    def __init__(self, algebra: Graded, f: Function) -> None:
        self.order, self.size = algebra.order, algebra.size
        self.part, self.degrees = algebra.part, algebra.degrees
        self.f, self.weighted = f, algebra.weighted
        self.place = f.allocate(1)  # of the address of the addresses of the pairs
        # where the pairs of these degrees stand, of all or (in a square) of half of them
        self.lists: dict[tuple[int, int, int, bool], int] = {}

    def interior(self, k: int, x: Any, y: Any, hx: int, hy: int) -> Any:
        """Return the part of degree k of the product, without the terms with x_0 and y_0."""
        lo, hi = max(1, k - hy), min(k - 1, hx)
        if hi < lo:
            return None
        f, span = self.f, self.part(k)
        place = self.lists.setdefault((k, lo, hi, x is y), len(self.lists))
        lists = f.word(f.address("%data", [], self.place), "ptr")
        p, q, starts, weights = (
            f.word(f.address(lists, [], 4 * place + i), "ptr") for i in range(4)
        )
        self.weights = weights if self.weighted or x is y else ""
        if f.unit > 1 or x.part_shape or y.part_shape:
            return self._arrays(span.stop - span.start, x, y, p, q, starts)
        complex = x.complex or y.complex
        out = empty(f, (span.stop - span.start,), complex)

        with f.loop(0, span.stop - span.start) as rows:
            following = f.whole("add", rows.index, 1)
            first, stop = f.entry(starts, rows.index), f.entry(starts, following)
            with f.loop(first, stop, 2, maybe=True) as loop:
                sums = [loop.carry(f.zero(1, complex)) for _ in range(2)]
                second = f.whole("add", loop.index, 1)
                inside = f.less(second, stop)
                other = f.choose(inside, second, loop.index)
                for total, i in zip(sums, (loop.index, other), strict=True):
                    a, b = (t.load([(f.entry(at, i), 1)]) for t, at in ((x, p), (y, q)))
                    if i is other:
                        a, b = (f.select(inside, v, f.constant(0.0)) for v in (a, b))
                    loop.update(total, f.fma(self._weighted(a, i), b, total))
            value = f.binary("fadd", *(loop.result(total) for total in sums))
            f.store(value, f.address("%data", [(rows.index, 1)], out.offset), out.plane)
        return out

    def _arrays(self, n: int, x: Any, y: Any, p: str, q: str, starts: str) -> Symbol:
        """Return the part of a product of series of arrays: the elements in lanes."""
        f, shape = self.f, np.broadcast_shapes(x.part_shape, y.part_shape)
        complex = x.complex or y.complex
        out = empty(f, (n, *shape), complex)
        parts = [broadcast(v.memory(0), shape) for v in (x, y)]
        inner = Strided(f, shape, None, out.slot, out.offset, out.strides[1:], plane=out.plane)
        axes = axes_of(inner, parts)
        to = [stride for _, stride, _ in axes]

        with f.loop(0, n) as rows:
            following = f.whole("add", rows.index, 1)
            first, stop = f.entry(starts, rows.index), f.entry(starts, following)

            def element(index: list[Any], width: int) -> None:
                with f.loop(first, stop, maybe=True) as loop:
                    total, values = loop.carry(f.zero(width, complex)), []
                    for k, (table, v, part) in enumerate(zip((p, q), (x, y), parts, strict=True)):
                        strides = [s[k] for _, _, s in axes]
                        row = (f.entry(table, loop.index), v.size_of_part)
                        along = f.unit > 1 or strides[-1:] == [1]
                        where = [row, *terms_of(index, strides)]
                        values.append(part.load(where, width if along else 1))
                    new = f.fma(self._weighted(values[0], loop.index), values[1], total)
                    loop.update(total, f.splat(new, width))
                outer = rows.index, out.strides[0]
                inner.store(loop.result(total), [outer, *terms_of(index, to)])

            over_axes(f, axes, element, padded=len(axes) == 1)
        return out

    def _weighted(self, x: Scalar, i: str) -> Scalar:
        """Return x times the weight of pair i."""
        if not self.weights:
            return x
        return self.f.binary("fmul", x, self.f.load(self.f.address(self.weights, [(i, 1)], 0), 1))


def check(program: Program, algebra: Graded, unit: int) -> None:
    """Raise Unsupported if a program on series of an algebra has no code, or too much of it."""
    count = sum(math.prod(i.shape) for i in program.code)
    if algebra.size * count * unit > ROOM or algebra.count > CACHED_PAIRS:
        raise Unsupported(f"the tables of {algebra} are too large")
    if len(program.code) * (algebra.order + 1) > STEPS:
        raise Unsupported(f"{len(program.code)} instructions are too many for {algebra}")
