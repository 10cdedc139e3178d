"""Peng & Robinson's equation of state: pressure, its derivatives and the critical point.

p = RT/(v - b) - a(T)/(v² + 2bv - b²); at the critical point ∂p/∂v = ∂²p/∂v² = 0.
"""

import numpy as np

import taylor
from taylor import TaylorN

R = 8.31446261815324
T_CRITICAL, P_CRITICAL, ACENTRIC = 190.564, 4.5992e6, 0.01142  # methane
B = 0.077796073903888 * R * T_CRITICAL / P_CRITICAL
KAPPA = 0.37464 + 1.54226 * ACENTRIC - 0.26992 * ACENTRIC**2


def pressure(x):
    """Return the pressure (Pa) at x = (temperature in K, molar volume in m³/mol)."""
    temperature, v = x
    alpha = (1 + KAPPA * (1 - np.sqrt(temperature / T_CRITICAL))) ** 2
    a = 0.457235528921382 * (R * T_CRITICAL) ** 2 / P_CRITICAL * alpha
    return R * temperature / (v - B) - a / (v**2 + 2 * B * v - B**2)


x = np.array([250.0, 1e-3])
gradient = taylor.gradient(pressure, x)
print("p =", round(float(pressure(x)), 3), "Pa")
print("(∂p/∂T)_v =", round(float(gradient[0]), 6), "Pa/K")
print("isothermal compressibility =", f"{-1 / (x[1] * gradient[1]):.9e}", "1/Pa")
print("thermal expansion =", f"{-gradient[0] / gradient[1] / x[1]:.9e}", "1/K")
print("Hessian:", np.array2string(taylor.hessian(pressure, x), precision=6))

# the critical point as a root of two derivatives, by Newton's method on derivatives of derivatives
point = np.array([185.0, 3.5 * B])
for _ in range(30):
    p = pressure(TaylorN.variables(point, order=3))
    residual = np.array([p.partial((0, 1)), p.partial((0, 2))])
    jacobian = np.array(
        [[p.partial((1, 1)), p.partial((0, 2))], [p.partial((1, 2)), p.partial((0, 3))]]
    )
    step = np.linalg.solve(jacobian, residual)
    point = point - step
    if np.all(np.abs(step) < 1e-13 * np.abs(point)):
        break
print("critical temperature:", round(float(point[0]), 6), "K")
print("critical pressure:", round(float(pressure(point)) / 1e6, 6), "MPa")
