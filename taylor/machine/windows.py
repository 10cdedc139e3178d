"""Products of multivariate series as machine code, vector by vector of the result.

The coefficients of one degree lie one after the other, and so do, for the most part, the products
of one monomial with them.  A window is a vector of coefficients c_0, c_1, ... of the result; a term
of it is the product of one coefficient of the one factor with a vector of the other,

    z_{c+l} += x_p y_{q+l}   for the lanes l with x^p x^{q+l} = x^{c+l},

the other lanes of y being masked.  A term serves for both x_p y_q and y_p x_q where the degree of p
is the lower one.  Terms are numbers of 64 bits: p, q and the mask; their sums stay in registers.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.algebra import Algebra
from taylor.core.graded import CACHED_PAIRS, Monomials
from taylor.llvm.function import Function
from taylor.llvm.jit import Code, made
from taylor.llvm.registers import Scalar

Floats = NDArray[np.float64]
WIDTH = 4  # numbers in a window: most vectors of one degree are short
PAD = 8  # numbers before and after a table: what the masked lanes read
BITS = 26  # of p, and of q
ALL = (1 << BITS) - 1
TASK = 3  # numbers of a window: its place, its degree, where its terms begin; then where they end
POINTERS = ("%terms", "%tasks", "%masks", "%squares")
NUMBERS = ("%half", "%task", "%lowest", "%first", "%stop")


class Windows:
    """The terms of the products of an algebra, in the order of the windows.

    The windows of one degree are sorted by the number of their terms: processors foresee the ends
    of loops that are of one length.
    """

    def __init__(self, algebra: Monomials) -> None:
        p, q, starts, _ = algebra.lists(-1, 0, 0)
        degrees, n = algebra.degrees, algebra.size
        within = np.arange(n) - algebra.offsets[degrees]
        places = np.flatnonzero(within % WIDTH == 0)[1:]  # z_0 is a product by itself
        c = np.repeat(np.arange(n), np.diff(starts))
        p, q, c = (v[p < q].astype(np.int64) for v in (p, q, c))
        lane = within[c] % WIDTH
        key = np.searchsorted(places, c - lane) * n + p
        terms, at = np.unique(key * (n + WIDTH) + q - lane + WIDTH, return_inverse=True)
        masks = np.bincount(at, 1 << lane).astype(np.int64)
        key, q = np.divmod(terms, n + WIDTH)
        window, p = np.divmod(key, n)
        counts = np.bincount(window, minlength=len(places))
        sorted = np.lexsort((counts, degrees[places]))
        rooms = counts[sorted] + counts[sorted] % 2  # two at a time: the last may be nothing
        ends = np.cumsum(rooms)
        starts = np.empty(len(places), int)
        starts[sorted] = ends - rooms
        self.terms = np.zeros(int(ends[-1]) + 2, dtype=np.int64)
        moved = np.arange(len(terms)) + (starts - np.cumsum(counts) + counts)[window]
        self.terms[moved] = p + PAD | (q - WIDTH + PAD) << BITS | (masks * WIDTH) << 2 * BITS
        # how many terms have a p of degree 0, 1, ..., up to half of the order
        below = np.zeros((len(places), algebra.order // 2 + 1), dtype=int)
        np.add.at(below, (window, degrees[p]), 1)
        below = np.cumsum(below, axis=1)
        below += (below == counts[:, None]) & (counts[:, None] % 2 == 1)
        tasks = np.stack([places + PAD, degrees[places], starts], axis=1)
        tasks = np.concatenate([tasks, starts[:, None] + below], axis=1)
        self.tasks = np.ascontiguousarray(tasks[sorted], dtype=np.int32)
        half = int(algebra.offsets[algebra.order // 2 + 1])
        self.squares = (algebra.places(2 * algebra.exponents[:half]) + PAD).astype(np.int32)
        bits = np.arange(1 << WIDTH)[:, None] >> np.arange(WIDTH) & 1
        self.masks = np.ascontiguousarray(-bits, dtype=np.int64)
        self.first = np.searchsorted(places, algebra.offsets)  # window of each degree, and the end
        self.room = -(-(n + 2 * PAD) // PAD) * PAD
        self.size = n
        tables = [v.ctypes.data for v in (self.terms, self.tasks, self.masks, self.squares)]
        sizes = (half, self.tasks.shape[1], -(-n // WIDTH) * WIDTH, len(places))
        self.numbers = [*tables, *sizes]


def write_product(f: Function, name: str, square: bool = False) -> None:
    """Write the function name(x, y, z, POINTERS ..., NUMBERS ...) of tables with pads.

    The windows from the first on of z = x·y are written, and z_0; of a square y is x.  If x begins
    at the lowest degree, and that is not 0, y has no constant term.
    """
    pointers = dict.fromkeys(("%x", "%y", "%z", *POINTERS), "ptr")
    x, y = "%x", "%x" if square else "%y"
    with f.function(name, pointers | dict.fromkeys(NUMBERS, "i64")) as g:
        g.store(g.constant(0.0), g.address("%z", [], PAD))
        with g.loop("%first", "%stop", maybe=True) as window:
            _write_window(g, window.index, x, y)
        with g.loop(0, "%half") as p:  # x^p x^p
            place = g.address("%z", [(g.entry("%squares", p.index), 1)], 0)
            one, other = (g.load(g.address(v, [(p.index, 1)], PAD)) for v in (x, y))
            g.store(g.fma(one, other, g.load(place)), place)


def _write_window(g: Function, index: str, x: str, y: str) -> None:
    """Write the terms with p < q of a window of x·y.

    Where x begins at a degree d > 0, at degree k the terms with x_0, y_0 and those with p above
    k - d vanish, and so does one that is taken with the last of the others.
    """
    task = g.whole("mul", index, "%task")
    place, degree, begin = (g.entry("%tasks", g.whole("add", task, n)) for n in range(TASK))
    begin = g.whole("add", begin, g.least("%lowest", 1))
    most = g.least(g.whole("sub", degree, "%lowest"), g.whole("sub", "%task", TASK + 1))
    end = g.entry("%tasks", g.whole("add", g.whole("add", task, TASK), most))
    factors = [(x, y)] if x == y else [(x, y), (y, x)]

    def term(i: str, totals: Sequence[Scalar]) -> list[Scalar]:
        bits = g.word(g.address("%terms", [(i, 1)], 0), "i64")
        p = g.whole("and", bits, ALL)
        q = g.whole("and", g.whole("ashr", bits, BITS), ALL)
        mask = g.load(g.address("%masks", [(g.whole("ashr", bits, 2 * BITS), 1)], 0), WIDTH)
        found = []
        for (a, b), total in zip(factors, totals, strict=True):
            one = g.load(g.address(a, [(p, 1)], 0), 1)
            several = g.load(g.address(b, [(q, 1)], 0), WIDTH)
            found.append(g.fma(one, (several.bits() & mask.bits()).double(), total))
        return found

    def two(i: str, totals: list[Scalar]) -> list[Scalar]:
        k = len(factors)
        return [*term(i, totals[:k]), *term(g.whole("add", i, 1), totals[k:])]

    zero = g.constant(0.0, WIDTH)
    sums = g.fold(begin, end, [zero] * (2 * len(factors)), two, 2)
    while len(sums) > 1:
        sums = [a + b for a, b in zip(sums[::2], sums[1::2], strict=True)]
    total = sums[0] + sums[0] if x == y else sums[0]
    g.store(total, g.address("%z", [(place, 1)], 0))


def _products() -> str:
    """Write the product of two tables with pads.

    The data: Σ 0·z, to be found there, pointers to x, y and z, the numbers of the windows (up
    to whole vectors z has so many), and whether y is not x.
    """
    f = Function()
    for name in ("product", "square"):
        write_product(f, name, name == "square")
    x, y, z, *tables = (f.word(f.address("%data", [], i), "ptr") for i in range(1, 8))
    half, task, size, stop, others = (
        f.word(f.address("%data", [], i), "i64") for i in range(8, 13)
    )
    two = f.less(0, others)
    for name, condition in (("product", two), ("square", ~two)):
        with f.when(condition):
            numbers = [f.index(i) for i in (half, task, 0, 0, stop)]
            f.run(name, [x, y, z, *tables, *numbers], [])

    def added(i: str, totals: list[Scalar]) -> list[Scalar]:
        return [f.fma(f.load(f.address(z, [(i, 1)], PAD), WIDTH), f.constant(0.0), totals[0])]

    (total,) = f.fold(0, size, [f.constant(0.0, WIDTH)], added, WIDTH)
    f.store(f.total(total), "%data")
    return f.text()


class Products:
    """The product of two tables of an algebra by machine code, one for all algebras."""

    def __init__(self, algebra: Monomials) -> None:
        self.code = made(lambda: ((), Code(_products())), "windows", ())[1]
        self.windows = Windows(algebra)
        self.local = threading.local()

    def product(self, x: Floats, y: Floats) -> Floats | None:
        """Return the product of two tables; None where it is not finite.

        Infinities and nan spread further than they should.
        """
        try:
            pointer, data, first, second, found = self.local.memory
        except AttributeError:
            pointer, data, first, second, found = self.memory()
        first[...] = x
        data[-1] = x is not y
        if x is not y:
            second[...] = y
        self.code.call(pointer)
        return found.copy() if data[0] == 0 else None  # -0.0 is none of the sums

    def memory(self) -> Any:
        """Return this thread's pointer and data, and the tables they point to."""
        windows = self.windows
        tables = np.zeros((3, windows.room))
        data = np.array([0, *(t.ctypes.data for t in tables), *windows.numbers, 0])
        inner = tables[:, PAD : PAD + windows.size]
        self.local.tables = tables
        self.local.memory = ctypes.c_void_p(data.ctypes.data), data, *inner
        return self.local.memory


@functools.lru_cache(maxsize=64)
def products_of(algebra: Algebra) -> Products | None:
    """Return the products of an algebra in windows; None where it has none, or there is no code."""
    if not isinstance(algebra, Monomials) or algebra.name != "multivariate":
        return None
    if algebra.order == 0 or not 0 < algebra.count <= CACHED_PAIRS:
        return None
    try:
        return Products(algebra)
    except (ImportError, OSError):
        return None
