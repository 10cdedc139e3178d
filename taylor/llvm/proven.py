"""exp, log, sin and cos as pairs of registers, with proven bounds of their errors.

A pair (h, l) stands for h + l.  Let u = 2^-53.  Without underflow the product of pairs below is
off by no more than 8u² of its size (Joldes, Muller & Popescu, ACM Trans. Math. Softw. 44, 2017),
the sum by no more than 4u²(|a| + |b|); `two_sum` and `product` of registers are exact.

exp, |x| <= 700: x = n ln 2 + r, |r| < 0.35.  n·LN2[0] is exact, and what LN2 leaves out is below
2^-86, so that r is off by less than 2^-76.  Σ r^k/k! is summed in pairs for k < 8.  The rest, in
floats, is below 5.3e-9, off by less than 40u of that, and cut off after k = 18, which is below
2^-85.  Together exp r is off by less than 2^-73 of it; the bound taken is 2^-68.

log, 2^-800 <= x <= 2^800: with y any float near it and z = x·exp(-y) - 1, |z| < 2^-40,
log x = y + z - z²/2 + z³/3 - ...  z is off by less than 2^-72, by that of exp; z³ is below 2^-120.
The bound taken is 2^-67.

sin and cos, |x| <= 2^15: x = n π/2 + r, |r| < 0.79, the products of n with the first two parts of
π/2 are exact, and what they leave out is below 2^-122: r is off by less than 2^-103.  The series in
r² are summed in pairs for five terms.  The rest is below 2^-25, off by less than 40u of that, and
cut off below 2^-90.  Both are off by less than 2^-72 of them, and 2^-102; taken are 2^-68 and
2^-100.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from taylor.llvm import polynomials as p
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.jit import Code
from taylor.llvm.kernels import Pair, added, log, power_of_two, product
from taylor.llvm.registers import Scalar

UNIT, GROUPS = 8, 16  # numbers in a register, and registers in a call
LANES = UNIT * GROUPS
ROWS = 6  # of each group: x, and up to five results
RESULTS = {"exp": 2, "log": 3, "turned": 5}
NEAR = 2.0**-40  # what z of log has to be below
BOUNDS = {  # of errors: relative, absolute, and the range of the argument
    "exp": (2.0**-68, 0.0, -600.0, 700.0),
    "log": (0.0, 2.0**-67, 2.0**-800, 2.0**800),
    "turned": (2.0**-68, 2.0**-100, -(2.0**15), 2.0**15),
}


def _constant(c: Fraction) -> tuple[float, float]:
    """Return a rational number as the sum of two floats."""
    high = float(c)
    return high, float(c - Fraction(high))


def _inverse(n: int) -> Fraction:
    return Fraction(1, math.factorial(n))


EXP = [_constant(_inverse(k)) for k in range(19)]
SIN = [_constant((-1) ** k * _inverse(2 * k + 1)) for k in range(12)]
COS = [_constant((-1) ** k * _inverse(2 * k)) for k in range(12)]


def _times(a: Pair, b: Pair) -> Pair:
    high, low = product(a[0], b[0])
    return added(high, a[0].fma(b[1], a[1].fma(b[0], low)))


def _plus(a: Pair, high: Scalar | float, low: Scalar | float) -> Pair:
    total, lost = a[0].two_sum(high)
    return added(total, lost + (a[1] + low))


def _series(x: Pair, c: list[tuple[float, float]], exact: int) -> Pair:
    """Return Σ c_k x^k, the first terms in pairs."""
    rest: Any = c[-1][0]
    for high, _ in c[-2 : exact - 1 : -1]:
        rest = x[0].fma(rest, high)
    total: Pair = rest, rest * 0.0
    for high, low in c[exact - 1 :: -1]:
        total = _plus(_times(total, x), high, low)
    return total


def _exponential(x: Scalar) -> tuple[Pair, Scalar]:
    """Return the pair y and n, exp x = y·2^n."""
    n = (x * p.LOG2_E[0]).function("rint")
    high, low = product(n, -p.LN2[1])
    r = _plus(x.two_sum(n * -p.LN2[0]), high, low)
    return _series(r, EXP, 8), n


def _exp(x: Scalar) -> list[Scalar]:
    """Return exp x as a pair."""
    (high, low), n = _exponential(x)
    scale = power_of_two(n)
    return [high * scale, low * scale]


def _log(x: Scalar) -> list[Scalar]:
    """Return log x as a pair, and z."""
    (y,) = log(x)
    w, n = _exponential(-y)
    x = x * power_of_two(n)
    high, low = product(x, w[0])
    total, lost = high.two_sum(-1.0)
    z, rest = added(total, lost + x.fma(w[1], low))
    total, lost = y.two_sum(z)
    return [*added(total, lost + (rest - z * z * 0.5)), z]


def _turned(x: Scalar) -> list[Scalar]:
    """Return sin r, cos r as pairs, and n, x = n·π/2 + r."""
    n = (x * p.TWO_OVER_PI).function("rint")
    first, lost = x.two_sum(n * -p.HALF_PI[0])
    second, more = first.two_sum(n * -p.HALF_PI[1])
    high, low = product(n, -p.HALF_PI[2])
    r = second.two_sum((lost + more) + high + low)
    square = _times(r, r)
    return [*_times(r, _series(square, SIN, 5)), *_series(square, COS, 5), n]


KERNELS = {"exp": _exp, "log": _log, "turned": _turned}


def write(name: str) -> tuple[int, Code]:
    """Return the size of memory, in vectors, and the code, for LANES numbers."""
    f = Function(UNIT)
    f.allocate(ROWS * GROUPS)
    with f.loop(0, GROUPS) as loop:
        at = [(loop.index, ROWS)]
        found = KERNELS[name](f.load(f.address("%data", at, 0)))
        for n, y in enumerate(found):
            f.store(y, f.address("%data", at, n + 1))
    text = f.text()
    return f.size + WIDTH, Code(text)
