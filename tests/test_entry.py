"""Calls of machine code without Python in between give what NumPy gives, and keep nothing."""

import gc
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from shared import misaligned, read_only, together

import taylor
from taylor.drivers.tensors import TENSOR
from taylor.llvm import entry
from taylor.llvm.entry import Entry, nothing
from taylor.ode import TaylorIntegrator
from taylor.ode.machine import NEVER

pytestmark = pytest.mark.usefixtures("optimised")
GENERATOR = np.random.default_rng(5)
A = GENERATOR.normal(size=(4, 6))


POINTS = {
    "float": 0.3,
    "float64": np.float64(0.3),
    "no axes": np.array(0.3),
    "array": A,
    "transposed": A.T,
    "strided": A[::2, 1::3],
    "reversed": A[::-1, ::-1],
    "broadcast": np.broadcast_to(A[0], (3, 6)),
    "Fortran": np.asfortranarray(A),
    "misaligned": misaligned(A),
    "read-only": read_only(A),
    "empty": np.empty((0, 3)),
    "one": np.ones((1, 1, 1)),
    "large": GENERATOR.normal(size=(40, 50)),
}
POINTS |= {f"complex {name}": x * (1 + 2j) + 0.5j for name, x in POINTS.items()}
POINTS["complex strided"] = (A * (1 + 2j))[::2, 1::3]
POINTS["complex misaligned"] = misaligned(A * (1 + 2j))
POINTS["complex"] = 0.3 - 0.1j


def ready(f, *x):
    """Return f compiled, with a form for such arguments, and that form's function."""
    f = taylor.compile(f, strict=True)
    for _ in range(3):
        f(*x)
    call = f.entries[None].call
    assert call is not nothing
    return f, call


def both(x):
    return x * x + 1.0, np.sum(x)


@pytest.mark.parametrize("name", POINTS)
def test_every_kind_of_argument(name):
    x = POINTS[name]
    f, call = ready(both, x)
    found, wanted = call(x), both(x)
    assert type(found) is tuple and len(found) == 2
    for y, z in zip(found, wanted, strict=True):
        assert type(y) is type(np.asarray(z)[()]) and np.shape(y) == np.shape(z)
        assert y.dtype == np.asarray(z).dtype
        np.testing.assert_allclose(y, z, rtol=1e-14, atol=1e-14)
    if np.ndim(x):
        kept = found[0].copy()
        f(x + 1.0)
        assert np.array_equal(found[0], kept) and found[0].flags.owndata


