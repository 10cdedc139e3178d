"""`solve_ensemble`: one system from many initial values, or with many arguments, at once.

Members step in the lanes of machine code, each with steps of its own.  Where fun branches, or has
no machine code, a `TaylorIntegrator` takes them one by one.  The work is cut into tasks: some
members, some steps.
"""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taylor.core.patterns import scipy_before
from taylor.drivers.compile import Compiled
from taylor.errors import DomainError, IntegrationError, ShapeMismatch, eagerly, outside
from taylor.numbers.values import as_array
from taylor.ode import saved
from taylor.ode.closures import members_with_closures
from taylor.ode.complexes import members_in_parts
from taylor.ode.control import reported
from taylor.ode.dense import Solution
from taylor.ode.event import Event
from taylor.ode.machine import ENDED, GO
from taylor.ode.members import Problem, in_lanes
from taylor.ode.methods import MethodOptions, chosen
from taylor.ode.options import (
    check_span,
    members_args,
    number_of_steps,
    numbers_of,
    positive,
    tolerance_of,
)
from taylor.ode.pieces import solution
from taylor.ode.regimens import members_with_doses
from taylor.ode.results import MESSAGES, EnsembleResult, inside
from taylor.ode.system import at_one_state
from taylor.ode.units import of_any_time
from taylor.ode.watched import Advanced, Found, advanced
from taylor.progress import Progress, Report

if TYPE_CHECKING:  # slow to import, rarely needed
    from concurrent.futures import Executor, Future

Array = NDArray[Any]
Task: TypeAlias = "Future[Advanced]"
TASKS = 4  # of each worker at least, so that all end at about the same time
WORK = 1 << 35  # of a task: members · steps · (numbers of memory) · order, about half a second


@members_with_closures
@members_with_doses
@members_in_parts
@of_any_time
def solve_ensemble(
    fun: Callable[..., Any],
    t_span: Sequence[Any],
    y0: Any,
    method: Any = None,
    *,
    args: Any = (),
    t_eval: Any = None,
    dense_output: bool = False,
    events: Any = None,
    dosing: Any = None,
    tol: Any = None,
    rtol: Any = None,
    order: int | None = None,
    atol: Any = None,
    max_step: float = math.inf,
    max_steps: int | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
    chunk: int | None = None,
    checkpoint: str | Path | None = None,
    progress: Report = False,
    strict: bool = False,
    **more: Any,
) -> EnsembleResult:
    """Return the solutions of y' = fun(t, y, *args) from many initial values y0[0], y0[1], ...

    As `solve_ivp`, for all members along the first axis of y0.  `args` is a tuple for all members,
    or a list with one tuple for each.  The steps land on the times of `t_eval`, without it on the
    ends of t_span.  `max_steps` is for each member.  A member that fails has status -1, and a
    message; the others go on.  `events` are those of `solve_ivp`, for each member by itself: one
    that a terminal event ends has status 1, and nan in y for the times after it.  `dosing` is that
    of `solve_ivp` for all members, or a list with one (times, jumps), or None, for each.  By a
    `method` of `solve_ivp` (and its options `more`), for stiff problems, members are taken one by
    one; so they are where y0, args or functions hold values that are differentiated.

    Tasks of `chunk` members run on `threads` of this machine (default: all cores), or on any
    `executor` of `concurrent.futures`, such as dask.distributed's or mpi4py's; members whose task
    does not come back have failed.  With `checkpoint`
    the state of all members is kept in that file (npz): the same call goes on from it, bit for
    bit.  `progress` shows a bar (needs tqdm), or is called with how many members are done and are
    left, in parts too.  `strict`:
    CompileError where the members have no machine code, instead of a PerformanceWarning.

    >>> e = np.array([0.0, 0.3, 0.6])
    >>> y0 = np.stack([1 - e, 0 * e, 0 * e, np.sqrt((1 + e) / (1 - e))], axis=1)
    >>> def kepler(t, y):
    ...     return [y[2], y[3], *(-y[:2] * (y[0] ** 2 + y[1] ** 2) ** -1.5)]
    >>> r = solve_ensemble(kepler, (0.0, 2 * np.pi), y0)
    >>> r.y.shape, np.allclose(r.y[..., -1], y0, rtol=0, atol=1e-13)
    ((3, 4, 2), True)
    """
    y = _states(y0)
    check_span(t_span)
    t0, t1 = map(float, t_span)
    given = _arguments(args, len(y))
    times = np.array([t0, t1])
    if t_eval is not None:
        times = np.array(numbers_of(t_eval, "t_eval"), dtype=float)
        inside(times, t0, t1)
    if threads is not None:
        positive(threads, "threads", whole=True)
    functions, tol = _functions(events), tolerance_of(tol, rtol)
    fun = at_one_state(fun) if more.pop("vectorized", None) else fun
    options = chosen(method, tol, order, max_step, atol, strict, more)
    problem = Problem(
        fun=fun.f if isinstance(fun, Compiled) else fun,
        shape=y.shape[1:],
        t0=t0,
        targets=times if len(times) and times[-1] == t1 else np.append(times, t1),
        options=options.fitting(np.zeros(y.shape[1:])),
        max_steps=number_of_steps(max_steps),
        kind=y.dtype,
        events=functions,
        dense=dense_output,
    )
    if len(y):
        _check_events(problem, y[0], given[0])
    problem, parameters = in_lanes(problem, y, given)
    if problem.program is None and len(y) and not isinstance(problem.options, MethodOptions):
        _say_why(problem, y[0], given[0], strict or getattr(fun, "strict", False))
    tasks = Tasks(problem, problem.begun(y, parameters), given)
    if checkpoint is not None:
        tasks.keep(Path(checkpoint), saved.fingerprint(problem, y, given))
    with Progress(progress, "members") as tasks.report:
        tasks.run(executor, 1 if _is_lonely(options) else threads or os.cpu_count() or 1, chunk)
    return _result(tasks, times, events is not None)


