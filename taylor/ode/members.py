"""The members of an ensemble: their states, and how some of them go on.

A state is a row of numbers, a record of `lanes`.  `advance` is a function of the rows of its
members, so threads, processes and clusters do the same, and what is saved between tasks goes on bit
for bit.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.deciding import vanishing
from taylor.core.instructions import Div
from taylor.core.program import Program, kept, plain
from taylor.errors import DomainError, IntegrationError, TaylorError
from taylor.kept import STORE
from taylor.ode.control import NONE
from taylor.ode.event import Event
from taylor.ode.events import Events
from taylor.ode.integrator import Integrator
from taylor.ode.lanes import Lanes, record
from taylor.ode.machine import DONE, ENDED, GO, INFINITE, LOOK, ROUGH, SMALL
from taylor.ode.methods import ByMethod, MethodOptions
from taylor.ode.options import Control, Options
from taylor.ode.pieces import Pieces
from taylor.ode.record import Record
from taylor.ode.stepper import failure
from taylor.ode.stiffness import MANY, STEADY
from taylor.ode.surfaces import Surface, renamed
from taylor.ode.system import System

Array = NDArray[Any]
FIRST = 16  # steps taken at first, before events are looked for


@dataclass
class Problem:
    """What all members have in common; pickled, where it runs in lanes without fun."""

    fun: Callable[..., Any]
    shape: tuple[int, ...]
    t0: float
    targets: Array
    options: Options
    max_steps: float
    kind: Any = float  # of numbers of y
    program: Program | None = None  # of fun, where it runs in lanes
    parameters: int = 0  # of its numbers
    events: tuple[Any, ...] = ()
    dense: bool = False  # whether all steps are kept
    branches: bool = False  # whether fun does

    def __getstate__(self) -> dict[str, Any]:
        state = {name: x for name, x in self.__dict__.items() if name != "lanes"}
        if self.program is not None and not self.watched:  # then fun is not needed elsewhere
            state["fun"] = None
        return state

    @property
    def watched(self) -> bool:
        """Whether the steps have to be looked at."""
        return bool(self.events) or self.dense or self.branches

    @functools.cached_property
    def control(self) -> Control:
        """What the steps need."""
        return self.options.control(np.zeros(0))

    @functools.cached_property
    def singular(self) -> bool:
        """Whether fun may be singular where its solution is not."""
        assert self.program is not None
        divides = any(type(i.op) is Div for i in self.program.code)
        return divides or bool(vanishing(self.program))

    def careful(self, state: Array) -> Array:
        """Return which members go on from the ends of their lanes by themselves."""
        code = state["code"]
        failed = (code == SMALL) | (code == INFINITE)
        if not self.singular and np.any(failed):
            failed[failed] = ~np.any(state["y"][failed], axis=1)  # from rest
        return np.flatnonzero((code == LOOK) | (code == ROUGH) | failed)

    @functools.cached_property
    def record(self) -> np.dtype[Any]:
        """The fields of a row."""
        sizes = math.prod(self.shape), self.parameters, len(self.targets)
        return record(*sizes, self.kind, len(self.events))

    @functools.cached_property
    def lanes(self) -> Lanes:
        """The machine code of this process."""
        assert self.program is not None
        given = self.program, self.control.order, self.control.factor
        return STORE.made(lambda: Lanes(*given), "lanes", self.program.identity, *given[1:])

    def named(self, rows: Array) -> Array:
        """Return the fields of rows: views of them."""
        fields: Array = rows.view(self.record)[:, 0]
        return fields

    def begun(self, y: Array, parameters: Any) -> Array:
        """Return the rows of all members at the beginning."""
        rows = np.zeros((len(y), self.record.itemsize // 8))
        state, there = self.named(rows), int(self.targets[0] == self.t0)
        state["t"], state["y"] = self.t0, y.reshape(state["y"].shape)
        state["column"], state["code"] = there, DONE if there == len(self.targets) else GO
        state["found"] = np.nan
        state["found"][:, :there] = state["y"][:, None]
        state["parameters"], state["when"] = parameters, np.nan
        state["longest"], state["floor"] = self.control.max_step, self.control.floor
        state["allowed"], state["worst"], state["watch"] = self.control.allowed, NONE, 1.0
        return rows

    def recorded(self, y: Array, given: Sequence[Any]) -> System | None:
        """Return fun recorded at the first member at which it has a value."""
        for start, args in zip(y, given, strict=True):
            try:
                return System(self.fun, np.float64(self.t0), start, args)
            except DomainError:
                continue
        return None

    def integrator(self, t: Any, y: Array, args: Sequence[Any]) -> Entering:
        """Return what takes the steps of one member."""
        kind = MethodMember if isinstance(self.options, MethodOptions) else Member
        return kind.of(self.fun, t, y.reshape(self.shape), args, self.options)


class Entering(Integrator):
    """An integrator that takes one member after the other."""

    left: float | None = None  # how many steps there are to go, if they are short for stability

    def enter(
        self, problem: Problem, member: Any, args: tuple[Any, ...], left: Surface | None = None
    ) -> None:
        """Go on with a member from where it is, where it has just left a surface."""
        self.set_state(member["t"], member["y"].reshape(problem.shape))
        self.t_low, self.y_low = member["t_low"], member["y_low"].reshape(problem.shape).copy()
        self.steps, self.worst, self.h = 0, NONE, 0 * self.t
        if args:
            self.args = args
        self._left, self._further = left, 0

    def astray(self) -> None:
        """Have the branch that fun takes here, and its name of the surface that is just left."""
        left = self._left
        self.renew()
        if left is not None:
            self._left = renamed(left, self.system, self.place, self._parameters)

    @property
    def clear(self) -> bool:
        """Whether no change of branch and no zero of a function is near."""
        return self._left is None and not self.at_zero


class Member(Entering):
    """The integrator of members: what is slow in all of them has been said before."""

    def _slow(self, why: str) -> None:
        self.warnings.append(why)

    def found_stiff(self, left: float) -> None:
        """Note that the problem is stiff."""
        self.left = left

    @property
    def machine(self) -> tuple[Any, Any]:
        """The system of the present branch, and the memory of its steps."""
        return self.system, self._memory

    @machine.setter
    def machine(self, machine: tuple[Any, Any]) -> None:
        self.system, self._memory = machine


class MethodMember(Entering, ByMethod):
    """The integrator of members by a method of SciPy."""


def in_lanes(problem: Problem, y: Array, given: Sequence[Any]) -> tuple[Problem, Array | None]:
    """Return the problem with the program of fun, and the parameters, if its members fit in lanes.

    They do where their arguments differ in numbers only, and events can be recorded.  Else return
    the problem as it is, and None.
    """
    if y.dtype != np.float64 or not y.size or isinstance(problem.options, MethodOptions):
        return problem, None
    system = problem.recorded(y, given)
    if system is None or system.program is None or not _recorded(problem, y[0], given):
        return problem, None
    parameters = _parameters(system, given)
    if parameters is None:
        return problem, None
    found = replace(
        problem,
        program=system.program,
        parameters=parameters.shape[1],
        branches=bool(system.program.guards or system.branches),
    )
    try:
        return (found, parameters) if found.lanes else (problem, None)
    except (TaylorError, ImportError, OSError):
        return problem, None


def _recorded(problem: Problem, y: Array, given: Sequence[Any]) -> bool:
    """Whether the events of all members have one program each, with floats for arguments.

    Other arguments must be the same; a callback could change them.
    """
    for n, g in enumerate(problem.events):
        event = Event(n, g, given[0], problem.options.strict)
        event.record(np.float64(problem.t0), y)
        if event.program is None or event.program.guards:
            return False
        fixed = [i for i in range(len(given[0])) if i not in event.free]
        first = [given[0][i] for i in fixed]
        if fixed and (event.callback or any([a[i] for i in fixed] != first for a in given)):
            return False
    return True


def _parameters(system: System, given: Sequence[Any]) -> Array | None:
    """Return the numbers in the arguments of each member, or None if they differ otherwise.

    That is one row for all, if all have one tuple.
    """
    rows = given if len(set(map(id, given))) > 1 else given[:1]
    if any(len(args) != len(system.args) for args in rows):
        return None
    columns = [np.zeros((len(rows), 0))]
    for i, own in enumerate(system.args):
        values = [args[i] for args in rows]
        if i not in system.free:
            if any(v is not own for v in values):
                return None
            continue
        if any(np.shape(v) != np.shape(own) for v in values):
            return None
        column = np.array(values)
        if column.dtype.kind not in "fiub":
            return None
        columns.append(column.reshape(len(rows), -1).astype(float))
    return np.concatenate(columns, axis=1)


def advance(
    problem: Problem, rows: Array, given: Sequence[Any], steps: int
) -> tuple[Array, dict[int, str]]:
    """Return the rows of some members at the end, or after some steps more, and why some failed.

    `given` holds the arguments of each, unless they run in lanes.
    """
    rows = rows.copy()
    state = problem.named(rows)
    if problem.program is None:
        texts = [_alone(problem, *member) for member in zip(state, given, strict=True)]
        return rows, {i: why for i, why in enumerate(texts) if why}
    until = np.minimum(state["steps"] + steps, problem.max_steps)
    said: dict[int, str] = {}
    raised = ""
    while True:
        state["limit"], state["check"] = until - state["steps"] + 1, 0.0
        error = problem.lanes.run(rows, problem.record, problem.targets)
        raised = raised if error is None else f" ({type(error).__name__}: {error})"
        careful = problem.careful(state)
        for i in careful.tolist():
            if why := _carefully(problem, state[i]):
                said[i] = why
        left = (state["code"][careful] == GO) & (state["steps"][careful] < until[careful])
        if not np.any(left):
            break
    for i in np.flatnonzero(state["code"] > DONE).tolist():
        code = state["code"][i]
        said.setdefault(i, failure(code, state["t"][i]) + (raised if code == INFINITE else ""))
    return rows, said


def _carefully(problem: Problem, member: Any) -> str:
    """Take a step of a member that lanes cannot, and those that lead away from a zero.

    Returns why it failed.
    """
    assert problem.program is not None
    if member["code"] == ROUGH:  # back to the start of its last step
        member["t"], member["t_low"] = member["last"], member["last_low"]
        member["y"], member["y_low"] = member["y_last"], 0.0
        rewind(problem, member)
    member["code"] = GO
    return _alone(*_single(problem, member), 1)


def _single(problem: Problem, member: Any) -> tuple[Problem, Any, tuple[Any, ...]]:
    """Return the problem of a member in lanes by itself, and its arguments."""
    assert problem.program is not None
    args, numbers = [], member["parameters"]
    for i in problem.program.inputs[2:]:
        shape = problem.program.code[i].shape
        own, numbers = np.split(numbers, [math.prod(shape)])
        args.append(own.reshape(shape)[()])
    alone = replace(problem, fun=kept(plain, problem.program), program=None)
    return alone, member, tuple(args)


def stiff(problem: Problem, rows: Array, given: Sequence[Any]) -> tuple[int, float] | None:
    """Return the member that has gone most steps, if these are short for stability only, and about
    how many it has to go.
    """
    state = problem.named(rows)
    going = (state["code"] == GO) & (state["steps"] > MANY)
    if not np.any(going) or isinstance(problem.options, MethodOptions):
        return None
    i = int(np.argmax(np.where(going, state["steps"], -1)))
    one = problem, state[i], given[i] if len(given) else ()
    alone, member, args = one if problem.program is None or problem.watched else _single(*one[:2])
    it = alone.integrator(member["t"], member["y"].copy(), args)
    it.steps = int(member["steps"])
    with contextlib.suppress(IntegrationError):
        for _ in range(2):
            next(it.march(problem.targets[member["column"]], STEADY + 1), None)
    return None if it.left is None else (i, it.left)


def rewind(problem: Problem, member: Any) -> None:
    """Forget the times that lie beyond the place to which a member has gone back."""
    while member["column"] and _beyond(problem, member):
        member["column"] -= 1
    member["found"][member["column"] :] = np.nan


def _beyond(problem: Problem, member: Any) -> bool:
    """Whether a member is not yet at the last of the times that it has reached."""
    t, target = member["t"], problem.targets[member["column"] - 1]
    forward = problem.targets[-1] >= problem.t0
    return bool(t < target if forward else t > target)


def _between(
    problem: Problem,
    member: Any,
    it: ByMethod,
    watch: Events | None,
    kept: list[Pieces] | None,
) -> None:
    """Step one member to its end; its states at the times are those between the steps.

    Solvers of SciPy would begin anew at each of them.
    """
    first, ended = int(member["column"]), False
    record = Record(it, problem.targets[first:])
    stop = None if watch is None else watch.next
    try:
        for pieces in it.march(problem.targets[-1], problem.max_steps - member["steps"], stop=stop):
            if watch is not None:
                pieces, ended = watch.handle(pieces)
            if kept is not None:
                kept.append(pieces)
            record.add(pieces)
            if ended:
                break
    finally:
        states = np.moveaxis(record.states(), -1, 0)
        member["column"] = first + len(states)
        member["found"][first : first + len(states)] = states.reshape(len(states), member["y"].size)
        if ended or member["column"] == len(problem.targets):
            member["code"] = ENDED if ended else DONE


def _alone(problem: Problem, member: Any, args: tuple[Any, ...], steps: float = math.inf) -> str:
    """Step one member to its end, or as far as it goes, or some steps; return why it failed."""
    try:
        it = problem.integrator(member["t"], member["y"], args)
    except Exception as error:
        member["code"] = INFINITE
        return str(error) or type(error).__name__
    it.enter(problem, member, args)
    return march(problem, member, it, steps)


def march(
    problem: Problem,
    member: Any,
    it: Entering,
    steps: float = math.inf,
    watch: Events | None = None,
    kept: list[Pieces] | None = None,
) -> str:
    """Step one member to its end, as far as it goes, or some steps and to where lanes may go on.

    Steps are kept if there is a list for them.  Returns why it failed: then it does not lose the
    others.
    """
    before, why, ended = member["steps"], "", False
    log = steps < math.inf or watch is not None or kept is not None
    first = None if steps == math.inf and watch is None else int(min(steps, FIRST))

    def enough() -> bool:
        clear = it.clear and (watch is None or watch.clear)
        return it.steps >= problem.max_steps - before or (it.steps >= steps and clear)

    try:
        if isinstance(it, ByMethod):
            _between(problem, member, it, watch, kept)
        while member["code"] == GO and (left := problem.max_steps - before - it.steps) > 0:
            target, stop = problem.targets[member["column"]], None
            if watch is not None:
                watch.last, stop = target, watch.next
            for pieces in it.march(target, left, log, first, stop):
                if watch is not None:
                    pieces, ended = watch.handle(pieces)
                if kept is not None:
                    kept.append(pieces)
                if ended or enough():
                    break
            if it.t == target:
                member["found"][member["column"]] = it.y.reshape(-1)
                member["column"] += 1
                member["code"] = GO if member["column"] < len(problem.targets) else DONE
            if ended:
                member["code"] = ENDED
            if it.t != target or enough():
                break
    except Exception as error:
        why = getattr(error, "reason", "")
        member["code"] = getattr(error, "status", GO) if why else INFINITE
        why = why or str(error) or type(error).__name__
    member["t"], member["t_low"], member["steps"] = it.t, it.t_low, before + it.steps
    member["y"], member["y_low"] = it.y.reshape(-1), it.y_low.reshape(-1)
    member["worst"] = max(member["worst"], it.worst)
    return why if member["code"] != GO else ""
