"""GTPSA, the engine of MAD-NG, through madng-tpsa: truncated power series up to order 63."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from madng_tpsa import Descriptor

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

HIGHEST = 63
NAMES = ("sin", "cos", "exp", "log", "sqrt")
NAMESPACE = SimpleNamespace(**{n: lambda v, n=n: getattr(v, n)() for n in NAMES})


def prepare(task: Task) -> Prepared:
    """Return (call, read) of a task."""
    order = task.sizes[-1] if task.sizes else 0
    if task.workload not in ("W1", "W2", "W3") or order > HIGHEST:
        return None
    if task.workload == "W3":
        n = task.sizes[0]
        space = Descriptor(n, order)
        z = dense([space.var(i + 1, x) for i, x in enumerate(start(n))], NAMESPACE)
        f = POLYNOMIAL[task.function]
        return lambda: f(z, NAMESPACE), lambda y: [_along(y, order)]
    g, space = SCALAR[task.function], Descriptor(1, order)

    def coefficients(y: Any) -> list[float]:
        return [y.get([k]) for k in range(order + 1)]

    if task.workload == "W1":
        t = space.var(1, POINT)
        return lambda: g(t, NAMESPACE), lambda y: [coefficients(y)]
    n = task.sizes[0]
    if n > 1000:
        return None  # seconds of the same loop
    x = points(n).tolist()
    return (
        lambda: [g(space.var(1, a), NAMESPACE) for a in x],
        lambda found: [coefficients(found[i]) for i in sample(n)],
    )


def _along(y: Any, order: int) -> list[float]:
    terms = y.monomial_coeffs(0.0)
    return restrict(np.array(list(terms)), np.array(list(terms.values())), order)
