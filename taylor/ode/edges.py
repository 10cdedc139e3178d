"""What derivatives need to know of surfaces that a run meets: do they move, what lies beyond."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.singular import nans
from taylor.drivers.several import pullback
from taylor.errors import DomainError, GuardError, NonAnalyticError
from taylor.numbers.kinds import base
from taylor.numbers.policy import current_policy, policy
from taylor.ode.control import finite, norm
from taylor.ode.pieces import Place
from taylor.ode.rests import Elements
from taylor.ode.standing import holding
from taylor.ode.surfaces import NEXT, Met, condition_of, met_at, sides, touched_at, vanishing_at
from taylor.ode.system import System, shaped
from taylor.series.series import Series

Array = NDArray[Any]
SAME = 1e-10  # relative difference of times that is none
KINK = 0.25  # as large a difference, or less, where it is nearer: of a kink
NEARBY, BENT = 2.0**-20, 2.0**-13  # of a state: to the other side, and of changes: one of slopes

MEET = (
    "{} meet at t = {}, and move apart with what the solution depends on: it has no derivatives "
    "there, as their order changes"
)
REST = (
    "at t = {} a run rests on a surface where fun or its first derivative jumps, and leaves it as "
    "what it depends on varies: there are derivatives to one side only; y = {}"
)
TOUCH = (
    "at t = {} a branch of fun has no length, and gets one as what it depends on varies one way: "
    "there are derivatives to one side only; y = {}"
)


def numbers(x: Any) -> Array:
    """Return the coefficients of a series, of numbers in the end, in one row; the value first."""
    while isinstance(x, Series):
        x = x._coef
    return np.reshape(x, -1)


@contextlib.contextmanager
def propagated() -> Iterator[None]:
    """Return a context in which what has no series at a point is not a number."""
    with policy(singular="propagate", kink=current_policy().kink):
        yield


class Edges:
    """Questions about the surfaces at a place of a run: `plain` is the system in plain numbers, and
    `varied` says with what of (y, *args) derivatives are asked for besides its series: of y that is
    at `start`.
    """

    def __init__(self, plain: Any, varied: Sequence[bool], start: Any) -> None:
        self.plain, self.varied, self.start = plain, varied, start
        self.varies = bool(plain.levels) or any(varied)
        self.order = sum(level.like.order for level in plain.levels) + any(varied)

    def moving(self, t: Any, table: Any, d: Any) -> bool:
        """Whether a function whose sign decides on the branch of fun vanishes within a time d, and
        fun jumps there, and it varies: with the variables of the series, or with what of (y, *args)
        is `varied`.
        """
        y, p = self.plain.series(table), self.plain.given[1]
        values = base(y), [base(x) for x in p]
        system = System(self.plain.f, t, *values)
        if system.program is None or not self.varies:
            return False
        slope = np.asarray(system.flow(t, values[0], *values[1]))
        slope = np.where(nans(slope), 0, slope)
        found = met_at(system.between, (t, values[0]), slope, d, values[1])
        own = (condition_of(system.between, m) for m in found)
        return any(self._varies(f, t, y, p) and self._jumps(system, f, t, *values) for f in own)

    def jumping(self, t: Any, table: Any, d: Any, ends: tuple[Any, Any]) -> bool:
        """Whether a condition that varies vanishes within a time d of a place, and fun jumps across
        it; the rates are those at the ends of the time beside.
        """
        y, p = self.plain.series(table), self.plain.given[1]
        v, q = base(y), [base(x) for x in p]
        for beside in ends:
            system = System(self.plain.f, beside, v, q)
            if system.program is None:
                return True
            slopes = _rates(system, v, q, ends)
            for met in vanishing_at(system.between, (t, v), slopes, d, q)[0]:
                f = condition_of(system.between, met)
                if self._varies(f, beside, y, p) and self._jumps(system, f, beside, v, q):
                    return True
        return False

    def resting(self, t: Any, table: Any) -> bool:
        """Whether fun, or its first derivative, jumps across a surface on which the state lies, and
        which it leaves as it varies.
        """
        return self._lies_on(t, table, 0.0, self._bends)

    def turning(self, t: Any, table: Any) -> bool:
        """Whether fun jumps across a surface that the state has just met, and which varies."""
        return self._lies_on(t, table, NEXT, self._jumps)

    def _lies_on(self, t: Any, table: Any, near: float, matters: Callable[..., bool]) -> bool:
        """Whether a condition that varies, and matters, vanishes to such a relative difference."""
        y, p = self.plain.series(table), self.plain.given[1]
        v, q = base(y), [base(x) for x in p]
        system = System(self.plain.f, t, v, q)
        if system.program is None or not self.varies:
            return False
        size = near * max(1, abs(t), norm(v))
        for n, values in enumerate(sides(system.between, t, v, q)):
            for m in np.flatnonzero(abs(values) <= size):
                f = condition_of(system.between, Met((n, int(m)), True))
                if self._varies(f, t, y, p) and matters(system, f, t, v, q):
                    return True
        return False

    def touched(self, t: Any, table: Any, d: Any, ends: tuple[Any, Any] | None = None) -> bool:
        """Whether a condition that varies vanishes within a time d of a place, but does not change
        its sign, and fun jumps on its other side.  The rates are those at the `ends` of the time
        beside, if it is known to branch there.
        """
        y, p = self.plain.series(table), self.plain.given[1]
        v, q = base(y), [base(x) for x in p]
        system = System(self.plain.f, t + d, v, q)
        if not system.branches or not self.varies:
            return False
        slopes = _rates(system, v, q, ends or (t + d, t + d))
        for met in touched_at(system.between, (t, v), slopes, d, q):
            f, near = condition_of(system.between, met), t - d if met.before else t + d
            if self._varies(f, near, y, p) and self._jumps(system, f, near, v, q):
                return True
        return False

    def _jumps(
        self, system: System, f: Callable[..., Any], t: Any, y: Array, p: Sequence[Any]
    ) -> bool:
        """Whether fun jumps where (y, *args) goes over to the other side of f."""
        found = across(system, f, t, y, p)
        return bool(found and found[0] > 0 and (self.order > 1 or found[1] > KINK * found[0]))

    def _bends(
        self, system: System, f: Callable[..., Any], t: Any, y: Array, p: Sequence[Any]
    ) -> bool:
        """Whether fun, or its first derivative, jumps where y goes over to the other side of f."""
        with propagated():
            across = np.asarray(pullback(lambda y: f(t, y, *p), (y,), 1.0)[0])
        if not norm(across) > 0:
            return False
        step = NEARBY * max(1, norm(y)) / norm(across) * across
        here, one, other = (np.asarray(system.flow(t, y + k * step, *p)) for k in (0, 1, -1))
        return bool(norm(one + other - 2 * here) > BENT * max(norm(one - other), norm(step)))

    def _varies(self, f: Callable[..., Any], t: Any, y: Any, p: Sequence[Any]) -> bool:
        """Whether a function of (t, y, *args) with one element varies."""
        with propagated():  # others that are computed with it may jump here
            varied = self.varied
            if self.plain.levels and np.any(numbers(f(t, y, *p))[1:] != 0):
                return True
            if not any(varied):
                return False
            slopes = pullback(partial(f, t), (y, *p), 1.0)
        many = len(varied) - 1  # parameters, to which their tangents may have been appended
        of_y = varied[0] or t != self.start  # later y may vary with any of them: tangents tell
        wanted = [of_y, *(varied[1 + i % many] for i in range(len(p)))]
        return any(w and np.any(numbers(x) != 0) for w, x in zip(wanted, slopes, strict=True))


def _rates(system: System, y: Array, p: Sequence[Any], times: Sequence[Any]) -> tuple[Any, Any]:
    """Return the rates at a state before and after some time."""
    before, after = (np.asarray(system.flow(t, y, *p)) for t in times)
    return before, after


def across(
    system: System, f: Callable[..., Any], t: Any, y: Array, p: Sequence[Any]
) -> tuple[Any, Any] | None:
    """Return by how much fun differs from a line where (y, *args) goes over to the other side of f,
    and where it does so sixteen times nearer; None if they do not change f.
    """
    given = y, *p
    slopes = [np.asarray(x) for x in pullback(partial(f, t), given, 1.0)]
    size = max(map(norm, slopes))
    if not size > 0:
        return None

    def apart(step: float) -> Any:
        # on the surface itself fun may have a value in the middle, as sign has
        ends = ([x + k * step * g for x, g in zip(given, slopes, strict=True)] for k in (-1, 1, 3))
        other, here, far = (np.asarray(system.flow(t, *end)) for end in ends)
        return norm(other + far - 2 * here)

    far = NEARBY * max(1, *map(norm, given)) / size
    return apart(far), apart(far / 16)


def bends(system: System, f: Callable[..., Any], t: Any, y: Array, p: Sequence[Any]) -> bool:
    """Whether fun has no jump where (y, *args) goes over to the other side of f, as they may."""
    found = across(system, f, t, y, p)
    return found is not None and bool(found[1] <= KINK * found[0])


# ------------------------------------------------------------------ elements at rest
class SeriesElements(Elements):
    """The elements of y in a state of coefficients of series."""

    def __init__(self, plain: Any) -> None:
        self.plain = plain

    def values(self, table: Array) -> Array:
        """Return what stands in a state for the elements of y."""
        return np.asarray(base(self.plain.series(table)))

    def cleared(self, table: Array, at: Array, level: Any = 0.0) -> Array:
        """Return a state with some elements of y on a level, and without their derivatives."""
        return np.asarray(self.plain.table(np.where(at, level, self.plain.series(table))))

    def steady(self, small: Array) -> Array:
        """Return which elements of y have small derivatives."""
        large, shape = self.plain.series(np.where(small, 0.0, 1.0)), self.plain.levels[0].shape
        return np.asarray(~np.any(numbers(large).reshape(-1, *shape)[1:] != 0, axis=0))

    def moved(self, y: Array, at: Array, rates: Array, jump: Array) -> Array | None:
        """Return a state whose rates jump where elements of y vanish, which have such rates."""
        if len(self.plain.levels) > 1 or self.plain.levels[0].like.order > 1:
            return None
        state = self.plain.series(y)
        delays = [
            -(state[i] - base(state[i])) / rates[i] for i in zip(*np.nonzero(at), strict=True)
        ]
        if any(norm(numbers(d - delays[0])) > SAME * norm(numbers(d)) for d in delays[1:]):
            return None
        return np.asarray(self.plain.table(state + jump * delays[0]))

    def rate(self, fun: Callable[..., Any], args: Sequence[Any], t: Any, y: Array) -> Array:
        """Return the rates of the elements of y for such values of them."""
        return super().rate(self.plain.f, [base(x) for x in self.plain.given[1]], t, y)

    def held(
        self,
        fun: Callable[..., Any],
        args: Sequence[Any],
        place: Place,
        order: int,
        quotients: bool = False,
    ) -> System | None:
        """Return the system of fun at a place where what has no series is held constant."""
        values, p = self._values(place), [base(x) for x in self.plain.given[1]]
        own = super().held(self.plain.f, p, values, order, quotients)
        return self._system(own, place)

    def slope(self, fun: Callable[..., Any], args: Sequence[Any], place: Place) -> Array | None:
        """Return the rates at a place where derivatives of fun have no value; None if they have."""
        with np.errstate(all="ignore"), contextlib.suppress(DomainError, GuardError):
            if finite(shaped(fun)(place.t, place.y, *args)):
                return None
        values, p = self._values(place), [base(x) for x in self.plain.given[1]]
        own = holding(System(self.plain.f, values.t, values.y, p), p, values)
        system = self._system(own, place)
        if system is None:
            return None
        return np.asarray(system.flow(place.t, place.y, *system.parameters(args)))

    def _values(self, place: Place) -> Place:
        y = np.asarray(base(self.plain.series(place.y)))
        return Place(place.t, place.t_low, y, 0 * y)

    def _system(self, own: System | None, place: Place) -> System | None:
        """Return the system of a state for that of y, in which what is held may not vary."""
        if own is None or own.holds is None:
            return None
        state, given = self.plain.series(place.y), self.plain.given[1]
        if any(np.any(numbers(x - base(x)) != 0) for x in own.holds.values(place.t, state, given)):
            return None
        made = self.plain.of(own.f, state)
        return System(made.fun, place.t, place.y, made.args)


class NoElements(Elements):
    """Those of a run whose state does not tell what is a derivative of what."""

    def cleared(self, table: Array, at: Array, level: Any = 0.0) -> Array:
        """Raise NonAnalyticError."""
        raise NonAnalyticError(
            "a component of y comes to rest, where second derivatives of a solution jump: take "
            "first ones, or integrate up to there"
        )