OTHERS = {
    "an integer": 2,
    "a flag": True,
    "float32": np.float32(0.5),
    "float32 array": A.astype(np.float32),
    "integers": np.arange(24).reshape(4, 6),
    "big-endian": A.astype(">f8"),
    "another shape": A.T,
    "another number of axes": A[0],
    "complex": A + 1j,
    "masked": np.ma.masked_array(A),
    "list": A.tolist(),
    "series": taylor.Taylor([A, A]),
    "none": None,
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_arguments_are_not_taken(name):
    _, call = ready(np.sin, A)
    assert call(OTHERS[name]) is None and call() is None and call(A, A) is None
    np.testing.assert_allclose(call(A), np.sin(A), rtol=1e-15)


STRUCTURES = {
    "a number": lambda x, y: np.sum(x) * y,
    "an array": lambda x, y: x * y,
    "tuple": lambda x, y: (x, y, x * y),
    "tuple of one": lambda x, y: (x * y,),
    "nested": lambda x, y: (x, (y, x * y)),
    "list": lambda x, y: [x, y],
    "dict": lambda x, y: {"a": x, "b": [y, x * y]},
    "with constants": lambda x, y: (x, 3, "name", None),
    "constant": lambda x, y: 2.0,
}


def assert_same(found, wanted):
    assert type(found) is type(wanted) or np.isscalar(wanted) or np.ndim(wanted)
    if isinstance(wanted, dict):
        assert list(found) == list(wanted)
        found, wanted = list(found.values()), list(wanted.values())
    if isinstance(wanted, (tuple, list)):
        assert len(found) == len(wanted)
        for a, b in zip(found, wanted, strict=True):
            assert_same(a, b)
    elif isinstance(wanted, (np.ndarray, float)):
        np.testing.assert_allclose(found, wanted, rtol=1e-15)
    else:
        assert found == wanted


@pytest.mark.parametrize("name", STRUCTURES)
def test_every_structure_of_results(name):
    x, f = np.array([1.0, 2.0, 3.0]), STRUCTURES[name]
    g = taylor.compile(f)
    for scale in (1.0, 2.0, 3.0, 4.0):
        assert_same(g(x * scale, 2.0), f(x * scale, np.float64(2.0)))


def test_branches_take_turns_and_results_that_are_not_finite_the_ordinary_way():
    f = taylor.compile(lambda x: np.log(x) if x > 1 else 1 / x)
    points = [2.0, 0.5, -1.0, 3.0, 1.0]
    for x in points * 3:
        assert f(x) == pytest.approx(np.log(x) if x > 1 else 1 / x, rel=1e-15)
    call = f.entries[None].call
    assert call(2.0) is not None and call(0.5) is not None
    with np.errstate(divide="ignore"):
        assert call(0.0) is None and call(np.nan) is None and np.isinf(f(np.float64(0.0)))


DRIVERS = {
    "gradient": (lambda x: np.sum(x * x * x), taylor.gradient, 1),
    "hessian": (lambda x: np.sum(x * x * x), taylor.hessian, 1),
    "hvp": (lambda x: np.sum(x * x * x), taylor.hvp, 2),
    "jacobian": (lambda x: x * np.sum(x), taylor.jacobian, 1),
    "jvp": (lambda x: x * np.sum(x), taylor.jvp, 2),
    "vjp": (lambda x: x * np.sum(x), taylor.vjp, 2),
}


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize("name", DRIVERS)
def test_drivers(name, kind):
    f, driver, count = DRIVERS[name]
    g = taylor.compile(f)
    for k in range(4):
        x = [GENERATOR.normal(size=3).astype(kind) + (1j * k if kind is complex else k)] * count
        found, wanted = driver(g, *x), driver(f, *x)
        assert_same(found, wanted)
    assert [entry for key, entry in g.entries.items() if key and entry.call is not nothing]


@pytest.mark.parametrize("x", [0.4, np.array([0.4, 0.7]), 0.4 + 0.2j])
def test_coefficients_along_lines(x):
    f = lambda x: np.exp(x) * np.sum(x)  # not element-wise
    g = taylor.compile(f)
    for n in range(4):
        for v in (1.0, 2, 0.5):
            t = taylor.Taylor.variable(0.0, 5)
            wanted = f((x + 0.1 * n) + t * (v * np.ones(np.shape(x)))).coef
            found = g.along(x + 0.1 * n, v * np.ones(np.shape(x)) if np.ndim(x) else v, 5)
            np.testing.assert_allclose(found, wanted, rtol=1e-14)
    assert [entry for key, entry in g.entries.items() if key and entry.call is not nothing]


def test_fixed_arguments():
    def f(x, n, name, y, flag=True):
        return (x * n + y) if flag and name == "plus" else (x - n, y)

    g = taylor.compile(f, strict=True)
    cases = [(A, 3, "plus", 0.5), (A, 3, "minus", 0.5), (A, 1, "plus", 0.5, True)]
    cases += [(A, True, "plus", 0.5), (A, 3, "plus", 0.5, False), (A, 3.0, "plus", 0.5)]
    cases += [(A, 10**9, "plus", 0.5), (A, 3, "plus", A[0]), (A, 2, "plus", 2)]
    for case in cases:
        for _ in range(4):
            assert_same(g(*case), f(*case))
    for case in cases * 2:
        assert_same(g(*case), f(*case))
    call = g.entries[None].call
    assert call(A, 3, "plus", 0.5) is not None and call(A, 4, "plus", 0.5) is None
    assert call(A, int("1" + 9 * "0") + 1, "plus", 0.5) is None and call(A, 3, "pl", 0.5) is None


def test_many_fixed_arguments_in_turn_are_no_forms():
    g = taylor.compile(lambda x, n: x * n)
    for _ in range(3):
        for n in range(20):
            assert g(2.0, n) == 2.0 * n
    assert len(g.entries[None].keys) == 0


def test_more_shapes_than_are_tried():
    f = taylor.compile(lambda x: np.sum(x * x))
    for _ in range(3):
        for n in range(1, 2 * entry.MOST + 3):
            assert f(np.ones(n)) == n
    assert len(f.entries[None].keys) <= entry.MOST


def test_nothing_is_kept_and_nothing_lost():
    x, z, number, far = A.copy(), A + 1j, np.float64(0.5), A.copy().T
    calls = [(ready(both, x)[1], x), (ready(both, z)[1], z), (ready(both, number)[1], number)]
    calls += [(ready(lambda x: {"a": x, "b": x}, far)[1], far), (ready(np.sin, 0.5)[1], 0.5)]
    wrong = [call for call, _ in calls]
    objects = [None, float, np.float64, np.ndarray, tuple, x.dtype, z.dtype, x, z, number, far]

    def run(n):
        for _ in range(n):
            for call, at in calls:
                assert call(at) is not None
            for call in wrong:
                assert call("no number") is None
        gc.collect()

    run(200)
    before = [sys.getrefcount(o) for o in objects]
    tracemalloc.start()
    run(200)
    size = tracemalloc.get_traced_memory()[0]
    run(2000)
    grown = tracemalloc.get_traced_memory()[0] - size
    tracemalloc.stop()
    assert grown < 4000
    assert max(abs(sys.getrefcount(o) - n) for o, n in zip(objects, before, strict=True)) < 100


def test_what_a_call_needs_lives_as_long_as_the_function():
    _, call = ready(lambda x: {"a": x * 2.0}, A)
    gc.collect()
    junk = [np.full(500, np.nan) for _ in range(200)]
    assert np.array_equal(call(A)["a"], 2 * A) and len(junk) == 200


def test_errors_of_what_builds_the_result_are_raised():
    function = taylor.machine.machine.Machine(taylor.core.program.record(np.sin, 0.5))
    slot = Entry()

    def fails(leaves):
        raise ZeroDivisionError("as it builds")

    function(0.5)
    function.enter(slot, fails, False)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError, match="as it builds"):
            slot.call(0.5)


