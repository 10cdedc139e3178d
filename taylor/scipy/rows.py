"""Functions of scipy.special with a differential equation p·y' = q·a', or made of such functions.

They are rows like those of `core.functions`, so their series, tangents and adjoints are machine
code; where SciPy has more digits or other conventions (xlogy(0, 0) = 0) the values are SciPy's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special as sp

from taylor.core import functions as f
from taylor.core.choices import choose
from taylor.core.table import HIDDEN, Elementary
from taylor.numbers.formulas import (
    DEGREE,
    LOG10_E,
    SQRT1_2,
    SQRT_2_OVER_PI,
    TWO_OVER_SQRT_PI,
    in_context,
)
from taylor.numbers.special_values import bell

ROWS: dict[str, Special] = {}


@dataclass(frozen=True, eq=False)
class Special(Elementary):
    """A row of this module, which is found in it when it is unpickled."""

    def __reduce__(self) -> Any:
        return (named, (self.name,))


def named(name: str) -> Special:
    """Return the row of that name."""
    return ROWS[name]


def row(name: str, mp: Callable[..., Any] | str, quotient: Any = None, **columns: Any) -> Special:
    """Add one row under SciPy's name for it."""
    value = columns.pop("value", None) or getattr(sp, name)
    made = Special(name, value, in_context(mp), quotient, own=True, **columns)
    HIDDEN[name] = ROWS[name] = made
    return made


def composed(
    name: str, mp: Callable[..., Any], compose: Callable[..., Any], **columns: Any
) -> Special:
    """Add a function made of others; its value is SciPy's."""
    return row(name, mp, compose=compose, **columns)


# ------------------------------------------------------------------ values in machine code
def _unless_zero(x: Any, y: Any, value: Any) -> Any:
    """Return the value; where x = 0 and y is a number, 0."""
    return choose(0.0, abs(x), choose(y, y, 0.0, 0.0, "where"), value, "where")


def _where_positive(x: Any, value: Any) -> Any:
    """Return the value where x > 0, else nan: the ordinary way is taken."""
    return choose(0.0, x, math.nan, value, "where")


def _logit_code(x: Any) -> Any:
    d = x - 0.5  # 2x - 1 is exact near 1/2
    return choose(0.0625, d * d, 2 * f.atanh(d + d), f.log(x / (1 - x)), "where")


def _rel_entr_code(x: Any, y: Any) -> Any:
    return _where_positive(x, _where_positive(y, x * _ratio(x, y)))


def _pseudo_huber_code(d: Any, r: Any) -> Any:
    u = r / d
    return _where_positive(d, d * d * (u * u / (1 + f.hypot(1.0, u))))


# fmt: off
# ------------------------------------------------------------------ inverses: q = 1, p = f'(y)
def _falling_bell(a: Any, y: Any) -> Any:
    # exp(-y²), by a = erfc(y) = exp(-y²) erfcx(y) where the last place of y counts for much
    return choose(y, 0, a / f.erfcx(y), f.gauss(y), "formula")


def _normal_density(a: Any, y: Any) -> Any:
    return choose(
        y, 0, f.npdf(y), TWO_OVER_SQRT_PI * (SQRT1_2 * a / f.erfcx(-(SQRT1_2 * y))), "formula"
    )


def _of_log_ndtr(y: Any) -> tuple[Any, Any]:
    q = choose(y, 0, f.ndtr(y), f.erfcx(-(SQRT1_2 * y)), "formula")
    return q, choose(y, 0, f.npdf(y), SQRT_2_OVER_PI, "formula")


def _by_root(g: Callable[..., Any], name: str) -> Callable[..., Any]:
    def value(ctx: Any, x: Any) -> Any:
        start = float(getattr(sp, name)(float(x)))
        return ctx.findroot(lambda y: g(ctx, y) - x, start) if math.isfinite(start) else ctx.nan

    return value


row("erfinv", "erfinv", lambda a, y: (1, TWO_OVER_SQRT_PI * f.gauss(y)),
    domain="-1 < x < 1", pole=True)
