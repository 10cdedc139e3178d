"""Right-hand sides whose series leave their branch where nothing is compared: roots, angles, cuts.

Expectations are closed forms, or the same equation written with abs, whose kinks are surfaces.
"""

import numpy as np
import pytest
from scipy.integrate import solve_ivp as scipy_solve

import taylor
from taylor.ode import TaylorIntegrator, TaylorSolver, solve_ensemble, solve_ivp, value_and_gradient
from taylor.ode.pieces import joined
from taylor.ode.surfaces import crossing
from taylor.ode.system import System

PI = np.pi
G = 9.81


def falling(drag):
    """Return a throw with drag: drag(v) is the speed."""

    def fun(t, y, k=0.3):
        return [y[1], -1 - k * drag(y[1]) * y[1]]

    return fun


EXACT = falling(abs)
SPEEDS = {
    "root of a square": lambda v: np.sqrt(v**2),
    "norm": lambda v: np.linalg.norm(np.stack([0 * v, v])),
    "hypot with a constant": lambda v: np.hypot(0.0, v),
    "hypot with a series": lambda v: np.hypot(0 * v, v),
    "real power": lambda v: (v * v) ** 0.5,
    "modulus": lambda v: abs(v * (0.6 + 0.8j)),
    "root of a fourth power": lambda v: np.sqrt(np.sqrt(v**4)),
}


@pytest.mark.parametrize("name", SPEEDS)
@pytest.mark.parametrize("y0", [[0.0, 1.0], [0.0, 0.0]])
def test_speeds_that_go_through_zero(name, y0):
    r = solve_ivp(falling(SPEEDS[name]), (0.0, 3.0), y0)
    expected = solve_ivp(EXACT, (0.0, 3.0), y0).y[:, -1]
    assert r.status == 0 and r.error < 3e-13
    np.testing.assert_allclose(r.y[:, -1], expected, rtol=0, atol=5e-15)


# f(t), and where it is not analytic on [0, 8]
TURNS = np.arange(1, 6) * PI / 2
FUNCTIONS = {
    "atan2": (lambda t: np.arctan2(np.sin(t), np.cos(t)), TURNS),
    "angle": (lambda t: np.angle(np.exp(1j * t)), TURNS),
    "atan of tan": (lambda t: np.arctan(np.tan(t)), TURNS),
    "atan of a quotient": (lambda t: np.arctan(np.sin(t) / np.cos(t)), TURNS),
    "asin of sin": (lambda t: np.arcsin(np.sin(t)), TURNS),
    "acos of cos": (lambda t: np.arccos(np.cos(t)), TURNS),
    "root": (lambda t: np.sqrt(1 - np.sin(t) ** 2), TURNS),
    "root of a square": (lambda t: np.sqrt(np.sin(t) ** 2), TURNS),
    "complex root": (lambda t: np.sqrt(np.exp(1j * t)).real, TURNS),
    "complex logarithm": (lambda t: np.log(np.exp(1j * t)).imag, TURNS),
    "complex power": (lambda t: (np.exp(1j * t) ** 0.3).imag, TURNS),
    "remainder": (lambda t: t % 1.5, 1.5 * np.arange(1, 6)),
    "angle through the origin": (
        lambda t: np.arctan2(2 * np.sin(t - 1), np.sin(t - 1)), 1 + PI * np.arange(3),
    ),
}  # fmt: skip
X, W = np.polynomial.legendre.leggauss(40)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("span", [(0.0, 8.0), (8.0, 0.0)])
def test_functions_of_time(name, span):
    f, breaks = FUNCTIONS[name]
    ends = np.array([0.0, *breaks, 8.0])
    middle, half = (ends[1:] + ends[:-1]) / 2, np.diff(ends) / 2
    expected = np.sum(half * (f(middle[:, None] + half[:, None] * X) @ W))
    r = solve_ivp(lambda t, y: [f(t)], span, [0.0])
    assert r.status == 0
    np.testing.assert_allclose(r.y[0, -1], np.sign(span[1] - span[0]) * expected, atol=2e-13)


ENDS = {
    "root at its start": (lambda t: np.sqrt(t), (0.0, 4.0), 16 / 3),
    "root of a modulus": (lambda t: np.abs(t - 1) ** 0.5, (0.0, 2.0), 4 / 3),
    "power at a kink": (lambda t: np.abs(t) ** 2.5, (-1.0, 1.0), 4 / 7),
    "cube root": (lambda t: np.cbrt(t), (-1.0, 8.0), 0.75 * 15),
    "kink at zero": (lambda t: abs(t), (-1.0, 1.0), 1.0),
}