def _is_lonely(options: Any) -> bool:
    """Whether a method runs once at a time: LSODA of SciPy before 1.17, whose state is global."""
    by_lsoda = isinstance(options, MethodOptions) and options.method == "LSODA"
    return by_lsoda and scipy_before("1.17.0")


def _functions(events: Any) -> tuple[Any, ...]:
    """Return the event functions that are given: none, one or several."""
    if events is None:
        return ()
    return tuple(events) if isinstance(events, (list, tuple)) else (events,)


def _check_events(problem: Problem, y: Array, args: tuple[Any, ...]) -> None:
    """Raise an error where an event is none."""
    for n, g in enumerate(problem.events):
        event = Event(n, g, args, problem.options.strict)
        with np.errstate(all="ignore"), contextlib.suppress(DomainError):
            event(problem.t0, y.copy())


def _say_why(problem: Problem, y: Array, args: tuple[Any, ...], strict: bool) -> None:
    """Say why members that are taken one by one have no machine code, if the first has none."""
    try:
        why = problem.integrator(problem.t0, y, args).warnings[:1]
    except Exception:  # then that member fails, and says why
        return
    for reason in why:
        eagerly("the integration of members", reason, strict)


def _states(y0: Any) -> Array:
    """Return the initial values, with the members along the first axis."""
    y: Array = as_array(y0)
    if y.dtype.kind in "iub":
        y = y.astype(float)
    if y.dtype not in (np.float64, np.complex128):
        raise TypeError(
            f"members are of float64 or complex128, not {y.dtype}: integrate each with solve_ivp"
        )
    if not y.ndim:
        raise ShapeMismatch("y0 holds one initial value for each member along its first axis")
    return y


def _arguments(args: Any, n: int) -> list[tuple[Any, ...]]:
    """Return the arguments of each member."""
    args = members_args(args)
    if not isinstance(args, list):
        return [args] * n
    if len(args) != n:
        raise ShapeMismatch(
            f"args is a list for {len(args)} members, y0 has {n}: give one tuple for each "
            "(np.tile repeats one initial value)"
        )
    return args


