"""Values of functions on intervals in registers, by kernels whose errors are proven.

What is not proved at an end is nan there: `Bounds.lost` tells.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from taylor.llvm import proven
from taylor.llvm.bounds import Bounds, least, most, outward
from taylor.llvm.registers import Scalar, type_of

CLOSE = 2.0**-30  # more than what rounding takes from x/π, |x| <= 2^15
TURNS = {"sin": 0.5, "cos": 0.0}  # extremes lie at (k + that)·π, a greatest one where k is even
ORIGINS = {"exp": (0.0, 1.0), "log": (1.0, 0.0), "sin": (0.0, 0.0), "cos": (0.0, 1.0)}  # exact


def _kernel(name: str, x: Bounds) -> list[list[Scalar]]:
    """Return the results of a kernel at both ends, together: one waits for itself too long."""
    f, width = x.lo.f, x.lo.width
    kind, inner = type_of(width), f"proven_{name}"
    if inner not in f.helpers:
        with f.function(inner, {"%lo": kind, "%hi": kind}) as g:
            both = g.shuffle(range(2 * width), *(Scalar(g, end, width) for end in ("%lo", "%hi")))
            g.results = [
                g.shuffle(range(start, start + width), y, y)
                for start in (0, width)
                for y in proven.KERNELS[name](both)
            ]
    count = proven.RESULTS[name]
    key = inner, x.lo.text, x.hi.text
    found = f.once(key, lambda: f.run(inner, [*x], [kind] * (2 * count)))
    return [found[:count], found[count:]]


def _around(name: str, kernel: str, x: Scalar, high: Scalar, low: Scalar) -> Bounds:
    """Return the floats around high + low, and nan where the proof is not about x."""
    relative, absolute, first, last = proven.BOUNDS[kernel]
    error = abs(high).fma(relative, absolute)
    beside = outward(high, high)
    known, (at, value) = (x >= first) & (x <= last), ORIGINS[name]
    ends = (low > error).where(high, beside.lo), (low < -error).where(high, beside.hi)
    return Bounds(*(x.equals(at).where(value, known.where(end, math.nan)) for end in ends))


def _exp(x: Bounds) -> Bounds:
    return _hull(
        _around("exp", "exp", end, *y) for end, y in zip(x, _kernel("exp", x), strict=True)
    )


def _log(x: Bounds) -> Bounds:
    found = []
    for end, (high, low, z) in zip(x, _kernel("log", x), strict=True):
        near = (abs(z) < proven.NEAR).where(high, math.nan)
        found.append(_around("log", "log", end, near, low))
    return _hull(found)


def _hull(ends: Iterable[Bounds]) -> Bounds:
    """Return an increasing function on an interval from what it is at both ends."""
    first, last = ends
    return Bounds(first.lo, last.hi)


def _uneven(n: Scalar) -> Scalar:
    """Return where a whole number is odd."""
    half = n * 0.5
    return ~half.equals(half.function("rint"))


def _turned(name: str, x: Scalar, results: Sequence[Scalar]) -> Bounds:
    """Return sin or cos at a point."""
    s, s_low, c, c_low, n = results
    n = n + 1.0 if name == "cos" else n
    odd, negative = _uneven(n), _uneven((n * 0.5).function("floor"))
    pair = (odd.where(b, a) for a, b in ((s, c), (s_low, c_low)))
    return _around(name, "turned", x, *(negative.where(-y, y) for y in pair))


def _wave(name: str) -> Callable[[Bounds], Bounds]:
    """Return sin or cos: ±1 where an extreme may lie between the ends."""

    def wave(x: Bounds) -> Bounds:
        ends = zip(x, _kernel("turned", x), strict=True)
        first, last = (_turned(name, end, results) for end, results in ends)
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
    "exp": _exp, "log": _log, "sin": _wave("sin"), "cos": _wave("cos"),
    "sqrt": _sqrt, "abs": _absolute, "square": lambda x: x.square(),
    "maximum": lambda x, y: Bounds(most([x.lo, y.lo]), most([x.hi, y.hi])),
    "minimum": lambda x, y: Bounds(least([x.lo, y.lo]), least([x.hi, y.hi])),
}  # fmt: skip
