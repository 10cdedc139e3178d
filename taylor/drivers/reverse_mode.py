"""Reverse mode: a function recorded at a point, and adjoints swept back through it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from taylor.core.graded import multivariate
from taylor.core.program import recording
from taylor.core.rules import adjoints
from taylor.core.tags import Tag, fresh_tag
from taylor.core.tape import Tape
from taylor.drivers.driver import parts, result, seed
from taylor.drivers.forward_mode import LANES, Function
from taylor.numbers.kinds import Floats, Kind, base, is_operand
from taylor.numbers.values import as_array, shape_of, together, unit_rows, zeros
from taylor.series.multivariate import TaylorN
from taylor.series.series import Series


def recorded(
    f: Function,
    x: Any,
    through: frozenset[Tag] = frozenset(),
    room: float = math.inf,
    tape: Tape | None = None,
) -> tuple[Any, list[Any], int]:
    """Return the instructions of f at x, their values, and which of them is the result.

    Nobody else may have x, which is one of the values.  Raises TooLarge if they make more elements
    than there is room for.
    """

    def run(y: Any) -> Any:
        y.tape.room, y.tape.passing = room, True
        return result(f, y)

    at = x if is_operand(x) else x[()]
    program, v = recording(run, at, through=through, tape=tape, own=True)
    return program.code, v, program.outputs[0]


def pulled(code: Any, v: list[Any], seeds: dict[int, Any], x: Any) -> Any:
    """Return the adjoint of the only input; zero if nothing depends on it."""
    (bar,) = adjoints(code, v, seeds)
    if bar is None:
        bar = Kind.of(x).zeros(shape_of(x))
    if is_operand(bar):
        return bar
    return x._constant(as_array(bar)) if isinstance(x, Series) else as_array(bar)[()]


def seed_of(w: Any, y: Any) -> Any:
    """Return the seed w as a number of the kind of y."""
    if is_operand(w) or (type(w) is np.float64 is type(y)):
        return w
    kind = Kind.of(y)
    if not (isinstance(kind, Floats) and Kind.of(w).numpy):
        return together(as_array(w), y)[0][()]
    dtype = kind.dtype if not np.iscomplexobj(w) else np.result_type(kind.dtype, np.complex64)
    if type(base(y)) is float and np.ndim(w) == 0:
        return complex(w) if np.iscomplexobj(w) else float(w)
    if type(w) in (int, float) and dtype.kind in "fc" and dtype.itemsize > 2:
        return dtype.type(w)
    return np.asarray(w).astype(np.result_type(dtype, np.float32))[()]


def rows_of(code: Any, v: list[Any], out: int, x: Any) -> Any:
    """Return the Jacobian by reverse mode, a chunk of the elements of f(x) in lanes at a time."""
    shape = shape_of(v[out])
    size = math.prod(shape)
    chunk = max(16, LANES // max(size, 1) // 64)
    rows = [
        _adjoints_along(code, v, out, x, unit_rows(min(chunk, size - start), shape, v[out], start))
        for start in range(0, max(size, 1), chunk)
    ]
    found = np.concatenate(rows) if len(rows) > 1 else rows[0]
    return found.reshape((*shape, *shape_of(x)))


def _adjoints_along(code: Any, v: list[Any], out: int, x: Any, w: Any) -> Any:
    shape, count = shape_of(v[out]), shape_of(w)[0]
    algebra = multivariate(count, 1)
    tag = fresh_tag()
    bar = seed(TaylorN, zeros(shape, w), algebra, w, tag)
    tag.real = True  # the weights of the elements are, also of complex ones
    found = parts(pulled(code, v, {out: bar}, x), tag, algebra.size)[1:]
    tag.closed = True
    return found


def adjoints_along(f: Function, x: Any, w: Any) -> Any:
    """Return the adjoints of x for adjoints w_k of f(x), along the first axis of w."""
    return _adjoints_along(*recorded(f, x), x, w)
