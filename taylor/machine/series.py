"""Univariate series as machine code: the step rules of `sweep`, run on symbolic tables.

The rules are those of the sweep, degree by degree.  Degrees up to the height of every polynomial
are written out; from there on all steps are the same, and one loop over k runs them.
"""

from __future__ import annotations

import contextlib
import functools
import math
import operator
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import Univariate
from taylor.core.applied import Call
from taylor.core.calls import Integral, Row
from taylor.core.choices import choose
from taylor.core.einsum import Einsum
from taylor.core.functions import LEAST, ROOTS, TINY
from taylor.core.instructions import Add, Div, Input, Instruction, Mul, Scale, Step
from taylor.core.loops import Loop
from taylor.core.maps import Contract, Gather, Map
from taylor.core.operand import host
from taylor.core.parts import Part
from taylor.core.program import Program, kinds, of_row
from taylor.core.sides import Choose
from taylor.core.sweep import LARGEST_LOW, Sweep
from taylor.core.table import slope_of_jump
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.registers import Scalar, paired
from taylor.machine.calls import Ask
from taylor.machine.compose import Composition
from taylor.machine.convolutions import Loops, Sums
from taylor.machine.degrees import Degree, Divisor
from taylor.machine.emit import (
    Symbol,
    Unsupported,
    asked,
    empty,
    holding,
    in_memory,
    lifted,
    mapped,
    ref,
    settled,
)
from taylor.machine.loops import Swept
from taylor.machine.monomials import Pairs
from taylor.machine.nests import at
from taylor.machine.tables import Passing, Table
from taylor.numbers.kinds import Array, is_operand

PASSING = (Add, Scale, Map)  # what only adds and moves coefficients
EXPONENT = 0x7FF << 52  # the bits of the exponent of a double
SMALLEST, LARGEST = 2.0**-1022, 2.0**1022
SUMMING = (Mul, Div, Integral, Einsum)
RUN = 16  # instructions of a long program, or more, that are written degree by degree together


def spread(program: Program) -> Program:
    """Return the program with factors repeated along the last axis where that is broadcast.

    What is repeated once a degree is then read in whole vectors by the sums over degrees.
    """
    code: list[Instruction] = []
    new: dict[int, int] = {}
    repeated: dict[tuple[int, tuple[int, ...]], int] = {}
    for i, (op, args, shape) in enumerate(program.code):
        given: list[int] = []
        for a in args:
            own = program.code[a].shape
            short = own[-1:] == (1,) and shape != () and 1 < shape[-1] < WIDTH
            if isinstance(op, (Mul, Div)) and short and math.prod(own) > 1:
                if (a, shape) not in repeated:
                    index = np.broadcast_to(np.arange(math.prod(own)).reshape(own), shape)
                    code.append(Instruction(Gather(index), (a,), shape))
                    repeated[a, shape] = len(code) - 1
                given.append(-1 - repeated[a, shape])
            else:
                given.append(a)
        new[i] = len(code)
        code.append(Instruction(op, tuple(given), shape))
    code = [c._replace(args=tuple(-1 - a if a < 0 else new[a] for a in c.args)) for c in code]
    return program.renumbered(code, new.__getitem__)


def _readers(program: Program) -> dict[int, int]:
    """Return the instructions that others only add and move, with the number of those others.

    They are sums, moves and products: all others read the coefficients of their own results.
    """
    moves = [isinstance(i.op, PASSING) for i in program.code]
    kept = {*program.outputs, *(i for g in program.guards for i in (g.a, g.b))}
    found = {
        n: 0
        for n, i in enumerate(program.code)
        if isinstance(i.op, (*PASSING, Mul)) and n not in kept
    }
    for i, instruction in enumerate(program.code):
        for a in instruction.args:
            if a in found:
                found[a] += 1
            if not moves[i]:
                found.pop(a, None)
    return found


