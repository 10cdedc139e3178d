"""Derivatives through events: the state of a run as a function of y0, args and times.

The time T of an event is an implicit function: with the flow φ(t, y, τ) from (t, y) over a time τ,

    g(T, φ(t, y, T - t)) = 0,     y(T) = φ(t, y, T - t),     y⁺ = φ(T, reset(T, y(T)), t - T),

where t is the plain number T.  So T - t is zero but for its derivatives, and y⁺ is the state at t
from which the run goes on.  To first order that is the saltation matrix (Leine & Nijmeijer,
Dynamics and Bifurcations of Non-Smooth Mechanical Systems, 2004, chapter 7).  T is differentiated
by the implicit function theorem, φ as flows are: so there are derivatives of any order and mode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.copies import frozen
from taylor.core.memory import fresh
from taylor.core.operand import lift
from taylor.drivers.evolution import has_nodes
from taylor.errors import IntegrationError, NonAnalyticError
from taylor.numbers.kinds import base, is_operand
from taylor.ode.control import norm, spacing
from taylor.ode.dense import Solution
from taylor.ode.flow import (
    Course,
    as_now,
    common_delay,
    delay_of,
    edge,
    expansion,
    flow,
    in_steps,
    integrator,
    jumps,
    number,
    numeric,
    plain_of,
    point_of,
)
from taylor.ode.integrator import Integrator
from taylor.ode.moved import check_known, moved, order_of, regular
from taylor.ode.options import Options, argument
from taylor.ode.pieces import Pieces
from taylor.ode.record import Record
from taylor.ode.sliding import Sliding, Turn
from taylor.ode.system import filled
from taylor.ode.translated import or_translated
from taylor.series.series import Series

Array = NDArray[Any]
Function = Callable[..., Any]
TOGETHER = (
    "several doses or events meet at t = {}, and the time of a dose moves: the solution has no "
    "derivative, as their order changes; make doses at one time one, with the sum of their jumps"
)
ONCE = (
    "a run begins to slide along a surface on which fun jumps at its start, or leaves it at once, "
    "at t = {}: it has no derivatives there"
)
CHANGED = (
    "an event changes the state at t = {} while it slides along a surface on which fun jumps: it "
    "has no derivatives; end the run there, and go on with another one"
)
SAME = 1e-7  # of rates, relative to them: a difference that is none
BEFORE = 4  # times as far before a surface at which fun jumps the run to it ends
SHORT = 64  # units of rounding of the time of an event: so near fun may not jump


class Variation:
    """The state of a run at a plain time or at an event, and what was found on the way.

    `wanted` are the times of the states that are asked for, which may be series, too; None: the
    ends of the steps.  Whoever runs the plain system says which steps it has `passed`, and where it
    meets events (`meet`), changes the state (`y`, `args`) and goes on (`leave`).
    """

    def __init__(
        self,
        fun: Function,
        t_span: Sequence[Any],
        y0: Any,
        args: Sequence[Any],
        options: Options,
        wanted: Any,
        dense: bool,
    ) -> None:
        self.fun, self.options = fun, options
        t0, self.t1 = map(lift, t_span)
        times = None if wanted is None else [lift(t) for t in wanted]
        given = *map(argument, args), t0, self.t1, lift(y0), *(times or ())
        for x in given:
            _pin(x)
        self.recorded = any(map(has_nodes, given))
        self.go_on_with(tuple(args))
        self.t = self.time = _at(t0)  # of the state: as a plain number, with its derivatives
        self.sign = -1 if _at(self.t1) < self.t else 1
        self.ends = {self.t: t0, _at(self.t1): self.t1}
        self.y = self._moved(t0, point_of(y0), self.t - t0)
        self.wanted = None if times is None else [(_at(t), t) for t in times]
        self.waiting: list[tuple[Any, Callable[[Any, Any], None]]] = []  # for states at times
        self.times: list[Any] = []
        self.states: list[Any] = []
        self.found: dict[int, list[tuple[Any, Any]]] = {}  # by the number of the event
        self.dense, self.pieces = dense, list[Pieces]()
        self.starts: list[Any] = []  # of steps that were passed, for dense nodes
        self.coefs: list[tuple[Array, Any]] = []  # starts of steps, and series there, of nodes
        self.rate: Any = None  # with which the run has to go on
        self.jumps = False  # whether fun jumps at the present time
        self.failed = False
        self.off: Any = None  # fun, where the run has just left a surface along which it slid
        self._ask(self.t, stop=False)

    def carry(self, given: Sequence[Any]) -> None:
        """Have the state carry, from the start, the derivatives that some arrays have."""
        for x in given:
            self.y = self.y + 0 * np.sum(x)
        if not self.recorded and any(map(has_nodes, given)):
            self.recorded = True
            self.go_on_with(self.args)

    def go_on_with(self, args: tuple[Any, ...]) -> None:
        """Go on with other arguments, or with what they or fun may now hold."""
        self.args = tuple(map(argument, args))
        # as they are now, where a reverse sweep needs them later
        self.held = (self.fun, self.args)
        if self.recorded:
            self.held = as_now(*self.held)
        self.last: Any = None  # the system in plain numbers, and its integrator, for fun of these
        self.numbers: Any = None
        self.kept: dict[str, Any] = {}

    # -------------------------------------------------------------- along the steps
    def passed(self, pieces: Pieces, it: Integrator, stop: bool = False) -> None:
        """Note steps of an integrator, and whether they lead to an event to `meet`."""
        if self.rate is not None and len(pieces):
            self._check_rate(it.slope(pieces, 0, 0 * pieces.h[0]), self.rate)
            self.rate = None
        if self.dense and self.recorded:
            self.starts += pieces.t.tolist()
        if self.wanted is None:
            for end in pieces.t[1:]:
                self._wait(end, end)
        self._ask(it.t, stop)
        if self.off is not None and len(pieces):
            self._come_first(pieces.t[0] + pieces.h[0] / 2)
            self.fun, self.off = self.off, None
            self.go_on_with(self.args)
        while it.turns:
            self._turn(it.turns.pop(0))

    def _come_first(self, t: Any) -> None:
        """Go on to a plain time, which some wait for states behind."""
        later = [w for w in self.waiting if self.sign * (w[0] - t) > 0]
        starts = [s for s in self.starts if self.sign * (s - t) >= 0]
        self.waiting = [w for w in self.waiting if self.sign * (w[0] - t) <= 0]
        self.starts = [s for s in self.starts if self.sign * (s - t) < 0]
        self._come(t)
        self.waiting, self.starts = later, starts

    def _turn(self, turn: Turn) -> None:
        """Begin to slide along a surface, or leave it, at a time that varies."""
        t = turn.t - self.sign * BEFORE * self._near(turn.t)
        if self.sign * (t - self.t) <= 0 or turn.side is None:
            raise NonAnalyticError(ONCE.format(turn.t))
        self._come_first(t)
        f, p, places = numeric(*self.held)
        args, y = self.held[1], point_of(self.y)

        def g(t: Any, y: Any, *p: Any) -> Any:
            return turn.vanishes(t, y, *filled(args, places, p))

        root, theta = delay_of(f, g, t, y, p)
        delay = 0 * t if root is None else root(theta)
        y = moved(f, t, y, delay, p)
        y = y + (turn.y - number(y))
        self.off = turn.slid.fun if turn.side else None
        self.fun = turn.fun
        self.go_on_with(self.args)
        f, p, _ = numeric(*self.held)
        self.t = self.time = turn.t
        self.y = moved(f, turn.t + delay, y, -delay, p)

    def _ask(self, t: Any, stop: bool) -> None:
        """Ask for the states at time t, and in `wanted` up to there; not at t itself at a stop."""
        if self.wanted is None and not stop:
            self._wait(t, self.ends.get(t, t))
        while self.wanted:
            beyond = self.sign * (self.wanted[0][0] - t)
            if beyond > 0 or (stop and beyond == 0):
                break
            self._wait(*self.wanted.pop(0))

    def _wait(self, t: Any, time: Any) -> None:
        """Ask for the state at a time, which is t but for its derivatives."""

        def keep(t: Any, y: Any) -> None:
            self.times.append(time)
            self.states.append(self._moved(t, y, time - t))

        self.waiting.append((t, keep))

    def logs(self, event: Any, order: int, t: Any, y: Array, branches: bool) -> None:
        """Note an event at time t in the state y, where fun may have `branches`, that changes
        nothing; `order` is that of its root.
        """
        f, p, _ = numeric(*self.held)
        before = t - self.sign * BEFORE * self._near(t)
        short = branches and self.sign * (before - self.t) > 0
        here = jumps(f, t, y, p, self._near(t)) if short else []

        def log(at: Any, near: Any) -> None:
            if here:  # fun is that before
                near = point_of(near)
                others = (delay_of(f, g, at, near, p) for g in here)
                tau = _common(t, [self._root(event, order, at, near), *others])
                found = moved(f, at, near, tau, p) + (y - number(near))
            else:
                tau = self._delay(event, order, at, near)
                found = self._moved(at, near, tau)
            self.found.setdefault(event.n, []).append((t + tau, found))

        self.waiting.append((before if here else t, log))

    def _come(self, t: Any) -> None:
        """Go on to a plain time, and give the states on the way to whoever waits for them."""
        self.waiting.sort(key=lambda w: self.sign * w[0])
        times = [*(w[0] for w in self.waiting), t]
        states = self._states(times)
        for (at, use), y in zip(self.waiting, states, strict=False):
            use(at, y)
        self.waiting, self.t, self.time, self.y = [], t, t, states[-1]

    def _states(self, times: Sequence[Any]) -> Any:
        """Return the states at times, along the first axis."""
        if self.numbers is None:
            self.numbers = numeric(*self.held)
        f, p, _ = self.numbers
        if any(map(has_nodes, (self.y, *p))):
            given = point_of(self.y), *p
            varied = tuple(map(is_operand, given))
            course = Course(self.t, times, self.options, kept=self.kept, varied=varied)
            if self.dense:
                starts = np.array([self.t, *(t for t in self.starts if t != self.t)])
                series = expansion(f, course._replace(times=starts)).forward()(*given)
                self.coefs.append((starts, in_steps(series, len(starts))))
                self.starts = []
            return flow(f, course).forward()(*given)
        if is_operand(self.y):
            check_known(self.y)
        system = plain_of(f, point_of(self.y), p)
        if self.last is not None and system.is_like(self.last[0]):
            it = self.last[1]
            it.set_state(self.t, system.y0)
        else:
            it = integrator(system, self.t, self.options)
        record = Record(it, np.array(times), self.dense)
        try:
            for pieces in it.march(times[-1]):
                record.add(pieces)
        except IntegrationError:
            if not self.failed:
                raise
        if self.dense:  # a state that is changed at the end is the one there
            self.pieces += record.pieces or [it.here()]
        self.last = system, it
        return np.moveaxis(system.series(record.states()), -1, 0)

    def _moved(self, t: Any, y: Any, tau: Any) -> Any:
        """Return the state after a time that is zero but for its derivatives."""
        f, p, _ = numeric(*self.held)
        y = point_of(y)
        order = order_of(tau) if moves(tau) else 0
        at = edge(f, number(t), y, p, self._near(number(t)), order) if order else None
        if at is None:
            return moved(f, t, y, tau, p)
        if at.agree < order:
            raise NonAnalyticError(
                f"fun, or a derivative of it, jumps at t = {number(t)}, at a time that moves with "
                "what it depends on: there are derivatives to one side only; ask for a time beside "
                "it, or for derivatives of a lower order"
            )
        s, x = at.beside
        return moved(f, t + s, y + x, tau, p) - x

    def _near(self, t: Any) -> Any:
        """Return how near to a time fun may not jump."""
        return SHORT * spacing(max(abs(x) for x in (t, *self.ends) if abs(x) < np.inf))

    # -------------------------------------------------------------- at events
    def _delay(self, event: Any, order: int, t: Any, y: Any) -> Any:
        """Return T - t for an event at time t, where the state is y."""
        root, theta = self._root(event, order, t, y)
        return 0 * t if root is None else root(theta)

    def _root(self, event: Any, order: int, t: Any, y: Any) -> tuple[Function | None, Any]:
        """Return T - t as a function of (y, numbers among args), and these; None if it is zero."""
        if event.time is not None:
            return (
                (lambda time: time - base(time), event.time)
                if is_operand(event.time)
                else (None, None)
            )
        f, p, places = numeric(*self.held)
        given, args = frozen(event.g) if self.recorded else event.g, self.held[1]

        def g(t: Any, y: Any, *p: Any) -> Any:
            return or_translated(given, (t, fresh(y), *map(fresh, filled(args, places, p))))

        root, theta = delay_of(f, g, t, point_of(y), p)
        if root is not None and order > 1:
            raise NonAnalyticError(
                f"event {event.n} has a root of order {order} at t = {t}, whose time is no smooth "
                "function of what it depends on: use a function that crosses zero with a slope"
            )
        return root, theta

    def meet(
        self, events: Sequence[tuple[Any, int]], t: Any, y: Array, rate: Any, branches: bool
    ) -> None:
        """Come to events (with the orders of their roots) at time t in the state y, with the rate
        y'; `branches` says whether fun has any.
        """
        f, p, _ = numeric(*self.held)
        before = t - self.sign * BEFORE * self._near(t)
        here = jumps(f, t, y, p, self._near(t)) if branches else []
        short = here and self.sign * (before - self.t) > 0
        self._come_first(before) if short else self._come(t)
        if len(events) > 1 and any(moves(event.time) for event, _ in events):
            raise NonAnalyticError(TOGETHER.format(t))
        if here:  # fun is that before
            step = before - t, (before - t) * np.reshape(rate, np.shape(y))
            if not short:
                self.y = point_of(self.y) + step[1]
            near = point_of(self.y)
            found = [self._root(event, order, before, near) for event, order in events]
            delay = _common(t, [*found, *(delay_of(f, g, before, near, p) for g in here)])
            self.y = moved(f, before, near, delay, p) + (y - number(near))
            for at, use in self.waiting:  # for events at this time that change nothing
                use(at, near + (y - number(near)))
            self.waiting, self.t, self.time = [], t, t
        else:
            near = point_of(self.y)
            self._check_rate(rate, self._rate())
            found = [self._root(event, order, t, near) for event, order in events]
            delay = common_delay(found, t, "events that change or end the run")
            self.y = self._moved(t, near, delay)
        self.jumps, self.time = bool(here), t + delay

    def log(self, n: int) -> None:
        """Note event n at the present time and state."""
        self.found.setdefault(n, []).append((self.time, fresh(self.y)))

    def leave(self, ended: bool) -> None:
        """Go on from the plain time, unless the run has ended."""
        if ended and self.wanted is None:
            self.times.append(self.time)
            self.states.append(self.y)
            return
        if isinstance(self.fun, Sliding):
            raise NonAnalyticError(CHANGED.format(self.t))
        self.y = self._moved(self.time, self.y, self.t - self.time)
        self.time, self.rate = self.t, None if self.jumps else self._rate()
        self._ask(self.t, stop=False)

    def _rate(self) -> Any:
        """Return y' at the present state, as plain numbers."""
        return number(self.fun(self.t, number(self.y).copy(), *map(base, self.args)))

    def _check_rate(self, rate: Any, here: Any) -> None:
        """Raise NonAnalyticError where fun has another value on the other side of an event."""
        if _differ(rate, here):
            f, p, _ = numeric(*self.held)
            y, q = number(self.y), [number(x) for x in p]
            if _differ(rate, regular(f, self.t, y, q)(self.t, y, *q)):  # fun may be nearly 0/0
                raise _at_jump(self.t)

    # -------------------------------------------------------------- the end
    def result(self, t: Any, status: int) -> dict[str, Any]:
        """Return what a run that has come to time t has found.

        The last states of one that has failed may be out of reach for their derivatives.
        """
        self.failed = status < 0
        if status != 1 or self.wanted is not None:
            self._come(t)
        found = {"t": _joined(self.times), "y": np.moveaxis(_joined(self.states), 0, -1)}
        if self.coefs:
            starts, coefs = (np.concatenate(x) for x in zip(*self.coefs, strict=True))
            found["sol"] = Solution(np.append(starts, t), 0 * starts, coefs)
        elif self.dense:
            system, it = self.last
            found["sol"] = system.solution(it.solution(self.pieces))
        return found

    def logged(self, n: int) -> tuple[Any, Any]:
        """Return the times of event n, and the states there."""
        log = self.found.get(n, [])
        return _joined([t for t, _ in log]), _joined([y for _, y in log], self.y)


