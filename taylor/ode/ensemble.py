"""`solve_ensemble`: one system from many initial values, or with many arguments, at once.

Members step in the lanes of machine code, each with steps of its own.  Where fun branches, or has
no machine code, a `TaylorIntegrator` takes them one by one.  The work is cut into tasks (some
members, some steps): `advance` is a function of the numbers of its members, so threads, processes
and clusters do the same, and what is saved between tasks goes on bit for bit.
"""

from __future__ import annotations

import functools
import hashlib
import io
import itertools
import math
import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np

from taylor.core.memory import fresh
from taylor.core.program import Program
from taylor.drivers.compile import Compiled
from taylor.errors import (
    DomainError,
    IntegrationError,
    ShapeMismatch,
    TaylorError,
    eagerly,
)
from taylor.kept import STORE
from taylor.numbers.values import as_array
from taylor.ode import files
from taylor.ode.integrator import TaylorIntegrator
from taylor.ode.lanes import Lanes
from taylor.ode.machine import (
    DONE,
    FLOOR,
    GO,
    INFINITE,
    LIMIT,
    LONGEST,
    LOW,
    SMALL,
    STATUS,
    STEPS,
    TIME,
)
from taylor.ode.options import Control, Options, check_span, number_of_steps
from taylor.ode.results import MESSAGES, Bar, OdeResult, inside
from taylor.ode.stepper import failure
from taylor.ode.system import System, is_parameter

if TYPE_CHECKING:  # slow to import, rarely needed
    from concurrent.futures import Executor, Future

Array = Any
KIND = "the state of an ensemble, format 2"  # in its file
CODES = (GO, DONE, INFINITE, SMALL)  # that a member can have between tasks
VALUES = 16  # of fun that tell it from another one, where it may branch
ONCE = 1 << 12  # steps of one member at a time
TASKS = 4  # of each worker at least, so that all end at about the same time
WORK = 1 << 35  # of a task: members · steps · (numbers of memory) · order, about half a second


class EnsembleResult(OdeResult):
    """The result of `solve_ensemble`: a dict whose entries are attributes, too.

    t: the times; y: the states there, of shape (members, *shape of a state, times), nan where a
    member did not come; t_last, y_last: where each member has come to, and its state there; steps:
    series of the solution that were computed; status: 0 the end was reached, -1 a failure;
    message: what happened; success: status >= 0.  All but t have one entry for each member.

    >>> r = solve_ensemble(lambda t, y: y * y, (0.0, 1.0), [0.5, 2.0])
    >>> r.status, r.t_last.round(9), r.y.round(9)
    (array([ 0, -1]), array([1. , 0.5]), array([[0.5, 1. ],
           [2. , nan]]))
    """


