"""Loops of a program as loops of the machine: the code of one step, whatever their number.

States that are numbers stay in registers from step to step, arrays in memory; the rows of a step
are read where they lie, and what it gives is written where it belongs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from taylor.core.loops import Loop
from taylor.core.program import expand
from taylor.llvm.function import Function
from taylor.machine import regions
from taylor.machine.calls import is_users
from taylor.machine.emit import (
    WRITTEN,
    Pending,
    Symbol,
    Unsupported,
    broadcast,
    contiguous,
    copied,
    empty,
    lifted,
)
from taylor.machine.nests import at, c_strides
from taylor.machine.questions import ASKING, with_questions
from taylor.machine.tables import Table


def check(op: Loop, complex: bool, rules: bool) -> None:
    """Raise Unsupported for a loop that has no machine code, or has rules that it may not have."""
    if is_users(op.body, not rules):
        raise Unsupported(ASKING)
    if complex:
        raise Unsupported("a loop of complex numbers has no machine code")


def _index(f: Function, op: Loop, i: str) -> str:
    """Return the number of the step that is the i-th to be run."""
    return f.whole("sub", op.n - 1, i) if op.backwards else i


def _row(x: Symbol, i: str) -> Symbol:
    """Return row i of an array in memory."""
    if x.reg is not None:
        return x.view(x.shape[1:], ())
    lead = (*x.lead, (i, x.strides[0]))
    row = Symbol(x.f, x.shape[1:], None, x.slot, x.offset, x.strides[1:], lead)
    return _number(row) if row.size == 1 else row


def _number(x: Symbol) -> Symbol:
    """Return an array of one number with this in a register."""
    return Symbol(x.f, x.shape, reg=x.f.splat(at(x, [0] * len(x.shape)), x.f.unit))


def _places(op: Loop, out: Symbol) -> list[Symbol]:
    """Return where in the result its parts lie: of rows the first one."""
    start, found = 0, []
    for k, shape in enumerate(op.parts):
        own = shape if k < op.states else shape[1:]
        found.append(out.view(own, c_strides(own), start))
        start += math.prod(shape)
    return found


def _at_row(place: Symbol, i: str) -> Symbol:
    """Return where row i lies, given the first one."""
    lead = (*place.lead, (i, place.size))
    return Symbol(place.f, place.shape, None, place.slot, place.offset, place.strides, lead)


# ------------------------------------------------------------------ values
def looped(first: Symbol, op: Loop, args: Sequence[Any]) -> Symbol:
    """Return the result of a loop."""
    f = first.f
    given = [contiguous(lifted(f, a)) for a in args]
    check(op, any(x.complex for x in given), True)
    states, fixed, rows = ([given[k] for k in group] for group in op.groups(len(given)))
    held = [_number(x) if x.size == 1 else _copy(f, x) for x in states]
    out = empty(f, op.shape([]))
    places = _places(op, out)
    with f.loop(0, op.n) as loop:
        now = [x if x.reg is None else Symbol(f, x.shape, reg=loop.carry(x.reg)) for x in held]
        i = _index(f, op, loop.index)
        _step(f, op, [*now, *fixed, *(_row(r, i) for r in rows)], now, i, places, loop)
    for x, place in zip(now, places, strict=False):
        last = x if x.reg is None else Symbol(f, x.shape, reg=loop.result(x.reg))
        copied(last, place)
    return out


def _copy(f: Function, x: Symbol) -> Symbol:
    out = empty(f, x.shape)
    copied(x, out)
    return out


def _step(
    f: Function, op: Loop, x: list[Symbol], now: list[Symbol], i: str, places: Any, loop: Any
) -> None:
    """Write one step at x: its rows to their places, the new states in the place of the old."""
    body = op.body
    code = with_questions(f, body.code, True, loop=True)
    v = regions.values(f, code, x, {*body.outputs, *body.inputs}, {})
    found = [broadcast(lifted(f, v[j]), body.code[j].shape) for j in body.outputs]
    for y, place in zip(found[op.states :], places[op.states :], strict=True):
        copied(y, _at_row(place, i))
    own = [n.slot for n in now if n.reg is None]
    new = [_apart(y, own) for y in found[: op.states]]
    for y, old in zip(new, now, strict=True):
        if old.reg is None:
            copied(y, old)
        else:
            assert y.reg is not None
            loop.update(old.reg, y.reg)


def _apart(y: Symbol, own: Sequence[Any]) -> Symbol:
    """Return a new state that is none of the old ones, which it replaces."""
    if y.size == 1:
        return _number(y)
    y = y.settle() if isinstance(y, Pending) else y
    return _copy(y.f, y) if y.reg is None and any(y.slot is s for s in own) else y


# ------------------------------------------------------------------ series
class Swept:
    """A loop in a sweep whose code is being written: all degrees of a step, step after step."""

    def __init__(self, sweep: Any, i: int) -> None:
        op, self.args, _ = sweep.program.code[i]
        self.sweep, self.op, self.f, self.y = sweep, op, sweep.f, sweep.table[i]
        check(op, sweep.complex[i], False)
        moving = op.live([sweep.height[a] > 0 for a in self.args])
        self.body, self.groups = expand(op.body), op.groups(len(self.args))
        self.heights = [sweep.order * m for m in moving]
        for k in self.groups[1]:  # read where it lies, and that is no further
            self.heights[k] = sweep.height[self.args[k]]
        self.inner: list[Any] = []  # their memory is not to be used for anything else

    def write(self) -> None:
        """Write the loop."""
        f, op = self.f, self.op
        states, fixed, rows = ([self._given(k) for k in group] for group in self.groups)
        now = [self._room(k) for k in self.groups[0]]
        for table, x in zip(now, states, strict=True):
            _fill(table, x)
        each = [self._room(k) for k in self.groups[2]]
        places = _places(op, self.y.view(self.y.shape[1:], self.y.strides[1:]))
        with f.loop(0, op.n) as loop:
            i = _index(f, op, loop.index)
            for table, x in zip(each, rows, strict=True):
                _fill(table, _row_of(x, i))
            found = self._step([*now, *fixed, *each])
            for y, place in zip(found[op.states :], places[op.states :], strict=True):
                self._put(y, _at_row(place, i))
            for old, new in zip(now, [_copy(f, y) for y in found[: op.states]], strict=True):
                _fill(old, new)
        for table, place in zip(now, places, strict=False):
            self._put(table, place)

    def _step(self, given: Sequence[Table]) -> list[Symbol]:
        """Write a step, and return the tables of its results."""
        f, sweep = self.f, self.sweep
        x = [_anew(table) for table in given]  # what it holds is another number in each step
        with f.fresh():
            inner = type(sweep)(
                f, self.body, sweep.order, x, self.heights, (), sweep.algebra, by_degree=False
            )
        inner.run()
        self.inner.append(inner)
        return [inner.result(j) for j in self.body.outputs]

    def _given(self, k: int) -> Table:
        """Return argument k as a table, up to its height."""
        a, sweep = self.args[k], self.sweep
        if sweep.height[a] or isinstance(sweep.table[a], Table):
            table: Table = sweep.result(a)
            return table
        value = lifted(self.f, sweep.table[a])
        table = self.y.new((1, *value.shape), False)
        table[0] = value
        return table

    def _room(self, k: int) -> Table:
        """Return a table for the states or the rows of a step."""
        shape = self.body.code[self.body.inputs[k]].shape
        size = self.y.shape[0] if self.heights[k] else 1
        table: Table = self.y.new((size, *shape), False)
        table.place()
        return table

    def _put(self, y: Symbol, place: Symbol) -> None:
        """Write the coefficients of a result to its place in the result of the loop."""
        size = self.y.shape[0]
        to = Symbol(
            self.f, (size, *place.shape), None, place.slot, place.offset,
            (self.y.strides[0], *place.strides), place.lead,
        )  # fmt: skip
        _fill(to, y)


def _fill(table: Symbol, x: Symbol) -> None:
    """Write the coefficients x and, above them, zeros into a table."""
    rows, size = min(x.shape[0], table.shape[0]), table.shape[0]
    copied(
        x.view((rows, *x.shape[1:]), x.strides), table.view((rows, *table.shape[1:]), table.strides)
    )
    if rows < size:
        rest = table.view((size - rows, *table.shape[1:]), table.strides, rows * table.strides[0])
        copied(lifted(table.f, 0.0), rest)


def _row_of(x: Symbol, i: str) -> Symbol:
    """Return the coefficients of row i."""
    shape, strides = (x.shape[0], *x.shape[2:]), (x.strides[0], *x.strides[2:])
    lead = (*x.lead, (i, x.strides[1]))
    return Symbol(x.f, shape, None, x.slot, x.offset, strides, lead)


def _anew(table: Table) -> Table:
    """Return the table without the numbers that are known in registers."""
    return Table(table.f, table.shape, table.slot, table.offset, dense=table.dense)


WRITTEN[Loop] = looped
