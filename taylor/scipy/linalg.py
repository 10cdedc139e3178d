"""scipy.linalg of matrices of values of the package, on the rules of `taylor.linalg`.

Functions of SciPy with SciPy's arguments; those that only choose between algorithms for the same
result (assume_a, check_finite, overwrite_a, lapack_driver) are not taken.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg

from taylor import linalg
from taylor.core.conditions import mask
from taylor.core.operand import as_array
from taylor.core.table import rule
from taylor.errors import ShapeMismatch
from taylor.linalg import det, expm, inv, pinv, svd, svdvals
from taylor.numbers.kinds import base
from taylor.scipy.control import solve_continuous_are, solve_discrete_are
from taylor.scipy.patterns import (
    block_diag,
    circulant,
    companion,
    convolution_matrix,
    fiedler,
    fiedler_companion,
    hankel,
    khatri_rao,
    leslie,
    toeplitz,
)
from taylor.scipy.pivoted import qr as qr
from taylor.scipy.reflected import hessenberg, qr_multiply, rq, subspace_angles
from taylor.scipy.schur import schur
from taylor.scipy.sylvester import (
    SYLVESTER,
    solve_continuous_lyapunov,
    solve_discrete_lyapunov,
    solve_sylvester,
)
from taylor.scipy.theirs import names_of

__all__ = [
    "block_diag", "cho_factor", "cho_solve", "cho_solve_banded", "cholesky", "cholesky_banded",
    "circulant", "companion", "convolution_matrix", "coshm", "cosm", "det", "eig", "eigh",
    "eigh_tridiagonal", "eigvals", "eigvalsh", "eigvalsh_tridiagonal", "expm", "expm_frechet",
    "fiedler", "fiedler_companion", "fractional_matrix_power", "hankel", "hessenberg", "inv",
    "khatri_rao", "leslie", "logm", "lstsq", "lu", "lu_factor", "lu_solve", "matmul_toeplitz",
    "norm", "orthogonal_procrustes", "pinv", "pinvh", "polar", "qr", "qr_multiply", "rq", "schur",
    "signm", "sinhm", "sinm", "solve", "solve_banded", "solve_circulant", "solve_continuous_are",
    "solve_continuous_lyapunov", "solve_discrete_are", "solve_discrete_lyapunov", "solve_sylvester",
    "solve_toeplitz", "solve_triangular", "solveh_banded", "sqrtm", "subspace_angles", "svd",
    "svdvals", "tanhm", "tanm", "toeplitz",
]  # fmt: skip


# ------------------------------------------------------------------ equations
def solve(
    a: Any, b: Any, *, lower: bool = False, assume_a: str | None = None, transposed: bool = False
) -> Any:
    """Return x with a x = b, or aᵀ x = b.

    assume_a: "sym", "pos": only one triangle of a is read, as by SciPy; None, "gen": all of it.

    >>> solve([[2.0, 0.0], [1.0, 1.0]], [2.0, 3.0])
    array([1., 2.])
    """
    a = as_array(a)
    if assume_a in ("sym", "pos", "symmetric", "positive definite"):
        a = _from_triangle(a, lower)
    elif assume_a not in (None, "gen", "general"):
        raise ValueError(f"assume_a is None, 'gen', 'sym' or 'pos' here, not {assume_a!r}")
    return linalg.solve(np.swapaxes(a, -1, -2) if transposed else a, as_array(b))


def _from_triangle(a: Any, lower: bool) -> Any:
    """Return the symmetric matrix of which a has one triangle."""
    triangle, strict = (np.tril, -1) if lower else (np.triu, 1)
    return triangle(a) + np.swapaxes(triangle(a, strict), -1, -2)


def solve_triangular(
    a: Any, b: Any, trans: int | str = 0, lower: bool = False, unit_diagonal: bool = False
) -> Any:
    """Return x with T x = b, or Tᵀ x = b for trans = 1 or "T", where T is one triangle of a.

    >>> solve_triangular([[2.0, 9.0], [1.0, 1.0]], [2.0, 3.0], lower=True)
    array([1., 2.])
    """
    if trans not in (0, 1, "N", "T"):
        raise ValueError(f"trans is 0, 1, 'N' or 'T' here, not {trans!r}")
    a = as_array(a)
    if unit_diagonal:
        a = (np.tril(a, -1) if lower else np.triu(a, 1)) + np.eye(np.shape(a)[-1])
    if trans in (1, "T"):
        a, lower = np.swapaxes(a, -1, -2), not lower
    return linalg.solve_triangular(a, as_array(b), lower=lower)


def cholesky(a: Any, lower: bool = False) -> Any:
    """Return U with a = UᵀU, or L with a = L Lᵀ; one triangle of a is read, as by SciPy.

    >>> cholesky([[4.0, 2.0], [2.0, 2.0]])
    array([[2., 1.],
           [0., 1.]])
    """
    return linalg.cholesky(as_array(a), upper=not lower)


def cho_factor(a: Any, lower: bool = False) -> tuple[Any, bool]:
    """Return a factor for `cho_solve`, and which it is."""
    return cholesky(a, lower), lower


def cho_solve(c_and_lower: tuple[Any, bool], b: Any) -> Any:
    """Return x with a x = b from the factor of a.

    >>> cho_solve(cho_factor([[4.0, 2.0], [2.0, 2.0]]), [2.0, 2.0])
    array([0., 1.])
    """
    c, lower = c_and_lower
    y = solve_triangular(c, b, trans=0 if lower else 1, lower=lower)
    return solve_triangular(c, y, trans=1 if lower else 0, lower=lower)


def solve_banded(l_and_u: tuple[int, int], ab: Any, b: Any) -> Any:
    """Return x with a x = b, ab[u + i - j, j] = a[i, j]; it is solved as a full matrix.

    >>> solve_banded((1, 0), [[2.0, 1.0], [1.0, 0.0]], [2.0, 3.0])
    array([1., 2.])
    """
    (below, above), ab = l_and_u, as_array(ab)
    if np.shape(ab)[0] != below + above + 1:
        raise ShapeMismatch(
            f"ab has {np.shape(ab)[0]} rows for l + u + 1 = {below + above + 1} diagonals"
        )
    return solve(_full(ab, above), b)


def _full(ab: Any, above: int) -> Any:
    """Return the matrix with the diagonals in the rows of ab, so many above the main one."""
    rows, n = np.shape(ab)
    i, j = np.indices((n, n))
    place = above + i - j
    inside = (place >= 0) & (place < rows)
    return np.where(inside, ab[np.where(inside, place, 0), j], 0.0)


def _half(ab: Any, lower: bool) -> Any:
    """Return the triangle of a symmetric matrix with these diagonals."""
    ab = as_array(ab)
    return _full(ab, 0 if lower else np.shape(ab)[0] - 1)


def solveh_banded(ab: Any, b: Any, *, lower: bool = False) -> Any:
    """Return x with a x = b, a symmetric, ab its diagonals from the main one down, or down to it.

    >>> solveh_banded([[2.0, 2.0], [1.0, 0.0]], [3.0, 3.0], lower=True)
    array([1., 1.])
    """
    return linalg.solve(_from_triangle(_half(ab, lower), lower), as_array(b))


def cholesky_banded(ab: Any, *, lower: bool = False) -> Any:
    """Return the diagonals of `cholesky` of the symmetric matrix with the diagonals ab.

    >>> cholesky_banded([[4.0, 2.0], [2.0, 0.0]], lower=True)
    array([[2., 1.],
           [1., 0.]])
    """
    rows, n = np.shape(as_array(ab))
    c = cholesky(_half(ab, lower), lower)
    j = np.arange(n)
    i = np.arange(rows)[:, None] + j - (0 if lower else rows - 1)
    inside = (i >= 0) & (i < n)
    return np.where(inside, c[np.where(inside, i, 0), np.broadcast_to(j, i.shape)], 0.0)


def cho_solve_banded(cb_and_lower: tuple[Any, bool], b: Any) -> Any:
    """Return x with a x = b from the factor of `cholesky_banded`, and which it is.

    >>> cho_solve_banded(([[2.0, 1.0], [1.0, 0.0]], True), [6.0, 4.0])
    array([1., 1.])
    """
    cb, lower = cb_and_lower
    return cho_solve((_half(cb, lower), lower), b)


def solve_toeplitz(c_or_cr: Any, b: Any) -> Any:
    """Return x with T x = b, T the Toeplitz matrix with that first column (and row)."""
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return solve(toeplitz(c, r), b)


def matmul_toeplitz(c_or_cr: Any, x: Any) -> Any:
    """Return T @ x, T the Toeplitz matrix with that first column (and row).

    >>> matmul_toeplitz([1.0, 2.0], [1.0, 0.0])
    array([1., 2.])
    """
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return np.matmul(toeplitz(c, r), as_array(x))


def solve_circulant(c: Any, b: Any) -> Any:
    """Return x with C x = b, C the circulant matrix with first column c.

    >>> solve_circulant([2.0, 1.0], [3.0, 3.0]).round(12)
    array([1., 1.])
    """
    return solve(circulant(c), b)


def pinvh(a: Any, lower: bool = True) -> Any:
    """Return the pseudo-inverse of a symmetric matrix of full rank, of which a triangle is read.

    >>> pinvh([[2.0, 0.0], [0.0, 4.0]]).round(12) + 0.0
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    return pinv(_from_triangle(as_array(a), lower))


