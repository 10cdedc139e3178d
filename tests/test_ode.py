"""Integration of y' = f(t, y): closed forms, laws, failures."""

import pickle
import warnings

import hypothesis
import numpy as np
import pytest
from mpmath import iv, mp, mpf
from scipy.integrate import solve_ivp as scipy_solve

import taylor
from taylor.errors import IntegrationError, ShapeMismatch
from taylor.ode import Solution, TaylorIntegrator, second_order, solve_ivp
from taylor.ode.control import log2_step, order_of
from taylor.ode.options import Options
from taylor.ode.system import System


def kepler(t, y):
    r3 = (y[0] ** 2 + y[1] ** 2) ** 1.5
    return [y[2], y[3], -y[0] / r3, -y[1] / r3]


def lorenz(t, y, s, r, b):
    return [s * (y[1] - y[0]), y[0] * (r - y[2]) - y[1], y[0] * y[1] - b * y[2]]


# f, args, y0, y(t)
CLOSED = {
    "growth": (lambda t, y: y, (), [1.0], lambda t: [np.exp(t)]),
    "scalar": (lambda t, y: -2 * y, (), 1.5, lambda t: 1.5 * np.exp(-2 * t)),
    "circle": (lambda t, y: [y[1], -y[0]], (), [0.0, 1.0], lambda t: [np.sin(t), np.cos(t)]),
    "time": (lambda t, y: [np.cos(t)], (), [0.0], lambda t: [np.sin(t)]),
    "both": (lambda t, y: -2 * t * y, (), [2.0], lambda t: [2 * np.exp(-(t**2))]),
    "riccati": (lambda t, y: 1 + y**2, (), [0.0], lambda t: [np.tan(t)]),
    "logistic": (lambda t, y, r: r * y * (1 - y), (3.0,), [0.1], lambda t: [
        1 / (1 + 9 * np.exp(-3 * t))]),
    "constant": (lambda t, y: [0.0, 1.0], (), [3.0, 0.0], lambda t: [3.0, t]),
    "polynomial": (lambda t, y: [5 * t**4], (), [0.0], lambda t: [t**5]),
    "powers of t": (lambda t, y: 3 * t**2 * y, (), [1.0], lambda t: [np.exp(t**3)]),
    "matrix": (lambda t, y, a: a @ y, (np.array([[0.0, 1.0], [-4.0, 0.0]]),), [1.0, 0.0],
               lambda t: [np.cos(2 * t), -2 * np.sin(2 * t)]),
    "shaped": (lambda t, y: -y * np.array([[1.0], [2.0]]), (), np.ones((2, 3)),
               lambda t: np.exp(-t * np.array([[1.0] * 3, [2.0] * 3]))),
    "complex": (lambda t, y: 1j * y, (), [1.0 + 0j], lambda t: [np.exp(1j * t)]),
    "from zero": (lambda t, y: 1 - y, (), [0.0], lambda t: [-np.expm1(-t)]),
    "at rest": (lambda t, y: -y, (), [0.0], lambda t: [0.0]),
    "small": (lambda t, y: -y, (), [1e-200], lambda t: [1e-200 * np.exp(-t)]),
    "division": (lambda t, y: y / (1 + t), (), [1.0], lambda t: [1 + t]),
    "functions": (lambda t, y: np.exp(-y), (), [0.0], lambda t: [np.log1p(t)]),
    "root": (lambda t, y: 1 / (2 * y), (), [1.0], lambda t: [np.sqrt(1 + t)]),
}  # fmt: skip


@pytest.mark.parametrize("t1", [1.3, -0.7])
@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")  # complex states
def test_closed_forms(name, t1):
    f, args, y0, exact = CLOSED[name]
    r = solve_ivp(f, (0.0, t1), y0, args=args, dense_output=True)
    assert r.status == 0 and r.success and r.t[-1] == t1
    scale = max(np.max(np.abs(exact(t1))), 1e-300)
    np.testing.assert_allclose(r.y[..., -1], exact(t1), rtol=2e-14, atol=3e-15 * scale)
    middle = t1 / 3
    np.testing.assert_allclose(r.sol(middle), exact(middle), rtol=2e-14, atol=3e-15 * scale)


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")  # complex states
def test_machine_code_and_numpy_take_the_same_steps(name):
    f, args, y0, _ = CLOSED[name]
    one = TaylorIntegrator(f, 0.0, y0, args=args)
    other = TaylorIntegrator(f, 0.0, y0, args=args)
    other._memory = None
    for _ in range(3):
        assert abs(one.step(2.0) - other.step(2.0)) <= 1e-9 * one.h
        if one.t == 2.0:
            break
        other.set_state(one.t, one.y)
        other._memory = None
    one.propagate_until(1.0)
    other.propagate_until(1.0)
    np.testing.assert_allclose(one.y, other.y, rtol=1e-14, atol=1e-300)


STRAIGHT = {
    "smooth": (lambda t, y: [y[1], -np.sin(y[0])], [1.0, 0.0]),
    "a kink": (lambda t, y: [y[1], -np.abs(y[0])], [1.0, 0.0]),
    "a zero": (lambda t, y: [y[1], -np.sqrt(y[0] ** 2)], [1.0, 0.0]),
    "numbers of three": (lambda t, y: -y / np.dot(y, y) ** 1.5, [1.0, 2.0, 0.5]),
    "a table": (lambda t, y: y[::-1] * np.array([[1.0], [-1.0]]), np.ones((2, 3))),
}


