"""Reverse mode: the adjoint of every row, nesting, exactness, long programs, wrong input."""

import contextvars
import itertools
import pickle
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from mpmath import mp
from shared import rosenbrock, together

import hyperdual
import taylor
from taylor import DomainError, ForeignNodeError, NonAnalyticError, ShapeMismatch, Taylor, record
from taylor.command.tour import helmholtz, mixture
from taylor.core.maps import unbroadcast
from taylor.core.rules import adjoints, tangents
from taylor.core.table import TABLE

RNG = np.random.default_rng(5)


@pytest.fixture
def no_forward(monkeypatch):
    """Make the drivers fail where they would hand over to forward mode."""

    def refuse(*given):
        raise AssertionError("reverse mode handed over to forward mode")

    monkeypatch.setattr("taylor.drivers.lines.partials_of_order", refuse)


# ------------------------------------------------------------------ every row of the table
ROWS = [(name, sample) for name, row in TABLE.items() for sample in row.samples]


def slopes(row, args):
    """Return the partial derivatives of a row by forward mode, and how many orders exist."""
    found = []
    for i in range(len(args)):
        inner = lambda z, i=i: row(*args[:i], z, *args[i + 1 :])
        found.append(float(taylor.derivative(inner, args[i])))
    return found


@pytest.mark.parametrize("name, sample", ROWS, ids=str)
def test_the_adjoint_of_every_row(name, sample):
    row, args = TABLE[name], list(sample) if isinstance(sample, tuple) else [sample]
    if name in ("exponential", "real_power", "power", "heaviside"):
        args, fixed = [float(a) for a in args], 0 if name == "exponential" else 1
        f = (lambda z: row(args[0], z)) if fixed == 0 else (lambda z: row(z, args[1]))
        point = args[1 - fixed]
        wanted = float(taylor.derivative(f, point))
        assert float(taylor.gradient(f, point)) == pytest.approx(wanted, rel=1e-13, abs=1e-300)
        return
    f = lambda z: row(*(z[i] for i in range(len(args))))
    try:
        wanted = slopes(row, args)
    except DomainError:
        return  # test_elementary tells where a row has no derivative
    found = taylor.gradient(f, np.array(args, dtype=float))
    assert found == pytest.approx(wanted, rel=1e-13, abs=1e-300)
    program = taylor.reverse(record(f, np.array(args, dtype=float)))
    with np.errstate(all="ignore"):
        assert program(np.array(args, dtype=float), 1.0)[1] == pytest.approx(found, rel=1e-13)


# ------------------------------------------------------------------ test functions of the field
def speelpenning(x):
    return np.prod(x)


def network(w):
    x = np.array([0.5, -1.0, 2.0])
    hidden = np.tanh(w[:12].reshape(4, 3) @ x)
    return np.log1p(np.exp(w[12:16] @ hidden)) + 0.1 * (w @ w)


def loop(x):
    y = x[0]
    for i in range(1, len(x)):
        y = np.sin(y) * x[i] + y / (1.0 + x[i] ** 2)
    return y


def softmax_entropy(x):
    p = np.exp(x - taylor.logsumexp(x))
    return -np.sum(p * np.log(p))


def branches(x):
    return np.sum(np.where(x > 0.5, x**3, np.sin(x))) + np.max(x) * np.abs(x[0])


def special(x):
    return np.sum(taylor.gamma(x + 1.0) * taylor.j0(x)) + taylor.erf(x[0] * x[1])


def assigned(x):
    y = np.zeros_like(x)
    y[0] = x[0] ** 2
    for i in range(1, len(x)):
        y[i] = y[i - 1] * x[i]
    return y[-1]


