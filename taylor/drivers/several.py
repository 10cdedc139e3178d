"""Functions of several arguments: their adjoints and tangents, and series made of tables.

What `checkpoint` and `implicit` share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import Algebra
from taylor.core.memory import fresh
from taylor.core.operand import lift
from taylor.core.program import recording
from taylor.core.rules import adjoints
from taylor.core.tags import Tag
from taylor.drivers.driver import of_table, point
from taylor.drivers.forward_mode import value_and_tangent
from taylor.drivers.trees import as_one
from taylor.numbers.data import unlabelled
from taylor.numbers.kinds import Kind
from taylor.series.series import Series

Array = Any
Step = Callable[..., Any]


def pullback(f: Step, args: Sequence[Any], w: Any, start: Sequence[Any] = ()) -> tuple[Any, ...]:
    """Return the adjoints of all arguments of f for the adjoint w of its result.

    `start` holds adjoints (or None) to which the new ones are added.

    >>> [float(a) for a in pullback(lambda x, y: x * y, (2.0, 3.0), 1.0)]
    [3.0, 2.0]
    """
    xs = [point(x) for x in args]
    program, v = recording(f, *xs)
    out = program.outputs[0]
    if np.shape(w) != np.shape(v[out]):
        w = np.broadcast_to(w, np.shape(v[out]))
    bars = adjoints(program.code, v, {out: w}, start)
    return tuple(
        Kind.of(x).zeros(np.shape(x))[()] if bar is None else bar
        for bar, x in zip(bars, xs, strict=True)
    )


def pushforward(f: Step, args: Sequence[Any], dargs: Sequence[Any]) -> tuple[Any, Any]:
    """Return f(*args) and its derivative along dargs (None: an argument that does not vary)."""
    live = [i for i, d in enumerate(dargs) if d is not None]
    at, apart = as_one([args[i] for i in live])

    def g(z: Any) -> Any:
        xs = list(args)
        for i, x in zip(live, apart(z), strict=True):
            xs[i] = x
        return f(*xs)

    d = [np.broadcast_to(dargs[i], np.shape(args[i])) for i in live]
    return value_and_tangent(g, at, as_one(d)[0])


def argument(x: Any) -> Any:
    """Return an argument as a number, an array or an operand; lists become arrays."""
    x = lift(unlabelled(x, "this function"))
    return np.asarray(x) if isinstance(x, (list, tuple)) else x


def series(table: Any, algebra: Algebra, tag: Tag, kind: type[Series] = Series) -> Any:
    """Return the series with a copy of that table, as `of_table` does."""
    return of_table(fresh(table), algebra, tag, kind)
