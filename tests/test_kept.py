"""What was made once is found again, and never in the place of anything else."""

import os
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import scipy.integrate
from shared import together

import taylor
from hyperdual import HyperDual
from taylor import ode
from taylor.core.instructions import Scale
from taylor.core.table import rule
from taylor.drivers.recorded import derived
from taylor.kept import STORE, Store, identity
from taylor.llvm import function, jit
from taylor.machine.calls import bare
from taylor.machine.machine import Machine
from taylor.numbers.formulas import LN2, PI

X = np.linspace(0.2, 0.9, 4)
LOOSE = dict(tol=1e-4)  # series of low order, whose code is short
SPAN, START = (0.0, 1.0), np.array([1.0, 0.2])


# ------------------------------------------------------------------ identity
def alone(x):
    return x


THINGS = [
    None, 0, 1, True, 0.0, -0.0, 1.0, np.float64(1.0), np.float32(1.0), np.int64(1), 1 + 0j, "1",
    b"1", (), [], (1,), [1], ((1,),), (1, 1), "add", ("add",), np.ones(1), np.ones((1, 1)),
    np.ones(1, int), np.ones(1, np.float32), np.array([1], object), np.array([1.0], object),
    np.zeros(3000), np.append(np.zeros(2999), -0.0), np.append(np.zeros(2999), np.nan),
    Fraction(1, 2), Fraction(1, 3), Scale(1), Scale(1.0), ("scale", 1),
    alone, lambda x: x, np.sin, taylor.sin, taylor.cos, int, (alone, 1), (alone, alone), ...,
    PI, LN2,
]  # fmt: skip


def test_things_are_told_from_each_other():
    found = [identity(x) for x in THINGS]
    for i, name in enumerate(found):
        assert [j for j, other in enumerate(found) if other == name] == [i], THINGS[i]
        assert hash(name) == hash(identity(THINGS[i]))


def test_equal_content_is_found_and_what_cannot_be_written_down_never():
    big = np.arange(5000.0)
    assert identity((big, "x")) == identity((big.copy(), "x"))
    assert identity(np.array([np.nan])) == identity(np.array([np.nan]))
    assert identity(lambda: 0) != identity(lambda: 0)
    for strange in (mpmath.mpf(1), {1: 2}, taylor.Taylor([1.0, 2.0]), slice(1, 2)):
        assert identity(strange) != identity(strange)


def test_programs_with_named_constants_are_found():
    for f in (taylor.erf, taylor.log2, taylor.log10, taylor.log_ndtr, np.sin):
        programs = [taylor.record(lambda x, f=f: np.sum(f(x)), X) for _ in range(2)]
        found = [identity(bare(derived(p, taylor.gradient, [X])[0])[0]) for p in programs]
        assert found[0] == found[1], f


def test_what_is_told_by_itself_is_held():
    for _ in range(100):  # otherwise one would have the address of another
        assert STORE.made(lambda: 1, "held", identity(lambda: 0)) == 1
    kept = [what for what in STORE.entries if what[0] == "held"]
    assert len(kept) == len(set(kept)) == 100


# ------------------------------------------------------------------ the store
class Heavy:
    weight = 10


def test_the_store_forgets_what_was_not_asked_for_for_longest():
    store = Store(8, 1000)
    for i in range(8):
        store.put(i, "n", i)
    assert store.get("n", 0) == 0  # asked for
    store.put(8, "n", 8)
    assert store.get("n", 0) == 0 and store.get("n", 8) == 8 and store.get("n", 1) is None
    assert len(store.entries) == 6
    heavy = Store(1000, 100)
    for i in range(11):
        heavy.put((Heavy(), i), i)
    assert len(heavy.entries) == 7 and heavy.get(10) is not None and heavy.get(0) is None
    assert heavy.put((Heavy(), Heavy()), "large") and heavy.get("large") is None


def test_the_first_of_two_threads_is_kept():
    store, first = Store(8, 1000), object()

    def slow():
        assert store.put(first, 1) is first  # another thread, meanwhile
        return object()

    assert store.made(slow, 1) is first is store.get(1)
    assert store.made(lambda: None, 2) is None
    assert store.made(lambda: 3, 2) is None  # nothing is kept, too


