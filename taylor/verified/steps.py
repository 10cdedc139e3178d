"""Steps of series with a proven remainder, as long as that allows; boxes carried by Lohner's QR."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from taylor.errors import DomainError, NotVerified
from taylor.numbers.kinds import Array
from taylor.verified.fields import Field
from taylor.verified.horner import rise
from taylor.verified.interval import Interval
from taylor.verified.jets import Jets
from taylor.verified.lohner import Carried, carried, started
from taylor.verified.points import FIRST, first, risen
from taylor.verified.tube import remainder, tube

LEAST = 1e-290
TRIES, SHORTER, HALF, LONGER, SAFETY = 60, 0.2, 0.5, 4.0, 0.9  # of steps and their lengths
ALLOWED, SLOPES = 4.0, 100.0  # times tol: what a step may lose, and its derivatives


class Step(NamedTuple):
    """A step from time t on: the set there, and the series of its centre and of all its states."""

    t: float
    h: Interval
    set: Carried
    centre: Interval  # (order + 1, n)
    table: Interval  # (order + 1, n + n²)
    last: Interval  # coefficient order + 1 during the step
    first: Array | None  # coefficients of the centre in more digits

    def image(self, tau: Interval) -> tuple[Interval, Interval, Interval]:
        """Return, a time tau >= 0 after t, how the centre has risen, the derivatives of the flow by
        the states of the step, and a box around all states.
        """
        n, order = len(self.set), len(self.table) - 1
        rest = remainder(self.last, tau, order + 1)
        times = tau.reshape(1)
        centre = rise(self.centre.reshape(order + 1, n, 1), times)[:, 0] + rest[:n]
        found = self.table[0] + rise(self.table.reshape(order + 1, -1, 1), times)[:, 0] + rest
        return centre, found[n:].reshape(n, n), found[:n]

    def at(self, tau: Interval) -> Interval:
        """Return a box around all states."""
        centre, a, box = self.image(tau)
        found: Interval = (Interval(self.set.c) + (centre + self.set.moved(a))) & box
        return found

    def derivatives(self, tau: Interval) -> Interval:
        """Return the derivatives of the states by those at the beginning of all."""
        return self.set.derivatives(self.image(tau)[1])

    def flow(self, tau: Interval) -> Any:
        """Raise TypeError: there is no model."""
        raise TypeError('the flow as a Taylor model is what method="model" gives')

    def end(self) -> Carried:
        """Return the set at the end of the step."""
        moved, a, _ = self.image(self.h)
        if self.first is None:
            near = moved.mid
            return carried(self.set, near, moved - Interval(near), a)
        near, rest = risen(self.first, self.h)
        return carried(self.set, near, rest + self.beyond(), a)

    def beyond(self) -> Interval:
        """Return what coefficients of the centre that `first` does not have add to it."""
        n, order = len(self.set), len(self.table) - 1
        known = np.arange(order + 1).reshape(-1, 1) > FIRST
        c = Interval(self.centre.lo * known, self.centre.hi * known)
        rest = remainder(self.last[:n], self.h, order + 1)
        found: Interval = rise(c.reshape(order + 1, n, 1), self.h.reshape(1))[:, 0] + rest
        return found


class Control:
    """Steps as long as their proven remainder allows, relative to the size of the states there.

    A subclass says what the series of the set are, and how it is carried over a step.
    """

    def __init__(self, field: Field, t: float, order: int, tol: float, jets: Jets) -> None:
        self.field, self.t, self.order, self.tol, self.jets = field, t, order, tol, jets
        self.guess: Array | None = None
        self.h, self.why = 0.0, ""  # what boxes of a longer step met

    def series(self) -> Interval:
        """Return the coefficients of all states, one more than the order."""
        raise NotImplementedError

    def taken(self, length: Interval, table: Interval, last: Interval, stop: float) -> Any:
        """Take a step of which everything is proved, and return it."""
        raise NotImplementedError

    def box(self) -> Interval:
        """Return a box around the states."""
        raise NotImplementedError

    def step(self, end: float, grid: float) -> Any:
        """Take a step towards a time, and return it; raise NotVerified where none is proved."""
        try:
            table = self.series()
        except DomainError as error:
            raise NotVerified(f"fun has no series at t = {self.t!r}: {error}") from error
        n = self.field.n
        h = self.h or self.first(table)
        guess = table[self.order + 1].mag if self.guess is None else self.guess
        for _ in range(TRIES):
            stop = self.stop(h, end, grid)
            length = Interval(stop) - Interval(self.t)
            h = float(length.hi)
            try:
                proof = tube(self.jets, Interval(self.t), h, table[: self.order + 1], guess)
            except DomainError as error:
                proof, self.why = None, f"; {error}"
            if proof is None:
                h *= HALF
                continue
            size = max(float(proof.boxes[:n, 0].mag.max()), LEAST)  # as they begin to move
            ratio = self.ratio(remainder(proof.last, length, self.order + 1).rad, size)
            factor = SAFETY * max(ratio, LEAST) ** (-1 / (self.order + 1))
            if ratio > ALLOWED:
                h *= max(SHORTER, factor)
                continue
            self.why = ""
            self.h, self.guess = h * min(LONGER, factor), proof.last.mag
            try:
                step = self.taken(length, table[: self.order + 1], proof.last, stop)
            except DomainError as error:
                raise NotVerified(f"no bounds after a step to t = {stop!r}: {error}") from error
            if not np.isfinite(self.box().mag).all():
                raise NotVerified(f"the bounds are infinite at t = {stop!r}")
            return step
        raise NotVerified(
            f"no step from t = {self.t!r} on was proved; the box is {self.box()}{self.why}"
        )

    def first(self, table: Interval) -> float:
        """Return the length h of a first step: a last term is tol times the largest first one."""
        n, bounds = self.field.n, [math.inf]
        sizes = np.maximum(table[: self.order // 2 + 1, :n].mag.max(axis=1), LEAST)
        for k in (self.order, self.order - 1):
            rate = float(table[k, :n].mag.max())
            if rate > 0:
                powers = 1 / (k - np.arange(len(sizes)))
                bounds.append(float(np.max((self.tol * sizes / rate) ** powers)))
        return min(bounds)

    def ratio(self, off: Array, size: float) -> float:
        """Return what a step would lose, over what it may lose; of derivatives that is SLOPES."""
        n = self.field.n
        slopes = float(off[n:].max(initial=0.0)) / SLOPES
        return max(float(off[:n].max()) / size, slopes) / self.tol

    def stop(self, h: float, end: float, grid: float) -> float:
        """Return the time at which a step of about h ends: on a grid, so that it is exact."""
        rest = end - self.t
        if not h < rest:
            return end
        stop = math.floor((self.t + (h if rest > 1.5 * h else rest / 2)) / grid) * grid
        if not stop > self.t:
            raise NotVerified(
                f"steps vanish at t = {self.t!r}, where the box is {self.box()}{self.why}"
            )
        return min(stop, end)


class Stepper(Control):
    """Steps of a field from a box on, of boxes in frames."""

    def __init__(self, field: Field, t: float, box: Interval, order: int, tol: float) -> None:
        super().__init__(field, t, order, tol, field.jets(order + 1))
        self.set = started(box)
        self.centre: Any = None  # the series of the centre

    def box(self) -> Interval:
        return self.set.box()

    def series(self) -> Interval:
        n, box = self.field.n, self.set.box()
        ends = []
        for side in (box.lo, box.hi):
            state = np.stack([self.set.c, side], axis=1)
            ends.append(np.concatenate([state, np.eye(n).reshape(-1, 1) + np.zeros(2)]))
        found = self.jets(Interval(np.full(2, self.t)), Interval(*ends))
        self.centre = found[: self.order + 1, :n, 0]
        return found[:, :, 1]

    def taken(self, length: Interval, table: Interval, last: Interval, stop: float) -> Step:
        digits = first(self.field.program, self.t, self.set.c) if self.order > FIRST else None
        step = Step(self.t, length, self.set, self.centre, table, last, digits)
        self.set, self.t = step.end(), stop
        return step
