"""Univariate series as machine code: the step rules of `sweep`, run on symbolic tables.

The rules are those of the sweep, degree by degree.  Degrees up to the height of every polynomial
are written out; from there on all steps are the same, and one loop over k runs them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.algebra import Univariate
from taylor.elementary import slope_of_jump
from taylor.expand import moved
from taylor.llvm.emit import (
    SUMS,
    Degree,
    Divisor,
    Slot,
    Symbol,
    Unsupported,
    _broadcast,
    _loops,
    _merged,
    _strides,
    at,
    empty,
    lifted,
    nest,
    settled,
)
from taylor.llvm.ir import WIDTH, Function, Scalar
from taylor.program import Program
from taylor.sweep import Step, Sweep
from taylor.tape import Instruction, Linear

Array = Any
# up to this order sums run term by term: vectors would wait for coefficients just written
SHORT = 24
BLOCKS = 64  # vectors of elements up to which sums are taken side by side
WAYS = 2  # terms of a sum that are added at a time


def part_size(shape: Sequence[int], unit: int = 1) -> int:
    """Return how many numbers the coefficients of one degree take: arrays fill whole vectors."""
    n = int(np.prod(shape[1:], dtype=int))
    return n if n <= 1 or unit > 1 else -(-n // WIDTH) * WIDTH


class Table(Symbol):
    """The coefficients of a series of the function being written, by degree.

    Its memory is taken when it is first used; `forget` gives it back.
    """

    __slots__ = ("known", "part_shape", "size_of_part", "waiting", "written")

    def __init__(self, f: Function, shape: tuple[int, ...], slot: Any, offset: int) -> None:
        self.part_shape = tuple(shape[1:])
        self.size_of_part = part_size(shape, f.unit)
        strides = (self.size_of_part, *_strides(self.part_shape))
        super().__init__(f, shape, None, slot, offset, strides)
        self.waiting = False
        self.known: dict[int, Scalar] = {}  # numbers that are in registers, too

    def _zeros(self, shape: tuple[int, ...]) -> Any:
        """Return a new table; what is never written stays zero."""
        new = Table(self.f, shape, None, 0)
        new.waiting = True
        if self.f.unit == 1:  # memory of its own from the start: what is not written stays zero
            new.place()
        return new

    @property
    def whole(self) -> bool:
        """Whether the last vector of every row lies within the part, so that it may be written."""
        shape = self.part_shape
        ends = int(np.prod(shape, dtype=int)) + -(shape[-1] if shape else 1) % WIDTH
        return ends <= self.size_of_part or len(shape) < 2

    def place(self) -> None:
        """Take memory."""
        if self.waiting:
            self.slot = Slot(self.f, self.shape[0] * self.size_of_part)
            self.offset, self.waiting = self.slot.start, False

    def forget(self) -> None:
        """Give the memory back."""
        self.slot = None

    def __getitem__(self, k: Any) -> Any:
        part, shape = self.part(k), self.part_shape
        if self.size_of_part == 1 and part.reg is None:
            reg = self.f.load(self.f.address("%data", part.lead, part.offset))
            return Symbol(self.f, shape, reg=reg, strides=(0,) * len(shape))
        return part

    def part(self, k: Any) -> Symbol:
        """Return the array of the coefficients of degree k."""
        if not isinstance(k, Degree) and k in self.known:
            shape = self.part_shape
            return Symbol(self.f, shape, reg=self.known[k], strides=(0,) * len(shape))
        return self.memory(k)

    def memory(self, k: Any) -> Symbol:
        """Return where the coefficients of degree k lie."""
        self.place()
        shape, n = self.part_shape, self.size_of_part
        if isinstance(k, Degree):
            lead = ((k.index, n),)
            return Symbol(self.f, shape, None, self.slot, self.offset, _strides(shape), lead)
        return Symbol(self.f, shape, None, self.slot, self.offset + k * n, _strides(shape))

    def __setitem__(self, k: Any, value: Any) -> None:
        self.written = True
        shape, new = self.part_shape, lifted(self.f, value)
        place = self.memory(k)
        if self.size_of_part == 1 and not isinstance(k, Degree) and self.f.depth == 0:
            self.known[k] = at(new, [0] * len(new.shape))
            new = Symbol(self.f, shape, reg=self.known[k], strides=(0,) * len(shape))
        nest(self.f, lambda v: v, [_broadcast(new, shape)], place, whole=self.whole)


class Passing:
    """Coefficients that are read only at the degree at which they are made: no table is kept."""

    def __init__(self, f: Function, shape: tuple[int, ...], readers: int) -> None:
        self.f, self.shape, self.readers = f, shape, readers
        self.now: Any = None

    def __setitem__(self, k: Any, value: Any) -> None:
        new = _broadcast(lifted(self.f, value), self.shape[1:])
        self.now = new if self.readers == 1 else settled(new)

    def __getitem__(self, k: Any) -> Any:
        return self.now


class Loops(Univariate):
    """The univariate algebra whose sums over degrees are loops in the function being written."""

    def interior(self, k: Any, x: Any, y: Any, hx: Any, hy: Any) -> Any:
        """Return Σ x_j y_{k-j} over 1 <= j < k, j <= hx, k - j <= hy; None for no term."""
        f: Function = x.f
        shape = np.broadcast_shapes(x.part_shape, y.part_shape)
        if not isinstance(k, Degree):
            lo, hi = max(1, k - hy), min(k - 1, hx)
            # the latest coefficients last, so that the sum need not wait for them
            js = sorted(range(lo, hi + 1), key=lambda j: max(j, k - j))
            half = [(x.part(j), x.part(k - j)) for j in js if x is y and j < k - j]
            if half and lo + hi == k:  # a square: twice the first half, and the middle
                middle = [(x.part(k // 2),) * 2] if k % 2 == 0 else []
                return _products(f, shape, half, middle)
            pairs = [(x.part(j), y.part(k - j)) for j in js]
            return _products(f, shape, pairs) if pairs else None
        short_x, short_y = (not isinstance(h, Degree) and k > h for h in (hx, hy))
        if short_x and short_y:
            return None
        if short_x or short_y:
            height = hx if short_x else hy
            near, far = (x, y) if short_x else (y, x)
            pairs = [(near.part(j), _below(far, k, j)) for j in range(1, height + 1)]
            return _products(f, shape, pairs) if pairs else None
        return _convolution(f, k, x, y, shape)


def _below(table: Table, k: Degree, j: int) -> Symbol:
    """Return the coefficients of degree k - j."""
    part = table.part(k)
    part.offset -= j * table.size_of_part
    return part


def _products(
    f: Function, shape: tuple[int, ...], pairs: Sequence[Any], once: Sequence[Any] | None = None
) -> Symbol:
    """Return Σ a·b of pairs of arrays in one nest; twice that, and the pairs `once`, if given."""
    flat = [_broadcast(z, shape) for pair in [*pairs, *(once or ())] for z in pair]
    n = len(pairs)

    def body(*values: Scalar) -> Scalar:
        terms = list(zip(values[::2], values[1::2], strict=True))
        sums: list[Scalar | None] = [None] * WAYS
        for i, (a, b) in enumerate(terms[:n]):
            total = sums[i % WAYS]
            new = f.binary("fmul", a, b) if total is None else f.intrinsic("fma", a, b, total)
            sums[i % WAYS] = new
        found = [x for x in sums if x is not None]
        while len(found) > 1:
            found = [f.binary("fadd", *found[:2]), *found[2:]]
        total = found[0]
        if once is not None:
            total = f.binary("fadd", total, total)
        for a, b in terms[n:]:
            total = f.intrinsic("fma", a, b, total)
        return total

    return _element_wise(f, body, flat, shape)


def _element_wise(f: Function, body: Any, args: list[Symbol], shape: tuple[int, ...]) -> Symbol:
    if int(np.prod(shape, dtype=int)) == 1:
        values = [at(z, [0] * len(shape)) for z in args]
        return Symbol(f, shape, reg=body(*values), strides=(0,) * len(shape))
    out = empty(f, shape)
    nest(f, body, args, out, whole=True)
    return out


def _convolution(f: Function, k: Degree, x: Table, y: Table, shape: tuple[int, ...]) -> Symbol:
    """Return Σ x_j y_{k-j} over 1 <= j < k as a loop over j inside the loops over elements."""
    a = _broadcast(x.memory(0), shape)
    b = _broadcast(y.memory(k), shape)
    square = x is y
    stop = k.half if square else k.index  # a square: twice the first half, and the middle

    def element(index: list[Any], width: int) -> Scalar:
        where_a = list(zip(index, a.strides, strict=True))
        where_b = list(zip(index, b.strides, strict=True))
        wide_a = width if f.unit > 1 or (index and a.strides[-1] == 1) else 1
        wide_b = width if f.unit > 1 or (index and b.strides[-1] == 1) else 1

        def at(j: str, back: str) -> tuple[Scalar, Scalar]:
            p = f.address("%data", [*where_a, (j, x.size_of_part)], a.offset)
            q = f.address("%data", [*where_b, (back, y.size_of_part)], b.offset)
            return f.load(p, wide_a), f.load(q, wide_b)

        with f.loop(1, stop, maybe=True) as loop:
            total = loop.carry(f.constant(0.0, width))
            back = f.put(f"sub nsw i64 {k.index}, {loop.index}")
            u, v = at(loop.index, back)
            new = f.intrinsic("fma", u, v, total)
            loop.update(total, Scalar(f.splat(new, width).text, width))
        result = loop.result(total)
        if square:
            middle = f.put(f"ashr i64 {k.index}, 1")
            result = _doubled(f, k, result, *at(middle, middle))
        return result

    if int(np.prod(shape, dtype=int)) == 1:
        if f.unit > 1:
            value = element([0] * len(shape), f.unit)
        else:
            value = (_scalar_sum if k.order <= SHORT else _masked_sum)(f, k, x, y, stop)
            if square:
                half = f.put(f"ashr i64 {k.index}, 1")
                middle = f.load(f.address("%data", [(half, 1)], x.offset))
                value = _doubled(f, k, value, middle, middle)
        return Symbol(f, shape, reg=value, strides=(0,) * len(shape))
    out = empty(f, shape)
    axes = [
        (n, s, [p, q]) for n, s, p, q in zip(shape, out.strides, a.strides, b.strides, strict=True)
    ]
    places = _vectors(axes) if f.unit == 1 else None
    if places is not None:
        for start in range(0, len(places), SUMS):
            some = places[start : start + SUMS]
            sums = _side_by_side(f, k, (x, a.offset), (y, b.offset), stop, some)
            for (to, _, _), total in zip(some, sums, strict=True):
                f.store(total, f.address("%data", [], out.offset + to))
        return out

    def write(index: list[Any], width: int) -> None:
        terms = list(zip(index, out.strides, strict=True))
        y = element(index, width)
        f.store(Scalar(f.splat(y, width).text, width), f.address("%data", terms, out.offset))

    _loops(f, axes, write, padded=len(axes) == 1)
    return out


Place = tuple[int, tuple[int, bool], tuple[int, bool]]


def _vectors(axes: list[Any]) -> list[Place] | None:
    """Return the vectors of a result: where each lies, in it and in both factors, or None.

    A factor that is the same along the last axis is a number there.  A vector may reach into the
    next row, which is written after it.
    """
    axes = _merged(axes)
    if not axes or axes[-1][1] != 1 or any(s not in (0, 1) for s in axes[-1][2]):
        return None
    *outer, (n, _, last) = axes
    rows = list(itertools.product(*(range(m) for m, _, _ in outer)))
    if len(rows) * -(-n // WIDTH) > BLOCKS:
        return None
    found: list[Place] = []
    for row in rows:
        to = sum(i * s for i, (_, s, _) in zip(row, outer, strict=True))
        starts = [sum(i * st[z] for i, (_, _, st) in zip(row, outer, strict=True)) for z in (0, 1)]
        for i in range(0, n, WIDTH):
            p, q = ((starts[z] + i * last[z], last[z] == 1) for z in (0, 1))
            found.append((to + i, p, q))
    return found


def _side_by_side(
    f: Function, k: Degree, x: Any, y: Any, stop: str, places: Sequence[Place]
) -> list[Scalar]:
    """Return Σ x_j y_{k-j} over 1 <= j < k for some vectors of elements, in one loop over j."""
    (x, x_start), (y, y_start) = x, y
    square = stop == k.half

    def at(j: str, back: str) -> list[tuple[Scalar, Scalar]]:
        loaded: dict[Any, Scalar] = {}

        def factor(table: Table, start: int, degree: str, place: tuple[int, bool]) -> Scalar:
            if (degree, start, place) not in loaded:
                terms = [(degree, table.size_of_part)]
                pointer = f.address("%data", terms, start + place[0])
                loaded[degree, start, place] = f.load(pointer, WIDTH if place[1] else 1)
            return loaded[degree, start, place]

        return [(factor(x, x_start, j, p), factor(y, y_start, back, q)) for _, p, q in places]

    with f.loop(1, stop, maybe=True) as loop:
        totals = [loop.carry(f.constant(0.0, WIDTH)) for _ in places]
        back = f.put(f"sub nsw i64 {k.index}, {loop.index}")
        for total, (u, v) in zip(totals, at(loop.index, back), strict=True):
            new = f.intrinsic("fma", u, v, total)
            loop.update(total, Scalar(f.splat(new, WIDTH).text, WIDTH))
    found = [loop.result(total) for total in totals]
    if square:
        middle = f.put(f"ashr i64 {k.index}, 1")
        ends = at(middle, middle)
        found = [_doubled(f, k, t, u, v) for t, (u, v) in zip(found, ends, strict=True)]
    return found


def _doubled(f: Function, k: Degree, total: Scalar, u: Scalar, v: Scalar) -> Scalar:
    """Return twice the first half of the sum of a square, plus its middle u·v for even k."""
    odd = f.put(f"trunc i64 {k.index} to i1")
    one = Scalar(f.put(f"select i1 {odd}, double 0.0, double 1.0"))
    twice = f.binary("fadd", total, total)
    return f.intrinsic("fma", f.binary("fmul", u, one), v, twice)


def _scalar_sum(f: Function, k: Degree, x: Table, y: Table, stop: str) -> Scalar:
    """Return Σ x_j y_{k-j} over 1 <= j < stop of two numbers' tables, some terms at a time."""
    with f.loop(1, stop, WAYS, maybe=True) as loop:
        sums = [loop.carry(f.constant(0.0)) for _ in range(WAYS)]
        back = f.put(f"sub nsw i64 {k.index}, {loop.index}")
        for d, total in enumerate(sums):
            u = f.load(f.address("%data", [(loop.index, 1)], x.offset + d))
            v = f.load(f.address("%data", [(back, 1)], y.offset - d))
            if d:
                j = f.put(f"add nsw i64 {loop.index}, {d}")
                inside = f.put(f"icmp slt i64 {j}, {stop}")
                u, v = (
                    Scalar(f.put(f"select i1 {inside}, double {w.text}, double 0.0"))
                    for w in (u, v)
                )
            loop.update(total, f.intrinsic("fma", u, v, total))
    found = [loop.result(total) for total in sums]
    while len(found) > 1:
        found = [f.binary("fadd", *found[:2]), *found[2:]]
    return found[0]


