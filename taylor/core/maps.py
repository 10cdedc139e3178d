"""The instructions that only move and add elements: constant linear maps y = S x of whole arrays.

Every shape operation is one of them.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from taylor.core import patterns
from taylor.core.algebra import Univariate
from taylor.core.instructions import (
    At,
    Degrees,
    Number,
    Op,
    Shape,
    Sweep,
    Whole,
    by_degree,
    full,
    key_of,
)
from taylor.core.tables import contract, free_letter, spec_under, turned
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import Array, Kind, is_operand, object_array
from taylor.numbers.values import is_native, shape_of, together, zeros

if TYPE_CHECKING:
    from scipy.sparse import csr_array

KEPT = 256  # elements of what is made once for all programs


class Map(Op):
    """A constant linear map y = S x of whole arrays."""

    __slots__ = ()
    pure = True

    def moved(self, xs: Sequence[Any], lead: int) -> Any:
        """Return S x under `lead` leading axes."""
        raise NotImplementedError

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return self.moved(a, 0)

    @by_degree
    def step(self, t: Sweep, i: int) -> Degrees:
        args, height, y, part = t.args(i), t.height, t.table[i], t.algebra.part
        lead = int(not isinstance(t.algebra, Univariate))

        def source(a: int, k: int) -> Any:
            if k <= height[a] or not lead:
                return t.at(a, k)
            zero, rows = t.at(a, k), part(k)
            return np.broadcast_to(zero, (rows.stop - rows.start, *np.shape(zero)))

        yield
        y[0] = self.moved([t.value(a) for a in args], 0)
        while True:
            k = yield
            if k <= height[i]:
                y[part(k)] = self.moved([source(a, k) for a in args], lead)

    def tangent(self, at: At, d: list[Any]) -> Any:
        return self.moved(at.whole(d), 0)

    def transposed(self, bar: Any, shape: Shape, source: Shape) -> Any:
        """Return Sᵀ·bar, where S takes that source to that shape."""
        raise NotImplementedError

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        _, args, shape = at.code[at.i]
        bar = bar if shape_of(bar) == shape else full(bar, shape)
        return (Whole(self.transposed(bar, shape, at.code[args[0]].shape)),)

    def show(self, v: list[str], shape: Shape) -> str:
        return f"{self.name}({', '.join(v)}){list(shape) if shape else ''}"


@dataclass(slots=True, eq=False)
class Contract(Map):
    """einsum(spec, c, x) for a constant c."""

    spec: str
    c: Any
    arity = 1

    @property
    def constant(self) -> Any:
        return self.c

    def shape(self, shapes: list[Shape]) -> Shape:
        return patterns.contracted_shape(self.spec, self.c.shape, *shapes)

    def moved(self, xs: Sequence[Any], lead: int) -> Any:
        if not lead:
            return contract(self.spec, self.c, xs[0])
        terms, out = self.spec.split("->")
        c, x = terms.split(",")
        z = free_letter(self.spec) * lead
        return contract(f"{c},{z}{x}->{z}{out}", self.c, xs[0])

    @property
    def name(self) -> str:
        return "einsum"

    def under(self, lanes: int) -> Map:
        return Contract(spec_under(self.spec, 1), self.c)

    def transposed(self, bar: Any, shape: Shape, source: Shape) -> Any:
        return contract(turned(self.spec)[1], self.c, bar)

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        return patterns.contracted(x[0], self.spec, self.c, shapes[0], shape)


@dataclass(slots=True, eq=False)
class Gather(Map):
    """Element i of y.flat is element index.flat[i] of the joined sources, -1 meaning zero."""

    index: Array
    # the first position, if it is known that one follows the other
    start: int | None = None
    # its key, and whether every element is one of the sources, once they were asked for
    known: Any = field(default=None, init=False, repr=False)
    every: bool | None = field(default=None, init=False, repr=False)

    def contents(self) -> tuple[Any, ...]:
        return (self.index,)

    def key(self) -> Any:
        if self.known is None:
            start, index = self.start, self.index
            self.known = (Gather, key_of(index) if start is None else (start, index.shape))
        return self.known

    @property
    def whole(self) -> bool:
        """Whether every element is one of the sources."""
        if self.every is None:
            one = self.start is not None or not self.index.size
            self.every = one or bool(self.index.min() >= 0)
        return self.every

    def shape(self, shapes: list[Shape]) -> Shape:
        return np.shape(self.index)

    def moved(self, xs: Sequence[Any], lead: int) -> Any:
        if lead or not all(map(_is_doubles, xs)):
            return gather(xs, self.index, lead)
        if self.start is None:
            return joined(xs)[self.index] if self.whole else gather(xs, self.index, 0)
        end = self.start + self.index.size
        return joined(xs)[self.start : end].reshape(self.index.shape)[()]

    def under(self, lanes: int) -> Map:
        return Gather(_rows(self.index, lanes))

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        (_, _, shape), index, start = at.code[at.i], self.index, self.start
        bar = bar if shape_of(bar) == shape else full(bar, shape)
        if len(wanted) == 1:
            return (Whole(bar, index if start is None else slice(start, start + index.size)),)
        bar, index = np.reshape(bar, -1), index.reshape(-1)
        sizes = list(map(math.prod, at.shapes))
        if start == 0 and bar.size == sum(sizes):
            return _split(bar, at.shapes, wanted)
        if _is_doubles(bar) and bar.size and sum(sizes) <= 4 * bar.size and self.whole:
            ends = list(itertools.accumulate(sizes))
            read = [_read(index, end - n, end) for n, end in zip(sizes, ends, strict=True)]
            every = np.bincount(index, bar, ends[-1])
            return _split(every, at.shapes, [w and r for w, r in zip(wanted, read, strict=True)])
        order = np.argsort(index, kind="stable")
        starts = np.cumsum([0, *sizes])
        cuts = np.searchsorted(index[order], starts)
        found: list[Whole | None] = []
        for first, begin, end, w in zip(starts[:-1], cuts[:-1], cuts[1:], wanted, strict=True):
            mine = order[begin:end]
            found.append(Whole(bar[mine], index[mine] - first) if w and len(mine) else None)
        return found

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        return patterns.taken(self.index, patterns.matrices().vstack(x, format="csr"))


@dataclass(slots=True, eq=False)
class Scatter(Map):
    """The transpose of a gather: y.flat[index[i]] += x.flat[i]."""

    index: Array
    to: Shape
    arity = 1

    def shape(self, shapes: list[Shape]) -> Shape:
        return self.to

    def moved(self, xs: Sequence[Any], lead: int) -> Any:
        return scatter(xs[0], self.index, self.to, lead)

    def under(self, lanes: int) -> Map:
        return Scatter(_rows(self.index, lanes), (*self.to, lanes))

    def transposed(self, bar: Any, shape: Shape, source: Shape) -> Any:
        return gather([np.reshape(bar, -1)], self.index.reshape(source), 0)

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        return patterns.moved(x[0], self.index, shape)


def _rows(index: Array, lanes: int) -> Array:
    """Return the positions of rows of elements, given the positions of the rows."""
    return np.where(index[..., None] < 0, -1, index[..., None] * lanes + np.arange(lanes))


@dataclass(slots=True, eq=False)
class Reshape(Map):
    """The same elements in another shape."""

    to: Shape
    arity = 1

    def key(self) -> Any:
        return (Reshape, self.to)

    def shape(self, shapes: list[Shape]) -> Shape:
        return self.to

    def moved(self, xs: Sequence[Any], lead: int) -> Any:
        if not lead and type(xs[0]) is np.ndarray and not xs[0].dtype.hasobject:
            return xs[0].reshape(self.to)
        found = np.reshape(xs[0], (*np.shape(xs[0])[:lead], *self.to))
        one = type(found) is np.ndarray and not found.ndim and found.dtype == object
        return found[()] if one else found  # which is no number as an element of an array

    def under(self, lanes: int) -> Map:
        return Reshape((*self.to, lanes))

    def transposed(self, bar: Any, shape: Shape, source: Shape) -> Any:
        return in_shape(bar, source)

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        return x[0]


@dataclass(slots=True, eq=False)
class Sum(Map):
    """The sum over some axes."""

    axes: tuple[int, ...]
    arity = 1

    def key(self) -> Any:
        return (Sum, self.axes)

    def shape(self, shapes: list[Shape]) -> Shape:
        return tuple([n for i, n in enumerate(shapes[0]) if i not in self.axes])

    def _kept(self, source: Shape) -> Shape:
        return tuple([1 if i in self.axes else n for i, n in enumerate(source)])

    def moved(self, xs: Sequence[Any], lead: int) -> Any:
        axes = tuple([d + lead for d in self.axes]) if lead else self.axes
        return np.add.reduce(xs[0], axis=axes)

    def transposed(self, bar: Any, shape: Shape, source: Shape) -> Any:
        return in_shape(bar, self._kept(source)) if shape else bar

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        at = patterns.positions(self._kept(shapes[0]))
        return patterns.moved(x[0], np.broadcast_to(at, shapes[0]), shape)


@dataclass(slots=True, eq=False)
class CumSum(Map):
    """The running sum along an axis."""

    axis: int
    arity = 1

    def shape(self, shapes: list[Shape]) -> Shape:
        return shapes[0]

    def moved(self, xs: Sequence[Any], lead: int) -> Any:
        return np.cumsum(xs[0], axis=self.axis + lead)

    def transposed(self, bar: Any, shape: Shape, source: Shape) -> Any:
        return np.flip(np.cumsum(np.flip(bar, self.axis), axis=self.axis), self.axis)

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        return patterns.running(x[0], self.axis, shape)


# ------------------------------------------------------------------ elements by position
def in_shape(x: Any, shape: Shape) -> Any:
    """Return np.reshape(x, shape), of an array of NumPy without the way around."""
    return x.reshape(shape) if type(x) is np.ndarray else np.reshape(x, shape)


def host(args: Sequence[Any]) -> Any:
    """Return the operand that an operation on these values belongs to: the innermost one."""
    owner: Any = None
    for x in args:
        if is_operand(x) and (owner is None or x._hosts(owner)):
            owner = x
    return owner


def gather(sources: Sequence[Any], index: Array, lead: int) -> Any:
    """Return elements of the joined sources by position (-1: zero), under `lead` leading axes."""
    if not lead:
        if not index.ndim and len(sources) == 1 and type(sources[0]) is np.ndarray and index >= 0:
            return sources[0].reshape(-1)[index]
        owner = host(sources)
        if owner is not None:
            return owner._gather(sources, index)
    if len(set(map(type, sources))) == 1 and index.size and index.min() >= 0:
        first = sources[0]
        if type(first) is np.float64:
            return np.array(sources)[index]
        if not (lead or is_native(first) or isinstance(first, np.ndarray)):  # such as mpf
            return object_array((len(sources),), sources)[index]
    dtypes = [x.dtype for x in sources if isinstance(x, (np.ndarray, np.inexact))]
    floats = [t for t in dtypes if t.kind in "fc"]
    if floats and np.dtype(object) not in dtypes:  # other numbers take the precision of floats
        dtype = np.result_type(*floats)
        sources = [x if is_operand(x) or _is_float(x) else np.asarray(x, dtype) for x in sources]
    arrays = [x if is_operand(x) else np.asarray(x) for x in sources]
    flat = [x.reshape((*x.shape[:lead], -1)) for x in arrays]
    if index.size and index.min() < 0:
        flat.append(flat[0][..., :0].sum(-1)[..., None] if lead else Kind.of(flat[0]).zeros((1,)))
    if len(flat) > 1 and not any(map(is_operand, flat)):
        flat = list(together(*flat))
    joined = flat[0] if len(flat) == 1 else np.concatenate(flat, axis=-1)
    found = joined[..., index]
    return found[()] if isinstance(found, np.ndarray) else found  # a number, not an array of one


def _read(index: Array, first: int, end: int) -> bool:
    """Whether some position is one of those from the first to the end."""
    if first <= index[0] < end or first <= index[-1] < end:
        return True
    return bool(((first <= index) & (index < end)).any())


def _split(bar: Any, shapes: list[Shape], wanted: list[bool]) -> list[Whole | None]:
    """Return the adjoints of joined sources as wholes."""
    found: list[Whole | None] = []
    end = 0
    for shape, w in zip(shapes, wanted, strict=True):
        start, end = end, end + math.prod(shape)
        found.append(Whole(np.reshape(bar[start:end], shape)) if w and start < end else None)
    return found


def run(start: int, shape: Shape) -> Gather:
    """Return the elements of that shape that follow each other from a position on."""
    return _run(start, shape) if math.prod(shape) <= KEPT else _run.__wrapped__(start, shape)


@functools.lru_cache(maxsize=1024)
def _run(start: int, shape: Shape) -> Gather:
    return Gather((np.arange(start, start + math.prod(shape)).reshape(shape))[()], start)


def _is_doubles(x: Any) -> bool:
    return type(x) is np.ndarray and x.dtype.char == "d"


def joined(arrays: Sequence[Array]) -> Array:
    """Return the elements of arrays, one after the other."""
    if len(arrays) == 1:
        return arrays[0].reshape(-1)
    return np.concatenate([x.reshape(-1) for x in arrays])


def _is_float(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.inexact, complex)) and np.asarray(x).dtype.kind in "fc"


def scatter(x: Any, index: Array, shape: Shape, lead: int = 0) -> Any:
    """Return the array y with y.flat[index[i]] = Σ x.flat[i] (index -1: dropped)."""
    size = math.prod(shape)
    if not lead and _is_doubles(x) and index.size and index.min() >= 0:
        return np.bincount(index.reshape(-1), x.reshape(-1), size).reshape(shape)
    front = tuple(np.shape(x)[:lead])
    rows = math.prod(front)
    to = index.reshape(-1)
    x = np.reshape(x, (rows, -1))
    if to.size and to.min() < 0:
        x, to = x[:, to >= 0], to[to >= 0]
    to = (np.arange(rows)[:, None] * size + to).reshape(-1)
    x = np.reshape(x, -1)
    if is_operand(x):
        y = x._scatter(to, (rows * size,))
    elif x.dtype.kind == "f" and x.dtype.itemsize <= 8:  # bincount adds doubles
        y = np.bincount(to, weights=x, minlength=rows * size).astype(x.dtype, copy=False)
    else:
        y = zeros((rows * size,), x)
        np.add.at(y, to, x)
    return np.reshape(y, (*front, *shape))


def scattered(parts: Sequence[tuple[Array | slice, Any]], shape: Shape) -> Any:
    """Return the sum of what is given at some places (where one is -1, dropped) of that shape."""
    if len(parts) == 1 and type(parts[0][0]) is np.ndarray:
        return scatter(in_shape(parts[0][1], (-1,)), parts[0][0], shape)
    if not all([_is_float64(bar) for _, bar in parts]):
        return _together(parts, shape)
    chosen, size = [p for p in parts if type(p[0]) is not slice], math.prod(shape)
    y = _together(chosen, (size,)) if chosen else np.zeros(size)
    for at, bar in parts:
        if type(at) is slice:
            y[at] += bar if type(bar) is np.float64 else bar.reshape(-1)
    return y.reshape(shape)


def _together(parts: Sequence[tuple[Array | slice, Any]], shape: Shape) -> Any:
    """Return the sum of what is given at some places, all added up at once."""
    index = [np.arange(at.start, at.stop) if isinstance(at, slice) else at for at, _ in parts]
    bars = [np.reshape(bar, -1) for _, bar in parts]
    if len(parts) == 1:
        return scatter(bars[0], index[0], shape)
    return scatter(np.concatenate(bars), np.concatenate([i.reshape(-1) for i in index]), shape)


def _is_float64(x: Any) -> bool:
    return type(x) is np.float64 or _is_doubles(x)


def unbroadcast(bar: Any, whole: Shape, shape: Shape) -> Any:
    """Return the adjoint of an argument of that shape which was broadcast to the whole shape.

    Axes of length one of bar stand for `whole` equal parts.
    """
    if shape == whole:
        return bar
    if not shape and type(bar) is np.ndarray and bar.shape == whole:
        return np.add.reduce(bar, axis=None)
    axes, to, times = _narrowing(shape_of(bar), whole, shape)
    if axes:
        bar = (np.add.reduce if type(bar) is np.ndarray else np.sum)(bar, axis=axes, keepdims=True)
    if to is not None:
        bar = bar.reshape(to)
    return bar if times == 1 else bar * times


@functools.lru_cache(maxsize=1024)
def _narrowing(have: Shape, whole: Shape, shape: Shape) -> tuple[Any, Shape | None, int]:
    """Return the axes to sum over, the shape then (None: as it is), and how many parts are equal.

    See `unbroadcast`, whose adjoint has the shape `have`.
    """
    lead, offset = len(whole) - len(shape), len(whole) - len(have)
    axes, times = [], 1
    for i, n in enumerate(whole):
        if i >= lead and shape[i - lead] == n:
            continue
        if i >= offset and have[i - offset] == n:
            axes.append(i - offset)
        else:
            times *= n
    summed = tuple([1 if i in axes else n for i, n in enumerate(have)])
    extra = len(have) - len(shape)
    return tuple(axes), summed[extra:] if extra > 0 else None, times


def sparse_product(a: Any, x: Any) -> Any:
    """Return a @ x of a sparse matrix of SciPy and an operand: one product for each of its entries.

    Entry by entry, Σ a_ij x_j is x gathered at the columns, scaled, and added up in the rows.
    """
    if len(a.shape) != 2 or np.ndim(x) not in (1, 2) or np.shape(x)[0] != a.shape[1]:
        raise ShapeMismatch(f"a matrix of shape {a.shape} has no product with {np.shape(x)}")
    entries, more = a.tocoo(), np.shape(x)[1:]
    rows, size = entries.row.astype(int), math.prod(more)
    data = entries.data.reshape(-1, *(1 for _ in more))
    to = rows if not more else rows[:, None] * size + np.arange(size)
    return (x[entries.col] * data)._scatter(to, (a.shape[0], *more))
