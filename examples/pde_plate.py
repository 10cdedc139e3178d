"""A clamped plate under a uniform load, Δ²u = 1: a small network with a differentiated residual.

u = (x(1 - x)y(1 - y))²·net(x, y) and its slope vanish on the edges of the unit square. The
residual at a grid of points takes the biharmonic operator; its Jacobian with respect to the
parameters, compiled, goes to a least-squares solver (SciPy). A Galerkin method with polynomials
is the measure. `--progress` shows a bar (needs tqdm), `--plot FILE.png` draws the plate and the
error (needs matplotlib).
"""

import itertools
import sys

import numpy as np
from scipy.optimize import least_squares

import taylor
from taylor.progress import Progress

HIDDEN = 12
GRID = (np.arange(9) + 0.5) / 18
POINTS = np.stack(np.meshgrid(GRID, GRID), axis=-1).reshape(-1, 2)


def plate(theta, x):
    """Return the deflection at points along the last axis of x."""
    a, b, c, d = theta.reshape(4, HIDDEN)
    square = 4 * (x - 0.5) ** 2  # the deflection is symmetric
    hidden = np.tanh(square[..., :1] * a + square[..., 1:] * b + c)
    edge = x[..., 0] * (1 - x[..., 0]) * x[..., 1] * (1 - x[..., 1])
    return edge**2 * (hidden @ d)


def residual(theta):
    """Return Δ²u - 1 at the points."""
    return taylor.biharmonic(lambda x: plate(theta, x), POINTS) - 1


def galerkin(n=8):
    """Return u = Σ c_ij φ_i(x) φ_j(y), φ_i = (x(1 - x))² times a polynomial."""
    at, weight = np.polynomial.legendre.leggauss(40)
    at, weight = (at + 1) / 2, weight / 2

    def shape(i):
        return lambda x: (x * (1 - x)) ** 2 * np.polynomial.Chebyshev.basis(i, [0, 1])(x)

    tables = [taylor.derivatives(shape(i), at, 2) for i in range(n)]
    f, _, s = np.stack(tables, axis=1)
    mass, mixed, stiff = (g * weight @ h.T for g, h in ((f, f), (f, s), (s, s)))
    matrix = np.kron(stiff, mass) + np.kron(mass, stiff) + 2 * np.kron(mixed, mixed.T)
    c = np.linalg.solve(matrix, np.kron(f @ weight, f @ weight)).reshape(n, n)

    def u(x):
        phi = [np.stack([shape(i)(x[..., k]) for i in range(n)], axis=-1) for k in (0, 1)]
        return np.einsum("...i,ij,...j->...", phi[0], c, phi[1])

    return u


exact = galerkin()
theta = np.random.default_rng(0).normal(size=4 * HIDDEN)
jacobian = taylor.compile(lambda theta: taylor.jacobian(residual, theta))
with Progress("--progress" in sys.argv, "Jacobians") as report:
    done = itertools.count(1)

    def counted(theta):
        n = next(done)
        report(n, max(100 - n, 0))
        return jacobian(theta)

    fit = least_squares(taylor.compile(residual), theta, counted, method="lm", max_nfev=100)
found = fit.x
centre = np.array([0.5, 0.5])
error = np.max(np.abs(plate(found, POINTS) - exact(POINTS))) / exact(centre)
print(f"deflection at the centre: {plate(found, centre):.6f} (net), {exact(centre):.6f} (Galerkin)")
print(f"largest error at the points, relative to it: {error:.1e}; less than 1e-3: {error < 1e-3}")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    side = np.linspace(0, 1, 81)
    x = np.stack(np.meshgrid(side, side), axis=-1)
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.4))
    for ax, values, title in zip(
        axes, (plate(found, x), plate(found, x) - exact(x)), ("deflection", "error"), strict=True
    ):
        drawn = ax.contourf(side, side, values, 20)
        figure.colorbar(drawn, ax=ax)
        ax.set(title=title, aspect="equal", xlabel="x", ylabel="y")
        ax.grid(False)
    figure.tight_layout()
    figure.savefig(sys.argv[sys.argv.index("--plot") + 1])
