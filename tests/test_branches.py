"""Series that vanish as far as they are known are no constants: roots are right or say so."""

import numpy as np
import pytest

import hyperdual
import taylor
from hyperdual import HyperDual
from taylor import DomainError, NonAnalyticError, Taylor, TaylorN

# f at 0 and its derivatives from the first on
SMOOTH = {
    "sqrt x⁴": (lambda x: np.sqrt(x**4), [0, 2, 0]),
    "sqrt of a product": (lambda x: np.sqrt(x * x * np.expm1(x) ** 2), [0, 2, 3]),
    "cbrt x³": (lambda x: np.cbrt(x**3), [1, 0, 0]),
    "cbrt x³ + x": (lambda x: np.cbrt(x**3) + x, [2, 0, 0]),
    "(x⁴)**1.5": (lambda x: (x**4) ** 1.5, [0, 0, 0]),
    "(x⁸)**0.25": (lambda x: (x**8) ** 0.25, [0, 2, 0]),
    "sqrt x⁴⁰": (lambda x: np.sqrt(x**40), [0, 0, 0]),
    "0x": (lambda x: np.sqrt(0 * x) + x, [1, 0, 0]),
    "sinc + x": (lambda x: np.sin(x) / x + x, [1, -1 / 3, 0]),
    "x sqrt x⁴": (lambda x: x * np.sqrt(x**4), [0, 0, 6]),
}
KINKED = {
    "sqrt x²": (lambda x: np.sqrt(x**2), 1),
    "sqrt x⁶": (lambda x: np.sqrt(x**6), 3),
    "(x²)**0.5": (lambda x: (x * x) ** 0.5, 1),
    "sign x⁴": (lambda x: np.sign(x**4), 1),
    "asin 1 - x²": (lambda x: np.arcsin(1 - x**2), 1),
}
DRIVERS = {
    "derivative": taylor.derivative,
    "compiled": lambda f, x, n: taylor.derivative(taylor.compile(f), x, n),
    "directional": lambda f, x, n: taylor.directional(lambda v: f(v[0]), [x], [1.0], n),
    "partial": lambda f, x, n: taylor.partial(lambda v: f(v[0]), [x], (n,)),
}
FORMED = {"cbrt x³", "cbrt x³ + x", "(x⁸)**0.25", "sinc + x"}  # not in several variables


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("driver", DRIVERS)
def test_drivers_find_what_a_higher_order_shows(driver, name):
    f, want = SMOOTH[name]
    for n, d in enumerate(want, 1):
        try:
            got = DRIVERS[driver](f, 0.0, n)
        except DomainError:
            assert driver == "partial"
            assert name in FORMED
        else:
            assert got == pytest.approx(d, abs=1e-14)


@pytest.mark.parametrize("name", KINKED)
def test_kinks_are_errors(name):
    f, first = KINKED[name]
    for driver in (taylor.derivative, DRIVERS["partial"]):
        for n in range(first, 4):
            with pytest.raises(DomainError):
                driver(f, 0.0, n)
    if first == 1:
        with pytest.raises(DomainError):
            taylor.gradient(f, 0.0)


def norm(v):
    return np.sqrt(np.sum(v**2))


def square(v):
    return np.sqrt(np.sum(v**2) ** 2)


@pytest.mark.parametrize("d", [taylor, hyperdual])
def test_several_variables(d):
    assert d.hessian(square, np.zeros(2)) == pytest.approx(2 * np.eye(2))
    assert d.gradient(square, np.zeros(2)).tolist() == [0, 0]
    for f in (norm, np.linalg.norm):
        with pytest.raises(DomainError):
            d.gradient(f, np.zeros(2))
        with pytest.raises(DomainError):
            d.hessian(f, np.zeros(2))


def test_the_root_of_a_form():
    x, y = TaylorN.variables([0.0, 0.0], 6)
    for root in (x * x + y * y + x**3 - 2 * x * y * y, (x + y) ** 2 + y**4):
        assert np.sqrt(root * root).coef == pytest.approx(root.truncate(4).coef, abs=1e-12)
    for a in (x * x + y * y, (x * x - y * y) ** 2, x**4 + y**4):
        with pytest.raises(NonAnalyticError):
            np.sqrt(a)


