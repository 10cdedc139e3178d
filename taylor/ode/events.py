"""Events: the roots of g(t, y(t)), found in the Taylor polynomial of g on each step.

Every root in (t0, t1] is found; a root at the start of the integration is none.  A root of even
order (g touches zero and turns, or comes as near as its rounding errors) is one event, and only of
those without a direction.  Where an event changed the state, its g counts as zero at the restart if
it is within rounding errors of it.

Where g has a kink, a jump or a branch the steps are cut, as for the right-hand side, and each part
has its own series.  A jump over zero is no root.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.advice import annotate, not_called
from taylor.core.conditions import Condition
from taylor.core.memory import fresh
from taylor.core.operand import lift
from taylor.core.program import Program, deciding, expand, kept, record
from taylor.core.tape import check_unread
from taylor.errors import (
    DomainError,
    ForeignNodeError,
    GuardError,
    IntegrationError,
    ShapeMismatch,
    TraceError,
    eagerly,
)
from taylor.numbers.kinds import content, is_operand
from taylor.ode.control import finite, spacing, unit
from taylor.ode.integrator import TaylorIntegrator
from taylor.ode.pieces import Pieces, Place, along, divided, resolved
from taylor.ode.roots import roots, value, without_root
from taylor.ode.surfaces import cut
from taylor.ode.variation import Variation, plain
from taylor.series.univariate import Taylor

Array = NDArray[Any]
NEAR = 2.0**-36  # of a step: roots that near to a joint of two steps may be seen in either
# a value that is zero but for rounding, in its units of the largest coefficient: after an event
# that may have changed the state, and at t0
AFTER, START = 2.0**13, 8.0
FALSE, SHORT = 0.25, 64  # of the values along a step: what is no zero; units of rounding
JUMP = 2.0**-26  # of the largest coefficient: so far apart are the sides of a jump
TOGETHER = 32.0  # units of rounding of a step: events no further apart are at one time
APART = 2.0**-10  # of a step: where values are compared with that at a root


FOREIGN = (
    "a differentiated value that is neither y0 nor one of args: pass it on, solve_ivp(fun, t_span, "
    "y0, args=(value,))"
)


class Found(NamedTuple):
    """An event: in which step, where in it (of its length 1), of which function, rising or not, and
    the order of the root.
    """

    step: int
    x: Any
    event: int
    slope: int
    order: int = 1


class End(NamedTuple):
    """How an event function leaves a step: its sign, if it has just crossed zero, its value."""

    sign: int
    late: bool
    value: Any


class Present(NamedTuple):
    """What a callback is given."""

    time: Any
    y: Any
    args: tuple[Any, ...]


class Event:
    """An event function g(t, y, *args), with the attributes that SciPy gives it.

    `terminal` (a number: after so many of them), `direction` (the sign of dg/dt of the roots that
    count), and `callback(t, y, *args)`, called at each event: it returns None, a new state, or
    (new state, new args).
    """

    def __init__(self, n: int, g: Any, args: tuple[Any, ...], strict: bool) -> None:
        if not callable(g):
            raise TypeError(f"an event is a function of (t, y, *args), not {g!r}")
        self.n, self.g, self.args, self.strict = n, g, args, strict
        self.direction = _direction(getattr(g, "direction", None))
        self.left = _count(getattr(g, "terminal", None))
        self.callback = getattr(g, "callback", None)
        if self.callback is not None and not callable(self.callback):
            raise TypeError(
                f"the callback of an event is a function of (t, y, *args), not {self.callback!r}"
            )
        self.t: list[Any] = []  # of those that were found
        self.y: list[Array] = []
        self.fired = False  # at the start of the next step
        self.end: End | None = None  # of the step before
        self.forget()

    def __call__(self, t: Any, y: Any) -> Any:
        """Return the value, checked."""
        try:
            value = content(self.g(t, y, *self.args))
        except TypeError as error:
            if not_called(error):
                annotate(error, f"event {self.n} is called as event(t, y, *args)")
            raise
        if value is None:
            raise TypeError(f"event {self.n} returned None: is a return missing?")
        if isinstance(value, (bool, np.bool_, Condition)):
            raise TypeError(
                f"event {self.n} returned a condition: return a number that crosses zero where the "
                "condition changes"
            )
        if np.size(value) != 1:
            raise ShapeMismatch(
                f"event {self.n} returned the shape {np.shape(value)}, not a number"
            )
        check_unread((t, y))
        return np.reshape(value, ())

    def log(self, place: Place) -> None:
        """Count an event, and keep its time and state."""
        self.left -= 1
        self.t.append(place.t)
        self.y.append(place.y.copy())

    def forget(self) -> None:
        """What the function reads may have changed: it is to be recorded again."""
        self.recorded = False
        self.program: Program | None = None
        self.surfaces: Program | None = None

    def record(self, t: Any, y: Array) -> None:
        """Have the program of the function, and of where it branches, if it can be recorded."""
        if self.recorded and not (self.program and self.program.guards):
            return
        self.forget()
        self.recorded = True
        try:
            recorded = record(self, t, y)
        except TraceError as error:
            eagerly(f"event {self.n}", error, self.strict)
            return
        if any(is_operand(i.op.constant) for i in recorded.code):
            raise ForeignNodeError(f"event {self.n} uses {FOREIGN}")
        self.program, surfaces = kept(expand, recorded), kept(deciding, recorded)
        self.surfaces = surfaces if surfaces.outputs else None

    def divide(self, pieces: Pieces, cuts: set[Any]) -> Pieces:
        """Return the steps cut where the function branches, and add to the times of the cuts.

        Beyond a comparison by Python it has another program, which may branch elsewhere.
        """
        done, self.parts = pieces.part(0, 0), []
        while True:
            self.record(pieces.t[0], pieces.coef[0, 0])
            found = set[Any]()
            if self.surfaces is not None:
                along_them = resolved(self.surfaces, pieces, [], self.strict)
                pieces, found = cut(self.surfaces, *along_them)
                cuts |= found
            guarded = self.program is not None and self.program.guards
            if guarded and pieces.t[0] in found:  # begun beyond a surface
                continue
            self.parts.append((pieces.t[0], self.program))
            later = [i for i in range(1, len(pieces)) if pieces.t[i] in found]
            if not later or not guarded:
                return done.followed(pieces)
            done = done.followed(pieces.part(0, later[0]))
            pieces = pieces.part(later[0], len(pieces))

    def look(self, pieces: Pieces, divide: bool) -> Pieces:
        """Have the series of the function along the steps, if its program has them.

        Returns the steps, divided where that series is shorter than that of the solution.
        """
        self.table: Array | None = None
        if any(program is None for _, program in self.parts):
            return pieces
        starts = [int(np.flatnonzero(pieces.t == t)[0]) for t, _ in self.parts[1:]]
        steps, tables = pieces.part(0, 0), []
        for (_, program), a, b in zip(
            self.parts, [0, *starts], [*starts, len(pieces)], strict=True
        ):
            given: Any = program, pieces.part(a, b), [], self.strict
            try:
                part, (table,) = resolved(*given) if divide else (given[1], along(*given))
            except GuardError:  # it branches at the start, where that cannot be told
                return pieces
            steps = steps.followed(part)
            tables.append(table)
        self.table = np.concatenate(tables)
        return steps

    def _step_by_step(self, pieces: Pieces) -> Array:
        order = pieces.coef.shape[1] - 1
        rows = []
        for t0, coef in zip(pieces.t, pieces.coef, strict=True):
            value = self(Taylor(np.array([t0, 1 + 0 * t0] + [0] * (order - 1))), Taylor(coef))
            constant = [value] + [0] * order
            rows.append(value.coef if isinstance(value, Taylor) else np.array(constant))
        return pieces.scaled(np.stack(rows))

    def crosses(self, slope: int, forward: bool) -> bool:
        """Whether a crossing with that slope in the direction of integration counts."""
        wanted = np.sign(self.direction)
        return not wanted or (slope if forward else -slope) == wanted

    def find(self, pieces: Pieces, start: int, cuts: Sequence[bool]) -> list[Found]:
        """Return the events in some of the steps, from number start on.

        `cuts` says before which of them the function jumps.
        """
        if self.table is None:
            series = self._step_by_step(pieces)
        else:
            series = self.table[start : start + len(pieces)].copy()
        if np.iscomplexobj(series):
            raise TypeError(f"event {self.n} is complex; the roots of a real function are found")
        # what is zero at the start but for rounding is so
        close = AFTER if self.fired else START if self.end is None else 0.0
        if abs(series[0, 0]) <= close * unit(series) * np.abs(series[0]).max():
            series[0, 0] = 0
        if not np.any(series):
            raise ValueError(
                f"event {self.n} is zero all along a step: its roots are not points in time"
            )
        quiet = np.zeros(len(series), bool)
        if series.dtype != object:
            bad = np.flatnonzero(~np.isfinite(series).all(axis=1))
            if len(bad):
                raise ValueError(
                    f"event {self.n} has no finite Taylor series at t = {pieces.t[bad[0]]}: it is "
                    "nan or inf there, or not smooth (as sqrt at 0)"
                )
            quiet = without_root(series)
        mine = [
            Found(int(i), root.x, self.n, root.slope, root.order)
            for i in np.flatnonzero(~quiet)
            for root in roots(series[i])
        ]
        mine = [f for f in mine if self._is_root(pieces, f)]
        found = self._joined(series, mine, pieces, cuts)
        self.fired = False
        return found

    def _is_root(self, pieces: Pieces, found: Found) -> bool:
        """Whether the function itself is zero there, next to its values along the step.

        Where a step begins beside a singularity of it, its series is not that of the function, and
        at a pole it is not, though it changes its sign.  On a step of some units of rounding
        nothing can be told.
        """
        i, h = found.step, pieces.h[found.step]

        def size(x: Any) -> Any:
            with np.errstate(all="ignore"):
                return abs(self(pieces.t[i] + h * x, value(pieces.coef[i], h * x)))

        if abs(h) <= SHORT * spacing(pieces.t[i]):
            return True
        others = [size(x) for x in (0.0, 0.5, 1.0) if abs(x - found.x) > APART]
        return bool(size(found.x) <= FALSE * max(filter(finite, others), default=0.0))

    def _joined(
        self, series: Array, mine: list[Found], pieces: Pieces, cuts: Sequence[bool]
    ) -> list[Found]:
        """Return the roots, each joint of two steps settled.

        At a joint both polynomials are equal but for rounding, unless the function jumps or has a
        pole there.  Where their signs differ, a crossing seen on both sides is one, one seen on
        neither is at the joint, and one seen on one side only is a touch.
        """
        end = None if self.fired else self.end
        settled: list[Found] = []
        leads = series[np.arange(len(series)), np.argmax(series != 0, axis=1)]
        for i, (lead, last) in enumerate(zip(leads, series.sum(axis=1), strict=True)):
            here = [f for f in mine if f.step == i]
            begins = _sign(lead)
            c = series[i]
            if end is not None and cuts[i] and abs(end.value - c[0]) > JUMP * np.abs(c).max():
                end = None
            if end is not None and end.sign * begins < 0:
                near = [f for f in here if f.x < NEAR]
                if near and end.late:
                    here.remove(near[0])
                elif near:
                    here[0] = near[0]._replace(slope=0)
                elif not end.late:
                    joint = Found(i, lead * 0, self.n, begins)
                    here[:0] = [joint] if self._is_root(pieces, joint) else []
                elif settled and settled[-1].step == i - 1:
                    settled[-1] = settled[-1]._replace(slope=0)
            settled += here
            late = bool(here) and bool(here[-1].x > 1 - NEAR)
            sign = here[-1].slope if late else 0  # the value itself may be one of rounding
            end = End(sign or _sign(last), late, last)
        self.end = end
        return settled


class Events(list[Event]):
    """The events of an integration, and what happens at them."""

    def __init__(
        self, functions: Any, it: TaylorIntegrator, variation: Variation | None = None
    ) -> None:
        several = hasattr(functions, "__iter__") and not callable(functions)
        given = [] if functions is None else list(functions) if several else [functions]
        super().__init__(Event(n, g, it.args, it.strict) for n, g in enumerate(given))
        self.it, self.variation = it, variation
        self.cuts: set[Any] = set()  # times at which steps were cut for them
        self.changed: Any = None  # the time of the last change of state by an event
        self.repeated = 0  # changes of state at that time

    def resolve(self, pieces: Pieces) -> Pieces:
        """Return the steps, cut where an event function branches, and divided where its series is
        shorter than that of the solution.

        Where one has no series at the start, as a root has none at zero, they begin a little later.
        """
        self.cuts = set()
        for event in self:
            pieces = event.divide(pieces, self.cuts)
        try:
            found = self._look(pieces)
        except DomainError:
            return self._look(later(pieces))
        smooth = all(event.table is None or finite(event.table[0]) for event in self)
        return found if smooth else self._look(later(pieces))

    def _look(self, pieces: Pieces) -> Pieces:
        for event in self:
            pieces = event.look(pieces, True)
        for event in self:
            if event.table is not None and len(event.table) < len(pieces):  # divided for another
                event.look(pieces, False)
        return pieces

    def find(self, pieces: Pieces, start: int, stop: int) -> list[Found]:
        """Return the events in steps start..stop, in the order of integration."""
        part = pieces.part(start, stop)
        cuts = [t in self.cuts for t in part.t]
        forward = bool(len(part) and part.h[0] > 0)
        found = [
            f._replace(step=f.step + start)
            for event in self
            for f in event.find(part, start, cuts)
            if event.crosses(f.slope, forward)
        ]
        return sorted(found, key=lambda f: (f.step, f.x))

    # -------------------------------------------------------------- what happens at them
    def handle(self, pieces: Pieces) -> tuple[Pieces, bool]:
        """Log the events of some steps; return the steps up to where one changes or ends the run.

        The latter is said, too.
        """
        pieces, group = self._followed(pieces)
        if not group:
            if self.variation:
                self.variation.passed(pieces, self.it)
            return pieces, False
        last, x = len(pieces) - 1, pieces.h[-1]
        self.it.place = pieces.at(last, x)
        if self.variation:
            slope = self.it.slope(pieces, last, x)
            self.variation.passed(pieces, self.it, stop=True)
            self.variation.meet([(self[e.event], e.order) for e in group], self.it.t, slope)
        ended = self._fire(list(dict.fromkeys(e.event for e in group)), pieces.h[0] > 0)
        if self.variation:
            self.variation.leave(ended)
        return pieces, ended

    def _followed(self, pieces: Pieces) -> tuple[Pieces, list[Found]]:
        """Log the events of some steps up to those that change or end the run; return the steps up
        to there, and these events.
        """
        if not len(self):
            return pieces, []
        pieces = self.resolve(pieces)
        start, size = 0, 2
        while start < len(pieces):  # an event may change what comes later
            for group in groups(self.find(pieces, start, start + size), pieces):
                if any(self[e.event].left <= 1 or self[e.event].callback for e in group):
                    first = min(group, key=lambda e: (e.step, e.x))
                    return pieces.until(first.step, pieces.h[first.step] * first.x), group
                for e in group:
                    place = pieces.at(e.step, pieces.h[e.step] * e.x)
                    self[e.event].log(place)
                    if self.variation:
                        self.variation.logs(self[e.event], e.order, place.t)
            start, size = start + size, 2 * size
        return pieces, []

    def _fire(self, events: list[int], forward: bool) -> bool:
        """Do what some events at one time ask for, one after the other; whether the run ends.

        Each callback sees what those before it left.  Then an event function that they carried
        over zero is an event too, each at most once.
        """
        it = self.it
        before = after = self._values()
        changed = any(self[n].callback for n in events)
        if changed:
            self._note_change()
        fired: list[int] = []
        while events:
            for n in events:
                self[n].log(it.place)
                if self.variation:
                    self.variation.log(n)
                self._call(self[n].callback)
            fired += events
            if changed:
                it.renew()
                after = self._values()
            events = [
                n
                for n, (a, b) in enumerate(zip(before, after, strict=True))
                if n not in fired
                and np.sign(a) * np.sign(b) < 0
                and self[n].crosses(int(np.sign(b)), forward)
            ]
        for event, v in zip(self, after, strict=True):
            event.fired = event.n in fired
            event.end = End(int(np.sign(v)), False, v) if v and not event.fired else None
            if changed:
                event.forget()
        return any(self[n].left <= 0 for n in fired)

    def _values(self) -> list[Any]:
        """Return the values of the event functions at the present state."""
        return [event(self.it.t, self.it.y.copy()) for event in self]

    def _note_change(self) -> None:
        """Raise where the state is changed again and again at one time."""
        it = self.it
        near = self.changed is not None and abs(it.t - self.changed) <= 64 * spacing(it.t)
        self.changed, self.repeated = it.t, self.repeated + 1 if near else 0
        if self.repeated > 3:
            raise IntegrationError(
                f"the events accumulate at t = {it.t}: they follow each other faster than times "
                "can be told apart; stop before, with a terminal event"
            )

    def _call(self, callback: Callable[..., Any] | None) -> None:
        """Go on from what a callback returns, or leaves in the y and the args that it is given."""
        if callback is None:
            return
        it = self.it
        state: Any = self.variation or Present(it.t, it.y, it.args)
        y = fresh(state.y)
        new = callback(state.time, y, *state.args)
        if isinstance(new, tuple) and len(new) == 2 and isinstance(new[1], (tuple, list)):
            new, args = new[0], tuple(map(lift, new[1]))
            self._note_args(args)
        elif self.variation:
            self._note_args(self.variation.args)
        if new is None and (self.variation or not np.array_equal(y, it.y)):
            new = y
        if new is None:
            return
        new = lift(new)
        if is_operand(new) and not self.variation:
            raise ForeignNodeError(f"the callback of an event uses {FOREIGN}")
        low, value = it.t_low, plain(new)
        try:
            if not np.array_equal(value, it.y):
                it.set_state(it.t, value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"the callback of an event returned: {error}") from error
        it.t_low = low
        if self.variation:
            self.variation.y = np.stack([new])[0]

    def _note_args(self, args: tuple[Any, ...]) -> None:
        """Go on with other arguments, or with what these hold now."""
        if self.variation:
            self.variation.args = args
        elif any(map(is_operand, args)):
            raise ForeignNodeError(f"the callback of an event uses {FOREIGN}")
        self.it.args = tuple(map(plain, args))
        for event in self:
            event.args = self.it.args

    def result(self, wanted: bool, status: int) -> dict[str, Any]:
        """Return t_events and y_events, and where these have derivatives all else that has."""
        found: dict[str, Any] = {"t_events": None, "y_events": None}
        if wanted:
            states = [np.array(e.y).reshape(len(e.y), *self.it.y.shape) for e in self]
            found = {"t_events": [np.array(e.t) for e in self], "y_events": states}
        if self.variation:
            found |= self.variation.result(self.it.t, len(self) if wanted else None, status)
        return found


def later(pieces: Pieces) -> Pieces:
    """Return the steps without the first moment."""
    h = pieces.h[0]
    moment = max(SHORT * spacing(pieces.t[0]), 4 * unit(pieces.coef) * abs(h))
    if moment >= abs(h):
        return pieces
    first = (0, moment if h > 0 else -moment, h)
    return divided(pieces, [first, *((i, 0 * h, pieces.h[i]) for i in range(1, len(pieces)))])


def groups(found: Sequence[Found], pieces: Pieces) -> Iterator[list[Found]]:
    """Yield the events that are at one time but for rounding, by their place in the list."""
    group: list[Found] = []
    for event in found:
        if group and not _together(group[0], event, pieces):
            yield sorted(group, key=lambda f: f.event)
            group = []
        group.append(event)
    if group:
        yield sorted(group, key=lambda f: f.event)


def _together(a: Found, b: Found, pieces: Pieces) -> bool:
    between = pieces.t[b.step] - pieces.t[a.step] + pieces.low[b.step] - pieces.low[a.step]
    h = pieces.h[a.step]
    apart = abs(between + (pieces.h[b.step] * b.x - h * a.x))
    return bool(apart <= 8 * spacing(pieces.t[a.step]) + TOGETHER * unit(pieces.coef) * abs(h))


def _sign(x: Any) -> int:
    return int(x > 0) - int(x < 0)


def ends(functions: Any) -> bool:
    """Whether one of some event functions, or of none, may end an integration."""
    several = [functions] if callable(functions) else functions or ()
    return any(getattr(g, "terminal", None) for g in several)


def _count(terminal: Any) -> float:
    """Return after how many events the integration ends."""
    if terminal is None or (not isinstance(terminal, str) and terminal == 0):
        return float("inf")
    if isinstance(terminal, str) or int(terminal) != terminal or terminal < 1:
        raise ValueError(f"terminal is an integer of at least 0, or a bool, not {terminal!r}")
    return float(terminal)


def _direction(direction: Any) -> float:
    """Return the sign of the slopes of the roots that count, or 0 for all."""
    if direction is None:
        return 0.0
    if isinstance(direction, str) or direction != direction:
        raise ValueError(f"direction is a number whose sign counts, not {direction!r}")
    return float(direction)
