"""Gradient descent gains a fixed factor a step, Newton's method doubles the correct digits.

The convex function exp(x + 3y - 0.1) + exp(x - 3y - 0.1) + exp(-x - 0.1) of Boyd & Vandenberghe,
Convex Optimization, (9.20), with its minimum at (-log(2)/2, 0); both methods halve the step until
the function decreases enough.  `--plot FILE.png` draws the errors (needs matplotlib).
"""

import sys

import numpy as np

import taylor

MINIMUM = np.array([-np.log(2) / 2, 0.0])


def f(x):
    """Return the sum of three exponentials."""
    slopes = np.array([[1.0, 3.0], [1.0, -3.0], [-1.0, 0.0]])
    return np.sum(np.exp(slopes @ x - 0.1))


def steepest(x):
    """Return the direction of gradient descent."""
    return -taylor.gradient(f, x)


def newton(x):
    """Return the direction of Newton's method."""
    return -np.linalg.solve(taylor.hessian(f, x), taylor.gradient(f, x))


def errors(direction, x):
    """Return the distance from the minimum before each step, until the gradient is below 1e-6."""
    history = [np.linalg.norm(x - MINIMUM)]
    while np.linalg.norm(g := taylor.gradient(f, x)) > 1e-6:
        d, size = direction(x), 1.0
        while f(x + size * d) > f(x) + 0.1 * size * (g @ d):
            size /= 2
        x = x + size * d
        history.append(np.linalg.norm(x - MINIMUM))
    return history


start = np.array([-1.5, 1.0])
descent, quadratic = errors(steepest, start), errors(newton, start)
print("step   gradient descent   Newton")
for k in range(len(quadratic)):
    print(f"{k:4d}   {descent[k]:<16.1e}   {quadratic[k]:.1e}")
print("   …")
print(f"{len(descent) - 1:4d}   {descent[-1]:<16.1e}")
factor = (descent[-1] / descent[5]) ** (1 / (len(descent) - 6))
print(f"gradient descent: {len(descent) - 1} steps, each reduces the error {1 / factor:.1f} times")
print(f"Newton: {len(quadratic) - 1} steps, the last ones double the correct digits")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    plt.figure(figsize=(6, 4))
    plt.semilogy(descent, "o-", label="gradient descent")
    plt.semilogy(quadratic, "s-", label="Newton")
    plt.xlabel("iteration")
    plt.ylabel("distance from the minimum")
    plt.grid(alpha=0.3)
    plt.legend()
    plt.tight_layout()
    plt.savefig(sys.argv[sys.argv.index("--plot") + 1], dpi=120)
