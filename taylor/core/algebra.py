"""Algebras graded by degree: what a coefficient table is and how two of them are multiplied.

A table holds the coefficients of one series along its first axis, sorted by degree; the other axes
are those of the array the series describes.  Its numbers are float64, complex128, Python objects
(Fraction, mpf, intervals), or again a series of another algebra or tag (nesting).

Multiplication is needed in one form only.  With x = Σ x_j, y = Σ y_j by degree, the part of degree
k >= 1 of x·y is

    x_0 y_k + x_k y_0 + interior(k, x, y),     interior(k, x, y) = Σ_{j=1..k-1} x_j y_{k-j}

and every step rule of the package is written with `interior`: the boundary terms only scale, so a
constant never convolves and an unknown y_k is never multiplied by anything but a value.  `Algebra`
says all that is asked of an algebra; `Graded` has it for any one that can tell its pairs of basis
elements by the degree of their product (`graded`, `structured`).
"""

from __future__ import annotations

import functools
import math
import operator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from taylor.core.tables import contract_rows, dot, last_nonzero, of_rows, trimmed_product
from taylor.numbers import balls
from taylor.numbers.contexts import is_set
from taylor.numbers.kinds import Array, is_operand

MAX_ORDER = 10**7
FEW = 1 << 9  # products of coefficients, in all lanes, in which NumPy is as fast as machine code
GATHERED = 1 << 16  # and those up to which they are gathered


def check_order(order: Any) -> int:
    """Return a valid order (an int >= 0)."""
    try:
        k = operator.index(order)
    except TypeError:
        raise TypeError(f"order must be an integer >= 0, not {order!r}") from None
    if k < 0:
        raise ValueError(f"order must be >= 0, not {k}")
    if k > MAX_ORDER:
        raise ValueError(f"order {k} cannot fit in memory; the largest order is {MAX_ORDER}")
    return k


class Algebra(Protocol):
    """What is asked of an algebra: the parts of each degree and `interior`; the rest is like them.

    Algebras are values: equal ones have one hash.  `product` and `bilinear` are for series whose
    tables are known, the other products for steps that know the parts below degree k.
    """

    @property
    def order(self) -> int:
        """The highest degree."""

    @property
    def size(self) -> int:
        """Number of coefficients."""

    @property
    def degrees(self) -> Array:
        """The degree of each coefficient, ascending; the first one alone has degree 0."""

    @property
    def variables(self) -> int:
        """Number of variables: the coefficients of degree 1."""

    @property
    def all_pairs(self) -> list[Array]:
        """The pairs (p, q) of coefficients of all products, and where each product begins."""

    @property
    def count(self) -> int:
        """Number of pairs of coefficients whose product is kept, or a bound of it."""

    def __hash__(self) -> int: ...

    def part(self, k: int) -> int | slice:
        """Return the index of the part of degree k in a table."""

    def height(self, x: Array) -> int:
        """Return the degree of the last part of a table that is not zero (in some lane)."""

    def interior(self, k: int, x: Array, y: Array, hx: int, hy: int) -> Array | None:
        """Return Σ x_j y_{k-j} over 1 <= j < k, j <= hx, k - j <= hy; None for no term."""

    def interior_of(
        self, spec: str, k: int, x: Array, y: Array, hx: int = MAX_ORDER, hy: int = MAX_ORDER
    ) -> Array | None:
        """Return Σ einsum(spec, x_j, y_{k-j}) over the j of `interior`; None for no term."""

    def product(self, x: Array, y: Array) -> Array:
        """Return the table of the product of two tables."""

    def bilinear(self, spec: str, x: Array, y: Array) -> Array:
        """Return the table of einsum(spec, ·, ·) of two tables."""

    def sign(self, k: int, d: Array, table: Array) -> Array:
        """Return the sign a series has around the point when d is its leading part; else nan."""

    def truncated(self, order: int) -> Algebra:
        """Return the algebra of the same kind up to that degree."""


