"""The same code in float, Fraction and with fifty digits."""

from fractions import Fraction

import mpmath
import numpy as np

import taylor
from taylor import Taylor


def f(x):
    """Return x·exp(-x²)."""
    return x * np.exp(-(x**2))


print("float:   ", float(taylor.derivative(f, 0.3, 12)))
with mpmath.workdps(50):
    print("50 digits:", taylor.derivative(f, mpmath.mpf(3) / 10, 12))

t = Taylor.variable(Fraction(0), order=8)
print("exact:", np.exp(t) / (1 - t))
print("tan:  ", np.tan(t))

# Bernoulli numbers: t/(exp t - 1) = Σ B_k t^k / k!; the division costs one order
t = Taylor.variable(Fraction(0), order=13)
bernoulli = (t / np.expm1(t)).derivatives()
print("Bernoulli numbers:", *bernoulli)

with mpmath.workdps(40):
    t = Taylor.variable(mpmath.mpf(1), order=3)
    print("Euler's constant:", mpmath.nstr(-taylor.lgamma(t).coef[1], 35))
