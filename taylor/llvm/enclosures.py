"""Values of functions on intervals in registers, by kernels whose errors are proven.

What is not proved at an end is nan there: `Bounds.lost` tells.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from taylor.llvm import proven
from taylor.llvm.bounds import Bounds, least, most, outward
from taylor.llvm.registers import Scalar, type_of

CLOSE = 2.0**-30  # more than what rounding takes from x/π, |x| <= 2^15
TURNS = {"sin": 0.5, "cos": 0.0}  # extremes lie at (k + that)·π, a greatest one where k is even
ORIGINS = {"exp": (0.0, 1.0), "log": (1.0, 0.0), "sin": (0.0, 0.0), "cos": (0.0, 1.0)}  # exact


def _kernel(name: str, x: Scalar) -> list[Scalar]:
    """Return the results of a kernel, a function of the module that is written once."""
    f, kind = x.f, type_of(x.width)
    inner = f"proven_{name}"
    if inner not in f.helpers:
        with f.function(inner, {"%x": kind}) as g:
            g.results = proven.KERNELS[name](Scalar(g, "%x", x.width))
    found: list[Scalar] = f.run(inner, [x], [kind] * proven.RESULTS[name])
    return found


def _around(name: str, kernel: str, x: Scalar, high: Scalar, low: Scalar) -> Bounds:
    """Return the floats around high + low, and nan where the proof is not about x."""
    relative, absolute, first, last = proven.BOUNDS[kernel]
    error = abs(high).fma(relative, absolute)
    beside = outward(high, high)
    known, (at, value) = (x >= first) & (x <= last), ORIGINS[name]
    ends = (low > error).where(high, beside.lo), (low < -error).where(high, beside.hi)
    return Bounds(*(x.equals(at).where(value, known.where(end, math.nan)) for end in ends))


def _exp(x: Scalar) -> Bounds:
    high, low = _kernel("exp", x)
    return _around("exp", "exp", x, high, low)


def _log(x: Scalar) -> Bounds:
    high, low, z = _kernel("log", x)
    near = abs(z) < proven.NEAR
    return _around("log", "log", x, near.where(high, math.nan), low)


def _growing(of: Callable[[Scalar], Bounds]) -> Callable[[Bounds], Bounds]:
    """Return an increasing function on intervals from what it is at points."""
    return lambda x: Bounds(of(x.lo).lo, of(x.hi).hi)


def _uneven(n: Scalar) -> Scalar:
    """Return where a whole number is odd."""
    half = n * 0.5
    return ~half.equals(half.function("rint"))


def _turned(name: str, x: Scalar) -> Bounds:
    """Return sin or cos at a point."""
    s, s_low, c, c_low, n = _kernel("turned", x)
    n = n + 1.0 if name == "cos" else n
    odd, negative = _uneven(n), _uneven((n * 0.5).function("floor"))
    pair = (odd.where(b, a) for a, b in ((s, c), (s_low, c_low)))
    return _around(name, "turned", x, *(negative.where(-y, y) for y in pair))


def _wave(name: str) -> Callable[[Bounds], Bounds]:
    """Return sin or cos: ±1 where an extreme may lie between the ends."""

    def wave(x: Bounds) -> Bounds:
        first, last = (_turned(name, end) for end in x)
        begin = (x.lo * (1 / math.pi) - (TURNS[name] + CLOSE)).function("ceil")
        end = (x.hi * (1 / math.pi) - (TURNS[name] - CLOSE)).function("floor")
        wide, one, odd = end > begin, end >= begin, _uneven(begin)
        below, above = wide | (one & odd), wide | (one & ~odd)
        known = first.lost(last.lost(x.lo.f.constant(0.0)))
        low, high = least([first.lo, last.lo]), most([first.hi, last.hi])
        return Bounds(below.where(-1.0, low) + known, above.where(1.0, high) + known)

    return wave


def _sqrt(x: Bounds) -> Bounds:
    low, high = (end.function("sqrt") for end in x)
    y = outward(low, high)
    return Bounds((x.lo >= 0.0).where(_size(y.lo), math.nan), y.hi)


def _size(x: Scalar) -> Scalar:
    """Return x, or zero where it is negative; of nan, nan."""
    return (x < 0.0).where(0.0, x)


def _absolute(x: Bounds) -> Bounds:
    low, high = (abs(end) for end in x)
    around = (x.lo <= 0.0) & (x.hi >= 0.0)
    return Bounds(around.where(0.0, least([low, high])), most([low, high]))


def power(x: Bounds, n: int) -> Bounds:
    """Return xⁿ for an integer n >= 1, of one number."""
    if n == 1:
        return x
    if n == 2:
        return x.square()
    if n % 2 == 0:
        near, far = _absolute(x)
        return Bounds(_raised(near, n).lo, _raised(far, n).hi)
    sizes = [_raised(abs(end), n) for end in x]
    right = [end >= 0.0 for end in x]
    return Bounds(
        right[0].where(sizes[0].lo, -sizes[0].hi), right[1].where(sizes[1].hi, -sizes[1].lo)
    )


def _raised(x: Scalar, n: int) -> Bounds:
    """Return xⁿ for x >= 0."""
    if n == 1:
        return Bounds(x, x)
    root = _raised(x, n // 2)
    factors = [root, root, Bounds(x, x)][: 2 + n % 2]
    y = factors[0]
    for z in factors[1:]:
        y = outward(y.lo * z.lo, y.hi * z.hi)
        y = Bounds(_size(y.lo), y.hi)
    return y


FUNCTIONS: dict[str, Callable[..., Bounds]] = {
    "exp": _growing(_exp), "log": _growing(_log), "sin": _wave("sin"), "cos": _wave("cos"),
    "sqrt": _sqrt, "abs": _absolute, "square": lambda x: x.square(),
    "maximum": lambda x, y: Bounds(most([x.lo, y.lo]), most([x.hi, y.hi])),
    "minimum": lambda x, y: Bounds(least([x.lo, y.lo]), least([x.hi, y.hi])),
}  # fmt: skip
