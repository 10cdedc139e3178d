"""Integrators that are driven step by step, with events and doses: what solve_ivp gives."""

import copy
import pickle

import mpmath
import numpy as np
import pytest

from taylor.errors import IntegrationError
from taylor.ode import MethodIntegrator, TaylorIntegrator, solve_ivp

DOSES = np.array([0.0, 1.0, 2.5, 2.5, 6.0]), np.array([[2.0], [1.0], [0.5], [0.25], [8.0]])
K = 0.7


def decay(t, y, k):
    return -k * y


def level(t, y, k):
    return y[0] - 0.8


def noon(t, y, k):
    return np.sin(np.pi * t)


def bounce(t, y):
    return y[0]


bounce.direction, bounce.callback = -1, lambda t, y: [0.0, -0.5 * y[1]]


def fall(t, y):
    return [y[1], -1.0]


def by_steps(it, t):
    while it.t != t:
        it.step(t)
    return it.y


def in_parts(it, t):
    start = it.t
    for k in range(1, 4):
        it.propagate_until(start + (t - start) * k / 3)
    return it.propagate_until(t)


ROUTES = {
    "step": by_steps,
    "until": lambda it, t: it.propagate_until(t),
    "parts": in_parts,
    "grid": lambda it, t: it.propagate_grid(np.linspace(it.t, t, 7))[..., -1],
}
MAKERS = {
    "series": TaylorIntegrator,
    "RadauIIA": lambda *a, **k: MethodIntegrator(*a, "RadauIIA", **k),
    "BDF": lambda *a, **k: MethodIntegrator(*a, "BDF", tol=1e-10, **k),
}
each_route = pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
each_maker = pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)


@each_maker
@each_route
@pytest.mark.parametrize("span", [(0.0, 5.0), (5.0, 0.0), (1.0, 2.5)], ids=str)
def test_events_and_doses_are_those_of_a_run(maker, route, span):
    given = {"args": (K,), "events": [level, noon], "dosing": DOSES}
    exact = solve_ivp(decay, span, [0.3], **given)
    it = maker(decay, span[0], [0.3], **given)
    assert route(it, span[1]) == pytest.approx(exact.y[:, -1], rel=1e-6)
    for found, expected in [
        *zip(it.t_events, exact.t_events, strict=True),
        *zip(it.y_events, exact.y_events, strict=True),
        (it.t_doses, exact.t_doses),
        (it.y_doses, exact.y_doses),
    ]:
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-7)


@each_route
def test_callbacks(route):
    it = TaylorIntegrator(fall, 0.0, [0.5, 0.0], events=bounce)
    assert route(it, 2.6) == pytest.approx(
        solve_ivp(fall, (0.0, 2.6), [0.5, 0.0], events=bounce).y[:, -1], abs=1e-14
    )
    assert it.t_events[0] == pytest.approx([1.0, 2.0, 2.5], abs=1e-14)
    with pytest.raises(IntegrationError, match="accumulate"):
        it.propagate_until(4.0)


def test_a_terminal_event_ends_the_call_and_the_next_goes_on():
    def up(t, y):
        return y[0]

    up.terminal, up.direction = 2, 1
    it = TaylorIntegrator(lambda t, y: [y[1], -y[0]], 0.0, [-1.0, 0.0], events=up)
    for n in (1, 2, 3):  # the roots rise at π/2 + 2πk
        y = it.propagate_until(100.0)
        assert it.ended and it.t == pytest.approx(np.pi / 2 + 2 * np.pi * (2 * n - 1), rel=1e-14)
        assert y == pytest.approx([0.0, 1.0], abs=1e-13)
    assert len(it.t_events[0]) == 6
    it.propagate_until(it.t + 1.0)
    assert not it.ended
    y = it.propagate_grid(it.t + np.array([1.0, 5.0, 20.0]))
    assert it.ended == np.isnan(y[0, -1]) == True  # noqa: E712
    assert y[0, 0] == pytest.approx(-np.cos(it.t_events[0][5] + 2.0), abs=1e-12)


def test_to_and_fro_doses_are_given_and_taken_off():
    it = TaylorIntegrator(decay, 0.0, [0.0], args=(K,), dosing=DOSES)
    there = it.propagate_until(2.5).copy()
    assert it.t_doses.tolist() == [0.0, 1.0, 2.5, 2.5]
    assert it.propagate_until(0.0) == pytest.approx([0.0], abs=1e-14)
    assert it.propagate_until(2.5) == pytest.approx(there, rel=1e-13)
    assert len(it.t_doses) == 3 * 4
    it.set_state(2.5, [1.0])  # the state there is that after the doses
    assert it.propagate_until(3.0) == pytest.approx([np.exp(-K * 0.5)], rel=1e-14)
    it.set_state(0.5, [1.0])
    assert it.propagate_until(1.0) == pytest.approx([np.exp(-K * 0.5) + 1.0], rel=1e-14)


