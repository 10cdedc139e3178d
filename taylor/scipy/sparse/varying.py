"""Sparse matrices whose entries are values of the package.

What moves entries only (transposes, indices, blocks, diagonals, formats) is SciPy's own work on a
matrix of their positions 1, 2, ...; products and sums go entry by entry, as those with arrays do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse

from taylor.core.advice import PAGE
from taylor.core.operand import Operand, as_array
from taylor.errors import ShapeMismatch
from taylor.scipy.theirs import varies

Places = np.ndarray[Any, Any]
NUMBERS = (int, float, complex, np.number)


def scattered(data: Any, places: Places, shape: tuple[int, ...]) -> Any:
    """Return an array of that shape with numbers added up at places of its elements in a row."""
    if isinstance(data, Operand):
        return data._scatter(places, shape)
    found = np.zeros(math.prod(shape), data.dtype)
    np.add.at(found, places, data)
    return found.reshape(shape)


class Varying:
    """A sparse matrix with entries that vary, in the format and with the operators of `kind`.

    Made by csr_matrix, csr_array, diags, ... of `taylor.scipy.sparse`; entries at one place are
    added up.  It takes the linear part of what SciPy's matrices do: A @ x, x @ A, A @ B, A + B,
    A * c, A.T, A[i, j], A.sum(axis), A.diagonal(), A.toarray(), and the solvers of
    `taylor.scipy.sparse.linalg`.

    >>> import taylor
    >>> a = lambda x: coo(x, ([0, 1, 1], [0, 0, 1]), (2, 2)) @ np.array([1.0, 2.0])
    >>> taylor.jacobian(a, np.ones(3))
    array([[1., 0., 0.],
           [0., 1., 2.]])
    """

    __array_ufunc__ = None
    __taylor_entries__ = True
    ndim = 2

    def __init__(self, data: Any, row: Any, col: Any, shape: Any, kind: type) -> None:
        order: Places = np.lexsort((col, row))
        places = (row.astype(np.int64) * shape[1] + col)[order]
        if places.size and not np.diff(places).all():
            places, to = np.unique(places, return_inverse=True)
            data, order = scattered(data[order], to, places.shape), np.arange(len(places))
        self.row, self.col = np.divmod(places, max(shape[1], 1))
        self.values, self.shape, self.kind = data[order], tuple(map(int, shape)), kind

    @property
    def varies(self) -> bool:
        """Whether its entries are values of the package."""
        return isinstance(self.values, Operand)

    @property
    def is_array(self) -> bool:
        """Whether * is element by element."""
        return issubclass(self.kind, scipy.sparse.sparray)

    def with_data(self, data: Any) -> Varying:
        """Return the matrix with other entries at the same places."""
        return Varying(data, self.row, self.col, self.shape, self.kind)

    # -------------------------------------------------------------- what moves entries
    @property
    def positions(self) -> Any:
        """The matrix of the positions of the entries, one of SciPy's."""
        at = np.arange(1, len(self.row) + 1)
        return scipy.sparse.coo_array((at, (self.row, self.col)), self.shape).asformat("csr")

    def moved(self, f: Callable[[Any], Any]) -> Any:
        """Return what SciPy's f makes of the matrix by moving its entries."""
        return from_positions(f(self.kind(self.positions)), self.values)

    def __getitem__(self, index: Any) -> Any:
        return from_positions(scipy.sparse.csr_array(self.positions)[index], self.values, self.kind)

    @property
    def T(self) -> Varying:
        """The transpose."""
        return Varying(self.values, self.col, self.row, self.shape[::-1], self.kind)

    def transpose(self) -> Varying:
        """Return the transpose."""
        return self.T

    def diagonal(self, k: int = 0) -> Any:
        """Return the k-th diagonal."""
        return self.moved(lambda p: p.diagonal(k))

    def asformat(self, format: str) -> Varying:
        """Return the matrix in another format."""
        found: Varying = self.moved(lambda p: p.asformat(format))
        return found

    def toarray(self) -> Any:
        """Return the matrix as an array."""
        places = self.row * self.shape[1] + self.col
        return scattered(self.values, places, (math.prod(self.shape),)).reshape(self.shape)

    todense = toarray

    def copy(self) -> Varying:
        """Return a copy."""
        return self.with_data(self.values.copy())

    # -------------------------------------------------------------- linear functions of the entries
    def __neg__(self) -> Varying:
        return self.with_data(-self.values)

    def conj(self) -> Varying:
        """Return the matrix of conjugates."""
        return self.with_data(np.conj(self.values))

    def __add__(self, other: Any) -> Any:
        if is_number(other) and np.ndim(other) == 0 and not np.any(other):
            return self
        if not is_matrix(other):
            return self.toarray() + other
        b = entries(other, self.kind)
        if b.shape != self.shape:
            raise ShapeMismatch(f"matrices of shapes {self.shape} and {b.shape} have no sum")
        data = np.concatenate([as_array(self.values), as_array(b.values)])
        row, col = np.append(self.row, b.row), np.append(self.col, b.col)
        return Varying(data, row, col, self.shape, self.kind)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def multiply(self, other: Any) -> Varying:
        """Return the products of elements: with a number, an array or a sparse matrix."""
        if is_matrix(other):
            other = entries(other, self.kind).toarray()
        b = np.broadcast_to(as_array(other), self.shape)
        return self.with_data(self.values * b[self.row, self.col])

    def __mul__(self, other: Any) -> Any:
        if np.ndim(other) == 0 and not is_matrix(other):
            return self.with_data(self.values * other)
        return self.multiply(other) if self.is_array else self @ other

    def __rmul__(self, other: Any) -> Any:
        alone = np.ndim(other) == 0 and not is_matrix(other)
        return self * other if alone or self.is_array else other @ self

    def __truediv__(self, other: Any) -> Any:
        return self * (1.0 / as_array(other))

    def power(self, n: Any) -> Varying:
        """Return the matrix of the powers of the elements, for n > 0."""
        return self.with_data(self.values**n)

    def sum(self, axis: Any = None) -> Any:
        """Return the sum of all elements, or along an axis: of a `matrix` a row or column."""
        if axis is None:
            return np.sum(self.values)
        axis = int(axis) % 2
        other = (self.row, self.col)[1 - axis]
        found = scattered(self.values, other, (self.shape[1 - axis],))
        return found if self.is_array else np.expand_dims(found, axis)

    def mean(self, axis: Any = None) -> Any:
        """Return the mean of all elements, or along an axis."""
        return self.sum(axis) / (math.prod(self.shape) if axis is None else self.shape[axis])

    def trace(self) -> Any:
        """Return the sum of the diagonal."""
        return np.sum(self.diagonal())

    def __matmul__(self, other: Any) -> Any:
        if is_matrix(other):
            return product(self, entries(other, self.kind))
        x = as_array(other)
        if x.ndim not in (1, 2) or x.shape[0] != self.shape[1]:
            raise ShapeMismatch(f"a matrix of shape {self.shape} has no product with {x.shape}")
        width = x.shape[1:]
        data = self.values.reshape(-1, *(1 for _ in width))
        size = math.prod(width)
        to = self.row if not width else self.row[:, None] * size + np.arange(size)
        return scattered(data * x[self.col], to, (self.shape[0], *width))

    def __rmatmul__(self, other: Any) -> Any:
        if is_matrix(other):
            return product(entries(other, self.kind), self)
        return (self.T @ as_array(other).T).T

    dot = matvec = matmat = __matmul__

    def rmatvec(self, x: Any) -> Any:
        """Return Aᴴ·x."""
        return self.conj().T @ x

    # -------------------------------------------------------------- what SciPy's have, too
    @property
    def data(self) -> Any:
        """The entries in the order of the format: row by row (csr), or column by column (csc)."""
        if self.format == "csc":
            return self.values[np.lexsort((self.row, self.col))]
        if self.format != "csr":
            raise AttributeError(f"take A.tocsr().data, not that of {self.kind.__name__}")
        return self.values

    @property
    def nnz(self) -> int:
        """The number of entries."""
        return len(self.row)

    @property
    def dtype(self) -> Any:
        """The type of the entries."""
        return self.values.dtype

    @property
    def format(self) -> str:
        """The name of the format."""
        return str(self.kind.__name__[:3])

    def __getattr__(self, name: str) -> Any:
        if name in ("tocsr", "tocsc", "tocoo", "tobsr", "todia", "todok", "tolil"):
            return lambda copy=False: self.asformat(name[2:])
        raise AttributeError(
            f"a sparse matrix of values of taylor has no {name!r}; it takes its linear functions, "
            f"and A.toarray() is the array, for all of NumPy's ({PAGE})"
        )

    def __repr__(self) -> str:
        return f"<{self.kind.__name__} of shape {self.shape} with {self.nnz} entries that vary>"


