"""Perturbation confusion: derivatives inside derivatives, inside each other, leaked and failed."""

import contextlib
import pickle

import numpy as np
import pytest

import hyperdual
import taylor
from hyperdual import HyperDual
from taylor import ForeignNodeError, Taylor, TaylorN, derivative

WAYS = {
    "derivative": derivative,
    "derivatives": lambda f, x: taylor.derivatives(f, x, 1)[1],
    "coefficients": lambda f, x: taylor.taylor_coefficients(f, x, 2)[1],
    "gradient": lambda f, x: taylor.gradient(f, x),
    "jacobian": lambda f, x: taylor.jacobian(f, x),
    "tensor": lambda f, x: taylor.tensor(f, x, 1),
    "partial": lambda f, x: taylor.partial(f, x, (1,)),
    "jvp": lambda f, x: taylor.jvp(f, x, 1.0)[1],
    "directional": lambda f, x: taylor.directional(f, x, 1.0),
    "vjp": lambda f, x: taylor.vjp(f, x, 1.0)[1],
    "reverse": lambda f, x: taylor.reverse(taylor.record(f, x))(x, 1.0)[1],
    "forward": lambda f, x: taylor.forward(taylor.record(f, x))(x, 1.0)[1],
    "hyperdual": lambda f, x: hyperdual.gradient(f, x),
}
OUTER, INNER = list(WAYS), list(WAYS)


def number(x):
    return float(np.reshape(x, ()))


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("outer", OUTER)
def test_siskind_and_pearlmutter(outer, inner):
    # d/dx x · (d/dy (x + y) at 1) is 1 at x = 1; a confused implementation says 2
    d, e = WAYS[outer], WAYS[inner]
    assert number(d(lambda x: x * e(lambda y: x + y, 1.0), 1.0)) == 1.0
    # d/dx x · (d/dy x·y at 2) = d/dx x² = 2x
    assert number(d(lambda x: x * e(lambda y: x * y, 2.0), 3.0)) == 6.0


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("outer", OUTER)
def test_a_derivative_at_the_outer_variable(outer, inner):
    # d/dx (d/dy sin(x·y) at y = x) = d/dx x·cos(x²)
    d, e = WAYS[outer], WAYS[inner]
    found = number(d(lambda x: e(lambda y: np.sin(x * y), x), 0.7))
    assert found == pytest.approx(np.cos(0.49) - 2 * 0.49 * np.sin(0.49), rel=1e-14)


@pytest.mark.parametrize("way", WAYS)
def test_a_function_nested_in_itself(way):
    d = WAYS[way]

    def f(x, depth=2):
        return x**3 if depth == 0 else x * number_like(d(lambda y: f(y, depth - 1), x))

    def number_like(y):
        return y

    # f0 = x³, f1 = 3x³, f2 = x·9x² = 9x³
    assert number(d(f, 2.0)) == 27 * 4


@pytest.mark.parametrize("way", WAYS)
def test_three_deep(way):
    d = WAYS[way]
    found = d(lambda x: d(lambda y: d(lambda z: np.exp(x * y * z), 1.0) * x, x) * x, 0.5)
    # g(x, y) = x·x·y·e^(xy);  ∂g/∂y = x²(1 + xy)e^(xy);  F = x³(1 + x²)e^(x²)
    x = 0.5
    expected = np.exp(x * x) * (3 * x**2 + 5 * x**4 + 2 * x * (x**3 + x**5))
    assert number(found) == pytest.approx(expected, rel=1e-14)


def test_high_orders_nest():
    # ∂³/∂x³ ∂²/∂y² of x⁴y³ at (2, 5): 24x · 6y
    def inner(x):
        return derivative(lambda y: x**4 * y**3, 5, 2)

    assert derivative(inner, 2, 3) == 24 * 2 * 30
    assert type(derivative(inner, 2, 3)) is int


# ------------------------------------------------------------------ functions as values
def test_a_function_valued_derivative_is_refused():
    # Manzyuk, Pearlmutter, Radul, Rush, Siskind: s(u) f(x) = f(x + u)
    def s(u):
        return lambda f: lambda x: f(x + u)

    with pytest.raises(TypeError, match="function"):
        derivative(s, 0.0)
    with pytest.raises(TypeError, match="function"):
        taylor.gradient(s, np.zeros(2))


