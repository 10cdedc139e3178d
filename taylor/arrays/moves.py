"""Functions that only move elements: NumPy itself is run on positions, with all its arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core import memory
from taylor.core.binding import Handler, cast, family, floating, full_name
from taylor.core.conditions import Condition
from taylor.core.maps import Gather, host, run
from taylor.core.memory import in_memory, laid_as, rearrange
from taylor.core.operand import Operand, define, holds_operands, implements, lift, stack
from taylor.core.places import Move
from taylor.numbers.values import shape_of


# ------------------------------------------------------------------ by name
def _view(func: Any) -> Handler:
    return lambda x, *args, **named: _varying(func, x)._viewed(Move(func, args, (*named.items(),)))


def _varying(func: Any, x: Any) -> Any:
    x = lift(x)
    if not isinstance(x, Operand):
        raise TypeError(
            f"{full_name(func)}: only its first argument may vary; int(y.value) of another one is "
            "a constant that serves in shapes and indices"
        )
    return x


def _of_list(func: Any) -> Handler:
    return lambda arrays, *args, **named: rearrange(
        [lift(x) for x in arrays], lambda *i: func(i, *args, **named)
    )


def _of_places(func: Any, places: Sequence[int]) -> Handler:
    """Return the handler of a function that moves the elements of some of its arguments."""

    def alone(x: Any, *args: Any, **named: Any) -> Any:
        return _varying(func, x)._rearranged(Move(func, args, (*named.items(),)))

    def handler(*args: Any, **named: Any) -> Any:
        def moved(*positions: Any) -> Any:
            known = dict(zip(places, positions, strict=True))
            return func(*(known.get(n, x) for n, x in enumerate(args)), **named)

        return rearrange([lift(args[n]) for n in places], moved)

    return alone if places == (0,) else handler


def _of_integers(func: Any) -> Handler:
    """Return the handler of a function that moves elements by integers, which may be recorded."""

    def handler(x: Any, places: Any, *args: Any, **named: Any) -> Any:
        move = Move(func, (_integers(places), *args), (*named.items(),))
        return lift(x)._rearranged(move)

    return handler


def _integers(places: Any) -> Any:
    return places.astype(int) if isinstance(places, Operand) else places


def _of_each(func: Any) -> Handler:
    def handler(*arrays: Any) -> Any:
        found = tuple(
            x._viewed(func) if isinstance(x, Operand) else func(x) for x in map(lift, arrays)
        )
        return found if len(found) > 1 else found[0]

    return handler


MOVES: dict[Callable[[Any], Handler], tuple[Any, ...]] = {
    _view: (
        np.transpose, np.reshape, np.ravel, np.squeeze, np.expand_dims, np.swapaxes, np.moveaxis,
        np.rollaxis, np.flip, np.fliplr, np.flipud, np.rot90, np.broadcast_to, np.diagonal, np.diag,
        np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit, np.unstack, np.matrix_transpose,
        np.linalg.matrix_transpose, np.lib.stride_tricks.sliding_window_view,
    ),
    _of_list: (
        np.hstack, np.vstack, np.dstack, np.column_stack,
    ),
    _of_each: (np.atleast_1d, np.atleast_2d, np.atleast_3d),
    _of_integers: (np.delete, np.take_along_axis),
}  # fmt: skip
PLACES: dict[Sequence[int], tuple[Any, ...]] = {
    (0,): (
        np.roll, np.take, np.repeat, np.tile, np.diagflat, np.tril, np.triu, np.copy, np.resize,
    ),
    (0, 1): (np.append,), (1,): (np.compress, np.extract),
}  # fmt: skip
for _handler, _functions in MOVES.items():
    for _func in _functions:
        family(_func, _handler(_func))
for _places, _functions in PLACES.items():
    for _func in _functions:
        family(_func, _of_places(_func, _places))
for _func, _writing in memory.FUNCTIONS.items():
    family(_func, _writing)


# ------------------------------------------------------------------ several arrays
def _meshgrid(*xi: Any, **named: Any) -> Any:
    """Return np.meshgrid(*xi, ...): each result has the elements of one argument."""
    arrays = [lift(x) for x in xi]
    found = np.meshgrid(*(np.arange(np.size(x)) for x in arrays), **named)
    return type(found)(np.ravel(x)[i] for x, i in zip(arrays, found, strict=True))


family(np.meshgrid, _meshgrid)


def _broadcast_arrays(*args: Any) -> Any:
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(x, shape) for x in args)


def _check_axis(name: str, axis: Any) -> None:
    """Raise TypeError where the second array stands in the place of an axis."""
    if type(axis) is not int and np.ndim(axis):
        raise TypeError(f"np.{name} takes its arrays in one list: np.{name}([a, b])")


def _stack(arrays: Any, axis: Any = 0) -> Any:
    _check_axis("stack", axis)
    return stack([lift(x) for x in arrays], axis)


def _concatenate(arrays: Any, axis: Any = 0) -> Any:
    _check_axis("concatenate", axis)
    arrays = [lift(x) for x in arrays]
    if axis == 0 and len(shape_of(arrays[0])) and (first := host(arrays)) is not None:
        joined = first._of_tables(lambda *tables: np.concatenate(tables, 1), arrays)
        if joined is not None:
            return joined
    if axis in (0, -1) and all([len(shape_of(x)) == 1 for x in arrays]):  # the shortest way
        joined = run(0, (sum([shape_of(x)[0] for x in arrays]),))
        return host(arrays).process(joined, arrays)
    return rearrange(arrays, lambda *i: np.concatenate(i, axis))


def _block(arrays: Any) -> Any:
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


def _insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    places = _integers(obj)
    return rearrange([lift(arr), lift(values)], lambda x, new: np.insert(x, places, new, axis))


def _choose(a: Any, choices: Any, mode: Any = "raise") -> Any:
    a = _integers(a)
    arrays = np.broadcast_arrays(*map(lift, choices), np.empty(np.shape(a)))
    return rearrange(arrays[:-1], lambda *i: np.choose(a, i, mode=mode))


def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None and y is None:
        return np.nonzero(condition)
    if x is None or y is None:
        raise ValueError("np.where: either both or neither of x and y should be given")
    condition = condition if isinstance(condition, Condition) else lift(condition)
    if isinstance(condition, Condition):
        return condition.where(x, y)
    if isinstance(condition, Operand):
        condition = condition._truth()
        if not (holds_operands(x) or holds_operands(y)):
            return np.where(condition, x, y)
    x, y = lift(x), lift(y)
    n: tuple[int, ...] = condition.shape if type(condition) is np.ndarray else ()
    if (n or type(condition) in (bool, np.bool_)) and n == shape_of(x) == shape_of(y):
        found = host((x, y))._of_tables(lambda s, t: np.where(condition, s, t), (x, y))
        if found is not None:
            return found
    whole = n and n == shape_of(x) == shape_of(y)
    if whole and all([in_memory(v).flags.c_contiguous for v in (x, y)]):  # the shortest way
        place = np.arange(condition.size).reshape(n)
        index = np.where(condition, place, place + condition.size)
        return host((x, y)).process(Gather(index), (x, y))
    return rearrange([x, y], lambda i, j: np.where(condition, i, j))


define({np.block: _block, np.choose: _choose, np.insert: _insert, np.where: _where}, lifted=False)


def _ix(*args: Any) -> Any:
    """Return np.ix_(*args): each vector along an axis of its own."""
    if any(np.ndim(x) != 1 for x in args):
        raise ValueError("Cross index must be 1 dimensional")
    n = len(args)
    return tuple(np.reshape(x, (*(1,) * k, -1, *(1,) * (n - 1 - k))) for k, x in enumerate(args))


define({np.broadcast_arrays: _broadcast_arrays, np.ix_: _ix})
family(np.concatenate, _concatenate)
family(np.stack, _stack)


STATISTICS: dict[str, Any] = {
    "mean": np.mean,
    "maximum": np.max,
    "minimum": np.min,
    "median": np.median,
}


def _each_side(given: Any, ndim: int) -> list[list[Any]]:
    """Return what np.pad was given for both sides of each axis."""
    whole = np.asarray(given, dtype=object)
    whole = whole.reshape(-1, 1) if whole.shape == (ndim,) and ndim > 2 else whole
    return [list(pair) for pair in np.broadcast_to(whole, (ndim, 2))]


def _beside(x: Any, mode: str, end: int, width: int, how: Any) -> Any:
    """Return what a ramp or a statistic puts before or behind the first axis (end 0 or 1)."""
    if mode == "linear_ramp":
        steps = np.arange(width) / max(width, 1)
        steps = (steps if end == 0 else steps[::-1]).reshape(-1, *[1] * (x.ndim - 1))
        steps = steps.astype(x.dtype) if x.dtype.kind == "f" else steps
        return how + (x[-end] - how) * steps
    length = len(x) if how is None else min(int(how), len(x))
    part = x[:length] if end == 0 else x[len(x) - length :]
    return np.broadcast_to(STATISTICS[mode](part, axis=0), (width, *x.shape[1:]))


def _turned(array: Any, mode: Any, widths: Any) -> Any:
    """Return an array between its reflections through the points at its ends, axis by axis."""
    for axis, (left, right) in enumerate(widths):
        x = np.moveaxis(array, axis, 0)
        most = len(x) - (mode == "reflect")
        if max(left, right) > most:
            raise TypeError(
                f"np.pad of a value of taylor does not take pad_width={max(left, right)} with "
                f"reflect_type='odd'; it takes up to {most} here"
            )
        width = [(left, right), *[(0, 0)] * (x.ndim - 1)]
        beside = rearrange([x], lambda i, width=width: np.pad(i, width, mode=mode))
        first, last = 2 * x[:1] - beside[:left], 2 * x[-1:] - beside[left + len(x) :]
        array = np.moveaxis(np.concatenate([first, x, last]), 0, axis)
    return array


@implements(np.pad)
def pad(
    array: Any, pad_width: Any, mode: Any = "constant", *, constant_values: Any = 0,
    reflect_type: Any = None, stat_length: Any = None, end_values: Any = 0,
) -> Any:  # fmt: skip
    """Return np.pad(array, pad_width, mode, ...)."""
    mirrored = mode in ("reflect", "symmetric")
    given = {
        "constant_values": constant_values, "reflect_type": reflect_type,
        "stat_length": stat_length, "end_values": end_values,
    }  # fmt: skip
    taken = {"constant": "constant_values", "linear_ramp": "end_values"}.get(mode)
    taken = "reflect_type" if mirrored else "stat_length" if mode in STATISTICS else taken
    wrong = [
        k
        for k, v in given.items()
        if k != taken and v is not None and not (type(v) is int and v == 0)
    ]
    if wrong:
        raise ValueError(f"unsupported keyword arguments for mode {mode!r}: {', '.join(wrong)}")
    if mode == "empty":
        mode = "constant"
    if mode in ("edge", "wrap") or (mirrored and reflect_type in (None, "even")):
        return rearrange([array], lambda i: np.pad(i, pad_width, mode=mode))
    if mirrored and reflect_type == "odd":
        return _turned(array, mode, _each_side(pad_width, array.ndim))
    if mode in STATISTICS or mode == "linear_ramp":
        how = _each_side(end_values if mode == "linear_ramp" else stat_length, array.ndim)
        for axis, width in enumerate(_each_side(pad_width, array.ndim)):
            x = np.moveaxis(array, axis, 0)
            left, right = (_beside(x, mode, n, width[n], how[axis][n]) for n in (0, 1))
            array = np.moveaxis(np.concatenate([left, x, right]), 0, axis)
        return array
    if mode != "constant":
        raise TypeError(
            f"np.pad of a value of taylor does not take mode={mode!r}, reflect_type="
            f"{reflect_type!r}; it takes constant, edge, empty, wrap, reflect and symmetric"
        )
    if type(constant_values) is int and not constant_values:
        return rearrange([array], lambda i: np.pad(i, pad_width))
    # position -n stands for the constant n: np.pad puts numbers, not elements
    known = np.size(constant_values)
    number = np.arange(-known, 0).reshape(np.shape(constant_values))
    positions = np.arange(array.size).reshape(array.shape)
    index = np.pad(positions, pad_width, constant_values=number if known > 1 else number.item())
    constants = np.ravel(constant_values)
    if array.dtype.kind == "f" and constants.dtype.kind in "iuf":  # as NumPy, which fills in
        constants = constants.astype(array.dtype)
    joined = np.concatenate([np.ravel(array), constants])
    return joined[np.where(index < 0, index + known + array.size, index)]


# ------------------------------------------------------------------ new arrays of the same kind
def _filled(a: Any, fill_value: Any, dtype: Any = None, shape: Any = None) -> Any:
    """Return an array filled with one value: plain, if its dtype can hold no derivatives."""
    if dtype is not None and np.dtype(dtype).kind in "iub":
        if isinstance(fill_value, Operand):
            floating("np.full_like", dtype)
        return np.full(np.shape(a) if shape is None else shape, fill_value, dtype=dtype)
    a = a if dtype is None else cast(a, np.dtype(dtype))
    if shape is None:
        found = laid_as(a._zeros(a.shape), a)
    else:
        found = a._zeros(shape if isinstance(shape, tuple) else (shape,))
    return found if type(fill_value) is int and fill_value == 0 else found + fill_value


define({
    np.zeros_like: lambda a, dtype=None, shape=None: _filled(a, 0, dtype, shape),
    np.ones_like: lambda a, dtype=None, shape=None: _filled(a, 1, dtype, shape),
    np.empty_like: lambda prototype, dtype=None, shape=None: _filled(prototype, 0, dtype, shape),
    np.full_like: _filled,
})  # fmt: skip
