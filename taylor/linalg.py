"""Linear algebra on matrices of series and nodes: solve, det, cholesky, qr, eigh, svd, expm ...

Every function is a `Rule`: its value is NumPy's, its series come degree by degree, and its adjoint
is ordinary NumPy code, so that the two nest to any order.  One factorisation, of the matrix of
degree 0, serves all degrees: comparing the parts of degree k of the defining equations leaves a
linear problem for the unknown parts with that matrix, and sums over lower degrees on the right.
From a x = b, for example,

    a_0 x_k = b_k - a_k x_0 - Σ_{j=1..k-1} a_j x_{k-j},

so K degrees cost O(K²) products of matrices.  For an orthogonal factor Q with QᵀQ = 1 the unknown
is written Q_0ᵀ Q_k = S + X: S = -½ Σ_{j=1..k-1} Q_jᵀ Q_{k-j} is symmetric and known, X is
antisymmetric and follows from the other equation (Walter & Lehmann, "Algorithmic differentiation of
linear algebra functions with application in optimum experimental design", arXiv:1001.1654).  The
adjoints are those of Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008), and Townsend, "Differentiating the singular value
decomposition" (2016).

Matrices stand in the last two axes; axes before them are a batch, as in numpy.linalg.  Functions of
a symmetric matrix (cholesky, eigh, eigvalsh) read one triangle of it, in every degree, as NumPy
does; their derivative is that of this very function, so its adjoint lies in the same triangle.
(The gradient within the symmetric matrices is half the sum of that adjoint and its transpose.)
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from taylor.algebra import Univariate, nonzero
from taylor.elementary import Rule
from taylor.errors import NonAnalyticError, ShapeMismatch
from taylor.values import as_array, exact, is_operand

Array = Any
LinAlgError = np.linalg.LinAlgError


class EighResult(NamedTuple):
    """Eigenvalues in ascending order and, in the columns, eigenvectors."""

    eigenvalues: Any
    eigenvectors: Any


class QRResult(NamedTuple):
    """The factors of A = Q R."""

    Q: Any
    R: Any


class SVDResult(NamedTuple):
    """The factors of A = U diag(S) Vh."""

    U: Any
    S: Any
    Vh: Any


class SlogdetResult(NamedTuple):
    """The sign of a determinant and the logarithm of its absolute value."""

    sign: Any
    logabsdet: Any


# ------------------------------------------------------------------ small helpers, front door
def _t(x: Any) -> Any:
    """Return the transposes (no conjugates: these are holomorphic)."""
    return np.swapaxes(x, -1, -2)


def _half(x: Any) -> Any:
    """Return Φ(x), the lower triangle with half the diagonal: x = Φ(x) + Φ(x)ᵀ if xᵀ = x."""
    return 0.5 * (np.tril(x) + np.tril(x, -1))


def _diagonal(x: Any) -> Any:
    return np.diagonal(x, axis1=-2, axis2=-1)


def _column(c: Any) -> Any:
    """Return numbers of a batch with two more axes of length one."""
    return np.reshape(c, (*np.shape(c), 1, 1))


def _scale(c: Any, x: Any) -> Any:
    return _column(c) * x


def _across(x: Any, v: Any) -> Any:
    """Return x diag(v)."""
    return x * np.expand_dims(v, -2)


def _down(v: Any, x: Any) -> Any:
    """Return diag(v) x."""
    return np.expand_dims(v, -1) * x


def _total(*terms: Any) -> Any:
    """Return the sum of the terms that exist; None for no term."""
    total = None
    for t in terms:
        if t is not None:
            total = t if total is None else total + t
    return total


def _minus(x: Any) -> Any:
    return None if x is None else -x


def _off_diagonal(n: int, f: Callable[[Any], Any], x: Any) -> Any:
    """Return f(x) off the diagonals, where alone x is looked at, and zeros on them."""
    off = np.broadcast_to(~np.eye(n, dtype=bool), np.shape(x))
    return np.where(off, f(np.where(off, x, 1)), 0)


def _inverse_gaps(v: Any) -> Any:
    """Return E with E_ij = 1/(v_j - v_i) and a zero diagonal."""
    gaps = np.expand_dims(v, -2) - np.expand_dims(v, -1)
    return _off_diagonal(np.shape(v)[-1], lambda d: 1 / d, gaps)


def _base(x: Any) -> Any:
    """Return the innermost plain value."""
    while is_operand(x):
        x = x.value
    return x


def _numbers_of(x: Any) -> Any:
    """Return the dtype of the innermost numbers."""
    while is_operand(x):
        x = x._coef if hasattr(x, "_coef") else x.value
    return np.asarray(x).dtype


def _eye(n: int, like: Any) -> Any:
    """Return unit matrices in the numbers and with the batch axes of `like`."""
    dtype = _numbers_of(like)
    one = np.eye(n, dtype=int).astype(dtype)
    return np.array(np.broadcast_to(one, (*np.shape(like)[:-2], n, n)))


# ------------------------------------------------------------------ numbers and shapes
def _array(x: Any) -> Any:
    """Return an operand as it is, lists and object arrays that hold operands as one of them."""
    if is_operand(x):
        return x
    if isinstance(x, (list, tuple)):
        rows = [_array(e) for e in x]
        return np.stack(rows) if any(is_operand(e) for e in rows) else np.asarray(x)
    x = np.asarray(x)
    if x.dtype == object and x.ndim and any(is_operand(e) for e in x.reshape(-1)):
        return np.reshape(np.stack(list(x.reshape(-1))), x.shape)
    return x


def _arrays(*xs: Any) -> list[Any]:
    """Return arguments of one function; integers beside operands get the numbers of those."""
    out = [_array(x) for x in xs]
    for x in out:
        if is_operand(x):
            dtype = _numbers_of(x)
            return [
                z
                if is_operand(z) or z.dtype.kind not in "iub"
                else as_array(z)
                if dtype.kind == "O"
                else z.astype(dtype)
                for z in out
            ]
    return out


def _plain(*xs: Any) -> bool:
    """Whether NumPy's own function can take over."""
    return not any(is_operand(x) or x.dtype == object for x in xs)


def _square(name: str, a: Any) -> int:
    shape = np.shape(a)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeMismatch(f"{name} needs square matrices (..., n, n), not shape {tuple(shape)}")
    return int(shape[-1])


def _matrix(name: str, a: Any) -> tuple[int, int]:
    shape = np.shape(a)
    if len(shape) < 2:
        raise ShapeMismatch(f"{name} needs matrices (..., m, n), not shape {tuple(shape)}")
    return int(shape[-2]), int(shape[-1])


def _fractions(x: Array) -> Array:
    out = np.empty(x.shape, dtype=object)
    out.reshape(-1)[:] = [Fraction(e) for e in x.reshape(-1)]
    return out


def _conversion(args: Sequence[Any]) -> list[Callable[[Any], Any] | None]:
    """Return, for each array, how its numbers are brought together with those of the others.

    Integers are floats, beside Fractions those; all exact numbers are floats beside floats, and
    floats become Python's beside mpf and other objects.
    """
    plain = [x for x in args if not is_operand(x)]
    objects = [x for x in plain if x.dtype == object]
    floats = [x.dtype for x in plain if x.dtype.kind in "fc"]
    if not objects or len(plain) < len(args):
        return [None] * len(args)
    if not all(exact(x) for x in objects):
        return [_as_object if x.dtype != object else None for x in args]
    if not floats and any(isinstance(e, Fraction) for x in objects for e in x.reshape(-1)):
        return [_fractions] * len(args)
    dtype = np.result_type(*floats) if floats else np.dtype(float)
    return [(lambda x: x.astype(dtype)) if x.dtype == object else None for x in args]


def _as_object(x: Array) -> Array:
    return x.astype(object)


def _matched(*args: Any) -> list[Any]:
    """Return plain arrays whose numbers can be combined."""
    converted = zip(args, _conversion(args), strict=True)
    return [x if f is None else f(x) for x, f in converted]


def _named(name: str, f: Callable[..., Any], *args: Any) -> Any:
    """Return f(*args); a LinAlgError names the function, and in a batch the matrix."""
    try:
        return f(*args)
    except LinAlgError as error:
        where = ""
        for i in np.ndindex(*np.shape(args[0])[:-2]):
            try:
                f(*(x[i] for x in args))
            except LinAlgError:
                where = f" (matrix {i} of the batch)" if i else ""
                break
        raise LinAlgError(f"{name}: {error}{where}") from None


def _floats(name: str, a: Array) -> Array:
    """Return a plain array of floats; only exact numbers are converted."""
    a = np.asarray(a)
    if a.dtype != object:
        return a
    if exact(a):
        return a.astype(float)
    raise TypeError(f"{name} works in floating point only; convert the matrix with .astype(float)")


def _is_object(x: Any) -> bool:
    return not is_operand(x) and x.dtype == object