def lstsq(a: Any, b: Any, cond: Any = None) -> tuple[Any, Any, Any, Any]:
    """Return (x with the smallest |a x - b|, |a x - b|², the rank, the singular values)."""
    x, rest, rank, s = np.linalg.lstsq(as_array(a), as_array(b), rcond=cond)
    return x, rest, rank, s


# ------------------------------------------------------------------ factors
def _lu_parts(x: Any, low: Any, up: Any) -> Any:
    """Return L⁻¹ x U⁻¹."""
    half = linalg.solve(low, x)
    return np.transpose(linalg.solve(np.transpose(up), np.transpose(half)))


def _lu_jvp(dargs: Any, y: Any, a: Any) -> Any:
    low, up = y
    inner = _lu_parts(dargs[0], low, up)
    return np.matmul(low, np.tril(inner, -1)), np.matmul(np.triu(inner), up)


def _lu_vjp(bar: Any, y: Any, a: Any) -> Any:
    low, up = y
    of_low = np.tril(np.matmul(np.transpose(low), bar[0]), -1)
    inner = of_low + np.triu(np.matmul(bar[1], np.transpose(up)))
    half = linalg.solve(np.transpose(low), inner)
    return (np.transpose(linalg.solve(up, np.transpose(half))),)


def _lu_value(a: Any) -> Any:
    p, low, up = scipy.linalg.lu(a)
    if not np.array_equal(p, np.eye(len(p))):  # its rows were brought into order before
        raise np.linalg.LinAlgError("lu: a pivot is not the largest; move the point")
    return low, up


