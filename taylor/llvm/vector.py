"""exp, log, sin and cos of whole vectors: no call of the C library for each lane.

Each is written once in a module, as a function from a vector to a vector, and is good to 0.7 ulp.
The argument is reduced (Cody & Waite) to a remainder r + r' of twice the precision, the leading
terms of the series are added without error (Dekker), and a polynomial, the minimax one by Remez'
algorithm in 60 digits, gives the rest.  Lanes where the argument is not in the range of the
reduction, among them 0, infinity and nan where these are special, go to the C library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from taylor.llvm.ir import Function, Scalar, type_of

_h = float.fromhex
LN2 = _h("0x1.62e42feep-1"), _h("0x1.a39ef35793c76p-33")  # n·LN2[0] is exact for |n| < 2^20
HALF_PI = _h("0x1.921fb544p+0"), _h("0x1.0b4611a6p-34"), _h("0x1.3198a2e037073p-69")
ROOT_HALF = 0x3FE6A09E667F3BCD  # the bits of √½
SHIFT = 6755399441055744.0  # 1.5·2^52: adding it leaves an integer in the last bits
# exp r = 1 + r + r² P(r), |r| <= ln 2/2;  sin r = r + r³ P(r²), cos r = 1 - r²/2 + r⁴ P(r²),
# |r| <= π/4;  log (1 + s)/(1 - s) = 2s + s³ P(s²), |s| <= (√2 - 1)/(√2 + 1)
EXP = tuple(
    map(
        _h,
        (
            "0x1p-1", "0x1.5555555555557p-3", "0x1.5555555555558p-5", "0x1.11111111100dbp-7",
            "0x1.6c16c16c151fdp-10", "0x1.a01a01abe81f8p-13", "0x1.a01a01acfac26p-16",
            "0x1.71de02313958cp-19", "0x1.27e4cccde21d8p-22", "0x1.af4dea28693e2p-26",
            "0x1.1f8b4cb12c542p-29",
        ),
    )
)  # fmt: skip
SIN = tuple(
    map(
        _h,
        (
            "-0x1.5555555555555p-3", "0x1.111111111111p-7", "-0x1.a01a01a019938p-13",
            "0x1.71de3a5460919p-19", "-0x1.ae645412ba4f4p-26", "0x1.61217f00299d3p-33",
            "-0x1.ab17cc11bbc34p-41",
        ),
    )
)  # fmt: skip
COS = tuple(
    map(
        _h,
        (
            "0x1.5555555555555p-5", "-0x1.6c16c16c16967p-10", "0x1.a01a019f4eb44p-16",
            "-0x1.27e4fa17db6c2p-22", "0x1.1eeb68e764238p-29", "-0x1.907da02fc4a17p-37",
        ),
    )
)  # fmt: skip
LOG = tuple(
    map(
        _h,
        (
            "0x1.5555555555558p-1", "0x1.9999999995223p-2", "0x1.2492492e03e4ep-2",
            "0x1.c71c62d03d20fp-3", "0x1.7462ba281c955p-3", "0x1.39fdb948e338cp-3",
            "0x1.2b5fbe9e436b8p-3",
        ),
    )
)  # fmt: skip


class _Vector:
    """Arithmetic on the registers of a function being written, as an expression reads."""

    def __init__(self, f: Function, x: Scalar) -> None:
        self.f, self.x = f, x

    def _new(self, op: str, *others: _Vector | float) -> _Vector:
        xs = [o.x if isinstance(o, _Vector) else self.f.constant(o) for o in others]
        return _Vector(self.f, self.f.binary(op, *xs))

    def __add__(self, o: _Vector | float) -> _Vector:
        return self._new("fadd", self, o)

    def __sub__(self, o: _Vector | float) -> _Vector:
        return self._new("fsub", self, o)

    def __rsub__(self, o: float) -> _Vector:
        return self._new("fsub", o, self)

    def __mul__(self, o: _Vector | float) -> _Vector:
        return self._new("fmul", self, o)

    def __truediv__(self, o: _Vector | float) -> _Vector:
        return self._new("fdiv", self, o)

    def __neg__(self) -> _Vector:
        return _Vector(self.f, self.f.negative(self.x))

    def fma(self, o: _Vector | float, plus: _Vector | float) -> _Vector:
        """Return self·o + plus, rounded once."""
        xs = [v.x if isinstance(v, _Vector) else self.f.constant(v) for v in (self, o, plus)]
        return _Vector(self.f, self.f.intrinsic("fma", *xs))

    def magnitude(self) -> _Vector:
        """Return the absolute values."""
        return _Vector(self.f, self.f.intrinsic("fabs", self.x))

    def rint(self) -> _Vector:
        """Return the nearest integers."""
        return _Vector(self.f, self.f.intrinsic("rint", self.x))

    def polynomial(self, c: Sequence[float]) -> _Vector:
        """Return Σ c_i·self^i; even and odd powers side by side."""
        square = self * self
        parts = []
        for some in (c[::2], c[1::2]):
            total: _Vector | float = some[-1]
            for coefficient in some[-2::-1]:
                total = square.fma(total, coefficient)
            parts.append(total)
        return self.fma(parts[1], parts[0])

    # -------------------------------------------------------------- the bits
    def bits(self) -> str:
        """Return the bits as integers."""
        t = type_of(self.x.width)
        return self.f.put(f"bitcast {t} {self.x.text} to {t.replace('double', 'i64')}")

    def of_bits(self, bits: str) -> _Vector:
        """Return the doubles with these bits."""
        t = type_of(self.x.width)
        text = self.f.put(f"bitcast {t.replace('double', 'i64')} {bits} to {t}")
        return _Vector(self.f, Scalar(text, self.x.width))

    def integers(self, op: str, a: str, b: str | int) -> str:
        """Return an operation on integers of the width of this vector."""
        n = self.x.width
        if isinstance(b, int):
            b = "<" + ", ".join([f"i64 {b}"] * n) + ">"
        return self.f.put(f"{op} <{n} x i64> {a}, {b}")

    def choose(self, condition: str, other: _Vector) -> _Vector:
        """Return self where the condition (a vector of i1) holds, else the other."""
        x = self.f.select(Scalar(condition, self.x.width), self.x, other.x)
        return _Vector(self.f, x)


def _exp(x: _Vector) -> list[_Vector]:
    n = (x * _h("0x1.71547652b82fep+0")).rint()
    high = n.fma(-LN2[0], x)
    r = n.fma(-LN2[1], high)
    low = n.fma(-LN2[1], high - r)
    low = low.fma(r, low)
    whole = r + 1.0
    rest = r - (whole - 1.0)
    y = whole + (rest + (r * r).fma(r.polynomial(EXP), low))
    exponent = x.integers("shl", (n + SHIFT).bits(), 52)
    return [x.of_bits(x.integers("add", y.bits(), exponent))]


def _log(x: _Vector) -> list[_Vector]:
    bits = x.bits()
    shifted = x.integers("sub", bits, ROOT_HALF)
    exponent = x.integers("and", shifted, -1 << 52)  # x = 2^n·m, √½ <= m < √2
    m = x.of_bits(x.integers("sub", bits, exponent))
    k = x.integers("ashr", exponent, 52)
    n = x.of_bits(x.integers("add", k, 0x4338000000000000)) - SHIFT
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


def _sin_and_cos(x: _Vector) -> list[_Vector]:
    f, x, given = x.f, x.magnitude(), x.bits()
    n = (x * _h("0x1.45f306dc9c883p-1")).rint()
    first = n.fma(-HALF_PI[0], x)
    r = n.fma(-HALF_PI[1], first)
    low = n.fma(-HALF_PI[2], n.fma(-HALF_PI[1], first - r))
    total = r + low  # Knuth's two-sum: near a multiple of π/2 `low` may be the larger one
    part = total - r
    low = (r - (total - part)) + (low - part)
    r = total
    z = r * r
    half = z * 0.5
    lost = r.fma(r, -z)
    sine = r + (z * r).fma(z.polynomial(SIN), low.fma(-half, low))
    one = 1.0 - half
    rest = (1.0 - one) - half
    rest = rest - r.fma(low, lost * 0.5)
    cosine = one + (z * z).fma(z.polynomial(COS), rest)
    quarter = (n + SHIFT).bits()
    odd = f.put(f"trunc <{x.x.width} x i64> {quarter} to <{x.x.width} x i1>")
    negative = x.integers("xor", given, x.bits())
    found = []
    for same, other, turn in ((sine, cosine, 0), (cosine, sine, 1)):
        sign = x.integers("shl", x.integers("and", x.integers("add", quarter, turn), 2), 62)
        y = other.choose(odd, same)
        found.append(x.integers("xor", y.bits(), sign))
    return [x.of_bits(x.integers("xor", found[0], negative)), x.of_bits(found[1])]


# the functions that are computed together, and where: lo <= |x| <= hi, or, of log, lo <= x <= hi
KERNELS: dict[tuple[str, ...], tuple[Callable[[_Vector], list[_Vector]], float, float]] = {
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

    def make() -> list[Scalar]:
        t, full = type_of(x.width), f"{'.'.join(group)}.{x.width}"
        kind = t if len(group) == 1 else "{" + ", ".join([t] * len(group)) + "}"
        if full not in f.helpers:
            f.helpers[full] = _written(f, full, kind, group, x.width)
        y = f.put(f"call {kind} @{full}({t} {x.text})")
        if len(group) > 1:
            parts = [f.put(f"extractvalue {kind} {y}, {i}") for i in range(len(group))]
        else:
            parts = [y]
        return [Scalar(part, x.width) for part in parts]

    return f.once((group, x.text), make)[group.index(name)]


def _written(f: Function, full: str, kind: str, group: tuple[str, ...], width: int) -> str:
    """Return the text of the function of a vector for some functions of the C library."""
    kernel, least, most = KERNELS[group]
    g, t = Function(), type_of(width)
    x = Scalar("%x", width)
    places = [g.put(f"alloca {t}, align 64") for _ in range(len(group) + 1)]
    values = [y.x for y in kernel(_Vector(g, x))]
    inside = [g.compare("oge", x, g.constant(least)), g.compare("ole", x, g.constant(most))]
    mask = g.put(f"and <{width} x i1> {inside[0].text}, {inside[1].text}")
    packed = g.put(f"bitcast <{width} x i1> {mask} to i{width}")
    for value, place in zip([x, *values], places, strict=True):
        g.store(value, place)
    every = g.put(f"icmp eq i{width} {packed}, -1")
    g.lines.append(f"  br i1 {every}, label %done, label %rest")
    g.label("rest")
    wide = packed if width == 64 else g.put(f"zext i{width} {packed} to i64")
    with g.loop(0, width) as loop:
        bit = g.put(f"trunc i64 {g.put(f'lshr i64 {wide}, {loop.index}')} to i1")
        name = f"{g.count}"
        g.lines.append(f"  br i1 {bit}, label %next{name}, label %call{name}")
        g.label(f"call{name}")
        at = [g.put(f"getelementptr inbounds double, ptr {p}, i64 {loop.index}") for p in places]
        lane = g.load(at[0], 1)
        for c_name, place in zip(group, at[1:], strict=True):
            g.store(g.call(c_name, lane), place)
        g.lines.append(f"  br label %next{name}")
        g.label(f"next{name}")
    g.lines.append("  br label %done")
    g.label("done")
    result, whole = "poison", ""
    for i, place in enumerate(places[1:]):
        whole = g.load(place, width).text
        if len(group) > 1:
            result = g.put(f"insertvalue {kind} {result}, {t} {whole}, {i}")
    f.declarations |= g.declarations
    returned = whole if len(group) == 1 else result
    head = f"define internal {kind} @{full}({t} %x) {{"
    return "\n".join([head, "entry:", *g.lines, f"  ret {kind} {returned}", "}"])
