"""Doses: jumps of the state at given times, their logs, and derivatives in all they depend on."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import taylor
from hyperdual import HyperDual
from taylor import NonAnalyticError, ShapeMismatch
from taylor.ode import solve_ivp

TIMES = np.array([3.0, 6.0, 6.0, 1.5, 9.0, 12.0])  # in no order, two at one time, one at the end
JUMPS = np.array([[1.0, 0.0], [2.0, 0.5], [0.1, 0.0], [1.0, 1.0], [3.0, 0.0], [1.0, 0.0]])
START = np.array([1.0, 0.2])


def body(t, y, k):
    """A gut and the blood."""
    return [-k * y[0], k * y[0] - 0.3 * y[1]]


def exactly(t, times, jumps, k=1.2, y0=START):
    """Return the solution from y0 at 0, as a sum over all that came in so far."""
    y = np.zeros(2) + 0 * k
    for when, jump in [(0.0, y0), *zip(times, jumps, strict=True)]:
        s = t - when
        if s >= 0:
            gut, blood = np.exp(-k * s), np.exp(-0.3 * s)
            y = y + np.stack(
                [jump[0] * gut, jump[1] * blood + jump[0] * k / (k - 0.3) * (blood - gut)]
            )
    return y


def run(times=TIMES, jumps=JUMPS, span=(0.0, 12.0), y0=START, k=1.2, **more):
    return solve_ivp(body, span, y0, args=(k,), dosing=(times, jumps), **more)


# ------------------------------------------------------------------ what they do
def test_solutions_are_sums_over_doses():
    asked = np.linspace(0.0, 12.0, 9)  # at times of doses, too: the states after
    expected = np.stack([exactly(t, TIMES, JUMPS) for t in asked], axis=-1)
    r = run(t_eval=asked, dense_output=True)
    np.testing.assert_allclose(r.y, expected, rtol=1e-14)
    np.testing.assert_allclose(r.sol(asked), expected, rtol=1e-14)
    before = r.sol(TIMES - 1e-9)
    np.testing.assert_allclose(r.sol(TIMES)[:, [0, 3, 4, 5]] - before[:, [0, 3, 4, 5]],
                               JUMPS[[0, 3, 4, 5]].T, atol=1e-8)  # fmt: skip
    ends = run()
    assert {1.5, 3.0, 6.0, 9.0, 12.0} <= set(ends.t)
    np.testing.assert_allclose(ends.y.T, [exactly(t, TIMES, JUMPS) for t in ends.t], rtol=1e-13)


def test_log():
    r = run()
    order = np.argsort(TIMES, kind="stable")
    np.testing.assert_array_equal(r.t_doses, TIMES[order])
    for n, t in enumerate(r.t_doses):
        given = order[:n]
        np.testing.assert_allclose(r.y_doses[n], exactly(t, TIMES[given], JUMPS[given]), rtol=1e-14)
    plain = solve_ivp(body, (0.0, 1.0), START, args=(1.2,))
    assert plain.t_doses is None and plain.y_doses is None
    empty = run([], [])
    assert empty.t_doses.shape == (0,) and empty.y_doses.shape == (0, 2)


def test_doses_outside_of_the_span_do_not_come():
    r = run(span=(3.0, 9.0))
    np.testing.assert_array_equal(r.t_doses, [3.0, 6.0, 6.0, 9.0])
    np.testing.assert_array_equal(r.y[:, 0], START + JUMPS[0])
    np.testing.assert_array_equal(r.y_doses[0], START)


def test_the_way_back_leads_to_the_start():
    there = run()
    asked = [12.0, 9.0, 8.0, 6.0, 1.5, 0.0]
    back = run(span=(12.0, 0.0), y0=there.y[:, -1], t_eval=asked, dense_output=True)
    np.testing.assert_array_equal(back.t_doses, np.sort(TIMES)[::-1])
    np.testing.assert_allclose(back.y[:, -1], START, rtol=1e-8)
    np.testing.assert_allclose(back.sol(asked), back.y, rtol=1e-15)
    np.testing.assert_allclose(back.y[:, 2], exactly(8.0, TIMES, JUMPS), rtol=1e-11)


@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA", "RK45", "DOP853", "auto"])
def test_methods(method):
    r = run(method=method, rtol=1e-9, atol=1e-12, t_eval=[2.0, 6.0, 12.0])
    expected = np.stack([exactly(t, TIMES, JUMPS) for t in r.t], axis=-1)
    np.testing.assert_allclose(r.y, expected, rtol=1e-6)


DECAY = {  # doses of y' = -y from 1: times, jumps, y(2)
    "none": ([], [[]], np.exp(-2)),
    "one for all": ([0.5, 1.0], [3.0], np.exp(-2) + 3 * np.exp(-1.5) + 3 * np.exp(-1)),
    "at both ends": ([0.0, 2.0, 0.0], [1.0], 3 * np.exp(-2) + 1),
    "integers": ([1], [[2]], np.exp(-2) + 2 * np.exp(-1)),
    "a tuple": ((1.0,), ((2.0,),), np.exp(-2) + 2 * np.exp(-1)),
    "a function": ([1.0], lambda t, y: 2 * t * y, 3 * np.exp(-2)),
    "a list from a function": ([1.0], lambda t, y: [5.0], np.exp(-2) + 5 * np.exp(-1)),
    "functions at the start": ([0.0, 0.0], lambda t, y: y, 4 * np.exp(-2)),
    "a change in place": ([1.0], lambda t, y: np.multiply(y, 2, out=y), 3 * np.exp(-2)),
    "a unit of rounding apart": (np.nextafter(1.0, [0, 1, 2]), [1.0], np.exp(-2) + 3 * np.exp(-1)),
    "thirds": (np.arange(0, 1.1, 0.1)[[3]], [1.0], np.exp(-2) + np.exp(-1.7)),
}


@pytest.mark.parametrize("name", DECAY)
def test_schedules(name):
    times, jumps, expected = DECAY[name]
    r = solve_ivp(lambda t, y: -y, (0.0, 2.0), [1.0], dosing=(times, jumps))
    np.testing.assert_allclose(r.y[0, -1], expected, rtol=1e-14)


def test_times_are_those_asked_for_but_for_rounding():
    given = np.arange(0.0, 1.0, 0.1)[3]
    assert given != 0.3
    r = solve_ivp(lambda t, y: 0 * y, (0.0, 1.0), [1.0], dosing=([given], [1.0]), t_eval=[0.1, 0.3])
    np.testing.assert_array_equal(r.y, [[1.0, 2.0]])
    assert solve_ivp(lambda t, y: 0 * y, (0.0, 0.3), [1.0], dosing=([given], [1.0])).y[0, -1] == 2


def test_states_of_any_shape():
    for y0, jump in (
        (1.0, 2.0),
        (np.ones((2, 2)), np.eye(2)),
        (np.zeros((0, 2)), np.zeros((0, 2))),
    ):
        r = solve_ivp(lambda t, y: -y, (0.0, 2.0), y0, dosing=([1.0], jump))
        np.testing.assert_allclose(
            r.y[..., -1], y0 * np.exp(-2) + np.asarray(jump) * np.exp(-1), rtol=1e-14
        )


def test_numbers():
    with mpmath.workdps(40):
        times, jumps = [mpf("0.1"), mpf(1)], [[mpf(1)], [mpf(2)]]
        r = solve_ivp(lambda t, y: -y, (0, 2), [mpf(1)], dosing=(times, jumps))
        expected = mpmath.exp(-2) + mpmath.exp(mpf("0.1") - 2) + 2 * mpmath.exp(-1)
        assert abs(r.y[0, -1] - expected) < 1e-38
    r = solve_ivp(
        lambda t, y: -y, (0.0, 2.0), [1.0], dosing=([1.0], [HyperDual(1.0, 2.0, 3.0, 4.0)])
    )
    expected = np.exp([-1.0] * 4) * [1 + np.exp(-1), 2, 3, 4]
    y = r.y[0, -1]
    np.testing.assert_allclose([y.value, y.eps1, y.eps2, y.eps1eps2], expected, rtol=1e-14)


def test_args_may_change():
    double = lambda t, y, k: (0 * y, (2 * k,))
    r = solve_ivp(
        lambda t, y, k: -k * y, (0.0, 3.0), [1.0], args=(0.5,), dosing=([0.0, 2.0], double)
    )
    np.testing.assert_allclose(r.y[0, -1], np.exp(-1.0 * 2 - 2.0 * 1), rtol=1e-14)


def test_branches_of_fun_at_a_dose():
    given = {"dosing": ([1.0], [1.0])}
    expected = (np.exp(-1) + 1) * np.exp(-2)
    for f in (lambda t, y: np.where(t < 1, -y, -2 * y), lambda t, y: -y if t < 1 else -2 * y):
        r = solve_ivp(f, (0.0, 2.0), [1.0], **given)
        np.testing.assert_allclose(r.y[0, -1], expected, rtol=1e-14)


# ------------------------------------------------------------------ with events
def event(g, callback=None, terminal=False):
    def function(t, y):
        return g(t, y)

    function.callback, function.terminal = callback, terminal
    return function


@pytest.mark.parametrize(
    "g",
    [
        lambda t, y: t - 1.0,
        lambda t, y: t - np.nextafter(1.0, 0),
        lambda t, y: t - np.nextafter(1.0, 2),
        lambda t, y: y[0] - np.exp(-1.0),
    ],
)
def test_doses_come_before_events_of_their_time(g):
    r = solve_ivp(lambda t, y: -y, (0.0, 2.0), [1.0], dosing=([1.0], [1.0]),
                  events=event(g, lambda t, y: 2 * y))  # fmt: skip
    np.testing.assert_allclose(r.y_events[0], [[np.exp(-1) + 1]], rtol=1e-14)
    np.testing.assert_allclose(r.y[0, -1], 2 * (np.exp(-1) + 1) * np.exp(-1), rtol=1e-14)


def test_a_dose_over_the_zero_of_an_event():
    r = solve_ivp(lambda t, y: -y, (0.0, 3.0), [1.0], dosing=([0.5, 2.0], [3.0]),
                  events=event(lambda t, y: y[0] - 2))  # fmt: skip
    first = 3 + np.exp(-0.5)
    again = first * np.exp(-1.5) + 3
    expected = [0.5, 0.5 + np.log(first / 2), 2.0, 2.0 + np.log(again / 2)]
    np.testing.assert_allclose(r.t_events[0], expected, rtol=1e-14)


def test_runs_that_events_end():
    low = event(lambda t, y: y[0] - 0.5, terminal=True)
    r = solve_ivp(lambda t, y: -y, (0.0, np.inf), [1.0], dosing=([0.5, 9.0], [1.0]), events=low)
    np.testing.assert_allclose(r.t[-1], np.log(2 * (1 + np.exp(0.5))), rtol=1e-14)
    assert r.status == 1 and r.t_doses.tolist() == [0.5]
    at_dose = event(lambda t, y: t - 1.0, terminal=True)
    r = solve_ivp(lambda t, y: -y, (0.0, 5.0), [1.0], dosing=([1.0], [1.0]), events=at_dose)
    assert r.t[-1] == 1 and abs(r.y[0, -1] - np.exp(-1) - 1) < 1e-15


# ------------------------------------------------------------------ derivatives
POINT = np.array([1.2, 1.5, 3.0, 6.5, 9.0, *JUMPS[:4].reshape(-1), 1.0, 0.2])


def taken_apart(x):
    return x[0], x[1:5], x[5:13].reshape(4, 2), x[13:]


def found(x):
    """Return logs and the states at some times for a rate, times, jumps and a start."""
    k, times, jumps, y0 = taken_apart(x)
    r = run(times, jumps, y0=y0, k=k, t_eval=[0.0, 5.0, 12.0])
    return np.concatenate([r.t_doses, r.y_doses.reshape(-1), r.y.reshape(-1)])


def found_exactly(x):
    k, times, jumps, y0 = taken_apart(x)
    times, jumps = list(times), list(jumps)
    before = [exactly(t, times[:n], jumps[:n], k, y0) for n, t in enumerate(times)]
    states = np.stack([exactly(t, times, jumps, k, y0) for t in (0.0, 5.0, 12.0)], axis=-1)
    return np.concatenate([np.stack(times), np.stack(before).reshape(-1), states.reshape(-1)])


@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_in_forward_mode(order):
    direction = np.cos(np.arange(len(POINT)))
    ours, exact = (taylor.directional(f, POINT, direction, order) for f in (found, found_exactly))
    np.testing.assert_allclose(ours, exact, rtol=1e-11, atol=1e-12)


def test_derivatives_in_reverse_mode():
    w = np.cos(np.arange(len(found_exactly(POINT))))
    ours, exact = (
        taylor.gradient(lambda x, f=f: w @ f(x) ** 2, POINT) for f in (found, found_exactly)
    )
    np.testing.assert_allclose(ours, exact, rtol=1e-11, atol=1e-11)
    direction = np.sin(np.arange(len(POINT)))
    ours, exact = (
        taylor.hvp(lambda x, f=f: w[-1] * f(x)[-1] ** 2, POINT, direction)
        for f in (found, found_exactly)
    )
    np.testing.assert_allclose(ours, exact, rtol=1e-10, atol=1e-10)


def decayed(times, jumps, **more):
    return solve_ivp(lambda t, y: -y, (0.0, 2.0), [1.0], dosing=(times, jumps), **more)


PARTLY = {  # of some a, at 0.5: y(2) of y' = -y, and its derivative
    "a jump": (lambda a: ([1.0], [a]), np.exp(-1)),
    "a jump at the start": (lambda a: ([0.0], [a]), np.exp(-2)),
    "a jump at the end": (lambda a: ([2.0], [a]), 1.0),
    "a time among numbers": (lambda a: ([0.0, a, 1.0], [1.0]), np.exp(-1.5)),
    "a time and its jump": (lambda a: ([a], [2 * a]), 3 * np.exp(-1.5)),
}


@pytest.mark.parametrize("name", PARTLY)
def test_what_varies_may_be_a_part(name):
    dosing, expected = PARTLY[name]

    def f(a):
        return decayed(*dosing(a)).y[0, -1]

    slopes = [taylor.derivative(f, 0.5), taylor.gradient(lambda a: f(a[0]), [0.5])[0]]
    np.testing.assert_allclose(slopes, expected, rtol=1e-14)


def test_derivatives_by_a_method_for_stiff_problems():
    def f(a):
        return decayed([a, 1.5], [2 * a], method="Radau", rtol=1e-7).y[0, -1]

    expected = 3 * np.exp(-1.5) + 2 * np.exp(-0.5)
    slopes = [taylor.derivative(f, 0.5), taylor.gradient(lambda a: f(a[0]), [0.5])[0]]
    np.testing.assert_allclose(slopes, expected, rtol=1e-5)


def test_dense_output_of_series():
    r = decayed([1.0, 2.0], [taylor.Taylor.variable(0.5, order=1)], dense_output=True)
    slopes = r.sol([0.5, 1.0, 1.5, 2.0])[0].coef[1]
    np.testing.assert_allclose(slopes, [0, 1, np.exp(-0.5), 1 + np.exp(-1)], rtol=1e-14)


def test_arguments_of_a_function_are_differentiated():
    def f(a):
        jump = lambda t, y, a: [a * y[0]]
        return solve_ivp(lambda t, y, a: -y, (0.0, 2.0), [1.0], args=(a,), dosing=([1.0], jump)).y[
            0, -1
        ]

    np.testing.assert_allclose(taylor.derivative(f, 0.5), np.exp(-2), rtol=1e-14)
    held = lambda a: decayed([1.0], lambda t, y: [a]).y[0, -1]
    np.testing.assert_allclose(taylor.derivative(held, 0.5), np.exp(-1), rtol=1e-14)


MOVING = {  # what has no derivative at a, and what is to be done
    "start": (0.0, lambda a: decayed([a], [1.0]), "add it to y0"),
    "end": (2.0, lambda a: decayed([a], [1.0]), "add it to the result"),
    "asked for": (1.0, lambda a: decayed([a], [1.0], t_eval=[1.0, 2.0]), "beside it"),
    "together": (1.0, lambda a: decayed([a, 1.0], [1.0]), "make doses at one time one"),
    "with an event": (
        1.0,
        lambda a: decayed([a], [1.0], events=event(lambda t, y: t - 1, lambda t, y: 2 * y)),
        "several doses or events",
    ),
}


@pytest.mark.parametrize("name", MOVING)
def test_where_there_are_no_derivatives(name):
    a, f, words = MOVING[name]
    with pytest.raises(NonAnalyticError, match=words):
        taylor.derivative(lambda a: f(a).y[0, -1], a)
    assert f(a).success


# ------------------------------------------------------------------ what is refused
REFUSED = {
    "no pair": (3.0, TypeError, r"dosing is \(times, jumps\)"),
    "three": ([1.0, 2.0, 3.0], TypeError, r"dosing is \(times, jumps\)"),
    "nan": (([np.nan], [1.0]), ValueError, "finite"),
    "inf": (([np.inf], [1.0]), ValueError, "finite"),
    "text": ((["noon"], [1.0]), TypeError, "real numbers"),
    "complex time": (([1j], [1.0]), TypeError, "real numbers"),
    "one time": ((1.0, [1.0]), ShapeMismatch, "along one axis"),
    "a table of times": (([[1.0, 2.0]], [1.0]), ShapeMismatch, "along one axis"),
    "no number": (([1.0], "a"), TypeError, "holds numbers"),
    "jump of nan": (([1.0], [np.nan]), ValueError, "finite"),
    "a jump too many": (([0.5, 1.0], [[1.0]] * 3), ShapeMismatch, r"it is \(2, 1\), or \(1,\)"),
    "no axis": (([1.0], 1.0), ShapeMismatch, r"it is \(1, 1\)"),
    "complex": (([1.0], [1j]), TypeError, "a dose leads to no state"),
    "returns nothing": (([1.0], lambda t, y: None), TypeError, "return what is added"),
    "returns a shape": (([1.0], lambda t, y: np.ones(2)), ShapeMismatch, "a state of"),
    "returns nan": (([1.0], lambda t, y: [np.nan]), ValueError, "a dose leads to no state"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    dosing, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        solve_ivp(lambda t, y: -y, (0.0, 2.0), [1.0], dosing=dosing)


def test_functions_are_refused_backwards():
    with pytest.raises(TypeError, match="give the jumps as an array"):
        solve_ivp(lambda t, y: -y, (2.0, 0.0), [1.0], dosing=([1.0], lambda t, y: y))


# ------------------------------------------------------------------ what they cost
def by_segments():
    """Return the number of steps of a loop over the spans between doses."""
    y, steps = np.array([1.0, 0.0]), 0
    for k in range(20):
        r = solve_ivp(body, (6.0 * k, 6.0 * k + 6.0), y, args=(1.2,))
        y, steps = r.y[:, -1] + [1.0, 0.0], steps + r.nfev
    return steps


def test_no_step_is_taken_beyond_a_dose_or_a_known_event():
    times, steps = 6.0 * np.arange(1, 20), by_segments()
    r = run(times, [1.0, 0.0], (0.0, 120.0), [1.0, 0.0])
    assert r.nfev == steps

    def clock(k):
        def g(t, y, rate):
            return t - times[k]

        g.callback = lambda t, y, rate: y + np.array([1.0, 0.0])
        return g

    clocks = solve_ivp(
        body, (0.0, 120.0), [1.0, 0.0], args=(1.2,), events=[clock(k) for k in range(len(times))]
    )
    np.testing.assert_array_equal(np.concatenate(clocks.t_events), times)
    np.testing.assert_allclose(clocks.y[:, -1], r.y[:, -1], rtol=1e-13)
    assert clocks.nfev <= steps + 16  # until the roots are known


@pytest.mark.parametrize("driver", [taylor.derivative, taylor.gradient])
def test_fun_is_recorded_once_for_derivatives_whatever_the_number_of_doses(driver):
    def called(count):
        calls = []

        def fun(t, y, k):
            calls.append(t)
            return -k * y

        def end(k):
            given = {"args": (k,), "dosing": (np.arange(count), [1.0])}
            return solve_ivp(fun, (0.0, 20.0), [1.0], **given).y[0, -1]

        driver(end, 0.5)
        return len(calls)

    rates = 2 * 15  # those before and after a dose are compared
    assert called(20) - called(5) == rates
