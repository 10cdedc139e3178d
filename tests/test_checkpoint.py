"""Checkpointed loops: the schedule is optimal, the derivatives are those of the plain loop."""

import functools
import tracemalloc

import numpy as np
import pytest
from shared import agrees

import taylor
from hyperdual import HyperDual
from taylor import Taylor, TaylorN
from taylor.core.graded import multivariate
from taylor.core.program import expand
from taylor.core.sweep import sweep
from taylor.drivers.checkpoint import checkpoint, count, schedule, sizes
from taylor.drivers.several import pullback
from taylor.drivers.transform import reverse


# ------------------------------------------------------------------ the schedule
@functools.cache
def fewest(n, c):
    """The least number of steps run again with c snapshots, by trying every first split."""
    if n <= 1:
        return 0
    if c == 1:
        return n * (n - 1) // 2
    return min(m + fewest(n - m, c - 1) + fewest(m, c) for m in range(1, n))


def test_the_schedule_is_optimal():
    for n in range(61):
        for c in range(1, 10):
            assert count(n, c) == fewest(n, c), (n, c)


@pytest.mark.parametrize("n, c", [(1, 1), (2, 1), (7, 2), (100, 3), (100, 7), (1000, 20), (50, 90)])
def test_the_schedule_reverses_every_step_once_within_its_memory(n, c):
    held, reversed_steps = {0}, []
    for start, stop, keep in schedule(n, c):
        assert start in held and start == max(held) and stop >= start
        if keep:
            held.add(stop)
            assert len(held) <= c
        else:
            reversed_steps.append(stop)
            held = {i for i in held if i < stop} | {0}
    assert reversed_steps == list(range(n))[::-1]


def test_steps_run_again_grow_like_log_n():
    again = [count(n, 2 * n.bit_length()) / n for n in (10, 100, 1000, 10_000, 100_000)]
    assert all(a <= 5 for a in again)
    assert again[-1] - again[0] < 4


# ------------------------------------------------------------------ steps as people write them
def logistic(x):
    return 3.2 * x * (1 - x)


def pendulum(s):
    q, p = s
    p = p - 0.01 * np.sin(q)
    return np.stack([q + 0.01 * p, p])


def diffusion(u):
    return u + 0.2 * (np.roll(u, 1) - 2 * u + np.roll(u, -1)) - 0.01 * u**3


WEIGHTS = np.random.default_rng(0).normal(size=(4, 4)) / 2


def network(s):
    return np.tanh(WEIGHTS @ s)


def newton(x):
    return (x + 2 / x) / 2 if x > 0 else -x


def runge_kutta(s):
    def f(s):
        x, y = s[0], s[1]
        return np.array([0.5 * x - x * y, x * y - 0.7 * y])

    a = f(s)
    b = f(s + 0.005 * a)
    return s + 0.01 * b


STEPS = [
    (logistic, 0.3),
    (pendulum, np.array([0.5, 0.1])),
    (diffusion, np.linspace(0, 1, 12)),
    (network, np.array([0.1, -0.3, 0.2, 0.9])),
    (newton, 5.0),
    (runge_kutta, np.array([1.0, 0.5])),
]
IDS = [s.__name__ for s, _ in STEPS]


def plain(step, n):
    def loop(s, *p):
        for _ in range(n):
            s = step(s, *p)
        return s

    return loop


@pytest.mark.parametrize("step, x", STEPS, ids=IDS)
@pytest.mark.parametrize("n, snapshots", [(1, None), (2, 1), (200, None), (200, 3), (200, 500)])
def test_bit_for_bit_the_plain_loop(step, x, n, snapshots):
    loop, whole = checkpoint(step, n, snapshots=snapshots), plain(step, n)
    assert np.array_equal(loop(x), whole(x))
    y, gradient = taylor.value_and_gradient(lambda s: np.sum(loop(s) ** 2), x)
    expected_y, expected = taylor.value_and_gradient(lambda s: np.sum(whole(s) ** 2), x)
    assert y == expected_y and np.array_equal(gradient, expected)


