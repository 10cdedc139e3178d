"""Exact sensitivities and numerical differences of solutions, by one method in one run, as ratios.

The four systems of Rackauckas et al., *A comparison of automatic differentiation and continuous
sensitivity analysis for derivatives of differential equation solutions* (2018, table 1): Lotka &
Volterra (4 parameters), a Brusselator on a square (its two rates and its diffusion in every point),
pollution (25) and pharmacokinetics (5).  Their discrete sensitivities are 5.6, 6.0, 2.4 and 7.5
times as fast as numerical differences.  The differences are central: two solutions for each
parameter.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from taylor import TaylorN
from taylor.ode import solve_ivp
from taylor.ode.jets import Plain
from taylor.ode.options import Options

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
    ((8, 20), (8,), (4, 9)), ((8, 5), (8, 5), (10,)), ((10, 1), (10, 1), (9, 0, 11)),
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
    return [p[0] * y[0] - p[1] * y[0] * y[1], -p[2] * y[1] + p[3] * y[0] * y[1]]


def brusselator(t: Any, y: Any, p: Any) -> Any:
    """Return the rates on a periodic grid; p has the two rates and the diffusion of each point."""
    a, b, alpha = p.reshape(3, SIDE, SIDE)
    u, v = y.reshape(2, SIDE, SIDE)

    def spread(w: Any) -> Any:
        around = sum(np.roll(w, s, axis) for s in (1, -1) for axis in (0, 1))
        return alpha * (around - 4 * w) * (SIDE - 1) ** 2

    du = b + u * u * v - (a + 1) * u + spread(u)
    dv = a * u - u * u * v + spread(v)
    return np.reshape(np.stack([du, dv]), -1)


def pollution(t: Any, y: Any, p: Any) -> Any:
    """Return the rates of 20 species (Verwer, SIAM J. Sci. Comput. 15, 1994)."""
    with_one = np.concatenate([y, [1.0]])
    return MADE @ (p * with_one[FIRST] * with_one[SECOND])


def pharmacokinetics(t: Any, y: Any, p: Any) -> Any:
    """Return the rates of depot, centre, periphery and response."""
    ka, cl, vc, q, kout = p
    depot, centre, periphery, response = y
    flow = q * (centre / vc - periphery / 40.0)
    rate = ka * depot - cl * centre / vc - flow
    inhibited = 1 - centre / vc / (2.0 + centre / vc)
    return [-ka * depot, rate, flow, 10.0 * inhibited - kout * response]


def grid() -> Array:
    """Return the initial values of the Brusselator."""
    x = np.linspace(0, 1, SIDE)
    u, v = 22 * (x * (1 - x)) ** 1.5, 27 * (x * (1 - x)) ** 1.5
    return np.concatenate([np.tile(u[:, None], SIDE).ravel(), np.tile(v, SIDE)])


POLLUTED = np.zeros(20)
POLLUTED[[1, 3, 6, 7, 8, 16]] = 0.2, 0.04, 0.1, 0.3, 0.01, 0.007
RATES = np.repeat([3.4, 1.0, 0.1], SIDE**2)
DOSE, DRUG = [100.0, 0.0, 0.0, 1.0], np.array([1.0, 1.0, 20.0, 2.0, 2.0])
PREY = np.array([1.5, 1.0, 3.0, 1.0])
# (name, method): (fun, end, y0, p, the ratio of the paper)
TABLE: dict[tuple[str, str], tuple[Callable[..., Any], float, Any, Array, float]] = {
    ("LV", "Taylor"): (lotka_volterra, 10.0, [1.0, 1.0], PREY, 5.6),
    ("LV", "DOP853"): (lotka_volterra, 10.0, [1.0, 1.0], PREY, 5.6),
    ("BRUSS", "LSODA"): (brusselator, 2.0, grid(), RATES, 6.0),
    ("POLLU", "Radau"): (pollution, 60.0, POLLUTED, K, 2.4),
    ("PKPD", "Taylor"): (pharmacokinetics, 50.0, DOSE, DRUG, 7.5),
    ("PKPD", "Radau"): (pharmacokinetics, 50.0, DOSE, DRUG, 7.5),
}


def best(f: Callable[[], Any], runs: int = 3) -> tuple[float, Any]:
    """Return the least time of some calls, in seconds of this process, and the last result."""
    f()  # compiles
    times, found = [], None
    for _ in range(runs):
        start = time.process_time()
        found = f()
        times.append(time.process_time() - start)
    return min(times), found


def solved(name: tuple[str, str], p: Any) -> Callable[[Any], Any]:
    """Return the final state as a function of parameters like p: the code is made here."""
    fun, end, y0, *_ = TABLE[name]
    if name[1] != "Taylor":
        given = {"method": name[1], "rtol": 1e-6, "atol": 1e-10, "t_eval": [end]}
        return lambda p: solve_ivp(fun, (0.0, end), y0, args=(p,), **given).y[:, -1]
    system = Plain(fun, np.array(y0), (p,))
    it = system.integrator(0.0, Options())

    def final(p: Any) -> Any:
        it.set_state(0.0, system.y0)
        it.args = Plain(fun, np.array(y0), (p,)).args
        return system.series(it.propagate_until(end))

    return final


def measured(name: tuple[str, str]) -> tuple[float, float, float]:
    """Return the times of exact sensitivities and of differences, and how far these are apart."""
    p = TABLE[name][3]
    with_derivatives, final = solved(name, TaylorN.seeded(p, 1)), solved(name, p)

    def differences() -> Array:
        columns = []
        for i in range(len(p)):
            up, down = p.copy(), p.copy()
            up[i], down[i] = p[i] * (1 + 1e-5), p[i] * (1 - 1e-5)
            columns.append((final(up) - final(down)) / (up[i] - down[i]))
        return np.stack(columns, axis=-1)

    seeded = TaylorN.seeded(p, 1)
    exact, found = best(lambda: with_derivatives(seeded).gradient())
    numerical, other = best(differences, 2)
    off = np.abs((found - other) * p).max() / np.abs(found * p).max()
    return exact, numerical, float(off)


def main() -> None:
    """Print the table."""
    print("              exact (ms)  differences (ms)  ratio  published  largest difference")
    for (name, method), (*_, published) in TABLE.items():
        exact, numerical, off = measured((name, method))
        print(
            f"{name:6}{method:8}{exact * 1e3:10.2f}{numerical * 1e3:18.1f}{numerical / exact:7.1f}"
            f"{published:11.1f}{off:20.0e}"
        )


if __name__ == "__main__":
    main()
