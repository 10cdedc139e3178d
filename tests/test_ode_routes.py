"""One promise on many routes: what `solve_ivp` takes, other ways to a solution take or refuse."""

import inspect

import numpy as np
import pytest
from scipy.integrate import solve_ivp as scipy_solve

import taylor
from taylor import TaylorN
from taylor.ode import (
    MethodIntegrator,
    Solution,
    TaylorIntegrator,
    TaylorSolver,
    flow_map,
    solve_ensemble,
    solve_ivp,
)
from taylor.ode import value_and_gradient as adjoint


def smooth(t, y, k):
    return [y[1], -k * np.sin(y[0]) + 0.1 * t]


def where(t, y, k):
    return np.stack([y[1], -k * y[0] * np.where(y[0] > 0, 2.0, 0.5)])


def kinked(t, y, k):
    return [y[1], -k * y[0] - 0.2 * abs(y[1]) * y[1]]


def by_if(t, y, k):
    return [y[1], -k * y[0] if y[0] > 0 else -2 * k * y[0]]


def limited(t, y, k):
    return [y[1], np.clip(-2 * k * y[0], -0.8, 0.8)]


def rooted(t, y, k):
    return [y[1], -k * y[0] - 0.2 * np.sqrt(y[1] ** 2) * y[1]]


def shaped(t, y, k):
    return np.array([[0.0, 1.0], [-1.0, 0.0]]) @ y * k


FEATURES = {
    "smooth": (smooth, [1.0, 0.2], (0.0, 5.0)),
    "backwards": (smooth, [1.0, 0.2], (2.0, -3.0)),
    "where": (where, [1.0, 0.2], (0.0, 5.0)),
    "kinks": (kinked, [1.0, 0.2], (0.0, 5.0)),
    "if": (by_if, [1.0, 0.2], (0.0, 5.0)),
    "limiters": (limited, [1.0, 0.2], (0.0, 5.0)),
    "roots through zero": (rooted, [1.0, 0.2], (0.0, 5.0)),
    "matrices": (shaped, [[1.0, 0.2], [0.3, 0.4]], (0.0, 5.0)),
}
K = 0.9


def stepped(fun, span, y0):
    it = TaylorIntegrator(fun, span[0], y0, args=(K,))
    while it.t != span[1]:
        it.step(span[1])
    return it.y


def until(fun, span, y0):
    it = TaylorIntegrator(fun, span[0], y0, args=(0.5,))
    it.args = (K,)
    return it.propagate_until(span[1])


def grid(fun, span, y0):
    it = TaylorIntegrator(fun, span[0], y0, args=(K,))
    return it.propagate_grid(np.linspace(*span, 4))[..., -1]


def dense(fun, span, y0):
    return solve_ivp(fun, span, y0, args=(K,), dense_output=True).sol(span[1])


def together(fun, span, y0):
    args = [(K,), (0.7,), (K,)]
    return solve_ensemble(fun, span, np.stack([y0] * 3), args=args).y_last[2]


def of_ensemble(fun, span, y0):
    r = solve_ensemble(fun, span, np.stack([y0] * 3), args=(K,), dense_output=True)
    return r.sol[1](span[1])


def scipys(fun, span, y0):
    shape = np.shape(y0)
    flat = lambda t, y, k: np.reshape(np.stack(list(fun(t, np.reshape(y, shape), k))), -1)
    r = scipy_solve(flat, span, np.reshape(y0, -1), method=TaylorSolver, args=(K,))
    return r.y[:, -1].reshape(shape)


def of_series(fun, span, y0):
    return solve_ivp(fun, span, TaylorN.seeded(np.array(y0), 1), args=(K,)).y[..., -1].value


def mapped(fun, span, y0):
    return flow_map(fun, span, y0, 1, args=(K,)).value


def backwards(fun, span, y0):
    weights = np.cos(np.arange(np.size(y0))).reshape(np.shape(y0))
    return adjoint(lambda y: np.sum(y * weights), fun, span, y0, args=(K,))


ROUTES = (stepped, until, grid, dense, together, of_ensemble, scipys, of_series, mapped)


@pytest.mark.parametrize("feature", FEATURES)
def test_all_routes_lead_to_one_end(feature):
    fun, y0, span = FEATURES[feature]
    y0 = np.array(y0)
    expected = solve_ivp(fun, span, y0, args=(K,)).y[..., -1]
    for route in ROUTES:
        found = route(fun, span, y0)
        np.testing.assert_allclose(found, expected, rtol=0, atol=5e-14, err_msg=route.__name__)


