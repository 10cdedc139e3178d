"""Bounds of a Taylor model over its box: by norms, by the linear dominated bounder, by pieces.

The linear dominated bounder (Makino and Berz, Lect. Notes Comput. Sci. Eng. 50, 2006): where the
linear part of P is l·ξ and all else lies in an interval of width w, P can only be least where l·ξ
is within w of its least value.  That is near a corner; there P is expanded anew, and so on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from taylor.verified.interval import Interval
from taylor.verified.symbols import TINY, Floats, Symbols, U, above, norm

STEPS = 12  # of the bounder
HALVINGS = 4  # of a box that is split
LINEAR = 0.1  # of a linear part, up to which all else is no matter
WHOLE = 1.9  # of the width 2 of a box: what is no gain
BOUNDS = ("norm", "ldb", "split")


def enclosed(model: Any, bound: str = "norm") -> Interval:
    """Return an enclosure of the values of a model on its box: see `TaylorModel.range`."""
    if bound not in BOUNDS:
        raise ValueError(f"the bound is one of {', '.join(BOUNDS)}, not {bound!r}")
    a, shape = model.space.algebra, model.shape
    table = model.coef.reshape(a.size, -1)
    if bound == "norm":
        low, high = _least_by_norm(a, table), -_least_by_norm(a, -table)
    else:
        low, high = _least(a, table), -_least(a, -table)
        if bound == "split":
            low, high = (
                np.maximum(low, _of_pieces(a, table)),
                np.minimum(high, -_of_pieces(a, -table)),
            )
    r = model.radius.reshape(-1)
    low, high = _down(low - r), -_down(-high - r)
    return Interval(low.reshape(shape), high.reshape(shape))


def nearly_linear(model: Any) -> bool:
    """Whether the norm of a model is nearly its best bound: the linear part makes most of it."""
    a, size = model.space.algebra, np.abs(model.coef)
    linear = size[a.linear].sum(0)
    rest = size[1:].sum(0) - linear + model.radius
    return bool(np.all(rest <= LINEAR * linear))


def _down(x: Any) -> Any:
    return x - (np.abs(x) * U + TINY)


def _sides(a: Symbols, table: Floats) -> tuple[Any, Any]:
    """Return how far a polynomial is below and above its constant coefficient at most.

    Where all exponents are even a monomial lies in [0, 1].
    """
    odd = np.abs(table[a.odd]).sum(0)
    even = table[a.even]
    below, beyond = (odd + np.maximum(e, 0).sum(0) for e in (-even, even))
    return above(below, a.size + 2), above(beyond, a.size + 2)


def _least_by_norm(a: Symbols, table: Floats) -> Any:
    return _down(table[0] - _sides(a, table)[0])


def _least(a: Symbols, table: Floats) -> Any:
    """Return a lower bound of polynomials, one a lane, by the linear dominated bounder."""
    best, lost = _least_by_norm(a, table), np.zeros(table.shape[1:])
    for _ in range(STEPS if a.order > 1 else 0):
        slopes = table[a.linear]
        rest = table.copy()
        rest[a.linear] = 0
        width = above(np.add(*_sides(a, rest)))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            reach = above(np.where(slopes != 0, width / np.abs(slopes), 2.0))
        near = reach < WHOLE
        if not near.any():
            break
        half = np.where(near, 0.5 * reach, 1.0)
        centre = np.where(near, -np.sign(slopes) * (1 - half), 0.0)
        table, error = shifted(a, table, centre, np.where(near, half + 4 * U, 1.0))
        lost = above(lost + error)
        best = np.maximum(best, _down(_least_by_norm(a, table) - lost))
    return best


def _of_pieces(a: Symbols, table: Floats) -> Any:
    """Return a lower bound of polynomials, one a lane, from those on pieces of the box."""
    count, lost, pieces = table.shape[1], np.zeros(table.shape[1]), 1
    shared = [np.abs(a.exponents[:, i : i + 1] > 0) for i in range(len(a.linear))]
    for _ in range(HALVINGS if a.linear else 0):
        share = [np.max((np.abs(table) * s).sum(0)) for s in shared]
        centre, scale = np.zeros((len(a.linear), 2)), np.ones((len(a.linear), 2))
        i = int(np.argmax(share))
        centre[i], scale[i] = (-0.5, 0.5), 0.5
        halves = [shifted(a, table, centre[:, k, None], scale[:, k, None]) for k in (0, 1)]
        table = np.concatenate([h[0] for h in halves], axis=1)
        lost = np.concatenate([above(lost + h[1]) for h in halves])
        pieces *= 2
    found: Any = _down(_least(a, table) - lost).reshape(pieces, count).min(0)
    return found


def shifted(a: Symbols, table: Floats, centre: Floats, scale: Floats) -> tuple[Floats, Any]:
    """Return the table of P(centre + scale·ξ) and a bound of the norm of what rounding took.

    centre and scale: a row for each symbol and generator, of one element or one a lane, with
    |centre| + |scale| no more than 1 but for some roundings.
    """
    lost = np.zeros(table.shape[1:])
    steps = np.arange(a.order + 1).reshape(-1, 1)
    for i, (_, source, ways, back, up, starts) in enumerate(a.shifts):
        if np.all(centre[i] == 0) and np.all(scale[i] == 1):
            continue
        size = above(norm(table), 8 * a.order)
        powers = [_powers(np.broadcast_to(v[i], np.shape(v[i])), steps) for v in (centre, scale)]
        terms = table[source] * (ways[:, None] * powers[0][back] * powers[1][up])
        table = np.add.reduceat(terms, starts, axis=0)
        lost = above(lost + size * ((3 * a.order + 8) * U) + 4 * len(source) * TINY)
    return table, lost


def _powers(x: Any, steps: Any) -> Any:
    """Return the powers of x up to a degree, each by one product more."""
    ones = np.ones((1, *np.shape(x)))
    factors = np.broadcast_to(x, (len(steps) - 1, *np.shape(x)))
    return np.cumprod(np.concatenate([ones, factors]), axis=0)
