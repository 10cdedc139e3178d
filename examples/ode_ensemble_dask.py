"""Ten thousand orbits on the workers of a Dask cluster, here two processes of this machine.

The same call without `executor` runs on the threads of this machine, with the same bits.
Needs dask[distributed] (pip install taylor-arithmetic[cluster]).
"""

import numpy as np
from dask.distributed import Client, LocalCluster

from taylor.ode import solve_ensemble


def kepler(t, y):
    """Return the motion of a planet around a sun of mass 1."""
    return [y[2], y[3], *(-y[:2] * (y[0] ** 2 + y[1] ** 2) ** -1.5)]


def main():
    """Send all planets once around their suns; they are back where they were."""
    e = np.random.default_rng(0).uniform(0.0, 0.6, 10_000)
    y0 = np.stack([1 - e, 0 * e, 0 * e, np.sqrt((1 + e) / (1 - e))], axis=1)
    period = 2 * np.pi
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        there = solve_ensemble(kepler, (0.0, period), y0, executor=client.get_executor())
    here = solve_ensemble(kepler, (0.0, period), y0)
    error = np.abs(there.y_last - y0).max()
    print(
        f"{there.success.sum()} orbits, {there.steps.sum()} steps, back to 1e-13: {error < 1e-13}"
    )
    print("the same bits as on this machine:", np.array_equal(there.y, here.y))


if __name__ == "__main__":  # the workers import this file
    main()
