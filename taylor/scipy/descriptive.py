"""The statistics of samples in scipy.stats: moments, means, densities estimated from data.

>>> import taylor
>>> taylor.gradient(lambda x: skew(x), [0.0, 1.0, 3.0]).round(6)
array([ 0.441799, -0.662699,  0.2209  ])
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.core import functions as f
from taylor.core.operand import as_array
from taylor.numbers.kinds import is_operand
from taylor.scipy import special
from taylor.scipy.given import floats

__all__ = [
    "boxcox", "boxcox_llf", "circmean", "circstd", "circvar", "energy_distance", "entropy",
    "gaussian_kde", "gmean", "gstd", "gzscore", "hmean", "iqr", "kstat", "kstatvar", "kurtosis",
    "median_abs_deviation", "moment", "pmean", "sem", "skew", "tmean", "trim_mean", "tsem", "tstd",
    "tvar", "variation", "wasserstein_distance", "yeojohnson", "yeojohnson_llf", "zmap", "zscore",
]  # fmt: skip


def sample(a: Any, axis: int | None) -> Any:
    """Return a sample along the last axis."""
    a = floats(a)
    return np.reshape(a, -1) if axis is None else np.moveaxis(a, axis, -1)


def _mean(x: Any, weights: Any = None) -> Any:
    return np.mean(x, axis=-1) if weights is None else np.average(x, axis=-1, weights=weights)


# ------------------------------------------------------------------ moments
def _central(x: Any, order: int, center: Any = None) -> Any:
    middle = np.mean(x, axis=-1, keepdims=True) if center is None else center
    return np.mean((x - middle) ** order, axis=-1)


def moment(a: Any, order: int = 1, axis: int | None = 0, *, center: Any = None) -> Any:
    """Return the moment of an order about the mean, or about a centre.

    >>> float(moment([1.0, 2.0, 6.0], 2)).__round__(6)
    4.666667
    """
    x = sample(a, axis)
    return 0.0 * np.sum(x, axis=-1) if order == 1 and center is None else _central(x, order, center)


def skew(a: Any, axis: int | None = 0, bias: bool = True) -> Any:
    """Return m₃/m₂^(3/2), for `bias=False` corrected for the size of the sample."""
    x = sample(a, axis)
    n, found = np.shape(x)[-1], _central(x, 3) / _central(x, 2) ** 1.5
    return found if bias or n < 3 else found * (math.sqrt(n * (n - 1)) / (n - 2))


def kurtosis(a: Any, axis: int | None = 0, fisher: bool = True, bias: bool = True) -> Any:
    """Return m₄/m₂², less 3 for `fisher`; for `bias=False` corrected for the size of the sample."""
    x = sample(a, axis)
    n, found = np.shape(x)[-1], _central(x, 4) / _central(x, 2) ** 2
    if not bias and n > 3:
        found = ((n**2 - 1) * found - 3 * (n - 1) ** 2) / ((n - 2) * (n - 3)) + 3
    return found - 3 if fisher else found


def kstat(data: Any, n: int = 2, *, axis: int | None = None) -> Any:
    """Return the k-statistic of an order up to 4: the unbiased estimate of the cumulant.

    >>> float(kstat([1.0, 2.0, 6.0]))
    7.0
    """
    x = sample(data, axis)
    many = np.shape(x)[-1]
    if n not in (1, 2, 3, 4):
        raise ValueError(f"k-statistics only supported for 1<=n<=4, not {n}")
    if n == 1:
        return np.mean(x, axis=-1)
    found = _central(x, n)
    if n == 4:
        found = ((many + 1) * found - 3 * (many - 1) * _central(x, 2) ** 2) / (many - 3)
    return found * {
        2: many / (many - 1), 3: many**2 / ((many - 1) * (many - 2)),
        4: many**2 / ((many - 1) * (many - 2)),
    }[n]  # fmt: skip


def kstatvar(data: Any, n: int = 2, *, axis: int | None = None) -> Any:
    """Return an unbiased estimate of the variance of `kstat` of order 1 or 2."""
    many = np.shape(sample(data, axis))[-1]
    square = kstat(data, 2, axis=axis)
    if n == 1:
        return square / many
    if n != 2:
        raise ValueError("Only n=1 or n=2 supported.")
    fourth = kstat(data, 4, axis=axis)
    return (2 * many * square**2 + (many - 1) * fourth) / (many * (many + 1))


def median_abs_deviation(
    x: Any, axis: int | None = 0, center: Callable[..., Any] = np.median,
    scale: float | str = 1.0,
) -> Any:  # fmt: skip
    """Return the median distance to the median, divided by scale ("normal": 0.6744898, Φ⁻¹(¾)).

    >>> float(median_abs_deviation([1.0, 2.0, 6.0]))
    1.0
    """
    x = sample(x, axis)
    if isinstance(scale, str):
        if scale != "normal":
            raise ValueError(f"{scale} is not a valid scale value.")
        scale = float(special.ndtri(0.75))
    away = x - np.expand_dims(center(x, axis=-1), -1)
    return np.median(np.abs(away), axis=-1) / scale


def variation(a: Any, axis: int | None = 0, *, ddof: int = 0) -> Any:
    """Return the standard deviation divided by the mean."""
    x = sample(a, axis)
    return np.std(x, axis=-1, ddof=ddof) / np.mean(x, axis=-1)


def sem(a: Any, axis: int | None = 0, ddof: int = 1) -> Any:
    """Return the standard error of the mean."""
    x = sample(a, axis)
    return np.std(x, axis=-1, ddof=ddof) / math.sqrt(np.shape(x)[-1])


def zmap(scores: Any, compare: Any, axis: int | None = 0, ddof: int = 0) -> Any:
    """Return scores less the mean of a sample, divided by its standard deviation."""
    x = as_array(compare)
    middle = np.mean(x, axis=axis, keepdims=True)
    return (as_array(scores) - middle) / np.std(x, axis=axis, ddof=ddof, keepdims=True)


def zscore(a: Any, axis: int | None = 0, ddof: int = 0) -> Any:
    """Return `zmap` of a sample to itself.

    >>> zscore([1.0, 2.0, 3.0]).round(6)
    array([-1.224745,  0.      ,  1.224745])
    """
    return zmap(a, a, axis, ddof)


def gzscore(a: Any, *, axis: int | None = 0, ddof: int = 0) -> Any:
    """Return `zscore` of the logarithms."""
    return zscore(f.log(as_array(a)), axis, ddof)


# ------------------------------------------------------------------ means
def gmean(a: Any, axis: int | None = 0, *, weights: Any = None) -> Any:
    """Return the geometric mean.

    >>> float(gmean([1.0, 4.0]))
    2.0
    """
    return f.exp(_mean(f.log(sample(a, axis)), weights))


def gstd(a: Any, axis: int | None = 0, ddof: int = 1) -> Any:
    """Return the geometric standard deviation."""
    return f.exp(np.std(f.log(sample(a, axis)), axis=-1, ddof=ddof))


def hmean(a: Any, axis: int | None = 0, *, weights: Any = None) -> Any:
    """Return the harmonic mean."""
    return 1.0 / _mean(1.0 / sample(a, axis), weights)


def pmean(a: Any, p: Any, *, axis: int | None = 0, weights: Any = None) -> Any:
    """Return the power mean, (mean of x^p)^(1/p)."""
    if not is_operand(p) and p == 0:
        return gmean(a, axis, weights=weights)
    return _mean(sample(a, axis) ** p, weights) ** (1 / p)


def _within(a: Any, limits: Any, inclusive: Any, axis: Any) -> tuple[Any, Any, Any]:
    """Return a sample, where it lies within limits, and how much of it does."""
    x = sample(a, axis)
    low, high = limits if limits is not None else (None, None)
    known = np.ones(np.shape(x), dtype=bool)
    if low is not None:
        known = known & np.asarray(x >= low if inclusive[0] else x > low)
    if high is not None:
        known = known & np.asarray(x <= high if inclusive[1] else x < high)
    return x, known, np.sum(known, axis=-1)


def tmean(a: Any, limits: Any = None, inclusive: Any = (True, True), axis: Any = None) -> Any:
    """Return the mean of what lies within limits.

    >>> float(tmean([1.0, 2.0, 9.0], (0.0, 5.0)))
    1.5
    """
    x, known, _ = _within(a, limits, inclusive, axis)
    return np.mean(x, axis=-1, where=known)


def tvar(
    a: Any, limits: Any = None, inclusive: Any = (True, True), axis: Any = 0, ddof: int = 1
) -> Any:
    """Return the variance of what lies within limits."""
    x, known, _ = _within(a, limits, inclusive, axis)
    return np.var(x, axis=-1, where=known, ddof=ddof)


def tstd(
    a: Any, limits: Any = None, inclusive: Any = (True, True), axis: Any = 0, ddof: int = 1
) -> Any:
    """Return the standard deviation of what lies within limits."""
    return f.sqrt(tvar(a, limits, inclusive, axis, ddof))


def tsem(
    a: Any, limits: Any = None, inclusive: Any = (True, True), axis: Any = 0, ddof: int = 1
) -> Any:
    """Return the standard error of the mean of what lies within limits."""
    count = _within(a, limits, inclusive, axis)[2]
    return tstd(a, limits, inclusive, axis, ddof) / np.sqrt(count)


def trim_mean(a: Any, proportiontocut: float, axis: int | None = 0) -> Any:
    """Return the mean without that part of the smallest and of the largest elements."""
    x = np.sort(sample(a, axis), axis=-1)
    n = np.shape(x)[-1]
    cut = int(proportiontocut * n)
    if 2 * cut >= n:
        raise ValueError("Proportion too big.")
    return np.mean(x[..., cut : n - cut], axis=-1)


def iqr(x: Any, axis: int | None = None, rng: Any = (25, 75), scale: float = 1.0) -> Any:
    """Return the distance of two percentiles."""
    low, high = np.percentile(sample(x, axis), sorted(rng), axis=-1)
    return (high - low) / scale


def _circle(samples: Any, high: float, low: float, axis: int | None) -> tuple[Any, Any, float]:
    period = high - low
    angles = (sample(samples, axis) - low) * (2 * math.pi / period)
    return np.mean(f.sin(angles), axis=-1), np.mean(f.cos(angles), axis=-1), period


def circmean(
    samples: Any, high: float = 2 * math.pi, low: float = 0.0, axis: int | None = None
) -> Any:
    """Return the mean direction of angles, between two ends."""
    s, c, period = _circle(samples, high, low, axis)
    return f.mod(f.atan2(s, c) * (period / (2 * math.pi)), period) + low


def circvar(
    samples: Any, high: float = 2 * math.pi, low: float = 0.0, axis: int | None = None
) -> Any:
    """Return 1 - R, where R is the length of the mean of points on a circle."""
    s, c, _ = _circle(samples, high, low, axis)
    return 1.0 - f.hypot(s, c)


def circstd(
    samples: Any, high: float = 2 * math.pi, low: float = 0.0, axis: int | None = None,
    *, normalize: bool = False,
) -> Any:  # fmt: skip
    """Return √(-2 log R) of angles, in their units unless `normalize`."""
    s, c, period = _circle(samples, high, low, axis)
    found = f.sqrt(-2 * f.log(f.hypot(s, c)))
    return found if normalize else found * (period / (2 * math.pi))


# ------------------------------------------------------------------ information
def entropy(pk: Any, qk: Any = None, base: float | None = None, axis: int | None = 0) -> Any:
    """Return -Σ p log p of probabilities, or of frequencies; with qk Σ p log(p/q).

    >>> float(entropy([1.0, 1.0], base=2))
    1.0
    """
    p = sample(pk, axis)
    p = p / np.sum(p, axis=-1, keepdims=True)
    if qk is None:
        parts = special.entr(p)
    else:
        q = sample(qk, axis)
        parts = special.rel_entr(p, q / np.sum(q, axis=-1, keepdims=True))
    found = np.sum(parts, axis=-1)
    return found if base is None else found / math.log(base)


def boxcox(x: Any, lmbda: Any = None, alpha: Any = None, optimizer: Any = None) -> Any:
    """Return the transform of Box and Cox with λ; without it what SciPy finds for plain data.

    >>> float(boxcox(2.0, 2.0))
    1.5
    """
    if lmbda is not None:
        return special.boxcox(x, lmbda)
    if is_operand(as_array(x)):
        raise TypeError("boxcox of data that vary takes lmbda, a number: find it for plain data")
    import scipy.stats  # which takes long to import

    return scipy.stats.boxcox(x, None, alpha, optimizer)


def yeojohnson(x: Any, lmbda: Any = None) -> Any:
    """Return the transform of Yeo and Johnson with λ; without it what SciPy finds for plain data.

    >>> float(yeojohnson(1.0, 2.0)), float(yeojohnson(-1.0, 0.0))
    (1.5, -1.5)
    """
    if lmbda is not None:
        return _yeojohnson(floats(x), lmbda)[0]
    if is_operand(as_array(x)):
        raise TypeError(
            "yeojohnson of data that vary takes lmbda, a number: find it for plain data"
        )
    import scipy.stats  # which takes long to import

    return scipy.stats.yeojohnson(x)


def _yeojohnson(x: Any, lmb: Any) -> tuple[Any, Any]:
    """Return the transform, and log(1 + |x|) with the sign of x."""
    low = x < 0
    size = f.log1p(np.where(low, -x, x))
    rate = np.where(low, 2 - as_array(lmb), lmb)
    sign = np.where(low, -1.0, 1.0)
    return sign * special.boxcox1p(f.expm1(size), rate), sign * size


def boxcox_llf(lmb: Any, data: Any, axis: int | None = 0) -> Any:
    """Return the log-likelihood of λ in the transform of Box and Cox, also as a function of λ."""
    x = sample(data, axis)
    n, logs = np.shape(x)[-1], f.log(x)
    spread = np.var(special.boxcox(x, lmb), axis=-1)
    return (lmb - 1) * np.sum(logs, axis=-1) - n / 2 * f.log(spread)


def yeojohnson_llf(lmb: Any, data: Any, axis: int | None = 0) -> Any:
    """Return the log-likelihood of λ in the transform of Yeo and Johnson, as `boxcox_llf`."""
    x = sample(data, axis)
    turned, sizes = _yeojohnson(x, lmb)
    jacobian = np.sum(sizes, axis=-1)
    return (lmb - 1) * jacobian - np.shape(x)[-1] / 2 * f.log(np.var(turned, axis=-1))


def _distance(u: Any, v: Any, weights: tuple[Any, Any], power: int) -> Any:
    """Return ∫|U - V|^power of two distribution functions that are steps at the data."""
    u, v = sample(u, None), sample(v, None)
    both = np.concatenate([u, v])
    order = np.argsort(both)
    mass = [
        np.ones(np.size(x)) if w is None else sample(w, None)
        for x, w in zip((u, v), weights, strict=True)
    ]
    steps = np.concatenate([mass[0] / np.sum(mass[0]), -mass[1] / np.sum(mass[1])])
    gaps = np.cumsum(steps[order])[:-1]
    return np.sum((np.abs(gaps) if power == 1 else gaps**2) * np.diff(both[order]))


def wasserstein_distance(
    u_values: Any, v_values: Any, u_weights: Any = None, v_weights: Any = None
) -> Any:
    """Return ∫|U - V| of the distribution functions of two samples.

    >>> float(wasserstein_distance([0.0, 1.0], [2.0, 3.0]))
    2.0
    """
    return _distance(u_values, v_values, (u_weights, v_weights), 1)


def energy_distance(
    u_values: Any, v_values: Any, u_weights: Any = None, v_weights: Any = None
) -> Any:
    """Return √(2 ∫(U - V)²) of the distribution functions of two samples."""
    return f.sqrt(2 * _distance(u_values, v_values, (u_weights, v_weights), 2))


# ------------------------------------------------------------------ densities
class gaussian_kde:
    """The density Σ w_i N(x; x_i, h² Σ) of a dataset, in the points and in the data.

    Σ is the covariance of the data, h is n^(-1/(d+4)) (Scott), or Silverman's, or a number.

    >>> float(gaussian_kde([0.0, 1.0, 3.0])(1.0)[0]).__round__(6)
    0.214895
    """

    def __init__(self, dataset: Any, bw_method: Any = None, weights: Any = None) -> None:
        self.dataset = np.atleast_2d(as_array(dataset))
        self.d, self.n = np.shape(self.dataset)
        w = np.ones(self.n) if weights is None else as_array(weights)
        self.weights = w / np.sum(w)
        self.neff = 1 / np.sum(self.weights**2)
        self.factor = self._factor(bw_method)
        centred = self.dataset - np.sum(self.dataset * self.weights, axis=1, keepdims=True)
        spread = np.matmul(centred * self.weights, np.transpose(centred))
        self.covariance = spread / (1 - np.sum(self.weights**2)) * self.factor**2

    def _factor(self, method: Callable[[gaussian_kde], Any] | Any) -> Any:
        if method in (None, "scott"):
            return self.neff ** (-1.0 / (self.d + 4))
        if isinstance(method, str) and method == "silverman":
            return (self.neff * (self.d + 2.0) / 4.0) ** (-1.0 / (self.d + 4))
        if isinstance(method, str):
            raise ValueError("`bw_method` should be 'scott', 'silverman', a scalar or a callable.")
        return method(self) if callable(method) else method

    def logpdf(self, x: Any) -> Any:
        """Return the logarithm of the density at points."""
        x = np.atleast_2d(as_array(x))
        if np.shape(x)[0] == 1 and self.d > 1:
            x = np.transpose(x)
        low = np.linalg.cholesky(self.covariance)
        at = np.transpose(np.linalg.solve(low, x))
        data = np.transpose(np.linalg.solve(low, self.dataset))
        square = np.sum((at[:, None, :] - data[None, :, :]) ** 2, axis=-1)
        norm = np.sum(f.log(np.diagonal(low))) + 0.5 * self.d * math.log(2 * math.pi)
        return special.logsumexp(-square / 2, axis=1, b=self.weights) - norm

    def pdf(self, x: Any) -> Any:
        """Return the density at points."""
        return f.exp(self.logpdf(x))

    __call__ = evaluate = pdf

    def integrate_box_1d(self, low: Any, high: Any) -> Any:
        """Return the integral of the density of numbers from low to high."""
        if self.d != 1:
            raise ValueError("integrate_box_1d() only handles 1D pdfs")
        h = f.sqrt(self.covariance[0, 0])
        above, below = (f.ndtr((at - self.dataset[0]) / h) for at in (high, low))
        return np.sum(self.weights * (above - below))

    def integrate_gaussian(self, mean: Any, cov: Any) -> Any:
        """Return the integral of the density times that of a normal distribution."""
        mean, cov = np.reshape(as_array(mean), -1), np.atleast_2d(as_array(cov))
        if np.shape(mean) != (self.d,) or np.shape(cov) != (self.d, self.d):
            raise ValueError(f"mean and cov are of {self.d} dimensions here")
        return self._products(np.reshape(mean, (-1, 1)), np.ones(1), cov)

    def integrate_kde(self, other: gaussian_kde) -> Any:
        """Return the integral of the density times another one."""
        if other.d != self.d:
            raise ValueError("KDEs are not the same dimensionality")
        return self._products(other.dataset, other.weights, other.covariance)

    def _products(self, means: Any, weights: Any, covariance: Any) -> Any:
        """Return Σ_ij w_i v_j N(x_i; m_j, Σ + C)."""
        low = np.linalg.cholesky(self.covariance + covariance)
        x, m = (np.transpose(np.linalg.solve(low, e)) for e in (self.dataset, means))
        square = np.sum((x[:, None, :] - m[None, :, :]) ** 2, axis=-1)
        norm = np.prod(np.diagonal(low)) * (2 * math.pi) ** (self.d / 2)
        return np.sum(np.outer(self.weights, weights) * f.exp(-square / 2)) / norm