def _masked_sum(f: Function, k: Degree, x: Table, y: Table, stop: str) -> Scalar:
    """Return Σ x_j y_{k-j} over 1 <= j < stop of two numbers' tables, a vector of j at a time."""
    with f.loop(1, stop, WIDTH, maybe=True) as loop:
        total = loop.carry(f.constant(0.0, WIDTH))
        ahead = f.below(loop.index, range(WIDTH), stop)
        back = f.below(loop.index, range(WIDTH - 1, -1, -1), stop)
        left = f.masked(f.address("%data", [(loop.index, 1)], x.offset), ahead)
        far = f.put(f"sub nsw i64 {k.index}, {loop.index}")
        right = f.masked(f.address("%data", [(far, 1)], y.offset - WIDTH + 1), back)
        loop.update(total, f.intrinsic("fma", left, f.reversed(right), total))
    return f.total(loop.result(total))


def spread(program: Program) -> Program:
    """Return the program with factors repeated along the last axis where that is broadcast.

    What is repeated once a degree is then read in whole vectors by the sums over degrees.
    """
    code: list[Instruction] = []
    new: dict[int, int] = {}
    repeated: dict[tuple[int, tuple[int, ...]], int] = {}
    for i, (op, args, param, shape) in enumerate(program.code):
        given: list[int] = []
        for a in args:
            own = program.code[a].shape
            short = own[-1:] == (1,) and shape != () and 1 < shape[-1] < WIDTH
            if op in ("mul", "div") and short and np.prod(own) > 1:
                if (a, shape) not in repeated:
                    index = np.broadcast_to(np.arange(np.prod(own, dtype=int)).reshape(own), shape)
                    code.append(Instruction("linear", (a,), Linear("gather", index), shape))
                    repeated[a, shape] = len(code) - 1
                given.append(-1 - repeated[a, shape])
            else:
                given.append(a)
        new[i] = len(code)
        code.append(Instruction(op, tuple(given), param, shape))
    code = [c._replace(args=tuple(-1 - a if a < 0 else new[a] for a in c.args)) for c in code]
    guards = [moved(g, lambda i: new[i]) for g in program.guards]
    inputs, outputs = ([new[i] for i in row] for row in (program.inputs, program.outputs))
    return Program(code, inputs, outputs, guards, program.single, program.point)


