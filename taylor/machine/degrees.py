"""Degrees known at run time only, and what divides coefficients of all degrees."""

from __future__ import annotations

import copy
from typing import Any

from taylor.llvm.function import Function
from taylor.llvm.registers import Scalar
from taylor.machine.emit import Symbol, lifted, mapped, settled


class Degree:
    """A degree k known at run time, above all finite heights; `sums` takes its sums of products.

    k + n is where a coefficient lies; as a factor, and as what divides, it is k.
    """

    __array_ufunc__ = None  # operators of symbols come here

    def __init__(self, f: Function, index: str, order: int, sums: Any) -> None:
        self.f, self.index, self.order, self.sums = f, index, order, sums
        self.above = 0
        self.number = f.real(index)
        self.reciprocal = f.binary("fdiv", f.constant(1.0), self.number)
        last = f.whole("add", index, 1)
        self.half = f.whole("ashr", last, 1)

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

    def __rmul__(self, x: Symbol) -> Any:
        return x * Symbol(self.f, (), reg=self.number)

    def __rtruediv__(self, x: Symbol) -> Any:  # once for all, not on the way to the next degree
        return x * Symbol(self.f, (), reg=self.reciprocal)


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
