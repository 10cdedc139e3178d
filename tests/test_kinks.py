"""Ties: smooth functions have their derivatives there, others an error or the subgradient."""

import functools
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from mpmath import mpf
from shared import together

import hyperdual
import taylor
from taylor import NonAnalyticError, Taylor
from taylor.scipy import special

X = np.array([0.0, 2.0, -1.0])
HALF = np.array([1.0, 0.5])


def on_the_margin(w):
    return np.sum(np.maximum(0, 1 - HALF * w) ** 2)


def huber(x):
    return np.sum(np.where(abs(x) <= 1, x**2 / 2, abs(x) - 0.5))


def deviation(x):
    return np.median(abs(x - np.median(x)))


def masked(x):
    """Return the first of x, as the largest number of a row all others of which are masked."""
    return np.sum(np.max(np.where(np.arange(8) < 1, np.concatenate([x, x, x, x]), -9.0)))


SMOOTH = {  # function, point, gradient, Hessian (None: there is none)
    "squared hinge": (on_the_margin, [1.0, -1.0], [0.0, -1.5], None),
    "|x|²": (lambda x: np.sum(abs(x) ** 2), [0.0, 0.0], [0.0, 0.0], [[2.0, 0.0], [0.0, 2.0]]),
    "equal products": (
        lambda x: np.maximum(x[0] * x[1], x[1] * x[0] + 0), [2.0, 3.0], [3.0, 2.0], [[0, 1], [1, 0]]
    ),
    "1·x": (lambda x: np.sum(np.maximum(x, 1 * x)), [2.0, 0.0], [1.0, 1.0], np.zeros((2, 2))),
    "huber": (huber, [1.0, 0.0], [1.0, 0.0], [[1.0, 0.0], [0.0, 1.0]]),
    "distance²": (lambda x: np.sum((x - np.clip(x, 0, 1)) ** 2), [0.0, 1.0], [0.0, 0.0], None),
    "max + min": (
        lambda x: np.sum(np.maximum(x, 1.0) + np.minimum(x, 1.0)), [1.0, 1.0], [1.0, 1.0],
        np.zeros((2, 2)),
    ),
    "median": (np.median, [1.0, 2.0, 2.0, 5.0], [0, 0.5, 0.5, 0], np.zeros((4, 4))),
    "deviation": (deviation, [1.0, 2.0, 4.0], [-1.0, 1.0, 0.0], np.zeros((3, 3))),
    "other maxima": (
        lambda x: np.ptp(x) + 0 * np.max(x[:2]), [1.0, 1.0, 3.0, 0.0], [0, 0, 1, -1],
        np.zeros((4, 4)),
    ),
    "times zero": (lambda x: np.sum(0.0 * abs(x)), [0.0, 1.0], [0.0, 0.0], np.zeros((2, 2))),
    "not taken": (
        lambda x: np.sum(np.where(x < 1, x**2, abs(x))), [0.0, 2.0], [0.0, 1.0], [[2, 0], [0, 0]]
    ),
    "a mask": (lambda x: masked(x) ** 2, [1.0, 0.0], [2.0, 0.0], [[2.0, 0.0], [0.0, 0.0]]),
    "|x² + y²|": (lambda x: abs(x[0] ** 2 + x[1] ** 2), [0.0, 0.0], [0, 0], 2 * np.eye(2)),
}  # fmt: skip

KINKED = {  # function, point, name, subgradient
    "relu": (lambda x: np.sum(np.maximum(x, 0) * np.ones(3)), X, "maximum", [0.0, 1.0, 0.0]),
    "0 first": (lambda x: np.sum(np.maximum(0, x)), X, "maximum", [0.0, 1.0, 0.0]),
    "l1": (lambda x: np.sum(abs(x)), X, "abs", [0.0, 1.0, -1.0]),
    "clip": (lambda x: np.sum(np.clip(x, 0, 1)), X, "maximum", [0.0, 0.0, 0.0]),
    "max": (np.max, [1.0, 1.0, 0.0], "maximum", [0.5, 0.5, 0.0]),
    "max of two": (lambda v: np.maximum(v[0], v[1]), [1.0, 1.0], "maximum", [0.5, 0.5]),
    "max of three": (np.max, [1.0, 1.0, 1.0], "maximum", [0.25, 0.25, 0.5]),
    "min": (np.min, [3.0, 1.0, 1.0], "minimum", [0.0, 0.5, 0.5]),
    "two sides": (lambda x: np.maximum(3 * x[0], 5 * x[1]), [0.0, 0.0], "maximum", [1.5, 2.5]),
    "||x||": (lambda x: np.sum(abs(abs(x))), [0.0, 1.0], "abs", [0.0, 1.0]),
    "triangle": (
        lambda x: abs(x[0]) + abs(x[1]) - abs(x[0] + x[1]), [0.0, 0.0], "abs", [0.0, 0.0]
    ),
    "beside a smooth one": (
        lambda x: np.sum(np.minimum(x, 4.0) + np.maximum(x - 4.0, 0.0)) + abs(x[1] - 4.0),
        [4.0, 4.0], "", [1.0, 0.0],
    ),
}  # fmt: skip

NESTED = {
    "gradient": taylor.gradient,
    "value_and_gradient": lambda f, x: taylor.value_and_gradient(f, x)[1],
    "vjp": lambda f, x: taylor.vjp(f, x, 1.0)[1],
    "jvp": lambda f, x: np.array([taylor.jvp(f, x, e)[1] for e in np.eye(len(x))]),
    "jacobian": taylor.jacobian,
    "objective": lambda f, x: taylor.objective(f).jac(x),
    "compiled": lambda f, x: taylor.gradient(taylor.compile(f), x),
    "reverse": lambda f, x: taylor.reverse(taylor.record(f, x))(x, 1.0)[1],
    "inside": lambda f, x: (
        taylor.gradient(lambda t: t * taylor.vjp(f, x, 1.0)[1] @ x, 1.0) * 0
        + taylor.gradient(lambda y: 1 * f(y), x)
    ),
}
DECIDING = {k: d for k, d in NESTED.items() if k not in ("reverse", "jvp")}


@pytest.mark.parametrize("name", SMOOTH)
def test_what_is_smooth_at_a_tie_has_its_derivatives(name):
    f, x, slope, bend = SMOOTH[name]
    x, v = np.array(x), np.arange(1.0, 1 + len(x))
    for driver in DECIDING.values():
        np.testing.assert_allclose(driver(f, x), slope, atol=1e-14)
    assert taylor.jvp(f, x, v)[1] == pytest.approx(np.dot(slope, v), abs=1e-14)
    for kink in ("subgradient", "left", "right"):
        with taylor.policy(kink=kink):
            np.testing.assert_allclose(taylor.gradient(f, x), slope, atol=1e-14)
            assert taylor.jvp(f, x, v)[1] == pytest.approx(np.dot(slope, v), abs=1e-14)
    drivers = [taylor.hessian, lambda f, x: taylor.tensor(f, x, 2), hyperdual.hessian]
    products = [
        taylor.hvp,
        lambda f, x, v: taylor.gradient(lambda y: taylor.vjp(f, y, 1.0)[1] @ v, x),
    ]
    for driver in drivers:
        if bend is None:
            with pytest.raises(NonAnalyticError):
                driver(f, x)
        else:
            np.testing.assert_allclose(driver(f, x), bend, atol=1e-13)
    for product in products:
        if bend is None:
            with pytest.raises(NonAnalyticError):
                product(f, x, v)
        else:
            np.testing.assert_allclose(product(f, x, v), np.asarray(bend) @ v, atol=1e-13)


