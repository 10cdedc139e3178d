"""Complex symbolic arrays: a pair of real ones, whose arithmetic writes that of its parts.

Real and imaginary parts lie in planes of their own, so that vectors work on both as on any array.
Elementary functions are those of NumPy: real formulas where these are as accurate, else the complex
functions of the C library.
"""

from __future__ import annotations

import functools
import math
import platform
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.core.operand import Operand
from taylor.core.table import Cut, Elementary, Parts
from taylor.core.tape import Call, Instruction, Linear
from taylor.llvm.ir import Function, Scalar
from taylor.machine import emit
from taylor.machine.emit import (
    Degree,
    Divisor,
    Symbol,
    Unsupported,
    at,
    broadcast,
    empty,
    loaded_at,
    merged_axes,
    over_axes,
)
from taylor.numbers.values import Constant, is_operand

Array = Any
Pair = tuple[Scalar, Scalar]
Rule = Callable[..., Pair]  # of the parts of all arguments
UNORDERED = "complex values have no order"
# where a complex number is passed and returned in two registers, as two doubles are
IN_REGISTERS = sys.platform != "win32" and platform.machine() in (
    "x86_64", "amd64", "AMD64", "aarch64", "arm64",
)  # fmt: skip


class Complex(Operand):
    """A complex array of the function being written: its real and its imaginary part."""

    __slots__ = ("f", "im", "re", "scales", "shape")
    tag = Symbol.tag

    def __init__(self, re: Symbol, im: Symbol) -> None:
        self.f, self.shape = re.f, np.broadcast_shapes(re.shape, im.shape)
        self.re, self.im = (
            x if x.shape == self.shape else broadcast(x, self.shape) for x in (re, im)
        )
        self.scales: Any = None  # what division by this number needs, once it has been used

    @property
    def value(self) -> Any:
        """Not known before the function runs."""
        return self.re.value

    def _hosts(self, other: Operand) -> bool:
        return isinstance(other, Symbol)

    def __repr__(self) -> str:
        return f"<complex symbol of shape {self.shape}>"

    # -------------------------------------------------------------- arithmetic
    def __add__(self, o: Any) -> Any:
        re, im = parts(self.f, o)
        return Complex(self.re + re, self.im if im is None else self.im + im)

    __radd__ = __add__

    def __sub__(self, o: Any) -> Any:
        re, im = parts(self.f, o)
        return Complex(self.re - re, self.im if im is None else self.im - im)

    def __rsub__(self, o: Any) -> Any:
        re, im = parts(self.f, o)
        return Complex(re - self.re, -self.im if im is None else im - self.im)

    def __mul__(self, o: Any) -> Any:
        re, im = parts(self.f, o)
        if im is None:
            return Complex(self.re * re, self.im * re)
        return Complex(self.re * re - self.im * im, self.re * im + self.im * re)

    __rmul__ = __mul__

    def __truediv__(self, o: Any) -> Any:
        if isinstance(o, (int, Degree, Divisor)):
            return Complex(self.re / o, self.im / o)
        o = lifted(self.f, o)
        if isinstance(o, Complex):
            return o._divide(self)
        return Complex(self.re / o, self.im / o)

    def __rtruediv__(self, o: Any) -> Any:
        return self._divide(o)

    def _divide(self, x: Any) -> Complex:
        """Return x divided by this."""
        f, given = self.f, (*both(self.f, x), self.re, self.im)
        held = [part.reg for part in given]
        if any(r is None or r.width != f.unit for r in held):
            return joined(f, lambda f, a, b, *o: _over(f, a, b, _scales(f, *o)), *given)
        if self.scales is None:
            self.scales = _scales(f, *held[2:])  # type: ignore[arg-type]
        return joined(f, lambda f, a, b: _over(f, a, b, self.scales), *given[:2])

    def __neg__(self) -> Any:
        return Complex(-self.re, -self.im)

    def _elementary(self, row: Elementary, args: tuple[Any, ...]) -> Any:
        code = row.complex_code
        if code is not None and (IN_REGISTERS or not isinstance(code, str)):
            rule = functools.partial(_at_registers, row)
            return joined(self.f, rule, *(part for a in args for part in both(self.f, a)))
        if row.compose is not None:
            return row.compose(*args)
        return emit.value(self.f, row, args, lifted)

    @property
    def planes(self) -> tuple[Symbol, Symbol]:
        """The real and the imaginary part."""
        return self.re, self.im

    def _call(self, rule: Any, args: tuple[Any, ...]) -> Any:
        raise Unsupported(f"{rule.name} has no machine code")

    def _choose(self, lhs: Any, rhs: Any, a: Any, b: Any, mode: str) -> Any:
        if mode == "formula":  # by the real parts, as in `choices.choose`
            lhs, rhs = (x.re if isinstance(x, Complex) else x for x in (lhs, rhs))
        if isinstance(lhs, Complex) or isinstance(rhs, Complex):
            raise Unsupported(UNORDERED)
        sides = zip(both(self.f, a), both(self.f, b), strict=True)
        left = emit.lifted(self.f, lhs)
        return Complex(*(left._choose(left, rhs, x, y, mode) for x, y in sides))

    def _compare(self, op: Any, other: Any) -> Any:
        return self.value

    def _assign(self, index: Any, value: Any) -> None:
        raise Unsupported("an array is written into")

    def _lowered(self, c: Any) -> Any:
        return float(c) if isinstance(c, (Constant, Fraction)) else c

    def _ones(self) -> Any:
        return lifted(self.f, np.ones(self.shape, dtype=complex))

    # -------------------------------------------------------------- moving elements
    def _gather(self, sources: Sequence[Any], index: Array) -> Any:
        planes = zip(*(both(self.f, x) for x in sources), strict=True)
        return Complex(*(plane[0]._gather(plane, index) for plane in planes))

    def _scatter(self, index: Array, shape: tuple[int, ...]) -> Any:
        return Complex(self.re._scatter(index, shape), self.im._scatter(index, shape))

    def _sum(self, axes: tuple[int, ...]) -> Any:
        return Complex(self.re._sum(axes), self.im._sum(axes))

    def _cumsum(self, axis: int) -> Any:
        return Complex(self.re._cumsum(axis), self.im._cumsum(axis))

    def _reduceat(self, starts: Array, axis: int) -> Any:
        return self.re._reduceat(starts, axis)

    def _einsum(self, spec: str, x: Any, y: Any) -> Any:
        (a, b), (c, d) = parts(self.f, x), parts(self.f, y)

        def product(u: Symbol, v: Symbol) -> Any:
            return u._einsum(spec, u, v)

        if b is None:
            assert d is not None
            return Complex(product(a, c), product(a, d))
        if d is None:
            return Complex(product(a, c), product(b, c))
        return Complex(product(a, c) - product(b, d), product(a, d) + product(b, c))


