"""Prints the polynomials of `taylor.llvm.polynomials`: least squares at Chebyshev's points.

One coefficient after the other is rounded to a double, and those that are left are fitted again.
Names of polynomials, or name:degree, as arguments.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath as mp

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from test_vector import REST

from taylor.llvm import polynomials


def fitted(
    f: Callable[..., Any], start: Any, stop: Any, weight: Callable[..., Any], degree: int
) -> list[float]:
    """Return the coefficients of the polynomial that is next to f between start and stop."""
    n = 3 * degree + 6
    nodes = [mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    x = [(start + stop) / 2 + (stop - start) / 2 * node for node in nodes]
    weights, rest, found = [weight(v) for v in x], [f(v) for v in x], list[float]()
    for k in range(degree + 1):
        rows = [[w * v**j for j in range(k, degree + 1)] for v, w in zip(x, weights, strict=True)]
        sides = [w * r for w, r in zip(weights, rest, strict=True)]
        found.append(float(mp.qr_solve(mp.matrix(rows), mp.matrix(sides))[0][0]))
        rest = [r - mp.mpf(found[-1]) * v**k for r, v in zip(rest, x, strict=True)]
    return found


def main() -> None:
    """Print each polynomial and, as a power of two, the largest error that is its own."""
    for argument in sys.argv[1:] or REST:
        name, _, degree = argument.partition(":")
        f, start, stop, weight = REST[name]
        end = 1 if name == "TAIL" else stop  # erfc of infinity cannot be tried
        c = fitted(f, start, end, weight, int(degree or len(getattr(polynomials, name)) - 1))
        points = [start + (stop - start) * mp.mpf(2 * i + 1) / 1000 for i in range(500)]
        exact = [mp.mpf(v) for v in reversed(c)]
        error = max(abs(weight(x) * (mp.polyval(exact, x) - f(x))) for x in points)
        print(
            f"{name}: error 2^{float(mp.log(error, 2)):.1f}\n ", *(v.hex() for v in c), flush=True
        )


if __name__ == "__main__":
    mp.mp.dps = 60
    main()
