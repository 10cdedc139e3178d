"""Elementary functions of whole vectors against mpmath, over their range and at special values."""

import math
import re

import llvmlite.binding as llvm
import mpmath as mp
import numpy as np
import pytest

import taylor
import taylor.scipy.rows
from taylor.core.functions import HIDDEN, TABLE
from taylor.core.program import expand
from taylor.core.table import derived
from taylor.llvm import polynomials, vector
from taylor.llvm.function import Function
from taylor.machine.machine import Machine

EXTREME = ("log", -300, 300)
UNIT, NEAR = ("even", -1, 1), ("log", -20, 0)
# of each function: evenly spread points and logarithmically spread ones, of both signs
RANGES = {
    "exp": [("even", -745, 709.7), UNIT, NEAR],
    "exp2": [("even", -1070, 1023.9), UNIT, NEAR],
    "expm1": [("even", -40, 709.7), UNIT, NEAR],
    "tanh": [("even", -20, 20), UNIT, ("log", -300, 2)],
    "sech2": [("even", -350, 350), UNIT, NEAR],
    "sigmoid": [("even", -700, 40), UNIT, NEAR],
    "sinh": [("even", -710, 710), UNIT, ("log", -300, 1)],
    "cosh": [("even", -710, 710), UNIT, NEAR],
    "log": [("above", 0, 308), ("even", 0.5, 2), ("next", 1)],
    "log1p": [("above", 0, 308), ("even", -0.999, 2), ("log", -300, -1)],
    "log2": [("above", 0, 308), ("even", 0.5, 2), ("next", 1)],
    "log10": [("above", 0, 308), ("even", 0.5, 2), ("next", 1)],
    "asinh": [EXTREME, ("even", -2, 2), ("log", -9, 2)],
    "acosh": [("above", 1, 308), ("even", 1, 3)],
    "atanh": [UNIT, ("log", -12, -0.001)],
    "cbrt": [EXTREME, ("even", 0.9, 9)],
    "sin": [("even", -10, 10), ("even", -65536, 65536), ("turns",)],
    "cos": [("even", -10, 10), ("even", -65536, 65536), ("turns",)],
    "tan": [("even", -10, 10), ("even", -65536, 65536), ("turns",)],
    "atan": [("even", -3, 3), ("log", -20, 30)],
    "asin": [UNIT, ("log", -20, -0.001)],
    "acos": [UNIT, ("log", -20, -0.001)],
    "gauss": [("even", -26.6, 26.6), UNIT],
    "growing": [("even", -26.6, 26.6), UNIT],
    "npdf": [("even", -37.6, 37.6), UNIT],
    "erf": [UNIT, ("even", -6, 6), ("log", -30, 0)],
    "erfc": [UNIT, ("even", -6, 26.5)],
    "erfcx": [UNIT, ("even", -26.6, 1), ("log", 0, 30)],
    "erfcx_slope": [("even", 0, 100), ("even", -26.5, 1)],
    "digamma": [("even", 0, 5), ("above", 0, 100), ("even", -7, 0)],
    "trigamma": [("even", 0, 5), ("above", 0, 100), ("even", -7, 0)],
    "ndtr": [UNIT, ("even", -37.5, 8)],
    "log_ndtr": [UNIT, ("even", -37, 37), ("log", -20, 3)],
    "pow": [("even", 0.1, 9), ("above", 0, 300), ("next", 1)],
    "atan2": [("even", -3, 3), ("log", -100, 100)],
    "hypot": [("even", -3, 3), ("log", -100, 100)],
}
BOUND = {
    "tanh": 0.6,
    "sech2": 0.6,
    "sigmoid": 0.6,
    "log_ndtr": 1.5,
    "erfcx_slope": 4,
    "digamma": 6,
    "trigamma": 6,
}  # units in the last place; one for all others
# where the argument is reduced in another way, or the formula changes
EDGES = [
    (k + 0.5) * math.log(2) for k in range(-60, 60, 7)
] + [s * v for s in (-1, 1) for v in (
    0.5, math.sqrt(0.5), math.sqrt(2), math.tan(math.pi / 8), 1 / math.tan(math.pi / 8), 0.625,
    0.625 * math.sqrt(2), 2.0**-28, 2.0**-54, 2.0**28, 1 - 2**-53, 1 + 2**-52, 19.0625, 18.7, 36.7,
)]  # fmt: skip
SPECIAL = [
    0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, -1e-310, 1e-300, 709.7, 710.0, -745.0,
    -746.0, -708.4, 1.0, -1.0, 65536.5, 1e22, -1e155, 1.7976931348623157e308,
    2.2250738585072014e-308, 711.0, -30.0, 0.5, -2.0, 3.0,
]  # fmt: skip


