"""Numbers of every kind as ends of intervals: floats are what they are, all others are enclosed."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.numbers.formulas import Constant
from taylor.numbers.kinds import Array, is_operand, of_type, private, shown
from taylor.verified.rounding import INF, LEAST, MOST

EXACT = 2**53  # integers up to here are floats
BITS = 120  # of constants, whose formulas lose a few of them
WIDE = Context(prec=800)  # more than the digits of any float
Ends = tuple[Any, Any]
ALL = (-INF, INF)


def ends(x: Any) -> Ends:
    """Return the least and the largest float of what encloses a number or an array of numbers.

    Where they are one object the numbers are floats themselves; nan has no bounds.  Raise TypeError
    for what is no real number.
    """
    if type(x) is float or (type(x) is int and -EXACT <= x <= EXACT):
        return _float(float(x))
    if isinstance(x, (np.ndarray, np.generic)) and x.ndim == 0 and x.dtype.char != "g":
        return ends(x.item())
    if isinstance(x, np.ndarray):
        return _of_array(x)
    if isinstance(x, (list, tuple)):
        return _of_array(_spread(x))
    return of_number(x)


def _float(x: float) -> Ends:
    return (x, x) if x == x else ALL


def refuse_nan(x: Any) -> None:
    """Raise ValueError for nan in what was given."""
    if isinstance(x, (float, np.ndarray, np.floating, list, tuple)):
        array = np.asarray(x)
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise ValueError("nan is no number that could be enclosed")


def _spread(x: Any) -> Array:
    """Return a nested list as an array of numbers of NumPy, or of objects."""
    found = np.array(x)
    return found if found.dtype.kind in "fiub" else np.array(x, dtype=object)


def _of_array(x: Array) -> Ends:
    if x.dtype.char in "ehfd?bhBHiI" or (x.dtype.kind in "iu" and _small(x)):
        floats = x.astype(float)
        lost = np.isnan(floats)
        if lost.any():
            return np.where(lost, -INF, floats), np.where(lost, INF, floats)
        return floats, floats
    if x.dtype.kind not in "fiuO":
        raise TypeError(f"intervals are real: their ends are no numbers of dtype {x.dtype}")
    found = np.array([ends(e) for e in x.reshape(-1).tolist()], dtype=float).reshape(*x.shape, 2)
    return found[..., 0].copy(), found[..., 1].copy()


def _small(x: Array) -> bool:
    return not x.size or (int(x.max()) <= EXACT and int(x.min()) >= -EXACT)


def of_number(x: Any) -> Ends:
    """Return the floats below and above a number of Python, mpmath, flint, or a decimal string."""
    if isinstance(x, (bool, int, float, np.bool_)):
        return _float(float(x)) if isinstance(x, float) else outward(Fraction(int(x)))
    if isinstance(x, str):
        return _of_text(x)
    if isinstance(x, (Fraction, np.longdouble)):
        return outward(Fraction(*x.as_integer_ratio()))
    if isinstance(x, Decimal) and x.is_finite():
        return outward(Fraction(x))
    if isinstance(x, Constant):
        return _of_constant(x)
    kind = of_type(type(x))
    if kind is not None and kind.sets and not is_operand(x):
        low, high = kind.ends(x)
        return _of_mpf(low)[0], _of_mpf(high)[1]
    if hasattr(x, "_mpf_"):
        return _of_mpf(x)
    if isinstance(x, (complex, np.complexfloating)) or hasattr(x, "_mpc_"):
        raise TypeError(f"intervals are real, and {shown(x)} is complex: take its parts apart")
    raise TypeError(f"{shown(x)} ({type(x).__name__}) is no real number that could be enclosed")


def outward(x: Fraction) -> Ends:
    """Return the floats next to a fraction, below and above; twice the same if it is one."""
    try:
        near = float(x)
    except OverflowError:
        return (MOST, INF) if x > 0 else (-INF, -MOST)
    if near == x:
        return near, near
    return (near, math.nextafter(near, INF)) if near < x else (math.nextafter(near, -INF), near)


def _of_text(x: str) -> Ends:
    try:
        return outward(Fraction(x))
    except (ValueError, ZeroDivisionError):
        raise ValueError(
            f"{x!r} is no decimal number or fraction, such as '0.1' or '1/3'"
        ) from None


def _of_mpf(x: Any) -> Ends:
    negative, mantissa, exponent, _ = x._mpf_
    if not mantissa and exponent:  # an infinity or nan
        return _float(float(x))
    top = exponent + int(mantissa).bit_length()
    whole = -int(mantissa) if negative else int(mantissa)
    if abs(top) < 2000:
        return outward(whole * Fraction(2) ** exponent)
    if top < 0:
        return (-LEAST, 0.0) if negative else (0.0, LEAST)
    return (-INF, -MOST) if negative else (MOST, INF)


def _of_constant(c: Constant) -> Ends:
    x = c.formula(private(BITS))
    error = abs(x) * x.context.ldexp(1, 20 - BITS)
    return _of_mpf(x - error)[0], _of_mpf(x + error)[1]


def written(x: float, digits: int, up: bool) -> str:
    """Return a float in so many digits, rounded up or down.

    >>> written(0.3, 4, False), written(0.3, 4, True), written(-1e-20, 2, False)
    ('0.2999', '0.3', '-1e-20')
    """
    if not math.isfinite(x) or x == 0:
        return repr(x)
    exact = Decimal(x)
    step = Decimal(1).scaleb(exact.adjusted() - digits + 1)
    rounded = exact.quantize(step, ROUND_CEILING if up else ROUND_FLOOR, WIDE)
    body, e, exponent = f"{rounded:{'f' if -5 < exact.adjusted() < 16 else 'e'}}".partition("e")
    if "." in body:
        body = body.rstrip("0").rstrip(".")
    return f"{body}{e}{exponent}" if e or "." in body else f"{body}.0"
