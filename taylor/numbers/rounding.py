"""What rounding takes from sums, products, quotients and functions: the low parts of numbers.

With z = fl(x ∘ y), x ∘ y = z + low; low is a number of the same kind, exact for sums and products
unless it overflows (Dekker, A floating-point technique for extending the available precision, 1971;
Knuth, TAOCP 2, 4.2.2, theorem B).  Numbers are floats, arrays of them, or symbols for them; a pair
is a number and its low part.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.numbers.formulas import Constant
from taylor.numbers.kinds import private

Number = Any
Pair = tuple[Number, Number]
SPLIT = 2.0**27 + 1
SHIFT = 1.5 * 2.0**52  # adding it leaves an integer in the last bits
_h = float.fromhex
# n times the first part is exact for |n| < 2^20
LN2 = _h("0x1.62e42feep-1"), _h("0x1.a39ef35793c76p-33"), _h("0x1.cc01f97b57a08p-87")
HALF_PI = _h("0x1.921fb544p+0"), _h("0x1.0b4611a626331p-34"), _h("0x1.1701b839a2520p-88")
SIXTH = 1 / 6, _h("0x1.5555555555555p-57")
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


# The low part of z = x ∘ y for x and y given as (high, low); a low part may be None, and `product`
# is `of_product`, or does the same in another way.
def through_sum(x: Any, y: Any, z: Number) -> Number:
    return _total(of_sum(x[0], y[0], z), x[1], y[1])


def through_product(x: Any, y: Any, z: Number, product: Rule = of_product) -> Number:
    return _total(product(x[0], y[0], z), _times(y[0], x[1]), _times(x[0], y[1]))


def through_quotient(x: Any, y: Any, z: Number, product: Rule = of_product) -> Number:
    whole = z * y[0]
    return _total((x[0] - whole) - product(z, y[0], whole), x[1], _times(-z, y[1])) / y[0]


# ------------------------------------------------------------------ pairs
def sum_of(x: Pair, y: Pair) -> Pair:
    """Return x + y."""
    z = x[0] + y[0]
    return z, of_sum(x[0], y[0], z) + (x[1] + y[1])


def product(x: Pair, y: Pair) -> Pair:
    """Return x·y."""
    z = x[0] * y[0]
    return z, of_product(x[0], y[0], z) + (x[0] * y[1] + x[1] * y[0])


def of_quotient(x: Pair, y: Pair, z: Number) -> Number:
    """Return x/y - z for a z near x/y."""
    whole = z * y[0]
    return (((x[0] - whole) - of_product(z, y[0], whole)) + (x[1] - z * y[1])) / y[0]


def _reduced(x: Number, unit: tuple[float, float, float]) -> tuple[Number, Pair]:
    """Return n and x - n·unit, |n| < 2^20 the nearest integer to x/unit."""
    n = (x * (1 / unit[0]) + SHIFT) - SHIFT
    rest = x - n * unit[0]
    p = n * unit[1]
    r = rest - p
    return n, (r, of_sum(rest, -p, r) - (of_product(n, unit[1], p) + n * unit[2]))


def _polynomial(x: Number, first: int, step: int, terms: int, sign: int) -> Number:
    """Return Σ sign^i x^i/(first + i·step)!, i < terms."""
    y = x * 0
    for i in reversed(range(terms)):
        y = y * x + sign**i / math.factorial(first + i * step)
    return y


def exp(x: Number) -> tuple[Number, Pair]:
    """Return n and the pair y with exp x = 2^n·y, good to 2^-59.

    >>> n, (y, low) = exp(1.0)
    >>> float(n), y * 2.0**n - 2.718281828459045 + low * 2.0**n < 2e-16
    (1.0, True)
    """
    n, (r, d) = _reduced(x, LN2)
    q = r * r
    total = sum_of((1.0, d + r * d), (r, 0.0))
    total = sum_of(total, (0.5 * q, 0.5 * of_product(r, r, q)))
    return n, sum_of(total, (r * q * _polynomial(r, 3, 1, 13, 1), 0.0))


def sin_cos(x: Number) -> tuple[Pair, Pair]:
    """Return sin x and cos x as pairs, good to 2^-59 of 1, |x| < 10^6.

    >>> sine, cosine = map(sum, sin_cos(2.0))
    >>> sine == math.sin(2.0), cosine == math.cos(2.0)
    (True, True)
    """
    n, (r, d) = _reduced(x, HALF_PI)
    q = product((r, d), (r, d))
    cosine = sum_of((1.0, 0.0), (-0.5 * q[0], -0.5 * q[1]))
    cosine = sum_of(cosine, (q[0] * q[0] * _polynomial(q[0], 4, 2, 7, -1), 0.0))
    third = product(product((r, d), q), (-SIXTH[0], -SIXTH[1]))
    sine = sum_of((r, d), third)
    sine = sum_of(sine, (r * q[0] * q[0] * _polynomial(q[0], 5, 2, 7, -1), 0.0))
    m = n - 4 * ((0.25 * n + SHIFT) - SHIFT)  # 0, ±1 or ±2: so many right angles
    even = (1 - 0.5 * m * m) * (1 - m * m * (4 - m * m) * (1 / 3))
    odd = m * (m * m * (4 - m * m) * (1 / 3))
    (s, t), (c, u) = sine, cosine
    return (s * even + c * odd, t * even + u * odd), (c * even - s * odd, u * even - t * odd)


# ------------------------------------------------------------------ division
def divisor(x: Number, low: Number) -> tuple[Number, Number]:
    """Return (m, d) with 1/(x + low) = (1 - d)/m for a shorter m, so that d is far from rounding.

    s/x - s/x·low/x would mostly round to s/x again.
    """
    m = _halves(x * (1 + 2.0**-20))[0]
    d = ((x - m) + low) / (x + low)
    finite = np.isfinite(d)
    return np.where(finite, m, x), np.where(finite, d, 0.0)


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
