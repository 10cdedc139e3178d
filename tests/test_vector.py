"""Elementary functions of whole vectors against mpmath, over their range and at special values."""

import math

import mpmath as mp
import numpy as np
import pytest

import taylor
from taylor.llvm import vector
from taylor.machine.machine import Machine

RNG = np.random.default_rng(1)
MULTIPLES = [float(mp.pi / 2 * int(n)) for n in RNG.integers(1, 41_000, 600)]  # little is left of x
POINTS = {
    "exp": [*RNG.uniform(-708, 708, 800), *RNG.uniform(-1, 1, 800), *RNG.uniform(-1e-9, 1e-9, 50)],
    "log": [
        *10 ** RNG.uniform(-307, 308, 800),
        *RNG.uniform(0.5, 2.0, 800),
        *(1 + RNG.uniform(-1e-6, 1e-6, 200)),
    ],
    "sin": [*RNG.uniform(-10, 10, 800), *RNG.uniform(-65536, 65536, 800), *MULTIPLES],
    "cos": [*RNG.uniform(-10, 10, 800), *RNG.uniform(-65536, 65536, 800), *MULTIPLES],
}
SPECIAL = [
    0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, -1e-310, 1e-300, 709.7, 710.0, -745.0,
    -746.0, -708.4, 1.0, -1.0, 65536.5, 1e22, 1.7976931348623157e308, 2.2250738585072014e-308,
]  # fmt: skip


def of_lanes(name, x):
    """Return a function at many points, as machine code computes it in tiles."""
    machine = Machine(taylor.record(getattr(taylor, name), 0.5), unit=32)
    return machine.batch(np.asarray(x, float))[1][0]


@pytest.mark.parametrize("name", POINTS)
def test_accurate_over_the_range(name):
    x = POINTS[name]
    with mp.workprec(200):
        for v, y in zip(x, of_lanes(name, x), strict=True):
            wanted = getattr(mp, name)(mp.mpf(float(v)))
            unit = math.ulp(abs(float(wanted)))
            assert abs(mp.mpf(float(y)) - wanted) <= 0.75 * unit, (v, y)


@pytest.mark.parametrize("name", POINTS)
@pytest.mark.filterwarnings("ignore")
def test_special_values_are_those_of_the_library(name):
    x = np.array(SPECIAL * 4)  # among them lanes of the ordinary range
    y, wanted = of_lanes(name, x), getattr(np, name)(x)
    np.testing.assert_allclose(y, wanted, rtol=5e-16, atol=0)
    assert np.array_equal(np.signbit(y[~np.isnan(y)]), np.signbit(wanted[~np.isnan(y)]))


def test_a_lane_does_not_depend_on_its_neighbours():
    x = RNG.uniform(0.1, 10.0, 64)
    mixed = np.where(np.arange(64) % 2, x, np.inf)
    for name in POINTS:
        assert np.array_equal(of_lanes(name, x)[1::2], of_lanes(name, mixed)[1::2])


# what the polynomials stand for, where, and the error of the function that they leave
REST = {
    "EXP": (lambda r: (mp.exp(r) - 1 - r) / r**2, lambda r: r, mp.log(2) / 2, lambda r: r**2),
    "SIN": (lambda r: (mp.sin(r) - r) / r**3, lambda r: r * r, mp.pi / 4, lambda r: r**2),
    "COS": (lambda r: (mp.cos(r) - 1 + r**2 / 2) / r**4, lambda r: r * r, mp.pi / 4,
            lambda r: r**4),
    "LOG": (lambda s: (2 * mp.atanh(s) - 2 * s) / s**3, lambda s: s * s,
            (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1), lambda s: s**2 / 2),
}  # fmt: skip


@pytest.mark.parametrize("name", REST)
def test_polynomials_leave_a_small_part_of_an_ulp(name):
    exact, variable, end, factor = REST[name]
    coefficients = [mp.mpf(c) for c in reversed(getattr(vector, name))]
    with mp.workdps(50):
        for i in range(1, 200):
            r = end * i / 200
            error = mp.polyval(coefficients, variable(r)) - exact(r)
            assert abs(error * factor(r)) < mp.mpf(2) ** -57
