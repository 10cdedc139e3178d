"""Points where a function has no series: how they are told, and the errors that say so."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.conditions import Condition
from taylor.core.functions import UNBOUNDED
from taylor.errors import DomainError, PoleError
from taylor.numbers.contexts import is_interval, is_set
from taylor.numbers.kinds import Array, Kind, ValueSet, base, is_operand
from taylor.numbers.values import decided, zeros


def leading(x: Any) -> Any:
    """Return the value of a series of series: a plain number, or a node to be compared."""
    while hasattr(x, "_coef"):
        x = x.value
    return x


def outcome(op: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    """Return how two values compare; where they are recorded, that leaves a guard."""
    result = decided(op, leading(x), leading(y))
    return np.asarray(result.mask() if isinstance(result, Condition) else result, dtype=bool)


def equal(x: Any, y: Any) -> Any:
    """Return x == y of plain numbers or arrays, which balls that overlap do not decide."""
    return decided(operator.eq, x, y) if is_set(x) or is_set(y) else x == y


def is_zero(x: Any) -> bool:
    """Whether a scalar is zero (an interval: whether it contains zero)."""
    return Kind.of(x).is_zero(x)


def zeros_in(x: Any) -> Array:
    """Return, element by element, whether numbers are zero, or sets may hold it."""
    if isinstance(x, ValueSet):
        return np.equal(x.members()[1], 0)
    return np.asarray(np.equal(x, 0), dtype=bool)


def unsettled(row: Any, values: Sequence[Any], y: Any) -> Any:
    """Return where a row of sets may have no series: its value has no bound, or may jump.

    An equation says nothing of members that have no value: 1 + y² >= 1 at the poles of tan, too.
    """
    least, _, largest = y.members()
    found = np.isinf(least) | np.isinf(largest)
    return found | across_cut(values) if row.polar == 0 and len(values) == 2 else found


def across_cut(values: Sequence[Any]) -> Any:
    """Return where boxes of the two arguments of atan2 meet its cut."""
    a, b = (
        x.members() if isinstance(x, ValueSet) else (x, np.abs(x), x) for x in map(base, values)
    )
    return np.equal(a[1], 0) & np.less_equal(b[0], 0)


def is_finite(x: Any) -> bool:
    """Whether a scalar of any number type is finite (an interval: bounded)."""
    return Kind.of(x).is_finite(x)


def finite_in(x: Array) -> Array:
    """Return where numbers of an array are finite."""
    if x.dtype == object:
        return np.array([is_finite(e) for e in x.reshape(-1)], dtype=bool).reshape(x.shape)
    return np.isfinite(x)


def overflowed(row: Any, x: Any) -> Any:
    """Return where the argument of a row is infinite whose slopes vanish there, but not below."""
    if row not in UNBOUNDED:
        return np.False_
    x = base(x)
    if isinstance(x, ValueSet) or np.asarray(x).dtype.kind not in "fc":
        return np.False_
    return np.isinf(x)


def is_nan(x: Any) -> bool:
    """Whether a scalar of any number type is not a number."""
    return Kind.of(x).is_nan(x)


def nans(x: Any) -> Array:
    """Return where numbers of an array are not numbers."""
    if isinstance(x, ValueSet):
        return np.zeros(x.shape, dtype=bool)
    return np.asarray(np.frompyfunc(is_nan, 1, 1)(x) if x.dtype == object else x != x, dtype=bool)


def like_numbers(degrees: Array, table: Array) -> Array:
    """Return the degrees as numbers that leave the kind of number of the table as it is."""
    if table.dtype.kind in "fc":
        return degrees.astype(np.empty(0, table.dtype).real.dtype)
    return degrees.astype(float) if is_operand(table) else degrees.astype(object)


def masked(x: Any, lanes: Any) -> Any:
    """Return x with nan in bad lanes; a pair gives (nan lanes, zero lanes)."""
    bad, inactive = lanes if isinstance(lanes, tuple) else (lanes, None)
    if inactive is not None and inactive.any():
        x = np.where(inactive, zeros(np.shape(x), x), x)
    if not bad.any():
        return x
    # in a series that is a coefficient all that is known gets lost
    return np.where(bad, x * np.nan if is_operand(x) else np.nan, x)[()]


def show(values: Sequence[Any]) -> str:
    return ", ".join(str(base(v)) for v in values)


def no_quotient(what: str) -> PoleError:
    """Return the error for a divisor whose value is zero."""
    return PoleError(
        f"division by a series whose value is zero{what}; move the point, or "
        "taylor.policy(singular='propagate') to get inf or nan"
    )


def no_expansion(row: Any, values: Sequence[Any]) -> DomainError:
    """Return the error for a point where a row has no Taylor expansion."""
    error: type[DomainError] = row.error
    return error(
        f"{row.name} has no Taylor expansion at {show(values)} (domain: {row.domain}); move the "
        "point, use order 0, or taylor.policy(singular='propagate') to get nan"
    )


def checked(row: Any, values: Sequence[Any], singular: str | None) -> Any:
    """Return row(*values); a scalar outside the domain raises DomainError."""
    if all(np.shape(base(x)) == () for x in values):
        with np.errstate(all="ignore"):
            y = row(*values)
    else:
        y = row(*values)
    v = base(y)
    if np.shape(v) != () and singular != "raise":
        return y
    if singular == "propagate" or is_interval(v):
        return y
    points = [base(x) for x in values]
    if np.shape(v) == ():
        finite = all(is_interval(x) or is_finite(x) for x in points)
        fresh = is_nan(v) and not any(is_nan(x) for x in points)
        at_pole = row.pole and not is_nan(v) and abs(v) == float("inf") and finite
        if fresh or at_pole:
            raise no_expansion(row, values)
    elif np.any(nans(np.asarray(v)) & ~nans(np.asarray(points[0]))):
        raise no_expansion(row, values)
    return y


def local_series(row: Any, x: Any, order: int) -> Any:
    """Return f⁽ᵐ⁾(x)/m!, m = 0..order, of a row at a value of any number type."""
    if is_operand(x):
        return x._local_series(row, order)
    if isinstance(x, np.ndarray) and x.dtype == object:
        flat = [local_series(row, e, order) for e in x.reshape(-1)]
        return np.stack(flat, axis=1).reshape(order + 1, *x.shape)
    try:
        return Kind.of(x).local(row, x, order)
    except ValueError as error:
        raise no_expansion(row, [x]) from error