def _holomorphic(name: str, x: Any) -> None:
    if np.iscomplexobj(_base(x)):
        raise TypeError(
            f"{name} of a complex matrix involves complex conjugates, so it is not holomorphic and "
            "has no Taylor series; write the matrix as the real one [[Re, -Im], [Im, Re]]"
        )


def _checked(check: Callable[..., None]) -> Rule:
    """Return the rule (x, *more) -> x that raises, wherever it is evaluated, if check does.

    It stands in adjoints, which are recorded at one point and may be evaluated at another.
    """
    parts = (_check_value, _check_vjp, _check_jvp, _check_step)
    return Rule("checked", *(functools.partial(part, check) for part in parts))


def _check_value(check: Callable[..., None], x: Any, *more: Any) -> Any:
    check(*(_base(z) for z in (x, *more)))
    return x


def _check_vjp(check: Any, ybar: Any, y: Any, x: Any, *more: Any) -> Any:
    return (ybar, *(None for _ in more))


def _check_jvp(check: Any, dargs: Any, y: Any, x: Any, *more: Any) -> Any:
    return x * 0 if dargs[0] is None else dargs[0]


def _check_step(check: Any, algebra: Any, args: Any, live: Any, y: Any) -> Callable[[int], Any]:
    def part(k: int) -> Any:
        if k == 0:
            check(*(_base(z[0] if inside else z) for z, inside in zip(args, live, strict=True)))
        if live[0]:
            return [args[0][algebra.part(k) if k else 0]]
        return [args[0] if k == 0 else args[0] * 0]

    return part


# ------------------------------------------------------------------ tables that grow by degree
class _Table:
    """A coefficient table inside a rule, whose part of degree k is computed when asked for.

    `rule(k)` returns the part, given all parts below.  A constant has only its value.
    """

    __slots__ = ("algebra", "constant", "known", "rule", "table")

    def __init__(self, algebra: Any, rule: Callable[[int], Any], constant: bool = False) -> None:
        self.algebra = algebra
        self.rule = rule
        self.constant = constant
        self.known = -1
        self.table: Any = None

    def __call__(self, k: int) -> Any:
        """Return the part of degree k; None for that of a constant above degree 0."""
        if self.constant:
            if self.known < 0:
                self.table, self.known = self.rule(0), 0
            return self.table if k == 0 else None
        while self.known < k:
            j = self.known + 1
            part = self.rule(j)
            if j == 0:
                self.table = _zeros((self.algebra.size, *np.shape(part)), part)
                self.table[0] = part
            else:
                self.table[self.algebra.part(j)] = part
            self.known = j
        return self.table[self.algebra.part(k) if k else 0]


def _zeros(shape: tuple[int, ...], like: Any) -> Any:
    if is_operand(like):
        return like._zeros(shape)
    return np.full(shape, 0, dtype=np.asarray(like).dtype)


class _Degrees:
    """The arithmetic of growing tables of matrices with the same batch axes."""

    def __init__(
        self, algebra: Any, args: Sequence[Any], live: Sequence[bool], floats: str = ""
    ) -> None:
        self.algebra = algebra
        change = _conversion(args)
        if floats:
            change = [functools.partial(_floats, floats) if _is_object(x) else None for x in args]
        first = next(i for i, inside in enumerate(live) if inside)
        self.batch = "pqrstuvw"[: np.ndim(args[first]) - 3]
        self.args = [
            self.leaf(x, inside, f) for x, inside, f in zip(args, live, change, strict=True)
        ]

    def leaf(self, x: Any, live: bool, convert: Callable[[Any], Any] | None) -> _Table:
        """Return an argument of the rule as a table."""
        if not live:
            return self.constant(x if convert is None else convert(x))
        if convert is None:
            table = _Table(self.algebra, lambda k: None)
            table.table, table.known = x, self.algebra.order
            return table
        change = convert
        part = self.algebra.part
        return _Table(self.algebra, lambda k: change(np.asarray(x[part(k) if k else 0])))

    def constant(self, x: Any) -> _Table:
        """Return a constant as a table."""
        return _Table(self.algebra, lambda k: x, constant=True)

    def unknown(self, rule: Callable[[int], Any]) -> _Table:
        """Return the table with the parts rule(k)."""
        return _Table(self.algebra, rule)

    def together(self, count: int, rule: Callable[[int], Sequence[Any]]) -> list[_Table]:
        """Return the tables whose parts rule(k) returns together."""
        last: list[Any] = [-1, ()]
        tables: list[_Table] = []

        def part(i: int, k: int) -> Any:
            if last[0] != k:
                for t in tables:
                    if k:
                        t(k - 1)
                last[:] = [k, rule(k)]
            return last[1][i]

        tables += [self.unknown(functools.partial(part, i)) for i in range(count)]
        return tables

    def linear(self, f: Callable[[Any], Any], x: _Table) -> _Table:
        """Return f(x) for a linear f of the last axes."""
        return _Table(self.algebra, lambda k: f(x(k)), x.constant)

    def add(self, *xs: _Table) -> _Table:
        """Return the sum."""
        return _Table(
            self.algebra, lambda k: _total(*(x(k) for x in xs)), all(x.constant for x in xs)
        )

    def interior(self, spec: str, k: int, x: _Table, y: _Table) -> Any:
        """Return Σ einsum(spec, x_j, y_{k-j}) over 1 <= j < k; None for no term."""
        if k < 2 or x.constant or y.constant:
            return None
        x(k - 1)
        y(k - 1)
        terms, out = spec.split("->")
        a, b = terms.split(",")
        z = self.batch
        return self.algebra.interior_of(f"{z}{a},{z}{b}->{z}{out}", k, x.table, y.table)

    def product(self, op: Callable[[Any, Any], Any], spec: str, x: _Table, y: _Table) -> _Table:
        """Return the product op, which is einsum(spec, ·, ·) for each batch."""

        def part(k: int) -> Any:
            if k == 0:
                return op(x(0), y(0))
            xk, yk = x(k), y(k)
            return _total(
                None if yk is None else op(x(0), yk),
                None if xk is None else op(xk, y(0)),
                self.interior(spec, k, x, y),
            )

        return _Table(self.algebra, part, x.constant and y.constant)

    def matmul(self, x: _Table, y: _Table) -> _Table:
        """Return x @ y."""
        return self.product(np.matmul, "ij,jk->ik", x, y)

    def scale(self, c: _Table, x: _Table) -> _Table:
        """Return the matrix x times the number c."""
        return self.product(_scale, ",ij->ij", c, x)

    def solve(self, a: _Table, b: _Table, value: Any, inverse: Any = None) -> _Table:
        """Return x with a x = b, where x_0 = value(): a_0⁻¹ is all that is needed of a.

        One step of refinement makes the residual of every degree as small as that of a solver.
        """
        kept: list[Any] = []

        def part(k: int) -> Any:
            if k == 0:
                return value()
            a0, ak = a(0), a(k)
            if not kept:
                kept.append(INV(a0) if inverse is None else inverse())
            right = _total(
                b(k),
                None if ak is None else -(ak @ x(0)),
                _minus(self.interior("ij,jk->ik", k, a, x)),
            )
            new = kept[0] @ right
            if _numbers_of(a0).kind == "O":
                return new
            return new + kept[0] @ (right - a0 @ new)

        x = self.unknown(part)
        return x

    def inverse(self, a: _Table) -> _Table:
        """Return the inverse of a."""
        x: _Table
        one = self.constant(_eye(np.shape(a(0))[-1], a(0)))
        x = self.solve(a, one, lambda: INV(a(0)), lambda: x(0))
        return x


def _still(k: int, a: _Table) -> bool:
    """Whether a does not vary in degree k: what varies nowhere may be singular."""
    return not np.any(nonzero(a(k)))


def _results(*tables: _Table) -> Callable[[int], list[Any]]:
    return _quietly(lambda k: [t(k) for t in tables])


def _quietly(part: Callable[[int], Any]) -> Callable[[int], Any]:
    """Return part without warnings above degree 0: lanes propagate what their values gave."""

    def quiet(k: int) -> Any:
        if k == 0:
            return part(0)
        with np.errstate(all="ignore"):
            return part(k)

    return quiet


# ------------------------------------------------------------------ exact elimination
def eliminate(a: Array, b: Array) -> tuple[Array, Any]:
    """Return (x, det a) with a x = b by elimination with pivots chosen by value."""
    n = len(a)
    w, det = np.concatenate([a, b], axis=1), 1
    for i in range(n):
        sizes = [abs(e) for e in w[i:, i]]
        pivot = i + int(np.argmax(np.array(sizes, dtype=object)))
        if not sizes[pivot - i] > 0:
            raise LinAlgError("Singular matrix")
        if pivot != i:
            w[[i, pivot]] = w[[pivot, i]]
            det = -det
        det = w[i, i] * det
        w[i + 1 :] = w[i + 1 :] - np.multiply.outer(w[i + 1 :, i] / w[i, i], w[i])
    for i in range(n - 1, -1, -1):
        w[i] = w[i] / w[i, i]
        w[:i] = w[:i] - np.multiply.outer(w[:i, i], w[i])
    return w[:, n:], det


