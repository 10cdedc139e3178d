"""FITPACK's splines of scipy.interpolate, and objects that SciPy has made.

With fixed knots a fit is linear in the data: those that vary are contracted with the fits of unit
vectors.  Knots that FITPACK chooses by the data, for s > 0, do not vary with them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.interpolate

from taylor.core.operand import as_array
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import is_operand
from taylor.scipy.grids import RegularGridInterpolator
from taylor.scipy.piecewise import BSpline, PiecewisePolynomial, knots_of
from taylor.scipy.splines import interp1d

__all__ = [
    "InterpolatedUnivariateSpline", "LSQUnivariateSpline", "UnivariateSpline", "from_scipy",
    "spalde", "splantider", "splder", "splev", "splint", "splrep", "sproot",
]  # fmt: skip

Array = Any


def _fitted(fit: Callable[[Any], Any], y: Any) -> tuple[Array, Any, int]:
    """Return (t, c, k) of data; fit(y) does it for plain ones."""
    y = as_array(y)
    if not is_operand(y):
        return fit(np.asarray(y, dtype=float))  # type: ignore[no-any-return]
    if np.ndim(y) != 1:
        raise ShapeMismatch(f"FITPACK takes a vector of data, not shape {np.shape(y)}")
    units = [fit(e) for e in np.eye(np.size(y))]
    t, _, k = units[0]
    return t, np.matmul(np.stack([c for _, c, _ in units], axis=1), y), k


def _of_fit(fit: Callable[[Any], Any], y: Any, ext: Any) -> PiecewisePolynomial:
    if ext not in (0, "extrapolate"):
        raise ValueError(f"ext is 0, 'extrapolate', here, not {ext!r}")
    return BSpline(*_fitted(lambda y: fit(y)._eval_args, y))


def _not_smoothing(y: Any, s: Any, name: str) -> None:
    if is_operand(as_array(y)) and s != 0:
        raise TypeError(
            f"{name} with s > 0 chooses its knots by the data; give s=0, or knots "
            "(make_lsq_spline, LSQUnivariateSpline)"
        )


def UnivariateSpline(
    x: Any, y: Any, w: Any = None, bbox: Any = (None, None), k: int = 3, s: Any = None,
    ext: Any = 0,
) -> PiecewisePolynomial:  # fmt: skip
    """Return the smoothing spline of plain data, or with s=0 the one through any data.

    >>> x = np.arange(5.0)
    >>> float(UnivariateSpline(x, x**3, s=0)(1.5).round(9))
    3.375
    """
    _not_smoothing(y, s, "UnivariateSpline")
    made = lambda y: scipy.interpolate.UnivariateSpline(x, y, w, list(bbox), k, s)  # noqa: E731
    return _of_fit(made, y, ext)


def InterpolatedUnivariateSpline(
    x: Any, y: Any, w: Any = None, bbox: Any = (None, None), k: int = 3, ext: Any = 0
) -> PiecewisePolynomial:
    """Return `UnivariateSpline` through the data."""
    return UnivariateSpline(x, y, w, bbox, k, 0, ext)


def LSQUnivariateSpline(
    x: Any, y: Any, t: Any, w: Any = None, bbox: Any = (None, None), k: int = 3, ext: Any = 0
) -> PiecewisePolynomial:
    """Return the spline with inner knots t that is closest to the data."""
    own = scipy.interpolate.LSQUnivariateSpline
    return _of_fit(lambda y: own(x, y, t, w, list(bbox), k), y, ext)


def splrep(
    x: Any, y: Any, w: Any = None, xb: Any = None, xe: Any = None, k: int = 3, *, s: Any = None,
    t: Any = None,
) -> tuple[Array, Any, int]:  # fmt: skip
    """Return (t, c, k) of the spline with inner knots t, or through the data, or smoothing them.

    >>> t, c, k = splrep([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 8.0, 27.0])
    >>> float(splev(1.5, (t, c, k)).round(9))
    3.375
    """
    if t is None:
        _not_smoothing(y, (0 if w is None else s) if s is None else s, "splrep")
    own = scipy.interpolate.splrep
    return _fitted(lambda y: own(x, y, w, xb, xe, k, -1 if t is not None else 0, s, t), y)


def splev(x: Any, tck: tuple[Any, Any, int], der: int = 0, ext: int = 0) -> Any:
    """Return the value, or a derivative, of the spline (t, c, k) at points.

    Outside of the knots: ext 0 goes on, 1 is zero, 3 the value at the end.
    """
    t, c, k = tck
    if isinstance(c, (list, tuple)) and c and np.ndim(c[0]):  # a curve, as of splprep
        return [splev(x, (t, e, k), der, ext) for e in c]
    spline, x = BSpline(t, c, k), as_array(x)
    if ext not in (0, 1, 3):
        raise ValueError(f"ext is 0, 1 or 3 here, not {ext!r}")
    if ext == 0:
        return spline(x, der)
    first, last = spline.x[0], spline.x[-1]
    inner = np.where(x < first, first, np.where(x > last, last, x))
    y = spline(inner, der)
    return y if ext == 3 else np.where(x < first, 0.0, np.where(x > last, 0.0, y))


def splint(a: Any, b: Any, tck: tuple[Any, Any, int]) -> Any:
    """Return the integral from a to b of the spline (t, c, k), which is zero beyond its knots.

    >>> float(splint(0.0, 9.0, splrep([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 4.0, 9.0])).round(9))
    9.0
    """
    return BSpline(*tck).integral(a, b)


def spalde(x: Any, tck: tuple[Any, Any, int]) -> Any:
    """Return all derivatives of the spline (t, c, k) at a point, or a list of them at several."""
    spline, x = BSpline(*tck), as_array(x)
    if np.ndim(x):
        return [spline.derivatives(e) for e in x]
    return spline.derivatives(x)


def sproot(tck: tuple[Any, Any, int]) -> Any:
    """Return the zeros of the cubic spline (t, c, 3) between its knots."""
    if tck[2] != 3:
        raise ValueError(f"sproot works only for cubic (k=3) splines, not k={tck[2]}")
    return BSpline(*tck).roots(discontinuity=False, extrapolate=False)


def splder(tck: tuple[Any, Any, int], n: int = 1) -> Any:
    """Return the n-th derivative of the spline (t, c, k) in that form (de Boor, ch. X)."""
    if n < 0:
        return splantider(tck, -n)
    t, c, k = np.asarray(tck[0], dtype=float), as_array(tck[1]), tck[2]
    if n > k:
        raise ValueError(f"a spline of degree {k} has no {n} derivatives")
    for _ in range(n):
        count = len(t) - k - 1
        gaps = t[k + 1 : k + count] - t[1:count]
        slopes = (c[1:count] - c[: count - 1]) * (k / np.where(gaps > 0, gaps, 1.0))
        t, k = t[1:-1], k - 1
        c = np.concatenate([slopes, np.zeros(k + 1)])
    return t, c, k


def splantider(tck: tuple[Any, Any, int], n: int = 1) -> Any:
    """Return the n-th integral from the first knot of the spline (t, c, k) in that form.

    >>> tck = splrep([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 4.0, 9.0])
    >>> float(splev(3.0, splantider(tck)).round(9))
    9.0
    """
    if n < 0:
        return splder(tck, -n)
    t, c, k = np.asarray(tck[0], dtype=float), as_array(tck[1]), tck[2]
    for _ in range(n):
        count = len(t) - k - 1
        sums = np.cumsum(c[:count] * (t[k + 1 :] - t[: -k - 1])) / (k + 1)
        c = np.concatenate([np.zeros(1), sums, np.ones(k + 2) * sums[-1:]])
        t, k = np.concatenate([t[:1], t, t[-1:]]), k + 1
    return t, c, k


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
        return PiecewisePolynomial(made.c, knots_of(made.x), extrapolate, made.axis)
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
