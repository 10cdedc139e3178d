"""The hydrogen molecule by variational Monte Carlo: energies out of Laplacians of log ψ.

ψ = φ(r₁)φ(r₂)·e^J, where φ is a bond of two exponentials and the Jastrow factor e^J holds the cusp
of the two electrons and, in elliptic coordinates, that they avoid each other. The local energy and
the slopes of log ψ with respect to the parameters, compiled, are taken at all walkers at once; they
move the parameters by natural gradient (stochastic reconfiguration, Sorella, Phys. Rev. B 64, 2001,
024512). Measure: E = -1.174475714 hartree at a distance of 1.4011 bohr (Pachucki, Phys. Rev. A 82,
2010, 032509). `--progress` shows a bar (needs tqdm), `--plot FILE.png` draws the energies and the
density (needs matplotlib).
"""

import sys

import numpy as np

import taylor
from taylor import operators as op

BOND, EXACT = 1.4011, -1.174475714
WALKERS, ROUNDS, BLOCKS = 2000, 20, 100
NUCLEI = np.array([[0, 0, -BOND / 2], [0, 0, BOND / 2]])
d = op.partials(6)
SWEEP = op.Operator({"slope": list(d), "laplacian": d @ d})
rng = np.random.default_rng(0)


def distances(x):
    """Return those of each electron to each nucleus (..., 2, 2), and of the electrons."""
    r = x.reshape((*x.shape[:-1], 2, 1, 3))
    apart = x[..., :3] - x[..., 3:]
    return np.sqrt(np.sum((r - NUCLEI) ** 2, axis=-1)), np.sqrt(np.sum(apart**2, axis=-1))


def log_psi(p, x):
    """Return log ψ at points x = (r₁, r₂) along the last axis."""
    r, apart = distances(x)
    bonds = np.sum(np.log(np.sum(np.exp(-p[0] * r), axis=-1)), axis=-1)
    t = (r[..., 0] - r[..., 1]) / BOND
    u = apart / (1 + p[1] * apart)
    sides = p[2] * t[..., 0] * t[..., 1] + p[3] * np.sum(t * t, axis=-1)
    return bonds + u / 2 + sides


def local_energy(p, x):
    """Return Hψ/ψ at each point."""
    found = SWEEP(lambda x: log_psi(p, x), x)
    slope = np.stack(found["slope"], axis=-1)
    kinetic = -(found["laplacian"] + np.sum(slope * slope, axis=-1)) / 2
    r, apart = distances(x)
    return kinetic - np.sum(1 / r, axis=(-2, -1)) + 1 / apart + 1 / BOND


def moved(p, x, steps):
    """Return points of the density ψ² after some steps of Metropolis' method."""
    now = value(p, x)
    for _ in range(steps):
        y = x + rng.normal(size=x.shape) * 0.45
        then = value(p, y)
        taken = rng.uniform(size=len(x)) < np.exp(2 * (then - now))
        x, now = np.where(taken[:, None], y, x), np.where(taken, then, now)
    return x


def counted(n, what):
    """Return range(n), with a bar if one is wanted."""
    if "--progress" not in sys.argv:
        return range(n)
    from tqdm import tqdm

    return tqdm(range(n), desc=what)


value, energy = taylor.compile(log_psi), taylor.compile(local_energy)
slopes = taylor.compile(lambda p, x: taylor.jacfwd(lambda p: log_psi(p, x), p))
p = np.array([1.2, 0.5, 0.0, 0.0])
x = moved(p, rng.normal(size=(WALKERS, 6)), 200)
means, errors = [], []
for _ in counted(ROUNDS, "parameters"):
    x = moved(p, x, 20)
    e, o = energy(p, x), slopes(p, x)
    means.append(e.mean())
    errors.append(e.std() / np.sqrt(WALKERS))
    o = o - o.mean(axis=0)
    metric = o.T @ o / WALKERS
    force = o.T @ (e - e.mean()) / WALKERS
    p = p - 0.3 * np.linalg.solve(metric + 1e-3 * np.eye(len(p)), force)

x, sums, seen = moved(p, x, 100), np.zeros(WALKERS), []
for _ in counted(BLOCKS, "energy"):
    x = moved(p, x, 10)
    sums += energy(p, x)
    seen.append(x)
walkers = sums / BLOCKS  # they are independent of each other
mean, error = walkers.mean(), walkers.std() / np.sqrt(WALKERS)
print(f"at first: E = {means[0]:.3f} ± {errors[0]:.3f}")
print(f"best parameters: {np.round(p, 2)}")
print(f"E = {mean:.5f} ± {error:.5f} hartree; exact {EXACT:.5f}")
print(f"above the exact energy, by less than 4 millihartree: {0 < mean - EXACT < 4e-3}")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2))
    left.errorbar(range(ROUNDS), means, errors, fmt="o", ms=3, capsize=2, label="2,000 walkers")
    left.axhline(EXACT, color="black", lw=1, label="exact")
    left.set(xlabel="rounds of parameters", ylabel="energy [hartree]")
    left.legend()
    points = np.concatenate(seen).reshape(-1, 3)
    across = np.hypot(points[:, 0], points[:, 1])
    count, _, rho = np.histogram2d(points[:, 2], across, bins=(72, 30), range=((-3, 3), (0, 3)))
    density = count / np.diff(rho**2)  # rings of the same area
    both = np.concatenate([density[:, ::-1], density], axis=1).T
    right.imshow(np.sqrt(both), extent=(-3, 3, -3, 3), cmap="magma", interpolation="bilinear")
    right.plot(NUCLEI[:, 2], [0, 0], "+", color="white")
    right.set(xlabel="z [bohr]", ylabel="ρ [bohr]", title="√density")
    right.grid(False)
    figure.tight_layout()
    figure.savefig(sys.argv[sys.argv.index("--plot") + 1])
