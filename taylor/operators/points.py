"""Operators at many points while they are recorded: a loop over a few of the points at a time.

Its program, and so the time to compile it, does not grow with the number of points.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.core.conditions import stays_number
from taylor.core.node import Node
from taylor.core.operand import host, lift
from taylor.core.program import Program
from taylor.core.tape import Tape
from taylor.drivers.derivable import recording
from taylor.drivers.driver import result
from taylor.drivers.scan import rows
from taylor.errors import DomainError
from taylor.numbers.kinds import base, base_array, is_operand
from taylor.numbers.values import shape_of

Function = Callable[..., Any]
LEAST = 1 << 21  # numbers in all tables: where they are fewer, one program of all points is as fast
NUMBERS = 128  # of a variable at a time: their tables stay close to the processor


def in_turn(values: Callable[[Function, Any], Any], f: Function, x: Any, size: int) -> Any:
    """Return values(f, x), of points along the first axes of x, as a loop; else None.

    The last ones of the values are those of f, of which a number in the algebra has `size`.  None
    where nothing is recorded, or where f of some points is no program, or another one than of all.
    """
    *front, n = np.shape(x)
    count = math.prod(front)
    most = max(1, NUMBERS // size)
    if count < 2 * most or base_array(x).dtype != np.dtype(float):
        return None
    points = np.reshape(x, (count, n))
    one = _of_one(f, points)
    if one is None or not isinstance(host([lift(x if is_operand(x) else one)]), Node):
        return None
    many = next((t for t in range(most, most // 2, -1) if count % t == 0), most)
    last = np.broadcast_to(points[-1:], (-count % many, n))
    blocks = np.concatenate([points, last]) if len(last) else points
    found = rows(lambda x: values(f, x), np.reshape(blocks, (-1, many, n)), LEAST)
    if found is None:
        return None
    found = np.reshape(found, (-1, *np.shape(found)[2:]))[:count]
    whole = result(f, np.reshape(points, np.shape(x)))
    if not np.size(whole) or not _alike(np.reshape(found[..., -1], np.shape(whole)), whole):
        return None
    if recording(x) is not None:
        stays_number(found[..., -1])
    return np.reshape(found, (*front, *np.shape(found)[1:]))


def _of_one(f: Function, points: Any) -> Any:
    """Return f of the first of the points alone; None if it is not a function of each of them."""
    try:
        y = result(f, points[:1])
    except ValueError:  # of shapes that do not fit; f of all points is called, too, and may raise
        return None
    return y if shape_of(y)[:1] == (1,) else None


def _alike(y: Any, z: Any) -> bool:
    """Whether a node y and z are for sure one function of what is recorded.

    At its point, and at one nearby: there what is multiplied by a zero, as parameters are at first,
    differs, too.
    """
    tape: Tape = y.tape
    outputs = [y.i, tape.node(z).i]
    program = Program(tape.code, tape.inputs, outputs, [], single=False).pruned()
    if any(is_operand(op.constant) for op, _, _ in program.code):
        return False  # what an outer recording varies
    noise, point = np.random.default_rng(0).normal, [base(tape.values[i]) for i in tape.inputs]
    nearby = [np.where(v == 0, 1, v) * noise(0, 0.01, np.shape(v)) + v for v in point]
    try:
        with np.errstate(all="ignore"):
            pairs = [(base(y), base(z)), map(base, program(*nearby))]
            return all(np.allclose(a, b, 1e-9, 1e-300, equal_nan=True) for a, b in pairs)
    except DomainError:
        return False
