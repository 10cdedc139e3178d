"""Implicit functions against closed forms, mpmath and sympy; and that no iteration is repeated."""

import functools
import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from shared import agrees

import taylor
from hyperdual import HyperDual
from taylor import DomainError, ShapeMismatch, Taylor, TaylorN
from taylor.drivers.implicit import fixed_point, implicit_root
from taylor.drivers.transform import reverse

ROOT = implicit_root(lambda x, theta: x**2 - theta, 1.0)


# ------------------------------------------------------------------ values
@pytest.mark.parametrize("theta", [1e-8, 0.5, 2.0, 1e10])
def test_the_root_of_a_number(theta):
    assert ROOT(theta) == pytest.approx(math.sqrt(theta), rel=4e-16)


def test_guesses():
    g = lambda x, theta: x**2 - theta
    assert implicit_root(g, 1)(4) == 2.0
    assert implicit_root(g, -1)(4) == -2.0
    assert implicit_root(g, lambda theta: -theta)(4.0) == -2.0
    assert implicit_root(g, solver=lambda theta: -math.sqrt(theta))(4.0) == -2.0
    many = implicit_root(g, np.array([1.0, -1.0, 3.0]))
    assert many([4.0, 9.0, 16.0]) == pytest.approx([2, -3, 4], rel=1e-15)


def test_the_units_of_x_and_g_do_not_matter():
    scaled = implicit_root(
        lambda x, p: np.stack([1e-9 * x[0] - p[0], 1e9 * x[1] ** 3 - p[1]]), np.ones(2)
    )
    assert scaled([2.0, 8.0]) == pytest.approx([2e9, 2e-3], rel=1e-14)
    exact = np.diag([1e9, 2e-3 / 24])
    assert taylor.jacobian(scaled, np.array([2.0, 8.0])) == pytest.approx(exact, rel=1e-12)


def test_a_root_at_zero_in_rounding_noise():
    root = implicit_root(lambda x, theta: x + theta - 0.1 - 0.2, 0.0)
    assert abs(root(0.3)) < 1e-15


def test_complex_numbers():
    root = implicit_root(lambda x, theta: x**2 - theta, 1 + 1j)
    assert root(-4.0) == pytest.approx(2j, abs=1e-15)
    z = Taylor.variable(-4 + 0.5j, 5)
    assert root(z).coef == pytest.approx(np.sqrt(z).coef, rel=1e-12)


def test_damping():
    # Newton's method for atan diverges from |x| > 1.39
    assert implicit_root(lambda x, c: np.arctan(x) - c, 20.0)(0.0) == pytest.approx(0, abs=1e-12)
    # the first full step leaves the domain of log
    assert implicit_root(lambda x, c: taylor.log(x) - c, 8.0)(0.0) == pytest.approx(1, rel=1e-15)


def test_more_digits_in_mpmath():
    with mpmath.workdps(40):
        root = ROOT(mpmath.mpf(2))
        assert mpmath.almosteq(root, mpmath.sqrt(2), 1e-38)
        slope = taylor.derivative(ROOT, mpmath.mpf(2))
        assert mpmath.almosteq(slope, 1 / (2 * mpmath.sqrt(2)), 1e-37)


# ------------------------------------------------------------------ series
def test_series_of_a_square_root():
    exact = np.sqrt(Taylor.variable(2.0, 8))
    assert ROOT(Taylor.variable(2.0, 8)).coef == pytest.approx(exact.coef, rel=1e-13)
    t = sympy.Symbol("t")
    coefficients = sympy.series(sympy.sqrt(2 + t), t, 0, 9).removeO()
    expected = [float(coefficients.coeff(t, k)) for k in range(9)]
    assert taylor.taylor_coefficients(ROOT, 2.0, 8) == pytest.approx(expected, rel=1e-13)


