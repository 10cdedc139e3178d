"""A stationary density of a Fokker-Planck equation with a diffusion matrix, checked and used.

dx = b dt + σ dW has the density p of ∂p/∂t = tr(D ∇²p) - ∇·(b p), D = σσᵀ/2.  With the drift
b = -(D + Q)∇U, Q antisymmetric, exp(-U) is stationary though the system circulates.  The residual
takes derivatives of U within those of p; a simulation has the same mean of x².
`--plot FILE.png` draws density and drift (needs matplotlib).
"""

import sys

import numpy as np

import taylor
from taylor import operators as op

SIGMA = np.array([[1.0, 0.0], [0.6, 0.8]])
D, Q = SIGMA @ SIGMA.T / 2, np.array([[0.0, 1.5], [-1.5, 0.0]])


def potential(x):
    """Return a double well along the first axis."""
    return (x[..., 0] ** 2 - 1) ** 2 + x[..., 0] * x[..., 1] / 2 + x[..., 1] ** 2


def drift(x):
    """Return b at each point."""
    slope = np.stack(op.apply(list(op.partials(2)), potential, x), axis=-1)
    return -slope @ (D + Q).T


def residual(p, x):
    """Return tr(D ∇²p) - ∇·(b p) at each point."""
    spread = taylor.hessian_trace(p, x, D)
    return spread - taylor.divergence(lambda x: drift(x) * p(x)[..., None], x)


def density(x):
    """Return exp(-U), the stationary density up to a factor."""
    return np.exp(-potential(x))


def gaussian(x):
    """Return a density that is not stationary."""
    return np.exp(-np.sum(x * x, axis=-1))


rng = np.random.default_rng(0)
x = rng.uniform(-2, 2, size=(1000, 2))
print(f"residual of exp(-U): {np.max(np.abs(residual(density, x))):.0e} or less")
print(f"residual of a Gaussian: {np.max(np.abs(residual(gaussian, x))):.1f}")

side = np.linspace(-3, 3, 241)
grid = np.stack(np.meshgrid(side, side), axis=-1)
p = density(grid) / density(grid).sum()
expected = np.sum(p * grid[..., 0] ** 2)
step, h = taylor.compile(drift), 2e-3
samples = []
for n in range(4000):
    x = x + h * step(x) + np.sqrt(h) * rng.normal(size=x.shape) @ SIGMA.T
    if n >= 1000 and n % 50 == 0:
        samples.append(np.mean(x[:, 0] ** 2))
print(f"mean of x²: {expected:.3f} by exp(-U), {np.mean(samples):.3f} by simulation")
print("they agree to 2 %:", abs(np.mean(samples) / expected - 1) < 0.02)

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    plt.figure(figsize=(5.6, 3.6))
    plt.contourf(side, side, p / (side[1] - side[0]) ** 2, 20)
    plt.colorbar(label="density")
    coarse = grid[10::20, 10::20]
    b = drift(coarse)
    size = 1 + np.linalg.norm(b, axis=-1, keepdims=True)
    plt.quiver(*np.moveaxis(coarse, -1, 0), *np.moveaxis(b / size, -1, 0), color="white")
    plt.grid(False)
    plt.xlabel("x")
    plt.ylabel("y")
    plt.tight_layout()
    plt.savefig(sys.argv[sys.argv.index("--plot") + 1])
