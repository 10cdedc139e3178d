"""Prints what programs on arrays cost: values, gradients and H·v here, in NumPy, JAX and autograd.

Each package runs in a process of its own, on one thread and core, and computes what NumPy's values
are checked against; times are the least of many calls, in μs of the clock on the wall: the work of
JAX is done by a thread of its own, whose waiting the clock of the process counts, too.  The slope
is that of the time over the size of a program, on logarithmic axes, between its two largest sizes.
Names of programs as arguments: `python -m benchmarks.arrays logistic field`.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.peers import best, on_one_core

Array = Any
Program = Callable[[Array, Any], Any]
PACKAGES = {"taylor": "taylor", "numpy": "numpy", "jax": "jax", "autograd": "autograd"}
ONE_THREAD = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
PATIENCE = 1.0  # seconds of calls
RNG = np.random.default_rng(0)
ROWS, LABELS = RNG.standard_normal((4000, 50)), RNG.choice([-1.0, 1.0], 4000)
PLACES, FOUND = np.linspace(0.0, 1.0, 400), RNG.standard_normal(400)
IMAGES, CLASSES = RNG.standard_normal((128, 784)), np.eye(10)[RNG.integers(0, 10, 128)]
for data in (ROWS, LABELS, PLACES, FOUND, IMAGES, CLASSES):
    data.flags.writeable = False  # else compiled functions compare it, at each call


def chain(x: Array, m: Any) -> Any:
    """Return a sum of polynomials: 16 multiply-adds an element."""
    y = x
    for _ in range(16):
        y = y * x + 0.3
    return m.sum(y)


def sixty(x: Array, m: Any) -> Any:
    """Return a sum of functions of 60 operations."""
    y = x
    for _ in range(5):
        s, e = m.sin(y), m.exp(-0.3 * (y * y))
        y = (s * e - m.cos(y)) / (0.5 + m.sqrt(1.0 + s * s))
    return m.sum(y)


def field(x: Array, m: Any) -> Any:
    """Return the energy of a field on a square grid."""
    u = m.reshape(x, (math.isqrt(x.shape[0]), -1))
    across, down = u[1:, :] - u[:-1, :], u[:, 1:] - u[:, :-1]
    return m.sum(across * across) + m.sum(down * down) + m.sum(m.sqrt(1.0 + u * u))


def logistic(x: Array, m: Any) -> Any:
    """Return the loss of logistic regression with 20 rows of data for each weight."""
    n = x.shape[0]
    margins = LABELS[: 20 * n] * m.dot(ROWS[: 20 * n, :n], x)
    return m.sum(m.logaddexp(0.0, -margins)) + 0.5 * m.dot(x, x)


def network(x: Array, m: Any) -> Any:
    """Return the loss of a network 784-h-10 on 128 images."""
    h = (x.shape[0] - 10) // 795
    first, second = m.reshape(x[: 784 * h], (784, h)), m.reshape(x[785 * h : 795 * h], (h, 10))
    hidden = m.tanh(m.dot(IMAGES, first) + x[784 * h : 785 * h])
    scores = m.dot(hidden, second) + x[795 * h :]
    top = m.log(m.sum(m.exp(scores), axis=1))
    return m.sum(top) - m.sum(CLASSES * scores)


def process(x: Array, m: Any) -> Any:
    """Return the likelihood of a Gaussian process; x holds noises, one for each observation."""
    n = x.shape[0]
    t = PLACES[:n]
    kernel = m.exp(-50.0 * (t[:, None] - t[None, :]) ** 2) + m.diag(0.1 + x * x)
    low = m.linalg.cholesky(kernel)
    y = m.linalg.solve(kernel, FOUND[:n])
    return 0.5 * m.dot(FOUND[:n], y) + m.sum(m.log(m.diag(low)))


def determinant(x: Array, m: Any) -> Any:
    """Return log |det A| + bᵀ A⁻¹ b of a matrix."""
    n = math.isqrt(x.shape[0])
    a = m.reshape(x, (n, n)) + 2.0 * n * np.eye(n)
    return m.linalg.slogdet(a)[1] + m.dot(FOUND[:n], m.linalg.solve(a, FOUND[:n]))


def by_element(name: str) -> Program:
    """Return the sum of one function of every element."""
    return lambda x, m: m.sum(getattr(m, name)(x))


PROGRAMS: dict[str, tuple[Program, tuple[int, ...]]] = {
    **{name: (by_element(name), (1000, 100_000)) for name in ("exp", "log", "tanh")},
    "chain": (chain, (1000, 10_000, 100_000)),
    "sixty": (sixty, (1000, 10_000, 100_000)),
    "field": (field, (900, 10_000, 90_000)),
    "logistic": (logistic, (10, 25, 50)),
    "network": (network, (10 + 795 * 16, 10 + 795 * 64)),
    "process": (process, (50, 100, 200)),
    "determinant": (determinant, (400, 2500, 10_000)),
}
QUANTITIES = ("f", "gradient", "H·v")


def point(n: int) -> Array:
    """Return the point of a program of that size."""
    return np.sin(np.arange(n, dtype=float)) * 0.3 + 0.5


def _taylor(f: Program) -> dict[str, Callable[[Array, Array], Any]]:
    import taylor

    g = taylor.compile(lambda x: f(x, np))
    return {
        "f": lambda x, v: g(x),
        "gradient": lambda x, v: taylor.gradient(g, x),
        "H·v": lambda x, v: taylor.hvp(g, x, v),
    }


def _numpy(f: Program) -> dict[str, Callable[[Array, Array], Any]]:
    return {"f": lambda x, v: f(x, np)}


def _jax(f: Program) -> dict[str, Callable[[Array, Array], Any]]:
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    def g(x: Array) -> Any:
        return f(x, jnp)

    ways = {
        "f": jax.jit(lambda x, v: g(x)),
        "gradient": jax.jit(lambda x, v: jax.grad(g)(x)),
        "H·v": jax.jit(lambda x, v: jax.jvp(jax.grad(g), (x,), (v,))[1]),
    }
    return {k: lambda x, v, way=way: way(x, v).block_until_ready() for k, way in ways.items()}


def _autograd(f: Program) -> dict[str, Callable[[Array, Array], Any]]:
    import autograd
    import autograd.numpy as anp

    gradient = autograd.grad(lambda x: f(x, anp))
    product = autograd.grad(lambda x, v: anp.dot(gradient(x), v))
    return {"f": lambda x, v: f(x, np), "gradient": lambda x, v: gradient(x), "H·v": product}


def measured(package: str, names: list[str]) -> list[tuple[str, int, str, float, list[float]]]:
    """Return (program, size, quantity, μs, three numbers of the result) of a package."""
    ways = {"taylor": _taylor, "numpy": _numpy, "jax": _jax, "autograd": _autograd}[package]
    found = []
    for name in names:
        f, sizes = PROGRAMS[name]
        for n in sizes:
            x, v = point(n), np.cos(np.arange(n, dtype=float))
            for quantity, way in ways(f).items():
                y = np.atleast_1d(np.asarray(way(x, v), dtype=float))
                check = [float(y.sum()), float(y[0]), float(y[-1])]
                found.append(
                    (
                        name,
                        n,
                        quantity,
                        best(lambda w=way, x=x, v=v: w(x, v), patience=PATIENCE),
                        check,
                    )
                )
    return found


def run(package: str, names: list[str]) -> dict[tuple[str, int, str], tuple[float, list[float]]]:
    """Return what `measured` returns in a process of its own, by program, size and quantity."""
    command = [sys.executable, "-m", "benchmarks.arrays", "--one", package, *names]
    done = subprocess.run(
        command, env=os.environ | ONE_THREAD, check=True, capture_output=True, text=True
    )
    rows = json.loads(done.stdout.splitlines()[-1])
    return {(name, n, quantity): (us, check) for name, n, quantity, us, check in rows}


def main(names: list[str]) -> None:
    """Print the table; a package that is not installed is named."""
    names = names or list(PROGRAMS)
    results = {}
    for package, module in PACKAGES.items():
        if importlib.util.find_spec(module) is None:
            print(f"{package} skipped: not installed (pip install {module})")
        else:
            results[package] = run(package, names)
    ours = results.pop("taylor")
    print(f"{'μs':30s}{'taylor':>10s}{'slope':>7s}" + "".join(f"{p + ' ×':>12s}" for p in results))
    for (name, n, quantity), (us, check) in ours.items():
        sizes = PROGRAMS[name][1]
        before = sizes[sizes.index(n) - 1] if n != sizes[0] else None
        slope = ""
        if before is not None:
            slope = f"{math.log(us / ours[name, before, quantity][0]) / math.log(n / before):.2f}"
        line = f"{name + ' ' + str(n):20s}{quantity:10s}{us:10.0f}{slope:>7s}"
        for package, found in results.items():
            if (name, n, quantity) not in found:
                line += " " * 12
                continue
            other, wanted = found[name, n, quantity]
            if not np.allclose(check, wanted, rtol=1e-8, atol=1e-8):
                raise ValueError(f"{package} and taylor differ: {name} {n} {quantity}")
            line += f"{other / us:12.2f}"
        print(line)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        on_one_core()
        print(json.dumps(measured(sys.argv[2], sys.argv[3:])))
    else:
        main(sys.argv[1:])
