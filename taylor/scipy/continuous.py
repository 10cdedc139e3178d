"""The continuous distributions of scipy.stats: a line for each function of z = (x - loc)/scale."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from taylor.core import functions as fn
from taylor.numbers.kinds import is_operand
from taylor.scipy import special as sp
from taylor.scipy.distributions import INF, Continuous, Ends, Formula
from taylor.scipy.moments import GAUSS
from taylor.scipy.rows import SKEW, STILL

__all__ = [
    "alpha", "arcsine", "beta", "betaprime", "burr", "burr12", "cauchy", "chi", "chi2", "dgamma",
    "dweibull", "erlang", "expon", "exponnorm", "exponweib", "f", "fatiguelife", "fisk", "foldnorm",
    "gamma", "genextreme", "gengamma", "genlogistic",
    "gennorm", "genpareto", "gompertz", "gumbel_l", "gumbel_r", "halfcauchy", "halflogistic",
    "halfnorm", "hypsecant", "invgamma", "invgauss", "invweibull", "johnsonsb", "johnsonsu",
    "kappa3", "laplace", "laplace_asymmetric", "levy", "loggamma", "logistic", "lognorm",
    "loguniform", "lomax", "maxwell", "mielke", "moyal", "nakagami", "ncf", "nct", "ncx2", "norm",
    "pareto", "powerlaw", "rayleigh", "reciprocal", "rice", "semicircular", "skewcauchy",
    "skewnorm", "t", "triang", "truncexpon", "truncnorm", "uniform", "vonmises", "wald",
    "weibull_max", "weibull_min", "wrapcauchy",
]  # fmt: skip

REALS, HALF, UNIT = (-INF, INF), (0.0, INF), (0.0, 1.0)
OTHER = {"cdf": "sf", "logcdf": "logsf", "ppf": "isf"}  # the same of -z
OTHER |= {other: name for name, other in OTHER.items()}
LOG_PI, LOG_2PI, LOG2 = math.log(math.pi), math.log(2 * math.pi), math.log(2.0)


# ------------------------------------------------------------------ formulas of more than a line
def _invgauss_cdf(z: Any, mu: Any) -> Any:
    r = 1 / fn.sqrt(z)
    return sp.ndtr(r * (z / mu - 1)) + fn.exp(2 / mu + sp.log_ndtr(-r * (z / mu + 1)))


def _invgauss_sf(z: Any, mu: Any) -> Any:
    r = 1 / fn.sqrt(z)
    return sp.ndtr(-r * (z / mu - 1)) - fn.exp(2 / mu + sp.log_ndtr(-r * (z / mu + 1)))


def _f_logpdf(z: Any, m: Any, n: Any) -> Any:
    return (
        sp.xlogy(m / 2, m / n) + sp.xlogy(m / 2 - 1, z) - (m + n) / 2 * fn.log1p(m * z / n)
        - sp.betaln(m / 2, n / 2)
    )  # fmt: skip


def _t_logpdf(z: Any, v: Any) -> Any:
    return -sp.betaln(v / 2, 0.5) - 0.5 * fn.log(v) - (v + 1) / 2 * fn.log1p(z * z / v)


def _laplace_isf(q: Any) -> Any:
    low = np.where(q > 0.5, 0.5, q)
    return np.where(q > 0.5, fn.log(2 * (1 - np.where(q > 0.5, q, 0.5))), -fn.log(2 * low))


def power(z: Any, c: Any) -> Any:
    return fn.exp(c * fn.log(z))


def _normal(y: Any) -> Any:
    return -0.5 * (y * y) - 0.5 * LOG_2PI


def _mass(z: Any, a: Any, b: Any) -> Any:
    """Return (Φ(z) - Φ(a))/(Φ(b) - Φ(a)), of the tails in which a and b lie."""
    upper = a > 0
    first, at, last = (np.where(upper, -y, x) for x, y in ((a, b), (z, z), (b, a)))
    p, q = np.where(upper, at, first), np.where(upper, last, at)
    top = sp.log_ndtr(q) - sp.log_ndtr(last)
    return fn.exp(top) * _gap(p, q) / _gap(first, last)


def _gap(p: Any, q: Any) -> Any:
    """Return 1 - Φ(p)/Φ(q)."""
    return -fn.expm1(sp.log_ndtr(p) - sp.log_ndtr(q))


def _truncated(z: Any, a: Any, b: Any) -> Any:
    first, last = np.where(a > 0, -b, a), np.where(a > 0, -a, b)
    return _normal(z) - sp.log_ndtr(last) - fn.log(_gap(first, last))


def _truncnorm_ppf(q: Any, a: Any, b: Any) -> Any:
    # from the tail in which most is: Φ(a) + q (Φ(b) - Φ(a)), or for a > 0 the same from above
    upper = a > 0
    first, last = np.where(upper, -b, a), np.where(upper, -a, b)
    share = np.where(upper, 1 - q, q)
    part = sp.log_ndtr(last) + fn.log(_gap(first, last)) + fn.log(share)
    z = sp.ndtri_exp(fn.logaddexp(sp.log_ndtr(first), part))
    return np.where(upper, -z, z)


def _softlog(z: Any, c: Any) -> Any:
    """Return log(1 + z^c)."""
    return -sp.log_expit(-c * fn.log(z))


def through(
    base: Continuous,
    to: Formula,
    back: Formula,
    of: Formula = lambda *shapes: (),
    falls: bool = False,
) -> dict[str, Any]:
    """Return the functions of z where y = to(z, ...) has a distribution of the shapes of(...).

    y grows with z, or (if it `falls`) the other way; z = back(y, ...).
    """

    def through(name: str, f: Formula) -> Formula:
        if name in ("ppf", "isf"):
            return lambda q, *shapes: back(f(q, *of(*shapes)), *shapes)
        return lambda z, *shapes: f(to(z, *shapes), *of(*shapes))

    found = {name: through(name, f) for name, f in base.formulas.items() if name in OTHER}
    return {OTHER[name]: f for name, f in found.items()} if falls else found


def _halves(z: Any, positive: Formula, negative: Formula) -> Any:
    return np.where(z > 0, positive(np.where(z > 0, z, 1.0)), negative(np.where(z > 0, -1.0, z)))


def _mirrored(sf: Formula, isf: Formula) -> dict[str, Any]:
    """Return the functions of z where |z| has a distribution, and both signs are as probable."""

    def above(z: Any, *shapes: Any) -> Any:
        return _halves(
            z, lambda z: 0.5 * sf(z, *shapes), lambda z: 1 - 0.5 * sf(-z, *shapes)
        )  # fmt: skip

    def back(q: Any, *shapes: Any) -> Any:
        middle, low = False if is_operand(q) else q == 0.5, q < 0.5
        tail = np.where(middle, 0.25, np.where(low, q, 1 - q))
        far = isf(2 * tail, *shapes)
        return np.where(middle, 0.0, np.where(low, far, -far))[()]

    return dict(sf=above, cdf=lambda z, *s: above(-z, *s), isf=back, ppf=lambda q, *s: -back(q, *s))


def _cap(z: Any) -> Any:
    """Return the part of the unit disc beyond z."""
    half = fn.sqrt((1 - z) * (1 + z))
    return (fn.atan2(half, z) - z * half) / math.pi


def _tilted(q: Any, first: Any, low: Formula, high: Formula) -> Any:
    """Return the quantile low(q) below a probability, and high(q) above."""
    below = q < first
    half = 0.5 * first
    return np.where(below, low(np.where(below, q, half)), high(np.where(below, 0.5 + half, q)))


def _triang(z: Any, c: Any, rising: Formula, falling: Formula) -> Any:
    up = z < np.where(c < 1, c, 2.0)
    return np.where(up, rising(np.where(up, z, 0.5), np.where(up, c, 1.0)),
                    falling(np.where(up, 0.5, z), np.where(up, 0.0, c)))  # fmt: skip


def _gev(z: Any, c: Any) -> Any:
    """Return -log(1 - c z)/c, z for c = 0."""
    return z * fn.log1prel(-(c * z))


def _times(k: Any, y: Any) -> Any:
    """Return k y, also for k = 0 at y = inf: a density that is 1 up to the end."""
    return k * np.where(k * k > 0, y, np.where(y < INF, y, 0.0))


def _gev_quantile(y: Any, c: Any) -> Any:
    """Return (1 - exp(-c y))/c, y for c = 0."""
    return y * sp.exprel(-(c * y))


def _gev_ends(c: Any) -> Ends:
    low = np.where(c < 0, 1 / np.where(c < 0, c, -1.0), -INF)
    return low, np.where(c > 0, 1 / np.where(c > 0, c, 1.0), INF)


def _log_hyp0f1(b: Any, x: Any) -> Any:
    """Return log 0F1(; b; x), for large x by I_{b-1}(2√x) (DLMF 10.39.9)."""
    far = x > 1e4
    w = 2 * fn.sqrt(np.where(far, x, 1e4))
    bessel = fn.log(sp.ive(b - 1, w)) + w - (b - 1) * fn.log(w / 2) + sp.gammaln(b)
    return np.where(far, bessel, fn.log(sp.hyp0f1(b, np.where(far, 1.0, x))))


def _ncf(z: Any, m: Any, n: Any, nc: Any) -> Any:
    x = nc / 2 * m * z / (n + m * z)  # and 1F1 by Kummer's relation (DLMF 13.2.39)
    return _f_logpdf(z, m, n) - nc / 2 + x + fn.log(sp.hyp1f1(-n / 2, m / 2, -x))


def _nct(z: Any, v: Any, d: Any) -> Any:
    s = v + z * z
    x = 0.5 * (d * z) * (d * z) / s
    odd = (
        math.sqrt(2.0)
        * d
        * z
        / fn.sqrt(s)
        * fn.exp(sp.gammaln(v / 2 + 1) - sp.gammaln(v / 2 + 0.5))
    )
    total = odd * sp.hyp1f1(v / 2 + 1, 1.5, x) + sp.hyp1f1((v + 1) / 2, 0.5, x)
    return _t_logpdf(z, v) - 0.5 * (d * d) + fn.log(total)


def _vonmises_cdf(z: Any, k: Any) -> Any:
    """Return ½ + ∫₀ᶻ of the density, and one more for each turn, by Gauß' formula."""
    turns = np.rint(STILL(z) / (2 * math.pi))
    z = np.expand_dims(z - 2 * math.pi * turns, -1)
    angles = 0.5 * z * (GAUSS[0] + 1)
    density = fn.exp(-2 * np.expand_dims(k, -1) * fn.sin(0.5 * angles) ** 2) * GAUSS[1]
    part = 0.5 * z[..., 0] * np.sum(density, axis=-1)
    return turns + 0.5 + part / (2 * math.pi * sp.i0e(k))


