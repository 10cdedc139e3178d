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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.deciding import vanishing
from taylor.core.instructions import LARGE
from taylor.core.maps import Gather
from taylor.core.program import Program
from taylor.errors import DomainError
from taylor.llvm.entry import Entry, Value
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH, Index
from taylor.llvm.jit import address
from taylor.llvm.registers import Scalar
from taylor.machine.contractions import SUMS
from taylor.machine.emit import Joined, Symbol, broadcast, lifted, mapped
from taylor.machine.machine import Machine, block, failed
from taylor.machine.nests import narrow
from taylor.machine.questions import with_questions
from taylor.machine.series import SUMMING, Emission, spread
from taylor.machine.tables import Table, part_size
from taylor.ode.control import LOST, NONE, finite, slacks
from taylor.ode.followed import followed, least, sizes
from taylor.ode.options import Control
from taylor.ode.pieces import Pieces, Place, Taken
from taylor.ode.registers import division, exp2, larger, log2

# LOOK: a function of the program may vanish on the next step; ROUGH: the last step is not accurate
# enough; ARRIVED: the end is reached, and the last step not yet checked; ENDED: by an event
GO, DONE, INFINITE, SMALL, GUARD, IDLE, LOOK, ROUGH, ARRIVED, ENDED = range(10)
# of the numbers in front of a block of memory
TIME, LOW, END, LONGEST, STATUS, STEPS, LIMIT, FLOOR, LENGTH, LAST, LAST_LOW = range(11)
# log2 of errors of steps: what is allowed, and the largest; whether zeros are looked for, and the
# length of a step that is not yet checked, log2 of the state at its start, and its error
ALLOWED, WORST, WATCH, CHECK, SIZE, ERROR = range(11, 17)
LOG, TIMES, SERIES, LOGGED, HEAD = range(17, 22)
# what a call without a log is given, beside the place
GIVEN = END, LONGEST, STATUS, STEPS, LIMIT, FLOOR, ALLOWED, WORST, WATCH, CHECK, SIZE, LOG, TIMES
OFTEN, NEVER = 3, -math.inf  # calls after which Python calls the code at once
LEAST, VANISHED = -1022.5, -2000.0  # log2 below which a number is none, and the rate of none
WRITTEN_OUT = 40  # vectors whose largest is found without a loop
PRODUCTS = 5  # of series, in a program of numbers whose degrees are written out without a loop


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


