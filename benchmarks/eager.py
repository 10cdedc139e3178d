"""Prints the cost of eager arithmetic as ratios to the NumPy calls it rests on."""

from __future__ import annotations

import timeit
from collections.abc import Callable
from typing import Any

import numpy as np

from taylor import Taylor


def best(f: Callable[[], Any], number: int) -> float:
    """Return the least time of one call, in microseconds."""
    return min(timeit.repeat(f, number=number, repeat=7)) / number * 1e6


def main() -> None:
    """Print the table."""
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
