"""`Integrator`: y' = fun(t, y, *args), one Taylor polynomial after the other.

The state is a sum of two numbers, y + low, and so is the time.  On float64 the steps run as machine
code; every other number type, and whatever has no machine code, takes the same steps through NumPy.
A step ends where fun goes over to another branch (a kink, a jump, an `if`): there fun is recorded
again and the integration goes on with the other branch.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.errors import IntegrationError, TaylorError, outside
from taylor.ode.control import finite, log2, spacing, unit
from taylor.ode.dense import Solution, check_order, in_numbers_of
from taylor.ode.machine import DONE, GO, GUARD, INFINITE, LOOK, ROUGH, SMALL
from taylor.ode.options import Control, check_time, number_of_steps
from taylor.ode.pieces import Pieces, Place, Taken, chained, joined, nothing, solution
from taylor.ode.record import Record
from taylor.ode.rests import NEAR as SOON
from taylor.ode.rests import Arrival, at_end, resting
from taylor.ode.roots import derivative
from taylor.ode.singular import leap, resumed
from taylor.ode.sliding import Sliding, Turn, sliding
from taylor.ode.standing import recorded_here
from taylor.ode.state import State
from taylor.ode.stepper import (
    ahead,
    by_numpy,
    departs,
    error_of,
    failed,
    nudged,
    too_long,
    within_reach,
)
from taylor.ode.stiffness import ENDLESS, MANY, SOME, STEADY, told
from taylor.ode.stops import advanced
from taylor.ode.surfaces import (
    SLIDES,
    Surface,
    changed,
    crossing,
    off_surface,
    on_surface,
    past,
    renamed,
)
from taylor.ode.system import System
from taylor.ode.zeros import (
    LARGER,
    LEAST,
    NEAR,
    Zero,
    first_zero,
    step_beyond,
    stop_at,
    vanish_here,
)

Array = NDArray[Any]
UNSEEN = "fun branches where none of its conditions changes its sign"
LIMIT = 1 << 12  # steps in one call of machine code, or more if they are short:
WORK = 1 << 26  # products of numbers that one may take, some hundredths of a second
FURTHER = 8  # times that a surface is left further behind, four times as far each time
SHORTEST = 4  # units of rounding of the time in a step
BEFORE = 0.75  # of a step to a zero: where its error is seen, as fun may be steep at the zero
AGAIN = 4  # zeros that are met one after the other, and no more: there is no way beyond


class Integrator(State):
    """The initial value problem y' = fun(t, y, *args), y(t0) = y0, stepped by Taylor series.

    >>> from taylor.ode.options import Options
    >>> it = Integrator.of(lambda t, y: [y[1], -np.sin(y[0])], 0.0, [1.0, 0.0], (), Options())
    >>> it.propagate_until(10.0).round(8)
    array([-0.99894981, -0.04203338])
    """

    def slope(self, pieces: Pieces, i: int, x: Any) -> Any:
        """Return y' at distance x from the start of step i, as it is along the step."""
        return derivative(pieces.coef[i], x)

    # -------------------------------------------------------------- stepping
    def _straight(self, t_end: Any, limit: int) -> bool:
        """Take steps by machine code, and return True, if that is all there is to do."""
        memory = self._memory
        if memory is None or self.at_zero or self.system.branches:
            return False
        taken = memory.straight(
            self.t, self.t_low, self.y, self.y_low, t_end, self.control, limit
        )  # fmt: skip
        if taken is None or (memory.polynomial and not abs(t_end) < math.inf):
            return False  # the latter: no series bounds that step
        _, self.t, self.t_low, self.y, self.y_low, steps, self.h, worst = taken
        self.steps += int(steps)
        if worst > self.worst:
            self.worst = float(worst)
        return True

    def march(
        self,
        t_end: Any,
        max_steps: Any = None,
        log: bool = True,
        first: int | None = None,
        stop: Callable[[], Any] | None = None,
    ) -> Iterator[Pieces]:
        """Yield the steps to t_end, some at a time: `first` of them, then more and more.

        `stop` says at which time on the way a step has to end next.  Whoever takes them may set
        the integrator back: it goes on from there.  An end before t_end is an IntegrationError with
        a `reason`.  Without `log` few steps are recorded.
        """
        left, look = number_of_steps(max_steps), False
        if isinstance(self.fun, Sliding) and self.fun.sign * (t_end - self.t) < 0:
            self.renew()
        log = log or left < math.inf  # as steps are counted
        if why := too_long(self.place, t_end):
            raise self._ended(why)
        size = (self.order + 1) * max(1, int(self.y.size))
        most = min(max((1 << 22) // size, 1), 1024)  # whose coefficients are kept at a time
        if not log:
            most = max(LIMIT, WORK // (size * (self.order + 1)))
        count = first = min(first or most, most)
        while self.t != t_end or self.t_low != 0:
            if left <= 0:
                short = f"{max_steps} steps did not reach t = {t_end}, only t = {self.t}"
                raise self._ended(f"{short}: raise max_steps, or loosen tol")
            aim = t_end if stop is None else stop()
            if not log:
                count = STEADY + 1 if look else min(max(MANY, 3 * self.steps), most)
            before = self.steps
            status, pieces = self.advance(aim, int(min(count, left)), log or look)
            look = not look and self.steps >= MANY and not self.stiffness.found
            count, y = min(2 * count, most), self.y
            made = min(len(pieces), max(1, self.steps - before))  # not the parts of one
            if len(pieces):
                yield pieces
                done = pieces.t < self.t if pieces.h[0] > 0 else pieces.t > self.t
                left -= made if self.y is y else max(1, min(made, int(np.sum(done))))
            if self.y is not y:
                count = first
            elif status not in (GO, DONE):
                here = self.system, self._parameters, self.place, status
                raise self._ended(failed(*here), status)
            if self.stiffness.found and not left < math.inf:
                more = abs(t_end - self.t) / abs(self.h)
                if ENDLESS < more < math.inf:
                    raise self._ended(f"{told(self.t, self.h, more)}; or give max_steps")

    def advance(self, t_end: Any, limit: int, log: bool = True) -> tuple[int, Pieces]:
        """Step to t_end, or some steps towards it; return (status, the steps).

        The status is one of `machine`: GO (the limit is reached), DONE, INFINITE or SMALL.
        """
        return advanced(self, t_end, limit, log)

    def towards(self, t_end: Any, limit: int, log: bool) -> tuple[int, Pieces]:
        """Step to t_end, on the way to which no time is known at which fun branches."""
        if not abs(t_end) < math.inf:
            t_end = within_reach(self.system, self._parameters, self.place, t_end, self.control)
        if self.at_zero:
            return self.beyond(t_end, INFINITE)
        for n in range(AGAIN):  # then with fun recorded anew, where it branches otherwise
            branches = self.system.branches and bool(self.system.between.outputs)
            if self.h > 0 > t_end - self.t or self.h < 0 < t_end - self.t:  # back over it
                self._left = None
            if branches and self._left is None and self.t != t_end:
                self._leave(t_end)
            start = self.place
            taken = self._run(t_end, limit, log or branches)
            status, pieces = taken.status, taken.pieces
            if status in (SMALL, INFINITE):
                if (self.t - start.t) + (self.t_low - start.t_low) == 0:
                    other = self._instead()
                    if other is None:
                        return self.beyond(t_end, status)
                    self._use(other)
                status = GO  # the next time it is the first step that fails
            crossed = self._crossed(start, pieces) if branches else None
            if crossed is None and status == LOOK and len(pieces) == limit:
                status = GO  # the step to be looked at is the first of the next ones
            if crossed is None and status in (LOOK, ROUGH):
                pieces = pieces.part(0, max(0, len(pieces) - (status == ROUGH)))
                longest = abs(taken.h) / 2 if status == ROUGH else math.inf
                status, more = self._again_carefully(t_end, longest)
                pieces = chained(pieces, more)
                if status in (SMALL, INFINITE):
                    if not len(pieces):
                        return self.beyond(t_end, status)
                    status = GO
                crossed = self._crossed(start, pieces) if branches else None
            met = self._met(start, pieces, crossed, t_end)
            if met is not None:
                return met
            self._left = None if len(pieces) else self._left
            if status != GUARD:
                return status, pieces
            if len(pieces):
                return GO, self._released(pieces)
            self._nudge(t_end, 4**n if n else 0)  # machine code may see a surface a little later
            self._bind()
        raise self._stuck(UNSEEN)

    def _met(
        self,
        start: Place,
        pieces: Pieces,
        crossed: tuple[Pieces, int, Surface] | None,
        t_end: Any,
    ) -> tuple[int, Pieces] | None:
        """Go on where fun goes over to another branch; None if it does not."""
        if crossed is not None and crossed[2].x == 0:
            return self.slides(start, t_end)
        if self._left is not None and len(pieces) and self._is_old(pieces, crossed):
            return GO, self._pushed(pieces)
        return None if crossed is None else self.switched(*crossed, t_end)

    def _released(self, pieces: Pieces) -> Pieces:
        """Go back to the last step, in which what is held began to move; return those before."""
        if not self.system.holds:
            raise self._stuck(UNSEEN)
        self.place = pieces.at(-1, 0 * self.t)
        self._bind()
        return pieces.part(0, len(pieces) - 1)

    def _nudge(self, t_end: Any, units: int) -> None:
        self.place = nudged(self.system, self._parameters, self.place, t_end, units, self.h)
        self._left = self._left and self._left._replace(x=self.t)

    def _is_old(self, pieces: Pieces, crossed: tuple[Pieces, int, Surface] | None) -> bool:
        """Whether the first step after a change of branch still is on the old one.

        Machine code, whose sums have other rounding errors, may see the surface a little later.
        """
        h, c = pieces.h[0] / 2, pieces.coef[0]
        if crossed is not None:  # before it, in steps that may have been divided
            h = crossed[0].h[0] / 2 * (crossed[2].x if crossed[1] == 0 else 1)
        end = pieces.at(0, h)
        given = self.system, self._parameters, c, h, end, self.control
        return departs(*given, self._further > FURTHER // 2)

    def _pushed(self, pieces: Pieces) -> Pieces:
        """Go some units of rounding further, and more the next time; return that step."""
        assert self._left is not None
        if self._further > FURTHER:
            raise self._stuck("fun does not go over to another branch where its conditions do")
        t, h = pieces.t[0], pieces.h[0]
        far = min(spacing(max(abs(t), abs(h))) * 4**self._further, abs(h)) * (1 if h > 0 else -1)
        self.place, self._further = pieces.at(0, far), self._further + 1
        self._rebind()
        self._left = renamed(self._left, self.system, self.place, self._parameters)
        return pieces.until(0, far)

    def _crossed(self, start: Place, pieces: Pieces) -> tuple[Pieces, int, Surface] | None:
        """Return the steps, the first one in which fun goes over to another branch, and where."""
        left = self._left if self._left and self._left.x == start.t else None
        given = self.system.between, pieces, self._parameters, self.strict
        crossed = crossing(*given, left, self.touches, self._room)
        if self.rested == self.t and crossed is not None and at_end(*crossed):
            crossed = None
        self._room = math.inf
        if crossed is not None and crossed[2].x:
            steps, i, met = crossed
            self._room = 2 * abs(steps.t[i] - start.t + steps.h[i] * met.x)
        return crossed

    def slides(self, place: Place, t_end: Any) -> tuple[int, Pieces]:
        """Go on at rest, or along it, from a surface to which fun points from both sides."""
        self.place = place
        near = spacing(max(abs(self.t), abs(self.h)))
        if isinstance(self.fun, Sliding) or not self._rests_near(near if t_end > self.t else -near):
            self._slide(1 if t_end > self.t else -1)
        return GO, nothing(self.place, self.order)

    def _slide(self, sign: int) -> None:
        """Go on along the surface that has just been left, in a direction of time."""
        found = self._slid(sign)
        if found is None:
            raise self._stuck(SLIDES)
        self.fun, self._left = found, None
        if not self._slides_off(at_once=True):
            if self.turns is not None:
                self.turns.append(Turn(self.t, self.y, found))
            self._bind()

    def _slid(self, sign: int) -> Sliding | None:
        """Return fun along the surface that has just been left; None if it is not known there."""
        assert self._left is not None
        return sliding(self.fun, self._args, self.system, self._left, self.place, sign)

    def _turns_round(self, sign: int) -> bool:
        """Whether fun points back to the surface that has just been left, and leaves it at once."""
        found = self._slid(sign)
        return found is not None and found.leaves(self.t, self.y, self._args) != 0

    def _slides_off(self, at_once: bool = False) -> bool:
        """Go on beside the surface along which the state has come, if it leaves it here.

        Unless `at_once` it leaves it slowly, so first derivatives there do not count.
        """
        if not isinstance(slid := self.fun, Sliding):
            return False
        side = slid.leaves(self.t, self.y, self._args)
        if side == 0:
            return False
        self.fun, self._left = slid.fun, None
        there = slid.beside(side, self.place, self._args) if side else None
        self.place = there or self.place
        self._bind()
        if self.turns is not None and not at_once:
            self.turns.append(Turn(self.t, self.y, slid, side))
        if side is not None and there is not None:
            left = renamed(slid.left, self.system, self.place, self._parameters)
            self._left = left and left._replace(slope=side, order=1 if at_once else 2)
        elif side is None:
            self._slides_off()  # where one surface lies in another one
        return True

    def _again_carefully(self, t_end: Any, longest: Any) -> tuple[int, Pieces]:
        """Take one step carefully, unless such steps have led nowhere."""
        if longest < math.inf and self._creep.nowhere(self.steps, self.t, t_end):
            return SMALL, nothing(self.place, self.order)
        found = self._carefully(t_end, longest)
        self._creep.steps = self.steps
        return found

    def _carefully(self, t_end: Any, longest: Any) -> tuple[int, Pieces]:
        """Take one step on which no function vanishes that must not, nor before its estimate of the
        error is small.
        """
        start, error, control = self.place, math.inf, self.control
        zeros, h = self.system.zeros, longest if longest < math.inf else self.h
        made = resumed(self.system, self._parameters, start, t_end, h, control)
        if made is not None:
            self.place, pieces, worst = made
            self.steps, self.worst, self.h = self.steps + 1, max(self.worst, worst), pieces.h[0]
            return DONE if self.t == t_end else GO, pieces
        worst = self.worst
        while True:
            longest = abs((self.t + longest) - self.t) if longest < math.inf else longest
            if longest <= SHORTEST * spacing(self.t):
                return SMALL, nothing(start, self.order)
            shorter = replace(control, max_step=min(control.max_step, longest))
            taken = self._run(t_end, 1, True, shorter, False)
            if taken.status == ROUGH:
                # rounding errors do not get smaller with the step
                if taken.error > error - 1:
                    control = replace(control, allowed=math.inf)
                error, longest = taken.error, abs(taken.h) / 2
            elif not len(taken.pieces):
                return taken.status, taken.pieces
            else:
                given = taken.pieces, self._parameters, self._zero
                x = None if zeros is None else first_zero(zeros, *given)
                if x is None:
                    at = self.t, self.y, self._parameters
                    if self.system.branches and on_surface(self.system.between, *at):
                        self._slows(taken.pieces)
                    return DONE if self.t == t_end else GO, taken.pieces
                if x == x:
                    self.worst = worst
                    return self.stopped(taken, x)
                longest = abs(taken.h) / 2
            self.place, self.worst = start, worst

    def stopped(self, taken: Taken, x: Any) -> tuple[int, Pieces]:
        """Stop a step at a zero of a function, where so much of it is done."""
        self.place, pieces = stop_at(self.system, self._parameters, taken, x)
        h = BEFORE * pieces.h[0]
        given = self.system, self._parameters, pieces.coef[0], h, pieces.at(0, h), self.control
        if (error := error_of(*given)) < math.inf:  # else so near the zero that fun is not known
            self.worst = max(self.worst, error)
        self.at_zero = abs(taken.h)
        self._rests(Arrival.along(taken.pieces, pieces.h[0], self.place))
        return GO, pieces

    def _instead(self) -> System | None:
        """Return the system to step by from a place where one has no series, if there is one."""
        place, args = self.place, self._args
        return (
            self.system.overflown(place.t, place.y, args)
            or recorded_here(self.system, args, place, self.order)
            or self.elements.held(self.fun, args, place, self.order)
        )

    def _rests(self, arrival: Arrival) -> bool:
        """Go on with elements of y at rest, if some come to it here."""
        found = None
        if self.rested != self.t:
            found = resting(self.fun, self._args, arrival, self.elements, self.order)
        if found is not None:
            self.rested, self.y, self.y_low = self.t, found[0], 0 * found[0]
            self._use(found[1])
            self._left, self.at_zero, self._zero = None, 0, None
        return found is not None

    def _slows(self, piece: Pieces) -> None:
        """Go on with elements of y at rest, if some have come slowly to it in a step."""
        arrival = Arrival.along(piece, piece.h[0], self.place)
        if np.any(arrival.slow & arrival.moves):
            self._rests(arrival)

    def _rests_near(self, near: Any) -> bool:
        """Go on with elements of y at rest, if some come to it within some such times."""
        with contextlib.suppress(TaylorError):
            c = self.system.series(self.t, self.y, self._parameters, 2)
            return finite(c) and self._rests(Arrival(self.place, c, SOON * near))
        return False

    def beyond(self, t_end: Any, status: int) -> tuple[int, Pieces]:
        """Take the step that leads away from a zero of a function, or over a singular time."""
        given = self.system, self._parameters, self.place
        near = max(abs(self.t) * self.tol, spacing(self.t))
        if self._rests_near(near if t_end > self.t else -near):
            return GO, nothing(self.place, self.order)
        if not abs(t_end) < math.inf:
            t_end = self.t + ahead(*given, t_end, self.control)
        left = self._left is not None and self._left.x == self.t
        met = self.at_zero or left or vanish_here(*given)
        first = min(self.at_zero or abs(t_end - self.t), self.control.max_step)
        again = self._zero is not None and abs(self.t - self._zero.t) <= NEAR * abs(self._zero.h)
        self.at_zero, self._again = 0, self._again + 1 if again else 0
        if self._again > AGAIN:
            return status, nothing(self.place, self.order)
        start, steps, least = self.place, self.steps, min(LEAST * spacing(self.t), first)
        begins = self.elements.slope(self.fun, self._args, start) if met else None
        while least <= first:
            made = step_beyond(*given, t_end, first, least, self.order, begins) if met else None
            rough = made is None or made[2] > log2(2 * unit(self.y))
            other = leap(*given, t_end, least, self.control) if rough else None
            self.leapt = other is not None and (made is None or other[2] < made[2])
            made = other if self.leapt else made
            if made is None:
                break
            self.place, pieces, error = made
            # there may be no series yet, as 1 - sin² is still zero but for rounding
            after = self._run(t_end, 1, False, watch=False) if self.t != t_end else None
            ends = after is not None and not after.steps and after.status in (INFINITE, SMALL)
            if not ends or recorded_here(self.system, self._args, made[0], self.order):
                self._zero = Zero(start.t, pieces.h.sum())
                self.place, self.steps, self.h = made[0], steps + 1, pieces.h.sum()
                self.worst = max(self.worst, error)
                self._rebind()
                return DONE if self.t == t_end else GO, pieces
            last = abs(pieces.h.sum())
            least = min(LARGER * last, first) if last < first else math.inf
        self.place, self.steps = start, steps
        return status, nothing(start, self.order)

    def _run(
        self, t_end: Any, limit: int, log: bool, control: Control | None = None, watch: bool = True
    ) -> Taken:
        """Take some steps, and go where they lead to."""
        at, control, tied = self.place, control or self.control, False
        if self._memory is not None:
            taken = self._memory.run(at, t_end, control, limit, log, watch)
            tied = taken.status == INFINITE and not taken.steps  # its code does not know why
            tied = tied and on_surface(self.system.surfaces, at.t, at.y, self._parameters)
        if self._memory is None or tied:
            given = self.system, self._parameters, at, t_end, control, 1 if tied else limit
            taken = by_numpy(*given, log, watch)
        self.place = taken.end
        self.steps += taken.steps
        if taken.steps:
            self.h, self.worst = taken.h, max(self.worst, taken.worst)
        if len(taken.pieces):
            left = float(abs(t_end - self.t) / abs(self.h))
            own = taken.pieces.part(0, len(taken.pieces) - (left == 0))  # not cut at the end
            # near a zero short steps lead away from it
            far = self._zero is None or abs(self.t - self._zero.t) > NEAR * abs(self.h)
            if far and len(own) and self.stiffness.seen(own, left, self.steps):
                self.found_stiff(left)
        return taken

    def switched(self, pieces: Pieces, i: int, met: Surface, t_end: Any) -> tuple[int, Pieces]:
        """Go back to where fun changes its branch, a little beyond, and record it there."""
        h, p = pieces.h[i] * met.x, self._parameters
        step = past(self.system.between, p, pieces, i, h, met.name, met.slope)
        other = changed(self.system.between, p, pieces, i, h) if step is None else None
        if other is not None:
            step, met = other[0], met._replace(name=other[1], slope=other[2])
        self.place, self.at_zero = pieces.at(i, h if step is None else step), 0
        if step is None:
            raise self._stuck("fun branches, but does not leave the surface where it does")
        done = self.t >= t_end if pieces.h[i] > 0 else self.t <= t_end
        if done:
            self.t, self.t_low = t_end + 0 * self.t, 0 * self.t
        self._left, self._further = met, 0
        if not self._slides_off():
            self._rebind()
            self._left = renamed(met, self.system, self.place, self._parameters)
        return (DONE if done else GO), pieces.until(i, step)

    def _leave(self, t_end: Any) -> None:
        """Move off a surface by the smallest step that does: on it the branch is not known."""
        t, y, p = self.t, self.y, self._parameters
        if on_surface(self.system.between, t, y, p):
            step = ahead(self.system, p, self.place, t_end, self.control)
            found = off_surface(self.system.between, self.system.flow, t, y, step, p)
            if found is not None:
                h, slope = found
                self.y, self.t, self.t_low = y + (h - self.t_low) * slope, t + h, 0 * self.t_low
                self._rebind()

    def _stuck(self, why: str) -> IntegrationError:
        return IntegrationError(f"{why}; last good state t = {self.t}, y = {self.y}")

    def _ended(self, why: str, status: int = GO) -> IntegrationError:
        error = IntegrationError(f"{why}; last good state y = {self.y}")
        error.reason, error.status = why, status
        return error

    def found_stiff(self, left: float) -> None:
        """Warn that the problem is stiff, with about so many steps to go."""
        warnings.warn(told(self.t, self.h, left), stacklevel=outside())

    def here(self) -> Pieces:
        """Return a step of no length from the present state."""
        c = self.system.series(self.t, self.y, self._parameters, self.order)
        return joined([(self.t, 0 * self.t, 0 * self.t, c)])

    # -------------------------------------------------------------- for users
    def step(self, t_bound: Any = math.inf) -> Any:
        """Take one step towards t_bound and return its length.

        >>> from taylor.ode.options import Options
        >>> growth = Integrator.of(lambda t, y: y, 0.0, 1.0, (), Options())
        >>> h = growth.step()
        >>> bool(abs(growth.y - np.exp(h)) < 1e-15)
        True
        """
        check_time(t_bound, finite=False)
        if t_bound == self.t:
            return 0 * self.t
        if (self.steps < MANY or self.steps % SOME) and self._straight(t_bound, 1):
            return self.h
        return next(self.march(t_bound, 1)).h[-1]

    def propagate_until(self, t: Any, *, max_steps: int | None = None) -> Array:
        """Step until time t exactly and return y there.

        Raises IntegrationError where the solution ends before, or after `max_steps` steps; the
        state is then that of the last step.
        """
        check_time(t)
        most = max(MANY, WORK // (max(1, self.y.size) * (self.order + 1) ** 2))
        if max_steps is None and self.t != t and self._straight(t, most) and self.t == t:
            return self.y.copy()
        for _ in self.march(t, max_steps, log=False):
            pass
        return self.y.copy()

    def propagate_grid(self, times: Any, *, max_steps: int | None = None) -> Array:
        """Return y at times in the order of integration, of shape (*shape of y, number of times).

        The steps are not shortened for the times between: the polynomials are evaluated there.
        """
        grid = in_numbers_of(self.y, times).reshape(-1)
        record = Record(self, grid)
        if len(grid):
            check_order(self.t, grid)
            for pieces in self.march(grid[-1], max_steps):
                record.add(pieces)
        return record.states()

    def solution(self, pieces: Sequence[Pieces]) -> Solution:
        """Return steps that follow each other, or the present series, as a function of time."""
        return solution([p for p in pieces if len(p)] or [self.here()])
