"""Polynomials in several variables at series, and at many points, as machine code.

The monomials are met in the order of a tree, each a product of the one above it and one variable:
Σ c_α g^α with g^α = g^(α - e_i) g_i, i the last variable of α.  Only the way from the root is kept.
Where no series has a constant term, g^α begins at degree |α|.
"""

from __future__ import annotations

import ctypes
import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.algebra import Algebra
from taylor.core.graded import Monomials
from taylor.llvm.function import Function
from taylor.llvm.jit import Code, made
from taylor.llvm.registers import Scalar
from taylor.machine.windows import PAD, WIDTH, products_of, write_product

Floats = NDArray[np.float64]
WORK = 1 << 16  # products of coefficients and points that are taken before code is made
LETTERS = 1 << 24  # exponents and letters of the monomials of a tree
# numbers of a monomial in the tree: depth, variable, where the power above it begins, and its own
# first window and coefficient
STEP = 5
POINTS, VECTOR = 32, 8  # that are taken side by side, and as a vector


class Tree:
    """The monomials of an algebra, without 1, as words of variables in lexicographic order."""

    def __init__(self, algebra: Monomials) -> None:
        n, order, size = algebra.variables, algebra.order, algebra.size
        ends = np.cumsum(algebra.exponents, axis=1, dtype=np.int16)
        letters = np.empty((order, size), dtype=np.int16)
        for i in range(order):
            letters[i] = (ends <= i).sum(1)
        letters[letters == n] = -1  # the word is shorter
        self.rows = np.lexsort(letters[::-1])[1:]
        self.depth = algebra.degrees[self.rows]
        self.variable = letters[self.depth - 1, self.rows]
        below = [[math.comb(m + k, k) for k in range(order)] for m in range(n + 1)]
        count = np.array(below)[n - self.variable, order - self.depth]
        self.ends = np.arange(size - 1) + count  # of what is below each
        self.asked = 0

    def needed(self, c: Floats) -> Any:
        """Return which monomials have coefficients, or others below them that have."""
        there = np.concatenate([[0], np.cumsum(np.any(c[self.rows], axis=1))])
        return there[self.ends] > there[:-1]


@functools.lru_cache(maxsize=32)
def _tree(algebra: Monomials) -> Tree | None:
    """Return the tree of an algebra; None if it would be too large, or has no monomials but 1."""
    return Tree(algebra) if 0 < algebra.size * algebra.order <= LETTERS else None


def _compositions() -> str:
    """Write Σ c_α g^α for several polynomials.

    The data: pointers to the powers, to g and to the results, each a table with pads, to the tables
    of the windows, the coefficients and the tree; how many squares there are, numbers of a window,
    numbers in a table (up to whole vectors, and with pads), windows, monomials, polynomials.
    """
    f = Function()
    write_product(f, "product")
    powers, g, out, *rest = (f.word(f.address("%data", [], i), "ptr") for i in range(9))
    *tables, c, tree = rest
    half, task, size, room, stop, count, several = (
        f.word(f.address("%data", [], i), "i64") for i in range(9, 16)
    )

    def table(start: str, i: Any) -> str:
        return f.address(start, [(f.whole("mul", i, room), 1)], 0)

    with f.loop(0, count) as monomial:
        place = f.whole("mul", monomial.index, STEP)
        depth, variable, lowest, first, begin = (
            f.entry(tree, f.whole("add", place, i)) for i in range(STEP)
        )
        power = table(powers, depth)
        factors = table(powers, f.whole("sub", depth, 1)), table(g, variable)
        numbers = [f.index(i) for i in (half, task, lowest, first, stop)]
        f.run("product", [*factors, power, *tables, *numbers], [])
        row = f.whole("mul", monomial.index, several)
        with f.loop(0, several) as result:
            factor = f.load(f.address(c, [(f.whole("add", row, result.index), 1)], 0))
            total = table(out, result.index)
            with f.loop(begin, size, WIDTH) as part:
                at = [f.address(v, [(part.index, 1)], PAD) for v in (power, total)]
                x, y = (f.load(pointer, WIDTH) for pointer in at)
                f.store(f.fma(factor, x, y), at[1])
    return f.text()


