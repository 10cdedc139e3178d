"""Machine code: every operation against the NumPy evaluation of the same program."""

import copy
import gc
import inspect
import pickle
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from shared import together
from test_numpy import ELEMENTWISE, LINEAR, POLYNOMIAL, data
from test_reverse import rosenbrock

import taylor
from hyperdual import HyperDual
from taylor import DomainError, NonAnalyticError, ShapeMismatch, Taylor, TaylorN, record
from taylor.core.graded import multivariate
from taylor.core.operand import lift
from taylor.core.table import TABLE
from taylor.drivers.recorded import derived
from taylor.drivers.sparse import SparseHessian
from taylor.kept import STORE
from taylor.machine import engine, monomials
from taylor.machine.machine import GUARD, OK, Machine
from taylor.machine.products import Rows
from taylor.machine.windows import Products

CASES = {
    **{f"linear {k}": v for k, v in LINEAR.items()},
    **{f"polynomial {k}": v for k, v in POLYNOMIAL.items()},
    **{f"elementwise {k}": v for k, v in ELEMENTWISE.items()},
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name):
    f, shape = CASES[name][0], CASES[name][-1]
    x, v = data(shape)
    program = record(f, x)
    reverse = taylor.reverse(program)
    bar = np.ones(program.code[program.outputs[0]].shape)
    value, back = Machine(program), Machine(reverse)
    series = Machine(program, 4)
    for _ in range(2):  # twice: nothing is left over from the first call
        np.testing.assert_allclose(
            value(x)[1][0], np.asarray(program(x), float), rtol=1e-13, atol=1e-13
        )
        wanted = reverse(x, bar)
        for got, y in zip(back(x, bar)[1], wanted, strict=True):
            np.testing.assert_allclose(got, np.asarray(y, float), rtol=1e-12, atol=1e-12)
        y = program(Taylor.variable(x, 4, direction=v))
        table = y.coef if isinstance(y, Taylor) else np.stack([y, *[0 * y] * 4])
        scale = np.max(np.abs(table), initial=1.0)
        np.testing.assert_allclose(
            series(np.stack([x, v]))[1][0], table.astype(float), rtol=1e-11, atol=1e-13 * scale
        )


# ------------------------------------------------------------------ the callable
@taylor.compile
def by_name(x):
    return np.sin(x) * 2.0


POINT = np.array([0.3, -0.2, 0.7, 1.1])
V = np.array([1.0, -2.0, 0.5, 0.25])
DRIVERS = {
    "value": lambda f: f(POINT),
    "gradient": lambda f: taylor.gradient(f, POINT),
    "value_and_gradient": lambda f: taylor.value_and_gradient(f, POINT)[1],
    "vjp": lambda f: taylor.vjp(f, POINT, 2.0)[1],
    "jvp": lambda f: taylor.jvp(f, POINT, V)[1],
    "hvp": lambda f: taylor.hvp(f, POINT, V),
    "hessian": lambda f: taylor.hessian(f, POINT),
    "jacobian": lambda f: taylor.jacobian(f, POINT),
    "directional": lambda f: taylor.directional(f, POINT, V, 3),
    "third": lambda f: taylor.third(f, POINT, V, V),
    "tensor": lambda f: taylor.tensor(f, POINT, 3),
}


@pytest.mark.parametrize("name", DRIVERS)
def test_every_driver_takes_a_compiled_function(name):
    f = taylor.compile(rosenbrock)
    for _ in range(2):
        found, wanted = DRIVERS[name](f), DRIVERS[name](rosenbrock)
        assert np.shape(found) == np.shape(wanted)
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
    assert f.reasons == {}


def test_the_fast_path_is_taken():
    calls = []

    @taylor.compile
    def f(x):
        calls.append(1)
        return np.sum(np.exp(x))

    for _ in range(5):
        taylor.gradient(f, POINT)
        f(POINT)
        taylor.derivatives(f, 0.5, 8)
    assert len(calls) == 6  # two alike for each form, since f changes what it reads


@given(st.floats(-3, 3))
@settings(max_examples=200, deadline=None)
def test_never_a_wrong_branch(x):
    wanted = branching(x)
    assert COMPILED(x) == pytest.approx(wanted, rel=1e-14, abs=1e-14)
    if all(abs(x - edge) > 1e-9 for edge in (-1.0, 0.0, 2.0)):
        assert taylor.derivative(COMPILED, x) == pytest.approx(
            taylor.derivative(branching, x), rel=1e-13, abs=1e-13
        )


def branching(x):
    if x < -1:
        return x**2
    if 0 <= x <= 2:
        return np.sin(x) + 1
    return np.where(x > 2, np.exp(x), 3 * x)


COMPILED = taylor.compile(branching)


def test_a_loop_that_depends_on_a_value_compiles_again():
    def f(x):
        n = 0
        while x < 10.0:
            x, n = 1.5 * x, n + 1
        return x + 0.0 * n

    g = taylor.compile(f)
    for x in (1.0, 2.0, 9.0, 20.0, 1.1, 5.0):
        assert g(x) == pytest.approx(f(x), rel=1e-15)


def test_singular_points_take_the_ordinary_way():
    f = taylor.compile(lambda x: np.sqrt(x))
    assert taylor.derivative(f, 4.0) == 0.25
    with pytest.raises(DomainError):
        taylor.derivative(f, 0.0)
    with pytest.raises(NonAnalyticError):
        taylor.gradient(taylor.compile(lambda x: abs(x)), 0.0)
    assert taylor.derivative(taylor.compile(lambda x: abs(x**2)), 0.0, 2) == 2.0


