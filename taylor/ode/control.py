"""Order and step size from the tolerance, and sums that lose nothing.

For a series of radius of convergence ρ the work per unit of time is least at h = ρ/e², and the term
of order p is then e^(-2p) of the first: p = ceil(1 - log(tol)/2) and h = ρ·exp(-2 - 0.7/(p - 1)).
(Jorba & Zou, Experimental Mathematics 14, 2005, sections 3.1-3.2.)  ρ is estimated from the last
two coefficients,

    ρ_k = max( (‖y_0‖/‖y_k‖)^(1/k), (‖y_1‖/‖y_k‖)^(1/(k-1)) ),      ρ = min(ρ_{p-1}, ρ_p),

the second form for states that begin at zero.  Where both vanish, or are far smaller than those
before them (series in powers of t^m), the coefficients above p/2 bound it too: exactly where both
vanish, else with the slack 1.2·(p-1)/k, which a series of an entire function does not reach.

With an order of one's own the factor e^(-2) becomes tol^(1/(p-1)).

Coefficients below the range of doubles are zero: no step is longer than one unit of time on which
they might count, which is h^p·2^-1022 > 2^-60 of the first two.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.numbers.kinds import Kind

Array = NDArray[Any]
LEAST = 2  # the order at least
SLACK = math.log2(1.2)
LOST = 1022 - 60  # log2 of what the largest coefficient that underflows is below what counts
NONE = -1023.0  # log2 of a coefficient that vanishes
FAR = 16  # times that size, or that time, to which a polynomial is followed if its end is infinite


def order_of(tol: float) -> int:
    """Return the order of least work for a relative tolerance.

    >>> order_of(1e-16), order_of(1e-6)
    (20, 8)
    """
    return max(LEAST, math.ceil(1 - math.log(tol) / 2))


def slacks(order: int) -> list[tuple[int, float]]:
    """Return the coefficients between order/2 and order - 1, with log2 of the slack of each."""
    ks = range(order // 2 + 1, order - 1)
    return [(k, SLACK + math.log2((order - 1) / k)) for k in ks]


def log2(x: Any) -> float:
    """Return log2 of a norm of any number type; of zero `NONE`."""
    if x == 0:
        return NONE
    if isinstance(x, float):
        mantissa, exponent = math.frexp(x)
    else:  # perhaps beyond the range of doubles
        from mpmath import frexp

        mantissa, exponent = frexp(x)
    return int(exponent) - 2 + 2 * float(mantissa)  # piecewise linear, as good as needed


def exp2(x: float) -> float:
    """Return the inverse of `log2`: a step size, within the range of doubles."""
    x = min(max(x, -1022.0), 1022.0)
    whole = math.floor(x)
    return math.ldexp(1 + x - whole, whole)


def reported(worst: float) -> float:
    """Return the error that has this `log2`, of which the least means none."""
    return 0.0 if worst == NONE else exp2(worst)


def norm(x: Array) -> Any:
    """Return the largest absolute value of an array of any numbers."""
    flat = np.abs(np.asarray(x)).reshape(-1)
    if flat.dtype == object:
        return max((getattr(e, "b", e) for e in flat), default=0.0)  # the upper end of an interval
    return float(flat.max()) if flat.size else 0.0


def finite(x: Any) -> bool:
    """Whether all numbers are finite."""
    x = np.asarray(x)
    if x.dtype != object:
        return bool(np.isfinite(x).all())
    return all(Kind.of(e).is_finite(e) for e in x.flat)


def spacing(t: Any) -> Any:
    """Return the distance of a time to the next number."""
    return Kind.of(t).spacing(t)


def unit(c: Array) -> Any:
    """Return the relative rounding error of numbers."""
    if c.dtype != object:
        return 2.0**-53
    kind = Kind.of(c)
    return 2.0**-53 if kind.sets else kind.spacing(kind.one)


def two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """Return a + b rounded, and the rounding error (Knuth, TAOCP 2, section 4.2.2)."""
    s = a + b
    if np.asarray(s).dtype == object:
        return s, 0 * s
    part = s - a
    return s, (a - (s - part)) + (b - part)


def reach(series: Array, t: Any) -> Any:
    """Return a time in which a polynomial becomes some times larger, or its time is doubled."""
    sizes = [norm(c) for c in series]
    first = 0 if sizes[0] else 1
    times = [
        (sizes[first] / s) ** (1 / (k - first)) for k, s in enumerate(sizes) if k > first and s
    ]
    return FAR * min(times) if times and sizes[first] else max(abs(t), 1 + 0 * t)


def log2_step(series: Array, factor: float, floor: float = NONE) -> float:
    """Return log2 of the step size of a series whose coefficients lie along the first axis.

    The state counts as at least 2**floor.
    """
    order = len(series) - 1
    first = [log2(norm(series[k])) for k in (0, 1)]
    first[0] = max(first[0], floor)

    def radius(k: int) -> float:
        last = log2(norm(series[k]))
        if last == NONE:
            return math.inf
        return max((first[0] - last) / k, (first[1] - last) / (k - 1) if k > 1 else -math.inf)

    ends = min(radius(order), radius(order - 1))
    slack = ends < math.inf
    for k, allowed in slacks(order):
        ends = min(ends, radius(k) + allowed * slack)
    if series.dtype == object or max(first) == NONE:
        return ends + factor
    return min(ends + factor, max(0.0, (max(first) + LOST) / order))
