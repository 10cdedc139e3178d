"""Sets that a flow carries: c + C·r0 + Q·r, and the derivatives C + Q·R by what they began with.

What is new in a step is kept in a frame Q that follows it, orthogonal columns, the longest first
(R. Lohner, in Kaucher, Kulisch and Ullrich, Computerarithmetic, 1987): boxes along the axes would
be wrapped in larger ones in every step.  C holds the derivatives themselves, so that what the set
began with is never wrapped.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from taylor.errors import NotVerified
from taylor.numbers.kinds import Array
from taylor.numbers.rounding import of_sum
from taylor.verified.interval import Interval
from taylor.verified.rounding import up


class Carried(NamedTuple):
    """The states c + C·r0 + Q·e and the derivatives C + Q·E by those at the beginning."""

    c: Array
    C: Array
    r0: Interval
    Q: Array
    e: Interval
    E: Interval

    def __len__(self) -> int:  # of the states
        return len(self.c)

    def box(self) -> Interval:
        """Return a box around all states and the centre."""
        found: Interval = Interval(self.c) + (self.moved(None) | 0.0)
        return found

    def moved(self, a: Interval | None) -> Interval:
        """Return A·(y - c) for all states y; of A = 1 if there is none."""
        C, Q = self.products(a)
        found: Interval = C @ self.r0 + Q @ self.e
        return found

    def derivatives(self, a: Interval | None = None) -> Interval:
        """Return A·V for all derivatives V."""
        C, Q = self.products(a)
        found: Interval = C + Q @ self.E
        return found

    def products(self, a: Interval | None) -> tuple[Interval, Interval]:
        """Return A·C and A·Q."""
        both = Interval(np.concatenate([self.C, self.Q], axis=1))
        both = both if a is None else a @ both
        return both[:, : len(self)], both[:, len(self) :]


def started(box: Interval) -> Carried:
    """Return the set that begins as a box."""
    n = len(box)
    c = np.array(box.mid, dtype=float)
    zero = np.zeros(n)
    r0 = box - Interval(c) if np.any(box.lo != box.hi) else Interval(zero)
    return Carried(c, np.eye(n), r0, np.eye(n), Interval(zero), Interval(np.zeros((n, n))))


def carried(x: Carried, near: Array, rest: Interval, a: Interval) -> Carried:
    """Return the set after a step: A holds its derivatives, the centre moves by near + rest.

    The new centre is a float near the middle of the states; the distance is kept, not rounded away.
    """
    C, Q = x.products(a)
    if not (np.isfinite(C.mag).all() and np.isfinite(Q.mag).all()):
        raise NotVerified("the derivatives of the flow have no finite bounds")
    n, middle = len(x), C.mid
    wide = C - Interval(middle)
    new = rest + wide @ x.r0
    more = (new + Q @ x.e).mid
    total = x.c + near
    centre = total + more
    lost = Interval(of_sum(x.c, near, total)) + Interval(of_sum(total, more, centre))
    new = new - Interval(more) + lost
    q = frame(Q.mid, x.e.width + x.E.width.max(axis=1, initial=0.0) * _size(x.r0))
    parts: Any = np.concatenate([Q, wide, new.reshape(n, 1)], axis=1)
    turn = turned(q, parts)
    kept = turn[:, :n] @ np.concatenate([x.E, x.e.reshape(n, 1)], axis=1) + turn[:, n:]
    return Carried(centre, middle, x.r0, q, kept[:, n], kept[:, :n])


def _size(x: Interval) -> float:
    return max(float(np.max(x.mag, initial=0.0)), 1e-300)


def frame(columns: Array, widths: Array) -> Array:
    """Return an orthogonal matrix, but for rounding: its first columns along the longest ones."""
    scaled = columns * np.where(widths > 0, widths, 1e-300)
    order = np.argsort(-np.linalg.norm(scaled, axis=0), kind="stable")
    q: Array = np.linalg.qr(columns[:, order])[0]
    return q


def turned(q: Array, x: Interval) -> Interval:
    """Return Q⁻¹·x: Qᵀ·x, and what Q lacks of an orthogonal matrix.

    With |QᵀQ - 1| <= d < 1 in the norm of row sums, Q⁻¹ = (QᵀQ)⁻¹Qᵀ differs from Qᵀ by no more
    than d/(1 - d) of the largest element of Qᵀ·x.
    """
    found = Interval(q.T) @ x
    defect = (Interval(q.T) @ Interval(q) - Interval(np.eye(len(q)))).mag
    d = float(up(np.sum(up(defect), axis=1) * (1 + len(q) * 2.0**-52)).max())
    if not d < 0.5:
        raise NotVerified("the frame of a set is not orthogonal")
    most: Any = up(np.max(found.mag, axis=0) * (up(d / (1 - d)) * (1 + 2.0**-50)))
    most = np.broadcast_to(most, found.shape)
    whole: Interval = found + Interval(-most, most)
    return whole