def solve_ensemble(
    fun: Callable[..., Any],
    t_span: Sequence[Any],
    y0: Any,
    *,
    args: Any = (),
    t_eval: Any = None,
    tol: Any = None,
    order: int | None = None,
    atol: float = 0.0,
    max_step: float = math.inf,
    max_steps: int | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
    chunk: int | None = None,
    checkpoint: str | Path | None = None,
    progress: bool | Callable[[float], None] = False,
    strict: bool = False,
) -> EnsembleResult:
    """Return the solutions of y' = fun(t, y, *args) from many initial values y0[0], y0[1], ...

    As `solve_ivp`, for all members along the first axis of y0.  `args` is a tuple for all members,
    or a list with one tuple for each.  The steps land on the times of `t_eval`, without it on the
    ends of t_span.  `max_steps` is for each member.  A member that fails has status -1, and a
    message; the others go on.

    Tasks of `chunk` members run on `threads` of this machine (default: all cores), or on any
    `executor` of `concurrent.futures`, such as dask.distributed's or mpi4py's; members whose task
    does not come back have failed.  With `checkpoint`
    the state of all members is kept in that file (npz): the same call goes on from it, bit for
    bit.  `progress` shows a bar (needs tqdm), or is called with the share that is done.  `strict`:
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
        times = np.array(t_eval, dtype=float)
        inside(times, t0, t1)
    problem = Problem(
        fun=fun.f if isinstance(fun, Compiled) else fun,
        shape=y.shape[1:],
        targets=times if len(times) and times[-1] == t1 else np.append(times, t1),
        options=Options(tol, order, max_step, atol),
        max_steps=number_of_steps(max_steps),
    )
    state = _start(y, t0, problem.targets)
    problem, parameters = _in_lanes(problem, state, given)
    if problem.program is None and len(state):
        _alone_by_code(problem, state, given[0], strict or getattr(fun, "strict", False))
    run = _Run(problem, state, given if parameters is None else parameters)
    if checkpoint is not None:
        run.keep(Path(checkpoint), _fingerprint(problem, state, given))
    report = Bar(progress is True, 0.0, 1.0)
    with report as bar:
        run.report = progress if callable(progress) else bar.at
        workers = threads or os.cpu_count() or 1
        members = chunk or run.members(workers)
        if executor is not None:
            run.through(executor, members, elsewhere=True)
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(workers) as pool:
                run.through(pool, members)
    return _result(run, times)


# ------------------------------------------------------------------ members
@dataclass
class State:
    """The state of some members: all that their integration goes on from.

    `code` is a status of `machine`, `column` the number of times reached, `found` the states there,
    of shape (members, times, components).
    """

    t: Array
    t_low: Array
    y: Array
    y_low: Array
    code: Array
    steps: Array
    column: Array
    found: Array
    message: Array

    def __len__(self) -> int:
        return len(self.t)

    def take(self, members: Array) -> State:
        """Return a copy of some members."""
        return State(*(getattr(self, f.name)[members] for f in fields(self)))

    def put(self, members: Array, new: State) -> None:
        """Set some members."""
        for f in fields(self):
            getattr(self, f.name)[members] = getattr(new, f.name)


def _start(y: Array, t0: float, targets: Array) -> State:
    """Return the state of all members at the beginning."""
    n = len(y)
    flat = y.reshape(n, math.prod(y.shape[1:]))
    found = np.full((n, len(targets), flat.shape[1]), np.nan, dtype=y.dtype)
    there = int(targets[0] == t0)
    found[:, :there] = flat[:, None]
    code = np.full(n, DONE if there == len(targets) else GO)
    return State(
        t=np.full(n, t0),
        t_low=np.zeros(n),
        y=flat.copy(),
        y_low=np.zeros_like(flat),
        code=code,
        steps=np.zeros(n, dtype=np.int64),
        column=np.full(n, there),
        found=found,
        message=np.full(n, "", dtype=object),
    )


@dataclass
class Problem:
    """What all members have in common; pickled, where it runs in lanes without fun."""

    fun: Callable[..., Any]
    shape: tuple[int, ...]
    targets: Array
    options: Options
    max_steps: float
    program: Program | None = None  # of fun, where it runs in lanes

    def __getstate__(self) -> dict[str, Any]:
        state = {name: x for name, x in self.__dict__.items() if name != "lanes"}
        if self.program is not None:  # then fun is not needed elsewhere
            state["fun"] = None
        return state

    @property
    def control(self) -> Control:
        """What the steps need."""
        return self.options.control(np.zeros(0))

    @functools.cached_property
    def lanes(self) -> Lanes:
        """The machine code of this process."""
        assert self.program is not None
        given = self.program, self.control.order, self.control.factor
        return STORE.made(lambda: Lanes(*given), "lanes", self.program.identity, *given[1:])


def advance(problem: Problem, state: State, given: Any, steps: int) -> State:
    """Return the state of some members at the end, or after some steps more.

    `given` holds a row of parameters (in lanes), or the arguments, of each member.
    """
    if problem.program is None:
        return _one_by_one(problem, state, given)
    lanes = problem.lanes
    records, y, low, parameters = lanes.records(len(state))
    y[:], low[:], parameters[:] = state.y, state.y_low, given
    records[:, TIME], records[:, LOW], records[:, STEPS] = state.t, state.t_low, state.steps
    records[:, LONGEST] = problem.options.max_step
    records[:, FLOOR] = problem.control.floor
    records[:, LIMIT] = np.minimum(steps, problem.max_steps - state.steps)
    column, found, message = state.column.copy(), state.found.copy(), state.message.copy()
    error = lanes.run(records, problem.targets, column, found)
    raised = "" if error is None else f" ({type(error).__name__}: {error})"
    code = records[:, STATUS].astype(int)
    for i in np.flatnonzero((code == INFINITE) | (code == SMALL)):
        why = raised if code[i] == INFINITE else ""
        message[i] = failure(code[i], records[i, TIME]) + why
    return State(
        t=records[:, TIME],
        t_low=records[:, LOW],
        y=y,
        y_low=low,
        code=code,
        steps=records[:, STEPS].astype(np.int64),
        column=column,
        found=found,
        message=message,
    )


def _one_by_one(problem: Problem, state: State, given: Sequence[Any]) -> State:
    """Return the state of some members at their ends: each goes there, or fails, in one go."""
    new = state.take(np.arange(len(state)))
    for i, args in enumerate(given):
        try:
            _alone(problem, new, i, args)
        except Exception as error:  # a member that fails does not lose the others
            new.code[i] = INFINITE
            new.message[i] = str(error) or type(error).__name__
    return new


class _Member(TaylorIntegrator):
    """The integrator of one member: what is slow in all of them has been said before."""

    def _slow(self, why: str) -> None:
        self.warnings.append(why)


def _member(problem: Problem, state: State, i: int, args: tuple[Any, ...]) -> _Member:
    return _Member(
        problem.fun,
        state.t[i],
        state.y[i].reshape(problem.shape),
        args=args,
        **vars(problem.options),
    )


def _alone_by_code(problem: Problem, state: State, args: tuple[Any, ...], strict: bool) -> None:
    """Say why members that are taken one by one have no machine code, if the first has none."""
    try:
        why = _member(problem, state, 0, args).warnings[:1]
    except Exception:  # then that member fails, and says why
        return
    for reason in why:
        eagerly("the integration of members", reason, strict)


def _alone(problem: Problem, state: State, i: int, args: tuple[Any, ...]) -> None:
    """Step one member to its end, or as far as it goes."""
    it = _member(problem, state, i, args)
    it.t_low, it.y_low = state.t_low[i], state.y_low[i].reshape(problem.shape)
    before = state.steps[i]
    try:
        while state.code[i] == GO and (left := problem.max_steps - before - it.steps) > 0:
            for _ in it.march(problem.targets[state.column[i]], left, log=False):
                pass
            state.found[i, state.column[i]] = it.y.reshape(-1)
            state.column[i] += 1
            state.code[i] = GO if state.column[i] < len(problem.targets) else DONE
    except IntegrationError as error:
        if not error.reason:
            raise
        state.code[i] = error.status
        state.message[i] = error.reason if error.status != GO else ""
    finally:
        state.t[i], state.t_low[i], state.steps[i] = it.t, it.t_low, before + it.steps
        state.y[i], state.y_low[i] = it.y.reshape(-1), it.y_low.reshape(-1)


# ------------------------------------------------------------------ tasks
class _Run:
    """The tasks of an ensemble, and the file that keeps its state."""

    def __init__(self, problem: Problem, state: State, given: Any) -> None:
        self.problem, self.state, self.given = problem, state, given
        self.t0 = float(state.t[0]) if len(state) else 0.0
        self.report: Callable[[float], Any] = lambda share: None
        self.path: Path | None = None
        self.name = ""  # of the problem, in the file
        self.lost: dict[int, str] = {}  # members whose task did not come back

    def members(self, workers: int) -> int:
        """Return the number of members of a task."""
        unit = 1 if self.problem.program is None else self.problem.lanes.unit
        return max(1, -(-len(self.state) // (TASKS * workers * unit))) * unit

    def through(self, executor: Executor, chunk: int, elsewhere: bool = False) -> None:
        """Advance all members to their ends, or until their steps are used up."""
        problem = self.problem
        size = 1 if problem.program is None else problem.lanes.size
        while len(going := self._going()):
            steps = max(64, WORK // (min(chunk, len(going)) * size * problem.control.order))
            futures: dict[Future[State], Array] = {}
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
        left = (self.state.code == GO) & (self.state.steps < self.problem.max_steps)
        left[list(self.lost)] = False
        return np.flatnonzero(left)

    def _submitted(self, executor: Executor, members: Array, steps: int) -> Future[State]:
        given = (
            [self.given[i] for i in members]
            if isinstance(self.given, list)
            else self.given[members]
        )
        from concurrent.futures import Future

        try:
            return executor.submit(advance, self.problem, self.state.take(members), given, steps)
        except RuntimeError as error:  # its workers are gone
            lost: Future[State] = Future()
            lost.set_exception(error)
            return lost

    def _collect(self, futures: dict[Future[State], Array], elsewhere: bool) -> None:
        """Take the new states of tasks as they come, and save them."""
        from concurrent.futures import as_completed

        began, cost = time.monotonic(), 0.0
        errors = []
        for future in as_completed(futures):
            members = futures[future]
            error = future.exception()
            if error is None:
                self.state.put(members, future.result())
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
            self.report(self._share())
        if len(errors) == len(futures):
            raise IntegrationError(
                f"no task came back from the executor: {errors[0]!r}"
            ) from errors[0]

    def _check_picklable(self, error: BaseException) -> None:
        try:
            pickle.dumps((self.problem, self.given))
        except Exception as cause:
            raise TypeError(
                f"fun or args cannot be sent to other processes ({cause}): define fun at the top "
                "of a module, not as a lambda or inside of another function"
            ) from error

    def _share(self) -> float:
        """Return which part of the work is done."""
        t0, t1 = self.t0, self.problem.targets[-1]
        ended = (self.state.code != GO) | (t0 == t1)
        gone = np.abs(self.state.t - t0) / (abs(t1 - t0) or 1.0)
        return float(np.mean(np.where(ended, 1.0, gone)))

    # -------------------------------------------------------------- saving
    def keep(self, path: Path, name: str) -> None:
        """Keep the state in a file, and go on from it if it is there."""
        self.path, self.name = path, name
        if not path.exists():
            return
        arrays = files.read(path, KIND)
        if str(arrays.pop("problem", "")) != name:
            raise ValueError(
                f"{path} holds the state of another ensemble (other fun, y0, args, times, tol, "
                "order or steps): give the same, or another path"
            )
        fault = _fault(arrays, self.state, self.problem.targets)
        if fault is not None:
            raise ValueError(f"{path} holds no state of this ensemble: {fault}")
        for f in fields(State):
            array = arrays[f.name]
            setattr(self.state, f.name, array.astype(getattr(self.state, f.name).dtype))

    def save(self) -> None:
        """Write the state to its file; the file is whole at any time."""
        if self.path is None:
            return
        arrays = {f.name: getattr(self.state, f.name) for f in fields(State)}
        arrays["message"] = arrays["message"].astype(str)
        files.write(self.path, KIND, {"problem": np.array(self.name), **arrays})


def _fault(arrays: dict[str, Array], start: State, targets: Array) -> str | None:
    """Return why the arrays of a file cannot be a state that comes from the one at the start."""
    if arrays.keys() != {f.name for f in fields(State)}:
        return f"its arrays are {', '.join(arrays) or 'none'}"
    for name, array in arrays.items():
        old = getattr(start, name)
        kind = "U" if name == "message" else old.dtype.kind
        if array.shape != old.shape or array.dtype.kind != kind:
            return f"{name} has the shape {array.shape} and type {array.dtype}"
    code, column, t = arrays["code"], arrays["column"], arrays["t"]
    if not np.isin(code, CODES).all() or (arrays["steps"] < 0).any():
        return "code or steps is no number that they can have"
    if (column < start.column).any() or (column > len(targets)).any():
        return "column is not between 0 and the number of times"
    if ((code == DONE) != (column == len(targets))).any():
        return "what has come to the end has not reached all times"
    ends = np.concatenate([start.t[:1], targets, targets[-1:]])
    before, after = np.sort([ends[column], ends[column + 1]], axis=0)
    if not ((before <= t) & (t <= after)).all():
        return "t is not between the times that column says"
    still, there = arrays["steps"] == 0, int(start.column.max(initial=0))
    moved = ~still & ((code == GO) | (code == DONE))
    if not all(np.isfinite(arrays[name][moved]).all() for name in ("t_low", "y", "y_low")):
        return "its numbers are not finite"
    found, later = arrays["found"], np.arange(there, len(targets)) >= column[:, None]
    same = ((arrays["y"][still], start.y[still]), (found[:, :there], start.found[:, :there]))
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in same):
        return "members without a step are not where they began"
    if found.shape[2] and (np.isfinite(found[:, there:]).all(axis=2) == later).any():
        return "found does not hold the states at the times that were reached"
    return None


def _fingerprint(problem: Problem, state: State, given: list[Any]) -> str:
    """Return a hash of what the result depends on, apart from max_steps."""
    h = hashlib.sha256(repr((problem.control, problem.shape, problem.program is None)).encode())
    arguments = itertools.chain.from_iterable(given)
    known = [as_array(x) if is_parameter(x) else x for x in arguments]
    for x in (problem.targets, state.y, state.t, *known, *_written(problem, state, given)):
        if isinstance(x, np.ndarray):
            h.update(f"{x.shape} {x.dtype}".encode())
            h.update(pickle.dumps(x.tolist()) if x.dtype == object else x.tobytes())
        elif isinstance(x, (str, bytes, bool, type(None))):
            h.update(repr(x).encode())
    return h.hexdigest()


def _written(problem: Problem, state: State, given: list[Any]) -> Iterator[Any]:
    """Yield what tells fun from another: its program; where it may branch its bytecode, too."""
    program = problem.program
    if program is None and len(given):
        yield from _bytecode(getattr(problem.fun, "__code__", None))
        system = _system(problem, state, given)
        program = system.program if system is not None else None
        for i in np.unique(np.linspace(0, len(given) - 1, VALUES).astype(int)):
            try:
                y = state.y[i].copy().reshape(problem.shape)
                y = problem.fun(state.t[i], y, *map(fresh, given[i]))
                yield np.asarray(y, dtype=state.y.dtype)
            except Exception as error:  # that member fails, and so it did before
                yield type(error).__name__
    if program is not None:
        yield _text(program)


def _bytecode(code: Any) -> Iterator[bytes]:
    """Yield what a function of Python does, its names and constants, apart from where it stands."""
    if isinstance(code, CodeType):
        yield code.co_code + repr(code.co_names).encode()
        for constant in code.co_consts:
            yield from _bytecode(constant)
    elif isinstance(code, (int, float, complex, str, bytes)):
        yield repr(code).encode()


def _text(program: Program) -> bytes:
    """Return a program as bytes, the same in every process, or what can be written of it."""
    text = io.BytesIO()
    pickler = pickle.Pickler(text, protocol=5)
    pickler.fast = True  # equal objects are written alike, be they one or two
    try:
        pickler.dump((program.code, program.inputs, program.outputs, program.guards))
    except (pickle.PicklingError, AttributeError, TypeError):  # rules made of lambdas
        return repr([program.expression(i) for i in range(len(program))]).encode()
    return text.getvalue()


# ------------------------------------------------------------------ what is given, what comes out
def _states(y0: Any) -> Array:
    """Return the initial values, with the members along the first axis."""
    y = as_array(y0)
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
    if not isinstance(args, list):
        return [tuple(args or ())] * n
    if not all(isinstance(a, tuple) for a in args):
        raise TypeError("args is a tuple for all members, or a list with one tuple for each")
    if len(args) != n:
        raise ShapeMismatch(
            f"args is a list for {len(args)} members, y0 has {n}: give one tuple for each "
            "(np.tile repeats one initial value)"
        )
    return args


def _in_lanes(problem: Problem, state: State, given: list[Any]) -> tuple[Problem, Array | None]:
    """Return the problem with the program of fun, and the parameters, if its members fit in lanes.

    They do where fun does not branch, and their arguments differ in numbers only.
    """
    if state.y.dtype != np.float64 or not state.y.size:
        return problem, None
    system = _system(problem, state, given)
    if system is None or system.program is None:
        return problem, None
    parameters = _parameters(system, given)
    if system.program.guards or system.surfaces.outputs or parameters is None:
        return problem, None
    found = replace(problem, program=system.program)
    try:
        return (found, parameters) if found.lanes else (problem, None)
    except (TaylorError, ImportError, OSError):
        return problem, None


def _system(problem: Problem, state: State, given: list[Any]) -> System | None:
    """Return fun recorded at the first member at which it has a value."""
    for t, y, args in zip(state.t, state.y, given, strict=True):
        try:
            return System(problem.fun, t, y.reshape(problem.shape), args)
        except DomainError:
            continue
    return None


def _parameters(system: System, given: list[Any]) -> Array | None:
    """Return the numbers in the arguments of each member, or None if they differ otherwise."""
    n = len(given)
    if len(set(map(id, given))) == 1:  # one tuple for all
        given = given[:1]
    if any(len(args) != len(system.args) for args in given):
        return None
    columns = [np.zeros((len(given), 0))]
    for i, own in enumerate(system.args):
        values = [args[i] for args in given]
        if i not in system.free:
            if any(v is not own for v in values):
                return None
            continue
        if any(np.shape(v) != np.shape(own) for v in values):
            return None
        column = np.array(values)
        if column.dtype.kind not in "fiub":
            return None
        columns.append(column.reshape(len(given), -1).astype(float))
    rows = np.concatenate(columns, axis=1)
    return np.broadcast_to(rows, (n, rows.shape[1]))


def _result(run: _Run, times: Array) -> EnsembleResult:
    state, problem = run.state, run.problem
    members, shape = len(state), problem.shape
    ended = state.column == len(problem.targets)
    message = np.where(ended, MESSAGES[0], state.message)
    for i in np.flatnonzero(state.code == GO):
        message[i] = run.lost.get(
            int(i),
            f"{problem.max_steps} steps did not reach t = {problem.targets[-1]}, only "
            f"t = {state.t[i]}: raise max_steps, or loosen tol",
        )
    y = state.found[:, : len(times)].reshape(members, len(times), *shape)
    return EnsembleResult(
        t=times,
        y=np.moveaxis(y, 1, -1),
        t_last=state.t,
        y_last=state.y.reshape(members, *shape),
        steps=state.steps,
        status=np.where(ended, 0, -1),
        message=message,
        success=ended,
    )