# ------------------------------------------------------------------ code is made once
@pytest.fixture(scope="module")
def entry():
    """Have the code made by which Python calls all other, once in a process."""
    f = taylor.compile(curve)
    for _ in range(12):
        f(X)


@pytest.fixture
def counts(monkeypatch, entry):
    """Count how often code is read from disk, linked and written, from an empty memory on."""
    found = dict.fromkeys(("read", "linked", "written"), 0)

    def counted(owner, name, key):
        real = getattr(owner, name)

        def call(*args):
            result = real(*args)
            found[key] += key != "read" or result is not None
            return result

        monkeypatch.setattr(owner, name, call)

    monkeypatch.setenv("TAYLOR_CACHE", "")
    counted(jit, "load", "read")
    counted(jit.Code, "__init__", "linked")
    counted(function.Function, "text", "written")
    STORE.clear()
    return found


def curve(x):
    return np.sum(np.exp(np.sin(x)) * x)


def pendulum(t, y, k=1.5):
    return [y[1], -k * np.sin(y[0])]


def bouncing(t, y):
    return [y[1], -np.sign(y[0]) * (1 + 0 * y[0])]


def solved(f=pendulum, y0=START, **options):
    return ode.solve_ivp(f, SPAN, y0, **LOOSE, **options)


def fresh():
    return taylor.compile(lambda x: curve(x))


WAYS = {
    "value": lambda: fresh()(X),
    "gradient": lambda: taylor.gradient(fresh(), X),
    "hessian": lambda: taylor.hessian(fresh(), X),
    "jacobian": lambda: taylor.jacobian(taylor.compile(lambda x: np.sin(x) * x[0]), X),
    "H·v": lambda: taylor.hvp(fresh(), X, X),
    "vjp": lambda: taylor.vjp(taylor.compile(lambda x: np.sin(x) * x[0]), X, X),
    "jvp": lambda: taylor.jvp(fresh(), X, X),
    "series": lambda: taylor.derivatives(taylor.compile(lambda t: np.sin(t) * t), 0.3, 4),
    "points": lambda: taylor.derivatives(
        taylor.compile(lambda t: np.sin(t) * t), np.linspace(0.1, 1, 200), 4
    ),
    "TaylorN": lambda: fresh()(taylor.TaylorN.seeded(X[:2], 2)),
    "HyperDual": lambda: fresh()(HyperDual(0.3, [1.0, 0.0, 0.0])),
    "complex": lambda: fresh()(X + 0.1j),
    "steps": lambda: solved().y,
    "t_eval": lambda: solved(t_eval=[0.5, 1.0]).y,
    "dense output": lambda: solved(dense_output=True).sol(0.3),
    "events": lambda: solved(events=lambda t, y: y[1]).t_events[0],
    "args": lambda: solved(args=(2.0,)).y,
    "closure": lambda: (lambda k: solved(lambda t, y: pendulum(t, y, k)).y)(2.5),
    "branches": lambda: solved(bouncing, [0.1, 0.0]).y,
    "SciPy's solver": lambda: (
        scipy.integrate.solve_ivp(
            pendulum, SPAN, START, method=taylor.ode.TaylorSolver, rtol=1e-4
        ).y
    ),
    "integrator": lambda: ode.TaylorIntegrator(pendulum, 0.0, START, **LOOSE).propagate_until(1.0),
    "reverse mode": lambda: taylor.gradient(lambda y: solved(y0=y).y[0, -1], START),
    "adjoint": lambda: ode.value_and_gradient(
        lambda y: y[0] ** 2, pendulum, SPAN, START, args=(1.5,), **LOOSE
    )[1],
    "jets": lambda: ode.flow_map(pendulum, SPAN, START, 2, **LOOSE).gradient(),
    "tangents": lambda: ode.flow_map(pendulum, SPAN, START, 1, **LOOSE).gradient(),
    "ensemble": lambda: ode.solve_ensemble(pendulum, SPAN, [START, 2 * START], **LOOSE).y,
}


