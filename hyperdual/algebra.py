"""The square-free algebra: products of different ε's, ε_i² = 0, graded by their number.

It is the truncated multivariate algebra with every exponent at most one, so the tables, the
products and all step rules are those of `taylor`.
"""

from __future__ import annotations

from collections.abc import Iterable

from taylor.core.algebra import Monomials, squarefree

__all__ = ["Monomials", "position", "squarefree"]


def position(algebra: Monomials, subset: Iterable[int]) -> int:
    """Return the position of the product of the ε's in the subset.

    >>> [position(squarefree(2), s) for s in ((), {0}, {1}, {0, 1})]
    [0, 1, 2, 3]
    """
    chosen = list(subset)
    if len(set(chosen)) != len(chosen) or not set(chosen) <= set(range(algebra.variables)):
        raise ValueError(f"{chosen} is no set of ε's: the {algebra.variables} are numbered from 0")
    return algebra.index([int(i in chosen) for i in range(algebra.variables)])
