"""Series of a function from its local coefficients, degree by degree, as machine code.

With c_m = f⁽ᵐ⁾(a_0)/m! and u = a - a_0 the coefficients of y = f(a) are

    y_k = Σ_m c_m [u^m]_k,    [u^m]_k = Σ_j u_j [u^(m-1)]_{k-j},

two nested loops for every degree, whatever the order.
"""

from __future__ import annotations

from typing import Any

from taylor.llvm.ir import WIDTH, Function, Scalar
from taylor.machine.emit import Degree, Symbol, empty

Numbers = list[Scalar]  # the parts of a number: one, or two if it is complex


class Composition:
    """y = f(a) for the tables x of a, whose coefficients end at degree `top`, and c of f."""

    def __init__(self, f: Function, order: int, x: Any, top: int, c: Any) -> None:
        self.f, self.order, self.top = f, order, top
        self.x, self.c = (list(getattr(t, "planes", (t,))) for t in (x, c))
        self.shape, self.size = x.part_shape, self.x[0].size_of_part
        self.numbers = 1
        for n in self.shape:
            self.numbers *= n
        self.powers = [empty(f, (order + 1, order + 1, self.size)) for _ in self.x]

    def part(self, k: Any) -> list[Symbol]:
        """Return the parts of y_k, k >= 1; written in the order of the degrees."""
        f = self.f
        width = f.unit if f.unit > 1 or self.size == 1 else WIDTH
        if self.size == 1:
            return [
                Symbol(f, self.shape, reg=y, strides=(0,) * len(self.shape))
                for y in self._element(k, 0, width)
            ]
        out = [empty(f, self.shape) for _ in self.x]

        def element(e: Any) -> None:
            for y, place in zip(self._element(k, e, width), out, strict=True):
                f.store(y, f.address("%data", [(e, 1)], place.offset))

        f.repeat(self.size, element, width if f.unit == 1 else 1)
        return out

    def _element(self, k: Any, e: Any, width: int) -> Numbers:
        f, degree = self.f, k.index if isinstance(k, Degree) else k
        short = isinstance(k, Degree) and self.top < self.order
        x = self._zeros(width) if short or k > self.top else self._given(k, e, width)
        self._store(1, degree, e, x)
        total = _times(f, self._coefficient(1, e, width), x, self._zeros(width))
        if degree == 1:
            return total
        following = degree + 1 if isinstance(degree, int) else f.whole("add", degree, 1)
        with f.loop(2, following) as loop:
            registers = [loop.carry(y) for y in total]
            power = self._power(loop.index, degree, e, width)
            self._store(loop.index, degree, e, power)
            c = self._coefficient(loop.index, e, width)
            for register, new in zip(registers, _times(f, c, power, registers), strict=True):
                loop.update(register, new)
        return [loop.result(register) for register in registers]

    def _power(self, m: str, k: Any, e: Any, width: int) -> Numbers:
        """Return [u^m]_k."""
        f = self.f
        stop = f.whole("add", f.whole("sub", k, m), 2)
        if self.top < self.order:
            stop = f.least(self.top + 1, stop)
        lower = f.whole("sub", m, 1)
        with f.loop(1, stop) as loop:
            registers = [loop.carry(y) for y in self._zeros(width)]
            back = f.whole("sub", k, loop.index)
            u, power = self._load(1, loop.index, e, width), self._load(lower, back, e, width)
            for register, new in zip(registers, _times(f, u, power, registers), strict=True):
                loop.update(register, new)
        return [loop.result(register) for register in registers]

    # -------------------------------------------------------------- memory
    def _zeros(self, width: int) -> Numbers:
        return [self.f.constant(0.0, width) for _ in self.x]

    def _given(self, k: Any, e: Any, width: int) -> Numbers:
        parts = [t.memory(k) for t in self.x]
        places = [self.f.address("%data", [*p.lead, (e, 1)], p.offset) for p in parts]
        return [self.f.load(place, width) for place in places]

    def _coefficient(self, m: Any, e: Any, width: int) -> Numbers:
        places = [self.f.address("%data", [(m, self.numbers), (e, 1)], c.offset) for c in self.c]
        return [self.f.load(place, width) for place in places]

    def _places(self, m: Any, k: Any, e: Any) -> list[str]:
        terms = [(m, (self.order + 1) * self.size), (k, self.size), (e, 1)]
        return [self.f.address("%data", terms, p.offset) for p in self.powers]

    def _load(self, m: Any, k: Any, e: Any, width: int) -> Numbers:
        return [self.f.load(place, width) for place in self._places(m, k, e)]

    def _store(self, m: Any, k: Any, e: Any, x: Numbers) -> None:
        for place, part in zip(self._places(m, k, e), x, strict=True):
            self.f.store(part, place)


def _times(f: Function, x: Numbers, y: Numbers, total: Numbers) -> Numbers:
    """Return total + x·y."""
    if len(x) == 1:
        return [f.intrinsic("fma", x[0], y[0], total[0])]
    re = f.intrinsic("fma", x[0], y[0], f.intrinsic("fma", f.negative(x[1]), y[1], total[0]))
    return [re, f.intrinsic("fma", x[0], y[1], f.intrinsic("fma", x[1], y[0], total[1]))]