SHOWN = np.tril(np.ones((3, 4))) > 0
STILL = {  # choices between what stays equal, or does not matter
    "masked softmax": lambda w, t: special.softmax(t(np.where(SHOWN, w, -1e9)), axis=-1),
    "masked by -inf": lambda w, t: special.logsumexp(t(np.where(SHOWN, w, -np.inf)), axis=-1),
    "a layer that is off": lambda w, t: np.maximum(t(np.maximum(w - 9, 0)) @ np.ones((4, 3)), 0),
    "one that varies": lambda w, t: np.maximum(t(np.maximum(w - 9, 0)) @ w[0], 0) + w[:, 0],
    "pools of what is off": lambda w, t: np.max(t(np.maximum(w - 0.5, 0)), axis=1) * w[:, 1],
    "slopes of zero": lambda w, t: np.maximum(t(w[0] * 0 + 1), w[1] * 0 + 1) + w,
}


@pytest.mark.parametrize("name", STILL)
def test_ties_that_stay_cost_a_product_with_the_hessian_no_line_of_each_variable(name):
    calls = []
    note = lambda y: [calls.append(1), y][1]
    f = lambda w: np.sum((STILL[name](w.reshape(3, 4), note) + 1) ** 3)
    x, v = np.linspace(-1, 1, 12), np.cos(np.arange(12.0))
    found = taylor.hvp(f, x, v)
    assert len(calls) < 8
    calls.clear()
    taylor.gradient(f, x)
    assert len(calls) == 1
    slope = lambda h: taylor.gradient(f, x + h * v)
    near = (slope(-2e-3) - 8 * slope(-1e-3) + 8 * slope(1e-3) - slope(2e-3)) / 12e-3
    np.testing.assert_allclose(found, near, rtol=1e-8, atol=1e-9)


MASKS = {
    "chosen": masked,
    "factor": lambda x: np.max(x[np.array([0, 1, 1, 1])] * np.array([1.0, 0.0, 0.0, 0.0])),
}


@pytest.mark.parametrize("name", MASKS)
def test_what_is_masked_is_no_tie_of_programs_of_derivatives(name):
    x, v = np.array([0.5, 2.0]), np.ones(2)
    program = taylor.record(lambda x: taylor.hvp(lambda x: MASKS[name](x) ** 3, x, v), x)
    np.testing.assert_allclose(program(2 * x), [6.0, 0.0], rtol=1e-14)


@pytest.mark.parametrize("name", KINKED)
def test_a_kink_is_an_error_or_its_subgradient(name):
    f, x, row, slope = KINKED[name]
    x, v = np.array(x), np.arange(1.0, 1 + len(x))
    second = [taylor.hessian, lambda f, x: taylor.hvp(f, x, v), hyperdual.hessian]
    second.append(lambda f, x: taylor.tensor(f, x, 2))
    for driver in [*DECIDING.values(), *second]:
        with pytest.raises(NonAnalyticError):
            driver(f, x)
    with pytest.raises(NonAnalyticError, match=rf"{row}.*\(\d such elements .*subgradient"):
        taylor.gradient(f, x)
    with taylor.policy(kink="subgradient"):
        for name, driver in NESTED.items():
            if name != "reverse" or row:  # a program does not see what cancels
                np.testing.assert_allclose(driver(f, x), slope, atol=1e-14)
        for driver in second:
            with pytest.raises(NonAnalyticError):
                driver(f, x)


ELEMENTWISE = {
    "larger slope": lambda x: np.maximum(x, 2 * x),
    "min + max": lambda x: np.minimum(x, 1.0) + np.maximum(x, 1.0),
    "squared hinges": lambda x: np.maximum(0, 1 - x) ** 2,
    "x·|x|": lambda x: x * abs(x),
    "relu": lambda x: np.maximum(x, 0.0),
    "clip": lambda x: np.clip(x, 0.0, 1.0) + np.maximum(x, 1.0),
}
VECTOR = ELEMENTWISE | {
    "mixed": lambda x: abs(x) @ np.array([[1.0, 2.0], [0.0, 1.0]]) - np.maximum(x, -x),
    "shared": lambda x: np.stack([abs(x[0]), abs(x[0]) - np.maximum(x[0], -x[0]) + x[1]]),
    "crossed": lambda x: np.stack([abs(x[0]) + abs(x[1]) - abs(x[0] + x[1]), x[0] * abs(x[1])]),
}
UNITS = np.eye(2)
JACOBIANS = {
    "jacobian": taylor.jacobian,
    "tensor": lambda f, x: taylor.tensor(f, x, 1),
    "jvp": lambda f, x: np.stack([taylor.jvp(f, x, e)[1] for e in UNITS], axis=1),
    "vjp": lambda f, x: np.stack([taylor.vjp(f, x, e)[1] for e in UNITS]),
    "sparse": lambda f, x: taylor.sparse_jacobian(f, x).toarray(),
    "compiled": lambda f, x: taylor.jacobian(taylor.compile(f), x),
    "forward": lambda f, x: np.stack(
        [taylor.forward(taylor.record(f, x + 3))(x, e)[1] for e in UNITS], axis=1
    ),
    "reverse": lambda f, x: np.stack(
        [taylor.reverse(taylor.record(f, x + 3))(x, e)[1] for e in UNITS]
    ),
}


@pytest.mark.parametrize("kink", ["error", "subgradient", "left", "right"])
@pytest.mark.parametrize("name", VECTOR)
def test_all_drivers_have_one_jacobian_at_ties(name, kink):
    f, x = VECTOR[name], np.array([1.0, 0.0] if name in ("min + max", "clip") else [0.0, 1.0])
    x = np.zeros(2) if name == "crossed" else x
    with taylor.policy(kink=kink):
        found = {k: driver(f, x) for k, driver in JACOBIANS.items()}
        if name in ELEMENTWISE:
            found["derivative"] = np.diag(taylor.derivative(f, x))
        for i, unit in enumerate(UNITS):
            try:
                row = taylor.gradient(lambda y, unit=unit: f(y) @ unit, x)
            except NonAnalyticError:
                row = found["vjp"][i]
                assert kink == "error" and np.isnan(row).any()
            for k, j in found.items():
                along = k in ("jvp", "forward") and kink == "error"
                if not along or name != "crossed":  # along a line it may be smooth
                    np.testing.assert_allclose(j[i], row, atol=1e-14, err_msg=k)


