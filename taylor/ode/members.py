"""The members of an ensemble: their states, and how some of them go on.

A state is a row of numbers, a record of `lanes`.  `advance` is a function of the rows of its
members, so threads, processes and clusters do the same, and what is saved between tasks goes on bit
for bit.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.program import Program, kept, plain
from taylor.errors import DomainError, TaylorError
from taylor.kept import STORE
from taylor.ode.control import NONE
from taylor.ode.integrator import TaylorIntegrator
from taylor.ode.lanes import Lanes, record
from taylor.ode.machine import DONE, GO, INFINITE, LOOK, ROUGH
from taylor.ode.methods import MethodIntegrator, MethodOptions
from taylor.ode.options import Control, Options
from taylor.ode.record import Record
from taylor.ode.stepper import failure
from taylor.ode.system import System

Array = NDArray[Any]


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

    def __getstate__(self) -> dict[str, Any]:
        state = {name: x for name, x in self.__dict__.items() if name != "lanes"}
        if self.program is not None:  # then fun is not needed elsewhere
            state["fun"] = None
        return state

    @functools.cached_property
    def control(self) -> Control:
        """What the steps need."""
        return self.options.control(np.zeros(0))

    @functools.cached_property
    def record(self) -> np.dtype[Any]:
        """The fields of a row."""
        return record(math.prod(self.shape), self.parameters, len(self.targets), self.kind)

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
        state["parameters"] = parameters
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

    def integrator(self, t: Any, y: Array, args: Sequence[Any]) -> TaylorIntegrator:
        """Return what takes the steps of one member."""
        kind = MethodIntegrator if isinstance(self.options, MethodOptions) else Member
        return kind.of(self.fun, t, y.reshape(self.shape), args, self.options)


class Member(TaylorIntegrator):
    """The integrator of one member: what is slow in all of them has been said before."""

    def _slow(self, why: str) -> None:
        self.warnings.append(why)


def in_lanes(problem: Problem, y: Array, given: Sequence[Any]) -> tuple[Problem, Array | None]:
    """Return the problem with the program of fun, and the parameters, if its members fit in lanes.

    They do where fun does not branch, and their arguments differ in numbers only.  Else return the
    problem as it is, and None.
    """
    if y.dtype != np.float64 or not y.size or isinstance(problem.options, MethodOptions):
        return problem, None
    system = problem.recorded(y, given)
    if system is None or system.program is None or system.program.guards or system.branches:
        return problem, None
    parameters = _parameters(system, given)
    if parameters is None:
        return problem, None
    found = replace(problem, program=system.program, parameters=parameters.shape[1])
    try:
        return (found, parameters) if found.lanes else (problem, None)
    except (TaylorError, ImportError, OSError):
        return problem, None


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
        careful = np.flatnonzero((state["code"] == LOOK) | (state["code"] == ROUGH)).tolist()
        for i in careful:
            if why := _carefully(problem, state[i]):
                said[i] = why
        if not careful:
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
        while member["column"] and _beyond(problem, member):
            member["column"] -= 1
        member["found"][member["column"] :] = np.nan
    args, numbers = [], member["parameters"]
    for i in problem.program.inputs[2:]:
        shape = problem.program.code[i].shape
        own, numbers = np.split(numbers, [math.prod(shape)])
        args.append(own.reshape(shape)[()])
    member["code"] = GO
    alone = replace(problem, fun=kept(plain, problem.program), program=None)
    return _alone(alone, member, tuple(args), 1)


def _beyond(problem: Problem, member: Any) -> bool:
    """Whether a member is not yet at the last of the times that it has reached."""
    t, target = member["t"], problem.targets[member["column"] - 1]
    forward = problem.targets[-1] >= problem.t0
    return bool(t < target if forward else t > target)


def _between(problem: Problem, it: MethodIntegrator, member: Any) -> None:
    """Step one member to its end; its states at the times are those between the steps.

    Solvers of SciPy would begin anew at each of them.
    """
    first = int(member["column"])
    record = Record(it, problem.targets[first:])
    try:
        for pieces in it.march(problem.targets[-1], problem.max_steps - member["steps"]):
            record.add(pieces)
    finally:
        states = np.moveaxis(record.states(), -1, 0)
        member["column"] = first + len(states)
        member["found"][first : first + len(states)] = states.reshape(len(states), member["y"].size)
        if member["column"] == len(problem.targets):
            member["code"] = DONE


def _alone(problem: Problem, member: Any, args: tuple[Any, ...], steps: float = math.inf) -> str:
    """Step one member to its end, or as far as it goes, or some steps; return why it failed.

    One that fails does not lose the others.
    """
    it, before, why = None, member["steps"], ""
    try:
        it = problem.integrator(member["t"], member["y"], args)
        it.t_low, it.y_low = member["t_low"], member["y_low"].reshape(problem.shape)
        if isinstance(it, MethodIntegrator):
            _between(problem, it, member)
        while member["code"] == GO and (left := problem.max_steps - before - it.steps) > 0:
            for _ in it.march(problem.targets[member["column"]], left, log=steps < math.inf):
                if it.steps >= steps and not it.at_zero:
                    break
            if it.t != problem.targets[member["column"]]:
                break
            member["found"][member["column"]] = it.y.reshape(-1)
            member["column"] += 1
            member["code"] = GO if member["column"] < len(problem.targets) else DONE
            if it.steps >= steps and not it.at_zero:
                break
    except Exception as error:
        why = getattr(error, "reason", "")
        member["code"] = getattr(error, "status", GO) if why else INFINITE
        why = why or str(error) or type(error).__name__
    if it is not None:
        member["t"], member["t_low"], member["steps"] = it.t, it.t_low, before + it.steps
        member["y"], member["y_low"] = it.y.reshape(-1), it.y_low.reshape(-1)
        member["worst"] = max(member["worst"], it.worst)
    return why if member["code"] != GO else ""