def composed(outer: Algebra, c: Floats, inner: Algebra, g: Floats) -> Floats | None:
    """Return the tables, in rows, of polynomials with coefficients c[:, j] at series g[i].

    None where there is no code, and where the result is not finite.
    """
    products = products_of(inner)
    if products is None or not isinstance(outer, Monomials):
        return None
    tree = _tree(outer)
    if tree is None or not np.isfinite(g).all():
        return None
    windows = products.windows
    needed = tree.needed(c)
    depth, several = tree.depth[needed], c.shape[1]
    shifts = depth if not g[:, 0].any() else 0 * depth  # degree at which a power begins
    kept = shifts <= inner.order
    if not kept.all():
        needed[needed] = kept
        depth, shifts = depth[kept], shifts[kept]
    begins = inner.offsets[shifts] // WIDTH * WIDTH  # type: ignore[attr-defined]
    lowest = np.maximum(shifts - 1, 0)
    steps = [depth, tree.variable[needed], lowest, windows.first[shifts], begins]
    code = made(lambda: ((), Code(_compositions())), "compositions", ())[1]
    memory = np.zeros((outer.order + 1 + len(g) + several, windows.room))
    powers, series, out = np.split(memory, [outer.order + 1, outer.order + 1 + len(g)])
    inside = slice(PAD, PAD + windows.size)
    powers[0, PAD] = 1.0
    series[:, inside] = g
    out[:, PAD] = c[0]
    factors = np.ascontiguousarray(c[tree.rows[needed]])
    moves = np.ascontiguousarray(np.stack(steps, axis=1), dtype=np.int32)
    *tables, half, task, size, stop = windows.numbers
    places = [v.ctypes.data for v in (powers, series, out)]
    given = [*places, *tables, factors.ctypes.data, moves.ctypes.data]
    data = np.array([*given, half, task, size, windows.room, stop, len(moves), several])
    if len(moves):
        code.call(ctypes.c_void_p(data.ctypes.data))
    found: Floats = out[:, inside].copy()
    return found if np.isfinite(found).all() else None


def _evaluations() -> str:
    """Write Σ c_α x^α for several polynomials at the points of a tile after the other.

    The data: pointers to memory of a tile (the powers, then the results), the points, the results,
    the coefficients and the tree; how many tiles there are, monomials, polynomials, numbers from
    one variable, or one result, to the next, and where in the memory the results begin.
    """
    f = Function()
    memory, points, out, c, tree = (f.word(f.address("%data", [], i), "ptr") for i in range(5))
    tiles, count, several, stride, begin = (
        f.word(f.address("%data", [], i), "i64") for i in range(5, 10)
    )
    vectors = range(0, POINTS, VECTOR)
    sums = f.address(memory, [(begin, 1)], 0)
    with f.loop(0, tiles) as tile:
        at = f.whole("mul", tile.index, POINTS)
        with f.loop(0, several) as result:
            first = f.load(f.address(c, [(result.index, 1)], 0))
            for v in vectors:
                place = f.address(sums, [(result.index, POINTS)], v)
                f.store(f.splat(first, VECTOR), place)
        with f.loop(1, count, maybe=True) as monomial:
            step = f.whole("mul", monomial.index, STEP)
            depth, variable = (f.entry(tree, f.whole("add", step, i)) for i in range(2))
            there = f.address(points, [(f.whole("mul", variable, stride), 1), (at, 1)], 0)
            powers: list[Scalar] = []
            for v in vectors:
                above = f.address(memory, [(depth, POINTS)], v - POINTS)
                x = f.load(f.address(there, [], v), VECTOR)
                powers.append(f.load(above, VECTOR) * x)
                f.store(powers[-1], f.address(memory, [(depth, POINTS)], v))
            row = f.whole("mul", monomial.index, several)
            with f.loop(0, several) as result:
                factor = f.load(f.address(c, [(row, 1), (result.index, 1)], 0))
                for v, power in zip(vectors, powers, strict=True):
                    place = f.address(sums, [(result.index, POINTS)], v)
                    f.store(f.fma(factor, power, f.load(place, VECTOR)), place)
        with f.loop(0, several) as result:
            to = f.address(out, [(f.whole("mul", result.index, stride), 1), (at, 1)], 0)
            for v in vectors:
                x = f.load(f.address(sums, [(result.index, POINTS)], v), VECTOR)
                f.store(x, f.address(to, [], v))
    return f.text()


def evaluated(algebra: Algebra, c: Floats, x: Floats) -> Floats | None:
    """Return the values, in rows, of polynomials with coefficients c[:, j] at the points x[:, i].

    None where there is no code, and where a value is not finite.
    """
    tree = _tree(algebra) if isinstance(algebra, Monomials) else None
    if tree is None:
        return None
    tree.asked += c.size * x.shape[1]
    if tree.asked < WORK:
        return None
    needed = np.flatnonzero(tree.needed(c))
    several, n = c.shape[1], x.shape[1]
    room = -(-n // POINTS) * POINTS
    points = np.zeros((len(x), room))
    points[:, :n] = x
    out = np.empty((several, room))
    memory = np.empty((algebra.order + 1 + several, POINTS))
    memory[0] = 1.0
    begin = (algebra.order + 1) * POINTS
    factors = np.ascontiguousarray(c[np.concatenate([[0], tree.rows[needed]])])
    moves = np.zeros((1 + len(needed), STEP), dtype=np.int32)
    moves[1:, 0], moves[1:, 1] = tree.depth[needed], tree.variable[needed]
    places = [v.ctypes.data for v in (memory, points, out, factors, moves)]
    data = np.array([*places, room // POINTS, len(moves), several, room, begin])
    try:
        code = made(lambda: ((), Code(_evaluations())), "evaluations", ())[1]
    except (ImportError, OSError):
        return None
    code.call(ctypes.c_void_p(data.ctypes.data))
    found: Floats = out[:, :n]
    return found if np.isfinite(found).all() else None
