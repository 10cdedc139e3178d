"""The fits of numpy.polynomial, of points that are values of the package: least squares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from taylor.core.operand import as_array, holds_operands
from taylor.errors import ShapeMismatch

MODULES = {
    "polynomial": "polyfit", "chebyshev": "chebfit", "legendre": "legfit", "hermite": "hermfit",
    "hermite_e": "hermefit", "laguerre": "lagfit",
}  # fmt: skip


def fit_of(name: str) -> Callable[..., Any]:
    """Return polyfit(x, y, deg, rcond=None, full=False, w=None) of a module of numpy.polynomial.

    The fit must be unique; `full` is for plain numbers.

    >>> import numpy as np, taylor
    >>> taylor.jacobian(lambda y: fit_of("chebyshev")([0.0, 1.0], y, 1)[1], np.ones(2)).round(3)
    array([-1.,  1.])
    """
    module = getattr(numpy.polynomial, name)
    plain, value = getattr(module, MODULES[name]), getattr(module, MODULES[name][:-3] + "val")

    def fit(x: Any, y: Any, deg: Any, rcond: Any = None, full: bool = False, w: Any = None) -> Any:
        if not any(map(holds_operands, (x, y, w))):
            return plain(x, y, deg, rcond, full, w)
        if full:
            raise TypeError(f"{plain.__name__} of values of taylor does not take full=True")
        degrees = numpy.arange(deg + 1) if numpy.ndim(deg) == 0 else numpy.sort(deg)
        x, y = as_array(x), as_array(y)
        known = len(degrees) and degrees[0] >= 0
        if x.ndim != 1 or y.ndim not in (1, 2) or len(x) != len(y) or not known:
            raise ShapeMismatch(
                f"{plain.__name__}: x of shape {x.shape}, y of {y.shape}, degrees {degrees}; x has "
                "one axis, y as many elements or rows, and degrees are not negative"
            )
        return _fitted(value, x, y, degrees, rcond, None if w is None else as_array(w))

    fit.__name__ = fit.__qualname__ = plain.__name__
    fit.__doc__ = f"Return numpy.polynomial.{name}.{plain.__name__}, also of values of taylor."
    return fit


def _fitted(value: Callable[..., Any], x: Any, y: Any, degrees: Any, rcond: Any, w: Any) -> Any:
    """Return the coefficients of least squares, zeros for the degrees left out."""
    last = int(degrees[-1])
    unit = numpy.eye(last + 1)
    matrix = numpy.stack([value(x, unit[k]) + 0 * x for k in degrees], -1)
    if w is not None:
        matrix, y = matrix * w[:, None], (y.T * w).T
    scale = numpy.sqrt(numpy.sum(matrix * matrix, axis=0))
    found = (numpy.linalg.lstsq(matrix / scale, y, rcond=rcond)[0].T / scale).T
    if len(degrees) == last + 1:
        return found
    rows = dict(zip(degrees.tolist(), found, strict=True))
    return numpy.stack([rows.get(k, 0 * found[0]) for k in range(last + 1)])


FITS = {f"numpy.polynomial.{name}": (fit, fit_of(name)) for name, fit in MODULES.items()}
