"""Elementary functions of whole vectors, written in arithmetic: no lane takes a way of its own.

The argument is reduced (Cody & Waite, Software Manual for the Elementary Functions, 1980) to a
remainder of twice the precision, the leading terms are added without error (Dekker; Knuth), and a
polynomial gives the rest.  A pair is the unevaluated sum of two registers.
"""

from __future__ import annotations

import math

from taylor.llvm import polynomials as p
from taylor.llvm.registers import Scalar

Pair = tuple[Scalar, Scalar]
ROOT_HALF = 0x3FE6A09E667F3BCD  # the bits of √½
SHIFT = 6755399441055744.0  # 1.5·2^52: adding it leaves an integer in the last bits
TINY = 2.0**-54  # below this f(x) = x where f'(0) = 1
SMALL = 2.0**-28  # below this f(x) = x where f is odd, too
LEAST = 2.0**-1022  # the least normal number


# ------------------------------------------------------------------ pairs
def added(a: Scalar | float, b: Scalar) -> Pair:
    """Return a + b as a pair, where a = 0 or |a| >= |b|."""
    total = b + a
    return total, b - (total - a)


def less(w: Scalar) -> Pair:
    """Return 1 - w as a pair, 0 <= w <= 1."""
    total = 1.0 - w
    return total, (1.0 - total) - w


def alone(a: Scalar) -> Pair:
    """Return a register as a pair."""
    return a, a.f.constant(0.0, a.width)


def product(a: Scalar, b: Scalar | float) -> Pair:
    """Return a·b as a pair."""
    whole = a * b
    return whole, a.fma(b, -whole)


def quotient(a: Pair, b: Pair) -> Pair:
    """Return a/b as a pair; the low part of b is beyond the last place of b."""
    inverse = 1.0 / b[0]
    q = a[0] * inverse
    rest = (-q).fma(b[0], a[0]) + a[1]
    return q, (-q).fma(b[1], rest) * inverse


def root(a: Pair) -> Pair:
    """Return √a as a pair."""
    s = a[0].function("sqrt")
    rest = (s.fma(-s, a[0]) + a[1]) * (0.5 / s)
    return s, (a[0] > 0.0).where(rest, 0.0)


# ------------------------------------------------------------------ limits and signs
def at_most(x: Scalar, c: Scalar | float) -> Scalar:
    """Return the smaller of x and c; of nan, nan."""
    return (x > c).where(c, x)


def at_least(x: Scalar, c: float) -> Scalar:
    """Return the larger of x and c; of nan, nan."""
    return (x < c).where(c, x)


def signed(y: Scalar, x: Scalar) -> Scalar:
    """Return y with the sign of x."""
    return y.function("copysign", x)


def odd(y: Scalar, x: Scalar, small: float = SMALL) -> Scalar:
    """Return y with the sign of x, and x itself where it is small."""
    return signed((abs(x) < small).where(abs(x), y), x)


# ------------------------------------------------------------------ exponentials
def power_of_two(n: Scalar) -> Scalar:
    """Return 2^n, -1022 <= n <= 1023."""
    return ((n + (SHIFT + 1023.0)).bits() << 52).double()


def scaled(y: Scalar, n: Scalar) -> Scalar:
    """Return y·2^n, also where it is subnormal or overflows."""
    half = (n * 0.5).function("rint")
    return y * power_of_two(half) * power_of_two(n - half)


def reduced(x: Scalar, low: Scalar | None = None) -> tuple[Scalar, Scalar, Scalar]:
    """Return n, r and its low part, x = n·ln 2 + r, |r| <= ln 2/2."""
    n = (x * p.LOG2_E[0]).function("rint")
    high = n.fma(-p.LN2[0], x)
    r = n.fma(-p.LN2[1], high)
    lost = n.fma(-p.LN2[1], high - r)
    return (n, r, lost) if low is None else (n, *added(r, lost + low))


def grown(r: Scalar, low: Scalar) -> Scalar:
    """Return exp(r + low) - 1 - r."""
    return (r * r).fma(r.polynomial(p.EXP), low.fma(r, low))


def exponential(x: Scalar, low: Scalar | None = None) -> tuple[Pair, Scalar]:
    """Return the pair y and n, exp x = y·2^n."""
    n, r, lost = reduced(x, low)
    whole, rest = added(1.0, r)
    return (whole, rest + grown(r, lost)), n


def exp(x: Scalar) -> list[Scalar]:
    """Return exp x."""
    y, n = exponential(at_least(at_most(x, 710.0), -746.0))
    return [scaled(y[0] + y[1], n)]


