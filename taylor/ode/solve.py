"""`solve_ivp`: SciPy's calling convention, by Taylor series."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.operand import lift
from taylor.errors import IntegrationError, ShapeMismatch
from taylor.numbers.kinds import is_operand
from taylor.ode import machine as compiled
from taylor.ode.dense import in_numbers_of
from taylor.ode.events import Events, groups
from taylor.ode.jets import Plain
from taylor.ode.numbers import check_time, positive, spacing
from taylor.ode.pieces import Pieces
from taylor.ode.sensitivity import Course, is_recorded, states

Array = Any
FIRST = 16  # steps taken at first, before events are looked for
MESSAGES = {
    0: "The solver successfully reached the end of the integration interval.",
    1: "A termination event occurred.",
}


class OdeResult(dict[str, Any]):
    """The result of an integration: a dict whose entries are attributes, too.

    t, y: times and states (the last axis of y is time); sol: the solution as a function of time, or
    None; t_events, y_events: for each event its times and states; nfev: series of the solution that
    were computed; status: 0 the end was reached, 1 an event ended the integration, -1 a failure;
    message: what happened; success: status >= 0.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self) -> str:
        width = max(map(len, self))
        return "\n".join(f"{name.rjust(width)}: {_brief(value)}" for name, value in self.items())


