"""Machine code of intervals: series through functions, and exp, log, sin, cos at many points."""

import math
from functools import partial
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import taylor
from taylor import Taylor
from taylor import verified as tv
from taylor.core.program import record
from taylor.llvm import polynomials, proven
from taylor.llvm.function import Function
from taylor.llvm.jit import Code, address
from taylor.verified import boxes, elementary, levels
from taylor.verified.batches import aligned
from taylor.verified.interval import Interval

RNG = np.random.default_rng(1)
HALF_PIS = np.arange(-300, 300) * (math.pi / 2)
BOTH = np.concatenate([RNG.normal(size=150), -np.exp(RNG.uniform(-60, 1, 100)), [1e-300, 0.0]])
REALS = np.concatenate([RNG.uniform(-600, 700, 100), BOTH])
ANGLES = np.concatenate([RNG.uniform(-(2.0**15), 2**15, 100), BOTH, HALF_PIS[::5]])
UNIT = np.concatenate([RNG.uniform(-1, 1, 200), 1 - np.exp(RNG.uniform(-36, 0, 100)), [-1.0, 1.0]])
POSITIVE = np.concatenate([np.exp(RNG.uniform(-550, 550, 150)), RNG.uniform(0.4, 2, 150)])
ARGUMENTS = {
    "exp": REALS, "log": POSITIVE, "sin": ANGLES, "cos": ANGLES, "tan": ANGLES, "sinh": REALS,
    "cosh": REALS, "tanh": REALS, "sech2": REALS, "atan": np.sinh(BOTH), "asin": UNIT, "acos": UNIT,
    "real_power": POSITIVE**0.1, "log1p": np.expm1(np.clip(REALS, -34, 500)), "expm1": REALS,
    "sigmoid": REALS, "asinh": REALS, "acosh": np.cosh(np.clip(REALS, -500, 500)),
    "atanh": np.tanh(np.clip(REALS, -7, 7)),
}  # fmt: skip
EXPONENTS = RNG.choice([0.5, -1.5, 2.3, 60.0, 0.0], len(POSITIVE))
ALIEN = [math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, 1e308, -1e308, -1.0]
NOWHERE = {  # numbers of these without a value, or beyond the proof
    "exp": [0, 1, 2, 6, 7], "log": [0, 1, 2, 3, 4, 5, 6, 7, 8], "sin": [0, 1, 2, 6, 7],
    "tan": [0, 1, 2, 6, 7], "sinh": [0, 1, 2, 6, 7], "tanh": [0], "atan": [0, 5],
    "asin": [0, 1, 2, 5, 6, 7], "acos": [0, 1, 2, 6, 7],
    "log1p": [0, 1, 2, 6, 7, 8], "expm1": [0, 1, 2, 5, 6, 7], "sigmoid": [0, 1, 2, 6, 7],
    "asinh": [0, 1, 2, 5, 6, 7], "acosh": [0, 1, 2, 3, 4, 5, 6, 7, 8],
    "atanh": [0, 1, 2, 5, 6, 7, 8],
}  # fmt: skip


def exactly(name, *x):
    with mpmath.workdps(60):
        a = [+mpf(e) for e in x]
        if name == "real_power":
            return a[0] ** a[1]
        if name == "sigmoid":
            return 1 / (1 + mpmath.exp(-a[0]))
        return mpmath.sech(*a) ** 2 if name == "sech2" else getattr(mpmath, name)(*a)


# ------------------------------------------------------------------ values
@pytest.mark.parametrize("name", ARGUMENTS)
def test_values_hold_and_most_lie_between_the_next_floats(name):
    x = [ARGUMENTS[name], EXPONENTS][: elementary.ROWS[name]]
    low, high = elementary._found(name, [e for a in x for e in (a, a)])
    low_, high_, known = elementary.bounds(name, [(a, a) for a in x])
    assert np.array_equal([low_, high_], [low, high], equal_nan=True)
    assert known.mean() > 0.5 and (np.nextafter(low, math.inf) >= high)[known].all()
    for *a, b, c in zip(*x, low, high, strict=True):
        assert math.isnan(b + c) or b <= exactly(name, *a) <= c


def test_parts_of_constants_leave_out_what_the_proofs_say():
    with mpmath.workdps(80):
        assert abs(mpmath.ln2 - sum(map(mpf, polynomials.LN2))) < mpf(2) ** -86
        assert abs(mpmath.pi / 2 - sum(map(mpf, polynomials.HALF_PI))) < mpf(2) ** -122
    first = [polynomials.LN2[0], *polynomials.HALF_PI[:2]]
    assert all((math.frexp(c)[0] * 2**33).is_integer() for c in first)  # times n < 2^20: exact