@pytest.mark.parametrize("way", WAYS)
def test_a_curried_function_by_its_values(way):
    d = WAYS[way]

    def shift(f):
        """D s(0) for functions of one variable, by eta expansion: x -> d/du f(x + u)."""
        return lambda x: d(lambda u: f(x + u), 0.0)

    assert number(shift(shift(lambda x: x**4))(2.0)) == 12 * 4
    assert number(shift(shift(np.exp))(0.0)) == 1.0


# ------------------------------------------------------------------ leaks
@pytest.mark.parametrize("way", WAYS)
def test_a_leaked_perturbation_is_an_error_or_constant(way):
    d, kept = WAYS[way], []
    d(lambda x: kept.append(x) or x * x, 3.0)
    (leaked,) = kept
    for use in (
        lambda y: y * leaked,
        lambda y: y + leaked,
        lambda y: leaked / y,
        lambda y: np.arctan2(y, leaked),
        lambda y: np.where(y > 0, y, leaked),
        lambda y: np.maximum(y, leaked),
        lambda y: y**leaked,
    ):
        for other in WAYS.values():
            with pytest.raises(ForeignNodeError):
                other(use, 2.0)
        with pytest.raises(ForeignNodeError):
            use(Taylor.variable(2.0, 1))
    with pytest.raises(ForeignNodeError):
        d(lambda y: leaked, 2.0)
    assert number(leaked.value) == 3.0
    assert number(d(lambda y: y * leaked.value, 2.0)) == 3.0


def test_a_leaked_perturbation_of_the_same_function():
    kept = []

    def f(x):
        kept.append(x)
        return x * kept[0]

    assert derivative(f, 3.0) == 6.0
    with pytest.raises(ForeignNodeError):
        derivative(f, 3.0)


def test_a_leak_through_an_array():
    store = np.empty(1, dtype=object)

    def f(x):
        store[0] = x
        return x

    derivative(f, 1.0)
    with pytest.raises(ForeignNodeError):
        derivative(lambda y: y * store[0], 1.0)
    with pytest.raises(ForeignNodeError):
        taylor.hessian(lambda y: y[0] * store[0], np.ones(2))


def test_a_leak_through_a_pickle():
    kept = []
    derivative(lambda x: kept.append(pickle.dumps(x)) or x, 1.0)
    leaked = pickle.loads(kept[0])
    with pytest.raises(ForeignNodeError):
        derivative(lambda y: y * leaked, 1.0)


def test_a_leak_from_inside_while_the_outside_goes_on():
    kept = []

    def f(x):
        derivative(lambda y: kept.append(x * y) or y, 1.0)
        return x * kept[-1]

    with pytest.raises(ForeignNodeError):
        derivative(f, 2.0)


# ------------------------------------------------------------------ exceptions
@pytest.mark.parametrize("way", WAYS)
def test_an_exception_inside_releases_the_tag(way):
    d, kept = WAYS[way], []

    def broken(y):
        kept.append(y)
        raise KeyError("inside")

    def f(x):
        with contextlib.suppress(KeyError):
            d(broken, x)
        return x * x

    with pytest.raises(KeyError):
        d(broken, 1.0)
    assert number(d(f, 3.0)) == 6.0
    assert number(d(lambda x: x * d(lambda y: x + y, 1.0), 1.0)) == 1.0
    for leaked in kept:
        with pytest.raises(ForeignNodeError):
            d(lambda x, leaked=leaked: x * leaked, 1.0)


def test_a_generator_that_outlives_its_derivative():
    def lazily(x):
        yield x
        yield x * x

    kept = []
    derivative(lambda x: kept.append(lazily(x)) or next(kept[-1]), 2.0)
    with pytest.raises(ForeignNodeError):
        derivative(lambda y: y + next(kept[-1]), 2.0)


# ------------------------------------------------------------------ drivers in drivers
def rosen(v):
    return (1 - v[0]) ** 2 + 100 * (v[1] - v[0] ** 2) ** 2


POINT = np.array([1.5, -0.5])
HESSIAN = np.array([[2 - 400 * (-0.5 - 3 * 2.25), -600.0], [-600.0, 200.0]])
THIRD = np.array([[[3600.0, -400.0], [-400.0, 0.0]], [[-400.0, 0.0], [0.0, 0.0]]])