class Tasks:
    """The tasks of an ensemble, and the file that keeps its state."""

    def __init__(self, problem: Problem, rows: Array, given: list[tuple[Any, ...]]) -> None:
        self.problem, self.rows, self.given = problem, rows, given
        self.state = problem.named(rows)
        self.report = Progress(False, "members")
        self.file: tuple[Path, str] | None = None  # and the name of the problem in it
        self.said: dict[int, str] = {}  # why members failed
        self.lost: dict[int, str] = {}  # members whose task did not come back
        self.found: dict[int, list[Found]] = {}  # what members have met, task by task
        self.stiff = False  # whether that was said

    def keep(self, path: Path, name: str) -> None:
        """Keep the state in a file, and go on from it if it is there."""
        if self.problem.dense:
            raise TypeError("a checkpoint keeps no dense output: ask for the states at t_eval")
        changing = any(getattr(g, "callback", None) for g in self.problem.events)
        if changing and self.problem.program is None:
            raise TypeError(
                "a checkpoint keeps no arguments that a callback may change, unless all are floats "
                "and fun and the events can be recorded: leave the checkpoint out"
            )
        if path.exists():
            said, self.found = saved.load(path, name, self.problem, self.state)
            self.said = {i: why for i, why in enumerate(said) if why}
        self.file = path, name

    def save(self) -> None:
        """Write the state to its file."""
        if self.file is not None:
            said = [self.said.get(i, "") for i in range(len(self.rows))]
            saved.save(*self.file, self.state, said, self.found)

    def run(self, executor: Executor | None, workers: int, chunk: int | None) -> None:
        """Advance all members to their ends, by tasks of so many members."""
        unit = 1 if self.problem.program is None else self.problem.lanes.unit
        members = chunk or max(1, -(-len(self.rows) // (TASKS * workers * unit))) * unit
        if executor is None:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(workers) as pool:
                self._through(pool, members, elsewhere=False)
        else:
            self._through(executor, members, elsewhere=True)

    def _through(self, executor: Executor, chunk: int, elsewhere: bool) -> None:
        """Advance all members to their ends, or until their steps are used up."""
        problem = self.problem
        size = 1 if problem.program is None else problem.lanes.size
        while len(going := self._going()):
            steps = max(64, WORK // (min(chunk, len(going)) * size * problem.control.order))
            futures: dict[Task, Array] = {}
            try:
                for i in range(0, len(going), chunk):
                    members = going[i : i + chunk]
                    future = self._submitted(executor, members, steps)
                    futures[future] = members
                self._collect(futures, elsewhere)
            finally:
                for future in futures:
                    future.cancel()
                self.save()

    def _going(self) -> Array:
        """Return the members that are not through."""
        left = (self.state["code"] == GO) & (self.state["steps"] < self.problem.max_steps)
        left[list(self.lost)] = False
        return np.flatnonzero(left)

    def _submitted(self, executor: Executor, members: Array, steps: int) -> Task:
        from concurrent.futures import Future

        alone = self.problem.program is None or self.problem.watched
        given = [self.given[i] for i in members] if alone else []
        try:
            return executor.submit(advanced, self.problem, self.rows[members], given, steps)
        except RuntimeError as error:  # its workers are gone
            lost: Task = Future()
            lost.set_exception(error)
            return lost

    def _collect(self, futures: dict[Task, Array], elsewhere: bool) -> None:
        """Take the new states of tasks as they come, and save them."""
        from concurrent.futures import as_completed

        began, cost = time.monotonic(), 0.0
        errors = []
        for future in as_completed(futures):
            members = futures[future]
            error = future.exception()
            if error is None:
                self._take(members, future.result())
            elif not elsewhere:
                raise error
            else:
                self._check_picklable(error)
                errors.append(error)
                self.lost |= dict.fromkeys(members.tolist(), f"its task was lost: {error!r}")
            if time.monotonic() - began > 10 * cost:  # saving takes a tenth of the time at most
                start = time.monotonic()
                self.save()
                began = time.monotonic()
                cost = began - start
            if self.report:
                done = self._done()
                self.report(done, len(self.rows) - done)
        if len(errors) == len(futures):
            raise IntegrationError(
                f"no task came back from the executor: {errors[0]!r}"
            ) from errors[0]

    def _take(self, members: Array, done: Advanced) -> None:
        """Take what has become of some members."""
        self.rows[members] = done.rows
        self.said |= {int(members[i]): why for i, why in done.said.items()}
        for i, found in done.found.items():
            self.found.setdefault(int(members[i]), []).append(found)
        if done.stiff is not None and not self.stiff:
            self.stiff, (i, left) = True, done.stiff
            warnings.warn(
                f"the problem seems to be stiff: member {members[i]} takes short steps for "
                f"stability, not for accuracy, about {left:.0e} more of them; use an implicit "
                "method, taylor.ode.solve_ivp(..., method='Radau'), 'BDF' or 'LSODA'",
                stacklevel=outside(),
            )

    def _check_picklable(self, error: BaseException) -> None:
        try:
            pickle.dumps((self.problem, self.given))
        except Exception as cause:
            raise TypeError(
                f"fun or args cannot be sent to other processes ({cause}): define fun at the top "
                "of a module, not as a lambda or inside of another function"
            ) from error

    def _done(self) -> float:
        """Return how many members are done, each as far as it is."""
        t0, t1 = self.problem.t0, self.problem.targets[-1]
        ended = (self.state["code"] != GO) | (t0 == t1)
        gone = np.abs(self.state["t"] - t0) / (abs(t1 - t0) or 1.0)
        return float(np.sum(np.where(ended, 1.0, gone)))


def _result(tasks: Tasks, times: Array, events: bool) -> EnsembleResult:
    state, problem, members = tasks.state, tasks.problem, len(tasks.rows)
    stopped = state["code"] == ENDED
    ended = (state["column"] == len(problem.targets)) | stopped
    message, why = np.full(members, MESSAGES[0], dtype=object), tasks.lost | tasks.said
    message[stopped] = MESSAGES[1]
    for i in np.flatnonzero(~ended).tolist():
        message[i] = why.get(
            i,
            f"{problem.max_steps} steps did not reach t = {problem.targets[-1]}, only "
            f"t = {state['t'][i]}: raise max_steps, or loosen tol",
        )
    y = state["found"][:, : len(times)].reshape(members, len(times), *problem.shape)
    return EnsembleResult(
        t=times,
        y=np.moveaxis(y, 1, -1),
        t_last=state["t"].copy(),
        y_last=state["y"].reshape(members, *problem.shape).copy(),
        steps=state["steps"].astype(int),
        error=np.array([reported(x) for x in state["worst"].tolist()]),
        status=np.where(stopped, 1, np.where(ended, 0, -1)),
        message=message,
        success=ended,
        t_events=[_events(tasks, i, 0) for i in range(members)] if events else None,
        y_events=[_events(tasks, i, 1) for i in range(members)] if events else None,
        sol=[_solution(tasks, i) for i in range(members)] if problem.dense else None,
        t_doses=None,
        y_doses=None,
    )


def _events(tasks: Tasks, i: int, which: int) -> list[Array]:
    """Return the times (0) or states (1) of the events of a member."""
    shape = () if which == 0 else tasks.problem.shape
    logs: list[list[Any]] = [[] for _ in tasks.problem.events]
    for found in tasks.found.get(i, []):
        for log, event in zip(logs, found.events, strict=False):
            log += event[which]
    kind = tasks.problem.kind if which else float
    return [np.array(log, kind).reshape(-1, *shape) for log in logs]


def _solution(tasks: Tasks, i: int) -> Solution:
    """Return the solution of a member; if it has not moved, as a constant."""
    pieces = [p for found in tasks.found.get(i, []) for p in found.pieces if len(p)]
    if not pieces:
        member, problem = tasks.state[i], tasks.problem
        y = member["y"].reshape(1, 1, *problem.shape)
        return Solution(np.repeat(member["t"], 2), np.zeros(1), y.copy())
    return solution(pieces)
