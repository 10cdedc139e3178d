"""Whether steps are short for stability only, as the problem is stiff, or lead nowhere at all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.ode.control import unit
from taylor.ode.pieces import Pieces

Array = NDArray[Any]
MANY = 200  # steps after which they are looked at:
SOME = 8  # series of them; sooner
NOISE = 512  # units of rounding: terms of a step that are no more than these
FACTOR, RATE = 0.7, 0.03  # of logarithms of steps, in all and from step to step, that are even
HOPELESS, STEADY = 1e6, 64  # if there are so many to go, and so many of about one length
ENDLESS = 1e9  # steps that are not taken unless they are asked for: they last an hour
CREEPING, LEAST_WAY = 200, 2.0**-30  # rough steps in a row, and of the rest what they lead at least
EVEN = 2**10  # parts of that way, of which so many steps are less if they do not grow


class Stiffness:
    """What the steps of a run so far say about it; found once."""

    def __init__(self) -> None:
        self.found = False
        self.count = 0  # of series, one after the other, that say so
        self.since = 0.0, 0  # the first of these steps, and how many there were

    def seen(self, pieces: Pieces, left: float, steps: int) -> bool:
        """Whether it is seen now, with so many steps to go and so many taken."""
        if self.found or pieces.coef.dtype == object or pieces.coef.shape[1] <= 8:
            return False
        # many short steps to go; and they do not lead to a singularity
        h = np.abs(pieces.h)
        hopeless = left >= HOPELESS and len(h) > STEADY and h.max() < 4 * h.min()
        if steps <= MANY and not hopeless:
            return False
        some = slice(None, None, max(1, len(pieces) // SOME))
        # steps that lead to a singularity, or away from one, grow by a factor
        growth = abs(math.log(h[-1] / (self.since[0] or h[0])))
        self.since = self.since[0] or h[0], self.since[1] + len(h)
        even = growth < FACTOR + RATE * self.since[1]
        stiff = even and looks_stiff(pieces.coef[some], pieces.h[some])
        if not stiff:
            self.since = h[-1], 0
        self.count = self.count + len(pieces.h[some]) if stiff else 0
        self.found = self.count >= 2 * SOME or (stiff and hopeless)
        return self.found


def looks_stiff(coef: Array, h: Array) -> bool:
    """Whether steps are short for stability only.

    Their first terms fall fast, to rounding errors perhaps, and those that decide on the step are
    rounding errors.
    """
    order = coef.shape[1] - 1
    flat = np.abs(coef).reshape(len(coef), order + 1, max(1, coef[0, 0].size))
    with np.errstate(all="ignore"):
        terms = flat.max(2, initial=0.0) * np.abs(h)[:, None] ** np.arange(order + 1)
        small = np.maximum(1e-6 * terms[:, 1:3].max(1), NOISE * unit(coef) * terms[:, 0])
        early = terms[:, 4:6].max(1) < small
        noise = terms[:, order // 2 :].max(1) < 1e-10 * terms[:, 0]
    return bool(np.all(early & noise & (terms[:, -1] > 0)))


def told(t: Any, h: Any, left: float) -> str:
    """Return what is said of a stiff problem, with about so many steps to go."""
    return (
        f"the problem seems to be stiff at t = {t}: steps of {h} are needed for "
        f"stability, not for accuracy, about {left:.0e} more of them; use an implicit method, "
        "taylor.ode.solve_ivp(..., method='RadauIIA'), SciPy's 'BDF' or 'LSODA', or 'auto'"
    )


class Creep:
    """Steps in a row that were too rough at first, from a time on, and of all steps so many."""

    def __init__(self, t: Any) -> None:
        self.count, self.steps, self.since, self.t = 0, 0, t, t

    def nowhere(self, steps: int, t: Any, t_end: Any) -> bool:
        """Count one more; return whether they are many, do not grow, and have led nowhere."""
        if steps > self.steps + 2:
            self.count, self.since, self.t = 0, t, t
        self.count += 1
        if self.count % CREEPING:
            return False
        rest = min(abs(t_end - t), max(1, abs(t)) / LEAST_WAY)
        lately, far, self.t = abs(t - self.t), abs(t - self.since), t
        return bool(far < LEAST_WAY * rest and lately < far / EVEN)