# fmt: off
norm = Continuous("norm", "", REALS, logpdf=lambda z: -0.5 * (z * z) - 0.5 * LOG_2PI, cdf=sp.ndtr,
    sf=lambda z: sp.ndtr(-z), logcdf=sp.log_ndtr, logsf=lambda z: sp.log_ndtr(-z), ppf=sp.ndtri,
    isf=lambda q: -sp.ndtri(q))
halfnorm = Continuous("halfnorm", "", HALF, logpdf=lambda z: -0.5 * (z * z) + 0.5 * (LOG2 - LOG_PI),
    cdf=lambda z: sp.erf(z * math.sqrt(0.5)), sf=lambda z: sp.erfc(z * math.sqrt(0.5)),
    ppf=lambda q: sp.ndtri((1 + q) / 2), isf=lambda q: -sp.ndtri(q / 2))
lognorm = Continuous("lognorm", "s", HALF, open="low high",
    logpdf=lambda z, s: -fn.log(s * z) - 0.5 * (fn.log(z) / s) ** 2 - 0.5 * LOG_2PI,
    **through(norm, lambda z, s: fn.log(z) / s, lambda y, s: fn.exp(s * y)))
skewnorm = Continuous("skewnorm", "a", REALS, "a", "low high",
    logpdf=lambda z, a: LOG2 - 0.5 * (z * z) - 0.5 * LOG_2PI + sp.log_ndtr(a * z),
    cdf=lambda z, a: fn.exp(SKEW(z, a)), sf=lambda z, a: fn.exp(SKEW(-z, -a)), logcdf=SKEW,
    logsf=lambda z, a: SKEW(-z, -a))
