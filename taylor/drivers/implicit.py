"""Implicit functions: x(θ) with g(x, θ) = 0, differentiated through the equation, not its solver.

With A = g_x at the root, whatever found the root, derivatives follow from the equation alone:

    tangent   A dx = -g_θ dθ
    adjoint   θ̄ = -g_θᵀ λ,   Aᵀ λ = x̄
    degree k  A_0 x_k = -[g(x_0 + ... + x_{k-1}, θ)]_k

(Griewank & Walther, Evaluating Derivatives, 2nd ed., sections 13.3 and 15.1; Christianson, Reverse
accumulation and implicit functions, Optim. Methods Softw. 9, 1998).  The last line holds because
the part of degree k of g depends on x_k through A_0 x_k only.

It costs one evaluation of g per degree, on series cut at that degree.  Newton's method on series
doubles the number of right degrees with each evaluation, but only with the Jacobian as a matrix of
series, as many tangents as x has elements, and its inverse; with A_0 instead it gains one degree
too.  That would pay for one unknown and a high order, not for several unknowns, and an integrator
that knows θ only up to degree k could not use it.

The solutions of A z = b and Aᵀ z = b are implicit functions of (b, x, θ) themselves, and their
Jacobians are A and Aᵀ again.  So they obey the same three lines, and one inverse of the plain
matrix A_0, the last one of Newton's iteration, serves all derivatives of every order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor import linalg
from taylor.core.algebra import Algebra
from taylor.core.copies import frozen
from taylor.core.memory import fresh
from taylor.core.operand import lift
from taylor.core.table import Rule
from taylor.drivers.derivatives import jacobian, vjp
from taylor.drivers.evolution import by_degree, has_nodes
from taylor.drivers.forward_mode import value_and_tangent
from taylor.drivers.several import argument, pullback, pushforward
from taylor.errors import DomainError, ForeignNodeError, ShapeMismatch
from taylor.numbers.contexts import is_set
from taylor.numbers.kinds import is_operand
from taylor.numbers.values import as_array

Array = Any
Function = Callable[..., Any]
REMEMBERED = 4  # points whose inverse is kept
CLOSE = 1e-6  # a Newton step this small, relative to x, that gains nothing is rounding
HALVINGS = 30
SINGULAR = 1e15  # so much cancellation leaves no digit
ROOT = 1e-4  # a solver's root may be this far from the nearest one


class _Equation:
    """g(x, θ) = 0 with the inverse of g_x at the last few points where it was needed."""

    def __init__(self, g: Function) -> None:
        self.g = g
        self.known: tuple[tuple[Any, Array], ...] = ()
        self.solve = self._solver(False)
        self.transposed = self._solver(True)

    # ---------------------------------------------------------------- the inverse of g_x
    def residual(self, x: Any, theta: Any) -> Any:
        """Return g(x, θ), checked to have the shape of x."""
        r = lift(self.g(fresh(x), fresh(theta)))
        if r is None:
            raise TypeError("g returned None: is a return missing?")
        if np.shape(r) != np.shape(x):
            raise ShapeMismatch(
                f"g(x, theta) has shape {np.shape(r)} for an x of shape {np.shape(x)}; it "
                "needs one equation for each unknown"
            )
        return r if is_operand(r) else np.asarray(r)

    def at(self, x: Array, theta: Any) -> Array:
        """Return g at plain values, as an array of plain numbers."""
        r = self.residual(x, theta)
        if is_operand(r):
            raise ForeignNodeError(
                "g uses a differentiated value that is neither x nor theta; pack it into theta"
            )
        return r

    def factorise(self, x: Array, theta: Any) -> Array:
        """Return the inverse of g_x at plain values, as a matrix; LinAlgError if it is singular."""
        n = int(np.prod(np.shape(x), dtype=int))
        matrix = np.reshape(jacobian(lambda x: self.residual(x, theta), x), (n, n))
        inverse: Array = linalg.inv(matrix)
        # 1 without cancellation in B A = I, whatever the units of x and g
        if matrix.dtype != object and not _norm((abs(inverse) * abs(matrix.T)).sum(1)) < SINGULAR:
            raise np.linalg.LinAlgError("Singular matrix")
        return inverse

    def remember(self, x: Array, theta: Any, inverse: Array) -> None:
        """Keep the inverse of g_x at a root."""
        self.known = (((_key(x), _key(theta)), inverse), *self.known[: REMEMBERED - 1])

    def forget(self, theta: Any) -> None:
        """Drop the inverses at θ: its root is being found anew, and g may have changed since."""
        key = _key(theta)
        self.known = tuple(item for item in self.known if item[0][1] != key)

    def inverse(self, x: Array, theta: Any) -> Array:
        """Return the inverse of g_x at a root; DomainError where it has none."""
        key = (_key(x), _key(theta))
        for other, inverse in self.known:
            if other == key:
                return inverse
        x = np.asarray(x)
        try:
            inverse = self.factorise(x, theta)
        except np.linalg.LinAlgError:
            raise DomainError(
                f"g_x is singular at the root x = {x}: the root is not isolated, or a fold where "
                "two of them meet; x is no differentiable function of theta there"
            ) from None
        off = _norm(inverse @ self.at(x, theta).reshape(-1))
        if not off <= ROOT * (1 + _norm(x)):
            raise DomainError(
                f"x = {x} is not a root of g (Newton's next step is {off:.3g} long): the solver "
                "returned something else"
            )
        self.remember(x, theta, inverse)
        return inverse

    # ---------------------------------------------------------------- A z = b and Aᵀ z = b
    def _solver(self, transposed: bool) -> Rule:
        """Return the rule (b, x, θ) -> z with A z = b, or Aᵀ z = b."""
        product = vjp if transposed else value_and_tangent

        def value(b: Any, x: Any, theta: Any) -> Any:
            inverse = self.inverse(x, theta)
            inverse = inverse.T if transposed else inverse
            return np.reshape(inverse @ np.reshape(b, -1), np.shape(b))[()]

        def residual(z: Any, b: Any, x: Any, theta: Any) -> Any:
            return product(lambda x: self.g(x, fresh(theta)), x, z)[1] - b

        def by(other: bool) -> Function:
            way = transposed != other
            return lambda r, z, b, *at: (self.transposed if way else self.solve)(r, *at)

        name = "transposed solve" if transposed else "solve"
        return _rule(name, value, residual, by(False), by(True))

    # ---------------------------------------------------------------- the root
    def root(self, find: Function) -> Rule:
        """Return the rule θ -> x."""

        def value(theta: Any) -> Any:
            self.forget(theta)
            return find(theta)

        return _rule("implicit root", value, self.residual, self.solve, self.transposed)


def _rule(
    name: str, value: Function, residual: Function, solve: Function, transposed: Function
) -> Rule:
    """Return the rule y(args) with residual(y, *args) = 0, whose part linear in y is A.

    solve(r, y, *args) and transposed(r, y, *args) are the solutions of A z = r and Aᵀ z = r.
    """

    def backward(ybar: Any, y: Any, *args: Any) -> Any:
        weight = -transposed(ybar, y, *args)
        return pullback(lambda *args: residual(y, *args), args, weight)

    def forward(dargs: Any, y: Any, *args: Any) -> Any:
        return -solve(pushforward(lambda *args: residual(y, *args), args, dargs)[1], y, *args)

    def series_rule(
        algebra: Algebra, args: Sequence[Any], live: Sequence[bool], y: Sequence[Any]
    ) -> Callable[[int], list[Any]]:
        def degree(k: int) -> list[Any]:
            heads = [x[0] if m else x for x, m in zip(args, live, strict=True)]
            if k == 0:
                return [rule(*heads)]
            # what is unknown of y is still zero
            (r,) = by_degree(residual)(algebra, (y[0], *args), (True, *live), y)(k)
            if isinstance(algebra.part(k), int):
                return [-solve(r, y[0][0], *heads)]
            return [np.stack([-solve(row, y[0][0], *heads) for row in r])]

        return degree

    rule = Rule(name, value, backward, forward, series_rule)
    return rule


def _newton(equation: _Equation, guess: Any, iterations: int) -> Function:
    """Return the function θ -> x of plain values by Newton's method, damped by halving."""

    def find(theta: Any) -> Any:
        x = _floats(guess(theta) if callable(guess) else guess)
        if is_set(x) or is_set(theta):
            raise TypeError(
                "Newton's method from a guess does not enclose a root of intervals; give solver="
            )
        with np.errstate(all="ignore"):
            r = equation.at(x, theta)
            size, scale = _norm(r), _norm(x) or 1.0
            if not size < np.inf:
                raise DomainError(f"g(x, theta) is not finite at the guess x = {x}")
            for _ in range(iterations):
                if size == 0:
                    return x[()]
                try:
                    inverse = equation.factorise(x, theta)
                except np.linalg.LinAlgError:
                    break
                dx = -np.reshape(inverse @ np.reshape(r, -1), np.shape(x))
                close = _norm(dx) <= CLOSE * max(_norm(x), scale)
                for _ in range(1 if close else HALVINGS):
                    new = as_array(x + dx)
                    new_r, new_size = _tried(equation, new, theta)
                    if new_size < size:
                        x, r, size = new, new_r, new_size
                        break
                    dx = dx / 2
                else:
                    if not close:
                        break
                    equation.remember(x, theta, inverse)
                    return x[()]
        raise DomainError(
            f"Newton's method for g(x, theta) = 0 did not converge: at x = {x} the residual is "
            f"still {float(size):.3g}; give a better guess or your own solver=. (At a fold, "
            "where g_x is singular, it cannot.)"
        )

    return find