@pytest.mark.parametrize("name", ["jacobian", "hessian", "hvp", "third", "tensor", "sparse"])
def test_derivatives_that_are_finite_where_the_function_is_not(name):
    # recorded inside the domain, called outside of it: 1/x is finite there, log(x) is not
    x = np.array([1.0, 2.0])
    driver = {
        "jacobian": taylor.jacobian,
        "hessian": taylor.hessian,
        "hvp": lambda f, x: taylor.hvp(f, x, x),
        "third": lambda f, x: taylor.third(f, x, x, x),
        "tensor": lambda f, x: taylor.tensor(f, x, 3),
        "sparse": lambda f, x, plans={}: plans.setdefault(f, SparseHessian(f, x))(x),
    }[name]
    logarithm = taylor.compile(lambda x: np.log(x[0]) + x[1])
    kink = taylor.compile(lambda x: abs(x[0] - 1.0) * x[1])
    driver(logarithm, x), driver(kink, x + 1)
    with pytest.raises(DomainError):
        driver(logarithm, -x)
    with pytest.raises(NonAnalyticError):
        driver(kink, x)


def test_other_numbers_take_the_ordinary_way():
    from fractions import Fraction

    f = taylor.compile(lambda x: x * x + 1)
    assert f(Fraction(1, 2)) == Fraction(5, 4)
    assert f(1 + 2j) == (1 + 2j) ** 2 + 1
    assert isinstance(f(Taylor.variable(1.0, 3)), Taylor)
    assert taylor.derivative(f, Fraction(1, 3)) == Fraction(2, 3)
    assert taylor.gradient(lambda x: f(x[0]) * x[1], [1.0, 2.0]).tolist() == [4.0, 2.0]


def test_shapes_and_several_arguments():
    f = taylor.compile(lambda a, b: a @ b + np.sum(b))
    for n in (1, 3, 8, 17):
        a, b = np.arange(2.0 * n).reshape(2, n), np.ones(n)
        assert np.array_equal(f(a, b), a @ b + n)
    g = taylor.compile(lambda x: (x[0], x[1] * 2))
    assert [float(v) for v in g(np.array([1.0, 2.0]))] == [1.0, 4.0]


@pytest.mark.parametrize("n", range(1, 10))
def test_vectors_are_as_wide_as_arrays(n):
    x = Taylor(np.random.default_rng(n).normal(2.0, 0.1, (8, 3, n)))
    for f in (
        lambda x: x[1] * x[1] / (1 + x[0]) ** 1.5,
        lambda x: x / np.dot(x[0], x[2]),
        lambda x: np.exp(x[::-1, ::-1]) * np.sqrt(x[:, :1]),
    ):
        found, expected = taylor.compile(f)(x), f(x)
        np.testing.assert_allclose(found.coef, expected.coef, rtol=1e-11, atol=1e-12)


def test_calls_again_and_again():
    f = taylor.compile(lambda x, y: (x * y, np.where(x > 0, x, -2 * x)))
    for x in (1.0, 2.0, -1.0, 3.0, np.nan, -2.0, np.inf):  # on both branches, and without one
        for _ in range(2):
            found = f(x, 3.0)
            np.testing.assert_array_equal(found, (3 * x, x if x > 0 else -2 * x))
    one, two = (taylor.compile(lambda x: 2 * x)(np.array([float(n)])) for n in (1, 2))
    assert one[0] == 2.0 and two[0] == 4.0
    g = taylor.compile(lambda x: np.sqrt(x))
    first = g(np.array([4.0]))
    for x, y in ((np.array([9.0]), 3.0), (16.0, 4.0), (np.float64(25.0), 5.0), (36, 6.0)):
        assert g(x) == y and first[0] == 2.0  # results are not those of the next call
    h = taylor.compile(lambda x=2.0, y=3.0: x - y)
    for _ in range(3):
        assert (h(), h(5.0), h(5.0, 1.0), h(y=1.0), h(1.0, y=4.0)) == (-1.0, 2.0, 4.0, 1.0, -3.0)
    k = taylor.compile(lambda x: x * 1j)
    assert [k(2.0), k(3.0), k(2j)] == [2j, 3j, -2.0]


def test_wrong_shapes_are_the_same_errors():
    f = taylor.compile(lambda x: x * 2.0)
    for _ in range(2):
        with pytest.raises(ShapeMismatch, match=r"\(\).*\(4,\)"):
            taylor.vjp(f, POINT, 1.0)
        with pytest.raises(ShapeMismatch, match=r"\(4,\)"):
            taylor.gradient(f, POINT)
        with pytest.raises(ShapeMismatch):
            taylor.jvp(f, POINT, np.ones(3))


def test_compiled_functions_pickle():
    f = pickle.loads(pickle.dumps(by_name))
    assert f is by_name
    g = pickle.loads(pickle.dumps(taylor.compile(np.sum)))
    assert g(POINT) == np.sum(POINT)


