"""What series come from, as far as it takes to see zeros that both sides of a quotient have.

A series keeps the operation that made it and its arguments, for a few steps back, if that is one of
those that `core.removable` looks for.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from taylor.core.calls import Row, of_row
from taylor.core.functions import power
from taylor.core.instructions import ADD, DIV, MUL, Op
from taylor.core.removable import POWERS, SUB, ZEROS, without_zeros
from taylor.core.table import Elementary
from taylor.numbers.kinds import base
from taylor.series.coefficients import Coefficients

T = TypeVar("T", bound=Coefficients)
STEPS = 24  # that are kept of what made a series
NEAR = 1e-12
LARGE = 1 << 16  # coefficients of series whose products do not keep their factors
NUMBERS = (int, float, np.float64)
OPERATORS: dict[Op, Callable[[Any, Any], Any]] = {
    ADD: operator.add, SUB: operator.sub, MUL: operator.mul, DIV: operator.truediv,
}  # fmt: skip
# what is kept: an operation, its arguments, the steps that it goes back, and what of it vanishes
NOTHING, LESS_ONE, SOMETHING = range(3)  # nothing that is looked for, it less one, or a factor
KEPT = {row: (of_row(row), LESS_ONE if zero[0] else SOMETHING) for row, zero in ZEROS.items()}
KEPT.update({row: (of_row(row), NOTHING) for row in POWERS})


def made(y: T, op: Op, x: Any, c: Any) -> T:
    """Return a new series with what made it: a series x and a number."""
    before = x._made
    if before is None:
        y._made = op, (x, c), 1, NOTHING
    elif before[2] < STEPS:
        vanishes = before[3]
        if op is ADD:
            vanishes = SOMETHING if vanishes == LESS_ONE else NOTHING
        y._made = op, (x, c), before[2] + 1, vanishes
    return y


def multiplied(y: T, op: Op, x: Any, z: Any) -> T:
    """Return a product or quotient with its factors: numbers and series, if these are not large."""
    for v in (x, z):
        if type(v) not in NUMBERS and not isinstance(v, type(y)):
            return y
    return of_two(y, op, x, z)


def summed(y: T, op: Op, x: Any, z: Any) -> T:
    """Return a sum or difference of a series and a number, or of two that come from something."""
    before, other = x._made, getattr(z, "_made", None)
    if before is not None is not other:
        ones = before[3] == other[3] == LESS_ONE
        return of_two(y, op, x, z, SOMETHING) if ones and isinstance(z, type(y)) else y
    return made(y, ADD, x, z if op is ADD else -z) if type(z) in NUMBERS else y


def of_two(y: T, op: Op, x: Any, z: Any, vanishes: int = NOTHING) -> T:
    """Return a series with the series that it is made of, if these are not large."""
    steps = 1
    a = None if type(x) in NUMBERS else x._made
    if a is not None:
        steps, vanishes = a[2] + 1, SOMETHING if a[3] == SOMETHING else vanishes
    b = None if type(z) in NUMBERS else z._made
    if b is not None:
        steps, vanishes = steps + b[2], SOMETHING if b[3] == SOMETHING else vanishes
    if steps <= STEPS and y._coef.size <= LARGE:
        y._made = op, (x, z), steps, vanishes
    return y


def row_made(y: T, row: Elementary, *args: Any) -> T:
    """Return one of the rows that quotients look for with its arguments."""
    if not (isinstance(y, Coefficients) and isinstance(args[0], type(y))):
        return y
    before = args[0]._made
    steps = 1 if before is None else before[2] + 1
    if steps <= STEPS:
        op, vanishes = KEPT[row]
        if row in POWERS:
            vanishes = SOMETHING if before is not None and before[3] == SOMETHING else NOTHING
        y._made = op, args, steps, vanishes
    return y


def cancelled(op: Op, x: T, y: Any) -> T | None:
    """Return x/y or x·y without zeros that meet poles there; None if none do."""
    a, b = x._made, y._made
    if (a is None or a[3] != SOMETHING) and (b is None or b[3] != SOMETHING):
        return None
    if op is MUL and not (_is_quotient(a) or _is_quotient(b)):
        return None
    if x._coef.ndim == y._coef.ndim == 1 and x._is_floats():
        above, below = list[tuple[float, float]](), list[tuple[float, float]]()
        _distances(x, above, below)
        _distances(y, *((above, below) if op is MUL else (below, above)))
        if not any(abs(a - b) <= NEAR * (abs(a) + m + n) for a, m in above for b, n in below):
            return None
    inner = base(x._coef)
    if inner.dtype == object and not hasattr(next(iter(inner.flat), None), "context"):
        return None  # exact numbers
    found: T | None = without_zeros(op, x, y, inner.dtype == object)
    if found is None or found.shape != np.broadcast_shapes(x.shape, y.shape):
        return None
    return found if _is_so(x) and _is_so(y) else None


def _is_quotient(made: Any) -> bool:
    """Whether something was made by a division, or is a multiple of that."""
    while made is not None and made[0] is MUL and type(made[1][1]) in NUMBERS:
        made = made[1][0]._made
    return made is not None and made[0] is DIV


def _distances(
    x: Any, above: list[Any], below: list[Any], less: int = 0, whole: bool = False
) -> None:
    """Add how far x - less is from zero, or its factors are, above and below the fraction bar.

    That is in the series which it is a multiple of, plus a number, beside the size of this series.
    A `whole` is no product.
    """
    scale, value, y = 1.0, x._coef.item(0) - less, x
    whole = whole or less != 0
    while y._made is not None:
        op, args, *_ = y._made
        if type(op) is Row and op.row in POWERS:
            if not whole:
                _distances(args[0], above, below)
                _distances(args[0], below, above)
                return
            break
        if type(op) is Row:
            zero = ZEROS[op.row]
            if whole or not zero[0]:
                _distances(args[0], above, below, zero[1])
            break
        a, b = args
        if type(b) not in NUMBERS or type(a) in NUMBERS:
            for v, upper in ((a, True), (b, op is not DIV)):
                if type(v) not in NUMBERS:
                    _distances(v, *((above, below) if upper else (below, above)), 0, op is SUB)
            if not whole:
                return
            break
        whole = whole or op is ADD
        scale = scale * b if op is MUL else scale / b if op is DIV else scale
        y = a
    above.append((value / scale, abs(y._coef.item(0)) + less))


def _is_so(x: Any) -> bool:
    """Whether a series still is what its arguments make: these may have been written into."""
    if not (isinstance(x, Coefficients) and x.shape) or x._made is None:
        return True
    op, args, *_ = x._made
    if type(op) is Row:
        again = args[0] ** args[1] if op.row is power else op.row(*args)
    else:
        again = OPERATORS[op](*args)
    return again._is(x) and all(map(_is_so, args))
