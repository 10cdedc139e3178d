"""CasADi: symbolic derivatives in SX, compiled by gcc where there is one, called by buffers."""

from __future__ import annotations

import shutil
from types import SimpleNamespace
from typing import Any

import casadi as ca
import numpy as np

from benchmarks.peers import Prepared
from benchmarks.workloads import POINT, SCALAR, Task, direction, points, problem, sample

ORDER = 10  # beyond, the expressions of repeated derivatives are too large
SYMBOLS = 20_000  # operations of a function above which gcc takes minutes
NAMESPACE = SimpleNamespace(
    sum=ca.sum1,
    log=ca.log,
    dot=lambda a, b: ca.mtimes(ca.DM(a).T, b) if type(a) is np.ndarray else ca.dot(a, b),
)


def prepare(task: Task) -> Prepared:
    """Return (call, read) of a task."""
    if task.workload in ("W0", "W1", "W2"):
        x = ca.SX.sym("x")
        if task.workload == "W0":
            return _call(x, x + 1.0, np.array([POINT]), lambda y: [y.tolist()])
        return _series(task, x) if task.sizes[-1] <= ORDER else None
    if task.workload == "W3" or task.function == "GMM":
        return None
    f, point = problem(task, NAMESPACE)
    x, v = ca.SX.sym("x", len(point)), direction(len(point))
    y = f(x)
    if task.what == "f":
        return _call(x, y, point, lambda out: [out.tolist()])
    if task.what == "gradient":
        return _call(x, ca.gradient(y, x), point, lambda g: [[float(g @ v)]])
    if task.what == "H·v":
        product = ca.jtimes(ca.gradient(y, x), x, ca.DM(v))
        return _call(x, product, point, lambda p: [[float(p @ v)]])
    h = ca.hessian(y, x)[0]
    column, row = h.sparsity().get_triplet()[::-1]
    return _call(x, h, point, lambda out: [[float(np.sum(out * v[row] * v[column]))]])


def _compile(x: Any, y: Any) -> Any:
    f = ca.Function("f", [x], [y], {"cse": True})
    if shutil.which("gcc") is None or f.n_instructions() > SYMBOLS:
        return f
    options = {"compiler": "shell", "jit_options": {"flags": ["-O2", "-march=native"]}}
    return ca.Function("f", [x], [y], {"cse": True, "jit": True, **options})


def _call(x: Any, y: Any, point: Any, read: Any) -> Prepared:
    f = _compile(x, y)
    given, out = np.array(point), np.zeros(f.nnz_out(0))
    buffer, evaluate = f.buffer()
    buffer.set_arg(0, memoryview(given))
    buffer.set_res(0, memoryview(out))

    def call() -> Any:
        evaluate()
        return out

    call.kept = f, buffer, given  # type: ignore[attr-defined]
    return call, read


def _series(task: Task, x: Any) -> Prepared:
    term = SCALAR[task.function](x, ca)
    terms = [term]
    for k in range(task.sizes[-1]):
        term = ca.jacobian(term, x) / (k + 1)
        terms.append(term)
    table = ca.vertcat(*terms)
    if task.workload == "W1":
        return _call(x, table, np.array([POINT]), lambda c: [c.tolist()])
    n = task.sizes[0]
    f, given = _compile(x, table), points(n)[None]
    return lambda: f(given), lambda c: np.asarray(c)[:, sample(n)].T.tolist()
