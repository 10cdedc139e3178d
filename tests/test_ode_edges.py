"""Runs that begin on, rest on, or meet surfaces where fun or a derivative of it jumps.

Every program against its closed form, forward, in reverse and to second order; or no derivatives.
"""

import numpy as np
import pytest

import taylor
from taylor.ode import solve_ivp


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


MODES = {"mod": ALL, "part of a day": [second], "sine": [first, second]}


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
