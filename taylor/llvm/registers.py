"""Registers of machine code: constants, types, and values with the operators of Python."""

from __future__ import annotations

import functools
import struct
from collections.abc import Sequence
from typing import Any


def literal(c: float) -> str:
    """Return a double as LLVM writes it exactly.

    >>> literal(1.0)
    '0x3FF0000000000000'
    """
    return f"0x{struct.unpack('<Q', struct.pack('<d', float(c)))[0]:016X}"


ONE = literal(1.0)


@functools.cache
def type_of(width: int, kind: str = "double") -> str:
    """Return the LLVM type of a register of so many numbers."""
    return kind if width == 1 else f"<{width} x {kind}>"


def repeated(entries: Sequence[Any], kind: str) -> str:
    """Return a constant vector."""
    return "<" + ", ".join(f"{kind} {e}" for e in entries) + ">"


class Scalar:
    """A double, or a vector of `width` doubles, in a register; in two, if it is complex.

    Of kind i64 it holds whole numbers (the bits of doubles), of kind i1 truths.  Operators write
    instructions into the function `f`; comparisons are those of IEEE 754: false where one side is
    nan.
    """

    __slots__ = ("f", "im", "kind", "text", "width")

    def __init__(
        self, f: Any, text: str, width: int = 1, im: str = "", kind: str = "double"
    ) -> None:
        self.f, self.text, self.width, self.im, self.kind = f, text, width, im, kind

    @property
    def type(self) -> str:
        """The LLVM type."""
        return type_of(self.width, self.kind)

    @property
    def parts(self) -> list[Scalar]:
        """The real part and, of a complex number, the imaginary part."""
        texts = (self.text, self.im) if self.im else (self.text,)
        return [Scalar(self.f, text, self.width, "", self.kind) for text in texts]

    # -------------------------------------------------------------- arithmetic
    def _lifted(self, o: Scalar | float) -> Scalar:
        if isinstance(o, Scalar):
            return o
        register: Scalar = self.f.constant(o, 1, self.kind)
        return register

    def _new(self, op: str, x: Scalar | float, y: Scalar | float) -> Scalar:
        register: Scalar = self.f.binary(op, self._lifted(x), self._lifted(y))
        return register

    def __add__(self, o: Scalar | float) -> Scalar:
        return self._new("fadd" if self.kind == "double" else "add", self, o)

    __radd__ = __add__

    def __sub__(self, o: Scalar | float) -> Scalar:
        return self._new("fsub" if self.kind == "double" else "sub", self, o)

    def __rsub__(self, o: float) -> Scalar:
        return self._new("fsub", o, self)

    def __mul__(self, o: Scalar | float) -> Scalar:
        return self._new("fmul", self, o)

    def __truediv__(self, o: Scalar | float) -> Scalar:
        return self._new("fdiv", self, o)

    def __rtruediv__(self, o: float) -> Scalar:
        return self._new("fdiv", o, self)

    def __neg__(self) -> Scalar:
        register: Scalar = self.f.negative(self)
        return register

    def __and__(self, o: Scalar | int) -> Scalar:
        return self._new("and", self, o)

    def __or__(self, o: Scalar) -> Scalar:
        return self._new("or", self, o)

    def __xor__(self, o: Scalar | bool) -> Scalar:
        return self._new("xor", self, o)

    def __invert__(self) -> Scalar:
        return self ^ True

    def __lshift__(self, o: int) -> Scalar:
        return self._new("shl", self, o)

    def __rshift__(self, o: int) -> Scalar:
        return self._new("ashr", self, o)

    # -------------------------------------------------------------- comparisons
    def compared(self, op: str, o: Scalar | float) -> Scalar:
        """Return the truth of fcmp (oeq, olt, uge, ...) in every lane."""
        register: Scalar = self.f.compare(op, self, self._lifted(o))
        return register

    def __lt__(self, o: Scalar | float) -> Scalar:
        return self.compared("olt", o)

    def __le__(self, o: Scalar | float) -> Scalar:
        return self.compared("ole", o)

    def __gt__(self, o: Scalar | float) -> Scalar:
        return self.compared("ogt", o)

    def __ge__(self, o: Scalar | float) -> Scalar:
        return self.compared("oge", o)

    def equals(self, o: Scalar | float) -> Scalar:
        """Return where this is equal to another."""
        return self.compared("oeq", o)

    def where(self, a: Scalar | float, b: Scalar | float) -> Scalar:
        """Return a where this holds, else b."""
        x, y = (o if isinstance(o, Scalar) else self.f.constant(o) for o in (a, b))
        register: Scalar = self.f.select(self, x, y)
        return register

    # -------------------------------------------------------------- functions
    def function(self, name: str, *others: Scalar | float) -> Scalar:
        """Return an intrinsic function."""
        register: Scalar = self.f.intrinsic(name, self, *map(self._lifted, others))
        return register

    def __abs__(self) -> Scalar:
        return self.function("fabs")

    def fma(self, o: Scalar | float, plus: Scalar | float) -> Scalar:
        """Return self·o + plus, rounded once."""
        return self.function("fma", o, plus)

    def least(self, *others: Scalar | float) -> Scalar:
        """Return the smallest of some numbers; nan is none."""
        return functools.reduce(lambda a, b: a.function("minnum", b), others, self)

    def most(self, *others: Scalar | float) -> Scalar:
        """Return the largest of some numbers; nan is none."""
        return functools.reduce(lambda a, b: a.function("maxnum", b), others, self)

    def two_sum(self, o: Scalar | float) -> tuple[Scalar, Scalar]:
        """Return self + o rounded, and the rounding error (Knuth, TAOCP 2, section 4.2.2)."""
        total = self + o
        part = total - self
        return total, (self - (total - part)) + (o - part)

    def cast(self, op: str, kind: str) -> Scalar:
        """Return this as another kind of numbers, by bitcast, sitofp, fptosi or trunc."""
        register: Scalar = self.f.cast(op, self, kind)
        return register

    def bits(self) -> Scalar:
        """Return the bits of doubles as whole numbers."""
        return self.cast("bitcast", "i64")

    def double(self) -> Scalar:
        """Return the doubles with these bits."""
        return self.cast("bitcast", "double")

    def polynomial(self, c: Sequence[float]) -> Scalar:
        """Return Σ c_i·self^i; even and odd powers side by side."""
        square = self * self
        parts = []
        for some in (c[::2], c[1::2]):
            total: Scalar | float = some[-1]
            for coefficient in some[-2::-1]:
                total = square.fma(total, coefficient)
            parts.append(total)
        return self.fma(parts[1], parts[0])


def paired(parts: Sequence[Scalar]) -> Scalar:
    """Return the register of which these are the parts."""
    re, *im = parts
    return Scalar(re.f, re.text, re.width, im[0].text if im else "", re.kind)
