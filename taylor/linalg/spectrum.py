"""Eigenvalues and eigenvectors of general matrices: complex, and analytic where they are distinct.

With A = V diag(w) V⁻¹ and P = V⁻¹ A' V the eigenvalues have w' = diag P, and V' = V (E∘P) with
E_ij = 1/(w_j - w_i) off the diagonal, up to a factor of each vector (Giles, "Collected matrix
derivative results for forward and reverse mode algorithmic differentiation", 2008).  NumPy's
vectors have length one and a real largest entry, and so do their derivatives.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from taylor.core.operand import bind, is_complex
from taylor.core.parts import Part
from taylor.core.table import Rule

EigResult = namedtuple("EigResult", "eigenvalues eigenvectors")


def _value(a: Any) -> tuple[Any, Any]:
    """Return NumPy's result for a matrix that is real, perhaps, though its type is not."""
    if isinstance(a, np.ndarray) and a.dtype == object:
        raise TypeError("eig works in floating point only; convert with .astype(float)")
    w, v = np.linalg.eig(a.real if not np.any(a.imag) else a)
    kind = np.result_type(v, np.complex64)
    return w.astype(kind), v.astype(kind)


def _tangent(d: Any, y: Any, a: Any) -> tuple[Any, Any]:
    w, v = y
    p = np.linalg.solve(v, d[0] @ v)
    gaps = np.expand_dims(w, -2) - np.expand_dims(w, -1)
    own = np.eye(np.shape(a)[-1], dtype=bool)
    near = _equal(gaps, a)
    # eigenvalues that are equal to rounding have no derivative each: nan
    none = np.where(own, 0, np.nan).astype(gaps.dtype)
    rates = np.where(near, none, 1 / np.where(near, 1, gaps))
    moved = p * rates
    return np.diagonal(p, axis1=-2, axis2=-1) + 0 * np.sum(moved, axis=-2), v @ moved


def _equal(gaps: Any, a: Any) -> Any:
    """Whether the eigenvalues of a are equal to rounding, pair by pair."""
    bound = 4 * np.shape(a)[-1] * np.finfo(gaps.dtype).eps
    size = np.sum(_squares(a), axis=(-2, -1), keepdims=True)
    return _squares(gaps) <= bound**2 * size


def _squares(x: Any) -> Any:
    return x.real * x.real + x.imag * x.imag


EIG = Rule("eig", _value, None, _tangent)


def eigvals(a: Any) -> Any:
    """Return the eigenvalues of square matrices in NumPy's order: real ones if all are real.

    Equal ones have no derivative (nan).
    """
    w = EIG(a * (1 + 0j))[0]
    return bind(Part("real", True), w) if _all_real(a, w) else w


def eig(a: Any) -> Any:
    """Return (eigenvalues, eigenvectors) of square matrices as np.linalg.eig does: see `eigvals`.

    Complex vectors, scaled by their conjugates, have derivatives by real variables only.
    """
    w, v = EIG(a * (1 + 0j))
    if _all_real(a, w):
        w, v = bind(Part("real", True), w), bind(Part("real", True), v)
        return EigResult(w, v / np.sqrt(np.sum(v * v, axis=-2, keepdims=True)))
    size = np.sqrt(np.sum(v.real**2 + v.imag**2, axis=-2, keepdims=True))
    entry = np.take_along_axis(v, np.argmax(np.abs(v), axis=-2, keepdims=True), -2)
    turned = np.conj(entry) / np.abs(entry) * np.where(entry.real > 0, 1.0, -1.0)
    return EigResult(w, v * turned / size)


def _all_real(a: Any, w: Any) -> bool:
    """Whether the eigenvalues of a matrix are real, and all that is made of them: of a real one."""
    return not is_complex(a) and bool(np.all(bind(Part("imag", True), w) <= 0))
