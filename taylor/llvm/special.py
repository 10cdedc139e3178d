"""Error functions, normal distribution and digamma function of whole vectors, in arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable

from taylor.llvm import polynomials as p
from taylor.llvm.kernels import (
    Pair,
    added,
    alone,
    at_least,
    at_most,
    exponential,
    logarithm,
    product,
    quotient,
    scaled,
    signed,
    sin_cos,
)
from taylor.llvm.registers import Scalar

FAR = 1e60  # log of the normal distribution function below minus this is -x²/2
OVERFLOW = 26.628735713751492  # 2·exp(x²) is infinite above
NEAR = 0.625  # erf is a polynomial below, 1 - erfc above
MIDDLE = 3.75  # the point of u >= 0 that is the middle of t = (u - MIDDLE)/(u + MIDDLE)


# ------------------------------------------------------------------ error functions
def gauss(x: Scalar, sign: float = -1.0) -> list[Scalar]:
    """Return exp(-x²)."""
    square, low = product(at_most(abs(x), 30.0), at_most(abs(x), 30.0) * sign)
    y, n = exponential(square, low)
    return [scaled(y[0] + y[1], n)]


def growing(x: Scalar) -> list[Scalar]:
    """Return exp(x²)."""
    return gauss(x, 1.0)


def normal_density(x: Scalar) -> list[Scalar]:
    """Return exp(-x²/2)/√(2π)."""
    x = at_most(abs(x), 40.0)
    square, low = product(x, x)
    constant = tuple(x.f.constant(c, x.width) for c in p.ONE_OVER_SQRT_2PI)
    y, n = times_exponential((constant[0], constant[1]), (square * 0.5, low * 0.5))
    return [scaled(y[0] + y[1], n)]


def tail(u: Scalar, low: Scalar | float = 0.0) -> Pair:
    """Return erfc(u + low)·exp(u²) for u >= 0 as a pair."""
    t = (u - MIDDLE) / (u + MIDDLE)
    high, rest = added(p.TAIL_0, t.polynomial(p.TAIL))
    one, lost = (u + u).two_sum(1.0)
    return quotient((high, rest), (one, lost + (low + low)))


def times_exponential(q: Pair, square: Pair) -> tuple[Pair, Scalar]:
    """Return the pair y and n, q·exp(-square) = y·2^n."""
    (whole, rest), n = exponential(-square[0], -square[1])
    high, low = product(q[0], whole)
    return (high, q[0].fma(rest, q[1].fma(whole, low))), n


def near(u: Scalar, low: Scalar | float = 0.0) -> Pair:
    """Return erf(u + low) for 0 <= u <= 3/4 as a pair."""
    z = u * u
    slope = z.fma(z.fma(0.5, -1.0), 1.0) * p.TWO_OVER_SQRT_PI
    y, rest = added(u, u * z.polynomial(p.ERF))
    return y, slope.fma(low, rest)


def error(u: Scalar, low: Scalar | float, square: Pair) -> tuple[Pair, Scalar, Scalar]:
    """Return erf(u + low) as a pair for 0 <= u <= 30, erfc of it, and where that is the better."""
    (high, rest), n = times_exponential(tail(u, low), square)
    beyond = scaled(high + rest, n)
    far, far_low = added(1.0, -beyond)
    large = u >= NEAR
    inner, inner_low = near(u, low)
    of = large.where(far, inner), large.where(far_low, inner_low)
    return of, beyond, large


def complement(of: Pair, beyond: Scalar, large: Scalar, left: Scalar) -> Scalar:
    """Return erfc of an argument of which these are `error`'s, or 1 + erf where it is `left`."""
    y, rest = (left.where(part, -part) for part in of)
    y, lost = added(1.0, y)
    return (large & ~left).where(beyond, y + (lost + rest))


def erf_erfc(x: Scalar) -> list[Scalar]:
    """Return erf x and erfc x."""
    u = at_most(abs(x), 30.0)
    of, beyond, large = error(u, 0.0, product(u, u))
    return [signed(of[0] + of[1], x), complement(of, beyond, large, x < 0.0)]


def _over_root_2(x: Scalar) -> tuple[Scalar, Scalar, Pair]:
    """Return x/√2 in two parts, and x²/2 as a pair."""
    u, low = product(x, p.SQRT_HALF[0])
    square, rest = product(x, x)
    return u, x.fma(p.SQRT_HALF[1], low), (square * 0.5, rest * 0.5)


def ndtr(x: Scalar) -> list[Scalar]:
    """Return the normal distribution function ½ erfc(-x/√2)."""
    u, low, square = _over_root_2(at_most(abs(x), 40.0))
    of, beyond, large = error(u, low, square)
    return [complement(of, beyond, large, x > 0.0) * 0.5]


def log_ndtr(x: Scalar) -> list[Scalar]:
    """Return the logarithm of the normal distribution function ½ erfc(-x/√2).

    The left tail is exp(-x²/2) times a factor whose logarithm is added to -x²/2.
    """
    negative = x < 0.0
    u, low, (square, rest) = _over_root_2(at_most(abs(x), negative.where(FAR, 40.0)))
    inner = u < NEAR
    left = negative & ~inner
    high, part = tail(u, low)
    (whole, whole_low), n = times_exponential((high, part), (square, rest))
    s = scaled(x.f.constant(-0.5, x.width), n)
    erf, erf_low = (v * negative.where(-0.5, 0.5) for v in near(u, low))
    one, lost = added(inner.where(0.5, 1.0), inner.where(erf, whole * s))
    lost = lost + inner.where(erf_low, s * whole_low)
    y, y_low = logarithm(*added(left.where(high * 0.5, one), left.where(part * 0.5, lost)))
    total, lost = left.where(-square, 0.0).two_sum(y)
    y = total + (lost + (y_low - left.where(rest, 0.0)))
    y = (x < -FAR).where(x * (x * -0.5), y)
    return [x.equals(x).where(-abs(y), x)]


