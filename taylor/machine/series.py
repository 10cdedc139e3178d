"""Univariate series as machine code: the step rules of `sweep`, run on symbolic tables.

The rules are those of the sweep, degree by degree.  Degrees up to the height of every polynomial
are written out; from there on all steps are the same, and one loop over k runs them.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import operator
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import Univariate
from taylor.core.expand import moved
from taylor.core.instructions import (
    Add,
    Call,
    Choose,
    Div,
    Input,
    Instruction,
    Integral,
    Jump,
    Local,
    Mul,
    Scale,
)
from taylor.core.maps import Gather, Map
from taylor.core.operand import host
from taylor.core.program import Program
from taylor.core.state import DEPTH, LARGEST_LOW, Step
from taylor.core.sweep import Sweep
from taylor.core.table import slope_of_jump
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH, Scalar
from taylor.machine.calls import Ask, Held
from taylor.machine.compose import Composition
from taylor.machine.emit import (
    SUMS,
    Degree,
    Divisor,
    Slot,
    Symbol,
    Unsupported,
    asked,
    at,
    broadcast,
    c_strides,
    empty,
    holding,
    in_memory,
    lifted,
    mapped,
    merged_axes,
    nest,
    numbers_between,
    over_axes,
    ref,
    settled,
)
from taylor.machine.planar import kinds
from taylor.numbers.kinds import is_operand

Array = Any
PASSING = (Add, Scale, Map)  # what only adds and moves coefficients
SUMMING = (Mul, Div, Integral)
# up to this order sums run term by term: vectors would wait for coefficients just written
SHORT = 24
BLOCKS = 64  # vectors of elements up to which sums are taken side by side
RUN = 16  # instructions of a long program, or more, that are written degree by degree together
WAYS = 2  # terms of a sum that is written out, added at a time
TOGETHER = 6, 2  # sums that one loop takes, of numbers and of tiles: as the registers allow


def part_size(shape: Sequence[int], unit: int = 1) -> int:
    """Return how many numbers the coefficients of one degree take: arrays fill whole vectors."""
    n = math.prod(shape[1:])
    return n if n <= 1 or unit > 1 else -(-n // WIDTH) * WIDTH


class Table(Symbol):
    """The coefficients of a series of the function being written, by degree.

    Its memory is taken when it is first used; `forget` gives it back.  Numbers that were written
    or read are known in registers.
    """

    __slots__ = ("part_shape", "room", "serial", "size_of_part", "waiting", "written")

    def __init__(
        self, f: Function, shape: tuple[int, ...], slot: Any, offset: int, complex: bool = False
    ) -> None:
        self.part_shape = tuple(shape[1:])
        self.size_of_part = self._size_of_part(shape, f.unit)
        strides = (self.size_of_part, *c_strides(self.part_shape))
        self.room = f.rounded(shape[0] * self.size_of_part)  # of a plane
        super().__init__(f, shape, None, slot, offset, strides, plane=self.room * f.unit * complex)
        self.waiting = False
        self.serial = f.name()  # its own: an id may be that of a table that is gone

    def _size_of_part(self, shape: tuple[int, ...], unit: int) -> int:
        return part_size(shape, unit)

    def _zeros(self, shape: tuple[int, ...]) -> Any:
        return self.new(shape, self.complex)

    def new(self, shape: tuple[int, ...], complex: bool) -> Table:
        """Return a new table; what is never written stays zero."""
        new = type(self)(self.f, shape, None, 0, complex)
        new.waiting = True
        if self.f.unit == 1:  # memory of its own from the start: what is not written stays zero
            new.place()
        return new

    @property
    def whole(self) -> bool:
        """Whether the last vector of every row lies within the part, so that it may be written."""
        shape = self.part_shape
        ends = math.prod(shape) + -(shape[-1] if shape else 1) % WIDTH
        return ends <= self.size_of_part or len(shape) < 2

    def place(self) -> None:
        """Take memory."""
        if self.waiting:
            size = self.shape[0] * self.size_of_part
            self.slot = Slot(self.f, 2 * self.room if self.complex else size)
            self.offset, self.waiting = self.slot.start, False

    def forget(self) -> None:
        """Give the memory back."""
        self.slot = None

    def __getitem__(self, k: Any) -> Any:
        if self.size_of_part == 1:
            shape = self.part_shape
            return Symbol(self.f, shape, reg=self.number(k), strides=(0,) * len(shape))
        return self.memory(k)

    def number(self, k: Any) -> Scalar:
        """Return the coefficient of degree k of a number in a register."""
        part = self.memory(k)
        return self.f.once(self._name(k), lambda: at(part, [0] * len(part.shape)))

    def _name(self, k: Any) -> Any:
        return self.serial, *((k.index, k.above) if isinstance(k, Degree) else (k,))

    def memory(self, k: Any) -> Symbol:
        """Return where the coefficients of degree k lie."""
        self.place()
        n, degree = self.size_of_part, isinstance(k, Degree)
        part = self.view(self.part_shape, self.strides[1:], (k.above if degree else k) * n)
        if degree:
            part.lead = ((k.index, n),)
        return part

    def rows(self, n: int) -> Table:
        """Return the table of the first n coefficients."""
        new = type(self)(self.f, (n, *self.part_shape), self.slot, self.offset)
        new.plane = self.plane
        return new

    def __setitem__(self, k: Any, value: Any) -> None:
        self.written = True
        place, new = self.memory(k), lifted(self.f, value)
        shape = place.shape
        if self.size_of_part == 1 and not isinstance(k, slice):
            number = at(new, [0] * len(new.shape))
            if self.complex:
                number = self.f.pair(*self.f.both(number))
            self.f.found[self.f.regions[-1], self._name(k)] = number
            new = Symbol(self.f, shape, reg=number, strides=(0,) * len(shape))
        nest(self.f, lambda v: v, [broadcast(new, shape)], place, whole=self.whole)


class Passing:
    """Coefficients that are read only at the degree at which they are made: no table is kept.

    That of degree 0 is.
    """

    def __init__(self, f: Function, shape: tuple[int, ...], readers: int) -> None:
        self.f, self.shape, self.readers = f, shape, readers
        self.first: Any = None
        self.now: Any = None

    def __setitem__(self, k: Any, value: Any) -> None:
        new = broadcast(lifted(self.f, value), self.shape[1:])
        self.now = new if self.readers == 1 else settled(new)
        if self.first is None:
            self.first = self.now

    def __getitem__(self, k: Any) -> Any:
        return self.first if type(k) is int and k == 0 else self.now


def _held(table: Any, height: int) -> Held:
    """Return where a table lies in memory."""
    table.place()
    places = (table.offset, table.offset + numbers_between(table))[: 1 + table.complex]
    return Held(places, table.part_shape, table.size_of_part, height)


class Loops(Univariate):
    """The univariate algebra whose sums over degrees are loops in the function being written."""

    def interior(self, k: Any, x: Any, y: Any, hx: Any, hy: Any) -> Any:
        """Return Σ x_j y_{k-j} over 1 <= j < k, j <= hx, k - j <= hy; None for no term."""
        f: Function = x.f
        shape = np.broadcast_shapes(x.part_shape, y.part_shape)
        middle: list[Any] | None = None
        if not isinstance(k, Degree):
            lo, hi = max(1, k - hy), min(k - 1, hx)
            # the latest coefficients last, so that the sum need not wait for them
            js = sorted(range(lo, hi + 1), key=lambda j: max(j, k - j))
            pairs: list[tuple[Any, Any]] = [(j, k - j) for j in js]
            if x is y and len(pairs) > 1 and lo + hi == k:  # twice the first half, and the middle
                middle = [(i, j) for i, j in pairs if i == j]
                pairs = [(i, j) for i, j in pairs if i < j]
        else:
            short_x, short_y = (not isinstance(h, Degree) and k > h for h in (hx, hy))
            if not (short_x or short_y):
                return _convolution(f, k, x, y, shape)
            pairs = []
            if not (short_x and short_y):
                near = [(j, k - j) for j in range(1, (hx if short_x else hy) + 1)]
                pairs = near if short_x else [(far, j) for j, far in near]
        if not pairs:
            return None
        return _products(f, shape, x, y, pairs, middle)


def _products(
    f: Function,
    shape: tuple[int, ...],
    x: Table,
    y: Table,
    pairs: Sequence[Any],
    middle: Sequence[Any] | None = None,
) -> Symbol:
    """Return Σ x_i y_j over pairs (i, j); twice that, and `middle`, if given."""
    every = [*pairs, *(middle or ())]
    flat = [broadcast(z, shape) for i, j in every for z in (x[i], y[j])]

    def added(total: Scalar | None, a: Scalar, b: Scalar) -> Scalar:
        return f.binary("fmul", a, b) if total is None else f.fma(a, b, total)

    def body(*values: Scalar) -> Scalar:
        products = list(zip(values[::2], values[1::2], strict=True))
        sums: list[Scalar | None] = [None] * WAYS
        for i, product in enumerate(products[: len(pairs)]):
            sums[i % WAYS] = added(sums[i % WAYS], *product)
        found = [x for x in sums if x is not None]
        while len(found) > 1:
            found = [f.binary("fadd", *found[:2]), *found[2:]]
        total = found[0]
        if middle is not None:
            total = f.binary("fadd", total, total)
        for product in products[len(pairs) :]:
            total = added(total, *product)
        return total

    if math.prod(shape) == 1:
        value = body(*(at(z, [0] * len(shape)) for z in flat))
        return Symbol(f, shape, reg=value, strides=(0,) * len(shape))
    out = empty(f, shape, x.complex or y.complex)
    nest(f, body, flat, out, whole=True)
    return out


def _convolution(f: Function, k: Degree, x: Table, y: Table, shape: tuple[int, ...]) -> Symbol:
    """Return Σ x_j y_{k-j} over 1 <= j < k."""
    if math.prod(shape) == 1:
        return Symbol(f, shape, reg=k.sums.of(k, x, y), strides=(0,) * len(shape))
    out = empty(f, shape, x.complex or y.complex)
    convolution = Convolution(f, k, x, y, shape)
    axes = convolution.axes(out)

    def write(places: Sequence[Place]) -> None:
        for (index, _), total in zip(places, convolution.sums(places, axes), strict=True):
            terms = [(i, axis[1]) for i, axis in zip(index, axes, strict=True)]
            f.store(total, f.address("%data", terms, out.offset), out.plane)

    places = _vectors(axes) if f.unit == 1 else None
    if places is None:
        over_axes(f, axes, lambda *place: write([place]), padded=len(axes) == 1)
    else:
        several = SUMS // (1 + out.complex)
        for start in range(0, len(places), several):
            write(places[start : start + several])
    return out


Place = tuple[list[Any], int]  # the index of an element, and the width of the vector from there


def _vectors(axes: list[Any]) -> list[Place] | None:
    """Return the vectors of a small array, or None.

    A factor that is the same along the last axis is a number there.  A vector may reach into the
    next row, which is written after it.
    """
    if not axes or axes[-1][1] != 1 or any(s not in (0, 1) for s in axes[-1][2]):
        return None
    rows = list(itertools.product(*(range(n) for n, _, _ in axes[:-1])))
    starts = range(0, axes[-1][0], WIDTH)
    if len(rows) * len(starts) > BLOCKS:
        return None
    return [([*row, i], WIDTH) for row in rows for i in starts]


class Convolution:
    """Σ x_j y_{k-j} over 1 <= j < k, of arrays.

    Of a square the first half is summed: it is twice that, and the middle.
    """

    def __init__(self, f: Function, k: Degree, x: Table, y: Table, shape: Any) -> None:
        self.f, self.k, self.square = f, k, x is y
        self.tables = [x] if x is y else [x, y]
        self.parts = [broadcast(table.memory(0), shape) for table in self.tables]

    def axes(self, out: Symbol) -> list[Any]:
        """Return the size, the stride of the result, and those of both factors, along each axis."""
        strides = zip(*(part.strides for part in self.parts), strict=True)
        return merged_axes(list(zip(out.shape, out.strides, map(list, strides), strict=True)))

    def sums(self, places: Sequence[Place], axes: list[Any]) -> list[Scalar]:
        """Return the sums at some places, in one loop over j."""
        f, k = self.f, self.k

        def read(n: int, j: str) -> list[Scalar]:
            """Return the coefficients of degree j of a factor at the places."""
            loaded: dict[Any, Scalar] = {}
            table, part, found = self.tables[n], self.parts[n], []
            along = f.unit > 1 or (bool(axes) and axes[-1][2][n] == 1)
            for index, width in places:
                terms = [(i, strides[n]) for i, (_, _, strides) in zip(index, axes, strict=True)]
                key = tuple(i for i, s in terms if s)
                if key not in loaded:
                    pointer = f.address("%data", [*terms, (j, table.size_of_part)], part.offset)
                    loaded[key] = f.load(pointer, width if along else 1, part.plane)
                found.append(loaded[key])
            return found

        def added(totals: Sequence[Scalar], near: Any, far: Any) -> list[Scalar]:
            """Return the totals plus one product each."""
            return [
                f.splat(f.fma(x, y, total), total.width)
                for x, y, total in zip(near, far, totals, strict=True)
            ]

        complex = any(table.complex for table in self.tables)
        with f.loop(1, k.half if self.square else k.index, maybe=True) as loop:
            totals = [loop.carry(f.zero(width, complex)) for _, width in places]
            back = f.whole("sub", k.index, loop.index)
            new = added(totals, read(0, loop.index), read(-1, back))
            for total, value in zip(totals, new, strict=True):
                loop.update(total, value)
        found = [loop.result(total) for total in totals]
        if not self.square:
            return found
        middle = read(0, f.whole("ashr", k.index, 1))
        one = f.select(f.odd(k.index), f.constant(0.0), f.constant(1.0))
        twice = [f.binary("fadd", total, total) for total in found]
        return added(twice, [f.binary("fmul", x, one) for x in middle], middle)


class Sums:
    """The sums Σ x_j y_{k-j} over 1 <= j < k of numbers' tables, of two degrees k and k + 1.

    They need lower degrees only, so those of all steps are taken before the steps, side by side and
    for both degrees at once: x_j is loaded for both, and y_{k-j} is y_{k+1-j} of the next j.  At
    degree k + 1 the terms with x_k and y_k are added.  Of a square only the first half is summed.
    """

    def __init__(self, f: Function, k: str, first: int) -> None:
        self.f, self.k = f, k
        self.odd = first % 2  # k has the parity of the first degree
        self.wanted: list[tuple[Table, Table, Scalar, Scalar]] = []
        self.taken = 0  # at degree k + 1
        self.half = f.whole("ashr", k, 1)
        self.begin = f.mark()

    def of(self, k: Degree, x: Table, y: Table) -> Scalar:
        """Return the sum of degree k, or of k + 1: these are asked for in the same order."""
        name = k.index, frozenset((x.serial, y.serial))  # that of y and x is the same
        return self.f.once(name, lambda: self._total(k, x, y))

    def _total(self, k: Degree, x: Table, y: Table) -> Scalar:
        f = self.f
        if k.index == self.k:
            complex = x.complex or y.complex
            total, other = (f.later(f.unit, complex) for _ in range(2))
            self.first = k
            self.wanted.append((x, y, total, other))
        else:
            *_, total = self.wanted[self.taken]
            self.taken += 1
            total = f.fma(x.number(1), y.number(self.first), total)
            if x is not y:
                total = f.fma(x.number(self.first), y.number(1), total)
        if x is y:
            total = f.binary("fadd", total, total)
            if (k.index == self.k) != self.odd:  # an even degree: the middle is there once
                middle = self._at(x, self.half, self.odd)
                total = f.fma(middle, middle, total)
        return total

    def _at(self, x: Table, j: Any, more: int = 0) -> Scalar:
        return self.f.load(self.f.address("%data", [(j, 1)], x.offset + more), None, x.plane)

    def write(self, order: int) -> None:
        """Write the loops over j where the steps begin."""
        f, several = self.f, TOGETHER[self.f.unit > 1]
        take = self._in_vectors if order > SHORT and f.unit == 1 else self._one_by_one
        with f.before(self.begin):
            for square in (False, True):
                wanted = [w for w in self.wanted if (w[0] is w[1]) == square]
                for start in range(0, len(wanted), several):
                    take(wanted[start : start + several], square)
                    f.pause()

    def _stop(self, square: bool) -> str:
        if not square:
            return self.k
        return self.f.whole("add", self.half, 1) if self.odd else self.half

    def _one_by_one(self, wanted: Any, square: bool) -> None:
        f = self.f

        def zero(like: Any) -> Scalar:
            return loop.carry(f.zero(f.unit, bool(like)))

        with f.loop(1, self._stop(square), maybe=square) as loop:
            later = {n: zero(y.complex) for n, y in {id(y): y for _, y, *_ in wanted}.items()}
            totals = [(zero(one.im), zero(two.im)) for _, _, one, two in wanted]
            back = f.whole("sub", self.k, loop.index)
            left = {n: self._at(x, loop.index) for n, x in {id(x): x for x, *_ in wanted}.items()}
            right = {n: self._at(y, back) for n, y in {id(y): y for _, y, *_ in wanted}.items()}
            for (x, y, *_), (one, two) in zip(wanted, totals, strict=True):
                loop.update(one, f.fma(left[id(x)], right[id(y)], one))
                loop.update(two, f.fma(left[id(x)], later[id(y)], two))
            for name, value in right.items():
                loop.update(later[name], value)
        found = [[loop.result(total) for total in pair] for pair in totals]
        before = {name: loop.result(register) for name, register in later.items()}
        for (x, y, *names), (one, two) in zip(wanted, found, strict=True):
            if square and not self.odd:
                two = f.fma(self._at(x, self.half), before[id(y)], two)
            self._named(names, (one, two))

    def _named(self, names: Sequence[Scalar], values: Sequence[Scalar]) -> None:
        """Give values the names under which the steps know them."""
        for name, value in zip(names, values, strict=True):
            self.f.define(name, value)

    def _in_vectors(self, wanted: Any, square: bool) -> None:
        """Take vectors of j: x_j y_{k-j} and, of the next degree, x_{j+1} y_{k-j}."""
        f, stop = self.f, self._stop(square)
        less = f.whole("sub", stop, 1) if self.odd or not square else stop
        with f.loop(1, stop, WIDTH, maybe=square) as loop:
            totals = [
                [loop.carry(f.zero(WIDTH, bool(name.im))) for name in names]
                for _, _, *names in wanted
            ]
            ahead = f.below(loop.index, range(WIDTH), stop)
            next_ahead = f.below(loop.index, range(WIDTH), less)
            behind = f.below(loop.index, range(WIDTH - 1, -1, -1), stop)
            back = f.whole("sub", self.k, loop.index)
            place = [(loop.index, 1)]
            left, right = {}, {}
            for x, y, *_ in wanted:
                if id(x) not in left:
                    left[id(x)] = (
                        f.masked(f.address("%data", place, x.offset), ahead, x.plane),
                        f.masked(f.address("%data", place, x.offset + 1), next_ahead, x.plane),
                    )
                if id(y) not in right:
                    far = f.address("%data", [(back, 1)], y.offset - WIDTH + 1)
                    right[id(y)] = f.reversed(f.masked(far, behind, y.plane))
            for (x, y, *_), pair in zip(wanted, totals, strict=True):
                for total, u in zip(pair, left[id(x)], strict=True):
                    loop.update(total, f.fma(u, right[id(y)], total))
        found = [[loop.result(total) for total in pair] for pair in totals]
        for (*_, first, second), sides in zip(wanted, found, strict=True):
            self._named((first, second), [f.total(total) for total in sides])


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
    guards = [moved(g, lambda i: new[i]) for g in program.guards]
    inputs, outputs = ([new[i] for i in row] for row in (program.inputs, program.outputs))
    return Program(code, inputs, outputs, guards, program.single, program.point)


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
    ) -> None:
        self.f = f
        self.by_degree = by_degree
        self.readers = _readers(program) if by_degree and algebra is None else {}
        given = [x.complex for x in (*inputs, *parameters)]
        self.complex = kinds(program.code, given)
        super().__init__(program, algebra or Loops(order), inputs, parameters, heights)

    def _kind(self, inputs: Sequence[Array]) -> Array:
        return inputs[0] if len(inputs) else Table(self.f, (0,), None, 0)

    def _room(self, i: int, shape: tuple[int, ...]) -> Any:
        if i in self.readers and not self.complex[i]:
            return Passing(self.f, shape, self.readers[i])
        return self.like.new(shape, self.complex[i])

    def _checked(self, row: Any, values: Sequence[Any]) -> Any:
        plain = not any(is_operand(v) for v in values)
        return row(*(lifted(self.f, v) for v in values)) if plain else row(*values)

    def _singular(self, row: Any, args: Sequence[int], y0: Any, p0: Any) -> Any:
        return None

    def _check_divisor(self, i: int, a: Any, b: Any, active: bool) -> None:
        return None

    def _dividing(self, x: Any, low: Any) -> Any:
        x = lifted(self.f, x)
        with self._exactly():
            return operator.truediv, x if x.complex else Divisor(x, low)

    def _modulus(self, args: Sequence[int]) -> Any:
        with self._exactly():
            a, b, (square, low) = super()._modulus(args)
            return a, b, (square, None if low is None else settled(low))

    @contextlib.contextmanager
    def _exactly(self) -> Iterator[None]:
        """Round every operation as it is written: what rounding takes is computed."""
        contracts, self.f.contracts = self.f.contracts, False
        yield
        self.f.contracts = contracts

    def _low(self, i: int, depth: int = DEPTH) -> Any:
        with self._exactly():
            return settled(super()._low(i, depth))

    def _row_low(self, i: int) -> Any:
        with self._exactly():
            return settled(super()._row_low(i))

    def _kept(self, low: Any, y: Any) -> Any:
        f = self.f

        def body(low: Scalar, y: Scalar) -> Scalar:
            most = f.binary("fmul", f.intrinsic("fabs", y), f.constant(LARGEST_LOW))
            small = f.compare("ole", f.intrinsic("fabs", low), most)
            return f.select(small, low, f.constant(0.0))

        return mapped(f, body, lifted(f, low), lifted(f, y))

    def _has_low(self, i: int) -> bool:
        return not self.complex[i]

    def _product_low(self, x: Any, y: Any, z: Any) -> Any:
        f = self.f
        return mapped(
            f,
            lambda a, b, c: f.fma(a, b, f.negative(c)),
            *(lifted(f, v) for v in (x, y, z)),
        )

    def _coefficients(self, row: Any, x: Any) -> Any:
        shape = (self.order + 1, *np.shape(x))
        return asked(self.f, "local", ref(self.f, row), [lifted(self.f, x)], shape)

    def _local(self, i: int) -> Step:
        if not isinstance(self.algebra, Univariate):
            return super()._local(i)
        op, (a,), _ = self.program.code[i]
        assert isinstance(op, Local)
        row = op.row
        x, y = self.table[a], self.table[i]
        found: list[Composition] = []

        def step(k: Any) -> None:
            if k == 0:
                y[0] = row(x[0])
                c = self._coefficients(row, x[0])
                found.append(Composition(self.f, self.order, x, self.height[a], c))
                return
            y[k] = found[0].part(k)

        return step

    def _call(self, i: int) -> Step:
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
            return _held(self.table[a], self.height[a])

        def step(k: Any) -> None:
            if k == 0:
                given = rule.args([self._value(a) for a in args])
                found = tuple(held(a, x) for a, x in zip(args, given, strict=True))
                asks.append(Ask("degrees", i, found, _held(y, self.order)))
            f.ask(asks[0], k.index if isinstance(k, Degree) else str(k))

        return step

    def _jump(self, i: int) -> Step:
        op, args, _ = self.program.code[i]
        assert isinstance(op, Jump)
        row = op.row
        y, part = self.table[i], self.algebra.part

        def step(k: Any) -> None:
            values = [lifted(self.f, self._value(a)) for a in args]
            y[part(k)] = row(*values) if k == 0 else slope_of_jump(row)(*values)

        return step

    def _integral(self, i: int) -> Step:
        y, inner = self.table[i], super()._integral(i)

        def step(k: Any) -> None:
            y.written = False
            inner(k)
            if not y.written and k <= self.height[i]:
                y[self.algebra.part(k)] = 0.0

        return step

    def result(self, i: int) -> Array:
        """Return the table of instruction i, up to its height."""
        rows = int(np.count_nonzero(self.algebra.degrees <= self.height[i]))
        if self.height[i] or isinstance(self.program.code[i].op, Input):
            table = self.table[i]
        else:
            value = self.table[i]
            table = self._room(i, (self.algebra.size, *np.shape(value)))
            table[0] = value

        return table.rows(rows) if isinstance(table, Table) and rows < table.shape[0] else table

    def _choose(self, i: int) -> Step:
        op, (lhs, rhs, a, b), _ = self.program.code[i]
        assert isinstance(op, Choose)
        value, slope = ("where", "mean") if op.mode == "kink" else (op.mode, op.mode)
        y, height, piece = self.table[i], self.height, self.algebra.part

        def part(j: int, k: Any) -> Any:
            if k == 0:
                return self._value(j)
            return self.table[j][piece(k)] if k <= height[j] else 0.0

        def step(k: Any) -> None:
            args = self._value(lhs), self._value(rhs), part(a, k), part(b, k)
            chosen = host(args)._choose(*args, value if k == 0 else slope)
            y[0 if k == 0 else piece(k)] = chosen

        return step

    def run(self) -> None:
        """Write the steps of all degrees.

        One point: all instructions degree by degree.  Tiles of points, and long programs: some
        instructions at a time, so that few tables are in use; those that need each other stay
        together.
        """
        every = range(len(self.steps))
        if not isinstance(self.algebra, Univariate):  # parts of different sizes
            for k in range(self.order + 1):
                self.write(k, every)
        elif self.by_degree:
            self.degrees(every)
        else:
            self._by_instruction()
        self.steps.clear()

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
        heights = {self.height[a] for i in owners for a in (i, *code[i].args)}
        first = max([h for h in heights if h < order], default=0)
        first = max(first, min(order, 1))  # what stays the same from degree 1 on is written once
        numbers = False
        for i in owners:
            if isinstance(code[i].op, (Mul, Integral)):  # products of two polynomials end later
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
        if self.f.unit > 1:  # else what is not written must stay zero
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

        These are the ones that need each other, and with them those that take no sums; for one
        point, some more, so that a loop over degrees has something to do.
        """
        groups: list[list[int]] = []
        reach, code = -1, self.program.code
        few = 1 if self.f.unit > 1 else RUN
        sums = False  # whether the last group takes sums
        for i, instruction in enumerate(code):
            takes = isinstance(instruction.op, SUMMING)
            if i <= reach or (groups and not (takes and sums and len(groups[-1]) >= few)):
                groups[-1].append(i)
            else:
                groups.append([i])
                sums = False
            sums = sums or takes
            reach = max(reach, *instruction.args, i)
        return groups
