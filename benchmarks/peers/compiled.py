"""This package: compiled functions, and series in several variables, which are always eager."""

from __future__ import annotations

from typing import Any

import numpy as np

import taylor
from benchmarks.namespace import NAMESPACE
from benchmarks.peers import Prepared
from benchmarks.workloads import (
    POINT,
    POLYNOMIAL,
    SCALAR,
    Task,
    dense,
    direction,
    points,
    problem,
    restrict,
    sample,
    start,
)
from taylor.drivers.sparse import SparseHessian

LARGE = 100  # variables from which a Hessian is made as a sparse one


def prepare(task: Task, threads: int = 1) -> Prepared:
    """Return (call, read) of a task."""
    if task.workload == "W0":
        f = taylor.compile(lambda x: x + 1.0)
        return lambda: f(POINT), lambda y: [[float(y)]]
    if task.workload in ("W1", "W2"):
        f = taylor.compile(lambda x: SCALAR[task.function](x, np), threads=threads)
        return coefficients(task, lambda x, k: taylor.taylor_coefficients(f, x, k))
    if task.workload == "W3":
        return polynomials(task)
    f, x = problem(task, NAMESPACE)
    return derivatives(task, taylor.compile(f), x)


def coefficients(task: Task, table: Any) -> Prepared:
    """Return (call, read) of Taylor coefficients by table(x, order), an array of (order + 1, n)."""
    if task.workload == "W1":
        return lambda: table(POINT, task.sizes[0]), lambda c: [np.asarray(c, float).tolist()]
    n, order = task.sizes
    x = points(n)
    return lambda: table(x, order), lambda c: np.asarray(c)[:, sample(n)].T.tolist()


def polynomials(task: Task) -> Prepared:
    """Return (call, read) of an operation on dense polynomials."""
    n, order = task.sizes
    z = dense(taylor.TaylorN.variables(start(n), order), np)
    f = POLYNOMIAL[task.function]

    def read(y: Any) -> list[list[float]]:
        return [restrict(y.algebra.exponents, y.coef, order)]

    return lambda: f(z, np), read


def derivatives(task: Task, f: Any, x: Any) -> Prepared:
    """Return (call, read) of a value, gradient, H·v or Hessian."""
    v = direction(len(x))
    if task.what == "f":
        return lambda: f(x), lambda y: [[float(y)]]
    if task.what == "gradient":
        return lambda: taylor.gradient(f, x), lambda g: [[float(g @ v)]]
    if task.what == "H·v":
        return lambda: taylor.hvp(f, x, v), lambda y: [[float(y @ v)]]
    if len(x) > LARGE:
        hessian = SparseHessian(f, x)
        return lambda: hessian(x), lambda h: [[float(v @ (h @ v))]]
    return lambda: taylor.hessian(f, x), lambda h: [[float(v @ h @ v)]]
