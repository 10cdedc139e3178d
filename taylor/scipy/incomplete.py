"""Taylor coefficients of the incomplete gamma functions in both arguments, of float arrays.

With D = x^a e^-x/Γ(a + 1) they are (DLMF 8.7.1 and 8.9.2)

    P(a, x) = D Σ_n x^n/(a + 1)_n,      Q(a, x) = D·a/(b_0 - 1(1 - a)/(b_1 - 2(2 - a)/(b_2 - ...))),

b_n = x + 2n + 1 - a.  Here a is a series a + ε: the sum is taken for x < a + 1 and the fraction
beyond, where their derivatives in a do not cancel beside that of D.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.numbers.special_series import digamma
from taylor.scipy.fast import gamma_and_log, gamma_density, quantile, times_density

Array = Any  # of shape (k + 1, lanes) if it is a series in ε
Index = tuple[int, ...]
TERMS = 4000
HIGHEST = 4  # degree in ε
EPS = 2.0**-55
CANCELLED = 2.0**-6  # of the terms of a sum what is left


def incomplete_gamma(m: Index, a: Array, x: Array) -> Array:
    """Return c_m of P(a, x), m = (degree in a, degree in x): those of Q are their opposites."""
    k, j = m
    if not k + j or k > HIGHEST:
        return np.nan
    if not k:
        return gamma_density(j - 1, a, x) / j
    return times_density(_of_density(k, j, a, x), gamma_and_log(a, x))


def _of_density(k: int, j: int, a: Array, x: Array) -> Array:
    """Return c_(k,j) of P(a, x) divided by the density."""
    if j:  # the density h, with x h' = (a - 1 - x) h in x
        growth, one = _growth(k, 0, a, x), np.ones(np.shape(x))
        in_a = _exp(growth, one)
        kept = np.abs(in_a[k]) > CANCELLED * _exp(np.abs(growth), one)[k]
        return np.where(kept, _grown_in_x(in_a, j - 1, a, x) / j, np.nan)
    growth = _growth(k, 1, a, x)
    left = x < a + 1
    found = np.full(np.shape(x), np.nan)
    for where, part, sign in ((left, _sum, 1.0), (~left, _fraction, -1.0)):
        if where.any():
            a_, x_ = a[where], x[where]
            d = _exp(growth[:, where], x_ / a_)
            s = part(k, a_, x_)
            terms = [d[n] * s[k - n] for n in range(k + 1)]
            total = sum(terms)
            size = sum(map(np.abs, terms))
            found[where] = np.where(np.abs(total) > CANCELLED * size, sign * total, np.nan)
    return found


def gamma_quantile(value: Callable[..., Array], sign: float = 1.0) -> Callable[..., Array]:
    """Return the coefficients of the inverse y of P(a, y) or Q(a, y): ∂y/∂a = -P_a/h."""
    in_p = quantile(gamma_density, value, sign)

    def fast(m: Index, a: Array, p: Array) -> Array:
        if m != (1, 0):
            return in_p(m, a, p)
        y = value(a, p)
        return -incomplete_gamma(m, a, y) / gamma_density(0, a, y)

    return fast


def _growth(k: int, one: int, a: Array, x: Array) -> Array:
    """Return the coefficients 1..k of log(x^a/Γ(a + one)) in a."""
    c = -digamma(a + one, k - 1) / np.arange(1.0, k + 1)[:, None]
    far = a > 20  # log x - psi(a) = log(x/a) + 1/2a + 1/12a^2 - ... (DLMF 5.11.2)
    z = 1 / np.where(far, a, 20.0) ** 2
    tail = z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z / 132))))
    half = (0.5 - one) / a
    d = (x - a) / a
    log = np.where(np.abs(d) < 0.1, np.log1p(d), np.log(x / a))
    c[0] = np.where(far, log + half + tail, np.log(x) + c[0])
    return c


def _exp(c: Array, y: Array) -> Array:
    """Return y·exp(c_1 ε + c_2 ε² + ...)."""
    e = [y]
    for n in range(1, len(c) + 1):
        e.append(sum(j * c[j - 1] * e[n - j] for j in range(1, n + 1)) / n)
    return np.array(e)


def _grown_in_x(h: Array, j: int, a: Array, x: Array) -> Array:
    """Return the last coefficient in a of the coefficient j in x of the density h."""
    before, now = np.zeros_like(h), h
    for n in range(j):
        later = (a - 1 - x - n) * now - before
        later[1:] += now[:-1]
        before, now = now, later / (x * (n + 1))
    return now[-1]


def _sum(k: int, a: Array, x: Array) -> Array:
    """Return Σ_n x^n/(a + 1)_n."""
    u = np.zeros((k + 1, x.size))
    u[0] = 1.0
    total = u.copy()
    for n in range(1, TERMS):
        u[0] *= x / (a + n)
        for i in range(1, k + 1):
            u[i] = (u[i] * x - u[i - 1]) / (a + n)
        total += u
        done = (np.abs(u) <= EPS * np.abs(total)).all(0)
        if done.all():
            break
    return np.where(done, total, np.nan)


def _fraction(k: int, a: Array, x: Array) -> Array:
    """Return a/(b_0 - 1(1 - a)/(b_1 - ...)), from the last term on that counts."""
    last = 160 / x + 5 * np.sqrt(a) + 30  # found by trial
    short = last < TERMS
    count = int(np.max(last[short], initial=0))
    f = np.zeros((k + 1, x.size))
    f[0], f[1] = x + 2 * count + 1 - a, -1.0
    for n in range(count, 0, -1):
        f = _over(n * (a - n), float(n), f)
        f[0] += x + 2 * n - 1 - a
        f[1] -= 1.0
    return np.where(short, _over(a, 1.0, f), np.nan)


def _over(c: Array, rate: float, q: Array) -> Array:
    """Return (c + rate·ε)/q."""
    z = np.empty_like(q)
    z[0] = c / q[0]
    z[1] = (rate - q[1] * z[0]) / q[0]
    for n in range(2, len(q)):
        z[n] = -sum(q[n - i] * z[i] for i in range(n)) / q[0]
    return z
