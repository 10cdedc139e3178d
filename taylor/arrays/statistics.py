"""Statistics by NumPy's names: quantiles, sums and moments that pass over nan, covariance, counts.

A quantile is an element, or a mean of two neighbours, of the sorted array; which ones they are is
asked of NumPy itself, at the positions 0, 1, 2, ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.arrays.reductions import axes_of, by_value, flattened, isnan, kept, of_order, reduced
from taylor.core import functions
from taylor.core.binding import family
from taylor.core.operand import (
    Operand,
    as_array,
    define,
    implements,
    lift,
    plain_index,
)
from taylor.numbers.contexts import is_set
from taylor.numbers.kinds import base, is_operand

# ------------------------------------------------------------------ quantiles
CONTINUOUS = {  # R. J. Hyndman, Y. Fan, Am. Stat. 50 (1996) 361: (alpha, beta) of each
    "linear": (1, 1), "weibull": (0, 0), "hazen": (0.5, 0.5), "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8), "interpolated_inverted_cdf": (0, 1),
}  # fmt: skip


def _quantile(ordered: Any, q: Any, method: Any, weak: bool) -> Any:
    """Return quantiles of sorted rows: q comes first among the axes."""
    place = _place(ordered.shape[-1], q, method)
    low = np.floor(place).astype(int)
    high, part = np.ceil(place).astype(int), place - low
    if weak and ordered.dtype.kind == "f":
        part = part.astype(ordered.dtype)
    found = ordered[..., low] + (ordered[..., high] - ordered[..., low]) * part
    return np.moveaxis(found, -1, 0) if np.ndim(q) else found


def _place(n: int, q: Any, method: Any) -> Any:
    """Return where quantiles lie among n sorted elements: which two, and between them how far."""
    if not is_operand(q):
        return np.quantile(np.arange(n, dtype=float), q, method=method)
    if method not in CONTINUOUS:
        raise TypeError(f"np.quantile: with method={method!r} it jumps in q; q must be plain")
    if is_set(q):
        raise TypeError("np.quantile has no verified method for a q that is a set; q must be plain")
    if not np.all((q >= 0) & (q <= 1)):
        raise ValueError("Quantiles must be in the range [0, 1]")
    a, b = CONTINUOUS[method]
    return np.clip(n * q + (a + q * (1 - a - b)) - 1, 0, n - 1)


@implements(np.quantile)
def quantile(
    a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: bool = False,
    weights: Any = None,
) -> Any:  # fmt: skip
    """Return np.quantile(a, q, ...); a tie raises NonAnalyticError as in np.sort.

    So does a q that is differentiated and meets an element: there is a kink.  Weights are plain.
    """
    if weights is not None:
        return _weighted(lift(as_array(a)), q, axis, keepdims, weights, method)
    weak = type(q) in (int, float)
    a, q = lift(as_array(a)), as_array(q)
    q = q if is_operand(q) else np.asarray(q, dtype=float)
    if q.ndim > 1:
        raise ValueError("np.quantile: q is a number or has one axis")
    return of_order(a, axis, keepdims, lambda ordered: _quantile(ordered, q, method, weak))


def _weighted(a: Any, q: Any, axis: Any, keepdims: bool, weights: Any, method: Any) -> Any:
    """Return quantiles of elements with weights, which are elements of the sorted rows."""
    _check_plain(weights, q)
    if not is_operand(a):
        return np.quantile(a, q, axis, keepdims=keepdims, weights=weights, method=method)
    np.quantile(np.zeros(a.shape), q, axis, weights=weights, method=method)  # says what is wrong
    axes = axes_of(axis, a.ndim)
    rows, w = flattened(a, axes), _beside(weights, a, axes)
    w = np.take_along_axis(w, by_value(np.argsort)(rows, axis=-1, kind="stable"), -1)
    places = np.broadcast_to(np.arange(w.shape[-1]), w.shape)
    place = np.quantile(places, q, axis=-1, weights=w, method=method).astype(int)
    place = np.moveaxis(place, 0, -1) if np.ndim(q) else place[..., None]

    def pick(ordered: Any) -> Any:
        found, values = np.take_along_axis(ordered, place, -1), base(ordered)
        equal = np.take_along_axis(values, place, -1)[..., None] == values[..., None, :]
        first, many = np.argmax(equal, -1), np.sum(equal, -1)
        for k in range(int(np.max(many)) if np.any(many > 1) else 0):  # the others decide
            other = np.take_along_axis(ordered, first + k % np.maximum(many, 1), -1)
            found = functions.minimum(found, other)
        return np.moveaxis(found, -1, 0) if np.ndim(q) else found[..., 0]

    return of_order(a, axis, keepdims, pick)


def _check_plain(weights: Any, q: Any) -> None:
    if is_operand(weights) or is_operand(q):
        raise TypeError("np.quantile with weights jumps in them and in q: both must be plain")


def _beside(weights: Any, a: Any, axes: Any) -> Any:
    """Return weights of elements, or of those along axes, in rows as those of a."""
    w = np.asarray(weights)
    if w.shape != a.shape:
        w = np.expand_dims(np.transpose(w, np.argsort(np.argsort(axes))), [
            i for i in range(a.ndim) if i not in axes])  # fmt: skip
    return flattened(np.broadcast_to(w, a.shape), axes)


def _parts(percent: Any) -> Any:
    return percent / 100 if type(percent) in (int, float) else np.true_divide(percent, 100)


@implements(np.nanquantile)
def nanquantile(
    a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: bool = False,
    weights: Any = None,
) -> Any:  # fmt: skip
    """Return np.nanquantile(a, q, ...): every row has its own number of elements."""
    axes, w = axes_of(axis, a.ndim), weights
    if w is not None:
        _check_plain(w, q)
        np.nanquantile(np.zeros(a.shape), q, axis, weights=w, method=method)  # says what is wrong
        w = _beside(w, a, axes)
    rows = flattened(a, axes)
    flat, found = np.reshape(rows, (-1, rows.shape[-1])), []
    for i, lost in enumerate(isnan(flat)):
        kept_ones = slice(None) if lost.all() else ~lost
        own = None if w is None else np.reshape(w, flat.shape)[i][kept_ones]
        found.append(quantile(flat[i][kept_ones], q, 0, method, weights=own))
    return kept(
        np.reshape(np.stack(found, -1), (*np.shape(q), *rows.shape[:-1])), a, axes, keepdims
    )


define({
    np.percentile: lambda a, q, axis=None, method="linear", keepdims=False, weights=None: (
        quantile(a, _parts(q), axis, method, keepdims, weights)
    ),
    np.nanpercentile: lambda a, q, axis=None, method="linear", keepdims=False, weights=None: (
        nanquantile(a, _parts(q), axis, method, keepdims, weights)
    ),
    np.nanmedian: lambda a, axis=None, keepdims=False: (
        nanquantile(a, 0.5, axis, "linear", keepdims)
    ),
})  # fmt: skip


# ------------------------------------------------------------------ passing over nan
def _over_nan(func: Any, neutral: Any) -> Callable[..., Any]:
    """Return np.nan<func>: elements that are nan do not count, or count as the neutral number."""

    def handler(a: Any, **named: Any) -> Any:
        a = lift(a)
        if neutral is None and not np.ndim(a):  # of one number np.nanmean takes axes, np.mean none
            named["axis"] = reduced(named.get("axis"), 0)
        lost = isnan(a)
        if not np.any(lost):
            return func(a, **named)
        if neutral is None:
            return func(a, where=~lost & named.pop("where", True), **named)
        found = func(np.where(lost, neutral, a), **named)
        if np.isfinite(neutral):
            return found
        nothing = np.all(lost, axis=named.get("axis"), keepdims=named.get("keepdims", False))
        return np.where(nothing, np.nan, found) if np.any(nothing) else found

    return handler


NEUTRAL: dict[Any, float | None] = {
    np.sum: None, np.prod: None, np.mean: None, np.var: None, np.std: None, np.cumsum: 0,
    np.cumprod: 1, np.max: -np.inf, np.min: np.inf,
}  # fmt: skip
for _func, _neutral in NEUTRAL.items():
    _but = ["where", "mean", "correction"] if _func in (np.var, np.std) else []
    family(getattr(np, f"nan{_func.__name__}"), _over_nan(_func, _neutral), _but)


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
    x = np.atleast_2d(m)
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
@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    """Return np.searchsorted(a, v, ...), which is constant between jumps."""
    if sorter is not None:
        a = as_array(a)[np.asarray(sorter)]
    if not isinstance(a, Operand):
        return by_value(np.digitize)(v, a, right=side == "left")
    below: Callable[..., Any] = np.less if side == "left" else np.less_equal
    return np.count_nonzero(below(a, np.expand_dims(v, -1)), axis=-1)


@implements(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """Return np.digitize(x, bins, right), which is constant between jumps."""
    if not is_operand(bins):
        return by_value(np.digitize)(x, bins, right)
    side = "left" if right else "right"
    if np.all(bins[1:] >= bins[:-1]):
        return searchsorted(bins, x, side)
    if np.any(bins[1:] > bins[:-1]):
        raise ValueError("bins must be monotonically increasing or decreasing")
    return len(bins) - searchsorted(bins[::-1], x, side)


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """Return np.bincount(x, weights): the sums of weights with the same number x."""
    if isinstance(x, Operand):
        raise TypeError("np.bincount: x are plain non-negative integers; weights= may vary")
    if weights.dtype.kind == "f":
        weights = weights.astype(np.result_type(weights.dtype, float), copy=False)
    return _counted(np.asarray(x), weights, minlength)


def _counted(places: Any, weights: Any, minlength: int) -> Any:
    if places.ndim != 1 or np.shape(weights) != places.shape or np.any(places < 0):
        raise ValueError("np.bincount: x has one axis and no negative number; weights= its shape")
    return weights._scatter(places, (max(int(places.max(initial=-1)) + 1, minlength),))


@implements(np.histogram)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """Return np.histogram(a, bins, ...): counts are constant between jumps, edges and weights vary.

    Bins are a number of them, or their edges.
    """
    if isinstance(bins, str):
        raise TypeError("np.histogram: bins are a number or edges (np.histogram_bin_edges)")
    a, n = np.ravel(a), np.ndim(bins)
    if n == 0:
        low, high = (np.min(a), np.max(a)) if range is None else range
        if low == high:
            low, high = low - 0.5, high + 0.5
        edges = np.linspace(low, high, int(bins) + 1)
    else:
        edges = as_array(bins)
    last = len(edges) - 1
    at = plain_index(np.searchsorted(edges, a, side="right")) - 1
    at = np.where((at == last) & (a <= edges[-1]), last - 1, at)
    inside = (at >= 0) & (at < last)
    one = np.ones(a.shape, dtype=int) if weights is None else np.ravel(weights)
    counted = _counted if isinstance(one, Operand) else np.bincount
    found = counted(at[inside], one[inside] * 1.0, last)
    found = found.astype(int) if weights is None else found
    return (found / np.diff(edges) / np.sum(found) if density else found), edges
