"""The file that keeps an ensemble between its tasks, and what tells one ensemble from another."""

from __future__ import annotations

import hashlib
import io
import itertools
import pickle
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.memory import fresh
from taylor.core.program import Program
from taylor.numbers.values import as_array
from taylor.ode import files
from taylor.ode.machine import DONE, GO, INFINITE, SMALL
from taylor.ode.members import Problem
from taylor.ode.system import is_parameter

Array = NDArray[Any]
KIND = "the state of an ensemble, format 2"  # in its file
CODES = (GO, DONE, INFINITE, SMALL)  # that a member can have between tasks
VALUES = 16  # of fun that tell it from another one, where it may branch


def load(path: Path, name: str, start: Array, targets: Array) -> Array:
    """Return the state in a file of the ensemble of that name, or that at the start without one."""
    if not path.exists():
        return start
    arrays = files.read(path, KIND)
    if str(arrays.pop("problem", "")) != name:
        raise ValueError(
            f"{path} holds the state of another ensemble (other fun, y0, args, times, tol, "
            "order or steps): give the same, or another path"
        )
    fault = _fault(arrays, start, targets)
    if fault is not None:
        raise ValueError(f"{path} holds no state of this ensemble: {fault}")
    state = start.copy()
    for field, array in arrays.items():
        state[field] = array
    return state


def save(path: Path, name: str, state: Array) -> None:
    """Write the state to its file; the file is whole at any time."""
    arrays = {field: state[field] for field in state.dtype.names or ()}
    arrays["message"] = arrays["message"].astype(str)
    files.write(path, KIND, {"problem": np.array(name), **arrays})


def _fault(arrays: dict[str, Array], start: Array, targets: Array) -> str | None:
    """Return why the arrays of a file cannot be a state that comes from the one at the start."""
    if arrays.keys() != set(start.dtype.names or ()):
        return f"its arrays are {', '.join(arrays) or 'none'}"
    for name, array in arrays.items():
        old = start[name]
        kind = "U" if name == "message" else old.dtype.kind
        if array.shape != old.shape or array.dtype.kind != kind:
            return f"{name} has the shape {array.shape} and type {array.dtype}"
    code, column, t = arrays["code"], arrays["column"], arrays["t"]
    if not np.isin(code, CODES).all() or (arrays["steps"] < 0).any():
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
    moved = ~still & ((code == GO) | (code == DONE))
    if not all(np.isfinite(arrays[name][moved]).all() for name in ("t_low", "y", "y_low")):
        return "its numbers are not finite"
    found, later = arrays["found"], np.arange(there, len(targets)) >= column[:, None]
    same = ((arrays["y"][still], start["y"][still]), (found[:, :there], start["found"][:, :there]))
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in same):
        return "members without a step are not where they began"
    if found.shape[2] and (np.isfinite(found[:, there:]).all(axis=2) == later).any():
        return "found does not hold the states at the times that were reached"
    return None


def fingerprint(problem: Problem, state: Array, given: Array) -> str:
    """Return a hash of what the result depends on, apart from max_steps."""
    h = hashlib.sha256(repr((problem.control, problem.shape, problem.program is None)).encode())
    arguments = itertools.chain.from_iterable(given)
    known = [as_array(x) if is_parameter(x) else x for x in arguments]
    for x in (problem.targets, state["y"], state["t"], *known, *_told(problem, state, given)):
        if isinstance(x, np.ndarray):
            h.update(f"{x.shape} {x.dtype}".encode())
            h.update(pickle.dumps(x.tolist()) if x.dtype == object else x.tobytes())
        elif isinstance(x, (str, bytes, bool, type(None))):
            h.update(repr(x).encode())
    return h.hexdigest()


def _told(problem: Problem, state: Array, given: Array) -> Iterator[Any]:
    """Yield what tells fun from another: its program; where it may branch its bytecode, too."""
    program = problem.program
    if program is None and len(given):
        yield from _bytecode(getattr(problem.fun, "__code__", None))
        system = problem.recorded(state, given)
        program = system.program if system is not None else None
        for i in np.unique(np.linspace(0, len(given) - 1, VALUES).astype(int)):
            try:
                y = state["y"][i].copy().reshape(problem.shape)
                y = problem.fun(state["t"][i], y, *map(fresh, given[i]))
                yield np.asarray(y, dtype=state["y"].dtype)
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
