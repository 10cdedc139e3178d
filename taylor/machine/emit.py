"""Symbolic arrays: what NumPy code does to them is written down as LLVM IR.

A `Symbol` is an array of doubles in the workspace of the function being written (a number is held
in a register), or of complex numbers: a plane of real parts and one of imaginary parts.  It is one
more operand of the front door: to evaluate a program, or to sweep it, with symbols writes the
machine code of that evaluation, so no rule is written a second time.

Indexing, transposing and broadcasting only change strides; every other operation is one nest of
loops over the axes of its result and, for sums and products, over the axes that are summed.
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.core.choices import SLOPES
from taylor.core.instructions import Call, Choose, Const, Einsum, Instruction, Op, Row
from taylor.core.maps import CumSum, Gather, Scatter, Sum
from taylor.core.operand import Operand
from taylor.core.rules import values
from taylor.core.table import Elementary, Parts
from taylor.core.tags import Tag
from taylor.errors import TraceError
from taylor.llvm import vector
from taylor.llvm.function import Function
from taylor.llvm.ir import UNROLL, WIDTH, Scalar
from taylor.machine import planar
from taylor.machine.calls import Ask, Held, traced
from taylor.numbers.formulas import Constant
from taylor.numbers.kinds import is_operand
from taylor.numbers.values import as_array, common_shape

Array = Any
Shape = tuple[int, ...]
FUSED = 6  # arrays that one loop reads at most
DEEPEST = 40  # functions of functions that one loop computes at most
SHUFFLED = 64  # elements of an array that is rearranged by shuffles at most
SUMS = 8  # sums that are taken at a time
Body = Callable[..., Scalar]


class Unsupported(TraceError):
    """A program that has no machine code; it is evaluated through NumPy instead."""


class Degree:
    """A degree k known at run time, above all finite heights; `sums` takes its sums of products.

    k + n is where a coefficient lies; as a number, and as what divides, it is k.
    """

    def __init__(self, f: Function, index: str, order: int, sums: Any) -> None:
        self.f, self.index, self.order, self.sums = f, index, order, sums
        self.above = 0
        self.number = f.real(index)
        self.reciprocal = f.binary("fdiv", f.constant(1.0), self.number)
        self.half = f.whole("ashr", f.whole("add", index, 1), 1)

    def __le__(self, height: int) -> bool:
        return height >= self.order

    def __gt__(self, height: int) -> bool:
        return height < self.order

    def __ge__(self, height: int) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, n: int) -> Degree:
        new = copy.copy(self)
        new.above += n
        return new

    def __sub__(self, n: int) -> Degree:
        return self + -n


class Slot:
    """Memory of an array, given back when nothing refers to it any more."""

    __slots__ = ("f", "size", "start")

    def __init__(self, f: Function, size: int) -> None:
        self.f, self.size, self.start = f, size, f.allocate(size)

    def __del__(self) -> None:
        self.f.release(self.start, self.size)


def c_strides(shape: Shape) -> tuple[int, ...]:
    """Return the strides, in elements, of a C-ordered array."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


