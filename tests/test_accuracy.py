"""Coefficients to order 40 of every row are right to 16 ulp of the envelope, at any point.

The exact ones are the row's own in numbers of 100 digits, whose equations test_elementary compares
with mpmath's functions.  A number goes through machine code where there is some, an array of two
through NumPy.
"""

import functools
import math
import zlib

import numpy as np
import pytest
from mpmath import mp
from oracle import ulp_error
from test_elementary import TWO_SIDED, arguments, is_extreme, run

import hyperdual
import taylor
from taylor import Taylor, TaylorN, record
from taylor.core.algebra import Univariate
from taylor.core.program import expand
from taylor.core.sweep import sweep
from taylor.core.table import TABLE

ORDER = 40
RANGES = {
    "exp": (-9, 9), "expm1": (-40, 9), "exp2": (-9, 9), "log": (0.01, 10), "log1p": (-0.99, 10),
    "log2": (0.01, 10), "log10": (0.01, 10), "sigmoid": (-9, 9), "softplus": (-50, 50),
    "logaddexp": ((-5, 5), (-5, 5)), "sqrt": (0.01, 10), "cbrt": (-10, 10), "reciprocal": (-5, 5),
    "real_power": ((0.1, 5), (-4, 4)), "exponential": ((0.1, 5), (-4, 4)), "sin": (-99, 99),
    "cos": (-99, 99), "tan": (-9, 9), "sec": (-9, 9), "csc": (-9, 9), "cot": (-9, 9),
    "asin": (-1, 1), "acos": (-1, 1), "atan": (-30, 30), "atan2": ((-5, 5), (-5, 5)),
    "hypot": ((-5, 5), (-5, 5)), "sinpi": (-3, 3), "cospi": (-3, 3), "sinh": (-9, 9),
    "cosh": (-9, 9), "sech2": (-9, 9), "tanh": (-9, 9), "cos_atan": (-30, 30), "asinh": (-30, 30),
    "sec_asin": (-1, 1),
    "acosh": (1.01, 20), "atanh": (-1, 1), "gauss": (-6, 25), "npdf": (-35, 6), "erf": (-6, 6),
    "erfc": (-6, 25), "erfcx": (-5, 20), "dawsn": (-12, 12), "ndtr": (-35, 6),
    "log_ndtr": (-35, 6), "sinc": (-12, 12), "expi": (-20, 30), "exp1": (0.01, 99),
    "si": (-50, 50), "ci": (0.01, 99), "airyai": (-30, 10), "airyaip": (-30, 10),
    "airybi": (-30, 10), "airybip": (-30, 10), "lambertw": (-0.3, 9), "lambertw1": (-0.3, 9),
    "kepler": ((0, 0.9), (-3, 3)),
}  # fmt: skip
POINTS = 2
# The rounded first coefficients of a function in its own equation move its branch points, and the
# last ones feel that 40 times: by more where an argument's own rounding does so too
BOUNDS = {"lambertw": 24, "lambertw1": 24, "kepler": 64}