row("erfcinv", _by_root(lambda ctx, y: ctx.erfc(y), "erfcinv"),
    lambda a, y: (-1, TWO_OVER_SQRT_PI * _falling_bell(a, y)), domain="0 < x < 2", pole=True)
row("ndtri", _by_root(lambda ctx, y: ctx.ncdf(y), "ndtri"), lambda a, y: (1, _normal_density(a, y)),
    domain="0 < x < 1", pole=True)
row("ndtri_exp", _by_root(lambda ctx, y: ctx.log(ctx.ncdf(y)), "ndtri_exp"),
    lambda a, y: _of_log_ndtr(y), domain="x < 0", pole=True)
row("logit", lambda ctx, x: ctx.log(x / (1 - x)), lambda a, y: (1 / a + 1 / (1 - a), 1),
    domain="0 < x < 1", pole=True, code=_logit_code)


# ------------------------------------------------------------------ exponentials and logarithms
def _ratio(x: Any, y: Any) -> Any:
    """Return log(x/y), also near x = y."""
    d = (x - y) / y
    return choose(0.25, d * d, f.log1p(d), f.log(x / y), "formula")


def _excess(x: Any, y: Any) -> Any:
    """Return 1 - x/y, also near x = y."""
    d = (y - x) / y
    return choose(0.25, d * d, d, 1 - x / y, "formula")


def _pseudo_huber(d: Any, r: Any, y: Any) -> Any:
    s = f.hypot(d, r)
    w = r * (r / (s + d))  # s - d
    return (w * (w / s), d * _sin_atan2(d, r)), 1


def _turned(d: Any, r: Any, y: Any) -> Any:
    s = f.hypot(d, r)
    c = d / s
    return (-(c * (r / s)) / s, c * c / s), 1


def _huber(d: Any, r: Any) -> Any:
    left = choose(-r, d, -d * (r + d / 2), r * r / 2, "kink")
    return choose(r, d, d * (r - d / 2), left, "kink")


_sin_atan2 = row("sin_atan2", lambda ctx, d, r: r / ctx.hypot(d, r), _turned,
    value=lambda d, r: r / np.hypot(d, r), code=lambda d, r: r / f.hypot(d, r))
row("log_expit", lambda ctx, x: -ctx.log1p(ctx.exp(-x)), lambda a, y: (f.sigmoid(-a), 1),
    code=lambda x: f.minimum(x, 0.0) - f.log1p(f.exp(-abs(x))))
row("exp10", lambda ctx, x: ctx.mpf(10) ** x, lambda a, y: (y, LOG10_E),
    code=lambda x: f.real_power(10.0, x))
row("cosm1", lambda ctx, x: -2 * ctx.sin(x / 2) ** 2, lambda a, y: (-f.sin(a), 1),
    code=lambda x: -2.0 * f.sin(0.5 * x) * f.sin(0.5 * x))
row("entr", lambda ctx, x: -x * ctx.log(x), lambda a, y: (-1 - f.log(a), 1), domain="x > 0",
    code=lambda x: _unless_zero(x, x, -x * f.log(x)))
row("xlogy", lambda ctx, x, y: x * ctx.log(y) if x else x, lambda x, y, z: ((f.log(y), x / y), 1),
    domain="y > 0", code=lambda x, y: _unless_zero(x, y, x * f.log(y)))
row("xlog1py", lambda ctx, x, y: x * ctx.log1p(y) if x else x,
    lambda x, y, z: ((f.log1p(y), x / (1 + y)), 1), domain="y > -1",
    code=lambda x, y: _unless_zero(x, y, x * f.log1p(y)))
row("rel_entr", lambda ctx, x, y: x * ctx.log(x / y),
    lambda x, y, z: ((1 + _ratio(x, y), -(x / y)), 1), domain="x > 0, y > 0", code=_rel_entr_code)
row("kl_div", lambda ctx, x, y: x * ctx.log(x / y) - x + y,
    lambda x, y, z: ((_ratio(x, y), _excess(x, y)), 1), domain="x > 0, y > 0",
    code=lambda x, y: _rel_entr_code(x, y) - x + y)
row("pseudo_huber", lambda ctx, d, r: d * d * (ctx.sqrt(1 + (r / d) ** 2) - 1), _pseudo_huber,
    domain="delta > 0", code=_pseudo_huber_code)
