"""Derivatives and coefficients at the ends of the range of floats: right, infinite, 0 or nan."""

import math

import mpmath
import numpy as np
import pytest
from mpmath import mp

import taylor
from taylor import Taylor, TaylorN

LARGEST = float(np.finfo(float).max)


def relative(got, want):
    want = complex(want)
    return abs(complex(got) - want) / abs(want)


# name -> (f, its n-th derivative at x)
HIGH = {
    "exp": (np.exp, lambda n, x: mp.exp(x)),
    "sin": (np.sin, lambda n, x: mp.sin(x + n * mp.pi / 2)),
    "slow exp": (lambda x: np.exp(1e-3 * x), lambda n, x: mp.mpf(1e-3) ** n * mp.exp(1e-3 * x)),
    "scaled": (
        lambda x: 1e100 * np.exp(1e-5 * x),
        lambda n, x: 1e100 * mp.mpf(1e-5) ** n * mp.exp(1e-5 * x),
    ),
    "pole": (
        lambda x: 1 / (100 + x),
        lambda n, x: (-1) ** n * mp.factorial(n) / (100 + x) ** (n + 1),
    ),
    "product": (lambda x: x * np.exp(-x), lambda n, x: (-1) ** n * (x - n) * mp.exp(-x)),
}  # fmt: skip


@pytest.mark.parametrize("n", [1, 30, 171, 178, 250])
@pytest.mark.parametrize("name", HIGH)
def test_derivatives_of_high_order(name, n):
    f, exact = HIGH[name]
    with mp.workdps(40):
        for x in (0.5, 5.0):
            want = exact(n, mp.mpf(x))
            got = taylor.derivative(f, x, n)
            if abs(want) < 1e-300:
                assert abs(got) < 1e-299
            elif abs(want) < 1e308:
                assert relative(got, want) < 1e-12
            else:
                assert np.isinf(got)
                assert np.sign(got) == mp.sign(want)


def test_all_drivers_of_high_order():
    n = 200
    assert taylor.derivatives(np.exp, 0.0, n) == pytest.approx(np.ones(n + 1), rel=1e-13)
    lanes = np.array([0.0, 1.0, -2.0])
    assert taylor.derivative(np.exp, lanes, n) == pytest.approx(np.exp(lanes), rel=1e-13)
    assert taylor.derivative(np.exp, 0.3j, n) == pytest.approx(np.exp(0.3j), rel=1e-13)
    assert taylor.derivative(np.exp, 0, n) == pytest.approx(1, rel=1e-13)
    f = lambda v: np.exp(v[0] + 1e-3 * v[1])
    along = taylor.directional(f, [0.0, 0.0], [1.0, 500.0], n)
    assert along == pytest.approx(1.5**n, rel=1e-12)
    assert taylor.partial(f, [0.0, 0.0], (5, 60)) == pytest.approx(1e-180, rel=1e-12)
    nested = taylor.derivative(lambda x: taylor.derivative(np.exp, x, 178), 0.0)
    assert nested == pytest.approx(1, rel=1e-13)
    assert taylor.gradient(lambda x: taylor.derivative(np.exp, x, 178), 0.0) == pytest.approx(1)
    compiled = taylor.compile(lambda x: np.exp(x))
    assert taylor.derivative(compiled, 0.0, n) == pytest.approx(1, rel=1e-13)


@pytest.mark.parametrize("n", [20, 34, 35, 60])
def test_single_precision(n):
    for x in (np.float32(0), np.array([0, 1], np.float32)):
        d = taylor.derivative(np.exp, x, n)
        assert d.dtype == np.float32
        assert d == pytest.approx(np.exp(x), rel=2e-6)


def test_what_no_scale_reaches_is_nan():
    assert math.isnan(taylor.derivative(np.exp, 0.0, 1600))


def test_zeros_stay_zeros():
    assert taylor.derivative(lambda x: x**3, 1.0, 200) == 0
    assert taylor.derivative(np.sin, 0.0, 200) == 0
    assert taylor.derivative(np.cos, 0.0, 200) == pytest.approx(1)
    calls = []
    taylor.derivative(lambda x: calls.append(1) or x**3 - x, 1.0, 100)
    assert len(calls) == 1