expon = Continuous("expon", "", HALF, logpdf=lambda z: -z, cdf=lambda z: -fn.expm1(-z),
    sf=lambda z: fn.exp(-z), logsf=lambda z: -z, ppf=lambda q: -fn.log1p(-q),
    isf=lambda q: -fn.log(q))
gamma = Continuous("gamma", "a", HALF, logpdf=lambda z, a: sp.xlogy(a - 1, z) - z - sp.gammaln(a),
    cdf=lambda z, a: sp.gammainc(a, z), sf=lambda z, a: sp.gammaincc(a, z),
    ppf=lambda q, a: sp.gammaincinv(a, q), isf=lambda q, a: sp.gammainccinv(a, q))
erlang = Continuous("erlang", "a", HALF, open="high", logpdf=gamma.formulas["logpdf"],
    **through(gamma, lambda z, a: +z, lambda y, a: +y, lambda a: (a,)))
dgamma = Continuous("dgamma", "a", REALS, open="low high",
    logpdf=lambda z, a: sp.xlogy(a - 1, abs(z)) - abs(z) - sp.gammaln(a) - LOG2,
    **_mirrored(lambda z, a: sp.gammaincc(a, z), lambda q, a: sp.gammainccinv(a, q)))
gengamma = Continuous("gengamma", "a c", HALF,
    logpdf=lambda z, a, c: fn.log(c) + sp.xlogy(c * a - 1, z) - power(z, c) - sp.gammaln(a),
    **through(gamma, lambda z, a, c: power(z, c), lambda y, a, c: power(y, 1 / c),
        lambda a, c: (a,)))
invgamma = Continuous("invgamma", "a", HALF, open="low high",
    logpdf=lambda z, a: -(a + 1) * fn.log(z) - sp.gammaln(a) - 1 / z,
    **through(gamma, lambda z, a: 1 / z, lambda y, a: 1 / y, lambda a: (a,), falls=True))
invgauss = Continuous("invgauss", "mu", HALF, open="low high",
    logpdf=lambda z, mu: -0.5 * LOG_2PI - 1.5 * fn.log(z) - ((z - mu) / mu) ** 2 / (2 * z),
    cdf=_invgauss_cdf, sf=_invgauss_sf)
chi2 = Continuous("chi2", "df", HALF,
    logpdf=lambda z, v: sp.xlogy(v / 2 - 1, z) - z / 2 - sp.gammaln(v / 2) - LOG2 / 2 * v,
    cdf=lambda z, v: sp.chdtr(v, z), sf=lambda z, v: sp.chdtrc(v, z),
    ppf=lambda q, v: 2 * sp.gammaincinv(v / 2, q), isf=lambda q, v: sp.chdtri(v, q))
