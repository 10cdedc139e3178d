"""Distributions of scipy.stats in x and in all their parameters: pdf, cdf, sf, ppf and logarithms.

A distribution has SciPy's name and arguments, x (or q), its shapes, loc and scale, all of which may
be values of the package and broadcast as in NumPy.  Its formulas stand in z = (x - loc)/scale, one
line for each function; those that are not given follow from the others.  Outside of the support the
density is 0, its logarithm -inf, and there is nothing to differentiate.

>>> import taylor
>>> taylor.gradient(lambda p: norm.logpdf(1.0, p[0], p[1]), [0.0, 2.0])
array([ 0.25 , -0.375])
>>> float(taylor.derivative(lambda df: t.ppf(0.975, df), 10.0)).__round__(6)
-0.030202
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from taylor.core import functions as fn
from taylor.core.advice import RULE, no_name
from taylor.core.operand import as_array, lift
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import is_operand
from taylor.scipy import descriptive
from taylor.scipy import special as sp
from taylor.scipy.descriptive import *  # noqa: F403
from taylor.scipy.rows import SKEW
from taylor.scipy.theirs import names_of, of_plain

__all__ = [
    *descriptive.__all__, "Dirichlet", "MultivariateNormal", "bernoulli", "beta", "binom",
    "cauchy", "chi2", "dirichlet", "expon", "f", "fisk", "gamma", "gengamma", "geom",
    "gumbel_l", "gumbel_r", "halfnorm", "invgamma", "invgauss", "laplace", "logistic",
    "lognorm", "multivariate_normal", "nbinom", "norm", "pareto", "poisson", "rayleigh",
    "skewnorm", "t", "uniform", "weibull_max", "weibull_min",
]  # fmt: skip

Formula = Callable[..., Any]
INF = math.inf
REALS, HALF, UNIT = (-INF, INF), (0.0, INF), (0.0, 1.0)
LOG_PI, LOG_2PI, LOG2 = math.log(math.pi), math.log(2 * math.pi), math.log(2.0)
OF_X = {  # function -> (below the support, above it)
    "logpdf": (-INF, -INF), "cdf": (0.0, 1.0), "sf": (1.0, 0.0),
    "logcdf": (-INF, 0.0), "logsf": (0.0, -INF),
}  # fmt: skip
OPPOSITE = {"logcdf": ("cdf", "sf"), "logsf": ("sf", "cdf")}


class Distribution:
    """A distribution of SciPy's name, which has SciPy's own methods for plain numbers, too.

    Called with parameters it is the one with these: `norm(0, 2).pdf(x)` is `norm.pdf(x, 0, 2)`.

    >>> import taylor
    >>> float(taylor.gradient(lambda s: norm(0.0, s).logpdf(1.0), 2.0)), float(expon.mean())
    (-0.375, 1.0)
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<taylor.scipy.stats.{self.name}>"

    @property
    def theirs(self) -> Any:
        """SciPy's distribution of that name."""
        return getattr(import_module("scipy.stats"), self.name)

    def _of_plain(self, method: str, instead: str = RULE) -> Any:
        name = f"taylor.scipy.stats.{self.name}.{method}"
        return of_plain(getattr(self.theirs, method), name, instead)

    def __call__(self, *args: Any, **kwargs: Any) -> Frozen:
        return Frozen(self, args, kwargs)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_") or not hasattr(self.theirs, name):
                full = f"taylor.scipy.stats.{vars(self).get('name')}"
                raise no_name(full, name, dir(type(self)))
            return self._of_plain(name)


