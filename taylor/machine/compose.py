"""Series of a function from its local coefficients, degree by degree, as machine code.

With c_m = f⁽ᵐ⁾(a_0)/m! and u = a - a_0 the coefficients of y = f(a) are

    y_k = Σ_m c_m [u^m]_k,    [u^m]_k = Σ_j u_j [u^(m-1)]_{k-j},

two nested loops for every degree, whatever the order.
"""

from __future__ import annotations

import math
from typing import Any

from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.registers import Scalar
from taylor.machine.degrees import Degree
from taylor.machine.emit import Symbol, empty


class Composition:
    """y = f(a) for the table x of a, whose coefficients end at degree `top`, and c of f."""

    def __init__(self, f: Function, order: int, x: Any, top: int, c: Any) -> None:
        self.f, self.order, self.top = f, order, top
        self.x, self.c = x, c
        self.shape, self.size = x.part_shape, x.size_of_part
        self.numbers = math.prod(self.shape)
        self.powers = empty(f, (order + 1, order + 1, self.size), x.complex)

    def part(self, k: Any) -> Symbol:
        """Return y_k, k >= 1; written in the order of the degrees."""
        f = self.f
        width = f.unit if f.unit > 1 or self.size == 1 else WIDTH
        if self.size == 1:
            y = self._element(k, 0, width)
            return Symbol(f, self.shape, reg=y)
        out = empty(f, self.shape, self.x.complex)

        def element(e: Any) -> None:
            y = self._element(k, e, width)
            f.store(y, f.address("%data", [(e, 1)], out.offset), out.plane)

        f.repeat(self.size, element, width if f.unit == 1 else 1)
        return out

    def _element(self, k: Any, e: Any, width: int) -> Scalar:
        f, degree = self.f, k.index if isinstance(k, Degree) else k
        short = isinstance(k, Degree) and self.top < self.order
        zero = f.zero(width, self.x.complex)
        x = zero if short or k > self.top else self._given(k, e, width)
        self._store(1, degree, e, x)
        total = f.fma(self._coefficient(1, e, width), x, zero)
        if degree == 1:
            return total
        following = degree + 1 if isinstance(degree, int) else f.whole("add", degree, 1)
        with f.loop(2, following) as loop:
            register = loop.carry(total)
            power = self._power(loop.index, degree, e, width)
            self._store(loop.index, degree, e, power)
            c = self._coefficient(loop.index, e, width)
            loop.update(register, f.fma(c, power, register))
        return loop.result(register)

    def _power(self, m: str, k: Any, e: Any, width: int) -> Scalar:
        """Return [u^m]_k."""
        f = self.f
        stop = f.whole("sub", k, m)
        stop = f.whole("add", stop, 2)
        if self.top < self.order:
            stop = f.least(self.top + 1, stop)
        lower = f.whole("sub", m, 1)
        with f.loop(1, stop) as loop:
            register = loop.carry(f.zero(width, self.x.complex))
            back = f.whole("sub", k, loop.index)
            u, power = self._load(1, loop.index, e, width), self._load(lower, back, e, width)
            loop.update(register, f.fma(u, power, register))
        return loop.result(register)

    # -------------------------------------------------------------- memory
    def _given(self, k: Any, e: Any, width: int) -> Scalar:
        part = self.x.memory(k)
        return self.f.load(
            self.f.address("%data", [*part.lead, (e, 1)], part.offset), width, part.plane
        )

    def _coefficient(self, m: Any, e: Any, width: int) -> Scalar:
        place = self.f.address("%data", [(m, self.numbers), (e, 1)], self.c.offset)
        return self.f.load(place, width, self.c.plane)

    def _place(self, m: Any, k: Any, e: Any) -> str:
        terms = [(m, (self.order + 1) * self.size), (k, self.size), (e, 1)]
        return self.f.address("%data", terms, self.powers.offset)

    def _load(self, m: Any, k: Any, e: Any, width: int) -> Scalar:
        return self.f.load(self._place(m, k, e), width, self.powers.plane)

    def _store(self, m: Any, k: Any, e: Any, x: Scalar) -> None:
        self.f.store(x, self._place(m, k, e), self.powers.plane)
