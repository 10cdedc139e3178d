"""An ensemble is its members one by one, wherever and in however many pieces it is computed."""

import functools
import multiprocessing
import os
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import taylor
from taylor.errors import IntegrationError, ShapeMismatch
from taylor.ode import (
    TaylorIntegrator,
    ensemble,
    lanes,
    machine,
    solve_ensemble,
    solve_ivp,
    watched,
)
from taylor.ode.members import Problem, in_lanes
from taylor.ode.options import Options

RNG = np.random.default_rng(5)
A = RNG.normal(size=(3, 3))
END = 2 * np.pi


def kepler(t, y, mu=1.0):
    return [y[2], y[3], *(-mu * y[:2] * (y[0] ** 2 + y[1] ** 2) ** -1.5)]


def orbits(e, mu=1.0):
    """Return the perihelia of orbits of semi-major axis 1."""
    e = np.asarray(e)
    return np.stack([1 - e, 0 * e, 0 * e, np.sqrt(mu * (1 + e) / (1 - e))], axis=1)


ECCENTRICITIES = np.linspace(0.0, 0.8, 53)
ORBITS = orbits(ECCENTRICITIES)


def springs(t, y):
    """Return the motion of three bodies on a plane, held together by springs."""
    q, v = y[:6].reshape(3, 2), y[6:]
    d = q[[0, 0, 1]] - q[[1, 2, 2]]
    pull = d * (1 - 1 / np.sqrt(1 + np.sum(d * d, axis=1)))[:, None]
    signs = np.array([[-1.0, -1, 0], [1, 0, -1], [0, 1, 1]])
    return np.concatenate([v, (signs @ pull).reshape(-1)])


SYSTEMS = {
    "pendulum": (lambda t, y: [y[1], -np.sin(y[0]) + np.cos(2 * t) * t**2 / 50], (2,)),
    "matrix": (lambda t, y: A @ np.tanh(y), (3,)),
    "polynomial": (lambda t, y: t**3 * y / 50 - y + t**2, (2,)),
    "quotient": (lambda t, y: [y[1], -y[0] / (1 + t * t / 10) / (1 + y[1] ** 2)], (2,)),
    "number": (lambda t, y: np.sin(y) * t, ()),
    "square": (lambda t, y: np.cos(y @ y.T) @ y / 2, (2, 2)),
    "springs": (springs, (12,)),
    "constant": (lambda t, y: [1.0, y[0]], (2,)),
    "zero": (lambda t, y: 0 * y, (2,)),
    "power": (lambda t, y: (1 + y * y) ** 0.3 * np.sin(t) - taylor.erf(y), (2,)),
    "solve": (
        lambda t, y: np.linalg.solve(3 * np.eye(2) + np.outer(np.sin(y), np.cos(y)), y) * np.cos(t),
        (2,),
    ),
}


# ------------------------------------------------------------------ members are alone
@pytest.mark.parametrize("name", SYSTEMS)
def test_members_are_those_of_solve_ivp(name):
    fun, shape = SYSTEMS[name]
    y0 = RNG.uniform(-1, 1, (19, *shape))
    times = [2.5, 8.0]
    r = solve_ensemble(fun, (0.0, 8.0), y0, t_eval=times)
    assert r.success.all()
    assert r.y.shape == (19, *shape, 2)
    for i in (0, 7, 18):
        alone = solve_ivp(fun, (0.0, 8.0), y0[i], t_eval=times)
        size = 1 + np.abs(alone.y).max()
        np.testing.assert_allclose(r.y[i], alone.y, rtol=0, atol=4e-15 * size)


@pytest.mark.parametrize("name", sorted(SYSTEMS.keys() - {"solve"}))
def test_they_run_in_lanes(name):
    fun, shape = SYSTEMS[name]
    y0 = RNG.uniform(-1, 1, (2, *shape))
    problem = Problem(fun, shape, 0.0, np.array([1.0]), Options(), np.inf)
    problem, parameters = in_lanes(problem, y0, [()] * 2)
    assert parameters.shape == (1, 0)


