"""Linear equations and determinants: exact elimination, solve, triangular, inv, det, slogdet."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from taylor.core.algebra import Univariate
from taylor.core.table import Rule
from taylor.linalg.degrees import (
    TRIANGLE,
    Named,
    T,
    Table,
    by_columns,
    checked,
    column,
    eye,
    line,
    matrix_rule,
)
from taylor.numbers import blas
from taylor.numbers.contexts import members
from taylor.numbers.kinds import Array, Floats, Kind, ValueSet, base, is_operand

FEW = 3  # degrees for which equations are less work than an inverse and its refinement
BY_PRODUCTS = 3  # rows of matrices whose cofactors are written out
SMALL = 1 / 16  # singular values below this part of the largest are kept out of inverses


def eliminate(a: Array, b: Array) -> tuple[Array, Any]:
    """Return (x, det a) with a x = b by elimination with pivots chosen by value."""
    n = len(a)
    w, det = np.concatenate([a, b], axis=1), 1
    for i in range(n):
        sizes = [abs(base(e)) for e in w[i:, i]]
        pivot = i + int(np.argmax(np.array(sizes, dtype=object)))
        if not sizes[pivot - i] > 0:
            raise np.linalg.LinAlgError("Singular matrix")
        if pivot != i:
            w[[i, pivot]] = w[[pivot, i]]
            det = -det
        det = w[i, i] * det
        w[i + 1 :] = w[i + 1 :] - np.multiply.outer(w[i + 1 :, i] / w[i, i], w[i])
    for i in range(n - 1, -1, -1):
        w[i] = w[i] / w[i, i]
        w[:i] = w[:i] - np.multiply.outer(w[:i, i], w[i])
    return w[:, n:], det


# ------------------------------------------------------------------ the rules
@functools.partial(np.vectorize, otypes=[object], signature="(n,n),(n,m)->(n,m)")
def _exact_solve(a: Array, b: Array) -> Array:
    return eliminate(a, b)[0]


def _solve_vjp(ybar: Any, y: Any, a: Any, b: Any) -> Any:
    """b̄ = a⁻ᵀ x̄, ā = -b̄ xᵀ."""
    bbar = SOLVE(T(a), ybar)
    return -(bbar @ T(y)), bbar


def solution(a: Table, b: Table, x0: Any, p: Any = None) -> Table:
    """Return x with a x = b, from its value.

    Each of a few degrees is solved for.  For more, p = a_0⁻¹ is all that is needed of a: one step
    of refinement makes the residual of every degree as small as that of a solver.
    """
    few = p is None and a.algebra.order <= FEW
    inverted = functools.cache(lambda: INV(a.value) if p is None else p)
    rounded = isinstance(Kind.of(a.value), Floats)

    def rule(k: int) -> Any:
        right = b(k) - (0 if a.constant else a(k) @ x0) - a.interior("ij,jk->ik", k, x)
        if few:
            return by_columns(SOLVE, a.value, right)
        new = inverted() @ right
        return new + inverted() @ (right - a.value @ new) if rounded else new

    x = Table(a.algebra, x0, rule)
    return x


def inverse(a: Table, p: Any = None) -> Table:
    """Return the inverse of a, from its value."""
    p = INV(a.value) if p is None else p
    return solution(a, Table(a.algebra, eye(np.shape(p)[-1], p)), p, p)


SOLVE = matrix_rule(
    "solve", lambda a, b: (_exact_solve if a.dtype == object else np.linalg.solve)(a, b),
    _solve_vjp, lambda a, b, x0: [solution(a, b, x0)],
)  # fmt: skip
# from dy = -y da y: ā = -yᵀ ȳ yᵀ
INV = matrix_rule(
    "inv",
    lambda a: _exact_solve(a, eye(a.shape[-1], a)) if a.dtype == object else np.linalg.inv(a),
    lambda ybar, y, a: (-(T(y) @ ybar @ T(y)),), lambda a, p: [inverse(a, p)],
)  # fmt: skip


def _triangular_value(upper: bool, t: Array, b: Array) -> Any:
    if t.dtype == object:
        return _exact_solve((np.triu if upper else np.tril)(t), b)
    return blas.solve_triangular(t, b, upper)


def _triangular(upper: bool) -> Rule:
    """Return the rule of x with t x = b, of the upper (else the lower) triangle t of a matrix.

    b̄ = t⁻ᵀ x̄, t̄ = -b̄ xᵀ in that triangle.
    """
    half = TRIANGLE[upper]

    def vjp(ybar: Any, y: Any, t: Any, b: Any) -> Any:
        bbar = TRIANGULAR[not upper](T(t), ybar)
        return -half(bbar @ T(y)), bbar

    value = functools.partial(_triangular_value, upper)
    name = "solve_triangular" + "_upper" * upper
    return matrix_rule(name, value, vjp, lambda t, b, x0: [backward(t, b, upper, x0)])


def backward(t: Table, b: Table, upper: bool, x0: Any) -> Table:
    """Return x with t x = b for a triangle of t, from its value."""
    t = t.map(TRIANGLE[upper])

    def rule(k: int) -> Any:
        right = b(k) - (0 if t.constant else t(k) @ x0) - t.interior("ij,jk->ik", k, x)
        return by_columns(TRIANGULAR[upper], t.value, right)

    x = Table(t.algebra, x0, rule)
    return x


TRIANGULAR = {upper: _triangular(upper) for upper in (False, True)}


# ------------------------------------------------------------------ det and adj of tables
def _split(a: Array) -> tuple[Any, Any, int]:
    """Return (U, Vᵀ, p): the first p singular values of each matrix are not small."""
    n = a.shape[-1]
    if isinstance(a, ValueSet):
        return None, None, n if np.all(members(DET(a))[1]) else 0
    if a.dtype == object:
        return None, None, n if np.all(DET(a)) else 0
    u, s, vt = np.linalg.svd(np.where(np.isnan(a), np.eye(n, dtype=a.dtype), a))
    return u, vt, int(np.min((s > SMALL * s[..., :1]).sum(-1), initial=n))


def _determinant(a: Table, adjugate: bool = False) -> Table:
    """Return det a or adj a.

    Where a_0 is well conditioned, D log det a = tr(a⁻¹ Da) and adj a = det a · a⁻¹.  In general
    a = U b Vᵀ, with the factors of the singular value decomposition of a_0; with m the block b_11
    that belongs to the singular values that are not small, s = b_22 - b_21 m⁻¹ b_12,

        det b = det m · det s,    z = m⁻¹ b_12,    w = b_21 m⁻¹,
        adj b = det m · ( [[det s · m⁻¹, 0], [0, 0]] + [-z; 1] (adj s) [-w, 1] ),

    and the small matrix s, which may be singular, is left to an algorithm without divisions.
    """
    u, vt, p = _split(base(a.value))
    if p == np.shape(a.value)[-1]:
        y = inverse(a)
        det = _by_trace(a, y)
        return y.scaled(det) if adjugate else det
    if p == 0:
        return _bird(a, adjugate)
    factor = DET(u) * DET(vt)
    ut, v = np.conj(T(u)), np.conj(T(vt))
    u1, u2, v1, v2 = ut[..., :p, :], ut[..., p:, :], v[..., :p], v[..., p:]
    m, b12 = a.map(lambda x: u1 @ x @ v1), a.map(lambda x: u1 @ x @ v2)
    b21, b22 = a.map(lambda x: u2 @ x @ v1), a.map(lambda x: u2 @ x @ v2)
    y = inverse(m)
    z = y @ b12
    s = b22 - b21 @ z
    det_m, det_s = _by_trace(m, y).map(lambda x: x * factor), _bird(s, False)
    if not adjugate:
        return det_m.product(np.multiply, ",->", det_s)
    left = Table(a.algebra, v2) - z.map(lambda x: v1 @ x)
    right = Table(a.algebra, u2) - (b21 @ y).map(lambda x: x @ u1)
    first = y.map(lambda x: v1 @ x @ u1).scaled(det_s)
    return (first + left @ _bird(s, True) @ right).scaled(det_m)


def _log_slope(a: Table, y: Table) -> Table:
    """Return s = D log det a = tr(y Da), where y = a⁻¹."""
    da = Table(a.algebra, a.value * 0, lambda k: a(k) * k)

    def rule(k: int) -> Any:
        return (y.value * T(da(k))).sum((-2, -1)) + y.interior("ij,ji->", k, da)

    return Table(a.algebra, da.value.sum((-2, -1)), rule)


def _by_trace(a: Table, y: Table) -> Table:
    """Return det a from k·det_k = Σ_{j=1..k} s_j det_{k-j}, where s = tr(y Da) and y = a⁻¹."""
    s, head = _log_slope(a, y), DET(a.value)

    def rule(k: int) -> Any:
        return (s(k) * head + s.interior(",->", k, det)) / k

    det = Table(a.algebra, head, rule)
    return det


def _bird(s: Table, adjugate: bool) -> Table:
    """Return det s or adj s without any division.

    With x_1 = s and x_{i+1} = μ(x_i) s, where μ(x) is x above the diagonal and -Σ_{j>i} x_jj on it,
    det s = (-1)^{r-1} (x_r)_11 (R. S. Bird, "A simple division-free algorithm for computing
    determinants", 2011).  For a diagonal s nothing cancels, so singular values of very different
    size keep their digits.  The cofactors are the adjoint of this computation.
    """
    xs, unit = [s], 0 * eye(np.shape(s.value)[-1], s.value)
    unit[..., 0, 0] = sign = 1 if unit.shape[-1] % 2 else -1
    for _ in range(unit.shape[-1] - 1):
        xs.append(xs[-1].map(_mu) @ s)
    if not adjugate:
        return xs[-1].map(lambda x: x[..., 0, 0] * sign)
    bar = Table(s.algebra, unit, lambda k: 0 * unit)
    cofactors = Table(s.algebra, 0 * unit)
    for x in xs[-2::-1]:
        cofactors = cofactors + x.map(_mu).map(T) @ bar
        bar = (bar @ s.map(T)).map(functools.partial(_mu, transposed=True))
    return (cofactors + bar).map(T)


def _mu(x: Any, transposed: bool = False) -> Any:
    r, d = np.shape(x)[-1], np.linalg.diagonal(x)
    parts = [d[..., :i] if transposed else d[..., i + 1 :] for i in range(r)]
    sums = np.stack([p.sum(-1) for p in parts], axis=-1)
    return np.triu(x, 1) - np.expand_dims(sums, -1) * eye(r, x)


# ------------------------------------------------------------------ det
@functools.partial(np.vectorize, otypes=[object], signature="(n,n)->()")
def _exact_det(a: Array) -> Any:
    try:
        return eliminate(a, a[:, :0])[1]
    except np.linalg.LinAlgError:
        return a[0, 0] * 0


def _det_series(a: Table, y: Any) -> list[Table]:
    plain = base(a.value)
    if plain.dtype.kind in "fc" and not np.isfinite(plain).all():
        lost = column(~np.isfinite(plain).all((-2, -1)))
        a = Table(a.algebra, np.where(lost, np.nan, a.value), a)
    return [_determinant(a)]


def _cofactors(a: Any, *along: Any) -> Any:
    """Return the cofactors of a, or their derivative along a direction."""
    if any(map(is_operand, (a, *along))):
        a = INVERTIBLE(a, a) + 0 * along[0]
    table = line(a, along[0]) if along else Table(Univariate(0), a)
    return T(_determinant(table, adjugate=True)(len(along)))


def _invertible(x: Array, a: Array) -> Array:
    if a.dtype.kind in "fc" and np.any(np.linalg.cond(a) > 1e10):
        raise np.linalg.LinAlgError(
            "third derivatives in reverse mode are not available at a singular matrix; use "
            "forward mode (taylor.tensor, or the series of det)"
        )
    return x


INVERTIBLE = checked("regular det", _invertible)


def _adjugates(a: Any) -> Any:
    """Return the cofactors of matrices: of up to three rows sums of products, in code, too."""
    n = np.shape(a)[-1]
    if not 0 < n <= BY_PRODUCTS:
        return COFACTORS(a)
    if n == 1:
        return a * 0 + 1
    if n == 2:
        return a[..., ::-1, ::-1] * np.array([[1, -1], [-1, 1]], np.int8)  # complex64 stays
    one, two = np.array([1, 2, 0]), np.array([2, 0, 1])
    rows = [a[..., i, :] for i in (one, two)]
    return rows[0][..., one] * rows[1][..., two] - rows[0][..., two] * rows[1][..., one]


SECOND = Named("cofactors'", _cofactors)
# the Jacobian of a gradient is symmetric: its adjoint is its tangent along ȳ
COFACTORS = matrix_rule(
    "cofactors", _cofactors, lambda ybar, y, a: (SECOND(a, ybar),),
    lambda a, y: [_determinant(a, adjugate=True).map(T)], lambda dargs, y, a: SECOND(a, dargs[0]),
)  # fmt: skip
# ā = det̄ · cof a
DET = matrix_rule(
    "det",
    lambda a: _exact_det(a)[()] if a.dtype == object else np.linalg.det(a),
    lambda ybar, y, a: (column(ybar) * _adjugates(a),), _det_series,
    lambda dargs, y, a: (_adjugates(a) * dargs[0]).sum((-2, -1)),
)  # fmt: skip


# ------------------------------------------------------------------ slogdet
def _log_of_det(a: Array) -> Any:
    sign, size = np.linalg.slogdet(a)
    return size + 1j * np.angle(sign)


def _slogdet_series(a: Table, sign: Any, log: Any) -> list[Table]:
    slope = _log_slope(a, inverse(a))
    return [Table(a.algebra, sign), Table(a.algebra, log, lambda k: slope(k) / k)]


def _not_singular(bar: Any, a: Array, sign: Array, log: Array) -> None:
    if np.any(sign == 0):
        raise np.linalg.LinAlgError("Singular matrix, log|det| has no derivative; use det")


# ā = l̄ a⁻ᵀ with l = log|det a|; the sign is constant
SLOGDET = matrix_rule(
    "slogdet", lambda a: np.linalg.slogdet(a),
    lambda ybar, y, a: (column(ybar[1]) * T(INV(a)),), _slogdet_series,
    check=_not_singular,
)  # fmt: skip
# the holomorphic log det a of complex matrices: ā = l̄ a⁻ᵀ
LOGDET = matrix_rule(
    "logdet", _log_of_det, lambda ybar, y, a: (column(ybar) * T(INV(a)),),
    lambda a, log: [_slogdet_series(a, None, log)[1]],
)  # fmt: skip
