"""The monomials of Taylor models, and bounds of what floats computed with them have lost.

All bounds are of numbers >= 0 that were computed with a known number of roundings to nearest: each
takes at most u = 2^-53 of the result, or 2^-1075 where it is subnormal.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.algebra import check_order
from taylor.core.graded import Monomials, monomials
from taylor.machine import engine

Floats = NDArray[np.float64]
U = 2.0**-52  # twice the error of a rounding
TINY = 5e-324


def above(x: Any, count: int = 8) -> Any:
    """Return what a number >= 0 is at most, if it is the result of `count` roundings."""
    return x * (1 + count * U) + count * TINY


def norm(coef: Any) -> Any:
    """Return a bound of the sum of the absolute coefficients."""
    return above(np.add.reduce(np.abs(coef), axis=0), len(coef))


class Symbols(Monomials):
    """Monomials up to a degree in n symbols, alone or times one of some linear generators."""

    def __init__(self, n: int, order: int, generators: int) -> None:
        order = max(check_order(order), 1 if generators else 0)
        alone = monomials(n, order)
        rows = [np.pad(alone, ((0, 0), (0, generators)))]
        for j in range(generators):
            row = rows[0][alone.sum(1) < order].copy()
            row[:, n + j] = 1
            rows.append(row)
        exponents = np.concatenate(rows)
        by_degree = np.argsort(exponents.sum(1), kind="stable")
        super().__init__("model", exponents[by_degree], order)
        self.symbols, self.generators = n, generators
        powers = self.exponents.astype(int)
        even = (powers % 2 == 0).all(1)
        self.even, self.odd = np.flatnonzero(even)[1:], np.flatnonzero(~even)
        self.linear = [self.index(e) for e in np.eye(n + generators, dtype=int)] if order else []

    @property
    def identity(self) -> tuple[Any, ...]:
        return (self.symbols, self.generators, self.order)

    def __reduce__(self) -> tuple[Any, ...]:
        return (symbols, (self.symbols, self.order, self.generators))

    def _products(self, k: int, lo: int, hi: int) -> tuple[Any, ...]:
        p, q, out = super()._products(k, lo, hi)
        given = self.exponents[self.part(k)][out]
        kept = (self.exponents[p] + self.exponents[q] == given).all(1)
        return p[kept], q[kept], out[kept]

    @functools.cached_property
    def count(self) -> int:
        return len(self.all_pairs[0])

    @functools.cached_property
    def most(self) -> int:
        """The most products that a coefficient of a product is the sum of."""
        return int(np.diff(self.all_pairs[2], append=self.count).max())

    @functools.cached_property
    def classes(self) -> tuple[Floats, Floats]:
        """Which monomials are of which degree and kind, and which pairs of these are not kept."""
        degree = self.exponents[:, : self.symbols].sum(1, dtype=int)
        linear = self.exponents[:, self.symbols :].sum(1, dtype=int)
        known = sorted(set(zip(degree.tolist(), linear.tolist(), strict=True)))
        place = [known.index(pair) for pair in zip(degree.tolist(), linear.tolist(), strict=True)]
        members = np.zeros((len(known), self.size))
        members[place, np.arange(self.size)] = 1
        lost = [[float((a + c, b + d) not in known) for c, d in known] for a, b in known]
        return members, np.array(lost)

    def beyond(self, x: Floats, y: Floats) -> Any:
        """Return a bound of the part of a product that is not kept, of absolute coefficients."""
        members, lost = self.classes
        left, right = (members @ v.reshape(self.size, -1) for v in (x, y))
        shapes = x.shape[1:], y.shape[1:]
        left, right = (v.reshape(-1, *s) for v, s in zip((left, lost @ right), shapes, strict=True))
        return above((left * right).sum(0), self.size + 2 * len(lost))

    @functools.cached_property
    def shifts(self) -> list[tuple[Any, ...]]:
        """Per symbol, what (c + sξ)^k = Σ C(k, j) c^(k-j) s^j ξ^j takes where."""
        found = []
        for i in range(self.symbols + self.generators):
            terms = []
            for source, e in enumerate(self.exponents.astype(int)):
                for j in range(e[i] + 1):
                    to = e.copy()
                    to[i] = j
                    terms.append((self.index(to), source, math.comb(e[i], j), e[i] - j, j))
            terms.sort()
            columns = [np.array(c) for c in zip(*terms, strict=True)]
            found.append((*columns, np.flatnonzero(np.diff(columns[0], prepend=-1))))
        return found

    def times(self, x: Floats, y: Floats) -> Floats:
        """Return the table of the kept part of a product, rounded in any order."""
        if x.ndim == y.ndim == 1:
            found = engine.product(self, x, y)
            if found is not None:
                return found
        p, q, starts = self.all_pairs
        return np.add.reduceat(x[p] * y[q], starts, axis=0)


@functools.lru_cache(maxsize=64)
def symbols(n: int, order: int, generators: int = 0) -> Symbols:
    """Return the monomials of models of an order in n symbols and some generators."""
    return Symbols(n, order, generators)
