"""The instructions of a program, each in one class: all that the package knows of it.

An instruction y = f(a, b, ...) has a value, and for tangents a', b' and the adjoint ȳ of its result

    y' = f_a·a' + f_b·b',        ā += ȳ·f_a,   b̄ += ȳ·f_b

(Griewank & Walther, Evaluating Derivatives, ch. 3).  Values, tangents and adjoints may be numbers,
arrays, series, or nodes of a program.  None stands for zero, and an axis of length one for equal
parts along a longer one.

    input · parameter · constant · add · mul · div · scale; in `einsum` sums of products, in `calls`
    functions of the table and rules of arrays, in `sides` choices, in `maps` what only moves
    elements, in `lookups` rows of tables, in `parts` parts of complex numbers, in `loops` loops

The step rule of an instruction computes the part of degree k of its series: see `sweep`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from operator import add, mul, truediv
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from taylor.core import patterns
from taylor.core.table import Elementary, Rule
from taylor.numbers import rounding
from taylor.numbers.formulas import Constant
from taylor.numbers.kinds import Array, Kind, is_operand
from taylor.numbers.values import common_shape, constant, over, plus, shape_of, times, zeros

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Shape = tuple[int, ...]
Number = Callable[[Any], Any]  # makes a constant a number of the kind at hand
Degrees = Generator[None, int, None]
Step = Callable[[int], None]  # computes the part of one degree; called for 0, 1, ...
Sweep = Any  # the tables of a program, degree by degree: `sweep.Sweep`
Tape = Any  # of a program that is being expanded, and its
Node = Any
LARGE = 1024  # elements of an array that is told from others by identity, not by content


def by_degree(rule: Callable[[Any, Sweep, int], Generator[None, int, None]]) -> Any:
    """Return a step rule that is written as a generator, to which every `yield` gives a degree."""

    @functools.wraps(rule)
    def step(self: Any, t: Sweep, i: int) -> Step:
        running = rule(self, t, i)
        next(running)
        return running.send

    return step


class Instruction(NamedTuple):
    """v_i = op(args): one line of a program."""

    op: Op
    args: tuple[int, ...]
    shape: Shape


class Whole(NamedTuple):
    """What the adjoint of a result gives to an argument as a whole, or at some of its elements.

    Whatever else `Op.adjoint` returns is given element by element of the result.
    """

    bar: Any
    at: Array | slice | None = None


class Factors(NamedTuple):
    """An adjoint bar·slope that may leave the range of floats though what comes of it does not.

    That of b in a/b is -ȳ·y/b, which underflows where b = exp(x) is large; b'/b does not.  So the
    slopes of what b is made of are multiplied to the slope 1/b first.
    """

    bar: Any
    slope: Any


@dataclass(slots=True)
class At:
    """An instruction at a point: the values of its arguments and of its result.

    With `lanes` the tangents have that many directions along a last axis; `transposing` are the
    rules in whose tangents the instruction stands, `takes` tells which instructions take an
    adjoint in factors.
    """

    code: Sequence[Instruction]
    i: int
    a: list[Any]
    y: Any
    lanes: int | None = None
    transposing: tuple[Rule, ...] = ()
    takes: Callable[[int], bool] = lambda j: False

    # (row, wanted) -> f_a for the arguments that are wanted; None where f has to be recorded
    slopes: ClassVar[Callable[..., list[Any] | None]]
    # (f, d) -> the tangent of f(*a), recorded, for the tangents d of the arguments
    push: ClassVar[Callable[..., Any]]
    # (f, x, moving, bars, rule=None) -> the adjoints of what moves among x for those of the results
    # of f, recorded at x; None where f is the tangent of a rule that is being transposed already
    pull: ClassVar[Callable[..., list[Any] | None]]

    @property
    def shape(self) -> Shape:
        """The shape of the result."""
        return self.code[self.i].shape

    @property
    def shapes(self) -> list[Shape]:
        """The shapes of the arguments."""
        return [self.code[j].shape for j in self.code[self.i].args]

    def in_factors(self, n: int) -> bool:
        """Whether the adjoint of argument n may be given as `Factors`, the slope in its shape."""
        return self.takes(self.code[self.i].args[n])

    def whole(self, d: Sequence[Any]) -> list[Any]:
        """Return the tangents of the arguments in the whole shapes of these; None as zeros."""
        end = () if self.lanes is None else (self.lanes,)
        return [full(e, (*s, *end), x) for e, s, x in zip(d, self.shapes, self.a, strict=True)]


@dataclass(slots=True, eq=False)
class Op:
    """What an instruction does; equal to others of its class with the same content."""

    arity: ClassVar[int | None] = None  # the number of arguments (None: any)
    by_element: ClassVar[bool] = False  # whether arguments broadcast, and lanes are independent
    multiplies: ClassVar[bool] = False  # whether adjoints of its arguments are slopes times its own
    pure: ClassVar[bool] = False  # whether the value of plain numbers is NumPy's work alone
    plain: ClassVar[Callable[..., Any] | None] = None  # of these a function of the arguments

    def contents(self) -> tuple[Any, ...]:
        """Return what tells it from others of its class."""
        names: tuple[str, ...] = self.__match_args__
        return tuple([getattr(self, name) for name in names])

    def key(self) -> Any:
        """Return a hashable stand-in that tells 1 from 1.0 and 0.0 from -0.0."""
        return (type(self), *map(key_of, self.contents()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Op) and self.key() == other.key()

    def __hash__(self) -> int:
        return hash(self.key())

    @property
    def constant(self) -> Any:
        """The number or array in it, or None."""
        return None

    def reads(self, args: tuple[int, ...]) -> tuple[int, ...]:
        """Return the arguments of which degree k is needed for degree k of the result."""
        return args

    @property
    def makes_complex(self) -> bool:
        """Whether the result is complex, of real arguments, too."""
        c = self.constant
        return c is not None and not is_operand(c) and bool(np.iscomplexobj(c))

    def made_of(self, args: tuple[int, ...]) -> tuple[int, ...]:
        """Return the arguments whose kind of number the result has."""
        return args

    def shape(self, shapes: list[Shape]) -> Shape:
        """Return the shape of the result."""
        return shapes[0] if len(shapes) == 1 else common_shape(*shapes)

    def value(self, a: Sequence[Any], number: Number) -> Any:
        """Return f(a)."""
        raise NotImplementedError

    def glimpse(self, a: Sequence[Any], number: Number) -> Any:
        """Return what has the shape and kind of f(a), where f(a) itself takes long."""
        return self.value(a, number)

    def tangent(self, at: At, d: list[Any]) -> Any:
        """Return y' for tangents of the arguments, not all of them zero."""
        raise NotImplementedError

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        """Return what the adjoint of the result gives to those of the arguments."""
        raise NotImplementedError

    def height(self, h: list[int], order: int) -> int:
        """Return the degree of the last part that is not zero, given those of the arguments."""
        return min(max(h, default=0), order)

    def step(self, t: Sweep, i: int) -> Step:
        """Return what computes the part of degree k of instruction i of a sweep, k = 0, 1, ..."""
        raise NotImplementedError

    def expanded(self, tape: Tape, args: list[Node], shape: Shape) -> Node:
        """Append it to a tape in instructions that have a step rule."""
        return tape.core(self, args, shape)

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        """Return the pattern of the result: see `patterns`."""
        if not self.by_element:
            raise ValueError(f"the pattern of {self.name} is not known")
        return patterns.union(
            patterns.broadcast(p, s, shape) for p, s in zip(x, shapes, strict=True)
        )

    @property
    def told(self) -> bool:
        """Whether it tells all that is derived from it."""
        return True

    def under(self, lanes: int) -> Op:
        """Return the same on arrays with one more, last axis of that length."""
        return self

    @property
    def name(self) -> str:
        """What people call it."""
        return type(self).__name__.lower()

    def show(self, v: list[str], shape: Shape) -> str:
        """Return it in mathematical notation, given that of its arguments."""
        return f"{self.name}({', '.join(v)})"


