"""Simple zeros of functions along many steps at once, and the places there.

A polynomial whose Bernstein coefficients change their sign once has one root in (0, 1), and none
if they do not (see `roots`).  What is not that clear, or lies at an end of a step, is for those who
look at one step after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.ode.control import two_sum, unit
from taylor.ode.pieces import Pieces
from taylor.ode.roots import NOISE, bernstein, value

Array = NDArray[Any]
NONE, ONE, UNCLEAR = range(3)  # roots of a polynomial
NEAR = 2.0**-36  # of a step: roots that near to its ends are not clear
HALVINGS, POLISHED, NUDGES = 40, 3, 16


class Zeros(NamedTuple):
    """How many roots polynomials have, where, and the signs of their slopes there."""

    status: Array
    x: Array
    slope: Array


def zeros_of(c: Array, begun: Array) -> Zeros:
    """Return the zeros of polynomials, the rows of c, in (0, 1).

    Where `begun` is the sign of a slope the polynomial is zero at 0, but for rounding, and rises or
    falls from there; that is no root.

    >>> c = np.array([[-0.25, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.5]])
    >>> z = zeros_of(c, np.array([0, 0, 1]))
    >>> z.status.tolist(), float(z.x[0]), int(z.slope[0])
    ([1, 0, 0], 0.25, 1)
    """
    finite = np.asarray(np.isfinite(c).all(1))
    c = np.where(finite[:, None], c, 1.0)
    own = begun != 0
    c = np.where(own[:, None], np.concatenate([c[:, 1:], 0 * c[:, :1]], axis=1), c)
    b, noise = bernstein(c), NOISE * unit(c) * np.abs(c).sum(1)
    signs = np.sign(b)
    changes = (signs[:, 1:] != signs[:, :-1]).sum(1)
    known = finite & (np.abs(b) > noise[:, None]).all(1) & (changes <= 1)
    known &= ~own | (signs[:, 0] == begun)
    status = np.where(known, changes, UNCLEAR)
    x, slope = np.full(len(c), np.inf), np.zeros(len(c), int)
    one = np.flatnonzero(status == ONE)
    if len(one):
        x[one], slope[one] = _root(c[one].T, signs[one, -1]), signs[one, -1]
        status[one[~((x[one] > NEAR) & (x[one] < 1 - NEAR))]] = UNCLEAR
    return Zeros(status, x, slope)


def _root(c: Array, ends: Array) -> Array:
    """Return the roots of polynomials, the columns of c, whose values at 1 have these signs."""
    low, high = np.zeros(len(ends)), np.ones(len(ends))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        after = np.sign(value(c, middle)) == ends
        low, high = np.where(after, low, middle), np.where(after, middle, high)
    slopes = c[1:] * np.arange(1, len(c))[:, None]
    x = (low + high) / 2
    for _ in range(POLISHED):
        with np.errstate(all="ignore"):
            new = x - value(c, x) / value(slopes, x)
        x = np.where(np.abs(new - x) <= 4 * (high - low), new, x)
    return np.asarray(x)


def places(pieces: Pieces, h: Array) -> tuple[Array, Array, Array, Array]:
    """Return t and y, each as two numbers, at distances h from the starts of steps."""
    c = np.moveaxis(pieces.coef, 0, -1)
    t, t_low = two_sum(pieces.t, h + pieces.low)
    y, y_low = two_sum(c[0], value(c[1:], h) * h)
    return t, t_low, np.moveaxis(y, -1, 0), np.moveaxis(y_low, -1, 0)


def beyond(
    pieces: Pieces, x: Array, sides: Array, conditions: Callable[[Array, Array], Array]
) -> tuple[Array, Array]:
    """Return distances from the starts of steps, from parts x of these on, at which conditions have
    the signs that are not 0 in the rows of `sides`; and for which steps there are some near.

    `conditions` returns the values at times and states.
    """
    start = pieces.h * x
    one = np.spacing(np.maximum(np.abs(pieces.t), np.abs(pieces.h))) * np.sign(pieces.h)
    h, found = start.copy(), np.zeros(len(start), bool)
    for k in range(NUDGES):
        h = np.where(found, h, start + one * (2.0**k - 1))
        t, _, y, _ = places(pieces, h)
        values = conditions(t, y)
        found |= ((np.sign(values) == sides) | (sides == 0)).all(1)
        if found.all():
            break
    return h, found & (np.abs(h) < np.abs(pieces.h))