beta = Continuous("beta", "a b", UNIT,
    logpdf=lambda z, a, b: sp.xlog1py(b - 1, -z) + sp.xlogy(a - 1, z) - sp.betaln(a, b),
    cdf=lambda z, a, b: sp.betainc(a, b, z), sf=lambda z, a, b: sp.betaincc(a, b, z),
    ppf=lambda q, a, b: sp.betaincinv(a, b, q), isf=lambda q, a, b: sp.betainccinv(a, b, q))
t = Continuous("t", "df", REALS, logpdf=_t_logpdf, cdf=lambda z, v: sp.stdtr(v, z),
    sf=lambda z, v: sp.stdtr(v, -z), ppf=lambda q, v: sp.stdtrit(v, q),
    isf=lambda q, v: -sp.stdtrit(v, q))
f = Continuous("f", "dfn dfd", HALF, logpdf=_f_logpdf, cdf=lambda z, m, n: sp.fdtr(m, n, z),
    sf=lambda z, m, n: sp.fdtrc(m, n, z), ppf=lambda q, m, n: sp.fdtri(m, n, q))
weibull_min = Continuous("weibull_min", "c", HALF,
    logpdf=lambda z, c: fn.log(c) + sp.xlogy(c - 1, z) - power(z, c),
    **through(expon, power, lambda y, c: power(y, 1 / c)))
weibull_max = Continuous("weibull_max", "c", (-INF, 0.0),
    logpdf=lambda z, c: fn.log(c) + sp.xlogy(c - 1, -z) - power(-z, c),
    **through(expon, lambda z, c: power(-z, c), lambda y, c: -power(y, 1 / c), falls=True))
dweibull = Continuous("dweibull", "c", REALS, open="low high",
    logpdf=lambda z, c: fn.log(c) - LOG2 + sp.xlogy(c - 1, abs(z)) - power(abs(z), c),
    **_mirrored(lambda z, c: fn.exp(-power(z, c)), lambda q, c: power(-fn.log(q), 1 / c)))
gumbel_r = Continuous("gumbel_r", "", REALS, logpdf=lambda z: -z - fn.exp(-z),
    **through(expon, lambda z: fn.exp(-z), lambda y: -fn.log(y), falls=True))
gumbel_l = Continuous("gumbel_l", "", REALS, logpdf=lambda z: z - fn.exp(z),
    **through(expon, fn.exp, fn.log))
logistic = Continuous("logistic", "", REALS, open="low high",
    logpdf=lambda z: -sp.softplus(z) - sp.softplus(-z),
    cdf=sp.expit, sf=lambda z: sp.expit(-z), logcdf=sp.log_expit, logsf=lambda z: sp.log_expit(-z),
    ppf=sp.logit, isf=lambda q: -sp.logit(q))
fisk = Continuous("fisk", "c", HALF, open="high",
    logpdf=lambda z, c: fn.log(c) + sp.xlogy(c - 1, z) + 2 * sp.log_expit(-(c * fn.log(z))),
    **through(logistic, lambda z, c: c * fn.log(z), lambda y, c: fn.exp(y / c)))
laplace = Continuous("laplace", "", REALS,
    logpdf=lambda z: _halves(z, lambda z: -z, lambda z: +z) - LOG2,
    cdf=lambda z: _halves(z, lambda z: 1 - 0.5 * fn.exp(-z), lambda z: 0.5 * fn.exp(z)),
    sf=lambda z: _halves(z, lambda z: 0.5 * fn.exp(-z), lambda z: 1 - 0.5 * fn.exp(z)),
    ppf=lambda q: -_laplace_isf(q), isf=lambda q: _laplace_isf(q))
cauchy = Continuous("cauchy", "", REALS, logpdf=lambda z: -LOG_PI - fn.log1p(z * z),
    cdf=lambda z: fn.atan2(1.0, -z) / math.pi, sf=lambda z: fn.atan2(1.0, z) / math.pi,
    ppf=lambda q: -fn.cospi(q) / fn.sinpi(q), isf=lambda q: fn.cospi(q) / fn.sinpi(q))
uniform = Continuous("uniform", "", UNIT, logpdf=lambda z: 0 * z, cdf=lambda z: +z,
    sf=lambda z: 1 - z, ppf=lambda q: +q)
pareto = Continuous("pareto", "b", (1.0, INF), logpdf=lambda z, b: fn.log(b) - (b + 1) * fn.log(z),
    **through(expon, lambda z, b: b * fn.log(z), lambda y, b: fn.exp(y / b)))
rayleigh = Continuous("rayleigh", "", HALF, open="high", logpdf=lambda z: fn.log(z) - 0.5 * (z * z),
    **through(expon, lambda z: 0.5 * (z * z), lambda y: fn.sqrt(2 * y)))

# ------------------------------------------------------------------ of extremes, of lifetimes
genextreme = Continuous("genextreme", "c", _gev_ends, "c", "low",
    logpdf=lambda z, c: _times(c - 1, _gev(z, c)) - fn.exp(-_gev(z, c)),
    **through(expon, lambda z, c: fn.exp(-_gev(z, c)), lambda y, c: _gev_quantile(-fn.log(y), c),
        falls=True))