def test_keplers_equation_to_order_15():
    e = 0.3
    anomaly = implicit_root(lambda x, m: x - e * np.sin(x) - m, lambda m: m)
    got = taylor.taylor_coefficients(anomaly, 1.1, 15)
    with mpmath.workdps(50):
        m = mpmath.mpf(1.1)

        def kepler(m):
            return mpmath.findroot(lambda x: x - mpmath.mpf(e) * mpmath.sin(x) - m, m)

        expected = [float(c) for c in mpmath.taylor(kepler, m, 15)]
    assert got == pytest.approx(expected, rel=1e-11, abs=1e-14)


def test_other_algebras():
    x, y = TaylorN.variables([2.0, 3.0], 4)
    assert ROOT(x * y).coef == pytest.approx(np.sqrt(x * y).coef, rel=1e-12)
    a, b = HyperDual.variables([2.0, 3.0])
    assert ROOT(a * b).coef == pytest.approx(np.sqrt(a * b).coef, rel=1e-12)
    assert type(ROOT(a * b)) is HyperDual
    for s in (
        Taylor.variable(Taylor.variable(2.0, 3), 2),
        TaylorN.variables([Taylor.variable(2.0, 3), 3.0], 2)[0],
        Taylor.variable(np.array([2.0, 5.0]), 3),
        Taylor.variable(HyperDual(2.0, 1, 1), 2),
    ):
        z = s * s + s
        many = implicit_root(lambda x, theta: x**2 - theta, np.ones(np.shape(z)))
        difference = many(z) - np.sqrt(z)
        while isinstance(difference, taylor.Taylor | TaylorN | HyperDual):
            difference = difference.coef
        assert np.max(np.abs(difference)) < 1e-11


def system(x, p):
    return np.stack([
        x[0] ** 2 + x[1] - p[0],
        np.exp(x[1]) + x[2] * x[0] - p[1] * x[0],
        x[2] ** 3 + x[0] * x[1] - p[0] * p[1],
    ])  # fmt: skip


X0, P0 = np.array([1.0, 0.5, 1.2]), np.array([1.6, 2.9])
SYSTEM = implicit_root(system, X0)


def test_three_unknowns():
    x = SYSTEM(P0)
    assert system(x, P0) == pytest.approx(np.zeros(3), abs=1e-15)
    jx = taylor.jacobian(lambda x: system(x, P0), x)
    jp = taylor.jacobian(lambda p: system(x, p), P0)
    exact = -np.linalg.solve(jx, jp)
    assert taylor.jacobian(SYSTEM, P0) == pytest.approx(exact, rel=1e-12)
    v, w = np.array([0.3, -0.4]), np.array([0.1, 0.7, -0.2])
    assert taylor.jvp(SYSTEM, P0, v)[1] == pytest.approx(exact @ v, rel=1e-12)
    assert taylor.vjp(SYSTEM, P0, w)[1] == pytest.approx(w @ exact, rel=1e-12)


def test_three_unknowns_as_series():
    p = np.stack([Taylor.variable(P0[0], 8), Taylor.variable(P0[1], 8, direction=-0.5)])
    x = SYSTEM(p)
    assert np.max(np.abs(system(x, p).coef)) < 1e-12
    h = 1e-2
    assert x(h) == pytest.approx(SYSTEM(p(h)), rel=1e-12)


def test_the_shape_of_x_is_free():
    a = np.array([[2.0, 0.5], [0.5, 1.0]])
    root = implicit_root(lambda x, a: x @ x - a, np.eye(2))
    assert root(a) @ root(a) == pytest.approx(a)
    v = np.array([[0.1, 0.2], [0.2, -0.3]])
    _, dx = taylor.jvp(root, a, v)
    assert dx @ root(a) + root(a) @ dx == pytest.approx(v)
    # d tr √A = ½ tr(A^(-1/2) dA)
    gradient = taylor.gradient(lambda a: np.trace(root(a)), a)
    assert gradient == pytest.approx(np.linalg.inv(root(a)).T / 2)


