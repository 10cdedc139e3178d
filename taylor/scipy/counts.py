"""The distributions of whole numbers of scipy.stats: one line for each function of k."""

from __future__ import annotations

from typing import Any

import numpy as np

from taylor.core import functions as fn
from taylor.scipy import special as sp
from taylor.scipy.discrete import Discrete
from taylor.scipy.distributions import INF, Formula

__all__ = [
    "bernoulli", "betabinom", "binom", "dlaplace", "geom", "hypergeom", "logser", "nbinom",
    "poisson", "skellam", "zipf",
]  # fmt: skip


def _choose(n: Any, k: Any) -> Any:
    return sp.gammaln(n + 1) - sp.gammaln(k + 1) - sp.gammaln(n - k + 1)


def _nbinom_logpmf(k: Any, n: Any, p: Any) -> Any:
    choose = sp.gammaln(n + k) - sp.gammaln(k + 1) - sp.gammaln(n)
    return choose + n * fn.log(p) + sp.xlog1py(k, -p)


def _signed(k: Any, natural: Formula, negative: Formula) -> Any:
    return np.where(k >= 0, natural(np.maximum(k, 0)), negative(np.minimum(k, -1)))


# fmt: off
poisson = Discrete("poisson", "mu", 0,
    logpmf=lambda k, mu: sp.xlogy(k, mu) - sp.gammaln(k + 1) - mu, cdf=lambda k, mu: sp.pdtr(k, mu),
    sf=lambda k, mu: sp.pdtrc(k, mu))
binom = Discrete("binom", "n p", 0, lambda n, p: n,
    logpmf=lambda k, n, p: _choose(n, k) + sp.xlogy(k, p) + sp.xlog1py(n - k, -p),
    cdf=lambda k, n, p: sp.betaincc(k + 1, n - k, p),
    sf=lambda k, n, p: sp.betainc(k + 1, n - k, p))
bernoulli = Discrete("bernoulli", "p", 0, lambda p: 1,
    logpmf=lambda k, p: sp.xlogy(k, p) + sp.xlog1py(1 - k, -p), cdf=lambda k, p: 1 - p + 0 * k,
    sf=lambda k, p: p + 0 * k)
nbinom = Discrete("nbinom", "n p", 0, positive="n p",
    logpmf=_nbinom_logpmf,
    cdf=lambda k, n, p: sp.betainc(n, k + 1, p), sf=lambda k, n, p: sp.betaincc(n, k + 1, p))
geom = Discrete("geom", "p", 1, positive="p", logpmf=lambda k, p: sp.xlog1py(k - 1, -p) + fn.log(p),
    cdf=lambda k, p: -fn.expm1(k * fn.log1p(-p)), sf=lambda k, p: fn.exp(k * fn.log1p(-p)),
    logsf=lambda k, p: k * fn.log1p(-p))
betabinom = Discrete("betabinom", "n a b", 0, lambda n, a, b: n, "a b",
    logpmf=lambda k, n, a, b: _choose(n, k) + sp.betaln(k + a, n - k + b) - sp.betaln(a, b))
hypergeom = Discrete("hypergeom", "M n N", lambda m, n, k: np.maximum(0.0, k - m + n),
    lambda m, n, k: np.minimum(n, k),
    logpmf=lambda k, m, n, drawn: _choose(n, k) + _choose(m - n, drawn - k) - _choose(m, drawn))
zipf = Discrete("zipf", "a", 1, valid=lambda a: a > 1,
    logpmf=lambda k, a: -a * fn.log(k) - fn.log(sp.zeta(a)),
    cdf=lambda k, a: 1 - sp.zeta(a, k + 1.0) / sp.zeta(a),
    sf=lambda k, a: sp.zeta(a, k + 1.0) / sp.zeta(a))
logser = Discrete("logser", "p", 1, positive="p", valid=lambda p: p < 1,
    logpmf=lambda k, p: k * fn.log(p) - fn.log(k) - fn.log(-fn.log1p(-p)))
dlaplace = Discrete("dlaplace", "a", -INF, positive="a",
    logpmf=lambda k, a: fn.log(fn.tanh(a / 2)) - a * abs(k),
    cdf=lambda k, a: _signed(k, lambda k: 1 - fn.exp(-a * (k + 1)) * sp.expit(a),
        lambda k: fn.exp(a * k) * sp.expit(a)),
    sf=lambda k, a: _signed(k, lambda k: fn.exp(-a * (k + 1)) * sp.expit(a),
        lambda k: 1 - fn.exp(a * k) * sp.expit(a)))
skellam = Discrete("skellam", "mu1 mu2", -INF, positive="mu1 mu2",
    logpmf=lambda k, m, n: fn.log(sp.ive(abs(k), 2 * fn.sqrt(m * n))) + k / 2 * fn.log(m / n)
    - (fn.sqrt(m) - fn.sqrt(n)) ** 2,
    cdf=lambda k, m, n: _signed(k, lambda k: 1 - sp.chndtr(2 * m, 2 * (k + 1), 2 * n),
        lambda k: sp.chndtr(2 * n, -2 * k, 2 * m)),
    sf=lambda k, m, n: _signed(k, lambda k: sp.chndtr(2 * m, 2 * (k + 1), 2 * n),
        lambda k: 1 - sp.chndtr(2 * n, -2 * k, 2 * m)))
# fmt: on
DISCRETE = [d for d in list(globals().values()) if isinstance(d, Discrete)]