@pytest.mark.parametrize("unit", [8, 16, 32])
@pytest.mark.parametrize("count", [1, 8, 53])
def test_bits_do_not_depend_on_lanes(unit, count):
    it = TaylorIntegrator(kepler, 0.0, ORBITS[0])
    many = lanes.Lanes(it.system.program, it.order, it.factor, unit)
    problem = Problem(kepler, (4,), 0.0, np.array([2.0, END]), Options(), np.inf)
    rows = problem.begun(ORBITS[:count], ())
    state = problem.named(rows)
    state["limit"] = 1000
    many.run(rows, problem.record, problem.targets)
    assert (state["code"] == machine.DONE).all()
    assert (state["column"] == 2).all()
    whole = solve_ensemble(kepler, (0.0, END), ORBITS, t_eval=[2.0, END])
    np.testing.assert_array_equal(state["found"].transpose(0, 2, 1), whole.y[:count])
    np.testing.assert_array_equal(state["y"], whole.y_last[:count])
    np.testing.assert_array_equal(state["steps"], whole.steps[:count])


def test_large_systems_take_fewer_lanes():
    assert lanes.CACHE < 1 << 21
    fun = lambda t, y: A[0, 0] * np.sin(y) * np.cos(y)
    it = TaylorIntegrator(fun, 0.0, np.ones(100))
    assert lanes.Lanes(it.system.program, it.order, it.factor).unit < lanes.UNIT


# ------------------------------------------------------------------ what is given
def test_arguments_of_each_member():
    mu = np.linspace(0.5, 2.0, 11)
    r = solve_ensemble(kepler, (0.0, 3.0), orbits(0.3 + 0 * mu, mu), args=[(m,) for m in mu])
    one = solve_ensemble(kepler, (0.0, 3.0), orbits([0.3], mu[4]), args=(mu[4],))
    np.testing.assert_array_equal(r.y[4], one.y[0])
    alone = solve_ivp(kepler, (0.0, 3.0), orbits([0.3], mu[4])[0], args=(mu[4],))
    np.testing.assert_allclose(r.y[4, :, -1], alone.y[:, -1], rtol=0, atol=3e-15)


def test_arguments_of_any_kind():
    def fun(t, y, f, m, name):
        return f(m @ y) if name == "plain" else 0 * y

    m = RNG.normal(size=(7, 2, 2))
    y0 = np.ones((7, 2))
    r = solve_ensemble(fun, (0.0, 1.0), y0, args=[(np.sin, a, "plain") for a in m])
    alone = solve_ivp(fun, (0.0, 1.0), y0[3], args=(np.sin, m[3], "plain"))
    np.testing.assert_allclose(r.y_last[3], alone.y[:, -1], rtol=1e-14)
    mixed = [(np.sin if i % 2 else np.cos, a, "plain") for i, a in enumerate(m)]
    r = solve_ensemble(fun, (0.0, 1.0), y0, args=mixed)
    alone = solve_ivp(fun, (0.0, 1.0), y0[4], args=(np.cos, m[4], "plain"))
    np.testing.assert_allclose(r.y_last[4], alone.y[:, -1], rtol=1e-14)


def test_times():
    y0 = RNG.uniform(0.5, 1, (20, 1))
    times = np.array([0.0, 0.5, 2.0])
    r = solve_ensemble(lambda t, y: -y, (0.0, 3.0), y0, t_eval=times)
    np.testing.assert_allclose(r.y, y0[..., None] * np.exp(-times), rtol=1e-14)
    np.testing.assert_array_equal(r.t_last, 3.0)
    back = solve_ensemble(lambda t, y: -y, (3.0, 0.0), r.y_last, t_eval=[2.0, 0.5])
    np.testing.assert_allclose(back.y, r.y[..., [2, 1]], rtol=1e-13)
    none = solve_ensemble(lambda t, y: -y, (0.0, 3.0), y0, t_eval=[])
    assert none.y.shape == (20, 1, 0)
    np.testing.assert_array_equal(none.t_last, 3.0)
    still = solve_ensemble(lambda t, y: -y, (1.0, 1.0), y0)
    np.testing.assert_array_equal(still.y_last, y0)


