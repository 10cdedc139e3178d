"""A gradient by reverse mode costs a few evaluations of f, whatever the number of variables.

The Helmholtz energy of a mixture of n gases (Griewank 1989), as in Table 4 of Baydin et al.,
Automatic Differentiation in Machine Learning: a Survey.  Forward mode and finite differences run
f once for each variable, reverse mode does not care.  The constant factor is Python's, for an f of
microseconds; counted in operations it is 2 to 3 (`python -m benchmarks.reverse`).
`--plot FILE.png` draws the table (needs matplotlib).
"""

import sys
import timeit

import numpy as np

import taylor
from taylor.command.tour import helmholtz


def energy(n):
    """Return the energy as a function of the composition, and a composition with b·x = 0.3."""
    i = np.arange(1, n + 1)
    a, b = 1.0 / (i[:, None] + i), 0.1 + 0.05 / i
    return lambda x: helmholtz(x, a, b), 0.3 / (n * b)


def by_program(f, x):
    """Return a function of x: the gradient as a program recorded once."""
    program = taylor.reverse(taylor.record(f, x))
    return lambda x: program(x, 1.0)[1]


def by_reverse(f, x):
    """Return a function of x: the gradient by recording and one reverse sweep."""
    return lambda x: taylor.gradient(f, x)


def by_forward(f, x):
    """Return a function of x: the gradient by n tangents, one for each variable."""
    return lambda x: np.array([taylor.jvp(f, x, e)[1] for e in np.eye(len(x))])


def by_differences(f, x, h=1e-8):
    """Return a function of x: the gradient by n forward differences."""
    return lambda x: np.array([(f(x + h * e) - f(x)) / h for e in np.eye(len(x))])


def seconds(g, x):
    """Return the least time of g(x), out of a few."""
    timer = timeit.Timer(lambda: g(x))
    number = max(1, int(0.005 / timer.timeit(1)))
    return min(timer.repeat(5, number)) / number


METHODS = {
    "program": by_program, "reverse": by_reverse, "forward": by_forward,
    "differences": by_differences,
}  # fmt: skip
sizes = [1, 8, 15, 22, 29, 36, 43, 50]
ratios = {name: [] for name in METHODS}
print("time of a gradient / time of f")
print("  n " + "".join(f"{name:>13}" for name in METHODS))
for n in sizes:
    f, x = energy(n)
    unit = seconds(f, x)
    for name, method in METHODS.items():
        ratios[name].append(seconds(method(f, x), x) / unit)
    print(f"{n:3d} " + "".join(f"{ratios[name][-1]:13.1f}" for name in METHODS))

exact = by_reverse(f, x)(x)
print("reverse and forward agree:", np.allclose(exact, by_forward(f, x)(x), rtol=1e-13, atol=0))
print(f"error of the differences: {np.max(np.abs(by_differences(f, x)(x) / exact - 1)):.0e}")
growth = {name: ratios[name][-1] / ratios[name][1] for name in METHODS}
print("growth from n = 8 to 50:", ", ".join(f"{m} × {growth[m]:.1f}" for m in METHODS))

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    plt.figure(figsize=(6, 4))
    for name, marker in zip(METHODS, "os^v", strict=True):
        plt.semilogy(sizes, ratios[name], marker + "-", label=name)
    plt.xlabel("number of variables n")
    plt.ylabel("time(gradient) / time(f)")
    plt.grid(alpha=0.3)
    plt.legend(loc=(0.7, 0.55))
    plt.tight_layout()
    plt.savefig(sys.argv[sys.argv.index("--plot") + 1], dpi=120)
