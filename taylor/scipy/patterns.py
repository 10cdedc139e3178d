"""Matrices of scipy.linalg that are built of the elements of others by a pattern."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from taylor.core.operand import as_array
from taylor.errors import ShapeMismatch

__all__ = [
    "block_diag", "circulant", "companion", "convolution_matrix", "fiedler", "fiedler_companion",
    "hankel", "khatri_rao", "leslie", "toeplitz",
]  # fmt: skip


def block_diag(*arrays: Any) -> Any:
    """Return the matrix with these blocks on its diagonal; vectors are rows.

    >>> block_diag([[1.0]], [2.0, 3.0])
    array([[1., 0., 0.],
           [0., 2., 3.]])
    """
    blocks = [np.atleast_2d(as_array(a)) for a in arrays]
    width, rows, left = sum(np.shape(b)[1] for b in blocks), [], 0
    for b in blocks:
        m, n = np.shape(b)
        parts = [np.zeros((m, left)), b, np.zeros((m, width - left - n))]
        rows.append(np.concatenate(parts, axis=1))
        left += n
    return np.concatenate(rows, axis=0)


def _by_place(values: Any, place: Any) -> Any:
    return as_array(values)[np.asarray(place)]


def toeplitz(c: Any, r: Any = None) -> Any:
    """Return the matrix with first column c and first row r (r[0] is not used).

    >>> toeplitz([1.0, 2.0], [1.0, 5.0])
    array([[1., 5.],
           [2., 1.]])
    """
    c = np.reshape(as_array(c), -1)
    r = c if r is None else np.reshape(as_array(r), -1)
    m, n = np.size(c), np.size(r)
    return _by_place(np.concatenate([c[::-1], r[1:]]), m - 1 - np.arange(m)[:, None] + np.arange(n))


def hankel(c: Any, r: Any = None) -> Any:
    """Return the matrix with first column c and last row r (r[0] is not used).

    >>> hankel([1.0, 2.0], [0.0, 5.0])
    array([[1., 2.],
           [2., 5.]])
    """
    c = np.reshape(as_array(c), -1)
    r = np.zeros(np.size(c)) if r is None else np.reshape(as_array(r), -1)
    places = np.arange(np.size(c))[:, None] + np.arange(np.size(r))
    return _by_place(np.concatenate([c, r[1:]]), places)


def circulant(c: Any) -> Any:
    """Return the circulant matrix with first column c.

    >>> circulant([1.0, 2.0])
    array([[1., 2.],
           [2., 1.]])
    """
    c = np.reshape(as_array(c), -1)
    i = np.arange(np.size(c))
    return _by_place(c, (i[:, None] - i) % np.size(c))


def khatri_rao(a: Any, b: Any) -> Any:
    """Return the matrix of the Kronecker products of the columns of two matrices."""
    a, b = as_array(a), as_array(b)
    return np.reshape(np.einsum("ij,kj->ikj", a, b), (-1, np.shape(b)[1]))


def _vector(name: str, x: Any, least: int = 1) -> Any:
    x = as_array(x)
    if np.ndim(x) != 1 or np.size(x) < least:
        raise ShapeMismatch(f"{name} takes a vector of at least {least}, not shape {np.shape(x)}")
    return x


def companion(a: Any) -> Any:
    """Return the companion matrix of the polynomial Σ a_k x^(n-k).

    >>> companion([1.0, -3.0, 2.0])
    array([[ 3., -2.],
           [ 1.,  0.]])
    """
    a = _vector("companion", a, 2)
    n = np.size(a) - 1
    return np.concatenate([np.reshape(-a[1:] / a[0], (1, n)), np.eye(n)[:-1]])


def leslie(f: Any, s: Any) -> Any:
    """Return the matrix with the fecundities f in its first row, survivals s below the diagonal.

    >>> leslie([0.1, 2.0], [0.5])
    array([[0.1, 2. ],
           [0.5, 0. ]])
    """
    f, s = _vector("leslie", f, 2), _vector("leslie", s)
    if np.size(s) != np.size(f) - 1:
        raise ShapeMismatch(f"leslie: {np.size(f)} fecundities with {np.size(s)} survivals")
    below = np.concatenate([np.diag(s), np.zeros((np.size(s), 1))], axis=1)
    return np.concatenate([np.reshape(f, (1, -1)), below])


def fiedler(a: Any) -> Any:
    """Return the matrix of the distances |a_i - a_j|.

    >>> fiedler([1.0, 4.0])
    array([[0., 3.],
           [3., 0.]])
    """
    a = _vector("fiedler", a)
    same = np.eye(np.size(a), dtype=bool)
    return np.where(same, 0.0, abs(np.where(same, 1.0, a[:, None] - a)))


def fiedler_companion(a: Any) -> Any:
    """Return the companion matrix with five diagonals of the polynomial Σ a_k x^(n-k).

    M. Fiedler, A note on companion matrices, Linear Algebra and its Applications 372 (2003).

    >>> fiedler_companion([1.0, -6.0, 11.0, -6.0])
    array([[  6., -11.,   1.],
           [  1.,   0.,   0.],
           [  0.,   6.,   0.]])
    """
    a = _vector("fiedler_companion", a, 2)
    elements = np.concatenate([[0.0, 1.0], -a[1:] / a[0]])
    place = scipy.linalg.fiedler_companion([1.0, *-np.arange(2.0, np.size(a) + 1)])
    return _by_place(elements, place.astype(int))


def convolution_matrix(a: Any, n: int, mode: str = "full") -> Any:
    """Return the matrix A for which A @ v is numpy.convolve(a, v, mode), v of length n.

    >>> convolution_matrix([1.0, 2.0], 2)
    array([[1., 0.],
           [2., 1.],
           [0., 2.]])
    """
    a = _vector("convolution_matrix", a)
    if mode not in ("full", "valid", "same"):
        raise ValueError(f"mode is 'full', 'valid' or 'same', not {mode!r}")
    m, zeros = np.size(a), np.zeros(n - 1)
    whole = toeplitz(np.concatenate([a, zeros]), np.concatenate([a[:1], zeros]))
    low, high = min(m, n), max(m, n)
    start, count = {"full": (0, m + n - 1), "valid": (low - 1, high - low + 1),
                    "same": ((low - 1) // 2, high)}[mode]  # fmt: skip
    return whole[start : start + count]
