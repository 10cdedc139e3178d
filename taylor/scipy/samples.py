"""What scipy.stats does with samples beside moments and tests: parts, quantiles, lines, tables.

>>> import taylor
>>> taylor.gradient(lambda x: theilslopes(x, [0.0, 1.0, 3.0]).slope, [0.0, 1.0, 5.0]).round(6)
array([-0.333333,  0.      ,  0.333333])
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.stats

from taylor.core import functions as f
from taylor.core.operand import as_array
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import base_array
from taylor.scipy import special
from taylor.scipy.descriptive import kurtosis, sample, skew
from taylor.scipy.given import floats
from taylor.scipy.hypotheses import Outcome, pearsonr, power_divergence

__all__ = [
    "binned_statistic", "chi2_contingency", "combine_pvalues", "describe", "directional_stats",
    "expectile", "lmoment", "obrientransform", "pointbiserialr", "scoreatpercentile",
    "sigmaclip", "theilslopes", "tmax", "tmin", "trim1", "trimboth",
]  # fmt: skip

PERCENTILES: dict[str, Any] = {"fraction": "linear", "lower": "lower", "higher": "higher"}
OF_BINS: dict[Any, Any] = {
    "mean": np.mean, "std": np.std, "median": np.median, "min": np.min, "max": np.max,
    "sum": np.sum, "count": len,
}  # fmt: skip
SHIFTED = {  # L-moments of b_k, the means of x_i (i choose k)/(n - 1 choose k), i from 0
    1: (1.0,), 2: (-1.0, 2.0), 3: (1.0, -6.0, 6.0), 4: (-1.0, 12.0, -30.0, 20.0),
}  # fmt: skip


class Description(NamedTuple):
    """What a sample is like."""

    nobs: int
    minmax: tuple[Any, Any]
    mean: Any
    variance: Any
    skewness: Any
    kurtosis: Any


class Clipped(NamedTuple):
    """What is left of a sample, and between which limits."""

    clipped: Any
    lower: Any
    upper: Any


class Slopes(NamedTuple):
    """A line of medians, and the ends of an interval for its slope."""

    slope: Any
    intercept: Any
    low_slope: Any
    high_slope: Any


class Contingency(NamedTuple):
    """The test of a table, and the frequencies of independent rows and columns."""

    statistic: Any
    pvalue: Any
    dof: int
    expected_freq: Any


class Binned(NamedTuple):
    """A statistic of the values in each bin, the ends of bins, and the bin of each value."""

    statistic: Any
    bin_edges: Any
    binnumber: Any


class Direction(NamedTuple):
    """The direction of the mean of unit vectors, and its length."""

    mean_direction: Any
    mean_resultant_length: Any


def describe(a: Any, axis: int | None = 0, ddof: int = 1, bias: bool = True) -> Description:
    """Return size, extremes, mean, variance, skewness and kurtosis.

    >>> float(describe([1.0, 2.0, 6.0]).variance)
    7.0
    """
    x = sample(a, axis)
    ends = np.min(x, axis=-1), np.max(x, axis=-1)
    moments = skew(x, -1, bias), kurtosis(x, -1, bias=bias)
    middle, spread = np.mean(x, axis=-1), np.var(x, axis=-1, ddof=ddof)
    return Description(np.shape(x)[-1], ends, middle, spread, *moments)


def lmoment(a: Any, order: Any = None, *, axis: int | None = 0, standardize: bool = True) -> Any:
    """Return L-moments of orders up to 4, by default all four (Hosking, JRSS B 52, 1990).

    If `standardize`, those of orders 3 and 4 are ratios to the second.

    >>> lmoment([1.0, 2.0, 6.0], 2).round(6)
    np.float64(1.666667)
    """
    x = np.sort(sample(a, axis), axis=-1)
    n = np.shape(x)[-1]
    orders = np.arange(1, 5) if order is None else np.asarray(order)
    if not np.isin(orders, [*SHIFTED]).all():
        raise ValueError(f"lmoment knows orders 1 to 4, not {order!r}")
    places = np.arange(n)
    with np.errstate(invalid="ignore"):
        shares = [special.binom(places, k) / special.binom(n - 1, k) for k in range(4)]

    def one(order: int) -> Any:
        weights = sum(c * w for c, w in zip(SHIFTED[order], shares, strict=False))
        return np.mean(x * weights, axis=-1)

    found = [one(k) / (one(2) if standardize and k > 2 else 1.0) for k in np.ravel(orders).tolist()]
    return found[0] if orders.ndim == 0 else np.stack([as_array(y) for y in found])


def expectile(a: Any, alpha: float = 0.5, *, weights: Any = None) -> Any:
    """Return t with α Σ w max(a - t, 0) = (1 - α) Σ w max(t - a, 0), for plain α and weights.

    >>> expectile([1.0, 2.0, 6.0], 0.5)
    np.float64(3.0)
    """
    x = floats(a)
    plain = base_array(x)
    t = scipy.stats.expectile(plain, alpha, weights=weights)
    sides = np.where(plain > t, alpha, 1 - alpha) * (1.0 if weights is None else weights)
    return np.sum(x * sides) / np.sum(sides)


# ------------------------------------------------------------------ parts of a sample
def scoreatpercentile(
    a: Any, per: Any, limit: Any = (), interpolation_method: str = "fraction", axis: Any = None
) -> Any:
    """Return percentiles, of what lies between limits if there are any."""
    if interpolation_method not in PERCENTILES:
        raise ValueError(f"interpolation_method is one of {', '.join(PERCENTILES)}")
    x = floats(a)
    if limit:
        x = x[np.asarray((x >= limit[0]) & (x <= limit[1]))]
    return np.percentile(x, per, axis=axis, method=PERCENTILES[interpolation_method])


def tmin(a: Any, lowerlimit: Any = None, axis: int | None = 0, inclusive: bool = True) -> Any:
    """Return the smallest element that is not below a limit; nan if there is none."""
    return -tmax(-floats(a), None if lowerlimit is None else -lowerlimit, axis, inclusive)


def tmax(a: Any, upperlimit: Any = None, axis: int | None = 0, inclusive: bool = True) -> Any:
    """Return the largest element that is not above a limit; nan if there is none.

    >>> tmax([1.0, 2.0, 6.0], 3.0)
    np.float64(2.0)
    """
    x = sample(a, axis)
    if upperlimit is None:
        return np.max(x, axis=-1)
    known = x <= upperlimit if inclusive else x < upperlimit
    found = np.max(np.where(known, x, -np.inf), axis=-1)
    return np.where(np.any(known, axis=-1), found, np.nan)[()]


def trimboth(a: Any, proportiontocut: float, axis: int | None = 0) -> Any:
    """Return what is left, in order, without that part of the smallest and the largest."""
    x = np.sort(sample(a, axis), axis=-1)
    n = np.shape(x)[-1]
    cut = int(proportiontocut * n)
    if 2 * cut >= n:
        raise ValueError("Proportion too big.")
    return np.moveaxis(x[..., cut : n - cut], -1, 0 if axis is None else axis)


def trim1(a: Any, proportiontocut: float, tail: str = "right", axis: int | None = 0) -> Any:
    """Return what is left, in order, without that part of the largest (of tail "left": smallest).

    >>> trim1([3.0, 1.0, 2.0, 4.0], 0.25)
    array([1., 2., 3.])
    """
    if tail not in ("left", "right"):
        raise ValueError(f"tail is 'left' or 'right', not {tail!r}")
    x = np.sort(sample(a, axis), axis=-1)
    n = np.shape(x)[-1]
    cut = int(proportiontocut * n)
    x = x[..., : n - cut] if tail == "right" else x[..., cut:]
    return np.moveaxis(x, -1, 0 if axis is None else axis)


def sigmaclip(a: Any, low: float = 4.0, high: float = 4.0) -> Clipped:
    """Return what lies within so many standard deviations of the mean of what is left, and where.

    >>> sigmaclip([1.0, 2.0, 3.0], 1.0, 1.0).clipped
    array([2.])
    """
    x = np.reshape(floats(a), -1)
    while True:
        middle, spread = np.mean(x), np.std(x)
        lower, upper = middle - spread * low, middle + spread * high
        known = np.asarray((x >= lower) & (x <= upper))
        if known.all():
            return Clipped(x, lower, upper)
        x = x[known]


# ------------------------------------------------------------------ tests and lines
def combine_pvalues(
    pvalues: Any, method: str = "fisher", weights: Any = None, *, axis: int | None = 0
) -> Outcome:
    """Return the test of several probabilities: "fisher", "pearson", "tippett" or "stouffer".

    >>> combine_pvalues([0.1, 0.2], "tippett").pvalue.round(6)
    np.float64(0.19)
    """
    p = sample(pvalues, axis)
    n = np.shape(p)[-1]
    if method == "fisher":
        found = -2 * np.sum(f.log(p), axis=-1)
        return Outcome(found, special.chdtrc(2.0 * n, found))
    if method == "pearson":
        found = 2 * np.sum(f.log1p(-p), axis=-1)
        return Outcome(found, special.chdtr(2.0 * n, -found))
    if method == "tippett":
        least = np.min(p, axis=-1)
        return Outcome(least, -f.expm1(n * f.log1p(-least)))
    if method != "stouffer":
        raise ValueError(f"method is 'fisher', 'pearson', 'tippett' or 'stouffer', not {method!r}")
    w = np.ones(n) if weights is None else as_array(weights)
    found = np.sum(-special.ndtri(p) * w, axis=-1) / f.sqrt(np.sum(w * w, axis=-1))
    return Outcome(found, special.ndtr(-found))


def obrientransform(*samples: Any) -> Any:
    """Return numbers whose means are the variances of samples (O'Brien, Psych. Bull. 89, 1981)."""

    def one(a: Any) -> Any:
        x = floats(a)
        n = np.size(x)
        square = (x - np.mean(x)) ** 2
        return ((n - 1.5) * n * square - 0.5 * np.sum(square)) / ((n - 1) * (n - 2))

    return np.stack([one(a) for a in samples])


def pointbiserialr(x: Any, y: Any) -> Outcome:
    """Return `pearsonr` of what is true or false and a sample."""
    return pearsonr(np.asarray(x) * 1.0, y)


def theilslopes(y: Any, x: Any = None, alpha: float = 0.95, method: str = "separate") -> Slopes:
    """Return the line whose slope is the median of those of all pairs (Sen, JASA 63, 1968).

    Its intercept is by the medians of y and x ("separate"), or that of y - slope x ("joint").
    """
    if method not in ("separate", "joint"):
        raise ValueError(f"method is 'separate' or 'joint', not {method!r}")
    y = np.reshape(floats(y), -1)
    x = np.arange(np.size(y)) * 1.0 if x is None else np.reshape(floats(x), -1)
    if np.shape(x) != np.shape(y):
        raise ShapeMismatch(f"theilslopes: points of shapes {np.shape(x)} and {np.shape(y)}")
    i, j = np.triu_indices(np.size(y), 1)
    apart = np.asarray(x[i] != x[j])
    i, j = i[apart], j[apart]
    slopes = np.sort((y[j] - y[i]) / (x[j] - x[i]))
    slope, middle = np.median(slopes), np.median(y)
    offset = middle - slope * np.median(x) if method == "separate" else np.median(y - slope * x)
    z = special.ndtri(min(alpha, 1 - alpha) / 2 if alpha > 0.5 else alpha / 2)
    n, pairs = np.size(y), np.size(i)
    ties = sum(_tied(base_array(v)) for v in (x, y))
    spread = math.sqrt(max(n * (n - 1) * (2 * n + 5) - ties, 0) / 18)
    high = min(round((pairs - z * spread) / 2), pairs - 1)
    low = max(round((pairs + z * spread) / 2) - 1, 0)
    return Slopes(slope, offset, slopes[low], slopes[high])


def _tied(x: Any) -> int:
    count = np.unique(x, return_counts=True)[1]
    return int(np.sum(count * (count - 1) * (2 * count + 5) * (count > 1)))


# ------------------------------------------------------------------ tables, bins, directions
def chi2_contingency(observed: Any, correction: bool = True, lambda_: Any = None) -> Contingency:
    """Return the test for independent rows and columns of a table, with that of Yates for 2 x 2.

    >>> float(chi2_contingency([[1.0, 3.0], [3.0, 1.0]], correction=False).statistic)
    2.0
    """
    o = floats(observed)
    if np.ndim(o) != 2:
        raise ShapeMismatch(f"chi2_contingency: a table of shape {np.shape(o)}")
    rows, columns = np.sum(o, axis=1, keepdims=True), np.sum(o, axis=0, keepdims=True)
    expected = rows * columns / np.sum(o)
    dof = (np.shape(o)[0] - 1) * (np.shape(o)[1] - 1)
    if dof == 1 and correction:
        off = expected - o
        o = o + np.sign(off) * np.minimum(0.5, abs(off))
    found = power_divergence(
        o, expected, ddof=np.size(o) - 1 - dof, axis=None, lambda_=lambda_
    )  # fmt: skip
    return Contingency(found.statistic, found.pvalue, dof, expected)


def binned_statistic(
    x: Any, values: Any, statistic: str | Callable[[Any], Any] = "mean", bins: Any = 10,
    range: Any = None,
) -> Binned:  # fmt: skip
    """Return a statistic of the values whose plain x lie in each bin.

    >>> binned_statistic([0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 5.0], bins=2).statistic
    array([1.5, 4. ])
    """
    y = floats(values)
    of: Any = OF_BINS.get(statistic) if isinstance(statistic, str) else statistic
    if of is None or np.ndim(y) != 1:
        raise ValueError(f"statistic is a function or one of {', '.join(OF_BINS)}; values a vector")
    plain = np.asarray(x)
    _, edges, number = scipy.stats.binned_statistic(plain, plain, "count", bins, range)
    empty = 0.0 if statistic in ("sum", "count") else np.nan
    places = (number == k for k in np.arange(1, len(edges)))
    found = [of(y[p]) if p.any() else empty for p in places]
    return Binned(np.stack([as_array(v) for v in found]), edges, number)


def directional_stats(samples: Any, *, axis: int = 0, normalize: bool = True) -> Direction:
    """Return the direction of the mean of unit vectors in the last axis, and its length."""
    x = np.moveaxis(floats(samples), axis, 0)
    if normalize:
        x = x / f.sqrt(np.sum(x * x, axis=-1, keepdims=True))
    mean = np.mean(x, axis=0)
    length = f.sqrt(np.sum(mean * mean, axis=-1, keepdims=True))
    return Direction(mean / length, length[..., 0][()])
