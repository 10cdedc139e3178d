"""Prints what differential operators of a network cost here, in JAX and in folx.

Each package runs in a process of its own, on one thread and core; values are checked against each
other, and times are the least of many calls, in μs of the clock on the wall: the work of JAX is
done by a thread of its own, whose waiting the clock of the process counts, too.  JAX is the fastest
one of nested forward mode, traces of Hessians, and Taylor mode (jax.experimental.jet) along
directions; folx the forward Laplacian of JAX functions, of itself for the biharmonic.
jet-for-pytorch (collapsed Taylor mode) is missing: it needs PyTorch and Python 3.12.
`residual` is that of the Kuramoto-Sivashinsky equation at 512 points, summed up, and its gradient
by the 1,185 parameters.  The slope is that of the time over the size before, on logarithmic axes.
Then the memory of the code of an operator over that of the code of f, at a point and at many,
beside the coefficients of its algebra, and the time to the first result of a Laplacian at more and
more points, code included.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.arrays import ONE_THREAD
from benchmarks.peers import best, on_one_core

Array = Any
Row = tuple[str, int, str, float, float]
RNG = np.random.default_rng(0)
ENTRY, MIDDLE, EXIT = (RNG.normal(size=s) / 8 for s in ((60, 64), (64, 64), (64,)))
SMALL = [RNG.normal(size=s) / math.sqrt(s[0]) for s in ((2, 32), (32,), (32, 32), (32,), (32,))]
TIMES, PLACES = RNG.uniform(0, 1, 512), RNG.uniform(-1, 1, 512)
for data in (ENTRY, MIDDLE, EXIT, TIMES, PLACES):
    data.flags.writeable = False  # else compiled functions compare it, at each call


def network(x: Array, m: Any) -> Any:
    """Return a network n-64-64-1."""
    return m.tanh(m.tanh(x @ ENTRY[: x.shape[-1]]) @ MIDDLE) @ EXIT


def wave(p: list[Array], t: Array, x: Array, m: Any) -> Any:
    """Return a network 2-32-32-1 at points."""
    hidden = m.tanh(m.stack([t, x], axis=-1) @ p[0] + p[1])
    return m.tanh(hidden @ p[2] + p[3]) @ p[4]


def points(n: int, count: int = 0) -> Array:
    """Return a point, or so many."""
    return np.sin(np.arange(max(count, 1) * n)).reshape((count, n) if count else (n,))


PATIENCE = 1.5  # seconds of calls
POINTS = 256  # whose memory is compared
SIZES = {"Laplacian": (10, 30, 60), "Laplacian, 4096 points": (30,), "biharmonic": (5, 10)}
MEMORY = {"Laplacian": (2, 3, 4, 10, 30, 60), "biharmonic": (2, 3, 4, 5, 10)}
ORDERS = (2, 4, 6, 8)  # of powers of the Laplacian in four variables


def taylor_rows() -> Iterator[tuple[str, int, str, Callable[[], Any]]]:
    """Yield what is measured of this package."""
    import taylor
    from taylor import operators as op

    f = taylor.compile(lambda x: network(x, np))
    many = taylor.compile(lambda x: op.laplacian(lambda x: network(x, np), x))
    ways = {
        "Laplacian": lambda n: op.laplacian(f, points(n)),
        "Laplacian, 4096 points": lambda n: np.sum(many(points(n, 4096))),
        "biharmonic": lambda n: op.biharmonic(f, points(n)),
    }
    for name, sizes in SIZES.items():
        for n in sizes:
            yield name, n, "", lambda name=name, n=n: ways[name](n)
    d = op.partials(4)
    for order in ORDERS:
        power = op.Operator((d @ d) ** (order // 2))
        yield "power of Δ, order", order, "", lambda P=power: P(f, points(4))
    d = op.partials("t", "x")
    sweep = op.Operator([d.t**0, d.t, d.x, d.x**2, d.x**4])

    def loss(p: list[Array]) -> Any:
        u, ut, ux, uxx, uxxxx = sweep(lambda t, x: wave(p, t, x, np), TIMES, PLACES)
        return np.mean((ut + u * ux + uxx + uxxxx) ** 2)

    value = taylor.compile(loss)
    gradient = taylor.compile(lambda p: taylor.gradient(loss, p))
    yield "residual", 512, "f", lambda: value(SMALL)
    yield "residual", 512, "gradient", lambda: gradient(SMALL)[4][0]


def jax_rows() -> Iterator[tuple[str, int, str, Callable[[], Any]]]:
    """Yield what is measured of JAX."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    from jax.experimental.jet import jet

    def along(f: Callable[[Array], Any], x: Array, e: Array) -> Any:
        return jax.jvp(lambda y: jax.jvp(f, (y,), (e,))[1], (x,), (e,))[1]

    def forward(f: Callable[[Array], Any]) -> Callable[[Array], Any]:
        return lambda x: jnp.sum(jax.vmap(lambda e: along(f, x, e))(jnp.eye(x.shape[0])))

    def trace(f: Callable[[Array], Any]) -> Callable[[Array], Any]:
        return lambda x: jnp.trace(jax.hessian(f)(x))

    def series(f: Callable[[Array], Any], x: Array, e: Array, order: int) -> Any:
        """Return the derivative of that order along e."""
        return jet(f, (x,), ((e, *(0 * e for _ in range(order - 1))),))[1][-1]

    def of_series(f: Callable[[Array], Any]) -> Callable[[Array], Any]:
        return lambda x: jnp.sum(jax.vmap(lambda e: series(f, x, e, 2))(jnp.eye(x.shape[0])))

    def biharmonic(f: Callable[[Array], Any]) -> Callable[[Array], Any]:
        """Return Δ²f from fourth derivatives along e_i and e_i ± e_j, by polarisation."""

        def of(x: Array) -> Any:
            n, one = x.shape[0], np.eye(x.shape[0])
            pairs = [one[i] + s * one[j] for i in range(n) for j in range(i) for s in (1, -1)]
            fourth = jax.vmap(lambda e: series(f, x, e, 4))
            return jnp.sum(fourth(np.stack(pairs))) / 6 + (4 - n) / 3 * jnp.sum(fourth(one))

        return of

    def f(x: Array) -> Any:
        return network(x, jnp)

    for mode, once, twice in (
        ("forward", forward(f), forward(forward(f))),
        ("Hessian", trace(f), trace(trace(f))),
        ("series", of_series(f), biharmonic(f)),
    ):
        ways = {
            "Laplacian": jax.jit(once),
            "Laplacian, 4096 points": jax.jit(lambda x, g=once: jnp.sum(jax.vmap(g)(x))),
            "biharmonic": jax.jit(twice),
        }
        for name, sizes in SIZES.items():
            for n in sizes:
                x = points(n, 4096) if "points" in name else points(n)
                yield name, n, mode, lambda w=ways[name], x=x: w(x).block_until_ready()

    def d(g: Callable[[Array], Any]) -> Callable[[Array], Any]:
        return lambda x: jax.jvp(g, (x,), (1.0,))[1]

    def nested(p: list[Array], t: Array, x: Array) -> Any:
        g = lambda x: wave(p, t, x, jnp)  # noqa: E731
        return d(lambda t: wave(p, t, x, jnp))(t) + g(x) * d(g)(x) + d(d(g))(x) + d(d(d(d(g))))(x)

    def by_series(p: list[Array], t: Array, x: Array) -> Any:
        u, (ux, uxx, _, uxxxx) = jet(lambda x: wave(p, t, x, jnp), (x,), ((1.0, 0.0, 0.0, 0.0),))
        return d(lambda t: wave(p, t, x, jnp))(t) + u * ux + uxx + uxxxx

    for mode, residual in (("nested", nested), ("series", by_series)):

        def loss(p: list[Array], of: Any = residual) -> Any:
            return jnp.mean(jax.vmap(lambda t, x: of(p, t, x))(TIMES, PLACES) ** 2)

        value, gradient = jax.jit(loss), jax.jit(jax.grad(loss))
        yield "residual", 512, f"f, {mode}", lambda v=value: v(SMALL).block_until_ready()
        yield (
            "residual",
            512,
            f"gradient, {mode}",
            lambda g=gradient: g(SMALL)[4].block_until_ready()[0],
        )


