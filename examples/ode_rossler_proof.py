"""A proof by computer: the Rössler system has a periodic orbit, and its period to twelve digits.

On the section x = 0, crossed upwards, let P be the return map in u = (y, z).  For a box U around an
approximate fixed point c, and C near the inverse of P' - 1, Krawczyk's operator

    K(U) = c - C·(P(c) - c) + (1 - C·(P'(U) - 1))·(U - c)

maps U into its interior: then P has exactly one fixed point in U, and it lies in K(U).  P, its
derivative and the time of return are bounds that hold for all points of a box, rounding included.
`--plot FILE.png` draws the orbit with the bounds of one revolution (needs matplotlib).
"""

import sys

import numpy as np

from taylor import verified as tv

A, B, C = 0.2, 0.2, 5.7  # the floats next to 1/5 and 5.7: the proof is of the system with these
RADIUS = 1e-9


def rossler(t, s):
    """Return the derivative of (x, y, z)."""
    x, y, z = s
    return [-y - z, x + A * y, B + z * (x - C)]


def returned(y, z):
    """Return the crossing of x = 0, upwards, that follows one at (0, y, z)."""
    return tv.poincare(rossler, lambda s: s[0], [0.0, y, z], direction=1)


u = np.array([-8.380942, 0.029590])
for _ in range(4):  # Newton's method at points, for a start
    there = returned(*u)
    u = u - np.linalg.solve(there.jacobian.mid[1:, 1:] - np.eye(2), there.y.mid[1:] - u)

box = tv.Interval(u - RADIUS, u + RADIUS)
slope = returned(box[0], box[1]).jacobian[1:, 1:] - np.eye(2)
inverse = np.linalg.inv(slope.mid)
moved = returned(*u).y[1:] - u
image = u - inverse @ moved + (np.eye(2) - inverse @ slope) @ (box - u)
assert image.inside(box).all(), "nothing is proved"

orbit = returned(image[0], image[1])
print(f"one fixed point within {RADIUS} of ({u[0]:.10f}, {u[1]:.10f})")
print(f"y in {image[0]}, z in {image[1]}")
print(f"period in {orbit.t}")
stretching = orbit.jacobian[1:, 1:]
trace = stretching[0, 0] + stretching[1, 1]
print(f"trace of P' in {trace:.6}: {'unstable' if abs(trace) > 2 else 'not decided'}")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    wide = tv.Interval(
        [0.0, image[0].mid - 0.05, image[1].mid], [0.0, image[0].mid + 0.05, image[1].mid]
    )
    tube = tv.solve_ivp(rossler, (0.0, float(orbit.t.hi)), wide)
    plt.figure(figsize=(6.4, 4.8))
    cuts = np.linspace(0.0, float(orbit.t.hi), 400)
    for begin, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        x, y, _ = tube(tv.Interval(begin, end))
        plt.fill(
            [x.lo, x.hi, x.hi, x.lo], [y.lo, y.lo, y.hi, y.hi], color="tab:blue", alpha=0.25, lw=0
        )
    plt.plot(*orbit.solution.y.mid[:2], "k.", markersize=3)
    plt.xlabel("x")
    plt.ylabel("y")
    plt.title("Bounds of all solutions from a segment of length 0.1, one revolution")
    plt.tight_layout()
    plt.savefig(sys.argv[sys.argv.index("--plot") + 1], dpi=110)
