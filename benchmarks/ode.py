"""Prints what integrations cost, and their errors: this package, heyoka, SciPy's DOP853, IAS15.

Each in a process of its own; what is not installed is skipped with a line.  Times are the least of
some runs, without the compilation, which stands beside them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TAYLOR_CACHE", "")

import numpy as np

DAYS = 1e6
# Hairer, Lubich & Wanner, Geometric Numerical Integration, section I.2.4: the sun with the inner
# planets, Jupiter, Saturn, Uranus, Neptune, Pluto; positions in AU, velocities in AU/day
G = 2.95912208286e-4
MASSES = np.array(
    [1.00000597682, 0.000954786104043, 0.000285583733151, 0.0000437273164546,
     0.0000517759138449, 1 / 1.3e8]
)  # fmt: skip
POSITIONS = np.array(
    [[0.0, 0.0, 0.0], [-3.5023653, -3.8169847, -1.5507963], [9.0755314, -3.0458353, -1.6483708],
     [8.3101420, -16.2901086, -7.2521278], [11.4707666, -25.7294829, -10.8169456],
     [-15.5387357, -25.2225594, -3.1902382]]
)  # fmt: skip
VELOCITIES = np.array(
    [[0.0, 0.0, 0.0], [0.00565429, -0.00412490, -0.00190589], [0.00168318, 0.00483525, 0.00192462],
     [0.00354178, 0.00137102, 0.00055029], [0.00288930, 0.00114527, 0.00039677],
     [0.00276725, -0.00170702, -0.00136504]]
)  # fmt: skip
FIRST, SECOND = np.triu_indices(6, 1)
INCIDENCE = np.zeros((6, 15))
INCIDENCE[FIRST, np.arange(15)] = G * MASSES[SECOND]
INCIDENCE[SECOND, np.arange(15)] = -G * MASSES[FIRST]


def planets(t: Any, y: Any) -> Any:
    """Return the motion of six bodies: y holds their positions and velocities."""
    q, v = y
    d = q[SECOND] - q[FIRST]
    return np.stack([v, INCIDENCE @ (d / (np.sum(d * d, axis=1) ** 1.5)[:, None])])


def planets_energy(y: Any) -> Any:
    """Return the energy of the six bodies."""
    q, v = y
    r = np.sqrt(((q[SECOND] - q[FIRST]) ** 2).sum(1))
    return (MASSES * (v * v).sum(1)).sum() / 2 - (G * MASSES[FIRST] * MASSES[SECOND] / r).sum()


def kepler(t: Any, y: Any) -> Any:
    """Return the motion of one body around the origin."""
    r3 = (y[0] * y[0] + y[1] * y[1]) ** 1.5
    return [y[2], y[3], -y[0] / r3, -y[1] / r3]


def henon_heiles(t: Any, y: Any) -> Any:
    """Return the motion in the potential of Hénon and Heiles."""
    return [y[2], y[3], -y[0] - 2 * y[0] * y[1], -y[1] - y[0] * y[0] + y[1] * y[1]]


def lorenz(t: Any, y: Any) -> Any:
    """Return Lorenz' system."""
    return [10.0 * (y[1] - y[0]), y[0] * (28.0 - y[2]) - y[1], y[0] * y[1] - 8.0 / 3.0 * y[2]]


Problem = tuple[Callable[[Any, Any], Any], Any, float, Callable[[Any], Any]]
PROBLEMS: dict[str, Problem] = {
    "Kepler e=0.5": (
        kepler,
        np.array([0.5, 0.0, 0.0, 3**0.5]),
        1000.0,
        lambda y: (y[2] ** 2 + y[3] ** 2) / 2 - 1 / np.hypot(y[0], y[1]),
    ),
    "Hénon-Heiles": (
        henon_heiles,
        np.array([0.0, -0.25, 0.42, 0.0]),
        2000.0,
        lambda y: (y @ y) / 2 + y[0] ** 2 * y[1] - y[1] ** 3 / 3,
    ),
    # the state at t = 10 in 50 digits by taylor.ode, order 59; the sum of its components
    "Lorenz": (lorenz, np.array([1.0, 1.0, 1.0]), 10.0, lambda y: y.sum()),
    "outer solar system": (
        planets,
        np.stack([POSITIONS, VELOCITIES]),
        DAYS,
        planets_energy,
    ),
}