def test_by_hand_the_order_says_what_is_known():
    t, (x, _) = Taylor.variable(0.0, 2), TaylorN.variables([0.0, 0.0], 2)
    for variable in (t, x):
        assert np.sqrt(variable**4).order == 1
        assert np.cbrt(variable**3).order == 0
        assert np.hypot(variable**3, variable**4).order == 2
        assert np.sqrt(0 * variable).order == 2
        assert np.sqrt(variable - variable).order == 2
        assert np.sqrt((variable**4 + variable) - variable).order == 1
    with pytest.raises(DomainError, match="hyper-dual"):
        np.sqrt(HyperDual(0.0, 1, 1) ** 4)
    assert np.sqrt(0 * HyperDual(0.0, 1, 1)).eps1 == 0


def test_lanes_are_nan_above_what_is_known():
    t = Taylor.variable(np.array([0.0, 1.0]), 2)
    c = np.sqrt(t**4).coef
    assert np.array_equal(c[:, 0], [0, 0, np.nan], equal_nan=True)
    assert c[:, 1].tolist() == [1, 2, 1]
    assert np.sqrt(np.array([0.0, 1.0]) * t).coef[:, 0].tolist() == [0, 0, 0]
    d = taylor.derivative(lambda x: np.sqrt(x**4), np.array([0.0, 1.0]), 2)
    assert d.tolist() == [2, 2]  # of the series of a higher order
    y = np.zeros_like(t)
    y[0] = t[0] ** 4
    assert np.isnan(np.sqrt(y).coef[2, 0])


@pytest.mark.parametrize("d", [taylor.gradient, lambda f, x: taylor.hessian(f, x) @ x])
def test_distances_of_points_to_themselves_are_constants(d):
    x = np.array([1.0, 2.0, 4.0])
    f = lambda x: np.sum(np.sqrt((x[:, None] - x[None, :]) ** 2) ** 3)
    g = lambda x: 2 * ((x[1] - x[0]) ** 3 + (x[2] - x[0]) ** 3 + (x[2] - x[1]) ** 3)
    assert d(f, x) == pytest.approx(d(g, x))


@pytest.mark.parametrize("step", [np.floor, np.rint, np.trunc, np.sign])
@pytest.mark.parametrize("x", [0.3, np.array([0.3, 2.6])])
def test_a_step_is_constant_whatever_its_argument_is(step, x):
    t = Taylor.variable(x, 3)
    for y in (step(step(t)), step(step(t) ** 3), np.sqrt(step(0 * t)), step(np.exp(step(t * t)))):
        assert y.order == 3 and not np.any(y.coef[1:])


KNOTS = np.array([0.0, 1.0, 4.0, 9.0, 16.0])


def _between_knots(x):
    i = np.floor(x).astype(int)
    w = x - i
    return np.sum((KNOTS[i] * (1 - w) + KNOTS[i + 1] * w) ** 2)


