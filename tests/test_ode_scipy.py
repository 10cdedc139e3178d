"""`taylor.ode.TaylorSolver` is a method of SciPy's solve_ivp, with all it makes of one."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
from scipy.integrate import solve_ivp

import taylor.ode
from taylor import ShapeMismatch
from taylor.ode import TaylorSolver


def pendulum(t, y):
    return [y[1], -np.sin(y[0])]


def test_the_same_steps_as_of_taylor_solve_ivp():
    ours = taylor.ode.solve_ivp(pendulum, (0.0, 20.0), [1.0, 0.0])
    r = solve_ivp(pendulum, (0.0, 20.0), [1.0, 0.0], method=TaylorSolver)
    assert r.success
    assert r.nfev == ours.nfev
    np.testing.assert_array_equal(r.t, ours.t)
    np.testing.assert_array_equal(r.y, ours.y)


@pytest.mark.parametrize("span", [(0.0, 7.0), (0.0, -7.0)])
def test_dense_output_and_t_eval(span):
    times = np.linspace(*span, 41)
    r = solve_ivp(
        lambda t, y: [y[1], -y[0]],
        span,
        [0.0, 1.0],
        method=TaylorSolver,
        t_eval=times,
        dense_output=True,
    )
    np.testing.assert_array_equal(r.t, times)
    np.testing.assert_allclose(r.y, [np.sin(times), np.cos(times)], rtol=0, atol=3e-15)
    between = np.linspace(*span, 97)
    np.testing.assert_allclose(r.sol(between)[0], np.sin(between), rtol=0, atol=3e-15)
    assert r.sol(span[1] / 3).shape == (2,)


def test_events_of_scipy():
    def ground(t, y, g):
        return y[0]

    ground.terminal, ground.direction = True, -1

    def apex(t, y, g):
        return y[1]

    r = solve_ivp(
        lambda t, y, g: [y[1], -g], (0.0, 100.0), [1.0, 10.0], method=TaylorSolver, args=(9.81,),
        events=[ground, apex],
    )  # fmt: skip
    assert r.status == 1
    landing = (10 + np.sqrt(100 + 2 * 9.81)) / 9.81
    np.testing.assert_allclose(r.t_events[0], landing, rtol=1e-14)
    np.testing.assert_allclose(r.t_events[1], 10 / 9.81, rtol=1e-14)
    np.testing.assert_allclose(r.y_events[1][0], [1 + 50 / 9.81, 0], rtol=1e-14, atol=1e-12)


def test_options():
    def error(**options):
        r = solve_ivp(lambda t, y: -y, (0.0, 3.0), [1.0], method=TaylorSolver, **options)
        return r.nfev, abs(r.y[0, -1] - np.exp(-3.0))

    assert error()[0] < error(rtol=1e-6)[0] < error(max_step=0.05)[0]
    assert error(rtol=1e-6, atol=[1e-9])[1] < 1e-5
    assert error(order=30)[1] < 5e-15  # the terms of e^-3 add up to e^3
    with pytest.warns(UserWarning, match="first_step"):
        error(first_step=0.1)


@pytest.mark.parametrize("fun", [lambda t, y: 1j * y, lambda t, y: 1j * np.cos(t) * y])
@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")  # complex states
def test_complex_states(fun):
    r = solve_ivp(fun, (0.0, 2.0), [1.0 + 0j], method=TaylorSolver)
    phase = 2.0 if fun(2.0, 1.0) == 1j else np.sin(2.0)
    np.testing.assert_allclose(r.y[0, -1], np.exp(1j * phase), rtol=1e-14)


def test_vectorized():
    a = np.array([[0.0, 1.0], [-2.0, -0.3]])
    plain = solve_ivp(lambda t, y: a @ y, (0.0, 4.0), [1.0, 0.0], method=TaylorSolver)
    wide = solve_ivp(
        lambda t, y: a @ y, (0.0, 4.0), [1.0, 0.0], method=TaylorSolver, vectorized=True
    )
    np.testing.assert_allclose(wide.y[:, -1], plain.y[:, -1], rtol=1e-13)


def test_branches_of_fun():
    r = solve_ivp(lambda t, y: [1.0 if t < 0.3 else -2.0], (0.0, 1.0), [0.0], method=TaylorSolver)
    np.testing.assert_allclose(r.y[0, -1], 0.3 - 1.4, rtol=1e-14)


def test_a_failure_is_a_status():
    r = solve_ivp(lambda t, y: y * y, (0.0, 2.0), [1.0], method=TaylorSolver)
    assert r.status == -1
    assert "singularity" in r.message or "not finite" in r.message
    np.testing.assert_allclose(r.t[-1], 1.0, rtol=1e-9)


def test_nothing_to_do():
    r = solve_ivp(pendulum, (1.0, 1.0), [1.0, 0.0], method=TaylorSolver)
    assert r.success
    np.testing.assert_array_equal(r.y[:, -1], [1.0, 0.0])


def test_scipy_is_optional():
    code = """
