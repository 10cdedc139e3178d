"""Taylor coefficients of whole float arrays, for the functions of scipy.special that are used most.

A distribution function has the coefficients of its density, divided by k: with p·h' = q·h and
polynomials p and q these follow from h at the point (Kolmogorov's forward rule for Pearson curves).
Bessel functions have means of their neighbours (DLMF 10.6.7, 10.29.5), log B(a, b) the polygamma
functions, the dilogarithm and Legendre's integrals those of their slopes.  What would lose digits
is nan here, and left to the formula (`analytic`).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special as sp

from taylor.numbers.special_series import digamma

Array = Any
Index = tuple[int, ...]
LARGEST = 200.0  # of a logarithm whose rounding still leaves the last digits
NORMAL = float(np.finfo(float).tiny)
EPS = 2.0**-40
LOST = -750.0  # a logarithm of what is less than any float
FAR = 60.0  # of an order of a Bessel function


def _grown(k: int, p: list[Array], q: list[Array]) -> Array:
    """Return h_k/h_0 of p·h' = q·h, with the coefficients of p and q at the point."""
    c: list[Array] = [1.0]
    for n in range(k):
        total = sum(q[j] * c[n - j] for j in range(min(len(q), n + 1)))
        for j in range(1, min(len(p), n + 1)):
            total = total - p[j] * (n + 1 - j) * c[n + 1 - j]
        c.append(total / (p[0] * (n + 1)))
    return c[k]


def times_density(ratio: Array, density: tuple[Array, Array]) -> Array:
    """Return ratio·h, nan where h is nan or has lost digits, but zero where that underflows."""
    h, log = density
    nothing = log + np.log(np.abs(ratio)) < LOST
    return np.where(nothing, 0.0, np.where(np.abs(h) >= NORMAL, ratio * h, np.nan))


def _exp(*logs: Array) -> tuple[Array, Array]:
    """Return the exponential of a sum, nan where one of the terms is large, and what it is of."""
    total: Any = sum(logs)
    size = functools.reduce(np.maximum, map(np.abs, logs))
    return np.exp(np.where(size < LARGEST, total, np.nan)), total + EPS * size


def _far(gap: Array, k: int) -> Array:
    """Whether p is so far from its zero that k divisions by it leave the digits (x^2 at 1e-5)."""
    return (np.minimum(gap, 1.0) ** k > 1e-3) | (k < 2)


def gamma_density(k: int, a: Array, x: Array) -> Array:
    """Return the coefficient h_k of x^(a-1) e^-x/Γ(a): x h' = (a - 1 - x) h."""
    ratio = np.where(_far(x, k), _grown(k, [x, 1.0], [a - 1 - x, -1.0]), np.nan)
    return times_density(ratio, gamma_and_log(a, x))


def gamma_and_log(a: Array, x: Array) -> tuple[Array, Array]:
    """Return x^(a-1) e^-x/Γ(a) and its logarithm."""
    low, log_low = _exp(sp.xlogy(a - 1, x))
    half = np.exp(-x / 2)  # twice: its square may be no float
    high, log_high = _exp(-a * _deviation(a, x), -_stirling(a))
    few, scale = np.minimum(a, 20), np.sqrt(a / (2 * np.pi)) / x
    return (
        np.where(a < 20, half * low / sp.gamma(few) * half, high * scale),
        np.where(a < 20, log_low - x - sp.gammaln(few), log_high + np.log(scale)),
    )


def _deviation(a: Array, x: Array) -> Array:
    """Return d - log(1 + d), d = x/a - 1 (Loader, Fast and accurate ... binomial probabilities)."""
    d = (x - a) / a
    small = np.abs(d) < 0.1
    t = np.where(small, d, 0.0)
    series = sum((-1.0) ** j * t**j / j for j in range(18, 1, -1))
    return np.where(small, series, d - np.log(x / a))


def _stirling(a: Array) -> Array:
    """Return log Γ(a) - (a - ½) log a + a - ½ log 2π for a >= 20 (DLMF 5.11.1)."""
    z = 1 / (a * a)
    return (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z / 1188)))) / a


def beta_density(k: int, a: Array, b: Array, x: Array) -> Array:
    """Return h_k of x^(a-1) (1-x)^(b-1)/B(a, b): x(1-x) h' = (a - 1 - (a + b - 2) x) h."""
    n = a + b - 2
    h, log = _exp(sp.xlogy(a - 1, x), sp.xlog1py(b - 1, -x), -sp.betaln(a, b))
    h = np.where(np.maximum(a, b) < 50, h, np.nan)  # SciPy's betaln loses digits
    ratio = _grown(k, [x * (1 - x), 1 - 2 * x, -1.0], [a - 1 - n * x, -n])
    return times_density(np.where(_far(np.minimum(x, 1 - x), k), ratio, np.nan), (h, log))


def t_density(k: int, v: Array, t: Array) -> Array:
    """Return h_k of Student's density: (v + t²) h' = -(v + 1) t h."""
    h, log = _exp(-(v + 1) / 2 * np.log1p(t * t / v), -sp.betaln(v / 2, 0.5), -0.5 * np.log(v))
    ratio = _grown(k, [v + t * t, 2 * t, 1.0], [-(v + 1) * t, -(v + 1)])
    return times_density(ratio, (np.where(v < 100, h, np.nan), log))


