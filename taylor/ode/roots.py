"""All real roots of a polynomial in (0, 1], by subdivision in Bernstein form.

On [0, 1] a polynomial lies between its smallest and largest Bernstein coefficient, and has at most
as many roots as these change sign, the same number modulo two (Descartes' rule; Lane & Riesenfeld,
BIT 21, 1981).  No change: no root.  One change: one root, found by bisection and Newton's method.
More: the interval is halved.  Where the polynomial stays below its rounding errors no halving can
decide any more; such a cluster is one root: a crossing if the signs on its two sides differ, else a
touch (a root of even order, or one that differs from it by rounding errors only).

Values alone would give a root of order m to the m-th root of the rounding error.  It is a simple
root of the derivative of order m - 1, and found as that: to rounding errors of the coefficients.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.ode.control import finite, unit

Array = NDArray[Any]
LARGE = 2.0**900  # coefficients whose sums may overflow
NOISE = 8  # rounding errors of Σ|c_k| below which the sign of a value is not known


class Root(NamedTuple):
    """A root x in (0, 1], the sign of the slope there, 0 for a touch, and its order."""

    x: Any
    slope: int
    order: int = 1


@functools.cache
def _conversion(n: int) -> Array:
    """Return the matrix from powers to Bernstein coefficients of degree n."""
    return np.array(
        [[math.comb(j, k) / math.comb(n, k) for k in range(n + 1)] for j in range(n + 1)]
    )


@functools.cache
def _choices(n: int) -> Array:
    """Return the matrix of the binomials C(j, k), as integers."""
    return np.array([[math.comb(j, k) for k in range(n + 1)] for j in range(n + 1)], dtype=object)


@np.errstate(over="ignore", invalid="ignore")  # of what is not finite nothing is said
def bernstein(c: Array) -> Array:
    """Return the Bernstein coefficients on [0, 1] of Σ c_k x^k, the powers along the last axis.

    >>> bernstein(np.array([1.0, -2.0, 1.0])).tolist()
    [1.0, 0.0, 0.0]
    """
    n = c.shape[-1] - 1
    if c.dtype != object:
        return np.asarray(c @ _conversion(n).T)
    scaled = c / np.array([math.comb(n, k) for k in range(n + 1)], dtype=object)
    return np.asarray(scaled @ _choices(n).T)


def without_root(c: Array) -> Array:
    """Return which polynomials (rows) have no root in [0, 1], nor come near one.

    >>> without_root(np.array([[1.0, 1.0, 1.0], [-0.5, 1.0, 0.0]])).tolist()
    [True, False]
    """
    b, noise = bernstein(c), _noise(c)[:, None]
    return np.asarray(np.all(b > noise, axis=1) | np.all(b < -noise, axis=1))


def _noise(c: Array) -> Any:
    return NOISE * unit(c) * np.abs(c).sum(-1)


def value(c: Any, x: Any) -> Any:
    """Return Σ c_k x^k."""
    if isinstance(c, np.ndarray) and c.ndim == 1 and c.dtype == np.float64:
        c, x = c.tolist(), float(x)  # in numbers of Python, which are faster one by one
    y = c[-1] * x**0
    for a in c[-2::-1]:
        y = y * x + a
    return y


def derivative(c: Array, x: Any) -> Any:
    """Return the derivative of Σ c_k x^k at x."""
    return value(_derivative(c), x)


def _with_slope(c: Any, x: Any) -> tuple[Any, Any]:
    """Return Σ c_k x^k and its derivative."""
    if c.dtype == np.float64:
        c, x = c.tolist(), float(x)
    y, slope = c[-1] * x**0, 0 * x
    for a in c[-2::-1]:
        slope = slope * x + y
        y = y * x + a
    return y, slope


def roots(c: Array) -> list[Root]:
    """Return the roots of Σ c_k x^k in (0, 1], in order; a root at 0 is none of them.

    >>> [(round(float(r.x), 6), r.slope) for r in roots(np.array([0.125, -0.75, 1.0]))]
    [(0.25, -1), (0.5, 1)]
    >>> [(float(r.x), r.slope) for r in roots(np.array([0.25, -1.0, 1.0]))]
    [(0.5, 0)]
    """
    if not np.any(c):
        return []
    if not finite(c):
        raise ValueError(f"a polynomial with coefficients {c} has no roots")
    size = np.abs(c).max()
    if c.dtype != object and size > LARGE:
        c = c / size
    noise, there = _noise(c), np.flatnonzero(c)
    c = c[there[0] : there[-1] + 1]  # without roots at zero
    if len(c) == 1:
        return []
    if len(c) == 2 and 0 < -c[0] / c[1] <= 1:
        return [Root(-c[0] / c[1], 1 if c[1] > 0 else -1)]
    spans: list[tuple[Any, Any, bool]] = []
    _isolate(bernstein(c), c[0] * 0, c[0] * 0 + 1, noise, spans)
    found = []
    for low, high, single in _joined(spans):
        root = _refined(c, low, high, noise) if single else _cluster(c, low, high, noise)
        if root is not None and root.x > 0:
            found.append(root)
    return found


def _isolate(b: Array, low: Any, high: Any, noise: Any, spans: list[Any]) -> None:
    """Append the intervals (low, high, one root for sure) in which roots lie."""
    signs = [s for s in np.sign(b.astype(float)) if s]
    changes = sum(x != y for x, y in itertools.pairwise(signs))
    clear = abs(b[0]) > noise and abs(b[-1]) > noise
    if changes == 0 and np.min(np.abs(b)) > noise:
        return
    if changes == 1 and clear:
        spans.append((low, high, True))
        return
    if np.max(np.abs(b)) <= 2 * noise or high - low < NOISE * unit(b):
        spans.append((low, high, False))
        return
    middle = (low + high) / 2
    left, right = _halves(b)
    _isolate(left, low, middle, noise, spans)
    _isolate(right, middle, high, noise, spans)


def _halves(b: Array) -> tuple[Array, Array]:
    """Return the coefficients on both halves (de Casteljau)."""
    left, right, row = [b[0]], [b[-1]], b
    while len(row) > 1:
        row = (row[:-1] + row[1:]) / 2
        left.append(row[0])
        right.append(row[-1])
    return np.array(left), np.array(right[::-1])


def _joined(spans: list[Any]) -> list[Any]:
    """Return the intervals with neighbours that are not told apart made one."""
    kept: list[Any] = []
    for low, high, single in spans:
        if kept and kept[-1][1] == low and not (kept[-1][2] and single):
            kept[-1] = (kept[-1][0], high, False)
        else:
            kept.append((low, high, single))
    return kept


def _refined(c: Array, low: Any, high: Any, noise: Any) -> Root:
    """Return the root between two points of opposite signs, by Newton's method and bisection."""
    rising = value(c, high) > 0
    x = (low + high) / 2
    for _ in range(200):
        y, slope = _with_slope(c, x)
        if (y > 0) == rising:
            high = x
        else:
            low = x
        new = x - y / slope if slope else (low + high) / 2
        if not low <= new <= high:
            new = (low + high) / 2
        if new == x or high == low or abs(new - x) <= 4 * unit(c) * abs(x):
            x = new
            break
        x = new
    x, order = _multiple(c, x, noise, 1)
    return Root(x, 1 if rising else -1, order)


