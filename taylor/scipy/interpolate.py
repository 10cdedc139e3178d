"""scipy.interpolate in the points and in the data; the knots are plain numbers.

A spline is linear in its data: SciPy gives the piecewise polynomial of each unit vector, and the
data are contracted with these.  The interval of a point is constant between the knots.

>>> import taylor
>>> x = np.array([0.0, 1.0, 2.0, 3.0])
>>> taylor.taylor_coefficients(CubicSpline(x, x**3), 0.5, 3)
array([0.125, 0.75 , 1.5  , 1.   ])
>>> taylor.gradient(lambda y: interp1d(x, y)(0.25), x)
array([0.75, 0.25, 0.  , 0.  ])
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.interpolate

from taylor.core.advice import suggesting
from taylor.core.conditions import mask
from taylor.core.operand import as_array
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import is_operand

Array = Any
GRID_METHODS = {"linear": 1, "nearest": 0, "slinear": 1, "cubic": 3, "quintic": 5}


def _interval(x: Array, points: Any) -> Array:
    """Return the interval of each point, the first or last one outside."""
    found = np.digitize(points, x) - 1
    return np.clip(np.asarray(found), 0, len(x) - 2)


def _knots(x: Any) -> Array:
    if is_operand(as_array(x)):
        raise TypeError("the knots are plain numbers; only points and data have derivatives")
    found = np.asarray(x, dtype=float)
    if found.ndim != 1 or len(found) < 2 or np.any(np.diff(found) <= 0):
        raise ValueError("the knots must be a vector of increasing numbers")
    return found


class PiecewisePolynomial:
    """Σ_j c[j, i] (x - x_i)^(k-1-j) on [x_i, x_(i+1)], as scipy.interpolate.PPoly."""

    def __init__(self, c: Any, x: Array, extrapolate: bool = True) -> None:
        self.c, self.x, self.extrapolate = c, x, extrapolate

    def __call__(self, x: Any, nu: int = 0) -> Any:
        """Return the value, or the nu-th derivative, at points."""
        if nu:
            return self.derivative(nu)(x)
        x = as_array(x)
        i = _interval(self.x, x)
        more = (1,) * (np.ndim(self.c) - 2)
        t = np.reshape(x - self.x[i], (*np.shape(x), *more))
        y = self.c[0][i]
        for row in range(1, np.shape(self.c)[0]):
            y = y * t + self.c[row][i]
        if np.shape(self.c)[0] == 1:
            y = y + 0 * t
        if self.extrapolate:
            return y
        outside = (x < self.x[0]) | (x > self.x[-1])
        return np.where(np.reshape(np.asarray(outside), (*np.shape(x), *more)), np.nan, y)

    def derivative(self, nu: int = 1) -> PiecewisePolynomial:
        """Return the nu-th derivative."""
        k = np.shape(self.c)[0]
        if nu >= k:
            return PiecewisePolynomial(self.c[-1:] * 0, self.x, self.extrapolate)
        powers = [math.perm(k - 1 - j, nu) for j in range(k - nu)]
        scale = np.reshape(np.array(powers, dtype=float), (-1,) + (1,) * (np.ndim(self.c) - 1))
        return PiecewisePolynomial(self.c[: k - nu] * scale, self.x, self.extrapolate)

    def antiderivative(self) -> PiecewisePolynomial:
        """Return the integral from the first knot."""
        k, more = np.shape(self.c)[0], (1,) * (np.ndim(self.c) - 2)
        powers = np.arange(k, 0, -1, dtype=float)
        c = self.c / np.reshape(powers, (-1, 1, *more))
        h = np.diff(self.x)
        pieces = sum(c[j] * np.reshape(h ** (k - j), (-1, *more)) for j in range(k))
        start = np.concatenate([pieces[:1] * 0, np.cumsum(pieces, axis=0)[:-1]])
        whole = np.concatenate([c, np.reshape(start, (1, *np.shape(start)))])
        return PiecewisePolynomial(whole, self.x, self.extrapolate)

    def integrate(self, a: Any, b: Any) -> Any:
        """Return the integral from a to b."""
        whole = self.antiderivative()
        return whole(b) - whole(a)


def _of_data(unit: scipy.interpolate.PPoly, y: Any, extrapolate: bool) -> PiecewisePolynomial:
    """Return the polynomial of data along the first axis, given those of the unit vectors."""
    y = as_array(y)
    flat = np.reshape(y, (np.shape(y)[0], -1))
    c = np.reshape(np.matmul(unit.c, flat), (*unit.c.shape[:2], *np.shape(y)[1:]))
    return PiecewisePolynomial(c, unit.x, extrapolate)


def _checked(x: Any, y: Any) -> tuple[Array, Any]:
    x, y = _knots(x), as_array(y)
    if np.ndim(y) < 1 or np.shape(y)[0] != len(x):
        raise ShapeMismatch(f"data of shape {np.shape(y)} do not fit {len(x)} knots")
    return x, y


def CubicSpline(
    x: Any, y: Any, *, bc_type: str = "not-a-knot", extrapolate: bool = True
) -> PiecewisePolynomial:
    """Return the cubic spline through data along the first axis (de Boor, ch. IV).

    bc_type: "not-a-knot", "natural" or "clamped".
    """
    x, y = _checked(x, y)
    if bc_type not in ("not-a-knot", "natural", "clamped"):
        raise ValueError(f"bc_type is 'not-a-knot', 'natural' or 'clamped' here, not {bc_type!r}")
    unit = scipy.interpolate.CubicSpline(x, np.eye(len(x)), bc_type=bc_type)
    return _of_data(unit, y, extrapolate)


def make_interp_spline(x: Any, y: Any, k: int = 3) -> PiecewisePolynomial:
    """Return the spline of degree k through data along the first axis."""
    x, y = _checked(x, y)
    unit = scipy.interpolate.make_interp_spline(x, np.eye(len(x)), k)
    return _of_data(_polynomials(unit.t, unit.c, k), y, True)


def BSpline(t: Any, c: Any, k: int, extrapolate: bool = True) -> PiecewisePolynomial:
    """Return Σ_j c_j B_j of degree k for knots t (de Boor, ch. IX), in x and in c."""
    t, c = np.asarray(t, dtype=float), as_array(c)
    count = len(t) - k - 1
    if np.ndim(c) < 1 or np.shape(c)[0] < count:
        raise ShapeMismatch(f"{len(t)} knots of degree {k} need {count} coefficients")
    return _of_data(_polynomials(t, np.eye(count), k), c[:count], extrapolate)


def _polynomials(t: Array, c: Array, k: int) -> scipy.interpolate.PPoly:
    """Return the piecewise polynomial of a B-spline, without intervals of length zero."""
    kept = np.flatnonzero(np.diff(t) > 0)
    kept = kept[(t[kept] >= t[k]) & (t[kept] < t[-k - 1])]
    spline = scipy.interpolate.BSpline(t, c, k)
    rows = [spline(t[kept], nu=m) / math.factorial(m) for m in range(k, -1, -1)]
    return scipy.interpolate.PPoly(np.stack(rows), np.append(t[kept], t[-k - 1]))


def PchipInterpolator(x: Any, y: Any, *, extrapolate: bool = True) -> PiecewisePolynomial:
    """Return the monotone cubic through data (Fritsch & Butland, SIAM J. Sci. Stat. Comput. 5).

    The slope at a knot is the weighted harmonic mean of those beside it, or zero at an extremum.
    """
    x, y = _checked(x, y)
    if np.ndim(y) != 1:
        raise ShapeMismatch(f"PchipInterpolator takes a vector of data, not shape {np.shape(y)}")
    h = np.diff(x)
    delta = (y[1:] - y[:-1]) / h
    d = np.concatenate([_end(h[:1], h[1:2], delta[:1], delta[1:2]), _inner(h, delta),
                        _end(h[-1:], h[-2:-1], delta[-1:], delta[-2:-1])])  # fmt: skip
    return CubicHermiteSpline(x, y, d, extrapolate=extrapolate)


def CubicHermiteSpline(
    x: Any, y: Any, dydx: Any, *, extrapolate: bool = True
) -> PiecewisePolynomial:
    """Return the piecewise cubic with values and slopes along the first axis."""
    x, y = _checked(x, y)
    d = as_array(dydx)
    if np.shape(d) != np.shape(y):
        raise ShapeMismatch(f"slopes of shape {np.shape(d)} for data of shape {np.shape(y)}")
    h = np.reshape(np.diff(x), (-1,) + (1,) * (np.ndim(y) - 1))
    delta = (y[1:] - y[:-1]) / h
    c3 = (d[:-1] + d[1:] - 2 * delta) / h**2
    c2 = (3 * delta - 2 * d[:-1] - d[1:]) / h
    return PiecewisePolynomial(np.stack([c3, c2, d[:-1], y[:-1]]), x, extrapolate)


def Akima1DInterpolator(x: Any, y: Any, *, extrapolate: bool = False) -> PiecewisePolynomial:
    """Return Akima's cubic through data (J. ACM 17, 1970), whose slopes are local means.

    With the slopes m of the intervals, two more at each end, that at a knot is
    (|m_(i+1) - m_i| m_(i-1) + |m_(i-1) - m_(i-2)| m_i)/(the sum of the weights).
    """
    x, y = _checked(x, y)
    if np.ndim(y) != 1 or len(x) < 3:
        raise ShapeMismatch(f"Akima1DInterpolator takes three or more data, not {np.shape(y)}")
    inner = (y[1:] - y[:-1]) / np.diff(x)
    before = 2 * inner[:1] - inner[1:2]
    after = 2 * inner[-1:] - inner[-2:-1]
    m = np.concatenate([2 * before - inner[:1], before, inner, after, 2 * after - inner[-1:]])
    jumps = abs(m[1:] - m[:-1])
    left, right = jumps[2:], jumps[:-2]
    total = left + right
    flat = np.asarray(total <= 1e-9 * np.max(total))
    mixed = (left * m[1:-2] + right * m[2:-1]) / np.where(flat, 1.0, total)
    return CubicHermiteSpline(
        x, y, np.where(flat, (m[3:] + m[:-3]) / 2, mixed), extrapolate=extrapolate
    )


class BarycentricInterpolator:
    """The polynomial through data along the first axis (Berrut & Trefethen, SIAM Rev. 46, 2004).

    >>> float(BarycentricInterpolator([0.0, 1.0, 2.0], [0.0, 1.0, 4.0])(1.5))
    2.25
    """

    def __init__(self, xi: Any, yi: Any) -> None:
        if is_operand(as_array(xi)):
            raise TypeError("the knots are plain numbers; only points and data have derivatives")
        self.xi, self.yi = np.asarray(xi, dtype=float), as_array(yi)
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


class RBFInterpolator:
    """Radial basis functions through data at plain points: linear in the data.

    SciPy gives the matrix of data to values, for its arguments.

    >>> float(RBFInterpolator([[0.0], [1.0], [3.0]], [0.0, 2.0, 6.0])([[2.0]])[0].round(9))
    4.0
    """

    def __init__(self, y: Any, d: Any, **options: Any) -> None:
        if is_operand(as_array(y)):
            raise TypeError("the points of the data are plain numbers; only data have derivatives")
        self.d = as_array(d)
        self.unit = scipy.interpolate.RBFInterpolator(y, np.eye(len(np.asarray(y))), **options)

    def __call__(self, x: Any) -> Any:
        """Return the values at plain points."""
        if is_operand(as_array(x)):
            raise TypeError("RBFInterpolator has derivatives in the data only, not in the points")
        found = np.matmul(self.unit(np.asarray(x)), np.reshape(self.d, (np.shape(self.d)[0], -1)))
        return np.reshape(found, (np.shape(found)[0], *np.shape(self.d)[1:]))


def _inner(h: Array, delta: Any) -> Any:
    w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
    left, right = delta[:-1], delta[1:]
    mean = np.asarray(left * right > 0)
    left, right = np.where(mean, left, 1.0), np.where(mean, right, 1.0)
    return np.where(mean, (w1 + w2) / (w1 / left + w2 / right), 0.0)


def _end(h0: Array, h1: Array, d0: Any, d1: Any) -> Any:
    """Return the slope at an end: of three points, but of the sign and at most thrice of d0."""
    if not len(h1):
        return d0
    d = ((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1)
    d = np.where(np.asarray((d0 * d1 <= 0) & (abs(d) > 3 * abs(d0))), 3 * d0, d)
    return np.where(np.asarray(d * d0 <= 0), 0.0, d)


STEPS = ("previous", "next", "nearest")


def _steps(x: Array, y: Any, kind: str) -> Any:
    """Return a function that is constant between jumps."""
    jumps, right = {
        "previous": (x[1:], False),
        "next": (x[:-1], True),
        "nearest": ((x[1:] + x[:-1]) / 2, True),
    }[kind]
    return lambda points: y[np.asarray(np.digitize(points, jumps, right=right))]


def _degree(kind: str | int) -> int:
    degree = {"linear": 1, "quadratic": 2, "cubic": 3}.get(str(kind), kind)
    if not isinstance(degree, int):
        raise ValueError(f"interp1d knows no kind {kind!r}")
    return degree


def interp1d(
    x: Any,
    y: Any,
    kind: str | int = "linear",
    *,
    bounds_error: bool = True,
    fill_value: Any = np.nan,
) -> Any:
    """Return a function that interpolates data along the first axis.

    kind: "linear", "quadratic", "cubic" or a degree; "previous", "next", "nearest" are constant
    between their jumps.  Outside of the data: ValueError, fill_value, or "extrapolate".
    """
    x, y = _checked(x, y)
    inner = _steps(x, y, str(kind)) if kind in STEPS else make_interp_spline(x, y, _degree(kind))

    def call(points: Any) -> Any:
        points = as_array(points)
        if isinstance(fill_value, str):
            return inner(points)
        outside = np.asarray((points < x[0]) | (points > x[-1]))
        if outside.any() and bounds_error:
            raise ValueError(f"a point lies outside of the data, [{x[0]}, {x[-1]}]")
        found = inner(np.where(outside, x[0], points))
        mask = np.reshape(outside, (*outside.shape, *(1,) * (np.ndim(y) - 1)))
        return np.where(mask, fill_value, found) if outside.any() else found

    return call


class RegularGridInterpolator:
    """Interpolation of values on a grid, in the points and in the values.

    method: "linear" ("slinear"), "nearest", or with splines of degree 3 and 5 along each axis
    "cubic", "quintic".

    >>> grid = RegularGridInterpolator(([0.0, 1.0], [0.0, 1.0]), [[0.0, 1.0], [2.0, 3.0]])
    >>> grid([[0.5, 0.25]])
    array([1.25])
    """

    def __init__(
        self,
        points: Sequence[Any],
        values: Any,
        method: str = "linear",
        bounds_error: bool = True,
        fill_value: Any = np.nan,
    ) -> None:
        if method not in GRID_METHODS:
            raise ValueError(f"method is one of {', '.join(GRID_METHODS)} here, not {method!r}")
        self.method = method
        self.grid, self.values = [_knots(p) for p in points], as_array(values)
        self.bounds_error, self.fill_value = bounds_error, fill_value
        sizes = tuple(map(len, self.grid))
        if np.shape(self.values)[: len(sizes)] != sizes:
            raise ShapeMismatch(f"values of shape {np.shape(self.values)} on a grid {sizes}")

    def __call__(self, xi: Any) -> Any:
        """Return the values at points, whose coordinates stand in the last axis."""
        xi = as_array(xi)
        if np.shape(xi)[-1:] != (len(self.grid),):
            raise ShapeMismatch(f"points of shape {np.shape(xi)} for {len(self.grid)} coordinates")
        extra = (1,) * (np.ndim(self.values) - len(self.grid))
        outside: Any = np.zeros(np.shape(xi)[:-1], dtype=bool)
        for n, knots in enumerate(self.grid):
            outside = outside | np.asarray((xi[..., n] < knots[0]) | (xi[..., n] > knots[-1]))
        if self.bounds_error and np.any(outside):
            raise ValueError("a point lies outside of the grid")
        degree = GRID_METHODS[self.method]
        found = self._by_corners(xi, extra) if degree < 2 else self._by_splines(xi, degree)
        if self.fill_value is None or not np.any(outside):
            return found
        return np.where(np.reshape(outside, (*outside.shape, *extra)), self.fill_value, found)

    def _by_corners(self, xi: Any, extra: tuple[int, ...]) -> Any:
        """Return weighted means of the values at the corners of the cells; of one, if nearest."""
        sides: list[list[tuple[Any, Any]]] = []
        for n, knots in enumerate(self.grid):
            i = _interval(knots, xi[..., n])
            t = (xi[..., n] - knots[i]) / (knots[i + 1] - knots[i])
            if self.method == "nearest":
                sides.append([(i + np.asarray(mask(t > 0.5), dtype=int), 1.0)])
                continue
            t = np.reshape(t, (*np.shape(t), *extra))
            sides.append([(i, 1 - t), (i + 1, t)])
        total: Any = 0.0
        for corner in itertools.product(*sides):
            weight = math.prod((w for _, w in corner[1:]), start=corner[0][1])
            total = total + weight * self.values[tuple(i for i, _ in corner)]
        return total

    def _by_splines(self, xi: Any, degree: int) -> Any:
        """Return the values contracted with the splines of unit vectors, axis by axis."""
        points = np.reshape(xi, (-1, len(self.grid)))
        found = np.broadcast_to(self.values, (len(points), *np.shape(self.values)))
        for n, knots in enumerate(self.grid):
            weights = make_interp_spline(knots, np.eye(len(knots)), degree)(points[:, n])
            found = np.einsum("pi,pi...->p...", weights, found)
        return np.reshape(found, (*np.shape(xi)[:-1], *np.shape(found)[1:]))


if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__)