class Symbol(Operand):
    """An array of the function being written."""

    __slots__ = ("f", "lead", "offset", "plane", "reg", "shape", "slot", "strides")
    tag = Tag(-(1 << 63))

    def __init__(
        self,
        f: Function,
        shape: Shape,
        reg: Scalar | None = None,
        slot: Any = None,
        offset: int = 0,
        strides: tuple[int, ...] = (),
        lead: tuple[tuple[str, int], ...] = (),
        plane: int = 0,
    ) -> None:
        self.f, self.shape, self.reg = f, tuple(shape), reg
        self.slot, self.offset, self.strides = slot, offset, strides
        self.lead = lead  # run-time terms (index, stride) of the address, such as the degree
        self.plane = plane  # doubles from the real parts to the imaginary parts, if it is complex

    @property
    def complex(self) -> bool:
        """Whether the numbers are complex."""
        return bool(self.plane if self.reg is None else self.reg.im)

    def view(self, shape: Shape, strides: Sequence[int], start: int = 0) -> Symbol:
        """Return these numbers in another order, the first of them `start` numbers further on."""
        if self.reg is not None:
            return Symbol(self.f, shape, self.reg, strides=(0,) * len(shape))
        offset, steps = self.offset + start, tuple(strides)
        return Symbol(self.f, shape, None, self.slot, offset, steps, self.lead, self.plane)

    # -------------------------------------------------------------- what an operand needs
    @property
    def value(self) -> Any:
        """Not known before the function runs."""
        raise Unsupported("the code branches on a value, which machine code does not know")

    def _hosts(self, other: Operand) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<symbol of shape {self.shape}>"

    def _binary(self, op: str, x: Any, y: Any) -> Any:
        if not _fits(x) or not _fits(y):
            return NotImplemented
        a, b = lifted(self.f, x), lifted(self.f, y)
        return mapped(self.f, lambda p, q: self.f.binary(op, p, q), a, b)

    def __add__(self, o: Any) -> Any:
        return self._binary("fadd", self, o)

    def __radd__(self, o: Any) -> Any:
        return self._binary("fadd", o, self)

    def __sub__(self, o: Any) -> Any:
        return self._binary("fsub", self, o)

    def __rsub__(self, o: Any) -> Any:
        return self._binary("fsub", o, self)

    def __mul__(self, o: Any) -> Any:
        return self._binary("fmul", self, o)

    def __rmul__(self, o: Any) -> Any:
        return self._binary("fmul", o, self)

    def __truediv__(self, o: Any) -> Any:
        # a degree or a leading coefficient divides once for all, not on the way to the next degree
        if isinstance(o, int):
            return self._binary("fmul", self, 1.0 / o)
        if isinstance(o, Degree):
            return self._binary("fmul", self, Symbol(self.f, (), reg=o.reciprocal))
        if isinstance(o, Divisor):
            return o.of(self)
        return self._binary("fdiv", self, o)

    def __rtruediv__(self, o: Any) -> Any:
        return self._binary("fdiv", o, self)

    def __neg__(self) -> Any:
        return mapped(self.f, self.f.negative, self)

    def process(self, op: Op, args: Sequence[Any]) -> Any:
        """Write what an instruction makes of those arguments."""
        if type(op) not in WRITTEN:
            raise Unsupported(f"{op.name} has no machine code")
        return WRITTEN[type(op)](self, op, args)

    def _row(self, op: Row, args: Sequence[Any]) -> Any:
        row = op.row
        given = [lifted(self.f, a) for a in args]
        if planar.code_of(row, any(a.complex for a in given)) is not None:
            return mapped(self.f, lambda *x: number(self.f, row, *x), *given)
        if row.compose is not None:
            return row.compose(*args)
        return value(self.f, row, given)

    def _chosen(self, op: Choose, args: Sequence[Any]) -> Any:
        (lhs, rhs, a, b), mode, f = args, op.mode, self.f
        sides = [lifted(f, x) for x in (lhs, rhs)]
        if mode == "formula":  # by the real parts, as in `choices.choose`
            sides = [real(x) for x in sides]
        if any(x.complex for x in sides):
            raise Unsupported(planar.UNORDERED)

        def body(left: Scalar, right: Scalar, x: Scalar, y: Scalar) -> Scalar:
            slope = mode in SLOPES  # nan at a kink: the ordinary way knows what to do
            above = f.compare("ogt" if slope else "oge", left, right)
            below = f.compare("olt", left, right)
            lost = f.constant(math.nan) if slope else f.binary("fadd", left, right)
            return f.select(above, x, f.select(below, y, lost))

        return mapped(f, body, *sides, lifted(f, a), lifted(f, b))

    def _compare(self, op: Any, other: Any) -> Any:
        return self.value

    def _assign(self, index: Any, value: Any) -> None:
        raise Unsupported("an array is written into")

    def _lowered(self, c: Any) -> Any:
        return float(c) if isinstance(c, (Constant, Fraction)) else c

    def _ones(self) -> Any:
        return lifted(self.f, np.ones(self.shape))

    def _zeros(self, shape: Shape) -> Any:
        return lifted(self.f, np.zeros(shape))

    # -------------------------------------------------------------- moving elements
    def _gathered(self, op: Gather, sources: Sequence[Any]) -> Any:
        f, index, shape = self.f, op.index, op.index.shape
        if len(sources) == 1:
            part = self._part_of(index)
            if part is not None:
                return part
            whole = contiguous(self)
            strides = _affine(index)
            if whole.reg is not None and index.size and not index.any():
                return whole.view(shape, ())
            if strides is not None and whole.reg is None:
                return whole.view(shape, strides, int(index.reshape(-1)[0]))
        if len(sources) > 1 and _in_order(index, sources):
            return Joined(f, shape, [lifted(f, x) for x in sources])
        return _assembled(f, [contiguous(lifted(f, x)) for x in sources], index)

    def _part_of(self, index: Array) -> Any:
        """Return the elements from one of the arrays that this one joins, if they lie in one."""
        return None

    def _scattered(self, op: Scatter, args: Sequence[Any]) -> Any:
        out, to, start = zeros(self.f, op.to, self.complex), op.index.reshape(-1), 0
        for x in self._in_pieces():
            stop = start + math.prod(x.shape)
            _add_to(out, x, to[start:stop])
            start = stop
            self.f.pause()
        return out

    def _in_pieces(self) -> list[Symbol]:
        """Return the arrays that this one joins; or itself."""
        return [self]

    def _summed(self, op: Sum, args: Sequence[Any]) -> Any:
        axes = op.axes
        n = self.shape[-1] if self.shape else 0
        if axes == (len(self.shape) - 1,) and 1 < n <= UNROLL and self.reg is None:
            columns = np.arange(math.prod(self.shape)).reshape(self.shape)
            if _shuffles(self.f, [self], columns[..., 0].reshape(-1)):  # short rows: columns
                x = contiguous(self)
                parts = [_shuffled(self.f, x, columns[..., i]) for i in range(n)]
                total = parts[0]
                for part in parts[1:]:
                    total = total + part
                return total
        letters = "".join(chr(97 + i) for i in range(len(self.shape)))
        out = "".join(c for i, c in enumerate(letters) if i not in axes)
        return contraction(self.f, [letters], out, [self])

    def _running(self, op: CumSum, args: Sequence[Any]) -> Any:
        f, x, axis = self.f, contiguous(self), op.axis
        if x.reg is not None:
            return x
        out = empty(f, self.shape, x.complex)
        n, step = self.shape[axis], c_strides(self.shape)[axis]
        others = [i for i in range(len(self.shape)) if i != axis]
        sizes = [self.shape[i] for i in others]

        def line(index: list[Any]) -> None:
            terms = [(i, c_strides(self.shape)[a]) for i, a in zip(index, others, strict=True)]
            first = f.zero(f.unit, x.complex)
            with f.loop(0, n) as loop:
                total = loop.carry(first)
                where = [*terms, (loop.index, step)]
                source = f.address(base_of(x), [*x.lead, *where], x.offset)
                new = f.binary("fadd", total, f.load(source, None, x.plane))
                f.store(new, f.address("%data", where, out.offset), out.plane)
                loop.update(total, new)

        if x.size:
            _each(f, sizes, line)
        return out

    def _contracted(self, op: Einsum, args: Sequence[Any]) -> Any:
        terms, out = op.spec.split("->")
        return contraction(self.f, terms.split(","), out, [lifted(self.f, x) for x in args])