# L U = a without exchanges: dL = L tril(L⁻¹ da U⁻¹, -1), dU = triu(L⁻¹ da U⁻¹) U
LU = rule(_lu_value, jvp=_lu_jvp, vjp=_lu_vjp, name="lu")


def lu(a: Any, permute_l: bool = False) -> tuple[Any, ...]:
    """Return (P, L, U) with P L U = a, or (P L, U), of a square matrix; P does not vary.

    >>> lu([[0.0, 1.0], [2.0, 3.0]])[2]
    array([[2., 3.],
           [0., 1.]])
    """
    a = as_array(a) * 1.0
    if np.ndim(a) != 2 or np.shape(a)[0] != np.shape(a)[1]:
        raise ShapeMismatch(f"lu takes a square matrix here, not shape {np.shape(a)}")
    p, _, _ = scipy.linalg.lu(np.asarray(base(a)))
    low, up = LU(np.matmul(p.T, a))
    return (np.matmul(p, low), up) if permute_l else (p, low, up)


def lu_factor(a: Any) -> tuple[Any, Any]:
    """Return factors for `lu_solve`: L and U in one matrix, and the rows that come first, ..."""
    p, low, up = lu(a)
    return np.tril(low, -1) + up, np.argmax(p, axis=0)


def lu_solve(lu_and_piv: tuple[Any, Any], b: Any, trans: int = 0) -> Any:
    """Return x with a x = b, or aᵀ x = b for trans = 1, from the factors of `lu_factor`.

    >>> lu_solve(lu_factor([[0.0, 1.0], [2.0, 3.0]]), [1.0, 5.0])
    array([1., 1.])
    """
    both, rows = lu_and_piv
    b = as_array(b)
    if trans:
        y = solve_triangular(both, b, trans=1)
        y = solve_triangular(both, y, trans=1, lower=True, unit_diagonal=True)
        return y[np.argsort(rows)]
    y = solve_triangular(both, b[rows], lower=True, unit_diagonal=True)
    return solve_triangular(both, y)