PAIRS = {"exp": "exp", "log": "log", "turned": "sin", "hyperbolic": "sinh"}
PAIRS |= {name: name for name in ("atan", "asin", "acos")}


@pytest.mark.parametrize("kernel", PAIRS)
def test_pairs_are_nearer_than_the_proof_says(kernel):
    name, f, count = PAIRS[kernel], Function(8), proven.RESULTS[kernel]
    x = np.resize(ARGUMENTS[name], 296)
    f.allocate(37 * (1 + count))
    with f.loop(0, 37) as loop:
        found = proven.KERNELS[kernel](f.load(f.address("%data", [(loop.index, 1)], 0)))
        for n, y in enumerate(found, 1):
            f.store(y, f.address("%data", [(loop.index, 1)], 37 * n))
    code = Code(f.text())
    data = aligned(f.size + 8, 8)
    data.reshape(-1)[:296] = x
    code.call(address(data))
    found = data.reshape(-1)[296 : 296 * (1 + count)].reshape(count, 296)
    relative, absolute, *_ = proven.BOUNDS[kernel]
    with mpmath.workdps(60):
        for a, high, low, n in zip(x, found[0], found[1], found[-1], strict=True):
            turns = int(n) if kernel == "turned" else 0
            y = exactly(name, mpf(float(a)) - turns * mpmath.pi / 2)
            error = abs(y - mpf(float(high)) - mpf(float(low)))
            assert error <= (relative * abs(y) + absolute) / 16


@pytest.mark.parametrize("name", NOWHERE)
def test_what_the_proof_is_not_about_is_left_alone(name):
    low, high = elementary._found(name, [np.array(ALIEN)] * 2)
    assert np.flatnonzero(np.isnan(low) | np.isnan(high)).tolist() == NOWHERE[name]


@pytest.mark.parametrize("name", [n for n in ARGUMENTS if n not in ("tan", "real_power")])
@pytest.mark.parametrize("width", [0.0, 1e-14, 0.1, 2.0, 7.0])
def test_many_lanes_are_as_good_as_one(name, width):
    f, x = getattr(taylor, name), ARGUMENTS[name][::7]
    last = {"asin": 1.0, "acos": 1.0, "atanh": 1 - 2.0**-20}.get(name, math.inf)
    box = Interval(x, np.minimum(x + width, last))
    every = f(box)
    for i in range(len(x)):
        one = f(box[i])
        assert (every[i].lo, every[i].hi) == (one.lo, one.hi)
        for share in (0.0, 0.3, 1.0):
            member = min(box.lo[i] + share * (box.hi[i] - box.lo[i]), box.hi[i])
            assert one.lo <= exactly(name, member) <= one.hi


@pytest.mark.parametrize(("name", "at"), [("sin", 0.5), ("cos", 0.0)])
def test_extremes_are_found(name, at):
    k = np.arange(-40, 40)
    x = (k + at) * math.pi
    f = getattr(np, name)
    near = f(Interval(x - 1e-3, x + 1e-3))
    assert (np.where(k % 2, near.lo, near.hi) == np.where(k % 2, -1.0, 1.0)).all()
    assert (near.width < 1e-6).all()
    away = f(Interval(x + 1e-3, x + math.pi - 1e-3))
    assert (np.abs([away.lo, away.hi]) < 1).all()
    both = f(Interval(x - 1e-3, x + math.pi + 1e-3))
    assert (both.lo == -1).all() and (both.hi == 1).all()


# ------------------------------------------------------------------ levels
EXACT = {"exp": mpmath.exp, "log": mpmath.log, "sin": mpmath.sin, "cos": mpmath.cos}
EXACT |= {"sqrt": mpmath.sqrt, "maximum": max, "minimum": min, "arctan": mpmath.atan}
EXACT |= {"tan": mpmath.tan, "tanh": mpmath.tanh, "sinh": mpmath.sinh, "cosh": mpmath.cosh}
EXACT |= {"log1p": mpmath.log1p, "expm1": mpmath.expm1, "arcsinh": mpmath.asinh}
EXACT |= {"arccosh": mpmath.acosh, "arctanh": mpmath.atanh}
EXACT |= {"arcsin": mpmath.asin, "arccos": mpmath.acos, "hypot": mpmath.hypot}
OF_TWO = {
    "rows": lambda x, m: m.exp(m.sin(x[0])) * m.cos(9 * x[1]) / (x[0] * x[0] + x[1] * x[1] + 1),
    "powers": lambda x, m: x[0] ** 3 - x[1] ** 5 + x[0] ** 4 * x[1] ** 7 + (x[1] - 3) ** -2,
    "roots": lambda x, m: m.sqrt(x[1] ** 2 + 1) * abs(x[0]) + m.log(2 + x[0] * x[0]),
    "curves": lambda x, m: m.tanh(3 * x[0]) * m.sinh(x[1]) + m.cosh(x[0] - x[1]) / m.hypot(x[0], 1),
    "angles": lambda x, m: (
        m.arctan(5 * x[0]) - m.arcsin(x[1] / 4) * m.arccos(x[0] / 4) + m.tan(x[1])
    ),
    "real powers": lambda x, m: (x[0] * x[0]) ** 1.5 * (2 + x[1]) ** x[0] - 2 ** (x[1] - 9),
    "inverses": lambda x, m: (
        m.arcsinh(x[1])
        * m.expm1(x[0])
        * m.arccosh(2 + x[0] ** 2)
        * m.log1p(3 + x[1])
        / (2 + m.arctanh(x[1] / 4))
    ),
    "sides": lambda x, m: m.maximum(x[0], x[1]) * m.minimum(x[0], 1) - m.exp(-200 * x[1]),
}