def test_programs_of_derivatives_decide_where_they_are_evaluated():
    program = taylor.record(lambda x, y: (np.minimum(x, y) + np.maximum(x, y), x * y), 1.0, 5.0)
    for kink in ("error", "subgradient", "left"):
        with taylor.policy(kink=kink):
            assert taylor.reverse(program)(2.0, 2.0, 1.0, 1.0)[2:] == [3.0, 3.0]
            assert taylor.forward(program)(2.0, 2.0, 1.0, 0.0)[2:] == [1.0, 2.0]
    back = taylor.reverse(taylor.record(lambda x: np.sum(abs(x)), np.ones(2)))
    with pytest.raises(NonAnalyticError):
        back(np.zeros(2), 1.0)


def test_a_policy_is_no_part_of_machine_code():
    f, x = taylor.compile(lambda x: np.maximum(x, 0.0)), np.array([0.0, 1.0])
    with taylor.policy(kink="subgradient"):
        assert taylor.jacobian(f, x).tolist() == [[0, 0], [0, 1]]
    assert np.isnan(taylor.jacobian(f, x)[0, 0])


@pytest.mark.parametrize("kink, sign", [("right", 1.0), ("left", -1.0)])
def test_one_sided_derivatives(kink, sign):
    w = np.array([1.0, 2.0, 3.0])
    with taylor.policy(kink=kink):
        for f in (lambda x: np.sum(w * abs(x)), lambda x: np.sum(w * abs(-x))):
            for driver in (taylor.gradient, taylor.jacobian, NESTED["vjp"], NESTED["jvp"]):
                assert driver(f, X).tolist() == [sign, 2.0, -3.0]
        assert taylor.derivative(lambda x: np.maximum(0, x), 0.0) == (sign > 0)
        assert taylor.gradient(np.max, [1.0, 1.0, 0.0]).tolist() == [0.5, 0.5, 0.0]


@pytest.mark.parametrize("width", [1e-1, 1e-4, 1e-7])
def test_no_side_is_too_thin_to_be_met(width):
    def wedge(z):  # zero but for 0 < z[1] < width·z[0]
        return np.maximum(z[1], 0.0) * np.maximum(width * z[0] - z[1], 0.0) / width

    def smooth(z):  # the same sides, of formulas that are equal
        return np.maximum(z[1] ** 2, 1 * z[1] ** 2) + (wedge(z) - 1 * wedge(z))

    second = [taylor.hessian, lambda f, x: taylor.tensor(f, x, 3), hyperdual.hessian]
    for driver in second:
        with pytest.raises(NonAnalyticError):
            driver(wedge, np.zeros(2))
        with pytest.raises(NonAnalyticError):
            driver(lambda z: wedge(z[1:]) + z[0] ** 2, np.zeros(3))
    assert taylor.hessian(smooth, np.zeros(2)).tolist() == [[0, 0], [0, 2]]
    equal = lambda z: np.sum(np.linalg.eigvalsh(np.eye(2) + np.outer(z, z)))
    for driver in second[:2]:
        with pytest.raises(NonAnalyticError):
            driver(lambda z: wedge(z) + equal(z), np.zeros(2))


def test_along_a_line_both_sides_decide():
    assert taylor.derivative(lambda x: abs(x) ** 2, 0.0, 2) == 2.0
    assert taylor.derivative(lambda x: np.minimum(x, 4.0) + np.maximum(x - 4.0, 0.0), 4.0) == 1.0
    c = taylor.taylor_coefficients(lambda x: np.maximum(x, 0) ** 2, np.array([0.0, 1.0]), 2)
    assert c[:, 1].tolist() == [1, 2, 1] and c[:2, 0].tolist() == [0, 0] and np.isnan(c[2, 0])
    with pytest.raises(NonAnalyticError):
        taylor.derivative(lambda x: np.maximum(x, 0.0) ** 2, 0.0, 2)


def test_derivatives_that_are_zero_but_for_rounding_are_those_of_one_function():
    def root(p):  # of x = cos x, whatever the start
        x = p[0]
        while abs(x - np.cos(x)) > 1e-13:
            x = x - (x - np.cos(x)) / (1 + np.sin(x))
        return x * p[1]

    np.testing.assert_allclose(taylor.hessian(root, np.array([0.5, 0.2])), 0, atol=1e-15)


def test_lanes_stay_lanes():
    j = taylor.jacobian(lambda x: np.maximum(x, 0) ** np.array([1, 2, 1]), np.zeros(3))
    assert np.isnan(j[[0, 2]]).any(1).all() and j[1].tolist() == [0, 0, 0]
    assert np.isnan(taylor.vjp(lambda x: np.maximum(x, 0), X, np.ones(3))[1]).tolist() == [1, 0, 0]
    assert taylor.vjp(lambda x: np.maximum(x, 0), X, np.array([0.0, 1, 1]))[1].tolist() == [0, 1, 0]


@pytest.mark.parametrize("kind", [np.float32, object, np.longdouble])
def test_in_other_numbers(kind):
    from fractions import Fraction

    x = np.array([Fraction(0), Fraction(1)]) if kind is object else np.array([0, 1], dtype=kind)
    f = lambda x: np.sum(np.maximum(x, 0)) - np.sum(np.maximum(x - 1, x * 1 - 1))
    with pytest.raises(NonAnalyticError, match=r"maximum at element \(0,\) of \(2,\).*1 such"):
        taylor.gradient(f, x)
    with taylor.policy(kink="subgradient"):
        g = taylor.gradient(f, x)
    assert g.tolist() == [-1, 0] and g.dtype == kind


@pytest.mark.parametrize("kind", [np.float32, object, np.longdouble])
def test_jacobians_in_other_numbers(kind):
    from fractions import Fraction

    x = np.array([Fraction(1), Fraction(2)]) if kind is object else np.array([1, 2], dtype=kind)
    f = lambda x: np.minimum(x, 1) + np.maximum(x, x[::-1] - 1)
    units = UNITS.astype(int).astype(kind)
    rows = lambda f, x: np.stack([taylor.vjp(f, x, e)[1] for e in units])
    columns = lambda f, x: np.stack([taylor.jvp(f, x, e)[1] for e in units], axis=1)
    with taylor.policy(kink="subgradient"):
        for driver in (taylor.jacobian, rows, columns):
            j = driver(f, x)
            assert j.dtype == kind and j.tolist() == [[0.5, 0.5], [0, 1]]
    g = lambda x: np.minimum(x, 1) + np.maximum(x, 1)
    assert taylor.vjp(lambda x: np.maximum(x, 1), x, np.array([1, 0]))[1].dtype == kind
    for driver in (taylor.jacobian, rows, columns):
        j = driver(g, x)
        assert j.dtype == kind and j.tolist() == [[1, 0], [0, 1]]


def test_many_ties_take_one_or_two_sweeps():
    rng = np.random.default_rng(0)
    n, rows = 10_000, rng.integers(0, 10_000, (10_000, 3))
    sweeps = []

    def loss(x):
        sweeps.append(1)
        return np.sum(np.maximum(x[rows[:, 0]] - x[rows[:, 1]], 0)) + 0.1 * np.sum(abs(x))

    with taylor.policy(kink="subgradient"):
        g = taylor.gradient(loss, np.zeros(n))
        assert len(sweeps) == 1 and not g.any()
        assert np.array_equal(g, taylor.gradient(loss, np.zeros(n)))
    with pytest.raises(NonAnalyticError, match="such elements"):
        taylor.gradient(loss, np.zeros(n))