@dataclass(frozen=True)
class Univariate:
    """Series in one variable up to degree `order`: part k is one coefficient (see `Algebra`).

    >>> Univariate(2).product(np.array([1.0, 1, 0]), np.array([1.0, 2, 3]))
    array([1., 3., 5.])
    """

    order: int

    def __hash__(self) -> int:
        return self.order

    @property
    def size(self) -> int:
        return self.order + 1

    @property
    def degrees(self) -> Array:
        return np.arange(self.order + 1)

    @property
    def variables(self) -> int:
        return 1

    def part(self, k: int) -> int:
        return k

    def truncated(self, order: int) -> Univariate:
        return univariate(order)

    def interior(self, k: int, x: Array, y: Array, hx: int, hy: int) -> Any:
        lo, hi = max(1, k - hy), min(k - 1, hx)
        if hi < lo:
            return None
        return dot(x[lo : hi + 1], y[k - hi : k - lo + 1][::-1])

    def product(self, x: Array, y: Array) -> Array:
        if type(x) is np.ndarray is type(y) and x.ndim == y.ndim == 1:
            if x.dtype == object:
                whole = balls.whole("mul", (True, True), self.size, (x, y))
                if whole is not None:
                    return whole
            z = np.convolve(x, y)[: self.order + 1]
            return z if z[-1] == z[-1] else trimmed_product(x, y)
        found = gathered(x, y, self)
        if found is not None:
            return found
        z = np.stack([dot(x[: k + 1], y[k::-1]) for k in range(self.order + 1)])
        return z if is_operand(z) or z.dtype == object else self._mend(x, y, z)

    @property
    def count(self) -> int:
        return (self.order + 1) * (self.order + 2) // 2

    @property
    def all_pairs(self) -> list[Array]:
        """The pairs (P, Q) of all products in their order, and where each product begins."""
        return _triangle(self.order)

    def _mend(self, x: Array, y: Array, z: Array) -> Array:
        """Redo the lanes in which a padding zero met an infinity."""
        for lane in zip(*np.nonzero(np.isnan(z[-1])), strict=True):
            a, b = (np.broadcast_to(v, z.shape)[(slice(None), *lane)] for v in (x, y))
            z[(slice(None), *lane)] = trimmed_product(a, b)
        return z

    def height(self, x: Array) -> int:
        return last_nonzero(x)

    def bilinear(self, spec: str, x: Array, y: Array) -> Array:
        found = gathered(x, y, self, spec)
        if found is not None:
            return found
        return np.stack(
            [contract_rows(spec, x[: k + 1], y[k::-1], total=True) for k in range(self.order + 1)]
        )

    def interior_of(
        self, spec: str, k: int, x: Array, y: Array, hx: int = MAX_ORDER, hy: int = MAX_ORDER
    ) -> Array | None:
        lo, hi = max(1, k - hy), min(k - 1, hx)
        if hi < lo:
            return None
        rows: Array = contract_rows(spec, x[lo : hi + 1], y[k - hi : k - lo + 1][::-1], total=True)
        return rows

    def sign(self, k: int, d: Array, table: Array) -> Array:
        if is_set(d):  # the sides of thin intervals meet
            return np.full(np.shape(d), math.nan)
        return np.sign(d) if k % 2 == 0 else d * math.nan

    def __str__(self) -> str:
        return f"a series of order {self.order}"


@functools.lru_cache(maxsize=256)
def _triangle(order: int) -> list[Array]:
    total, p = np.tril_indices(order + 1)
    return [p, total - p, np.flatnonzero(p == 0)]


def few_products(algebra: Any, x: Array, y: Array, most: int = FEW) -> bool:
    """Whether a product of two tables takes less than so many products of numbers."""
    return bool(max(x.size, y.size) * algebra.count < most * algebra.size)


def gathered(x: Array, y: Array, algebra: Any, spec: str = "") -> Array | None:
    """Return the product of two tables, or their einsum, from all pairs, or None.

    None if it is not finite (0·inf would be met), or not of floats, or takes too much memory.
    """
    if any(type(v) is not np.ndarray or v.dtype == object for v in (x, y)):
        return None
    if not few_products(algebra, x, y, FEW if spec else GATHERED):
        return None
    p, q, starts = algebra.all_pairs
    terms = np.einsum(of_rows(spec, True, True, False), x[p], y[q]) if spec else x[p] * y[q]
    z = np.add.reduceat(terms, starts, axis=0)
    return z if np.isfinite(np.add.reduce(z, axis=None)) else None


@functools.lru_cache(maxsize=256)
def univariate(order: int) -> Univariate:
    """Return the algebra of series in one variable: the same one, which is soon found to be it."""
    return Univariate(order)
