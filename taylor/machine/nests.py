"""Arrays in the memory of a function being written, and nests of loops over their elements.

Where strides allow, the innermost loop works on whole vectors; arrays are padded so that the last
vector may reach beyond the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.registers import Scalar

Shape = tuple[int, ...]
Body = Callable[..., Scalar]
Axis = tuple[int, int, list[int]]  # the size, the stride of the result, and those of arguments
Place = tuple[list[Any], int]  # the index of an element, and the width of the vector from there


class Slot:
    """Memory of an array, given back when nothing refers to it any more."""

    __slots__ = ("f", "start")

    def __init__(self, f: Function, size: int) -> None:
        self.f, self.start = f, f.allocate(size)

    def __del__(self) -> None:
        self.f.release(self.start)


def c_strides(shape: Shape) -> Shape:
    """Return the strides, in elements, of a C-ordered array."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


class Strided:
    """Numbers of a function: equal ones in a register, or an array in memory."""

    __slots__ = ("f", "lead", "offset", "plane", "reg", "shape", "slot", "strides")

    def __init__(
        self,
        f: Function,
        shape: Shape,
        reg: Scalar | None = None,
        slot: Any = None,
        offset: int = 0,
        strides: Sequence[int] = (),
        lead: tuple[tuple[str, int], ...] = (),
        plane: int = 0,
    ) -> None:
        self.f, self.shape, self.reg = f, tuple(shape), reg
        self.slot, self.offset = slot, offset  # the name of a constant array, or what holds memory
        self.strides = tuple(strides) if reg is None else (0,) * len(self.shape)
        self.lead = lead  # run-time terms (index, stride) of the address, such as the degree
        self.plane = plane  # doubles from the real parts to the imaginary parts, if it is complex

    @property
    def complex(self) -> bool:
        """Whether the numbers are complex."""
        return bool(self.plane if self.reg is None else self.reg.im)

    @property
    def base(self) -> str:
        """The pointer from which the offset counts."""
        return self.slot if isinstance(self.slot, str) else "%data"

    def constants(self) -> NDArray[Any]:
        """Return the numbers of a constant array, as it is seen here."""
        memory, steps = self.f.constants[self.slot], [8 * s for s in self.strides]
        found = np.empty(self.shape, complex if self.complex else float)
        found.real = as_strided(memory[self.offset :], self.shape, steps)
        if self.complex:
            found.imag = as_strided(memory[self.offset + self.plane :], self.shape, steps)
        return found

    def moved(self, shape: Shape, strides: Sequence[int], start: int) -> tuple[Any, ...]:
        """Return what describes these numbers in another order, from the one at `start` on."""
        if self.reg is not None:
            return self.f, shape, self.reg
        where = self.slot, self.offset + start, strides, self.lead, self.plane
        return self.f, shape, None, *where

    def view(self, shape: Shape, strides: Sequence[int], start: int = 0) -> Strided:
        """Return these numbers in another order, from the one at `start` on."""
        return Strided(*self.moved(shape, strides, start))

    def load(
        self, terms: Sequence[tuple[Any, int]], width: int = 1, mask: Scalar | None = None
    ) -> Scalar:
        """Return the number, or the vector (with a mask: some of it), at Σ index·stride."""
        if self.reg is not None:
            return self.reg
        f, base = self.f, self.base
        pointer = f.address(base, [*self.lead, *terms], self.offset)
        if mask is not None:
            return f.masked(pointer, mask, self.plane)
        wide = f.unit if f.unit > 1 and base == "%data" else 1 if f.unit > 1 else width
        return f.load(pointer, wide, self.plane)

    def store(self, x: Scalar, terms: Sequence[tuple[Any, int]]) -> None:
        """Write a number, or a vector of numbers, at Σ index·stride."""
        pointer = self.f.address(self.base, [*self.lead, *terms], self.offset)
        self.f.store(x, pointer, self.plane)


def at(x: Strided, index: Sequence[Any]) -> Scalar:
    """Return one element."""
    return x.load(list(zip(index, x.strides, strict=True)))


def entry(f: Function, table: NDArray[Any], i: Any) -> Any:
    """Return table[i] for an index that may be known at run time only."""
    if isinstance(i, int):
        return int(table[i])
    return f.entry(f.table(table, "i32"), i)