def test_threads_share_a_compiled_function():
    f, wrong = taylor.compile(rosenbrock), []
    points = np.random.default_rng(0).normal(size=(50, 4))
    wanted = [taylor.gradient(rosenbrock, x) for x in points]

    def work(_):
        for x, g in zip(points, wanted, strict=True):
            if not np.allclose(taylor.gradient(f, x), g, rtol=1e-12, atol=1e-12):
                wrong.append(x)

    together(work, 4)
    assert not wrong


def test_bits_do_not_depend_on_the_run():
    f = taylor.compile(rosenbrock)
    g = taylor.compile(lambda x: rosenbrock(x))
    assert np.array_equal(taylor.gradient(f, POINT), taylor.gradient(g, POINT))


# ------------------------------------------------------------------ batches of points
SCALAR = {
    "polynomial": lambda x: x**3 - 2.0 * x + 1.0,
    "exp sin": lambda x: np.exp(np.sin(x)) * np.sqrt(1.0 + x * x) / (2.0 + np.cos(x)),
    "where": lambda x: np.where(x > 0.5, np.log(x), x * x),
    "tanh erf": lambda x: np.tanh(x) * taylor.erf(x) + np.floor(3 * x),
    "power": lambda x: x**2.5 + 2.0**x + np.arctan2(x, 1.0 + x) + abs(x - 0.5001),
    "vector": lambda x: np.sum(np.stack([x, np.sin(x), x * x]) * np.array([1.0, 2.0, -1.0])),
}


@pytest.mark.parametrize("order", [1, 2, 3, 7, 30])
@pytest.mark.parametrize("name", SCALAR)
def test_batches(name, order):
    f = SCALAR[name]
    machine = Machine(record(f, 0.7), order, unit=32)
    for n, threads in ((1, 1), (31, 1), (32, 2), (100, 3)):
        x = np.linspace(0.1, 1.3, n)
        status, (c,) = machine.batch(np.stack([x, np.ones(n)]), threads=threads)
        assert status == 0 and c.shape == (order + 1, n)
        for i in {0, n // 2, n - 1}:
            wanted = f(Taylor.variable(x[i], order)).coef
            scale = np.max(np.abs(wanted))
            np.testing.assert_allclose(c[:, i], wanted, rtol=1e-10, atol=1e-13 * scale)


def test_many_points_run_in_tiles():
    calls = []

    @taylor.compile(threads=2)
    def f(x):
        calls.append(1)
        return np.where(x > 0.5, np.exp(np.sin(x)), x * x)

    x = np.linspace(0.0, 2.0, 1000).reshape(10, 100)
    for _ in range(3):
        found = taylor.taylor_coefficients(f, x, 8)
    assert len(calls) == 3  # recorded at two points, twice, and compared at all of them
    np.testing.assert_allclose(found, taylor.taylor_coefficients(f.f, x, 8), rtol=1e-11, atol=1e-14)
    assert "points" in {where[0] for where in f.machines}
    total = taylor.compile(lambda x: x / np.sum(x))  # not element-wise: another way, same result
    np.testing.assert_allclose(
        taylor.taylor_coefficients(total, x, 3),
        taylor.taylor_coefficients(total.f, x, 3),
        rtol=1e-11,
    )


def test_points_of_several_branches_are_not_compiled_again_and_again():
    f = taylor.compile(lambda x: x * x if (x > 0).all() else -x)
    mixed = np.linspace(1.0, -1.0, 100)
    for _ in range(3):
        np.testing.assert_allclose(
            taylor.taylor_coefficients(f, mixed, 2), taylor.taylor_coefficients(f.f, mixed, 2)
        )
        taylor.taylor_coefficients(f, np.linspace(1.0, 2.0, 100), 2)
        taylor.taylor_coefficients(f, np.linspace(-1.0, -2.0, 100), 2)
    assert [len(f.machines[where]) for where in f.machines if where[0] == "points"] == [2]


def test_points_stream_in_blocks():
    f = taylor.compile(lambda x: np.exp(np.sin(x)))
    x = np.linspace(0, 1, 1000)
    blocks = list(f.stream(x, 4, chunk=300, progress=True))
    assert [b.shape for b in blocks] == [(5, 300), (5, 300), (5, 300), (5, 100)]
    whole = taylor.taylor_coefficients(f, x, 4)
    np.testing.assert_allclose(np.concatenate(blocks, axis=1), whole, rtol=1e-13)
    with pytest.raises(ShapeMismatch, match="one axis"):
        next(f.stream(x.reshape(10, 100), 4))


def test_batches_of_gradients():
    program = taylor.reverse(record(rosenbrock, POINT))
    machine = Machine(program, unit=32)
    points = np.random.default_rng(1).normal(size=(4, 77))
    status, (y, g) = machine.batch(points, np.ones((77,)), threads=2)
    assert status == 0
    for i in (0, 40, 76):
        np.testing.assert_allclose(g[:, i], taylor.gradient(rosenbrock, points[:, i]), rtol=1e-12)
        assert y[i] == pytest.approx(rosenbrock(points[:, i]), rel=1e-14)


def test_a_batch_tells_of_guards_and_of_what_is_not_finite():
    machine = Machine(record(lambda x: x if x > 0 else -x, 1.0), unit=32)
    assert machine.batch(np.linspace(1, 2, 50))[0] == 0
    assert machine.batch(np.linspace(-1, 2, 50))[0] == 1
    machine = Machine(record(np.log, 1.0), unit=32)
    assert machine.batch(np.linspace(-1, 2, 50))[0] == 2


# ------------------------------------------------------------------ the cache on disk
def test_the_cache_is_used_checked_and_rebuilt(tmp_path, monkeypatch):
    monkeypatch.setenv("TAYLOR_CACHE", str(tmp_path))
    program = record(rosenbrock, POINT)
    written = []
    real = Machine._write
    monkeypatch.setattr(Machine, "_write", lambda self, *a: written.append(1) or real(self, *a))

    def value():
        STORE.clear()  # as in another process
        return Machine(program)(POINT)[1][0]

    wanted = value()
    assert value() == wanted
    assert len(written) == 1
    (file,) = tmp_path.glob("*/*")
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)  # damaged: found out and made again
    assert value() == wanted
    file.write_bytes(b"")
    assert value() == wanted
    assert len(written) == 3
    monkeypatch.setenv("TAYLOR_CACHE", "")
    assert value() == wanted
    assert len(written) == 4
    monkeypatch.setenv("TAYLOR_CACHE", "/proc/no such place")
    assert value() == wanted