@pytest.mark.parametrize("way", WAYS)
def test_code_is_made_once_in_a_process(way, counts):
    first = WAYS[way]()
    for _ in range(8):  # some code is made only when it has been asked for some times
        WAYS[way]()
    assert counts["written"] == counts["linked"] > 0 == counts["read"]
    before = dict(counts)
    again = WAYS[way]()
    assert counts == before
    np.testing.assert_array_equal(np.asarray(again), np.asarray(first))


def test_from_the_disk_code_is_read_once(counts, tmp_path, monkeypatch):
    monkeypatch.setenv("TAYLOR_CACHE", str(tmp_path))
    for written, read, linked in ((1, 0, 1), (1, 1, 2)):
        for _ in range(2):
            assert solved().success
        assert counts == dict(written=written, read=read, linked=linked)
        STORE.clear()  # as in another process


def test_threads_wait_for_what_one_of_them_writes(counts):
    found = together(lambda i: solved().y.tobytes(), 6)
    assert len(set(found)) == 1 and counts["written"] == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_fork_finds_what_was_made_before_it(counts):
    wanted, before = solved().y, dict(counts)
    child = os.fork()
    if child == 0:
        same = np.array_equal(solved().y, wanted) and counts == before
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0


# ------------------------------------------------------------------ and never for anything else
def own(c):
    """Return a row that has the name, the equation and the structure of others."""
    return rule(lambda x: c * np.asarray(x) ** 2, quotient=lambda a, y: (2 * c * a, 1), name="own")


def with_array(c, size=3000):
    weights = np.full(size, 1.0)
    weights[-1] = c
    return lambda x: np.sum(weights[-len(X) :] * x * x) + np.sum(weights * x[0])


MAKERS = {
    "a number": lambda c: lambda x: np.sum(np.sin(c * x)),
    "a sign": lambda c: lambda x: np.sum(np.sin(x * (c - 2.5))),
    "an exponent": lambda c: lambda x: np.sum(x**c),
    "an index": lambda c: lambda x: np.sin(x[int(c)]) * x[0],
    "a small array": lambda c: with_array(c, 5),
    "a large array": with_array,
    "a matrix": lambda c: lambda x: np.sum((np.diag(np.arange(c, c + 4)) @ x) ** 2),
    "a row of the table": lambda c: lambda x: np.sum((np.sin if c > 2 else np.cos)(x)),
    "a row of the user": lambda c: lambda x: np.sum(own(c)(x)),
    "a branch": lambda c: lambda x: np.sum(x * x if x[0] * 10 > c else np.exp(x)),
    "an order of operands": lambda c: lambda x: np.sum(x / (x + 1) if c > 2 else (x + 1) / x),
}


@pytest.mark.parametrize("name", MAKERS)
def test_functions_of_other_constants_have_code_of_their_own(name, counts):
    for c in (2.0, 3.0, 2.0):
        f = MAKERS[name](c)
        g = taylor.compile(f)
        assert float(g(X)) == pytest.approx(float(f(X)), rel=1e-14)
        np.testing.assert_allclose(taylor.gradient(g, X), taylor.gradient(f, X), rtol=1e-13)


def test_what_a_function_reads_from_elsewhere_is_seen(counts):
    weights = np.ones(3000)  # as large as constants that a recording tells by identity
    scale = [1.0]

    def f(x):
        return np.sum(weights * x[0] * scale[0])

    def rate(t, y):
        return scale[0] * weights[-1] * y

    for change in (1.0, 2.0, 3.0):
        weights[-1], scale[0] = change, 1 / change
        assert taylor.compile(f)(X) == pytest.approx(f(X), rel=1e-14)
        assert taylor.gradient(taylor.compile(f), X)[0] == pytest.approx(f([1.0]), rel=1e-14)
        found = solved(lambda t, y: scale[0] * y, [1.0]).y[0, -1]
        assert found == pytest.approx(np.exp(1 / change), rel=1e-3)
        assert solved(rate, [1.0]).y[0, -1] == pytest.approx(np.exp(1.0), rel=1e-3)


