"""Taylor coefficients of the pendulum φ'' = -sin φ, by Picard's iteration on series.

Each pass of y <- y0 + ∫ f(y) makes one more coefficient right, so `order` passes give them all.
"""

import math

import numpy as np

from taylor import Taylor


def picard(field, start, order):
    """Return the series of the solution of y' = field(y), y(0) = start."""
    y = [Taylor.constant(c, 0) for c in start]
    for k in range(order):
        slope = field([c.extend(k) if c.order < k else c for c in y])
        y = [s.integ(k=c) for s, c in zip(slope, start, strict=True)]
    return y


def pendulum(y):
    """Return (φ', -sin φ)."""
    angle, speed = y
    return [speed, -np.sin(angle)]


def energy(y):
    """Return φ'²/2 - cos φ, which the motion keeps."""
    return y[1] ** 2 / 2 - np.cos(y[0])


start = (1.0, 0.0)
angle, speed = picard(pendulum, start, order=24)
print("φ(t) =", angle.truncate(6))
print("energy as a series:", energy((angle, speed)).truncate(3))

h, y, time = 0.25, start, 0.0
while time < 10 - 1e-12:
    series = picard(pendulum, y, order=24)
    y = tuple(float(c(h)) for c in series)
    time += h
print("φ(10) =", round(y[0], 12))
print("energy lost:", abs(energy(y) - energy(start)) < 1e-13 and "less than 1e-13")


def agm(a, b):
    """Return the arithmetic-geometric mean: the period is 2π/agm(1, cos(φ0/2))."""
    while abs(a - b) > 1e-15:
        a, b = (a + b) / 2, math.sqrt(a * b)
    return a


period = 2 * math.pi / agm(1.0, math.cos(0.5))
print("period:", round(period, 12))