def test_series_by_hand():
    t = Taylor.variable(0.0, 200)
    d = np.exp(t).derivatives()
    assert d[:165] == pytest.approx(np.ones(165), rel=1e-13)
    assert np.isnan(d[172:]).all()  # the coefficients have underflowed
    assert ((t**3).derivatives()[[3, 4, 200]] == [6, 0, 0]).all()
    assert (1 / (1 - t)).derivative(171) == math.inf
    assert Taylor([0.0, 5e-324]).derivative(1) == 5e-324
    x, y = TaylorN.variables([0.0, 0.0], 3)
    z = np.exp(2e-103 * (x + y))
    assert np.isnan(z.partial((2, 1)))
    assert z.partial((1, 1)) == pytest.approx(4e-206)
    assert np.isnan(z.tensor(3)).all()


# ------------------------------------------------------------------ beyond an infinity
BEYOND = {
    "cbrt": (np.cbrt, lambda x: mp.cbrt(x)),
    "sqrt": (np.sqrt, mp.sqrt),
    "log": (np.log, mp.log),
    "x**0.3": (lambda x: x**0.3, lambda x: x ** mp.mpf(0.3)),
    "x**-2": (lambda x: x**-2, lambda x: x**-2),
    "x**-4": (lambda x: x**-4, lambda x: x**-4),
    "1/x": (lambda x: 1 / x, lambda x: 1 / x),
}


@pytest.mark.parametrize("x", [1e-100, 1e100])
@pytest.mark.parametrize("name", BEYOND)
def test_overflow_has_its_sign_and_underflow_is_zero(name, x):
    f, exact = BEYOND[name]
    with mp.workdps(60):
        u = exact(mp.mpf(x))
        unit = mpmath.taylor(lambda s: exact(x * (1 + s)) / u, 0, 6)  # in units of x
        want = [float(u * c / mp.mpf(x) ** k) for k, c in enumerate(unit)]
    alone = taylor.taylor_coefficients(f, x, 6)
    scaled = taylor.derivatives(f, x, 6) / [1, 1, 2, 6, 24, 120, 720]
    lane = taylor.taylor_coefficients(f, np.array([x, 2.0]), 6)[:, 0]
    plane = f(TaylorN.variables([x, 1.0], 6)[0])
    rows = [plane.coefficient((k, 0)) for k in range(7)]
    for got in (alone, scaled, lane, rows):
        assert got == pytest.approx(want, rel=1e-13, abs=1e-300)


def test_a_scale_at_which_terms_underflow_is_not_taken():
    # x² has no value at 1e-170, log(x)·x is nothing beside 1/x in one scale, and all in others
    for f, want in ((np.square, 2.0), (lambda x: x**2, 2.0), (lambda x: x**x, 1e217)):
        x = 1e-170 if want == 2 else 1e-217
        for g in (f, taylor.compile(f)):
            assert taylor.derivative(g, x, 2) == pytest.approx(want)
            assert taylor.derivatives(g, np.array([x, x]), 2)[2] == pytest.approx([want, want])
            assert taylor.directional(lambda v, g=g: g(v[0]), [x], [1.0], 2) == pytest.approx(want)
            assert taylor.partial(lambda v, g=g: g(v[0]), [x], (2,)) == pytest.approx(want)


def test_moduli_have_derivatives_larger_than_themselves():
    for c in (1e-200, 1e-150):
        x, y = TaylorN.variables([c, 0.0], 2)
        z = np.hypot(x, y)
        assert [z.partial(k) for k in ((1, 0), (0, 1), (1, 1))] == [1, 0, 0]
        for second in (
            z.partial((0, 2)),
            taylor.derivatives(lambda t, c=c: np.hypot(c, t), 0.0, 2)[2],
        ):
            assert second == pytest.approx(1 / c)


def test_a_quotient_in_two_variables():
    x, y = TaylorN.variables([1e200, 1e-200], 2)
    inf = math.inf
    assert (x / y).coef.tolist() == [inf, 1e200, -inf, 0, -inf, inf]


def test_the_sigmoid_underflows_gradually_in_machine_code():
    f = taylor.compile(lambda x: taylor.sigmoid(x))
    for x in (-745.0, -720.0, -30.0, 0.0, 800.0):
        assert f(x) == pytest.approx(taylor.sigmoid(x), rel=1e-15, abs=5e-324)
        assert taylor.gradient(f, x) == pytest.approx(
            taylor.gradient(taylor.sigmoid, x), rel=1e-14, abs=5e-324
        )


