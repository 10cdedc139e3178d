"""Batches at one point: some numbers of each row are the point's, of the results a tensor is made.

Python calls such code at once (see `taylor.llvm.entry`); in between nothing is a Python object.
"""

from __future__ import annotations

import math
from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from taylor.llvm.entry import Entry, Fixed, Value, place_of
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH, Index
from taylor.llvm.jit import Code, address, made
from taylor.llvm.registers import Scalar
from taylor.llvm.spread import spread
from taylor.machine.machine import Machine

Shape = tuple[int, ...]
# the block: two flags, then pointers, numbers, and the point
POINTERS = ("tiles", "memory", "rows", "out", "flags")
NUMBERS = ("width", "points", "tiles", "flags")
POINT = 2 + len(POINTERS) + len(NUMBERS)


def _code() -> str:
    """Write what runs a batch: the point into all rows, then its tiles."""
    f = Function()
    words = [f.address("%data", [], 2 + k) for k in range(POINT - 2)]
    tiles, memory, rows, out, flags = (f.word(word, "ptr") for word in words[: len(POINTERS)])
    width, points, count, wrong = (f.word(word, "i64") for word in words[len(POINTERS) :])
    with f.loop(0, points) as i:
        x = f.splat(f.load(f.address("%data", [(i.index, 1)], POINT), 1), WIDTH)
        start = f.whole("mul", i.index, width)
        with f.loop(0, width, WIDTH) as k:
            f.store(x, f.address(rows, [(start, 1), (k.index, 1)], 0))
    with f.loop(0, wrong) as flag:
        f.store(f.constant(0.0), f.address(flags, [(flag.index, 1)], 0))
    f.run(tiles, [memory, rows, out, flags, f.index(width), f.index(0), f.index(count)], [])
    half = f.whole("ashr", wrong, 1)

    def added(i: str, totals: list[Scalar]) -> list[Scalar]:
        return [totals[0] + f.load(f.address(flags, [(i, 1)], 0), 1)]

    ends: list[tuple[Index, Index]] = [(0, half), (half, wrong)]
    for place, (first, last) in enumerate(ends):
        (total,) = f.fold(first, last, [f.constant(0.0)], added)
        f.store(total, f.address("%data", [], place))
    return f.text()


def enter(
    entry: Entry,
    machine: Machine,
    rows: NDArray[np.float64],
    picks: NDArray[np.int64],
    point: Shape,
    order: int,
) -> None:
    """Add the code of a machine to what Python calls at once, at such a point and that order.

    The numbers of the point are the first rows of the batch; result i is number picks[i] of its
    results.  Not if the code asks Python, or is called already.
    """
    key: Hashable = (id(machine), "batch", point, order)
    if machine.asks[0] or machine.planar or machine.code.packed or key in entry.keys:
        return
    rows, width = rows.copy(), rows.shape[1]
    out, flags = np.empty((machine.rows[-1], width)), np.zeros(2 * machine.unit)
    held, n = [machine.room(), rows, out, flags], math.prod(point)
    data = np.zeros(POINT + n)
    words = data.view(np.int64)
    words[2] = place_of(machine.code.final(1))
    words[3 : 2 + len(POINTERS)] = [*map(address, held)]
    words[2 + len(POINTERS) : POINT] = [width, n, width // machine.unit, len(flags)]
    code = made(lambda: ((), Code(_code())), "batch", ())[1]
    code.final()
    inputs: list[Value | Fixed] = [Value((POINT,), point), Fixed(order)]
    entry.add(key, code, data, 0, inputs, [spread(out, picks, point, order)], False, False)
    entry.kept += [machine, *held]
