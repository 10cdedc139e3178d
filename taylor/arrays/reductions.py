"""Reductions: sums, means, extremes, norms and order statistics; each has one definition.

`where` chooses the elements that count, `initial` is one more operand, `keepdims` keeps axes of
length one.  NumPy's function, the method of the array and ufunc.reduce are the same thing.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from taylor import linalg
from taylor.core import functions
from taylor.core.binding import METHODS, family, full_name, takes_operands
from taylor.core.conditions import Condition, mask
from taylor.core.maps import CumSum, Sum
from taylor.core.memory import in_order, laid_as, rearrange
from taylor.core.node import Node
from taylor.core.operand import Operand, as_array, bind, define, implements, is_complex, lift
from taylor.core.singular import leading
from taylor.numbers.kinds import base, base_array, is_operand
from taylor.numbers.values import of_value, shape_of

Join = Callable[[Any, Any], Any]


# ------------------------------------------------------------------ axes and masks
def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes of a reduction as a tuple of numbers >= 0.

    >>> axes_of(-1, 2), axes_of(None, 2)
    ((1,), (0, 1))
    """
    if axis is None:
        return tuple(range(ndim))
    if type(axis) is int and -ndim <= axis < ndim:
        return (axis % ndim,)
    return normalize_axis_tuple(axis, ndim)