def _each(f: Callable[..., Any], *args: Array) -> Array:
    """Return f for each matrix of a batch of objects."""
    batch = args[0].shape[:-2]
    if not batch:
        return f(*args)
    results = [np.asarray(f(*(x[i] for x in args)), dtype=object) for i in np.ndindex(*batch)]
    return np.reshape(np.stack(results), (*batch, *results[0].shape))


# ------------------------------------------------------------------ solve and inv
def _solve_value(a: Any, b: Any) -> Any:
    a, b = _matched(np.asarray(a), np.asarray(b))
    if a.dtype == object:
        return _named("solve", lambda a, b: _each(lambda a, b: eliminate(a, b)[0], a, b), a, b)
    return _named("solve", np.linalg.solve, a, b)


def _solve_vjp(ybar: Any, y: Any, a: Any, b: Any) -> Any:
    """b̄ = a⁻ᵀ x̄, ā = -b̄ xᵀ."""
    bbar = SOLVE(_t(a), ybar)
    return -(bbar @ _t(y)), bbar


def _solve_jvp(dargs: Any, y: Any, a: Any, b: Any) -> Any:
    da, db = dargs
    return SOLVE(a, _total(db, None if da is None else -(da @ y)))


def _solve_step(algebra: Any, args: Any, live: Any, y: Any) -> Callable[[int], Any]:
    d = _Degrees(algebra, args, live)
    a, b = d.args
    return _results(d.solve(a, b, lambda: SOLVE(a(0), b(0))))


SOLVE = Rule("solve", _solve_value, _solve_vjp, _solve_jvp, _solve_step)


def _inv_value(a: Any) -> Any:
    (a,) = _matched(np.asarray(a))
    if a.dtype == object:
        one = _eye(a.shape[-1], a)
        return _named("inv", lambda a: _each(lambda a, b: eliminate(a, b)[0], a, one), a)
    return _named("inv", np.linalg.inv, a)


def _inv_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """From dy = -y da y: ā = -yᵀ ȳ yᵀ."""
    return (-(_t(y) @ ybar @ _t(y)),)


def _inv_jvp(dargs: Any, y: Any, a: Any) -> Any:
    return -(y @ dargs[0] @ y)


def _inv_step(algebra: Any, args: Any, live: Any, y: Any) -> Callable[[int], Any]:
    d = _Degrees(algebra, args, live)
    return _results(d.inverse(d.args[0]))


INV = Rule("inv", _inv_value, _inv_vjp, _inv_jvp, _inv_step)


# ------------------------------------------------------------------ determinants
SMALL = 1 / 16  # singular values below this part of the largest are kept out of inverses


def _split(a: Any) -> tuple[Any, Any, int]:
    """Return (U, Vᵀ, p): the first p singular values of each matrix are not small.

    None stands for U and Vᵀ where no rotation is needed (p = n) or possible (p = 0).
    """
    a = _base(a)
    n = a.shape[-1]
    if a.dtype == object:
        try:
            _inv_value(a)
        except LinAlgError:
            return None, None, 0
        return None, None, n
    u, s, vt = np.linalg.svd(a)
    large = (s > SMALL * s[..., :1]).sum(-1)
    p = int(np.min(large, initial=n))
    return (None, None, n) if p == n else (u, vt, p)


def _determinant(d: _Degrees, a: _Table) -> tuple[_Table, Callable[[], _Table]]:
    """Return the determinant of a, and a function that gives the adjugate.

    Where a_0 is well conditioned, D log det a = tr(a⁻¹ Da).  In general a = U b Vᵀ, with the
    factors of the singular value decomposition of a_0; with m the block of b that belongs to the
    singular values that are not small, and s = b_22 - b_21 m⁻¹ b_12,

        det b = det m · det s,    z = m⁻¹ b_12,    w = b_21 m⁻¹,
        adj b = det m · [[det s · m⁻¹ + z (adj s) w, -z (adj s)], [-(adj s) w, adj s]],

    and the small matrix s, which may be singular, is left to an algorithm without divisions.
    """
    u, vt, p = _split(a(0))
    n = np.shape(a(0))[-1]
    if p == n:
        y = d.inverse(a)
        det = _by_trace(d, a, y)
        return det, lambda: d.scale(det, y)
    factor: Any = 1
    b = a
    if u is not None:
        factor = np.linalg.det(u) * np.linalg.det(vt)
        ut, v = np.conj(_t(u)), np.conj(_t(vt))
        b = d.linear(lambda x: ut @ x @ v, a)
    m = d.linear(lambda x: x[..., :p, :p], b)
    b12, b21 = d.linear(lambda x: x[..., :p, p:], b), d.linear(lambda x: x[..., p:, :p], b)
    s = d.linear(lambda x: x[..., p:, p:], b)
    if p:
        y = d.inverse(m)
        z = d.matmul(y, b12)
        s = d.add(s, d.linear(lambda x: -x, d.matmul(b21, z)))
    det_s, adjugate_s = _bird(d, s)
    if not p:
        return det_s, adjugate_s
    det_m = _by_trace(d, m, y)
    det = d.linear(lambda x: factor * x, d.product(np.multiply, ",->", det_m, det_s))

    def adjugate() -> _Table:
        adj_s, w = adjugate_s(), d.matmul(b21, y)
        z_adj = d.matmul(z, adj_s)
        corner = d.add(d.scale(det_s, y), d.matmul(z_adj, w))
        blocks = (corner, z_adj, d.matmul(adj_s, w), adj_s)

        def joined(k: int) -> Any:
            x11, x12, x21, x22 = (x(k) for x in blocks)
            top = np.concatenate([x11, -x12], axis=-1)
            return np.concatenate([top, np.concatenate([-x21, x22], axis=-1)], axis=-2)

        adj_b = d.scale(det_m, d.unknown(joined))
        return d.linear(lambda x: _scale(factor, v @ x @ ut), adj_b)

    return det, adjugate


def _by_trace(d: _Degrees, a: _Table, y: _Table) -> _Table:
    """Return det a from k·det_k = Σ_{j=1..k} s_j det_{k-j}, where s = tr(y Da) and y = a⁻¹."""
    da = d.unknown(lambda k: a(k) * k)

    def slope(k: int) -> Any:
        first = (y(0) * _t(a(k))).sum((-2, -1)) * k
        return _total(first, d.interior("ij,ji->", k, y, da))

    s = d.unknown(slope)

    def rule(k: int) -> Any:
        if k == 0:
            return DET(a(0))
        return _total(result(0) * s(k), d.interior(",->", k, s, result)) / k

    result = d.unknown(rule)
    return result


def _bird(d: _Degrees, s: _Table) -> tuple[_Table, Callable[[], _Table]]:
    """Return det s, and a function that gives adj s, without any division.

    With x_1 = s and x_{i+1} = μ(x_i) s, where μ(x) is x above the diagonal and -Σ_{j>i} x_jj on it,
    det s = (-1)^{r-1} (x_r)_11 (R. S. Bird, "A simple division-free algorithm for computing
    determinants", 2011).  For a diagonal s nothing cancels, so singular values of very different
    size keep their digits.  The cofactors are the adjoint of this computation.
    """
    r = np.shape(s(0))[-1]
    xs, sign = [s], -1 if r % 2 == 0 else 1
    for _ in range(r - 1):
        xs.append(d.matmul(d.linear(_bird_mu, xs[-1]), s))

    def adjugate() -> _Table:
        unit = 0 * _eye(r, s(0))
        unit[..., 0, 0] = sign
        bar, st = d.unknown(lambda k: unit if k == 0 else s(k) * 0), d.linear(_t, s)
        terms = []
        for x in xs[-2::-1]:
            terms.append(d.matmul(d.linear(_t, d.linear(_bird_mu, x)), bar))
            bar = d.linear(_bird_mu_transposed, d.matmul(bar, st))
        return d.linear(_t, d.add(bar, *terms))

    return d.linear(lambda x: sign * x[..., 0, 0], xs[-1]), adjugate


def _bird_mu(x: Any) -> Any:
    return np.triu(x, 1) - _on_diagonal(_diagonal(x), -1)


def _bird_mu_transposed(x: Any) -> Any:
    return np.triu(x, 1) - _on_diagonal(_diagonal(x), 1)


def _on_diagonal(v: Any, side: int) -> Any:
    """Return diagonal matrices of the sums of the elements of v before (1) or after (-1) each."""
    r = np.shape(v)[-1]
    index = range(r)
    sums = [(v[..., :i] if side > 0 else v[..., i + 1 :]).sum(-1) for i in index]
    return np.expand_dims(np.stack(sums, axis=-1), -1) * np.eye(r, dtype=int).astype(_numbers_of(v))


def _det_value(a: Any) -> Any:
    (a,) = _matched(np.asarray(a))
    if a.dtype != object:
        return np.linalg.det(a)
    return _each(_det_object, a)