@pytest.mark.parametrize("z", [0.0, 2.0**-45, -(2.0**-45), 1e-3, -0.2, 0.24])
@pytest.mark.parametrize("zero", [1.0, 2.0])
def test_lgamma_near_its_zeros(zero, z):
    with mp.workdps(40):
        want = mp.loggamma(mp.mpf(zero + z))
    assert taylor.lgamma(zero + z) == pytest.approx(float(want), rel=1e-15, abs=0)


@pytest.mark.parametrize("r", [1.5, 2.5, -1.5, 0.3, 7.5, 2, 3, -2])
def test_coefficients_of_a_power_do_not_rest_on_its_value(r):
    # c_k = binomial(r, k) x^(r-k) is there, whatever becomes of the others
    points = [1e-300, 1e-217, 1e-150, 1e-60, 1e60, 1e108, 1e160, 1e250]
    with mp.workdps(40):
        power = Taylor.variable(np.array(points), order=3) ** r
        for i, x in enumerate(points):
            want = [mp.binomial(r, k) * mp.mpf(x) ** (mp.mpf(r) - k) for k in range(4)]
            coefficients = (Taylor.variable(x, order=3) ** r).coef
            tangent = taylor.jvp(lambda x: x**r, x, 1.0)
            compiled = taylor.taylor_coefficients(taylor.compile(lambda x: x**r), x, 3)
            scaled = taylor.derivatives(lambda x: x**r, x, 3) / [1, 1, 2, 6]
            for got in (coefficients, power.coef[:, i], tangent, scaled, compiled[1:]):
                for g, w in zip(got, want[4 - len(got) :] if len(got) == 3 else want, strict=False):
                    if mp.mpf(2.3e-308) < abs(w) < mp.mpf(1.7e308):
                        assert relative(g, w) < 1e-14
                    elif abs(w) > LARGEST:
                        assert np.isinf(g) and np.sign(g) == mp.sign(w)


@pytest.mark.parametrize("r", [0.5, 1.5, 0.3, 2.0])
def test_second_derivatives_of_powers_over_the_whole_range(r):
    for x in [*(10.0 ** np.arange(-300, 301, 20)), 1e-310, 1e-217, 1e-158]:
        want = r * (mpmath.mpf(r) - 1) * mpmath.mpf(x) ** (mpmath.mpf(r) - 2)
        if 0 < abs(want) < 2.3e-308:
            continue
        for f in (lambda x: x**r, taylor.compile(lambda x: x**r)):
            got = taylor.derivatives(f, x, 2)[2]
            if abs(want) > LARGEST:
                assert got == -np.inf
            else:
                assert relative(got, want) < 1e-13


@pytest.mark.parametrize("r", [1.5, 2.5])
def test_reverse_mode_of_powers_whose_value_leaves_the_range(r):
    plain = lambda x: np.sum(x**r)
    code = taylor.compile(plain)
    x = np.array([1e-217, 2.0, 1e-290, 1e160, 1e-207])
    taylor.gradient(code, np.full(5, 2.0))
    for n, drivers in enumerate(
        (
            (taylor.gradient, lambda f, x: taylor.vjp(f, x, 1.0)[1]),
            (lambda f, x: taylor.hvp(f, x, np.ones(5)), lambda f, x: np.diag(taylor.hessian(f, x))),
        ),
        1,
    ):
        want = [float(mp.ff(r, n) * mp.mpf(e) ** (r - n)) for e in x]
        for f in (plain, code):
            for driver in drivers:
                np.testing.assert_allclose(driver(f, x), want, rtol=1e-12)
    assert taylor.gradient(lambda x: x / (x * x), 1e-110) == pytest.approx(-1e220)


@pytest.mark.parametrize("x", [1e-160, 1e-300])
def test_second_derivatives_rest_on_no_larger_ones(x):
    entropy = lambda v: np.sum(v * np.log(v))  # 1/x, by way of 1/x²
    point = np.array([x, 0.5])
    for f in (entropy, taylor.compile(entropy)):
        for h in (taylor.hessian(f, point), taylor.tensor(f, point, 2)):
            np.testing.assert_allclose(h, np.diag(1 / point), rtol=1e-14)
        assert taylor.hessian(f, x) == pytest.approx(1 / x, rel=1e-14)
    volume = lambda v: np.linalg.det(np.eye(2) + np.outer(v, v))
    h = taylor.tensor(volume, np.array([x, 2.0]), 2)
    np.testing.assert_allclose(h, 2 * np.eye(2), atol=1e-14)


