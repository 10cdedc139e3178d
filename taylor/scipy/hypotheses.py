"""The tests of scipy.stats, whose statistics and probabilities vary with the samples; lines.

>>> import taylor
>>> taylor.gradient(lambda x: pearsonr(x, [0.0, 1.0, 3.0]).statistic, [0.0, 1.0, 2.0]).round(6)
array([ 0.054554, -0.109109,  0.054554])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from taylor.core import functions as f
from taylor.core.operand import as_array
from taylor.errors import ShapeMismatch
from taylor.scipy import special
from taylor.scipy.descriptive import kurtosis, sample, sem, skew

__all__ = [
    "bartlett", "chisquare", "f_oneway", "jarque_bera", "kurtosistest", "levene", "linregress",
    "normaltest", "pearsonr", "power_divergence", "skewtest", "ttest_1samp", "ttest_ind",
    "ttest_ind_from_stats", "ttest_rel",
]  # fmt: skip

POWERS = {
    "pearson": 1.0, "log-likelihood": 0.0, "freeman-tukey": -0.5, "mod-log-likelihood": -1.0,
    "neyman": -2.0, "cressie-read": 2 / 3,
}  # fmt: skip


class Outcome(NamedTuple):
    """A statistic and the probability of one as far out by chance."""

    statistic: Any
    pvalue: Any


class Line(NamedTuple):
    """A line fitted to data, and how well."""

    slope: Any
    intercept: Any
    rvalue: Any
    pvalue: Any
    stderr: Any
    intercept_stderr: Any


def _sided(t: Any, below: Callable[[Any], Any], alternative: str) -> Outcome:
    """Return the test of a statistic with a symmetric distribution function `below`."""
    if alternative == "two-sided":
        return Outcome(t, 2 * below(np.where(t < 0, t, -t)))
    if alternative not in ("less", "greater"):
        raise ValueError(f"alternative is 'two-sided', 'less' or 'greater', not {alternative!r}")
    return Outcome(t, below(t if alternative == "less" else -t))


def _by_student(t: Any, freedom: Any, alternative: str = "two-sided") -> Outcome:
    """Return the test of a statistic that is Student's."""
    return _sided(t, lambda t: special.stdtr(freedom, t), alternative)


def ttest_1samp(
    a: Any, popmean: Any, axis: int | None = 0, *, alternative: str = "two-sided"
) -> Outcome:
    """Return the test of Student for the mean of a sample."""
    x = sample(a, axis)
    t = (np.mean(x, axis=-1) - as_array(popmean)) / sem(x, -1)
    return _by_student(t, np.shape(x)[-1] - 1, alternative)


def ttest_rel(a: Any, b: Any, axis: int | None = 0, *, alternative: str = "two-sided") -> Outcome:
    """Return the test of Student for the mean difference of pairs."""
    return ttest_1samp(as_array(a) - as_array(b), 0.0, axis, alternative=alternative)


def ttest_ind(
    a: Any, b: Any, *, axis: int | None = 0, equal_var: bool = True, alternative: str = "two-sided"
) -> Outcome:
    """Return the test of Student (or, unless `equal_var`, Welch) for equal means."""
    x, y = sample(a, axis), sample(b, axis)
    parts = [(np.mean(z, axis=-1), np.std(z, axis=-1, ddof=1), np.shape(z)[-1]) for z in (x, y)]
    return ttest_ind_from_stats(*parts[0], *parts[1], equal_var, alternative)


def ttest_ind_from_stats(
    mean1: Any, std1: Any, nobs1: Any, mean2: Any, std2: Any, nobs2: Any, equal_var: bool = True,
    alternative: str = "two-sided",
) -> Outcome:  # fmt: skip
    """Return `ttest_ind` of samples with these means, standard deviations and sizes.

    >>> float(ttest_ind_from_stats(1.0, 1.0, 8, 0.0, 1.0, 8).statistic)
    2.0
    """
    v, w, m, n = as_array(std1) ** 2, as_array(std2) ** 2, nobs1, nobs2
    freedom: Any = m + n - 2
    if equal_var:
        square = ((m - 1) * v + (n - 1) * w) / freedom * (1 / m + 1 / n)
    else:
        square = v / m + w / n
        freedom = square**2 / ((v / m) ** 2 / (m - 1) + (w / n) ** 2 / (n - 1))
    t = (as_array(mean1) - as_array(mean2)) / f.sqrt(square)
    return _by_student(t, freedom, alternative)