composed("huber", lambda ctx, d, r: r * r / 2 if abs(r) <= d else d * (abs(r) - d / 2),
    _huber)


# ------------------------------------------------------------------ error functions and integrals
def _owens_t_mp(ctx: Any, h: Any, a: Any) -> Any:
    # DLMF has it not: Owen, Ann. Math. Stat. 27 (1956)
    found = ctx.quad(lambda t: ctx.exp(-h * h * (1 + t * t) / 2) / (1 + t * t), [0, a])
    return found / (2 * ctx.pi)


def _owens_t(h: Any, a: Any) -> tuple[Any, Any]:
    bell = f.npdf(h)
    return -0.5 * (bell * f.erf(SQRT1_2 * (a * h))), bell * f.npdf(a * h) / (1 + a * a)


_growing = row("exp(x^2)", lambda ctx, x: ctx.exp(x * x), lambda a, y: (2 * (a * y), 1),
    value=lambda x: bell(x, -1.0, 1.0), code="growing")
row("erfi", "erfi", lambda a, y: (TWO_OVER_SQRT_PI * _growing(a), 1))
row("owens_t",
    _owens_t_mp, lambda h, a, y: (_owens_t(h, a), 1))
FRESNEL_S = row("fresnel_s", "fresnels",
    lambda a, y: (f.sinpi(0.5 * (a * a)), 1), value=lambda x: sp.fresnel(x)[0])
FRESNEL_C = row("fresnel_c", "fresnelc",
    lambda a, y: (f.cospi(0.5 * (a * a)), 1), value=lambda x: sp.fresnel(x)[1])


# log P(X <= z) of the skew normal distribution: Azzalini, Scand. J. Statist. 12 (1985)
def _skew_value(z: Any, a: Any) -> Any:
    from scipy.stats import skewnorm  # which takes long to import

    return skewnorm.logcdf(z, a)


def _skew_mp(ctx: Any, z: Any, a: Any) -> Any:
    return ctx.log(ctx.quad(lambda t: 2 * ctx.npdf(t) * ctx.ncdf(a * t), [-ctx.inf, z - 1, z]))


def _skew(z: Any, a: Any, y: Any) -> tuple[Any, Any]:
    bell, square = -0.5 * (z * z), 1 + a * a
    slope = SQRT_2_OVER_PI * f.exp(bell + f.log_ndtr(a * z) - y)
    return (slope, -f.exp(bell * square - y) / (math.pi * square)), 1


SKEW = row("skewnorm_logcdf", _skew_mp, _skew, value=_skew_value)

# ------------------------------------------------------------------ angles in degrees, steps
composed("sindg", lambda ctx, x: ctx.sinpi(x / 180), lambda a: f.sinpi(a / 180))
composed("cosdg", lambda ctx, x: ctx.cospi(x / 180), lambda a: f.cospi(a / 180))
composed("tandg", lambda ctx, x: ctx.sinpi(x / 180) / ctx.cospi(x / 180),
    lambda a: f.sinpi(a / 180) / f.cospi(a / 180), domain="x != 90 + n 180", pole=True)
composed("cotdg", lambda ctx, x: ctx.cospi(x / 180) / ctx.sinpi(x / 180),
    lambda a: f.cospi(a / 180) / f.sinpi(a / 180), domain="x != n 180", pole=True)
composed("radian", lambda ctx, d, m, s: (d + m / 60 + s / 3600) * ctx.pi / 180,
    lambda d, m, s: (d + m / 60 + s / 3600) * DEGREE)
row("gammasgn", lambda ctx, x: ctx.sign(ctx.rgamma(x)),
    jumps=lambda x: (x <= 0) & (x == np.floor(x)), surface=f.sinpi,
    domain="x != 0, -1, -2, ... for derivatives")

# what is taken for a constant: the largest element that logsumexp subtracts, say
STILL = row("still", lambda ctx, x: x, value=lambda x: +x,
    jumps=lambda x: np.zeros(np.shape(x), dtype=bool), surface=f.cosh, code=lambda x: 1.0 * x)
