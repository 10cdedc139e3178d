"""Lists of products of coefficients, and the sums of what they give."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

from taylor.numbers.kinds import Array
from taylor.numbers.values import constant, zeros

NONE = np.empty(0)  # weights that are all one


class Pairs(NamedTuple):
    """The products of degree k of a basis, sorted by what they give.

    Σ weights·x[p]·y[q] from starts[i] on is a part of degree k at out[i]; no weights are ones, and
    they are exact numbers, which take the kind of those of x and y.
    """

    p: Array
    q: Array
    starts: Array
    out: Array
    weights: Array | None = None

    @property
    def rows(self) -> Array:
        """The row of the result that each product is added to."""
        return np.repeat(self.out, np.diff(self.starts, append=len(self.p)))

    def scaled(self, c: int) -> Pairs:
        """Return the products times c."""
        if c == 1:
            return self
        weights = np.full(len(self.p), 1, object) if self.weights is None else self.weights
        return self._replace(weights=c * weights)

    def lists(self, n: int) -> list[Array]:
        """Return p, q, where the sum of each of n rows begins and ends, and weights (none: ones).

        They are laid out for machine code.
        """
        counts = np.bincount(self.rows, minlength=n)
        starts = np.concatenate([[0], np.cumsum(counts)])
        found = [np.ascontiguousarray(v, np.int32) for v in (self.p, self.q, starts)]
        return [*found, NONE if self.weights is None else self.weights.astype(float)]


class Between(NamedTuple):
    """The products of two parts, and the instructions made of multiples of them."""

    pairs: Pairs
    rows: tuple[int, int, int]  # of the result, and of both parts
    made: dict[int, Any]


def sorted_pairs(rows: Array, p: Array, q: Array, weights: Array | None) -> Pairs:
    """Return products, and the rows that they are added to, as `Pairs`."""
    order = np.argsort(rows, kind="stable")
    rows, p, q = rows[order], p[order], q[order]
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    return Pairs(p, q, starts, rows[starts], None if weights is None else weights[order])


def collected(pairs: Pairs, n: int, x: Any, y: Any, multiply: Any = operator.mul) -> Any:
    """Return the n rows Σ weights·x[p]·y[q]."""
    p, q, starts, out, weights = pairs
    terms = multiply(x[_as_slice(p)], y[_as_slice(q)])
    if len(starts) == 0:
        return terms.sum(0) + zeros((n,) + (1,) * (np.ndim(terms) - 1), terms)
    if weights is not None:
        terms = terms * constant(weights.reshape((-1,) + (1,) * (np.ndim(terms) - 1)), terms)
    if len(starts) == len(terms):
        sums = terms
    elif len(starts) == 1:
        sums = terms.sum(0, keepdims=True)
    else:
        sums = np.add.reduceat(terms, starts, axis=0)
    if len(out) == n:
        return sums
    spread = np.zeros(n, dtype=int)
    spread[out] = np.arange(1, len(out) + 1)
    return np.concatenate([sums[:1] * 0, sums])[spread]


def _as_slice(index: Array) -> Any:
    """Return an array of positions as a slice where it is one: machine code needs no list of it."""
    if len(index) and np.array_equal(index, np.arange(index[0], index[0] + len(index))):
        return slice(int(index[0]), int(index[0]) + len(index))
    return index
