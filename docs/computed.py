"""What the examples of the integrator compute, against closed forms, conserved quantities, other
integrators: a build of the site checks it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
from scipy.integrate import solve_ivp as by_scipy

from taylor.ode import TaylorIntegrator, solve_ivp

Names = dict[str, Any]  # the names of an example that has run


def kepler(it: Names) -> None:
    """Kepler's equation E - e sin E = t and the ellipse, in 30 digits, off the perihelion."""
    with mpmath.workdps(30):
        e, t = mpmath.mpf(it["e"]), mpmath.mpf(1000)
        anomaly = mpmath.findroot(lambda x: x - e * mpmath.sin(x) - t, t)
        at = [mpmath.cos(anomaly) - e, mpmath.sqrt(1 - e**2) * mpmath.sin(anomaly)]
        exact = np.array(at, dtype=float)
    found = TaylorIntegrator(it["kepler"], 0.0, it["start"]).propagate_until(1000.0)
    assert np.abs(found[0] - exact).max() < 1e-10
    assert it["loss"].max() < 3e-13 and it["turned"].max() < 3e-14
    assert it["apart"].max() < 1e-8


def outer_solar_system(it: Names) -> None:
    """Energy by the law, momentum, another integrator, and the period of Jupiter."""
    assert 1e-15 < it["spread"][-1] < 2e-14
    assert 0.25 < it["power"] < 0.8
    assert abs(it["errors"][:, -1].mean()) < 4 * it["spread"][-1] / np.sqrt(len(it["errors"]))
    start = it["START"]
    momenta = np.tensordot(it["MASS"], it["orbits"][1], 1)
    assert np.abs(momenta - momenta[:, :1]).max() < 1e-15

    def flat(t, y):
        return it["newton"](t, y.reshape(2, 6, 3)).reshape(-1)

    years = 12.0
    other = by_scipy(flat, (0.0, years), start.reshape(-1), "DOP853", rtol=1e-12, atol=1e-13)
    mine = solve_ivp(it["newton"], (0.0, years), start).y[..., -1]
    assert np.abs(mine.reshape(-1) - other.y[:, -1]).max() < 1e-8


def henon_heiles(it: Names) -> None:
    """Points on the section with the right energy, going up; the same crossings as another's."""
    for level, orbits in zip(it["ENERGIES"], it["sections"], strict=True):
        for points in orbits:
            assert np.abs(points[0]).max() < 1e-15 and points[2].min() > 0
            assert np.abs(it["energy"](points) / level - 1).max() < 1e-13
    level, (y, v) = it["ENERGIES"][0], it["STARTS"][1]
    u = np.sqrt(2 * level - v**2 - y**2 + 2 * y**3 / 3)
    start, system = [1e-9, y, u, v], it["henon_heiles"]  # off the plane, where SciPy needs it
    events = {"events": it["plane"], "rtol": 1e-12, "atol": 1e-13}
    other = by_scipy(system, (0.0, 100.0), start, "DOP853", **events)
    mine = solve_ivp(system, (0.0, 100.0), start, events=it["plane"])
    assert len(mine.t_events[0]) == len(other.t_events[0]) == 16
    assert np.abs(mine.t_events[0] - other.t_events[0]).max() < 1e-8


def lotka_volterra(it: Names) -> None:
    """First and second derivatives by differences of runs in 40 digits; the first integral."""
    assert np.abs(it["kept"].coef).max() < 1e-10
    with mpmath.workdps(40):
        h = mpmath.mpf(10) ** -10
        values = [mpmath.mpf(v) for v in it["values"]]
        start = [mpmath.mpf(v) for v in it["start"]]

        def end(step):
            args = (values[0] + step, *values[1:])
            return solve_ivp(it["lotka_volterra"], (0, 1), start, args=args).y[:, -1]

        low, here, high = end(-h), end(0), end(h)
        slope = ((high - low) / (2 * h)).astype(float)
        bend = ((high - 2 * here + low) / h**2).astype(float)
    at = it["y"][:, np.flatnonzero(it["times"] == 1.0)[0]]
    assert np.allclose(at.partial((1, 0, 0, 0)), slope, rtol=1e-12)
    assert np.allclose(at.partial((2, 0, 0, 0)), bend, rtol=1e-12)


def lorenz(it: Names) -> None:
    """The state at t = 50 from 100 digits (`--digits 100`), the same from 50."""
    exact = ["-6.9617605115485233874", "-9.5432016394948988945", "20.710921244190435803"]
    for number, digits in zip(it["many"].y[:, -1], exact, strict=True):
        assert abs(number - mpmath.mpf(digits)) < 1e-9
    t, error = it["t"], it["error"]
    assert error[t == 20] < 1e-9 and error[t == 50] > 1
    rate = np.polyfit(t[150:400], np.log(error[150:400]), 1)[0]
    assert abs(rate - it["LYAPUNOV"]) < 0.2


def bouncing_ball(it: Names) -> None:
    """The times of the bounces are a geometric series."""
    assert len(it["bounces"]) > 280
    assert np.abs(it["bounces"] - it["exact"]).max() < 1e-13
    assert abs(it["bounces"][-1] - it["rest"]) < 1e-11
    assert it["result"].status == -1 and "accumulate" in it["result"].message


def pendulum_map(it: Names) -> None:
    """Liouville's theorem; the images of single points; the error falls with the order."""
    area = it["area"].coef
    assert abs(area[0] - 1) < 1e-13 and np.abs(area[1:]).max() < 1e-10
    errors = [
        np.abs(it["images"](it["maps"].truncate(n), 0.1) - it["integrated"](0.1)).max()
        for n in (2, 4, 8, 12)
    ]
    assert errors[-1] < 1e-11
    assert all(a > 20 * b for a, b in pairwise(errors))


def three_body(it: Names) -> None:
    """Szebehely & Peters: closest at t = 15.8299; momenta; back again to the start before that."""
    assert abs(it["time"] - 15.8299) < 1e-4 and (it["i"], it["j"]) == (1, 2)
    assert it["lost"][-1] < 1e-8
    q, v = it["result"].y
    momentum = np.tensordot(it["MASS"], v, 1)
    spin = np.tensordot(it["MASS"], q[:, 0] * v[:, 1] - q[:, 1] * v[:, 0], 1)
    assert np.abs(momentum).max() < 1e-9 and np.abs(spin).max() < 1e-9
    there = solve_ivp(it["newton"], (0.0, 12.0), it["START"]).y[..., -1]
    back = solve_ivp(it["newton"], (12.0, 0.0), there).y[..., -1]
    assert np.abs(back - it["START"]).max() < 1e-8


def rossler_proof(it: Names) -> None:
    """The published period (Galias and Tucker; CAPD) to 2e-13, and the image in the box."""
    assert it["image"].inside(it["box"]).all() and float(it["orbit"].t.width) < 4e-13
    assert it["orbit"].t.hi > 5.8810884555536 and it["orbit"].t.lo < 5.881088455554


CHECKS = {
    f"ode_{fact.__name__}": fact
    for fact in (
        kepler,
        outer_solar_system,
        henon_heiles,
        lotka_volterra,
        lorenz,
        bouncing_ball,
        pendulum_map,
        three_body,
        rossler_proof,
    )
}
