"""Stiff problems by SciPy's methods, with compiled Jacobians: values, sensitivities, events."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import mpmath
import numpy as np
import pytest
import scipy.integrate

import taylor
from benchmarks import ode_stiff
from taylor import Taylor, TaylorN
from taylor.errors import IntegrationError
from taylor.ode import (
    MethodIntegrator,
    TaylorIntegrator,
    flow,
    flow_map,
    methods,
    solve_ivp,
    value_and_gradient,
)
from taylor.ode.methods import INSIDE, spread
from taylor.ode.radau import tableau

METHODS = ["RadauIIA", "Radau", "BDF", "LSODA"]


def robertson(t, y, k):
    a, b, c = k[0] * y[0], k[1] * y[1] * y[2], k[2] * y[1] ** 2
    return [-a + b, a - b - c, c]


def van_der_pol(t, y, eps):
    return [y[1], ((1 - y[0] ** 2) * y[1] - y[0]) / eps]


def hires(t, y, k):
    a, b, c, d, e, f, g, h = y
    r = k[0] * f * h
    return [
        -1.71 * a + 0.43 * b + 8.32 * c + 0.0007, 1.71 * a - 8.75 * b,
        -10.03 * c + 0.43 * d + 0.035 * e, 8.32 * b + 1.71 * c - 1.12 * d,
        -1.745 * e + 0.43 * f + 0.43 * g, -r + 0.69 * d + 1.71 * e - 0.43 * f + 0.69 * g,
        r - 1.81 * g, -r + 1.81 * g,
    ]  # fmt: skip


def oregonator(t, y, k):
    a, b, c = y
    return [k[0] * (b + a * (1 - k[1] * a - b)), (c - (1 + a) * b) / k[0], k[2] * (a - c)]


POLLUTION = np.array([
    0.35, 26.6, 1.23e4, 8.6e-4, 8.2e-4, 1.5e4, 1.3e-4, 2.4e4, 1.65e4, 9e3, 0.022, 1.2e4, 1.88,
    1.63e4, 4.8e6, 3.5e-4, 0.0175, 1e8, 4.44e11, 1240, 2.1, 5.78, 0.0474, 1780, 3.12,
])  # fmt: skip
FIRST = [0, 1, 4, 6, 6, 6, 8, 8, 10, 10, 12, 9, 13, 0, 2, 3, 3, 15, 15, 16, 18, 18, 0, 18, 19]
SECOND = [-1, 3, 1, -1, -1, 5, -1, 5, 1, 0, -1, 1, -1, 5, -1, -1, -1, -1, -1, 5, -1, -1, 3, 0, -1]
MADE = {  # of each species: in which reactions, and how many
    0: {0: -1, 9: -1, 13: -1, 22: -1, 23: -1, 1: 1, 2: 1, 8: 1, 10: 1, 11: 1, 21: 1, 24: 1},
    1: {1: -1, 2: -1, 8: -1, 11: -1, 0: 1, 20: 1}, 2: {14: -1, 0: 1, 16: 1, 18: 1, 21: 1},
    3: {1: -1, 15: -1, 16: -1, 22: -1, 14: 1}, 4: {2: -1, 3: 2, 5: 1, 6: 1, 12: 1, 19: 1},
    5: {5: -1, 7: -1, 13: -1, 19: -1, 2: 1, 17: 2}, 6: {3: -1, 4: -1, 5: -1, 12: 1},
    7: {3: 1, 4: 1, 5: 1, 6: 1}, 8: {6: -1, 7: -1}, 9: {11: -1, 6: 1, 8: 1},
    10: {8: -1, 9: -1, 7: 1, 10: 1}, 11: {8: 1}, 12: {10: -1, 9: 1}, 13: {12: -1, 11: 1},
    14: {13: 1}, 15: {17: -1, 18: -1, 15: 1}, 16: {19: -1}, 17: {19: 1},
    18: {20: -1, 21: -1, 23: -1, 22: 1, 24: 1}, 19: {24: -1, 23: 1},
}  # fmt: skip
STOICHIOMETRY = np.array([[MADE[i].get(j, 0) for j in range(25)] for i in range(20)], float)


def pollution(t, y, k):
    with_one = np.append(y, 1.0)
    return STOICHIOMETRY @ (k * with_one[FIRST] * with_one[SECOND])


FUNCTIONS = {  # with the rates as an argument, that derivatives are taken by
    "Robertson": (robertson, np.array([0.04, 1e4, 3e7])),
    "VdP1000": (van_der_pol, 1e-6),
    "HIRES": (hires, np.array([280.0])),
    "OREGO": (oregonator, np.array([77.27, 8.375e-6, 0.161])),
    "POLLU": (pollution, POLLUTION),
}
# (fun, end, y0, argument, y there)
PROBLEMS = {
    name: (fun, *ode_stiff.PROBLEMS[name][1:3], k, ode_stiff.PROBLEMS[name][3])
    for name, (fun, k) in FUNCTIONS.items()
}
by_problem = pytest.mark.parametrize("name", PROBLEMS)
by_method = pytest.mark.parametrize("method", METHODS)


@pytest.fixture
def adjoints(monkeypatch):
    """Have gradients in few numbers go by adjoints, too."""
    monkeypatch.setattr(flow, "FEW", 0)


@by_problem
@by_method
def test_values_of_the_literature(name, method):
    fun, end, y0, k, y = PROBLEMS[name]
    r = solve_ivp(fun, (0.0, end), y0, method, args=(k,), rtol=1e-5, atol=1e-13, t_eval=[end])
    assert r.success
    np.testing.assert_allclose(r.y[:, -1], y, rtol=2e-3, atol=1e-17)


@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA"])
def test_it_is_scipys_run_with_an_exact_jacobian(method):
    fun, _, y0, k, _ = PROBLEMS["Robertson"]
    given = {"method": method, "args": (k,), "rtol": 1e-6, "atol": 1e-10}
    ours = solve_ivp(fun, (0.0, 1e4), y0, **given)
    theirs = scipy.integrate.solve_ivp(fun, (0.0, 1e4), y0, **given)
    np.testing.assert_allclose(ours.y[:, -1], theirs.y[:, -1], rtol=1e-5, atol=1e-10)
    assert abs(len(ours.t) - len(theirs.t)) <= 0.1 * len(theirs.t)
    assert ours.nfev <= theirs.nfev
    assert (ours.status, ours.message) == (theirs.status, theirs.message)


# ------------------------------------------------------------------ the own method
@pytest.mark.parametrize("s", [3, 5, 7, 9])
def test_collocation_is_of_order_2s_minus_1_and_l_stable(s):
    m = tableau(s)
    ones, weights = np.ones(s), m.a[-1]
    for k in range(1, 2 * s):  # quadrature of that order, stages of order s
        np.testing.assert_allclose(weights @ m.c ** (k - 1), 1 / k, rtol=1e-13)
    for k in range(1, s + 1):
        np.testing.assert_allclose(m.a @ m.c ** (k - 1), m.c**k / k, rtol=1e-12, atol=1e-16)
    for z in (-1.0, -1e3, -1e9, 1e9j):  # R(z) = 1 + z b (1 - z A)⁻¹ 1
        r = 1 + z * weights @ np.linalg.solve(np.eye(s) - z * m.a, ones)
        assert abs(r) < 1
    np.testing.assert_allclose(((m.back * m.mu) @ m.into).real, m.a, atol=1e-12)
    np.testing.assert_allclose(m.powers @ m.c, np.eye(s)[0], atol=1e-9)


def test_threads_that_begin_at_once_have_the_same_method():
    # each made its numbers in mpmath's own context, and ended the precision of the others
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(tableau.__wrapped__, [5] * 4))
    for numbers in zip(*found, tableau(5), strict=True):
        assert all(np.array_equal(x, numbers[-1]) for x in numbers)
    assert mpmath.mp.prec == 53


@by_problem
@pytest.mark.parametrize("tol", [1e-6, 1e-9, 1e-12])
def test_collocation_keeps_to_its_tolerance(name, tol):
    fun, end, y0, k, y = PROBLEMS[name]
    r = solve_ivp(fun, (0.0, end), y0, "RadauIIA", args=(k,), rtol=tol, atol=tol * 1e-7)
    assert r.success and len(r.t) < 600
    np.testing.assert_allclose(r.y[:, -1], y, rtol=max(tol, 2e-12), atol=1e-18)


@pytest.mark.parametrize("tol", [1e-6, 1e-10])
@pytest.mark.parametrize("k", [1e1, 1e4, 1e8])
@pytest.mark.parametrize("alone", [True, False])
def test_the_polynomials_of_collocation_keep_to_the_tolerance(k, tol, alone):
    def fun(t, y):
        stiff = k * (np.cos(t) - y[0]) - np.sin(t)
        return [stiff] if alone else [stiff, y[2], -y[1]]

    times = np.linspace(0.0, 20.0, 301)
    exact = np.stack([np.cos(times), np.sin(times), np.cos(times)])[: 1 if alone else 3]
    given = {"t_eval": times, "rtol": tol, "atol": tol}
    r = solve_ivp(fun, (0.0, 20.0), exact[:, 0], "RadauIIA", **given)
    assert np.abs(r.y - exact).max() < tol
    r = solve_ivp(lambda s, y: -np.stack(fun(-s, y)), (0.0, -20.0), exact[:, 0], "RadauIIA",
                  **given | {"t_eval": -times})  # fmt: skip
    assert np.abs(r.y - exact).max() < tol


def test_what_collocation_is_asked_for():
    def end(t, y):
        return y[0] - 0.1

    end.terminal = True
    r = solve_ivp(lambda t, y: -y, (0.0, np.inf), [1.0], "RadauIIA", events=end)
    np.testing.assert_allclose(r.t_events[0], [np.log(10.0)], rtol=1e-8)
    r = solve_ivp(lambda t, y: -y, (0.0, 1.0), [1.0, 2.0], "RadauIIA", rtol=[1e-6, 1e-9],
                  atol=[1e-9, 1e-12], first_step=1e-3, max_step=0.1)  # fmt: skip
    assert r.t[1] == 1e-3 and np.diff(r.t).max() <= 0.1 + 1e-15
    np.testing.assert_allclose(r.y[:, -1], np.exp(-1.0) * np.array([1.0, 2.0]), rtol=1e-8)
    r = solve_ivp(lambda t, y: -y, (0.0, 1.0), [], "RadauIIA")
    assert r.success and r.y.shape[0] == 0
    seen = []
    r = solve_ivp(lambda t, y: -50 * y, (0.0, 1.0), [1.0], "RadauIIA",
                  jac=lambda t, y: seen.append(t) or np.array([[-50.0]]))  # fmt: skip
    assert r.success and seen and r.njev == len(seen) and r.nlu > 0 and r.nfev > 0
    r = solve_ivp(lambda t, y: y * y, (0.0, 2.0), [1.0], "RadauIIA")
    assert r.status == -1 and abs(r.t[-1] - 1) < 1e-6
    with pytest.raises(TypeError, match="lband is no option"):
        solve_ivp(lambda t, y: -y, (0.0, 1.0), [1.0], "RadauIIA", lband=1)
    z = solve_ivp(lambda t, y: -y, (0.0, 1.0), [1j], "RadauIIA").y[0, -1]  # by its two parts
    assert abs(z - 1j * np.exp(-1.0)) < 1e-9


def differences(fun, end, y0, k, h):
    """Return the changes of y(end) with each argument, relative to those."""
    columns = []
    for i in range(k.size):
        up, down = k.copy(), k.copy()
        up[i], down[i] = k[i] * (1 + h), k[i] * (1 - h)
        ends = [
            solve_ivp(fun, (0, end), y0, "LSODA", args=(x,), rtol=1e-11, atol=1e-19, t_eval=[end])
            for x in (up, down)
        ]
        columns.append((ends[0].y[:, -1] - ends[1].y[:, -1]) / (2 * h))
    return np.stack(columns, axis=-1)


SHORT = {"Robertson": 40.0, "HIRES": 5.0, "OREGO": 1.0}


@pytest.mark.parametrize("name", SHORT)
def test_sensitivities_are_those_of_differences(name):
    fun, _, y0, k, _ = PROBLEMS[name]
    end = SHORT[name]
    wanted = differences(fun, end, y0, k, 1e-4)
    for method in METHODS:
        r = solve_ivp(
            fun, (0, end), y0, method, args=(TaylorN.seeded(k, 1),), rtol=1e-6, atol=1e-12,
            t_eval=[end],
        )  # fmt: skip
        found = r.y[:, -1].gradient() * k
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("name", ["Robertson", "POLLU"])
@by_method
def test_the_adjoint_is_the_transpose_of_the_tangents(name, method):
    fun, _, y0, k, _ = PROBLEMS[name]
    given = {"method": method, "tol": 1e-6, "atol": 1e-13}
    w = np.arange(1.0, len(y0) + 1)
    forward = solve_ivp(fun, (0, 1), y0, args=(TaylorN.seeded(k, 1),), t_eval=[1.0], **given)
    _, dy0, (dk,) = value_and_gradient(lambda y: np.sum(w * y), fun, (0, 1), y0, args=(k,), **given)
    wanted = (w @ forward.y[:, -1].gradient()) * k
    np.testing.assert_allclose(dk * k, wanted, rtol=2e-3, atol=1e-4 * np.abs(wanted).max())
    m = flow_map(fun, (0, 1), y0, 1, args=(k,), **given)
    np.testing.assert_allclose(dy0, w @ m.gradient(), rtol=2e-3)


@by_method
def test_gradients_of_costs_at_several_times(method, adjoints):
    times = np.linspace(0.0, 1.0, 4)

    def cost(x, **more):
        r = solve_ivp(lambda t, y, x: x[0] * (np.cos(t) - y), (0.0, 1.0), [x[1]], args=(x,),
                      t_eval=times, **more)  # fmt: skip
        return np.sum(r.y[0] ** 2)

    x = np.array([50.0, 0.3])
    wanted = taylor.gradient(cost, x)
    np.testing.assert_allclose(taylor.gradient(lambda x: cost(x, method=method), x), wanted, 1e-5)


def test_gradients_go_through_the_fold_of_a_relaxation_oscillation():
    def end(mu, **more):
        given = {"args": (mu,), "t_eval": [300.0], **more}
        return solve_ivp(relaxing, (0.0, 300.0), [2.0, 0.0], "RadauIIA", **given).y[0, -1]

    def relaxing(t, y, mu):
        return [y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]]

    found = taylor.gradient(lambda mu: end(mu, rtol=1e-9, atol=1e-9), 300.0)
    np.testing.assert_allclose(found, -0.00250355466035, rtol=1e-6)  # by Taylor series


@by_method
def test_series_of_higher_order_and_nested_ones(method):
    def end(a, **more):
        return solve_ivp(lambda t, y, a: -a * y**2, (0.0, 1.0), [1.0], args=(a,), **more).y[0, -1]

    a = Taylor.variable(2.0, order=3)  # 1/(1 + a)
    np.testing.assert_allclose(end(a, method=method).coef, [1 / 3, -1 / 9, 1 / 27, -1 / 81], 1e-5)
    inner = taylor.derivative(
        lambda a: a * taylor.derivative(lambda b: end(a * b, method=method), 1.0), 2.0
    )
    np.testing.assert_allclose(inner, -4 / 27, 1e-5)  # of -(a/(1 + a))²
    second = taylor.hessian(lambda x: end(x[0], method=method, t_eval=[1.0]), np.array([2.0]))
    np.testing.assert_allclose(second, [[2 / 27]], 1e-5)


@by_method
def test_second_derivatives_in_reverse_are_those_of_series_of_order_2(method, adjoints):
    fun, _, y0, k, _ = PROBLEMS["Robertson"]
    times = np.linspace(0.0, 4.0, 3)

    def cost(x):
        y = solve_ivp(fun, (0, 4), y0, method, args=(x * k,), t_eval=times, rtol=1e-6).y
        return np.sum((y[0] - 0.9) ** 2) + y[2, -1]

    one = np.ones(3)
    wanted = cost(TaylorN.seeded(one, 2)).hessian()
    np.testing.assert_allclose(taylor.hessian(cost, one), wanted, rtol=1e-4, atol=1e-5)
    direction = np.array([1.0, 2.0, 3.0])
    found = taylor.hvp(cost, one, direction)
    np.testing.assert_allclose(found, wanted @ direction, rtol=1e-4, atol=1e-5)


@by_method
def test_the_hessian_at_a_minimum_where_the_adjoint_is_zero(method, adjoints):
    def end(x):
        return solve_ivp(lambda t, y, a: -a * y, (0.0, 1.0), [1.0], method, args=(x[0],),
                         t_eval=[1.0], rtol=1e-9).y[0, -1]  # fmt: skip

    x = np.array([2.0])
    there = end(x)
    second = taylor.hessian(lambda x: (end(x) - there) ** 2, x)
    np.testing.assert_allclose(second, [[2 * np.exp(-4.0)]], rtol=1e-5)


@pytest.mark.parametrize("method", ["Radau", "BDF"])
def test_what_scipy_does_not_document_is_used_where_it_is_and_not_needed(method, monkeypatch):
    fun, _, y0, k, _ = PROBLEMS["POLLU"]

    def found():
        r = solve_ivp(fun, (0, 1), y0, method, args=(TaylorN.seeded(k, 1),), rtol=1e-6,
                      atol=1e-13, t_eval=[1.0])  # fmt: skip
        return r.y[:, -1].gradient() * k

    made = getattr(scipy.integrate, method)(lambda t, y: -y, 0.0, np.ones(2), 1.0)
    assert all(hasattr(made, name) for name in INSIDE)
    with_blocks, used = found(), []
    monkeypatch.setattr(methods, "spread", lambda *given: used.append(1) or spread(*given))
    monkeypatch.setattr(methods, "INSIDE", (*INSIDE, "no such attribute"))
    np.testing.assert_allclose(found(), with_blocks, rtol=1e-4, atol=1e-4 * abs(with_blocks).max())
    assert used


@by_problem
def test_the_warning_of_stiffness_comes_in_time(name):
    fun, end, y0, k, _ = PROBLEMS[name]
    with pytest.warns(UserWarning, match="stiff.* more of them.*'RadauIIA'"):
        solve_ivp(fun, (0.0, end), y0, args=(k,), max_steps=3000)


@pytest.mark.parametrize("w", [1.0, 100.0])
@pytest.mark.filterwarnings("error")
def test_long_runs_are_not_stiff(w):
    solve_ivp(lambda t, y: [y[1], -(w**2) * np.sin(y[0])], (0.0, 1e9), [1.0, 0.0], max_steps=2000)


@by_problem
@pytest.mark.filterwarnings("error")
def test_auto_goes_over_in_time(name):
    fun, end, y0, k, y = PROBLEMS[name]
    r = solve_ivp(fun, (0.0, end), y0, "auto", args=(k,), rtol=1e-5, atol=1e-13)
    assert r.success
    np.testing.assert_allclose(r.y[:, -1], y, rtol=2e-3, atol=1e-17)


def rotating(t, y, k):
    return [k * y[1], -k * np.sin(y[0])]


def chaotic(t, y, k):
    return [10 * (y[1] - y[0]), y[0] * (k - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]]


def orbit(t, y, k):
    return np.concatenate([y[2:], -k * y[:2] * (y[0] ** 2 + y[1] ** 2) ** -1.5])


@pytest.mark.parametrize("tol", [1e-6, 1e-12])
@pytest.mark.parametrize(
    ("fun", "end", "y0", "k"),
    [
        (rotating, 50.0, [1.0, 0.0], 100.0), (chaotic, 50.0, [1.0, 1.0, 1.0], 28.0),
        (orbit, 50.0, [0.1, 0.0, 0.0, 19**0.5], 1.0), (van_der_pol, 50.0, [2.0, 0.0], 0.1),
        (van_der_pol, 2.0, [2.0, 0.0], 1e-3),
        (hires, 321.8122, PROBLEMS["HIRES"][2], np.array([280.0])),
    ],
)  # fmt: skip
def test_auto_stays_with_series_where_their_steps_are_soon_taken(fun, end, y0, k, tol):
    r = solve_ivp(fun, (0.0, end), y0, "auto", args=(k,), rtol=tol)
    assert r.success and r.njev == 0


def test_auto_stays_with_series_where_it_can():
    given = (lambda t, y: [y[1], -y[0]], (0.0, 20.0), [1.0, 0.0])
    np.testing.assert_array_equal(solve_ivp(*given, "auto").y, solve_ivp(*given).y)
    a = Taylor.variable(1.0, 1)
    y = solve_ivp(lambda t, y, a: -a * y, (0, 1), [1.0], "auto", args=(a,)).y[0, -1]
    np.testing.assert_allclose(y.coef, [np.exp(-1.0), -np.exp(-1.0)], rtol=1e-7)


@pytest.mark.parametrize("method", [*METHODS, "RK45", "DOP853", "RK23"])
def test_events_dense_output_and_callbacks(method):
    def ground(t, y):
        return y[0]

    ground.direction, ground.callback = -1, lambda t, y: [0.0, -0.5 * y[1]]
    r = solve_ivp(
        lambda t, y: [y[1], -1.0 + 0 * t], (0.0, 2.6), [0.5, 0.0], method, events=ground,
        dense_output=True, rtol=1e-6,
    )  # fmt: skip
    np.testing.assert_allclose(r.t_events[0], [1.0, 2.0, 2.5], rtol=1e-5)
    np.testing.assert_allclose(r.sol(1.5)[0], 0.125, rtol=1e-4)
    np.testing.assert_allclose(r.sol(r.t)[0], r.y[0], rtol=1e-9, atol=1e-9)


@by_method
def test_a_large_system_has_a_sparse_jacobian(method):
    n = 200
    start = np.sin(np.pi * np.arange(1, n + 1) / (n + 1))

    def heat(t, y, c):
        wide = np.concatenate([[0.0], y, [0.0]])
        return c[0] * (wide[2:] - 2 * y + wide[:-2])

    rate = 4 * np.sin(np.pi / (2 * (n + 1))) ** 2
    c = TaylorN.seeded(np.array([1e4]), 1)
    r = solve_ivp(heat, (0.0, 1.0), start, method, args=(c,), rtol=1e-5, t_eval=[1.0])
    factor = np.exp(-1e4 * rate)
    np.testing.assert_allclose(r.y[:, -1].value, factor * start, rtol=1e-3)
    np.testing.assert_allclose(r.y[:, -1].gradient()[:, 0], -rate * factor * start, rtol=1e-2)


def limited(t, y, power, limit):
    return np.where(y < limit, power, power / 2) - 0.5 * y


def limited_exactly(x):
    power, limit = x
    when = -2 * np.log(1 - limit / (2 * power))
    return power + (limit - power) * np.exp(-(3 - when) / 2)


def infused(t, y, power, limit):
    return np.where((t > limit) & (t < 2), power, 0.0) - 0.5 * y


def infused_exactly(x):
    power, limit = x
    return 2 * power * (1 - np.exp(-(2 - limit) / 2)) * np.exp(-0.5)


JUMPING = {"limit": (limited, limited_exactly), "infusion": (infused, infused_exactly)}


@pytest.mark.parametrize("jumping", JUMPING)
@pytest.mark.parametrize("method", [*METHODS, "auto"])
def test_derivatives_go_through_jumps_of_fun(method, jumping, adjoints):
    fun, exactly = JUMPING[jumping]
    x = np.array([2.0, 1.0])

    def end(x):
        given = {"method": method, "args": (x[0], x[1]), "tol": 1e-8}
        return solve_ivp(fun, (0.0, 3.0), [0.0], **given).y[0, -1]

    exact = taylor.gradient(exactly, x)
    np.testing.assert_allclose(end(x), exactly(x), rtol=1e-6)
    np.testing.assert_allclose(taylor.jacfwd(end, x), exact, rtol=5e-5)
    np.testing.assert_allclose(taylor.gradient(end, x), exact, rtol=5e-5)
    if (method, jumping) == ("RadauIIA", "limit"):
        np.testing.assert_allclose(taylor.hessian(end, x), taylor.hessian(exactly, x), rtol=1e-5)


def test_derivatives_in_windows_of_time(adjoints):
    def fun(t, y, rate):
        return np.where((t > 1) & (t < 2), rate, 0.0) - 0.5 * y

    for method in METHODS:
        end = lambda rate, m=method: solve_ivp(fun, (0.0, 3.0), [0.0], m, args=(rate,), tol=1e-8).y[
            0, -1
        ]
        exact = 2 * (1 - np.exp(-0.5)) * np.exp(-0.5)
        np.testing.assert_allclose(taylor.derivative(end, 2.0), exact, rtol=1e-6)
        np.testing.assert_allclose(taylor.gradient(end, 2.0), exact, rtol=1e-6)


def test_a_jacobian_is_asked_for_first_on_another_branch():
    short = lambda t, y: 1 + 100 * np.where((y > 0.4) & (y < 0.401), 1.0, 0.0)
    end = solve_ivp(short, (0.0, 1.0), [0.0], "LSODA").y[0, -1]
    assert abs(end - (1 + 0.001 - 0.001 / 101)) < 1e-8


EVERY = ("RadauIIA", "Radau", "BDF", "LSODA", "RK23", "RK45", "DOP853")


@pytest.mark.parametrize("method", EVERY)
def test_methods_meet_jumps_in_the_state(method):
    short = lambda t, y: 1 + 100 * np.where((y > 0.5) & (y < 0.501), 1.0, 0.0)
    end = solve_ivp(short, (0.0, 1.0), [0.0], method).y[0, -1]
    assert abs(end - (1 + 0.001 - 0.001 / 101)) < 1e-8
    r = solve_ivp(lambda t, y: np.where(y > 0, -1e3 * y, 0.0), (0.0, 2.0), [1.0], method)
    assert r.success and abs(r.y[0, -1]) < 1e-7


@pytest.mark.parametrize("method", ["RadauIIA", "LSODA", "RK45", "DOP853"])
def test_methods_say_where_a_solution_would_slide(method):
    with pytest.raises(IntegrationError, match="from both sides") as error:
        solve_ivp(lambda t, y: 0.2 - np.sign(y), (0.0, 2.0), [0.8], method)
    assert abs(error.value.result.t[-1] - 1) < 1e-9
    assert solve_ivp(lambda t, y: -np.sign(y), (0.0, 2.0), [1.0], method).y[0, -1] == 0


@pytest.mark.parametrize("method", EVERY)
def test_a_run_to_where_fun_has_no_value_is_no_success(method):
    fun = lambda t, y: np.where(y > 5, np.sqrt(6 - y) + y**2, y**2)
    found = solve_ivp(fun, (0.0, 2.0), [1.0], method, rtol=1e-6, atol=1e-8)
    assert found.status == -1 and np.isfinite(found.y).all() and found.y[0, -1] < 6


@pytest.mark.parametrize("method", EVERY)
@pytest.mark.parametrize("fun", [lambda t, y: y**2, lambda t, y: 1 / (t - 1) + 0 * y])
def test_steps_that_do_not_advance_end_a_run(fun, method):
    found = solve_ivp(fun, (0.0, 2.0), [1.0], method, rtol=1e-6, atol=1e-8)
    assert found.status == -1 and found.t[-1] == pytest.approx(1, abs=1e-4)
    assert "short" in found.message or "spacing" in found.message
    assert np.isfinite(found.y).all() and (np.diff(found.t) > 0).all()


@pytest.mark.parametrize("method", [*METHODS, "DOP853"])
@pytest.mark.parametrize(
    ("fun", "end", "exact"),
    [
        (lambda t, y: np.exp(-((t - 50) ** 2)) + 0 * y, 100.0, np.sqrt(np.pi)),
        (lambda t, y: np.log(t) + 0 * y, 1.0, -1.0),
        (lambda t, y: 1 / np.sqrt(t) + 0 * y, 1.0, 2.0),
        (lambda t, y: np.sqrt(t) + 0 * y, 1.0, 2 / 3),
    ],
)
def test_pulses_are_not_jumped_over_and_runs_begin_where_rates_are_infinite(
    method, fun, end, exact
):
    r = solve_ivp(fun, (0.0, end), [0.0], method, rtol=1e-6)
    assert r.success and abs(r.y[0, -1] - exact) < 1e-4
    assert not r.error > 1e-5  # nan, if it is not told


def test_lsoda_begins_faster_than_times_are_told_apart():
    given = {"rtol": 1e-8, "atol": 1e-10, "dense_output": True}
    found = solve_ivp(lambda t, y: -1e16 * (y - np.cos(t)), (1.0, 2.0), [0.0], "LSODA", **given)
    assert found.success and found.y[0, -1] == pytest.approx(np.cos(2.0), rel=1e-6)
    assert np.isfinite(found.sol(found.t)).all() and (np.diff(found.t) > 0).all()


def test_kinks_are_left_to_the_tolerance():
    def clipped(t, y):
        a, b, c = np.maximum(y, 0.0)
        return [-0.04 * a + 1e4 * b * c, 0.04 * a - 1e4 * b * c - 3e7 * b**2, 3e7 * b**2]

    def smooth(t, y):
        a, b, c = y
        return [-0.04 * a + 1e4 * b * c, 0.04 * a - 1e4 * b * c - 3e7 * b**2, 3e7 * b**2]

    for method in METHODS:
        one, other = (solve_ivp(f, (0.0, 1e3), [1.0, 0, 0], method) for f in (clipped, smooth))
        assert len(one.t) == len(other.t)


def test_step_by_step():
    fun, _, y0, k, _ = PROBLEMS["Robertson"]
    for method in METHODS:
        given = {"method": method, "args": (k,), "atol": 1e-10}
        wanted = solve_ivp(fun, (0, 40), y0, **given, rtol=1e-6, t_eval=[4.0, 40.0]).y
        it = MethodIntegrator(fun, 0.0, y0, **given, tol=1e-6)
        np.testing.assert_allclose(it.propagate_grid([4.0, 40.0]), wanted, rtol=1e-12)
        it.set_state(0.0, y0)
        h = it.step(1.0)
        assert 0 < h == it.t < 1 and it.steps > 1
        it.args = (0 * k,)
        np.testing.assert_allclose(it.propagate_until(2.0), it.y)
    with pytest.raises(TypeError, match=r"MethodIntegrator\(fun, t0, y0, method\)"):
        TaylorIntegrator(fun, 0.0, y0, args=(k,), method="Radau")
    with pytest.raises(TypeError, match="those of TaylorIntegrator"):
        MethodIntegrator(fun, 0.0, y0, "Taylor", args=(k,))


@by_method
def test_a_pickled_run_goes_on(method):
    it = MethodIntegrator(np.subtract, 0.0, [1.0], method)
    it.propagate_until(2.0)
    again = pickle.loads(pickle.dumps(it))
    assert (again.t, again.steps, again.counts) == (it.t, it.steps, it.counts)
    for one in (it, again):
        np.testing.assert_allclose(one.propagate_until(4.0), 3 + 2 * np.exp(-4.0), rtol=1e-6)


def test_numbers_of_many_digits_are_no_ones_of_scipy():
    with pytest.raises(TypeError, match="leave it out"):
        solve_ivp(lambda t, y: -y, (0, 1), [mpmath.mpf(1)], "Radau")


def test_an_end_that_is_out_of_reach_is_told():
    """Rates that grow by themselves make steps ever shorter: a model far outside of its domain."""

    def fun(t, y):
        return [-np.exp(t) * (y[0] - np.cos(t))]

    with pytest.warns(UserWarning, match="stiff"):
        r = solve_ivp(fun, (0.0, 1e4), [2.0])
    assert not r.success and "of them; use an implicit method" in r.message
