"""Orthogonal factors by Householder's reflections, as LAPACK chooses them.

G. H. Golub, C. F. Van Loan, Matrix Computations (2013), 5.2 and 7.4.  Of real matrices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.core.table import rule


def reflected(x: Any) -> tuple[Any, Any]:
    """Return unit vectors v and numbers b with (1 - 2 v vᵀ) x = b e_1, along the last axis."""
    size = np.sqrt(np.sum(x * x, axis=-1))
    first = np.where(x[..., 0] < 0, size, -size)
    v = np.concatenate([(x[..., 0] - first)[..., None], x[..., 1:]], axis=-1)
    return v / np.sqrt(2.0 * size * (size + np.abs(x[..., 0])))[..., None], first


def from_left(v: Any, a: Any) -> Any:
    """Return (1 - 2 v vᵀ) a, where v is of the last rows."""
    k = np.shape(a)[-2] - np.shape(v)[-1]
    rows = a[..., k:, :]
    row = np.matmul(v[..., None, :], rows)
    return np.concatenate([a[..., :k, :], rows - 2.0 * v[..., :, None] * row], axis=-2)


def from_right(a: Any, v: Any) -> Any:
    """Return a (1 - 2 v vᵀ), where v is of the last columns."""
    return np.swapaxes(from_left(v, np.swapaxes(a, -1, -2)), -1, -2)


def signs(of_value: Callable[[Any], Any], a: Any, q: Any, axis: int) -> Any:
    """Return ±1 for each vector of q along an axis: how it lies to that of the plain matrix."""
    plain = rule(
        of_value, jvp=lambda da, y, a: 0 * y, vjp=lambda bar, y, a: (0 * a,), name="signs"
    )(a)
    return np.where(np.sum(plain * q, axis=axis, keepdims=True) < 0, -1.0, 1.0)


def complete(a: Any) -> tuple[Any, Any]:
    """Return (Q, R) of a matrix with more rows than columns, Q square.

    >>> q, r = complete(np.array([[3.0], [4.0]]))
    >>> q.round(2) + 0.0, r.round(2) + 0.0
    (array([[-0.6, -0.8],
           [-0.8,  0.6]]), array([[-5.],
           [ 0.]]))
    """
    m, n = np.shape(a)[-2:]
    r, vectors = a, []
    for k in range(n):
        v, _ = reflected(r[..., k:, k])
        vectors.append(v)
        r = from_left(v, r)
    q = np.broadcast_to(np.eye(m), (*np.shape(a)[:-2], m, m))
    for v in reversed(vectors):
        q = from_left(v, q)
    turn = signs(lambda a: np.linalg.qr(a, mode="complete").Q, a, q, -2)
    return q * turn, np.triu(r) * np.swapaxes(turn, -1, -2)
