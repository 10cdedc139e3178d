"""Complex symbolic arrays: a pair of real ones, whose arithmetic writes that of its parts.

Real and imaginary parts lie in planes of their own, so that vectors work on both as on any array.
Elementary functions are those of NumPy: real formulas where these are as accurate, else the complex
functions of the C library.
"""

from __future__ import annotations

import math
import platform
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.arrays import Operand
from taylor.elementary import Elementary, exp, sqrt
from taylor.llvm import emit
from taylor.llvm.emit import (
    FORMULAS,
    Degree,
    Divisor,
    Symbol,
    Unsupported,
    _broadcast,
    _loaded,
    _loops,
    _merged,
    at,
    empty,
)
from taylor.llvm.ir import Function, Scalar
from taylor.tape import Instruction, Linear
from taylor.values import Constant, is_operand

Array = Any
Pair = tuple[Scalar, Scalar]
Rule = Callable[..., Pair]  # of the parts of all arguments
PAIR = "{ double, double }"
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
            x if x.shape == self.shape else _broadcast(x, self.shape) for x in (re, im)
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
        rule = FUNCTIONS.get(row.name)
        if rule is not None:
            return joined(self.f, rule, *(part for a in args for part in both(self.f, a)))
        if row.compose is not None:
            return row.compose(*args)
        if row.name == "sigmoid":  # where exp overflows the ordinary way is taken
            return 1 / (1 + exp(-args[0]))
        if row.name == "cos_atan":
            return 1 / (sqrt(1 + 1j * args[0]) * sqrt(1 - 1j * args[0]))
        if row.name in ("sech2", "sec", "csc", "cot"):
            return FORMULAS[row.name](*args)
        raise Unsupported(f"{row.name} of complex numbers has no machine code")

    def _call(self, rule: Any, args: tuple[Any, ...]) -> Any:
        raise Unsupported(f"{rule.name} has no machine code")

    def _choose(self, lhs: Any, rhs: Any, a: Any, b: Any, mode: str) -> Any:
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
    seen = [_broadcast(emit.settled(x), shape) for x in args]
    axes = _merged(
        [
            (n, s, [a.strides[i] if a.reg is None else 0 for a in seen])
            for i, (n, s) in enumerate(zip(shape, outs[0].strides, strict=True))
        ]
    )

    def element(index: list[Any], width: int) -> None:
        values = [
            _loaded(f, a, index, [ax[2][k] for ax in axes], width) for k, a in enumerate(seen)
        ]
        terms = [(i, ax[1]) for i, ax in zip(index, axes, strict=True)]
        for out, y in zip(outs, rule(f, *_of_one_width(f, values)), strict=True):
            f.store(Scalar(f.splat(y, width).text, width), f.address("%data", terms, out.offset))

    if size:
        _loops(f, axes, element, padded=True)
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


def _real(name: str) -> Callable[..., Scalar]:
    rule = emit.FUNCTIONS[name]
    return lambda f, *x: rule(f, *x)


_exp, _expm1, _log, _sin, _cos = map(_real, ("exp", "expm1", "log", "sin", "cos"))
_sinh, _cosh, _hypot, _atan2 = map(_real, ("sinh", "cosh", "hypot", "atan2"))


def _times(f: Function, c: float, z: Pair) -> Pair:
    return f.binary("fmul", f.constant(c), z[0]), f.binary("fmul", f.constant(c), z[1])


def _cexp(f: Function, x: Scalar, y: Scalar) -> Pair:
    r = _exp(f, x)
    return f.binary("fmul", r, _cos(f, y)), f.binary("fmul", r, _sin(f, y))


def _cexpm1(f: Function, x: Scalar, y: Scalar) -> Pair:
    # e^x cos y - 1 = (e^x - 1) cos y - 2 sin²(y/2)
    s = _sin(f, f.binary("fmul", y, f.constant(0.5)))
    re = f.binary("fmul", _expm1(f, x), _cos(f, y))
    re = f.binary("fsub", re, f.binary("fmul", f.binary("fadd", s, s), s))
    return re, f.binary("fmul", _exp(f, x), _sin(f, y))


def _clog1p(f: Function, x: Scalar, y: Scalar) -> Pair:
    x = f.binary("fadd", x, f.constant(1.0))
    return _log(f, _hypot(f, x, y)), _atan2(f, y, x)


def _csin(f: Function, x: Scalar, y: Scalar) -> Pair:
    re = f.binary("fmul", _sin(f, x), _cosh(f, y))
    return re, f.binary("fmul", _cos(f, x), _sinh(f, y))


def _ccos(f: Function, x: Scalar, y: Scalar) -> Pair:
    re = f.binary("fmul", _cos(f, x), _cosh(f, y))
    return re, f.negative(f.binary("fmul", _sin(f, x), _sinh(f, y)))


