"""Where a series does not go on along the function: zeros under roots, and the step beyond them.

A root, a power or an angle has a series up to where its argument vanishes; beyond, that series may
go on along another branch, as that of √(v²) does to -v, or there is none, as of |v|^2.5.  On every
step a bound from the coefficients says whether a zero is possible (`machine`); where it is, the
zero is found here.  The integration stops there, makes one small step by a formula that needs
values of f only, and goes on with series.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.program import Program
from taylor.errors import DomainError
from taylor.ode.control import finite, log2, norm, spacing, two_sum, unit
from taylor.ode.pieces import Pieces, Place, Taken, along, short_of
from taylor.ode.roots import roots, without_root
from taylor.ode.system import System

Array = NDArray[Any]
FIRST, SMALLER = 2.0**-8, 2.0**-3  # of a step: the first small step that is tried, and the next
RIGHT = 2.0**12  # error of the small step at most, in those of rounding relative to the state
FALLING = 1.25  # of rates over the small step
LEAST, LARGER = 64, 8  # units of rounding of the time that it takes at least, or times more
TRIES = 12
NEAR = 64  # steps: so far from a zero is near it


class Zero(NamedTuple):
    """A zero that was left behind: its time, and how far the step that led away from it went."""

    t: Any
    h: Any


def first_zero(
    program: Program, piece: Pieces, parameters: Sequence[Any], left: Zero | None
) -> Any:
    """Return where on one step a function vanishes first, as a part of the step; None for nowhere.

    A function that is not known along the step, as its series does not end there, gives nan.
    """
    h, start = piece.h[0], piece.t[0]
    skip = 0 if left is None else (left.t + 4 * left.h - start) / h
    found = None
    for table in along(program, piece, parameters):
        table = table.real if table.dtype.kind == "c" else table  # of real numbers among others
        for c in np.moveaxis(table.reshape(table.shape[1], -1), 1, 0):
            if not finite(c) or np.abs(c[1:]).sum() <= np.abs(c[0]):
                continue
            if short_of(c):
                return math.nan
            if c.dtype != object and without_root(c[None])[0]:
                continue
            for x in (r.x for r in roots(c)):
                if x > skip and (found is None or x < found):
                    found = x
    return found


def stop_at(
    system: System, parameters: Sequence[Any], taken: Taken, x: Any
) -> tuple[Place, Pieces]:
    """Return the place at a zero of a function, where so much of a step is done, and that part.

    That is some units of rounding later where fun, as a derivative of √(v²), is 0/0 there.
    """
    piece, here = taken.pieces, taken.h * x
    unit = spacing(piece.t[0] + taken.h) * (1 if taken.h > 0 else -1)
    for n in range(4):
        h = here + unit * (4**n - 1)
        if abs(h) >= abs(taken.h):
            return taken.end, piece
        place = piece.at(0, h)
        with np.errstate(all="ignore"), contextlib.suppress(DomainError):
            if finite(system.flow(place.t, place.y, *parameters)):
                return place, piece.until(0, h)
    return piece.at(0, here), piece.until(0, here)


def vanish_here(system: System, parameters: Sequence[Any], place: Place) -> bool:
    """Whether there is no series at a place, or hardly any, as a function vanishes there."""
    program, t, y = system.zeros, place.t, place.y
    if program is None or not program.outputs:
        return False
    slope = np.zeros_like(y)
    with np.errstate(all="ignore"), contextlib.suppress(DomainError):
        slope = np.asarray(system.flow(t, y, *parameters))
    slope = slope if finite(slope) else np.zeros_like(y)
    one = np.array([t * 0 + LEAST * spacing(t) * NEAR])
    piece = Pieces(np.array([t]), 0 * one, one, np.stack([y, slope])[None])
    try:
        tables = along(program, piece, parameters)
    except DomainError:  # one of them has no series here itself
        return True
    for table in tables:
        value, change = np.abs(table[0, 0]), np.abs(table[0, 1:]).sum(0)
        if np.any(value <= change):
            return True
    return False


def step_beyond(
    system: System,
    parameters: Sequence[Any],
    place: Place,
    t_end: Any,
    first: Any,
    least: Any,
    order: int,
    begins: Array | None,
) -> tuple[Place, Pieces, float] | None:
    """Return where a small step leads to, the step, and log2 of its error relative to the state.

    `begins` is the slope at its start, if fun does not tell it.  The classical Runge-Kutta method,
    once over the whole step and once over its halves, and the cubic through its ends must agree;
    None if they do not, however small the step is.
    """

    def flow(t: Any, y: Array) -> Any:
        return system.flow(t, y, *parameters)

    t, y, rest = place.t, place.y, t_end - place.t
    sign = 1 if rest > 0 else -1
    d = min(abs(rest), max(first * FIRST, least)) * sign
    best, exact = None, 2 * unit(y)
    while True:
        made = _tried(flow, t, y, d, order, rest, begins)
        if made is not None:
            best = made
            if best[2] <= exact:
                break
        if abs(d) <= least:
            break
        d = d * SMALLER if abs(d) * SMALLER > least else least * sign
    if best is None or best[2] > RIGHT * exact:
        return None
    new, coef, error, length = best
    if length == rest:
        end = Place(t_end + 0 * t, 0 * t, new, 0 * new)
    else:
        end = Place(*two_sum(t, length + place.t_low), new, 0 * new)
    piece = Pieces(np.array([t]), np.array([place.t_low]), np.array([length]), coef[None])
    return end, piece, log2(error)


def _tried(
    flow: Callable[..., Any],
    t: Any,
    y: Array,
    d: Any,
    order: int,
    rest: Any,
    begins: Array | None,
) -> tuple[Array, Array, Any, Any] | None:
    """Return y(t + d), coefficients on the way, the error relative to the state, and d."""
    with np.errstate(all="ignore"):
        try:
            begins = np.asarray(flow(t, y)) if begins is None else begins
            whole = _runge_kutta(flow, t, y, begins, d)
            middle = _runge_kutta(flow, t, y, begins, d / 2)
            end = _runge_kutta(flow, t + d / 2, middle, np.asarray(flow(t + d / 2, middle)), d / 2)
            ends = np.asarray(flow(t + d, end))
        except DomainError:
            return None
        if not (finite(begins) and finite(end) and finite(ends) and finite(whole)):
            return None
        coef = np.zeros((order + 1, *y.shape), y.dtype)
        coef[0], coef[1] = y, begins
        rise = (end - y) / d
        if order > 2:
            coef[2] = (3 * rise - 2 * begins - ends) / d
            coef[3] = (begins + ends - 2 * rise) / (d * d)
        else:
            coef[2] = (rise - begins) / d
        between = y + d / 2 * (coef[1] + d / 2 * (coef[2] + d / 2 * (coef[3] if order > 2 else 0)))
        error = norm(whole - end) + norm(between - middle)
        size = max(norm(y), norm(end))
        if norm(begins) <= FALLING * norm(ends):  # else they may come down from a pole
            size = max(size, norm(ends) * abs(rest))
    return (end, coef, error / size if size else 0.0 * error, d) if size == size else None


def _runge_kutta(flow: Callable[..., Any], t: Any, y: Array, k1: Array, d: Any) -> Array:
    """Return y(t + d) by the classical method of order four."""
    k2 = np.asarray(flow(t + d / 2, y + d / 2 * k1))
    k3 = np.asarray(flow(t + d / 2, y + d / 2 * k2))
    k4 = np.asarray(flow(t + d, y + d * k3))
    return np.asarray(y + d / 6 * (k1 + 2 * (k2 + k3) + k4))
