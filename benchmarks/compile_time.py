"""Prints how long straight-line programs take to compile, by their length, and the first call.

Times are in milliseconds of CPU, nothing is read from disk.  The slope is that of time over length
on logarithmic axes, from 1,000 instructions on.  What a first call may take is ten times the
ordinary way and 200 ms.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import taylor

Array = Any
Function = Callable[[Array], Any]
LENGTHS = (100, 1000, 10_000)
LONGEST = 100_000  # for values and gradients


def kahan(x: Array, n: int) -> Any:
    """Return a sum of 5 n operations, compensated."""
    total = lost = 0.0 * x[0]
    for i in range(n):
        term = (1 + 1e-3 * i) * x[i % len(x)] - lost
        new = total + term
        lost = (new - total) - term
        total = new
    return total


def runge_kutta(x: Array, n: int) -> Any:
    """Return a product after n steps of 45 operations along van der Pol's oscillation."""

    def slope(y: Any) -> Any:
        return y[1], (1 - y[0] * y[0]) * y[1] - y[0]

    def moved(y: Any, h: float, k: Any) -> Any:
        return [a + h * b for a, b in zip(y, k, strict=True)]

    y, h = [x[0], x[1]], 0.01
    for _ in range(n):
        a = slope(y)
        b = slope(moved(y, h / 2, a))
        c = slope(moved(y, h / 2, b))
        d = slope(moved(y, h, c))
        y = [u + h / 6 * (p + 2 * q + 2 * r + s) for u, p, q, r, s in zip(y, a, b, c, d)]  # noqa: B905
    return y[0] * y[1]


def garch(x: Array, n: int) -> Any:
    """Return a log-likelihood of n observations, 13 operations for each."""
    variance, total = 1.0 + 0.0 * x[0], 0.0
    for e in np.random.default_rng(0).normal(size=n) - 0.1:
        variance = x[0] + x[1] * (e - x[3]) ** 2 + x[2] * variance
        total = total + np.log(variance) + (e - x[3]) ** 2 / variance
    return total


def arm(x: Array, n: int) -> Any:
    """Return the squared distance of the hand of an arm of n joints, 7 operations for each."""
    angle, reach = 0.0, [0.0, 0.0]
    for i in range(n):
        angle = angle + (1 + 1e-3 * i) * x[i % len(x)]
        reach = [reach[0] + np.cos(angle), reach[1] + np.sin(angle)]
    return reach[0] ** 2 + reach[1] ** 2


def power(x: Array, n: int) -> Any:
    """Return x0 x1**n by n products."""
    y = x[0]
    for _ in range(n):
        y = y * x[1]
    return y


def logistic(x: Array, n: int) -> Any:
    """Return the n-th iterate of a map of 4 operations."""
    y = x[0]
    for _ in range(n):
        y = x[1] * y * (1 - y)
    return y


def valley(x: Array, n: int) -> Any:
    """Return Rosenbrock's function of all elements of x, 11 operations for each."""
    total = 0.0
    for i in range(n - 1):
        total = total + 100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2
    return total


FUNCTIONS: dict[str, tuple[Callable[[Array, int], Any], Array, int]] = {
    "Kahan": (kahan, np.linspace(0.1, 0.5, 8), 6),
    "Runge-Kutta": (runge_kutta, np.array([0.1, 0.5]), 45),
    "GARCH": (garch, np.array([0.1, 0.05, 0.4, 0.1]), 13),
    "arm": (arm, np.linspace(0.1, 0.5, 6), 7),
    "power": (power, np.array([1.0, 0.9999]), 1),
    "logistic": (logistic, np.array([0.3, 3.1]), 4),
    "valley": (valley, np.array([]), 11),
}
QUANTITIES: dict[str, Callable[[Any, Array], Any]] = {
    "value": lambda f, x: f(x),
    "gradient": taylor.gradient,
    "H·v": lambda f, x: taylor.hvp(f, x, np.cos(x)),
    "Hessian": taylor.hessian,
    "series": lambda f, x: f(taylor.Taylor(np.stack([x, 0.5 * np.cos(x), *[0.0 * x] * 9]))),
}


def problem(name: str, length: int) -> tuple[Function, Array]:
    """Return (f, x) of about that many instructions."""
    f, x, size = FUNCTIONS[name]
    n = max(2, length // size)
    return lambda y: f(y, n), x if len(x) else np.linspace(0.1, 0.5, n)


def seconds(f: Callable[[], Any]) -> float:
    """Return the CPU time of one call."""
    start = time.process_time()
    f()
    return time.process_time() - start


def measure(name: str, quantity: str, length: int) -> tuple[int, float, float]:
    """Return the length of a program, the seconds to make its code, and first call over allowed."""
    f, x = problem(name, length)
    ask, compiled = QUANTITIES[quantity], taylor.compile(f)
    eager = min(seconds(lambda: ask(f, x)) for _ in range(2))
    first = took = seconds(lambda: ask(compiled, x))
    while compiled.waiting:
        took = seconds(lambda: ask(compiled, x))
    return len(taylor.record(f, x)), took, first / (0.2 + 10 * eager)


def main() -> None:
    """Print a line for each function and quantity named on the command line (default: all)."""
    os.environ["TAYLOR_CACHE"] = ""
    lengths = [*LENGTHS, LONGEST]
    head = "".join(f"{n:10,d}" for n in lengths)
    print(f"{'instructions':21s}{head}   slope   first call / allowed")
    asked = sys.argv[1:]
    for name in FUNCTIONS:
        for quantity in QUANTITIES:
            if asked and not {name, quantity} & set(asked):
                continue
            kept = lengths if quantity in ("value", "gradient") else lengths[:-1]
            found = [measure(name, quantity, n) for n in kept]
            sizes, times, shares = np.transpose(found)
            slope = np.polyfit(np.log(sizes[1:]), np.log(times[1:]), 1)[0]
            cells = "".join(f"{1e3 * t:10.0f}" for t in times) + " " * 10 * (
                len(lengths) - len(kept)
            )
            print(f"{name:12s}{quantity:9s}{cells}   {slope:5.2f}   {max(shares):.2f}", flush=True)


if __name__ == "__main__":
    main()
