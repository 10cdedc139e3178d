"""The instructions of a program, each in one class: all that the package knows of it.

An instruction y = f(a, b, ...) has a value, and for tangents a', b' and the adjoint ȳ of its result

    y' = f_a·a' + f_b·b',        ā += ȳ·f_a,   b̄ += ȳ·f_b

(Griewank & Walther, Evaluating Derivatives, ch. 3).  Values, tangents and adjoints may be numbers,
arrays, series, or nodes of a program.  None stands for zero, and an axis of length one for equal
parts along a longer one.

    input · parameter · constant · add · mul · div · scale · einsum · row of the table (integral,
    local, jump) · choose · call, and in `maps` those that only move and add elements
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from taylor.core import patterns
from taylor.core.choices import SIDES, blend, choose
from taylor.core.table import Elementary, Rule
from taylor.core.tables import contract, free_letter
from taylor.errors import TraceError
from taylor.numbers import rounding
from taylor.numbers.formulas import Constant
from taylor.numbers.kinds import Kind, is_operand
from taylor.numbers.values import common_shape, constant, over, plus, shape_of, times, zeros

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Array = Any
Shape = tuple[int, ...]
Number = Callable[[Any], Any]  # makes a constant a number of the kind at hand
Rounded = tuple[Any, Any]
Product = Callable[[Any, Any, Any], Any]  # what rounding took from a product
LARGE = 1024  # elements of an array that is told from others by identity, not by content


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
    at: Array | None = None


class At:
    """An instruction at a point: the values of its arguments and of its result.

    With `lanes` the tangents have that many directions along a last axis; `transposing` are the
    rules in whose tangents the instruction stands.
    """

    __slots__ = ("a", "code", "i", "lanes", "transposing", "y")

    def __init__(
        self,
        code: Sequence[Instruction],
        i: int,
        a: list[Any],
        y: Any,
        lanes: int | None = None,
        transposing: tuple[Rule, ...] = (),
    ) -> None:
        self.code, self.i, self.a, self.y = code, i, a, y
        self.lanes, self.transposing = lanes, transposing

    @property
    def shape(self) -> Shape:
        """The shape of the result."""
        return self.code[self.i].shape

    @property
    def shapes(self) -> list[Shape]:
        """The shapes of the arguments."""
        return [self.code[j].shape for j in self.code[self.i].args]

    def whole(self, d: Sequence[Any]) -> list[Any]:
        """Return the tangents of the arguments in the whole shapes of these; None as zeros."""
        end = () if self.lanes is None else (self.lanes,)
        return [full(e, (*s, *end), x) for e, s, x in zip(d, self.shapes, self.a, strict=True)]

    def slopes(self, row: Elementary, wanted: Sequence[bool]) -> list[Any] | None:
        """Return f_a for the arguments that are wanted; None where f has to be recorded."""
        raise NotImplementedError

    def push(self, f: Callable[..., Any], d: Sequence[Any]) -> Any:
        """Return the tangent of f(*a), recorded, for the tangents d of the arguments."""
        raise NotImplementedError

    def pull(
        self,
        f: Callable[..., Any],
        x: Sequence[Any],
        moving: Sequence[bool],
        bars: Sequence[Any],
        rule: Rule | None = None,
    ) -> list[Any] | None:
        """Return the adjoints of what moves among x for those of the results of f, recorded at x.

        None where f is the tangent of a rule that is being transposed already.
        """
        raise NotImplementedError


@dataclass(slots=True, eq=False)
class Op:
    """What an instruction does; equal to others of its class with the same content."""

    arity: ClassVar[int | None] = None  # the number of arguments (None: any)
    by_element: ClassVar[bool] = False  # whether arguments broadcast, and lanes are independent

    def contents(self) -> tuple[Any, ...]:
        """Return what tells it from others of its class."""
        names: tuple[str, ...] = self.__match_args__
        return tuple([getattr(self, name) for name in names])

    def key(self) -> Any:
        """Return a hashable stand-in that tells 1 from 1.0 and 0.0 from -0.0."""
        return (type(self), *map(_key, self.contents()))

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

    def made_of(self, args: tuple[int, ...]) -> tuple[int, ...]:
        """Return the arguments whose kind of number the result has."""
        return args

    def shape(self, shapes: list[Shape]) -> Shape:
        """Return the shape of the result."""
        return common_shape(*shapes)

    def value(self, a: Sequence[Any], number: Number) -> Any:
        """Return f(a)."""
        raise NotImplementedError

    def tangent(self, at: At, d: list[Any]) -> Any:
        """Return y' for tangents of the arguments, not all of them zero."""
        raise NotImplementedError

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        """Return what the adjoint of the result gives to those of the arguments."""
        raise NotImplementedError

    def height(self, h: list[int], order: int) -> int:
        """Return the degree of the last part that is not zero, given those of the arguments."""
        return min(max(h), order)

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        """Return the pattern of the result: see `patterns`."""
        if not self.by_element:
            raise ValueError(f"the pattern of {self.name} is not known")
        return patterns.union(
            patterns.broadcast(p, s, shape) for p, s in zip(x, shapes, strict=True)
        )

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

    def height(self, h: list[int], order: int) -> int:
        return 0


