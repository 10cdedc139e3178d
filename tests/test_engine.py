"""The engine: the same tables as the sweep's, for every algebra and shape, and no other routes."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import taylor
from hyperdual import HyperDual
from taylor import Taylor, TaylorN
from taylor.core.program import expand
from taylor.core.sweep import Sweep
from taylor.machine import engine, pairs
from taylor.machine.machine import Machine
from taylor.machine.pairs import operation
from taylor.ode.pieces import Pieces, along

RNG = np.random.default_rng(3)
SHAPES = [(), (3,), (31,), (2, 20)]
KINDS = {
    "order 1": lambda x: Taylor.variable(x, 1),
    "order 10": lambda x: Taylor.variable(x, 10),
    "complex": lambda x: Taylor.variable(x * (1 + 0.5j), 2),
    "TaylorN": lambda x: sum(TaylorN.variables([x, 0.2 + 0 * x], 3)),
    "complex TaylorN": lambda x: sum(TaylorN.variables([x * 1j, 0.2 + 0 * x], 2)),
    "HyperDual": lambda x: HyperDual(x, 1 + 0 * x, 2 + 0 * x),
}
FUNCTIONS = {
    "sin": np.sin,
    "exp": np.exp,
    "x/y": lambda x: x / (2.0 + x),
    "1/x": lambda x: 1 / x,
    "x*y": lambda x: x * (2.0 + x),
    "x**1.5": lambda x: x**1.5,
}


def points(shape):
    """Return points of that shape; a number for ()."""
    return np.linspace(0.1, 0.9, int(np.prod(shape))).reshape(shape)[()]


@pytest.mark.parametrize("n", [1, 2, 4, 5, 8, 17, 100])
def test_code_for_tables_of_any_length(n):
    x, y = np.random.default_rng(n).normal(size=(2, n))
    code = {name: operation(name, n) for name in ("fadd", "fsub", "fmul", "fdiv", "product")}
    assert np.array_equal(code["fadd"](x, y), x + y)
    assert np.array_equal(code["fsub"](x, y), x - y)
    assert np.array_equal(code["fmul"](x, 0.3), 0.3 * x)
    assert np.array_equal(code["fdiv"](x, 0.3), x / 0.3)
    product = code["product"](x, y)
    assert product[0] == x[0] * y[0]
    signs = x * RNG.choice([0.0, -0.0, 1.0], n)
    for a, b in ((x, y), (x, x), (signs, y), (signs, -signs)):
        assert code["product"](a, b).tobytes() == pairs.product(a, b).tobytes()
    largest = np.convolve(abs(x), abs(y))[:n]
    assert np.all(abs(product - np.convolve(x, y)[:n]) <= 2**-52 * n * largest)
    x[-1] = np.inf
    assert code["product"](x, y) is None  # nan would spread; the sum has no such lanes
    assert np.array_equal(code["fadd"](x, y), x + y)
    assert code["fadd"](x, y[:-1]) is None and code["fadd"](x, y * 1j) is None
    x[-1] = 1.0
    assert np.isfinite(code["product"](x, y)).all()


def test_products_whose_coefficients_overflow_as_a_sum_warn_of_nothing():
    assert pairs.product(np.array([1e308, 1e308]), np.array([1.0, 0.0])) is None
    big = (Taylor([1e308, 1e308]) * Taylor([1.0, 0.0])).coef
    assert big.tolist() == [1e308, 1e308]


@pytest.mark.parametrize("order", [1, 7, 30])
def test_a_product_has_one_value(order):
    x, y = (Taylor(row) for row in RNG.normal(size=(2, order + 1)))
    pairs.multiplied.cache_clear()
    with ThreadPoolExecutor(3) as threads:
        found = threads.map(lambda _: (x * y).coef.tobytes(), range(3 * pairs.PATIENCE))
    assert len(set(found)) == 1


@pytest.mark.parametrize("n, order", [(5, 2), (4, 5)])
def test_a_product_in_several_variables_has_one_value(n, order):
    x, y = (sum(TaylorN.variables(row, order)) for row in RNG.normal(size=(2, n)))
    x, y = 1 / x, np.sin(y)
    assert len({(x * y).coef.tobytes() for _ in range(20)}) == 1


@pytest.mark.parametrize("n", [1, 3, 40])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if "complex" not in kind])
def test_a_product_of_arrays_has_one_value(kind, n):
    x = KINDS[kind](np.linspace(-0.9, 0.9, n))
    x, y = np.exp(x), np.sin(x)
    assert len({(x * y).coef.tobytes() for _ in range(2 * pairs.PATIENCE)}) == 1


def test_products_of_arrays_keep_signs_and_what_is_not_finite():
    x = np.array([[-0.0, 1.0, 1e200, 0.0], [1.0, 2.0, 1e200, 1.0]])
    y = np.array([[1.0, -0.0, 1e200, np.inf], [0.0, 1.0, 0.0, 1.0]])
    for _ in range(2 * pairs.PATIENCE):
        good = Taylor(x[:, :2]) * Taylor(y[:, :2])
    with np.errstate(all="ignore"):
        assert np.signbit(good.value).tolist() == [True, True]
        assert np.array_equal(good.coef[1], [1.0, 1.0])
        found = (Taylor(x) * Taylor(y)).coef
    assert found[0, 2] == found[1, 2] == np.inf and np.isnan(found[0, 3])


@pytest.mark.parametrize("name", ["sin", "exp", "x/y", "1/x"])
def test_arrays_of_a_few_numbers_have_code_for_their_length(name, monkeypatch):
    def optimised(*a):
        machine = Machine(*a)
        machine.code.final()
        return machine

    f, x = FUNCTIONS[name], Taylor.variable(points((3,)), 13)
    monkeypatch.setattr(engine, "OFTEN", 2)
    monkeypatch.setattr(engine, "Machine", optimised)
    wanted = f(x)
    for _ in range(4):
        f(x)
    monkeypatch.setattr(engine, "run", None)  # nothing lies between the call and the code
    np.testing.assert_allclose(f(x).coef, wanted.coef, rtol=1e-13)


@pytest.fixture
def sweeps(monkeypatch):
    """Return the list that grows by one entry with every sweep in NumPy."""
    found = []
    real = Sweep.run
    monkeypatch.setattr(Sweep, "run", lambda self: found.append(self) or real(self))
    return found


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_machine_code_gives_what_the_sweep_gives(kind, shape, monkeypatch):
    x = KINDS[kind](points(shape))
    monkeypatch.setattr(engine, "PATIENCE", 0)
    found = {name: f(x) for name, f in FUNCTIONS.items()}
    monkeypatch.setattr(engine, "run", lambda *a: None)
    for name, f in FUNCTIONS.items():
        wanted = f(x)
        assert found[name].dtype == wanted.dtype and found[name].shape == shape
        plain = f(x.value)
        if name == "x*y" and "complex" in kind:  # NumPy rounds numbers and arrays differently
            plain = np.where(np.isclose(plain, wanted.value, 1e-15, 0), found[name].value, np.nan)
        assert np.array_equal(found[name].value, plain), name
        scale = np.abs(wanted.coef).max(0)
        assert np.all(np.abs(found[name].coef - wanted.coef) <= 1e-13 * scale), name


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_no_number_of_lanes_and_no_order_is_left_to_the_sweep(kind, shape, sweeps):
    x = KINDS[kind](points(shape))
    functions = [f for name, f in FUNCTIONS.items() if name != "x**1.5" or "complex" not in kind]
    for _ in range(engine.PATIENCE):
        [f(x) for f in functions]
    sweeps.clear()
    [f(x) for f in functions]
    assert len(sweeps) == 0


def test_shapes_and_constants_are_broadcast(sweeps, monkeypatch):
    x = Taylor.variable(np.linspace(0.1, 0.9, 3)[:, None], 3)
    y = x.reshape(3)[:2] + 1.0
    numbers = np.array([1.5, 2.5])
    operations = [
        lambda: x / y,
        lambda: x * y,
        lambda: numbers / x,
        lambda: np.arctan2(x, y),
        lambda: np.float64(2) / y,
        lambda: x.reshape(3)[0, ...] / y,
    ]
    monkeypatch.setattr(engine, "PATIENCE", 0)
    found = [f() for f in operations]
    assert len(sweeps) == 0
    monkeypatch.setattr(engine, "run", lambda *a: None)
    for got, f in zip(found, operations, strict=True):
        np.testing.assert_allclose(got.coef, f().coef, rtol=1e-13, atol=1e-15)


def test_a_single_use_makes_no_machine_code(monkeypatch):
    made = []
    monkeypatch.setattr(engine, "Machine", lambda *a, **k: made.append(a))
    x = Taylor.variable(0.3, 77)
    for _ in range(engine.PATIENCE):
        np.cosh(x)
    assert made == []
    np.cosh(x)
    assert len(made) == 1
    np.cosh(Taylor.variable(np.zeros(engine.WORK // 70), 77))  # as much work as many uses
    assert len(made) == 2


def test_what_is_not_finite_is_left_to_the_sweep(sweeps, monkeypatch):
    monkeypatch.setattr(engine, "PATIENCE", 0)
    y = np.log(Taylor.variable(np.array([-1.0, 0.0, 1.0]), 2))
    assert sweeps
    assert np.isnan(y.coef[:, 0]).all() and y.coef[0, 1] == -np.inf
    assert y.coef[:, 2].tolist() == [0.0, 1.0, -0.5]
    with pytest.raises(taylor.DomainError):
        np.log(Taylor.variable(-1.0, 2))


@pytest.mark.parametrize("like", [np.float32, np.longdouble])
def test_other_numbers_are_left_to_the_sweep(like, sweeps, monkeypatch):
    monkeypatch.setattr(engine, "PATIENCE", 0)
    x = Taylor.variable(np.array([0.5, 0.25]), 2).astype(like)
    assert np.exp(x).dtype == like and len(sweeps) == 1


def test_functions_along_steps_are_compiled_when_there_are_many(sweeps):
    program = expand(taylor.record(lambda t, y: y[0] * t - y[1], 0.0, np.ones(2)))
    n = engine.PATIENCE
    t = np.arange(n, dtype=float)
    pieces = Pieces(t, 0 * t, 0.5 + 0 * t, np.random.default_rng(0).normal(size=(n, 4, 2)))
    (wanted,) = along(program, pieces, [])
    assert len(sweeps) == n
    (found,) = along(program, pieces, [])
    assert len(sweeps) == n
    np.testing.assert_allclose(found, wanted, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("n", [3, 31, 70])
def test_compiled_functions_at_points(n):
    x = points((n,))
    f = taylor.compile(lambda x: np.sin(x) * 2)
    for make in KINDS.values():
        v = make(x)
        np.testing.assert_allclose(f(v).coef, (np.sin(v) * 2).coef, rtol=1e-13, atol=1e-15)
    assert f.reasons == {} and all(where[0] == "points" for where in f.machines)
    for g in (lambda x: np.sin(x) * x.size, lambda x: x - np.mean(x), lambda x: x * points((n,))):
        v = Taylor.variable(x, 3)
        c = taylor.compile(g)
        np.testing.assert_allclose(c(v).coef, g(v).coef, rtol=1e-13, atol=1e-15)
        assert c.reasons == {}


def test_tiles_of_machines_are_their_points():
    program = taylor.record(lambda x: np.exp(x) * x, 0.3)
    x = np.stack([points((45,)), np.ones(45)])
    one, tile = (Machine(program, 4, unit=unit) for unit in (1, engine.TILE))
    for threads in (1, 2):
        status, (c,) = tile.batch(x, threads=threads)
        assert status == 0
        np.testing.assert_allclose(one.batch(x, threads=threads)[1][0], c, rtol=1e-14)