def erfcx(x: Scalar) -> list[Scalar]:
    """Return erfc(x)·exp(x²), which on the left is 2·exp(x²) less that of -x."""
    u, negative = abs(x), x < 0.0
    right, rest = tail(at_most(u, 1e300))
    bound = at_most(u, OVERFLOW)
    (whole, part), n = exponential(*product(bound, bound))
    s = scaled(x.f.constant(1.0, x.width), n)
    left, lost = (whole * s).two_sum(right * -0.5)
    left = left + (s.fma(part, lost) - rest * 0.5)
    left = (u > OVERFLOW).where(math.inf, left + left)
    right = (u > 1e300).where((1 / math.sqrt(math.pi)) / u, right + rest)
    erf, erf_low = (negative.where(v, -v) for v in near(u))
    one, lost = added(1.0, erf)
    y, y_low = product(one, whole * s)
    y = y + one.fma(part * s, (lost + erf_low).fma(whole * s, y_low))
    return [(u < NEAR).where(y, negative.where(left, right))]


def erfcx_slope(x: Scalar) -> list[Scalar]:
    """Return the derivative of erfc(x)·exp(x²), on the left 4x·exp(x²) and that at -x."""
    u = abs(x)
    bound = at_most(u, 1e150)
    t = (bound - MIDDLE) / (bound + MIDDLE)
    one = u + u + 1.0
    right = -(t.polynomial(p.SLOPE) + p.SLOPE_0) / one / one
    (grown,) = growing(at_most(u, 30.0))
    return [(x < 0.0).where((x * 4.0).fma(grown, right), right)]


# ------------------------------------------------------------------ the digamma function
def _shifted(x: Scalar) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Return s, 3/2 + s = x + k in [1, 2] for k = 1, 0, -1, where k is 1, -1, and x or x - 1."""
    up, down = x < 1.0, x >= 2.0
    s = x - up.where(0.5, down.where(2.5, 1.5))
    return s, up, down, up.where(x, x - 1.0)


def _reflected(x: Scalar, y: Scalar, formula: Callable[[], Scalar]) -> Scalar:
    """Return y where x >= 0, else what the formula gives, which is computed where it is needed."""
    f = x.f
    with f.when(~f.every(x >= 0.0)) as branch:
        new = (x < 0.0).where(formula(), y)
    merged: Scalar = branch.merged(new, y)
    return merged


def _sine_and_cosine_of_turns(x: Scalar) -> Pair:
    """Return sin πx and cos πx up to a common sign."""
    sine, cosine = sin_cos((x - x.function("rint")) * math.pi)
    return sine, cosine


def digamma(x: Scalar) -> list[Scalar]:
    """Return ψ(x) = ψ(1 - x) - π cot πx."""

    def mirrored() -> Scalar:
        sine, cosine = _sine_and_cosine_of_turns(x)
        return _digamma(1.0 - x) - cosine * math.pi / sine

    return [_reflected(x, _digamma(x), mirrored)]


def _digamma(x: Scalar) -> Scalar:
    s, up, down, v = _shifted(x)
    near = ((s - p.PSI_ROOT[0]) - p.PSI_ROOT[1]) * (s.polynomial(p.PSI) + p.PSI_0)
    inverse = 1.0 / v
    near = near + up.where(-inverse, down.where(inverse, 0.0))
    high, low = logarithm(at_least(x, 3.0))
    w = 1.0 / x
    u = w * w
    far = high + (-u).fma(u.polynomial(p.PSI_TAIL), w.fma(-0.5, low))
    far = (x < math.inf).where(far, x)
    return (x < 3.0).where(near, far)


def trigamma(x: Scalar) -> list[Scalar]:
    """Return ψ'(x) = π²/sin² πx - ψ'(1 - x)."""

    def mirrored() -> Scalar:
        ratio = math.pi / _sine_and_cosine_of_turns(x)[0]
        return ratio * ratio - _trigamma(1.0 - x)

    return [_reflected(x, _trigamma(x), mirrored)]


def _trigamma(x: Scalar) -> Scalar:
    s, up, down, v = _shifted(x)
    inverse, low = quotient(alone(v.f.constant(1.0, v.width)), alone(v))
    square, rest = product(inverse, inverse)
    rest = (inverse + inverse).fma(low, rest)
    square, rest = (up.where(c, down.where(-c, 0.0)) for c in (square, rest))
    high, low = added(p.TRIGAMMA_0, s * s.polynomial(p.TRIGAMMA[1:]) + p.TRIGAMMA[0])
    near, lost = high.two_sum(square)
    near = (abs(x) < 1e-160).where(math.inf, near + (lost + (rest + low)))
    w = 1.0 / x
    u = w * w
    far = w + (w * u).fma(u.polynomial(p.TRIGAMMA_TAIL), u * 0.5)
    return (x < 3.0).where(near, far)
