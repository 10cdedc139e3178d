"""Derivatives α!·c_α from coefficients, also where c_α or α! alone leaves the range of floats.

The coefficients of exp at 0 underflow from degree 171 on although every derivative is 1: what is
left of a subnormal number is no digit, and a zero may be one that was lost.  A *table* here is the
coefficients along the first axis, `degrees` their degrees.  In x + 2^m t the coefficient of degree
k is 2^(mk) times larger, and nothing else changes, bit for bit, as long as nothing leaves the
range.  So two tables of different m that agree are right, and m can be chosen to keep what is
wanted inside.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.numbers.kinds import Array, base, is_operand

Run = Callable[[int], Any]  # m -> the table in the variable 2^m t
RUNS = 8
SHIFT = 32  # of the bits of the last degree, in which two runs differ, lest both lose the same ones
FEW = 32  # numbers that take longer in an array than in a list
DOUBLES, FACTORS = (np.dtype(float), np.dtype(complex)), 2**1023
STEP = 1000  # 2**STEP is a float


def times(c: Any, factor: int, exponent: int = 0) -> Any:
    """Return factor·2^exponent·c to an ulp; int, Fraction and mpmath stay what they are.

    >>> float(times(1e-300, 10**310)), times(3, 4)
    (10000000000.0, 12)
    """
    if not is_operand(c):
        kind = getattr(c, "dtype", None)
        if kind is not None and kind in DOUBLES and exponent == 0 and factor < FACTORS:
            spread = kind.kind == "c" and not np.isfinite(c).all()  # of nan, to the other part
            if not spread:
                return c * float(factor)
        if kind is None and not isinstance(c, (float, complex)):
            return _times_one(c, factor, exponent)
        if kind is not None and kind.kind == "O":
            return np.frompyfunc(lambda e: _times_one(e, factor, exponent), 1, 1)(c)
    shift = max(factor.bit_length() - 64, 0)
    exponent += shift
    if is_operand(c):
        if exponent == shift and factor < FACTORS:
            return c * factor
        c = c * float(factor >> shift)
        while exponent:
            step = max(-STEP, min(STEP, exponent))
            c, exponent = c * 2.0**step, exponent - step
        return c
    array = np.asarray(c)
    mantissa, own = np.frexp(np.ascontiguousarray(array).reshape(-1).view(array.real.dtype))
    scaled = np.ldexp(mantissa * mantissa.dtype.type(factor >> shift), own + exponent)
    return scaled.view(array.dtype).reshape(array.shape)[()]


def _times_one(e: Any, factor: int, exponent: int) -> Any:
    if isinstance(e, (float, complex)):
        return times(np.asarray(e), factor, exponent)
    if is_operand(e):
        return times(e, factor, exponent)
    scaled = e * factor
    return scaled * 2**exponent if exponent >= 0 else scaled / 2**-exponent


def _numbers(table: Any) -> Any:
    """Return the floats of a table, two axes, or None where there is nothing that can underflow."""
    inner: list[Any] = []
    while is_operand(table) and hasattr(table, "_coef"):
        inner.append(table)
        table = table._coef
    if is_operand(table):
        table = base(table)
    if not isinstance(table, np.ndarray) or table.dtype.kind not in "fc" or not table.size:
        return None
    table = np.moveaxis(table, len(inner), 0)
    return table.reshape(len(table), -1)


def _profile(size: Array, degrees: Array) -> Array:
    """Return the largest coefficient of every degree, lane by lane."""
    starts = np.searchsorted(degrees, np.arange(degrees[-1] + 1))
    return np.maximum.reduceat(size, starts, axis=0)


def _vanished(profile: Array) -> Any:
    """Return where the degrees of a profile have lost digits: subnormal, or zero below the range.

    A zero where the last two coefficients lead one to expect a normal number is a true one.
    """
    info = np.finfo(profile.dtype)
    lost = (profile > 0) & (profile < info.tiny)
    log = np.log2(np.where(profile > 0, profile, 1)).astype(float)
    at, last, slope = np.full(profile.shape[1:], -1), 0 * log[0], 0 * log[0]
    factorial = 0.0
    for k, row in enumerate(log):
        factorial += math.log2(max(k, 1))
        expected = last + slope * (k - at)
        zero, below = profile[k] == 0, expected < info.minexp
        lost[k] |= zero & below & (expected + factorial > info.minexp)
        slope = np.where(~zero & (at >= 0), (row - last) / np.maximum(k - at, 1), slope)
        last, at = np.where(zero, last, row), np.where(zero, at, k)
    lost[:2] = False  # nothing is multiplied there
    return lost


def lost(table: Any, degrees: Array) -> Array | None:
    """Return where the derivative α!·c_α of an entry cannot be known; None: everywhere it can."""
    c = _numbers(table)
    if c is None:
        return None
    with np.errstate(all="ignore"):
        size = np.abs(c)
        below = size < np.finfo(size.dtype).tiny
        if not below.any():
            return None
        bad = below & (_vanished(_profile(size, degrees))[degrees] | (size > 0))
    bad[degrees < 2] = False
    return bad if bad.any() else None


def derivative(table: Any, degrees: Array, i: int, factorial: int) -> Any:
    """Return α!·c_α, the entry i of a table; nan where c_α has lost its digits to underflow."""
    with np.errstate(all="ignore"):
        return _marked(times(table[i], factorial), lost(table, degrees), i)


def scaled(table: Any, degrees: Array, part: slice, weights: Array) -> Any:
    """Return the entries of a part times integer weights; nan where digits are lost."""
    with np.errstate(all="ignore"):
        return _marked(_weighted(table[part], weights), lost(table, degrees), part)


def _weighted(c: Any, weights: Array) -> Any:
    shape = (-1,) + (1,) * (np.ndim(c) - 1)
    if is_operand(c):
        if max(weights, default=1) < FACTORS:
            dtype = np.empty(0, c.dtype).real.dtype if c.dtype.kind in "fc" else float
            return c * weights.astype(dtype).reshape(shape)
    elif c.dtype.kind == "c" and not np.isfinite(c).all():
        pass  # each part by itself
    elif c.dtype == object or max(weights, default=1) < 2**53:
        return c * weights.astype(c.real.dtype).reshape(shape)
    return np.stack([times(e, w) for e, w in zip(c, weights, strict=True)])


def _marked(value: Any, bad: Array | None, i: Any) -> Any:
    if bad is None or not bad[i].any():
        return value
    if is_operand(value):
        return value * math.nan
    return np.where(bad[i].reshape(np.shape(value)), math.nan, value)[()]


def _ordinary(c: Array) -> bool:
    """Whether all coefficients lie so far inside the range that nothing can have left it."""
    if c.dtype.kind not in "fc" or not c.size:
        return False
    limit = _limit(c.dtype)
    if c.size <= FEW:  # Python is faster
        return all(1 / limit < abs(e) < limit or e == 0 for e in c.reshape(-1).tolist())
    size = np.abs(c)
    low = np.minimum.reduce(size, axis=None, initial=1.0, where=size != 0)
    return bool(np.maximum.reduce(size, axis=None) < limit and low > 1 / limit)


@functools.cache
def _limit(dtype: Any) -> float:
    """Return a size far inside the range of a type of floats."""
    return float(2.0 ** min(-0.2 * np.finfo(dtype).minexp, 1000))


def _suspicious(c: Array, degrees: Array) -> bool:
    """Whether coefficients span so wide a range that others they come from may have left it."""
    size = _profile(np.abs(c), degrees)
    info, inside = np.finfo(size.dtype), (size > 0) & (size < np.inf)
    low = np.min(np.where(inside, size, np.inf), axis=0)
    high = np.max(np.where(inside, size, 0), axis=0)
    wide = (low < high) & (np.log2(high) - np.log2(low) > -0.4 * info.minexp)
    overflow = np.isinf(size).any(0) & np.isfinite(size[0])
    return bool((wide | (low < info.tiny) | overflow).any())


def _agree(a: Array, m: int, b: Array, n: int, degrees: Array) -> Any:
    """Return where two tables, of the variables 2^m t and 2^n t, hold the same coefficient."""
    info = np.finfo(a.real.dtype)
    x, y = np.abs(a), np.abs(b)
    sound = (x >= info.tiny) & (y >= info.tiny) & (x < np.inf) & (y < np.inf)
    parts = []
    for u, v in ((a.real, b.real), (a.imag, b.imag)):
        (f, d), (g, e) = np.frexp(u), np.frexp(v)
        shift = d - e - (m - n) * degrees[:, None]
        parts.append(np.abs(np.ldexp(f, shift) - g) <= 2.0**12 * info.eps * np.abs(g))
    return sound & parts[0] & parts[1]


def _next_scale(c: Array, m: int, degrees: Array, open_: Array) -> int:
    """Return an m for which the coefficients near the first open one are of one size."""
    lane = int(np.argmin(np.where(open_.any(0), np.argmax(open_, axis=0), len(open_))))
    size = _profile(np.abs(c[:, lane : lane + 1]), degrees)[:, 0]
    info = np.finfo(size.dtype)
    good = np.flatnonzero((size > info.tiny / info.eps) & (size < np.inf))
    if len(good) < 2:
        return m + 64 if (size < np.inf).all() else m - info.maxexp // 2
    last = good[-1]
    first = good[max(0, int(np.searchsorted(good, (last + 1) // 2)) - 1)]
    first = good[0] if first == last else first
    slope = (math.log2(size[last]) - math.log2(size[first])) / (last - first)
    # the coefficients of one size must also be numbers: x² at 1e-170 has none of degree 0
    k = good[good >= max(first, 1)]
    room = np.log2(size[k])
    lowest, highest = info.minexp + 2 * info.nmant, info.maxexp - 2 * info.nmant
    shift = max(-round(slope), math.ceil(np.max((lowest - room) / k)))
    shift = min(shift, math.floor(np.min((highest - room) / k)))
    return m + shift if shift else m + 1


def derivatives(run: Run, degrees: Array, wanted: Sequence[tuple[int, int]]) -> list[Any]:
    """Return α!·c_α for the wanted (index in the table, α!), each right or nan or infinite.

    run(m) gives the table of f(x + 2^m t).
    """
    first = run(0)
    if degrees[-1] < 2:  # nothing is multiplied
        return [first[i] for i, _ in wanted]
    if type(first) is np.ndarray and _ordinary(first):
        return [times(first[i], f) for i, f in wanted]
    with np.errstate(all="ignore"):
        c = _numbers(first)
        if c is None or not _suspicious(c, degrees):
            return [times(first[i], f) for i, f in wanted]
        return _by_scales(run, first, c, degrees, wanted)


def _by_scales(
    run: Run, first: Any, c: Array, degrees: Array, wanted: Sequence[tuple[int, int]]
) -> list[Any]:
    tables, scales, fewer = [(first, c)], [0], False
    m = 0
    rows = [i for i, _ in wanted]
    apart = max(1, SHIFT // int(degrees[-1]))
    source = np.full(c.shape, -1)  # per entry, the run that is right
    source[degrees < 2] = 0
    while len(tables) < RUNS:
        open_ = (source < 0) & np.isin(np.arange(len(c)), rows)[:, None]
        if not open_.any():
            break
        m = m // 2 if fewer else _next_scale(tables[-1][1], scales[-1], degrees, open_)
        m = max(min(m, STEP), -STEP)
        while min(abs(m - n) for n in scales) < apart:
            m += 1
        if m > STEP:
            break
        table = run(m)
        new = _numbers(table)
        if new is None or new.shape != c.shape:
            break
        # a single table is trusted where no other one has another number
        against, settled = np.zeros(c.shape, bool), np.zeros(c.shape, bool)
        for (_, other), n in zip(tables, scales, strict=True):
            agreed = _agree(other, n, new, m, degrees)
            settled |= agreed
            size = np.abs(other)
            number = np.where(
                new == 0, size > 0, (size >= np.finfo(size.dtype).tiny) & (size < np.inf)
            )
            against |= number & ~agreed
        fewer = bool(against.any())
        whole = ~_vanished(_profile(np.abs(new), degrees))[degrees] & (new == 0)
        settled |= ~against & (whole | (not _suspicious(new, degrees)))
        source[(source < 0) & settled] = len(tables)
        tables.append((table, new))
        scales.append(m)
    found = []
    for i, factorial in wanted:
        parts = {n: times(tables[n][0][i], factorial, -scales[n] * int(degrees[i]))
                 for n in np.unique(source[i]) if n >= 0}  # fmt: skip
        found.append(_joined(first[i], parts, source[i]))
    return found


def _joined(like: Any, parts: dict[int, Any], source: Array) -> Any:
    """Return the numbers of several runs as one array; where none is right its infinity, or nan."""
    if len(parts) == 1 and (source >= 0).all():
        return next(iter(parts.values()))
    if is_operand(like):
        return like * math.nan
    out = np.array(np.where(np.isinf(like), like, math.nan), np.asarray(like).dtype)
    for n, part in parts.items():
        mask = (source == n).reshape(np.shape(like))
        out[mask] = np.asarray(part)[mask]
    return out[()]
