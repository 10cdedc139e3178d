"""Values of a recorded function on many boxes, as machine code: searches look at levels of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.core.calls import Row
from taylor.core.conditions import COMPARISONS
from taylor.core.functions import absolute, maximum, minimum, power, reciprocal, square
from taylor.core.program import Program
from taylor.llvm.bounds import Bounds
from taylor.llvm.enclosures import VALUES
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH, Index
from taylor.llvm.jit import Code
from taylor.numbers.kinds import Array, Shape
from taylor.verified.batches import UNIT, through
from taylor.verified.interval import CERTAIN, OPPOSITE, Interval
from taylor.verified.jets import Jets, Writing, has_kernel
from taylor.verified.scalars import scalars

GROUPS = 64  # vectors of boxes in a call
LONGEST = 400  # operations whose registers are worth a function
SMOOTH = {absolute, maximum, minimum, power, reciprocal, square}  # of composed rows


class Levels(Jets):
    """The outputs of a program of one array, on many boxes.

    Of a `smooth` program boxes on which something may jump have no bounds.
    """

    kernels = VALUES

    def __init__(self, program: Program, smooth: bool) -> None:
        rows = [i.op.row for i in program.code if isinstance(i.op, Row)]
        if smooth and any(r.jumps or (r.compose and r not in SMOOTH) for r in rows):
            raise TypeError("a function may jump")
        s = scalars(program, values=True)
        if len(s.code) > LONGEST:
            raise TypeError("a function of many operations, which is slow to compile")
        if not all(has_kernel(row, VALUES) for row in s.rows.values()):
            raise TypeError("a function of the table by balls, next to which all else is quick")
        self.shapes: list[Shape] = [program.code[i].shape for i in program.outputs]
        self.time, self.state, self.slopes = -1, [], []
        self.wanted = s.outputs + [i for _, a, b, _ in s.guards for i in (a, b)]
        self.read = s.inputs
        self._make(s, 0, read=self.wanted)

    def through(self, x: Interval) -> tuple[list[Interval], Any, Any, Any]:
        """Return the outputs on boxes, rows of ends, and where they hold.

        And where another branch is taken, and where the code found no bounds.
        """
        lanes = len(x)
        ends = [end for n in range(x.shape[1]) for end in (x.lo[:, n], x.hi[:, n])]
        found = through(self.code, self._data(), GROUPS, ends, 1 + 2 * len(self.wanted))
        lost = ~np.isfinite(found[0])
        bounds = {i: found[1 + 2 * n : 3 + 2 * n] for n, i in enumerate(self.wanted)}
        outputs, start = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape))
            some = found[1 + 2 * start : 1 + 2 * (start + size)].reshape(size, 2, lanes)
            low, high = (some[:, n].T.reshape(lanes, *shape) for n in (0, 1))
            outputs.append(Interval._make(low, high))
            start += size
        same, other = ~lost, np.zeros(lanes, dtype=bool)
        for op, left, right, was in self.scalars.guards:
            holds, fails = _certain(op, bounds[left], bounds[right], was, left == right)
            same, other = same & holds, other | (fails & ~lost)
        return outputs, same, other, lost

    def _write(self) -> tuple[Any, Code]:
        f = Function(UNIT)
        f.allocate(1 + GROUPS * (2 * len(self.read) + 1 + 2 * len(self.wanted)))
        with f.loop(0, f.word(f.address("%data", [], 0), "i64")) as loop:
            _Level(f, self).all_of(self.read, loop.index)
        text = f.text()
        return f.size + WIDTH, Code(text)


class _Level(Writing):
    """Writes the values of all operations of one group of boxes, in registers."""

    def __init__(self, f: Function, levels: Levels) -> None:
        self.f, self.jets, self.order = f, levels, 0
        self.code, self.heights = levels.scalars.code, levels.heights
        self.levels, self.found = levels, dict[int, Bounds]()
        self.lost = f.constant(0.0, UNIT)

    def all_of(self, given: Sequence[int], group: Index) -> None:
        """Write what is computed of what is given, and stored behind it."""
        f = self.f

        def place(row: int) -> str:
            return f.address("%data", [(group, 1)], 1 + row * GROUPS)

        for n, i in enumerate(given):
            lo, hi = (f.load(place(2 * n + k)) for k in (0, 1))
            self.found[i] = Bounds(lo, hi)
        for i, (name, *args) in enumerate(self.code):
            if i not in self.found and name != "const":
                y = getattr(self, f"_{name}")(i, 0, *args)
                self.lost = y.lost(self.lost)
                self.found[i] = y
        f.store(self.lost, place(2 * len(given)))
        for n, i in enumerate(self.levels.wanted):
            for k, end in enumerate(self.at(i, 0)):
                f.store(end, place(2 * (len(given) + n) + 1 + k))

    def at(self, i: int, k: Index) -> Bounds:
        return super().at(i, k) if self.code[i][0] == "const" else self.found[i]


def _certain(op: str, x: Array, y: Array, was: bool, itself: bool) -> tuple[Any, Any]:
    """Return where a comparison has the outcome it had, and where certainly the other one."""
    if itself:  # that it is a number
        holds = np.full(x.shape[1], bool(COMPARISONS[op](0.0, 0.0)) == was)
        return holds, ~holds
    by = COMPARISONS[op]
    yes, no = (
        CERTAIN[by]((x[0], x[1]), (y[0], y[1])),
        CERTAIN[OPPOSITE[by]]((x[0], x[1]), (y[0], y[1])),
    )
    return (yes, no) if was else (no, yes)