def test_without_llvmlite_everything_works(monkeypatch):
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    from taylor.llvm import jit

    STORE.clear()
    for cached in (jit.binding, jit._cpu, jit._source):
        cached.cache_clear()
    try:
        f = taylor.compile(rosenbrock)
        with pytest.warns(taylor.PerformanceWarning, match="llvmlite"):
            assert np.array_equal(taylor.gradient(f, POINT), taylor.gradient(rosenbrock, POINT))
        assert "llvmlite" in next(iter(f.reasons.values()))
    finally:
        for cached in (jit.binding, jit._cpu, jit._source):
            cached.cache_clear()


# ------------------------------------------------------------------ rows of multivariate series
@pytest.mark.parametrize("name", ["exp", "sin", "tanh", "log", "sqrt", "atan", "erf", "asinh"])
@pytest.mark.parametrize("kind", ["multivariate", "square-free"])
def test_compiled_rows_of_multivariate_series(name, kind, monkeypatch):
    if kind == "multivariate":
        variables = taylor.TaylorN.variables([0.3, -0.2, 0.5], 6)
    else:
        variables = HyperDual.variables([0.3, -0.2, 0.5, 0.1, 0.2, 0.7])
    x = 0.8 + sum((i + 1) * 0.3 * v for i, v in enumerate(variables))
    x = x + 0.2 * variables[0] * variables[1]
    row, taken = TABLE[name], []
    real = engine.run
    monkeypatch.setattr(engine, "PATIENCE", 0)
    monkeypatch.setattr(engine, "run", lambda *a: taken.append(real(*a)) or taken[-1])
    found = row(x)
    assert any(table is not None for table in taken)
    quotients = [x / (1.5 + x * x), 2.0 / x, x**2.5]
    monkeypatch.setattr(engine, "run", lambda *a: None)
    wanted = row(x)
    for got, plain in zip(quotients, [x / (1.5 + x * x), 2.0 / x, x**2.5], strict=True):
        np.testing.assert_allclose(got.coef, plain.coef, rtol=1e-11, atol=1e-13)
    scale = np.max(np.abs(wanted.coef))
    np.testing.assert_allclose(found.coef, wanted.coef, rtol=1e-12, atol=1e-15 * scale)
    assert found.value == wanted.value == row(x.value)


# ------------------------------------------------------------------ whole functions on series
def some(kind, shape, seed=0, order=3):
    """Return a series with coefficients of all degrees, for each element of an array."""
    variable = {
        Taylor: lambda: Taylor.variable(0.0, order),
        taylor.TaylorN: lambda: taylor.TaylorN.variables([0.0] * 3, order)[0],
        HyperDual: lambda: HyperDual.variables([0.0] * order)[0],
    }[kind]()
    table = np.random.default_rng(seed).uniform(-1.0, 1.0, (variable.algebra.size, *shape))
    table[0] = data(shape)[0]
    return kind._make(table, variable.algebra, variable.tag)


ALGEBRAS = [Taylor, taylor.TaylorN, HyperDual]


@pytest.mark.parametrize("name", CASES)
def test_series_through_compiled_functions(name):
    f, shape = CASES[name][0], CASES[name][-1]
    kind = ALGEBRAS[list(CASES).index(name) % 3]
    c = taylor.compile(f)
    for seed in range(2):  # twice: nothing is left over from the first call
        x = some(kind, shape, seed)
        got, wanted = lift(c(x)), lift(f(x))  # of an object array of series: the array
        if not isinstance(wanted, kind):
            assert type(got) is type(wanted)
            np.testing.assert_array_equal(got, wanted)
            continue
        if name == "linear imag":  # zero, whatever x is
            assert not wanted.coef.any() and got.shape == wanted.shape and not got.any()
            continue
        assert type(got) is kind and got.tag is x.tag and got.algebra == x.algebra
        scale = np.max(np.abs(wanted.coef), initial=1.0)
        np.testing.assert_allclose(got.coef, wanted.coef, rtol=1e-11, atol=1e-13 * scale)


