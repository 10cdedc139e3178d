"""Values of elementary functions that NumPy has not, or not to the last digits, for floats.

They take floats, complex numbers and arrays of them.  A function that ends in `_low` returns what
rounding took from the value y it is given; it takes symbols for floats too.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.numbers import rounding
from taylor.numbers.formulas import ONE_OVER_E, by_mpmath, by_scipy
from taylor.numbers.kinds import private
from taylor.numbers.rounding import Pair
from taylor.numbers.special_series import AIRY_FAR, airy, ci_mp

Value = Callable[..., Any]


def quiet(f: Value) -> Value:
    """Return f without NumPy's warnings."""

    def call(*x: Any) -> Any:
        with np.errstate(all="ignore"):
            return f(*x)

    return call


def paired(pairs: Callable[..., Pair], plain: Value) -> tuple[Value, Value]:
    """Return the value of a row, a pair where it is finite, and what rounding took from it."""

    def value(*x: Any) -> Any:
        if any(map(np.iscomplexobj, x)):
            return plain(*x)
        with np.errstate(all="ignore"):
            high, low = pairs(*x)
        return np.where(np.isfinite(high + low), high + low, plain(*x))[()]

    def low(*x: Any) -> Any:
        high, low = pairs(*x[:-1])
        return (high - x[-1]) + low

    return value, low


# ------------------------------------------------------------------ exact values
def at(*points: tuple[int, int]) -> Callable[[Any], Any]:
    """Return the exact value at the few rational points where a function has one."""
    return dict(points).get


def exact_root(x: Fraction, n: int) -> Fraction | None:
    """Return the n-th root of x >= 0 when it is rational; None for x < 0.

    >>> exact_root(Fraction(8, 27), 3), exact_root(Fraction(2), 2)
    (Fraction(2, 3), None)
    """
    if x < 0:
        return None
    p, q = _integer_root(x.numerator, n), _integer_root(x.denominator, n)
    return None if p is None or q is None else Fraction(p, q)


def _integer_root(m: int, n: int) -> int | None:
    small = m < 2**52
    r = round(m ** (1 / n)) if small else int(private(m.bit_length() + 20).root(m, n) + 0.5)
    return r if r**n == m else None


def exact_cbrt(x: Fraction) -> Fraction | None:
    """Return the real cube root of x when it is rational."""
    root = exact_root(abs(x), 3)
    return root if root is None or x >= 0 else -root


def rational(x: Any) -> Fraction:
    """Return the real number x as a fraction, which it is.

    >>> from mpmath import mpf
    >>> rational(0.75), rational(mpf(-3) / 4)
    (Fraction(3, 4), Fraction(-3, 4))
    """
    if not hasattr(x, "man_exp"):
        return Fraction(x)
    m, e = x.man_exp
    return (-1 if x < 0 else 1) * abs(int(m)) * Fraction(2) ** int(e)


def power_mp(ctx: Any, x: Any, r: Any) -> Any:
    """Return x**r; inf where zero has a negative power."""
    return ctx.inf if x == 0 and not isinstance(r, ctx.mpc) and r < 0 else x**r


def exact_power(x: Any, r: Any) -> Any:
    """Return x**r when it is rational."""
    x, r = rational(x), rational(r)
    if r.denominator == 1:
        return x**r.numerator
    root = exact_root(x, r.denominator)
    return None if root is None else root**r.numerator


# ------------------------------------------------------------------ trigonometric and exponential
@quiet
def sigmoid(x: Any) -> Any:
    """Return 1/(1 + exp(-x)) without overflow."""
    e = np.exp(np.where(np.real(x) >= 0, -x, x))
    return np.where(np.real(x) >= 0, 1 / (1 + e), e / (1 + e))[()]


def sinpi(x: Any) -> Any:
    """Return sin πx."""
    # r = x mod 2 in [-1, 1] and then r' in [-1/2, 1/2] are exact, so only the last product rounds
    if np.iscomplexobj(x):
        return by_mpmath("sinpi")(x)
    r = x - 2 * np.rint(x / 2)
    return np.sin(np.pi * np.where(np.abs(r) > 0.5, np.copysign(1, r) - r, r))[()]


