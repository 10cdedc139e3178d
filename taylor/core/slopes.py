"""Slopes of roots, powers and logarithms, also where they leave the range of floats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.core.functions import (
    LOGARITHMS,
    TINY,
    UNBOUNDED,
    atan2,
    hypot,
    log,
    power,
    real_power,
    reciprocal,
    sqrt,
    stop_gradient,
)
from taylor.core.singular import leading, masked, overflowed
from taylor.core.table import Elementary
from taylor.numbers.kinds import Kind, ValueSet, base, is_nested, is_operand
from taylor.numbers.values import constant, is_float, over, times

NEARLY = 2.0**25  # times the least float is one whose products have most of their digits


def lowered(row: Elementary, a: Any, r: Any, y: Any) -> Any:
    """Return a**(r - 1) = y/a of a root or power y, also where y leaves the range of floats.

    What is recorded where it does not is nan at points where it would.
    """
    if row is not real_power:
        return within(row, y, 1 / y) if row is sqrt else y / a
    inner = leading(y)
    if is_operand(inner):
        return y / a + 0 * (4 / inner)  # 4/y overflows
    tiny = np.finfo(inner.dtype).tiny if is_float(inner) and type(inner) is not float else TINY
    out = is_float(inner) and ((np.abs(inner) < tiny) | np.isinf(inner)) & np.not_equal(base(a), 0)
    return np.where(out, real_power(a, r - 1), y / a)[()] if np.any(out) else y / a


def trusted(slope: Any, a: Any, da: Any) -> Any:
    """Return 1; nan where y/a nearly underflows, and what is divided by a once more is nothing.

    One where a number a, or its part `da`, is zero, too.
    """
    inner = leading(slope)
    if is_operand(inner):
        return 1 + 0 * (NEARLY / stop_gradient(inner))  # overflows
    if not is_float(inner):
        return 1
    least = NEARLY / np.finfo(getattr(inner, "dtype", float)).max
    moves = np.not_equal(base(a), 0) & np.not_equal(base(da), 0).any(0)
    return np.where((np.abs(inner) < least) & moves, np.nan, 1)[()]


def within(row: Elementary, a: Any, slope: Any) -> Any:
    """Return the slope at a, nan at infinity: it is zero there, not where a has overflowed."""
    if row not in UNBOUNDED:
        return slope
    if is_nested(a):
        return slope + 0 * a
    far = overflowed(row, a)
    return masked(slope, far) if far.any() else slope


def of_whole_powers(a: Any, n: Any) -> Any:
    """Return n·a**(n - 1) for an array of exponents, 0 for n = 0; None if some are not whole."""
    if n.dtype.kind not in "iuf" or not np.all(n == np.rint(n)):
        return None
    one_less = np.where(n == 0, 0, n.astype(float) - 1).astype(int)
    return times(n.astype(base(a).dtype, copy=False), power(a, one_less))


def of_logarithm(row: Elementary, a: Any, y: Any, bar: Any) -> Any:
    """Return the adjoint bar/a of a logarithm: the derivative of 1/a might leave the range."""
    assert row.quotient is not None
    found = over(bar, a)
    if row is not log:
        found = times(found, constant(row.quotient(a, y)[0], found))
    return within(row, a, found)


def in_range(
    row: Elementary, a: Sequence[Any], y: Any, bar: Any, wanted: Sequence[bool]
) -> list[Any] | None:
    """Return the adjoints of the arguments of a logarithm or angle, whose slopes may underflow."""
    if isinstance(y, ValueSet):
        return None
    if row in LOGARITHMS:
        return [of_logarithm(row, a[0], y, bar)]
    return _of_angle(a[0], a[1], bar, wanted) if row is atan2 else None


def _of_angle(a: Any, b: Any, bar: Any, wanted: Sequence[bool]) -> list[Any]:
    """Return the adjoints bar·b/h² and -bar·a/h² of atan2(a, b), h² = a² + b², which may underflow.

    bar/h does so less often than 1/h².
    """
    h = hypot(a, b)
    whole = over(bar, h)
    pairs = zip(wanted, (b, a), (1, -1), strict=True)
    return [times(times(whole, over(c, h)), sign) if w else None for w, c, sign in pairs]


def alike(a: Any, b: Any, *more: Any) -> tuple[Any, ...]:
    """Return numbers, a float beside others in the numbers of these: its square is exact there.

    >>> import mpmath
    >>> alike(0.5, mpmath.mpf(2), 1)[:2]
    (mpf('0.5'), mpf('2.0'))
    """
    if isinstance(a, float) and not (type(b) is int or is_operand(b) or Kind.of(b).numpy):
        return a + 0 * b, b, *more
    if isinstance(b, float) and not (type(a) is int or is_operand(a) or Kind.of(a).numpy):
        return a, b + 0 * a, *more
    return a, b, *more


def falls(row: Elementary, a: Any, r: Any = None, *more: Any) -> Any:
    """Return r of a power a**r with a number r < 0, whose slope leaves the range before it; or 0.

    >>> falls(power, 1e200, -2), falls(reciprocal, 1e200), falls(power, 2.0, 3), falls(log, 2.0)
    (-2, -1, 0, 0)
    """
    if row is reciprocal:
        return -1
    return r if row in (power, real_power) and type(r) in (int, float) and r < 0 else 0


def is_nothing(slope: Any) -> bool:
    """Whether a slope is an exact zero."""
    return type(slope) is int and slope == 0
