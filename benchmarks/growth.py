"""Prints how time and memory of whole programs grow with what makes them large, with slopes.

Time is that of a call after the code was made (of compiling, that of the first call), in CPU time;
memory the peak of what Python and NumPy hold during the first call, arguments apart.  The slopes
are those on logarithmic axes between the last two sizes; the law is what counting operations says.
`python -m benchmarks.growth field loop` runs some of them.
"""

from __future__ import annotations

import math
import os
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np  # after its threads are set

import taylor
from benchmarks.compile_time import runge_kutta, seconds
from benchmarks.maps import chained, mapped, price
from taylor import Taylor, TaylorN

BUDGET = 0.1  # seconds for the times of a call
Call = Callable[[], Any]


class Program(NamedTuple):
    """What grows, its values, what makes a call for one of them, and the exponent expected."""

    grows: str
    sizes: Sequence[int]
    made: Callable[[int], Call]
    law: float
    compiles: bool = False  # whether it is the first call that is timed


def field(u: Any) -> Any:
    """Return the energy of a field on a square grid."""
    steps = np.sum((u[1:, :] - u[:-1, :]) ** 2) + np.sum((u[:, 1:] - u[:, :-1]) ** 2)
    return steps + np.sum(np.sqrt(1 + u * u))


def of_field(n: int) -> Call:
    """Return the gradient of the field at n points, about."""
    side = math.isqrt(n)
    u, f = np.linspace(0.1, 0.9, side * side).reshape(side, side), taylor.compile(field)
    return lambda: taylor.gradient(f, u)


def of_field_product(n: int) -> Call:
    """Return the product of the Hessian of the field at n points, about, with a vector."""
    side = math.isqrt(n)
    u, f = np.linspace(0.1, 0.9, side * side).reshape(side, side), taylor.compile(field)
    return lambda: taylor.hvp(f, u, u)


def of_tensor(n: int) -> Call:
    """Return the third derivatives of a chain of n variables."""
    f = taylor.compile(lambda x: chained(x, np))
    return lambda: taylor.tensor(f, np.linspace(0.1, 1.0, n), 3)


def of_filter(n: int) -> Call:
    """Return the gradient of a filtered signal of n points."""
    x, v = np.linspace(0.1, 0.9, n), np.array([0.2, 0.6, 0.2])
    f = taylor.compile(lambda x: np.sum(np.tanh(np.convolve(x, v)) ** 2))
    return lambda: taylor.gradient(f, x)


def of_regression(n: int) -> Call:
    """Return the Hessian of a logistic regression with n variables and 500 rows."""
    a = np.random.default_rng(0).normal(size=(500, n))
    f, w = taylor.compile(lambda w: np.sum(np.logaddexp(0.0, a @ w))), np.linspace(-0.1, 0.1, n)
    return lambda: taylor.hessian(f, w)


def of_gaussian(n: int) -> Call:
    """Return the gradient of the likelihood of a Gaussian process at n points."""
    x = np.linspace(0.0, 1.0, n)
    distance, y = (x[:, None] - x) ** 2, np.sin(6 * x)

    def likelihood(p: Any) -> Any:
        factor = np.linalg.cholesky(p[0] * np.exp(-distance / p[1]) + p[2] * np.eye(n))
        z = np.linalg.solve(factor, y)
        return 0.5 * np.sum(z * z) + np.sum(np.log(np.diag(factor)))

    f, p = taylor.compile(likelihood), np.array([1.0, 0.1, 0.01])
    return lambda: taylor.gradient(f, p)


def of_chain(n: int) -> Call:
    """Return the sparse Hessian of a chain of n springs."""

    def energy(x: Any) -> Any:
        return np.sum(np.cosh(x[1:] - x[:-1])) + np.sum(x**4)

    f, x = taylor.compile(energy), np.linspace(0.1, 0.9, n)
    return lambda: taylor.sparse_hessian(f, x)


def of_loop(n: int) -> Call:
    """Return the gradient of a pendulum after n steps."""

    def end(x: Any) -> Any:
        return taylor.scan(
            lambda s: np.stack([s[0] + 1e-3 * s[1], s[1] - 1e-3 * np.sin(s[0])]), x, n
        )[0]

    f, x = taylor.compile(end), np.array([1.0, 0.0])
    return lambda: taylor.gradient(f, x)


def of_orbit(n: int) -> Call:
    """Return the integration of an orbit over n periods."""

    def kepler(t: Any, s: Any) -> Any:
        r3 = (s[0] ** 2 + s[1] ** 2) ** 1.5
        return np.stack([s[2], s[3], -s[0] / r3, -s[1] / r3])

    start = np.array([0.5, 0.0, 0.0, math.sqrt(3.0)])
    return lambda: taylor.ode.solve_ivp(kepler, (0.0, 2 * math.pi * n), start)


