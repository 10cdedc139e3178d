"""Series at one point: this package and its peers on the same work, each in a process of its own.

Workloads: eager arithmetic of order 20 (a product, exp, sin, a quotient), the Taylor coefficients
of a function of 60 operations (W1) with its compile time, and dense polynomials in 4 variables of
order 10 (W3).  The coefficients are compared with the same computation in mpmath at 50 digits.  A
peer that is not installed is skipped.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

ORDER = 20
POINT = 0.5
STEPS = 5


def sixty(x: Any, sin: Any, cos: Any, exp: Any, sqrt: Any) -> Any:
    """Return the value of a function of about 60 operations."""
    y = x
    for i in range(STEPS):
        s, e = sin(y + 0.1 * i), exp(-0.3 * (y * y))
        q = sqrt(1.0 + s * s)
        y = (s * e + cos(y)) / (1.5 + q * q)
    return y


def best(f: Callable[[], Any], seconds: float = 0.3) -> float:
    """Return the least time of f in microseconds."""
    f()
    least, end = 1e9, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        f()
        least = min(least, time.perf_counter() - start)
    return least * 1e6


def eager(t: Any, exp: Any, sin: Any) -> dict[str, float]:
    """Return the times of four operations on a series."""
    u = exp(t) + 0.3
    return {
        "x * y": best(lambda: u * t),
        "exp": best(lambda: exp(u)),
        "sin": best(lambda: sin(u)),
        "x / y": best(lambda: t / u),
    }


def multivariate(variables: Any, exp: Any, sin: Any) -> dict[str, float]:
    """Return the times of a product and of exp(sin(·)) of dense polynomials."""
    z = 0.4
    for i, x in enumerate(variables):
        z = z + 0.1 * (i + 1) * x
    z = exp(sin(z * z + z))
    return {"n = 4, order 10: x * y": best(lambda: z * z), "exp(sin)": best(lambda: exp(sin(z)))}


# ------------------------------------------------------------------ the peers
def with_taylor() -> dict[str, Any]:
    """Measure this package."""
    import numpy as np

    import taylor

    def f(x: Any) -> Any:
        return sixty(x, np.sin, np.cos, np.exp, np.sqrt)

    t = taylor.Taylor.variable(POINT, ORDER)
    compiled = taylor.compile(f)
    start = time.perf_counter()
    c = taylor.taylor_coefficients(compiled, POINT, ORDER)
    first = time.perf_counter() - start
    return {
        **eager(t, np.exp, np.sin),
        **multivariate(taylor.TaylorN.variables([0.1, 0.2, 0.3, 0.4], 10), np.exp, np.sin),
        "f60 eager": best(lambda: f(t)),
        "f60 compiled": best(lambda: taylor.taylor_coefficients(compiled, POINT, ORDER)),
        "f60 order 100": best(lambda: taylor.taylor_coefficients(compiled, POINT, 100)),
        "compile": first * 1e6,
        "coefficients": [float(v) for v in c],
    }


def with_heyoka() -> dict[str, Any]:
    """Measure heyoka: the coefficients of z' = f(x), x' = 1 in one step of its integrator."""
    import heyoka as hy

    x, z = hy.make_vars("x", "z")
    system = [(x, hy.expression(1.0)), (z, sixty(x, hy.sin, hy.cos, hy.exp, hy.sqrt))]
    out: dict[str, Any] = {}
    for tol, mode, name in ((1e-16, False, "f60 compiled"), (1e-86, True, "f60 order 100")):
        start = time.perf_counter()
        step = hy.taylor_adaptive(system, [POINT, 0.0], tol=tol, compact_mode=mode)
        took = (time.perf_counter() - start) * 1e6

        def run(step: Any = step) -> Any:
            step.time, step.state[0], step.state[1] = 0.0, POINT, 0.0
            step.step(write_tc=True)
            return step

        run()
        out[name] = best(run)
        if not mode:
            out["compile"] = took
            c = [float(v) for v in step.tc[1]]
            out["coefficients"] = [k * v for k, v in enumerate(c)][1 : ORDER + 2]
    return out


def with_dace() -> dict[str, Any]:
    """Measure DACE through daceypy."""
    from daceypy import DA

    DA.init(ORDER, 1)
    t = DA(1) + POINT
    times = eager(t, lambda v: v.exp(), lambda v: v.sin())

    def f() -> Any:
        return sixty(t, lambda v: v.sin(), lambda v: v.cos(), lambda v: v.exp(), lambda v: v.sqrt())

    y = f()
    coefficients = [y.getCoefficient([k]) for k in range(ORDER + 1)]
    times["f60 eager"] = best(f)
    DA.init(10, 4)
    variables = [DA(i + 1) + 0.1 * (i + 1) for i in range(4)]
    times |= multivariate(variables, lambda v: v.exp(), lambda v: v.sin())
    return {**times, "coefficients": coefficients}


def with_flint() -> dict[str, Any]:
    """Measure FLINT's ball series at 53 bits."""
    import flint

    flint.ctx.cap, flint.ctx.prec = ORDER + 1, 53
    t = flint.arb_series([POINT, 1])
    times = eager(t, lambda v: v.exp(), lambda v: v.sin())

    def f() -> Any:
        return sixty(t, lambda v: v.sin(), lambda v: v.cos(), lambda v: v.exp(), lambda v: v.sqrt())

    y = f()
    return {
        **times,
        "f60 eager": best(f),
        "coefficients": [float(y[k].mid()) for k in range(ORDER + 1)],
    }