def test_threads_have_their_own_policy():
    slopes = {"left": -1.0, "subgradient": 0.0, "right": 1.0}

    def work(i):
        with taylor.policy(kink=[*slopes][i]):
            return [taylor.gradient(lambda x: np.sum(abs(x)), np.zeros(1))[0] for _ in range(20)]

    assert together(work, 3) == [[slope] * 20 for slope in slopes.values()]


def test_series_by_hand():
    with taylor.policy(kink="subgradient"):
        assert np.maximum(Taylor([1.0, 2.0]), Taylor([1.0, 4.0])).coef.tolist() == [1.0, 3.0]
        assert np.maximum(Taylor([1.0, 2.0]), 1.0).coef.tolist() == [1.0, 0.0]
        assert hyperdual.gradient(np.max, [1.0, 1.0, 0.0]).tolist() == [0.5, 0.5, 0.0]
        with pytest.raises(NonAnalyticError):
            abs(Taylor([0.0, 1.0, 0.0]))


@pytest.mark.parametrize("number", [float, np.float32, Fraction, mpf])
def test_a_tie_inside_another_derivative_is_decided(number):
    v, x = np.array([number(1), number(2)]), np.array([number(0), number(0)])
    slope = lambda y: taylor.jvp(lambda x: np.sum(abs(x) ** 2), y, v)[1]
    assert taylor.jvp(slope, x, v) == (0, 10)
    assert taylor.gradient(slope, x).tolist() == [2, 4]
    assert taylor.gradient(lambda y: taylor.jvp(slope, y, v)[1], x).tolist() == [0, 0]
    again = lambda s: taylor.derivative(lambda r: abs(r) ** 2, s)
    assert taylor.derivative(again, number(0)) == 2


OUTER = {  # drivers of a function of a number
    "gradient": taylor.gradient,
    "derivative": taylor.derivative,
    "jvp": lambda f, p: taylor.jvp(f, p, 1.0)[1],
    "jacobian": taylor.jacobian,
}
INNER = {  # drivers by points one of which stays at the kink, and how many derivatives they take
    "gradient": (taylor.gradient, 1),
    "jacobian": (taylor.jacobian, 1),
    "vjp": (lambda f, x: taylor.vjp(f, x, 1.0)[1], 1),
    "hvp": (lambda f, x: taylor.hvp(f, x, np.ones(3)), 2),
    "jvp": (lambda f, x: taylor.jvp(f, x, np.ones(3))[1], 1),
    "directional": (lambda f, x: taylor.directional(f, x, np.ones(3), 2), 2),
    "tensor": (lambda f, x: taylor.tensor(f, x, 2), 2),
}


@pytest.mark.parametrize("kink", ["error", "subgradient"])
@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("outer", OUTER)
def test_derivatives_at_a_kink_that_stays_vary_with_other_variables(outer, inner, kink):
    x, (driver, order) = np.array([1.0, 2.0, 4.0]), INNER[inner]

    def slopes(p, power):
        return np.sum(driver(lambda x: np.sum(p**2 * np.maximum(0.0, x - 1.0) ** power), x))

    with taylor.policy(kink=kink):
        found = OUTER[outer](lambda p: slopes(p, 4), 3.0)
        each = math.perm(4, order) * np.array([0.0, 1.0, 3.0]) ** (4 - order)
        assert found == pytest.approx(6.0 * np.sum(each), rel=1e-14)
        if order == 1 and kink == "subgradient":
            assert OUTER[outer](lambda p: slopes(p, 1), 3.0) == 12.0
    if kink == "error":
        with pytest.raises(NonAnalyticError, match="kink"):
            OUTER[outer](lambda p: slopes(p, order), 3.0)


def test_a_side_is_no_matter_of_drivers_inside():
    f = lambda p: taylor.derivatives(lambda x: p * abs(x) * x, 0.0, 2)[2]
    for driver in OUTER.values():
        with pytest.raises(NonAnalyticError):
            driver(lambda p: abs(p) * p**2 * f(p), 0.0)
        assert driver(lambda p: abs(p) * p**2, 0.0) == 0


ONES = np.ones(3)
slope = lambda f, x: taylor.jvp(f, x, ONES)[1]
pulled = lambda f, x: taylor.vjp(f, x, ONES)[1]
INSIDE = {  # derivatives of an elementwise function, and how many they take
    "jvp": (slope, 1),
    "derivative": (lambda f, x: taylor.derivative(f, x, 2), 2),
    "vjp": (pulled, 1),
    "vjp of jvp": (lambda f, x: pulled(lambda y: slope(f, y), x), 2),
    "compiled": (lambda f, x: slope(taylor.compile(f), x), 1),
}
OUTSIDE = {  # derivatives by a number, and how many they take
    "gradient": (taylor.gradient, 1),
    "jvp": (lambda f, p: taylor.jvp(f, p, 1.0)[1], 1),
    "tensor": (lambda f, p: taylor.tensor(f, p, 2), 2),
    "compiled": (lambda f, p: taylor.gradient(taylor.compile(f), p), 1),
    "lanes": (lambda f, p: taylor.derivative(taylor.lanes(f), np.array([p, p]))[1], 1),
}
RAMPS = {  # max(t, 0) in many ways
    "maximum": lambda t: np.maximum(0, t),
    "minimum": lambda t: -np.minimum(0, -t),
    "abs": lambda t: (abs(t) + t) / 2,
    "clip": lambda t: np.clip(t, 0, 9),
    "where": lambda t: np.where(t > 0, t, 0),
    "max": lambda t: np.max([0 * t, t], axis=0),
    "sort": lambda t: np.sort(np.stack([0 * t, t]), axis=0)[1],
}


@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")
def test_drivers_in_drivers_at_a_tie():
    t = np.array([-1.0, 0.5, 0.0])
    r, r1, r2 = (c * np.maximum(t, 0) ** k for k, c in ((4, 1), (3, 4), (2, 12)))
    ramps = itertools.cycle(RAMPS.items())  # every two of row, inner and outer driver meet

    known = {
        1: lambda p: np.sum((np.exp(t + p * r) * (1 + p * r1)) ** 2),
        2: lambda p: np.sum((np.exp(t + p * r) * ((1 + p * r1) ** 2 + p * r2)) ** 2),
    }
    for inner, (driver, n) in INSIDE.items():
        for outer, (other, order) in OUTSIDE.items():
            row, ramp = next(ramps)
            f = lambda p, g=(driver, ramp): np.sum(
                g[0](lambda t: np.exp(t + p * g[1](t) ** 4), t) ** 2
            )
            right = taylor.derivative(known[n], 0.3, order)
            found = other(f, 0.3)
            assert found == pytest.approx(right, rel=1e-12), (row, inner, outer)
        next(ramps)


