"""Programs compiled for one point: numbers in, numbers out, in a block of memory per thread."""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import itertools
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.algebra import Algebra, Univariate
from taylor.core.conditions import Guard
from taylor.core.graded import Graded
from taylor.core.instructions import Parameter
from taylor.core.program import Program, expand, kinds
from taylor.errors import NotNow
from taylor.kept import identity
from taylor.llvm.entry import Entry, Fixed, Value, Written
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.jit import Code, address, made
from taylor.llvm.registers import Scalar
from taylor.llvm.tiles import tiled
from taylor.machine import afar, regions
from taylor.machine.calls import Calls, bare, is_users
from taylor.machine.emit import (
    Symbol,
    Unsupported,
    asked,
    contraction,
    copied,
    flattened,
    lifted,
    mapped,
)
from taylor.machine.monomials import Pairs, check
from taylor.machine.nests import at, c_strides
from taylor.machine.planar import UNORDERED
from taylor.machine.questions import with_questions
from taylor.machine.series import Emission
from taylor.machine.tables import Table, part_size
from taylor.numbers.kinds import Array

OK, GUARD, INFINITE = 0, 1, 2
SMALL = 1 << 17  # numbers that are copied faster than Python calls
COMPOSED = 4  # the order up to which functions are composed: the powers of u are few products
BY_DEGREE = 3000  # instructions times degrees of a program that is written degree by degree
SAME = {"<": "olt", "<=": "ole", ">": "ogt", ">=": "oge"}