def test_series_take_machine_code():
    def f(x, y, z):
        return taylor.exp(taylor.sin(x * y + z)) / y, x - z * z

    for kind in ALGEBRAS:
        for order in (2, 5):
            c = taylor.compile(f)
            x, y = some(kind, (), 1, order), 2.0 + some(kind, (), 2, order)
            wanted = f(x, y, 0.5)
            for _ in range(2):
                for a, b in zip(c(x, y, 0.5), wanted, strict=True):
                    np.testing.assert_allclose(a.coef, b.coef, rtol=1e-12, atol=1e-13)
            assert c.reasons == {} and sum(map(len, c.machines.values())) == 1
    x, y, z = taylor.TaylorN.variables([0.3, 0.5, 0.7], 7)
    c = taylor.compile(f)
    np.testing.assert_allclose(c(x, y, z)[0].coef, f(x, y, z)[0].coef, rtol=1e-12, atol=1e-13)
    ((algebra, heights),) = [where[1] for where in c.machines]
    assert algebra == x.algebra and heights == (1, 1, 1)


STEPS = [
    lambda v: v[-1] * v[0], lambda v: v[-1] + 0.5 * v[1], lambda v: np.sin(v[-1]),
    lambda v: np.exp(-v[-1] * v[-1]), lambda v: v[1] / (2.0 + v[-1] * v[-1]),
    lambda v: np.sqrt(1.5 + v[-1] ** 2), lambda v: np.sum(v[-1]) * v[0], lambda v: v[-1][::-1],
    lambda v: np.where(v[-1] > 0.1, v[-1], 2 * v[0]), lambda v: np.roll(v[-1], 1) - v[0],
    lambda v: np.cumsum(v[-1]) / 3, lambda v: np.maximum(v[-1], v[1]), lambda v: np.floor(v[-1]),
    lambda v: np.concatenate([v[-1][1:], v[0][:1]]), lambda v: np.ones((3, 3)) @ v[-1] * 0.2,
]  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, len(STEPS) - 1), min_size=1, max_size=7), st.integers(0, 2))
def test_random_programs_on_series(steps, which):
    def f(x, y):
        v = [x, y]
        for step in steps:
            v.append(STEPS[step](v))
        return v[-1] * y

    kind = ALGEBRAS[which]
    rng = np.random.default_rng(len(steps))
    x, y = some(kind, (3,), 1) * 0.1 + 0.017, some(kind, (3,), 2) * 0.1 + rng.uniform(-1, 1, 3)
    c = taylor.compile(f)
    got, wanted = c(x, y), f(x, y)
    while c.waiting:  # long programs are compiled at a later call
        got = c(x, y)
    assert c.reasons == {}
    scale = np.max(np.abs(wanted.coef), initial=0, where=np.isfinite(wanted.coef))  # nan at ties
    np.testing.assert_allclose(got.coef, wanted.coef, rtol=1e-10, atol=1e-13 * scale)


def test_series_of_other_tags_take_the_ordinary_way():
    outer = Taylor.variable(0.7, 3)
    for x in (taylor.TaylorN.variables([0.5, 0.2], 3)[0], HyperDual.variables([0.5, 0.2])[0]):
        c = taylor.compile(lambda x: np.exp(x) * outer)
        with pytest.raises(taylor.AlgebraMismatch):  # both made by hand: of one level
            c(x)
    # an inner derivative that reads the variable of an outer one: d/da (d/dx a·x² at x = a)
    c = taylor.compile(lambda a, x: a * x * x)
    inner = lambda a: taylor.derivative(lambda x: c(a, x), a)
    assert taylor.derivative(inner, 3.0) == pytest.approx(12.0)
    closing = lambda a: taylor.derivative(taylor.compile(lambda x: a * x * x), a)
    assert taylor.derivative(closing, 3.0) == pytest.approx(12.0)
    assert taylor.gradient(
        lambda v: taylor.tensor(lambda x: c(v[0], x[0]), v, 2)[0, 0], [3.0, 1.0]
    )[0] == pytest.approx(2.0)
    nested = c(Taylor(some(Taylor, (4,))), 2.0)  # series of series
    assert isinstance(nested.coef, Taylor)


def test_what_is_made_of_series_only_takes_the_ordinary_way():
    t = Taylor.variable(1.0, 3)
    for f in (
        lambda x: x.deriv(), lambda x: x.order * x,
        lambda x: x if isinstance(x, Taylor) else None, lambda x: x * x if x == 1.0 else x,
    ):  # fmt: skip
        c = taylor.compile(f)
        with pytest.warns(taylor.PerformanceWarning):
            assert repr(c(t)) == repr(f(t))
        assert len(c.reasons) == 1
    x, constant = taylor.compile(lambda x: (x, 2.0))(t)
    assert repr(x) == repr(t) and constant == 2.0 and taylor.compile(lambda x: 3.0)(t) == 3.0
    c = taylor.compile(lambda x: abs(x) * x)  # at the kink: the ordinary way decides
    assert repr(c(Taylor.variable(2.0, 3))) == repr(c.f(Taylor.variable(2.0, 3)))
    assert repr(c(Taylor([0.0, 0.0, 1.0]))) == repr(c.f(Taylor([0.0, 0.0, 1.0])))
    with pytest.raises(NonAnalyticError):
        c(Taylor.variable(0.0, 3))
    c = taylor.compile(lambda x: np.arctan(x) / x)  # loses a degree
    assert c(Taylor.variable(0.0, 3)).order == 2