class Stepper(Machine):
    """y' = f(t, y) of one program and one order, stepped in blocks of memory (see `Memory`).

    The inputs are the series of t and of y, and the parameters; the results are the lower parts of
    y, y at the start of the last step, and the slope of its polynomial at its end.

    That slope and f there, which the next step begins with, give an estimate of the error of a step
    that costs nothing: h·|p'(h) - f(p(h))| (the defect; Enright, SIAM J. Numer. Anal. 37, 2000).
    """

    def __init__(self, program: Program, order: int, factor: float, unit: int = 1) -> None:
        self.factor = factor
        shape = program.code[program.inputs[1]].shape
        self.components = math.prod(shape)  # of y
        self.part = part_size((1, *shape), unit)  # room of one coefficient of y, in numbers
        heights = [1, order - 1] + [0] * (len(program.inputs) - 2)
        program = spread(program) if unit == 1 else program
        name = "steps", type(self).__name__, factor
        super().__init__(program, order - 1, heights, unit, True, name=name)

    @property
    def order(self) -> int:
        """The order of the series of y."""
        return self.heights[1] + 1

    # -------------------------------------------------------------- writing
    def _lay_out(self, f: Function) -> None:
        f.allocate(HEAD)
        sizes = map(self._room, self.inputs)
        self.places = [f.allocate(n + self.part * (i == 1)) for i, n in enumerate(sizes)]
        self.results = [f.allocate(self.part) for _ in range(3)]
        self.flag = STATUS

    def _body(self, f: Function, program: Program) -> None:
        program, order = replace(program, code=list(with_questions(f, program.code))), self.order
        tables = self._given(f)
        shape = order + 1, *self.inputs[1][1:]
        tables[1] = y = Coefficients(f, shape, None, self.places[1])
        with f.cycle() as steps:
            f.store(f.constant(1.0), f.address("%data", [], self.places[0] + 1))
            f.store(f.load(f.address("%data", [], TIME)), f.address("%data", [], self.places[0]))
            sweep = Emission(f, program, order - 1, tables, self.heights)
            self._shift(sweep, y, program.outputs[0])
            products = [i.shape for i in program.code if isinstance(i.op, SUMMING)]
            numbers = all(math.prod(shape) == 1 for shape in products)
            numbers &= all(math.prod(i.shape) <= LARGE for i in program.code)
            if self.unit == 1 and numbers and len(products) <= PRODUCTS and order <= 32:
                for k in range(order):
                    for step in sweep.steps:
                        step(k)
                        f.pause()
            else:
                sweep.degrees(range(len(sweep.steps)))
            values = {i: sweep.value(i) for g in program.guards for i in (g.a, g.b) if i >= 0}
            wrong = failed(f, program.guards, values)
            steps.again = f.every(self._step(f, y, wrong, sweep))

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
            divided = division(f, k)
            if pieces is None:
                y[k + 1] = mapped(f, divided, lifted(f, value(out, k)))
                return
            parts = [
                broadcast(mapped(f, divided, lifted(f, value(i, k))), sweep.program.code[i].shape)
                for i in pieces
            ]
            Joined(f, y.part_shape, parts).write(y.memory(k + 1))
            if isinstance(k, int) and all(x.reg is not None for x in parts):
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

    def _step(self, f: Function, y: Table, wrong: Scalar, sweep: Emission) -> Scalar:
        """Write step size, checks and the new state; return whether to go on."""
        head, keep = functools.partial(_head, f), functools.partial(_keep, f)
        now, low, end, longest, limit = map(head, (TIME, LOW, END, LONGEST, LIMIT))
        h, most, size = self._size_of_step(f, y)
        few = least(sweep.program)
        most, size = most + f.unanswered(), size.most(few.state)
        rest = end - now - low
        room = abs(rest).least(longest)
        h = followed(f, sweep, h, room, self.order, self._largest)
        goal = now + (h.function("copysign", rest) + low)  # a number, as fun is given one
        bounded, last = (h < room) & ~goal.equals(end), abs(rest) <= longest
        length = bounded.where(h, room)
        # a step that would not move the time by some units in the last place
        small = bounded & (length <= abs(now) * 2.0**-51)
        new = small.where(SMALL, 0.0)
        vanishing = self._vanishing(f, sweep, length, head(WATCH))
        for condition, code in (
            (vanishing, LOOK), (~(most < 1024.0), INFINITE), (wrong > 0.0, GUARD)
        ):  # fmt: skip
            new = new if condition is None else condition.where(code, new)
        running = head(STATUS).equals(GO)
        new = self._checked(f, y, size, few.rate).where(ROUGH, new)
        accepted = running & new.equals(0.0) & (limit > 1.0)
        h = bounded.where(goal - now - low, length.function("copysign", rest))
        h = accepted.where(h, 0.0)
        landed = accepted & ~bounded & last
        status = running.where(landed.where(ARRIVED, new), head(STATUS))
        keep(STATUS, status)
        for place, x in ((LENGTH, h), (LAST, now), (LAST_LOW, low), (CHECK, h), (SIZE, size)):
            keep(place, accepted.where(x, head(place)))
        self._log(f, y, (now, low, h))
        self._horner(f, y, h, accepted)
        total, rounding = now.two_sum(h + low)
        keep(TIME, landed.where(end, total))
        keep(LOW, landed.where(0.0, rounding))
        keep(STEPS, head(STEPS) + accepted.where(1.0, 0.0))
        limit = limit - 1.0
        keep(LIMIT, limit)
        going = status.equals(GO) & (limit > 0.0)
        return going | status.equals(IDLE if self.unit > 1 else ARRIVED)

    def _checked(self, f: Function, y: Table, size: Scalar, rate: float) -> Scalar:
        """Write the error of the last step; return whether it is too large.

        It is relative to the state, which is at least as large as `rate` makes it.

        The last step of all has then arrived for good, or not.
        """
        head, keep = functools.partial(_head, f), functools.partial(_keep, f)
        status, worst, check = head(STATUS), head(WORST), abs(head(CHECK))
        size = size.most(head(SIZE), log2(check) + rate)
        off = check.equals(0.0).where(0.0, self._defect(f, y) * check)
        error = off.equals(0.0).where(NONE, log2(off) - size)
        known = off < math.inf
        rough, arrived = known & (error > head(ALLOWED)), status.equals(ARRIVED)
        keep(ERROR, error)
        counts = known & ~rough & (status.equals(GO) | arrived)
        keep(WORST, counts.where(worst.most(error), worst))
        keep(STATUS, arrived.where(rough.where(ROUGH, DONE), status))
        return rough

    def _defect(self, f: Function, y: Table) -> Scalar:
        """Return the largest difference of f and the slope with which the last step has ended."""

        def off(i: Index, width: int) -> Scalar:
            ends, begins = (
                f.load(f.address("%data", [(i, 1)], start), width)
                for start in (self.results[2], y.offset + y.size_of_part)
            )
            apart = abs(ends - begins)
            return apart.equals(apart).where(apart, 0.0)  # where f has no value nothing is known

        return self._largest(f, self.components, off)

    def _vanishing(
        self, f: Function, sweep: Emission, length: Scalar, watch: Scalar
    ) -> Scalar | None:
        """Return whether functions that must not vanish may do so on a step of that length.

        |p_0| > Σ |p_k| h^k, k > 0, rules it out; of those that only vanish together, for one.
        """
        found: Scalar | None = None
        for group in vanishing(sweep.program):
            tables = [(sweep.table[i], sweep.height[i]) for i in group if sweep.height[i]]
            shapes = {table.part_shape for table, _ in tables}

            def least(i: Index, width: int, tables: Any = tables) -> Scalar:
                found = [sizes(f, table, top, length, i, width) for table, top in tables]
                first, *more = [change - value for value, change in found]
                return first.least(*more)

            if len(shapes) == 1:
                here = [self._largest(f, math.prod(shapes.pop()), least, -1.0)]
            else:  # element by element no two belong together
                here = [
                    self._largest(
                        f, math.prod(t.part_shape), functools.partial(least, tables=[(t, h)]), -1.0
                    )
                    for t, h in tables
                ]
            if here:
                least_of_group = here[0].least(*here[1:])
                found = least_of_group if found is None else found.most(least_of_group)
        return None if found is None else (found > 0.0) & (watch > 0.0)

    def _size_of_step(self, f: Function, y: Table) -> tuple[Scalar, Scalar, Scalar]:
        """Return the step size by `control`, the largest log2 of the coefficients read, and that of
        the state.
        """
        order, factor = self.order, self.factor

        def logs(k: int) -> Scalar:
            start = y.offset + k * y.size_of_part

            def size(i: Index, width: int) -> Scalar:
                return abs(f.load(f.address("%data", [(i, 1)], start), width))

            return log2(self._largest(f, self.components, size))

        floor, before = (f.load(f.address("%data", [], n)) for n in (FLOOR, LENGTH))
        heads = [logs(0).most(floor), logs(1)]

        def radius(k: int, last: Scalar) -> Scalar:
            """Return -log2 of the radius of convergence."""
            powers = zip((k, k - 1), heads, strict=True)
            rates = [(last - head) * (1.0 / power) for power, head in powers if power]
            return (last > LEAST).where(rates[0].least(*rates[1:]), VANISHED)

        last = [logs(k) for k in (order - 1, order)]
        rates = [radius(k, x) for k, x in zip((order - 1, order), last, strict=True)]
        most = last[0].most(last[1]).most(heads[0].most(heads[1]))
        ends = rates[0].most(rates[1])

        def bounded(ends: Scalar) -> Scalar:
            """Return the rate that the coefficients above order/2 allow, too."""
            present = last[0].most(last[1]) > LEAST
            exact = loose = f.constant(VANISHED)
            for k, slack in slacks(order):
                rate = radius(k, logs(k))
                exact, loose = exact.most(rate), loose.most(rate - slack)
            return present.where(ends.most(loose), exact)

        if f.unit > 1:
            ends = bounded(ends)
        elif slacks(order):  # looked at only where the step grows, so that it costs nothing else
            grows = ~(factor - 2 - ends - log2(abs(before)) <= 0.0)
            with f.when(grows) as careful:
                other = bounded(ends)
            ends = careful.merged(other, ends)
        first = heads[0].most(heads[1])
        longest = (first > LEAST).where(((first + LOST) * (1.0 / order)).most(0.0), -VANISHED)
        return exp2((factor - ends).least(longest)), most, heads[0]

    def _largest(
        self, f: Function, n: int, of: Callable[[Index, int], Scalar], outside: float = 0.0
    ) -> Scalar:
        """Return the largest of a function of n elements; nan is the largest of all, if >= 0."""
        found = self._lanes_of(f, n, of, outside)
        if found.width == f.unit:
            return found
        return f.largest(found.bits()).double() if outside == 0.0 else f.largest(found)

    def _lanes_of(
        self, f: Function, n: int, of: Callable[[Index, int], Scalar], outside: float
    ) -> Scalar:
        """Return the largest values of a function of n elements, as a vector over these."""
        alone = self.unit == 1
        above = larger if outside == 0.0 else lambda a, b: a.most(b)

        def several(i: str, totals: list[Scalar]) -> list[Scalar]:
            some = [of(g(i, c * WIDTH), WIDTH) for c in range(len(totals))]
            return [above(t, x) for t, x in zip(totals, some, strict=True)]

        def g(i: str, more: int) -> Index:
            return f.whole("add", i, more) if more else i

        width = narrow(n) if alone else self.unit
        step = SUMS * WIDTH
        first = n // step * step if alone and n > WRITTEN_OUT * WIDTH else 0
        found: list[Scalar] = []
        if first:
            found += f.fold(0, first, [f.constant(outside, WIDTH)] * SUMS, several, step)
        for i in range(first, n, width if alone else 1):
            x = of(i, width)
            if alone and i + width > n:
                inside = f.lanes([i + lane < n for lane in range(width)])
                x = inside.where(x, outside)
            found = [functools.reduce(above, [*found, x])]
            if not alone:
                f.pause()
        return functools.reduce(above, found)

    @property
    def width(self) -> int:
        """Numbers of a coefficient of y that are loaded at a time."""
        return self.unit if self.unit > 1 else narrow(self.components)

    def _log(self, f: Function, y: Table, times: Sequence[Scalar]) -> None:
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
                f.store(x, f.address(numbers, [], i))
            for n, pointer, step in ((LOG, series, size), (TIMES, numbers, len(times))):
                following = f.address(pointer, [], step)
                f.write_word(following, f.address("%data", [], n), "ptr")

    def _horner(self, f: Function, y: Table, h: Scalar, accepted: Scalar) -> None:
        """Write y(t + h), carrying the rounding of the last addition."""
        width, square, twice = self.width, h * h, h + h
        low_place, last_place, slope_place = self.results

        def element(i: Any) -> None:
            def place(offset: int) -> str:
                return f.address("%data", [(i, 1)], offset)

            def there(offset: int) -> Scalar:
                return f.load(place(offset), width)

            # the sum from degree 1 on, even and odd powers apart: half the chain of operations;
            # and the derivatives of the two halves by h²
            halves = []
            for top in (self.order, self.order - 1):
                value = there(y.offset + top * y.size_of_part)
                slope = f.constant(0.0, width)
                for k in range(top - 2, 0, -2):
                    slope = slope.fma(square, value)
                    value = value.fma(square, there(y.offset + k * y.size_of_part))
                halves.append((value, slope))
            (even, even_slope), (odd, odd_slope) = halves if self.order % 2 == 0 else halves[::-1]
            old, low = there(y.offset), there(low_place)
            # of h·odd(h²) + h²·even(h²)
            slope = twice.fma(even_slope.fma(square, even), odd_slope.fma(square + square, odd))
            f.store(slope, place(slope_place))
            moved = accepted.where(even.fma(h, odd).fma(h, low), low)
            total, rounding = old.two_sum(moved)
            f.store(accepted.where(old, there(last_place)), place(last_place))
            f.store(total, place(y.offset))
            f.store(rounding, place(low_place))

        f.repeat(self.components, element, 1 if self.unit > 1 else width)


