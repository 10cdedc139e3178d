"""Loops that a recording wrote out are rolled up again: the same program, as short as its step."""

import numpy as np
import pytest

import taylor
from taylor.core.loops import Loop
from taylor.core.rolled import rolled
from taylor.drivers.recorded import short
from taylor.machine.machine import Machine
from taylor.machine.questions import is_written

TABLE = np.random.default_rng(1).normal(size=(300, 3))


def pendulum(x):
    q, p = x[0], x[1]
    for i in range(300):
        p = p - 0.01 * (np.sin(q) + x[2] * p) * np.cos(i / 10)
        q = q + 0.01 * p
    return q * q + p


def rosenbrock(x):
    s = 0.0
    for i in range(len(x) - 1):
        s = s + 100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2
    return s


def steps_before(x):
    a, b, c, kept = x[0], x[1], x[2], []
    for _ in range(400):
        a, b, c = b, c, np.tanh(a + b * c)
        kept.append(c)
    return kept[200] + kept[-1] * a + sum(kept[::30])


def arrays(x):
    s = x
    for row in TABLE:
        s = np.tanh(s + row * x) - 0.1 * s[::-1]
    return np.sum(s)


def sides(x):
    s = x[0]
    for i in range(300):
        s = np.where(s > 0.5, s * x[1], s + x[2] + 1e-3 * i)
    return s


def loops_of_loops(x):
    s = x[0]
    for _ in range(12):
        for _ in range(30):
            s = s + 0.01 * np.sin(s) * x[1]
        s = s * np.cos(x[2])
    return s


def decided(x):
    """Each step leaves a guard, which a loop must not lose."""
    s = x[0]
    for _ in range(300):
        if s > 100:
            break
        s = s + 0.1 * np.sin(s) + x[1] * x[2] / 100
    return s


FUNCTIONS = [
    (pendulum, np.array([0.5, 0.1, 0.2])), (rosenbrock, np.linspace(0.5, 1.5, 140)),
    (steps_before, np.array([0.1, 0.2, 0.3])), (arrays, np.array([0.3, -0.2, 0.5])),
    (sides, np.array([0.2, 0.4, 0.03])), (loops_of_loops, np.array([0.2, 0.4, 0.3])),
    (decided, np.array([0.2, 0.4, 0.3])),
]  # fmt: skip


@pytest.mark.parametrize("f, x", FUNCTIONS, ids=[f.__name__ for f, _ in FUNCTIONS])
def test_the_same_program_but_short(f, x):
    long = taylor.record(f, x)
    shorter = rolled(long, is_written)
    shorter.verify()
    assert any(isinstance(i.op, Loop) for i in shorter.code)
    assert len(shorter) < len(long) / 3
    assert len(shorter.guards) == len(long.guards)
    for z in (x, 1.1 * x):
        assert shorter(z) == pytest.approx(long(z), rel=1e-14)
    c = taylor.compile(f, strict=True)
    v = np.cos(np.arange(x.size))
    assert c(x) == pytest.approx(f(x), rel=1e-12)
    assert taylor.gradient(c, x) == pytest.approx(taylor.gradient(f, x), rel=1e-11, abs=1e-13)
    assert taylor.hvp(c, x, v) == pytest.approx(taylor.hvp(f, x, v), rel=1e-10, abs=1e-12)
    s = taylor.Taylor.variable(x, 3, direction=v)
    assert c(s).coef == pytest.approx(f(s).coef, rel=1e-11, abs=1e-13)


def map_of_numbers(x):
    y = x[0]
    for _ in range(60):
        y = x[1] * y * (1 - y)
    return y


def observed(x):
    """A hidden Markov model: each step reads one of four columns that were computed before."""
    a, b = np.exp(x[:4]).reshape(2, 2), np.exp(x[4:]).reshape(2, 4)
    a, b = a / np.sum(a, axis=1, keepdims=True), b / np.sum(b, axis=1, keepdims=True)
    state, total = b[:, 0] / 2, 0.0
    for k in np.random.default_rng(1).integers(0, 4, 50):
        state = (state @ a) * b[:, k]
        total = total + np.log(np.sum(state))
        state = state / np.sum(state)
    return total


def filtered(x):
    """A Kalman filter, whose steps have equations and a determinant of two rows."""
    states, seen = np.eye(4) + x[0] * np.eye(4, k=2), np.eye(2, 4)
    mean, spread, total = np.zeros(4), np.eye(4), 0.0
    for z in TABLE[:30, :2]:
        mean, spread = states @ mean, states @ spread @ states.T + np.exp(x[1]) * np.eye(4)
        s = seen @ spread @ seen.T + np.exp(x[2]) * np.eye(2)
        gain, e = np.linalg.solve(s, seen @ spread).T, z - seen @ mean
        total = total - 0.5 * (np.log(np.linalg.det(s)) + e @ np.linalg.solve(s, e))
        mean, spread = mean + gain @ e, spread - gain @ seen @ spread
    return total


