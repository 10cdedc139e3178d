"""Triangular equations of moderate size, by substitution in vectors of right-hand sides.

LAPACK takes microseconds for the smallest ones, and OpenBLAS wakes its threads for a few rows:
where other work has the cores, these wait for milliseconds.  Each kind of equations is one function
of the module.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from taylor.llvm.function import Function
from taylor.llvm.registers import Scalar
from taylor.machine.emit import Symbol, copied, empty
from taylor.machine.nests import narrow, strips

Index = int | str
MOST = 96  # rows of matrices for which this is faster than LAPACK
STRIPS = 4  # vectors of right-hand sides that are taken side by side


class Triangle(NamedTuple):
    """A triangle with rows `down` numbers apart, columns `along`; `unit`: its diagonal is 1."""

    n: int
    down: int
    along: int
    upper: bool
    unit: bool


def columns(b: Symbol) -> Symbol:
    """Return a copy of right-hand sides (..., n, m) in rows of whole vectors."""
    *batch, n, m = b.shape
    width = narrow(m)
    out = empty(b.f, (*batch, n, -(-m // width) * width))
    only: Symbol = out.view(b.shape, out.strides)
    copied(b, only)
    return only


def substitute(f: Function, t: Triangle, pointer: str, x: Symbol, place: str) -> None:
    """Write y with t y = x for a matrix of x, made by `columns`, in its place."""
    room = x.strides[-2]
    name = "triangle_" + "_".join(str(int(n)) for n in (*t, room))
    if name not in f.helpers:
        with f.function(name, dict.fromkeys(("%t", "%x"), "ptr")) as g:
            _over(g, room, lambda where, width: _write(g, t, room, where, width))
    f.run(name, [pointer, place], [])


def _write(g: Function, t: Triangle, room: int, where: list[Any], width: int) -> None:
    """Write the rows of y, in the order in which they follow, for some vectors of columns."""

    def entry(i: Index, j: Index) -> Scalar:
        return g.load(g.address("%t", [(i, t.down), (j, t.along)], 0))

    def places(i: Index) -> list[str]:
        return [g.address("%x", [(i, room), (c, 1)], 0) for c in where]

    def row(k: Index) -> None:
        i = _turned(g, t.n, k) if t.upper else k

        def less(j: Index, totals: list[Scalar]) -> list[Scalar]:
            factor = -g.splat(entry(i, j), width)
            known = [g.load(p, width) for p in places(j)]
            return [g.fma(factor, y, s) for y, s in zip(known, totals, strict=True)]

        totals = [g.load(p, width) for p in places(i)]
        if isinstance(i, int):  # few rows, which are written out
            for j in range(i + 1, t.n) if t.upper else range(i):
                totals = less(j, totals)
        else:
            start, stop = (g.whole("add", i, 1), t.n) if t.upper else (0, i)
            totals = g.fold(start, stop, totals, less, maybe=True)
        for total, p in zip(totals, places(i), strict=True):
            g.store(total if t.unit else total / entry(i, i), p)

    g.repeat(t.n, row)


def exchange(f: Function, pivots: str, step: int, backwards: bool, x: Symbol, place: str) -> None:
    """Exchange row after row of a matrix of x with those that the pivots say, or back again.

    The pivots are those of LAPACK, `step` words of 32 bits each.
    """
    n, room = x.shape[-2], x.strides[-2]
    name = "exchange_" + "_".join(str(int(k)) for k in (n, room, step, backwards))
    if name not in f.helpers:
        with f.function(name, dict.fromkeys(("%pivots", "%x"), "ptr")) as g:

            def one(k: Index) -> None:
                i = _turned(g, n, k) if backwards else k
                j = g.whole("sub", g.entry("%pivots", g.whole("mul", i, step)), 1)
                _over(g, room, lambda where, width: _swap(g, room, (i, j), where, width))

            g.repeat(n, one)
    f.run(name, [pivots, place], [])


def _swap(g: Function, room: int, rows: tuple[Any, Any], where: list[Any], width: int) -> None:
    for c in where:
        places = [g.address("%x", [(i, room), (c, 1)], 0) for i in rows]
        values = [g.load(p, width) for p in places]
        for value, p in zip(values, places[::-1], strict=True):
            g.store(value, p)


def _turned(g: Function, n: int, k: Index) -> Index:
    """Return the row that is as far from the last one as row k is from the first."""
    return n - 1 - k if isinstance(k, int) else g.whole("sub", n - 1, k)


def _over(g: Function, room: int, body: Any) -> None:
    """Run body(where vectors of columns begin, their width) over all columns."""
    width = narrow(room)
    strips(g, room // width, STRIPS, lambda where: body(where, width), width)