@pytest.mark.parametrize("step, x", STEPS, ids=IDS)
def test_second_derivatives(step, x):
    loop, whole = checkpoint(step, 20), plain(step, 20)
    v = np.cos(np.arange(np.size(x), dtype=float)).reshape(np.shape(x))

    def along(f):
        return lambda s: np.sum(v * taylor.gradient(lambda s: np.sum(f(s) ** 2), s))

    exact = taylor.gradient(along(whole), x)
    assert taylor.gradient(along(loop), x) == pytest.approx(exact, rel=1e-9, abs=1e-12)
    _, hv = taylor.vjp(lambda s: taylor.gradient(lambda s: np.sum(loop(s) ** 2), s), x, v)
    assert hv == pytest.approx(exact, rel=1e-9, abs=1e-12)
    hv = taylor.hvp(lambda s: np.sum(loop(s) ** 2), x, v)
    assert np.asarray(hv if not isinstance(hv, tuple) else hv[-1]) == pytest.approx(
        exact, rel=1e-9, abs=1e-12
    )
    assert taylor.derivative(
        lambda t: np.sum(v * taylor.gradient(lambda s: np.sum(loop(s) ** 2), x + t * v)), 0.0
    ) == pytest.approx(np.sum(v * exact), rel=1e-9, abs=1e-12)
    assert taylor.gradient(
        lambda s: taylor.derivative(lambda t: np.sum(loop(s + t * v) ** 2), 0.0), x
    ) == pytest.approx(exact, rel=1e-9, abs=1e-12)


def test_third_derivatives_in_every_nesting():
    loop, whole = checkpoint(logistic, 6), plain(logistic, 6)
    exact = taylor.derivative(whole, 0.3, 3)
    grad, der = taylor.gradient, taylor.derivative
    for a in (grad, der):
        for b in (grad, der):
            for c in (grad, der):
                third = a(lambda x: b(lambda x: c(loop, x), x), 0.3)  # noqa: B023
                assert float(third) == pytest.approx(exact, rel=1e-10), (a, b, c)


@pytest.mark.parametrize("step, x", STEPS, ids=IDS)
def test_forward_mode_runs_the_plain_loop(step, x):
    calls = []

    def counted(s):
        calls.append(1)
        return step(s)

    loop, whole = checkpoint(counted, 30), plain(step, 30)
    for s in (
        Taylor.variable(x, 5, direction=np.ones(np.shape(x))),
        TaylorN.variables(np.ravel(x), 2)[0] + x * np.ones(np.shape(x)),
        HyperDual(x, 1, 1),
    ):
        whole(s)  # compiled rows, which are made after some calls, round in their own way
        calls.clear()
        y, expected = loop(s), whole(s)
        assert type(y) is type(s) and np.array_equal(y.coef, expected.coef)
        assert len(calls) == 30


# ------------------------------------------------------------------ parameters and step numbers
def test_parameters():
    def step(s, a, b):
        return s * np.cos(a[0]) + b @ s * 0.1 + a[1] ** 2

    rng = np.random.default_rng(1)
    s, a, b = rng.normal(size=3), rng.normal(size=2), rng.normal(size=(3, 3))
    loop, whole = checkpoint(step, 50), plain(step, 50)

    def objective(f):
        return lambda z: np.sum(f(z[:3], z[3:5], z[5:].reshape(3, 3)) ** 2)

    z = np.concatenate([s, a, b.ravel()])
    exact = taylor.gradient(objective(whole), z)
    assert taylor.gradient(objective(loop), z) == pytest.approx(exact, rel=1e-12)
    v = rng.normal(size=z.size)
    second = taylor.hvp(objective(whole), z, v)
    assert np.asarray(taylor.hvp(objective(loop), z, v)) == pytest.approx(
        np.asarray(second), rel=1e-10
    )
    reverse_twice = taylor.gradient(lambda z: v @ taylor.gradient(objective(loop), z), z)
    assert reverse_twice == pytest.approx(taylor.jvp(
        lambda z: taylor.gradient(objective(whole), z), z, v)[1], rel=1e-10)  # fmt: skip
    # only the parameters vary
    only = taylor.gradient(lambda a: np.sum(loop(s, a, b) ** 2), a)
    assert only == pytest.approx(exact[3:5], rel=1e-12)


