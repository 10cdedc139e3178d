"""SciPy's Newton methods with exact gradients and Hessian-vector products, no derivative by hand.

Rosenbrock's function of twenty variables by four methods of scipy.optimize.minimize; only the first
has to guess derivatives by differences.  `--plot FILE.png` draws the descent (needs matplotlib).
"""

import sys

import numpy as np
from scipy.optimize import minimize

import taylor


def rosenbrock(x):
    """Return Σ 100 (x_{i+1} - x_i²)² + (1 - x_i)²."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


o = taylor.objective(rosenbrock)
x0 = np.tile([1.3, 0.7, 0.8, 1.9, 1.2], 4)
RUNS = {
    "BFGS, differences": {"fun": rosenbrock, "method": "BFGS"},
    "BFGS": {"fun": o.value_and_gradient, "method": "BFGS", "jac": True},
    "Newton-CG": {
        "fun": o.value_and_gradient, "method": "Newton-CG", "jac": True, "hessp": o.hessp,
        "options": {"xtol": 1e-10},
    },
    "trust-ncg": {
        "fun": o.value_and_gradient, "method": "trust-ncg", "jac": True, "hessp": o.hessp,
        "options": {"gtol": 1e-8},
    },
}  # fmt: skip

histories = {}
print("method              iterations   calls of f   ‖x - 1‖")
for name, options in RUNS.items():
    path = [x0]
    result = minimize(x0=x0, callback=lambda x, path=path: path.append(np.copy(x)), **options)
    histories[name] = [np.linalg.norm(x - 1) for x in path]
    print(f"{name:18s}  {result.nit:10d}   {result.nfev:10d}   {np.linalg.norm(result.x - 1):.0e}")
print("minimum at ones:", np.allclose(result.x, 1, rtol=0, atol=1e-8))
print("Hessian there, top left:", np.round(o.hess(result.x)[:2, :2], 6).tolist())

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    plt.figure(figsize=(6, 4))
    for name, errors in histories.items():
        plt.semilogy(np.maximum(errors, 1e-16), label=name)
    plt.xlabel("iteration")
    plt.ylabel("distance from the minimum")
    plt.grid(alpha=0.3)
    plt.legend()
    plt.tight_layout()
    plt.savefig(sys.argv[sys.argv.index("--plot") + 1], dpi=120)
