"""What several files of tests do: threads, arrays in other memory, programs seen from all sides."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import taylor
from taylor import Taylor, forward, reverse
from taylor.core.algebra import Univariate
from taylor.core.program import expand
from taylor.core.sweep import sweep


def together(work, count):
    """Return the results of work(i) in that many threads that start at the same moment."""
    barrier = threading.Barrier(count)

    def run(i):
        barrier.wait()
        return work(i)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def misaligned(x):
    y = np.empty(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
    y[...] = x
    return y


def read_only(x):
    y = x.copy()
    y.flags.writeable = False
    return y


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def agrees(program, f, x, direction, order, rel):
    """The values, series, tangents and adjoints of a recorded program are those of f at x."""
    assert program(x) == f(x)
    s = Taylor.variable(x, order, direction=direction)
    exact = taylor.taylor_coefficients(lambda t: f(x + t * direction), 0.0, order)
    assert program(s).coef == pytest.approx(exact, rel=rel)
    (table,) = sweep(expand(program), Univariate(order), [s.coef])
    assert table == pytest.approx(exact, rel=rel)
    y, bar = reverse(program)(x, 1.0)
    assert y == f(x) and bar == pytest.approx(taylor.gradient(f, x), rel=rel / 10)
    y, dy = forward(program)(x, direction)
    assert y == f(x) and dy == pytest.approx(exact[1], rel=rel)
    bars = reverse(program)(s, 1.0)[1]
    along = taylor.taylor_coefficients(lambda t: taylor.gradient(f, x + t * direction), 0.0, order)
    assert bars.coef == pytest.approx(along, rel=10 * rel)


def slopes(f, x, n):
    """The n-th derivative (1 or 2) of t -> f(t·x) at 1 as a vector, by differences."""
    h = 3e-3
    at = 1 + h * np.arange(-5, 6)
    values = np.stack([np.asarray(f(t * x)) for t in at]).reshape(len(at), -1)
    return np.polynomial.polynomial.polyfit((at - 1) / h, values, 10)[n] * n * h**-n
