"""Doses of ensembles: from dose to dose all members at once, or each member by itself.

Members whose doses come at the same times, and add arrays, take the ways between them in lanes;
others, and those with events, dense output, a method or derivatives, are integrated one by one, as
`solve_ivp` does.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, ParamSpec

import numpy as np
from numpy.typing import NDArray

from taylor.core.operand import lift
from taylor.errors import IntegrationError, ShapeMismatch
from taylor.numbers.kinds import is_operand
from taylor.ode.doses import Dose, schedule, varied
from taylor.ode.flow import number
from taylor.ode.options import check_span, members_args, numbers_of
from taylor.ode.results import MESSAGES, EnsembleResult, OdeResult, inside
from taylor.ode.solve import solve_ivp
from taylor.progress import Progress

Array = NDArray[Any]
P = ParamSpec("P")
# what only members that are integrated one by one can have
ALONE = ("events", "dense_output", "method", "max_steps", "executor")


def members_with_doses(solve: Callable[P, EnsembleResult]) -> Callable[P, EnsembleResult]:
    """Return a solver for many initial values that takes doses, and values that are differentiated,
    too.
    """

    @functools.wraps(solve)
    def solved(*given: P.args, **named: P.kwargs) -> EnsembleResult:
        names = ("fun", "t_span", "y0", "method")
        every: dict[str, Any] = {**dict(zip(names, given, strict=False)), **named}
        args = members_args(every.get("args"))
        dosing: Any = every.get("dosing")
        given_args = [a for own in (args if isinstance(args, list) else [args]) for a in own]
        pairs = [
            d for d in (dosing if isinstance(dosing, list) else [dosing]) if isinstance(d, tuple)
        ]
        given_doses = [x for d in pairs for x in varied(d)]
        when = [every.get("t_eval"), *np.reshape(lift(every.get("t_span", ())), -1)]
        given_values = [every.get("y0"), *given_args, *given_doses, *when]
        varies = any(is_operand(lift(x)) for x in given_values if x is not None)
        if dosing is None and not varies:
            return solve(*given, **named)
        return _dosed(solve, varies, **every)

    return solved


def _dosed(
    solve: Callable[..., EnsembleResult],
    varies: bool,
    fun: Any,
    t_span: Any,
    y0: Any,
    dosing: Any = None,
    **named: Any,
) -> EnsembleResult:
    for name in ("checkpoint", "chunk", *(("executor",) if varies else ())):
        if named.pop(name, None) is not None:
            what = "values that are differentiated" if varies else "dosing"
            raise TypeError(f"solve_ensemble with {what} has no {name}: leave it out")
    span = [number(t) for t in t_span]
    check_span(span)
    y = numbers_of(y0, "y0")
    y = y.astype(float) if isinstance(y, np.ndarray) and y.dtype.kind in "iub" else y
    if not np.ndim(y):
        raise ShapeMismatch("y0 holds one initial value for each member along its first axis")
    t_eval = named.pop("t_eval", None)
    given = t_span if t_eval is None else numbers_of(t_eval, "t_eval")
    times: Any = np.array([number(t) for t in given] if varies else given, dtype=float)
    inside(times, *map(float, span))
    args = members_args(named.pop("args", None))
    args = args if isinstance(args, list) else [args] * len(y)
    if len(args) != len(y):
        raise ShapeMismatch(f"args is a list for {len(args)} members, y0 has {len(y)}")
    each = dosing if isinstance(dosing, list) else [dosing] * len(y)
    if len(each) != len(y):
        raise ShapeMismatch(
            f"dosing is a list for {len(each)} members, y0 has {len(y)}: give one (times, jumps) "
            "for each, or a tuple for all"
        )
    if varies:
        # an end of the span that is asked for moves with it
        ends = {float(number(t)): t for t in t_span} if t_eval is None else {}
        times = np.stack([lift(ends.get(float(number(t)), t)) for t in given])
        return _one_by_one(fun, t_span, y, args, each, times, {**named, "threads": 1})
    doses = [schedule(d, t_span, one, times) for d, one in zip(each, y, strict=True)]
    if any(named.get(name) for name in ALONE) or not _at_same_times(doses):
        return _one_by_one(fun, t_span, y, args, each, times, named)
    return _together(solve, fun, t_span, y, args, doses, times, named)


def _at_same_times(doses: Sequence[Sequence[Dose]]) -> bool:
    """Whether all members have doses at the same times, and arrays for jumps."""
    first = [d.t for d in doses[0]] if doses else []
    return all([d.t for d in own] == first for own in doses) and not any(
        d.give for own in doses for d in own
    )


def _nothing(y: Array, times: Array) -> EnsembleResult:
    """Return the result of members that have gone no way."""
    n = len(y)
    return EnsembleResult(
        t=times,
        y=np.full((*y.shape, len(times)), np.nan, y.dtype),
        t_last=np.zeros(n),
        y_last=y.copy(),
        steps=np.zeros(n, int),
        error=np.zeros(n),
        status=np.zeros(n, int),
        message=np.full(n, MESSAGES[0], dtype=object),
        success=np.ones(n, bool),
        t_events=None,
        y_events=None,
        sol=None,
        t_doses=[np.zeros(0)] * n,
        y_doses=[y[:0]] * n,
    )


def _together(
    solve: Callable[..., EnsembleResult],
    fun: Any,
    t_span: Any,
    y: Array,
    args: list[Any],
    doses: Sequence[Sequence[Dose]],
    times: Array,
    named: dict[str, Any],
) -> EnsembleResult:
    """Return the solutions of members, which all go from dose to dose at once."""
    t0, t1 = map(float, t_span)
    sign = -1 if t1 < t0 else 1
    found, going, t = _nothing(y, times), np.arange(len(y)), t0
    found.y[..., times == t0] = y[..., None]
    stops = [float(d.t) for d in doses[0]] if doses else []
    logs: list[tuple[float, Array, Array]] = []  # of doses: time, members, states before
    for k, stop in enumerate([*stops, t1]):
        beyond = (sign * times > sign * t) & (sign * times < sign * stop)
        if stop != t and len(going):
            r = solve(fun, (t, stop), found.y_last[going], args=[args[i] for i in going],
                      t_eval=[*times[beyond], stop], **named)  # fmt: skip
            found.y[going[:, None], ..., np.flatnonzero(beyond)] = np.moveaxis(r.y[..., :-1], -1, 1)
            for name in ("y_last", "t_last", "status", "message", "success"):
                found[name][going] = r[name]
            found.steps[going] += r.steps
            found.error[going] = np.maximum(found.error[going], r.error)
            going = going[r.success]
        t = stop
        if k < len(stops):
            logs.append((t, going, found.y_last[going]))
            found.y_last[going] += (
                np.stack([doses[i][k].jump for i in going.tolist()]) if len(going) else 0
            )
        found.t_last[going] = t
        for j in np.flatnonzero(times == t):
            found.y[going, ..., j] = found.y_last[going]
    for i in range(len(y)):
        own = [(t, before[members == i][0]) for t, members, before in logs if i in members]
        found.t_doses[i] = np.array([t for t, _ in own])  # type: ignore[index]
        found.y_doses[i] = np.array([b for _, b in own]).reshape(len(own), *y.shape[1:])  # type: ignore[index]
    return found


def _one_by_one(
    fun: Any,
    t_span: Any,
    y: Any,
    args: list[Any],
    dosing: list[Any],
    times: Array,
    named: dict[str, Any],
) -> EnsembleResult:
    """Return the solutions of members, each of which goes by itself."""
    progress, executor = named.pop("progress", False), named.pop("executor", None)
    threads = named.pop("threads", None) or os.cpu_count() or 1
    last = number(t_span[1])
    asked = [*(t for t in times if number(t) != last), *(t for t in times if number(t) == last)]
    asked = asked if len(asked) and number(asked[-1]) == last else [*asked, t_span[1]]
    run = functools.partial(_run, fun, t_span, asked, named)
    found, tasks = dict[int, tuple[Any, Any]](), list(zip(y, args, dosing, strict=True))
    with Progress(progress, "members") as report:
        for i, one in _results(run, tasks, threads, executor):
            found[i] = one
            report(len(found), len(y) - len(found))
    return _joined([found[i] for i in range(len(y))], y, times)


def _run(
    fun: Any, t_span: Any, asked: list[Any], named: dict[str, Any], y0: Any, args: Any, dosing: Any
) -> tuple[OdeResult, OdeResult]:
    """Return the solution of a member at the times that are asked for, and one to where it ends."""

    def solved(times: Any) -> OdeResult:
        try:
            return solve_ivp(fun, t_span, y0, args=args, dosing=dosing, t_eval=times, **named)
        except IntegrationError as error:
            if not isinstance(found := error.result, OdeResult):
                raise
            return found

    found = solved(asked)
    return found, found if len(found.t) == len(asked) else solved(None)


def _results(
    run: Callable[..., Any], tasks: Sequence[Any], threads: int, executor: Any
) -> Iterator[tuple[int, Any]]:
    """Yield the results of tasks with their numbers, as they come."""
    if threads == 1 and executor is None:  # in the context of the recording around, if there is one
        yield from ((i, run(*given)) for i, given in enumerate(tasks))
        return
    with ThreadPoolExecutor(1 if executor else threads) as pool:
        submit = (executor or pool).submit
        futures = {submit(run, *given): i for i, given in enumerate(tasks)}
        yield from ((futures[f], f.result()) for f in as_completed(futures))


def _joined(runs: Sequence[tuple[Any, Any]], y: Any, times: Array) -> EnsembleResult:
    """Return the result of members that were integrated by themselves."""

    def several(name: str) -> list[Any] | None:
        found = [r[name] for r, _ in runs]
        if all(x is None for x in found):
            return None
        nothing = np.zeros((0, *(np.shape(y)[1:] if name == "y_doses" else ())))
        return [nothing if x is None else x for x in found]  # of members without doses

    states = []
    for r, _ in runs:
        beyond = np.full((*np.shape(y)[1:], max(0, len(times) - len(r.t))), np.nan)
        states.append(np.concatenate([r.y[..., : len(times)], beyond], axis=-1))
    lists = ("t_events", "y_events", "sol", "t_doses", "y_doses")
    return EnsembleResult(
        t=times,
        y=np.stack(states) if states else _nothing(y, times).y,
        t_last=np.stack([whole.t[-1] for _, whole in runs]) if runs else np.zeros(0),
        y_last=np.stack([whole.y[..., -1] for _, whole in runs]) if runs else y,
        steps=np.array([r.nfev for r, _ in runs], dtype=int),
        **{name: np.array(several(name)) for name in ("error", "status", "success")},
        message=np.array(several("message"), dtype=object),
        **{name: several(name) for name in lists},
    )
