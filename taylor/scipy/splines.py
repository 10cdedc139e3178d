"""Splines of scipy.interpolate in the points and in the data; the knots are plain numbers.

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

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.interpolate

from taylor.core.lookups import lookup
from taylor.core.operand import as_array
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import base, is_operand
from taylor.scipy.given import floats

__all__ = [
    "Akima1DInterpolator", "BPoly", "BSpline", "CubicHermiteSpline", "CubicSpline", "PPoly",
    "PchipInterpolator", "PiecewisePolynomial", "interp1d", "make_interp_spline",
    "make_lsq_spline", "make_smoothing_spline", "pchip_interpolate",
]  # fmt: skip

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


def _checked(x: Any, y: Any, axis: int) -> tuple[Array, Any, int]:
    """Return knots, data with their axis first, and that axis, counted from the front."""
    x, y = knots_of(x), floats(y)
    if not -np.ndim(y) <= axis < np.ndim(y):
        raise ShapeMismatch(f"data of shape {np.shape(y)} have no axis {axis}")
    if np.shape(y)[axis] != len(x):
        raise ShapeMismatch(f"data of shape {np.shape(y)} do not fit {len(x)} knots")
    return x, np.moveaxis(y, axis, 0), axis % np.ndim(y)


def CubicSpline(
    x: Any, y: Any, axis: int = 0, bc_type: Any = "not-a-knot", extrapolate: Any = None
) -> PiecewisePolynomial:
    """Return the cubic spline through data along an axis (de Boor, ch. IV).

    bc_type: "not-a-knot", "natural", "clamped" or "periodic", where the last of the data are the
    first and stand for them in derivatives too; of plain data whatever SciPy takes.
    """
    x, y, axis = _checked(x, y, axis)
    known, closed = ("not-a-knot", "natural", "clamped", "periodic"), bc_type == "periodic"
    if closed and not np.allclose(base(y[0]), base(y[-1]), rtol=1e-15, atol=1e-15):
        raise ValueError("periodic data end as they begin: the first and the last differ")
    if bc_type not in known and (isinstance(bc_type, str) or is_operand(y)):
        raise ValueError(f"bc_type is one of {', '.join(known)} here, not {bc_type!r}")
    if extrapolate is None:
        extrapolate = "periodic" if closed else True
    return of_data(
        lambda y: scipy.interpolate.CubicSpline(x, y, bc_type=bc_type), y, extrapolate, axis, closed
    )


def make_interp_spline(x: Any, y: Any, k: int = 3, *, axis: int = 0) -> PiecewisePolynomial:
    """Return the spline of degree k through data along an axis."""
    x, y, axis = _checked(x, y, axis)

    def make(y: Any) -> scipy.interpolate.PPoly:
        spline = scipy.interpolate.make_interp_spline(x, y, k)
        return polynomials(spline.t, spline.c, k)

    return of_data(make, y, True, axis)


def BSpline(
    t: Any, c: Any, k: int, extrapolate: bool | str = True, axis: int = 0
) -> PiecewisePolynomial:
    """Return Σ_j c_j B_j of degree k for knots t (de Boor, ch. IX), in x and in c."""
    t, c = np.asarray(t, dtype=float), as_array(c)
    count = len(t) - k - 1
    if np.ndim(c) < 1 or np.shape(c)[axis] < count:
        raise ShapeMismatch(f"{len(t)} knots of degree {k} need {count} coefficients")
    c = np.moveaxis(c, axis, 0)[:count]
    return of_data(lambda c: polynomials(t, c, k), c, extrapolate, axis % np.ndim(c))


def polynomials(t: Array, c: Array, k: int) -> scipy.interpolate.PPoly:
    """Return the piecewise polynomial of a B-spline, without intervals of length zero."""
    kept = np.flatnonzero(np.diff(t) > 0)
    kept = kept[(t[kept] >= t[k]) & (t[kept] < t[-k - 1])]
    spline = scipy.interpolate.BSpline(t, c, k)
    rows = [spline(t[kept], nu=m) / math.factorial(m) for m in range(k, -1, -1)]
    return scipy.interpolate.PPoly(np.stack(rows), np.append(t[kept], t[-k - 1]))


def make_lsq_spline(
    x: Any, y: Any, t: Any, k: int = 3, w: Any = None, axis: int = 0
) -> PiecewisePolynomial:
    """Return the spline of degree k with knots t that is closest to data along an axis.

    >>> x = np.arange(6.0)
    >>> float(make_lsq_spline(x, x**2, np.r_[[0.0] * 3, [5.0] * 3], 2)(1.5).round(9))
    2.25
    """
    x, y, axis = _checked(x, y, axis)
    t = np.asarray(t, dtype=float)
    fit: Callable[..., Any] = scipy.interpolate.make_lsq_spline
    return of_data(lambda y: polynomials(t, fit(x, y, t, k, w).c, k), y, True, axis)


def make_smoothing_spline(
    x: Any, y: Any, w: Any = None, lam: float | None = None, *, axis: int = 0
) -> PiecewisePolynomial:
    """Return the natural cubic with the least Σ w (y - s)² + λ ∫ s''² of data along an axis.

    Of data that vary λ is given: the one that SciPy finds is no linear function of them.
    """
    x, y, axis = _checked(x, y, axis)
    if lam is None and is_operand(y):
        raise TypeError("make_smoothing_spline of data that vary takes lam, a number")

    def make(y: Any) -> scipy.interpolate.PPoly:
        fit: Callable[..., Any] = scipy.interpolate.make_smoothing_spline
        spline = fit(x, y, w, lam)
        return polynomials(spline.t, spline.c, 3)

    return of_data(make, y, True, axis)


def PPoly(c: Any, x: Any, extrapolate: Any = None, axis: int = 0) -> PiecewisePolynomial:
    """Return Σ_j c[j, i] (x - x_i)^(k-1-j) on [x_i, x_(i+1)], in x and in c.

    >>> float(PPoly([[1.0], [2.0]], [0.0, 1.0])(0.5))
    2.5
    """
    c, x = as_array(c), knots_of(x)
    c = np.moveaxis(c, (axis, axis + 1), (0, 1))
    if np.ndim(c) < 2 or np.shape(c)[1] != len(x) - 1:
        raise ShapeMismatch(f"coefficients of shape {np.shape(c)} for {len(x)} knots")
    return PiecewisePolynomial(c, x, True if extrapolate is None else extrapolate, axis)


def BPoly(c: Any, x: Any, extrapolate: Any = None, axis: int = 0) -> PiecewisePolynomial:
    """Return Σ_a c[a, i] B_(a,k)(t), t = (x - x_i)/(x_(i+1) - x_i), Bernstein's polynomials.

    In powers of t the coefficient of t^s is Σ_a (-1)^(s-a) C(k, a) C(k-a, s-a) c_a.

    >>> float(BPoly([[1.0], [2.0], [5.0]], [0.0, 1.0])(0.5))
    2.5
    """
    c, knots = as_array(c), knots_of(x)
    c = np.moveaxis(c, (axis, axis + 1), (0, 1))
    k, h = np.shape(c)[0] - 1, np.diff(knots)
    powers = [[(-1.0) ** (s - a) * math.comb(k, a) * math.comb(k - a, s - a) if a <= s else 0.0
               for a in range(k + 1)] for s in range(k, -1, -1)]  # fmt: skip
    scale = h ** -np.arange(k, -1, -1.0)[:, None]
    rows = np.tensordot(np.array(powers), c, 1) * np.reshape(
        scale, (*scale.shape, *(1,) * (np.ndim(c) - 2))
    )
    return PPoly(np.moveaxis(rows, (0, 1), (axis, axis + 1)), knots, extrapolate, axis)


def pchip_interpolate(xi: Any, yi: Any, x: Any, der: int = 0, axis: int = 0) -> Any:
    """Return the value, or a derivative, of `PchipInterpolator` at points."""
    return PchipInterpolator(xi, yi, axis)(x, der)


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
    x: Any, y: Any, axis: int = 0, *, method: str = "akima", extrapolate: bool = False
) -> PiecewisePolynomial:
    """Return Akima's cubic through data (J. ACM 17, 1970), whose slopes are local means.

    method="makima" adds the means' sizes |m_(i+1) + m_i|/2 to the weights.

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
    if method not in ("akima", "makima"):
        raise ValueError(f"method is 'akima' or 'makima', not {method!r}")
    jumps = abs(m[1:] - m[:-1])
    if method == "makima":
        jumps = jumps + abs(m[1:] + m[:-1]) / 2
    left, right = jumps[2:], jumps[:-2]
    total = left + right
    flat = np.asarray(total <= 1e-9 * np.max(total))
    mixed = (left * m[1:-2] + right * m[2:-1]) / np.where(flat, 1.0, total)
    return _hermite(x, y, np.where(flat, (m[3:] + m[:-3]) / 2, mixed), extrapolate, axis)


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
            if not everywhere and bounds_error is not False and outside(points, x):
                raise ValueError(f"a point lies outside of the data, [{x[0]}, {x[-1]}]")
            found = np.where(at < x[0], below, np.where(at > x[-1], above, found))
        return _along(found, np.ndim(points), axis)

    return call


def outside(points: Any, x: Array) -> bool:
    """Whether a point lies outside of the knots."""
    return bool(np.any(points < x[0]) or np.any(points > x[-1]))
