"""`solve_ivp`: SciPy's calling convention, by Taylor series."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

import numpy as np
from numpy.typing import NDArray

from taylor.core.operand import lift
from taylor.errors import IntegrationError, ShapeMismatch
from taylor.numbers.kinds import base, is_operand
from taylor.ode.closures import with_closures
from taylor.ode.complexes import in_parts
from taylor.ode.dense import in_numbers_of
from taylor.ode.doses import given_at_start, schedule, varied
from taylor.ode.events import Events, ends
from taylor.ode.flow import Course, integrator, is_recorded, number, plain_of, solution, states
from taylor.ode.integrator import Integrator
from taylor.ode.jets import Slides
from taylor.ode.methods import chosen
from taylor.ode.options import Options, argument, as_args, check_span, numbers_of, tolerance_of
from taylor.ode.record import Record
from taylor.ode.results import MESSAGES, OdeResult, inside
from taylor.ode.system import at_one_state
from taylor.ode.units import of_any_time
from taylor.ode.variation import Variation
from taylor.progress import Progress, Report

Array = NDArray[Any]
P = ParamSpec("P")
FIRST = 16  # steps taken at first, before events are looked for


def _as_far_as_numbers(solve: Callable[P, OdeResult]) -> Callable[P, OdeResult]:
    """Have a run with derivatives that ends where one of the numbers goes on raise: its last state
    would be taken for that at the end.
    """
    names = {"t_span", "y0", "args", "t_eval", "dosing"}

    @functools.wraps(solve)
    def solved(*args: P.args, **named: P.kwargs) -> OdeResult:
        found = solve(*args, **named)
        if found.status >= 0:
            return found
        given = inspect.signature(solve).bind(*args, **named).arguments
        again: Any = solve
        more, plain = given.pop("more", {}), dict(given)
        for name in names & given.keys():
            one = name in ("y0", "t_eval") or given[name] is None
            each = (given[name],) if one else tuple(given[name])
            lifted = [x if x is None or callable(x) else lift(x) for x in each]
            if any(is_operand(x) for x in lifted):
                pairs = zip(lifted, each, strict=True)
                each = tuple(base(x) if is_operand(x) else y for x, y in pairs)
                plain[name] = each[0] if one else each
        if any(plain[name] is not x for name, x in given.items()):
            _check_numbers(found, again(**plain, **more), given.get("t_eval") is not None)
        return found

    return solved


def _check_numbers(found: OdeResult, alone: OdeResult, asked: bool) -> None:
    """Raise IntegrationError if the numbers alone go on where a run with derivatives ended."""
    more = len(alone.t) > len(found.t)  # of the times that were asked for
    if not asked:  # the end of a blow-up may differ a little
        start, end = number(found.t[0]), number(found.t[-1])
        more = abs(number(alone.t[-1]) - start) > 1.01 * abs(end - start)
    if alone.success or more:
        error = IntegrationError(
            "solve_ivp goes on from here with numbers, but not with derivatives: "
            f"{found.message}; start a little later, or take derivatives of a lower order"
        )
        error.result = found
        raise error


def _along_surfaces(solve: Callable[P, OdeResult]) -> Callable[P, OdeResult]:
    """Have a run with derivatives that comes to slide along a surface taken as one with events is,
    which knows where the flow becomes another one.
    """

    @functools.wraps(solve)
    def solved(*args: P.args, **named: P.kwargs) -> OdeResult:
        try:
            return solve(*args, **named)
        except Slides:
            if named.get("events") is not None or named.get("dosing") is not None:
                raise
            again: Any = solve
            found: OdeResult = again(*args, **{**named, "events": []})
            return OdeResult({**found, "t_events": None, "y_events": None})

    return solved


@with_closures
@in_parts
@of_any_time
@_as_far_as_numbers
@_along_surfaces
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
    dosing: Any = None,
    args: Sequence[Any] | None = None,
    max_step: Any = math.inf,
    max_steps: int | None = None,
    progress: Report = False,
    rtol: Any = None,
    atol: Any = None,
    strict: bool = False,
    **more: Any,
) -> OdeResult:
    """Solve y' = fun(t, y, *args), y(t_span[0]) = y0, as scipy.integrate.solve_ivp does.

    Steps of Taylor series of high order (`order`, by default that of Jorba & Zou for `tol`), by
    default to the precision of the numbers.  y0 has any shape; numbers may be float64, complex128,
    mpmath's, or series (`Taylor`, `TaylorN`): then the result is a series in the same variables.
    So are the times of events then, and states through resets; t_span and t_eval may be series.
    `tol` (or `rtol`) is the error of a step relative to the largest component of y, `atol` a size
    of y below which it need not fall.  Without `t_eval` the result has the ends of all steps; with
    it, exactly those times.  `dense_output` gives `sol`, a `Solution`.  `events` are as in SciPy,
    all roots of them; an event with a `callback(t, y, *args)` may return a new state, or (new
    state, new args).

    `dosing=(times, jumps)`: at each of the times the state jumps.  `jumps` has the shape (number of
    times, *shape of y), or that of y for jumps that are the same, or is a function of (t, y, *args)
    that returns what is added, or (that, new args).  Times may be in any order; those outside of
    t_span do not come.  At the time of a dose y is the state after it; `t_doses` and `y_doses` are
    the times and the states before.  Backwards in time doses are taken off.

    A failure (blow-up, nan, `max_steps`) is a status and a message, with the solution so far; where
    fun is discontinuous and points back to where it jumps the solution slides along that surface
    (see `sliding`), as its derivatives do.  An IntegrationError has as its `result` the solution so
    far.  `progress` shows a bar (needs tqdm), or is called with the time that is done and is left.
    `strict`: CompileError where steps or events have no machine code, instead of a
    PerformanceWarning.

    >>> r = solve_ivp(lambda t, y: [y[1], -y[0]], (0.0, np.pi), [0.0, 1.0])
    >>> r.y[:, -1].round(15) + 0
    array([ 0., -1.])
    >>> r.status, len(r.t)
    (0, 4)
    >>> r = solve_ivp(lambda t, y: -y, (0.0, 2.0), [0.0], dosing=([0.0, 1.0], [[2.0], [1.0]]))
    >>> r.y[0, -1] - (2 * np.exp(-2.0) + np.exp(-1.0)) < 1e-15, r.y_doses[:, 0].round(6)
    (np.True_, array([0.      , 0.735759]))
    """
    fun, args = at_one_state(fun) if more.pop("vectorized", None) else fun, as_args(args)
    check_span(number(t_span), max_steps is not None or ends(events))
    rtol = tolerance_of(tol, rtol)
    options = chosen(method, rtol, order, max_step, atol, strict, more).fitting(y0)
    wanted = _list(t_eval)
    doses, more_given = schedule(dosing, t_span, y0, wanted), varied(dosing)
    y0, args, at_start = given_at_start(doses, number(t_span[0]), y0, args)
    recorded = is_recorded(y0, (*args, *t_span, t_eval, *more_given))
    given: Any = y0, args
    moving = more_given or any(is_operand(lift(t)) for t in (*t_span, *(wanted or ())))
    varies = any(is_operand(lift(x)) for x in (y0, *args))
    variation = None
    if moving or (varies and (events is not None or dosing is not None)):
        variation = Variation(fun, t_span, y0, args, options, wanted, dense_output)
        variation.carry(more_given)
    if recorded or variation:
        given = number(y0), [base(argument(a)) for a in args]
    system = plain_of(fun, *given)
    it = integrator(system, number(t_span[0]), options)
    t1 = number(t_span[1]) + 0 * it.t
    record = Record(it, _grid(wanted, it, t1), dense_output and not variation)
    it.turns = [] if variation else None
    watch = Events(events, doses, it, t1, variation)
    watch.begin(at_start)

    def result(status: int, message: str) -> OdeResult:
        found = {"t": np.concatenate(record.t), "y": system.series(record.states()), "sol": None}
        found |= dict.fromkeys(("t_events", "y_events", "t_doses", "y_doses"))
        if record.dense:
            after = [it.here()] if watch.changed == it.t else []
            found["sol"] = system.solution(it.solution([*record.pieces, *after]))
        found |= watch.result(events is not None, dosing is not None, status)
        found |= {**it.counts, "error": it.error}
        return OdeResult(found, status=status, message=message, success=status >= 0)

    try:
        with Progress(progress, "time") as report:
            found = result(*_integrated(it, t1, record, watch, max_steps, report))
    except IntegrationError as error:
        error.result = result(-1, str(error))
        raise
    if recorded and not variation and len(found.t):
        _record(found, fun, y0, args, t_span[0], options)
    return found


def _record(found: OdeResult, fun: Any, y0: Any, args: Any, t0: Any, options: Options) -> None:
    """Have a result record its states, and its solution, as functions of y0 and args."""
    found.update(y=states(fun, y0, args, Course(t0, found.t, options)))
    if found.sol is not None:
        found.update(sol=solution(fun, y0, args, Course(t0, found.sol.t, options)))


def _list(t_eval: Any) -> list[Any] | None:
    """Return the times one by one; they may be series."""
    if t_eval is None:
        return None
    times = numbers_of(t_eval, "t_eval")
    if np.ndim(times) != 1:
        raise ShapeMismatch(f"t_eval holds times along one axis, not {np.shape(times)}")
    return list(times)


def _grid(wanted: list[Any] | None, it: Integrator, t1: Any) -> Array | None:
    """Return the times of t_eval as plain numbers, checked."""
    if wanted is None:
        return None
    times = in_numbers_of(it.y, [number(t) for t in wanted])
    inside(times, it.t, t1)
    return times


def _integrated(
    it: Integrator,
    t1: Any,
    record: Record,
    watch: Events,
    max_steps: int | None,
    report: Progress,
) -> tuple[int, str]:
    """Step to t1, or as far as there is a solution; return the status and the message."""
    t0 = it.t
    try:
        first = FIRST if watch.functions else None
        for steps in it.march(t1, max_steps, first=first, stop=watch.next):
            try:
                pieces, ended = watch.handle(steps)
            except IntegrationError as error:
                return -1, str(error)
            record.add(pieces)
            if report:
                report(abs(float(it.t - t0)), abs(float(t1 - it.t)))
            if ended:
                return 1, MESSAGES[1]
    except IntegrationError as error:
        if not error.reason:
            raise
        return -1, error.reason
    return 0, MESSAGES[0]