def test_tolerance_order_and_steps():
    loose = solve_ensemble(kepler, (0.0, END), ORBITS, tol=1e-6)
    tight = solve_ensemble(kepler, (0.0, END), ORBITS)
    error = np.abs(loose.y_last - ORBITS).max(axis=1)
    assert 1e-9 < error.max() < 1e-3
    np.testing.assert_allclose(tight.y_last, ORBITS, rtol=0, atol=2e-12)
    high = solve_ensemble(kepler, (0.0, END), ORBITS, order=30)
    assert (high.steps < tight.steps).all()
    short = solve_ensemble(kepler, (0.0, END), ORBITS, max_step=0.05)
    assert short.steps.min() == np.ceil(END / 0.05)
    small = solve_ensemble(lambda t, y: -y, (0.0, 40.0), [1.0], tol=1e-9, atol=1e-3)
    assert small.steps < solve_ensemble(lambda t, y: -y, (0.0, 40.0), [1.0], tol=1e-9).steps


def test_no_members():
    r = solve_ensemble(kepler, (0.0, 1.0), np.zeros((0, 4)))
    assert r.y.shape == (0, 4, 2)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"y0": 1.0}, ShapeMismatch, "first axis"),
        ({"y0": np.zeros((2, 4), np.float32)}, TypeError, "float64"),
        ({"args": [1.0]}, TypeError, "one tuple for each"),
        ({"args": [(1.0,)]}, ShapeMismatch, "np.tile"),
        ({"t_eval": [2.0]}, ValueError, "within t_span"),
        ({"t_eval": [0.5, 0.5]}, ValueError, "each once"),
        ({"t_span": (0.0,)}, ValueError, "t_span"),
        ({"tol": 2.0}, ValueError, "tolerance"),
        ({"order": 1}, ValueError, "order"),
        ({"max_step": 0.0}, ValueError, "max_step"),
        ({"max_steps": 0}, ValueError, "max_steps"),
        ({"fun": lambda t, y: y[:2]}, ShapeMismatch, "shape"),
    ],
)
def test_wrong_use(change, error, words):
    given = {"fun": kepler, "t_span": (0.0, 1.0), "y0": ORBITS} | change
    with pytest.raises(error, match=words):
        solve_ensemble(**given)


# ------------------------------------------------------------------ members that fail
def test_a_failed_member_does_not_lose_the_others():
    y0 = np.array([0.5, 2.0, np.nan, 0.2])
    times = np.array([0.25, 1.0])
    r = solve_ensemble(lambda t, y: y * y, (0.0, 1.0), y0, t_eval=times)
    np.testing.assert_array_equal(r.status, [0, -1, -1, 0])
    np.testing.assert_allclose(r.y[[0, 3]], y0[[0, 3], None] / (1 - y0[[0, 3], None] * times))
    np.testing.assert_allclose(r.y[1, 0], 4.0)
    assert np.isnan(r.y[1, 1])
    np.testing.assert_allclose(r.t_last, [1.0, 0.5, 0.0, 1.0], atol=1e-9)
    assert "t = 0.5" in r.message[1] or "t = 0.49" in r.message[1]
    assert np.isfinite(r.y_last[1])


def hard(t, y, wall=1.0):
    """Return the speed of something that bounces where y = wall, and has no value below zero."""
    if y[0] > wall:
        return [-2.0]
    return np.sqrt(y)


def test_members_in_which_fun_branches():
    y0 = np.array([[0.25], [-1.0], [2.0], [0.0001]])
    r = solve_ensemble(hard, (0.0, 1.0), y0, t_eval=[0.5, 1.0], args=[(1.9,)] * 4)
    np.testing.assert_array_equal(r.status, [0, -1, 0, 0])
    np.testing.assert_allclose(r.y[0, 0], [0.5625, 1.0], rtol=1e-12)
    assert "nan" in r.message[1]
    np.testing.assert_allclose(r.y[2, 0], 1.9, rtol=1e-15)  # slides where fun jumps


@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")  # complex states
def test_complex_members():
    y0 = np.array([[1.0 + 0j], [1j]])
    r = solve_ensemble(lambda t, y: 1j * y, (0.0, 2.0), y0)
    np.testing.assert_allclose(r.y_last, y0 * np.exp(2j), rtol=1e-14)


def test_steps_may_be_limited():
    r = solve_ensemble(kepler, (0.0, END), ORBITS, max_steps=30)
    whole = solve_ensemble(kepler, (0.0, END), ORBITS)
    np.testing.assert_array_equal(r.success, whole.steps <= 30)
    assert (r.steps[~r.success] == 30).all()
    assert "raise max_steps" in r.message[-1]
    assert 0 < r.t_last[-1] < END
    r = solve_ensemble(hard, (0.0, 1.0), [[0.25], [0.5]], max_step=0.1, max_steps=4)
    assert (r.status == -1).all()
    assert (r.steps == 4).all()


