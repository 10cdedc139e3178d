"""Linear algebra on matrices of series and nodes: solve, det, cholesky, qr, eigh, svd, expm ...

Every function is a `Rule`: its value is NumPy's, its series come degree by degree from its defining
equation, its tangent is the series of degree one, and its adjoint is ordinary NumPy code, so that
they nest to any order.  The parts of degree k of the equation are linear in the unknown with the
matrix of degree 0, and sums over lower degrees stand on the right: one factorisation serves all
degrees (of equations solved for three or fewer each is factored again: that is less work).
For an orthogonal factor Q the unknown is Q_0ᵀ Q_k = S + X: the symmetric S is
known from QᵀQ = 1, the antisymmetric X follows from the other equation (Walter & Lehmann,
"Algorithmic differentiation of linear algebra functions with application in optimum experimental
design", arXiv:1001.1654).  The adjoints are those of Giles, "Collected matrix derivative results
for forward and reverse mode algorithmic differentiation" (2008), and Townsend, "Differentiating the
singular value decomposition" (2016).

Matrices stand in the last two axes; axes before them are a batch, as in numpy.linalg.  Functions of
a symmetric matrix (cholesky, eigh, eigvalsh) read one triangle of it, in every degree, as NumPy
does, and so does their adjoint.  (The gradient within the symmetric matrices is half the sum of
that adjoint and its transpose.)
"""

from __future__ import annotations

import itertools
import math
import operator
from collections import namedtuple
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from taylor.core.advice import suggesting
from taylor.core.algebra import Univariate
from taylor.core.operand import bind, is_complex
from taylor.core.parts import Part
from taylor.core.table import Rule
from taylor.errors import NonAnalyticError, ShapeMismatch
from taylor.linalg.degrees import H, T, Table, arguments, eye, matrix_rule, mirrored
from taylor.linalg.equations import DET, INV, LOGDET, SLOGDET, SOLVE, TRIANGULAR, solution
from taylor.linalg.factors import CHOLESKY, EIGH, EIGVALSH, LSTSQ, PINV, QR, SVD, SVDVALS
from taylor.linalg.reflections import complete
from taylor.linalg.spectrum import eig, eigvals
from taylor.numbers.kinds import Array, base, is_operand
from taylor.numbers.values import exact

__all__ = [
    "EighResult", "QRResult", "SVDResult", "SlogdetResult", "cholesky", "det", "eig", "eigh",
    "eigvals", "eigvalsh", "expm", "inv", "lstsq", "matrix_power", "pinv", "qr", "slogdet",
    "solve", "solve_triangular", "svd", "svdvals",
]  # fmt: skip

EighResult = namedtuple("EighResult", "eigenvalues eigenvectors")
QRResult = namedtuple("QRResult", "Q R")
SVDResult = namedtuple("SVDResult", "U S Vh")
SlogdetResult = namedtuple("SlogdetResult", "sign logabsdet")