genpareto = Continuous("genpareto", "c", lambda c: (0.0, _gev_ends(-c)[1]), "c",
    logpdf=lambda z, c: _times(-(1 + c), _gev(z, -c)),
    **through(expon, lambda z, c: _gev(z, -c), lambda y, c: _gev_quantile(y, -c)))
lomax = Continuous("lomax", "c", HALF, logpdf=lambda z, c: fn.log(c) - (c + 1) * fn.log1p(z),
    **through(expon, lambda z, c: c * fn.log1p(z), lambda y, c: fn.expm1(y / c)))
invweibull = Continuous("invweibull", "c", HALF, open="low high",
    logpdf=lambda z, c: fn.log(c) - (c + 1) * fn.log(z) - power(z, -c),
    **through(expon, lambda z, c: power(z, -c), lambda y, c: power(y, -1 / c), falls=True))
exponweib = Continuous("exponweib", "a c", HALF, open="high",
    logpdf=lambda z, a, c: fn.log(a * c) + sp.xlogy(a - 1, -fn.expm1(-power(z, c)))
    + sp.xlogy(c - 1, z) - power(z, c),
    cdf=lambda z, a, c: power(-fn.expm1(-power(z, c)), a),
    sf=lambda z, a, c: -fn.expm1(a * fn.log1p(-fn.exp(-power(z, c)))),
    ppf=lambda q, a, c: power(-fn.log1p(-power(q, 1 / a)), 1 / c),
    isf=lambda q, a, c: power(-fn.log(-fn.expm1(fn.log1p(-q) / a)), 1 / c))
gompertz = Continuous("gompertz", "c", HALF, open="high",
    logpdf=lambda z, c: fn.log(c) + z - c * fn.expm1(z),
    **through(expon, lambda z, c: c * fn.expm1(z), lambda y, c: fn.log1p(y / c)))
fatiguelife = Continuous("fatiguelife", "c", HALF, open="low high",
    logpdf=lambda z, c: fn.log((z + 1) / (2 * c)) - 1.5 * fn.log(z)
    + _normal((z - 1) / (c * fn.sqrt(z))),
    **through(norm, lambda z, c: (z - 1) / (c * fn.sqrt(z)),
        lambda y, c: fn.exp(2 * fn.asinh(0.5 * c * y))))
burr = Continuous("burr", "c d", HALF, open="high",
    logpdf=lambda z, c, d: fn.log(c * d) + sp.xlogy(c * d - 1, z)
    - (d + 1) * _softlog(z, c),
    **through(expon, lambda z, c, d: -d * sp.log_expit(c * fn.log(z)),
        lambda y, c, d: power(fn.expm1(y / d), -1 / c), falls=True))
burr12 = Continuous("burr12", "c d", HALF, open="high",
    logpdf=lambda z, c, d: fn.log(c * d) + sp.xlogy(c - 1, z)
    - (d + 1) * _softlog(z, c),
    **through(expon, lambda z, c, d: d * _softlog(z, c),
        lambda y, c, d: power(fn.expm1(y / d), 1 / c)))
mielke = Continuous("mielke", "k s", HALF, open="high",
    logpdf=lambda z, k, s: fn.log(k) + sp.xlogy(k - 1, z) - (1 + k / s) * _softlog(z, s),
    **through(expon, lambda z, k, s: -k / s * sp.log_expit(s * fn.log(z)),
        lambda y, k, s: power(fn.expm1(y * s / k), -1 / s), falls=True))
kappa3 = Continuous("kappa3", "a", HALF, open="high",
    logpdf=lambda z, a: fn.log(a) - (1 + 1 / a) * fn.log(a + power(z, a)),
    cdf=lambda z, a: z * power(a + power(z, a), -1 / a),
    sf=lambda z, a: -fn.expm1(-fn.log1p(a * power(z, -a)) / a),
    logcdf=lambda z, a: -fn.log1p(a * power(z, -a)) / a,
    ppf=lambda q, a: power(fn.expm1(-a * fn.log(q)) / a, -1 / a),
    isf=lambda q, a: power(fn.expm1(-a * fn.log1p(-q)) / a, -1 / a))

# ------------------------------------------------------------------ from the normal distribution
truncnorm = Continuous("truncnorm", "a b", lambda a, b: (a, b), "a b", valid=lambda a, b: a < b,
    logpdf=_truncated, cdf=_mass, sf=lambda z, a, b: _mass(-z, -b, -a), ppf=_truncnorm_ppf,
    isf=lambda q, a, b: -_truncnorm_ppf(q, -b, -a))
maxwell = Continuous("maxwell", "", HALF, open="high",
    logpdf=lambda z: 0.5 * (LOG2 - LOG_PI) + 2 * fn.log(z) - 0.5 * (z * z),
    **through(gamma, lambda z: 0.5 * (z * z), lambda y: fn.sqrt(2 * y), lambda: (1.5,)))