WRITTEN: dict[type[Op], Any] = {
    Row: Symbol._row, Choose: Symbol._chosen, Gather: Symbol._gathered, Scatter: Symbol._scattered,
    Sum: Symbol._summed, CumSum: Symbol._running, Einsum: Symbol._contracted,
}  # fmt: skip


class Divisor:
    """What coefficients are divided by, degree after degree, a number x + low.

    Its reciprocal is computed once, and what that lacks: multiplied by a rounded one, coefficient k
    of a logarithm would be off by k times its error.
    """

    def __init__(self, x: Symbol, low: Any = None) -> None:
        f = x.f
        self.f, self.inverse = f, settled(1.0 / x)

        def lacking(x: Scalar, r: Scalar, low: Scalar) -> Scalar:
            one, tiny = f.constant(1.0), f.constant(2.0**-40)
            off = f.binary("fsub", f.fma(f.negative(x), r, one), low)
            small = f.compare("olt", f.intrinsic("fabs", off), tiny)  # not where r is infinite
            return f.select(small, f.binary("fmul", r, off), f.constant(0.0))

        low = lifted(f, 0.0 if low is None else low)
        self.rest = settled(
            mapped(
                f, lambda x, r, low: lacking(x, r, f.binary("fmul", r, low)), x, self.inverse, low
            )
        )

    def of(self, s: Symbol) -> Any:
        """Return s/(x + low)."""
        f = self.f

        def body(s: Scalar, r: Scalar, rest: Scalar) -> Scalar:
            return f.fma(s, r, f.binary("fmul", s, rest))

        return mapped(f, body, s, self.inverse, self.rest)


class Pending(Symbol):
    """An array that is written to memory when it is first used as a whole."""

    __slots__ = ("is_complex", "made")

    def __init__(self, f: Function, shape: Shape, complex: bool) -> None:
        self.made: Symbol | None = None
        self.is_complex = complex
        super().__init__(f, shape, strides=c_strides(shape))

    @property
    def complex(self) -> bool:
        """Whether the numbers are complex."""
        return self.is_complex

    def settle(self) -> Symbol:
        """Return the array in memory."""
        if self.made is None:
            self.made = self._make()
        return self.made

    def _make(self) -> Symbol:
        raise NotImplementedError

    @property
    def slot(self) -> Any:
        """The memory of the array."""
        return self.settle().slot

    @slot.setter
    def slot(self, value: Any) -> None:
        pass

    @property
    def offset(self) -> int:
        """Where the array begins."""
        return self.settle().offset

    @offset.setter
    def offset(self, value: int) -> None:
        pass

    @property
    def plane(self) -> int:
        """How far the imaginary parts lie from the real ones."""
        return self.settle().plane

    @plane.setter
    def plane(self, value: int) -> None:
        pass


def settled(x: Any) -> Any:
    """Return a value that will be used several times, computed once."""
    return x.settle() if isinstance(x, Mapped) else x


class Mapped(Pending):
    """An element-wise function of arrays of the same shape, computed where it is used."""

    __slots__ = ("args", "body", "depth")

    def __init__(
        self, f: Function, shape: Shape, body: Body, args: list[Symbol], depth: int
    ) -> None:
        self.body, self.args, self.depth = body, args, depth
        super().__init__(f, shape, any(a.complex for a in args))

    def _make(self) -> Symbol:
        out = empty(self.f, self.shape, self.complex)
        nest(self.f, self.body, self.args, out, whole=True)
        return out


class Joined(Pending):
    """Arrays one after the other, copied into one only where they are used together."""

    __slots__ = ("pieces",)

    def __init__(self, f: Function, shape: Shape, pieces: list[Symbol]) -> None:
        self.pieces = pieces
        super().__init__(f, shape, any(x.complex for x in pieces))

    def _make(self) -> Symbol:
        out = empty(self.f, self.shape, self.complex)
        self.write(out)
        return out

    def write(self, out: Symbol) -> None:
        """Write the arrays one after the other."""
        start = 0
        for x in self._in_pieces():
            target = out.view(x.shape, c_strides(x.shape), start)
            nest(self.f, lambda v: v, [broadcast(x, x.shape)], target)
            start += math.prod(x.shape)
            self.f.pause()

    def _in_pieces(self) -> list[Symbol]:
        return self.pieces if self.made is None else [self.made]

    def _part_of(self, index: Array) -> Any:
        if self.made is not None or not index.size or index.min() < 0:
            return None
        if _in_order(index, [self]):
            return Joined(self.f, index.shape, self.pieces)
        start, low, high = 0, int(index.min()), int(index.max())
        for x in self.pieces:
            stop = start + math.prod(x.shape)
            if start <= low and high < stop:
                return x._gather([x], index - start)
            start = stop
        return None


def _in_order(index: Array, sources: Sequence[Any]) -> bool:
    """Whether the index takes all elements of the sources one after the other."""
    size = sum(math.prod(np.shape(x)) for x in sources)
    return index.size == size > 1 and np.array_equal(index.reshape(-1), np.arange(size))


def _fits(x: Any) -> bool:
    return isinstance(x, Symbol) or not (is_operand(x) or x is None or isinstance(x, (str, bytes)))