def f_oneway(*samples: Any, axis: int = 0) -> Outcome:
    """Return the test of Fisher for equal means of two or more samples."""
    each = [sample(a, axis) for a in samples]
    if len(each) < 2:
        raise TypeError(f"at least two inputs are required; got {len(each)}")
    n, k = sum(np.shape(x)[-1] for x in each), len(each)
    middle = np.mean(np.concatenate(each, axis=-1), axis=-1)
    between = sum(np.shape(x)[-1] * (np.mean(x, axis=-1) - middle) ** 2 for x in each)
    within = sum(np.shape(x)[-1] * np.var(x, axis=-1) for x in each)
    found = (between / (k - 1)) / (within / (n - k))
    return Outcome(found, special.fdtrc(k - 1.0, float(n - k), found))


def _correlated(x: Any, y: Any) -> tuple[Any, Any, Any]:
    """Return the sums of squares and products about the means."""
    x, y = x - np.mean(x, axis=-1, keepdims=True), y - np.mean(y, axis=-1, keepdims=True)
    return np.sum(x * x, axis=-1), np.sum(x * y, axis=-1), np.sum(y * y, axis=-1)


def pearsonr(x: Any, y: Any, *, axis: int | None = 0) -> Outcome:
    """Return the correlation of two samples, and its test by t = r √((n-2)/(1-r²))."""
    x, y = sample(x, axis), sample(y, axis)
    n = np.shape(x)[-1]
    if np.shape(y)[-1] != n:
        raise ShapeMismatch(f"pearsonr: samples of {n} and {np.shape(y)[-1]} elements")
    xx, xy, yy = _correlated(x, y)
    r = xy / f.sqrt(xx * yy)
    half = n / 2 - 1
    return Outcome(
        r, 2 * special.betainc(half, half, (1 - np.where(r < 0, -r, r)) / 2) if n > 2 else 1.0
    )


def linregress(x: Any, y: Any) -> Line:
    """Return the line through points by least squares."""
    x, y = sample(x, 0), sample(y, 0)
    n = np.size(x)
    if np.shape(x) != np.shape(y) or n < 3:
        raise ShapeMismatch(f"linregress: points of shapes {np.shape(x)} and {np.shape(y)}")
    xx, xy, yy = _correlated(x, y)
    slope, r = xy / xx, xy / f.sqrt(xx * yy)
    middle = np.mean(x)
    error = f.sqrt((1 - r * r) * yy / xx / (n - 2))
    p = _by_student(slope / error, n - 2).pvalue
    offset_error = error * f.sqrt(xx / n + middle * middle)
    return Line(slope, np.mean(y) - slope * middle, r, p, error, offset_error)


# ------------------------------------------------------------------ of a normal distribution
def skewtest(a: Any, axis: int | None = 0, *, alternative: str = "two-sided") -> Outcome:
    """Return the test for the skewness of a normal sample (D'Agostino, Biometrika 57, 1970)."""
    x = sample(a, axis)
    n = np.shape(x)[-1]
    if n < 8:
        raise ValueError(f"skewtest takes samples of eight or more elements, not {n}")
    y = skew(x, -1) * np.sqrt((n + 1) * (n + 3) / (6.0 * (n - 2)))
    beta = 3.0 * (n * n + 27 * n - 70) * (n + 1) * (n + 3)
    beta /= (n - 2.0) * (n + 5) * (n + 7) * (n + 9)
    square = np.sqrt(2 * (beta - 1)) - 1
    z = f.asinh(y * np.sqrt((square - 1) / 2)) / np.sqrt(0.5 * np.log(square))
    return _sided(z, special.ndtr, alternative)


def kurtosistest(a: Any, axis: int | None = 0, *, alternative: str = "two-sided") -> Outcome:
    """Return the test for the kurtosis of a normal sample (Anscombe & Glynn, Biometrika 70)."""
    x = sample(a, axis)
    n = np.shape(x)[-1]
    if n < 5:
        raise ValueError(f"kurtosistest takes samples of five or more elements, not {n}")
    mean = 3.0 * (n - 1) / (n + 1)
    spread = np.sqrt(24.0 * n * (n - 2) * (n - 3) / ((n + 1.0) ** 2 * (n + 3) * (n + 5)))
    lean = 6.0 * (n * n - 5 * n + 2) / ((n + 7) * (n + 9))
    lean *= np.sqrt(6.0 * (n + 3) * (n + 5) / (n * (n - 2.0) * (n - 3)))
    freedom = 6 + 8 / lean * (2 / lean + np.sqrt(1 + 4 / lean**2))
    y = (kurtosis(x, -1, fisher=False) - mean) / spread
    root = f.cbrt((1 - 2 / freedom) / (1 + y * np.sqrt(2 / (freedom - 4))))
    z = (1 - 2 / (9 * freedom) - root) / np.sqrt(2 / (9 * freedom))
    return _sided(z, special.ndtr, alternative)