def drawn(name, count=POINTS):
    """Return random points of the range of a row."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    range_ = RANGES[name]
    if isinstance(range_[0], tuple):
        return [tuple(float(rng.uniform(*r)) for r in range_) for _ in range(count)]
    return [float(rng.uniform(*range_)) for _ in range(count)]


def positions(name):
    return (0, 1) if name in TWO_SIDED else (1,) if name == "exponential" else (0,)


@functools.cache
def exact(name, point, position, order=ORDER):
    """Return the coefficients of a row at a point in its argument `position`."""
    with mp.workdps(400 if is_extreme(point) else 100):
        args = [mp.mpf(a) if not isinstance(a, int) else a for a in arguments(point)]
        args[position] = Taylor.variable(args[position], order)
        return tuple(mp.mpf(c) for c in TABLE[name](*args).coef)


def errors(name, point, position):
    """Return the errors of one number and of an array."""
    want = exact(name, point, position)
    one = run(name, point, position, lambda x: Taylor.variable(float(x), ORDER)).coef
    two = run(name, point, position, lambda x: Taylor.variable(np.full(2, float(x)), ORDER)).coef
    return [ulp_error(c, want, first=1) for c in (one, two[:, 0], two[:, 1])]


@pytest.mark.parametrize("name", RANGES)
def test_any_point(name):
    for point in (p for p in (*TABLE[name].samples, *drawn(name)) if not is_extreme(p)):
        for position in positions(name):
            assert max(errors(name, point, position)) <= BOUNDS.get(name, 16), (point, position)


@pytest.mark.parametrize("name", ["atan", "hypot", "tan", "sech2", "erfc", "lgamma", "asinh"])
def test_extreme_samples(name):
    for point in filter(is_extreme, TABLE[name].samples):
        assert max(errors(name, point, 0)) <= 16, point


@pytest.mark.parametrize("name", ["atan", "hypot", "asinh", "tan", "lambertw", "erf", "kepler"])
def test_on_a_plane(name):
    """f(x0 + 2u - 4v) has the coefficient c_k C(k, i) 2^i (-4)^(k-i) at u^i v^(k-i)."""
    order, point = 8, drawn(name)[0]
    position = len(arguments(point)) - 1
    want = exact(name, point, position, order)

    def plane(x):
        u, v = TaylorN.variables([0.0, 0.0], order)
        return 2 * u - 4 * v + float(x)

    y = run(name, point, position, plane)
    for i in range(order + 1):
        c = [
            y.coefficient((i, j)) / (math.comb(i + j, i) * 2.0**i * (-4.0) ** j)
            for j in range(order + 1 - i)
        ]
        padded = [float(v) for v in want[:i]] + c
        assert ulp_error(padded, want, first=1) <= 16


@pytest.mark.parametrize(
    "f", [lambda t: taylor.log(1 + t * t), lambda t: 1 / (3 - t), lambda t: taylor.sqrt(2 + t)]
)
def test_a_recorded_divisor_is_not_rounded(f):
    for x in (0.1, 1 / 3, 0.7):
        table = Taylor.variable(x, ORDER).coef
        (got,) = sweep(expand(record(f, x)), Univariate(ORDER), [table])
        with mp.workdps(100):
            want = f(Taylor.variable(mp.mpf(x), ORDER)).coef
        assert ulp_error(got, want, first=1) <= 8


def _order_two(name, x):
    """Return f''(x), which is odd, of the inverse function."""
    x = mp.mpf(x)
    return {
        "asin": x / (1 - x * x) ** 1.5,
        "acos": -x / (1 - x * x) ** 1.5,
        "atan": -2 * x / (1 + x * x) ** 2,
        "asinh": -x / (1 + x * x) ** 1.5,
        "atanh": 2 * x / (1 - x * x) ** 2,
    }[name]


def _of_variables(f, x):
    u, v = TaylorN.variables([x, 0.0], 2)
    return f(u + v).coefficient((1, 1))


ODD = {
    "series": lambda f, x: taylor.derivative(f, x, 2),
    "lanes": lambda f, x: taylor.derivative(f, np.array([x, 0.5]), 2)[0],
    "compiled": lambda f, x: taylor.derivative(taylor.compile(f), x, 2),
    "complex": lambda f, x: taylor.derivative(f, complex(x), 2).real,
    "mpmath": lambda f, x: taylor.derivative(f, mp.mpf(x), 2),
    "TaylorN": _of_variables,
    "HyperDual": lambda f, x: hyperdual.hessian(lambda v: f(v[0]), np.array([x]))[0, 0],
    "hessian": lambda f, x: taylor.hessian(lambda v: f(v[0]), np.array([x]))[0, 0],
    "nested": lambda f, x: taylor.derivative(lambda t: taylor.derivative(f, t, 1), x, 1),
    "reverse": lambda f, x: taylor.gradient(lambda t: taylor.gradient(f, t), x),
}


@pytest.mark.parametrize("route", ODD)
@pytest.mark.parametrize("name", ["asin", "acos", "atan", "asinh", "atanh"])
def test_an_odd_derivative_is_small_near_zero(name, route):
    for x in (0.25, 1e-2, -1e-8, 1e-20, 1e-300):
        want = float(_order_two(name, x))
        assert abs(ODD[route](TABLE[name], x) / want - 1) <= 4e-15, x
