"""Tensors of derivatives by machine code: of all coefficients, or of many tangents of the gradient.

Where series in several variables have few coefficients that are not zero they are written one by
one (`machine/partials.py`).  Else the rows T(e_i, e_j, ..., ·) are the points of a batch.  An entry
stands in the rows of all but one of its variables, so that about half of the rows have all entries
(systems of Turán: Sidorenko, What we know and what we do not know about Turán numbers,
Graphs and Combinatorics 11, 1995).
"""

from __future__ import annotations

import functools
import inspect
import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.program import Program
from taylor.drivers.derivatives import bent, tensor
from taylor.drivers.recorded import derived
from taylor.errors import TaylorError
from taylor.llvm.entry import Entry
from taylor.llvm.ir import WIDTH
from taylor.llvm.jit import address
from taylor.machine import batches
from taylor.machine.machine import OK, Machine
from taylor.machine.partials import Partials, distinct, terms

Array = Any
TENSOR = inspect.unwrap(tensor)  # the driver
BLOCK = 4096  # rows that are computed at a time; of no more, points and directions are kept


def _is_taken(rows: Array) -> Array:
    """Return which rows are computed, variables along the first axis: one of those of each entry.

    Of an odd number of terms with an odd sum one is odd, with an even sum one is even.  Of four
    terms in three classes either three are alike or two are, with another in the class after it.
    """
    if len(rows) == 3:
        side = rows % 3
        return (side.sum(0) % 3 == 1) | (side == side[0]).all(0)
    return (len(rows) % 2 == 1) | (rows.sum(0) % 2 == 0)


class Directions:
    """The directions e_i, e_j, ... of rows of a tensor, i <= j <= ..., and its entries there.

    The rows are the columns of an array of n rows.
    """

    def __init__(self, n: int, order: int) -> None:
        index = np.sort(np.indices((n,) * order).reshape(order, -1), axis=0)
        rows, last = index[:-1], index[-1]
        for k in range(order - 1):
            others = np.delete(index, k, 0)
            better = _is_taken(others) & ~_is_taken(rows)
            rows, last = np.where(better, others, rows), np.where(better, index[k], last)
        codes = np.ravel_multi_index(tuple(rows), (n,) * (order - 1))
        kept, column = np.unique(codes, return_inverse=True)
        self.n, self.order, self.count = n, order, len(kept)
        self.columns = np.stack(np.unravel_index(kept, (n,) * (order - 1)))
        self.width = -(-self.count // WIDTH) * WIDTH  # whole tiles
        self.place = last * self.width + column
        self.local = threading.local()

    def tensor(self, machine: Machine, point: Array) -> tuple[int, Any]:
        """Return (status, entries) by the machine of ∂_v ∂_w ... ∇f."""
        if machine.planar or self.count > BLOCK:
            return self._in_blocks(machine, point)
        count = machine.rows[-1]  # of numbers at each point
        try:
            points, out, places = self.local.batch[count]
        except (AttributeError, KeyError):
            points, out, places = self._batch(count)
        points[...] = point.reshape(-1, 1)
        status = machine.batch_at(places, self.width)
        return status, out.take(self.place) if status == OK else None

    def _batch(self, count: int) -> tuple[Array, Array, tuple[int, int]]:
        """Return this thread's points, and room for results; where directions and that room lie."""
        rows, out = self._rows(), np.empty((count, self.width))
        found = rows[: self.n], out, (address(rows), address(out))
        self.local.batch = {**getattr(self.local, "batch", {}), count: found}
        return found

    def _rows(self) -> Array:
        """Return room for copies of a point, and below it the directions."""
        seeds = np.eye(self.n)[:, self.columns].swapaxes(0, 1).reshape(-1, self.count)
        rows = np.zeros((self.n + len(seeds), self.width))
        rows[self.n :, : self.count] = seeds
        return rows

    def enter(self, entry: Entry, machine: Machine, shape: tuple[int, ...]) -> None:
        """Let Python call the code of a tensor at once, at points of a shape and its order."""
        if self.count <= BLOCK:
            batches.enter(entry, machine, self._rows(), self.place, shape, self.order)

    def _in_blocks(self, machine: Machine, point: Array) -> tuple[int, Any]:
        kind = complex if point.dtype.kind == "c" or any(machine.found) else float
        found = np.empty((self.n, self.width), kind)
        seeds = np.eye(self.n).reshape(*point.shape, self.n)
        for start in range(0, self.count, BLOCK):
            part = self.columns[:, start : start + BLOCK]
            copies = np.repeat(point[..., None], part.shape[1], axis=-1)
            status, (y, *_) = machine.batch(copies, *(seeds[..., i] for i in part))
            if status != OK:
                return status, None
            found[:, start : start + part.shape[1]] = y.reshape(self.n, -1)
        return OK, found.take(self.place)


@functools.lru_cache(maxsize=8)
def directions(n: int, order: int) -> Directions:
    """Return the directions of the rows of a tensor of that order in n variables."""
    return Directions(n, order)


def rows_of(f: Callable[..., Any], x: Any, *v: Any) -> Any:
    """Return ∂_v ∂_w ... ∇f."""
    return bent(f, x, *v, what="tensor")


# ------------------------------------------------------------------ what is compiled
def planned(program: Program, order: int, x: Array) -> tuple[Program, Sequence[Any], int]:
    """Return what is compiled for a tensor, at what, and of how many operations besides."""
    try:
        return program, (x,), terms(program, order, x.dtype.kind == "c")
    except TaylorError:
        given = (x, *[np.ones(x.shape)[()]] * (order - 1))
        return derived(program, rows_of, given)[0], given, 0


def of(machine: Machine, x: Array, order: int) -> tuple[int, Any]:
    """Return (status, entries of the tensor at x)."""
    if isinstance(machine, Partials):
        status, (found, _) = machine(x)
        return status, found.take(distinct(x.size, order)) if status == OK else None
    return directions(x.size, order).tensor(machine, x)


def enter(entries: dict[Any, Entry], machine: Machine, shape: tuple[int, ...], order: int) -> None:
    """Let Python call the code of a tensor at once, at points of a shape and its order."""
    entry = entries.setdefault(TENSOR, Entry())
    if isinstance(machine, Partials):
        machine.enter(entry, False, False, 1, {1: order})
    else:
        directions(math.prod(shape), order).enter(entry, machine, shape)
