"""Products of dense multivariate series as machine code, in rows of coefficients.

A row holds the coefficients of the monomials that differ in the last variable only; a product is a
sum of products of rows, each a short convolution in vectors, whose sums stay in registers:

    z_{c,i}(t) = Σ_{a+b=c} Σ_{j<=i} x_{a,j}(t) y_{b,i-j}(t),

with a, b, c monomials of all variables but the last two, and i, j exponents of the last but one.
So the only pairs that are stored are those of a series in two variables fewer.  Before each row
stand zeros: what a shifted vector reads there.
"""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taylor.core.algebra import Algebra
from taylor.core.graded import CACHED_PAIRS, Monomials, multivariate
from taylor.llvm.function import Function
from taylor.llvm.jit import Code, made
from taylor.llvm.registers import Scalar
from taylor.machine.pairs import STEP, WIDTH, ZEROS, convolved, summed

Floats = NDArray[np.float64]
LARGE, LONG = 20_000, 7  # products of coefficients, in all and for two rows, that rows pay for


def _convolutions() -> str:
    """Write the product of two tables in rows: four sums run through all loops side by side.

    The data: pointers to x, y, z, the places of rows, p, q, what is to be summed for each row, and
    the number of rows.
    """
    f = Function()
    x, y, z, rows, p, q, tasks, count = (
        f.word(f.address("%data", [], i), kind) for i, kind in enumerate(["ptr"] * 7 + ["i64"])
    )
    with f.loop(0, count) as row:
        task = f.whole("mul", row.index, 4)
        first, last, i, length = (f.entry(tasks, f.whole("add", task, n)) for n in range(4))
        place = f.entry(rows, row.index)
        upto = f.whole("add", i, 1)
        with f.loop(0, length, WIDTH) as part:
            v = part.index
            terms = f.least(length, f.whole("add", v, WIDTH))

            def pair(n: str, totals: Sequence[Scalar]) -> list[Scalar]:
                left, right = f.entry(p, n), f.whole("add", f.entry(q, n), i)

                def leaf(j: str, totals: Sequence[Scalar]) -> list[Scalar]:
                    xs = f.address(x, [(f.entry(rows, f.whole("add", left, j)), 1)], 0)
                    there = f.entry(rows, f.whole("sub", right, j))
                    ys = f.address(y, [(there, 1), (v, 1)], 0)
                    return convolved(f, xs, ys, terms, totals)

                return f.fold(0, upto, totals, leaf)

            sums = f.fold(first, last, [f.constant(0.0, WIDTH)] * STEP, pair)
            f.store(summed(f, sums), f.address(z, [(place, 1), (v, 1)], 0))
    return f.text()


class Rows:
    """Where the coefficients of a dense series lie in rows, and the pairs of rows."""

    def __init__(self, algebra: Monomials) -> None:
        self.code = made(lambda: ((), Code(_convolutions())), "rows", ())[1]
        order, exponents = algebra.order, algebra.exponents
        heads = multivariate(algebra.variables - 2, order)
        p, q, starts, _ = heads.lists(-1, 0, 0)  # of the variables but the last two
        counts = order - heads.degrees + 1  # of the rows of each head
        first = np.cumsum([0, *counts[:-1]])
        head = np.repeat(np.arange(heads.size), counts)
        i = np.arange(len(head)) - first[head]
        length = counts[head] - i
        rows = np.cumsum(ZEROS + length) - length
        self.size = int(rows[-1] + length[-1]) + ZEROS
        self.places = rows[first[heads.places(exponents[:, :-2])] + exponents[:, -2]]
        self.places += exponents[:, -1]
        tasks = np.stack([starts[:-1][head], starts[1:][head], i, length], axis=1)
        arrays = (rows, first[p], first[q], tasks)
        self.arrays = [np.ascontiguousarray(a, dtype=np.int32) for a in arrays]
        self.numbers = [*(a.ctypes.data for a in self.arrays), len(rows)]

    def product(self, x: Floats, y: Floats) -> Floats | None:
        """Return the product of two tables; None where it is not finite.

        Infinities and nan spread further than they should.
        """
        tables = np.zeros((3, self.size))
        tables[0, self.places] = x
        if x is not y:
            tables[1, self.places] = y
        start, step = tables.ctypes.data, 8 * self.size
        places = (start, start if x is y else start + step, start + 2 * step)
        data = (ctypes.c_int64 * 8)(*places, *self.numbers)
        self.code.call(ctypes.addressof(data))
        z: Floats = tables[2, self.places]
        return z if math.isfinite(np.add.reduce(z)) else None


@functools.lru_cache(maxsize=64)
def rows_of(algebra: Algebra) -> Rows | None:
    """Return the rows of a product; None where pairs are better, and without llvmlite."""
    n, order = algebra.variables, algebra.order
    if not isinstance(algebra, Monomials) or algebra.name != "multivariate" or n < 2:
        return None
    per_row = algebra.count // math.comb(2 * n - 2 + order, order)  # products of two rows
    many = algebra.count > CACHED_PAIRS
    if algebra.count < LARGE or (per_row < LONG and not many):
        return None
    if math.comb(2 * n - 4 + order, order) > CACHED_PAIRS:
        return None
    try:
        return Rows(algebra)
    except (ImportError, OSError):
        return None
