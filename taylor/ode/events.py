"""What happens at events: they are logged, end the run, or change the state and the arguments.

Events at one time happen in the order of their list, each callback on the state that those before
it left.  An event function that they carry over zero is one more event of that time.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.memory import fresh
from taylor.core.operand import lift
from taylor.core.reads import Reads
from taylor.errors import ForeignNodeError, IntegrationError
from taylor.numbers.kinds import base, is_operand
from taylor.ode.control import spacing, unit
from taylor.ode.doses import Dose, Doses
from taylor.ode.event import FOREIGN, End, Event, Found, settled
from taylor.ode.flow import number
from taylor.ode.integrator import Integrator
from taylor.ode.options import argument
from taylor.ode.pieces import MOST, ROOM, Pieces, Place, TooFast, chained, doubling
from taylor.ode.roots import without_root
from taylor.ode.variation import Variation

Array = NDArray[Any]
TOGETHER = 32.0  # units of rounding of a step: events no further apart are at one time
BEYOND = 1 + 2.0**-20  # as far as roots may be near each other
SHARED = (
    "a callback changed {}, which fun or an event reads and all members of an ensemble share: have "
    "it in args, and return (y, new args)"
)


class Present(NamedTuple):
    """What a callback is given."""

    time: Any
    y: Any
    args: tuple[Any, ...]


class Events:
    """The events of an integration, its doses among them, and what happens at them."""

    def __init__(
        self,
        functions: Any,
        doses: Sequence[Dose],
        it: Integrator,
        last: Any,
        variation: Variation | None = None,
    ) -> None:
        several = hasattr(functions, "__iter__") and not callable(functions)
        given = [] if functions is None else list(functions) if several else [functions]
        self.functions = [Event(n, g, it.args, it.strict) for n, g in enumerate(given)]
        self.doses = Doses(doses, it.args, it.strict)
        known = [self.doses] if doses else []
        self.events = {event.n: event for event in [*known, *self.functions]}
        self.it, self.variation, self.last = it, variation, last
        self.reads: Any = None
        self.given: Any = None
        self.together: Any = None
        self.shared = False  # whether other runs read what these functions do
        gives = any(dose.give is not None for dose in doses)
        if gives or any(event.changes for event in self.functions):
            self.read()
        self.cuts: set[Any] = set()  # times at which steps were cut for them
        self.changed: Any = None  # the time of the last change of state, and by an event
        self.room: Any = (
            math.inf
        )  # of a step in which functions change fast: what is looked at first
        self.repeated_at: Any = None
        self.repeated = 0  # changes of state at that time

    def read(self) -> None:
        """Note what fun, the event functions and the arguments are now: callbacks may change it."""
        it, given = self.it, [event.g for event in self.functions]
        for event in self.functions:
            event.reads = Reads(event.g) if event.reads is None else event.reads
        self.reads, self.given = Reads(it.fun), Reads(it.args)
        self.together = Reads((it.fun, *given)) if given else self.reads

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | dict.fromkeys(("reads", "given", "together"))

    def turn(self, doses: Sequence[Dose], moved: bool) -> None:
        """Go on in another direction, with the doses to come, or from another place."""
        if self.together is None:
            self.read()
        known = Doses(doses, self.it.args, self.it.strict)
        known.t, known.y = self.doses.t, self.doses.y
        self.doses = known
        some = [known] if doses else []
        self.events = {event.n: event for event in [*some, *self.functions]}
        for event in self.functions:
            event.begin_anew(event.fired and not moved)

    def go_on_with(self, args: tuple[Any, ...]) -> None:
        """Go on with other arguments, which a user has set."""
        for event in self.functions:
            if event.args is not args:
                event.args = args
                event.forget()
        self.given = Reads(args)

    def resolve(self, pieces: Pieces) -> Pieces:
        """Return the steps, cut where event functions branch, and divided where their series are
        shorter than that of the solution.
        """
        for event in self.functions:
            if not event.recorded:
                event.record(pieces.t[0], pieces.coef[0, 0])
        moving = [event for event in self.functions if not event.clock]
        if moving:
            pieces, self.cuts = settled(moving, pieces)
        return pieces

    def find(self, part: Pieces, end: Any) -> list[Found]:
        """Return the events in some steps to a time, in the order of integration."""
        cuts = [t in self.cuts for t in part.t]
        forward = bool(part.h[0] > 0)
        sign = 1 if forward else -1
        place = Place(part.t[0], part.low[0], part.coef[0, 0], 0 * part.coef[0, 0])
        found: list[Found] = []
        quiet = [] if end == self.last else without_roots(self.functions, cuts)
        for event in self.events.values():
            if event.clock:
                if event.known is None or sign * end > sign * event.known:
                    event.foresee(place, part.coef.shape[1] - 1, end, self.last)
                if event.ahead and sign * (event.ahead[0].t - end) <= 0:
                    found += event.due(part, end)
            elif event not in quiet:
                new = event.find(part, cuts, end == self.last)
                found += (new := [f for f in new if event.crosses(f.slope, forward)])
                if new and (event.changes or event.left <= 1):  # what lies behind it does not count
                    others = [e for e in self.functions if e is not event and e not in quiet]
                    quiet += without_roots(others, cuts, new[0])
        return sorted(found, key=lambda f: (f.step, f.x))

    def apart(self, args: tuple[Any, ...]) -> Events:
        """Return the same events for another run by the same integrator, with other numbers."""
        new = copy.copy(self)
        new.functions = [event.apart(args) for event in self.functions]
        new.events = {event.n: event for event in new.functions}
        new.reads, new.given, new.together = self.reads, Reads(args), self.together
        return new

    @property
    def clear(self) -> bool:
        """Whether no root is near."""
        return not any(e.fired or (e.end and e.end.late) for e in self.functions)

    def next(self) -> Any:
        """Return the time at which a step has to end next: that of an event which is known, and
        changes or ends the run, or the end.
        """
        t = self.it.t
        sign, stop = 1 if self.last > t else -1, self.last
        for event in self.events.values():
            if event.wanted <= len(event.ahead):
                root = event.ahead[int(event.wanted) - 1].t
                if sign * (root - t) > 0 and sign * (stop - root) > 0:
                    stop = root
        return stop

    # -------------------------------------------------------------- what happens at them
    def handle(self, pieces: Pieces) -> tuple[Pieces, bool]:
        """Log the events of some steps; return the steps up to where one changes or ends the run.

        The latter is said, too.
        """
        pieces, group, cut = self._followed(pieces)
        if not group:
            if self.variation:
                self.variation.passed(pieces, self.it)
            return pieces, False
        last, x = len(pieces) - 1, pieces.h[-1]
        if cut:
            self.it.place = pieces.at(last, x)
        if self.variation:
            slope = self.it.slope(pieces, last, x)
            self.variation.passed(pieces, self.it, stop=True)
            met = [(self.events[e.event], e.order) for e in group]
            self.variation.meet(met, self.it.t, self.it.y, slope, self.it.system.branches)
        ended = self._fire(list(dict.fromkeys(e.event for e in group)), pieces.h[0] > 0)
        if self.variation:
            self.variation.leave(ended)
        return pieces, ended

    def _followed(self, pieces: Pieces) -> tuple[Pieces, list[Found], bool]:
        """Log the events of some steps up to those that change or end the run; return the steps up
        to there, these events, and whether there were more steps.
        """
        events, seen = self.events, pieces.part(0, 0)
        for part, last in self._resolved(pieces) if events else ((pieces, True),):
            end = self.it.t if last else part.end(-1)
            for group in groups(self.find(part, end) if events else [], part):
                if any(events[e.event].left <= 1 or events[e.event].changes for e in group):
                    if last and any(e.x == 1 and e.step == len(part) - 1 for e in group):
                        return chained(seen, part), group, False
                    first = min(group, key=lambda e: (e.step, e.x))
                    met = part.until(first.step, part.h[first.step] * first.x)
                    if self.room < math.inf or len(part) > ROOM:
                        self.room = 2 * abs(met.end(-1) - pieces.t[0])
                    return chained(seen, met), group, True
                for e in group:
                    place = part.at(e.step, part.h[e.step] * e.x)
                    events[e.event].log(place)
                    if self.variation:
                        branches = self.it.system.branches
                        self.variation.logs(events[e.event], e.order, place.t, place.y, branches)
            seen = chained(seen, part)
        return seen, [], False

    def _resolved(self, pieces: Pieces) -> Iterator[tuple[Pieces, bool]]:
        """Yield the steps in parts, `resolve`d, the first ones first, and whether it is the last.

        An event that changes or ends the run does not wait for what lies behind it, be it that a
        function changes too fast in the rest of the step.
        """
        stops = any(e.changes or e.left < math.inf for e in self.functions)
        start, size = 0, 2 if stops else max(1, len(pieces))
        while start < len(pieces):
            if self.room < abs(pieces.h[start]):
                parts = list(doubling(pieces.part(start, start + 1), self.room))
                start += 1
                for part in parts:
                    yield self.resolve(part), start == len(pieces) and part is parts[-1]
                self.room = math.inf
                continue
            try:
                part = self.resolve(pieces.part(start, start + size))
            except TooFast:
                if not stops:
                    raise
                self.room = abs(pieces.h[start]) / MOST
                continue
            start += size
            yield part, start >= len(pieces)
            size = 2 * size if len(part) < MOST else 1

    def _fire(self, events: list[int], forward: bool) -> bool:
        """Do what some events at one time ask for, one after the other; whether the run ends.

        Each callback sees what those before it left.  Then an event function that they carried
        over zero is an event too, each at most once.
        """
        it, known = self.it, self.events
        if self.together is None and any(known[n].changes for n in events):
            self.read()  # in a copy that was kept
        before = after = self._values()
        changed = any(known[n].changes for n in events)
        self.changed = it.t if changed else self.changed
        if any(known[n].callback for n in events):
            self._note_change()
        fired: list[int] = []
        while events:
            for n in events:
                if n == self.doses.n:
                    for dose in self.doses.now():
                        self._log(n)
                        if dose.give is None:
                            self._become(self._state.y + dose.jump, "a dose")
                        else:
                            self._call(dose.give, "a dose")
                            self._renew()
                    continue
                self._log(n)
                if (callback := known[n].callback) is not None:
                    self._call(callback, "the callback of an event")
            fired += events
            if any(known[n].callback for n in events):
                self._renew()
            if changed:
                after = self._values()
            events = [
                event.n
                for event, a, b in zip(self.functions, before, after, strict=True)
                if event.n not in fired
                and a is not None
                and np.sign(a) * np.sign(b) < 0
                and event.crosses(int(np.sign(b)), forward)
            ]
        for event, v in zip(self.functions, after, strict=True):
            if v is not None:
                event.fired = event.n in fired
                event.end = End(int(np.sign(v)), False, v) if v and not event.fired else None
        return any(known[n].left <= 0 for n in fired)

    def _values(self) -> list[Any]:
        """Return the values of the event functions at the present state; None of a clock."""
        t, y = self.it.t, self.it.y
        return [None if self._is_clock(e) else e(t, y.copy()) for e in self.functions]

    def _is_clock(self, event: Event) -> bool:
        """Whether nothing but the time counts for an event function."""
        if event.clock and (self.given is None or event.reads is None):
            self.read()
        return event.clock and event.reads.known and self.given.known

    def _renew(self) -> None:
        """Have functions recorded anew that read what may have changed."""
        same = self.given.unchanged()
        if same and self.together.unchanged():
            return
        if self.shared and not self.together.endless and (what := self.together.changed()):
            raise TypeError(SHARED.format(what))
        for event in self.functions:
            if not (same and event.reads.unchanged()):
                event.forget()
                event.reads = Reads(event.g)
        if not (same and self.reads.unchanged()):
            self.it.renew()
            if self.variation:
                self.variation.go_on_with(self.variation.args)
        self.read()  # what changes may change back

    def _note_change(self) -> None:
        """Raise where the state is changed again and again at one time."""
        it = self.it
        last, self.repeated_at = self.repeated_at, it.t
        near = last is not None and abs(it.t - last) <= 64 * spacing(it.t)
        self.repeated = self.repeated + 1 if near else 0
        if self.repeated > 3:
            raise IntegrationError(
                f"the events accumulate at t = {it.t}: they follow each other faster than times "
                "can be told apart; stop before, with a terminal event"
            )

    def _log(self, n: int) -> None:
        self.events[n].log(self.it.place)
        if self.variation:
            self.variation.log(n)

    @property
    def _state(self) -> Any:
        """Time, state and arguments, with their derivatives if there are any."""
        return self.variation or Present(self.it.t, self.it.y, self.it.args)

    def _call(self, callback: Callable[..., Any], what: str) -> None:
        """Go on from what a callback returns, or leaves in the y and the args that it is given."""
        it, state = self.it, self._state
        y = fresh(state.y)
        new = callback(state.time, y, *state.args)
        if isinstance(new, tuple) and len(new) == 2 and isinstance(new[1], (tuple, list)):
            new, args = new[0], tuple(map(argument, new[1]))
            self._note_args(args)
        elif self.variation:
            self._note_args(self.variation.args)
        if new is None and (self.variation or not np.array_equal(y, it.y)):
            new = y
        if new is not None:
            self._become(lift(new), what)

    def _become(self, new: Any, what: str) -> None:
        """Go on from another state."""
        it = self.it
        if is_operand(new) and not self.variation:
            raise ForeignNodeError(f"{what} uses {FOREIGN}")
        low, value = it.t_low, number(new)
        try:
            if not np.array_equal(value, it.y):
                it.set_state(it.t, value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{what} leads to no state: {error}") from error
        it.t_low = low
        if self.variation:
            self.variation.y = np.stack([new])[0]

    def _note_args(self, args: tuple[Any, ...]) -> None:
        """Go on with other arguments, or with what these hold now."""
        if self.variation:
            self.variation.go_on_with(args)
        elif any(map(is_operand, args)):
            raise ForeignNodeError(f"the callback of an event uses {FOREIGN}")
        values = tuple(map(base, args))
        for event in self.functions:
            event.args = values
        self.it.args = values
        self.given.known = False

    def begin(self, given: Sequence[tuple[Any, Any]]) -> None:
        """Log doses that were given at the start: times, and states before."""
        for t, y in given:
            self.doses.t.append(self.it.t)
            self.doses.y.append(number(y) + 0 * self.it.y)
            if self.variation:
                self.variation.found.setdefault(self.doses.n, []).append((t, y))

    def result(self, wanted: bool, dosed: bool, status: int) -> dict[str, Any]:
        """Return the logs of events and doses if they are wanted, and where these have derivatives
        all else that has.
        """
        found = self.variation.result(self.it.t, status) if self.variation else {}
        logs = [self._logged(event) for event in (self.doses, *self.functions)]
        (t, y), times, states = logs[0], [t for t, _ in logs[1:]], [y for _, y in logs[1:]]
        found |= {"t_events": times, "y_events": states} if wanted else {}
        return found | ({"t_doses": t, "y_doses": y} if dosed else {})

    def _logged(self, event: Event) -> tuple[Any, Any]:
        """Return the times of an event, and the states there."""
        if self.variation:
            return self.variation.logged(event.n)
        return np.array(event.t), np.array(event.y).reshape(len(event.y), *self.it.y.shape)


def without_roots(
    events: Sequence[Event], cuts: Sequence[bool], last: Found | None = None
) -> list[Event]:
    """Return the events that have no root in steps that are looked at, as is seen at once, and have
    them go on to their end; or that have none before a `last` one.
    """
    count = len(cuts) if last is None else last.step + 1
    some = [
        (event, event.end, event.table[:count])
        for event in events
        if not (event.clock or event.fired or any(cuts[:count]))
        if event.table is not None and event.table.dtype == float
        if event.end is not None and not event.end.late
    ]
    if not some:
        return []
    tables = np.stack([table for *_, table in some])
    if last is not None:
        tables[:, -1] *= (last.x * BEYOND) ** np.arange(tables.shape[2])
    with np.errstate(all="ignore"):
        quiet = without_root(tables.reshape(-1, tables.shape[2])).reshape(tables.shape[:2])
    signs = np.array([end.sign for _, end, _ in some])
    quiet = quiet & np.isfinite(tables).all(2) & (np.sign(tables[:, :, 0]) == signs[:, None])
    found = [x for x, is_quiet in zip(some, quiet.all(1).tolist(), strict=True) if is_quiet]
    for event, end, table in found if last is None else []:
        event.end = end._replace(value=table[-1].sum())
    return [event for event, *_ in found]


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


def ends(functions: Any) -> bool:
    """Whether one of some event functions, or of none, may end an integration."""
    several = functions if isinstance(functions, (list, tuple)) else [functions]
    return any(getattr(g, "terminal", None) for g in several)
