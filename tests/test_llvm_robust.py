"""Machine code under forks and threads, in many processes, with damaged caches and odd floats."""

import ctypes
import ctypes.util
import functools
import itertools
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from shared import together

import taylor
from taylor.errors import TaylorError
from taylor.kept import STORE
from taylor.llvm import jit, store
from taylor.machine.engine import TILE
from taylor.machine.machine import Machine

ROOT = Path(__file__).parent.parent
X = np.array([0.3, -0.2, 0.7, 1.1])
POINTS = np.linspace(0.1, 1.3, 1000)


@taylor.compile
def energy(x):
    return np.sum(np.exp(np.sin(x)) * x)


@taylor.compile
def wave(x):
    return np.exp(np.sin(x)) / (2.0 + np.cos(x))


def answers(f):
    """Return what the drivers give for a function of many variables, as bytes."""
    found = f(X), taylor.gradient(f, X), taylor.hessian(f, X), taylor.directional(f, X, X, 7)
    return b"".join(np.asarray(v).tobytes() for v in found)


# ------------------------------------------------------------------ processes
def ask(connection, f):
    """Send what a function passed to this process gives, and one that is compiled here."""
    fresh = taylor.compile(lambda x: np.sum(np.cos(x) * x))
    connection.send((answers(f), answers(fresh), fresh.reasons))


def in_process(method, f):
    """Return what `ask` sends from a process that was started that way."""
    context = multiprocessing.get_context(method)
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=ask, args=(there, f))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        process.start()
    try:
        assert here.poll(60), "the process does not answer"
        return here.recv()
    finally:
        process.kill()
        process.join()


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes_call_and_compile(method):
    wanted = answers(energy)  # compiled before the process starts
    fresh = taylor.compile(lambda x: np.sum(np.cos(x) * x))
    for _ in range(2):
        assert in_process(method, energy) == (wanted, answers(fresh), {})


