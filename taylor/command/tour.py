"""A short tour on real input: the logistic map, a gas mixture, fifty digits of sin."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

import taylor


def logistic(x: Any, n: int = 4) -> Any:
    """Return the n-th iterate l_n of l_1 = x, l_(i+1) = 4 l_i (1 - l_i).

    Baydin et al., Automatic Differentiation in Machine Learning: a Survey, Table 1.
    """
    for _ in range(n - 1):
        x = 4 * x * (1 - x)
    return x


def logistic_derivative(x: float) -> float:
    """Return l_4' by the expanded formula of the same table."""
    a, b = 1 - 2 * x, 1 - 8 * x + 8 * x * x
    return (
        128 * x * (1 - x) * (-8 + 16 * x) * a**2 * b
        + 64 * (1 - x) * a**2 * b**2
        - 64 * x * a**2 * b**2
        - 256 * x * (1 - x) * a * b**2
    )


def helmholtz(x: Any, a: Any, b: Any, rt: float = 1.0) -> Any:
    """Return the Helmholtz free energy of a mixture of real gases (Peng-Robinson).

    f(x) = RT Σ x_i log(x_i/(1 - b·x)) - x·Ax/(√8 b·x) · log((1 + (1+√2) b·x)/(1 + (1-√2) b·x));
    the benchmark of Griewank (1989), also in the survey of Baydin et al.
    """
    bx = b @ x
    mixing = rt * np.sum(x * np.log(x / (1 - bx)))
    ratio = (1 + (1 + np.sqrt(2.0)) * bx) / (1 + (1 - np.sqrt(2.0)) * bx)
    return mixing - (x @ a @ x) / (np.sqrt(8.0) * bx) * np.log(ratio)


def mixture(n: int) -> tuple[Any, Any, Any]:
    """Return a composition x, the matrix A and the vector b of a mixture, with b·x = 0.3."""
    i = np.arange(1, n + 1)
    x, b = 0.8 / n * np.ones(n) + 0.01 * i, 0.1 + 0.05 / i
    return x, 1.0 / (i[:, None] + i), 0.3 / (b @ x) * b


def main() -> None:
    """Print the tour."""
    print("1. The fourth iterate of the logistic map, l' at x = 0.2")
    print(f"   from the program   {float(taylor.derivative(logistic, 0.2)):.15g}")
    print(f"   expanded by hand   {logistic_derivative(0.2):.15g}")
    print(f"   l itself, order 3  {logistic(taylor.Taylor.variable(0.2, order=3))}")
    x, a, b = mixture(3)

    def energy(v: Any) -> Any:
        return helmholtz(v, a, b)

    h = taylor.hessian(energy, x)
    print("\n2. Helmholtz energy of a mixture of three gases")
    print(f"   value     {energy(x):.12g}")
    print(f"   gradient  {np.array2string(taylor.gradient(energy, x), precision=10)}")
    print("   Hessian   " + np.array2string(h, precision=8, prefix="   Hessian   "))
    twice = float(taylor.directional(energy, x, x, 2))
    print(f"   x·Hx      {x @ h @ x:.12g}   along the direction x: {twice:.12g}")
    print("\n3. sin at 1 to fifty digits")
    with mpmath.workdps(50):
        for k, c in enumerate(taylor.taylor_coefficients(taylor.sin, mpmath.mpf(1), 5)):
            print(f"   c_{k}  {mpmath.nstr(c, 50)}")
