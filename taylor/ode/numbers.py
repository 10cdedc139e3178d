"""Times, states and tolerances: in one kind of number, checked, with the spacing of that kind."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from taylor.numbers.contexts import is_interval
from taylor.numbers.kinds import is_operand
from taylor.numbers.values import as_array

Array = Any


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
    if y.dtype.kind in "iub" or y.dtype == np.float16:
        y = y.astype(float)
    if y.dtype == object and not any(type(e).__module__.startswith("mpmath") for e in y.flat):
        y = np.asarray([float(e) for e in y.flat]).reshape(y.shape)
    if y.dtype.kind not in "fcO":
        raise TypeError(f"y0 holds numbers, not {y.dtype}")
    if y.dtype in (np.float32, np.complex64):
        raise TypeError(f"y0 is of type {y.dtype}: give it in float64, which steps are taken in")
    y = y.copy()
    check_time(t0)
    t = np.float64(t0) if y.dtype != object else _like(t0, y)
    if not finite(y):
        raise ValueError(f"y0 is not finite: {y}")
    return t, y


def _like(t: Any, y: Array) -> Any:
    """Return a time as a number of the context of y."""
    context = next((e.context for e in y.flat if hasattr(e, "context")), None)
    if context is None:
        return t
    if is_interval(next(iter(y.flat))):
        return context.mpf(t)
    return context.mpf(t)


def check_time(t: Any, finite: bool = True) -> None:
    if is_interval(t):
        return
    if np.ndim(t) or isinstance(t, (str, bytes)) or np.iscomplexobj(t):
        raise TypeError(f"times are real numbers, not {t!r}")
    if t != t or (finite and not abs(float(t)) < math.inf):
        raise ValueError(f"times are finite numbers, not {t}")


def positive(x: Any, name: str, whole: bool = False) -> None:
    """Raise an error that names an option, unless it is a positive number."""
    if isinstance(x, (str, bytes)) or np.ndim(x) or np.iscomplexobj(x):
        raise TypeError(f"{name} is a positive number, not {x!r}")
    if not x > 0 or (whole and int(x) != x):
        raise ValueError(f"{name} is a positive {'integer' if whole else 'number'}, not {x}")


def finite(x: Array) -> bool:
    x = np.asarray(x)
    if x.dtype != object:
        return bool(np.isfinite(x).all())
    return all(is_interval(e) or (e == e and abs(e) < math.inf) for e in x.reshape(-1))


def tolerance(tol: Any, y: Array) -> Any:
    context = None
    if y.dtype == object and y.size:
        context = getattr(next(iter(y.flat)), "context", None)
    if isinstance(tol, (str, bytes)) or np.ndim(tol):
        raise TypeError(f"the tolerance is a number between 0 and 1, not {tol!r}")
    if tol is None:
        return 2.0**-52 if context is None else context.mpf(10) ** -context.dps
    if is_interval(tol) or not 0 < tol < 1:
        raise ValueError(f"the tolerance is a number between 0 and 1, not {tol}")
    return max(float(tol), 2.0**-53) if context is None else tol


def spacing(t: Any) -> Any:
    """Return the distance of a time to the next number."""
    if isinstance(t, float):
        return np.spacing(max(abs(t), 1e-300))
    return abs(t) * t.context.eps if t else t.context.eps


def two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """Return a + b rounded, and the rounding error (Knuth, TAOCP 2, section 4.2.2)."""
    s = a + b
    if np.asarray(s).dtype == object:
        return s, 0 * s
    part = s - a
    return s, (a - (s - part)) + (b - part)