def _csinh(f: Function, x: Scalar, y: Scalar) -> Pair:
    re = f.binary("fmul", _sinh(f, x), _cos(f, y))
    return re, f.binary("fmul", _cosh(f, x), _sin(f, y))


def _ccosh(f: Function, x: Scalar, y: Scalar) -> Pair:
    re = f.binary("fmul", _cosh(f, x), _cos(f, y))
    return re, f.binary("fmul", _sinh(f, x), _sin(f, y))


def _library(name: str) -> Rule:
    """Return a complex function of the C library, lane by lane."""

    def rule(f: Function, *xs: Scalar) -> Pair:
        if not IN_REGISTERS:
            raise Unsupported(f"{name} of the C library cannot be called on this platform")
        width, texts = f.same(*xs)
        kind = ", ".join(["double"] * len(xs))
        f.declarations.add(f"declare {PAIR} @{name}({kind}) memory(none) nounwind willreturn")

        def call(given: Sequence[str]) -> list[str]:
            y = f.put(f"call {PAIR} @{name}({', '.join(f'double {x}' for x in given)})")
            return [f.put(f"extractvalue {PAIR} {y}, {i}") for i in (0, 1)]

        if width == 1:
            re, im = call(texts)
            return Scalar(re), Scalar(im)
        size = width // f.unit
        starts = [f.allocate(size) for _ in xs]
        pointers = [f.address("%data", [], s) for s in starts]
        for x, pointer in zip(texts, pointers, strict=True):
            f.store(Scalar(x, width), pointer)
        with f.loop(0, width) as loop:
            places = [
                f.put(f"getelementptr inbounds double, ptr {p}, i64 {loop.index}") for p in pointers
            ]
            for y, p in zip(call([f.load(p, 1).text for p in places]), places, strict=False):
                f.lines.append(f"  store double {y}, ptr {p}, align 8")
        found = f.load(pointers[0], width), f.load(pointers[1], width)
        for s in starts:
            f.release(s, size)
        return found

    return rule


def _cut(rule: Rule, edge: float, both_ends: bool = False, turned: bool = False) -> Rule:
    """Return a function with a branch cut along the real axis below an edge.

    `both_ends`: beyond -edge too; `turned`: along the imaginary axis.  On the cut the value is the
    limit from above (a zero imaginary part counts as +0) or, where NumPy's own sign of that zero
    would decide, nan: then the ordinary way is taken.
    """

    def cut(f: Function, x: Scalar, y: Scalar, *more: Scalar) -> Pair:
        if f.above_cuts:
            zero = f.constant(0.0)
            return rule(f, f.binary("fadd", x, zero), f.binary("fadd", y, zero), *more)
        along, across = (y, x) if turned else (x, y)
        if both_ends:
            along = f.negative(f.intrinsic("fabs", along))
        z, lost = rule(f, x, y, *more), f.constant(math.nan)
        beyond, zero = f.compare("olt", along, f.constant(edge)), f.constant(0.0)
        on_axis = f.compare("oeq", across, zero)
        re, im = (f.select(on_axis, f.select(beyond, lost, part), part) for part in z)
        return re, im

    return cut


def _clog_by(c: float) -> Rule:
    return lambda f, x, y: _times(f, c, _clog(f, x, y))


_clog, _cpow = _library("clog"), _library("cpow")
FUNCTIONS: dict[str, Rule] = {
    "exp": _cexp,
    "exp2": lambda f, x, y: _cexp(f, *_times(f, math.log(2), (x, y))),
    "expm1": _cexpm1,
    "sin": _csin,
    "cos": _ccos,
    "tan": _library("ctan"),
    "sinh": _csinh,
    "cosh": _ccosh,
    "tanh": _library("ctanh"),
    "log": _cut(_clog, 0.0),
    "log2": _cut(_clog_by(math.log2(math.e)), 0.0),
    "log10": _cut(_clog_by(math.log10(math.e)), 0.0),
    "log1p": _cut(_clog1p, -1.0),
    "sqrt": _cut(_library("csqrt"), 0.0),
    "cbrt": _cut(lambda f, x, y: _cpow(f, x, y, f.constant(1 / 3), f.constant(0.0)), 0.0),
    "real_power": _cut(_cpow, 0.0),
    "exponential": _cut(_cpow, 0.0),
    "asin": _cut(_library("casin"), -1.0, both_ends=True),
    "acos": _cut(_library("cacos"), -1.0, both_ends=True),
    "atan": _cut(_library("catan"), -1.0, both_ends=True, turned=True),
    "asinh": _cut(_library("casinh"), -1.0, both_ends=True, turned=True),
    "acosh": _cut(_library("cacosh"), 1.0),
    "atanh": _cut(_library("catanh"), -1.0, both_ends=True),
}
