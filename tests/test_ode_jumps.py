"""Derivatives through jumps and kinks of right-hand sides, whose places depend on what varies."""

import functools

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import taylor
from hyperdual import HyperDual
from taylor import IntegrationError, NonAnalyticError, Taylor, TaylorN
from taylor.ode import TaylorIntegrator, flow_map, solve_ensemble, solve_ivp, value_and_gradient


# ------------------------------------------------------------------ closed forms
def solved(fun, start, until=2.0):
    """Return the last state as a function of all parameters."""

    def end(x):
        r = solve_ivp(fun, (0.0, until), start(x), args=tuple(x))
        assert r.status == 0, r.message
        return r.y[0, -1]

    return end


def after_relay(x):
    y, a, b, c = x
    return c * np.exp(a * (2 - (c - y) / b))


def after_stairs(x):
    y, a, c = x
    return 2 * c + 3 * a * (2 - (c - y) / a - c / (2 * a))


def after_friction(x):
    v, g, m = x
    return -(g - m) * (2 - v / (g + m))


def after_clock(x):
    y, a, b, c = x
    return y * np.exp(a * c - b * (2 - c))


def after_moving(x):
    y, a, b, c, d = x
    when = (c - y) / (a - d)
    return y + a * when + b * (2 - when)


def after_springs(x):
    k, m, v, y = x
    when = (np.pi - np.arctan2(y, v / k)) / k
    return -np.hypot(y, v / k) * k / m * np.sin(m * (2 - when))


def after_drag(x):
    v, k = x
    root = np.sqrt(k)
    return -np.tanh((2 - np.arctan(v * root) / root) * root) / root


def after_turning(x):
    y, k = x
    when = np.log((np.pi + 5 * k) / (y + 5 * k))
    return (5 * k - np.pi) * np.exp(0.4 - when) - 5 * k + 2 * np.pi


def after_wrapping(x):
    y, k = x
    when = np.log((1 + 2 * k) / (y + 2 * k))
    return 2 * k * np.exp(0.7 - when) - 2 * k + 1


def relay_by_if(t, y, s, a, b, c):
    return a * y if y[0] > c else b + 0 * y


FIRST = lambda x: [x[0]]
RELAY, CLOCK, STAIRS = [0.2, 0.7, 1.3, 1.0], [1.0, 0.5, 0.3, 1.2], [0.1, 0.8, 1.0]
PROBLEMS = {
    "relay": (
        solved(lambda t, y, s, a, b, c: np.where(y > c, a * y, b + 0 * y), FIRST),
        after_relay, RELAY,
    ),
    "relay by if": (solved(relay_by_if, FIRST), after_relay, RELAY),
    "relay by heaviside": (
        solved(lambda t, y, s, a, b, c: b + (a * y - b) * np.heaviside(y - c, 0.5), FIRST),
        after_relay, RELAY,
    ),
    "friction": (solved(lambda t, y, v, g, m: -g - m * np.sign(y), FIRST), after_friction,
                 [1.0, 0.9, 0.4]),
    "clock": (
        solved(lambda t, y, s, a, b, c: (t < c) * a * y - (t >= c) * b * y, FIRST),
        after_clock, CLOCK,
    ),
    "floor": (solved(lambda t, y, s, a, c: a * (1 + np.floor(y / c)), FIRST), after_stairs, STAIRS),
    "digitize": (
        solved(lambda t, y, s, a, c: a * (1 + np.digitize(y / c, [1.0, 2.0, 3.0])), FIRST),
        after_stairs, STAIRS,
    ),
    "moving surface": (
        solved(lambda t, y, s, a, b, c, d: np.where(y > c + d * t, b, a + 0 * y), FIRST),
        after_moving, [0.0, 1.5, 2.0, 1.0, 0.3],
    ),
    "angle": (solved(lambda t, y, s, k: 5 * k + np.arctan2(np.sin(y), np.cos(y)), FIRST, 0.4),
              after_turning, [2.5, 0.9]),
    "remainder": (solved(lambda t, y, s, k: 2 * k + y % 1.0, FIRST, 0.7), after_wrapping,
                  [0.4, 0.5]),
    "two springs": (
        solved(
            lambda t, y, k, m, v, s: [y[1], np.where(y[0] > 0, -(k**2), -(m**2)) * y[0]],
            lambda x: [x[3], x[2]],
        ),
        after_springs, [2.0, 3.0, 1.0, 0.3],
    ),
    "drag": (solved(lambda t, y, v, k: -1 - k * abs(y) * y, FIRST), after_drag, [1.0, 0.6]),
}  # fmt: skip


