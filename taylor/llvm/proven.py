"""Elementary functions as pairs of registers, with proven bounds of their errors.

A pair (h, l) stands for h + l.  Let u = 2^-53.  Without underflow the product of pairs below is
off by no more than 8u² of its size (Joldes, Muller & Popescu, ACM Trans. Math. Softw. 44, 2017),
the sum by no more than 4u²(|a| + |b|); `two_sum` and `product` of registers are exact.

exp, |x| <= 700: x = n ln 2 + r, |r| < 0.35.  n·LN2[0] is exact, and what LN2 leaves out is below
2^-86, so that r is off by less than 2^-76.  Σ r^k/k! is summed in pairs for k < 8.  The rest, in
floats, is below 5.3e-9, off by less than 40u of that, and cut off after k = 18, which is below
2^-85.  Together exp r is off by less than 2^-73 of it; the bound taken is 2^-68.

log, 2^-800 <= x <= 2^800: with y any float near it and z = x·exp(-y) - 1, |z| < 2^-40,
log x = y + z - z²/2 + z³/3 - ...  z is off by less than 2^-72, by that of exp; z³ is below 2^-120.
The bound taken is 2^-67.  Where |log x| < 2^-8, n = 0, the rest of exp is below 2^-80 and what it
is off by below 2^-126, so that the pairs alone count: z is off by less than 2^-101; taken is
2^-100.

sin and cos, |x| <= 2^15: x = n π/2 + r, |r| < 0.79, the products of n with the first two parts of
π/2 are exact, and what they leave out is below 2^-122: r is off by less than 2^-103.  The series in
r² are summed in pairs for five terms.  The rest is below 2^-25, off by less than 40u of that, and
cut off below 2^-90.  Both are off by less than 2^-72 of them, and 2^-102; taken are 2^-68 and
2^-100.  Where n = 0, r is x, and they are off by less than 2^-72 of them.

sinh and cosh, |x| <= 700: x = n ln 2 + r as for exp.  sinh x = a cosh r + b sinh r and cosh x =
b cosh r + a sinh r, a and b = (2^n ∓ 2^-n)/2 exact, or off by less than 2^-106.  |r| < 0.35: the
series are better than those of sin and cos.  The terms of sinh, of opposite signs at worst where
n = 1, are together below four times of it.  r is off by less than n·2^-86, which coth x <= 3.1
takes to 2^-74.  Taken is 2^-68, and 2^-1000 for underflow, as below.

Angles: with y any float near the angle θ of a point (a, b) and tan δ = d = (b cos y - a sin y)/
(a cos y + b sin y), θ = y + δ, and δ differs from d by less than d³/3 < 2^-117·y where |d| <
2^-40·|y|.  Here |y| <= π, so that cos y and sin y are off by 2^-72 of them, or where they are small
and y is not by 2^-102.  For atan x, asin x and acos x the point is (1, x), (√(1 - x²), x) and
(x, √(1 - x²)), the root a pair off by less than 2^-100 of it; both products in the numerator are
below 1.1 |θ|·|(a, b)|, and no terms of the denominator cancel.  d is off by less than 2^-70·|θ|;
taken is 2^-68.

log1p x, -1 + 2^-50 <= x <= 2^800: as log, of the pair 1 + x, which is exact.

asinh, acosh and atanh, with y any float near them: x = sinh(y + δ) = cosh(y + δ) where sinh y +
δ cosh y = cosh y + δ sinh y = x, but for δ²/2·tanh y and δ²/2·coth y, which are below 2^-71·y where
|δ| < 2^-40·y and y < 560; x = tanh(y + δ) where sinh δ = (x cosh y - sinh y)·cosh(y + δ).  With
sinh y and cosh y off by 2^-68 of them δ is off by 2^-68·tanh y, by 2^-68·coth y, and by
2^-67·sinh y·cosh y; taken are 2^-66·y, and twice these.

x^r, x of log, |r| <= 64: r log x is off by less than |r|·2^-67 and 2^-92, exp of a pair as above;
taken is (|r| + 1)·2^-66.

Quotients of pairs are off by less than 2^-100: of one that is rounded the rest is exact or off by
less than 4u².
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from taylor.llvm import polynomials as p
from taylor.llvm.kernels import (
    Pair,
    acosh,
    added,
    alone,
    asin_acos,
    asinh,
    atan,
    atanh,
    log,
    log1p,
    power_of_two,
    product,
    quotient,
    root,
)
from taylor.llvm.registers import Scalar

RESULTS = {
    "exp": 2, "log": 3, "turned": 5, "hyperbolic": 4, "atan": 3, "asin": 3, "acos": 3, "raised": 3,
    "log1p": 3, "asinh": 3, "acosh": 4, "atanh": 4,
}  # fmt: skip
BESIDE_ONE = 2.0**-8, 2.0**-100  # size of a logarithm below which its error is below that
NEAR = 2.0**-40  # what z of log has to be below, and d of an angle, relative to it
TINY = 2.0**-1000  # more than underflow takes
BOUNDS = {  # of errors: relative, absolute, and the range of the argument
    "exp": (2.0**-68, 0.0, -600.0, 700.0),
    "log": (0.0, 2.0**-67, 2.0**-800, 2.0**800),
    "turned": (2.0**-68, 2.0**-100, -(2.0**15), 2.0**15),
    "hyperbolic": (2.0**-68, TINY, -700.0, 700.0),
    "atan": (2.0**-68, TINY, -(2.0**100), 2.0**100),
    "asin": (2.0**-68, TINY, -1.0, 1.0),
    "acos": (2.0**-68, TINY, -1.0, 1.0),
    "log1p": (0.0, 2.0**-67, -1.0 + 2.0**-50, 2.0**800),
    "asinh": (2.0**-66, TINY, -(2.0**800), 2.0**800),
    "acosh": (2.0**-66, TINY, 1.0 + 2.0**-20, 2.0**800),
    "atanh": (2.0**-66, TINY, -1.0 + 2.0**-20, 1.0 - 2.0**-20),
    "raised": (2.0**-66, 0.0, -600.0, 700.0),  # |r| + 1 times, of r·log x
}
LARGEST = 64.0  # exponent of a power


def _constant(c: Fraction) -> tuple[float, float]:
    """Return a rational number as the sum of two floats."""
    high = float(c)
    return high, float(c - Fraction(high))


def _inverse(n: int) -> Fraction:
    return Fraction(1, math.factorial(n))


EXP = [_constant(_inverse(k)) for k in range(19)]
SIN = [_constant((-1) ** k * _inverse(2 * k + 1)) for k in range(12)]
COS = [_constant((-1) ** k * _inverse(2 * k)) for k in range(12)]
SINH = [_constant(_inverse(2 * k + 1)) for k in range(12)]
COSH = [_constant(_inverse(2 * k)) for k in range(12)]


def times(a: Pair, b: Pair) -> Pair:
    """Return a·b."""
    high, low = product(a[0], b[0])
    return added(high, a[0].fma(b[1], a[1].fma(b[0], low)))


def plus(a: Pair, high: Scalar | float, low: Scalar | float) -> Pair:
    """Return a + high + low."""
    total, lost = a[0].two_sum(high)
    return added(total, lost + (a[1] + low))


def _series(x: Pair, c: list[tuple[float, float]], exact: int) -> Pair:
    """Return Σ c_k x^k, the first terms in pairs."""
    rest: Any = c[-1][0]
    for high, _ in c[-2 : exact - 1 : -1]:
        rest = x[0].fma(rest, high)
    total: Pair = rest, rest * 0.0
    for high, low in c[exact - 1 :: -1]:
        total = plus(times(total, x), high, low)
    return total


def divided(a: Pair, b: Pair) -> Pair:
    """Return a/b."""
    return added(*quotient(a, b))


def _negative(a: Pair) -> Pair:
    return -a[0], -a[1]


def _reduced(x: Scalar) -> tuple[Pair, Scalar]:
    """Return r and n, x = n·ln 2 + r."""
    n = (x * p.LOG2_E[0]).function("rint")
    high, low = product(n, -p.LN2[1])
    return plus(x.two_sum(n * -p.LN2[0]), high, low), n


def _exponential(x: Scalar, low: Scalar | None = None) -> tuple[Pair, Scalar]:
    """Return the pair y and n, exp(x + low) = y·2^n."""
    r, n = _reduced(x)
    r = r if low is None else plus(r, low, 0.0)
    return _series(r, EXP, 8), n


def _exp(x: Scalar) -> list[Scalar]:
    """Return exp x as a pair."""
    (high, low), n = _exponential(x)
    scale = power_of_two(n)
    return [high * scale, low * scale]


def _log(x: Scalar) -> list[Scalar]:
    """Return log x as a pair, and z."""
    return _nearer(log(x)[0], alone(x))


def _log1p(x: Scalar) -> list[Scalar]:
    return _nearer(log1p(x)[0], x.two_sum(1.0))


def _nearer(y: Scalar, x: Pair) -> list[Scalar]:
    """Return log x, which is near y, as a pair, and z."""
    w, n = _exponential(-y)
    scale = power_of_two(n)
    high, low = times((x[0] * scale, x[1] * scale), w)
    total, lost = high.two_sum(-1.0)
    z, rest = added(total, lost + low)
    total, lost = y.two_sum(z)
    return [*added(total, lost + (rest - z * z * 0.5)), z]


def _raised(high: Scalar, low: Scalar, r: Scalar) -> list[Scalar]:
    """Return exp(r·(high + low)) as a pair, and its argument."""
    t, rest = times((high, low), alone(r))
    (high, low), n = _exponential(t, rest)
    scale = power_of_two(n)
    return [high * scale, low * scale, t]


def _turned(x: Scalar) -> list[Scalar]:
    """Return sin r, cos r as pairs, and n, x = n·π/2 + r."""
    n = (x * p.TWO_OVER_PI).function("rint")
    first, lost = x.two_sum(n * -p.HALF_PI[0])
    second, more = first.two_sum(n * -p.HALF_PI[1])
    high, low = product(n, -p.HALF_PI[2])
    r = second.two_sum((lost + more) + high + low)
    square = times(r, r)
    return [*times(r, _series(square, SIN, 5)), *_series(square, COS, 5), n]


def _hyperbolic(x: Scalar) -> list[Scalar]:
    """Return sinh x and cosh x as pairs."""
    r, n = _reduced(x)
    square = times(r, r)
    s, c = times(r, _series(square, SINH, 5)), _series(square, COSH, 5)
    up, down = power_of_two(n - 1.0), power_of_two(-1.0 - n)
    a, b = up.two_sum(-down), up.two_sum(down)
    return [*plus(times(a, c), *times(b, s)), *plus(times(b, c), *times(a, s))]


def _asinh(x: Scalar) -> list[Scalar]:
    """Return asinh x as a pair, and δ."""
    (y,) = asinh(x)
    s, low, c, _ = _hyperbolic(y)
    d = ((x - s) - low) / c
    return [*y.two_sum(d), d]


def _acosh(x: Scalar) -> list[Scalar]:
    """Return acosh x as a pair, δ, and coth of it."""
    (y,) = acosh(x)
    s, _, c, low = _hyperbolic(y)
    d = ((x - c) - low) / s
    return [*y.two_sum(d), d, c / s]


def _atanh(x: Scalar) -> list[Scalar]:
    """Return atanh x as a pair, δ, and the product of sinh and cosh of it."""
    (y,) = atanh(x)
    s, s_low, c, c_low = _hyperbolic(y)
    d = plus(times((c, c_low), alone(x)), -s, -s_low)[0] * c
    return [*y.two_sum(d), d, s * c]


def uneven(n: Scalar) -> Scalar:
    """Return where a whole number is odd."""
    half = n * 0.5
    return ~half.equals(half.function("rint"))


def _toward(y: Scalar, a: Pair, b: Pair) -> list[Scalar]:
    """Return the angle of the point (a, b), which is near y, as a pair, and d."""
    sine, low, cosine, rest, n = _turned(y)
    odd, around = uneven(n), (n < 0.0) | (n > 1.0)  # n is -1, 0, 1 or 2
    s = [odd.where(v, w) for v, w in zip((cosine, rest), (sine, low), strict=True)]
    c = [odd.where(-v, w) for v, w in zip((sine, low), (cosine, rest), strict=True)]
    s, c = ([around.where(-v, v) for v in pair] for pair in (s, c))
    top, _ = plus(times(b, (c[0], c[1])), *_negative(times(a, (s[0], s[1]))))
    d = top / (a[0] * c[0] + b[0] * s[0])
    return [*y.two_sum(d), d]


def _atan(x: Scalar) -> list[Scalar]:
    return _toward(atan(x)[0], alone(x * 0.0 + 1.0), alone(x))


def _leg(x: Scalar) -> Pair:
    """Return √(1 - x²)."""
    return added(*root(times((-x).two_sum(1.0), x.two_sum(1.0))))


def _asin(x: Scalar) -> list[Scalar]:
    return _toward(asin_acos(x)[0], _leg(x), alone(x))


def _acos(x: Scalar) -> list[Scalar]:
    return _toward(asin_acos(x)[1], alone(x), _leg(x))


KERNELS: dict[str, Callable[..., list[Scalar]]] = {
    "exp": _exp, "log": _log, "turned": _turned, "hyperbolic": _hyperbolic, "atan": _atan,
    "asin": _asin, "acos": _acos, "raised": _raised,
    "log1p": _log1p, "asinh": _asinh, "acosh": _acosh, "atanh": _atanh,
}  # fmt: skip