def test_what_is_infinite_stays_so_and_what_is_not_is_found_in_vjp():
    root = taylor.hessian(lambda v: np.sum(np.sqrt(v)), np.array([1e-250, 1.0]))
    assert root[0, 0] == -np.inf
    square = lambda v: np.log(v * v)  # of which the adjoint 1/v² overflows
    assert taylor.vjp(square, 1e-160, 1.0)[1] == taylor.gradient(square, 1e-160)


SMALL = {  # g, the same for mpmath, and a factor of t with which g(t)·t or t² leaves the range
    "sqrt": (np.sqrt, mp.sqrt, 1e-250), "cbrt": (np.cbrt, mp.cbrt, 1e-250),
    "cbrt of a negative": (lambda x: -np.cbrt(-x), mp.cbrt, 1e-250),
    "power": (lambda x: x**1.5, lambda x: x**1.5, 1e-160),
    "low power": (lambda x: x**0.3, lambda x: x**0.3, 1e-280),
    "large": (np.sqrt, mp.sqrt, 1e290),
    "modulus": (lambda x: np.hypot(x, 2e-200), lambda x: mp.hypot(x, 2e-200), 1e-200),
    "large modulus": (lambda x: np.hypot(x, 2e300), lambda x: mp.hypot(x, 2e300), 1e300),
    "angle": (lambda x: np.arctan2(x, 2e-200), lambda x: mp.atan2(x, 2e-200), 1e-200),
    "entropy": (lambda x: x * np.log(x), lambda x: x * mp.log(x), 1e-200),
    "bits": (lambda x: x * np.log2(x), lambda x: x * mp.log(x, 2), 1e-200),
    "large angle": (lambda x: np.arctan2(x, 2e200), lambda x: mp.atan2(x, 2e200), 1e200),
}  # fmt: skip
MODES = {  # the derivatives of what order, and how they are found
    "derivatives": (range(5), lambda f, t: taylor.derivatives(f, t, 4)),
    "lanes": (range(4), lambda f, t: taylor.derivatives(f, np.full(700, t), 3)[:, -1]),
    "gradient": ([1], lambda f, t: taylor.gradient(f, t)),
    "hessian": ([2], lambda f, t: taylor.hessian(lambda x: np.sum(f(x)), np.full(2, t))[1, 1]),
    "H v": ([2], lambda f, t: taylor.hvp(f, t, 1.0)),
    "reverse twice": ([2], lambda f, t: taylor.gradient(lambda x: taylor.gradient(f, x), t)),
    "tensor": ([3], lambda f, t: taylor.tensor(lambda x: np.sum(f(x)), np.full(2, t), 3)[0, 0, 0]),
    "two variables": ([2], lambda f, t: f(sum(TaylorN.variables([t, 0.0], 2))).partial((1, 1))),
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SMALL)
def test_roots_and_moduli_of_small_and_large_series(name, mode):
    g, exact, s = SMALL[name]
    orders, driver = MODES[mode]

    def f(t):
        return g(t * s)

    with mp.workdps(30):
        want = [mp.diff(lambda t: exact(t * mp.mpf(s)), 0.7, n) for n in orders]
    for h in (f, taylor.compile(f)):
        got = np.atleast_1d(driver(h, 0.7))
        assert [relative(a, b) < 1e-12 for a, b in zip(got, want, strict=True)] == [True] * len(
            want
        )


def test_a_short_side_beside_a_long_one():
    def f(x):
        return np.hypot(x, 2e200)

    for g in (f, taylor.compile(f)):
        slope, bend = taylor.derivatives(g, 1.5, 2)[1:]
        lane = taylor.derivatives(g, np.array([1.5, 1e200]), 2)[1:, 0]
        found = [taylor.gradient(g, 1.5), slope, lane[0]], [taylor.hessian(g, 1.5), bend, lane[1]]
        assert np.ravel(found) == pytest.approx(np.repeat([7.5e-201, 5e-201], 3), rel=1e-12)
    x = np.array([5e216, 9e291])  # at scales up to the largest number
    for k, want in ((2, 1 / 9e291), (3, 0.0)):
        got = taylor.directional(lambda x: np.hypot(x[0], x[1]), x, np.array([1.0, 0.0]), k)
        assert got == pytest.approx(want, rel=1e-12)