def _det_object(a: Array) -> Any:
    try:
        return eliminate(a, a[:, :0])[1]
    except LinAlgError:
        return a.reshape(-1)[0] * 0


def _det_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """ā = det̄ · cof a."""
    return (_scale(ybar, COFACTORS(a)),)


def _det_jvp(dargs: Any, y: Any, a: Any) -> Any:
    return (COFACTORS(a) * dargs[0]).sum((-2, -1))


def _det_step(algebra: Any, args: Any, live: Any, y: Any) -> Callable[[int], Any]:
    d = _Degrees(algebra, args, live)
    (a,) = d.args
    kept: list[_Table] = []
    lost: list[Any] = []

    def part(k: int) -> Any:
        if k == 0:
            return [DET(a(0))]
        if not kept:
            lost.append(_not_finite(_base(a(0))))
            kept.append(_determinant(d, _without(d, a, lost[0]) if lost[0].any() else a)[0])
        new = kept[0](k)
        return [np.where(lost[0], np.nan, new)[()] if lost[0].any() else new]

    return _quietly(part)


def _not_finite(a: Array) -> Array:
    """Return, for each matrix, whether it holds nan or inf."""
    return np.asarray(a.dtype.kind in "fc" and ~np.isfinite(a).all((-2, -1)))


def _without(d: _Degrees, a: _Table, lost: Array) -> _Table:
    """Return a with unit matrices as the values of some lanes."""
    one = _eye(np.shape(a(0))[-1], a(0))
    return d.unknown(lambda k: a(k) if k else np.where(_column(lost), one, a(0)))


DET = Rule("det", _det_value, _det_vjp, _det_jvp, _det_step)


def _cofactors_value(a: Any) -> Any:
    a = np.asarray(a)
    return _cofactors_step(Univariate(0), [a[None]], [True], [])(0)[0]


def _cofactors_step(algebra: Any, args: Any, live: Any, y: Any) -> Callable[[int], Any]:
    d = _Degrees(algebra, args, live)
    (a,) = d.args
    if np.shape(a(0))[-1] == 0:
        return lambda k: [a(k)]
    return _results(d.linear(_t, _determinant(d, a)[1]()))


def _cofactors_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """The Jacobian of a gradient is symmetric: the adjoint is the tangent along ȳ."""
    return (SECOND(a, ybar),)


def _cofactors_jvp(dargs: Any, y: Any, a: Any) -> Any:
    return SECOND(a, dargs[0])


COFACTORS = Rule(
    "cofactors", _cofactors_value, _cofactors_vjp, _cofactors_jvp, _cofactors_step
)  # fmt: skip


def _second_value(a: Any, d: Any) -> Any:
    """Return the derivative of cof a along d, for plain matrices also where a is singular.

    Its own derivatives rest on cof a = det a · a⁻ᵀ.
    """
    if not (is_operand(a) or is_operand(d)):
        a, d = _matched(np.asarray(a), np.asarray(d))
        return _cofactors_step(Univariate(1), [np.stack([a, d])], [True], [])(1)[0]
    p = INV(INVERTIBLE(a))
    c = _scale(DET(a), _t(p))
    along = (_t(p) * d).sum((-2, -1))
    return _scale(along, c) - c @ _t(d) @ _t(p)


def _invertible(a: Array) -> None:
    if a.dtype.kind in "fc" and np.any(np.linalg.cond(a) > 1e10):
        raise LinAlgError(
            "det: third derivatives in reverse mode are not available at a singular matrix; use "
            "forward mode (taylor.tensor, or the series of det)"
        )


INVERTIBLE = _checked(_invertible)
SECOND = Rule("cofactors'", _second_value)


def _slogdet_value(a: Any) -> Any:
    return tuple(np.linalg.slogdet(_floats("slogdet", a)))


def _regular(x: Any, sign: Array) -> None:
    _holomorphic("slogdet", sign)
    if np.any(sign == 0):
        raise LinAlgError("slogdet: Singular matrix, log|det| has no derivative; use det")


REGULAR = _checked(_regular)


def _slogdet_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """ā = l̄ a⁻ᵀ with l = log|det a|; the sign is constant."""
    if ybar[1] is None:
        return (None,)
    return (_scale(REGULAR(ybar[1], y[0]), _t(INV(a))),)


def _slogdet_jvp(dargs: Any, y: Any, a: Any) -> Any:
    return y[0] * 0, (_t(INV(a)) * REGULAR(dargs[0], y[0])).sum((-2, -1))


def _slogdet_step(algebra: Any, args: Any, live: Any, y: Any) -> Callable[[int], Any]:
    """D log|det a| = tr(a⁻¹ Da)."""
    d = _Degrees(algebra, args, live, "slogdet")
    (a,) = d.args
    first: list[Any] = []
    moving: list[bool] = []
    inverse = d.inverse(a)
    da = d.unknown(lambda k: a(k) * k)

    def part(k: int) -> Any:
        if k == 0:
            first.extend(SLOGDET(a(0)))
            return first
        if not moving:
            if _still(k, a):
                return [0 * first[0], 0 * first[0]]
            _regular(None, np.asarray(_base(first[0])))
            moving.append(True)
        s = (inverse(0) * _t(a(k))).sum((-2, -1)) * k
        new = _total(s, d.interior("ij,ji->", k, inverse, da)) / k
        return [0 * new, new]

    return _quietly(part)


SLOGDET = Rule("slogdet", _slogdet_value, _slogdet_vjp, _slogdet_jvp, _slogdet_step)


# ------------------------------------------------------------------ cholesky
def _mirrored(upper: bool, a: Any) -> Any:
    """Return the symmetric matrix that one triangle stands for."""
    return np.triu(a) + _t(np.triu(a, 1)) if upper else np.tril(a) + _t(np.tril(a, -1))


def _folded(upper: bool, abar: Any) -> Any:
    """Return the transpose of `_mirrored`, applied to an adjoint."""
    both = _half(abar + _t(abar))
    return _t(both) if upper else both


def _cholesky_value(upper: bool, a: Any) -> Any:
    a = _floats("cholesky", a)
    f = functools.partial(np.linalg.cholesky, upper=True) if upper else np.linalg.cholesky
    return _named("cholesky", f, a)


def _cholesky_part(low: Any, s: Any) -> Any:
    """Return x = low Φ(low⁻¹ s low⁻ᵀ): the lower triangle with low xᵀ + x lowᵀ = s."""
    return low @ _half(_t(SOLVE(low, _t(SOLVE(low, s)))))


REAL = _checked(functools.partial(_holomorphic, "cholesky"))


def _cholesky_vjp(upper: bool, ybar: Any, y: Any, a: Any) -> Any:
    """ā = l⁻ᵀ Φ(lᵀ l̄) l⁻¹, on the symmetric matrices; then on the triangle that is read."""
    low, bar = (_t(REAL(y)), _t(ybar)) if upper else (REAL(y), ybar)
    right = SOLVE(_t(low), _half(_t(low) @ bar))
    return (_folded(upper, _t(SOLVE(_t(low), _t(right)))),)


def _cholesky_jvp(upper: bool, dargs: Any, y: Any, a: Any) -> Any:
    low = _t(REAL(y)) if upper else REAL(y)
    new = _cholesky_part(low, _mirrored(upper, dargs[0]))
    return _t(new) if upper else new


def _cholesky_step(upper: bool, algebra: Any, args: Any, live: Any, y: Any) -> Callable[[int], Any]:
    """a = l lᵀ: l_0 l_kᵀ + l_k l_0ᵀ = s with s = a_k - Σ_{j=1..k-1} l_j l_{k-j}ᵀ."""
    d = _Degrees(algebra, args, live, "cholesky")
    (a,) = d.args
    inverse: list[Any] = []

    def part(k: int) -> Any:
        if k == 0:
            value = CHOLESKY[upper](a(0))
            return _t(value) if upper else value
        low = l(0)
        if not inverse:
            if _still(k, a):
                return 0 * low
            _holomorphic("cholesky", low)
            inverse.append(INV(low))
        p = inverse[0]
        s = _total(_mirrored(upper, a(k)), _minus(d.interior("ij,kj->ik", k, l, l)))
        return low @ _half(p @ s @ _t(p))

    l = d.unknown(part)  # noqa: E741
    return _results(d.linear(_t, l) if upper else l)


def _variants(name: str, *functions: Any) -> dict[bool, Rule]:
    return {
        upper: Rule(
            f"{name}_upper" if upper else name, *(functools.partial(f, upper) for f in functions)
        )
        for upper in (False, True)
    }


CHOLESKY = _variants("cholesky", _cholesky_value, _cholesky_vjp, _cholesky_jvp, _cholesky_step)


# ------------------------------------------------------------------ qr
def _qr_value(a: Any) -> Any:
    return tuple(np.linalg.qr(_floats("qr", a)))


