"""Piecewise polynomials of scipy.interpolate in the points and in their coefficients.

The coefficients of the interval of a point are looked up, and constant between the knots, where an
integrator's steps end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.interpolate

from taylor.core import functions as fn
from taylor.core.lookups import lookup
from taylor.core.operand import as_array
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import is_operand
from taylor.scipy.solved import implicit

__all__ = ["BPoly", "BSpline", "PPoly", "PiecewisePolynomial"]

Array = Any


def plain_knots(x: Any) -> Array:
    """Return plain numbers as an array."""
    if is_operand(as_array(x)):
        raise TypeError("the knots are plain numbers; only points and data have derivatives")
    return np.asarray(x, dtype=float)


def knots_of(x: Any) -> Array:
    """Return plain increasing numbers as an array."""
    found = plain_knots(x)
    if found.ndim != 1 or len(found) < 2 or np.any(np.diff(found) <= 0):
        raise ValueError("the knots must be a vector of increasing numbers")
    return found


class PiecewisePolynomial:
    """Σ_j c[j, i] (x - x_i)^(k-1-j) on [x_i, x_(i+1)], as scipy.interpolate.PPoly.

    `axis` is that of the data in the values; with extrapolate "periodic" x counts modulo the last
    knot less the first.
    """

    def __init__(self, c: Any, x: Array, extrapolate: bool | str = True, axis: int = 0) -> None:
        self.c, self.x, self.extrapolate, self.axis = c, x, extrapolate, axis

    def __call__(self, x: Any, nu: int = 0) -> Any:
        """Return the value, or the nu-th derivative, at points."""
        if nu:
            return self.derivative(nu)(x)
        x, first, last = as_array(x), self.x[0], self.x[-1]
        if self.extrapolate == "periodic":
            x = first + np.mod(x - first, last - first)
        inner, more, points = self.x[1:-1], (1,) * (np.ndim(self.c) - 2), np.ndim(x)
        t = np.reshape(x - lookup(x, inner, self.x[:-1]), (*np.shape(x), *more))
        rows = np.moveaxis(lookup(x, inner, np.moveaxis(self.c, 1, 0)), points, 0)
        y = rows[0]
        for row in rows[1:]:
            y = y * t + row
        if len(rows) == 1:
            y = y + 0 * t
        if not self.extrapolate:
            x = np.reshape(x, np.shape(t))
            y = np.where(x < first, np.nan, np.where(x > last, np.nan, y))
        return along(y, points, self.axis)

    def _with(self, c: Any) -> PiecewisePolynomial:
        return PiecewisePolynomial(c, self.x, self.extrapolate, self.axis)

    def derivative(self, nu: int = 1) -> PiecewisePolynomial:
        """Return the nu-th derivative."""
        k = np.shape(self.c)[0]
        if nu >= k:
            return self._with(self.c[-1:] * 0)
        powers = [math.perm(k - 1 - j, nu) for j in range(k - nu)]
        scale = np.reshape(np.array(powers, dtype=float), (-1,) + (1,) * (np.ndim(self.c) - 1))
        return self._with(self.c[: k - nu] * scale)

    def antiderivative(self) -> PiecewisePolynomial:
        """Return the integral from the first knot."""
        k, more = np.shape(self.c)[0], (1,) * (np.ndim(self.c) - 2)
        powers = np.arange(k, 0, -1, dtype=float)
        c = self.c / np.reshape(powers, (-1, 1, *more))
        h = np.diff(self.x)
        pieces = sum(c[j] * np.reshape(h ** (k - j), (-1, *more)) for j in range(k))
        start = np.concatenate([pieces[:1] * 0, np.cumsum(pieces, axis=0)[:-1]])
        whole = np.concatenate([c, np.reshape(start, (1, *np.shape(start)))])
        return self._with(whole)

    def integrate(self, a: Any, b: Any) -> Any:
        """Return the integral from a to b."""
        whole = self.antiderivative()
        return whole(b) - whole(a)

    def integral(self, a: Any, b: Any) -> Any:
        """Return the integral from a to b of what is zero beyond the knots, as FITPACK's."""
        a, b = (fn.minimum(fn.maximum(as_array(e), self.x[0]), self.x[-1]) for e in (a, b))
        return self.integrate(a, b)

    def derivatives(self, x: Any) -> Any:
        """Return the value and all derivatives at a point."""
        return as_array([self(x, nu) for nu in range(np.shape(self.c)[0])])

    def solve(self, y: Any = 0.0, discontinuity: bool = True, extrapolate: Any = None) -> Any:
        """Return the places where the value is y, as scipy.interpolate.PPoly.solve.

        They have derivatives in y and in the coefficients, of polynomials of numbers.

        >>> PPoly([[1.0], [-2.0]], [0.0, 4.0]).solve(1.0)
        array([3.])
        """
        c, y = as_array(self.c), as_array(y)
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        if is_operand(c) and np.ndim(c) > 2:
            raise TypeError("solve and roots of what varies take polynomials of numbers")

        def find(p: tuple[Any, ...]) -> tuple[None, Any]:
            made = scipy.interpolate.PPoly(p[0], self.x, extrapolate)
            return None, made.solve(float(p[1]), discontinuity, extrapolate)

        def equation(x: Any, c: Any, y: Any) -> Any:
            return PiecewisePolynomial(c, self.x, extrapolate or True)(x) - y

        return implicit(equation, find, (c, y))[0]

    def roots(self, discontinuity: bool = True, extrapolate: Any = None) -> Any:
        """Return the zeros, as `solve`."""
        return self.solve(0.0, discontinuity, extrapolate)


