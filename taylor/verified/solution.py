"""What a validated integration has proved."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from taylor.display import plots, tables
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import Array
from taylor.verified.given import floats
from taylor.verified.interval import Interval

PIECES = 128  # of time, for which bounds are drawn


class Taken(Protocol):
    """A step from time t on, of length h."""

    @property
    def t(self) -> float:
        """The time at which it begins."""

    @property
    def h(self) -> Interval:
        """Its length."""

    def at(self, tau: Interval) -> Interval:
        """Return a box around all states a time tau after t."""

    def derivatives(self, tau: Interval) -> Interval:
        """Return the derivatives of the states by the initial ones."""

    def flow(self, tau: Interval) -> Any:
        """Return the Taylor model of the states a time tau after t, by the initial values."""


class Solution:
    """What `solve_ivp` has proved: `t`, `y` (states x times), and bounds at any time, sol(t).

    `status` is 0 where the end was reached, else -1, and `message` says why not; `t_last` is the
    time that was reached, after `steps` steps.
    """

    def __init__(
        self,
        y0: Interval,
        taken: Sequence[Taken],
        ends: tuple[float, float],
        t_eval: Any = None,
        message: str = "",
    ) -> None:
        self.y0, self._taken, (self._first, self.t_last) = y0, list(taken), ends
        self.status, self.steps = -1 if message else 0, len(self._taken)
        self.message = message or f"the solution is enclosed up to t = {self.t_last!r}"
        self._begins = np.array([step.t for step in taken])
        self._back = bool(taken) and self.t_last < self._first
        if t_eval is None:
            self.t = np.array([*self._own(self._begins), self.t_last])
        else:
            times = np.asarray(t_eval, dtype=float)
            self.t = times[self._own(times) <= self._own(self.t_last)]

    def __repr__(self) -> str:
        return f"<{self.message}, {self.steps} steps>"

    def _repr_html_(self) -> str:
        names, y = plots.names(self.y0.shape), self.y

        def row(k: int) -> list[str]:
            return [f"{self.t[k]:.6g}", *(f"{y[i, k]:.6}" for i in range(len(y)))]

        rows = tables.long(len(self.t), row)
        return tables.html(["t", *names], rows, f"{self.message} ({self.steps} steps)")

    def plot(self, ax: Any = None) -> Any:
        """Draw a tube around each state, which holds it at all times, and return the axes.

        Needs matplotlib (the extra `plot`), or some axes that draw as its.
        """
        ax = plots.axes(ax, "plot()")
        ends = np.linspace(self._first, self.t_last, PIECES + 1)
        a, b = ends[:-1], ends[1:]
        tube = self(Interval(np.minimum(a, b), np.maximum(a, b)))
        return plots.band(ax, ends, tube.lo, tube.hi)

    def _own(self, t: Any) -> Any:
        """Return a time as the steps count it: forwards."""
        return -t if self._back else t

    @functools.cached_property
    def y(self) -> Interval:
        """Bounds of the states at the times t, of shape (states, times)."""
        return self(self.t)

    @functools.cached_property
    def jacobian(self) -> Interval:
        """Bounds of the derivatives of the states by the initial ones, (states, states, times).

        They hold for the solutions from all points of y0.
        """
        return self.derivatives(self.t)

    def derivatives(self, t: Any) -> Interval:
        """Return bounds of the derivatives by y0 at a time, or during an Interval; or at some."""
        return self._at(t, _derivatives, Interval(np.eye(len(self.y0))))

    def flow(self, t: float) -> Any:
        """Return the flow map at a time: the states as a TaylorModel of those initial values that
        are no points, in their order.
        """
        s = self._own(Interval(t))
        step = self._steps(s)[0]
        return step.flow(_within(step, s))

    def __call__(self, t: Any) -> Interval:
        """Return bounds of the states at a time, or during an Interval of time; or at some of them.

        The shape is that of y0, with a last axis for times if there are several.
        """
        return self._at(t, _states, self.y0)

    def _at(
        self, t: Any, what: Callable[[Taken, Interval], Interval], initial: Interval
    ) -> Interval:
        """Return what the steps give at a time, or at times along a new last axis."""
        times = t if isinstance(t, Interval) else Interval(floats(t, "t"))
        if times.ndim > 1:
            raise ShapeMismatch(f"sol(t) takes a time, or times along one axis, not {times.shape}")
        if times.ndim == 0:
            return self._over(times, what, initial)
        found = [self._over(times[i], what, initial) for i in range(len(times))]
        return _stacked(found, initial.shape)

    def _over(
        self, t: Interval, what: Callable[[Taken, Interval], Interval], initial: Interval
    ) -> Interval:
        """Return the hull of what the steps give during an interval of time."""
        s = self._own(t)
        steps = self._steps(s)
        if not steps:
            return initial
        boxes = [what(step, _within(step, s)) for step in steps]
        return functools.reduce(operator.or_, boxes)

    def _steps(self, s: Interval) -> list[Taken]:
        """Return the steps that meet an interval of time."""
        low, high = float(s.lo), float(s.hi)
        if not self._own(self._first) <= low <= high <= self._own(self.t_last):
            raise ValueError(
                f"the solution is enclosed from t = {self._first!r} to {self.t_last!r}, not at "
                f"{self._own(s)}"
            )
        begin = max(int(np.searchsorted(self._begins, low, "right")) - 1, 0)
        end = max(int(np.searchsorted(self._begins, high, "right")), begin + 1)
        return self._taken[begin:end]


def _within(step: Taken, s: Interval) -> Interval:
    """Return the times of an interval that lie in a step, counted from its beginning."""
    tau, most = s - Interval(step.t), float(step.h.hi)
    return Interval(min(max(float(tau.lo), 0.0), most), max(min(float(tau.hi), most), 0.0))


def _states(step: Taken, tau: Interval) -> Interval:
    return step.at(tau)


def _derivatives(step: Taken, tau: Interval) -> Interval:
    return step.derivatives(tau)


def _stacked(found: Sequence[Interval], shape: tuple[int, ...]) -> Interval:
    """Return intervals along a new last axis."""
    ends: list[Array] = []
    for side in ([x.lo for x in found], [x.hi for x in found]):
        ends.append(np.stack(side, axis=-1) if side else np.zeros((*shape, 0)))
    return Interval(*ends)
