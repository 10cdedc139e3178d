"""The distributions of vectors and matrices of scipy.stats: logpdf, pdf, entropy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from taylor.core import functions as fn
from taylor.core.operand import as_array
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import is_operand
from taylor.scipy import special as sp
from taylor.scipy.distributions import INF, Distribution, Formula

__all__ = [
    "Dirichlet", "MultivariateNormal", "Vectors", "Whole", "dirichlet", "dirichlet_multinomial",
    "invwishart", "matrix_normal", "multinomial", "multivariate_normal", "multivariate_t",
    "wishart",
]  # fmt: skip

LOG_PI, LOG_2PI, LOG2 = math.log(math.pi), math.log(2 * math.pi), math.log(2.0)


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


# ------------------------------------------------------------------ one formula each
class Vectors(Distribution):
    """A distribution of vectors or matrices by the logarithm of its density, SciPy's arguments.

    >>> import taylor
    >>> density = lambda df: wishart.logpdf([[2.0]], df, [[1.0]])
    >>> float(taylor.derivative(density, 3.0)).__round__(6)
    -0.018245
    """

    def __init__(self, name: str, formula: Formula) -> None:
        super().__init__(name)
        self.formula = formula

    def logpdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the logarithm of the density."""
        return self.formula(as_array(x), *args, **kwargs)

    def pdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the density."""
        return fn.exp(self.logpdf(x, *args, **kwargs))


class Whole(Distribution):
    """A distribution of vectors of whole numbers, which are plain, by the logarithm of its masses.

    >>> multinomial.pmf([1, 1], 2, [0.5, 0.5]).round(12)
    np.float64(0.5)
    """

    def __init__(self, name: str, formula: Formula) -> None:
        super().__init__(name)
        self.formula = formula

    def logpmf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the logarithm of the probability of x; -inf where it is no vector of these."""
        if is_operand(as_array(x)):
            raise TypeError(
                f"taylor.scipy.stats.{self.name} counts x in whole steps: it has no derivative in "
                "x; pass plain numbers (x.value)"
            )
        return self.formula(np.asarray(x, dtype=float), *args, **kwargs)

    def pmf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the probability of x."""
        return fn.exp(self.logpmf(x, *args, **kwargs))


def _student(x: Any, loc: Any = None, shape: Any = 1.0, df: Any = 1.0) -> Any:
    off = x if loc is None else x - as_array(loc)
    n = np.shape(off)[-1] if np.ndim(off) else 1
    low, df = np.linalg.cholesky(_matrix(shape, n)), as_array(df)
    if not is_operand(df) and np.isinf(df):
        return MultivariateNormal("multivariate_normal").logpdf(x, loc, shape)
    z = np.linalg.solve(low, np.transpose(np.reshape(off, (-1, n))))
    y = -(df + n) / 2 * fn.log1p(np.sum(z * z, axis=0) / df) - _half_log_det(low)
    y = y + sp.gammaln((df + n) / 2) - sp.gammaln(df / 2) - n / 2 * (fn.log(df) + LOG_PI)
    return np.reshape(y, np.shape(off)[:-1])[()]


def _matrix_normal(x: Any, mean: Any = None, rowcov: Any = 1.0, colcov: Any = 1.0) -> Any:
    off = x if mean is None else x - as_array(mean)
    m, n = np.shape(off)[-2:]
    u, v = (np.linalg.cholesky(_matrix(c, k)) for c, k in ((rowcov, m), (colcov, n)))
    half = np.swapaxes(np.linalg.solve(u, off), -1, -2)
    z = np.linalg.solve(v, half)
    size = 0.5 * m * n * LOG_2PI + n * _half_log_det(u) + m * _half_log_det(v)
    return -0.5 * np.sum(z * z, axis=(-1, -2)) - size


def _matrices(x: Any, scale: Any) -> tuple[Any, Any, int]:
    """Return matrices with those of many along the first axis, their scale, and their size."""
    x = np.moveaxis(x, -1, 0) if np.ndim(x) == 3 else np.reshape(x, (1, 1)) if not np.ndim(x) else x
    n = np.shape(x)[-1]
    return x, _matrix(scale, n), n


def _log_det(a: Any) -> Any:
    return 2 * np.sum(fn.log(np.diagonal(np.linalg.cholesky(a), axis1=-2, axis2=-1)), axis=-1)


def _wishart(x: Any, df: Any, scale: Any) -> Any:
    x, scale, n = _matrices(x, scale)
    half = 0.5 * as_array(df)
    y = (half - (n + 1) / 2) * _log_det(x) - half * (_log_det(scale) + n * LOG2)
    trace = np.trace(np.linalg.solve(scale, x), axis1=-2, axis2=-1)
    return y - 0.5 * trace - sp.multigammaln(half, n)


def _invwishart(x: Any, df: Any, scale: Any) -> Any:
    x, scale, n = _matrices(x, scale)
    half = 0.5 * as_array(df)
    y = half * (_log_det(scale) - n * LOG2) - (half + (n + 1) / 2) * _log_det(x)
    trace = np.trace(np.linalg.solve(x, scale), axis1=-2, axis2=-1)
    return y - 0.5 * trace - sp.multigammaln(half, n)


def _there(x: Any, n: Any, y: Any) -> Any:
    """Return y where x are natural numbers of the sum n, else -inf."""
    natural = np.all((x >= 0) & (x == np.floor(x)), axis=-1) & (np.sum(x, axis=-1) == n)
    return np.where(natural, y, -INF)[()]


def _multinomial(x: Any, n: Any, p: Any) -> Any:
    p = as_array(p)
    first = p[..., :-1]
    p = np.concatenate([first, 1 - np.sum(first, axis=-1, keepdims=True)], axis=-1)
    parts = np.sum(sp.xlogy(x, p) - sp.gammaln(x + 1), axis=-1)
    return _there(x, n, sp.gammaln(as_array(n) + 1) + parts)


def _dirichlet_multinomial(x: Any, alpha: Any, n: Any) -> Any:
    alpha = as_array(alpha)
    total = np.sum(alpha, axis=-1)
    parts = sp.gammaln(x + alpha) - sp.gammaln(alpha) - sp.gammaln(x + 1)
    whole = sp.gammaln(total) + sp.gammaln(as_array(n) + 1) - sp.gammaln(n + total)
    return _there(x, n, whole + np.sum(parts, axis=-1))


multivariate_normal, dirichlet = MultivariateNormal("multivariate_normal"), Dirichlet("dirichlet")
multivariate_t, matrix_normal = (
    Vectors("multivariate_t", _student), Vectors("matrix_normal", _matrix_normal)
)  # fmt: skip
wishart, invwishart = Vectors("wishart", _wishart), Vectors("invwishart", _invwishart)
multinomial, dirichlet_multinomial = (
    Whole("multinomial", _multinomial), Whole("dirichlet_multinomial", _dirichlet_multinomial)
)  # fmt: skip