# ------------------------------------------------------------------ loops
def axes_of(out: Strided, args: Sequence[Strided]) -> list[Axis]:
    """Return the axes of a result and of arguments of its shape (or registers), merged."""
    strides = [[a.strides[i] if a.reg is None else 0 for a in args] for i in range(len(out.shape))]
    return merged_axes(list(zip(out.shape, out.strides, strides, strict=True)))


def merged_axes(axes: Sequence[Axis]) -> list[Axis]:
    """Return the axes with neighbours that run on in memory, for all arrays, made one."""
    kept: list[Axis] = []
    for n, out, strides in axes:
        if n == 1:
            continue
        if kept:
            m, before, others = kept[-1]
            runs_on = before == out * n and all(
                a == b * n for a, b in zip(others, strides, strict=True)
            )
            if runs_on:
                kept[-1] = (m * n, out, strides)
                continue
        kept.append((n, out, strides))
    return kept


def terms_of(index: Sequence[Any], strides: Sequence[int]) -> list[tuple[Any, int]]:
    """Return the terms of an address."""
    return list(zip(index, strides, strict=True))


def in_vectors(f: Function, axes: Sequence[Axis]) -> bool:
    """Whether the elements along the last axis are written, and read or shared, in vectors."""
    if not axes or f.unit > 1:
        return False
    n, out, strides = axes[-1]
    return n > 1 and out == 1 and all(s in (0, 1) for s in strides)


def narrow(n: int) -> int:
    """Return the width of the vectors for so many elements."""
    return min(WIDTH, 1 << (n - 1).bit_length())


def each(
    f: Function, sizes: Sequence[int], body: Callable[[list[Any]], None], lead: Sequence[Any] = ()
) -> None:
    """Run body(index) over all indices of the sizes, after those that lead."""
    if not sizes:
        body([*lead])
        return
    f.repeat(sizes[0], lambda i: each(f, sizes[1:], body, [*lead, i]))


def over_axes(
    f: Function, axes: Sequence[Axis], element: Callable[[list[Any], int], None], padded: bool
) -> None:
    """Run element(index, width) over all axes, the last one in vectors where its strides allow."""
    sizes = [n for n, _, _ in axes]
    if not in_vectors(f, axes):
        each(f, sizes, lambda index: element(index, f.unit))
        return
    n = sizes[-1]
    if padded and n <= WIDTH // 2:
        each(f, sizes[:-1], lambda index: element([*index, 0], narrow(n)))
        return
    whole = -(-n // WIDTH) * WIDTH if padded else n // WIDTH * WIDTH

    def last(index: list[Any]) -> None:
        f.repeat(whole, lambda i: element([*index, i], WIDTH), WIDTH)
        for i in range(whole, n):
            element([*index, i], 1)

    each(f, sizes[:-1], last)


def loaded_at(x: Strided, index: Sequence[Any], strides: Sequence[int], width: int) -> Scalar:
    """Return an element, or a vector of them, of an array with these strides."""
    along = bool(strides) and strides[-1] == 1
    return x.load(terms_of(index, strides), width if along else 1)


def write(body: Body, args: Sequence[Strided], out: Strided, whole: bool = False) -> None:
    """Write out[i] = body(args[i]) for all i; a whole array may be written to its last vector."""
    f = out.f
    if 0 in out.shape:
        return
    axes = axes_of(out, args)
    lists = [[strides[k] for _, _, strides in axes] for k in range(len(args))]
    to = [stride for _, stride, _ in axes]

    def element(index: list[Any], width: int) -> None:
        values = [loaded_at(a, index, s, width) for a, s in zip(args, lists, strict=True)]
        out.store(f.splat(body(*values), width), terms_of(index, to))

    over_axes(f, axes, element, padded=whole)


def strips(
    f: Function, count: int, n: int, body: Callable[[list[Any]], None], step: int = 1
) -> None:
    """Run body(indices) over 0, step, ... < count·step: n at a time, the rest at the end."""
    start = 0
    if count > 2 * n:
        start = count // n * n
        with f.loop(0, start * step, n * step) as loop:
            body([f.whole("add", loop.index, c * step) for c in range(n)])
    for first in range(start, count, n):
        body([i * step for i in range(first, min(first + n, count))])