def compare(found, expected, rtol=2e-13):
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * np.max(np.abs(expected)))


@pytest.mark.parametrize("order", [1, 4])
@pytest.mark.parametrize("name", PROBLEMS)
def test_in_forward_mode(name, order):
    f, exact, x = PROBLEMS[name]
    x, d = np.array(x), np.cos(np.arange(1, 1 + len(x)))
    found, expected = (taylor.derivatives(lambda s, g=g: g(x + s * d), 0.0, order)
                       for g in (f, exact))  # fmt: skip
    compare(found, expected, 1e-12)


@pytest.mark.parametrize("name", ["relay", "friction", "moving surface", "two springs"])
def test_in_reverse_mode(name):
    f, exact, x = PROBLEMS[name]
    compare(taylor.gradient(f, x), taylor.gradient(exact, x))
    compare(taylor.hessian(f, x), taylor.hessian(exact, x), 1e-12)


def test_in_nested_modes():
    f, exact, x = PROBLEMS["relay"]
    d = np.arange(4.0)

    def reverse_of_reverse(g):
        return taylor.gradient(lambda x: taylor.gradient(g, x) @ d, x)

    def forward_of_reverse(g):
        return taylor.jacobian(lambda x: taylor.gradient(g, x), x)

    def reverse_of_forward(g):
        return taylor.gradient(lambda x: taylor.jvp(g, (x,), (d,))[1], x)

    def second(g):
        return g([HyperDual(v, 1.0, w, 0.0) for v, w in zip(x, d, strict=True)]).eps1eps2

    for mode in (reverse_of_reverse, forward_of_reverse, reverse_of_forward, second):
        compare(mode(f), mode(exact))
    compiled = taylor.compile(lambda x: taylor.gradient(f, x))
    for z in (np.array(x), np.array(x) + 0.1):
        compare(compiled(z), taylor.gradient(exact, z))


def rate(t, y, p):
    return np.where(y[0] > p[2], p[0] * y, p[1] + 0 * y)


def test_of_maps_adjoints_and_many_digits():
    x = np.array(RELAY)
    expected = taylor.gradient(after_relay, x)
    p = x[1:]
    for more in ({}, {"checkpoints": 1}):
        value, dy, (dp,) = value_and_gradient(
            lambda y: y[0], rate, (0, 2), x[:1], args=(p,), max_step=0.2, **more
        )
        compare([value, *dy, *dp], [after_relay(x), *expected])
    m = flow_map(rate, (0, 2), x[:1], 3, args=(p,), wrt=("y0", 0))[0]
    compare(m.coef, after_relay(TaylorN.variables(x, 3)).coef)
    with mpmath.workdps(30):
        y, a, b, c = (mpf(v) / 10 for v in (2, 7, 13, 10))
        s = Taylor.variable(y, 2)
        end = solve_ivp(rate, (0, 2), [s], args=([a, b, c],)).y[0, -1]
        assert max(abs(end.coef - after_relay([s, a, b, c]).coef)) < mpf(10) ** -25


def test_in_the_times_of_a_run():
    def states(z):
        t0, t1 = z[:2]
        p = z[3:]
        return solve_ivp(rate, (t0, t1), [z[2]], args=(p,), t_eval=np.stack([t1 / 4, t1])).y[0]

    def exactly(z):
        t0, t1, y, a, b, c = z
        return np.stack([y + b * (t1 / 4 - t0), c * np.exp(a * (t1 - t0 - (c - y) / b))])

    for times in ([0.1, 2.0], [0.1, 2.2]):
        z = np.array([*times, *RELAY])
        compare(taylor.jacobian(states, z), taylor.jacobian(exactly, z))
        compare(taylor.jacrev(states, z), taylor.jacobian(exactly, z))
        compare(taylor.tensor(states, z, 2), taylor.tensor(exactly, z, 2), 1e-12)


