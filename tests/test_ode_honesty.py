"""Every route checks its steps, and says how large their errors are; random problems agree."""

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
