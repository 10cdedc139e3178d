"""Statistics by NumPy's names: order statistics, moments, sums that pass over nan, counts.

An order statistic is an element, or a mean of two neighbours, of the sorted array; which ones they
are is asked of NumPy itself, at the positions 0, 1, 2, ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.arrays.reductions import axes_of, by_value, sort
from taylor.core.binding import family, implements
from taylor.core.operand import Operand, holds_operands, lift, rearrange

Array = Any


# ------------------------------------------------------------------ order statistics
def _rows(a: Any, axis: Any) -> tuple[Any, tuple[int, ...]]:
    """Return an array with the axes of a reduction as its last one, and these axes."""
    axes = axes_of(axis, np.ndim(a))
    rest = [i for i in range(np.ndim(a)) if i not in axes]
    return np.reshape(np.transpose(a, [*rest, *axes]), (*(a.shape[i] for i in rest), -1)), axes


def _quantile(ordered: Any, q: Array, method: Any) -> Any:
    """Return quantiles of sorted rows: q comes first among the axes."""
    place = np.quantile(np.arange(ordered.shape[-1], dtype=float), q, method=method)
    low = np.floor(place).astype(int)
    high, part = np.ceil(place).astype(int), place - low
    found = ordered[..., low] + (ordered[..., high] - ordered[..., low]) * part
    return np.moveaxis(found, -1, 0) if np.ndim(q) else found


@implements(np.quantile)
def quantile(
    a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: bool = False
) -> Any:
    """Return np.quantile(a, q, ...); q is plain, a tie raises NonAnalyticError as in np.sort."""
    if holds_operands(q) or isinstance(q, Operand):
        raise TypeError("np.quantile: q must be plain; a quantile has no derivative in q here")
    a, q = lift(a), np.asarray(q, dtype=float)
    if q.ndim > 1:
        raise ValueError("np.quantile: q is a number or has one axis")
    rows, axes = _rows(a, axis)
    ordered = sort(rows)
    found, last = _quantile(ordered, q, method), ordered[..., -1]  # where nan is sorted to
    lost = by_value(np.isnan)(last)
    found = np.where(lost, last, found) if np.any(lost) else found
    if not keepdims:
        return found
    shape = tuple(1 if i in axes else n for i, n in enumerate(a.shape))
    return np.reshape(found, (*q.shape, *shape))


@implements(np.percentile)
def percentile(
    a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: bool = False
) -> Any:
    """Return np.percentile(a, q, ...)."""
    return quantile(a, np.true_divide(q, 100), axis, method, keepdims)


@implements(np.nanquantile)
def nanquantile(
    a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: bool = False
) -> Any:
    """Return np.nanquantile(a, q, ...): every row has its own number of elements."""
    a, q = lift(a), np.asarray(q, dtype=float)
    rows, axes = _rows(a, axis)
    flat = np.reshape(rows, (-1, rows.shape[-1]))
    lost = by_value(np.isnan)(flat)
    parts = [row[~m] if not m.all() else row for row, m in zip(flat, lost, strict=True)]
    found = np.stack([quantile(p, q, 0, method) for p in parts], -1)
    shape = tuple(1 if i in axes else n for i, n in enumerate(a.shape)) if keepdims else None
    return np.reshape(found, (*q.shape, *(rows.shape[:-1] if shape is None else shape)))


@implements(np.nanpercentile)
def nanpercentile(
    a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: bool = False
) -> Any:
    """Return np.nanpercentile(a, q, ...)."""
    return nanquantile(a, np.true_divide(q, 100), axis, method, keepdims)


@implements(np.nanmedian)
def nanmedian(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return np.nanmedian(a, ...)."""
    return nanquantile(a, 0.5, axis, "linear", keepdims)


@implements(np.partition)
def partition(a: Any, kth: Any, axis: Any = -1, kind: Any = None, order: Any = None) -> Any:
    """Return np.partition(a, kth, axis)."""
    a, axis = (np.ravel(lift(a)), 0) if axis is None else (lift(a), axis)
    found = by_value(np.argpartition)(a, kth, axis=axis, kind=kind or "introselect", order=order)
    return rearrange([a], lambda i: np.take_along_axis(i, found, axis))


