"""Enclosures: Taylor's theorem with an interval remainder (mpmath.iv).

f(x + h) = Σ_{k<K} c_k h^k + R with R in F_K h^K, where F_K is the coefficient K of f on the whole
interval: the result is a proof, not an estimate.
"""

import mpmath

import taylor
from taylor import Taylor

iv = mpmath.iv


def f(x):
    """Return x·exp(-x)·sin x."""
    return x * taylor.exp(-x) * taylor.sin(x)


middle, radius, order = 1.5, 0.25, 8
h = iv.mpf([-radius, radius])
at_point = f(Taylor.variable(iv.mpf(middle), order))
everywhere = f(Taylor.variable(middle + h, order))
plain = f(Taylor.variable(middle + h, 0)).value

enclosure = iv.mpf(0)
for k in range(order):
    enclosure += at_point.coef[k] * h**k
enclosure += everywhere.coef[order] * h**order

print("interval arithmetic:", plain, f" width {float(plain.delta.b):.2g}")
print("Taylor model:       ", enclosure, f" width {float(enclosure.delta.b):.2g}")
samples = [middle + radius * (2 * i / 100 - 1) for i in range(101)]
inside = all(f(iv.mpf(s)) in enclosure for s in map(iv.mpf, samples))
print("all samples inside:", inside)