def reference() -> float:
    """Return the sum of the components of Lorenz' system at t = 10, from 50 digits."""
    from mpmath import mp, mpf

    from taylor import ode

    def exact(t: Any, y: Any) -> Any:
        return [10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - mpf(8) / 3 * y[2]]

    with mp.workdps(50):
        return float(sum(ode.solve_ivp(exact, (0, 10), [mpf(1)] * 3, t_eval=[10]).y[:, 0]))


def error(name: str, y: Any) -> float:
    """Return the relative error of the energy (for Lorenz of the state) at the end."""
    _, y0, _, energy = PROBLEMS[name]
    first = reference() if name == "Lorenz" else energy(y0)
    return abs(float(energy(y) / first - 1))


def timed(run: Callable[[], Any], least: int = 5, enough: float = 0.5) -> tuple[float, Any]:
    """Return the least time of some runs, of many if they are short, and the last result."""
    times: list[float] = []
    result = None
    while sum(times) < enough or (len(times) < least and sum(times) < 20):
        start = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - start)
    return min(times), result


def ours(name: str) -> dict[str, float]:
    """Return figures of this package."""
    from taylor.ode import TaylorIntegrator

    f, y0, t1, _ = PROBLEMS[name]
    TaylorIntegrator(lambda t, y: [y[1], -y[0]], 0.0, [1.0, 0.0]).propagate_until(1.0)
    start = time.perf_counter()
    it = TaylorIntegrator(f, 0.0, y0, tol=1e-16)
    compile = time.perf_counter() - start

    def run() -> Any:
        it.set_state(0.0, y0)
        it.steps = 0
        return it.propagate_until(t1)

    seconds, y = timed(run)
    steps, call = it.steps, timed(it.step, 200)[0]
    return dict(seconds=seconds, steps=steps, compile=compile, error=error(name, y), call=call)


def heyoka(name: str) -> dict[str, float]:
    """Return figures of heyoka, in its faster mode."""
    import heyoka as hy

    _, y0, t1, _ = PROBLEMS[name]
    if name == "outer solar system":
        system = hy.model.nbody(6, masses=MASSES, Gconst=G)
        state = np.concatenate([y0[0], y0[1]], axis=1).reshape(-1)
    else:
        x, y, u, v = hy.make_vars("x", "y", "u", "v")
        state = y0
        if name == "Lorenz":
            system = list(zip((x, y, u), lorenz(0.0, [x, y, u]), strict=True))
        else:
            f = PROBLEMS[name][0]
            system = list(zip((x, y, u, v), f(0.0, [x, y, u, v]), strict=True))
    found: dict[str, float] = {}
    for fast in (False, True):
        hy.llvm_state.clear_memcache() if hasattr(hy.llvm_state, "clear_memcache") else None
        start = time.perf_counter()
        ta = hy.taylor_adaptive(system, state.copy(), tol=1e-16, fast_math=fast)
        compile = time.perf_counter() - start

        def run(ta: Any = ta) -> Any:
            ta.time = 0.0
            ta.state[:] = state
            return ta.propagate_until(t1)[3]

        seconds, steps = timed(run)
        end = ta.state.copy()
        if name == "outer solar system":
            rows = end.reshape(6, 6)
            end = np.stack([rows[:, :3], rows[:, 3:]])
        call = timed(ta.step, 200)[0]
        if not found or seconds < found["seconds"]:
            found = dict(
                seconds=seconds, steps=steps, compile=compile, error=error(name, end), call=call
            )
    return found


def dop853(name: str) -> dict[str, float]:
    """Return figures of SciPy's DOP853 at its least tolerance."""
    from scipy.integrate import solve_ivp

    f, y0, t1, _ = PROBLEMS[name]

    def flow(t: float, y: Any) -> Any:
        return np.reshape(f(t, y.reshape(y0.shape)), -1)

    def run() -> Any:
        return solve_ivp(flow, (0.0, t1), y0.reshape(-1), "DOP853", rtol=3e-14, atol=1e-15)

    seconds, r = timed(run, 1)
    end = r.y[:, -1].reshape(y0.shape)
    return dict(seconds=seconds, steps=len(r.t) - 1, compile=0.0, error=error(name, end))


