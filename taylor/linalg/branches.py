"""Equal eigenvalues along a line: the branches into which they split, on one side of the point.

The eigenvalues of a Hermitian matrix that is analytic in one real variable t are analytic, in some
order (Rellich; Kato, Perturbation Theory for Linear Operators, II.6).  Sorted ones follow branches
for small t > 0 and others for t < 0; what is symmetric in them has the same series on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = Any


def branches(a: Sequence[Array], after: bool) -> Array:
    """Return the coefficients of the ascending eigenvalues of Σ a_k t^k for small t > 0, or t < 0.

    >>> branches([np.eye(2), np.array([[0.0, 1.0], [1.0, 0.0]])], True)
    array([[ 1.,  1.],
           [-1.,  1.]])
    """
    size = max(float(np.max(np.abs(x), initial=0)) for x in a)
    near = 16 * len(a[0]) * np.finfo(np.asarray(a[0]).real.dtype).eps * size
    return _split(list(a), near, 1 if after else -1, 1)


def _split(a: list[Array], near: float, side: int, order: int) -> Array:
    """Return the coefficients of the eigenvalues, ascending if order > 0, else descending.

    Of those that are nearer than `near` the matrix is λ + t c(t): those of c follow.
    """
    v, q = np.linalg.eigh(a[0])
    v, q = v[::order], q[:, ::order]
    first = np.flatnonzero(np.append(True, np.abs(np.diff(v)) > near))
    found = np.zeros((len(a), len(v)))
    found[0] = v
    blocks = _blocks(a, v, q, np.searchsorted(first, np.arange(len(v)), "right"))
    for start, end in zip(first, [*first[1:], len(v)], strict=True):
        part = slice(start, end)
        inner = [b[part, part] for b in blocks]
        if end - start == 1 or not inner:
            found[1:, part] = np.real([np.diagonal(b) for b in inner]).reshape(-1, end - start)
        else:
            found[1:, part] = _split(inner, near, side, order * side)
    return found


def _blocks(a: list[Array], v: Array, q: Array, groups: Array) -> list[Array]:
    """Return b_1, b_2, ... of the block diagonal b with a q = q b, qᴴ q = 1, b_0 = diag(v).

    As for single eigenvalues (`factors`), with the blocks in the place of the diagonal.
    """
    same = groups[:, None] == groups
    gaps = np.where(same, 0, 1 / np.where(same, 1, v - v[:, None]))
    qs, bs = [q], [np.diag(v)]
    for k in range(1, len(a)):
        h, s = a[k] @ q, 0 * q
        for j in range(1, k):
            h = h + a[j] @ qs[k - j] - qs[j] @ bs[k - j]
            s = s - 0.5 * (qs[j].conj().T @ qs[k - j])
        f = q.conj().T @ h
        w = gaps * f
        qs.append(q @ (0.5 * (w - w.conj().T) + s))
        bs.append(np.where(same, 0.5 * (f + f.conj().T), 0))
    return bs[1:]
