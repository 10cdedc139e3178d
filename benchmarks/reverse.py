"""Prints what gradients and Hessian-vector products cost: operations, times, agreement.

An operation is one element of the result of add, mul, div, choose or an elementary function, one
element of the argument of a sum or a scaling, and 2·(product of all index sizes) for an einsum;
moving elements counts nothing.
"""

from __future__ import annotations

import os
import timeit
from collections.abc import Callable
from typing import Any

# on busy cores the threads of a small matrix product wait for each other longer than they compute
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import hyperdual
import taylor
from benchmarks.namespace import NAMESPACE
from benchmarks.workloads import GMM, Task, problem
from taylor import forward, reverse
from taylor.core.einsum import Einsum
from taylor.core.maps import Contract, Gather, Map, Reshape, Scatter
from taylor.core.program import Program

Array = Any
Function = Callable[[Array], Array]
MOVES = (Gather, Scatter, Reshape)  # without arithmetic


def operations(program: Program) -> int:
    """Return the number of operations of one evaluation.

    >>> operations(taylor.record(lambda x: np.sum(np.sin(x) * x), np.ones(5)))
    15
    """
    count = 0
    for op, args, shape in program.code:
        sources = [program.code[a].shape for a in args]
        if op.arity == 0 or isinstance(op, MOVES):
            continue
        if isinstance(op, Einsum):
            count += 2 * index_space(op.spec, sources)
        elif isinstance(op, Contract):
            count += 2 * index_space(op.spec, [np.shape(op.c), *sources])
        elif isinstance(op, Map):
            count += int(np.prod(sources[0]))
        elif op.by_element:
            count += int(np.prod(shape))
        else:
            raise ValueError(f"no count for the instruction {op!r}")
    return count


def index_space(spec: str, shapes: list[tuple[int, ...]]) -> int:
    """Return the product of the sizes of all letters of an einsum."""
    terms = spec.split("->")[0].split(",")
    sizes = {
        s: n for t, shape in zip(terms, shapes, strict=True) for s, n in zip(t, shape, strict=True)
    }
    return int(np.prod(list(sizes.values())))


def given(name: str, *sizes: int) -> tuple[Function, Array]:
    """Return (f, x) of a problem by its name."""
    return problem(Task("W4", name, sizes, ""), NAMESPACE)


def seconds(f: Callable[[], Any]) -> float:
    """Return the least time of a call: of many short measurements some are undisturbed."""
    timer = timeit.Timer(f)
    once = timer.timeit(1)
    number = max(1, int(1e-3 / once))
    repeat = min(200, max(3, int(1.0 / (number * once))))
    return min(timer.repeat(repeat, number)) / number


def difference(a: Array, b: Array) -> float:
    """Return the largest difference relative to the largest element."""
    return float(np.max(np.abs(a - b)) / np.max(np.abs(b)))


def counts() -> None:
    """Print operations of gradient and Hessian-vector product over those of f."""
    print("operations              f   gradient/f       Hv/f     (bounds: 4 and 10)")
    sizes = [("Helmholtz", (n,)) for n in (1, 2, 5, 10, 20, 50)]
    sizes += [("Rosenbrock", (n,)) for n in (10, 100, 1000, 10_000)]
    worst = [0.0, 0.0]
    for name, n in [*sizes, ("GMM", GMM)]:
        f, x = given(name, *n)
        program = taylor.record(f, x)
        gradient = reverse(program)
        unit = operations(program)
        ratios = [operations(gradient) / unit, operations(forward(gradient)) / unit]
        worst = [max(pair) for pair in zip(worst, ratios, strict=True)]
        print(f"{name:10s} {n[-1]:6d} {unit:7d}   {ratios[0]:10.2f} {ratios[1]:10.2f}")
    print(f"largest           {'':7s}   {worst[0]:10.2f} {worst[1]:10.2f}")


def times() -> None:
    """Print wall-clock ratios on the mixture model."""
    f, x = given("GMM", *GMM)
    v = np.random.default_rng(1).normal(size=x.shape)
    unit = seconds(lambda: f(x))
    print(f"\nGMM, d = 10, K = 25, N = 1000: {x.size} parameters, f {unit * 1e3:.2f} ms")
    print(
        f"gradient / f  {seconds(lambda: taylor.gradient(f, x)) / unit:6.2f}   (asked: at most 5)"
    )
    print(f"hvp / f       {seconds(lambda: taylor.hvp(f, x, v)) / unit:6.2f}")
    program = reverse(taylor.record(f, x))
    twice = forward(program)
    print(f"recorded once: gradient / f {seconds(lambda: program(x, 1.0)) / unit:.2f}", end=", ")
    print(f"hvp / f {seconds(lambda: twice(x, 1.0, v, 0.0)) / unit:.2f}")
    step = 1e-5 * v
    quotient = (f(x + step) - f(x - step)) / 2e-5
    slope = taylor.gradient(f, x) @ v
    print(f"gradient·v against a central difference: {abs(slope / quotient - 1):.0e}")


def agreement() -> None:
    """Print how far hessian and hvp are from hyper-dual numbers and TaylorN."""
    print("\nagreement, relative to the largest element (asked: 1e-12)")
    rng = np.random.default_rng(2)
    for name, *n in (("Helmholtz", 20), ("Rosenbrock", 20), ("GMM", 2, 3, 50)):
        f, x = given(name, *n)
        v = rng.normal(size=x.shape)
        h = taylor.hessian(f, x)
        dual = hyperdual.hessian(f, x)
        series = f(np.stack(taylor.TaylorN.variables(x, order=2))).hessian()
        product = taylor.hvp(f, x, v)
        print(
            f"{name:14s} hessian - HyperDual {difference(h, dual):.0e}, "
            f"hessian - TaylorN {difference(h, series):.0e}, "
            f"hvp - HyperDual {difference(product, dual @ v):.0e}"
        )


def main() -> None:
    """Print all of it."""
    counts()
    times()
    agreement()


if __name__ == "__main__":
    main()
