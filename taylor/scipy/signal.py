"""scipy.signal of values of the package: convolution, correlation and recursive filters."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.signal

from taylor.core.operand import as_array
from taylor.core.table import rule
from taylor.errors import ShapeMismatch

MODES = ("full", "valid", "same")


def convolve(in1: Any, in2: Any, mode: str = "full") -> Any:
    """Return the convolution of two vectors: Σ_j x_j y_{k-j}.

    >>> convolve([1.0, 2.0], [3.0, 4.0])
    array([ 3., 10.,  8.])
    """
    x, y = _vectors("convolve", in1, in2)
    whole, m, n = np.convolve(x, y), np.size(x), np.size(y)
    if mode == "full":
        return whole
    if mode not in MODES:
        raise ValueError(f"mode is one of {', '.join(MODES)}, not {mode!r}")
    if mode == "valid":
        return whole[min(m, n) - 1 : max(m, n)]
    start = (n - 1) // 2  # as long as the first, in the middle
    return whole[start : start + m]


def correlate(in1: Any, in2: Any, mode: str = "full") -> Any:
    """Return the correlation of two real vectors: the convolution with the second reversed.

    >>> correlate([1.0, 2.0], [3.0, 4.0])
    array([ 4., 11.,  6.])
    """
    x, y = _vectors("correlate", in1, in2)
    return convolve(x, y[::-1], mode)


def _vectors(name: str, *arrays: Any) -> list[Any]:
    found = [as_array(x) * 1.0 for x in arrays]
    if any(np.ndim(x) != 1 or not np.size(x) for x in found):
        shapes = ", ".join(str(np.shape(x)) for x in found)
        raise ShapeMismatch(f"{name} takes vectors here, not arrays of shapes {shapes}")
    return found


# ------------------------------------------------------------------ filters
def _after(c: Any, x: Any) -> Any:
    """Return Σ_j c_j x_{n-j}, as long as x."""
    return np.convolve(c, x)[: np.size(x)]


def _poles_jvp(dargs: Any, y: Any, a: Any, x: Any) -> Any:
    da, dx = dargs
    right = 0 * y if dx is None else dx
    if da is not None:  # a_0 = 1
        right = right - _after(np.concatenate([[0.0], da[1:]]), y)
    return POLES(a, right)


def _poles_vjp(bar: Any, y: Any, a: Any, x: Any) -> tuple[Any, Any]:
    z = POLES(a, bar[::-1])[::-1]
    length = np.size(z)
    down = [-np.sum(z[j:] * y[: max(length - j, 0)]) if j else 0.0 for j in range(np.size(a))]
    return np.stack(down), z


# y_n + Σ_{j >= 1} a_j y_{n-j} = x_n; the tangent is the same filter of dx - Σ da_j y_{n-j}
POLES = rule(
    lambda a, x: scipy.signal.lfilter([1.0], np.concatenate([[1.0], a[1:]]), x),
    jvp=_poles_jvp,
    vjp=_poles_vjp,
    name="lfilter",
)


def lfilter(b: Any, a: Any, x: Any) -> Any:
    """Return the vector y with Σ_j a_j y_{n-j} = Σ_j b_j x_{n-j}, from rest.

    >>> lfilter([1.0], [1.0, -0.5], [1.0, 0.0, 0.0])
    array([1.  , 0.5 , 0.25])
    """
    b, a, x = _vectors("lfilter", b, a, x)
    first = a[0]
    y = _after(b / first, x)
    return y if np.size(a) == 1 else POLES(a / first, y)