def test_backwards_in_time():
    x = np.array([3.0, 0.7, 1.3, 1.0])

    def back(x):
        return solve_ivp(rate, (2.0, 0.0), [x[0]], args=(x[1:],)).y[0, -1]

    def exactly(x):  # from y at 2 down to c, and on in a line
        y, a, b, c = x
        return c - b * (2 - np.log(y / c) / a)

    compare(taylor.gradient(back, x), taylor.gradient(exactly, x))
    compare(taylor.tensor(back, x, 2), taylor.tensor(exactly, x, 2), 1e-12)


# ------------------------------------------------------------------ beside events
def test_surfaces_beside_events():
    def end(x):
        fill = lambda t, y, p: t - 1.5
        fill.callback = lambda t, y, p: 0.9 * y
        passes = lambda t, y, p: y[0] - 1.5
        r = solve_ivp(rate, (0.0, 2.0), [x[0]], args=(x[1:],), events=[fill, passes])
        return np.concatenate([r.y[0, -1:], r.t_events[1]])

    def exactly(x):
        y, a, b, c = x
        when = (c - y) / b
        return np.stack([0.9 * c * np.exp(a * (2 - when)), when + np.log(1.5 / c) / a])

    x = np.array([0.2, 0.7, 1.3, 1.0])
    compare(taylor.tensor(end, x, 2), taylor.tensor(exactly, x, 2), 1e-12)
    compare(taylor.jacrev(end, x), taylor.jacobian(exactly, x))


LEVEL = {  # an event where fun jumps, what its callback returns, and the time span
    "ends": (None, (0.0, 2.0)),
    "is noted": (None, (0.0, 1.2)),
    "changes": (lambda t, y, q: 0.5 * y * q, (0.0, 1.2)),
    "backwards": (lambda t, y, q: y - q, (0.0, -1.2)),
}


@pytest.mark.parametrize("name", LEVEL)
def test_events_where_fun_jumps_itself(name):
    callback, span = LEVEL[name]
    sign = np.sign(span[1])

    def end(q):
        level = lambda t, y, q: y[0] - 0.3 * sign
        level.terminal, level.callback = name == "ends", callback
        fun = lambda t, y, q: q * np.where(sign * y > 0.3, 0.5, 0.25)
        r = solve_ivp(fun, span, [-0.05 * sign], args=(q,), events=level)
        return r.t_events[0][0] + r.y[0, -1]

    def exactly(q):
        t, y = 1.4 / q, 0.3
        if name == "is noted":
            y = 0.3 + 0.5 * q * (1.2 - t)
        elif name == "changes":
            y = 0.15 * q + 0.25 * q * (1.2 - t)
        elif name == "backwards":
            t, y = -t, -(0.3 + q) - 0.5 * q * (1.2 - t)
        return t + y

    q = 1.3
    expected = [taylor.derivatives(exactly, q, 2)[k] for k in (1, 2)]
    assert taylor.derivatives(end, q, 2)[1:] == pytest.approx(expected, rel=1e-11)
    assert taylor.gradient(end, q) == pytest.approx(expected[0], rel=1e-11)


# ------------------------------------------------------------------ where there are none
def test_surfaces_that_meet_but_do_not_stay_together():
    fun = lambda t, y, q: 1 + np.where(y > q, 1.0, 0.0) + np.where(t > 1, 1.0, 0.0)
    with pytest.raises(NonAnalyticError, match="move apart"):
        solve_ivp(fun, (0.0, 2.0), [0.0], args=(Taylor.variable(1.0, 1),))
    fun = lambda t, y, q: 1 + np.where(y > q, 1.0, 0.0) + np.where(2 * y > 2 * q, 1.0, 0.0)
    y = solve_ivp(fun, (0.0, 2.0), [0.0], args=(Taylor.variable(1.0, 1),)).y[0, -1]
    assert y.coef.tolist() == pytest.approx([4.0, -2.0], abs=1e-13)


