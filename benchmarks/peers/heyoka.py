"""heyoka: its Taylor integrator for series, compiled derivatives (`diff_tensors`) for the rest.

The coefficients of f are those of z in x' = 1, z' = f(x), one degree higher; at low orders compiled
symbolic derivatives are faster.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import heyoka as hy
import numpy as np

from benchmarks.peers import Prepared
from benchmarks.workloads import POINT, SCALAR, Task, direction, points, problem, sample

SYMBOLIC = 5  # order up to which symbolic derivatives are as fast
COMPACT = 40  # order from which the integrator is compiled as loops
LANES = 8
LARGE = 100  # variables above which there are too many entries of a Hessian
NAMESPACE = SimpleNamespace(
    sum=lambda v: hy.sum(list(v)),
    dot=lambda a, b: _dot(np.asarray(a), np.asarray(b)),
    log=np.frompyfunc(hy.log, 1, 1),
)


def _dot(a: Any, b: Any) -> Any:
    if a.ndim == 2:
        return np.array([_dot(row, b) for row in a])
    return hy.sum([u * v for u, v in zip(a.tolist(), b.tolist(), strict=True)])


def prepare(task: Task) -> Prepared:
    """Return (call, read) of a task."""
    x, z = hy.make_vars("x", "z")
    if task.workload == "W0":
        return _function([x + 1.0], [x], np.array([POINT]), lambda y: [[float(y[0])]])
    if task.workload in ("W1", "W2"):
        f, order = SCALAR[task.function](x, hy), task.sizes[-1]
        if order <= SYMBOLIC:
            return _symbolic(task, f, x, order)
        system = [(x, hy.expression(1.0)), (z, f)]
        options = {"tol": math.exp(1.0 - 2.0 * order), "compact_mode": order >= COMPACT}
        return (
            _one(system, order, options) if task.workload == "W1" else _many(system, task, options)
        )
    return _problem(task) if task.workload == "W4" else None


def _function(outputs: Any, inputs: Any, x: Any, read: Any) -> Prepared:
    """Return (call, read) of a compiled function."""
    f = hy.cfunc(outputs, inputs, compact_mode=len(outputs) > 100)
    out = np.empty((len(outputs), *x.shape[1:]))
    return lambda: f(x, outputs=out), read


def _symbolic(task: Task, f: Any, x: Any, order: int) -> Prepared:
    tensors = hy.diff_tensors([f], [x], diff_order=order)
    terms = [tensors[0, k] / math.factorial(k) for k in range(order + 1)]
    return _function(terms, [x], np.array([POINT]), lambda c: [c.tolist()])


def _one(system: Any, order: int, options: Any) -> Prepared:
    step = hy.taylor_adaptive(system, [POINT, 0.0], **options)
    weights = np.arange(1, order + 2)

    def call() -> Any:
        step.time, step.state[0], step.state[1] = 0.0, POINT, 0.0
        step.step(write_tc=True)
        return step.tc[1]

    return call, lambda c: [(c[1:] * weights).tolist()]


def _many(system: Any, task: Task, options: Any) -> Prepared:
    n, order = task.sizes
    x = points(n).reshape(-1, LANES)
    step = hy.taylor_adaptive_batch(system, np.stack([x[0], 0 * x[0]]), **options)
    out = np.empty((order + 1, *x.shape))
    weights = np.arange(1, order + 2)[:, None]

    def call() -> Any:
        for i, lane in enumerate(x):
            step.set_time(0.0)
            step.state[0], step.state[1] = lane, 0.0
            step.step(write_tc=True)
            out[:, i] = step.tc[1, 1:]
        return out

    return call, lambda c: (c.reshape(order + 1, n)[:, sample(n)] * weights).T.tolist()


def _problem(task: Task) -> Prepared:
    if task.function == "GMM" or (task.what == "Hessian" and task.sizes[0] > LARGE):
        return None
    n = task.sizes[0]
    inputs = np.array(hy.make_vars(*[f"x{i}" for i in range(n)])).reshape(n)
    f, x = problem(task, NAMESPACE)
    y = f(inputs)
    v = direction(n)
    names = list(inputs)
    if task.what == "f":
        return _function([y], names, x, lambda out: [[float(out[0])]])
    first = hy.diff_tensors([y], names, diff_order=1)
    gradient = list(first.gradient)
    if task.what == "gradient":
        return _function(gradient, names, x, lambda g: [[float(g @ v)]])
    if task.what == "H·v":
        along = hy.sum([g * w for g, w in zip(gradient, v.tolist(), strict=True)])
        product = list(hy.diff_tensors([along], names, diff_order=1).gradient)
        return _function(product, names, x, lambda p: [[float(p @ v)]])
    second = hy.diff_tensors([y], names, diff_order=2)
    entries = list(second.hessian(0).reshape(-1))
    return _function(entries, names, x, lambda h: [[float(v @ h.reshape(n, n) @ v)]])