def _brief(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"array of shape {value.shape}"
    return str(value)


def solve_ivp(
    fun: Callable[..., Any],
    t_span: Sequence[Any],
    y0: Any,
    method: Any = None,
    *,
    tol: Any = None,
    order: int | None = None,
    t_eval: Any = None,
    dense_output: bool = False,
    events: Any = None,
    args: Sequence[Any] | None = None,
    max_step: Any = math.inf,
    max_steps: int | None = None,
    progress: bool = False,
    rtol: Any = None,
    atol: Any = 0.0,
    strict: bool = False,
) -> OdeResult:
    """Solve y' = fun(t, y, *args), y(t_span[0]) = y0, as scipy.integrate.solve_ivp does.

    Steps of Taylor series of high order (`order`, by default that of Jorba & Zou for `tol`), by
    default to the precision of the numbers.  y0 has any shape; numbers may be float64, complex128,
    mpmath's, or series (`Taylor`, `TaylorN`): then the result is a series in the same variables.
    `tol` (or `rtol`) is the error of a step relative to the largest component of y, `atol` a size
    of y below which it need not fall.  Without `t_eval` the result has the ends of all steps; with
    it, exactly those times.  `dense_output` gives `sol`, a `Solution`.  `events` are as in SciPy,
    all roots of them; an event with a `callback(t, y, *args)` may return a new state, or (new
    state, new args).  A failure (blow-up, nan, `max_steps`) is a status and a message, with the
    solution so far; where fun is discontinuous and points back to where it jumps there is no
    solution: IntegrationError, whose `result` is the solution so far.  `progress` shows a bar
    (needs tqdm).  `strict`: CompileError where steps or events have no machine code, instead of a
    PerformanceWarning.

    >>> r = solve_ivp(lambda t, y: [y[1], -y[0]], (0.0, np.pi), [0.0, 1.0])
    >>> r.y[:, -1].round(15) + 0
    array([ 0., -1.])
    >>> r.status, len(r.t)
    (0, 4)
    """
    if method is not None and method != "Taylor":
        raise ValueError(f"there is one method here, Taylor series: leave out method={method!r}")
    if max_steps is not None:
        positive(max_steps, "max_steps", whole=True)
    if isinstance(args, (str, bytes)) or (args is not None and not hasattr(args, "__len__")):
        raise TypeError(f"args is a tuple: did you mean args=({args!r},)?")
    tol, args = tol if tol is not None else rtol, () if args is None else tuple(args)
    recorded = is_recorded(y0, args)
    if recorded and (events is not None or dense_output):
        raise TypeError(
            "reverse mode goes through solve_ivp without events and dense_output: ask for the "
            "states with t_eval, or use forward mode (a state of series)"
        )
    numbers = (_values(y0), tuple(_values(a) for a in args)) if recorded else (y0, args)
    run = _Run(fun, t_span, numbers[0], tol, order, numbers[1], max_step, atol, strict)
    result = run.solve(t_eval, dense_output, events, max_steps, progress)
    if recorded and len(result.t):
        course = Course(t_span[0], result.t, tol, order, max_step, atol, strict=strict)
        result.update(y=states(fun, y0, args, course))
    return result


def _values(x: Any) -> Any:
    """Return the plain numbers of what is differentiated; anything else as it is."""
    x = lift(x)
    while is_operand(x):
        x = x.value
    return x


def inside(times: Array, t0: Any, t1: Any) -> None:
    """Raise an error unless times lie in t0..t1, in the order of integration."""
    if times.ndim != 1:
        raise ShapeMismatch(f"t_eval holds times along one axis, not {times.shape}")
    steps = np.diff(times)
    if not np.all((times >= min(t0, t1)) & (times <= max(t0, t1))):
        raise ValueError("the times of t_eval must lie within t_span")
    if not np.all(steps < 0 if t1 < t0 else steps > 0):
        raise ValueError("the times of t_eval must lie in the order of integration, each once")


class _Run:
    """One integration with its outputs."""

    def __init__(
        self,
        fun: Callable[..., Any],
        t_span: Sequence[Any],
        y0: Any,
        tol: Any,
        order: int | None,
        args: Sequence[Any],
        max_step: Any,
        atol: Any,
        strict: bool,
    ) -> None:
        if np.ndim(t_span) != 1 or len(t_span) != 2:
            raise ValueError(f"t_span is (t0, t1), not {t_span}")
        t0, self.t1 = t_span
        check_time(self.t1)
        self.plain = p = Plain(fun, y0, args)
        self.integrator = p.integrator(
            t0, tol=tol, order=order, max_step=max_step, atol=atol, strict=strict
        )
        self.t1 = self.t1 + 0 * self.integrator.t
        self.changed: Any = None  # the time of the last change of state by an event
        self.repeated = 0  # changes of state at that time
        self.pieces: list[Pieces] = []
        self.t: list[Array] = []
        self.y: list[Array] = []

    def solve(
        self,
        t_eval: Any,
        dense_output: bool,
        events: Any,
        max_steps: int | None,
        progress: bool,
    ) -> OdeResult:
        """Integrate and return the result."""
        it = self.integrator
        wanted = None if t_eval is None else self._times(t_eval)
        watch = Events(self.plain.events(events), it.args, it.strict)
        t_events: list[list[Any]] = [[] for _ in range(len(watch))]
        y_events: list[list[Array]] = [[] for _ in range(len(watch))]
        status, message = 0, MESSAGES[0]
        self._start(wanted)
        chunk = min(FIRST, it.chunk) if len(watch) else it.chunk
        left = math.inf if max_steps is None else max_steps
        with Bar(progress, it.t, self.t1) as bar:
            while it.t != self.t1 or it.t_low != 0:
                if left <= 0:
                    status = -1
                    message = (
                        f"{max_steps} steps did not reach t = {self.t1}, only t = {it.t}: raise "
                        "max_steps, or loosen tol"
                    )
                    break
                steps = it.steps
                try:
                    code, pieces = it.advance(self.t1, int(min(chunk, left)))
                except IntegrationError as error:
                    found = (-1, str(error), dense_output, t_events, y_events, events is not None)
                    error.result = self._result(*found)
                    raise
                left -= it.steps - steps
                chunk = min(2 * chunk, it.chunk)
                ended = False
                if len(pieces) and len(watch):
                    try:
                        pieces, ended = self._handle(watch, pieces, t_events, y_events)
                    except IntegrationError as error:
                        status, message = -1, str(error)
                        break
                    chunk = FIRST if watch.fired else chunk
                    code = compiled.GO if watch.fired or ended else code
                self._collect(pieces, wanted, dense_output)
                bar.at(it.t)
                if ended:
                    status, message = 1, MESSAGES[1]
                    break
                if code not in (compiled.GO, compiled.DONE):
                    status, message = -1, it.failure(code)
                    break
        return self._result(status, message, dense_output, t_events, y_events, events is not None)

    def _times(self, t_eval: Any) -> Array:
        times = in_numbers_of(self.integrator.y, t_eval)
        inside(times, self.integrator.t, self.t1)
        return times

    def _start(self, wanted: Array | None) -> None:
        it = self.integrator
        here = np.asarray([it.t])
        if wanted is not None:
            here = wanted[wanted == it.t]
        self.t.append(here)
        self.y.append(np.repeat(it.y[..., None], len(here), axis=-1))

    def _collect(self, pieces: Pieces, wanted: Array | None, dense: bool) -> None:
        """Keep what is asked for of some steps."""
        it = self.integrator
        if not len(pieces):
            return
        if dense:
            self.pieces.append(pieces)
        if wanted is None:
            self.t.append(np.append(pieces.t[1:], it.t))
            states = np.concatenate([pieces.coef[1:, 0], it.y[None]])
            self.y.append(np.moveaxis(states, 0, -1))
            return
        start, backward = pieces.t[0], pieces.h[0] < 0
        inside = (
            (wanted < start) & (wanted >= it.t)
            if backward
            else ((wanted > start) & (wanted <= it.t))
        )
        if inside.any():
            times = wanted[inside]
            y = it.solution([pieces])(times)
            y[..., times == it.t] = it.y[..., None]
            self.t.append(times)
            self.y.append(y)

    def _handle(
        self, watch: Events, pieces: Pieces, t_events: list[Any], y_events: list[Any]
    ) -> tuple[Pieces, bool]:
        """Record the events of some steps; cut the steps where one ends or changes the run."""
        it = self.integrator
        after = (it.t, it.y, it.t_low, it.y_low)
        pieces = watch.resolve(pieces)
        start, size = 0, 2
        while start < len(pieces):  # an event may change what comes later
            for group in groups(watch.find(pieces.part(start, start + size)), pieces, start):
                if any(watch.left[e.event] <= 1 or watch.callback[e.event] for e in group):
                    first = min(group, key=lambda e: (e.step, e.x))
                    stop = pieces.h[first.step] * first.x
                    it.rewind(pieces, first.step, stop)
                    events = list(dict.fromkeys(e.event for e in group))
                    ended = self._fire(watch, events, pieces.h[0] > 0, t_events, y_events)
                    return pieces.until(first.step, stop), ended
                for e in group:
                    it.rewind(pieces, e.step, pieces.h[e.step] * e.x)
                    self._log(watch, e.event, t_events, y_events)
            start, size = start + size, 2 * size
        it.t, it.y, it.t_low, it.y_low = after
        return pieces, False

    def _log(self, watch: Events, n: int, t_events: list[Any], y_events: list[Any]) -> None:
        it = self.integrator
        watch.left[n] -= 1
        t_events[n].append(it.t)
        y_events[n].append(it.y.copy())

    def _fire(
        self, watch: Events, events: list[int], forward: bool,
        t_events: list[Any], y_events: list[Any],
    ) -> bool:  # fmt: skip
        """Do what some events at one time ask for, one after the other; whether the run ends.

        Each callback sees what those before it left.  Then an event function that they carried
        over zero is an event too, each at most once.
        """
        it = self.integrator
        before = after = watch.values(it.t, it.y)
        changed = any(watch.callback[n] for n in events)
        if changed:
            self._note_change()
        fired: list[int] = []
        while events:
            for n in events:
                self._log(watch, n, t_events, y_events)
                callback = watch.callback[n]
                if callback is not None:
                    self._call(callback, watch)
            fired += events
            if changed:
                it.renew()
                after = watch.values(it.t, it.y)
            events = [
                n
                for n, (a, b) in enumerate(zip(before, after, strict=True))
                if n not in fired
                and np.sign(a) * np.sign(b) < 0
                and watch.crosses(n, int(np.sign(b)), forward)
            ]
        watch.restart(set(fired), after)
        return any(watch.left[n] <= 0 for n in fired)

    def _note_change(self) -> None:
        """Raise where the state is changed again and again at one time."""
        it = self.integrator
        near = self.changed is not None and abs(it.t - self.changed) <= 64 * spacing(it.t)
        self.changed, self.repeated = it.t, self.repeated + 1 if near else 0
        if self.repeated > 3:
            raise IntegrationError(
                f"the events accumulate at t = {it.t}: they follow each other faster than times "
                "can be told apart; stop before, with a terminal event"
            )

    def _call(self, callback: Callable[..., Any], watch: Events) -> None:
        """Go on from what a callback returns, or leaves in the y and the args that it is given."""
        it = self.integrator
        y = it.y.copy()
        new = callback(it.t, y, *it.args)
        if isinstance(new, tuple) and len(new) == 2 and isinstance(new[1], (tuple, list)):
            new, args = new
            it.args = watch.args = tuple(args)
        if new is None and not np.array_equal(y, it.y):
            new = y
        if new is None:
            return
        low = it.t_low
        try:
            it.set_state(it.t, new)
        except (TypeError, ValueError) as error:
            raise type(error)(f"the callback of an event returned: {error}") from error
        it.t_low = low

    def _result(
        self,
        status: int,
        message: str,
        dense: bool,
        t_events: list[Any],
        y_events: list[Any],
        with_events: bool,
    ) -> OdeResult:
        it = self.integrator
        t, y = np.concatenate(self.t), np.concatenate(self.y, axis=-1)
        whole = it.solution(self.pieces or [it.here()]) if dense else None
        sol: Any = None if whole is None else self.plain.solution(whole)
        states: Any = [np.array(s).reshape(len(s), *it.y.shape) for s in y_events]
        if self.plain:
            y = self.plain.series(y)
            states = [np.moveaxis(self.plain.series(np.moveaxis(s, 0, -1)), -1, 0) for s in states]
        return OdeResult(
            t=t,
            y=y,
            sol=sol,
            t_events=[np.array(row) for row in t_events] if with_events else None,
            y_events=states if with_events else None,
            nfev=it.steps,
            njev=0,
            nlu=0,
            status=status,
            message=message,
            success=status >= 0,
        )


class Bar:
    """A progress bar in units of time, or nothing."""

    def __init__(self, show: bool, t0: Any, t1: Any) -> None:
        self.t0, self.span, self.bar = t0, abs(float(t1 - t0)), None
        if show:
            from tqdm import tqdm

            self.bar = tqdm(
                total=self.span, unit="t", bar_format="{l_bar}{bar}| {elapsed}<{remaining}"
            )

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def at(self, t: Any) -> None:
        """Show how far the integration is."""
        if self.bar is not None:
            self.bar.update(abs(float(t - self.t0)) - self.bar.n)
