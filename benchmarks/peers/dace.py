"""DACE through daceypy: differential algebra, point after point."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from daceypy import DA

from benchmarks.peers import Prepared
from benchmarks.workloads import (
    POINT,
    POLYNOMIAL,
    SCALAR,
    Task,
    dense,
    points,
    restrict,
    sample,
    start,
)

NAMES = ("sin", "cos", "exp", "log", "sqrt")
NAMESPACE = SimpleNamespace(**{n: lambda v, n=n: getattr(v, n)() for n in NAMES})


def prepare(task: Task) -> Prepared:
    """Return (call, read) of a task."""
    if task.workload == "W3":
        n, order = task.sizes
        DA.init(order, n)
        z = dense([DA(i + 1) + x for i, x in enumerate(start(n))], NAMESPACE)
        f = POLYNOMIAL[task.function]
        return lambda: f(z, NAMESPACE), lambda y: [_along(y, order)]
    if task.workload not in ("W1", "W2"):
        return None
    g, order = SCALAR[task.function], task.sizes[-1]
    DA.init(order, 1)

    def coefficients(y: Any) -> list[float]:
        return [y.getCoefficient([k]) for k in range(order + 1)]

    if task.workload == "W1":
        t = DA(1) + POINT
        return lambda: g(t, NAMESPACE), lambda y: [coefficients(y)]
    n = task.sizes[0]
    if n > 1000:
        return None  # seconds of the same loop
    x, t = points(n).tolist(), DA(1)
    return (
        lambda: [g(t + a, NAMESPACE) for a in x],
        lambda found: [coefficients(found[i]) for i in sample(n)],
    )


def _along(y: Any, order: int) -> list[float]:
    terms = y.getMonomials()
    powers = np.array([list(term.m_jj) for term in terms])
    return restrict(powers, np.array([term.m_coeff.value for term in terms]), order)