# ------------------------------------------------------------------ what is given
@dataclass(slots=True, eq=False)
class Input(Op):
    """The n-th argument of the program."""

    n: int
    arity = 0

    def show(self, v: list[str], shape: Shape) -> str:
        return f"x{self.n}"


@dataclass(slots=True, eq=False)
class Parameter(Op):
    """The n-th constant that is given with each sweep."""

    n: int
    arity = 0


@dataclass(slots=True, eq=False)
class Const(Op):
    """A number, an array, a named Constant, or a value of an outer differentiation."""

    c: Any
    arity = 0

    def key(self) -> Any:
        return (Const, key_of(self.c))

    @property
    def constant(self) -> Any:
        return self.c

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return number(self.c)

    def show(self, v: list[str], shape: Shape) -> str:
        return short(self.c)


# ------------------------------------------------------------------ arithmetic
class Arithmetic(Op):
    """An operator of two arguments."""

    operator: ClassVar[str]  # the name of its method in Python's data model
    sign: ClassVar[str]
    # of x, y, z and products: what rounding took from z = x ∘ y, for operands with what it took
    low: ClassVar[Callable[..., Any]]
    arity, by_element, multiplies, pure = 2, True, True, True

    def key(self) -> Any:
        return type(self)

    def show(self, v: list[str], shape: Shape) -> str:
        return f"{v[0]} {self.sign} {v[1]}"