@pytest.mark.parametrize("name", ENDS)
def test_where_a_function_has_no_series(name):
    f, span, expected = ENDS[name]
    r = solve_ivp(lambda t, y: [f(t)], span, [0.0])
    assert r.status == 0
    np.testing.assert_allclose(r.y[0, -1], expected, rtol=1e-14)


CUT_OFF = {  # zero up to zero, and without a series there; their integrals to 3/2
    "contact": (lambda y: np.maximum(y, 0.0) ** 1.5, 1.5**2.5 / 2.5),
    "of higher power": (lambda y: np.maximum(y, 0.0) ** 2.5, 1.5**3.5 / 3.5),
    "root": (lambda y: np.sqrt(np.maximum(y, 0.0)), 1.5**1.5 / 1.5),
    "modulus": (lambda y: np.hypot(np.where(y > 0, y, 0.0), 0.0), 1.125),
    "clip": (lambda y: np.arccos(1 - np.clip(y, 0.0, 1.0)), 1 + PI / 4),
}


@pytest.mark.parametrize("name", CUT_OFF)
def test_functions_of_what_is_cut_off(name):
    f, integral = CUT_OFF[name]
    rate = lambda t, y, k: np.stack([1 + 0 * y[0], k * f(y[0]), f(y[2]) - y[2]])
    starts, expected = np.array([-0.5, 0.0, -1.0]), [1.5, 0.7 * integral, -np.exp(-2.0)]
    r = solve_ivp(rate, (0.0, 2.0), starts, args=(0.7,))
    members = solve_ensemble(rate, (0.0, 2.0), [starts, starts], args=(0.7,))
    for y in (r.y[:, -1], *members.y[..., -1]):
        np.testing.assert_allclose(y, expected, rtol=1e-14)
    assert np.sum(r.t < 0.45) < 4  # as if it were not there


def test_derivatives_through_one_contact_after_another():
    def end(s):
        gaps = lambda y: np.maximum(-y, 0.0) ** 1.5 + np.maximum(y - 1, 0.0) ** 1.5
        rate = lambda t, y: np.stack([0.7 + 0 * y[0], 2.1 * gaps(y[0])])
        return solve_ivp(rate, (0.0, 2.0 / 0.7), np.stack([-s, 0 * s])).y[1, -1]

    expected = 3 * (0.6**1.5 - 0.4**1.5)
    assert taylor.derivative(end, 0.6) == pytest.approx(expected, rel=1e-12)
    assert taylor.gradient(end, 0.6) == pytest.approx(expected, rel=1e-12)


STILL = {
    "root": lambda v: np.sqrt(abs(v)),
    "power": lambda v: abs(v) ** 1.5,
    "cube root": lambda v: np.cbrt(v),
    "modulus": lambda v: v * np.linalg.norm(np.stack([v, v])),
    "sign": lambda v: np.sign(v),
}


@pytest.mark.parametrize("name", STILL)
def test_a_component_at_rest_beside_others(name):
    r = solve_ivp(lambda t, y: [-STILL[name](y[0]), y[1] + STILL[name](y[0])], (0.0, 1.0), [0.0, 1])
    assert r.status == 0
    np.testing.assert_allclose(r.y[:, -1], [0.0, np.e], rtol=4e-16)


def sideways(t, y, k=0.3):
    speed = np.linalg.norm(y[2:])
    return np.stack([y[2], y[3], -k * speed * y[2], -1 - k * speed * y[3]])


def test_beside_a_singularity_steps_get_short():
    v = 10.0 ** -np.arange(3, 13)
    starts = np.stack([0 * v, 0 * v, v, 1 + 0 * v], axis=1)
    r = solve_ensemble(sideways, (0.0, 3.0), starts)
    for y, start in zip(r.y[..., -1], starts, strict=True):
        one = solve_ivp(sideways, (0.0, 3.0), start)
        s = scipy_solve(
            sideways, (0.0, 3.0), start, method="DOP853", rtol=1e-13, atol=1e-16, max_step=0.05
        )
        assert one.status == 0
        np.testing.assert_allclose(one.y[:, -1], s.y[:, -1], rtol=0, atol=3e-13)
        np.testing.assert_allclose(y, s.y[:, -1], rtol=0, atol=3e-13)


