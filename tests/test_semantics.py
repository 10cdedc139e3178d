"""What happens at singular points, kinks, ties, and of wrong input: one table a section."""

import copy
import itertools
import math
import operator
import pickle
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from shared import together

import taylor
from hyperdual import HyperDual
from taylor import (
    AlgebraMismatch,
    DomainError,
    ForeignNodeError,
    GuardError,
    IntegrationError,
    NonAnalyticError,
    OrderMismatch,
    PoleError,
    ShapeMismatch,
    Taylor,
    TaylorError,
    TaylorN,
    TraceError,
    record,
)
from taylor.machine import engine

NAN, INF = math.nan, math.inf


def uni(x, order=3):
    return Taylor.variable(x, order)


def multi(x, order=3):
    return TaylorN.variables([x, 0.5], order)[0]


def dual(x, order=2):
    return HyperDual(x, 1.0, 1.0)


KINDS = [uni, multi, dual]


def quiet(f, *args):
    """Return f(*args) where NumPy's own function warns."""
    with np.errstate(all="ignore"):
        return f(*args)


def names(table):
    return [str(row[0]) for row in table]


# ------------------------------------------------------------------ the hierarchy of errors
HIERARCHY = [
    (DomainError, (TaylorError, ValueError, ArithmeticError)),
    (PoleError, (DomainError, ZeroDivisionError)),
    (NonAnalyticError, (DomainError,)),
    (OrderMismatch, (TaylorError, ValueError)),
    (AlgebraMismatch, (TaylorError, ValueError)),
    (ShapeMismatch, (TaylorError, ValueError)),
    (TraceError, (TaylorError,)),
    (GuardError, (TaylorError,)),
    (ForeignNodeError, (TaylorError,)),
    (IntegrationError, (TaylorError,)),
]


@pytest.mark.parametrize("error, bases", HIERARCHY, ids=lambda e: getattr(e, "__name__", ""))
def test_hierarchy_of_errors(error, bases):
    for base in (*bases, TaylorError):
        assert issubclass(error, base)