class Add(Arithmetic):
    """a + b."""

    operator, sign, plain = "add", "+", add
    low = staticmethod(lambda x, y, z, _: rounding.through_sum(x, y, z))

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return plus(a[0], a[1])

    def tangent(self, at: At, d: list[Any]) -> Any:
        return d[0] if d[1] is None else added(d[0], d[1])

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        return [bar if w else None for w in wanted]

    @by_degree
    def step(self, t: Sweep, i: int) -> Degrees:
        (a, b), height, y, part = t.args(i), t.height, t.table[i], t.algebra.part
        yield
        y[0] = plus(t.value(a), t.value(b))
        while True:
            k = yield
            if k <= min(height[a], height[b]):
                y[part(k)] = t.table[a][part(k)] + t.table[b][part(k)]
            elif k <= height[i]:
                y[part(k)] = t.table[a if k <= height[a] else b][part(k)]


class Mul(Arithmetic):
    """a·b."""

    operator, sign, plain = "mul", "*", mul
    low = staticmethod(rounding.through_product)

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return times(a[0], a[1])

    def tangent(self, at: At, d: list[Any]) -> Any:
        (a, b), (da, db) = at.a, d
        left = None if da is None else times(da, b)
        if db is None:
            return left
        return plus(left, left) if a is b and da is db else added(left, times(a, db))

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        a, b = at.a
        return times(bar, b) if wanted[0] else None, times(bar, a) if wanted[1] else None

    def height(self, h: list[int], order: int) -> int:
        return min(h[0] + h[1], order)

    @by_degree
    def step(self, t: Sweep, i: int) -> Degrees:
        (a, b), height, y, part = t.args(i), t.height, t.table[i], t.algebra.part
        yield
        x0 = t.value(a)
        y[0] = times(x0, x0 if a == b else t.value(b))  # of a set the square
        while True:
            k = yield
            if k > height[i]:
                continue
            terms = self._scaled(t, a, b, k) if k <= height[b] else []
            if k <= height[a]:
                terms += self._scaled(t, b, a, k)
            if height[a] and height[b]:
                x, z = t.table[a], t.table[b]
                terms.append(t.algebra.interior(k, x, z, height[a], height[b]))
            y[part(k)] = total(terms[::-1])  # small terms first, that they are not lost one by one

    @staticmethod
    def _scaled(t: Sweep, c: int, x: int, k: int) -> list[Any]:
        """Return the terms of c_0·x_k (an interval on the left would take an array for ends)."""
        part, low = t.table[x][t.algebra.part(k)], t.row_low(c)
        return [part * t.value(c), None if low is None else part * low]


class Div(Arithmetic):
    """a/b."""

    operator, sign, plain = "truediv", "/", truediv
    low = staticmethod(rounding.through_quotient)

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return over(a[0], a[1])

    def tangent(self, at: At, d: list[Any]) -> Any:
        return over(d[0] if d[1] is None else added(d[0], -times(at.y, d[1])), at.a[1])

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        b = at.a[1]
        if wanted[1] and at.in_factors(1):
            return over(bar, b) if wanted[0] else None, Factors(-times(bar, at.y), over(1, b))
        quotient = over(bar, b)
        return quotient if wanted[0] else None, -times(quotient, at.y) if wanted[1] else None

    def height(self, h: list[int], order: int) -> int:
        return order if h[1] else min(h[0], order)

    @by_degree
    def step(self, t: Sweep, i: int) -> Degrees:
        (a, b), height, y, part = t.args(i), t.height, t.table[i], t.algebra.part
        yield
        t.check_divisor(i, t.value(a), t.value(b))
        y[0] = over(t.value(a), t.value(b))
        divide, by = t.divisor(b)
        low = None
        while True:
            k = yield
            if k > height[i]:
                continue
            terms = [t.table[a][part(k)]] if k <= height[a] else []
            if k <= height[b]:
                if k == 1 and t.precise:
                    low = t.low(i)
                terms.append(None if low is None else -(t.table[b][part(k)] * low))
                terms.append(-(t.table[b][part(k)] * y[0]))
            if height[b]:
                inner = t.algebra.interior(k, y, t.table[b], k, height[b])
                terms.append(None if inner is None else -inner)
            s = total(terms)
            if s is not None:
                y[part(k)] = divide(s, by)