def test_step_numbers():
    forcing = np.random.default_rng(2).normal(size=40)

    def step(s, i, a):
        return s + 0.1 * np.sin(a * s) + 0.01 * forcing[i] * s

    def whole(s, a):
        for i in range(40):
            s = step(s, i, a)
        return s

    loop = checkpoint(step, 40, numbered=True)
    assert loop(0.5, 2.0) == whole(0.5, 2.0)
    for x in ([0.5, 2.0], [0.1, -1.0]):
        exact = taylor.gradient(lambda z: whole(z[0], z[1]), x)
        assert taylor.gradient(lambda z: loop(z[0], z[1]), x) == pytest.approx(exact, rel=1e-13)
        hessian = taylor.hessian(lambda z: whole(z[0], z[1]), x)
        assert taylor.hessian(lambda z: loop(z[0], z[1]), x) == pytest.approx(hessian, rel=1e-12)


def test_the_state_may_change_its_shape():
    loop, whole = checkpoint(lambda s, p: s * p + 1, 5), plain(lambda s, p: s * p + 1, 5)
    p = np.array([0.5, 1.0, 2.0])

    def objective(f):
        return lambda s: np.sum(f(s, p))

    assert taylor.gradient(objective(loop), 0.3) == taylor.gradient(objective(whole), 0.3)


def test_an_outer_variable_in_the_step_is_a_constant_of_the_inner_derivative():
    def f(loop, t):
        return taylor.gradient(lambda x: loop(lambda s: s + 0.1 * np.sin(t * s))(x), 0.4)

    def checkpointed(step):
        return checkpoint(step, 15)

    exact = taylor.derivative(lambda t: f(lambda step: plain(step, 15), t), 1.3)
    assert taylor.derivative(lambda t: f(checkpointed, t), 1.3) == pytest.approx(exact, rel=1e-12)
    assert taylor.gradient(lambda t: f(checkpointed, t), 1.3) == pytest.approx(exact, rel=1e-12)


def test_a_variable_behind_the_back_of_the_loop_is_an_error():
    def hidden(z):
        return checkpoint(lambda s: s * z[1], 3)(z[0])

    def mixed(x):
        return taylor.derivative(lambda t: checkpoint(lambda s: s * t, 3)(x * t), 2.0)

    for f, x in ((hidden, [0.5, 2.0]), (mixed, 0.5)):
        with pytest.raises(taylor.ForeignNodeError, match="parameter"):
            taylor.vjp(f, x, 1.0)
    # forward mode runs the plain loop, where it is right; the gradient resorts to it
    assert taylor.gradient(hidden, [0.5, 2.0]) == pytest.approx([8.0, 6.0])
    assert taylor.gradient(mixed, 0.5) == pytest.approx(32.0)
    assert taylor.derivative(lambda t: checkpoint(lambda s: s * t, 3)(t), 2.0) == 32.0


# ------------------------------------------------------------------ recorded programs
def test_programs_with_a_loop():
    loop = checkpoint(lambda s, a: s + 0.1 * np.sin(a * s), 12)

    def f(z):
        return np.sum(loop(z[:2], z[2]) ** 2) * z[2]

    z, direction = np.array([0.3, 0.8, 1.5]), np.array([1.0, -0.5, 0.2])
    program = taylor.record(f, z + 0.1)
    assert len(program) < 12
    agrees(program, f, z, direction, 4, 1e-13)
    variables = TaylorN.variables(z, 3)
    (table,) = sweep(expand(program), multivariate(3, 3), [np.stack(variables).coef])
    assert table == pytest.approx(program(np.stack(variables)).coef, rel=1e-12)
    twice = reverse(reverse(program))
    assert len(twice) < 120
    assert twice(z, 1.0, 0.0, direction)[2] == pytest.approx(taylor.hvp(f, z, direction), rel=1e-13)


# ------------------------------------------------------------------ edges and errors
def test_no_step_and_one_step():
    assert checkpoint(logistic, 0)(0.3) == 0.3
    assert taylor.gradient(checkpoint(logistic, 0), 0.3) == 1.0
    assert taylor.gradient(checkpoint(logistic, 1), 0.3) == taylor.gradient(logistic, 0.3)


@pytest.mark.parametrize("n, error", [(-1, ValueError), (2.5, TypeError), (None, TypeError)])
def test_wrong_numbers_of_steps(n, error):
    with pytest.raises(error, match="n must be"):
        checkpoint(logistic, n)
    with pytest.raises(error, match="snapshots must be"):
        checkpoint(logistic, 3, snapshots=0 if n == -1 else 1.5)
    with pytest.raises(TypeError, match="function"):
        checkpoint(3.0, 3)


