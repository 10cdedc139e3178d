"""Machine code of Hessians and Jacobians for a block of directions, called block after block.

So code and memory do not grow with the number of directions: these are one of its arguments.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.graded import multivariate
from taylor.core.program import Program
from taylor.core.tags import fresh_tag
from taylor.drivers import kinks
from taylor.drivers.arguments import Form, OfSeveral, of_several
from taylor.drivers.derivatives import gradient_of, hessian, jacfwd, jacobian, jacrev
from taylor.drivers.driver import call, parts, point, seed
from taylor.drivers.reverse_mode import adjoints_along
from taylor.machine.machine import OK, Machine
from taylor.numbers.values import shape_of
from taylor.series.multivariate import TaylorN

Array = Any
Function = Callable[..., Any]
FEW = 8  # directions that go together, whatever the function is
MANY = 128  # directions that still go together if the function is small
MOST, LEAST = 64, 2  # directions of a block
ROOM = 1 << 19  # elements of a program times directions of a block


def _along(f: Function, x: Any, v: Any) -> Any:
    """Return J·v_k for the directions v_k along the first axis of v, along a new first axis."""
    algebra, tag = multivariate(shape_of(v)[0], 1), fresh_tag()
    y = call(f, seed(TaylorN, x, algebra, v, tag), tag)
    return parts(y, tag, algebra.size)[1:]


def hessian_along(f: Function, x: Any, v: Any) -> Any:
    """Return H·v_k for the directions v_k along the first axis of v."""
    x = point(x)

    def rows(f: Function) -> Any:
        return _along(gradient_of(f, "hessian"), x, v)

    return kinks.decided(rows, f, x, 2, "hessian")


def jacobian_along(f: Function, x: Any, v: Any) -> Any:
    """Return J·v_k for the directions v_k along the first axis of v."""
    x = point(x)
    return kinks.first(lambda g: _along(g, x, v), f, x, "jacobian")


def adjoint_along(f: Function, x: Any, w: Any) -> Any:
    """Return Jᵀ·w_k for the adjoints w_k along the first axis of w."""
    x = point(x)
    return kinks.first(lambda g: adjoints_along(g, x, w), f, x, "jacobian")


_HESSIAN, _JACOBIAN, _BY_ROWS = map(inspect.unwrap, (hessian, jacobian, jacrev))
_ALONG: dict[Any, Function] = {
    _HESSIAN: hessian_along,
    _JACOBIAN: jacobian_along,
    _BY_ROWS: adjoint_along,
    inspect.unwrap(jacfwd): jacobian_along,
}
_FORMS = {along: Form(along, (1,), (), True) for along in (*_ALONG.values(), adjoint_along)}


def chosen(form: Any, program: Program, x: Sequence[Array]) -> tuple[Any, Sequence[Array]]:
    """Return the driver whose code is made for a driver of f at x, and its arguments.

    Of a Hessian or a Jacobian one of a block of directions, if f is large for so many.
    """
    driver, vary = _parts(form)
    along = _ALONG.get(driver)
    if along is None or len(vary) > 1:
        return form, x
    seeded, shape = x[vary[0]].shape, program.code[program.outputs[0]].shape
    if _by_rows(driver, math.prod(shape), math.prod(seeded)):
        along, seeded = adjoint_along, shape
    count = math.prod(seeded)
    width = _width(sum(math.prod(i.shape) for i in program.code if i.args), count)
    if width == count:
        return form, x
    if isinstance(form, OfSeveral):
        along = of_several(_FORMS[along], vary, form.count)
    return along, (*x, np.ones((width, *seeded)))


def results(machine: Machine, form: Any, x: Sequence[Array]) -> tuple[int, list[Array]]:
    """Return (status, results) of a driver at x by its machine, block by block if that has some."""
    if len(machine.complex) == len(x):
        return machine(*x)
    driver, (place,) = _parts(form)
    at, (width, *seeded) = x[place], machine.inputs[-1]
    n = math.prod(seeded)
    rows = driver is _HESSIAN or _by_rows(driver, n, at.size)
    directions, whole, found = np.zeros((width, n)), None, np.zeros(0)
    for start in range(0, n, width):
        start = min(start, n - width)  # the last block overlaps the one before
        directions.fill(0.0)
        np.fill_diagonal(directions[:, start:], 1.0)
        status, (part, *_) = machine(*x, directions.reshape(width, *seeded))
        if status != OK:
            return status, []
        if whole is None:
            shape = part.shape[1:]
            found = np.empty((n, *shape) if rows else (*shape, n), part.dtype)
            whole = found if rows else np.moveaxis(found, -1, 0)
        whole[start : start + width] = part
    if driver is _HESSIAN:
        _mirror(found.reshape(n, n))
    return OK, [found.reshape((*seeded, *at.shape) if rows else (*found.shape[:-1], *at.shape))]


def _by_rows(driver: Any, elements: int, n: int) -> bool:
    """Whether a driver takes the Jacobian of so many elements by so many numbers row by row."""
    return driver is _BY_ROWS or (driver is _JACOBIAN and elements < n)


def _parts(form: Any) -> tuple[Any, tuple[int, ...]]:
    """Return a driver of one array, and which arguments of f are that array."""
    return (form.form.g, form.vary) if isinstance(form, OfSeveral) else (form, (0,))


def _width(size: int, n: int) -> int:
    """Return how many of n directions are to go together through a program of that size."""
    room = ROOM // max(size, 1)
    if n <= max(FEW, min(MANY, room)):
        return n
    most = max(LEAST, min(MOST, room))
    return -(-n // -(-n // most))


def _mirror(h: Array) -> None:
    """Write the lower triangle of a matrix over the upper one, rounded otherwise."""
    for i in range(0, len(h), MOST):
        j = i + MOST
        h[i:j, j:] = h[j:, i:j].T
        part = h[i:j, i:j]
        part[...] = np.where(np.tri(len(part), dtype=bool), part, part.T)
