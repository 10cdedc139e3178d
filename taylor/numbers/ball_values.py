"""What FLINT computes: the rows of the table, and their local series, on balls.

A ball around a set of numbers gives a ball around the values at all of them.  None of it imports
flint: the functions are methods of the balls that they are given.
"""

from __future__ import annotations

import contextlib
import functools
import math
import operator
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

BOTH = (  # named as here, of numbers and of series
    "exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "erf", "erfc", "gamma",
    "lgamma", "zeta", "lambertw",
)  # fmt: skip
OF_NUMBERS = (
    "expm1", "log1p", "sec", "csc", "cot", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    "digamma", "si", "erfi", "erfinv", "erfcinv",
)  # fmt: skip
Ball = Any
Value = Callable[..., Ball]
Series = Callable[[Ball, int], Sequence[Ball]]
LOCK = threading.RLock()  # of what flint keeps for the whole process


@contextlib.contextmanager
def at(bits: int = 0, cap: int = 0) -> Iterator[None]:
    """Return a context in which flint has at least so many bits, and that cap of series.

    Both are flint's for the whole process: one thread at a time has them, and they are restored.
    """
    ctx = sys.modules["flint"].ctx
    with LOCK:
        before = ctx.prec, ctx.cap
        try:
            ctx.prec, ctx.cap = max(bits, before[0]), cap or before[1]
            yield
        finally:
            ctx.prec, ctx.cap = before


# ------------------------------------------------------------------ helpers
def number(like: Ball, x: Any) -> Ball:
    """Return a number as a ball."""
    return type(like)(x)


def ends(x: Ball) -> tuple[Ball, ...]:
    """Return the ends of a ball: one number, or two."""
    return (x,) if x.is_exact() else (x.lower(), x.upper())


def _cosine_integral(x: Ball) -> Ball:
    """Return Ci(|x|) of a ball or a series."""
    first = x[0] if hasattr(x, "coeffs") else x
    return (-x if first < 0 else x).ci()


def _lower_gamma(x: Ball) -> Ball:
    """Return log|Γ(x)|, between the poles on the left too."""
    return x.lgamma() if x > 0 else abs(x.gamma()).log()


def _log_ndtr(x: Ball) -> Ball:
    y = x / number(x, 2).sqrt()
    return (-y.erfc() / 2).log1p() if x > 0 else ((-y).erfc() / 2).log()


def _softplus(x: Ball) -> Ball:
    return x + (-x).exp().log1p() if x > 0 else x.exp().log1p()


def _cbrt(x: Ball) -> Ball:
    return -(-x).root(3) if x < 0 else x if x.is_zero() else x.root(3)


def _kepler(e: Ball, m: Ball) -> Ball:
    """Return y with y - e·sin y = m, 0 <= e < 1, by interval Newton steps from m - e to m + e."""
    if not (e >= 0 and e < 1):
        return e.nan()
    y = (m - e).union(m + e)
    for _ in range(200):
        c = y.mid()
        step = (c - e * c.sin() - m) / (1 - e * y.cos())
        new = c - step
        better = new.intersection(y) if new.overlaps(y) else new
        if not better.rad() < y.rad():
            return better
        y = better
    return y


def _by_ends(f: Callable[[Ball], Ball]) -> Callable[[Ball], Ball]:
    """Return a monotone function of numbers as one of balls."""
    return lambda x: functools.reduce(lambda a, b: a.union(b), map(f, ends(x)))


def _nearest(x: Ball) -> Ball:
    """Return the integer next to a number, the even one of two."""
    low = (x - 0.5).ceil()
    return low if (low / 2).is_integer() else (x + 0.5).floor()


def _whole_to_zero(x: Ball) -> Ball:
    return x.floor() if x >= 0 else x.ceil()


def _heaviside(x: Ball, h: Ball) -> Ball:
    found = [number(x, 0)] if x.lower() < 0 else []
    found += [h] if x.contains(0) else []
    found += [number(x, 1)] if x.upper() > 0 else []
    return functools.reduce(lambda a, b: a.union(b), found)


def _exprel(x: Ball) -> Ball:
    return number(x, 1) if x.is_zero() else x.expm1() / x


def _log1prel(x: Ball) -> Ball:
    return number(x, 1) if x.is_zero() else x.log1p() / x