def _full_rank(r: Array) -> None:
    _holomorphic("qr", r)
    sizes = np.abs(_diagonal(r))
    limit = r.shape[-1] * np.finfo(r.dtype).eps * np.max(np.abs(r), axis=(-2, -1), initial=0)
    bad = np.argwhere(sizes <= np.expand_dims(limit, -1))
    if len(bad):
        raise LinAlgError(
            f"qr: column {bad[0][-1]} depends on the columns before it; the factors of a matrix "
            "without full column rank have no derivative"
        )


FULL_RANK = _checked(_full_rank)


def _qr_part(q: Any, r: Any, inverse: Any, h: Any, s: Any) -> Any:
    """Return (q_k, r_k) from h = q_0 r_k + q_k r_0 and the symmetric part s of q_0ᵀ q_k = s + x.

    f = q_0ᵀ h r_0⁻¹ = r_k r_0⁻¹ + s + x, and r_k r_0⁻¹ is upper triangular, so the lower triangle
    of f - s is that of the antisymmetric x.
    """
    hr = h @ inverse
    f = _t(q) @ hr
    g = f if s is None else f - s
    low = np.tril(g, -1)
    x = low - _t(low)
    w = x if s is None else s + x
    return q @ w + (hr - q @ f), np.triu(g - x) @ r


def _qr_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """ā = (q̄ + q sym(m)) r⁻ᵀ, m = r r̄ᵀ - q̄ᵀ q, where sym(m) mirrors the lower triangle."""
    q, r = y[0], FULL_RANK(y[1])
    qbar, rbar = ybar
    m = _total(
        None if rbar is None else r @ _t(rbar), None if qbar is None else -(_t(qbar) @ q)
    )  # fmt: skip
    if m is None:
        return (None,)
    right = _total(qbar, q @ _mirrored(False, m))
    return (_t(SOLVE(r, _t(right))),)


def _qr_jvp(dargs: Any, y: Any, a: Any) -> Any:
    q, r = y[0], FULL_RANK(y[1])
    return _qr_part(q, r, INV(r), dargs[0], None)


def _qr_tables(d: _Degrees, a: _Table) -> list[_Table]:
    inverse: list[Any] = []

    def rule(k: int) -> Any:
        if k == 0:
            return QR(a(0))
        if not inverse:
            if _still(k, a):
                return 0 * q(0), 0 * r(0)
            _full_rank(_base(r(0)))
            inverse.append(INV(r(0)))
        h = _total(a(k), _minus(d.interior("ij,jk->ik", k, q, r)))
        s = d.interior("ji,jk->ik", k, q, q)
        return _qr_part(q(0), r(0), inverse[0], h, None if s is None else -0.5 * s)

    q, r = d.together(2, rule)
    return [q, r]


def _qr_step(algebra: Any, args: Any, live: Any, y: Any) -> Callable[[int], Any]:
    d = _Degrees(algebra, args, live, "qr")
    return _results(*_qr_tables(d, d.args[0]))


QR = Rule("qr", _qr_value, _qr_vjp, _qr_jvp, _qr_step)


# ------------------------------------------------------------------ symmetric eigenproblems
def _eigh_value(upper: bool, a: Any) -> Any:
    return tuple(
        _named("eigh", lambda a: np.linalg.eigh(a, "U" if upper else "L"), _floats("eigh", a))
    )


def _eigvalsh_value(upper: bool, a: Any) -> Any:
    return _named(
        "eigvalsh", lambda a: np.linalg.eigvalsh(a, "U" if upper else "L"), _floats("eigvalsh", a)
    )


def _closest(v: Array) -> tuple[Array, Array]:
    """Return where neighbours in ascending v are equal to rounding, and v along one batch axis."""
    v = np.reshape(v, (math.prod(np.shape(v)[:-1]), np.shape(v)[-1]))
    limit = 4 * v.shape[-1] * np.finfo(v.dtype).eps * np.max(np.abs(v), axis=-1, initial=0)
    return np.argwhere(np.diff(v, axis=-1) <= limit[:, None]), v


def _distinct(x: Any, v: Array, vectors: Any) -> None:
    _holomorphic("eigh", vectors)
    equal, rows = _closest(v)
    if len(equal):
        lane, i = equal[0]
        raise NonAnalyticError(
            f"eigh: the eigenvalues {rows[lane][i]} and {rows[lane][i + 1]} are equal, so their "
            "eigenvectors and single eigenvalues have no derivative; only symmetric functions of "
            "the two have (write them with det, inv, trace or expm), or move the point"
        )


def _same_weights(bar: Array, v: Array, vectors: Array) -> None:
    """Equal eigenvalues have a derivative only together, in a function symmetric in them."""
    _holomorphic("eigvalsh", vectors)
    equal, rows = _closest(v)
    bars = np.reshape(np.broadcast_to(bar, np.shape(v)), rows.shape)
    scale = np.max(np.abs(bars), initial=0)
    for lane, i in equal:
        if abs(bars[lane, i] - bars[lane, i + 1]) > 1e-8 * scale:
            _distinct(None, rows[lane], vectors)


DISTINCT = _checked(_distinct)
SAME_WEIGHTS = _checked(_same_weights)


def _eigh_part(q: Any, gaps: Any, h: Any, s: Any) -> Any:
    """Return (λ_k, q_k) from a_0 q_k - q_k λ_0 - q_0 λ_k = -h and q_0ᵀ q_k = s + x.

    With f = q_0ᵀ h the diagonal of λ_0 w - w λ_0 - λ_k = -f, w = s + x, gives λ_k, and off it
    w_ij = f_ij/(λ_j - λ_i), whose antisymmetric part is x.
    """
    f = _t(q) @ h
    w = gaps * f
    x = 0.5 * (w - _t(w))
    return _diagonal(f), q @ (x if s is None else s + x)


def _eigh_vjp(upper: bool, ybar: Any, y: Any, a: Any) -> Any:
    """ā = q (diag λ̄ + E∘(qᵀ q̄)) qᵀ with E_ij = 1/(λ_j - λ_i) off the diagonal."""
    vbar, qbar = ybar
    if qbar is None:
        return (None,) if vbar is None else _eigvalsh_adjoint(upper, vbar, *y)
    q = y[1]
    inner = _inverse_gaps(DISTINCT(y[0], *y)) * (_t(q) @ qbar)
    abar = q @ inner @ _t(q)
    if vbar is not None:
        abar = abar + _across(q, vbar) @ _t(q)
    return (_folded(upper, abar),)


def _eigh_jvp(upper: bool, dargs: Any, y: Any, a: Any) -> Any:
    q = y[1]
    gaps = _inverse_gaps(DISTINCT(y[0], *y))
    return _eigh_part(q, gaps, _mirrored(upper, dargs[0]) @ q, None)


def _eigh_tables(upper: bool, d: _Degrees, a: _Table) -> list[_Table]:
    gaps: list[Any] = []

    def rule(k: int) -> Any:
        if k == 0:
            return EIGH[upper](a(0))
        if not gaps:
            if _still(k, full):
                return 0 * v(0), 0 * q(0)
            _distinct(None, _base(v(0)), _base(q(0)))
            gaps.append(_inverse_gaps(v(0)))
        h = _total(
            full(k) @ q(0),
            d.interior("ij,jk->ik", k, full, q),
            _minus(d.interior("ij,j->ij", k, q, v)),
        )
        s = d.interior("ji,jk->ik", k, q, q)
        return _eigh_part(q(0), gaps[0], h, None if s is None else -0.5 * s)

    full = d.linear(functools.partial(_mirrored, upper), a)
    v, q = d.together(2, rule)
    return [v, q]


def _eigh_step(upper: bool, algebra: Any, args: Any, live: Any, y: Any) -> Callable[[int], Any]:
    d = _Degrees(algebra, args, live, "eigh")
    return _results(*_eigh_tables(upper, d, d.args[0]))


EIGH = _variants("eigh", _eigh_value, _eigh_vjp, _eigh_jvp, _eigh_step)


def _eigvalsh_adjoint(upper: bool, vbar: Any, v: Any, q: Any) -> Any:
    return (_folded(upper, _across(q, SAME_WEIGHTS(vbar, v, q)) @ _t(q)),)


def _eigvalsh_vjp(upper: bool, ybar: Any, y: Any, a: Any) -> Any:
    """ā = q diag(λ̄) qᵀ."""
    return _eigvalsh_adjoint(upper, ybar, *EIGH[upper](a))


def _eigvalsh_jvp(upper: bool, dargs: Any, y: Any, a: Any) -> Any:
    v, q = EIGH[upper](a)
    return (q * (_mirrored(upper, DISTINCT(dargs[0], v, q)) @ q)).sum(-2)


def _eigvalsh_step(upper: bool, algebra: Any, args: Any, live: Any, y: Any) -> Callable[[int], Any]:
    d = _Degrees(algebra, args, live, "eigvalsh")
    (a,) = d.args
    v = _eigh_tables(upper, d, a)[0]
    return _quietly(lambda k: [v(k) if k else EIGVALSH[upper](a(0))])


EIGVALSH = _variants(
    "eigvalsh", _eigvalsh_value, _eigvalsh_vjp, _eigvalsh_jvp, _eigvalsh_step
)  # fmt: skip