def _listed(f: Function, terms: Callable[..., Any], x: Symbol, order: int) -> Symbol:
    """Return the coefficients of a local series of real numbers, element by element."""
    x, numbers = in_memory(f, x), math.prod(x.shape)
    out = empty(f, (order + 1, *x.shape))

    def element(e: Any) -> None:
        given = Symbol(f, (), f.load(f.address("%data", [(e, 1)], x.offset), f.unit))
        for m, c in enumerate(terms(given, order)):
            place = f.address("%data", [(m, numbers), (e, 1)], out.offset)
            f.store(at(lifted(f, c), []), place)

    f.repeat(numbers, element)
    return out


class Emission(Sweep):
    """The sweep of a program on symbolic tables."""

    def __init__(
        self,
        f: Function,
        program: Program,
        order: int,
        inputs: list[Any],
        heights: list[int],
        parameters: Sequence[Any] = (),
        algebra: Any = None,
        by_degree: bool = True,
        whole: bool = False,
    ) -> None:
        self.f, self.whole = f, whole  # whether nan stands for a value that has lost its digits
        self.apart = [isinstance(i.op, Loop) for i in program.code]  # written for all degrees
        self.loops: list[Swept] = []
        by_degree = by_degree and not any(self.apart)
        self.by_degree = by_degree
        self.readers = _readers(program) if by_degree and algebra is None else {}
        given = [x.complex for x in (*inputs, *parameters)]
        self.complex = kinds(program.code, given)
        super().__init__(program, algebra or Loops(order), inputs, parameters, heights)

    like: Any

    def kind(self, inputs: Sequence[Array], others: Sequence[Any]) -> Any:
        return inputs[0] if len(inputs) else Table(self.f, (0,), None, 0)

    def room(self, i: int, shape: tuple[int, ...]) -> Any:
        if i in self.readers and not self.complex[i]:
            return Passing(self.f, shape, self.readers[i])
        return self.like.new(shape, self.complex[i])

    def checked(self, row: Any, values: Sequence[Any]) -> Any:
        plain = not any(is_operand(v) for v in values)
        y = row(*(lifted(self.f, v) for v in values)) if plain else row(*values)
        if not self.whole or row not in ROOTS:
            return y

        def known(y: Scalar, a: Scalar) -> Scalar:
            size, least = (functools.reduce(operator.add, map(abs, z.parts)) for z in (y, a))
            lost = (least > 0.0) & ((size < TINY) | (size * least < LEAST))  # at zero nothing is
            return paired([lost.where(math.nan, part) for part in y.parts])

        return mapped(self.f, known, lifted(self.f, y), lifted(self.f, values[0]))

    def slopes_first(self, y: Any) -> bool:
        return False

    def lanes_active(self, args: Sequence[int]) -> Any:
        """Return what is positive where some argument varies: a number, if it is known."""
        for i in range(len(self.moving), max(args, default=-1) + 1):
            self.moving.append(self._varies(i))
        return self._sum_of_active([self.moving[a] for a in args])

    def _varies(self, i: int) -> Any:
        op, args, _ = self.program.code[i]
        if not self.height[i] or isinstance(op, Input):
            return float(self.height[i] > 0)
        if isinstance(op, Choose):
            lhs, rhs, a, b = args
            one, other = self.moving[a], self.moving[b]
            if isinstance(one, float) and one == other:
                return one
            left, right = self.value(lhs), self.value(rhs)
            sides = (left, right, one, other), (right, left, other, one)  # at a tie both count
            return settled(self._sum_of_active([host(s)._choose(*s, "formula") for s in sides]))
        given = [self.moving[a] for a in op.reads(args)]
        if isinstance(op, Map) and not all(isinstance(x, float) for x in given):
            return self._mapped(op, args, given)
        found = self._sum_of_active(given)
        return found if op.by_element or isinstance(found, float) else 1.0

    def _mapped(self, op: Map, args: Sequence[int], given: Sequence[Any]) -> Any:
        """Return what is positive where a map of whole arrays has elements that vary."""
        if isinstance(op, Part):
            return given[0]
        if isinstance(op, Contract):
            op = Contract(op.spec, abs(op.c))  # that nothing cancels
        zeros = [lifted(self.f, np.zeros(self.program.code[a].shape)) for a in args]
        return settled(op.value([z + x for z, x in zip(zeros, given, strict=True)], self.number))

    def _sum_of_active(self, given: Sequence[Any]) -> Any:
        if any(isinstance(x, float) and x > 0 for x in given):
            return 1.0
        return functools.reduce(
            operator.add, [x for x in given if not isinstance(x, float)] or [0.0]
        )

    def singular(
        self, row: Any, args: Sequence[int], y0: Any, p0: Any, slopes: Iterable[Any] = ()
    ) -> Any:
        active = self.lanes_active(args)
        return None if isinstance(active, float) else active

    def mask(self, lanes: Any, k: Any, *tables: Any) -> None:
        """Set the coefficients of what does not vary to zero, also where it has no series."""
        for table in tables if lanes is not None else ():
            part = self.algebra.part(k)
            table[part] = choose(lanes, 0.5, table[part], 0.0, "formula")

    def check_divisor(self, i: int, a: Any, b: Any) -> None:
        return None

    def unit(self, a: Any, b: Any) -> Any:
        def body(*x: Scalar) -> Scalar:
            size = functools.reduce(Scalar.most, [abs(part) for z in x for part in z.parts])
            return (size.bits() & EXPONENT).double().most(SMALLEST).least(LARGEST) * 2.0

        return settled(mapped(self.f, body, lifted(self.f, a), lifted(self.f, b)))

    def dividing(self, x: Any, low: Any) -> Any:
        x = lifted(self.f, x)
        with self.exactly():
            if x.complex:
                return operator.truediv, x
            return lambda s, by: by.of(s), Divisor(x, low)

    @contextlib.contextmanager
    def exactly(self) -> Iterator[None]:
        contracts, self.f.contracts = self.f.contracts, False
        yield
        self.f.contracts = contracts

    def settled(self, low: Any) -> Any:
        return settled(low)

    def kept(self, low: Any, y: Any) -> Any:
        f = self.f

        def body(low: Scalar, y: Scalar) -> Scalar:
            most = f.binary("fmul", f.intrinsic("fabs", y), f.constant(LARGEST_LOW))
            small = f.compare("ole", f.intrinsic("fabs", low), most)
            return f.select(small, low, f.constant(0.0))

        return mapped(f, body, lifted(f, low), lifted(f, y))

    def has_low(self, i: int) -> bool:
        return not self.complex[i]

    def product_low(self, x: Any, y: Any, z: Any) -> Any:
        f = self.f
        terms = [lifted(f, v) for v in (x, y, z)]
        return mapped(f, lambda a, b, c: f.fma(a, b, f.negative(c)), *terms)

    def coefficients(self, row: Any, x: Any) -> Any:
        x = lifted(self.f, x)
        if row.terms is not None and not x.complex:
            return _listed(self.f, row.terms, x, self.order)
        if row.quotient is None:
            shape = (self.order + 1, *np.shape(x))
            return asked(self.f, "local", ref(self.f, row), [x], shape)
        line = Table(self.f, (0,), None, 0).new((2, *x.shape), x.complex)
        line[0], line[1] = x, 1.0
        program = of_row(row, (True,))
        local = Emission(self.f, program, self.order, [line], [1], whole=self.whole)
        for k in range(self.order + 1):
            local.write(k, range(len(local.steps)))
        local.steps.clear()
        return local.result(*program.outputs)

    def composed(self, x: Array, top: int, c: Any) -> Callable[[Any], Any]:
        if not isinstance(self.algebra, Univariate):
            return super().composed(x, top, c)
        return Composition(self.f, self.order, x, top, c).part

    def calling(self, i: int) -> Step:
        f, (call, args, _) = self.f, self.program.code[i]
        assert isinstance(call, Call)
        rule: Any = call.rule
        y, asks = self.table[i], []
        if rule.step is None:
            raise Unsupported(f"{rule.name} has no degree-wise rule for series")

        def held(a: int, x: Any) -> Any:
            if x is None:
                return None
            if not self.height[a]:
                return holding(in_memory(f, x))
            return self.table[a].held(self.height[a])

        def step(k: Any) -> None:
            if k == 0:
                given = rule.args([self.value(a) for a in args])
                found = tuple(held(a, x) for a, x in zip(args, given, strict=True))
                asks.append(Ask("degrees", i, found, y.held(self.order)))
            f.ask(asks[0], k.index if isinstance(k, Degree) else str(k))

        return step

    def looping(self, i: int) -> Step:
        loop = Swept(self, i)
        self.loops.append(loop)
        return lambda _: loop.write()

    def jumping(self, row: Any, args: Sequence[int]) -> tuple[Any, Any]:
        values = [lifted(self.f, self.value(a)) for a in args]
        slope, active = slope_of_jump(row)(*values), self.lanes_active(args)
        if not isinstance(active, float):
            slope = choose(active, 0.5, slope, 0.0, "formula")
        return row(*values), settled(slope)

    def choosing(self, i: int) -> Callable[[Any], Any]:
        op, (lhs, rhs, *sides), shape = self.program.code[i]
        assert isinstance(op, Choose)
        value, slope = ("where", "mean") if op.mode == "kink" else (op.mode, op.mode)
        # a number has no series beside a side that is infinite
        doubted = [j for j in sides if op.mode == "kink" and self.height[j] and not shape]

        def chosen(k: Any) -> Any:
            parts = [self.at(j, k) if k <= self.height[j] or k == 0 else 0.0 for j in sides]
            args = self.value(lhs), self.value(rhs), *parts
            found = host(args)._choose(*args, value if k == 0 else slope)
            return sum([0.0 * self.value(j) for j in doubted], found) if k else found

        return chosen

    def result(self, i: int) -> Any:
        """Return the table of instruction i, up to its height."""
        rows = int(np.count_nonzero(self.algebra.degrees <= self.height[i]))
        if self.height[i] or isinstance(self.program.code[i].op, Input):
            table = self.table[i]
        else:
            value = self.table[i]
            table = self.room(i, (self.algebra.size, *np.shape(value)))
            table[0] = value

        return table.rows(rows) if isinstance(table, Table) and rows < table.shape[0] else table

    def run(self) -> None:
        """Write the steps of all degrees.

        One point: all instructions degree by degree.  Tiles of points, long programs and degrees of
        several coefficients: some instructions at a time, so that few tables are in use; those that
        need each other stay together.
        """
        every = range(len(self.steps))
        if any(self.apart) or self._in_parts or not self.by_degree:
            self._by_instruction()
        else:
            self.degrees(every)
        self.steps.clear()

    @property
    def _in_parts(self) -> bool:
        """Whether degrees have parts of different sizes."""
        return isinstance(self.algebra, Pairs)

    def write(self, k: Any, steps: Sequence[int]) -> None:
        """Write some steps for one degree; the value is rounded as the plain function's is."""
        self.f.contracts = isinstance(k, Degree) or k > 0
        for s in steps:
            self.steps[s](k)
            self.f.pause()
        self.f.contracts = False

    def degrees(self, steps: Sequence[int]) -> None:
        """Write some steps for all degrees."""
        f, order, code = self.f, self.order, self.program.code
        owners = {self.owners[s] for s in steps}
        if any(self.apart[i] for i in owners):  # the loop alone, and what is made of its result
            self.write(0, steps[:1])
            steps = steps[1:]
        if self._in_parts and len(steps) == 1 and self._at_once(self.owners[steps[0]]):
            return
        if self._in_parts or len(steps) == 0:
            for k in range(order + 1):
                self.write(k, steps)
            return
        heights = {self.height[a] for i in owners for a in (i, *code[i].args)}
        first = max([h for h in heights if h < order], default=0)
        first = max(first, min(order, 1))  # what stays the same from degree 1 on is written once
        numbers = False
        for i in owners:
            if isinstance(code[i].op, (Mul, Integral, Einsum)):  # products of polynomials end later
                short = sorted(h for h in (self.height[a] for a in code[i].args) if h < order)
                if len(short) > 1:
                    first = max(first, min(order, short[-1] + short[-2]))
            size = math.prod(self.table[i].shape[1:])
            if isinstance(code[i].op, SUMMING) and size == 1:
                numbers = True
        if numbers:
            first += (order - first) % 2  # the others come in pairs
        for k in range(first + 1):
            self.write(k, steps)
        if first == order:
            return
        with f.loop(first + 1, order + 1, 1 + numbers) as loop:
            if not numbers:
                self.write(Degree(f, loop.index, order, None), steps)
                return
            second = f.whole("add", loop.index, 1)
            sums = Sums(f, loop.index, first + 1)
            for index in (loop.index, second):
                self.write(Degree(f, index, order, sums), steps)
            sums.write(order)

    def _at_once(self, i: int) -> bool:
        """Write all degrees of an instruction of which all arguments are known, if it can be.

        The value of a map is moved by itself: it is rounded as the plain function's is.
        """
        algebra, (op, args, _) = self.algebra, self.program.code[i]
        assert isinstance(algebra, Pairs)
        heights = {self.height[a] for a in args}
        if isinstance(op, Map) and len(heights) == 1:
            above = slice(1, algebra.part(heights.pop()).stop)
            self.table[i][0] = op.moved([self.value(a) for a in args], 0)
            self.table[i][above] = op.moved([self.table[a][above] for a in args], 1)
            return True
        if type(op) is not Row or op.row.quotient is None:
            return False
        x, top = self.table[args[0]], heights.pop()
        if not algebra.composes(x, top):
            return False
        c = self.coefficients(op.row, self.value(args[0]))
        algebra.compose(top, x, c, self.table[i])
        return True

    def _by_instruction(self) -> None:
        code, steps, last = self.program.code, defaultdict[int, list[int]](list), dict[int, int]()
        for s, i in enumerate(self.owners):
            steps[i].append(s)
        groups = self._groups()
        for n, group in enumerate(groups):
            for i in group:
                last.update(dict.fromkeys((i, *code[i].args), n))
        kept = {*self.program.outputs, *self.program.inputs}
        kept |= {i for g in self.program.guards for i in (g.a, g.b)}
        ends = defaultdict[int, list[int]](list)
        if self.f.unit > 1 or (self._in_parts and self.by_degree):  # else zeros must stay
            for i in last.keys() - kept:
                ends[last[i]].append(i)
        for n, group in enumerate(groups):
            self.degrees([s for i in group for s in steps[i]])
            for i in ends[n]:
                for table in (self.table[i], self.weighted.get(i)):
                    if isinstance(table, Table):
                        table.forget()

    def _groups(self) -> list[list[int]]:
        """Return the instructions in runs that are computed together, degree by degree.

        These are the ones that need each other, and with them, of univariate series, those that
        take no sums; for one point, some more, so that a loop over degrees has something to do.
        """
        groups: list[list[int]] = []
        reach, code = -1, self.program.code
        few = 1 if self.f.unit > 1 else RUN
        sums = False  # whether the last group takes sums
        for i, instruction in enumerate(code):
            takes = isinstance(instruction.op, SUMMING)
            if self.apart[i] and i <= reach:
                raise Unsupported("the equation of a function holds a loop")
            apart = self.apart[i] or (i > 0 and self.apart[i - 1])
            full = self._in_parts or (takes and sums and len(groups[-1]) >= few)
            if i <= reach or (groups and not (full or apart)):
                groups[-1].append(i)
            else:
                groups.append([i])
                sums = False
            sums = sums or takes
            reach = max(reach, *instruction.args, i)
        return groups