_floor, _ceil = _by_ends(lambda x: x.floor()), _by_ends(lambda x: x.ceil())
_trunc = _by_ends(_whole_to_zero)

# ------------------------------------------------------------------ the tables
SHARED: dict[str, Value] = {
    **{name: operator.methodcaller(name) for name in BOTH},
    "expi": lambda x: x.ei(),
    "ci": _cosine_integral,
    "airyai": lambda x: x.airy_ai(),
    "airybi": lambda x: x.airy_bi(),
    "sinpi": lambda x: x.sin_pi(),
    "cospi": lambda x: x.cos_pi(),
    "gauss": lambda x: (-x * x).exp(),
    "sec_asin": lambda x: ((1 - x) * (1 + x)).rsqrt(),
    "cos_atan": lambda x: (1 + x * x).rsqrt(),
    "real_power": operator.pow,
}
NUMBERS: dict[str, Value] = {
    **SHARED,
    **{name: operator.methodcaller(name) for name in OF_NUMBERS},
    "abs": abs,
    "maximum": lambda x, y: x.max(y),
    "minimum": lambda x, y: x.min(y),
    "clip": lambda x, low, high: x.max(low).min(high),
    "atan2": lambda y, x: type(y).atan2(y, x),
    "exp2": lambda x: 2**x,
    "exp10": lambda x: 10**x,
    "log2": lambda x: x.log() / number(x, 2).log(),
    "log10": lambda x: x.log() / number(x, 10).log(),
    "cbrt": _cbrt,
    "square": lambda x: x**2,
    "reciprocal": lambda x: 1 / x,
    "power": operator.pow,
    "exponential": operator.pow,
    "gauss": lambda x: (-(x**2)).exp(),
    "sec_asin": lambda x: (1 - x**2 if x.contains(0) else (1 - x) * (1 + x)).rsqrt(),
    "cos_atan": lambda x: (1 + x**2).rsqrt(),
    "hypot": lambda x, y: (x**2 + y**2).sqrt(),
    "sech2": lambda x: x.sech() ** 2,
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "softplus": _softplus,
    "logaddexp": lambda x, y: x.max(y) + (-abs(x - y)).exp().log1p(),
    "npdf": lambda x: (-(x**2) / 2).exp() / (2 * x.pi()).sqrt(),
    "ndtr": lambda x: (-x / number(x, 2).sqrt()).erfc() / 2,
    "log_ndtr": _log_ndtr,
    "erfcx": _by_ends(lambda x: (x**2).exp() * x.erfc()),
    "dawsn": lambda x: x.pi().sqrt() / 2 * (-(x**2)).exp() * x.erfi(),
    "exp(x^2)": lambda x: (x**2).exp(),
    "lgamma": _lower_gamma,
    "sinc": lambda x: x.sinc_pi(),
    "sinc1": lambda x: x.sinc(),
    "exprel": _by_ends(_exprel),
    "log1prel": _by_ends(_log1prel),
    "exp1": lambda x: type(x).expint(x, number(x, 1)),
    "airyaip": lambda x: x.airy_ai(derivative=1),
    "airybip": lambda x: x.airy_bi(derivative=1),
    "lambertw1": lambda x: 1 + x.lambertw(),
    "exp(-1-x)": lambda x: (-1 - x).exp(),
    "x + exp(-1-x)": lambda x: x + (-1 - x).exp(),
    "kepler": _kepler,
    "sin(kepler/2)": lambda h, e, m: h.sin(),
    "cos(kepler/2)": lambda h, e, m: h.cos(),
    "ndtri": lambda x: -number(x, 2).sqrt() * (2 * x).erfcinv(),
    "logit": lambda x: x.log() - (-x).log1p(),
    "sin_atan2": lambda d, r: r * (d**2 + r**2).rsqrt(),
    "log_expit": lambda x: -_softplus(-x),
    "cosm1": lambda x: -2 * (x / 2).sin() ** 2,
    "entr": lambda x: -x * x.log(),
    "xlogy": lambda x, y: x * y.log(),
    "xlog1py": lambda x, y: x * y.log1p(),
    "rel_entr": lambda x, y: x * (x / y).log(),
    "kl_div": lambda x, y: x * (x / y).log() - x + y,
    "fresnel_s": lambda x: x.fresnel_s(),
    "fresnel_c": lambda x: x.fresnel_c(),
    "stop_gradient": lambda x: x,
    "sign": lambda x: x.sgn(),
    "copysign": lambda x: 2 * _heaviside(x, number(x, 1)) - 1,
    "floor": _floor,
    "ceil": _ceil,
    "trunc": _trunc,
    "rint": _by_ends(_nearest),
    "heaviside": _heaviside,
    "mod": lambda a, b: a - b * _floor(a / b),
    "fmod": lambda a, b: a - b * _trunc(a / b),
    "trunc_divide": lambda q, a, b: _trunc(q),
    "floor_divide": lambda q, a, b: _floor(q),
}
SERIES: dict[str, Value] = {
    **SHARED,
    "expm1": lambda s: s.exp() - 1,
    "log1p": lambda s: (1 + s).log(),
    "div": operator.truediv,
    "mul": operator.mul,
}