TWICE = {  # f(p, x) with the point, and its derivative by x and p if that exists
    "maximum": (lambda p, x: np.maximum(p * x, x), 1.0, 0.0, None),
    "maximum away from 0": (lambda p, x: np.maximum(p * x, x), 1.0, 1.0, None),
    "minimum": (lambda p, x: np.minimum(p * x, x), 1.0, 0.0, None),
    "abs": (lambda p, x: abs(p * x - x), 1.0, 0.0, None),
    "abs of product": (lambda p, x: abs(p * x), 0.0, 0.0, None),
    "product of abs": (lambda p, x: p * abs(x), 0.0, 0.0, None),
    "clip": (lambda p, x: np.clip(p * x, x, 9.0), 1.0, 0.0, None),
    "ramp": (lambda p, x: np.maximum(p * x - x, 0.0), 1.0, 0.0, None),
    "smooth": (lambda p, x: x * np.maximum(p * x, x), 1.0, 0.0, 0.0),
    "cancelling": (lambda p, x: 2 * np.maximum(p * x, x) - abs(p * x - x), 1.0, 0.0, 1.0),
    "square": (lambda p, x: p * abs(x) ** 2, 1.0, 0.0, 0.0),
    "sum of both": (lambda p, x: np.maximum(p * x, x) + np.minimum(p * x, x), 1.0, 0.0, 1.0),
    "proportional": (
        lambda p, x: (1 + p) * abs(x - p * x) - abs(p * p * x - x) + p * x, 1.0, 0.0, 1.0,
    ),
    "not proportional": (lambda p, x: 3 * abs(x - p * x) - abs(p * p * x - x), 1.0, 0.0, None),
    "abs times square": (lambda p, x: p * p * abs(x), 0.0, 0.0, 0.0),  # by all subgradients
    "abs times cube": (lambda p, x: (p - np.sin(p)) * abs(x), 0.0, 0.0, 0.0),
    "abs times zero": (lambda p, x: 0 * p * abs(x) + p * x, 0.0, 0.0, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", TWICE)
def test_a_tie_that_only_an_outer_variable_breaks(name):
    f, p, x, right = TWICE[name]
    inner = lambda p: taylor.gradient(lambda x: f(p, x), x)
    rows = lambda p: taylor.jacobian(lambda x: f(p, x), np.array([x]))
    for driver in (taylor.gradient, taylor.derivative):
        for g in (inner, taylor.compile(inner)):
            if right is None:
                with pytest.raises(NonAnalyticError, match="kink"):
                    driver(g, p)
            else:
                assert driver(g, p) == right
    found = taylor.jacobian(rows, p).item()
    assert math.isnan(found) if right is None else found == right


BY_ORDER = {  # drivers of functions of a number, by the order of their derivatives
    1: [taylor.gradient],
    2: [
        taylor.hessian,
        lambda f, p: taylor.hvp(f, p, 1.0),
        lambda f, p: taylor.gradient(lambda q: taylor.gradient(f, q), p),
    ],
    3: [lambda f, p: taylor.tensor(f, p, 3)],
}


@pytest.mark.parametrize("power", [1, 2])
def test_what_a_convention_gives_has_the_derivatives_that_all_subgradients_share(power):
    f = lambda p: taylor.gradient(lambda x: p**power * abs(x), 0.0)
    for order in (power - 1, power, power + 1):
        for driver in BY_ORDER.get(order, ()):
            if order < power:
                assert driver(f, 0.0) == 0
            else:
                with pytest.raises(NonAnalyticError):
                    driver(f, 0.0)


def test_a_smooth_sum_of_kinks_has_all_derivatives_by_another_variable():
    slope = lambda p: taylor.gradient(lambda x: p * np.maximum(x, 0) + np.minimum(x, 0) * p, 0.0)
    assert (taylor.gradient(slope, 0.0), taylor.hvp(slope, 0.0, 1.0)) == (1, 0)
    both = lambda p, x: p * np.sum(np.maximum(x, 0)) + np.sum(np.minimum(x, 0)) * p
    slopes = lambda p: taylor.gradient(lambda x: both(p, x), np.zeros(2))
    for p in (0.0, 1.0):  # at p = 0 both slopes vanish, and a product with no number seems to
        assert np.array_equal(taylor.derivatives(slopes, p, 2), [[p, p], [1, 1], [0, 0]])
    f = lambda p, x: np.maximum(p * x, x) + np.minimum(p * x, x) + (p * x) ** 2
    for outer in (taylor.jacobian, taylor.jacrev):
        assert outer(lambda p: taylor.hessian(lambda x: f(p, x), 0.0), 1.0) == 4


def test_a_kink_that_moves_with_another_variable_is_decided_there_first():
    f = lambda n, order: (
        lambda p: taylor.derivative(lambda t: np.maximum(t + p, 0) ** n, 0.0, order)
    )
    unknown = lambda p: taylor.derivative(lambda t: abs(p * t * t), 0.0, 2)  # 2|p|
    for driver in OUTER.values():
        assert driver(f(3, 1), 0.0) == 0
        assert driver(lambda y: taylor.derivative(lambda t: abs(t * t), y), 0.0) == 2
        for g in (f(2, 1), f(3, 2), unknown):
            with pytest.raises(NonAnalyticError):
                driver(g, 0.0)
    wedge = lambda x: np.maximum(x[0], 0) * np.maximum(-x[1], 0)  # both sides of v are zero
    for driver in (taylor.gradient, lambda f, x: taylor.jvp(f, x, np.array([1.0, -1.0]))):
        with pytest.raises(NonAnalyticError):
            driver(lambda y: taylor.jvp(wedge, y, np.array([1.0, 2.0]))[1], np.zeros(2))
    h = taylor.compile(lambda p: taylor.derivative(lambda t: abs(p * t * t), 0.0, 2))
    assert (h(0.5), h(-0.25)) == (1.0, 0.5)


# ------------------------------------------------------------------ lanes that do not move
CUT_OFF = {  # at the end of a domain, where what is cut off stays
    "sqrt": lambda x: np.sqrt(np.maximum(x, 0)),
    "cbrt": lambda x: np.cbrt(np.maximum(x, 0)),
    "a real power": lambda x: np.maximum(x, 0) ** 0.5,
    "arcsin": lambda x: np.arcsin(np.clip(x, -5, 0) + 1),
    "arccos": lambda x: np.arccos(np.minimum(-x, 0) + 1),
    "arccosh": lambda x: np.arccosh(np.where(x > 0, x, 0) + 1),
    "a root of a square": lambda x: np.sqrt(np.maximum(x, 0) ** 2),
    "a modulus": lambda x: np.hypot(np.maximum(x, 0), 0),
}


@pytest.mark.parametrize("name", CUT_OFF)
def test_what_is_cut_off_has_the_derivative_zero_beside_lanes_that_move(name):
    f, x = CUT_OFF[name], np.array([-1.0, 0.3, -3.0, -0.4])
    sign = -1.0 if name == "arcsin" else 1.0
    x, e = sign * x, np.eye(4)
    slopes = np.array([taylor.derivative(f, v) for v in x.tolist()])
    assert slopes[0] == slopes[2] == slopes[3] == 0 != slopes[1]
    ways = {
        "by hand": f(Taylor.variable(x, 2)).coef[1],
        "gradient": taylor.gradient(lambda x: np.sum(f(x)), x),
        "jacfwd": np.diag(taylor.jacfwd(f, x)),
        "jacrev": np.diag(taylor.jacrev(f, x)),
        "jvp": taylor.jvp(f, (x,), (np.ones(4),))[1],
        "columns": [taylor.jvp(f, (x,), (v,))[1] @ v for v in e],
    }
    for way, found in ways.items():
        np.testing.assert_allclose(found, slopes, rtol=1e-14, err_msg=way)
    many = np.array([mpf(v) for v in x.tolist()], dtype=object)
    ways = f(Taylor.variable(many, 2)).coef[1], np.diag(taylor.jacfwd(f, many))
    for found in (*ways, f(Taylor.variable(x.astype(np.float32), 2)).coef[1]):
        np.testing.assert_allclose(np.asarray(found, dtype=float), slopes, rtol=1e-6)
    bends = [taylor.derivative(f, v, 2) for v in x.tolist()]
    hessian = taylor.hessian(lambda x: np.sum(f(x)), x)
    np.testing.assert_allclose(np.diag(hessian), bends, rtol=1e-13)
    slope = lambda x: taylor.jvp(f, (x,), (np.ones(4),))[1]
    ways = {
        "gradient of jvp": taylor.gradient(lambda x: np.sum(slope(x)), x),
        "jvp of jvp": taylor.jvp(slope, (x,), (np.ones(4),))[1],
    }
    for way, found in ways.items():
        np.testing.assert_allclose(found, bends, rtol=1e-13, err_msg=way)


CHOICES = {
    "max of rows": lambda x: np.sum(np.exp(np.max(np.outer(x, [1.0, -2.0, 0.5]) + x, axis=1))),
    "shifted exponentials": lambda x: np.sum(np.exp(x * x - np.max(x * x)) ** 2),
    "maximum": lambda x: np.sum(np.exp(np.maximum(x * x, 1.0))),
    "abs": lambda x: np.sum(np.exp(np.abs(x * x - 0.3))),
    "clip": lambda x: np.sum(np.exp(np.clip(x * x, 0.2, 1.5))),
    "where": lambda x: np.sum(np.exp(np.where(x > 0, x * x, x**3))),
}


TRACE = functools.partial(taylor.hessian_trace, A=np.eye(3))
OF_ALL_SIDES = {
    "hessian": taylor.hessian,
    "trace": TRACE,
    "its gradient": lambda f, x: taylor.gradient(functools.partial(TRACE, f), x),
}


@pytest.mark.parametrize("driver", OF_ALL_SIDES)
@pytest.mark.parametrize("name", CHOICES)
def test_code_of_derivatives_is_that_of_all_sides(name, driver):
    """Each side that another element of an array takes was a branch, of 2ⁿ."""
    f, driver = CHOICES[name], OF_ALL_SIDES[driver]
    c = taylor.compile(lambda x: driver(f, x))
    points = [np.array(x) for x in ([0.3, 1.1, -0.4], [1.3, -0.2, 0.9], [-1.4, 0.5, 1.1])]
    for x in points:
        np.testing.assert_allclose(c(x), driver(f, x), rtol=1e-12, atol=1e-12)
    assert [len(each) for each in c.machines.values()] == [1]
    of_code = taylor.compile(f)
    for x in points:
        np.testing.assert_allclose(driver(of_code, x), c(x), rtol=1e-12, atol=1e-12)
    assert all(len(each) == 1 for each in of_code.machines.values())
    found = []
    for g in (lambda x: driver(f, x), c):
        try:
            found.append(np.round(g(np.array([1.0, 1.0, 0.0])), 11).tolist())
        except NonAnalyticError:
            found.append("kink")
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.maximum(x, abs(x)),
        lambda x: np.maximum(x, np.maximum(x, 0) ** 2),
        lambda x: np.maximum(x, 0 * np.maximum(x, 0)),
        lambda x: np.clip(x, abs(x), 2.0),
        lambda x: abs(abs(x) - x),
    ],
)
def test_code_takes_no_side_of_a_kink_whose_other_side_has_one(f):
    x = np.array([0.0, 0.37])
    code = taylor.compile(f)
    for slope in (
        taylor.derivative(code, x),
        code(Taylor.variable(x, 2)).coef[1],
        taylor.compile(lambda x: taylor.jvp(f, x, x * 0 + 1)[1])(x),
        taylor.jvp(code, x, np.ones(2))[1],
    ):
        assert np.isnan(slope[0]) and np.isfinite(slope[1])
    for driver in (taylor.derivative, taylor.gradient, taylor.hessian):
        with pytest.raises(NonAnalyticError):
            driver(code, 0.0)


