"""Symmetric arrays, written by machine code from the numbers of theirs that differ.

Of the blocks with the same leading indices in another order one is written and the others are
copies of it, the small ones first: each is whole before it is copied.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.llvm.entry import Written
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.jit import Code, address, made
from taylor.llvm.registers import Scalar

Array = Any
SHORT = 32  # numbers of a block that are written one by one in less time than copied
# the block: pointers, how many numbers are written at a time, how often, and how many copies follow
POINTERS = ("array", "numbers", "picks", "starts", "copies")
COUNTS = ("length", "lines", "copies")


def _code() -> str:
    """Write the lines of an array, from the numbers, then its copies."""
    f = Function()
    words = [f.address("%data", [], k) for k in range(len(POINTERS) + len(COUNTS))]
    array, numbers, picks, starts, copies = (f.word(word, "ptr") for word in words[:5])
    length, lines, count = (f.word(word, "i64") for word in words[5:])

    def write(to: str, size: str, read: Callable[[str, int], Scalar]) -> None:
        whole = f.whole("and", size, -WIDTH)
        for start, stop, width in ((0, whole, WIDTH), (whole, size, 1)):
            with f.loop(start, stop, width, maybe=True) as k:
                f.store(read(k.index, width), f.address(array, [(to, 1), (k.index, 1)], 0))

    with f.loop(0, lines) as line:
        first = f.whole("mul", line.index, length)

        def picked(k: str, width: int) -> Scalar:
            i = f.whole("add", first, k)
            if width > 1:
                return f.gather(numbers, picks, i)
            return f.load(f.address(numbers, [(f.entry(picks, i), 1)], 0), 1)

        write(f.entry(starts, line.index), length, picked)
    with f.loop(0, count, maybe=True) as copy:
        place = f.whole("mul", copy.index, 3)
        to, source, size = (f.entry(copies, f.whole("add", place, k)) for k in range(3))

        def copied(k: str, width: int) -> Scalar:
            return f.load(f.address(array, [(source, 1), (k, 1)], 0), width)

        write(to, size, copied)
    return f.text()


def _blocks(n: int, order: int) -> tuple[Array, Array, int]:
    """Return where lines begin, (to, from, size) of copies, and the length of a line."""
    depth = max(d for d in range(1, order + 1) if d == 1 or n ** (order - d) >= SHORT)
    copies = []
    for k in range(depth, 1, -1):
        size = n ** (order - k)
        place = size * n ** np.arange(k)[::-1]
        for first in itertools.combinations_with_replacement(range(n), k - 1):
            for last in range(first[-1]):
                block = (*first, last)
                copies.append((np.dot(block, place), np.dot(sorted(block), place), size))
    length = n ** (order - depth)
    place = length * n ** np.arange(depth)[::-1]
    lines = list(itertools.combinations_with_replacement(range(n), depth)) @ place
    return lines.astype(np.int32), np.array(copies, np.int32), length


def spread(numbers: Array, picks: Array, point: tuple[int, ...], order: int) -> Written:
    """Return how a tensor of an order is written at such points: entry i is numbers[picks[i]]."""
    code = made(lambda: ((), Code(_code())), "spread", ())[1]
    starts, copies, length = _blocks(math.prod(point), order)
    lines = picks.reshape(-1)[starts[:, None] + np.arange(length)]
    held = numbers, lines.astype(np.int32), starts, copies
    words = [0, *map(address, held), length, len(starts), len(copies)]
    return Written(code, np.array(words, np.int64), point * order, held)
