"""Means, variances and entropies of the distributions of scipy.stats, with loc 0 and scale 1.

N. L. Johnson, S. Kotz, N. Balakrishnan, Continuous Univariate Distributions; N. L. Johnson, A. W.
Kemp, S. Kotz, Univariate Discrete Distributions.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.special

from taylor.core import functions as fn
from taylor.scipy import special as sp

Formula = Callable[..., Any]
EULER, INF = 0.5772156649015329, math.inf
HALF = 0.5 * math.log(2 * math.pi)
GAUSS = np.polynomial.legendre.leggauss(200)


def nowhere(value: Any, beside: Any) -> Any:
    """Return infinity or nan, without derivatives in what `beside` varies with.

    >>> import taylor
    >>> nowhere(math.inf, taylor.Taylor.variable(1.0, order=1))
    inf + nan t + O(t²)
    """
    return value * (1 + 0 * beside)


def _of_powers(
    least: int, power: Callable[..., Any], need: Formula, else_: float = INF
) -> dict[str, Formula]:
    """Return mean and variance from E Xⁿ = power(n, *shapes), which is finite where need > n.

    Elsewhere they are what SciPy has there: infinity, or nan.
    """

    def finite(n: int, shapes: tuple[Any, ...], found: Formula) -> Any:
        there = need(*shapes) > n
        first = [np.where(there, s, least)[()] for s in shapes]
        return np.where(there, found(*first), nowhere(else_, sum(shapes)))[()]

    def var(*shapes: Any) -> Any:
        return finite(2, shapes, lambda *s: power(2, *s) - power(1, *s) ** 2)

    return {"mean": lambda *shapes: finite(1, shapes, functools.partial(power, 1)), "var": var}


def _above(x: Any, least: float, found: Formula, else_: float = INF) -> Any:
    """Return a moment where there is one, of a shape above what it needs."""
    some = x > least
    y = found(np.where(some, x, least + 1.0))
    return np.where(some, y, nowhere(else_, x))[()]


def _student_variance(df: Any) -> Any:
    found = _above(df, 2.0, lambda df: df / (df - 2))
    return np.where(df > 1, found, nowhere(math.nan, df))[()]


def _student_entropy(df: Any) -> Any:
    half = (df + 1) / 2
    turn = half * (fn.digamma(half) - fn.digamma(df / 2))
    return turn + fn.log(df) / 2 + sp.betaln(df / 2, 0.5)


def _beta_entropy(a: Any, b: Any) -> Any:
    found = sp.betaln(a, b) + (a + b - 2) * fn.digamma(a + b)
    return found - (a - 1) * fn.digamma(a) - (b - 1) * fn.digamma(b)


def _gamma_entropy(a: Any) -> Any:
    return a + sp.gammaln(a) + (1 - a) * fn.digamma(a)


def _weibull_variance(c: Any) -> Any:
    return fn.gamma(1 + 2 / c) - fn.gamma(1 + 1 / c) ** 2


def _chi_mean(df: Any) -> Any:
    return math.sqrt(2.0) * fn.exp(sp.gammaln((df + 1) / 2) - sp.gammaln(df / 2))


def _f_variance(m: Any, n: Any) -> Any:
    return 2 * n**2 * (m + n - 2) / (m * (n - 2) ** 2 * (n - 4))


def _hypergeom_variance(m: Any, n: Any, drawn: Any) -> Any:
    return drawn * n * (m - n) * (m - drawn) / (m * m * (m - 1))


def _betabinom_variance(n: Any, a: Any, b: Any) -> Any:
    return n * a * b * (a + b + n) / ((a + b) ** 2 * (a + b + 1))


def _logser_mean(p: Any) -> Any:
    return -p / ((1 - p) * fn.log1p(-p))


def _logser_variance(p: Any) -> Any:
    rate = fn.log1p(-p)
    return -p * (p + rate) / ((1 - p) * rate) ** 2


@functools.cache
def _nodes() -> tuple[Any, Any]:
    """Return points u and weights for ∫₀¹ f(u) g(u) du, g = (1 - u/2 - u/L)/u², L = -log(1 - u).

    By the double exponential rule; near zero g has the series of the numbers of Gregory.
    """
    t = np.arange(-4.5, 3.2, 0.03125)
    turn = np.pi * np.sinh(t)
    u, rest = 1 / (1 + np.exp(-turn)), 1 / (1 + np.exp(turn))
    gregory = [1.0]
    for n in range(1, 22):
        gregory.append(-sum(gregory[k] / (n + 1 - k) for k in range(n)))
    series = -np.polynomial.polynomial.polyval(u, gregory[2:])
    with np.errstate(all="ignore"):
        whole = (1 - u / 2 + u / np.log(rest)) / u**2
    return u, np.where(u < 0.1, series, whole) * (0.03125 * np.pi * np.cosh(t) * u * rest)


def poisson_entropy(mu: Any) -> Any:
    """Return -Σ p log p = ½ log(2πe μ) + (μ + ½) E₁(μ) - exp(-μ) - ∫₀¹ exp(-μu) g(u) du.

    From E log(K + 1) = ∫₀¹ (1 - exp(-μu))/L du with 1/L = 1/u - ½ - u g(u) (see `_nodes`); no two
    parts cancel.  Below 1 by μ - μ log μ + E log K!, the sum over K.
    """
    small = mu < 1
    near = np.where(small, mu, 0.5)
    k = np.arange(2.0, 22.0)
    powers = np.expand_dims(near, -1) ** k
    low = near - sp.xlogy(near, near) + fn.exp(-near) * np.sum(
        powers * (sp.gammaln(k + 1) * sp.rgamma(k + 1)), axis=-1
    )  # fmt: skip
    far = np.where(small, 1.0, mu)
    u, weights = _nodes()
    rest = np.sum(fn.exp(np.expand_dims(-far, -1) * u) * weights, axis=-1)
    high = HALF + 0.5 + fn.log(far) / 2 + (far + 0.5) * fn.exp1(far) - fn.exp(-far) - rest
    return np.where(small, low, high)[()]


def _gamma_powers(c: Any) -> tuple[Any, Any]:
    """Return h = log Γ(1 + c)/c and m = (log Γ(1 + 2c) - 2 log Γ(1 + c))/c², near 0 by series.

    log Γ(1 + c) = -γ c + Σ ζ(k) (-c)ᵏ/k (DLMF 5.7.3).
    """
    near = abs(c) < 0.2
    x, far = np.where(near, c, 0.0), np.where(near, 1.0, c)
    first, second = 0.0 * x, 0.0 * x
    for k in range(45, 1, -1):
        zeta = float(scipy.special.zeta(k)) * (-1) ** k / k
        first, second = first * x + zeta, second * x + zeta * (2.0**k - 2)
    one, two = sp.gammaln(1 + far), sp.gammaln(1 + 2 * far)
    return np.where(near, first * x - EULER, one / far), np.where(
        near, second, (two - 2 * one) / far**2
    )


def _gev_mean(c: Any) -> Any:
    def found(c: Any) -> Any:
        h = _gamma_powers(c)[0]
        return -h * sp.exprel(c * h)

    return _above(c, -1.0, found, math.nan)


def _gev_variance(c: Any) -> Any:
    def found(c: Any) -> Any:
        h, m = _gamma_powers(c)
        return fn.exp(2 * c * h) * m * sp.exprel(c * c * m)

    return _above(c, -0.5, found, math.nan)


# ------------------------------------------------------------------ from the normal distribution
def _rice_mean(b: Any) -> Any:
    x = b * b / 4
    return math.sqrt(math.pi / 2) * ((1 + 2 * x) * sp.i0e(x) + 2 * x * sp.i1e(x))


def _at_edges(a: Any, b: Any) -> tuple[Any, Any]:
    """Return the density of the truncated normal distribution at its ends, by the nearer tail."""
    beyond = a > 0
    low, high = np.where(beyond, -b, a), np.where(beyond, -a, b)
    top = sp.log_ndtr(high)
    mass = top + fn.log1p(-fn.exp(sp.log_ndtr(low) - top))
    first, last = (fn.exp(-x * x / 2 - HALF - mass) for x in (a, b))
    return first, last


def _truncnorm_mean(a: Any, b: Any) -> Any:
    first, last = _at_edges(a, b)
    return first - last


def _truncnorm_variance(a: Any, b: Any) -> Any:
    first, last = _at_edges(a, b)
    mean = first - last
    a, b = (np.where(np.isfinite(x), x, 0.0) for x in (a, b))  # where the density is zero
    return 1 + first * (a - mean) - last * (b - mean)


def _skewnorm_mean(a: Any) -> Any:
    return math.sqrt(2 / math.pi) * a / fn.sqrt(1 + a * a)


def _folded_mean(c: Any) -> Any:
    return math.sqrt(2 / math.pi) * fn.exp(-c * c / 2) + c * fn.erf(c * math.sqrt(0.5))


def _johnsonsu_variance(a: Any, b: Any) -> Any:
    w = 1 / (b * b)
    return 0.5 * fn.expm1(w) * (fn.exp(w) * fn.cosh(2 * a / b) + 1)


def _nct_mean(df: Any, nc: Any) -> Any:
    return nc * fn.sqrt(df / 2) * fn.exp(sp.gammaln((df - 1) / 2) - sp.gammaln(df / 2))


def _nct_variance(df: Any, nc: Any) -> Any:
    return (1 + nc * nc) * df / (df - 2) - _nct_mean(df, nc) ** 2


def _ncf_variance(m: Any, n: Any, nc: Any) -> Any:
    whole = (m + nc) ** 2 + (m + 2 * nc) * (n - 2)
    return 2 * (n / m) ** 2 * whole / ((n - 2) ** 2 * (n - 4))


def _nakagami_mean(nu: Any) -> Any:
    return sp.poch(nu, 0.5) / fn.sqrt(nu)


def _f_entropy(m: Any, n: Any) -> Any:
    a, b = m / 2, n / 2
    turn = (1 - a) * fn.digamma(a) - (1 + b) * fn.digamma(b) + (a + b) * fn.digamma(a + b)
    return fn.log(n / m) + sp.betaln(a, b) + turn


def _vonmises_entropy(k: Any) -> Any:
    return k - k * sp.i1e(k) / sp.i0e(k) + fn.log(2 * math.pi * sp.i0e(k))


def _vonmises_raw(n: int, k: Any) -> Any:
    """Return the mean of z**n between -π and π."""
    z = 0.5 * math.pi * (GAUSS[0] + 1)
    density = fn.exp(-2 * np.expand_dims(k, -1) * fn.sin(0.5 * z) ** 2) * GAUSS[1]
    return np.sum((z**n if n % 2 == 0 else 0 * z) * density, axis=-1) / (2 * sp.i0e(k))


def _beta_of(a: Any, b: Any) -> Any:
    return fn.exp(sp.betaln(a, b))


def _of_both(n: int, found: Formula, least: float, else_: float = INF) -> Formula:
    """Return a moment that is there where the n-th shape is above `least`."""

    def of(*shapes: Any) -> Any:
        some = shapes[n] > least
        y = found(*shapes[:n], np.where(some, shapes[n], least + 1.0), *shapes[n + 1 :])
        return np.where(some, y, nowhere(else_, sum(shapes)))[()]

    return of


# fmt: off
MOMENTS: dict[str, Mapping[str, Formula]] = {
    "norm": dict(mean=lambda: 0.0, var=lambda: 1.0, entropy=lambda: HALF + 0.5),
    "expon": dict(mean=lambda: 1.0, var=lambda: 1.0, entropy=lambda: 1.0),
    "uniform": dict(mean=lambda: 0.5, var=lambda: 1 / 12, entropy=lambda: 0.0),
    "laplace": dict(mean=lambda: 0.0, var=lambda: 2.0, entropy=lambda: math.log(2.0) + 1),
    "logistic": dict(mean=lambda: 0.0, var=lambda: math.pi**2 / 3, entropy=lambda: 2.0),
    "gumbel_r": dict(mean=lambda: EULER, var=lambda: math.pi**2 / 6, entropy=lambda: EULER + 1),
    "gumbel_l": dict(mean=lambda: -EULER, var=lambda: math.pi**2 / 6, entropy=lambda: EULER + 1),
    "cauchy": dict(entropy=lambda: math.log(4 * math.pi)),
    "halfnorm": dict(mean=lambda: math.sqrt(2 / math.pi), var=lambda: 1 - 2 / math.pi,
        entropy=lambda: 0.5 * math.log(math.pi / 2) + 0.5),
    "rayleigh": dict(mean=lambda: math.sqrt(math.pi / 2), var=lambda: 2 - math.pi / 2,
        entropy=lambda: EULER / 2 + 1 - 0.5 * math.log(2.0)),
    "maxwell": dict(mean=lambda: math.sqrt(8 / math.pi), var=lambda: 3 - 8 / math.pi,
        entropy=lambda: EULER + HALF - 0.5),
    "gamma": dict(mean=lambda a: a, var=lambda a: a, entropy=_gamma_entropy),
    "chi2": dict(mean=lambda df: df, var=lambda df: 2 * df,
        entropy=lambda df: _gamma_entropy(df / 2) + math.log(2.0)),
    "chi": dict(mean=_chi_mean, var=lambda df: df - _chi_mean(df) ** 2,
        entropy=lambda df: sp.gammaln(df / 2) + 0.5 * (df - math.log(2.0) - (df - 1)
        * fn.digamma(df / 2))),
    "invgamma": dict(mean=lambda a: _above(a, 1.0, lambda a: 1 / (a - 1)),
        var=lambda a: _above(a, 2.0, lambda a: 1 / ((a - 1) ** 2 * (a - 2))),
        entropy=lambda a: a + sp.gammaln(a) - (1 + a) * fn.digamma(a)),
    "beta": dict(raw=lambda n, a, b: sp.poch(a, n) / sp.poch(a + b, n),
        mean=lambda a, b: a / (a + b),
        var=lambda a, b: a * b / ((a + b) ** 2 * (a + b + 1)), entropy=_beta_entropy),
    "lognorm": dict(mean=lambda s: fn.exp(s * s / 2),
        var=lambda s: fn.expm1(s * s) * fn.exp(s * s), entropy=lambda s: HALF + 0.5 + fn.log(s)),
    "t": dict(mean=lambda df: _above(df, 1.0, lambda df: 0.0 * df), var=_student_variance,
        entropy=_student_entropy),
    "f": dict(mean=lambda m, n: _above(n, 2.0, lambda n: n / (n - 2)),
        var=_of_both(1, _f_variance, 4.0),
        entropy=_f_entropy),
    "weibull_min": dict(mean=lambda c: fn.gamma(1 + 1 / c), var=_weibull_variance,
        entropy=lambda c: EULER * (1 - 1 / c) - fn.log(c) + 1),
    "pareto": dict(mean=lambda b: _above(b, 1.0, lambda b: b / (b - 1)),
        var=lambda b: _above(b, 2.0, lambda b: b / ((b - 2) * (b - 1) ** 2)),
        entropy=lambda b: 1 + 1 / b - fn.log(b)),
    "weibull_max": dict(mean=lambda c: -fn.gamma(1 + 1 / c), var=_weibull_variance,
        entropy=lambda c: EULER * (1 - 1 / c) - fn.log(c) + 1),
    "dweibull": dict(mean=lambda c: 0.0 * c, var=lambda c: fn.gamma(1 + 2 / c),
        entropy=lambda c: EULER * (1 - 1 / c) - fn.log(c) + 1 + math.log(2.0)),
    "dgamma": dict(mean=lambda a: 0.0 * a, var=lambda a: a * (a + 1),
        entropy=lambda a: _gamma_entropy(a) + math.log(2.0)),
    "invweibull": dict(**_of_powers(4, lambda n, c: fn.gamma(1 - n / c), lambda c: c),
        entropy=lambda c: 1 + EULER + EULER / c - fn.log(c)),
    "genextreme": dict(mean=_gev_mean, var=_gev_variance, entropy=lambda c: EULER * (1 - c) + 1),
    "genpareto": dict(mean=lambda c: _above(-c, -1.0, lambda c: 1 / (1 + c)),
        var=lambda c: _above(-c, -0.5, lambda c: 1 / ((1 + c) ** 2 * (1 + 2 * c)), math.nan),
        entropy=lambda c: 1 + c),
    "lomax": dict(mean=lambda c: _above(c, 1.0, lambda c: 1 / (c - 1)),
        var=lambda c: _above(c, 2.0, lambda c: c / ((c - 1) ** 2 * (c - 2))),
        entropy=lambda c: 1 + 1 / c - fn.log(c)),
    "fisk": dict(**_of_powers(4, lambda n, c: 1 / fn.sinc(n / c), lambda c: c, math.nan),
        entropy=lambda c: 2 - fn.log(c)),
    "burr": _of_powers(4, lambda n, c, d: d * _beta_of(d + n / c, 1 - n / c), lambda c, d: c,
        math.nan),
    "burr12": _of_powers(4, lambda n, c, d: d * _beta_of(d - n / c, 1 + n / c),
        lambda c, d: c * d, math.nan),
    "mielke": _of_powers(4, lambda n, k, s: sp.poch(k / s, n / s) * fn.gamma(1 - n / s),
        lambda k, s: s),
    "gengamma": dict(mean=lambda a, c: sp.poch(a, 1 / c),
        var=lambda a, c: sp.poch(a, 2 / c) - sp.poch(a, 1 / c) ** 2,
        entropy=lambda a, c: a - fn.log(c) + sp.gammaln(a) + (1 / c - a) * fn.digamma(a)),
    "loggamma": dict(mean=fn.digamma, var=lambda c: sp.polygamma(1, c),
        entropy=lambda c: c + sp.gammaln(c) - c * fn.digamma(c)),
    "genlogistic": dict(mean=lambda c: EULER + fn.digamma(c),
        var=lambda c: math.pi**2 / 6 + sp.polygamma(1, c),
        entropy=lambda c: 1 + EULER + fn.digamma(c + 1) - fn.log(c)),
    "hypsecant": dict(mean=lambda: 0.0, var=lambda: math.pi**2 / 4,
        entropy=lambda: math.log(2 * math.pi)),
    "gennorm": dict(mean=lambda b: 0.0 * b, var=lambda b: sp.poch(1 / b, 2 / b),
        entropy=lambda b: 1 / b - fn.log(b / 2) + sp.gammaln(1 / b)),
    "laplace_asymmetric": dict(mean=lambda k: 1 / k - k, var=lambda k: 1 / (k * k) + k * k,
        entropy=lambda k: 1 + fn.log(k + 1 / k)),
    "halfcauchy": dict(entropy=lambda: math.log(2 * math.pi)),
    "halflogistic": dict(mean=lambda: math.log(4.0),
        var=lambda: math.pi**2 / 3 - math.log(4.0) ** 2, entropy=lambda: 2 - math.log(2.0)),
    "betaprime": dict(mean=_of_both(1, lambda a, b: a / (b - 1), 1.0),
        var=_of_both(1, lambda a, b: a * (a + b - 1) / ((b - 2) * (b - 1) ** 2), 2.0)),
    "powerlaw": dict(mean=lambda a: a / (a + 1), var=lambda a: a / ((a + 2) * (a + 1) ** 2),
        entropy=lambda a: 1 - 1 / a - fn.log(a)),
    "arcsine": dict(raw=lambda n: sp.poch(0.5, n) / math.factorial(n), mean=lambda: 0.5,
         var=lambda: 0.125, entropy=lambda: math.log(math.pi / 4)),
    "semicircular": dict(mean=lambda: 0.0, var=lambda: 0.25,
        entropy=lambda: math.log(math.pi) - 0.5),
    "triang": dict(mean=lambda c: (1 + c) / 3, var=lambda c: (1 - c + c * c) / 18,
        entropy=lambda c: 0.0 * c + 0.5 - math.log(2.0)),
    "loguniform": dict(mean=lambda a, b: (b - a) / fn.log(b / a),
        entropy=lambda a, b: 0.5 * fn.log(a * b) + fn.log(fn.log(b / a))),
    "fatiguelife": dict(mean=lambda c: c * c / 2 + 1, var=lambda c: c * c * (5 * c * c + 4) / 4),
    "johnsonsu": dict(mean=lambda a, b: -fn.exp(0.5 / (b * b)) * fn.sinh(a / b),
        var=_johnsonsu_variance),
    "exponnorm": dict(mean=lambda k: +k, var=lambda k: 1 + k * k),
    "moyal": dict(mean=lambda: EULER + math.log(2.0), var=lambda: math.pi**2 / 2),
    "wald": dict(mean=lambda: 1.0, var=lambda: 1.0),
    "truncnorm": dict(mean=_truncnorm_mean, var=_truncnorm_variance),
    "invgauss": dict(mean=lambda mu: +mu, var=lambda mu: mu**3),
    "skewnorm": dict(mean=_skewnorm_mean, var=lambda a: 1 - _skewnorm_mean(a) ** 2),
    "foldnorm": dict(mean=_folded_mean, var=lambda c: c * c + 1 - _folded_mean(c) ** 2),
    "rice": dict(mean=_rice_mean, var=lambda b: 2 + b * b - _rice_mean(b) ** 2),
    "nakagami": dict(mean=_nakagami_mean, var=lambda v: 1 - _nakagami_mean(v) ** 2,
        entropy=lambda v: v - math.log(2.0) - fn.log(v) / 2 + sp.gammaln(v)
        - (v - 0.5) * fn.digamma(v)),
    "ncx2": dict(mean=lambda df, nc: df + nc, var=lambda df, nc: 2 * (df + 2 * nc)),
    "ncf": dict(mean=_of_both(1, lambda m, n, nc: n * (m + nc) / (m * (n - 2)), 2.0, math.nan),
        var=_of_both(1, _ncf_variance, 4.0, math.nan)),
    "nct": dict(mean=_of_both(0, _nct_mean, 1.0, math.nan),
        var=_of_both(0, _nct_variance, 2.0, math.nan)),
    "vonmises": dict(raw=_vonmises_raw, entropy=_vonmises_entropy),
    "wrapcauchy": dict(entropy=lambda c: fn.log(2 * math.pi * (1 - c * c))),
    "zipf": _of_powers(4, lambda n, a: sp.zeta(a - n) / sp.zeta(a), lambda a: a - 1),
    "poisson": dict(mean=lambda mu: mu, var=lambda mu: mu, entropy=poisson_entropy),
    "binom": dict(mean=lambda n, p: n * p, var=lambda n, p: n * p * (1 - p)),
    "bernoulli": dict(mean=lambda p: p, var=lambda p: p * (1 - p),
        entropy=lambda p: sp.entr(p) + sp.entr(1 - p)),
    "nbinom": dict(mean=lambda n, p: n * (1 - p) / p, var=lambda n, p: n * (1 - p) / p**2),
    "geom": dict(mean=lambda p: 1 / p, var=lambda p: (1 - p) / p**2,
        entropy=lambda p: (sp.entr(p) + sp.entr(1 - p)) / p),
    "hypergeom": dict(mean=lambda m, n, drawn: drawn * n / m, var=_hypergeom_variance),
    "betabinom": dict(mean=lambda n, a, b: n * a / (a + b), var=_betabinom_variance),
    "skellam": dict(mean=lambda m, n: m - n, var=lambda m, n: m + n),
    "dlaplace": dict(mean=lambda a: 0.0 * a, var=lambda a: 0.5 / fn.sinh(a / 2) ** 2),
    "logser": dict(mean=_logser_mean, var=_logser_variance),
}
MOMENTS |= {"erlang": MOMENTS["gamma"], "reciprocal": MOMENTS["loguniform"]}
# fmt: on
