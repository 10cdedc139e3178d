"""Symbolic arrays: what NumPy code does to them is written down as LLVM IR.

A `Symbol` is an array of doubles in the workspace of the function being written (a number is held
in a register), or of complex numbers: a plane of real parts and one of imaginary parts.  It is one
more operand of the front door: to evaluate a program, or to sweep it, with symbols writes the
machine code of that evaluation, so no rule is written a second time.

Indexing, transposing and broadcasting only change strides; every other operation is one nest of
loops over the axes of its result and, for sums and products, over the axes that are summed.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.core.calls import Row
from taylor.core.choices import SLOPES
from taylor.core.einsum import Einsum
from taylor.core.instructions import Op
from taylor.core.lookups import Lookup
from taylor.core.maps import CumSum, Gather, Scatter, Sum
from taylor.core.operand import Operand
from taylor.core.parts import Part
from taylor.core.rules import values
from taylor.core.sides import Choose
from taylor.core.table import Elementary, Parts
from taylor.core.tags import Tag
from taylor.errors import TraceError
from taylor.llvm import vector
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.registers import Scalar
from taylor.machine import lookups, matrices, planar
from taylor.machine.calls import Ask, Held, traced
from taylor.machine.contractions import Contraction
from taylor.machine.moves import affine, in_order, move, taken
from taylor.machine.nests import Body, Shape, Slot, Strided, at, c_strides, each, terms_of, write
from taylor.numbers.formulas import Constant
from taylor.numbers.kinds import Array, is_operand
from taylor.numbers.values import as_array, common_shape

FUSED = 6  # arrays that one loop reads at most
DEEPEST = 40  # functions of functions that one loop computes at most


class Unsupported(TraceError):
    """A program that has no machine code; it is evaluated through NumPy instead."""


def _operators(op: str) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """Return an operator of symbols, and that with the operands exchanged."""

    def binary(f: Function, *xs: Any) -> Any:
        if not all(map(_fits, xs)):
            return NotImplemented
        return mapped(f, lambda x, y: f.binary(op, x, y), *(lifted(f, x) for x in xs))

    return lambda x, o: binary(x.f, x, o), lambda x, o: binary(x.f, o, x)


class Symbol(Strided, Operand):  # type: ignore[misc]  # Operand has a slot: weak references
    """An array of the function being written."""

    __slots__ = ()
    takes_all, tag = True, Tag(-(1 << 63))

    def view(self, shape: Shape, strides: Sequence[int], start: int = 0) -> Symbol:
        """Return these numbers in another order, from the one at `start` on."""
        return Symbol(*self.moved(shape, strides, start))

    # -------------------------------------------------------------- what an operand needs
    @property
    def value(self) -> Any:
        """Not known before the function runs."""
        raise Unsupported("the code branches on a value, which machine code does not know")

    def _hosts(self, other: Operand) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<symbol of shape {self.shape}>"

    __add__, __radd__ = _operators("fadd")
    __sub__, __rsub__ = _operators("fsub")
    __mul__, __rmul__ = _operators("fmul")
    _over, __rtruediv__ = _operators("fdiv")

    def __truediv__(self, o: Any) -> Any:
        if isinstance(o, int):  # a degree divides once for all, not on the way to the next one
            return self * (1.0 / o)
        return self._over(o)

    def __neg__(self) -> Any:
        return mapped(self.f, self.f.negative, self)

    def process(self, op: Op, args: Sequence[Any]) -> Any:
        """Write what an instruction makes of those arguments."""
        if type(op) not in WRITTEN:
            raise Unsupported(f"{op.name} has no machine code")
        return WRITTEN[type(op)](self, op, args)

    def _row(self, op: Row, args: Sequence[Any]) -> Any:
        row, given = op.row, [lifted(self.f, a) for a in args]
        if planar.code_of(row, any(a.complex for a in given)) is not None:
            return mapped(self.f, lambda *x: number(self.f, row, *x), *given)
        if row.compose is not None:
            return row.compose(*args)
        return value(self.f, row, given)

    def _chosen(self, op: Choose, args: Sequence[Any]) -> Any:
        (lhs, rhs, a, b), mode, f = args, op.mode, self.f
        sides = [lifted(f, x) for x in (lhs, rhs)]  # of formulas the real parts: `choices.choose`
        sides = [plane("real", x) if x.complex and mode == "formula" else x for x in sides]
        if any(x.complex for x in sides):
            raise Unsupported(planar.UNORDERED)

        def body(left: Scalar, right: Scalar, x: Scalar, y: Scalar) -> Scalar:
            first, lost = left >= right, left + right
            if mode in SLOPES:  # nan where slopes differ: the ordinary way knows what to do
                real, lost = len(x.parts) == len(y.parts) == 1, f.constant(math.nan)
                first = (left > right) | (first & x.equals(y)) if real else left > right
            return first.where(x, (left < right).where(y, lost))

        return mapped(f, body, *sides, lifted(f, a), lifted(f, b))

    def _parted(self, op: Part, args: Sequence[Any]) -> Symbol:
        (x,), f = args, self.f
        if op.kind != "conj":
            return plane(op.kind, x)
        return mapped(f, lambda z: f.pair(z.parts[0], f.negative(z.parts[1])), x)

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
            whole, strides = contiguous(self), affine(index)
            if whole.reg is not None and index.size and index.min() >= 0:
                return whole.view(shape, ())
            if strides is not None:
                return whole.view(shape, strides, int(index.reshape(-1)[0]))
        elif in_order(index, [*map(np.shape, sources)]):
            return Joined(f, shape, [lifted(f, x) for x in sources])
        return assembled(f, [flattened(contiguous(lifted(f, x))) for x in sources], index)

    def _part_of(self, index: Array) -> Any:
        """Return the elements from one of the arrays that this one joins, if they lie in one."""
        return None

    def _scattered(self, op: Scatter, args: Sequence[Any]) -> Any:
        out, to, start = zeros(self.f, op.to, self.complex), op.index.reshape(-1), 0
        for x in self._in_pieces():
            flat = x if len(x.shape) == 1 else flattened(contiguous(x))
            stop = start + math.prod(x.shape)
            move(out, to[start:stop], flat, np.arange(stop - start), add=True)
            start = stop
            self.f.pause()
        return out

    def _in_pieces(self) -> list[Symbol]:
        """Return the arrays that this one joins; or itself."""
        return [self]

    def _looked_up(self, op: Lookup, args: Sequence[Any]) -> Any:
        x, table = (in_place(lifted(self.f, a)) for a in args)
        out = empty(self.f, (*x.shape, *table.shape[1:]), table.complex)
        if out.size:
            lookups.write(op, x, table, out)
        if out.size == 1:
            return Symbol(self.f, out.shape, reg=at(out, [0] * len(out.shape)))
        return out

    def _summed(self, op: Sum, args: Sequence[Any]) -> Any:
        letters = "".join(chr(97 + i) for i in range(len(self.shape)))
        out = "".join(c for i, c in enumerate(letters) if i not in op.axes)
        return contraction(self.f, [letters], out, [self])

    def _running(self, op: CumSum, args: Sequence[Any]) -> Any:
        f, x, axis = self.f, contiguous(self), op.axis
        x = x if x.reg is None else in_memory(f, x)  # equal numbers have other sums
        out = empty(f, self.shape, x.complex)
        n, strides = self.shape[axis], c_strides(self.shape)
        others = [i for i in range(len(self.shape)) if i != axis]

        def line(index: list[Any]) -> None:
            terms = terms_of(index, [strides[i] for i in others])

            def added(i: str, totals: list[Scalar]) -> list[Scalar]:
                where = [*terms, (i, strides[axis])]
                new = totals[0] + x.load(where)
                out.store(new, where)
                return [new]

            f.fold(0, n, [f.zero(f.unit, x.complex)], added)

        if x.size:
            each(f, [self.shape[i] for i in others], line)
        return out

    def _contracted(self, op: Einsum, args: Sequence[Any]) -> Any:
        terms, out = op.spec.split("->")
        return contraction(self.f, terms.split(","), out, [lifted(self.f, x) for x in args])


WRITTEN: dict[type[Op], Any] = {
    Row: Symbol._row, Choose: Symbol._chosen, Gather: Symbol._gathered, Scatter: Symbol._scattered,
    Sum: Symbol._summed, CumSum: Symbol._running, Einsum: Symbol._contracted, Part: Symbol._parted,
    Lookup: Symbol._looked_up,
}  # fmt: skip


class Pending(Symbol):
    """An array that is written to memory when it is first used as a whole."""

    __slots__ = ("is_complex", "made")

    def __init__(self, f: Function, shape: Shape, parts: Sequence[Symbol]) -> None:
        self.f, self.shape, self.reg = f, tuple(shape), None
        self.strides, self.lead = c_strides(shape), ()
        self.made: Symbol | None = None
        self.is_complex = any(x.complex for x in parts)

    @property
    def complex(self) -> bool:
        """Whether the numbers are complex."""
        return self.is_complex

    def settle(self) -> Symbol:
        """Return the array in memory."""
        if self.made is None:
            out = empty(self.f, self.shape, self.complex)
            self.write(out, True)
            self.made = out
        return self.made

    def write(self, out: Symbol, whole: bool = False) -> None:
        """Write the array; `whole` is what may be written to its last vector."""
        raise NotImplementedError

    slot: Any = property(lambda self: self.settle().slot)
    offset: Any = property(lambda self: self.settle().offset)
    plane: Any = property(lambda self: self.settle().plane)


class Mapped(Pending):
    """An element-wise function of arrays of the same shape, computed where it is used."""

    __slots__ = ("args", "body", "depth")

    def __init__(
        self, f: Function, shape: Shape, body: Body, args: list[Symbol], depth: int
    ) -> None:
        self.body, self.args, self.depth = body, args, depth
        super().__init__(f, shape, args)

    def write(self, out: Symbol, whole: bool = False) -> None:
        nest(self.f, self.body, self.args, out, whole)


class Joined(Pending):
    """Arrays one after the other, copied into one only where they are used together."""

    __slots__ = ("pieces",)

    def __init__(self, f: Function, shape: Shape, pieces: list[Symbol]) -> None:
        self.pieces = pieces
        super().__init__(f, shape, pieces)

    def write(self, out: Symbol, whole: bool = False) -> None:
        start = 0
        for x in self._in_pieces():
            copied(x, out.view(x.shape, c_strides(x.shape), start))
            start += math.prod(x.shape)
            self.f.pause()

    def _in_pieces(self) -> list[Symbol]:
        return self.pieces if self.made is None else [self.made]

    def _part_of(self, index: Array) -> Any:
        if self.made is not None or not index.size or index.min() < 0:
            return None
        if in_order(index, [self.shape]):
            return Joined(self.f, index.shape, self.pieces)
        start, low, high = 0, int(index.min()), int(index.max())
        for x in self.pieces:
            stop = start + math.prod(x.shape)
            if start <= low and high < stop:
                return x._gather([x], index - start)
            start = stop
        return None


def settled(x: Any) -> Any:
    """Return a value that will be used several times, computed once."""
    return x.settle() if isinstance(x, Mapped) else x


def in_place(x: Symbol) -> Symbol:
    """Return numbers in a register or in memory."""
    return x.settle() if isinstance(x, Pending) else x


def _waits(x: Symbol) -> bool:
    """Whether an element-wise function is computed in every loop that uses it."""
    return isinstance(x, Mapped) and x.made is None


def copied(x: Symbol, out: Symbol) -> None:
    """Write numbers, repeated to the shape of an array, into it."""
    if isinstance(x, Joined) and x.shape == out.shape and out.strides == x.strides:
        x.write(out)
    else:
        nest(x.f, lambda v: v, [broadcast(x, out.shape)], out)


def _fits(x: Any) -> bool:
    """Whether x can be the other operand of an operator, and leaves the operator to symbols."""
    foreign = is_operand(x) and not isinstance(x, Symbol)
    ours = getattr(x, "__array_ufunc__", ...) is not None
    return ours and not (foreign or x is None or isinstance(x, (str, bytes)))


# ------------------------------------------------------------------ making symbols
def lifted(f: Function, x: Any) -> Symbol:
    """Return a number or an array as a symbol."""
    if isinstance(x, Symbol):
        return x
    if type(x) is float:
        return Symbol(f, (), reg=f.constant(x))
    if isinstance(x, Constant):
        x = float(x)
    array = as_array(x)
    try:
        array = array.astype(complex if array.dtype.kind == "c" else float)
    except (TypeError, ValueError, OverflowError):
        raise Unsupported("some constants have no float, and so no machine code") from None
    planes = [array.real, array.imag][: 1 + np.iscomplexobj(array)]
    if array.size and all(_equal(p) for p in planes):
        re, *im = (f.constant(float(p.reshape(-1)[0])) for p in planes)
        value = f.pair(re, im[0]) if im else re
        return Symbol(f, array.shape, reg=value)
    wide = array
    if f.unit == 1 and array.ndim > 1 and array.shape[-1] > WIDTH:  # rows begin at whole vectors
        missing = -array.shape[-1] % WIDTH
        wide = np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, missing)])
    each = [wide.real, wide.imag][: len(planes)]
    rows = np.zeros((len(each), wide.size + WIDTH))
    rows[:, : wide.size] = [plane.reshape(-1) for plane in each]
    name = f.table(rows, "double")
    f.constants[name] = rows.reshape(-1)
    distance = wide.size + WIDTH if len(planes) > 1 else 0
    return Symbol(f, array.shape, None, name, 0, c_strides(wide.shape), plane=distance)


def _equal(x: Array) -> bool:
    """Whether all numbers of an array are the same one."""
    return x.size == 1 or bool(np.all(x == x.reshape(-1)[0]) and not np.signbit(x).any())


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


def plane(kind: str, x: Symbol) -> Symbol:
    """Return the real or the imaginary parts of a complex array."""
    x = settled(x)
    if x.reg is not None:
        return Symbol(x.f, x.shape, x.reg.parts[kind == "imag"])
    start = x.offset + numbers_between(x) * (kind == "imag")
    return Symbol(x.f, x.shape, None, x.slot, start, x.strides, x.lead)


def numbers_between(x: Symbol) -> int:
    """Return how many numbers lie between the planes of an array."""
    return x.plane // (1 if isinstance(x.slot, str) else x.f.unit)


def flattened(x: Symbol) -> Symbol:
    """Return a contiguous array along one axis."""
    return x.view((math.prod(x.shape),), (1,))


def contiguous(x: Symbol) -> Symbol:
    """Return the array in C order in memory, or equal numbers in a register."""
    x = in_place(x)
    strides = zip(x.strides, c_strides(x.shape), x.shape, strict=True)
    if x.reg is not None or all(s == t or n == 1 for s, t, n in strides):
        return x
    return copy(x)


def copy(x: Symbol) -> Symbol:
    """Return an array of its own in memory."""
    return mapped(x.f, lambda v: v, x, copy=True)


def assembled(f: Function, sources: Sequence[Symbol], index: Array) -> Symbol:
    """Return the elements of several arrays in the places that the index says."""
    parts = list(taken(sources, index))
    if index.size == 1 and parts:
        x, _, source = parts[0]
        return Symbol(f, index.shape, reg=at(x, [int(source[0])]))
    holes = index.size > 0 and index.min() < 0
    out = (zeros if holes else empty)(f, index.shape, any(x.complex for x in sources))
    for x, places, source in parts:
        move(out, places, x, source)
        f.pause()
    return out


# ------------------------------------------------------------------ nests of loops
def mapped(f: Function, body: Body, *args: Symbol, copy: bool = False) -> Symbol:
    """Return body(args) element by element, broadcasting as NumPy does."""
    shape = common_shape(*(x.shape for x in args))
    size = math.prod(shape)
    constant = all(x.reg is not None for x in args) and not copy
    if size == 1 or (constant and size):
        values = [at(x, [0] * len(x.shape)) for x in args]
        return Symbol(f, shape, reg=body(*values))
    seen = [broadcast(x, shape) for x in args]
    depth = 1 + max(getattr(x, "depth", 0) if _waits(x) else 0 for x in seen)
    if depth > DEEPEST:
        seen, depth = [settled(x) for x in seen], 1
    result = Mapped(f, shape, *_fused(body, seen), depth)
    return result.settle() if copy else result


def _fused(body: Body, args: Sequence[Symbol]) -> tuple[Body, list[Symbol]]:
    """Return an element-wise function with those of its arguments that are pending put into it."""
    parts: list[tuple[Body | None, list[Symbol]]] = [
        (a.body, a.args) if isinstance(a, Mapped) and a.made is None else (None, [a]) for a in args
    ]
    if not any(inner for inner, _ in parts) or sum(len(xs) for _, xs in parts) > FUSED:
        return body, [in_place(a) for a in args]

    def fused(*values: Scalar) -> Scalar:
        rest = iter(values)
        given = [(inner, list(itertools.islice(rest, len(xs)))) for inner, xs in parts]
        return body(*(mine[0] if inner is None else inner(*mine) for inner, mine in given))

    return fused, [in_place(x) for _, xs in parts for x in xs]


def broadcast(x: Symbol, shape: Shape) -> Symbol:
    """Return the array seen in a larger shape."""
    if tuple(shape) == x.shape and _waits(x):
        return x
    missing = len(shape) - len(x.shape)
    strides = [0] * missing
    strides += [0 if n == 1 else s for n, s in zip(x.shape, x.strides, strict=True)]
    return x.view(tuple(shape), strides)


def nest(f: Function, body: Body, args: Sequence[Symbol], out: Symbol, whole: bool = False) -> None:
    """Write out[i] = body(args[i]) for all i; a whole array may be written to its last vector."""
    write(*_fused(body, args), out, whole)


def contraction(f: Function, names: list[str], out: str, args: list[Symbol]) -> Symbol:
    """Return the einsum of one or two arrays."""
    args = [broadcast(in_place(x), x.shape) for x in args]
    known: Symbol | None = matrices.product(names, out, args, copy, functools.partial(empty, f))
    if known is not None:
        return known
    if out:  # a constant is laid out so that the vectors along the result find it in order
        for k, (name, x) in enumerate(zip(names, args, strict=True)):
            if isinstance(x.slot, str) and not x.lead and out[-1] in name[:-1]:
                order = [i for i, c in enumerate(name) if c != out[-1]] + [name.index(out[-1])]
                array = x.constants().transpose(order)
                names[k], args[k] = "".join(name[i] for i in order), lifted(f, array)
    sums = Contraction(names, out, args)
    if not sums.reduced:  # a product element by element
        seen = [x.view(sums.shape, [s[k] for s in sums.along]) for k, x in enumerate(args)]
        return mapped(f, lambda *v: v[0] if len(v) == 1 else f.binary("fmul", *v), *seen)
    if any(n == 0 for n, _ in sums.reduced):
        return lifted(f, np.zeros(sums.shape))
    if math.prod(sums.shape) == 1:
        return Symbol(f, sums.shape, reg=sums.number())
    result = empty(f, sums.shape, sums.complex)
    if result.size:
        sums.write(result)
    return result


# ------------------------------------------------------------------ elementary functions
INTRINSICS = ("sqrt", "fabs", "floor", "ceil", "trunc", "rint")
EXTREMES = {"maximum": "ogt", "minimum": "olt"}


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
    elif code in EXTREMES:  # of two equal numbers, zeros too, the second, as NumPy
        y = f.select(f.compare(EXTREMES[code], *x), *x)
        y = f.select(f.compare("uno", x[0], x[0]), x[0], y)
    else:
        y = vector.call(f, code, *x)
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
    complex: bool | None = None,
) -> Any:
    """Return what Python answers: an array of that shape, if not said complex if an argument is.

    An argument of None is a constant of a rule.
    """
    held = [None if x is None else in_memory(f, x) for x in args]
    given = [x for x in held if x is not None]
    shape = np.broadcast_shapes(*(x.shape for x in given)) if shape is None else shape
    complex = any(x.complex for x in given) if complex is None else complex
    out = empty(f, shape, complex)
    f.ask(Ask(kind, name, tuple(None if x is None else holding(x) for x in held), holding(out)))
    if math.prod(shape) == 1:
        return Symbol(f, shape, reg=at(out, [0] * len(shape)))
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
    copied(x, out)
    return out