def is_number(x: Any) -> bool:
    """Whether x is a number, or a value of the package."""
    return isinstance(x, (*NUMBERS, Operand))


def is_matrix(x: Any) -> bool:
    """Whether x is a sparse matrix, one of ours or of SciPy."""
    return isinstance(x, Varying) or scipy.sparse.issparse(x)


def entries(a: Any, kind: type = scipy.sparse.csr_array) -> Varying:
    """Return a sparse matrix, or an array with all its elements, as its entries."""
    if isinstance(a, Varying):
        return a
    if isinstance(a, Operand):
        row, col = np.divmod(np.arange(a.size), max(a.shape[1], 1))
        return Varying(a.reshape(-1), row, col, a.shape, kind)
    a = scipy.sparse.coo_array(a)
    return Varying(a.data, a.row, a.col, a.shape, kind)


def from_positions(found: Any, data: Any, kind: type | None = None) -> Any:
    """Return what was made of positions 1, 2, ... with the data in their place, zeros for 0."""
    if scipy.sparse.issparse(found):
        if found.ndim == 2:
            return taken_at(found, data, kind or type(found))
        found = found.toarray()  # a row
    found = np.asarray(found).astype(int)
    return np.where(found > 0, data[np.maximum(found, 1) - 1], 0.0) if found.ndim else (
        data[int(found) - 1] if found > 0 else 0.0)  # fmt: skip


