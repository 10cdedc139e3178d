"""The coefficients in t of solutions as Taylor models of what they begin with.

The step rules are those of `jets`, number by number, on polynomials of floats with a radius that
holds what they leave out (`symbols`).  A sum Σ x_j·y_{k-j} is one pass over all its products: the
polynomial may be rounded in any order, since the radius gets u for every product and sum, times the
norms of the factors.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from taylor.errors import Undecided
from taylor.numbers.kinds import Array
from taylor.verified.compose import developed, reciprocal
from taylor.verified.interval import Interval
from taylor.verified.model import Space, TaylorModel
from taylor.verified.scalars import Scalars, heights
from taylor.verified.symbols import TINY, Symbols, U, above, norm


class Part(NamedTuple):
    """A polynomial and a radius."""

    coef: Array
    radius: Any


class Table:
    """The coefficients of a number up to an order.

    Of a factor of products the sums of absolute coefficients by classes of degrees are kept, too,
    and the coefficients in the order of all pairs: those of the left, or of the right.
    """

    def __init__(self, algebra: Symbols, order: int, sides: str = "") -> None:
        self.algebra, self.sides, rows = algebra, sides, order + 1
        pairs, classes = len(algebra.all_pairs[0]), len(algebra.classes[0])
        self.coef, self.radius = np.zeros((rows, algebra.size)), np.zeros(rows)
        self.norm = np.zeros(rows)
        self.left, self.right = (np.zeros((rows, pairs * (side in sides))) for side in "lr")
        self.classes, self.beyond = np.zeros((rows, classes)), np.zeros((rows, classes))

    def __setitem__(self, k: int, x: Part) -> None:
        self.coef[k], self.radius[k] = x
        if not self.sides:
            return
        p, q, _ = self.algebra.all_pairs
        members, _ = self.algebra.classes
        size = np.abs(x.coef)
        self.norm[k] = norm(size)
        self.classes[k] = members @ size
        if "l" in self.sides:
            self.beyond[k] = self.beyond_of(self.classes[k])
            self.left[k] = x.coef[p]
        if "r" in self.sides:
            self.right[k] = x.coef[q]

    def beyond_of(self, x: Array) -> Array:
        """Return, by classes, the sums of the coefficients with which products are not kept."""
        found: Array = self.algebra.classes[1] @ x
        return found

    def __getitem__(self, k: int) -> Part:
        return Part(self.coef[k], self.radius[k])


class Flow:
    """The coefficients up to an order of all numbers of a field, over a space of models."""

    def __init__(self, scalars: Scalars, space: Space, order: int) -> None:
        self.space, self.algebra, self.order = space, space.algebra, order
        self.code, self.rows = scalars.code, scalars.rows
        self.time, *self.state = scalars.inputs
        self.slopes = scalars.outputs
        self.live = [h > 0 for h in heights(self.code, self.time, order)]  # varies in t
        self.sides = self._sides()
        self.tables: list[Table] = []
        self.weighted: dict[int, Table] = {}
        self.inverse: dict[int, Part] = {}
        self.local: dict[int, list[TaylorModel]] = {}

    def _sides(self) -> tuple[list[str], dict[int, str]]:
        """Return on which sides of products tables stand, and those of k·x_k."""
        plain, weighted = [""] * len(self.code), dict.fromkeys(self.rows, "")
        for i, (name, *args) in enumerate(self.code):
            if name in ("mul", "div"):
                left, right = (args[0], args[1]) if name == "mul" else (args[1], i)
                plain[left] += "l"
                plain[right] += "r"
            elif name == "row":
                for a, q in args[1]:
                    weighted[a] = weighted.get(a, "") + "l"
                    plain[q] += "r"
                plain[args[2]] += "l"
                weighted[i] += "r"
        return plain, weighted

    # -------------------------------------------------------------- parts
    def constant(self, lo: float, hi: float) -> Part:
        coef = np.zeros(self.algebra.size)
        coef[0], radius = (lo, 0.0) if lo == hi else _middle(lo, hi)
        return Part(coef, radius)

    def added(self, x: Part, y: Part) -> Part:
        z = x.coef + y.coef
        return Part(z, above(x.radius + y.radius + norm(z) * U))

    def scaled(self, x: Part, lo: float, hi: float) -> Part:
        """Return c·x for the numbers c between two floats."""
        m, spread = (lo, 0.0) if lo == hi else _middle(lo, hi)
        z = x.coef * m
        exact = m in (1.0, -1.0, 2.0, -2.0)
        rounding = 0.0 if exact else norm(z) * U + len(z) * TINY
        return Part(z, above((abs(m) + spread) * x.radius + norm(x.coef) * spread + rounding))

    def over(self, x: Part, n: int) -> Part:
        """Return x/n."""
        z = x.coef / n
        return Part(z, above(x.radius / n + norm(z) * U + len(z) * TINY))

    def model(self, x: Part) -> TaylorModel:
        return TaylorModel(x.coef, x.radius, self.space)

    def sum(self, x: Table, y: Table, k: int, first: int, last: int) -> Part:
        """Return Σ x_j y_{k-j} over first <= j <= last."""
        a = slice(first, last + 1)
        b = slice(k - first, k - last - 1 if k > last else None, -1)
        count = last + 1 - first
        products = np.einsum("jp,jp->p", x.left[a], y.right[b])
        z = np.add.reduceat(products, self.algebra.all_pairs[2])
        nx, ny, rx, ry = x.norm[a], y.norm[b], x.radius[a], y.radius[b]
        beyond = float(np.vdot(x.beyond[a], y.classes[b]))
        size = float(nx @ ny)
        most = count * self.algebra.most + 2
        lost = nx @ ry + rx @ ny + rx @ ry + beyond + size * (most * U)
        tiny = 2 * count * self.algebra.count * TINY
        roundings = count * (x.classes.shape[1] + 4) + 2 * self.algebra.size
        return Part(z, above(lost + tiny, roundings))

    # -------------------------------------------------------------- tables
    def series(self, t: float, y: TaylorModel) -> list[Table]:
        """Return the tables of the states at time t."""
        self.inverse = {}
        self.tables = [Table(self.algebra, self.order, side) for side in self.sides[0]]
        self.weighted = {
            i: Table(self.algebra, self.order, side) for i, side in self.sides[1].items()
        }
        tables = self.tables
        tables[self.time][0] = self.constant(t, t)
        if self.order:
            tables[self.time][1] = self.constant(1.0, 1.0)
        for n, i in enumerate(self.state):
            tables[i][0] = Part(y.coef[:, n], float(y.radius[n]))
        for k in range(self.order):
            for i, (name, *args) in enumerate(self.code):
                if name != "input" and (k == 0 or self.live[i]):
                    tables[i][k] = getattr(self, f"_{name}")(i, k, *args)
                if k and i in self.weighted and i not in self.rows:
                    self.weighted[i][k] = self.scaled(tables[i][k], k, k)
            for i, slope in zip(self.state, self.slopes, strict=True):
                tables[i][k + 1] = self.over(tables[slope][k], k + 1)
        return [tables[i] for i in self.state]

    def divided(self, x: Part, b: int) -> Part:
        """Return x/b_0 for the operation b."""
        name, *args = self.code[b]
        if name == "const":
            if args == [1.0, 1.0]:
                return x
            c = 1 / Interval(*args)
            return self.scaled(x, float(c.lo), float(c.hi))
        if b not in self.inverse:
            found = reciprocal(self.model(self.tables[b][0]))
            self.inverse[b] = Part(found.coef, float(found.radius))
        left, right = (Table(self.algebra, 0, side) for side in "lr")
        left[0], right[0] = x, self.inverse[b]
        return self.sum(left, right, 0, 0, 0)

    # -------------------------------------------------------------- rules
    def _const(self, i: int, k: int, lo: float, hi: float) -> Part:
        return self.constant(lo, hi)

    def _local(self, i: int, k: int, name: str, a: int) -> Part:
        self.local[i] = developed(self.rows[i], self.model(self.tables[a][0]), self.order + 1)
        return self.constant(0.0, 0.0)

    def _coef(self, i: int, k: int, c: int, n: int) -> Part:
        found = self.local[c][n]
        return Part(found.coef, float(found.radius))

    def _rise(self, i: int, k: int, a: int) -> Part:
        return self.tables[a][k] if k else self.constant(0.0, 0.0)

    def _add(self, i: int, k: int, a: int, b: int) -> Part:
        live = [x for x in (a, b) if k == 0 or self.live[x]]
        parts = [self.tables[x][k] for x in live]
        return self.added(*parts) if len(parts) == 2 else parts[0]

    def _scale(self, i: int, k: int, a: int, lo: float, hi: float) -> Part:
        return self.scaled(self.tables[a][k], lo, hi)

    def _mul(self, i: int, k: int, a: int, b: int) -> Part:
        x, y = self.tables[a], self.tables[b]
        first, last = (0 if self.live[b] else k), (k if self.live[a] else 0)
        return self.sum(x, y, k, first, last)

    def _div(self, i: int, k: int, a: int, b: int) -> Part:
        x = self.tables[a][k]
        if k and self.live[b]:
            inner = self.sum(self.tables[b], self.tables[i], k, 1, k)
            x = self.added(x, Part(-inner.coef, inner.radius))
        return self.divided(x, b)

    def _choose(self, i: int, k: int, strict: bool, lhs: int, rhs: int, a: int, b: int) -> Part:
        x, z = (self.model(self.tables[c][0]).range() for c in (lhs, rhs))
        if float(x.lo) > float(z.hi) or (not strict and float(x.lo) >= float(z.hi)):
            return self.tables[a][k]
        if float(x.hi) < float(z.lo):
            return self.tables[b][k]
        raise Undecided(f"whether {x} >= {z}, a branch of the function, differs among members")

    def _row(self, i: int, k: int, args: Any, pairs: Any, p: int) -> Part:
        if k == 0:
            given = [self.model(self.tables[a][0]) for a in args]
            found = self.rows[i](*given)
            return Part(found.coef, float(found.radius))
        s: Part | None = None
        for a, q in pairs:
            if self.live[a]:
                first = 1 if self.live[q] else k
                term = self.sum(self.weighted[a], self.tables[q], k, first, k)
                s = term if s is None else self.added(s, term)
        if self.live[p] and k > 1:
            inner = self.sum(self.tables[p], self.weighted[i], k, 1, k - 1)
            inner = Part(-inner.coef, inner.radius)
            s = inner if s is None else self.added(s, inner)
        s = self.constant(0.0, 0.0) if s is None else self.divided(s, p)
        self.weighted[i][k] = s
        return self.over(s, k)


def _middle(lo: float, hi: float) -> tuple[float, float]:
    x = Interval(lo, hi)
    return float(x.mid), float(x.rad)
