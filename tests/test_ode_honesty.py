"""Every route checks its steps, and says how large their errors are; random problems agree."""

import math
import warnings

import fuzz_ode
import mpmath
import numpy as np
import pytest
from scipy.integrate import solve_ivp as scipy_solve

import taylor
from taylor import TaylorN
from taylor.ode import TaylorIntegrator, TaylorSolver, flow_map, solve_ensemble, solve_ivp
from taylor.ode import value_and_gradient as adjoint

SEEDS = (5, 6, 7, 11, 12, 16, 18, 23, 26, 27, 29)  # quickly judged, of all kinds


@pytest.mark.parametrize("seed", SEEDS)
def test_random_problems(seed):
    p = fuzz_ode.problem(seed)
    verdict = fuzz_ode.judged(p)
    assert verdict.what == "right", f"{verdict}\n{p}"


def test_a_wrong_number_is_seen(monkeypatch):
    solved = fuzz_ode.solved

    def off(p):
        r = solved(p)
        r.y[0, -1] += 1e-9
        return r

    text = "def fun(t, y): return [y[1], -np.sin(y[0])]"
    pendulum = fuzz_ode.Problem(text, (0.0, 2.0), np.array([1.0, 0.0]), {"tol": None})
    assert fuzz_ode.judged(pendulum).what == "right"
    monkeypatch.setattr(fuzz_ode, "solved", off)
    assert fuzz_ode.judged(pendulum).what == "wrong"


# ------------------------------------------------------------------ every route checks its steps
def passing(t, y, near=0.003):
    """Return a rate with a singularity beside the path, which its coefficients hide."""
    return np.stack([1 + 0 * y[0], np.sqrt((y[0] - 1) ** 2 + near**2)])


START, SPAN = np.array([0.0, 5.0]), (0.0, 2.0)


def truth(near=0.003):
    with mpmath.workdps(30):
        a = mpmath.mpf(near)
        return float(5 + mpmath.sqrt(1 + a**2) + a**2 * mpmath.asinh(1 / a))


def stepped(**options):
    it = TaylorIntegrator(passing, 0.0, START, **options)
    while it.t < 2.0:
        it.step(2.0)
    return it.y[1], it.error


def until(**options):
    it = TaylorIntegrator(passing, 0.0, START, **options)
    return it.propagate_until(2.0)[1], it.error


def grid(**options):
    it = TaylorIntegrator(passing, 0.0, START, **options)
    return it.propagate_grid([1.0, 2.0])[1, -1], it.error


def scipys(**options):
    r = scipy_solve(passing, SPAN, START, method=TaylorSolver, **options)
    return r.y[1, -1], None


def alone(**options):
    r = solve_ivp(passing, SPAN, START, **options)
    return r.y[1, -1], r.error


def through_numpy(**options):
    fun = lambda t, y: list(passing(t, y))
    it = TaylorIntegrator(fun, 0.0, START, **options)
    it._memory = None
    return it.propagate_until(2.0)[1], it.error


def together(**options):
    r = solve_ensemble(passing, SPAN, np.tile(START, (3, 1)), **options)
    assert np.all(r.error == r.error[0])
    return r.y[2, 1, -1], r.error[2]


def of_series(**options):
    r = solve_ivp(passing, SPAN, TaylorN.seeded(START, 2), **options)
    return r.y[1, -1].value, r.error


def forward(**options):
    end = lambda x: solve_ivp(passing, SPAN, np.stack([x, 5.0 + 0 * x]), **options).y[1, -1]
    return taylor.value_and_gradient(end, 0.0)[0], None


def mapped(**options):
    if "order" in options:
        options = {"tol": 1e-12}
    return flow_map(passing, SPAN, START, 1, **options)[1].value, None


def backwards(**options):
    return adjoint(lambda y: y[1], passing, SPAN, START, **options)[0], None


ROUTES = (
    stepped, until, grid, scipys, alone, through_numpy, together, of_series, forward, mapped,
    backwards,
)  # fmt: skip


