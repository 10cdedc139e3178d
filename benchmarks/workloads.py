"""The work that every package does: functions written once, tasks, and their exact results.

W0: starting: the import, a first result, one call.  W1: Taylor coefficients at one point.  W2: at
many points.  W3: dense polynomials in several variables.  W4: value, gradient, H·v and Hessian.
A function takes its operations from a namespace, so that it runs on the numbers of any package.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from benchmarks import gmm

POINT = 0.5
ORDERS = (5, 10, 20, 40, 100)
MANY = (1000, 100_000)
SHAPES = ((6, 4), (6, 6), (6, 8), (2, 20), (4, 10))  # (variables, order)
MIXTURES = (1, 5, 20, 50)
VALLEYS = (10, 100, 1000)
GMM = (10, 25, 1000)
QUANTITIES = ("f", "gradient", "H·v", "Hessian")
DIGITS = 120


class Task(NamedTuple):
    """One line of a table: a function or an operation, its sizes, and what is asked for."""

    workload: str
    function: str
    sizes: tuple[int, ...]
    what: str


# ------------------------------------------------------------------ functions of one variable
def eight(x: Any, m: Any) -> Any:
    """Return a function of 8 operations."""
    return m.exp(m.sin(x)) * m.sqrt(1.0 + x * x) / (2.0 + x)


def sixteen(x: Any, m: Any) -> Any:
    """Return a function of 16 operations."""
    s, c, e = m.sin(x), m.cos(x), m.exp(-(x * x))
    q = m.sqrt(1.5 + s * c)
    return (e + q * m.log(2.0 + x * e)) / (1.5 + c * c)


def sixty(x: Any, m: Any) -> Any:
    """Return a function of 60 operations."""
    y = x
    for _ in range(5):
        s, e = m.sin(y), m.exp(-0.3 * (y * y))
        y = (s * e - m.cos(y)) / (0.5 + m.sqrt(1.0 + s * s))
    return y


SCALAR: dict[str, Callable[[Any, Any], Any]] = {"8": eight, "16": sixteen, "60": sixty}


def points(n: int) -> Any:
    """Return the points of W2."""
    return np.linspace(0.1, 0.9, n)


def sample(n: int) -> list[int]:
    """Return the points of W2 that are checked."""
    return [0, n // 3, n - 1]


# ------------------------------------------------------------------ dense polynomials
def start(n: int) -> list[float]:
    """Return the point around which a polynomial in n variables is expanded."""
    return [0.1 * (i + 1) for i in range(n)]


def dense(variables: Sequence[Any], m: Any) -> Any:
    """Return a function of all variables none of whose coefficients is zero."""
    z = 0.4
    for i, x in enumerate(variables):
        z = z + 0.05 * (i + 1) * x
    return m.exp(m.sin(z * z + z))


POLYNOMIAL: dict[str, Callable[[Any, Any], Any]] = {
    "x·y": lambda z, m: z * z,
    "exp(sin(x))": lambda z, m: m.exp(m.sin(z)),
}


def direction(n: int) -> Any:
    """Return a vector that no mistake is orthogonal to by accident."""
    return 0.7 + 0.3 * np.cos(1.0 + np.arange(n))


def restrict(monomials: Any, coefficients: Any, order: int) -> list[float]:
    """Return the polynomial along the direction of its checks: Σ of c·v^α of each degree."""
    monomials = np.asarray(monomials, dtype=int)
    terms = np.prod(direction(monomials.shape[1]) ** monomials, axis=1) * coefficients
    return np.bincount(monomials.sum(axis=1), terms, order + 1).tolist()


# ------------------------------------------------------------------ functions of many variables
def mixture(n: int) -> tuple[Any, Any, Any]:
    """Return a composition x of n gases, the matrix A and the vector b, with b·x = 0.3."""
    i = np.arange(1, n + 1)
    x, b = 0.8 / n + 0.01 * i, 0.1 + 0.05 / i
    return x, 1.0 / (i[:, None] + i), 0.3 / (b @ x) * b


def helmholtz(x: Any, m: Any, a: Any, b: Any) -> Any:
    """Return the Helmholtz energy of a mixture of gases (Griewank 1989)."""
    bx, root = m.dot(b, x), np.sqrt(2.0)
    ratio = (1.0 + (1.0 + root) * bx) / (1.0 + (1.0 - root) * bx)
    attraction = m.dot(x, m.dot(a, x)) / (np.sqrt(8.0) * bx)
    return m.sum(x * m.log(x / (1.0 - bx))) - attraction * m.log(ratio)


def rosenbrock(x: Any, m: Any) -> Any:
    """Return Rosenbrock's function."""
    return m.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def problem(task: Task, m: Any) -> tuple[Callable[[Any], Any], Any]:
    """Return (f, x): the function of a task of W4 on the numbers of a namespace, and its point."""
    if task.function == "Helmholtz":
        x, a, b = mixture(*task.sizes)
        return lambda v: helmholtz(v, m, a, b), x
    if task.function == "Rosenbrock":
        return lambda v: rosenbrock(v, m), np.linspace(-1.2, 1.0, *task.sizes)
    return gmm.problem(*task.sizes, m=m)


