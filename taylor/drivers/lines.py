"""Partial derivatives from series along lines, where there is no series in several variables.

Eigenvalues that meet have series along every line through the point, on each side, and their
symmetric functions have the same on both sides.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.core.calls import Row
from taylor.core.functions import power, real_power, square
from taylor.core.instructions import DIV, MUL
from taylor.core.program import recording
from taylor.drivers import ties
from taylor.drivers.driver import all_finite, finite, point, result
from taylor.drivers.forward_mode import (
    Unfinished,
    along,
    partials_of_order,
    table_along,
)
from taylor.drivers.interpolation import mixed
from taylor.errors import DomainError, NonAnalyticError, TaylorError
from taylor.numbers.kinds import is_operand

Function = Callable[..., Any]
FEW = 1 << 12  # coefficients up to which a table is made at higher orders, too
POWERS = (power, real_power, square)
NEAR = 1e-8  # of derivatives along lines, where they are those of one function


def tables(f: Function, x: Any, order: int) -> tuple[Any, Any]:
    """Return all partial derivatives of one order and f(x), from one table or else from lines."""
    try:
        return partials_of_order(f, x, order, FEW if is_floats(x) else None)
    except Unfinished:
        return from_lines(f, point(x), order)
    except NonAnalyticError:
        x = point(x)
        if is_operand(x) or not _without_kinks(f, x):
            raise
        return from_lines(f, x, order)


def in_range(found: Any, f: Function, x: Any, order: int) -> Any:
    """Return partial derivatives found, where they are infinite or nan by other variables, too.

    With x = s t, s powers of two near x, what they are made of is as large as the values are:
    x log x has the second derivative 1/x, but on the way to it 1/x², which may overflow.
    """
    if is_operand(x) or is_operand(found) or np.asarray(x).dtype != float or all_finite(found):
        return found
    s = np.where(x == 0, 1.0, np.ldexp(1.0, np.frexp(x)[1]))
    try:
        with np.errstate(all="ignore"):
            rows, value = partials_of_order(lambda t: f(t * s), x / s, order)
            for k in range(order):
                rows = rows / np.reshape(s, np.shape(s) + (1,) * (np.ndim(s) * k))
    except (TaylorError, ValueError):
        return found
    # what is infinite is not nothing, nor is what may have underflowed
    zeros = found != found if not _underflows(f, x) else False
    known = finite(rows) & ((rows != 0) | zeros)
    return np.where(~finite(found) & known & np.all(finite(value)), rows, found)[()]


def _underflows(f: Function, x: Any) -> bool:
    """Whether a product, quotient or power of what is not zero is zero in f at x."""
    try:
        program, v = recording(lambda y: result(f, y), x[()])
    except TaylorError:
        return True
    for (op, args, _), y in zip(program.code, v, strict=True):
        raised = isinstance(op, Row) and op.row in POWERS
        if (op is MUL or op is DIV or raised) and np.any(np.equal(y, 0)):
            whole = [np.not_equal(v[a], 0) for a in args]
            if np.any(np.equal(y, 0) & functools.reduce(np.logical_and, whole)):
                return True
    return False


def _without_kinks(f: Function, x: Any) -> bool:
    """Whether no choice is tied at x: beside a kink there may be sides too thin for few lines."""
    try:
        program, v = recording(lambda y: result(f, y), x[()])
    except TaylorError:
        return False
    return ties.tied(program.code, v, program.outputs[0]) is None


def from_lines(f: Function, x: Any, order: int) -> tuple[Any, Any]:
    """Return all partial derivatives of one order and f(x) from series along lines.

    They exist where eigenvalues meet in a symmetric function of them: those along a generic line
    have to fit.
    """
    shape, n = np.shape(x), math.prod(np.shape(x))
    line = np.cos(np.arange(n) + 1.0)
    c = along(f, x, line.reshape(shape), order)
    value, last = c[0], c[order]
    found = mixed(lambda v: along(f, x, v.reshape(shape), order)[order], n, order)
    fits, size = found, np.sum(np.abs(found), axis=tuple(range(order)))
    for _ in range(order):
        fits = np.tensordot(line, fits, 1)
    gap, far = np.abs(fits - last * math.factorial(order)), np.max(np.abs(x), initial=0)
    if far > 0:  # what is left of lower derivatives where that of this order is zero
        left = sum(np.abs(c[k]) / far ** (order - k) for k in range(1, order))
        size = size + ties.tolerance(c) / NEAR * left
    unlike = (gap > NEAR * size) & finite(last)
    if np.ndim(value) == 0 and unlike:
        raise NonAnalyticError("the derivatives along lines are not those of one function")
    found = np.where(unlike, np.nan, found)
    found = np.moveaxis(found, range(order), range(-order, 0))
    return found.reshape((*np.shape(value), *shape * order)), value


def is_floats(x: Any) -> bool:
    """Whether a point is made of plain floats."""
    return not is_operand(x) and np.asarray(x).dtype == float


def product(f: Function, x: Any, v: Any) -> Any:
    """Return H·v of a scalar f from series in two variables, along v and each of its own.

    Where these know nothing (a cube root of what vanishes) it is that of the second derivatives
    along lines.  None where it is not known, or the one along a generic line does not fit.
    """
    shape, n = np.shape(x), math.prod(np.shape(x))
    size = float(np.max(np.abs(v), initial=0.0)) or 1.0

    def entry(w: Any) -> Any:
        return table_along(f, x, np.stack([v, np.reshape(w, shape)]), 2).tensor(2)[..., 0, 1]

    def polarised(w: Any) -> Any:
        ways = (v + size * np.reshape(w, shape), v - size * np.reshape(w, shape))
        ahead, astern = (along(f, x, way, 2)[2] for way in ways)
        return (ahead - astern) / (2 * size)

    line = np.cos(np.arange(n) + 1.0)
    for way in (entry, polarised):
        with contextlib.suppress(DomainError):
            expected = way(line)
            if not np.isfinite(expected):  # where f has overflowed no line knows more
                continue
            found = np.array([way(w) for w in np.eye(n)])
            if abs(line @ found - expected) <= NEAR * np.sum(abs(found)):
                return found.reshape(shape)
    return None
