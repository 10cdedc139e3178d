"""Compiled Hessians and Jacobians with many directions, in blocks: equal to the eager ones.

Their code does not grow with the number of directions, and their memory hardly does.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import taylor
from taylor.drivers import blocks

RNG = np.random.default_rng(0)
X = RNG.uniform(-1.0, 1.0, 150)
DATA, SIGNS = RNG.normal(size=(200, 140)), np.sign(RNG.normal(size=200))


def dense(x):
    return np.log(1 + np.sum(np.exp(x))) + np.sum(np.sin(x) ** 2) * np.sum(x**2)


def chain(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def quadratic_table(x):
    return np.sum(np.outer(x, x) ** 2)


def large(x):
    return np.sum(np.exp(np.outer(x, np.linspace(0, 1, 6000))))


def cubic(m):
    return np.sum(m @ m.T @ m)


def fitted(x, a, signs):
    return np.sum(np.logaddexp(0.0, -signs * (a @ x)))


def branching(x):
    return np.sum(x**3) if x[0] > 0 else np.sum(np.cos(x)) * x[1]


def field(x):
    return np.sin(x) * np.sum(x)


def table(x, a):
    return np.outer(x, x) * a


def short(x):
    return np.exp(x[:140] * np.mean(x)) + x[:140]


def turned(x):
    return (x * (1 + 2j))[:140] * np.sum(x)


def square(m):
    return m @ m


HESSIANS = {
    "dense": (dense, (X,)), "chain": (chain, (X,)), "outer": (quadratic_table, (X,)),
    "few, of a large function": (large, (X[:17],)), "complex": (dense, (X + 0.2j,)),
    "matrix": (cubic, (RNG.normal(size=(13, 11)),)), "with data": (fitted, (X[:140], DATA, SIGNS)),
    "prime": (dense, (RNG.normal(size=131),)),
}  # fmt: skip
JACOBIANS = {
    "vector": (field, (X,)), "complex": (field, (X + 1j,)), "table": (table, (X[:131], 3.0)),
    "matrix": (square, (RNG.normal(size=(12, 12)),)), "data": (table, (X[:131], DATA[:131, :131])),
    "rows": (short, (X,)), "rows of complex": (short, (X - 0.3j,)), "complex rows": (turned, (X,)),
}  # fmt: skip
CASES = [(name, driver) for name in JACOBIANS for driver in (taylor.jacobian, taylor.jacfwd)]
CASES += [(name, taylor.jacrev) for name in JACOBIANS if name not in ("table", "data")]


def directions(f):
    """Return how many directions go together in each machine of a compiled function."""
    return [m.inputs[-1][0] for machines in f.machines.values() for m in machines]


def near(found, wanted):
    assert found.shape == wanted.shape and found.dtype == wanted.dtype
    assert np.abs(found - wanted).max() <= 1e-14 * np.abs(wanted).max()


@pytest.mark.parametrize("name", HESSIANS)
def test_a_hessian_in_blocks_is_the_eager_one_and_symmetric(name):
    f, args = HESSIANS[name]
    g, n = taylor.compile(f, strict=True), args[0].size
    for _ in range(2):
        found = taylor.hessian(g, *args)
        near(found, taylor.hessian(f, *args))
        flat = found.reshape(n, n)
        assert np.array_equal(flat, flat.T)
    assert directions(g)[0] <= min(blocks.MOST, n - 1)


@pytest.mark.parametrize(("name", "driver"), CASES)
def test_a_jacobian_in_blocks_is_the_eager_one(name, driver):
    f, args = JACOBIANS[name]
    g = taylor.compile(f, strict=True)
    near(driver(g, *args), driver(f, *args))
    near(driver(g, *args), driver(f, *args))
    assert all(width <= blocks.MOST for width in directions(g))


def test_an_eager_jacobian_of_many_rows_goes_in_chunks_of_them():
    def f(x):
        return np.repeat(x, 250) * x[0]

    x = X[:3]
    near(taylor.jacrev(f, x), taylor.jacfwd(f, x))


def test_few_directions_of_a_small_function_go_together():
    for n in (2, 30, 128):
        g = taylor.compile(dense, strict=True)
        near(taylor.hessian(g, X[:n]), taylor.hessian(dense, X[:n]))
        assert directions(g) == [n]


def test_each_branch_has_blocks_of_its_own():
    g = taylor.compile(branching, strict=True)
    for x in (np.abs(X), -np.abs(X), np.abs(X)):
        near(taylor.hessian(g, x), taylor.hessian(branching, x))
    assert len(directions(g)) == 2


@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")
def test_where_there_is_no_number_the_result_is_that_of_the_ordinary_way():
    def f(x):
        return np.sum(np.sqrt(x + 1)) * x[0]

    g = taylor.compile(f)
    for last in (0.5, -1.0, 0.25):
        x = np.append(np.abs(X), last)
        found, wanted = taylor.hessian(g, x), taylor.hessian(f, x)
        assert np.array_equal(np.isnan(found), np.isnan(wanted))
        assert np.allclose(found, wanted, rtol=1e-14, atol=1e-15, equal_nan=True)


SCRIPT = """
import json, resource, sys
import numpy as np
import taylor
from tests import test_blocks
def peak():  # in MiB; what getrusage says counts the memory of the parent process, too
    try:
        with open("/proc/self/status") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
for name, n in json.load(sys.stdin):
    f = getattr(test_blocks, name)
    driver = taylor.jacobian if name == "field" else taylor.hessian
    driver(taylor.compile(lambda x: f(x)), np.full(9, 0.5))  # loads what compiles
    before = peak()
    found = driver(taylor.compile(f), np.linspace(0.1, 1.0, n))
    print(json.dumps([peak() - before, found.nbytes / 2**20]), flush=True)
"""


@pytest.mark.parametrize("case", [("dense", 700), ("quadratic_table", 250), ("field", 900)])
def test_memory_is_that_of_the_result_of_f_and_of_one_block(case):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps([case]),
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        text=True,
    )
    assert done.stdout, done.stderr[-500:]
    peak, result = json.loads(done.stdout)
    of_f = case[1] ** (2 if case[0] == "quadratic_table" else 1) * 8 / 2**20
    assert peak <= 3 * result + 4 * of_f + 64
