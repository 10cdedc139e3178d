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
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.core.algebra import Univariate
from taylor.core.maps import Gather
from taylor.core.program import Program
from taylor.errors import DomainError
from taylor.kept import identity
from taylor.llvm.ir import WIDTH, Function, Scalar, literal
from taylor.llvm.jit import Code, made
from taylor.machine.calls import Calls, bare
from taylor.machine.contractions import SUMS
from taylor.machine.emit import Joined, Symbol, broadcast, lifted, mapped, nest, with_questions
from taylor.machine.machine import block, failed
from taylor.machine.nests import c_strides
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


class State(Table):
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
            table = (State if len(tables) == 1 else Table)(f, (size, *shape), None, 0)
            table.offset = f.allocate(size * table.size_of_part)
            self.places.append(table.offset)
            tables.append(table)
        self.low, self.last = f.allocate(self.part), f.allocate(self.part)
        heights = [min(1, order - 1), order - 1] + [0] * (len(tables) - 2)
        f.lines.append("  br label %step")
        f.label("step")
        f.store(f.constant(1.0, f.unit), f.address("%data", [], self.places[0] + 1))
        now = self._head(f, TIME)
        f.store(now, f.address("%data", [], self.places[0]))
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
        values = {i: sweep._value(i) for g in program.guards for i in (g.a, g.b) if i >= 0}
        self._step(f, tables[1], factor, failed(f, program.guards, values))
        text = f.text()
        self.size, self.asks = f.size + WIDTH, (f.asks, f.asking)
        self.code = self._compiled(text)

    def _compiled(self, text: str) -> Code:
        return Code(text)

    def _shift(self, sweep: Emission, y: State, out: int) -> None:
        """Add the step y_{k+1} = f_k/(k + 1) to a sweep."""
        f, pieces = sweep.f, self._pieces(sweep, out)

        def value(i: int, k: Any) -> Any:
            """Return coefficient k of instruction i."""
            if k == 0:  # never where the degree is known at run time only
                return sweep._value(i)
            above = k > sweep.height[i] if isinstance(k, int) else sweep.height[i] < sweep.order
            return lifted(f, 0.0) if above else sweep.table[i][k]

        def step(k: Any) -> None:
            inverse = _inverse(f, k)
            place = y.memory(k + 1)
            start, parts = 0, []
            for i in pieces or [out]:
                shape = sweep.program.code[i].shape if pieces else y.part_shape
                new = mapped(f, lambda x: _times(f, x, *inverse), lifted(f, value(i, k)))
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

    def _head(self, f: Function, n: int) -> Scalar:
        return f.load(f.address("%data", [], n))

    def _step(self, f: Function, y: Table, factor: float, wrong: Scalar) -> None:
        """Write step size, checks and the new state, and whether to go on."""
        now, low, end, longest = (self._head(f, n) for n in (TIME, LOW, END, LONGEST))
        status, count, limit = (self._head(f, n) for n in (STATUS, STEPS, LIMIT))
        zero, one = f.constant(0.0), f.constant(1.0)
        h, most = self._size_of_step(f, y, factor)
        most = f.binary("fadd", most, f.unanswered())
        rest = f.binary("fsub", f.binary("fsub", end, now), low)
        room = f.intrinsic("minnum", f.intrinsic("fabs", rest), longest)
        bounded = f.compare("olt", h, room)
        last = f.compare("ole", f.intrinsic("fabs", rest), longest)
        h = f.intrinsic("copysign", f.select(bounded, h, room), rest)
        # a step that would not move the time by some units in the last place
        least = f.binary("fmul", f.intrinsic("fabs", now), f.constant(2.0**-51))
        small = both(f, bounded, f.compare("ole", f.intrinsic("fabs", h), least))
        infinite = negated(f, f.compare("olt", most, f.constant(1024.0)))
        branch = f.compare("ogt", f.splat(wrong, f.unit), zero)
        new = f.select(small, f.constant(float(SMALL)), zero)
        new = f.select(infinite, f.constant(float(INFINITE)), new)
        new = f.select(branch, f.constant(float(GUARD)), new)
        running = f.compare("oeq", status, f.constant(float(GO)))
        accepted = both(f, running, f.compare("oeq", new, zero))
        h = f.select(accepted, h, zero)
        landed = both(f, accepted, negated(f, bounded))
        landed = both(f, landed, last)
        new = f.select(landed, f.constant(float(DONE)), new)
        status = f.select(running, new, status)
        f.store(status, f.address("%data", [], STATUS))
        for place, x in ((LENGTH, h), (LAST, now), (LAST_LOW, low)):
            kept = f.select(accepted, x, self._head(f, place))
            f.store(kept, f.address("%data", [], place))
        self._log(f, y, now, low, h)
        self._horner(f, y, h, accepted)
        total, rounding = two_sum(f, now, f.binary("fadd", h, low))
        f.store(f.select(landed, end, total), f.address("%data", [], TIME))
        f.store(f.select(landed, zero, rounding), f.address("%data", [], LOW))
        count = f.binary("fadd", count, f.select(accepted, one, zero))
        f.store(count, f.address("%data", [], STEPS))
        f.store(limit := f.binary("fsub", limit, one), f.address("%data", [], LIMIT))
        going = both(
            f, f.compare("oeq", status, f.constant(float(GO))), f.compare("ogt", limit, zero)
        )
        if self.unit > 1:
            going = either(f, going, f.compare("oeq", status, f.constant(float(IDLE))))
        f.lines.append(f"  br i1 {every(f, going)}, label %step, label %end")
        f.label("end")

    def _size_of_step(self, f: Function, y: Table, factor: float) -> tuple[Scalar, Scalar]:
        """Return the step size by `control`, and the largest log2 of the coefficients read."""
        order = self.order

        def logs(k: int) -> Scalar:
            return log2(f, self._largest(f, y.offset + k * y.size_of_part))

        heads = [largest(f, logs(k)) for k in (0, 1)]
        heads[0] = f.intrinsic("maxnum", heads[0], self._head(f, FLOOR))

        def radius(k: int, last: Scalar) -> Scalar:
            """Return -log2 of the radius of convergence, lane by lane."""
            found = []
            for power, head in zip((k, k - 1), heads, strict=True):
                if power:
                    drop = f.binary("fsub", last, head)
                    found.append(f.binary("fmul", drop, f.constant(1.0 / power)))
            rate = found[0] if len(found) == 1 else f.intrinsic("minnum", *found)
            return f.select(f.compare("ogt", last, f.constant(LEAST)), rate, f.constant(VANISHED))

        last = [logs(k) for k in (order - 1, order)]
        rates = [radius(k, x) for k, x in zip((order - 1, order), last, strict=True)]
        most = f.intrinsic("maxnum", *last)
        ends = largest(f, f.intrinsic("maxnum", *rates))
        most = f.intrinsic("maxnum", largest(f, most), f.intrinsic("maxnum", *heads))

        def bounded(ends: Scalar) -> Scalar:
            """Return the rate that the coefficients above order/2 allow, too."""
            present = f.compare("ogt", largest(f, f.intrinsic("maxnum", *last)), f.constant(LEAST))
            exact, loose = f.constant(VANISHED), f.constant(VANISHED)
            for k, slack in slacks(order):
                rate = radius(k, logs(k))
                exact = f.intrinsic("maxnum", exact, rate)
                loose = f.intrinsic("maxnum", loose, f.binary("fsub", rate, f.constant(slack)))
            loose = f.intrinsic("maxnum", ends, largest(f, loose))
            return f.select(present, loose, largest(f, exact))

        if f.unit > 1:
            ends = bounded(ends)
        elif slacks(order):  # looked at only where the step grows, so that it costs nothing else
            before = log2(f, f.intrinsic("fabs", self._head(f, LENGTH)))
            growth = f.binary("fsub", f.binary("fsub", f.constant(factor - 2), ends), before)
            grows = f.compare("ugt", growth, f.constant(0.0))
            here = f.block
            f.lines.append(f"  br i1 {grows.text}, label %careful, label %sized")
            f.label("careful")
            other, there = bounded(ends), f.block
            f.lines.append("  br label %sized")
            f.label("sized")
            arms = f"[{ends.text}, %{here}], [{other.text}, %{there}]"
            ends = Scalar(f.put(f"phi double {arms}"))
        return exp2(f, f.binary("fsub", f.constant(factor), ends)), most

    def _largest(self, f: Function, start: int) -> Scalar:
        """Return the largest absolute values of one coefficient, as a vector over its elements."""
        n = self.components
        found: Scalar | None = None
        step = SUMS * WIDTH
        first = n // step * step if self.unit == 1 and n > WRITTEN_OUT * WIDTH else 0
        if first:
            with f.loop(0, first, step) as loop:
                totals = [loop.carry(f.constant(0.0, WIDTH)) for _ in range(SUMS)]
                for c, total in enumerate(totals):
                    place = f.address("%data", [(loop.index, 1)], start + c * WIDTH)
                    new = f.intrinsic("fabs", f.load(place, WIDTH))
                    loop.update(total, larger(f, total, new))
            found = functools.reduce(
                lambda a, b: larger(f, a, b), [loop.result(total) for total in totals]
            )
        for i in range(first, n, WIDTH if self.part > 1 and self.unit == 1 else 1):
            width = self.unit if self.unit > 1 else WIDTH if self.part > 1 else 1
            x = f.intrinsic("fabs", f.load(f.address("%data", [], start + i), width))
            if self.unit == 1 and i + width > n:
                inside = ", ".join(f"i1 {int(i + lane < n)}" for lane in range(width))
                x = f.select(Scalar(f"<{inside}>", width), x, f.constant(0.0, width))
            found = x if found is None else larger(f, found, x)
        assert found is not None
        return found

    def _log(self, f: Function, y: Table, now: Scalar, low: Scalar, h: Scalar) -> None:
        """Write the series, its time and its step to the log, if there is one; move on in it."""
        if self.unit > 1:
            return
        log, times = (f.put(f"load ptr, ptr {f.address('%data', [], n)}") for n in (LOG, TIMES))
        some = f.put(f"icmp ne ptr {log}, null")
        f.lines.append(f"  br i1 {some}, label %log, label %logged")
        f.label("log")
        width = WIDTH if self.part > 1 else 1
        size = (self.order + 1) * self.part

        def move(i: Any) -> None:
            value = f.load(f.address("%data", [(i, 1)], y.offset), width)
            f.store(value, f.address(log, [(i, 1)], 0))

        f.repeat(size, move, width)
        for i, x in enumerate((now, low, h)):
            f.store(x, f.address(times, [], i))
        for n, pointer, step in ((LOG, log, size), (TIMES, times, 3)):
            following = f.put(f"getelementptr double, ptr {pointer}, i64 {step}")
            f.lines.append(f"  store ptr {following}, ptr {f.address('%data', [], n)}")
        f.lines.append("  br label %logged")
        f.label("logged")

    def _horner(self, f: Function, y: Table, h: Scalar, accepted: Scalar) -> None:
        """Write y(t + h), carrying the rounding of the last addition."""
        width = self.unit if self.unit > 1 else WIDTH if self.part > 1 else 1
        h, square = (f.splat(x, width) for x in (h, f.binary("fmul", h, h)))

        def element(i: Any) -> None:
            def row(k: int) -> Scalar:
                place = f.address("%data", [(i, 1)], y.offset + k * y.size_of_part)
                return f.load(place, width)

            # the sum from degree 1 on, even and odd powers apart: half the chain of operations
            halves = []
            for top in (self.order, self.order - 1):
                value = row(top)
                for k in range(top - 2, 0, -2):
                    value = f.intrinsic("fma", value, square, row(k))
                halves.append(value)
            even, odd = halves if self.order % 2 == 0 else halves[::-1]
            value = f.intrinsic("fma", even, h, odd)
            old = row(0)
            low = f.address("%data", [(i, 1)], self.low)
            moved = f.intrinsic("fma", value, h, f.load(low, width))
            moved = chosen(f, accepted, moved, f.load(low, width))
            total, rounding = two_sum(f, old, moved)
            last = f.address("%data", [(i, 1)], self.last)
            f.store(chosen(f, accepted, old, f.load(last, width)), last)
            f.store(total, f.address("%data", [(i, 1)], y.offset))
            f.store(rounding, low)

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
def _inverse(f: Function, k: Any) -> tuple[Scalar, Scalar]:
    """Return 1/(k + 1) as a sum of two numbers.

    One alone errs alike in all steps, and the energy of a long integration would drift.  Above
    degree `SEEN` the terms, e^-2 times smaller from degree to degree, are too small for that.
    """
    if isinstance(k, int):
        first = 1.0 / (k + 1)
        rest = float((1 - Fraction(first) * (k + 1)) / (k + 1)) if k < SEEN else 0.0
        return f.constant(first), f.constant(rest)
    one = f.constant(1.0)
    degree = f.binary("fadd", k.number, one)
    high = f.binary("fdiv", one, degree)
    missing = f.intrinsic("fma", f.negative(high), degree, one)
    return high, f.binary("fmul", missing, high)


