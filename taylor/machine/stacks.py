"""Stacks of a few arrays, such as coefficients of series, as arrays of their own.

What works element by element on a stack does so on each of its arrays: all of them, and what is
made of one alone, then run in one loop.  To take arrays from a stack, to join them, to pad with
zeros, and to add over a stack moves nothing any more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from taylor.core.einsum import Einsum
from taylor.core.instructions import ADD, MUL, Add, Const, Instruction, Op, Scale, Shape
from taylor.core.maps import Gather, Reshape, Scatter, Sum, run
from taylor.core.rules import pruned
from taylor.llvm.ir import WIDTH
from taylor.machine.moves import Index

Code = Sequence[Instruction]
FEWEST = 8 * WIDTH  # elements of an array of a stack, at least
MOST = 8  # arrays of a stack


class Span(NamedTuple):
    """Elements that follow each other: those of instruction `i` from `start` on; zeros if None."""

    i: int | None
    start: int
    size: int


def unstacked(code: Code, kept: Iterable[int]) -> tuple[Code, dict[int, int]]:
    """Return the program with arrays in place of stacks, and the new numbers of what is kept."""
    kept = set(kept)
    arrays = {shape for c in code for shape in _taken(c, code)}
    if not arrays:
        return code, {i: i for i in kept}
    new = _Unstacked(arrays)
    for instruction in code:
        new.append(*instruction)
    short, moved = pruned(new.code, [new.whole(i) for i in kept])
    return short, {i: moved[new.whole(i)] for i in kept}


def _taken(instruction: Instruction, code: Code) -> list[Shape]:
    """Return the shape of the arrays of a stack, if an instruction takes some of them."""
    op, args, _ = instruction
    if not isinstance(op, Gather) or len(args) > 1 or not op.index.size:
        return []
    _, *shape = code[args[0]].shape or (1,)
    size, first = math.prod(shape), int(op.index.reshape(-1)[0])
    if size < FEWEST or op.index.size % size or first % size or _runs(op.index) != [first]:
        return []
    return [tuple(shape)]


def _runs(index: Index, size: int | None = None) -> list[int] | None:
    """Return where each run of that size (default: the only one) begins, -1 for one of zeros.

    None if the index is not made of such runs.
    """
    rows = index.reshape(-1, index.size if size is None else size)
    first = rows[:, :1]
    if not np.array_equal(rows, np.where(first < 0, -1, first + np.arange(rows.shape[1]))):
        return None
    return [int(i) for i in first[:, 0]]


def _spread(spec: str, shape: Shape) -> list[Shape] | None:
    """Return the shapes in which the factors of a product without sums broadcast, if it is one."""
    terms, out = spec.split("->")
    factors = terms.split(",")
    in_order = all(list(f) == [c for c in out if c in f] for f in factors)
    if len(factors) != 2 or not in_order:
        return None
    sizes = list(zip(out, shape, strict=True))
    return [tuple(n if c in f else 1 for c, n in sizes) for f in factors]


def _some(parts: Sequence[Span], start: int, size: int) -> list[Span]:
    """Return some of the elements of parts that follow each other."""
    found = []
    for i, first, n in parts:
        low, high = max(start, 0), min(start + size, n)
        if low < high:
            found.append(Span(i, 0 if i is None else first + low, high - low))
        start -= n
    return found


def _merged(parts: Sequence[Span]) -> list[Span]:
    """Return parts of which those that run on are one."""
    found = [parts[0]]
    for i, start, size in parts[1:]:
        j, first, n = found[-1]
        if i == j and (i is None or first + n == start):
            found[-1] = Span(j, first, n + size)
        else:
            found.append(Span(i, start, size))
    return found


class _Unstacked:
    """A program being rewritten: every old instruction is a list of parts, one after the other."""

    def __init__(self, arrays: set[Shape]) -> None:
        self.arrays = arrays
        self.blocks = {math.prod(shape): shape for shape in sorted(arrays)}  # by size
        self.code: list[Instruction] = []
        self.parts: list[list[Span]] = []
        self.shapes: list[Shape] = []
        self.known: dict[tuple[Shape, tuple[Span, ...]], int] = {}

    def append(self, op: Op, args: tuple[int, ...], shape: Shape) -> None:
        """Append an old instruction."""
        found, given = self._moved(op, args, shape), [(self.parts[a], self.shapes[a]) for a in args]
        stack = shape[1:] in self.arrays and 0 < shape[0] <= MOST
        if stack and isinstance(op, Einsum) and (spread := _spread(op.spec, shape)) is not None:
            op, given = MUL, [(parts, s) for (parts, _), s in zip(given, spread, strict=True)]
        if found is None and stack and op.by_element:
            found = [self._element(op, given, shape, k) for k in range(shape[0])]
        if found is None:
            found = [self._span(self._put(op, [self.whole(a) for a in args], shape))]
        self.parts.append(found)
        self.shapes.append(shape)

    def whole(self, i: int) -> int:
        """Return the new instruction that is all of an old one."""
        return self._array(self.parts[i], self.shapes[i])

    # -------------------------------------------------------------- arrays from parts
    def _put(self, op: Op, args: Sequence[int], shape: Shape) -> int:
        self.code.append(Instruction(op, tuple(args), shape))
        return len(self.code) - 1

    def _span(self, i: int) -> Span:
        return Span(i, 0, math.prod(self.code[i].shape))

    def _array(self, parts: Sequence[Span], shape: Shape) -> int:
        """Return a new instruction that joins parts, in that shape."""
        key = shape, tuple(parts)
        if key not in self.known:
            made = [self._own(part) for part in _merged(parts)]
            if len(made) > 1:
                index = np.arange(math.prod(shape)).reshape(shape)
                made = [self._put(Gather(index), made, shape)]
            if self.code[made[0]].shape != shape:
                made = [self._put(Reshape(shape), made, shape)]
            self.known[key] = made[0]
        return self.known[key]

    def _own(self, part: Span) -> int:
        """Return a new instruction that has no elements but those of a part."""
        if part.i is None:
            return self._put(Const(np.zeros(part.size)), (), (part.size,))
        op, _, shape = self.code[part.i]
        if part.size == math.prod(shape):
            return part.i
        flat: Shape = (part.size,)
        if isinstance(op, Const):
            every = np.broadcast_to(np.asarray(op.c), shape).reshape(-1)
            return self._put(Const(every[part.start : part.start + part.size]), (), flat)
        return self._put(run(part.start, flat), [part.i], flat)

    # -------------------------------------------------------------- instructions
    def _element(
        self, op: Op, args: Sequence[tuple[list[Span], Shape]], shape: Shape, k: int
    ) -> Span:
        """Append what an instruction does to array k of stacks."""
        given = []
        for parts, own in args:
            if len(own) == len(shape):
                size = math.prod(own[1:])
                parts, own = _some(parts, (k if own[0] > 1 else 0) * size, size), own[1:]
            given.append((parts, own))
        if isinstance(op, Add) and all(p.i is None for parts, _ in given for p in parts):
            return Span(None, 0, math.prod(shape[1:]))
        if isinstance(op, Scale) and np.ndim(op.c) == len(shape):
            op = Scale(op.c[k if len(op.c) > 1 else 0])
        return self._span(self._put(op, [self._array(*x) for x in given], shape[1:]))

    def _moved(self, op: Op, args: Sequence[int], shape: Shape) -> list[Span] | None:
        """Return the parts of what moves whole arrays only."""
        if isinstance(op, Reshape):
            return self.parts[args[0]]
        if isinstance(op, Gather):
            return self._gathered(op.index, args)
        if isinstance(op, Scatter):
            return self._scattered(op, args[0])
        if isinstance(op, Sum) and op.axes == (0,) and shape in self.arrays:
            parts = self.parts[args[0]]
            if len(parts) <= MOST and all(part.size == math.prod(shape) for part in parts):
                return [self._total(parts, shape)]
        return None

    def _gathered(self, index: Index, args: Sequence[int]) -> list[Span] | None:
        for size in sorted(self.blocks, reverse=True):
            if index.size == 0 or index.size % size or index.size > MOST * size:
                continue
            first = _runs(index, size)
            if first is None:
                continue
            found: list[Span] = []
            joined = [part for a in args for part in self.parts[a]]
            for start in first:
                found += [Span(None, 0, size)] if start < 0 else _some(joined, start, size)
            return found
        return None

    def _scattered(self, op: Scatter, a: int) -> list[Span] | None:
        whole = math.prod(op.to)
        for size, shape in sorted(self.blocks.items(), reverse=True):
            if whole % size or op.index.size % size or not 0 < whole <= MOST * size:
                continue
            first = _runs(op.index, size)
            if first is None or any(i % size for i in first if i >= 0):
                continue
            terms: list[list[Span]] = [[] for _ in range(whole // size)]
            for k, start in enumerate(first):
                if start >= 0:
                    terms[start // size] += [
                        self._block(_some(self.parts[a], k * size, size), shape)
                    ]
            zero = Span(None, 0, size)  # -0 becomes 0
            return [self._total([*parts, zero] if parts else [zero], shape) for parts in terms]
        return None

    def _block(self, parts: Sequence[Span], shape: Shape) -> Span:
        if len(parts) == 1:
            return parts[0]
        return self._span(self._array(parts, shape))

    def _total(self, parts: Sequence[Span], shape: Shape) -> Span:
        """Return the sum of arrays."""
        first, *more = parts
        for part in more:
            terms = [self._array([x], shape) for x in (first, part)]
            first = self._span(self._put(ADD, terms, shape))
        return first
