"""Steps of the integrator as machine code: series, step size and new state in one loop.

The series is that of `System.series`, written by the sweep on symbolic tables; the step size is
that of `control`, with logarithms read off the exponents of the numbers.  The state is kept as a
sum of two doubles, so that what a step adds to it is not rounded away (Dekker, Numerische
Mathematik 18, 1971).

With `unit` > 1 every number is a vector of that many trajectories, each with steps of its own; the
loop ends when one of them stops (see `lanes`).
"""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.core.algebra import Univariate
from taylor.core.maps import Gather
from taylor.core.program import Program
from taylor.errors import DomainError
from taylor.kept import identity
from taylor.llvm.expression import Expression
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH, Index
from taylor.llvm.jit import Code, made
from taylor.llvm.registers import Scalar
from taylor.machine.calls import Calls, bare
from taylor.machine.contractions import SUMS
from taylor.machine.emit import Joined, Symbol, broadcast, lifted, mapped, nest
from taylor.machine.machine import block, failed
from taylor.machine.nests import c_strides
from taylor.machine.questions import with_questions
from taylor.machine.series import SUMMING, Emission, spread
from taylor.machine.tables import Table
from taylor.ode.control import slacks

Array = Any
GO, DONE, INFINITE, SMALL, GUARD, IDLE = range(6)
# of the numbers in front of a block of memory
TIME, LOW, END, LONGEST, STATUS, STEPS, LIMIT, FLOOR, LENGTH, LAST, LAST_LOW = range(11)
LOG, TIMES, HEAD = range(11, 14)
LEAST, VANISHED = -1022.5, -2000.0  # log2 below which a number is none, and the rate of none
WRITTEN_OUT = 40
SEEN = 8  # degrees whose rounding errors are seen in the sum of the series


class Coefficients(Table):
    """The coefficients of y; numbers that were just computed are read from their registers."""

    __slots__ = ("written_parts",)

    def __init__(self, *where: Any) -> None:
        super().__init__(*where)
        self.written_parts: dict[int, list[Symbol]] = {}

    def __getitem__(self, k: Any) -> Any:
        if isinstance(k, int) and k in self.written_parts:
            return Known(self.f, self.part_shape, self.written_parts[k], self.memory(k))
        return super().__getitem__(k)


class Known(Joined):
    """An array in memory whose elements are in registers, too."""

    __slots__ = ("memory",)

    def __init__(
        self, f: Function, shape: tuple[int, ...], pieces: list[Symbol], memory: Symbol
    ) -> None:
        super().__init__(f, shape, pieces)
        self.memory = memory

    def _make(self) -> Symbol:
        return self.memory


