"""NumPy functions of sequences by name: grids, differences, polynomials, pieces, inserted elements.

Each is written with NumPy's own functions, so that it works in every number type and mode.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor import linalg
from taylor.arrays.reductions import axes_of, by_value, norm, running_product, running_sum
from taylor.core import elementary
from taylor.core.binding import UFUNCS, family, implements
from taylor.core.conditions import mask
from taylor.core.operand import Operand, lift, rearrange, viewing
from taylor.numbers.kinds import base

Array = Any


def _array(x: Any) -> Any:
    """Return an operand as it is, all else as an array."""
    x = lift(x)
    return x if isinstance(x, Operand) else np.asarray(x)


# ------------------------------------------------------------------ grids
@implements(np.linspace)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
    axis: int = 0,
) -> Any:  # fmt: skip
    """Return np.linspace(start, stop, num, ...)."""
    start, stop = lift(start), lift(stop)
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    gaps = num - 1 if endpoint else num
    at = np.reshape(np.arange(num), (-1, *(1,) * max(np.ndim(start), np.ndim(stop))))
    step = (stop - start) / gaps if gaps > 0 else (stop - start) * np.nan
    points = start + at * step if gaps > 0 else start + at * (stop - start)
    if endpoint and num > 1:
        points[-1] = stop
    points = np.moveaxis(points, 0, axis) if axis else points
    return (points, step) if retstep else points


@implements(np.logspace)
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, axis: int = 0
) -> Any:
    """Return np.logspace(start, stop, num, ...)."""
    return np.power(base, linspace(start, stop, num, endpoint, axis=axis))


@implements(np.geomspace)
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, axis: int = 0) -> Any:
    """Return np.geomspace(start, stop, num, ...) of real numbers of one sign."""
    start, stop = lift(start), lift(stop)
    signs = np.where(mask(start > 0), 1.0, -1.0)
    sign: Any = float(signs.flat[0]) if np.ptp(signs) == 0 else signs
    if np.any(mask(start * sign <= 0)) or np.any(mask(stop * sign <= 0)):
        raise ValueError("np.geomspace: start and stop must be different from zero, of one sign")
    logs = [np.log(v * sign) for v in (start, stop)]
    ends = [v if isinstance(v, Operand) or np.ndim(v) else float(v) for v in logs]
    if isinstance(sign, np.ndarray):
        whole = np.broadcast_to(sign, np.broadcast_shapes(np.shape(start), np.shape(stop)))
        sign = np.expand_dims(whole, axis)
    return np.exp(linspace(*ends, num, endpoint, axis=axis)) * sign


@implements(np.vander)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    """Return np.vander(x, N, increasing)."""
    x = lift(x)
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    n = x.shape[0] if N is None else N
    powers = [x**k for k in (range(n) if increasing else range(n - 1, -1, -1))]
    return np.stack(powers, -1) if powers else np.zeros((len(x), 0))


# ------------------------------------------------------------------ differences
@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Return np.diff(a, n, axis, prepend, append)."""
    a = lift(a)
    if n == 0:
        return a
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n}")
    ends = [lift(x) for x in (prepend, a, append) if x is not None]
    (axis,) = axes_of(axis, np.ndim(a))
    if len(ends) > 1:
        edge = tuple(1 if i == axis else m for i, m in enumerate(np.shape(a)))
        a = np.concatenate([np.broadcast_to(x, edge) if np.ndim(x) == 0 else x for x in ends], axis)
    before = (slice(None),) * axis
    for _ in range(n):
        a = a[(*before, slice(1, None))] - a[(*before, slice(None, -1))]
    return a


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Return np.ediff1d(ary, to_end, to_begin)."""
    parts = [to_begin, diff(np.ravel(lift(ary))), to_end]
    return np.concatenate([np.ravel(lift(p)) for p in parts if p is not None])


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1, axis: int = -1) -> Any:
    """Return np.trapezoid(y, x, dx, axis)."""
    y = np.moveaxis(lift(y), axis, -1)
    if x is None:
        width = dx
    elif np.ndim(x) == 1:
        width = np.diff(lift(x))
    else:
        width = np.moveaxis(np.diff(lift(x), axis=axis), axis, -1)
    return np.sum(width * (y[..., 1:] + y[..., :-1]) / 2, axis=-1)


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Return np.gradient(f, *spacings): second order inside, order `edge_order` at the ends."""
    f = lift(f)
    axes = axes_of(axis, np.ndim(f))
    if len(varargs) not in (0, 1, len(axes)):
        raise TypeError("invalid number of arguments")
    if edge_order not in (1, 2):
        raise ValueError("'edge_order' greater than 2 not supported")
    spacing = [lift(v) for v in varargs] or [1]
    spacing = spacing * len(axes) if len(spacing) == 1 else spacing
    if len(varargs) == 1 and len(axes) > 1 and np.ndim(spacing[0]) > 0:
        raise TypeError("invalid number of arguments")
    found = [_slope(f, h, i, edge_order) for h, i in zip(spacing, axes, strict=True)]
    return found[0] if len(found) == 1 else tuple(found)


