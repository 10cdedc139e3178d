"""Every method stops at times at which fun branches, as series do: no window is stepped over."""

import itertools
import warnings

import numpy as np
import pytest
from scipy.integrate import quad

import taylor
from taylor import NonAnalyticError
from taylor.ode import MethodIntegrator, solve_ensemble, solve_ivp

METHODS = ("RadauIIA", "auto", "Radau", "BDF", "LSODA", "RK45", "DOP853")
KNOTS, RATES = np.array([0.0, 5.0, 5.5, 6.0, 10.0]), np.array([0.0, 0.0, 1.0, 0.0, 0.0])


def by_if(t, y):
    if 5 < t < 6:
        return 1 - 0.1 * y
    return -0.1 * y


def box(t):
    return float(5 < t < 6)


def hat(t):
    return max(0.0, 1 - 2 * abs(t - 5.5))


def bump(t):
    return float(np.sin(t / 2) < -0.95)


# each with the inflow that it is
WINDOWS = {
    "where": (lambda t, y: np.where((t > 5) & (t < 6), 1.0, 0.0) - 0.1 * y, box),
    "nested": (lambda t, y: np.where(t > 5, np.where(t < 6, 1.0, 0.0), 0.0) - 0.1 * y, box),
    "if": (by_if, box),
    "table": (lambda t, y: np.interp(t, KNOTS, RATES) - 0.1 * y, hat),
    "maximum": (lambda t, y: np.maximum(0, 1 - 2 * abs(t - 5.5)) - 0.1 * y, hat),
    "sine": (lambda t, y: np.where(np.sin(t / 2) < -0.95, 1.0, 0.0) - 0.1 * y, bump),
}
EDGES = [5.0, 5.5, 6.0, *(2 * (np.pi + s * np.arcsin(0.95) + (s < 0) * np.pi) for s in (1, -1))]


def answer(inflow, y0=0.0):
    """Return y(10) of y' = inflow(t) - y/10."""
    edges = sorted(t for t in EDGES if t < 10)
    whole = [0.0, *edges, 10.0]
    parts = (
        quad(lambda t: inflow(t) * np.exp(0.1 * (t - 10)), a, b, epsabs=1e-13)[0]
        for a, b in itertools.pairwise(whole)
    )
    return y0 * np.exp(-1.0) + sum(parts)


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("method", METHODS)
def test_no_window_of_time_is_stepped_over(method, name):
    fun, inflow = WINDOWS[name]
    r = solve_ivp(fun, (0.0, 10.0), [0.0], method=method)
    assert r.success and len(r.t) < 500
    assert r.y[0, -1] == pytest.approx(answer(inflow), abs=3e-6)
    back = solve_ivp(fun, (10.0, 0.0), [answer(inflow)], method=method)
    assert back.y[0, -1] == pytest.approx(0.0, abs=1e-5)


def test_windows_on_every_route():
    fun, inflow = WINDOWS["where"]
    for method in METHODS:
        rows = solve_ensemble(fun, (0.0, 10.0), [[0.0], [1.0]], method).y[:, 0, -1]
        np.testing.assert_allclose(rows, [answer(inflow), answer(inflow, 1.0)], atol=1e-6)
        y = MethodIntegrator(fun, 0.0, [0.0], method).propagate_until(10.0)
        assert y[0] == pytest.approx(answer(inflow), abs=1e-6)
        r = solve_ivp(fun, (0.0, 10.0), [0.0], method=method, dosing=([2.0], [1.0]))
        assert r.y[0, -1] == pytest.approx(answer(inflow) + np.exp(-0.8), abs=1e-6)


@pytest.mark.parametrize("method", ["RadauIIA", "auto", "BDF"])
def test_a_window_in_a_stiff_problem(method):
    def fun(t, y):
        return [-1e5 * (y[0] - y[1]), np.where((t > 50) & (t < 51), 1.0, 0.0) - 0.01 * y[1]]

    y = solve_ivp(fun, (0.0, 100.0), [1.0, 1.0], method=method).y[1, -1]
    assert y == pytest.approx(np.exp(-1) + 100 * (np.exp(-0.49) - np.exp(-0.5)), abs=1e-6)


def test_a_first_step_is_no_longer_than_the_way_to_a_window():
    fun, inflow = WINDOWS["where"]
    for method in ("RadauIIA", "BDF"):
        r = solve_ivp(fun, (0.0, 10.0), [0.0], method=method, first_step=5.5)
        assert r.y[0, -1] == pytest.approx(answer(inflow), abs=1e-6)


def test_single_steps_go_on_with_one_solver():
    def steps(it):
        return [it.step(10.0) for _ in range(10)]

    one = MethodIntegrator(lambda t, y: -y, 0.0, [1.0], "BDF")
    steps(one)
    fresh = MethodIntegrator(lambda t, y: -y, one.t, one.y, "BDF")
    assert one.step(10.0) > 2 * fresh.step(10.0)


def daily(t, y, d):
    return np.where(t % 24 < d, 1.0, 0.0) + 0 * y


def one_day(t, y, d):
    return ((t % 24 < d) & (t < 24)) * 1.0 + 0 * y


def bright(t, y, c):
    return np.where(np.sin(t) > c, 1.0, 0.0) + 0 * y


def ramp(t, y, c):
    return np.maximum(np.sin(t) - c, 0) + 0 * y


@pytest.mark.parametrize("way", [taylor.derivative, taylor.gradient])
def test_windows_that_begin_to_be_have_derivatives_to_one_side(way):
    def end(fun, start=0.0, stop=30.0):
        return lambda p: solve_ivp(fun, (start, stop), [0.0], args=(p,)).y[0, -1]

    assert way(end(daily), 5.0) == pytest.approx(2.0)
    assert way(end(one_day), 5.0) == pytest.approx(1.0)  # the other one never is
    assert way(end(ramp, 0.0, 3.0), 1.0) == 0  # its rate has a kink there, no jump
    for f, p in [
        (end(daily), 0.0),
        (end(daily, 1.0), 0.0),
        (end(daily), 24.0),
        (end(bright, 0.0, 3.0), 1.0),
    ]:
        with pytest.raises(NonAnalyticError, match="to one side only"):
            way(f, p)


def test_what_is_equal_for_a_moment():
    spark = lambda t, y: np.where(t == 0, 5.0, 1.0) + 0 * y
    leaves = lambda t, y: np.where(y == 1, 3.0, -y)
    for span in ((0.0, 1.0), (-1.0, 1.0), (-1.0, 0.0)):
        assert solve_ivp(spark, span, [0.0]).y[0, -1] == pytest.approx(span[1] - span[0])
    assert solve_ivp(leaves, (0.0, 1.0), [2.0]).y[0, -1] == pytest.approx(2 * np.exp(-1))
    to = lambda a: solve_ivp(spark, (-1.0, a), [0.0]).y[0, -1]
    since = lambda a: solve_ivp(spark, (a, 1.0), [0.0]).y[0, -1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # beside that moment fun goes through NumPy
        assert taylor.derivative(to, 0.0) == pytest.approx(1.0)
        assert taylor.derivative(since, 0.0) == pytest.approx(-1.0)
    assert solve_ivp(daily, (0.0, 100.0), [0.0], args=(24.0,)).y[0, -1] == pytest.approx(100.0)
