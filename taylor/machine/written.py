"""Products of series written out, coefficient by coefficient, as functions of the module.

The coefficients of a table are rows of elements that lie side by side, so that a product of two of
them is one multiply-add of vectors.  A function goes through the elements a vector at a time; the
last vector begins where it ends with the row, and so does some elements again.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from taylor.core.bilinear import Bilinear
from taylor.core.graded import Graded
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.registers import Scalar
from taylor.machine.emit import WRITTEN, Symbol, empty, in_memory, lifted
from taylor.machine.tables import Table
from taylor.numbers.kinds import Array

KEPT = 12  # coefficients of degree 1 that stay in registers
APART = 3  # sums of one row that are taken side by side
# products that are written out, one by one, of long rows and of short ones; of more a table is made
ONE_BY_ONE, NARROW, LONG = 200, 512, 2 * WIDTH
VECTORS = 8  # of a row that are taken at a time
POINTERS = ("%x", "%y", "%z")
Rows = Callable[[int], Scalar | None]  # a vector of a coefficient; None: zero
# writes all elements of tables, given how many there are, the width of a vector, and the distances
# of coefficients
Write = Callable[[Function, int, int, Sequence[int]], None]
Degrees = tuple[int, int, int, bool]  # those of `Graded.lists`


class Strip:
    """A vector of elements of three tables, whose coefficients lie `lines` apart."""

    def __init__(self, g: Function, index: str, width: int, lines: Sequence[int]) -> None:
        self.g, self.index, self.width, self.lines = g, index, width, lines

    def _place(self, table: int, row: int) -> str:
        return self.g.address(POINTERS[table], [(self.index, 1)], row * self.lines[table])

    def read(self, table: int, row: int) -> Scalar:
        """Return a coefficient.  Each use reads it again: registers are few."""
        return self.g.load(self._place(table, row), self.width)

    def rows(self, table: int, kept: Sequence[int] = ()) -> Rows:
        """Return the coefficients of a table; those that are kept are read once."""
        known = {row: self.read(table, row) for row in kept}
        return lambda row: known[row] if row in known else self.read(table, row)

    def write(self, row: int, x: Scalar | None) -> None:
        """Write a coefficient of the last table; None: zero."""
        g = self.g
        x = g.constant(0.0, self.width) if x is None else g.splat(x, self.width)
        g.store(x, self._place(len(POINTERS) - 1, row))

    def sums(self, lists: Sequence[Array], x: Rows, y: Rows) -> list[Scalar | None]:
        """Return Σ weights·x[p]·y[q] of the lists (p, q, starts, weights): see `Graded.lists`."""
        p, q, starts, weights = (table.tolist() for table in lists)
        found: list[Scalar | None] = []
        for first, stop in itertools.pairwise(starts):
            terms = defaultdict[float, list[tuple[Scalar, Scalar]]](list)
            for t in range(first, stop):
                left, right = x(p[t]), y(q[t])
                if left and right:
                    terms[weights[t] if weights else 1.0].append((left, right))
            each = [(self._weight(w), self._sum(pairs)) for w, pairs in terms.items()]
            found.append(self.combined(each))
        return found

    def _weight(self, w: float) -> Scalar | None:
        return None if w == 1.0 else self.g.constant(w, self.width)

    def _sum(self, pairs: Sequence[tuple[Scalar, Scalar]]) -> Scalar:
        """Return Σ x·y, some sums side by side."""
        g, sums = self.g, list[Scalar]()
        for n, (x, y) in enumerate(pairs):
            if n < APART:
                sums.append(g.binary("fmul", x, y))
            else:
                sums[n % APART] = g.fma(x, y, sums[n % APART])
        while len(sums) > 1:
            sums = [g.binary("fadd", *sums[:2]), *sums[2:]]
        return sums[0]

    def combined(self, terms: Sequence[tuple[Scalar | None, Scalar]]) -> Scalar | None:
        """Return Σ c·x, with one for None; None for no term."""
        g, total = self.g, None
        for c, x in terms:
            if total is None:
                total = x if c is None else g.binary("fmul", x, c)
            else:
                total = g.binary("fadd", x, total) if c is None else g.fma(x, c, total)
        return total


def product(f: Function, algebra: Graded, degrees: Degrees, x: Table, y: Table) -> Symbol:
    """Return a part of the product of two tables of arrays of one shape."""
    lists = algebra.lists(*degrees)
    out = empty(f, (len(lists[2]) - 1, *x.part_shape))
    name = f"product{'.'.join(str(int(n)) for n in degrees)}"
    _call(f, name, _by_strips(_multiplied(lists)), [x, y, out], math.prod(x.part_shape))
    return out


def _multiplied(lists: Sequence[Array]) -> Callable[[Strip], None]:
    def body(s: Strip) -> None:
        for row, total in enumerate(s.sums(lists, s.rows(0), s.rows(1))):
            s.write(row, total)

    return body


def paired(first: Symbol, op: Bilinear, args: Sequence[Any]) -> Any:
    """Return the sums of products of rows of two arrays."""
    f = first.f
    x, y = (lifted(f, v) for v in args)
    if x.complex or y.complex:
        return op.written_out(x, y)
    x, y = in_memory(f, x), in_memory(f, y)
    out = empty(f, op.shape([x.shape, y.shape]))
    lists, n = op.pairs.lists(len(out)), math.prod(out.shape[1:])
    content = hashlib.sha256(b"".join(v.tobytes() for v in lists)).hexdigest()[:16]
    few = len(lists[0]) <= (ONE_BY_ONE if n * f.unit >= LONG else NARROW)
    write = _by_strips(_multiplied(lists)) if few else functools.partial(_listed, lists)
    _call(f, f"bilinear.{content}", write, [x, y, out], n)
    return out


WRITTEN[Bilinear] = paired


def composition(f: Function, algebra: Graded, top: int, x: Table, c: Symbol, y: Table) -> None:
    """Write y = Σ c_m u^m, u = x - x_0, for an x that ends at degree `top`."""

    def body(s: Strip) -> None:
        known: dict[tuple[int, int], Scalar | None] = {}  # by m and row, of u^m
        u = s.rows(0, range(1, 1 + algebra.variables)[:KEPT])
        local = [s.read(1, m) for m in range(algebra.order + 1)]
        s.write(0, local[0])
        for k in range(1, algebra.order + 1):
            span = algebra.part(k)
            for m, degrees in _powers(k, top):
                before = u if m == 2 else functools.partial(_of_power, known, m - 1)
                found = s.sums(algebra.lists(*degrees), before, u)
                known.update({(m, span.start + r): v for r, v in enumerate(found)})
            for row in range(span.start, span.stop):
                if k <= top:
                    known[1, row] = u(row)
                powers = ((m, known.get((m, row))) for m in range(1, k + 1))
                s.write(row, s.combined([(local[m], v) for m, v in powers if v]))

    _call(f, f"composed{top}", _by_strips(body), [x, c, y], math.prod(x.part_shape))


def _of_power(known: dict[tuple[int, int], Scalar | None], m: int, row: int) -> Scalar | None:
    return known[m, row]


def _powers(k: int, top: int) -> Iterator[tuple[int, Degrees]]:
    """Yield the m of the powers u^m that have a part of degree k, and the degrees of its products.

    [u^m]_k = Σ_j [u^(m-1)]_j u_{k-j} over m - 1 <= j < k, k - j <= top.
    """
    for m in range(2, k + 1):
        lo, hi = max(m - 1, k - top), min((m - 1) * top, k - 1)
        if lo <= hi:
            yield m, (k, lo, hi, m == 2)


def count(algebra: Graded, top: int) -> int:
    """Return how many products of coefficients a composition takes."""
    degrees = (d for k in range(2, algebra.order + 1) for _, d in _powers(k, top))
    return sum(len(algebra.lists(*d)[0]) for d in degrees)


def _by_strips(body: Callable[[Strip], None]) -> Write:
    """Return what does body for all vectors of elements."""

    def write(g: Function, every: int, width: int, lines: Sequence[int]) -> None:
        with g.loop(0, every, width) as loop:
            body(Strip(g, g.least(loop.index, every - width), width, lines))

    return write


def _listed(
    lists: Sequence[Array], g: Function, every: int, width: int, lines: Sequence[int]
) -> None:
    """Write a loop over products that stand in tables, some vectors of elements at a time."""
    p, q, starts = (g.table(table, "i32") for table in lists[:3])
    weights = g.table(lists[3], "double") if len(lists[3]) else None
    count = min(VECTORS, -(-every // width))
    with g.loop(0, len(lists[2]) - 1) as row, g.loop(0, every, count * width) as strip:
        first, stop = g.entry(starts, row.index), g.entry(starts, g.whole("add", row.index, 1))
        places = [
            g.least(g.whole("add", strip.index, k * width), every - width) for k in range(count)
        ]

        def added(t: str, totals: list[Scalar]) -> list[Scalar]:
            left, right = (
                [
                    g.load(g.address(x, [(g.entry(table, t), line), (i, 1)], 0), width)
                    for i in places
                ]
                for x, table, line in zip(POINTERS, (p, q), lines, strict=False)
            )
            if weights is not None:
                w = g.splat(g.load(g.address(weights, [(t, 1)], 0)), width)
                left = [g.binary("fmul", x, w) for x in left]
            return [g.fma(x, y, z) for x, y, z in zip(left, right, totals, strict=True)]

        zeros = [g.constant(0.0, width)] * count
        totals = g.fold(first, stop, zeros, added, maybe=True)
        for i, total in zip(places, totals, strict=True):
            g.store(total, g.address(POINTERS[2], [(row.index, lines[2]), (i, 1)], 0))


def _call(f: Function, name: str, write: Write, tables: Sequence[Symbol], n: int) -> None:
    """Call a function of the module that is written for tables of n elements a coefficient."""
    lines, every = [x.strides[0] * f.unit for x in tables], n * f.unit
    name = ".".join(map(str, (name, n, *lines)))
    if name not in f.helpers:
        with f.function(name, dict.fromkeys(POINTERS, "ptr")) as g:
            write(g, every, min(WIDTH, every), lines)
    heads = [x.memory(0) if isinstance(x, Table) else x for x in tables]
    f.run(name, [f.address("%data", [], x.offset) for x in heads], [])