def polar(a: Any, side: str = "right") -> tuple[Any, Any]:
    """Return (U, P) with a = U P, or a = P U for side "left", U orthogonal, P = √(aᵀa).

    >>> polar([[0.0, -2.0], [2.0, 0.0]])[1].round(12)
    array([[2., 0.],
           [0., 2.]])
    """
    if side not in ("left", "right"):
        raise ValueError(f"side is 'left' or 'right', not {side!r}")
    a = as_array(a) * 1.0
    turned = np.conj(np.swapaxes(a, -1, -2))
    if side == "right":
        p = sqrtm(np.matmul(turned, a))
        return np.swapaxes(linalg.solve(np.swapaxes(p, -1, -2), np.swapaxes(a, -1, -2)), -1, -2), p
    p = sqrtm(np.matmul(a, turned))
    return linalg.solve(p, a), p


def orthogonal_procrustes(A: Any, B: Any) -> tuple[Any, Any]:
    """Return (R, the sum of the singular values of AᵀB), R orthogonal with the least |A R - B|.

    R is the orthogonal factor of AᵀB (Golub & Van Loan, 6.4.1).

    >>> orthogonal_procrustes([[2.0, 0.0], [0.0, 1.0]], [[0.0, 2.0], [-1.0, 0.0]])[0].round(12)
    array([[ 0.,  1.],
           [-1.,  0.]])
    """
    u, p = polar(np.matmul(np.transpose(as_array(A)), as_array(B)))
    return u, np.trace(p)


# ------------------------------------------------------------------ functions of matrices
def _square_root(a: Any) -> Any:
    y = scipy.linalg.sqrtm(a)
    if not np.iscomplexobj(a) and np.iscomplexobj(y) and np.all(np.isreal(y)):
        return y.real
    return y


SQRTM = rule(
    _square_root,
    jvp=lambda dargs, y, a: SYLVESTER(y, y, dargs[0]),
    vjp=lambda bar, y, a: (SYLVESTER(np.transpose(y), np.transpose(y), bar),),
    name="sqrtm",
)


def sqrtm(a: Any) -> Any:
    """Return the principal square root X; X dX + dX X = dA (Higham, Functions of Matrices, 6.1).

    >>> sqrtm([[4.0, 0.0], [0.0, 9.0]])
    array([[2., 0.],
           [0., 3.]])
    """
    return SQRTM(as_array(a) * 1.0)


def logm(a: Any) -> Any:
    """Return the principal logarithm of a square matrix, complex with eigenvalues < 0.

    log A = 2^s log A^(1/2^s), and log(1 + X) = ∫₀¹ X (1 + tX)⁻¹ dt by Gauß' formula with 12 nodes
    (Higham, Functions of Matrices, 11.4), which has all digits for |X| <= 1/2.

    >>> logm([[np.e, 0.0], [0.0, 1.0]]).round(12) + 0.0
    array([[1., 0.],
           [0., 0.]])
    """
    a = as_array(a) * 1.0
    n, count = np.shape(a)[-1], 0
    one = np.eye(n)
    while np.linalg.norm(np.asarray(base(a - one)), 1) > 0.5:
        a, count = sqrtm(a), count + 1
        if count > 100:
            raise np.linalg.LinAlgError(
                "logm: the matrix is singular, or has no logarithm in floats"
            )
    x = a - one
    nodes, weights = np.polynomial.legendre.leggauss(12)
    terms = [w / 2 * solve(one + (t + 1) / 2 * x, x) for t, w in zip(nodes, weights, strict=True)]
    return sum(terms) * 2.0**count


