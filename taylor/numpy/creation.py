"""What the functions of NumPy that make arrays mean where they are given values of the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from taylor.core.binding import cast, floating
from taylor.core.fillable import Plain, fillable
from taylor.core.operand import lift


def _made(
    name: str, x: Any, dtype: Any, copy: bool | None, order: Any = None, ndmin: int = 0
) -> Any:
    """Return the operand that an array-like is, or holds, as np.array would return an array."""
    if dtype is not None and numpy.dtype(dtype) == object:
        return numpy.array(x, dtype, copy=copy, order=order or "K", ndmin=ndmin)
    if type(x) is Plain:
        return numpy.array(x, dtype, copy=copy, order=order or "K", ndmin=ndmin, subok=True)
    found = lift(x)
    new = isinstance(x, (list, tuple)) or (isinstance(x, numpy.ndarray) and x.dtype == object)
    if dtype is not None and floating(name, dtype) != found.dtype:
        found, new = found.astype(dtype), True
    if new and copy is False:
        raise ValueError(f"{name}: copy=False, but a copy cannot be avoided here")
    moved = (order == "C" and not found.flags.c_contiguous) or (
        order == "F" and not found.flags.f_contiguous
    )
    if moved or (copy and not new):
        found, new = found.copy(order or "K"), True
    if ndmin > found.ndim:
        return found.reshape((1,) * (ndmin - found.ndim) + found.shape)
    return found if new or not isinstance(x, numpy.ndarray) else x


def _array(
    object: Any, dtype: Any = None, *, copy: bool | None = True, order: Any = "K",
    subok: bool = False, ndmin: int = 0, ndmax: int = 0, like: Any = None,
) -> Any:  # fmt: skip
    found = _made("np.array", object, dtype, copy, order, ndmin)
    if 0 < ndmax < numpy.ndim(found):
        raise ValueError(f"np.array: ndmax={ndmax}, but the array has {numpy.ndim(found)} axes")
    return found


def _asarray(
    a: Any, dtype: Any = None, order: Any = None, *, device: Any = None, copy: bool | None = None,
    like: Any = None,
) -> Any:  # fmt: skip
    return _made("np.asarray", a, dtype, copy, order)


def _contiguous(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    return _made("np.ascontiguousarray", a, dtype, None, "C", 1)


def _fortran(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    return _made("np.asfortranarray", a, dtype, None, "F", 1)


def _full(
    shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", *, device: Any = None,
    like: Any = None,
) -> Any:  # fmt: skip
    value = lift(fill_value)
    if dtype is not None:
        value = cast(value, floating("np.full", dtype))
    return fillable(numpy.broadcast_to(value, shape).copy(order))


def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: bool = True,
    shape: Any = None, *, device: Any = None,
) -> Any:  # fmt: skip
    a = lift(a)
    if isinstance(a, numpy.ndarray):
        found = fillable(numpy.empty_like(a, dtype, order, shape=shape))
        if found.dtype.kind in "iub":
            floating("np.full_like", found.dtype)
        found[...] = fill_value
        return found
    return numpy.full_like(a, fill_value, dtype, order, shape=shape)


HANDLERS: dict[str, Callable[..., Any]] = {
    "array": _array, "asarray": _asarray, "asanyarray": _asarray, "ascontiguousarray": _contiguous,
    "asfortranarray": _fortran, "full": _full, "full_like": _full_like,
}  # fmt: skip
