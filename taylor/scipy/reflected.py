"""Factors of scipy.linalg by reflections: Hessenberg's form, RQ, angles between spaces."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from taylor.core.conditions import mask
from taylor.errors import ShapeMismatch
from taylor.linalg import reflections
from taylor.numbers.kinds import base
from taylor.scipy.given import floats
from taylor.scipy.theirs import varies

__all__ = ["hessenberg", "qr_multiply", "rq", "subspace_angles"]


def _matrix(name: str, a: Any) -> Any:
    a = floats(a)
    if np.ndim(a) != 2:
        raise ShapeMismatch(f"{name} takes a matrix, not shape {np.shape(a)}")
    if np.iscomplexobj(base(a)):
        raise TypeError(f"{name} of values that vary is of real matrices")
    return a


def hessenberg(a: Any, calc_q: bool = False) -> Any:
    """Return H = Qᵀ a Q without entries below the first subdiagonal, and Q if asked for.

    >>> hessenberg([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 2.],
           [3., 4.]])
    """
    if not varies(a):
        return scipy.linalg.hessenberg(a, calc_q)
    h = a = _matrix("hessenberg", a)
    n = np.shape(a)[0]
    q: Any = np.eye(n)
    for k in range(n - 2):
        v, _ = reflections.reflected(h[k + 1 :, k])
        h = reflections.from_right(reflections.from_left(v, h), v)
        q = reflections.from_right(q, v)
    turn = reflections.signs(lambda a: scipy.linalg.hessenberg(a, calc_q=True)[1], a, q, 0)
    h = np.triu(h * turn * turn.T, -1)
    return (h, q * turn) if calc_q else h


def rq(a: Any, mode: str = "full") -> Any:
    """Return (R, Q) with a = R Q, R upper triangular, of a square matrix, or a wide one "economic".

    mode="r" gives R alone.

    >>> rq([[2.0]])
    (array([[2.]]), array([[1.]]))
    """
    if not varies(a):
        return scipy.linalg.rq(a, mode=mode)
    a = _matrix("rq", a)
    m, n = np.shape(a)
    if m > n or (m < n and mode != "economic"):
        raise TypeError(f"rq of a matrix {(m, n)} that varies: mode='economic', no more rows")
    q, r = np.linalg.qr(a[::-1].T)
    r, q = r.T[::-1, ::-1], q.T[::-1]
    turn = reflections.signs(lambda a: scipy.linalg.rq(a, mode="economic")[1], a, q, 1)
    return r * turn.T if mode == "r" else (r * turn.T, q * turn)


def qr_multiply(a: Any, c: Any, mode: str = "right") -> tuple[Any, Any]:
    """Return (c Q, R), or (Q c, R) with mode="left", of a = Q R."""
    if not varies([a, c]):
        found: tuple[Any, Any] = scipy.linalg.qr_multiply(a, c, mode)
        return found
    q, r = np.linalg.qr(_matrix("qr_multiply", a))
    return (floats(c) @ q if mode == "right" else q @ floats(c)), r


def subspace_angles(A: Any, B: Any) -> Any:
    """Return the angles between the spaces of the columns of two matrices, the largest first.

    By their sines where they are small: A. V. Knyazev, M. E. Argentati, SIAM J. Sci. Comput. 23
    (2002) 2008.

    >>> subspace_angles([[1.0], [0.0]], [[1.0], [1.0]]).round(6)
    array([0.785398])
    """
    if not varies([A, B]):
        return scipy.linalg.subspace_angles(A, B)
    a, b = (np.linalg.qr(_matrix("subspace_angles", x))[0] for x in (A, B))
    if np.shape(a)[1] < np.shape(b)[1]:
        a, b = b, a
    cosines = np.linalg.svd(a.T @ b, compute_uv=False)
    near = mask(cosines * cosines >= 0.5)
    found = np.arccos(np.where(near, 0.0, cosines))
    if np.any(near):
        sines = np.linalg.svd(b - a @ (a.T @ b), compute_uv=False)[::-1]
        found = np.where(near, np.arcsin(np.where(near, sines, 0.0)), found)
    return found[::-1]
