"""Times at which steps end since fun is known to branch there: knots of tables of time, and times
with which it compares t.

Unlike other surfaces they are known beforehand.  A step ends on the last number before such a time,
and the next begins with the first one behind it, from which on the other branch counts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.ode.machine import DONE, GO
from taylor.ode.pieces import Pieces, nothing

Array = NDArray[Any]


class Stop(NamedTuple):
    """A time, and the numbers next to it; behind the last one is the end."""

    time: Any
    before: Any
    after: Any


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


def advanced(it: Any, t_end: Any, limit: int, log: bool) -> tuple[int, Pieces]:
    """Return the status and the steps of an integrator towards an end, to the first stop at most.

    The time behind a stop is a sum: fun sees the number next to it, which it is not yet.
    """
    stop = next_stop(it.system.stops, it.t, t_end)
    if stop is None:
        found: tuple[int, Pieces] = it.towards(t_end, limit, log)
        return found
    status, pieces = DONE, nothing(it.place, it.order)
    if it.t != stop.before:
        status, pieces = it.towards(stop.before, limit, log)
    if status != DONE:
        return status, pieces
    last = stop.after == t_end
    it.t, it.t_low = stop.after, 0 * it.t_low if last else it.t_low + (stop.before - stop.after)
    if stop.time in it.system.limits:
        it.renew()
    return (DONE if last else GO), pieces
