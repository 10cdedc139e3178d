"""Least squares of taylor.scipy.optimize: derivatives against formulas and against mpmath."""

import mpmath
import numpy as np
import pytest
import scipy.optimize

import taylor
from taylor.errors import NonAnalyticError
from taylor.scipy import optimize

X = np.linspace(0.0, 2.0, 8)
RNG = np.random.default_rng(3)
Y = 1.3 * np.exp(-0.7 * X) + 0.05 * RNG.normal(size=8)
V, W = RNG.normal(size=8), RNG.normal(size=8)
A = RNG.normal(size=(8, 3))
TIGHT = dict(xtol=1e-14, ftol=1e-14, gtol=1e-14)
LOSSES = {  # the derivative of each by z
    "linear": lambda z: 1,
    "soft_l1": lambda z: 1 / mpmath.sqrt(1 + z),
    "huber": lambda z: 1 if z <= 1 else 1 / mpmath.sqrt(z),
    "cauchy": lambda z: 1 / (1 + z),
    "arctan": lambda z: 1 / (1 + z * z),
}


def everywhere(f, x, v, w):
    """Return f(x), J v by each mode, which must agree, and ½ f_xx v v."""
    value, along = taylor.jvp(f, x, v)
    code = taylor.compile(f)
    for g in (f, code):
        assert taylor.vjp(g, x, w)[1] @ v == pytest.approx(w @ along, rel=1e-7)
    np.testing.assert_allclose(
        code(x + 1e-3 * v), f(x + 1e-3 * v), rtol=1e-7
    )  # of plain numbers SciPy takes differences
    c = taylor.taylor_coefficients(lambda t: f(x + t * v), 0.0, 2)
    np.testing.assert_allclose(c[1], along, rtol=1e-12)
    return value, along, c[2]


@pytest.mark.parametrize("loss", LOSSES)
def test_fits_are_roots_of_their_gradient(loss):
    def fit(y):
        model = lambda p: p[0] * np.exp(-p[1] * X)
        return optimize.least_squares(
            lambda p: model(p) - y, [1.0, 1.0], loss=loss, f_scale=0.05, **TIGHT
        ).x

    def exact(t):
        def equations(a, b):
            e = [mpmath.exp(-b * x) for x in X]
            r = [a * e[i] - Y[i] - t * V[i] for i in range(8)]
            w = [LOSSES[loss]((q / mpmath.mpf("0.05")) ** 2) * q for q in r]
            return [mpmath.fdot(w, e), mpmath.fsum(w[i] * e[i] * X[i] for i in range(8))]

        return mpmath.findroot(equations, [float(v) for v in found[0]])

    found = everywhere(fit, Y, V, W[:2])
    with mpmath.workdps(50):
        h = mpmath.mpf(10) ** -12
        low, at, high = (exact(k * h) for k in (-1, 0, 1))
        slope, bend = (high - low) / (2 * h), (high - 2 * at + low) / (2 * h * h)
    for mine, right in zip(found, (at, slope, bend), strict=True):
        np.testing.assert_allclose(mine, [float(v) for v in right], rtol=1e-6)


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("spread", [None, 0.3 + np.abs(V), np.eye(8) + 0.1])
def test_lines_through_data_by_the_formula(absolute, spread):
    """(Mᵀ C⁻¹ M)⁻¹ Mᵀ C⁻¹ y with M = (x, 1), and its covariance."""

    def both(fit, x, y, s):
        p, covariance = fit(x, y, s)
        return np.concatenate([p, np.ravel(covariance)])

    def formula(x, y, s):
        m = np.stack([x, np.ones(8)], axis=1)
        c = np.eye(8) if s is None else np.diag(s**2) if np.ndim(s) == 1 else s
        square = np.linalg.inv(m.T @ np.linalg.solve(c, m))
        p = square @ (m.T @ np.linalg.solve(c, y))
        r = y - m @ p
        return p, square if absolute else square * (r @ np.linalg.solve(c, r)) / 6

    def fit(x, y, s):
        line = lambda x, a, b: a * x + b
        return optimize.curve_fit(line, x, y, sigma=s, absolute_sigma=absolute)

    for at in (
        lambda f: lambda y: both(f, X, y, spread),
        lambda f: lambda x: both(f, X + 0.1 * x, Y, spread),
        lambda f: lambda t: both(f, X, Y, None if spread is None else spread * (1 + 0.1 * t[0])),
    ):
        mine = everywhere(at(fit), Y, V, W[:6])
        c = taylor.taylor_coefficients(lambda t, at=at: at(formula)(Y + t * V), 0.0, 2)
        for found, right in zip(mine, c, strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-6, atol=1e-7)