@pytest.mark.parametrize("name", STRAIGHT)
def test_steps_without_a_record_are_the_recorded_ones(name):
    f, y0 = STRAIGHT[name]
    r = solve_ivp(f, (0.0, 3.0), y0)
    it = TaylorIntegrator(f, 0.0, y0)
    assert np.array_equal(it.propagate_until(3.0), r.y[..., -1]) and it.error == r.error
    it.set_state(0.0, y0)
    one = TaylorIntegrator(f, 0.0, y0)
    while one.t != 3.0:
        before = one.t
        h = one.step(3.0)
        np.testing.assert_allclose(h, one.t - before, atol=1e-15)
    np.testing.assert_allclose(one.y, r.y[..., -1], rtol=1e-14)
    it.propagate_until(1.0)
    np.testing.assert_allclose(it.propagate_until(3.0), r.y[..., -1], rtol=1e-13)


def test_a_state_that_was_changed_in_place_is_gone_on_from():
    it = TaylorIntegrator(lambda t, y: y, 0.0, [1.0])
    it.step(1.0)
    it.y[0] = 2.0
    t = it.t
    np.testing.assert_allclose(it.propagate_until(3.0), 2 * np.exp(3.0 - t), rtol=1e-14)


def test_single_steps_tell_of_stiffness_too():
    it = TaylorIntegrator(lambda t, y: -1e6 * (y - np.cos(t)), 0.0, [0.0])
    with pytest.warns(UserWarning, match="stiff"):
        for _ in range(500):
            it.step(10.0)


def test_series_of_the_solution_is_that_of_repeated_derivatives():
    system = System(lambda t, y: [y[0] * y[1] + t, np.sin(y[0])], 0.5, np.array([0.3, 0.7]), ())
    c = system.series(0.5, np.array([0.3, 0.7]), [], 12)
    system.program = None
    np.testing.assert_allclose(system.series(0.5, np.array([0.3, 0.7]), [], 12), c, rtol=1e-12)


def test_order_and_step_follow_jorba_and_zou():
    assert [order_of(tol) for tol in (1e-6, 1e-10, 1e-16, 1e-30)] == [8, 13, 20, 36]
    c = (1 / np.array([taylor.gamma(k + 1.0) for k in range(21)]))[:, None]  # exp
    rho = min(1 / c[20, 0] ** (1 / 20), 1 / c[19, 0] ** (1 / 19))
    step = 2 ** log2_step(c, Options(1e-16).control(c).factor)
    assert abs(step / (rho * np.exp(-2 - 0.7 / 19)) - 1) < 0.15  # the second form, ‖y_1‖


def test_lacunary_series_do_not_take_too_long_steps():
    for m in range(2, 12):
        r = solve_ivp(lambda t, y, m=m: m * t ** (m - 1) * y, (0.0, 1.5), [1.0])
        np.testing.assert_allclose(r.y[0, -1], np.exp(1.5**m), rtol=3e-13)


@pytest.mark.parametrize("tol", [1e-4, 1e-8, 1e-12])
def test_tolerance(tol):
    r = solve_ivp(kepler, (0.0, 20.0), [0.5, 0.0, 0.0, 3**0.5], tol=tol)
    best = solve_ivp(kepler, (0.0, 20.0), [0.5, 0.0, 0.0, 3**0.5])
    error = np.abs(r.y[:, -1] - best.y[:, -1]).max()
    assert error < 300 * tol
    other = solve_ivp(kepler, (0.0, 20.0), [0.5, 0.0, 0.0, 3**0.5], rtol=tol)
    assert np.array_equal(other.y, r.y)


@pytest.mark.parametrize("order", [4, 10, 30, 50])
def test_orders_of_ones_own(order):
    r = solve_ivp(lambda t, y: [y[1], -y[0]], (0.0, 5.0), [0.0, 1.0], order=order, tol=1e-10)
    np.testing.assert_allclose(r.y[:, -1], [np.sin(5.0), np.cos(5.0)], atol=1e-8)


def test_energy_of_kepler_grows_like_a_random_walk():
    energy = lambda y: (y[2] ** 2 + y[3] ** 2) / 2 - 1 / np.hypot(y[0], y[1])
    it = TaylorIntegrator(kepler, 0.0, [0.1, 0.0, 0.0, 19**0.5])
    e0 = energy(it.y)
    it.propagate_until(2 * np.pi * 1000)
    assert abs(energy(it.y) / e0 - 1) < 5e-13
    # the angle of the orbit's axis, and the time of its passage, after 1000 periods
    assert np.abs(it.y - [0.1, 0.0, 0.0, 19**0.5]).max() < 1e-6


def test_many_steps_add_up_time_and_state_without_loss():
    it = TaylorIntegrator(lambda t, y: 0 * y + 0.1, 0.0, [1e6], max_step=1e-3)
    it.propagate_until(10.0)
    assert it.t == 10.0 and it.y[0] == 1e6 + 1.0
    assert it.steps == 10000


def test_times_that_are_asked_for_are_met_exactly():
    times = np.array([0.0, 0.1, 0.25, 1.0, 3.0])
    r = solve_ivp(lambda t, y: -y, (0.0, 3.0), [1.0], t_eval=times)
    assert np.array_equal(r.t, times)
    np.testing.assert_allclose(r.y[0], np.exp(-times), rtol=1e-15)
    backward = solve_ivp(lambda t, y: -y, (3.0, 0.0), [np.exp(-3.0)], t_eval=times[::-1])
    np.testing.assert_allclose(backward.y[0], np.exp(-times[::-1]), rtol=5e-15)
    it = TaylorIntegrator(lambda t, y: -y, 0.0, [1.0])
    np.testing.assert_allclose(it.propagate_grid(times)[0], np.exp(-times), rtol=1e-15)
    assert it.t == 3.0


def test_no_time_at_all():
    r = solve_ivp(lambda t, y: y, (2.0, 2.0), [1.0, 2.0], dense_output=True)
    assert r.success and r.y.tolist() == [[1.0], [2.0]] and r.t.tolist() == [2.0]