@pytest.mark.parametrize("name", OF_TWO)
@pytest.mark.parametrize("slopes", [False, True])
def test_values_on_levels_hold_and_are_no_wider(name, slopes):
    f = partial(OF_TWO[name], m=np)
    g = partial(taylor.value_and_gradient, f) if slopes else f
    program = record(g, np.array([0.3, 0.4]))
    low = RNG.uniform(-2, 2, (300, 2))
    low[::7], low[::11, 0] = np.round(low[::7]), 0.0
    x = Interval(low, low + np.where(RNG.random((300, 2)) < 0.3, 0.0, 10 ** RNG.uniform(-17, 0)))
    results, same, other, lost = levels.Levels(program, slopes).through(x)
    before, certain, _ = boxes.run(program, [x], 300, slopes)
    assert (same | lost | ~certain).all() and not other.any() and lost.mean() < 0.3
    for y, z in zip(results, before, strict=True):
        assert (y.width <= z.width * (1 + 1e-6) + 1e-15 * z.mag + 1e-290)[same].mean() > 0.98
        assert y.overlaps(z)[same].all()
    exact = SimpleNamespace(**EXACT)
    with mpmath.workdps(40):
        for n in np.flatnonzero(same):
            ends = [(mpf(float(a)), mpf(float(b))) for a, b in zip(x.lo[n], x.hi[n], strict=True)]
            for share in (0, mpf("0.3"), 1):
                y = OF_TWO[name]([a + (b - a) * share for a, b in ends], exact)
                assert results[0].lo[n] <= y <= results[0].hi[n]


def test_levels_keep_the_signs_that_are_known():
    """Of products, quotients and sums: floor and sqrt would make much of a bound below zero."""
    steps = (np.floor, np.ceil, np.trunc, np.rint, np.sign)
    f = lambda x: np.stack(
        [x[0] * x[1], x[0] + x[1], x[0] / (1 + x[1]), *(step(3 * x[0]) for step in steps)]
    )
    x = Interval([[0.0, 0.0], [-1.0, 0.0], [0.0, 1e-300]], [[0.2, 1.0], [0.0, 0.5], [0.3, 2.0]])
    (y,), *_ = levels.Levels(record(f, np.array([0.3, 0.4])), False).through(x)
    assert (y.lo[[0, 2]] >= 0).all() and (y.hi[1, [0, 2]] <= 0).all()
    ends = (x[:, 0] * 3).lo, (x[:, 0] * 3).hi
    for n, step in enumerate(steps, 3):
        assert (y.lo[:, n] == step(ends[0])).all() and (y.hi[:, n] == step(ends[1])).all()


def test_levels_tell_the_order_of_outputs_apart():
    def f(x, back):
        both = [x[0] + x[1], x[0] * x[1]]
        return both[::-1] if back else both

    x = Interval([[2.0, 3.0]], [[2.0, 3.0]])
    for back in (False, True):
        program = record(partial(f, back=back), np.array([0.5, 0.0]))
        (first, second), *_ = levels.Levels(program, False).through(x)
        assert (5 in first[0], 6 in second[0]) == (not back, not back)


def test_levels_tell_branches_apart():
    def f(x):
        return x[0] * 2 if x[0] > x[1] else x[1] - 1

    low = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    x = Interval(low, low + 0.5)
    results, same, other, _ = levels.Levels(record(f, np.array([0.5, 0.0])), True).through(x)
    assert same.tolist() == [True, False, False] and other.tolist() == [False, True, False]
    assert results[0].lo[0] == 2 and results[0].hi[0] == 3


