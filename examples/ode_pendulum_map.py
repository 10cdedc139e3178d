"""The flow map of the pendulum as a polynomial: where a whole region of starts is after a time.

A start that is a series in its displacement gives the end as a series in it, one integration for
all starts nearby.  The flow keeps areas (Liouville), so the Jacobian determinant of the map is 1 as
a series.  `--plot FILE.png` draws a disk of starts and its images (needs matplotlib).
"""

import sys

import numpy as np

from taylor import TaylorN
from taylor.ode import solve_ivp

ORDER, CENTRE, RADIUS = 12, np.array([1.6, 0.0]), 0.4
TIMES = [0.0, 2.0, 4.0, 6.0]


def pendulum(t, y):
    """Return the derivative of (angle, angular velocity)."""
    return [y[1], -np.sin(y[0])]


def flow(order):
    """Return the states at TIMES as polynomials of that order in the displacement of the start."""
    start = TaylorN.variables(CENTRE, order=order)
    return solve_ivp(pendulum, (0.0, TIMES[-1]), start, t_eval=TIMES).y


maps = flow(ORDER)
end = maps[:, -1]
(a, b), (c, d) = [[end[i].deriv(j) for j in range(2)] for i in range(2)]
area = a * d - b * c
print(f"monomials of each map: {end.coef.shape[0]}")
print(f"determinant: 1, other coefficients at most {np.abs(area.coef[1:]).max():.0e}")

turn = np.linspace(0.0, 2 * np.pi, 65)
circle = np.stack([np.cos(turn), np.sin(turn)])


def images(maps, radius):
    """Return what polynomials make of a circle of displacements, the points last."""
    return np.stack([maps(radius * point) for point in circle.T], axis=-1)


def integrated(radius):
    """Return the same with every point integrated, of shape (2, times, points)."""
    starts = CENTRE[:, None] + radius * circle
    return np.swapaxes(solve_ivp(pendulum, (0.0, TIMES[-1]), starts, t_eval=TIMES).y, 1, 2)


truth = integrated(RADIUS)
for order in (1, 2, 4, 8, 12):
    error = np.abs(images(maps.truncate(order), RADIUS) - truth).max()
    print(f"order {order:2}: images of the circle right to {error:.0e}")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    plt.figure(figsize=(7, 4.2))
    for order, style in ((1, "C1--"), (ORDER, "C0")):
        for radius in (RADIUS / 2, RADIUS):
            for k, (angle, speed) in enumerate(
                np.moveaxis(images(maps.truncate(order), radius), 1, 0)
            ):
                label = f"order {order}" if k == 0 and radius == RADIUS else None
                plt.plot(angle, speed, style, linewidth=1, label=label)
    points = truth[:, :, ::4].reshape(2, -1)
    plt.plot(*points, "k.", markersize=4, label="integrated")
    for t, (angle, speed) in zip(TIMES, maps.value.T, strict=True):
        plt.annotate(f"t = {t:g}", (angle, speed), ha="center", va="center", fontsize=8)
    plt.xlabel("angle / rad")
    plt.ylabel("angular velocity")
    plt.axis("equal")
    plt.legend()
    plt.tight_layout()
    plt.savefig(sys.argv[sys.argv.index("--plot") + 1])
