"""Right-hand sides as they are written for plain numbers: filled arrays, SciPy's splines."""

import functools

import numpy as np
import numpy.linalg as la
import pytest
import scipy.interpolate
import scipy.linalg
from numpy import array, zeros
from scipy.interpolate import CubicSpline, interp1d

import taylor
from taylor.ode import TaylorIntegrator, solve_ensemble, solve_ivp

X = np.linspace(0.0, 3.0, 8)
Y = np.sin(X) + 0.2 * X
MADE = {
    "CubicSpline": CubicSpline(X, Y),
    "PchipInterpolator": scipy.interpolate.PchipInterpolator(X, Y),
    "Akima1DInterpolator": scipy.interpolate.Akima1DInterpolator(X, Y),
    "interp1d": interp1d(X, Y),
    "cubic interp1d": interp1d(X, Y, kind="cubic"),
    "BSpline": scipy.interpolate.make_interp_spline(X, Y),
    "UnivariateSpline": scipy.interpolate.UnivariateSpline(X, Y, s=0),
}


def wanted(t, y, p):
    return np.stack([y[1], -p * y[0]])


def by_zeros(t, y, p):
    dy = np.zeros(2)
    dy[0], dy[1] = y[1], -p * y[0]
    return dy


def by_shape(t, y, p):
    dy = zeros(y.shape)
    dy[0] += y[1]
    dy[1:] -= p * y[0]
    return dy


def by_list(t, y, p):
    return array([[0.0, 1.0], [-p, 0.0]]).dot(y)


def by_eye(t, y, p):
    a = np.eye(2)[::-1]
    a[1, 0] = -p
    return a @ y


def by_solve(t, y, p):
    return la.solve(np.array([[0.0, -1 / p], [1.0, 0.0]]), y)


def by_inverse(t, y, p):
    return np.linalg.inv(array([[0.0, -1 / p], [1.0, 0.0]])) @ y


def by_scipy(t, y, p):
    return scipy.linalg.solve(np.array([[0.0, -1 / p], [1.0, 0.0]]), y)


class Oscillator:
    def __init__(self):
        self.dy = np.zeros(2)

    def __call__(self, t, y, p):
        self.dy[:] = y[1], -p * y[0]
        return self.dy


def by_columns(t, y, p):
    a = np.zeros((2, 2))
    for i in range(2):
        a[i, 1 - i] = [1.0, -p][i] * y[1 - i]
    return a.sum(axis=1)


FILLED = [by_zeros, by_shape, by_list, by_eye, by_solve, by_inverse, by_scipy, Oscillator(),
          by_columns]  # fmt: skip


@pytest.mark.parametrize("f", FILLED, ids=lambda f: getattr(f, "__name__", "Oscillator"))
def test_arrays_that_are_filled(f):
    """They do what the same does that is written with np.stack, in all modes."""

    def end(p, f=f):
        return solve_ivp(f, (0.0, 2.0), [0.5, 1.0], args=(p,)).y[:, -1]

    p = 1.3
    assert end(p) == pytest.approx(end(p, wanted), rel=1e-14)
    for drive in (
        lambda f: end(taylor.Taylor.variable(p, 3), f).coef,
        lambda f: taylor.gradient(lambda x: np.sum(end(x[0] * x[1], f)), np.array([p, 1.0])),
        lambda f: taylor.hessian(lambda x: np.sum(end(x[0] * x[1], f)), np.array([p, 1.0])),
        lambda f: solve_ensemble(f, (0.0, 2.0), np.eye(2), args=(p,)).y,
        lambda f: TaylorIntegrator(f, 0.0, [0.5, 1.0], args=(p,)).propagate_until(2.0),
        lambda f: solve_ivp(f, (0.0, 2.0), [0.5, 1.0], args=(p,), method="RadauIIA").y[:, -1],
    ):  # fmt: skip
        assert drive(f) == pytest.approx(drive(wanted), rel=1e-12)


@pytest.mark.parametrize("name", MADE)
def test_splines_of_scipy(name):
    """Steps end at their knots, of time and of the state: integrals of them are exact."""
    made = MADE[name]
    ours = taylor.scipy.interpolate.from_scipy(made)
    p, ends = 1.3, (0.3, 2.9)
    for f, g in (
        (lambda t, y, p: [p * made(t)], lambda t, y, p: [p * ours(t)]),
        (lambda t, y, p: [p + made(y[0])], lambda t, y, p: [p + ours(y[0])]),
        (lambda t, y, p: p * made(y) - y, lambda t, y, p: p * ours(y) - y),
    ):

        def end(x, f=f):
            return solve_ivp(f, ends, [0.1], args=(x[0] * x[1],)).y[0, -1]

        x = np.array([p, 1.0]) / 3
        assert end(x) == pytest.approx(end(x, g), rel=1e-14)
        slopes = [taylor.gradient(functools.partial(end, f=h), x) for h in (f, g)]
        assert slopes[0] == pytest.approx(slopes[1], rel=1e-12)
    flat = solve_ivp(lambda t, y: [made(t)], ends, [0.0]).y[0, -1]
    knots = np.unique([*ends, *X[(ends[0] < X) & (ends[1] > X)], *(X[1:] + X[:-1]) / 2])
    knots = knots[(knots >= ends[0]) & (knots <= ends[1])]
    nodes, weights = np.polynomial.legendre.leggauss(8)
    h, mid = np.diff(knots) / 2, (knots[1:] + knots[:-1]) / 2
    exact = np.sum(h[:, None] * weights * made(mid[:, None] + h[:, None] * nodes))
    assert flat == pytest.approx(exact, abs=3e-14)


