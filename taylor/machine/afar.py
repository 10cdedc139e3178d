"""Large arrays that code reads, and writes, where they are, not in its block of memory.

In the place of such an array in the block lies a whole number: how many numbers the array lies
behind that place.  The code adds it to every address.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.jit import address

LEAST = 1 << 14  # numbers of such an array: to copy fewer takes no longer than Python does
BEYOND = 2 * WIDTH  # numbers that may be read, and written, behind the end of an array
PAGE = 4096  # bytes of memory all of which can be read if one can


def is_large(shape: Sequence[int]) -> bool:
    """Whether an array of that shape is not copied."""
    return math.prod(shape) >= LEAST


def word(data: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the place of the whole number at the beginning of a part of the block."""
    return data[:1].view(np.int64)


def lead(f: Function, place: int) -> tuple[tuple[str, int], ...]:
    """Return what is added to the addresses of the array with that place."""
    return ((f.word(f.address("%data", [], place), "i64"), 1),)


def readable(x: Any, shape: Sequence[int]) -> NDArray[np.float64]:
    """Return an array of that shape as code can read it; a copy if this one cannot be."""
    plain: NDArray[np.float64] = np.ascontiguousarray(np.broadcast_to(x, shape), dtype=float)
    if plain.flags.aligned and -(address(plain) + plain.nbytes) % PAGE >= 8 * BEYOND:
        return plain
    copy = room(shape)
    copy[: plain.size] = plain.reshape(-1)
    return copy


def room(shape: Sequence[int]) -> NDArray[np.float64]:
    """Return memory for an array of that shape, and what is written behind it."""
    return np.empty(math.prod(shape) + BEYOND)


def cut(x: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the array that was written into a room: it owns its memory."""
    x.resize(shape, refcheck=False)
    return x


def distance(x: NDArray[np.float64], base: int, place: int) -> int:
    """Return how many numbers an array lies behind a place in the block that begins at `base`."""
    return (address(x) - base) // 8 - place
