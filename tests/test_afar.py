"""Large arrays are read and written where they are: whatever their memory, and no other."""

import mmap

import numpy as np
import pytest
from shared import misaligned, read_only

import taylor
from taylor.machine.afar import LEAST

N = LEAST + 512  # whole pages
X = np.linspace(0.1, 2.0, N)


def at_the_end_of_memory(x):
    """Return the array in pages of its own: what lies behind them cannot be read."""
    y = np.frombuffer(mmap.mmap(-1, x.nbytes), dtype=float)
    y[...] = x
    return y


MEMORIES = {
    "its own": lambda x: x,
    "at the end of memory": at_the_end_of_memory,
    "misaligned": misaligned,
    "read-only": read_only,
    "every other": lambda x: np.repeat(x, 2)[::2],
    "backwards": lambda x: x[::-1].copy()[::-1],
    "integers": lambda x: np.arange(N),
}


@taylor.compile
def f(x, y):
    return np.exp(-x) * y[::-1], np.sum(x * y), x[1:] - y[:-1]


@pytest.mark.parametrize("memory", MEMORIES)
def test_any_memory(memory):
    x = MEMORIES[memory](X)
    before, y = x.copy(), np.cos(X)
    for got, wanted in zip(f(x, y), f.f(x, y), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-14, atol=1e-15)
    np.testing.assert_array_equal(x, before)


def test_results_are_new_arrays_that_own_their_memory():
    first, again = f(X, X)[2], f(X, X)[2]
    assert first.shape == (N - 1,) and first.flags.owndata and first is not again
    first[...] = 0.0
    np.testing.assert_array_equal(again, f(X, X)[2])


def test_an_argument_that_is_a_result_is_copied():
    same = taylor.compile(lambda x: (x, np.reshape(x, (2, -1)), 2.0 * x))
    y, z, twice = same(X)
    np.testing.assert_array_equal(z.ravel(), y)
    assert not np.shares_memory(y, X) and not np.shares_memory(y, z) and twice[0] == 0.2


def test_branches_and_numbers_that_are_not_finite():
    g = taylor.compile(lambda x: x * x if x[0] > 1.0 else np.log(x))
    for x in (X, X + 1.0, X, X - 0.1):
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(g(x), g.f(x), rtol=1e-14)


def test_drivers():
    def h(x):
        return np.sum(np.sin(x) * np.roll(x, 3))

    v, compiled = np.cos(X), taylor.compile(h)
    for driver, given in ((taylor.gradient, (X,)), (taylor.hvp, (X, v)), (taylor.jvp, (X, v))):
        for got, wanted in zip(driver(compiled, *given), driver(h, *given), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-13)