def test_steppers_ensembles_and_methods_see_them_alike():
    fun = falling(SPEEDS["root of a square"])
    times = np.linspace(0.0, 3.0, 7)
    starts = np.array([[0.0, 0.5], [0.0, 1.0], [1.0, 2.0]])
    r = solve_ensemble(fun, (0.0, 3.0), starts, t_eval=times)
    for y, start in zip(r.y, starts, strict=True):
        expected = solve_ivp(EXACT, (0.0, 3.0), start, t_eval=times).y
        np.testing.assert_allclose(y, expected, rtol=0, atol=5e-15)
        s = scipy_solve(fun, (0.0, 3.0), start, method=TaylorSolver, t_eval=times)
        np.testing.assert_allclose(s.y, expected, rtol=0, atol=5e-15)
        dense = solve_ivp(fun, (0.0, 3.0), start, dense_output=True).sol
        np.testing.assert_allclose(dense(times), expected, rtol=0, atol=5e-15)


def test_derivatives_through_them():
    fun = falling(SPEEDS["root of a square"])

    def end(p, f=fun):
        return solve_ivp(f, (0.0, 3.0), np.stack([0 * p[0], p[0]]), args=(p[1],)).y[:, -1]

    p = np.array([1.0, 0.3])
    expected = taylor.jacobian(lambda p: end(p, EXACT), p)
    np.testing.assert_allclose(taylor.jacobian(end, p), expected, atol=1e-13)
    np.testing.assert_allclose(taylor.gradient(lambda p: end(p)[0], p), expected[0], atol=1e-13)
    cost = lambda y: y[0] * y[1]
    one, other = (
        value_and_gradient(cost, f, (0.0, 3.0), [0.0, 1.0], args=(0.3,)) for f in (fun, EXACT)
    )
    np.testing.assert_allclose(one[1], other[1], atol=1e-13)


def test_many_digits_see_them_too():
    from mpmath import mp, mpf

    with mp.workdps(30):
        r = solve_ivp(lambda t, y: [np.sqrt((t - 1) ** 2)], (0, 3), [mpf(0)], tol=1e-25)
        assert abs(r.y[0, -1] - mpf(5) / 2) < mpf(10) ** -20


def test_a_solution_that_ends_is_a_failure():
    r = solve_ivp(lambda t, y: -np.sqrt(y), (0.0, 3.0), [1.0])
    assert r.status == -1 and abs(r.t[-1] - 2) < 1e-7


@pytest.mark.parametrize("seed", [1, 4, 8])
@pytest.mark.parametrize("name", ["maximum", "abs", "clip"])
def test_networks_with_kinks(seed, name):
    act = {
        "maximum": lambda x: np.maximum(x, 0),
        "abs": np.abs,
        "clip": lambda x: np.clip(x, -1, 1),
    }
    rng = np.random.default_rng(seed)
    w, b, v = rng.normal(size=(8, 3)), rng.normal(size=8), rng.normal(size=(3, 8)) / 3
    y0 = rng.normal(size=3)
    fun = lambda t, y: v @ act[name](w @ y + b) - y
    r = solve_ivp(fun, (0.0, 5.0), y0, dense_output=True)
    assert r.status == 0
    t = np.linspace(0.0, 5.0, 401)
    slopes = np.stack([fun(x, y) for x, y in zip(t, r.sol(t).T, strict=True)], axis=1)
    np.testing.assert_allclose(r.sol.derivative(t), slopes, atol=1e-11)


@pytest.mark.parametrize("w", [1e-28, 1e-25, -1e-22, 1e-15, -1e10])
def test_coefficients_that_underflow_cost_steps(w):
    r = solve_ivp(lambda t, y: w * y, (0.0, 1 / abs(w)), [1.0])
    np.testing.assert_allclose(r.y[0, -1], np.exp(np.sign(w)), rtol=3e-14)


def test_the_estimate_of_the_error_is_one():
    rng = np.random.default_rng(0)
    for _ in range(12):
        a, c, tol = rng.normal(size=(3, 3)), rng.normal(size=3), 10.0 ** rng.uniform(-14, -3)
        fun = lambda t, y, a=a, c=c: np.tanh(a @ y + c * t) - y / (1 + y @ y)
        r = solve_ivp(fun, (0.0, 3.0), rng.normal(size=3), tol=tol)
        found = 0.0
        for n in range(len(r.t) - 1):  # each step to all digits
            y, end = r.y[:, n], r.y[:, n + 1]
            right = solve_ivp(fun, r.t[n : n + 2], y).y[:, -1]
            found = max(found, np.abs(right - end).max() / np.abs(y).max())
        assert found <= max(r.error, 1e-15) and r.error < 4 * max(tol, 1e-15)