def with_algopy() -> dict[str, Any]:
    """Measure AlgoPy."""
    import algopy
    import numpy as np

    data = np.zeros((ORDER + 1, 1))
    data[0], data[1] = POINT, 1.0
    t = algopy.UTPM(data)
    y = sixty(t, algopy.sin, algopy.cos, algopy.exp, algopy.sqrt)
    return {
        **eager(t, algopy.exp, algopy.sin),
        "f60 eager": best(lambda: sixty(t, algopy.sin, algopy.cos, algopy.exp, algopy.sqrt)),
        "coefficients": [float(v) for v in y.data[:, 0]],
    }


PEERS: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "taylor": ("taylor", with_taylor),
    "heyoka": ("heyoka", with_heyoka),
    "DACE": ("daceypy", with_dace),
    "FLINT": ("flint", with_flint),
    "AlgoPy": ("algopy", with_algopy),
}


def reference() -> list[float]:
    """Return the coefficients at 50 digits."""
    import mpmath

    import taylor

    with mpmath.workdps(50):
        c = taylor.taylor_coefficients(
            lambda x: sixty(x, taylor.sin, taylor.cos, taylor.exp, taylor.sqrt),
            mpmath.mpf(POINT),
            ORDER,
        )
        return [float(v) for v in c]


def main() -> None:
    """Print the table of times, as ratios to this package's."""
    wanted = reference()
    found: dict[str, dict[str, Any]] = {}
    for name in PEERS:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.peers", name],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            print(f"{name} skipped: {done.stderr.strip().splitlines()[-1][:90]}")
            continue
        found[name] = json.loads(done.stdout)
        c = found[name].pop("coefficients")
        scale = max(map(abs, wanted))
        error = max(abs(a - b) for a, b in zip(c, wanted, strict=False)) / scale
        print(f"{name:8} coefficients against 50 digits: {error:.0e} of the largest")
    ours = found["taylor"]
    print(f"\n{'us (ratio to taylor)':22}" + "".join(f"{name:>18}" for name in found))
    for row in ours:
        cells = ""
        for times in found.values():
            cell = f"{times[row]:.2f} ({times[row] / ours[row]:.1f})" if row in times else "-"
            cells += f"{cell:>18}"
        print(f"{row:22}{cells}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(PEERS[sys.argv[1]][1]()))
    else:
        main()