def test_parameters_change_without_recording_again():
    it = TaylorIntegrator(lorenz, 0.0, [1.0, 1.0, 1.0], args=(10.0, 28.0, 8 / 3))
    system = it.system
    for r in (14.0, 28.0):
        it.args = (10.0, r, 8 / 3)
        it.set_state(0.0, [1.0, 1.0, 1.0])
        it.propagate_until(1.0)
        again = solve_ivp(lorenz, (0.0, 1.0), [1.0, 1.0, 1.0], args=(10.0, r, 8 / 3))
        assert np.array_equal(it.y, again.y[:, -1])
    assert it.system is system


def test_second_order_form():
    f = second_order(lambda t, y, v, w: -(w**2) * y)
    r = solve_ivp(f, (0.0, 2.0), [[1.0, 0.0], [0.0, 1.0]], args=(3.0,))
    np.testing.assert_allclose(r.y[0, :, -1], [np.cos(6.0), np.sin(6.0) / 3], rtol=1e-14)


def test_dense_output_and_its_derivatives(tmp_path):
    r = solve_ivp(lambda t, y: [y[1], -y[0]], (0.0, 10.0), [0.0, 1.0], dense_output=True)
    t = np.linspace(0.0, 10.0, 301)
    np.testing.assert_allclose(r.sol(t), [np.sin(t), np.cos(t)], atol=2e-15)
    np.testing.assert_allclose(r.sol.derivative(t, 3), [-np.cos(t), np.sin(t)], atol=1e-12)
    assert r.sol(t.reshape(7, 43)).shape == (2, 7, 43) and r.sol(1.0).shape == (2,)
    r.sol.save(tmp_path / "orbit.npz")
    for other in (Solution.load(tmp_path / "orbit.npz"), pickle.loads(pickle.dumps(r.sol))):
        assert np.array_equal(other(t), r.sol(t))
    assert (r.sol.t_min, r.sol.t_max) == (0.0, 10.0)


def test_a_resumed_run_is_the_same_bit_for_bit():
    whole = TaylorIntegrator(lorenz, 0.0, [1.0, 1.0, 1.0], args=(10.0, 28.0, 8 / 3))
    half = TaylorIntegrator(lorenz, 0.0, [1.0, 1.0, 1.0], args=(10.0, 28.0, 8 / 3))
    for _ in range(37):
        half.step(30.0)
    resumed = pickle.loads(pickle.dumps(half))
    for it in (whole, resumed):
        it.propagate_until(30.0)
    assert np.array_equal(whole.y, resumed.y)
    assert whole.steps == resumed.steps


def test_many_digits():
    with mp.workdps(60):
        r = solve_ivp(lambda t, y: [y[1], -y[0]], (mpf(0), mpf(2)), [mpf(0), mpf(1)])
        assert abs(r.y[0, -1] - mp.sin(2)) < mpf(10) ** -58
        r = solve_ivp(
            lambda t, y: [y[1], -mp.sin(1) * 0 - taylor.sin(y[0])], (0, 1), [mpf(1), mpf(0)]
        )
    with mp.workdps(80):
        best = solve_ivp(lambda t, y: [y[1], -taylor.sin(y[0])], (0, 1), [mpf(1), mpf(0)])
        assert abs(r.y[0, -1] - best.y[0, -1]) < mpf(10) ** -57


def test_intervals_hold_the_polynomial_of_every_starting_point():
    r = solve_ivp(lambda t, y: -y, (0, 1), [iv.mpf([1, 2])], tol=1e-12)
    end = r.y[0, -1]
    for start in (1.0, 1.5, 2.0):
        assert end.a - 1e-9 <= start * np.exp(-1) <= end.b + 1e-9


# ------------------------------------------------------------------ f with branches
def test_a_kink_is_met_exactly():
    r = solve_ivp(lambda t, y: 1 - np.abs(y - 0.5), (0.0, 2.0), [0.0])
    np.testing.assert_allclose(r.y[0, -1], 1.5 - np.exp(np.log(2.0) - 2.0), rtol=1e-15)
    assert np.min(np.abs(r.t - np.log(2.0))) < 1e-15


def test_jumps_of_the_right_hand_side():
    def walk(t):
        return (t % (2 * np.pi)) if t % (2 * np.pi) < np.pi else 2 * np.pi - t % (2 * np.pi)

    r = solve_ivp(lambda t, y: [np.sign(np.sin(t))], (0.0, 20.0), [0.0])
    assert abs(r.y[0, -1] - walk(20.0)) < 3e-14
    r = solve_ivp(lambda t, y: [np.floor(t)], (0.0, 5.5), [0.0])
    assert abs(r.y[0, -1] - 12.5) < 2e-14
    r = solve_ivp(lambda t, y: [np.where(t > 1, 2.0, 1.0)], (0.0, 3.0), [0.0])
    assert abs(r.y[0, -1] - 5) < 4e-15


def test_branches_of_python_are_guarded():
    def f(t, y):
        return [y[1], -y[0]] if y[0] > 0 else [y[1], -4 * y[0]]

    r = solve_ivp(f, (0.0, 1.5 * np.pi), [0.0, 1.0])
    np.testing.assert_allclose(r.y[:, -1], [0.0, 1.0], atol=3e-15)
    with mp.workdps(40):
        r = solve_ivp(f, (0, 3 * mp.pi / 2), [mpf(0), mpf(1)])
        assert abs(r.y[0, -1]) < mpf(10) ** -38


def test_start_on_a_kink():
    for sign, exact in ((1.0, [np.sin(3.0), np.cos(3.0)]), (-1.0, [-np.sinh(1.0), np.cosh(1.0)])):
        r = solve_ivp(lambda t, y: [y[1], -abs(y[0])], (0.0, 3.0 if sign > 0 else -1.0), [0.0, 1.0])
        np.testing.assert_allclose(r.y[:, -1], exact, atol=4e-15)