# ------------------------------------------------------------------ where a scalar raises
OUTSIDE = [
    ("sqrt", np.sqrt, (0.0, -1.0), DomainError),
    ("cbrt", np.cbrt, (0.0,), DomainError),
    ("log", np.log, (0.0, -1.0), DomainError),
    ("log2", np.log2, (0.0, -1.0), DomainError),
    ("log10", np.log10, (0.0, -1.0), DomainError),
    ("log1p", np.log1p, (-1.0, -2.0), DomainError),
    ("power", lambda x: x**0.5, (0.0, -1.0), DomainError),
    ("power", lambda x: x**-0.5, (-1.0,), DomainError),
    ("power", lambda x: x**x, (-1.5,), DomainError),
    ("asin", np.arcsin, (1.0, -1.0, 2.0), DomainError),
    ("acos", np.arccos, (1.0, -1.0, 2.0), DomainError),
    ("acosh", np.arccosh, (1.0, 0.5, -3.0), DomainError),
    ("atanh", np.arctanh, (1.0, -1.0, 2.0), DomainError),
    ("atan2", lambda x: np.arctan2(x, 2 * x), (0.0,), DomainError),
    ("division", lambda x: 1 / x, (0.0,), PoleError),
    ("division", lambda x: (1 + x) / x, (0.0,), PoleError),
    ("division", lambda x: x / 0, (0.0, 1.0), PoleError),
    ("reciprocal", np.reciprocal, (0.0,), PoleError),
    ("division", lambda x: x**-1, (0.0,), PoleError),
    ("division", lambda x: x**-2, (0.0,), PoleError),
    ("power", lambda x: x**-0.5, (0.0,), PoleError),
    ("gamma", taylor.gamma, (0.0, -1.0, -2.0), PoleError),
    ("lgamma", taylor.lgamma, (0.0, -1.0), PoleError),
    ("digamma", taylor.digamma, (0.0, -3.0), PoleError),
    ("zeta", taylor.zeta, (1.0,), PoleError),
    ("csc", taylor.csc, (0.0,), PoleError),
    ("cot", taylor.cot, (0.0,), PoleError),
    ("division", lambda x: np.exp(-1 / x), (0.0,), PoleError),
    ("abs", abs, (0.0,), NonAnalyticError),
    ("abs x³", lambda x: abs(x**3), (0.0,), NonAnalyticError),
    ("maximum", lambda x: np.maximum(x, 0), (0.0,), NonAnalyticError),
    ("minimum", lambda x: np.minimum(x, 0), (0.0,), NonAnalyticError),
    ("maximum", lambda x: np.maximum(x, 1 - x), (0.5,), NonAnalyticError),
    ("clip", lambda x: np.clip(x, 0, 1), (0.0, 1.0), NonAnalyticError),
    ("sign", np.sign, (0.0,), NonAnalyticError),
    ("copysign", lambda x: np.copysign(2.0, x), (0.0, -0.0), NonAnalyticError),
    ("floor_divide", lambda x: x % 1, (1.0, -2.0), NonAnalyticError),
    ("heaviside", lambda x: np.heaviside(x, 0.5), (0.0,), NonAnalyticError),
    ("floor", np.floor, (0.0, 2.0, -3.0), NonAnalyticError),
    ("ceil", np.ceil, (0.0, 2.0), NonAnalyticError),
    ("trunc", np.trunc, (2.0, -1.0), NonAnalyticError),
    ("rint", np.rint, (0.5, -1.5), NonAnalyticError),
    ("floor", lambda x: x % 2, (4.0, 0.0), NonAnalyticError),
    ("floor", lambda x: x // 2, (4.0, 0.0), NonAnalyticError),
    ("hypot", lambda x: np.hypot(x, 2 * x), (0.0,), NonAnalyticError),
]
RAISING = [(n, f, x, e) for n, f, points, e in OUTSIDE for x in points]


@pytest.mark.parametrize(
    "name, f, x, error, kind",
    # x³ is exactly zero in the square-free algebra of order 2
    [(*row, k) for row in RAISING for k in KINDS if k is not dual or row[0] != "abs x³"],
)
def test_scalar_raises(name, f, x, error, kind):
    with pytest.raises(error) as caught:
        f(kind(x))
    assert caught.type is error
    assert len(str(caught.value)) > 20


@pytest.mark.parametrize(
    "name, f, x, said",
    [
        ("sqrt", np.sqrt, -2.25, "-2.25"),
        ("log", np.log, -2.25, "-2.25"),
        ("asin", np.arcsin, 2.25, "2.25"),
        ("acosh", np.arccosh, 0.25, "0.25"),
        ("gamma", taylor.gamma, -3.0, "-3"),
        ("floor", np.floor, 7.0, "7"),
        ("power", lambda x: x**0.5, -2.25, "-2.25"),
    ],
)
def test_an_error_names_the_function_and_the_point(name, f, x, said):
    with pytest.raises(DomainError) as caught:
        quiet(f, uni(x))
    assert name in str(caught.value)
    assert said in str(caught.value)


# ------------------------------------------------------------------ where nothing is singular
PLAIN_VALUE = [
    ("sqrt", np.sqrt, 0.0),
    ("cbrt", np.cbrt, 0.0),
    ("abs", abs, 0.0),
    ("sign", np.sign, 0.0),
    ("floor", np.floor, 2.0),
    ("rint", np.rint, 0.5),
    ("asin", np.arcsin, 1.0),
    ("acos", np.arccos, -1.0),
    ("acosh", np.arccosh, 1.0),
    ("x**0.5", lambda x: x**0.5, 0.0),
    ("x**2.5", lambda x: x**2.5, 0.0),
    ("maximum", lambda x: np.maximum(x, 0.0), 0.0),
    ("clip", lambda x: np.clip(x, 0.0, 1.0), 1.0),
    ("heaviside", lambda x: np.heaviside(x, 0.5), 0.0),
    ("hypot", lambda x: np.hypot(x, x), 0.0),
    ("atan2", lambda x: np.arctan2(x, x), 0.0),
    ("mod", lambda x: x % 2.0, 4.0),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name, f, x", PLAIN_VALUE, ids=names(PLAIN_VALUE))
def test_an_inactive_argument_gives_the_plain_value(name, f, x, kind):
    y = f(0 * kind(x) + x)
    assert y.value == f(np.float64(x))
    assert not y.active


@pytest.mark.parametrize("name, f, x", PLAIN_VALUE, ids=names(PLAIN_VALUE))
def test_order_zero_gives_the_plain_value(name, f, x):
    assert f(Taylor.variable(x, 0)).coef.tolist() == [f(np.float64(x))]
    assert f(TaylorN.variables([x], 0)[0]).coef.tolist() == [f(np.float64(x))]
    assert taylor.derivatives(f, x, 0).tolist() == [f(np.float64(x))]


# ------------------------------------------------------------------ powers
@pytest.mark.parametrize("two", [2, 2.0, np.float64(2), np.int8(2), Fraction(4, 2), np.array(2.0)])
@pytest.mark.parametrize("base", [-3.0, 0.0, 1e-200, 5.0])
def test_integer_valued_powers_are_products(base, two):
    for power in (operator.pow, np.float_power):
        y = power(uni(base), two)
        assert y.coef.tolist() == [base * base, 2 * base, 1, 0]
        assert math.copysign(1, y.coef[3]) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("zero", [0, 0.0, -0.0, Fraction(0)])
@pytest.mark.parametrize("base", [NAN, INF, 0.0, -2.0])
def test_power_zero_is_one_even_at_nan(base, zero, kind):
    y = kind(base) ** zero
    assert y.value == 1
    assert not y.active


POWERS_AT_ZERO = [(0.5, 0), (1.5, 1), (2.5, 2), (2.5, 1), (3.25, 3)]


@pytest.mark.parametrize("kind", [uni, multi])
@pytest.mark.parametrize("p, order", POWERS_AT_ZERO)
def test_fractional_powers_at_zero_give_what_exists(p, order, kind):
    y = kind(0.0, order) ** p
    assert not np.any(y.coef)
    with pytest.raises(DomainError):
        kind(0.0, math.floor(p) + 1) ** p


@pytest.mark.parametrize("p, order", POWERS_AT_ZERO)
def test_fractional_powers_at_zero_in_lanes(p, order):
    c = (Taylor.variable(np.array([0.0, 2.0]), 5) ** p).coef
    top = math.floor(p)
    assert c[: top + 1, 0].tolist() == [0] * (top + 1)
    assert not np.isfinite(c[top + 1 :, 0]).any()
    assert c[:, 1] == pytest.approx((uni(2.0, 5) ** p).coef, rel=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_zero_to_the_power_x(kind):
    for x in (2.0, 0.25):
        y = 0 ** kind(x)
        assert y.value == 0
        assert not y.active
    for x in (0.0, -1.0):
        with pytest.raises(DomainError):
            0 ** kind(x)
    assert (0.0 ** kind(0.5 + 1j) == 0) is True
    a, z, log = mpmath.mpf(-2), mpmath.mpc(1.25, 0.5), mpmath.log(-2)
    y = (-2.0) ** kind(1.25 + 0.5j)
    assert y.value == pytest.approx(complex(a**z), rel=1e-14)
    assert y.coef[1] == pytest.approx(complex(a**z * log), rel=1e-14)


@pytest.mark.parametrize("base", [0, 0.0, -2.0, np.array(-2.0), mpmath.mpf(0), Fraction(0)])
def test_a_base_without_an_expansion_spoils_its_lanes_only(base):
    x = uni(np.array([1.0, -0.5]), 2)
    found, wanted = base**x, np.full(2, base) ** x
    slopes = np.diag(taylor.jacobian(lambda x: base**x, x.value))
    for y in (found.coef[1], slopes):
        assert np.isfinite(y.astype(float)).tolist() == [base == 0, False]
    np.testing.assert_array_equal(found.coef.astype(float), wanted.coef.astype(float))


# ------------------------------------------------------------------ common factors
@pytest.mark.parametrize(
    "f, order, expected",
    [
        (lambda x: np.sin(x) / x, 4, [1, 0, -1 / 6, 0]),
        (lambda x: (1 - np.cos(x)) / x**2, 5, [0.5, 0, -1 / 24, 0]),
        (lambda x: x / np.expm1(x), 3, [1, -0.5, 1 / 12]),
        (lambda x: x**2 / x, 3, [0, 1, 0]),
        (lambda x: x / x, 1, [1]),
        (lambda x: (0 * x) / x, 3, [0, 0, 0]),
    ],
)
def test_a_common_factor_cancels_and_lowers_the_order(f, order, expected):
    y = f(uni(0.0, order))
    assert y.order == len(expected) - 1
    assert y.coef == pytest.approx(expected, rel=1e-15, abs=1e-16)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x / x**2,
        lambda x: x**3 / x**4,
        lambda x: np.sin(x) / (1 - np.cos(x)),
        lambda x: x**5 / x**5,
        lambda x: x / (0 * x),
        lambda x: (0 * x) / (0 * x),
    ],
)
def test_too_little_left_is_a_pole(f):
    with pytest.raises(PoleError):
        f(uni(0.0, 4))


def test_drivers_go_on_where_a_factor_cancels():
    d = taylor.derivatives(lambda x: np.sin(x) / x, 0.0, 4)
    assert d == pytest.approx([1, 0, -1 / 3, 0, 1 / 5], abs=1e-15)


@pytest.mark.parametrize("kind", [multi, dual])
def test_no_cancellation_in_several_variables(kind):
    with pytest.raises(PoleError):
        kind(0.0) / kind(0.0)


@pytest.mark.parametrize(
    "v, error", [(1, DomainError), (2, NonAnalyticError), (3, DomainError), (6, NonAnalyticError)]
)
def test_sqrt_of_a_series_that_starts_late(v, error):
    x = uni(0.0, 9)
    with pytest.raises(error) as caught:
        np.sqrt(x**v * (1 + x))
    assert caught.type is error


ROOTS = {  # of what starts at a higher degree, and the second derivative at zero
    "sqrt": (lambda x: np.sqrt(x**4 * (1 + x)), 2.0),
    "cbrt": (lambda x: np.cbrt(x**3 * (8 + x)) ** 2, 8.0),
    "power": (lambda x: (x**4 * (1 + x)) ** 1.5, 0.0),
}


@pytest.mark.parametrize("name", ROOTS)
def test_roots_in_lanes_are_those_of_numbers(name):
    f, bend = ROOTS[name]
    one, lanes = (f(Taylor.variable(x, 6) + 0) for x in (np.array(0.0), np.array([0.0, 0.5])))
    h = lambda x: np.sum(f(x))
    known = lanes.coef[:, 0]
    np.testing.assert_array_equal(known[~np.isnan(known)], one.coef[: sum(~np.isnan(known))])
    x, v = np.zeros(2), np.array([1.0, 2.0])
    np.testing.assert_allclose(taylor.gradient(h, x), 0, atol=1e-14)
    np.testing.assert_allclose(taylor.hessian(h, x), bend * np.eye(2), atol=1e-14)
    np.testing.assert_allclose(taylor.hvp(h, x, v), bend * v, atol=1e-14)


def test_sqrt_that_is_analytic():
    x = uni(0.0, 8)
    y = np.sqrt(x**4 * (1 + x))
    assert y.order == 6
    assert y.coef == pytest.approx([0, 0, 1, 1 / 2, -1 / 8, 1 / 16, -5 / 128], abs=1e-16)
    with pytest.raises(DomainError):
        np.sqrt(-(x**4))


def test_the_formal_branch_is_explicit():
    x = uni(0.0, 5)
    y = taylor.formal_sqrt(x**2 * (1 + x))
    assert y.order == 4
    assert y.coef == pytest.approx([0, 1, 1 / 2, -1 / 8, 1 / 16], abs=1e-16)
    with pytest.raises(DomainError):
        taylor.formal_sqrt(x)


# ------------------------------------------------------------------ cuts, overflow, causality
@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize(
    "f, x, value, slope",
    [
        (np.log, -1, math.pi * 1j, -1),
        (np.sqrt, -4, 2j, 1 / 4j),
        (lambda x: x**0.5, -4, 2j, 1 / 4j),
        (np.arccosh, 0.5, math.pi / 3 * 1j, 1 / (math.sqrt(0.75) * 1j)),
    ],
)
def test_principal_value_from_above_on_a_branch_cut(f, x, value, slope, zero):
    y = f(uni(complex(x, zero)))
    assert y.coef[:2] == pytest.approx([value, slope], rel=1e-15)


OVERFLOW = [
    (np.exp, 800.0, [INF, INF, INF, INF]),
    (lambda x: -np.exp(x), 800.0, [-INF, -INF, -INF, -INF]),
    (lambda x: np.exp(-x), -800.0, [INF, -INF, INF, -INF]),
    (np.exp, -800.0, [0, 0, 0, 0]),
    (np.sinh, 800.0, [INF, INF, INF, INF]),
    (np.sinh, -800.0, [-INF, INF, -INF, INF]),
    (np.cosh, -800.0, [INF, -INF, INF, -INF]),
    (np.expm1, 800.0, [INF, INF, INF, INF]),
    (lambda x: x**2, 1e200, [INF, 2e200, 1, 0]),
    (lambda x: x**2, -1e200, [INF, -2e200, 1, 0]),
    (lambda x: x**3, 1e200, [INF, INF, 3e200, 1]),
    (lambda x: x**3, -1e200, [-INF, INF, -3e200, 1]),
    (lambda x: x * 1e200, 1e200, [INF, 1e200, 0, 0]),
]


@pytest.mark.parametrize("f, x, expected", OVERFLOW)
def test_overflow_is_inf_of_the_right_sign(f, x, expected):
    scalar = quiet(f, uni(x)).coef
    lanes = quiet(f, Taylor.variable(np.array([x, 1.0]), 3)).coef
    assert scalar.tolist() == pytest.approx(expected, rel=1e-15)
    assert lanes[:, 0].tolist() == pytest.approx(expected, rel=1e-15)
    assert lanes[:, 1] == pytest.approx(quiet(f, uni(1.0)).coef, rel=1e-15)


CAUSAL = {
    "exp": np.exp,
    "sin": np.sin,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "asin": np.arcsin,
    "erf": taylor.erf,
    "x*x": lambda x: x * x,
    "x**3": lambda x: x**3,
    "x**2.5": lambda x: x**2.5,
    "1/x": lambda x: 1 / x,
    "exp/x": lambda x: np.exp(x) / x,
    "abs": abs,
    "max": lambda x: np.maximum(x, 0.1),
    "where": lambda x: np.where(x > 0, x, -x),
    "gamma": taylor.gamma,
    "digamma": taylor.digamma,
    "atan2": lambda x: np.arctan2(x, 2.0),
}


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("name", CAUSAL)
def test_a_bad_coefficient_leaves_those_below_it_right(name, bad):
    f = CAUSAL[name]
    good = np.array([0.5, 1.0, 0.25, 0.125, 1.0])
    for j in range(1, 5):
        spoiled = good.copy()
        spoiled[j] = bad
        below, right = f(Taylor(spoiled)).coef[:j], f(Taylor(good)).coef[:j]
        np.testing.assert_allclose(below, right, rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize("bad", [NAN, INF])
def test_a_scalar_scales_and_never_convolves(bad):
    x = Taylor([1.0, bad, 0.0, 2.0])
    expected = [3.0, 3 * bad, 0.0, 6.0]
    for y in (3 * x, x * 3.0, x * np.float64(3), np.float64(3) * x, x * np.array(3.0), x / (1 / 3)):
        assert y.coef == pytest.approx(expected, nan_ok=True)
    assert (x + 1).coef == pytest.approx([2, bad, 0, 2], nan_ok=True)
    assert (1 - x).coef == pytest.approx([0, -bad, 0, -2], nan_ok=True)


# ------------------------------------------------------------------ kinks and ties
BRANCHES = [
    ("abs +", abs, 2.0, lambda x: x),
    ("abs -", abs, -2.0, lambda x: -x),
    ("abs x²", lambda x: abs(x**2), 0.0, lambda x: x**2),
    ("abs -x²", lambda x: abs(-(x**2)), 0.0, lambda x: x**2),
    ("abs x⁴", lambda x: abs(x**4 - x**5), 0.0, lambda x: x**4 - x**5),
    ("max left", lambda x: np.maximum(x, 1), 2.0, lambda x: x),
    ("max right", lambda x: np.maximum(1, x), 2.0, lambda x: x),
    ("max tie", lambda x: np.maximum(2 * x - 1, x**2), 1.0, lambda x: x**2),
    ("min tie", lambda x: np.minimum(2 * x - 1, x**2), 1.0, lambda x: 2 * x - 1),
    ("max(x, x)", lambda x: np.maximum(x, x), 0.0, lambda x: x),
    ("min(f, f)", lambda x: np.minimum(np.sin(x), np.sin(x)), 0.0, np.sin),
    ("clip inside", lambda x: np.clip(x, 0, 1), 0.5, lambda x: x),
    ("clip below", lambda x: np.clip(x, 0, 1), -0.5, lambda x: 0 * x),
    ("clip above", lambda x: np.clip(x, 0, 1), 1.5, lambda x: 0 * x + 1),
    ("clip low only", lambda x: np.clip(x, 0, None), 0.5, lambda x: x),
    ("sign", np.sign, -2.0, lambda x: 0 * x - 1),
    ("copysign", lambda x: np.copysign(x, -x), -2.0, lambda x: -x),
    ("floor", np.floor, 2.5, lambda x: 0 * x + 2),
    ("heaviside", lambda x: np.heaviside(x, 0.5), 1.0, lambda x: 0 * x + 1),
    ("mod", lambda x: x % 2, 5.5, lambda x: x - 4),
    ("hypot", lambda x: np.hypot(x, 0.0), 2.0, lambda x: x),
]


@pytest.mark.parametrize(
    "name, f, x, branch, kind",
    # (ε1 + ε2)² = 2 ε1ε2 changes sign: see the next test
    [
        (*b, k)
        for b in BRANCHES
        for k in KINDS
        if k is not dual or not ("²" in b[0] or "tie" in b[0])
    ],
)
def test_the_branch_of_a_kink(name, f, x, branch, kind):
    at = kind(x, 7) if kind is not dual else kind(x)
    assert f(at).coef == pytest.approx(branch(at).coef, abs=1e-15)


def test_the_square_of_epsilons_has_no_sign():
    with pytest.raises(NonAnalyticError):
        abs(dual(0.0) ** 2)


def test_ties_in_several_variables():
    x, y = TaylorN.variables([0.0, 0.0], 4)
    assert abs(x**2 + y**2) == x**2 + y**2
    assert np.maximum(-(x**2) - 2 * y**2, 0) == 0 * x
    for undecided in (x * y, x**2 - y**2, x + y**2, x**2 + y):
        with pytest.raises(NonAnalyticError):
            abs(undecided)


LANES_AT_KINKS = [
    ("abs", abs, 0.0, [0]),
    ("abs x³", lambda x: abs(x**3), 0.0, [0, 0, 0]),
    ("abs x²", lambda x: abs(x**2), 0.0, [0, 0, 1, 0, 0]),
    ("max", lambda x: np.maximum(x, x + x**3), 0.0, [0, 1, 0]),
    ("relu", lambda x: np.maximum(x, 0), 0.0, [0]),
    ("clip", lambda x: np.clip(x, 0, 1), 1.0, [1]),
    ("sign", np.sign, 0.0, [0]),
    ("copysign", lambda x: np.copysign(2.0, x), 0.0, [2]),
    ("floor", np.floor, 3.0, [3]),
    ("heaviside", lambda x: np.heaviside(x, 0.5), 0.0, [0.5]),
    ("mod", lambda x: x % 2.0, 4.0, [0]),
    ("hypot", lambda x: np.hypot(x, 2 * x), 0.0, [0]),
    ("sqrt", np.sqrt, 0.0, [0]),
    ("cbrt", np.cbrt, 0.0, [0]),
    ("asin", np.arcsin, 1.0, [math.pi / 2]),
    ("acosh", np.arccosh, 1.0, [0]),
]


def first_power_of(x, order):
    """Return the coefficients 1, x, x², ... of a TaylorN series in (x, y) along x."""
    y = TaylorN.variables([x, 0.5], order)[0]
    return y, [y.algebra.index((k, 0)) for k in range(order + 1)]


@pytest.mark.parametrize("name, f, x, exists", LANES_AT_KINKS, ids=names(LANES_AT_KINKS))
def test_lanes_in_several_variables(name, f, x, exists):
    y, rows = first_power_of(np.array([x, 2.7 if name == "acosh" else 0.3]), 4)
    c = f(y).coef
    assert c[rows[: len(exists)], 0].tolist() == exists
    assert not np.isfinite(c[rows[len(exists) :], 0]).any()
    assert np.isfinite(c[:, 1]).all()


def test_integer_powers_beside_fractional_ones_in_lanes():
    c = (Taylor.variable(np.zeros(4), 3) ** np.array([0.5, 1.0, 2.0, 0.0])).coef
    assert c[:, 1:].T.tolist() == [[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]]
    assert c[0, 0] == 0
    assert not np.isfinite(c[1:, 0]).any()


@pytest.mark.parametrize("name, f, x, exists", LANES_AT_KINKS, ids=names(LANES_AT_KINKS))
def test_a_lane_keeps_what_exists_then_nothing_finite(name, f, x, exists):
    other = 0.3 if x == 1 and name != "acosh" else 2.7
    c = f(Taylor.variable(np.array([x, other, x]), 4)).coef
    for lane in (0, 2):
        assert c[: len(exists), lane].tolist() == exists
        assert not np.isfinite(c[len(exists) :, lane]).any()
    assert c[:, 1] == pytest.approx(f(uni(other, 4)).coef, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize(
    "f, x, value",
    [
        (np.log, 0.0, -INF),
        (np.log1p, -1.0, -INF),
        (lambda x: 1 / x, 0.0, INF),
        (lambda x: -2 / x, 0.0, -INF),
        (lambda x: x**-2, 0.0, INF),
        (lambda x: x**-0.5, 0.0, INF),
        (lambda x: (1 + x) / x, 0.0, INF),
        (np.arctanh, 1.0, INF),
    ],
)
def test_a_lane_at_a_pole_is_infinite(f, x, value):
    other = 0.5
    c = quiet(f, Taylor.variable(np.array([x, other]), 3)).coef
    assert c[0, 0] == value
    assert not np.isfinite(c[:, 0]).any()
    assert c[:, 1] == pytest.approx(f(uni(other)).coef, rel=1e-15)


@pytest.mark.parametrize("seed", [Taylor.variable, lambda v, k: TaylorN.variables([v, v], k)[0]])
@pytest.mark.parametrize(
    "f, bad, good",
    [
        (np.sqrt, -1.0, 4.0),
        (np.log, -1.0, 4.0),
        (np.log2, -1.0, 4.0),
        (np.log1p, -2.0, 4.0),
        (lambda x: x**0.5, -1.0, 4.0),
        (lambda x: x**-1.5, -1.0, 4.0),
        (np.arcsin, 2.0, 0.5),
        (np.arccos, -2.0, 0.5),
        (np.arccosh, 0.5, 2.0),
        (np.arctanh, 2.0, 0.5),
        (lambda x: np.log(np.sqrt(x)), -1.0, 2.0),
    ],
)
def test_outside_of_the_domain_a_lane_is_nan_in_all_orders(f, bad, good, seed):
    c = quiet(f, seed(np.array([good, bad]), 3)).coef
    assert np.isnan(c[c[:, 0] != 0, 1]).all()
    assert np.isnan(c[0, 1])
    assert c[:, 0] == pytest.approx(f(seed(np.array(good), 3)).coef, rel=1e-15)


SINGULAR = {
    "1/x": lambda x: 1 / x,
    "x/x": lambda x: x / x,
    "log": np.log,
    "sqrt": np.sqrt,
    "x**1.5": lambda x: x**1.5,
    "x**-2": lambda x: x**-2,
    "x**-0.5": lambda x: x**-0.5,
    "cbrt": np.cbrt,
    "reciprocal": np.reciprocal,
    "arcsin": lambda x: np.arcsin(1 + x),
    "exp(1/x)": lambda x: np.exp(1 / x),
    "x/x²": lambda x: x / (x * x),
}
AT_LANES = {
    "vjp": lambda f, x: taylor.vjp(f, x, 1 + 0 * x),
    "jvp": lambda f, x: taylor.jvp(f, x, 1 + 0 * x),
    "gradient": lambda f, x: taylor.gradient(lambda x: np.sum(f(x)), x),
    "jacobian": taylor.jacobian,
    "jacrev": taylor.jacrev,
    "series": lambda f, x: taylor.taylor_coefficients(f, x, 2),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", SINGULAR)
def test_lanes_of_other_numbers_are_singular_as_those_of_floats(name):
    f = SINGULAR[name]

    def compare(driver, found, wanted):
        found, there = np.asarray(found).astype(float), np.isfinite(wanted)
        assert np.array_equal(np.isfinite(found), there), driver
        np.testing.assert_allclose(found[there], wanted[there], rtol=1e-13, err_msg=driver)

    for driver, at in AT_LANES.items():
        wanted = np.asarray(at(f, np.array([0.0, 4.0])))
        compare(driver, at(f, np.array([mpmath.mpf(0), mpmath.mpf(4)])), wanted)
        try:
            found = at(f, np.array([Fraction(0), Fraction(4)]))
        except DomainError:  # there is no infinity among them
            continue
        except TypeError as error:
            assert "not rational" in str(error)
        else:
            compare(driver, found, wanted)


def test_threads_do_not_disturb_numbers_of_mpmath():
    x = [mpmath.mpf(k) / 7 for k in range(1, 4)]
    rows = (taylor.kepler, lambda e, m: taylor.digamma(m), lambda e, m: np.arctan(m))
    jobs = [(f, v) for f in rows for v in x] * 2
    one = [taylor.derivatives(lambda m, f=f: f(m / 9, m), v, 2) for f, v in jobs]
    interval = sys.getswitchinterval()
    try:
        sys.setswitchinterval(1e-5)
        with ThreadPoolExecutor(8) as threads:
            many = threads.map(
                lambda job: taylor.derivatives(lambda m: job[0](m / 9, m), job[1], 2), jobs
            )
            assert all(map(np.array_equal, many, one))
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("f", [np.sqrt, np.log, np.arcsin, np.reciprocal, np.exp, np.cbrt, abs])
def test_no_warning_beyond_those_of_numpy(f):
    points = np.array([-2.0, 0.0, 0.5, 800.0, NAN])

    def warned(x):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            f(x)
        return {str(w.message) for w in caught}

    assert warned(Taylor.variable(points, 3)) <= warned(points)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x + x,
        lambda x: x - -x,
        lambda x: x * 2.0,
        lambda x: x * x,
        lambda x: x / 0.5,
        lambda x: x / (1 + 0 * x),
        lambda x: 1 / x,
        np.exp,
        np.sqrt,
        lambda x: np.stack([x, x]).sum(0),
        lambda x: np.stack([x, x]) @ np.array([1.0, 1.0]),
    ],
)
@pytest.mark.parametrize("tail", [[1e308, 1e308, 1e308], [1e-300, 1e-300, 1e-300]])
def test_coefficients_overflow_and_underflow_without_a_warning(f, tail):
    with np.errstate(all="raise"):
        assert f(Taylor([1.0, *tail])).value == quiet(f, 1.0)
        lanes = f(Taylor(np.array([[1.0, 1.0], *([t, t] for t in tail)])))
        assert lanes.value.tolist() == [quiet(f, 1.0)] * 2


# ------------------------------------------------------------------ where and comparisons
@pytest.mark.parametrize("kind", KINDS)
def test_where_takes_one_branch_and_only_that(kind):
    x = kind(np.array([-1.0, 0.0, 4.0]))
    y = quiet(lambda: np.where(x > 0, np.sqrt(x), 0.0))
    assert y.coef[:, :2].tolist() == np.zeros((len(y.coef), 2)).tolist()
    assert y.coef[:, 2] == pytest.approx(np.sqrt(kind(4.0)).coef)
    z = quiet(lambda: np.where(x.value != 0, np.sin(x) / x, 1.0))
    assert z.coef[:, 1].tolist() == [1.0] + [0.0] * (len(z.coef) - 1)


@pytest.mark.parametrize("kind", KINDS)
def test_scalar_where(kind):
    x = kind(2.0)
    assert np.where(x > 0, x * x, -x) == x * x
    assert taylor.where(x < 0, x * x, -x) == -x
    assert taylor.where(False, 1, 2) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_order_compares_values(kind):
    x, y = kind(1.0), kind(1.0) * 2 - 1
    assert not x < y
    assert x <= y
    assert x >= 1
    assert not x > 1
    assert 0.5 < x < 1.5
    assert (np.stack([x, x + 1]) > 1).tolist() == [False, True]
    with pytest.raises(TypeError):
        uni(1j) < 2  # noqa: B015


@pytest.mark.parametrize("kind", KINDS)
def test_equality_is_of_whole_series(kind):
    x = kind(1.0)
    assert (x == kind(1.0)) is True
    assert (x == 1) is False
    assert (x != 1) is True
    assert (x * 0 + 1 == 1) is True
    assert (np.stack([x, x * 0 + 1]) == 1).tolist() == [False, True]
    assert x != "text"
    assert not operator.eq(x, None)
    assert kind(NAN) != kind(NAN)


@pytest.mark.parametrize(
    "f", [abs, np.abs, np.conj, np.real, np.imag, np.angle, lambda x: np.maximum(x, 0), np.sign]
)
def test_what_is_not_holomorphic_is_a_type_error(f):
    with pytest.raises(TypeError):
        f(uni(1 + 2j))
    with pytest.raises(TypeError):
        f(Taylor.variable(np.array([1 + 2j, 3j]), 2))


def test_real_and_conjugate_of_a_real_series():
    x = uni(2.0)
    assert np.real(x) == x
    assert np.conj(x) == x
    assert np.imag(x) == 0


# ------------------------------------------------------------------ the switch
SIDES = [
    ("abs", abs, 0.0, (0.0, -1.0, 1.0)),
    ("relu", lambda x: np.maximum(x, 0), 0.0, (0.0, 0.0, 1.0)),
    ("relu mirrored", lambda x: np.maximum(0, x), 0.0, (0.0, 0.0, 1.0)),
    ("min", lambda x: np.minimum(x, 2 * x), 0.0, (1.5, 2.0, 1.0)),
    ("max", lambda x: np.maximum(x, 2 * x), 0.0, (1.5, 1.0, 2.0)),
    ("clip low", lambda x: np.clip(x, 0, 1), 0.0, (0.0, 0.0, 1.0)),
    ("clip high", lambda x: np.clip(x, 0, 1), 1.0, (0.0, 1.0, 0.0)),
]


@pytest.mark.parametrize("name, f, x, slopes", SIDES, ids=names(SIDES))
def test_one_sided_derivatives_and_subgradients(name, f, x, slopes):
    for kink, slope in zip(("subgradient", "left", "right"), slopes, strict=True):
        with taylor.policy(kink=kink):
            assert taylor.derivative(f, x) == slope
            assert f(Taylor.variable(np.array([x, x]), 1)).coef[1].tolist() == [slope, slope]
            with pytest.raises(NonAnalyticError):
                taylor.derivative(f, x, 2)
    with pytest.raises(NonAnalyticError):
        taylor.derivative(f, x)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("driver", [taylor.gradient, taylor.hessian, taylor.jacfwd])
def test_what_no_order_shows_propagates_on_demand(driver):
    def f(p):
        return np.sqrt((p[0] - 1.3) ** 100) / (p[0] - 1.3) ** 49

    with taylor.policy(singular="propagate"):
        assert np.isnan(driver(f, np.array([1.3]))).all()


def test_scalars_propagate_and_arrays_raise_on_demand():
    with taylor.policy(singular="propagate"):
        assert np.isnan(quiet(np.sqrt, uni(-1.0)).coef).all()
        assert not np.isfinite(quiet(np.log, uni(0.0)).coef).any()
        assert not np.isfinite(quiet(lambda x: 1 / x, uni(0.0)).coef).any()
        assert abs(uni(0.0)).coef.tolist() == pytest.approx([0, NAN, NAN, NAN], nan_ok=True)
    lanes = Taylor.variable(np.array([0.0, 1.0]), 2)
    for f in (np.sqrt, np.log, abs, lambda x: 1 / x, np.sign, lambda x: x**0.5):
        with taylor.policy(singular="raise"), pytest.raises(DomainError):
            quiet(f, lanes)
        quiet(f, lanes)


def test_policy_is_restored_and_refuses_unknown_words():
    with pytest.raises(RuntimeError, match="inside"), taylor.policy(kink="left"):
        raise RuntimeError("inside")
    with pytest.raises(NonAnalyticError):
        abs(uni(0.0, 1))
    for wrong in ({"kink": "up"}, {"singular": "ignore"}):
        with pytest.raises(ValueError, match="choose one of"), taylor.policy(**wrong):
            pass
    with taylor.policy(kink="left"), taylor.policy(kink="right"):
        assert abs(uni(0.0, 1)).coef[1] == 1


def test_policy_belongs_to_one_thread():
    seen = []

    def other():
        try:
            abs(uni(0.0, 1))
        except NonAnalyticError as error:
            seen.append(error)

    with taylor.policy(kink="subgradient"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(seen) == 1


# ------------------------------------------------------------------ orders
MIXED = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "**": lambda x, y: x**y,
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
    "maximum": np.maximum,
    "atan2": np.arctan2,
    "hypot": np.hypot,
    "where": lambda x, y: np.where(np.array([True]), x, y),
    "stack": lambda x, y: np.stack([x, y]),
    "matmul": lambda x, y: np.stack([x, x]) @ np.stack([y, y]),
    "compose": lambda x, y: (x - x.value).compose(y - y.value),
}


@pytest.mark.parametrize("name", MIXED)
def test_mixing_orders_raises(name):
    with pytest.raises(OrderMismatch, match=r"truncate\(2\).*extend\(3\)"):
        MIXED[name](uni(1.5, 3), uni(1.5, 2))
    if name != "compose":
        with pytest.raises(OrderMismatch):
            MIXED[name](multi(1.5, 3), multi(1.5, 2))


@pytest.mark.parametrize("name", [n for n in MIXED if n != "compose"])
def test_mixing_algebras_raises(name):
    pairs = [(uni(1.5), multi(1.5)), (multi(1.5, 2), dual(1.5)), (uni(1.5), dual(1.5))]
    pairs += [(TaylorN.variables([1.5], 2)[0], multi(1.5, 2))]
    for x, y in itertools.chain(pairs, [(y, x) for x, y in pairs]):
        with pytest.raises(AlgebraMismatch):
            MIXED[name](x, y)


def test_changing_the_order_is_explicit():
    x = uni(2.0, 3) ** 2
    assert x.truncate(1).coef.tolist() == [4, 4]
    assert x.extend(5).coef.tolist() == [4, 4, 1, 0, 0, 0]
    assert x.deriv().order == 2
    assert x.integ().order == 4
    y = multi(2.0, 3)
    assert (y.truncate(1).order, y.extend(5).order) == (1, 5)
    assert (y.deriv(0).order, y.integ(0).order) == (2, 4)
    for z in (x, y):
        with pytest.raises(ValueError, match="extend"):
            z.truncate(4)
        with pytest.raises(ValueError, match="truncate"):
            z.extend(2)


TAKE_AN_ORDER = {
    "variable": lambda k: Taylor.variable(0.5, k),
    "constant": lambda k: Taylor.constant(0.5, k),
    "variables": lambda k: TaylorN.variables([0.5, 0.25], k),
    "derivative": lambda k: taylor.derivative(np.sin, 0.5, k),
    "derivatives": lambda k: taylor.derivatives(np.sin, 0.5, k),
    "coefficients": lambda k: taylor.taylor_coefficients(np.sin, 0.5, k),
    "directional": lambda k: taylor.directional(np.sum, [0.5, 1.0], [1.0, 1.0], k),
    "tensor": lambda k: taylor.tensor(np.sum, [0.5, 1.0], k),
    "truncate": lambda k: uni(0.5).truncate(k),
    "extend": lambda k: uni(0.5).extend(k),
    "deriv": lambda k: uni(0.5).deriv(k),
    "integ": lambda k: uni(0.5).integ(k),
    "series.derivative": lambda k: uni(0.5).derivative(k),
}


@pytest.mark.parametrize(
    "order, error",
    [(-1, ValueError), (2.5, TypeError), (2.0, TypeError), (None, TypeError), ("2", TypeError)],
)
@pytest.mark.parametrize("name", TAKE_AN_ORDER)
def test_what_is_no_order(name, order, error):
    with pytest.raises(error):
        TAKE_AN_ORDER[name](order)


@pytest.mark.parametrize("name", [n for n in TAKE_AN_ORDER if n != "variables"])
def test_an_order_that_cannot_fit(name):
    with pytest.raises(ValueError, match=r"order|monomials"):
        TAKE_AN_ORDER[name](10**15)


@pytest.mark.parametrize(
    "f",
    [
        lambda: TaylorN.variables(np.zeros(100), 20),
        lambda: TaylorN.variables([0.0, 0.0], 10**9),
        lambda: taylor.tensor(np.sum, np.zeros(100), 20),
        lambda: TaylorN.seeded(np.zeros(5000), 3),
    ],
)
def test_multivariate_sizes_are_checked_before_allocation(f):
    with pytest.raises(ValueError, match=r"\d{5,}|order \d+ cannot fit") as caught:
        f()
    assert "direction" in str(caught.value) or "cannot fit" in str(caught.value)


def test_a_tensor_that_cannot_fit_is_refused_before_allocation():
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"
        "import numpy, taylor\n"
        "try:\n    taylor.tensor(numpy.sum, numpy.zeros(5000), 3)\n"
        "except ValueError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "20858342501 monomials" in done.stdout, done.stderr
    assert "direction" in done.stdout


# ------------------------------------------------------------------ number types
def test_integers_stay_exact():
    x = Taylor.variable(10**20, 2)
    assert (x * x + 3).coef.tolist() == [10**40 + 3, 2 * 10**20, 1]
    assert all(type(c) is int for c in (x**3 - x).coef)
    assert all(type(c) is float for c in (1 / Taylor.variable(4, 2)).coef.tolist())
    assert (1 / Taylor.variable(4, 1)).coef.tolist() == [0.25, -0.0625]
    assert (Taylor.variable(3, 1) / 2).coef.tolist() == [1.5, 0.5]


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.int64, np.uint64])
def test_fixed_width_integers_never_wrap(kind):
    big = np.iinfo(kind).max
    x = Taylor.variable(kind(big), 2)
    assert (x * x).coef.tolist() == [int(big) ** 2, 2 * int(big), 1]
    assert (x + kind(big)).value == 2 * int(big)
    assert (x * kind(big)).value == int(big) ** 2
    assert (kind(big) * x).value == int(big) ** 2
    lanes = Taylor.variable(np.array([big, 1], dtype=kind), 2)
    assert (lanes * lanes).value.tolist() == [int(big) ** 2, 1]
    assert (Taylor.variable(kind(0), 1) - kind(1)).value == -1


