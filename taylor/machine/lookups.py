"""Rows of tables by binary search, without branches, one number after the other."""

from __future__ import annotations

import math
from typing import Any

from taylor.core.lookups import Lookup
from taylor.llvm.function import Function
from taylor.llvm.ir import Index
from taylor.llvm.registers import Scalar
from taylor.machine.nests import Slot, Strided, c_strides, each, terms_of


def place(f: Function, op: Lookup, x: Scalar) -> Index:
    """Return how many knots are not above a number, or below it."""
    knots = op.knots.tolist()
    bits = len(knots).bit_length()
    name = f.table(knots + [math.nan] * (2**bits - 1 - len(knots)), "double")
    found: Index = 0
    for b in range(bits - 1, -1, -1):
        further = f.whole("add", found, 2**b)
        knot = f.load(f.address(name, [(further, 1)], -1), 1)
        found = f.choose(x >= knot if op.side == "right" else x > knot, further, found)
    return found


def write(op: Lookup, x: Strided, table: Strided, out: Strided) -> None:
    """Write the rows of a table that belong to x into an array."""
    f, axes = x.f, len(x.shape)
    to = c_strides(out.shape)

    def rows(index: list[Any]) -> None:
        value = x.load(terms_of(index, x.strides))
        start = terms_of(index, to[:axes])
        if f.unit == 1:
            i = f.once(("place", op, value.text), lambda: place(f, op, value))
            row(start, i, None)
            return
        slot = Slot(f, 1)
        pointer = f.address("%data", [], slot.start)
        f.store(value, pointer)
        with f.loop(0, f.unit) as loop:
            lane = f.load(f.address(pointer, [(loop.index, 1)], 0), 1)
            row(start, place(f, op, lane), loop.index)

    def row(start: list[Any], i: Index, lane: Index | None) -> None:
        """Write row i of the table, or of one lane of it, from a place on."""

        def element(index: list[Any]) -> None:
            terms = [*start, *terms_of(index, to[axes:])]
            where = [(i, table.strides[0]), *terms_of(index, table.strides[1:])]
            if lane is None:
                out.store(table.load(where), terms)
                return
            into = f.address("%data", terms, out.offset)
            for n, part in enumerate(_lane(table, where, lane)):
                plane = out.plane * n
                f.write_word(part.text, f.address(into, [(lane, 1)], plane), "double")

        each(f, table.shape[1:], element)

    each(f, x.shape, rows)


def _lane(table: Strided, where: list[Any], lane: Index) -> list[Scalar]:
    """Return the number, or its two parts, of one lane at a place of a table."""
    f = table.f
    if table.reg is not None:  # equal numbers, which the same place holds for all lanes
        slot = Slot(f, len(table.reg.parts))
        found = []
        for n, part in enumerate(table.reg.parts):
            f.store(part, f.address("%data", [], slot.start + n))
            pointer = f.address("%data", [], slot.start + n)
            found.append(f.load(f.address(pointer, [(lane, 1)], 0), 1))
        return found
    pointer = f.address(table.base, [*table.lead, *where], table.offset)
    planes = [0, table.plane][: 1 + table.complex]
    own = [(lane, 1)] if table.base == "%data" else []
    return [f.load(f.address(pointer, own, p), 1) for p in planes]
