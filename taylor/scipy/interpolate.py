"""scipy.interpolate in the points and in the data; the knots are plain numbers.

A spline is linear in its data: SciPy gives the piecewise polynomial of plain data, and for data
that vary those of the unit vectors, with which they are contracted.  The coefficients of the
interval of a point are looked up, and constant between the knots, where an integrator's steps end.

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
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.interpolate

from taylor.core.lookups import lookup
from taylor.core.operand import as_array
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import is_operand
from taylor.scipy.theirs import names_of

__all__ = [
    "Akima1DInterpolator", "BSpline", "BarycentricInterpolator", "CubicHermiteSpline",
    "CubicSpline", "PchipInterpolator", "PiecewisePolynomial", "RBFInterpolator",
    "RegularGridInterpolator", "from_scipy", "interp1d", "make_interp_spline",
]  # fmt: skip

Array = Any
GRID_METHODS = {"linear": 1, "nearest": 0, "slinear": 1, "cubic": 3, "quintic": 5}


def _knots(x: Any) -> Array:
    if is_operand(as_array(x)):
        raise TypeError("the knots are plain numbers; only points and data have derivatives")
    found = np.asarray(x, dtype=float)
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
        return _along(y, points, self.axis)

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


def _along(y: Any, points: int, axis: int) -> Any:
    """Return values with the axes of the points, which come first, in the place of an axis."""
    axes = list(range(np.ndim(y)))
    to = axes[points : points + axis] + axes[:points] + axes[points + axis :]
    return np.transpose(y, to) if axis and points else y


def _of_data(
    make: Callable[[Any], Any], y: Any, extrapolate: bool | str, axis: int
) -> PiecewisePolynomial:
    """Return the polynomials of data along the first axis; SciPy makes those of plain data."""
    if not is_operand(y):
        made = make(np.asarray(y))
        return PiecewisePolynomial(made.c, made.x, extrapolate, axis)
    unit, flat = make(np.eye(np.shape(y)[0])), np.reshape(y, (np.shape(y)[0], -1))
    c = np.reshape(np.matmul(unit.c, flat), (*unit.c.shape[:2], *np.shape(y)[1:]))
    return PiecewisePolynomial(c, unit.x, extrapolate, axis)


def _checked(x: Any, y: Any, axis: int) -> tuple[Array, Any, int]:
    """Return knots, data with their axis first, and that axis, counted from the front."""
    x, y = _knots(x), as_array(y)
    if not -np.ndim(y) <= axis < np.ndim(y):
        raise ShapeMismatch(f"data of shape {np.shape(y)} have no axis {axis}")
    if np.shape(y)[axis] != len(x):
        raise ShapeMismatch(f"data of shape {np.shape(y)} do not fit {len(x)} knots")
    return x, np.moveaxis(y, axis, 0), axis % np.ndim(y)


def CubicSpline(
    x: Any, y: Any, axis: int = 0, bc_type: Any = "not-a-knot", extrapolate: Any = None
) -> PiecewisePolynomial:
    """Return the cubic spline through data along an axis (de Boor, ch. IV).

    bc_type: "not-a-knot", "natural" or "clamped"; of plain data whatever SciPy takes.
    """
    linear = ("not-a-knot", "natural", "clamped")
    x, y, axis = _checked(x, y, axis)
    known = linear if is_operand(y) else (*linear, "periodic")
    if bc_type not in known and (isinstance(bc_type, str) or is_operand(y)):
        raise ValueError(f"bc_type is one of {', '.join(known)} here, not {bc_type!r}")
    if extrapolate is None:
        extrapolate = "periodic" if bc_type == "periodic" else True
    return _of_data(
        lambda y: scipy.interpolate.CubicSpline(x, y, bc_type=bc_type), y, extrapolate, axis
    )


def make_interp_spline(x: Any, y: Any, k: int = 3, *, axis: int = 0) -> PiecewisePolynomial:
    """Return the spline of degree k through data along an axis."""
    x, y, axis = _checked(x, y, axis)

    def make(y: Any) -> scipy.interpolate.PPoly:
        spline = scipy.interpolate.make_interp_spline(x, y, k)
        return _polynomials(spline.t, spline.c, k)

    return _of_data(make, y, True, axis)


def BSpline(
    t: Any, c: Any, k: int, extrapolate: bool | str = True, axis: int = 0
) -> PiecewisePolynomial:
    """Return Σ_j c_j B_j of degree k for knots t (de Boor, ch. IX), in x and in c."""
    t, c = np.asarray(t, dtype=float), as_array(c)
    count = len(t) - k - 1
    if np.ndim(c) < 1 or np.shape(c)[axis] < count:
        raise ShapeMismatch(f"{len(t)} knots of degree {k} need {count} coefficients")
    c = np.moveaxis(c, axis, 0)[:count]
    return _of_data(lambda c: _polynomials(t, c, k), c, extrapolate, axis % np.ndim(c))


def _polynomials(t: Array, c: Array, k: int) -> scipy.interpolate.PPoly:
    """Return the piecewise polynomial of a B-spline, without intervals of length zero."""
    kept = np.flatnonzero(np.diff(t) > 0)
    kept = kept[(t[kept] >= t[k]) & (t[kept] < t[-k - 1])]
    spline = scipy.interpolate.BSpline(t, c, k)
    rows = [spline(t[kept], nu=m) / math.factorial(m) for m in range(k, -1, -1)]
    return scipy.interpolate.PPoly(np.stack(rows), np.append(t[kept], t[-k - 1]))


def PchipInterpolator(
    x: Any, y: Any, axis: int = 0, extrapolate: bool = True
) -> PiecewisePolynomial:
    """Return the monotone cubic through data (Fritsch & Butland, SIAM J. Sci. Stat. Comput. 5).

    The slope at a knot is the weighted harmonic mean of those beside it, or zero at an extremum.
    """
    x, y, axis = _checked(x, y, axis)
    h = _lengths(x, y)
    delta = (y[1:] - y[:-1]) / h
    d = np.concatenate([_end(h[:1], h[1:2], delta[:1], delta[1:2]), _inner(h, delta),
                        _end(h[-1:], h[-2:-1], delta[-1:], delta[-2:-1])])  # fmt: skip
    return _hermite(x, y, d, extrapolate, axis)


def CubicHermiteSpline(
    x: Any, y: Any, dydx: Any, axis: int = 0, extrapolate: bool = True
) -> PiecewisePolynomial:
    """Return the piecewise cubic with values and slopes along an axis."""
    if np.shape(dydx) != np.shape(y):
        raise ShapeMismatch(f"slopes of shape {np.shape(dydx)} for data of shape {np.shape(y)}")
    x, y, axis = _checked(x, y, axis)
    return _hermite(x, y, np.moveaxis(as_array(dydx), axis, 0), extrapolate, axis)


def _hermite(x: Array, y: Any, d: Any, extrapolate: bool, axis: int) -> PiecewisePolynomial:
    """Return the piecewise cubic with values and slopes along the first axis."""
    h = _lengths(x, y)
    delta = (y[1:] - y[:-1]) / h
    c3 = (d[:-1] + d[1:] - 2 * delta) / h**2
    c2 = (3 * delta - 2 * d[:-1] - d[1:]) / h
    return PiecewisePolynomial(np.stack([c3, c2, d[:-1], y[:-1]]), x, extrapolate, axis)


def _lengths(x: Array, y: Any) -> Array:
    """Return the lengths of the intervals, along the first of the axes of y."""
    return np.reshape(np.diff(x), (-1,) + (1,) * (np.ndim(y) - 1))


def Akima1DInterpolator(
    x: Any, y: Any, axis: int = 0, *, extrapolate: bool = False
) -> PiecewisePolynomial:
    """Return Akima's cubic through data (J. ACM 17, 1970), whose slopes are local means.

    With the slopes m of the intervals, two more at each end, that at a knot is
    (|m_(i+1) - m_i| m_(i-1) + |m_(i-1) - m_(i-2)| m_i)/(the sum of the weights).
    """
    x, y, axis = _checked(x, y, axis)
    if len(x) < 3:
        raise ShapeMismatch(f"Akima1DInterpolator takes three or more data, not {np.shape(y)}")
    inner = (y[1:] - y[:-1]) / _lengths(x, y)
    before = 2 * inner[:1] - inner[1:2]
    after = 2 * inner[-1:] - inner[-2:-1]
    m = np.concatenate([2 * before - inner[:1], before, inner, after, 2 * after - inner[-1:]])
    jumps = abs(m[1:] - m[:-1])
    left, right = jumps[2:], jumps[:-2]
    total = left + right
    flat = np.asarray(total <= 1e-9 * np.max(total))
    mixed = (left * m[1:-2] + right * m[2:-1]) / np.where(flat, 1.0, total)
    return _hermite(x, y, np.where(flat, (m[3:] + m[:-3]) / 2, mixed), extrapolate, axis)


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


STEPS = ("previous", "next", "nearest", "nearest-up")
DEGREES: dict[Any, int] = {"zero": 0, "slinear": 1, "linear": 1, "quadratic": 2, "cubic": 3}


def _steps(x: Array, y: Any, kind: str) -> Callable[[Any], Any]:
    """Return a function that is constant between jumps."""
    jumps, side = {
        "previous": (x[1:], "right"),
        "next": (x[:-1], "left"),
        "nearest": ((x[1:] + x[:-1]) / 2, "left"),
        "nearest-up": ((x[1:] + x[:-1]) / 2, "right"),
    }[kind]
    return lambda points: lookup(points, jumps, y, side)


def interp1d(
    x: Any,
    y: Any,
    kind: str | int = "linear",
    axis: int = -1,
    *,
    bounds_error: bool | None = None,
    fill_value: Any = np.nan,
) -> Callable[[Any], Any]:
    """Return a function that interpolates data along an axis.

    kind: "linear", "quadratic", "cubic" or a degree; "previous", "next", "nearest" are constant
    between their jumps.  Outside of the data: ValueError, or with bounds_error=False fill_value,
    which is one value or a pair, below and above; or fill_value is "extrapolate".
    """
    x, y, axis = _checked(x, y, axis)
    below, above = fill_value if isinstance(fill_value, tuple) else (fill_value, fill_value)
    everywhere = isinstance(fill_value, str)
    if everywhere and (fill_value != "extrapolate" or bounds_error):
        raise ValueError(f"fill_value={fill_value!r} with bounds_error={bounds_error}")
    if kind in STEPS:
        inner = _steps(x, y, str(kind))
        below, above = (
            (np.nan if kind == "previous" else y[0], np.nan if kind == "next" else y[-1])
            if everywhere
            else (below, above)
        )
    else:
        degree = DEGREES.get(kind, kind)
        if not isinstance(degree, int):
            raise ValueError(f"interp1d knows no kind {kind!r}")
        inner = make_interp_spline(x, y, degree)

    def call(points: Any) -> Any:
        points, more = as_array(points), (1,) * (np.ndim(y) - 1)
        found, at = inner(points), np.reshape(points, (*np.shape(points), *more))
        if not (everywhere and kind not in STEPS):
            if not everywhere and bounds_error is not False and _outside(points, x):
                raise ValueError(f"a point lies outside of the data, [{x[0]}, {x[-1]}]")
            found = np.where(at < x[0], below, np.where(at > x[-1], above, found))
        return _along(found, np.ndim(points), axis)

    return call


def _outside(points: Any, x: Array) -> bool:
    return bool(np.any(points < x[0]) or np.any(points > x[-1]))


class RegularGridInterpolator:
    """Interpolation of values on a grid, in the points and in the values.

    method: "linear" (multilinear, "slinear"), "nearest" (of the next point of the grid), "cubic" or
    "quintic" (with splines along each axis).

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
        self.grid, self.values, self.method = [_knots(p) for p in points], as_array(values), method
        self.bounds_error, self.fill_value = bounds_error, fill_value
        sizes = tuple(map(len, self.grid))
        if np.shape(self.values)[: len(sizes)] != sizes:
            raise ShapeMismatch(f"values of shape {np.shape(self.values)} on a grid {sizes}")
        self.flat = np.reshape(self.values, (-1, *np.shape(self.values)[len(sizes) :]))

    def __call__(self, xi: Any) -> Any:
        """Return the values at points: a tuple of coordinates, or an array of them, last axis."""
        if isinstance(xi, tuple):
            xi = np.stack(np.broadcast_arrays(*map(as_array, xi)), axis=-1)
        else:
            xi = as_array(xi)
            xi = np.reshape(xi, (-1, len(self.grid))) if np.ndim(xi) == 1 else xi
        if np.shape(xi)[-1:] != (len(self.grid),):
            raise ShapeMismatch(f"points of shape {np.shape(xi)} for {len(self.grid)} coordinates")
        extra, points = (1,) * (np.ndim(self.flat) - 1), np.shape(xi)[:-1]
        if self.bounds_error and any(_outside(xi[..., n], k) for n, k in enumerate(self.grid)):
            raise ValueError("a point lies outside of the grid")
        degree = GRID_METHODS[self.method]
        total = self._by_splines(xi, degree) if degree > 1 else self._by_corners(xi, extra)
        if self.fill_value is None or self.bounds_error:
            return total
        for n, knots in enumerate(self.grid):
            x = np.reshape(xi[..., n], (*points, *extra))
            total = np.where(x < knots[0], self.fill_value, total)
            total = np.where(x > knots[-1], self.fill_value, total)
        return total

    def _by_corners(self, xi: Any, extra: tuple[int, ...]) -> Any:
        """Return weighted means of the values at the corners of the cells."""
        sides: list[list[tuple[Any, Any]]] = []
        for n, knots in enumerate(self.grid):
            found = self._sides(xi[..., n], knots)
            sides.append([(i, np.reshape(w, (*np.shape(w), *extra))) for i, w in found])
        total: Any = 0.0
        for corner in itertools.product(*sides):
            weight = math.prod((w for _, w in corner[1:]), start=corner[0][1])
            total = total + weight * self._at([i for i, _ in corner])
        return total

    def _by_splines(self, xi: Any, degree: int) -> Any:
        """Return the values contracted with the splines of unit vectors, axis by axis."""
        points = np.reshape(xi, (-1, len(self.grid)))
        found = np.broadcast_to(self.values, (len(points), *np.shape(self.values)))
        for n, knots in enumerate(self.grid):
            weights = make_interp_spline(knots, np.eye(len(knots)), degree)(points[:, n])
            found = np.einsum("pi,pi...->p...", weights, found)
        return np.reshape(found, (*np.shape(xi)[:-1], *np.shape(found)[1:]))

    def _sides(self, x: Any, knots: Array) -> list[tuple[Any, Any]]:
        """Return the places of the neighbours of x along an axis, as reals, and their weights."""
        places = np.arange(len(knots), dtype=float)
        if self.method == "nearest":
            return [(lookup(x, (knots[1:] + knots[:-1]) / 2, places, "left"), 1 + 0 * x)]
        i = lookup(x, knots[1:-1], places[:-1])
        start, width = lookup(x, knots[1:-1], knots[:-1]), lookup(x, knots[1:-1], np.diff(knots))
        t = (x - start) / width
        return [(i, 1 - t), (i + 1, t)]

    def _at(self, places: Sequence[Any]) -> Any:
        """Return the values at places along the axes."""
        place: Any = 0.0
        for knots, i in zip(self.grid, places, strict=True):
            place = place * len(knots) + i
        return lookup(place, np.arange(1, len(self.flat)) - 0.5, self.flat)


