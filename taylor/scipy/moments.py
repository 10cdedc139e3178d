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

from taylor.core import functions as fn
from taylor.scipy import special as sp

Formula = Callable[..., Any]
EULER, INF = 0.5772156649015329, math.inf
HALF = 0.5 * math.log(2 * math.pi)


def _above(x: Any, least: float, found: Formula, else_: float = INF) -> Any:
    """Return a moment where there is one, of a shape above what it needs."""
    some = x > least
    return np.where(some, found(np.where(some, x, least + 1.0)), else_)[()]


def _student_variance(df: Any) -> Any:
    return np.where(df > 1, _above(df, 2.0, lambda df: df / (df - 2)), math.nan)[()]


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
    return _above(n, 4.0, lambda n: 2 * n**2 * (m + n - 2) / (m * (n - 2) ** 2 * (n - 4)))


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


# fmt: off
MOMENTS: Mapping[str, Mapping[str, Formula]] = {
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
    "chi": dict(mean=_chi_mean, var=lambda df: df - _chi_mean(df) ** 2),
    "invgamma": dict(mean=lambda a: _above(a, 1.0, lambda a: 1 / (a - 1)),
        var=lambda a: _above(a, 2.0, lambda a: 1 / ((a - 1) ** 2 * (a - 2))),
        entropy=lambda a: a + sp.gammaln(a) - (1 + a) * fn.digamma(a)),
    "beta": dict(mean=lambda a, b: a / (a + b),
        var=lambda a, b: a * b / ((a + b) ** 2 * (a + b + 1)), entropy=_beta_entropy),
    "lognorm": dict(mean=lambda s: fn.exp(s * s / 2),
        var=lambda s: fn.expm1(s * s) * fn.exp(s * s), entropy=lambda s: HALF + 0.5 + fn.log(s)),
    "t": dict(mean=lambda df: _above(df, 1.0, lambda df: 0.0 * df), var=_student_variance,
        entropy=_student_entropy),
    "f": dict(mean=lambda m, n: _above(n, 2.0, lambda n: n / (n - 2)), var=_f_variance),
    "weibull_min": dict(mean=lambda c: fn.gamma(1 + 1 / c), var=_weibull_variance,
        entropy=lambda c: EULER * (1 - 1 / c) - fn.log(c) + 1),
    "pareto": dict(mean=lambda b: _above(b, 1.0, lambda b: b / (b - 1)),
        var=lambda b: _above(b, 2.0, lambda b: b / ((b - 2) * (b - 1) ** 2)),
        entropy=lambda b: 1 + 1 / b - fn.log(b)),
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
# fmt: on
