"""Drivers on hyper-dual numbers: second and third partial derivatives one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hyperdual.algebra import position, squarefree
from hyperdual.number import HyperDual
from taylor.forward_mode import call, exact_eye, parts, point, scalar_only, seed
from taylor.tags import fresh_tag
from taylor.values import is_operand

Array = Any
Function = Callable[..., Any]


def _mixed(f: Function, x: Any, indices: Sequence[int]) -> Any:
    """Return the table of f at x + Σ_j ε_j e_(indices[j])."""
    x = point(x)
    shape, size = np.shape(x), int(np.prod(np.shape(x), dtype=int))
    directions = np.zeros((len(indices), size))
    for j, i in enumerate(indices):
        if not -size <= i < size:
            raise IndexError(f"there is no variable {i} among {size}")
        directions[j, i] = 1
    directions = directions.reshape(len(indices), *shape)
    exact = not is_operand(x) and x.dtype == object
    algebra = squarefree(len(indices))
    tag = fresh_tag()
    seeded = seed(HyperDual, x, algebra, exact_eye(directions) if exact else directions, tag)
    table = parts(call(f, seeded, tag), tag, algebra.size)
    return table


def second_partial(f: Function, x: Any, i: int, j: int) -> Any:
    """Return ∂²f/∂x_i∂x_j at x, the ε1ε2 part of f(x + ε1 e_i + ε2 e_j).

    >>> float(second_partial(lambda x: np.sin(x[0] * x[1]), [0.0, 1.0], 0, 1))
    1.0
    """
    return _mixed(f, x, (i, j))[3]


def third_partial(f: Function, x: Any, i: int, j: int, k: int) -> Any:
    """Return ∂³f/∂x_i∂x_j∂x_k at x, the ε1ε2ε3 part.

    >>> float(third_partial(lambda x: x[0] * x[1] ** 2, [1.0, 2.0], 0, 1, 1))
    2.0
    """
    return _mixed(f, x, (i, j, k))[7]


def gradient(f: Function, x: Any) -> Array:
    """Return the gradient of a scalar-valued f in the shape of x, one sweep for each element.

    >>> gradient(lambda x: x[0] * x[1], [2.0, 3.0])
    array([3., 2.])
    """
    x = point(x)
    rows = []
    for i in range(int(np.prod(np.shape(x), dtype=int))):
        table = _mixed(f, x, (i,))
        scalar_only(np.shape(table)[1:], "gradient", "taylor.jacobian(f, x)")
        rows.append(table[1])
    return np.stack(rows).reshape(np.shape(x)) if rows else np.zeros(np.shape(x))


def hessian(f: Function, x: Any) -> Array:
    """Return the Hessian of a scalar-valued f, one sweep for each pair of elements.

    >>> hessian(lambda x: x[0] ** 2 * x[1], [1.0, 2.0])
    array([[4., 2.],
           [2., 0.]])
    """
    x = point(x)
    n = int(np.prod(np.shape(x), dtype=int))
    entries: dict[tuple[int, int], Any] = {}
    for i in range(n):
        for j in range(i, n):
            table = _mixed(f, x, (i, j))
            scalar_only(np.shape(table)[1:], "hessian", "taylor.tensor(f, x, 2)")
            entries[i, j] = entries[j, i] = table[position(squarefree(2), (0, 1))]
    if not n:
        return np.zeros(np.shape(x) * 2)
    return np.stack([entries[i, j] for i in range(n) for j in range(n)]).reshape(np.shape(x) * 2)[
        ()
    ]