# ------------------------------------------------------------------ the exponential
def _pade(m: int, a: Table) -> Table:
    """Return the [m/m] Padé approximant (v - u)⁻¹ (v + u) of exp a: v is even in a, u odd."""
    b = [math.comb(m, j) * (math.factorial(2 * m - j) // math.factorial(m)) for j in range(m + 1)]
    powers = [Table(a.algebra, eye(np.shape(a.value)[-1], a.value)), a @ a]
    for _ in range(m // 2 - 1):
        powers.append(powers[-1] @ powers[1])

    def combined(c: list[int]) -> Table:
        def part(k: int) -> Any:
            return sum(n * x(k) for n, x in zip(c, powers, strict=False))

        return Table(a.algebra, part(0), part)

    v, u = combined(b[::2]), a @ combined(b[1::2])
    p, q = v - u, v + u
    return solution(p, q, SOLVE(p.value, q.value))


def _pade_degree(a: Array) -> int:
    """Return m whose error, (m!)²/((2m)!(2m+1)!) at norm one, is below the precision of a."""
    contexts = (getattr(e, "context", None) for e in (a.flat if a.dtype == object else ()))
    bits, f = max((getattr(c, "prec", 53) for c in contexts), default=53), math.factorial
    return next(m for m in itertools.count(3) if f(m) ** 2 << bits <= f(2 * m) * f(2 * m + 1))


def _squarings(a: Array, norm: float) -> int:
    """Return s such that the Padé approximant sees a/2^s with a norm of at most `norm`.

    Norms of powers see what a non-normal matrix really does (Al-Mohy & Higham, 2009).
    """
    if a.dtype == object:
        a = np.abs(a).astype(float)
    top = np.max(np.abs(a), initial=0.0) * a.shape[-1]
    if not 0 < top < math.inf:
        return 0
    t2 = (a / top) @ (a / top)
    d1, d4, d6 = (
        np.abs(x).sum(-2).max(-1) ** (1 / i)
        for x, i in ((a / top, 1), (t2 @ t2, 4), (t2 @ t2 @ t2, 6))
    )
    rate = np.max(np.minimum(d1, np.maximum(d4, d6)))
    return max(0, math.ceil(math.log2(top * rate / norm))) if rate > 0 else 0


def _exponential(a: Table, y: Any = None) -> list[Table]:
    """Return exp a by scaling, Padé approximant and squaring.

    Degree k of the error, like its k-th derivative, has a factor of about (2m)^k/2^(sk) over that
    of the value: more squarings make up for it.
    """
    value = base(a.value)
    if value.dtype == object and exact(value):
        raise TypeError("expm of Fractions is not rational; use floats or mpmath.mpf")
    order = a.algebra.order
    s = max(_squarings(value, 0.5 if order else 1.0), math.ceil(math.log2((order + 4) / 4)))
    x = _pade(_pade_degree(value), a.map(lambda x: x / 2**s))
    for _ in range(s):
        x = x @ x
    return [x]


def _along(a: Any, direction: Any) -> Any:
    """Return the derivative of exp at a along a direction: a block of exp [[a, d], [0, a]]."""
    n = np.shape(a)[-1]
    top = np.concatenate([a, direction], axis=-1)
    bottom = np.concatenate([direction * 0, a], axis=-1)
    return EXPM(np.concatenate([top, bottom], axis=-2))[..., :n, n:]


# the adjoint is the derivative at aᵀ along ȳ
EXPM = matrix_rule(
    "expm", lambda a: _exponential(Table(Univariate(0), a))[0].value,
    lambda ybar, y, a: (_along(T(a), ybar),), _exponential, lambda dargs, y, a: _along(a, dargs[0]),
)  # fmt: skip


# ------------------------------------------------------------------ the functions
def solve(a: Any, b: Any) -> Any:
    """Return the solution x of a x = b, as numpy.linalg.solve: b is (n,) or (..., n, m).

    >>> from taylor import Taylor
    >>> t = Taylor.variable(0.0, order=3)
    >>> solve([[1 - t, 0.0], [0.0, 2.0]], [1.0, 1.0])[0]
    1 + t + t² + t³ + O(t⁴)
    """
    return _solved("solve", SOLVE, a, b)


def solve_triangular(a: Any, b: Any, *, lower: bool = False) -> Any:
    """Return the solution x of t x = b, where t is the upper or the lower triangle of a.

    >>> solve_triangular([[2.0, 9.0], [1.0, 1.0]], [2.0, 3.0], lower=True)
    array([1., 2.])
    """
    return _solved("solve_triangular", TRIANGULAR[not lower], a, b)


def _solved(name: str, rule: Rule, a: Any, b: Any) -> Any:
    a, b = arguments(name, a, b, square=True)
    left, right = tuple(np.shape(a)), tuple(np.shape(b))
    try:
        if right[-2:][:1] != left[-1:]:
            raise ValueError
        batch = np.broadcast_shapes(left[:-2], right[:-2])
    except ValueError:
        raise ShapeMismatch(f"{name}: shapes {left} and {right} do not fit") from None
    if len(right) == 1:
        return _solved(name, rule, a, b[:, None])[..., 0]
    if left[:-2] != right[:-2]:
        a, b = np.broadcast_to(a, batch + left[-2:]), np.broadcast_to(b, batch + right[-2:])
    return rule(a, b)


def inv(a: Any) -> Any:
    """Return the inverses of square matrices.

    >>> from taylor import Taylor
    >>> inv([[Taylor.variable(2.0, order=2)]])[0, 0]
    0.5 - 0.25 t + 0.125 t² + O(t³)
    """
    return INV(*arguments("inv", a, square=True))


def det(a: Any) -> Any:
    """Return the determinants of square matrices; their series exist at singular matrices too.

    >>> from taylor import Taylor
    >>> t = Taylor.variable(0.0, order=3)
    >>> det([[t, 1.0 + t], [t, t]])
    -t + O(t⁴)
    """
    return DET(*arguments("det", a, square=True))


def _of_reals(a: Any) -> Any:
    """Return a matrix; a complex one through its conjugate, which is refused of complex variables.

    What is made of it depends on real variables only, and its program says so.
    """
    return np.conj(np.conj(a)) if is_complex(a) else a


def _real(x: Any, like: Any) -> Any:
    """Return numbers that are real in all degrees, though those of the matrix are complex."""
    if not is_complex(like):
        return x
    return bind(Part("real", True), x) if is_operand(x) else np.real(x)


def slogdet(a: Any) -> Any:
    """Return (sign, log|det|) of square matrices; a real sign is constant.

    A singular matrix raises LinAlgError if it varies.

    >>> from taylor import Taylor
    >>> slogdet([[Taylor.variable(1.0, order=2)]]).logabsdet
    t - 0.5 t² + O(t³)
    """
    (a,) = arguments("slogdet", a, square=True)
    if not (is_operand(a) and is_complex(a)):
        return SlogdetResult(*SLOGDET(a))
    log = LOGDET(a)
    size = np.real(log)
    return SlogdetResult(np.where(size > -np.inf, np.exp(1j * np.imag(log)), 0), size)


def cholesky(a: Any, *, upper: bool = False) -> Any:
    """Return the lower factor L of A = L Lᴴ (or the upper one of A = UᴴU).

    As in numpy.linalg.cholesky only the lower (upper) triangle of A is read, in every degree.

    >>> from taylor import Taylor
    >>> cholesky([[Taylor.variable(4.0, order=2)]])[0, 0]
    2 + 0.25 t - 0.015625 t² + O(t³)
    """
    (a,) = arguments("cholesky", a, square=True)
    low = CHOLESKY[bool(upper)](_of_reals(a))
    return H(low) if upper else low


def qr(a: Any, mode: str = "reduced") -> Any:
    """Return (Q, R) with A = Q R, QᴴQ = 1 and R upper triangular; mode "r": R alone.

    Mode "complete": other columns of Q are those of LAPACK, by reflections (of real matrices).

    >>> from taylor import Taylor
    >>> qr([[Taylor.variable(-2.0, order=2)]]).R[0, 0]
    -2 + t + O(t³)
    """
    (a,) = arguments("qr", a)
    m, n = np.shape(a)[-2:]
    if mode not in ("reduced", "r", "complete"):
        raise TypeError(
            f"qr of series or recorded values takes mode='reduced', 'r' or 'complete', not {mode!r}"
        )
    if mode == "complete" and m > n:
        if is_complex(a):
            raise TypeError("qr of a tall complex matrix that varies takes mode='reduced' only")
        return QRResult(*complete(_of_reals(a)))
    q, r = QR(_of_reals(a[..., :m]))
    r = r if m >= n else np.concatenate([r, H(q) @ a[..., m:]], axis=-1)
    return r if mode == "r" else QRResult(q, r)


def lstsq(a: Any, b: Any) -> Any:
    """Return the x that minimises |a x - b|, for a of full column rank; b is (m,) or (m, k).

    >>> from taylor import Taylor
    >>> t = Taylor.variable(0.0, order=2)
    >>> lstsq([[1.0], [t]], [1.0, 0.0])[0]
    1 - t² + O(t³)
    """
    a, b = arguments("lstsq", a, b)
    shape, right = tuple(np.shape(a)), tuple(np.shape(b))
    if len(shape) != 2 or len(right) not in (1, 2) or right[0] != shape[0]:
        raise ShapeMismatch(f"lstsq: shapes {shape} and {right} do not fit")
    if len(right) == 1:
        return lstsq(a, np.reshape(b, (*right, 1)))[..., 0]
    return LSTSQ(_of_reals(a), b)


def numpy_lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, int, Array]:
    """Return (x, residuals, rank, s) as numpy.linalg.lstsq, s the singular values of a.

    Where they meet they have no derivatives and are nan if a varies; x has its own.
    """
    a, b = arguments("lstsq", a, b)
    _full_rank("lstsq", a, rcond)
    x = lstsq(a, b)
    m, n = np.shape(a)
    off = a @ x - b
    residuals = np.reshape(np.real(off * np.conj(off)).sum(0), -1) if m > n else np.zeros(0)
    try:
        s = svdvals(a)
    except NonAnalyticError:
        s = np.real(SVDVALS(base(a))) * (math.nan * np.sum(a))
    return x, residuals, n, s


def pinv(a: Any) -> Any:
    """Return the pseudo-inverses of matrices of full rank.

    >>> from taylor import Taylor
    >>> pinv([[Taylor.variable(2.0, order=1)], [0.0]])[0, 0]
    0.5 - 0.25 t + O(t²)
    """
    return PINV(_of_reals(*arguments("pinv", a)))


def numpy_pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """Return numpy.linalg.pinv of matrices that have full rank at that tolerance."""
    if rcond is not None and rtol is not None:
        raise ValueError("pinv: rtol and rcond can't both be set")
    a = arguments("pinv", a)[0]
    a = mirrored(a) if hermitian else a
    _full_rank("pinv", a, rcond if rtol is None else rtol)
    return pinv(a)


def _full_rank(name: str, a: Any, rcond: Any) -> None:
    """Raise unless all singular values are above a tolerance relative to the largest."""
    if rcond is None:
        return
    s = np.real(SVDVALS(base(a)))
    small = s <= np.expand_dims(np.asarray(rcond), -1) * s[..., :1]
    if np.any(small):
        raise TypeError(
            f"np.linalg.{name}: at the tolerance {rcond} the matrix has singular values that count "
            "as zero; its rank can change, and the truncated result has no derivative here"
        )


def _symmetric(name: str, a: Any, uplo: str) -> tuple[bool, Any]:
    (a,) = arguments(name, a, square=True)
    if uplo not in ("L", "U", "l", "u"):
        raise ValueError(f"UPLO is 'L' or 'U', not {uplo!r}")
    return uplo in "Uu", mirrored(a, uplo in "Uu")


def eigh(a: Any, UPLO: str = "L") -> Any:
    """Return the eigenvalues (ascending) and eigenvectors of symmetric or Hermitian matrices.

    As in numpy.linalg.eigh only the triangle UPLO is read, in every degree.  Equal eigenvalues
    raise NonAnalyticError if the matrix varies.  The phase of complex vectors changes as little as
    possible with the matrix: only what does not depend on it has a meaning.

    >>> from taylor import Taylor
    >>> t = Taylor.variable(0.0, order=2)
    >>> eigh([[0.0, t], [t, 1.0]]).eigenvalues[1]
    1 + t² + O(t³)
    """
    upper, a = _symmetric("eigh", a, UPLO)
    v, q = EIGH[upper](a)
    return EighResult(_real(v, a), q)


def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """Return the eigenvalues (ascending) of symmetric or Hermitian matrices: see `eigh`.

    In reverse mode a function that is symmetric in equal eigenvalues has its gradient.
    """
    upper, a = _symmetric("eigvalsh", a, UPLO)
    return _real(EIGVALSH[upper](a), a)


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Return (U, S, Vh) with A = U diag(S) Vh, or S alone; of series with full_matrices=False only.

    Equal or zero singular values raise NonAnalyticError if the matrix varies.  The phase of complex
    vectors, common to those of U and V, has no meaning.

    >>> from taylor import Taylor
    >>> t = Taylor.variable(0.0, order=2)
    >>> svd([[2.0, t], [t, 1.0]], compute_uv=False)[0]
    2 + t² + O(t³)
    """
    (a,) = arguments("svd", a)
    m, n = np.shape(a)[-2:]
    if not compute_uv:
        return _real(SVDVALS(_of_reals(a)), a)
    if full_matrices and m != n:
        if is_operand(a):
            raise TypeError(
                f"svd of a matrix of shape ({m}, {n}): the vectors that complete a basis are not "
                "unique and have no derivative; use full_matrices=False"
            )
        return SVDResult(*np.linalg.svd(a))
    u, s, vh = SVD(_of_reals(a))
    return SVDResult(u, _real(s, a), vh)


def numpy_svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """Return numpy.linalg.svd; of a Hermitian matrix, of which it reads one triangle, by `eigh`."""
    if not hermitian:
        return svd(a, full_matrices, compute_uv)
    w, u = eigh(a)
    sign = np.where(w < 0, -1.0, 1.0)
    order = np.argsort(-sign * w, axis=-1)
    size = np.take_along_axis(sign * w, order, -1)
    if not compute_uv:
        return size
    u = np.take_along_axis(u, order[..., None, :], -1)
    sign = np.take_along_axis(sign, order, -1)[..., None, :]
    return SVDResult(u, size, np.conj(np.swapaxes(u * sign, -1, -2)))


def svdvals(a: Any) -> Any:
    """Return the singular values: see `svd`."""
    return svd(a, compute_uv=False)


def matrix_power(a: Any, n: int) -> Any:
    """Return the n-th powers of square matrices, by repeated squaring.

    >>> from taylor import Taylor
    >>> matrix_power([[Taylor.variable(1.0, order=2)]], -1)[0, 0]
    1 - t + t² + O(t³)
    """
    (a,) = arguments("matrix_power", a, square=True)
    n = operator.index(n)
    if n < 0:
        return matrix_power(inv(a), -n)
    if n == 0:
        return a * 0 + eye(np.shape(a)[-1], a)
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
    return EXPM(*arguments("expm", a, square=True))


# what NumPy's own functions mean for series and nodes
FUNCTIONS: dict[Any, Callable[..., Any]] = {
    **{getattr(np.linalg, f.__name__): f for f in (
        solve, inv, det, slogdet, cholesky, qr, eigh, eigvalsh, svdvals, matrix_power,
        eig, eigvals,
    )},
    np.linalg.lstsq: numpy_lstsq,
    np.linalg.pinv: numpy_pinv,
    np.linalg.svd: numpy_svd,
}  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__)
