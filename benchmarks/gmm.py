"""The log-likelihood of a Gaussian mixture with full covariances, the GMM objective of ADBench.

Srajer, Kukelova & Fitzgibbon, A benchmark of selected algorithmic differentiation tools on some
problems in computer vision and machine learning, Optim. Methods Softw. 33 (2018), section 4.1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
GAMMA, WISHART = 1.0, 0  # the prior's γ and m


def sizes(d: int, k: int) -> tuple[int, int, int]:
    """Return the number of weights, of means and of factor entries: their sum is len(theta)."""
    return k, k * d, k * d * (d + 1) // 2


def objective(theta: Array, x: Array, k: int, m: Any) -> Array:
    """Return the log-likelihood of the points x (N, d) under the mixture theta of k components.

    Component j has the weight α_j, the mean μ_j and the inverse covariance Q_jᵀQ_j, where Q_j is
    lower triangular with diagonal exp(q_j):

        Σ_i log Σ_j exp(α_j + Σ q_j - |Q_j (x_i - μ_j)|²/2) - N log Σ_j exp(α_j) - N d/2 log 2π

    plus the prior Σ_j γ²/2 |Q_j|² - m Σ q_j without its constant.  theta holds α, μ, and for each
    component q_j and then the entries of Q_j below the diagonal, column by column.  `m` is the
    namespace to compute with.
    """
    n, d = x.shape
    first, second, _ = sizes(d, k)
    alpha, mu = theta[:first], m.reshape(theta[first : first + second], (k, d))
    factor = m.reshape(theta[first + second :], (k, -1))
    q, below = factor[:, :d], factor[:, d:]
    diagonal, total = m.exp(q), m.sum(q, axis=1)
    # one gather: below the diagonal from the entries, on it from exp(q), above it zeros
    entries = m.concatenate([below, diagonal, np.zeros((k, 1))], axis=1)
    full = entries[:, places(d)]
    y = m.reshape(m.dot(x, m.reshape(full, (k * d, d)).T), (n, k, d))
    centred = y - m.einsum("kij,kj->ki", full, mu)
    inner = m.logsumexp(alpha + total - 0.5 * m.sum(centred**2, axis=2), axis=1)
    likelihood = m.sum(inner) - n * m.logsumexp(alpha) - 0.5 * n * d * np.log(2 * np.pi)
    frobenius = m.sum(diagonal**2) + m.sum(below**2)
    return likelihood + 0.5 * GAMMA**2 * frobenius - WISHART * m.sum(total)


def places(d: int) -> Array:
    """Return for each entry of a d × d lower triangle its place in [below, diagonal, zero]."""
    count = d * (d - 1) // 2
    index = np.full((d, d), count + d)
    column, row = np.triu_indices(d, 1)
    index[row, column] = np.arange(count)
    index[np.arange(d), np.arange(d)] = count + np.arange(d)
    return index


def problem(d: int, k: int, n: int, m: Any) -> tuple[Callable[[Array], Array], Array]:
    """Return (f, theta0): the objective for n random points and random parameters."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, d))
    theta = rng.normal(size=sum(sizes(d, k)))
    theta[sum(sizes(d, k)[:2]) :] *= 0.3
    return lambda theta: objective(theta, x, k, m), theta


def main() -> None:
    """Print the value against SciPy's densities, so that the objective is known to be right."""
    from scipy.stats import multivariate_normal

    from benchmarks.namespace import NAMESPACE

    logsumexp = NAMESPACE.logsumexp
    d, k, n = 3, 4, 20
    f, theta = problem(d, k, n, NAMESPACE)
    x = np.random.default_rng(0).normal(size=(n, d))
    alpha, mu = theta[:k], theta[k : k + k * d].reshape(k, d)
    factor = theta[k + k * d :].reshape(k, -1)
    terms, frobenius = [], 0.0
    for j in range(k):
        full = np.zeros((d, d))
        column, row = np.triu_indices(d, 1)
        full[row, column] = factor[j, d:]
        full += np.diag(np.exp(factor[j, :d]))
        frobenius += np.sum(full**2)
        density = multivariate_normal(mu[j], np.linalg.inv(full.T @ full)).logpdf(x)
        terms.append(alpha[j] - logsumexp(alpha) + density)
    expected = np.sum(logsumexp(terms, axis=0)) + 0.5 * GAMMA**2 * frobenius
    print(f"objective {f(theta):.12g}, by scipy.stats {expected:.12g}")


if __name__ == "__main__":
    main()
