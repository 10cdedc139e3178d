"""Times at which steps end since fun is known to branch there: knots of tables of time, and times
with which it compares t.

Unlike other surfaces they are known beforehand.  A step ends on the last number before such a time,
and the next begins with the first one behind it, from which on the other branch counts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.lookups import Lookup
from taylor.core.program import Program, limit
from taylor.core.sides import Choose

Array = NDArray[Any]


class Stop(NamedTuple):
    """A time, and the numbers next to it; behind the last one is the end."""

    time: Any
    before: Any
    after: Any


def knots_of_time(program: Program) -> Array:
    """Return the knots of the tables of t of a program of (t, y, *args), in order."""
    now = program.inputs[0]
    knots = [op.knots for op, args, _ in program.code if isinstance(op, Lookup) and args[0] == now]
    return np.unique(np.concatenate(knots)) if knots else np.zeros(0)


def limits_of_time(program: Program) -> Array:
    """Return the times with which such a program compares t, in order."""
    pairs = [(g.a, g.b) for g in program.guards if g.b >= 0]
    pairs += [args[:2] for op, args, _ in program.code if isinstance(op, Choose)]  # type: ignore[misc]
    found = [limit(program.code, a, b, program.inputs[:1]) for a, b in pairs]
    return np.unique([t for t in found if t is not None])


def next_stop(knots: Array, t: Any, end: Any) -> Stop | None:
    """Return the first of some times from t on, on the way to an end; None if there is none."""
    if not len(knots):
        return None
    forward = end > t
    i = int(np.searchsorted(knots, t, "left" if forward else "right")) - (not forward)
    if not 0 <= i < len(knots) or (knots[i] > end if forward else knots[i] < end):
        return None
    away = np.inf if forward else -np.inf
    before = t if knots[i] == t else np.nextafter(knots[i], -away)
    return Stop(knots[i], before, end if knots[i] == end else np.nextafter(knots[i], away))


def passed(low: Any, stop: Stop, end: Any) -> tuple[Any, Any]:
    """Return the time before a stop as that behind it, which fun is to see, and what is missing."""
    return stop.after, 0 * low if stop.after == end else low + (stop.before - stop.after)
