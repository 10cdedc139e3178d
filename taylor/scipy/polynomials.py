"""Polynomials of scipy.interpolate through data, and rational functions of series."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.interpolate

from taylor.core.operand import as_array
from taylor.errors import ShapeMismatch
from taylor.linalg import solve
from taylor.numbers.kinds import is_operand
from taylor.scipy.piecewise import plain_knots

__all__ = [
    "BarycentricInterpolator", "KroghInterpolator", "Polynomial", "barycentric_interpolate",
    "krogh_interpolate", "lagrange", "pade",
]  # fmt: skip


class BarycentricInterpolator:
    """The polynomial through data along the first axis (Berrut & Trefethen, SIAM Rev. 46, 2004).

    >>> float(BarycentricInterpolator([0.0, 1.0, 2.0], [0.0, 1.0, 4.0])(1.5))
    2.25
    """

    def __init__(self, xi: Any, yi: Any) -> None:
        self.xi, self.yi = plain_knots(xi), as_array(yi)
        if np.shape(self.yi)[:1] != np.shape(self.xi):
            raise ShapeMismatch(f"data of shape {np.shape(self.yi)} for {len(self.xi)} knots")
        gaps = (self.xi[:, None] - self.xi) * (4 / np.ptp(self.xi))  # of the size of their product
        np.fill_diagonal(gaps, 1.0)
        self.wi = 1 / gaps.prod(axis=1)

    def __call__(self, x: Any) -> Any:
        """Return the value at points: Σ_j y_j w_j Π_(k≠j) (x - x_k), over the same of ones."""
        x = as_array(x)
        off = np.reshape(x, (-1, 1)) - self.xi
        others = np.where(np.eye(len(self.xi), dtype=bool), 1.0, off[:, None, :])
        weights = self.wi * np.prod(others, axis=-1)
        flat = np.reshape(self.yi, (len(self.xi), -1))
        found = np.matmul(weights, flat) / np.sum(weights, axis=-1, keepdims=True)
        return np.reshape(found, (*np.shape(x), *np.shape(self.yi)[1:]))[()]


class KroghInterpolator:
    """The polynomial through data along an axis in Newton's form (Krogh, Math. Comp. 24, 1970).

    A knot that stands n times in a row has a value and n - 1 derivatives.

    >>> float(KroghInterpolator([0.0, 0.0, 1.0], [1.0, 2.0, 5.0])(0.5))
    2.5
    """

    def __init__(self, xi: Any, yi: Any, axis: int = 0) -> None:
        self.xi, y = plain_knots(xi), as_array(yi)
        if np.shape(y)[axis : axis + 1 or None] != np.shape(self.xi):
            raise ShapeMismatch(f"data of shape {np.shape(y)} for {len(self.xi)} knots")
        self.axis, y = axis % np.ndim(y), np.moveaxis(y, axis, 0)
        unit = scipy.interpolate.KroghInterpolator(self.xi, np.eye(len(self.xi))).c[: len(self.xi)]
        self.c = np.tensordot(unit, y, 1)

    def __call__(self, x: Any) -> Any:
        """Return the value at points: Σ_k c_k Π_(j<k) (x - x_j)."""
        x = as_array(x)
        at = np.reshape(x, (*np.shape(x), *(1,) * (np.ndim(self.c) - 1)))
        y = self.c[-1] + 0 * at
        for knot, c in zip(self.xi[-2::-1], self.c[-2::-1], strict=True):
            y = y * (at - knot) + c
        points = tuple(range(np.ndim(x)))
        return np.moveaxis(y, points, tuple(self.axis + i for i in points))


def barycentric_interpolate(xi: Any, yi: Any, x: Any) -> Any:
    """Return the value of `BarycentricInterpolator` at points."""
    return BarycentricInterpolator(xi, yi)(x)


def krogh_interpolate(xi: Any, yi: Any, x: Any, axis: int = 0) -> Any:
    """Return the value of `KroghInterpolator` at points."""
    return KroghInterpolator(xi, yi, axis)(x)


class Polynomial:
    """Σ_k c[k] x^(n-k), as numpy.poly1d, whose coefficients may be values of the package.

    >>> float(Polynomial([1.0, 0.0, 2.0])(3.0))
    11.0
    """

    def __init__(self, c: Any) -> None:
        self.c = self.coef = self.coeffs = as_array(c)

    def __call__(self, x: Any) -> Any:
        """Return the value at points."""
        y: Any = 0.0
        for c in self.c:
            y = y * x + c
        return y


def lagrange(x: Any, w: Any) -> Any:
    """Return the polynomial through (x, w), x plain, by its coefficients.

    It is a numpy.poly1d, or of data that vary a `Polynomial`.

    >>> lagrange([0.0, 1.0, 2.0], [0.0, 1.0, 4.0])(3.0)
    np.float64(9.0)
    """
    x, w = plain_knots(x), as_array(w)
    if not is_operand(w):
        return scipy.interpolate.lagrange(x, w)
    others = [np.delete(x, j) for j in range(len(x))]
    rows = [np.poly(r) / np.prod(x[j] - r) for j, r in enumerate(others)]
    return Polynomial(np.matmul(w, np.array(rows)))


def pade(an: Any, m: int, n: int | None = None) -> tuple[Any, Any]:
    """Return (p, q), of degrees n and m, with p/q = Σ a_k x^k + O(x^(n+m+1)), q(0) = 1.

    They are numpy.poly1d, or each a `Polynomial` if the coefficients vary (Baker & Graves-Morris,
    Padé Approximants, 1996, 1.1).

    >>> pade([1.0, 1.0, 0.5], 1)[1].c
    array([-0.5,  1. ])
    """
    a = as_array(an)
    if not is_operand(a):
        p, q = scipy.interpolate.pade(a, m, n)
        return p, q
    n = np.size(a) - 1 - m if n is None else n
    if m < 0 or n < 0 or m + n >= np.size(a):
        raise ValueError(f"pade: {np.size(a)} coefficients for the degrees {n} and {m}")
    padded = np.concatenate([np.zeros(m), a])  # a_k stands at k + m
    rows = [padded[k : k + m][::-1] for k in range(n + m + 1)]  # a_(k-1), ..., a_(k-m)
    q = np.zeros(0)
    if m:
        q = solve(np.stack(rows[n + 1 :]), -a[n + 1 : n + m + 1])
    p = np.stack([a[k] + np.sum(rows[k] * q) for k in range(n + 1)])
    return Polynomial(p[::-1]), Polynomial(np.concatenate([q[::-1], np.ones(1)]))
