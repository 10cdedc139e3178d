"""autograd: reverse mode, nested where it is asked for more; series by nesting at low orders."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import autograd
import autograd.numpy as np
from autograd.scipy.special import logsumexp

from benchmarks.peers import Prepared
from benchmarks.workloads import POINT, SCALAR, Task, direction, problem

ORDER = 5  # every derivative more doubles the work, at least
LARGE = 100
NAMESPACE = SimpleNamespace(
    **{name: getattr(np, name) for name in ("exp", "log", "sum", "dot", "reshape")},
    concatenate=np.concatenate,
    einsum=np.einsum,
    logsumexp=logsumexp,
)


def prepare(task: Task) -> Prepared:
    """Return (call, read) of a task."""
    if task.workload == "W1" and task.sizes[0] <= ORDER and task.function != "60":
        return _series(task)
    if task.workload != "W4":
        return None
    f, x = problem(task, NAMESPACE)
    v = direction(len(x))
    if task.what == "f":
        return lambda: f(x), lambda y: [[float(y)]]
    if task.what == "gradient":
        gradient = autograd.grad(f)
        return lambda: gradient(x), lambda g: [[float(g @ v)]]
    if task.what == "H·v":
        product = autograd.hessian_vector_product(f)
        return lambda: product(x, v), lambda y: [[float(y @ v)]]
    if len(x) > LARGE:
        return None
    hessian = autograd.hessian(f)
    return lambda: hessian(x), lambda h: [[float(v @ h @ v)]]


def _series(task: Task) -> Prepared:
    derivatives = [lambda x: SCALAR[task.function](x, np)]
    for _ in range(task.sizes[0]):
        derivatives.append(autograd.grad(derivatives[-1]))

    def call() -> list[Any]:
        return [d(POINT) / math.factorial(k) for k, d in enumerate(derivatives)]

    return call, lambda c: [[float(v) for v in c]]
