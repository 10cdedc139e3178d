"""Bounds of exp, log, sin and cos on many intervals, next floats of each other where it is proved.

What `llvm.proven` says of errors decides between which floats a value lies.  Where it does not, as
at exact values, and beyond the arguments that it is about, the lane is left to others.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from taylor.llvm import proven
from taylor.llvm.enclosures import CLOSE, TURNS
from taylor.llvm.jit import Code, address, made
from taylor.numbers.kinds import Array
from taylor.verified.rounding import INF

MANY = 32  # points that are worth a call
LARGEST = proven.BOUNDS["turned"][3]  # argument of sin and cos
Bounds = tuple[Array, Array, Array]  # ends, and where they are known
Points = Callable[[Array], Bounds]


@functools.cache
def _code(name: str) -> tuple[int, Code]:
    size, code = made(lambda: proven.write(name), "proven", name, 0)
    return size, code


def _results(name: str, x: Array) -> list[Array]:
    """Return what the code gives for points."""
    size, code = _code(name)
    rows, unit, blocks = proven.ROWS, proven.UNIT, -(-len(x) // proven.LANES)
    raw = np.zeros(blocks * size * unit + unit)
    start = (-raw.ctypes.data // 8) % unit
    data = raw[start:][: blocks * size * unit].reshape(blocks, size, unit)
    table = data[:, : rows * proven.GROUPS].reshape(blocks, proven.GROUPS, rows, unit)
    table[:, :, 0] = np.resize(x, (blocks, proven.GROUPS, unit))
    for block in data:
        code.call(address(block))
    found = np.moveaxis(table, 2, 0).reshape(rows, -1)
    return list(found[1:, : len(x)])


def _apart(name: str, x: Array, high: Array, low: Array) -> Bounds:
    """Return the floats around high + low, and where they are proved to be."""
    relative, absolute, least, most = proven.BOUNDS[name]
    error = relative * np.abs(high) + absolute
    above, below = low > error, low < -error
    known = (above | below) & (least <= x) & (x <= most)
    return (
        np.where(above, high, np.nextafter(high, -INF)),
        np.where(above, np.nextafter(high, INF), high),
        known,
    )


def _exp(x: Array) -> Bounds:
    high, low, *_ = _results("exp", x)
    return _apart("exp", x, high, low)


def _log(x: Array) -> Bounds:
    high, low, z, *_ = _results("log", x)
    lo, hi, known = _apart("log", x, high, low)
    return lo, hi, known & (np.abs(z) < proven.NEAR)


def _turned(x: Array, ahead: int) -> Bounds:
    """Return sin(x + ahead·π/2)."""
    s, s_low, c, c_low, n = _results("turned", x)
    n = np.where(np.abs(x) <= LARGEST, n, 0.0).astype(np.int64) + ahead
    odd, sign = (n & 1).astype(bool), 1.0 - (n & 2)
    return _apart("turned", x, sign * np.where(odd, c, s), sign * np.where(odd, c_low, s_low))


POINTS: dict[str, Points] = {
    "exp": _exp, "log": _log, "sin": lambda x: _turned(x, 0), "cos": lambda x: _turned(x, 1),
}  # fmt: skip


def bounds(name: str, low: Array, high: Array) -> Bounds:
    """Return bounds of a function on intervals, in lanes, and where they are known."""
    with np.errstate(all="ignore"):
        thin = np.array_equal(low, high)
        first = POINTS[name](low)
        if thin:
            return first
        last = POINTS[name](high)
        known = first[2] & last[2]
        lo, hi = np.minimum(first[0], last[0]), np.maximum(first[1], last[1])
        if name in TURNS:
            lo, hi = turned(name, low, high, lo, hi)
    return lo, hi, known


def turned(name: str, low: Array, high: Array, lo: Array, hi: Array) -> tuple[Array, Array]:
    """Return bounds of sin or cos from those of both ends: ±1 where an extreme may lie between."""
    begin = np.ceil(low / math.pi - TURNS[name] - CLOSE)
    end = np.floor(high / math.pi - TURNS[name] + CLOSE)
    wide, even = end > begin, np.mod(begin, 2) == 0
    one = end >= begin
    return (
        np.where(wide | (one & ~even), -1.0, lo),
        np.where(wide | (one & even), 1.0, hi),
    )