def test_bool_is_a_number():
    assert (uni(1.0) + True).value == 2
    assert (True * uni(3.0)).value == 3
    assert Taylor.variable(True, 1).coef.tolist() == [1, 1]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x + 1,
        lambda x: 1.5 - x,
        lambda x: x * 2.0,
        lambda x: x / 3,
        lambda x: 1 / x,
        lambda x: x**2,
        lambda x: x**2.5,
        lambda x: 2.0**x,
        lambda x: x**x,
        lambda x: x * Fraction(1, 3),
        np.exp,
        np.sin,
        np.tan,
        np.arcsin,
        np.log1p,
        np.cbrt,
        abs,
        np.exp2,
        taylor.sinc,
        taylor.erf,
        taylor.gamma,
        taylor.sigmoid,
        taylor.sinpi,
        taylor.j0,
        lambda x: np.maximum(x, 0.25),
        lambda x: np.where(x > 0, x, 0.0),
        lambda x: np.hypot(x, 1.0),
        lambda x: np.stack([x, x]).mean(0),
        lambda x: x.deriv(),
        lambda x: x.integ(),
        lambda x: x.extend(5),
    ],
)
def test_float32_stays_float32(f):
    assert f(uni(np.float32(0.5))).dtype == np.float32
    assert f(Taylor.variable(np.array([0.5, 0.25], np.float32), 3)).dtype == np.float32


