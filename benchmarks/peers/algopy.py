"""AlgoPy: univariate series of arrays (UTPM), and reverse mode on a recorded graph."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import algopy
import numpy as np

from benchmarks.peers import Prepared
from benchmarks.workloads import POINT, SCALAR, Task, direction, points, problem, sample

NAMESPACE = SimpleNamespace(sum=algopy.sum, dot=algopy.dot, log=algopy.log)


def prepare(task: Task) -> Prepared:
    """Return (call, read) of a task."""
    if task.workload in ("W1", "W2"):
        order = task.sizes[-1]
        x = np.array([POINT]) if task.workload == "W1" else points(task.sizes[0])
        data = np.zeros((order + 1, 1, len(x)))
        data[0], data[1] = x, 1.0
        t, f = algopy.UTPM(data), SCALAR[task.function]
        places = [0] if task.workload == "W1" else sample(len(x))
        return lambda: f(t, algopy), lambda y: y.data[:, 0, places].T.tolist()
    return _problem(task) if task.workload == "W4" and task.function != "GMM" else None


def _problem(task: Task) -> Prepared:
    f, x = problem(task, NAMESPACE)
    v = direction(len(x))
    if task.what == "f":
        return lambda: f(x), lambda y: [[float(y)]]
    graph: Any = algopy.CGraph()
    given = algopy.Function(x)
    graph.independentFunctionList = [given]
    graph.dependentFunctionList = [f(given)]
    if task.what == "gradient":
        return lambda: graph.gradient(x), lambda g: [[float(g @ v)]]
    if task.what == "H·v":
        return lambda: graph.hess_vec(x, v), lambda y: [[float(y @ v)]]
    if len(x) > 100:
        return None
    return lambda: graph.hessian(x), lambda h: [[float(v @ h @ v)]]
