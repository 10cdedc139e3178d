"""Factors of a matrix: cholesky, qr, eigh, svd, and what qr solves: lstsq, pinv."""

from __future__ import annotations

from typing import Any

import numpy as np

from taylor.errors import NonAnalyticError
from taylor.linalg.degrees import T, Table, both_triangles, matrix_rule, mirrored, together
from taylor.linalg.equations import INV, SOLVE, solution
from taylor.numbers.kinds import Array


# ------------------------------------------------------------------ cholesky
def _half(x: Any) -> Any:
    """Return Φ(x), the lower triangle with half the diagonal: x = Φ(x) + Φ(x)ᵀ if xᵀ = x."""
    return 0.5 * (np.tril(x) + np.tril(x, -1))


def _cholesky_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """ā = l⁻ᵀ Φ(lᵀ l̄) l⁻¹."""
    p = INV(y)
    return (T(p) @ _half(T(y) @ ybar) @ p,)


def _cholesky_series(a: Table, low: Any) -> list[Table]:
    """a = l lᵀ: l_0 l_kᵀ + l_k l_0ᵀ = s with s = a_k - Σ_{j=1..k-1} l_j l_{k-j}ᵀ,

    so that l_0⁻¹ l_k = Φ(l_0⁻¹ s l_0⁻ᵀ).
    """
    p = INV(low)

    def rule(k: int) -> Any:
        s = a(k) - l.interior("ij,kj->ik", k, l)
        return low @ _half(p @ s @ T(p))

    l = Table(a.algebra, low, rule)  # noqa: E741
    return [l]


CHOLESKY = both_triangles(
    "cholesky",
    lambda upper, a: T(np.linalg.cholesky(a, upper=True)) if upper else np.linalg.cholesky(a),
    _cholesky_vjp, _cholesky_series, check=lambda *known: None,
)  # fmt: skip


# ------------------------------------------------------------------ qr
def _qr_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """ā = (q̄ + q sym(m)) r⁻ᵀ, m = r r̄ᵀ - q̄ᵀ q, where sym(m) mirrors the lower triangle."""
    (q, r), (qbar, rbar) = y, ybar
    right = qbar + q @ mirrored(r @ T(rbar) - T(qbar) @ q)
    return (T(SOLVE(r, T(right))),)


def _qr_series(a: Table, q0: Any, r0: Any) -> list[Table]:
    """With h = q_0 r_k + q_k r_0 known and q_0ᵀ q_k = s + x, s symmetric and known,

    f = q_0ᵀ h r_0⁻¹ = r_k r_0⁻¹ + s + x, and r_k r_0⁻¹ is upper triangular, so the lower triangle
    of f - s is that of the antisymmetric x.
    """
    p = INV(r0)

    def rule(k: int) -> Any:
        h = (a(k) - q.interior("ij,jk->ik", k, r)) @ p
        s = q.orthogonal(k)
        f = T(q0) @ h
        low = np.tril(f - s, -1)
        w = s + low - T(low)
        return q0 @ w + (h - q0 @ f), np.triu(f - w) @ r0

    q, r = together(a.algebra, (q0, r0), rule)
    return [q, r]


def _full_rank(bar: Any, a: Array, q: Array, r: Array) -> None:
    limit = r.shape[-1] * np.finfo(r.dtype).eps * np.max(np.abs(r), axis=(-2, -1), initial=0)
    bad = np.argwhere(np.abs(np.linalg.diagonal(r)) <= np.expand_dims(limit, -1))
    if len(bad):
        raise np.linalg.LinAlgError(
            f"column {bad[0][-1]} depends on the columns before it; the factors of a matrix "
            "without full column rank have no derivative"
        )


QR = matrix_rule("qr", lambda a: np.linalg.qr(a), _qr_vjp, _qr_series, check=_full_rank)


# ------------------------------------------------------------------ lstsq and pinv
def _lstsq(a: Array, b: Array) -> Array:
    x, _, rank, _ = np.linalg.lstsq(a, b, rcond=None)
    if rank < a.shape[1]:
        raise np.linalg.LinAlgError(
            f"the matrix of shape {a.shape} and rank {rank} has no full column rank; the solution "
            "is not unique and has no derivatives"
        )
    return x


def _lstsq_vjp(ybar: Any, y: Any, a: Any, b: Any) -> Any:
    """With z = (aᵀa)⁻¹ x̄: b̄ = a z, ā = (b - a x) zᵀ - b̄ xᵀ."""
    r = QR(a)[1]
    z = SOLVE(r, SOLVE(T(r), ybar))
    bbar = a @ z
    return (b - a @ y) @ T(z) - bbar @ T(y), bbar