def test_float32_in_drivers():
    x = np.array([0.5, 0.25], np.float32)
    assert taylor.derivative(np.sin, np.float32(0.5)).dtype == np.float32
    assert taylor.gradient(lambda v: np.sum(np.sin(v)), x).dtype == np.float32
    assert taylor.hessian(lambda v: np.sum(np.sin(v) ** 2), x).dtype == np.float32


def test_fractions_are_exact_wherever_the_result_is_rational():
    x = Taylor.variable(Fraction(9, 4), 2)
    assert np.sqrt(x).coef.tolist() == [Fraction(3, 2), Fraction(1, 3), Fraction(-1, 27)]
    assert (x ** Fraction(1, 2)).coef.tolist() == np.sqrt(x).coef.tolist()
    assert (x ** Fraction(3, 2)).value == Fraction(27, 8)
    assert (1 / x).coef.tolist() == [Fraction(4, 9), Fraction(-16, 81), Fraction(64, 729)]
    assert (x / 3).value == Fraction(3, 4)
    assert (x**-2).value == Fraction(16, 81)
    zero = Taylor.variable(Fraction(0), 3)
    assert np.exp(zero).coef.tolist() == [1, 1, Fraction(1, 2), Fraction(1, 6)]
    assert np.sin(zero).coef.tolist() == [0, 1, 0, Fraction(-1, 6)]
    assert np.arctan(zero).coef.tolist() == [0, 1, 0, Fraction(-1, 3)]