def cospi(x: Any) -> Any:
    """Return cos πx."""
    if np.iscomplexobj(x):
        return by_mpmath("cospi")(x)
    return np.sin(np.pi * (0.5 - np.abs(x - 2 * np.rint(x / 2))))


def cos_atan(x: Any) -> Any:
    """Return 1/√(1 + x²)."""
    if np.iscomplexobj(x):
        return 1 / (np.sqrt(1 + 1j * x) * np.sqrt(1 - 1j * x))
    return 1 / np.hypot(1, x)


def sec_asin(x: Any) -> Any:
    """Return 1/√(1 - x²)."""
    if np.iscomplexobj(x):
        return 1 / (np.sqrt(1 - x) * np.sqrt(1 + x))
    return 1 / np.sqrt((1 - x) * (1 + x))


def over_argument(f: Value) -> Value:
    """Return f(x)/x of a function with f(0) = 0 and f'(0) = 1: at 0 it is 1."""

    def value(x: Any) -> Any:
        zero = np.equal(x, 0)
        if not np.any(zero):
            return f(x) / x
        x = np.asarray(x)
        one = x.dtype.type(1) if x.dtype.kind in "fc" else 1.0
        return np.where(zero, one, f(x) / np.where(zero, one, x))[()]

    return value


def of_angle_low(numerator: int | None, denominator: int) -> Value:
    """Return what rounding took from a quotient of the sine (0), the cosine (1) and 1 (None)."""

    def low(x: Any, y: Any) -> Any:
        pairs = rounding.sin_cos(x)
        top = (1.0, 0.0) if numerator is None else pairs[numerator]
        return rounding.of_quotient(top, pairs[denominator], y)

    return low


def _around_one(x: Any) -> tuple[Pair, Pair, Pair]:
    """Return 1 + E, 1 - E and E = exp(-2x) as pairs."""
    n, (high, low) = rounding.exp(-2 * x)
    power = np.exp2(n)
    e = (high * power, low * power)
    one, minus = (1.0, 0.0), (-e[0], -e[1])
    return rounding.sum_of(one, e), rounding.sum_of(one, minus), e


def sech2_low(x: Any, y: Any) -> Any:
    """Return what rounding took from y = 1/cosh² x."""
    plus, _, (e, low) = _around_one(x)
    return rounding.of_quotient((4 * e, 4 * low), rounding.product(plus, plus), y)


def tanh_low(x: Any, y: Any) -> Any:
    """Return what rounding took from y = tanh x."""
    plus, minus, _ = _around_one(x)
    return rounding.of_quotient(minus, plus, y)


def bell(x: Any, rate: float, scale: float) -> Any:
    """Return scale·exp(-rate·x²), x² in two parts: rounded, it would be off by x² roundings."""
    if np.iscomplexobj(x):
        return scale * np.exp(-rate * x * x)
    x = np.clip(x, -40.0, 40.0)
    high = np.asarray(x).astype(np.float32).astype(np.asarray(x).dtype)
    return (scale * np.exp(-rate * high * high) * np.exp(-rate * (x - high) * (x + high)))[()]


# ------------------------------------------------------------------ special functions
@functools.cache
def _log_gamma_near_two() -> tuple[float, ...]:
    """Return the coefficients of log Γ(2 + z): 1 - γ and (-1)^k (ζ(k) - 1)/k (DLMF 5.7.3)."""
    ctx = private(80)
    c = [(-1) ** k * (ctx.zeta(k) - 1) / k for k in range(2, 32)]
    return (0.0, float(1 - ctx.euler), *map(float, c))


def log_gamma(x: float) -> float:
    """Return log|Γ(x)|: near its zeros 1 and 2 math.lgamma is right to absolute precision only."""
    if not 0.75 < x < 2.25:
        return math.lgamma(x)
    z, y = (x - 1 if x < 1.5 else x - 2), 0.0
    for c in reversed(_log_gamma_near_two()):
        y = y * z + c
    return y - math.log1p(z) if x < 1.5 else y


