"""Steps from a place towards a time through NumPy, in numbers of any kind."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.errors import DomainError, GuardError, TaylorError, TraceError
from taylor.kept import STORE
from taylor.numbers.kinds import Kind
from taylor.ode import machine
from taylor.ode.control import (
    NONE,
    exp2,
    finite,
    log2,
    log2_step,
    norm,
    reach,
    spacing,
    two_sum,
    unit,
)
from taylor.ode.followed import least, within
from taylor.ode.options import Control
from taylor.ode.pieces import Place, Taken, joined, nothing
from taylor.ode.roots import derivative, value
from taylor.ode.system import System

Array = NDArray[Any]
LONGEST = 2.0**62  # of times
BEYOND = (
    "fun or one of its derivatives is not finite (if they only leave the range of doubles, choose "
    "other units of time)"
)
AGREE = 2.0**-20  # relative differences of rates on one branch at most
ROUNDED = 16  # rounding errors of one value of fun


def machine_of(
    system: System, y: Array, parameters: Sequence[Any], order: int, factor: float
) -> machine.Stepper:
    """Return the machine code of the steps; raise an error that says why there is none."""
    if system.program is None:
        raise TraceError(
            f"fun cannot be recorded ({system.reason}), so it is evaluated {order} times a step"
        )
    if y.dtype != np.float64:
        raise TypeError(f"a state of {y.dtype}; give float64, complex ones by parts")
    for p in parameters:
        if (kind := np.asarray(p).dtype).kind not in "fiub":
            raise TypeError(f"args holds numbers of {kind}; give floats")
    given = system.program, order, factor
    name = "stepper", given[0].identity, *given[1:]
    found: machine.Stepper = STORE.made(lambda: machine.Stepper(*given), *name)
    return found


def failure(status: int, t: Any, why: str = BEYOND) -> str:
    """Return what a status other than GO and DONE means, and what to do."""
    if status == machine.SMALL:
        return (
            f"the step size became too small at t = {t}: the solution has a singularity there (it "
            "blows up in finite time), or fun is not smooth there"
        )
    return f"no Taylor series at t = {t}: {why}"


def failed(system: System, parameters: Sequence[Any], at: Place, status: int) -> str:
    """Return what a status other than GO and DONE means at a place."""
    if status == machine.SMALL:
        return failure(status, at.t)
    try:
        y = system.series(at.t, at.y, parameters, 2)
    except TaylorError as error:
        return failure(status, at.t, str(error).split(";")[0])
    return failure(status, at.t, *([] if finite(y) else ["fun is nan or inf"]))


def is_polynomial(series: Array) -> bool:
    """Whether a series ends below its last two degrees, so that nothing bounds a step."""
    return bool(finite(series)) and not (norm(series[-1]) or norm(series[-2]))


def within_reach(
    system: System, parameters: Sequence[Any], at: Place, infinite: Any, control: Control
) -> Any:
    """Return an infinite end, or a time before it where the next step were infinite, too."""
    try:
        c = system.series(at.t, at.y, parameters, control.order)
    except TaylorError:  # the step says what is wrong
        return infinite
    if not is_polynomial(c):
        return infinite
    return at.t + reach(c, at.t) * (1 if infinite > at.t else -1)


def ahead(
    system: System, parameters: Sequence[Any], at: Place, t_end: Any, control: Control
) -> Any:
    """Return the way to an end; if that is infinite, how far the next step goes."""
    rest = t_end - at.t
    if abs(rest) < math.inf:
        return rest
    longest = max(abs(at.t), 1 + 0 * at.t)
    with contextlib.suppress(TaylorError):
        c = system.series(at.t, at.y, parameters, control.order)
        if finite(c) and not is_polynomial(c):
            longest = exp2(log2_step(c, control.factor, control.floor)) + 0 * at.t
    return longest if rest > 0 else -longest


def nudged(
    system: System, parameters: Sequence[Any], at: Place, t_end: Any, units: int, h: Any
) -> Place:
    """Return the place some units of rounding further, along the slope; h is that of a step."""
    if not units:
        return at
    far = min(units * spacing(max(abs(at.t), abs(h))), abs(t_end - at.t) / 2)
    far = far if t_end > at.t else -far
    slope = np.asarray(system.flow(at.t, at.y, *parameters))
    return at._replace(t=at.t + far, y=at.y + far * slope)


def too_long(start: Place, t_end: Any) -> str:
    """Return why there are no steps to a time, as coefficients that count would underflow."""
    length = abs(t_end - start.t)
    if start.y.dtype == object or not LONGEST < length < math.inf:
        return ""
    return (
        f"a time of {length} is too long for coefficients in doubles: choose units of time in "
        "which it is nearer to one, as taylor.ode.solve_ivp does"
    )


def by_numpy(
    system: System,
    parameters: Sequence[Any],
    start: Place,
    t_end: Any,
    control: Control,
    limit: int,
    log: bool,
    watch: bool = True,
) -> Taken:
    """Take steps in the numbers of the state: see `machine.Memory.run`."""
    rows: list[tuple[Any, Any, Any, Array]] = []
    status, end, steps, h, worst, error = machine.GO, start, 0, 0 * start.t, NONE, NONE
    while status == machine.GO and steps < limit:
        status, length, c = _step(system, parameters, end, t_end, control, watch)
        if status not in (machine.GO, machine.DONE):
            break
        with np.errstate(all="ignore"):
            y, y_low = two_sum(end.y, value(c[1:], length) * length + end.y_low)
        if not finite(y):
            status = machine.INFINITE
            break
        t, t_low = two_sum(end.t, length + end.t_low)
        if status == machine.DONE:
            t, t_low = t_end + 0 * t, 0 * t
        if log:
            rows.append((end.t, end.t_low, length, c))
        steps, h = steps + 1, length
        error = error_of(system, parameters, c, length, Place(t, t_low, y, y_low), control)
        if error > control.allowed:
            status = machine.ROUGH
            break
        worst = max(worst, error)
        end = Place(t, t_low, y, y_low)
    pieces = joined(rows) if rows and log else nothing(start, control.order)
    return Taken(status, end, steps, pieces, h, worst, error)


def _step(
    system: System, parameters: Sequence[Any], at: Place, t_end: Any, control: Control, watch: bool
) -> tuple[int, Any, Array]:
    """Return (status, length, series) of the next step."""
    try:
        c, zeros, moving = system.watched(at.t, at.y, parameters, control.order)
    except GuardError:
        return machine.GUARD, 0, at.y
    except DomainError:
        return machine.INFINITE, 0, at.y
    if not finite(c):
        return machine.INFINITE, 0, c
    rest = (t_end - at.t) - at.t_low
    longest = min(abs(rest), control.max_step)
    h = exp2(log2_step(c, control.factor, control.floor))  # a double, whatever the numbers
    h = min(h, float(within(moving, min(h, longest))))
    goal = at.t + ((h if rest > 0 else -h) + at.t_low)  # a number, as fun is given one
    short = h < longest and goal != t_end
    length = h if short else longest
    if watch and any(vanishes(group, length) for group in zeros):
        return machine.LOOK, 0, c
    if short and h <= abs(at.t) * control.tol:
        return machine.SMALL, 0, c
    status = machine.DONE if not short and longest == abs(rest) else machine.GO
    length = (length if rest > 0 else -length) + 0 * at.t  # its powers as precise as numbers are
    if short and not Kind.of(c).sets:
        length = goal - at.t - at.t_low
    return status, length, c


def vanishes(tables: Sequence[Array], h: Any) -> bool:
    """Whether functions with these series may vanish together within h: see `machine`."""
    excess = [value(np.abs(c[1:]), h) * h - np.abs(c[0]) for c in tables]
    return bool(np.any(functools.reduce(np.minimum, excess) > 0))


def error_of(
    system: System,
    parameters: Sequence[Any],
    c: Array,
    h: Any,
    end: Place,
    control: Control,
    rounded: bool = False,
) -> float:
    """Return log2 of the estimate of the error of a step, relative to the state.

    With `rounded` what rounding the time, and the values of fun, may make of it does not count.
    """
    kind = Kind.of(c)
    if kind.sets or not control.allowed < math.inf:
        return NONE
    slopes = c[1:] * np.arange(1, len(c)).reshape(-1, *[1] * (c.ndim - 1))
    with np.errstate(all="ignore"):
        try:
            f = np.asarray(system.flow(end.t, end.y, *parameters))
        except (DomainError, GuardError):
            return math.inf
        defect = norm(f - value(slopes, h))
        if rounded:
            noise = norm(f) + abs(end.t) * norm(derivative(slopes, h))
            defect = max(0 * defect, defect - ROUNDED * unit(c) * noise)
        defect = defect * abs(h)
    if defect == 0:
        return NONE
    few = least(system.program)
    sizes = log2(norm(c[0])), log2(norm(end.y)), control.floor
    found = log2(defect) - max(*sizes, few.state, log2(abs(h)) + few.rate)
    return found if found == found else math.inf


def departs(
    system: System,
    parameters: Sequence[Any],
    c: Array,
    h: Any,
    end: Place,
    control: Control,
    rates: bool,
) -> bool:
    """Whether fun at a place is not the slope of the polynomial that leads there.

    With `rates` it is if it is nearly so: rates near zero, as those of a ramp that begins, have the
    rounding errors of what they are of.
    """
    departed = not error_of(system, parameters, c, h, end, control, rounded=True) <= control.allowed
    if not (departed and rates):
        return departed
    f, slope = np.asarray(system.flow(end.t, end.y, *parameters)), derivative(c, h)
    return bool(norm(f - slope) > AGREE * max(norm(f), norm(slope)))