@dataclass(slots=True, eq=False)
class Const(Op):
    """A number, an array, a named Constant, or a value of an outer differentiation."""

    c: Any
    arity = 0

    @property
    def constant(self) -> Any:
        return self.c

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return number(self.c)

    def height(self, h: list[int], order: int) -> int:
        return 0

    def show(self, v: list[str], shape: Shape) -> str:
        return short(self.c)


# ------------------------------------------------------------------ arithmetic
class Arithmetic(Op):
    """An operator of two arguments."""

    __slots__ = ()
    operator: ClassVar[str]  # the name of its method in Python's data model
    sign: ClassVar[str]
    arity, by_element = 2, True

    def key(self) -> Any:
        return type(self)

    def low(self, x: Rounded, y: Rounded, z: Any, product: Product) -> Any:
        """Return what rounding took from z = x ∘ y, for operands with what it took from them."""
        raise NotImplementedError

    def show(self, v: list[str], shape: Shape) -> str:
        return f"{v[0]} {self.sign} {v[1]}"


class Add(Arithmetic):
    """a + b."""

    __slots__ = ()
    operator, sign = "add", "+"

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return plus(a[0], a[1])

    def tangent(self, at: At, d: list[Any]) -> Any:
        return d[0] if d[1] is None else added(d[0], d[1])

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        return [bar if w else None for w in wanted]

    def low(self, x: Rounded, y: Rounded, z: Any, product: Product) -> Any:
        return rounding.through_sum(x, y, z)


class Mul(Arithmetic):
    """a·b."""

    __slots__ = ()
    operator, sign = "mul", "*"

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

    def low(self, x: Rounded, y: Rounded, z: Any, product: Product) -> Any:
        return rounding.through_product(x, y, z, product)


class Div(Arithmetic):
    """a/b."""

    __slots__ = ()
    operator, sign = "truediv", "/"

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return over(a[0], a[1])

    def tangent(self, at: At, d: list[Any]) -> Any:
        return over(d[0] if d[1] is None else added(d[0], -times(at.y, d[1])), at.a[1])

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        quotient = over(bar, at.a[1])
        return quotient if wanted[0] else None, -times(quotient, at.y) if wanted[1] else None

    def height(self, h: list[int], order: int) -> int:
        return order if h[1] else min(h[0], order)

    def low(self, x: Rounded, y: Rounded, z: Any, product: Product) -> Any:
        return rounding.through_quotient(x, y, z, product)


ADD, MUL, DIV = Add(), Mul(), Div()


@dataclass(slots=True, eq=False)
class Scale(Op):
    """c·x for a constant c."""

    c: Any
    arity, by_element = 1, True

    @property
    def constant(self) -> Any:
        return self.c

    def shape(self, shapes: list[Shape]) -> Shape:
        return common_shape(shapes[0], shape_of(self.c))

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return times(a[0], number(self.c))

    def _number(self, x: Any) -> Any:
        return constant(self.c, x if is_operand(x) else np.asarray(x))

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


