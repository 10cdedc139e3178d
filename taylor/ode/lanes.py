"""Many trajectories in the lanes of machine code: a lane that is done takes the next one at once.

A trajectory is a record of numbers: the head of `machine`, y, its lower parts, the parameters, and
what no lane needs: how many times it has reached, and the states there.

Lanes that `log` write the series of every step, too, for who looks at them.
"""

from __future__ import annotations

import ctypes
import functools
import math
from typing import Any, NamedTuple

import numpy as np

from taylor.core.program import Program
from taylor.llvm.function import Function
from taylor.llvm.registers import Scalar
from taylor.machine.machine import block
from taylor.numbers.kinds import Array
from taylor.ode.machine import (
    ARRIVED,
    END,
    ERROR,
    GO,
    HEAD,
    IDLE,
    LAST,
    LAST_LOW,
    LENGTH,
    LIMIT,
    LOG,
    LOGGED,
    SERIES,
    STATUS,
    STEPS,
    TIMES,
    Stepper,
)
from taylor.ode.pieces import Pieces

# The head in a record; then where the state at its time is put, and where that time stands, with
# the next ones after it; where the next series is put, and how many steps have theirs
NAMES = (
    "t", "t_low", "end", "longest", "code", "steps", "limit", "floor", "length", "last", "last_low",
    "allowed", "worst", "watch", "check", "size", "error",
)  # fmt: skip
FOUND, GOALS = LOG, TIMES
# Two vectors hide the latency of a multiply-add; where they do not stay in the cache, one
UNIT, CACHE = 16, 1 << 18


class Logged(NamedTuple):
    """Steps of many trajectories: the lower parts of y at their starts, whose they are, log2 of
    their errors, and what Python raised.
    """

    pieces: Pieces
    low: Array
    owners: Array
    errors: Array
    raised: Exception | None