def test_splines_that_are_made_in_the_function():
    """Of plain data; and their derivatives."""

    def f(t, y):
        s = CubicSpline(X, Y)
        return [s.derivative()(t), s(t, 1), scipy.interpolate.CubicSpline(X, Y)(t, 2)]

    y = solve_ivp(f, (0.3, 2.9), [0.0, 0.0, 0.0]).y[:, -1]
    s = MADE["CubicSpline"]
    assert y == pytest.approx([s(2.9) - s(0.3)] * 2 + [s(2.9, 1) - s(0.3, 1)], rel=1e-13)


def test_what_changes_between_runs_is_seen():
    gain = {"k": 1.0}

    def f(t, y):
        dy = np.zeros(1)
        dy[0] = -gain["k"] * y[0]
        return dy

    ends = []
    for gain["k"] in (1.0, 2.0):
        ends.append(solve_ivp(f, (0.0, 1.0), [1.0]).y[0, -1])
    assert ends == pytest.approx(np.exp([-1.0, -2.0]), rel=1e-14)


def test_events_and_callbacks_with_splines():
    """An event where a spline of the state is 1, a callback that fills an array that can be."""
    made = MADE["CubicSpline"]

    def rise(t, y, p):
        return [p]

    def reached(t, y, p):
        return made(y[0]) - 0.9

    def reset(t, y, p):
        new = np.zeros_like(y)
        new[0] = y[0] / 4
        return new

    reached.callback = reset
    root = scipy.optimize.brentq(lambda y: made(y) - 0.9, 0.1, 1.5, xtol=1e-15)
    p = 2.0
    r = solve_ivp(rise, (0.0, 0.9), [0.0], events=reached, args=(p,))
    first = root / p
    assert r.t_events[0][0] == pytest.approx(first, rel=1e-13)

    def end(x):
        return solve_ivp(rise, (0.0, 0.7), [0.0], events=reached, args=(np.sum(x),)).y[0, -1]

    # y = root/4 + p (t - root/p) before the second event
    assert end(np.array([p])) == pytest.approx(root / 4 + 0.7 * p - root, rel=1e-13)
    assert taylor.gradient(end, np.array([1.5, 0.5])) == pytest.approx([0.7, 0.7], rel=1e-11)


def test_errors_stay_what_they_are():
    with pytest.raises(taylor.TraceError, match="float"):
        solve_ivp(lambda t, y: [float(y[0])], (0.0, 1.0), [1.0])
    with pytest.raises(TypeError, match="unsupported operand"):
        solve_ivp(lambda t, y: [y[0] + "a"], (0.0, 1.0), [1.0])


def test_what_a_callback_changes_is_not_a_copy():
    """Filling an array of floats is refused there: in a copy `held` would not be changed."""

    def end(k):
        held = {"on": 1.0}

        def switched(t, y):
            new = np.zeros(2) if plain else np.zeros_like(y)
            new[0], new[1] = y[0], y[1] / 2
            held["on"] = -1.0
            return new

        def one(t, y):
            return y[0] - 1.0

        one.callback, one.direction = switched, 1
        fun = lambda t, y: [y[1], held["on"] * k]
        return solve_ivp(fun, (0.0, 2.5), [0.0, 0.0], events=[one]).y[1, -1]

    plain = True
    with pytest.raises(ValueError) as error:
        taylor.gradient(end, 1.0)
    assert any("np.zeros_like(x)" in note for note in error.value.__notes__)
    plain = False
    # sqrt(2k)/2 - k·(2.5 - sqrt(2/k)) = 3·sqrt(k/2) - 2.5·k
    for mode in (taylor.gradient, taylor.derivative):
        assert mode(end, 1.0) == pytest.approx(3 / 2 / np.sqrt(2) - 2.5, rel=1e-12)


def test_functions_that_ask_for_their_own_attributes_are_asked_again():
    def fun(t, y):
        return [getattr(fun, "rate", 1.0) * y[0]]

    def tried(t, y):
        try:
            return [tried.rate * y[0]]
        except AttributeError:
            return [y[0]]

    for f in (fun, tried):
        assert solve_ivp(f, (0.0, 1.0), [1.0]).y[0, -1] == pytest.approx(np.e, rel=1e-14)
        f.rate = 2.0
        assert solve_ivp(f, (0.0, 1.0), [1.0]).y[0, -1] == pytest.approx(np.exp(2), rel=1e-14)


LEVEL = 0.5


def test_events_that_were_recorded_before_read_what_is_there_now(monkeypatch):
    def fun(t, y):
        return [-y[0]]

    def of_global(t, y):
        return y[0] - LEVEL

    def of_attribute(t, y):
        return y[0] - of_attribute.level

    def of_args(t, y, level):
        return y[0] - level

    def of_sides(t, y):
        return y[0] - 0.5 if y[0] > 0.4 else y[0] - 0.3

    for level in (0.5, 0.25, 0.75):
        monkeypatch.setitem(globals(), "LEVEL", level)
        of_attribute.level = level
        for g in (of_global, of_attribute):
            r = solve_ivp(fun, (0.0, 2.0), [1.0], events=g)
            assert r.t_events[0] == pytest.approx([-np.log(level)], rel=1e-14)
        r = solve_ivp(lambda t, y, a: fun(t, y), (0.0, 2.0), [1.0], events=of_args, args=(level,))
        assert r.t_events[0] == pytest.approx([-np.log(level)], rel=1e-14)
    for y0, roots in ((1.0, [0.5, 0.3]), (0.35, [0.3]), (1.0, [0.5, 0.3])):
        r = solve_ivp(fun, (0.0, 2.0), [y0], events=of_sides)
        assert r.t_events[0] == pytest.approx(np.log(y0 / np.array(roots)), rel=1e-12)
