"""The rows of the table, and what they are made of.

The first line of a row reads: name, value for NumPy's numbers, value in an mpmath context (or its
name there), and the equation p·y' = q·a' as (a, y) -> (q, p).  Then come the value in machine code,
where the function is defined, sample points for the tests, and what else is known of it (`table`).
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from taylor.core.choices import choose
from taylor.core.powers import integer_valued, raised
from taylor.core.table import FAMILIES, HIDDEN, TABLE, Cut, Elementary, Parts, derived
from taylor.errors import NonAnalyticError, PoleError
from taylor.numbers import contexts, quotient_series, special_series, special_values
from taylor.numbers.formulas import (
    LN2,
    LOG2_E,
    LOG10_E,
    ONE_OVER_E,
    ONE_OVER_SQRT_2PI,
    PI,
    SQRT1_2,
    SQRT_2_OVER_PI,
    TWO_OVER_SQRT_PI,
    by_math,
    by_mpmath,
    by_scipy,
    in_context,
)
from taylor.numbers.kinds import is_operand
from taylor.numbers.special_values import (
    at,
    exact_cbrt,
    exact_power,
    exact_root,
    paired,
    power_mp,
    quiet,
)

__all__ = [  # what `taylor` offers
    "absolute", "acos", "acosh", "airyai", "airyaip", "airybi", "airybip", "arccos", "arccosh",
    "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "asin", "asinh", "atan", "atan2", "atanh",
    "cbrt", "ceil", "ci", "clip", "cos", "cosh", "cospi", "cot", "csc", "dawsn",
    "digamma", "erf", "erfc", "erfcx", "exp", "exp1", "exp2", "expi", "expint", "expm1", "fabs",
    "float_power", "floor",
    "gamma", "heaviside", "hypot", "i0", "i1", "iv", "j0", "j1", "jv", "kepler", "lambertw",
    "lgamma", "log", "log1p", "log2", "log10", "log_ndtr", "logaddexp", "maximum", "minimum", "mod",
    "ndtr", "power", "reciprocal", "remainder", "rint", "sec", "sech2", "si", "sigmoid", "sign",
    "sin", "sinc", "sinh", "sinpi", "softplus", "sqrt", "square", "stop_gradient", "tan",
    "tanh", "trunc", "y0", "y1", "yv", "zeta",
]  # fmt: skip

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
TINY = float(np.finfo(float).smallest_normal)  # below it the value of a power lacks digits
LEAST = TINY * 2**20  # below it products of roots or powers and their arguments may


def row(name: str, numpy: Any, mp: Any, quotient: Any = None, **columns: Any) -> Elementary:
    """Add one row; a ufunc as its NumPy value also makes np.<name>(series) reach it."""
    if isinstance(numpy, np.ufunc):
        columns.setdefault("ufunc", numpy)
    TABLE[name] = made = Elementary(name, numpy, in_context(mp), quotient, own=True, **columns)
    return made


def hidden(name: str, mp: Any, quotient: Any, *value: Callable[..., Any]) -> Elementary:
    """Return a row that is part of others; its value is a pair, a plain one where that fails."""
    numpy, low = paired(*value)
    HIDDEN[name] = made = Elementary(name, numpy, mp, quotient, low=low, own=True)
    return made


# ------------------------------------------------------------------ what rows are made of
def _exp_parts(x: Any, y: Any) -> tuple[Any, Any]:
    r = exp(x)
    return r * cos(y), r * sin(y)


def _expm1_parts(x: Any, y: Any) -> tuple[Any, Any]:
    # e^x cos y - 1 = (e^x - 1) cos y - 2 sin²(y/2)
    s = sin(0.5 * y)
    return expm1(x) * cos(y) - (s + s) * s, exp(x) * sin(y)


def _log1p_parts(x: Any, y: Any) -> tuple[Any, Any]:
    return log(hypot(x + 1.0, y)), atan2(y, x + 1.0)


def _share(a: Any, b: Any, y: Any) -> Any:
    """Return the share of exp(a) in the sum exp(y) with exp(b); where this is zero it has none."""
    return choose(-math.inf, y, 0.0, sigmoid(a - b), "formula")


def _sinpi_code(x: Any) -> Any:
    r = x - 2 * rint(0.5 * x)  # in [-1, 1], exact
    near = choose(r, 0.5, 1 - r, r, "where")  # sin π(1 - r) = sin πr, without loss at 1
    return sin(math.pi * choose(-0.5, r, -1 - r, near, "where"))


def _cospi_code(x: Any) -> Any:
    r = abs(x - 2 * rint(0.5 * x))
    return choose(r, 0.25, sin(math.pi * (0.5 - r)), cos(math.pi * r), "where")


def _sinc_code(x: Any) -> Any:
    return choose(0.0, abs(x), 1.0, sinpi(x) / (math.pi * x), "where")


def _sinc_slope(x: Any) -> Any:
    z, near = (math.pi * x) * (math.pi * x), 0.0
    for k in range(11, 0, -1):  # Σ (-1)^k 2k (πx)^(2k)/(2k + 1)! over x
        near = near * z + (-1) ** k * 2 * k / math.factorial(2 * k + 1)
    far = (cospi(x) - sinpi(x) / (math.pi * x)) / x
    return choose(0.5, abs(x), math.pi * (math.pi * x) * near, far, "where")


def _exprel_terms(x: Any, order: int) -> list[Any]:
    weights = special_series.inverse_factorials(special_series.settled(order + 2))
    y, growth = expm1(x) / x, exp(x)
    w = [growth * v for v in weights]
    return quotient_series.over_x(x, abs(x), y, w, order, partial(choose, mode="where"))


def _sinc1_terms(x: Any, order: int) -> list[Any]:
    weights = special_series.inverse_factorials(special_series.settled(order + 2))
    s, c = sin(x), cos(x)
    w = [(s, c, -s, -c)[m % 4] * v for m, v in enumerate(weights)]
    return quotient_series.over_x(x, abs(x), s / x, w, order, partial(choose, mode="where"))


def _log1prel_slope(x: Any) -> Any:
    near = 0.0
    for k in range(15, 0, -1):
        near = (-1) ** k * k / (k + 1) + near * x
    return choose(0.1, abs(x), near, (1 / (1 + x) - log1p(x) / x) / x, "where")


def _atan2(a: Any, b: Any, y: Any) -> Any:
    h = hypot(a, b)  # p = h and q = (b, -a)/h instead of h² and (b, -a): no overflow
    return ((b / h, -(a / h)), h)


def _acosh_q(a: Any) -> Any:
    return real_power(a - 1, -HALF) * real_power(a + 1, -HALF)


def _log_ndtr(a: Any, y: Any) -> Any:
    # φ/Φ has no cancellation, but Φ underflows on the left, where it is √(2/π)/erfcx(-x/√2)
    q = choose(a, 0, npdf(a), SQRT_2_OVER_PI, "formula")
    return (q, choose(a, 0, ndtr(a), erfcx(-(SQRT1_2 * a)), "formula"))


def _log_ndtr_terms(a: Any, y: Any) -> Any:
    # 1/erfcx(z) is z√π + O(1/z), and loses the coefficients of log Φ = -a²/2 + log(erfcx(z)/2)
    z = -(SQRT1_2 * a)
    left = -a - SQRT1_2 * (derived(erfcx)(z) / erfcx(z))
    return (choose(a, 0, npdf(a), left, "formula"), choose(a, 0, ndtr(a), 1, "formula"))


def _by_series(name: str, series: Callable[[Any, int], Any], **columns: Any) -> Elementary:
    """Add a row with a local series, whose first term is the value where SciPy has none."""

    def value(ctx: Any, x: Any) -> Any:
        return series(x, 0)[0]

    return row(name, by_scipy(name, value), value, local=series, **columns)


@functools.cache
def bessel(kind: str, n: int) -> Elementary:
    """Return the row of the Bessel function J, Y or I (kind "j", "y", "i") of integer order n."""
    mp, series = f"bessel{kind}", getattr(special_series, f"bessel_{kind}")

    def value(ctx: Any, x: Any) -> Any:
        return getattr(ctx, mp)(n, x)

    def numpy(x: Any) -> Any:
        if n in (0, 1) and not np.iscomplexobj(x):
            return by_scipy(f"{kind}{n}", value)(x)
        return by_scipy(f"{kind}v", lambda ctx, m, v: value(ctx, v))(np.float64(n), x)

    positive = kind == "y"
    return Elementary(
        f"bessel_{kind}({n})",
        numpy,
        value,
        local=partial(series, n),
        own=True,
        domain="x > 0" if positive else "all x",
        pole=positive,
        samples=(0.3, 2.4, 20.0) if positive else (0.0, 1e-10, 0.3, 2.404825557695773, 20.0),
    )


def _order(name: str, n: Any) -> int:
    n = contexts.whole_number(n)
    if isinstance(n, str) or is_operand(n) or not integer_valued(n):
        raise TypeError(f"{name}(n, x) needs an integer order n, not {n!r}")
    return int(n)


def jv(n: int, x: Any) -> Any:
    """Return the Bessel function J_n(x) of integer order n (DLMF 10.2).

    >>> float(jv(2, 0.0))
    0.0
    """
    return bessel("j", _order("jv", n))(x)


def yv(n: int, x: Any) -> Any:
    """Return the Bessel function Y_n(x) of integer order n, x > 0 (DLMF 10.2)."""
    return bessel("y", _order("yv", n))(x)


def iv(n: int, x: Any) -> Any:
    """Return the modified Bessel function I_n(x) of integer order n (DLMF 10.25)."""
    return bessel("i", _order("iv", n))(x)


def _airy(name: str, which: int, quotient: Any) -> Elementary:
    value, mp = (partial(f, which) for f in (special_values.airy_value, special_values.airy_mp))
    return row(name, value, mp, quotient, samples=(-30.0, -2.338107410459767, 0.0, 1e-8, 1.0, 10.0))


def _lambertw_p(a: Any, y: Any) -> Any:
    # p = exp(y)(1 + y) = exp(y) + a, but for the cancellation on the left of 0
    return choose(a, 0, a + exp(y), exp(y) * lambertw1(a), "formula")


def _lambertw_equation(a: Any, y: Any) -> Any:
    # (a + 1/e)·y' = (y + exp(-1-y))/(1 + y)·a': p has the branch point as its zero wherever the
    # rounded y is, and q is analytic in y there
    return (_above(y) / (1 + y), a + ONE_OVER_E)


def _kepler_p(e: Any, y: Any) -> Any:
    # 1 - e·cos y without cancellation near e = 1, y = 0
    s = sin(HALF * y)
    return (1 - e) + 2 * e * (s * s)


def _kepler_equation(e: Any, m: Any, y: Any) -> Any:
    s, c = (half(HALF * y, e, m) for half in (_kepler_sin, _kepler_cos))
    return ((2 * (s * c), 1), (1 - e) + 2 * (e * (s * s)))


def _maximum(a: Any, b: Any) -> Any:
    return choose(a, b, a, b, "kink")


def _minimum(a: Any, b: Any) -> Any:
    return choose(b, a, a, b, "kink")


def _clip(a: Any, low: Any, high: Any) -> Any:
    a = a if low is None else maximum(a, low)
    return a if high is None else minimum(a, high)


def _increasing(name: str, numpy: Any, mp: Callable[..., Any], **columns: Any) -> Elementary:
    """Add the row of an increasing function with exact values, so at the ends of intervals too."""

    def enclosure(ctx: Any, *x: Any) -> Any:
        found = []
        for which in (0, 1):
            points = [contexts.ends(v)[which] for v in x]
            found.append(mp(points[0].context, *points))
        return contexts.hull(ctx, *found)

    return row(name, numpy, mp, iv=enclosure, **columns)


def _heaviside_of_set(ctx: Any, x: Any, h: Any) -> Any:
    low, high = contexts.ends(x)
    found = ((0, low < 0), (h, low <= 0 <= high), (1, high > 0))
    there = [ctx.mpf(v) for v, is_there in found if is_there]
    return functools.reduce(partial(contexts.hull, ctx), there)


# fmt: off
# ------------------------------------------------------------------ exponentials and logarithms
exp = row("exp", np.exp, "exp", lambda a, y: (y, 1), code="exp", complex_code=Parts(_exp_parts),
          steep=(1.0, 1), overflows=True,
          samples=(-700.0, -20.0, -1e-20, 0.0, 0.5, 20.0, 700.0), exact=at((0, 1)))
expm1 = row("expm1", np.expm1, "expm1", lambda a, y: (exp(a), 1),
            code="expm1", complex_code=Parts(_expm1_parts), exact=at((0, 0)), monotone=True,
            steep=(1.0, 1), overflows=True,
            samples=(-40.0, -36.0, -1e-12, 0.0, 1e-300, 0.5, 30.0))
exp2 = row("exp2", np.exp2, lambda ctx, x: ctx.mpf(2) ** x, lambda a, y: (LN2 * y, 1),
           code="exp2", complex_code=lambda z: exp(LN2 * z), monotone=True, steep=(math.log(2), 1),
           overflows=True,
           samples=(-1000.0, -0.5, 0.0, 3.0, 900.25),
           exact=lambda x: Fraction(2) ** x if x % 1 == 0 else None)
log = row("log", np.log, "log", lambda a, y: (1, a), code="log", complex_code="clog", cut=Cut(0.0),
          domain="x > 0", pole=True, exact=at((1, 0)),
          samples=(1e-300, 0.1, 1.0, 1.0 + 1e-12, 2.5, 1e300))
log1p = row("log1p", np.log1p, "log1p", lambda a, y: (1, 1 + a),
            code="log1p", complex_code=Parts(_log1p_parts), cut=Cut(-1.0),
            domain="x > -1", pole=True, exact=at((0, 0)), monotone=True,
            samples=(-1 + 1e-12, -0.5, -1e-20, 0.0, 1e-12, 3.0, 1e300))
log2 = row("log2", np.log2, lambda ctx, x: ctx.log(x) / ctx.ln(2), lambda a, y: (LOG2_E, a),
           code="log2", complex_code=lambda z: LOG2_E * log(z), domain="x > 0", pole=True,
           samples=(1e-300, 0.25, 1.0, 3.0, 1e300), exact=at((1, 0), (2, 1)), monotone=True)
log10 = row("log10", np.log10, lambda ctx, x: ctx.log(x) / ctx.ln(10), lambda a, y: (LOG10_E, a),
            code="log10", complex_code=lambda z: LOG10_E * log(z), domain="x > 0", pole=True,
            samples=(1e-300, 0.25, 1.0, 1000.0, 1e300), exact=at((1, 0), (10, 1)), monotone=True)
sigmoid = row("sigmoid", special_values.sigmoid, lambda ctx, x: 1 / (1 + ctx.exp(-x)),
              lambda a, y: (Fraction(1, 4) * sech2(HALF * a), 1),
              code="sigmoid", complex_code=lambda z: 1 / (1 + exp(-z)), monotone=True,
              samples=(-700.0, -40.0, -1.0, 0.0, 1.0, 20.0, 40.0, 700.0),
              exact=lambda x: None if x else HALF)
softplus = row("softplus", lambda x: np.logaddexp(np.zeros_like(x), x),
               lambda ctx, x: ctx.log1p(ctx.exp(x)),
               lambda a, y: (sigmoid(a), 1),
               code=lambda x: maximum(x, 0.0) + log1p(exp(-abs(x))), monotone=True,
               samples=(-700.0, -40.0, -1.0, 0.0, 1.0, 40.0, 700.0))
logaddexp = row("logaddexp", np.logaddexp, lambda ctx, a, b: ctx.log(ctx.exp(a) + ctx.exp(b)),
                lambda a, b, y: ((_share(a, b, y), _share(b, a, y)), 1),
                code=lambda a, b: maximum(a, b) + log1p(exp(-abs(a - b))),
                samples=((0.0, 0.0), (1.0, -2.0), (800.0, 799.0), (-800.0, 3.0)))

# ------------------------------------------------------------------ powers and roots
sqrt = row("sqrt", np.sqrt, "sqrt", lambda a, y: (HALF, y), recurrence=lambda a, y: (HALF * y, a),
           code="sqrt", complex_code="csqrt", cut=Cut(0.0), domain="x >= 0", germ=HALF,
           samples=(1e-300, 0.1, 1.0, 4.0, 1e300), exact=lambda x: exact_root(x, 2))
cbrt = row("cbrt", lambda x: x ** (1 / 3) if np.iscomplexobj(x) else np.cbrt(x),
           lambda ctx, x: ctx.sign(x) * ctx.cbrt(abs(x)) if ctx.im(x) == 0 else ctx.cbrt(x),
           lambda a, y: (THIRD * y, a), ufunc=np.cbrt, germ=THIRD, exact=exact_cbrt, monotone=True,
           code="cbrt", complex_code=lambda z: real_power(z, 1 / 3),
           domain="x != 0 for derivatives", samples=(-8.0, -1e-9, 1e-10, 0.3, 1e300))
square = row("square", np.square, lambda ctx, x: x * x, compose=lambda a: a * a,
             samples=(-3.0, 0.0, 1e-200, 2.5), exact=lambda x: x * x)
reciprocal = row("reciprocal", lambda x: 1 / x, lambda ctx, x: power_mp(ctx, x, -1),
                 compose=lambda a: 1 / a, ufunc=np.reciprocal, domain="x != 0", pole=True,
                 error=PoleError, samples=(-3.0, 1e-200, 2.5, 1e200),
                 exact=lambda x: 1 / Fraction(x))
power = row("power", operator.pow, power_mp, compose=raised, exact=exact_power,
            ufunc=np.power, domain="base > 0, or an integer exponent",
            samples=((2.0, 0.5), (1e-200, -0.3), (3.0, -7), (-1.5, 3), (0.0, 4), (1.7, 1.7),
                     (0.3, 40.5)))
real_power: Elementary = row(
    "real_power", operator.pow, power_mp,
    lambda a, r, y: ((r * y, a * log(a) * y), a), exact=exact_power, code="pow",
    complex_code="cpow", cut=Cut(0.0), domain="base > 0", germ=Fraction(0),
    samples=((2.0, 0.5), (1e-200, -0.3), (1.7, 1.7)))
exponential = row("exponential", operator.pow, lambda ctx, x, r: x**r,
                  lambda c, a, y: ((0, log(c) * y), 1), exact=exact_power, code="pow",
                  complex_code="cpow", cut=Cut(0.0), domain="base > 0", steep=(1.0, 1),
                  samples=((2.0, 0.5), (0.1, -3.5)))

# ------------------------------------------------------------------ trigonometric functions
ANGLES = (-1e4, -1.5, -1e-20, 0.0, 0.7, 1.5707963267948966, 3.0, 1e6)
TURNS = (-2.5, -1.0, 0.0, 1e-20, 0.3, 0.5, 1e6 + 0.25)
UNIT = (-1 + 1e-12, -0.3, 0.0, 1e-20, 0.7, 1 - 1e-6)
ENDS = Cut(-1.0, both_ends=True)
ROOTS = (sqrt, cbrt, real_power)  # a·y' = r·y·a'
LOGARITHMS = (log, log2, log10)
sin: Elementary = row(
    "sin", np.sin, "sin", lambda a, y: (cos(a), 1), code="sin",
    complex_code=Parts(lambda x, y: (sin(x) * cosh(y), cos(x) * sinh(y))),
    samples=ANGLES, exact=at((0, 0)))
cos: Elementary = row(
    "cos", np.cos, "cos", lambda a, y: (-sin(a), 1), code="cos",
    complex_code=Parts(lambda x, y: (cos(x) * cosh(y), -(sin(x) * sinh(y)))),
    samples=ANGLES, exact=at((0, 1)))
tan = row("tan", np.tan, "tan", lambda a, y: (1 + y * y, 1), low=special_values.of_angle_low(0, 1),
          complex_slope=lambda z: 1 / cos(z) / cos(z),
          code="tan", complex_code="ctan", surface=cos, domain="x != pi/2 + n pi", exact=at((0, 0)),
          samples=(-1.5, -1e-20, 0.0, 0.7, 1.5, 1.57, 3.0, 1e4))
sec = row("sec", lambda x: 1 / np.cos(x), lambda ctx, x: 1 / ctx.cos(x),
          lambda a, y: (y * tan(a), 1), low=special_values.of_angle_low(None, 1),
          code=lambda x: 1 / cos(x), complex_code=lambda z: 1 / cos(z), exact=at((0, 1)),
          domain="x != pi/2 + n pi", samples=(-1.5, 0.0, 0.7, 3.0))
csc = row("csc", lambda x: 1 / np.sin(x), lambda ctx, x: 1 / ctx.sin(x),
          lambda a, y: (-(y * cot(a)), 1), low=special_values.of_angle_low(None, 0),
          code=lambda x: 1 / sin(x), complex_code=lambda z: 1 / sin(z), pole=True, error=PoleError,
          domain="x != n pi", samples=(-1.5, 1e-8, 0.7, 3.0))
cot: Elementary = row(
    "cot", lambda x: 1 / np.tan(x), lambda ctx, x: 1 / ctx.tan(x), lambda a, y: (-1 - y * y, 1),
    low=special_values.of_angle_low(1, 0), pole=True, error=PoleError,
    code=lambda x: 1 / tan(x), complex_code=lambda z: 1 / tan(z),
    complex_slope=lambda z: -1 / sin(z) / sin(z),
    domain="x != n pi", samples=(-1.5, 1e-8, 0.7, 3.0))
sec_asin = row("sec_asin", special_values.sec_asin,
               lambda ctx, x: 1 / ctx.sqrt(1 - x) / ctx.sqrt(1 + x),
               lambda a, y: (a * (y * y * y), 1), polar=-1, split=True,
               code=lambda x: 1 / sqrt((1 - x) * (1 + x)),
               complex_code=lambda z: 1 / (sqrt(1 - z) * sqrt(1 + z)), cut=ENDS,
               domain="-1 < x < 1", samples=UNIT, exact=at((0, 1)))
asin = row("asin", np.arcsin, "asin", lambda a, y: (sec_asin(a), 1), code="asin",
           complex_code="casin", cut=ENDS, domain="-1 <= x <= 1", germ=HALF,
           samples=UNIT, exact=at((0, 0)), monotone=True)
acos = row("acos", np.arccos, "acos", lambda a, y: (-sec_asin(a), 1), code="acos",
           complex_code="cacos", cut=ENDS, domain="-1 <= x <= 1", germ=HALF,
           samples=UNIT, exact=at((1, 0)), monotone=True)
atan = row("atan", np.arctan, "atan", lambda a, y: (1, 1 + a * a), polar=0, code="atan",
           seam=lambda a, y: sin(2 * y),  # at a pole of a
           complex_slope=lambda z: 1 / ((1 + 1j * z) * (1 - 1j * z)),
           complex_code="catan", cut=ENDS._replace(turned=True), exact=at((0, 0)), monotone=True,
           samples=(-1e8, -1.0, -0.1, 0.0, 1e-20, 0.7, 10.0, 1e100))
atan2 = row("atan2", np.arctan2, "atan2", _atan2, polar=0, code="atan2",
            domain="not the origin", germ=Fraction(0), seam=lambda a, b, y: a,
            samples=((1.0, 2.0), (-1e-10, 1e-10), (1e200, -3e200), (0.0, 2.0), (3.0, 0.0),
                     (-1.0, -1.0)))
hypot = row("hypot", np.hypot, "hypot", lambda a, b, y: ((a, b), y),
            polar=1, code="hypot", domain="not the origin", error=NonAnalyticError,
            germ=Fraction(1), exact=lambda a, b: exact_root(Fraction(a * a + b * b), 2),
            samples=((3.0, 4.0), (1e-10, 1e-10), (1e200, -3e200), (0.0, 2.0)),
            iv=lambda ctx, a, b: ctx.sqrt(a * a + b * b))
sinpi = row("sinpi", special_values.sinpi, "sinpi", lambda a, y: (PI * cospi(a), 1),
            code=_sinpi_code, samples=TURNS, exact=at((0, 0)),
            iv=lambda ctx, x: ctx.sin(ctx.pi * x))
cospi: Elementary = row(
    "cospi", special_values.cospi, "cospi", lambda a, y: (-(PI * sinpi(a)), 1),
    code=_cospi_code, samples=TURNS, exact=at((0, 1)), iv=lambda ctx, x: ctx.cos(ctx.pi * x))

# ------------------------------------------------------------------ hyperbolic functions
REALS = (-30.0, -1.0, -1e-12, 0.0, 0.5, 3.0, 20.0)
sinh: Elementary = row(
    "sinh", np.sinh, "sinh", lambda a, y: (cosh(a), 1), code="sinh", steep=(1.0, 1),
    overflows=True,
    complex_code=Parts(lambda x, y: (sinh(x) * cos(y), cosh(x) * sin(y))),
    samples=REALS, exact=at((0, 0)), monotone=True)
cosh: Elementary = row(
    "cosh", np.cosh, "cosh", lambda a, y: (sinh(a), 1), code="cosh", steep=(1.0, 1),
    overflows=True,
    complex_code=Parts(lambda x, y: (cosh(x) * cos(y), sinh(x) * sin(y))),
    samples=REALS, exact=at((0, 1)), iv=lambda ctx, x: (ctx.exp(x) + ctx.exp(-x)) / 2)
sech2: Elementary = row(
    "sech2", quiet(lambda x: (1 / np.cosh(x)) ** 2), lambda ctx, x: 1 / ctx.cosh(x) ** 2,
    lambda a, y: (-2 * (tanh(a) * y), 1), refines=lambda a: 1 - tanh(a) * tanh(a),
    low=special_values.sech2_low, steep=(2.0, 1),
    code="sech2", complex_code=lambda z: 1 / cosh(z) / cosh(z),
    samples=(-300.0, *REALS), exact=at((0, 1)),
    iv=lambda ctx, x: 4 / (ctx.exp(x) + ctx.exp(-x)) ** 2)
tanh: Elementary = row(
    "tanh", np.tanh, "tanh", lambda a, y: (sech2(a), 1), low=special_values.tanh_low,
    code="tanh", complex_code="ctanh", samples=(-300.0, *REALS, 10.0), exact=at((0, 0)),
    monotone=True)
cos_atan = row("cos_atan", special_values.cos_atan, lambda ctx, x: 1 / ctx.sqrt(1 + x * x),
               lambda a, y: (-(a * y) * (y * y), 1), polar=-1, code=lambda x: 1 / hypot(1.0, x),
               complex_code=lambda z: 1 / (sqrt(1 + 1j * z) * sqrt(1 - 1j * z)),
               samples=(-1e9, -1.0, 0.0, 1e-20, 0.5, 2.5, 7.0, 1e108, 1e200), exact=at((0, 1)))
asinh = row("asinh", np.arcsinh, "asinh", lambda a, y: (cos_atan(a), 1), code="asinh",
            complex_code="casinh", cut=ENDS._replace(turned=True), exact=at((0, 0)), monotone=True,
            samples=(-1e9, -1.0, 0.0, 1e-20, 0.5, 2.5, 20.0, 1e200))
acosh = row("acosh", np.arccosh, "acosh", lambda a, y: (_acosh_q(a), 1), code="acosh",
            complex_code="cacosh", cut=Cut(1.0), domain="x >= 1", germ=HALF,
            samples=(1 + 1e-12, 1.001, 2.0, 1e200), exact=at((1, 0)), monotone=True)
atanh = row("atanh", np.arctanh, "atanh", lambda a, y: (sec_asin(a) * sec_asin(a), 1),
            polar=0, split=True, code="atanh", complex_code="catanh", cut=ENDS, pole=True,
            domain="-1 < x < 1",
            samples=(-1 + 1e-12, -0.3, 0.0, 1e-20, 0.1, 0.999999), exact=at((0, 0)), monotone=True)

# ------------------------------------------------------------------ error functions
gauss = row("gauss", lambda x: special_values.bell(x, 1.0, 1.0), lambda ctx, x: ctx.exp(-x * x),
            lambda a, y: (-2 * (a * y), 1), code="gauss", steep=(1.0, 2),
            samples=(-6.3, -1.0, 0.0, 1e-20, 0.3, 25.1), exact=at((0, 1)))
npdf = row("npdf", lambda x: special_values.bell(x, 0.5, float(ONE_OVER_SQRT_2PI)),
           "npdf", lambda a, y: (-(a * y), 1), steep=(0.5, 2),
           code="npdf",
           samples=(-30.3, -2.0, 0.0, 1.0, 6.1))
erf = row("erf", by_math(math.erf, "erf"), "erf",
          lambda a, y: (TWO_OVER_SQRT_PI * gauss(a), 1), code="erf",
          samples=(-6.0, -1.0, 0.0, 1e-20, 0.3, 2.0, 5.0), exact=at((0, 0)), monotone=True)
erfc = row("erfc", by_math(math.erfc, "erfc"), "erfc",
           lambda a, y: (-(TWO_OVER_SQRT_PI * gauss(a)), 1), code="erfc",
           samples=(-6.0, -1.0, 0.0, 0.3, 6.0, 25.0), exact=at((0, 1)), monotone=True)
erfcx = _by_series("erfcx", special_series.erfcx, code="erfcx", slope="erfcx_slope",
                   samples=(-5.0, -0.5, 0.0, 0.3, 1.0, 6.0, 100.0))
dawsn = _by_series("dawsn", special_series.dawsn, exact=at((0, 0)),
                   samples=(-7.0, 0.0, 0.3, 2.0, 10.0, 100.0))
ndtr = row("ndtr", by_scipy("ndtr", "ncdf"), "ncdf",
           lambda a, y: (npdf(a), 1), code="ndtr",
           samples=(-30.0, -2.0, 0.0, 1.0, 6.0), monotone=True)
log_ndtr = row("log_ndtr", by_scipy("log_ndtr", lambda ctx, x: ctx.log(ctx.ncdf(x))),
               lambda ctx, x: ctx.log(ctx.ncdf(x)), _log_ndtr, recurrence=_log_ndtr_terms,
               code="log_ndtr",
               samples=(-340.0, -30.0, -2.0, 0.0, 1.0, 6.0), monotone=True)

# ------------------------------------------------------------------ gamma and its relatives
NO_POLE = "x != 0, -1, -2, ..."
sinc = row("sinc", np.sinc, "sincpi", local=quotient_series.sinc,
           code=_sinc_code, slope=_sinc_slope,
           samples=(-10.3, 0.0, 1e-300, 1e-8, 0.01, 0.75, 1.0, 100.25), exact=at((0, 1)))
# f(x)/x of functions with f(0) = 0: what quotients become that would be 0/0 there (`removable`)
HIDDEN["exprel"] = exprel = Elementary(
    "exprel", special_values.over_argument(np.expm1),
    lambda ctx, x: ctx.expm1(x) / x if x else ctx.one,
    local=quotient_series.exprel, code=lambda x: choose(0.0, abs(x), 1.0, expm1(x) / x, "where"),
    terms=_exprel_terms, steep=(1.0, 1), overflows=True, monotone=True, exact=at((0, 1)), own=True)
HIDDEN["sinc1"] = sinc1 = Elementary(
    "sinc1", special_values.over_argument(np.sin), lambda ctx, x: ctx.sinc(x),
    local=quotient_series.sinc1, code=lambda x: choose(0.0, abs(x), 1.0, sin(x) / x, "where"),
    terms=_sinc1_terms, exact=at((0, 1)), own=True)
HIDDEN["log1prel"] = log1prel = Elementary(
    "log1prel", special_values.over_argument(np.log1p),
    lambda ctx, x: ctx.log1p(x) / x if x else ctx.one,
    local=quotient_series.log1prel, domain="x > -1", pole=True, exact=at((0, 1)), own=True,
    code=lambda x: choose(0.0, abs(x), 1.0, log1p(x) / x, "where"), slope=_log1prel_slope)
digamma = row("digamma", by_scipy("digamma", lambda ctx, x: ctx.psi(0, x)),
              lambda ctx, x: ctx.psi(0, x), local=special_series.digamma,
              code="digamma", slope="trigamma", domain=NO_POLE, pole=True, error=PoleError,
              samples=(-3.7, -0.5, 1e-3, 0.5, 1.4616321449683622, 3.0, 50.0, 1e8))
zeta = row("zeta", by_mpmath("zeta"), "zeta",
           local=special_series.zeta, domain="x != 1", pole=True, error=PoleError,
           samples=(-3.5, 0.0, 0.5, 1.001, 2.0, 30.0))
gamma = row("gamma", by_math(math.gamma, "gamma"), "gamma",
            lambda a, y: (y * digamma(a), 1), code="tgamma",
            domain=NO_POLE, pole=True, error=PoleError,
            samples=(-3.7, -0.5, 1e-3, 0.5, 1.4616321449683622, 5.0, 150.0),
            exact=lambda x: math.factorial(int(x) - 1) if x % 1 == 0 and x > 0 else None)
lgamma = row("lgamma", by_math(special_values.log_gamma, "loggamma"),
             lambda ctx, x: ctx.loggamma(x) if isinstance(x, ctx.mpc) else ctx.re(ctx.loggamma(x)),
             lambda a, y: (digamma(a), 1), code="lgamma",
             domain=NO_POLE, pole=True, error=PoleError,
             samples=(-3.7, -0.5, 1e-3, 0.5, 1.0, 1.0 - 1e-9, 1.5, 2.0000000000000284, 3.0, 1e8))

# ------------------------------------------------------------------ Bessel functions
j0, j1 = bessel("j", 0), bessel("j", 1)
y0, y1 = bessel("y", 0), bessel("y", 1)
i0, i1 = bessel("i", 0), bessel("i", 1)
TABLE.update(j0=j0, j1=j1, y0=y0, y1=y1, i0=i0, i1=i1)
FAMILIES.update({f"bessel_{kind}": partial(bessel, kind) for kind in "jyi"})

# ------------------------------------------------------------------ integrals and inverse functions
expi = row("expi", by_scipy("expi", "ei"), "ei", local=special_series.expi,
           domain="x != 0", pole=True, samples=(-20.0, -0.1, 1e-8, 0.37250741078136663, 2.0, 30.0))
exp1 = row("exp1", by_scipy("exp1", "e1"), "e1", lambda a, y: (-exp(-a), a),
           domain="x > 0", pole=True, samples=(1e-8, 0.1, 2.0, 30.0, 600.0))
expint = exp1  # the name of the classical tables
si = row("si", partial(special_values.sici, 0), "si", local=quotient_series.si,
         samples=(-20.0, 0.0, 1e-8, 0.75, 3.0, 100.0), exact=at((0, 0)))
ci = row("ci", partial(special_values.sici, 1), special_series.ci_mp, local=special_series.ci,
         domain="x != 0", pole=True, samples=(-2.0, 1e-8, 0.6165054856207162, 3.0, 100.0))
airyai = _airy("airyai", 0, lambda a, y: (airyaip(a), 1))
airyaip: Elementary = _airy("airyaip", 1, lambda a, y: (a * airyai(a), 1))
airybi = _airy("airybi", 2, lambda a, y: (airybip(a), 1))
airybip: Elementary = _airy("airybip", 3, lambda a, y: (a * airybi(a), 1))
lambertw = row("lambertw", special_values.lambertw, "lambertw",
               lambda a, y: (1, _lambertw_p(a, y)), recurrence=_lambertw_equation,
               domain="x >= -1/e", germ=HALF, exact=at((0, 0)), monotone=True,
               samples=(-0.35, -0.2, 0.0, 1e-20, 1.0, 2.0, 1e10))
# of which the slopes at infinity are not those of what has overflowed there
SLOW = (asinh, acosh, lambertw, digamma, lgamma)
UNBOUNDED = frozenset((*ROOTS, log, log1p, log2, log10, *SLOW))
lambertw1 = row("lambertw1", special_values.lambertw1, lambda ctx, x: 1 + ctx.lambertw(x),
                lambda a, u: (1, _lambertw_p(a, lambertw(a))),
                recurrence=lambda a, u: _lambertw_equation(a, lambertw(a)),
                domain="x >= -1/e", germ=HALF, monotone=True, samples=(-0.35, -0.2, 0.0, 1.0))
_decay = hidden("exp(-1-x)", lambda ctx, y: ctx.exp(-1 - y), lambda y, z: (-z, 1),
                special_values.decayed, lambda y: np.exp(-1 - y))
_above = hidden("x + exp(-1-x)", lambda ctx, y: y + ctx.exp(-1 - y),
                lambda y, z: (1 - _decay(y), 1), special_values.above,
                lambda y: y + np.exp(-1 - y))
kepler = row("kepler", by_mpmath(special_values.kepler_mp), special_values.kepler_mp,
             lambda e, m, y: ((sin(y), 1), _kepler_p(e, y)), recurrence=_kepler_equation,
             domain="0 <= e < 1",
             samples=((0.0, 1.0), (0.3, 2.0), (0.9, 0.1), (0.99, 1e-3), (0.5, -20.0)))
# sin y/2 and cos y/2 for y = kepler(e, m) that is given; of a large y half the digits are lost
_kepler_sin = hidden("sin(kepler/2)", lambda ctx, h, e, m: ctx.sin(h),
                     lambda h, e, m, y: ((_kepler_cos(h, e, m), 0, 0), 1),
                     partial(special_values.kepler_half_angle, 0),
                     lambda h, e, m: np.sin(h))
_kepler_cos: Elementary = hidden(
    "cos(kepler/2)", lambda ctx, h, e, m: ctx.cos(h),
    lambda h, e, m, y: ((-_kepler_sin(h, e, m), 0, 0), 1),
    partial(special_values.kepler_half_angle, 1), lambda h, e, m: np.cos(h))

# ------------------------------------------------------------------ piecewise functions
KINKED = (-3.5, -1e-20, 0.5, 2.0)
PAIRS = ((1.0, 2.0), (3.0, -1.0))
NO_STEP = "x no integer for derivatives"
absolute = row("abs", np.abs, lambda ctx, x: abs(x), compose=lambda a: choose(a, 0, a, -a, "kink"),
               code="fabs", domain="x != 0 for derivatives", samples=KINKED, exact=abs)
maximum: Elementary = _increasing(
    "maximum", np.maximum, lambda ctx, a, b: max(a, b), compose=_maximum, code="maximum",
    domain="no ties", samples=PAIRS, exact=max)
minimum: Elementary = _increasing(
    "minimum", np.minimum, lambda ctx, a, b: min(a, b), compose=_minimum, code="minimum",
    domain="no ties", samples=PAIRS, exact=min)
clip = _increasing("clip", np.clip, lambda ctx, a, low, high: min(max(a, low), high),
                   compose=_clip, exact=lambda a, low, high: min(max(a, low), high),
                   domain="not at the edges",
                   samples=((0.5, 0.0, 1.0), (-3.0, 0.0, 1.0), (3.0, 0.0, 1.0)))
CHOICES = (absolute, maximum, minimum, clip)  # the rows that are written with kinks
sign = _increasing("sign", np.sign, lambda ctx, x: ctx.sign(x), jumps=lambda x: x == 0,
                   code=lambda x: choose(x, 0.0, choose(0.0, x, x + 0.0, 1.0, "where"), -1.0,
                                         "where"),
                   domain="x != 0 for derivatives", samples=KINKED,
                   exact=lambda x: (x > 0) - (x < 0))
# 1 with the sign of a number, which zeros have, too
HIDDEN["copysign"] = Elementary(
    "copysign", lambda x: np.copysign(1.0, x), lambda ctx, x: ctx.mpf(-1 if x < 0 else 1),
    jumps=lambda x: x == 0, domain=sign.domain, own=True,
    iv=lambda ctx, x: 2 * _heaviside_of_set(ctx, x, 1) - 1,
    code=lambda x: choose(x, 0.0, choose(0.0, x, choose(1.0 / x, 0.0, 1.0, -1.0, "where"), 1.0,
                                         "where"), -1.0, "where"),
    exact=lambda x: -1 if x < 0 else 1)
floor = _increasing("floor", np.floor, lambda ctx, x: ctx.floor(x),
                    jumps=lambda x: x == np.floor(x), code="floor", surface=sinpi,
                    domain=NO_STEP, samples=(-3.5, 0.5, 2.7), exact=math.floor)
ceil = _increasing("ceil", np.ceil, lambda ctx, x: ctx.ceil(x), jumps=lambda x: x == np.floor(x),
                   code="ceil", surface=sinpi, domain=NO_STEP, samples=(-3.5, 0.5, 2.7),
                   exact=math.ceil)
trunc = _increasing("trunc", np.trunc, lambda ctx, x: ctx.sign(x) * ctx.floor(abs(x)),
                    jumps=lambda x: (x == np.floor(x)) & (x != 0), code="trunc", surface=sinpi,
                    domain=NO_STEP, samples=(-3.5, 0.0, 0.5, 2.7), exact=math.trunc)
# `round` as the exact value would take a second argument for digits
rint: Elementary = _increasing(
    "rint", np.rint, lambda ctx, x: ctx.nint(x), jumps=lambda x: x - np.floor(x) == 0.5,
    code="rint", surface=cospi, domain="2x no odd integer for derivatives",
    samples=(-3.2, 0.0, 0.7, 2.0), exact=lambda x: round(x))
heaviside = row("heaviside", np.heaviside, lambda ctx, x, h: ctx.mpf(x > 0) if x else h,
                jumps=lambda x, h: x == 0, iv=_heaviside_of_set,
                code=lambda x, h: choose(x, 0.0, choose(0.0, x, h, 1.0, "where"), 0.0, "where"),
                domain="x != 0 for derivatives", samples=((-3.5, 0.5), (2.0, 0.5)))
def _towards_zero(a: Any, b: Any) -> Any:
    return a - b * HIDDEN["trunc_divide"](a / b, a, b)


HIDDEN["fmod"] = fmod = Elementary(
    "fmod", np.fmod, lambda ctx, a, b: ctx.sign(a) * (abs(a) % abs(b)),
    compose=_towards_zero, iv=lambda ctx, a, b: a - b * trunc(a / b), code="fmod",
    domain="x no multiple of the divisor", exact=lambda a, b: a - b * math.trunc(a / b), own=True)
# The whole part of q = a/b by a and b, as q is rounded: 1.0//0.1 is 9
HIDDEN["trunc_divide"] = trunc_divide = Elementary(
    "trunc_divide", lambda q, a, b: np.rint((a - np.fmod(a, b)) / b),
    lambda ctx, q, a, b: ctx.sign(q) * ctx.nint((abs(a) - abs(a) % abs(b)) / abs(b)),
    jumps=lambda q, a, b: _is_whole(q, a, b) & (q != 0), surface=sinpi, domain=NO_STEP,
    code=lambda q, a, b: rint((a - fmod(a, b)) / b), iv=lambda ctx, q, a, b: trunc(q),
    exact=lambda q, a, b: math.trunc(q), own=True)
HIDDEN["floor_divide"] = Elementary(
    "floor_divide", lambda q, a, b: np.floor_divide(a, b),
    lambda ctx, q, a, b: ctx.nint((a - a % b) / b),
    jumps=lambda q, a, b: _is_whole(q, a, b), surface=sinpi, domain=NO_STEP,
    code=lambda q, a, b: _zero_as(_lowered(fmod(a, b), b, trunc_divide(q, a, b), -1.0), q),
    iv=lambda ctx, q, a, b: floor(q), exact=lambda q, a, b: a // b, own=True)


def _is_whole(q: Any, a: Any, b: Any) -> Any:
    if any(map(contexts.is_set, (q, a, b))):
        return q == np.floor(q)
    exact = np.result_type(np.asarray(a), np.asarray(b)).kind == "O"
    return (a % b if exact else np.fmod(a, b)) == 0


def _lowered(rest: Any, b: Any, x: Any, step: Any) -> Any:
    """Return x, or x + step where the rest towards zero has not the sign of the divisor."""
    return choose(rest * sign(b), 0.0, x, x + step, "where")


def _zero_as(x: Any, of: Any) -> Any:
    """Return x, or where it is zero that of the sign of another number."""
    return choose(0.0, abs(x), 0.0 * of, x, "where")


def floor_divide(a: Any, b: Any) -> Any:
    """Return a//b."""
    return HIDDEN["floor_divide"](a / b, a, b)


