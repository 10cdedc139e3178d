"""Prints the throughput of ensembles: 10^4 Kepler orbits here, in heyoka's batches, one by one.

Eccentricities from 0 to 0.6, one and ten periods, tol 1e-15.  The programs take turns in one
process, each time is the least of some rounds; heyoka is left out where it is not installed.
Without the compilation, which stands beside.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from taylor.ode import TaylorIntegrator, solve_ensemble

Array = Any
MEMBERS, ROUNDS, TOL = 10_000, 9, 1e-15
FEW = 300  # members that are integrated one by one


def kepler(t: Any, y: Any) -> Any:
    """Return the motion of one body around the origin."""
    r3 = (y[0] * y[0] + y[1] * y[1]) ** -1.5
    return [y[2], y[3], -y[0] * r3, -y[1] * r3]


def orbits() -> Array:
    """Return states at perihelion, of orbits of semi-major axis 1."""
    e = np.random.default_rng(1).uniform(0.0, 0.6, MEMBERS)
    return np.stack([1 - e, 0 * e, 0 * e, np.sqrt((1 + e) / (1 - e))], axis=1)


Runner = Callable[[float], tuple[Array, int]]


def ours(y0: Array, threads: int) -> Runner:
    """Return a function of the end that integrates all members here."""

    def run(t: float) -> tuple[Array, int]:
        r = solve_ensemble(kepler, (0.0, t), y0, tol=TOL, threads=threads)
        return r.y_last, int(r.steps.sum())

    return run


def alone(y0: Array) -> Runner:
    """Return a function that integrates the first members one after the other."""
    it = TaylorIntegrator(kepler, 0.0, y0[0], tol=TOL)

    def run(t: float) -> tuple[Array, int]:
        out, it.steps = np.empty((FEW, 4)), 0
        for i in range(FEW):
            it.set_state(0.0, y0[i])
            out[i] = it.propagate_until(t)
        return out, it.steps

    return run


def heyoka(y0: Array, lanes: int) -> Runner:
    """Return a function that integrates all members in heyoka's batches of that many."""
    import heyoka as hy

    x, y, u, v = hy.make_vars("x", "y", "u", "v")
    r3 = hy.sum([x**2, y**2]) ** -1.5
    system = [(x, u), (y, v), (u, -x * r3), (v, -y * r3)]
    batch = hy.taylor_adaptive_batch(system, y0[:lanes].T.copy(), tol=TOL)
    states = np.ascontiguousarray(y0.reshape(-1, lanes, 4).transpose(0, 2, 1))

    def run(t: float) -> tuple[Array, int]:
        out, steps = np.empty_like(states), 0
        for i, state in enumerate(states):
            batch.set_time(0.0)
            batch.state[:] = state
            batch.propagate_until(t)
            out[i] = batch.state
            steps += sum(r[3] for r in batch.propagate_res)
        return out.transpose(0, 2, 1).reshape(-1, 4), steps

    return run


def main() -> None:
    """Print the table."""
    y0 = orbits()
    made: dict[str, tuple[Callable[[], Runner], int]] = {
        "here, one thread": (lambda: ours(y0, 1), MEMBERS),
        "here, two threads": (lambda: ours(y0, 2), MEMBERS),
        "here, one by one": (lambda: alone(y0), FEW),
    }
    if importlib.util.find_spec("heyoka"):
        made["heyoka, lanes of 4"] = (lambda: heyoka(y0, 4), MEMBERS)
        made["heyoka, lanes of 8"] = (lambda: heyoka(y0, 8), MEMBERS)
    runs, compiled = {}, {}
    for name, (make, _) in made.items():
        start = time.perf_counter()
        runs[name] = make()
        runs[name](0.1)
        compiled[name] = time.perf_counter() - start
    for periods in (1, 10):
        t = 2 * np.pi * periods
        least = dict.fromkeys(runs, np.inf)
        found = {}
        for _ in range(ROUNDS):
            for name, run in runs.items():
                start = time.perf_counter()
                found[name] = run(t)
                least[name] = min(least[name], time.perf_counter() - start)
        head = f"{'us/orbit':>9}{'ns/step':>9}{'ratio':>7}{'error':>9}{'first s':>9}"
        print(f"\n{'periods: ' + str(periods):20}{head}")
        first = least["here, one thread"] / MEMBERS
        for name, (_, members) in made.items():
            y, steps = found[name]
            each, error = least[name] / members, np.abs(y - y0[:members]).max()
            print(
                f"{name:20}{each * 1e6:9.2f}{least[name] / steps * 1e9:9.0f}{each / first:7.2f}"
                f"{error:9.0e}{compiled[name]:9.2f}"
            )


if __name__ == "__main__":
    main()
