"""Arithmetic on ends: pairs of floats or arrays (low, high) that hold sets of numbers.

Where both of a pair are one object its numbers are floats themselves.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.numbers.kinds import Array
from taylor.verified.enclosing import ALL, Ends
from taylor.verified.rounding import INF, LEAST, MOST, STEP, down, greatest, least, sums, up

Shape = tuple[int, ...]


def plus(x: Ends, y: Ends) -> Ends:
    """Return x + y; a sum with the number zero is not rounded."""
    low, high = x[0] + y[0], x[1] + y[1]
    found = down(low, 0.0), up(high, 0.0)
    if type(low) is float:
        return (low, high) if _none(x) or _none(y) else found
    if _full(x[0]) and _full(y[0]):
        return found
    return where(_none(x) | _none(y), (low, high), found)


def minus(x: Ends, y: Ends) -> Ends:
    """Return x - y."""
    return plus(x, (-y[1], -y[0]))


def _products(x: Ends, y: Ends) -> Ends:
    """Return the least and the greatest product of ends, rounded to the nearest."""
    (a, b), (c, d) = x, y
    if c is d:
        return _ordered(a * c, b * c)
    if a is b:
        return _ordered(a * c, a * d)
    p, q, r, s = a * c, a * d, b * c, b * d
    return least(p, q, r, s), greatest(p, q, r, s)


def _ordered(p: Any, r: Any) -> Ends:
    if type(p) is float:
        if p != p or r != r:
            return math.nan, math.nan
        return (p, r) if p <= r else (r, p)
    return np.minimum(p, r), np.maximum(p, r)


def times(x: Ends, y: Ends) -> Ends:
    """Return x·y, of the sign that it is known to have."""
    low, high = _products(x, y)
    return _outward((low, high), x, y)


def _outward(rounded: Ends, x: Ends, y: Ends) -> Ends:
    """Return bounds of x·y or x/y, none beyond a zero that is not passed, from rounded ends."""
    low, high = found = down(rounded[0]), up(rounded[1])
    alone = type(low) is float
    if rounded[0] != 0 != rounded[1] if alone else _full(rounded[0]) and _full(rounded[1]):
        return found
    none = _none(x) | _none(y)
    positive = (rounded[0] == 0) & (_alike(x, y) | none)
    negative = (rounded[1] == 0) & (_alike(x, (-y[1], -y[0])) | none)
    if alone:
        return (0.0 if positive else low), (0.0 if negative else high)
    low[positive], high[negative] = 0.0, 0.0
    return found


def _full(x: Any) -> bool:
    """Whether no number of an array is zero."""
    return bool(np.count_nonzero(x) == np.size(x))


def _none(x: Ends) -> Any:
    """Return where a set is the number zero."""
    return (x[0] == 0) & (x[1] == 0)


def _alike(x: Ends, y: Ends) -> Any:
    """Return where no product of members is negative."""
    return ((x[0] >= 0) & (y[0] >= 0)) | ((x[1] <= 0) & (y[1] <= 0))


def squared(x: Ends) -> Ends:
    """Return x², of one number."""
    near, far = nearest(x), farthest(x)
    low = down(near * near)
    return (max(low, 0.0) if type(low) is float else np.maximum(low, 0.0)), up(far * far)


def nearest(x: Ends) -> Any:
    """Return the distance of zero from the sets."""
    low, high = x
    if type(low) is float:
        return low if low > 0 else -high if high < 0 else 0.0
    return np.maximum(np.maximum(low, -high), 0.0)


def farthest(x: Ends) -> Any:
    """Return the largest distance of a member from zero."""
    low, high = x
    return max(-low, high) if type(low) is float else np.maximum(-low, high)


def has_zero(x: Ends) -> Any:
    """Return where the sets have zero as a member."""
    return (x[0] <= 0) & (x[1] >= 0)


def over(x: Ends, y: Ends) -> Ends:
    """Return x/y; no bounds where y may be zero."""
    (a, b), (c, d) = x, y
    if type(a) is type(c) is float and c <= 0 <= d:
        return ALL
    p = a / c
    if c is d:
        low, high = _ordered(p, b / c)
    else:
        q, r, s = a / d, b / c, b / d
        low, high = least(p, q, r, s), greatest(p, q, r, s)
    low, high = _outward((low, high), x, y)
    if type(low) is float:
        return low, high
    bad = has_zero(y)
    return (np.where(bad, -INF, low), np.where(bad, INF, high)) if np.any(bad) else (low, high)


@np.errstate(all="ignore")
def power(x: Ends, n: int) -> Ends:
    """Return xⁿ for an integer n >= 1, of one number."""
    if n == 1:
        return x
    if n == 2:
        return squared(x)
    if n % 2 == 0:
        return _of_sizes(nearest(x), farthest(x), n)
    low, high = x
    below, above = _of_sizes(abs(low), abs(low), n), _of_sizes(abs(high), abs(high), n)
    if type(low) is float:
        return (below[0] if low >= 0 else -below[1]), (above[1] if high >= 0 else -above[0])
    return np.where(low >= 0, below[0], -below[1]), np.where(high >= 0, above[1], -above[0])


def _of_sizes(low: Any, high: Any, n: int) -> Ends:
    """Return the n-th power of what is not negative."""
    result: Ends | None = None
    x = (low, high)
    while True:
        if n & 1:
            result = x if result is None else _positive(result, x)
        n >>= 1
        if not n:
            assert result is not None
            return result
        x = _positive(x, x)


def _positive(x: Ends, y: Ends) -> Ends:
    low = down(x[0] * y[0])
    return (max(low, 0.0) if type(low) is float else np.maximum(low, 0.0)), up(x[1] * y[1])


# ------------------------------------------------------------------ sums
@np.errstate(all="ignore")
def summed(x: Ends, axes: Any) -> Ends:
    """Return the sum over axes."""
    shape = np.shape(x[0])
    count = math.prod([shape[i] for i in axes])
    return sums(*x, axes, count)


def dot(x: Ends, y: Ends, axes: Any = (0,)) -> Ends:
    """Return the sum of x·y over axes of the product, of the sign that it is known to have."""
    low, high = _products(x, y)
    shape = low.shape
    count = math.prod([shape[i] for i in axes])
    least, most = sums(low, high, axes, count, 1)
    tiny, none = 4 * count * LEAST, None
    for by in (1, -1):
        end = least if by > 0 else -most
        if np.any((end < 0) & (end >= -tiny)):
            none = _none(x) | _none(y) if none is None else none
            alike = _alike(x, y if by > 0 else (-y[1], -y[0]))
            end = np.where(np.all(alike | none, axis=axes), np.maximum(end, 0.0), end)
            least, most = (end, most) if by > 0 else (least, -end)
    return least, most


@np.errstate(all="ignore")
def running(x: Ends, axis: int) -> Ends:
    """Return the running sums along an axis."""
    shape = [1] * np.ndim(x[0])
    shape[axis] = -1
    steps = np.arange(np.shape(x[0])[axis]).reshape(shape) * STEP
    found = [np.cumsum(v, axis=axis) for v in x]
    error = [np.cumsum(np.abs(v), axis=axis) * steps for v in x]
    low, high = down(found[0] - error[0], 0.0), up(found[1] + error[1], 0.0)
    first: list[Any] = [slice(None)] * low.ndim
    first[axis] = slice(0, 1)
    low[tuple(first)], high[tuple(first)] = (v[tuple(first)] for v in x)
    return low, high


@np.errstate(all="ignore")
def scattered(x: Ends, index: Array, shape: Shape) -> Ends:
    """Return y with y.flat[index[i]] = Σ x.flat[i]; what has the index -1 is dropped."""
    to, size = index.reshape(-1), math.prod(shape)
    kept = to >= 0
    to, low, high = to[kept], np.reshape(x[0], -1)[kept], np.reshape(x[1], -1)[kept]
    count = np.bincount(to, minlength=size)
    part = np.where(count > 1, count * STEP, 0.0)
    found = []
    for v, sign, step in ((low, -1, down), (high, 1, up)):
        total = np.bincount(to, v, size)
        error = np.bincount(to, np.abs(v), size) * part
        moved = step(total + sign * error, 0.0)
        found.append(np.where(count > 1, moved, total).reshape(shape))
    return found[0], found[1]


def einsum(spec: str, x: Ends, y: Ends) -> Ends:
    """Return einsum(spec, x, y)."""
    left, right, axes = _plan(spec)
    x, y = _spread(x, *left), _spread(y, *right)
    return dot(x, y, axes) if axes else times(x, y)


@functools.cache
def _plan(spec: str) -> tuple[Any, Any, tuple[int, ...]]:
    """Return how the axes of both come into one order, those of the result first; what is summed.

    Of each: the axes to be taken, if they have another order, and where there are more of length 1.
    """
    terms, out = spec.split("->")
    letters = out + "".join(c for c in dict.fromkeys(terms) if c not in out + ",")
    ways = []
    for names in terms.split(","):
        own = "".join(c for c in letters if c in names)
        index = tuple(slice(None) if c in own else None for c in letters)
        ways.append((f"{names}->{own}" if names != own else "", index))
    return *ways, tuple(range(len(out), len(letters)))  # type: ignore[return-value]


def _spread(x: Ends, order: str, index: Any) -> Ends:
    """Return x with its axes in another order, and more of length one."""
    low, high = ((np.einsum(order, v) if order else np.asarray(v))[index] for v in x)
    return (low, low) if x[0] is x[1] else (low, high)


# ------------------------------------------------------------------ what only moves
def joined(parts: Sequence[Ends]) -> Ends:
    """Return the elements of several, one after the other."""
    low, high = (np.concatenate([np.reshape(p[n], -1) for p in parts]) for n in (0, 1))
    return low, high


def gathered(parts: Sequence[Ends], index: Array) -> Ends:
    """Return elements of the joined parts by position, -1 meaning zero."""
    low, high = joined(parts)
    if index.size and index.min() < 0:
        low, high = np.append(low, 0.0), np.append(high, 0.0)
    return low[index], high[index]


def hull(x: Ends, y: Ends) -> Ends:
    """Return the smallest intervals around both."""
    return np.minimum(x[0], y[0]), np.maximum(x[1], y[1])


def where(mask: Any, x: Ends, y: Ends) -> Ends:
    """Return x where the mask holds, and y elsewhere."""
    return np.where(mask, x[0], y[0]), np.where(mask, x[1], y[1])


@np.errstate(all="ignore")
def middle(x: Ends) -> Any:
    """Return a float inside of each, the middle as far as there is one."""
    low, high = np.maximum(x[0], -MOST), np.minimum(x[1], MOST)
    found = np.clip(0.5 * low + 0.5 * high, low, high)  # halves of subnormal numbers are rounded
    return float(found) if np.ndim(found) == 0 else found


@np.errstate(all="ignore")
def radius(x: Ends) -> Any:
    """Return the largest distance of a member from the middle, rounded up."""
    m = middle(x)
    found = up(np.maximum(x[1] - m, m - x[0]))
    thin = np.equal(x[0], x[1])
    found = np.where(thin, 0.0, found)
    return float(found) if np.ndim(found) == 0 else found


@np.errstate(all="ignore")
def width(x: Ends) -> Any:
    """Return the widths, rounded up; zero of single numbers."""
    found = np.where(np.equal(x[0], x[1]), 0.0, up(np.subtract(x[1], x[0])))
    return float(found) if np.ndim(found) == 0 else found