def forked(work):
    """Return the process of a fork that has half a minute for work() and tells if it is true."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        child = os.fork()
    if child == 0:  # only this thread is here: what another one has locked stays so
        status = 1
        try:
            threading.Timer(30, os._exit, (3,)).start()
            status = 0 if work() else 2
        finally:
            os._exit(status)
    return child


if hasattr(os, "fork"):

    def test_a_fork_while_another_thread_records():
        inside, go_on = threading.Event(), threading.Event()

        @taylor.compile
        def slow(x):
            inside.set()
            go_on.wait()
            return np.sum(x * np.sin(x))

        def work():
            go_on.set()
            return slow(X) == slow.f(X) and slow.reasons == {}

        thread = threading.Thread(target=slow, args=(X,))
        thread.start()
        inside.wait()
        child = forked(work)
        go_on.set()
        thread.join()
        assert os.waitpid(child, 0)[1] == 0

    def test_a_fork_while_llvm_is_at_work(monkeypatch):
        inside, real = threading.Event(), jit._machine

        def machine(*given):
            inside.set()
            return real(*given)

        def work():
            fresh = taylor.compile(lambda x: x * np.sin(x))
            return fresh(0.3) == fresh.f(0.3) and fresh.reasons == {}

        monkeypatch.setattr(jit, "_machine", machine)
        monkeypatch.setenv("TAYLOR_CACHE", "")
        STORE.clear()
        many = taylor.compile(lambda x: sum(np.sin(k * x) * np.exp(x / k) for k in range(1, 40)))
        thread = threading.Thread(target=taylor.derivatives, args=(many, 0.3, 10))
        thread.start()
        inside.wait()
        child = forked(work)
        thread.join()
        assert os.waitpid(child, 0)[1] == 0


def test_compiled_functions_pickle_with_the_same_bits():
    for f in (energy, taylor.compile(np.sum)):
        assert answers(pickle.loads(pickle.dumps(f))) == answers(f)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(taylor.compile(lambda x: x))  # as the function itself


# ------------------------------------------------------------------ threads
def test_threads_compile_one_function_once(monkeypatch):
    monkeypatch.setenv("TAYLOR_CACHE", "")
    for _ in range(3):
        STORE.clear()
        f = taylor.compile(energy.f)
        assert set(together(lambda i, f=f: answers(f), 40)) == {answers(energy)}
        assert {len(machines) for machines in f.machines.values()} == {1}
        assert f.reasons == {}


def test_threads_compile_different_functions():
    def work(i):
        f = taylor.compile(lambda x: np.sum(np.sin((i % 4 + 1) * x) * x))
        return np.array_equal(taylor.gradient(f, X), wanted[i % 4]) and not f.reasons

    wanted = [
        taylor.gradient(taylor.compile(lambda x, k=k: np.sum(np.sin(k * x) * x)), X)
        for k in range(1, 5)
    ]
    STORE.clear()
    assert all(together(work, 12))


def test_threads_run_batches_of_one_function():
    f, points = taylor.compile(wave.f, threads=2), np.linspace(0.1, 1.3, 20_000)
    wanted = taylor.taylor_coefficients(wave, points, 6).tobytes()
    found = together(lambda i: taylor.taylor_coefficients(f, points, 6).tobytes(), 6)
    assert set(found) == {wanted}


# ------------------------------------------------------------------ the same bits
@pytest.mark.parametrize("n", [64, 97, 1000, 4096])
def test_bits_do_not_depend_on_threads_or_places(n):
    machine = Machine(taylor.record(wave.f, 0.7), 9, unit=TILE)
    seed = np.stack([np.linspace(0.1, 1.3, n), np.ones(n)])
    wanted = machine.batch(seed)[1][0]
    for threads in (1, 2, 3, 5, 16):
        for _ in range(2):
            assert machine.batch(seed, threads=threads)[1][0].tobytes() == wanted.tobytes()
        turned = machine.batch(seed[:, ::-1], threads=threads)[1][0]
        assert np.array_equal(turned[:, ::-1], wanted)


def test_many_points_use_the_threads(monkeypatch):
    used, real = [], Machine.batch
    monkeypatch.setattr(
        Machine, "batch", lambda self, *x, threads=1: used.append(threads) or real(self, *x)
    )
    f = taylor.compile(wave.f, threads=3)
    for n, order in ((100, 10), (10_000, 10), (100_000, 10), (1000, 60)):
        taylor.taylor_coefficients(f, np.linspace(0.1, 1.3, n), order)
    assert used == [1, 3, 3, 3]  # a few points of low order are not worth a thread


def test_bits_do_not_depend_on_the_cache(tmp_path, monkeypatch):
    wanted = answers(energy)
    monkeypatch.setenv("TAYLOR_CACHE", str(tmp_path))
    for _ in range(2):  # written, then read
        STORE.clear()
        assert answers(taylor.compile(energy.f)) == wanted
    monkeypatch.setenv("TAYLOR_CACHE", "")
    STORE.clear()
    assert answers(taylor.compile(energy.f)) == wanted


@pytest.mark.parametrize(
    "f",
    [
        energy.f,
        lambda x: np.sum(np.where(x > 0.5, np.sqrt(abs(x)), np.maximum(x, np.tanh(x)) ** 3)),
        lambda x: np.sum(np.linalg.solve(np.outer(x, x) + np.diag(2 + np.sin(x)), x) / x),
        lambda x: np.sum(np.tanh(x[0] * np.arange(6000.0))),  # data are no long code
    ],
)
def test_optimised_code_gives_the_same_bits(f, tmp_path, monkeypatch):
    """It takes the place of quickly made code, in memory and on disk, when calls have paid."""
    monkeypatch.setenv("TAYLOR_CACHE", str(tmp_path))

    def made():
        STORE.clear()
        compiled = taylor.compile(f)
        found = answers(compiled)
        codes = [m.code for known in compiled.machines.values() for m in known]
        assert len(codes) > 3
        return compiled, found, codes

    for _ in range(2):  # written, then read
        quick, wanted, codes = made()
        assert all(bool(code.packed) == jit.has_quick_way() for code in codes)
    monkeypatch.setattr(jit, "PRICE", 0.0)
    for _ in range(2):
        assert answers(quick) == wanted and not any(code.packed for code in codes)
    monkeypatch.undo()
    monkeypatch.setenv("TAYLOR_CACHE", str(tmp_path))
    _, found, codes = made()
    assert found == wanted and not any(code.packed for code in codes)


# ------------------------------------------------------------------ the cache on disk
SCRIPT = """
import numpy as np, taylor
for k in range(1, 6):
    f = taylor.compile(lambda x: np.sum(np.sin(k * x) * x))
    print(taylor.gradient(f, np.array([0.3, -0.2, 0.7])).tobytes().hex(), f.reasons)
"""


def script(**environment):
    """Return a process that compiles a few functions and prints their gradients."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_fill_one_cache_at_once(tmp_path):
    processes = [script(TAYLOR_CACHE=str(tmp_path)) for _ in range(4)]
    printed = {p.communicate()[0] for p in processes}
    assert len(printed) == 1 and printed.pop().count("{}") == 5
    names = [file.name for file in tmp_path.glob("*/*")]
    assert len(names) == 5 and all(len(name) == 71 for name in names)  # nothing temporary is left
    assert all(store.load(name[:64]) is None for name in names)  # another folder is not looked at


def test_an_empty_name_of_the_cache_writes_nothing(tmp_path):
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    home |= {"LOCALAPPDATA": str(tmp_path / "cache")}
    process = script(TAYLOR_CACHE="", PYTHONDONTWRITEBYTECODE="1", **home)
    assert process.communicate()[0].count("{}") == 5
    assert list(tmp_path.rglob("*")) == []


def damaged(raw):
    """Return objects that are not what was written."""
    for size in (0, 1, 31, 32, 39, 40, 100, len(raw) - 1):
        yield raw[:size]
    yield raw + b"\0"
    yield bytes(len(raw))
    yield np.random.default_rng(0).bytes(len(raw))
    for place in (0, 33, 45, len(raw) // 2, len(raw) - 1):
        yield raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]