ADD, MUL, DIV = Add(), Mul(), Div()


@dataclass(slots=True, eq=False)
class Scale(Op):
    """c·x for a constant c."""

    c: Any
    arity, by_element, multiplies, pure = 1, True, True, True

    def key(self) -> Any:
        return (Scale, key_of(self.c))

    @property
    def constant(self) -> Any:
        return self.c

    def shape(self, shapes: list[Shape]) -> Shape:
        own = shape_of(self.c)
        return common_shape(shapes[0], own) if own else shapes[0]

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return times(a[0], number(self.c))

    def _number(self, x: Any) -> Any:
        if type(self.c) is np.ndarray is type(x) and not self.c.dtype.hasobject:
            return self.c
        return constant(self.c, x if is_operand(x) else np.asarray(x))

    @by_degree
    def step(self, t: Sweep, i: int) -> Degrees:
        (a,), y, part = t.args(i), t.table[i], t.algebra.part
        yield
        y[0] = t.value(a) * t.number(self.c)
        while True:
            k = yield
            if k <= t.height[i]:
                y[part(k)] = t.table[a][part(k)] * t.number(self.c)

    def tangent(self, at: At, d: list[Any]) -> Any:
        return times(d[0], self._number(at.a[0]))

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        return [times(bar, self._number(at.a[0]))]

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        y, c = patterns.broadcast(x[0], shapes[0], shape), self.c
        if not isinstance(c, np.ndarray) or c.dtype.kind not in "iufc" or c.all():
            return y
        used = np.flatnonzero(np.broadcast_to(c, shape))
        return patterns.ones(used, used, (y.shape[0], y.shape[0])) @ y

    def under(self, lanes: int) -> Op:
        return Scale(np.reshape(self.c, (*np.shape(self.c), 1))) if np.ndim(self.c) else self

    def show(self, v: list[str], shape: Shape) -> str:
        return f"{short(self.c)} * {v[0]}"


def total(terms: Iterable[Any]) -> Any:
    """Return the sum of the terms that exist, or None."""
    given = [t for t in terms if t is not None]
    return functools.reduce(add, given) if given else None


def added(x: Any, y: Any) -> Any:
    """Return x + y, where None is zero."""
    return y if x is None else x if y is None else plus(x, y)


def full(x: Any, shape: Shape, like: Any = 0.0) -> Any:
    """Return a tangent or adjoint in the whole shape of its variable; None as zeros of its kind."""
    if x is None:
        if type(like) is float and not shape:  # Python's numbers have no precision
            return 0.0
        return (zeros(shape, like) if is_operand(like) else Kind.of(like).zeros(shape))[()]
    if shape_of(x) == tuple(shape):
        return x
    if type(x) in (np.ndarray, np.float64) and x.dtype.kind == "f" and math.prod(shape) <= LARGE:
        return np.full(shape, x, x.dtype)  # np.broadcast_to takes ten times as long
    return np.broadcast_to(np.asarray(x, dtype=object) if type(x) is int else x, shape)


def short(x: Any) -> str:
    """Return a number, or the ends of an array, for people."""
    if isinstance(x, Constant):
        return x.name
    if np.ndim(x) == 0:
        return f"{x:.6g}" if isinstance(x, (float, np.floating)) else str(x)
    return np.array2string(np.asarray(x), precision=4, threshold=6, edgeitems=2).replace("\n", "")


def key_of(x: Any) -> Any:
    """Return a hashable stand-in for the content of an instruction: see `Op.key`."""
    if type(x) is float:
        return (float, x or repr(x))
    if x is None or type(x) in (int, str):
        return (type(x), x)
    if isinstance(x, tuple):
        return tuple([key_of(e) for e in x])
    if isinstance(x, np.generic):
        return (x.dtype.char, x.tobytes())
    if isinstance(x, np.ndarray) and x.size > LARGE:
        return id(x)
    if isinstance(x, np.ndarray):
        body = x.tobytes() if x.dtype != object else tuple(map(key_of, x.ravel()))
        return (x.dtype.str, x.shape, body)
    if isinstance(x, (Elementary, Rule, Constant)) or is_operand(x):
        return id(x)
    return (type(x), repr(x))
