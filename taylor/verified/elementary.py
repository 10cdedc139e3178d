"""Bounds of functions on many intervals by machine code, next floats of each other at their ends.

What `llvm.proven` says of errors decides between which floats a value at an end lies.  Where it
does not, as at exact values, and where it proves nothing, the lane is left to others.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.llvm import enclosures, proven
from taylor.llvm.enclosures import CLOSE, TURNS
from taylor.llvm.jit import Code, made
from taylor.numbers.kinds import Array
from taylor.verified.batches import UNIT, aligned, through
from taylor.verified.rounding import INF

MANY = 32  # intervals that are worth a call
LARGEST = proven.BOUNDS["turned"][3]  # argument of sin and cos
ROWS = {  # functions of the table that are taken from the code, and their arguments
    "exp": 1, "log": 1, "sin": 1, "cos": 1, "tan": 1, "sinh": 1, "cosh": 1, "tanh": 1, "sech2": 1,
    "atan": 1, "asin": 1, "acos": 1, "log1p": 1, "expm1": 1, "sigmoid": 1, "asinh": 1, "acosh": 1,
    "atanh": 1, "real_power": 2, "exponential": 2,
}  # fmt: skip
Ends = tuple[Array, Array]
Bounds = tuple[Array, Array, Array]  # ends, and where they are known


@functools.cache
def _code(name: str) -> tuple[int, Code]:
    size, code = made(lambda: enclosures.write(name, ROWS[name]), "enclosure", name, 0)
    return size, code


def _found(name: str, ends: Sequence[Array]) -> Array:
    """Return the ends of a function on intervals: nan where nothing is proved."""
    size, code = _code(name)
    return through(code, aligned(size, UNIT), enclosures.GROUPS, ends, 2)


def bounds(name: str, x: Sequence[Ends]) -> Bounds:
    """Return bounds of a function on intervals, in lanes, and where they are known."""
    with np.errstate(all="ignore"):
        corners = _corners(x)
        points = [_found(name, [e for end in corner for e in (end, end)]) for corner in corners]
        known = functools.reduce(np.logical_and, map(_apart, points))
        low, high = points[0] if len(points) == 1 else _found(name, [e for end in x for e in end])
    return low, high, known & np.isfinite(low + high)


def _corners(x: Sequence[Ends]) -> list[list[Array]]:
    """Return the corners of boxes, each of them once."""
    found: list[list[Array]] = [[]]
    for low, high in x:
        sides = [low] if low is high or np.array_equal(low, high) else [low, high]
        found = [[*corner, side] for corner in found for side in sides]
    return found


def _apart(ends: Array) -> Array:
    """Return where bounds of a number tell all that floats can."""
    found: Array = (np.nextafter(ends[0], INF) >= ends[1]) & np.isfinite(ends[0])
    return found


def between(low: Any, high: Any, name: str = "tan") -> tuple[Any, Any]:
    """Return the first and the last k with (k + TURNS)·π between the ends, or beside them."""
    begin = np.ceil(low / math.pi - TURNS[name] - CLOSE)
    return begin, np.floor(high / math.pi - TURNS[name] + CLOSE)


def turned(name: str, low: Array, high: Array, lo: Array, hi: Array) -> tuple[Array, Array]:
    """Return bounds of sin or cos from those of both ends: ±1 where an extreme may lie between."""
    begin, end = between(low, high, name)
    wide, even = end > begin, np.mod(begin, 2) == 0
    one = end >= begin
    return (np.where(wide | (one & ~even), -1.0, lo), np.where(wide | (one & even), 1.0, hi))