# ------------------------------------------------------------------ making symbols
def lifted(f: Function, x: Any) -> Symbol:
    """Return a number or an array as a symbol."""
    if isinstance(x, Symbol):
        return x
    if type(x) is float:
        return Symbol(f, (), reg=f.constant(x))
    if isinstance(x, Degree):
        return Symbol(f, (), reg=x.number)
    if isinstance(x, Constant):
        x = float(x)
    array = as_array(x)
    if array.dtype == object and any(_odd(e) for e in array.flat):
        raise Unsupported(f"constants of type {array.dtype} have no machine code")
    array = array.astype(complex if array.dtype.kind == "c" else float)
    planes = [array.real, array.imag][: 1 + np.iscomplexobj(array)]
    if array.size and all(_equal(p) for p in planes):
        re, *im = (f.constant(float(p.reshape(-1)[0])) for p in planes)
        value = f.pair(re, im[0]) if im else re
        return Symbol(f, array.shape, reg=value, strides=(0,) * array.ndim)
    wide = array
    if f.unit == 1 and array.ndim > 1 and array.shape[-1] > WIDTH:  # rows begin at whole vectors
        missing = -array.shape[-1] % WIDTH
        wide = np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, missing)])
    numbers: list[float] = []
    for plane in [wide.real, wide.imag][: len(planes)]:
        numbers += plane.reshape(-1).tolist() + [0.0] * WIDTH
    name = f.table(numbers, "double")
    f.constants[name] = array.reshape(-1)
    distance = wide.size + WIDTH if len(planes) > 1 else 0
    return Symbol(f, array.shape, None, name, 0, c_strides(wide.shape), plane=distance)


def _equal(x: Array) -> bool:
    """Whether all numbers of an array are the same one."""
    return x.size == 1 or bool(np.all(x == x.reshape(-1)[0]) and not np.signbit(x).any())


def _odd(e: Any) -> bool:
    """Whether a number has no float."""
    try:
        float(e)
    except (TypeError, OverflowError):
        return True
    return False


def empty(f: Function, shape: Shape, complex: bool = False) -> Symbol:
    """Return a new array in memory."""
    room = f.rounded(math.prod(shape))
    slot = Slot(f, 2 * room if complex else math.prod(shape))
    plane = room * f.unit if complex else 0
    return Symbol(f, shape, None, slot, slot.start, c_strides(shape), plane=plane)


def zeros(f: Function, shape: Shape, complex: bool) -> Symbol:
    """Return a new array of zeros in memory."""
    out = empty(f, shape, complex)
    nest(f, lambda v: v, [lifted(f, 0.0)], flattened(out), whole=True)
    return out


def real(x: Symbol) -> Symbol:
    """Return the real parts of an array."""
    return part_of(x, 0)


def part_of(x: Symbol, plane: int) -> Symbol:
    """Return the real (0) or imaginary (1) parts of an array."""
    f = x.f
    if not x.complex:
        return lifted(f, np.zeros(x.shape)) if plane else x
    if x.reg is not None:
        return Symbol(f, x.shape, x.reg.parts[plane], strides=(0,) * len(x.shape))
    start = x.offset + plane * numbers_between(x)
    return Symbol(f, x.shape, None, x.slot, start, x.strides, x.lead)


def numbers_between(x: Symbol) -> int:
    """Return how many numbers lie between the planes of an array."""
    return x.plane // (1 if isinstance(x.slot, str) else x.f.unit)


def base_of(x: Symbol) -> str:
    """Return the pointer from which the offset of an array counts."""
    return x.slot if isinstance(x.slot, str) else "%data"


def flattened(x: Symbol) -> Symbol:
    """Return a contiguous array along one axis."""
    return x.view((math.prod(x.shape),), (1,))


def contiguous(x: Symbol) -> Symbol:
    """Return the array in C order in memory (one number: in a register)."""
    if isinstance(x, Pending):
        return x.settle()
    if x.reg is not None:
        size = math.prod(x.shape)
        if size == 1:
            return Symbol(x.f, x.shape, reg=x.reg)
    elif all(
        s == t or n == 1 for s, t, n in zip(x.strides, c_strides(x.shape), x.shape, strict=True)
    ):
        return x
    return mapped(x.f, lambda v: v, x, copy=True)


def at(x: Symbol, index: Sequence[Any]) -> Scalar:
    """Return one element."""
    if x.reg is not None:
        return x.reg
    terms = [*x.lead, *zip(index, x.strides, strict=True)]
    pointer = x.f.address(base_of(x), terms, x.offset)
    return x.f.load(pointer, None if base_of(x) == "%data" else 1, x.plane)


def _affine(index: Array) -> tuple[int, ...] | None:
    """Return the strides of positions that grow linearly along every axis, or None."""
    if index.size == 0 or index.min() < 0:
        return None
    first = int(index.reshape(-1)[0])
    strides = []
    for axis, n in enumerate(index.shape):
        corner = [0] * index.ndim
        corner[axis] = 1
        strides.append(int(index[tuple(corner)]) - first if n > 1 else 0)
    grid = np.full(index.shape, first)
    for axis, (n, s) in enumerate(zip(index.shape, strides, strict=True)):
        grid += (np.arange(n) * s).reshape([-1 if i == axis else 1 for i in range(index.ndim)])
    return tuple(strides) if np.array_equal(grid, index) else None


def _add_to(out: Symbol, x: Symbol, to: Array) -> None:
    """Add the elements of an array to those of another, in C order in memory, at the places."""
    f, runs = out.f, _runs_of(to)
    if len(runs) != 1 or len(x.shape) != 1:
        x = flattened(contiguous(x))
    if len(runs) <= FUSED:
        for start, stop, step in runs:
            part, size = x, (stop - start,)
            if len(runs) > 1:
                part = x.view(size, x.strides, x.strides[0] * start)
            target = out.view(size, (step,), int(to[start]))
            nest(f, lambda v, w: f.binary("fadd", v, w), [target, part], target)
        return

    def add(i: Any) -> None:
        place = _entry(f, to, i)
        pointer = f.address("%data", [(place, 1)], out.offset)
        new = f.binary("fadd", f.load(pointer, None, out.plane), at(x, [i]))
        f.store(new, pointer, out.plane)

    f.repeat(len(to), add)


