"""Sums over a kernel matrix that does not fit into memory, and their gradient, tile by tile.

The likelihood of points x_i under a mixture of Gaussians around centres y_j takes all distances:
20,000 times 2,000 numbers here, and some more for its derivatives.  A compiled gradient of a tile
of points is added up over the tiles, so that memory holds one tile.  `--progress` shows a bar
(needs tqdm), `--plot FILE.png` draws the time against the size of the matrix (needs
matplotlib).
"""

import sys
import time

import numpy as np

import taylor
from taylor.progress import Progress

rng = np.random.default_rng(0)
TILE, WIDTH = 200, 0.3
centres = rng.normal(size=(2000, 3))
points = rng.normal(size=(20000, 3))


def log_likelihood(centres, tile):
    """Return Σ_i log Σ_j exp(-|x_i - y_j|²/(2·width²)) over the points of a tile."""
    square = np.sum(tile**2, axis=1)[:, None] + np.sum(centres**2, axis=1) - 2 * tile @ centres.T
    return np.sum(taylor.logsumexp(-square / (2 * WIDTH**2), axis=1))


@taylor.compile
def of_tile(centres, tile):
    return taylor.value_and_gradient(log_likelihood, centres, tile)


def in_tiles(centres, points):
    """Return the sum over all points and its gradient with respect to the centres."""
    value, slope = 0.0, np.zeros_like(centres)
    with Progress("--progress" in sys.argv, "points") as report:
        for start in range(0, len(points), TILE):
            part = of_tile(centres, points[start : start + TILE])
            value, slope = value + part[0], slope + part[1]
            report(start + TILE, len(points) - start - TILE)
    return value, slope


value, slope = in_tiles(centres, points)
print(f"log-likelihood {value:.3f}, norm of its gradient {np.linalg.norm(slope):.3f}")
few = points[: 2 * TILE]
whole = taylor.value_and_gradient(log_likelihood, centres, few)
print("tiles agree with the whole:", np.allclose(in_tiles(centres, few)[1], whole[1], rtol=1e-9))
matrix, tile = (8e-6 * len(centres) * n for n in (len(points), TILE))
print(f"one tile of the kernel matrix has {tile:.0f} MB, all of it {matrix:.0f} MB")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    def seconds(way, n):
        """Return the time of a sum over n points with its gradient, the least of three."""
        begun = [time.perf_counter()]
        for _ in range(3):
            way(centres, points[:n])
            begun.append(time.perf_counter())
        return np.diff(begun).min()

    def at_once(centres, points):
        return taylor.value_and_gradient(log_likelihood, centres, points)

    plt.figure(figsize=(5, 3.6))
    for label, way, sizes in (
        ("all points at once", at_once, [500, 1000, 2000]),
        ("compiled tiles", in_tiles, [500, 1000, 2000, 5000, 10000, 20000]),
    ):
        matrix = 8e-6 * len(centres) * np.array(sizes)
        plt.loglog(matrix, [seconds(way, n) for n in sizes], "o-", label=label)
    plt.xlabel("size of the kernel matrix [MB]")
    plt.ylabel("time of the gradient [s]")
    plt.legend()
    plt.tight_layout()
    plt.savefig(sys.argv[sys.argv.index("--plot") + 1])