def test_nested_powers_that_underflow_are_right_or_unknown():
    for p in (2.5, 3.5, 4.5):
        for x in (1e-250, 1e-120, 1e-90, 1e-60):
            inner = [Taylor([x, 1.0]), Taylor([1.0, 0.0]), Taylor([0.0, 0.0])]
            got = (Taylor(inner) ** p).coef[2].coef[1]
            want = p * (p - 1) * (p - 2) * x ** (p - 3) / 2
            assert (np.isnan(got) and x < 1e-60) or got == pytest.approx(want, rel=1e-12)


def test_derivatives_are_unknown_where_an_argument_overflows_and_never_zero():
    def f(x):
        y = x * x
        found = [g(y) for g in (np.sqrt, np.log, np.log1p, np.log2, np.log10, np.cbrt)]
        found += [g(y) for g in (np.arcsinh, np.arccosh, taylor.digamma, taylor.lgamma)]
        return np.stack([*found, y**0.3, y**-0.3, y**1.7])

    def recorded(driver):
        return lambda f, x: taylor.lanes(lambda x: driver(f, x))(np.array([3.0, x]))[1]

    def slope(f, x):
        return taylor.jvp(f, x, 1.0)[1]

    drivers = (taylor.jacobian, taylor.jacrev, slope, lambda f, x: taylor.derivatives(f, x, 1)[1])
    for driver in (*drivers, *map(recorded, drivers)):
        assert np.isnan(driver(f, 1e160)).all()
        assert np.all(driver(f, 1e10) != 0)
    assert np.isnan(taylor.jacrev(taylor.compile(f), 1e160)).all()
    bend = taylor.lanes(lambda x: taylor.jvp(lambda x: slope(f, x), x, 1.0)[1])
    assert np.isnan(bend(np.array([3.0, 1e160]))[1]).all()


def test_logarithms_of_what_has_overflowed_have_no_slope_in_other_precisions():
    slope = taylor.lanes(lambda x: taylor.jvp(lambda x: np.log(x * x), x, x * 0 + 1)[1])
    for x in ("1e30", "1e160", "1e3000"):
        kind = {"1e30": np.float32, "1e160": np.complex128, "1e3000": np.longdouble}[x]
        with np.errstate(over="ignore"):
            low, high = slope(np.array([3, kind(x)], dtype=kind))
        assert low == pytest.approx(2 / 3, rel=1e-6) and np.isnan(high)


def test_powers_of_zero_stay_zero_where_the_exponent_is_positive():
    x = np.array([0.0, 2.0, 0.5, 0.0])
    wear, moving = (lambda p, x=x: np.sum((x / p[0]) ** p[1]) for x in (x, x[1:3]))
    p = np.array([1.5, 0.5])
    for driver in (taylor.gradient, taylor.hessian, lambda f, p: taylor.tensor(f, p, 3)):
        assert driver(wear, p) == pytest.approx(driver(moving, p), rel=1e-13)
    assert taylor.gradient(taylor.compile(wear), p) == pytest.approx(taylor.gradient(moving, p))
    for f in (np.power, np.float_power):
        lanes = taylor.derivatives(lambda b, f=f: f(x[:2], b), 1.5, 2)
        assert lanes == pytest.approx(np.outer(np.log(2) ** np.arange(3) * 2**1.5, [0, 1]))
    assert not taylor.gradient(lambda v: v[0] ** v[1], np.array([0.0, 1.5])).any()
    assert not np.isfinite(taylor.gradient(lambda b: np.sum(x[:2] ** b), np.zeros(2))[0])


# f of a number of mpmath whose exponent has 40 bits, and its first two derivatives
UNBOUNDED = {
    "x² + x/1e3": (lambda x: x * x + x / 1000, lambda x: (x * x + x / 1000, 2 * x + 0.001, 2)),
    "1/x": (lambda x: 1 / x, lambda x: (1 / x, -1 / x**2, 2 / x**3)),
    "sqrt": (taylor.sqrt, lambda x: (mp.sqrt(x), 0.5 / mp.sqrt(x), -0.25 / mp.sqrt(x) ** 3)),
    "x² + 1": (lambda x: x * x + 1, lambda x: (x * x + 1, 2 * x, 2)),
}


@pytest.mark.parametrize("name", UNBOUNDED)
@pytest.mark.parametrize("x", ["1e1000000000000", "1e-1000000000000"])
def test_exponents_of_mpmath_have_no_bound(name, x):
    f, exact = UNBOUNDED[name]
    for found, want in zip(taylor.derivatives(f, mp.mpf(x), 2), exact(mp.mpf(x)), strict=True):
        assert abs(found - want) <= abs(want) * mp.mpf(1e-14)


