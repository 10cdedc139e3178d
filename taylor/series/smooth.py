"""Rows at series of floats and real numbers where nothing is special about the point.

That is: without a kink, jump, zero of a base, or anything that is not finite; `rows` has the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from taylor.core.algebra import Algebra
from taylor.core.choices import apart
from taylor.core.functions import (
    TINY,
    absolute,
    clip,
    exponential,
    maximum,
    minimum,
    mod,
    power,
    real_power,
    stop_gradient,
)
from taylor.core.node import Node
from taylor.core.powers import integer_power
from taylor.core.table import Elementary
from taylor.core.tables import pad
from taylor.machine import engine
from taylor.numbers.values import quietly
from taylor.series.coefficients import FLOAT, UNKNOWN, Coefficients
from taylor.series.rows import ALONE, by_code

Owner = TypeVar("Owner", bound=Coefficients)
OBJECT = np.dtype(object)
NUMBERS = (float, int, np.float64)
REALS = (np.floating, np.integer, Fraction)
LOST = 1024.0  # the roundings that one over a series may have before it is looked at


def shortly(owner: Owner, row: Elementary, args: Sequence[Any]) -> Owner | None:
    """Return a row without a look at what is special, if nothing is; None: the ordinary way."""
    if row is stop_gradient:
        return None
    if len(args) == 1 and row.compose is None and row.jumps is None:
        return _of_one(owner, row)
    y: Owner | None = None
    if row in LINEAR:
        heads = _heads(owner, args)
        y = LINEAR[row](args, heads) if heads else _on_sides(owner, row, args)
    if y is None:
        y = at_smooth(owner, row, args)
    return _of_one(owner, row) if y is None and len(args) == 1 else y


# ------------------------------------------------------------------ arguments, or minus them
def _heads(owner: Coefficients, args: Sequence[Any]) -> list[float]:
    """Return the values of numbers and of series of single floats; nothing if there are others.

    Of integers that are no floats, and of very large numbers, it is nan.
    """
    heads: list[float] = []
    for x in args:
        if type(x) in NUMBERS:
            heads.append(float(x) if -engine.EXACT < x < engine.EXACT else math.nan)
        elif owner._fellow(x) and x._is_floats() and x._coef.ndim == 1:
            heads.append(x._coef.item(0))
        else:
            return []
    return heads


def _copy(x: Any, args: Sequence[Any]) -> Any:
    """Return one of the arguments as a series."""
    if type(x) not in NUMBERS:
        return x._new(x._coef.copy(), reach=x._reach)
    y = next(arg for arg in args if type(arg) not in NUMBERS)
    table = np.zeros_like(y._coef)
    table[0] = x
    return y._new(table, reach=0)


def _modulus(args: Sequence[Any], heads: Sequence[float]) -> Any:
    (x,), (value,) = args, heads
    return _copy(x, args) if value > 0 else -x if value < 0 else None


def _larger(args: Sequence[Any], heads: Sequence[float]) -> Any:
    (x, y), (a, b) = args, heads
    return _copy(x, args) if a > b else _copy(y, args) if a < b else None


def _smaller(args: Sequence[Any], heads: Sequence[float]) -> Any:
    (x, y), (a, b) = args, heads
    return _copy(x, args) if a < b else _copy(y, args) if a > b else None


def _within(args: Sequence[Any], heads: Sequence[float]) -> Any:
    (x, low, high), (value, a, b) = args, heads
    if not a < b or value in heads[1:]:
        return None
    return _copy(low if value < a else high if value > b else x, args) if value == value else None


def _rest(args: Sequence[Any], heads: Sequence[float]) -> Any:
    (x, y), (a, b) = args, heads
    if not (math.isfinite(a) and math.isfinite(b) and b and math.fmod(a, b)):
        return None
    if not math.isfinite(a // b):
        return None
    found = _copy(x, args)
    if type(y) not in NUMBERS:
        found = found - y * (a // b)
    found._coef[0] = np.remainder(a, b)
    return found


# Rows that are an argument, or a sum of them, near the point: of their values
LINEAR: dict[Elementary, Any] = {
    absolute: _modulus, maximum: _larger, minimum: _smaller, clip: _within, mod: _rest,
}  # fmt: skip


def _on_sides(owner: Owner, row: Elementary, args: Sequence[Any]) -> Owner | None:
    """Return abs, maximum, minimum or clip of arrays of floats that meet nowhere; else None."""
    coef, heads, tables = owner._coef, list[Any](), list[Any]()
    if not owner._is_floats() or coef.ndim < 2 or row is mod:
        return None
    for x in args:
        if owner._fellow(x) and x._is_floats() and x._coef.shape == coef.shape:
            tables.append(x._coef)
            heads.append(x._coef[0])
            continue
        array = type(x) is np.ndarray and x.dtype is FLOAT and x.shape == coef.shape[1:]
        if not (array or type(x) is float):
            return None
        tables.append(_constant_like(coef, x))
        heads.append(x)
    found = _side_of(row, heads, tables)
    if found is None or not any([c[1:].any() for c in tables]):
        return None
    return owner._new(found, reach=max(x._reach for x in args if isinstance(x, Coefficients)))


def _side_of(row: Elementary, heads: list[Any], tables: list[Any]) -> Any:
    if row is clip:
        if (x := _side_of(maximum, heads[:2], tables[:2])) is None:
            return None
        return _side_of(minimum, [x[0], heads[2]], [x, tables[2]])
    first, second = (*heads, 0.0)[:2]
    above = apart(first, second)
    if above is None:
        return None
    if row is absolute:
        return np.where(above, tables[0], -tables[0])
    return np.where(above if row is maximum else ~above, *tables)


def _constant_like(coef: Any, x: Any) -> Any:
    table = np.zeros_like(coef)
    table[0] = x
    return table


def _of_one(owner: Owner, row: Elementary) -> Owner | None:
    """Return a row of one series, of numbers of any kind that have code."""
    coef, algebra = owner._coef, owner.algebra
    table = engine.entry(row, ALONE, algebra).call(coef)
    if table is None:
        table = by_code(row, ALONE, algebra, [coef])
    if table is None:
        return None
    head, dtype = coef[0], table.dtype
    if dtype is OBJECT:
        table[0] = row(head)
    else:
        table[0] = row.numpy(head if dtype is FLOAT else head + 0)  # above cuts
    return owner._make(table, algebra, owner.tag, 0 if owner._reach == 0 else UNKNOWN)


def at_smooth(owner: Owner, row: Elementary, args: Sequence[Any]) -> Owner | None:
    """Return a row by products, machine code, or its plain value; None: the ordinary way.

    The owner is one of the arguments.
    """
    given = _settled(owner, args)
    if given is None:
        return None
    live = tuple([type(x) is np.ndarray for x in given])
    tables = [x for x, m in zip(given, live, strict=True) if m]
    if not any([any(x[1:].tolist()) if x.ndim == 1 else x[1:].any() for x in tables]):
        return None
    if row.compose is None and row.jumps is None:
        return _by_code(owner, row, given, live) if len(args) > 1 else None
    if row is power and len(args) == 2:
        way = real_power if live[0] else exponential
        return _by_code(owner, way, given, live) if live[1] else powered(args[0], given[1])
    heads = [x[0] if m else x for x, m in zip(given, live, strict=True)]
    if row.compose is None:
        return _between_jumps(owner, row, heads)
    y: Owner = row.compose(*args)
    y._coef[0] = quietly(row.numpy, *heads)
    return y


def side_taken(owner: Owner, lhs: Any, rhs: Any, a: Any, b: Any) -> Owner | None:
    """Return a where lhs >= rhs and b elsewhere, as far from ties as doubles can be; else None."""
    given = _settled(owner, (lhs, rhs, a, b))
    if given is None:
        return None
    left, right = (x[0] if type(x) is np.ndarray else x for x in given[:2])
    series = [x if type(x) is np.ndarray else owner._constant(x)._coef for x in given[2:]]
    reach = max(x._reach for x in (a, b, owner) if isinstance(x, Coefficients))
    if owner._coef.ndim == 1:
        if not (left > right or left < right):
            return None
        return owner._new(series[0 if left > right else 1].copy(), reach=reach)
    above = apart(left, right)
    if above is None:
        return None
    return owner._new(np.where(above, *(pad(x, 1) for x in series)), reach=reach)


def _settled(owner: Coefficients, args: Sequence[Any]) -> list[Any] | None:
    """Return the tables of series and real numbers; None if there are other arguments."""
    coef, shape = owner._coef, owner._coef.shape
    if type(coef) is not np.ndarray or coef.dtype is not FLOAT or len(coef) == 1:
        return None
    if len(shape) > 2:
        return None
    given: list[Any] = []
    for x in args:
        if type(x) is float:
            given.append(x)
        elif x is owner:
            given.append(coef)
        elif owner._fellow(x):
            if not x._is_floats() or x._coef.shape != shape:
                return None
            given.append(x._coef)
        else:
            number = _real(x)
            if number is None:
                return None
            given.append(number)
    return given


def _real(x: Any) -> float | None:
    """Return a real number as the float that it is beside floats; None of others."""
    if type(x) is np.ndarray and x.ndim == 0 and x.dtype.kind in "fiu":
        x = x[()]
    real = type(x) is int or (isinstance(x, REALS) and not isinstance(x, np.longdouble))
    return float(x) if real and abs(x) < engine.EXACT else None


def _between_jumps(owner: Owner, row: Elementary, heads: Sequence[Any]) -> Owner | None:
    assert row.jumps is not None
    y = quietly(row.numpy, *heads)
    jumps = row.jumps(*heads)
    if not _every(np.isfinite(y)) or (jumps.any() if isinstance(jumps, np.ndarray) else jumps):
        return None
    table = np.zeros_like(owner._coef)
    table[0] = y
    return owner._new(table, reach=0)


def powered(x: Owner, r: Any) -> Owner | None:
    """Return x**r for a series of floats and a real number; None: the ordinary way."""
    number = r if type(r) in (int, float) else _real(r)
    if number is None and isinstance(r, Coefficients) and x.tag.level < 0 and not x.tag.near:
        x.tag.near = _near_one(x._coef)
    if number is None or not x._is_floats():
        return None
    rest = number % 1
    if rest:
        live = (True, False)
        moving = rest > 0 and x._reach
        return _by_code(x, real_power, (x._coef, number), live) if moving else None
    return _by_products(x, int(number))


def _by_products(x: Owner, n: int) -> Owner | None:
    """Return x**n unless it leaves the range of floats."""
    y: Any = integer_power(x, abs(n)) if n != 1 else x._new(x._coef.copy("K"), reach=x._reach)
    if n < 0:
        if not _every(y._coef[0]):
            return None
        y = 1 / y
    c = y._coef
    total = sum(c.tolist()) if c.ndim == 1 else np.vdot(c, c)
    if not (math.isfinite(total) or np.isfinite(c).all()):  # the first is fast
        return None
    c[0] = x._coef[0] ** n
    found: Owner = y
    return found


def _by_code(
    owner: Owner, row: Elementary, given: Sequence[Any], live: tuple[bool, ...]
) -> Owner | None:
    heads = [x[0] if m else x for x, m in zip(given, live, strict=True)]
    of_power = row is real_power or row is exponential
    if of_power and not _every(heads[0] > 0):
        return None
    table = by_code(row, live, owner.algebra, given)
    if table is None or (of_power and not _every(table[0] >= TINY)):
        return None
    table[0] = row.numpy(*heads)
    return owner._new(table)


def _every(x: Any) -> bool:
    return bool(x.all()) if type(x) is np.ndarray else bool(x)


def vanish_nearby(x: Any, y: Any, algebra: Algebra) -> bool:
    """Whether two tables seem to vanish at one point beside theirs: their quotient loses digits.

    That is where both are small beside their slopes (the largest, of several variables), and by
    about as much, which zeros of other orders change by a small factor.  In a program for other
    points, too, it may be so at one of them.
    """
    x, y = _numbers(x), _numbers(y)
    if x is None or y is None:
        return True
    if not (_is_rounded(x) and _is_rounded(y)):
        return False
    variables = algebra.variables
    if x.ndim == y.ndim == variables == 1:
        a, b, c, d = abs(x.item(0)), abs(x.item(1)), abs(y.item(0)), abs(y.item(1))
        if not (c < 0.5 * d and a < 0.5 * b):
            return False
        return bool(a * d < 4 * c * b < 16 * a * d) if a and c else bool(a != c)
    c, d = abs(y[0]), _slope(y, variables)
    small = c < 0.5 * d
    if x.shape != y.shape or not np.any(small):
        return bool(np.any(small))
    a, b = abs(x[0]), _slope(x, variables)
    with np.errstate(all="ignore"):
        alike = ((a * d < 4 * c * b) & (c * b < 4 * a * d)) | (a == 0) | (c == 0)
    return bool(np.any(small & (a < 0.5 * b) & alike))


def vanishes_nearby(y: Any, algebra: Algebra) -> bool:
    """Whether a table seems to vanish beside its point: a factor of one over it may do so, too.

    Then coefficient k loses (slope/value)^k roundings.
    """
    y = _numbers(y)
    if y is None:
        return True
    if not _is_rounded(y):
        return False
    return bool(np.any(LOST ** (1 / algebra.order) * abs(y[0]) < _slope(y, algebra.variables)))


def _near_one(a: Any) -> bool:
    """Whether the logarithm of a table is small, of which a rounded one has lost digits."""
    x = _numbers(a)
    return x is None or (_is_rounded(x) and bool(np.any(abs(x[0] - 1) < 0.5)))


def _slope(x: Any, variables: int) -> Any:
    return abs(x[1]) if variables == 1 else abs(x[1 : 1 + variables]).max(axis=0)


def _numbers(x: Any) -> Any:
    """Return the values of what is recorded, or a series; None if they are those of other points.

    No guard, since both ways are right.
    """
    while isinstance(x, (Coefficients, Node)):
        if isinstance(x, Node) and not x.tape.passing:
            return None
        x = x.value
    return x


def _is_rounded(x: Any) -> bool:
    """Whether a table has two floats of some precision, or more."""
    if type(x) is not np.ndarray or len(x) < 2 or not x.size:
        return False
    return x.dtype.kind in "fc" or (x.dtype == OBJECT and hasattr(x.item(0), "context"))
