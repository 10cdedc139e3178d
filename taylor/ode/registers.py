"""Numbers in the registers of machine code, as steps need them: quotients, logarithms, maxima."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from taylor.llvm.function import Function
from taylor.llvm.registers import Scalar

SEEN = 8  # degrees whose rounding errors are seen in the sum of the series


def division(f: Function, k: Any) -> Callable[[Scalar], Scalar]:
    """Return what divides by k + 1, multiplying by the sum of two numbers.

    One alone errs alike in all steps, and the energy of a long integration would drift.  Above
    degree `SEEN` the terms, e^-2 times smaller from degree to degree, are too small for that.
    """
    if isinstance(k, int):
        first = 1.0 / (k + 1)
        rest = float((1 - Fraction(first) * (k + 1)) / (k + 1)) if k < SEEN else 0.0
        high, low = f.constant(first), f.constant(rest)
        if not rest:
            return lambda x: f.binary("fmul", x, high)
    else:
        degree = k.number + 1.0
        inverse = f.constant(1.0) / degree
        high, low = inverse, ((-inverse).fma(degree, 1.0) * inverse)
    return lambda x: f.intrinsic("fma", x, high, f.binary("fmul", x, low))


def larger(a: Scalar, b: Scalar) -> Scalar:
    """Return the larger of two numbers that are not negative; nan is the largest of all."""
    return a.bits().function("smax", b.bits()).double()


def log2(x: Scalar) -> Scalar:
    """Return log2 of numbers >= 0, linear between powers of two; -1023 of 0, >= 1024 of inf."""
    return x.bits().cast("sitofp", "double").fma(2.0**-52, -1023.0)


def exp2(x: Scalar) -> Scalar:
    """Return the inverse of `log2`, within the range of doubles."""
    scaled = (x.least(1022.0).most(-1022.0) + 1023.0) * 2.0**52
    return scaled.cast("fptosi", "i64").double()
