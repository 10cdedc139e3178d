"""Doses: jumps of the state at times that are known beforehand.

A schedule (times, jumps) is an event whose roots need not be looked for: steps end at its times.
The solution is continuous from the right: at the time of a dose it is the state after it.  In a run
backwards in time doses are taken off again, so that the way back leads to where the run began.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.advice import annotate, not_called
from taylor.core.memory import fresh
from taylor.core.operand import as_array, lift
from taylor.errors import NonAnalyticError, ShapeMismatch
from taylor.numbers.kinds import is_operand
from taylor.ode.control import finite, spacing
from taylor.ode.dense import in_numbers_of
from taylor.ode.event import Ahead, Event
from taylor.ode.flow import number
from taylor.ode.options import argument, check_real, in_one_kind, numbers_of
from taylor.ode.pieces import Place
from taylor.ode.variation import TOGETHER, moves

Array = NDArray[Any]
NEAR = 8  # units of rounding of a time: a dose no further from a time that is asked for is at it
AT_END = (
    "a dose at {} of t_span, t = {}, would begin or cease to be given as its time moves: the "
    "solution has no derivative; {}"
)
AT_EVAL = (
    "t_eval holds the time of a dose, t = {}, and one of them moves: the solution jumps there and "
    "has no derivative; ask for a time beside it"
)


class Dose(NamedTuple):
    """A dose: its time, as a plain number and as it was given, and the jump of the state: what is
    added, or a function of (t, y, *args) that returns the state after it, as callbacks do.
    """

    t: Any
    time: Any
    jump: Any
    give: Callable[..., Any] | None = None


class Doses(Event):
    """The doses of a run, in the order in which they are given: one event with many roots."""

    def __init__(self, doses: Sequence[Dose], args: tuple[Any, ...], strict: bool) -> None:
        self.doses = list(doses)
        super().__init__(-1, self._since, args, strict)
        self.recorded, self.clock, self.known = True, True, None
        self.ahead = [Ahead(d.t, 0 * d.t, 0, 1) for d in doses]

    def _since(self, t: Any, y: Any, *args: Any) -> Any:
        return t - self.doses[0].t if self.doses else 1 + 0 * t

    @property
    def time(self) -> Any:
        """The time of the next dose, with its derivatives."""
        return self.doses[0].time

    @property
    def changes(self) -> bool:
        """A dose changes the state."""
        return True

    def now(self) -> Iterator[Dose]:
        """Yield the doses at the time of the next."""
        now = self.doses[0].t
        together = list(itertools.takewhile(lambda d: d.t == now, self.doses))
        if len(together) > 1 and any(moves(d.time) for d in together):
            raise NonAnalyticError(TOGETHER.format(now))
        yield from together

    def log(self, place: Place) -> None:
        """Count a dose, and keep its time and the state before it."""
        super().log(place)
        self.doses.pop(0)

    def forget(self) -> None:
        """Their times are what they are."""

    def foresee(self, place: Place, order: int, end: Any, last: Any) -> None:
        """Nothing: all times are known."""


# ------------------------------------------------------------------ what a user gives
def schedule(dosing: Any, t_span: Sequence[Any], y0: Any, t_eval: Any) -> list[Dose]:
    """Return the doses of (times, jumps) within t_span, in the order of integration."""
    if dosing is None:
        return []
    if isinstance(dosing, str) or not hasattr(dosing, "__len__") or len(dosing) != 2:
        raise TypeError(f"dosing is (times, jumps), not {dosing!r}")
    t0, y = in_one_kind(number(t_span[0]), number(y0))
    t1 = number(t_span[1])
    times, backward = _times(dosing[0]), t1 < t0
    jumps = _jumps(dosing[1], len(times), y.shape, backward)
    asked = [*t_span, *(() if t_eval is None else t_eval)]
    values = _snapped(in_numbers_of(y, [number(t) for t in times]), [number(t) for t in asked])
    doses = [Dose(t, time, *jump) for t, time, jump in zip(values, times, jumps, strict=True)]
    doses = sorted((d for d in doses if min(t0, t1) <= d.t <= max(t0, t1)), key=lambda d: d.t)
    for d in doses:
        _check_smooth(d, t_span, t_eval)
    return doses[::-1] if backward else doses


def varied(dosing: Any) -> list[Any]:
    """Return what of (times, jumps) is differentiated."""
    given = [lift(x) for x in (() if dosing is None else dosing)]
    return [x for x in given if is_operand(x)]


def _times(given: Any) -> list[Any]:
    """Return the times one by one; some may be series."""
    if isinstance(given, (list, tuple)):
        times = [lift(t) for t in given]
        shape: tuple[int, ...] = (len(times), *(np.shape(times[0]) if times else ()))
    else:
        whole = lift(given)
        shape = np.shape(whole)
        times = [whole[i] for i in range(len(whole))] if len(shape) == 1 else []
    if len(shape) != 1 or any(np.ndim(t) for t in times):
        raise ShapeMismatch(f"the times of dosing lie along one axis, not {shape}")
    for t in times:
        value = number(t)
        check_real(value, "the times of dosing")
        if not abs(float(value)) < np.inf:
            raise ValueError(f"the times of dosing are finite numbers, not {value}")
    return times


def _jumps(
    jumps: Any, count: int, shape: tuple[int, ...], backward: bool
) -> list[tuple[Any, Callable[..., Any] | None]]:
    """Return of each dose what it adds, or None and the function that says so."""
    if callable(jumps) and not is_operand(jumps):
        if backward:
            raise TypeError(
                "in a run backwards in time doses are taken off again, which a function of the "
                "state before them does not say: give the jumps as an array"
            )
        return [(None, functools.partial(_after, jumps, shape))] * count
    jumps = numbers_of(jumps, "dosing's array of jumps")
    values = np.asarray(number(jumps))
    if values.dtype.kind not in "iubfcO":
        raise TypeError(f"the jumps of dosing are numbers, not {values.dtype}")
    if not finite(values):
        raise ValueError(f"the jumps of dosing are finite numbers, not {values}")
    jumps = -jumps if backward else jumps
    if np.shape(jumps) == shape:
        return [(jumps, None)] * count
    if count and np.shape(jumps) != (count, *shape):
        raise ShapeMismatch(
            f"the jumps of dosing have the shape {np.shape(jumps)}; for {count} doses of a state "
            f"of shape {shape} it is {(count, *shape)}, or {shape} if they are all the same"
        )
    return [(jumps[k], None) for k in range(count)]


def _after(jump: Callable[..., Any], shape: tuple[int, ...], t: Any, y: Any, *args: Any) -> Any:
    """Return the state, and the args if they are new, after a dose whose jump is a function."""
    try:
        by = jump(t, fresh(y), *args)
    except (TypeError, IndexError) as error:
        if isinstance(error, IndexError) or not_called(error):
            annotate(error, "the jumps of dosing are an array, or called as jump(t, y, *args)")
        raise
    more: list[Any] = []
    if isinstance(by, tuple) and len(by) == 2 and isinstance(by[1], tuple):
        by, *more = by
    if by is None:
        raise TypeError("the function of dosing returned None: return what is added to y")
    by = numbers_of(by, "what the function of dosing returns")
    if np.shape(by) != shape:
        raise ShapeMismatch(
            f"the function of dosing returned the shape {np.shape(by)} for a state of {shape}"
        )
    return (y + by, *more) if more else y + by


def _snapped(times: Array, asked: Sequence[Any]) -> list[Any]:
    """Return the times, each as the one that is asked for if it is that but for rounding."""
    found = list(times)
    for i, t in enumerate(times):
        near = min(asked, key=lambda x: abs(x - t))
        if abs(near - t) <= NEAR * spacing(t):
            found[i] = near + 0 * t
    return found


def _check_smooth(dose: Dose, t_span: Sequence[Any], t_eval: Any) -> None:
    """Raise NonAnalyticError where the time of a dose moves against one that is asked for."""
    ends = ("the start", "add it to y0"), ("the end", "add it to the result")
    for t, (where, instead) in zip(t_span, ends, strict=True):
        if number(t) == dose.t and (moves(t) or moves(dose.time)):
            raise NonAnalyticError(AT_END.format(where, dose.t, instead))
    for t in () if t_eval is None else t_eval:
        if number(t) == dose.t and (moves(t) or moves(dose.time)):
            raise NonAnalyticError(AT_EVAL.format(dose.t))


def given_at_start(
    doses: list[Dose], t0: Any, y0: Any, args: Sequence[Any]
) -> tuple[Any, tuple[Any, ...], list[tuple[Any, Any]]]:
    """Return y0 and args after the doses at t0, which are taken from the list, and what is logged
    of them: times and states before.
    """
    found: list[tuple[Any, Any]] = []
    while doses and doses[0].t == t0:
        dose, y = doses.pop(0), as_array(y0)
        found.append((dose.t, y))
        if dose.give is None:
            y0 = y + dose.jump
            continue
        y0 = dose.give(t0, y, *(fresh(argument(a)) for a in args))
        if isinstance(y0, tuple):
            y0, args = y0
    return y0, tuple(args), found