def along(y: Any, points: int, axis: int) -> Any:
    """Return values with the axes of the points, which come first, in the place of an axis."""
    axes = list(range(np.ndim(y)))
    to = axes[points : points + axis] + axes[:points] + axes[points + axis :]
    return np.transpose(y, to) if axis and points else y


class PPoly(PiecewisePolynomial):
    """Σ_j c[j, i] (x - x_i)^(k-1-j) on [x_i, x_(i+1)], in x and in c.

    >>> float(PPoly([[1.0], [2.0]], [0.0, 1.0])(0.5))
    2.5
    """

    def __init__(self, c: Any, x: Any, extrapolate: Any = None, axis: int = 0) -> None:
        c, x = as_array(c), knots_of(x)
        c = np.moveaxis(c, (axis, axis + 1), (0, 1))
        if np.ndim(c) < 2 or np.shape(c)[1] != len(x) - 1:
            raise ShapeMismatch(f"coefficients of shape {np.shape(c)} for {len(x)} knots")
        super().__init__(c, x, True if extrapolate is None else extrapolate, axis)

    @staticmethod
    def from_spline(tck: Any, extrapolate: Any = None) -> PiecewisePolynomial:
        """Return the polynomials of a spline: an object, or (t, c, k)."""
        made = BSpline(*tck) if isinstance(tck, tuple) else tck
        if not isinstance(made, PiecewisePolynomial):
            made = BSpline(made.t, made.c, made.k, made.extrapolate)
        extrapolate = made.extrapolate if extrapolate is None else extrapolate
        return PiecewisePolynomial(made.c, made.x, extrapolate, made.axis)

    @staticmethod
    def from_bernstein_basis(bp: Any, extrapolate: Any = None) -> PiecewisePolynomial:
        """Return the polynomials of a `BPoly`."""
        if not isinstance(bp, PiecewisePolynomial):
            bp = BPoly(bp.c, bp.x, bp.extrapolate, bp.axis)
        extrapolate = bp.extrapolate if extrapolate is None else extrapolate
        return PiecewisePolynomial(bp.c, bp.x, extrapolate, bp.axis)