def _tried(equation: _Equation, x: Array, theta: Any) -> tuple[Any, Any]:
    """Return the residual and its size; outside of the domain of g the size is infinite."""
    try:
        r = equation.at(x, theta)
    except DomainError:
        return None, np.inf
    return r, _norm(r)


def _by_solver(solver: Function) -> Function:
    return lambda theta: _floats(solver(fresh(theta)))[()]


def _floats(x: Any) -> Array:
    """Return plain numbers as an array, integers as floats."""
    array = as_array(x)
    whole = array.dtype == object and all(type(e) is int for e in array.reshape(-1))
    return array.astype(float) if whole else array


def _norm(x: Any) -> Any:
    """Return the largest modulus of the elements."""
    moduli = abs(np.asarray(x).reshape(-1))
    return max(moduli, default=0.0) if moduli.dtype == object else np.max(moduli, initial=0.0)


def _key(x: Any) -> Any:
    """Return a hashable stand-in for a plain array."""
    a = np.asarray(x)
    body = tuple((type(e), e) for e in a.reshape(-1)) if a.dtype == object else a.tobytes()
    return (a.shape, a.dtype.str, body)


# ------------------------------------------------------------------ for users
def implicit_root(
    g: Function, guess: Any = None, *, solver: Function | None = None, iterations: int = 50
) -> Function:
    """Return the function theta -> x with g(x, theta) = 0.

    x and theta are numbers or arrays, g(x, theta) has the shape of x.  The root is found at plain
    numbers by Newton's method with the exact Jacobian from `guess` (a number, an array, or a
    function of theta), or by your own `solver(theta) -> x`.  Derivatives of any kind and order
    follow from the equation at that root; the iteration is not differentiated.

    DomainError: no convergence (the message has the last residual), or g_x singular at the root.

    >>> import taylor
    >>> root = implicit_root(lambda x, theta: x**2 - theta, 1.0)
    >>> float(root(4.0)), taylor.taylor_coefficients(root, 4.0, 2)
    (2.0, array([ 2.      ,  0.25    , -0.015625]))
    """
    if not callable(g):
        raise TypeError(f"g must be a function of x and theta, not {type(g).__name__}")
    if (guess is None) == (solver is None):
        raise TypeError("give a guess for Newton's method, or else a solver=: one of the two")

    def rule(g: Function) -> Rule:
        equation = _Equation(g)
        find = _newton(equation, guess, iterations) if solver is None else _by_solver(solver)
        return equation.root(find)

    own = rule(g)

    def root(theta: Any) -> Any:
        """Return x with g(x, theta) = 0."""
        theta = argument(theta)
        given = frozen(g) if has_nodes(theta) else g
        return (own if given is g else rule(given))(theta)

    return root


def fixed_point(
    h: Function, guess: Any = None, *, solver: Function | None = None, iterations: int = 50
) -> Function:
    """Return the function theta -> x with x = h(x, theta): `implicit_root` of h(x, theta) - x.

    >>> import math, taylor
    >>> lambert = fixed_point(lambda x, theta: theta * taylor.exp(-x), 0.5)
    >>> x = float(taylor.gradient(lambert, math.e))
    >>> math.isclose(x, 1 / (2 * math.e))
    True
    """
    if not callable(h):
        raise TypeError(f"h must be a function of x and theta, not {type(h).__name__}")
    return implicit_root(
        lambda x, theta: h(x, theta) - x, guess, solver=solver, iterations=iterations
    )
