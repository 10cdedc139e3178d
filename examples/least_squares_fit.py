"""A fit with error bars: SciPy's least squares with the Jacobian of the residuals as written.

An exponential decay y = a·exp(-k t) + c with noise; near the minimum the covariance of (a, k, c) is
s² (JᵀJ)⁻¹ with s² the variance of the residuals.  `--plot FILE.png` draws the fit (needs
matplotlib).
"""

import sys

import numpy as np
from scipy.optimize import least_squares

import taylor

TRUTH = np.array([2.5, 1.3, 0.5])
rng = np.random.default_rng(3)
t = np.linspace(0.0, 4.0, 60)


def model(p, t):
    """Return a·exp(-k t) + c."""
    a, k, c = p
    return a * np.exp(-k * t) + c


y = model(TRUTH, t) + 0.1 * rng.normal(size=t.size)


def residual(p):
    """Return model minus data."""
    return model(p, t) - y


x0 = np.array([1.0, 0.3, 0.0])
fit = least_squares(residual, x0, jac=lambda p: taylor.jacobian(residual, p))
J = taylor.jacobian(residual, fit.x)
variance = np.sum(fit.fun**2) / (t.size - len(fit.x))
covariance = variance * np.linalg.inv(J.T @ J)
errors = np.sqrt(np.diag(covariance))
print(f"{fit.nfev} evaluations of the residual, {fit.njev} Jacobians")
for name, value, error, truth in zip("akc", fit.x, errors, TRUTH, strict=True):
    print(f"{name} = {value:.3f} ± {error:.3f}   (truth {truth})")
print("correlation of a and c:", round(covariance[0, 2] / (errors[0] * errors[2]), 3))
print("all within three standard errors:", bool(np.all(np.abs(fit.x - TRUTH) < 3 * errors)))

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    J = taylor.jacobian(lambda p: model(p, t), fit.x)
    band = 2 * np.sqrt(np.sum(J @ covariance * J, axis=1))
    curve = model(fit.x, t)
    plt.figure(figsize=(6, 4))
    plt.plot(t, y, ".", label="data")
    plt.plot(t, curve, label="fit")
    plt.fill_between(t, curve - band, curve + band, alpha=0.3, color="C1", label="two std. errors")
    plt.xlabel("t")
    plt.ylabel("y")
    plt.legend()
    plt.tight_layout()
    plt.savefig(sys.argv[sys.argv.index("--plot") + 1], dpi=120)
