"""The file that keeps an ensemble between its tasks, and what tells one ensemble from another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from taylor.ode.machine import DONE, GO, INFINITE, SMALL
from taylor.ode.members import Problem
from taylor.ode.methods import MethodOptions
from taylor.ode.system import is_parameter

Array = NDArray[Any]
KIND = "the state of an ensemble, format 4"  # in its file
FIELDS = ("t", "t_low", "y", "y_low", "code", "steps", "column", "found", "worst")
CODES = (GO, DONE, INFINITE, SMALL)  # that a member can have between tasks
VALUES = 16  # of fun that tell it from another one, where it may branch


def load(path: Path, name: str, start: Array, targets: Array) -> list[str]:
    """Set the state to that in a file of the ensemble of that name; return why members failed."""
    arrays = files.read(path, KIND)
    if str(arrays.pop("problem", "")) != name:
        raise ValueError(
            f"{path} holds the state of another ensemble (other fun, y0, args, times, tol, "
            "order or steps): give the same, or another path"
        )
    fault = _fault(arrays, start, targets)
    if fault is not None:
        raise ValueError(f"{path} holds no state of this ensemble: {fault}")
    for field in FIELDS:
        start[field] = arrays[field]
    said: list[str] = arrays["message"].tolist()
    return said


def save(path: Path, name: str, state: Array, said: Sequence[str]) -> None:
    """Write the state to its file; the file is whole at any time."""
    arrays = {field: state[field] for field in FIELDS}
    message = np.array(said, dtype=str).reshape(len(state))
    files.write(path, KIND, {"problem": np.array(name), **arrays, "message": message})


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
    if ((code == DONE) != (column == len(targets))).any():
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
    program = problem.program
    if program is None and len(y):
        yield _bytecode(getattr(problem.fun, "__code__", None))
        system = problem.recorded(y, given)
        program = system.program if system is not None else None
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
