"""Shared memory: which arrays of the package see what is written through one of them.

The array of positions is the memory: a function that moves elements is run by NumPy itself on it,
and where NumPy's result is a view of the positions, the result is a view here.  A node is a view
of the positions of a `Cell`; the table of a series is NumPy memory of its own, and `Family` holds
what shares it for the one case NumPy does not know, that the whole changes its type of number.
"""

from __future__ import annotations

import functools
import math
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided

from taylor.core.conditions import mask
from taylor.numbers.kinds import Array, is_operand

# the last step from the whole, and the path before it
Path: TypeAlias = "tuple[Callable[[Any], Any], Path | None]"


def positions(shape: tuple[int, ...]) -> Array:
    """Return the array of the positions 1, 2, ...: position 0 stands for a zero."""
    return np.arange(1, 1 + math.prod(shape)).reshape(shape)


def placed(x: Array) -> Array:
    """Return the positions 1, 2, ... of the elements of x, lying in memory as x does."""
    where = positions(x.shape)
    if x.flags.c_contiguous:
        return where
    layout = _layout(x.shape, x.strides)
    if layout is None:
        return in_order(where, x)
    found: Array = np.ndarray(x.shape, where.dtype, np.empty(layout.room, where.dtype), *layout[1:])
    found[...] = where
    return found


class Layout(NamedTuple):
    """How positions lie: in so many numbers, from this byte on, with these steps in bytes."""

    room: int
    start: int
    steps: tuple[int, ...]


@functools.lru_cache(maxsize=1024)
def _layout(shape: tuple[int, ...], strides: tuple[int, ...]) -> Layout | None:
    """Return how positions lie as an array with those strides does; None if some would share."""
    steps = np.array(strides) // max(1, np.gcd.reduce(strides))
    ends = (np.array(shape) - 1) * steps
    room, item = np.full(1 + int(np.abs(ends).sum()), 0), np.dtype(int).itemsize
    start = -int(ends[ends < 0].sum())
    where, found = positions(shape), as_strided(room[start:], shape, steps * item)
    found[...] = where
    if not np.array_equal(found, where):
        return None
    return Layout(room.size, start * item, tuple([int(s) * item for s in steps]))


def in_memory(x: Any) -> Array:
    """Return an array that lies in memory as an array or number does; its content means nothing."""
    if is_operand(x):
        found: Array = x._in_memory()
        return found
    return x if isinstance(x, np.ndarray) else np.empty(np.shape(x), dtype=bool)


def in_order(x: Array, like: Array) -> Array:
    """Return a copy of x with its axes in the order in memory of those of another array."""
    found = np.empty_like(like, dtype=x.dtype, subok=False)
    found[...] = x
    return found


def rearrange(sources: Sequence[Any], f: Callable[..., Any]) -> Any:
    """Return what f makes of arrays of positions, read as elements of the sources.

    Position 0 stands for a zero (np.tril, np.diag and np.pad put zeros), so any NumPy function that
    only moves elements works on series through this one line.
    """
    positions, start = [], 0
    for x in sources:
        where = placed(in_memory(x))
        positions.append(where + start if start else where)
        start += where.size
    moved = f(*positions)
    owner = next(x for x in sources if is_operand(x))
    if isinstance(moved, (list, tuple)):
        return type(moved)(owner._gather(sources, np.asarray(i) - 1) for i in moved)
    return owner._gather(sources, np.asarray(moved) - 1)


def laid_as(x: Any, like: Any) -> Any:
    """Return x with its axes in the order in memory of those of another array of its shape."""
    where = in_memory(like)
    return x if where.flags.c_contiguous else rearrange([x], lambda i: in_order(i, where))


def joint(shape: tuple[int, ...], arrays: Sequence[Array]) -> Array | None:
    """Return an array laid out as NumPy's element-wise result of those arrays; None: in C order."""
    if len(shape) < 2 or all(a.flags.c_contiguous for a in arrays):
        return None
    found = np.nditer([*arrays, None], ["zerosize_ok", "refs_ok"]).operands[-1]
    return None if found.flags.c_contiguous else found


def shares(x: Any, memory: Array) -> bool:
    """Whether x, which NumPy has made of the memory, is a view of it."""
    return isinstance(x, np.ndarray) and np.may_share_memory(x, memory)


def same_memory(x: Any, whole: Any) -> bool:
    """Whether x, an array or operand made of the whole, is a view of it."""
    if isinstance(whole, np.ndarray):
        return shares(x, whole)
    return whole._memory() is not None and x._memory() is whole._memory()


def each(f: Callable[[Any], Any], x: Any) -> Any:
    """Return f(x), or f of every entry of a list or tuple, such as np.split returns."""
    return type(x)(map(f, x)) if isinstance(x, (list, tuple)) else f(x)


