"""Stiff problems by RadauIIA and by SciPy's Radau: time, and the error at the end, in one run.

Five problems of Mazzia & Magherini, *Test Set for IVP Solvers* (release 2.4, 2008), whose final
states are known to 16 digits, at `rtol` as printed and `atol` a millionth of it.  SciPy's method
runs twice: as `method="Radau"` here, with fun and Jacobian as machine code, and as SciPy alone.
The error is the largest |y - reference|/(|reference| + 1e-6) of the final state.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate

from benchmarks.ode_sensitivities import POLLUTED, K, pollution
from taylor.ode import solve_ivp

Array = Any
TOLERANCES = (1e-8, 1e-10, 1e-12)
ENOUGH = 0.2  # seconds of calls of which the least counts


def hires(t: Any, y: Any) -> Any:
    """Return the rates of 8 species (Schäfer, J. Theor. Biol. 54, 1975)."""
    a, b, c, d, e, f, g, h = y
    r = 280.0 * f * h
    return [
        -1.71 * a + 0.43 * b + 8.32 * c + 0.0007, 1.71 * a - 8.75 * b,
        -10.03 * c + 0.43 * d + 0.035 * e, 8.32 * b + 1.71 * c - 1.12 * d,
        -1.745 * e + 0.43 * f + 0.43 * g, -r + 0.69 * d + 1.71 * e - 0.43 * f + 0.69 * g,
        r - 1.81 * g, -r + 1.81 * g,
    ]  # fmt: skip


def robertson(t: Any, y: Any) -> Any:
    """Return the rates of three species."""
    a, b, c = 0.04 * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
    return [-a + b, a - b - c, c]


def van_der_pol(t: Any, y: Any) -> Any:
    """Return the rates of the oscillator of parameter 1000, in times of 1000."""
    return [y[1], ((1 - y[0] ** 2) * y[1] - y[0]) / 1e-6]


def oregonator(t: Any, y: Any) -> Any:
    """Return the rates of three species."""
    a, b, c = y
    return [77.27 * (b + a * (1 - 8.375e-6 * a - b)), (c - (1 + a) * b) / 77.27, 0.161 * (a - c)]


def pollu(t: Any, y: Any) -> Any:
    """Return the rates of 20 species."""
    return pollution(t, y, K)


# name: fun, end, y0, y there
PROBLEMS: dict[str, tuple[Callable[..., Any], float, Any, Array]] = {
    "HIRES": (
        hires, 321.8122, [1.0, 0, 0, 0, 0, 0, 0, 0.0057],
        [7.371312573325668e-4, 1.442485726316185e-4, 5.888729740967575e-5, 1.175651343283149e-3,
         2.386356198831331e-3, 6.238968252742796e-3, 2.849998395185769e-3, 2.850001604814231e-3],
    ),
    "Robertson": (
        robertson, 1e11, [1.0, 0.0, 0.0],
        [2.083340149701255e-8, 8.333360770334713e-14, 0.9999999791665050],
    ),
    "VdP1000": (van_der_pol, 2.0, [2.0, 0.0], [1.706167732170483, -0.8928097010247975]),
    "OREGO": (
        oregonator, 360.0, [1.0, 2.0, 3.0],
        [1.000814870318523, 1228.178521549917, 132.0554942846706],
    ),
    "POLLU": (
        pollu, 60.0, POLLUTED,
        [5.646255480022769e-2, 0.1342484130422339, 4.139734331099427e-9, 5.523140207484359e-3,
         2.018977262302196e-7, 1.464541863493966e-7, 7.784249118997964e-2, 0.3245075353396018,
         7.494013383880406e-3, 1.622293157301561e-8, 1.135863833257075e-8, 2.230505975721359e-3,
         2.087162882798630e-4, 1.396921016840158e-5, 8.964884856898295e-3, 4.352846369330103e-18,
         6.899219696263405e-3, 1.007803037365946e-4, 1.772146513969984e-6, 5.682943292316392e-5],
    ),
}  # fmt: skip
METHODS: dict[str, Callable[..., Any]] = {
    "RadauIIA": lambda *given, **tol: solve_ivp(*given, method="RadauIIA", **tol),
    "Radau": lambda *given, **tol: solve_ivp(*given, method="Radau", **tol),
    "SciPy alone": lambda *given, **tol: scipy.integrate.solve_ivp(*given, method="Radau", **tol),
}


def measured(
    name: str, method: str, rtol: float, enough: float = ENOUGH
) -> tuple[float, float, int]:
    """Return the least time of some calls, the error at the end, and the number of steps."""
    fun, end, y0, reference = PROBLEMS[name]

    def run() -> Any:
        return METHODS[method](fun, (0.0, end), y0, rtol=rtol, atol=1e-6 * rtol)

    if method != "SciPy alone":
        solve_ivp(fun, (0.0, 1e-9 * end), y0, method=method, rtol=rtol)  # makes code and tables
    times: list[float] = []
    while not times or sum(times) < enough:
        start = time.process_time()
        r = run()
        times.append(time.process_time() - start)
    assert r.success, r.message
    off = np.abs(r.y[:, -1] - reference) / (np.abs(reference) + 1e-6)
    return min(times), float(off.max()), len(r.t) - 1


def main() -> None:
    """Print the table in Markdown."""
    print("| problem, `rtol` |" + "".join(f" {m}: ms, error, steps |" for m in METHODS))
    print("|---|" + "---|" * len(METHODS))
    for name in PROBLEMS:
        for rtol in TOLERANCES:
            found = [measured(name, method, rtol) for method in METHODS]
            cells = [f" {1e3 * s:.0f}, {off:.0e}, {steps} |" for s, off, steps in found]
            print(f"| {name}, {rtol:.0e} |" + "".join(cells), flush=True)


if __name__ == "__main__":
    main()