def test_an_exception_of_the_step_comes_through():
    class Mine(Exception):
        pass

    def step(s):
        if s > 2:
            raise Mine
        return 1.5 * s

    for f in (checkpoint(step, 9), lambda x: taylor.gradient(checkpoint(step, 9), x)):
        with pytest.raises(Mine):
            f(1.0)


def test_a_list_is_an_array():
    assert np.array_equal(checkpoint(lambda s: 2 * s, 2)([1.0, 2.0]), [4.0, 8.0])


def test_adjoints_of_several_arguments():
    a, b = pullback(lambda x, y: np.sum(x) * y, (np.array([1.0, 2.0]), 3.0), 2.0)
    assert a.tolist() == [6.0, 6.0] and b == 6.0


# ------------------------------------------------------------------ memory
def peak(n, size=2000):
    x = np.linspace(0, 1, size)

    def step(s):
        return s + 0.01 * np.sin(s)

    tracemalloc.start()
    taylor.gradient(lambda s: np.sum(checkpoint(step, n)(s)), x)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def test_memory_grows_like_log_n():
    peak(10)
    short, long = peak(100), peak(1000)
    assert long < 2 * short
    assert long < 100 * 2000 * 8  # a tenth of the states


def test_memory_of_second_derivatives():
    x = np.linspace(0, 1, 2000)

    def most(n):
        loop = checkpoint(lambda s: s + 0.01 * np.sin(s), n)
        tracemalloc.start()
        taylor.hvp(lambda s: np.sum(loop(s)), x, np.ones(2000))
        taylor.gradient(lambda s: np.sum(taylor.gradient(lambda s: np.sum(loop(s)), s)), x)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    most(4)
    assert most(40) < 2 * most(10)


def test_twenty_thousand_steps():
    def step(s, a):
        return s + 1e-4 * (a - s)

    loop = checkpoint(step, 20_000)
    y, g = taylor.value_and_gradient(lambda z: loop(z[0], z[1]), np.array([1.0, 3.0]))
    decay = (1 - 1e-4) ** 20_000
    assert y == pytest.approx(3 - 2 * decay, rel=1e-11)
    assert g == pytest.approx([decay, 1 - decay], rel=1e-9)


# ------------------------------------------------------------------ machine code
@pytest.mark.parametrize("step, x", STEPS, ids=IDS)
def test_machine_code(step, x):
    for n, snapshots in ((50, None), (50, 30), (7, 1)):
        loop = taylor.compile(lambda s: np.sum(checkpoint(step, n, snapshots=snapshots)(s) ** 2))  # noqa: B023
        whole = lambda s: np.sum(plain(step, n)(s) ** 2)  # noqa: B023
        assert loop(x) == pytest.approx(whole(x), rel=1e-12)
        assert taylor.gradient(loop, x) == pytest.approx(taylor.gradient(whole, x), rel=1e-10)
        v = np.ones(np.shape(x))
        exact = taylor.hvp(whole, x, v)
        assert taylor.hvp(loop, x, v) == pytest.approx(exact, rel=1e-9, abs=1e-12)


def test_loops_in_loops_keep_few_states():
    def kept(n, size):
        if n <= size:
            return n
        return size + kept(n // size, size) + n % size

    for n in (*range(1, 200), 1000, 12345, 10**6):
        for room in (1, 5, 20, 60, 4 * int(n**0.5) + 4, n):
            size = sizes(n, room)
            assert size is None or kept(n, size) <= room
        assert size is not None


def test_memory_of_machine_code():
    width, x = 500, np.linspace(0, 1, 500)

    def size(n):
        loop = checkpoint(lambda s, a: s + a * np.sin(s), n)
        c = taylor.compile(lambda s: np.sum(loop(s, 0.01)), strict=True)
        assert taylor.gradient(c, x) == pytest.approx(
            taylor.gradient(lambda s: np.sum(loop(s, 0.01)), x), rel=1e-12
        )
        return max(m.size for machines in c.machines.values() for m in machines) / width

    assert size(1600) < 400  # states, where all are 1600
    assert size(1600) < 2.5 * size(400)