# ------------------------------------------------------------------ sums of products
@dataclass(slots=True, eq=False)
class Einsum(Op):
    """einsum(spec, x, y)."""

    spec: str
    arity = 2

    def shape(self, shapes: list[Shape]) -> Shape:
        terms, out = self.spec.split("->")
        sizes = patterns.lengths(terms, shapes)
        return tuple(sizes[c] for c in out)

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return contract(self.spec, a[0], a[1])

    def tangent(self, at: At, d: list[Any]) -> Any:
        parts = []
        for n, (e, whole) in enumerate(zip(d, at.whole(d), strict=True)):
            spec = self.spec if at.lanes is None else spec_under(self.spec, n)
            x = (whole, at.a[1]) if n == 0 else (at.a[0], whole)
            parts.append(None if e is None else contract(spec, *x))
        return added(*parts)

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        terms, out = self.spec.split("->")
        (x, y), bar = terms.split(","), full(bar, at.shape)
        return (
            Whole(contract(f"{out},{y}->{x}", bar, at.a[1])) if wanted[0] else None,
            Whole(contract(f"{out},{x}->{y}", bar, at.a[0])) if wanted[1] else None,
        )

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        terms, out = self.spec.split("->")
        sizes = patterns.lengths(terms, shapes)
        return patterns.union(
            patterns.reduced(p, s, term, out, sizes)
            for p, s, term in zip(x, shapes, terms.split(","), strict=True)
        )

    def show(self, v: list[str], shape: Shape) -> str:
        return f"einsum({self.spec}, {', '.join(v)})"


def spec_under(spec: str, operand: int) -> str:
    """Return the specification with one more, last axis of an operand and of the result."""
    terms, out = spec.split("->")
    names, z = terms.split(","), free_letter(spec)
    names[operand] += z
    return f"{','.join(names)}->{out}{z}"


# ------------------------------------------------------------------ functions of the table
@dataclass(slots=True, eq=False)
class Row(Op):
    """A function of the table, at as many arguments as it takes."""

    row: Elementary
    by_element = True

    def key(self) -> Any:
        return (type(self), id(self.row))

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return self.row(*a)

    def tangent(self, at: At, d: list[Any]) -> Any:
        slopes = at.slopes(self.row, [e is not None for e in d])
        if slopes is None:
            assert self.row.compose is not None
            return at.push(self.row.compose, d)
        terms = [times(p, e) for p, e in zip(slopes, d, strict=True) if p is not None]
        return functools.reduce(plus, terms) if terms else None

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        slopes = at.slopes(self.row, wanted)
        if slopes is not None:
            return [None if p is None else times(bar, p) for p in slopes]
        assert self.row.compose is not None
        return wholes(at.pull(self.row.compose, at.a, wanted, [full(bar, at.shape)]))

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        if self.row.jumps is not None:
            return patterns.ones([], [], (math.prod(shape), x[0].shape[1]))
        return Op.pattern(self, x, shapes, shape)

    @property
    def name(self) -> str:
        return self.row.name


@dataclass(slots=True, eq=False)
class Integral(Row):
    """p·y' = Σ q·a' for a row: the args are `count` arguments, their q's, and p.

    The q's and p may stand after it: the step for degree k reads them below degree k only.  With
    `polar` there are no q's: the step rule for angles and moduli is used.
    """

    count: int
    polar: int | None = None

    def reads(self, args: tuple[int, ...]) -> tuple[int, ...]:
        return args[: self.count]

    made_of = reads
    key = Op.key

    def height(self, h: list[int], order: int) -> int:
        return order if any(h) else 0


@dataclass(slots=True, eq=False)
class Local(Row):
    """A row with a local series."""

    height = Integral.height


@dataclass(slots=True, eq=False)
class Jump(Row):
    """A piecewise constant row."""

    height = Integral.height


