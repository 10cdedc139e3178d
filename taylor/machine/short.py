"""Products of two tables of few lanes, from all pairs of coefficients, by one code for all of them.

NumPy does it as long as it is asked for seldom, and without machine code; both add up the pairs of
a coefficient one after the other, so that a product has one value.  The block of memory: words (the
lanes, two flags, the coefficients, where the pairs and the tables lie), then x, y and the result,
with zeros behind each: what a vector reads there.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from taylor.core.algebra import Algebra, Univariate
from taylor.core.graded import Monomials
from taylor.llvm.entry import Entry, Value, nothing
from taylor.llvm.function import Function
from taylor.llvm.jit import Code, made
from taylor.llvm.registers import Scalar
from taylor.machine.pairs import PATIENCE, WIDTH, Operation
from taylor.numbers.kinds import Array

FLAGS, COUNT, PAIRS, HEAD = 1, 3, 4, 16  # places in the block
LONG = 1 << 13  # products of coefficients, in all lanes, above which tiles of lanes take less


def _written() -> str:
    """Write z_k = Σ x_p·y_q over the pairs (p, q) of each k, lane by lane."""
    f = Function()
    n, count = (f.word(f.address("%data", [], i), "i64") for i in (0, COUNT))
    p, q, starts, x, y, z = (f.word(f.address("%data", [], PAIRS + i), "ptr") for i in range(6))
    zero = f.constant(0.0, WIDTH)

    def row(k: str, lost: list[Scalar]) -> list[Scalar]:
        first, last = f.entry(starts, k), f.entry(starts, f.whole("add", k, 1))

        def part(v: str, lost: list[Scalar]) -> list[Scalar]:
            def product(t: str) -> Scalar:
                ends = ((x, f.entry(p, t)), (y, f.entry(q, t)))
                return f.binary("fmul", *(
                    f.load(f.address(table, [(f.whole("mul", i, n), 1), (v, 1)], 0), WIDTH)
                    for table, i in ends
                ))  # fmt: skip

            def pair(t: str, total: list[Scalar]) -> list[Scalar]:
                return [f.binary("fadd", total[0], product(t))]

            second = f.whole("add", first, 1)
            (found,) = f.fold(second, last, [product(first)], pair, maybe=True)
            f.store(found, f.address(z, [(f.whole("mul", k, n), 1), (v, 1)], 0))
            return [f.intrinsic("fma", found, zero, lost[0])]

        return f.fold(0, n, lost, part, WIDTH)

    (lost,) = f.fold(0, count, [zero], row)
    f.store(f.total(lost), f.address("%data", [], FLAGS + 1))
    return f.text()


class Short:
    """The product of two tables of one shape; `call` returns None where the ordinary way is taken.

    A product that is not finite has none.
    """

    def __init__(self, algebra: Algebra, shape: tuple[int, ...]) -> None:
        self.given, self.asked = (algebra, shape), 0
        self.lanes = shape[1] if len(shape) == 2 else 1
        few = len(shape) < 3 and max(self.lanes, WIDTH) * algebra.count <= LONG
        plain = isinstance(algebra, (Univariate, Monomials))  # no factors before its pairs
        self.call: Operation = self._ask if plain and few and self.lanes else nothing

    def _ask(self, x: Any, y: Any) -> Any:
        self.asked += 1
        if self.asked >= PATIENCE:
            self.call = self._made() or self.by_numpy
        return self.by_numpy(x, y)

    def by_numpy(self, x: Any, y: Any) -> Any:
        """Return the product by NumPy, to the last bit as by machine code."""
        if not (type(x) is np.ndarray is type(y) and x.dtype == y.dtype == float):
            return None
        if x.shape != y.shape:
            return None
        p, q = self._places
        with np.errstate(all="ignore"):
            ends = ((v.reshape(-1, self.lanes), zero) for v, zero in ((x, 0.0), (y, -0.0)))
            left, right = (np.append(v, [[zero] * self.lanes], 0) for v, zero in ends)
            terms = left[p] * right[q]  # nothing is added where pairs end
            z = np.add.reduce(terms, axis=0).reshape(x.shape)
            return z if np.isfinite(np.add.reduce(z, axis=None)) else None

    @functools.cached_property
    def _places(self) -> tuple[Array, Array]:
        """Return the pairs of each coefficient, one below the other, then the row behind all."""
        p, q, starts = self.given[0].all_pairs
        counts = np.diff([*starts, len(p)])
        below = np.arange(counts.max())[:, None]
        return tuple(
            np.where(below < counts, v[np.minimum(starts + below, len(p) - 1)], len(starts))
            for v in (p, q)
        )  # type: ignore[return-value]

    def _made(self) -> Operation | None:
        algebra, shape = self.given
        try:
            code = made(lambda: ((), Code(_written())), "short", ())[1]
        except (ImportError, OSError):
            return None
        code.final()
        p, q, starts = algebra.all_pairs
        pairs = [np.array(a, np.int32) for a in (p, q, [*starts, len(p)])]
        size = math.prod(shape) + WIDTH
        data = np.zeros(HEAD + 3 * size)
        places = [HEAD + k * size for k in range(3)]
        words = data[:HEAD].view(np.int64)
        words[0], words[COUNT] = self.lanes, shape[0]
        words[PAIRS : PAIRS + 3] = [a.ctypes.data for a in pairs]
        words[PAIRS + 3 : PAIRS + 6] = [data[place:].ctypes.data for place in places]
        x, y, z = (Value((place,), shape) for place in places)
        entry = Entry()
        entry.add("short", code, data, FLAGS, [x, y], [z], False, False)
        entry.kept.append(pairs)
        return entry.call


@functools.lru_cache(maxsize=256)
def multiplied(algebra: Algebra, shape: tuple[int, ...]) -> Short:
    """Return the product of two tables of that shape.

    >>> from taylor.core.algebra import univariate
    >>> x = np.array([[1.0, 2.0], [1.0, 1.0]])
    >>> multiplied(univariate(1), x.shape).call(x, x)
    array([[1., 4.],
           [2., 4.]])
    """
    return Short(algebra, shape)