@pytest.mark.parametrize("outer", [taylor.jacobian, lambda f, x: taylor.tensor(f, x, 1)])
@pytest.mark.parametrize("inner", [taylor.gradient, hyperdual.gradient])
def test_jacobian_of_gradient_is_the_hessian(outer, inner):
    assert outer(lambda x: inner(rosen, x), POINT) == pytest.approx(HESSIAN, rel=1e-14)


@pytest.mark.parametrize("inner", [taylor.hessian, hyperdual.hessian])
def test_derivatives_of_a_hessian(inner):
    assert inner(rosen, POINT) == pytest.approx(HESSIAN, rel=1e-14)
    assert taylor.jacobian(lambda x: inner(rosen, x), POINT) == pytest.approx(THIRD, rel=1e-14)
    along = taylor.directional(lambda x: inner(rosen, x), POINT, np.array([1.0, 2.0]))
    assert along == pytest.approx(THIRD @ [1.0, 2.0], rel=1e-14)
    assert taylor.derivative(
        lambda t: inner(lambda v: rosen(v) * t**2, POINT)[0, 1], 3.0
    ) == pytest.approx(6 * HESSIAN[0, 1])


def test_gradient_of_a_derivative():
    def f(v):
        return derivative(lambda t: np.sin(t * v[0]) * np.exp(v[1] * t), 0.5, 2)

    a, b = 1.2, 0.3

    def g(v):
        a, b = v
        s, c = np.sin(0.5 * a), np.cos(0.5 * a)
        return np.exp(0.5 * b) * ((b * b - a * a) * s + 2 * a * b * c)

    expected = [
        np.exp(0.5 * b)
        * (
            -2 * a * np.sin(0.5 * a)
            + 0.5 * (b * b - a * a) * np.cos(0.5 * a)
            + 2 * b * np.cos(0.5 * a)
            - a * b * np.sin(0.5 * a)
        ),
        0.5 * g((a, b)) + np.exp(0.5 * b) * (2 * b * np.sin(0.5 * a) + 2 * a * np.cos(0.5 * a)),
    ]
    for gradient in (taylor.gradient, hyperdual.gradient):
        assert gradient(f, np.array([a, b])) == pytest.approx(expected, rel=1e-13)


def test_hessian_of_a_hessian():
    # f = x³y²:  det H = 12x³·... as a function of (x, y) and its Hessian again
    def determinant(v):
        h = taylor.hessian(lambda w: w[0] ** 3 * w[1] ** 2, v)
        return h[0, 0] * h[1, 1] - h[0, 1] * h[1, 0]

    # 6xy²·2x³ - (6x²y)² = -24x⁴y²
    x, y = 2.0, 3.0
    expected = [[-288 * x**2 * y**2, -192 * x**3 * y], [-192 * x**3 * y, -48 * x**4]]
    for hessian in (taylor.hessian, hyperdual.hessian):
        assert hessian(determinant, np.array([x, y])).tolist() == expected


# ------------------------------------------------------------------ variables made by hand
def f(x, y):
    return np.exp(x * y) + x**3 * y


def d_dy(x, y):
    return x * np.exp(x * y) + x**3


@pytest.mark.parametrize("way", WAYS)
def test_a_driver_at_a_variable_made_by_hand(way):
    d = WAYS[way]
    for x in (
        Taylor.variable(0.5, 3),
        TaylorN.variables([0.5, 1.0], 2)[0],
        HyperDual(0.5, 1.0, 1.0),
    ):
        expected = d_dy(x, 2.0 * x)
        found = np.reshape(d(lambda y, x=x: f(x, y), 2.0 * x), ())
        assert type(found) is type(x)
        assert found.coef == pytest.approx(expected.coef, rel=1e-14)


@pytest.mark.parametrize("way", WAYS)
def test_a_variable_made_by_hand_inside_a_driver(way):
    d = WAYS[way]

    def by_hand(x):
        return f(x, Taylor.variable(2.0, 3)).coef[1]

    def by_hand_multi(x):
        return f(x, TaylorN.variables([2.0], 2)[0]).partial((1,))

    def by_hand_dual(x):
        return f(x, HyperDual(2.0, 1.0)).eps1

    expected = derivative(lambda x: d_dy(x, 2.0), 0.5)
    for g in (by_hand, by_hand_multi, by_hand_dual):
        assert number(d(g, 0.5)) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("way", WAYS)
