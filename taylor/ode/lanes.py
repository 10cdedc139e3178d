"""Many trajectories in the lanes of machine code: a lane that is done takes the next one at once.

A trajectory is a record of numbers: the head of `machine`, y, its lower parts, and the parameters.
In the head, TIMES points to the time it goes to, and LOG to where the state there is put.
"""

from __future__ import annotations

import ctypes
import functools
import math
from typing import Any

import numpy as np

from taylor.core.program import Program
from taylor.llvm.jit import Code
from taylor.machine.machine import block
from taylor.ode.machine import DONE, END, GO, HEAD, IDLE, LIMIT, LOG, STATUS, TIMES, Machine

Array = Any
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

    def records(self, n: int) -> tuple[Array, Array, Array, Array]:
        """Return n records of zeros, and the views of y, its lower parts and the parameters."""
        rows = np.zeros((n, len(self._rows())))
        y, low, parameters = np.split(rows[:, HEAD:], [self.components, 2 * self.components], 1)
        return rows, y, low, parameters

    def _rows(self) -> list[int]:
        """Return where in memory the numbers of a record lie."""
        rows = list(range(HEAD))
        rows += range(self.places[1], self.places[1] + self.components)
        rows += range(self.low, self.low + self.components)
        for place, shape in zip(self.places[2:], self.shapes[2:], strict=True):
            rows += range(place, place + math.prod(shape))
        return rows

    def _compiled(self, text: str) -> Code:
        return Code(text + _refilled(self._rows(), self.unit, self.components))

    def run(self, records: Array, times: Array, column: Array, found: Array) -> Exception | None:
        """Step records to all times, until they fail or have taken LIMIT steps.

        Returns the first exception that Python raised meanwhile; its record has failed.
        `column` holds for each record the number of times it has reached, `found`, of shape
        (records, times, components), the states there; all of them are changed in place.
        """
        ends, pointers = np.append(times, np.nan), records.view(np.int64)
        reached = np.arange(len(records)) * len(times) + column
        pointers[:, TIMES] = ends.ctypes.data + 8 * column
        pointers[:, LOG] = found.ctypes.data + 8 * found.shape[2] * reached
        records[:, END] = ends[column]
        lanes = np.full(self.unit, -1)
        data = block(self.size * self.unit)
        calls = self.calls(data)
        addresses = [ctypes.c_void_p(a.ctypes.data) for a in (data, records, lanes)]
        tiles = self.code.tiles if calls is None else functools.partial(calls.run, self.code.tiles)
        error = tiles(*addresses, None, records.shape[1], 0, len(records))
        column[:] = (pointers[:, TIMES] - ends.ctypes.data) // 8
        return error


def _refilled(rows: list[int], unit: int, components: int) -> str:
    """Return the text of `@tiles`, which runs `@f` on the records from..to.

    A lane that has reached its time goes on to the next one; nan is after the last.  Whenever a
    lane has stopped its record is written back, and the next one takes the lane.
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
    arrays = "ptr noalias %data, ptr noalias %records, ptr noalias %lanes, ptr %unused"
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
  %done = fcmp oeq double %status, {float(DONE)}
  br i1 %done, label %land, label %check
land:
  %log = getelementptr double, ptr %column, i64 {LOG * unit}
  %out = load ptr, ptr %log
  br label %copy
copy:
  %c = phi i64 [0, %land], [%cn, %copy]
  %cs = mul i64 %c, {unit}
  %ct = add i64 %cs, {rows[HEAD] * unit}
  %cy = getelementptr double, ptr %column, i64 %ct
  %cv = load double, ptr %cy
  %co = getelementptr double, ptr %out, i64 %c
  store double %cv, ptr %co
  %cn = add i64 %c, 1
  %cm = icmp slt i64 %cn, {components}
  br i1 %cm, label %copy, label %landed
landed:
  %after = getelementptr double, ptr %out, i64 {components}
  store ptr %after, ptr %log
  %times = getelementptr double, ptr %column, i64 {TIMES * unit}
  %now = load ptr, ptr %times
  %then = getelementptr double, ptr %now, i64 1
  store ptr %then, ptr %times
  %time = load double, ptr %then
  %last = fcmp uno double %time, %time
  br i1 %last, label %check, label %again
again:
  %end = getelementptr double, ptr %column, i64 {END * unit}
  store double %time, ptr %end
  store double {float(GO)}, ptr %state
  br label %check
check:
  %code = load double, ptr %state
  %left = getelementptr double, ptr %column, i64 {LIMIT * unit}
  %limit = load double, ptr %left
  %go = fcmp oeq double %code, {float(GO)}
  %more = fcmp ogt double %limit, 0.0
  %on = and i1 %go, %more
  br i1 %on, label %next, label %save{moves("save", "check", "%owner", False)}
fill:
  %any = icmp slt i64 %m, %to
  br i1 %any, label %take, label %idle
take:
  store i64 %m, ptr %slot
  %rest = add i64 %m, 1
  br label %load{moves("load", "take", "%m", True)}
idle:
  store i64 -1, ptr %slot
  store double {float(IDLE)}, ptr %state
  br label %next
next:
  %waiting = phi i64 [%m, %check], [%rest, %load], [%m, %idle]
  %one = phi i64 [1, %check], [1, %load], [0, %idle]
  %busy = add i64 %b, %one
  %following = add i64 %l, 1
  %through = icmp slt i64 %following, {unit}
  br i1 %through, label %lane, label %all
all:
  %some = icmp sgt i64 %busy, 0
  br i1 %some, label %run, label %out_of_work
run:
  call void @f(ptr %data)
  br label %lane
out_of_work:
  ret void
}}
"""