LINEAR = {  # Jᵀw at ties that cancel, as a function of w: outer drivers
    "jacobian": lambda g, w: taylor.jacobian(g, w),
    "jacfwd": lambda g, w: taylor.jacfwd(g, w),
    "jvp": lambda g, w: np.stack([taylor.jvp(g, w, e)[1] for e in np.eye(2)], axis=1),
    "vjp": lambda g, w: np.stack([taylor.vjp(g, w, e)[1] for e in np.eye(2)]),
    "derivative": lambda g, w: np.stack(
        [taylor.derivative(lambda t, e=e: g(w + t * e), 0.0) for e in np.eye(2)], axis=1
    ),
    "compiled": lambda g, w: taylor.jacobian(taylor.compile(g), w),
    "lanes": lambda g, w: taylor.lanes(lambda w: taylor.jacobian(g, w))(w[None])[0],
    "with x": lambda g, w: np.stack(
        [
            taylor.jvp(lambda x, w: taylor.vjp(tied, x, w)[1], (HALF, w), (np.zeros(2), e))[1]
            for e in np.eye(2)
        ],
        axis=1,
    ),
}


def tied(x):
    return np.maximum(x * x, x**2) + x[::-1]


@pytest.mark.parametrize("driver", LINEAR)
def test_adjoints_at_ties_vary_with_what_they_are_adjoints_of(driver):
    found = LINEAR[driver](lambda w: taylor.vjp(tied, HALF, w)[1], np.array([3.0, -1.0]))
    assert np.array_equal(found, [[2.0, 1.0], [1.0, 1.0]])


ALONG = {  # f with a gradient, but no Hessian, at (0, 0.5), and H·v along the second axis
    "squared hinge": (lambda z: np.sum(np.maximum(z, 0.0) ** 2), [0.0, 2.0]),
    "x |x| y": (lambda z: abs(z[0]) * z[0] * z[1], [0.0, 0.0]),
    "clip": (lambda z: np.sum(np.clip(z, 0.0, 1.0) * z), [0.0, 2.0]),
}


@pytest.mark.parametrize("name", ALONG)
def test_hvp_goes_along_a_line_where_the_gradient_is_smooth(name):
    f, want = ALONG[name]
    x, along, across = np.array([0.0, 0.5]), np.array([0.0, 1.0]), np.array([1.0, 0.0])
    code, many = taylor.compile(f), taylor.lanes(lambda x: taylor.hvp(f, x, along))
    np.testing.assert_array_equal(taylor.jvp(lambda y: taylor.gradient(f, y), x, along)[1], want)
    for y in (x + 0.1, x):
        np.testing.assert_array_equal(taylor.hvp(code, y, along), taylor.hvp(f, y, along))
    np.testing.assert_array_equal(taylor.hvp(f, x, along), want)
    np.testing.assert_array_equal(many(np.array([x, x + 0.1]))[0], want)
    np.testing.assert_array_equal(many(np.array([x + 0.1, x]))[1], want)
    for g in (f, code):
        with pytest.raises(taylor.NonAnalyticError):
            taylor.hvp(g, x, across)