def _runs_of(index: Array) -> list[tuple[int, int, int]]:
    """Return (start, stop, step) of the runs of positions with a constant step, which is not 0."""
    steps, runs, start = np.diff(index), [], 0
    ends = np.append(np.flatnonzero(np.diff(steps)) + 2, len(index))  # of the runs before a change
    while start < len(index):
        if start + 1 == len(index) or steps[start] == 0:
            stop, step = start + 1, 1
        else:
            stop, step = int(ends[np.searchsorted(ends, start + 2)]), int(steps[start])
        runs.append((start, stop, step))
        start = stop
    return runs


def _entry(f: Function, table: Array, i: Any) -> Any:
    """Return table[i] for an index that may be known at run time only."""
    if isinstance(i, int):
        return int(table[i])
    return f.entry(f.table([int(v) for v in table], "i32"), i)


def _assembled(f: Function, sources: list[Symbol], index: Array) -> Symbol:
    """Return the elements of several arrays in the places that the index says."""
    flat = index.reshape(-1)
    size = len(flat)
    if size == 1 and flat[0] >= 0:
        for x in sources:
            n = math.prod(x.shape)
            if flat[0] < n:
                return Symbol(f, index.shape, reg=at(flattened(x), [int(flat[0])]))
            flat = flat - n
    if _shuffles(f, sources, flat):
        return _shuffled(f, sources[0], index)
    complex = any(x.complex for x in sources)
    holes = size > 0 and flat.min() < 0
    out = (zeros if holes else empty)(f, index.shape, complex)
    start = 0
    for x in sources:
        n = math.prod(x.shape)
        f.pause()
        places = np.flatnonzero((flat >= start) & (flat < start + n))
        taken = flat[places] - start
        start += n
        if not len(places):
            continue
        to, source = _affine(places), _affine(taken)
        if to is not None and source is not None:
            part = x.view(places.shape, source, int(taken[0]))
            target = out.view(places.shape, to, int(places[0]))
            nest(f, lambda v: v, [part], target)
            continue

        width = WIDTH if f.unit == 1 and x.reg is None and _in_vectors(places, taken) else 1
        places, taken = places[::width], taken[::width]

        def move(
            i: Any, x: Symbol = x, places: Array = places, taken: Array = taken, width: int = width
        ) -> None:
            terms = [*x.lead, (_entry(f, taken, i), 1)]
            value = x.reg
            if value is None:
                wide = width if width > 1 or base_of(x) != "%data" else None
                value = f.load(f.address(base_of(x), terms, x.offset), wide, x.plane)
            pointer = f.address("%data", [(_entry(f, places, i), 1)], out.offset)
            f.store(value, pointer, out.plane)

        f.repeat(len(places), move)
    return out


def _in_vectors(*indices: Array) -> bool:
    """Whether the indices run on in whole vectors."""
    whole = [i.reshape(-1, WIDTH) for i in indices if len(i) % WIDTH == 0]
    return len(whole) == len(indices) and all((np.diff(i) == 1).all() for i in whole)


def _shuffles(f: Function, sources: list[Symbol], flat: Array) -> bool:
    """Whether elements of one array are moved by few shuffles of vectors."""
    if f.unit > 1 or len(sources) != 1 or sources[0].reg is not None or not len(flat):
        return False
    size = math.prod(sources[0].shape)
    few = WIDTH // 2 <= size <= SHUFFLED and len(flat) <= 4 * SHUFFLED
    return few and flat.min() >= 0 and (_affine(flat) or (0,))[0] != 1


def _shuffled(f: Function, x: Symbol, index: Array) -> Symbol:
    """Return elements of a short array, a vector at a time."""
    out, flat = empty(f, index.shape, x.complex), index.reshape(-1)
    flat = np.append(flat, np.full(-len(flat) % WIDTH, flat[-1]))
    loaded: dict[int, Scalar] = {}
    for start in range(0, len(flat), WIDTH):
        block, place = np.divmod(flat[start : start + WIDTH], WIDTH)
        found: Scalar | None = None
        for b in sorted(set(block.tolist())):
            if b not in loaded:
                pointer = f.address(base_of(x), x.lead, x.offset + b * WIDTH)
                loaded[b] = f.load(pointer, WIDTH, x.plane)
            other = found or loaded[b]
            before = place if found is None else np.arange(WIDTH)
            mask = np.where(block == b, place + WIDTH, before).tolist()
            found = f.each(functools.partial(f.shuffle, mask), other, loaded[b])
        assert found is not None
        f.store(found, f.address("%data", [], out.offset + start), out.plane)
    return out


# ------------------------------------------------------------------ nests of loops
def mapped(f: Function, body: Body, *args: Symbol, copy: bool = False) -> Symbol:
    """Return body(args) element by element, broadcasting as NumPy does."""
    shape = common_shape(*(x.shape for x in args))
    size = math.prod(shape)
    constant = all(x.reg is not None for x in args) and not copy
    if size == 1 or (constant and size):
        values = [at(x, [0] * len(x.shape)) for x in args]
        return Symbol(f, shape, reg=body(*values), strides=(0,) * len(shape))
    seen = [broadcast(x, shape) for x in args]
    depth = 1 + max(x.depth if isinstance(x, Mapped) and x.made is None else 0 for x in seen)
    if depth > DEEPEST:
        seen, depth = [settled(x) for x in seen], 1
    result = Mapped(f, shape, *_fused(body, seen), depth)
    if copy:
        return result.settle()
    return result


