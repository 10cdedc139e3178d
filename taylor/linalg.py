"""Small linear algebra of series and nodes: elimination on rows, pivots chosen by value."""

from __future__ import annotations

from typing import Any

import numpy as np

from taylor.errors import ShapeMismatch

Array = Any


def _values(x: Any) -> Array:
    while hasattr(x, "value"):
        x = x.value
    return x


def _square(a: Any, what: str) -> int:
    shape = np.shape(a)
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ShapeMismatch(f"{what} of series needs one square matrix, not shape {shape}")
    return int(shape[0])


def eliminate(a: Any, b: Any) -> tuple[Any, Any]:
    """Return (x, det) with a x = b by Gaussian elimination with partial pivoting; b has columns."""
    n = _square(a, "solve")
    rows, right = [a[i] for i in range(n)], [b[i] for i in range(n)]
    det: Any = 1
    for i in range(n):
        sizes = [abs(_values(rows[r][i])) for r in range(i, n)]
        pivot = i + int(np.argmax(sizes))
        if not sizes[pivot - i] > 0:
            raise np.linalg.LinAlgError("Singular matrix")
        if pivot != i:
            rows[i], rows[pivot], right[i], right[pivot] = (
                rows[pivot],
                rows[i],
                right[pivot],
                right[i],
            )
            det = -det
        det = rows[i][i] * det
        for r in range(i + 1, n):
            factor = rows[r][i] / rows[i][i]
            rows[r] = rows[r] - factor * rows[i]
            right[r] = right[r] - factor * right[i]
    x: list[Any] = [None] * n
    for i in range(n - 1, -1, -1):
        total = right[i]
        for j in range(i + 1, n):
            total = total - rows[i][j] * x[j]
        x[i] = total / rows[i][i]
    return np.stack(x), det


def solve(a: Any, b: Any) -> Any:
    """Return the solution of a x = b where a or b holds series."""
    a, b = (x if hasattr(x, "value") else np.asarray(x, dtype=float) for x in (a, b))
    n = _square(a, "solve")
    if np.shape(b)[0] != n or np.ndim(b) > 2:
        raise ShapeMismatch(f"solve: shapes {np.shape(a)} and {np.shape(b)} do not fit")
    columns = np.reshape(b, (n, -1))
    return np.reshape(eliminate(a, columns)[0], np.shape(b))


def inv(a: Any) -> Any:
    """Return the inverse of a square matrix of series."""
    return eliminate(a, np.eye(_square(a, "inv")))[0]


def det(a: Any) -> Any:
    """Return the determinant of a square matrix of series.

    A singular value matrix has no pivots to divide by: then Laplace's expansion is used.
    """
    n = _square(a, "det")
    try:
        return eliminate(a, np.zeros((n, 1)))[1]
    except np.linalg.LinAlgError:
        return _laplace(a)


def _laplace(a: Any) -> Any:
    n = len(a)
    if n == 1:
        return a[0, 0]
    minors = [np.delete(a[1:], j, axis=1) for j in range(n)]
    return sum((-1) ** j * a[0, j] * _laplace(minors[j]) for j in range(n))


def matrix_power(a: Any, n: int) -> Any:
    """Return the n-th power of a square matrix of series, by repeated squaring."""
    size = _square(a, "matrix_power")
    if n < 0:
        return matrix_power(inv(a), -n)
    result: Any = a * 0 + np.eye(size)
    while n:
        result = result @ a if n & 1 else result
        n >>= 1
        a = a @ a if n else a
    return result
