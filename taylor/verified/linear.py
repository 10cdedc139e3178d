"""Linear algebra over intervals: solutions, inverses, determinants, eigenvalues of all members.

With R about the inverse of the middle of A, x₀ about the solution, and |1 - R·A| <= E, a norm of E
below one proves that every member of A has an inverse, and for all members of A and b

    x - x₀ = R·(b - A·x₀) + (1 - R·A)·(x - x₀),

first bounds by norms, then bounds of every component (Rump, Verification methods, Acta Numerica 19,
2010, 10.3; Krawczyk's operator).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from taylor.errors import DomainError
from taylor.numbers.kinds import Array
from taylor.verified.rounding import down, up

Set = Any  # an Interval
SWEEPS = 4  # of refinement: each narrows the bounds by about the norm of E


def solve(of: type[Set], a: Any, b: Any) -> Set:
    """Return what holds the solutions x of a x = b for all members; b is (n,) or (..., n, m)."""
    a, b = of.of(a), of.of(b)
    if b.ndim == 1:
        return _solved(of, a, np.expand_dims(b, -1))[..., 0]
    return _solved(of, a, b)


def inv(of: type[Set], a: Any) -> Set:
    """Return what holds the inverses of all members."""
    a = of.of(a)
    return _solved(of, a, of.of(np.broadcast_to(np.eye(a.shape[-1]), a.shape)))


def _solved(of: type[Set], a: Set, b: Set) -> Set:
    n = a.shape[-1]
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    if n == 0:
        return of._make(np.zeros((*batch, 0, b.shape[-1])), np.zeros((*batch, 0, b.shape[-1])))
    r = _near_inverse(a)
    start = r @ b.mid
    start = start + r @ (b.mid - a.mid @ start)
    defect = (np.eye(n) - of.of(r) @ a).mag
    rows = up(up(np.add.reduce(defect, axis=-1)) * (1 + n * 2.0**-51))
    norm = np.asarray(np.max(rows, axis=-1))
    if not np.all(norm < 1):
        at = tuple(np.argwhere(~(norm < 1))[0].tolist())
        where = f" (matrix {at} of the batch)" if at else ""
        raise DomainError(
            f"the members of a matrix{where} may have no inverse: the norm of 1 - R·A is "
            f"{float(norm[at]):.3g}, not below 1; make the intervals narrower"
        )
    rest = of.of(r) @ (b - a @ of.of(start))
    most = up(np.max(rest.mag, axis=-2) / np.asarray(down(1 - norm))[..., None])
    error = np.broadcast_to(most[..., None, :], rest.shape)
    spread = of._make(-defect, defect)
    around = of._make(-error.copy(), error.copy())
    for _ in range(SWEEPS):
        around = around & (rest + spread @ around)
    return around + start


def _near_inverse(a: Set) -> Array:
    """Return about the inverses of the middles of matrices."""
    middle = np.asarray(a.mid)
    if not np.isfinite(a.mag).all():
        raise DomainError("a matrix with entries without bounds may have no inverse; bound them")
    try:
        found = np.linalg.inv(middle)
    except np.linalg.LinAlgError:
        raise DomainError(
            "the middle of a matrix has no inverse; make the intervals narrower"
        ) from None
    if not np.isfinite(found).all():
        raise DomainError("the middle of a matrix has no finite inverse; scale it")
    return found


def det(of: type[Set], a: Any) -> Set:
    """Return what holds the determinants of all members, by elimination with pivots.

    Where no pivot is certain to be other than zero, what is left has a determinant of at most the
    product of the lengths of its rows (Hadamard).
    """
    a = of.of(a)
    n = a.shape[-1]
    flat = a.reshape(-1, n, n)
    found = [_det_of(of, flat[i].copy()) for i in range(len(flat))]
    return (
        np.stack(found).reshape(a.shape[:-2]) if found else of._make(*np.ones((2, *a.shape[:-2])))
    )


def _det_of(of: type[Set], a: Set) -> Set:
    found, n = of.of(1), a.shape[-1]
    for k in range(n):
        pivot = k + int(np.argmax(a[k:, k].mig))
        if not a[pivot, k].mig > 0:
            left = a[k:, k:]
            rows = np.sqrt(np.sum(left * left, axis=-1))
            most = np.prod(rows).hi
            return found * of._make(-most, most)
        if pivot != k:
            a[[k, pivot]] = a[[pivot, k]].copy()
            found = -found
        found = found * a[k, k]
        if k + 1 < n:
            factor = a[k + 1 :, k : k + 1] / a[k, k]
            a[k + 1 :, k + 1 :] = a[k + 1 :, k + 1 :] - factor * a[k : k + 1, k + 1 :]
    return found


def cofactors(of: type[Set], a: Any) -> Set:
    """Return what holds det a · a⁻ᵀ of all members."""
    return np.expand_dims(det(of, a), (-1, -2)) * np.swapaxes(inv(of, a), -1, -2)


def slogdet(of: type[Set], a: Any) -> tuple[Any, Any]:
    """Return the signs of the determinants, and what holds the logarithms of their sizes."""
    found = det(of, a)
    if not np.all(found.mig > 0):
        raise DomainError("the determinant of a member may be zero; make the intervals narrower")
    return of.of(np.sign(found.mid)), np.log(abs(found))


def cholesky(of: type[Set], a: Any, upper: bool = False) -> Set:
    """Return what holds the lower factors of all symmetric members, row by row."""
    a = of.of(a)
    a = np.swapaxes(a, -1, -2) if upper else a
    low = of._make(np.zeros(a.shape), np.zeros(a.shape))
    for i in range(a.shape[-1]):
        for j in range(i + 1):
            rest = a[..., i, j]
            for k in range(j):
                rest = rest - low[..., i, k] * low[..., j, k]
            if i == j and not np.all(rest.lo > 0):
                raise DomainError(
                    "a member of a matrix may not be positive definite; make the intervals narrower"
                )
            low[..., i, j] = np.sqrt(rest) if i == j else rest / low[..., j, j]
    return low


def eigvalsh(of: type[Set], a: Any, upper: bool = False) -> Set:
    """Return what holds the eigenvalues of all symmetric members, in ascending order.

    With XᵀX = 1 - E and XᵀAX = Λ + F those of A are (λ_i + f)/θ, |f| <= |F| (Weyl) and
    |θ - 1| <= |E| (Ostrowski; Horn and Johnson, Matrix Analysis, 4.3.1 and 4.5.9).
    """
    a = of.of(a)
    across = np.swapaxes(a, -1, -2)
    part = np.triu(np.ones(a.shape[-2:])) > 0
    a = np.where(part if upper else part.T, a, across)
    middle, x = np.linalg.eigh(_bounded(a))
    f = of.of(np.swapaxes(x, -1, -2)) @ (a @ of.of(x)) - _diagonal(middle, a.shape)
    off, e = _norm(f), _defect(of, x)
    return (of.of(middle) + of._make(-off, off)) / (1 + of._make(-e, e))


def svdvals(of: type[Set], a: Any) -> Set:
    """Return what holds the singular values of all members, in descending order.

    With UᵀAV = Σ + F those of A are (σ_i + f)/θ, where |f| <= |F| and θ lies between the products
    of the least and of the largest singular values of U and V (Horn and Johnson, Topics in Matrix
    Analysis, 3.3.16).
    """
    a = of.of(a)
    u, middle, vh = np.linalg.svd(_bounded(a))
    f = of.of(np.swapaxes(u, -1, -2)) @ a @ of.of(np.swapaxes(vh, -1, -2))
    off = _norm(f - _diagonal(middle, a.shape))
    both = [1 + of._make(-e, e) for e in (_defect(of, u), _defect(of, np.swapaxes(vh, -1, -2)))]
    found = (of.of(middle) + of._make(-off, off)) / np.sqrt(both[0] * both[1])
    return of._make(np.maximum(found.lo, 0.0), found.hi)


def _bounded(a: Set) -> Array:
    """Return the middles of matrices."""
    if not np.isfinite(a.mag).all():
        raise DomainError("a matrix has entries without bounds; bound them")
    return np.asarray(a.mid)


def _diagonal(x: Array, shape: tuple[int, ...]) -> Array:
    """Return matrices of a shape with that diagonal."""
    found = np.zeros((*x.shape[:-1], *shape[-2:]))
    at = np.arange(x.shape[-1])
    found[..., at, at] = x
    return found


def _norm(x: Set) -> Array:
    """Return no less than the spectral norms: √(|x|₁·|x|∞), along a last axis of length one."""
    sums = (np.add.reduce(x.mag, axis) * (1 + x.shape[axis] * 2.0**-51) for axis in (-1, -2))
    sides = [np.max(up(np.asarray(each)), -1, initial=0.0) for each in sums]
    found: Array = np.asarray(np.maximum(*sides))[..., None]
    return found


def _defect(of: type[Set], x: Array) -> Array:
    """Return no less than the norms of 1 - xᵀx, which are below one."""
    found = _norm(of.of(np.swapaxes(x, -1, -2)) @ of.of(x) - np.eye(x.shape[-1]))
    if not np.all(found < 1):
        raise DomainError("the vectors found are not orthogonal: the matrix is too large")
    return found


METHODS: dict[str, Callable[..., Any]] = {
    "solve": solve, "inv": inv, "det": det, "cofactors": cofactors, "slogdet": slogdet,
    "regular slogdet": lambda of, bar, *known: bar,  # no member is singular, or it has no value
    "svdvals": svdvals, "cholesky": cholesky, "cholesky_upper": partial(cholesky, upper=True),
    "eigvalsh": eigvalsh, "eigvalsh_upper": partial(eigvalsh, upper=True),
}  # fmt: skip