def test_tables_are_followed_from_knot_to_knot():
    x = np.linspace(0.0, 5.0, 11)
    v = np.sin(x)
    r = solve_ivp(lambda t, y: [np.interp(t, x, v)], (0.0, 4.0), [0.5])
    expected = 0.5 + np.sum(v[:8] + v[1:9]) / 4
    assert r.status == 0
    np.testing.assert_allclose(r.y[0, -1], expected, rtol=0, atol=1e-9)


STEPS = np.array([0.0, 1.0, 2.0, 3.0])
KNOTS = np.array([0.5, 1.2, 1.7])


@pytest.mark.parametrize(
    "place",
    [
        lambda t: np.searchsorted(KNOTS, t),
        lambda t: np.searchsorted(KNOTS, t, side="right"),
        lambda t: np.digitize(t, KNOTS),
        lambda t: np.digitize(-t, -KNOTS, right=True),
        lambda t: np.flatnonzero(t > KNOTS).size,
        lambda t: 3 - np.count_nonzero(np.signbit(t - KNOTS)),
    ],
)
def test_places_in_tables_change_at_their_knots(place):
    r = solve_ivp(lambda t, y: [STEPS[place(t)] + 0 * y[0]], (0.0, 2.0), [0.0])
    np.testing.assert_allclose(r.y[0, -1], 0.7 + 2 * 0.5 + 3 * 0.3, rtol=0, atol=1e-12)


@pytest.mark.parametrize("number", [float, int, lambda c: 1.0 if c else 0.0])
def test_conditions_as_numbers(number):
    fun = lambda t, y: [number(t < 1) * y[0], number(y[0] > 2)]
    r = solve_ivp(fun, (0.0, 2.0), [1.0, 0.0])
    assert r.status == 0
    np.testing.assert_allclose(r.y[:, -1], [np.e, 2 - np.log(2)], rtol=1e-14)


@pytest.mark.parametrize("power", [-1.0, -1.1, -2.0])
def test_no_step_leads_over_a_pole(power):
    r = solve_ivp(lambda t, y: np.abs(t - 1) ** power + 0 * y, (0.0, 2.0), [0.0], max_steps=5000)
    assert r.status == -1 and abs(r.t[-1] - 1) < 1e-12


def test_stiffness_is_told_after_a_zero():
    fun = lambda t, y: [-1e6 * (y[0] - np.cos(t)), np.sqrt((t - 1e-4) ** 2)]
    with pytest.warns(UserWarning, match="stiff"):
        solve_ivp(fun, (0.0, 10.0), [1.0, 0.0], max_steps=2000)


@pytest.mark.parametrize("end", [np.inf, -np.inf])
@pytest.mark.parametrize("fun", [lambda t: t % 1.0, lambda t: abs(np.sin(t))])
def test_a_surface_is_left_towards_an_infinite_end(fun, end):
    it = TaylorIntegrator(lambda t, y: fun(t) - y, 0.0, [0.5])
    it.step(end)
    near = TaylorIntegrator(lambda t, y: fun(t) - y, 0.0, [0.5])
    np.testing.assert_allclose(it.y, near.propagate_until(float(it.t)), rtol=1e-14)


@pytest.mark.parametrize(
    ("fun", "end", "back"),
    [
        (lambda t, y: np.where(t % 1.0 < 0.5, 1.0, -1.0) - y, 2.0, 1.7),
        (lambda t, y: np.where(np.sin(np.pi * t) > 0, 1.0, -1.0) - y, 2.0, 1.7),
        (lambda t, y: np.where(y < 0.5, 1.0, 2.0), 0.5, 0.1),
    ],
)
def test_the_way_back_from_a_surface(fun, end, back):
    it = TaylorIntegrator(fun, 0.0, [0.0])
    there = it.propagate_until(end)
    expected = TaylorIntegrator(fun, 0.0, [0.0]).propagate_until(back)
    np.testing.assert_allclose(it.propagate_until(back), expected, rtol=1e-13)
    np.testing.assert_allclose(it.propagate_until(end), there, rtol=1e-13)


