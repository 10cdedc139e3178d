"""The less common continuous distributions of scipy.stats: a line for each function of z."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from taylor.core import functions as fn
from taylor.scipy import special as sp
from taylor.scipy.continuous import (
    HALF,
    LOG2,
    LOG_2PI,
    LOG_PI,
    REALS,
    UNIT,
    beta,
    expon,
    gamma,
    invgauss,
    laplace,
    levy,
    norm,
    power,
    through,
)  # fmt: skip
from taylor.scipy.distributions import Continuous

__all__ = [
    "anglit", "argus", "bradford", "cosine", "crystalball", "exponpow", "foldcauchy", "genexpon",
    "genhalflogistic", "genhyperbolic", "geninvgauss", "gibrat", "halfgennorm", "jf_skew_t",
    "levy_l", "loglaplace", "norminvgauss", "powerlognorm", "powernorm", "rdist", "recipinvgauss",
    "truncpareto", "truncweibull_min",
]  # fmt: skip


def _hazard(z: Any, a: Any, b: Any, c: Any) -> Any:
    return (a + b) * z + b / c * fn.expm1(-c * z)


def _fading(z: Any, c: Any) -> Any:
    """Return (1 - c z)^(1/c)."""
    return fn.exp(fn.log1p(-c * z) / c)


def _argus_logpdf(z: Any, chi: Any) -> Any:
    whole = sp.gammainc(1.5, chi * chi / 2) / 2
    inner = fn.log(z) + 0.5 * fn.log1p(-z * z) - chi * chi * (1 - z * z) / 2
    return 3 * fn.log(chi) - 0.5 * LOG_2PI - fn.log(whole) + inner


def _argus_sf(z: Any, chi: Any) -> Any:
    half = chi * chi / 2
    return sp.gammainc(1.5, half * (1 - z * z)) / sp.gammainc(1.5, half)


def _argus_isf(q: Any, chi: Any) -> Any:
    half = chi * chi / 2
    return fn.sqrt(1 - sp.gammaincinv(1.5, q * sp.gammainc(1.5, half)) / half)


def _ball_tail(b: Any, m: Any) -> Any:
    return m / b / (m - 1) * fn.exp(-b * b / 2)


def _ball_whole(b: Any, m: Any) -> Any:
    return _ball_tail(b, m) + math.sqrt(2 * math.pi) * sp.ndtr(b)


def _ball_far(z: Any, b: Any, m: Any) -> Any:
    """Return log((m/b)/(m/b - b - z)), of z below -b."""
    return -fn.log1p(-(b * (b + np.where(z > -b, -b, z))) / m)


def _ball_logpdf(z: Any, b: Any, m: Any) -> Any:
    tail = m * _ball_far(z, b, m) - b * b / 2
    return np.where(z > -b, -0.5 * z * z, tail) - fn.log(_ball_whole(b, m))


def _ball_cdf(z: Any, b: Any, m: Any) -> Any:
    tail = _ball_tail(b, m) * fn.exp((m - 1) * _ball_far(z, b, m))
    bell = math.sqrt(2 * math.pi) * (sp.ndtr(np.where(z > -b, z, -b)) - sp.ndtr(-b))
    return (tail + bell) / _ball_whole(b, m)


def _norminvgauss(z: Any, a: Any, b: Any) -> Any:
    r = fn.sqrt(1 + z * z)
    known = fn.log(a) + fn.log(sp.kve(1.0, a * r)) - LOG_PI - fn.log(r)
    return known + fn.sqrt((a - b) * (a + b)) + b * z - a * r


def _hyperbolic(z: Any, p: Any, a: Any, b: Any) -> Any:
    r, square = fn.sqrt(1 + z * z), (a - b) * (a + b)
    g = fn.sqrt(square)
    whole = p / 2 * fn.log(square) - (p - 0.5) * fn.log(a) - fn.log(sp.kve(p, g)) + g
    inner = fn.log(sp.kve(p - 0.5, a * r)) - a * r + b * z + (p - 0.5) * fn.log(r)
    return whole - 0.5 * LOG_2PI + inner


def _skew_t_share(z: Any, a: Any, b: Any) -> Any:
    return 0.5 * (1 + z / fn.sqrt(a + b + z * z))


def _skew_t_logpdf(z: Any, a: Any, b: Any) -> Any:
    w = z / fn.sqrt(a + b + z * z)
    whole = (a + b - 1) * LOG2 + sp.betaln(a, b) + 0.5 * fn.log(a + b)
    return (a + 0.5) * fn.log1p(w) + (b + 0.5) * fn.log1p(-w) - whole


def _skew_t_ppf(q: Any, a: Any, b: Any) -> Any:
    y = sp.betaincinv(a, b, q)
    return (2 * y - 1) * fn.sqrt(a + b) / (2 * fn.sqrt(y * (1 - y)))


def _weibull_gap(low: Any, high: Any, c: Any) -> Any:
    """Return the probability between two places over exp(-low^c)."""
    return -fn.expm1(power(low, c) - power(high, c))


# fmt: off
gibrat = Continuous("gibrat", "", HALF, open="low high",
    logpdf=lambda z: -fn.log(z) - 0.5 * fn.log(z) ** 2 - 0.5 * LOG_2PI,
    **through(norm, lambda z: fn.log(z), lambda y: fn.exp(y)))
anglit = Continuous("anglit", "", (-math.pi / 4, math.pi / 4),
    logpdf=lambda z: fn.log(fn.cos(2 * z)), cdf=lambda z: fn.sin(z + math.pi / 4) ** 2,
    sf=lambda z: fn.cos(z + math.pi / 4) ** 2,
    ppf=lambda q: fn.asin(fn.sqrt(q)) - math.pi / 4)
argus = Continuous("argus", "chi", UNIT, open="low high", logpdf=_argus_logpdf, sf=_argus_sf,
    isf=_argus_isf, ppf=lambda q, chi: _argus_isf(1 - q, chi))
bradford = Continuous("bradford", "c", UNIT,
    logpdf=lambda z, c: fn.log(c) - fn.log(fn.log1p(c)) - fn.log1p(c * z),
    cdf=lambda z, c: fn.log1p(c * z) / fn.log1p(c),
    ppf=lambda q, c: fn.expm1(q * fn.log1p(c)) / c)
cosine = Continuous("cosine", "", (-math.pi, math.pi), open="low high",
    logpdf=lambda z: fn.log(fn.cos(0.5 * z) ** 2 / math.pi),
    cdf=lambda z: (math.pi + z + fn.sin(z)) / (2 * math.pi),
    sf=lambda z: (math.pi - z - fn.sin(z)) / (2 * math.pi))
crystalball = Continuous("crystalball", "beta m", REALS, open="low high",
    valid=lambda b, m: m > 1, turn=lambda b, m: -b, logpdf=_ball_logpdf, cdf=_ball_cdf)
exponpow = Continuous("exponpow", "b", HALF, open="high",
    logpdf=lambda z, b: 1 + fn.log(b) + sp.xlogy(b - 1, z) + power(z, b) - fn.exp(power(z, b)),
    **through(expon, lambda z, b: fn.expm1(power(z, b)), lambda y, b: power(fn.log1p(y), 1 / b)))
foldcauchy = Continuous("foldcauchy", "c", HALF, "c", "high", lambda c: c >= 0,
    logpdf=lambda z, c: fn.log(1 / (1 + (z - c) ** 2) + 1 / (1 + (z + c) ** 2)) - LOG_PI,
    cdf=lambda z, c: (fn.atan(z - c) + fn.atan(z + c)) / math.pi,
    sf=lambda z, c: (fn.atan2(1.0, z - c) + fn.atan2(1.0, z + c)) / math.pi)
genexpon = Continuous("genexpon", "a b c", HALF, open="high",
    logpdf=lambda z, a, b, c: fn.log(a - b * fn.expm1(-c * z)) - _hazard(z, a, b, c),
    cdf=lambda z, a, b, c: -fn.expm1(-_hazard(z, a, b, c)),
    sf=lambda z, a, b, c: fn.exp(-_hazard(z, a, b, c)),
    logsf=lambda z, a, b, c: -_hazard(z, a, b, c))
genhalflogistic = Continuous("genhalflogistic", "c", lambda c: (0.0, 1 / c), open="high",
    logpdf=lambda z, c: LOG2 + (1 / c - 1) * fn.log1p(-c * z) - 2 * fn.log1p(_fading(z, c)),
    cdf=lambda z, c: (1 - _fading(z, c)) / (1 + _fading(z, c)),
    sf=lambda z, c: 2 * _fading(z, c) / (1 + _fading(z, c)),
    ppf=lambda q, c: -fn.expm1(c * (fn.log1p(-q) - fn.log1p(q))) / c)
genhyperbolic = Continuous("genhyperbolic", "p a b", REALS, "p b", "low high",
    lambda p, a, b: abs(b) < a, logpdf=_hyperbolic)
geninvgauss = Continuous("geninvgauss", "p b", HALF, "p", "low high",
    logpdf=lambda z, p, b: (p - 1) * fn.log(z) - 0.5 * b * (z + 1 / z) - LOG2
    - fn.log(sp.kve(p, b)) + b)
halfgennorm = Continuous("halfgennorm", "beta", HALF, open="high",
    logpdf=lambda z, b: fn.log(b) - sp.gammaln(1 / b) - power(z, b),
    **through(gamma, lambda z, b: power(z, b), lambda y, b: power(y, 1 / b), lambda b: (1 / b,)))
jf_skew_t = Continuous("jf_skew_t", "a b", REALS, open="low high", logpdf=_skew_t_logpdf,
    cdf=lambda z, a, b: sp.betainc(a, b, _skew_t_share(z, a, b)),
    sf=lambda z, a, b: sp.betainc(b, a, _skew_t_share(-z, b, a)), ppf=_skew_t_ppf)
levy_l = Continuous("levy_l", "", (-math.inf, 0.0), open="low high",
    logpdf=lambda z: levy.formulas["logpdf"](-z),
    **through(levy, lambda z: -z, lambda y: -y, falls=True))
loglaplace = Continuous("loglaplace", "c", HALF, open="low high", turn=lambda c: 1.0,
    logpdf=lambda z, c: fn.log(c) + laplace.formulas["logpdf"](c * fn.log(z)) - fn.log(z),
    **through(laplace, lambda z, c: c * fn.log(z), lambda y, c: fn.exp(y / c)))
norminvgauss = Continuous("norminvgauss", "a b", REALS, "b", "low high", lambda a, b: abs(b) < a,
    logpdf=_norminvgauss)
powerlognorm = Continuous("powerlognorm", "c s", HALF, open="low high",
    logpdf=lambda z, c, s: fn.log(c / s) - fn.log(z) - 0.5 * (fn.log(z) / s) ** 2 - 0.5 * LOG_2PI
    + (c - 1) * sp.log_ndtr(-fn.log(z) / s),
    **through(expon, lambda z, c, s: -c * sp.log_ndtr(-fn.log(z) / s),
        lambda y, c, s: fn.exp(-s * sp.ndtri_exp(-y / c))))
powernorm = Continuous("powernorm", "c", REALS, open="low high",
    logpdf=lambda z, c: fn.log(c) - 0.5 * z * z - 0.5 * LOG_2PI + (c - 1) * sp.log_ndtr(-z),
    **through(expon, lambda z, c: -c * sp.log_ndtr(-z), lambda y, c: -sp.ndtri_exp(-y / c)))
rdist = Continuous("rdist", "c", (-1.0, 1.0),
    logpdf=lambda z, c: -LOG2 + beta.formulas["logpdf"](0.5 * (z + 1), c / 2, c / 2),
    **through(beta, lambda z, c: 0.5 * (z + 1), lambda y, c: 2 * y - 1, lambda c: (c / 2, c / 2)))
recipinvgauss = Continuous("recipinvgauss", "mu", HALF, open="low high",
    logpdf=lambda z, mu: invgauss.formulas["logpdf"](1 / z, mu) - 2 * fn.log(z),
    **through(invgauss, lambda z, mu: 1 / z, lambda y, mu: 1 / y, lambda mu: (mu,), falls=True))
truncpareto = Continuous("truncpareto", "b c", lambda b, c: (1.0, c), "b",
    valid=lambda b, c: (c > 1) & (b * b > 0),
    logpdf=lambda z, b, c: fn.log(b / -fn.expm1(-b * fn.log(c))) - (b + 1) * fn.log(z),
    cdf=lambda z, b, c: fn.expm1(-b * fn.log(z)) / fn.expm1(-b * fn.log(c)),
    ppf=lambda q, b, c: fn.exp(-fn.log1p(q * fn.expm1(-b * fn.log(c))) / b))
truncweibull_min = Continuous("truncweibull_min", "c a b", lambda c, a, b: (a, b), "a",
    valid=lambda c, a, b: (a >= 0) & (b > a),
    logpdf=lambda z, c, a, b: fn.log(c) + sp.xlogy(c - 1, z) - power(z, c) + power(a, c)
    - fn.log(_weibull_gap(a, b, c)),
    cdf=lambda z, c, a, b: _weibull_gap(a, z, c) / _weibull_gap(a, b, c),
    ppf=lambda q, c, a, b: power(power(a, c) - fn.log1p(-q * _weibull_gap(a, b, c)), 1 / c))
# fmt: on
UNCOMMON = [globals()[name] for name in __all__]