def value_of(row: Any) -> Value | None:
    """Return the value of a row on balls: what its `ball` says, or the table here; or None."""
    if row.ball is not None or not row.own:
        found: Value | None = row.ball
        return found
    if row.name.startswith("bessel_"):
        kind, n = row.name[7], row.name[9:].rstrip("')")
        if not row.name.endswith("'"):
            return lambda x: getattr(type(x), f"bessel_{kind}")(x, int(n))
    if row.name in NUMBERS or not row.name.endswith("'"):
        return NUMBERS.get(row.name)
    series = series_of(row.name[:-1])
    return None if series is None else lambda x: series(x, 1)[1]


# ------------------------------------------------------------------ local series
def series_of(name: str) -> Series | None:
    """Return x, K -> f⁽ᵐ⁾(x)/m!, m = 0..K, of a row of the package that has no equation, or None.

    The names of derivatives of rows end with a stroke each.
    """
    if name.endswith("'"):
        inner = series_of(name[:-1])
        if inner is None:
            return None
        return lambda x, order: [c * (m + 1) for m, c in enumerate(inner(x, order + 1)[1:])]
    if name.startswith("bessel_"):
        return functools.partial(_bessel, name[7], int(name[9:-1]))
    return LOCAL.get(name)


def _coefficients(f: Callable[[Any], Any]) -> Series:
    """Return the coefficients of a function of univariate series of FLINT."""

    def series(x: Ball, order: int) -> list[Ball]:
        with at(cap=order + 2):
            argument = sys.modules["flint"].arb_series([x, 1], prec=order + 2)
            try:
                found: list[Ball] = f(argument).coeffs()
            except ValueError:  # of FLINT: a pole lies in the ball
                return [number(x, math.nan)] * (order + 1)
        return [*found, *[number(x, 0)] * (order + 1)][: order + 1]

    return series


def _of_ends(series: Series, above: float, beyond: Series | None = None) -> Series:
    """Return what takes the hull of both ends above a point: all derivatives are monotone there."""

    def hull(x: Ball, order: int) -> Sequence[Ball]:
        if beyond is not None and not x > above:
            return beyond(x, order)
        found = [series(end, order) for end in ends(x)]
        return [functools.reduce(lambda a, b: a.union(b), c) for c in zip(*found, strict=True)]

    return hull


def _wider(series: Series) -> Series:
    """Return a series computed with the bits that its products lose where x is large."""

    def computed(x: Ball, order: int) -> Sequence[Ball]:
        lost = 2 * order * math.log2(2 + min(float(abs(x).upper()), 1e6))
        with at(bits=sys.modules["flint"].ctx.prec + int(lost) + 20):
            found: Sequence[Ball] = series(x, order)
        return found

    return computed


_log_gamma = _coefficients(lambda s: s.lgamma())
_slope_over_gamma = _coefficients(lambda s: -s.rgamma().derivative() / s.rgamma())
_zeta = _coefficients(lambda s: s.zeta())
_erfcx = _wider(_coefficients(lambda s: (s * s).exp() * s.erfc()))


def _polygammas(x: Ball, order: int) -> list[Ball]:
    return [c * (m + 1) for m, c in enumerate(_log_gamma(x, order + 1)[1:])]


FAR = 40  # beyond it a series around zero has too many terms