def taken(table: Any, index: Array) -> Any:
    """Return elements by position, -1 meaning zero, of every row of a table."""
    flat = table.reshape((len(table), -1))
    if index.size and index.min() < 0:
        flat = np.concatenate([flat, flat[:, :0].sum(-1)[:, None]], axis=1)
    if index.flags.c_contiguous:
        return np.take(flat, index, axis=1)
    if not isinstance(flat, np.ndarray):
        return flat._gather([flat], taken(positions(flat.shape), index) - 1)
    order = _order(index)
    return _moved_back(np.take(flat, index.transpose([i - 1 for i in order[1:]]), axis=1), order)


def by_rows(table: Array) -> Array:
    """Return a table whose rows lie one after the other, each as NumPy lays out an array.

    A sum or a product may have made it with the degrees innermost; NumPy's functions, which look at
    the strides of a row, would then make copies where those of a plain array are views.
    """
    steps = np.abs(table.strides)
    if table.size < 2 or table.ndim == 1 or steps[0] >= steps[1:].max():
        return table
    return _laid(table, _order(table[0]))


def _laid(table: Array, order: Sequence[int]) -> Array:
    """Return a table whose axes lie in memory in an order, the outermost first."""
    return _moved_back(np.ascontiguousarray(table.transpose(order)), order)


def _moved_back(table: Array, order: Sequence[int]) -> Array:
    return table.transpose(np.argsort(order))


def _order(row: Array) -> tuple[int, ...]:
    """Return the axes of a table, the outermost in memory first, for rows that lie like that."""
    return (0, *(1 + np.argsort([-abs(s) for s in row.strides], kind="stable")))


def in_rows(table: Any, tables: Sequence[Any] = (), arrays: Sequence[Any] = ()) -> Any:
    """Return a table whose rows lie in memory as NumPy's element-wise result of those of tables
    and arrays; without any in C order.
    """
    if len(table.shape) < 3:
        return table
    rows = [in_memory(t)[0, ...] for t in tables] + [in_memory(x) for x in arrays]
    like = joint(table.shape[1:], rows)
    order = range(table.ndim) if like is None else _order(like)
    steps = np.abs(in_memory(table).strides)[[*order[1:]]]
    if np.all(steps[:-1] >= steps[1:]):
        return table
    if is_operand(table):
        return table._gather([table], in_rows(positions(table.shape), tables, arrays) - 1)
    return _laid(table, order)


def rows(f: Callable[..., Any], table: Any) -> Any:
    """Return f of every row of a table: a view of the table where f of its first row is one.

    Element e of f(table[0]) lies in table[0], so what lies k strides of the first axis behind it
    is an element of table[k]: the view never leaves the table.
    """
    if not isinstance(table, np.ndarray):
        return table._viewed(lambda where: rows(f, where))
    head = table[0, ...]
    moved = f(head)
    for part in moved if isinstance(moved, (list, tuple)) else (moved,):
        if not shares(part, head):
            index = f(placed(head))
            return each(lambda i: taken(table, np.asarray(i) - 1), index)
    step = table.strides[0]

    def under(part: Array) -> Array:
        shape, strides = (len(table), *part.shape), (step, *part.strides)
        return as_strided(part, shape, strides, writeable=part.flags.writeable)

    return each(under, moved)


def fresh(x: Any) -> Any:
    """Return a copy of an array, for a function that may write into its argument."""
    return x.copy() if isinstance(x, np.ndarray) or is_operand(x) else x


# ------------------------------------------------------------------ who shares
class Views:
    """The arrays that share a memory, each with its path from the whole, while they are in use."""

    __slots__ = ("known", "limit")

    def __init__(self) -> None:
        self.known: list[tuple[weakref.ref[Any], Path | None]] = []
        self.limit = 16

    def add(self, x: Any, path: Path | None = None) -> None:
        """Add an array; forget those that are gone, now and then."""
        known = self.known
        if known and known[-1][0]() is None:  # as rows of a loop go, one after the other
            known[-1] = weakref.ref(x), path
            return
        if len(known) > self.limit:
            known = self.known = [one for one in known if one[0]() is not None]
            self.limit = 16 + 2 * len(known)
        known.append((weakref.ref(x), path))

    def __iter__(self) -> Iterator[tuple[Any, Path | None]]:
        for reference, path in self.known:
            x = reference()
            if x is not None:
                yield x, path


class Elements(np.ndarray):
    """The elements of an operand as an array of objects, which sees what is written there later."""

    of: Any

    def renew(self) -> None:
        """Copy the elements as they are now."""
        for i in np.ndindex(*self.shape):
            self[i] = self.of[i] if i else self.of


def elements(x: Any, shape: tuple[int, ...], copy: bool) -> Array:
    """Return the elements of x as an array of objects: a copy, or one that is read only.

    Into that is written what is written into x.
    """
    found = Elements(shape, dtype=object)
    found.of = x[...] if shape and not copy else x
    found.renew()
    seen = found.view(np.ndarray)
    seen.flags.writeable = copy  # what is written there would not be seen in x
    memory = found.of._memory() if found.of is not x else None
    if isinstance(memory, (Cell, Family)):
        memory.copies.add(found)
    return seen


