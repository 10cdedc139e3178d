"""Two electrons in a harmonic trap by variational Monte Carlo: energies out of Laplacians of log ψ.

The local energy is -(Δ log ψ + |∇ log ψ|²)/2 + V: value, gradient and Laplacian of log ψ are one
sweep in the algebra of the Laplacian, at all walkers at once. With the frequency ω = 1/2 the
ground state is known: ψ = (1 + r/2) exp(-(r₁² + r₂²)/4), E = 2 (Taut, Phys. Rev. A 48, 1993,
3561). `--plot FILE.png` draws the energies (needs matplotlib).
"""

import sys

import numpy as np

from taylor import operators as op

OMEGA = 0.5
d = op.partials(6)
SWEEP = op.Operator({"value": d[0] ** 0, "slope": list(d), "laplacian": d @ d})
rng = np.random.default_rng(0)


def apart(x):
    """Return the distance of the two electrons, x = (r₁, r₂) along the last axis."""
    return np.sqrt(np.sum((x[..., :3] - x[..., 3:]) ** 2, axis=-1))


def log_psi(b):
    """Return log ψ of the trial functions exp(-ω r²/2 + r₁₂/(2(1 + b r₁₂))), a cusp."""
    return lambda x: -OMEGA / 2 * np.sum(x * x, axis=-1) + apart(x) / (2 + 2 * b * apart(x))


def exact(x):
    return -OMEGA / 2 * np.sum(x * x, axis=-1) + np.log(1 + apart(x) / 2)


def local_energy(f, x):
    """Return Hψ/ψ at each walker."""
    found = SWEEP(f, x)
    slope = np.stack(found["slope"], axis=-1)
    kinetic = -(found["laplacian"] + np.sum(slope**2, axis=-1)) / 2
    return kinetic + OMEGA**2 / 2 * np.sum(x * x, axis=-1) + 1 / apart(x)


def sampled(f, walkers=2000, steps=150):
    """Return points of the density ψ², by Metropolis' method."""
    x = rng.normal(size=(walkers, 6))
    now = f(x)
    for _ in range(steps):
        y = x + rng.normal(size=x.shape) * 0.8
        then = f(y)
        taken = rng.uniform(size=walkers) < np.exp(2 * (then - now))
        x[taken], now[taken] = y[taken], then[taken]
    return x


trials = np.array([0.05, 0.1, 0.2, 0.4, 0.8])
means, errors = [], []
for b in trials:
    energy = local_energy(log_psi(b), sampled(log_psi(b)))
    means.append(energy.mean())
    errors.append(energy.std() / np.sqrt(len(energy)))
    print(f"b = {b:4}: E = {means[-1]:.4f} ± {errors[-1]:.4f}, variance {energy.var():.5f}")
best = trials[np.argmin(errors)]
energy = local_energy(exact, sampled(exact, steps=50))
print(f"least variance at b = {best}")
print(f"the exact ψ has E = {energy.mean():.12f} at every walker: {np.ptp(energy) < 1e-9}")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    plt.figure(figsize=(5, 3.4))
    plt.errorbar(trials, means, errors, marker="o", capsize=3, label="trial functions")
    plt.axhline(2, color="black", lw=1, label="exact")
    plt.xscale("log")
    plt.xticks(trials, trials)
    plt.minorticks_off()
    plt.xlabel("b")
    plt.ylabel("energy")
    plt.legend()
    plt.tight_layout()
    plt.savefig(sys.argv[sys.argv.index("--plot") + 1])
