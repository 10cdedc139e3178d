"""The members of an ensemble: their states, and how some of them go on.

`advance` is a function of the numbers of its members, so threads, processes and clusters do the
same, and what is saved between tasks goes on bit for bit.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.program import Program
from taylor.errors import DomainError, TaylorError
from taylor.kept import STORE
from taylor.ode import machine
from taylor.ode.integrator import TaylorIntegrator
from taylor.ode.lanes import Lanes
from taylor.ode.machine import DONE, GO, INFINITE, SMALL
from taylor.ode.options import Control, Options
from taylor.ode.stepper import failure
from taylor.ode.system import System

Array = NDArray[Any]
HEAD = {"t": machine.TIME, "t_low": machine.LOW, "steps": machine.STEPS, "code": machine.STATUS}


def begun(y: Array, t0: float, targets: Array) -> Array:
    """Return the states of all members at the beginning: all that their integration goes on from.

    `code` is a status of `machine`, `column` the number of times reached, `found` the states there.
    """
    size = math.prod(y.shape[1:])
    numbers, rows = (y.dtype, (size,)), (y.dtype, (len(targets), size))
    state = np.zeros(len(y), [
        ("t", float), ("t_low", float), ("y", *numbers), ("y_low", *numbers), ("code", int),
        ("steps", int), ("column", int), ("found", *rows), ("message", object),
    ])  # fmt: skip
    there = int(targets[0] == t0)
    state["t"], state["y"], state["message"] = t0, y.reshape(len(y), size), ""
    state["column"], state["code"] = there, DONE if there == len(targets) else GO
    state["found"] = np.nan
    state["found"][:, :there] = state["y"][:, None]
    return state


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

    def recorded(self, state: Array, given: Array) -> System | None:
        """Return fun recorded at the first member at which it has a value."""
        for member, args in zip(state, given, strict=True):
            try:
                return System(self.fun, member["t"], member["y"].reshape(self.shape), args)
            except DomainError:
                continue
        return None

    def integrator(self, member: Any, args: Sequence[Any]) -> TaylorIntegrator:
        """Return what takes the steps of one member."""
        y = member["y"].reshape(self.shape)
        return Member(self.fun, member["t"], y, args=args, **vars(self.options))


class Member(TaylorIntegrator):
    """The integrator of one member: what is slow in all of them has been said before."""

    def _slow(self, why: str) -> None:
        self.warnings.append(why)


def in_lanes(problem: Problem, state: Array, given: Array) -> tuple[Problem, Array]:
    """Return the problem with the program of fun, and the parameters, if its members fit in lanes.

    They do where fun does not branch, and their arguments differ in numbers only.  Else return the
    problem, and the arguments, as they are.
    """
    if state["y"].dtype != np.float64 or not state["y"].size:
        return problem, given
    system = problem.recorded(state, given)
    if system is None or system.program is None or system.program.guards or system.branches:
        return problem, given
    parameters = _parameters(system, given)
    if parameters is None:
        return problem, given
    found = replace(problem, program=system.program)
    try:
        return (found, parameters) if found.lanes else (problem, given)
    except (TaylorError, ImportError, OSError):
        return problem, given


def _parameters(system: System, given: Array) -> Array | None:
    """Return the numbers in the arguments of each member, or None if they differ otherwise."""
    rows = list(given) if len(set(map(id, given))) > 1 else [given[0]]  # one tuple for all
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
    found = np.concatenate(columns, axis=1)
    return np.broadcast_to(found, (len(given), found.shape[1]))


def advance(problem: Problem, state: Array, given: Array, steps: int) -> Array:
    """Return the state of some members at the end, or after some steps more.

    `given` holds a row of parameters (in lanes), or the arguments, of each member.
    """
    new = state.copy()
    if problem.program is None:
        for member, args in zip(new, given, strict=True):
            _alone(problem, member, args)
        return new
    records, y, low, parameters = problem.lanes.records(len(state))
    y[:], low[:], parameters[:] = state["y"], state["y_low"], given
    for name, place in HEAD.items():
        records[:, place] = state[name]
    records[:, machine.LONGEST] = problem.control.max_step
    records[:, machine.FLOOR] = problem.control.floor
    records[:, machine.LIMIT] = np.minimum(steps, problem.max_steps - state["steps"])
    column, found = state["column"].copy(), state["found"].copy()
    error = problem.lanes.run(records, problem.targets, column, found)
    new["y"], new["y_low"], new["column"], new["found"] = y, low, column, found
    for name, place in HEAD.items():
        new[name] = records[:, place]
    raised = "" if error is None else f" ({type(error).__name__}: {error})"
    for i in np.flatnonzero(np.isin(new["code"], (INFINITE, SMALL))):
        code = new["code"][i]
        new["message"][i] = failure(code, new["t"][i]) + (raised if code == INFINITE else "")
    return new


def _alone(problem: Problem, member: Any, args: tuple[Any, ...]) -> None:
    """Step one member to its end, or as far as it goes: one that fails does not lose the others."""
    it, before = None, member["steps"]
    try:
        it = problem.integrator(member, args)
        it.t_low, it.y_low = member["t_low"], member["y_low"].reshape(problem.shape)
        while member["code"] == GO and (left := problem.max_steps - before - it.steps) > 0:
            for _ in it.march(problem.targets[member["column"]], left, log=False):
                pass
            member["found"][member["column"]] = it.y.reshape(-1)
            member["column"] += 1
            member["code"] = GO if member["column"] < len(problem.targets) else DONE
    except Exception as error:
        reason = getattr(error, "reason", "")
        member["code"] = getattr(error, "status", GO) if reason else INFINITE
        member["message"] = reason or str(error) or type(error).__name__
    if it is not None:
        member["t"], member["t_low"], member["steps"] = it.t, it.t_low, before + it.steps
        member["y"], member["y_low"] = it.y.reshape(-1), it.y_low.reshape(-1)
