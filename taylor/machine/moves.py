"""Elements of arrays moved to other places: indexing, joining, and sums at repeated places.

Runs of places with constant steps are nests of their own; where there are many that are not alike,
a loop reads the places from tables.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.machine.nests import Body, Shape, Strided, at, entry, write

Index = NDArray[np.intp]
RUNS = 6  # runs of places that are written out at most
DEEP = 4  # axes of a nest of loops over places at most


def affine(index: Index) -> tuple[int, ...] | None:
    """Return the strides of positions that grow linearly along every axis, or None."""
    if index.size == 0 or index.min() < 0:
        return None
    first = int(index.reshape(-1)[0])
    strides = []
    for axis, n in enumerate(index.shape):
        corner = [0] * index.ndim
        corner[axis] = 1
        strides.append(int(index[tuple(corner)]) - first if n > 1 else 0)
    grid = np.full(index.shape, first)
    for places, stride in zip(np.ogrid[tuple(map(slice, index.shape))], strides, strict=True):
        grid += places * stride
    return tuple(strides) if np.array_equal(grid, index) else None


def in_order(index: Index, shapes: Sequence[Shape]) -> bool:
    """Whether the index takes all elements of sources of these shapes one after the other."""
    size = sum(map(math.prod, shapes))
    return index.size == size > 1 and np.array_equal(index.reshape(-1), np.arange(size))


def taken(sources: Sequence[Any], index: Index) -> Iterator[tuple[Any, Index, Index]]:
    """Yield, of each array, the places that get elements of it, and which; holes get none."""
    flat, start = index.reshape(-1), 0
    for x in sources:
        stop = start + math.prod(x.shape)
        places = np.flatnonzero((flat >= start) & (flat < stop))
        if len(places):
            yield x, places, flat[places] - start
        start = stop


def move(out: Strided, to: Index, x: Strided, source: Index, add: bool = False) -> None:
    """Write (or add) elements of a flat array to places of another, which lies in C order."""
    f, runs = out.f, _runs(to, source, add)
    width = x.strides[0]
    body: Body = operator.add if add else lambda v: v

    def written(sizes: Shape, steps: Sequence[Sequence[int]], start: int) -> None:
        target = out.view(sizes, steps[0], int(to[start]))
        part = x.view(sizes, [step * width for step in steps[1]], int(source[start]) * width)
        write(body, [target, part] if add else [part], target)

    if len(runs) <= RUNS:
        for start, stop in runs:
            more = start + (stop > start + 1)
            down, along = int(to[more] - to[start]) or 1, int(source[more] - source[start])
            written((stop - start,), ((down,), (along,)), start)
        return
    grid = _grid(to, source)
    if grid is not None and not (add and 0 in grid[1][0]):
        written(*grid, 0)
        return

    def element(i: Any) -> None:
        y, terms = at(x, [entry(f, source, i)]), [(entry(f, to, i), 1)]
        out.store(out.load(terms) + y if add else y, terms)

    f.repeat(len(to), element)


def _grid(to: Index, source: Index) -> tuple[Shape, list[list[int]]] | None:
    """Return the sizes of axes along which all places grow linearly, and the steps; or None."""
    index = np.stack([to, source])
    axes: list[tuple[int, list[int]]] = []
    while index.shape[1] > 1:
        steps = np.diff(index)
        changes = np.flatnonzero((steps != steps[:, :1]).any(axis=0))
        n = int(changes[0]) + 1 if len(changes) else index.shape[1]
        if n == 1 or index.shape[1] % n or len(axes) == DEEP:
            return None
        rows = index.reshape(2, -1, n)
        if not np.array_equal(rows, rows[..., :1] + steps[:, :1, None] * np.arange(n)):
            return None
        axes.insert(0, (n, steps[:, 0].tolist()))
        index = rows[..., 0]
    return tuple(n for n, _ in axes), [[step[k] for _, step in axes] for k in (0, 1)]


def _runs(to: Index, source: Index, apart: bool) -> list[tuple[int, int]]:
    """Return (start, stop) of the runs of places with constant steps; of too many the first ones.

    Those of `to` are not 0 where places are to be kept `apart`.
    """
    runs: list[tuple[int, int]] = []
    steps, start = np.diff([to, source]), 0
    changes = np.flatnonzero(np.diff(steps).any(axis=0)) + 2
    ends = np.append(changes, len(to))  # of the runs before a change
    while start < len(to) and len(runs) <= RUNS:
        alone = start + 1 == len(to) or (apart and steps[0][start] == 0)
        stop = start + 1 if alone else int(ends[np.searchsorted(ends, start + 2)])
        runs.append((start, stop))
        start = stop
    return runs
