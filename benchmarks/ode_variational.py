"""First-order variational equations of six bodies: this package and heyoka, where it is installed.

The outer solar system (Sun, Jupiter, Saturn, Uranus, Neptune, Pluto; Applegate et al., Astronomical
Journal 92, 1986) with all 36 derivatives of all 36 components over 300 years, at the precision of
doubles.  Also the gradient of one coordinate by the adjoint, in units of the plain solution.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from taylor import TaylorN
from taylor.ode import TaylorIntegrator, value_and_gradient
from taylor.ode.jets import Plain

Array = Any
MASSES = np.array(
    [1.00000597682, 1 / 1047.355, 1 / 3501.6, 1 / 22869.0, 1 / 19314.0, 7.4074074e-09]
)
G = (0.01720209895 * 365) ** 2
POSITIONS = np.array(
    [
        [-4.06428567034226e-3, -6.08813756435987e-3, -1.66162304225834e-6],
        [3.40546614227466, 3.62978190075864, 3.42386261766577e-2],
        [6.60801554403466, 6.38084674585064, -1.36145963724542e-1],
        [1.11636331405597e1, 1.60373479057256e1, 3.61783279369958e-1],
        [-3.01777243405203e1, 1.91155314998064, -1.53887595621042e-1],
        [-2.13858977531573e1, 3.20719104739886e1, 2.49245689556096],
    ]
)
VELOCITIES = 365 * np.array(
    [
        [6.69048890636161e-6, -6.33922479583593e-6, -3.13202145590767e-9],
        [-5.59797969310664e-3, 5.51815399480116e-3, -2.66711392865591e-6],
        [-4.17354020307064e-3, 3.99723751748116e-3, 1.67206320571441e-5],
        [-3.25884806151064e-3, 2.06438412905916e-3, -2.17699042180559e-5],
        [-2.17471785045538e-4, -3.11361111025884e-3, 3.58344705491441e-5],
        [-1.76936577252484e-3, -2.06720938381724e-3, 6.58091931493844e-4],
    ]
)
YEARS = 300.0
FIRST, SECOND = np.triu_indices(6, 1)
PULL = np.zeros((6, 15))
PULL[FIRST, np.arange(15)] = G * MASSES[SECOND]
PULL[SECOND, np.arange(15)] = -G * MASSES[FIRST]


def gravity(t: Any, y: Any) -> Any:
    """Return the rates of positions and velocities."""
    q, v = y
    d = q[SECOND] - q[FIRST]
    return np.stack([v, PULL @ (d / (np.sum(d * d, axis=1) ** 1.5)[:, None])])


def best(f: Callable[[], Any], runs: int = 7) -> float:
    """Return the least time of one call, in seconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        f()
        times.append(time.perf_counter() - start)
    return min(times)


def stepped(it: TaylorIntegrator, y: Array) -> tuple[float, int]:
    """Return the least time of an integration, and its steps."""
    times, steps = [], 0
    for _ in range(7):
        it.set_state(0.0, y)
        before, start = it.steps, time.perf_counter()
        it.propagate_until(YEARS)
        times.append(time.perf_counter() - start)
        steps = it.steps - before
    return min(times), steps


def with_taylor(y0: Array) -> tuple[float, float, int, Array]:
    """Return the time to compile, that to integrate, the steps and the Jacobian."""
    start = time.perf_counter()
    plain = Plain(gravity, TaylorN.seeded(y0, 1), ())
    it = plain.integrator(0.0)
    compiled = time.perf_counter() - start
    total, steps = stepped(it, plain.y0)
    return compiled, total, steps, plain.series(it.y).gradient().reshape(36, 36)


def with_heyoka(y0: Array) -> tuple[float, float, int, Array]:
    """Return the same for heyoka; its default mode takes more than ten minutes to compile."""
    import heyoka as hy

    start = time.perf_counter()
    system = hy.model.nbody(6, masses=MASSES, Gconst=G)
    variational = hy.var_ode_sys(system, hy.var_args.vars, order=1)
    state = np.moveaxis(y0, 0, 1).reshape(36)  # body by body
    ta = hy.taylor_adaptive(variational, state, compact_mode=True)
    compiled = time.perf_counter() - start
    at_start, steps, times = ta.state.copy(), 0, []
    for _ in range(7):
        ta.state[:], ta.time = at_start, 0.0
        start = time.perf_counter()
        steps = ta.propagate_until(YEARS)[3]
        times.append(time.perf_counter() - start)
    place = np.moveaxis(np.arange(36).reshape(6, 2, 3), 0, 1).reshape(36)
    jacobian = ta.state[36:].reshape(36, 36)[np.ix_(place, place)]
    return compiled, min(times), steps, jacobian


def main() -> None:
    """Print the table."""
    y0 = np.stack([POSITIONS, VELOCITIES])
    plain = TaylorIntegrator(gravity, 0.0, y0)
    alone, count = stepped(plain, y0)
    print(f"6 bodies, {YEARS:g} years, plain: {alone * 1e6 / count:.2f} us a step, {count} steps")
    compiled, total, steps, jacobian = with_taylor(y0)
    print("variational equations   compile (s)  us a step   steps   total (ms)")
    row = "{:22}{:12.2f}{:12.1f}{:8d}{:13.1f}"
    print(row.format("taylor", compiled, total * 1e6 / steps, steps, total * 1e3))
    try:
        theirs = with_heyoka(y0)
    except ImportError:
        print("heyoka skipped: not installed")
    else:
        print(
            row.format("heyoka", theirs[0], theirs[1] * 1e6 / theirs[2], theirs[2], theirs[1] * 1e3)
        )
        off = np.abs(jacobian - theirs[3]).max() / np.abs(jacobian).max()
        print(f"taylor/heyoka: {total / theirs[1]:.2f} of the time; Jacobians differ by {off:.0e}")
    t = best(lambda: value_and_gradient(lambda y: y[0, 1, 0], gravity, (0.0, YEARS), y0), 3)
    print(f"gradient of one coordinate by the adjoint: {t * 1e3:.0f} ms with its recording")


if __name__ == "__main__":
    main()
