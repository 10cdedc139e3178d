"""Series of intervals through a recorded function of one number, as machine code."""

from __future__ import annotations

import numpy as np

from taylor.core.calls import Integral, Row
from taylor.core.program import Program, expand
from taylor.llvm.enclosures import FUNCTIONS
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH, Index
from taylor.llvm.jit import Code
from taylor.numbers.kinds import Array
from taylor.verified.batches import UNIT, through
from taylor.verified.boxes import run
from taylor.verified.interval import Interval, Sets
from taylor.verified.jets import Jets, Writing
from taylor.verified.scalars import scalars

GROUPS = 32  # groups of boxes in a call


class Series(Jets):
    """The coefficients of f(x) up to an order, for any number of boxes.

    x is the variable itself, x_0 + t, or (`variable` false) any series.
    """

    kernels = FUNCTIONS

    def __init__(self, program: Program, order: int, variable: bool) -> None:
        rules = [i.op.row for i in expand(program).code if isinstance(i.op, Integral)]
        if any(r.polar is not None and r.polar < 1 and not r.split for r in rules):
            raise TypeError("an angle has an equation in phases, which gives narrower bounds")
        s = scalars(expand(program, exact=True), order)
        if s.guards or any(name == "choose" for name, *_ in s.code):
            raise TypeError("which branch is taken may differ among the boxes")
        rows = [i.op.row for i in program.code if isinstance(i.op, Row)]
        self.values = program if any(row.compose is not None for row in rows) else None
        (self.given,), (self.result,) = s.inputs, s.outputs
        self.time, self.state, self.slopes = self.given if variable else -1, [], []
        self._make(s, order, read=[self.given, self.result])

    def through(self, x: Interval) -> Interval | None:
        """Return f(x) for coefficients of shape (order + 1, boxes); None without finite bounds.

        Of a variable coefficient 0 is enough.
        """
        boxes = x.shape[1]
        known = {self.given: x[0]}
        if self.early:
            with np.errstate(all="ignore"):
                for i in self.early:
                    known[i] = self._value(i, known)
        ends = [end for i in (self.given, *self.asked) for end in known[i]._ends]
        rows = [end if np.shape(end) else np.full(boxes, end) for end in ends]
        if self.time < 0:
            rows += [end for k in range(1, self.order + 1) for end in (x.lo[k], x.hi[k])]
        found = through(self.code, self._data(), GROUPS, rows, self.stored)
        if not np.isfinite(found[0]).all():
            return None
        low, high = self._table(found[1:].reshape(-1, 2, boxes))
        if self.values is not None:  # of a power they are narrower than those of products
            value = Interval.of(run(self.values, [x[0]], boxes)[0][0])
            low[0], high[0] = np.maximum(low[0], value.lo), np.minimum(high[0], value.hi)
        return Interval._make(low, high)

    @property
    def stored(self) -> int:
        """Rows that the code stores."""
        constant = self.scalars.code[self.result][0] == "const"
        return 1 if constant else 1 + 2 * (self.heights[self.result] + 1)

    def _table(self, found: Array) -> tuple[Array, Array]:
        """Return the ends of all coefficients of the result."""
        low, high = np.zeros((2, self.order + 1, found.shape[2]))
        if len(found):
            low[: len(found)], high[: len(found)] = found[:, 0], found[:, 1]
        else:
            low[0], high[0] = self.scalars.code[self.result][1:]
        return low, high

    def _write(self) -> tuple[int, Code]:
        f = Function(UNIT)
        rows = 2 * (1 + len(self.asked)) + (self.time < 0) * 2 * self.order + self.stored
        f.allocate(1 + GROUPS * rows)
        writing, given = Writing(f, self), (self.given, *self.asked)
        with f.loop(0, f.word(f.address("%data", [], 0), "i64")) as loop:

            def copied(row: Index, table: int, k: Index, back: bool = False) -> None:
                """Write coefficient k of a table from two rows, or to them."""
                for n in (0, 1):
                    outer = f.address("%data", [(loop.index, 1), (row, GROUPS)], 1 + n * GROUPS)
                    inner = f.address("%data", [(k, 2)], table + n)
                    f.store(f.load(inner if back else outer), outer if back else inner)

            for n, i in enumerate(given):
                copied(2 * n, writing.table(i), 0)
            if self.time < 0 and self.order:
                with f.loop(1, self.order + 1) as each:
                    row = f.whole("add", f.whole("mul", each.index, 2), 2 * len(given) - 2)
                    copied(row, writing.table(self.given), each.index)
            writing.all()
            flag = rows - self.stored
            f.store(f.load(writing.flag), f.address("%data", [(loop.index, 1)], 1 + flag * GROUPS))
            if self.stored > 1:
                with f.loop(0, self.stored // 2) as each:
                    row = f.whole("add", f.whole("mul", each.index, 2), flag + 1)
                    copied(row, writing.table(self.result), each.index, back=True)
        text = f.text()
        return f.size + WIDTH, Code(text)


Sets.series = Series