def test_a_damaged_object_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("TAYLOR_CACHE", str(tmp_path))
    wanted = energy.f(X)
    STORE.clear()
    assert taylor.compile(energy.f)(X) == wanted
    (file,) = tmp_path.glob("*/*")
    good = file.read_bytes()
    for raw in damaged(good):
        file.write_bytes(raw)
        STORE.clear()
        assert taylor.compile(energy.f)(X) == wanted
        assert file.read_bytes() == good
    file.unlink()
    file.mkdir()  # it can be neither read nor written
    STORE.clear()
    f = taylor.compile(energy.f)
    assert f(X) == wanted and f.reasons == {}
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


# ------------------------------------------------------------------ the state of the processor
def test_the_rounding_mode_is_left_alone(monkeypatch):
    monkeypatch.setenv("TAYLOR_CACHE", "")
    libm = ctypes.CDLL(ctypes.util.find_library("m"))
    usual = libm.fegetround()
    f = taylor.compile(wave.f, threads=1)
    try:
        for mode in (usual, 0x800, 0x400000):  # FE_UPWARD of x86 and of ARM
            libm.fesetround(mode)
            STORE.clear()
            before = libm.fegetround()
            f(0.3)
            taylor.taylor_coefficients(f, POINTS, 4)
            taylor.gradient(taylor.compile(energy.f), X)
            assert libm.fegetround() == before
    finally:
        libm.fesetround(usual)


def test_numbers_below_the_normal_range_are_kept():
    tiny = np.full(100, 5e-324)
    f = taylor.compile(lambda x: x * 1.0 + 0.0 * x * x)
    assert f(5e-324) == 5e-324
    assert f(tiny).tolist() == tiny.tolist()
    assert taylor.taylor_coefficients(f, tiny, 2)[0].tolist() == tiny.tolist()
    assert np.all(tiny * 1.0 == 5e-324)  # in NumPy too, afterwards


def test_errors_of_numpy_are_as_they_were():
    f = taylor.compile(lambda x: np.exp(-x * x) + 1.0 / x)
    with np.errstate(all="raise"):
        before = np.geterr()
        assert f(100.0) == 0.01  # exp underflows
        assert f(np.array([100.0, 1.0]))[0] == 0.01
        assert taylor.derivative(f, 100.0) == pytest.approx(-1e-4)
        assert np.geterr() == before
        assert np.add(1.0, 1.0) == 2.0  # no flag is left over
    assert np.geterr() != before


# ------------------------------------------------------------------ nan and inf
FUNCTIONS = {
    "polynomial": lambda x: x**3 - 2.0 * x,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "tanh": np.tanh,
    "reciprocal": lambda x: 1.0 / x,
    "difference": lambda x: x - x,
    "zero times": lambda x: 0.0 * x,
    "abs": abs,
    "maximum": lambda x: np.maximum(x, 1.0),
    "where": lambda x: np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), x),
    "branch": lambda x: x * x if x > 0 else -x,
    "power": lambda x: x**2.5,
}
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e308, -1e308, 1e-308, 710.0, -1.0]


def outcome(work):
    """Return the result of work(), or the type of its error."""
    with np.errstate(all="ignore"):
        try:
            return np.asarray(work(), float)
        except (TaylorError, ZeroDivisionError, OverflowError) as error:
            return type(error)


def same(a, b):
    """Return whether two outcomes agree: errors, nan, infinities, and the sign of zero values."""
    if isinstance(a, type) or isinstance(b, type):
        return a is b
    a, b = np.atleast_1d(a), np.atleast_1d(b)
    zeros = np.array_equal(np.signbit(a[0])[a[0] == 0], np.signbit(b[0])[a[0] == 0])
    return np.allclose(a, b, rtol=1e-13, atol=0.0, equal_nan=True) and zeros


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nan_and_inf_as_without_machine_code(name):
    f = FUNCTIONS[name]
    c = taylor.compile(f)
    outcome(lambda: taylor.taylor_coefficients(c, 0.7, 3))  # compiled at an ordinary point
    outcome(lambda: c(0.7))
    drivers = {
        "value": lambda g, x: g(np.float64(x)),
        "series": lambda g, x: taylor.taylor_coefficients(g, x, 3),
        "gradient": lambda g, x: taylor.gradient(g, x),
    }
    for (kind, driver), x in itertools.product(drivers.items(), SPECIAL):
        got, wanted = (outcome(functools.partial(driver, g, x)) for g in (c, f))
        assert same(got, wanted), f"{kind} at {x}: {got}, without machine code {wanted}"


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n != "branch"])
def test_nan_and_inf_among_many_points(name):
    f = FUNCTIONS[name]
    c = taylor.compile(f, threads=2)
    ordinary = np.linspace(1.5, 2.0, 100)
    outcome(lambda: taylor.taylor_coefficients(c, ordinary, 3))
    for x in SPECIAL:
        points = ordinary.copy()
        points[50] = x
        got = outcome(lambda p=points: taylor.taylor_coefficients(c, p, 3))
        wanted = outcome(lambda p=points: taylor.taylor_coefficients(f, p, 3))
        assert same(got, wanted), f"at {x}"
