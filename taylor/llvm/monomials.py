"""Rows on multivariate series of one number as machine code: the same step rules, part by part.

A part of degree k is an array of coefficients, and a sum of products goes through the pairs of
monomials of the algebra, whose addresses are given to the function with its data.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from typing import Any

import numpy as np

from taylor.algebra import CACHED_PAIRS, Monomials
from taylor.elementary import Elementary
from taylor.errors import TraceError
from taylor.expand import of_row
from taylor.jit import Code, key, load, save
from taylor.llvm.emit import Slot, Symbol, _broadcast, at, empty, lifted, nest
from taylor.llvm.ir import WIDTH, Function, Scalar
from taylor.llvm.series import Emission, Table

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
    """A row of one argument on the series of one algebra of monomials."""

    pointers: int  # where the addresses of the pairs lie in memory
    place: int  # of the argument
    result: int
    flag: int  # of Σ 0·y
    size: int
    code: Code

    def __init__(self, row: Elementary, algebra: Monomials) -> None:
        self.algebra = algebra
        name = key("monomials", row, algebra.name, algebra.variables, algebra.order)
        kept = load(name)
        if kept is None:
            self._write(row, algebra)
            places = (self.pointers, self.place, self.result, self.flag, self.size)
            save(name, places, self.code.object)
        else:
            (self.pointers, self.place, self.result, self.flag, self.size), code = kept
            self.code = Code(None, code)
        tables = [algebra.compiled_pairs(k, 1, k - 1) for k in range(2, algebra.order + 1)]
        self.addresses = np.array([0] * 6 + [a for t in tables for a in t.pointers], np.int64)
        self.tables = tables  # keeps what the addresses point to
        self.local = threading.local()

    def _write(self, row: Elementary, algebra: Monomials) -> None:
        f = Function()
        pairs = Pairs(algebra, f)
        self.pointers = pairs.pointers
        self.place, self.result = f.allocate(algebra.size + WIDTH), f.allocate(algebra.size)
        self.flag = f.allocate(1)
        program = of_row(row, (True,))
        x = Parts(f, algebra.size, self.place)
        sweep = Emission(f, program, algebra.order, [x], [algebra.order], (), pairs)
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

    def __call__(self, x: Array) -> Array | None:
        """Return the table of the row, or None where it is not finite."""
        try:
            data, _ = self.local.memory
        except AttributeError:
            raw = np.zeros(self.size + WIDTH)
            start = (-raw.ctypes.data // 8) % WIDTH
            data = raw[start : start + self.size]
            into = data[self.pointers : self.pointers + len(self.addresses)]
            into.view(np.int64)[:] = self.addresses
            self.local.memory = (data, raw)
        data[self.place : self.place + len(x)] = x
        self.code.call(ctypes.c_void_p(data.ctypes.data))
        if data[self.flag] != 0.0:
            return None
        return data[self.result : self.result + len(x)].copy()


@functools.lru_cache(maxsize=512)
def _row(row: Elementary, algebra: Monomials) -> Row | None:
    try:
        return Row(row, algebra)
    except (TraceError, ImportError, OSError):
        return None


def one(row: Elementary, algebra: Monomials, x: Array) -> Array | None:
    """Return the table of a row at a float64 table, or None for the ordinary way."""
    if row.quotient is None or not SMALLEST <= algebra.size <= LARGEST:
        return None
    if algebra.order < 2 or algebra.count > CACHED_PAIRS:
        return None
    compiled = _row(row, algebra)
    table = None if compiled is None else compiled(x)
    if table is not None:
        table[0] = row.numpy(x[0])
    return table