def _sine_over(rate: Ball, x: Ball, order: int) -> list[Ball]:
    """Return the coefficients of sin(rate·x)/(rate·x).

    Of ∫ cos(rate·t·x) dt over 0 <= t <= 1 the one of degree m is at most rate^m/((m + 1)·m!).
    Far from zero x·c_m + c_(m-1) is the one of sin(rate·x)/rate.
    """
    one = number(x, 1)
    most = [rate**m / (one * math.factorial(m) * (m + 1)) for m in range(order + 1)]
    if abs(x) > 3:
        found = [(rate * x).sin() / (rate * x)]
        turns = ((rate * x).cos(), -(rate * x).sin(), -(rate * x).cos(), (rate * x).sin())
        for m in range(1, order + 1):
            sine = turns[(m - 1) % 4] * rate ** (m - 1) / math.factorial(m)
            found.append((sine - found[-1]) / x)
    elif abs(x).upper() > FAR:  # a wide ball
        found = [type(b)(0, b.upper()) for b in most]
    else:
        found = _around_zero(rate, x, order)
    return [c.intersection(type(b)(0, b.upper())) for c, b in zip(found, most, strict=True)]


def _around_zero(rate: Ball, x: Ball, order: int) -> list[Ball]:
    """Return those coefficients by the series at zero, with a bound of what is left out."""
    size, terms, least = abs(x).upper(), 24, number(x, 2) ** -(sys.modules["flint"].ctx.prec + 10)
    while (rate * size) ** terms > least * math.factorial(terms):
        terms += 4
    at_zero = [
        number(x, (-1) ** (k // 2) * (1 - k % 2)) * rate**k / (math.factorial(k) * (k + 1))
        for k in range(order + terms)
    ]
    found = []
    for m in range(order + 1):
        total = number(x, 0)
        for j in range(terms - 1, -1, -1):
            total = total * x + at_zero[m + j] * math.comb(m + j, j)
        left = (
            rate ** (m + terms)
            * size**terms
            / (number(x, 1) * math.factorial(m) * math.factorial(terms) * (m + terms + 1))
        )
        found.append(total + type(x)(0, left.upper()))
    return found


def _si(x: Ball, order: int) -> list[Ball]:
    slopes = _sine_over(number(x, 1), x, max(order - 1, 0))
    return [x.si(), *(c / (m + 1) for m, c in enumerate(slopes))][: order + 1]


def _exprel_series(x: Ball, order: int) -> list[Ball]:
    one = number(x, 1)
    return [x.hypgeom_1f1(m + 1, m + 2) * one / math.factorial(m + 1) for m in range(order + 1)]


def _log1prel_series(x: Ball, order: int) -> list[Ball]:
    return [(-1) ** m * (-x).hypgeom_2f1(m + 1, m + 1, m + 2) / (m + 1) for m in range(order + 1)]


def _bessel(kind: str, n: int, x: Ball, order: int) -> list[Ball]:
    """Return coefficients by DLMF 10.6.7 and 10.29.5: sums of functions of n - m to n + m."""
    of, sign = getattr(type(x), f"bessel_{kind}"), 1 if kind == "i" else -1
    table = {j: of(x, j) for j in range(n - order, n + order + 1)}
    found = []
    for m in range(order + 1):
        total = sum(
            (sign**j * math.comb(m, j) * table[n - m + 2 * j] for j in range(m + 1)), number(x, 0)
        )
        found.append(total / (number(x, 2) ** m * math.factorial(m)))
    return found


LOCAL: dict[str, Series] = {
    # completely monotone functions: DLMF 7.7.1, 5.15.1, 25.2.1
    "erfcx": _of_ends(_erfcx, -math.inf),
    "digamma": _of_ends(_polygammas, 0, _slope_over_gamma),
    "zeta": _of_ends(_zeta, 1, _zeta),
    "dawsn": _wider(
        _coefficients(lambda s: (-(s * s)).exp() * s.erfi() * (s.coeffs()[0].pi().sqrt() / 2))
    ),
    "sinc": lambda x, order: _sine_over(x.pi(), x, order),
    "sinc1": lambda x, order: _sine_over(number(x, 1), x, order),
    # ∫ s^m eˣˢ/m! ds and ∫ (-s)^m/(1 + xs)^(m+1) ds over 0 <= s <= 1: DLMF 13.4.1, 15.6.1
    "exprel": _of_ends(_exprel_series, -math.inf),
    "log1prel": _of_ends(_log1prel_series, -math.inf),
    "expi": _coefficients(lambda s: s.ei()),
    "ci": _coefficients(_cosine_integral),
    "si": _si,
}