def exp2(x: Scalar) -> list[Scalar]:
    """Return 2^x."""
    x = at_least(at_most(x, 1025.0), -1080.0)
    n = x.function("rint")
    r, low = product(x - n, p.LOG_2[0])
    low = (x - n).fma(p.LOG_2[1], low)
    whole, rest = added(1.0, r)
    return [scaled(whole + (rest + grown(r, low)), n)]


def half_of_expm1(s: Scalar, of: Pair, r: Scalar, rest: Scalar) -> Pair:
    """Return (2s (1 + r + rest) - 1)/2 as a pair, s a power of two; s - 1/2 is the pair `of`."""
    t, lost = added(of[0], s * r)
    return t, s.fma(rest, lost) + of[1]


def expm1(x: Scalar) -> list[Scalar]:
    """Return exp x - 1."""
    n, r, low = reduced(at_least(at_most(x, 710.0), -50.0))
    s = power_of_two(n - 1.0)
    high, low = half_of_expm1(s, s.two_sum(-0.5), r, grown(r, low))
    y = high + low
    return [(abs(x) < TINY).where(x, y + y)]


def halves(x: Scalar) -> tuple[Scalar, Pair]:
    """Return n and the pair t = tanh r, x = n·ln 2/2 + r, -.48·ln 2/2 <= r <= .52·ln 2/2."""
    n = x.fma(2.0 * p.LOG2_E[0], -0.02).function("rint")
    high = n.fma(-0.5 * p.LN2[0], x)
    r = n.fma(-0.5 * p.LN2[1], high)
    z = r * r
    return n, added(high, n.fma(-0.5 * p.LN2[1], z * r * z.polynomial(p.TANH)))


def line(a: Pair, t: Pair, b: Scalar) -> Pair:
    """Return a + t·b as a pair, where a = 0 or |t·b| <= a/2."""
    y = t[0].fma(b, a[0])
    return y, t[1].fma(b, t[0].fma(b, a[0] - y)) + a[1]


def inverse_of(b: Pair) -> Pair:
    """Return y and e, 1/b = y (1 + e); the low part of b is beyond the last place of b."""
    y = 1.0 / b[0]
    return y, (-y).fma(b[1], (-y).fma(b[0], 1.0))


def over(a: Pair, inverse: Pair) -> Scalar:
    """Return a/b, rounded once, of 1/b by `inverse_of`."""
    y, e = inverse
    return a[0].fma(y, y * a[0].fma(e, a[1]))


def tanh_sech2(x: Scalar) -> list[Scalar]:
    """Return tanh x = (1 - w + t (1 + w))/d and 1/cosh² x = 4w (1 - t²)/d², w = 2^-n.

    Of |x| = n·ln 2/2 + r, t = tanh r and d = 1 + w + t (1 - w), by the theorem of addition.
    """
    n, t = halves(at_most(abs(x), 380.0))
    m = at_most(n, 100.0)
    w = power_of_two(-m)
    up, down = added(1.0, w), less(w)
    beyond = t[0].fma(down[1], up[1]), t[0].fma(up[1], down[1])
    inverse, e = inverse_of(line((up[0], beyond[0]), t, down[0]))
    tanh = over(line((down[0], beyond[1]), t, up[0]), (inverse, e))
    one = (-t[0]).fma(t[0], 1.0)  # what t lacks is beyond: t² < 1/30
    rest = (-t[0]).fma(t[0], 1.0 - one)
    first, lost = product(one, inverse)
    lost = (e + e).fma(first, rest.fma(inverse, lost))
    y = first.fma(inverse, inverse * lost)
    return [signed(tanh, x), y * w * power_of_two(2.0 - (n - m))]


def sigmoid(x: Scalar) -> list[Scalar]:
    """Return (1 + tanh x/2)/2 = (1 + t)/(1 + w ± t (1 - w)), times w where x < 0; see tanh."""
    n, t = halves(at_least(at_most(x, 40.0), -746.0) * 0.5)
    w = power_of_two(-at_most(abs(n), 100.0))
    top, lost = added(1.0, t[0])
    y = over((top, lost + t[1]), inverse_of(line(added(1.0, w), t, signed(1.0 - w, n))))
    return [scaled(y, at_most(n, 0.0))]


