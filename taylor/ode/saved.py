"""The file that keeps an ensemble between its tasks, and what tells one ensemble from another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.memory import fresh
from taylor.kept import PLAIN, identity
from taylor.numbers.values import as_array
from taylor.ode import files
from taylor.ode.machine import DONE, ENDED, GO, INFINITE, SMALL
from taylor.ode.members import Problem
from taylor.ode.methods import MethodOptions
from taylor.ode.system import is_parameter
from taylor.ode.watched import Found

Array = NDArray[Any]
KIND = "the state of an ensemble, format 5"  # in its file
FIELDS = (
    "t", "t_low", "y", "y_low", "code", "steps", "column", "found", "worst", "count", "when",
    "parameters",
)  # fmt: skip
CODES = (GO, DONE, INFINITE, SMALL, ENDED)  # that a member can have between tasks
LOGS = ("event_of", "event", "event_t", "event_y")
VALUES = 16  # of fun that tell it from another one, where it may branch


def load(
    path: Path, name: str, problem: Problem, start: Array
) -> tuple[list[str], dict[int, list[Found]]]:
    """Set the state to that in a file of the ensemble of that name; return why members failed, and
    the events that they have met.
    """
    arrays = files.read(path, KIND)
    if str(arrays.pop("problem", "")) != name:
        raise ValueError(
            f"{path} holds the state of another ensemble (other fun, y0, args, times, tol, "
            "order or steps): give the same, or another path"
        )
    logs = {name: arrays.pop(name) for name in LOGS if name in arrays}
    fault = _fault(arrays, start, problem.targets)
    fault = fault or _fault_of_logs(logs, arrays["count"], problem.shape)
    if fault is not None:
        raise ValueError(f"{path} holds no state of this ensemble: {fault}")
    for field in FIELDS:
        start[field] = arrays[field]
    said: list[str] = arrays["message"].tolist()
    return said, _from_logs(logs, len(problem.events))


def save(
    path: Path,
    name: str,
    state: Array,
    said: Sequence[str],
    found: Mapping[int, Sequence[Found]],
) -> None:
    """Write the state to its file; the file is whole at any time."""
    arrays = {field: state[field] for field in FIELDS}
    message = np.array(said, dtype=str).reshape(len(state))
    logs = _logs(found, state["y"].dtype)
    files.write(path, KIND, {"problem": np.array(name), **arrays, "message": message, **logs})


def _logs(found: Mapping[int, Sequence[Found]], number: Any) -> dict[str, Array]:
    """Return all events that members have met: whose and which they are, times and states."""
    rows = [
        (i, n, t, y)
        for i, tasks in found.items()
        for task in tasks
        for n, event in enumerate(task.events)
        for t, y in zip(*event, strict=True)
    ]
    member, event, t, y = zip(*rows, strict=True) if rows else ((), (), (), ())
    columns = np.array(member, int), np.array(event, int), np.array(t, float), np.array(y, number)
    return dict(zip(LOGS, columns, strict=True))


def _from_logs(logs: Mapping[str, Array], events: int) -> dict[int, list[Found]]:
    """Return the events of members."""
    found: dict[int, list[Found]] = {}
    for i, n, t, y in zip(*(logs[name] for name in LOGS), strict=True):
        one = found.setdefault(int(i), [Found([([], []) for _ in range(events)], [])])[0]
        one.events[n][0].append(t)
        one.events[n][1].append(y)
    return found


def _fault_of_logs(logs: Mapping[str, Array], count: Array, shape: tuple[int, ...]) -> str | None:
    """Return why the arrays of a file cannot be the events of members with so many of each."""
    if logs.keys() != set(LOGS):
        return "it lacks the events"
    member, event, t, y = (logs[name] for name in LOGS)
    if len(t) and (y.shape[1:] != shape or not len(member) == len(event) == len(t) == len(y)):
        return "the events do not fit together"
    if not (np.all(member < len(count)) and np.all(event < count.shape[1])):
        return "it has events that there are not"
    numbers = np.zeros(count.shape)
    np.add.at(numbers, (member, event), 1)
    return None if np.array_equal(numbers, count) else "the events are not as many as it says"


def _fault(arrays: dict[str, Array], start: Array, targets: Array) -> str | None:
    """Return why the arrays of a file cannot be a state that comes from the one at the start."""
    if arrays.keys() != {*FIELDS, "message"}:
        return f"its arrays are {', '.join(arrays) or 'none'}"
    for name, array in arrays.items():
        old = np.zeros(len(start), str) if name == "message" else start[name]
        if array.shape != old.shape or array.dtype.kind != old.dtype.kind:
            return f"{name} has the shape {array.shape} and type {array.dtype}"
    code, column, t = arrays["code"], arrays["column"], arrays["t"]
    if not np.isin(code, CODES).all() or not (arrays["steps"] >= 0).all():
        return "code or steps is no number that they can have"
    if (column < start["column"]).any() or (column > len(targets)).any():
        return "column is not between 0 and the number of times"
    there = column == len(targets)
    if ((code == DONE) & ~there | (code != DONE) & (code != ENDED) & there).any():
        return "what has come to the end has not reached all times"
    ends = np.concatenate([start["t"][:1], targets, targets[-1:]])
    before, after = np.sort([ends[column], ends[column + 1]], axis=0)
    if not ((before <= t) & (t <= after)).all():
        return "t is not between the times that column says"
    still, there = arrays["steps"] == 0, int(start["column"].max(initial=0))
    moved = ~still & (code <= DONE)
    if not all(np.isfinite(arrays[name][moved]).all() for name in ("t_low", "y", "y_low")):
        return "its numbers are not finite"
    found, later = arrays["found"], np.arange(there, len(targets)) >= column[:, None]
    same = ((arrays["y"][still], start["y"][still]), (found[:, :there], start["found"][:, :there]))
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in same):
        return "members without a step are not where they began"
    if found.shape[2] and (np.isfinite(found[:, there:]).all(axis=2) == later).any():
        return "found does not hold the states at the times that were reached"
    return None


def fingerprint(problem: Problem, y: Array, given: Sequence[Any]) -> str:
    """Return a hash of what the result depends on, apart from max_steps."""
    start = astuple(problem.control), *_method(problem), problem.t0, problem.targets, y
    arguments = [[_plain(x) for x in args] for args in given]
    found: bytes = identity((*start, arguments, list(_told(problem, y, given))))[0]
    return found.hex()


def _method(problem: Problem) -> list[Any]:
    """Return what tells a method from another one and from Taylor series."""
    options = problem.options
    if not isinstance(options, MethodOptions):
        return []
    more = [(name, _plain(options.more[name])) for name in sorted(options.more)]
    return [str(options.method), repr(options.tolerances), more]


def _plain(x: Any) -> Any:
    """Return an argument as something that is the same in every process."""
    if is_parameter(x):
        x = as_array(x)
        return repr(x.tolist()) if x.dtype == object else x
    return x if type(x) in PLAIN else None


def _told(problem: Problem, y: Array, given: Sequence[Any]) -> Iterator[Any]:
    """Yield what tells fun from another: its program; where it may branch its bytecode, too."""
    for g in problem.events:
        callback = getattr(g, "callback", None)
        yield [_bytecode(getattr(f, "__code__", None)) for f in (g, callback)]
        yield [float(getattr(g, name, 0) or 0) for name in ("direction", "terminal")]
    program = problem.program
    if (program is None or problem.watched) and len(y):
        yield _bytecode(getattr(problem.fun, "__code__", None))
        system = problem.recorded(y, given)
        program = system.program if program is None and system is not None else program
        for i in np.unique(np.linspace(0, len(y) - 1, VALUES).astype(int)):
            try:
                value = problem.fun(problem.t0, y[i].copy(), *map(fresh, given[i]))
                yield np.asarray(value, dtype=y.dtype)
            except Exception as error:  # that member fails, and so it did before
                yield type(error).__name__
    if program is not None:  # by its content, the names of rows and rules in it, and as it is read
        digest, *objects = program.identity
        yield digest, [str(getattr(x, "name", type(x).__name__)) for x in objects]
        yield [program.expression(i) for i in range(len(program))]


def _bytecode(code: Any) -> Any:
    """Return what a function of Python does, its names and constants, but not where it stands."""
    if isinstance(code, CodeType):
        return code.co_code, code.co_names, [_bytecode(c) for c in code.co_consts]
    return code if type(code) in PLAIN else None
