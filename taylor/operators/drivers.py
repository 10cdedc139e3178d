"""Drivers of differential operators: the Laplacian and others by name, and any by its symbol.

The variables lie along the last axis of the point; other axes are points, which f treats one by
one, and at each of which it may return an array.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.operand import lift
from taylor.drivers.derivable import Derivable
from taylor.drivers.derivatives import hessian
from taylor.drivers.driver import driver, point
from taylor.errors import ShapeMismatch
from taylor.numbers.values import as_array, constant, together
from taylor.operators.operator import Operator, by_code
from taylor.operators.symbol import Symbol, partials

Array = NDArray[Any]
Function = Callable[..., Any]


def operator(symbols: Any) -> Operator:
    """Return the operator P(∂) of a symbol P, or of a tree of several: see `Operator`.

    Equal ones are one object, with which all stays that was compiled for it.

    >>> operator(partials(6)[0] * partials(6)[1]).dimensions
    (1, 2, 1)
    """
    if isinstance(symbols, Symbol) and not symbols.given:
        return _of_symbol(symbols, symbols.types)
    P = Operator(symbols)
    return P if any(s.given for s in P.symbols) else _known(P)


@functools.lru_cache(maxsize=64)
def _of_symbol(symbol: Symbol, types: Any) -> Operator:
    return _known(Operator(symbol))


@functools.lru_cache(maxsize=64)
def _known(P: Operator) -> Operator:
    return P


def apply(symbols: Any, f: Function, *args: Any) -> Any:
    """Return P(∂)f at a point, for a symbol P or a tree of several; see `Operator`.

    >>> d = partials("t", "x")
    >>> heat = apply(d.t - d.x**2, lambda t, x: np.exp(-t) * np.sin(x), 0.5, [0.0, 1.0])
    >>> np.round(heat, 12) + 0.0
    array([0., 0.])
    >>> found = apply({"u_t": d.t, "u_xx": d.x**2}, lambda t, x: t * x**2, 2.0, 3.0)
    >>> float(found["u_t"]), float(found["u_xx"])
    (9.0, 4.0)
    """
    return operator(symbols)(f, *args)


def _variables(x: Any, what: str) -> int:
    shape: tuple[int, ...] = np.shape(x)
    if not shape:
        return 1
    if not shape[-1]:
        raise ShapeMismatch(f"{what} of a function of no variables; the point has shape {shape}")
    return shape[-1]


@functools.lru_cache(maxsize=64)
def _power_of_laplacian(n: int, power: int) -> Operator:
    d = partials(n)
    return Operator((d @ d) ** power)


@functools.lru_cache(maxsize=64)
def _first_derivatives(n: int) -> Operator:
    return Operator(list(partials(n)))


@driver(axes=(0,), recorded=False)
def laplacian(f: Function, x: Any) -> Any:
    """Return Δf = Σ ∂²f/∂x_i² in one sweep of n + 2 numbers for each of f's.

    The algebra is that of the forward Laplacian (Li et al., Nature Machine Intelligence 6, 2024).
    In reverse mode and compiled as any other function.

    >>> float(laplacian(lambda x: np.sum(x**3), [1.0, 2.0]))
    18.0
    >>> laplacian(lambda x: x[..., 0] ** 2 * x[..., 1], np.array([[1.0, 2.0], [0.0, 5.0]]))
    array([ 4., 10.])
    """
    y = _of_vector(f, x, laplacian, 1)
    if np.ndim(x) == 1 and type(y) is np.float64 and np.isinf(y):  # perhaps only on the way
        return np.trace(hessian(f, x))
    return y


@driver(axes=(0,), recorded=False)
def biharmonic(f: Function, x: Any) -> Any:
    """Return Δ²f = Σ_ij ∂⁴f/∂x_i²∂x_j², from (n + 2)(n + 3)/2 + n - 1 numbers for each of f's.

    >>> float(biharmonic(lambda x: (x[0] ** 2 + x[1] ** 2) ** 2, [0.3, 0.4]))
    64.0
    """
    return _of_vector(f, x, biharmonic, 2)


def _of_vector(f: Function, x: Any, what: Any, power: int) -> Any:
    if type(x) is not np.ndarray or x.dtype != float:  # the usual case is not to wait
        x = point(x)
    if not np.ndim(x):
        return _power_of_laplacian(1, power).applied(lambda x: f(x[..., 0]), lift(x)[..., None])
    P = _power_of_laplacian(_variables(x, what.__name__), power)
    y = P(f, x)
    if isinstance(f, Derivable):
        P.stands_for(what.__wrapped__, f)
    return y


@driver(axes=(0,), recorded=False)
def divergence(f: Function, x: Any) -> Any:
    """Return Σ ∂f_i/∂x_i of a vector field f, whose last axis is like that of x.

    >>> float(divergence(lambda x: x**2, [1.0, 2.0, 3.0]))
    12.0
    """
    x = point(x)
    columns = _field(f, x, "divergence")
    return sum(columns[i][..., i] for i in range(1, len(columns))) + columns[0][..., 0]


@driver(axes=(0,), recorded=False)
def curl(f: Function, x: Any) -> Any:
    """Return the curl of a vector field f in three dimensions, or the number that it is in two.

    >>> curl(lambda x: np.stack([-x[1], x[0], x[2] ** 2]), [1.0, 2.0, 3.0]) + 0.0
    array([0., 0., 2.])
    """
    x = point(x)
    d = _field(f, x, "curl")
    if len(d) == 2:
        return d[0][..., 1] - d[1][..., 0]
    if len(d) != 3:
        raise ShapeMismatch(f"curl is that of 2 or 3 variables, not {len(d)}")
    pairs = ((1, 2), (2, 0), (0, 1))
    return np.stack([d[i][..., j] - d[j][..., i] for i, j in pairs], -1)


def _field(f: Function, x: Any, what: str) -> list[Any]:
    """Return ∂_i f of a vector field, i = 0, 1, ..."""
    n = _variables(x, what)
    if not np.ndim(x):
        raise ShapeMismatch(f"{what} is that of a vector field; the point has no axis")
    found = _first_derivatives(n)(f, x)
    columns = list(found)
    if np.shape(columns[0]) != np.shape(x):
        raise ShapeMismatch(
            f"{what} is that of a vector field: f must return as many components as x has, of "
            f"shape {np.shape(x)}, not {np.shape(columns[0])}"
        )
    return columns


@driver(axes=(0,), recorded=False)
def hessian_trace(f: Function, x: Any, A: Any) -> Any:
    """Return tr(A·H) = Σ_ij A_ij ∂²f/∂x_i∂x_j, A a matrix that may depend on the point.

    A has the shape (n, n), or one such matrix for each point.  With A = σ·σᵀ it is the diffusion
    part of a Fokker-Planck or Kolmogorov equation.

    >>> A = np.array([[1.0, 0.5], [0.5, 2.0]])
    >>> float(hessian_trace(lambda x: x[0] ** 2 * x[1], [1.0, 2.0], A))
    6.0
    """
    A = lift(A)
    A = as_array(A) if isinstance(A, (list, tuple)) else A
    if isinstance(f, Derivable):
        y = by_code(_trace, f, (x, A), np.ndim(x) > 1)
        if y is not NotImplemented:
            return y
    return _trace(f, point(x), A)


def _trace(f: Function, x: Any, A: Any) -> Any:
    """Return tr(A·H): Σ ∂/∂s_i ∂/∂r_i of f(x + s + Σ_i r_i A_i) at zero."""
    n = _variables(x, "hessian_trace")
    if not np.ndim(x) or np.shape(A)[-2:] != (n, n):
        raise ShapeMismatch(
            f"A must be a matrix of {n} rows and columns, or one for each point, not of shape "
            f"{np.shape(A)}"
        )
    x = np.broadcast_to(x, (*np.broadcast_shapes(np.shape(x)[:-1], np.shape(A)[:-2]), n))
    front = np.shape(x)[:-1] if np.ndim(A) > 2 else ()
    A = together(x, A)[1]
    unit = constant(np.eye(n, dtype=int).astype(object), A)
    each = [np.broadcast_to(M, (*front, n, n)) for M in (unit, A)]
    return _polar(n).along(f, x, np.concatenate(each, -2))


@functools.lru_cache(maxsize=64)
def _polar(n: int) -> Operator:
    d = partials(s=n, r=n)
    return Operator(d.s @ d.r)