N = 6
POINT = RNG.uniform(0.3, 1.4, N)
FUNCTIONS = {
    "rosenbrock": (rosenbrock, POINT),
    "speelpenning": (speelpenning, POINT),
    "helmholtz": (lambda x: helmholtz(x, *mixture(N)[1:]), POINT / 20),
    "network": (network, RNG.normal(size=16)),
    "loop": (loop, POINT),
    "softmax": (softmax_entropy, POINT),
    "branches": (branches, POINT),
    "special": (special, POINT),
    "assigned": (assigned, POINT),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_pair_of_modes_agrees(name, no_forward):
    f, x = FUNCTIONS[name]
    v, w = RNG.normal(size=(2, len(x)))
    close = lambda a, b: np.testing.assert_allclose(
        a, b, rtol=1e-12, atol=1e-12 * np.max(np.abs(b))
    )
    g, H = hyperdual.gradient(f, x), hyperdual.hessian(f, x)
    # first order: reverse, reverse program, forward
    close(taylor.gradient(f, x), g)
    close(taylor.vjp(f, x, 1.0)[1], g)
    close(taylor.reverse(record(f, x))(x, 1.0)[1], g)
    close(taylor.jvp(f, x, v)[1], g @ v)
    close(taylor.forward(record(f, x))(x, v)[1], g @ v)
    # second order: forward on reverse, reverse on forward, reverse on reverse, forward on forward
    close(taylor.hessian(f, x), H)
    close(taylor.hvp(f, x, v), H @ v)
    close(taylor.gradient(lambda y: taylor.jvp(f, y, v)[1], x), H @ v)
    close(taylor.gradient(lambda y: taylor.gradient(f, y) @ v, x), H @ v)
    close(taylor.jvp(lambda y: taylor.jvp(f, y, v)[1], x, w)[1], v @ H @ w)
    close(taylor.gradient(f, Taylor.variable(x, 2, direction=v)).coef[1], H @ v)
    # mixed: reverse on HyperDual gives H'(v)·w, as nested forward mode and Gower & Gower's third
    third = taylor.third(f, x, v, w)
    close(taylor.gradient(f, hyperdual.HyperDual(x, v, w)).eps1eps2, third)
    close(
        2 * taylor.gradient(f, Taylor.variable(x, 2, direction=v)).coef[2], taylor.third(f, x, v, v)
    )


@pytest.mark.parametrize("modes", list(itertools.product("frp", repeat=3)), ids="".join)
def test_three_deep_in_every_order_of_modes(modes):
    a = np.array([0.3, -0.7])
    f = lambda x: np.sin(x[0] * x[1]) * np.exp(x[0]) + x[1] ** 3 * x[0] ** 2
    directions = [np.array([1.0, 2.0]), np.array([-0.5, 1.0]), np.array([0.25, 3.0])]

    def slope(mode, g, v):
        if mode == "f":
            return lambda x: taylor.jvp(g, x, v)[1]
        if mode == "r":
            return lambda x: taylor.gradient(g, x) @ v
        return lambda x: taylor.reverse(record(g, x))(x, 1.0)[1] @ v

    for mode, v in zip(modes, directions, strict=True):
        f = slope(mode, f, v)
    plain = lambda x: np.sin(x[0] * x[1]) * np.exp(x[0]) + x[1] ** 3 * x[0] ** 2
    wanted = np.einsum("ijk,i,j,k", taylor.tensor(plain, a, 3), *directions)
    assert float(f(a)) == pytest.approx(wanted, rel=1e-13)


def test_a_gradient_program_is_a_program():
    program = taylor.reverse(record(rosenbrock, POINT))
    program.verify()
    again = pickle.loads(pickle.dumps(program))
    assert np.array_equal(again(POINT, 1.0)[1], taylor.gradient(rosenbrock, POINT))
    assert "digraph" in program.dot()
    # the adjoints of the gradient program are the Hessian again
    twice = taylor.reverse(program)
    v = RNG.normal(size=N)
    found = twice(POINT, 1.0, 0.0, v)[2]
    np.testing.assert_allclose(found, taylor.hessian(rosenbrock, POINT) @ v, rtol=1e-12)


def test_the_trace_of_griewank_and_walther():
    # Baydin et al., Table 3: f = ln(x1) + x1·x2 - sin(x2) at (2, 5), adjoints 5.5 and 1.716
    program = record(lambda x, y: np.log(x) + x * y - np.sin(y), 2.0, 5.0)
    table = program.show(2.0, 5.0, tangent=(1.0, 0.0), adjoint=1.0)
    assert table.splitlines()[0].split() == ["v", "expression", "value", "tangent", "adjoint"]
    assert table.splitlines()[1].split()[-1] == "5.5"
    assert table.splitlines()[2].split()[-1] == "1.71634"


# ------------------------------------------------------------------ laws
def test_tangents_and_adjoints_are_transposes():
    f = lambda x: (
        np.cumsum(np.concatenate([x[::2] * x[1], np.exp(x)]).reshape(3, 3), axis=0)[1:] @ x[:3]
    )
    program = record(f, POINT)
    v = RNG.normal(size=N)
    values = list(program.code)

    values = program.trace([POINT])
    w = RNG.normal(size=np.shape(values[program.outputs[0]]))
    forward = tangents(program.code, values, [v])[program.outputs[0]]
    (back,) = adjoints(program.code, values, {program.outputs[0]: w})
    assert np.sum(forward * w) == pytest.approx(np.sum(back * v), rel=1e-13)


@pytest.mark.parametrize(
    "shape, whole",
    [
        ((), (3,)),
        ((1,), (3,)),
        ((3,), (2, 3)),
        ((2, 1), (2, 3)),
        ((1, 3), (4, 2, 3)),
        ((), (0,)),
        ((1, 1), (1, 5)),
    ],
)
def test_unbroadcasting_is_the_transpose_of_broadcasting(shape, whole):
    bar = RNG.normal(size=whole)
    x = RNG.normal(size=shape)
    wanted = np.sum(bar * x)
    assert np.sum(unbroadcast(bar, whole, shape) * x) == pytest.approx(wanted)
    for axes in itertools.product(
        *((1, n) for n in whole)
    ):  # an axis of one stands for equal parts
        lazy = RNG.normal(size=axes)
        wanted = np.sum(np.broadcast_to(lazy, whole) * x)
        assert np.sum(unbroadcast(lazy, whole, shape) * x) == pytest.approx(wanted)


def test_one_recording_whatever_the_number_of_variables():
    calls = []

    def f(x):
        calls.append(1)
        return rosenbrock(x)

    taylor.gradient(f, np.linspace(0, 1, 5000))
    assert len(calls) == 1


@pytest.mark.parametrize("order", [2, 3, 4])
def test_tensors_by_exact_interpolation(order, monkeypatch):
    scalar = lambda x: np.exp(x[0] * x[1]) * np.sin(x[2]) + x[0] ** 3 * x[2]
    vector = lambda x: np.stack([scalar(x), np.prod(x) / (1.0 + x[0] ** 2)])
    x = np.array([0.3, -0.4, 1.1])
    wanted = [taylor.tensor(f, x, order) for f in (scalar, vector)]

    def refuse(*given):
        raise ValueError("too many for one table")

    monkeypatch.setattr("taylor.drivers.lines.partials_of_order", refuse)
    for f, tensor in zip((scalar, vector), wanted, strict=True):
        found = taylor.tensor(f, x, order)
        np.testing.assert_allclose(found, tensor, rtol=1e-12, atol=1e-12)


# ------------------------------------------------------------------ number types
def test_exact_numbers_stay_exact():
    f = lambda x: x[0] ** 3 * x[1] + x[1] / x[0]
    g = taylor.gradient(f, [Fraction(1, 2), Fraction(3)])
    assert g.tolist() == [Fraction(9, 4) - 12, Fraction(1, 8) + 2]
    assert all(type(e) is Fraction for e in g)
    assert taylor.gradient(lambda x: x**5, 10**10) == 5 * 10**40
    H = taylor.hessian(f, [Fraction(1, 2), Fraction(3)])
    assert H.tolist() == [[9 + 48, Fraction(3, 4) - 4], [Fraction(3, 4) - 4, 0]]


def test_many_digits():
    with mp.workdps(50):
        x = [mp.mpf(1) / 3, mp.mpf(2)]
        g = taylor.gradient(lambda x: np.exp(x[0]) * np.sin(x[1]) + taylor.erf(x[0]), x)
        assert abs(g[1] - mp.exp(x[0]) * mp.cos(x[1])) < mp.mpf(10) ** -48
        program = taylor.reverse(record(lambda x: taylor.erf(x), 0.5))
        slope = 2 / mp.sqrt(mp.pi) * mp.exp(-(x[0] ** 2))
        assert abs(program(x[0], mp.mpf(1))[1] - slope) < mp.mpf(10) ** -48


def test_float32_and_complex():
    g = taylor.gradient(lambda x: np.sum(np.sin(x) * x), np.ones(3, dtype=np.float32))
    assert g.dtype == np.float32
    z = np.array([1.0 + 2.0j, 0.5j])
    g = taylor.gradient(lambda z: np.sum(z**3) + np.prod(np.exp(z)), z)  # holomorphic: no conjugate
    np.testing.assert_allclose(g, 3 * z**2 + np.exp(z.sum()), rtol=1e-14)
    assert taylor.gradient(np.abs, 3.0 + 4.0j) == 0.6 - 0.8j  # du = Re(g·dz)


# ------------------------------------------------------------------ singular points and kinks
def test_singular_points_are_decided_as_in_forward_mode():
    assert taylor.gradient(lambda x: np.abs(x**2), 0.0) == 0.0
    assert taylor.gradient(lambda x: np.sin(x) / x, 0.0) == 0.0
    for f in (np.abs, lambda x: np.maximum(x, 0.0), np.sign, np.floor):
        with pytest.raises(NonAnalyticError):
            taylor.gradient(f, 0.0)
    for f in (np.sqrt, lambda x: np.log(x - 1.0), lambda x: x * np.sqrt(x)):
        with pytest.raises(DomainError):
            taylor.gradient(f, 0.0)
    with np.errstate(invalid="ignore"):
        assert np.isnan(taylor.gradient(lambda x: np.sum(np.log(x)), np.array([-1.0, 2.0]))).all()
    assert taylor.gradient(lambda x: np.maximum(x, x), 3.0) == 1.0
    with taylor.policy(kink="subgradient"):
        assert taylor.gradient(lambda x: np.maximum(x, 0.0), 0.0) == 0.0
    with pytest.raises(NonAnalyticError, match=r"abs at element \(0,\) of \(2,\)"):
        taylor.gradient(lambda x: np.sum(np.abs(x)), np.array([0.0, 2.0]))
    assert taylor.hessian(lambda x: np.abs(x[0] ** 2), [0.0]).tolist() == [[2.0]]


def test_an_overflow_is_infinite_and_needs_no_table(no_forward):
    with np.errstate(over="ignore"):
        g = taylor.gradient(lambda x: np.sum(np.exp(x)), np.array([1.0, 1000.0]))
    assert g.tolist() == [np.exp(1.0), np.inf]


def test_the_branch_not_taken_never_poisons(no_forward):
    x = np.array([-1.0, 0.0, 4.0])
    f = lambda x: np.sum(np.where(x > 0, 2.0 * np.sqrt(x) * np.log(x) / x, 3.0 * x))
    wanted = [3.0, 3.0, (1 - np.log(4.0) / 2) / 4]
    assert taylor.gradient(f, x) == pytest.approx(wanted, rel=1e-14)
    with np.errstate(all="ignore"):
        program = taylor.reverse(record(f, np.array([1.0, 2.0, 3.0])))
        assert program(x, 1.0)[1] == pytest.approx(wanted, rel=1e-14)
    assert np.isfinite(taylor.hessian(f, x)).all()


# ------------------------------------------------------------------ shapes, zeros, wrong input
def test_non_scalar_output_names_the_shape_and_the_remedy():
    for driver, remedy in ((taylor.gradient, "jacobian"), (taylor.hessian, "tensor")):
        with pytest.raises(ShapeMismatch, match=r"\(3,\)") as caught:
            driver(lambda x: x * 2, np.ones(3))
        assert remedy in str(caught.value)
    with pytest.raises(ShapeMismatch, match=r"\(2,\).*\(3,\)"):
        taylor.vjp(lambda x: x * 2, np.ones(3), np.ones(2))


def test_integer_input_is_promoted():
    assert taylor.gradient(lambda x: np.sum(x**2), [1, 2]).tolist() == [2.0, 4.0]
    for n in (3, 4, 2**52, 2**60, 10**25):  # n - 1 is no float, where n is large
        found = taylor.gradient(lambda x, n=n: np.sum(x**n), np.array([1.0, -1.0]))
        np.testing.assert_array_equal(found, [float(n), n * (-1.0) ** (1 - n % 2)])
    assert taylor.gradient(lambda x: np.sum(x**2), np.array([1, 2])).dtype == float
    assert taylor.hvp(lambda x: x[0] * x[1], [1, 2], [1, 0]).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    "f", [lambda x: 3.0, lambda x: 7, lambda x: np.float64(2), lambda x: x[0, 0] * 0 + 1]
)
def test_constants_and_ignored_inputs_give_zeros_of_the_right_shape(f):
    x = np.ones((2, 3))
    assert taylor.gradient(f, x).shape == (2, 3)
    assert not taylor.gradient(f, x).any()
    assert taylor.hessian(f, x).shape == (2, 3, 2, 3)
    assert not taylor.hessian(f, x).any()
    assert not taylor.hvp(f, x, x).any()
    assert taylor.jacobian(lambda y: np.ones(4), x).shape == (4, 2, 3)