def _readers(program: Program) -> dict[int, int]:
    """Return the instructions that others only add and move, with the number of those others.

    They are sums, moves and products: all others read the coefficients of their own results.
    """
    moves = [i.op in ("add", "linear") for i in program.code]
    kept = {*program.outputs, *(i for g in program.guards for i in (g.a, g.b))}
    found = {
        n: 0
        for n, i in enumerate(program.code)
        if i.op in ("add", "linear", "mul") and n not in kept
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
        self.readers = _readers(program) if by_degree and algebra is None else {}
        super().__init__(program, algebra or Loops(order), inputs, parameters, heights)

    def _kind(self, inputs: Sequence[Array]) -> Array:
        return inputs[0] if len(inputs) else Table(self.f, (0,), None, 0)

    def _room(self, i: int, shape: tuple[int, ...]) -> Any:
        if i in self.readers:
            return Passing(self.f, shape, self.readers[i])
        return super()._room(i, shape)

    def _checked(self, row: Any, values: Sequence[Any]) -> Any:
        plain = not any(isinstance(v, Symbol) for v in values)
        return row(*(lifted(self.f, v) for v in values)) if plain else row(*values)

    def _singular(self, row: Any, args: Sequence[int], y0: Any, p0: Any) -> Any:
        return None

    def _check_divisor(self, i: int, a: Any, b: Any, active: bool) -> None:
        return None

    def _divisor(self, x: Any) -> Any:
        return Divisor(lifted(self.f, x))

    def _local(self, i: int) -> Step:
        raise Unsupported(f"{self.program.code[i].param.name} has no machine code")

    def _call(self, i: int) -> Step:
        raise Unsupported(f"{self.program.code[i].param.rule.name} has no machine code")

    def _jump(self, i: int) -> Step:
        args, row = self.program.code[i].args, self.program.code[i].param
        y = self.table[i]

        def step(k: Any) -> None:
            values = [lifted(self.f, self._value(a)) for a in args]
            y[k] = row(*values) if k == 0 else slope_of_jump(row)(*values)

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
        table, rows = super().result(i), self.height[i] + 1
        if not isinstance(table, Table) or rows >= table.shape[0]:
            return table
        short = Table(self.f, (rows, *table.part_shape), table.slot, table.offset)
        return short

    def _choose(self, i: int) -> Step:
        lhs, rhs, a, b = self.program.code[i].args
        mode = "slope" if self.program.code[i].param == "kink" else "where"
        y, height, piece = self.table[i], self.height, self.algebra.part

        def part(j: int, k: Any) -> Any:
            if k == 0:
                return self._value(j)
            return self.table[j][piece(k)] if k <= height[j] else 0.0

        def step(k: Any) -> None:
            sides = self._value(lhs), self._value(rhs)
            owner = next(s for s in (*sides, part(a, k), part(b, k)) if isinstance(s, Symbol))
            chosen = owner._choose(*sides, part(a, k), part(b, k), "where" if k == 0 else mode)
            y[0 if k == 0 else piece(k)] = chosen

        return step

    def run(self) -> None:
        """Write the steps of all degrees.

        One point: all instructions degree by degree.  Tiles of points: instruction by instruction,
        so that few tables are in use at a time; those that need each other stay together.
        """
        if self.f.unit == 1:
            self._degrees(range(len(self.steps)))
        else:
            self._by_instruction()
        self.steps.clear()

    def _degrees(self, steps: Sequence[int]) -> None:
        """Write some steps for all degrees."""
        order, code = self.order, self.program.code
        owners = {self.owners[s] for s in steps}
        heights = {self.height[a] for i in owners for a in (i, *code[i].args)}
        first = max([h for h in heights if h < order], default=0)
        first = max(first, min(order, 1))  # what stays the same from degree 1 on is written once
        for i in owners:
            if code[i].op in ("mul", "integral"):  # products of two polynomials end later
                short = sorted(h for h in (self.height[a] for a in code[i].args) if h < order)
                if len(short) > 1:
                    first = max(first, min(order, short[-1] + short[-2]))
        for k in range(first + 1):
            for s in steps:
                self.steps[s](k)
        if first < order:
            with self.f.loop(first + 1, order + 1) as loop:
                degree: Any = Degree(self.f, loop.index, order)
                for s in steps:
                    self.steps[s](degree)

    def _by_instruction(self) -> None:
        code = self.program.code
        kept = {*self.program.outputs, *self.program.inputs}
        kept |= {i for g in self.program.guards for i in (g.a, g.b)}
        last: dict[int, int] = {}
        groups = self._groups()
        for n, group in enumerate(groups):
            for i in group:
                for a in (i, *code[i].args):
                    last[a] = n
        for n, group in enumerate(groups):
            inside = set(group)
            self._degrees([s for s, i in enumerate(self.owners) if i in inside])
            for i, final in last.items():
                if final == n and i not in kept:
                    for table in (self.table[i], self.weighted.get(i)):
                        if isinstance(table, Table):
                            table.forget()

    def _groups(self) -> list[list[int]]:
        """Return the instructions in runs that must be computed together, degree by degree."""
        groups: list[list[int]] = []
        reach = -1
        for i, instruction in enumerate(self.program.code):
            if i <= reach:
                groups[-1].append(i)
            else:
                groups.append([i])
            reach = max(reach, *instruction.args, i)
        return groups