class BPoly(PPoly):
    """Σ_a c[a, i] B_(a,k)(t), t = (x - x_i)/(x_(i+1) - x_i), Bernstein's polynomials.

    In powers of t the coefficient of t^s is Σ_a (-1)^(s-a) C(k, a) C(k-a, s-a) c_a.

    >>> float(BPoly([[1.0], [2.0], [5.0]], [0.0, 1.0])(0.5))
    2.5
    """

    def __init__(self, c: Any, x: Any, extrapolate: Any = None, axis: int = 0) -> None:
        c, knots = as_array(c), knots_of(x)
        c = np.moveaxis(c, (axis, axis + 1), (0, 1))
        k, h = np.shape(c)[0] - 1, np.diff(knots)
        powers = [[(-1.0) ** (s - a) * math.comb(k, a) * math.comb(k - a, s - a) if a <= s else 0.0
                   for a in range(k + 1)] for s in range(k, -1, -1)]  # fmt: skip
        scale = h ** -np.arange(k, -1, -1.0)[:, None]
        rows = np.tensordot(np.array(powers), c, 1) * np.reshape(
            scale, (*scale.shape, *(1,) * (np.ndim(c) - 2))
        )
        super().__init__(np.moveaxis(rows, (0, 1), (axis, axis + 1)), knots, extrapolate, axis)

    @staticmethod
    def from_derivatives(
        xi: Any, yi: Any, orders: Any = None, extrapolate: Any = None
    ) -> PiecewisePolynomial:
        """Return the polynomials with values and derivatives yi[i] at xi[i], numbers each.

        >>> float(BPoly.from_derivatives([0.0, 1.0], [[0.0, 0.0], [1.0, 2.0]])(0.5))
        0.25
        """
        own, parts = scipy.interpolate.BPoly.from_derivatives, [as_array(y) for y in yi]
        if any(np.ndim(y) != 1 for y in parts):
            raise ShapeMismatch("from_derivatives takes a vector of derivatives for each knot")
        ends = np.cumsum([len(y) for y in parts])
        units = [own(xi, np.split(e, ends[:-1]), orders) for e in np.eye(ends[-1])]
        c = np.tensordot(np.stack([u.c for u in units], -1), np.concatenate(parts), 1)
        return BPoly(c, xi, extrapolate)


class BSpline(PiecewisePolynomial):
    """Σ_j c_j B_j of degree k for knots t (de Boor, ch. IX), in x and in c."""

    def __init__(
        self, t: Any, c: Any, k: int, extrapolate: bool | str = True, axis: int = 0
    ) -> None:
        t, c = np.asarray(t, dtype=float), as_array(c)
        count = len(t) - k - 1
        if np.ndim(c) < 1 or np.shape(c)[axis] < count:
            raise ShapeMismatch(f"{len(t)} knots of degree {k} need {count} coefficients")
        c = np.moveaxis(c, axis, 0)[:count]
        made = of_data(lambda c: polynomials(t, c, k), c, extrapolate, axis % np.ndim(c))
        super().__init__(made.c, made.x, extrapolate, made.axis)

    @staticmethod
    def basis_element(t: Any, extrapolate: bool | str = True) -> BSpline:
        """Return the B-spline with knots t."""
        t, k = np.asarray(t, dtype=float), len(t) - 2
        knots = np.concatenate([np.full(k, t[0] - 1), t, np.full(k, t[-1] + 1)])
        return BSpline(knots, np.eye(2 * k + 1)[k], k, extrapolate)

    design_matrix = staticmethod(scipy.interpolate.BSpline.design_matrix)


def of_data(
    make: Callable[[Any], Any], y: Any, extrapolate: bool | str, axis: int, closed: bool = False
) -> PiecewisePolynomial:
    """Return the polynomials of data along the first axis; SciPy makes those of plain data.

    Of `closed` data the last are the first.
    """
    if not is_operand(y):
        made = make(np.asarray(y))
        return PiecewisePolynomial(made.c, made.x, extrapolate, axis)
    n = np.shape(y)[0]
    unit = make(np.eye(n - closed)[np.arange(n) % (n - closed)])
    y = y[: n - closed]
    flat = np.reshape(y, (n - closed, -1))
    c = np.reshape(np.matmul(unit.c, flat), (*unit.c.shape[:2], *np.shape(y)[1:]))
    return PiecewisePolynomial(c, unit.x, extrapolate, axis)


def polynomials(t: Array, c: Array, k: int) -> scipy.interpolate.PPoly:
    """Return the piecewise polynomial of a B-spline, without intervals of length zero."""
    kept = np.flatnonzero(np.diff(t) > 0)
    kept = kept[(t[kept] >= t[k]) & (t[kept] < t[-k - 1])]
    spline = scipy.interpolate.BSpline(t, c, k)
    rows = [spline(t[kept], nu=m) / math.factorial(m) for m in range(k, -1, -1)]
    return scipy.interpolate.PPoly(np.stack(rows), np.append(t[kept], t[-k - 1]))