def exact(name, *x):
    """Return the function that the name stands for, in mpmath's numbers."""
    if name == "erfcx":
        return mp.erfc(*x) * mp.exp(x[0] ** 2)
    if name == "log_ndtr" and x[0] > 0:
        return mp.log1p(-mp.ncdf(-x[0]))
    if name == "erfcx_slope":
        return 2 * x[0] * exact("erfcx", *x) - 2 / mp.sqrt(mp.pi)
    return mp.psi(1, *x) if name == "trigamma" else by_code(name).mp(mp, *x)


def by_code(name):
    """Return the row with this code."""
    rows = *TABLE.values(), *HIDDEN.values(), *map(derived, (taylor.erfcx, taylor.digamma))
    return next(r for r in rows if r.code == name)


def spread(rng, n, kind, *ends):
    """Return n points of a range."""
    if kind == "even":
        return rng.uniform(*ends, n)
    if kind == "next":  # to a number
        return ends[0] + rng.choice([-1, 1], n) * 10 ** rng.uniform(-15, -1, n)
    if kind == "above":
        return ends[0] + 10 ** rng.uniform(-ends[1] if ends[0] == 0 else -15, ends[1], n)
    if kind == "turns":  # multiples of a quarter turn: little is left of them
        return np.array([float(mp.pi / 2 * int(k)) for k in rng.integers(1, 41_000, n)])
    return rng.choice([-1, 1], n) * 10 ** rng.uniform(*ends, n)