# ------------------------------------------------------------------ singular values
def _svd_value(a: Any) -> Any:
    return tuple(np.linalg.svd(_floats("svd", a), full_matrices=False))


def _svdvals_value(a: Any) -> Any:
    return np.linalg.svd(_floats("svd", a), compute_uv=False)


def _distinct_singular(x: Any, s: Array, vectors: Any) -> None:
    _holomorphic("svd", vectors)
    equal, rows = _closest(s[..., ::-1])
    if len(equal):
        lane, i = equal[-1]
        raise NonAnalyticError(
            f"svd: the singular values {rows[lane][i + 1]} and {rows[lane][i]} are equal, so their "
            "singular vectors and single values have no derivative; move the point"
        )
    limit = 4 * rows.shape[-1] * np.finfo(rows.dtype).eps * np.max(rows, axis=-1, initial=0)
    if np.any(rows <= limit[:, None]):
        raise NonAnalyticError(
            "svd: a singular value is zero, where it has a kink and its singular vectors no "
            "derivative; move the point, or use eigh of AᵀA"
        )


DISTINCT_SINGULAR = _checked(_distinct_singular)


def _svd_part(u: Any, s: Any, v: Any, gaps: Any, h: Any, su: Any, sv: Any) -> Any:
    """Return (u_k, s_k, v_k) from a v = u s, uᵀu = 1, vᵀv = 1 (a has at least as many rows).

    The known part is h = u_k s_0 + u_0 s_k - a_0 v_k.  With u_0ᵀ u_k = su + x, v_0ᵀ v_k = sv + z,

        f = u_0ᵀ h = (su + x) s_0 - s_0 (sv + z) + s_k,

    the diagonal gives s_k; off it g = f - su s_0 + s_0 sv = x s_0 - s_0 z, and since x and z are
    antisymmetric, g s_0 + s_0 gᵀ = x∘(s_j² - s_i²) and s_0 g + gᵀ s_0 = z∘(s_j² - s_i²).
    """
    f = _t(u) @ h
    g = _total(f, None if su is None else _down(s, sv) - _across(su, s))
    x = gaps * (_across(g, s) + _down(s, _t(g)))
    z = gaps * (_down(s, g) + _across(_t(g), s))
    wu, wv = (x, z) if su is None else (su + x, sv + z)
    outside = (h - u @ f) / np.expand_dims(s, -2)
    return u @ wu + outside, _diagonal(g), v @ wv


def _svd_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """With J(p) = E∘(p - pᵀ), E_ij = 1/(s_j² - s_i²) off the diagonal, and Vh = vᵀ,

    ā = u (J(uᵀū) s + s J(vᵀv̄) + diag s̄) vᵀ + (1 - u uᵀ) ū s⁻¹ vᵀ + u s⁻¹ v̄ᵀ (1 - v vᵀ).
    """
    u, s, vt = y
    ubar, sbar, vtbar = ybar
    if ubar is None and vtbar is None:
        return (None,) if sbar is None else (_across(u, DISTINCT_SINGULAR(sbar, s, u)) @ vt,)
    s = DISTINCT_SINGULAR(s, s, u)
    gaps = _inverse_gaps(s * s)
    total = None if sbar is None else _across(u, sbar) @ vt
    if ubar is not None:
        p = _t(u) @ ubar
        total = _total(total, u @ _across(gaps * (p - _t(p)), s) @ vt)
        total = total + ((ubar - u @ p) / np.expand_dims(s, -2)) @ vt
    if vtbar is not None:
        p = vt @ _t(vtbar)
        total = _total(total, u @ _down(s, gaps * (p - _t(p))) @ vt)
        total = total + (u / np.expand_dims(s, -2)) @ (vtbar - _t(p) @ vt)
    return (total,)


def _svd_jvp(dargs: Any, y: Any, a: Any) -> Any:
    u, s, vt = y
    s = DISTINCT_SINGULAR(s, s, u)
    gaps = _inverse_gaps(s * s)
    m, n = np.shape(a)[-2:]
    if m >= n:
        du, ds, dv = _svd_part(u, s, _t(vt), gaps, dargs[0] @ _t(vt), None, None)
        return du, ds, _t(dv)
    dv, ds, du = _svd_part(_t(vt), s, u, gaps, _t(dargs[0]) @ u, None, None)
    return du, ds, _t(dv)


def _svd_tables(d: _Degrees, a: _Table) -> list[_Table]:
    m, n = np.shape(a(0))[-2:]
    wide = m < n
    gaps: list[Any] = []

    def rule(k: int) -> Any:
        if k == 0:
            left, values, right = SVD(a(0))
            return (_t(right), values, left) if wide else (left, values, _t(right))
        if not gaps:
            if _still(k, a):
                return 0 * u(0), 0 * s(0), 0 * v(0)
            _distinct_singular(None, _base(s(0)), _base(u(0)))
            gaps.append(_inverse_gaps(s(0) * s(0)))
        h = _total(
            tall(k) @ v(0),
            d.interior("ij,jk->ik", k, tall, v),
            _minus(d.interior("ij,j->ij", k, u, s)),
        )
        su, sv = d.interior("ji,jk->ik", k, u, u), d.interior("ji,jk->ik", k, v, v)
        if su is not None:
            su, sv = -0.5 * su, -0.5 * sv
        return _svd_part(u(0), s(0), v(0), gaps[0], h, su, sv)

    tall = d.linear(_t, a) if wide else a
    u, s, v = d.together(3, rule)
    return [v, s, d.linear(_t, u)] if wide else [u, s, d.linear(_t, v)]


def _svd_step(algebra: Any, args: Any, live: Any, y: Any) -> Callable[[int], Any]:
    d = _Degrees(algebra, args, live, "svd")
    return _results(*_svd_tables(d, d.args[0]))


SVD = Rule("svd", _svd_value, _svd_vjp, _svd_jvp, _svd_step)


def _svdvals_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """ā = u diag(s̄) vᵀ."""
    u, s, vt = SVD(a)
    return (_across(u, DISTINCT_SINGULAR(ybar, s, u)) @ vt,)


def _svdvals_jvp(dargs: Any, y: Any, a: Any) -> Any:
    u, s, vt = SVD(a)
    return (u * (DISTINCT_SINGULAR(dargs[0], s, u) @ _t(vt))).sum(-2)


def _svdvals_step(algebra: Any, args: Any, live: Any, y: Any) -> Callable[[int], Any]:
    d = _Degrees(algebra, args, live, "svd")
    (a,) = d.args
    s = _svd_tables(d, a)[1]
    return _quietly(lambda k: [s(k) if k else SVDVALS(a(0))])


SVDVALS = Rule("svdvals", _svdvals_value, _svdvals_vjp, _svdvals_jvp, _svdvals_step)


# ------------------------------------------------------------------ least squares
def _lstsq_value(a: Any, b: Any) -> Any:
    a, b = _floats("lstsq", a), _floats("lstsq", b)
    x, _, rank, _ = np.linalg.lstsq(a, b, rcond=None)
    if rank < a.shape[1]:
        raise LinAlgError(
            f"lstsq: the matrix of shape {a.shape} has rank {rank}; only with full column rank is "
            "the solution unique and has derivatives"
        )
    return x


def _lstsq_vjp(ybar: Any, y: Any, a: Any, b: Any) -> Any:
    """With z = (aᵀa)⁻¹ x̄: b̄ = a z, ā = (b - a x) zᵀ - b̄ xᵀ."""
    r = QR(a)[1]
    z = SOLVE(r, SOLVE(_t(r), ybar))
    bbar = a @ z
    return (b - a @ y) @ _t(z) - bbar @ _t(y), bbar


def _lstsq_jvp(dargs: Any, y: Any, a: Any, b: Any) -> Any:
    da, db = dargs
    r = QR(a)[1]
    moved = _total(db, None if da is None else -(da @ y))
    right = _total(_t(a) @ moved, None if da is None else _t(da) @ (b - a @ y))
    return SOLVE(r, SOLVE(_t(r), right))


def _lstsq_step(algebra: Any, args: Any, live: Any, y: Any) -> Callable[[int], Any]:
    """r x = qᵀ b with a = q r."""
    d = _Degrees(algebra, args, live, "lstsq")
    a, b = d.args
    if a.constant:
        q, r = (d.constant(x) for x in QR(a(0)))
    else:
        q, r = _qr_tables(d, a)
    right = d.matmul(d.linear(_t, q), b)
    return _results(d.solve(r, right, lambda: LSTSQ(a(0), b(0))))


LSTSQ = Rule("lstsq", _lstsq_value, _lstsq_vjp, _lstsq_jvp, _lstsq_step)


# ------------------------------------------------------------------ the pseudo-inverse
def _pinv_value(a: Any) -> Any:
    return np.linalg.pinv(_floats("pinv", a))


