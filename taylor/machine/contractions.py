"""Sums of products of elements: several sums at a time, in vectors where strides allow.

One sum alone would wait for its own multiply-adds; sums of one row, or of some rows, go side by
side and share what they load.  A sum that stands alone is taken in vectors along its own axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taylor.llvm.ir import UNROLL, WIDTH
from taylor.llvm.registers import Scalar
from taylor.machine.nests import (
    Place,
    Strided,
    each,
    in_vectors,
    loaded_at,
    merged_axes,
    strips,
    terms_of,
)

SUMS = 8  # sums that are taken at a time


class Contraction:
    """Σ of products of arrays, over the letters of their axes that the result does not have."""

    def __init__(self, names: Sequence[str], out: str, args: Sequence[Strided]) -> None:
        self.f, self.args = args[0].f, args
        sizes: dict[str, int] = {}
        for name, x in zip(names, args, strict=True):
            sizes.update(zip(name, x.shape, strict=True))
        self.shape = tuple(sizes[c] for c in out)
        self.complex = any(x.complex for x in args)
        strides = [dict(zip(n, x.strides, strict=True)) for n, x in zip(names, args, strict=True)]
        self.along = [[s.get(c, 0) for s in strides] for c in out]  # by axis, of every argument
        summed = [c for c in sizes if c not in out]
        summed.sort(key=lambda c: max(name.find(c) for name in names))  # the innermost last
        self.reduced = [(sizes[c], [s.get(c, 0) for s in strides]) for c in summed]

    def number(self) -> Scalar:
        """Return the only sum."""
        return self._sums([([0] * len(self.shape), self.f.unit)])[0]

    def write(self, out: Strided) -> None:
        """Write all sums."""
        f = self.f
        axes = merged_axes(list(zip(self.shape, out.strides, self.along, strict=True)))
        self.along = [strides for _, _, strides in axes]
        outer = [n for n, _, _ in axes[:-1]]

        def write(places: list[Place]) -> None:
            for (index, width), y in zip(places, self._sums(places), strict=True):
                out.store(f.splat(y, width), terms_of(index, [to for _, to, _ in axes]))

        if not in_vectors(f, axes):
            each(f, [n for n, _, _ in axes], lambda index: write([(index, f.unit)]))
            return
        vectors = -(-axes[-1][0] // WIDTH)  # beyond a row: written again with the next one

        def row(index: list[Any]) -> None:
            def some(columns: list[Any]) -> None:
                write([([*index, i], WIDTH) for i in columns])

            strips(f, vectors, SUMS, some, WIDTH)

        def rows(index: list[Any]) -> None:
            def some(many: list[Any]) -> None:
                columns = range(0, vectors * WIDTH, WIDTH)
                write([([*index, r, i], WIDTH) for r in many for i in columns])

            strips(f, outer[-1], max(2, SUMS // vectors), some)

        if outer and vectors <= SUMS:
            each(f, outer[:-1], rows)
        else:
            each(f, outer, row)

    def _added(self, total: Scalar, values: Sequence[Scalar]) -> Scalar:
        if len(values) == 1:
            return total + values[0]
        return self.f.fma(values[0], values[1], total)

    def _sums(self, places: list[Place]) -> list[Scalar]:
        """Return the sums at some places of the result, side by side."""
        return self._run(places, [], [self.f.zero(1, self.complex)] * len(places))

    def _run(self, places: list[Place], inner: list[Any], totals: list[Scalar]) -> list[Scalar]:
        """Return the totals plus the sums over the reduced axes behind the first ones."""
        f, level = self.f, len(inner)
        if level == len(self.reduced):
            return self._products(places, inner, totals)
        n, strides = self.reduced[level]
        if level == len(self.reduced) - 1 and self._alone(places, n, strides):
            return [self._dot([*places[0][0], *inner], totals[0])]
        if n <= UNROLL:
            for i in range(n):
                totals = self._run(places, [*inner, i], totals)
            return totals
        wide = [f.splat(t, w) for t, (_, w) in zip(totals, places, strict=True)]
        return f.fold(0, n, wide, lambda i, totals: self._run(places, [*inner, i], totals))

    def _products(
        self, places: list[Place], inner: list[Any], totals: list[Scalar]
    ) -> list[Scalar]:
        """Return the totals plus one product each."""
        shared: dict[Any, Scalar] = {}  # what another place has loaded
        found = []
        for (index, width), total in zip(places, totals, strict=True):
            values = []
            for k, x in enumerate(self.args):
                moving = k, tuple(i for i, s in zip(index, self.along, strict=True) if s[k])
                if moving not in shared:
                    strides = [s[k] for _, s in self.reduced] + [s[k] for s in self.along]
                    wide = width if self.along else 1
                    shared[moving] = loaded_at(x, [*inner, *index], strides, wide)
                values.append(shared[moving])
            found.append(self._added(total, values))
        return found

    def _alone(self, places: list[Place], n: int, strides: Sequence[int]) -> bool:
        """Whether one sum over an axis can be taken in vectors along that axis."""
        alone = self.f.unit == 1 and len(places) == 1 and places[0][1] == 1 and n >= 2 * WIDTH
        return alone and all(s in (0, 1) for s in strides) and any(strides)

    def _dot(self, where: list[Any], total: Scalar) -> Scalar:
        """Return a sum along the innermost reduced axis, in vectors along it."""
        f, n = self.f, self.reduced[-1][0]
        every = [*self.along, *(s for _, s in self.reduced)]
        lists = [[s[k] for s in every] for k in range(len(self.args))]

        def added(total: Scalar, i: Any, width: int) -> Scalar:
            loads = zip(self.args, lists, strict=True)
            new = self._added(total, [loaded_at(x, [*where, i], s, width) for x, s in loads])
            return f.splat(new, width)

        vectors = n // WIDTH
        count = min(SUMS // 2, vectors)
        partial, start = [f.zero(WIDTH, self.complex)] * count, 0

        def several(i: Any, totals: list[Scalar]) -> list[Scalar]:
            places = (f.whole("add", i, c * WIDTH) for c in range(count))
            return [added(t, place, WIDTH) for t, place in zip(totals, places, strict=True)]

        if vectors > UNROLL:
            start = vectors // count * count
            partial = f.fold(0, start * WIDTH, partial, several, count * WIDTH)
        for c, i in enumerate(range(start, vectors)):
            partial[c % count] = added(partial[c % count], i * WIDTH, WIDTH)
        while len(partial) > 1:
            pairs = [partial[c : c + 2] for c in range(0, len(partial), 2)]
            partial = [p[0] + p[1] if len(p) == 2 else p[0] for p in pairs]
        total = total + f.total(partial[0])
        for i in range(vectors * WIDTH, n):
            total = added(total, i, 1)
        return total