def points(name, n, seed=1):
    """Return about n points for each argument of a function, where its value is normal."""
    rng, ranges = np.random.default_rng(seed), RANGES[name]
    x = np.concatenate([spread(rng, n // len(ranges), *r) for r in ranges])
    if name == "pow":  # as large an exponent as the result allows
        return x, rng.uniform(-700, 700, x.size) / np.maximum(np.abs(np.log(x)), 1e-3)
    if name in ("atan2", "hypot"):
        return x, rng.permutation(x)
    with np.errstate(all="ignore"):
        x = np.concatenate([x, EDGES])
        y = by_code(name).numpy(x)
        # of ψ(x) = ψ(1 - x) - π cot πx little is left near its zeros
        least = np.where((name == "digamma") & (x < 0), 1.0, 1e-307)
        return (x[np.isfinite(y) & (np.abs(y) > least)],)


def of_lanes(name, *x):
    """Return a function at many points, as machine code computes it in tiles."""
    row = by_code(name)
    machine = Machine(taylor.record(row, *(0.5 for _ in x)), unit=32)
    return machine.batch(np.array(x, float))[1][0] if len(x) == 1 else machine.batch(*x)[1][0]


def worst(name, *x):
    """Return the largest error of a function at some points in units in the last place; where."""
    found = []
    with mp.workprec(140):
        for *v, y in zip(*x, of_lanes(name, *x), strict=True):
            wanted = exact(name, *map(mp.mpf, map(float, v)))
            unit = max(math.ulp(float(wanted)), 2.0**-1074)
            found.append((float(abs(mp.mpf(float(y)) - wanted) / unit), *map(float, v)))
    return max(found)


def test_every_kernel_is_tested():
    assert {name for group in vector.KERNELS for name in group} == set(RANGES)


@pytest.mark.parametrize("name", RANGES)
def test_accurate_over_the_range(name):
    assert worst(name, *points(name, 900)) < (BOUND.get(name, 1.0),)


SERIES = {  # of rows with a local series: arguments that are special, and the values there
    "digamma": {math.inf: math.inf, 5e-324: -math.inf, math.nan: math.nan, 1e300: math.log(1e300)},
    "trigamma": {math.inf: 0.0, 5e-324: math.inf, math.nan: math.nan, 1e300: 1e-300},
    "erfcx_slope": {math.inf: -0.0, -math.inf: -math.inf, math.nan: math.nan, 1e200: -0.0},
}


@pytest.mark.parametrize("name", SERIES)
def test_special_values_of_rows_with_a_local_series(name):
    x, wanted = (np.array([*v] * 4) for v in (SERIES[name], SERIES[name].values()))
    np.testing.assert_allclose(of_lanes(name, x), wanted, rtol=1e-15)


@pytest.mark.parametrize("name", sorted(RANGES.keys() - SERIES))
@pytest.mark.filterwarnings("ignore")
def test_special_values_are_those_of_numpy(name):
    x = [np.array(SPECIAL * 4)]  # among them lanes of the ordinary range
    if vector.KERNELS[next(g for g in vector.KERNELS if name in g)].arguments == 2:
        x = [v.reshape(-1) for v in np.meshgrid(SPECIAL, SPECIAL)]
    y, wanted = of_lanes(name, *x), by_code(name).numpy(*x)
    np.testing.assert_allclose(y, wanted, rtol=1e-13, atol=0)
    assert np.array_equal(np.signbit(y[~np.isnan(y)]), np.signbit(wanted[~np.isnan(y)]))


@pytest.mark.parametrize("name", RANGES)
def test_a_lane_does_not_depend_on_its_neighbours(name):
    x = [v[:64] for v in points(name, 200)]
    mixed = [np.where(np.arange(64) % 2, v, np.inf) for v in x]
    assert np.array_equal(of_lanes(name, *x)[1::2], of_lanes(name, *mixed)[1::2])


@pytest.mark.parametrize("name", RANGES)
def test_all_widths_agree(name):
    row, x = by_code(name), points(name, 200)
    whole = of_lanes(name, *x)
    for n in (2, 3, 8, 19):
        given = [v[:n] for v in x]
        y = taylor.compile(row, strict=True)(*given)
        np.testing.assert_array_max_ulp(y, whole[:n], 1)


def test_a_function_is_written_once_and_called_once_for_each_argument():
    f = Function()
    x = f.load(f.address("%data", [], 0), 8)
    for name, of in (("tanh", x), ("sech2", x), ("tanh", x * x)):
        f.store(vector.call(f, name, of), f.address("%data", [], 0))
    assert list(f.helpers) == ["tanh.sech2.8"]
    assert "\n".join(f.lines).count("@tanh.sech2.8") == 2


TARGETS = [
    ("x86_64-unknown-linux-gnu", "haswell"),  # AVX2
    ("x86_64-unknown-linux-gnu", "skylake-avx512"),
    ("aarch64-unknown-linux-gnu", "neoverse-n1"),  # NEON
]


@pytest.mark.parametrize(("triple", "cpu"), TARGETS)
def test_processors_have_all_instructions(triple, cpu):
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    f, everywhere = Function(), [("exp",), ("log1p",), ("cbrt",), ("asin", "acos"), ("atan",)]
    for i, group in enumerate(everywhere):
        x = f.load(f.address("%data", [], 8 * i), 8)
        f.store(vector.call(f, group[0], x), f.address("%data", [], 8 * i))
    f.size = 8 * len(everywhere)
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, codemodel="small")
    text = machine.emit_assembly(llvm.parse_assembly(f.text()))
    called = set(re.findall(r"^\s+(?:callq?|bl)\s+([\w.]+)", text, re.MULTILINE))
    assert called == {f"{'.'.join(group)}.8" for group in everywhere}


ASKS = ["log_ndtr", "erfcx", "digamma", "lgamma", "gamma", "sinc"]  # for their local series only
QUIET = ["xlogy", "xlog1py", "entr", "rel_entr", "kl_div", "log_expit", "logit", "exp10", "cosm1",
         "pseudo_huber", "logaddexp", "softplus", "sigmoid", "ndtr", "erf", "erfc"]  # fmt: skip


@pytest.mark.parametrize("name", QUIET + ASKS)
def test_values_gradients_and_series_do_not_ask_python(name):
    row = TABLE.get(name) or HIDDEN[name]
    two = name in ("xlogy", "xlog1py", "rel_entr", "kl_div", "pseudo_huber", "logaddexp")
    x = np.linspace(0.15, 0.85, 9)

    def f(x):
        return np.sum(row(x, 2 * x) if two else row(x))

    programs = [taylor.record(g, x) for g in (f, lambda x: taylor.gradient(f, x))]
    assert not any(Machine(program).asks[0] for program in programs)
    asked = Machine(expand(programs[0]), 5, expanded=True).asks[0]
    assert {ask[0] for ask in asked} <= ({"local"} if name in ASKS else set())


def test_the_derivative_of_sinc():
    x = np.array([-10.3, -1.0, -0.5001, -0.4999, 0.0, 1e-300, 1e-9, 0.01, 0.3, 0.75, 100.25])
    slope = taylor.gradient(taylor.compile(lambda x: np.sum(np.sinc(x)), strict=True), x)
    with mp.workprec(2200):
        wanted = [0 if v == 0 else (mp.cospi(v) - mp.sincpi(v)) / v for v in map(mp.mpf, x)]
        np.testing.assert_allclose(slope, np.array(wanted, float), rtol=1e-15, atol=0)


# what the polynomials stand for, the ends of their range, and the part of the function they are
HALF_LN2, EIGHTH = mp.log(2) / 2, (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)


def _tail(t):
    u = 3.75 * (1 + t) / (1 - t)
    return (1 + 2 * u) * mp.erfc(u) * mp.exp(u * u) - polynomials.TAIL_0


def _slope(t):
    u = 3.75 * (1 + t) / (1 - t)
    return -exact("erfcx_slope", u) * (1 + 2 * u) ** 2 - polynomials.SLOPE_0


def _psi(s):
    root = sum(map(mp.mpf, polynomials.PSI_ROOT))
    return mp.psi(0, 1.5 + s) / (s - root) - polynomials.PSI_0


def _of_inverse(f):
    return lambda u: f(1 / mp.sqrt(u))


def _of_square(f):
    return lambda z: f(mp.sqrt(z))


REST = {
    "EXP": (lambda r: (mp.exp(r) - 1 - r) / r**2, -HALF_LN2, HALF_LN2, lambda r: r**2),
    "SINH": (_of_square(lambda r: (mp.sinh(r) - r) / r**3), 0, HALF_LN2**2, lambda z: z),
    "COSH": (_of_square(lambda r: (mp.cosh(r) - 1) / r**2), 0, HALF_LN2**2, lambda z: z),
    "TANH": (_of_square(lambda r: (mp.tanh(r) - r) / r**3), 0, (0.52 * HALF_LN2) ** 2,
             lambda z: z),
    "SIN": (_of_square(lambda r: (mp.sin(r) - r) / r**3), 0, (mp.pi / 4) ** 2, lambda z: z),
    "COS": (_of_square(lambda r: (mp.cos(r) - 1 + r**2 / 2) / r**4), 0, (mp.pi / 4) ** 2,
            lambda z: z * z),
    "LOG": (_of_square(lambda s: (2 * mp.atanh(s) - 2 * s) / s**3), 0, EIGHTH**2,
            lambda z: z / 2),
    "RATIO": (_of_square(lambda s: (mp.atanh(s) / s - 1 - s**2 / 3) / s**4), 0, EIGHTH**2,
              lambda z: z * z * 2**10),
    "ATAN": (_of_square(lambda t: (mp.atan(t) - t) / t**3), 0, mp.tan(mp.pi / 8) ** 2,
             lambda z: z),
    "ASIN": (_of_square(lambda s: (mp.asin(s) - s) / s**3), 0, 0.25, lambda z: z),
    "ERF": (_of_square(lambda u: mp.erf(u) / u - 1), 0, 0.5625, lambda z: 0.8),
    "TAIL": (_tail, -1, 0.99, lambda t: 0.8),
    "SLOPE": (_slope, -1, 0.99, lambda t: 0.2),
    "PSI": (_psi, -0.5, 0.5, lambda s: 1),
    "TRIGAMMA": (lambda s: mp.psi(1, 1.5 + s) - polynomials.TRIGAMMA_0, -0.5, 0.5, lambda s: 1),
    "PSI_TAIL": (_of_inverse(lambda x: (mp.log(x) - 0.5 / x - mp.psi(0, x)) * x * x), 0, 1 / 9,
                 lambda u: u),
    "TRIGAMMA_TAIL": (_of_inverse(lambda x: (mp.psi(1, x) - 1 / x - 0.5 / x**2) * x**3), 0, 1 / 9,
                      lambda u: u),
    "ROOT": (mp.cbrt, mp.sqrt(0.5), mp.sqrt(2), lambda m: mp.mpf(2) ** -41),
}  # fmt: skip


@pytest.mark.parametrize("name", REST)
def test_polynomials_leave_a_small_part_of_an_ulp(name):
    f, start, stop, factor = REST[name]
    coefficients = [mp.mpf(c) for c in reversed(getattr(polynomials, name))]
    with mp.workdps(60):
        for i in range(1, 201):
            x = start + (stop - start) * mp.mpf(2 * i - 1) / 400
            error = mp.polyval(coefficients, x) - f(x)
            assert abs(error * factor(x)) < mp.mpf(2) ** -56, x