# ------------------------------------------------------------------ tasks
def tasks(workload: str) -> list[Task]:
    """Return the tasks of a workload, the cheaper ones first."""
    if workload == "W0":
        return [Task("W0", what, (), "") for what in ("import", "first result", "x + 1")]
    if workload == "W1":
        return [Task("W1", f, (k,), "") for k in ORDERS for f in SCALAR]
    if workload == "W2":
        return [Task("W2", f, (n, 10), "") for n in MANY for f in SCALAR]
    if workload == "W3":
        return [Task("W3", f, shape, "") for shape in SHAPES for f in POLYNOMIAL]
    if workload != "W4":
        return []
    named = [("Helmholtz", (n,)) for n in MIXTURES] + [("Rosenbrock", (n,)) for n in VALLEYS]
    found = [Task("W4", name, sizes, q) for name, sizes in named for q in QUANTITIES]
    return found + [Task("W4", "GMM", GMM, q) for q in QUANTITIES[:-1]]


# ------------------------------------------------------------------ exact results
def elementwise(module: Any) -> SimpleNamespace:
    """Return a namespace for object arrays, and for numbers, of which `module` has functions."""
    found = {name: np.frompyfunc(getattr(module, name), 1, 1) for name in ("exp", "log")}
    shape = {name: getattr(np, name) for name in ("sum", "dot", "reshape", "concatenate", "einsum")}

    def logsumexp(a: Any, axis: int = -1) -> Any:
        return found["log"](np.sum(found["exp"](a), axis=axis))

    return SimpleNamespace(**found, **shape, logsumexp=logsumexp)


def reference(task: Task) -> list[list[Any]]:
    """Return the results of a task as series of mpmath numbers, by mpmath alone."""
    from mpmath import mp

    with mp.workdps(DIGITS):
        if task.workload == "W0":
            return [[mp.mpf(1.5)]]
        if task.workload == "W1":
            return [_circle(lambda t: SCALAR[task.function](t, mp), POINT, task.sizes[0])]
        if task.workload == "W2":
            n, order = task.sizes
            f = SCALAR[task.function]
            return [_circle(lambda t: f(t, mp), points(n)[i], order) for i in sample(n)]
        if task.workload == "W3":
            n, order = task.sizes

            def along(t: Any) -> Any:
                x = [a + t * v for a, v in zip(start(n), direction(n), strict=True)]
                return POLYNOMIAL[task.function](dense(x, mp), mp)

            return [_circle(along, 0.0, order, 0.05)]
        return [[_along(task.function, task.sizes)[min(QUANTITIES.index(task.what), 2)]]]


def _circle(f: Callable[[Any], Any], x: float, order: int, r: float = 0.25) -> list[Any]:
    """Return the Taylor coefficients of f at x from its values on a circle (Cauchy's formula)."""
    from mpmath import mp

    n = 256
    roots = mp.unitroots(n)
    values = [f(x + r * w) for w in roots]
    sums = (mp.fdot(values, (roots[-j * k % n] for j in range(n))) for k in range(order + 1))
    return [s.real / (n * mp.mpf(r) ** k) for k, s in enumerate(sums)]


@functools.cache
def _along(function: str, sizes: tuple[int, ...]) -> tuple[Any, Any, Any]:
    """Return f, g·v and v·Hv of a problem of W4, from central differences in 50 digits."""
    from mpmath import mp

    with mp.workdps(50):
        f, x = problem(Task("W4", function, sizes, ""), elementwise(mp))
        h = mp.mpf(10) ** -12
        x, v = x + mp.mpf(0), direction(len(x)) * h
        low, middle, high = f(x - v), f(x), f(x + v)
        return middle, (high - low) / (2 * h), (high - 2 * middle + low) / h**2


def error(got: list[list[float]], want: list[list[Any]]) -> float:
    """Return the largest error of series, relative to the local envelope of their coefficients."""
    from mpmath import mp

    worst = 0.0
    with mp.workdps(DIGITS):
        for a, b in zip(got, want, strict=True):
            top = max(abs(v) for v in b[:2])
            ratios = [(abs(v) / top) ** (mp.mpf(1) / k) for k, v in enumerate(b) if k > 1 and v]
            growth = max(ratios, default=mp.mpf(1))  # the reciprocal of the local scale
            size = max(abs(v) / growth**k for k, v in enumerate(b))
            for k, (c, d) in enumerate(zip(a, b, strict=True)):
                off = float(abs(c - d) / (size * growth**k))
                worst = max(worst, off) if off == off else math.inf
    return worst