# ------------------------------------------------------------------ choices
@dataclass(slots=True, eq=False)
class Choose(Op):
    """a where lhs >= rhs and b elsewhere: see `elementary.choose` for the modes."""

    mode: str
    arity, by_element = 4, True

    def made_of(self, args: tuple[int, ...]) -> tuple[int, ...]:
        return args[2:]

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return choose(a[0], a[1], a[2], a[3], self.mode)

    def between(self, at: At, a: Any, b: Any, both: bool) -> Any:
        """Return the one of two derivatives that counts, of which `both` vary or only one does.

        At a kink there is none, or by convention the mean, or the zero of the side that is
        constant.
        """
        mode = self.mode
        if mode not in SIDES:
            left, right, *_ = at.code[at.i].args
            mode = "where" if left == right else "mean" if both else "flat"
        return choose(at.a[0], at.a[1], a, b, mode)

    def tangent(self, at: At, d: list[Any]) -> Any:
        if d[2] is None and d[3] is None:
            return None
        a, b = (0 if e is None else e for e in d[2:])
        return self.between(at, a, b, d[2] is not None and d[3] is not None)

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        zero, both = 0 if is_operand(bar) else Kind.of(bar).zeros((1,))[0], wanted[2] and wanted[3]
        return (
            None,
            None,
            self.between(at, bar, zero, both) if wanted[2] else None,
            self.between(at, zero, bar, both) if wanted[3] else None,
        )

    def taken(self, lhs: Any, rhs: Any, bar: Any, first: bool) -> Any:
        """Return the adjoint of a variable that counts where that side was chosen, or half of it.

        A side that was not taken never poisons what was.
        """
        if self.mode in SIDES:
            zero = 0 if is_operand(bar) else Kind.of(bar).zeros((1,))[0]
            one, other = (bar, zero) if first else (zero, bar)
            return choose(lhs, rhs, one, other, self.mode)
        return choose(*((lhs, rhs) if first else (rhs, lhs)), bar, 0, "where")

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        return Op.pattern(self, x[2:], shapes[2:], shape)

    def show(self, v: list[str], shape: Shape) -> str:
        return f"{v[2]} if {v[0]} > {v[1]} else {v[3]}"


@dataclass(slots=True, eq=False)
class Blend(Choose):
    """A choice at whose ties it has been settled how much the first side counts: share, 0 to 1."""

    share: Array

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return blend(self.share, a[2], a[3])

    def between(self, at: At, a: Any, b: Any, both: bool) -> Any:
        return blend(self.share, a, b)

    def taken(self, lhs: Any, rhs: Any, bar: Any, first: bool) -> Any:
        return np.where(self.share == (0 if first else 1), 0, bar)