import sys
sys.modules["scipy"] = sys.modules["scipy.integrate"] = None
import taylor.ode
assert taylor.ode.solve_ivp(lambda t, y: y, (0.0, 1.0), [1.0]).success
try:
    taylor.ode.TaylorSolver
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "install SciPy" in done.stdout


def test_other_names_are_no_attributes():
    with pytest.raises(AttributeError, match="Tailor"):
        _ = taylor.ode.Tailor


EVERY = [
    None,
    "auto",
    "Radau",
    "BDF",
    "LSODA",
    "RK45",
    "RK23",
    "DOP853",
    scipy.integrate.Radau,
    TaylorSolver,
]
by_every = pytest.mark.parametrize("method", EVERY)


@by_every
def test_what_scipy_allows(method):
    def low(t, y):
        return y[0] - 0.5

    def never(t, y):
        return y[0] - 0.8

    low.terminal, never.terminal = 1, 0
    r = taylor.ode.solve_ivp(lambda t, y: -y, (0, np.inf), [1.0], method, events=[low, never])
    assert r.status == 1
    np.testing.assert_allclose(r.t_events[0], np.log(2), rtol=1e-6)
    assert len(r.t_events[1]) == 1
    given = {"rtol": [1e-6, 1e-8], "atol": [1e-9, 1e-12]}
    r = taylor.ode.solve_ivp(lambda t, y: -y, (0, 1), [1.0, 2.0], method, **given)
    np.testing.assert_allclose(r.y[:, -1], np.exp(-1) * np.array([1, 2]), rtol=1e-5)
    r = taylor.ode.solve_ivp(lambda t, y: -y, (0, 10), [], method, dense_output=True)
    assert r.success
    assert (r.sol(1.0).shape, r.sol([1.0, 2.0, 3.0]).shape) == ((0,), (0, 3))


def restitution(t, y):
    return y[0]


restitution.direction, restitution.terminal = -1, 100
restitution.callback = lambda t, y: [0.0, -0.95 * y[1]]


def test_polynomials_have_no_last_step():
    """A step of infinite length would be right, and no number."""
    r = taylor.ode.solve_ivp(
        lambda t, y: [y[1], -9.81], (0, np.inf), [1.0, 0.0], events=restitution
    )
    first = np.sqrt(2 / 9.81)
    expected = first * (1 + 2 * np.cumsum(0.95 ** np.arange(100)) - 2)
    np.testing.assert_allclose(r.t_events[0], expected, rtol=1e-14)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("rate", [0.0, 1e-9, -1.0])
def test_lines_have_no_last_step(rate, sign):
    def late(t, y):
        return abs(t) - 1e6

    late.terminal = True
    for y0 in (0.0, 3.0):
        r = taylor.ode.solve_ivp(lambda t, y: rate + 0 * y, (0, sign * np.inf), [y0], events=late)
        np.testing.assert_allclose(r.t[-1], sign * 1e6, rtol=1e-15)
        np.testing.assert_allclose(r.y[0, -1], y0 + rate * sign * 1e6, rtol=1e-15)


def test_infinity_needs_an_end():
    with pytest.raises(ValueError, match="terminal event"):
        taylor.ode.solve_ivp(lambda t, y: -y, (0, np.inf), [1.0])