def test_surfaces_that_meet_and_do_not_vary():
    def fun(t, y, q):
        rate = 1 + np.where(y[0] > 1, 1.0, 0.0) + np.where(y[1] > 2, 1.0, 0.0)
        return [1.0, 2.0, q * rate]

    end = lambda q: solve_ivp(fun, (0.0, 2.0), [0.0, 0.0, 0.0], args=(q,)).y[2, -1]
    for driver in (taylor.derivative, taylor.gradient):
        assert driver(end, 0.7) == pytest.approx(4.0, rel=1e-13)


turns, ebbs = lambda t: np.where(t < 1, -0.1, 0.1), lambda t: np.sign(t % 4 - 1) / 10
MEETINGS = {  # rates of (x, z) while another surface is met at t = 1, x(0), and the slope of z(2)
    "a kink where it turns": (
        lambda x, t, q: [turns(t), q * np.interp(x, [-1, 0, 1], [0.0, 1.0, 3.0])],
        lambda q: 0.1 * q, 2.6,
    ),
    "a kink on the way": (
        lambda x, t, q: [q, q * (ebbs(t) + np.maximum(x, 1.0))], lambda q: 0 * q, 4.0
    ),
    "a jump that does not vary": (
        lambda x, t, q: [ebbs(t), q * np.where(x < 0, 1.0, 2.0)], lambda q: 0.1 + 0 * q, 4.0
    ),
    "a jump": (lambda x, t, q: [turns(t), q * np.floor(x + 1)], lambda q: 0.1 * q, None),
}  # fmt: skip


@pytest.mark.parametrize("name", MEETINGS)
def test_surfaces_that_are_met_as_fun_changes_in_time(name):
    rates, start, slope = MEETINGS[name]

    def end(q):
        fun = lambda t, y, q: rates(y[0], t, q)
        return solve_ivp(fun, (0.0, 2.0), [start(q), 0.0 * q], args=(q,)).y[1, -1]

    if slope is not None:
        for driver in (taylor.derivative, taylor.gradient):
            assert driver(end, 1.0) == pytest.approx(slope, rel=1e-12)
    if "vary" not in name:  # second derivatives jump with kinks
        with pytest.raises(NonAnalyticError, match=r"meet|one way"):
            end(Taylor.variable(1.0, 1 if slope is None else 2))


def test_runs_that_end_where_a_surface_moves_with_an_argument():
    end = lambda q, limit: solve_ivp(
        lambda t, y, q: q * (1 + np.where(y[0] > limit, 1.0, 0.0)) + 0 * y, (0, 1), [0.0], args=(q,)
    ).y[0, -1]  # y0 is constant, and y is not
    for driver in (taylor.derivative, taylor.gradient):
        with pytest.raises(NonAnalyticError, match="a run begins or ends"):
            driver(lambda q: end(q, 1.0), 1.0)
        assert driver(lambda q: end(q, 0.5), 1.0) == pytest.approx(2.0, rel=1e-13)


def test_surfaces_that_are_crossed_without_a_slope():
    fun = lambda t, y, q: np.stack([3 * (t - 1) ** 2, np.where(y[0] > q - 1, 1.0, 0.0)])
    with pytest.raises(NonAnalyticError, match="slope"):
        solve_ivp(fun, (0.0, 2.0), [-1.0, 0.0], args=(Taylor.variable(1.0, 1),))


BELT, RUBBING = 0.2, 0.3
SLIPS = np.arcsin(2 / 3) + (RUBBING - RUBBING * (1 - np.sqrt(5) / 3)) / BELT


def harvested(t, y):
    return np.array([y[0] * (1 - y[0]) - (0.5 if y[0] > 0.6 else 0.1) * y[0], -y[0] * y[1]])


LEVELS = [3.0, 3.3, 3.5, 3.6, 3.65, 3.7, 3.8, 3.95, 4.2]


def table(x):
    return np.interp(x, np.linspace(0, 1, 9), LEVELS)


