"""Every row of the table x its samples x algebras x fields, against mpmath at 60 digits."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from mpmath import mp
from oracle import ORDER, SLOW, coefficients, ulp_error

import taylor
from hyperdual import HyperDual
from taylor import Taylor, TaylorN
from taylor.core.functions import exponential
from taylor.core.table import TABLE, define

TWO_SIDED = {"atan2", "hypot", "logaddexp", "kepler"}


def usual(sample):
    """Whether all coefficients at a sample are of ordinary size."""
    return all(abs(a) < 50 and (a == 0 or abs(a) > 1e-3) for a in np.atleast_1d(sample))


CASES = [
    (name, sample, position)
    for name, row in TABLE.items()
    for sample in row.samples
    for position in ((0, 1) if name in TWO_SIDED else (1,) if name == "exponential" else (0,))
]
FEW = [
    (n, next(s for s in r.samples[::-1] if usual(s)), 1 if n == "exponential" else 0)
    for n, r in TABLE.items()
]
COSTLY = {"zeta", "y0", "y1", "airyai", "airyaip", "airybi", "airybip"}


def label(case):
    return str(case)


def arguments(sample):
    return list(sample) if isinstance(sample, tuple) else [sample]


def run(name, sample, position, series):
    """Return the row with the argument `position` replaced by series(its value)."""
    args = arguments(sample)
    args[position] = series(args[position])
    return TABLE[name](*args)


def is_extreme(sample):
    """Whether numerical differentiation at a fixed step cannot serve as an oracle here."""
    return any(abs(a) > 50 or 0 < abs(a) < 1e-12 for a in arguments(sample))


def reference(name, sample, position):
    """Return (coefficients, order): mpmath's, at extreme points the row's own at 400 digits."""
    order = SLOW.get(name, ORDER)
    if not is_extreme(sample):
        return coefficients(name, sample, position, order), order
    with mp.workdps(400):
        exact = [mp.mpf(a) if not isinstance(a, int) else a for a in arguments(sample)]
        exact[position] = Taylor.variable(exact[position], order)
        return tuple(mp.mpf(c) for c in TABLE[name](*exact).coef), order


@pytest.mark.parametrize("name, sample, position", CASES, ids=label)
def test_accuracy(name, sample, position):
    want, order = reference(name, sample, position)
    got = run(name, sample, position, lambda x: Taylor.variable(float(x), order))
    assert ulp_error(got.coef, want, first=1) <= 64


@pytest.mark.parametrize("name, sample, position", CASES, ids=label)
def test_order_zero_is_the_plain_function_bit_for_bit(name, sample, position):
    row = TABLE[name]
    plain = row(*[float(a) if not isinstance(a, int) else a for a in arguments(sample)])
    for order in (0, 3):
        value = run(name, sample, position, lambda x, k=order: Taylor.variable(float(x), k)).value
        assert value == plain and math.copysign(1, value) == math.copysign(1, plain)
    if row.ufunc is not None and row.ufunc.nin == 1:
        x = Taylor.variable(float(sample), 2)
        assert row.ufunc(x).value == row.ufunc(float(sample))
        lanes = Taylor.variable(np.array(row.samples), 2)
        assert np.array_equal(row.ufunc(lanes).value, row.ufunc(np.array(row.samples)))


@pytest.mark.parametrize("name, sample, position", FEW, ids=label)
def test_multivariate_on_a_plane(name, sample, position):
    """f(x0 + 2u - 3v) has the coefficient c_k C(k, i) 2^i (-3)^(k-i) at u^i v^(k-i)."""
    c = run(name, sample, position, lambda x: Taylor.variable(float(x), 4)).coef

    def plane(x):
        u, v = TaylorN.variables([0.0, 0.0], 4)
        return 2 * u - 3 * v + float(x)

    y = run(name, sample, position, plane)
    for i in range(5):
        for j in range(5 - i):
            want = c[i + j] * math.comb(i + j, i) * 2.0**i * (-3.0) ** j
            scale = abs(c[i + j]) * 5.0 ** (i + j) + np.abs(c).max() * 1e-3
            assert abs(y.coefficient((i, j)) - want) <= 1e-11 * scale


@pytest.mark.parametrize("name, sample, position", FEW, ids=label)
def test_hyperdual_parts_are_derivatives(name, sample, position):
    d = run(name, sample, position, lambda x: Taylor.variable(float(x), 3)).derivatives()
    y = run(name, sample, position, lambda x: HyperDual.from_parts([float(x), 1, 1, 1, 0, 0, 0, 0]))
    parts = [y.value, y.part({1}), y.part({0, 2}), y.part({0, 1, 2})]
    assert parts == pytest.approx(list(d), rel=1e-12, abs=1e-13 * np.abs(d).max())


@pytest.mark.parametrize(
    "name", [n for n, r in TABLE.items() if not isinstance(r.samples[0], tuple)]
)
def test_lanes_are_the_scalars(name):
    row = TABLE[name]
    lanes = row(Taylor.variable(np.array(row.samples, dtype=float), 6)).coef
    for i, sample in enumerate(row.samples):
        alone = row(Taylor.variable(float(sample), 6)).coef
        assert lanes[:, i] == pytest.approx(alone, rel=1e-10, abs=1e-300), sample


@pytest.mark.parametrize("name, sample, position", FEW, ids=label)
def test_mpf(name, sample, position):
    order = 2 if name in COSTLY else 6
    double = run(name, sample, position, lambda x: Taylor.variable(float(x), order)).coef
    with mp.workdps(40):
        y = run(name, sample, position, lambda x: Taylor.variable(mp.mpf(x), order))
        exact = [mp.mpf(a) if not isinstance(a, int) else a for a in arguments(sample)]
        if not isinstance(sample, tuple):
            assert abs(y.value - TABLE[name](exact[0])) <= mp.mpf(10) ** -38 * abs(y.value)
    assert [float(c) for c in y.coef] == pytest.approx(
        list(double), rel=1e-12, abs=1e-13 * float(np.abs(double).max())
    )
    assert mp.dps == 15


def test_intervals_enclose():
    checked = []
    for name, sample, position in FEW:
        try:
            box = run(name, sample, position, lambda x: Taylor.variable(mpmath.iv.mpf(x), 4))
        except TypeError as error:
            assert "mpmath.iv has no" in str(error)
            continue
        with mp.workdps(40):
            point = run(name, sample, position, lambda x: Taylor.variable(mp.mpf(x), 4))
        for b, c in zip(box.coef, point.coef, strict=True):
            assert c in b if hasattr(b, "_mpi_") else c == b, name
        checked.append(name)
    assert len(checked) > 40


@pytest.mark.parametrize(
    "name", ["exp", "sin", "tanh", "sqrt", "atan", "erf", "sinc", "gamma", "j0"]
)
def test_float32_stays_float32(name):
    y = TABLE[name](Taylor.variable(np.float32(0.75), 4))
    want = TABLE[name](Taylor.variable(0.75, 4)).coef
    assert y.dtype == np.float32
    assert y.coef == pytest.approx(want, rel=2e-6)


@pytest.mark.parametrize(
    "name",
    ["exp", "sin", "cosh", "tan", "log", "sqrt", "asin", "atanh", "log1p", "sigmoid", "gamma"],
)
def test_complex(name):
    z, row = 0.4 + 0.3j, TABLE[name]
    got = row(Taylor.variable(z, 6)).coef
    f = {"sigmoid": lambda x: 1 / (1 + mp.exp(-x))}.get(name) or getattr(mp, name)
    want = mpmath.taylor(f, mp.mpc(z), 6)
    assert got == pytest.approx([complex(c) for c in want], rel=1e-12)
    on_axis = row(Taylor.variable(0.4 + 0j, 6)).coef
    assert on_axis == pytest.approx(row(Taylor.variable(0.4, 6)).coef, rel=1e-13)


@pytest.mark.parametrize(
    "name", ["exp", "sin", "cosh", "tan", "expm1", "log1p", "atan", "asinh", "erf"]
)
def test_fractions_are_exact_at_rational_values(name):
    if name == "erf":
        with pytest.raises(TypeError, match="rational"):
            TABLE[name](Taylor.variable(Fraction(1), 5))
        return
    got = TABLE[name](Taylor.variable(Fraction(0), 5)).coef
    want = TABLE[name](Taylor.variable(0.0, 5)).coef
    assert all(isinstance(c, (int, Fraction)) for c in got)
    assert [float(c) for c in got] == pytest.approx(list(want), rel=1e-15)


@pytest.mark.parametrize("name, sample, position", FEW, ids=label)
def test_nesting(name, sample, position):
    """A series at a series has the coefficient C(i+j, i) c_(i+j) at s^i t^j."""
    c = run(name, sample, position, lambda x: Taylor.variable(float(x), 5)).coef
    nested = run(name, sample, position, lambda x: Taylor.variable(Taylor.variable(float(x), 2), 3))
    if nested.dtype == object or not isinstance(nested.coef, Taylor):
        nested = Taylor([Taylor.constant(v, 2) for v in nested.coef])
    for j in range(4):
        for i in range(3):
            want = math.comb(i + j, i) * c[i + j]
            got = nested.coef[j].coef[i]
            assert got == pytest.approx(want, rel=1e-11, abs=1e-12 * np.abs(c).max())


@pytest.mark.parametrize("name, sample, position", FEW, ids=label)
def test_recorded_is_direct(name, sample, position):
    args = [float(a) if not isinstance(a, int) else a for a in arguments(sample)]

    def f(x):
        return TABLE[name](*args[:position], x, *args[position + 1 :])

    program = taylor.record(f, args[position])
    x = Taylor.variable(args[position], 5)
    assert np.array_equal(program(x).coef, f(x).coef, equal_nan=True)


def test_a_defined_row_works_everywhere():
    row = define(
        "gudermann",
        lambda x: np.arctan(np.sinh(x)),
        lambda a, y: (1, taylor.cosh(a)),
        mp=lambda ctx, x: ctx.atan(ctx.sinh(x)),
        samples=(0.5,),
    )
    try:
        want = mpmath.taylor(lambda x: mp.atan(mp.sinh(x)), 0.5, 8)
        assert row(Taylor.variable(0.5, 8)).coef == pytest.approx(
            [float(c) for c in want], rel=1e-13
        )
        x, y = TaylorN.variables([0.25, 0.25], 3)
        assert row(x + y).coefficient((1, 2)) == pytest.approx(3 * float(want[3]))
        assert row(HyperDual(0.5, 1, 1)).eps1eps2 == pytest.approx(2 * float(want[2]))
        assert taylor.derivative(lambda v: taylor.derivative(row, v), 0.5) == pytest.approx(
            2 * float(want[2])
        )
        assert taylor.record(row, 0.5)(0.7) == row(0.7)
        with pytest.raises(ValueError, match="already"):
            define("gudermann", np.sin, lambda a, y: (1, 1))
    finally:
        del TABLE["gudermann"]


def test_exponential_row_is_reached_by_the_operator():
    assert (2.0 ** Taylor.variable(0.5, 3)) == exponential(2.0, Taylor.variable(0.5, 3))


DIVIDENDS = np.array([1.0, -1.0, 1.0, -1.0, 6.0, 0.0, 5.3, 2.0, -7.5])
DIVISORS = np.array([0.1, 0.1, -0.1, -0.1, 2.5, 0.3, np.inf, -0.7, 2.0])


@pytest.mark.parametrize(
    "f", [np.floor_divide, np.remainder, np.fmod, lambda a, b: np.divmod(a, b)[0]]
)
def test_quotients_and_remainders_are_those_of_numpy_to_the_last_bit(f):
    wanted = f(DIVIDENDS, DIVISORS)  # 1.0//0.1 is 9, though 1.0/0.1 is 10.0
    assert np.array_equal(f(taylor.Taylor.variable(DIVIDENDS, 0), DIVISORS).value, wanted)
    assert np.array_equal(taylor.compile(f, strict=True)(DIVIDENDS, DIVISORS), wanted)
    assert np.array_equal(taylor.record(f, DIVIDENDS, DIVISORS)(DIVIDENDS, DIVISORS), wanted)


def test_quotients_of_exact_and_long_numbers_are_not_rounded_first():
    a, b = mpmath.mpf(1), mpmath.mpf("0.1")  # a little more than a tenth
    x = Taylor.variable(a, 1)
    for f, value in (
        (lambda x: x // b, 9),
        (lambda x: x % b, a % b),
        (lambda x: np.fmod(-x, b), -(a % b)),
    ):
        assert f(x).value == value
    assert (Taylor.variable(Fraction(-7, 2), 1) // Fraction(1, 3)).value == -11


@pytest.mark.parametrize("dtype", [float, np.float32])
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("softplus", 0, np.inf),
        ("sigmoid", 0, 1),
        ("tanh", -1, 1),
        ("erf", -1, 1),
        ("atan", None, None),
    ],
)
def test_values_at_infinity_are_limits(name, low, high, dtype):
    f = getattr(taylor, name)
    low, high = (-np.pi / 2, np.pi / 2) if low is None else (low, high)
    x = np.array([-np.inf, np.inf], dtype)
    for found in (f(x), taylor.record(f, np.zeros(2, dtype))(x), taylor.compile(f)(x)):
        np.testing.assert_allclose(found, [low, high], rtol=1e-6)
    assert [float(f(float(v))) for v in x] == pytest.approx([low, high])
    assert [f(Taylor.constant(v, 2)).value for v in x] == pytest.approx([low, high])