def test_what_a_rule_reads_from_elsewhere_is_seen(counts):
    scale = [1.0]
    double = rule(lambda x: scale[0] * x, vjp=lambda bar, y, x: (scale[0] * bar,), name="double")
    for scale[0] in (1.0, 2.0, 3.0):
        f = taylor.compile(lambda x: np.sum(double(x) * x))
        np.testing.assert_allclose(taylor.gradient(f, X), 2 * scale[0] * X, rtol=1e-14)


def test_equal_programs_share_their_code(counts):
    def twice(x):
        return 2.0 * np.sin(x[1:]) * x[0]

    one, other = (
        Machine(taylor.record(f, X)) for f in (twice, lambda x: 2.0 * np.sin(x[1:]) * x[0])
    )
    assert one.code is other.code
    first, second = (taylor.compile(f) for f in (twice, lambda y: 2.0 * np.sin(y[1:]) * y[0]))
    assert np.array_equal(first(X), second(X)) and counts["written"] == 1
    results = first(X), second(X)  # of one block of memory, but each its own
    results[0][:] = 0
    assert np.array_equal(results[1], twice(X))


@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")  # complex states
def test_points_and_starts_of_other_types_and_shapes(counts):
    f = taylor.compile(lambda x: np.exp(x) * 2)
    for x in (0.5, X, X[:2], X.reshape(2, 2), X + 1j, np.array([0.5])):
        np.testing.assert_allclose(taylor.compile(f.f)(x), f.f(x), rtol=1e-14)
    for y0 in (START, START + 0j, START[:1], START.reshape(2, 1), np.tile(START, (3, 1))):
        found = solved(lambda t, y: -y, y0)
        assert found.y.shape[:-1] == y0.shape and found.y.dtype == y0.dtype
        np.testing.assert_allclose(found.y[..., -1], y0 * np.exp(-1.0), rtol=1e-3)


# ------------------------------------------------------------------ large constants
RNG = np.random.default_rng(7)
A, B, AT = RNG.normal(size=(60, 35)) / 6, RNG.normal(size=2100), RNG.integers(0, 35, 2100)
C = RNG.normal(size=(35, 60)) + 1j * RNG.normal(size=(35, 60))
KNOTS, HEIGHTS = np.sort(RNG.normal(size=900)), RNG.normal(size=900)
POINT = np.linspace(-0.6, 0.7, 35)
READERS = {
    "matrix": lambda x: np.sum(np.tanh(A @ x) ** 2),
    "transposed": lambda x: np.sum(np.sin(x @ A.T) ** 3),
    "elements": lambda x: np.sum(np.exp(B.reshape(60, 35) * x)),
    "indices": lambda x: np.sum(x[AT] ** 2 * B),
    "complex": lambda x: np.sum(np.abs(x @ C) ** 2),
    "knots": lambda x: np.sum(np.interp(x, KNOTS, HEIGHTS) * x),
}
ASKED = {
    "value": lambda f: f(POINT),
    "gradient": lambda f: taylor.gradient(f, POINT),
    "H·v": lambda f: taylor.hvp(f, POINT, np.cos(POINT)),
    "line": lambda f: taylor.directional(f, POINT, np.cos(POINT), 3),
}


@pytest.mark.parametrize("name", READERS)
def test_large_constants_are_data(name, monkeypatch, tmp_path):
    monkeypatch.setenv("TAYLOR_CACHE", str(tmp_path))
    f, compiled, texts = READERS[name], jit._compiled, []
    monkeypatch.setattr(
        jit, "_compiled", lambda text, opt: texts.append(text) or compiled(text, opt)
    )
    expected = {way: ask(f) for way, ask in ASKED.items()}
    for optimised in (False, True):  # made, and found on disk
        STORE.clear()
        for way, ask in ASKED.items():
            code = taylor.compile(f, strict=True)
            for _ in range(2):
                np.testing.assert_allclose(ask(code), expected[way], rtol=1e-11, atol=1e-10)
            for machine in [m for known in code.machines.values() for m in known] * optimised:
                machine.code.final()
            np.testing.assert_allclose(ask(code), expected[way], rtol=1e-11, atol=1e-10)
    assert texts and max(text.find("\ndefine") for text in texts) < 40_000