def _times(f: Function, x: Scalar, high: Scalar, low: Scalar) -> Scalar:
    """Return x·(high + low), rounded once."""
    if low.text == literal(0.0):
        return f.binary("fmul", x, high)
    return f.intrinsic("fma", x, high, f.binary("fmul", x, low))


def two_sum(f: Function, a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """Return a + b rounded, and the rounding error (Knuth, TAOCP 2, section 4.2.2)."""
    s = f.binary("fadd", a, b)
    part = f.binary("fsub", s, a)
    left = f.binary("fsub", a, f.binary("fsub", s, part))
    return s, f.binary("fadd", left, f.binary("fsub", b, part))


def _bits(kind: str, width: int) -> str:
    return kind if width == 1 else f"<{width} x {kind}>"


def both(f: Function, a: Scalar, b: Scalar) -> Scalar:
    """Return whether two conditions hold."""
    return Scalar(f.put(f"and {_bits('i1', a.width)} {a.text}, {b.text}"), a.width)


def either(f: Function, a: Scalar, b: Scalar) -> Scalar:
    """Return whether one of two conditions holds."""
    return Scalar(f.put(f"or {_bits('i1', a.width)} {a.text}, {b.text}"), a.width)


def negated(f: Function, a: Scalar) -> Scalar:
    """Return whether a condition does not hold."""
    true = "true" if a.width == 1 else "<" + ", ".join(["i1 true"] * a.width) + ">"
    return Scalar(f.put(f"xor {_bits('i1', a.width)} {a.text}, {true}"), a.width)


def chosen(f: Function, c: Scalar, x: Scalar, y: Scalar) -> Scalar:
    """Return x where a condition (of the trajectory) holds, else y."""
    if c.width == x.width:
        return f.select(c, x, y)
    t = _bits("double", x.width)
    return Scalar(f.put(f"select i1 {c.text}, {t} {x.text}, {t} {y.text}"), x.width)


def every(f: Function, a: Scalar) -> str:
    """Return the i1 that a condition holds in every lane."""
    if a.width == 1:
        return a.text
    name, kind = f"llvm.vector.reduce.and.v{a.width}i1", _bits("i1", a.width)
    f.declarations.add(f"declare i1 @{name}({kind})")
    return f.put(f"call i1 @{name}({kind} {a.text})")


def larger(f: Function, a: Scalar, b: Scalar) -> Scalar:
    """Return the larger of two numbers that are not negative; nan is the largest of all."""
    whole, real = _bits("i64", a.width), _bits("double", a.width)
    name = "llvm.umax." + ("i64" if a.width == 1 else f"v{a.width}i64")
    f.declarations.add(f"declare {whole} @{name}({whole}, {whole})")
    x, y = (f.put(f"bitcast {real} {v.text} to {whole}") for v in (a, b))
    z = f.put(f"call {whole} @{name}({whole} {x}, {whole} {y})")
    return Scalar(f.put(f"bitcast {whole} {z} to {real}"), a.width)


def largest(f: Function, x: Scalar) -> Scalar:
    """Return the largest lane of a vector over elements (of a vector over points: itself)."""
    if x.width == f.unit:
        return x
    name, kind = f"llvm.vector.reduce.fmax.v{x.width}f64", _bits("double", x.width)
    f.declarations.add(f"declare double @{name}({kind})")
    return Scalar(f.put(f"call nnan double @{name}({kind} {x.text})"))


def log2(f: Function, x: Scalar) -> Scalar:
    """Return log2 of numbers >= 0, linear between powers of two; -1023 of 0, >= 1024 of inf."""
    whole, real = _bits("i64", x.width), _bits("double", x.width)
    bits = f.put(f"bitcast {real} {x.text} to {whole}")
    number = Scalar(f.put(f"sitofp {whole} {bits} to {real}"), x.width)
    return f.intrinsic("fma", number, f.constant(2.0**-52), f.constant(-1023.0))


def exp2(f: Function, x: Scalar) -> Scalar:
    """Return the inverse of `log2`, within the range of doubles."""
    whole, real = _bits("i64", x.width), _bits("double", x.width)
    x = f.intrinsic("minnum", x, f.constant(1022.0))
    x = f.intrinsic("maxnum", x, f.constant(-1022.0))
    scaled = f.binary("fmul", f.binary("fadd", x, f.constant(1023.0)), f.constant(2.0**52))
    bits = f.put(f"fptosi {real} {scaled.text} to {whole}")
    return Scalar(f.put(f"bitcast {whole} {bits} to {real}"), x.width)
