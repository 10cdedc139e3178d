"""Prints what sparse Hessians cost as they grow: time/time(n/2) is 2 where the cost is linear.

Then those of a compiled function, in units of the compiled function.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import taylor
from taylor.drivers.sparse import SparseHessian

SIZES = (1250, 2500, 5000, 10_000, 20_000)


def arrow_head(x: Any) -> Any:
    """Return a function whose Hessian has a full first row and column, and a diagonal."""
    return np.sum(x[0] * x[1:] ** 2) + np.sum(x**4)


def banded(x: Any) -> Any:
    """Return a function whose Hessian has five diagonals."""
    return np.sum(np.exp(x[2:] - x[1:-1] * x[:-2]))


def rosenbrock(x: Any) -> Any:
    """Return Rosenbrock's function."""
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def best(f: Callable[[], Any]) -> float:
    """Return the least time of one call, in seconds."""
    times = []
    for _ in range(7):
        start = time.perf_counter()
        f()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print the table."""
    print("sparse Hessians: plan = record, pattern, colouring (once); point = one matrix")
    for f in (arrow_head, banded):
        print(f.__name__)
        print("      n      nnz  colours   plan (s)  point (s)  plan/plan(n/2)  point/point(n/2)")
        before: tuple[float, float] | None = None
        for n in SIZES:
            x = np.linspace(0.5, 1.5, n)
            hessian = SparseHessian(f, x)
            plan = best(lambda f=f, x=x: SparseHessian(f, x))
            point = best(lambda h=hessian, x=x: h(x))
            ratios = "" if before is None else f"{plan / before[0]:16.1f}{point / before[1]:18.1f}"
            row = f"{n:7d}{len(hessian.pattern[0]):9d}{hessian.count:9d}{plan:11.4f}{point:11.4f}"
            print(row + ratios)
            before = plan, point
    print("compiled: f and one Hessian in µs, their ratio, and of the Hessian without machine code")
    print("function           n     f (µs)  Hessian (µs)  Hessian/f  NumPy/f  compile (s)")
    for f in (rosenbrock, banded):
        for n in (1000, 10_000):
            x = np.linspace(-1.0, 1.0, n)
            c = taylor.compile(f)
            c(x)
            hessian, plain = SparseHessian(c, x), SparseHessian(f, x)
            start = time.perf_counter()
            hessian(x)
            took = time.perf_counter() - start
            value, point = best(lambda c=c, x=x: c(x)), best(lambda h=hessian, x=x: h(x))
            ratio = best(lambda h=plain, x=x: h(x)) / value
            row = f"{f.__name__:12}{n:8d}{value * 1e6:11.1f}{point * 1e6:14.1f}"
            print(f"{row}{point / value:11.1f}{ratio:9.0f}{took:13.3f}")


if __name__ == "__main__":
    main()
