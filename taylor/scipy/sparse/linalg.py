"""scipy.sparse.linalg: equations of sparse matrices and right-hand sides that vary."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from taylor.core.operand import as_array
from taylor.core.table import Rule
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import base
from taylor.scipy.theirs import names_of, varies

from .varying import Varying, entries, is_matrix

__all__ = ["by_rows", "spsolve"]
# of symmetric matrices, and of others
ITERATIVE = ("cg", "minres"), (
    "bicg", "bicgstab", "cgs", "gmres", "lgmres", "qmr", "gcrotmk", "tfqmr",
)  # fmt: skip


def spsolve(a: Any, b: Any, **layout: Any) -> Any:
    """Return x with a x = b for a sparse matrix and a vector or the columns of a matrix.

    Of a matrix of plain numbers all orders come from one factorisation.

    >>> import taylor
    >>> a = scipy.sparse.csc_array([[2.0, 0.0], [1.0, 4.0]])
    >>> taylor.jacobian(lambda b: spsolve(a, b), [1.0, 1.0])
    array([[ 0.5  ,  0.   ],
           [-0.125,  0.25 ]])
    """
    if not varies([a, b]):
        return scipy.sparse.linalg.spsolve(a, b, **layout)
    if is_matrix(b):
        raise TypeError("spsolve(a, b) takes an array as b, b.toarray(), where something varies")
    b = as_array(b) * 1.0
    if np.ndim(b) not in (1, 2) or np.shape(b)[0] != a.shape[1] or a.shape[0] != a.shape[1]:
        raise ShapeMismatch(f"a matrix of shape {a.shape} has no equations with {np.shape(b)}")
    if isinstance(a, Varying) and a.varies:
        return solved("spsolve", a, b, _factorised(a))
    factors = scipy.sparse.linalg.splu(scipy.sparse.csc_array(a))

    def rule(transposed: bool) -> Rule:
        def solved(r: Any) -> Any:
            return factors.solve(np.asarray(r), "T" if transposed else "N")

        def step(algebra: Any, given: Any, live: Any, y: Any) -> Any:
            return lambda k: [by_rows(own, given[0][algebra.part(k) if k else 0], np.ndim(b))]

        own = Rule("spsolve", solved, lambda bar, y, r: (rules[not transposed](bar),),
                   lambda d, y, r: own(d[0]), step)  # fmt: skip
        return own

    rules = {t: rule(t) for t in (False, True)}
    return rules[False](b)


def by_rows(f: Any, x: Any, ndim: int) -> Any:
    """Return f of an array of so many axes, or of each of several along the first axis."""
    return f(x) if np.ndim(x) == ndim else np.stack([f(row) for row in x])


def solved(name: str, a: Varying, b: Any, solve: Callable[[Any, Any, bool], Any]) -> Any:
    """Return the solution of equations with a matrix whose entries vary, too.

    solve(data, b, transposed) gives the solution for plain entries; from A x = b derivatives are
    those of A dx = db - dA x, and adjoints λ of Aᵀ λ = x̄, with -λ_i x_j for a_ij.
    """
    row, col = a.row, a.col

    def product(data: Any, x: Any, transposed: bool) -> Any:
        matrix = a.with_data(data)
        return (matrix.T if transposed else matrix) @ x

    def rule(transposed: bool) -> Rule:
        i, j = (col, row) if transposed else (row, col)

        def tangent(d: Any, y: Any, data: Any, b: Any) -> Any:
            right = 0.0 * y if d[1] is None else d[1]
            return own(data, right if d[0] is None else right - product(d[0], y, transposed))

        def adjoint(bar: Any, y: Any, data: Any, b: Any) -> Any:
            by = rules[not transposed](data, bar)
            each = by[i] * y[j]
            return -(np.sum(each, -1) if np.ndim(each) == 2 else each), by

        def value(data: Any, b: Any) -> Any:
            return solve(np.asarray(data), np.asarray(b), transposed)

        own = Rule(name, value, adjoint, tangent)
        return own

    rules = {t: rule(t) for t in (False, True)}
    return rules[False](as_array(a.values), b)


def _factorised(a: Varying) -> Callable[[Any, Any, bool], Any]:
    """Return what solves equations by the factors of a; the last ones are kept."""

    @functools.lru_cache(maxsize=2)
    def factors(content: bytes, dtype: Any) -> Any:
        data = np.frombuffer(content, dtype).astype(np.result_type(dtype, np.float64))
        matrix = scipy.sparse.coo_array((data, (a.row, a.col)), a.shape)
        return scipy.sparse.linalg.splu(matrix.tocsc())

    def solve(data: Any, b: Any, transposed: bool) -> Any:
        found = factors(data.tobytes(), data.dtype)
        way = "T" if transposed else "N"
        if np.iscomplexobj(b) and not np.iscomplexobj(data):
            real, imaginary = np.ascontiguousarray(b.real), np.ascontiguousarray(b.imag)
            return found.solve(real, way) + 1j * found.solve(imaginary, way)
        return found.solve(b.astype(np.result_type(b, data, np.float64)), way)

    return solve


def _iterative(name: str, symmetric: bool) -> Callable[..., Any]:
    """Return one of SciPy's iterative solvers, also of what varies: derivatives are solutions."""
    theirs = getattr(scipy.sparse.linalg, name)

    @functools.wraps(theirs)
    def call(A: Any, b: Any, x0: Any = None, **options: Any) -> Any:
        if not varies([A, b]):
            return theirs(A, b, x0, **options)
        if varies([x0, *options.values()]):
            raise TypeError(f"{name}: only A and b vary; give x0.value (it does not move x)")
        if not (is_matrix(A) or hasattr(A, "__array__") or varies(A)):
            raise TypeError(f"{name}: with a b that varies A is a matrix, sparse or an array")
        infos: list[int] = []
        a, back = entries(A), dict(options)
        if options.get("M") is not None and not symmetric:
            back["M"] = options["M"].T
        back.pop("callback", None)

        def solve(data: Any, b: Any, transposed: bool) -> Any:
            matrix = scipy.sparse.coo_array((data, (a.row, a.col)), a.shape).tocsr()
            first = not (infos or transposed)
            given = options if first else back if transposed else {**options, "callback": None}
            x, info = theirs(matrix.T if transposed else matrix, b, x0 if first else None, **given)
            if infos and info and _rest(matrix.T if transposed else matrix, x, b) > 1e-10:
                raise np.linalg.LinAlgError(
                    f"{name} did not converge for a derivative ({info=}); take gmres or spsolve"
                )
            infos.append(info)
            return x

        x = solved(name, a, as_array(b) * 1.0, solve)
        if not infos:  # of values that are no plain numbers
            infos.append(theirs(_plain(a), base(as_array(b)), x0, **options)[1])
        return x, infos[0]

    return call


def _rest(matrix: Any, x: Any, b: Any) -> float:
    """Return the relative residual."""
    return float(np.linalg.norm(matrix @ x - b) / (np.linalg.norm(b) or 1.0))


def _plain(a: Varying) -> Any:
    return scipy.sparse.coo_array((base(a.values), (a.row, a.col)), a.shape).tocsr()


def aslinearoperator(A: Any) -> Any:
    """Return A as something that has products; a matrix whose entries vary has them."""
    return A if isinstance(A, Varying) else scipy.sparse.linalg.aslinearoperator(A)


def norm(x: Any, ord: Any = None, axis: Any = None) -> Any:
    """Return the norm of a sparse matrix, of one that varies as that of its array."""
    if not varies(x):
        return scipy.sparse.linalg.norm(x, ord, axis)
    if axis is None and ord in (None, "fro"):
        return np.linalg.norm(x.values)
    return np.linalg.norm(x.toarray(), ord, axis)


globals().update({name: _iterative(name, not n) for n in (0, 1) for name in ITERATIVE[n]})
if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