# ------------------------------------------------------------------ making pairs
def lifted(f: Function, x: Any) -> Any:
    """Return a number or an array as a symbol, or as a pair of them if it is complex."""
    if isinstance(x, Complex):
        return x
    if not is_operand(x) and np.iscomplexobj(x):
        array = np.asarray(x)
        return Complex(emit.lifted(f, array.real), emit.lifted(f, array.imag))
    return emit.lifted(f, x)


def parts(f: Function, x: Any) -> tuple[Symbol, Symbol | None]:
    """Return the real part of a value, and its imaginary part if it has one."""
    x = lifted(f, x)
    return (x.re, x.im) if isinstance(x, Complex) else (x, None)


def both(f: Function, x: Any) -> tuple[Symbol, Symbol]:
    """Return the real and the imaginary part of a value."""
    re, im = parts(f, x)
    return re, emit.lifted(f, np.zeros(re.shape)) if im is None else im


def settled(x: Any) -> Any:
    """Return a value that will be used several times, computed once."""
    return Complex(*map(emit.settled, (x.re, x.im))) if isinstance(x, Complex) else emit.settled(x)


def joined(f: Function, rule: Rule, *args: Symbol) -> Complex:
    """Return the complex array of the numbers rule(args), computed in one nest of loops."""
    shape = np.broadcast_shapes(*(x.shape for x in args))
    size = int(np.prod(shape, dtype=int))
    if size == 1 or (size and all(x.reg is not None for x in args)):
        pair = rule(f, *_of_one_width(f, [at(x, [0] * len(x.shape)) for x in args]))
        return Complex(*(Symbol(f, shape, reg=y, strides=(0,) * len(shape)) for y in pair))
    outs = empty(f, shape), empty(f, shape)
    seen = [broadcast(emit.settled(x), shape) for x in args]
    axes = merged_axes(
        [
            (n, s, [a.strides[i] if a.reg is None else 0 for a in seen])
            for i, (n, s) in enumerate(zip(shape, outs[0].strides, strict=True))
        ]
    )

    def element(index: list[Any], width: int) -> None:
        values = [
            loaded_at(f, a, index, [ax[2][k] for ax in axes], width) for k, a in enumerate(seen)
        ]
        terms = [(i, ax[1]) for i, ax in zip(index, axes, strict=True)]
        for out, y in zip(outs, rule(f, *_of_one_width(f, values)), strict=True):
            f.store(f.splat(y, width), f.address("%data", terms, out.offset))

    if size:
        over_axes(f, axes, element, padded=True)
    return Complex(*outs)


def _of_one_width(f: Function, xs: Sequence[Scalar]) -> list[Scalar]:
    width, texts = f.same(*xs)
    return [Scalar(text, width) for text in texts]


# ------------------------------------------------------------------ complex programs
def kinds(code: Sequence[Instruction], given: Sequence[bool]) -> list[bool]:
    """Return which instructions are complex, given which inputs (and then parameters) are."""
    found: list[bool] = []
    inputs = sum(i.op == "input" for i in code)
    for op, args, param, _ in code:
        if op in ("input", "parameter"):
            found.append(given[param + (inputs if op == "parameter" else 0)])
            continue
        if op == "choose":
            args = args[2:]
        elif op == "integral":
            args = args[: param.arity]
        c = _constant(op, param)
        found.append(isinstance(c, Complex) or _is_complex(c) or any(found[a] for a in args))
    return found


