"""Where components of a state come to rest in a finite time, as the level of a tank does.

y' = -k·√y takes y to 0 at a time T as (T - t)², and y' = -k·sign(y) does with a slope.  There the
series end, or are those of a branch that leads back; y = 0 is the solution from there on (for the
latter in the sense of A. F. Filippov, Differential Equations with Discontinuous Righthand Sides,
1988) if fun keeps it, with what has no series held constant.  So it is with another level that fun
keeps, in place of 0.  From there on y has no derivatives; those of all else are moved, where rates
jump, by the variation of T:

    dy⁺ = dy⁻ + (f⁻ - f⁺) dT,     dT = -dy_i/f_i    for an element i that comes to rest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.errors import DomainError, GuardError
from taylor.ode.control import finite, norm, spacing, unit
from taylor.ode.pieces import Pieces, Place
from taylor.ode.roots import derivative
from taylor.ode.standing import NO_VALUE, standing
from taylor.ode.surfaces import Surface
from taylor.ode.system import System, shaped

Array = NDArray[Any]
LOST = 2.0**8  # units of rounding of the terms of a polynomial: what may be left of a zero
WIDE = 2.0**7  # of their square root, of a step: how far off a double zero may be
AFTER = 4  # such distances: how much later it is asked where fun leads
NEAR = 64  # units of rounding of a time: what comes to rest within them does now
ALIKE = 2.0**-8  # relative difference of rates beside a place and there
ROUND = (0, 1, -1, 2, -2, 3, -3, 4, -4, 8, -8, 16, -16)  # such units, that a level may be off by


class Elements:
    """The elements of y in a state of plain numbers."""

    def values(self, table: Array) -> Array:
        """Return what stands in a state for the elements of y."""
        return table

    def cleared(self, table: Array, at: Array, level: Any = 0.0) -> Array:
        """Return a state with some elements of y on a level, and without their derivatives."""
        return np.where(at, level + abs(0 * table), table)

    def steady(self, small: Array) -> Array:
        """Return which elements of y have small derivatives, or none."""
        return np.ones(small.shape, dtype=bool)

    def moved(self, y: Array, at: Array, rates: Array, jump: Array) -> Array | None:
        """Return a state whose rates jump where elements of y vanish, which have such rates."""
        return y

    def rate(self, fun: Callable[..., Any], args: Sequence[Any], t: Any, y: Array) -> Array:
        """Return the rates of the elements of y for such values of them."""
        try:
            return np.asarray(shaped(fun)(t, y, *args))
        except TypeError:  # NumPy's functions take no numbers of many digits
            system = System(fun, t, y, args)
            return np.asarray(system.flow(t, y, *system.parameters(args)))

    def held(
        self,
        fun: Callable[..., Any],
        args: Sequence[Any],
        place: Place,
        order: int,
        quotients: bool = False,
    ) -> System | None:
        """Return the system of fun at a place where what has no series is held constant; with
        `quotients` 0/0 is held at 0.
        """
        try:
            system = System(fun, place.t, place.y, args)
        except NO_VALUE:
            return None
        return standing(system, args, place, order, quotients)

    def slope(self, fun: Callable[..., Any], args: Sequence[Any], place: Place) -> Array | None:
        """Return the rates at a place where derivatives of fun have no value; None if they have."""
        return None


class Arrival:
    """A place, the series of y there, what is on its way to zero or to another level, and a place
    beyond.
    """

    @np.errstate(over="ignore", invalid="ignore")
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
        away = near**2 * np.abs(bends) + noise  # of a level, below which it is not known
        square = rates**2
        self.slow = square <= 4 * np.abs(bends) * away
        self.moves = np.any(series[:3] != 0, axis=0)
        fast, slow = -near * rates, np.sign(bends) * away
        # what was there, or would have been, above the level
        above = np.where(lost, np.where(rates != 0, fast, slow), y)
        self.above = np.where(self.small, above, slow)
        turn = np.where(self.slow, square / np.where(bends != 0, 4 * bends, 1), 0 * y)
        self.level = np.where(self.small, 0 * y, y - turn)

    @classmethod
    def along(cls, piece: Pieces, h: Any, place: Place) -> Arrival:
        """Return that to a place at distance h on a step, where a function vanishes."""
        c, one = piece.coef[0], unit(piece.coef)
        k = np.arange(len(c)).reshape(-1, *[1] * (c.ndim - 1))
        series = np.stack([place.y, derivative(c, h), derivative((c * k)[1:], h) / 2])
        near = max(WIDE * one**0.5 * abs(piece.h[0]), NEAR * spacing(place.t))
        noise = LOST * one * np.sum(np.abs(c) * abs(h) ** k, axis=0)
        bends = np.abs(series[2])
        flat = (series[1] ** 2 <= 4 * bends * noise) & (noise < np.abs(place.y)) & (bends > 0)
        if np.any(flat):  # it is not known better when a level is reached
            near = max(near, np.max((noise[flat] / bends[flat]) ** 0.5))
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
    for at, level in _levels(fun, args, arrival, elements):
        if _leads_back(fun, args, arrival, elements, at, level):
            found = _at_rest(fun, args, arrival, elements, order, at, level)
            if found is not None:
                return found
    return None


def _levels(
    fun: Callable[..., Any], args: Sequence[Any], arrival: Arrival, elements: Elements
) -> Iterator[tuple[Array, Array]]:
    """Yield which elements may come to rest, and where: those that come to zero, or to another
    level on which their rates are zero.
    """
    values, y = elements.values, elements.values(arrival.place.y)
    moves, steady = values(arrival.moves), elements.steady(arrival.small)
    zero = values(arrival.small) & moves
    if np.any(zero & ~values(arrival.soft)) or (np.any(zero) and np.all(steady[zero])):
        yield zero, 0 * y
    levels, slow = values(arrival.level), values(arrival.slow) & moves & steady
    for k in ROUND if np.any(slow & (levels != 0)) else ():
        there = levels + k * unit(y) * np.abs(levels)
        with np.errstate(all="ignore"), contextlib.suppress(DomainError, GuardError):
            rates = elements.rate(fun, args, arrival.place.t, np.where(slow, there, y))
            if np.any(slow & (rates == 0)):
                yield slow & (rates == 0), there


def _at_rest(
    fun: Callable[..., Any],
    args: Sequence[Any],
    arrival: Arrival,
    elements: Elements,
    order: int,
    at: Array,
    level: Array,
) -> tuple[Array, System] | None:
    """Return the state with some elements at rest on a level, and the system by which they stay."""
    place, values = arrival.place, elements.values

    def still(y: Array) -> tuple[System, Array] | None:
        """Return the system by which the elements stay, and its series; None if they do not."""
        here = Place(place.t, 0 * place.t, y, 0 * y)
        for held in (True, False):
            with np.errstate(all="ignore"), contextlib.suppress(DomainError, GuardError):
                if held:
                    system = elements.held(fun, args, here, order, True)
                else:
                    system = System(fun, here.t, y, args)
                if system is not None:
                    c = system.series(here.t, y, system.parameters(args), order)
                    if finite(c) and all(np.all(x == elements.cleared(x, at)) for x in c[1:]):
                        return system, c
        return None

    y = elements.cleared(place.y, at, level)
    found, hard = still(y), at & ~values(arrival.soft)
    if found is not None and not _continuous(fun, args, arrival, elements, at, y, found[1]):
        return None
    if found is not None and np.any(hard):
        rates = values(arrival.rates)
        moved = elements.moved(place.y, hard, rates, rates - values(found[1][1]))
        if moved is None:
            return None
        y = elements.cleared(moved, at, level)
        found = still(y)
    return None if found is None else (y, found[0])


def _continuous(
    fun: Callable[..., Any],
    args: Sequence[Any],
    arrival: Arrival,
    elements: Elements,
    at: Array,
    y: Array,
    series: Array,
) -> bool:
    """Whether fun has values at a state at rest, or is 0/0 in what comes to zero only."""
    y, above = elements.values(y), elements.values(arrival.above)
    with np.errstate(all="ignore"), contextlib.suppress(DomainError, GuardError):
        if finite(elements.rate(fun, args, arrival.place.t, y)):
            return True
        before = elements.rate(fun, args, arrival.later, np.where(at, y + above, y))
        apart = np.where(at, 0, before - elements.values(series[1]))
        return bool(norm(apart) <= ALIKE * norm(before))
    return False


def _leads_back(
    fun: Callable[..., Any],
    args: Sequence[Any],
    arrival: Arrival,
    elements: Elements,
    at: Array,
    level: Array,
) -> bool:
    """Whether elements that were where they were before, but later, come to their level, too, and
    fun has a value on the other side.
    """
    t, y, above = arrival.later, elements.values(arrival.place.y), elements.values(arrival.above)
    with np.errstate(all="ignore"), contextlib.suppress(DomainError, GuardError):
        one, other = (
            elements.rate(fun, args, t, np.where(at, level + s * above, y)) for s in (1, -1)
        )
        back = above * one * (t - arrival.place.t) <= 0
        return finite(one[at]) and finite(other[at]) and bool(np.all(back[at]))
    return False
