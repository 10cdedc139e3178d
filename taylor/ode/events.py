"""Events: the roots of g(t, y(t)), found in the Taylor polynomial of g on each step.

Every root in (t0, t1] is found; a root at the start of the integration is none.  A root of even
order (g touches zero and turns, or comes as near as its rounding errors) is one event, and only of
those without a direction.  Where an event changed the state, its g counts as zero at the restart if
it is within rounding errors of it.

Where g has a kink, a jump or a branch the steps are cut, as for the right-hand side, and each part
has its own series.  A jump over zero is no root.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from taylor.core.conditions import Condition
from taylor.core.expand import deciding, expand, kept
from taylor.core.program import Program, record
from taylor.core.tape import check_unread
from taylor.errors import GuardError, ShapeMismatch, TraceError, eagerly
from taylor.ode.numbers import spacing
from taylor.ode.pieces import Pieces, along, resolved
from taylor.ode.roots import roots, value, without_root
from taylor.ode.surfaces import cut
from taylor.series.univariate import Taylor

Array = Any
NEAR = 2.0**-36  # of a step: roots that near to a joint of two steps may be seen in either
# a value that is zero but for rounding, in units of the largest coefficient: after an event that
# may have changed the state, and at t0
AFTER, START = 2.0**-40, 2.0**-50
FALSE, SHORT = 0.25, 64  # of the values along a step: what is no zero; units of rounding
JUMP = 2.0**-26  # of the largest coefficient: so far apart are the sides of a jump
TOGETHER = 2.0**-48  # of a step: events no further apart are at one time


class Found(NamedTuple):
    """An event: in which step, where in it (of its length 1), of which function, rising or not."""

    step: int
    x: Any
    event: int
    slope: int


class End(NamedTuple):
    """How an event function leaves a step: its sign, if it has just crossed zero, its value."""

    sign: int
    late: bool
    value: Any


class Events:
    """The event functions of an integration, with the attributes that SciPy gives them.

    `terminal` (a number: after so many of them), `direction` (the sign of dg/dt of the roots that
    count), and `callback(t, y, *args)`, called at each event: it returns None, a new state, or
    (new state, new args).
    """

    def __init__(self, functions: Any, args: Sequence[Any], strict: bool = False) -> None:
        if functions is None:
            functions = []
        self.functions: list[Callable[..., Any]] = (
            [functions] if callable(functions) else list(functions)
        )
        for g in self.functions:
            if not callable(g):
                raise TypeError(f"an event is a function of (t, y, *args), not {g!r}")
        self.args, self.strict = tuple(args), strict
        self.direction = [_direction(getattr(g, "direction", None)) for g in self.functions]
        self.left = [_count(getattr(g, "terminal", None)) for g in self.functions]
        self.callback = [getattr(g, "callback", None) for g in self.functions]
        for c in self.callback:
            if c is not None and not callable(c):
                raise TypeError(
                    f"the callback of an event is a function of (t, y, *args), not {c!r}"
                )
        self.programs: list[tuple[tuple[int, ...], Program | None]] = []  # of which; None: of none
        self.surfaces: list[Program] = []  # where they branch
        self.cuts: set[Any] = set()  # the times at which steps were cut there
        self.fired: set[int] = set()  # the events at the start of the next step
        self.ends: list[End | None] = [None] * len(self.functions)

    def __len__(self) -> int:
        return len(self.functions)

    def restart(self, fired: set[int], values: Sequence[Any]) -> None:
        """Go on from events that cut the steps short, and the values of all after them."""
        self.fired = fired
        self.ends = [
            End(int(np.sign(v)), False, v) if v and n not in fired else None
            for n, v in enumerate(values)
        ]
        if any(self.callback[n] for n in fired):  # what the functions read may have changed
            self.programs, self.surfaces = [], []

    def series(self, pieces: Pieces) -> list[Array]:
        """Return the series of the event functions along the steps, in units of their lengths."""
        tables: dict[int, Array] = {}
        for events, program in self.programs:
            try:
                if program is None:
                    raise GuardError("not recorded")
                tables.update(zip(events, along(program, pieces, [], self.strict), strict=True))
            except GuardError:  # it branches on the way: each step for itself
                tables.update((n, self._step_by_step(n, pieces)) for n in events)
        for n, table in tables.items():
            if np.iscomplexobj(table):
                raise TypeError(f"event {n} is complex; the roots of a real function are found")
        return [tables[n] for n in range(len(self))]

    def _step_by_step(self, n: int, pieces: Pieces) -> Array:
        flow, order = self._flow(n), pieces.coef.shape[1] - 1
        rows = []
        for i in range(len(pieces)):
            t = Taylor(np.array([pieces.t[i], 1 + 0 * pieces.t[i]] + [0] * (order - 1)))
            value = flow(t, Taylor(pieces.coef[i]))
            constant = [value] + [0] * order
            rows.append(value.coef if isinstance(value, Taylor) else np.array(constant))
        return pieces.scaled(np.stack(rows))

    def _flow(self, n: int) -> Callable[[Any, Any], Any]:
        def flow(t: Any, y: Any) -> Any:
            value = self.functions[n](t, y, *self.args)
            if isinstance(value, (bool, np.bool_, Condition)):
                raise TypeError(
                    f"event {n} returned a condition: return a number that crosses zero where the "
                    "condition changes"
                )
            if np.size(value) != 1:
                raise ShapeMismatch(f"event {n} returned the shape {np.shape(value)}, not a number")
            check_unread((t, y))
            return np.reshape(value, ())

        return flow

    def resolve(self, pieces: Pieces) -> Pieces:
        """Return the steps, cut where an event function branches, and divided where its series is
        shorter than that of the solution.
        """
        if not self.programs and len(self):
            self._record(pieces.t[0], pieces.coef[0, 0])
        self.cuts = set()
        for surfaces in self.surfaces:
            pieces, cuts = cut(surfaces, resolved([surfaces], pieces, [], self.strict))
            self.cuts |= cuts
        for _, program in self.programs:
            if program is not None:
                with contextlib.suppress(GuardError):  # found out step by step
                    pieces = resolved([program], pieces, [], self.strict)
        return pieces

    def _record(self, t: Any, y: Array) -> None:
        """Record all functions as one program, or each for itself if they branch."""
        flows = [self._flow(n) for n in range(len(self))]
        try:
            recorded = record(lambda t, y: tuple(g(t, y) for g in flows), t, y)
            if not recorded.guards:
                self._keep(tuple(range(len(self))), recorded)
                return
        except TraceError:
            pass
        for n, g in enumerate(flows):
            try:
                self._keep((n,), record(g, t, y))
            except TraceError as error:
                self.programs.append(((n,), None))
                eagerly(f"event {n}", error, self.strict)

    def _keep(self, events: tuple[int, ...], recorded: Program) -> None:
        self.programs.append((events, kept(expand, recorded)))
        surfaces = kept(deciding, recorded)
        if surfaces.outputs:
            self.surfaces.append(surfaces)

    def values(self, t: Any, y: Array) -> list[Any]:
        """Return the values of the event functions at one point."""
        return [self._flow(n)(t, y.copy()) for n in range(len(self))]

    def crosses(self, n: int, slope: int, forward: bool) -> bool:
        """Whether event n counts a crossing with that slope in the direction of integration."""
        wanted = np.sign(self.direction[n])
        return not wanted or (slope if forward else -slope) == wanted

    def find(self, pieces: Pieces) -> list[Found]:
        """Return the events in some steps, in the order of integration."""
        found: list[Found] = []
        for n, series in enumerate(self.series(pieces)):
            self._mend(n, series)
            if not np.any(series):
                raise ValueError(
                    f"event {n} is zero all along a step: its roots are not points in time"
                )
            quiet = np.zeros(len(series), bool)
            if series.dtype != object:
                bad = np.flatnonzero(~np.isfinite(series).all(axis=1))
                if len(bad):
                    raise ValueError(
                        f"event {n} has no finite Taylor series at t = {pieces.t[bad[0]]}: it is "
                        "nan or inf there, or not smooth (as sqrt at 0)"
                    )
                quiet = without_root(series)
            mine = [
                Found(int(i), root.x, n, root.slope)
                for i in np.flatnonzero(~quiet)
                for root in roots(series[i])
            ]
            mine = [f for f in mine if self._is_root(n, pieces, f)]
            found += self._joined(n, series, mine, [t in self.cuts for t in pieces.t])
        self.fired = set()
        forward = bool(len(pieces) and pieces.h[0] > 0)
        chosen = [f for f in found if self.crosses(f.event, f.slope, forward)]
        return sorted(chosen, key=lambda f: (f.step, f.x))

    def _is_root(self, n: int, pieces: Pieces, found: Found) -> bool:
        """Whether the function itself is zero there, next to its values along the step.

        Where a step begins beside a singularity of it, its series is not that of the function.  On
        a step of some units of rounding nothing can be told.
        """
        flow, i = self._flow(n), found.step
        h = pieces.h[i]

        def size(x: Any) -> Any:
            return abs(flow(pieces.t[i] + h * x, value(pieces.coef[i], h * x)))

        if abs(h) <= SHORT * spacing(pieces.t[i]):
            return True
        return bool(size(found.x) <= FALSE * max(map(size, (0.0, 0.5, 1.0))))

    def _mend(self, n: int, series: Array) -> None:
        """Set the value at the start to zero, where it is so but for rounding."""
        close = AFTER if n in self.fired else START if self.ends[n] is None else 0.0
        if abs(series[0, 0]) <= close * np.abs(series[0]).max():
            series[0, 0] = 0

    def _joined(
        self, n: int, series: Array, mine: list[Found], cuts: Sequence[bool]
    ) -> list[Found]:
        """Return the roots, each joint of two steps settled.

        At a joint both polynomials are equal but for rounding, unless the function jumps there.
        Where their signs differ, a crossing seen on both sides is one, one seen on neither is at
        the joint, and one seen on one side only is a touch.
        """
        end = None if n in self.fired else self.ends[n]
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
                    here.insert(0, Found(i, lead * 0, n, begins))
                elif settled and settled[-1].step == i - 1:
                    settled[-1] = settled[-1]._replace(slope=0)
            settled += here
            late = bool(here) and bool(here[-1].x > 1 - NEAR)
            sign = here[-1].slope if late else 0  # the value itself may be one of rounding
            end = End(sign or _sign(last), late, last)
        self.ends[n] = end
        return settled


def groups(found: Sequence[Found], pieces: Pieces, start: int = 0) -> Iterator[list[Found]]:
    """Yield the events that are at one time but for rounding, by their place in the list.

    They were found in the steps from `start` on.
    """
    group: list[Found] = []
    for event in (e._replace(step=e.step + start) for e in found):
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
    return bool(apart <= 8 * spacing(pieces.t[a.step]) + TOGETHER * abs(h))


def _sign(x: Any) -> int:
    return int(x > 0) - int(x < 0)


def _count(terminal: Any) -> float:
    """Return after how many events the integration ends."""
    if terminal is None or terminal is False:
        return float("inf")
    if isinstance(terminal, str) or int(terminal) != terminal or terminal < 1:
        raise ValueError(f"terminal is a positive integer or a bool, not {terminal!r}")
    return float(terminal)


def _direction(direction: Any) -> float:
    """Return the sign of the slopes of the roots that count, or 0 for all."""
    if direction is None:
        return 0.0
    if isinstance(direction, str) or direction != direction:
        raise ValueError(f"direction is a number whose sign counts, not {direction!r}")
    return float(direction)