# ------------------------------------------------------------------ reverse mode and nesting
@pytest.mark.parametrize("order", [1, 2, 3])
def test_every_nesting_of_scalar_derivatives(order):
    exact = taylor.derivative(np.sqrt, 2.0, order)

    def nested(f, modes):
        for d in modes:
            f = functools.partial(d, f)
        return f(2.0)

    modes = [[]]
    for _ in range(order):
        modes = [[d, *m] for m in modes for d in (taylor.gradient, taylor.derivative)]
    for m in modes:
        assert float(nested(ROOT, m)) == pytest.approx(exact, rel=1e-11), m


def test_derivatives_of_gradients():
    w = np.array([0.1, 0.7, -0.2])

    def objective(p):
        x = SYSTEM(p)
        return np.sum(w * np.sin(x)) + x[0] * p[1]

    exact = taylor.hessian(objective, P0)
    step = 1e-5
    differences = [
        (taylor.gradient(objective, P0 + e) - taylor.gradient(objective, P0 - e)) / (2 * step)
        for e in step * np.eye(2)
    ]
    assert exact == pytest.approx(np.array(differences), rel=1e-7, abs=1e-8)
    gradient = lambda p: taylor.gradient(objective, p)
    for v in np.eye(2):
        assert taylor.jvp(gradient, P0, v)[1] == pytest.approx(exact @ v, rel=1e-11)
        assert taylor.vjp(gradient, P0, v)[1] == pytest.approx(exact @ v, rel=1e-11)
        assert taylor.gradient(lambda p: v @ gradient(p), P0) == pytest.approx(exact @ v, rel=1e-11)  # noqa: B023
        assert taylor.gradient(lambda p: taylor.jvp(objective, p, v)[1], P0) == pytest.approx(  # noqa: B023
            exact @ v, rel=1e-11
        )
    third = taylor.tensor(objective, P0, 3)
    got = taylor.jacobian(lambda p: taylor.jacobian(gradient, p), P0)
    assert got == pytest.approx(third, rel=1e-10, abs=1e-12)


def linear(p):
    """A matrix and a right-hand side that depend on p, for an explicit solution."""
    a = np.stack([np.stack([3 + p[0], p[1] * p[0]]), np.stack([np.sin(p[1]), 2 - p[0] * p[1]])])
    return a, np.stack([p[0] ** 2, np.exp(p[1])])


def steady_state(x, p):
    a, b = linear(p)
    return a @ x - b + 0 * x


def explicit(p):
    (a, b), (c, d) = linear(p)[0]
    e, f = linear(p)[1]
    return np.stack([d * e - b * f, a * f - c * e]) / (a * d - b * c)


def cost(x, p):
    return np.sum(x**2) + x[0] * x[1] * p[0] + p[1] ** 3


def test_an_objective_through_a_steady_state():
    p = np.array([0.4, 0.8])
    state = implicit_root(steady_state, np.zeros(2))
    through = lambda p: cost(state(p), p)
    direct = lambda p: cost(explicit(p), p)
    assert through(p) == pytest.approx(direct(p), rel=1e-14)
    assert taylor.gradient(through, p) == pytest.approx(taylor.gradient(direct, p), rel=1e-12)
    hyperdual_hessian = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            e = np.eye(2)
            q = np.stack([HyperDual(p[k], e[i, k], e[j, k]) for k in range(2)])
            hyperdual_hessian[i, j] = direct(q).eps1eps2
    assert taylor.hessian(through, p) == pytest.approx(hyperdual_hessian, rel=1e-11)
    reverse_twice = taylor.jacobian(lambda p: taylor.gradient(through, p), p)
    assert reverse_twice == pytest.approx(hyperdual_hessian, rel=1e-11)