def _lstsq_series(a: Table, b: Table, x0: Any) -> list[Table]:
    """r x = qᵀ b with a = q r."""
    heads = QR(a.value)
    q, r = [Table(a.algebra, z) for z in heads] if a.constant else _qr_series(a, *heads)
    return [solution(r, q.map(T) @ b, x0)]


LSTSQ = matrix_rule("lstsq", _lstsq, _lstsq_vjp, _lstsq_series, check=lambda *known: None)


def _pinv_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """From dp = -p da p + p pᵀ daᵀ (1 - a p) + (1 - p a) daᵀ pᵀ p (Golub & Pereyra, 1973):

    ā = -pᵀ p̄ pᵀ + (1 - a p) p̄ᵀ p pᵀ + pᵀ p p̄ᵀ (1 - p a).
    """
    p, bar = y, T(ybar)
    left, right = bar @ p @ T(p), T(p) @ p @ bar
    return ((left - a @ (p @ left)) + (right - (right @ p) @ a) - T(p @ bar @ p),)


def _pinv_series(a: Table, p0: Any) -> list[Table]:
    """a = q r gives r p = qᵀ; a matrix with more columns than rows is transposed."""
    if np.shape(a.value)[-2] < np.shape(a.value)[-1]:
        return [_pinv_series(a.map(T), T(p0))[0].map(T)]
    q, r = _qr_series(a, *QR(a.value))
    return [solution(r, q.map(T), p0)]


def _maximal_rank(bar: Any, a: Array, p: Array) -> None:
    rank = np.linalg.matrix_rank(a)
    if np.any(rank < min(a.shape[-2:])):
        raise np.linalg.LinAlgError(
            f"a matrix of shape {a.shape[-2:]} has rank {np.min(rank)}; where the rank can "
            "change the pseudo-inverse jumps and has no derivative"
        )


PINV = matrix_rule("pinv", np.linalg.pinv, _pinv_vjp, _pinv_series, check=_maximal_rank)


# ------------------------------------------------------------------ eigh
def _inverse_gaps(v: Any) -> Any:
    """Return E with E_ij = 1/(v_j - v_i) and a zero diagonal."""
    gaps = np.expand_dims(v, -2) - np.expand_dims(v, -1)
    off = np.broadcast_to(~np.eye(np.shape(v)[-1], dtype=bool), np.shape(gaps))
    return np.where(off, 1 / np.where(off, gaps, 1), 0)


def _rounding(v: Array) -> Any:
    size = np.max(np.abs(v), axis=-1, initial=0, keepdims=True)
    return 4 * v.shape[-1] * np.finfo(v.dtype).eps * size


def _distinct(values: str, v: Array, bar: Any = np.nan) -> None:
    """Raise where neighbours in ascending v are equal to rounding, and their weights bar are not.

    Equal values have a derivative only together, in a function symmetric in them.
    """
    weights = np.abs(np.diff(np.broadcast_to(bar, v.shape)))
    same = weights <= 1e-8 * np.max(np.abs(bar), initial=0)
    equal = (np.diff(v) <= _rounding(v)) & ~same
    if equal.any():
        raise NonAnalyticError(
            f"{values} {v[..., :-1][equal][0]} and {v[..., 1:][equal][0]} are equal, so they and "
            "their vectors have no derivative; only symmetric functions of the two have (write "
            "them with det, inv, trace or expm), or move the point"
        )


def _eigh_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """ā = q (diag λ̄ + E∘(qᵀ q̄)) qᵀ with E_ij = 1/(λ_j - λ_i) off the diagonal."""
    (v, q), (vbar, qbar) = y, ybar
    return ((q * vbar[..., None, :] + q @ (_inverse_gaps(v) * (T(q) @ qbar))) @ T(q),)


def _eigh_series(a: Table, v0: Any, q0: Any) -> list[Table]:
    """From a_0 q_k - q_k λ_0 - q_0 λ_k = -h, h known, and q_0ᵀ q_k = s + x, s symmetric and known:

    with f = q_0ᵀ h the diagonal of λ_0 w - w λ_0 - λ_k = -f, w = s + x, gives λ_k, and off it
    w_ij = f_ij/(λ_j - λ_i), whose antisymmetric part is x.
    """
    gaps = _inverse_gaps(v0)

    def rule(k: int) -> Any:
        h = a(k) @ q0 + a.interior("ij,jk->ik", k, q) - q.interior("ij,j->ij", k, v)
        f = T(q0) @ h
        w = gaps * f
        return np.linalg.diagonal(f), q0 @ (0.5 * (w - T(w)) + q.orthogonal(k))

    v, q = together(a.algebra, (v0, q0), rule)
    return [v, q]


