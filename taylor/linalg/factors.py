"""Factors of a matrix: cholesky, qr, eigh, svd, and what qr solves: lstsq, pinv."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.core.algebra import Univariate
from taylor.core.operand import is_complex
from taylor.core.parts import part
from taylor.core.table import Rule
from taylor.errors import NonAnalyticError
from taylor.linalg.branches import branches
from taylor.linalg.degrees import (
    TRIANGLE,
    H,
    Named,
    T,
    Table,
    both_triangles,
    by_columns,
    eye,
    half_of,
    matrix_rule,
    mirrored,
    together,
    transposing,
)  # fmt: skip
from taylor.linalg.equations import TRIANGULAR, backward
from taylor.numbers.kinds import Array, is_operand
from taylor.numbers.policy import current_policy

BLOCK = 50  # rows of a block that is not divided


# ------------------------------------------------------------------ cholesky
def _cholesky_bar(low: Any, bar: Any) -> Any:
    """Return ã, in the lower triangle: z + zᴴ (the diagonal halved) with z = l⁻ᴴ Φ(lᴴ l̃) l⁻¹.

    A large matrix in two blocks (I. Murray, "Differentiation of the Cholesky decomposition",
    arXiv:1602.07527): from l_21 = a_21 l_11⁻ᴴ and l_22 l_22ᴴ = a_22 - l_21 l_21ᴴ follow

        ã_21 = (l̃_21 - (ã_22 + ã_22ᴴ) l_21) l_11⁻¹,    l̃_11 - ã_21ᴴ l_21 is what l_11 is given.
    """
    t, n = transposing(low), np.shape(low)[-1]
    if n <= BLOCK:
        upper, solve = t(low), TRIANGULAR[True]
        z = solve(upper, t(solve(upper, half_of(upper @ bar))))
        return half_of(z + t(z))
    h = n // 2
    one, two = low[..., :h, :h], low[..., h:, :h]
    last = _cholesky_bar(low[..., h:, h:], bar[..., h:, h:])
    mixed = bar[..., h:, :h] - (last + t(last)) @ two
    mixed = t(TRIANGULAR[True](t(one), t(mixed)))
    first = _cholesky_bar(one, bar[..., :h, :h] - t(mixed) @ two)
    rows = [np.concatenate(x, axis=-1) for x in ([first, t(mixed)], [mixed, last])]
    return TRIANGLE[False](np.concatenate(rows, axis=-2))


# of real matrices: one call in programs, whose derivatives are those of the formula
CHOLESKY_BAR = Named("adjoint of cholesky", _cholesky_bar)


def _cholesky_vjp(upper: bool, ybar: Any, y: Any, a: Any) -> Any:
    """ã, in the triangle of a that is read."""
    found = (_cholesky_bar if is_complex(y) else CHOLESKY_BAR)(y, ybar)
    return (H(found) if upper else found,)


def _cholesky_series(upper: bool, a: Table, low: Any) -> list[Table]:
    """a = l lᴴ: l_0 l_kᴴ + l_k l_0ᴴ = s with s = a_k - Σ_{j=1..k-1} l_j l_{k-j}ᴴ,

    so that l_0⁻¹ l_k = Φ(l_0⁻¹ s l_0⁻ᴴ).
    """
    a = a.map(functools.partial(mirrored, upper=upper))

    def left(x: Any) -> Any:
        return by_columns(TRIANGULAR[False], low, x)

    def rule(k: int) -> Any:
        s = a(k) - l.interior("ij,kj->ik", k, l.conjugate)
        return low @ half_of(left(H(left(s))))

    l = Table(a.algebra, low, rule)  # noqa: E741
    return [l]


def _cholesky(upper: bool, a: Array) -> Any:
    return H(np.linalg.cholesky(a, upper=True)) if upper else np.linalg.cholesky(a)


def _cholesky_rule(upper: bool) -> Rule:
    value, vjp, series = (
        functools.partial(f, upper) for f in (_cholesky, _cholesky_vjp, _cholesky_series)
    )
    return matrix_rule("cholesky" + "_upper" * upper, value, vjp, series, floating=True)


CHOLESKY = {upper: _cholesky_rule(upper) for upper in (False, True)}


# ------------------------------------------------------------------ qr
def _qr_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """ã = (q̃ + q sym(m)) r⁻ᴴ, m = r r̃ᴴ - q̃ᴴ q, where sym(m) mirrors the lower triangle."""
    (q, r), (qbar, rbar), t = y, ybar, transposing(a)
    m = half_of(r @ t(rbar) - t(qbar) @ q)
    return (t(TRIANGULAR[True](r, t(qbar + q @ (m + t(m))))),)


def _qr_series(a: Table, q0: Any, r0: Any) -> list[Table]:
    """With h = q_0 r_k + q_k r_0 known and q_0ᴴ q_k = s + x, s Hermitian and known,

    f = q_0ᴴ h r_0⁻¹ = r_k r_0⁻¹ + s + x, and r_k r_0⁻¹ is upper triangular with a real diagonal, so
    the lower triangle of f - s, and i times the imaginary part of its diagonal, are those of the
    anti-Hermitian x.
    """

    def rule(k: int) -> Any:
        h = T(by_columns(TRIANGULAR[False], T(r0), T(a(k) - q.interior("ij,jk->ik", k, r))))
        s = q.orthogonal(k)
        f = H(q0) @ h
        half = half_of(f - s)
        w = s + half - H(half)
        return q0 @ w + (h - q0 @ f), TRIANGLE[True](f - w) @ r0

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
    """With z = (aᴴa)⁻¹ x̃: b̃ = a z, ã = (b - a x) zᴴ - b̃ xᴴ."""
    r, t = QR(a)[1], transposing(a)
    z = TRIANGULAR[True](r, TRIANGULAR[False](t(r), ybar))
    bbar = a @ z
    return (b - a @ y) @ t(z) - bbar @ t(y), bbar


def _lstsq_series(a: Table, b: Table, x0: Any) -> list[Table]:
    """r x = qᴴ b with a = q r."""
    heads = QR(a.value)
    q, r = [Table(a.algebra, z) for z in heads] if a.constant else _qr_series(a, *heads)
    return [backward(r, q.map(H) @ b, True, x0)]


LSTSQ = matrix_rule("lstsq", _lstsq, _lstsq_vjp, _lstsq_series, floating=True)


def _pinv_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """From dp = -p da p + p pᴴ daᴴ (1 - a p) + (1 - p a) daᴴ pᴴ p (Golub & Pereyra, 1973):

    ã = -pᴴ p̃ pᴴ + (1 - a p) p̃ᴴ p pᴴ + pᴴ p p̃ᴴ (1 - p a).
    """
    t = transposing(a)
    p, bar = y, t(ybar)
    left, right = bar @ p @ t(p), t(p) @ p @ bar
    return ((left - a @ (p @ left)) + (right - (right @ p) @ a) - t(p @ bar @ p),)


def _pinv_series(a: Table, p0: Any) -> list[Table]:
    """a = q r gives r p = qᴴ; a matrix with more columns than rows is transposed."""
    if np.shape(a.value)[-2] < np.shape(a.value)[-1]:
        return [_pinv_series(a.map(T), T(p0))[0].map(T)]
    q, r = _qr_series(a, *QR(a.value))
    return [backward(r, q.map(H), True, p0)]


def _maximal_rank(bar: Any, a: Array, p: Array) -> None:
    rank = np.linalg.matrix_rank(a)
    if np.any(rank < min(a.shape[-2:])):
        raise np.linalg.LinAlgError(
            f"a matrix of shape {a.shape[-2:]} has rank {np.min(rank)}; where the rank can "
            "change the pseudo-inverse jumps and has no derivative"
        )


PINV = matrix_rule("pinv", np.linalg.pinv, _pinv_vjp, _pinv_series, check=_maximal_rank)


# ------------------------------------------------------------------ eigh
def _of_real(bar: Any, a: Any) -> Any:
    """Return the adjoint of numbers that are real, though those of the matrix are complex."""
    return part("real", bar) if is_complex(a) else bar


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
    v = v.real
    weights = np.abs(np.diff(np.broadcast_to(bar, v.shape)))
    same = weights <= 1e-8 * np.max(np.abs(bar), initial=0)
    equal = (np.diff(v) <= _rounding(v)) & ~same
    if equal.any():
        raise NonAnalyticError(
            f"{values} {v[..., :-1][equal][0]} and {v[..., 1:][equal][0]} are equal, so they and "
            "their vectors have no derivative; only symmetric functions of the two have (write "
            "them with eigvalsh, det, inv, trace or expm), or move the point"
        )


def _apart(
    values: str, v: Array, bar: Any = np.nan, sizes: bool = False, vectors: bool = False
) -> Array | None:
    """Raise where values v have no derivatives by themselves, and the adjoint bar is not the same.

    With a subgradient they have the mean of their adjoints, and sizes that are zero have none: that
    does not depend on the vectors.  Return the matrix by which bar is multiplied then.
    """
    if current_policy().side and not vectors:
        return None  # along a line they have, on each side
    v, small = v.real, _rounding(v.real)
    bar, shares = np.broadcast_to(bar, v.shape), None
    zero = (v <= small) & sizes
    apart = np.abs(np.diff(v, axis=-1)) > small
    if current_policy().kink == "subgradient" and (zero.any() or not apart.all()):
        group = np.cumsum(np.insert(apart, 0, False, axis=-1), axis=-1)
        same = (group[..., :, None] == group[..., None, :]) & ~zero[..., None, :]
        shares = same / np.maximum(np.sum(same, axis=-1, keepdims=True), 1)
        bar = (bar[..., None, :] @ shares)[..., 0, :]
    step = -1 if sizes else 1  # ascending
    _distinct(values, v[..., ::step], bar[..., ::step])
    if np.any(zero & (bar != 0)):
        raise NonAnalyticError(
            "svd: a singular value is zero, where it has a kink and its singular vectors no "
            "derivative; move the point, or use eigh of AᵀA"
        )
    return shares


def _eigh_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """ã = q (diag λ̃ + E∘(qᴴ q̃)) qᴴ with E_ij = 1/(λ_j - λ_i) off the diagonal."""
    (v, q), (vbar, qbar), t = y, ybar, transposing(a)
    vbar = _of_real(vbar, a)
    return ((q * vbar[..., None, :] + q @ (_inverse_gaps(v) * (t(q) @ qbar))) @ t(q),)


def _eigh_series(a: Table, v0: Any, q0: Any) -> list[Table]:
    """From a_0 q_k - q_k λ_0 - q_0 λ_k = -h, h known, and q_0ᴴ q_k = s + x, s Hermitian and known:

    with f = q_0ᴴ h the diagonal of λ_0 w - w λ_0 - λ_k = -f, w = s + x, gives λ_k, and off it
    w_ij = f_ij/(λ_j - λ_i), whose anti-Hermitian part is x.  Complex vectors have any phase: theirs
    changes with the matrix as little as possible (x has a zero diagonal).
    """
    gaps = _inverse_gaps(v0)

    def rule(k: int) -> Any:
        h = a(k) @ q0 + a.interior("ij,jk->ik", k, q) - q.interior("ij,j->ij", k, v)
        f = H(q0) @ h
        w = gaps * f
        return np.linalg.diagonal(f), q0 @ (0.5 * (w - H(w)) + q.orthogonal(k))

    v, q = together(a.algebra, (v0, q0), rule)
    return [v, q]


def _on_one_side(
    a: Table, of: Callable[[Array], Array], values: Array, pick: slice
) -> Table | None:
    """Return the eigenvalues of the Hermitian matrices of(a), those picked, where they are equal.

    They are those on the side of the policy (see `branches`); None: there is none.
    """
    side = current_policy().side
    if not side or is_operand(a.value) or not isinstance(a.algebra, Univariate):
        return None
    shape = np.shape(a.value)

    def rule(k: int) -> Any:
        parts = [np.broadcast_to(a(j), shape).reshape(-1, *shape[-2:]) for j in range(k + 1)]
        found = [
            branches([of(x[i]) for x in parts], side == "after")[k][pick]
            for i in range(len(parts[0]))
        ]
        return np.reshape(found, np.shape(values)).astype(np.asarray(a.value).dtype)

    return Table(a.algebra, values, rule)


def _eigenvalue_series(a: Table) -> list[Table]:
    found = _on_one_side(a, lambda x: x, EIGVALSH[False](a.value), slice(None))
    return _eigh_series(a, *EIGH[False](a.value))[:1] if found is None else [found]


def _singular_value_series(a: Table) -> list[Table]:
    """Return the singular values, the largest eigenvalues of [[0, a], [aᴴ, 0]] (Wielandt)."""
    values = SVDVALS(a.value)
    found = _on_one_side(a, _jordan_wielandt, values, slice(None, -1 - np.shape(values)[-1], -1))
    return _svd_series(a, *SVD(a.value))[1:2] if found is None else [found]


def _jordan_wielandt(x: Array) -> Array:
    m, n = x.shape
    return np.block([[np.zeros((m, m)), x], [x.conj().T, np.zeros((n, n))]])


def _alike(a: Array, found: Any) -> Any:
    """Return results in the type of the matrix: real ones of a complex matrix are complex."""
    if isinstance(found, tuple):
        return tuple(x.astype(a.dtype, copy=False) for x in found)
    return found.astype(a.dtype, copy=False)


EIGH = both_triangles(
    "eigh", lambda upper, a: _alike(a, tuple(np.linalg.eigh(a, "U" if upper else "L"))),
    _eigh_vjp, _eigh_series, check=lambda bar, a, v, q: _distinct("eigh: the eigenvalues", v),
)  # fmt: skip
# ã = q diag(λ̃) qᴴ
EIGVALSH = both_triangles(
    "eigvalsh", lambda upper, a: _alike(a, np.linalg.eigvalsh(a, "U" if upper else "L")),
    lambda ybar, y, a: (
        (q := EIGH[False](a)[1]) * _of_real(ybar, a)[..., None, :] @ transposing(a)(q),
    ),
    lambda a, v: _eigenvalue_series(a),
    check=lambda bar, a, v: _apart("eigvalsh: the eigenvalues", v, bar),
)  # fmt: skip


# ------------------------------------------------------------------ svd
def _svd_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """With J(p) = E∘(p - pᴴ), E_ij = 1/(s_j² - s_i²) off the diagonal, and vt = vᴴ,

    ã = u (J(uᴴũ) s + s J(vᴴṽ) + diag s̃) vᴴ + (1 - u uᴴ) ũ s⁻¹ vᴴ + u s⁻¹ ṽᴴ (1 - v vᴴ),

    where diag s̃ has also the phases i Im diag(uᴴũ - vᴴṽ)/(2s) of complex vectors.
    """
    (u, s, vt), (ubar, sbar, vtbar), t = y, ybar, transposing(a)
    gaps, row, sbar = _inverse_gaps(s * s), s[..., None, :], _of_real(sbar, a)
    pu, pv = t(u) @ ubar, vt @ t(vtbar)
    ju, jv = pu - t(pu), pv - t(pv)
    inner = gaps * ju * row + s[..., None] * gaps * jv
    if is_complex(a):
        inner = inner + eye(np.shape(s)[-1], a) * (ju - jv) / (4 * row)
    left = u @ inner + u * sbar[..., None, :] + (ubar - u @ pu) / row
    return (left @ vt + u / row @ (vtbar - t(pv) @ vt),)


def _svd_series(a: Table, u0: Any, s0: Any, vt0: Any) -> list[Table]:
    """From a v = u s, uᴴu = 1, vᴴv = 1, where a has at least as many rows (else it is transposed).

    The known part is h = u_k s_0 + u_0 s_k - a_0 v_k.  With u_0ᴴ u_k = su + x, v_0ᴴ v_k = sv + z,

        f = u_0ᴴ h = (su + x) s_0 - s_0 (sv + z) + s_k,

    the diagonal gives s_k; off it g = f - su s_0 + s_0 sv = x s_0 - s_0 z, and since x and z are
    anti-Hermitian, g s_0 + s_0 gᴴ = x∘(s_j² - s_i²) and s_0 g + gᴴ s_0 = z∘(s_j² - s_i²).
    The imaginary diagonal of g is (x - z) s_0 there: half of it is put into x, half into z.
    """
    if np.shape(a.value)[-2] < np.shape(a.value)[-1]:
        v, s, ut = _svd_series(a.map(T), T(vt0), s0, T(u0))
        return [ut.map(T), s, v.map(T)]
    v0, gaps, row, col = H(vt0), _inverse_gaps(s0 * s0), s0[..., None, :], s0[..., None]
    one = eye(np.shape(s0)[-1], u0) if is_complex(u0) else None

    def rule(k: int) -> Any:
        h = a(k) @ v0 + a.interior("ij,jk->ik", k, v) - u.interior("ij,j->ij", k, s)
        f, su, sv = H(u0) @ h, u.orthogonal(k), v.orthogonal(k)
        g = f - su * row + col * sv
        x = gaps * (g * row + col * H(g))
        z = gaps * (col * g + H(g) * row)
        if one is not None:
            turn = one * (g - H(g)) / (4 * row)
            g, x, z = g - 0.5 * one * (g - H(g)), x + turn, z - turn
        return u0 @ (x + su) + (h - u0 @ f) / row, np.linalg.diagonal(g), v0 @ (z + sv)

    u, s, v = together(a.algebra, (u0, s0, v0), rule)
    return [u, s, v.map(H)]


SVD = matrix_rule(
    "svd", lambda a: _alike(a, tuple(np.linalg.svd(a, full_matrices=False))), _svd_vjp, _svd_series,
    check=lambda bar, a, u, s, vt: _apart(
        "svd: the singular values", s, sizes=True, vectors=True
    ),
)  # fmt: skip
# ã = u diag(s̃) vᴴ
SVDVALS = matrix_rule(
    "svdvals", lambda a: _alike(a, np.linalg.svd(a, compute_uv=False)),
    lambda ybar, y, a: ((usv := SVD(a))[0] * _of_real(ybar, a)[..., None, :] @ usv[2],),
    lambda a, s: _singular_value_series(a),
    check=lambda bar, a, s: _apart("svd: the singular values", s, bar, True),
)  # fmt: skip