@pytest.mark.parametrize("r", [2**62, np.int64(2**62), 1e15, 2**53 + 1])
def test_powers_with_huge_exponents_overflow_and_underflow(r):
    for x, want in ((2.0, math.inf), (0.5, 0.0)):
        assert (Taylor.variable(x, 2) ** r).coef[0] == want
        assert (Taylor.variable(1 / x, 2) ** -r).coef[0] == want
        assert (TaylorN.variables([x, 1.0], 2)[0] ** r).coef[0] == want


@pytest.mark.parametrize("n", [3, 60])
def test_where_f_overflows_no_line_is_asked_for_each_variable(n):
    calls = []

    def f(x):
        calls.append(0)
        return np.sum(np.exp(x**2)) + np.sum(x**40)

    with np.errstate(all="ignore"):
        found = taylor.hvp(f, np.linspace(0.5, 60.0, n), np.ones(n))
    assert found[0] == pytest.approx(3 * math.exp(0.25) + 40 * 39 * 0.5**38) and len(calls) < 12
    assert np.isposinf(found[-1])


# ------------------------------------------------------------------ adjoints out of range
LARGE = {  # name -> (f, its logarithmic derivative): that of b in a/b underflows
    "1/exp": (lambda x: 1 / np.exp(x), lambda x: -1),
    "x/sinh": (lambda x: x / np.sinh(x), lambda x: 1 / x - mp.coth(x)),
    "x³/(exp - 1)": (
        lambda x: x**3 / (np.exp(x) - 1),
        lambda x: 3 / x - mp.exp(x) / mp.expm1(x),
    ),
    "1/(1 + exp)": (lambda x: 1 / (1 + np.exp(x)), lambda x: -1 / (1 + mp.exp(-x))),
    "exp²": (lambda x: 1 / (np.exp(x / 2) * np.exp(x / 2)), lambda x: -1),
    "cosh**-1": (lambda x: np.cosh(x) ** -1, lambda x: -mp.tanh(x)),
    "cosh**-.5": (lambda x: (3 * np.cosh(2 * x)) ** -0.5, lambda x: -mp.tanh(2 * x)),
    "c/(x/exp)": (lambda x: 2e-250 / (np.exp(-x) * x), lambda x: 1 - 1 / x),
    "1/c": (lambda x: 1 / (1e200 * x), lambda x: -1 / x),
    "x/(c·x·x)": (lambda x: x / (1e140 * x * x), lambda x: -1 / x),
    "1/(c/x²)": (lambda x: 1 / (1e200 / x**2), lambda x: 2 / x),
}


@pytest.mark.parametrize("name", LARGE)
def test_adjoints_of_divisors_out_of_range(name):
    f, logarithmic = LARGE[name]
    x = 350.0
    y = f(x)
    want = y * float(logarithmic(mp.mpf(x)))
    whole = lambda v: np.sum(f(v))
    found = [
        taylor.derivative(f, x),
        taylor.gradient(f, x),
        taylor.gradient(taylor.compile(f), x),
        *taylor.gradient(whole, np.array([x, x])),
        *taylor.gradient(taylor.compile(whole), np.array([x, x])),
        *np.diag(taylor.jacrev(f, np.array([x, x]))),
        taylor.gradient(lambda v: 1e150 * f(v) ** 0.5, x) * 2 / 1e150 * y**0.5,
    ]
    assert found == pytest.approx([want] * len(found), rel=1e-11, abs=0)
    assert taylor.hessian(f, x) == pytest.approx(taylor.derivative(f, x, 2), rel=1e-10, abs=0)


# ------------------------------------------------------------------ what has overflowed on the way
LIMITS = {  # name -> (f, x): f is finite, its derivatives are nothing
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), -800.0),
    "swish": (lambda x: x / (1 + np.exp(-x)), -800.0),
    "gauss": (lambda x: 2 / np.exp(x * x), 30.0),
    "sech²": (lambda x: 1 / np.cosh(x) ** 2, 360.0),
    "gumbel": (lambda x: np.exp(-np.exp(-x)), -800.0),
    "arctan": (lambda x: np.arctan(np.exp(x)), 800.0),
    "tanh": (lambda x: np.tanh(np.sinh(x) * x), -800.0),
    "chosen": (lambda x: np.where(x > 0, x, 1 / (1 + 2.0**-x)), -2000.0),
}
UNKNOWN = {  # what is finite by rounding alone
    "log": (lambda x: 1 / np.log(np.exp(x)), 800.0),
    "sqrt": (lambda x: 1e154 / np.sqrt(np.exp(x)), 800.0),
    "fast": (lambda x: 1 / np.exp(1e300 * x), 7.1e-298),
    "far": (lambda x: np.exp(400.0) / np.exp(2 * x), 400.0),
    "power": (lambda x: 1 / x**-2.0, 1e-200),
}


