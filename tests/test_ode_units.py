"""Times and states of every size: y' = w·y over 1/w is the same problem for each w = 2^k."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp as scipy_solve

import taylor
from taylor import IntegrationError
from taylor.ode import (
    Solution,
    TaylorIntegrator,
    TaylorSolver,
    flow_map,
    solve_ensemble,
    solve_ivp,
    value_and_gradient,
)

POWERS = [-900, -300, -100, -80, -60, -41, -39, -20, 0, 20, 39, 41, 53, 55, 57, 100, 300, 900]
FAR = [-900, -100, -60, 57, 300]


def growing(t, y, w):
    return w * y


def turning(t, y, w):
    return [w * y[1], -w * y[0]]


def second_order(t, y, w):
    return [y[1], -w * w * y[0]]


@pytest.mark.parametrize("sign", [1, -1])
def test_growth_and_decay(sign):
    ends = {
        float(solve_ivp(growing, (0.0, 3 / w), [1.0], args=(sign * w,)).y[0, -1])
        for w in 2.0 ** np.array(POWERS)
    }
    assert len(ends) == 1 and ends.pop() == pytest.approx(np.exp(3.0 * sign), rel=1e-15)


@pytest.mark.parametrize("fun", [turning, second_order])
def test_oscillators(fun):
    for k in POWERS:
        if abs(k) < 500 or fun is turning:
            w = 2.0**k
            start = [np.cos(20.0), -np.sin(20.0) * (1 if fun is turning else w)]
            r = solve_ivp(fun, (20 / w, 0.0), start, args=(w,))
            assert r.status == 0 and abs(r.y[0, -1] - 1) < 1e-14, k


@pytest.mark.parametrize("k", FAR)
def test_everything_that_knows_a_time(k, tmp_path):
    w = 2.0**k
    t = np.array([0.5, 1.0, 2.0])
    seen = []

    def half(t, y, w):
        return y[0] - 0.5

    half.direction = -1
    half.callback = lambda t, y, w: seen.append(t)
    r = solve_ivp(
        growing, (0.0, 2 / w), [1.0], args=(-w,), t_eval=t / w, dense_output=True, events=half,
        dosing=([1 / w], [[0.25]]), max_step=0.5 / w,
    )  # fmt: skip
    after = np.exp(-1.0) + 0.25
    assert np.allclose(r.t * w, t, rtol=1e-15) and np.allclose(r.t_doses * w, 1.0, rtol=1e-15)
    assert np.allclose(r.y[0], [np.exp(-0.5), after, after * np.exp(-1)], rtol=1e-14)
    assert np.allclose(r.t_events[0] * w, [np.log(2), 1 + np.log(2 * after)], rtol=1e-14)
    assert np.array_equal(seen, r.t_events[0])
    assert np.isclose(r.sol(0.25 / w)[0], np.exp(-0.25), rtol=1e-14)
    assert np.isclose(r.sol.derivative(0.25 / w)[0] / w, -np.exp(-0.25), rtol=1e-13)
    r.sol.save(tmp_path / "sol.npz")
    assert np.array_equal(Solution.load(tmp_path / "sol.npz")(t / w), r.sol(t / w))


@pytest.mark.parametrize("k", FAR)
def test_every_door(k):
    w = 2.0**k
    r = solve_ensemble(growing, (0.0, 2 / w), [[1.0], [2.0]], args=(w,), t_eval=[1 / w, 2 / w])
    assert np.allclose(r.y[:, 0], np.outer([1, 2], np.exp([1, 2])), rtol=1e-14)
    assert np.allclose(r.t * w, [1, 2]) and np.allclose(r.t_last * w, 2)
    r = solve_ensemble(
        growing,
        (0.0, 2 / w),
        [[1.0]],
        args=(w,),
        events=lambda t, y, w: y[0] - 2,
        dense_output=True,
    )
    assert np.allclose(r.t_events[0][0] * w, np.log(2)) and np.allclose(r.sol[0](1 / w), np.e)
    s = scipy_solve(
        growing, (0.0, 2 / w), [1.0], args=(w,), method=TaylorSolver, t_eval=[1 / w, 2 / w]
    )
    assert np.allclose(s.y[0], np.exp([1, 2]), rtol=1e-14) and np.allclose(s.t * w, [1, 2])
    _, dy, (dw,) = value_and_gradient(lambda y: y[0], growing, (0.0, 2 / w), [1.0], args=(w,))
    assert np.allclose([dy[0], dw * w], [np.exp(2), 2 * np.exp(2)], rtol=1e-13)
    m = flow_map(growing, (0.0, 2 / w), [1.0], 2, args=(w,))
    assert np.allclose(m.coef[:, 0], [np.exp(2), np.exp(2), 0], rtol=1e-13)
    slope = taylor.gradient(
        lambda t: solve_ivp(growing, (0.0, t), [1.0], args=(w,)).y[0, -1], 2 / w
    )
    assert np.isclose(slope / w, np.exp(2), rtol=1e-13)


def test_states_of_every_size():
    for k in (-950, -300, 300, 1000):
        s = 2.0**k
        y = solve_ivp(lambda t, y, s: y * (1 - y / s), (0.0, 3.0), [s / 10], args=(s,)).y[0, -1]
        assert y / s == pytest.approx(1 / (1 + 9 * np.exp(-3)), rel=1e-15)


def test_what_is_too_long_for_a_stepper_is_said():
    it = TaylorIntegrator(turning, 0.0, [1.0, 0.0], args=(2.0**-100,))
    with pytest.raises(IntegrationError, match="units of time"):
        it.propagate_until(2.0**101)
    for machine in (True, False):
        it = TaylorIntegrator(turning, 0.0, [1.0, 0.0], args=(2.0**-55,))
        it._memory = it._memory if machine else None
        assert abs(it.propagate_until(2.0**56)[0] - np.cos(2.0)) < 1e-14
    with pytest.raises(IntegrationError, match="units of time"):
        TaylorIntegrator(growing, 0.0, [1.0], args=(1e17,)).propagate_until(1e-17)


def test_messages_name_the_unit():
    r = solve_ivp(lambda t, y: 1e-20 * y * y, (0.0, 2e20), [1.0])
    assert r.status == -1 and abs(r.t[-1] / 1e20 - 1) < 1e-9 and "in units of" in r.message