EIGH = both_triangles(
    "eigh", lambda upper, a: np.linalg.eigh(a, "U" if upper else "L"),
    _eigh_vjp, _eigh_series, check=lambda bar, a, v, q: _distinct("eigh: the eigenvalues", v),
)  # fmt: skip
# ā = q diag(λ̄) qᵀ
EIGVALSH = both_triangles(
    "eigvalsh", lambda upper, a: np.linalg.eigvalsh(a, "U" if upper else "L"),
    lambda ybar, y, a: ((q := EIGH[False](a)[1]) * ybar[..., None, :] @ T(q),),
    lambda a, v: _eigh_series(a, *EIGH[False](a.value))[:1],
    check=lambda bar, a, v: _distinct("eigvalsh: the eigenvalues", v, bar),
)  # fmt: skip


# ------------------------------------------------------------------ svd
def _svd_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """With J(p) = E∘(p - pᵀ), E_ij = 1/(s_j² - s_i²) off the diagonal, and vt = vᵀ,

    ā = u (J(uᵀū) s + s J(vᵀv̄) + diag s̄) vᵀ + (1 - u uᵀ) ū s⁻¹ vᵀ + u s⁻¹ v̄ᵀ (1 - v vᵀ).
    """
    (u, s, vt), (ubar, sbar, vtbar) = y, ybar
    gaps, row = _inverse_gaps(s * s), s[..., None, :]
    pu, pv = T(u) @ ubar, vt @ T(vtbar)
    inner = gaps * (pu - T(pu)) * row + s[..., None] * gaps * (pv - T(pv))
    left = u @ inner + u * sbar[..., None, :] + (ubar - u @ pu) / row
    return (left @ vt + u / row @ (vtbar - T(pv) @ vt),)


def _svd_series(a: Table, u0: Any, s0: Any, vt0: Any) -> list[Table]:
    """From a v = u s, uᵀu = 1, vᵀv = 1, where a has at least as many rows (else it is transposed).

    The known part is h = u_k s_0 + u_0 s_k - a_0 v_k.  With u_0ᵀ u_k = su + x, v_0ᵀ v_k = sv + z,

        f = u_0ᵀ h = (su + x) s_0 - s_0 (sv + z) + s_k,

    the diagonal gives s_k; off it g = f - su s_0 + s_0 sv = x s_0 - s_0 z, and since x and z are
    antisymmetric, g s_0 + s_0 gᵀ = x∘(s_j² - s_i²) and s_0 g + gᵀ s_0 = z∘(s_j² - s_i²).
    """
    if np.shape(a.value)[-2] < np.shape(a.value)[-1]:
        v, s, ut = _svd_series(a.map(T), T(vt0), s0, T(u0))
        return [ut.map(T), s, v.map(T)]
    v0, gaps, row, col = T(vt0), _inverse_gaps(s0 * s0), s0[..., None, :], s0[..., None]

    def rule(k: int) -> Any:
        h = a(k) @ v0 + a.interior("ij,jk->ik", k, v) - u.interior("ij,j->ij", k, s)
        f, su, sv = T(u0) @ h, u.orthogonal(k), v.orthogonal(k)
        g = f - su * row + col * sv
        x = gaps * (g * row + col * T(g))
        z = gaps * (col * g + T(g) * row)
        return u0 @ (x + su) + (h - u0 @ f) / row, np.linalg.diagonal(g), v0 @ (z + sv)

    u, s, v = together(a.algebra, (u0, s0, v0), rule)
    return [u, s, v.map(T)]


def _simple(s: Array) -> None:
    _distinct("svd: the singular values", s[..., ::-1])
    if np.any(s <= _rounding(s)):
        raise NonAnalyticError(
            "svd: a singular value is zero, where it has a kink and its singular vectors no "
            "derivative; move the point, or use eigh of AᵀA"
        )


SVD = matrix_rule(
    "svd", lambda a: np.linalg.svd(a, full_matrices=False), _svd_vjp, _svd_series,
    check=lambda bar, a, u, s, vt: _simple(s),
)  # fmt: skip
# ā = u diag(s̄) vᵀ
SVDVALS = matrix_rule(
    "svdvals", lambda a: np.linalg.svd(a, compute_uv=False),
    lambda ybar, y, a: ((usv := SVD(a))[0] * ybar[..., None, :] @ usv[2],),
    lambda a, s: _svd_series(a, *SVD(a.value))[1:2],
    check=lambda bar, a, s: _simple(s),
)  # fmt: skip
