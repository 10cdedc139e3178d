"""Runs that begin on, rest on, or meet surfaces where fun or a derivative of it jumps.

Every program against its closed form, forward, in reverse and to second order; or no derivatives.
"""

import numpy as np
import pytest

import taylor
from taylor import NonAnalyticError
from taylor.ode import flow_map, solve_ensemble, solve_ivp, value_and_gradient


def decayed(y, k, s):
    """Return the solution of y' = k - y after a time s."""
    return k + (y - k) * np.exp(-s)


def ended(rate, start, t0, t1):
    """Return the last state as a function of the arguments of the rate."""

    def end(x):
        r = solve_ivp(rate, (t0, t1), [start + 0 * x[0]], args=tuple(x))
        assert r.status == 0, r.message
        return r.y[0, -1]

    return end


def first(f, x):
    """Return the gradient in forward mode."""
    return taylor.jacobian(lambda x: np.stack([f(x)]), x)[0]


def second(f, x):
    """Return the Hessian by series."""
    return taylor.tensor(f, x, 2)


FIRST = first, taylor.gradient
ALL = *FIRST, second, taylor.hessian


def agree(f, exactly, x, modes):
    """Compare a value, and derivatives in some modes, with those of a closed form."""
    x = np.array(x)
    assert f(x) == pytest.approx(exactly(x), rel=1e-12)
    for mode in modes:
        expected = (first if mode in FIRST else second)(exactly, x)
        atol = 1e-10 * np.abs(expected).max()
        np.testing.assert_allclose(mode(f, x), expected, rtol=1e-10, atol=atol)


# ------------------------------------------------------------------ windows of the day
def after_days(begin, end, days, last):
    """Return y of y' = -y + k from hour `begin` to `end` of each day, y(0) = 1."""

    def exactly(x):
        k, d = x
        y, begins, ends = 1.0, begin(d), end(d)
        for n in range(days):
            rest = (24.0 if n < days - 1 else last) - ends
            y = decayed(decayed(decayed(y, 0.0, begins), k, ends - begins), 0.0, rest)
        return y

    return exactly