@pytest.mark.parametrize("f", [lambda x: np.floor(x[0]) + x[1], lambda x: np.tan(x[0]) * x[1]])
def test_searches_are_the_same_with_machine_code(monkeypatch, f):
    found = []
    for more in (0, math.inf):
        monkeypatch.setattr(boxes, "MORE", more)
        found.append(tv.range(f, [(0.2, 0.9), (-1, 1)], tol=1e-4))
    assert abs(found[0].lo - found[1].lo) < 2e-4 and abs(found[0].hi - found[1].hi) < 2e-4


# ------------------------------------------------------------------ series
FUNCTIONS = {
    "rows": lambda x: np.exp(np.sin(x)) / (1 + x * x),
    "powers": lambda x: np.sin(x) ** 2 + np.sqrt(2 + x) * (x - 1) ** 3,
    "log": lambda x: np.log(2 + np.cos(x)) * np.tanh(x),
    "polynomial": lambda x: x**3 - x * 0.1,
    "moduli": lambda x: np.hypot(np.sin(x), 2 + x) * np.hypot(x, 1),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("width", [0.0, 1e-3, 0.3])
@pytest.mark.parametrize("shape", [(), (13,), (3, 50)])
def test_series_by_machine_code_hold_and_are_no_wider(name, width, shape):
    f, order = FUNCTIONS[name], 12
    x = RNG.uniform(0.1, 1.2, shape)
    box = Interval(x, x + width)
    code = taylor.compile(f)
    found, before = (taylor.taylor_coefficients(g, box, order) for g in (code, f))
    assert list(code.sets.known.values()) != [None]
    assert found.shape == (order + 1, *shape)
    assert np.all(found.width <= before.width * (1 + 1e-6) + 1e-15 * before.mag)
    lane = tuple(n - 1 for n in shape)
    with mpmath.workdps(50):
        member = mpf(float(box[lane].lo)) + mpf(float(box[lane].hi - box[lane].lo)) * mpf("0.4")
        for c, y in zip(found, taylor.taylor_coefficients(f, member, order), strict=True):
            assert c[lane].lo <= y <= c[lane].hi


def test_series_of_series():
    f = FUNCTIONS["rows"]
    x = Taylor.variable(Interval([0.3, 0.4], [0.31, 0.4]), order=9)
    inner = np.exp(x) * 0.5
    code = taylor.compile(f)
    found, before = code(inner).coef, f(inner).coef
    assert list(code.sets.known.values()) != [None]
    assert np.all(found.width <= before.width * (1 + 1e-6) + 1e-15 * before.mag)
    assert np.all(found.overlaps(before))


@pytest.mark.parametrize("order", range(6))
def test_series_end_before_their_order(order):
    box = Interval(0.5, 0.75)
    found = taylor.taylor_coefficients(taylor.compile(lambda x: x * 3 + (x + 1)), box, order)
    ends = np.array([[3.0, 4.0], [4.0, 4.0], *[[0.0, 0.0]] * 4])[: order + 1]
    assert np.allclose([found.lo, found.hi], ends.T, rtol=1e-14, atol=0)


def branching(x):
    return x if np.all(x > 0.4) else -x


@pytest.mark.parametrize(
    "f", [abs, np.sum, lambda x: x * np.size(x), branching, np.floor, np.arctan]
)
def test_what_has_no_such_code_is_as_before(f):
    box = Interval([0.5, 0.7, 0.9], [0.51, 0.7, 0.91])
    found, before = (taylor.taylor_coefficients(g, box, 4) for g in (taylor.compile(f), f))
    assert np.array_equal(found.lo, before.lo) and np.array_equal(found.hi, before.hi)


def test_outside_of_a_domain_is_told():
    for f, x in ((np.log, Interval(-1, 1)), (lambda x: 1 / x, Interval(-1, 1))):
        with pytest.raises(taylor.DomainError):
            taylor.taylor_coefficients(taylor.compile(f), x, 3)


def test_integrals_by_machine_code(monkeypatch):
    def f(x):
        return np.sin(x + np.exp(x))

    found = []
    for many in (0, math.inf):
        monkeypatch.setattr(boxes, "MANY", many)
        found.append(tv.quad(f, 0.0, 4.0, tol=1e-10))
        root = tv.quad(np.sqrt, 0.0, 1.0, tol=1e-6)
        assert root.lo <= 2 / 3 <= root.hi
        with pytest.raises(tv.NotVerified) as caught:  # a pole at an end
            tv.quad(taylor.gamma, 0.0, 1.0, max_pieces=40)
        assert caught.value.result.hi == math.inf
    exact = mpmath.quad(lambda x: mpmath.sin(x + mpmath.exp(x)), mpmath.linspace(0, 4, 40))
    assert all(y.lo <= exact <= y.hi and y.width < 1e-10 for y in found)