# ------------------------------------------------------------------ what SciPy has made
def from_scipy(made: Any) -> Any:
    """Return the function of an object of scipy.interpolate here: it takes values of the package.

    Those of piecewise polynomials, splines (FITPACK's, too, and (t, c, k) of splrep), `interp1d`
    and `RegularGridInterpolator`; raises TypeError for others.

    >>> import taylor
    >>> made = scipy.interpolate.CubicSpline([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 8.0, 27.0])
    >>> round(float(taylor.derivative(from_scipy(made), 1.5)), 12)
    6.75
    """
    if isinstance(made, tuple) and len(made) == 3:
        return BSpline(*made)
    own = scipy.interpolate
    if isinstance(made, own.BPoly):
        made = own.PPoly.from_bernstein_basis(made)
    if isinstance(made, own.PPoly):
        extrapolate = made.extrapolate if made.extrapolate is not None else False
        return PiecewisePolynomial(made.c, _knots(made.x), extrapolate, made.axis)
    if isinstance(made, own.BSpline):
        spline = BSpline(made.t, made.c, made.k, made.extrapolate)
        spline.axis = made.axis
        return spline
    if isinstance(made, own.UnivariateSpline) and made.ext in (0, "extrapolate"):
        return BSpline(*made._eval_args)
    if isinstance(made, own.interp1d):
        kind = made._spline.k if made._kind == "spline" else made._kind
        return interp1d(made.x, made.y, kind, made.axis, bounds_error=made.bounds_error,
                        fill_value=made.fill_value)  # fmt: skip
    if isinstance(made, own.RegularGridInterpolator):
        return RegularGridInterpolator(
            made.grid, made.values, made.method, made.bounds_error, made.fill_value
        )
    raise TypeError(
        f"{type(made).__name__} has no derivatives here; a spline has, of which from_scipy takes "
        "the piecewise polynomial (PPoly, BSpline, UnivariateSpline with ext=0, interp1d)"
    )


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
