"""The Kuramoto-Sivashinsky equation u_t + u u_x + u_xx + u_xxxx = 0 by a small network.

u = u₀(x) + t·net(t, sin x, cos x) is periodic and starts at u₀ = -sin x. All derivatives in the
residual are one sweep with 6 coefficients, and the Jacobian of the residual with respect to the
parameters, compiled, goes to a least-squares solver (SciPy). A spectral method is the measure.
`--progress` shows a bar (needs tqdm), `--plot FILE.png` draws the solution (needs matplotlib).
"""

import itertools
import sys

import numpy as np
from scipy.optimize import least_squares

import taylor
from taylor import operators as op
from taylor.progress import Progress

END, HIDDEN = 0.5, 10
d = op.partials("t", "x")
SWEEP = op.Operator({"u": d.t**0, "t": d.t, "x": d.x, "xx": d.x**2, "xxxx": d.x**4})
GRID = np.meshgrid(np.linspace(0, END, 6), np.arange(24) * 2 * np.pi / 24, indexing="ij")
T, X = (g.reshape(-1) for g in GRID)


def network(theta, t, x):
    """Return u at points."""
    a, b, c, e, w = theta.reshape(5, HIDDEN)
    s, k = np.sin(x), np.cos(x)
    hidden = np.tanh(t[..., None] * a + s[..., None] * b + k[..., None] * c + e)
    return -s + t * (hidden @ w)


def residual(theta):
    """Return u_t + u u_x + u_xx + u_xxxx at the points."""
    u = SWEEP(lambda t, x: network(theta, t, x), T, X)
    return u["t"] + u["u"] * u["x"] + u["xx"] + u["xxxx"]


def spectral(x, steps=2000):
    """Return u(END, x) by Fourier modes: an integrating factor and Runge and Kutta's method."""
    h, k = END / steps, np.fft.rfftfreq(len(x), 1 / len(x))
    half = np.exp(h / 2 * (k**2 - k**4))

    def f(v):
        return -0.5j * k * np.fft.rfft(np.fft.irfft(v) ** 2)

    v = np.fft.rfft(-np.sin(x))
    for _ in range(steps):
        a = h * f(v)
        b = h * f(half * (v + a / 2))
        c = h * f(half * v + b / 2)
        e = h * f(half**2 * v + half * c)
        v = half**2 * v + (half**2 * a + 2 * half * (b + c) + e) / 6
    return np.fft.irfft(v)


jacobian = taylor.compile(lambda theta: taylor.jacobian(residual, theta))
start = np.random.default_rng(2).normal(size=5 * HIDDEN) * np.repeat([7, 7, 7, 7, 1], HIDDEN) / 10
with Progress("--progress" in sys.argv, "Jacobians") as report:
    done = itertools.count(1)

    def counted(theta):
        n = next(done)
        report(n, max(80 - n, 0))
        return jacobian(theta)

    fit = least_squares(taylor.compile(residual), start, counted, method="lm", max_nfev=80)
found = fit.x
x = np.arange(64) * 2 * np.pi / 64
error = np.max(np.abs(network(found, np.full(64, END), x) - spectral(x)))
print(SWEEP)
print(f"mean square of the residual: {np.mean(residual(found) ** 2):.1e}")
print(f"largest error at the end: {error:.1e}; less than 1e-3: {error < 1e-3}")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    t, x = np.meshgrid(np.linspace(0, END, 60), np.linspace(0, 2 * np.pi, 121), indexing="ij")
    figure, (ax, away) = plt.subplots(1, 2, figsize=(8, 3.4), width_ratios=(3, 2))
    drawn = ax.contourf(x, t, network(found, t, x), 24, cmap="RdBu_r")
    figure.colorbar(drawn, ax=ax, label="u")
    ax.set(xlabel="x", ylabel="t")
    ax.grid(False)
    x = np.arange(64) * 2 * np.pi / 64
    away.plot(x, network(found, np.full(64, END), x) - spectral(x))
    away.ticklabel_format(scilimits=(0, 0), axis="y")
    away.set(xlabel="x", title=f"error at t = {END}")
    figure.tight_layout()
    figure.savefig(sys.argv[sys.argv.index("--plot") + 1])