# ------------------------------------------------------------------ in other places
def spawned():
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


def forked():
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork"))


POOLS = {"threads": lambda: ThreadPoolExecutor(2), "spawn": spawned}
if "fork" in multiprocessing.get_all_start_methods():
    POOLS["fork"] = forked


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
@pytest.mark.parametrize("pool", POOLS)
def test_executors_give_the_same_bits(pool):
    here = solve_ensemble(kepler, (0.0, END), ORBITS)
    branching = solve_ensemble(hard, (0.0, 0.5), [[0.25], [0.5]])
    with POOLS[pool]() as executor:
        there = solve_ensemble(kepler, (0.0, END), ORBITS, executor=executor, chunk=20)
        alone = solve_ensemble(hard, (0.0, 0.5), [[0.25], [0.5]], executor=executor)
        one = functools.partial(solve_ensemble, lambda t, y: -y, (0.0, 1.0), [1.0])
        np.testing.assert_array_equal(one(executor=executor).y, one().y)
    np.testing.assert_array_equal(there.y, here.y)
    np.testing.assert_array_equal(alone.y, branching.y)


def test_threads_give_the_same_bits():
    one, two = (solve_ensemble(kepler, (0.0, END), ORBITS, threads=n, chunk=16) for n in (1, 2))
    np.testing.assert_array_equal(one.y, two.y)


def test_what_cannot_be_sent_is_said():
    with spawned() as executor, pytest.raises(TypeError, match="top of a module"):
        solve_ensemble(lambda t, y: abs(y) + 1, (0.0, 1.0), [1.0], executor=executor)


