"""This package without `compile`: series as numbers, gradients recorded with every call."""

from __future__ import annotations

import numpy as np

import taylor
from benchmarks.namespace import NAMESPACE
from benchmarks.peers import Prepared
from benchmarks.peers.compiled import coefficients, derivatives
from benchmarks.workloads import SCALAR, Task, problem


def prepare(task: Task) -> Prepared:
    """Return (call, read) of a task."""
    if task.workload in ("W1", "W2"):
        f = SCALAR[task.function]
        return coefficients(task, lambda x, k: f(taylor.Taylor.variable(x, k), np).coef)
    if task.workload == "W4":
        return derivatives(task, *problem(task, NAMESPACE))
    return None
