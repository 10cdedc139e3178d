"""Prints what a function with a derivative of its own costs, over the same function written out.

The Gudermannian, as a row whose value is written with NumPy's functions, with Python's (machine
code asks for it) and written out: an equation of the pendulum's kind, and a gradient.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import taylor
from taylor.ode import TaylorIntegrator

END, REPEATS = 300.0, 5


def written_out(x: Any) -> Any:
    """Return the Gudermannian."""
    return np.arctan(np.sinh(x))


def _quotient(a: Any, y: Any) -> Any:
    return 1, taylor.cosh(a)


ROWS: dict[str, Callable[[Any], Any]] = {
    "written out": written_out,
    "row": taylor.rule(written_out, quotient=_quotient, name="row"),
    "row, in Python": taylor.rule(
        lambda x: math.atan(math.sinh(x)), quotient=_quotient, name="python"
    ),
}


def least(f: Callable[[], Any]) -> float:
    """Return the least time of some calls, in seconds of CPU time."""
    found = []
    for _ in range(REPEATS):
        start = time.process_time()
        f()
        found.append(time.process_time() - start)
    return min(found)


def step(gd: Callable[[Any], Any]) -> float:
    """Return the time of a step, in µs."""
    it = TaylorIntegrator(lambda t, y: [y[1], -gd(y[0])], 0.0, [1.0, 0.0], strict=True)
    it.propagate_until(1.0)

    def run() -> None:
        it.set_state(0.0, [1.0, 0.0])
        it.propagate_until(END)

    before = it.steps
    run()
    steps = it.steps - before
    return 1e6 * least(run) / steps


def gradient(gd: Callable[[Any], Any]) -> float:
    """Return the time of a gradient of eight variables, in µs."""
    x = np.linspace(0.1, 0.9, 8)
    f = taylor.compile(lambda x: np.sum(gd(x) * x[::-1]), strict=True)
    taylor.gradient(f, x)

    def many() -> None:
        for _ in range(1000):
            taylor.gradient(f, x)

    return 1e3 * least(many)


def main() -> None:
    """Print a table."""
    for what, measure in (("step", step), ("gradient", gradient)):
        base = measure(ROWS["written out"])
        print(f"{what}, written out: {base:.2f} µs")
        for name, gd in list(ROWS.items())[1:]:
            print(f"  {name}: {measure(gd) / base:.2f} ×")


if __name__ == "__main__":
    main()