def _is_complex(c: Any) -> bool:
    return c is not None and not is_operand(c) and bool(np.iscomplexobj(c))


def _constant(op: str, param: Any) -> Any:
    """Return the number or array in an instruction."""
    if op == "constant":
        return param
    if op == "linear" and param.kind in ("scale", "einsum"):
        return param.data if param.kind == "scale" else param.data[1]
    return None


def with_symbols(f: Function, code: Sequence[Instruction]) -> list[Instruction]:
    """Return the code with pairs of symbols for its complex constants."""
    new = []
    for i in code:
        c = _constant(i.op, i.param)
        if _is_complex(c):
            pair = lifted(f, c)
            if i.op == "constant":
                i = i._replace(param=pair)
            else:
                data = pair if i.param.kind == "scale" else (i.param.data[0], pair)
                i = i._replace(param=Linear(i.param.kind, data))
        new.append(i)
    return new


class Question:
    """A rule in a program whose code is being written: it asks Python, by its instruction."""

    def __init__(self, f: Function, code: Sequence[Instruction], i: int) -> None:
        self.f, self.i, self.rule, self.shape = f, i, code[i].param.rule, code[i].shape
        self.fixed = [code[a].op == "constant" for a in code[i].args]
        self.name, self.step = self.rule.name, self.rule.step

    def __call__(self, *x: Any) -> Any:
        if not any(map(is_operand, x)):
            return self.rule(*x)
        return emit.asked(self.f, "call", self.i, self.args(x), self.shape)

    def args(self, x: Sequence[Any]) -> list[Any]:
        """Return the arguments as symbols, None for constants (which may be integers)."""
        return [
            None if fixed and not is_operand(v) else lifted(self.f, v)
            for fixed, v in zip(self.fixed, x, strict=True)
        ]


def with_questions(f: Function, code: Sequence[Instruction]) -> Sequence[Instruction]:
    """Return the code with rules that ask Python."""
    return [
        i._replace(param=Call(Question(f, code, n), None)) if i.op == "call" else i  # type: ignore[arg-type]
        for n, i in enumerate(code)
    ]


# ------------------------------------------------------------------ rules for two numbers
Scales = tuple[Scalar, Scalar, Scalar]


def _scales(f: Function, c: Scalar, d: Scalar) -> Scales:
    """Return whether |c| < |d|, the ratio of the smaller to the larger, and the factor."""
    swap = f.compare("olt", f.intrinsic("fabs", c), f.intrinsic("fabs", d))
    c, d = f.select(swap, d, c), f.select(swap, f.negative(c), d)
    ratio = f.binary("fdiv", d, c)
    divisor = f.binary("fadd", c, f.binary("fmul", d, ratio))
    return swap, ratio, f.binary("fdiv", f.constant(1.0), divisor)


def _over(f: Function, a: Scalar, b: Scalar, scales: Scales) -> Pair:
    """Return (a + bi)/(c + di) after R. L. Smith (Algorithm 116, CACM 5, 1962), as NumPy does.

    Where |c| < |d| both numbers are divided by i first.
    """
    swap, ratio, scale = scales
    a, b = f.select(swap, b, a), f.select(swap, f.negative(a), b)
    re = f.binary("fadd", a, f.binary("fmul", b, ratio))
    im = f.binary("fsub", b, f.binary("fmul", a, ratio))
    return f.binary("fmul", re, scale), f.binary("fmul", im, scale)


def _at_registers(row: Elementary, f: Function, *xs: Scalar) -> Pair:
    """Return the value of a row with complex code at the parts of its arguments."""
    code, cut = row.complex_code, row.cut
    if cut is not None and f.above_cuts:
        zero = f.constant(0.0)
        xs = (*(f.binary("fadd", x, zero) for x in xs[:2]), *xs[2:])
    given = [Symbol(f, (), reg=x) for x in xs]
    if isinstance(code, str):
        left, right = f.library(code, xs, 2)
        z = left, right
    elif isinstance(code, Parts):
        re, im = code.formula(*given)
        z = at(re, []), at(im, [])
    else:
        assert code is not None
        y = code(*map(Complex, given[::2], given[1::2]))
        z = at(y.re, []), at(y.im, [])
    return z if cut is None or f.above_cuts else _off(f, cut, xs, z)


def _off(f: Function, cut: Cut, xs: Sequence[Scalar], z: Pair) -> Pair:
    """Return a value off a branch cut, nan on it.

    There NumPy's own sign of a zero would decide, so that the ordinary way is taken.  (For series
    the value is the limit from above: a zero imaginary part counts as +0.)
    """
    along, across = (xs[1], xs[0]) if cut.turned else (xs[0], xs[1])
    if cut.both_ends:
        along = f.negative(f.intrinsic("fabs", along))
    lost = f.constant(math.nan)
    beyond = f.compare("olt", along, f.constant(cut.edge))
    on_axis = f.compare("oeq", across, f.constant(0.0))
    re, im = (f.select(on_axis, f.select(beyond, lost, part), part) for part in z)
    return re, im