def test_a_leaked_node_is_a_clear_error():
    kept = []
    taylor.gradient(lambda x: kept.append(x) or x * x, 3.0)
    for use in (lambda n: n + 1, np.sin, lambda n: n * np.ones(2), lambda n: n > 0 and 1):
        if use(np.float64(1.0)) is not None and use is not None:
            with pytest.raises((ForeignNodeError, AssertionError)) as caught:
                assert use(kept[0]) is None
            if caught.type is ForeignNodeError:
                assert "outlived" in str(caught.value)
    with pytest.raises(ForeignNodeError):
        taylor.gradient(lambda x: x * kept[0], 1.0)


def test_assignment_into_arrays():
    def f(x):
        y = np.zeros_like(x)
        y[1:] = np.sin(x[:-1])
        y[0] = x[-1] ** 2
        y[y.shape[0] // 2] = 5.0
        return y @ x

    x = np.array([0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(taylor.gradient(f, x), hyperdual.gradient(f, x), rtol=1e-14)


def test_adjoints_are_added_to_elements_whatever_the_memory_order():
    # the adjoint of the sum of a transposed array lies in memory column by column
    def f(x):
        y = x.reshape(2, 3)
        z = np.cumsum(y * y, axis=0)
        return np.sum(z.T[::-1] ** 2) + np.sum(z.T * y.T) + np.sum(z[0] ** 3) + z[1, 1]

    x = np.arange(1.0, 7.0)
    np.testing.assert_allclose(taylor.gradient(f, x), hyperdual.gradient(f, x), rtol=1e-14)


def random_program(seed):
    """Return a function of a vector made of random operations on arrays, and a point."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    picks = rng.integers(0, 1000, size=10)
    shapes = ((n,), (n, n), (n, 1), (1, n), (2, n), (3, n, n), ())
    constants = [rng.normal(size=shape) for shape in shapes]

    def combine(k, a, b, c):
        square = a.ndim == b.ndim == 1
        return (
            lambda: a + b,
            lambda: a * b,
            lambda: np.tanh(a),
            lambda: a * c,
            lambda: constants[1] @ a if a.ndim == 1 else a @ constants[1],
            lambda: np.sum(a, axis=-1),
            lambda: np.outer(a, b)[:n, :n] if square else a.T,
            lambda: a[..., ::-1],
            lambda: np.concatenate([a, b], axis=0),
            lambda: np.exp(-a * a),
            lambda: a / (2.0 + b * b),
            lambda: np.where(a > 0.1, a, -0.5 * a),
            lambda: np.cumsum(a, axis=0),
            lambda: a[: max(1, len(a) // 2)],
            lambda: np.stack([a, b]),
            lambda: np.maximum(a, 0.3 * b),
            lambda: np.sin(a) * c,
        )[k % 17]()

    def f(x):
        pool = [x, x * 1.5]
        for k in picks:
            a, b = pool[k % len(pool)], pool[(k // 7) % len(pool)]
            try:
                new = combine(k, a, b, constants[(k // 11) % len(constants)])
            except (ValueError, ShapeMismatch, IndexError, TypeError):
                new = a
            pool.append(np.sum(new, axis=0) if np.size(new) > 2000 else new)
        return sum(np.sum(p * p) * 0.01 for p in pool[-5:])

    return f, rng.normal(size=n) * 0.7


@pytest.mark.parametrize("seed", range(60))
def test_random_programs_agree_in_all_modes(seed):
    f, x = random_program(seed)
    v = np.cos(np.arange(len(x)))
    wanted = taylor.tensor(f, x, 1)
    scale = max(1.0, np.max(np.abs(wanted)))
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11 * scale)
    close(taylor.gradient(f, x), wanted)
    program = record(f, x)
    close(taylor.reverse(program)(x, 1.0)[1], wanted)
    close(taylor.jvp(f, x, v)[1], wanted @ v)
    close(taylor.hvp(f, x, v), taylor.gradient(f, Taylor.variable(x, 1, direction=v)).coef[1])
    c = taylor.compile(f)
    close(c(x), f(x))
    close(taylor.gradient(c, x), wanted)
    close(taylor.hvp(c, x, v), taylor.hvp(f, x, v))
    found = taylor.taylor_coefficients(lambda t: f(x + t * v), 0.0, 4)
    along = taylor.drivers.forward_mode.along(c, x, v, 4)
    np.testing.assert_allclose(along, found, rtol=1e-8, atol=1e-10 * np.max(np.abs(found)))


def test_jacobians_by_rows_and_by_columns(no_forward):
    A = RNG.normal(size=(3, 20))
    wide = lambda x: np.tanh(A @ x)
    x = RNG.normal(size=20)
    np.testing.assert_allclose(
        taylor.jacobian(wide, x), taylor.sech2(A @ x)[:, None] * A, rtol=1e-13
    )
    tall = lambda x: np.outer(x, x)
    found = taylor.jacobian(tall, x)
    assert found.shape == (20, 20, 20)
    np.testing.assert_allclose(
        found, np.einsum("ik,j->ijk", np.eye(20), x) + np.einsum("jk,i->ijk", np.eye(20), x)
    )


# ------------------------------------------------------------------ long programs, threads
def test_a_chain_of_many_operations_reverses():
    def f(x):
        for _ in range(5_000):
            x = np.sin(x) * 0.5 + x * 0.75
        return x

    g = taylor.gradient(f, 0.25)
    assert 0 < g < 1
    program = pickle.loads(pickle.dumps(record(f, 0.25)))
    assert len(program) >= 20_000
    assert taylor.reverse(program)(0.25, 1.0)[1] == g


def test_indexing_in_a_long_loop_takes_linear_time():
    def f(x):
        total = 0.0
        for i in range(len(x) - 1):
            total = total + x[i] * x[i + 1]
        return total

    x = np.arange(4000.0)
    g = taylor.gradient(f, x)
    assert np.array_equal(g[1:-1], x[:-2] + x[2:])


def test_threads_do_not_disturb_each_other():
    wanted, wrong = taylor.gradient(rosenbrock, POINT), []

    def work(_):
        for _ in range(20):
            if not np.array_equal(taylor.gradient(rosenbrock, POINT), wanted):
                wrong.append(1)

    together(work, 4)
    assert not wrong


# ------------------------------------------------------------------ functions with their own rule
def test_a_rule_by_its_quotient_works_everywhere():
    @taylor.rule(quotient=lambda a, y: (1, taylor.cosh(a)))
    def gd(x):
        return np.arctan(np.sinh(x))

    plain = lambda x: np.arctan(np.sinh(x))
    x = np.array([0.3, -1.2])
    f, g = lambda x: np.sum(gd(x) ** 2), lambda x: np.sum(plain(x) ** 2)
    np.testing.assert_allclose(taylor.hessian(f, x), taylor.hessian(g, x), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(
        gd(Taylor.variable(0.3, 12)).coef, plain(Taylor.variable(0.3, 12)).coef, rtol=1e-11
    )


A3 = RNG.normal(size=(3, 3))
RULES = {
    "vjp": dict(
        vjp=lambda ybar, y, x, s: (
            A3.T @ (ybar * (1 - y * y)) * s,
            np.sum(ybar * (1 - y * y) * (A3 @ x)),
        )
    ),
    "jvp": dict(
        jvp=lambda d, y, x, s: (
            (1 - y * y)
            * ((0 if d[0] is None else A3 @ d[0] * s) + (0 if d[1] is None else A3 @ x * d[1]))
        )
    ),
}


@pytest.mark.parametrize("kind", RULES)
def test_a_rule_for_arrays_gives_all_orders_in_all_modes(kind):
    def refuse(*x):
        assert not any(hasattr(v, "tape") or hasattr(v, "_coef") for v in x), "value differentiated"
        return np.tanh(A3 @ x[0] * x[1])

    layer = taylor.rule(refuse, **RULES[kind])
    f = lambda x: np.sum(layer(x, x[0]) * np.sin(x))
    g = lambda x: np.sum(np.tanh(A3 @ x * x[0]) * np.sin(x))
    x, v = RNG.normal(size=(2, 3))
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    close(taylor.gradient(f, x), taylor.gradient(g, x))
    close(taylor.hessian(f, x), taylor.hessian(g, x))
    close(taylor.third(f, x, v, v), taylor.third(g, x, v, v))
    along = Taylor.variable(x, 6, direction=v)
    close(f(along).coef, g(along).coef)
    close(taylor.tensor(f, x, 3), taylor.tensor(g, x, 3))
    close(taylor.reverse(record(f, x))(x, 1.0)[1], taylor.gradient(g, x))


@pytest.mark.parametrize(
    "given",
    [
        {"vjp": lambda ybar, y, n, x: (None, ybar * n * x ** (n - 1))},
        {"jvp": lambda d, y, n, x: None if d[1] is None else d[1] * n * x ** (n - 1)},
    ],
)
def test_a_rule_may_be_constant_in_some_arguments(given):
    power = taylor.rule(lambda n, x: np.asarray(x) ** n, name="power", **given)
    at = np.array([2.0, 3.0])
    for driver in (taylor.gradient, taylor.jacobian, taylor.hessian):
        d = driver(lambda z: power(z[0], z[1]), at)
        exact = [0.0, 6.0] if d.ndim == 1 else [[0.0, 0.0], [0.0, 2.0]]
        assert d == pytest.approx(np.array(exact))
        assert not np.any(driver(lambda z: power(z[0], 4.0) * z[1] ** 0, at))
    assert taylor.derivatives(lambda t: power(t, 3.0), 2.0, 3).tolist() == [9.0, 0.0, 0.0, 0.0]
    assert taylor.jvp(lambda z: power(z[0], 3.0 * z), at, [1.0, 0.0])[1] == pytest.approx([36.0, 0])


def test_a_rule_needs_exactly_one_kind_of_derivative():
    with pytest.raises(ValueError, match="quotient or a local"):
        taylor.rule(lambda x: x)
    with pytest.raises(ValueError, match="quotient or a local"):
        taylor.rule(lambda x: x, quotient=lambda a, y: (1, 1), vjp=lambda b, y, x: (b,))


# ------------------------------------------------------------------ SciPy's conventions
def test_an_objective_has_the_methods_scipy_wants():
    o = taylor.objective(rosenbrock)
    value, g = o.value_and_gradient(POINT)
    assert value == o(POINT) == rosenbrock(POINT)
    assert np.array_equal(g, o.jac(POINT))
    p = RNG.normal(size=N)
    np.testing.assert_allclose(o.hess(POINT) @ p, o.hessp(POINT, p), rtol=1e-12)
    optimize = pytest.importorskip("scipy.optimize")
    for method in ("trust-ncg", "Newton-CG"):
        found = optimize.minimize(
            o.value_and_gradient, np.zeros(4), jac=True, hessp=o.hessp, method=method
        )
        np.testing.assert_allclose(found.x, np.ones(4), atol=1e-3)


# ------------------------------------------------------------------ what the short ways leave
KINDS = {  # a number of each kind, and how near reverse and forward mode are
    "float64": (np.float64, 1e-14), "float32": (np.float32, 1e-6), "mpf": (mp.mpf, 1e-14),
    "complex": (np.complex128, 1e-14), "Fraction": (Fraction, 0),
}  # fmt: skip
MOVES = {
    "slices": lambda x: np.concatenate([x[4:], x[:2], x[1:3] * 2]),
    "steps": lambda x: np.concatenate([x[::-2], x[1::2]]),
    "elements": lambda x: x * x[0] + x[-1] * x[2],
    "joined with constants": lambda x: np.concatenate([x[:2], [1, 2, 3], x]),
    "by a mask": lambda x: np.where(np.arange(6) % 2 == 0, x, x[2] * x),
    "from one side only": lambda x: np.where(np.ones(6, dtype=bool), x, x * x),
    "rows": lambda x: np.reshape(x, (3, 2))[1:] * np.reshape(x, (3, 2))[0],
    "written into": lambda x: (y := x * 1, z := y[2:4], y.__setitem__(2, y[0] * 3), y[1:] * z[0])[
        3
    ],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("move", MOVES)
def test_pieces_of_arrays_in_every_kind_of_number(move, kind):
    number, tolerance = KINDS[kind]
    x = np.array([number(v / 8) for v in (3, 5, 9, 10, 12, 17)])
    w = np.array([number(int(v)) for v in RNG.integers(1, 9, np.size(MOVES[move](x)))])
    _, found = taylor.vjp(lambda x: np.ravel(MOVES[move](x)), x, w)
    rows = taylor.jacfwd(lambda x: np.ravel(MOVES[move](x)), x)
    assert found.dtype == x.dtype
    assert np.all(np.abs(found - w @ rows) <= tolerance * (1 + np.abs(found)))


def test_a_constant_written_into_is_another_one():
    def f(x):
        c = np.array([1.0, 2.0])
        y = x * c
        c[0] = 5.0
        return np.sum(y + x * c)

    np.testing.assert_array_equal(taylor.gradient(f, np.ones(2)), [6.0, 4.0])


def test_numpy_warns_of_plain_numbers_only():
    def f(x):
        return np.sum(np.log(x) + x / 0.0) + np.log(np.float64(-1.0))

    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        taylor.gradient(f, np.array([-1.0, 0.0]))
    with np.errstate(all="raise"):
        taylor.gradient(lambda x: np.sum(np.exp(x * 1e3)), np.ones(2))


def test_the_value_of_a_rule_sees_the_context_of_its_caller():
    setting = contextvars.ContextVar("setting", default=1.0)

    @taylor.rule(quotient=lambda a, y: (setting.get(), 1))
    def scaled(x):
        return setting.get() * np.asarray(x)

    setting.set(3.0)
    y, slope = taylor.value_and_gradient(lambda x: np.sum(scaled(x)), np.ones(2))
    assert (y, slope.tolist()) == (6.0, [3.0, 3.0])


@pytest.mark.parametrize("n", [1, 4])
def test_clip_at_and_beside_its_edges(n):
    x = np.array([-2.0, 0.25, 0.75, 3.0])[:n]
    inside = (x > 0) & (x < 1)
    np.testing.assert_array_equal(taylor.gradient(lambda x: np.sum(np.clip(x, 0, 1)), x), inside)
    with pytest.raises(NonAnalyticError):
        taylor.gradient(lambda x: np.sum(np.clip(x, 0.25, 1)), np.array([0.5, 0.25]))
    crossed = taylor.gradient(lambda x: np.sum(np.clip(x, 1.0, 0.0)), x)
    np.testing.assert_array_equal(crossed, np.zeros(n))


# ------------------------------------------------------------------ memory of Hessians
def test_memory_of_hessians_with_large_temporaries():
    """Three times the result, four times the memory of f, and 64 MB, whatever the temporaries."""

    def outer(x):
        return np.sum(np.sin(np.outer(x, x)) * np.exp(-(np.outer(x, x) ** 2)))

    data = np.linspace(0, 1, 40_000)

    def fit(x):
        return np.sum((np.tanh(x[0] * data + x[1]) * x[2:].sum() - np.cos(data)) ** 2)

    def peak(f):
        tracemalloc.start()
        y = f()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most, y

    for f, n in ((outer, 130), (fit, 24)):
        x = np.linspace(0.1, 1.0, n)
        own, _ = peak(lambda: f(x))  # noqa: B023
        most, h = peak(lambda: taylor.hessian(f, x))  # noqa: B023
        assert most < 3 * h.nbytes + 4 * own + (64 << 20)
        v = np.cos(np.arange(n))
        assert h @ v == pytest.approx(taylor.hvp(f, x, v), rel=1e-9, abs=1e-9)


def nested(n):
    def f(x):
        y = np.sqrt(x - n)  # not real at any of the points
        for k in range(n, 0, -1):
            y = np.where(x > k, y, np.log(k + x) if k % 2 else np.sqrt(x - k + 1))
        return np.sum(y)

    return f


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's own, of the sides not taken
def test_choices_in_choices_cost_and_poison_nothing():
    x = np.array([0.5, 1.5, 2.5, 3.5])
    right = [1 / (1 + x[0]), 0.5 / np.sqrt(x[1] - 1), 1 / (3 + x[2]), 0.5 / np.sqrt(x[3] - 3)]
    sizes = []
    for n in (20, 40):
        program = taylor.record(lambda x, n=n: taylor.vjp(nested(n), x, 1.0)[1], x)
        sizes.append(len(program))
        for found in (program(x), taylor.gradient(nested(n), x)):
            np.testing.assert_allclose(found, right, rtol=1e-14)
    assert sizes[1] < 2.2 * sizes[0]