def block(size: int) -> Array:
    """Return that many doubles of zeros, beginning at a whole vector."""
    raw = np.zeros(size + WIDTH)
    start = (-raw.ctypes.data // 8) % WIDTH
    return raw[start : start + size]


class Machine:
    """A program as machine code: called with arrays, it returns (status, outputs).

    With an algebra (or an order: that of univariate series) inputs and outputs are tables of
    coefficients: input i gets the degrees up to heights[i] (default 1: a point and a direction),
    outputs all up to the order.  `complex` says which inputs (and then parameters) are complex; in
    memory their parts are inputs of their own; large arrays are read and written where they are.
    Unless the code is to be made, NotNow is raised where there is none on disk.
    """

    places: list[int]  # of the inputs in memory
    results: list[int]  # of the outputs
    flag: int  # of the number of failed guards, and of Σ 0·y
    size: int
    asks: tuple[Sequence[Any], int]  # what the code asks Python for, and where it finds Python
    # where the code finds tables of pairs of monomials, and for which degrees
    lists: tuple[int, Sequence[tuple[int, int, int, bool]]] | None = None
    addresses: NDArray[np.int64]  # of those tables
    code: Code

    def __init__(
        self,
        program: Program,
        series: Algebra | int | None = None,
        heights: Sequence[int] | None = None,
        unit: int = 1,
        expanded: bool = False,
        complex: Sequence[bool] = (),
        make: bool = True,
        name: Sequence[Any] = ("machine",),
    ) -> None:
        self.unit, self.expanded = unit, expanded
        algebra = self.algebra = Univariate(series) if isinstance(series, int) else series
        self.tables, self.dense = algebra is not None, not isinstance(algebra, Univariate)
        grown = self._shapes(program, heights, complex)
        if self.tables and not expanded and (self.dense or is_users(program)):
            composing = isinstance(algebra, Graded) and algebra.order <= COMPOSED
            program = expand(program, composing=composing)  # with the equations of the rows
            self.expanded = True
        if isinstance(algebra, Graded):
            check(program, algebra, unit)
        elif self.tables and self.dense:
            raise Unsupported(f"{algebra} has no machine code")
        code, rows = bare(program)

        def write() -> tuple[Any, Code]:
            if not make:
                raise NotNow("the code is not on disk")
            self._write(program, rows)
            layout = (self.places, self.results, self.flag, self.size, self.lists, self.asks)
            return layout, self.code

        kind = (*name, self.expanded, grown, unit, *self.complex)
        layout, self.code = made(write, identity(code), *kind, program.identity)
        self.places, self.results, self.flag, self.size, self.lists, self.asks = layout
        if isinstance(algebra, Graded) and self.lists is not None:
            self.pairs = [array for key in self.lists[1] for array in algebra.lists(*key)]
            self.addresses = np.array([array.ctypes.data for array in self.pairs], np.int64)
        self.local = threading.local()
        self.call: Callable[[Any], None] = self.code.call
        if self.asks[0]:
            self.program, self.users, self.call = program, rows, self._call

    def _shapes(
        self, program: Program, heights: Sequence[int] | None, complex: Sequence[bool]
    ) -> tuple[Any, ...]:
        """Find the shapes of inputs and outputs; return what the code depends on beside them."""
        parameters = [()] * sum(isinstance(i.op, Parameter) for i in program.code)
        inputs: list[Any] = [program.code[i].shape for i in program.inputs]
        outputs: list[Any] = [program.code[i].shape for i in program.outputs]
        self.complex = list(complex) or [False] * (len(inputs) + len(parameters))
        kind = kinds(program.code, self.complex)
        self.found = [kind[i] for i in program.outputs]  # which outputs are complex
        self.planar = any(kind)
        grown: tuple[Any, ...] = ()
        algebra = self.algebra
        if algebra is not None:
            known = [min(1, algebra.order)] * len(inputs) if heights is None else list(heights)
            counts = [int(np.count_nonzero(algebra.degrees <= h)) for h in known]
            inputs = [(n, *s) for n, s in zip(counts, inputs, strict=True)]
            outputs = [(algebra.size, *s) for s in outputs]
            self.heights = known
            grown = (algebra.order, *known)
            if isinstance(algebra, Graded):
                grown = (algebra.identity, *grown)
        self.inputs = _doubled([*inputs, *parameters], self.complex)
        self.outputs = _doubled(outputs, self.found)
        self.far = any(map(self._is_far, (*self.inputs, *self.outputs)))
        return grown

    def _is_far(self, shape: Sequence[int]) -> bool:
        """Whether an input or an output of that shape is not copied."""
        return self.unit == 1 and not (self.tables or self.planar) and afar.is_large(shape)

    @property
    def weight(self) -> int:
        """Bytes of the object and of the memory of a thread."""
        return self.code.weight + 8 * self.size

    def _write(self, program: Program, rows: Sequence[Any]) -> None:
        """Write the program as LLVM IR and compile it."""
        f = Function(self.unit)
        f.above_cuts, f.rows, f.data = self.tables, rows, {}
        self._lay_out(f)
        self._body(f, program)
        text = f.text()
        self.size, self.asks = f.size + WIDTH, (f.asks, f.asking)
        self.code = Code(text, f.data)

    def _lay_out(self, f: Function) -> None:
        """Give inputs, outputs and flags their places in memory."""
        self.places = [f.allocate(self._room(s)) for s in self.inputs]
        self.results = [f.allocate(1 if self._is_far(s) else math.prod(s)) for s in self.outputs]
        self.flag = f.allocate(2)

    def _body(self, f: Function, program: Program) -> None:
        """Write the functions of the module."""
        if self.algebra is None:
            v = self._values(f, program)
        else:
            program = program if self.expanded else expand(program)
            v = self._series(f, program, self.algebra)
        places = zip(self.outputs, self.results, strict=True)
        for i, pair in zip(program.outputs, self.found, strict=True):
            shape, place = next(places)
            out = self._array(f, shape, place, next(places)[1] if pair else place)
            _write(f, lifted(f, v[i]), out)
        if self.tables:
            v = {i: y[0] if isinstance(y, Table) else y for i, y in v.items()}
        f.store(failed(f, program.guards, v), f.address("%data", [], self.flag))
        self._finite(f)
        if self.many:
            tiled(f, *self._rows(), self.flag)

    @functools.cached_property
    def many(self) -> bool:
        """Whether there is code for many points: tiles of them, or series of numbers."""
        alone = all(len(s) < 2 for s in (*self.inputs, *self.outputs))
        return self.unit > 1 or (self.tables and alone)

    def _rows(self) -> tuple[list[int], list[int]]:
        """Return where in memory the numbers of the inputs and of the outputs lie, in order."""
        ins, outs = (
            zip(self.places, self.inputs, strict=True),
            zip(self.results, self.outputs, strict=True),
        )
        return (
            [i for place, shape in ins for i in range(place, place + self._room(shape))],
            [i for place, shape in outs for i in range(place, place + math.prod(shape))],
        )

    def _finite(self, f: Function) -> None:
        """Write Σ 0·y of all outputs: zero if they are finite, else nan."""
        total = lifted(f, 0.0)
        for shape, place in zip(self.outputs, self.results, strict=True):
            if place in f.checked:
                total = total + Symbol(f, (), reg=f.checked[place])
            elif math.prod(shape):
                y = flattened(self._array(f, shape, place, place))
                total = total + contraction(f, ["a", ""], "", [y, lifted(f, 0.0)])
        total = total + Symbol(f, (), reg=f.unanswered())
        f.store(at(total, []), f.address("%data", [], self.flag + 1))

    def _room(self, shape: Sequence[int]) -> int:
        if self._is_far(shape):
            return 1
        if not self.tables or not shape:
            return math.prod(shape)
        return shape[0] * part_size(shape, self.unit, self.dense)

    def _view(self, data: Array, shape: tuple[int, ...]) -> Array:
        """Return memory as the array it holds: the parts of a table fill whole vectors."""
        if not self.tables or not shape:
            return self._found(data, shape)
        room, n = self._room(shape), math.prod(shape[1:])
        return data[:room].reshape(shape[0], -1)[:, :n].reshape(shape)

    def _found(self, data: Array, shape: Sequence[int]) -> Array:
        """Return memory as the plain array it holds, or says where it is."""
        if self._is_far(shape):
            return afar.word(data)
        return data[: math.prod(shape)].reshape(shape)

    def _array(self, f: Function, shape: tuple[int, ...], place: int, im: int) -> Symbol:
        """Return the array at a place, its imaginary parts, if any, at another one."""
        lead = afar.lead(f, place) if self._is_far(shape) else ()
        plane = (im - place) * f.unit
        return Symbol(f, shape, None, None, place, c_strides(shape), lead, plane)

    def _values(self, f: Function, program: Program) -> dict[int, Any]:
        guarded = {i for g in program.guards for i in (g.a, g.b)}
        kept = {*program.outputs, *program.inputs, *guarded}
        code, given = with_questions(f, program.code, True), self._given(f)
        return regions.values(f, code, given, kept, self._outs(f, program))

    def _outs(self, f: Function, program: Program) -> dict[int, Symbol]:
        """Return where results are to be written."""
        places = zip(self.outputs, self.results, strict=True)
        found: dict[int, Symbol] = {}
        for i, pair in zip(program.outputs, self.found, strict=True):
            shape, place = next(places)
            out = self._array(f, shape, place, next(places)[1] if pair else place)
            found.setdefault(i, out)
        return found

    def _given(self, f: Function) -> list[Any]:
        """Return the inputs and parameters as symbols."""
        places = iter(zip(self.inputs, self.places, strict=True))
        found: list[Any] = []
        for pair in self.complex:
            shape, place = next(places)
            im = next(places)[1] if pair else place
            if self.tables and shape:
                found.append(Table(f, shape, None, place, pair, self.dense))
                continue
            x = self._array(f, shape, place, im)
            one = math.prod(shape) == 1
            found.append(Symbol(f, shape, reg=at(x, [0] * len(shape))) if one else x)
        return found

    def _series(self, f: Function, program: Program, algebra: Algebra) -> Any:
        given, n = self._given(f), len(program.inputs)
        program = dataclasses.replace(program, code=list(with_questions(f, program.code)))
        pairs = Pairs(algebra, f) if isinstance(algebra, Graded) else None
        short = len(program) * (algebra.order + 1) <= BY_DEGREE
        sweep = Emission(
            f, program, algebra.order, given[:n], self.heights, given[n:], pairs,
            by_degree=self.unit == 1 and short, whole=True,
        )  # fmt: skip
        sweep.run()
        if pairs is not None:
            self.lists = pairs.place, list(pairs.lists)
        guarded = {i for g in program.guards for i in (g.a, g.b) if i >= 0}
        return {i: sweep.result(i) for i in {*program.outputs, *guarded}}

    def memory(self) -> Any:
        """Return this thread's pointer, and the views of inputs, outputs and flags it points to."""
        data = self.prepared(block(self.size))
        ins, outs = (
            [view(data[p:], s) for p, s in zip(places, shapes, strict=True)]
            for view, places, shapes in (
                (self._view, self.places, self.inputs),
                (self._found, self.results, self.outputs),
            )
        )
        flags = data[self.flag : self.flag + 2]
        self.local.data, self.local.calls = data, self.calls(data)
        self.local.memory = (ctypes.c_void_p(data.ctypes.data), ins, outs, flags)
        return self.local.memory

    def calls(self, data: Array) -> Calls | None:
        """Return what answers the code in a block of memory, if it asks."""
        if not self.asks[0]:
            return None
        return Calls(self.asks, self.program, self.users, self.algebra, data, self.unit)

    def _call(self, pointer: ctypes.c_void_p) -> None:
        """Run code that asks Python, which may come back here: it finds other memory then."""
        memory, calls = self.local.memory, self.local.calls
        del self.local.memory
        try:
            calls.run(self.code.call, pointer)
        finally:
            self.local.memory, self.local.calls = memory, calls

    def batch(self, *x: Any, threads: int = 1) -> tuple[int, list[Any]]:
        """Return (status, outputs) at many points, which lie along the last axis of the arrays.

        Tiles of `unit` points (one, for series of numbers) are spread over the threads; memory
        beyond the arrays is bounded.
        """
        if self.planar:
            status, found = self._batch(self._split(x), threads)
            return status, self._merged(found)
        return self._batch(x, threads)

    def _batch(self, x: Sequence[Any], threads: int) -> tuple[int, list[Any]]:
        assert self.many, "this code is for one point only"
        n = x[0].shape[-1]
        flat = [v.reshape(-1, n) for v in x]
        rows = np.concatenate(flat) if len(flat) > 1 else flat[0]
        if n < self.unit:  # one tile, filled up with copies of the last point
            wide = np.empty((len(rows), self.unit))
            wide[:, :n], wide[:, n:] = rows, rows[:, -1:]
            rows = wide
        rows = np.ascontiguousarray(rows, dtype=float)
        out = np.empty((self.rows[-1], rows.shape[1]))
        flags = self._tiles(rows, out, threads)
        out = np.ascontiguousarray(out[:, :n]) if n < self.unit else out
        parts = zip(self.outputs, self.rows, self.rows[1:], strict=False)
        outs = [out[a:b].reshape(*s, n) for s, a, b in parts]
        return _status(flags), outs

    def batch_at(self, places: tuple[int, int], count: int) -> int:
        """Return the status of a batch of whole tiles; rows and results lie at these addresses."""
        data, flags, place = self.tile()
        flags.fill(0.0)
        self._tiled(data, *places, place, count, 0, count // self.unit)
        return _status(flags)

    def _tiles(self, rows: Array, out: Array, threads: int) -> Array:
        """Write the results of all tiles; return the flags, two for every point of a tile."""
        count = rows.shape[1]
        tiles, given = -(-count // self.unit), (address(rows), address(out))
        if threads == 1:
            data, flags, place = self.tile()
            flags.fill(0.0)
            self._tiled(data, *given, place, count, 0, tiles)
            return flags
        from concurrent.futures import ThreadPoolExecutor  # slow to import, rarely needed

        every = np.zeros((threads, 2, self.unit))

        def run(i: int) -> None:
            cuts = tiles * i // threads, tiles * (i + 1) // threads
            self._tiled(self.tile()[0], *given, address(every[i]), count, *cuts)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, range(threads)))
        return every

    def _tiled(self, *given: Any) -> None:
        """Run the code of tiles in this thread's memory, as `_call` runs that of one point."""
        calls, tile = self.local.answers, self.local.tile
        if calls is None:
            self.code.tiles(*given)
            return
        del self.local.tile
        try:
            calls.run(self.code.tiles, *given)
        finally:
            self.local.answers, self.local.tile = calls, tile

    def tile(self) -> tuple[int, Array, int]:
        """Return where this thread's memory of a tile lies, the flags of its points, and where."""
        try:
            known: tuple[int, Array, int] = self.local.tile
        except AttributeError:
            self.local.held = self.room()
            self.local.answers = self.calls(self.local.held)
            flags = np.zeros((1, 2, self.unit))
            known = self.local.tile = address(self.local.held), flags, address(flags)
        return known

    def room(self) -> Array:
        """Return memory in which the code of tiles can work."""
        return self.prepared(block((self.size + 1) * self.unit))

    def prepared(self, data: Array) -> Array:
        """Return a block of memory, with the address of the pairs of monomials in its place."""
        if self.lists:
            data[self.lists[0] * self.unit :][:1].view(np.int64)[0] = self.addresses.ctypes.data
        return data

    @functools.cached_property
    def rows(self) -> list[int]:
        """The first row of every output among all rows of a batch, and the end."""
        return [0, *itertools.accumulate(math.prod(s) for s in self.outputs)]

    def alike(self, count: int) -> bool:
        """Whether so many outputs are complex if anything is, else none."""
        expected = any((*self.complex, *self.found))
        return all(pair == expected for pair in self.found[:count])

    def enter(
        self,
        entry: Entry,
        result: Callable[[Any], Any] | bool,
        long: bool,
        count: int | None = None,
        fixed: Mapping[int, Any] = MappingProxyType({}),
        along: bool = True,
    ) -> None:
        """Add the code, with its first outputs, to what Python calls at once (see `Entry.add`).

        `fixed` are arguments that cannot change, by their places between the inputs.  Series are
        those `along` a line, called with a point and a direction, or else tables.  Not if the code
        asks Python, or is so large that it does not matter.
        """
        key = (id(self), *((n, type(v), v) for n, v in fixed.items()))
        small = self.unit == 1 and self.size <= SMALL and not (self.far or self.asks[0])
        if small and not self.code.packed and key not in entry.keys:
            data = self.prepared(block(self.size))
            inputs: list[Any] = _joined(self.places, self.inputs, self.complex)
            if self.tables and along:
                ((places, shape),) = inputs
                size = part_size(shape, self.unit, self.dense)
                parts = [[p + k * size for p in places] for k in range(shape[0])]
                inputs = [Value(tuple(part), shape[1:]) for part in parts]
            outputs = self.returned(data)[:count]
            for n, value in sorted(fixed.items()):
                inputs.insert(n, Fixed(value))
            entry.add(key, self.code, data, self.flag, inputs, outputs, result, long)

    def returned(self, data: Array) -> Sequence[Value | Written]:
        """Return the outputs as what a call by Python in a block of memory returns."""
        return _joined(self.results, self.outputs, self.found)

    # the ways to call for one point take about as long as small code: no calls between
    def line(self, x: Any, v: Any) -> tuple[int, Any]:
        """Return (status, first output) of the series of t -> f(x + t·v)."""
        try:
            pointer, ins, outs, flags = self.local.memory
        except AttributeError:
            pointer, ins, outs, flags = self.memory()
        if self.planar:
            for table, x0, x1 in zip(ins, *map(_planes, (x, v)), strict=False):
                table[0], table[1] = x0, x1
        else:
            table = ins[0]
            table[0], table[1] = x, v
        self.call(pointer)
        wrong, lost = flags.tolist()
        if wrong or lost:  # nan too
            return (GUARD if wrong else INFINITE), None
        return OK, (self._merged(outs)[0] if self.planar else outs[0].copy())

    def __call__(self, *x: Any) -> tuple[int, list[Any]]:
        """Return (OK, GUARD or INFINITE, outputs) at x."""
        try:
            pointer, ins, outs, flags = self.local.memory
        except AttributeError:
            pointer, ins, outs, flags = self.memory()
        if self.far:
            return self._in_place(x)
        for place, value in zip(ins, self._split(x) if self.planar else x, strict=True):
            place[...] = value
        self.call(pointer)
        wrong, lost = flags.tolist()
        status = OK if wrong == lost == 0.0 else GUARD if wrong else INFINITE
        return status, self._merged(outs) if self.planar else [y.copy()[()] for y in outs]

    def _in_place(self, x: Sequence[Any]) -> tuple[int, list[Any]]:
        """Return what a call returns, where large arrays are read and written where they are."""
        pointer, ins, outs, flags = self.local.memory
        base, held, found = pointer.value, [], []
        for value, place, start, shape in zip(x, ins, self.places, self.inputs, strict=True):
            if self._is_far(shape):
                held.append(value := afar.readable(value, shape))
                value = afar.distance(value, base, start)
            place[...] = value
        for y, start, shape in zip(outs, self.results, self.outputs, strict=True):
            if self._is_far(shape):
                found.append(room := afar.room(shape))
                y[...] = afar.distance(room, base, start)
            else:
                found.append(y)
        self.call(pointer)
        wrong, lost = flags.tolist()
        status = OK if wrong == lost == 0.0 else GUARD if wrong else INFINITE
        shapes = zip(found, self.outputs, strict=True)
        return status, [afar.cut(y, s) if self._is_far(s) else y.copy()[()] for y, s in shapes]

    def _split(self, x: Sequence[Any]) -> list[Any]:
        """Return the arguments with the parts of complex ones as arguments of their own."""
        return [
            plane
            for value, pair in zip(x, self.complex, strict=True)
            for plane in (_planes(value) if pair else (value,))
        ]

    def _merged(self, planes: Sequence[Any]) -> list[Any]:
        """Return the outputs of which these are the parts."""
        rest, found = iter(planes), []
        for pair in self.found:
            y = next(rest)
            if pair:
                z = np.empty(y.shape, dtype=complex)
                z.real, z.imag = y, next(rest)
            found.append(z[()] if pair else y.copy()[()])
        return found


def _status(flags: Array) -> int:
    if not np.count_nonzero(flags):
        return OK
    return GUARD if flags[:, 0].any() else INFINITE


def _planes(x: Any) -> tuple[Any, Any]:
    return x.real, x.imag


def _joined(places: Sequence[int], shapes: Sequence[Any], pair: Sequence[bool]) -> list[Value]:
    """Return the numbers and arrays of which these are the parts."""
    rest = zip(places, shapes, strict=True)
    found = [[next(rest) for _ in range(1 + two)] for two in pair]
    return [Value(tuple(place for place, _ in parts), parts[0][1]) for parts in found]


def _doubled(shapes: Sequence[Any], pair: Sequence[bool]) -> list[Any]:
    return [s for s, two in zip(shapes, pair, strict=True) for _ in range(1 + two)]


def failed(f: Function, guards: Sequence[Guard], v: Any) -> Scalar:
    """Return how many decisions would be others at the values v."""
    total = f.constant(0.0)
    for n, guard in enumerate(guards):
        sides = [lifted(f, v[i]) for i in (guard.a, guard.b) if i >= 0]
        outcome = np.asarray(guard.outcome, dtype=float)
        if guard.b < 0 and (guard.op != "isfinite" or sides[0].complex):  # on their order, say
            total = total + at(asked(f, "guard", n, sides, (), complex=False), [])
            continue
        if any(x.complex for x in sides):
            raise Unsupported(UNORDERED)
        lost = mapped(f, functools.partial(_other, guard.op), lifted(f, outcome), *sides)
        if outcome.size != 1:
            lost = contraction(f, ["abcdefghijklmnopqrstuvwxyz"[: outcome.ndim]], "", [lost])
        total = total + at(lost, [0] * len(lost.shape))
        f.pause()
    return total


def _other(op: str, was: Scalar, a: Scalar, b: Scalar | None = None) -> Scalar:
    """Return 1 where a decision is not what it was (1 where it held), else 0."""
    holds = abs(a) < math.inf if b is None else a.compared(SAME[op], b)
    return abs(holds.where(1.0, 0.0) - was)


def _write(f: Function, y: Symbol, out: Symbol) -> None:
    """Write a result into its place."""
    shape = out.shape
    if y.reg is None and (y.slot, y.offset) == (None, out.offset):  # written there
        return
    if isinstance(y, Table):  # a polynomial's table is shorter than the result
        rest = (shape[0] - y.shape[0], *shape[1:])
        if rest[0]:
            end = out.view(rest, c_strides(rest), math.prod(shape) - math.prod(rest))
            copied(lifted(f, 0.0), end)
        out, y = out.view(y.shape, out.strides), y.view(y.shape, y.strides)
    copied(y, out)
