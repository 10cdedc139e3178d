"""Functions and ufuncs of NumPy that are neither products nor reductions, by name.

Most move elements only: NumPy itself is run on positions (`arrays.rearrange`), and so they take
all of its arguments.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from taylor import linalg
from taylor.arrays.reductions import axes_of, by_value, norm, total
from taylor.core import elementary, memory
from taylor.core.binding import SCIPY, UFUNCS, cast, family, floating, implements
from taylor.core.conditions import Condition, mask
from taylor.core.elementary import TABLE
from taylor.core.operand import Operand, holds_operands, laid_as, lift, rearrange, viewing
from taylor.numbers.formulas import DEGREE, RADIAN
from taylor.numbers.kinds import base

Array = Any


# ------------------------------------------------------------------ several arrays
def _many(func: Any) -> Callable[..., Any]:
    def handler(arrays: Any, *args: Any, **kwargs: Any) -> Any:
        return rearrange([lift(x) for x in arrays], lambda *i: func(i, *args, **kwargs))

    return handler


def _each(func: Any) -> Callable[..., Any]:
    def handler(*arrays: Any, **kwargs: Any) -> Any:
        return rearrange([lift(x) for x in arrays], lambda *i: func(*i, **kwargs))

    return handler


LISTS: tuple[Any, ...] = (
    np.concatenate, np.stack, np.hstack, np.vstack, np.dstack, np.column_stack,
)  # fmt: skip
for _func in LISTS:
    family(_func, _many(_func))
family(np.meshgrid, _each(np.meshgrid))


def _at_least(func: Any) -> Callable[..., Any]:
    view = viewing(func)

    def handler(*arys: Any) -> Any:
        found = [view(x) if isinstance(x, Operand) else func(x) for x in map(lift, arys)]
        return found[0] if len(found) == 1 else tuple(found)

    return handler


AT_LEAST: tuple[Any, ...] = (np.atleast_1d, np.atleast_2d, np.atleast_3d)
for _func in AT_LEAST:
    family(_func, _at_least(_func))


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any) -> Any:
    """Return np.broadcast_arrays(*args)."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(lift(x), shape) for x in args)


for _function, _handler in memory.FUNCTIONS.items():
    implements(_function)(_handler)


