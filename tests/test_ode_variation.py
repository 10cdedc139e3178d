"""Derivatives through events: of their times, through resets, and in the times of a run."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import taylor
from hyperdual import HyperDual
from taylor import NonAnalyticError, Taylor, TaylorN
from taylor.ode import solve_ivp


def event(g, callback=None, **attributes):
    """Return an event function with a callback and attributes."""

    def function(t, y, *args):
        return g(t, y, *args)

    for name, value in {"callback": callback, **attributes}.items():
        setattr(function, name, value)
    return function


# ------------------------------------------------------------------ closed forms
def ball(p):
    """Return the times of bounces, and height and speed at the end, of a ball that is dropped."""
    h, e, g = p
    hit = event(lambda t, y, e, g: y[0], lambda t, y, e, g: [0 * y[0], -e * y[1]], direction=-1)
    r = solve_ivp(lambda t, y, e, g: [y[1], -g], (0.0, 1.0), [h, 0 * h], args=(e, g), events=hit)
    return np.concatenate([r.t_events[0], r.y[:, -1]])


def ball_exactly(p):
    h, e, g = p
    first = np.sqrt(2 * h / g)
    second = first + 2 * e * first
    v, s = e * e * g * first, 1.0 - second
    return np.stack([first, second, v * s - g * s * s / 2, v - g * s])


def threshold(p):
    """Return when a decaying amount has been filled up twice, each time from `low` by `dose`."""
    fill = event(lambda t, y, rate, low, dose: y[0] - low, lambda t, y, rate, low, dose: y + dose)
    r = solve_ivp(
        lambda t, y, rate, low, dose: -rate * y, (0.0, 1.5), [1.0], args=tuple(p), events=fill,
        t_eval=[0.2, 1.0, 1.5],
    )  # fmt: skip
    return np.concatenate([r.t_events[0], r.y[0]])


def threshold_exactly(p):
    rate, low, dose = p
    first = -np.log(low) / rate
    again = np.log((low + dose) / low) / rate
    second = first + again
    y = [np.exp(-0.2 * rate), (low + dose) * np.exp(-rate * (1 - first)),
         (low + dose) * np.exp(-rate * (1.5 - second))]  # fmt: skip
    return np.stack([first, second, *y])


def ending(p):
    """Return the end of a run that ends at an event, and the state there; time runs backward."""
    a, q = p
    ends = event(lambda t, y, a, q: y[0] * y[1] - q, terminal=True)
    r = solve_ivp(lambda t, y, a, q: [a, 0 * a], (0.0, -5.0), [1 + q, a], args=(a, q), events=ends)
    assert r.status == 1
    return np.stack([r.t[-1], *r.y[:, -1]])


def ending_exactly(p):
    a, q = p  # (1 + q + a t) a = q
    return np.stack([(q / a - 1 - q) / a, q / a, a])


def schedule(p):
    """Return two amounts after a dose at a time that is a parameter, which changes a rate, too."""
    give = event(
        lambda t, y, when, dose, rate: t - when,
        lambda t, y, when, dose, rate: ([y[0] + dose, y[1]], (when, dose, 2 * rate)),
    )
    r = solve_ivp(
        lambda t, y, when, dose, rate: [-rate * y[0], rate * y[0]], (0.0, 2.0), [1.0, 0.0],
        args=tuple(p), events=give,
    )  # fmt: skip
    return np.concatenate([r.t_events[0], r.y_events[0][0], r.y[:, -1]])


def schedule_exactly(p):
    when, dose, rate = p
    before = np.exp(-rate * when)
    after = (before + dose) * np.exp(-2 * rate * (2 - when))
    return np.stack([when, before, 1 - before, after, 1 + dose - after])


PROBLEMS = {
    "ball": (ball, ball_exactly, [1.0, 0.5, 9.81]),
    "threshold": (threshold, threshold_exactly, [0.9, 0.5, 0.3]),
    "ending": (ending, ending_exactly, [2.0, 0.7]),
    "schedule": (schedule, schedule_exactly, [0.8, 0.4, 1.1]),
}


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", PROBLEMS)
def test_derivatives_of_times_and_states_in_forward_mode(name, order):
    f, exact, p = PROBLEMS[name]
    scale = 10.0 ** (3 * order)
    expected = taylor.tensor(exact, p, order)
    np.testing.assert_allclose(taylor.tensor(f, p, order), expected, rtol=1e-12, atol=scale * 1e-15)


@pytest.mark.parametrize("name", PROBLEMS)
def test_derivatives_in_reverse_mode(name):
    f, exact, p = PROBLEMS[name]
    w = np.arange(1.0, 1 + len(exact(p)))
    cost, cost_exactly = (lambda p, g=g: w @ g(p) ** 2 for g in (f, exact))
    np.testing.assert_allclose(taylor.gradient(cost, p), taylor.tensor(cost_exactly, p, 1), 1e-11)
    np.testing.assert_allclose(taylor.hessian(cost, p), taylor.tensor(cost_exactly, p, 2), 1e-10)


def test_kinds_of_series():
    expected = taylor.tensor(ending_exactly, [2.0, 0.7], 2)
    a, q = HyperDual.variables([2.0, 0.7])
    assert np.allclose(ending((a, q)).eps1eps2, expected[:, 0, 1], rtol=1e-13)
    a, q = TaylorN.variables([2.0, 0.7], 2)
    assert np.allclose(ending((a, q)).partial((1, 1)), expected[:, 0, 1], rtol=1e-13)

    def slope(a):
        return taylor.derivative(lambda q: ending((a, q))[0], 0.7)

    assert np.isclose(taylor.derivative(slope, 2.0), expected[0, 0, 1], rtol=1e-13)
    assert np.isclose(taylor.gradient(slope, 2.0), expected[0, 0, 1], rtol=1e-13)
    with mpmath.workdps(40):
        a, q = (Taylor.variable(mpf(x), 2) for x in (2, mpf(7) / 10))
        found, exact = (f((a, 7 * a / 20)) for f in (ending, ending_exactly))
        assert max(abs((found - exact).coef).reshape(-1)) < mpf(10) ** -35


def test_compiled_gradients_go_through_events():
    f, exact, p = PROBLEMS["threshold"]
    gradient = taylor.compile(lambda p: taylor.gradient(lambda p: np.sum(f(p)), p))
    for x in (np.array(p), np.array([0.85, 0.5, 0.35])):
        expected = taylor.gradient(lambda p: np.sum(exact(p)), x)
        assert np.allclose(gradient(x), expected, rtol=1e-11)


# ------------------------------------------------------------------ the times of a run
def test_derivatives_in_the_times_of_a_run():
    def states(z):
        r = solve_ivp(
            lambda t, y: t * y, (z[0], z[3]), [1.0], t_eval=np.stack([z[0], z[1], z[2], z[3]])
        )
        return r.y[0]

    def ends(z):
        return solve_ivp(lambda t, y: t * y, (z[0], z[3]), [1.0]).y[0, -1]

    def exactly(z):
        return np.exp((z**2 - z[0] ** 2) / 2)

    z = np.array([0.1, 0.5, 1.1, 1.5])
    for order in (1, 2):
        assert np.allclose(
            taylor.tensor(states, z, order), taylor.tensor(exactly, z, order), rtol=1e-12
        )
    assert np.allclose(taylor.jacrev(states, z), taylor.jacobian(exactly, z), rtol=1e-12)
    assert np.allclose(taylor.gradient(ends, z), taylor.jacobian(exactly, z)[3], rtol=1e-12)
    assert np.allclose(taylor.hessian(ends, z), taylor.tensor(exactly, z, 2)[3], rtol=1e-11)


def test_dense_output_of_series_through_a_reset():
    rate = Taylor.variable(0.9, 2)
    fill = event(lambda t, y, rate: y[0] - 0.5, lambda t, y, rate: y + 0.3)
    r = solve_ivp(
        lambda t, y, rate: -rate * y, (0.0, 1.5), [1.0], args=(rate,), events=fill,
        dense_output=True,
    )  # fmt: skip
    assert np.allclose(r.sol(0.5).coef, np.exp(-0.5 * rate).coef[:, None], rtol=1e-13)
    after = 0.8 * np.exp(-rate * (1.2 + np.log(0.5) / rate))
    assert np.allclose(r.sol(1.2).coef, after.coef[:, None], rtol=1e-13)


def test_many_events_that_change_nothing():
    a = Taylor.variable(1.0, 2)
    r = solve_ivp(lambda t, y, a: [a * y[1], -a * y[0]], (0.0, 10.0), [1.0, 0.0], args=(a,),
                  events=[lambda t, y, a: y[0], lambda t, y, a: y[0] - 2])  # fmt: skip
    expected = (np.pi * (np.arange(3) + 0.5) / a).coef
    assert np.allclose(r.t_events[0].coef, expected, rtol=1e-13)
    assert r.y_events[0].shape == (3, 2) and np.allclose(r.y_events[0].coef[1:], 0, atol=1e-14)
    assert len(r.t_events[1]) == 0 and r.y_events[1].shape == (0, 2)


# ------------------------------------------------------------------ where there are none
def line(events, q=1.0, fun=lambda t, y, q: 1 + 0 * y):
    return solve_ivp(fun, (0.0, 2.0), [0.0], args=(Taylor.variable(q, 1),), events=events)


def adding(t, y, q):
    return y + q


def test_times_that_are_no_smooth_functions():
    for g in (lambda t, y, q: (y[0] - q) ** 2, lambda t, y, q: (y[0] - q) ** 3):
        with pytest.raises(NonAnalyticError, match="order"):
            line(g)


def test_events_that_meet_but_do_not_stay_together():
    one = event(lambda t, y, q: t - 1, adding)
    other = event(lambda t, y, q: y[0] - q, adding)
    with pytest.raises(NonAnalyticError, match="move apart"):
        line([one, other])
    assert line([other, event(lambda t, y, q: 2 * y[0] - 2 * q)]).t_events[1].coef[1, 0] == 1
    assert line([one, event(lambda t, y, q: t * t - 1, adding)]).y[0, -1].coef[1] == 2


def test_a_jump_of_fun_at_an_event():
    with pytest.raises(NonAnalyticError, match="jumps"):
        line(event(lambda t, y, q: y[0] - q, adding), fun=lambda t, y, q: 1 + (y > 1))


def test_what_events_close_over_is_a_parameter():
    def by_event(q):
        end = event(lambda t, y: t - q, lambda t, y: y + t)
        return solve_ivp(at_rest, (0.0, 2.0), [0.0], events=end).y[0, -1]

    def by_callback(q):
        add = event(lambda t, y: t - 1, lambda t, y: y + q)
        return solve_ivp(at_rest, (0.0, 2.0), [0.0], events=add).y[0, -1]

    for driver in (taylor.derivative, taylor.gradient):
        for f in (by_event, by_callback):
            assert driver(f, 0.9) == pytest.approx(1.0, rel=1e-14)


def at_rest(t, y, *args):
    return 0 * y


def test_changes_that_have_no_derivatives_are_named():
    ground = lambda t, y, p: y[0]
    ground.direction = -1
    rubbed = lambda y, p: y[2] - min(p * abs(y[1]), abs(y[2])) * np.sign(y[2])  # until it rests
    ground.callback = lambda t, y, p: [0.0, -p * y[1], rubbed(y, p)]
    fall = lambda t, y, p: [y[1], -1.0, 0 * y[2]]
    f = lambda p: solve_ivp(fall, (0, 5), [1.0, 0, 1.0], args=(p,), events=ground).y[0, -1]
    for driver in (taylor.derivative, taylor.gradient):
        with pytest.raises(NonAnalyticError, match="no derivatives: what changes it on the way"):
            driver(f, 0.8)


def test_changes_in_place_carry_derivatives():
    def state(t, y, q):
        y[0] += q[0]

    def argument(t, y, q):
        q[0] = 5 * q[0]

    for driver in (taylor.jacobian, taylor.jacrev):
        for callback, fun, slope in (
            (state, at_rest, 1),
            (argument, lambda t, y, q: q[0] + 0 * y, 6),
        ):
            change = event(lambda t, y, q: t - 1, callback)

            def end(q, fun=fun, change=change):
                return solve_ivp(fun, (0.0, 2.0), [0.0], args=(q,), events=change).y[:, -1]

            assert driver(end, np.array([1.0])) == pytest.approx(slope)


def test_a_failure_keeps_the_solution_so_far():
    q = Taylor.variable(1.0, 1)
    r = solve_ivp(
        lambda t, y, q: q * y**2, (0.0, 2.0), [1.0], args=(q,), events=lambda t, y, q: y[0] - 2
    )
    assert r.status == -1 and r.t_events[0].coef[:, 0] == pytest.approx([0.5, -0.5])
    assert len(r.t) == r.y.shape[-1] > 10


def test_only_a_time_varies():
    rate = lambda t, y: np.sin(t) - y
    exactly = lambda t0, t1: (
        (np.sin(t1) - np.cos(t1)) / 2 + (0.7 - (np.sin(t0) - np.cos(t0)) / 2) * np.exp(t0 - t1)
    )
    for times in (lambda x: (x[0], 2.5), lambda x: (0.0, x[0]), lambda x: (0.2, 2 * x[0])):
        end = lambda x, times=times: solve_ivp(rate, times(x), [0.7]).y[0, -1]
        expected = taylor.gradient(lambda x, times=times: exactly(*times(x)), [0.6])
        for slopes in (taylor.gradient, taylor.jacobian):
            assert slopes(end, [0.6]) == pytest.approx(expected, rel=1e-12)


def test_events_and_runs_through_removable_points():
    whole = lambda x: x / (1 - np.exp(-x))
    rate = lambda t, y, *c: [1 + 0 * y[0], whole(y[0])]

    def end(x):
        return solve_ivp(rate, (0.0, 2.0), [x[0], 0.0]).y[1, -1]

    def at_event(x):
        level = event(lambda t, y, c: y[0] - c, terminal=True)
        return solve_ivp(rate, (0.0, 2.0), [x[0], 0.0], args=(x[1],), events=level).y[1, -1]

    start, c = -0.7, -1e-12
    wanted = whole(start + 2) - whole(start)
    assert taylor.jacrev(end, np.array([start])) == pytest.approx(wanted, rel=1e-13)
    found = taylor.jacrev(at_event, np.array([start, c]))
    assert found == pytest.approx([-whole(start), 1 + c / 2], rel=1e-13)
