"""Right-hand sides that are not analytic, infinite or 0/0 somewhere, where the solution goes on.

Expectations are closed forms or integrals by mpmath to 30 digits.
"""

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf
from scipy.special import lambertw

import taylor
from taylor.ode import TaylorIntegrator, solve_ensemble, solve_ivp

PI = np.pi


def integral(f, *points):
    with mp.workdps(30):
        return float(mp.quad(f, points))


ROOT_SIN = float(2 * mpmath.beta(0.75, 0.5))  # over (0, 2π)
TIMES = {  # f(t), from where to where, the integral
    "root, with a sign": (lambda t: np.sign(t) * np.sqrt(abs(t)), -1.0, 1.0, 0.0),
    "root of a modulus": (lambda t: np.sqrt(abs(np.sin(t))), 0.0, 2 * PI, ROOT_SIN),
    "the same from between": (lambda t: np.sqrt(abs(np.sin(t))), PI / 2, 2.5 * PI, ROOT_SIN),
    "power": (lambda t: abs(t) ** 1.5, -1.0, 1.0, 0.8),
    "asin to its end": (lambda t: np.arcsin(t), 0.0, 1.0, PI / 2 - 1),
    "circle": (lambda t: np.sqrt(1 - t**2), 0.0, 1.0, PI / 4),
    "logarithm": (lambda t: np.log(abs(t - 1)), 0.0, 2.0, -2.0),
    "logarithm of a square": (lambda t: np.log((t - 1) ** 2), 0.0, 2.0, -4.0),
    "logarithm from its pole": (lambda t: np.log(t), 0.0, 2.0, 2 * np.log(2) - 2),
    "logarithm to its pole": (lambda t: np.log(t), 2.0, 0.0, 2 - 2 * np.log(2)),
    "logarithm of a sine": (lambda t: np.log(abs(np.sin(t))), 1.0, PI + 1.0, -PI * np.log(2)),
    "t log t": (lambda t: t * np.log(t), 0.0, 1.0, -0.25),
    "1/root from its pole": (lambda t: 1 / np.sqrt(t), 0.0, 1.0, 2.0),
    "1/root to its pole": (lambda t: 1 / np.sqrt(1 - t), 0.0, 1.0, 2.0),
    "1/root across": (lambda t: 1 / np.sqrt(abs(t - 1)), 0.0, 2.0, 4.0),
    "1/root across zero": (lambda t: 1 / np.sqrt(abs(t)) + np.cos(t), -1.0, 1.0, 4 + 2 * np.sin(1)),
    "arcsine law": (lambda t: 1 / np.sqrt(1 - t**2), 0.0, 1.0, PI / 2),
    "power below one": (lambda t: abs(t - 1) ** -0.3, 0.0, 2.0, 2 / 0.7),
    "power near one": (lambda t: abs(t - 1) ** -0.7, 0.0, 2.0, 2 / 0.3),
    "sin t/t": (lambda t: np.sin(t) / t, 0.0, 1.0, float(mpmath.si(1))),
    "expm1 t/t": (lambda t: (np.exp(t) - 1) / t, 0.0, 1.0, float(mpmath.ei(1) - mpmath.euler)),
    "(1 - cos t)/t²": (
        lambda t: (1 - np.cos(t)) / t**2, 0.0, 1.0, float(mpmath.si(1) + mpmath.cos(1) - 1),
    ),
    "(1 - cos t)/t² across": (
        lambda t: (1 - np.cos(t - 1)) / (t - 1) ** 2, 0.0, 2.0,
        float(2 * (mpmath.si(1) + mpmath.cos(1) - 1)),
    ),
    "tan t/t": (
        lambda t: np.tan(t) / t, -1.0, 1.0, 2 * integral(lambda t: mp.tan(t) / t, 0, 1),
    ),
    "t cot t": (lambda t: t / np.tan(t), -1.0, 1.0, 2 * integral(lambda t: t * mp.cot(t), 0, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", TIMES)
def test_functions_of_time(name):
    f, start, end, expected = TIMES[name]
    r = solve_ivp(lambda t, y: [f(t)], (start, end), [0.0])
    assert r.status == 0, r.message
    assert abs(r.y[0, -1] - expected) < 2e-13
    again = solve_ivp(lambda t, y: [f(t) + 0 * y[0], 1.0], (start, end), [0.0, start])
    assert again.status == 0 and abs(again.y[0, -1] - expected) < 2e-13


POLES = {
    "1/t": lambda t: 1 / t,
    "1/|t|": lambda t: 1 / abs(t),
    "1/t²": lambda t: 1 / t**2,
    "power": lambda t: abs(t) ** -1.1,
    "cotangent": lambda t: 1 / np.tan(t),
    "and a root": lambda t: np.sqrt(abs(t)) / t**2,
}


@pytest.mark.parametrize("name", POLES)
@pytest.mark.parametrize("start", [-1.0, 0.0])
def test_no_number_over_a_pole(name, start):
    r = solve_ivp(lambda t, y: [POLES[name](t)], (start, 1.0), [0.0])
    assert r.status == -1 and abs(r.t[-1]) < 1e-12


STARTS = {  # f(t, y, y'), y(0), where to, the solution there: y'(0) = 0
    "Bessel": (lambda t, y, v: -v / t - y, 1.0, 5.0, float(mpmath.besselj(0, 5))),
    "Lane and Emden, n = 0": (lambda t, y, v: -2 * v / t - 1, 1.0, 2.0, 1 - 4 / 6),
    "Lane and Emden, n = 1": (lambda t, y, v: -2 * v / t - y, 1.0, 3.0, np.sin(3) / 3),
    "Lane and Emden, n = 5": (lambda t, y, v: -2 * v / t - y**5, 1.0, 3.0, 0.5),
    "Legendre": (lambda t, y, v: (2 * t * v - 6 * y) / (1 - t**2), -0.5, 0.5, -0.125),
    "logistic": (lambda t, y, v: v**2 / y - v / t + y**2 - 1 / y, 1.0, 2.0, None),
}


@pytest.mark.parametrize("name", STARTS)
def test_equations_that_begin_at_a_singular_point(name):
    f, y0, end, expected = STARTS[name]
    fun = lambda t, y: [y[1], f(t, y[0], y[1])]
    r = solve_ivp(fun, (0.0, end), [y0, 0.0], dense_output=True)
    assert r.status == 0, r.message
    if expected is not None:
        assert abs(r.y[0, -1] - expected) < 1e-14
    t = np.linspace(0.05, end, 20)
    slopes = np.stack([fun(x, y) for x, y in zip(t, r.sol(t).T, strict=True)], axis=1)
    np.testing.assert_allclose(r.sol.derivative(t), slopes, atol=1e-11)
    back = solve_ivp(fun, (0.0, -end), [y0, 0.0])  # they are even
    np.testing.assert_allclose(back.y[0, -1], r.y[0, -1], rtol=1e-13)


@pytest.mark.parametrize("power", [0.5, 2.0, 2.5])
def test_where_many_solutions_begin_there_is_none(power):
    r = solve_ivp(lambda t, y: power * y / t, (0.0, 1.0), [0.0])
    assert r.status == -1


def test_the_estimate_of_the_error_covers_it():
    for f, start, end, expected in TIMES.values():
        for tol in (1e-7, None):
            r = solve_ivp(lambda t, y, f=f: [f(t), 0.0], (start, end), [0.0, 1.0], tol=tol)
            assert r.status == 0
            error = abs(r.y[0, -1] - expected) / max(1, abs(expected))
            assert error <= 64 * max(r.error, 2.0**-53) and error < 1000 * (tol or 2.0**-53)


def test_many_digits():
    with mp.workdps(30):
        for f, end, expected in (
            (lambda t: 1 / np.sqrt(t), 1, mpf(2)),
            (lambda t: np.log(t), 2, 2 * mp.log(2) - 2),
            (lambda t: np.sin(t) / t, 1, mp.si(1)),
            (lambda t: np.log(abs(t - 1)), 2, mpf(-2)),
            (lambda t: 1 / np.sqrt(abs(t - 1)), 2, mpf(4)),
        ):
            r = solve_ivp(lambda t, y, f=f: [f(t)], (0, end), [mpf(0)], tol=1e-25)
            assert r.status == 0 and abs(r.y[0, -1] - expected) < mpf(10) ** -22
        r = solve_ivp(lambda t, y: [y[1], -y[1] / t - y[0]], (0, 5), [mpf(1), mpf(0)])
        assert abs(r.y[0, -1] - mp.besselj(0, 5)) < mpf(10) ** -27


LANE_EMDEN = lambda t, y, n: [y[1], -2 * y[1] / t - n * y[0]]
ROOT = lambda t, y, n: [n / np.sqrt(abs(t - 1)), -y[0] * np.log(t)]


@pytest.mark.parametrize("fun", [LANE_EMDEN, ROOT])
def test_steppers_ensembles_and_series_alike(fun):
    y0, n = [1.0, 0.0], np.array([0.5, 1.0, 2.0])
    ends = np.stack([solve_ivp(fun, (0.0, 2.0), y0, args=(k,)).y[:, -1] for k in n])
    r = solve_ensemble(fun, (0.0, 2.0), [y0] * 3, args=[(k,) for k in n], t_eval=[1.5, 2.0])
    assert not r.status.any(), r.message
    np.testing.assert_allclose(r.y[..., -1], ends, rtol=0, atol=1e-13)
    it = TaylorIntegrator(fun, 0.0, y0, args=(1.0,))
    np.testing.assert_allclose(it.propagate_until(2.0), ends[1], rtol=0, atol=1e-13)
    series = solve_ivp(fun, (0.0, 2.0), y0, args=(taylor.Taylor.variable(1.0, 2),)).y[:, -1]
    near = [solve_ivp(fun, (0.0, 2.0), y0, args=(k,)).y[:, -1] for k in (0.99, 1.0, 1.01)]
    np.testing.assert_allclose(series.coef[0], near[1], atol=1e-13)
    np.testing.assert_allclose(series.coef[1], (near[2] - near[0]) / 0.02, rtol=2e-4)


RESTS = {  # f, and its integral from 1 to 3: f(1) = 0
    "sine": (lambda t: np.sin(t - 1), 1 - np.cos(2)),
    "square": (lambda t: (t - 1) ** 2 * np.exp(t), np.exp(3) * 2 - np.exp(1) * 2),
    "modulus": (lambda t: abs(np.sin(t - 1)), 1 - np.cos(2)),
    "logarithm": (lambda t: np.log(t), 3 * np.log(3) - 2),
    "a power above the order": (lambda t: (t - 1) ** 25, 2.0**26 / 26),
}


@pytest.mark.parametrize("name", RESTS)
@pytest.mark.parametrize("t0", [1.0, 0.0])
def test_from_rest(name, t0):
    f, expected = RESTS[name]
    fun = lambda t, y: [f(t + (1 - t0)) + 0 * y[0]]
    r = solve_ivp(fun, (t0, t0 + 2), [0.0])
    assert r.status == 0, r.message
    np.testing.assert_allclose(r.y[0, -1], expected, rtol=2e-14)
    many = solve_ensemble(fun, (t0, t0 + 2), [[0.0], [0.0]])
    np.testing.assert_allclose(many.y[:, 0, -1], expected, rtol=2e-14)


def test_a_solution_is_read_from_its_start():
    sol = solve_ivp(lambda t, y: [y[1], -y[0]], (0.0, 3.0), [0.0, 1.0], dense_output=True).sol
    for c in (1.0, 0.1, -2.0):
        r = solve_ivp(lambda t, y, c=c: [sol(t - c)[0]], (c, c + 3), [0.0])
        assert r.status == 0 and abs(r.y[0, -1] - (1 - np.cos(3))) < 1e-15


def test_many_digits_to_an_infinite_end():
    def half(t, y):
        return y[0] - mpf(1) / 2

    half.terminal = True
    with mp.workdps(30):
        for sign, end in ((1, mp.inf), (-1, -np.inf)):
            r = solve_ivp(lambda t, y, s=sign: -s * y, (0, end), [mpf(1)], events=half)
            assert r.status == 1 and abs(r.t[-1] - sign * mp.log(2)) < mpf(10) ** -28
        r = solve_ivp(lambda t, y: -y, (mpf(0), mp.inf), [mpf(1)], max_steps=5)
        assert r.status == -1 and abs(r.y[0, -1] - mp.exp(-r.t[-1])) < mpf(10) ** -29
        it = TaylorIntegrator(lambda t, y: [y[1], -y[0]], 0, [mpf(1), mpf(0)])
        it.step(mp.inf)
        it.step()
        assert it.t > 2 and abs(it.y[0] - mp.cos(it.t)) < mpf(10) ** -28


def test_steps_are_few():
    r = solve_ivp(lambda t, y: [(1 - np.cos(t)) / t**2], (-1.0, 1.0), [0.0])
    assert r.nfev < 20
    r = solve_ivp(lambda t, y: [np.tan(t)], (0.0, 2.0), [1.0])
    assert r.status == -1 and r.nfev < 400


@pytest.mark.parametrize("a", [0.25, 0.5, 0.75, 1.5])
def test_where_many_solutions_go_on_there_is_none(a):
    def fun(t, y):  # y = (1 - t)^a before 1, and every c (t - 1)^a beyond
        return a * y / (t - 1)

    for y0 in ([1.0], [mpf(1)], [1.0, -2.0]):
        assert solve_ivp(fun, (0, 2), y0).status == -1
    assert solve_ivp(lambda t, y: -fun(2 - t, y), (2, 0), [1.0]).status == -1
    assert (solve_ensemble(fun, (0, 2), [[1.0], [2.0]]).status == -1).all()
    one = solve_ivp(lambda t, y: a * y / np.sqrt(abs(t - 1)), (0, 2), [1.0])
    np.testing.assert_allclose(one.y[0, -1], np.exp(4 * a), rtol=1e-11)


def test_the_state_at_a_singular_time_itself():
    fun = lambda t, y: 1 / np.sqrt(abs(t - 1)) + 0 * y
    r = solve_ivp(fun, (0.0, 2.0), [0.0], t_eval=[0.75, 1.0, 1.25], dense_output=True)
    assert r.y[0] == pytest.approx([1.0, 2.0, 3.0], rel=1e-14)
    assert r.sol(1.0) == pytest.approx([2.0], rel=1e-14)


FILLED = lambda k: (k * (1 + lambertw(-np.exp(-1 - 0.25 / k)))) ** 2
ENDS = {  # f(t, y, k), y0, y and dy/dk at t = 9 for k = 0.47, where a component has come to rest
    "tank and what has left it": (
        lambda t, y, k: k * np.sqrt(np.maximum(y[0], 0)) * np.array([-1.0, 1.0]), [1.0, 0.0],
        [0.0, 1.0], [0.0, 0.0],
    ),
    "power": (lambda t, y, k: -k * np.sign(y) * abs(y) ** 0.6, [1.0], [0.0], [0.0]),
    "dry friction": (
        lambda t, y, k: [y[1], -k * np.sign(y[1])], [0.0, 1.0], [0.5 / 0.47, 0.0],
        [-0.5 / 0.47**2, 0.0],
    ),
    "speed above a level": (
        lambda t, y, k: [y[1], -k * np.sqrt(np.maximum(y[1] - 0.5, 0))], [0.0, 2.0],
        [4.5 + 1.5**1.5 / 0.705, 0.5], [-(1.5**1.5) / (0.705 * 0.47), 0.0],
    ),
    "drag in a plane": (
        lambda t, y, k: np.append(y[2:], -k * y[2:] / np.sqrt(np.linalg.norm(y[2:]))),
        [0.0, 0.0, 0.6, 0.8], [0.6 / 0.705, 0.8 / 0.705, 0.0, 0.0],
        [-0.6 / (0.705 * 0.47), -0.8 / (0.705 * 0.47), 0.0, 0.0],
    ),
    "filled from a time on": (
        lambda t, y, k: np.where(t > 8.5, k, 0) - np.sqrt(np.maximum(y, 0)), [0.0],
        [FILLED(0.47).real], [FILLED(0.47 + 1e-30j).imag / 1e-30],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS)
def test_components_come_to_rest(name):
    fun, y0, wanted, slopes = ENDS[name]
    end = lambda k: solve_ivp(fun, (0.0, 9.0), y0, args=(k,), t_eval=[1.0, 9.0]).y[:, -1]
    np.testing.assert_allclose(end(0.47), wanted, atol=1e-15)
    np.testing.assert_allclose(taylor.derivative(end, 0.47), slopes, rtol=1e-13, atol=1e-13)
    total = taylor.gradient(lambda k: np.sum(end(k)), 0.47)
    np.testing.assert_allclose(total, np.sum(slopes), rtol=1e-13, atol=1e-13)


def test_a_run_whose_steps_lead_nowhere_ends():
    # beside 0 the logarithm is that of a number with half of its digits
    fun = lambda t, y: np.log(abs(t - 1)) / np.sqrt(t) + 0 * y
    r = solve_ivp(fun, (0.0, 1.0), [0.0])
    assert r.status == -1 and "the step size became too small" in r.message