def folx_rows() -> Iterator[tuple[str, int, str, Callable[[], Any]]]:
    """Yield what is measured of folx."""
    import folx
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    def laplacian(f: Callable[[Array], Any]) -> Callable[[Array], Any]:
        return lambda x: folx.forward_laplacian(f)(x).laplacian

    once = laplacian(lambda x: network(x, jnp))
    ways = {
        "Laplacian": jax.jit(once),
        "Laplacian, 4096 points": jax.jit(lambda x: jnp.sum(jax.vmap(once)(x))),
        "biharmonic": jax.jit(laplacian(once)),
    }
    for name, sizes in SIZES.items():
        for n in sizes:
            x = points(n, 4096) if "points" in name else points(n)
            yield name, n, "", lambda w=ways[name], x=x: w(x).block_until_ready()


WAYS = {"taylor": taylor_rows, "jax": jax_rows, "folx": folx_rows}


def growth() -> None:
    """Print memory against coefficients, and the time to a first result against points."""
    import taylor
    from taylor import operators as op
    from taylor.machine.machine import Machine
    from taylor.operators.apolar import apolar

    def f(x: Array) -> Any:
        return network(x, np)

    for name, power in (("Laplacian", 1), ("biharmonic", 2)):
        for n in MEMORY[name]:
            d = op.partials(n)
            algebra = apolar([((d @ d) ** power).terms], d.names).algebra
            P = functools.partial(op.operator((d @ d) ** power), f)
            one, many = points(n), points(n, POINTS)
            own, all_own = (Machine(taylor.record(f, x)).size for x in (one, many))
            swept = Machine(taylor.record(f, one), algebra).size / own
            recorded = Machine(taylor.record(P, one)).size / own
            at_many = Machine(taylor.record(P, many)).size / all_own
            print(f"{name} {n}: {swept:.1f} times the memory of f, recorded {recorded:.1f}, at "
                  f"{POINTS} points {at_many:.1f}; {algebra.size} coefficients")  # fmt: skip
    for count in (64, 512, 4096):
        x = points(30, count)
        begun = time.perf_counter()
        taylor.compile(lambda x: op.laplacian(f, x), strict=True)(x)
        taken = time.perf_counter() - begun
        print(f"Laplacian 30 at {count:4d} points: first result after {taken:.2f} s")


