"""Exact sensitivities and numerical differences of solutions, by one method in one run, as ratios.

The four systems of Rackauckas et al., *A comparison of automatic differentiation and continuous
sensitivity analysis for derivatives of differential equation solutions* (2018, table 1), with the
parameters of the code published with it (SciML's benchmarks): Lotka & Volterra (3 parameters), a
Brusselator on a square (four parameters in every point), pollution (25) and pharmacokinetics with a
dose every 24 hours (14).  Their discrete sensitivities are 5.6, 6.0, 2.4 and 7.5 times as fast as
central differences, two solutions for each parameter, as here.  Both are whole calls, as theirs
are, from fun to the derivatives at the end, with their tolerances, 1e-7 relative and 1e-5 absolute.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from taylor import TaylorN
from taylor.ode import solve_ivp

Array = Any
SIDE = 4  # of the grid of the Brusselator
K = np.array([
    0.35, 26.6, 1.23e4, 8.6e-4, 8.2e-4, 1.5e4, 1.3e-4, 2.4e4, 1.65e4, 9e3, 0.022, 1.2e4, 1.88,
    1.63e4, 4.8e6, 3.5e-4, 0.0175, 1e8, 4.44e11, 1240, 2.1, 5.78, 0.0474, 1780, 3.12,
])  # fmt: skip
# of each reaction: its species (the last one is 1), what it consumes and what it makes
REACTIONS = [
    ((0, 20), (0,), (1, 2)), ((1, 3), (1, 3), (0,)), ((4, 1), (1, 4), (0, 5)),
    ((6, 20), (6,), (4, 4, 7)), ((6, 20), (6,), (7,)), ((6, 5), (6, 5), (7, 4)),
    ((8, 20), (8,), (4, 9, 7)), ((8, 5), (8, 5), (10,)), ((10, 1), (10, 1), (9, 0, 11)),
    ((10, 0), (10, 0), (12,)), ((12, 20), (12,), (10, 0)), ((9, 1), (9, 1), (13, 0)),
    ((13, 20), (13,), (6, 4)), ((0, 5), (0, 5), (14,)), ((2, 20), (2,), (3,)),
    ((3, 20), (3,), (15,)), ((3, 20), (3,), (2,)), ((15, 20), (15,), (5, 5)),
    ((15, 20), (15,), (2,)), ((16, 5), (16, 5), (17, 4)), ((18, 20), (18,), (1,)),
    ((18, 20), (18,), (0, 2)), ((0, 3), (0, 3), (18,)), ((18, 0), (18, 0), (19,)),
    ((19, 20), (19,), (18, 0)),
]  # fmt: skip
FIRST, SECOND = np.array([r[0] for r in REACTIONS]).T
MADE = np.zeros((20, 25))
for number, (_, consumed, made) in enumerate(REACTIONS):
    np.add.at(MADE, (list(consumed), number), -1)
    np.add.at(MADE, (list(made), number), 1)


def lotka_volterra(t: Any, y: Any, p: Any) -> Any:
    """Return the rates of prey and predators."""
    return [p[0] * y[0] - p[1] * y[0] * y[1], -p[2] * y[1] + y[0] * y[1]]


def brusselator(t: Any, y: Any, p: Any) -> Any:
    """Return the rates on a periodic grid; p has the two rates and the diffusions of each point."""
    a, b, alpha, beta = p.reshape(4, SIDE, SIDE)
    u, v = y.reshape(2, SIDE, SIDE)

    def spread(w: Any) -> Any:
        around = sum(np.roll(w, s, axis) for s in (1, -1) for axis in (0, 1))
        return (around - 4 * w) * (SIDE - 1) ** 2

    du = b + u * u * v - (a + 1) * u + alpha * spread(u)
    dv = a * u - u * u * v + beta * spread(v)
    return np.reshape(np.stack([du, dv]), -1)


def pollution(t: Any, y: Any, p: Any) -> Any:
    """Return the rates of 20 species (Verwer, SIAM J. Sci. Comput. 15, 1994)."""
    with_one = np.concatenate([y, [1.0]])
    return MADE @ (p * with_one[FIRST] * with_one[SECOND])


def pharmacokinetics(t: Any, y: Any, p: Any) -> Any:
    """Return the rates of depot, centre, two peripheries and response."""
    ka, cl, vc, q, vp, kin, kout, ic50, imax, gamma, vmax, km, q2, vp2 = p
    depot, centre, near, far, response = y
    c = centre / vc
    to_near, to_far = q * (c - near / vp), q2 * (c - far / vp2)
    inhibited = imax * c**gamma / (ic50**gamma + c**gamma)
    return [
        -ka * depot, ka * depot - (cl + vmax / (km + c)) * c - to_near - to_far, to_near, to_far,
        kin * (1 - inhibited) - kout * response,
    ]  # fmt: skip


def grid() -> Array:
    """Return the initial values of the Brusselator."""
    x = np.linspace(0, 1, SIDE)
    u, v = 22 * (x * (1 - x)) ** 1.5, 27 * (x * (1 - x)) ** 1.5
    return np.concatenate([np.tile(u[:, None], SIDE).ravel(), np.tile(v, SIDE)])


POLLUTED = np.zeros(20)
POLLUTED[[1, 3, 6, 7, 8, 16]] = 0.2, 0.04, 0.1, 0.3, 0.01, 0.007
RATES = np.repeat([3.4, 1.0, 10.0, 10.0], SIDE**2)
DOSE = [100.0, 1e-6, 1e-6, 1e-6, 5.0]  # powers of the concentration have no slope at zero
DRUG = np.array([1.0, 1, 20, 2, 10, 10, 2, 2, 1, 1, 0, 2, 0.5, 100])
PREY = np.array([1.5, 1.0, 3.0])
# name: fun, end, y0, p, the ratio of the paper, methods
TABLE: dict[str, tuple[Callable[..., Any], float, Any, Array, float, list[str]]] = {
    "LV": (lotka_volterra, 10.0, [1.0, 1.0], PREY, 5.6, ["Taylor", "RadauIIA", "DOP853"]),
    "BRUSS": (brusselator, 1.0, grid(), RATES, 6.0, ["RadauIIA", "LSODA"]),
    "POLLU": (pollution, 60.0, POLLUTED, K, 2.4, ["RadauIIA", "Radau"]),
    "PKPD": (pharmacokinetics, 240.0, DOSE, DRUG, 7.5, ["Taylor", "RadauIIA"]),
}


def best(f: Callable[[], Any], least: int = 3, enough: float = 0.5) -> tuple[float, Any]:
    """Return the least time of some calls, in seconds of this process, and the last result."""
    f()  # compiles
    times: list[float] = []
    while len(times) < least or sum(times) < enough:
        start = time.process_time()
        found = f()
        times.append(time.process_time() - start)
    return min(times), found


def final(name: str, method: str, p: Any) -> Any:
    """Return the final state."""
    fun, end, y0, *_ = TABLE[name]
    given: dict[str, Any] = {"method": method, "rtol": 1e-7, "atol": 1e-5}
    if name == "PKPD":
        times = np.arange(24.0, end, 24.0)
        given["dosing"] = times, np.tile([100.0, 0, 0, 0, 0], (len(times), 1))
    return solve_ivp(fun, (0.0, end), y0, args=(p,), t_eval=[end], **given).y[:, -1]


def measured(name: str, method: str) -> tuple[float, float, float]:
    """Return the times of exact sensitivities and of differences, and how far these are apart."""
    p = TABLE[name][3]
    steps = 1e-4 * np.where(p == 0, 1.0, np.abs(p))

    def differences() -> Array:
        columns = []
        for i, h in enumerate(steps):
            up, down = p.copy(), p.copy()
            up[i], down[i] = p[i] + h, p[i] - h
            columns.append((final(name, method, up) - final(name, method, down)) / (2 * h))
        return np.stack(columns, axis=-1)

    exact, found = best(lambda: final(name, method, TaylorN.seeded(p, 1)).gradient())
    numerical, other = best(differences, 1)
    scale = np.where(p == 0, 1.0, p)
    off = np.abs((found - other) * scale).max() / np.abs(found * scale).max()
    return exact, numerical, float(off)


def main() -> None:
    """Print the table."""
    print("              exact (ms)  differences (ms)  ratio  published  largest difference")
    for name, (*_, published, methods) in TABLE.items():
        for method in methods:
            exact, numerical, off = measured(name, method)
            print(
                f"{name:6}{method:8}{exact * 1e3:10.2f}{numerical * 1e3:18.1f}"
                f"{numerical / exact:7.1f}{published:11.1f}{off:20.0e}"
            )


if __name__ == "__main__":
    main()
