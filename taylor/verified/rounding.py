"""Outward steps: bounds of what was rounded, for floats that are rounded to the nearest.

With x = fl(z) the number z lies between the floats before and after x.  For u = 2^-53 and the least
positive float η = 2^-1074, e = fl(2u|x| + η) is at least the distance from x to either of them
(2u|x| of a normal x, η of others), so x - e is no more than the float before x; rounding is
monotone, so fl(x - e) is no more than that, hence than z.  It needs no other rounding mode.

Sums do without η: where x is not normal it is the sum itself, else fl(2u|x|) is at least a step.
So no sum of numbers that are not negative has a bound below zero.

A sum of n floats, in any order, has an error of at most (n - 1)u/(1 - (n - 1)u)·Σ|x| (Higham,
Accuracy and Stability of Numerical Algorithms, 4.2), which 2un·fl(Σ|x|) bounds for n < 2^45.

nan, which comes of 0·∞ and ∞ - ∞, stands for no bound at all.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from taylor.numbers.kinds import Array

STEP, LEAST, MOST = 2.0**-52, 2.0**-1074, float(np.finfo(float).max)
INF = math.inf


def down(x: Any, tiny: float = LEAST) -> Any:
    """Return a float, or floats, that what was rounded to x is not below; of sums tiny = 0."""
    if type(x) is float:
        r = x - (abs(x) * STEP + tiny)
        return r if r == r else MOST - MOST * STEP if x == INF else -INF
    if type(x) is not np.ndarray:
        return down(float(x), tiny)
    found = np.minimum(x, MOST)  # an overflow is of what is larger than all floats
    found -= _step(found, tiny)
    return np.fmax(found, -INF, out=found)


def up(x: Any, tiny: float = LEAST) -> Any:
    """Return a float, or floats, that what was rounded to x is not above; of sums tiny = 0."""
    if type(x) is float:
        r = x + (abs(x) * STEP + tiny)
        return r if r == r else MOST * STEP - MOST if x == -INF else INF
    if type(x) is not np.ndarray:
        return up(float(x), tiny)
    found = np.maximum(x, -MOST)
    found += _step(found, tiny)
    return np.fmin(found, INF, out=found)


def _step(x: Array, tiny: float) -> Array:
    """Return 2u|x| + η; few arrays are made, which costs more than what is done with them."""
    step = np.abs(x)
    step *= STEP
    if tiny:
        step += tiny
    return step


def least(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Return the least of four floats or arrays, nan where one is."""
    if type(a) is type(b) is type(c) is type(d) is float:
        return min(a, b, c, d) if a + b + c + d == a + b + c + d else _first_nan(a, b, c, d, min)
    return _joined(np.minimum, a, b, c, d)


def greatest(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Return the greatest of four floats or arrays, nan where one is."""
    if type(a) is type(b) is type(c) is type(d) is float:
        return max(a, b, c, d) if a + b + c + d == a + b + c + d else _first_nan(a, b, c, d, max)
    return _joined(np.maximum, a, b, c, d)


def _joined(join: np.ufunc, a: Any, b: Any, c: Any, d: Any) -> Any:
    found, other = join(a, b), join(c, d)
    if type(found) is np.ndarray and np.shape(other) in (found.shape, ()):
        return join(found, other, out=found)
    return join(found, other)


def _first_nan(a: float, b: float, c: float, d: float, of: Any) -> float:
    found: float = math.nan if a != a or b != b or c != c or d != d else of(a, b, c, d)
    return found


def sums(low: Array, high: Array, axis: Any, count: int, steps: int = 0) -> tuple[Any, Any]:
    """Return bounds of sums over axes of `count` numbers between low and high.

    Each of these may be off by as many steps: what was rounded to one lies within 2u·steps of its
    size, and steps·η.
    """
    if count <= 1 and not steps:
        return np.add.reduce(low, axis), np.add.reduce(high, axis)
    found = []
    for ends, sign, step in ((low, -1, down), (high, 1, up)):
        size = np.add.reduce(np.abs(ends), axis)
        error = size * ((count + steps) * STEP) + count * steps * LEAST
        found.append(step(number(np.add.reduce(ends, axis) + sign * error), 0.0))
    return found[0], found[1]


def number(x: Any) -> Any:
    """Return ends without axes as a float."""
    return x if type(x) is np.ndarray and x.ndim else float(x)
