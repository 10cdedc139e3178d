"""scipy.linalg of matrices of values of the package, on the rules of `taylor.linalg`.

Functions of SciPy with SciPy's arguments; those that only choose between algorithms for the same
result (assume_a, check_finite, overwrite_a, lapack_driver) are not taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from taylor import linalg
from taylor.core.operand import as_array
from taylor.core.table import rule
from taylor.errors import ShapeMismatch
from taylor.linalg import det, expm, inv, pinv, svd, svdvals
from taylor.numbers.kinds import base

__all__ = [
    "block_diag", "cho_factor", "cho_solve", "cholesky", "circulant", "det", "eigh", "eigvalsh",
    "expm", "hankel", "inv", "logm", "norm", "pinv", "solve", "solve_banded", "solve_sylvester",
    "solve_triangular", "sqrtm", "svd", "svdvals", "toeplitz",
]  # fmt: skip


# ------------------------------------------------------------------ equations
def solve(a: Any, b: Any, *, transposed: bool = False) -> Any:
    """Return x with a x = b, or aᵀ x = b.

    >>> solve([[2.0, 0.0], [1.0, 1.0]], [2.0, 3.0])
    array([1., 2.])
    """
    a = as_array(a)
    return linalg.solve(np.swapaxes(a, -1, -2) if transposed else a, as_array(b))


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
    t = np.tril(a, -1 if unit_diagonal else 0) if lower else np.triu(a, 1 if unit_diagonal else 0)
    if unit_diagonal:
        t = t + np.eye(np.shape(a)[-1])
    return solve(t, b, transposed=trans in (1, "T"))


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
    rows, n = np.shape(ab)
    if rows != below + above + 1:
        raise ShapeMismatch(f"ab has {rows} rows for l + u + 1 = {below + above + 1} diagonals")
    i, j = np.indices((n, n))
    place = above + i - j
    inside = (place >= 0) & (place < rows)
    return solve(np.where(inside, ab[np.where(inside, place, 0), j], 0.0), b)


def _sylvester(a: Any, b: Any, q: Any) -> Any:
    return scipy.linalg.solve_sylvester(a, b, q)


def _sylvester_jvp(dargs: Any, x: Any, a: Any, b: Any, q: Any) -> Any:
    da, db, dq = dargs
    right = 0 * x if dq is None else dq
    right = right if da is None else right - da @ x
    return SYLVESTER(a, b, right if db is None else right - x @ db)


def _sylvester_vjp(bar: Any, x: Any, a: Any, b: Any, q: Any) -> tuple[Any, ...]:
    z = SYLVESTER(np.transpose(a), np.transpose(b), bar)
    return -(z @ np.transpose(x)), -(np.transpose(x) @ z), z


SYLVESTER = rule(_sylvester, jvp=_sylvester_jvp, vjp=_sylvester_vjp, name="solve_sylvester")


def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """Return x with a x + x b = q; a dx + dx b = dq - da x - x db.

    >>> solve_sylvester([[1.0]], [[2.0]], [[6.0]])
    array([[2.]])
    """
    return SYLVESTER(as_array(a) * 1.0, as_array(b) * 1.0, as_array(q) * 1.0)


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


# ------------------------------------------------------------------ eigenvalues
def eigh(a: Any, b: Any = None, *, lower: bool = True, eigvals_only: bool = False) -> Any:
    """Return (w, v) with a v = w b v, vᵀ b v = 1, or w; a and b symmetric, b positive definite.

    With b = L Lᵀ they are those of L⁻¹ a L⁻ᵀ (Golub & Van Loan, 8.7.2).

    >>> eigh([[2.0, 0.0], [0.0, 3.0]], eigvals_only=True)
    array([2., 3.])
    """
    a, uplo = as_array(a), "L" if lower else "U"
    if b is None:
        return linalg.eigvalsh(a, uplo) if eigvals_only else tuple(linalg.eigh(a, uplo))
    triangle, strict = (np.tril, -1) if lower else (np.triu, 1)
    full = triangle(a) + np.swapaxes(triangle(a, strict), -1, -2)
    low = linalg.cholesky(as_array(b), upper=not lower)
    low = low if lower else np.swapaxes(low, -1, -2)
    half = np.swapaxes(linalg.solve(low, full), -1, -2)
    c = linalg.solve(low, half)
    c = 0.5 * (c + np.swapaxes(c, -1, -2))
    if eigvals_only:
        return linalg.eigvalsh(c)
    w, v = linalg.eigh(c)
    return w, linalg.solve(np.swapaxes(low, -1, -2), v)


def eigvalsh(a: Any, b: Any = None, *, lower: bool = True) -> Any:
    """Return the eigenvalues of `eigh`."""
    return eigh(a, b, lower=lower, eigvals_only=True)


def norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Return numpy.linalg.norm(a, ord, axis, keepdims).

    >>> float(norm([3.0, 4.0]))
    5.0
    """
    return np.linalg.norm(as_array(a), ord, axis, keepdims)


# ------------------------------------------------------------------ matrices of a form
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
