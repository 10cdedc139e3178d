"""NumPy functions of sequences by name: grids, differences, polynomials, interpolation, pieces.

Each is written with NumPy's own functions, so that it works in every number type and mode.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.arrays.reductions import axes_of, scan
from taylor.core import choices, functions
from taylor.core.binding import family
from taylor.core.conditions import mask
from taylor.core.lookups import by_pieces
from taylor.core.operand import Operand, as_array, define, implements, lift
from taylor.numbers.kinds import base, base_array, is_operand
from taylor.numbers.values import widened


# ------------------------------------------------------------------ grids
@implements(np.linspace)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
    axis: int = 0,
) -> Any:  # fmt: skip
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


@implements(np.geomspace)
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, axis: int = 0) -> Any:
    """Return np.geomspace(start, stop, num, ...) of real numbers of one sign."""
    start, stop = as_array(start), as_array(stop)
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
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    n = x.shape[0] if N is None else N
    powers = [x**k for k in (range(n) if increasing else range(n - 1, -1, -1))]
    return np.stack(powers, -1) if powers else np.zeros((len(x), 0))


# ------------------------------------------------------------------ differences and sums
@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if n == 0:
        return a
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n}")
    ends = [x for x in (prepend, a, append) if x is not None]
    (axis,) = axes_of(axis, np.ndim(a))
    if len(ends) > 1:
        edge = tuple(1 if i == axis else m for i, m in enumerate(np.shape(a)))
        a = np.concatenate([np.broadcast_to(x, edge) if np.ndim(x) == 0 else x for x in ends], axis)
    before = (slice(None),) * axis
    for _ in range(n):
        a = a[(*before, slice(1, None))] - a[(*before, slice(None, -1))]
    return a


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1, axis: int = -1) -> Any:
    width = dx if x is None else np.diff(x, axis=axis if np.ndim(x) > 1 else -1)
    width = np.moveaxis(width, axis, -1) if np.ndim(x) > 1 else width
    y = np.moveaxis(y, axis, -1)
    return np.sum(width * (y[..., 1:] + y[..., :-1]) / 2, axis=-1)


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Return np.gradient(f, *spacings): second order inside, order `edge_order` at the ends."""
    axes = axes_of(axis, np.ndim(f))
    if len(varargs) not in (0, 1, len(axes)):
        raise TypeError("invalid number of arguments")
    if edge_order not in (1, 2):
        raise ValueError("'edge_order' greater than 2 not supported")
    spacing = list(varargs) or [1]
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
    if f.dtype.kind == "f" and not isinstance(h, Operand):  # NumPy's slopes are of the type of f
        h = np.asarray(h, f.dtype)
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
    p = np.moveaxis(p, axis, -1)
    d = p[..., 1:] - p[..., :-1]
    far = period / 2 if discont is None else discont
    turns = functions.floor(d / period + 0.5)
    turns = np.where((d < far) & (d > -far), 0.0, turns)
    rest = p[..., 1:] - period * np.cumsum(turns, -1)
    return np.moveaxis(np.concatenate([p[..., :1], rest], -1), -1, axis)


def _cumulative(op: Callable[[Any, Any], Any], first: int) -> Callable[..., Any]:
    """Return np.cumulative_sum or np.cumulative_prod: a scan that may begin before the first."""

    def handler(x: Any, /, *, axis: Any = None, include_initial: bool = False) -> Any:
        if axis is None and x.ndim != 1:
            raise ValueError("For arrays which have more than one dimension ``axis`` is required.")
        axis = 0 if axis is None else axis
        found = scan(op, x, axis)
        if not include_initial:
            return found
        return np.concatenate([np.take(found, [0], axis=axis) * 0 + first, found], axis=axis)

    return handler


define({
    np.logspace: lambda start, stop, num=50, endpoint=True, base=10.0, axis=0: (
        np.power(base, linspace(start, stop, num, endpoint, axis=axis))
    ),
    np.ediff1d: lambda ary, to_end=None, to_begin=None: np.concatenate(
        [np.ravel(p) for p in (to_begin, diff(np.ravel(ary)), to_end) if p is not None]
    ),
    np.cumulative_sum: _cumulative(operator.add, 0),
    np.cumulative_prod: _cumulative(operator.mul, 1),
})  # fmt: skip


# ------------------------------------------------------------------ polynomials
@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    x = as_array(x)
    result = x * 0
    for c in p:
        result = result * x + c
    return result