@pytest.mark.parametrize(
    "f", [np.exp, np.sin, np.sqrt, np.log, lambda x: x ** Fraction(1, 2), taylor.erf]
)
def test_irrational_results_of_fractions_are_refused(f):
    with pytest.raises(TypeError, match=r"float.*mpf|mpf.*float"):
        f(Taylor.variable(Fraction(1, 2), 2))


def test_decimals_are_exact_in_polynomials():
    x = Taylor.variable(Decimal("1.1"), 2)
    assert (x * x + 1).coef.tolist() == [Decimal("2.21"), Decimal("2.2"), 1]
    for f in (lambda: x + 0.1, lambda: x * 0.1, lambda: 0.1 * x, lambda: x * uni(0.1, 2)):
        with pytest.raises(TypeError):
            f()
    with pytest.raises(TypeError, match="Decimal"):
        np.exp(x)


def test_fractions_beside_floats_are_floats():
    assert (uni(2.5) ** Fraction(1, 3)).coef == pytest.approx((uni(2.5) ** (1 / 3)).coef)
    assert type(taylor.power(0.25, Fraction(1, 2))) in (float, np.float64)
    assert (uni(2.5) * Fraction(1, 2)).dtype == float


def test_errors_do_not_depend_on_the_floating_point_state():
    for state in ("raise", "ignore"):
        with np.errstate(all=state):
            for f in (np.sqrt, np.log, np.arcsin, np.arccosh, lambda x: x**0.5):
                with pytest.raises(DomainError):
                    f(uni(-3.0))
                with pytest.raises(DomainError):
                    f(Taylor.variable(-3.0, 0))