def _by_chi_squared(statistic: Any, freedom: Any) -> Outcome:
    return Outcome(statistic, special.chdtrc(1.0 * freedom, statistic))


def normaltest(a: Any, axis: int | None = 0) -> Outcome:
    """Return the test of D'Agostino and Pearson for a normal sample."""
    x = sample(a, axis)
    squares = (t(x, -1).statistic ** 2 for t in (skewtest, kurtosistest))
    return _by_chi_squared(sum(squares), 2)


def jarque_bera(x: Any, *, axis: int | None = None) -> Outcome:
    """Return the test of Jarque and Bera for a normal sample.

    >>> float(jarque_bera([1.0, 2.0, 3.0]).statistic)
    0.28125
    """
    x = sample(x, axis)
    n = np.shape(x)[-1]
    return _by_chi_squared(n / 6 * (skew(x, -1) ** 2 + kurtosis(x, -1) ** 2 / 4), 2)


# ------------------------------------------------------------------ of counts and variances
def power_divergence(
    f_obs: Any, f_exp: Any = None, ddof: int = 0, axis: int | None = 0, lambda_: Any = None
) -> Outcome:
    """Return the test of Cressie and Read for frequencies, equal ones if none are expected."""
    o = sample(f_obs, axis)
    e = np.mean(o, axis=-1, keepdims=True) if f_exp is None else sample(f_exp, axis)
    e = np.broadcast_to(e, np.shape(o))
    power = 1.0 if lambda_ is None else POWERS.get(lambda_, lambda_)
    if isinstance(power, str):
        raise ValueError(f"lambda_ is a number or one of {', '.join(POWERS)}, not {lambda_!r}")
    if power == 1.0:
        terms = (o - e) ** 2 / e
    elif power == 0.0:
        terms = 2 * special.xlogy(o, o / e)
    elif power == -1.0:
        terms = 2 * special.xlogy(e, e / o)
    else:
        terms = o * ((o / e) ** power - 1) / (0.5 * power * (power + 1))
    return _by_chi_squared(np.sum(terms, axis=-1), np.shape(o)[-1] - 1 - ddof)


def chisquare(f_obs: Any, f_exp: Any = None, ddof: int = 0, axis: int | None = 0) -> Outcome:
    """Return the test of Pearson for frequencies, equal ones if none are expected.

    >>> float(chisquare([1.0, 3.0]).statistic)
    1.0
    """
    return power_divergence(f_obs, f_exp, ddof, axis)


def bartlett(*samples: Any, axis: int | None = 0) -> Outcome:
    """Return the test of Bartlett for equal variances of two or more samples."""
    each = [sample(a, axis) for a in samples]
    if len(each) < 2:
        raise TypeError(f"at least two inputs are required; got {len(each)}")
    freedom = [np.shape(x)[-1] - 1 for x in each]
    spread = [np.var(x, axis=-1, ddof=1) for x in each]
    pooled = sum(n * v for n, v in zip(freedom, spread, strict=True)) / sum(freedom)
    parts = sum(n * f.log(v / pooled) for n, v in zip(freedom, spread, strict=True))
    k = len(each)
    scale = 1 + (sum(1 / n for n in freedom) - 1 / sum(freedom)) / (3 * (k - 1))
    return _by_chi_squared(-parts / scale, k - 1)


def levene(*samples: Any, center: str = "median", axis: int | None = 0) -> Outcome:
    """Return the test of Levene for equal variances: `f_oneway` of distances from the middle.

    center: "median" (Brown and Forsythe) or "mean".
    """
    if center not in ("median", "mean"):
        raise ValueError(f"center is 'median' or 'mean' here, not {center!r}")
    middle, each = getattr(np, center), [sample(a, axis) for a in samples]
    return f_oneway(*(abs(x - middle(x, axis=-1, keepdims=True)) for x in each), axis=-1)