def f_density(k: int, m: Array, n: Array, x: Array) -> Array:
    """Return h_k of Fisher's density: x(n + m·x) h' = (n(m/2 - 1) - m(1 + n/2)·x) h."""
    a, b, q = m / 2, n / 2, n + m * x
    h, log = _exp(
        sp.xlogy(a - 1, x), a * np.log(m), b * np.log(n), -(a + b) * np.log(q), -sp.betaln(a, b)
    )
    h = np.where(np.maximum(a, b) < 50, h, np.nan)  # SciPy's betaln loses digits
    down = m * (1 + b)
    ratio = _grown(k, [x * q, n + 2 * m * x, m], [n * (a - 1) - down * x, -down])
    return times_density(np.where(_far(x, k), ratio, np.nan), (h, log))


def in_x(density: Callable[..., Array], sign: float = 1.0) -> Callable[..., Array]:
    """Return the coefficients of a distribution function, the last argument varying."""

    def fast(m: Index, *x: Array) -> Array:
        k = m[-1]
        return np.nan if any(m[:-1]) or not k else sign * density(k - 1, *x) / k

    return fast


def quantile(
    density: Callable[..., Array], value: Callable[..., Array], sign: float = 1.0
) -> Callable[..., Array]:
    """Return the first two coefficients of the inverse: y' = 1/h, y'' = -h'/h³."""

    def fast(m: Index, *x: Array) -> Array:
        if any(m[:-1]) or not 1 <= m[-1] <= 2:
            return np.nan
        y = value(*x)
        h = density(0, *x[:-1], y)
        h = np.where(h != 0, h, np.nan)
        return sign / h if m[-1] == 1 else -density(1, *x[:-1], y) / (2 * h**3)

    return fast


def cylinder(function: Callable[..., Array], sign: int, alternating: bool = False) -> Any:
    """Return the coefficients in z of a Bessel function of order v, the first argument."""

    def fast(m: Index, v: Array, z: Array) -> Array:
        k = m[1]
        if m[0]:
            return np.nan
        total = sum(sign**i * math.comb(k, i) * function(v - k + 2 * i, z) for i in range(k + 1))
        total = total / (2.0**k * math.factorial(k)) * (-1 if alternating and k % 2 else 1)
        return np.where((np.abs(v) + k < FAR) & (np.abs(z) < 1e4), total, np.nan)

    return fast


def of_one_order(order: float, fast: Callable[..., Array]) -> Any:
    """Return the coefficients in z of a Bessel function of one order."""
    return lambda m, z: fast((0, *m), np.full(np.shape(z), order), z)


def turned(
    function: Callable[..., Array],
    rate: complex | Callable[[Array], Array],
    sign: int = -1,
    alternating: bool = False,
) -> Any:
    """Return the coefficients in z of C_v(z) exp(rate·z), by Leibniz' rule.

    `function` is that product itself, C a Bessel function as in `cylinder`; the terms cancel where
    z is large, and nothing is returned.
    """
    unturned = cylinder(function, sign, alternating)

    def fast(m: Index, v: Array, z: Array) -> Array:
        k, turn = m[1], rate(z) if callable(rate) else rate
        terms = [
            unturned((m[0], j), v, z) * (turn ** (k - j) / math.factorial(k - j))
            for j in range(k + 1)
        ]
        total = np.asarray(sum(terms))
        return np.where(sum(map(np.abs, terms)) < 100 * np.abs(total), total, np.nan)

    return fast


def spence(m: Index, z: Array) -> Array:
    """Return c_k of the dilogarithm of 1 - z: its slope g has (1 - z) g = log z (DLMF 25.12.1)."""
    k, w = m[0], z - 1
    if not k:
        return np.nan
    near = np.abs(w) < 0.3
    v = np.where(near, w, 0.0)
    series = sum(
        (-1.0) ** (j + 1) / (j + 1) * math.comb(j, k - 1) * v ** (j - k + 1)
        for j in range(k - 1, k + 60)
    )
    w = np.where(near, 1.0, w)
    g, size = -np.log(z) / w, np.zeros(np.shape(z))
    for n in range(1, k):
        log = (-1.0) ** (n + 1) / (n * z**n)
        size = (np.abs(log) + np.abs(g) + size) / np.abs(w)
        g = -(log + g) / w
    return np.where(near, series, np.where(size < 100 * np.abs(g), g, np.nan)) / k


def elliptic(second: bool) -> Any:
    """Return the first coefficients of Legendre's F(φ, m) or E(φ, m) (DLMF 19.4.5-19.4.7)."""

    def fast(n: Index, phi: Array, m: Array) -> Array:
        d = 1 - m * np.sin(phi) ** 2
        if n == (1, 0):
            return np.where(d > 0.01, d**0.5 if second else d**-0.5, np.nan)
        if n != (0, 1):
            return np.nan
        of_f, of_e = sp.ellipkinc(phi, m) / (2 * m), sp.ellipeinc(phi, m) / (2 * m)
        terms = [of_e, -of_f]
        if not second:
            terms = [of_e / (1 - m), -of_f, -np.sin(2 * phi) / (4 * (1 - m) * np.sqrt(d))]
        total, size = sum(terms), sum(map(np.abs, terms))
        return np.where((size < 100 * np.abs(total)) & (d > 0.01) & (m < 0.99), total, np.nan)

    return fast


def log_beta(m: Index, a: Array, b: Array) -> Array:
    """Return c_m of log B(a, b) = log Γ(a) + log Γ(b) - log Γ(a + b)."""
    k = sum(m)
    if not k:
        return np.nan
    whole = digamma(a + b, k - 1)[-1] / k
    if m[0] and m[1]:
        found = -math.comb(k, m[0]) * whole
    else:
        own = digamma(a if m[0] else b, k - 1)[-1] / k
        found = np.where(np.abs(own - whole) > 1e-3 * np.abs(own), own - whole, np.nan)
    return np.where((a > 0) & (b > 0), found, np.nan)
