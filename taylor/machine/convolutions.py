"""Sums of products over degrees, Σ x_j y_{k-j}, as loops in the function being written."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import MAX_ORDER, Univariate
from taylor.core.einsum import Einsum
from taylor.core.tables import contract
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.registers import Scalar
from taylor.machine.contractions import SUMS
from taylor.machine.degrees import Degree
from taylor.machine.emit import Symbol, broadcast, empty, nest, zeros
from taylor.machine.nests import Place, Shape, at, axes_of, in_vectors, narrow, over_axes, terms_of
from taylor.machine.tables import Table

# up to this order sums run term by term: vectors would wait for coefficients just written
SHORT = 24
BLOCKS = 64  # vectors of elements up to which sums are taken side by side
WAYS = 2  # terms of a sum that is written out, added at a time
TOGETHER = 6, 2  # sums that one loop takes, of numbers and of tiles: as the registers allow


class Loops(Univariate):
    """The univariate algebra whose sums over degrees are loops in the function being written."""

    def interior(self, k: Any, x: Any, y: Any, hx: Any, hy: Any) -> Any:
        """Return Σ x_j y_{k-j} over 1 <= j < k, j <= hx, k - j <= hy; None for no term."""
        f: Function = x.f
        shape = np.broadcast_shapes(x.part_shape, y.part_shape)
        middle: list[Any] | None = None
        if not isinstance(k, Degree):
            lo, hi = max(1, k - hy), min(k - 1, hx)
            # the latest coefficients last, so that the sum need not wait for them
            js = sorted(range(lo, hi + 1), key=lambda j: max(j, k - j))
            pairs: list[tuple[Any, Any]] = [(j, k - j) for j in js]
            if x is y and len(pairs) > 1 and lo + hi == k:  # twice the first half, and the middle
                middle = [(i, j) for i, j in pairs if i == j]
                pairs = [(i, j) for i, j in pairs if i < j]
        else:
            short_x, short_y = (not isinstance(h, Degree) and k > h for h in (hx, hy))
            if not (short_x or short_y):
                return _convolution(f, k, x, y, shape)
            pairs = []
            if not (short_x and short_y):
                near = [(j, k - j) for j in range(1, (hx if short_x else hy) + 1)]
                pairs = near if short_x else [(far, j) for j, far in near]
        if not pairs:
            return None
        return _products(f, shape, x, y, pairs, middle)

    def interior_of(
        self, spec: str, k: Any, x: Any, y: Any, hx: Any = MAX_ORDER, hy: Any = MAX_ORDER
    ) -> Any:
        """Return Σ einsum(spec, x_j, y_{k-j}) over the j of `interior`."""
        if isinstance(k, Degree):
            short_x, short_y = (not isinstance(h, Degree) and k > h for h in (hx, hy))
            if not (short_x or short_y):
                return _contracted(spec, k, x, y)
            near = range(1, (hx if short_x else hy) + 1) if not (short_x and short_y) else ()
            pairs = [(j, k - j) if short_x else (k - j, j) for j in near]
        else:
            pairs = [(j, k - j) for j in range(max(1, k - hy), min(k - 1, hx) + 1)]
        terms = [_product_of(spec, x.memory(i), y.memory(j)) for i, j in pairs]
        return sum(terms[1:], terms[0]) if terms else None


def _product_of(spec: str, x: Any, y: Any) -> Any:
    return contract(spec, x, y)


def _contracted(spec: str, k: Degree, x: Table, y: Table) -> Symbol:
    """Return Σ einsum(spec, x_j, y_{k-j}) over 1 <= j < k."""
    f = x.f
    out = zeros(f, Einsum(spec).shape([x.part_shape, y.part_shape]), x.complex or y.complex)
    with f.loop(1, k.index, maybe=True) as loop:
        back = f.whole("sub", k.index, loop.index)
        i, j = (Degree(f, index, k.order, None) for index in (loop.index, back))
        nest(f, lambda a, b: a + b, [out, _product_of(spec, x.memory(i), y.memory(j))], out)
    return out


def _products(
    f: Function,
    shape: Shape,
    x: Table,
    y: Table,
    pairs: Sequence[Any],
    middle: Sequence[Any] | None = None,
) -> Symbol:
    """Return Σ x_i y_j over pairs (i, j); twice that, and `middle`, if given."""
    every = [*pairs, *(middle or ())]
    # from where they lie: kept in registers, of which there are few, they would be moved to and fro
    flat = [z for i, j in every for z in (x.memory(i), y.memory(j))]

    def added(total: Scalar | None, a: Scalar, b: Scalar) -> Scalar:
        return f.binary("fmul", a, b) if total is None else f.fma(a, b, total)

    def body(*values: Scalar) -> Scalar:
        products = list(zip(values[::2], values[1::2], strict=True))
        sums: list[Scalar | None] = [None] * WAYS
        for i, product in enumerate(products[: len(pairs)]):
            sums[i % WAYS] = added(sums[i % WAYS], *product)
        found = [x for x in sums if x is not None]
        while len(found) > 1:
            found = [f.binary("fadd", *found[:2]), *found[2:]]
        total = found[0]
        if middle is not None:
            total = f.binary("fadd", total, total)
        for product in products[len(pairs) :]:
            total = added(total, *product)
        return total

    if math.prod(shape) == 1:
        return Symbol(f, shape, reg=body(*(at(z, [0] * len(z.shape)) for z in flat)))
    out = empty(f, shape, x.complex or y.complex)
    nest(f, body, [broadcast(z, shape) for z in flat], out, whole=True)
    return out


def _convolution(f: Function, k: Degree, x: Table, y: Table, shape: Shape) -> Symbol:
    """Return Σ x_j y_{k-j} over 1 <= j < k."""
    if math.prod(shape) == 1:
        return Symbol(f, shape, reg=k.sums.of(k, x, y))
    out = empty(f, shape, x.complex or y.complex)
    convolution = Convolution(k, x, y, out)
    places = convolution.vectors() if f.unit == 1 else None
    if places is None:
        axes = convolution.axes
        over_axes(f, axes, lambda *place: convolution.write([place]), padded=len(axes) == 1)
    else:
        several = SUMS // (1 + out.complex)
        for start in range(0, len(places), several):
            convolution.write(places[start : start + several])
    return out


class Convolution:
    """Σ x_j y_{k-j} over 1 <= j < k, of arrays, written to an array.

    Of a square the first half is summed: it is twice that, and the middle.
    """

    def __init__(self, k: Degree, x: Table, y: Table, out: Symbol) -> None:
        self.f, self.k, self.out, self.square = out.f, k, out, x is y
        self.factors = [
            (broadcast(table.memory(0), out.shape), table.size_of_part) for table in (x, y)
        ]
        self.axes = axes_of(out, [part for part, _ in self.factors])

    def vectors(self) -> list[Place] | None:
        """Return the vectors of a small array, or None.

        A factor that is the same along the last axis is a number there.  A vector may reach into
        the next row, which is written after it.
        """
        if not in_vectors(self.f, self.axes):
            return None
        rows = list(itertools.product(*(range(n) for n, _, _ in self.axes[:-1])))
        starts = range(0, self.axes[-1][0], WIDTH)
        if len(rows) * len(starts) > BLOCKS:
            return None
        width = narrow(self.axes[-1][0])
        return [([*row, i], width) for row in rows for i in starts]

    def write(self, places: Sequence[Place]) -> None:
        """Write the sums at some places, taken in one loop over j."""
        for (index, _), total in zip(places, self._sums(places), strict=True):
            self.out.store(total, terms_of(index, [to for _, to, _ in self.axes]))

    def _read(self, n: int, j: str, places: Sequence[Place]) -> list[Scalar]:
        """Return the coefficients of degree j of a factor at the places."""
        loaded: dict[Any, Scalar] = {}
        (part, size), found = self.factors[n], []
        strides = [strides[n] for _, _, strides in self.axes]
        along = self.f.unit > 1 or strides[-1:] == [1]
        for index, width in places:
            terms = [(i, s) for i, s in terms_of(index, strides) if s]
            key = tuple(i for i, _ in terms)
            if key not in loaded:
                loaded[key] = part.load([*terms, (j, size)], width if along else 1)
            found.append(loaded[key])
        return found

    def _added(self, totals: Sequence[Scalar], near: Any, far: Any) -> list[Scalar]:
        """Return the totals plus one product each."""
        f = self.f
        return [
            f.splat(f.fma(x, y, total), total.width)
            for x, y, total in zip(near, far, totals, strict=True)
        ]

    def _sums(self, places: Sequence[Place]) -> list[Scalar]:
        f, k = self.f, self.k
        with f.loop(1, k.half if self.square else k.index, maybe=True) as loop:
            totals = [loop.carry(f.zero(width, self.out.complex)) for _, width in places]
            back = f.whole("sub", k.index, loop.index)
            near, far = self._read(0, loop.index, places), self._read(1, back, places)
            for total, new in zip(totals, self._added(totals, near, far), strict=True):
                loop.update(total, new)
        found = [loop.result(total) for total in totals]
        if not self.square:
            return found
        middle = self._read(0, f.whole("ashr", k.index, 1), places)
        one = f.select(f.odd(k.index), f.constant(0.0), f.constant(1.0))
        twice = [f.binary("fadd", total, total) for total in found]
        return self._added(twice, [f.binary("fmul", x, one) for x in middle], middle)


class Sums:
    """The sums Σ x_j y_{k-j} over 1 <= j < k of numbers' tables, of two degrees k and k + 1.

    They need lower degrees only, so those of all steps are taken before the steps, side by side and
    for both degrees at once: x_j is loaded for both, and y_{k-j} is y_{k+1-j} of the next j.  At
    degree k + 1 the terms with x_k and y_k are added.  Of a square only the first half is summed.
    """

    def __init__(self, f: Function, k: str, first: int) -> None:
        self.f, self.k = f, k
        self.odd = first % 2  # k has the parity of the first degree
        self.wanted: list[tuple[Table, Table, Scalar, Scalar]] = []
        self.taken = 0  # at degree k + 1
        self.half = f.whole("ashr", k, 1)
        self.begin = f.mark()

    def of(self, k: Degree, x: Table, y: Table) -> Scalar:
        """Return the sum of degree k, or of k + 1: these are asked for in the same order."""
        name = k.index, frozenset((x.serial, y.serial))  # that of y and x is the same
        return self.f.once(name, lambda: self._total(k, x, y))

    def _total(self, k: Degree, x: Table, y: Table) -> Scalar:
        f = self.f
        if k.index == self.k:
            complex = x.complex or y.complex
            total, other = (f.later(f.unit, complex) for _ in range(2))
            self.first = k
            self.wanted.append((x, y, total, other))
        else:
            *_, total = self.wanted[self.taken]
            self.taken += 1
            total = f.fma(x.number(1), y.number(self.first), total)
            if x is not y:
                total = f.fma(x.number(self.first), y.number(1), total)
        if x is y:
            total = f.binary("fadd", total, total)
            if (k.index == self.k) != self.odd:  # an even degree: the middle is there once
                middle = self._at(x, self.half, self.odd)
                total = f.fma(middle, middle, total)
        return total

    def _at(self, x: Table, j: Any, more: int = 0) -> Scalar:
        return self.f.load(self.f.address("%data", [(j, 1)], x.offset + more), None, x.plane)

    def write(self, order: int) -> None:
        """Write the loops over j where the steps begin."""
        f, several = self.f, TOGETHER[self.f.unit > 1]
        take = self._in_vectors if order > SHORT and f.unit == 1 else self._one_by_one
        with f.before(self.begin):
            for square in (False, True):
                wanted = [w for w in self.wanted if (w[0] is w[1]) == square]
                for start in range(0, len(wanted), several):
                    take(wanted[start : start + several], square)
                    f.pause()

    def _stop(self, square: bool) -> str:
        if not square:
            return self.k
        return self.f.whole("add", self.half, 1) if self.odd else self.half

    def _one_by_one(self, wanted: Any, square: bool) -> None:
        f = self.f

        def zero(like: Any) -> Scalar:
            return loop.carry(f.zero(f.unit, bool(like)))

        with f.loop(1, self._stop(square), maybe=square) as loop:
            later = {n: zero(y.complex) for n, y in {id(y): y for _, y, *_ in wanted}.items()}
            totals = [(zero(one.im), zero(two.im)) for _, _, one, two in wanted]
            back = f.whole("sub", self.k, loop.index)
            left = {n: self._at(x, loop.index) for n, x in {id(x): x for x, *_ in wanted}.items()}
            right = {n: self._at(y, back) for n, y in {id(y): y for _, y, *_ in wanted}.items()}
            for (x, y, *_), (one, two) in zip(wanted, totals, strict=True):
                loop.update(one, f.fma(left[id(x)], right[id(y)], one))
                loop.update(two, f.fma(left[id(x)], later[id(y)], two))
            for name, value in right.items():
                loop.update(later[name], value)
        found = [[loop.result(total) for total in pair] for pair in totals]
        before = {name: loop.result(register) for name, register in later.items()}
        for (x, y, *names), (one, two) in zip(wanted, found, strict=True):
            if square and not self.odd:
                two = f.fma(self._at(x, self.half), before[id(y)], two)
            self._named(names, (one, two))

    def _named(self, names: Sequence[Scalar], values: Sequence[Scalar]) -> None:
        """Give values the names under which the steps know them."""
        for name, value in zip(names, values, strict=True):
            self.f.define(name, value)

    def _in_vectors(self, wanted: Any, square: bool) -> None:
        """Take vectors of j: x_j y_{k-j} and, of the next degree, x_{j+1} y_{k-j}."""
        f, stop = self.f, self._stop(square)
        less = f.whole("sub", stop, 1) if self.odd or not square else stop
        with f.loop(1, stop, WIDTH, maybe=square) as loop:
            totals = [
                [loop.carry(f.zero(WIDTH, bool(name.im))) for name in names]
                for _, _, *names in wanted
            ]
            ahead = f.below(loop.index, range(WIDTH), stop)
            next_ahead = f.below(loop.index, range(WIDTH), less)
            behind = f.below(loop.index, range(WIDTH - 1, -1, -1), stop)
            back = f.whole("sub", self.k, loop.index)
            place = [(loop.index, 1)]
            left, right = {}, {}
            for x, y, *_ in wanted:
                if id(x) not in left:
                    left[id(x)] = (
                        f.masked(f.address("%data", place, x.offset), ahead, x.plane),
                        f.masked(f.address("%data", place, x.offset + 1), next_ahead, x.plane),
                    )
                if id(y) not in right:
                    far = f.address("%data", [(back, 1)], y.offset - WIDTH + 1)
                    right[id(y)] = f.reversed(f.masked(far, behind, y.plane))
            for (x, y, *_), pair in zip(wanted, totals, strict=True):
                for total, u in zip(pair, left[id(x)], strict=True):
                    loop.update(total, f.fma(u, right[id(y)], total))
        found = [[loop.result(total) for total in pair] for pair in totals]
        for (*_, first, second), sides in zip(wanted, found, strict=True):
            self._named((first, second), [f.total(total) for total in sides])