class Frozen:
    """A distribution with its parameters."""

    def __init__(self, of: Distribution, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.of, self.args, self.kwargs = of, args, kwargs

    def __repr__(self) -> str:
        return f"<{self.of!r} with parameters>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        method = getattr(self.of, name)
        if hasattr(type(self.of), name) and name != "entropy":
            return lambda x: method(x, *self.args, **self.kwargs)
        return lambda *more, **named: method(*more, *self.args, **self.kwargs, **named)


class Continuous(Distribution):
    """A continuous distribution: `names` of its shapes, its support, and formulas by name.

    Shapes are positive, but those in `free`.  The density is zero at the ends of the support in
    `open`, where its formula has no value.
    """

    def __init__(
        self,
        name: str,
        names: str,
        support: tuple[float, float],
        free: str = "",
        open: str = "",
        **formulas: Formula,
    ) -> None:
        super().__init__(name)
        self.names, self.ends = names.split(), support
        self.free, self.open, self.formulas = free.split(), open.split(), formulas

    # -------------------------------------------------------------- functions of x
    def pdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the density."""
        return fn.exp(self.logpdf(x, *args, **kwargs))

    def logpdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the logarithm of the density."""
        z, shapes, _, scale = self._standard(x, args, kwargs)
        return self._of_x("logpdf", z, shapes) - fn.log(scale)

    def cdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the probability of values up to x."""
        return self._of_x("cdf", *self._standard(x, args, kwargs)[:2])

    def sf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the probability of values above x."""
        return self._of_x("sf", *self._standard(x, args, kwargs)[:2])

    def logcdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the logarithm of `cdf`."""
        return self._of_x("logcdf", *self._standard(x, args, kwargs)[:2])

    def logsf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the logarithm of `sf`."""
        return self._of_x("logsf", *self._standard(x, args, kwargs)[:2])

    # -------------------------------------------------------------- quantiles
    def ppf(self, q: Any, *args: Any, **kwargs: Any) -> Any:
        """Return x with cdf(x) = q."""
        return self._quantile("ppf", q, args, kwargs)

    def isf(self, q: Any, *args: Any, **kwargs: Any) -> Any:
        """Return x with sf(x) = q."""
        return self._quantile("isf", q, args, kwargs)

    def interval(self, confidence: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the ends of the middle part of so much probability."""
        q = (1 - as_array(confidence)) / 2
        return self.ppf(q, *args, **kwargs), self.isf(q, *args, **kwargs)

    # -------------------------------------------------------------- how
    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """Return the shapes, loc and scale."""
        names = [*self.names, "loc", "scale"]
        given = dict(zip(names, args, strict=False))
        twice = given.keys() & kwargs.keys()
        strange = kwargs.keys() - set(names)
        if len(args) > len(names) or twice or strange:
            raise TypeError(f"{self.name} takes x (or q), {', '.join(names)}")
        given = {"loc": 0.0, "scale": 1.0} | given | kwargs
        missing = [n for n in names if n not in given]
        if missing:
            raise TypeError(f"{self.name} needs its shape {missing[0]}")
        lifted = {
            n: lift(np.asarray(given[n]) if isinstance(given[n], (list, tuple)) else given[n])
            for n in names
        }
        return [x if n == "loc" else self._valid(n, x) for n, x in lifted.items()]

    def _valid(self, name: str, x: Any) -> Any:
        """Return a parameter, nan where there is no such distribution."""
        return x if name in self.free else np.where(x > 0, x, x * math.nan)[()]

    def _standard(self, x: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        *shapes, loc, scale = self._arguments(args, kwargs)
        return (as_array(x) - loc) / scale, shapes, loc, scale

    def _of_x(self, function: str, z: Any, shapes: list[Any]) -> Any:
        """Return a function of z inside the support, and what it is outside."""
        (low, high), (below, above) = self.ends, OF_X[function]
        under = z <= low if "low" in self.open else z < low if low > -INF else None
        over = z >= high if "high" in self.open else z > high if high < INF else None
        inner, lost = z, sum(0 * s for s in shapes)
        for out in (under, over):
            inner = inner if out is None else np.where(out, _middle(low, high), inner)
        y = self._inside(function, inner, shapes)
        y = y if under is None else np.where(under, below + lost, y)
        return y if over is None else np.where(over, above + lost, y)

    def _inside(self, function: str, z: Any, shapes: list[Any]) -> Any:
        found = self.formulas.get(function)
        if found is not None:
            with np.errstate(all="ignore"):
                return found(z, *shapes)
        if function in ("logcdf", "logsf"):
            p, rest = (self._inside(n, z, shapes) for n in OPPOSITE[function])
            small = p < 0.5
            with np.errstate(divide="ignore"):
                near_one = fn.log1p(-np.where(small, 0.5, rest))
                return np.where(small, fn.log(np.where(small, p, 0.5)), near_one)
        if function == "sf":
            return 1 - self._inside("cdf", z, shapes)
        raise TypeError(f"taylor.scipy.stats.{self.name} has no {function}")

    def _quantile(
        self, function: str, q: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        formula = self.formulas.get(function)
        if formula is None and "ppf" not in self.formulas:
            return self._of_plain(function, "there is no formula")(q, *args, **kwargs)
        *shapes, loc, scale = self._arguments(args, kwargs)
        q = as_array(q)
        q = np.where(q < 0, math.nan, np.where(q > 1, math.nan, q))[()]
        with np.errstate(all="ignore"):
            z = self.formulas["ppf"](1 - q, *shapes) if formula is None else formula(q, *shapes)
        first, last = self.ends if function == "ppf" else self.ends[::-1]
        lost = sum(0 * s for s in shapes)
        z = np.where(q <= 0, first + lost, np.where(q >= 1, last + lost, z))[()]
        return z * scale + loc


def _middle(low: float, high: float) -> float:
    """Return a number inside of the support."""
    if low > -INF and high < INF:
        return 0.5 * (low + high)
    return low + 1 if low > -INF else high - 1 if high < INF else 0.0


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


def _laplace(z: Any, positive: Formula, negative: Formula) -> Any:
    return np.where(z > 0, positive(np.where(z > 0, z, 0.0)), negative(np.where(z > 0, 0.0, z)))


def _laplace_isf(q: Any) -> Any:
    low = np.where(q > 0.5, 0.5, q)
    return np.where(q > 0.5, fn.log(2 * (1 - np.where(q > 0.5, q, 0.5))), -fn.log(2 * low))


def _nbinom_logpmf(k: Any, n: Any, p: Any) -> Any:
    choose = sp.gammaln(n + k) - sp.gammaln(k + 1) - sp.gammaln(n)
    return choose + n * fn.log(p) + sp.xlog1py(k, -p)


def _power(z: Any, c: Any) -> Any:
    return fn.exp(c * fn.log(z))


# fmt: off
norm = Continuous("norm", "", REALS, logpdf=lambda z: -0.5 * (z * z) - 0.5 * LOG_2PI, cdf=sp.ndtr,
    sf=lambda z: sp.ndtr(-z), logcdf=sp.log_ndtr, logsf=lambda z: sp.log_ndtr(-z), ppf=sp.ndtri,
    isf=lambda q: -sp.ndtri(q))
halfnorm = Continuous("halfnorm", "", HALF, logpdf=lambda z: -0.5 * (z * z) + 0.5 * (LOG2 - LOG_PI),
    cdf=lambda z: sp.erf(z * math.sqrt(0.5)), sf=lambda z: sp.erfc(z * math.sqrt(0.5)),
    ppf=lambda q: sp.ndtri((1 + q) / 2), isf=lambda q: -sp.ndtri(q / 2))
lognorm = Continuous("lognorm", "s", HALF, open="low high",
    logpdf=lambda z, s: -fn.log(s * z) - 0.5 * (fn.log(z) / s) ** 2 - 0.5 * LOG_2PI,
    cdf=lambda z, s: sp.ndtr(fn.log(z) / s), sf=lambda z, s: sp.ndtr(-fn.log(z) / s),
    logcdf=lambda z, s: sp.log_ndtr(fn.log(z) / s), logsf=lambda z, s: sp.log_ndtr(-fn.log(z) / s),
    ppf=lambda q, s: fn.exp(s * sp.ndtri(q)), isf=lambda q, s: fn.exp(-s * sp.ndtri(q)))
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
gengamma = Continuous("gengamma", "a c", HALF,
    logpdf=lambda z, a, c: fn.log(c) + sp.xlogy(c * a - 1, z) - _power(z, c) - sp.gammaln(a),
    cdf=lambda z, a, c: sp.gammainc(a, _power(z, c)),
    sf=lambda z, a, c: sp.gammaincc(a, _power(z, c)),
    ppf=lambda q, a, c: _power(sp.gammaincinv(a, q), 1 / c),
    isf=lambda q, a, c: _power(sp.gammainccinv(a, q), 1 / c))
invgamma = Continuous("invgamma", "a", HALF, open="low high",
    logpdf=lambda z, a: -(a + 1) * fn.log(z) - sp.gammaln(a) - 1 / z,
    cdf=lambda z, a: sp.gammaincc(a, 1 / z), sf=lambda z, a: sp.gammainc(a, 1 / z),
    ppf=lambda q, a: 1 / sp.gammainccinv(a, q), isf=lambda q, a: 1 / sp.gammaincinv(a, q))
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
    logpdf=lambda z, c: fn.log(c) + sp.xlogy(c - 1, z) - _power(z, c),
    cdf=lambda z, c: -fn.expm1(-_power(z, c)), sf=lambda z, c: fn.exp(-_power(z, c)),
    logsf=lambda z, c: -_power(z, c), ppf=lambda q, c: _power(-fn.log1p(-q), 1 / c),
    isf=lambda q, c: _power(-fn.log(q), 1 / c))
weibull_max = Continuous("weibull_max", "c", (-INF, 0.0),
    logpdf=lambda z, c: fn.log(c) + sp.xlogy(c - 1, -z) - _power(-z, c),
    cdf=lambda z, c: fn.exp(-_power(-z, c)), sf=lambda z, c: -fn.expm1(-_power(-z, c)),
    logcdf=lambda z, c: -_power(-z, c), ppf=lambda q, c: -_power(-fn.log(q), 1 / c),
    isf=lambda q, c: -_power(-fn.log1p(-q), 1 / c))
gumbel_r = Continuous("gumbel_r", "", REALS, logpdf=lambda z: -z - fn.exp(-z),
    cdf=lambda z: fn.exp(-fn.exp(-z)), logcdf=lambda z: -fn.exp(-z),
    sf=lambda z: -fn.expm1(-fn.exp(-z)), ppf=lambda q: -fn.log(-fn.log(q)),
    isf=lambda q: -fn.log(-fn.log1p(-q)))
gumbel_l = Continuous("gumbel_l", "", REALS, logpdf=lambda z: z - fn.exp(z),
    cdf=lambda z: -fn.expm1(-fn.exp(z)), sf=lambda z: fn.exp(-fn.exp(z)),
    logsf=lambda z: -fn.exp(z), ppf=lambda q: fn.log(-fn.log1p(-q)),
    isf=lambda q: fn.log(-fn.log(q)))
logistic = Continuous("logistic", "", REALS, open="low high",
    logpdf=lambda z: -sp.softplus(z) - sp.softplus(-z),
    cdf=sp.expit, sf=lambda z: sp.expit(-z), logcdf=sp.log_expit, logsf=lambda z: sp.log_expit(-z),
    ppf=sp.logit, isf=lambda q: -sp.logit(q))
fisk = Continuous("fisk", "c", HALF, open="high",
    logpdf=lambda z, c: fn.log(c) + sp.xlogy(c - 1, z) + 2 * sp.log_expit(-(c * fn.log(z))),
    cdf=lambda z, c: sp.expit(c * fn.log(z)), sf=lambda z, c: sp.expit(-c * fn.log(z)),
    logcdf=lambda z, c: sp.log_expit(c * fn.log(z)),
    logsf=lambda z, c: sp.log_expit(-c * fn.log(z)), ppf=lambda q, c: fn.exp(sp.logit(q) / c),
    isf=lambda q, c: fn.exp(-sp.logit(q) / c))
laplace = Continuous("laplace", "", REALS,
    logpdf=lambda z: _laplace(z, lambda z: -z, lambda z: +z) - LOG2,
    cdf=lambda z: _laplace(z, lambda z: 1 - 0.5 * fn.exp(-z), lambda z: 0.5 * fn.exp(z)),
    sf=lambda z: _laplace(z, lambda z: 0.5 * fn.exp(-z), lambda z: 1 - 0.5 * fn.exp(z)),
    ppf=lambda q: -_laplace_isf(q), isf=lambda q: _laplace_isf(q))
cauchy = Continuous("cauchy", "", REALS, logpdf=lambda z: -LOG_PI - fn.log1p(z * z),
    cdf=lambda z: fn.atan2(1.0, -z) / math.pi, sf=lambda z: fn.atan2(1.0, z) / math.pi,
    ppf=lambda q: -fn.cospi(q) / fn.sinpi(q), isf=lambda q: fn.cospi(q) / fn.sinpi(q))
uniform = Continuous("uniform", "", UNIT, logpdf=lambda z: 0 * z, cdf=lambda z: +z,
    sf=lambda z: 1 - z, ppf=lambda q: +q)
pareto = Continuous("pareto", "b", (1.0, INF), logpdf=lambda z, b: fn.log(b) - (b + 1) * fn.log(z),
    cdf=lambda z, b: -fn.expm1(-b * fn.log(z)), sf=lambda z, b: fn.exp(-b * fn.log(z)),
    logsf=lambda z, b: -b * fn.log(z), ppf=lambda q, b: fn.exp(-fn.log1p(-q) / b),
    isf=lambda q, b: fn.exp(-fn.log(q) / b))
rayleigh = Continuous("rayleigh", "", HALF, open="high", logpdf=lambda z: fn.log(z) - 0.5 * (z * z),
    cdf=lambda z: -fn.expm1(-0.5 * (z * z)), sf=lambda z: fn.exp(-0.5 * (z * z)),
    logsf=lambda z: -0.5 * (z * z), ppf=lambda q: fn.sqrt(-2 * fn.log1p(-q)),
    isf=lambda q: fn.sqrt(-2 * fn.log(q)))
# fmt: on
CONTINUOUS = [d for d in list(globals().values()) if isinstance(d, Continuous)]


# ------------------------------------------------------------------ counts
class Discrete(Continuous):
    """A distribution of whole numbers k, which are plain; the shapes may vary.

    `last(*shapes)` is the largest k there is.  Shapes may be zero, but those in `positive`.
    """

    def __init__(
        self,
        name: str,
        names: str,
        first: int,
        last: Formula = lambda *shapes: INF,
        positive: str = "",
        **formulas: Formula,
    ) -> None:
        super().__init__(name, names, (first, INF), "", "", **formulas)
        self.last, self.positive = last, positive.split()

    def _valid(self, name: str, x: Any) -> Any:
        high = 1.0 if name == "p" else INF
        x = super()._valid(name, x) if name in self.positive else x
        lost = x * math.nan
        return np.where(x < 0, lost, np.where(x > high, lost, x))[()]

    def pmf(self, k: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the probability of k."""
        return fn.exp(self.logpmf(k, *args, **kwargs))

    def logpmf(self, k: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the logarithm of `pmf`; -inf where k is no whole number of the support."""
        k, shapes, *_ = self._standard(k, args, kwargs)
        low, high = self.ends[0], self.last(*shapes)
        there = (k == np.floor(k)) & (k >= low) & (k <= high)
        y = self._inside("logpmf", np.where(there, k, low), shapes)
        return np.where(there, y, -INF + sum(0 * s for s in shapes))

    def pdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Raise AttributeError: there are probabilities only, as in SciPy."""
        raise AttributeError(f"{self.name} has no density; use pmf and logpmf")

    logpdf = pdf

    def _standard(self, x: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        if "scale" in kwargs or len(args) > len(self.names) + 1:
            raise TypeError(f"{self.name} takes k, {', '.join([*self.names, 'loc'])}")
        *shapes, loc, scale = self._arguments(args, kwargs)
        k = as_array(x) - loc
        if is_operand(k):
            raise TypeError(
                f"taylor.scipy.stats.{self.name} counts k in whole steps: it has no derivative in "
                "k (or loc); pass a plain number (k.value)"
            )
        return k, shapes, loc, scale

    def _of_x(self, function: str, z: Any, shapes: list[Any]) -> Any:
        low, high = self.ends[0], self.last(*shapes)
        k, (below, above) = np.floor(z), OF_X[function]
        y = self._inside(function, np.where((k < low) | (k >= high), low, k), shapes)
        lost = sum(0 * s for s in shapes)
        return np.where(k < low, below + lost, np.where(k >= high, above + lost, y))

    def _quantile(
        self, function: str, q: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return self._of_plain(function, "it is a step function")(q, *args, **kwargs)


def _choose(n: Any, k: Any) -> Any:
    return sp.gammaln(n + 1) - sp.gammaln(k + 1) - sp.gammaln(n - k + 1)


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
# fmt: on
DISCRETE = [d for d in list(globals().values()) if isinstance(d, Discrete)]


# ------------------------------------------------------------------ vectors
class MultivariateNormal(Distribution):
    """The normal distribution of vectors, which stand in the last axis of x."""

    def logpdf(self, x: Any, mean: Any = None, cov: Any = 1.0, allow_singular: bool = False) -> Any:
        """Return -½ (|L⁻¹(x - mean)|² + log det cov + n log 2π), cov = L Lᵀ positive definite.

        cov is a matrix, the diagonal of one, or a multiple of the unit matrix.  One that is
        singular, if allowed, is a plain matrix: the density is that in its range, as SciPy's.

        >>> float(multivariate_normal.logpdf([0.0, 0.0])).__round__(6)
        -1.837877
        """
        x = as_array(x)
        off = x if mean is None else x - as_array(mean)
        n = np.shape(off)[-1] if np.ndim(off) else 1
        off = np.reshape(off, (*np.shape(off)[: max(np.ndim(off) - 1, 0)], n))
        cov, flat = _matrix(cov, n), np.reshape(off, (-1, n))
        if allow_singular and not is_operand(cov):
            z, half_log_det, outside = _in_range(cov, flat)
        else:
            low = np.linalg.cholesky(cov)
            z, half_log_det = np.linalg.solve(low, np.transpose(flat)), _half_log_det(low)
            outside = None
        y = -0.5 * np.sum(z * z, axis=0) - half_log_det - 0.5 * len(z) * LOG_2PI
        y = y if outside is None else np.where(outside, -np.inf, y)
        return np.reshape(y, np.shape(off)[:-1])[()]

    def pdf(self, x: Any, mean: Any = None, cov: Any = 1.0, allow_singular: bool = False) -> Any:
        """Return exp(logpdf)."""
        return fn.exp(self.logpdf(x, mean, cov, allow_singular))

    def entropy(self, mean: Any = None, cov: Any = 1.0) -> Any:
        """Return ½ log det(2πe cov), whatever the mean is.

        >>> float(multivariate_normal.entropy(cov=[1.0, 1.0])).__round__(6)
        2.837877
        """
        sizes = [np.shape(as_array(v))[-1:] for v in (cov, 0.0 if mean is None else mean)]
        n = max([1, *(size[0] for size in sizes if size)])
        return _half_log_det(np.linalg.cholesky(_matrix(cov, n))) + 0.5 * n * (1.0 + LOG_2PI)


def _matrix(cov: Any, n: int) -> Any:
    """Return a covariance of n variables as a matrix."""
    cov = as_array(cov)
    cov = np.eye(n) * cov if np.ndim(cov) < 2 else cov
    if np.shape(cov) != (n, n):
        raise ShapeMismatch(f"cov of shape {np.shape(cov)} does not fit vectors of length {n}")
    return cov


def _half_log_det(low: Any) -> Any:
    return np.sum(fn.log(np.diagonal(low)))


def _in_range(cov: Any, rows: Any) -> tuple[Any, Any, Any]:
    """Return the rows, in columns and in units of a plain covariance, within its range.

    Also half the logarithm of its determinant there, and whether the rows lie outside (None: all
    vectors are in it), farther away than SciPy lets pass.
    """
    variances, vectors = np.linalg.eigh(cov)
    kind = variances.dtype
    least = (1e3 if kind == np.float32 else 1e6) * np.finfo(kind).eps * np.max(np.abs(variances))
    if variances[0] < -least:
        raise ValueError("cov has a negative eigenvalue; it must be positive semidefinite")
    here = variances > least
    units = vectors[:, here] / np.sqrt(variances[here])
    outside: Any = None
    if not here.all():
        outside = np.sum((rows @ vectors[:, ~here]) ** 2, axis=-1) >= (1e3 * least) ** 2
    return np.transpose(rows @ units), 0.5 * np.sum(np.log(variances[here])), outside


class Dirichlet(Distribution):
    """The Dirichlet distribution; the parts x_i, which sum to one, stand in the first axis."""

    def logpdf(self, x: Any, alpha: Any) -> Any:
        """Return Σ (α_i - 1) log x_i - Σ log Γ(α_i) + log Γ(Σ α_i).

        >>> float(dirichlet.logpdf([0.2, 0.8], [1.0, 1.0]))
        0.0
        """
        x, alpha = as_array(x), as_array(alpha)
        if np.shape(x)[:1] != np.shape(alpha):
            raise ShapeMismatch(
                f"dirichlet: x of shape {np.shape(x)}, alpha of shape {np.shape(alpha)} do not fit"
            )
        column = np.reshape(alpha, (*np.shape(alpha), *(1,) * (np.ndim(x) - 1)))
        norm = np.sum(sp.gammaln(alpha)) - sp.gammaln(np.sum(alpha))
        return np.sum(sp.xlogy(column - 1, x), axis=0) - norm

    def pdf(self, x: Any, alpha: Any) -> Any:
        """Return exp(logpdf)."""
        return fn.exp(self.logpdf(x, alpha))


multivariate_normal, dirichlet = MultivariateNormal("multivariate_normal"), Dirichlet("dirichlet")

if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
