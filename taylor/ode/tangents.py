"""Tangents of a program in many directions at a time: the directions lie along the last axis.

There they fill whole vectors of machine code, beside values that are one number for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.program import recording
from taylor.core.rules import Code, tangent_of
from taylor.core.tables import contract, free_letter
from taylor.core.tape import Instruction, Linear
from taylor.errors import TraceError
from taylor.numbers.values import constant

Array = Any


def pushforward(
    f: Callable[..., Any], x: Sequence[Any], dx: Sequence[Any], count: int
) -> tuple[Any, Any]:
    """Return f(*x) and its tangents, of shape (*shape of f, count).

    dx holds the tangents of the arguments, with `count` directions along the last axis; None is
    zero.  Raises TraceError for what has no rule in this form.

    >>> y, dy = pushforward(lambda x: x[0] * x[1], [np.array([2.0, 3.0])], [np.eye(2)], 2)
    >>> dy
    array([3., 2.])
    """
    program, v = recording(f, *x)
    tangent = _tangents(program.code, v, dx, count)[program.outputs[0]]
    y = v[program.outputs[0]]
    return y, _whole(tangent, np.shape(y), count)


def _whole(d: Any, shape: Sequence[int], count: int) -> Any:
    """Return tangents in the whole shape of their variable; None as zeros."""
    if d is None:
        return np.zeros((*shape, count))
    return d if np.shape(d) == (*shape, count) else np.broadcast_to(d, (*shape, count))


def _tangents(code: Code, v: Sequence[Any], dx: Sequence[Any], count: int) -> list[Any]:
    t: list[Any] = []
    under: dict[int, Any] = {}  # values with an axis for the directions

    def value(i: int) -> Any:
        if i not in under:
            under[i] = v[i] if np.shape(v[i]) == () else np.reshape(v[i], (*np.shape(v[i]), 1))
        return under[i]

    for i, (op, args, param, shape) in enumerate(code):
        d = [t[a] for a in args]
        if op == "input":
            t.append(dx[param])
        elif all(e is None for e in d):
            t.append(None)
        elif op == "linear" and param.kind != "scale":
            whole = [_whole(e, code[a].shape, count) for e, a in zip(d, args, strict=True)]
            t.append(_linear(param, whole, count))
        elif op == "mul" and args[0] == args[1]:
            half = value(args[0]) * d[0]
            t.append(half + half)
        elif op == "einsum":
            t.append(_einsum(param, [v[a] for a in args], d, [code[a].shape for a in args], count))
        elif op == "call":
            raise TraceError(f"{param.rule.name} has no tangents in lanes")
        else:
            if op == "linear":
                data = np.asarray(param.data)
                param = Linear("scale", np.reshape(data, (*data.shape, 1)) if data.ndim else data)
            instruction = Instruction(op, args, param, shape)
            shapes = [code[a].shape for a in args]
            t.append(tangent_of(instruction, [value(a) for a in args], value(i), d, shapes))
    return t


def _linear(linear: Linear, xs: list[Any], count: int) -> Any:
    """Return S x under a last axis, for each of its elements."""
    kind, data = linear
    if kind == "einsum":
        spec, c = data
        return contract(*_under(spec, 1), constant(c, np.zeros(1)), xs[0])
    if kind == "gather":
        rows = np.concatenate([np.reshape(x, (-1, count)) for x in xs])
        lost = data < 0
        found = rows[np.where(lost, 0, data)]
        return np.where(lost[..., None], 0.0, found) if lost.any() else found
    if kind == "scatter":
        index, shape = data
        lanes = np.arange(count)
        places = np.where(index[..., None] < 0, -1, index[..., None] * count + lanes)
        return Linear("scatter", (places, (*shape, count)))(xs[0])
    if kind == "reshape":
        return np.reshape(xs[0], (*data, count))
    if kind == "sum":
        return np.sum(xs[0], axis=tuple(data))
    return np.cumsum(xs[0], axis=data)


def _under(spec: str, operand: int) -> tuple[str]:
    """Return the specification with one more, last axis of an operand and of the result."""
    terms, out = spec.split("->")
    names, z = terms.split(","), free_letter(spec)
    names[operand] += z
    return (f"{','.join(names)}->{out}{z}",)


def _einsum(spec: str, a: list[Any], d: list[Any], shapes: list[Any], count: int) -> Any:
    terms = []
    for n in (0, 1):
        if d[n] is not None:
            given = list(a)
            given[n] = _whole(d[n], shapes[n], count)
            terms.append(contract(*_under(spec, n), *given))
    return terms[0] if len(terms) == 1 else terms[0] + terms[1]