def _by_number(x):
    i = int(x[0] // 1)
    return (KNOTS[i] + (KNOTS[i + 1] - KNOTS[i]) * (x[0] - i)) ** 2 * x[1]


@pytest.mark.parametrize("f", [_between_knots, _by_number])
def test_what_is_constant_between_jumps_can_be_an_integer(f):
    compiled, v = taylor.compile(f), np.array([1.0, 2.0])
    for x in np.array([[1.3, 2.6], [1.4, 2.7], [2.3, 0.2]]):  # the last has other integers
        h, g = taylor.hessian(f, x), taylor.gradient(f, x)
        d = 1e-6 * v
        assert g @ v == pytest.approx((f(x + d) - f(x - d)) / 2e-6, rel=1e-7)
        for found in (taylor.hvp(f, x, v), taylor.hvp(compiled, x, v)):
            np.testing.assert_allclose(found, h @ v, rtol=1e-12)
        for found in (taylor.vjp(f, x, 1.0)[1], taylor.gradient(compiled, x)):
            np.testing.assert_allclose(found, g, rtol=1e-12)
        along = taylor.derivatives(lambda t, x=x: f(x + t * v), 0.0, 2)
        np.testing.assert_allclose(along[1:], [g @ v, v @ h @ v], rtol=1e-12)
    for driver in (taylor.gradient, taylor.hessian):
        with pytest.raises(NonAnalyticError):
            driver(f, np.array([2.0, 0.5]))


# ------------------------------------------------------------------ sides that are not taken
ONE_SIDED = {  # a point, and f and its first two derivatives there
    "sqrt": (lambda x: np.where(x > 0, np.sqrt(x), x * x), -1.0, [1, -2, 2]),
    "log at its end": (lambda x: np.where(x > 0, x * np.log(x), x), 0.0, [0, 1, 0]),
    "a modulus": (lambda x: np.where(x > 1, np.hypot(x, 0 * x), x), 0.0, [0, 1, 0]),
    "a pole": (lambda x: np.where(abs(x) > 0.5, 1 / x, x), 0.0, [0, 1, 0]),
    "a kink": (lambda x: np.where(x > 1, abs(x), 2 * x), 0.0, [0, 2, 0]),
    "both": (lambda x: np.where((x > 0) & (x < 9), np.sqrt(x), -x), -1.0, [1, -1, 0]),
    "select": (lambda x: np.select([x > 0, x < -3], [np.sqrt(x), x], x * x), -1.0, [1, -2, 2]),
    "in a side": (
        lambda x: np.where(x > 0, np.where(x > 1, np.log(x - 1), x), 0),
        0.5,
        [0.5, 1, 0],
    ),
    "in all elements": (
        lambda x: np.sum(np.where(x > [0, 1], np.sqrt(x) * np.arange(2), x * np.array([1, 3]))),
        -1.0,
        [-4, 4, 0],
    ),
    "spread": (lambda x: np.sum(np.where(x > 0, np.sqrt(x) * np.ones(2), x)), -1.0, [-2, 2, 0]),
    "of a side": (lambda x: np.exp(np.where(x > 0, x**1.5, x)), -1.0, [np.exp(-1)] * 3),
}
EVERY = {
    "derivatives": lambda f, x: taylor.derivatives(f, x, 2),
    "jvp": lambda f, x: [*taylor.jvp(f, x, 1.0), taylor.derivative(f, x, 2)],
    "gradient": lambda f, x: [*taylor.value_and_gradient(f, x), taylor.hessian(f, x)],
    "jvp of gradient": lambda f, x: [f(x), *taylor.jvp(lambda x: taylor.gradient(f, x), x, 1.0)],
    "several variables": lambda f, x: [
        f(x),
        taylor.jacobian(lambda v: np.stack([f(v[0])]), [x]).item(),
        taylor.laplacian(lambda v: f(v[0]), [x]),
    ],
    "by rows": lambda f, x: [
        f(x),
        taylor.jacrev(f, x),
        taylor.jacrev(lambda x: taylor.jacrev(f, x), x),
    ],
    "compiled": lambda f, x: taylor.derivatives(taylor.compile(f), x, 2),
    "compiled gradient": lambda f, x: [
        f(x),
        taylor.gradient(taylor.compile(f), x),
        taylor.hessian(taylor.compile(f), x),
    ],
    "lanes": lambda f, x: taylor.lanes(lambda x: taylor.derivatives(f, x, 2))(np.array([x]))[0],
    "hyperdual": lambda f, x: [f(x), hyperdual.gradient(f, x), hyperdual.hessian(f, x)],
}


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("name", ONE_SIDED)
def test_a_side_that_is_not_taken_has_no_say(name, every):
    f, x, want = ONE_SIDED[name]
    x = np.float64(x)
    with np.errstate(all="ignore"):
        assert np.ravel(EVERY[every](f, x)) == pytest.approx(want, rel=1e-14, abs=0)


def newton(size):
    """Return the square root by five steps from 1; of the defect only the size is compared."""

    def f(x):
        y = 1 + 0 * x
        for _ in range(5):
            r = y * y - x
            y = y - r / (2 * y)
            if size(r) > 1e3:
                y = 0 * y
        return y

    return f


SIZES = {
    "abs": abs,
    "norm": lambda r: np.linalg.norm([r]),
    "largest": lambda r: np.max(np.abs(np.stack([r, -r]))),
    "hypot": lambda r: np.hypot(r, r),
    "root": lambda r: np.sqrt(r * r),
    "maximum": lambda r: np.maximum(r, -r),
}


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("size", SIZES)
def test_what_is_only_compared_needs_no_series(size, every):
    found = EVERY[every](newton(SIZES[size]), np.float64(1.0))
    assert np.ravel(found) == pytest.approx([1, 0.5, -0.25], rel=1e-14)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.minimum(1 / x, 1.0), 0.0),
        (lambda x: np.clip(np.log(x), -1, 1), 0.0),
        (lambda x: np.exp(-1 / x**2), 0.0),
        (lambda x: (x > 0) * np.sqrt(x), -1.0),
        (lambda x: np.where(x > -2, np.sqrt(x), x), -1.0),
        (lambda x: np.where(x == 0, 0.0, np.log(x)), 0.0),
    ],
)
def test_what_has_a_say_raises_where_it_has_no_series(f, x):
    for driver in (taylor.derivative, taylor.hessian, hyperdual.gradient, taylor.gradient):
        with pytest.raises(DomainError), np.errstate(all="ignore"):
            driver(f, x)