@pytest.mark.parametrize("feature", sorted(FEATURES.keys() - {"if", "where"}))
def test_derivatives_are_one_on_all_routes(feature):
    fun, y0, span = FEATURES[feature]
    y0 = np.array(y0)
    weights = np.cos(np.arange(np.size(y0))).reshape(np.shape(y0))
    value, dy0, (dk,) = backwards(fun, span, y0)

    def cost(y0, k):
        return np.sum(solve_ivp(fun, span, y0, args=(k,)).y[..., -1] * weights)

    forward = taylor.jacfwd(lambda y0: cost(y0, K), y0)
    np.testing.assert_allclose(forward, dy0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(taylor.gradient(lambda y: cost(y, K), y0), dy0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(taylor.derivative(lambda k: cost(y0, k), K), dk, rtol=0, atol=1e-12)
    np.testing.assert_allclose(cost(y0, K), value, rtol=0, atol=1e-13)


# what a route takes; it refuses the rest by its signature, and ignores nothing
ALL = {"args", "tol", "order", "max_step", "atol", "events", "dosing", "t_eval", "dense_output"}
TAKES = {
    solve_ivp: ALL,
    solve_ensemble: ALL,
    TaylorIntegrator: {"args", "tol", "order", "max_step", "atol", "events", "dosing"},
    adjoint: {"args", "tol", "order", "max_step", "atol", "events", "dosing"},
    # the order is that of the map
    flow_map: {"args", "tol", "order", "max_step", "atol", "events", "dosing"},
}


@pytest.mark.parametrize("route", TAKES, ids=lambda f: f.__name__)
def test_what_a_route_takes(route):
    names = set(inspect.signature(route).parameters)
    every = set.union(*TAKES.values())
    assert names & every == TAKES[route]


def test_options_do_what_they_say_on_every_route():
    fun, y0, span = FEATURES["smooth"]
    exact = solve_ivp(fun, span, y0, args=(K,)).y[:, -1]
    for tol in (1e-5, 1e-9):
        ends = (
            TaylorIntegrator(fun, span[0], y0, args=(K,), tol=tol).propagate_until(span[1]),
            solve_ensemble(fun, span, [y0], args=(K,), tol=tol).y_last[0],
            flow_map(fun, span, y0, 1, args=(K,), tol=tol).value,
            scipy_solve(fun, span, y0, method=TaylorSolver, args=(K,), rtol=tol).y[:, -1],
        )
        for end in ends:
            assert 0 < np.abs(end - exact).max() < 50 * tol


def body(t, y, ka, k):
    return [-ka * y[0], ka * y[0] - k * y[1]]


def halves(t, y, ka, k):
    return y[1] - 0.2


halves.callback = lambda t, y, ka, k: [y[0], y[1] * 0.5]


def full(t, y, ka, k):
    return y[1] - 0.4


full.terminal = True
DOSES = ([0.5, 2.0], [1.0, 0.0])
MET = {
    "doses": {"dosing": DOSES},
    "resets": {"events": halves},
    "an end": {"events": full},
    "all of them": {"events": [halves, full], "dosing": DOSES},
}


@pytest.mark.parametrize("method", [None, "RadauIIA"])
@pytest.mark.parametrize("met", MET)
def test_gradients_and_maps_through_what_is_met(met, method):
    given, x = {"method": method} | MET[met], np.array([1.0, 0.05, 1.2])

    def end(x):
        return solve_ivp(body, (0.0, 5.0), x[:2], args=(x[2], 0.3), **given).y[:, -1]

    jacobian = taylor.jacobian(end, x)
    value, dy0, (dka, dk) = adjoint(np.sum, body, (0.0, 5.0), x[:2], args=(x[2], 0.3), **given)
    m = flow_map(body, (0.0, 5.0), x[:2], 1, args=(x[2], 0.3), wrt=("y0", 0), **given)
    np.testing.assert_allclose(value, np.sum(end(x)), rtol=0, atol=1e-9)
    np.testing.assert_allclose([*dy0, dka], jacobian.sum(0), rtol=0, atol=1e-9)
    np.testing.assert_allclose(m.gradient(), jacobian, rtol=0, atol=1e-9)
    assert dk != 0


def test_gradients_and_maps_say_where_a_run_ended_before():
    blow_up = lambda t, y: y**2
    never = lambda t, y: y[0] - 1e9
    for events in (None, never):
        with pytest.raises(taylor.errors.IntegrationError, match="at t = "):
            adjoint(np.sum, blow_up, (0.0, 2.0), [1.0], events=events)
        with pytest.raises(taylor.errors.IntegrationError, match="at t = "):
            flow_map(blow_up, (0.0, 2.0), [1.0], 1, events=events)
    with pytest.raises(TypeError, match="checkpoints are for runs without events and doses"):
        adjoint(np.sum, body, (0, 1), [1.0, 0.0], args=(1.0, 0.3), checkpoints=3, dosing=DOSES)


def pulsed(t, y, k):
    return [y[1], np.where((t > 1) & (t < 2), 1.0, 0.0) - k * y[0]]


@pytest.mark.parametrize("method", [None, "RadauIIA"])
@pytest.mark.parametrize("fun", [kinked, rooted, pulsed])
def test_as_many_steps_are_taken_as_are_allowed(fun, method):
    given = {"method": method, "args": (K,), "dosing": ([0.7, 1.3], [0.1, 0.0])}
    count = len(solve_ivp(fun, (0.0, 3.0), [1.0, 0.2], **given).t) - 1
    for n in {1, 2, 5, count - 1, count}:
        r = solve_ivp(fun, (0.0, 3.0), [1.0, 0.2], max_steps=n, **given)
        assert len(r.t) == n + 1 and r.success == (n == count)
    it = TaylorIntegrator(fun, 0.0, [1.0, 0.2], args=(K,))
    states = solve_ivp(fun, (0.0, 3.0), [1.0, 0.2], args=(K,)).y
    with pytest.raises(taylor.errors.IntegrationError, match="2 steps did not reach"):
        it.propagate_until(3.0, max_steps=2)
    np.testing.assert_allclose(it.y, states[:, 2], rtol=0, atol=1e-13)


def test_methods_tell_the_error_of_their_steps_or_nothing():
    fun = lambda t, y: [-1e4 * (y[0] - np.cos(t)) - np.sin(t), y[0] - y[1]]
    for tol in (1e-4, 1e-7, 1e-10):
        r = solve_ivp(fun, (0.0, 10.0), [1.0, 0.0], "RadauIIA", tol=tol, dense_output=True)
        t = np.linspace(0.0, 10.0, 200)
        assert np.max(abs(r.sol(t)[0] - np.cos(t))) < r.error < 4 * tol
    assert 0 < solve_ivp(fun, (0.0, 1.0), [1.0, 0.0], "auto", tol=1e-6).error < 4e-6
    assert np.isnan(solve_ivp(fun, (0.0, 1.0), [1.0, 0.0], "BDF", tol=1e-6).error)


EVERY_SIX = 6.0 * np.arange(4)
REGIMENS = {
    "for all": (EVERY_SIX, [100.0, 0.0]),
    "of each, at one time": [(EVERY_SIX, [100.0 + i, 0.0]) for i in range(3)],
    "of each": [(EVERY_SIX + i, [100.0 + i, 0.0]) for i in range(3)],
    "of some": [None, (EVERY_SIX, [100.0, 0.0]), None],
    "by a function": (EVERY_SIX, lambda t, y, ka, k: [100.0 - y[0], 0.0]),
}
ALSO = {
    "alone": {},
    "with events": {"events": lambda t, y, ka, k: y[1] - 20.0},
    "dense": {"dense_output": True},
    "by a method": {"method": "RadauIIA"},
    "backwards": {"t_span": (24.0, 0.0), "t_eval": [24.0, 12.0, 7.0, 6.0, 0.0]},
}
CASES = [(r, "alone") for r in REGIMENS] + [("for all", also) for also in ALSO]


@pytest.mark.parametrize("regimen, also", CASES)
def test_members_have_doses_as_each_alone(regimen, also):
    span_and_times = {"t_span": (0.0, 24.0), "t_eval": [0.0, 3.0, 6.0, 7.0, 24.0]}
    given, dosing = span_and_times | ALSO[also], REGIMENS[regimen]
    args = [(ka, 0.3) for ka in (0.8, 1.2, 1.5)]
    r = solve_ensemble(body, y0=np.zeros((3, 2)), args=args, dosing=dosing, **given)
    assert r.success.all()
    for i in range(3):
        own = dosing[i] if isinstance(dosing, list) else dosing
        one = solve_ivp(body, y0=[0.0, 0.0], args=args[i], dosing=own, **given)
        np.testing.assert_allclose(r.y[i], one.y, rtol=1e-13, atol=1e-12)
        np.testing.assert_allclose(r.y_last[i], one.y[:, -1], rtol=1e-13, atol=1e-12)
        if own is not None:
            np.testing.assert_array_equal(r.t_doses[i], one.t_doses)
            np.testing.assert_allclose(r.y_doses[i], one.y_doses, rtol=1e-13, atol=1e-12)
        if also == "with events":
            np.testing.assert_array_equal(r.t_events[i][0], one.t_events[0])
        if also == "dense":
            np.testing.assert_array_equal(r.sol[i](5.0), one.sol(5.0))


def test_members_with_doses_that_fail_and_refusals():
    square = lambda t, y: y * y
    for more in ({}, {"dense_output": True}):
        r = solve_ensemble(square, (0.0, 1.0), [[0.5], [2.5]], dosing=([0.25, 0.5], [0.1]), **more)
        assert r.status.tolist() == [0, -1] and "at t = " in r.message[1]
        one = solve_ivp(square, (0.0, 1.0), [2.5], dosing=([0.25, 0.5], [0.1]))
        np.testing.assert_allclose(r.t_last[1], one.t[-1], rtol=1e-12)
        assert r.t_doses[1].tolist() == one.t_doses.tolist() and np.isnan(r.y[1, 0, -1])
    z = solve_ensemble(lambda t, z: 1j * z, (0.0, 1.0), [[1.0 + 0j]], dosing=([0.5], [1.0])).y
    np.testing.assert_allclose(z[0, 0, -1], np.exp(1j) + np.exp(0.5j), rtol=1e-14)
    with pytest.raises(TypeError, match="with dosing has no chunk"):
        solve_ensemble(square, (0.0, 1.0), [[0.5]], dosing=([0.5], [0.1]), chunk=1)
    with pytest.raises(ValueError, match="dosing is a list for 2 members, y0 has 1"):
        solve_ensemble(square, (0.0, 1.0), [[0.5]], dosing=[None, None])


def test_arrays_of_tolerances_hold_for_each_component():
    fun = lambda t, y: [-y[0], 1e-9 * y[0] - 2 * y[1]]
    exact = 1e-9 * (np.exp(-5.0) - np.exp(-10.0))
    for given in ({"rtol": 1e-4, "atol": [1e-6, 1e-16]}, {"rtol": [1e-3, 1e-7]}):
        end = solve_ivp(fun, (0.0, 5.0), [1.0, 0.0], **given).y[1, -1]
        assert abs(end - exact) < 2e-16
        end = TaylorIntegrator(fun, 0.0, [1.0, 0.0], **given).propagate_until(5.0)[1]
        assert abs(end - exact) < 2e-16
        end = solve_ensemble(fun, (0.0, 5.0), [[1.0, 0.0]], **given).y[0, 1, -1]
        assert abs(end - exact) < 2e-16
        end = scipy_solve(fun, (0.0, 5.0), [1.0, 0.0], method=TaylorSolver, **given).y[1, -1]
        assert abs(end - exact) < 2e-16


def test_solutions_in_other_units_of_time(tmp_path):
    given = {"args": (1e-25,), "dosing": ([1e24], [1.0])}
    decay = lambda t, y, k: -k * y
    r = solve_ivp(decay, (0.0, 1e25), [1.0], dense_output=True, max_step=1e24, **given)
    end = np.exp(-1.0) + np.exp(-0.9)
    np.testing.assert_allclose(r.sol(1e25), [end], rtol=1e-14)
    assert (r.sol.t_min, r.sol.t_max) == (0.0, 1e25) and len(r.sol.t) == len(r.t)
    assert "units of time" in repr(r.sol)
    r.sol.save(tmp_path / "sol.npz")
    assert np.array_equal(Solution.load(tmp_path / "sol.npz")(9e24), r.sol(9e24))
    value, (dy,), (dk,) = adjoint(np.sum, decay, (0.0, 1e25), [1.0], **given)
    np.testing.assert_allclose([value, dy], [end, np.exp(-1.0)], rtol=1e-14)
    np.testing.assert_allclose(dk, -1e25 * np.exp(-1.0) - 9e24 * np.exp(-0.9), rtol=1e-13)


WRONG_IN_LONG_SPANS = (
    ("max_step", None, "max_step is a positive number, not None"),
    ("dosing", (1e24, [1.0]), "the times of dosing lie along one axis"),
    ("dosing", (["a"], [1.0]), "the times of dosing are real numbers, not 'a'"),
    ("t_eval", ["a"], "t_eval holds numbers"),
    ("t_eval", 1e24, "t_eval holds times along one axis"),
    ("fun", 3, "fun is a function of"),
)


@pytest.mark.parametrize("name, value, text", WRONG_IN_LONG_SPANS)
def test_mistakes_in_long_spans(name, value, text):
    given = {"fun": lambda t, y: -1e-25 * y, "t_span": (0.0, 1e25), "y0": [1.0], name: value}
    with pytest.raises((TypeError, ValueError), match=text):
        solve_ivp(**given)


def test_what_a_route_lacks_is_said():
    with pytest.raises(TypeError, match="unexpected keyword argument 't_eval': solve_ivp has"):
        TaylorIntegrator(body, 0.0, [1.0, 0.0], args=(1.0, 0.3), t_eval=[1.0])
    with pytest.raises(TypeError, match="argument 'dense_output': solve_ivp has"):
        MethodIntegrator(body, 0.0, [1.0, 0.0], "BDF", args=(1.0, 0.3), dense_output=True)
