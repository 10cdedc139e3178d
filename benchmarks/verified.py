"""Proved bounds, least values, roots, integrals and series, beside alkahest and mpmath in one run.

python -m benchmarks.verified

Times are CPU seconds of the best of a few calls, turn by turn; a peer that is not installed is
named, and left out.  alkahest takes expressions of its own, which are made before the clock runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from mpmath import iv

import taylor
from taylor import verified as tv

TURNS, ORDER = 3, 20
BOX = [(-3.0, 3.0), (-2.0, 2.0)]


def camel(x: Any) -> Any:
    """Return the six-hump camel function."""
    a, b = x[0] * x[0], x[1] * x[1]
    return (4 - 2.1 * a + a * a / 3) * a + x[0] * x[1] + (4 * b - 4) * b


def rosenbrock(x: Any) -> Any:
    """Return Rosenbrock's function of two variables."""
    return 100 * (x[1] - x[0] * x[0]) * (x[1] - x[0] * x[0]) + (1 - x[0]) * (1 - x[0])


def mixed(x: Any) -> Any:
    """Return a function of all kinds of operations."""
    return np.exp(np.sin(x[0])) * np.cos(x[1]) / (x[0] * x[0] + x[1] * x[1] + 1)


def bessel(x: Any) -> Any:
    """Return J_0."""
    return taylor.jv(0, x)


def ours() -> dict[str, Callable[[], Any]]:
    """Return the problems, as functions."""
    return {
        "range of the camel function, 1e-6": lambda: tv.range(camel, BOX, tol=1e-6),
        "range of Rosenbrock's, 1e-6": lambda: tv.range(rosenbrock, [(-2, 2)] * 2, tol=1e-6),
        "range of exp sin cos /, 1e-6": lambda: tv.range(mixed, [(-1, 2), (-1, 1)], tol=1e-6),
        "∫ exp(sin x), 0 to 3, 1e-12": lambda: tv.quad(
            lambda x: np.exp(np.sin(x)), 0.0, 3.0, tol=1e-12
        ),
        "∫ sin(x + exp x), 0 to 5, 1e-10": lambda: tv.quad(
            lambda x: np.sin(x + np.exp(x)), 0.0, 5.0, tol=1e-10
        ),
        "∫ sin(x + exp x), 0 to 8, 1e-11": lambda: tv.quad(
            lambda x: np.sin(x + np.exp(x)), 0.0, 8.0, tol=1e-11
        ),
        "32 roots of J0 to 100": lambda: tv.roots(bessel, (0.1, 100.0)).unique,
        "9 stationary points of Himmelblau's": lambda: (
            tv.roots(lambda x: taylor.gradient(himmelblau, x), [(-5, 5)] * 2).unique
        ),
    }


