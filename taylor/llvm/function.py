"""A function being written, with complex numbers, pairs of registers, and questions to Python."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from taylor.llvm.ir import Index, Real
from taylor.llvm.registers import Scalar, paired


def _by_parts(name: str) -> Callable[..., Scalar]:
    """Return a method of `Real` done with the parts of complex registers."""
    real = getattr(Real, name)

    def method(self: Function, *xs: Any) -> Scalar:
        return self.each(functools.partial(real, self), *xs)

    return method


class Function(Real):
    """A function whose registers may hold complex numbers."""

    def __init__(self, unit: int = 1) -> None:
        super().__init__(unit)
        self.above_cuts = True  # complex functions on a branch cut: its upper side, else nan
        self.constants: dict[str, Any] = {}  # the numbers of constant arrays
        self.checked: dict[int, Scalar] = {}  # zero times what lies from a place on, summed up
        self.rows: Sequence[Any] = ()  # users' rows of the program, by number
        self.asks: list[Any] = []  # what the code asks Python for (see `calls`)
        self.asking = -1  # where the address of what answers lies, and then nan if it failed

    # -------------------------------------------------------------- parts
    def zero(self, width: int = 1, complex: bool = False) -> Scalar:
        """Return zero, real or complex."""
        real = self.constant(0.0, width)
        return Scalar(self, real.text, width, real.text if complex else "")

    def pair(self, re: Scalar, im: Scalar) -> Scalar:
        """Return the complex number of these parts."""
        width, (a, b) = self.same(re, im)
        return Scalar(self, a, width, b)

    def both(self, x: Scalar) -> tuple[Scalar, Scalar]:
        """Return the real and the imaginary part."""
        re, im = (*x.parts, self.zero(x.width))[:2]
        return re, im

    def each(self, op: Callable[..., Scalar], *xs: Any) -> Scalar:
        """Return op of the real parts and, where one is complex, of the imaginary parts.

        Conditions and widths are the same for both.
        """
        if not any([isinstance(x, Scalar) and x.im for x in xs]):
            return op(*xs)
        halves = [isinstance(x, Scalar) and x.kind == "double" for x in xs]
        parts = (self.both(x) if h else (x, x) for h, x in zip(halves, xs, strict=True))
        return self.pair(*(op(*part) for part in zip(*parts, strict=True)))

    def splat(self, x: Scalar, width: int) -> Scalar:
        """Return a number in all lanes of a vector."""
        return x if x.width == width else self.each(super().splat, x, width)

    reversed, total = _by_parts("reversed"), _by_parts("total")
    select, negative = _by_parts("select"), _by_parts("negative")

    # -------------------------------------------------------------- arithmetic
    def binary(self, op: str, x: Scalar, y: Scalar) -> Scalar:
        """Return fadd, fsub, fmul or fdiv of two registers, as NumPy does it."""
        real = super().binary
        if not (x.im or y.im):
            return real(op, x, y)
        (a, *b), (c, *d) = x.parts, y.parts
        if op in ("fadd", "fsub"):
            if b and d:
                im = real(op, b[0], d[0])
            else:
                im = b[0] if b else d[0] if op == "fadd" else self.negative(d[0])
            return self.pair(real(op, a, c), im)
        if op == "fdiv" and d:
            return self._over(x, c, d[0])
        if not (b and d):  # a real factor or divisor
            parts, factor = (x.parts, c) if b else (y.parts, a)
            re, im = (real(op, part, factor) for part in parts)
            return self.pair(re, im)
        re = real("fsub", real("fmul", a, c), real("fmul", b[0], d[0]))
        return self.pair(re, real("fadd", real("fmul", a, d[0]), real("fmul", b[0], c)))

    def _over(self, x: Scalar, c: Scalar, d: Scalar) -> Scalar:
        """Return x/(c + di) after R. L. Smith (Algorithm 116, CACM 5, 1962), as NumPy does.

        Where |c| < |d| both numbers are divided by i first.
        """

        def scales() -> tuple[Scalar, Scalar, Scalar]:
            """Return whether |c| < |d|, the ratio of the smaller to the larger, and the factor."""
            swap = abs(c) < abs(d)
            large, small = swap.where(d, c), swap.where(-c, d)
            ratio = small / large
            return swap, ratio, 1.0 / (large + small * ratio)

        swap, ratio, scale = self.once(("over", c.text, d.text, self.contracts), scales)
        a, b = self.both(x)
        a, b = swap.where(b, a), swap.where(-a, b)
        return self.pair((a + b * ratio) * scale, (b - a * ratio) * scale)

    def fma(self, x: Scalar, y: Scalar, plus: Scalar) -> Scalar:
        """Return x·y + plus, rounded once; each product of a complex one."""
        if not (x.im or y.im):
            if not plus.im:
                return self.intrinsic("fma", x, y, plus)
            re, im = plus.parts
            return self.pair(self.intrinsic("fma", x, y, re), im)
        (a, *b), (c, *d), (re, im) = x.parts, y.parts, self.both(plus)
        if b and d:
            re = self.intrinsic("fma", self.negative(b[0]), d[0], re)
            im = self.intrinsic("fma", b[0], c, im)
        re = self.intrinsic("fma", a, c, re)
        return self.pair(re, self.intrinsic("fma", *((a, d[0]) if d else (b[0], c)), im))

    # -------------------------------------------------------------- memory
    def load(self, pointer: str, width: int | None = None, plane: int = 0) -> Scalar:
        """Return what lies at a pointer: one number, if no width is given.

        A complex number has its imaginary part `plane` doubles from there.
        """
        return paired([super(Function, self).load(p, width) for p in self._planes(pointer, plane)])

    def _planes(self, pointer: str, plane: int) -> list[str]:
        return [pointer, self.address(pointer, [], plane)] if plane else [pointer]

    def masked(self, pointer: str, mask: Scalar, plane: int = 0) -> Scalar:
        """Return the vector at a pointer, with zeros (and no access) where the mask is off."""
        return paired([super(Function, self).masked(p, mask) for p in self._planes(pointer, plane)])

    def store(self, x: Scalar, pointer: str, plane: int = 0) -> None:
        """Write a register to a pointer; a complex one, and in its place zero, in two planes."""
        assert plane or not x.im, "a complex number in the memory of a real one"
        for part, place in zip(self.both(x), self._planes(pointer, plane), strict=False):
            super().store(part, place)

    # -------------------------------------------------------------- questions
    def ask(self, question: Any, k: Index = 0) -> None:
        """Call Python for the part of degree k of what is asked."""
        place = self._answers()
        if question not in self.asks:
            self.asks.append(question)
        pointer = self.word(self.address("%data", [], place), "ptr")
        numbers = (self.index(n) for n in (self.asks.index(question), k))
        self.run(pointer, ["%data", *numbers], [])

    def _answers(self) -> int:
        """Return where the address of what answers lies, and whether it failed."""
        if self.asking < 0:  # memory that nothing has been in before
            self.asking, self.size = self.size, self.size + self.rounded(2)
        return self.asking

    def lose(self, lost: Scalar) -> None:
        """Leave the results to the ordinary way where this holds: the code has no answer."""
        place = self.address("%data", [], self._answers() + 1)
        self.store(lost.where(math.nan, self.load(place)), place)

    def unanswered(self) -> Scalar:
        """Return nan if an answer was missing since this was last asked, else 0."""
        if self.asking < 0:
            return self.constant(0.0)
        place = self.address("%data", [], self.asking + 1)
        found = self.load(place)
        self.store(self.constant(0.0), place)
        return found