class Counter:
    """Counts the factorisations that reach NumPy."""

    def __init__(self, monkeypatch):
        self.count = 0
        for name in ("inv", "solve"):
            monkeypatch.setattr(np.linalg, name, self.counting(getattr(np.linalg, name)))

    def counting(self, f):
        def call(*args):
            self.count += 1
            return f(*args)

        return call


def test_one_factorisation_serves_all_derivatives(monkeypatch):
    p = np.array([0.4, 0.8])
    state = implicit_root(steady_state, solver=explicit)
    through = lambda p: cost(state(p), p)
    counter = Counter(monkeypatch)

    def factorisations(run):
        counter.count = 0
        run()
        return counter.count

    assert factorisations(lambda: through(p)) == 0
    for run in (
        lambda: taylor.gradient(through, p),
        lambda: taylor.hvp(through, p, np.array([1.0, 0.0])),
        lambda: taylor.hessian(through, p),
        lambda: taylor.gradient(lambda p: np.sum(taylor.gradient(through, p)), p),
        lambda: taylor.vjp(lambda p: taylor.gradient(through, p), p, np.ones(2)),
        lambda: taylor.third(through, p, np.ones(2), np.ones(2)),
        lambda: state(Taylor.variable(p, 6)),
    ):
        assert factorisations(run) == 1
    # with Newton's method, its own factorisations are all
    state = implicit_root(lambda x, p: x**3 + x - p, np.ones(2))
    newton = factorisations(lambda: state(p))
    assert newton > 2
    assert factorisations(lambda: taylor.hessian(lambda p: np.sum(state(p)), p)) == newton


def test_a_changed_equation_is_factorised_again():
    a = 2.0
    root = implicit_root(lambda x, theta: a * x - theta * a**2, 0.0)
    assert taylor.gradient(root, 1.0) == 2.0
    a = 3.0
    assert taylor.gradient(root, 1.0) == 3.0


def test_the_iteration_is_not_differentiated():
    calls = itertools.count()  # a list would have a copy for the reverse sweep

    def g(x, theta):
        if not isinstance(theta, float):
            next(calls)
        return x**3 + x - theta

    def evaluations(guess, run):
        before = next(calls)
        run(implicit_root(g, guess))
        return next(calls) - before - 1

    for run in (
        lambda root: root(Taylor.variable(2.0, 6)),
        lambda root: taylor.gradient(root, 2.0),
        lambda root: taylor.hvp(root, 2.0, 1.0),
    ):
        near, far = evaluations(1.0, run), evaluations(1e6, run)
        assert 0 < near == far
    assert evaluations(1.0, lambda root: root(Taylor.variable(2.0, 6))) == 6


# ------------------------------------------------------------------ fixed points
def test_fixed_point():
    lambert = fixed_point(lambda x, theta: theta * np.exp(-x), 0.5)
    for theta in (0.3, 1.0, 4.0):
        x = float(mpmath.lambertw(theta).real)
        assert lambert(theta) == pytest.approx(x, rel=1e-14)
        exact = x / (theta * (1 + x))
        assert taylor.gradient(lambert, theta) == pytest.approx(exact, rel=1e-13)
        assert taylor.derivative(lambert, theta) == pytest.approx(exact, rel=1e-13)
    rng = np.random.default_rng(3)
    w = rng.normal(size=(5, 5)) / 4
    layer = fixed_point(lambda x, b: np.tanh(w @ x + b), np.zeros(5))
    b = rng.normal(size=5)

    def unrolled(b):
        x = 0 * b
        for _ in range(200):
            x = np.tanh(w @ x + b)
        return x

    exact = taylor.gradient(lambda b: np.sum(unrolled(b) ** 2), b)
    assert taylor.gradient(lambda b: np.sum(layer(b) ** 2), b) == pytest.approx(exact, rel=1e-10)


