"""numdifftools: extrapolated differences of the plain function."""

from __future__ import annotations

import math
from typing import Any

import numdifftools
import numpy as np

from benchmarks.namespace import NAMESPACE
from benchmarks.peers import Prepared
from benchmarks.workloads import POINT, SCALAR, Task, direction, problem

ORDER = 5  # nothing is left of the digits of a tenth derivative
LARGE = 50


def prepare(task: Task) -> Prepared:
    """Return (call, read) of a task."""
    if task.workload == "W1" and task.sizes[0] <= ORDER:
        return _series(task)
    if task.workload != "W4" or task.function == "GMM" or task.sizes[0] > LARGE:
        return None
    f, x = problem(task, NAMESPACE)
    v = direction(len(x))
    if task.what == "f":
        return lambda: f(x), lambda y: [[float(y)]]
    if task.what == "gradient":
        gradient = numdifftools.Gradient(f)
        return lambda: gradient(x), lambda g: [[float(np.atleast_1d(g) @ v)]]
    if task.what == "Hessian":
        hessian = numdifftools.Hessian(f)
        return lambda: hessian(x), lambda h: [[float(v @ h @ v)]]
    return None


def _series(task: Task) -> Prepared:
    def f(x: Any) -> Any:
        return SCALAR[task.function](x, np)

    made = [numdifftools.Derivative(f, n=k) for k in range(1, task.sizes[0] + 1)]

    def call() -> list[Any]:
        return [f(POINT), *(d(POINT) / math.factorial(k) for k, d in enumerate(made, 1))]

    return call, lambda c: [[float(v) for v in c]]