# ------------------------------------------------------------------ events
def event(g, callback=None, **attributes):
    """Return a new event function with attributes."""

    def function(t, y, *args):
        return g(t, y, *args)

    for name, value in {"callback": callback, **attributes}.items():
        setattr(function, name, value)
    return function


def circle(t, y):
    return [y[1], -y[0]]


def test_all_roots_of_an_event():
    r = solve_ivp(circle, (0.0, 40.0), [0.0, 1.0], events=[lambda t, y: y[0], lambda t, y: y[1]])
    zeros = np.pi * np.arange(1, 13)
    np.testing.assert_allclose(r.t_events[0], zeros, rtol=1e-15)
    np.testing.assert_allclose(r.t_events[1], np.pi * (np.arange(13) + 0.5), rtol=1e-15)
    assert r.y_events[0].shape == (12, 2)


@pytest.mark.parametrize("span", [(0.0, 20.0), (0.0, -20.0)])
def test_direction_is_the_sign_of_the_derivative(span):
    rising = event(lambda t, y: y[0], direction=1)
    falling = event(lambda t, y: y[0], direction=-1)
    r = solve_ivp(circle, span, [0.0, 1.0], events=[rising, falling])
    assert np.all(np.cos(r.t_events[0]) > 0) and len(r.t_events[0]) == 3
    assert np.all(np.cos(r.t_events[1]) < 0) and len(r.t_events[1]) == 3


def test_an_event_with_a_series_of_its_own():
    # y is a polynomial, so that its step is the whole span; the event is not
    r = solve_ivp(lambda t, y: [1.0], (0.0, 60.0), [0.0], events=lambda t, y: np.sin(3 * y[0]))
    np.testing.assert_allclose(r.t_events[0], np.pi / 3 * np.arange(1, 58), rtol=1e-14)


def test_touches_count_once_and_have_no_direction():
    touch = lambda t, y: 1 - y[0]
    r = solve_ivp(circle, (0.0, 20.0), [0.0, 1.0], events=touch)
    np.testing.assert_allclose(r.t_events[0], np.pi / 2 + 2 * np.pi * np.arange(3), atol=1e-7)
    r = solve_ivp(circle, (0.0, 20.0), [0.0, 1.0], events=event(touch, direction=1))
    assert len(r.t_events[0]) == 0


def test_terminal_events():
    once = event(lambda t, y: y[0] - 0.5, terminal=True)
    r = solve_ivp(circle, (0.0, 20.0), [0.0, 1.0], events=once, dense_output=True)
    assert r.status == 1 and "termination event" in r.message
    np.testing.assert_allclose(r.t[-1], np.pi / 6, rtol=1e-15)
    np.testing.assert_allclose(r.sol(r.t[-1])[0], 0.5, rtol=1e-15)
    third = event(lambda t, y: y[0] - 0.5, terminal=3)
    r = solve_ivp(circle, (0.0, 20.0), [0.0, 1.0], events=third)
    np.testing.assert_allclose(r.t_events[0], [np.pi / 6, 5 * np.pi / 6, 13 * np.pi / 6])


def test_events_at_one_time_are_all_recorded():
    ends = event(lambda t, y: t - 1.0, terminal=True)
    r = solve_ivp(circle, (0.0, 2.0), [0.0, 1.0], events=[ends, lambda t, y: 2 * t - 2.0])
    assert [row.tolist() for row in r.t_events] == [[1.0], [1.0]] and r.status == 1


def test_bouncing_ball():
    hit = event(lambda t, y: y[0], direction=-1)
    hit.callback = lambda t, y: [0.0, -0.5 * y[1]]
    ends = event(lambda t, y: t - 1.3, terminal=True)
    r = solve_ivp(lambda t, y: [y[1], -9.81], (0.0, 3.0), [1.0, 0.0], events=[hit, ends])
    first = np.sqrt(2 / 9.81)
    expected = np.array([first, first * 2.0, first * 2.5, first * 2.75])
    np.testing.assert_allclose(r.t_events[0][:4], expected, rtol=1e-14)
    assert r.status == 1


def test_events_that_accumulate_end_the_run():
    hit = event(lambda t, y: y[0], direction=-1)
    hit.callback = lambda t, y: [0.0, -0.5 * y[1]]
    r = solve_ivp(lambda t, y: [y[1], -9.81], (0.0, 3.0), [1.0, 0.0], events=hit)
    assert r.status == -1 and "accumulate" in r.message
    np.testing.assert_allclose(r.t[-1], 3 * np.sqrt(2 / 9.81), rtol=1e-13)


def test_a_callback_changes_parameters():
    change = event(lambda t, y, rate: t - 1.0)
    change.callback = lambda t, y, rate: (y, (2.0,))
    r = solve_ivp(lambda t, y, rate: rate * y, (0.0, 2.0), [1.0], args=(1.0,), events=change)
    np.testing.assert_allclose(r.y[0, -1], np.exp(3.0), rtol=1e-14)


def test_event_at_a_joint_of_steps_is_seen_once():
    it = TaylorIntegrator(circle, 0.0, [0.0, 1.0])
    joint = it.step(10.0)
    for shift in np.arange(-4, 5) * np.spacing(joint):
        g = lambda t, y, at=joint + shift: t - at
        r = solve_ivp(circle, (0.0, 10.0), [0.0, 1.0], events=g)
        assert len(r.t_events[0]) == 1


# ------------------------------------------------------------------ failures
def test_blow_up_stops_before_the_singularity():
    r = solve_ivp(lambda t, y: y**2, (0.0, 2.0), [1.0], dense_output=True)
    assert r.status == -1 and not r.success and "blows up" in r.message
    assert 0.999 < r.t[-1] < 1.0 and np.isfinite(r.y).all()
    np.testing.assert_allclose(r.sol(0.5), [2.0], rtol=1e-14)


