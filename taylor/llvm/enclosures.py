"""Values of functions on intervals in registers, by kernels whose errors are proven.

What is not proved at an end is nan there: `Bounds.lost` tells.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from taylor.llvm import proven
from taylor.llvm.bounds import LEAST, STEP, Bounds, least, most, outward
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.jit import Code
from taylor.llvm.kernels import Pair, added, alone, at_least, at_most, product, root
from taylor.llvm.registers import Scalar, type_of

UNIT, GROUPS = 8, 16  # numbers in a register, and registers in a call
CLOSE = 2.0**-30  # more than what rounding takes from x/π, |x| <= 2^15
TURNS = {"sin": 0.5, "cos": 0.0, "tan": 0.5}  # extremes and poles lie at (k + that)·π
FLAT = 300.0  # beyond, 1/cosh² x is taken for the numbers from 0 to that at this

End = tuple[Sequence[Scalar], Sequence[Scalar]]  # the arguments at an end, and results there


def _kernel(name: str, *x: Bounds) -> list[End]:
    """Return the results of a kernel at both ends, together: one waits for itself too long."""
    f, width, inner = x[0].lo.f, x[0].lo.width, f"proven_{name}"
    kind, ends = type_of(width), [[e.lo for e in x], [e.hi for e in x]]
    if inner not in f.helpers:
        names = [[f"%{end}{n}" for n in range(len(x))] for end in ("lo", "hi")]
        with f.function(inner, dict.fromkeys([*names[0], *names[1]], kind)) as g:
            both = [
                g.shuffle(range(2 * width), *(Scalar(g, end, width) for end in pair))
                for pair in zip(*names, strict=True)
            ]
            results = proven.KERNELS[name](*both)
            g.results = [
                g.shuffle(range(start, start + width), y, y)
                for start in (0, width)
                for y in results
            ]
    count, given = proven.RESULTS[name], [*ends[0], *ends[1]]
    key = inner, *(e.text for e in given)
    found = f.once(key, lambda: f.run(inner, given, [kind] * (2 * count)))
    return [(ends[0], found[:count]), (ends[1], found[count:])]


def _around(y: Pair, error: Scalar, known: Scalar) -> Bounds:
    """Return bounds of what is off from a pair by no more than the error; nan if not known.

    Where the low part is larger than the error it tells on which side of the high part the number
    lies: next to it.  Else, with half of the distance of floats and the error below 8 times it, the
    step holds both, rounded.
    """
    high, low = y
    step = abs(high).fma(STEP, LEAST)
    wide = error.fma(8.0, step)
    lo = (low > error).where(high, high - (low < -error).where(step, wide))
    hi = (low < -error).where(high, high + (low > error).where(step, wide))
    return Bounds(known.where(lo, math.nan), known.where(hi, math.nan))


def _at(kernel: str, x: Scalar, y: Pair, size: Scalar | float = 1.0) -> Bounds:
    """Return bounds of the result of a kernel, with that many times its relative error."""
    relative, absolute, *_ = proven.BOUNDS[kernel]
    error = abs(y[0]).fma(x.f.constant(relative) * size, absolute)
    return _around(y, error, _proved(kernel, x))


def _proved(kernel: str, x: Scalar) -> Scalar:
    """Return where the proof of a kernel is about a number."""
    *_, first, last = proven.BOUNDS[kernel]
    return (x >= first) & (x <= last)


def _exactly(y: Bounds, x: Scalar, at: float, value: float) -> Bounds:
    """Return y, and where x is a number the value there, which is one."""
    there = x.equals(at)
    return Bounds(*(there.where(value, end) for end in y))


def _rising(of: Callable[[End], Bounds], *ends: End) -> Bounds:
    """Return an increasing function on an interval from what it is at both ends."""
    return Bounds(of(ends[0]).lo, of(ends[1]).hi)


def _exp(x: Bounds) -> Bounds:
    def of(end: End) -> Bounds:
        (x,), (high, low) = end
        return _exactly(_at("exp", x, (high, low)), x, 0.0, 1.0)

    return _rising(of, *_kernel("exp", x))


def _near(y: Scalar, rest: Scalar, size: Scalar | float = 1.0) -> Scalar:
    """Return y, and nan where the rest that a kernel leaves out is too large for the proof."""
    least: Scalar = y.f.constant(proven.NEAR) * size
    return (abs(rest) < abs(least)).where(y, math.nan)


def _logarithm(name: str, at: float) -> Callable[[Bounds], Bounds]:
    """Return log or log1p; it is zero at a number."""

    def of(end: End) -> Bounds:
        (x,), (high, low, z) = end
        error = (abs(high) < proven.BESIDE_ONE[0]).where(
            proven.BESIDE_ONE[1], proven.BOUNDS[name][1]
        )
        y = _around((_near(high, z), low), error, _proved(name, x))
        return _exactly(y, x, at, 0.0)

    return lambda x: _rising(of, *_kernel(name, x))


def _of_hyperbolic(name: str, at: float = 0.0) -> Callable[[Bounds], Bounds]:
    """Return asinh, acosh or atanh; it is zero at a number."""

    def of(end: End) -> Bounds:
        (x,), (high, low, d, *more) = end
        relative, absolute, *_ = proven.BOUNDS[name]
        error = abs(high).fma(relative, absolute)
        error = abs(more[0]).fma(relative, error) if more else error
        y = _around((_near(high, d, high), low), error, _proved(name, x))
        return _exactly(y, x, at, 0.0)

    return lambda x: _rising(of, *_kernel(name, x))


def _angle(name: str, at: float) -> Callable[[Bounds], Bounds]:
    """Return atan, asin or acos; it is zero at a number."""

    def of(end: End) -> Bounds:
        (x,), (high, low, d) = end
        return _exactly(_at(name, x, (_near(high, d, high), low)), x, at, 0.0)

    def angle(x: Bounds) -> Bounds:
        first, last = _kernel(name, x)
        return _rising(of, last, first) if name == "acos" else _rising(of, first, last)

    return angle


def _within(x: Bounds, least: float, most: float) -> Bounds:
    """Return the nearest numbers to those of x between two numbers."""
    return Bounds(*(at_least(at_most(end, most), least) for end in x))


def _atan(x: Bounds) -> Bounds:
    """Return atan x; of large numbers it lies between the same floats."""
    return _angle("atan", 0.0)(_within(x, -(2.0**100), 2.0**100))


def _sinh(x: Bounds) -> Bounds:
    def of(end: End) -> Bounds:
        (x,), (high, low, *_) = end
        return _exactly(_at("hyperbolic", x, (high, low)), x, 0.0, 0.0)

    return _rising(of, *_kernel("hyperbolic", x))


def _cosh(x: Bounds) -> Bounds:
    def of(end: End) -> Bounds:
        (x,), (*_, high, low) = end
        return _exactly(_at("hyperbolic", x, (high, low)), x, 0.0, 1.0)

    return _rising(of, *_kernel("hyperbolic", _absolute(x)))


def _expm1(x: Bounds) -> Bounds:
    """Return 2 sinh(x/2)·exp(x/2), exp the sum of sinh and cosh of |x/2|, or its inverse."""

    def of(end: End) -> Bounds:
        (half,), (s, s_low, c, c_low) = end
        left = s < 0.0
        grown = proven.plus((c, c_low), abs(s), left.where(-s_low, s_low))
        up, down = proven.times((s, s_low), grown), proven.divided((s, s_low), grown)
        y = tuple(left.where(b, a) * 2.0 for a, b in zip(up, down, strict=True))
        return _exactly(_at("hyperbolic", half * 2.0, (y[0], y[1]), 4.0), half, 0.0, 0.0)

    y = _rising(of, *_kernel("hyperbolic", Bounds(x.lo * 0.5, x.hi * 0.5)))
    halved = [(abs(end) > proven.TINY) | end.equals(0.0) for end in x]  # exactly
    low, high = (known.where(end, math.nan) for known, end in zip(halved, y, strict=True))
    return Bounds(at_least(low, -1.0), high)


def _sigmoid(x: Bounds) -> Bounds:
    """Return 1/(1 + exp(-x))."""

    def of(end: End) -> Bounds:
        (x,), (high, low) = end
        one = alone(high * 0.0 + 1.0)
        y = proven.divided(one, proven.plus((high, low), *one))
        error = abs(y[0]).fma(2.0 * proven.BOUNDS["exp"][0], proven.TINY)  # quotients underflow
        return _exactly(_around(y, error, _proved("exp", x)), x, 0.0, 0.5)

    first, last = _kernel("exp", -x)
    y = _rising(of, last, first)
    return Bounds(y.lo, at_most(y.hi, 1.0))


def _tanh(x: Bounds) -> Bounds:
    """Return tanh x; where |x| is large it lies between 1 and the float before."""

    def of(end: End) -> Bounds:
        (x,), (s, s_low, c, c_low) = end
        y = proven.divided((s, s_low), (c, c_low))
        return _exactly(_at("hyperbolic", x, y, 4.0), x, 0.0, 0.0)

    return _within(_rising(of, *_kernel("hyperbolic", _within(x, -FLAT, FLAT))), -1.0, 1.0)


def _sech2(x: Bounds) -> Bounds:
    def of(end: End) -> Bounds:
        (x,), (*_, c, low) = end
        one = alone(c * 0.0 + 1.0)
        y = proven.divided(one, proven.times((c, low), (c, low)))
        return _exactly(_at("hyperbolic", x, y, 4.0), x, 0.0, 1.0)

    near, far = _kernel("hyperbolic", _within(_absolute(x), 0.0, FLAT))
    y = _rising(of, far, near)
    return Bounds(far[0][0].equals(FLAT).where(0.0, y.lo), at_most(y.hi, 1.0))


def _to_power(x: Bounds, r: Bounds) -> Bounds:
    """Return x^r of x >= 0: it is monotone in each, the other one fixed."""

    def of(x: Scalar, end: End) -> Bounds:
        (*_, r), (high, low, t) = end
        y = _exactly(_at("raised", t, (high, low), abs(r) + 1.0), t, 0.0, 1.0)
        y = Bounds(*(((r > 0.0) & x.equals(0.0)).where(0.0, end) for end in y))
        return Bounds(*((abs(r) <= proven.LARGEST).where(end, math.nan) for end in y))

    ends = _kernel("log", x)
    logs = [(_near(high, z), low) for _, (high, low, z) in ends]
    known = [_proved("log", end) | end.equals(0.0) for end in x]
    high, low = (Bounds(*part) for part in zip(*logs, strict=True))
    found: list[Bounds] = []
    for exponent in dict.fromkeys(end.text for end in r):
        end = r.lo if r.lo.text == exponent else r.hi
        powers = _kernel("raised", high, low, Bounds(end, end))
        found += [of(*each) for each in zip(x, powers, strict=True)]
    lost = known[0] & known[1]
    y = Bounds(least([y.lo for y in found]), most([y.hi for y in found]))
    return Bounds(*(lost.where(end, math.nan) for end in y))


def _turned(name: str, end: End) -> Bounds:
    """Return sin or cos at a point."""
    (x,), (s, s_low, c, c_low, n) = end
    n = n + 1.0 if name == "cos" else n
    odd, negative = proven.uneven(n), proven.uneven((n * 0.5).function("floor"))
    high, low = (odd.where(b, a) for a, b in ((s, c), (s_low, c_low)))
    pair = negative.where(-high, high), negative.where(-low, low)
    error = abs(high).fma(proven.BOUNDS["turned"][0], _lost(end))
    return _exactly(_around(pair, error, _proved("turned", x)), x, 0.0, float(name == "cos"))


def _lost(end: End) -> Scalar:
    """Return the absolute error of sin and cos, of which there is none before the first turn."""
    n = end[1][-1]
    return n.equals(0.0).where(n.f.constant(proven.TINY), proven.BOUNDS["turned"][1])


def _between(name: str, x: Bounds) -> tuple[Scalar, Scalar]:
    """Return the first and the last k with (k + TURNS)·π between the ends, or beside them."""
    begin = (x.lo * (1 / math.pi) - (TURNS[name] + CLOSE)).function("ceil")
    return begin, (x.hi * (1 / math.pi) - (TURNS[name] - CLOSE)).function("floor")


def _tan(x: Bounds) -> Bounds:
    def of(end: End) -> Bounds:
        (x,), (s, s_low, c, c_low, n) = end
        odd = proven.uneven(n)
        top = odd.where(-c, s), odd.where(-c_low, s_low)
        y = proven.divided(top, (odd.where(s, c), odd.where(s_low, c_low)))
        size = abs(y[0])  # where one of sin and cos is small the other is 1
        lost = _lost(end) * 2.0
        error = size.fma(size.fma(lost, 2.0**-66), lost)
        known = _proved("turned", x) & (size < 2.0**30)
        return _exactly(_around(y, error, known), x, 0.0, 0.0)

    begin, end = _between("tan", x)
    y = _rising(of, *_kernel("turned", x))
    return Bounds(*((end < begin).where(side, math.nan) for side in y))


def _wave(name: str) -> Callable[[Bounds], Bounds]:
    """Return sin or cos: ±1 where an extreme may lie between the ends."""

    def wave(x: Bounds) -> Bounds:
        first, last = (_turned(name, end) for end in _kernel("turned", x))
        begin, end = _between(name, x)
        wide, one, odd = end > begin, end >= begin, proven.uneven(begin)
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


def _length(a: Scalar, b: Scalar) -> Pair:
    """Return √(a² + b²), off by less than 2^-97 where no square under- or overflows."""
    return added(*root(proven.plus(product(a, a), *product(b, b))))


def _hypot(x: Bounds, y: Bounds) -> Bounds:
    def of(a: Scalar, b: Scalar) -> Bounds:
        size, z = most([a, b]), _length(a, b)
        known = (size > 2.0**-400) & (size < 2.0**500)
        return _exactly(_around(z, abs(z[0]) * 2.0**-96, known), size, 0.0, 0.0)

    near, far = zip(_absolute(x), _absolute(y), strict=True)
    return Bounds(of(*near).lo, of(*far).hi)


def _cos_atan(x: Bounds) -> Bounds:
    """Return 1/√(1 + x²)."""

    def of(x: Scalar) -> Bounds:
        one = alone(x * 0.0 + 1.0)
        y = proven.divided(one, _length(one[0], x))
        return _exactly(_around(y, abs(y[0]) * 2.0**-96, x < 2.0**500), x, 0.0, 1.0)

    near, far = _absolute(x)
    return Bounds(of(far).lo, of(near).hi)


def _leg_inverse(x: Bounds) -> Bounds:
    """Return 1/√(1 - x²)."""
    one = x.lo.f.constant(1.0, x.lo.width)

    def of(end: Scalar) -> Bounds:
        a, b = (Bounds(v, v) for v in (end, one))
        return b.over(_sqrt((b + -a).times(b + a)))

    near, far = _absolute(x)
    return Bounds(of(near).lo, of(far).hi)


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


def write(name: str, arguments: int) -> tuple[int, Code]:
    """Return the size of memory, in vectors, and the code of a function on many intervals.

    It begins with how many vectors of intervals there are.  Rows of GROUPS vectors follow: ends of
    the arguments, and of the result.
    """
    f = Function(UNIT)
    f.allocate(1 + 2 * (arguments + 1) * GROUPS)
    with f.loop(0, f.word(f.address("%data", [], 0), "i64")) as loop:

        def place(row: int) -> str:
            return f.address("%data", [(loop.index, 1)], 1 + row * GROUPS)

        ends = [f.load(place(row)) for row in range(2 * arguments)]
        y = FUNCTIONS[name](*map(Bounds, ends[::2], ends[1::2]))
        for row, end in enumerate(y, 2 * arguments):
            f.store(end, place(row))
    text = f.text()
    return f.size + WIDTH, Code(text)


FUNCTIONS: dict[str, Callable[..., Bounds]] = {
    "exp": _exp, "log": _logarithm("log", 1.0), "log1p": _logarithm("log1p", 0.0),
    "sin": _wave("sin"), "cos": _wave("cos"), "tan": _tan,
    "sinh": _sinh, "cosh": _cosh, "tanh": _tanh, "sech2": _sech2, "atan": _atan,
    "expm1": _expm1, "sigmoid": _sigmoid,
    "asinh": _of_hyperbolic("asinh"), "acosh": _of_hyperbolic("acosh", 1.0),
    "atanh": _of_hyperbolic("atanh"), "asin": _angle("asin", 0.0), "acos": _angle("acos", 1.0),
    "sec_asin": _leg_inverse, "cos_atan": _cos_atan,
    "real_power": _to_power, "exponential": _to_power, "power": _to_power,
    "sqrt": _sqrt, "abs": _absolute, "hypot": _hypot, "square": lambda x: x.square(),
    "maximum": lambda x, y: Bounds(most([x.lo, y.lo]), most([x.hi, y.hi])),
    "minimum": lambda x, y: Bounds(least([x.lo, y.lo]), least([x.hi, y.hi])),
}  # fmt: skip


def _steps(name: str) -> Callable[[Bounds], Bounds]:
    """Return what rounds both ends to integers."""
    return lambda x: Bounds(*(end.function(name) for end in x))


def _sign(x: Bounds) -> Bounds:
    return Bounds(*((e > 0.0).where(1.0, (e < 0.0).where(-1.0, e * 0.0)) for e in x))


VALUES = FUNCTIONS | {name: _steps(name) for name in ("floor", "ceil", "trunc", "rint")}
VALUES["sign"] = _sign  # none of these has a series where it jumps
