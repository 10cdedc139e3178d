"""Series of intervals through a recorded function of one number, as machine code."""

from __future__ import annotations

import numpy as np

from taylor.core.calls import Integral, Row
from taylor.core.program import Program, expand
from taylor.llvm.jit import address
from taylor.numbers.kinds import Array
from taylor.verified.boxes import run
from taylor.verified.interval import Interval
from taylor.verified.jets import HEAD, UNIT, Jets, aligned
from taylor.verified.scalars import scalars

AT_ONCE = 32  # groups of boxes whose tables are in memory together


class Series(Jets):
    """The coefficients of f(x) up to an order, for any number of boxes.

    x is the variable itself, x_0 + t, or (`variable` false) any series.
    """

    kernels = True

    def __init__(self, program: Program, order: int, variable: bool) -> None:
        if any(isinstance(i.op, Integral) and i.op.polar is not None for i in expand(program).code):
            raise TypeError("a function has an equation in phases, which gives narrower bounds")
        s = scalars(expand(program, exact=True))
        if s.guards or any(name == "choose" for name, *_ in s.code):
            raise TypeError("which branch is taken may differ among the boxes")
        rows = [i.op.row for i in program.code if isinstance(i.op, Row)]
        self.values = program if any(row.compose is not None for row in rows) else None
        (self.given,), (self.result,) = s.inputs[0], s.outputs[0]
        self.time, self.state, self.slopes = self.given if variable else -1, [], []
        self._make(s, order)

    def through(self, x: Interval) -> Interval | None:
        """Return f(x) for coefficients of shape (order + 1, boxes); None without finite bounds."""
        boxes = x.shape[1]
        known = {self.given: x[0]}
        with np.errstate(all="ignore"):
            for i in self.early:
                known[i] = self._value(i, known)
        first = [(i, np.broadcast_to([known[i].lo, known[i].hi], (2, boxes))) for i in self._heads]
        if not all(np.isfinite(ends).all() for _, ends in first):
            return None
        found = np.empty((2, self.order + 1, boxes))
        for start in range(0, boxes, UNIT * AT_ONCE):
            lanes = np.arange(start, min(start + UNIT * AT_ONCE, boxes))
            table = self._some(lanes, first, x)
            if table is None:
                return None
            found[..., lanes] = table
        if self.values is not None:  # of a power they are narrower than those of products
            value = Interval.of(run(self.values, [x[0]], boxes)[0][0])
            found[0, 0] = np.maximum(found[0, 0], value.lo)
            found[1, 0] = np.minimum(found[1, 0], value.hi)
        return Interval(found[0], found[1])

    @property
    def _heads(self) -> list[int]:
        """Operations of which coefficient 0 is given."""
        return [self.given, *self.asked]

    def _some(self, lanes: Array, first: list[tuple[int, Array]], x: Interval) -> Array | None:
        """Return the ends of the coefficients in some lanes."""
        groups = -(-len(lanes) // UNIT)
        data = self._data()[: groups * self.size].reshape(groups, self.size, UNIT)
        last = np.repeat(lanes[-1:], groups * UNIT - len(lanes))
        at = np.append(lanes, last).reshape(groups, UNIT)
        for i, ends in first:
            place = HEAD + i * self.room
            data[:, place : place + 2] = ends[:, at].swapaxes(0, 1)
        if self.time < 0:
            place = HEAD + self.given * self.room
            for n, end in enumerate((x.lo, x.hi)):
                data[:, place + n : place + self.room : 2] = end[:, at].swapaxes(0, 1)
        for group in data:
            self.code.call(address(group))
        return self._result(data, len(lanes)) if np.isfinite(data[:, 0]).all() else None

    def _data(self) -> Array:
        """Return the memory of a thread."""
        found: Array | None = getattr(self.local, "data", None)
        if found is None:
            found = self.local.data = aligned(AT_ONCE * self.size, UNIT)
        return found

    def _result(self, data: Array, boxes: int) -> Array:
        """Return the ends of the coefficients of the result."""
        name, *c = self.scalars.code[self.result]
        if name == "const":
            found = np.zeros((2, self.order + 1, boxes))
            found[:, 0] = np.reshape(c, (2, 1))
            return found
        place = HEAD + self.result * self.room
        table = data[:, place : place + self.room].reshape(len(data), self.order + 1, 2, UNIT)
        found = table.transpose(2, 1, 0, 3).reshape(2, self.order + 1, -1)[..., :boxes]
        found[:, self.heights[self.result] + 1 :] = 0.0
        return found
