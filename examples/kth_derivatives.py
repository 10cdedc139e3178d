"""The k-th derivatives of a function written as ordinary code, and the coefficients behind them."""

import math

import numpy as np

import taylor
from taylor import Taylor


def f(x):
    """Return exp(sin x)/(1 + x²), by any code that works on numbers."""
    return np.exp(np.sin(x)) / (1 + x**2)


x = 0.5
print("k   f⁽ᵏ⁾(0.5)")
for k, d in enumerate(taylor.derivatives(f, x, 8)):
    print(f"{k}   {d:.12g}")

t = Taylor.variable(x, order=100)  # a number that carries its series
y = f(t)
h = 0.25
print("series at 0.75: ", float(y(h)))
print("f(0.75):        ", float(f(x + h)))
print("radius of convergence:", round(y.radius(), 1), "(nearest singularities ±i:", end=" ")
print(f"{math.hypot(0.5, 1):.2f})")

# the same for a whole array of points at once
points = np.linspace(0.0, 1.0, 5)
print("f''' at five points:", np.round(taylor.derivative(f, points, 3), 6))