@implements(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    a, b = np.atleast_1d(a1, a2)
    n = max(len(a), len(b))
    a, b = (np.concatenate([np.zeros(n - len(x)), x]) for x in (a, b))
    return a + b


@implements(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@implements(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    constants = np.atleast_1d(0.0 if k is None else k)
    if len(constants) == 1 and m > 1:
        constants = constants[np.zeros(m, dtype=int)]
    if len(constants) < m:
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    for i in range(m):
        p = np.append(p / np.arange(len(p), 0, -1), constants[i])
    return p


@implements(np.polydiv)
def polydiv(u: Any, v: Any) -> Any:
    """Return np.polydiv(u, v): quotient and remainder, without leading zeros of its value."""
    u, v = np.atleast_1d(u, v)
    n, found = len(v), []
    while len(u) >= n:
        found.append(u[:1] / v[0])
        u = np.concatenate([u[1:n] - found[-1] * v[1:], u[n:]])
    rest = u if len(u) else 0 * v[:1]
    while len(rest) > 1 and np.allclose(rest[0], 0, rtol=1e-14):
        rest = rest[1:]
    return (np.concatenate(found) if found else 0 * v[:1]), rest


@implements(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """Return np.poly(zeros), the coefficients of the monic polynomial with these zeros.

    Of a matrix they are those of det(z - A), by traces: c_k = -tr(A M_k)/k with M_1 = 1 and
    M_(k+1) = A M_k + c_k (Faddeev and LeVerrier), for eigenvalues that coincide, too.
    """
    zeros: Any = np.atleast_1d(seq_of_zeros)
    found: Any
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1]:
        one = np.eye(len(zeros))
        found, m = [1.0], one
        for k in range(1, len(zeros) + 1):
            product = zeros @ m
            found.append(-np.trace(product) / k)
            m = product + found[-1] * one
        return np.stack(found)
    if zeros.ndim != 1:
        raise ValueError("np.poly takes a row of zeros or a square matrix")
    found = np.ones(1, zeros.dtype)
    none = 0 * found
    for x in zeros:
        found = np.append(found, none) - np.append(none, found) * x
    return found


@implements(np.roots)
def roots(p: Any) -> Any:
    """Return np.roots(p), the eigenvalues of the companion matrix; multiple ones have no slope."""
    p = np.atleast_1d(p)
    used = np.flatnonzero(p)
    if len(used) == 0:
        return np.zeros(0)
    zeros, p = len(p) - 1 - int(used[-1]), p[int(used[0]) : int(used[-1]) + 1]
    if len(p) < 2:
        return np.zeros(zeros)
    shifted = np.eye(len(p) - 2, len(p) - 1, dtype=p.dtype if p.dtype.kind in "fc" else float)
    companion = np.concatenate([-p[None, 1:] / p[0], shifted])
    found = np.linalg.eigvals(companion)
    return np.concatenate([found, np.zeros(zeros)]) if zeros else found


@implements(np.polyfit)
def polyfit(
    x: Any, y: Any, deg: int, *, rcond: Any = None, full: bool = False, w: Any = None,
    cov: bool | str = False,
) -> Any:  # fmt: skip
    """Return np.polyfit(x, y, deg, ...): least squares, where the fit is unique."""
    matrix, right = np.vander(x, int(deg) + 1), y
    if w is not None:
        matrix = matrix * w[:, None]
        right = y * (w[:, None] if np.ndim(y) == 2 else w)
    scale = np.sqrt(np.sum(matrix * matrix, axis=0))
    matrix = matrix / scale
    found, rest, rank, singular = np.linalg.lstsq(matrix, right, rcond=rcond)
    found = (found.T / scale).T
    if full:
        least = len(x) * np.finfo(float).eps if rcond is None else rcond
        return found, rest, rank, singular, least
    if not cov:
        return found
    spread = np.linalg.inv(matrix.T @ matrix) / np.outer(scale, scale)
    if cov == "unscaled":
        factor: Any = 1.0
    else:
        factor = np.sum((right - matrix @ (found.T * scale).T) ** 2, axis=0) / (len(x) - deg - 1)
    return found, spread * factor if np.ndim(y) == 1 else spread[:, :, None] * factor


define(
    {
        np.polysub: lambda a1, a2: polyadd(a1, -np.atleast_1d(a2)),
        np.polymul: lambda a1, a2: np.convolve(*np.atleast_1d(a1, a2)),
    }
)


# ------------------------------------------------------------------ tables
@implements(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """Return np.interp(x, xp, fp, ...): linear between the knots xp, where it has kinks."""
    x, xp, fp = as_array(x), as_array(xp), as_array(fp)
    like = next(v for v in (x, fp, xp) if is_operand(v))
    xp, fp = widened(xp, like), widened(fp, like)
    if np.ndim(xp) != 1 or np.shape(xp) != np.shape(fp):
        raise ValueError("np.interp: xp and fp have one axis and the same length")
    if period is not None:
        x, xp, fp = _periodic(x, xp, fp, abs(period))
        left = right = None
    slope = np.diff(fp) / np.diff(xp)
    # piece i, between the knots i-1 and i, is height + slope·(x - start)
    start = xp[np.concatenate([[0], np.arange(np.size(xp))])]
    first = fp[0] if left is None else left
    height = np.concatenate([np.reshape(first, 1), fp[:-1], fp[-1:]])
    none = fp[:1] - fp[:1]
    pieces = np.stack([height, np.concatenate([none, slope, none]), start], axis=1)

    def of_row(row: Any) -> Any:
        return row[..., 0] + row[..., 1] * (x - row[..., 2])

    if not (is_operand(x) or is_operand(xp)):  # only what is between the knots varies: no kinks
        y = of_row(pieces[np.searchsorted(xp, x, side="right")])
        return y if right is None else np.where(x > xp[-1], right, y)
    if isinstance(xp, Operand):
        above, below = _rows(x, xp, pieces)
        y = choices.choose(x, above[..., 2], of_row(above), of_row(below), "kink")
    else:
        knots = np.unique(xp)  # where two are equal, there is a jump
        ends = np.concatenate([[0], np.searchsorted(xp, knots, "right")])
        y = by_pieces(x, knots, of_row, pieces[ends])
    # at the last knot the value is that of the piece before it
    return y if right is None else choices.choose(xp[-1], x, y, right, "kink")


def _rows(x: Any, xp: Any, pieces: Any) -> tuple[Any, Any]:
    """Return the row of the piece above each x and of the one below, for knots that vary."""
    knots, at = base_array(xp), base(x)
    i, j = np.searchsorted(knots, at, side="right"), np.searchsorted(knots, at, side="left")
    np.all(x >= np.append(-np.inf, xp)[i])  # the piece is part of the recording
    np.all(x < np.append(xp, np.inf)[i])
    return pieces[i], pieces[j]


def _periodic(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """Return x in one period and the knots of that period, with one more on each side."""
    if period == 0:
        raise ValueError("period must be a non-zero value")
    x, xp = functions.mod(x, period), functions.mod(xp, period)
    order = np.argsort(xp)
    xp, fp = xp[order], fp[order]
    xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x, xp, np.concatenate([fp[-1:], fp, fp[:1]])


# ------------------------------------------------------------------ pieces
def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if len(condlist) != len(choicelist):
        raise ValueError(
            "list of cases must be same length as list of conditions: "
            f"{len(choicelist)} and {len(condlist)}"
        )
    found = lift(default)
    for condition, choice in zip(condlist[::-1], choicelist[::-1], strict=True):
        found = np.where(condition, lift(choice), found)
    return found


define({np.select: _select}, lifted=False)


def _piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
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
        if np.any(m):
            part = lift(f(x[m], *args, **kw) if callable(f) else f)
            if type(part) in (int, float) and x.dtype.kind in "fc":
                part = x.dtype.type(part)
            part = np.broadcast_to(part, np.sum(m))
            place = np.cumsum(np.ravel(m)).reshape(np.shape(m)) - 1
            found = np.where(m, part[np.where(m, place, 0)], found)
    return found


def _apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    rows = np.moveaxis(lift(arr), axis, -1)
    lead = rows.shape[:-1]
    flat = np.reshape(rows, (-1, rows.shape[-1]))
    found = np.stack([lift(func1d(row, *args, **kwargs)) for row in flat])
    found = np.reshape(found, (*lead, *found.shape[1:]))
    (at,) = axes_of(axis, np.ndim(arr))
    extra = list(range(len(lead), found.ndim))
    return np.moveaxis(found, extra, [at + i for i in range(len(extra))])


family(np.piecewise, _piecewise)
family(np.apply_along_axis, _apply_along_axis)


@implements(np.apply_over_axes)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    for axis in np.atleast_1d(axes):
        found = func(a, int(axis))
        a = found if np.ndim(found) == np.ndim(a) else np.expand_dims(found, int(axis))
    return a


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb") -> Any:
    """Return np.trim_zeros(filt, trim): what is zero is decided by the values."""
    (used,) = np.nonzero(filt)
    if not len(used):
        return filt[:0]
    first = int(used[0]) if "f" in trim.lower() else 0
    return filt[first : int(used[-1]) + 1 if "b" in trim.lower() else len(filt)]


@implements(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
) -> Any:
    """Return np.unique(ar, ...): the elements that differ, sorted; places and counts are plain."""
    if axis is not None:
        raise TypeError("np.unique(axis=) is not implemented for values of taylor")
    flat = np.ravel(ar)
    order = np.argsort(flat, kind="stable")
    a = flat[order]
    new = np.append(True, np.asarray(mask(a[1:] > a[:-1]), dtype=bool))[: len(a)]
    found, order = [a[new]], np.asarray(order)
    if return_index:
        found.append(order[new])
    if return_inverse:
        inverse = np.empty(len(a), dtype=np.intp)
        inverse[order] = np.cumsum(new) - 1
        found.append(inverse.reshape(ar.shape))
    if return_counts:
        found.append(np.diff(np.append(np.flatnonzero(new), len(a))))
    return tuple(found) if len(found) > 1 else found[0]
