"""Operations on two series of one number, by one code for tables of any length.

Python calls the code at once (see `llvm.entry`), so that sums and products of low order cost little
more than the objects they make.  The block of memory for tables of n numbers: n, flags, x, y and
the result, in whole vectors, with zeros before each of them: what a shifted vector reads there.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.llvm.entry import Entry, Value, nothing
from taylor.llvm.function import Function
from taylor.llvm.jit import Code, made
from taylor.llvm.registers import Scalar

Floats = NDArray[np.float64]
Operation = Callable[[Floats, Floats | float], Floats | None]
STEP, WIDTH = 4, 4  # terms of a convolution at a time; numbers in a vector: rows are short
ZEROS = STEP + WIDTH  # before each table or row
BY_NUMBER = ("fmul", "fdiv")  # whose second operand is a number
FLAGS, HEAD = 1, 8  # places in the block: of flags, and where the tables begin
LARGE = 16  # numbers of a table from which it is longer than others
SHORT = 64  # numbers of a table up to which NumPy multiplies all pairs at once
PATIENCE = 100  # times NumPy is asked before code is loaded, which takes as long as 10⁴ operations


def convolved(
    f: Function, x: str, y: str, terms: str, totals: Sequence[Scalar], fused: bool = True
) -> list[Scalar]:
    """Add x_t·(y_{-t}, y_{1-t}, ...) to the totals, 0 <= t < terms, in whole steps.

    Products are rounded before they are added, unless `fused`.
    """

    def term(t: str, totals: Sequence[Scalar]) -> list[Scalar]:
        found = []
        for d, total in enumerate(totals):
            a = f.load(f.address(x, [(t, 1)], d))
            b = f.load(f.address(y, [(t, -1)], -d), WIDTH)
            apart = None if fused else f.binary("fmul", a, b)
            found.append(f.fma(a, b, total) if apart is None else f.binary("fadd", total, apart))
        return found

    return f.fold(0, terms, totals, term, STEP)


def summed(f: Function, totals: Sequence[Scalar]) -> Scalar:
    """Return the sum of the totals of a convolution."""
    halves = (f.binary("fadd", *totals[:2]), f.binary("fadd", *totals[2:]))
    return f.binary("fadd", *halves)


def _written(name: str) -> str:
    """Write fadd or fsub of two tables, fmul or fdiv of one and a number, or the product."""
    f = Function()
    n = f.word("%data", "i64")
    step = f.whole("add", f.whole("and", f.whole("add", n, ZEROS - 1), -ZEROS), ZEROS)
    x = f.address("%data", [], HEAD + ZEROS)
    y, z = (f.address(x, [(step, k)], 0) for k in (1, 2))
    zero = f.constant(0.0, WIDTH)

    def part(v: str, lost: list[Scalar]) -> list[Scalar]:
        there, to = (f.address(table, [(v, 1)], 0) for table in (y, z))
        if name == "product":
            terms = f.least(n, f.whole("add", v, WIDTH))
            found = summed(f, convolved(f, x, there, terms, [zero] * STEP, fused=False))
            f.store(found, to)
            return [f.intrinsic("fma", found, zero, lost[0])]
        other = f.splat(f.load(y), WIDTH) if name in BY_NUMBER else f.load(there, WIDTH)
        f.store(f.binary(name, f.load(f.address(x, [(v, 1)], 0), WIDTH), other), to)
        return lost

    (lost,) = f.fold(0, n, [zero], part, WIDTH)
    f.store(f.total(lost), f.address("%data", [], FLAGS + 1))
    return f.text()


def operation(name: str, n: int) -> Operation:
    """Return the operation on tables of n numbers; it returns None where it has no code."""
    try:
        code = made(lambda: ((), Code(_written(name))), "pair", name, ())[1]
    except (ImportError, OSError):
        return product if name == "product" else nothing
    code.final()
    step = ZEROS * math.ceil(n / ZEROS) + ZEROS
    data = np.zeros(HEAD + 3 * step)
    data[:1].view(np.int64)[0] = n
    x, y, z = (HEAD + ZEROS + k * step for k in range(3))
    entry, shape = Entry(), () if name in BY_NUMBER else (n,)
    given = [Value((x,), (n,)), Value((y,), shape)]
    entry.add(name, code, data, FLAGS, given, [Value((z,), (n,))], False, False)
    return entry.call


class Pairs:
    """An operation on tables of n float64; `call` returns None where the ordinary way is taken.

    A product that is not finite has none.
    """

    def __init__(self, name: str, n: int) -> None:
        self.given, self.asked = (name, n), 0
        self.call: Operation = self._ask

    def _ask(self, x: Any, y: Any) -> Floats | None:
        name, n = self.given
        self.asked += 1 + n // LARGE
        if self.asked >= PATIENCE:
            self.call = operation(name, n)
        return product(x, y) if name == "product" else None


def product(x: Any, y: Any) -> Floats | None:
    """Return the product by NumPy, to the last bit as by machine code.

    None if it is not finite, or not of float64.

    >>> product(np.array([1.0, 1.0, 0.0]), np.array([1.0, 2.0, 3.0]))
    array([1., 3., 5.])
    """
    if not (
        type(x) is np.ndarray is type(y) and x.dtype == y.dtype == float and x.ndim == y.ndim == 1
    ):
        return None
    n = len(x)
    with np.errstate(all="ignore"):
        if n <= SHORT:
            shown = np.zeros(2 * n + STEP)  # the end of y, before it zeros
            left, shown[n + STEP :] = np.zeros(-(-n // STEP) * STEP), y
            left[:n] = x
            terms = left.reshape(-1, STEP, 1) * shown[_places(n)]
            totals = np.add.reduce(terms, axis=0, initial=0.0)
        else:
            totals = np.zeros((STEP, n))
            for t in range(n):
                totals[t % STEP, t:] += x[t] * y[: n - t]
        a, b, c, d = totals
        z: Floats = (a + b) + (c + d)
        return z if math.isfinite(np.add.reduce(z)) else None


@functools.lru_cache(maxsize=SHORT)
def _places(n: int) -> NDArray[np.int64]:
    """Return n + STEP + k - t, of terms t in steps and coefficients k."""
    t = np.arange(-(-n // STEP) * STEP).reshape(-1, STEP, 1)
    return n + STEP + np.arange(n) - t


def _of(name: str) -> Callable[[int], Pairs]:
    return functools.lru_cache(maxsize=256)(functools.partial(Pairs, name))


added, subtracted, scaled, divided = map(_of, ("fadd", "fsub", "fmul", "fdiv"))
multiplied = _of("product")
