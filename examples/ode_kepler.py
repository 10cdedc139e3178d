"""A comet's orbit, e = 0.9, for a thousand periods.

Steps of order 20 are short at the sun and long far from it; rounding is all the error there is.  So
energy and angular momentum walk at random, errors as the square root of time, and the place in the
orbit is off by the integral of that, time to the power 3/2 (Brouwer, Astronomical Journal 46,
1937).  `--plot FILE.png` draws the steps and the errors (needs matplotlib).
"""

import sys

import numpy as np

from taylor.ode import TaylorIntegrator, solve_ivp

e = 0.9
period = 2 * np.pi  # of the orbit with semi-major axis 1 and GM = 1
start = np.array([[1 - e, 0.0], [0.0, np.sqrt((1 + e) / (1 - e))]])  # at the perihelion


def kepler(t, y):
    """Return (v, -q/|q|³) for a state (q, v) of shape (2, 2)."""
    q, v = y
    return [v, -q / np.sum(q**2) ** 1.5]


def energy(y):
    """Return v²/2 - 1/|q| of states along the last axis."""
    q, v = y
    return np.sum(v**2, 0) / 2 - 1 / np.sqrt(np.sum(q**2, 0))


def momentum(y):
    """Return q × v."""
    (x, y), (u, v) = y
    return x * v - y * u


comet = TaylorIntegrator(kepler, 0.0, start)
revolutions = np.arange(1001)
states = comet.propagate_grid(period * revolutions)
steps = comet.steps / revolutions[-1]

loss = np.abs(energy(states) / energy(start) - 1)
turned = np.abs(momentum(states) / momentum(start) - 1)
apart = np.linalg.norm((states - start[..., None])[0], axis=0)  # it should be back at its start
print(f"steps a revolution: {steps:.0f} of order {comet.order}")
print(f"energy: relative error at most {loss.max():.0e} in 1000 periods")
print(f"angular momentum: relative error at most {turned.max():.0e}")
for n in (1, 10, 100, 1000):
    print(f"after {n:4} periods: {apart[n]:.0e} from where it should be")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    once = solve_ivp(kepler, (0.0, period), start, dense_output=True)
    orbit = once.sol(np.linspace(0.0, period, 2000))[0]
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
    left.plot(*orbit, "C0", linewidth=1)
    left.plot(*once.y[0], "C0.", label=f"{once.nfev} steps of order {comet.order}")
    left.plot(0, 0, "C1o", label="sun")
    left.set(xlabel="x / semi-major axis", ylabel="y / semi-major axis", aspect="equal")
    left.set_ylim(-0.8, 0.8)
    left.locator_params(nbins=5)
    left.legend(loc="upper center")
    n = revolutions[1:]
    right.loglog(n, apart[1:], "C0.", markersize=2, label="position")
    right.loglog(n, loss[1:], "C1.", markersize=2, label="energy (relative)")
    right.loglog(n, 1e-14 * n**1.5, "k--", linewidth=1, label="power 3/2 of time")
    right.loglog(n, 1e-15 * n**0.5, "k:", linewidth=1, label="power 1/2 of time")
    right.set(xlabel="time / period", ylabel="error", ylim=(1e-17, 1e-8))
    right.legend()
    fig.tight_layout()
    fig.savefig(sys.argv[sys.argv.index("--plot") + 1])
