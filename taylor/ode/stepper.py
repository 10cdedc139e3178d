"""Steps from a place towards a time through NumPy, in numbers of any kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.errors import DomainError, GuardError
from taylor.ode import machine
from taylor.ode.control import exp2, finite, log2_step, norm, two_sum
from taylor.ode.options import Control
from taylor.ode.pieces import Pieces, Place, Taken, joined
from taylor.ode.roots import value
from taylor.ode.system import System

Array = NDArray[Any]


def failure(status: int, t: Any, why: str = "fun or one of its derivatives is not finite") -> str:
    """Return what a status other than GO and DONE means, and what to do."""
    if status == machine.SMALL:
        return (
            f"the step size became too small at t = {t}: the solution has a singularity there (it "
            "blows up in finite time), or fun is not smooth there"
        )
    return f"no Taylor series at t = {t}: {why}"


def by_numpy(
    system: System,
    parameters: Sequence[Any],
    start: Place,
    t_end: Any,
    control: Control,
    limit: int,
    log: bool,
) -> Taken:
    """Take steps in the numbers of the state."""
    rows: list[tuple[Any, Any, Any, Array]] = []
    status, end, steps = machine.GO, start, 0
    while status == machine.GO and steps < limit:
        status, length, c = _step(system, parameters, end, t_end, control)
        if status not in (machine.GO, machine.DONE):
            break
        with np.errstate(all="ignore"):
            y, y_low = two_sum(end.y, value(c[1:], length) * length + end.y_low)
        if not finite(y):
            status = machine.INFINITE
            break
        if not log:
            rows.clear()
        rows.append((end.t, end.t_low, length, c))
        t, t_low = two_sum(end.t, length + end.t_low)
        if status == machine.DONE:
            t, t_low = t_end + 0 * t, 0 * t
        end, steps = Place(t, t_low, y, y_low), steps + 1
    nowhere = start.t, start.t_low, 0 * start.t, np.stack([start.y] * (control.order + 1))
    return status, end, steps, joined(rows or [nowhere]).part(0, len(rows))


def _step(
    system: System, parameters: Sequence[Any], at: Place, t_end: Any, control: Control
) -> tuple[int, Any, Array]:
    """Return (status, length, series) of the next step."""
    try:
        c = system.series(at.t, at.y, parameters, control.order)
    except GuardError:
        return machine.GUARD, 0, at.y
    except DomainError:
        return machine.INFINITE, 0, at.y
    if not finite(c):
        return machine.INFINITE, 0, c
    rest = (t_end - at.t) - at.t_low
    longest = min(abs(rest), control.max_step)
    h = exp2(log2_step(c, control.factor, control.floor))  # a double, whatever the numbers
    if not h < longest:
        status = machine.DONE if longest == abs(rest) else machine.GO
        return status, longest if rest > 0 else -longest, c
    small = h <= abs(at.t) * control.tol
    h = h + 0 * rest  # its powers are as precise as the numbers
    return machine.SMALL if small else machine.GO, h if rest > 0 else -h, c


def agreed(system: System, parameters: Sequence[Any], pieces: Pieces) -> Any:
    """Return how far along the last step fun is what its series says; None for all of it.

    A series that ends (a polynomial) goes on beyond a singularity of fun that it does not show,
    such as that of y' = -sqrt(y) at y = 0.
    """
    if not len(pieces) or np.any(pieces.coef[-1, -2:]) or system.program is None:
        return None
    c, h = pieces.coef[-1], pieces.h[-1]
    slopes = c[1:] * np.arange(1, len(c)).reshape(-1, *[1] * (c.ndim - 1))

    def agrees(x: Any) -> bool:
        with np.errstate(all="ignore"):
            f = system.flow(pieces.t[-1] + x, value(c, x), *parameters)
        slope = value(slopes, x)
        error = norm(np.asarray(f) - slope)
        return bool(error <= 1e-6 * (norm(slopes[0]) + norm(np.asarray(slope))))

    if agrees(h):
        return None
    low, high = 0 * h, h
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if agrees(middle) else (low, middle)
    return low
