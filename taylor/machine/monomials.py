"""Programs on multivariate series as machine code: the same step rules, part by part.

A part of degree k is an array of coefficients (of arrays, where the series describe arrays), and a
sum of products goes through the pairs of monomials of the algebra, whose addresses are given to the
function with its data.  The parts lie one after the other and are written in the order of their
degrees, so that each may be written to its last vector.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.core.calls import Row
from taylor.core.einsum import Einsum
from taylor.core.graded import CACHED_PAIRS, Graded
from taylor.core.program import Program, of_row
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.registers import Scalar
from taylor.machine.contractions import SUMS
from taylor.machine.emit import Symbol, Unsupported, broadcast, empty
from taylor.machine.nests import Place, Strided, axes_of, in_vectors, over_axes, strips, terms_of
from taylor.machine.written import composition, count, product

ROOM = 1 << 22  # coefficients of all tables of a program
WRITTEN = 1 << 9  # products of coefficients of a part that are written out, one by one
COMPOSED = 1 << 11  # and those of a composition
STEPS = 800  # instructions times degrees, those of equations, too: a millisecond or two each


class Pairs:
    """An algebra of monomials whose sums of products are loops in the function being written."""

    def __init__(self, algebra: Graded, f: Function) -> None:
        self.algebra, self.order, self.size = algebra, algebra.order, algebra.size
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
        degrees = k, lo, hi, x is y
        alike = x.part_shape == y.part_shape and not (x.complex or y.complex)
        if alike and len(self.algebra.lists(*degrees)[0]) <= WRITTEN:
            return product(f, self.algebra, degrees, x, y)
        place = self.lists.setdefault(degrees, len(self.lists))
        lists = f.word(f.address("%data", [], self.place), "ptr")
        pairs = [f.word(f.address(lists, [], 4 * place + i), "ptr") for i in range(4)]
        shape = np.broadcast_shapes(x.part_shape, y.part_shape)
        out = empty(f, (span.stop - span.start, *shape), x.complex or y.complex)
        with f.loop(0, span.stop - span.start) as rows:
            self._row(rows.index, pairs, x, y, out)
        return out

    def composes(self, x: Any, top: int) -> bool:
        """Whether functions of a series that ends at degree `top` are written out."""
        return not x.complex and count(self.algebra, top) <= COMPOSED

    def compose(self, top: int, x: Any, c: Any, y: Any) -> None:
        """Write Σ c_m u^m, u = x - x_0, to y."""
        composition(self.f, self.algebra, top, x, c, y)

    def _row(self, r: str, pairs: list[str], x: Any, y: Any, out: Symbol) -> None:
        """Write coefficient r of a part: Σ weights·x[p]·y[q]."""
        f, shape, (*places, starts, weights) = self.f, out.shape[1:], pairs
        parts = [broadcast(v.memory(0), shape) for v in (x, y)]
        inner = Strided(f, shape, None, out.slot, out.offset, out.strides[1:], plane=out.plane)
        axes = axes_of(inner, parts)
        first, stop = f.entry(starts, r), f.entry(starts, f.whole("add", r, 1))

        def written(elements: Sequence[Place]) -> None:
            """Write some elements, whose sums are taken side by side."""

            def added(i: str, totals: Sequence[Scalar]) -> list[Scalar]:
                rows = [f.entry(table, i) for table in places]
                found = []
                for (index, width), total in zip(elements, totals, strict=True):
                    values = []
                    for k, (row, v, part) in enumerate(zip(rows, (x, y), parts, strict=True)):
                        strides = [s[k] for _, _, s in axes]
                        along = f.unit > 1 or strides[-1:] == [1]
                        where = [(row, v.size_of_part), *terms_of(index, strides)]
                        values.append(part.load(where, width if along else 1))
                    if self.weighted or x is y:
                        values[0] = values[0] * f.load(f.address(weights, [(i, 1)], 0), 1)
                    found.append(f.fma(values[0], values[1], total))
                return found

            def two(i: str, totals: list[Scalar]) -> list[Scalar]:
                return [*added(i, totals[:1]), *added(f.whole("add", i, 1), totals[1:])]

            totals, start = [f.zero(width, out.complex) for _, width in elements], first
            if f.unit == 1 and not axes:  # two sums of numbers, else one would wait for itself
                start = f.whole("sub", stop, f.whole("and", f.whole("sub", stop, first), 1))
                totals = [operator.add(*f.fold(first, start, totals * 2, two, 2, maybe=True))]
            totals = f.fold(start, stop, totals, added, maybe=True)
            for (index, _), total in zip(elements, totals, strict=True):
                terms = terms_of(index, [to for _, to, _ in axes])
                inner.store(total, [(r, out.strides[0]), *terms])

        if len(axes) == 1 and in_vectors(f, axes) and axes[0][0] > WIDTH // 2:
            vectors = -(-axes[0][0] // WIDTH)
            strips(f, vectors, SUMS, lambda s: written([([i], WIDTH) for i in s]), WIDTH)
        else:
            over_axes(f, axes, lambda *place: written([place]), padded=len(axes) == 1)


def check(program: Program, algebra: Graded, unit: int) -> None:
    """Raise Unsupported if a program on series of an algebra has no code, or too much of it."""
    rules = [_rules(i.op) for i in program.code]
    count = sum(math.prod(i.shape) * n for i, n in zip(program.code, rules, strict=True))
    if algebra.size * count * unit > ROOM or algebra.count > CACHED_PAIRS:
        raise Unsupported(f"the tables of {algebra} are too large")
    if any(isinstance(i.op, Einsum) for i in program.code):
        raise Unsupported(f"products of large matrices of {algebra} are left to NumPy")
    if sum(rules) * (algebra.order + 1) > STEPS:
        raise Unsupported(f"{len(program.code)} instructions are too many for {algebra}")


def _rules(op: Any) -> int:
    """Return how many step rules an instruction takes: a row that is composed, its equation's."""
    return len(of_row(op.row, (True,))) if type(op) is Row and op.row.quotient else 1