def sinh_cosh(x: Scalar) -> list[Scalar]:
    """Return sinh x = a cosh r + b sinh r and cosh x = b cosh r + a sinh r.

    With x = n·ln 2 + r, a = (2^n - 2^-n)/2 and b = (2^n + 2^-n)/2; both are halved once more here.
    """
    n, r, low = reduced(at_most(abs(x), 710.6))
    up, down = power_of_two(n - 2.0), power_of_two(-2.0 - at_most(n, 100.0))
    a, a_low = added(up, -down)
    b, b_low = added(up, down)
    z = r * r
    even = r.fma(low, z * z.polynomial(p.COSH))
    beyond = (z * r).fma(z.polynomial(p.SINH), low)
    found = []
    for c, c_low, s in ((a, a_low, b), (b, b_low, a)):
        t, lost = product(s, r)
        t, rest = c.two_sum(t)
        y = t + (c.fma(even, s * beyond) + (rest + (lost + c_low)))
        found.append(y + y)
    return [odd(found[0], x), found[1]]


# ------------------------------------------------------------------ logarithms
def split(x: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """Return n, m and the exponent n in its place, x = 2^n·m, √½ <= m < √2; x > 0 is normal."""
    bits = x.bits()
    exponent = (bits - ROOT_HALF) & (-1 << 52)
    n = ((exponent >> 52) + 0x4338000000000000).double() - SHIFT
    return n, (bits - exponent).double(), exponent


def normal(x: Scalar) -> tuple[Scalar, Scalar]:
    """Return y >= 2^-1022 and n, x = y·2^n."""
    small = x < LEAST
    return small.where(x * 2.0**54, x), small.where(-54.0, 0.0)


def ended(y: Scalar, x: Scalar, pole: float = 0.0) -> Scalar:
    """Return y, the logarithm of x - pole, with its values at the ends and outside the domain."""
    y = (x > pole).where(y, x.equals(pole).where(-math.inf, math.nan))
    return (x < math.inf).where(y, x)


def logarithm(x: Scalar, low: Scalar | None = None, more: Scalar | None = None) -> Pair:
    """Return log(x + low) + more·ln 2 as a pair; `low` is beyond the last place of x, x normal."""
    n, m, exponent = split(x)
    f = m - 1.0
    s = f / (f + 2.0)
    z = s * s
    half = f * 0.5
    square = f * half  # log (1 + f) = f - f²/2 + s (f²/2 + s² P(s²))
    lost = f.fma(half, -square)
    u = f - square
    rest = (f - u) - square - lost
    if low is not None:  # log (x + l) = log x + l/x, where 1/m = 1 - 2s + 2s² ...
        scale = (x.f.constant(0x3FF0000000000000, x.width, "i64") - exponent).double()
        low = (x < 2.0**100).where(low * scale, 0.0)
        rest = s.fma(s.fma(2.0, -2.0), 1.0).fma(low, rest)
    n = n if more is None else n + more
    big = n * p.LN2[0]
    total = big + u
    rest = rest + (u - (total - big))
    rest = n.fma(p.LN2[1], rest)
    return total, s.fma(z.fma(z.polynomial(p.LOG), square), rest)


def log(x: Scalar) -> list[Scalar]:
    """Return log x."""
    y, more = normal(x)
    high, low = logarithm(y, None, more)
    return [ended(high + low, x)]


def log1p(x: Scalar) -> list[Scalar]:
    """Return log(1 + x)."""
    high, low = logarithm(*x.two_sum(1.0))
    return [(abs(x) < TINY).where(x, ended(high + low, x, -1.0))]


def asinh(x: Scalar) -> list[Scalar]:
    """Return log(|x| + √(x² + 1)) with the sign of x."""
    y = _of_root(abs(x), 1.0)
    return [odd((abs(x) < math.inf).where(y, x), x)]


def acosh(x: Scalar) -> list[Scalar]:
    """Return log(x + √(x² - 1))."""
    y = (x >= 1.0).where(_of_root(x, -1.0), math.nan)
    return [(x < math.inf).where(y, x)]


def _of_root(a: Scalar, sign: float) -> Scalar:
    """Return log(a + √(a² ± 1)); where a is large, log 2a."""
    large = a > 2.0**28
    square, low = product(large.where(2.0, a), large.where(2.0, a))
    total, rest = square.two_sum(sign)
    s, s_low = root((total, rest + low))
    one, rest = s.two_sum(a)
    one, rest = added(one, rest + s_low)
    high, low = logarithm(large.where(a, one), large.where(0.0, rest), large.where(1.0, 0.0))
    return high + low


def atanh(x: Scalar) -> list[Scalar]:
    """Return ½ log (1 + |x|)/(1 - |x|) with the sign of x."""
    a = abs(x)
    q = added(*quotient(a.two_sum(1.0), (-a).two_sum(1.0)))
    high, low = logarithm(*q)
    y = (a < 1.0).where((high + low) * 0.5, a.equals(1.0).where(math.inf, math.nan))
    return [odd(y, x)]


def precise_logarithm(x: Scalar) -> tuple[Scalar, Pair]:
    """Return n and log m as a pair with an error of 2^-65 of it, x = 2^n·m normal."""
    n, m, _ = split(x)
    f = m - 1.0
    one, low = added(2.0, f)
    s, s_low = quotient(alone(f), (one, low))
    z, z_low = product(s, s)
    z_low = (s + s).fma(s_low, z_low)
    w, w_low = added(p.THIRD[0], z * z.polynomial(p.RATIO))
    t, t_low = product(z, w)
    t_low = z.fma(w_low + p.THIRD[1], z_low.fma(w, t_low))
    u, u_low = product(s, t)
    high, low = added(s, u)
    low = low + (s_low + s.fma(t_low, s_low.fma(t, u_low)))
    return n, (high + high, low + low)


def _to_base(x: Scalar, whole: tuple[float, float], part: tuple[float, float]) -> Scalar:
    """Return the logarithm to a base of which `whole` is that of 2 and `part` that of e."""
    y, more = normal(x)
    n, (high, low) = precise_logarithm(y)
    n = n + more
    t, rest = product(high, part[0])
    rest = high.fma(part[1], low.fma(part[0], rest))
    total, lost = added(n * whole[0], t)
    return ended(total + (lost + n.fma(whole[1], rest)), x)


def log2(x: Scalar) -> list[Scalar]:
    """Return log x/log 2."""
    return [_to_base(x, (1.0, 0.0), p.LOG2_E)]


def log10(x: Scalar) -> list[Scalar]:
    """Return log x/log 10."""
    return [_to_base(x, p.LOG10_2, p.LOG10_E)]


def power(x: Scalar, y: Scalar) -> list[Scalar]:
    """Return exp(y log x), x > 0 normal."""
    n, (high, low) = precise_logarithm(x)
    high, rest = added(n * p.LN2[0], high)
    low = n.fma(p.LN2[1], low + rest)
    t, t_low = product(y, high)
    t_low = (abs(t) < 746.0).where(y.fma(low, t_low), 0.0)
    (whole, rest), n = exponential(at_least(at_most(t, 710.0), -746.0), t_low)
    return [scaled(whole + rest, n)]


def cbrt(x: Scalar) -> list[Scalar]:
    """Return the cube root by three steps of Newton's method, the last for a rest that is exact."""
    a, more = normal(abs(x))
    n, m, _ = split(a)
    n = n + more
    third = (n * (1 / 3)).function("rint")
    j = third.fma(-3.0, n)  # -1, 0 or 1
    start, m = m.polynomial(p.ROOT), m * power_of_two(j)
    y = start * (j > 0.0).where(p.CUBE_ROOT_2, (j < 0.0).where(p.CUBE_ROOT_HALF, 1.0))
    w = 1.0 / (y * y * 3.0)
    for _ in range(2):
        y = (-(y * y)).fma(y, m).fma(w, y)
    square, low = product(y, y)
    y = w.fma((-low).fma(y, (-square).fma(y, m)), y)
    y = signed(y * power_of_two(third), x)
    return [((abs(x) > 0.0) & (abs(x) < math.inf)).where(y, x)]


# ------------------------------------------------------------------ angles
def turned(x: Scalar) -> tuple[Scalar, Pair, Pair]:
    """Return the number of the quarter turn as bits, and sine and cosine of the rest as pairs."""
    n = (x * p.TWO_OVER_PI).function("rint")
    first = n.fma(-p.HALF_PI[0], x)
    r = n.fma(-p.HALF_PI[1], first)
    low = n.fma(-p.HALF_PI[2], n.fma(-p.HALF_PI[1], first - r))
    r, low = r.two_sum(low)  # near a multiple of π/2 `low` may be the larger one
    z = r * r
    half = z * 0.5
    lost = r.fma(r, -z)
    one = 1.0 - half
    rest = (1.0 - one) - half
    rest = rest - r.fma(low, lost * 0.5)
    sine = (z * r).fma(z.polynomial(p.SIN), low.fma(-half, low))
    return (n + SHIFT).bits(), (r, sine), (one, (z * z).fma(z.polynomial(p.COS), rest))


def sin_cos(x: Scalar) -> list[Scalar]:
    """Return sin x and cos x."""
    quarter, sine, cosine = turned(abs(x))
    uneven = quarter.cast("trunc", "i1")
    negative = abs(x).bits() ^ x.bits()
    s, c = sine[0] + sine[1], cosine[0] + cosine[1]
    found = [
        uneven.where(other, same).bits() ^ (((quarter + turn) & 2) << 62)
        for same, other, turn in ((s, c, 0), (c, s, 1))
    ]
    return [(found[0] ^ negative).double(), found[1].double()]


def tan(x: Scalar) -> list[Scalar]:
    """Return tan x."""
    quarter, sine, cosine = turned(abs(x))
    uneven = quarter.cast("trunc", "i1")
    sine, cosine = added(*sine), added(*cosine)
    top = [uneven.where(-c, s) for s, c in zip(sine, cosine, strict=True)]
    bottom = [uneven.where(s, c) for s, c in zip(sine, cosine, strict=True)]
    q = quotient((top[0], top[1]), (bottom[0], bottom[1]))
    negative = abs(x).bits() ^ x.bits()
    return [((q[0] + q[1]).bits() ^ negative).double()]


def angle(a: Scalar, b: Scalar, behind: Scalar | None = None) -> Scalar:
    """Return the angle whose tangent is a/b; a, b >= 0; where `behind`, π less it.

    atan t for t = a/b, (a - b)/(a + b), -b/a, the angle less 0, 1, 2 eighths of a turn.
    """
    low, high = a <= b * p.TAN_PI_8, a > b * p.COT_PI_8
    minus, plus = a.two_sum(-b), a.two_sum(b)
    top = low.where(a, high.where(-b, minus[0])), (low | high).where(0.0, minus[1])
    bottom = low.where(b, high.where(a, plus[0])), (low | high).where(0.0, plus[1])
    t, t_low = quotient(top, bottom)
    eighths = low.where(0.0, high.where(2.0, 1.0))
    if behind is not None:
        t, t_low = behind.where(-t, t), behind.where(-t_low, t_low)
        eighths = behind.where(4.0 - eighths, eighths)
    z = t * t
    rest = (t * z).fma(z.polynomial(p.ATAN), (-z).fma(t_low, t_low))
    base, base_low = product(eighths, p.QUARTER_PI[0])
    y, lost = added(base, t)
    return y + (lost + (rest + eighths.fma(p.QUARTER_PI[1], base_low)))


def atan(x: Scalar) -> list[Scalar]:
    """Return atan x."""
    one = x.f.constant(1.0, x.width)
    return [odd(angle(at_most(abs(x), 1e300), one), x)]


def atan2(y: Scalar, x: Scalar) -> list[Scalar]:
    """Return the angle of the point (x, y)."""
    return [signed(angle(abs(y), abs(x), signed(abs(x) * 0.0 + 1.0, x) < 0.0), y)]


def asin_acos(x: Scalar) -> list[Scalar]:
    """Return asin x and acos x = π/2 - asin x; asin |x| = π/2 - 2 asin √((1 - |x|)/2) above ½."""
    a = abs(x)
    large, left = a > 0.5, x < 0.0
    z = large.where(0.5 - a * 0.5, a * a)
    s, s_low = root(alone(z))
    s, s_low = large.where(s, a), large.where(s_low, 0.0)
    rest = (s * z).fma(z.polynomial(p.ASIN), (z * 0.5).fma(s_low, s_low))
    half_pi, pi = (tuple(n * part for part in p.QUARTER_PI) for n in (2.0, 4.0))
    found = []
    for base, factor in (
        ([large.where(c, 0.0) for c in half_pi], large.where(-2.0, 1.0)),
        (
            [large.where(left.where(c, 0.0), d) for c, d in zip(pi, half_pi, strict=True)],
            left.where(large.where(-2.0, 1.0), large.where(2.0, -1.0)),
        ),
    ):
        y, lost = added(base[0], factor * s)
        found.append(y + (lost + factor.fma(rest, base[1])))
    return [odd(found[0], x), found[1]]


def hypot(x: Scalar, y: Scalar) -> list[Scalar]:
    """Return √(x² + y²)."""
    x, y = abs(x), abs(y)
    (a, a_low), (b, b_low) = product(x, x), product(y, y)
    total, rest = a.two_sum(b)
    s, low = root((total, rest + (a_low + b_low)))
    return [s + low]