def reduced(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes of a reduction by a ufunc: for a number 0 and -1 are none, as in NumPy."""
    return () if ndim == 0 and axis in (0, -1) else axes_of(axis, ndim)


def along(a: Any, axis: Any) -> tuple[Any, int]:
    """Return an array and the number of one of its axes; without an axis all elements on one."""
    if axis is None:
        return a if a.ndim == 1 else np.ravel(a), 0
    return a, axes_of(axis, a.ndim)[0]


def kept(x: Any, a: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """Return a reduction of a with axes of length one for those reduced, if asked for."""
    if not keepdims:
        return x
    lead = shape_of(x)[: len(shape_of(x)) - len(shape_of(a)) + len(axes)]
    shape = lead + tuple([1 if i in axes else n for i, n in enumerate(shape_of(a))])
    return x._in_shape(shape) if isinstance(x, Operand) else np.reshape(x, shape)


def flattened(x: Any, axes: tuple[int, ...], first: bool = False) -> Any:
    """Return x with these axes joined to one: the last, or the first."""
    rest = [i for i in range(np.ndim(x)) if i not in axes]
    shape = tuple(np.shape(x)[i] for i in rest)
    n = int(np.prod([np.shape(x)[i] for i in axes], dtype=int))
    moved = np.transpose(x, [*axes, *rest] if first else [*rest, *axes])
    return np.reshape(moved, (n, *shape) if first else (*shape, n))


def masked(x: Any, where: Any, neutral: Any) -> Any:
    """Return x with a neutral number where it does not count."""
    if where is True or where is None:
        return x
    if isinstance(where, Operand):
        raise TypeError("where= is a mask; write x > 0, not a value with derivatives")
    if np.broadcast_shapes(np.shape(x), np.shape(where)) != np.shape(x):
        raise ValueError(f"where= of shape {np.shape(where)} does not fit {np.shape(x)}")
    return np.where(where if isinstance(where, Condition) else lift(where), x, neutral)


def count(x: Any, axis: Any, where: Any, keepdims: bool = False) -> Any:
    """Return how many elements count."""
    if where is None or where is True:
        shape = shape_of(x)
        return math.prod([shape[i] for i in axes_of(axis, len(shape))])
    return np.sum(np.broadcast_to(where, np.shape(x)), axis=axis, keepdims=keepdims)


def fold(op: Join, x: Any, axes: tuple[int, ...], empty: Any = None) -> Any:
    """Return the reduction of x over some axes by an associative operation, in a balanced tree."""
    y, axis = (x, axes[0]) if len(axes) == 1 else (flattened(x, axes, first=True), 0)
    lead, n = (slice(None),) * axis, y.shape[axis]
    if n < 2:
        if n == 0 and empty is None:
            raise ValueError("the reduction of an empty array has no identity")
        return y[(*lead, 0)].copy("K") if n else y.sum(axis) + empty
    odd = []
    while n > 1:
        if n % 2:
            odd.append(y[(*lead, n - 1)])
        n //= 2
        halves = (slice(n), slice(n, 2 * n)) if n > 1 else (0, 1)
        y = op(*(y[(*lead, half)] for half in halves))
    return functools.reduce(op, odd, y)


# ------------------------------------------------------------------ sums, products, extremes
def _summed(a: Any, axes: tuple[int, ...], empty: Any) -> Any:
    return bind(Sum(axes), a) if axes else +a


def _reduction(
    function: Any, join: Join, neutral: float, identity: Any, over: Any = None
) -> Callable[..., Any]:
    """Return a reduction and register it: elements out of `where` are replaced by the neutral."""
    over = functools.partial(fold, join) if over is None else over

    @implements(function)
    def reduction(
        a: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True
    ) -> Any:
        if identity is None and where is not True and initial is None:
            raise ValueError(f"{full_name(function)} over where= has no identity; give initial=")
        a = a if where is True else masked(a, where, neutral)
        axes = reduced(axis, len(a.shape))
        found = over(a, axes, initial if identity is None else identity)
        found = kept(found, a, axes, keepdims) if keepdims else found
        return found if initial is None else join(found, initial)

    return reduction


total = _reduction(np.sum, operator.add, 0, 0, _summed)
product = _reduction(np.prod, operator.mul, 1, 1)


def _extreme(join: Join, where: Callable[..., Any]) -> Callable[..., Any]:
    """Return the reduction to largest or smallest elements; a tie is a NonAnalyticError of join."""

    def over(a: Any, axes: tuple[int, ...], initial: Any) -> Any:
        index = _settled(a, axes, where)
        return fold(join, a, axes, initial) if index is None else a._gather([a], index)

    return over


def _settled(a: Any, axes: tuple[int, ...], where: Callable[..., Any]) -> Any:
    """Return where the extremes lie in np.ravel(a); None if that is not settled by this point.

    It is not where elements are equal or nan, nor in a program that is run elsewhere, too.
    """
    if not (isinstance(a, Node) and a.tape.passing):
        return None
    x = a.tape.values[a.i]
    if not (type(x) is np.ndarray and x.dtype.char == "d" and x.size):
        return None
    places = _rows(x.shape, axes)
    rows = x.reshape(-1)[places]
    best = where(rows, axis=1)
    found = places[np.arange(len(places)), best]
    ties = rows == x.reshape(-1)[found][:, None]
    if np.count_nonzero(ties) != best.size:
        return None
    return found.reshape([n for i, n in enumerate(x.shape) if i not in axes])


def _rows(shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """Return the places of the elements of an array, those along some axes in one row."""
    order = [*(i for i in range(len(shape)) if i not in axes), *axes]
    places = np.arange(math.prod(shape)).reshape(shape).transpose(order)
    return places.reshape(-1, math.prod([shape[i] for i in axes]))


largest, smallest = (
    _reduction(function, join, neutral, None, _extreme(join, where))
    for function, join, neutral, where in (
        (np.max, functions.maximum, -np.inf, np.argmax),
        (np.min, functions.minimum, np.inf, np.argmin),
    )
)


# ------------------------------------------------------------------ means
def squared(x: Any) -> Any:
    """Return |x|²."""
    if not is_complex(x):
        return x * x
    re, im = x.real, x.imag
    return re * re + im * im


@implements(np.var)
def variance(
    a: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False, where: Any = True,
    mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    if correction is not None:
        if type(ddof) is not int or ddof != 0:
            raise ValueError("ddof and correction can't be provided simultaneously.")
        ddof = correction
    centred = a - (np.mean(a, axis=axis, keepdims=True, where=where) if mean is None else mean)
    free = count(a, axis, where, keepdims) - ddof
    if where is not True:  # else the slope of a nan that does not count is nan
        centred = np.where(where, centred, 0)
    return total(squared(centred), axis, keepdims, where=where) / free


@implements(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, keepdims: bool = False
) -> Any:
    a, n = as_array(a), None
    if weights is None:
        n = count(a, axis, None)
        found = total(a, axis, keepdims) / n
    else:
        w = _weights(a, axis, weights)
        n = np.sum(w, axis=axis, keepdims=keepdims)
        found = np.sum(a * w, axis=axis, keepdims=keepdims) / n
    return (found, np.broadcast_to(n + 0 * found, found.shape)) if returned else found


def _weights(a: Any, axis: Any, weights: Any) -> Any:
    """Return weights of the shape of a: those of some axes are the same along the others."""
    shape = np.shape(weights)
    if shape == a.shape:
        return as_array(weights)
    if axis is None:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    axes = axes_of(axis, a.ndim)
    if shape != tuple(a.shape[i] for i in axes):
        raise ValueError(
            "Shape of weights must be consistent with shape of a along specified axis."
        )
    order = sorted(range(len(axes)), key=lambda i: axes[i])
    unit = tuple(n if i in axes else 1 for i, n in enumerate(a.shape))
    return np.broadcast_to(np.transpose(weights, order).reshape(unit), a.shape)


# ------------------------------------------------------------------ running sums
def scan(op: Join, a: Any, axis: Any = None) -> Any:
    """Return the results of op on the first 1, 2, ... elements along an axis."""
    a, axis = along(a, axis if reduced(axis, np.ndim(a)) else None)
    if op in (operator.add, np.add):
        return bind(CumSum(axis), a)
    rows = [np.take(a, i, axis=axis) for i in range(a.shape[axis])]
    for i in range(1, len(rows)):
        rows[i] = op(rows[i - 1], rows[i])
    return laid_as(np.stack(rows, axis), a) if rows else +a


# ------------------------------------------------------------------ of the values alone
def by_value(func: Any) -> Callable[..., Any]:
    """A function of the values alone, such as argmax or isfinite."""

    def handler(x: Any, *args: Any, **kwargs: Any) -> Any:
        x = lift(x)
        if (args or kwargs) and any(map(is_operand, (*args, *kwargs.values()))):
            raise TypeError(
                f"np.{func.__name__}: only its first argument may vary; give y.value of another one"
            )
        if hasattr(x, "_decided"):
            return x._decided(func.__name__, args, kwargs)
        value = x.value if isinstance(x, Operand) else x
        return of_value(func.__name__, value, *args, **kwargs)

    return handler


BY_VALUE: tuple[Any, ...] = (
    np.argmax, np.argmin, np.argsort, np.any, np.all, np.nonzero, np.flatnonzero, np.count_nonzero,
    np.iscomplexobj, np.isrealobj, np.argpartition, np.nanargmax, np.nanargmin,
    np.isneginf, np.isposinf, np.isreal, np.iscomplex, np.argwhere, np.isin,
)  # fmt: skip
for _func in BY_VALUE:
    family(_func, by_value(_func))
family(np.lexsort, by_value(np.lexsort))
isnan = by_value(np.isnan)


# ------------------------------------------------------------------ order
def ordered(places: Any, a: Any, axis: Any, *args: Any, **named: Any) -> Any:
    """Return the elements along an axis at the places that a function of NumPy finds."""
    a, axis = along(a, axis)
    found = by_value(places)(a, *args, axis=axis, **named)
    y = rearrange([a], lambda i: in_order(np.take_along_axis(i, found, axis), i))
    if is_complex(y) or y.shape[axis] < 2:
        return y
    if places is np.argsort:
        return _among_equals(y, axis)
    order = np.argsort(base(y), axis, kind="stable")
    y = _among_equals(np.take_along_axis(y, order, axis), axis)
    return laid_as(np.take_along_axis(y, np.argsort(order, axis), axis), a)


def _among_equals(y: Any, axis: int) -> Any:
    """Return a sorted array in which equal elements are the smallest to the largest of them.

    Which of them comes first has no derivative by itself.
    """
    values, inner, row = np.moveaxis(base(y), axis, -1), leading(y), np.moveaxis(y, axis, -1)
    same = np.equal(values[..., :-1], values[..., 1:])
    if isinstance(inner, Node) and not (inner.tape.passing and _is_plain(inner)):
        mask(row[..., :-1] < row[..., 1:])  # leaves a guard: elsewhere others may be equal
    if not same.any():
        return y
    flat, ends = np.ravel(row), [(0, 0)] * (same.ndim - 1) + [(1, 1)]
    joined = np.diff(np.pad(same, ends).astype(int), axis=-1).ravel()
    starts = np.flatnonzero(joined > 0)
    sizes = np.flatnonzero(joined < 0) - starts + 1
    for low, high in _exchanges(sizes.max()):
        used = np.searchsorted(high, sizes)
        of = np.arange(used.sum()) - np.repeat(np.cumsum(used) - used, used)
        left, right = (np.repeat(starts, used) + end[of] for end in (low, high))
        pair, flat = (flat[left], flat[right]), flat.copy()
        flat[left], flat[right] = functions.minimum(*pair), functions.maximum(*pair)
    return np.moveaxis(flat.reshape(row.shape), -1, axis)


def _exchanges(n: int) -> Iterator[tuple[Any, Any]]:
    """Yield, turn by turn, the places whose elements are exchanged to sort the first n or fewer.

    Batcher's merge exchange: Knuth, The Art of Computer Programming 3, algorithm 5.2.2M.
    """
    top = 1 << (int(n) - 1).bit_length() >> 1
    step = top
    while step:
        rest, distance, width = 0, step, top
        while True:
            low = np.arange(n - distance)
            low = low[low & step == rest]
            yield low, low + distance
            if width == step:
                break
            rest, distance, width = step, width - step, width >> 1
        step >>= 1


def _is_plain(x: Node) -> bool:
    return not is_operand(x.tape.values[x.i])


def of_order(a: Any, axis: Any, keepdims: bool, pick: Callable[[Any], Any]) -> Any:
    """Return pick(x), the elements along the last axis of x sorted; nan where there is one."""
    axes = axes_of(axis, a.ndim)
    rows = np.sort(flattened(a, axes))
    found, last = pick(rows), rows[..., -1]  # where nan is sorted to
    lost = isnan(last)
    return kept(np.where(lost, last, found) if np.any(lost) else found, a, axes, keepdims)


def _middle(ordered: Any) -> Any:
    n = ordered.shape[-1]
    high = ordered[..., n // 2]
    return high if n % 2 else (ordered[..., n // 2 - 1] + high) / 2


define({
    np.mean: lambda a, axis=None, keepdims=False, where=True: (
        total(a, axis, keepdims, where=where) / count(a, axis, where, keepdims)
    ),
    np.std: lambda a, axis=None, ddof=0, keepdims=False, where=True, mean=None, correction=None: (
        functions.sqrt(variance(a, axis, ddof, keepdims, where, mean, correction))
    ),
    np.trace: lambda a, offset=0, axis1=0, axis2=1: total(np.diagonal(a, offset, axis1, axis2), -1),
    np.cumsum: lambda a, axis=None: scan(operator.add, a, axis),
    np.cumprod: lambda a, axis=None: scan(operator.mul, a, axis),
    np.sort: lambda a, axis=-1, kind=None, order=None, stable=None: ordered(
        np.argsort, a, axis, order=order, stable=stable,
        kind="stable" if kind is None and stable is None else kind,
    ),
    np.partition: lambda a, kth, axis=-1, kind="introselect", order=None: (
        ordered(np.argpartition, a, axis, kth, kind=kind, order=order)
    ),
    np.median: lambda a, axis=None, keepdims=False: of_order(a, axis, keepdims, _middle),
    np.ptp: lambda a, axis=None, keepdims=False: (
        largest(a, axis, keepdims) - smallest(a, axis, keepdims)
    ),
})  # fmt: skip


# ------------------------------------------------------------------ norms
@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    axes = axes_of(axis, x.ndim)
    if axis is None and ord is None:
        found = _two_norm(x, axes)
    elif len(axes) in (1, 2):
        found = _vector_norm(x, ord, axes) if len(axes) == 1 else _matrix_norm(x, ord, axes)
    else:
        raise ValueError("Improper number of dimensions to norm.")
    return kept(found, x, axes, keepdims)


def _two_norm(x: Any, axes: Any) -> Any:
    return functions.sqrt(total(squared(x), axes))


def _vector_norm(x: Any, ord: Any, axes: tuple[int, ...]) -> Any:
    if ord is None or ord == 2:
        return _two_norm(x, axes)
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order {ord!r} for vectors")
    if ord == 0:
        return np.count_nonzero(x, axis=axes)
    if abs(ord) == np.inf:
        return (largest if ord > 0 else smallest)(abs(x), axes)
    return total(abs(x), axes) if ord == 1 else total(abs(x) ** ord, axes) ** (1 / ord)


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, ...]) -> Any:
    rows, columns = axes
    if ord in (None, "fro", "f"):
        return _two_norm(x, axes)
    if ord in (2, -2, "nuc"):
        s = linalg.svdvals(np.moveaxis(x, axes, (-2, -1)))
        return total(s, -1) if ord == "nuc" else s[..., 0 if ord == 2 else -1]
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError("Invalid norm order for matrices.")
    along, across = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = total(abs(x), along)
    return (largest if ord > 0 else smallest)(sums, across - (across > along))


def _vector(x: Any, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    axes = axes_of(axis, x.ndim)
    return kept(norm(flattened(x, axes), ord, -1), x, axes, keepdims)


define({
    np.linalg.vector_norm: _vector,
    np.linalg.matrix_norm: lambda x, keepdims=False, ord="fro": norm(x, ord, (-2, -1), keepdims),
})  # fmt: skip


# ------------------------------------------------------------------ methods of ufuncs
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False, where: Any = True) -> Any:
    """Return log(sum(exp(x))) over some axes, without overflow; `where` says what counts.

    >>> float(logsumexp(np.array([1000.0, 1000.0])))
    1000.6931471805599
    """
    x = as_array(x)
    counted = masked(x.value if isinstance(x, Operand) else x, where, -np.inf)
    top = np.max(counted, axis=axis, keepdims=True)
    if base_array(top).dtype != object:
        top = np.where(np.isfinite(top), top, 0.0)
    terms = functions.exp(masked(x - top, where, 0.0))  # what does not count is in no slope
    found = functions.log(np.sum(terms, axis=axis, keepdims=keepdims, where=where))
    return found + np.reshape(top, np.shape(found))


REDUCE: dict[np.ufunc, Callable[..., Any]] = {
    np.add: total, np.multiply: product, np.maximum: largest, np.minimum: smallest,
    np.logical_and: np.all, np.logical_or: np.any,
}  # fmt: skip
FOLD = {np.logaddexp: functions.logaddexp, np.hypot: functions.hypot}


def reduce(
    ufunc: np.ufunc, a: Any, axis: Any = 0, keepdims: bool = False, initial: Any = None,
    where: Any = True,
) -> Any:  # fmt: skip
    if ufunc in REDUCE:
        more = {} if initial is None else {"initial": initial}
        return REDUCE[ufunc](a, axis=axis, keepdims=keepdims, where=where, **more)
    if ufunc in (np.subtract, np.divide):
        return from_left(ufunc, a, axis, keepdims, initial, where)
    if ufunc not in FOLD or (where is not True and ufunc is not np.logaddexp):
        raise TypeError(
            f"{full_name(ufunc)}.reduce is not implemented for values of taylor; write it with "
            "the operation itself"
        )
    if where is True:
        axes = reduced(axis, a.ndim)
        found = kept(fold(FOLD[ufunc], a, axes), a, axes, keepdims)
    else:
        found = logsumexp(a, axis, keepdims, np.broadcast_to(where, a.shape))
    return found if initial is None else FOLD[ufunc](found, initial)


def from_left(
    ufunc: np.ufunc, a: Any, axis: Any, keepdims: bool, initial: Any, where: Any
) -> Any:  # fmt: skip
    """Return the reduction along one axis by an operation that is not associative, from the left.

    >>> from taylor import Taylor
    >>> x = Taylor.variable(np.array([8.0, 2.0, 2.0]), order=1)
    >>> np.divide.reduce(x).value
    np.float64(2.0)
    """
    axes = axes_of(axis, a.ndim)
    if len(axes) != 1:
        raise ValueError(f"{full_name(ufunc)}.reduce is from the left: along one axis at a time")
    rows = [*np.moveaxis(a, axes[0], 0)]
    if initial is None and (not rows or where is not True):
        raise ValueError(f"{full_name(ufunc)}.reduce of nothing, or with where=, needs initial")
    counted = [*np.moveaxis(np.broadcast_to(where, a.shape), axes[0], 0)]
    start = (rows.pop(0) if initial is None else initial) + 0.0
    found = np.broadcast_to(start, a.shape[: axes[0]] + a.shape[axes[0] + 1 :])
    for row, there in zip(rows, counted[len(counted) - len(rows) :], strict=True):
        found = ufunc(found, row) if where is True else np.where(there, ufunc(found, row), found)
    return kept(found, a, axes, keepdims)


def reduceat(ufunc: np.ufunc, a: Any, indices: Any, axis: Any = 0) -> Any:
    (axis,) = axes_of(axis, a.ndim)
    ends = [*indices[1:], a.shape[axis]]
    rows = [range(i, max(j, i + 1)) for i, j in zip(indices, ends, strict=True)]
    if ufunc is not np.add:
        return np.stack([reduce(ufunc, np.take(a, r, axis=axis), axis) for r in rows], axis)
    taken = np.moveaxis(a, axis, 0)[np.concatenate(rows)]
    shape = (len(rows), *taken.shape[1:])
    to = np.arange(math.prod(shape)).reshape(shape)[
        np.repeat(range(len(rows)), list(map(len, rows)))
    ]
    return np.moveaxis(taken._scatter(to, shape), 0, axis)


def at(ufunc: np.ufunc, a: Any, indices: Any, b: Any = None) -> None:
    """Apply a ufunc in place at some elements, repeatedly where they are repeated."""
    if not takes_operands(a):
        raise TypeError(
            f"{full_name(ufunc)}.at: a plain array cannot hold derivatives; make it with "
            "np.zeros_like(x), or write import taylor.numpy as np"
        )
    where = np.arange(a.size).reshape(a.shape)[indices]
    flat, to = a.flatten(), np.ravel(where)
    more = () if b is None else (np.ravel(np.broadcast_to(b, np.shape(where))),)
    order = np.argsort(to, kind="stable")
    first = np.searchsorted(to[order], to[order])
    turn = np.empty(len(to), dtype=int)
    turn[order] = np.arange(len(to)) - first  # how many times the element came before
    for n in range(int(np.max(turn, initial=-1)) + 1):
        now = turn == n
        flat[to[now]] = ufunc(flat[to[now]], *(x[now] for x in more))
    a[...] = flat.reshape(a.shape)


METHODS.update(
    reduce=reduce,
    accumulate=lambda ufunc, a, axis=0: scan(ufunc, a, axis),
    reduceat=reduceat,
    at=at,
)
