"""A forward difference loses half of the digits, a central one a third, a Taylor derivative none.

The error of forward and central differences against the step h, as in Figure 3 of Baydin et al.,
Automatic Differentiation in Machine Learning: a Survey: truncation falls with h, round-off grows
as 1/h.  `--plot FILE.png` draws both (needs matplotlib).
"""

import sys
from fractions import Fraction

import numpy as np

import taylor


def f(x):
    """Return the fourth iterate of the logistic map, written out."""
    return 64 * x * (1 - x) * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x**2) ** 2


x = 0.2
value, slope, second, third = taylor.derivatives(f, x, 3)
truth = float(taylor.derivative(f, Fraction(x)))  # exact: f is a polynomial
print(f"f'({x}) = {slope:.15g}, relative error {abs(slope / truth - 1):.0e}")

h = 10.0 ** np.arange(-17, 0.01, 0.25)
forward = np.abs((f(x + h) - f(x)) / h - truth)
central = np.abs((f(x + h) - f(x - h)) / (2 * h) - truth)
for name, error in (("forward", forward), ("central", central)):
    best = np.argmin(error)
    print(f"{name} difference: best h = {h[best]:.0e}, relative error {error[best] / truth:.0e}")

# the models: |f''| h/2 and |f'''| h²/6 of truncation, about ε |f|/h of round-off
round_off = np.finfo(float).eps * abs(value) / h
print(f"predicted best h: forward {np.sqrt(2 * 2.2e-16 * abs(value / second)):.0e},", end=" ")
print(f"central {np.cbrt(3 * 2.2e-16 * abs(value / third)):.0e}")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    plt.figure(figsize=(6.5, 4.5))
    plt.loglog(h, forward, "C0o", markersize=4, label="forward difference")
    plt.loglog(h, central, "C1s", markersize=4, label="central difference")
    plt.loglog(h, abs(second) * h / 2, "C0--", linewidth=1, label="truncation |f''| h/2")
    plt.loglog(h, abs(third) * h**2 / 6, "C1--", linewidth=1, label="truncation |f'''| h²/6")
    plt.loglog(h, round_off, "k:", label="round-off ε |f|/h")
    plt.axhline(max(abs(slope - truth), 1e-16), color="C2", label="Taylor arithmetic")
    plt.ylim(1e-16, 1e3)
    plt.xlabel("step h")
    plt.ylabel("error of the derivative")
    plt.legend(fontsize=8)
    plt.grid(alpha=0.3)
    plt.tight_layout()
    plt.savefig(sys.argv[sys.argv.index("--plot") + 1], dpi=120)