@implements(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Any:
    """Return np.append(arr, values, axis)."""
    return rearrange([lift(arr), lift(values)], lambda i, j: np.append(i, j, axis))


@implements(np.block)
def block(arrays: Any) -> Any:
    """Return np.block(arrays)."""
    leaves: list[Any] = []

    def collect(node: Any) -> Any:
        if isinstance(node, list):
            return [collect(child) for child in node]
        leaves.append(lift(node))
        return len(leaves) - 1

    shape = collect(arrays)

    def build(node: Any, positions: Any) -> Any:
        return [build(c, positions) for c in node] if isinstance(node, list) else positions[node]

    return rearrange(leaves, lambda *i: np.block(build(shape, i)))


# ------------------------------------------------------------------ choosing elements
@implements(np.where)
def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None and y is None:
        return np.nonzero(condition)
    condition = condition if isinstance(condition, Condition) else lift(condition)
    if isinstance(condition, Condition):
        return condition.where(x, y)
    if isinstance(condition, Operand):
        condition = condition._truth()
        if not (holds_operands(x) or holds_operands(y)):
            return np.where(condition, x, y)
    return rearrange([lift(x), lift(y)], lambda i, j: np.where(condition, i, j))


@implements(np.compress)
def compress(condition: Any, a: Any, axis: Any = None) -> Any:
    """Return np.compress(condition, a, axis)."""
    return rearrange([lift(a)], lambda i: np.compress(condition, i, axis))


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """Return np.extract(condition, arr)."""
    return rearrange([lift(arr)], lambda i: np.extract(condition, i))


# ------------------------------------------------------------------ attributes
@implements(np.shape)
def shape(a: Any) -> Any:
    """Return np.shape(a)."""
    return a.shape


@implements(np.ndim)
def ndim(a: Any) -> Any:
    """Return np.ndim(a)."""
    return a.ndim


@implements(np.size)
def size(a: Any, axis: Any = None) -> Any:
    """Return np.size(a, axis)."""
    return int(np.prod([a.shape[i] for i in axes_of(axis, a.ndim)], dtype=int))


@implements(np.array_equal)
def array_equal(a1: Any, a2: Any) -> Any:
    """Return whether two arrays of series are the same, in all coefficients."""
    return np.shape(a1) == np.shape(a2) and bool(np.all(a1 == a2))


@implements(np.real)
def real(val: Any) -> Any:
    """Return np.real(val) of real values."""
    return lift(val).real


@implements(np.imag)
def imag(val: Any) -> Any:
    """Return np.imag(val) of real values."""
    return lift(val).imag


# ------------------------------------------------------------------ new arrays of the same kind
def _like(name: str, a: Any, fill: Any, dtype: Any, shape: Any) -> Any:
    """Return an array filled with one value: plain, if its dtype can hold no derivatives."""
    if dtype is not None and np.dtype(dtype).kind in "iub":
        if isinstance(fill, Operand):
            floating(name, dtype)
        return np.full(np.shape(a) if shape is None else shape, fill, dtype=dtype)
    a = a if dtype is None else cast(a, np.dtype(dtype))
    if shape is None:
        return laid_as(a._zeros(a.shape), a) + fill
    return a._zeros(shape if isinstance(shape, tuple) else (shape,)) + fill


@implements(np.zeros_like)
def zeros_like(a: Any, dtype: Any = None, shape: Any = None) -> Any:
    """Return np.zeros_like(a, ...)."""
    return _like("np.zeros_like", a, 0, dtype, shape)


@implements(np.ones_like)
def ones_like(a: Any, dtype: Any = None, shape: Any = None) -> Any:
    """Return np.ones_like(a, ...)."""
    return _like("np.ones_like", a, 1, dtype, shape)


@implements(np.empty_like)
def empty_like(prototype: Any, dtype: Any = None, shape: Any = None) -> Any:
    """Return np.empty_like(a, ...), filled with zeros."""
    return _like("np.empty_like", prototype, 0, dtype, shape)


@implements(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None, shape: Any = None) -> Any:
    """Return np.full_like(a, fill_value, ...)."""
    return _like("np.full_like", a, fill_value, dtype, shape)


# ------------------------------------------------------------------ padding
@implements(np.pad)
def pad(
    array: Any, pad_width: Any, mode: Any = "constant", *, constant_values: Any = 0,
    reflect_type: Any = None,
) -> Any:  # fmt: skip
    """Return np.pad(array, pad_width, mode) in the modes that move elements, and "constant"."""
    x = lift(array)
    if reflect_type is not None and mode not in ("reflect", "symmetric"):
        raise ValueError(f"unsupported keyword arguments for mode {mode!r}: reflect_type")
    if mode == "empty" or (
        mode == "constant" and type(constant_values) is int and not constant_values
    ):
        return rearrange([x], lambda i: np.pad(i, pad_width))
    if mode in ("edge", "wrap") or (
        mode in ("reflect", "symmetric") and reflect_type in (None, "even")
    ):
        return rearrange([x], lambda i: np.pad(i, pad_width, mode=mode))
    if mode != "constant":
        raise TypeError(
            f"np.pad of a value of taylor does not take mode={mode!r}, reflect_type="
            f"{reflect_type!r}; it takes constant, edge, empty, wrap, and reflect and symmetric "
            "with reflect_type='even'"
        )
    values = lift(constant_values)
    known = np.size(values)
    number = np.arange(-known, 0).reshape(np.shape(values))
    positions = np.arange(x.size).reshape(x.shape)
    index = np.pad(positions, pad_width, constant_values=number if known > 1 else number.item())
    joined = np.concatenate([np.ravel(x), np.ravel(values)])
    return joined[np.where(index < 0, index + known + x.size, index)]


# ------------------------------------------------------------------ elementary functions
@implements(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, min: Any = None, max: Any = None) -> Any:
    """Return np.clip(a, a_min, a_max)."""
    if (a_min is not None or a_max is not None) and (min is not None or max is not None):
        raise ValueError("np.clip: give a_min and a_max, or min and max")
    low, high = (a_min, a_max) if min is None and max is None else (min, max)
    return elementary.clip(a, low, high)


@implements(np.round)
def round_(a: Any, decimals: int = 0) -> Any:
    """Return np.round(a, decimals), which is constant between jumps."""
    a, scale = lift(a), 10.0 ** abs(decimals)
    if decimals == 0:
        return elementary.rint(a)
    return (
        elementary.rint(a * scale) / scale if decimals > 0 else elementary.rint(a / scale) * scale
    )


@implements(np.sinc)
def sinc(x: Any) -> Any:
    """Return np.sinc(x)."""
    return elementary.sinc(lift(x))


@implements(np.i0)
def i0(x: Any) -> Any:
    """Return np.i0(x)."""
    return elementary.i0(lift(x))


def _lost(x: Any) -> Any:
    """Return where x is nan, by a comparison: machine code can check such a guard."""
    return ~np.asarray(mask(np.less_equal(x, x)), dtype=bool)


def _ignoring_nan(join: Any) -> Callable[[Any, Any], Any]:
    """Return np.fmax or np.fmin: that one of two values which is no nan."""

    def handler(x: Any, y: Any) -> Any:
        left, right = _lost(x), _lost(y)
        lost = left | right
        if not np.any(lost):
            return join(x, y)
        # there must be no tie in lanes that are not looked at
        found = join(np.where(lost, 0, x), np.where(lost, 1, y))
        return np.where(left, y, np.where(right, x, found))

    return handler


# ------------------------------------------------------------------ ufuncs
def _binary(name: str) -> Callable[[Any, Any], Any]:
    """Return the operator as a function that never asks a plain left operand first."""

    def call(x: Any, y: Any) -> Any:
        return (
            getattr(x, f"__{name}__")(y)
            if isinstance(x, Operand)
            else getattr(y, f"__r{name}__")(x)
        )

    return call


def _comparison(op: Any, mirrored: Any) -> Callable[[Any, Any], Any]:
    return lambda x, y: op(x, y) if isinstance(x, Operand) else mirrored(y, x)


def _logical(func: Any) -> Callable[..., Any]:
    return lambda *xs: func(*(x._truth() if isinstance(x, Operand) else x for x in xs))


_LOGICAL: tuple[Any, ...] = (np.logical_not, np.logical_and, np.logical_or, np.logical_xor)
_ufuncs: dict[np.ufunc, Callable[..., Any]] = {
    np.add: _binary("add"),
    np.subtract: _binary("sub"),
    np.multiply: _binary("mul"),
    np.divide: _binary("truediv"),
    np.floor_divide: _binary("floordiv"),
    np.divmod: lambda x, y: (elementary.floor(x / y), elementary.mod(x, y)),
    np.negative: operator.neg,
    np.positive: operator.pos,
    np.conjugate: lambda x: x.conjugate(),
    np.less: _comparison(operator.lt, operator.gt),
    np.less_equal: _comparison(operator.le, operator.ge),
    np.greater: _comparison(operator.gt, operator.lt),
    np.greater_equal: _comparison(operator.ge, operator.le),
    np.equal: _comparison(operator.eq, operator.eq),
    np.not_equal: _comparison(operator.ne, operator.ne),
    **{f: by_value(f) for f in (np.isfinite, np.isnan, np.isinf, np.signbit)},
    **{f: _logical(f) for f in _LOGICAL},
    np.fabs: elementary.absolute,
    np.fmax: _ignoring_nan(elementary.maximum),
    np.fmin: _ignoring_nan(elementary.minimum),
    np.degrees: lambda x: x * RADIAN,
    np.rad2deg: lambda x: x * RADIAN,
    np.radians: lambda x: x * DEGREE,
    np.deg2rad: lambda x: x * DEGREE,
    **{row.ufunc: row for row in TABLE.values() if row.ufunc is not None},
}  # fmt: skip
UFUNCS.update(_ufuncs)

SCIPY.update({
    **TABLE,
    "expit": elementary.sigmoid,
    "gammaln": elementary.lgamma,
    "psi": elementary.digamma,
    "jv": elementary.jv,
    "yv": elementary.yv,
    "iv": elementary.iv,
    "xlogy": lambda x, y: x * elementary.log(y),
})  # fmt: skip

for _function, _handler in linalg.FUNCTIONS.items():
    implements(_function)(_handler)


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """Return np.linalg.vector_norm(x, ...)."""
    axes = axes_of(axis, np.ndim(x))
    if len(axes) == 1:
        return norm(x, ord, axes[0], keepdims)
    rest = [i for i in range(np.ndim(x)) if i not in axes]
    flat = np.reshape(np.transpose(x, [*rest, *axes]), (*(np.shape(x)[i] for i in rest), -1))
    found = norm(flat, ord, -1)
    return np.expand_dims(found, axes) if keepdims else found


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Return np.linalg.matrix_norm(x, ...)."""
    return norm(x, ord, (-2, -1), keepdims)


@implements(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return np.trace(a, ...)."""
    return total(np.diagonal(lift(a), offset, axis1, axis2), -1)


@implements(np.linalg.trace)
def linalg_trace(x: Any, offset: int = 0) -> Any:
    """Return np.linalg.trace(x, offset=offset)."""
    return trace(x, offset, -2, -1)


@implements(np.linalg.diagonal)
def linalg_diagonal(x: Any, offset: int = 0) -> Any:
    """Return np.linalg.diagonal(x, offset=offset)."""
    return np.diagonal(lift(x), offset, -2, -1)


# ------------------------------------------------------------------ functions for any number type
def where(condition: Any, a: Any, b: Any) -> Any:
    """Return a where the condition holds and b elsewhere, lane by lane, for any number type.

    The branch that is not taken never raises later and never poisons a value or a derivative.

    >>> where(True, 1, 2)
    1
    """
    if isinstance(condition, (bool, np.bool_)):
        return a if condition else b
    return np.where(condition, a, b)


def logsumexp(x: Any, axis: Any = None) -> Any:
    """Return log(sum(exp(x))) over some axes, without overflow.

    >>> float(logsumexp(np.array([1000.0, 1000.0])))
    1000.6931471805599
    """
    if isinstance(x, (list, tuple)):
        x = lift(x) if holds_operands(x) else np.asarray(x)
    top = np.max(x.value if isinstance(x, Operand) else x, axis=axis, keepdims=True)
    if np.asarray(base(top)).dtype != object:
        top = np.where(np.isfinite(top), top, 0.0)
    summed = elementary.log(np.sum(elementary.exp(x - top), axis=axis))
    return summed + np.squeeze(top, axis if axis is not None else None)