def test_a_state_that_is_set_begins_anew():
    it = TaylorIntegrator(decay, 0.0, [1.0], args=(K,), events=level)
    it.propagate_until(1.0)
    it.y = np.array([2.0])  # over the level again: no event by itself
    it.propagate_until(2.0)
    assert it.t_events[0] == pytest.approx(
        [np.log(1 / 0.8) / K, 1.0 + np.log(2 / 0.8) / K][: 1 + (np.log(2 / 0.8) / K < 1)]
    )
    assert len(it.t_events[0]) == 1
    it.args = (10 * K,)
    it.propagate_until(3.0)
    assert it.t_events[0][1] == pytest.approx(2.0 + np.log(2 * np.exp(-K) / 0.8) / (10 * K))


def test_arguments_of_clocks_may_change():
    def due(t, y, period):
        return np.sin(np.pi * t / period)

    it = TaylorIntegrator(lambda t, y, period: 0 * y, 0.0, [0.0], args=(1.0,), events=due)
    it.propagate_until(2.5)
    it.args = (2.0,)
    it.propagate_until(8.5)
    assert it.t_events[0] == pytest.approx([1.0, 2.0, 4.0, 6.0, 8.0])


@each_route
def test_numbers_of_many_digits(route):
    with mpmath.workdps(30):
        it = TaylorIntegrator(
            fall, mpmath.mpf(0), [mpmath.mpf(1) / 2, mpmath.mpf(0)], events=bounce
        )
        route(it, mpmath.mpf(9) / 4)
        assert [abs(t - n) < 1e-28 for t, n in zip(it.t_events[0], (1, 2), strict=True)] == [1, 1]


def test_pickled_on_the_way():
    it = TaylorIntegrator(
        decay, 0.0, [0.3], args=(K,), events=[level, noon], dosing=(DOSES[0], np.full((5, 1), 0.5))
    )
    it.propagate_until(1.7)
    for again in (pickle.loads(pickle.dumps(it)), copy.deepcopy(it)):
        assert again.propagate_until(4.0).tobytes() == copy.copy(again).y.tobytes()
        found = [again.t_events[0].tolist(), again.t_events[1].tolist(), again.t_doses.tolist()]
    it.propagate_until(4.0)
    assert again.y.tobytes() == it.y.tobytes()
    assert found == [it.t_events[0].tolist(), it.t_events[1].tolist(), it.t_doses.tolist()]


def test_steps_without_a_bound_are_as_long_as_the_solution_says():
    for fun, y0 in ((fall, [0.5, 0.0]), (lambda t, y: [1.0], [0.0]), (lambda t, y: 0 * y, [3.0])):
        one, other = (
            TaylorIntegrator(fun, 0.0, y0),
            TaylorIntegrator(fun, 0.0, [*map(mpmath.mpf, y0)]),
        )
        for _ in range(5):
            h, t = one.step(), one.t
            assert 0 < h <= 64 * max(1, t - h) and h == pytest.approx(float(other.step()), rel=1e-9)
    it = TaylorIntegrator(fall, 0.0, [0.5, 0.0], events=bounce)
    for _ in range(4):
        it.step()
    assert it.t_events[0][:2] == pytest.approx([1.0, 2.0])


def test_what_is_wrong_is_said_at_once():
    with pytest.raises(TypeError, match="an event is a function"):
        TaylorIntegrator(fall, 0.0, [0.5, 0.0], events=[1.0])
    with pytest.raises(TypeError, match="dosing is"):
        MethodIntegrator(fall, 0.0, [0.5, 0.0], "BDF", dosing=3.0)
    assert TaylorIntegrator(fall, 0.0, [0.5, 0.0]).t_events is None


@pytest.mark.parametrize("method", [None, "RadauIIA", "BDF"])
@pytest.mark.parametrize(
    "span", [(0.0, 5.0), (5.0, 0.0), (1.0, 3.0), (2.0, 7.0), (-3.0, 3.0)], ids=str
)
def test_a_root_at_an_end_is_one_and_at_the_start_none(method, span):
    # sin πt is not zero in floats where t is whole
    exact = np.arange(1, abs(span[1] - span[0]) + 1) * np.sign(span[1] - span[0]) + span[0]
    whole = lambda t, y: np.sin(np.pi * t)
    along = lambda t, y: np.sin(np.pi * y[0])
    for y0 in (span[0], span[0] + 1):  # of the time, of a state
        r = solve_ivp(lambda t, y: [1.0], span, [y0], method, events=[whole, along])
        assert r.t_events[0] == pytest.approx(exact, rel=4e-16, abs=1e-16)
        if method is None:
            assert r.t_events[1] == pytest.approx(exact, rel=1e-14, abs=1e-14)
