"""Drivers on hyper-dual numbers: second and third partial derivatives one at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hyperdual.number import HyperDual
from taylor.core.graded import squarefree
from taylor.core.tags import fresh_tag
from taylor.drivers import kinks
from taylor.drivers.driver import alone, call, has_nan, parts, point, seed
from taylor.drivers.forward_mode import scalar_only, table_along
from taylor.numbers.values import unit_rows

Array = Any
Function = Callable[..., Any]


def _mixed(f: Function, x: Any, indices: Sequence[int]) -> Any:
    """Return the table of f at x + Σ_j ε_j e_(indices[j])."""
    x = point(x)
    shape, size = np.shape(x), int(np.prod(np.shape(x), dtype=int))
    for i in indices:
        if not isinstance(i, (int, np.integer)):
            raise TypeError(f"a variable is an integer, its position among {size}, not {i!r}")
        if not -size <= i < size:
            raise IndexError(f"there is no variable {i} among {size}")
    directions = unit_rows(size, shape, x)[list(indices)]
    algebra = squarefree(len(indices))
    tag = fresh_tag()
    seeded = seed(HyperDual, x, algebra, directions, tag)
    table = parts(call(f, seeded, tag), tag, algebra.size)
    if tag.short and has_nan(table):  # what ε² = 0 does not tell: the series with its squares
        y = table_along(f, x, directions, len(indices))
        table = np.stack([y.partial(row) for row in algebra.exponents])
    return table


def _derivatives(f: Function, x: Any, order: int, what: str, instead: str) -> Array:
    """Return all partial derivatives of one order of a scalar-valued f, one sweep for each."""
    variables, found = range(int(np.prod(np.shape(x), dtype=int))), {}
    for indices in itertools.combinations_with_replacement(variables, order):
        table = _mixed(f, x, indices)
        scalar_only(np.shape(table)[1:], what, instead)
        found.update(dict.fromkeys(itertools.permutations(indices), table[-1]))
    entries = [found[indices] for indices in itertools.product(variables, repeat=order)]
    return (np.stack(entries) if entries else np.zeros(0)).reshape(np.shape(x) * order)


def second_partial(f: Function, x: Any, i: int, j: int) -> Any:
    """Return ∂²f/∂x_i∂x_j at x, the ε1ε2 part of f(x + ε1 e_i + ε2 e_j).

    >>> float(second_partial(lambda x: np.sin(x[0] * x[1]), [0.0, 1.0], 0, 1))
    1.0
    """
    return kinks.decided(lambda g: _mixed(g, x, (i, j))[-1], f, point(x), 2, "second_partial")


def third_partial(f: Function, x: Any, i: int, j: int, k: int) -> Any:
    """Return ∂³f/∂x_i∂x_j∂x_k at x, the ε1ε2ε3 part.

    >>> float(third_partial(lambda x: x[0] * x[1] ** 2, [1.0, 2.0], 0, 1, 1))
    2.0
    """
    return kinks.decided(lambda g: _mixed(g, x, (i, j, k))[-1], f, point(x), 3, "third_partial")


def gradient(f: Function, x: Any) -> Array:
    """Return the gradient of a scalar-valued f in the shape of x, one sweep for each element.

    >>> gradient(lambda x: x[0] * x[1], [2.0, 3.0])
    array([3., 2.])
    """
    x, f = point(x), alone(f)
    instead = "taylor.jacobian(f, x)"
    return kinks.first(lambda g: _derivatives(g, x, 1, "gradient", instead), f, x, "gradient")


def hessian(f: Function, x: Any) -> Array:
    """Return the Hessian of a scalar-valued f, one sweep for each pair of elements.

    >>> hessian(lambda x: x[0] ** 2 * x[1], [1.0, 2.0])
    array([[4., 2.],
           [2., 0.]])
    """
    x, f = point(x), alone(f)
    instead = "taylor.tensor(f, x, 2)"
    return kinks.decided(lambda g: _derivatives(g, x, 2, "hessian", instead), f, x, 2, "hessian")[
        ()
    ]
