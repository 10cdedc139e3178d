"""FLINT through python-flint: ball series of 53 bits, point after point."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import flint

from benchmarks.peers import Prepared
from benchmarks.workloads import POINT, SCALAR, Task, points, sample

NAMES = ("sin", "cos", "exp", "log", "sqrt")
NAMESPACE = SimpleNamespace(**{n: lambda v, n=n: getattr(v, n)() for n in NAMES})


def prepare(task: Task) -> Prepared:
    """Return (call, read) of a task."""
    if task.workload not in ("W1", "W2") or task.sizes[0] > 1000:
        return None
    g, order = SCALAR[task.function], task.sizes[-1]
    flint.ctx.cap, flint.ctx.prec = order + 1, 53

    def coefficients(y: Any) -> list[float]:
        return [float(y[k].mid()) for k in range(order + 1)]

    if task.workload == "W1":
        t = flint.arb_series([POINT, 1])
        return lambda: g(t, NAMESPACE), lambda y: [coefficients(y)]
    n = task.sizes[0]
    x = points(n).tolist()
    return (
        lambda: [g(flint.arb_series([a, 1]), NAMESPACE) for a in x],
        lambda found: [coefficients(found[i]) for i in sample(n)],
    )
