"""Products of two parts of a graded algebra as one instruction: sums of products of rows.

With the structure constants c_opq of the algebra between parts x, y and z of one degree each, whose
rows are arrays, z_o = Σ c_opq x_p y_q.  It is linear in both factors, and so are its adjoints,
which are of its own kind:

    x̄_p = Σ c_opq z̄_o y_q,     ȳ_q = Σ c_opq x_p z̄_o.

So neither needs more memory than the parts themselves, however many products there are.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from taylor.core import patterns
from taylor.core.einsum import Products
from taylor.core.instructions import At, Number, Shape, Whole, added, full, key_of
from taylor.core.operand import host, lift
from taylor.core.products import Pairs, collected, sorted_pairs
from taylor.numbers.values import shape_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

CHUNK = 256  # products whose terms are in memory at a time
FLOATS = (np.dtype(float), np.dtype(complex))


@dataclass(eq=False)
class Bilinear(Products):
    """Σ weights·x[p]·y[q] of each row of the result, that has as many rows as `rows` says, of x, y.

    >>> pairs = Pairs(np.array([0, 1]), np.array([1, 0]), np.array([0]), np.array([1]))
    >>> Bilinear(pairs, (2, 2, 2)).value([np.array([1.0, 2.0]), np.array([3.0, 4.0])], float)
    array([ 0., 10.])
    """

    pairs: Pairs
    rows: tuple[int, int, int]  # of the result, x and y

    @functools.cached_property
    def _key(self) -> tuple[Any, ...]:
        return (Bilinear, *map(key_of, (*self.pairs, self.rows)))

    def key(self) -> Any:
        return self._key

    @functools.cached_property
    def turned(self) -> tuple[Bilinear, Bilinear]:
        """What gives the adjoints of x and y, of z̄ and the other factor."""
        out, (p, q, *_, weights), (n, nx, ny) = self.pairs.rows, self.pairs, self.rows
        return (
            Bilinear(sorted_pairs(p, out, q, weights), (nx, n, ny)),
            Bilinear(sorted_pairs(q, out, p, weights), (ny, n, nx)),
        )

    @functools.cached_property
    def chunks(self) -> list[tuple[Pairs, int]]:
        """The products of some rows at a time, about CHUNK of them, and how many rows these are.

        Their weights are floats.
        """
        (p, q, *_, weights), out, n = self.pairs, self.pairs.rows, self.rows[0]
        found, start = [], 0
        while start < n:
            first = int(np.searchsorted(out, start))
            stop = n if first + CHUNK >= len(out) else max(start + 1, int(out[first + CHUNK]))
            some = slice(first, int(np.searchsorted(out, stop)))
            own = None if weights is None else weights[some].astype(float)
            found.append((sorted_pairs(out[some] - start, p[some], q[some], own), stop - start))
            start = stop
        return found

    def shape(self, shapes: list[Shape]) -> Shape:
        return (self.rows[0], *shapes[0][1:])

    def value(self, a: Sequence[Any], number: Number) -> Any:
        x, y = (lift(v) for v in a)
        owner = host([x, y])
        if owner is None or not owner.takes_all:
            return self.written_out(x, y)
        tail = np.broadcast_shapes(shape_of(x)[1:], shape_of(y)[1:])
        factors = [
            v if shape_of(v)[1:] == tail else np.broadcast_to(v, (shape_of(v)[0], *tail))
            for v in (x, y)
        ]
        return owner.process(self, factors)

    def written_out(self, x: Any, y: Any) -> Any:
        """Return it as products and sums of arrays; of floats a few rows at a time."""
        if not all(type(v) is np.ndarray and v.dtype in FLOATS for v in (x, y)):
            return collected(self.pairs, self.rows[0], x, y)
        parts = [collected(part, count, x, y) for part, count in self.chunks]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def tangent(self, at: At, d: list[Any]) -> Any:
        parts, whole = [], at.whole(d)
        others = at.a if at.lanes is None else [x[..., None] for x in at.a]
        for n, e in enumerate(d):
            factors = [whole[0], others[1]] if n == 0 else [others[0], whole[1]]
            parts.append(None if e is None else self.value(factors, float))
        return added(*parts)

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        (left, right), (x, y) = self.turned, at.a
        bar = bar if shape_of(bar) == at.shape else full(bar, at.shape)
        return (
            Whole(left.value([bar, y], float)) if wanted[0] else None,
            Whole(right.value([bar, x], float)) if wanted[1] else None,
        )

    def expanded(self, tape: Any, args: list[Any], shape: Shape) -> Any:
        """Products and sums."""
        return collected(self.pairs, self.rows[0], *args)

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        size, every = math.prod(shape[1:]), []
        element = np.arange(size)
        to = (self.pairs.rows[:, None] * size + element).ravel()
        for p, index in zip(x, self.pairs[:2], strict=True):
            source = (index[:, None] * size + element).ravel()
            every.append(patterns.ones(to, source, (math.prod(shape), p.shape[0])) @ p)
        return patterns.union(every)

    def show(self, v: list[str], shape: Shape) -> str:
        return f"bilinear({len(self.pairs.p)} products, {', '.join(v)})"