SLIDING = {  # fun, y0, t1 and y there; fun points to a surface from both sides on the way
    "moving": (lambda t, y: [np.cos(t) - 2 * np.sign(y[0] - t / 4)], [1.0], 2.0, [0.5]),
    "by if": (harvested, [0.6, 1.0], 2.0, [0.6, np.exp(-1.2)]),
    "leaves": (lambda t, y: [t / 2 - np.sign(y[0])], [0.5], 4.0, [1.0]),
    "copysign": (lambda t, y: [t / 2 - np.copysign(1.0, y[0])], [0.5], 4.0, [1.0]),
    "backwards": (lambda t, y: [0.5 + np.sign(y[0])], [1.0], -2.0, [0.0]),
    "of kinks": (lambda t, y: [0.5 * abs(y[0] - 1) - np.sign(y[0] - 1)], [0.0], 3.0, [1.0]),
    "two": (
        lambda t, y: [0.5 - np.sign(y[0]), 0.3 - np.sign(y[1] - 0.5)], [1.0, 2.0], 4.0, [0.0, 0.5]
    ),
    "elements": (lambda t, y: 0.5 - np.sign(y - [0.0, 0.5]), [1.0, 2.0], 4.0, [0.0, 0.5]),
    "block on a belt": (
        lambda t, y: [y[1], -y[0] - RUBBING * np.sign(y[1] - BELT)], [0.0, 0.0], SLIPS + 1,
        [RUBBING + BELT * np.sin(1), BELT * np.cos(1)],
    ),
    "none, where fun turns round as it meets a knot": (
        lambda t, y: [-0.02, 2 * table(y[0])] if t % 20 < 10 else [0.01, -table(y[0])],
        [0.8, 0.0], 35.0, [0.55, 93.6625],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SLIDING)
def test_solutions_slide_along_surfaces_that_fun_points_to(name):
    fun, y0, t1, expected = SLIDING[name]
    size = max(1, *np.abs(expected))
    near = functools.partial(
        np.testing.assert_allclose, desired=expected, rtol=0, atol=2e-15 * size
    )
    near(solve_ivp(fun, (0.0, t1), y0).y[:, -1])
    near(solve_ensemble(fun, (0.0, t1), [y0, y0]).y_last[1])
    it = TaylorIntegrator(fun, 0.0, y0)
    it.propagate_until(t1)
    it.set_state(0.0, y0)
    near(it.propagate_until(t1))


def slid(f, y0, t1):
    """Return the integral of y up to t1, where y' = f(t, y)."""
    return solve_ivp(lambda t, y: [f(t, y[0]), y[0]], (0, t1), [y0, 0.0]).y[1, -1]


def slid_exactly(rate, y0, t1, surface=0.0):
    """Return the same for a constant rate until y meets the surface, a multiple of t."""
    t = y0 / (surface - rate)
    return y0 * t + rate * t**2 / 2 + surface * (t1**2 - t**2) / 2


def left_exactly(q, y0):
    """Return the same up to t = 4 for the rate q t/2 - sign(y)."""
    t, u, c = 2 * (1 - np.sqrt(1 - q * y0)) / q, 2 / q, 1 / q
    y = lambda s: q * s**3 / 12 - s**2 / 2
    return y0 * t + y(t) + y(4.0) - y(u) + c * (4 - u)


def stuck_exactly(mu, belt, k):
    w, x = np.sqrt(k), mu / k
    sticks = np.arcsin(belt * w / mu) / w
    slips = sticks + x * np.cos(w * sticks) / belt
    return x + belt / w * np.sin(w * (3.2 - slips))


SLID = {  # functions of x by a run that slides, and in closed form
    "backwards": (
        lambda x: slid(lambda t, y: x[0] + np.sign(y), x[1], -2.0),
        lambda x: slid_exactly(1 + x[0], x[1], -2.0), [0.5, 1.0],
    ),
    "a line, to a moving end": (
        lambda x: slid(lambda t, y: 0.5 - x[0] * np.sign(y - x[1] * t), 1.0, x[2]),
        lambda x: slid_exactly(0.5 - x[0], 1.0, x[2], x[1]), [2.0, 0.25, 1.8],
    ),
    "and leaves": (
        lambda x: slid(lambda t, y: x[0] * t / 2 - np.sign(y), x[1], 4.0),
        lambda x: left_exactly(*x), [1.1, 0.5],
    ),
    "a block on a belt": (
        lambda x: solve_ivp(
            lambda t, y, mu, belt, k: [y[1], -k * y[0] - mu * np.sign(y[1] - belt)],
            (0.0, 3.2), [0.0, 0.0], args=tuple(x),
        ).y[0, -1],
        lambda x: stuck_exactly(*x), [0.3, 0.2, 1.0],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SLID)
def test_derivatives_of_runs_that_slide(name):
    f, exactly, x = SLID[name]
    x = np.array(x)
    expected = taylor.gradient(exactly, x)
    for driver in (taylor.jacobian, taylor.gradient):
        assert driver(f, x) == pytest.approx(expected, rel=1e-11)
    if name == "and leaves":
        assert taylor.tensor(f, x, 2) == pytest.approx(taylor.tensor(exactly, x, 2), rel=1e-9)


def test_slides_that_have_no_derivatives():
    jump = lambda t, y: t - 1.5
    jump.callback = lambda t, y: y + 1
    run = lambda q, **more: solve_ivp(lambda t, y: 0.1 - q * np.sign(y), (0, 2), [1.0], **more)
    slow = functools.partial(flow_map, lambda t, y: 0.1 - np.sign(y), (0, 2), [1.0], 1)
    for f, error, text in (
        (lambda: taylor.gradient(lambda q: run(q, events=jump).y[0, -1], 1.0), NonAnalyticError,
         "an event changes the state"),
        (slow, IntegrationError, "derivatives by solve_ivp"),
    ):  # fmt: skip
        with pytest.raises(error, match=text):
            f()


def test_values_are_those_without_derivatives():
    for name in ("relay", "floor", "remainder", "two springs"):
        f, _, x = PROBLEMS[name]
        assert f(x) == pytest.approx(
            taylor.derivatives(lambda s, f=f, x=x: f(np.array(x) + s), 0.0, 2)[0], abs=1e-14
        )
    y = solve_ensemble(rate, (0.0, 2.0), [[0.2], [0.3]], args=(np.array(RELAY[1:]),)).y[:, 0, -1]
    compare(y, [after_relay([s, *RELAY[1:]]) for s in (0.2, 0.3)])


def test_jumps_of_fun_at_the_time_of_a_dose():
    def end(x):
        fun = lambda t, y, k, d: np.where(t < 1, 0.0, d) - k * y
        return solve_ivp(fun, (0, 2), [1.0], args=tuple(x), dosing=([1.0], [[0.5]])).y[0, -1]

    def exactly(x):
        k, d = x
        return (np.exp(-k) + 0.5 - d / k) * np.exp(-k) + d / k

    x = np.array([0.7, 0.3])
    compare(taylor.tensor(end, x, 2), taylor.tensor(exactly, x, 2), 1e-12)
    compare(taylor.gradient(end, x), taylor.gradient(exactly, x))


@pytest.mark.parametrize("start", [0.0, 0.5])
@pytest.mark.parametrize("rate", [
    lambda t, y, k: np.where(t > 1, k, 0.0) - y, lambda t, y, k: k * (t > 1) - y,
    lambda t, y, k: [k - y[0] if t > 1 else -y[0]],
    lambda t, y, k: k * np.heaviside(t - 1, 0.5) - y,
    lambda t, y, k: k * np.where(t > 1, 1.0, 0.0) - np.where(y > 2, 1.0, y),
    lambda t, y, k: np.select([t > 1], [k]) - np.clip(y, -9, 9),
    lambda t, y, k: k * (t > 1) - np.where(y > 0, y, 0.0),
])  # fmt: skip
def test_a_switch_of_time(rate, start):
    """Nothing else is met when it is, or is at rest until then."""

    def end(x):
        return solve_ivp(rate, (0.0, 2.0), [start + 0 * x], args=(x,)).y[0, -1]

    def exactly(x):
        return start * np.exp(-2.0) + x * (1 - np.exp(-1.0))

    for value in (taylor.derivative, taylor.gradient, lambda f, x: taylor.derivative(f, x, 2)):
        assert value(end, 0.7) == pytest.approx(value(exactly, 0.7), abs=1e-13)
    assert end(0.7) == pytest.approx(exactly(0.7), rel=1e-13)


def test_a_run_that_derivatives_end_is_no_number():
    """Numbers come to rest, second derivatives do not: there are none of the last state."""

    def end(x):
        r = solve_ivp(lambda t, y: [-np.sqrt(y[1] ** 2), -1 + 0 * y[0]], (0, 2), [x, 1.0])
        return r.y[0, -1]

    assert abs(end(1.0)) < 1e-15 and taylor.derivative(end, 1.0, 4) == 0
    tank = lambda k: solve_ivp(lambda t, y: -k * np.sqrt(np.maximum(y, 0)), (0, 5), [2.0]).y[0, -1]
    assert tank(1.0) == 0 and taylor.derivative(tank, 1.0) == 0
    with pytest.raises(IntegrationError, match="goes on from here with numbers"):
        taylor.derivative(tank, 1.0, 2)
    blow = solve_ivp(lambda t, y: y * y, (0, 4), [taylor.Taylor.variable(1.0, 2)])
    assert blow.status == -1  # of the numbers as well
    for array in (tuple, list, np.array):
        span, args, asked = array([0.0, 4.0]), array([1.0]), array([0.5, 3.0])
        r = solve_ivp(lambda t, y, a: a * y * y, span, [1.0], args=args, t_eval=asked)
        assert r.status == -1 and r.t.tolist() == [0.5]


# ------------------------------------------------------------------ at the start of a run
def ended(rate, t0=0.0, t1=3.5):
    """Return the last state as a function of an argument of the rate and of the first state."""
    return lambda x: solve_ivp(rate, (t0, t1), [x[1]], args=(x[0],)).y[0, -1]


def after_steps(x):  # y' = floor(a t)/10 - y from t = 0 to 3.5, for 4/3.5 > a > 3/3.5
    a, y = x
    return y * np.exp(-3.5) + sum(0.1 * (1 - np.exp(k / a - 3.5)) for k in (1, 2, 3))


@pytest.mark.parametrize(
    ("rate", "exactly"),
    [
        (lambda t, y, a: 0.1 * np.floor(t * a) - y, after_steps),
        (lambda t, y, a: 0.1 * ((t * a) // 1.0) - y, after_steps),
        (lambda t, y, a: 0.1 * (t * a - (t * a) % 1.0) - y, after_steps),
        (lambda t, y, a: 0.1 * np.round(t * a - 0.5) - y, after_steps),
        (
            lambda t, y, a: 0.1 * np.sign(t * a) - y,
            lambda x: 0.1 + (x[1] - 0.1) * np.exp(-3.5) + 0 * x[0],
        ),
        (
            lambda t, y, a: a * np.heaviside(t * a, 0.5) - y,
            lambda x: x[0] + (x[1] - x[0]) * np.exp(-3.5),
        ),
    ],
)
def test_a_jump_at_the_start_that_stays_there(rate, exactly):
    x = np.array([1.1, 0.3])
    for slopes in (taylor.jacobian, taylor.gradient):
        compare(slopes(ended(rate), x), taylor.gradient(exactly, x), 1e-12)


@pytest.mark.parametrize(
    ("rate", "t0", "x"),
    [
        (lambda t, y, a: np.sign(y - 0.3) + 2.0 + 0 * a, 0.0, [1.0, 0.3]),
        (lambda t, y, a: np.where(y > a, 3.0, 1.0), 0.0, [0.3, 0.3]),
        (lambda t, y, a: np.floor(t * a) - y, 1.0, [1.0, 0.3]),
        (lambda t, y, a: np.where(t * a > 1, 1.0, 2.0) - y, 1.0, [1.0, 0.3]),
    ],
)
def test_a_jump_at_the_start_that_moves(rate, t0, x):
    with pytest.raises(NonAnalyticError, match="one side only"):
        taylor.jacobian(ended(rate, t0), np.array(x))
