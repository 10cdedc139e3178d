"""Times and states in one kind of number, with the spacing of that kind."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.numbers.kinds import Kind, is_operand
from taylor.numbers.values import as_array
from taylor.ode.options import check_time

Array = NDArray[Any]


def in_one_kind(t0: Any, y0: Any) -> tuple[Any, Array]:
    """Return time and state in one kind of number; raise ValueError where they are not finite."""
    if is_operand(y0) or is_operand(t0):
        raise TypeError(
            "a state of series is integrated by taylor.ode.solve_ivp, which makes an ordinary "
            "system of its coefficients"
        )
    y = as_array(y0)
    if not y.size:
        raise ValueError("y0 is empty: there is nothing to integrate")
    if y.dtype.kind not in "iubfcO":
        raise TypeError(f"y0 holds numbers, not {y.dtype}")
    if y.dtype in (np.float32, np.complex64):
        raise TypeError(f"y0 is of type {y.dtype}: give it in float64, which steps are taken in")
    kind = Kind.of(y)
    y = y.astype(float) if kind.exact or y.dtype == np.float16 else y.copy()
    check_time(t0)
    if not finite(y):
        raise ValueError(f"y0 is not finite: {y}")
    if y.dtype != object:
        return np.float64(t0), y
    return t0 if kind.sets else kind.number(t0), y


def finite(x: Any) -> bool:
    """Whether all numbers are finite."""
    x = np.asarray(x)
    if x.dtype != object:
        return bool(np.isfinite(x).all())
    return all(Kind.of(e).is_finite(e) for e in x.flat)


def spacing(t: Any) -> Any:
    """Return the distance of a time to the next number."""
    return Kind.of(t).spacing(t)


def two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """Return a + b rounded, and the rounding error (Knuth, TAOCP 2, section 4.2.2)."""
    s = a + b
    if np.asarray(s).dtype == object:
        return s, 0 * s
    part = s - a
    return s, (a - (s - part)) + (b - part)