chi = Continuous("chi", "df", HALF, open="high",
    logpdf=lambda z, v: LOG2 - LOG2 / 2 * v - sp.gammaln(v / 2) + sp.xlogy(v - 1, z)
    - 0.5 * (z * z),
    **through(gamma, lambda z, v: 0.5 * (z * z), lambda y, v: fn.sqrt(2 * y), lambda v: (v / 2,)))
nakagami = Continuous("nakagami", "nu", HALF, open="high",
    logpdf=lambda z, v: LOG2 + sp.xlogy(v, v) - sp.gammaln(v) + sp.xlogy(2 * v - 1, z)
    - v * (z * z),
    **through(gamma, lambda z, v: v * (z * z), lambda y, v: fn.sqrt(y / v), lambda v: (v,)))
rice = Continuous("rice", "b", HALF, "b", "high", lambda b: b >= 0,
    logpdf=lambda z, b: fn.log(z) - 0.5 * ((z - b) * (z - b)) + fn.log(sp.i0e(z * b)),
    cdf=lambda z, b: sp.chndtr(z * z, 2.0, b * b),
    ppf=lambda q, b: fn.sqrt(sp.chndtrix(q, 2.0, b * b)))
johnsonsu = Continuous("johnsonsu", "a b", REALS, "a",
    logpdf=lambda z, a, b: fn.log(b) - 0.5 * fn.log1p(z * z) + _normal(a + b * fn.asinh(z)),
    **through(norm, lambda z, a, b: a + b * fn.asinh(z), lambda y, a, b: fn.sinh((y - a) / b)))
johnsonsb = Continuous("johnsonsb", "a b", UNIT, "a", "low high",
    logpdf=lambda z, a, b: fn.log(b) - fn.log(z) - fn.log1p(-z) + _normal(a + b * sp.logit(z)),
    **through(norm, lambda z, a, b: a + b * sp.logit(z), lambda y, a, b: sp.expit((y - a) / b)))
foldnorm = Continuous("foldnorm", "c", HALF, "c", valid=lambda c: c >= 0,
    logpdf=lambda z, c: _normal(z - c) + fn.log1p(fn.exp(-2 * c * z)),
    cdf=lambda z, c: sp.ndtr(z - c) - sp.ndtr(-z - c),
    sf=lambda z, c: sp.ndtr(c - z) + sp.ndtr(-z - c))
alpha = Continuous("alpha", "a", HALF, open="low high",
    logpdf=lambda z, a: _normal(a - 1 / z) - 2 * fn.log(z) - sp.log_ndtr(a),
    cdf=lambda z, a: fn.exp(sp.log_ndtr(a - 1 / z) - sp.log_ndtr(a)),
    sf=lambda z, a: (sp.ndtr(1 / z - a) - sp.ndtr(-a)) / sp.ndtr(a),
    ppf=lambda q, a: 1 / (a - sp.ndtri(q * sp.ndtr(a))))
exponnorm = Continuous("exponnorm", "K", REALS, open="low high",
    logpdf=lambda z, k: (0.5 / k - z) / k + sp.log_ndtr(z - 1 / k) - fn.log(k),
    cdf=lambda z, k: sp.ndtr(z) - fn.exp((0.5 / k - z) / k + sp.log_ndtr(z - 1 / k)),
    sf=lambda z, k: sp.ndtr(-z) + fn.exp((0.5 / k - z) / k + sp.log_ndtr(z - 1 / k)))
levy = Continuous("levy", "", HALF, open="low high",
    logpdf=lambda z: -0.5 * LOG_2PI - 1.5 * fn.log(z) - 0.5 / z,
    cdf=lambda z: sp.erfc(fn.sqrt(0.5 / z)), sf=lambda z: sp.erf(fn.sqrt(0.5 / z)),
    ppf=lambda q: 1 / sp.ndtri(q / 2) ** 2, isf=lambda q: 0.5 / sp.erfinv(q) ** 2)
moyal = Continuous("moyal", "", REALS, open="low high",
    logpdf=lambda z: -0.5 * (z + fn.exp(-z)) - 0.5 * LOG_2PI,
    cdf=lambda z: sp.erfc(math.sqrt(0.5) * fn.exp(-0.5 * z)),
    sf=lambda z: sp.erf(math.sqrt(0.5) * fn.exp(-0.5 * z)),
    ppf=lambda q: -fn.log(2 * sp.erfcinv(q) ** 2), isf=lambda q: -fn.log(2 * sp.erfinv(q) ** 2))
wald = Continuous("wald", "", HALF, open="low high",
    logpdf=lambda z: invgauss.formulas["logpdf"](z, 1.0), cdf=lambda z: _invgauss_cdf(z, 1.0),
    sf=lambda z: _invgauss_sf(z, 1.0))
ncx2 = Continuous("ncx2", "df nc", HALF, "nc", "high", valid=lambda v, nc: nc >= 0,
    logpdf=lambda z, v, nc: chi2.formulas["logpdf"](z, v) - nc / 2
    + _log_hyp0f1(v / 2, nc * z / 4),
    cdf=lambda z, v, nc: sp.chndtr(z, v, nc), ppf=lambda q, v, nc: sp.chndtrix(q, v, nc))