def test_the_edge_of_the_domain():
    r = solve_ivp(lambda t, y: -1 / (2 * y), (0.0, 2.0), [1.0])
    assert r.status == -1 and 0.999 < r.t[-1] <= 1.0 and np.isfinite(r.y).all()
    r = solve_ivp(lambda t, y: np.sqrt(1 - t) * y, (0.0, 2.0), [1.0])
    assert r.status == -1 and abs(r.t[-1] - 1) < 1e-9 and np.isfinite(r.y).all()
    r = solve_ivp(lambda t, y: -np.sqrt(y), (0.0, 3.0), [1.0])  # its solution ends as a polynomial
    assert r.status == -1 and abs(r.t[-1] - 2) < 1e-3 and np.isfinite(r.y).all()


def test_values_that_are_not_finite():
    r = solve_ivp(lambda t, y: np.sqrt(y), (0.0, 1.0), [-1.0])
    assert r.status == -1 and "nan" in r.message
    for t_span, y0 in (((0.0, 1.0), [np.nan]), ((0.0, 1.0), [np.inf]), ((0.0, np.inf), [1.0])):
        with pytest.raises(ValueError, match="finite"):
            solve_ivp(lambda t, y: y, t_span, y0)


def test_overflow_leaves_the_last_good_state():
    r = solve_ivp(lambda t, y: y, (0.0, 1000.0), [1.0])
    assert r.status == -1 and np.isfinite(r.y).all() and r.y[0, -1] > 1e306
    it = TaylorIntegrator(lambda t, y: y, 0.0, [1.0])
    with pytest.raises(IntegrationError, match="not finite"):
        it.propagate_until(1000.0)
    assert np.isfinite(it.y).all() and 700 < it.t < 710


def test_max_steps_keeps_what_was_computed():
    r = solve_ivp(lambda t, y: -y, (0.0, 30.0), [1.0], max_steps=5)
    assert r.status == -1 and "max_steps" in r.message and len(r.t) == 6
    with pytest.raises(IntegrationError, match="5 steps"):
        TaylorIntegrator(lambda t, y: -y, 0.0, [1.0]).propagate_until(30.0, max_steps=5)