def sici(which: int, x: Any) -> Any:
    """Return Si(x) (0) or Ci(x) (1), of real numbers Ci(|x|), as SciPy does."""
    y = by_scipy("sici", lambda ctx, v: ci_mp(ctx, v) if which else ctx.si(v))(x)
    return y[which] if isinstance(y, tuple) else y


def airy_mp(which: int, ctx: Any, x: Any) -> Any:
    """Return Ai, Ai', Bi or Bi' (0 .. 3) in an mpmath context."""
    return (ctx.airyai, ctx.airybi)[which // 2](x, derivative=which % 2)


def airy_value(which: int, x: Any) -> Any:
    """Return Ai(x), Ai'(x), Bi(x) or Bi'(x) (0 .. 3)."""
    formula = functools.partial(airy_mp, which)
    if np.iscomplexobj(x):
        return by_mpmath(formula)(x)
    near = np.abs(x) <= AIRY_FAR
    y = airy(which, np.where(near, x, 0.0))
    if not near.all():
        far = by_scipy("airy", formula)(x)
        y = np.where(near, y, far[which] if isinstance(far, tuple) else far)
    return np.asarray(y).astype(np.result_type(np.asarray(x), np.float32))[()]


def lambertw(x: Any) -> Any:
    """Return the principal branch of Lambert's function, nan for real x < -1/e."""
    w = by_scipy("lambertw", "lambertw")(x)
    if np.iscomplexobj(x):
        return w
    return np.where(np.imag(w) == 0, np.real(w), np.nan)[()]


def lambertw1(x: Any) -> Any:
    """Return 1 + W(x), which cancels near the branch point -1/e."""
    u = 1 + lambertw(x)
    near = np.abs(u) < 0.5
    if not np.any(near):
        return u
    close = by_mpmath(lambda ctx, v: 1 + ctx.lambertw(v))(np.where(near, x, 0))
    return np.where(near, close, u)[()]


def decayed(y: Any) -> Pair:
    """Return exp(-1 - y) as a pair, near y = -1, where almost all of it is taken from it."""
    n, (high, low) = rounding.exp(-y)
    power, one = np.exp2(n), float(ONE_OVER_E)
    return rounding.product((high * power, low * power), (one, rounding.of_constant(ONE_OVER_E)))


def above(y: Any) -> Pair:
    """Return y + exp(-1 - y) as a pair."""
    return rounding.sum_of((y, 0.0), decayed(y))


def kepler_mp(ctx: Any, e: Any, m: Any) -> Any:
    """Solve y - e·sin y = m, 0 <= e < 1, by Newton's method inside the bracket [m - e, m + e]."""
    if not 0 <= e < 1:
        return ctx.nan
    with ctx.extraprec(20):
        lo, hi = m - e, m + e
        y = m + e * ctx.sin(m)
        for _ in range(10 * ctx.prec):
            f = y - e * ctx.sin(y) - m
            if f == 0:
                break
            lo, hi = (lo, y) if f > 0 else (y, hi)
            step = y - f / (1 - e * ctx.cos(y))
            new = step if lo <= step <= hi else (lo + hi) / 2
            done, y = abs(new - y) <= abs(new) * ctx.eps * 4, new
            if done:
                break
    return +y


def kepler_half_angle(which: int, h: Any, e: Any, m: Any) -> Pair:
    """Return the sine (0) or cosine (1) of y/2, y - e·sin y = m, as a pair; h is y/2 rounded."""
    # one step of Newton's method from h
    sine, cosine = rounding.sin_cos(h)
    product = rounding.product(rounding.product(sine, cosine), (2 * e, 0.0))
    rest = rounding.sum_of(rounding.sum_of((2 * h, 0.0), (-m, 0.0)), (-product[0], -product[1]))
    step = -0.5 * sum(rest) / ((1 - e) + 2 * e * sine[0] ** 2)
    change = -sine[0] * step if which else cosine[0] * step
    return rounding.sum_of((sine, cosine)[which], (change, 0.0))