def ias15(name: str) -> dict[str, float]:
    """Return figures of IAS15 (Rein & Spiegel, MNRAS 446, 2015), for the six bodies."""
    import rebound

    if name != "outer solar system":
        return {}

    def run() -> Any:
        sim = rebound.Simulation()
        sim.G = G
        for m, q, v in zip(MASSES, POSITIONS, VELOCITIES, strict=True):
            sim.add(m=m, x=q[0], y=q[1], z=q[2], vx=v[0], vy=v[1], vz=v[2])
        sim.integrator = "ias15"
        sim.integrate(DAYS)
        return sim

    seconds, sim = timed(run, 2)
    end = np.array([[p.xyz for p in sim.particles], [p.vxyz for p in sim.particles]])
    return dict(seconds=seconds, steps=sim.steps_done, compile=0.0, error=error(name, end))


SOLVERS = {"taylor": ours, "heyoka": heyoka, "DOP853": dop853, "IAS15": ias15}


def digits() -> tuple[float, float]:
    """Return the times for Lorenz' system to t = 2 in 50 digits: this package, mpmath.odefun."""
    from mpmath import mp, mpf

    from taylor.ode import solve_ivp

    def f(t: Any, y: Any) -> Any:
        return [10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - mpf(8) / 3 * y[2]]

    with mp.workdps(50):
        one, _ = timed(lambda: solve_ivp(f, (0, 2), [mpf(1)] * 3, t_eval=[2]), 2)
        other, _ = timed(lambda: mp.odefun(f, 0, [mpf(1)] * 3)(2), 1)
    return one, other


def calls() -> dict[str, tuple[float, float]]:
    """Return the times of a second call for one period of Kepler's problem: ours and DOP853."""
    import scipy.integrate

    from taylor.ode import TaylorIntegrator, solve_ensemble, solve_ivp

    f, y0, _, _ = PROBLEMS["Kepler e=0.5"]
    span, options = (0.0, 2 * np.pi), dict(tol=1e-12)
    times = np.linspace(*span, 50)
    ways: dict[str, Callable[[], Any]] = {
        "solve_ivp": lambda: solve_ivp(f, span, y0, **options),
        "t_eval": lambda: solve_ivp(f, span, y0, t_eval=times, **options),
        "dense_output": lambda: solve_ivp(f, span, y0, dense_output=True, **options),
        "an event": lambda: solve_ivp(f, span, y0, events=lambda t, y: y[1], **options),
        "a closure": lambda: solve_ivp(lambda t, y: f(t, y), span, y0, **options),
        "TaylorIntegrator": lambda: TaylorIntegrator(f, 0.0, y0, **options).propagate_until(
            span[1]
        ),
        "an ensemble of 2": lambda: solve_ensemble(f, span, [y0, y0], **options),
    }
    of_scipy = dict(method="DOP853", rtol=1e-12, atol=1e-12)

    def other() -> Any:
        return scipy.integrate.solve_ivp(f, span, y0, **of_scipy)

    found = {}
    for name, way in ways.items():
        way()
        found[name] = timed(way, 50)[0], timed(other, 5)[0]
    return found


def main() -> None:
    """Print the figures of all problems and solvers."""
    for name in PROBLEMS:
        print(
            f"\n{name}: seconds, times this package, us a step, steps, compile s, error, "
            "us of a call for one step"
        )
        first = 0.0
        for solver in SOLVERS:
            command = [sys.executable, "-m", "benchmarks.ode", solver, name]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"  {solver:8} skipped: {done.stderr.strip().splitlines()[-1]}")
                continue
            r = json.loads(done.stdout.splitlines()[-1])
            if not r:
                continue
            first = first or r["seconds"]
            per = r["seconds"] / r["steps"] * 1e6
            print(
                f"  {solver:8} {r['seconds']:9.5f} {r['seconds'] / first:8.2f} {per:9.3f} "
                f"{int(r['steps']):8} {r['compile']:7.3f} {r['error']:.1e} "
                f"{1e6 * r.get('call', 0.0):6.1f}"
            )
    print("\none period of Kepler's problem, called again: ms, DOP853 times that")
    for way, (seconds, other) in calls().items():
        print(f"  {way:17} {1e3 * seconds:7.3f} {other / seconds:6.1f}")
    one, other = digits()
    print(
        f"\nLorenz to t = 2 in 50 digits: {one:.2f} s, mpmath.odefun {other / one:.1f} times that"
    )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(SOLVERS[sys.argv[1]](sys.argv[2])))
    else:
        main()
