"""Many trajectories in the lanes of machine code: a lane that is done takes the next one at once.

A trajectory is a record of numbers: the head of `machine` up to LENGTH, y, its lower parts, and the
parameters.
"""

from __future__ import annotations

import ctypes

import numpy as np

from taylor.jit import Code
from taylor.llvm.machine import block
from taylor.ode.machine import GO, IDLE, LENGTH, LIMIT, STATUS, Array, Machine
from taylor.program import Program

# Two vectors hide the latency of a multiply-add; where they do not stay in the cache, one
UNIT, CACHE = 16, 1 << 18


class Lanes(Machine):
    """y' = f(t, y) of one program and one order, for many trajectories at a time."""

    def __init__(
        self, program: Program, order: int, factor: float, unit: int | None = None
    ) -> None:
        super().__init__(program, order, factor, unit or UNIT)
        if unit is None and 8 * self.size * self.unit > CACHE:
            super().__init__(program, order, factor, UNIT // 2)

    @property
    def head(self) -> int:
        """Where y begins in a record."""
        return LENGTH + 1

    @property
    def record(self) -> int:
        """Numbers of a record."""
        return len(self._rows())

    def _rows(self) -> list[int]:
        """Return where in memory the numbers of a record lie."""
        rows = list(range(self.head))
        rows += range(self.places[1], self.places[1] + self.components)
        rows += range(self.low, self.low + self.components)
        for place, shape in zip(self.places[2:], self.shapes[2:], strict=True):
            rows += range(place, place + int(np.prod(shape, dtype=int)))
        return rows

    def _compiled(self, text: str) -> Code:
        return Code(text + _refilled(self._rows(), self.unit))

    def run(self, records: Array, members: Array) -> None:
        """Step some of the records, in place, until END, a failure, or LIMIT steps."""
        lanes = np.full(self.unit, -1)
        members = np.ascontiguousarray(members, dtype=np.int64)
        given = block(self.size * self.unit), records, lanes, members
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in given]
        self.code.tiles(*pointers, self.record, 0, len(members))


def _refilled(rows: list[int], unit: int) -> str:
    """Return the text of `@tiles`, which runs `@f` on members from..to of a list of records.

    Whenever a lane has stopped its record is written back, and the next one takes the lane.
    """

    def moves(name: str, before: str, member: str, load: bool) -> str:
        """Return a loop over the numbers of a record, from or to the lane."""
        source, target = ("r", "d") if load else ("d", "r")
        return f"""
{name}:
  %{name}i = phi i64 [0, %{before}], [%{name}n, %{name}]
  %{name}p = getelementptr i64, ptr @rows, i64 %{name}i
  %{name}a = load i64, ptr %{name}p
  %{name}b = mul i64 %{name}a, {unit}
  %{name}d = getelementptr double, ptr %column, i64 %{name}b
  %{name}s = mul i64 {member}, %length
  %{name}t = add i64 %{name}s, %{name}i
  %{name}r = getelementptr double, ptr %records, i64 %{name}t
  %{name}v = load double, ptr %{name}{source}
  store double %{name}v, ptr %{name}{target}
  %{name}n = add i64 %{name}i, 1
  %{name}c = icmp slt i64 %{name}n, %length
  br i1 %{name}c, label %{name}, label %{"next" if load else "fill"}"""

    table = ", ".join(f"i64 {row}" for row in rows)
    arrays = "ptr noalias %data, ptr noalias %records, ptr noalias %lanes, ptr noalias %members"
    return f"""
@rows = private constant [{len(rows)} x i64] [{table}]
define void @tiles({arrays}, i64 %length, i64 %from, i64 %to) {{
entry:
  br label %lane
lane:
  %l = phi i64 [0, %entry], [0, %run], [%following, %next]
  %m = phi i64 [%from, %entry], [%waiting, %run], [%waiting, %next]
  %b = phi i64 [0, %entry], [0, %run], [%busy, %next]
  %column = getelementptr double, ptr %data, i64 %l
  %state = getelementptr double, ptr %column, i64 {STATUS * unit}
  %slot = getelementptr i64, ptr %lanes, i64 %l
  %owner = load i64, ptr %slot
  %taken = icmp sge i64 %owner, 0
  br i1 %taken, label %look, label %fill
look:
  %status = load double, ptr %state
  %left = getelementptr double, ptr %column, i64 {LIMIT * unit}
  %limit = load double, ptr %left
  %go = fcmp oeq double %status, {float(GO)}
  %more = fcmp ogt double %limit, 0.0
  %on = and i1 %go, %more
  br i1 %on, label %next, label %save{moves("save", "look", "%owner", False)}
fill:
  %any = icmp slt i64 %m, %to
  br i1 %any, label %take, label %idle
take:
  %chosen = getelementptr i64, ptr %members, i64 %m
  %member = load i64, ptr %chosen
  store i64 %member, ptr %slot
  %rest = add i64 %m, 1
  br label %load{moves("load", "take", "%member", True)}
idle:
  store i64 -1, ptr %slot
  store double {float(IDLE)}, ptr %state
  br label %next
next:
  %waiting = phi i64 [%m, %look], [%rest, %load], [%m, %idle]
  %one = phi i64 [1, %look], [1, %load], [0, %idle]
  %busy = add i64 %b, %one
  %following = add i64 %l, 1
  %through = icmp slt i64 %following, {unit}
  br i1 %through, label %lane, label %all
all:
  %some = icmp sgt i64 %busy, 0
  br i1 %some, label %run, label %end
run:
  call void @f(ptr %data)
  br label %lane
end:
  ret void
}}
"""