class Memory:
    """The state of a trajectory in memory."""

    def __init__(self, machine: Stepper, parameters: Sequence[Any]) -> None:
        self.machine, self.data = machine, block(machine.size)
        self.head, n, shape = self.data[:HEAD], machine.components, machine.inputs[1][1:]
        self.words = self.head.view(np.int64)
        self.y, self.low, self.last = (
            self.data[place : place + n].reshape(shape)
            for place in (machine.places[1], *machine.results[:2])
        )
        self.size = (machine.order + 1) * machine.part  # of a series
        self.highest = machine.places[1] + (machine.order - 1) * machine.part  # two degrees of it
        empty = np.empty(0)
        self.none = Pieces(empty, empty, empty, np.empty((0, machine.order + 1, *shape)))
        calls, code = machine.calls(self.data), machine.code.call
        self.code: Callable[[Any], Any] = code
        if calls is not None:
            self.code = functools.partial(calls.run, code)
        self.pointer = ctypes.c_void_p(self.data.ctypes.data)
        self.asked, self.entry = 0 if calls is None and self.y.ndim else NEVER, Entry()
        self.parameters(parameters)

    def parameters(self, parameters: Sequence[Any]) -> None:
        """Set the parameters."""
        for place, p in zip(self.machine.places[2:], parameters, strict=True):
            self.data[place : place + np.size(p)] = np.reshape(p, -1)

    def run(
        self, start: Place, t_end: Any, control: Control, limit: int, log: bool, watch: bool = True
    ) -> Taken:
        """Step until the end, a failure or the limit; the steps are returned if there is a `log`.

        With `watch` a step ends it on which a function may vanish that must not.  What Python
        raised meanwhile is raised, unless it means that there is no series.
        """
        head, machine = self.head, self.machine
        if log:
            times, series = np.empty((limit + 2, 3)), np.empty((limit + 2, self.size))
            self._step(start, t_end, control, limit, watch, address(series), address(times))
        else:
            self._step(start, t_end, control, limit, watch)
        end = self.end
        known = steps = int(head[STEPS])
        status, h = int(head[STATUS]), head[LENGTH]
        if steps and (status == ROUGH or (status == INFINITE and not finite(end.y))):
            # the last step is not right, or beyond what doubles hold: back to its start
            end = Place(head[LAST], head[LAST_LOW], self.last.copy(), 0 * end.y_low)
            known -= status == INFINITE
        pieces = self.none
        if log:
            times, series = times[:known], series[:known]
            coef = series.reshape(known, machine.order + 1, machine.part)[..., : machine.components]
            coef = coef.reshape(known, machine.order + 1, *self.y.shape)
            pieces = Pieces(times[:, 0], times[:, 1], times[:, 2], coef)
        return Taken(status, end, steps, pieces, h, float(head[WORST]), float(head[ERROR]))

    def straight(
        self,
        t: Any,
        low: Any,
        y: NDArray[Any],
        y_low: NDArray[Any],
        t_end: Any,
        control: Control,
        limit: int,
    ) -> tuple[Any, ...] | None:
        """Step without a log; return status, time and state, each a sum of two numbers, the number
        of the steps, the length of the last, and log2 of the largest error.

        None where that is not all there is to do.
        """
        self.asked += 1
        if self.asked >= OFTEN and not self.machine.code.packed:
            self._enter()
        end = float(t_end) if type(t_end) is int else t_end
        found: tuple[Any, ...] | None = self.entry.call(
            t, low, end, control.max_step, 0.0, 0.0, limit + 1.0, control.floor, control.allowed,
            NONE, 1.0, 0.0, NONE, 0.0, 0.0, y, y_low,
        )  # fmt: skip
        if found is None:
            self._step(Place(t, low, y, y_low), t_end, control, limit, True)
            head = self.head
            found = head[STATUS], *self.end, head[STEPS], head[LENGTH], head[WORST]
        return None if found[0] > DONE else found

    def _enter(self) -> None:
        """Let Python call the code at once; without a log its two words stay zero, as flags do."""
        machine, shape = self.machine, self.y.shape
        y, low = (Value((n,), shape) for n in (machine.places[1], machine.results[0]))
        given = [Value((n,), ()) for n in (TIME, LOW, *GIVEN)]
        status, *more = (Value((n,), ()) for n in (STATUS, STEPS, LENGTH, WORST))
        found = [status, *given[:2], y, low, *more]
        self.entry.add(None, machine.code, self.data, LOG, [*given, y, low], found, True, True)
        self.asked = NEVER

    @property
    def polynomial(self) -> bool:
        """Whether the series of the last step ends below its last two degrees."""
        first = self.highest
        if self.data.item(first + self.machine.part) != 0:  # as a rule, and soon seen
            return False
        table = self.data[first : first + 2 * self.machine.part].reshape(2, -1)
        return not np.count_nonzero(table[:, : self.machine.components])

    @property
    def end(self) -> Place:
        """Where the steps have led to."""
        return Place(self.head[TIME], self.head[LOW], self.y.copy(), self.low.copy())

    def _step(
        self,
        start: Place,
        t_end: Any,
        control: Control,
        limit: int,
        watch: bool,
        series: int = 0,
        times: int = 0,
    ) -> None:
        head = self.head
        head[TIME], head[LOW], self.y[...], self.low[...] = start
        head[END], head[LONGEST], head[STATUS], head[STEPS] = t_end, control.max_step, GO, 0.0
        head[LIMIT], head[FLOOR], head[ALLOWED] = limit + 1, control.floor, control.allowed
        head[WORST], head[WATCH], head[CHECK], head[SIZE] = NONE, watch, 0.0, NONE
        self.words[LOG], self.words[TIMES] = series, times
        error = self.code(self.pointer)
        if error is not None and not isinstance(error, DomainError):
            raise error


# ------------------------------------------------------------------ on registers
def _head(f: Function, n: int) -> Scalar:
    """Return one of the numbers in front."""
    return f.load(f.address("%data", [], n))


def _keep(f: Function, n: int, x: Scalar) -> None:
    """Write one of the numbers in front."""
    f.store(x, f.address("%data", [], n))
