"""Events: the roots of g(t, y(t)), found in the Taylor polynomial of g on each step.

Every root in (t0, t1] is found; a root at the start of the integration is none.  A root of even
order (g touches zero and turns, or comes as near as its rounding errors) is one event, and only of
those without a direction.  Where an event changed the state, its g counts as zero at the restart if
it is within rounding errors of it.

Where g has a kink, a jump or a branch the steps are cut, as for the right-hand side, and each part
has its own series.  A jump over zero is no root.

The roots of a function of t alone (a clock) are found beforehand, in spans of time that grow.
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from taylor.core.advice import annotate, not_called
from taylor.core.conditions import Condition
from taylor.core.deciding import deciding
from taylor.core.exponents import saturated
from taylor.core.program import Program, check_unread, expand, kept, recording
from taylor.errors import ForeignNodeError, GuardError, ShapeMismatch, TraceError, eagerly
from taylor.kept import STORE
from taylor.numbers.kinds import content, is_operand
from taylor.ode.control import finite, spacing, two_sum, unit
from taylor.ode.pieces import (
    MOST,
    Pieces,
    Place,
    TooFast,
    along,
    chained,
    doubling,
    joined,
    later,
    resolved,
    side_by_side,
)
from taylor.ode.recalled import is_polynomial, recalled
from taylor.ode.roots import derivative, roots, value, without_root
from taylor.ode.surfaces import cut
from taylor.ode.system import filled, is_linear, moving
from taylor.ode.translated import or_translated
from taylor.series.univariate import Taylor

Array = NDArray[Any]
NEAR = 2.0**-36  # of a step: roots that near to a joint of two steps may be seen in either
# a value that is zero but for rounding, in its units of the largest coefficient: after an event
# that may have changed the state, and at t0
AFTER, START = 2.0**13, 8.0
FALSE, SHORT = 0.25, 64  # of the values along a step: what is no zero; units of rounding
JUMP = 2.0**-26  # of the largest coefficient: so far apart are the sides of a jump
TOGETHER = 32.0  # units of rounding of a step: events no further apart are at one time
AHEAD = 16  # times the span before, in which roots are found beforehand
MANY = 256  # parts of a span in which roots are found beforehand, at most if it is to grow
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


class Ahead(NamedTuple):
    """A root that is known beforehand: its time, as a sum of two numbers, its slope and order."""

    t: Any
    low: Any
    slope: int
    order: int


class End(NamedTuple):
    """How an event function leaves a step: its sign, if it has just crossed zero, its value."""

    sign: int
    late: bool
    value: Any


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
        self.free = [i for i, a in enumerate(args) if _floats(a)]  # those its program takes
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
        self.reads: Any = None  # what the function reads, noted where that may change
        self.forget()

    def __call__(self, t: Any, y: Any) -> Any:
        """Return the value, checked."""
        return self._value(t, y, self.args)

    def _value(self, t: Any, y: Any, args: Sequence[Any]) -> Any:
        try:
            value = content(or_translated(self.g, (t, y, *args)))
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

    @property
    def changes(self) -> bool:
        """Whether a root of it may change the state."""
        return self.callback is not None

    @property
    def wanted(self) -> float:
        """How many roots there are before the run is another one, or ends."""
        return 1 if self.changes else self.left

    largest = math.inf  # exponentials that are as large, or larger, are constants

    def tamed(self) -> bool:
        """Whether its series overflow, but need not: it is to be looked at again."""
        wild = self.largest > 0 and self.table is not None and not finite(self.table)
        if wild:
            self.largest, self.recorded = 0.0, False
        return wild

    time: Any = None  # of the next root, with its derivatives, if it is given

    def log(self, place: Place) -> None:
        """Count an event, and keep its time and state."""
        self.left -= 1
        self.ahead[:1] = []
        self.t.append(place.t)
        self.y.append(place.y.copy())

    def forget(self) -> None:
        """What the function reads may have changed: it is to be recorded again."""
        self.recorded = False
        self.clock = self.linear = False  # whether it is a function of t alone, a linear one
        self.polynomial = False  # whether its series is that of a polynomial of t and y
        self.program: Program | None = None
        self.surfaces: Program | None = None
        self.ahead: list[Ahead] = []  # roots of a clock up to
        self.known: Any = None
        self.room: Any = math.inf  # of a span in which it changes fast: what is looked at first

    def apart(self, args: tuple[Any, ...]) -> Self:
        """Return the same function for another run, in which these arguments are other numbers."""
        new = copy.copy(self)
        new.args, new.t, new.y, new.ahead, new.known = args, [], [], [], None
        new.fired, new.end, new.left = False, None, _count(getattr(self.g, "terminal", None))
        return new

    def begin_anew(self, fired: bool) -> None:
        """Go on from another place, or the other way; a root there that `fired` is none again."""
        self.fired, self.end, self.ahead, self.known = fired, None, [], None

    def rearm(self) -> None:
        """Count anew up to the next event that ends the run, after one that did."""
        if self.left <= 0:
            self.left = _count(self.g.terminal)

    def __getstate__(self) -> dict[str, Any]:
        lost = {"reads": None, "program": None, "surfaces": None, "recorded": False}
        return self.__dict__ | lost | {"parts": [], "table": None}

    def enter(self, t: Any, y: Array) -> None:
        """Look at a run from here on, where no root is near."""
        value = self(t, y.copy())
        self.fired, self.end = False, End(_sign(value), False, value) if value else None

    @property
    def parameters(self) -> list[Any]:
        """The arguments that its program takes: floats and arrays of them."""
        return [self.args[i] for i in self.free]

    def _record(self, t: Any, y: Array) -> Program:
        def g(t: Any, y: Any, *p: Any) -> Any:
            return self._value(t, y, filled(self.args, self.free, p))

        x = t, y, *self.parameters
        anew = functools.partial(recording, g, *x)
        whole = len(self.free) == len(self.args)
        try:
            recorded, values = recalled(self.g, "event", x, anew) if whole else anew()
        except TraceError:
            if not self.free:
                raise
            self.free = []  # they decide on what it does: constants
            recorded, values = recording(g, t, y)
        if np.asarray(t).dtype == float and (
            f := saturated(recorded, values, self.largest, rates=False)
        ):
            recorded, _ = recording(f, t, y, *self.parameters)
        return recorded

    def record(self, t: Any, y: Array) -> None:
        """Have the program of the function, and of where it branches, if it can be recorded."""
        if self.recorded and not (self.program and self.program.guards):
            return
        self.recorded, self.program, self.surfaces = True, None, None
        self.polynomial = False
        try:
            recorded = self._record(t, y)
        except TraceError as error:
            eagerly(f"event {self.n}", error, self.strict)
            return
        if any(is_operand(i.op.constant) for i in recorded.code):
            raise ForeignNodeError(f"event {self.n} uses {FOREIGN}")
        self.program, surfaces = kept(expand, recorded), kept(deciding, recorded)
        self.surfaces = surfaces if surfaces.outputs else None
        of_y = moving(recorded, recorded.inputs[1:2])
        self.clock = not recorded.guards and of_y.isdisjoint(recorded.outputs)
        self.linear = self.clock and is_linear(recorded)
        self.polynomial = is_polynomial(recorded)

    def divide(self, pieces: Pieces, cuts: set[Any]) -> Pieces:
        """Return the steps cut where the function branches, and add to the times of the cuts.

        Beyond a comparison by Python it has another program, which may branch elsewhere.
        """
        done, self.parts = pieces.part(0, 0), []
        while True:
            self.record(pieces.t[0], pieces.coef[0, 0])
            found = set[Any]()
            if self.surfaces is not None:
                p = self.parameters
                along_them = resolved(self.surfaces, pieces, p, self.strict, self.clock)
                pieces, found = cut(self.surfaces, p, *along_them)
                cuts |= found
            guarded = self.program is not None and self.program.guards
            if guarded and pieces.t[0] in found:  # begun beyond a surface
                continue
            self.parts.append((pieces.t[0], self.program))
            later = [i for i in range(1, len(pieces)) if pieces.t[i] in found]
            if not later or not guarded:
                return chained(done, pieces) if len(done) else pieces
            done = chained(done, pieces.part(0, later[0]))
            pieces = pieces.part(later[0], len(pieces))

    @property
    def plain(self) -> bool:
        """Whether one program gives its series, wherever it is evaluated."""
        (_, program), *more = self.parts
        return program is not None and not (program.guards or more)

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
            part, p = pieces.part(a, b), self.parameters
            given: Any = program, part, p, self.strict, self.clock
            try:
                part, (table,) = resolved(*given) if divide else (given[1], along(*given))
            except GuardError:  # it branches at the start, where that cannot be told
                return pieces
            steps = chained(steps, part)
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

    def foresee(self, place: Place, order: int, end: Any, last: Any) -> None:
        """Have the roots of a clock from a place to a time at least, and more of them up to `last`.

        The spans in which they are found grow, unless these have to be divided into many parts, or
        the function is not smooth so far ahead.
        """
        sign = 1 if last > place.t else -1
        if self.known is None:
            everywhere = self.linear and finite(np.asarray(last))
            self.known, self.span = place.t, abs(last - place.t) if everywhere else 0 * place.t
        while sign * (end - self.known) > 0 and len(self.ahead) < self.wanted:
            t = self.known
            least, rest = sign * (end - t), sign * (last - t)
            low = place.t_low if t == place.t else 0 * t
            coef = np.stack([place.y, *[0 * place.y] * order])
            step = joined([(t, low, sign * least, coef)])
            if self.room < least:
                self._foresee_some(step, end, end == last)
                continue
            h = min(AHEAD * max(least, self.span), rest)
            try:
                parts = self._roots_ahead(joined([(t, low, sign * h, coef)]), h == rest)
            except ValueError:
                h = least
                try:
                    parts = self._roots_ahead(step, h == rest)
                except TooFast:
                    if self.wanted == math.inf:
                        raise
                    self.room = least / MOST
                    continue
            self.known = last if h == rest else end if h == least else t + sign * h
            self.span = h if parts <= MANY else 0 * h

    def _foresee_some(self, step: Pieces, end: Any, closing: bool) -> None:
        """Have the roots that are wanted in a step, or all of them up to its end."""
        parts = list(doubling(step, self.room))
        for part in parts:
            last = part is parts[-1]
            self._roots_ahead(part, closing and last)
            self.known = end if last else part.end(-1)
            if len(self.ahead) >= self.wanted:
                self.room = 2 * abs(self.known - step.t[0])
                return
        self.room = math.inf

    def _roots_ahead(self, pieces: Pieces, closing: bool) -> int:
        """Have the roots in a span, and return into how many parts it was divided."""
        pieces, cuts = settled([self], pieces)
        for f in self.find(pieces, [t in cuts for t in pieces.t], closing):
            if self.crosses(f.slope, bool(pieces.h[0] > 0)):
                self.ahead.append(Ahead(*self._time(pieces, f), f.slope, f.order))
        return len(pieces)

    def _time(self, pieces: Pieces, f: Found) -> tuple[Any, Any]:
        """Return the time of a root of a clock, exact to its own rounding errors, which may be less
        than those of the step.
        """
        assert self.table is not None
        h, c = pieces.h[f.step], self.table[f.step]
        at = pieces.at(f.step, h * f.x)
        slope = derivative(c, f.x)
        if f.order > 1 or not slope:
            return at.t, at.t_low
        with np.errstate(all="ignore"):
            t, low = two_sum(at.t, -h * (self(at.t, at.y) / slope))
        near = abs(t - at.t) <= SHORT * spacing(max(abs(pieces.t[f.step]), abs(h)))
        return (t, low) if near else (at.t, at.t_low)

    def due(self, pieces: Pieces, end: Any) -> list[Found]:
        """Return the roots of a clock that lie in some steps up to a time."""
        found: list[Found] = []
        sign = 1 if pieces.h[0] > 0 else -1
        for root in self.ahead:
            if sign * (root.t - end) > 0:
                break
            if root.t == end:
                x = 0 * pieces.h[0] + 1
                found.append(Found(len(pieces) - 1, x, self.n, root.slope, root.order))
                continue
            i = max(int(np.searchsorted(sign * pieces.t, sign * root.t)) - 1, 0)
            x = ((root.t - pieces.t[i]) + (root.low - pieces.low[i])) / pieces.h[i]
            found.append(Found(i, min(max(x, 0 * x), 0 * x + 1), self.n, root.slope, root.order))
        return found

    def find(self, pieces: Pieces, cuts: Sequence[bool], closing: bool = False) -> list[Found]:
        """Return the events in the steps, of which `look` has the series.

        `cuts` says before which of them the function jumps, `closing` that the last of them ends
        the run: what is zero there but for rounding is so.
        """
        series = self._step_by_step(pieces) if self.table is None else self.table.copy()
        if np.iscomplexobj(series):
            raise TypeError(f"event {self.n} is complex; the roots of a real function are found")
        # what is zero at the start but for rounding is so
        close = AFTER if self.fired else START if self.end is None else 0.0
        if finite(series[0]):
            size = unit(series) * np.abs(series[0]).max()
            moved = _moved(series[0, 1], pieces, 0, 0 * size)
            if abs(series[0, 0]) <= close * max(size, moved):
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
        if closing:
            mine += self._at_end(
                pieces, series[-1], [f.x for f in mine if f.step == len(pieces) - 1]
            )
        if not self.polynomial:
            mine = [f for f in mine if self._is_root(pieces, f, series[f.step, 0])]
        found = self._joined(series, mine, pieces, cuts)
        self.fired = False
        return found

    def _at_end(self, pieces: Pieces, c: Array, others: list[Any]) -> list[Found]:
        """Return the root at the end of the last step, if it is one but for rounding."""
        one = 0 * c[0] + 1
        slope = derivative(c, one)
        close = START * max(unit(c) * np.abs(c).max(), _moved(slope, pieces, -1, one))
        if max(others, default=0) > 1 - NEAR or not slope or not abs(c.sum()) <= close:
            return []
        return [Found(len(pieces) - 1, one, self.n, _sign(slope))]

    def _is_root(self, pieces: Pieces, found: Found, first: Any) -> bool:
        """Whether the function itself is zero there, next to its values along the step, of which
        the first is given.

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
        here = size(found.x)
        if found.x > APART and here <= FALSE * abs(first):
            return True
        others = [size(x) for x in (0.5, 1.0) if abs(x - found.x) > APART]
        others += [abs(first)] if found.x > APART else []
        return bool(here <= FALSE * max(filter(finite, others), default=0.0))

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
                    here[:0] = [joint] if self._is_root(pieces, joint, c[0]) else []
                elif settled and settled[-1].step == i - 1:
                    settled[-1] = settled[-1]._replace(slope=0)
            settled += here
            late = bool(here) and bool(here[-1].x > 1 - NEAR)
            sign = here[-1].slope if late else 0  # the value itself may be one of rounding
            end = End(sign or _sign(last), late, last)
        self.end = end
        return settled