def _maximal_rank(x: Any, a: Array) -> None:
    _holomorphic("pinv", a)
    rank, most = np.linalg.matrix_rank(a), min(a.shape[-2:])
    if np.any(rank < most):
        raise LinAlgError(
            f"pinv: a matrix of shape {a.shape[-2:]} has rank {np.min(rank)}; where the rank can "
            "change the pseudo-inverse jumps and has no derivative"
        )


MAXIMAL_RANK = _checked(_maximal_rank)


def _pinv_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """ā = -pᵀ p̄ pᵀ + (1 - a p) p̄ᵀ p pᵀ + pᵀ p p̄ᵀ (1 - p a), the transpose of the tangent."""
    p, bar = y, _t(MAXIMAL_RANK(ybar, a))
    left, right = bar @ p @ _t(p), _t(p) @ p @ bar
    return ((left - a @ (p @ left)) + (right - (right @ p) @ a) - _t(p @ bar @ p),)


def _pinv_jvp(dargs: Any, y: Any, a: Any) -> Any:
    """dp = -p da p + p pᵀ daᵀ (1 - a p) + (1 - p a) daᵀ pᵀ p (Golub & Pereyra, 1973)."""
    p, da = y, MAXIMAL_RANK(dargs[0], a)
    left, right = p @ _t(p) @ _t(da), _t(da) @ _t(p) @ p
    return (left - (left @ a) @ p) + (right - p @ (a @ right)) - p @ da @ p


def _pinv_step(algebra: Any, args: Any, live: Any, y: Any) -> Callable[[int], Any]:
    """a = q r gives r p = qᵀ; a matrix with more columns than rows is transposed."""
    d = _Degrees(algebra, args, live, "pinv")
    (a,) = d.args
    wide = np.shape(a(0))[-2] < np.shape(a(0))[-1]
    kept: list[_Table] = []

    def part(k: int) -> Any:
        if k == 0:
            return [PINV(a(0))]
        if not kept:
            if _still(k, a):
                return [0 * PINV(a(0))]
            _maximal_rank(None, _base(a(0)))
            q, r = _qr_tables(d, d.linear(_t, a) if wide else a)
            qt = d.linear(_t, q)
            kept.append(d.solve(r, qt, lambda: SOLVE(r(0), qt(0))))
        return [_t(kept[0](k)) if wide else kept[0](k)]

    return _quietly(part)


PINV = Rule("pinv", _pinv_value, _pinv_vjp, _pinv_jvp, _pinv_step)