def test_fits_hold_what_varies():
    def fit(s):
        of = optimize.least_squares(lambda p: np.stack([p[0] - s[0], p[0] * s[1]]), [1.0])
        return np.stack([of.x[0], of.cost, of.jac[1, 0], of.fun[1], of.grad[0] + s[0]])

    def exact(s):  # x = a/(1 + b²)
        a, b = s
        x = a / (1 + b * b)
        return np.stack([x, 0.5 * a * a * b * b / (1 + b * b), b, b * x, a])

    at = np.array([0.7, 0.4])
    np.testing.assert_allclose(taylor.jacobian(fit, at), taylor.jacobian(exact, at), atol=1e-7)
    scale = lambda c: optimize.curve_fit(lambda x, a: a * c * x, X, Y)[0][0]
    whole = (X @ Y) / (X @ X)
    assert taylor.derivative(scale, 2.0) == pytest.approx(-whole / 4, rel=1e-6)


def test_without_what_varies_they_are_scipys():
    f = lambda p: p[0] * np.exp(-p[1] * X) - Y
    mine, right = (o.least_squares(f, [1.0, 1.0]) for o in (optimize, scipy.optimize))
    np.testing.assert_array_equal(mine.jac, right.jac)
    line = lambda x, a, b: a * x + b
    for mine, right in zip(
        optimize.curve_fit(line, X, Y), scipy.optimize.curve_fit(line, X, Y), strict=True
    ):
        np.testing.assert_array_equal(mine, right)
    np.testing.assert_array_equal(optimize.nnls(A, Y)[0], scipy.optimize.nnls(A, Y)[0])
    np.testing.assert_array_equal(optimize.lsq_linear(A, Y).x, scipy.optimize.lsq_linear(A, Y).x)


def test_bounds_that_are_met_are_refused():
    def fit(a):
        return optimize.least_squares(lambda x: x - a, [0.5], bounds=([0.0], [1.0])).x[0]

    assert taylor.derivative(fit, 0.3) == pytest.approx(1.0)
    with pytest.raises(TypeError, match="meets a bound"):
        taylor.derivative(fit, 3.0)


BOUNDED = {
    "nnls": (lambda a, b: optimize.nnls(a, b)[0], lambda a, b: scipy.optimize.nnls(a, b)[0]),
    "norm": (
        lambda a, b: np.stack([optimize.nnls(a, b)[1]]),
        lambda a, b: np.stack([scipy.optimize.nnls(a, b)[1]]),
    ),
    "lsq_linear": tuple(
        lambda a, b, o=o: o.lsq_linear(a, b, ([-0.1] * 3, [0.15, 0.2, np.inf]), method="bvls").x
        for o in (optimize, scipy.optimize)
    ),
}


@pytest.mark.parametrize("name", BOUNDED)
def test_linear_squares_with_bounds_against_differences(name):
    mine, right = BOUNDED[name]
    b, h = Y - 1, 1e-4
    n = len(right(A, b))
    for f, g, x in (
        (lambda b: mine(A, b), lambda b: right(A, b), b),
        (lambda a: mine(a.reshape(8, 3), b), lambda a: right(a.reshape(8, 3), b), A.ravel()),
    ):
        v = np.resize(V, x.shape)
        value, slope, bend = everywhere(f, x, v, W[:n])
        np.testing.assert_allclose(value, g(x), atol=1e-12)
        two, one, low, lower = (g(x + k * h * v) for k in (2, 1, -1, -2))
        np.testing.assert_allclose(slope, (8 * (one - low) - two + lower) / (12 * h), atol=1e-8)
        k = 3e-3
        second = (g(x + k * v) - 2 * g(x) + g(x - k * v)) / (2 * k * k)
        np.testing.assert_allclose(bend, second, atol=1e-3 * (1 + abs(second).max()))


def test_a_bound_that_does_not_press_is_a_kink():
    with pytest.raises(NonAnalyticError, match="does not press"):
        taylor.gradient(lambda b: optimize.nnls(np.eye(2), b)[0][0], [0.0, 1.0])
