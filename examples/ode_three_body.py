"""Three bodies of masses 3, 4 and 5, at rest in the corners of a Pythagorean triangle.

They fall together, meet many times and part at last: two fly off as a pair and the third alone
(Burrau 1913; Szebehely & Peters, Complete solution of a general problem of three bodies,
Astronomical Journal 72, 1967).  Where two are close the steps are a millionth of those before.
`--plot FILE.png` draws the orbits and the distances (needs matplotlib).
"""

import sys

import numpy as np

from taylor.ode import solve_ivp

MASS = np.array([3.0, 4.0, 5.0])
START = np.array([[[1.0, 3.0], [-2.0, -1.0], [1.0, -1.0]], np.zeros((3, 2))])
PAIRS = [(0, 1), (0, 2), (1, 2)]
FIRST, SECOND = np.transpose(PAIRS)
PULL = np.zeros((3, 3))  # row i sums the pulls on body i
PULL[FIRST, range(3)], PULL[SECOND, range(3)] = MASS[SECOND], -MASS[FIRST]


def newton(t, y):
    """Return (velocities, accelerations) for a state of shape (2, 3, 2) and G = 1."""
    q, v = y
    d = q[SECOND] - q[FIRST]
    return np.stack([v, PULL @ (d / np.sum(d**2, axis=1, keepdims=True) ** 1.5)])


def energy(y):
    """Return the energy of states along the last axis."""
    q, v = y
    d = np.sqrt(np.sum((q[SECOND] - q[FIRST]) ** 2, axis=1))
    kinetic = np.tensordot(MASS, np.sum(v**2, axis=1), 1) / 2
    return kinetic - np.tensordot(MASS[FIRST] * MASS[SECOND], 1 / d, 1)


def approach(pair):
    """Return the event that two bodies are closest: d(distance²)/dt goes up through zero."""
    i, j = pair

    def closest(t, y):
        q, v = y
        return np.sum((q[j] - q[i]) * (v[j] - v[i]))

    closest.direction = 1
    return closest


result = solve_ivp(
    newton, (0.0, 70.0), START, events=[approach(p) for p in PAIRS], dense_output=True
)
meetings = []
for (i, j), times, states in zip(PAIRS, result.t_events, result.y_events, strict=True):
    distances = np.linalg.norm(states[:, 0, j] - states[:, 0, i], axis=-1)
    meetings += [(d, t, i, j) for d, t in zip(distances, times, strict=True)]
distance, time, i, j = min(meetings)
steps = np.diff(result.t)
lost = np.abs(energy(result.y) / energy(START) - 1)
q, v = result.y[..., -1]

print(f"two of the bodies are closest {len(meetings)} times in {len(steps)} steps")
print(f"the closest: masses {MASS[i]:g} and {MASS[j]:g} at t = {time:.6f}, {distance:.3e} apart")
print(f"steps from {steps.min():.0e} to {steps[:-1].max():.2f}")
print(f"energy: relative error {lost[-1]:.0e} at the end")
print(f"at t = 70 masses 4 and 5 are {np.linalg.norm(q[1] - q[2]):.1f} apart,", end=" ")
print(
    f"mass 3 is {np.linalg.norm(q[0] - q[2]):.0f} away, and flies off at {np.linalg.norm(v[0]):.2f}"
)

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4))
    t = np.linspace(0.0, 20.0, 8000)
    for body, mass in enumerate(MASS):
        left.plot(*result.sol(t)[0, body], linewidth=0.8, label=f"mass {mass:g}")
        left.plot(*START[0, body], "k.")
    left.set(xlabel="x", ylabel="y", aspect="equal", title="until t = 20")
    left.legend()
    right.semilogy(result.t[1:], steps, "C7", linewidth=0.6, label="step")
    d, when, *_ = np.transpose(meetings)
    right.semilogy(when, d, "C3.", label="least distance of a pair")
    right.set(xlabel="t", ylabel="distance, step", xlim=(0, 70))
    right.legend(loc="lower right")
    fig.tight_layout()
    fig.savefig(sys.argv[sys.argv.index("--plot") + 1])
