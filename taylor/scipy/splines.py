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

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.interpolate

from taylor.core.lookups import lookup
from taylor.core.operand import as_array
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import base, is_operand
from taylor.scipy import piecewise
from taylor.scipy.given import floats
from taylor.scipy.piecewise import *  # noqa: F403
from taylor.scipy.piecewise import PiecewisePolynomial, along, knots_of, of_data, polynomials

__all__ = [
    *piecewise.__all__, "Akima1DInterpolator", "CubicHermiteSpline", "CubicSpline",
    "PchipInterpolator", "interp1d", "make_interp_spline",
    "make_lsq_spline", "make_smoothing_spline", "pchip_interpolate",
]  # fmt: skip

Array = Any


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
    first and stand for them in derivatives too; or one for each end, a name or (1 or 2, the value
    of that derivative there).
    """
    x, y, axis = _checked(x, y, axis)
    known, closed = ("not-a-knot", "natural", "clamped", "periodic"), bc_type == "periodic"
    if closed and not np.allclose(base(y[0]), base(y[-1]), rtol=1e-15, atol=1e-15):
        raise ValueError("periodic data end as they begin: the first and the last differ")
    if extrapolate is None:
        extrapolate = "periodic" if closed else True
    if not isinstance(bc_type, str):
        return _with_ends(x, y, bc_type, extrapolate, axis)
    if bc_type not in known:
        raise ValueError(f"bc_type is one of {', '.join(known)}, or a pair, not {bc_type!r}")
    return of_data(
        lambda y: scipy.interpolate.CubicSpline(x, y, bc_type=bc_type), y, extrapolate, axis, closed
    )


def _with_ends(x: Array, y: Any, ends: Any, extrapolate: Any, axis: int) -> PiecewisePolynomial:
    """Return the cubic spline with conditions at its ends, whose values are data, too."""
    like = (1, *np.shape(y)[1:])
    given = [None if isinstance(end, str) else as_array(end[1]) for end in ends]
    more = [np.reshape(np.broadcast_to(v, like[1:]), like) for v in given if v is not None]

    def make(data: Any) -> scipy.interpolate.PPoly:
        values = iter(data[len(x) :])
        bc = [
            end if v is None else (end[0], next(values)) for end, v in zip(ends, given, strict=True)
        ]
        return scipy.interpolate.CubicSpline(x, data[: len(x)], bc_type=tuple(bc))

    return of_data(make, np.concatenate([y, *more]), extrapolate, axis)


def make_interp_spline(x: Any, y: Any, k: int = 3, *, axis: int = 0) -> PiecewisePolynomial:
    """Return the spline of degree k through data along an axis."""
    x, y, axis = _checked(x, y, axis)

    def make(y: Any) -> scipy.interpolate.PPoly:
        spline = scipy.interpolate.make_interp_spline(x, y, k)
        return polynomials(spline.t, spline.c, k)

    return of_data(make, y, True, axis)


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
        return along(found, np.ndim(points), axis)

    return call


def outside(points: Any, x: Array) -> bool:
    """Whether a point lies outside of the knots."""
    return bool(np.any(points < x[0]) or np.any(points > x[-1]))