def test_numbers_beside_a_removable_tie_are_no_arrays():
    found = taylor.jvp(lambda y: taylor.gradient(lambda x: abs(x**2), y), 0.0, 1.0)
    assert found == (0.0, 2.0) and not any(isinstance(v, np.ndarray) for v in found)


TIED, ACROSS = np.array([1.69, 0.0, 0.0, 0.0]), np.array([2.0, 1.0, 2.0, -1.0])
ORDERS = {  # of three equal elements
    "sort": lambda y: np.sort(y) @ np.array([0.4, 0.6, 0.0, 1.0]),
    "median": lambda y: np.median(y[:3]),
    "quantile": lambda y: np.quantile(y, 0.3),
    "top two": lambda y: np.sum(np.sort(y)[2:]),
    "partition": lambda y: np.partition(y, 1)[0],
}
SYMMETRIC = {
    "all": (lambda y: np.sum(np.sort(y) ** 2), 2 * TIED),
    "equal ones": (lambda y: np.sum(np.sort(y)[:3]), np.array([0.0, 1.0, 1.0, 1.0])),
    "the rest": (lambda y: np.sort(y)[3] ** 2, np.array([3.38, 0.0, 0.0, 0.0])),
    "the least three": (lambda y: np.sum(np.partition(y, 2)[:3]), np.array([0.0, 1.0, 1.0, 1.0])),
    "all of twelve": (lambda y: np.mean(np.sort(np.tile(y, 4))), np.full(4, 0.25)),
}


@pytest.mark.parametrize("name", ORDERS)
def test_elements_in_order_have_a_kink_where_they_are_equal(name):
    f = ORDERS[name]
    ends = [f(TIED + h * ACROSS) for h in (1e-6, 0.0, -1e-6)]
    assert abs(ends[0] - 2 * ends[1] + ends[2]) > 1e-7
    away = TIED + np.array([0.0, 0.1, 0.2, 0.3])
    code = taylor.compile(f)
    many = taylor.lanes(lambda y: taylor.gradient(f, y))
    np.testing.assert_array_equal(taylor.gradient(code, away), taylor.gradient(f, away))
    np.testing.assert_array_equal(many(np.array([away]))[0], taylor.gradient(f, away))
    for driver in (taylor.gradient, taylor.hessian, lambda f, x: taylor.jvp(f, x, ACROSS)):
        for g in (f, code):
            with pytest.raises(NonAnalyticError):
                driver(g, TIED)
    with pytest.raises(NonAnalyticError):
        many(np.array([away, TIED]))