# ------------------------------------------------------------------ passing over nan
def _over_nan(func: Any, neutral: Any) -> None:
    """Register np.nan<func>: elements that are nan count as the neutral number."""

    def handler(a: Any, **named: Any) -> Any:
        a = lift(a)
        lost = by_value(np.isnan)(a)
        x = np.where(lost, neutral, a) if np.any(lost) else a
        found = func(x, **named)
        if np.isfinite(neutral):
            return found
        nothing = np.all(lost, axis=named.get("axis"), keepdims=named.get("keepdims", False))
        return np.where(nothing, np.nan, found) if np.any(nothing) else found

    family(getattr(np, f"nan{func.__name__}"), handler)


SUMS: dict[Any, float] = {
    np.sum: 0, np.prod: 1, np.cumsum: 0, np.cumprod: 1, np.max: -np.inf, np.min: np.inf,
}  # fmt: skip
for _func, _neutral in SUMS.items():
    _over_nan(_func, _neutral)


def _with_mask(func: Any) -> None:
    """Register np.nan<func>: the moments of the elements that are no nan."""

    def handler(a: Any, **named: Any) -> Any:
        a = lift(a)
        lost = by_value(np.isnan)(a)
        return (
            func(np.where(lost, 0, a), where=~lost, **named) if np.any(lost) else func(a, **named)
        )

    family(getattr(np, f"nan{func.__name__}"), handler, ["where", "mean", "correction"])


MOMENTS: tuple[Any, ...] = (np.mean, np.var, np.std)
for _func in MOMENTS:
    _with_mask(_func)


# ------------------------------------------------------------------ covariance
@implements(np.cov)
def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None,
    fweights: Any = None, aweights: Any = None,
) -> Any:  # fmt: skip
    """Return np.cov(m, y, ...); weights are plain."""
    if ddof is not None and ddof != int(ddof):
        raise ValueError("ddof must be integer")
    x = _observations(m, rowvar)
    if y is not None:
        x = np.concatenate([x, _observations(y, rowvar)])
    ddof = (0 if bias else 1) if ddof is None else ddof
    w: Any = None
    for given in (fweights, aweights):
        if given is not None:
            w = np.asarray(given, float) if w is None else w * np.asarray(given, float)
    total = x.shape[1] if w is None else w.sum()
    if ddof == 0 or aweights is None:
        scale = total - ddof
    else:
        scale = total - ddof * np.sum(w * np.asarray(aweights)) / total
    x = x - np.expand_dims(np.average(x, axis=1, weights=w), 1)
    found = (x @ np.conj((x if w is None else x * w).T)) / max(scale, 0)
    return np.squeeze(found)


def _observations(m: Any, rowvar: bool) -> Any:
    """Return the matrix whose rows are the variables."""
    x = np.atleast_2d(lift(m))
    if x.ndim > 2:
        raise ValueError("m has more than 2 dimensions")
    return x.T if not rowvar and np.ndim(m) > 1 else x


@implements(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    """Return np.corrcoef(x, y, rowvar), not clipped to [-1, 1]: rounding may show beyond 1."""
    c = cov(x, y, rowvar)
    if np.ndim(c) == 0:
        return c / c
    scale = np.sqrt(np.diagonal(c))
    return c / scale[:, None] / scale


# ------------------------------------------------------------------ counts and places
COUNTS: tuple[Any, ...] = (
    np.argpartition, np.nanargmax, np.nanargmin, np.digitize, np.isneginf, np.isposinf, np.isreal,
    np.iscomplex, np.argwhere, np.isin,
)  # fmt: skip
for _func in COUNTS:
    family(_func, by_value(_func))


@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    """Return np.searchsorted(a, v, ...), which is constant between jumps."""
    a, v = lift(a), lift(v)
    if sorter is not None:
        a = (a if isinstance(a, Operand) else np.asarray(a))[np.asarray(sorter)]
    if not isinstance(a, Operand):
        return by_value(np.digitize)(v, a, right=side == "left")
    below: Callable[..., Any] = np.less if side == "left" else np.less_equal
    return np.count_nonzero(below(a, np.expand_dims(v, -1)), axis=-1)


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """Return np.bincount(x, weights): the sums of weights with the same number x."""
    if isinstance(x, Operand):
        raise TypeError("np.bincount: x are plain non-negative integers; weights= may vary")
    places = np.asarray(x)
    if places.ndim != 1 or np.shape(weights) != places.shape or np.any(places < 0):
        raise ValueError("np.bincount: x has one axis and no negative number; weights= its shape")
    return lift(weights)._scatter(places, (max(int(places.max(initial=-1)) + 1, minlength),))