def _cluster(c: Array, low: Any, high: Any, noise: Any) -> Root | None:
    """Return the one root for which an interval of undecided signs stands."""
    width = max(high - low, 2**13 * unit(c))
    before, after = (value(c, x) for x in (low - width, high + width))
    if before * after < 0:
        root = _refined(c, low - width, high + width, noise)
        return root if root.x <= 1 else root._replace(x=root.x * 0 + 1) if low < 1 else None
    xs = low + (high - low) * np.arange(9) / 8
    x = min(xs, key=lambda x: abs(value(c, x)))
    x, order = _multiple(c, _newton(_derivative(c), x, low, high), noise, 0)
    return Root(x, 0, order) if x <= 1 else None


def _multiple(c: Array, x: Any, noise: Any, odd: int) -> tuple[Any, int]:
    """Return the root of odd or even order m near x, as that of derivative m - 1, and m.

    It is of order m if no lower term of the polynomial about it rises above the noise where that of
    order m does.
    """
    if odd and abs(value(_derivative(c), x)) * unit(c) ** 0.5 > noise:
        return x, 1
    powers = list(itertools.accumulate(c[1:], lambda d, _: _derivative(d), initial=c))
    for m in range(len(c) - 2 + (len(c) + odd) % 2, 1, -2):
        bend = abs(value(powers[m], x)) / math.factorial(m)
        if not bend:
            continue
        far = (noise / bend) ** (1 / m)
        new = _newton(powers[m - 1], x, x - 2 * far, x + 2 * far)
        terms = [abs(value(powers[k], new)) / math.factorial(k) * far**k for k in range(m)]
        if max(terms) <= 2 * noise:
            return new, m
    return x, 2 - odd


def _derivative(c: Array) -> Array:
    """Return the coefficients of the derivative."""
    return c[1:] * np.arange(1, len(c)).reshape(-1, *[1] * (c.ndim - 1))


def _newton(c: Array, x: Any, low: Any, high: Any) -> Any:
    """Return the root of a polynomial between low and high by Newton's method from x."""
    slopes = _derivative(c)
    for _ in range(50):
        slope = value(slopes, x) if len(slopes) else 0
        new = x - value(c, x) / slope if slope else x
        if not low <= new <= high or new == x:
            break
        x = new
    return x
