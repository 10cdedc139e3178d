"""Prints what compiled functions on multivariate series, and tensors, cost beside eager ones."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import taylor
from benchmarks.reverse import seconds


def composed(x: Any, y: Any, z: Any, w: Any) -> Any:
    """Return a function of four numbers."""
    return np.exp(np.sin(x * y + z)) * w


def chained(x: Any) -> Any:
    """Return a function of many variables."""
    return np.sum(np.sin(x[1:] * x[:-1]) ** 2) + np.log(1.0 + x @ x)


def main() -> None:
    """Print the tables."""
    print("exp(sin(x y + z)) w   us   row by row   compile (s)")
    compiled = taylor.compile(composed)
    for order in (2, 4, 6, 10):
        v = taylor.TaylorN.variables([0.3, 0.5, 0.7, 1.1], order)
        start = time.perf_counter()
        compiled(*v)
        while compiled.waiting:  # the ordinary way answers until the code is made
            compiled(*v)
        took = time.perf_counter() - start
        one, rows = seconds(lambda v=v: compiled(*v)), seconds(lambda v=v: composed(*v))
        print(f"order {order:2d} {one * 1e6:15.0f} {rows / one:12.1f} {took:13.3f}")
    print("tensor                us        NumPy   compile (s)")
    for n, order in ((8, 3), (20, 3), (8, 4), (20, 4)):
        x, f = np.linspace(0.1, 1.0, n), taylor.compile(chained)
        start = time.perf_counter()
        taylor.tensor(f, x, order)
        while f.waiting:
            taylor.tensor(f, x, order)
        took = time.perf_counter() - start
        one = seconds(lambda f=f, x=x, k=order: taylor.tensor(f, x, k))
        eager = seconds(lambda x=x, k=order: taylor.tensor(chained, x, k))
        print(f"order {order}, n {n:2d} {one * 1e6:11.0f} {eager / one:12.1f} {took:13.3f}")


if __name__ == "__main__":
    main()