def taken_at(positions: Any, data: Any, kind: type) -> Varying:
    """Return the matrix of the entries with these positions 1, 2, ..., zeros left out."""
    p = positions.tocoo()
    some = p.data > 0
    return Varying(data[p.data[some].astype(int) - 1], p.row[some], p.col[some], p.shape, kind)


def product(a: Varying, b: Varying) -> Varying:
    """Return A @ B: one product for each pair of an entry of A and one of B."""
    if a.shape[1] != b.shape[0]:
        raise ShapeMismatch(f"a matrix of shape {a.shape} has no product with {b.shape}")
    starts = np.searchsorted(b.row, np.arange(b.shape[0] + 1))
    many = np.diff(starts)[a.col]
    left = np.repeat(np.arange(a.nnz), many)
    ends = np.cumsum(many)
    right = np.arange(len(left)) + np.repeat(starts[a.col] - (ends - many), many)
    data = a.values[left] * b.values[right]
    return Varying(data, a.row[left], b.col[right], (a.shape[0], b.shape[1]), a.kind)


# ------------------------------------------------------------------ making them
def _is_number(x: Any) -> bool:
    return is_number(x) and np.ndim(x) == 0


def coo(data: Any, ij: Any, shape: Any = None, kind: type = scipy.sparse.coo_array) -> Varying:
    """Return the matrix with data[k] at row ij[0][k], column ij[1][k]; at one place added up."""
    data, (row, col) = np.ravel(as_array(data)), map(np.ravel, map(np.asarray, ij))
    if not data.shape == row.shape == col.shape:
        raise ShapeMismatch(f"{data.shape} entries at {row.shape} rows and {col.shape} columns")
    shape = shape or (row.max(initial=-1) + 1, col.max(initial=-1) + 1)
    if row.size and (
        min(row.min(), col.min()) < 0 or row.max() >= shape[0] or col.max() >= shape[1]
    ):
        raise ValueError(f"there are places outside of a matrix of shape {shape}")
    return Varying(data, row, col, shape, kind)


class Form(type):
    """A class of matrices as SciPy has it, that makes those with entries that vary, too."""

    theirs: Any

    def __call__(cls, arg1: Any, shape: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Return SciPy's matrix, or one of ours where the data vary."""
        if isinstance(arg1, Varying):
            return arg1.asformat(cls.theirs.__name__[:3])
        data = as_array(arg1[0] if isinstance(arg1, tuple) else arg1) if varies(arg1) else None
        if not isinstance(data, Operand):
            return cls.theirs(arg1, shape, *args, **kwargs)
        if not isinstance(arg1, tuple):
            return entries(np.atleast_2d(data), cls.theirs)
        if len(arg1) == 2 and np.ndim(arg1[1]) == 2:  # rows and columns
            return coo(data, arg1[1], shape, cls.theirs)
        at = np.arange(1, data.size + 1).reshape(data.shape)
        return taken_at(cls.theirs((at, *arg1[1:]), shape), np.ravel(data), cls.theirs)

    def __instancecheck__(cls, x: Any) -> bool:
        own = isinstance(x, Varying) and issubclass(x.kind, cls.theirs)
        return own or isinstance(x, cls.theirs)


def form_of(name: str) -> type:
    """Return csr_matrix and its like."""
    theirs = getattr(scipy.sparse, name)
    return Form(name, (), {"theirs": theirs, "__doc__": theirs.__doc__})


def moving(name: str) -> Callable[..., Any]:
    """Return a function of SciPy that makes a matrix of matrices and arrays by moving entries."""
    theirs = getattr(scipy.sparse, name)

    def call(first: Any, *args: Any, **kwargs: Any) -> Any:
        if not varies(first):
            return theirs(first, *args, **kwargs)
        data: list[Any] = []

        def taken(x: Any) -> Any:
            start = 1 + sum(map(len, data))
            if x is None:
                return x
            if is_matrix(x):
                own = entries(x)
                data.append(as_array(own.values))
                at = np.arange(float(start), start + own.nnz)
                return own.kind(scipy.sparse.coo_array((at, (own.row, own.col)), own.shape))
            if isinstance(x, (list, tuple)) and not all(map(_is_number, x)):
                return [taken(e) for e in x]
            own = as_array(x)
            data.append(np.ravel(own))
            return np.arange(float(start), start + own.size).reshape(own.shape)

        return from_positions(theirs(taken(first), *args, **kwargs), np.concatenate(data))

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"Return scipy.sparse.{name}, also of matrices and arrays that vary."
    return call


FORMATS = ("bsr", "coo", "csc", "csr", "dia")
MOVING = (
    "block_array", "block_diag", "bmat", "diags", "diags_array", "hstack", "tril", "triu", "vstack",
)  # fmt: skip
NAMES = {
    **{f"{f}_{k}": form_of(f"{f}_{k}") for f in FORMATS for k in ("array", "matrix")},
    **{name: moving(name) for name in MOVING},
}
