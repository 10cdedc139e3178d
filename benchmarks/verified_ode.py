"""Validated initial value problems: widths of the bounds and times, in one run.

python -m benchmarks.verified_ode

Points against what CAPD and INTLAB publish; boxes against the spread of what solutions from 10⁴
points of the box (its corners among them) reach, integrated here to 1e-13.  Times are CPU seconds
of the second call: the first one compiles the series of the problem.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from taylor import verified as tv
from taylor.ode import solve_ivp

MU = 0.0009537
MEMBERS = 10_000


def exponential(t: Any, y: Any) -> Any:
    """Return y/2."""
    return y / 2


def pendulum(t: Any, y: Any) -> Any:
    """Return the rates of a forced pendulum."""
    return [y[1], np.sin(t) - np.sin(y[0])]


def three_bodies(t: Any, s: Any) -> Any:
    """Return the rates of the planar circular restricted three-body problem."""
    x, y, u, v = s
    a, b = x + MU, x - (1 - MU)
    f, g = (1 - MU) * (a**2 + y**2) ** -1.5, MU * (b**2 + y**2) ** -1.5
    return [u, v, x - a * f - b * g + 2 * v, y * (1 - f - g) - 2 * u]


def lorenz(t: Any, y: Any) -> Any:
    """Return the rates of Lorenz' system."""
    return [10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 * y[2] / 3]


def van_der_pol(t: Any, y: Any) -> Any:
    """Return the rates of the oscillator of parameter 1."""
    return [y[1], (1 - y[0] ** 2) * y[1] - y[0]]


def lotka_volterra(t: Any, y: Any) -> Any:
    """Return the rates of prey and predators."""
    return [2 * y[0] * (1 - y[1]), y[1] * (y[0] - 1)]


Problem = tuple[Callable[..., Any], tuple[float, float], Any, dict[str, Any], str]
START = np.array([0.92080349132074002, 0.0, 0.0, 0.10444767270690263])
WIDTH = np.array([0.0, 0.0, 0.0, 1.07e-14])
POINTS: dict[str, Problem] = {
    "y' = y/2": (exponential, (0, 2), [1.0], {}, "INTLAB 8.8e-14"),
    "forced pendulum": (pendulum, (4, 10), [1.0, 2.0], {}, "CAPD 8.9e-14 6.7e-14"),
    "three bodies": (
        three_bodies, (0, 3.082119126376508), tv.Interval(START, START + WIDTH),
        {"method": "interval", "order": 30}, "CAPD 6.5e-12 1.8e-12 1.5e-11 6.3e-12",
    ),
    "Lorenz to 10": (lorenz, (0, 10), [15.0, 15.0, 36.0], {}, "growth 1e9"),
}  # fmt: skip
BOXES: dict[str, Problem] = {
    "Lorenz": (
        lorenz, (0, 3), tv.Interval([-8.001, 7.998, 26.998], [-7.998, 8.001, 27.001]),
        {"space_order": 3}, "INTLAB's demo",
    ),
    "van der Pol": (
        van_der_pol, (0, 10), tv.Interval([2.999, -3.001], [3.001, -2.999]),
        {"space_order": 3}, "INTLAB's demo",
    ),
    "Lotka-Volterra": (
        lotka_volterra, (0, 5.5), tv.Interval([0.95, 2.95], [1.05, 3.05]), {}, "Makino and Berz",
    ),
}  # fmt: skip


def bounded(problem: Problem) -> tuple[Any, float]:
    """Return the solution, and the seconds of a second call."""
    fun, span, y0, options, _ = problem
    for _ in range(2):
        begin = time.process_time()
        sol = tv.solve_ivp(fun, span, y0, **options)
        seconds = time.process_time() - begin
    return sol, seconds


def spread(problem: Problem, count: int = MEMBERS) -> Any:
    """Return the widths of what solutions from points of a box reach."""
    fun, span, box, *_ = problem
    n, rng = len(box), np.random.default_rng(0)
    s = rng.random((n, count))
    s[:, : 2**n] = np.indices((2,) * n).reshape(n, -1)
    points = box.lo[:, None] + (box.hi - box.lo)[:, None] * s
    ends = solve_ivp(fun, span, points, rtol=1e-13, atol=1e-13, t_eval=[span[1]]).y[..., -1]
    return ends.max(axis=-1) - ends.min(axis=-1)


def main() -> None:
    """Print a line for each problem."""
    for name, problem in POINTS.items():
        sol, seconds = bounded(problem)
        widths = " ".join(f"{w:.2g}" for w in sol(problem[1][1]).width)
        print(f"{name:16} {sol.steps:4} steps {seconds:6.2f} s  widths {widths}  ({problem[4]})")
    for name, problem in BOXES.items():
        sol, seconds = bounded(problem)
        ratios = " ".join(f"{r:.4f}" for r in sol(problem[1][1]).width / spread(problem))
        print(f"{name:16} {sol.steps:4} steps {seconds:6.2f} s  over the spread {ratios}")


if __name__ == "__main__":
    main()
