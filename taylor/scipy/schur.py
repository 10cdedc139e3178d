"""The Schur decomposition a = Z T Zᴴ, with Z unitary and T upper triangular.

With dZ = Z Ω, Ω = L - Lᴴ and L strictly lower triangular, dT = Zᴴ da Z + T Ω - Ω T.  That T keeps
its zeros is a linear system for L.  A real T has 2×2 blocks on its diagonal where eigenvalues are
complex; LAPACK makes the two diagonal elements of such a block equal, which takes the place of the
zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from taylor.core.operand import as_array, is_complex
from taylor.core.table import rule
from taylor.errors import ShapeMismatch

__all__ = ["schur"]


def _turns(n: int) -> tuple[Any, Any, Any]:
    """Return rows and columns of the elements of L, and the matrices that they stand for."""
    rows, cols = np.tril_indices(n, -1)
    each = np.zeros((len(rows), n, n))
    each[np.arange(len(rows)), rows, cols] = 1.0
    return rows, cols, each


def _kept(m: Any, inside: Any, rows: Any, cols: Any) -> Any:
    """Return what must vanish of matrices m: their lower elements, or differences in a block."""
    diagonal = np.diagonal(m, axis1=-2, axis2=-1)
    return np.where(inside, diagonal[..., cols] - diagonal[..., rows], m[..., rows, cols])


def _tangent(dargs: Any, y: Any, a: Any) -> tuple[Any, Any]:
    t, z = y
    rows, cols, each = _turns(np.shape(t)[0])
    # L alone reaches the lower elements of a triangular T; the whole of Ω those of a block
    turned = each - np.transpose(each, (0, 2, 1))
    some = (t < 0) | (t > 0)
    inside = some[rows, cols]
    moved = np.matmul(t, turned) - np.matmul(turned, t)
    change = np.matmul(np.conj(np.transpose(z)), np.matmul(dargs[0], z))
    system = np.transpose(_kept(moved, inside, rows, cols))
    found = np.linalg.solve(system, -_kept(change, inside, rows, cols))
    low = np.einsum("k,kij->ij", found, each)
    turn = low - np.conj(np.transpose(low))
    dt = change + np.matmul(t, turn) - np.matmul(turn, t)
    lower = np.tri(np.shape(t)[0], k=-1, dtype=bool)
    return np.where(lower & ~some, 0.0, dt), np.matmul(z, turn)


def _value(a: Any) -> Any:
    return scipy.linalg.schur(np.asarray(a))


SCHUR = rule(_value, jvp=_tangent, name="schur")


def schur(a: Any, output: str = "real") -> tuple[Any, Any]:
    """Return (T, Z) with a = Z T Zᴴ of a square matrix, T upper triangular, Z unitary.

    A real matrix has a real T, with 2×2 blocks for pairs of complex eigenvalues.  Derivatives are
    those of what LAPACK computes; equal eigenvalues have none.

    >>> schur([[2.0, 1.0], [0.0, 3.0]])[0]
    array([[2., 1.],
           [0., 3.]])
    """
    a = as_array(a) * 1.0
    if np.ndim(a) != 2 or np.shape(a)[0] != np.shape(a)[1]:
        raise ShapeMismatch(f"schur takes a square matrix here, not shape {np.shape(a)}")
    if output not in ("real", "r") or is_complex(a):
        raise ValueError("schur takes output 'real' of real matrices")
    found: tuple[Any, Any] = SCHUR(a)
    return found
