"""Algebraic Riccati equations of scipy.linalg, in all of their matrices.

The equation is differentiated: with the gain k and the closed loop c = a - b k the tangent of the
solution fulfils a linear equation, Lyapunov's or Stein's, with the matrix c, and the adjoint its
transpose (Lancaster & Rodman, Algebraic Riccati Equations, 1995, ch. 11 and 13).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from taylor.core.operand import as_array, is_complex
from taylor.core.table import rule
from taylor.linalg import solve
from taylor.numbers.kinds import is_operand
from taylor.scipy.sylvester import solve_discrete_lyapunov, solve_sylvester

__all__ = ["solve_continuous_are", "solve_discrete_are"]

T = np.transpose


def _sum(x: Any, y: Any) -> Any:
    """Return x + y, of which each may be None, zero."""
    return y if x is None else x if y is None else x + y


def _both(x: Any) -> Any:
    return None if x is None else x + T(x)


def _change(dargs: Any, gain: Any, of_a: Any, of_b: Any) -> Any:
    """Return the change of the equation where x stays: that of q, r, and of a and b twice."""
    da, db, dq, dr = dargs
    moved = _sum(None if da is None else of_a @ da, None if db is None else -(of_b @ db) @ gain)
    return _sum(_sum(dq, None if dr is None else T(gain) @ dr @ gain), _both(moved))


def _continuous(x: Any, a: Any, b: Any, r: Any) -> tuple[Any, Any]:
    """Return the gain r⁻¹bᵀx and the closed loop."""
    gain = solve(r, T(b) @ x)
    return gain, a - b @ gain


def _continuous_jvp(dargs: Any, x: Any, a: Any, b: Any, q: Any, r: Any) -> Any:
    gain, closed = _continuous(x, a, b, r)
    return solve_sylvester(T(closed), closed, -_change(dargs, gain, x, x))


def _continuous_vjp(bar: Any, x: Any, a: Any, b: Any, q: Any, r: Any) -> tuple[Any, ...]:
    gain, closed = _continuous(x, a, b, r)
    z = solve_sylvester(closed, T(closed), -bar)
    of_a = x @ (z + T(z))
    return of_a, -(of_a @ T(gain)), z, gain @ z @ T(gain)


def _discrete(x: Any, a: Any, b: Any, r: Any) -> tuple[Any, Any]:
    """Return the gain (r + bᵀxb)⁻¹bᵀxa and the closed loop."""
    gain = solve(r + T(b) @ x @ b, T(b) @ x @ a)
    return gain, a - b @ gain


def _discrete_jvp(dargs: Any, x: Any, a: Any, b: Any, q: Any, r: Any) -> Any:
    gain, closed = _discrete(x, a, b, r)
    of_a = T(closed) @ x
    return solve_discrete_lyapunov(T(closed), _change(dargs, gain, of_a, of_a))


def _discrete_vjp(bar: Any, x: Any, a: Any, b: Any, q: Any, r: Any) -> tuple[Any, ...]:
    gain, closed = _discrete(x, a, b, r)
    z = solve_discrete_lyapunov(closed, bar)
    of_a = x @ closed @ (z + T(z))
    return of_a, -(of_a @ T(gain)), z, gain @ z @ T(gain)


def _continuous_rest(x: Any, a: Any, b: Any, q: Any, r: Any) -> tuple[Any, Any]:
    """Return what the equation leaves at x, and Newton's change of x for it."""
    gain, closed = _continuous(x, a, b, r)
    rest = T(a) @ x + x @ a - x @ b @ gain + q
    return rest, solve_sylvester(T(closed), closed, -rest)


def _discrete_rest(x: Any, a: Any, b: Any, q: Any, r: Any) -> tuple[Any, Any]:
    """Return what the equation leaves at x, and Newton's change of x for it."""
    _, closed = _discrete(x, a, b, r)
    rest = T(a) @ x @ closed - x + q
    return rest, solve_discrete_lyapunov(T(closed), rest)


def _solution(of_floats: Any, rest: Any) -> Any:
    """Return the solution for symmetric matrices; SciPy's and Newton's method for other numbers."""

    def value(a: Any, b: Any, q: Any, r: Any) -> Any:
        given = a, b, (q + q.T) / 2, (r + r.T) / 2
        if not any(x.dtype.hasobject for x in given):
            return of_floats(*given)
        x = of_floats(*(np.asarray(x, dtype=float) for x in given))
        left = np.inf
        while True:  # until what is left no longer halves
            now, change = rest(x, *given)
            size = np.max(np.abs(now))
            if not size < left / 2:
                return x
            x, left = x + change, size

    return value


CARE = rule(
    _solution(scipy.linalg.solve_continuous_are, _continuous_rest), jvp=_continuous_jvp,
    vjp=_continuous_vjp, name="solve_continuous_are",
)  # fmt: skip
DARE = rule(
    _solution(scipy.linalg.solve_discrete_are, _discrete_rest), jvp=_discrete_jvp,
    vjp=_discrete_vjp, name="solve_discrete_are",
)  # fmt: skip


def _matrices(name: str, *given: Any) -> list[Any]:
    """Return the matrices as arrays; those that vary are real."""
    found = [None if x is None else as_array(x) * 1.0 for x in given]
    if any(map(is_operand, found)) and any(x is not None and is_complex(x) for x in found):
        raise TypeError(f"taylor.scipy.linalg.{name} has derivatives by real matrices only")
    return found


def _is_ours(x: Any) -> bool:
    """Whether SciPy does not know such numbers."""
    return is_operand(x) or bool(x.dtype.hasobject)


def solve_continuous_are(a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None) -> Any:
    """Return x with aᵀ x e + eᵀ x a - (eᵀ x b + s) r⁻¹ (bᵀ x e + sᵀ) + q = 0, which stabilises.

    e is the unit matrix and s zero if left out; q and r are symmetric.

    >>> solve_continuous_are([[0.0]], [[1.0]], [[4.0]], [[1.0]]).round(12)
    array([[2.]])
    """
    a, b, q, r, e, s = _matrices("solve_continuous_are", a, b, q, r, e, s)
    if not any(x is not None and _is_ours(x) for x in (a, b, q, r, e, s)):
        return scipy.linalg.solve_continuous_are(a, b, q, r, e, s)
    if s is not None:
        a, q = a - b @ solve(r, T(s)), q - s @ solve(r, T(s))
    if e is None:
        return CARE(a, b, q, r)
    x = CARE(solve(e, a), solve(e, b), q, r)  # eᵀ x e
    return T(solve(T(e), T(solve(T(e), x))))


def solve_discrete_are(a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None) -> Any:
    """Return x with aᵀxa - eᵀxe - (aᵀxb + s)(r + bᵀxb)⁻¹(bᵀxa + sᵀ) + q = 0, which stabilises.

    e is the unit matrix and s zero if left out; q and r are symmetric.

    >>> solve_discrete_are([[0.0]], [[1.0]], [[4.0]], [[1.0]]).round(12)
    array([[4.]])
    """
    a, b, q, r, e, s = _matrices("solve_discrete_are", a, b, q, r, e, s)
    if not any(x is not None and _is_ours(x) for x in (a, b, q, r, e, s)):
        return scipy.linalg.solve_discrete_are(a, b, q, r, e, s)
    if e is not None:
        a, q = T(solve(T(e), T(a))), T(solve(T(e), T(solve(T(e), q))))
        s = None if s is None else solve(T(e), s)
    if s is not None:
        a, q = a - b @ solve(r, T(s)), q - s @ solve(r, T(s))
    return DARE(a, b, q, r)
