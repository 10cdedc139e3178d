"""JAX: `jet` for series, `vmap` over points, `grad`, `jvp` of `grad` and `hessian`, all jitted."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.jet import jet
from jax.scipy.special import logsumexp

from benchmarks.peers import Prepared
from benchmarks.workloads import POINT, SCALAR, Task, direction, points, problem, sample

jax.config.update("jax_enable_x64", True)
NAMESPACE = SimpleNamespace(
    **{name: getattr(jnp, name) for name in ("exp", "log", "sum", "dot", "reshape")},
    concatenate=jnp.concatenate,
    einsum=jnp.einsum,
    logsumexp=logsumexp,
)


def prepare(task: Task) -> Prepared:
    """Return (call, read) of a task."""
    if task.workload == "W0":
        return _call(lambda x: x + 1.0, POINT, lambda y: [[float(y)]])
    if task.workload in ("W1", "W2"):
        return _series(task, task.sizes[-1])
    if task.workload == "W3":
        return None
    f, x = problem(task, NAMESPACE)
    v = direction(len(x))
    if task.what == "f":
        return _call(f, x, lambda y: [[float(y)]])
    if task.what == "gradient":
        return _call(jax.grad(f), x, lambda g: [[float(g @ v)]])
    if task.what == "H·v":
        forward = jax.grad(f)
        return _call(lambda y: jax.jvp(forward, (y,), (v,))[1], x, lambda p: [[float(p @ v)]])
    return _call(jax.hessian(f), x, lambda h: [[float(v @ h @ v)]])


def _call(f: Any, x: Any, read: Any) -> Prepared:
    compiled, x = jax.jit(f), jnp.asarray(x)
    return lambda: compiled(x).block_until_ready(), lambda y: read(np.asarray(y))


def _series(task: Task, order: int) -> Prepared:
    f = SCALAR[task.function]
    inverse = jnp.asarray([1.0 / math.factorial(k) for k in range(order + 1)])

    def coefficients(x: Any) -> Any:
        seed = [1.0, *[0.0] * (order - 1)]
        value, rest = jet(lambda t: f(t, jnp), (x,), (seed,))
        return jnp.stack([value, *rest]) * inverse

    if task.workload == "W1":
        return _call(coefficients, POINT, lambda c: [c.tolist()])
    n = task.sizes[0]
    return _call(
        jax.vmap(coefficients, out_axes=1), points(n), lambda c: c[:, sample(n)].T.tolist()
    )
