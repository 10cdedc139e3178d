"""Quotients near the points where both sides vanish: derivatives as good as anywhere else."""

import functools

import mpmath
import numpy as np
import pytest

import taylor

QUOTIENTS = {
    "bernoulli": lambda n, x: x / (1 - n.exp(-x)),
    "expm1": lambda n, x: x / n.expm1(x),
    "scaled": lambda n, x: 0.1 * (x + 0.0) / (n.exp(x / 8) - 1),
    "sin": lambda n, x: n.sin(x) / x,
    "log1p": lambda n, x: n.log1p(x) / x,
    "cos": lambda n, x: (1 - n.cos(x)) / x**2,
    "tanh": lambda n, x: n.tanh(x) / x,
    "sinh": lambda n, x: n.sinh(x) / x,
    "tan": lambda n, x: x / n.tan(x),
    "both": lambda n, x: n.sin(2 * x) / n.tanh(4 * x),
    "cosh": lambda n, x: (n.cosh(x) - 1) / (x * n.sin(x)),
    "sqrt": lambda n, x: (n.sqrt(1 + x) - 1) / x,
    "exponentials": lambda n, x: (n.exp(x) - n.exp(-x)) / x,
    "nested": lambda n, x: (n.exp(n.sin(x)) - 1) / x,
    "square": lambda n, x: n.sin(x) ** 2 / (x * x),
    "rate": lambda n, x: (1 - n.exp(-x * 7.0)) / x,
    "boxcox": lambda n, x: (2.5**x - 1) / x,
    "exp2": lambda n, x: (n.exp2(3 * x) - 1) / x,
    "pole": lambda n, x: x * (1 - n.cos(x)) / (x**2 * n.expm1(x)),
}
PRODUCTS = {
    "product": lambda n, x: 3 * x * (1 / n.expm1(2 * x)),
    "difference": lambda n, x: (1 / n.tan(x)) * (n.exp(x) - 1),
}
DISTANCES = (0.1, -1e-2, 1e-4, -1e-6, 1e-9, 1e-12, -1e-14, 1e-16, 0.0)


class Exact:
    """The functions of mpmath under NumPy's names."""

    exp2 = staticmethod(lambda x: mpmath.mpf(2) ** x)
    log1p = staticmethod(lambda x: mpmath.log(1 + x))

    def __getattr__(self, name):
        return getattr(mpmath, name)


@functools.cache
def wanted(f, x, order=5):
    """Return the derivatives 0..order at 400 digits, a little beside the point."""
    with mpmath.workdps(400):
        c = mpmath.taylor(lambda s: f(Exact(), mpmath.mpf(x) + s), mpmath.mpf(10) ** -60, order)
        return [float(v * mpmath.factorial(k)) for k, v in enumerate(c)]


def nth(order):
    return order, lambda f, x: taylor.derivative(f, x, order)