def test_mpmath_precision_is_that_of_the_moment():
    x = Taylor.variable(mpmath.mpf(1) / 3, 4)
    with mpmath.workdps(60):
        y = np.exp(Taylor.variable(mpmath.mpf(1) / 3, 4))
        for k, c in enumerate(y.coef):
            assert abs(c - mpmath.exp(mpmath.mpf(1) / 3) / mpmath.factorial(k)) < 1e-58
        assert abs((np.sin(x) ** 2 + np.cos(x) ** 2).coef[0] - 1) < 1e-58
    z = np.exp(x).coef[0]
    assert z == mpmath.exp(mpmath.mpf(1) / 3)
    with mpmath.workdps(60):
        c = (Taylor.variable(mpmath.mpc(1, 2), 3) * 0.5 + 1).coef
        assert c.tolist() == [mpmath.mpc(1.5, 1), 0.5, 0, 0]
        assert taylor.derivative(taylor.gamma, mpmath.mpf(1)) + mpmath.euler < 1e-55


# ------------------------------------------------------------------ derivatives are never dropped
@pytest.mark.parametrize(
    "f",
    [
        float,
        int,
        complex,
        math.sin,
        math.exp,
        lambda x: [1, 2, 3][x],
        range,
        lambda x: np.asarray(x, dtype=float),
        lambda x: np.array([x, x], dtype=float),
        lambda x: np.float64(x),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_dropping_derivatives_is_a_type_error(f, kind):
    with pytest.raises(TypeError):
        f(kind(1.0))


def test_an_inactive_series_converts():
    x = Taylor.constant(2.0, 3)
    assert (float(x), int(x), complex(x), math.sqrt(x * 2)) == (2.0, 2, 2 + 0j, 2.0)
    assert np.asarray(x, dtype=float) == 2.0
    assert [1, 2, 3][Taylor.constant(2, 3)] == 3


@pytest.mark.parametrize("wrong", ["1", None, b"1", {}, object(), np.array(["a"])])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_number_is_a_type_error(wrong, kind):
    x = kind(1.0)
    for f in (
        lambda: x + wrong,
        lambda: wrong - x,
        lambda: x * wrong,
        lambda: x / wrong,
        lambda: x**wrong,
        lambda: x < wrong,
        lambda: np.maximum(x, wrong),
        lambda: np.arctan2(wrong, x),
    ):
        with pytest.raises(TypeError):
            f()


@pytest.mark.parametrize(
    "f, error",
    [
        (lambda: Taylor(1.0), ValueError),
        (lambda: Taylor([]), ValueError),
        (lambda: Taylor("12"), TypeError),
        (lambda: Taylor([1, None]), TypeError),
        (lambda: Taylor([[1, 2], [3]]), ValueError),
        (lambda: Taylor.variable("a", 2), TypeError),
        (lambda: Taylor.variable(None, 2), TypeError),
        (lambda: HyperDual("a"), TypeError),
        (lambda: HyperDual.from_parts([1, 2, 3]), ValueError),
        (lambda: taylor.derivative(1.0, 2.0), TypeError),
        (lambda: taylor.derivative(lambda x: "a", 2.0), TypeError),
        (lambda: taylor.derivative(lambda x: None, 2.0), TypeError),
        (lambda: taylor.derivative(np.sin, "a"), TypeError),
        (lambda: uni(1.0)[0], IndexError),
        (lambda: len(uni(1.0)), TypeError),
        (lambda: uni(1.0).astype(int), TypeError),
        (lambda: uni(1.0) + np.zeros((2, 3)) + np.zeros((4, 5)), ValueError),
        (lambda: Taylor.variable(np.zeros(2), 1) * Taylor.variable(np.zeros(3), 1), ShapeMismatch),
        (lambda: Taylor.variable(np.zeros(2), 1) + np.zeros(3), ShapeMismatch),
    ],
)
def test_wrong_input(f, error):
    with pytest.raises(error):
        f()


# ------------------------------------------------------------------ values
def test_constructors_copy_and_coefficients_are_read_only():
    source = np.array([1.0, 2.0, 3.0])
    x = Taylor(source)
    y = Taylor.variable(source, 2)
    source[:] = 0
    assert x.coef.tolist() == [1, 2, 3]
    assert y.value.tolist() == [1, 2, 3]
    for s in (x, y, multi(1.0), dual(1.0)):
        with pytest.raises(ValueError, match="read-only"):
            s.coef[0] = 5
        value = s.value
        if isinstance(value, np.ndarray):
            value[:] = 9
            assert s.value.tolist() == [1, 2, 3]


@pytest.mark.parametrize("kind", KINDS)
def test_series_are_unhashable(kind):
    with pytest.raises(TypeError, match="unhashable"):
        hash(kind(1.0))


SAMPLES = [
    Taylor([-0.0, NAN, INF, 5e-324]),
    Taylor([1, Fraction(3, 2), 10**30]),
    Taylor([np.float32(0.1), np.float32(3)]),
    Taylor([1j, 2 - 0j]),
    Taylor([mpmath.mpf("0.1"), mpmath.mpf(2)]),
    Taylor([Decimal("0.1"), Decimal(2)]),
    Taylor.variable(np.arange(6.0).reshape(2, 3), 3),
    Taylor.variable(np.zeros((0, 2)), 2),
    multi(0.1, 4),
    dual(0.1),
    HyperDual.variables([1.0, 2.0, 3.0])[1],
    Taylor.variable(multi(0.1), 2) ** 2,
]


@pytest.mark.parametrize("x", SAMPLES, ids=range(len(SAMPLES)))
@pytest.mark.parametrize(
    "clone",
    [lambda x: pickle.loads(pickle.dumps(x)), copy.copy, copy.deepcopy, type(SAMPLES[0]).copy],
)
def test_copies_are_bit_exact(x, clone):
    def bits(s):
        c = s._coef
        if hasattr(c, "_coef"):
            return bits(c)
        return [repr(e) for e in c.ravel()] if c.dtype == object else c.tobytes()

    y = clone(x)
    assert type(y) is type(x)
    assert bits(y) == bits(x)
    assert (y.shape, y.order, y.dtype) == (x.shape, x.order, x.dtype)
    assert (y + x).shape == x.shape
    assert repr(y) == repr(x)


@pytest.mark.parametrize(
    "clone",
    [lambda x: +x, lambda x: x * 1, lambda x: x + 0, np.copy, np.conj, lambda x: x.flatten()],
)
def test_an_assignment_changes_nothing_else(clone):
    def f(x):
        y = clone(x)
        y[0] = 7.0
        return x

    assert f(Taylor.variable(np.zeros(3), 2)).value.tolist() == [0, 0, 0]
    assert record(f, np.zeros(3))(np.ones(3)).tolist() == [1, 1, 1]


def test_a_copy_shares_nothing():
    x = Taylor.variable(np.zeros(3), 2)
    for clone in (copy.copy(x), copy.deepcopy(x), x.copy()):
        clone[0] = 7.0
        assert x.value.tolist() == [0, 0, 0]


# ------------------------------------------------------------------ shapes
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (1, 1), (2, 3)])
def test_shapes_follow_numpy(kind, shape):
    value = np.full(shape, 0.5)
    x = kind(value)
    assert (x.shape, x.ndim, x.size) == (value.shape, value.ndim, value.size)
    for f in (
        np.exp,
        lambda v: v * v,
        lambda v: 1 / v,
        lambda v: v**2.5,
        lambda v: v + np.ones((2, 1)) if v.shape == (3,) else v,
        lambda v: v.sum(),
        lambda v: np.stack([v, v]),
        lambda v: v.reshape(-1),
        lambda v: np.where(v > 0, v, 1.0),
        np.abs,
        taylor.sinc,
    ):
        assert f(x).shape == np.shape(f(value))
        assert np.array_equal(f(x).value, f(value))