# ------------------------------------------------------------------ rules of arrays
@dataclass(slots=True, eq=False)
class Call(Op):
    """A rule of arrays; the shapes of its results if it has several, which are joined into one."""

    rule: Rule
    shapes: tuple[Shape, ...] | None = None

    def split(self, y: Any) -> Any:
        """Return the results of the rule from one array."""
        if self.shapes is None:
            return y
        sizes = [math.prod(s) for s in self.shapes]
        ends = np.cumsum(sizes)
        return tuple(
            np.reshape(y[end - n : end], s)
            for n, end, s in zip(sizes, ends, self.shapes, strict=True)
        )

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return flat(self.rule(*a))

    height = Integral.height

    def _value(self, *a: Any) -> Any:
        return flat(self.rule.value(*a))

    def tangent(self, at: At, d: list[Any]) -> Any:
        rule, y = self.rule, self.split(at.y)
        if at.lanes is not None:
            raise TraceError(f"{rule.name} has no tangents in lanes")
        d = [None if e is None else w for e, w in zip(d, at.whole(d), strict=True)]
        if rule.jvp is not None:
            return flat(rule.jvp(tuple(d), y, *at.a))
        if rule.vjp is None:
            return at.push(self._value, d)
        vjp = rule.vjp  # dy is the transpose of ȳ -> x̄, a linear map
        found = at.pull(lambda bar: vjp(self.split(bar), y, *at.a), [at.y * 0], [True], d)
        assert found is not None
        return found[0]

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        rule, y, bar = self.rule, self.split(at.y), full(bar, at.shape)
        if rule.vjp is not None:
            found = rule.vjp(self.split(bar), y, *at.a)
            return wholes(b if w else None for b, w in zip(found, wanted, strict=True))
        if rule.jvp is None:
            return wholes(at.pull(self._value, at.a, wanted, [bar]))
        jvp = rule.jvp  # x̄ is the transpose of x' -> y', a linear map
        zero = [e * 0 if w else None for e, w in zip(at.a, wanted, strict=True)]
        given = at.pull(lambda *dx: flat(jvp(dx, y, *at.a)), zero, wanted, [bar], rule)
        return wholes(self._by_columns(at, bar, wanted) if given is None else given)

    def _by_columns(self, at: At, bar: Any, wanted: list[bool]) -> list[Any]:
        """Return the adjoints of the arguments from the tangents along every element of them.

        The transpose of a tangent that uses the rule on what varies needs that of the rule.
        """
        found: list[Any] = [None] * len(at.a)
        for n, shape in enumerate(at.shapes):
            if wanted[n]:
                d: list[Any] = [None] * len(at.a)
                terms = []
                for unit in np.eye(math.prod(shape)):
                    d[n] = unit.reshape(shape)[()]
                    terms.append(np.sum(bar * self.tangent(at, d)))
                found[n] = np.reshape(np.stack(terms), shape)
        return found

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        used = np.unique(np.concatenate([p.indices for p in x]))
        at = np.arange(math.prod(shape))
        everywhere = np.repeat(at, len(used)), np.tile(used, len(at))
        return patterns.ones(*everywhere, (len(at), x[0].shape[1]))

    @property
    def name(self) -> str:
        return self.rule.name


# ------------------------------------------------------------------ helpers
def added(x: Any, y: Any) -> Any:
    """Return x + y, where None is zero."""
    return y if x is None else x if y is None else plus(x, y)


def wholes(bars: Any) -> list[Whole | None]:
    return [None if b is None else Whole(b) for b in bars]


def full(x: Any, shape: Shape, like: Any = 0.0) -> Any:
    """Return a tangent or adjoint in the whole shape of its variable; None as zeros of its kind."""
    if x is None:
        return (zeros(shape, like) if is_operand(like) else Kind.of(like).zeros(shape))[()]
    if shape_of(x) == tuple(shape):
        return x
    return np.broadcast_to(np.asarray(x, dtype=object) if type(x) is int else x, shape)


def flat(y: Any) -> Any:
    """Return the results of a call as one array: several are ravelled and joined."""
    return np.concatenate([np.reshape(z, -1) for z in y]) if isinstance(y, tuple) else y


def short(x: Any) -> str:
    """Return a number, or the ends of an array, for people."""
    if isinstance(x, Constant):
        return x.name
    if np.ndim(x) == 0:
        return f"{x:.6g}" if isinstance(x, (float, np.floating)) else str(x)
    return np.array2string(np.asarray(x), precision=4, threshold=6, edgeitems=2).replace("\n", "")


def bytes_of(x: Any) -> int:
    """Return the bytes of the arrays in the content of an instruction."""
    return sum(map(bytes_of, x)) if isinstance(x, tuple) else getattr(x, "nbytes", 0)


def _key(x: Any) -> Any:
    """Return a hashable stand-in for the content of an instruction: see `Op.key`."""
    if x is None or type(x) in (int, float, str):
        return (type(x), repr(x) if type(x) is float else x)
    if isinstance(x, tuple):
        return tuple([_key(e) for e in x])
    if isinstance(x, np.generic):
        return (x.dtype.char, x.tobytes())
    if isinstance(x, np.ndarray) and x.size > LARGE:
        return id(x)
    if isinstance(x, np.ndarray):
        body = x.tobytes() if x.dtype != object else tuple(map(_key, x.ravel()))
        return (x.dtype.str, x.shape, body)
    if isinstance(x, (Elementary, Rule, Constant)) or is_operand(x):
        return id(x)
    return (type(x), repr(x))
