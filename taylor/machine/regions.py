"""Element-wise regions of a program: many instructions in one loop, their temporaries in registers.

What they are, and when they run, is in `plan`.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

import numpy as np

from taylor.core.instructions import MUL, Input, Instruction, Scale
from taylor.core.maps import Reshape
from taylor.core.program import kinds
from taylor.core.rules import numbers
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.registers import Scalar
from taylor.machine.emit import (
    Symbol,
    broadcast,
    contiguous,
    empty,
    in_place,
    lifted,
    numbers_between,
    settled,
)
from taylor.machine.gathers import composed
from taylor.machine.joins import Joins
from taylor.machine.nests import at, c_strides, loaded_at, merged_axes, narrow, terms_of
from taylor.machine.plan import Region, own_arrays, pieces, planned, written_over
from taylor.machine.stacks import unstacked
from taylor.machine.stencils import Box, Patch, Shift, fused

Code = Sequence[Instruction]
TILE = 4 * WIDTH  # elements that all loops of a region go over before they go on


# ------------------------------------------------------------------ writing
def values(
    f: Function,
    code: Code,
    given: Sequence[Symbol],
    kept: Container[int],
    outs: Mapping[int, Symbol],
) -> dict[int, Any]:
    """Write the values of a program; return those that are kept, some in memory of their own."""
    if f.unit > 1:
        return _values(f, code, given, kept, outs)
    code, moved = composed(code, [i for i in range(len(code)) if i in kept])
    code, alone = unstacked(code, moved.values())
    short, place = fused(code, alone.values())
    new = {i: place[alone[j]] for i, j in moved.items()}
    places = {new[i]: out for i, out in outs.items()}
    for i, out in list(places.items()):
        op, args, _ = short[i]
        if isinstance(op, Reshape):
            shape = short[args[0]].shape
            places.setdefault(args[0], out.view(shape, c_strides(shape)))
    v = _values(f, short, given, set(new.values()), places)
    return {i: v[j] for i, j in new.items()}


def _values(
    f: Function,
    code: Code,
    given: Sequence[Symbol],
    kept: Container[int],
    outs: Mapping[int, Symbol],
) -> dict[int, Any]:
    complex = kinds(code, [x.complex for x in given])
    uses = Counter(a for i in code for a in i.args)
    number = numbers(given)
    v: dict[int, Any] = {}
    joined, steps = Joins(f, code, complex, outs), planned(code, complex, outs)
    alone = own_arrays(code, steps) - joined.within.keys() - outs.keys()
    for step in steps:
        f.pause()
        if isinstance(step, Region):
            done = [*step.members, *step.sums]
            own = Counter(a for i in done for a in code[i].args)
            needed = [i for i in step.members if i in kept or uses[i] > own[i]]
            ended = {a for a in alone & own.keys() if own[a] == uses[a] and a not in kept}
            fresh = [i for i in needed if i in alone]
            over = written_over(code, step, ended, fresh, complex, f.unit)
            out = {i: v[over[i]] if i in over else joined.place(i) for i in needed}
            v |= write(f, code, step, v, number, out, complex, outs.keys())
        else:
            op, args, _ = code[step]
            done = [step]
            y = given[op.n] if isinstance(op, Input) else joined.value(step, v)
            y = op.value([v[a] for a in args], number) if y is None else y
            v[step] = settled(y) if uses[step] > 1 else y
        for a in (a for i in done for a in code[i].args):
            uses[a] -= 1
            if not uses[a] and a not in kept:
                v.pop(a, None)
    return v


class Piece(NamedTuple):
    """Some instructions of a region, in one loop over a tile, and the sums that they complete."""

    members: list[int]
    sums: list[int]
    reads: list[int]  # of the values that are not its own


def write(
    f: Function,
    code: Code,
    region: Region,
    v: Mapping[int, Any],
    number: Callable[[Any], Any],
    outs: Mapping[int, Symbol],
    complex: Sequence[bool],
    results: Container[int] = (),
) -> dict[int, Symbol]:
    """Write the loops of a region; return `outs` with what is in it written, and the sums.

    Whether those of `outs` that are results are finite is found in the same loops (`f.checked`).
    """
    shape = code[region.members[0]].shape
    inside = set(region.members)
    outside = {a: v[a] for i in (*inside, *region.sums) for a in code[i].args if a not in inside}
    plain = {a: x for a, x in outside.items() if not isinstance(x, Symbol) and np.ndim(x) == 0}
    given = {
        a: x if isinstance(code[a].op, Shift) and isinstance(x, Symbol) else _seen(f, x, shape)
        for a, x in outside.items()
        if a not in plain
    }
    for i in region.members:
        op = code[i].op
        if isinstance(op, Scale) and np.ndim(op.constant):
            given[_factor(i)] = _seen(f, number(op.constant), shape)
    checked = [i for i in outs if i in results]
    loops = _Loops(f, code, region, given, plain, outs, number, complex, checked)
    totals = loops.run()
    for i in checked:
        if ~i in totals:
            for k, part in enumerate(totals[~i].parts):
                f.checked[outs[i].offset + k * numbers_between(outs[i])] = part
    sums = {i: Symbol(f, code[i].shape, reg=totals[i]) for i in region.sums}
    return {**outs, **sums}


def _factor(i: int) -> int:
    """Return what the constant array that instruction i multiplies by is found under."""
    return -1 - i


def _seen(f: Function, x: Any, shape: tuple[int, ...]) -> Symbol:
    """Return an array in the shape of a region, in an order in which it is read in vectors."""
    x = broadcast(in_place(lifted(f, x)), shape)
    last = next(stride for n, stride in zip(shape[::-1], x.strides[::-1], strict=True) if n > 1)
    return x if x.reg is not None or f.unit > 1 or last in (0, 1) else contiguous(x)


class _Loops:
    """The loops over the elements of a region.

    Tile by tile of the last axis, a piece of the region at a time: the results of few instructions
    wait for each other, and what one piece leaves to the next stays in the nearest memory.
    """

    def __init__(
        self,
        f: Function,
        code: Code,
        region: Region,
        given: dict[int, Symbol],
        plain: Mapping[int, Any],
        outs: Mapping[int, Symbol],
        number: Callable[[Any], Any],
        complex: Sequence[bool],
        checked: Sequence[int],
    ) -> None:
        self.f, self.code, self.number, self.complex = f, code, number, complex
        self.plain = plain  # numbers: some rows want to know them
        self.arrays = given | dict(outs)
        self.outs = outs
        places = {x.offset for x in outs.values()}
        self.early = {a for a, x in given.items() if x.offset in places}  # will be written over
        shape = code[region.members[0]].shape
        reads = {a for i in (*region.members, *region.sums) for a in code[i].args}
        shifts = {a: op.box for a in reads if isinstance(op := code[a].op, Shift)}
        boxes = set(shifts.values())
        for i in region.members:
            if isinstance(op := code[i].op, Patch):
                boxes.update(op.boxes)
        kinds = [x.strides for x in self.arrays.values()] + [_apart(shape, box) for box in boxes]
        strides = [[s[k] for s in kinds] for k in range(len(shape))]
        axes = merged_axes(list(zip(shape, c_strides(shape), strides, strict=True)))
        *self.outer, self.n = (n for n, _, _ in axes)
        self.strides = {a: [s[k] for _, _, s in axes] for k, a in enumerate(self.arrays)}
        self.boxes = {box: _merged(shape, [*self.outer, self.n], box) for box in boxes}
        self.shifts = shifts
        self.width = f.unit if f.unit > 1 else WIDTH
        wide = f.unit > 1 or self.n > WIDTH // 2
        self.sums = [*region.sums, *(~i for i in checked if wide)]  # ~i: zero times result i
        if f.unit == 1 and self.n <= WIDTH // 2 and not self.sums and not boxes:
            self.width = narrow(self.n)
        real = not any(complex[i] for i in region.members)
        if f.unit == 1 and real and not boxes and self.n % (2 * WIDTH) == 0:
            self.width = 2 * WIDTH  # two vectors side by side: no result waits for the one before
        self.step = 1 if f.unit > 1 else self.width
        self.inner = self._inner()
        apart = f.unit == 1 and self.n > 2 * WIDTH
        runs = pieces(code, region.members) if apart else [region.members]
        self.pieces = list(_pieces(code, runs, given.keys() | plain.keys(), self.sums))

    def _inner(self) -> Box:
        """Return the largest box of whole vectors that lies in, or outside, each of the boxes."""
        ends = []
        for k, n in enumerate([*self.outer, self.n]):
            cuts = sorted({0, n, *(c for b in self.boxes.values() for c in (b.first[k], b.end[k]))})
            ends.append(max(itertools.pairwise(cuts), key=lambda c: c[1] - c[0]))
        first, end = (list(e) for e in zip(*ends, strict=True))
        if self.boxes:
            first[-1] += -first[-1] % WIDTH
            end[-1] -= end[-1] % WIDTH * (end[-1] < self.n)
        return Box(tuple(first), tuple(end))

    def run(self) -> dict[int, Scalar]:
        """Write the loops; return the sums."""
        f = self.f
        totals = self._rows([], self._zeros())
        found = [t if f.unit > 1 else f.total(t) for t in totals]
        return dict(zip(self.sums, found, strict=True))

    def _zeros(self) -> list[Scalar]:
        return [self.f.zero(self.width, self.complex[max(i, ~i)]) for i in self.sums]

    def _rows(self, index: list[Any], totals: list[Scalar]) -> list[Scalar]:
        f, n = self.f, self.n
        if len(index) < len(self.outer):
            size = self.outer[len(index)]
            return f.fold(0, size, totals, lambda i, t: self._rows([*index, i], t))
        first, end = self.inner.first[-1], self.inner.end[-1]
        partial = any(self.inner.size(k) < m for k, m in enumerate(self.outer))
        if first >= end or not (partial or first or end < n):
            return self._row(index, 0, n, totals, masked=first >= end)
        begin: Any = first
        stop: Any = end
        if partial:
            conditions = _conditions(f, index, self.inner, self.outer)
            inside = functools.reduce(operator.and_, conditions)
            begin = first and f.choose(inside, first, 0 if end < n else n)
            stop = end if first and end == n else f.choose(inside, end, 0)
        totals = self._row(index, begin, stop, totals)
        if begin == 0:
            return self._row(index, stop, n, totals, masked=True)
        if stop == n:
            return self._row(index, 0, begin, totals, masked=True)

        def side(i: str, totals: list[Scalar]) -> list[Scalar]:
            start, end = (f.choose(f.odd(i), *ends) for ends in ((stop, 0), (n, begin)))
            return self._row(index, start, end, totals, masked=True)

        return f.fold(0, 2, totals, side)

    def _row(
        self, index: list[Any], start: Any, stop: Any, totals: list[Scalar], masked: bool = False
    ) -> list[Scalar]:
        """Run all pieces over a stretch of the last axis, or nothing if it is empty."""
        f, maybe = self.f, not (isinstance(start, int) and isinstance(stop, int))
        short = start == 0 and isinstance(stop, int) and stop <= TILE
        if short or (len(self.pieces) == 1 and max(self.sums, default=-1) < 0):
            return self._tile(index, start, stop, totals, masked, maybe)

        def tile(begin: str, totals: list[Scalar]) -> list[Scalar]:
            end = f.least(f.whole("add", begin, TILE), stop)
            own = self._tile(index, begin, end, self._zeros(), masked)  # sums of sums round less
            return [a + b for a, b in zip(totals, own, strict=True)]

        return f.fold(start, stop, totals, tile, TILE, maybe)

    def _tile(
        self,
        index: list[Any],
        start: Any,
        stop: Any,
        totals: list[Scalar],
        masked: bool,
        maybe: bool = False,
    ) -> list[Scalar]:
        """Run all pieces from `start` to `stop` of the last axis."""
        f, now = self.f, dict(zip(self.sums, totals, strict=True))
        left: dict[int, Symbol] = {}  # what pieces leave to later ones
        last = {a: n for n, piece in enumerate(self.pieces) for a in piece.reads}
        for n, piece in enumerate(self.pieces):
            for i in piece.members:
                if last.get(i, 0) > n and i not in self.outs:
                    left[i] = empty(f, (min(self.n, TILE),), self.complex[i])

            some = functools.partial(self._some, index, start, piece, left, masked)
            given = [now[i] for i in piece.sums]
            if start == 0 and isinstance(stop, int) and stop <= self.step:
                found = some(0, given)
            else:
                found = f.fold(start, stop, given, some, self.step, maybe)
            now |= dict(zip(piece.sums, found, strict=True))
            left = {i: x for i, x in left.items() if last[i] > n}
        return [now[i] for i in self.sums]

    def _some(
        self,
        index: list[Any],
        start: Any,
        piece: Piece,
        left: Mapping[int, Symbol],
        masked: bool,
        i: Any,
        totals: Sequence[Scalar],
    ) -> list[Scalar]:
        """Run a piece at one vector of elements, i; return what becomes of its sums."""
        f, width, index = self.f, self.width, [*index, i]
        here = i if start == 0 else f.whole("sub", i, start)
        inside = self._masks(index) if masked else self._covered
        env: dict[int, Any] = {a: self.plain[a] for a in piece.reads if a in self.plain}

        def read(a: int) -> Any:
            if a not in env:
                if a in left:
                    x = left[a].load([(here, 1)], width)
                else:
                    box = self.shifts.get(a)
                    x = self._loaded(a, index, True if box is None else inside(box))
                env[a] = Symbol(f, (), reg=x)
            return env[a]

        written_out = isinstance(i, int)
        for a in piece.reads:  # else where it is first used: few wait
            if not written_out or a in self.early:
                read(a)
        for k in piece.members:
            op, args, _ = self.code[k]
            given = [read(a) for a in args]
            if _factor(k) in piece.reads:
                op, given = MUL, [*given, read(_factor(k))]
            if isinstance(op, Patch):
                env[k] = Symbol(f, (), reg=self._patch(k, op, given, inside))
            else:
                env[k] = op.value(given, self.number)
            y = f.splat(at(lifted(f, env[k]), []), width)
            if k in self.outs:
                self.outs[k].store(y, terms_of(index, self.strides[k]))
            elif k in left:
                left[k].store(y, [(here, 1)])
            if written_out:
                f.pause()
        return self._added(i, piece, read, totals)

    def _added(
        self, i: Any, piece: Piece, read: Callable[[int], Any], totals: Sequence[Scalar]
    ) -> list[Scalar]:
        """Return the sums of a piece with what one vector of elements adds to them."""
        f, found = self.f, []
        for k, total in zip(piece.sums, totals, strict=True):
            args = self.code[k].args if k >= 0 else (~k,)
            factors = [at(lifted(f, read(a)), []) for a in args] + [f.zero()] * (k < 0)
            new = factors[0] if len(factors) == 1 else f.binary("fmul", *factors)
            if f.unit == 1 and self.n % WIDTH:
                new = f.below(i, range(WIDTH), self.n).where(new, f.zero(WIDTH))
            found.append(f.splat(total + new, self.width))
        return found

    # -------------------------------------------------------------- boxes
    def _covered(self, box: Box) -> bool:
        """Whether a box contains the inner one; else none of that is in it."""
        ends = zip(*self.boxes[box], *self.inner, strict=True)
        return all(a <= c and d <= b for a, b, c, d in ends)

    def _masks(self, index: Sequence[Any]) -> Callable[[Box], Scalar | bool]:
        """Return what tells in which lanes of a vector of elements a box is."""
        f = self.f

        @functools.cache
        def lanes(box: Box) -> Scalar | bool:
            own, last = self.boxes[box], len(self.outer)
            found = _conditions(f, index[:last], own, self.outer)
            if own.size(last) < self.n:
                below, within = (f.below(index[-1], range(WIDTH), c[-1]) for c in own)
                found.append(~below & within)
            wide = [f.splat(c, WIDTH) for c in found]
            return functools.reduce(operator.and_, wide) if wide else True

        return lanes

    def _loaded(self, a: int, index: Sequence[Any], inside: Scalar | bool) -> Scalar:
        """Return a vector of elements of an array; zeros where it is not known."""
        x = self.arrays[a]
        if inside is False:
            return self.f.zero(self.width, x.complex)
        if inside is True or x.reg is not None:
            return loaded_at(x, index, self.strides[a], self.width)
        return x.load(terms_of(index, self.strides[a]), mask=self.f.splat(inside, WIDTH))

    def _patch(
        self, k: int, op: Patch, given: Sequence[Any], inside: Callable[[Box], Scalar | bool]
    ) -> Scalar:
        """Return a vector of elements of a patch."""
        f, rest = self.f, iter(given)
        zero = f.zero(self.width, self.complex[k])
        total = zero if op.adds else None
        for layer in op.layers:
            y = zero
            for box, x in zip(layer, rest, strict=False):
                here, x = inside(box), at(lifted(f, x), [])
                y = y if here is False else x if here is True else here.where(x, y)
            total = y if total is None else total + y
        assert total is not None
        return total


def _conditions(f: Function, index: Sequence[Any], box: Box, shape: Sequence[int]) -> list[Scalar]:
    """Return what holds if an index is in a box, axis by axis."""
    found = []
    for i, first, end, n in zip(index, *box, shape, strict=False):
        found += [~f.less(i, first)] * (first > 0) + [f.less(i, end)] * (end < n)
    return found


def _apart(shape: Sequence[int], box: Box) -> list[int]:
    """Return strides of which those of two axes run on where a box is whole along the second."""
    strides, n = [1], len(shape)
    for k in range(n - 1, 0, -1):
        strides.append(strides[-1] * shape[k] * (1 if box.size(k) == shape[k] else 2))
    return strides[::-1]


def _merged(shape: Sequence[int], sizes: Sequence[int], box: Box) -> Box:
    """Return a box in axes some of which are several, along the others of which it is whole."""
    rest = iter([(n, *ends) for n, *ends in zip(shape, *box, strict=True) if n > 1])
    found = []
    for size in sizes:
        n, first, end = next(rest)
        while n < size:
            m, a, b = next(rest)
            n, first, end = n * m, first * m + a, (end - 1) * m + b
        found.append((first, end))
    return Box(*zip(*found, strict=True))


def _pieces(
    code: Code, runs: Iterable[list[int]], given: Set[int], sums: Sequence[int]
) -> Iterator[Piece]:
    """Yield the pieces of a region, with the sums that they complete and what they read."""
    ready = {a for a in given if a >= 0}
    for members in runs:
        ready.update(members)
        complete = [i for i in sums if ready.issuperset(code[i].args if i >= 0 else (~i,))]
        sums = [i for i in sums if i not in complete]
        reads = {a for i in (*members, *complete) if i >= 0 for a in code[i].args}
        reads |= {_factor(i) for i in members if _factor(i) in given}
        yield Piece(members, complete, sorted(reads.difference(members)))
