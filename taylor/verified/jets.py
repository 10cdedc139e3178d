"""Taylor coefficients of solutions of y' = f(t, y) through all points of boxes, as machine code.

The step rules are those of the sweep (`core.sweep`), number by number, on intervals
(`llvm.bounds`): every coefficient encloses that of each solution that begins in the box.  The
values of functions of the table are not computed here: Python gives them, from balls.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from taylor.core.program import Program
from taylor.core.singular import unsettled
from taylor.core.table import Elementary
from taylor.errors import DomainError, Undecided
from taylor.llvm.bounds import Bounds, most, summed
from taylor.llvm.enclosures import FUNCTIONS, VALUES, power
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH, Index
from taylor.llvm.jit import Code, address, made
from taylor.llvm.registers import Scalar, type_of
from taylor.numbers.kinds import Array
from taylor.verified.batches import UNIT, aligned
from taylor.verified.interval import Interval
from taylor.verified.scalars import FEW, Scalars, heights, reads, scalars
from taylor.verified.values import coefficients

HEAD = 1  # numbers in front: what is nan if a bound is not finite


Kernels = dict[str, Callable[..., Bounds]]


class Jets:
    """The coefficients of y in t up to an order, for some boxes at a time.

    Of the inputs of the program the first is t, the second y; the first output is y'.  If there are
    more pairs of inputs and outputs they belong to the state.
    """

    kernels: ClassVar[Kernels] = {}  # functions of the table whose values are computed by the code

    def __init__(self, program: Program, order: int) -> None:
        s = scalars(program, order)
        self.time, *self.state = s.inputs
        self.slopes = s.outputs
        self._make(s, order, [i for _, a, b, _ in s.guards for i in (a, b)])

    def _make(
        self, s: Scalars, order: int, early: Sequence[int] = (), read: Sequence[int] = ()
    ) -> None:
        """Write the code, or find it; Python computes the values of what is `early`, too.

        `read` are the operations whose results are stored apart.
        """
        self.order, self.scalars = order, s
        self.heights = heights(s.code, self.time, order)
        rows = (i for i, row in s.rows.items() if not has_kernel(row, self.kernels))
        self.asked = [i for i in rows if s.code[i][0] != "local"]
        self.asked += [i for i, op in enumerate(s.code) if op[0] == "coef"]
        self.early = _early(s, [*self.asked, *early])
        what = (
            tuple(s.code), self.time, tuple(self.state), tuple(self.slopes), order,
            tuple((i, row.name) for i, row in s.rows.items() if i not in self.asked),
            type(self).__name__, tuple(read),
        )  # fmt: skip
        layout, self.code = made(self._write, "jets", *what, 0)
        self.size: int = layout
        self.local = threading.local()

    # -------------------------------------------------------------- memory
    @property
    def room(self) -> int:
        """Vectors of the table of one operation: bounds of coefficients up to the order."""
        return 2 * (self.order + 1)

    def _data(self) -> Array:
        """Return the memory of a thread."""
        try:
            found: Array = self.local.data
        except AttributeError:
            found = self.local.data = aligned(self.size, UNIT)
        return found

    def __call__(self, t: Interval, y: Interval) -> Interval:
        """Return the coefficients, of shape (order + 1, numbers of the state, boxes).

        `t` has shape (boxes,), `y` (numbers of the state, boxes): at most UNIT boxes.
        """
        boxes = t.shape[0]
        data = self._data()
        for i, x in self._given(t, y):
            place = HEAD + i * self.room
            data[place, :boxes], data[place + 1, :boxes] = x.lo, x.hi
            data[place : place + 2, boxes:] = data[place : place + 2, :1]
        self.code.call(address(data))
        if not np.isfinite(data[0]).all():
            raise DomainError(
                "no finite bounds: a divisor may be zero, a branch another one, a number too large"
            )
        rows = self.room
        tables = data[HEAD : HEAD + len(self.heights) * rows]
        tables = tables.reshape(len(self.heights), self.order + 1, 2, UNIT)[self.state]
        tables = tables[..., :boxes].transpose(2, 1, 0, 3).copy()
        return Interval(tables[0], tables[1])

    def _given(self, t: Interval, y: Interval) -> Iterator[tuple[int, Interval]]:
        """Yield what the code is given: the inputs, and the values of rows."""
        known: dict[int, Interval] = {self.time: t}
        known.update((i, y[n]) for n, i in enumerate(self.state))
        yield from known.items()
        for i in self.early:
            known[i] = x = self._value(i, known)
            if i in self.asked:
                yield i, x
        for op, left, right, was in self.scalars.guards:
            _decide(op, known[left], known[right], was)

    def _value(self, i: int, known: dict[int, Interval]) -> Interval:
        """Return the value of an operation for all boxes."""
        name, *args = self.scalars.code[i]
        if name == "const":
            return Interval(*args)
        if name == "scale":
            x: Interval = known[args[0]] * Interval(*args[1:])
            return x
        if name == "power":
            z: Interval = known[args[0]] ** args[1]
            return z
        if name == "local":
            (arg,) = args[1:]
            c: Interval = coefficients(self.scalars.rows[i], known[arg], self.order)
            return c
        if name == "coef":
            return known[args[0]][args[1]]
        if name in ("row", "value"):
            row, given = self.scalars.rows[i], [known[a] for a in args[name == "value"]]
            y: Interval = row(*given)
            lost = np.broadcast_to(unsettled(row, given, y), y.shape)
            if lost.any():
                raise Undecided(f"{row.name} may jump, or has no bound, at {given[0][lost][:1]}")
            return y
        if name == "choose":
            return self._chosen(known, *args)
        by = {"add": operator.add, "mul": operator.mul, "div": operator.truediv}[name]
        found: Interval = by(*(known[a] for a in args))
        return found

    def _chosen(
        self, known: dict[int, Interval], strict: bool, lhs: int, rhs: int, a: int, b: int
    ) -> Interval:
        """Return one of two values, by a comparison that has to be the same for all members."""
        x, z = known[lhs], known[rhs]
        above, below = x.lo > z.hi if strict else x.lo >= z.hi, x.hi < z.lo
        if not np.all(above | below):
            raise Undecided(f"whether {x} >= {z}, a branch of the function, differs among members")
        first, second = known[a], known[b]
        return Interval(*(np.where(above, *ends) for ends in (
            (first.lo, second.lo), (first.hi, second.hi))))  # fmt: skip

    # -------------------------------------------------------------- code
    def _write(self) -> tuple[Any, Code]:
        f = Function(UNIT)
        Writing(f, self).all()
        text = f.text()
        return f.size + WIDTH, Code(text)


def _decide(op: str, x: Interval, z: Interval, was: bool) -> None:
    """Raise Undecided unless a comparison has the outcome it had, for all boxes."""
    sides = {">": (z, x), ">=": (z, x), "<": (x, z), "<=": (x, z)}
    low, high = sides[op] if was else sides[op][::-1]
    strict = (op in "<>") == was
    if not np.all(low.hi < high.lo if strict else low.hi <= high.lo):
        raise Undecided(f"a branch of the function: {x} {op} {z} is not the same for all members")


def has_kernel(row: Elementary, kernels: Kernels) -> bool:
    """Whether code has the value of a function of the table."""
    return row.own and row.name in kernels


def _early(s: Scalars, last: Sequence[int]) -> list[int]:
    """Return the operations whose values Python computes: those, and what they need."""
    wanted, stack = set(), [*last]
    while stack:
        i = stack.pop()
        if i not in wanted and s.code[i][0] != "input":
            wanted.add(i)
            stack += reads(s.code[i])
    return sorted(wanted)


class Writing:
    """Writes the step rules of all operations, degree by degree."""

    def __init__(self, f: Function, jets: Jets) -> None:
        self.f, self.jets, self.order = f, jets, jets.order
        self.code, self.heights = jets.scalars.code, jets.heights
        self.head = f.allocate(HEAD)
        self.start = f.allocate(len(self.code) * jets.room)
        weighted = {a for op in self.code if op[0] == "row" for a, _ in op[2]}
        weighted |= {i for i, op in enumerate(self.code) if op[0] == "row" and self.heights[op[3]]}
        self.weighted = {i: f.allocate(jets.room) for i in sorted(weighted)}  # k·a_k

    def all(self) -> None:
        """Write the whole function."""
        f = self.f
        self.flag = f.address("%data", [], self.head)
        f.store(f.constant(0.0, UNIT), self.flag)
        small = [h for h in self.heights if h <= FEW]
        stop = self.order + (not self.jets.state)  # the last one of a state is known before
        written_out = min(max(small, default=0) + 1, stop)
        for k in range(written_out):
            self.degree(k)
        if written_out < stop:
            with f.loop(written_out, stop) as loop:
                self.degree(loop.index)

    def degree(self, k: Index) -> None:
        """Write coefficient k of everything."""
        f = self.f
        for i, (name, *args) in enumerate(self.code):
            if isinstance(k, int) and k > self.heights[i]:
                continue
            if not isinstance(k, int) and self.heights[i] <= FEW:  # written out before
                continue
            rule: Callable[..., Bounds | None] = getattr(self, f"_{name}")
            y = rule(i, k, *args)
            if y is not None:
                self.put(self.table(i), k, y)
            if i in self.weighted and k != 0 and not (name == "row" and self.heights[args[2]]):
                a = self.at(i, k)
                self.put(self.weighted[i], k, a.multiple(self.number(k)))
            f.pause()
        self.shift(k)

    def shift(self, k: Index) -> None:
        """Write y_{k+1} = f_k/(k + 1)."""
        above = k + 1 if isinstance(k, int) else self.f.whole("add", k, 1)
        by = self.number(above)
        for i, slope in zip(self.jets.state, self.jets.slopes, strict=True):
            y = self.at(slope, k).part(by) if self.reaches(slope, k) else self.constant(0.0, 0.0)
            self.put(self.table(i), above, y)

    # -------------------------------------------------------------- coefficients
    def table(self, i: int) -> int:
        """Return where the coefficients of an operation lie."""
        return self.start + i * self.jets.room

    def constant(self, lo: float, hi: float) -> Bounds:
        f = self.f
        return Bounds(f.constant(lo, UNIT), f.constant(hi, UNIT))

    def number(self, k: Index) -> Scalar:
        """Return a degree."""
        f = self.f
        return f.constant(float(k), UNIT) if isinstance(k, int) else f.splat(f.real(k), UNIT)

    def at(self, i: int, k: Index) -> Bounds:
        """Return coefficient k of an operation."""
        if self.code[i][0] == "const":
            return self.constant(*self.code[i][1:])
        return self.read(self.table(i), k)

    def read(self, table: int, k: Index) -> Bounds:
        f = self.f
        lo, hi = (f.load(f.address("%data", [(k, 2)], table + n)) for n in (0, 1))
        return Bounds(lo, hi)

    def put(self, table: int, k: Index, y: Bounds) -> None:
        f = self.f
        for n, x in enumerate(y):
            f.store(x, f.address("%data", [(k, 2)], table + n))
        f.store(y.lost(f.load(self.flag)), self.flag)

    def sum(
        self,
        tables: tuple[int, int],
        heights: tuple[int, int],
        k: Index,
        first: int,
        last: int,
        start: Bounds | None,
    ) -> Bounds | None:
        """Return start + Σ x_j y_{k-j} over first <= j <= k - last, of tables."""
        f, (x, y), (hx, hy) = self.f, tables, heights
        if isinstance(k, int):
            total = start
            for j in range(max(first, k - hy), min(k - last, hx) + 1):
                total = self.read(x, j).times(self.read(y, k - j), total)
            return total
        low: Index = first if hy >= self.order else f.whole("sub", k, hy)
        stop: Index = f.whole("sub", k, last - 1) if hx >= self.order else hx + 1
        places = [f.address("%data", [], table) for table in tables]
        begin = start or self.constant(0.0, 0.0)
        given: list[Scalar | str] = [*places, *map(f.index, (low, stop, k)), *begin]
        terms = f.whole("add", f.whole("sub", stop, low), int(start is not None))
        low_sum, high_sum, size = f.run(self.convolution(), given, [type_of(UNIT)] * 3)
        return summed(low_sum, high_sum, size, self.number(terms))

    def convolution(self) -> str:
        """Write, once, the function of total + Σ x_j y_{k-j} over low <= j < stop; return its name.

        Written out for every sum it would be most of the code.  The ends are rounded to the
        nearest; the third result is the sum of their sizes (`bounds.summed`).
        """
        f, name = self.f, "convolution"
        if name in f.helpers:
            return name
        number, vector = dict.fromkeys(("%low", "%stop", "%k"), "i64"), type_of(UNIT)
        arguments = {"%x": "ptr", "%y": "ptr", **number, "%lo": vector, "%hi": vector}
        with f.function(name, arguments) as g:

            def at(table: str, j: Index) -> Bounds:
                places = (g.address(table, [(j, 2 * UNIT)], n * UNIT) for n in (0, 1))
                return Bounds(*(g.load(place, UNIT) for place in places))

            def added(j: str, totals: list[Scalar]) -> Sequence[Scalar]:
                low, high = at("%x", j).product(at("%y", g.whole("sub", "%k", j)))
                lo, hi, size = totals
                return lo + low, hi + high, size + most([-low, high])

            lo, hi = (Scalar(g, end, UNIT) for end in ("%lo", "%hi"))
            g.results = g.fold("%low", "%stop", [lo, hi, most([-lo, hi])], added, maybe=True)
        return name

    # -------------------------------------------------------------- rules
    def _input(self, i: int, k: Index) -> Bounds | None:
        return self.constant(1.0, 1.0) if i == self.jets.time and k == 1 else None

    def _const(self, i: int, k: Index, lo: float, hi: float) -> Bounds | None:
        return None

    def _local(self, i: int, k: Index, name: str, a: int) -> Bounds | None:
        return None

    def _coef(self, i: int, k: Index, c: int, n: int) -> Bounds | None:
        return None

    def _rise(self, i: int, k: Index, a: int) -> Bounds:
        return self.at(a, k) if k != 0 and self.reaches(a, k) else self.constant(0.0, 0.0)

    def _add(self, i: int, k: Index, a: int, b: int) -> Bounds:
        parts = [self.at(x, k) for x in (a, b) if self.reaches(x, k)]
        return parts[0] + parts[1] if len(parts) == 2 else parts[0]

    def reaches(self, a: int, k: Index) -> bool:
        """Whether coefficient k of an operation may not be zero."""
        h = self.heights[a]
        return k <= h if isinstance(k, int) else h >= self.order

    def _scale(self, i: int, k: Index, a: int, lo: float, hi: float) -> Bounds:
        x = self.at(a, k)
        if lo == hi and abs(lo) in (1.0, 2.0):  # without rounding
            y = Bounds(x.lo * abs(lo), x.hi * abs(lo))
            return y if lo > 0 else -y
        return x.times(self.constant(lo, hi))

    def _mul(self, i: int, k: Index, a: int, b: int) -> Bounds:
        if k == 0:
            return self.at(a, 0).square() if a == b else self.at(a, 0).times(self.at(b, 0))
        for x, c in ((a, b), (b, a)):
            if self.heights[c] == 0:
                return self.at(x, k).times(self.at(c, 0))
        y = self.sum(
            (self.table(a), self.table(b)), (self.heights[a], self.heights[b]), k, 0, 0, None
        )
        assert y is not None
        return y

    def _power(self, i: int, k: Index, a: int, n: int) -> Bounds:
        return power(self.at(a, 0), n)

    def _value(self, i: int, k: Index, name: str, args: Sequence[int]) -> Bounds:
        return VALUES[name](*(self.at(a, 0) for a in args))

    def _choose(self, i: int, k: Index, strict: bool, lhs: int, rhs: int, a: int, b: int) -> Bounds:
        x, z, nan = self.at(lhs, 0), self.at(rhs, 0), self.f.constant(float("nan"))
        above, below = (x.lo > z.hi if strict else x.lo >= z.hi), x.hi < z.lo
        zero = self.constant(0.0, 0.0)
        sides = (self.at(c, k) if self.reaches(c, k) else zero for c in (a, b))
        return Bounds(*(above.where(c, below.where(d, nan)) for c, d in zip(*sides, strict=True)))

    def _div(self, i: int, k: Index, a: int, b: int) -> Bounds:
        x = -self.at(a, k) if self.reaches(a, k) else None
        if k != 0 and self.heights[b]:
            tables = self.table(b), self.table(i)
            x = self.sum(tables, (self.heights[b], self.order), k, 1, 0, x)
        return (-x if x is not None else self.constant(0.0, 0.0)).over(self.at(b, 0))

    def kernel(self, i: int, args: Sequence[int]) -> Bounds | None:
        """Return the value of a row, which Python gives where there is no kernel."""
        if i in self.jets.asked:
            return None
        return FUNCTIONS[self.jets.scalars.rows[i].name](*(self.at(a, 0) for a in args))

    def _row(self, i: int, k: Index, args: Any, pairs: Any, p: int) -> Bounds | None:
        if k == 0:
            return self.kernel(i, args)
        s: Bounds | None = None
        if self.heights[p]:
            dy = self.weighted[i]
            s = self.sum((self.table(p), dy), (self.heights[p], self.order), k, 1, 1, None)
            s = None if s is None else -s
        for a, q in pairs:
            if self.heights[a] == 0:
                continue
            da = self.weighted[a]
            if self.heights[q] == 0:
                if self.reaches(a, k):
                    s = self.read(da, k).times(self.at(q, 0), s)
                continue
            s = self.sum((da, self.table(q)), (self.heights[a], self.heights[q]), k, 1, 0, s)
        if s is None:
            s = self.constant(0.0, 0.0)
        if self.code[p] != ("const", 1.0, 1.0):
            s = s.over(self.at(p, 0))
        if self.heights[p]:
            self.put(self.weighted[i], k, s)
        return s.part(self.number(k))
