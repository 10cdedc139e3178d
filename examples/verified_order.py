"""How narrow proved bounds become with the order: of a function, an integral, a solution.

A Taylor model of exp(sin x) on [0, 1/2] is off by its radius, an integral and a solution lie in
intervals.  Each order wins a factor, until only rounding is left.  `--plot FILE.png` draws the
widths (needs matplotlib).
"""

import sys

import numpy as np

from taylor import verified as tv

ORDERS = range(2, 25, 2)


def model(order):
    """Return the radius of a Taylor model of exp(sin x) on [0, 1/2]."""
    (x,) = tv.models([(0, 0.5)], order=order)
    return float(np.exp(np.sin(x)).radius)


def integral(order):
    """Return the width of the integral of exp(sin x) from 0 to 1/2, in eight pieces."""
    try:
        found = tv.quad(lambda x: np.exp(np.sin(x)), 0.0, 0.5, tol=1e-30, order=order, max_pieces=8)
    except tv.NotVerified as error:
        found = error.result
    return float(found.width)


def solution(order):
    """Return the width of a pendulum's angle at t = 1, by a tolerance of 1e-10, and the steps."""
    pendulum = (lambda t, y: [y[1], -np.sin(y[0])]), (0, 1), [1.0, 0.0]
    found = tv.solve_ivp(*pendulum, order=order, tol=1e-10)
    return float(found(1.0).width[0]), found.steps


widths = [(model(n), integral(n)) for n in ORDERS]
print("order  model    integral")
for n, (radius, width) in zip(ORDERS, widths, strict=True):
    print(f"{n:5}  {radius:.1e}  {width:.1e}")
for n in (6, 12, 20):
    width, steps = solution(n)
    print(f"the pendulum by order {n}: {steps} steps, width {width:.0e}")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.6, 4.2))
    for values, marker, label in zip(
        zip(*widths, strict=True), "os", ("Taylor model, radius", "integral, width"), strict=True
    ):
        axes.semilogy(ORDERS, values, marker=marker, markersize=4, label=label)
    axes.axhline(2.0**-53, color="0.6", linewidth=0.8, linestyle="--", label="rounding of 1")
    axes.set(xlabel="order", title="Proved bounds of exp(sin x) on [0, 1/2]")
    axes.legend()
    figure.tight_layout()
    figure.savefig(sys.argv[sys.argv.index("--plot") + 1])