@pytest.mark.parametrize(
    "option", [{"jac": lambda t, y: -1}, {"first_step": 0.1}, {"min_step": 0.1}, {"lband": 0}]
)
def test_options_without_meaning_are_named(option):
    with pytest.warns(UserWarning, match=next(iter(option))):
        r = taylor.ode.solve_ivp(lambda t, y: -y, (0, 1), [1.0], **option)
    np.testing.assert_allclose(r.y[0, -1], np.exp(-1), rtol=1e-15)
    with pytest.raises(TypeError, match="unexpected keyword argument 'jacobian'"):
        taylor.ode.solve_ivp(lambda t, y: -y, (0, 1), [1.0], jacobian=None)


def test_misspelt_options_of_methods_and_integrators_are_named():
    fun = lambda t, y: -y
    for wrong in (
        lambda: taylor.ode.solve_ivp(fun, (0.0, 1.0), [1.0], "LSODA", t_evals=[0.5]),
        lambda: taylor.ode.TaylorIntegrator(fun, 0.0, [1.0], ordr=5),
        lambda: taylor.ode.MethodIntegrator(fun, 0.0, [1.0], "BDF", atoll=1e-3),
    ):
        with pytest.raises(TypeError, match=r"did you mean (t_eval|order|atol)"):
            wrong()


@pytest.mark.parametrize("factor", [1.0, 1j])
def test_vectorized_functions_of_ensembles(factor):
    a = np.array([[0.0, 1.0], [-1.0, 0.0]])
    fun = lambda t, y: factor * (a @ y)
    y0 = np.eye(2) + 0 * factor
    found = taylor.ode.solve_ensemble(fun, (0.0, 1.0), y0, vectorized=True).y_last
    np.testing.assert_allclose(found, scipy.linalg.expm(factor * a).T, rtol=1e-14)


@pytest.mark.parametrize("method", [None, "Radau", "LSODA", "DOP853"])
def test_vectorized_functions_see_a_table(method):
    def fun(t, y, k):
        assert y.shape == (2, 1)
        return np.vstack([-k * y[1], k * y[0]])

    def end(k):
        given = {"args": (k,), "vectorized": True, "rtol": 1e-8}
        return taylor.ode.solve_ivp(fun, (0, 3), [1.0, 0.0], method, **given).y[0, -1]

    np.testing.assert_allclose(end(1.0), np.cos(3), rtol=1e-6)
    np.testing.assert_allclose(taylor.derivative(end, 1.0), -3 * np.sin(3), rtol=1e-5)


WRONG = {
    "rtol": ({"rtol": [1e-6] * 3}, ShapeMismatch, "rtol has the shape"),
    "atol": ({"atol": [1e-6] * 3}, ShapeMismatch, "atol has the shape"),
    "max_step": ({"max_step": None}, TypeError, "max_step is a positive number"),
    "nan": ({"events": lambda t, y: np.nan}, ValueError, "nan or inf"),
    "inf": ({"events": lambda t, y: np.inf}, ValueError, "nan or inf"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(name):
    given, error, words = WRONG[name]
    with pytest.raises(error, match=words):
        taylor.ode.solve_ivp(lambda t, y: -y, (0, 1), [1.0, 2.0], **given)


@pytest.mark.parametrize("times", [[0.5, 0.2], [2.0], [[1.0]], [-0.1]])
def test_wrong_times_are_wrong_for_both(times):
    for solve in (solve_ivp, taylor.ode.solve_ivp):
        with pytest.raises(ValueError, match="t_eval"):
            solve(lambda t, y: -y, (0, 1), [1.0], t_eval=times)


@pytest.mark.parametrize("method", ["Radau", "BDF"])
def test_a_constant_jacobian_is_evaluated_no_more(method):
    jac = np.array([[-1.0, -5.0], [1.0, 1.0]])
    given = {"rtol": 1e-4, "atol": 1e-6, "method": method, "jac": jac}
    r = taylor.ode.solve_ivp(lambda t, y: jac @ y, (0.0, 2.0), [0.0, 2.0], **given)
    other = scipy.integrate.solve_ivp(lambda t, y: jac @ y, (0.0, 2.0), [0.0, 2.0], **given)
    assert (r.njev, r.nlu) == (0, other.nlu) and r.y.shape == other.y.shape
