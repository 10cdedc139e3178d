"""Linear algebra of programs at one point through LAPACK, with the factors of a matrix shared.

Fortran counts columns first: what LAPACK calls a matrix is the transpose of what lies in memory.
Equations and determinants, eigenvalues and singular values are those of the matrix that NumPy hands
to LAPACK, so that they fail together; what failed is left to NumPy, whose errors say why.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from taylor.core.applied import Call
from taylor.core.instructions import Instruction
from taylor.core.maps import Gather
from taylor.core.table import Rule, lookup
from taylor.linalg.degrees import RULES
from taylor.linalg.equations import BY_PRODUCTS
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.registers import Scalar
from taylor.machine import matrices, triangles
from taylor.machine.emit import (
    WRITTEN,
    Joined,
    Symbol,
    Unsupported,
    broadcast,
    contiguous,
    copied,
    empty,
    in_memory,
    in_place,
    lifted,
    number,
    zeros,
)
from taylor.machine.nests import Shape, at, c_strides, each, terms_of
from taylor.numbers import blas

Index = int | str
EPS = float(np.finfo(float).eps)


class LU(NamedTuple):
    """P L U of matrices (of their transposes, if `turned`), the pivots, and what went wrong."""

    factors: Symbol
    pivots: Symbol
    info: Symbol
    turned: bool


class Factors:
    """The triangular factors of the matrices of a program: each is made once."""

    def __init__(self, code: Sequence[Instruction]) -> None:
        self.code = code
        self.known: dict[int, LU] = {}
        calls = [i for i in code if isinstance(i.op, Call) and i.op.name in BY_FACTORS]
        self.uses = Counter(self._matrix(i.args[0])[0] for i in calls)

    def _matrix(self, i: int) -> tuple[int, bool]:
        """Return the instruction that gives a matrix, perhaps transposed, and whether it is."""
        turned = False
        while True:
            op, args, shape = self.code[i]
            if not isinstance(op, Gather) or len(args) != 1 or len(shape) < 2:
                return i, turned
            own = self.code[args[0]].shape
            if len(own) < 2 or not np.array_equal(
                op.index, np.swapaxes(np.arange(math.prod(own)).reshape(own), -1, -2)
            ):
                return i, turned
            i, turned = args[0], not turned

    def of(self, f: Function, i: int, x: Symbol) -> LU:
        """Return the factors of the matrices x that instruction i gives."""
        j, turned = self._matrix(i)
        found = self.known.get(j)
        if found is None:
            found = self.known[j] = factored(f, x)._replace(turned=turned)
        self.uses[j] -= 1
        if not self.uses[j]:
            del self.known[j]  # and so the memory is free
        return found._replace(turned=found.turned != turned)


# ------------------------------------------------------------------ matrices in memory
def stacked(f: Function, x: Symbol) -> Symbol:
    """Return matrices in memory, with one axis for all of a batch."""
    x = in_place(contiguous(x) if len(x.shape) > 2 else x)
    if x.reg is not None or isinstance(x.slot, str):
        x = in_memory(f, x)
    n, m = x.shape[-2:]
    return x.view((math.prod(x.shape[:-2]), n, m), (n * m, *x.strides[-2:]))


def turned(x: Symbol) -> Symbol:
    """Return the transposes of matrices."""
    *batch, n, m = x.shape
    *steps, down, along = x.strides
    return x.view((*batch, m, n), (*steps, along, down))


def own(f: Function, x: Symbol) -> Symbol:
    """Return a copy in C order, to be written over."""
    out = empty(f, x.shape)
    copied(x, out)
    return out


def shaped(x: Symbol, shape: Shape) -> Symbol:
    """Return matrices with the axes of their batch; one number in a register."""
    if math.prod(shape) == 1:
        return Symbol(x.f, shape, reg=at(x, [0] * len(x.shape)))
    batch = shape[:-2]
    return x.view(shape, (*(k * x.strides[0] for k in c_strides(batch)), *x.strides[-2:]))


def _only(x: Symbol, b: Index) -> Symbol:
    """Return matrix b of a batch, as one of one."""
    lead: Any = (*x.lead, (b, x.strides[0]))
    return Symbol(x.f, (1, *x.shape[1:]), None, x.slot, x.offset, x.strides, lead)


def pointer(x: Symbol, b: Index) -> str:
    """Return where entry b of a batch begins."""
    return x.f.address(x.base, [*x.lead, (b, x.strides[0])], x.offset)


def run(f: Function, name: str, info: Symbol, b: Index, *given: Any) -> None:
    """Call a function of LAPACK, which says at the end whether it failed."""
    place = pointer(info, b)
    f.write_word(0, place, "i64")  # the library may write half of it
    f.blas(name, *given, place)


def failed(info: Symbol, b: Index) -> Scalar:
    """Return whether a function of LAPACK failed."""
    f = info.f
    return f.real(f.word(pointer(info, b), "i64")).compared("une", 0.0)


def triangle(x: Symbol, out: Symbol, upper: bool) -> Symbol:
    """Write one triangle of matrices, and zeros in the other."""
    f, n = x.f, x.shape[-1]

    def row(index: list[Any]) -> None:
        b, i = index
        stop = i if upper else f.whole("add", i, 1)

        def write(j: Index, width: int) -> None:
            y, zero = x.load(terms_of([b, i, j], x.strides), width), f.zero(width)
            low = f.less(j, stop) if width == 1 else f.below(j, range(WIDTH), stop)
            out.store(low.where(zero, y) if upper else low.where(y, zero), place(b, i, j))

        def place(*index: Any) -> Any:
            return terms_of(index, out.strides)

        whole = n // WIDTH * WIDTH if x.strides[-1] == out.strides[-1] == 1 else 0
        f.repeat(whole, lambda j: write(j, WIDTH), WIDTH)
        f.repeat(
            n - whole, lambda j: write(j + whole if type(j) is int else f.whole("add", j, whole), 1)
        )

    each(f, x.shape[:2], row)
    return out


# ------------------------------------------------------------------ by factors of a square matrix
def factored(f: Function, x: Symbol) -> LU:
    """Return the factors of matrices."""
    x = stacked(f, x)
    count, n, _ = x.shape
    a, pivots, info = own(f, turned(x)), empty(f, (count, n)), empty(f, (count,))

    def one(b: Index) -> None:
        run(f, "dgetrf", info, b, n, n, pointer(a, b), n, pointer(pivots, b))

    f.repeat(count, one)
    return LU(a, pivots, info, False)


def _solved(f: Function, shape: Shape, lu: LU, b: Symbol) -> Symbol:
    """Return the solutions for right-hand sides (count, n, m)."""
    few = b.shape[1] <= triangles.MOST
    x = triangles.columns(b) if few else own(f, turned(b))
    count, m, n = x.shape
    info = empty(f, (count,))

    def one(b: Index) -> None:
        f.lose(failed(lu.info, b))
        if few:
            _substituted(f, lu, x, b)
            return
        given = n, m, pointer(lu.factors, b), n, pointer(lu.pivots, b), pointer(x, b), n
        run(f, "dgetrs", info, b, "T" if lu.turned else "N", *given)

    f.repeat(count, one)
    return shaped(x if few else turned(x), shape)


def _substituted(f: Function, lu: LU, x: Symbol, b: Index) -> None:
    """Solve P L U y = x, or its transpose, in the place of matrix b of x."""
    n, place = x.shape[1], pointer(x, b)
    pivots, step = pointer(lu.pivots, b), blas.integers() // 4
    layout = (n, n, 1) if lu.turned else (n, 1, n)
    if not lu.turned:
        triangles.exchange(f, pivots, step, False, x, place)
    for upper in (False, True):
        t = triangles.Triangle(*layout, upper, upper == lu.turned)
        triangles.substitute(f, t, pointer(lu.factors, b), x, place)
    if lu.turned:
        triangles.exchange(f, pivots, step, True, x, place)


def _solve(f: Function, shape: Shape, lu: LU, a: Symbol, b: Symbol) -> Symbol:
    return _solved(f, shape, lu, stacked(f, b))


def _inverse(f: Function, shape: Shape, lu: LU, a: Symbol) -> Symbol:
    unit = zeros(f, lu.factors.shape, False)
    one = f.constant(1.0)
    each(f, unit.shape[:2], lambda i: unit.store(one, terms_of([*i, i[1]], unit.strides)))
    return _solved(f, shape, lu, unit)


def _determinants(f: Function, lu: LU) -> list[Symbol]:
    """Return the signs and the logarithms of determinants; 0 and -inf of singular matrices."""
    count, n, _ = lu.factors.shape
    signs, logs, step = empty(f, (count,)), empty(f, (count,)), blas.integers() // 4

    def one(b: Index) -> None:
        pivots = pointer(lu.pivots, b)

        def factor(i: Index, known: Sequence[Scalar]) -> list[Scalar]:
            sign, log = known
            d = at(lu.factors, [b, i, i])
            moved = f.real(f.entry(pivots, f.whole("mul", i, step))) - f.real(i)
            sign = (d < 0.0).where(-sign, sign)
            sign = moved.compared("une", 1.0).where(-sign, sign)
            return [sign, log + number(f, lookup("log"), abs(d))]

        sign, log = f.fold(0, n, [f.constant(1.0), f.constant(0.0)], factor)
        singular = failed(lu.info, b)
        signs.store(singular.where(0.0, sign), [(b, 1)])
        logs.store(singular.where(-math.inf, log), [(b, 1)])

    f.repeat(count, one)
    return [signs, logs]


def _slogdet(f: Function, shape: Shape, lu: LU, a: Symbol) -> Symbol:
    return Joined(f, shape, _determinants(f, lu))


def _det(f: Function, shape: Shape, lu: LU, a: Symbol) -> Symbol:
    signs, logs = _determinants(f, lu)
    y: Any = signs * np.exp(logs)
    return y.reshape(shape)  # type: ignore[no-any-return]


BY_FACTORS: dict[str, Callable[..., Symbol]] = {
    "solve": _solve,
    "inv": _inverse,
    "slogdet": _slogdet,
    "det": _det,
}


# ------------------------------------------------------------------ by triangles
def _cholesky(upper: bool, f: Function, shape: Shape, a: Symbol) -> Symbol:
    """The factor that LAPACK calls the upper one: of the transpose."""
    a = stacked(f, a)
    low, info = own(f, turned(a) if upper else a), empty(f, a.shape[:1])

    def one(b: Index) -> None:
        run(f, "dpotrf", info, b, "U", shape[-1], pointer(low, b), shape[-1])
        f.lose(failed(info, b))

    f.repeat(low.shape[0], one)
    return shaped(triangle(low, low, False), shape)


def _triangular(upper: bool, f: Function, shape: Shape, t: Symbol, b: Symbol) -> Symbol:
    """Solve xᵀ tᵀ = bᵀ in the place of b."""
    t, b = stacked(f, t), stacked(f, b)
    if t.shape[1] <= triangles.MOST:
        return _by_substitution(upper, f, shape, t, b)
    x, laid = own(f, b), matrices.matrix(t, 1, 2)
    if laid is None:
        t = own(f, t)
        laid = matrices.Matrix(t, 1, shape[-2], shape[-2], False, shape[-2])
    count, n, m = x.shape
    flags = "R", "U" if upper == laid.turned else "L", "T" if laid.turned else "N", "N"

    def one(b: Index) -> None:
        _regular(t, b)
        f.blas("dtrsm", *flags, m, n, 1.0, pointer(t, b), laid.step, pointer(x, b), m)

    f.repeat(count, one)
    return shaped(x, shape)


def _regular(t: Symbol, b: Index) -> None:
    """Leave equations with a zero on the diagonal to NumPy."""
    t.f.repeat(t.shape[1], lambda i: t.f.lose(at(t, [b, i, i]).equals(0.0)))


def _by_substitution(upper: bool, f: Function, shape: Shape, t: Symbol, b: Symbol) -> Symbol:
    x = triangles.columns(b)
    _, down, along = t.strides
    kind = triangles.Triangle(t.shape[1], down, along, upper, False)

    def one(b: Index) -> None:
        _regular(t, b)
        triangles.substitute(f, kind, pointer(t, b), x, pointer(x, b))

    f.repeat(x.shape[0], one)
    return shaped(x, shape)


def _part(upper: bool, f: Function, shape: Shape, x: Symbol) -> Symbol:
    x = stacked(f, x)
    return shaped(triangle(x, empty(f, x.shape), upper), shape)


def _half(f: Function, shape: Shape, x: Symbol) -> Symbol:
    x = stacked(f, x)
    out = triangle(x, empty(f, x.shape), False)

    def one(index: list[Any]) -> None:
        place = terms_of([*index, index[1]], out.strides)
        out.store(out.load(place) * 0.5, place)

    each(f, x.shape[:2], one)
    return shaped(out, shape)


def _by_formula(name: str, f: Function, shape: Shape, *x: Symbol) -> Symbol:
    y: Symbol = RULES[name].value(*x)
    return y


# ------------------------------------------------------------------ by orthogonal matrices
# room for blocks of 64 columns, more than LAPACK takes: with less it would work in other blocks
def _qr(f: Function, shape: Shape, a: Symbol) -> Symbol | None:
    a = stacked(f, a)
    count, m, n = a.shape
    if m < n:
        return None
    q, tau, work, info = own(f, turned(a)), empty(f, (n,)), empty(f, (64 * n,)), empty(f, (count,))
    r = empty(f, (count, n, n))

    def one(b: Index) -> None:
        given = pointer(q, b), m, pointer(tau, 0), pointer(work, 0), 64 * n
        run(f, "dgeqrf", info, b, m, n, *given)
        triangle(_only(q.view((count, n, n), (n * m, 1, m)), b), _only(r, b), True)
        run(f, "dorgqr", info, b, m, n, n, *given)

    f.repeat(count, one)
    return Joined(f, shape, [turned(q), r])


def _eigenvalues(vectors: bool, upper: bool, f: Function, shape: Shape, a: Symbol) -> Symbol:
    q = own(f, turned(stacked(f, a)))
    count, n, _ = q.shape
    room, words = 1 + 66 * n + 2 * n * n * vectors, 3 + 5 * n
    v, work, whole = empty(f, (count, n)), empty(f, (room,)), empty(f, (words,))
    info = empty(f, (count,))

    def one(b: Index) -> None:
        flags = "V" if vectors else "N", "U" if upper else "L"
        given = pointer(q, b), n, pointer(v, b), pointer(work, 0), room, pointer(whole, 0), words
        run(f, "dsyevd", info, b, *flags, n, *given)
        f.lose(failed(info, b))

    f.repeat(count, one)
    return Joined(f, shape, [v, turned(q)]) if vectors else v.reshape(shape)


def _singular_values(vectors: bool, f: Function, shape: Shape, a: Symbol) -> Symbol:
    a = stacked(f, a)
    count, m, n = a.shape
    k, c = min(m, n), own(f, turned(a))
    room = 4 * k * k + 10 * k + 64 * (m + n)
    s, u, vt = empty(f, (count, k)), empty(f, (count, k, m)), empty(f, (count, n, k))
    work, whole, info = empty(f, (room,)), empty(f, (8 * k,)), empty(f, (count,))

    def one(b: Index) -> None:
        parts = pointer(s, b), pointer(u, b), m, pointer(vt, b), k
        given = pointer(c, b), m, *parts, pointer(work, 0), room, pointer(whole, 0)
        run(f, "dgesdd", info, b, "S" if vectors else "N", m, n, *given)
        f.lose(failed(info, b))

    f.repeat(count, one)
    return Joined(f, shape, [turned(u), s, turned(vt)]) if vectors else s.reshape(shape)


# ------------------------------------------------------------------ where derivatives exist
def _not_singular(f: Function, shape: Shape, d: Symbol, *known: Symbol) -> Symbol:
    signs = in_place(known[-2])
    each(f, signs.shape, lambda index: f.lose(at(signs, index).equals(0.0)))
    return d


def _rows(f: Function, x: Any, shape: Shape) -> Symbol:
    """Return numbers in memory with one axis for all of a batch."""
    n = shape[-1]
    x = in_memory(f, broadcast(lifted(f, x), shape))
    return x.view((math.prod(shape) // n, n), (n, 1))  # type: ignore[no-any-return]


def _largest(x: Symbol, b: Index) -> Scalar:
    """Return the largest modulus among the numbers of a row."""

    def most(i: Index, so_far: Sequence[Scalar]) -> list[Scalar]:
        return [so_far[0].most(abs(at(x, [b, i])))]

    return x.f.fold(0, x.shape[1], [x.f.constant(0.0)], most)[0]


def _apart(
    which: int, last: bool, weighted: bool, f: Function, shape: Shape, d: Symbol, bar: Any, *x: Any
) -> Symbol:
    """Return d where neighbours among values are not equal, but for those that weigh the same.

    With `last` the last one is not zero either.
    """
    v = _rows(f, x[which], x[which].shape)
    weights, n = _rows(f, bar, x[which].shape) if weighted else v, v.shape[1]

    def one(b: Index) -> None:
        limit, small = _largest(v, b) * (4 * n * EPS), _largest(weights, b) * 1e-8

        def pair(i: Index) -> None:
            j = f.whole("add", i, 1)
            equal = abs(at(v, [b, j]) - at(v, [b, i])) <= limit
            if weighted:
                equal = equal & ~(abs(at(weights, [b, j]) - at(weights, [b, i])) <= small)
            f.lose(equal)

        f.repeat(n - 1, pair)
        if last:
            f.lose(at(v, [b, n - 1]) <= limit)

    f.repeat(v.shape[0], one)
    return d


def _full_rank(f: Function, shape: Shape, d: Symbol, *known: Symbol) -> Symbol:
    r = stacked(f, known[-1])
    n = r.shape[-1]

    def one(b: Index) -> None:
        def most(i: Index, so_far: Sequence[Scalar]) -> list[Scalar]:
            return f.fold(0, n, so_far, lambda j, m: [m[0].most(abs(at(r, [b, i, j])))])

        limit = f.fold(0, n, [f.constant(0.0)], most)[0] * (n * EPS)
        f.repeat(n, lambda i: f.lose(abs(at(r, [b, i, i])) <= limit))

    f.repeat(r.shape[0], one)
    return d


ALONE: dict[str, Callable[..., Symbol | None]] = {
    "cholesky": functools.partial(_cholesky, False),
    "cholesky_upper": functools.partial(_cholesky, True),
    "solve_triangular": functools.partial(_triangular, False),
    "solve_triangular_upper": functools.partial(_triangular, True),
    "tril": functools.partial(_part, False),
    "triu": functools.partial(_part, True),
    "half": _half,
    "adjoint of cholesky": functools.partial(_by_formula, "adjoint of cholesky"),
    "qr": _qr,
    "eigh": functools.partial(_eigenvalues, True, False),
    "eigh_upper": functools.partial(_eigenvalues, True, True),
    "eigvalsh": functools.partial(_eigenvalues, False, False),
    "eigvalsh_upper": functools.partial(_eigenvalues, False, True),
    "svd": functools.partial(_singular_values, True),
    "svdvals": functools.partial(_singular_values, False),
    "regular slogdet": _not_singular,
    "regular qr": _full_rank,
    "regular eigh": functools.partial(_apart, -2, False, False),
    "regular eigh_upper": functools.partial(_apart, -2, False, False),
    "regular eigvalsh": functools.partial(_apart, -1, False, True),
    "regular eigvalsh_upper": functools.partial(_apart, -1, False, True),
    "regular svd": functools.partial(_apart, -2, True, False),
    "regular svdvals": functools.partial(_apart, -1, True, False),
}


def is_written(rule: Rule, shape: Shape) -> bool:
    """Whether a rule and its derivatives need no Python at real matrices of that shape.

    Cofactors of large ones do.
    """
    return _is_known(rule) and (rule.name != "det" or shape[-1] <= BY_PRODUCTS)


def _is_known(rule: Rule) -> bool:
    return RULES.get(rule.name) is rule and (rule.name in BY_FACTORS or rule.name in ALONE)


def written(
    f: Function, rule: Rule, x: Sequence[Any], shape: Shape, lu: Callable[[Symbol], LU]
) -> Symbol | None:
    """Return the result of a rule of real matrices; None of one that Python is asked for."""
    name = rule.name
    if not _is_known(rule) or f.unit > 1 or not blas.integers() or not all(map(_is_taken, x)):
        return None
    args = [lifted(f, v) for v in x]
    if name in BY_FACTORS:
        return BY_FACTORS[name](f, shape, lu(args[0]), *args)
    return ALONE[name](f, shape, *args)


def _is_taken(x: Any) -> bool:
    """Whether x is not empty, and of real numbers."""
    if isinstance(x, Symbol):
        return not x.complex and 0 not in x.shape
    return np.asarray(x).dtype.kind in "fiub" and 0 not in np.shape(x)


def called(first: Symbol, op: Call, args: Sequence[Any]) -> Symbol:
    """Return the result of a rule in the formula of another one."""
    f = first.f
    y = written(f, op.rule, args, np.shape(args[-1]), functools.partial(factored, f))
    if y is None:
        raise Unsupported(f"{op.name} has no machine code")
    return y


WRITTEN[Call] = called
