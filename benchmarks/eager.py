"""Prints the cost of eager arithmetic as ratios to the NumPy calls it rests on."""

from __future__ import annotations

import itertools
import time
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np

from hyperdual import HyperDual
from taylor import Taylor, TaylorN

LANES = (0, 3, 31, 32, 256)  # 0: one number
KINDS: dict[str, Callable[[Any, int], Any]] = {
    "Taylor": Taylor.variable,
    "Taylor, complex": lambda x, order: Taylor.variable(x * (1 + 0.5j), order),
    "TaylorN, 2 variables": lambda x, order: TaylorN.variables([x, 0.2 + 0 * x], order)[0],
    "HyperDual": lambda x, order: HyperDual(x, 1 + 0 * x, 1 + 0 * x),
}


def best(f: Callable[[], Any], number: int) -> float:
    """Return the least time of one call, in microseconds."""
    return min(timeit.repeat(f, number=number, repeat=7)) / number * 1e6


def least(f: Callable[[], Any]) -> float:
    """Return the least time of one call after some, in microseconds of this process."""
    for _ in range(20):
        f()
    repeats = timeit.repeat(f, number=20, repeat=60, timer=time.process_time)
    return min(repeats) / 20 * 1e6


def neighbours() -> None:
    """Print the time of np.exp(np.sin(t)) for neighbouring orders and numbers of lanes."""
    rows = [(kind, order) for kind in KINDS for order in (1, 2, 10)]
    rows = [row for row in rows if row[0] != "HyperDual" or row[1] == 2]
    times = np.zeros((len(rows), len(LANES)))
    for (i, (kind, order)), (j, n) in itertools.product(enumerate(rows), enumerate(LANES)):
        t = KINDS[kind](np.linspace(0.1, 0.9, n) if n else 0.5, order)
        times[i, j] = least(lambda t=t: np.exp(np.sin(t)))
    unit = times.min()
    print(f"np.exp(np.sin(t)) of lanes ({LANES}), ratio to the least, {unit:.1f} us")
    for (kind, order), row in zip(rows, times / unit, strict=True):
        print(f"  {kind + f', order {order}':32s}", *(f"{r:6.1f}" for r in row))
    steps = [np.abs(np.diff(np.log(times), axis=1))]
    steps += [np.abs(np.diff(np.log(times[i : i + 3]), axis=0)) for i in (0, 3, 6)]
    worst = np.exp(max(s.max() for s in steps))
    print(f"  largest ratio of neighbours {worst:.1f}, to the least {times.max() / unit:.1f}")


def main() -> None:
    """Print the tables."""
    neighbours()
    x = np.exp(Taylor.variable(0.3, 20)) * 0.2
    y = np.sin(Taylor.variable(0.7, 20))
    unit = best(lambda: np.convolve(x.coef, y.coef), 20000)
    bare = best(lambda: x.coef, 20000)
    unit -= 2 * bare
    print(f"one point, order 20; unit: np.convolve of two such series, {unit:.2f} us")
    for name, f, number in (
        ("x * y", lambda: x * y, 20000),
        ("x + y", lambda: x + y, 20000),
        ("x / y", lambda: x / y, 300),
        ("exp(x)", lambda: np.exp(x), 300),
        ("sin(x)", lambda: np.sin(x), 300),
        ("tanh(x)", lambda: np.tanh(x), 300),
    ):
        print(f"  {name:8s} {best(f, number) / unit:8.1f}")
    points = np.linspace(0.1, 0.6, 100_000)
    u = np.sin(Taylor.variable(points, 10))
    plain = {"*": best(lambda: points * points, 50), "exp": best(lambda: np.exp(points), 20)}
    print("100,000 points, order 10; ratio to the plain function on the same points")
    print(f"  u * u    {best(lambda: u * u, 3) / plain['*']:8.1f}")
    print(f"  exp(u)   {best(lambda: np.exp(u), 3) / plain['exp']:8.1f}")
    print("growth with the order: time(2K)/time(K), 4 for O(K^2), 8 for O(K^3)")
    for k in (200, 400):
        small, large = (np.exp(Taylor.variable(np.full(50, 0.1), m)) * 0.1 for m in (k, 2 * k))
        ratio = best(lambda s=large: np.exp(s), 2) / best(lambda s=small: np.exp(s), 2)
        print(f"  exp, K = {k}: {ratio:.1f}")


if __name__ == "__main__":
    main()