def test_programs_that_are_too_large_for_multivariate_series_say_so(monkeypatch):
    def f(x):
        for _ in range(80):
            x = np.sin(x)
        return x

    x = taylor.TaylorN.seeded(np.linspace(0.1, 0.3, 3), 4)
    c = taylor.compile(f)
    np.testing.assert_allclose(c(x).coef, f(x).coef, rtol=1e-12, atol=1e-14)
    with pytest.warns(taylor.PerformanceWarning, match="instructions are too many"):
        c(x)  # the first call had no time to find that out
    assert "instructions are too many" in next(iter(c.reasons.values()))
    monkeypatch.setattr(monomials, "ROOM", 100)
    c = taylor.compile(np.exp)
    with pytest.warns(taylor.PerformanceWarning, match="too large"):
        np.testing.assert_allclose(c(x).coef, np.exp(x).coef)
    assert "too large" in next(iter(c.reasons.values()))


def test_many_series_run_in_tiles():
    x = 0.1 * some(Taylor, (500,), order=6) / 500
    c = taylor.compile(lambda x: np.exp(np.sin(x)) / (2.0 + x))
    np.testing.assert_allclose(c(x).coef, c.f(x).coef, rtol=1e-12, atol=1e-15)
    assert {where[0] for where in c.machines} == {"points"}


def option(s, k, t, r, v):
    d = (np.log(s / k) + (r + v * v / 2) * t) / (v * np.sqrt(t))
    return s * np.tanh(d) - k * np.exp(-r * t) / (1 + (d - v * np.sqrt(t)) ** 2)


@pytest.mark.parametrize("points", [(2,), (500,), (20, 30)])
@pytest.mark.parametrize("kind", ["arrays", "numbers beside", "one number varies", "complex"])
def test_many_points_of_several_arguments(points, kind):
    n = int(np.prod(points))
    s, v = np.linspace(80.0, 120.0, n).reshape(points), np.linspace(0.1, 0.4, n).reshape(points)
    k, t, r = np.full(points, 100.0), np.linspace(1.0, 2.0, n).reshape(points), 0.03
    if kind == "complex":
        t = t + 0.2j
    elif kind == "numbers beside":
        k, t = 100.0, 1.0
    elif kind == "one number varies":
        v = 0.2
    c = taylor.compile(option, threads=2)
    x, y = TaylorN.variables([s, v], 2)
    for _ in range(2):
        found, wanted = c(x, k, t, r, y), option(x, k, t, r, y)
        scale = np.abs(wanted.coef).max(tuple(range(1, 1 + len(points))), keepdims=True)
        np.testing.assert_allclose(found.coef / scale, wanted.coef / scale, atol=1e-12)
        while c.waiting:
            c(x, k, t, r, y)
    assert {where[0] for where in c.machines} == {"points"} and c.reasons == {}
    squared = c(x * y, k, t, r, y * y)  # no variables, but series of the whole order
    np.testing.assert_allclose(squared.coef, option(x * y, k, t, r, y * y).coef, rtol=1e-9)


def test_many_points_of_functions_that_are_not_of_each_alone():
    cases = [
        lambda x, y: x * y.mean(),
        lambda x, y: x * np.sort(y),
        lambda x, y: x / len(y),
        lambda x, y: x * y[0],
    ]
    x, y = TaylorN.variables([np.linspace(1.0, 2.0, 40), np.linspace(0.5, 1.5, 40)], 2)
    for f in cases:
        c = taylor.compile(f)
        for _ in range(3):
            np.testing.assert_allclose(c(x, y).coef, f(x, y).coef, rtol=1e-13)
    rows, columns = TaylorN.variables([np.ones((3, 1)), np.arange(1.0, 5.0)], 2)
    c = taylor.compile(lambda x, y: np.sin(x * y))
    for _ in range(3):
        np.testing.assert_allclose(c(rows, columns).coef, np.sin(rows * columns).coef, rtol=1e-13)


def test_many_points_of_several_arguments_on_branches():
    c = taylor.compile(lambda x, y: x * y if (x > y).all() else np.where(x > 1.5, x - y, y**2))
    x = np.linspace(1.0, 2.0, 50)
    for shift in (-3.0, 3.0, 0.0, 0.2):
        a, b = TaylorN.variables([x, 1.5 + 0 * x + shift], 2)
        np.testing.assert_allclose(c(a, b).coef, c.f(a, b).coef, rtol=1e-13)


@pytest.mark.parametrize(
    ("n", "order"), [(2, 2), (3, 5), (5, 3), (6, 4), (8, 4), (9, 5), (20, 2), (33, 3)]
)
def test_tensors_are_tangents_of_the_gradient(n, order):
    def f(x):
        return np.sum(np.sin(x[1:] * x[:-1]) ** 2) + np.log(1.0 + x @ x) + x[0] ** 3

    x = np.linspace(0.1, 1.0, n)
    c = taylor.compile(f)
    found = taylor.tensor(c, x, order)
    wanted = taylor.tensor(f, x, order)
    np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-13 * np.abs(wanted).max())
    assert ("tensor", order, (n,)) in c.machines and c.reasons == {}
    np.testing.assert_array_equal(found, np.swapaxes(found, 0, order - 1))
    sparse = taylor.tensor(taylor.compile(lambda x: np.sum(x**4)), x, order)
    off = len({*np.indices(sparse.shape).reshape(order, -1).T[1]}) > 1
    assert off and np.count_nonzero(sparse) == (n if order < 5 else 0)


