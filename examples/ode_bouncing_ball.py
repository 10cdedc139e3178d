"""A ball that loses a tenth of its speed with every bounce: an event that changes the state.

The bounces follow each other ever faster and end in finite time, at g·t/v = 2·(1 + r + r² + ...)
after the first one: the integration says so and stops there.  `--plot FILE.png` draws the height
(needs matplotlib).
"""

import sys

import numpy as np

from taylor.ode import solve_ivp

GRAVITY, RESTITUTION = 9.81, 0.9  # m/s²; speed after a bounce over that before
HEIGHT = 2.0  # m


def fall(t, y):
    """Return the derivative of (height, speed)."""
    return [y[1], -GRAVITY]


def ground(t, y):
    """Return the height."""
    return y[0]


def bounce(t, y):
    """Return the state after the ball has met the ground."""
    return [0.0, -RESTITUTION * y[1]]


ground.direction = -1  # falling
ground.callback = bounce

result = solve_ivp(fall, (0.0, 20.0), [HEIGHT, 0.0], events=ground, dense_output=True)
bounces = result.t_events[0]
down = np.sqrt(2 * HEIGHT / GRAVITY)  # until the first bounce
n = np.arange(len(bounces))
exact = down * (1 + 2 * RESTITUTION * (1 - RESTITUTION**n) / (1 - RESTITUTION))
rest = down * (1 + RESTITUTION) / (1 - RESTITUTION)

print(f"bounces found: {len(bounces)}")
print(f"times right to {np.abs(bounces - exact).max():.0e} s")
print(f"at rest at t = {rest:.12f} s, the last bounce at {bounces[-1]:.12f} s")
print(result.message)

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    t = np.linspace(0.0, result.t[-1], 4000)
    plt.figure(figsize=(7, 3.4))
    plt.plot(t, result.sol(t)[0], "C0")
    plt.plot(bounces, 0 * bounces, "C1.", label=f"{len(bounces)} bounces")
    plt.axvline(rest, color="k", linestyle=":", label="at rest")
    plt.xlabel("time / s")
    plt.ylabel("height / m")
    plt.legend()
    plt.tight_layout()
    plt.savefig(sys.argv[sys.argv.index("--plot") + 1])