# ------------------------------------------------------------------ errors
def test_no_convergence():
    with pytest.raises(DomainError, match=r"did not converge.*residual"):
        implicit_root(lambda x, theta: x**2 + theta, 1.0)(1.0)
    with pytest.raises(DomainError, match="not finite"):
        implicit_root(lambda x, theta: np.log(x) - theta, -1.0)(1.0)
    with pytest.raises(DomainError, match="did not converge"):
        implicit_root(lambda x, theta: x**5 - theta, 1.0, iterations=1)(30.0)


def test_a_fold():
    at_fold = implicit_root(lambda x, theta: x**2 - theta, 0.0)
    assert at_fold(0.0) == 0.0
    for run in (
        lambda: taylor.gradient(at_fold, 0.0),
        lambda: taylor.derivative(at_fold, 0.0),
        lambda: at_fold(Taylor.variable(0.0, 2)),
    ):
        with pytest.raises(DomainError, match="fold"):
            run()
    line = implicit_root(lambda x, p: np.stack([x[0] + x[1] - p, 2 * x[0] + 2 * x[1] - 2 * p]),
                         solver=lambda p: np.array([p, 0.0]))  # fmt: skip
    with pytest.raises(DomainError, match="not isolated"):
        taylor.jacobian(line, 1.0)


def test_a_solver_that_returns_no_root():
    wrong = implicit_root(lambda x, theta: x**2 - theta, solver=lambda theta: 1.5)
    assert wrong(2.0) == 1.5
    with pytest.raises(DomainError, match="not a root"):
        taylor.gradient(wrong, 2.0)


def test_wrong_use():
    with pytest.raises(ShapeMismatch, match="one equation for each unknown"):
        implicit_root(lambda x, theta: x[:1] - theta, np.ones(2))(1.0)
    with pytest.raises(TypeError, match="function"):
        implicit_root(3.0, 1.0)
    with pytest.raises(TypeError, match="function"):
        fixed_point(3.0, 1.0)
    for arguments in ({}, {"guess": 1.0, "solver": math.sqrt}):
        with pytest.raises(TypeError, match=r"a guess for Newton.s method, or else a solver"):
            implicit_root(lambda x, theta: x - theta, **arguments)


def test_exceptions_of_g_come_through():
    class Mine(Exception):
        pass

    def g(x, theta):
        raise Mine

    with pytest.raises(Mine):
        implicit_root(g, 1.0)(1.0)


def test_an_outer_variable_must_be_packed():
    # x² = a θ with a from outside: d/da d/dθ √(aθ) at a = 2, θ = 3
    def hidden(a):
        return taylor.gradient(implicit_root(lambda x, theta: x**2 - a * theta, 1.0), 3.0)

    for run in (taylor.derivative, taylor.gradient):
        with pytest.raises(taylor.ForeignNodeError, match="pack it into theta"):
            run(hidden, 2.0)

    root = implicit_root(lambda x, p: x**2 - p[0] * p[1], 1.0)

    def packed(a):
        return taylor.gradient(lambda theta: root(np.stack([a, theta])), 3.0)

    exact = taylor.derivative(lambda a: taylor.gradient(lambda t: np.sqrt(a * t), 3.0), 2.0)
    assert taylor.derivative(packed, 2.0) == pytest.approx(exact, rel=1e-12)
    assert taylor.gradient(packed, 2.0) == pytest.approx(exact, rel=1e-12)


# ------------------------------------------------------------------ recorded programs
def test_programs_with_a_root():
    def f(p):
        return np.sum(np.sin(SYSTEM(p)) * p[0])

    program = taylor.record(f, P0)
    p = P0 * 1.01
    direction = np.array([1.0, 2.0])
    agrees(program, f, p, direction, 5, 1e-12)
    second = reverse(reverse(program))(p, 1.0, 0.0, direction)
    assert second[2] == pytest.approx(taylor.hvp(f, p, direction), rel=1e-12)


def test_a_fraction_is_a_number():
    assert ROOT(Fraction(9, 4)) == 1.5
