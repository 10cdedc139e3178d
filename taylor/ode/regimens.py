"""Doses of ensembles: from dose to dose all members at once, or each member by itself.

Members whose doses come at the same times, and add arrays, take the ways between them in lanes;
others, and those with events, dense output or a method, are integrated one by one, as `solve_ivp`
does.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, ParamSpec

import numpy as np
from numpy.typing import NDArray

from taylor.errors import ShapeMismatch
from taylor.ode.doses import Dose, schedule
from taylor.ode.options import check_span, members_args, numbers_of
from taylor.ode.results import MESSAGES, EnsembleResult, OdeResult, inside
from taylor.ode.solve import solve_ivp
from taylor.progress import Progress

Array = NDArray[Any]
P = ParamSpec("P")
# what only members that are integrated one by one can have
ALONE = ("events", "dense_output", "method", "max_steps", "executor")


def members_with_doses(solve: Callable[P, EnsembleResult]) -> Callable[P, EnsembleResult]:
    """Return a solver for many initial values that takes their doses, too."""

    @functools.wraps(solve)
    def solved(*args: P.args, **named: P.kwargs) -> EnsembleResult:
        dosing: Any = named.pop("dosing", None)
        if dosing is None:
            return solve(*args, **named)
        names = ("fun", "t_span", "y0", "method")
        return _dosed(solve, dosing, **dict(zip(names, args, strict=False)), **named)

    return solved


def _dosed(
    solve: Callable[..., EnsembleResult], dosing: Any, fun: Any, t_span: Any, y0: Any, **named: Any
) -> EnsembleResult:
    for name in ("checkpoint", "chunk"):
        if named.get(name) is not None:
            raise TypeError(f"solve_ensemble with dosing has no {name}: leave it out")
    check_span(t_span)
    y = numbers_of(y0, "y0")
    y = y.astype(float) if y.dtype.kind in "iub" else y
    if not np.ndim(y):
        raise ShapeMismatch("y0 holds one initial value for each member along its first axis")
    t_eval = named.pop("t_eval", None)
    times = np.array(t_span if t_eval is None else numbers_of(t_eval, "t_eval"), dtype=float)
    inside(times, *map(float, t_span))
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
    y: Array,
    args: list[Any],
    dosing: list[Any],
    times: Array,
    named: dict[str, Any],
) -> EnsembleResult:
    """Return the solutions of members, each of which goes by itself."""
    progress, executor = named.pop("progress", False), named.pop("executor", None)
    threads = named.pop("threads", None) or os.cpu_count() or 1
    dense = named.pop("dense_output", False)
    run = functools.partial(solve_ivp, fun, t_span, dense_output=True, **named)
    found = _nothing(y, times)
    several = named.get("events") is not None
    found.update({name: [None] * len(y) for name in ("t_events", "y_events") if several})
    found.update(sol=[None] * len(y) if dense else None)
    with (
        Progress(progress, "members") as report,
        ThreadPoolExecutor(1 if executor else threads) as pool,
    ):
        submit = (executor or pool).submit
        tasks = {submit(run, one, args=args[i], dosing=dosing[i]): i for i, one in enumerate(y)}
        for n, task in enumerate(as_completed(tasks), 1):
            error = task.exception()
            if error is not None and getattr(error, "result", None) is None:
                raise error
            _take(found, tasks[task], getattr(error, "result", None) or task.result(), times)
            report(n, len(y) - n)
    return found


def _take(found: EnsembleResult, i: int, r: OdeResult, times: Array) -> None:
    """Take the solution of a member."""
    assert r.sol is not None
    sign = -1 if len(times) and times[-1] < r.t[0] else 1
    there = sign * times <= sign * r.t[-1]
    found.y[i][..., there] = r.sol(times[there])
    found.y[i][..., times == r.t[-1]] = r.y[..., -1:]
    found.t_last[i], found.y_last[i], found.steps[i] = r.t[-1], r.y[..., -1], len(r.t) - 1
    every = ("error", "status", "message", "success")
    for name in (*every, "t_doses", "y_doses", "t_events", "y_events", "sol"):
        if found[name] is not None and r[name] is not None:
            found[name][i] = r[name]