SERIES = {
    "derivative": nth(1),
    "second": nth(2),
    "fifth": nth(5),
    "of arrays": (3, lambda f, x: taylor.derivative(f, np.array([0.3, x]), 3)[1]),
    "jvp": (1, lambda f, x: taylor.jvp(f, np.array([0.3, x]), np.ones(2))[1][1]),
    "jacobian": (1, lambda f, x: taylor.jacobian(f, np.array([0.3, x]))[1, 1]),
}
MODES = {
    "third": (3, lambda f, x: taylor.third(f, np.array([x]), [1.0], [1.0])[0]),
    "gradient": (1, lambda f, x: taylor.gradient(f, x)),
    "hessian": (2, lambda f, x: taylor.hessian(f, x)),
    "hvp": (2, lambda f, x: taylor.hvp(f, x, 1.0)),
    "lanes": (1, lambda f, x: taylor.lanes(lambda z: taylor.gradient(f, z))(np.array([0.3, x]))[1]),
    "array": (1, lambda f, x: taylor.gradient(lambda v: np.sum(f(v)), np.array([0.3, x]))[1]),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", QUOTIENTS | PRODUCTS)
def test_derivatives_near_a_removable_point(name, mode):
    check((QUOTIENTS | PRODUCTS)[name], *MODES[mode], 1e-12)


@pytest.mark.parametrize("mode", SERIES)
@pytest.mark.parametrize("name", QUOTIENTS | PRODUCTS)
def test_derivatives_by_series_near_a_removable_point(name, mode):
    check((QUOTIENTS | PRODUCTS)[name], *SERIES[mode], 1e-10)


@pytest.mark.parametrize("name", ["sin", "product"])
def test_code_made_far_from_a_removable_point_holds_near_it(name):
    f = (QUOTIENTS | PRODUCTS)[name]
    code = taylor.compile(lambda x: taylor.derivative(lambda z: f(np, z), x, 3))
    code(2.0), code(np.array([2.0, 3.0]))
    check(f, 3, lambda _, x: code(x), 1e-10)
    check(f, 3, lambda _, x: code(np.array([0.3, x]))[1], 1e-10)


def check(f, k, found, tolerance):
    for x in DISTANCES:
        exact = wanted(f, x)[k]
        assert abs(found(lambda z: f(np, z), x) - exact) <= tolerance * max(abs(exact), 0.1), x


def test_powers_of_what_tends_to_one():
    near = lambda n, x: n.exp(-((1 + 1.3 * x) ** (-1 / x)))
    check(near, 1, taylor.gradient, 1e-12)
    check(near, 5, lambda f, x: taylor.derivative(f, x, 5), 1e-10)
    f = lambda n: (1 + 1.3 / n) ** (2 * n)
    for x in 1e3, 1e5, 1e8, 1e11:
        with mpmath.workdps(80):
            want = [float(mpmath.diff(f, mpmath.mpf(x), k)) for k in (1, 2)]
        for g in f, taylor.compile(f):
            found = taylor.derivative(g, x), taylor.gradient(g, x)
            assert found == pytest.approx(want[:1] * 2, rel=1e-13, abs=0)
            found = taylor.derivative(g, x, 2), taylor.hessian(g, x)
            assert found == pytest.approx(want[1:] * 2, rel=1e-13, abs=0)
    assert np.isnan(taylor.gradient(lambda x: np.sum((1 + x) ** (1 / x)), np.array([-3.0, 1.0]))[0])


def test_numbers_of_other_kinds_near_a_removable_point():
    f, x = QUOTIENTS["bernoulli"], 1e-6 + 1e-6j
    assert taylor.derivative(lambda z: f(np, z), x, 2) == pytest.approx(1 / 6 - x**2 / 60, rel=1e-9)
    with mpmath.workdps(30):
        found = taylor.derivative(lambda z: z / (1 - taylor.exp(-z)), mpmath.mpf(10) ** -12, 2)
        assert abs(found - mpmath.mpf(1) / 6 + mpmath.mpf(10) ** -24 / 60) < 1e-29


ORDERS = {
    "gradient": (1, lambda f, x: taylor.gradient(f, x)),
    "derivative": (1, lambda f, x: taylor.derivative(f, x)),
    "hessian": (2, lambda f, x: taylor.hessian(f, x)),
    "third": (3, lambda f, x: taylor.derivative(f, x, 3)),
    "jvp": (1, lambda f, x: taylor.jvp(f, x, 1.0)[1]),
    "code": (1, lambda f, x: taylor.compile(lambda z: taylor.derivative(f, z))(x)),
}


@pytest.mark.parametrize("mode", ORDERS)
def test_sides_that_agree_up_to_what_is_cut_off_are_two(mode):
    """x + x^n is x if less than n + 1 coefficients are kept, and the quotient needs one more."""
    k, found = ORDERS[mode]
    for n in (2, 3, 4):

        def f(m, x, n=n):
            return (m.exp(x) - 1) / (x + x**n)

        for x in (0.0, 0.25):
            if x or mode != "code":
                exact = wanted(f, x, 3)[k]
                assert found(lambda z: f(np, z), x) == pytest.approx(exact, rel=1e-8, abs=1e-9)


FAR = {
    "exponentials": (lambda n, x: (n.exp(x) - n.exp(-x)) / x, (360.0, 700.0, -700.0)),
    "small": (lambda n, x: (n.exp(-x) - n.exp(-3 * x)) / x, (360.0, 650.0, -200.0)),
    "inverse": (lambda n, x: x / (n.exp(x) - n.exp(-x)), (360.0, -360.0)),
    "sinh": (lambda n, x: n.sinh(x) / x, (709.9, -710.2)),
    "tanh": (lambda n, x: x / n.tanh(x), (-400.0, 800.0)),
    "log": (lambda n, x: n.log(1 + x) / x, (-0.7, -0.99, 3.0)),
    "units": (lambda n, x: n.sin(x) ** 2 / (1e-160 * x) ** 2, (2.5, 1e-9)),
    "many units": (lambda n, x: n.sin(1e-60 * x) / (1e-60 * x) ** 5, (1e60,)),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FAR)
def test_far_from_a_removable_point_nothing_overflows(name, mode):
    (f, points), (k, found) = FAR[name], MODES[mode]
    for x in points:
        with mpmath.workdps(60):
            exact = mpmath.diff(lambda s: f(Exact(), s), mpmath.mpf(x), k)
        if abs(exact) < 1e300:
            assert found(lambda z: f(np, z), x) == pytest.approx(float(exact), rel=1e-10), x


def test_shapes_that_do_not_fit_say_so_near_a_zero_too():
    with pytest.raises(taylor.ShapeMismatch, match="do not fit"):
        taylor.jvp(lambda x: x[:3] / x[3:], np.full(5, 1e-6), np.ones(5))


LOOPS = {  # what stands a thousand times in a row
    "scaled": lambda x: x * 1.0001,
    "factors": lambda x: x * (1 + 1e-9 * x),
    "quotients": lambda x: x / (1 + 1e-9 * x),
    "functions": lambda x: np.sin(1.001 * x),
}


@pytest.mark.parametrize("name", LOOPS)
def test_quotients_by_what_a_long_loop_makes(name):
    def f(x):
        y = x
        for _ in range(1000):
            y = LOOPS[name](y)
        return np.sin(x) / y

    x = 0.7
    assert taylor.gradient(f, x) == pytest.approx(float(f(taylor.Taylor.variable(x, 1)).coef[1]))


def test_functions_of_products_of_functions_are_looked_at_for_so_long():
    def f(p):
        x, y, z = p
        for _ in range(20):
            a, b, c = np.sin(x), np.tanh(y), np.sin(z)
            x, y, z = a * b * c / (1 + 0.1 * z), b * c * np.sin(x), c * a * np.tanh(y)
            x, y, z = 2.2 * x, 2.2 * y, 2.2 * z
        return x + y + z

    x = np.array([1.9, 1.8, 1.7])
    assert np.allclose(taylor.gradient(f, x), taylor.jacfwd(f, x), 1e-12, 0)


def test_what_meets_inside_of_one_argument_stays_there():
    """Of log(1 + x·(y/x))/y it is y that is left out; x was looked for without end."""
    f = lambda v: np.log(1 + v[0] * (v[1] / v[0])) / v[1]
    for y in (0.4, 1e-9):
        with mpmath.workdps(60):
            exact = float(mpmath.diff(lambda s: mpmath.log(1 + s) / s, mpmath.mpf(y)))
        assert taylor.jacrev(f, np.array([0.7, y])) == pytest.approx([0, exact], rel=1e-13)
