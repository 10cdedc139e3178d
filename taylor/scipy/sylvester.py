"""Linear equations of scipy.linalg for matrices: Sylvester's, Lyapunov's and Stein's."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from taylor.core.operand import as_array
from taylor.core.table import rule
from taylor.linalg import solve

__all__ = ["SYLVESTER", "solve_continuous_lyapunov", "solve_discrete_lyapunov", "solve_sylvester"]


def _sylvester(a: Any, b: Any, q: Any) -> Any:
    if not any(np.asarray(x).dtype.hasobject for x in (a, b, q)):
        return scipy.linalg.solve_sylvester(a, b, q)
    left = np.kron(a, np.eye(len(b), dtype=int)) + np.kron(np.eye(len(a), dtype=int), b.T)
    return np.reshape(solve(left, np.reshape(q, -1)), np.shape(q))  # of numbers SciPy would round


def _sylvester_jvp(dargs: Any, x: Any, a: Any, b: Any, q: Any) -> Any:
    da, db, dq = dargs
    right = 0 * x if dq is None else dq
    right = right if da is None else right - da @ x
    return SYLVESTER(a, b, right if db is None else right - x @ db)


def _sylvester_vjp(bar: Any, x: Any, a: Any, b: Any, q: Any) -> tuple[Any, ...]:
    z = SYLVESTER(np.transpose(a), np.transpose(b), bar)
    return -(z @ np.transpose(x)), -(np.transpose(x) @ z), z


SYLVESTER = rule(_sylvester, jvp=_sylvester_jvp, vjp=_sylvester_vjp, name="solve_sylvester")


def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """Return x with a x + x b = q; a dx + dx b = dq - da x - x db.

    >>> solve_sylvester([[1.0]], [[2.0]], [[6.0]])
    array([[2.]])
    """
    return SYLVESTER(as_array(a) * 1.0, as_array(b) * 1.0, as_array(q) * 1.0)


def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """Return x with a x + x aᴴ = q.

    >>> solve_continuous_lyapunov([[1.0]], [[4.0]])
    array([[2.]])
    """
    a = as_array(a) * 1.0
    return solve_sylvester(a, np.conj(np.transpose(a)), q)


def solve_discrete_lyapunov(a: Any, q: Any) -> Any:
    """Return x with x = a x aᴴ + q, as one system of equations for all elements.

    >>> solve_discrete_lyapunov([[0.5]], [[3.0]])
    array([[4.]])
    """
    a, q = as_array(a) * 1.0, as_array(q) * 1.0
    n = np.shape(a)[0]
    x = solve(np.eye(n * n) - np.kron(a, np.conj(a)), np.reshape(q, -1))
    return np.reshape(x, (n, n))