def _slope(f: Any, h: Any, axis: int, edge_order: int) -> Any:
    """Return the slope along an axis, with one spacing or the places of all elements."""
    n = np.shape(f)[axis]
    if n < edge_order + 1:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, at least (edge_order + 1)"
            " elements are required."
        )
    y = np.moveaxis(f, axis, -1)
    if np.ndim(h) and np.shape(h) != (n,):
        raise ValueError("when 1d, distances must match the length of the corresponding dimension")
    d = np.diff(h) if np.ndim(h) else np.broadcast_to(h, (n - 1,))
    s = (y[..., 1:] - y[..., :-1]) / d
    left, right = d[:-1], d[1:]
    inside = (right * s[..., :-1] + left * s[..., 1:]) / (left + right)
    first, last = s[..., :1], s[..., -1:]
    if edge_order == 2:
        bend = (s[..., 1:] - s[..., :-1]) / (left + right)
        first, last = first - bend[..., :1] * d[:1], last + bend[..., -1:] * d[-1:]
    return np.moveaxis(np.concatenate([first, inside, last], -1), -1, axis)


@implements(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    """Return np.unwrap(p, ...): multiples of the period are added, which are constant."""
    p = np.moveaxis(lift(p), axis, -1)
    d = p[..., 1:] - p[..., :-1]
    far = period / 2 if discont is None else discont
    turns = elementary.floor(d / period + 0.5)
    turns = np.where((d < far) & (d > -far), 0.0, turns)
    rest = p[..., 1:] - period * running_sum(turns, -1)
    return np.moveaxis(np.concatenate([p[..., :1], rest], -1), -1, axis)


@implements(np.cumulative_sum)
def cumulative_sum(x: Any, /, *, axis: Any = None, include_initial: bool = False) -> Any:
    """Return np.cumulative_sum(x, ...)."""
    return _cumulative(running_sum, 0, lift(x), axis, include_initial)


@implements(np.cumulative_prod)
def cumulative_prod(x: Any, /, *, axis: Any = None, include_initial: bool = False) -> Any:
    """Return np.cumulative_prod(x, ...)."""
    return _cumulative(running_product, 1, lift(x), axis, include_initial)


def _cumulative(scan: Callable[..., Any], first: int, x: Any, axis: Any, initial: bool) -> Any:
    if axis is None:
        if x.ndim != 1:
            raise ValueError("For arrays which have more than one dimension ``axis`` is required.")
        axis = 0
    found = scan(x, axis)
    if not initial:
        return found
    start = np.take(found, [0], axis=axis) * 0 + first
    return np.concatenate([start, found], axis=axis)


# ------------------------------------------------------------------ polynomials
@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """Return np.polyval(p, x)."""
    x = lift(x)
    result = x * 0
    for c in lift(p):
        result = result * x + c
    return result


@implements(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    """Return np.polyadd(a1, a2)."""
    a, b = (np.atleast_1d(lift(x)) for x in (a1, a2))
    n = max(len(a), len(b))
    a, b = (np.concatenate([np.zeros(n - len(x)), x]) for x in (a, b))
    return a + b


@implements(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    """Return np.polysub(a1, a2)."""
    return polyadd(a1, -np.atleast_1d(lift(a2)))


@implements(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    """Return np.polymul(a1, a2)."""
    return np.convolve(np.atleast_1d(lift(a1)), np.atleast_1d(lift(a2)))


@implements(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    """Return np.polyder(p, m)."""
    p = lift(p)
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@implements(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """Return np.polyint(p, m, k)."""
    p = lift(p)
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    constants = np.atleast_1d(lift(0.0 if k is None else k))
    if len(constants) == 1 and m > 1:
        constants = constants[np.zeros(m, dtype=int)]
    if len(constants) < m:
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    for i in range(m):
        p = np.append(p / np.arange(len(p), 0, -1), constants[i])
    return p


@implements(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """Return np.poly(zeros), the coefficients of the monic polynomial with these zeros."""
    zeros = np.atleast_1d(lift(seq_of_zeros))
    if zeros.ndim != 1:
        raise TypeError("np.poly of a matrix is not implemented: give its eigenvalues")
    found: Any = np.ones(1)
    for x in zeros:
        found = np.append(found, 0.0) - np.append(0.0, found) * x
    return found


@implements(np.polyfit)
def polyfit(x: Any, y: Any, deg: int, *, rcond: Any = None, w: Any = None) -> Any:
    """Return np.polyfit(x, y, deg, w=w): least squares, where the fit is unique."""
    x, y = lift(x), lift(y)
    matrix = vander(x, int(deg) + 1) if isinstance(x, Operand) else np.vander(x, int(deg) + 1)
    right = y
    if w is not None:
        w = lift(w)
        matrix = matrix * w[:, None]
        right = y * (w[:, None] if np.ndim(y) == 2 else w)
    scale = np.sqrt(np.sum(matrix * matrix, axis=0))
    found = np.linalg.lstsq(matrix / scale, right, rcond=rcond)[0]
    return (found.T / scale).T


# ------------------------------------------------------------------ tables
@implements(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """Return np.interp(x, xp, fp, ...): linear between the knots xp, where it has kinks."""
    x, xp, fp = (_array(v) for v in (x, xp, fp))
    if np.ndim(xp) != 1 or np.shape(xp) != np.shape(fp):
        raise ValueError("np.interp: xp and fp have one axis and the same length")
    if period is not None:
        x, xp, fp = _periodic(x, xp, fp, abs(period))
        left = right = None
    knots = np.asarray(base(xp))
    slope = np.diff(fp) / np.diff(xp)
    ends = [fp[0] if left is None else left, fp[-1] if right is None else right]
    # piece i, between the knots i-1 and i, is height + slope·(x - start)
    start = xp[np.concatenate([[0], np.arange(len(knots))])]
    height = np.concatenate([np.reshape(ends[0], 1), fp[:-1], np.reshape(ends[1], 1)])
    none = fp[:1] - fp[:1]
    slope = np.concatenate([none, slope, none])
    i = np.searchsorted(knots, base(x), side="right")
    above = height[i] + slope[i] * (x - start[i])
    if not isinstance(x, Operand):
        exact = (i == len(knots)) & (x == knots[-1])
        return np.where(exact, fp[-1], above) if right is not None and np.any(exact) else above
    np.all(x >= np.append(-np.inf, knots)[i])  # the piece is part of the recording
    np.all(x < np.append(knots, np.inf)[i])
    j = np.maximum(i - 1, 0)
    below, knot = height[j] + slope[j] * (x - start[j]), xp[j]
    last: Any = i == len(knots)
    if right is None or not np.any(last):
        return elementary.choose(x, knot, above, below, "kink")
    # at the last knot the value is that of the piece before it
    pairs: list[tuple[Any, Any]] = [(x, knot), (knot, x), (above, below), (below, above)]
    lhs, rhs, a, b = (np.where(last, other, usual) for usual, other in pairs)
    return elementary.choose(lhs, rhs, a, b, "kink")


def _periodic(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """Return x in one period and the knots of that period, with one more on each side."""
    if period == 0:
        raise ValueError("period must be a non-zero value")
    x, xp = elementary.mod(x, period), elementary.mod(xp, period)
    order = np.argsort(xp)
    xp, fp = xp[order], fp[order]
    xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x, xp, np.concatenate([fp[-1:], fp, fp[:1]])


# ------------------------------------------------------------------ pieces
@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Return np.select(condlist, choicelist, default)."""
    if len(condlist) != len(choicelist):
        raise ValueError(
            "list of cases must be same length as list of conditions: "
            f"{len(choicelist)} and {len(condlist)}"
        )
    found = lift(default)
    for condition, choice in zip(condlist[::-1], choicelist[::-1], strict=True):
        found = np.where(condition, lift(choice), found)
    return found


def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """Return np.piecewise(x, condlist, funclist, ...); each function sees its elements only."""
    x = lift(x)
    first = condlist if isinstance(condlist, (bool, np.bool_)) else condlist[0]
    single = np.ndim(first) == 0 and np.ndim(x) > 0
    masks = [np.asarray(mask(c), dtype=bool) for c in ([condlist] if single else condlist)]
    if len(funclist) == len(masks) + 1:
        masks.append(~np.any(masks, axis=0))
    if len(funclist) != len(masks):
        raise ValueError(
            f"with {len(masks)} condition(s), either {len(masks)} or one more functions"
        )
    found = x * 0
    for m, f in zip(masks, funclist, strict=True):
        if not np.any(m):
            continue
        part = f(x[m], *args, **kw) if callable(f) else f
        found = _written(found, m, part)
    return found


family(np.piecewise, piecewise)


def _written(x: Any, m: Array, part: Any) -> Any:
    """Return a copy of x with a part written where the mask holds."""
    place = np.where(m, np.cumsum(np.ravel(m)).reshape(np.shape(m)) - 1, 0)
    values = np.broadcast_to(lift(part), (int(np.sum(m)),))
    return np.where(m, values[place], x)


@implements(np.choose)
def choose(a: Any, choices: Any, mode: Any = "raise") -> Any:
    """Return np.choose(a, choices) for a plain a."""
    if isinstance(a, Operand):
        raise TypeError("np.choose: the first argument are plain integers")
    arrays = [lift(c) for c in choices]
    shape = np.broadcast_shapes(np.shape(a), *map(np.shape, arrays))
    stacked = np.stack([np.broadcast_to(c, shape) for c in arrays])
    return rearrange([stacked], lambda i: np.choose(np.broadcast_to(a, shape), i, mode=mode))


def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """Return np.apply_along_axis(func1d, axis, arr, ...)."""
    rows = np.moveaxis(lift(arr), axis, -1)
    lead = rows.shape[:-1]
    flat = np.reshape(rows, (-1, rows.shape[-1]))
    found = np.stack([lift(func1d(row, *args, **kwargs)) for row in flat])
    found = np.reshape(found, (*lead, *found.shape[1:]))
    (at,) = axes_of(axis, np.ndim(arr))
    extra = list(range(len(lead), found.ndim))
    return np.moveaxis(found, extra, [at + i for i in range(len(extra))])


family(np.apply_along_axis, apply_along_axis)


@implements(np.apply_over_axes)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    """Return np.apply_over_axes(func, a, axes)."""
    a = lift(a)
    for axis in np.atleast_1d(axes):
        found = func(a, int(axis))
        a = found if np.ndim(found) == np.ndim(a) else np.expand_dims(found, int(axis))
    return a


# ------------------------------------------------------------------ inserted and left out
@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    """Return np.insert(arr, obj, values, axis)."""
    arr, values = lift(arr), lift(values)
    return rearrange([arr, values], lambda i, j: np.insert(i, obj, j, axis))


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb") -> Any:
    """Return np.trim_zeros(filt, trim): what is zero is decided by the values."""
    filt = lift(filt)
    (used,) = np.nonzero(filt)
    first = int(used[0]) if len(used) and "f" in trim.lower() else 0
    last = int(used[-1]) + 1 if len(used) and "b" in trim.lower() else len(filt)
    return filt[first:last] if len(used) else filt[:0]


@implements(np.unique)
def unique(ar: Any, axis: Any = None) -> Any:
    """Return np.unique(ar): the elements that differ, sorted."""
    if axis is not None:
        raise TypeError("np.unique(axis=) is not implemented for values of taylor")
    a = np.sort(np.ravel(lift(ar)))
    return a[np.append(True, np.asarray(mask(a[1:] > a[:-1]), dtype=bool))] if len(a) else a


sliding: Any = np.lib.stride_tricks.sliding_window_view
family(sliding, viewing(sliding))


# ------------------------------------------------------------------ numbers
@implements(np.nan_to_num)
def nan_to_num(x: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Return np.nan_to_num(x, ...): what is replaced is constant."""
    x = lift(x)
    replaced = {
        np.isnan: nan,
        np.isposinf: np.finfo(float).max if posinf is None else posinf,
        np.isneginf: np.finfo(float).min if neginf is None else neginf,
    }
    found: Any = +x
    for test, number in replaced.items():
        lost = by_value(test)(x)
        found = np.where(lost, number, found) if np.any(lost) else found
    return found


@implements(np.fix)
def fix(x: Any) -> Any:
    """Return np.fix(x), which is constant between jumps."""
    return elementary.trunc(lift(x))


@implements(np.real_if_close)
def real_if_close(a: Any, tol: Any = 100) -> Any:
    """Return np.real_if_close(a) of real values."""
    return lift(a).real


@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    """Return np.isclose(a, b, ...) of the values."""
    a, b = lift(a), lift(b)
    size = b * np.where(mask(b >= 0), 1, -1)
    far, tol = a - b, atol + rtol * size
    near = mask(far <= tol) & mask(far >= -tol) & np.isfinite(b)
    same = mask(a <= b) & mask(a >= b)
    return near | same | (np.isnan(a) & np.isnan(b)) if equal_nan else near | same


@implements(np.allclose)
def allclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> bool:
    """Return np.allclose(a, b, ...) of the values."""
    return bool(np.all(isclose(a, b, rtol, atol, equal_nan)))


@implements(np.astype)
def astype(x: Any, dtype: Any, /, *, copy: bool = True) -> Any:
    """Return np.astype(x, dtype)."""
    return x.astype(dtype, copy=copy)


def _copysign(x: Any, y: Any) -> Any:
    """Return |x| with the sign of y, which is constant between jumps."""
    size = elementary.absolute(x)
    negative = np.signbit(y) if not isinstance(y, Operand) else by_value(np.signbit)(y)
    return np.where(negative, -size, size)


def _fmod(x: Any, y: Any) -> Any:
    """Return x - trunc(x/y)·y, the remainder with the sign of x."""
    return x - elementary.trunc(x / y) * y


def _modf(x: Any) -> Any:
    whole = elementary.trunc(x)
    return x - whole, whole


def _ldexp(x: Any, exponent: Any) -> Any:
    if isinstance(exponent, Operand):
        raise TypeError("np.ldexp: the exponent are plain integers")
    return x * np.ldexp(1.0, exponent)


LOG2 = float(np.log(2.0))
UFUNCS.update({
    np.copysign: _copysign,
    np.fmod: _fmod,
    np.modf: _modf,
    np.ldexp: _ldexp,
    np.logaddexp2: lambda x, y: elementary.logaddexp(x * LOG2, y * LOG2) / LOG2,
})  # fmt: skip


# ------------------------------------------------------------------ matrices
@implements(np.linalg.multi_dot)
def multi_dot(arrays: Any) -> Any:
    """Return np.linalg.multi_dot(arrays), in the order that NumPy finds best."""
    arrays = [lift(x) for x in arrays]
    if len(arrays) < 2:
        raise ValueError("Expecting at least two arrays.")
    sizes = [np.atleast_2d(np.empty(np.shape(x))).shape for x in arrays[1:-1]]
    ends = [(1, *np.shape(arrays[0]))[-2:], (*np.shape(arrays[-1]), 1)[:2]]
    shapes = [ends[0], *sizes, ends[1]]
    return functools.reduce(np.matmul, arrays) if len(shapes) == 2 else _best(arrays, shapes)


def _best(arrays: list[Any], shapes: list[tuple[int, ...]]) -> Any:
    """Return the product of matrices with fewest multiplications (Cormen et al., 15.2)."""
    n = len(arrays)
    p = [shapes[0][0], *(s[1] for s in shapes)]

    @functools.cache
    def cost(i: int, j: int) -> tuple[int, int]:
        if i == j:
            return 0, i
        return min(
            (cost(i, k)[0] + cost(k + 1, j)[0] + p[i] * p[k + 1] * p[j + 1], k) for k in range(i, j)
        )

    def product(i: int, j: int) -> Any:
        k = cost(i, j)[1]
        return arrays[i] if i == j else np.matmul(product(i, k), product(k + 1, j))

    return product(0, n - 1)


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """Return np.linalg.cond(x, p), the product of norms of x and of its inverse."""
    x = lift(x)
    if p in (None, 2, -2):
        s = linalg.svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return norm(x, p, (-2, -1)) * norm(linalg.inv(x), p, (-2, -1))


@implements(np.linalg.matrix_rank)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """Return np.linalg.matrix_rank(A, ...) of the values, which is constant."""
    return np.linalg.matrix_rank(by_value(np.positive)(A), tol, hermitian, rtol=rtol)


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """Return np.linalg.tensorsolve(a, b, axes)."""
    a, b = lift(a), lift(b)
    if axes is not None:
        moved = axes_of(tuple(axes), np.ndim(a))
        a = np.transpose(a, [*(i for i in range(np.ndim(a)) if i not in moved), *moved])
    shape = np.shape(a)[np.ndim(b) :]
    n = int(np.prod(shape, dtype=int))
    return np.reshape(linalg.solve(np.reshape(a, (-1, n)), np.ravel(b)), shape)


@implements(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """Return np.linalg.tensorinv(a, ind)."""
    a = lift(a)
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    lead, rest = np.shape(a)[:ind], np.shape(a)[ind:]
    n = int(np.prod(rest, dtype=int))
    return np.reshape(linalg.inv(np.reshape(a, (n, -1))), (*rest, *lead))


def _matvec(a: Any, x: Any) -> Any:
    return np.matmul(a, np.expand_dims(x, -1))[..., 0]


def _vecmat(x: Any, a: Any) -> Any:
    return np.matmul(np.expand_dims(np.conj(x), -2), a)[..., 0, :]


for _name, _handler in (("matvec", _matvec), ("vecmat", _vecmat)):  # since NumPy 2.2
    if hasattr(np, _name):
        UFUNCS[getattr(np, _name)] = _handler


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """Return np.correlate(a, v, mode)."""
    a, v = lift(a), lift(v)
    if len(v) > len(a):
        return np.conj(correlate(v, a, mode))[::-1]
    return np.convolve(a, np.conj(v)[::-1], mode)


for _alias, _name in (("around", "round"), ("amax", "max"), ("amin", "min")):
    family(getattr(np, _alias), functools.partial(getattr(np, _name)), [])
