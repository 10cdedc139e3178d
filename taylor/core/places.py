"""Places: where the elements of a view lie in an array, found once for each way there.

What moves elements is run by NumPy on positions (`memory`).  Functions say by their names and plain
arguments what they do: then the positions, and the instruction that reads what lies there, are the
same for all arrays of a shape.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any, NamedTuple

import numpy as np

from taylor.core.instructions import Op, Shape
from taylor.core.maps import Gather, Reshape, host, run
from taylor.core.memory import placed, positions, rearrange, shares
from taylor.numbers.kinds import Array
from taylor.numbers.values import shape_of

LARGEST = 1 << 12  # elements of an array whose positions are kept
PLAIN = frozenset((int, str, NoneType))
SIMPLE = frozenset((int, slice, NoneType, type(Ellipsis)))
ENDS = frozenset((int, NoneType))


class Move(NamedTuple):
    """What moves elements: func(x, *args, **dict(named))."""

    func: Callable[..., Any]
    args: tuple[Any, ...] = ()
    named: tuple[tuple[str, Any], ...] = ()

    def __call__(self, x: Any) -> Any:
        """Return what it makes of an array."""
        return self.func(x, *self.args, **dict(self.named))

    @property
    def plain(self) -> bool:
        """Whether what it does is told by its content."""
        return all(map(_is_plain, self.args)) and all([_is_plain(v) for _, v in self.named])


def _is_plain(x: Any) -> bool:
    return type(x) in PLAIN or (type(x) is tuple and PLAIN.issuperset(map(type, x)))


def reshaping(shape: Any, order: Any) -> Any:
    """Return what gives an array another shape."""
    return Move(_reshaped, (tuple(shape) if type(shape) is list else shape, order))


def _reshaped(x: Any, shape: Any, order: Any) -> Any:
    return x.reshape(shape, order=order)


def transposing(axes: tuple[Any, ...]) -> Any:
    """Return what gives an array its axes in another order."""
    return Move(_transposed, axes)


def _transposed(x: Any, *axes: Any) -> Any:
    return x.transpose(*axes)


class Place(NamedTuple):
    """The positions of a view in a whole array, and what reads them: an instruction of the whole.

    `op` is None for the whole itself.  What is not `shared` is a copy, laid out in memory as the
    positions `layout` (None: in C order).
    """

    shape: Shape  # of the whole
    moves: tuple[Any, ...]  # the way from it
    where: Array
    op: Op | None = None
    shared: bool = True
    layout: Array | None = None


def whole(shape: Shape) -> Place | None:
    """Return the place of a whole array in C order; None if it is too large to be kept."""
    return _whole(shape) if math.prod(shape) <= LARGEST else None


@functools.lru_cache(maxsize=256)
def _whole(shape: Shape) -> Place:
    return Place(shape, (), positions(shape))


def moved(place: Place, move: Any) -> Place | None:
    """Return the place of what a move makes of a view; None if it is not one to be kept."""
    if type(move) is not Move or not move.plain:
        return None
    return _moved(place.shape, (*place.moves, move))


def element(place: Place, index: Any) -> Place | None:
    """Return the place of x[index] for a view x, if the index is of numbers and slices."""
    parts = index if type(index) is tuple else (index,)
    if not SIMPLE.issuperset(map(type, parts)):
        return None
    key = tuple([_ends(i) if type(i) is slice else i for i in parts])
    return None if False in key else _moved(place.shape, (*place.moves, key))


def _ends(i: slice) -> Any:
    ends = i.start, i.stop, i.step
    return ends if ENDS.issuperset(map(type, ends)) else False


@functools.lru_cache(maxsize=512)
def _moved(shape: Shape, moves: tuple[Any, ...]) -> Place | None:
    before = _moved(shape, moves[:-1]) if len(moves) > 1 else _whole(shape)
    assert before is not None
    move = moves[-1]
    if type(move) is tuple:
        where = before.where[tuple([slice(*i) if type(i) is tuple else i for i in move])]
    else:
        where = move(before.where)
    if isinstance(where, (list, tuple)) or where.size > LARGEST:
        return None
    shared = shares(where, before.where)
    where = np.asarray(where)
    op, layout = _reading(where, shape, shared)
    return Place(shape, moves, where, op, shared, layout)


def copied(where: Array, shape: Shape) -> Place:
    """Return the place of a copy of the elements at those positions of a whole array."""
    op, layout = _reading(where, shape, False)
    return Place(shape, (), where, op, False, layout)


def _reading(where: Array, shape: Shape, shared: bool) -> tuple[Op | None, Array | None]:
    """Return what reads those positions of a whole array, and how a copy of them is laid out."""
    size, index = math.prod(shape), where - 1
    in_order = index.flags.c_contiguous
    layout = None if in_order else placed(index)
    follow = where.flags.c_contiguous and (shared or not where.ndim)  # each other
    if follow and 0 < where.size < size:
        return run(int(index.item(0)), where.shape), None
    whole = where.size == size and (not size or index.item(0) == 0)
    if whole and np.array_equal(index.reshape(-1), np.arange(size)):
        return None if where.shape == shape else Reshape(where.shape), layout
    return Gather(index if in_order else np.asarray(index, order="C")), layout


def _in_columns(*tables: Any) -> Any:
    return np.stack(tables, 1)


def stack(elements: Sequence[Any], axis: int = 0) -> Any:
    """Return np.stack of series and numbers."""
    shapes = {*map(shape_of, elements)}
    if axis == 0 and len(shapes) == 1:
        (shape,) = shapes
        if (y := host(elements)._of_tables(_in_columns, elements)) is not None:
            return y
        index = np.arange(len(elements) * math.prod(shape)).reshape(len(elements), *shape)
        return host(elements)._gather(elements, index)
    return rearrange(elements, lambda *i: np.stack(i, axis))