ncf = Continuous("ncf", "dfn dfd nc", HALF, "nc", "high", lambda m, n, nc: nc >= 0, logpdf=_ncf,
    cdf=lambda z, m, n, nc: sp.ncfdtr(m, n, nc, z),
    ppf=lambda q, m, n, nc: sp.ncfdtri(m, n, nc, q))
nct = Continuous("nct", "df nc", REALS, "nc", "low high", logpdf=_nct,
    cdf=lambda z, v, d: sp.nctdtr(v, d, z), ppf=lambda q, v, d: sp.nctdtrit(v, d, q))

# ------------------------------------------------------------------ others on the line
vonmises = Continuous("vonmises", "kappa", REALS, "kappa", valid=lambda k: k >= 0,
    logpdf=lambda z, k: -2 * k * fn.sin(0.5 * z) ** 2 - LOG_2PI - fn.log(sp.i0e(k)),
    cdf=_vonmises_cdf)
loggamma = Continuous("loggamma", "c", REALS, open="high",
    logpdf=lambda z, c: c * z - fn.exp(z) - sp.gammaln(c),
    **through(gamma, lambda z, c: fn.exp(z), lambda y, c: fn.log(y), lambda c: (c,)))
genlogistic = Continuous("genlogistic", "c", REALS, open="low high",
    logpdf=lambda z, c: fn.log(c) + c * sp.log_expit(z) + sp.log_expit(-z),
    **through(expon, lambda z, c: -c * sp.log_expit(z), lambda y, c: -fn.log(fn.expm1(y / c)),
        falls=True))
hypsecant = Continuous("hypsecant", "", REALS, open="low high",
    logpdf=lambda z: LOG2 - LOG_PI - fn.logaddexp(z, -z),
    cdf=lambda z: 2 / math.pi * fn.atan(fn.exp(z)), sf=lambda z: 2 / math.pi * fn.atan(fn.exp(-z)),
    ppf=lambda q: fn.log(fn.sinpi(q / 2) / fn.cospi(q / 2)),
    isf=lambda q: -fn.log(fn.sinpi(q / 2) / fn.cospi(q / 2)))
gennorm = Continuous("gennorm", "beta", REALS,
    logpdf=lambda z, b: fn.log(b / 2) - sp.gammaln(1 / b) - power(abs(z), b),
    **_mirrored(lambda z, b: sp.gammaincc(1 / b, power(z, b)),
        lambda q, b: power(sp.gammainccinv(1 / b, q), 1 / b)))
laplace_asymmetric = Continuous("laplace_asymmetric", "kappa", REALS,
    logpdf=lambda z, k: _halves(z, lambda z: -k * z, lambda z: z / k) - fn.log(k + 1 / k),
    cdf=lambda z, k: _halves(z, lambda z: 1 - fn.exp(-k * z) / (1 + k * k),
        lambda z: fn.exp(z / k) * (k * k / (1 + k * k))),
    sf=lambda z, k: _halves(z, lambda z: fn.exp(-k * z) / (1 + k * k),
        lambda z: 1 - fn.exp(z / k) * (k * k / (1 + k * k))),
    ppf=lambda q, k: _tilted(q, k * k / (1 + k * k), lambda q: k * fn.log(q * (1 + 1 / (k * k))),
        lambda q: -fn.log((1 - q) * (1 + k * k)) / k),
    isf=lambda q, k: _tilted(q, 1 / (1 + k * k), lambda q: -fn.log(q * (1 + k * k)) / k,
        lambda q: k * fn.log((1 - q) * (1 + 1 / (k * k)))))
skewcauchy = Continuous("skewcauchy", "a", REALS, "a", valid=lambda a: a * a < 1,
    logpdf=lambda z, a: -LOG_PI - _halves(z, lambda z: fn.log1p((z / (1 + a)) ** 2),
        lambda z: fn.log1p((z / (1 - a)) ** 2)),
    cdf=lambda z, a: _halves(z, lambda z: 1 - (1 + a) / math.pi * fn.atan2(1 + a, z),
        lambda z: (1 - a) / math.pi * fn.atan2(1 - a, -z)),
    sf=lambda z, a: _halves(z, lambda z: (1 + a) / math.pi * fn.atan2(1 + a, z),
        lambda z: 1 - (1 - a) / math.pi * fn.atan2(1 - a, -z)),
    ppf=lambda q, a: _tilted(q, (1 - a) / 2,
        lambda q: -(1 - a) * fn.cospi(q / (1 - a)) / fn.sinpi(q / (1 - a)),
        lambda q: (1 + a) * fn.cospi((1 - q) / (1 + a)) / fn.sinpi((1 - q) / (1 + a))))

# ------------------------------------------------------------------ others on the half line
halfcauchy = Continuous("halfcauchy", "", HALF, logpdf=lambda z: LOG2 - LOG_PI - fn.log1p(z * z),
    cdf=lambda z: 2 / math.pi * fn.atan(z), sf=lambda z: 2 / math.pi * fn.atan2(1.0, z),
    ppf=lambda q: fn.sinpi(q / 2) / fn.cospi(q / 2),
    isf=lambda q: fn.cospi(q / 2) / fn.sinpi(q / 2))