class Machine:
    """y' = f(t, y) of one program and one order, stepped in blocks of memory (see `Memory`)."""

    places: list[int]  # of t, y, and the parameters
    low: int  # of the lower parts of y
    last: int  # of y at the start of the last step
    size: int
    asks: tuple[Sequence[Any], int]  # what the code asks Python for, and where it finds Python
    code: Code

    def __init__(self, program: Program, order: int, factor: float, unit: int = 1) -> None:
        self.order, self.unit = order, unit
        self.shapes = [program.code[i].shape for i in program.inputs]
        self.components = n = math.prod(self.shapes[1])  # of y
        # room of one coefficient of y, in numbers
        self.part = n if n <= 1 or unit > 1 else -(-n // WIDTH) * WIDTH
        self.program = spread(program) if unit == 1 else program
        code, self.users = bare(self.program)

        def write() -> tuple[Any, Code]:
            self._write(self.program, factor)
            return (self.places, self.low, self.last, self.size, self.asks), self.code

        what = (identity(code), order, factor, unit, program.identity)
        layout, self.code = made(write, "steps", type(self).__name__, *what)
        self.places, self.low, self.last, self.size, self.asks = layout

    def calls(self, data: Array) -> Calls | None:
        """Return what answers the code in a block of memory, if it asks."""
        if not self.asks[0]:
            return None
        algebra = Univariate(self.order - 1)
        return Calls(self.asks, self.program, self.users, algebra, data, self.unit)

    @property
    def weight(self) -> int:
        """Bytes of the object."""
        return self.code.weight

    # -------------------------------------------------------------- writing
    def _write(self, program: Program, factor: float) -> None:
        f = Function(self.unit)
        f.allocate(HEAD)
        f.rows = self.users
        program = replace(program, code=list(with_questions(f, program.code)))
        order, sizes = self.order, [2, self.order + 1] + [1] * (len(self.shapes) - 2)
        tables: list[Any] = []
        self.places = []
        for size, shape in zip(sizes, self.shapes, strict=True):
            table = (Coefficients if len(tables) == 1 else Table)(f, (size, *shape), None, 0)
            table.offset = f.allocate(size * table.size_of_part)
            self.places.append(table.offset)
            tables.append(table)
        self.low, self.last = f.allocate(self.part), f.allocate(self.part)
        heights = [min(1, order - 1), order - 1] + [0] * (len(tables) - 2)
        with f.cycle() as steps:
            f.store(f.constant(1.0), f.address("%data", [], self.places[0] + 1))
            f.store(f.load(f.address("%data", [], TIME)), f.address("%data", [], self.places[0]))
            sweep = Emission(f, program, order - 1, tables, heights)
            self._shift(sweep, tables[1], program.outputs[0])
            products = [i.shape for i in program.code if isinstance(i.op, SUMMING)]
            numbers = all(math.prod(shape) == 1 for shape in products)
            if self.unit == 1 and numbers and len(products) <= WRITTEN_OUT and order <= 32:
                for k in range(order):
                    for step in sweep.steps:
                        step(k)
                        f.pause()
            else:
                sweep.degrees(range(len(sweep.steps)))
            values = {i: sweep.value(i) for g in program.guards for i in (g.a, g.b) if i >= 0}
            wrong = Expression(f, failed(f, program.guards, values))
            steps.again = f.every(self._step(f, tables[1], factor, wrong).x)
        self._add(f)
        text = f.text()
        self.size, self.asks = f.size + WIDTH, (f.asks, f.asking)
        self.code = Code(text)

    def _add(self, f: Function) -> None:
        """Add other functions to the module."""

    def _shift(self, sweep: Emission, y: Coefficients, out: int) -> None:
        """Add the step y_{k+1} = f_k/(k + 1) to a sweep."""
        f, pieces = sweep.f, self._pieces(sweep, out)

        def value(i: int, k: Any) -> Any:
            """Return coefficient k of instruction i."""
            if k == 0:  # never where the degree is known at run time only
                return sweep.value(i)
            above = k > sweep.height[i] if isinstance(k, int) else sweep.height[i] < sweep.order
            return lifted(f, 0.0) if above else sweep.table[i][k]

        def step(k: Any) -> None:
            divided = _division(f, k)
            place = y.memory(k + 1)
            start, parts = 0, []
            for i in pieces or [out]:
                shape = sweep.program.code[i].shape if pieces else y.part_shape
                new = mapped(f, divided, lifted(f, value(i, k)))
                end = Symbol(f, shape, None, place.slot, place.offset + start, c_strides(shape))
                end.lead = place.lead
                whole = pieces is None and len(shape) < 2
                nest(f, lambda v: v, [broadcast(new, shape)], end, whole=whole)
                start += math.prod(shape)
                parts.append(new if new.reg is not None else end)
            if pieces and isinstance(k, int) and all(x.reg is not None for x in parts):
                y.written_parts[k + 1] = parts

        sweep.steps.append(step)
        sweep.owners.append(out)

    def _pieces(self, sweep: Emission, out: int) -> list[int] | None:
        """Return the instructions that lie one after the other in f, if nothing else does."""
        op, args, shape = sweep.program.code[out]
        if not isinstance(op, Gather):
            return None
        size = math.prod(shape)
        total = sum(math.prod(sweep.program.code[a].shape) for a in args)
        index = np.asarray(op.index)
        if total != size or not np.array_equal(index.reshape(-1), np.arange(size)):
            return None
        read = [a for i in sweep.program.code for a in i.args]
        if out not in read and out in sweep.owners:  # what is only an output is not written
            n = sweep.owners.index(out)
            del sweep.steps[n], sweep.owners[n]
        return list(args)

    def _step(self, f: Function, y: Table, factor: float, wrong: Expression) -> Expression:
        """Write step size, checks and the new state; return whether to go on."""

        def head(n: int) -> Expression:
            return Expression(f, f.load(f.address("%data", [], n)))

        def keep(n: int, x: Expression) -> None:
            f.store(x.x, f.address("%data", [], n))

        now, low, end, longest = map(head, (TIME, LOW, END, LONGEST))
        status, count, limit = map(head, (STATUS, STEPS, LIMIT))
        h, most = self._size_of_step(f, y, factor)
        most = most + Expression(f, f.unanswered())
        rest = end - now - low
        room = abs(rest).least(longest)
        bounded, last = h < room, abs(rest) <= longest
        h = bounded.where(h, room).function("copysign", rest)
        # a step that would not move the time by some units in the last place
        small = bounded & (abs(h) <= abs(now) * 2.0**-51)
        new = small.where(SMALL, 0.0)
        new = (most < 1024.0).where(new, INFINITE)
        new = (wrong > 0.0).where(GUARD, new)
        running = status.equals(GO)
        accepted = running & new.equals(0.0)
        h = accepted.where(h, 0.0)
        landed = accepted & ~bounded & last
        status = running.where(landed.where(DONE, new), status)
        keep(STATUS, status)
        for place, x in ((LENGTH, h), (LAST, now), (LAST_LOW, low)):
            keep(place, accepted.where(x, head(place)))
        self._log(f, y, (now, low, h))
        self._horner(f, y, h, accepted)
        total, rounding = now.two_sum(h + low)
        keep(TIME, landed.where(end, total))
        keep(LOW, landed.where(0.0, rounding))
        keep(STEPS, count + accepted.where(1.0, 0.0))
        limit = limit - 1.0
        keep(LIMIT, limit)
        going = status.equals(GO) & (limit > 0.0)
        return going | status.equals(IDLE) if self.unit > 1 else going

    def _size_of_step(self, f: Function, y: Table, factor: float) -> tuple[Expression, Expression]:
        """Return the step size by `control`, and the largest log2 of the coefficients read."""
        order = self.order

        def of_all(x: Expression) -> Expression:
            """Return the largest lane of a vector over elements (over points: itself)."""
            return x if x.x.width == f.unit else Expression(f, f.largest(x.x))

        def logs(k: int) -> Expression:
            return _log2(self._largest(f, y.offset + k * y.size_of_part))

        floor, before = (Expression(f, f.load(f.address("%data", [], n))) for n in (FLOOR, LENGTH))
        heads = [of_all(logs(0)).most(floor), of_all(logs(1))]

        def radius(k: int, last: Expression) -> Expression:
            """Return -log2 of the radius of convergence, lane by lane."""
            powers = zip((k, k - 1), heads, strict=True)
            rates = [(last - head) * (1.0 / power) for power, head in powers if power]
            return (last > LEAST).where(rates[0].least(*rates[1:]), VANISHED)

        last = [logs(k) for k in (order - 1, order)]
        rates = [radius(k, x) for k, x in zip((order - 1, order), last, strict=True)]
        most = of_all(last[0].most(last[1])).most(heads[0].most(heads[1]))
        ends = of_all(rates[0].most(rates[1]))

        def bounded(ends: Expression) -> Expression:
            """Return the rate that the coefficients above order/2 allow, too."""
            present = of_all(last[0].most(last[1])) > LEAST
            exact = loose = Expression(f, f.constant(VANISHED))
            for k, slack in slacks(order):
                rate = radius(k, logs(k))
                exact, loose = exact.most(rate), loose.most(rate - slack)
            return present.where(ends.most(of_all(loose)), of_all(exact))

        if f.unit > 1:
            ends = bounded(ends)
        elif slacks(order):  # looked at only where the step grows, so that it costs nothing else
            grows = ~(factor - 2 - ends - _log2(abs(before)) <= 0.0)
            with f.when(grows.x) as careful:
                other = bounded(ends)
            ends = Expression(f, careful.merged(other.x, ends.x))
        return _exp2(factor - ends), most

    def _largest(self, f: Function, start: int) -> Expression:
        """Return the largest absolute values of one coefficient, as a vector over its elements."""
        n = self.components
        alone = self.unit == 1

        def size(i: Index, offset: int, width: int) -> Expression:
            place = f.address("%data", [(i, 1)], start + offset)
            return abs(Expression(f, f.load(place, width)))

        def several(i: str, totals: list[Scalar]) -> list[Scalar]:
            found = (size(i, c * WIDTH, WIDTH) for c in range(SUMS))
            return [_larger(Expression(f, t), x).x for t, x in zip(totals, found, strict=True)]

        step = SUMS * WIDTH
        first = n // step * step if alone and n > WRITTEN_OUT * WIDTH else 0
        found: list[Expression] = []
        if first:
            totals = f.fold(0, first, [f.constant(0.0, WIDTH)] * SUMS, several, step)
            found = [Expression(f, x) for x in totals]
        width = self.width
        for i in range(first, n, width if alone else 1):
            x = size(0, i, width)
            if alone and i + width > n:
                inside = Expression(f, f.lanes([i + lane < n for lane in range(width)]))
                x = inside.where(x, 0.0)
            found.append(x)
        return functools.reduce(_larger, found)

    @property
    def width(self) -> int:
        """Numbers of a coefficient of y that are loaded at a time."""
        return self.unit if self.unit > 1 else WIDTH if self.part > 1 else 1

    def _log(self, f: Function, y: Table, times: Sequence[Expression]) -> None:
        """Write the series and some numbers of its time to the log, if there is one; move on."""
        if self.unit > 1:
            return
        series, numbers = (f.word(f.address("%data", [], n), "ptr") for n in (LOG, TIMES))
        size = (self.order + 1) * self.part

        def move(i: Any) -> None:
            value = f.load(f.address("%data", [(i, 1)], y.offset), self.width)
            f.store(value, f.address(series, [(i, 1)], 0))

        with f.when(f.present(series)):
            f.repeat(size, move, self.width)
            for i, x in enumerate(times):
                f.store(x.x, f.address(numbers, [], i))
            for n, pointer, step in ((LOG, series, size), (TIMES, numbers, len(times))):
                following = f.address(pointer, [], step)
                f.write_word(following, f.address("%data", [], n), "ptr")

    def _horner(self, f: Function, y: Table, h: Expression, accepted: Expression) -> None:
        """Write y(t + h), carrying the rounding of the last addition."""
        width, square = self.width, h * h

        def element(i: Any) -> None:
            def place(offset: int) -> str:
                return f.address("%data", [(i, 1)], offset)

            def there(offset: int) -> Expression:
                return Expression(f, f.load(place(offset), width))

            # the sum from degree 1 on, even and odd powers apart: half the chain of operations
            halves = []
            for top in (self.order, self.order - 1):
                value = there(y.offset + top * y.size_of_part)
                for k in range(top - 2, 0, -2):
                    value = value.fma(square, there(y.offset + k * y.size_of_part))
                halves.append(value)
            even, odd = halves if self.order % 2 == 0 else halves[::-1]
            old, low = there(y.offset), there(self.low)
            moved = accepted.where(even.fma(h, odd).fma(h, low), low)
            total, rounding = old.two_sum(moved)
            f.store(accepted.where(old, there(self.last)).x, place(self.last))
            f.store(total.x, place(y.offset))
            f.store(rounding.x, place(self.low))

        f.repeat(self.part, element, 1 if self.unit > 1 else width)


class Memory:
    """The state of a trajectory in memory, and its log of steps."""

    def __init__(self, machine: Machine, parameters: Sequence[Any]) -> None:
        self.machine, self.data = machine, block(machine.size)
        self.pointer = ctypes.c_void_p(self.data.ctypes.data)
        self.head = self.data[:HEAD]
        self.y, self.low, self.last = (
            self.data[place : place + machine.components]
            for place in (machine.places[1], machine.low, machine.last)
        )
        self.series = self.data[machine.places[1] :][: (machine.order + 1) * machine.part]
        self.calls = machine.calls(self.data)
        self.parameters(parameters)

    def parameters(self, parameters: Sequence[Any]) -> None:
        """Set the parameters."""
        machine = self.machine
        places = zip(machine.places[2:], machine.shapes[2:], parameters, strict=True)
        for place, shape, p in places:
            size = math.prod(shape)
            self.data[place : place + size] = np.reshape(p, -1)

    def run(self, limit: int, log: bool = False) -> tuple[Array, Array] | None:
        """Step until the end, a failure or the limit; return times (t, lower part, h) and series.

        The status and the number of steps are left in `head`.  What Python raised meanwhile is
        raised, unless it means that there is no series.
        """
        machine = self.machine
        self.head[LIMIT] = limit
        self.head[STEPS] = 0.0
        pointers = self.head[LOG : TIMES + 1].view(np.int64)
        pointers[:] = 0
        if not log:
            self._call()
            return None
        size = (machine.order + 1) * machine.part
        times, series = np.empty((limit + 1, 3)), np.empty((limit + 1, size))
        pointers[0], pointers[1] = series.ctypes.data, times.ctypes.data
        self._call()
        steps = int(self.head[STEPS])
        shape = (steps, machine.order + 1, machine.part)
        return times[:steps], series[:steps].reshape(shape)[:, :, : machine.components]

    def _call(self) -> None:
        call = self.machine.code.call
        error = call(self.pointer) if self.calls is None else self.calls.run(call, self.pointer)
        if error is not None and not isinstance(error, DomainError):
            raise error


# ------------------------------------------------------------------ on registers
def _division(f: Function, k: Any) -> Callable[[Scalar], Scalar]:
    """Return what divides by k + 1, multiplying by the sum of two numbers.

    One alone errs alike in all steps, and the energy of a long integration would drift.  Above
    degree `SEEN` the terms, e^-2 times smaller from degree to degree, are too small for that.
    """
    if isinstance(k, int):
        first = 1.0 / (k + 1)
        rest = float((1 - Fraction(first) * (k + 1)) / (k + 1)) if k < SEEN else 0.0
        high, low = f.constant(first), f.constant(rest)
        if not rest:
            return lambda x: f.binary("fmul", x, high)
    else:
        degree = Expression(f, k.number) + 1.0
        inverse = Expression(f, f.constant(1.0)) / degree
        high, low = inverse.x, ((-inverse).fma(degree, 1.0) * inverse).x
    return lambda x: f.intrinsic("fma", x, high, f.binary("fmul", x, low))


def _larger(a: Expression, b: Expression) -> Expression:
    """Return the larger of two numbers that are not negative; nan is the largest of all."""
    return a.bits().function("umax", b.bits()).double()


def _log2(x: Expression) -> Expression:
    """Return log2 of numbers >= 0, linear between powers of two; -1023 of 0, >= 1024 of inf."""
    return x.bits().cast("sitofp", "double").fma(2.0**-52, -1023.0)


def _exp2(x: Expression) -> Expression:
    """Return the inverse of `_log2`, within the range of doubles."""
    scaled = (x.least(1022.0).most(-1022.0) + 1023.0) * 2.0**52
    return scaled.cast("fptosi", "i64").double()
