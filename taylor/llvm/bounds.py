"""Intervals in the registers of machine code: pairs of bounds, every operation outward.

Rounding is to the nearest.  Let p = fl(z), u = 2^-53, η = 2^-1000 and e = fl(u(1 + 2^-20)|p| + η).
Then z lies between fl(p - e) and fl(p + e): e is more than half a unit in the last place of p, so
p - e is rounded to no more than the float before p, or to half of that distance below a power of
two, and z is not below.  η is larger than what underflow takes (2^-1075), and so large that bounds
of zero are no subnormal numbers, which are slow.  Sums do without it: p ∓ u(1 + 2^-20)|p|, rounded
once, is beyond p where p is normal, and where it is not p is z.  So sums and products pass no zero
that the members do not pass.

A bound that overflows, or a division by zero, gives infinity or nan in what is stored: `lost` of it
is nan then, and whoever reads results has to ask.  Operands that are finite give no nan before.
"""

from __future__ import annotations

from typing import NamedTuple

from taylor.llvm.function import Function
from taylor.llvm.registers import Scalar

STEP, LEAST = 2.0**-53 * (1 + 2.0**-20), 2.0**-1000


class Bounds(NamedTuple):
    """The numbers between two registers."""

    lo: Scalar
    hi: Scalar

    def __neg__(self) -> Bounds:
        return Bounds(-self.hi, -self.lo)

    def __add__(self, o: Bounds) -> Bounds:  # type: ignore[override]
        lo, hi = self.lo + o.lo, self.hi + o.hi
        return Bounds(abs(lo).fma(-STEP, lo), abs(hi).fma(STEP, hi))

    def times(self, o: Bounds, plus: Bounds | None = None) -> Bounds:
        """Return self·o + plus, rounded once."""
        if plus is None:
            return outward(*self.product(o)).signed(self, o)
        pairs = [(a, b) for a in self for b in o]
        both = [[a.fma(b, end) for a, b in pairs] for end in plus]
        return outward(least(both[0]), most(both[1]))

    def product(self, o: Bounds) -> Bounds:
        """Return the ends of self·o, rounded to the nearest."""
        found = [a * b for a in self for b in o]
        return Bounds(least(found), most(found))

    def over(self, o: Bounds) -> Bounds:
        """Return self/o; nan where o contains zero."""
        quotients = [a / b for a in self for b in o]
        x = outward(least(quotients), most(quotients)).signed(self, o)
        f = o.lo.f
        away = (o.lo > 0.0) | (o.hi < 0.0)
        nan = f.constant(float("nan"))
        return Bounds(away.where(x.lo, nan), away.where(x.hi, nan))

    def signed(self, x: Bounds, y: Bounds) -> Bounds:
        """Return self, products or quotients of x and y, without those that have the wrong sign."""
        zero = self.lo.f.constant(0.0)
        alike = (least([x.lo, y.lo]) >= 0.0) | (most([x.hi, y.hi]) <= 0.0)
        apart = (least([x.lo, -y.hi]) >= 0.0) | (most([x.hi, -y.lo]) <= 0.0)
        return Bounds(
            alike.where(most([self.lo, zero]), self.lo),
            apart.where(least([self.hi, zero]), self.hi),
        )

    def part(self, n: Scalar) -> Bounds:
        """Return self/n for a positive number."""
        return outward(self.lo / n, self.hi / n)

    def multiple(self, n: Scalar) -> Bounds:
        """Return self·n for a positive number."""
        return outward(self.lo * n, self.hi * n)

    def square(self) -> Bounds:
        """Return self², which is not negative."""
        f: Function = self.lo.f
        low, high = abs(self.lo), abs(self.hi)
        around = (self.lo <= 0.0) & (self.hi >= 0.0)
        small, large = least([low, high]), most([low, high])
        x = outward(small * small, large * large)
        return Bounds(around.where(f.constant(0.0), most([x.lo, f.constant(0.0)])), x.hi)

    def lost(self, before: Scalar) -> Scalar:
        """Return what is nan if a bound is not finite, or if `before` is."""
        return self.hi.fma(0.0, self.lo.fma(0.0, before))


def outward(lo: Scalar, hi: Scalar) -> Bounds:
    """Return bounds of what was rounded to numbers between these."""
    return Bounds(lo - abs(lo).fma(STEP, LEAST), hi + abs(hi).fma(STEP, LEAST))


def summed(lo: Scalar, hi: Scalar, size: Scalar, n: Scalar) -> Bounds:
    """Return bounds of the sum of n products, or of n - 1 and a number to begin with.

    lo and hi are the sums of the ends of the products, everything rounded to the nearest, and
    `size` is that of the sizes of the ends, rounded, too.  Products, n - 1 sums and the last step
    are off by u, (n - 1)u and u of the true size, and `size` is less by no more than nu of it: all
    that is below (n + 1)u(1 + 2^-20) of `size`, but for what underflow takes, n·2^-1074.
    """
    step = size.fma((n + 1.0) * STEP, LEAST)
    return Bounds(lo - step, hi + step)


def least(xs: list[Scalar]) -> Scalar:
    """Return the least of some registers."""
    found = xs[0]
    for x in xs[1:]:
        found = (found < x).where(found, x)
    return found


def most(xs: list[Scalar]) -> Scalar:
    """Return the greatest of some registers."""
    found = xs[0]
    for x in xs[1:]:
        found = (found > x).where(found, x)
    return found