def test_stiff_problems_are_named():
    with pytest.warns(UserWarning, match="implicit"):
        solve_ivp(lambda t, y: -1000 * (y - np.cos(t)), (0.0, 20.0), [1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solve_ivp(kepler, (0.0, 100.0), [0.5, 0.0, 0.0, 3**0.5])


def test_functions_that_cannot_be_recorded_are_evaluated():
    def f(t, y):
        return [y[1], -y[0] * complex(1.0).real * len(str(type(y)).split())]

    r = solve_ivp(f, (0.0, 1.0), [0.0, 1.0])
    assert r.success


def test_no_argument_is_ignored():
    with pytest.raises(TypeError, match="tol and rtol are one tolerance"):
        solve_ivp(lambda t, y: -y, (0.0, 1.0), [1.0], tol=1e-3, rtol=1e-12)
    with pytest.raises(TypeError, match="tol and rtol are one tolerance"):
        scipy_solve(lambda t, y: -y, (0.0, 1.0), [1.0], taylor.ode.TaylorSolver,
                                  tol=1e-3, rtol=1e-12)  # fmt: skip
    for args in ({"k": 2.0}, {2.0}, 2.0, "k"):
        with pytest.raises(TypeError, match="args is a tuple"):
            solve_ivp(lambda t, y, k: -y, (0.0, 1.0), [1.0], args=args)
    dosed = taylor.ode.solve_ensemble(lambda t, y: -y, (0.0, 1.0), [[1.0]], dosing=([0.5], [[1.0]]))
    assert dosed.y[0, 0, -1] == pytest.approx(np.exp(-1) + np.exp(-0.5), rel=1e-14)
    with warnings.catch_warnings():  # tables, at whose knots steps end, are not stiff
        warnings.simplefilter("error")
        knots = np.linspace(0.0, 10.0, 501)
        solve_ivp(lambda t, y: np.interp(t, knots, np.cos(knots)) - y, (0.0, 10.0), [0.0])


def test_wrong_shapes_and_arguments():
    with pytest.raises(ShapeMismatch, match=r"shape \(3,\) for a state of shape \(2,\)"):
        solve_ivp(lambda t, y: [y[0], y[1], y[0]], (0.0, 1.0), [1.0, 2.0])
    with pytest.raises(ValueError, match="t_eval"):
        solve_ivp(lambda t, y: y, (0.0, 1.0), [1.0], t_eval=[0.5, 2.0])
    with pytest.raises(ValueError, match="order of integration"):
        solve_ivp(lambda t, y: y, (0.0, 1.0), [1.0], t_eval=[0.5, 0.2])
    with pytest.raises(ValueError, match="between 0 and 1"):
        solve_ivp(lambda t, y: y, (0.0, 1.0), [1.0], tol=-1.0)
    for options in ({"order": "high"}, {"order": 2.5}):
        with pytest.raises(ValueError, match="order is an integer"):
            TaylorIntegrator(lambda t, y: y, 0.0, [1.0], **options)
    for options in ({"atol": "a"}, {"max_step": "a"}, {"tol": "a"}):
        with pytest.raises(TypeError, match="number"):
            TaylorIntegrator(lambda t, y: y, 0.0, [1.0], **options)
    for t_span in (("0", 1.0), (0.0, "1"), (0.0, 1j)):
        with pytest.raises(TypeError, match="real numbers"):
            solve_ivp(lambda t, y: y, t_span, [1.0])
    with pytest.raises(TypeError, match="did you mean"):
        solve_ivp(lambda t, y, a: a * y, (0.0, 1.0), [1.0], args=2.0)
    with pytest.raises(TypeError, match="fun is complex"):
        solve_ivp(lambda t, y: 1j * y, (0.0, 1.0), [1.0])
    with pytest.raises(TypeError, match="condition"):
        solve_ivp(lambda t, y: y, (0.0, 1.0), [1.0], events=lambda t, y: y[0] > 2)
    with pytest.raises(ValueError, match="method is one of RadauIIA, Radau, BDF"):
        solve_ivp(lambda t, y: y, (0.0, 1.0), [1.0], "Euler")
    with pytest.raises(ValueError, match="order"):
        TaylorIntegrator(lambda t, y: y, 0.0, [1.0], order=1)
    with pytest.raises(TypeError, match="function"):
        solve_ivp("f", (0.0, 1.0), [1.0])
    with pytest.raises(ShapeMismatch, match="event 0"):
        solve_ivp(lambda t, y: y, (0.0, 1.0), [1.0, 2.0], events=lambda t, y: y)
    with pytest.raises(ValueError, match="zero all along"):
        solve_ivp(lambda t, y: y, (0.0, 1.0), [1.0, 2.0], events=lambda t, y: 0 * y[0])
    with pytest.raises(ValueError, match="event 0 has no finite Taylor series"):
        lost = lambda t, y: np.where(t > 0.5, np.nan, t - 2)
        solve_ivp(lambda t, y: 0 * y + 1, (0.0, 1.0), [0.0], events=lost)
    with pytest.raises(TypeError, match="float32"):
        solve_ivp(lambda t, y: y, (0.0, 1.0), np.ones(2, np.float32))


def test_progress_bar(capsys):
    solve_ivp(lambda t, y: -y, (0.0, 3.0), [1.0], progress=True)
    assert "100%" in capsys.readouterr().err


# ------------------------------------------------------------------ events at one time, branches
def at_rest(t, y, *args):
    return 0 * y


def adding(c):
    return lambda t, y: y + c


@pytest.mark.parametrize("apart", [0.0, 2.3e-16, 1e-15, 1e-14, 1e-9])
def test_every_event_at_one_time_runs_in_the_order_of_the_list(apart):
    events = [
        event(lambda t, y: t - 1, lambda t, y: 3 * (y + 1)),
        event(lambda t, y: t - 1 - apart, adding(10.0)),
        event(lambda t, y: t - 1),
    ]
    r = solve_ivp(at_rest, (0.0, 2.0), [0.0], events=events)
    assert r.y[0, -1] == 13.0
    assert [len(t) for t in r.t_events] == [1, 1, 1]
    assert [np.abs(t - 1).max() < 1.1e-9 for t in r.t_events] == [True] * 3
    assert r.y_events[1][0, 0] == 3.0  # what the first has left


def test_a_terminal_event_among_others_ends_the_run_after_them():
    events = [
        event(lambda t, y: t - 1, terminal=True),
        event(lambda t, y: t - 1, adding(1.0)),
    ]
    r = solve_ivp(at_rest, (0.0, 2.0), [0.0], events=events)
    assert (r.status, r.t[-1], r.y[0, -1]) == (1, 1.0, 1.0)


@pytest.mark.parametrize("direction, fires", [(0, 1), (1, 1), (-1, 0)])
def test_a_reset_that_carries_an_event_function_over_zero_fires_it_once(direction, fires):
    events = [
        event(lambda t, y: t - 1, adding(1.0)),
        event(lambda t, y: y[0] - 0.5, adding(0.25), direction=direction),
    ]
    r = solve_ivp(at_rest, (0.0, 2.0), [0.0], events=events)
    assert r.y[0, -1] == 1 + 0.25 * fires
    assert [len(t) for t in r.t_events] == [1, fires]


def test_two_schedules_that_meet():
    often = event(lambda t, y: np.sin(np.pi * t / 6), adding(1.0))
    seldom = event(lambda t, y: np.sin(np.pi * t / 12), adding(100.0))
    r = solve_ivp(at_rest, (1.0, 49.0), [0.0], events=[often, seldom])
    assert r.y[0, -1] == 8 + 400


def steps_to(t):
    """Return the next whole number above t by comparisons of Python."""
    k = 0
    while t > k:
        k += 1
    return k


QUARTER = np.array([np.arcsin(0.25), np.pi - np.arcsin(0.25)])
BRANCHES = {
    "abs": (lambda t, y: abs(y[0]) - 0.5, np.arccos([0.5, -0.5])),
    "maximum": (lambda t, y: np.maximum(y[0], 0.2) - 0.3, np.arccos([0.3])),
    "where": (lambda t, y: np.where(y[0] > 0.1, y[0] - 0.6, y[0] + 0.9), np.arccos([0.6, -0.9])),
    "if": (lambda t, y: y[0] - 0.6 if y[0] > 0.1 else y[0] + 0.9, np.arccos([0.6, -0.9])),
    "mod": (lambda t, y: t % 2 - 1, np.array([1.0, 3.0])),
    "sign": (lambda t, y: np.sign(y[0]), np.array([])),
    "floor": (lambda t, y: np.floor(3 * t) - 4.5, np.array([])),
    "touch": (lambda t, y: abs(y[0]), np.array([np.pi / 2])),
    "while": (lambda t, y: t - steps_to(t) + 0.5, np.array([0.5, 1.5, 2.5])),
    "pole": (lambda t, y: 1 / (t - 1), np.array([])),
    "poles": (lambda t, y: np.tan(t) - 1, np.array([np.pi / 4])),
    "root at t0": (lambda t, y: np.sqrt(t) - 0.5, np.array([0.25])),
    "power at t0": (lambda t, y: (-y[1]) ** 1.5 - 0.125, QUARTER),
    "root of a kink at t0": (lambda t, y: np.sqrt(abs(y[1])) - 0.5, QUARTER),
    "kink at t0": (lambda t, y: abs(y[1]) - 0.5, np.array([np.pi / 6, 5 * np.pi / 6])),
}


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("name", BRANCHES)
def test_event_functions_may_have_kinks_and_jumps(name, sign):
    g, expected = BRANCHES[name]
    r = solve_ivp(
        lambda t, y: [sign * y[1], -sign * y[0]], (0.0, sign * 3.1), [1.0, 0.0],
        events=lambda t, y: g(sign * t, y),
    )  # fmt: skip
    found = sign * r.t_events[0]
    assert found == pytest.approx(expected, abs=1e-14)


class Plant:
    """A right-hand side with a state of its own, which a callback changes."""

    def __init__(self):
        self.u = 1.0

    def fun(self, t, y):
        return self.u + 0 * y

    def switch(self, t, y):
        self.u = 5.0


def test_what_a_callback_changes_counts():
    def in_place(t, y):
        y[0] += 1

    def arguments(t, y, a):
        a[0] = 5.0

    def entry(t, y, d):
        d["u"] = 5.0

    at = lambda t, y, *args: t - 1
    plant = Plant()
    runs = [
        (at_rest, event(at, in_place), ()),
        (lambda t, y, a: a, event(at, arguments), (np.array([1.0]),)),
        (lambda t, y, d: d["u"] + 0 * y, event(at, entry), ({"u": 1.0},)),
        (plant.fun, event(at, plant.switch), ()),
    ]
    ends = [solve_ivp(f, (0.0, 2.0), [0.0], args=a, events=g).y[0, -1] for f, g, a in runs]
    assert ends == pytest.approx([1.0, 6.0, 6.0, 6.0], rel=1e-15)


def test_states_of_series_at_events_come_first_as_others_do():
    y0 = taylor.Taylor(np.array([[1.0, 0.0], [1.0, 0.0]]))
    r = solve_ivp(lambda t, y: [y[1], -y[0]], (0.0, 8.0), y0, events=lambda t, y: y[0])
    plain = solve_ivp(lambda t, y: [y[1], -y[0]], (0.0, 8.0), [1.0, 0.0], events=lambda t, y: y[0])
    assert r.y_events[0].shape == plain.y_events[0].shape == (3, 2)


def test_a_series_beside_a_singularity_makes_no_event():
    r = solve_ivp(
        lambda t, y: [y[1], -y[0]], (1.0, 4.0), [0.5, 1.0],
        events=lambda t, y: np.sqrt(np.abs(y[0])) - 0.5,
    )  # fmt: skip
    amplitude, phase = np.hypot(0.5, 1.0), np.arctan2(0.5, 1.0)  # y = A sin(t - 1 + φ)
    times = 1 + np.arcsin(np.array([-0.25, 0.25]) / amplitude)[::-1] * -1 + np.pi - phase
    assert r.t_events[0] == pytest.approx(np.sort(times), abs=1e-6)


def test_arrays_of_integers_are_arguments_like_others():
    r = solve_ivp(lambda t, y, a: -a * y, (0.0, 1.0), [1.0, 1.0], args=(np.array([1, 2]),))
    assert r.y[:, -1] == pytest.approx(np.exp([-1.0, -2.0]), rel=1e-14)


@pytest.mark.parametrize("apart", [3e-16, 3e-15, 3e-14, 1e-12])
def test_events_on_steps_of_some_units_of_rounding(apart):
    r = solve_ivp(at_rest, (1 - apart, 1 + apart), [0.0], events=lambda t, y: t - 1)
    assert r.t_events[0] == pytest.approx([1.0], abs=1e-15)
    events = [event(lambda t, y, k=k: t - k, adding(1.0)) for k in (1.0, 1 + apart, 1 + 2 * apart)]
    r = solve_ivp(at_rest, (0.0, 2.0), [0.0], events=events)
    assert ([len(t) for t in r.t_events], r.y[0, -1]) == ([1, 1, 1], 3.0)


@pytest.mark.parametrize("digits", [16, 50])
@pytest.mark.parametrize("order", range(1, 8))
def test_roots_of_any_order_lose_no_digits(order, digits):
    with mp.workdps(digits):
        number = mpf if digits > 16 else float
        third, unit = number(1) / 3, 10 * number(10) ** -digits
        spans = {1: (0, 1), 0: (0, 3)}  # of a line, and of a circle
        for bend, span in spans.items():
            r = solve_ivp(
                lambda t, y, b=bend: [y[1], (b - 1) * y[0]], span, [number(0), number(1)],
                events=lambda t, y: (y[0] - third) ** order,
            )  # fmt: skip
            first = third if bend else number(mp.asin(third))
            expected = [first] if bend else [first, number(mp.pi) - first]
            assert len(r.t_events[0]) == len(expected)
            assert max(abs(r.t_events[0] - np.array(expected))) < unit


def test_events_of_many_digits_are_told_apart():
    with mp.workdps(40):
        apart = mpf(10) ** -30
        events = [event(lambda t, y: t - 1 - apart), event(lambda t, y: t - 1, adding(1))]
        r = solve_ivp(at_rest, (0, 2), [mpf(0)], events=events)
        assert r.y_events[0][0, 0] == 1 and abs(r.t_events[0][0] - 1 - apart) < mpf(10) ** -38


# ------------------------------------------------------------------ functions of t alone
def test_what_a_function_reads_is_followed():
    from taylor.core.reads import Reads

    box, number, table = [1.0], 1.0, np.ones(3)

    def inner(t):
        return np.sin(t) * number

    def closed(t, y, k=2.0):
        return inner(t) + k * np.sum(table)

    def change():
        nonlocal number
        number = 2.0

    reads = Reads(closed)
    assert reads.known and reads.unchanged()
    table[1] = 3.0
    assert not reads.unchanged()
    reads = Reads(closed)
    change()
    assert not reads.unchanged()
    reads = Reads(lambda t, y: t - box[0])
    assert reads.known and reads.unchanged()
    box[0] = 2.0
    assert not reads.unchanged()
    unknown = [
        Plant().switch,
        lambda t, y: hypothesis.note(t),
        np.random.rand,
    ]
    assert not any(Reads(f).unchanged() for f in unknown[:2])


def test_a_threshold_that_a_callback_moves():
    when = 1.0

    def again(t, y):
        nonlocal when
        when += 0.75
        return y + 1

    tick = event(lambda t, y: t - when, again)
    r = solve_ivp(at_rest, (0.0, 3.0), [0.0], events=tick)
    assert r.t_events[0] == pytest.approx([1.0, 1.75, 2.5], rel=1e-15)
    later = event(lambda t, y, a: t - a[0], lambda t, y, a: a.__iadd__(0.75) * 0 + y)
    r = solve_ivp(at_rest, (0.0, 3.0), [0.0], args=(np.array([1.0]),), events=later)
    assert r.t_events[0] == pytest.approx([1.0, 1.75, 2.5], rel=1e-15)


CLOCKS = {
    "line": (lambda t: t - 7.25, [7.25]),
    "wave": (lambda t: np.sin(np.pi * t), np.arange(1.0, 21.0)),
    "many": (lambda t: np.cos(200 * t), (np.arange(1274) + 0.5) * np.pi / 200),
    "jump": (lambda t: t % 3 - 2, np.arange(2.0, 21.0, 3.0)),
    "touch": (lambda t: (t - 5) ** 2, [5.0]),
    "end": (lambda t: np.sqrt(20 - t) - 3, [11.0]),
}


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("name", CLOCKS)
def test_roots_of_clocks(name, back):
    g, expected = CLOCKS[name]
    expected = np.array(expected)
    sign = -1.0 if back else 1.0
    kick = event(lambda t, y: np.sin(3 * y[0]), lambda t, y: y + sign * 1e-3)
    r = solve_ivp(
        lambda t, y: 1 + 0 * y, (0.1 * sign, 20.0 * sign), [0.0],
        events=[lambda t, y: g(sign * t), kick], max_step=3.0,
    )  # fmt: skip
    expected = expected[(expected > 0.1) & (expected <= 20.0)]
    assert sign * r.t_events[0] == pytest.approx(expected, rel=1e-13)
    assert len(r.t_events[1]) > 10


def test_a_clock_is_not_asked_beyond_the_end_of_the_run():
    stop = event(lambda t, y: y[0] - 2, terminal=True)
    r = solve_ivp(
        lambda t, y: 1 + 0 * y, (0.0, 100.0), [0.0], max_step=0.5,
        events=[stop, lambda t, y: np.sqrt(3 - t) - 1.5],
    )  # fmt: skip
    assert r.status == 1 and r.t_events[1] == pytest.approx([0.75])


def test_many_doses_of_their_own_events_are_a_loop_of_segments():
    def fun(t, y):
        return [-1.2 * y[0], 1.2 * y[0] - 0.3 * y[1]]

    dose = lambda t, y: y + np.array([1.0, 0.0])
    events = [event(lambda t, y, k=k: t - 6 * k, dose) for k in range(1, 40)]
    r = solve_ivp(fun, (0.0, 240.0), [1.0, 0.0], events=events, t_eval=[240.0])
    y = np.array([1.0, 0.0])
    for k in range(40):
        y = solve_ivp(fun, (6.0 * k, 6.0 * k + 6), y).y[:, -1] + [1.0, 0.0]
    assert [len(t) for t in r.t_events] == [1] * 39
    np.testing.assert_allclose(r.y[:, -1] + [1.0, 0.0], y, rtol=1e-13)


def test_a_function_that_changes_too_fast_for_the_steps_is_an_error():
    for g in (lambda t, y: np.cos(1e6 * t), lambda t, y: np.cos(1e6 * y[0])):
        with pytest.raises(ValueError, match="max_step"):
            solve_ivp(lambda t, y: 1 + 0 * y, (0.0, 20.0), [0.0], events=g)


@pytest.mark.parametrize("g", [lambda t, y: np.cos(1e6 * t), lambda t, y: np.cos(1e6 * y[0])])
def test_what_ends_a_run_is_found_before_functions_change_too_fast(g):
    def event(t, y):
        return g(t, y)

    event.terminal = 3
    r = solve_ivp(lambda t, y: 1 + 0 * y, (0.0, 20.0), [0.0], events=event)
    np.testing.assert_allclose(r.t_events[0], np.pi * 1e-6 * np.array([0.5, 1.5, 2.5]), rtol=1e-13)


@pytest.mark.parametrize("clock", [True, False])
def test_the_time_of_many_changes_in_one_step_is_that_of_each(clock):
    def wave(t, y, *args):
        return np.sin(np.exp(t if clock else y[0]))

    def turned(t, y, sign):
        return y, (-sign,)

    changes = np.log(np.pi * np.arange(1, int(np.exp(5.0) / np.pi) + 1))
    inner = np.diff([0.0, *changes, 5.0])
    exact = inner[::2].sum() - inner[1::2].sum()
    by_branches = solve_ivp(
        lambda t, y: [1.0, np.where(wave(t, y) > 0, 1.0, -1.0)], (0.0, 5.0), [0.0, 0.0]
    )
    wave.callback = turned
    by_events = solve_ivp(
        lambda t, y, sign: [1.0, sign], (0.0, 5.0), [0.0, 0.0], args=(1.0,), events=wave
    )
    for r in (by_branches, by_events):
        assert abs(r.y[1, -1] - exact) < 1e-13
    np.testing.assert_allclose(by_events.t_events[0], changes, rtol=1e-14)
