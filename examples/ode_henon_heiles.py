"""Poincaré sections of the system of Hénon & Heiles by events: order goes over to chaos.

A star in a model of a galaxy (The applicability of the third integral of motion, Astronomical
Journal 69, 1964); each point is where an orbit goes through x = 0 with x' > 0.  The points of one
orbit lie on a curve where there is a third integral of motion, and fill an area where there is not.
`--plot FILE.png` draws the three sections of the paper (needs matplotlib).
"""

import sys

import numpy as np

from taylor.ode import solve_ivp

ENERGIES = [1 / 12, 1 / 8, 1 / 6]
STARTS = [(0.0, 0.12), (0.3, 0.0), (-0.15, 0.0), (0.0, 0.3), (0.1, 0.05), (-0.22, 0.1)]  # (y, y')


def henon_heiles(t, s):
    """Return the derivative of (x, y, x', y')."""
    x, y, u, v = s
    return [u, v, -x - 2 * x * y, -y - x**2 + y**2]


def energy(s):
    """Return the energy of states along the last axis."""
    x, y, u, v = s
    return (u**2 + v**2 + x**2 + y**2) / 2 + x**2 * y - y**3 / 3


def plane(t, s):
    """Return x, which is zero on the section."""
    return s[0]


plane.direction = 1  # the orbits that go up through it


def section(level, y, v, until=1000.0):
    """Return where the orbit from (0, y) with y' = v, of that energy, goes through the plane."""
    u = np.sqrt(2 * level - v**2 - y**2 + 2 * y**3 / 3)
    return solve_ivp(henon_heiles, (0.0, until), [0.0, y, u, v], events=plane).y_events[0].T


sections = [[section(level, *start) for start in STARTS] for level in ENERGIES]
for level, orbits in zip(ENERGIES, sections, strict=True):
    points = np.concatenate(orbits, axis=1)
    lost = np.abs(energy(points) / level - 1).max()
    print(f"energy {level:.4f}: {points.shape[1]} points,", end=" ")
    print(f"|x| at most {np.abs(points[0]).max():.0e}, energy right to {lost:.0e}")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 3, figsize=(10, 3.9), sharex=True, sharey=True)
    for ax, level, orbits in zip(axes, ENERGIES, sections, strict=True):
        for points in orbits:
            ax.plot(points[1], points[3], ".", markersize=2.5)
        ax.set(title=f"energy {level:.4f}", xlabel="y", aspect="equal", xlim=(-0.6, 1.05))
    axes[0].set_ylabel("dy/dt")
    fig.tight_layout()
    fig.savefig(sys.argv[sys.argv.index("--plot") + 1])