@pytest.mark.parametrize(
    "f, x, kinds",
    [
        (map_of_numbers, np.array([0.3, 3.1]), ("value", "gradient", "hvp", "hessian")),
        (rosenbrock, np.linspace(0.5, 1.5, 25), ("value", "gradient", "hvp")),
        (observed, np.linspace(-1, 1, 12), ("value", "gradient", "hvp", "hessian")),
        (filtered, np.array([0.1, -1.0, 0.2]), ("value", "gradient", "hvp", "hessian")),
        (lambda x: rosenbrock(x * x), np.linspace(0.5, 1.5, 25), ("value", "gradient", "hvp")),
    ],
)
def test_short_programs_have_loops_where_no_zeros_are_lost(f, x, kinds):
    program = taylor.record(f, x)
    for kind in ("value", "gradient", "hvp", "hessian", "tensor", "points"):
        assert (len(short(program, kind)) < len(program) / 3) == (kind in kinds)
    h = taylor.hessian(taylor.compile(f, strict=True), x)
    assert h == pytest.approx(taylor.hessian(f, x), rel=1e-10, abs=1e-9)


def test_a_branch_that_goes_another_way_is_seen():
    c = taylor.compile(decided, strict=True)
    for x in (np.array([0.2, 0.4, 0.3]), np.array([0.2, 40.0, 30.0])):
        assert c(x) == pytest.approx(decided(x), rel=1e-13)
        assert taylor.gradient(c, x) == pytest.approx(taylor.gradient(decided, x), rel=1e-11)


def test_what_does_not_repeat_stays_as_it_is():
    rng = np.random.default_rng(0)
    order = rng.integers(0, 3, 1200)

    def f(x):
        for i in order:
            x = [x + 0.1, np.sin(x), x * 1.01][i]
        return x

    program = taylor.record(f, 0.3)
    assert rolled(program, is_written) is program
    few = taylor.record(lambda x: sum(x**i for i in range(50)), 0.3)
    assert rolled(few, is_written) is few


def test_complex_loops_are_right():
    def f(x):
        z = x * (1 + 0.5j)
        for _ in range(400):
            z = z * z * 0.1 + 0.2 * x
        return np.real(z)

    c = taylor.compile(f)
    assert c(0.4) == pytest.approx(f(0.4), rel=1e-13)
    assert taylor.gradient(c, 0.4) == pytest.approx(taylor.gradient(f, 0.4), rel=1e-11)


def test_powers_stay_powers():
    def f(x):
        for _ in range(400):
            x = (x - 1.0) ** 2 - 0.3 * x
        return x

    c = taylor.compile(f, strict=True)  # (negative) ** (a variable) would be nan
    for x in (0.9, -0.2):
        assert taylor.gradient(c, x) == pytest.approx(taylor.gradient(f, x), rel=1e-9)


def test_what_only_python_knows_is_not_rolled():
    cube = taylor.rule(lambda x: x**3, vjp=lambda w, y, x: (3 * w * x**2,))

    def f(x):
        for _ in range(300):
            x = np.sin(cube(x) + 0.5 * x) + 0.3
        return x

    program = taylor.record(f, 0.4)
    assert rolled(program, is_written) is program
    c = taylor.compile(f, strict=True)
    assert taylor.gradient(c, 0.4) == pytest.approx(taylor.gradient(f, 0.4), rel=1e-11)


def tridiagonal(x):
    """Thomas' algorithm: the way back reads what the way there has left."""
    n = 60
    c, d = [x[1] / x[0]], [1.0 / x[0]]
    for i in range(1, n):
        m = x[0] * (1 + 0.01 * i) - x[2] * c[-1]
        c.append(x[1] / m)
        d.append((1.0 - x[2] * d[-1]) / m)
    y = [d[-1]]
    for i in range(n - 2, -1, -1):
        y.append(d[i] - c[i] * y[-1])
    return sum(y[::7])


@pytest.mark.parametrize(
    "f, x, count",
    [(observed, np.linspace(-1, 1, 12), 1), (tridiagonal, np.array([3.0, 0.7, 0.4]), 2)],
)
def test_steps_may_read_what_was_computed_before(f, x, count):
    program = taylor.record(f, x)
    shorter = short(program, "hvp")
    assert sum(isinstance(i.op, Loop) for i in shorter.code) == count
    assert len(shorter) < len(program) / 7
    c, v = taylor.compile(f, strict=True), np.cos(x)
    assert c(x) == pytest.approx(f(x), rel=1e-14)
    for driver in (taylor.gradient, lambda f, x: taylor.hvp(f, x, v)):
        assert driver(c, x) == pytest.approx(driver(program, x), rel=1e-11, abs=1e-12)


def test_long_arrays_stay_in_tiles():
    """Steps of a loop would pass whole arrays through memory: at 20,000 points 60 times longer."""

    def f(x):
        y = x
        for i in range(40):
            y = y * x + (0.3 + 1e-3 * i)
            y = y / (1 + y * y)
        return np.sum(y)

    x = np.linspace(0.1, 0.9, 1000)
    program = taylor.record(lambda x: taylor.gradient(f, x), x)
    made = short(program, "value")
    assert not any(isinstance(i.op, Loop) for i in made.code)
    machine = Machine(made)
    assert machine.size < 20 * len(x)
    np.testing.assert_allclose(machine(x)[1][0], program(x), rtol=1e-12)
    few = short(taylor.record(lambda x: taylor.gradient(f, x), x[:20]), "value")
    assert any(isinstance(i.op, Loop) for i in few.code)