@pytest.mark.parametrize("route", ROUTES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("options", [{}, {"tol": 1e-9}, {"order": 24}], ids=str)
def test_every_route_checks_its_steps(route, options):
    value, error = route(**options)
    tol = options.get("tol", 2.0**-53)
    assert abs(value - truth()) < 200 * 5 * tol
    assert error is None or 0 < error < 1000 * tol


# ------------------------------------------------------------------ stiffness is said
def stiff(t, y, rate=1e9):
    return -rate * (y - 2 - np.cos(t))


@pytest.mark.parametrize("rate", [1e9, 3e4])
def test_propagation_says_that_a_problem_is_stiff(rate):
    it = TaylorIntegrator(stiff, 0.0, [0.0], args=(rate,))
    with pytest.warns(UserWarning, match="stiff"), pytest.raises(taylor.errors.IntegrationError):
        it.propagate_until(100.0, max_steps=4000)


def test_propagation_of_a_smooth_problem_says_nothing():
    it = TaylorIntegrator(lambda t, y: [y[1], -np.sin(y[0])], 0.0, [1.0, 0.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        it.propagate_until(1e4)
    assert it.steps > 10_000


# ------------------------------------------------------------------ pulses that coefficients hide
W = 0.1
PULSES = {  # of x = (t - 5)/w, their integrals over (-5/w, 5/w)
    "gaussian": (lambda x: np.exp(-(x**2)), math.sqrt(math.pi)),
    "power of two": (lambda x: np.exp2(-(x**2)), math.sqrt(math.pi / math.log(2))),
    "power of ten": (lambda x: 10.0 ** (-(x**2)), math.sqrt(math.pi / math.log(10))),
    "sech": (lambda x: 1 / np.cosh(x * 9), math.pi / 9),
    "sech squared": (lambda x: 1 / np.cosh(x * 9) ** 2, 2 / 9),  # cosh overflows
    "logistic": (lambda x: 1 / (1 + np.exp(-x * 99)), 5 / W),  # exp overflows
    "sigmoid": (lambda x: taylor.sigmoid(-x * 99), 5 / W),
    "tanh": (lambda x: 1 + np.tanh(x * 99), 10 / W),
    "erf": (lambda x: 1 + taylor.erf(x * 9), 10 / W),
    "normal": (lambda x: taylor.ndtr(x * 9), 5 / W),
    "gompertz": (lambda x: np.exp(-np.exp(-x)), 5 / W - 0.5772156649015329),
}


@pytest.mark.parametrize("name", PULSES)
@pytest.mark.parametrize("start", [0.0, 1.0])
def test_no_step_jumps_over_a_pulse(name, start):
    pulse, integral = PULSES[name]
    r = solve_ivp(lambda t, y: pulse((t - 5) / W) + 0 * y, (0.0, 10.0), [start])
    assert abs(r.y[0, -1] - start - W * integral) <= 1e-14 * r.y[0, -1]
    assert r.success and r.error < 1e-13


def bell(t, y, size=1.0):
    return size * np.exp(-(((t - 5) / W) ** 2)) + 0 * y


def by_hand(size):
    it = TaylorIntegrator(bell, 0.0, [1.0], args=(size,))
    return it.propagate_until(10.0)[0] - 1


def many(size):
    given = {"args": [(0.5 * size,), (size,)]}
    return solve_ensemble(bell, (0.0, 10.0), [[1.0], [1.0]], **given).y[1, 0, -1] - 1


def digits(size):
    with mpmath.workdps(30):
        y0 = [mpmath.mpf(1)]
        return solve_ivp(bell, (0, 10), y0, args=(mpmath.mpf(size),), tol=1e-20).y[0, -1] - 1


def complex_part(size):
    r = solve_ivp(lambda t, y: 1j * bell(t, y, size), (0.0, 10.0), [1.0 + 0j])
    return r.y[0, -1].imag


def of_state(size):
    r = solve_ivp(lambda t, y: [1.0, bell(y[0], 0.0, size)], (0.0, 10.0), [0.0, 1.0])
    return r.y[1, -1] - 1


def slope(size):
    return size * taylor.derivative(by_solving, size)


def by_solving(size):
    return solve_ivp(bell, (0.0, 10.0), [1.0], args=(size,)).y[0, -1]


def sizes_slope(size):
    return size * adjoint(lambda y: y[0], bell, (0.0, 10.0), [1.0], args=(size,))[2][0]


def by_scipy(size):
    found = scipy_solve(bell, (0, 10), [1.0], method=TaylorSolver, args=(size,))
    return found.y[0, -1] - 1


def event_times(size):
    def half(t, y):
        return bell(t, 0.0, size) - size / 2

    (found,) = solve_ivp(lambda t, y: -0.01 * y, (0.0, 10.0), [1.0], events=half).t_events
    return (found[1] - found[0]) / math.sqrt(math.log(2)) * math.sqrt(math.pi) / 2 * size


@pytest.mark.parametrize(
    "route",
    [by_hand, many, digits, complex_part, of_state, slope, sizes_slope, by_scipy, event_times],
)
def test_no_route_jumps_over_a_pulse(route):
    assert abs(float(route(2.0)) - 2 * W * math.sqrt(math.pi)) < 1e-14


def test_what_overflows_is_not_held_constant():
    r = solve_ivp(lambda t, y: np.exp(t * t) + 0 * y, (0.0, 100.0), [0.0])
    assert not r.success