def _fused(body: Body, args: Sequence[Symbol]) -> tuple[Body, list[Symbol]]:
    """Return an element-wise function with those of its arguments that are pending put into it."""
    waiting = [isinstance(a, Mapped) and a.made is None for a in args]
    count = sum(len(a.args) if isinstance(a, Mapped) and a.made is None else 1 for a in args)
    if not any(waiting) or count > FUSED:
        return body, [a.settle() if isinstance(a, Pending) else a for a in args]
    flat: list[Symbol] = []
    parts: list[tuple[Any, int]] = []
    for a in args:
        if isinstance(a, Mapped) and a.made is None:
            parts.append((a.body, len(a.args)))
            flat += a.args
        else:
            parts.append((None, 1))
            flat.append(a.settle() if isinstance(a, Pending) else a)

    def fused(*values: Scalar) -> Scalar:
        given, start = [], 0
        for inner, n in parts:
            mine = values[start : start + n]
            given.append(mine[0] if inner is None else inner(*mine))
            start += n
        return body(*given)

    return fused, flat


def broadcast(x: Symbol, shape: Shape) -> Symbol:
    """Return the array seen in a larger shape."""
    if tuple(shape) == x.shape and isinstance(x, Mapped) and x.made is None:
        return x
    missing = len(shape) - len(x.shape)
    own = x.strides if x.reg is None else (0,) * len(x.shape)
    if len(own) < len(x.shape):
        own = (0,) * len(x.shape)
    strides = [0] * missing
    strides += [0 if n == 1 else s for n, s in zip(x.shape, own, strict=True)]
    return x.view(tuple(shape), strides)


def nest(f: Function, body: Body, args: Sequence[Symbol], out: Symbol, whole: bool = False) -> None:
    """Write out[i] = body(args[i]) for all i; a whole array may be written to its last vector."""
    body, args = _fused(body, args)
    axes = [
        (n, s, [a.strides[i] if a.reg is None else 0 for a in args])
        for i, (n, s) in enumerate(zip(out.shape, out.strides, strict=True))
    ]
    if any(n == 0 for n, _, _ in axes):
        return
    axes = merged_axes(axes)
    refs = [(a, k) for k, a in enumerate(args)]

    def element(index: list[Any], width: int) -> None:
        values = [loaded_at(f, a, index, [ax[2][k] for ax in axes], width) for a, k in refs]
        terms = [*out.lead, *((i, ax[1]) for i, ax in zip(index, axes, strict=True))]
        pointer = f.address(base_of(out), terms, out.offset)
        f.store(f.splat(body(*values), width), pointer, out.plane)

    over_axes(f, axes, element, padded=whole)