def test_slopes_of_a_constant_side_are_floats():
    for f in (lambda v: np.where(v[0] > 0, v[0] ** 2, v[0]), lambda v: np.where(v[0] > 0, v[0], 3)):
        for driver in (taylor.gradient, lambda f, x: taylor.hvp(f, x, x)):
            for dtype in (np.float32, np.float64):
                assert driver(f, np.array([-1.0], dtype)).dtype == dtype
                value, _ = taylor.value_and_gradient(f, np.array([-1.0], dtype))
                assert type(value) is dtype and value == f(np.array([-1.0]))


# ------------------------------------------------------------------ jumps in lanes
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.arctan(np.ceil(x)),
        lambda x: x + np.exp(np.sign(x - 1)),
        lambda x: np.sqrt(3 + np.floor(x)),
        lambda x: taylor.digamma(1.5 + np.trunc(x)),
        lambda x: np.arctan2(np.floor(x), x),
        lambda x: np.hypot(x, np.floor(x)),
        lambda x: 1.5 ** np.floor(x),
        lambda x: np.floor(x) ** 1.5,
        lambda x: np.tanh(np.rint(x - 0.5)),
    ],
)
def test_a_function_of_a_jump_in_a_lane_has_no_slope(f):
    x, v = np.array([1.0, 2.75]), np.ones(2)
    total = lambda x: np.sum(f(x) * x)
    found = [
        *taylor.derivatives(f, x, 2)[1:],
        f(Taylor.variable(x, 1)).coef[1],
        f(TaylorN.variables(x, 1)[0] * v + x - 1).coef[1],
        taylor.gradient(total, x),
        taylor.jvp(f, x, v)[1],
        taylor.derivative(taylor.compile(f), x),
        taylor.lanes(lambda x: taylor.gradient(taylor.compile(total), x))(x[None])[0],
    ]
    assert np.isnan([first for first, _ in found]).all()
    assert np.isfinite([other for _, other in found]).all()
    assert np.isnan(taylor.hvp(total, x, v)[0])


def test_a_row_that_jumps_by_one_argument_has_slopes_in_the_shape_of_both():
    x = np.array([0.5, 2.0])
    f = lambda x: np.sum(x * np.heaviside(3.0, x + x))
    assert taylor.hvp(f, x, x).tolist() == [0, 0]
    assert taylor.gradient(f, x).tolist() == [1, 1]


def test_derivatives_of_the_slope_at_a_jump_are_none_either():
    x, v = np.array([0.0, 0.37]), np.array([1.0, 0.5])
    for f in (lambda x: np.sum(x % 1.0), lambda x: np.sum(np.sign(x) + x**2)):
        assert np.isnan(taylor.hvp(f, x, v)[0])


STEPS = {
    "counted": lambda x: np.count_nonzero(x > 1.55),
    "searched": lambda x: np.searchsorted([1.0, 1.55, 3.0], x[0] + 0.2),
    "searched in": lambda x: np.searchsorted(x, 1.2) - 1,
    "floor": lambda x: 2.5 * np.floor(x[1]) + np.sign(x[1]),
}


@pytest.mark.parametrize("name", STEPS)
def test_what_does_not_vary_is_a_number(name):
    f = lambda x: float(STEPS[name](x)) * x[0] ** 2
    fast = taylor.compile(f, strict=True)
    points = np.array([[1.0, 2.3], [2.0, 3.3], [0.2, -1.3]])
    assert taylor.lanes(f)(points).tolist() == [f(p) for p in points] == [fast(p) for p in points]
    assert taylor.record(f, points[0])(points[0]) == f(points[0])
    for p in points:
        wanted = [2 * f(p) / p[0], 0.0]
        assert taylor.gradient(f, p) == pytest.approx(wanted)
        assert taylor.gradient(fast, p) == pytest.approx(wanted)
        assert taylor.jacfwd(f, p) == pytest.approx(wanted)