mod = row("mod", np.remainder, lambda ctx, a, b: a % b,
          compose=lambda a, b: a - b * floor_divide(a, b),
          iv=lambda ctx, a, b: a - b * floor(a / b),
          code=lambda a, b: _zero_as(_lowered(rest := fmod(a, b), b, rest, b), b),
          domain="x no multiple of the divisor", samples=((5.5, 2.0), (-1.3, 2.0)),
          exact=lambda a, b: a % b)


def remainder(a: Any, b: Any) -> Any:
    """Return a % b, also of infinite b: a where it has the sign of b, else b."""
    return _within(mod, a, b, lambda a, b: choose(a * np.sign(b), 0, a, a + b, "where"))


def fractional(a: Any, b: Any) -> Any:
    """Return np.fmod(a, b), also of infinite b: a."""
    return _within(fmod, a, b, lambda a, b: a * 1)


def _within(of: Elementary, a: Any, b: Any, beyond: Callable[[Any, Any], Any]) -> Any:
    """Return of(a, b) of finite divisors b and beyond(a, b) of infinite ones."""
    if is_operand(b) or (type(b) in (int, float) and abs(b) < math.inf):
        return of(a, b)
    infinite = np.asarray(np.abs(np.asarray(b)) == math.inf, dtype=bool)
    if not infinite.any():
        return of(a, b)
    if infinite.all():
        return beyond(a, b)
    whole = np.where(infinite, 1, b)
    return choose(infinite * 1.0, 0.5, beyond(a, np.where(infinite, b, 1)), of(a, whole), "where")


# No function of the table: its derivative is not that of its value
HIDDEN["stop_gradient"] = stop_gradient = Elementary(
    "stop_gradient", lambda x: 1.0 * x, lambda ctx, x: +x, lambda a, y: (0, 1),
    code=lambda x: 1.0 * x, complex_code=lambda z: 1.0 * z, exact=lambda x: x, own=True)

# ------------------------------------------------------------------ as NumPy spells them
arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh
fabs, float_power = absolute, power
