"""num-dual: generalised dual numbers of Rust, one Python object for each number."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import num_dual
import numpy as np

from benchmarks.peers import Prepared
from benchmarks.workloads import Task, direction, problem

NAMESPACE = SimpleNamespace(
    sum=np.sum,
    dot=np.dot,
    log=np.frompyfunc(lambda v: np.log(v) if type(v) is float else v.log(), 1, 1),
)


def prepare(task: Task) -> Prepared:
    """Return (call, read) of a task."""
    if task.workload != "W4" or task.function == "GMM" or task.sizes[0] > 100:
        return None
    f, x = problem(task, NAMESPACE)
    v, given = direction(len(x)), x.tolist()

    def g(numbers: Any) -> Any:
        return f(np.array(numbers, dtype=object))

    if task.what == "f":
        return lambda: g(given), lambda y: [[float(y)]]
    if task.what == "gradient":
        return lambda: num_dual.gradient(g, given), lambda y: [[float(np.dot(y[1], v))]]
    if task.what == "Hessian":
        return lambda: num_dual.hessian(g, given), lambda y: [[float(v @ np.array(y[2]) @ v)]]
    return None
