"""Where components of a state come to rest in a finite time, as the level of a tank does.

y' = -k·√y takes y to 0 at a time T as (T - t)², and y' = -k·sign(y) does with a slope.  There the
series end, or are those of a branch that leads back; y = 0 is the solution from there on (for the
latter in the sense of A. F. Filippov, Differential Equations with Discontinuous Righthand Sides,
1988) if fun keeps it, with what has no series held constant.  From there on y has no derivatives;
those of all else are moved, where rates jump, by the variation of T:

    dy⁺ = dy⁻ + (f⁻ - f⁺) dT,     dT = -dy_i/f_i    for an element i that comes to rest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.errors import DomainError, GuardError
from taylor.ode.control import finite, spacing, unit
from taylor.ode.pieces import Pieces, Place
from taylor.ode.roots import derivative
from taylor.ode.standing import standing
from taylor.ode.surfaces import Surface
from taylor.ode.system import System, shaped

Array = NDArray[Any]
LOST = 2.0**8  # units of rounding of the terms of a polynomial: what may be left of a zero
WIDE = 2.0**7  # of their square root, of a step: how far off a double zero may be
AFTER = 4  # such distances: how much later it is asked where fun leads
NEAR = 64  # units of rounding of a time: what comes to rest within them does now


class Elements:
    """The elements of y in a state of plain numbers."""

    def values(self, table: Array) -> Array:
        """Return what stands in a state for the elements of y."""
        return table

    def cleared(self, table: Array, at: Array) -> Array:
        """Return a state without some elements of y, and their derivatives."""
        return np.where(at, abs(0 * table), table)

    def vanish(self, small: Array, at: Array) -> bool:
        """Whether derivatives of some elements of y are small, or there are none."""
        return True

    def moved(self, y: Array, at: Array, rates: Array, jump: Array) -> Array | None:
        """Return a state whose rates jump where elements of y vanish, which have such rates."""
        return y

    def rate(self, fun: Callable[..., Any], args: Sequence[Any], t: Any, y: Array) -> Array:
        """Return the rates of the elements of y for such values of them."""
        return np.asarray(shaped(fun)(t, y, *args))

    def held(
        self, fun: Callable[..., Any], args: Sequence[Any], place: Place, order: int
    ) -> System | None:
        """Return the system of fun at a place where what has no series is held constant."""
        return standing(System(fun, place.t, place.y, args), args, place, order)


class Arrival:
    """A place, the series of y there, what is on its way to zero, and a place beyond."""

    def __init__(self, place: Place, series: Array, near: Any, noise: Any = 0.0) -> None:
        y, rates, bends = series[:3]
        lost = np.abs(y) <= noise
        self.place, self.rates, self.later = place, rates, place.t + AFTER * near
        self.small = lost | (
            (np.abs(y) <= abs(near * rates)) & (np.sign(y) * np.sign(rates) * near <= 0)
        )
        self.soft = (np.abs(rates) <= abs(2 * near * bends)) & (
            np.sign(rates) * np.sign(bends) * near <= 0
        )
        self.moves = np.any(series[:3] != 0, axis=0)
        fast = np.where(rates != 0, -near * rates, near**2 * bends)
        self.before = np.where(lost, fast, y)  # what was there, or would have been

    @classmethod
    def along(cls, piece: Pieces, h: Any, place: Place) -> Arrival:
        """Return that to a place at distance h on a step, where a function vanishes."""
        c, one = piece.coef[0], unit(piece.coef)
        k = np.arange(len(c)).reshape(-1, *[1] * (c.ndim - 1))
        series = np.stack([place.y, derivative(c, h), derivative((c * k)[1:], h) / 2])
        near = max(WIDE * one**0.5 * abs(piece.h[0]), NEAR * spacing(place.t))
        noise = LOST * one * np.sum(np.abs(c) * abs(h) ** k, axis=0)
        return cls(place, series, near if piece.h[0] > 0 else -near, noise)


def at_end(pieces: Pieces, i: int, met: Surface) -> bool:
    """Whether a surface is met where steps end."""
    return i == len(pieces) - 1 and 1 - met.x <= WIDE * unit(pieces.coef) ** 0.5


def resting(
    fun: Callable[..., Any],
    args: Sequence[Any],
    arrival: Arrival,
    elements: Elements,
    order: int,
) -> tuple[Array, System] | None:
    """Return the state in which some elements are at rest, and the system to go on by; None if none
    come to rest.
    """
    place, values = arrival.place, elements.values
    at = values(arrival.small & arrival.moves)
    hard = at & ~values(arrival.soft)
    if not np.any(at) or not (np.any(hard) or elements.vanish(arrival.small, at)):
        return None
    if not _leads_back(fun, args, arrival, elements, at):
        return None

    def still(y: Array) -> tuple[System, Array] | None:
        """Return the system by which the elements stay, and its series; None if they do not."""
        here = Place(place.t, 0 * place.t, y, 0 * y)
        for held in (True, False):
            with np.errstate(all="ignore"), contextlib.suppress(DomainError, GuardError):
                if held:
                    system = elements.held(fun, args, here, order)
                else:
                    system = System(fun, here.t, y, args)
                if system is not None:
                    c = system.series(here.t, y, system.parameters(args), order)
                    if finite(c) and all(np.all(x == elements.cleared(x, at)) for x in c[1:]):
                        return system, c
        return None

    y = elements.cleared(place.y, at)
    found = still(y)
    if found is not None and np.any(hard):
        rates = values(arrival.rates)
        moved = elements.moved(place.y, hard, rates, rates - values(found[1][1]))
        if moved is None:
            return None
        y = elements.cleared(moved, at)
        found = still(y)
    return None if found is None else (y, found[0])


def _leads_back(
    fun: Callable[..., Any], args: Sequence[Any], arrival: Arrival, elements: Elements, at: Array
) -> bool:
    """Whether elements that were where they were before, but later, come to zero, too, and fun has
    a value on the other side.
    """
    t, y, before = arrival.later, elements.values(arrival.place.y), elements.values(arrival.before)
    with np.errstate(all="ignore"), contextlib.suppress(DomainError, GuardError):
        one, other = (elements.rate(fun, args, t, np.where(at, s * before, y)) for s in (1, -1))
        back = before * one * (t - arrival.place.t) <= 0
        return finite(one[at]) and finite(other[at]) and bool(np.all(back[at]))
    return False