def of_series(order: int) -> Call:
    """Return the series of that order of ten functions at one point."""

    def f(t: Any) -> Any:
        for _ in range(5):
            t = np.sin(t) * np.exp(-0.1 * t)
        return t

    compiled, t = taylor.compile(f), Taylor.variable(0.5, order)
    return lambda: compiled(t)


def of_product(order: int) -> Call:
    """Return the product of two series of that order in four variables."""
    x = np.sin(sum(TaylorN.variables([0.1, 0.2, 0.3, 0.4], order)))
    y = np.exp(x)
    return lambda: x * y


def of_map(order: int) -> Call:
    """Return the composition of a map of that order of four variables with itself."""
    f = mapped(TaylorN.variables([0.0] * 4, order), np, lambda z: float(z.value))
    whole = np.stack(f)
    return lambda: whole.compose(f)


def of_greeks(n: int) -> Call:
    """Return the derivatives up to the third order of n options in three variables."""
    f = taylor.compile(price, threads=1)
    x = TaylorN.variables([np.linspace(80.0, 120.0, n), np.full(n, 1.0), np.full(n, 0.2)], 3)
    return lambda: f(*x)


def of_length(n: int) -> Call:
    """Return what compiles the gradient of a program of n instructions, and calls it."""
    x = np.array([0.1, 0.5])

    def first() -> Any:
        f = taylor.compile(lambda x: runge_kutta(x, n // 45), strict=True)
        return taylor.gradient(f, x)

    return first


PROGRAMS = {
    "field, gradient": Program("points", (1000, 10_000, 100_000), of_field, 1),
    "field, H·v": Program("points", (1000, 10_000, 100_000), of_field_product, 1),
    "tensor of order 3": Program("variables", (6, 12, 24, 48), of_tensor, 4),
    "filter, gradient": Program("points", (1000, 10_000, 100_000), of_filter, 1),
    "regression, Hessian": Program("variables", (20, 40, 80), of_regression, 2),
    "Gaussian process, gradient": Program("points", (50, 100, 200), of_gaussian, 3),
    "chain of springs, sparse Hessian": Program("variables", (1000, 4000, 16_000), of_chain, 1),
    "loop, gradient": Program("steps", (100, 1000, 10_000, 100_000), of_loop, 1),
    "orbit, integration": Program("periods", (10, 100, 1000), of_orbit, 1),
    "univariate series": Program("order", (20, 40, 80, 160), of_series, 2),
    "product of 4 variables": Program("order", (4, 8, 12, 16), of_product, 8),
    "map of 4 variables of itself": Program("order", (3, 5, 7), of_map, 9),
    "options, order 3": Program("points", (1000, 10_000, 100_000), of_greeks, 1),
    "Runge-Kutta written out, compile": Program("length", (450, 1800, 7200), of_length, 1, True),
}


def measured(program: Program) -> Iterator[tuple[int, float, float]]:
    """Yield each size, the seconds of a call, and the bytes at the peak of the first one."""
    for size in program.sizes:
        call = program.made(size)
        tracemalloc.start()
        first = seconds(call)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        if program.compiles:
            yield size, first, peak
            continue
        for _ in range(6):  # until the code is made
            call()
        least, end = math.inf, time.perf_counter() + BUDGET
        while least == math.inf or time.perf_counter() < end:
            least = min(least, seconds(call))
        yield size, least, peak


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Return the exponent with which y grows between the last two sizes."""
    return math.log(y[-1] / y[-2]) / math.log(x[-1] / x[-2])


def main() -> None:
    """Print a line for each size of the programs named on the command line (default: all)."""
    os.environ["TAYLOR_CACHE"] = ""
    of_length(90)()  # imports
    print(f"{'':34s}{'':>20s}{'µs':>13s}{'MB':>9s}   time, memory grow as (law)")
    for name, program in PROGRAMS.items():
        if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
            continue
        rows: list[tuple[int, float, float]] = []
        for row in measured(program):
            rows.append(row)
            size, took, peak = row
            grown = ""
            if len(rows) == len(program.sizes):
                sizes, times, peaks = zip(*rows, strict=True)
                grown = f"   {slope(sizes, times):.2f}, {slope(sizes, peaks):.2f} ({program.law:g})"
            shown = f"{program.grows} {size:,d}"
            print(f"{name:34s}{shown:>20s}{took * 1e6:13,.1f}{peak / 1e6:9.2f}{grown}", flush=True)


if __name__ == "__main__":
    main()