@pytest.mark.parametrize("order", [2, 3, 4, 5])
def test_tensors_are_those_of_sympy(order):
    def f(x, m):
        return m.exp(m.sin(x[0, 0] * x[0, 1] + x[1, 0]) * x[1, 1]) / (1 + x[0, 0] ** 2)

    symbols = np.array(sympy.symbols("a:d")).reshape(2, 2)
    point, c = np.array([[0.3, -0.7], [1.1, 0.4]]), taylor.compile(lambda x: f(x, np))
    at = dict(zip(symbols.flat, map(sympy.Rational, point.ravel().tolist()), strict=True))
    found = taylor.tensor(c, point, order).reshape((4,) * order)
    scale = np.abs(found).max()
    for index in [(0,) * order, (1,) * order, (0, 1, 2, 3, 0)[:order], (3, 0, 0, 2, 1)[:order]]:
        wanted = sympy.diff(f(symbols, sympy), *symbols.reshape(-1)[list(index)]).subs(at).evalf(30)
        assert abs(float(found[index] - wanted)) < 1e-14 * scale
    assert c.reasons == {}


@pytest.mark.parametrize("x", [[2.0, 0.5], [-2.0, 0.5], [0.0, 0.5], [np.nan, 0.5], [1e200, 1e200]])
def test_tensors_where_the_function_has_no_value(x):
    c = taylor.compile(lambda x: np.log(x[0]) * x[1] ** 2 + np.sqrt(x[1]))
    with np.errstate(all="ignore"):
        found, wanted = (value_or_error(lambda f=f: taylor.tensor(f, x, 2)) for f in (c, c.f))
    np.testing.assert_allclose(found, wanted, rtol=1e-14)


def value_or_error(call):
    try:
        return call()
    except taylor.DomainError:
        return np.nan


def test_tensors_in_threads():
    c = taylor.compile(lambda x: np.prod(np.sin(x)))
    points = np.linspace(0.2, 1.4, 240).reshape(80, 3)
    wanted = [taylor.tensor(c, x, 3) for x in points]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda x: taylor.tensor(c, x, 3), points))
    assert np.array_equal(found, wanted)


def test_tensors_on_other_branches_and_of_other_functions():
    c = taylor.compile(lambda x: np.sum(x**4) if x[0] > 0 else np.prod(x))
    for first in (1.0, -1.0, 2.0):
        x = np.array([first, 2.0, 3.0])
        np.testing.assert_allclose(taylor.tensor(c, x, 3), taylor.tensor(c.f, x, 3), atol=1e-14)
    assert len(c.machines["tensor", 3, (3,)]) == 2
    vector = taylor.compile(lambda x: x**4 * x[0])
    np.testing.assert_allclose(taylor.tensor(vector, x, 3), taylor.tensor(vector.f, x, 3))
    assert "scalar-valued" in vector.reasons["tensor", 3, (3,)]
    np.testing.assert_allclose(taylor.tensor(vector, x, 2), taylor.tensor(vector.f, x, 2))


@pytest.mark.parametrize("n", [2, 3, 5, 7, 9, 10, 12, 17])
def test_rows_that_are_no_whole_vectors(n):
    # every array is written to its last vector, so each must have room for it
    rng = np.random.default_rng(n)
    a, x = rng.normal(size=(n, n)), rng.normal(size=n)

    def f(x):
        y = a @ x
        m = np.outer(y, x) * a + np.outer(x, y)
        return np.sum((m @ a - a.T) ** 2) + x @ m @ y

    c = taylor.compile(f)
    for _ in range(2):
        np.testing.assert_allclose(taylor.hessian(c, x), taylor.hessian(f, x), rtol=1e-10)
        np.testing.assert_allclose(taylor.gradient(c, x), taylor.gradient(f, x), rtol=1e-11)
        got = taylor.directional(c, x, x, 4)
        assert got == pytest.approx(taylor.directional(f, x, x, 4), rel=1e-10)
    assert c.reasons == {}


# ------------------------------------------------------------------ products in rows
@pytest.mark.parametrize("n, order", [(2, 1), (2, 9), (3, 0), (3, 7), (4, 5), (5, 4)])
def test_products_in_rows_are_those_of_pairs(n, order):
    algebra = multivariate(n, order)
    rows = Rows(algebra)
    x, y = np.random.default_rng(order).integers(-9, 10, (2, algebra.size)).astype(float)
    wanted = np.zeros(algebra.size)
    position = {tuple(e): i for i, e in enumerate(algebra.exponents.tolist())}
    for i, a in enumerate(algebra.exponents):
        for j, b in enumerate(algebra.exponents):
            if a.sum() + b.sum() <= order:
                wanted[position[tuple((a + b).tolist())]] += x[i] * y[j]
    assert rows.product(x, y).tolist() == wanted.tolist()
    assert algebra.product(x, y).tolist() == wanted.tolist()
    assert rows.product(x, x).tolist() == algebra.product(x, x + 0.0).tolist()


@pytest.mark.parametrize("n, order", [(2, 3), (3, 12), (4, 8), (4, 14)])
def test_large_products_and_squares(n, order):
    algebra = multivariate(n, order)
    x, y = np.random.default_rng(order).integers(-9, 10, (2, algebra.size)).astype(float)
    z = algebra.product(x, y)
    parts = [algebra.interior(k, x, y, order, order) for k in range(2, order + 1)]
    for k, part in enumerate(parts, 2):
        p = algebra.part(k)
        assert (z[p] - x[0] * y[p] - y[0] * x[p]).tolist() == part.tolist()
    square = engine.product(algebra, x, x)
    assert engine.product(algebra, x, y).tolist() == z.tolist()
    assert square.tolist() == algebra.product(x, x + 0.0).tolist()
    x[-1] = np.inf  # reaches its own coefficient only
    assert engine.product(algebra, x, y) is None
    assert np.isfinite(algebra.product(x, y)[:-1]).all()