def test_a_call_from_within_takes_the_ordinary_way():
    function = taylor.machine.machine.Machine(taylor.core.program.record(np.sin, 0.5))
    slot, seen = Entry(), []

    def again(leaves):
        seen.append(leaves[0])
        return slot.call(leaves[0]) if len(seen) < 3 else leaves[0]

    function(0.5)
    function.enter(slot, again, False)
    assert slot.call(0.5) == pytest.approx(np.sin(np.sin(np.sin(0.5))), rel=1e-15)


@pytest.mark.parametrize("long", [False, True])
def test_threads_do_not_disturb_each_other(long, monkeypatch):
    monkeypatch.setattr("taylor.drivers.entries.LONG", -1.0 if long else 1.0)
    B = GENERATOR.normal(size=(60, 60)) / 8
    f, call = ready(lambda x: B @ np.sin(B @ x), np.ones(60))
    wrong = []

    def run(seed):
        points = np.random.default_rng(seed).normal(size=(20, 60))
        wanted = [B @ np.sin(B @ x) for x in points]
        for _ in range(30):
            for x, y in zip(points, wanted, strict=True):
                if not np.allclose(f(x), y, rtol=1e-10, atol=1e-12):
                    wrong.append(seed)

    together(run, 6)
    assert not wrong and call(np.ones(60)) is not None


def test_other_pythons_take_the_ordinary_way(monkeypatch):
    monkeypatch.setattr(entry, "_are_as_read", lambda: False)
    entry._ready.cache_clear()
    try:
        f = taylor.compile(both, strict=True)
        for _ in range(3):
            assert_same(f(A), both(A))
        assert f.entries[None].call is nothing
    finally:
        entry._ready.cache_clear()


def test_the_layout_is_what_the_code_reads():
    assert entry._are_as_read() == (
        sys.implementation.name == "cpython" and object.__basicsize__ == 16
    )


def test_calls_as_the_process_ends():
    text = """
import atexit, numpy as np, taylor
f = taylor.compile(lambda x: {"a": x * 2.0})
class Late:
    def __del__(self):
        print(f(np.ones(2))["a"].sum())
late = Late()
atexit.register(lambda: print(f(np.ones(2))["a"].sum()))
for _ in range(4): f(np.ones(2))
"""
    run = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)
    assert run.returncode == 0 and run.stdout.split() == ["4.0", "4.0"], run.stderr


def test_steps_are_the_same_however_they_are_called():
    def flow(t, y):
        return np.stack([y[1], -np.sin(y[0]) + 0.1 * t])

    one, two = (TaylorIntegrator(flow, 0.0, [1.0, 0.0]) for _ in range(2))
    two._memory.asked = NEVER  # never by the built-in function
    for n in range(12):
        for it in (one, two):
            it.step() if n % 3 else it.propagate_until(it.t + 3)
            if n == 6:  # one with a log between
                next(it.march(it.t + 0.5, 1))
        assert one.t == two.t and np.array_equal(one.y, two.y) and one.h == two.h
        assert (one.steps, one.worst, one.t_low) == (two.steps, two.worst, two.t_low)
    assert one._memory.entry.call is not nothing and two._memory.entry.call is nothing


@pytest.mark.parametrize("order", [2, 3, 4])
@pytest.mark.parametrize("shape", [(2,), (5,), (2, 3)])
def test_tensors_by_one_call(order, shape):
    def f(x):
        return np.sum(np.sin(x[1:] * x[:-1]) ** 2) + np.log(1 + np.sum(x * x)) * np.prod(x)

    c = taylor.compile(f, strict=True)
    x = np.linspace(0.2, 0.9, np.prod(shape)).reshape(shape)
    taylor.tensor(c, x, order)
    taylor.tensor(c, x, order)
    for point in (x, 0.5 * x, np.asfortranarray(x), x[::-1]):
        found = c.at_once(TENSOR, (point, order))
        np.testing.assert_allclose(found, taylor.tensor(f, point, order), rtol=1e-12, atol=1e-13)
    assert c.at_once(TENSOR, (x[:1], order)) is c.at_once(TENSOR, (x, order + 1)) is None
    assert c.at_once(TENSOR, (x * np.nan, order)) is None


def test_tensors_on_another_branch_are_not_those_of_the_first():
    c = taylor.compile(lambda x: np.sum(x**4) if x[0] > 0 else np.sum(x**3), strict=True)
    for x in (np.array([1.0, 2.0]), np.array([-1.0, 2.0])) * 3:
        np.testing.assert_allclose(taylor.tensor(c, x, 3), taylor.tensor(c.f, x, 3), rtol=1e-13)