def derivatives_by_all_drivers(f, x):
    """Return what must be f'(x), and what must be f''(x)."""
    code, whole = taylor.compile(f), lambda v: np.sum(f(v))
    v = np.array([x, 0.25, x])
    first = [
        taylor.derivative(f, x),
        taylor.gradient(f, x),
        taylor.jvp(f, x, 1.0)[1],
        taylor.gradient(code, x),
        taylor.derivative(code, x),
        taylor.gradient(whole, v)[0],
        taylor.gradient(taylor.compile(whole), v)[2],
        taylor.derivative(f, v)[0],
        taylor.jacrev(f, v)[0, 0],
        taylor.lanes(lambda t: taylor.gradient(f, t))(v)[0],
    ]
    assert taylor.gradient(code, 0.25) == pytest.approx(taylor.gradient(f, 0.25), rel=1e-13)
    second = [
        taylor.derivative(f, x, 2),
        taylor.hessian(f, x),
        taylor.hvp(whole, v, np.ones(3))[0],
        taylor.derivative(f, v, 2)[2],
    ]
    return first, second


@pytest.mark.parametrize("name", LIMITS)
def test_what_overflows_may_stand_as_a_constant(name):
    f, x = LIMITS[name]
    first, second = derivatives_by_all_drivers(f, x)
    assert first == [0] * len(first)
    assert second == [0] * len(second)
    beside = taylor.gradient(lambda v: np.sum(f(v)), np.array([x, 0.25]))[1]
    assert beside == pytest.approx(taylor.derivative(f, 0.25), rel=1e-13)


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_overflows_may_not_where_a_result_depends_on_it(name):
    f, x = UNKNOWN[name]
    for d in taylor.derivative, taylor.gradient:
        for g in f, taylor.compile(f):
            assert np.isnan(d(g, x))


@pytest.mark.parametrize("x", [-60.0, -80.0, -100.0])
def test_single_numbers_that_overflow(x):
    f = lambda x: 1 / (1 + np.exp(-x))
    want, v = np.float32(0 if x < -90 else taylor.derivative(f, x)), np.array([x, 1.0], np.float32)
    for g in f, taylor.compile(f):
        found = [
            taylor.gradient(g, v[0]),
            taylor.derivative(g, v[0]),
            taylor.hessian(g, v[0]),
            taylor.derivative(g, v)[0],
            taylor.gradient(lambda t, g=g: np.sum(g(t)), v)[0],
        ]
        assert found == pytest.approx([want] * 5, rel=1e-5, abs=0)
        assert {y.dtype for y in found} == {v.dtype}
    far = lambda x: np.float32(1e15) / np.exp(-x)  # may count where it overflows
    assert np.isnan(taylor.gradient(far, np.float32(-89)))


def test_classes_by_hand_far_from_their_edge():
    rng = np.random.default_rng(3)
    x, y = 300 * rng.normal(size=(40, 3)), rng.integers(0, 2, 40)
    loss = lambda w: np.sum((1 / (1 + np.exp(-(x @ w))) - y) ** 2)
    w = np.array([1.0, -2.0, 3.0])
    s = 1 / (1 + np.exp(np.clip(-(x @ w), None, 700)))
    want = (2 * (s - y) * s * (1 - s)) @ x
    assert np.any(x @ w < -720)
    for f in loss, taylor.compile(loss):
        assert taylor.gradient(f, w) == pytest.approx(want, rel=1e-12)
        assert np.isfinite(taylor.hessian(f, w)).all()