def over_axes(f: Function, axes: list[Any], element: Callable[..., None], padded: bool) -> None:
    """Run element(index, width) over all axes, the last one in vectors where its strides allow."""
    if not axes:
        element([], f.unit)
        return
    n, out, strides = axes[-1]
    vector = f.unit == 1 and n > 1 and out == 1 and all(s in (0, 1) for s in strides)

    def last(index: list[Any]) -> None:
        if not vector:
            f.repeat(n, lambda i: element([*index, i], f.unit))
            return
        whole = -(-n // WIDTH) * WIDTH if padded else n // WIDTH * WIDTH
        f.repeat(whole, lambda i: element([*index, i], WIDTH), WIDTH)
        for i in range(whole, n):
            element([*index, i], 1)

    _each(f, [ax[0] for ax in axes[:-1]], last)


def _each(f: Function, sizes: Sequence[int], body: Callable[[list[Any]], None]) -> None:
    """Run body(index) over all indices of the sizes."""

    def run(index: list[Any]) -> None:
        if len(index) == len(sizes):
            body(index)
        else:
            f.repeat(sizes[len(index)], lambda i: run([*index, i]))

    run([])


def merged_axes(axes: list[Any]) -> list[Any]:
    """Return the axes with neighbours that run on in memory, for all arrays, made one."""
    kept: list[Any] = []
    for n, out, strides in axes:
        if n == 1:
            continue
        if kept:
            m, before, others = kept[-1]
            runs_on = before == out * n and all(
                a == b * n for a, b in zip(others, strides, strict=True)
            )
            if runs_on:
                kept[-1] = (m * n, out, strides)
                continue
        kept.append((n, out, strides))
    return kept


def loaded_at(f: Function, x: Symbol, index: list[Any], strides: list[int], width: int) -> Scalar:
    """Return an element, or a vector of them, of an array with these strides."""
    if x.reg is not None:
        return x.reg
    terms = [*x.lead, *zip(index, strides, strict=True)]
    pointer = f.address(base_of(x), terms, x.offset)
    if f.unit > 1:
        return f.load(pointer, f.unit if base_of(x) == "%data" else 1, x.plane)
    return f.load(pointer, width if strides and strides[-1] == 1 else 1, x.plane)


def contraction(f: Function, names: list[str], out: str, args: list[Symbol]) -> Symbol:
    """Return the einsum of one or two arrays."""
    args = [broadcast(contiguous(x) if isinstance(x, Pending) else x, x.shape) for x in args]
    if out:  # a constant is laid out so that the vectors along the result find it in order
        for k, (name, x) in enumerate(zip(names, args, strict=True)):
            if isinstance(x.slot, str) and out[-1] in name[:-1]:
                order = [i for i, c in enumerate(name) if c != out[-1]] + [name.index(out[-1])]
                array = np.reshape(f.constants[x.slot], x.shape).transpose(order)
                names[k], args[k] = "".join(name[i] for i in order), lifted(f, array)
    sizes: dict[str, int] = {}
    for name, x in zip(names, args, strict=True):
        sizes.update(zip(name, x.shape, strict=True))
    shape = tuple(sizes[c] for c in out)
    summed = sorted(set("".join(names)) - set(out), key=lambda c: -max(n.find(c) for n in names))[
        ::-1
    ]
    strides = [
        dict(zip(n, x.strides, strict=True)) if x.reg is None else {}
        for n, x in zip(names, args, strict=True)
    ]
    if not summed:  # a product element by element
        seen = [
            x.view(shape, [s.get(c, 0) for c in out]) for x, s in zip(args, strides, strict=True)
        ]
        return mapped(f, lambda *v: v[0] if len(v) == 1 else f.binary("fmul", *v), *seen)
    reduced = [(sizes[c], [s.get(c, 0) for s in strides]) for c in summed]
    if any(n == 0 for n, _ in reduced):
        return lifted(f, np.zeros(shape))
    size, complex = math.prod(shape), any(x.complex for x in args)
    if size == 1:
        along = [[s.get(c, 0) for s in strides] for c in out]
        (value,) = _reductions(f, args, [([0] * len(shape), f.unit)], along, reduced)
        return Symbol(f, shape, reg=value)
    result = empty(f, shape, complex)
    if size == 0:
        return result
    axes = merged_axes(
        [
            (sizes[c], st, [s.get(c, 0) for s in strides])
            for c, st in zip(out, result.strides, strict=True)
        ]
    )
    along = [ax[2] for ax in axes]

    def write(places: list[tuple[list[Any], int]]) -> None:
        values = _reductions(f, args, places, along, reduced)
        for (index, width), y in zip(places, values, strict=True):
            terms = [(i, ax[1]) for i, ax in zip(index, axes, strict=True)]
            pointer = f.address("%data", terms, result.offset)
            f.store(f.splat(y, width), pointer, result.plane)

    n, to, last = axes[-1]
    vector = f.unit == 1 and n > 1 and to == 1 and all(s in (0, 1) for s in last)
    outer = [ax[0] for ax in axes[:-1]]
    if not vector:
        _each(f, [ax[0] for ax in axes], lambda index: write([(index, f.unit)]))
        return result
    whole = -(-n // WIDTH) * WIDTH  # beyond a row: written again with the next one
    places = [(i, WIDTH) for i in range(0, whole, WIDTH)]

    def row(index: list[Any]) -> None:
        # several sums at a time: one alone would wait for its own multiply-adds
        step, first = SUMS * WIDTH, 0
        if whole > 2 * step:
            first = whole // step * SUMS
            with f.loop(0, first * WIDTH, step) as loop:
                many = [f.whole("add", loop.index, c * WIDTH) for c in range(SUMS)]
                write([([*index, i], WIDTH) for i in many])
        for start in range(first, len(places), SUMS):
            write([([*index, i], width) for i, width in places[start : start + SUMS]])

    if outer and outer[-1] * len(places) <= SUMS:
        every = range(outer[-1])
        _each(f, outer[:-1], lambda i: write([([*i, r, j], w) for r in every for j, w in places]))
        return result
    if len(places) > SUMS or not outer or outer[-1] < 2 * SUMS // len(places):
        _each(f, outer, row)
        return result

    def rows(index: list[Any]) -> None:  # some rows at a time share what does not depend on them
        n = max(2, SUMS // len(places))
        together = outer[-1] // n * n
        with f.loop(0, together, n) as loop:
            many = [f.whole("add", loop.index, c) for c in range(n)]
            write([([*index, r, i], w) for r in many for i, w in places])
        for r in range(together, outer[-1]):
            row([*index, r])

    _each(f, outer[:-1], rows)
    return result


def _reductions(
    f: Function,
    args: list[Symbol],
    places: list[tuple[list[Any], int]],
    axes: list[list[int]],
    reduced: list[Any],
) -> list[Scalar]:
    """Return the sums over the reduced axes of the product of the arguments, at some places.

    A place is an index of the result and the width of the vector that begins there.
    """
    complex = any(x.complex for x in args)

    def factors(place: tuple[list[Any], int], inner: list[Any], shared: dict[Any, Scalar]) -> Any:
        index, width = place
        found = []
        for k, x in enumerate(args):
            strides = [s[k] for _, s in reduced] + [s[k] for s in axes]
            moving = tuple(i for i, s in zip(index, axes, strict=True) if s[k])
            if (k, moving) not in shared:  # else another place has loaded it
                wide = width if axes and strides[-1] else 1
                shared[k, moving] = loaded_at(f, x, [*inner, *index], strides, wide)
            found.append(shared[k, moving])
        return found

    def added(values: list[Scalar], total: Scalar) -> Scalar:
        if len(values) == 1:
            return f.binary("fadd", total, values[0])
        return f.fma(values[0], values[1], total)

    def run(level: int, inner: list[Any], totals: list[Scalar]) -> list[Scalar]:
        if level == len(reduced):
            shared: dict[Any, Scalar] = {}
            return [
                added(factors(p, inner, shared), t) for p, t in zip(places, totals, strict=True)
            ]
        n, strides = reduced[level]
        if level == len(reduced) - 1 and _runs(f, places, n, strides):
            return [_dot(n, inner, totals[0])]
        if n <= UNROLL:
            for i in range(n):
                totals = run(level + 1, [*inner, i], totals)
            return totals
        with f.loop(0, n) as loop:
            registers = [
                loop.carry(f.splat(t, width)) for t, (_, width) in zip(totals, places, strict=True)
            ]
            new = run(level + 1, [*inner, loop.index], registers)
            for register, value, (_, width) in zip(registers, new, places, strict=True):
                loop.update(register, f.splat(value, width))
        return [loop.result(r) for r in registers]

    def _dot(n: int, inner: list[Any], total: Scalar) -> Scalar:
        """Return the sum along the innermost reduced axis, in vectors along it."""
        ((index, _),) = places

        def values(i: Any, width: int) -> list[Scalar]:
            where = [*index, *inner, i]
            lists = [[s[k] for s in axes] + [s[k] for _, s in reduced] for k in range(len(args))]
            return [loaded_at(f, x, where, s, width) for x, s in zip(args, lists, strict=True)]

        whole = n // WIDTH * WIDTH
        count = min(SUMS // 2, whole // WIDTH)
        partial = [f.zero(WIDTH, complex)] * count
        start = 0
        if whole // WIDTH > UNROLL:
            stop = whole // (count * WIDTH) * count * WIDTH
            with f.loop(0, stop, count * WIDTH) as loop:
                registers = [loop.carry(p) for p in partial]
                for c, register in enumerate(registers):
                    place = f.whole("add", loop.index, c * WIDTH)
                    new = added(values(place, WIDTH), register)
                    loop.update(register, f.splat(new, WIDTH))
            partial, start = [loop.result(r) for r in registers], stop
        for c, i in enumerate(range(start, whole, WIDTH)):
            partial[c % count] = added(values(i, WIDTH), partial[c % count])
        while len(partial) > 1:
            partial = [
                f.binary("fadd", *partial[c : c + 2]) if c + 1 < len(partial) else partial[c]
                for c in range(0, len(partial), 2)
            ]
        total = f.binary("fadd", total, f.total(partial[0]))
        for i in range(whole, n):
            total = added(values(i, 1), total)
        return total

    return run(0, [], [f.zero(1, complex)] * len(places))


def _runs(f: Function, places: list[Any], n: int, strides: list[int]) -> bool:
    """Whether one sum over an axis can be taken in vectors along that axis."""
    alone = f.unit == 1 and len(places) == 1 and places[0][1] == 1 and n >= 2 * WIDTH
    return alone and all(s in (0, 1) for s in strides) and any(strides)


# ------------------------------------------------------------------ elementary functions
INTRINSICS = ("sqrt", "fabs", "floor", "ceil", "trunc", "rint", "maximum", "minimum")


def number(f: Function, row: Elementary, *x: Scalar) -> Scalar:
    """Return the value of a row with code of its own at registers."""
    complex = any(v.im for v in x)
    code = planar.code_of(row, complex)
    cut = row.cut if complex else None
    if complex:
        x = tuple(f.pair(*f.both(v)) for v in x)
    if cut is not None and f.above_cuts:
        x = (planar.above(f, x[0]), *x[1:])
    if isinstance(code, Parts):
        y = f.pair(*(at(p, []) for p in code.formula(*(Symbol(f, (), p) for p in x[0].parts))))
    elif not isinstance(code, str):
        assert code is not None
        y = at(lifted(f, code(*(Symbol(f, (), v) for v in x))), [])
    elif complex:
        y = planar.library(f, code, *x)
    elif code in INTRINSICS:
        y = f.intrinsic(code, *x)
    else:
        y = vector.call(f, code, *x) if len(x) == 1 else f.call(code, *x)
    return y if cut is None or f.above_cuts else planar.off(f, cut, x[0], y)


def value(f: Function, row: Elementary, args: Sequence[Symbol]) -> Any:
    """Return the value of a row without code: as a user wrote it, or by asking Python."""
    program = traced(row, len(args))
    if program is not None:
        return values(program.code, args)[program.outputs[0]]
    return asked(f, "value", ref(f, row), args)


def ref(f: Function, row: Elementary) -> str | int:
    """Return what a row is asked for as: its name, or its number among the program's."""
    return row.name if row.own else [r is row for r in f.rows].index(True)


def asked(
    f: Function,
    kind: str,
    name: Any,
    args: Sequence[Symbol | None],
    shape: Shape | None = None,
    real: bool = False,
) -> Any:
    """Return what Python answers: an array of that shape, complex if an argument is.

    An argument of None is a constant of a rule.
    """
    held = [None if x is None else in_memory(f, x) for x in args]
    given = [x for x in held if x is not None]
    shape = np.broadcast_shapes(*(x.shape for x in given)) if shape is None else shape
    out = empty(f, shape, not real and any(x.complex for x in given))
    f.ask(Ask(kind, name, tuple(None if x is None else holding(x) for x in held), holding(out)))
    if math.prod(shape) == 1:
        return Symbol(f, shape, reg=at(out, [0] * len(shape)), strides=(0,) * len(shape))
    return out


def holding(x: Symbol) -> Held:
    """Return where an array in memory lies."""
    places = (x.offset, x.offset + numbers_between(x)) if x.complex else (x.offset,)
    return Held(places, tuple(x.shape))


def in_memory(f: Function, x: Symbol) -> Symbol:
    """Return an array in C order in the block of memory."""
    x = contiguous(x)
    if x.reg is None and not isinstance(x.slot, str) and not x.lead:
        return x
    out = empty(f, x.shape, x.complex)
    nest(f, lambda v: v, [broadcast(x, x.shape)], out)
    return out


class Question:
    """A rule in a program whose code is being written: it asks Python, by its instruction."""

    def __init__(self, f: Function, code: Sequence[Instruction], i: int) -> None:
        call, args, self.shape = code[i]
        assert isinstance(call, Call)
        self.f, self.i, self.rule = f, i, call.rule
        self.fixed = [isinstance(code[a].op, Const) for a in args]
        self.name, self.step = self.rule.name, self.rule.step

    def __call__(self, *x: Any) -> Any:
        if not any(map(is_operand, x)):
            return self.rule(*x)
        return asked(self.f, "call", self.i, self.args(x), self.shape)

    def args(self, x: Sequence[Any]) -> list[Symbol | None]:
        """Return the arguments as symbols, None for constants (which may be integers)."""
        return [
            None if fixed and not is_operand(v) else lifted(self.f, v)
            for fixed, v in zip(self.fixed, x, strict=True)
        ]


def with_questions(f: Function, code: Sequence[Instruction]) -> Sequence[Instruction]:
    """Return the code with rules that ask Python."""
    return [
        i._replace(op=Call(Question(f, code, n))) if isinstance(i.op, Call) else i  # type: ignore[arg-type]
        for n, i in enumerate(code)
    ]