class Lanes(Stepper):
    """y' = f(t, y) of one program and one order, for many trajectories at a time."""

    def __init__(
        self, program: Program, order: int, factor: float, unit: int | None = None
    ) -> None:
        super().__init__(program, order, factor, unit or UNIT)
        if unit is None and 8 * self.size * self.unit > CACHE:
            super().__init__(program, order, factor, UNIT // 2)

    def _record(self) -> list[int]:
        """Return where in memory the numbers of a record lie."""
        rows = list(range(HEAD))
        rows += range(self.places[1], self.places[1] + self.components)
        for place in self.results[:2]:
            rows += range(place, place + self.components)
        for place, shape in zip(self.places[2:], self.inputs[2:], strict=True):
            rows += range(place, place + math.prod(shape))
        return rows

    def _logged_numbers(self) -> list[int]:
        """Return where the numbers of a series in the log lie, if there is a log."""
        return []

    def _body(self, f: Function, program: Program) -> None:
        super()._body(f, program)
        _refill(f, self._record(), self.components, self._logged_numbers())

    def run(self, rows: Array, kind: np.dtype[Any], times: Array) -> Exception | None:
        """Step records, the rows of an array, to all times, until they fail or have taken `limit`
        steps; they are changed in place.

        Returns the first exception that Python raised meanwhile; its record has failed.
        """
        records, ends = rows.view(kind)[:, 0], np.append(times, np.nan)
        column, found = records["column"], records["found"]
        here = found.ctypes.data + kind.itemsize * np.arange(len(rows))
        records["goal_at"] = ends.ctypes.data + 8 * column
        records["found_at"] = here + 8 * found.shape[2] * column
        records["end"] = ends[column]
        owners = np.append(np.full(self.unit, -1), 0)
        data = block(self.size * self.unit)
        calls = self.calls(data)
        addresses = [ctypes.c_void_p(a.ctypes.data) for a in (data, rows, owners)]
        tiles = self.code.tiles if calls is None else functools.partial(calls.run, self.code.tiles)
        error = tiles(*addresses, None, rows.shape[1], 0, len(rows))
        records["column"] = (records["goal_at"] - ends.ctypes.data) // 8
        return error


class LoggingLanes(Lanes):
    """Lanes that write a log: whose steps are returned."""

    def _logged_numbers(self) -> list[int]:
        """Return where the numbers of a series in the log lie."""
        start, count = self.places[1] + self.components, self.order * self.components
        low, old = (range(r, r + self.components) for r in self.results[:2])
        return [LAST, LAST_LOW, LENGTH, ERROR, *low, *old, *range(start, start + count)]

    def _step(self, f: Function, *given: Any) -> Scalar:
        """Write a step; its series is read before there is another."""
        going = super()._step(f, *given)
        return going & ~going

    def logged(self, rows: Array, kind: np.dtype[Any], times: Array, limits: Array) -> Logged:
        """Take so many steps of each at most, and return them."""
        records, width, n = rows.view(kind)[:, 0], len(self._logged_numbers()), len(rows)
        most = int(limits.max())
        series = np.empty((n, most, width))
        records["series_at"] = series.ctypes.data + 8 * most * width * np.arange(n)
        records["logged"], records["limit"] = records["steps"], limits + 1
        records["check"] = 0.0
        before, lows = records["steps"].copy(), records["y_low"].copy()
        raised = self.run(rows, kind, times)
        counts = (records["steps"] - before).astype(int)
        taken = np.arange(most) < counts[:, None]
        # the error of a step, and the lower part of y at its start, are known with its neighbours
        errors = np.concatenate([series[:, 1:, 3], np.zeros((n, 1))], axis=1)
        errors[np.arange(n), counts - 1] = records["error"]
        ends = 4 + self.components
        low = np.concatenate([lows[:, None], series[:, :-1, 4:ends]], axis=1)[taken]
        rows = series[taken]
        shape = self.inputs[1][1:]
        t, t_low, h = rows[:, :3].T
        coef = rows[:, ends:].reshape(-1, self.order + 1, *shape)
        pieces = Pieces(t, t_low, h, coef)
        return Logged(pieces, low, np.repeat(np.arange(n), counts), errors[taken], raised)


def record(
    components: int, parameters: int, times: int, number: Any = float, events: int = 0
) -> np.dtype[Any]:
    """Return the fields of a record; its `code` is a status of `machine`.

    Of each event it says how many there were, and when the last one was.
    """
    pointers = ("found_at", int), ("goal_at", int), ("series_at", int), ("logged", float)
    y, found = (number, (components,)), (number, (times, components))
    more = ("y", *y), ("y_low", *y), ("y_last", *y), ("parameters", float, (parameters,))
    heads = [(name, float) for name in NAMES]
    seen = ("count", float, (events,)), ("when", float, (events,))
    return np.dtype([*heads, *pointers, *more, ("column", int), *seen, ("found", *found)])


class Lane:
    """A lane of the tile, while code is written that refills it: where its numbers stand."""

    def __init__(self, g: Function, unit: int, lane: str) -> None:
        self.g, self.unit = g, unit
        self.column = g.address("%data", [(lane, 1)], 0)

    def at(self, n: int) -> str:
        """Return the address of number n of its record."""
        return self.g.address(self.column, [], n * self.unit)

    def head(self, n: int) -> Scalar:
        """Return number n of its record."""
        return self.g.load(self.at(n))

    def move(self, table: str, count: int, record: str, inward: bool) -> None:
        """Copy the numbers of a record into the lane, or back."""
        g = self.g
        first = g.whole("mul", record, "%length")
        with g.loop(0, count) as loop:
            here = g.address(self.column, [(g.entry(table, loop.index), self.unit)], 0)
            there = g.address("%records", [(first, 1), (loop.index, 1)], 0)
            g.store(*((g.load(there), here) if inward else (g.load(here), there)))

    def log(self, table: str, count: int) -> None:
        """Write the series of its last step to its log, unless it is there."""
        g = self.g
        steps = self.head(STEPS)
        with g.when(steps > self.head(LOGGED)):
            series = g.word(self.at(SERIES), "ptr")
            with g.loop(0, count) as loop:
                x = g.load(g.address(self.column, [(g.entry(table, loop.index), self.unit)], 0))
                g.store(x, g.address(series, [(loop.index, 1)], 0))
            g.write_word(g.address(series, [], count), self.at(SERIES), "ptr")
            g.store(steps, self.at(LOGGED))

    def land(self, row: int, components: int) -> None:
        """Keep the state it has reached, which begins in that row, and give it its next time."""
        g = self.g
        found = g.word(self.at(FOUND), "ptr")
        with g.loop(0, components) as loop:
            y = g.load(g.address(self.column, [(loop.index, self.unit)], row * self.unit))
            g.store(y, g.address(found, [(loop.index, 1)], 0))
        g.write_word(g.address(found, [], components), self.at(FOUND), "ptr")
        goal = g.address(g.word(self.at(GOALS), "ptr"), [], 1)
        g.write_word(goal, self.at(GOALS), "ptr")
        end = g.load(goal)
        with g.when(end.equals(end)):
            g.store(end, self.at(END))
            g.store(g.constant(GO), self.at(STATUS))


def _refill(f: Function, rows: list[int], components: int, series: list[int]) -> None:
    """Add the function `tiles`, which runs `f` on the records up to `stop`.

    A lane that has reached its time goes on to the next one; nan is after the last.  Whenever a
    lane has stopped its record is written back, and the next one takes the lane.  `owners` holds
    the record of each lane, -1 for none, and then the next record.
    """
    unit, table = f.unit, f.table(rows, "i32")
    places = f.table(series, "i32") if series else ""
    arguments = dict.fromkeys(("%data", "%records", "%owners", "%unused"), "ptr")
    arguments |= dict.fromkeys(("%length", "%first", "%stop"), "i64")
    with f.function("tiles", arguments, visible=True) as g, g.cycle() as cycle:

        def refilled(n: str, busy: list[Scalar]) -> list[Scalar]:
            lane = Lane(g, unit, n)
            slot, waiting = g.address("%owners", [(n, 1)], 0), g.address("%owners", [], unit)
            owner = g.word(slot, "i64")
            with g.when(g.less(-1, owner)):
                if series:
                    lane.log(places, len(series))
                with g.when(lane.head(STATUS).equals(ARRIVED)):
                    lane.land(rows[HEAD], components)
                going = lane.head(STATUS).equals(GO) & (lane.head(LIMIT) > 0.0)
                going = going | lane.head(STATUS).equals(ARRIVED)  # its last step is checked
                with g.when(~going):
                    lane.move(table, len(rows), owner, False)
                    g.write_word(-1, slot, "i64")
            with g.when(g.less(g.word(slot, "i64"), 0)):
                following = g.word(waiting, "i64")
                with g.when(g.less(following, "%stop")):
                    g.write_word(following, slot, "i64")
                    g.write_word(g.whole("add", following, 1), waiting, "i64")
                    lane.move(table, len(rows), following, True)
            idle = g.less(g.word(slot, "i64"), 0)
            with g.when(idle):
                g.store(g.constant(IDLE), lane.at(STATUS))
            one = g.select(idle, g.constant(0.0), g.constant(1.0))
            return [g.binary("fadd", busy[0], one)]

        (busy,) = g.fold(0, unit, [g.constant(0.0)], refilled)
        cycle.again = g.compare("ogt", busy, g.constant(0.0))
        with g.when(cycle.again):
            g.run("f", ["%data"], [])
