"""Lorenz' equations to t = 50, and for how long doubles can be trusted.

Errors grow as exp(0.906 t) (the largest Lyapunov exponent): those of doubles reach the size of the
solution near t = 40, and no program in doubles knows it at 50.  The same call with numbers of
`mpmath` has as many digits as are asked for.  `--digits N` takes another number (100: half a
minute), `--plot FILE.png` draws both solutions and their distance (needs matplotlib).
"""

import sys

import mpmath
import numpy as np

from taylor.ode import solve_ivp

LYAPUNOV = 0.906  # of these parameters
digits = int(sys.argv[sys.argv.index("--digits") + 1]) if "--digits" in sys.argv else 30


def lorenz(t, s, sigma, rho, beta):
    """Return the derivative of (x, y, z)."""
    x, y, z = s
    return [sigma * (y - x), x * (rho - z) - y, x * y - beta * z]


def attractor(number, **options):
    """Return the solution through (1, 1, 1) in numbers of some type."""
    parameters = [number(10), number(28), number(8) / 3]
    start = [number(1), number(1), number(1)]
    return solve_ivp(lorenz, (0, 50), start, args=parameters, dense_output=True, **options)


doubles = attractor(float)
other = attractor(float, order=24)
with mpmath.workdps(digits):
    many = attractor(mpmath.mpf)
    print("x, y, z at t = 50:")
    for number in many.y[:, -1]:
        print("  ", mpmath.nstr(number, max(10, digits - 18)))

t = np.linspace(0.0, 50.0, 501)
reference = many.sol(t).astype(float)
error = np.abs(doubles.sol(t) - reference).max(0)
distance = np.abs(doubles.sol(t) - other.sol(t)).max(0)
for until in (10, 20, 30):
    print(f"doubles at t = {until}: error {error[t == until][0]:.0e}")
print(f"doubles are off by 1 at t = {t[np.argmax(error > 1)]:.0f}")
print(f"doubles of order 20 and 24 are 1 apart at t = {t[np.argmax(distance > 1)]:.0f}")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    fig, (top, bottom) = plt.subplots(2, 1, figsize=(7, 5.4), sharex=True)
    top.plot(t, reference[0], "C0", label=f"{digits} digits")
    top.plot(t, doubles.sol(t)[0], "C1--", linewidth=1, label="doubles")
    top.set_ylabel("x")
    top.legend(loc="upper left", ncols=2)
    bottom.semilogy(t, np.maximum(error, 1e-17), "C0", label=f"doubles from {digits} digits")
    bottom.semilogy(t, np.maximum(distance, 1e-17), "C1", linewidth=1, label="order 20 from 24")
    bottom.semilogy(t, 1e-16 * np.exp(LYAPUNOV * t), "k:", label=f"exp({LYAPUNOV} t)")
    bottom.set(xlabel="t", ylabel="distance", ylim=(1e-17, 1e3))
    bottom.legend()
    fig.tight_layout()
    fig.savefig(sys.argv[sys.argv.index("--plot") + 1])
