"""exp, log, sin and cos of whole vectors: no call of the C library for each lane.

Each is written once in a module, as a function from a vector to a vector, and is good to 0.7 ulp.
The argument is reduced (Cody & Waite) to a remainder r + r' of twice the precision, the leading
terms of the series are added without error (Dekker), and a polynomial, the minimax one by Remez'
algorithm in 60 digits, gives the rest.  Lanes where the argument is not in the range of the
reduction, among them 0, infinity and nan where these are special, go to the C library.
"""

from __future__ import annotations

from collections.abc import Callable

from taylor.llvm.function import Function
from taylor.llvm.registers import Scalar, type_of

_h = float.fromhex


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(map(_h, text.split()))


LN2 = _h("0x1.62e42feep-1"), _h("0x1.a39ef35793c76p-33")  # n·LN2[0] is exact for |n| < 2^20
HALF_PI = _h("0x1.921fb544p+0"), _h("0x1.0b4611a6p-34"), _h("0x1.3198a2e037073p-69")
ROOT_HALF = 0x3FE6A09E667F3BCD  # the bits of √½
SHIFT = 6755399441055744.0  # 1.5·2^52: adding it leaves an integer in the last bits
# exp r = 1 + r + r² P(r), |r| <= ln 2/2;  sin r = r + r³ P(r²), cos r = 1 - r²/2 + r⁴ P(r²),
# |r| <= π/4;  log (1 + s)/(1 - s) = 2s + s³ P(s²), |s| <= (√2 - 1)/(√2 + 1)
EXP = _numbers(
    "0x1p-1 0x1.5555555555557p-3 0x1.5555555555558p-5 0x1.11111111100dbp-7 "
    "0x1.6c16c16c151fdp-10 0x1.a01a01abe81f8p-13 0x1.a01a01acfac26p-16 0x1.71de02313958cp-19 "
    "0x1.27e4cccde21d8p-22 0x1.af4dea28693e2p-26 0x1.1f8b4cb12c542p-29"
)
SIN = _numbers(
    "-0x1.5555555555555p-3 0x1.111111111111p-7 -0x1.a01a01a019938p-13 0x1.71de3a5460919p-19 "
    "-0x1.ae645412ba4f4p-26 0x1.61217f00299d3p-33 -0x1.ab17cc11bbc34p-41"
)
COS = _numbers(
    "0x1.5555555555555p-5 -0x1.6c16c16c16967p-10 0x1.a01a019f4eb44p-16 "
    "-0x1.27e4fa17db6c2p-22 0x1.1eeb68e764238p-29 -0x1.907da02fc4a17p-37"
)
LOG = _numbers(
    "0x1.5555555555558p-1 0x1.9999999995223p-2 0x1.2492492e03e4ep-2 0x1.c71c62d03d20fp-3 "
    "0x1.7462ba281c955p-3 0x1.39fdb948e338cp-3 0x1.2b5fbe9e436b8p-3"
)


def _exp(x: Scalar) -> list[Scalar]:
    n = (x * _h("0x1.71547652b82fep+0")).function("rint")
    high = n.fma(-LN2[0], x)
    r = n.fma(-LN2[1], high)
    low = n.fma(-LN2[1], high - r)
    low = low.fma(r, low)
    whole = r + 1.0
    rest = r - (whole - 1.0)
    y = whole + (rest + (r * r).fma(r.polynomial(EXP), low))
    exponent = (n + SHIFT).bits() << 52
    return [(y.bits() + exponent).double()]


def _log(x: Scalar) -> list[Scalar]:
    bits = x.bits()
    exponent = (bits - ROOT_HALF) & (-1 << 52)  # x = 2^n·m, √½ <= m < √2
    m = (bits - exponent).double()
    n = ((exponent >> 52) + 0x4338000000000000).double() - SHIFT
    f = m - 1.0
    s = f / (f + 2.0)
    z = s * s
    half = f * 0.5
    square = f * half  # log (1 + f) = f - f²/2 + s (f²/2 + s² P(s²))
    lost = f.fma(half, -square)
    u = f - square
    rest = (f - u) - square - lost
    big = n * LN2[0]
    total = big + u
    rest = rest + (u - (total - big))
    rest = n.fma(LN2[1], rest)
    return [total + s.fma(z.fma(z.polynomial(LOG), square), rest)]


def _sin_and_cos(x: Scalar) -> list[Scalar]:
    x, given = abs(x), x.bits()
    n = (x * _h("0x1.45f306dc9c883p-1")).function("rint")
    first = n.fma(-HALF_PI[0], x)
    r = n.fma(-HALF_PI[1], first)
    low = n.fma(-HALF_PI[2], n.fma(-HALF_PI[1], first - r))
    r, low = r.two_sum(low)  # near a multiple of π/2 `low` may be the larger one
    z = r * r
    half = z * 0.5
    lost = r.fma(r, -z)
    sine = r + (z * r).fma(z.polynomial(SIN), low.fma(-half, low))
    one = 1.0 - half
    rest = (1.0 - one) - half
    rest = rest - r.fma(low, lost * 0.5)
    cosine = one + (z * z).fma(z.polynomial(COS), rest)
    quarter = (n + SHIFT).bits()
    odd = quarter.cast("trunc", "i1")
    negative = given ^ x.bits()
    found = []
    for same, other, turn in ((sine, cosine, 0), (cosine, sine, 1)):
        y = odd.where(other, same)
        found.append(y.bits() ^ (((quarter + turn) & 2) << 62))
    return [(found[0] ^ negative).double(), found[1].double()]


# the functions that are computed together, and where: lo <= |x| <= hi, or, of log, lo <= x <= hi
KERNELS: dict[tuple[str, ...], tuple[Callable[[Scalar], list[Scalar]], float, float]] = {
    ("exp",): (_exp, -708.0, 708.0),
    ("log",): (_log, _h("0x1p-1022"), _h("0x1.fffffffffffffp1023")),
    ("sin", "cos"): (_sin_and_cos, -65536.0, 65536.0),
}
_GROUPS = {name: group for group in KERNELS for name in group}


def call(f: Function, name: str, x: Scalar) -> Scalar:
    """Return a function of one vector: of all lanes at once where there is a kernel for it."""
    group = _GROUPS.get(name)
    if group is None or x.width == 1:
        return f.call(name, x)

    full = f"{'.'.join(group)}.{x.width}"
    if full not in f.helpers:
        _write(f, full, group, x.width)
    types = [x.type] * len(group)
    return f.once((group, x.text), lambda: f.run(full, [x], types))[group.index(name)]


def _write(f: Function, full: str, group: tuple[str, ...], width: int) -> None:
    """Write the function of a vector for some functions of the C library."""
    kernel, least, most = KERNELS[group]
    with f.function(full, {"%x": type_of(width)}) as g:
        x = Scalar(g, "%x", width)
        places = [g.local(width) for _ in range(len(group) + 2)]
        values = [x, *kernel(x)]
        ordinary = (x >= least) & (x <= most)
        outside = ordinary.where(0.0, 1.0)
        for value, place in zip([outside, *values], places, strict=True):
            g.store(value, place)
        with g.when(~g.every(ordinary)), g.loop(0, width) as loop:
            lane, at, *results = (g.address(p, [(loop.index, 1)], 0) for p in places)
            with g.when(g.load(lane).compared("one", 0.0)):
                for c_name, place in zip(group, results, strict=True):
                    g.store(g.call(c_name, g.load(at)), place)
        g.results = [g.load(place, width) for place in places[2:]]
