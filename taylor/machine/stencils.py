"""Stencils: elements moved by constant steps, and sums of them, as part of element-wise regions.

What slices, rolls, pads and joins of arrays take, and what their adjoints give back, is in every
box of the result an array read at an index that grows by constant steps.  `Shift` is such a
reading, `Patch` a sum of some of them, each in its box; both have the shape of the result: no
element is written that is only to be moved.  What is read is computed there, where that is cheap.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from taylor.core.einsum import Einsum
from taylor.core.instructions import Add, Div, Instruction, Mul, Number, Op, Scale, Shape
from taylor.core.maps import Gather, Reshape, Scatter, Sum
from taylor.core.rules import pruned
from taylor.llvm.ir import WIDTH
from taylor.machine.emit import Symbol, contiguous
from taylor.machine.joins import joins
from taylor.machine.moves import Index, affine
from taylor.machine.nests import c_strides

Code = Sequence[Instruction]
FEWEST = 4 * WIDTH  # elements of a result, at least
BOXES = 24  # boxes of a result, at most
READS = 4  # arrays that are read for an element computed where it is needed, at most
STEPS = 16  # operations and readings for it, at most
CHEAP = (Add, Mul, Div, Scale)  # what is computed there
MOVED = (Reshape, Gather, Scatter, Sum, Einsum)  # what does not need its arguments in memory


class Box(NamedTuple):
    """The elements with first <= index < end along every axis."""

    first: Shape
    end: Shape

    def size(self, axis: int) -> int:
        """Return how many elements it has along an axis."""
        return self.end[axis] - self.first[axis]


@dataclass(slots=True, eq=False)
class Shift(Op):
    """y[i] = x.flat[start + Σ i·steps] in a box; elsewhere it is not known."""

    to: Shape
    box: Box
    start: int
    steps: Shape
    arity = 1

    def value(self, a: Sequence[Any], number: Number) -> Any:
        first, end = self.box
        sizes = tuple([n - m for m, n in zip(first, end, strict=True)])
        begin = self.start + sum(map(math.prod, zip(first, self.steps, strict=True)))
        if not isinstance(a[0], Symbol):
            whole = np.zeros(self.to, np.asarray(a[0]).dtype)
            inside = np.indices(sizes).reshape(len(sizes), -1)
            found = np.reshape(a[0], -1)[begin + np.array(self.steps, int) @ inside]
            whole[tuple(map(slice, first, end))] = found.reshape(sizes)
            return whole
        x = contiguous(a[0])
        if self.packed or x.reg is not None:
            return x.view(self.to, self.steps, self.start)
        own, steps = contiguous(x.view(sizes, self.steps, begin)), c_strides(sizes)
        return own.view(self.to, steps, _start(self.box, 0, steps))

    @property
    def packed(self) -> bool:
        """Whether neighbours along the last axis are neighbours in memory."""
        last = max((k for k, n in enumerate(self.to) if n > 1), default=-1)
        return last < 0 or self.steps[last] == 1


@dataclass(slots=True, eq=False)
class Patch(Op):
    """A sum of layers, in each of which an argument stands in each of some boxes, and zero between.

    One layer alone is moved as it is, -0 too, unless the result `adds`.
    """

    layers: tuple[tuple[Box, ...], ...]
    adds: bool

    @property
    def boxes(self) -> list[Box]:
        """The boxes of the arguments."""
        return list(itertools.chain.from_iterable(self.layers))


# ------------------------------------------------------------------ what an index is made of
class Piece(NamedTuple):
    """A box in which an instruction is read by constant steps."""

    box: Box
    source: int
    start: int
    steps: Shape


def _boxes(index: Index) -> Iterator[Box]:
    """Yield boxes that cover what is not -1 of an index, cut where its steps change."""
    cuts = [_cuts(index, axis) for axis in range(index.ndim)]
    if math.prod(len(c) - 1 for c in cuts) > 4 * BOXES:
        return
    for corner in itertools.product(*(itertools.pairwise(c) for c in cuts)):
        first, end = zip(*corner, strict=True)
        if (index[tuple(map(slice, first, end))] >= 0).any():
            yield Box(first, end)


def _cuts(index: Index, axis: int) -> list[int]:
    """Return the ends of the stretches of an axis along which slabs change by the same steps."""
    n = index.shape[axis]
    if n == 1:
        return [0, 1]
    slabs = np.moveaxis(index, axis, 0).reshape(n, -1)
    weights = np.random.default_rng(0).integers(1, 1 << 62, slabs.shape[1])
    holes = slabs < 0
    steps = np.where(holes[1:] | holes[:-1], 0, np.diff(slabs, axis=0)) @ weights
    patterns, empty = holes @ weights, np.all(holes, axis=1)[1:]
    values, counts = np.unique(steps[~empty], return_counts=True)
    same = empty | (steps == (values[counts.argmax()] if len(values) else 0))
    same &= patterns[1:] == patterns[:-1]
    return [0, *(np.flatnonzero(~same) + 1).tolist(), n]


def _steps(inside: Index, shape: Shape) -> Shape | None:
    """Return the steps of the index in a box of a result of that shape, if they are constant.

    Of one element alone along the last axis the step is said to be 1.
    """
    steps = affine(inside)
    last = max((k for k, n in enumerate(shape) if n > 1), default=-1)
    if steps is None or last < 0 or inside.shape[last] > 1:
        return steps
    return (*steps[:last], 1, *steps[last + 1 :])


def _start(box: Box, first: int, steps: Iterable[int]) -> int:
    """Return what an index would be at the origin, given that at the corner of the box."""
    return first - sum(map(math.prod, zip(box.first, steps, strict=True)))


def _origins(code: Code, a: int, places: Index) -> list[tuple[int, Index, Index]]:
    """Return what elements of an instruction are elements of: an instruction, which, and where."""
    op, args, _ = code[a]
    if isinstance(op, Reshape):
        return _origins(code, args[0], places)
    if not isinstance(op, Gather) or len(args) > BOXES:
        return [(a, np.arange(len(places)), places)]
    index, found, start = op.index.reshape(-1)[places], [], 0
    for b in args:
        end = start + math.prod(code[b].shape)
        mine = np.flatnonzero((index >= start) & (index < end))
        if len(mine):
            inner = _origins(code, b, index[mine] - start)
            found += [(source, mine[which], where) for source, which, where in inner]
        start = end
    return found


def _layers(to: Index) -> list[Index]:
    """Return, for the first, second, ... elements that go to equal places, which these are."""
    order = np.argsort(to, kind="stable")
    sorted = to[order]
    begins = np.flatnonzero(np.r_[True, np.diff(sorted) != 0])
    rank = np.empty(len(to), int)
    rank[order] = np.arange(len(to)) - np.repeat(begins, np.diff(np.r_[begins, len(to)]))
    count = min(int(rank.max()) + 1, BOXES + 1)  # more than there may be
    return [np.flatnonzero(rank == k) for k in range(count)]


def _grid(op: Scatter, found: Sequence[tuple[int, Index, Index]], code: Code) -> Shape:
    """Return the shape in which the places of a flat result are to be seen."""
    if len(op.to) != 1:
        return op.to
    to, rest = op.index.reshape(-1), math.prod(op.to)
    source, which, _ = max(found, key=lambda part: len(part[1]))
    shape = code[source].shape
    steps = affine(to[which].reshape(shape)) if math.prod(shape) == len(which) else None
    sizes = []
    for step in sorted(steps or (), reverse=True):
        if step > 1:
            if rest % step:
                return op.to
            sizes.append(rest // step)
            rest = step
    return (*sizes, rest)


def _pieces(inverse: Index, source: int) -> list[Piece]:
    """Return where an array is read by constant steps, given which element stands where.

    Nothing where there are too many such boxes.
    """
    found = []
    for box in _boxes(inverse):
        inside = inverse[tuple(map(slice, *box))]
        steps = _steps(inside, inverse.shape)
        if steps is None:
            return []
        found.append(Piece(box, source, _start(box, int(inside.flat[0]), steps), steps))
    return found


def layers_of(code: Code, i: int, op: Gather | Scatter) -> tuple[Shape, list[list[Piece]]] | None:
    """Return the shape and the layers of a gather or a scatter, in boxes of constant steps.

    None where there are too many, or where rows are shorter than vectors.
    """
    _, args, shape = code[i]
    layers: list[list[Piece]] = []
    to = np.arange(op.index.size) if isinstance(op, Gather) else op.index.reshape(-1)
    live = np.flatnonzero(to >= 0)
    parts = _origins(code, i if isinstance(op, Gather) else args[0], live)
    if not 0 < len(parts) <= BOXES or parts[0][0] == i:  # many arrays joined are their own origin
        return None
    shape, to = _grid(op, parts, code) if isinstance(op, Scatter) else shape, to[live]
    for source, which, where in parts:
        for mine in _layers(to[which]):
            inverse = np.full(math.prod(shape), -1)
            inverse[to[which[mine]]] = where[mine]
            pieces = _pieces(inverse.reshape(shape), source)
            if not pieces:
                return None
            layers.append(pieces)
    if isinstance(op, Gather):
        layers = [list(itertools.chain.from_iterable(layers))]
    boxes = [piece.box for layer in layers for piece in layer]
    wanted = len(boxes) <= BOXES and _rows(shape, boxes) >= WIDTH
    return (shape, layers) if wanted else None


def _rows(shape: Shape, boxes: Sequence[Box]) -> int:
    """Return the length of the rows that all boxes cut at their ends only."""
    size = 1
    for k in range(len(shape) - 1, -1, -1):
        size *= shape[k]
        if any(box.end[k] - box.first[k] < shape[k] for box in boxes):
            break
    return size


# ------------------------------------------------------------------ programs
def fused(code: Code, kept: Iterable[int]) -> tuple[Code, dict[int, int]]:
    """Return the program with patches in place of gathers and scatters that regions can contain.

    And the new numbers of what is kept of it.
    """
    kept = set(kept)
    read = {a for c in code if c.op.by_element for a in c.args}
    added = {a for c in code if isinstance(c.op, (Einsum, Sum)) for a in c.args}
    patches = {}
    for i, (op, args, shape) in enumerate(code):
        if not isinstance(op, (Gather, Scatter)) or math.prod(shape) < FEWEST:
            continue
        many = len(args) > 1 or isinstance(op, Scatter) or affine(op.index) is None
        if many and (i in read or isinstance(op, Scatter) or (i in added and not joins(code, i))):
            layers = layers_of(code, i, op)
            if layers is not None:
                patches[i] = layers
    if not patches:
        return code, {i: i for i in kept}
    fusion = _Fusion(code, kept, patches)
    short, new = pruned(fusion.new, [fusion.at[i] for i in kept])
    return short, {i: new[fusion.at[i]] for i in kept}


class _Tree(NamedTuple):
    """What is computed where it is needed: an operation on pieces, numbers (an int) and others."""

    op: Op
    args: list[Any]


class _Fusion:
    """A program being rewritten."""

    def __init__(self, code: Code, kept: set[int], patches: dict[int, Any]) -> None:
        self.code, self.patches = code, patches
        self.new: list[Instruction] = []
        self.at: dict[int, int] = {}  # where old instructions are
        self.known: dict[Any, int] = {}
        self.grids = {
            code[i].shape: shape for i, (shape, _) in patches.items() if shape != code[i].shape
        }
        self.stored = set(kept)  # what will be in memory anyway
        for i, (op, args, _) in enumerate(code):
            if i in kept or not (op.by_element or isinstance(op, MOVED)):
                self.stored.update(args)
        for i, (op, args, shape) in enumerate(code):
            self.at[i] = self._patched(i) if i in patches else self._moved(op, args, shape)

    def _put(self, op: Op, args: Sequence[int], shape: Shape) -> int:
        """Append an instruction, or find it."""
        key = (op.key() if isinstance(op, (*CHEAP, Gather, Reshape, Shift)) else id(op), *args)
        if key not in self.known:
            self.known[key] = len(self.new)
            self.new.append(Instruction(op, tuple(args), shape))
        return self.known[key]

    def _moved(self, op: Op, before: Sequence[int], shape: Shape) -> int:
        """Append an instruction, in the shape of the patches of its shape."""
        args, to = [self.at[a] for a in before], self.grids.get(shape, shape)
        if isinstance(op, Reshape):
            return self._reshaped(args[0], shape)
        if not op.by_element or to == shape:
            return self._put(op, args, shape)
        if isinstance(op, Scale) and np.ndim(op.c):
            op = Scale(np.reshape(np.broadcast_to(op.c, shape), to))
        y = self._put(op, [self._reshaped(a, to) for a in args], to)
        return self._reshaped(y, shape)

    def _reshaped(self, a: int, shape: Shape) -> int:
        """Return an instruction in another shape; a number has none where it may have another."""
        op, args, own = self.new[a]
        if isinstance(op, Reshape):
            a, own = args[0], self.new[args[0]].shape
        if math.prod(own) == 1 < math.prod(shape):
            shape = ()
        return a if own == shape else self._put(Reshape(shape), [a], shape)

    # -------------------------------------------------------------- patches
    def _patched(self, i: int) -> int:
        shape, layers = self.patches[i]
        args = [self._read(piece, shape) for layer in layers for piece in layer]
        boxes = tuple(tuple(piece.box for piece in layer) for layer in layers)
        y = self._put(Patch(boxes, isinstance(self.code[i].op, Scatter)), args, shape)
        return self._reshaped(y, self.code[i].shape)

    def _read(self, piece: Piece, to: Shape) -> int:
        """Return what has the elements of a piece in its box: computed there, or read."""
        box, source, start, steps = piece
        places = np.full([n - m for m, n in zip(*box, strict=True)], start)
        for grid, step in zip(np.ogrid[tuple(map(slice, *box))], steps, strict=True):
            places += grid * step
        visited: list[Any] = []
        tree = self._tree(source, places, box, to, visited)
        pieces = {v for v in visited if isinstance(v, Piece)}
        short = tree is not None and len(pieces) <= READS
        return self._written(tree if short else piece, to)

    def _tree(self, a: int, places: Index, box: Box, to: Shape, visited: list[Any]) -> Any:
        """Return how to compute elements of an instruction in a box; None if that is not cheap."""
        op, args, shape = self.code[a]
        if len(visited) > STEPS:
            return None
        if math.prod(shape) == 1:
            return a
        cheap = isinstance(op, CHEAP) and not (isinstance(op, Scale) and np.ndim(op.c))
        if not cheap or a in self.stored:
            visited.append(self._piece(a, places, box, to))
            return visited[-1]
        visited.append(op)
        trees = []
        for b in args:
            own = self.code[b].shape
            grid = np.broadcast_to(np.arange(math.prod(own)).reshape(own), shape)
            trees.append(self._tree(b, grid.reshape(-1)[places], box, to, visited))
            if trees[-1] is None:
                return None
        return _Tree(op, trees)

    def _piece(self, a: int, places: Index, box: Box, to: Shape) -> Piece | None:
        """Return the reading of elements of an instruction in a box, if it is one."""
        found = _origins(self.code, a, places.reshape(-1))
        if len(found) != 1 or len(found[0][1]) < places.size:
            return None
        source, _, flat = found[0]
        inside = flat.reshape(places.shape)
        steps = _steps(inside, to)
        if steps is None:
            return None
        return Piece(box, source, _start(box, int(inside.flat[0]), steps), steps)

    def _written(self, tree: Any, to: Shape) -> int:
        """Append what is computed, or read, in the shape of a patch."""
        if isinstance(tree, _Tree):
            return self._put(tree.op, [self._written(t, to) for t in tree.args], to)
        if isinstance(tree, int):
            return self._reshaped(self.at[tree], ())
        box, source, start, steps = tree
        if math.prod(self.code[source].shape) == 1:
            return self._reshaped(self.at[source], ())
        if not any(steps):
            return self._put(Gather(np.array(start)), [self.at[source]], ())
        return self._put(Shift(to, box, start, steps), [self.at[source]], to)