@pytest.mark.parametrize(
    "n, order", [(1, 1), (1, 6), (2, 1), (2, 9), (3, 7), (4, 5), (6, 4), (9, 2)]
)
def test_products_in_windows_are_those_of_pairs(n, order):
    algebra = multivariate(n, order)
    x, y = np.random.default_rng(order).integers(-9, 10, (2, algebra.size)).astype(float)
    products = Products(algebra)
    for a, b in [(x, y), (y, x), (x, x), (y, y), (x, x.copy())]:
        wanted = algebra.product(a, b + 0.0).tolist()
        assert products.product(a, b).tolist() == wanted
        strided = np.repeat(b, 2)[::2]
        assert products.product(a, strided).tolist() == wanted
    for bad in (np.inf, np.nan):
        y[-1] = bad
        assert products.product(x, y) is None


def test_a_plain_value_taken_out_is_not_compiled():
    f = taylor.compile(lambda x: (x.value if hasattr(x, "value") else x) * x)
    with pytest.warns(taylor.PerformanceWarning, match="plain value"):
        assert [float(taylor.derivative(f, p)) for p in (1.0, 2.0, 3.0)] == [1.0, 2.0, 3.0]
    assert any(".value" in reason for reason in f.reasons.values())


def test_code_whose_results_are_never_finite_is_named():
    f = taylor.compile(lambda x: np.sum(np.log(x)))
    with np.errstate(all="ignore"):
        for calls in (1, 2, 3, 4):
            assert f(np.array([0.0, 1.0])) == -np.inf
            assert any("no finite results" in why for why in f.reasons.values()) == (calls > 2)
    assert f(np.ones(2)) == 0.0 and f.reasons == {}


class Spring:
    """A model whose compiled method reads its attributes."""

    def __init__(self, stiffness):
        self.stiffness = stiffness

    @taylor.compile
    def energy(self, x):
        return 0.5 * self.stiffness * np.sum(x**2)


def test_methods_see_the_attributes_of_their_object():
    x, spring = np.array([1.0, 2.0]), Spring(2.0)
    for stiffness in (2.0, 3.0):
        spring.stiffness = stiffness
        assert spring.energy(x) == 2.5 * stiffness
        assert np.array_equal(taylor.gradient(spring.energy, x), stiffness * x)
        assert np.array_equal(taylor.hessian(spring.energy, x), stiffness * np.eye(2))
    assert Spring(4.0).energy(x) == 10.0
    assert Spring.energy.machines == {}


def test_an_object_keeps_its_compiled_methods_and_none_of_another():
    x, spring = np.array([1.0, 2.0]), Spring(2.0)
    assert spring.energy(x) == 5.0 and spring.energy.machines
    assert spring.energy is spring.energy
    for make in (copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))):
        other = make(spring)
        other.stiffness = 4.0
        assert [s.energy(x) for s in (other, spring, other)] == [10.0, 5.0, 10.0]
        assert np.array_equal(taylor.gradient(other.energy, x), 4.0 * x)
    seen = weakref.ref(spring)
    del spring, other
    gc.collect()
    assert seen() is None


def test_running_sums_of_equal_numbers():
    c = taylor.compile(lambda x: np.cumsum(np.broadcast_to(x, (4,))), strict=True)
    assert np.allclose(c(0.5), [0.5, 1.0, 1.5, 2.0])
    assert np.allclose(taylor.derivative(c, 0.5), [1.0, 2.0, 3.0, 4.0])


def test_decisions_on_arrays_are_loops():
    def f(x):
        return np.sum(x) if np.all(np.isfinite(x)) and np.all(x > 0) else 0.0 * np.sum(x)

    small, large = (Machine(taylor.record(f, np.ones(n))) for n in (50, 5000))
    assert not large.asks[0]
    assert len(large.code.object) < 2 * len(small.code.object)
    assert small(np.ones(50))[0] == OK
    for other in (0.0, -1.0, np.nan, np.inf):
        x = np.ones(50)
        x[7] = other
        assert small(x)[0] == GUARD


@pytest.mark.parametrize(
    "f, end", [(np.log, 0.0), (np.log2, 0.0), (np.log10, 0.0), (np.log1p, -1.0)]
)
def test_gradients_of_logarithms_take_none_and_end_with_their_domain(f, end):
    def total(x):
        return 2.0 * np.sum(f(x)) + np.sum(x)

    compiled, x = taylor.compile(total), end + np.linspace(0.1, 2.0, 20)
    program = derived(record(total, x), inspect.unwrap(taylor.gradient), (x,))[0]
    assert f.__name__ not in {i.op.name for i in program.code}
    for bad in (0.5, end, end - 1.0, np.nan, np.inf):
        x[7] = bad
        found = [outcome(taylor.gradient, g, x) for g in (compiled, total)]
        np.testing.assert_equal(*found)


def outcome(driver, f, x):
    try:
        return driver(f, x)
    except DomainError as error:
        return type(error)