@pytest.mark.parametrize("kind", KINDS)
def test_broadcasting(kind):
    x, y = kind(np.array([[0.5], [1.0]])), kind(np.array([1.5, 2.0, 2.5]))
    for f in (
        lambda a, b: a + b,
        lambda a, b: a * b,
        lambda a, b: a / b,
        lambda a, b: a**b,
        np.maximum,
        np.arctan2,
        lambda a, b: np.where(a > b, a, b),
    ):
        for pair in ((x, y), (x, y.value), (x.value, y)):
            assert f(*pair).shape == (2, 3)
            lane = f(*(p[1, 0] if p.ndim == 2 else p[1] for p in pair))
            assert f(*pair).coef[:, 1, 1] == pytest.approx(lane.coef, rel=1e-14, abs=0)


# ------------------------------------------------------------------ agreement and determinism
FORMULA = {
    "elementary": lambda x: np.exp(np.sin(x)) / (1 + x * x) + np.sqrt(x) ** 3,
    "special": lambda x: taylor.erf(x) * taylor.gamma(1 + x) + taylor.j0(x),
    "piecewise": lambda x: np.maximum(x, 1) * abs(x - 5) + np.where(x > 1, x**2.5, np.log(x)),
}


@pytest.mark.parametrize("name", FORMULA)
def test_scalar_vectorised_and_recorded_evaluation_agree(name):
    f = FORMULA[name]
    points = np.array([0.3, 0.7, 1.9, 3.2])
    for _ in range(engine.PATIENCE):  # until all rows are machine code, which rounds in its own way
        f(Taylor.variable(points, 6))
    scalars = np.stack([f(uni(x, 6)).coef for x in points], axis=1)
    lanes = f(Taylor.variable(points, 6)).coef
    recorded = record(f, points)(Taylor.variable(points, 6)).coef
    assert lanes == pytest.approx(scalars, rel=1e-13)
    assert recorded == pytest.approx(scalars, rel=1e-13)
    assert f(Taylor.variable(points, 6)).coef.tobytes() == lanes.tobytes()
    assert f(Taylor.variable(points, 6)).value.tolist() == f(points).tolist()


@pytest.mark.parametrize("name", FORMULA)
def test_many_lanes_are_the_same_as_few(name):
    points = np.linspace(0.3, 3.2, 30_011)
    many = FORMULA[name](Taylor.variable(points, 4)).coef
    few = FORMULA[name](Taylor.variable(points[-7:], 4)).coef
    assert many[:, -7:] == pytest.approx(few, rel=1e-14)


@pytest.mark.parametrize(
    "f, x",
    [
        (lambda x: x - x, INF),
        (lambda x: x * 0, NAN),
        (lambda x: x * 0.0, INF),
        (lambda x: (1e16 + x) - 1e16, 1.0),
        (lambda x: (x + 1e-20) + 1e-20, -1e-20),
        (lambda x: 0.0 + x, -0.0),
        (lambda x: x * 3 / 3, 0.1),
    ],
)
def test_nothing_is_simplified(f, x):
    expected = quiet(f, np.float64(x))
    assert repr(quiet(f, uni(x)).value) == repr(expected)
    assert repr(np.float64(quiet(record(f, 1.0), np.float64(x)))) == repr(expected)


# ------------------------------------------------------------------ no global state
def test_no_process_global_state_is_changed():
    before = (np.geterr(), mpmath.mp.prec, mpmath.iv.prec, sys.getrecursionlimit())
    lanes = Taylor.variable(np.array([0.5, 0.0]), 3)
    for f in (*FORMULA.values(), taylor.digamma, taylor.zeta, taylor.dawsn, taylor.kepler):
        args = (0.5, uni(1.5)) if f is taylor.kepler else (uni(1.5),)
        f(*args)
    quiet(np.log, lanes)
    np.exp(Taylor.variable(mpmath.mpf("0.5"), 3))
    taylor.gamma(Taylor.variable(mpmath.mpf("0.5"), 3))
    with pytest.raises(DomainError):
        np.sqrt(uni(0.0))
    after = (np.geterr(), mpmath.mp.prec, mpmath.iv.prec, sys.getrecursionlimit())
    assert before == after


def chain(x):
    y = x
    for i in range(25_000):
        y = y * 0.5 + x
        y = np.sin(y) - 0.25 * (i % 3)
    return y


def chain_in_closed_form(x):
    y, d = x, 1.0
    for i in range(25_000):
        y, d = y * 0.5 + x, d * 0.5 + 1
        y, d = math.sin(y) - 0.25 * (i % 3), math.cos(y) * d
    return y, d


def test_a_chain_of_many_operations():
    assert list(chain(uni(0.3, 1)).coef) == pytest.approx(chain_in_closed_form(0.3), rel=1e-12)


def test_a_long_recording_evaluates_and_pickles():
    program = record(chain, 0.3)
    assert len(program) > 75_000
    again = pickle.loads(pickle.dumps(program))
    assert again(0.3) == program(0.3) == pytest.approx(chain_in_closed_form(0.3)[0], rel=1e-12)
    program.verify()


def test_threads_do_not_disturb_each_other():
    def f(x):
        return taylor.derivative(lambda y: np.exp(x * y) * taylor.digamma(y), 0.5 + x)

    points = [0.1 * i for i in range(24)]
    expected = [taylor.derivatives(f, x, 3) for x in points]
    results = [None] * len(points)

    def work(start):
        for i in range(start, len(points), 8):
            results[i] = taylor.derivatives(f, points[i], 3)

    together(work, 8)
    assert all(np.array_equal(r, e) for r, e in zip(results, expected, strict=True))


