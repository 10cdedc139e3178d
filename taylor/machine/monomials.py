"""Programs on multivariate series as machine code: the same step rules, part by part.

A part of degree k is an array of coefficients (of arrays, where the series describe arrays), and a
sum of products goes through the pairs of monomials of the algebra, whose addresses are given to the
function with its data.  The parts lie one after the other and are written in the order of their
degrees, so that each may be written to its last vector.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import CACHED_PAIRS, Graded
from taylor.core.expand import expand
from taylor.core.program import Program
from taylor.llvm.function import Function
from taylor.llvm.ir import Scalar
from taylor.machine.emit import Symbol, Unsupported, broadcast, empty, over_axes
from taylor.machine.machine import Machine
from taylor.machine.series import Table

Array = Any
ROOM = 1 << 22  # coefficients of all tables of a program
STEPS = 800  # instructions times degrees: each is written out, and compiled in a millisecond or two


class Parts(Table):
    """The coefficients of a multivariate series of the function being written, by degree."""

    def _size_of_part(self, shape: tuple[int, ...], unit: int) -> int:
        return math.prod(shape[1:])

    @property
    def whole(self) -> bool:
        """Parts may be written to their last vector: the next one is written later."""
        return True

    def memory(self, k: Any) -> Symbol:
        """Return where the coefficients of a slice lie, or one of them."""
        if not isinstance(k, slice):
            return super().memory(k)
        self.place()
        return self.view(
            (k.stop - k.start, *self.part_shape), self.strides, k.start * self.size_of_part
        )

    def __getitem__(self, k: Any) -> Any:
        return self.memory(k) if isinstance(k, slice) else super().__getitem__(k)


class Pairs:
    """An algebra of monomials whose sums of products are loops in the function being written."""

    def __init__(self, algebra: Graded, f: Function) -> None:
        self.order, self.size = algebra.order, algebra.size
        self.part, self.degrees = algebra.part, algebra.degrees
        self.f, self.weighted = f, algebra.weighted
        self.place = f.allocate(1)  # of the address of the addresses of the pairs
        self.lists: dict[tuple[int, int, int], int] = {}  # where the pairs of these degrees stand

    def interior(self, k: int, x: Any, y: Any, hx: int, hy: int) -> Any:
        """Return the part of degree k of the product, without the terms with x_0 and y_0."""
        lo, hi = max(1, k - hy), min(k - 1, hx)
        if hi < lo:
            return None
        f, span = self.f, self.part(k)
        place = self.lists.setdefault((k, lo, hi), len(self.lists))
        lists = f.word(f.address("%data", [], self.place), "ptr")
        p, q, starts, self.weights = (
            f.word(f.address(lists, [], 4 * place + i), "ptr") for i in range(4)
        )
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
                    a = f.load(f.address("%data", [(f.entry(p, i), 1)], x.offset), 1, x.plane)
                    b = f.load(f.address("%data", [(f.entry(q, i), 1)], y.offset), 1, y.plane)
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
        a, b = (broadcast(v.memory(0), shape).strides for v in (x, y))
        axes = [(m, s, [u, v]) for m, s, u, v in zip(shape, out.strides[1:], a, b, strict=True)]

        with f.loop(0, n) as rows:
            following = f.whole("add", rows.index, 1)
            first, stop = f.entry(starts, rows.index), f.entry(starts, following)

            def element(index: list[Any], width: int) -> None:
                wide = [width if f.unit > 1 or (index and s[-1] == 1) else 1 for s in (a, b)]
                with f.loop(first, stop, maybe=True) as loop:
                    total = loop.carry(f.zero(width, complex))
                    values = []
                    for table, v, strides, w in zip((p, q), (x, y), (a, b), wide, strict=True):
                        row = (f.entry(table, loop.index), v.size_of_part)
                        where = [row, *zip(index, strides, strict=True)]
                        values.append(f.load(f.address("%data", where, v.offset), w, v.plane))
                    new = f.fma(self._weighted(values[0], loop.index), values[1], total)
                    loop.update(total, f.splat(new, width))
                terms = [(rows.index, out.strides[0]), *zip(index, out.strides[1:], strict=True)]
                f.store(loop.result(total), f.address("%data", terms, out.offset), out.plane)

            over_axes(f, axes, element, padded=len(axes) == 1)
        return out

    def _weighted(self, x: Scalar, i: str) -> Scalar:
        """Return x times the weight of pair i."""
        if not self.weighted:
            return x
        return self.f.binary("fmul", x, self.f.load(self.f.address(self.weights, [(i, 1)], 0), 1))


class Polynomials(Machine):
    """A program as machine code on the series of an algebra of monomials.

    Inputs are tables of their first coefficients, up to the degrees `heights`.
    """

    def __init__(
        self,
        program: Program,
        algebra: Graded,
        heights: Sequence[int],
        unit: int = 1,
        expanded: bool = False,
        complex: Sequence[bool] = (),
        make: bool = True,
    ) -> None:
        self.algebra = algebra
        program = program if expanded else expand(program)
        count = sum(math.prod(i.shape) for i in program.code)
        if algebra.size * count * unit > ROOM or algebra.count > CACHED_PAIRS:
            raise Unsupported(f"the tables of {algebra} are too large")
        if len(program.code) * (algebra.order + 1) > STEPS:
            raise Unsupported(f"{len(program.code)} instructions are too many for {algebra}")
        super().__init__(
            program, algebra.order, heights, unit, expanded=True, complex=complex, make=make
        )
        self.indices = [algebra.compiled_pairs(*degrees) for degrees in self.lists[1:]]
        addresses = [a for t in self.indices for a in (*t.pointers, t.weights.ctypes.data)]
        self.addresses = np.array(addresses, np.int64)

    def _kind(self) -> tuple[Any, ...]:
        return self.algebra.identity

    def _count(self, order: int) -> int:
        return int(self.algebra.offsets[order + 1])

    def _room(self, shape: Sequence[int]) -> int:
        return math.prod(shape)

    def _view(self, data: Array, shape: tuple[int, ...]) -> Array:
        return data.reshape(shape)

    def _table(self, f: Function, shape: tuple[int, ...], place: int, complex: bool) -> Table:
        return Parts(f, shape, None, place, complex)

    def _algebra(self, f: Function) -> Any:
        self.pairs = Pairs(self.algebra, f)
        return self.pairs

    def _degrees(self) -> Any:
        return self.algebra

    def _write(self, program: Program, order: int | None, rows: Sequence[Any]) -> None:
        super()._write(program, order, rows)
        self.lists = [(self.pairs.place,), *self.pairs.lists]
        del self.pairs

    def prepared(self, data: Array) -> Array:
        """Return a block of memory; the address of the pairs is put in its place."""
        (place,) = self.lists[0]
        data[place * self.unit :][:1].view(np.int64)[0] = self.addresses.ctypes.data
        return data