until = after_days(lambda d: 0.0, lambda d: d, 2, 12.0)
between = after_days(lambda d: 2.0, lambda d: d, 2, 12.0)
above = after_days(
    lambda c: np.arcsin(c) * 12 / np.pi, lambda c: 12 - np.arcsin(c) * 12 / np.pi, 2, 20.0
)
DAYS = {
    "mod": (lambda t, d: t % 24 < d, until, 5.0, 36.0),
    "floor divide": (lambda t, d: t - 24 * (t // 24) < d, until, 5.0, 36.0),
    "floor": (lambda t, d: t - 24 * np.floor(t / 24) < d, until, 5.0, 36.0),
    "part of a day": (lambda t, d: 24 * ((t / 24) % 1.0) < d, until, 5.0, 36.0),
    "two": (lambda t, d: (t % 24 < d) & (t % 24 > 2), between, 5.0, 36.0),
    "days": (lambda t, d: (t % 24 < d) & (t < 48), until, 5.0, 36.0),
    "sine": (lambda t, d: np.sin(2 * np.pi * t / 24) > d, above, 0.3, 44.0),
}


MODES = {"mod": [first, taylor.gradient, second], "days": [second], "sine": [first]}


@pytest.mark.parametrize("name", DAYS)
def test_windows_of_the_day(name):
    inside, exactly, d, until = DAYS[name]
    f = ended(lambda t, y, k, d: np.where(inside(t, d), k, 0.0) - y, 1.0, 0.0, until)
    agree(f, exactly, [2.0, d], MODES.get(name, FIRST[1:]))


def test_windows_within_windows():
    rate = lambda t, y, k, d: np.where(t % 24 < d, np.where(t % 24 > 2, k, 0.0), 0.0) - y
    agree(ended(rate, 1.0, 0.0, 36.0), between, [2.0, 5.0], FIRST)


def test_a_surface_that_rounding_meets_twice():
    """Beyond the window at t = 58.8 the sign of sin(2πt/24) - c is noise for some units."""
    f = ended(lambda t, y, k, c: np.where(np.sin(2 * np.pi * t / 24) > c, k, 0.0) - y, 1, 34.7, 60)
    x = np.array([2.0, 0.3])
    along = [taylor.derivative(lambda s, e=e: f(x + s * e), 0.0) for e in np.eye(2)]
    h = 1e-6
    apart = [(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(along, apart, rtol=1e-6)


# ------------------------------------------------------------------ at rest on a surface
FALLS = {
    "abs": abs,
    "maximum": lambda y: np.maximum(y, 0.0),
    "of two lines": lambda y: np.maximum(y, 0.5 * y),
    "clip": lambda y: np.clip(y, 0.0, 9.0),
    "where": lambda y: np.where(y > 0, y, 0.0),
}


@pytest.mark.parametrize("name", FALLS)
def test_rest_on_a_kink_until_a_time(name):
    fall = FALLS[name]
    f = ended(lambda t, y, k: np.where(t > 1, k, 0.0) - fall(y), 0.0, 0.0, 2.0)
    agree(f, lambda x: x[0] * (1 - np.exp(-1.0)), [0.7], ALL if name == "where" else FIRST)


def test_from_rest_on_a_kink():
    for sign in (1.0, -1.0):
        y = solve_ivp(lambda t, y, s=sign: s * t - abs(y), (0.0, 2.0), [0.0]).y[0, -1]
        exactly = 1 + np.exp(-2.0) if sign > 0 else -(np.exp(2.0) - 3)
        assert y == pytest.approx(exactly, rel=1e-13)


# ------------------------------------------------------------------ at the ends of a run
def after_steps(x):
    """Return y(3.5) of y' = a*floor(a t) - y, y(0) = 1, for 4/3.5 > a > 3/3.5."""
    (a,) = x
    return np.exp(-3.5) + sum(a * (1 - np.exp(k / a - 3.5)) for k in (1, 2, 3))


def after_wave(x):
    """Return y(5.3) of y' = ±k - y, y(0) = 1, whose sign changes after each time p, 5.3/2 > p."""
    k, p = x
    return decayed(decayed(decayed(1.0, k, p), -k, p), k, 5.3 - 2 * p)


def after_pulses(x):
    k, p = x
    y = decayed(decayed(1.0, k, 1.0), 0.0, p - 1)
    return decayed(decayed(y, k, 1.0), 0.0, 5.3 - p - 1)


slope = lambda x: np.exp(-2.0) + x[0] * (1 + np.exp(-2.0))
constant = lambda x: decayed(1.0, x[0], 2.0)
STILL = {  # surfaces on which a run begins, and which stay there
    "floor": (lambda t, y, a: a * np.floor(a * t) - y, after_steps, [1.1], 3.5),
    "sign": (lambda t, y, a: a * np.sign(a * t) - y, constant, [1.1], 2.0),
    "heaviside": (lambda t, y, a: a * np.heaviside(a * t, 0.5) - y, constant, [1.1], 2.0),
    "if": (lambda t, y, a: a - y if a * t >= 0 else -y, constant, [1.1], 2.0),
    "abs": (lambda t, y, a: abs(a * t) - y, slope, [1.1], 2.0),
    "maximum": (lambda t, y, a: np.maximum(0, a * t) - y, slope, [1.1], 2.0),
    "square wave": (
        lambda t, y, k, p: k * np.sign(np.sin(np.pi * t / p)) - y, after_wave, [2.0, 2.0], 5.3,
    ),
    "pulses": (lambda t, y, k, p: np.where(t % p < 1, k, 0.0) - y, after_pulses, [2.0, 3.0], 5.3),
}  # fmt: skip


@pytest.mark.parametrize("name", STILL)
def test_a_run_that_begins_on_a_surface(name):
    rate, exactly, x, until = STILL[name]
    modes = {"floor": [taylor.gradient, taylor.hessian], "abs": ALL}.get(name, [second])
    agree(ended(rate, 1.0, 0.0, until), exactly, x, modes)


flat = lambda t: t * t - 2 * t + 2 - 2 * np.exp(-t)  # y' = t² - y, y(0) = 0
FLAT = {  # surfaces that a run leaves slowly from its start on: y' = 0, y'' = 0 there; y(3)
    "if": (lambda t, y, a: [a * t * t - (y[0] if y[0] > 0 else 0.0)], [0.0], [flat(3)]),
    "abs": (lambda t, y, a: a * t * t - abs(y), [0.0], [flat(3)]),
    "maximum": (lambda t, y, a: a * t * t - np.maximum(y, 0.0), [0.0], [flat(3)]),
    "one after the other": (
        lambda t, y, a: [a * t, abs(y[0]) - abs(y[1])], [0.0, 0.0], [4.5, flat(3) / 2],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FLAT)
def test_a_run_that_slowly_leaves_a_surface_on_which_it_begins(name):
    rate, y0, exactly = FLAT[name]
    at = lambda a: solve_ivp(rate, (0.0, 3.0), y0, args=(a,)).y[:, -1]  # in proportion to a
    np.testing.assert_allclose(at(1.0), exactly, rtol=1e-14)
    np.testing.assert_allclose(taylor.derivative(at, 1.0), exactly, rtol=1e-14)
    members = solve_ensemble(rate, (0.0, 3.0), [y0, y0], args=(1.0,))
    np.testing.assert_allclose(members.y_last[1], exactly, rtol=1e-14)


MOVING = {  # a run begins or ends on a surface that moves with what derivatives are asked for by
    "begins, in y": (lambda t, y, a: np.where(y > a, 3.0, 1.0), 0.3, [0.3], (0.0, 2.0)),
    "begins, in time": (lambda t, y, a: np.floor(t * a) - y, 1.0, [1.0], (1.0, 1.5)),
    "begins, at a time": (lambda t, y, a: np.where(t > a, 1.0, 2.0) - y, 1.0, [1.0], (1.0, 1.5)),
    "ends, in y": (lambda t, y, a: np.where(y > a, 3.0, 1.0), 0.0, [1.0], (0.0, 1.0)),
    "ends, in time": (lambda t, y, a: np.floor(t * a) - y, 1.0, [1.0], (0.0, 2.0)),
    "ends, backwards": (lambda t, y, a: np.floor(t * a) - y, 1.0, [1.0], (2.5, 1.0)),
}


@pytest.mark.parametrize("name", MOVING)
def test_a_surface_that_moves_at_an_end_has_no_derivatives(name):
    rate, start, x, span = MOVING[name]
    f = ended(rate, start, *span)
    for mode in FIRST if name != "ends, in y" else ALL:
        with pytest.raises(NonAnalyticError, match="one side only"):
            mode(f, np.array(x))
    with pytest.raises(NonAnalyticError, match="one side only"):
        value_and_gradient(lambda y: y[0], rate, span, [start], args=tuple(x))
    with pytest.raises(NonAnalyticError, match="one side only"):
        flow_map(rate, span, [start], 1, args=tuple(x), wrt=(0,))


def test_what_is_not_asked_for_may_be_on_a_surface():
    agree(
        ended(lambda t, y, k: np.where(y > 0.3, k, 1.0), 0.3, 0.0, 2.0),
        lambda x: 0.3 + 2 * x[0], [2.0], ALL,
    )  # fmt: skip
    rate = lambda t, y, a: a * np.floor(a * t) - y
    _, _, (da,) = value_and_gradient(lambda y: y[0], rate, (0, 3.5), [1.0], args=(1.1,))
    bend = flow_map(rate, (0, 3.5), [1.0], 2, args=(1.1,), wrt=(0,))[0].partial((2,))
    found = taylor.derivatives(lambda a: after_steps([a]), 1.1, 2)
    np.testing.assert_allclose([da, bend], found[1:], rtol=1e-11)


def test_a_kink_at_an_end_that_moves_has_first_derivatives():
    for start, span in ((0.0, (0.0, 2.0)), (-1.0, (-1.0, 0.0))):
        f = ended(lambda t, y, a: abs(t - a), start, *span)
        x = np.array([0.0])
        for mode in FIRST:
            sign = -1 if start == 0 else 1
            np.testing.assert_allclose(mode(f, x), sign * (span[1] - span[0]), rtol=1e-13)
    with pytest.raises(NonAnalyticError):
        taylor.tensor(ended(lambda t, y, a: abs(t - a), 0.0, 0.0, 2.0), x, 2)


@pytest.mark.parametrize("mode", [taylor.derivative, taylor.gradient])
def test_times_that_move_over_a_jump(mode):
    rate = lambda t, y: np.where(t > 1, 3.0, 1.0) + 0 * y
    last = lambda span, **more: solve_ivp(rate, span, [0.0], **more).y[0, -1]
    moved = {
        "start": lambda s: last((s, 2.0)),
        "end": lambda s: last((0.0, s)),
        "between": lambda s: last((0.0, 2.0), t_eval=np.stack([s])),
    }
    for f in moved.values():
        with pytest.raises(NonAnalyticError, match="one side only"):
            mode(f, 1.0)
    assert [mode(f, 0.5) for f in moved.values()] == pytest.approx([-1.0, 1.0, 1.0])
    assert [mode(f, 1.5) for f in moved.values()] == pytest.approx([-3.0, 3.0, 3.0])


KINKS = {  # at t = 0: rates, their values there, and how many derivatives a moving end has
    "abs": (lambda t, y: abs(t) + 0 * y, 0.0, 1),
    "maximum": (lambda t, y: np.maximum(t, 0) + 1 + 0 * y, 1.0, 1),
    "where": (lambda t, y: 1 + np.where(t > 0, 2 * t, t) + 0 * y, 1.0, 1),
    "cube": (lambda t, y: np.where(t > 0, t**3, 0) + 0 * y, 0.0, 3),
}


@pytest.mark.parametrize("name", KINKS)
def test_times_that_move_over_a_kink(name):
    rate, here, most = KINKS[name]
    start = lambda s: solve_ivp(rate, (s, 2.0), [1.0]).y[0, -1]
    end = lambda s: solve_ivp(rate, (-1.0, s), [1.0]).y[0, -1]
    between = lambda s: solve_ivp(rate, (-1.0, 2.0), [1.0], t_eval=np.stack([s])).y[0, 0]
    for f, slope in ((start, -here), (end, here), (between, here)):
        assert taylor.derivatives(f, 0.0, most)[1] == pytest.approx(slope, abs=1e-12)
        with pytest.raises(NonAnalyticError, match="one side only"):
            taylor.derivatives(f, 0.0, most + 1)
    assert taylor.gradient(start, 0.0) == pytest.approx(-here, abs=1e-12)
    for inner in (taylor.derivative, taylor.gradient):
        twice = lambda s, inner=inner: taylor.gradient(lambda r: inner(start, r), s)
        if most > 1:
            assert twice(0.0) == pytest.approx(0.0, abs=1e-12)
            continue
        with pytest.raises(NonAnalyticError, match="one side only"):
            twice(0.0)


def test_a_time_that_moves_over_the_point_of_a_root_has_no_derivative():
    with pytest.raises(NonAnalyticError, match="one side only"):
        taylor.derivative(
            lambda s: solve_ivp(lambda t, y: abs(t) ** 0.5 + 0 * y, (s, 2.0), [1.0]).y[0, -1], 0.0
        )


@pytest.mark.parametrize("fall", [lambda y: np.where(y > 0, y, 0.0), abs])
def test_rest_that_varies_has_no_derivatives(fall):
    def end(x):
        return solve_ivp(lambda t, y: fall(y), (0.0, 1.0), [x[0]]).y[0, -1]

    for mode in FIRST:
        with pytest.raises(NonAnalyticError, match="rests"):
            mode(end, np.array([0.0]))


WAYS_THAT_END = {  # a knot at 0 where fun has no value; a blow-up and a root on the way to infinity
    "knot": (lambda t, y: [np.interp(t, [0, 1], [0, 1]), np.log(y[1])], (0.0, 9.0), [0.5, -1.0]),
    "blow-up": (lambda t, y: [y[0] ** 2, np.sqrt(1 + y[1] ** 6)], (0.3, np.inf), [-1.0, 0.0]),
    "root": (lambda t, y: [1.0, np.sqrt(y[0] - 2)], (0.0, -np.inf), [3.0, 0.0]),
}


@pytest.mark.parametrize("fun, span, y0", WAYS_THAT_END.values(), ids=WAYS_THAT_END)
def test_ways_that_end_do_so(fun, span, y0):
    assert solve_ivp(fun, span, y0, max_steps=300).status == -1
