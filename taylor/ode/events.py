"""Events: the roots of g(t, y(t)), found in the Taylor polynomial of g on each step.

Every root in (t0, t1] is found; a root at the start of the integration is none.  A root of even
order (g touches zero and turns, or comes as near as its rounding errors) is one event, and only of
those without a direction.  Where an event changed the state, its g counts as zero at the restart if
it is within rounding errors of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from taylor.conditions import Condition
from taylor.errors import GuardError, ShapeMismatch, TraceError
from taylor.expand import expand, kept
from taylor.ode.pieces import Pieces, along, resolved
from taylor.ode.roots import roots, without_root
from taylor.program import Program, record
from taylor.univariate import Taylor

Array = Any
NEAR = 2.0**-36  # of a step: roots that near to a joint of two steps may be seen in either
# a value that is zero but for rounding, in units of the largest coefficient: after an event that
# may have changed the state, and at t0
AFTER, START = 2.0**-40, 2.0**-50


class Found(NamedTuple):
    """An event: in which step, where in it (of its length 1), of which function, rising or not."""

    step: int
    x: Any
    event: int
    slope: int


class End(NamedTuple):
    """How an event function leaves a step: its sign, and whether it has just crossed zero."""

    sign: int
    late: bool


class Events:
    """The event functions of an integration, with the attributes that SciPy gives them.

    `terminal` (a number: after so many of them), `direction` (the sign of dg/dt of the roots that
    count), and `callback(t, y, *args)`, called at each event: it returns None, a new state, or
    (new state, new args).
    """

    def __init__(self, functions: Any, args: Sequence[Any]) -> None:
        if functions is None:
            functions = []
        self.functions: list[Callable[..., Any]] = (
            [functions] if callable(functions) else list(functions)
        )
        for g in self.functions:
            if not callable(g):
                raise TypeError(f"an event is a function of (t, y, *args), not {g!r}")
        self.args = tuple(args)
        self.direction = [_direction(getattr(g, "direction", None)) for g in self.functions]
        self.left = [_count(getattr(g, "terminal", None)) for g in self.functions]
        self.callback = [getattr(g, "callback", None) for g in self.functions]
        for c in self.callback:
            if c is not None and not callable(c):
                raise TypeError(
                    f"the callback of an event is a function of (t, y, *args), not {c!r}"
                )
        self.programs: dict[int, Program | None] = {}  # None: it cannot be recorded
        self.fired: set[int] = set()  # the events at the start of the next step
        self.ends: list[End | None] = [None] * len(self.functions)

    def __len__(self) -> int:
        return len(self.functions)

    def restart(self, fired: set[int]) -> None:
        """Go on from events that cut the steps short."""
        self.fired = fired
        self.ends = [None] * len(self)

    def series(self, n: int, pieces: Pieces) -> Array:
        """Return the series of one event function along the steps, in units of their lengths."""
        flow, program = self._flow(n), self.programs[n]
        try:
            if program is None:
                raise GuardError("not recorded")
            (table,) = along(program, pieces, [])
        except GuardError:  # it branches on the way: each step for itself
            order = pieces.coef.shape[1] - 1
            rows = []
            for i in range(len(pieces)):
                t = Taylor(np.array([pieces.t[i], 1 + 0 * pieces.t[i]] + [0] * (order - 1)))
                value = flow(t, Taylor(pieces.coef[i]))
                constant = [value] + [0] * order
                rows.append(value.coef if isinstance(value, Taylor) else np.array(constant))
            table = np.stack(rows)
        if np.iscomplexobj(table):
            raise TypeError(f"event {n} is complex; the roots of a real function are found")
        h = pieces.h.reshape(-1, 1)
        return table * h ** np.arange(table.shape[1])

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
            return np.reshape(value, ())

        return flow

    def resolve(self, pieces: Pieces) -> Pieces:
        """Return the steps, divided where an event has a shorter series than the solution."""
        for n in range(len(self)):
            if n not in self.programs:
                try:
                    recorded = record(self._flow(n), pieces.t[0], pieces.coef[0, 0])
                    self.programs[n] = kept(expand, recorded)
                except TraceError:
                    self.programs[n] = None
        for program in self.programs.values():
            if program is not None:
                with contextlib.suppress(GuardError):  # found out step by step
                    pieces = resolved([program], pieces, [])
        return pieces

    def find(self, pieces: Pieces) -> list[Found]:
        """Return the events in some steps, in the order of integration."""
        found: list[Found] = []
        for n in range(len(self)):
            series = self.series(n, pieces)
            self._mend(n, series)
            if not np.any(series):
                raise ValueError(
                    f"event {n} is zero all along a step: its roots are not points in time"
                )
            quiet = np.zeros(len(series), bool)
            if series.dtype != object:
                quiet = without_root(series)
            mine = [
                Found(int(i), root.x, n, root.slope)
                for i in np.flatnonzero(~quiet)
                for root in roots(series[i])
            ]
            found += self._joined(n, series, mine)
        self.fired = set()
        forward = len(pieces) and pieces.h[0] > 0
        chosen = [
            f
            for f in found
            if not self.direction[f.event]
            or (f.slope if forward else -f.slope) == np.sign(self.direction[f.event])
        ]
        return sorted(chosen, key=lambda f: (f.step, f.x))

    def _mend(self, n: int, series: Array) -> None:
        """Set the value at the start to zero, where it is so but for rounding."""
        close = AFTER if n in self.fired else START if self.ends[n] is None else 0.0
        if abs(series[0, 0]) <= close * np.abs(series[0]).max():
            series[0, 0] = 0

    def _joined(self, n: int, series: Array, mine: list[Found]) -> list[Found]:
        """Return the roots, each joint of two steps settled.

        At a joint both polynomials are equal but for rounding.  Where their signs differ, a
        crossing seen on both sides is one, one seen on neither is at the joint, and one seen on
        one side only is a touch.
        """
        end = None if n in self.fired else self.ends[n]
        kept: list[Found] = []
        leads = series[np.arange(len(series)), np.argmax(series != 0, axis=1)]
        for i, (lead, last) in enumerate(zip(leads, series.sum(axis=1), strict=True)):
            here = [f for f in mine if f.step == i]
            begins = _sign(lead)
            if end is not None and end.sign * begins < 0:
                near = [f for f in here if f.x < NEAR]
                if near and end.late:
                    here.remove(near[0])
                elif near:
                    here[0] = near[0]._replace(slope=0)
                elif not end.late:
                    here.insert(0, Found(i, lead * 0, n, begins))
                elif kept and kept[-1].step == i - 1:
                    kept[-1] = kept[-1]._replace(slope=0)
            kept += here
            late = bool(here) and bool(here[-1].x > 1 - NEAR)
            sign = here[-1].slope if late else 0  # the value itself may be one of rounding
            end = End(sign or _sign(last), late)
        self.ends[n] = end
        return kept


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
