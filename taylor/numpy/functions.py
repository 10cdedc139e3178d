"""The functions of NumPy, for lists that hold values of the package, with arrays to be filled."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy

from taylor.core.fillable import Plain
from taylor.core.operand import holds_operands, lift
from taylor.numpy.creation import HANDLERS

# whose first argument is a list of arrays, which NumPy itself looks through
LISTS = {
    "choose", "column_stack", "concat", "concatenate", "dstack", "hstack", "ix_",
    "lexsort", "multi_dot", "piecewise", "select", "stack", "vstack",
}  # fmt: skip
MAKING = {"empty", "eye", "identity", "ones", "tri", "zeros"}
NO_LISTS = {int, float, bool, complex, str, type(None), numpy.ndarray, type, numpy.float64}


def accepting(function: Callable[..., Any], module: str) -> Callable[..., Any]:
    """Return a function of NumPy that takes lists of numbers, series and nodes as arrays.

    A new array of floats that it returns can be filled with series and nodes.
    """
    name = function.__name__
    if name == "block":  # NumPy itself looks through its lists, however deep
        return function
    how = making if name in MAKING else partial(handling, HANDLERS.get(name), name in LISTS)
    call = functools.wraps(function)(how(function))
    call.__module__ = module
    return call


def making(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that makes new arrays as one that makes arrays that can be filled."""

    def call(*args: Any, **kwargs: Any) -> Any:
        found = function(*args, **kwargs)
        return found.view(Plain) if found.dtype.kind in "fc" else found

    return call


def handling(
    handler: Callable[..., Any] | None, lists: bool, function: Callable[..., Any]
) -> Callable[..., Any]:
    """Return a function with what it means for operands, and for lists that hold them."""

    def call(*args: Any, **kwargs: Any) -> Any:
        for x in (*args, *kwargs.values()) if kwargs else args:
            if type(x) in NO_LISTS or not (handler or type(x) in (list, tuple)):
                continue  # the shortest way
            if holds_operands(x) or type(x) is Plain:
                if handler:
                    return handler(*args, **kwargs)
                args = (*_stacked(args[:1], lists), *_stacked(args[1:], False))
                kwargs = dict(zip(kwargs, _stacked(kwargs.values(), False), strict=True))
                break
        found = function(*args, **kwargs)
        if type(found) is numpy.ndarray:
            return _fresh(found, (*args, *kwargs.values()))
        return _each_fresh(found, args) if isinstance(found, (list, tuple)) else found

    return call


def _stacked(args: Any, lists: bool) -> Any:
    """Return arguments with lists that hold operands as arrays; with `lists` the lists in them."""
    return (
        x
        if type(x) not in (list, tuple) or not holds_operands(x)
        else type(x)(_stacked(x, False))
        if lists
        else lift(x)
        for x in args
    )


def _fresh(found: Any, args: Any) -> Any:
    """Return an array that a function has made as one that can be filled, unless it is given."""
    if found.dtype.kind not in "fc":
        return found
    owner = _owner(found)
    if not (owner.flags.owndata and found.flags.writeable) or _is_given(owner, args):
        return found
    return (found if found is owner or found.flags.forc else found.copy()).view(Plain)


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


def _is_given(owner: Any, args: Any) -> bool:
    """Whether an array is the memory of one of the arguments."""
    return any(
        _owner(x) is owner
        if isinstance(x, numpy.ndarray)
        else type(x) in (list, tuple) and _is_given(owner, x)
        for x in args
    )