def renew(memory: Cell | Family) -> None:
    """Let the arrays of objects that were made of a memory see what has been written into it."""
    for x, _ in memory.copies:
        x.renew()


# ------------------------------------------------------------------ what nodes share
class Cell:
    """What the nodes share that are views of one array: which instruction each element comes from.

    A write notes the elements it changes and nothing else, so that a loop that fills an array costs
    what its writes cost; an instruction for several elements is made when they are read.
    """

    __slots__ = ("copies", "first", "i", "place", "positions", "source", "version", "views")

    def __init__(self, i: int, where: Array) -> None:
        self.first, self.positions, self.version, self.views = i, where, 0, Views()
        self.copies = Views()
        self.hold(i)

    def hold(self, i: int) -> None:
        """Let the whole content be what instruction i makes."""
        self.i = i
        self.source: Array | None = None  # of every element, once they are of several
        self.place: Array = self.positions

    @property
    def in_order(self) -> bool:
        """Whether the positions follow each other, and so do those of a view without gaps."""
        return bool(self.positions.flags.c_contiguous)

    def write(self, where: Array, index: Any, i: int, shape: tuple[int, ...]) -> None:
        """Let the indexed elements of a view be those that instruction i makes, of that shape."""
        if not where.flags.writeable:
            raise ValueError("assignment destination is read-only")
        if self.source is None:
            self.source = np.full(self.positions.size, self.i)
            self.place = np.arange(self.positions.size)
        to = where[index] - 1
        self.place[to] = np.arange(math.prod(shape)).reshape(shape)
        self.source[to] = i
        self.version += 1

    def at(self, position: int) -> tuple[int, Any]:
        """Return which instruction an element comes from, and its place in what that makes."""
        if self.source is None:
            return self.i, np.int64(position - 1)
        return int(self.source[position - 1]), self.place[position - 1]

    def read(self, where: Array, size: Callable[[int], int]) -> tuple[list[int], Array]:
        """Return the instructions, of those sizes, that the elements of a view come from, and the
        place of each element in what they make together (-1: position 0, a zero).
        """
        if self.source is None:
            return [self.i], where - 1
        known = where > 0
        if not known.any():
            return [self.first], np.full(where.shape, -1)
        at = where - 1 if known.all() else np.where(known, where - 1, where[known][0] - 1)
        source = self.source[at]
        low = source.min()
        starts = np.zeros(source.max() - low + 1, dtype=int)  # of each source
        starts[source - low] = 1
        sources = np.flatnonzero(starts)
        found: list[int] = (sources + low).tolist()
        starts[sources] = np.cumsum([0, *map(size, found[:-1])])[: len(found)]
        place = self.place[at] + starts[source - low]
        return found, in_order(np.where(known, place, -1), where)


# ------------------------------------------------------------------ what series share
class Family:
    """The series whose tables are views of one whole table, each with its path from the whole."""

    __slots__ = ("copies", "views", "whole")

    def __init__(self, origin: Any) -> None:
        self.whole, self.views, self.copies = origin._coef, Views(), Views()
        self.views.add(origin)

    def convert(self, f: Callable[[Any], Any]) -> None:
        """Replace the whole by f(whole), which has other numbers, and so the table of all."""
        self.whole = f(self.whole)
        for series, path in self.views:
            series._coef = _followed(self.whole, path)


def _followed(whole: Any, path: Path | None) -> Any:
    return whole if path is None else path[0](_followed(whole, path[1]))


# ------------------------------------------------------------------ NumPy's functions that write
class Flat:
    """The elements of an array in C order, as NumPy's x.flat: to iterate, index and assign."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __len__(self) -> int:
        return int(self.array.size)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.array.reshape(-1))

    def __getitem__(self, index: Any) -> Any:
        return self.array.reshape(-1)[index].copy()

    def __setitem__(self, index: Any, value: Any) -> None:
        places = np.arange(self.array.size)[index]
        _written(np.put, self.array, places, value, at=1)


def _written(function: Callable[..., None], a: Any, *args: Any, at: int, **named: Any) -> None:
    """Do what a function of NumPy that writes argument `at` into a does with positions in it."""
    given = [mask(x) for x in args]
    places, value = np.zeros(np.shape(a), dtype=int), given[at]
    given[at] = positions(np.shape(value))
    function(places, *given, **named)
    to = np.flatnonzero(places)
    if to.size:
        a[np.unravel_index(to, places.shape)] = np.reshape(value, -1)[places.reshape(-1)[to] - 1]


def _copyto(dst: Any, src: Any, where: Any = True) -> None:
    dst[...] = src if where is True else np.where(where, src, dst)


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.copyto: _copyto,
    np.fill_diagonal: functools.partial(_written, np.fill_diagonal, at=0),
    **{
        function: functools.partial(_written, function, at=1)
        for function in (np.put, np.place, np.putmask, np.put_along_axis)
    },
}
