"""A proof by computer: every stationary point of a function, and which of them are its minima.

Himmelblau's function f(x, y) = (x² + y - 11)² + (x + y² - 7)² has in [-5, 5]² nine points where its
gradient vanishes.  Interval Newton on the gradient proves that there is one root in each of nine
tiny boxes, and none elsewhere; the Hessian over a box tells minima, saddles and the maximum apart;
branch and prune proves that the least value is zero.  `--plot FILE.png` draws the boxes of
each level (needs matplotlib).
"""

import sys

import numpy as np

import taylor
from taylor import verified as tv

SQUARE = [(-5, 5), (-5, 5)]
KINDS = {2: "minimum", 1: "saddle", 0: "maximum"}


def himmelblau(p):
    """Return the function at a point p = (x, y)."""
    x, y = p
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def positive(box):
    """Return how many eigenvalues of the Hessian are positive, the same in all of the box."""
    h = taylor.hessian(himmelblau, box)
    determinant = h[0, 0] * h[1, 1] - h[0, 1] * h[1, 0]
    if determinant < 0:  # certain, or Undecided is raised
        return 1
    return 2 if h[0, 0] > 0 else 0


points = tv.roots(lambda p: taylor.gradient(himmelblau, p), SQUARE)
assert not len(points.undecided), "something is not decided"
for box in points.unique:
    value = himmelblau(box)
    print(f"{KINDS[positive(box)]:8} x in {box[0]:.8}, y in {box[1]:.8}, f in {value:.6}")

levels = [1]  # how many boxes were looked at, level by level
least = tv.minimize(himmelblau, SQUARE, tol=1e-12, progress=lambda done, left: levels.append(done))
print(f"least value in {least.value}, taken within {len(least.boxes)} of {least.evaluated} boxes")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    figure, axes = plt.subplots(figsize=(5.6, 5.2))
    for n, budget in enumerate(levels[:5]):
        try:
            left = tv.minimize(himmelblau, SQUARE, tol=1e-12, max_boxes=budget)
        except tv.NotVerified as error:
            left = error.result
        for box in left.boxes:
            corner, sides = box.lo, box.width
            colour = plt.cm.Blues(0.1 + 0.2 * n)
            axes.add_patch(Rectangle(corner, *sides, facecolor=colour, edgecolor="white", lw=0.3))
    x, y = np.meshgrid(np.linspace(-5, 5, 200), np.linspace(-5, 5, 200))
    axes.contour(
        x, y, np.log10(himmelblau((x, y)) + 0.1), 8, colors="0.4", linewidths=0.5, linestyles="-"
    )
    axes.plot(*points.unique.mid.T, "k+", markersize=7)
    axes.set(xlim=(-5, 5), ylim=(-5, 5), xlabel="x", ylabel="y")
    axes.set_title(
        "The boxes of each level that may hold a least value;\n+ proved stationary points"
    )
    figure.tight_layout()
    figure.savefig(sys.argv[sys.argv.index("--plot") + 1])