def main() -> None:
    """Print the table; a package that is not installed is named."""
    tables: dict[str, dict[tuple[str, int, str], tuple[float, float]]] = {}
    for package in WAYS:
        if importlib.util.find_spec(package) is None:
            print(f"{package} skipped: not installed (pip install {package})")
            continue
        command = [sys.executable, "-m", "benchmarks.operators", "--one", package]
        done = subprocess.run(
            command, env=os.environ | ONE_THREAD, check=True, capture_output=True, text=True
        )
        table = tables.setdefault(package, {})
        for name, n, what, us, check in json.loads(done.stdout.splitlines()[-1]):
            key = (name, n, what.split(",")[0] if name == "residual" else "")
            table[key] = min(table.get(key, (math.inf, check)), (us, check))
    ours = tables.pop("taylor")
    print(f"{'μs':40s}{'taylor':>10s}{'slope':>7s}" + "".join(f"{p + ' ×':>10s}" for p in tables))
    last: tuple[str, int, float] = ("", 0, 0.0)
    for (name, n, what), (us, check) in ours.items():
        same = last[0] == name and last[1] < n
        slope = f"{math.log(us / last[2]) / math.log(n / last[1]):.2f}" if same else ""
        line = f"{name + ' ' + str(n):30s}{what:10s}{us:10.0f}{slope:>7s}"
        for package, table in tables.items():
            other, value = table.get((name, n, what), (math.nan, check))
            if not math.isclose(value, check, rel_tol=1e-8):
                raise ValueError(f"{package} and taylor differ: {name} {n} {what}")
            line += f"{other / us:10.2f}"
        print(line)
        last = (name, n, us)
    sys.stdout.flush()
    command = [sys.executable, "-m", "benchmarks.operators", "--growth"]
    with tempfile.TemporaryDirectory() as folder:  # where no code is kept yet
        fresh = {"TAYLOR_CACHE": folder}
        subprocess.run(command, env=os.environ | ONE_THREAD | fresh, check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        on_one_core()
        found = []
        for name, n, what, call in WAYS[sys.argv[2]]():
            for _ in range(20):  # until there is machine code
                y = call()
            found.append((name, n, what, best(call, patience=PATIENCE), float(y)))
        print(json.dumps(found))
    elif sys.argv[1:] == ["--growth"]:
        growth()
    else:
        main()
