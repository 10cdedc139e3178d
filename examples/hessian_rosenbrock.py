"""Newton's method on Rosenbrock's function with exact gradients and Hessians."""

import numpy as np

import hyperdual
import taylor


def rosenbrock(x):
    """Return Σ 100 (x_{i+1} - x_i²)² + (1 - x_i)²."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


x = np.array([-1.2, 1.0])
steps = 0
while np.linalg.norm(g := taylor.gradient(rosenbrock, x)) > 1e-10 and steps < 100:
    h = taylor.hessian(rosenbrock, x)
    direction = -np.linalg.solve(h, g)
    size = 1.0
    while rosenbrock(x + size * direction) > rosenbrock(x) + 1e-4 * size * (g @ direction):
        size /= 2
    x = x + size * direction
    steps += 1
print("steps:", steps)
print("minimum:", np.round(x, 12))
print("Hessian there:")
print(np.round(taylor.hessian(rosenbrock, x), 6))
print("one entry by hyper-dual numbers:", round(hyperdual.second_partial(rosenbrock, x, 0, 1), 6))
print("along a direction, order 4:", taylor.directional(rosenbrock, x, np.ones(2), 4))
