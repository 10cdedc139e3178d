"""Rows on multivariate series of one number as machine code: the same step rules, part by part.

A part of degree k is an array of coefficients, and a sum of products goes through the pairs of
monomials of the algebra, whose addresses are given to the function with its data.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.algebra import CACHED_PAIRS, Monomials
from taylor.elementary import Elementary
from taylor.errors import TraceError
from taylor.expand import of_row
from taylor.jit import Code, key, load, save
from taylor.llvm.emit import Slot, Symbol, _broadcast, at, empty, lifted, nest
from taylor.llvm.ir import WIDTH, Function, Scalar
from taylor.llvm.kernels import QUOTIENTS
from taylor.llvm.machine import block
from taylor.llvm.series import Emission, Table
from taylor.program import Program

Array = Any
SMALLEST, LARGEST = 50, 20_000  # coefficients of a table between which compiling a row pays


class Parts(Table):
    """The coefficients of a multivariate series of the function being written, by degree."""

    def __init__(self, f: Function, size: int, place: int | None = None) -> None:
        slot: Any = None
        if place is None:
            slot = Slot(f, size + WIDTH)
            place = slot.start
        super().__init__(f, (size,), slot, place)

    def _zeros(self, shape: tuple[int, ...]) -> Any:
        return Parts(self.f, shape[0])

    def part(self, k: Any) -> Symbol:
        """Return the array of the coefficients of a slice, where it lies; or the first one."""
        if not isinstance(k, slice):
            return Symbol(self.f, (), None, self.slot, self.offset + k)
        shape = (k.stop - k.start,)
        return Symbol(self.f, shape, None, self.slot, self.offset + k.start, (1,))

    def __getitem__(self, k: Any) -> Any:
        part = self.part(k)
        return part if part.shape else Symbol(self.f, (), reg=at(part, []))

    def __setitem__(self, k: Any, value: Any) -> None:
        self.written = True
        part = self.part(k)
        nest(self.f, lambda v: v, [_broadcast(lifted(self.f, value), part.shape)], part)


class Pairs:
    """An algebra of monomials whose sums of products are loops in the function being written."""

    def __init__(self, algebra: Monomials, f: Function) -> None:
        self.order, self.size = algebra.order, algebra.size
        self.part, self.degrees = algebra.part, algebra.degrees
        self.f = f
        self.pointers = f.allocate(3 * (algebra.order + 1))

    def interior(self, k: int, x: Any, y: Any, hx: int, hy: int) -> Any:
        """Return the part of degree k of the product, without the terms with x_0 and y_0."""
        if k < 2:
            return None
        f, span = self.f, self.part(k)
        out = empty(f, (span.stop - span.start,))
        p, q, starts = (
            f.put(f"load ptr, ptr {f.address('%data', [], self.pointers + 3 * k + i)}")
            for i in range(3)
        )

        def entry(table: str, i: str) -> str:
            pointer = f.put(f"getelementptr inbounds i32, ptr {table}, i64 {i}")
            short = f.put(f"load i32, ptr {pointer}, align 4")
            return f.put(f"sext i32 {short} to i64")

        with f.loop(0, span.stop - span.start) as rows:
            following = f.put(f"add nsw i64 {rows.index}, 1")
            first, stop = entry(starts, rows.index), entry(starts, following)
            with f.loop(first, stop, 2, maybe=True) as loop:
                sums = [loop.carry(f.constant(0.0)) for _ in range(2)]
                second = f.put(f"add nsw i64 {loop.index}, 1")
                inside = f.put(f"icmp slt i64 {second}, {stop}")
                other = f.put(f"select i1 {inside}, i64 {second}, i64 {loop.index}")
                for total, i in zip(sums, (loop.index, other), strict=True):
                    a = f.load(f.address("%data", [(entry(p, i), 1)], x.offset))
                    b = f.load(f.address("%data", [(entry(q, i), 1)], y.offset))
                    if i is other:
                        a = Scalar(f.put(f"select i1 {inside}, double {a.text}, double 0.0"))
                        b = Scalar(f.put(f"select i1 {inside}, double {b.text}, double 0.0"))
                    loop.update(total, f.intrinsic("fma", a, b, total))
            value = f.binary("fadd", *(loop.result(total) for total in sums))
            f.store(value, f.address("%data", [(rows.index, 1)], out.offset))
        return out


class Row:
    """A row (or a quotient) on the series of one algebra of monomials."""

    pointers: int  # where the addresses of the pairs lie in memory
    places: list[int]  # of the tables and of the constants
    result: int
    flag: int  # of Σ 0·y
    size: int
    code: Code

    def __init__(self, row: Elementary | str, live: tuple[bool, ...], algebra: Monomials) -> None:
        self.algebra, self.live = algebra, live
        name = key("monomials", row, live, algebra.name, algebra.variables, algebra.order)
        kept = load(name)
        if kept is None:
            program = of_row(row, live) if isinstance(row, Elementary) else QUOTIENTS[live]
            self._write(program, algebra)
            places = (self.pointers, self.places, self.result, self.flag, self.size)
            save(name, places, self.code.object)
        else:
            (self.pointers, self.places, self.result, self.flag, self.size), code = kept
            self.code = Code(None, code)
        tables = [algebra.compiled_pairs(k, 1, k - 1) for k in range(2, algebra.order + 1)]
        self.addresses = np.array([0] * 6 + [a for t in tables for a in t.pointers], np.int64)
        self.tables = tables  # keeps what the addresses point to
        self.local = threading.local()

    def _write(self, program: Program, algebra: Monomials) -> None:
        f = Function()
        pairs = Pairs(algebra, f)
        self.pointers = pairs.pointers
        room = [algebra.size + WIDTH if live else 1 for live in self.live]
        self.places, self.result = [f.allocate(n) for n in room], f.allocate(algebra.size)
        self.flag = f.allocate(1)
        given = list(zip(self.places, self.live, strict=True))
        tables = [Parts(f, algebra.size, place) for place, live in given if live]
        constants = [
            Symbol(f, (), reg=f.load(f.address("%data", [], place)))
            for place, live in given
            if not live
        ]
        heights = [algebra.order] * len(tables)
        sweep = Emission(f, program, algebra.order, tables, heights, constants, pairs)
        for k in range(algebra.order + 1):
            for step in sweep.steps:
                step(k)
        y = sweep.table[program.outputs[0]]
        shape = (algebra.size,)
        whole = Symbol(f, shape, None, y.slot, y.offset, (1,))
        nest(f, lambda v: v, [whole], Symbol(f, shape, None, None, self.result, (1,)))
        f.store(at((whole * 0.0).sum(), []), f.address("%data", [], self.flag))
        self.size = f.size + WIDTH
        self.code = Code(f.text())

    def __call__(self, given: Sequence[Any]) -> Array | None:
        """Return the table of the row, or None where it is not finite."""
        try:
            data = self.local.memory
        except AttributeError:
            data = block(self.size)
            into = data[self.pointers : self.pointers + len(self.addresses)]
            into.view(np.int64)[:] = self.addresses
            self.local.memory = data
        size = self.algebra.size
        for place, x, live in zip(self.places, given, self.live, strict=True):
            data[place : place + (size if live else 1)] = x
        self.code.call(ctypes.c_void_p(data.ctypes.data))
        if data[self.flag] != 0.0:
            return None
        return data[self.result : self.result + size].copy()


@functools.lru_cache(maxsize=512)
def _row(row: Elementary | str, live: tuple[bool, ...], algebra: Monomials) -> Row | None:
    try:
        return Row(row, live, algebra)
    except (TraceError, ImportError, OSError):
        return None


def run(
    row: Elementary | str, live: tuple[bool, ...], algebra: Monomials, given: Sequence[Any]
) -> Array | None:
    """Return the table of a row (or "div") at float64 tables and floats, as `kernels.run`."""
    if isinstance(row, Elementary) and row.quotient is None:
        return None
    if not SMALLEST <= algebra.size <= LARGEST:
        return None
    if algebra.order < 2 or algebra.count > CACHED_PAIRS:
        return None
    for x, is_table in zip(given, live, strict=True):
        if is_table and (type(x) is not np.ndarray or x.ndim != 1 or x.dtype != np.float64):
            return None
        if not is_table and type(x) not in (float, int):
            return None
    compiled = _row(row, live, algebra)
    return None if compiled is None else compiled(given)


def one(row: Elementary, algebra: Monomials, x: Array) -> Array | None:
    """Return the table of a row of one argument at a float64 table, as `run`."""
    table = run(row, (True,), algebra, [x])
    if table is not None:
        table[0] = row.numpy(x[0])
    return table