def test_a_variable_made_by_hand_at_a_variable_of_a_driver(way):
    d = WAYS[way]

    def g(x):  # d/dy f(y, y) at y = x
        y = Taylor.variable(x, 2)
        return f(y, y).derivative(1)

    x = 0.5
    e = np.exp(x * x)
    assert number(d(g, x)) == pytest.approx(2 * e + 4 * x * x * e + 12 * x**2, rel=1e-14)


def test_variables_made_by_hand_over_one_another():
    x = Taylor.variable(0.5, 2)
    y = Taylor.variable(x, 2)  # y = x + s, so f(y) = Σ f⁽ʲ⁺ᵏ⁾ tʲ sᵏ / (j! k!)
    z = np.exp(y)
    for j in range(3):
        for k in range(3):
            expected = np.exp(0.5) / [1, 1, 2][j] / [1, 1, 2][k]
            assert z.coef[k].coef[j] == pytest.approx(expected, rel=1e-15)
    h = HyperDual(TaylorN.variables([0.5, 0.25], 2)[1], 1.0, 1.0)
    assert (h**3).eps1eps2.gradient() == pytest.approx([0, 6])


def test_outer_variables_are_constants_of_an_inner_expansion():
    x = Taylor.variable(2.0, 2)
    y = derivative(lambda t: x * t**2, 3.0)
    assert y.coef.tolist() == [12, 6, 0]
    assert derivative(lambda t: x * x, 3.0).coef.tolist() == [0, 0, 0]
    assert derivative(lambda t: x, 3.0, 0) == x
    assert taylor.gradient(lambda v: x * v[0] * v[1], [3.0, 5.0]).coef[0].tolist() == [10, 6]


@pytest.mark.parametrize("order", [1, 3])
def test_arrays_of_outer_variables(order):
    x = Taylor.variable(np.array([0.5, 1.0]), order)
    g = taylor.gradient(lambda v: np.sum(np.sin(v) * x), x)
    expected = np.cos(x) * x
    assert g.coef == pytest.approx(expected.coef, rel=1e-14)
    h = taylor.hessian(lambda v: v @ v * x[0], np.array([1.0, 2.0]))
    assert h[1, 1].coef == pytest.approx((2 * x[0]).coef)
    assert h[0, 1].coef == pytest.approx(0 * x[0].coef)


def test_control_flow_sees_plain_values_at_every_level():
    def g(x):
        return x if x > 1 else derivative(lambda y: g(y + x), x) * x

    # 0.6: not > 1, and y + x = 1.2 > 1, so the inner derivative is 1
    assert derivative(g, 0.6) == 1.0


def test_recursion_through_a_newton_iteration():
    def root(f, x):
        for _ in range(60):
            step = f(x) / derivative(f, x)
            x = x - step
            if abs(taylor_value(step)) < 1e-15:
                break
        return x - f(x) / derivative(f, x)

    def taylor_value(x):
        while isinstance(x, Taylor):
            x = x.value
        return x

    # a -> √a through Newton's method with a differentiated inside: d/da = 1/(2√a)
    assert derivative(lambda a: root(lambda x: x * x - a, 1.0), 2.0) == pytest.approx(
        0.5 / np.sqrt(2.0), rel=1e-14
    )


def test_directions_that_are_series_made_by_hand():
    x, v = [0.3, 0.7], [1.1, 0.4]
    z = TaylorN.seeded(np.array(x + v), 2)
    f = lambda x: np.sin(x[0] * x[1]) + x[0] ** 3
    slopes = lambda x: np.stack([3 * x[0] ** 2 + x[1] * np.cos(x[0] * x[1]),
                                 x[0] * np.cos(x[0] * x[1])])  # fmt: skip
    along = lambda x, v: np.sum(slopes(x) * v)
    found = taylor.jvp(f, z[:2], z[2:])[1], taylor.vjp(f, z[:2], z[2])[1]
    expected = along(z[:2], z[2:]), z[2] * slopes(z[:2])
    for y, exactly in zip(found, expected, strict=True):
        np.testing.assert_allclose(y.coef, exactly.coef, rtol=1e-13, atol=1e-15)