def settled(events: Sequence[Event], pieces: Pieces) -> tuple[Pieces, set[Any]]:
    """Have the series of event functions along steps; return these, and at which times they were
    cut, as functions branch there.

    They are divided where a series is shorter than that of the solution.  Where one has no series
    at the start, as a root has none at zero, they begin a little later.
    """
    cuts: set[Any] = set()
    for event in events:
        pieces = event.divide(pieces, cuts)
    found = _look(events, pieces)
    if any([event.tamed() for event in events]):
        return settled(events, pieces)
    smooth = all(event.table is None or finite(event.table[0]) for event in events)
    return (found if smooth else _look(events, later(pieces))), cuts


def _look(events: Sequence[Event], pieces: Pieces) -> Pieces:
    first, alone = events[0], list(events)
    abreast = [e for e in events if e.plain and e.free == first.free and e.args is first.args]
    if len(abreast) > 1:
        alone = [event for event in events if event not in abreast]
        programs = [program for event in abreast for _, program in event.parts if program]
        names = [program.identity for program in programs]
        program = STORE.made(lambda: side_by_side(programs), "side by side", *names)
        pieces, tables = resolved(program, pieces, first.parameters, first.strict)
        for event, table in zip(abreast, tables, strict=True):
            event.table = table
    for event in alone:
        pieces = event.look(pieces, True)
    for event in events:
        if event.table is not None and len(event.table) < len(pieces):  # divided for another
            event.look(pieces, False)
    return pieces


def _floats(x: Any) -> bool:
    """Whether an argument is a float or an array of them."""
    return isinstance(x, (float, np.ndarray)) and np.asarray(x).dtype == np.float64


def _moved(slope: Any, pieces: Pieces, i: int, x: Any) -> Any:
    """Return by how much a series with that slope at x of step i changes as the time there changes
    by rounding.
    """
    return abs(slope / pieces.h[i]) * spacing(pieces.t[i] + pieces.h[i] * x)


def _sign(x: Any) -> int:
    return int(x > 0) - int(x < 0)


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