@pytest.mark.parametrize("n", [2, 9, 40])
def test_any_number_of_equal_elements_has_a_kink(n):
    for driver in (taylor.gradient, lambda f, x: taylor.jvp(f, x, x + np.arange(n))):
        with pytest.raises(NonAnalyticError):
            driver(lambda y: np.sort(y)[n // 3], np.ones(n))


@pytest.mark.parametrize("name", SYMMETRIC)
def test_what_is_symmetric_in_equal_elements_has_derivatives(name):
    f, want = SYMMETRIC[name]
    np.testing.assert_allclose(taylor.gradient(f, TIED), want, atol=1e-15)
    np.testing.assert_allclose(taylor.jacfwd(f, TIED), want, atol=1e-15)


@pytest.mark.parametrize("q", [-0.1, 1.2, np.nan])
def test_quantiles_beyond_their_range_are_numpys_error(q):
    data, code = (
        np.array([3.0, 1.0, 4.0]),
        taylor.compile(lambda q: np.quantile([3.0, 1.0, 4.0], q)),
    )
    assert taylor.derivative(code, 0.3) == 4.0
    for f in (lambda z: np.quantile(data, z), lambda z: np.percentile(data, 100 * z), code):
        for driver in (taylor.derivative, taylor.gradient):
            with pytest.raises(ValueError, match="in the range"):
                driver(f, q)


NO_SERIES = {  # a side that is not taken has none
    "pole": lambda x: np.minimum(1 / x, 1.0),
    "log": lambda x: x + np.maximum(np.log(x), -1.0),
    "clip": lambda x: np.clip(-1 / x**2, 0.0, 1.0),
}


@pytest.mark.parametrize("name", NO_SERIES)
def test_code_of_a_side_that_is_infinite_has_no_derivative(name):
    code = taylor.compile(NO_SERIES[name])
    for driver in (taylor.gradient, lambda f, x: taylor.derivatives(f, x, 3)):
        for f in (NO_SERIES[name], code):
            with pytest.raises(taylor.DomainError):
                driver(f, 0.0)
        np.testing.assert_allclose(driver(code, 0.3), driver(NO_SERIES[name], 0.3), 1e-14)


SHADOWED = {  # by a side that is larger, or less: f is constant or linear at 0
    "maximum": (lambda x: np.maximum(np.sqrt(x), 1.0), 0),
    "minimum": (lambda x: np.minimum(2 * x, 3 - x**0.3), 2),
    "inside": (lambda x: np.exp(-np.maximum(x**1.5, 2 + x)), -np.exp(-2)),
}


@pytest.mark.parametrize("name", SHADOWED)
def test_a_finite_side_that_is_not_taken_has_no_say(name):
    f, slope = SHADOWED[name]
    code = taylor.compile(f)
    for driver in taylor.gradient, taylor.derivative, lambda f, x: taylor.jvp(f, x, 1.0)[1]:
        for g in f, code:
            assert driver(g, 0.0) == pytest.approx(slope, rel=1e-14)
    lanes = taylor.derivative(f, np.array([0.0, 0.3]))
    assert lanes == pytest.approx([slope, taylor.derivative(f, 0.3)])


@pytest.mark.parametrize("compiled", [False, True])
def test_nan_stays_in_the_elements_that_it_concerns(compiled):
    """A Hessian has it where it would be multiplied by zero, too."""
    code = taylor.compile if compiled else lambda f: f
    x, nan = np.array([0.3, np.nan, 1.0, -2.0]), np.array([False, True, False, False])
    smooth = code(lambda x: np.sum(np.tanh(x)) + x[0] * x[3])
    slopes = 1 - np.tanh(x) ** 2 + x[[3, 3, 3, 0]] * [1, 0, 0, 1]
    np.testing.assert_allclose(taylor.gradient(smooth, x), slopes, 1e-14)
    np.testing.assert_allclose(taylor.jacobian(smooth, x), slopes, 1e-14)
    bends = -2 * np.tanh(x) * (1 - np.tanh(x) ** 2) + [1, 0, 0, 1]
    np.testing.assert_allclose(taylor.hvp(smooth, x, np.ones(4)), bends, 1e-14)
    many = np.resize(x, 3000)  # in time: no series of so many variables
    found = taylor.hvp(code(lambda x: np.sum(np.tanh(x))), many, np.ones(3000))
    assert np.array_equal(np.isnan(found), np.resize(nan, 3000))
    steps = code(lambda x: np.sum(np.floor(x) * x**2))
    found, want = (
        taylor.hessian(steps, np.array([1.5, 2.0, 2.5, -0.5])),
        np.diag([2.0, 0, 4.0, -2.0]),
    )
    here = ~(nan[:, None] | nan)
    np.testing.assert_array_equal(found[here], want[here])
    assert np.isnan(found[1, 1])


def test_a_weighted_quantile_among_equals_is_a_kink_unless_they_move_together():
    f = lambda x: np.quantile(x, 0.4, weights=np.array([1, 2, 1, 3]), method="inverted_cdf")
    x = np.array([1.0, 1.0, 1.0, 2.0])
    assert taylor.jvp(f, x, np.ones(4)) == (1.0, 1.0)
    with pytest.raises(NonAnalyticError):
        taylor.jvp(f, x, np.array([1.3, 0.4, 2.2, 0.9]))


def test_series_of_code_vary_with_what_is_moved_out_of_a_choice():
    """Beside a constant, or what always varies; where weights of what varies cancel; as a part."""
    x, v = np.array([0.1, -0.5, 0.06, 0.8]), np.array([0.5, -1.5, -0.9, 1.3])

    def f(t):
        y = x + t * v
        z = np.maximum(y, 0.1)
        turned = np.stack([np.maximum(y[3], 0.1), y[0], 0.4])[::-1]
        return np.concatenate([
            np.sin(np.concatenate([z, y[:2], [2.0]])[[3, 4, 5, 6]]),
            np.sin(np.concatenate([z, np.maximum(y[:2], 0.2), y])[[3, 4, 9, 7]]),
            np.exp(np.array([[1, -1, 1, -1], [0, 0, -1, 1]]) @ np.maximum(y, y - 5)),
            np.sin(np.imag(1j * z)) + np.cos(np.imag((2 + 1j) * z)),
            np.sin(turned),
        ])  # fmt: skip

    np.testing.assert_allclose(
        taylor.derivatives(taylor.compile(f), 0.0, 3), taylor.derivatives(f, 0.0, 3), 1e-13, 1e-15
    )


TABLES = {  # functions that take elements of their arguments, or minus them
    "abs": lambda x, y, b: np.abs(x),
    "maximum": lambda x, y, b: np.maximum(x, y),
    "minimum": lambda x, y, b: np.minimum(b, x),
    "maximum of a number": lambda x, y, b: np.maximum(x, 0.25),
    "clip": lambda x, y, b: np.clip(x, -0.5, b),
    "clip by series": lambda x, y, b: np.clip(b, -y, y),
    "where": lambda x, y, b: np.where(x > 0.1, x, y),
    "where of a number": lambda x, y, b: np.where(x > 0.1, x, 0.0),
    "stack": lambda x, y, b: np.stack([x, y]),
    "stack with a number": lambda x, y, b: np.stack([x, x * 0 + 1.0, y]),
    "concatenate": lambda x, y, b: np.concatenate([x.ravel(), y.ravel()]).reshape(2, *x.shape),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("kind", ["Taylor", "TaylorN", "float32", "reversed", "one"])
def test_arrays_are_taken_as_their_elements_are(name, kind):
    f, rng = TABLES[name], np.random.default_rng(3)
    dtype = np.float32 if kind == "float32" else float
    a, b = (rng.uniform(-1, 1, (2, 3)).astype(dtype) for _ in range(2))
    if kind == "one":
        a, b = a[0, :1], b[0, :1]
    if kind == "TaylorN":
        (s, t) = taylor.TaylorN.variables([0.0, 0.0], 2)
    else:
        s = t = taylor.Taylor.variable(dtype(0.0), 3)
    x, y = a + s * b, abs(b) + 0.3 + t * t * a + s
    if kind == "reversed":
        x, y, b = x.T, y.T, b.T
    found = f(x, y, b)
    assert found.dtype == dtype
    each = [f(x[i], y[i], b[i]).coef for i in np.ndindex(x.shape)]
    np.testing.assert_array_equal(found.coef, np.stack(each, -1).reshape(found.coef.shape))


def kernel(x, least=None):
    """Return a sum over a Gaussian kernel; its squared distances are at `least` 0."""
    d2 = np.sum(x**2, 1)[:, None] + np.sum(x**2, 1) - 2 * x @ x.T
    return np.sum(
        np.sin(np.arange(9.0).reshape(3, 3)) * np.exp(-(d2 if least is None else least(d2)) / 2)
    )


def path(x, largest=lambda a, b: a):
    """Return a function of a path whose first places are the same constant."""
    return np.exp(x[0, 1]) * x[2, 0] ** 2 + largest(x[0, 0] * 0 + 1, x[1, 1] * 0 + 1)


STANDING = {  # ties that stay wherever x goes: with them, without
    "squared distances": (lambda x: kernel(x, lambda d: np.maximum(d, 0.0)), kernel),
    "lower and upper": (lambda x: kernel(x, lambda d: np.clip(d, 0.0, 1e9)), kernel),
    "constants": (lambda x: path(x, np.maximum), path),
    "one function": (lambda x: np.sum(np.minimum(x * x, x**2)), lambda x: np.sum(x * x)),
    "nothing": (lambda x: np.sum(x**3 + abs(x - x)), lambda x: np.sum(x**3)),
}


def along(f, x):
    """Return H·v for a v that does not move the first coordinate."""
    return taylor.hvp(f, x, np.arange(x.size).reshape(x.shape) / 2)


@pytest.mark.parametrize("driver", [taylor.gradient, taylor.hessian, along])
@pytest.mark.parametrize("name", STANDING)
def test_code_passes_ties_that_stay(name, driver):
    f, smooth = STANDING[name]
    code = taylor.compile(f)
    points = np.random.default_rng(1).integers(-4, 5, (3, 3, 2)) / 4
    for x in points:
        np.testing.assert_allclose(driver(code, x), driver(smooth, x), 1e-12, 1e-13)
        code.f = None  # what is not by code fails from now on
    assert not code.reasons


@pytest.mark.parametrize("f", [abs, lambda x: np.maximum(x, 0) ** 2, lambda x: x * abs(x)])
def test_code_of_ties_that_leave_a_mark_is_not_believed(f):
    code = taylor.compile(lambda x: np.sum(f(x)))
    for x in (np.array([0.0, 1.0]), np.array([2.0, 1.0]), np.array([0.0, -1.0])):
        for driver in (taylor.hessian, taylor.gradient, along, taylor.hessian, along):
            try:
                expected = driver(lambda x: np.sum(f(x)), x)
            except NonAnalyticError:
                with pytest.raises(NonAnalyticError):
                    driver(code, x)
            else:
                np.testing.assert_array_equal(driver(code, x), expected)


def test_code_of_ties_is_left_where_there_are_none_any_more():
    code, x = taylor.compile(lambda x: np.sum(np.maximum(x, 0) ** 3)), np.linspace(-1, 1, 5)
    for shift in (0.0, *(17 * [0.3]), 0.0):
        y = x + shift
        np.testing.assert_allclose(taylor.hvp(code, y, y), 6 * np.maximum(y, 0) ** 2, 1e-14)
    assert len(code.machines) == 2 and all(code.machines.values())