def _turned(a: Any) -> tuple[Any, Any]:
    """Return cos A and sin A of a real matrix, parts of exp([[0, -A], [A, 0]])."""
    a = as_array(a) * 1.0
    n, zero = np.shape(a)[-1], 0 * a
    wide = expm(np.concatenate([np.concatenate([zero, -a], 1), np.concatenate([a, zero], 1)]))
    return wide[:n, :n], wide[n:, :n]


def cosm(a: Any) -> Any:
    """Return the cosine of a square matrix.

    >>> cosm([[0.0, 1.0], [0.0, 0.0]]).round(12)
    array([[1., 0.],
           [0., 1.]])
    """
    return _turned(a)[0]


def sinm(a: Any) -> Any:
    """Return the sine of a square matrix."""
    return _turned(a)[1]


def tanm(a: Any) -> Any:
    """Return the tangent of a square matrix: cos⁻¹ sin."""
    c, s = _turned(a)
    return linalg.solve(c, s)


def coshm(a: Any) -> Any:
    """Return the hyperbolic cosine of a square matrix."""
    a = as_array(a) * 1.0
    return (expm(a) + expm(-a)) / 2


def sinhm(a: Any) -> Any:
    """Return the hyperbolic sine of a square matrix."""
    a = as_array(a) * 1.0
    return (expm(a) - expm(-a)) / 2


def tanhm(a: Any) -> Any:
    """Return the hyperbolic tangent of a square matrix: cosh⁻¹ sinh."""
    return linalg.solve(coshm(a), sinhm(a))


def fractional_matrix_power(A: Any, t: Any) -> Any:
    """Return a power of a square matrix, exp(t log A), also as a function of t.

    >>> fractional_matrix_power([[4.0, 0.0], [0.0, 9.0]], 0.5).round(12)
    array([[2., 0.],
           [0., 3.]])
    """
    return expm(as_array(t) * logm(A))


def expm_frechet(A: Any, E: Any, compute_expm: bool = True) -> Any:
    """Return (exp A, its derivative along E), or that alone: a block of exp [[A, E], [0, A]].

    >>> expm_frechet([[0.0]], [[2.0]])[1]
    array([[2.]])
    """
    A, E = as_array(A) * 1.0, as_array(E) * 1.0
    n, rows = np.shape(A)[-1], [np.concatenate([A, E], 1), np.concatenate([0 * A, A], 1)]
    wide = expm(np.concatenate(rows))
    return (wide[:n, :n], wide[:n, n:]) if compute_expm else wide[:n, n:]


def signm(A: Any) -> Any:
    """Return the sign of a matrix without imaginary eigenvalues, A (A²)^(-1/2) (Higham, ch. 5).

    >>> signm([[2.0, 0.0], [0.0, -3.0]]).round(12) + 0.0
    array([[ 1.,  0.],
           [ 0., -1.]])
    """
    A = as_array(A) * 1.0
    return linalg.solve(sqrtm(np.matmul(A, A)), A)


# ------------------------------------------------------------------ eigenvalues
def eigvals(a: Any, b: Any = None) -> Any:
    """Return the eigenvalues of a, or of the pencil a v = w b v: those of b⁻¹a, in their order.

    >>> eigvals([[2.0, 0.0], [0.0, 3.0]], [[1.0, 0.0], [0.0, 2.0]])
    array([2. +0.j, 1.5+0.j])
    """
    return linalg.eigvals(_pencil(a, b)) * (1 + 0j)


def eig(a: Any, b: Any = None) -> tuple[Any, Any]:
    """Return (the eigenvalues of `eigvals`, the vectors in columns, of length one).

    >>> eig([[2.0, 0.0], [0.0, 3.0]])[1]
    array([[1., 0.],
           [0., 1.]])
    """
    w, v = linalg.eig(_pencil(a, b))
    return w * (1 + 0j), v


def _pencil(a: Any, b: Any) -> Any:
    return as_array(a) * 1.0 if b is None else linalg.solve(as_array(b), as_array(a))


