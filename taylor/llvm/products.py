"""Products of multivariate series as machine code, by pairs of coefficients or in rows.

Pairs: out_r = Σ x[p]·y[q]; the pairs of monomials with the same product stand together, and
`starts` says where those of each product begin.

Rows, of a dense series, hold the coefficients of the monomials that differ in the last variable
only; a product is a sum of products of rows, each a short convolution in vectors, whose sums stay
in registers:

    z_{c,i}(t) = Σ_{a+b=c} Σ_{j<=i} x_{a,j}(t) y_{b,i-j}(t),

with a, b, c monomials of all variables but the last two, and i, j exponents of the last but one.
So the only pairs that are stored are those of a series in two variables fewer.  Before each row
stand zeros: what a shifted vector reads there.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.llvm.function import Function
from taylor.llvm.ir import Index
from taylor.llvm.registers import Scalar

Floats = NDArray[np.float64]
Indices = NDArray[np.integer]
WORTHWHILE = 200  # pairs below which NumPy's own way takes less time than the call
STEP, WIDTH = 4, 4  # terms of a sum or convolution at a time; numbers in a vector: rows are short
ZEROS = STEP + WIDTH  # before each row


# ------------------------------------------------------------------ the code
def _sums() -> str:
    """Write out_r = Σ x[p]·y[q], four sums side by side.

    The data: pointers to x, y, p, q, starts, out, and the number of sums.
    """
    f = Function()
    *pointers, n = _data(f, 6, 1)
    x, y, p, q, starts, out = pointers

    def added(i: Index, total: Scalar) -> Scalar:
        a, b = (f.load(f.address(z, [(f.entry(index, i), 1)], 0)) for z, index in ((x, p), (y, q)))
        return f.intrinsic("fma", a, b, total)

    def four(i: str, totals: list[Scalar]) -> list[Scalar]:
        return [added(f.whole("add", i, d), total) for d, total in enumerate(totals)]

    with f.loop(0, n, maybe=True) as row:
        start, stop = f.entry(starts, row.index), f.entry(starts, f.whole("add", row.index, 1))
        rest = f.whole("and", f.whole("sub", stop, start), STEP - 1)
        whole = f.whole("sub", stop, rest)
        zeros = [f.constant(0.0)] * STEP
        total = _added(f, f.fold(start, whole, zeros, four, STEP, maybe=True))
        (total,) = f.fold(whole, stop, [total], lambda i, t: [added(i, *t)], maybe=True)
        f.store(total, f.address(out, [(row.index, 1)], 0))
    return f.text()


def _convolutions() -> str:
    """Write the product of two tables in rows: four sums run through all loops side by side.

    The data: pointers to x, y, z, the places of rows, p, q, what is to be summed for each row, and
    the number of rows.
    """
    f = Function()
    *pointers, count = _data(f, 7, 1)
    x, y, z, rows, p, q, tasks = pointers
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

                    def term(t: str, totals: Sequence[Scalar]) -> list[Scalar]:
                        found = []
                        for d, total in enumerate(totals):
                            a = f.load(f.address(xs, [(t, 1)], d))
                            b = f.load(f.address(ys, [(t, -1)], -d), WIDTH)
                            found.append(f.intrinsic("fma", a, b, total))
                        return found

                    return f.fold(0, terms, totals, term, STEP)

                return f.fold(0, upto, totals, leaf)

            totals = f.fold(first, last, [f.constant(0.0, WIDTH)] * STEP, pair)
            f.store(_added(f, totals), f.address(z, [(place, 1), (v, 1)], 0))
    return f.text()


def _data(f: Function, pointers: int, numbers: int) -> list[str]:
    """Return what the data of a function say: some pointers, then whole numbers."""
    kinds = ["ptr"] * pointers + ["i64"] * numbers
    return [f.word(f.address("%data", [], i), kind) for i, kind in enumerate(kinds)]


def _added(f: Function, x: Sequence[Scalar]) -> Scalar:
    return f.binary("fadd", f.binary("fadd", *x[:2]), f.binary("fadd", *x[2:]))


def _run(name: str, write: Callable[[], str], *data: int) -> bool:
    """Run the code of a name with its data; whether there is any: not without llvmlite."""
    from taylor.llvm.jit import code_of  # slow to import, and not needed by small series

    code = code_of(name, write)
    if code is None:
        return False
    given = (ctypes.c_int64 * len(data))(*data)
    code.call(ctypes.addressof(given))
    return True


# ------------------------------------------------------------------ pairs
def usable(x: NDArray[np.generic], y: NDArray[np.generic], count: int) -> bool:
    """Whether `sums` can take these tables, and is worth it."""
    if count < WORTHWHILE or type(x) is not np.ndarray or type(y) is not np.ndarray:
        return False
    if x.dtype != np.float64 or y.dtype != np.float64 or x.ndim != 1 or y.ndim != 1:
        return False
    return x.flags.c_contiguous and y.flags.c_contiguous


class Pairs:
    """Which pairs make which sums: p and q in order, and where each sum begins, and the end."""

    def __init__(self, p: Indices, q: Indices, starts: Indices, weights: Floats) -> None:
        self.arrays = [np.ascontiguousarray(a, dtype=np.int32) for a in (p, q, starts)]
        self.pointers = [a.ctypes.data for a in self.arrays]
        self.weights = np.ascontiguousarray(weights, dtype=np.float64)  # for others than `sums`
        self.size = len(starts) - 1


def address(x: NDArray[Any]) -> int:
    """Return where the numbers of an array lie (x.ctypes.data takes four times as long)."""
    try:
        return ctypes.addressof(_BYTE.from_buffer(x))  # type: ignore[arg-type]
    except (TypeError, ValueError):  # read-only or empty
        return int(x.ctypes.data)


_BYTE = ctypes.c_char * 0


def sums(x: Floats, y: Floats, pairs: Pairs) -> Floats | None:
    """Return the sums of products of two contiguous float64 arrays; None without llvmlite."""
    out = np.empty(pairs.size)
    given = (address(x), address(y), *pairs.pointers, address(out), pairs.size)
    return out if _run("pairs", _sums, *given) else None


# ------------------------------------------------------------------ rows
class Blocks:
    """Where the coefficients of a dense series of some order lie in rows, and the pairs of rows.

    `exponents` are those of all monomials; p, q and starts say which pairs of the monomials
    `heads` of all variables but the last two have which product.
    """

    def __init__(
        self, exponents: Indices, heads: Indices, order: int, pairs: Sequence[Indices]
    ) -> None:
        p, q, starts = pairs
        degrees = heads.sum(1, dtype=np.int64)
        counts = order - degrees + 1  # of the rows of each head
        first = np.cumsum([0, *counts[:-1]])
        head = np.repeat(np.arange(len(heads)), counts)
        i = np.arange(len(head)) - first[head]
        length = counts[head] - i
        rows = np.cumsum(ZEROS + length) - length
        self.size = int(rows[-1] + length[-1]) + ZEROS
        base = np.array([(order + 1) ** m for m in range(heads.shape[1])], dtype=np.int64)
        codes = heads @ base
        by_code = np.argsort(codes)
        found = np.searchsorted(codes, exponents[:, :-2] @ base, sorter=by_code)
        self.places = rows[first[by_code[found]] + exponents[:, -2]] + exponents[:, -1]
        tasks = np.stack([starts[:-1][head], starts[1:][head], i, length], axis=1)
        arrays = (rows, first[p], first[q], tasks)
        self.arrays = [np.ascontiguousarray(a, dtype=np.int32) for a in arrays]
        self.numbers = [*(a.ctypes.data for a in self.arrays), len(rows)]

    def product(self, x: Floats, y: Floats) -> Floats | None:
        """Return the product of two float64 tables; None without llvmlite.

        Infinities and nan spread further than they should.
        """
        tables = np.zeros((3, self.size))
        tables[0, self.places] = x
        if x is not y:
            tables[1, self.places] = y
        start, step = tables.ctypes.data, 8 * self.size
        places = (start, start if x is y else start + step, start + 2 * step)
        if not _run("blocks", _convolutions, *places, *self.numbers):
            return None
        result: Floats = tables[2, self.places]
        return result