# ------------------------------------------------------------------ the matrix exponential
def _pade(m: int, a: Any, one: Any, matmul: Any, combine: Any, solve: Any) -> Any:
    """Return the [m/m] Padé approximant (v - u)⁻¹ (v + u) of exp a: v is even in a, u odd."""
    b = [math.comb(m, j) * (math.factorial(2 * m - j) // math.factorial(m)) for j in range(m + 1)]
    powers = [one, matmul(a, a)]
    for _ in range(m // 2 - 1):
        powers.append(matmul(powers[-1], powers[1]))
    v = combine(b[::2], powers)
    u = matmul(a, combine(b[1::2], powers))
    return solve(combine((1, -1), (v, u)), combine((1, 1), (v, u)))


def _pade_degree(a: Array) -> int:
    """Return m whose error, (m!)²/((2m)!(2m+1)!) at norm one, is below the precision of a."""
    bits, m = 53, 3
    if a.dtype == object:
        bits = max(getattr(getattr(e, "context", None), "prec", 53) for e in a.reshape(-1))
    while math.factorial(m) ** 2 << bits > math.factorial(2 * m) * math.factorial(2 * m + 1):
        m += 1
    return m


def _squarings(a: Array, norm: float) -> int:
    """Return s such that the Padé approximant sees a/2^s with a norm of at most `norm`.

    Norms of powers see what a non-normal matrix really does (Al-Mohy & Higham, 2009).
    """
    if a.dtype == object:
        a = np.abs(a).astype(float)
    size = _norm(a)
    top = np.max(size, initial=0.0)
    if not 0 < top < math.inf:
        return 0
    t2 = (a / top) @ (a / top)
    t4 = t2 @ t2
    d4, d6, d8 = _norm(t4) ** (1 / 4), _norm(t4 @ t2) ** (1 / 6), _norm(t4 @ t4) ** (1 / 8)
    rate = np.minimum(np.maximum(d4, d6), np.maximum(d6, d8))
    x = float(top * np.max(np.minimum(rate, size / top)))
    return max(0, math.ceil(math.log2(x / norm))) if x > 0 else 0


def _norm(a: Array) -> Array:
    """Return the 1-norms."""
    return np.abs(a).sum(-2).max(-1, initial=0)


def _combine(c: Sequence[int], xs: Sequence[Any]) -> Any:
    return _total(*(n * x for n, x in zip(c, xs, strict=False)))


def _expm_value(a: Any) -> Any:
    (a,) = _matched(np.asarray(a))
    if a.dtype == object and exact(a):
        raise TypeError("expm of Fractions is not rational; use floats or mpmath.mpf")
    if a.dtype.kind in "iub":
        a = a.astype(float)
    if a.size == 0:
        return a
    s = _squarings(a, 1.0)
    y = _pade(_pade_degree(a), a / 2**s, _eye(a.shape[-1], a), np.matmul, _combine, SOLVE)
    for _ in range(s):
        y = y @ y
    return y


def _along(a: Any, direction: Any) -> Any:
    """Return the derivative of exp at a along a direction: a block of exp [[a, d], [0, a]]."""
    n = np.shape(a)[-1]
    top = np.concatenate([a, direction], axis=-1)
    bottom = np.concatenate([direction * 0, a], axis=-1)
    return EXPM(np.concatenate([top, bottom], axis=-2))[..., :n, n:]


def _expm_vjp(ybar: Any, y: Any, a: Any) -> Any:
    """The adjoint is the derivative at aᵀ along ȳ."""
    return (_along(_t(a), ybar),)


def _expm_jvp(dargs: Any, y: Any, a: Any) -> Any:
    return _along(a, dargs[0])


def _expm_step(algebra: Any, args: Any, live: Any, y: Any) -> Callable[[int], Any]:
    """Scaling, Padé approximant and squaring on tables.

    Degree k of the error, like its k-th derivative, has a factor of about (2m)^k/2^(sk) over that
    of the value: more squarings and a smaller norm make up for it.
    """
    d = _Degrees(algebra, args, live)
    (a,) = d.args
    kept: list[_Table] = []

    def start() -> _Table:
        value = _base(a(0))
        n = np.shape(value)[-1]
        extra = math.ceil(math.log2((algebra.order + 8) / 4))
        s = max(_squarings(value, 0.5), extra)
        scaled = d.linear(lambda x: x / 2**s, a)

        def combine(c: Sequence[int], xs: Sequence[_Table]) -> _Table:
            return d.unknown(
                lambda k: _total(
                    *(n * x(k) for n, x in zip(c, xs, strict=False) if k == 0 or not x.constant)
                )
            )

        def solve(p: _Table, q: _Table) -> _Table:
            return d.solve(p, q, lambda: SOLVE(p(0), q(0)))

        one = d.constant(_eye(n, value))
        result: _Table = _pade(_pade_degree(value), scaled, one, d.matmul, combine, solve)
        for _ in range(s):
            result = d.matmul(result, result)
        return result

    def part(k: int) -> Any:
        if k == 0:
            return [EXPM(a(0))]
        if not kept:
            kept.append(start())
        return [kept[0](k)]

    return _quietly(part)


EXPM = Rule("expm", _expm_value, _expm_vjp, _expm_jvp, _expm_step)

RULES = {
    rule.name: rule
    for rule in (
        SOLVE, INV, DET, COFACTORS, SLOGDET, QR, SVD, SVDVALS, LSTSQ, PINV, EXPM,
        *CHOLESKY.values(), *EIGH.values(), *EIGVALSH.values(),
    )
}  # fmt: skip


# ------------------------------------------------------------------ the public functions
def solve(a: Any, b: Any) -> Any:
    """Return the solution x of a x = b, as numpy.linalg.solve: b is (n,) or (..., n, m).

    >>> from taylor import Taylor
    >>> t = Taylor.variable(0.0, order=3)
    >>> solve([[1 - t, 0.0], [0.0, 2.0]], [1.0, 1.0])[0]
    1 + t + t² + t³ + O(t⁴)
    """
    a, b = _arrays(a, b)
    n = _square("solve", a)
    vector = np.ndim(b) == 1
    if np.ndim(b) == 0 or np.shape(b)[-1 if vector else -2] != n:
        raise ShapeMismatch(f"solve: shapes {np.shape(a)} and {np.shape(b)} do not fit")
    if _plain(a, b):
        return _named("solve", np.linalg.solve, a, b)
    b = np.reshape(b, (n, 1)) if vector else b
    x = SOLVE(*_same_batch("solve", a, b))
    return x[..., 0] if vector else x


def _same_batch(name: str, a: Any, b: Any) -> tuple[Any, Any]:
    left, right = tuple(np.shape(a)), tuple(np.shape(b))
    if left[:-2] == right[:-2]:
        return a, b
    try:
        batch = np.broadcast_shapes(left[:-2], right[:-2])
    except ValueError:
        raise ShapeMismatch(f"{name}: shapes {left} and {right} do not fit") from None
    return np.broadcast_to(a, batch + left[-2:]), np.broadcast_to(b, batch + right[-2:])


def inv(a: Any) -> Any:
    """Return the inverses of square matrices.

    >>> from taylor import Taylor
    >>> inv([[Taylor.variable(2.0, order=2)]])[0, 0]
    0.5 - 0.25 t + 0.125 t² + O(t³)
    """
    (a,) = _arrays(a)
    _square("inv", a)
    return INV(a)


def det(a: Any) -> Any:
    """Return the determinants of square matrices; their series exist at singular matrices too.

    >>> from taylor import Taylor
    >>> t = Taylor.variable(0.0, order=3)
    >>> det([[t, 1.0 + t], [t, t]])
    -t + O(t⁴)
    """
    (a,) = _arrays(a)
    _square("det", a)
    return DET(a)


def slogdet(a: Any) -> Any:
    """Return (sign, log|det|) of real square matrices; the sign is constant.

    A singular matrix raises LinAlgError if it varies.

    >>> from taylor import Taylor
    >>> slogdet([[Taylor.variable(1.0, order=2)]]).logabsdet
    t - 0.5 t² + O(t³)
    """
    (a,) = _arrays(a)
    _square("slogdet", a)
    return SlogdetResult(*SLOGDET(a))


def cholesky(a: Any, *, upper: bool = False) -> Any:
    """Return the lower factor L of A = L Lᵀ (or the upper one of A = UᵀU) of real matrices.

    As in numpy.linalg.cholesky only the lower (upper) triangle of A is read, in every degree.

    >>> from taylor import Taylor
    >>> cholesky([[Taylor.variable(4.0, order=2)]])[0, 0]
    2 + 0.25 t - 0.015625 t² + O(t³)
    """
    (a,) = _arrays(a)
    _square("cholesky", a)
    return CHOLESKY[bool(upper)](a)


def qr(a: Any, mode: str = "reduced") -> Any:
    """Return (Q, R) with A = Q R, QᵀQ = 1 and R upper triangular; mode "reduced" only.

    >>> from taylor import Taylor
    >>> qr([[Taylor.variable(-2.0, order=2)]]).R[0, 0]
    -2 + t + O(t³)
    """
    (a,) = _arrays(a)
    m, n = _matrix("qr", a)
    if mode != "reduced":
        if _plain(a):
            return np.linalg.qr(a, mode)  # type: ignore[call-overload]
        raise TypeError(f"qr of series or recorded values knows mode='reduced' only, not {mode!r}")
    if m >= n or _plain(a):
        return QRResult(*QR(a))
    q, r = QR(a[..., :m])
    return QRResult(q, np.concatenate([r, _t(q) @ a[..., m:]], axis=-1))


def _reads_upper(uplo: str) -> bool:
    if uplo not in ("L", "U", "l", "u"):
        raise ValueError(f"UPLO is 'L' or 'U', not {uplo!r}")
    return uplo in "Uu"


def eigh(a: Any, UPLO: str = "L") -> Any:
    """Return the eigenvalues (ascending) and eigenvectors of real symmetric matrices.

    As in numpy.linalg.eigh only the triangle UPLO is read, in every degree.  Equal eigenvalues
    raise NonAnalyticError if the matrix varies.

    >>> from taylor import Taylor
    >>> t = Taylor.variable(0.0, order=2)
    >>> eigh([[0.0, t], [t, 1.0]]).eigenvalues[1]
    1 + t² + O(t³)
    """
    (a,) = _arrays(a)
    _square("eigh", a)
    return EighResult(*EIGH[_reads_upper(UPLO)](a))


def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """Return the eigenvalues (ascending) of real symmetric matrices: see `eigh`.

    In reverse mode a function that is symmetric in equal eigenvalues has its gradient.
    """
    (a,) = _arrays(a)
    _square("eigvalsh", a)
    return EIGVALSH[_reads_upper(UPLO)](a)


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Return (U, S, Vh) with A = U diag(S) Vh, or S alone; of series with full_matrices=False only.

    Equal or zero singular values raise NonAnalyticError if the matrix varies.

    >>> from taylor import Taylor
    >>> t = Taylor.variable(0.0, order=2)
    >>> svd([[2.0, t], [t, 1.0]], compute_uv=False)[0]
    2 + t² + O(t³)
    """
    (a,) = _arrays(a)
    m, n = _matrix("svd", a)
    if _plain(a):
        found: Any = np.linalg.svd(a, bool(full_matrices), bool(compute_uv))  # type: ignore[call-overload]
        return SVDResult(*found) if compute_uv else found
    if not compute_uv:
        return SVDVALS(a)
    if full_matrices and m != n:
        raise TypeError(
            f"svd of a matrix of shape ({m}, {n}): the vectors that complete a basis are not "
            "unique and have no derivative; use full_matrices=False"
        )
    return SVDResult(*SVD(a))


def svdvals(a: Any) -> Any:
    """Return the singular values: see `svd`."""
    return svd(a, compute_uv=False)


def lstsq(a: Any, b: Any) -> Any:
    """Return the x that minimises |a x - b|, for a of full column rank; b is (m,) or (m, k).

    >>> from taylor import Taylor
    >>> t = Taylor.variable(0.0, order=2)
    >>> lstsq([[1.0], [t]], [1.0, 0.0])[0]
    1 - t² + O(t³)
    """
    a, b = _arrays(a, b)
    m, n = _matrix("lstsq", a)
    if np.ndim(a) != 2 or np.ndim(b) not in (1, 2) or np.shape(b)[0] != m:
        raise ShapeMismatch(f"lstsq: shapes {np.shape(a)} and {np.shape(b)} do not fit")
    if m < n:
        raise LinAlgError(
            f"lstsq: a matrix of shape ({m}, {n}) has no full column rank; the solution is not "
            "unique and has no derivatives"
        )
    vector = np.ndim(b) == 1
    x = LSTSQ(a, np.reshape(b, (m, 1)) if vector else b)
    return x[..., 0] if vector else x


def numpy_lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, int, Array]:
    """Return (x, residuals, rank, s) as numpy.linalg.lstsq; s are the plain singular values."""
    a, b = _arrays(a, b)
    x = lstsq(a, b)
    m, n = np.shape(a)
    off = a @ x - b
    residuals = np.reshape((off * off).sum(0), -1) if m > n else np.zeros(0)
    return x, residuals, n, np.linalg.svd(_floats("lstsq", _base(a)), compute_uv=False)


def pinv(a: Any) -> Any:
    """Return the pseudo-inverses of matrices of full rank.

    >>> from taylor import Taylor
    >>> pinv([[Taylor.variable(2.0, order=1)], [0.0]])[0, 0]
    0.5 - 0.25 t + O(t²)
    """
    (a,) = _arrays(a)
    _matrix("pinv", a)
    return PINV(a)


def matrix_power(a: Any, n: int) -> Any:
    """Return the n-th powers of square matrices, by repeated squaring.

    >>> from taylor import Taylor
    >>> matrix_power([[Taylor.variable(1.0, order=2)]], -1)[0, 0]
    1 - t + t² + O(t³)
    """
    (a,) = _arrays(a)
    _square("matrix_power", a)
    n = operator.index(n)
    if _plain(a):
        return np.linalg.matrix_power(a, n)
    if n < 0:
        return matrix_power(inv(a), -n)
    if n == 0:
        return a * 0 + _eye(np.shape(a)[-1], a)
    result: Any = None
    while n:
        if n & 1:
            result = a if result is None else result @ a
        n >>= 1
        a = a @ a if n else a
    return result


def expm(a: Any) -> Any:
    """Return the exponentials of square matrices, by scaling, a Padé approximant and squaring.

    N. J. Higham, "The scaling and squaring method for the matrix exponential revisited" (2005).

    >>> from taylor import Taylor
    >>> t = Taylor.variable(0.0, order=3)
    >>> expm([[0.0, t], [-t, 0.0]])[0, 1]
    t - 0.166667 t³ + O(t⁴)
    """
    (a,) = _arrays(a)
    _square("expm", a)
    return EXPM(a)


# what NumPy's own functions mean for series and nodes
FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.linalg.solve: solve,
    np.linalg.inv: inv,
    np.linalg.det: det,
    np.linalg.slogdet: slogdet,
    np.linalg.cholesky: cholesky,
    np.linalg.qr: qr,
    np.linalg.eigh: eigh,
    np.linalg.eigvalsh: eigvalsh,
    np.linalg.svd: svd,
    np.linalg.svdvals: svdvals,
    np.linalg.lstsq: numpy_lstsq,
    np.linalg.pinv: pinv,
    np.linalg.matrix_power: matrix_power,
}
