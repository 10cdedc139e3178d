"""What holds a solution during a step: boxes that it provably does not leave.

With the coefficients T_k of all solutions that begin in a box, and boxes Y_i for the pieces
[a_i, b_i] of the step, let R_i be the hull of coefficient K + 1 of all solutions through the boxes
Y_1 ... Y_i.  Where

    Σ_{k<=K} T_k [a_i, b_i]^k + R_i [0, b_i]^{K+1}   lies in the interior of Y_i for every i,

no solution leaves the Y_i: at the first time at which it did, Taylor's formula with Lagrange's
remainder, for which it has been in them, would put it into the interior (the high-order enclosure
of Corliss and Rihm, and of Nedialkov, Jackson and Pryce, Reliable Computing 7, 2001, in pieces).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from taylor.numbers.kinds import Array
from taylor.verified.batches import UNIT
from taylor.verified.horner import powers, rise
from taylor.verified.interval import Interval
from taylor.verified.jets import Jets
from taylor.verified.rounding import down, up

WIDER, TRIES, LEAST = 1e-3, 3, 1e-290


class Tube(NamedTuple):
    """The boxes of the pieces of a step, (numbers, pieces), and coefficient K + 1 there."""

    boxes: Interval
    last: Interval


def pieces(h: float, count: int = UNIT) -> Interval:
    """Return [0, h] in pieces."""
    cuts = h * np.arange(count + 1)
    return Interval(np.maximum(down(cuts[:-1] / count), 0.0), up(up(cuts[1:]) / count))


def tube(jets: Jets, t: Interval, h: float, table: Interval, guess: Array) -> Tube | None:
    """Return what holds the solutions from time t on for a time h, or None.

    `table` holds their coefficients up to K = jets.order - 1, (K + 1, numbers); `guess` is how
    large coefficient K + 1 may be.  Raises DomainError where boxes have no coefficients.
    """
    times = pieces(h)
    first = table[0].reshape(-1, 1)
    line = first + rise(table.reshape(*table.shape, 1), times)
    if not np.isfinite(line.mag).all():
        return None
    top = powers(times.hi, jets.order)
    size = np.maximum(np.max(line.mag, axis=1, keepdims=True), LEAST)
    room = WIDER * line.rad + 2 * guess[:, None] * top + size * 2.0**-50
    for _ in range(TRIES):
        boxes = _wider(line, room)
        last = jets(t + times, boxes)[jets.order]
        lo, hi = np.minimum.accumulate(last.lo, axis=1), np.maximum.accumulate(last.hi, axis=1)
        rest = Interval(np.minimum(lo, 0.0), np.maximum(hi, 0.0)) * Interval(top)
        found = line + rest
        if np.all(found.inside(boxes)):
            return Tube(boxes, Interval(lo[:, -1], hi[:, -1]))
        if not np.isfinite(found.mag).all():
            return None
        room = np.maximum(2 * room, 2 * rest.mag)
    return None


def _wider(x: Interval, room: Array) -> Interval:
    return Interval(down(x.lo - room), up(x.hi + room))


def remainder(last: Interval, h: Interval, order: int) -> Interval:
    """Return last·h^order for h >= 0."""
    found: Interval = last * h**order
    return found