@pytest.mark.parametrize("x", [1e200, 1e-200, -1e200, 3e-160])
def test_slopes_far_from_one_go_by_units_of_the_point(x):
    cases = {
        lambda x: 1 / (1 / x) + x: 2,
        lambda x: np.log(abs(1 / x)): -1 / x,
        lambda x: 1e-170 * x: 1e-170,
        lambda x: np.cosh(x / 1e200): math.sinh(x / 1e200) / 1e200,
    }
    for f, want in cases.items():
        for g in f, taylor.compile(f):
            found = taylor.derivative(g, x), taylor.jvp(f, x, 1.0)[1], taylor.gradient(g, x)
            assert found == pytest.approx([want] * 3, rel=1e-14, abs=0)


def test_what_is_recorded_has_slopes_far_from_one_by_units_of_the_point():
    f = lambda x: 1 / (1 / x) + x
    drivers = [
        taylor.derivative,
        taylor.jacobian,
        taylor.jacfwd,
        lambda f, x: taylor.jvp(f, x, 1.0)[1],
        lambda f, x: taylor.derivatives(f, x, 2)[1],
    ]
    for x in 1e200, -1e170, 1e200 + 1e199j, np.float32(1e30):
        for d in drivers:
            found = d(f, x), d(taylor.compile(f), x), taylor.compile(lambda x, d=d: d(f, x))(x)
            assert found == pytest.approx([2] * 3, rel=1e-6 if x == 1e30 else 1e-14)
    assert taylor.derivative(lambda x: np.hypot(2.0, x), 1e100, 2) == pytest.approx(4e-300)


def test_slopes_of_arrays_far_from_one_go_by_units_of_each_number():
    f = lambda x: 1 / (1 / x) + x
    g = lambda x: 8 * x / np.log1p(1 / x)
    for far in (
        (1e200, -1e-300, 1e-200),
        (1e100,),
        (np.float32(1e25), np.float32(-1e-30)),
        (1e200j,),
    ):
        for n in 0, 8:
            x = np.array([0.4, *far, *[2.0] * n], np.result_type(*map(type, far)))
            one, zeros = np.ones_like(x), np.zeros_like(x)
            for found in (
                taylor.derivative(f, x),
                taylor.jvp(f, x, one)[1],
                np.diag(taylor.jacobian(f, x)),
                np.diag(taylor.jacfwd(f, x)),
                taylor.jvp(lambda x: np.sum(f(x)) * np.ones_like(x), x, one)[1] / len(x),
            ):
                assert found == pytest.approx(zeros + 2, rel=1e-6) and found.dtype == x.dtype
    for found in taylor.derivative(g, [0.4, 1e-300]), np.diag(taylor.jacobian(g, [0.4, 1e-300])):
        assert found == pytest.approx([taylor.derivative(g, 0.4), taylor.derivative(g, 1e-300)])
    tied = lambda x: np.maximum(x[0] + x[1], 1e200 + 2 * x[0]) + x[0]  # not along x[0], or x[1]
    assert taylor.jvp(tied, [0.0, 1e200], [1.0, 1.0])[1] == 3
    lost = taylor.jvp(lambda x: np.sum(np.sqrt(x * x)), [0.4, 1e-300], [1.0, 1.0])[1]
    assert not np.isfinite(lost)


def test_adjoints_of_an_angle_out_of_range():
    f, x = (lambda x: np.arctan2(0.09, x) ** 0.25), 1e200
    for d in taylor.gradient(f, x), taylor.gradient(taylor.compile(f), x), taylor.derivative(f, x):
        assert d == pytest.approx(-f(x) / (4 * x), rel=1e-14, abs=0)


def test_what_has_underflowed_has_no_slope_of_zero():
    x = np.array([1e-300, 0.4])
    for f in (lambda x: np.sum((x**2) ** 0.785)), (lambda x: np.sum((x * x) ** 0.5)):
        assert np.isnan(taylor.gradient(f, x)[0])
    assert taylor.laplacian(lambda x: np.sum(x * np.log(x)), np.array([1e-160, 0.5])) == 1e160


def test_angles_and_moduli_of_many_digits_beside_plain_numbers():
    for c in 0.1, 1e200, 1e-200:
        with mp.workdps(50):
            x = mpmath.mpf(3)
            square = mpmath.mpf(c) ** 2 + x**2
            found = taylor.derivative(lambda x, c=c: np.arctan2(c, x), x)
            assert mpmath.almosteq(found, -c / square, 1e-48)
            found = taylor.derivative(lambda x, c=c: np.hypot(x, c), x, 2)
            assert mpmath.almosteq(found, mpmath.mpf(c) ** 2 / square ** mpmath.mpf(1.5), 1e-45)
