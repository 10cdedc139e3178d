"""The series of an implicit function: solve F(x, y) = 0 for y(x) by reversion of a map.

Kepler's equation M = E - e·sin E defines E(M); its series about M = 0 is the reversion of a series.
For two unknowns the inverse of the map (x, y) -> (x, F(x, y)) contains y(x) in its second part.
"""

from fractions import Fraction

import numpy as np

from taylor import Taylor, TaylorN, inverse_map

e = Fraction(1, 2)
E = Taylor.variable(Fraction(0), order=7)
M = E - e * np.sin(E)
print("M(E) =", M)
print("E(M) =", M.inverse())
check = M.compose(M.inverse())
print("M(E(M)) =", check)

# x³ + y³ = 6xy (the folium of Descartes) near (3, 3): the slope is -1
x, y = TaylorN.variables([Fraction(3), Fraction(3)], order=4)
F = x**3 + y**3 - 6 * x * y
inverse = inverse_map([x, F])
s = Taylor.variable(Fraction(0), order=4)
branch = inverse[1]([s, 0 * s])  # y - 3 as a series in x - 3, on F = 0
print("y(x) = 3 +", branch)
on_curve = (3 + s) ** 3 + (3 + branch) ** 3 - 6 * (3 + s) * (3 + branch)
print("F(x, y(x)) =", on_curve)