def eigh_tridiagonal(
    d: Any, e: Any, eigvals_only: bool = False, select: str = "a", select_range: Any = None
) -> Any:
    """Return `eigh` of the matrix with the diagonal d and e beside it, as a full one.

    select: "a", all; "i" or "v", those of the indices or with values in select_range.

    >>> eigh_tridiagonal([2.0, 3.0], [0.0], eigvals_only=True)
    array([2., 3.])
    """
    if select[:1] not in ("a", "i", "v"):
        raise ValueError(f"select is 'a', 'i' or 'v', not {select!r}")
    chosen = {"i": "subset_by_index", "v": "subset_by_value"}.get(select[:1])
    subset = {chosen: select_range} if chosen else {}
    full = np.diag(as_array(d)) + np.diag(as_array(e), -1)
    return eigh(full, eigvals_only=eigvals_only, **subset)


def eigvalsh_tridiagonal(d: Any, e: Any, select: str = "a", select_range: Any = None) -> Any:
    """Return the eigenvalues of `eigh_tridiagonal`."""
    return eigh_tridiagonal(d, e, True, select, select_range)


def eigh(
    a: Any, b: Any = None, *, lower: bool = True, eigvals_only: bool = False, type: int = 1,
    subset_by_index: Any = None, subset_by_value: Any = None,
) -> Any:  # fmt: skip
    """Return (w, v) of the pencil of a and b, or w; a and b symmetric, b positive definite.

    Type 1: a v = w b v, vᵀ b v = 1; 2: a b v = w v, vᵀ b v = 1; 3: b a v = w v, vᵀ b⁻¹ v = 1.  With
    b = L Lᵀ they are those of L⁻¹ a L⁻ᵀ or Lᵀ a L (Golub & Van Loan, 8.7.2).  subset_by_index:
    (first, last) of them; subset_by_value: (low, high), those with low < w <= high.

    >>> eigh([[2.0, 0.0], [0.0, 3.0]], eigvals_only=True)
    array([2., 3.])
    """
    a, uplo, low = as_array(a), "L" if lower else "U", None
    if type not in (1, 2, 3):
        raise ValueError(f"eigh: type is 1, 2 or 3, not {type!r}")
    if b is not None:
        low = linalg.cholesky(as_array(b), upper=not lower)
        low = low if lower else np.swapaxes(low, -1, -2)
        a, uplo = _reduced(_from_triangle(a, lower), low, type), "L"
    if eigvals_only:
        w = linalg.eigvalsh(a, uplo)
        return w[..., _subset(w, subset_by_index, subset_by_value)]
    w, v = linalg.eigh(a, uplo)
    if low is not None:
        v = low @ v if type == 3 else linalg.solve(np.swapaxes(low, -1, -2), v)
    kept = _subset(w, subset_by_index, subset_by_value)
    return w[..., kept], v[..., kept]


def _reduced(a: Any, low: Any, type: int) -> Any:
    """Return L⁻¹ a L⁻ᵀ, or for other types than 1 Lᵀ a L, of a symmetric a."""
    if type == 1:
        c = linalg.solve(low, np.swapaxes(linalg.solve(low, a), -1, -2))
    else:
        c = np.swapaxes(low, -1, -2) @ a @ low
    return 0.5 * (c + np.swapaxes(c, -1, -2))


def _subset(w: Any, by_index: Any, by_value: Any) -> Any:
    """Return the index of the eigenvalues that are wanted."""
    if by_index is not None and by_value is not None:
        raise ValueError("eigh: give subset_by_index or subset_by_value, not both")
    if by_value is not None:
        low, high = by_value
        return np.flatnonzero(mask(w > low) & mask(w <= high))
    if by_index is None:
        return slice(None)
    first, last = map(operator.index, by_index)
    if not 0 <= first <= last < np.shape(w)[-1]:
        raise ValueError(f"eigh: subset_by_index={by_index} of {np.shape(w)[-1]} eigenvalues")
    return slice(first, last + 1)


def eigvalsh(
    a: Any, b: Any = None, *, lower: bool = True, type: int = 1, subset_by_index: Any = None,
    subset_by_value: Any = None,
) -> Any:  # fmt: skip
    """Return the eigenvalues of `eigh`."""
    return eigh(
        a, b, lower=lower, eigvals_only=True, type=type, subset_by_index=subset_by_index,
        subset_by_value=subset_by_value,
    )  # fmt: skip


def norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Return numpy.linalg.norm(a, ord, axis, keepdims).

    >>> float(norm([3.0, 4.0]))
    5.0
    """
    return np.linalg.norm(as_array(a), ord, axis, keepdims)


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
