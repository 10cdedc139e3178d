"""Compiled functions against the compiled function itself, and batches against the peak.

W4: value, gradient, H·v and Hessian of the Helmholtz energy, Rosenbrock's function and a Gaussian
mixture, in units of the compiled value; times include the call from Python.  W2: Taylor
coefficients at many points, in multiply-adds a second against what the CPU can do in registers.
Multivariate series and tensors, against eager arithmetic.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import taylor
from benchmarks.gmm import problem
from benchmarks.peers import best, sixty
from taylor.jit import Code
from taylor.tour import helmholtz, mixture


def rosenbrock(x: Any) -> Any:
    """Return Rosenbrock's function."""
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def functions() -> dict[str, tuple[Callable[[Any], Any], Any, bool]]:
    """Return the functions, their points, and whether a dense Hessian is asked for."""
    found: dict[str, tuple[Callable[[Any], Any], Any, bool]] = {}
    for n in (1, 2, 5, 10, 20, 50):
        x, a, b = mixture(n)
        found[f"Helmholtz {n}"] = (lambda v, a=a, b=b: helmholtz(v, a, b), x, True)
    for n in (10, 100, 1000):
        found[f"Rosenbrock {n}"] = (rosenbrock, np.linspace(-1.0, 1.0, n), n <= 100)
    f, theta = problem(10, 25, 1000)
    found["GMM 10, 25, 1000"] = (f, theta, False)
    return found


def peak() -> float:
    """Return the multiply-adds a second of one core, eight vectors side by side, in registers."""
    lines = ["declare <8 x double> @llvm.fma.v8f64(<8 x double>, <8 x double>, <8 x double>)"]
    lines += ["define void @f(ptr %data) {", "entry:", "  br label %loop", "loop:"]
    lines += ["  %i = phi i64 [0, %entry], [%j, %loop]"]
    zero = "zeroinitializer"
    lines += [f"  %a{n} = phi <8 x double> [{zero}, %entry], [%b{n}, %loop]" for n in range(10)]
    call = "call <8 x double> @llvm.fma.v8f64"
    for n in range(10):
        arguments = f"<8 x double> %a{n}, <8 x double> %a{n}, <8 x double> %a{n}"
        lines.append(f"  %b{n} = {call}({arguments})")
    lines += ["  %j = add i64 %i, 1", "  %c = icmp slt i64 %j, 100000"]
    lines += ["  br i1 %c, label %loop, label %end", "end:"]
    for n in range(10):
        lines.append(f"  %p{n} = getelementptr <8 x double>, ptr %data, i64 {n}")
        lines.append(f"  store <8 x double> %b{n}, ptr %p{n}, align 8")
    code = Code("\n".join([*lines, "  ret void", "}", ""]))
    data = np.zeros(80)
    return 100000 * 10 * 8 / best(lambda: code.call(data.ctypes.data), 0.5) * 1e6


def figures(f: Callable[[Any], Any], x: Any, dense: bool) -> str:
    """Return the figures of one function as a line."""
    start = time.perf_counter()
    c = taylor.compile(f)
    g = taylor.gradient(c, x)
    took = time.perf_counter() - start
    np.testing.assert_allclose(g, taylor.gradient(f, x), rtol=1e-9, atol=1e-9)
    value = best(lambda: c(x))
    plain = best(lambda: f(x)) / value
    gradient = best(lambda: taylor.gradient(c, x)) / value
    product = best(lambda: taylor.hvp(c, x, x)) / value
    hessian = f"{best(lambda: taylor.hessian(c, x)):9.1f}" if dense else f"{'-':>9}"
    return f"{value:8.1f}{plain:9.1f}{gradient:8.1f}{product:8.1f}{hessian}{took:11.3f}"


def many(order: int, x: Any, threads: int) -> float:
    """Return the time of the coefficients of the function of 60 operations at many points."""
    c = taylor.compile(lambda t: sixty(t, np.sin, np.cos, np.exp, np.sqrt), threads=threads)
    return best(lambda: taylor.taylor_coefficients(c, x, order), 1.0)


def importing() -> float:
    """Return the time of `import taylor` after NumPy, in a process of its own."""
    code = (
        "import time, numpy; t = time.perf_counter(); import taylor; print(time.perf_counter()-t)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def series() -> None:
    """Print what whole functions on multivariate series, and tensors, cost beside eager ones."""

    def f(x: Any, y: Any, z: Any, w: Any) -> Any:
        return np.exp(np.sin(x * y + z)) * w

    def g(x: Any) -> Any:
        return np.sum(np.sin(x[1:] * x[:-1]) ** 2) + np.log(1.0 + x @ x)

    c = taylor.compile(f)
    for order in (2, 4, 6, 10):
        v = taylor.TaylorN.variables([0.3, 0.5, 0.7, 1.1], order)
        start = time.perf_counter()
        c(*v)
        took = time.perf_counter() - start
        one, rows = best(lambda v=v: c(*v)), best(lambda v=v: f(*v))
        print(
            f"exp(sin(x y + z)) w, order {order}: {one:.0f} us, row by row {rows / one:.1f} times, "
            f"compiled in {took:.3f} s"
        )
    for n, order in ((8, 3), (20, 3), (8, 4), (20, 4)):
        x, d = np.linspace(0.1, 1.0, n), taylor.compile(g)
        start = time.perf_counter()
        taylor.tensor(d, x, order)
        took = time.perf_counter() - start
        one = best(lambda d=d, x=x, k=order: taylor.tensor(d, x, k))
        eager = best(lambda x=x, k=order: taylor.tensor(g, x, k))
        print(
            f"tensor of order {order}, {n} variables: {one:.0f} us, NumPy {eager / one:.0f} times, "
            f"compiled in {took:.3f} s"
        )


def main() -> None:
    """Print the tables."""
    names = ("f us", "NumPy/f", "grad/f", "Hv/f", "Hess us", "compile s")
    print(f"{'':17}" + "".join(f"{name:>9}" for name in names))
    for name, given in functions().items():
        print(f"{name:18}{figures(*given)}")

    series()
    top, n = peak(), 100_000
    print(f"\npeak of one core: {top / 1e9:.1f} G multiply-adds a second")
    x = np.linspace(0.1, 0.9, n)
    for order in (5, 10, 20, 40):
        one, two = (many(order, x, threads) for threads in (1, 2))
        count = 39 * order * (order - 1) / 2 + 10 * order**2 / 4  # sums; of squares half
        print(
            f"60 operations, order {order}, 10^5 points: {one / n * 1e3:.0f} ns a point, "
            f"{count * n / (one * 1e-6) / top:.0%} of the peak, two threads {one / two:.2f}"
        )
    print(f"\nimport taylor beyond NumPy: {min(importing() for _ in range(5)):.3f} s")


if __name__ == "__main__":
    main()
