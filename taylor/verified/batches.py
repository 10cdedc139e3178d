"""Many boxes through machine code, groups of them at a time: rows of numbers in, and rows out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from taylor.llvm.ir import WIDTH
from taylor.llvm.jit import Code, address
from taylor.numbers.kinds import Array

UNIT = 8  # boxes in a group


def aligned(rows: int, columns: int) -> Array:
    """Return zeros that begin at a whole vector."""
    raw = np.zeros(rows * columns + WIDTH)
    start = (-raw.ctypes.data // 8) % WIDTH
    return raw[start:][: rows * columns].reshape(rows, columns)


def through(code: Code, data: Array, groups: int, rows: Sequence[Array], stored: int) -> Array:
    """Return rows that code stores for many boxes, from rows of numbers that it is given.

    Its memory begins with how many groups of UNIT boxes there are, in a vector, and has room for
    `groups` of them in each row: of what is given, then of what is stored.
    """
    boxes, given = len(rows[0]), len(rows)
    flat = data.reshape(-1)
    table = flat[UNIT : UNIT * (1 + groups * (given + stored))].reshape(given + stored, -1)
    found = np.empty((stored, boxes))
    for start in range(0, boxes, groups * UNIT):
        count = min(groups * UNIT, boxes - start)
        some = -(-count // UNIT)
        flat[:1].view(np.int64)[0] = some
        for row, end in zip(table, rows, strict=False):
            row[:count], row[count : some * UNIT] = end[start : start + count], end[start]
        code.call(address(data))
        found[:, start : start + count] = table[given:, :count]
    return found