# ------------------------------------------------------------------ what does not count
WHERE = {
    "sum": (np.log, lambda y, m: np.sum(y, where=m)),
    "mean": (np.sqrt, lambda y, m: np.mean(y, where=m)),
    "prod": (np.reciprocal, lambda y, m: np.prod(y, where=m)),
    "var": (np.log, lambda y, m: np.var(y, where=m)),
    "std": (np.log, lambda y, m: np.std(y, where=m)),
    "max": (np.log, lambda y, m: np.max(y, where=m, initial=-5.0)),
    "add.reduce": (np.sqrt, lambda y, m: np.add.reduce(y, where=m)),
    "logaddexp": (np.log, lambda y, m: np.logaddexp.reduce(y, where=m)),
    "where": (np.log, lambda y, m: np.sum(np.where(m, y, 0.0))),
    "index": (np.log, lambda y, m: np.sum(y[m])),
}


@pytest.mark.parametrize("f, reduce", WHERE.values(), ids=WHERE)
@pytest.mark.parametrize("singular", ["numpy", "propagate"])
def test_elements_that_do_not_count_spoil_nothing(f, reduce, singular):
    x, v = np.array([0.0, 2.0, -3.0, 1.0]), np.array([1.0, 2.0, -1.0, 0.5])
    mask = np.array([False, True, False, True])
    g = lambda z: reduce(f(z), mask)
    few = lambda z: reduce(f(z), np.array([True, True]))
    with taylor.policy(singular=singular), np.errstate(all="ignore"):
        assert taylor.jvp(g, x, v)[1] == pytest.approx(taylor.jvp(few, x[mask], v[mask])[1])
        for driver, more in ((taylor.gradient, ()), (taylor.hvp, (v,))):
            found = driver(g, x, *more)
            expected = driver(few, x[mask], *(m[mask] for m in more))
            np.testing.assert_allclose(found[mask], expected, rtol=1e-12)
            assert np.all(found[~mask] == 0)
        h = taylor.hessian(g, x)
        np.testing.assert_allclose(h[np.ix_(mask, mask)], taylor.hessian(few, x[mask]))
        assert np.all(h[~mask] == 0) and np.all(h[:, ~mask] == 0)


EMPTY = {
    "pair": lambda x: np.logaddexp(x, -np.inf),
    "reduce": lambda x: np.logaddexp.reduce(np.stack([x, x]), axis=0),
    "accumulate": lambda x: np.logaddexp.accumulate(np.stack([x, x]), axis=0)[1],
}


EMPTIED = np.array([0.0, -np.inf])  # as both ways to mask leave the second sum


@pytest.mark.parametrize("masked", [lambda x: x + EMPTIED, lambda x: np.where(EMPTIED, EMPTIED, x)])
@pytest.mark.parametrize("f", EMPTY.values(), ids=EMPTY)
def test_logarithms_of_empty_sums_stay_so(f, masked):
    x, v, g = np.array([0.5, 2.0]), np.ones(2), lambda x: f(masked(x))
    for h in (g, taylor.compile(g)):
        np.testing.assert_allclose(taylor.jacobian(h, x), [[1, 0], [0, 0]])
        np.testing.assert_allclose(taylor.vjp(h, x, v)[1], [1, 0])
    np.testing.assert_allclose(taylor.hvp(lambda x: np.sum(g(x)), x, v), 0, atol=1e-15)
    rising = taylor.derivatives(lambda s: g(s * x), 1.0, 3)
    np.testing.assert_allclose(rising[1:], [[0.5, 0], [0, 0], [0, 0]], atol=1e-15)


STEPS = [
    np.sign, np.floor, np.ceil, lambda x: np.heaviside(x, 0.5), lambda x: -x % 1,
    lambda x: np.copysign(1.0, x),
]  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("count", [3, 64])
def test_a_step_of_what_is_zero_by_truncation_is_not_constant(step, count):
    """x**4 has the coefficients of zero up to degree 3 at 0, but a step of it jumps there."""
    f = lambda x: step(x**4)
    for g in (f, taylor.compile(f)):
        assert np.isnan(g(uni(np.zeros(count), 2)).coef[1:]).all()
    assert not step(uni(np.full(count, 0.5), 2) * 0 + 0.25).coef[1:].any()
    with pytest.raises(NonAnalyticError):
        taylor.derivative(f, 0.0, 2)


@pytest.mark.parametrize("f, times", [
    (lambda v: np.sqrt(np.sum(v**2) ** 2), 2.0), (lambda v: np.sqrt(v[0] ** 4) * 3, 0.0),
])  # fmt: skip
def test_a_product_with_the_hessian_is_that_of_the_hessian(f, times):
    zero, v = np.zeros(2), np.array([1.0, 2.0])
    np.testing.assert_allclose(taylor.hvp(f, zero, v), taylor.hessian(f, zero) @ v)
    if times:
        np.testing.assert_allclose(taylor.hvp(f, zero, v), times * v)


SECOND = {  # of f at x, along v
    "hvp": taylor.hvp,
    "compiled hvp": lambda f, x, v: taylor.hvp(taylor.compile(f), x, v),
    "jvp of gradient": lambda f, x, v: taylor.jvp(lambda x: taylor.gradient(f, x), (x,), (v,))[1],
    "gradient of jvp": lambda f, x, v: taylor.gradient(lambda x: taylor.jvp(f, (x,), (v,))[1], x),
    "gradient of gradient": lambda f, x, v: taylor.gradient(
        lambda x: np.sum(v * taylor.gradient(f, x)), x
    ),
}


DIGITS = np.array([mpmath.mpf(0), mpmath.mpf(1)])
ARRAYS = [np.array([0, 1], kind) for kind in "dlDf"]
ZEROS = [0.0, 0, 0j, np.array([0.0]), *ARRAYS, DIGITS[0], DIGITS]


@pytest.mark.parametrize("mode", SECOND)
@pytest.mark.parametrize("r", [2.5, np.float64(3.5), Fraction(5, 2), np.array([2.5])])
def test_derivatives_inside_derivatives_of_real_powers_at_zero(mode, r):
    if mode == "compiled hvp" and type(r) is Fraction:
        r = float(r)
    for x in ZEROS:
        f, v = lambda x: np.sum(x**r), np.ones_like(x)[()]
        wanted = np.asarray(r * (r - 1) * np.where(x == 0, 0.0, 1.0), complex)
        found = np.asarray(SECOND[mode](f, x, v), complex)
        assert np.allclose(
            found, wanted, rtol=1e-6 if np.asarray(x).dtype == np.float32 else 1e-14
        ), x
    lost = SECOND[mode](lambda x: np.sum(x**1.5), np.array([0.0, 1.0]), np.ones(2))
    assert np.isnan(lost[0]) and lost[1] == pytest.approx(0.75)


@pytest.mark.parametrize("shape", [(), (2,)])
def test_parts_of_complex_coefficients_do_not_spoil_each_other(shape):
    """A derivative is k! times its coefficient, in each part."""
    x = uni(np.full(shape, 400 + 0j), 3)
    y, z = np.exp(x) * np.exp(x), x + np.nan
    for k in range(4):
        assert (y.derivative(k) == y.derivatives()[k]).all()
        assert (y.derivative(k) == complex(np.inf, 0)).all()
    assert np.isnan(z.derivative(0).real).all() and not z.derivative(0).imag.any()


ENDS = {  # at a zero of the argument that the order does not show: they have no slopes there
    "quotient": lambda x: 1 / (x * x),
    "power": lambda x: x**-2.0,
    "whole power": lambda x: x**-3,
    "quotient of two": lambda x: np.cos(x) / (x * x),
    "cosine": lambda x: 1 / (1 - np.cos(x)),
}


@pytest.mark.filterwarnings("ignore:.*encountered")
@pytest.mark.parametrize("name", ENDS)
def test_what_is_zero_up_to_the_order_is_no_constant(name):
    f, total = ENDS[name], lambda x: np.sum(ENDS[name](x))
    x, v, both = np.array([0.0, 0.25]), np.array([1.0, 0.0]), np.array([0.0])
    for g in (f, taylor.compile(f)):
        slopes = taylor.jvp(g, x, v)[1], taylor.jvp(g, x, x + 1)[1], taylor.derivative(g, x)
        assert not any(np.isfinite(s[0]) for s in slopes)
        assert slopes[0][1] == 0 and slopes[1][1] == pytest.approx(1.25 * slopes[2][1], rel=1e-14)
        assert not np.isfinite(taylor.derivatives(g, both, 3)[1:]).any()
    assert not np.isfinite(taylor.jacobian(f, both)).any()
    assert not np.isfinite(taylor.gradient(total, both)).any()
    assert not np.isfinite(taylor.hvp(total, x, v)[0])
    assert taylor.derivative(f, 0.25) == pytest.approx(slopes[2][1], rel=1e-14)