halflogistic = Continuous("halflogistic", "", HALF,
    logpdf=lambda z: LOG2 - z - 2 * fn.log1p(fn.exp(-z)), cdf=lambda z: fn.tanh(0.5 * z),
    sf=lambda z: 2 * sp.expit(-z), logsf=lambda z: LOG2 + sp.log_expit(-z),
    ppf=lambda q: 2 * fn.atanh(q), isf=lambda q: -sp.logit(q / 2))
betaprime = Continuous("betaprime", "a b", HALF, open="high",
    logpdf=lambda z, a, b: sp.xlogy(a - 1, z) - sp.xlog1py(a + b, z) - sp.betaln(a, b),
    cdf=lambda z, a, b: sp.betainc(a, b, z / (1 + z)),
    sf=lambda z, a, b: sp.betainc(b, a, 1 / (1 + z)),
    ppf=lambda q, a, b: sp.betaincinv(a, b, q) / sp.betainccinv(b, a, q),
    isf=lambda q, a, b: sp.betainccinv(a, b, q) / sp.betaincinv(b, a, q))

# ------------------------------------------------------------------ on an interval
powerlaw = Continuous("powerlaw", "a", UNIT, logpdf=lambda z, a: fn.log(a) + sp.xlogy(a - 1, z),
    **through(expon, lambda z, a: -a * fn.log(z), lambda y, a: fn.exp(-y / a), falls=True))
arcsine = Continuous("arcsine", "", UNIT,
    logpdf=lambda z: -LOG_PI - 0.5 * (fn.log(z) + fn.log1p(-z)),
    cdf=lambda z: 2 / math.pi * fn.atan2(fn.sqrt(z), fn.sqrt(1 - z)),
    sf=lambda z: 2 / math.pi * fn.atan2(fn.sqrt(1 - z), fn.sqrt(z)),
    ppf=lambda q: fn.sinpi(q / 2) ** 2, isf=lambda q: fn.cospi(q / 2) ** 2)
semicircular = Continuous("semicircular", "", (-1.0, 1.0),
    logpdf=lambda z: LOG2 - LOG_PI + 0.5 * (fn.log1p(-z) + fn.log1p(z)),
    cdf=lambda z: _cap(-z), sf=lambda z: _cap(z))
triang = Continuous("triang", "c", UNIT, "c", valid=lambda c: c * (1 - c) >= 0, turn=lambda c: c,
    logpdf=lambda z, c: LOG2 + _triang(z, c, lambda z, c: fn.log(z / c),
        lambda z, c: fn.log((1 - z) / (1 - c))),
    cdf=lambda z, c: _triang(z, c, lambda z, c: z * z / c,
        lambda z, c: 1 - (1 - z) ** 2 / (1 - c)),
    sf=lambda z, c: _triang(z, c, lambda z, c: 1 - z * z / c,
        lambda z, c: (1 - z) ** 2 / (1 - c)),
    ppf=lambda q, c: _triang(q, c, lambda q, c: fn.sqrt(c * q),
        lambda q, c: 1 - fn.sqrt((1 - c) * (1 - q))))
truncexpon = Continuous("truncexpon", "b", lambda b: (0.0, b),
    logpdf=lambda z, b: -z - fn.log(-fn.expm1(-b)), cdf=lambda z, b: fn.expm1(-z) / fn.expm1(-b),
    sf=lambda z, b: fn.exp(-z) * fn.expm1(z - b) / fn.expm1(-b),
    ppf=lambda q, b: -fn.log1p(q * fn.expm1(-b)))
loguniform, reciprocal = (Continuous(name, "a b", lambda a, b: (a, b), valid=lambda a, b: a < b,
    logpdf=lambda z, a, b: -fn.log(z) - fn.log(fn.log(b / a)),
    cdf=lambda z, a, b: fn.log(z / a) / fn.log(b / a),
    sf=lambda z, a, b: fn.log(b / z) / fn.log(b / a),
    ppf=lambda q, a, b: a * fn.exp(q * fn.log(b / a))) for name in ("loguniform", "reciprocal"))
wrapcauchy = Continuous("wrapcauchy", "c", (0.0, 2 * math.pi), valid=lambda c: c < 1,
    logpdf=lambda z, c: fn.log1p(-c) + fn.log1p(c) - LOG_2PI
    - fn.log((1 - c) ** 2 + 4 * c * fn.sin(0.5 * z) ** 2),
    cdf=lambda z, c: fn.atan2((1 + c) * fn.sin(0.5 * z), (1 - c) * fn.cos(0.5 * z)) / math.pi,
    sf=lambda z, c: fn.atan2((1 + c) * fn.sin(0.5 * z), (c - 1) * fn.cos(0.5 * z)) / math.pi,
    ppf=lambda q, c: 2 * fn.atan2((1 - c) * fn.sinpi(q), (1 + c) * fn.cospi(q)))
# fmt: on
CONTINUOUS = [d for d in list(globals().values()) if isinstance(d, Continuous)]
