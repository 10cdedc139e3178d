"""Arithmetic on registers of a function being written, as an expression reads."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from taylor.llvm.function import Function
from taylor.llvm.registers import Scalar


class Expression:
    """A register (of doubles, of whole numbers: bits, or of truths) with the operators of Python.

    Comparisons are those of IEEE 754: false where one side is nan.
    """

    def __init__(self, f: Function, x: Scalar) -> None:
        self.f, self.x = f, x

    def _lifted(self, o: Expression | float) -> Scalar:
        return o.x if isinstance(o, Expression) else self.f.constant(o, 1, self.x.kind)

    def _new(self, op: str, *others: Expression | float) -> Expression:
        return Expression(self.f, self.f.binary(op, *map(self._lifted, others)))

    def __add__(self, o: Expression | float) -> Expression:
        return self._new("fadd" if self.x.kind == "double" else "add", self, o)

    __radd__ = __add__

    def __sub__(self, o: Expression | float) -> Expression:
        return self._new("fsub" if self.x.kind == "double" else "sub", self, o)

    def __rsub__(self, o: float) -> Expression:
        return self._new("fsub", o, self)

    def __mul__(self, o: Expression | float) -> Expression:
        return self._new("fmul", self, o)

    def __truediv__(self, o: Expression | float) -> Expression:
        return self._new("fdiv", self, o)

    def __neg__(self) -> Expression:
        return Expression(self.f, self.f.negative(self.x))

    def __and__(self, o: Expression | int) -> Expression:
        return self._new("and", self, o)

    def __or__(self, o: Expression) -> Expression:
        return self._new("or", self, o)

    def __xor__(self, o: Expression) -> Expression:
        return self._new("xor", self, o)

    def __invert__(self) -> Expression:
        return Expression(self.f, self.f.no(self.x))

    def __lshift__(self, o: int) -> Expression:
        return self._new("shl", self, o)

    def __rshift__(self, o: int) -> Expression:
        return self._new("ashr", self, o)

    def _compared(self, op: str, o: Expression | float) -> Expression:
        return Expression(self.f, self.f.compare(op, self.x, self._lifted(o)))

    def __lt__(self, o: Expression | float) -> Expression:
        return self._compared("olt", o)

    def __le__(self, o: Expression | float) -> Expression:
        return self._compared("ole", o)

    def __gt__(self, o: Expression | float) -> Expression:
        return self._compared("ogt", o)

    def equals(self, o: Expression | float) -> Expression:
        """Return where this is equal to another."""
        return self._compared("oeq", o)

    def where(self, a: Expression | float, b: Expression | float) -> Expression:
        """Return a where this holds, else b."""
        x, y = (o.x if isinstance(o, Expression) else self.f.constant(o) for o in (a, b))
        return Expression(self.f, self.f.select(self.x, x, y))

    def function(self, name: str, *others: Expression | float) -> Expression:
        """Return an intrinsic function."""
        return Expression(self.f, self.f.intrinsic(name, self.x, *map(self._lifted, others)))

    def __abs__(self) -> Expression:
        return self.function("fabs")

    def fma(self, o: Expression | float, plus: Expression | float) -> Expression:
        """Return self·o + plus, rounded once."""
        return self.function("fma", o, plus)

    def least(self, *others: Expression | float) -> Expression:
        """Return the smallest of some numbers; nan is none."""
        return functools.reduce(lambda a, b: a.function("minnum", b), others, self)

    def most(self, *others: Expression | float) -> Expression:
        """Return the largest of some numbers; nan is none."""
        return functools.reduce(lambda a, b: a.function("maxnum", b), others, self)

    def two_sum(self, o: Expression) -> tuple[Expression, Expression]:
        """Return self + o rounded, and the rounding error (Knuth, TAOCP 2, section 4.2.2)."""
        total = self + o
        part = total - self
        return total, (self - (total - part)) + (o - part)

    def cast(self, op: str, kind: str) -> Expression:
        """Return this as another kind of numbers."""
        return Expression(self.f, self.f.cast(op, self.x, kind))

    def bits(self) -> Expression:
        """Return the bits of doubles as whole numbers."""
        return self.cast("bitcast", "i64")

    def double(self) -> Expression:
        """Return the doubles with these bits."""
        return self.cast("bitcast", "double")

    def polynomial(self, c: Sequence[float]) -> Expression:
        """Return Σ c_i·self^i; even and odd powers side by side."""
        square = self * self
        parts = []
        for some in (c[::2], c[1::2]):
            total: Expression | float = some[-1]
            for coefficient in some[-2::-1]:
                total = square.fma(total, coefficient)
            parts.append(total)
        return self.fma(parts[1], parts[0])
