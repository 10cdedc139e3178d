"""Sun, Jupiter, Saturn, Uranus, Neptune and Pluto for 10^6 days: the energy walks at random.

Rounding errors of either sign in every step give an energy error that grows as the square root of
time (Brouwer, Astronomical Journal 46, 1937), and truncation and bias add nothing to it.
The law is one of means, so some runs are made, whose starts differ in the ninth digit.  Data:
Applegate et al., The outer solar system for 200 million years, Astronomical Journal 92, 1986, with
the inner planets in the sun.  `--days N` takes another time (1e8: a minute), `--plot FILE.png`
draws orbits and errors (needs matplotlib).
"""

import sys

import numpy as np

from taylor.ode import TaylorIntegrator

NAMES = ["Sun", "Jupiter", "Saturn", "Uranus", "Neptune", "Pluto"]
MASS = np.array([1.00000597682, 1 / 1047.355, 1 / 3501.6, 1 / 22869, 1 / 19314, 7.4074074e-09])
# time in years: then velocities are of the size of positions, and count in the size of the error
YEAR = 365.25
G = (0.01720209895 * YEAR) ** 2  # Gauss's constant squared: AU³/(year² solar mass)
POSITION = [  # in AU
    [-4.06428567034226e-3, -6.08813756435987e-3, -1.66162304225834e-6],
    [+3.40546614227466e0, +3.62978190075864e0, +3.42386261766577e-2],
    [+6.60801554403466e0, +6.38084674585064e0, -1.36145963724542e-1],
    [+1.11636331405597e1, +1.60373479057256e1, +3.61783279369958e-1],
    [-3.01777243405203e1, +1.91155314998064e0, -1.53887595621042e-1],
    [-2.13858977531573e1, +3.20719104739886e1, +2.49245689556096e0],
]
VELOCITY = [  # in AU a day
    [+6.69048890636161e-6, -6.33922479583593e-6, -3.13202145590767e-9],
    [-5.59797969310664e-3, +5.51815399480116e-3, -2.66711392865591e-6],
    [-4.17354020307064e-3, +3.99723751748116e-3, +1.67206320571441e-5],
    [-3.25884806151064e-3, +2.06438412905916e-3, -2.17699042180559e-5],
    [-2.17471785045538e-4, -3.11361111025884e-3, +3.58344705491441e-5],
    [-1.76936577252484e-3, -2.06720938381724e-3, +6.58091931493844e-4],
]
START = np.array([POSITION, np.multiply(VELOCITY, YEAR)])
FIRST, SECOND = np.triu_indices(6, 1)  # the fifteen pairs
# row i of this matrix sums the pulls on body i: G·m_j of the other, in the direction of the pair
PULL = np.zeros((6, 15))
PULL[FIRST, range(15)], PULL[SECOND, range(15)] = G * MASS[SECOND], -G * MASS[FIRST]


def newton(t, y):
    """Return (velocities, accelerations) for a state of shape (2, 6, 3)."""
    q, v = y
    d = q[SECOND] - q[FIRST]
    return np.stack([v, PULL @ (d / np.sum(d**2, axis=1, keepdims=True) ** 1.5)])


def energy(y):
    """Return the energy of states along the last axis, in more digits than they have."""
    q, v = np.asarray(y).astype(np.longdouble)
    m = MASS.astype(np.longdouble)
    d = np.sqrt(np.sum((q[SECOND] - q[FIRST]) ** 2, axis=1))
    kinetic = np.tensordot(m, np.sum(v**2, axis=1), 1) / 2
    return kinetic - np.tensordot(G * m[FIRST] * m[SECOND], 1 / d, 1)


days = float(sys.argv[sys.argv.index("--days") + 1]) if "--days" in sys.argv else 1e6
times = np.linspace(0.0, days / YEAR, 401)
random = np.random.default_rng(1937)
runs = []
for n in range(16):
    nearby = START * (1 + n * 1e-9 * random.standard_normal(START.shape))  # the first as it is
    planets = TaylorIntegrator(newton, 0.0, nearby)
    states = planets.propagate_grid(times)
    runs.append(np.asarray(energy(states) / energy(nearby) - 1, dtype=float))
    if n == 0:
        orbits = states
errors = np.array(runs)
spread = np.sqrt(np.mean(errors**2, axis=0))
power = np.polyfit(np.log(times[20:]), np.log(spread[20:]), 1)[0]

print(f"{planets.steps} steps of about {days / planets.steps:.0f} days, order {planets.order}")
print(f"energy: relative error {spread[-1]:.0e} after {days:.0e} days (root mean square)")
print(f"it grows as time to the power {power:.1f}")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.9))
    shown = TaylorIntegrator(newton, 0.0, START).propagate_grid(np.linspace(0.0, 248.0, 3000))
    for i, name in enumerate(NAMES[1:], 1):
        left.plot(shown[0, i, 0], shown[0, i, 1], linewidth=1, label=name)
    left.plot(0, 0, "k.", label="Sun")
    left.set(xlabel="x / AU", ylabel="y / AU", aspect="equal", xlim=(-52, 105))
    left.legend(loc="center right")
    for n, error in enumerate(errors):
        label = "16 runs" if n == 0 else None
        right.plot(times * YEAR, error / 1e-15, "C0", alpha=0.35, linewidth=0.7, label=label)
    law = spread[-1] * np.sqrt(times / times[-1]) / 1e-15
    right.plot(times * YEAR, spread / 1e-15, "C1", label="root mean square")
    right.plot(times * YEAR, law, "k--", linewidth=1, label="square root of time")
    right.plot(times * YEAR, -law, "k--", linewidth=1)
    right.set(xlabel="time / days", ylabel="relative energy error / $10^{-15}$")
    right.legend(loc="upper left")
    fig.tight_layout()
    fig.savefig(sys.argv[sys.argv.index("--plot") + 1])