def himmelblau(x: Any) -> Any:
    """Return Himmelblau's function."""
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def theirs() -> dict[str, Callable[[], Any]]:
    """Return those of the problems that alkahest takes, or nothing without it."""
    try:
        import alkahest as peer
    except ImportError:
        print("alkahest is not installed: its column is empty")
        return {}
    pool = peer.ExprPool()
    x, y = pool.symbol("x"), pool.symbol("y")
    one = pool.integer(1)
    a, b = x * x, y * y
    third, slope = pool.rational(1, 3), pool.rational(21, 10)
    hump = (pool.integer(4) - slope * a + a * a * third) * a + x * y
    hump = hump + (pool.integer(4) * b - pool.integer(4)) * b
    valley = pool.integer(100) * (y - a) * (y - a) + (one - x) * (one - x)
    every = peer.exp(peer.sin(x)) * peer.cos(y) / (a + b + one)
    waves = peer.sin(x + peer.exp(x))

    def bound(f: Any, *sides: tuple[float, float]) -> Callable[[], Any]:
        box = [(v, *side) for v, side in zip((x, y), sides, strict=True)]
        return lambda: peer.bound_on_box(f, box, tol=1e-6, max_subdivisions=1 << 16)

    def integral(f: Any, end: float, tol: float) -> Callable[[], Any]:
        return lambda: peer.verified_integral(f, x, 0.0, end, tol=tol, max_subdivisions=1 << 16)

    return {
        "range of the camel function, 1e-6": bound(hump, *BOX),
        "range of Rosenbrock's, 1e-6": bound(valley, (-2.0, 2.0), (-2.0, 2.0)),
        "range of exp sin cos /, 1e-6": bound(every, (-1.0, 2.0), (-1.0, 1.0)),
        "∫ exp(sin x), 0 to 3, 1e-12": integral(peer.exp(peer.sin(x)), 3.0, 1e-12),
        "∫ sin(x + exp x), 0 to 5, 1e-10": integral(waves, 5.0, 1e-10),
    }


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU seconds of a call, and its result or error."""
    begin = time.process_time()
    try:
        found = call()
    except Exception as error:
        found = error
    return time.process_time() - begin, found


def main() -> None:
    """Print a line for each problem."""
    mine, peers = ours(), theirs()
    print(f"{'':38}{'seconds':>9}{'alkahest':>10}{'ratio':>7}  width, or widest")
    for name, call in mine.items():
        pairs = [(timed(call), timed(peers[name]) if name in peers else None) for _ in range(TURNS)]
        best = min(pair[0][0] for pair in pairs)
        width = float(np.max(pairs[0][0][1].width))
        line = f"{name:38}{best:9.3f}"
        if name in peers:
            other = min(pair[1][0] for pair in pairs if pair[1])
            line += f"{other:10.3f}{other / best:7.1f}  {width:.2g}   {described(pairs[0][1])}"
        else:
            line += f"{'':17}  {width:.2g}"
        print(line, flush=True)
    sweeps()


def sweeps() -> None:
    """Print the times of a series of order 20 of a compiled function, beside mpmath's intervals."""
    f = taylor.compile(lambda x: np.exp(np.sin(x)) / (1 + x * x))
    title = "order 20 of exp(sin x)/(1 + x²), a box"
    print(f"\n{title:38}{'µs':>9}{'floats':>10}{'ratio':>7}  mpmath.iv")
    for count in (1, 10, 1000):
        x = np.linspace(0.1, 1.1, count) if count > 1 else 0.3
        box = tv.Interval(x, x + 1e-3)
        calls = (
            lambda box=box: taylor.taylor_coefficients(f, box, ORDER),
            lambda x=x: taylor.taylor_coefficients(f, x, ORDER),
            lambda: by_mpmath(iv.mpf([0.3, 0.301])),
        )
        best = [min(timed(call)[0] for _ in range(4 * TURNS)) * 1e6 for call in calls]
        ours, floats = best[0] / count, best[1] / count
        line = f"{f'{count} boxes':38}{ours:9.2f}{floats:10.2f}{ours / floats:7.1f}"
        print(f"{line}  {best[2]:.0f}, {best[2] / ours:.0f} times as long")
    print("The same compiled function, boxes and floats, on one core.")


def by_mpmath(x: Any) -> list[Any]:
    """Return the same series by recurrences in mpmath's intervals."""
    s, c = [iv.sin(x)], [iv.cos(x)]
    for k in range(1, ORDER + 1):
        s.append(c[k - 1] / k)
        c.append(-s[k - 1] / k)
    e, y = [iv.exp(s[0])], []
    for k in range(1, ORDER + 1):
        e.append(sum((j * s[j] * e[k - j] for j in range(1, k + 1)), iv.mpf(0)) / k)
    for k in range(ORDER + 1):
        lower = zip((2 * x, iv.mpf(1)), y[:-3:-1], strict=False)
        y.append((e[k] - sum((d * below for d, below in lower), iv.mpf(0))) / (1 + x * x))
    return y


def described(pair: Any) -> str:
    """Return the result of a peer in a few words."""
    text = " ".join(str(pair[1]).split())
    return text if len(text) < 110 else text[:107] + "..."


if __name__ == "__main__":
    main()