class Unreliable(Executor):
    """Runs tasks at once, but loses some of them, and at last is gone."""

    def __init__(self, lost, gone=1000):
        self.lost, self.gone, self.count = lost, gone, 0

    def submit(self, fn, /, *args, **kwargs):
        self.count += 1
        if self.count > self.gone:
            raise RuntimeError("no workers")
        future = Future()
        if self.count in self.lost:
            future.set_exception(OSError("the worker died"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def test_a_lost_task_does_not_lose_the_others(tmp_path):
    whole = solve_ensemble(kepler, (0.0, END), ORBITS)
    place = tmp_path / "state.npz"
    executor = Unreliable({2}, gone=3)
    r = solve_ensemble(kepler, (0.0, END), ORBITS, executor=executor, chunk=16, checkpoint=place)
    fine = (np.arange(53) < 16) | (np.arange(53) // 16 == 2)
    np.testing.assert_array_equal(r.success, fine)
    np.testing.assert_array_equal(r.y[fine], whole.y[fine])
    assert "the worker died" in r.message[20]
    assert "no workers" in r.message[-1]
    again = solve_ensemble(kepler, (0.0, END), ORBITS, checkpoint=place)
    np.testing.assert_array_equal(again.y, whole.y)


def test_an_executor_that_does_nothing_is_an_error():
    with pytest.raises(IntegrationError, match="the worker died"):
        solve_ensemble(kepler, (0.0, END), ORBITS, executor=Unreliable({1}), chunk=100)


# ------------------------------------------------------------------ going on
@pytest.fixture
def short_tasks(monkeypatch):
    """Make tasks of few steps."""
    monkeypatch.setattr(ensemble, "WORK", 1)


class Stop(Exception):
    pass


def stop_at(share):
    """Return a progress function that stops at a share of the work."""

    def progress(done, left):
        if done >= share * (done + left):
            raise Stop

    return progress


@pytest.mark.parametrize("times", [None, np.linspace(1.0, 50.0, 7)])
def test_an_interrupted_run_goes_on_bit_for_bit(tmp_path, short_tasks, times):
    run = functools.partial(solve_ensemble, kepler, (0.0, 50.0), ORBITS, t_eval=times, threads=1)
    whole = run()
    place = tmp_path / "state.npz"
    for share in (0.2, 0.5, 0.9):
        with pytest.raises(Stop):
            run(checkpoint=place, progress=stop_at(share))
        with np.load(place) as saved:
            assert 0 < saved["steps"].sum() < whole.steps.sum()
    r = run(checkpoint=place)
    for name in ("t", "y", "t_last", "y_last", "steps", "status", "message"):
        np.testing.assert_array_equal(r[name], whole[name])
    assert os.listdir(tmp_path) == ["state.npz"]


@pytest.mark.parametrize(
    ("fun", "y0", "few"), [(kepler, ORBITS, 25), (hard, np.linspace(0.1, 0.9, 4)[:, None], 3)]
)
def test_a_run_out_of_steps_goes_on(tmp_path, fun, y0, few):
    whole = solve_ensemble(fun, (0.0, 4.0), y0, args=(9.0,), max_step=0.3)
    run = functools.partial(
        solve_ensemble,
        fun,
        (0.0, 4.0),
        y0,
        args=(9.0,),
        max_step=0.3,
        checkpoint=tmp_path / "state.npz",
    )
    assert not run(max_steps=few).success.all()
    r = run()
    np.testing.assert_array_equal(r.y, whole.y)
    np.testing.assert_array_equal(r.steps, whole.steps)


def test_failures_are_kept(tmp_path):
    place = tmp_path / "state.npz"
    run = functools.partial(
        solve_ensemble, lambda t, y: y * y, (0.0, 1.0), [0.5, 2.0], checkpoint=place
    )
    first, second = run(), run()
    assert first.message[1] == second.message[1]
    np.testing.assert_array_equal(first.status, second.status)


@pytest.mark.parametrize(
    "change",
    [
        {"y0": 2 * ORBITS}, {"args": (1.5,)}, {"t_span": (0.0, 2.0)}, {"tol": 1e-9},
        {"order": 12}, {"max_step": 0.1}, {"fun": lambda t, y: -y}, {"t_eval": [0.5]},
    ],
)  # fmt: skip
def test_the_state_of_another_problem_is_refused(tmp_path, change):
    given = {"fun": kepler, "t_span": (0.0, 1.0), "y0": ORBITS}
    solve_ensemble(**given, checkpoint=tmp_path / "state.npz")
    with pytest.raises(ValueError, match="another ensemble"):
        solve_ensemble(**(given | change), checkpoint=tmp_path / "state.npz")


def test_progress(short_tasks, capsys):
    seen = []
    solve_ensemble(kepler, (0.0, 20.0), ORBITS, progress=lambda *n: seen.append(n))
    assert seen == sorted(seen) and {sum(n) for n in seen} == {len(ORBITS)}
    assert 0 < seen[0][0] < seen[-1][0] == len(ORBITS)
    solve_ensemble(kepler, (0.0, 20.0), ORBITS, progress=True)
    assert "100%" in capsys.readouterr().err


# ------------------------------------------------------------------ events and branches
def swing(t, y, k):
    return [y[1], -k * np.sin(y[0])]


def height(t, y, k):
    return y[0]


def turn(t, y, k):
    return y[1]


def falls(t, y, k):
    return [y[1], -k]


def floor(t, y, k):
    return y[0]


def limit(t, y, k):
    return y[0] + k


def tick(t, y, k):
    return np.sin(3 * t)


def kink(t, y, k):
    return abs(y[0]) - 0.3 * k


turn.direction, limit.terminal, floor.direction = -1, 2, -1
floor.callback = lambda t, y, k: [0.0, -0.9 * y[1]]
tick.callback = lambda t, y, k: ([y[0], y[1] + 0.1], (k * 0.9,))


def switched(t, y, k):
    return [y[1], -k * y[0] if y[0] > 0 else -0.2 * y[0] + 0.1]


def chosen(t, y, k):
    return [y[1], -k * y[0] * np.where(y[0] > 0.1, 2.0, 0.5) - 0.1 * abs(y[1])]


def limited(t, y, k):
    return [y[1], np.clip(-k * y[0] - 0.3 * y[1], -0.5, 0.5)]


def dragged(t, y, k):
    return [y[1], -y[0] - k * np.sqrt(y[1] ** 2) * y[1]]


WATCHED = {
    "crossings": (swing, [height, turn]),
    "a terminal one": (swing, [limit, turn]),
    "resets": (falls, floor),
    "resets by a clock, of arguments": (swing, [tick, height]),
    "events with kinks": (swing, kink),
    "branches by if": (switched, None),
    "branches by where": (chosen, None),
    "limiters": (limited, None),
    "roots through zero": (dragged, None),
    "branches and events": (limited, [turn, limit]),
    "branches by if and events": (switched, [turn, limit]),
}


@pytest.mark.parametrize("name", WATCHED)
@pytest.mark.parametrize("span", [(0.0, 7.0), (3.0, -2.0)])
def test_watched_members_are_those_of_solve_ivp(name, span):
    fun, events = WATCHED[name]
    y0 = np.stack([RNG.uniform(0.5, 1.5, 9), RNG.normal(size=9) * 0.5], axis=1)
    args = [(float(k),) for k in RNG.uniform(0.5, 1.0, 9)]
    times = np.linspace(*span, 5)[1:]
    given = {"t_eval": times, "events": events, "dense_output": True}
    r = solve_ensemble(fun, span, y0, args=args, **given)
    for i in range(9):
        alone = solve_ivp(fun, span, y0[i], args=args[i], **given)
        assert (r.status[i], r.message[i][:16]) == (alone.status, alone.message[:16])
        here = np.isfinite(r.y[i, 0])
        np.testing.assert_array_equal(times[here], alone.t)
        np.testing.assert_allclose(r.y[i][:, here], alone.y, rtol=0, atol=3e-14)
        for mine, other in zip(r.t_events[i] if events else [], alone.t_events or [], strict=True):
            np.testing.assert_allclose(mine, other, rtol=0, atol=3e-14)
        for mine, other in zip(r.y_events[i] if events else [], alone.y_events or [], strict=True):
            np.testing.assert_allclose(mine, other, rtol=0, atol=1e-13)
        middle = np.linspace(span[0], r.t_last[i], 7)[1:-1] + 1e-3
        np.testing.assert_allclose(r.sol[i](middle), alone.sol(middle), rtol=0, atol=3e-13)
        assert r.error[i] < 1e-13


@pytest.mark.parametrize("name", WATCHED)
def test_watched_members_do_not_depend_on_tasks(name, short_tasks, tmp_path):
    fun, events = WATCHED[name]
    y0 = np.stack([RNG.uniform(0.5, 1.5, 21), RNG.normal(size=21) * 0.5], axis=1)
    run = functools.partial(solve_ensemble, fun, (0.0, 5.0), y0, args=(0.7,), events=events)
    whole = run(threads=1, chunk=100)
    few = run(threads=2, chunk=4)
    part = run(max_steps=3, checkpoint=tmp_path / "state.npz")
    rest = run(checkpoint=tmp_path / "state.npz")
    assert (part.steps <= 6).all()  # (a step that is taken again counts)
    for r in (few, rest):
        np.testing.assert_array_equal(r.status, whole.status)
        np.testing.assert_allclose(r.y_last, whole.y_last, rtol=0, atol=2e-14)
        for mine, other in zip(r.t_events or [], whole.t_events or [], strict=True):
            for a, b in zip(mine, other, strict=True):
                np.testing.assert_allclose(a, b, rtol=0, atol=2e-14)


# ------------------------------------------------------------------ methods for stiff problems
def relaxing(t, y, rate):
    return rate * (np.cos(t) - y)


@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA", "auto"])
def test_members_by_a_method_are_its_solutions_one_by_one(method, tmp_path):
    rates, times = [1e2, 1e4, 1e6], [0.5, 1.0, 2.0]
    y0 = np.array([[0.0], [1.0], [2.0]])
    given = {"method": method, "t_eval": times, "tol": 1e-6}
    r = solve_ensemble(relaxing, (0.0, 2.0), y0, args=[(k,) for k in rates], **given)
    for i, k in enumerate(rates):
        alone = solve_ivp(relaxing, (0.0, 2.0), y0[i], args=(k,), **given)
        assert np.allclose(r.y[i], alone.y, rtol=1e-9)
    assert r.success.all() and r.steps.min() > 1
    path = tmp_path / "members.npz"
    some = solve_ensemble(
        relaxing, (0.0, 2.0), y0, args=(1e4,), checkpoint=path, max_steps=5, **given
    )
    assert not some.success.any()
    rest = solve_ensemble(relaxing, (0.0, 2.0), y0, args=(1e4,), checkpoint=path, **given)
    assert rest.success.all() and np.allclose(rest.y[..., -1], np.cos(2.0), atol=1e-3)
    with pytest.raises(ValueError, match="another ensemble"):
        solve_ensemble(
            relaxing, (0.0, 2.0), y0, args=(1e4,), checkpoint=path, **given | {"tol": 1e-5}
        )


def test_a_member_that_a_method_cannot_finish_fails_alone():
    r = solve_ensemble(
        lambda t, y: y * y, (0.0, 1.0), [0.5, 2.0], "Radau", t_eval=[0.25, 1.0], max_steps=500
    )
    assert r.success.tolist() == [True, False] and np.isnan(r.y[1, 1])
    assert np.allclose(r.y[:, 0], [0.5 / 0.875, 4.0], rtol=1e-5)
    with pytest.raises(ValueError, match="method is one of"):
        solve_ensemble(lambda t, y: -y, (0.0, 1.0), [0.5], "Rado")


@pytest.mark.parametrize("name", ["crossings", "branches by if", "branches by where"])
def test_members_that_branch_stay_in_lanes(name, monkeypatch):
    fun, events = WATCHED[name]
    alone = []
    march = watched.march
    monkeypatch.setattr(watched, "march", lambda *given: alone.append(1) or march(*given))
    y0 = np.stack([RNG.uniform(0.5, 1.5, 200), RNG.normal(size=200) * 0.5], axis=1)
    r = solve_ensemble(fun, (0.0, 7.0), y0, args=(0.7,), events=events, threads=1, chunk=200)
    assert r.success.all()
    assert len(alone) < 50  # of 200 members with some changes of branch, or events, each


@pytest.mark.parametrize("mode", [taylor.jacobian, taylor.gradient])
def test_times_that_are_differentiated(mode):
    """The derivative of y(t1) is y'(t1), of that for t0 -y'(t0) carried on; t_eval moves too."""

    def end(x):
        r = solve_ensemble(lambda t, y, k: -k * t * y, (x[0], x[1]), np.array([[1.0], [2.0]]),
                           args=(x[2],))  # fmt: skip
        return np.sum(r.y[:, 0, -1]) + np.sum(r.y_last)

    t0, t1, k = x = np.array([0.3, 1.4, 0.7])
    y = 6 * np.exp(-k * (t1**2 - t0**2) / 2)
    exact = [k * t0 * y, -k * t1 * y, -(t1**2 - t0**2) / 2 * y]
    assert mode(end, x) == pytest.approx(exact, rel=1e-12)

    def asked(x):
        r = solve_ensemble(lambda t, y: -y, (0.0, 3.0), np.array([[1.0], [2.0]]), t_eval=x)
        assert r.y.shape == (2, 1, 3)
        return np.sum(r.y)

    times = np.array([0.3, 0.7, 3.0])
    assert mode(asked, times) == pytest.approx(-3 * np.exp(-times), rel=1e-12)


def test_callbacks_change_nothing_that_members_share():
    """Each member would read what others have left: what changes is in the arguments."""
    held = {"on": 1.0}
    met = []

    def heated(t, y, k):
        return k * (held["on"] * 40.0 - y)

    def warm(t, y, k):
        return y[0] - 21.0

    def given(t, y, k, on):
        return k * (on * 40.0 - y)

    warm.callback = lambda t, y, k: held.update(on=0.0)
    r = solve_ensemble(heated, (0.0, 1.0), np.array([[20.0]]), args=(0.8,), events=[warm])
    assert not r.success[0]
    assert "changed a dict" in r.message[0]
    assert "return (y, new args)" in r.message[0]
    warm.callback = lambda t, y, k, on: (met.append(float(t)), (y, (k, 0.0)))[1]
    hot = lambda t, y, k, on: warm(t, y, k)
    hot.callback = warm.callback
    r = solve_ensemble(given, (0.0, 1.0), np.array([[20.0]]), args=(0.8, 1.0), events=[hot])
    assert r.success[0] and len(met) == 1
    t = np.log(20 / 19) / 0.8
    assert r.y[0, 0, -1] == pytest.approx(21 * np.exp(-0.8 * (1 - t)), rel=1e-12)