@pytest.mark.parametrize("end", [1.0, 1e3, 1e9, np.inf])
def test_the_steps_of_polynomials_end_at_surfaces_to_all_digits(end):
    """Their first step would go to the end, whose rounding errors are not those of the surface."""
    it = TaylorIntegrator(lambda t, y: np.where(y < 0.3, 1.0, 2.0), 0.0, [0.1])
    it.step(end)
    assert it.t == pytest.approx(0.2, rel=1e-14)
    r = solve_ivp(lambda t, y: np.where(y < 0.3, 1.0, 2.0), (0.0, min(end, 1e12)), [0.1])
    assert r.t[1] == pytest.approx(0.2, rel=1e-14)


def test_the_first_crossing_leaves_the_steps_behind_it():
    f = System(lambda t, y: np.where(np.cos(50 * y) > 0, 1.0, 2.0), 0.0, np.zeros(1), ())
    line, zero, end = np.zeros((21, 1)), np.float64(0.0), np.float64(20.0)
    line[1] = 1.0
    steps, i, met = crossing(f.between, joined([(zero, zero, end, line)]), [], False, None)
    assert steps.t[i] + steps.h[i] * met.x == pytest.approx(np.pi / 100, rel=1e-14)
    assert len(steps) - i > 10
    np.testing.assert_allclose(np.append(steps.t[1:], end), steps.t + steps.h, rtol=1e-15)


def test_roots_behind_a_kink_of_an_event_are_those_of_its_square():
    """A step that begins on the kink is on its far side, whatever rounding makes of its start."""
    fun = lambda t, y, k: [y[1], -k * np.sin(y[0])]
    bent, smooth = lambda t, y, k: abs(y[0]) - 0.3 * k, lambda t, y, k: y[0] ** 2 - 0.09 * k**2
    rng = np.random.default_rng(18)
    some = [(rng.uniform(0.5, 1.5), rng.normal() * 0.5, rng.uniform(0.5, 1)) for _ in range(30)]
    begun = (0.975360969729936, -0.26294952716395487, 0.6878530363614273)  # 1e-20 on the near side
    for *y0, k in (begun, *some):
        r = solve_ivp(fun, (0.0, 7.0), y0, args=(k,), events=[bent, smooth])
        np.testing.assert_allclose(*r.t_events, rtol=0, atol=3e-14)


@pytest.mark.parametrize(
    "g",
    [
        lambda t, y: np.exp(1000 * (y[0] - 0.5)) - 1,
        lambda t, y: 1 / (1 + np.exp(1000 * (t - np.log(4)))) - 0.5,
    ],
)
def test_events_that_overflow_where_they_are_no_roots(g):
    r = solve_ivp(lambda t, y: -y, (0.0, 10.0), [2.0], events=g)
    np.testing.assert_allclose(r.t_events[0], [np.log(4)], rtol=1e-14)


def friction(t, y):
    """Two blocks with friction, the first without a force, the second on a spring."""
    return np.concatenate([y[2:], [-0.3, 0.0] * np.sign(y[2:]) - [0.0, 1.0] * y[:2]])


def at_jumps(t, y):
    jumps = np.sign(y[0]) + np.floor(y[0] + 1) + (y[0] + 2) % 2 + np.round(y[0] + 0.5)
    at_one = np.floor(np.sign(np.hypot(y[1], 1.0) * np.cos(y[0])))
    return [0 * y[0], jumps + np.heaviside(y[0], 0.5) + at_one - 1 - y[1]]


@pytest.mark.parametrize(
    ("fun", "y0", "expected"),
    [
        (friction, [1.0, 1.0, 0.0, 0.0], [1.0, np.cos(20.0), 0.0, -np.sin(20.0)]),
        (at_jumps, [0.0, 0.0], [0.0, -1.5 * np.expm1(-20.0)]),
    ],
)
def test_what_jumps_is_constant_where_its_argument_stays(fun, y0, expected):
    for y in (
        solve_ivp(fun, (0.0, 20.0), y0).y[:, -1],
        solve_ensemble(fun, (0.0, 20.0), [y0, y0]).y_last[1],
    ):
        np.testing.assert_allclose(y, expected, rtol=0, atol=3e-14)


def test_what_stays_at_a_jump_may_leave_it_later():
    """By a pulse that is exactly zero at first."""
    r = solve_ivp(lambda t, y: [np.exp(-((t - 50) ** 2)), np.sign(y[0])], (0.0, 100.0), [0.0, 0.0])
    assert abs(r.y[0, -1] - np.sqrt(PI)) < 1e-14
    assert 50 < r.y[1, -1] < 77.5 and r.t[r.y[1] > 0][0] < 48
