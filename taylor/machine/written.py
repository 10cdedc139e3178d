"""Products of series written out, coefficient by coefficient, as functions of the module.

The coefficients of a table are rows of elements that lie side by side, so that a product of two of
them is one multiply-add of vectors.  A function goes through the elements a vector at a time; the
last vector begins where it ends with the row, and so does some elements again.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from taylor.core.algebra import Graded
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.registers import Scalar
from taylor.machine.emit import Symbol, empty
from taylor.machine.tables import Table

KEPT = 12  # coefficients of degree 1 that stay in registers
APART = 3  # sums of one row that are taken side by side
POINTERS = ("%x", "%y", "%z")
Rows = Callable[[int], Scalar | None]  # a vector of a coefficient; None: zero
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

    def sums(self, algebra: Graded, degrees: Degrees, x: Rows, y: Rows) -> list[Scalar | None]:
        """Return the coefficients of a part of the product of x and y."""
        p, q, starts, weights = (table.tolist() for table in algebra.lists(*degrees))
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
    count = len(algebra.lists(*degrees)[2]) - 1
    out = empty(f, (count, *x.part_shape))

    def body(s: Strip) -> None:
        for row, total in enumerate(s.sums(algebra, degrees, s.rows(0), s.rows(1))):
            s.write(row, total)

    name = f"product{'.'.join(str(int(n)) for n in degrees)}"
    _call(f, name, body, [x, y, out], math.prod(x.part_shape))
    return out


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
                found = s.sums(algebra, degrees, before, u)
                known.update({(m, span.start + r): v for r, v in enumerate(found)})
            for row in range(span.start, span.stop):
                if k <= top:
                    known[1, row] = u(row)
                powers = ((m, known.get((m, row))) for m in range(1, k + 1))
                s.write(row, s.combined([(local[m], v) for m, v in powers if v]))

    _call(f, f"composed{top}", body, [x, c, y], math.prod(x.part_shape))


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


def _call(
    f: Function, name: str, body: Callable[[Strip], None], tables: Sequence[Symbol], n: int
) -> None:
    """Call a function of the module that does body for all vectors of n elements."""
    lines, every = [x.strides[0] * f.unit for x in tables], n * f.unit
    width, name = min(WIDTH, every), ".".join(map(str, (name, n, *lines)))
    if name not in f.helpers:
        with f.function(name, dict.fromkeys(POINTERS, "ptr")) as g, g.loop(0, every, width) as loop:
            index = g.least(loop.index, every - width)
            body(Strip(g, index, width, lines))
    heads = [x.memory(0) if isinstance(x, Table) else x for x in tables]
    f.run(name, [f.address("%data", [], x.offset) for x in heads], [])
