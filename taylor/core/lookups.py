"""Rows of tables by binary search: functions that are constant between knots.

A piecewise polynomial is one whose coefficients are looked up: between two knots it is analytic in
its argument and in the table, and at them an integrator ends its steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from taylor.core import patterns
from taylor.core.choices import choose
from taylor.core.instructions import At, Degrees, Number, Op, Shape, Sweep, Whole, by_degree, full
from taylor.core.maps import host
from taylor.errors import Undecided
from taylor.numbers.contexts import is_set, members
from taylor.numbers.kinds import Array, is_nested, is_operand

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(slots=True, eq=False)
class Lookup(Op):
    """Row i of a table for each x, where i knots are not above it (side "right"), or below it.

    Row i is as good for what row i - 1 is for, if it is `early`: sets may have it.
    """

    knots: Array
    side: str
    early: bool = False
    arity = 2

    def shape(self, shapes: list[Shape]) -> Shape:
        return (*shapes[0], *shapes[1][1:])

    def made_of(self, args: tuple[int, ...]) -> tuple[int, ...]:
        return args[1:]

    def rows(self, x: Any, table: Any, lead: int = 0) -> Any:
        """Return the rows of a table under `lead` leading axes."""
        if not is_operand(x):
            x = np.asarray(x)
            if x.dtype.kind == "c":
                raise TypeError("complex values have no order, so that they lie in no interval")
            index = np.searchsorted(self.knots, x, self.side)  # type: ignore[call-overload]
            return table[:, index] if lead else table[index]
        if not lead:
            return host([x, table]).process(self, (x, table))
        found = self.rows(x, np.moveaxis(table, 0, -1))
        return np.moveaxis(found, -1, 0)

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return self.rows(*a)

    def places(self, x: Any) -> tuple[Any, Any]:
        """Return the first and the last of the rows that members of sets have."""
        low, _, high = members(x)
        first, last = (np.searchsorted(self.knots, end, self.side) for end in (low, high))  # type: ignore[call-overload]
        return np.minimum(first + self.early, last), last

    def settle(self, x: Any) -> Any:
        """Return x; raise Undecided for a set whose members have different rows: no derivative."""
        if is_set(x) and np.any(np.not_equal(*self.places(x))):
            raise Undecided(f"a knot of a table lies in {x}; make it smaller, or split it")
        return x

    def height(self, h: list[int], order: int) -> int:
        return max(h[1], min(h[0], 1))  # of a constant table: known when x is

    @by_degree
    def step(self, t: Sweep, i: int) -> Degrees:
        (x, table), y, part = t.args(i), t.table[i], t.algebra.part
        yield
        y[0] = self.rows(t.value(x), t.value(table))
        while True:
            k = yield
            self.settle(t.value(x))
            if k <= t.height[table]:
                rows = t.table[table][part(k)]
                y[part(k)] = self.rows(t.value(x), rows, np.ndim(rows) - np.ndim(t.value(table)))
            elif k <= t.height[i]:
                y[part(k)] = y[0] * 0

    def tangent(self, at: At, d: list[Any]) -> Any:
        x = self.settle(at.a[0])
        return None if d[1] is None else self.rows(x, at.whole([None, d[1]])[1])

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        x, shape = self.settle(at.a[0]), at.shapes[1]
        if not wanted[1]:
            return [None, None]
        bar = np.reshape(full(bar, at.shape), (-1, *shape[1:]))
        if is_operand(x):  # which row it is is not known yet
            here = np.reshape(self._chosen(x), (len(bar), shape[0]))
            return [None, Whole(np.tensordot(here, bar, ((0,), (0,))))]
        index = np.searchsorted(self.knots, x, self.side).reshape(-1)  # type: ignore[call-overload]
        places = np.arange(int(np.prod(shape))).reshape(shape)
        return [None, Whole(bar, places[index])]

    def _chosen(self, x: Any) -> Any:
        """Return 1 for the row that is looked up, and 0 for all others, along a new last axis."""
        x = np.expand_dims(x, -1)
        above = (x >= self.knots) if self.side == "right" else (x > self.knots)
        ends = np.ones((*np.shape(x)[:-1], 1))
        above = np.concatenate([ends, np.where(above, 1.0, 0.0), 0 * ends], axis=-1)
        return above[..., :-1] - above[..., 1:]

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        row = patterns.positions(shapes[1][1:])
        whole = patterns.moved(x[1], np.broadcast_to(row, shapes[1]), shapes[1][1:])
        return patterns.taken(np.broadcast_to(row, shape), whole)

    def surface(self, x: Any) -> Any:
        """Return a function of x that changes its sign at every knot, and nowhere else.

        Between two knots it is the product of the distances from them, with alternating signs.
        """
        knots = np.unique(self.knots)
        factors = np.zeros((len(knots) + 1, 4))  # (a + b·x)·(c + d·x)
        factors[:, 0] = factors[:, 2] = 1.0
        factors[1:, 0], factors[1:, 1] = -knots, 1.0
        factors[:-1, 2], factors[:-1, 3] = knots, -1.0
        factors[1::2, :2] *= -1
        at = lookup(x, knots, factors, self.side)
        return (at[..., 0] + at[..., 1] * x) * (at[..., 2] + at[..., 3] * x)


def by_pieces(x: Any, knots: Array, of_row: Callable[[Any], Any], table: Any) -> Any:
    """Return of_row(row i of the table) for x in piece i, between increasing knots: a kink at them.

    Pieces of even and of odd number are the two sides of one choice, by the sign of ±(x - knot): at
    a knot one of them ends, and one begins.
    """
    at = x  # rows depend on its plain value only
    while is_nested(at) and not hasattr(at, "tape"):
        at = at.value
    if is_nested(at) and at.tape.watched:
        return of_row(lookup(at, knots, table))
    i, width = np.arange(len(knots) + 1), np.shape(table)[1]
    sign = np.where(i % 2 == (i > 0), -1, 1)  # piece 0 lies before its knot
    sides = [table[i // 2 * 2], table[np.maximum((i + 1) // 2 * 2 - 1, 0)]]
    limits = np.stack([sign, sign * knots[np.maximum(i - 1, 0)]], axis=1)
    row = lookup(at, knots, np.concatenate([*sides, limits], axis=1), early=True)
    even, odd = of_row(row[..., :width]), of_row(row[..., width : 2 * width])
    return choose(row[..., -2] * x, row[..., -1], even, odd, "kink")


def is_watched(x: Any) -> bool:
    """Whether what is recorded ends where another row is looked up."""
    if not is_operand(x):
        return False
    while is_nested(x) and not hasattr(x, "tape"):
        x = x.value
    return is_nested(x) and bool(x.tape.watched)


def _frozen(knots: Any) -> Array:
    found: Array = np.array(knots, dtype=float)
    found.flags.writeable = False
    return found


def lookup(x: Any, knots: Any, table: Any, side: str = "right", early: bool = False) -> Any:
    """Return row i of a table, of one row more than there are knots, for each x: i knots are <= x.

    With side "left" i knots are below x.  `early`: see `Lookup`.  The knots are increasing numbers;
    x and the table may be operands, on which the result depends by the table only.

    >>> lookup(2.5, [1.0, 2.0, 3.0], np.array([10.0, 20.0, 30.0, 40.0]))
    np.float64(30.0)
    """
    return Lookup(_frozen(knots), side, early).rows(x, table)