def moves(time: Any) -> bool:
    """Whether a time has derivatives that may not be zero."""
    if isinstance(time, Series) and not is_operand(time._coef):
        return bool(np.any(time._coef[1:] != 0))
    return is_operand(time)


def _pin(x: Any) -> None:
    """Have a recording asked whether a value is what it was: the events depend on it."""
    if not is_operand(x) or np.iscomplexobj(base(x)):
        return
    value = base(x)
    if not (np.all(x >= value) and np.all(x <= value)):
        raise ValueError(f"a state, an argument or a time is not a number: {value}")


def _at(time: Any) -> Any:
    """Return a time that may be a series or a node as a number."""
    return np.asarray(number(time))[()]


def _joined(values: Sequence[Any], like: Any = 0.0) -> Any:
    """Return values along a new first axis; of none an array of such values."""
    if not values:
        return np.stack([like])[:0]
    return np.stack(values)


def _differ(one: Any, other: Any) -> bool:
    one, other = np.asarray(one), np.reshape(other, np.shape(one))
    return bool(norm(one - other) > SAME * max(norm(one), norm(other)))


def _common(t: Any, found: Sequence[tuple[Function | None, Any]]) -> Any:
    """Return the delay at t of events, and of all at which fun jumps there."""
    if any(root is None for root, _ in found) and any(root is not None for root, _ in found):
        raise _at_jump(t)
    try:
        return common_delay(found, t, "")
    except NonAnalyticError as error:
        raise _at_jump(t) from error


def _at_jump(t: Any) -> NonAnalyticError:
    return NonAnalyticError(
        f"fun jumps where an event changes or ends the run, at t = {t}, so that their order may "
        "change with what they depend on: let an argument that a callback changes say which "
        "branch fun takes"
    )
