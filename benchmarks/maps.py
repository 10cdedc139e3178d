"""Prints what maps of several variables cost: products, composition, inverses, values, tensors.

Ratios of the packages that are installed to this one (above 1: this one is faster), results
compared; growth with order, variables and points, with slopes.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import taylor
from benchmarks.peers import PEERS, best
from benchmarks.workloads import dense, start
from taylor import TaylorN, inverse_map

SHAPES = ((6, 4), (6, 6), (6, 8), (4, 10), (2, 20))  # (variables, order)
MAPS = ((2, 10), (4, 6), (6, 3), (6, 4), (6, 5), (6, 6))
ORDERS = (2, 3, 4, 5)
POINTS = (1000, 10_000, 100_000)
Times = dict[str, float]


def installed(name: str) -> Any:
    """Return a package, or None, which is said once."""
    peer = PEERS[name]
    try:
        return importlib.import_module(peer.imports)
    except ImportError:
        print(f"{name} skipped: not installed (pip install {peer.install})")
        return None


def line(what: str, ours: float, others: Times) -> None:
    """Print a time in µs and the ratios of other ones to it."""
    ratios = "".join(f"  {name} {us / ours:6.2f}" for name, us in others.items())
    print(f"{what:34s} {ours:10.1f} µs{ratios}", flush=True)


def slope(what: str, x: Sequence[float], us: Sequence[float]) -> None:
    """Print the exponent with which times grow."""
    found = np.polyfit(np.log(x), np.log(us), 1)[0]
    print(f"{'':4s}grows as {what}^{found:.2f}")


def time(f: Callable[[], Any]) -> float:
    """Return the least time of a call, in µs, after code was made."""
    for _ in range(8):
        f()
    return best(f, shared=True)


class Numpy:
    """The functions of this package for `dense`."""

    exp, sin = np.exp, np.sin


class Methods:
    """Those of packages whose numbers have methods."""

    @staticmethod
    def exp(x: Any) -> Any:
        """Return exp(x)."""
        return x.exp()

    @staticmethod
    def sin(x: Any) -> Any:
        """Return sin(x)."""
        return x.sin()


def products(gtpsa: Any, dace: Any) -> None:
    """Print the times of products of two series all of whose coefficients differ from zero."""
    for n, order in SHAPES:
        z = dense(TaylorN.variables(start(n), order), Numpy)
        w, others = np.sin(z), {}
        if gtpsa:
            space = gtpsa.Descriptor(n, order)
            a = dense([space.var(i + 1, x) for i, x in enumerate(start(n))], Methods)
            b = a.sin()
            others["gtpsa"] = time(lambda a=a, b=b: a * b)
        if dace:
            dace.DA.init(order, n)
            a = dense([dace.DA(i + 1) + x for i, x in enumerate(start(n))], Methods)
            b = a.sin()
            others["dace"] = time(lambda a=a, b=b: a * b)
        line(f"x·y, n = {n}, order {order}", time(lambda z=z, w=w: z * w), others)


def mapped(variables: Sequence[Any], m: Any, value: Callable[[Any], float]) -> list[Any]:
    """Return an invertible map with a fixed point at the origin, from variables there."""
    z = dense(variables, m)
    z = z - value(z)
    return [(0.9 + 0.1 * i) * x + 0.1 * z * z for i, x in enumerate(variables)]


def maps(dace: Any) -> None:
    """Print the times of the composition of a map with itself, and of its inverse."""
    for n, order in MAPS:
        f = mapped(TaylorN.variables([0.0] * n, order), Numpy, lambda z: float(z.value))
        whole, composed, inverted = np.stack(f), {}, {}
        if dace:
            dace.DA.init(order, n)
            variables = [dace.DA(i + 1) for i in range(n)]
            g = dace.array(mapped(variables, Methods, lambda z: z.cons()))
            composed["dace"], inverted["dace"] = time(lambda g=g: g.eval(g)), time(g.invert)
            ours, theirs = (
                whole.compose(f)[0].coef,
                (g.eval(g)[0]).getCoefficient([1, *[0] * (n - 1)]),
            )
            assert math.isclose(ours[1], theirs, rel_tol=1e-12)
        sizes = f"n = {n}, order {order}"
        line(f"map of itself, {sizes}", time(lambda w=whole, f=f: w.compose(f)), composed)
        line(f"inverse, {sizes}", time(lambda f=f: inverse_map(f)), inverted)


def values() -> None:
    """Print the times of the values of a map at many points."""
    times = []
    for n in POINTS:
        f = np.stack(mapped(TaylorN.variables([0.0] * 6, 5), Numpy, lambda z: float(z.value)))
        x = np.random.default_rng(0).uniform(-0.1, 0.1, (6, n))
        times.append(time(lambda f=f, x=x: f[:, None](x)))
        line(f"values, n = 6, order 5, {n} points", times[-1], {})
    slope("points", POINTS, times)


def price(s: Any, t: Any, v: Any) -> Any:
    """Return the value of an option after Black and Scholes."""
    d = (np.log(s / 100.0) + (0.03 + 0.5 * v * v) * t) / (v * np.sqrt(t))
    return s * np.tanh(d) - 100.0 * np.exp(-0.03 * t) * np.tanh(d - v * np.sqrt(t))


def greeks() -> None:
    """Print the times of all partial derivatives up to the third order at many points."""
    f, times = taylor.compile(price, threads=1), []
    for n in POINTS:
        x = TaylorN.variables([np.linspace(80.0, 120.0, n), np.full(n, 1.0), np.full(n, 0.2)], 3)
        times.append(time(lambda x=x: f(*x)))
        eager = {"eager": time(lambda x=x: price(*x))}
        line(f"order 3 of 3 variables, {n} points", times[-1], eager)
    slope("points", POINTS, times)


def chained(x: Any, m: Any) -> Any:
    """Return a function of many variables."""
    total = 1.0 + sum(a * a for a in x)
    return sum(m.sin(a * b) ** 2 for a, b in zip(x[1:], x[:-1], strict=True)) + m.log(total)


def tensors(heyoka: Any) -> None:
    """Print the times of tensors of derivatives."""
    for n in (3, 6, 12):
        x, times = np.linspace(0.1, 1.0, n), []
        for order in ORDERS if n < 12 else ORDERS[:-1]:
            f, others = taylor.compile(lambda x: chained(x, np)), {}
            found = taylor.tensor(f, x, order)
            if heyoka:
                variables = heyoka.make_vars(*(f"x{i}" for i in range(n)))
                some = heyoka.diff_tensors([chained(variables, heyoka)], variables, order)
                entries = some.get_derivatives(order)
                code = heyoka.cfunc([e for _, e in entries], variables)
                out = np.empty(len(entries))
                others["heyoka"] = time(lambda c=code, x=x, o=out: c(x, outputs=o))
                assert math.isclose(out[0], found[(0,) * order], rel_tol=1e-9)
            times.append(time(lambda f=f, x=x, k=order: taylor.tensor(f, x, k)))
            line(f"tensor of order {order}, n = {n}", times[-1], others)


def main() -> None:
    """Print the tables."""
    gtpsa, dace, heyoka = map(installed, ("gtpsa", "dace", "heyoka"))
    products(gtpsa, dace)
    maps(dace)
    values()
    greeks()
    tensors(heyoka)


if __name__ == "__main__":
    main()
