"""What rounding takes from sums, products, quotients and constants: the low parts of numbers.

With z = fl(x ∘ y), x ∘ y = z + low; low is a number of the same kind, exact for sums and products
unless it overflows (Dekker, A floating-point technique for extending the available precision, 1971;
Knuth, TAOCP 2, 4.2.2, theorem B).  Numbers are floats, arrays of them, or symbols for them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.values import Constant, private

Number = Any
SPLIT = 2.0**27 + 1
Rule = Callable[..., Any]


def of_sum(x: Number, y: Number, z: Number) -> Number:
    """Return x + y - z of the rounded sum z.

    >>> of_sum(1.0, 1e-20, 1.0)
    1e-20
    """
    t = z - x
    return (x - (z - t)) + (y - t)


def of_product(x: Number, y: Number, z: Number) -> Number:
    """Return x·y - z of the rounded product z; nan where |x| or |y| exceeds 1e300.

    >>> of_product(0.1, 3.0, 0.1 * 3.0) == -(2.0**-55)
    True
    """
    (a, b), (c, d) = _halves(x), _halves(y)
    return b * d - (((z - a * c) - b * c) - a * d)


def _halves(x: Number) -> tuple[Number, Number]:
    t = SPLIT * x
    high = t - (t - x)
    return high, x - high


def of_constant(c: Any) -> float:
    """Return what the float of a number lacks.

    >>> of_constant(Fraction(1, 4))
    0.0
    """
    if isinstance(c, Constant):
        exact = c.formula(private(160))
        return float(exact - float(exact))
    return float(c - Fraction(float(c))) if isinstance(c, Fraction) else 0.0


def through(op: str, x: Any, y: Any, z: Number, product: Rule = of_product) -> Number:
    """Return the low part of z = x ∘ y for x and y given as (high, low); a low part may be None.

    `product` is `of_product`, or does the same in another way.
    """
    (x, a), (y, b) = x, y
    if op == "add":
        return _total(of_sum(x, y, z), a, b)
    if op == "mul":
        return _total(product(x, y, z), _times(y, a), _times(x, b))
    whole = z * y
    return _total((x - whole) - product(z, y, whole), a, _times(-z, b)) / y


def divisor(x: Number, low: Number) -> tuple[Number, Number]:
    """Return (m, d) with 1/(x + low) = (1 - d)/m for a shorter m, so that d is far from rounding.

    s/x - s/x·low/x would mostly round to s/x again.
    """
    m = _halves(x * (1 + 2.0**-20))[0]
    d = ((x - m) + low) / (x + low)
    finite = np.isfinite(d)
    return np.where(finite, m, x)[()], np.where(finite, d, 0.0)[()]


def over(s: Number, by: tuple[Number, Number]) -> Number:
    """Return s divided by a `divisor`."""
    m, d = by
    s = s / m
    return s - s * d


def _times(x: Number, low: Number | None) -> Number | None:
    return None if low is None else operator.mul(x, low)


def _total(x: Number, *lows: Number | None) -> Number:
    for low in lows:
        x = x if low is None else x + low
    return x
