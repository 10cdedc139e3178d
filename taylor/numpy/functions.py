"""The functions of NumPy, for lists that hold values of the package, with arrays to be filled."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, KeysView, ValuesView
from types import GeneratorType
from typing import Any

import numpy

from taylor.core import binding
from taylor.core.binding import FUNCTIONS
from taylor.core.conditions import Condition
from taylor.core.fillable import NUMBERS_OF, Plain
from taylor.core.operand import contents, holds_operands
from taylor.numbers.kinds import content, is_operand
from taylor.numpy.creation import HANDLERS

VIEWS = {"as_strided", "sliding_window_view"}
# lists of arrays that are none: [*d.values()] for d.values(), as other packages take them
VIEWED = (KeysView, ValuesView, GeneratorType, map, filter)
MAKING = {"empty", "eye", "identity", "ones", "tri", "zeros"}
HARMLESS = {int, float, bool, complex, str, type(None), list, tuple, slice, type}
PLAIN = {int, float, bool, complex, str, type(None), type, numpy.float64}


def accepting(function: Callable[..., Any], module: str) -> Callable[..., Any]:
    """Return a function of NumPy that takes lists of numbers, series and nodes as arrays.

    A new array of floats that it returns can be filled with series and nodes.
    """
    name = function.__name__
    form = making if name in MAKING else viewing if name in VIEWS else taking
    call = functools.wraps(function)(form(function))
    call.__module__ = module
    text = (function.__doc__ or "").partition(">>>")[0]  # the examples are NumPy's own
    call.__doc__ = text.partition("Examples\n")[0]
    return call


def making(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that makes new arrays as one that makes arrays that can be filled."""

    def call(*args: Any, **kwargs: Any) -> Any:
        found = function(*args, **kwargs)
        own = type(found) is numpy.ndarray and found.dtype.kind in NUMBERS_OF
        return found.view(Plain) if own else found

    return call


def viewing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that makes views as one whose views can be filled, too."""
    take = taking(function)

    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(x, Plain):
            if is_operand(x) and function is numpy.lib.stride_tricks.as_strided:
                raise TypeError(
                    "np.lib.stride_tricks.as_strided looks at the memory of NumPy, where values of "
                    "taylor are not; use sliding_window_view or an index"
                )
            return take(x, *args, **kwargs)
        return x.viewed_as(function(numpy.ndarray.view(x, numpy.ndarray), *args, **kwargs))

    return call


def taking(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function with what it means for operands in lists, where NumPy does not look."""
    handler, copies = HANDLERS.get(function.__name__), function in (numpy.array, numpy.copy)

    def call(*args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], VIEWED):
            args = ([*args[0]], *args[1:])
        for x in (*args, *kwargs.values()) if kwargs else args:
            if type(x) is numpy.ndarray:
                if not x.dtype.hasobject:  # else of sympy.lambdify, say
                    continue
            elif type(x) in PLAIN or not (handler or kwargs or type(x) in (list, tuple)):
                continue  # the shortest way
            if holds_operands(x) or (handler and type(x) is Plain):
                return (handler or given)(*args, **kwargs)
        found = function(*args, **kwargs)
        if type(found) is numpy.ndarray:
            copied = copies and kwargs.get("copy", True)
            return _fresh(found, () if copied else (*args, *kwargs.values()))
        return _each_fresh(found, args) if isinstance(found, (list, tuple)) else found

    def given(*args: Any, **kwargs: Any) -> Any:
        if function in FUNCTIONS and not any(isinstance(x, Condition) for x in args):
            return binding.call(function, *contents(function, args, kwargs))
        return function(*args, **kwargs)

    return call


def _fresh(found: Any, args: Any) -> Any:
    """Return an array that a function has made as one that can be filled.

    One that is, or may be, the memory of an argument (of a table, of what a function returns) stays
    what it is.
    """
    if found.dtype.kind not in NUMBERS_OF:
        return found
    owner = _owner(found)
    for x in args:
        if type(x) in HARMLESS:
            continue
        if _owner(x) is owner if isinstance(x, numpy.ndarray) else _may_hold(x):
            return found
    if not (owner.flags.owndata and found.flags.writeable):
        return found
    return (found if found is owner or found.flags.forc else found.copy()).view(Plain)


def ndenumerate(arr: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Yield the indices and the elements of an array, as numpy.ndenumerate does."""
    held = content(arr)
    if not is_operand(held):
        yield from numpy.ndenumerate(held)
        return
    for i in numpy.ndindex(held.shape):
        yield i, held[i]


OWN = {"ndenumerate": ndenumerate}  # for classes of NumPy that look into the memory


def _may_hold(x: Any) -> bool:
    """Whether an argument that is no array may give one of its own."""
    of_array = hasattr(type(x), "__array__") and not isinstance(x, numpy.generic)
    return of_array or (callable(x) and not isinstance(x, type))


def _each_fresh(found: Any, args: Any) -> Any:
    """Return the arrays among several results that share nothing as ones that can be filled."""
    own = [type(x) is numpy.ndarray and x.base is None for x in found]
    if not any(own):
        return found
    each = [_fresh(x, args) if alone else x for x, alone in zip(found, own, strict=True)]
    return found._make(each) if hasattr(found, "_make") else type(found)(each)


def _owner(x: Any) -> Any:
    """Return the array that owns the memory of x."""
    while isinstance(x.base, numpy.ndarray):
        x = x.base
    return x
