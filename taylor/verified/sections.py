"""Where solutions cross a section: return times, return maps, their derivatives, with a proof."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from taylor.core.program import pushforward
from taylor.drivers.scan import whole_number
from taylor.errors import GuardError, NotVerified, ShapeMismatch, Undecided
from taylor.verified import environment
from taylor.verified.fields import Field, recorded
from taylor.verified.given import check_function, floats, tolerance
from taylor.verified.interval import Interval
from taylor.verified.ivp import states, walk
from taylor.verified.solution import Solution, Taken
from taylor.verified.steps import Stepper

CLOSER = 30  # Newton steps for the time of a crossing
PIECES = 8  # of a step during which the sign of a section is asked for


class Crossing(NamedTuple):
    """The first crossing of a section: when, where, and the derivatives of `y` by `y0`."""

    t: Interval
    y: Interval
    jacobian: Interval
    solution: Solution


class _Section:
    """A function s of the state, its gradient, and its rate along a field."""

    def __init__(self, section: Callable[..., Any], field: Field) -> None:
        t, y = field.at
        n = field.n
        one = np.eye(n)
        self._value = recorded("section", lambda y: section(y), y)
        self._gradient = recorded("section", lambda y: pushforward(section, [y], [one], n)[1], y)
        self.field = recorded("fun", field, t, y)
        shape = self._value.code[self._value.outputs[0]].shape
        if shape:
            raise ShapeMismatch(f"section has to return one number, not an array of shape {shape}")

    def value(self, y: Interval) -> Interval:
        """Return s of states; it may be a constant."""
        return Interval.of(_along(self._value, y))

    def gradient(self, y: Interval) -> Interval:
        """Return the gradient of s at states."""
        found: Interval = _along(self._gradient, y)
        return found

    def rate(self, t: Interval, y: Interval) -> Interval:
        """Return the rate of s along solutions."""
        found: Interval = self.gradient(y) @ self.field(t, y)
        return found


def _along(program: Any, y: Interval) -> Any:
    """Return a program of the section at states, or raise Undecided at another branch of it."""
    try:
        return program(y)
    except GuardError as error:
        raise Undecided(
            f"a branch of section is another one at {y}; write np.where: {error}"
        ) from error


def poincare(
    fun: Callable[..., Any],
    section: Callable[..., Any],
    y0: Any,
    *,
    direction: int = 0,
    t0: float = 0.0,
    t_max: float = 100.0,
    order: int = 20,
    tol: float = 1e-16,
    args: Sequence[Any] = (),
    max_steps: int = 10_000,
) -> Crossing:
    """Return when and where all solutions of y' = fun(t, y) from y0 cross section(y) = 0 next.

    `section` gives a number from a state; with `direction` 1 or -1 only crossings count at which
    it rises, or falls.  Where y0 lies on it, that is no crossing.  The result holds bounds of the
    time, of the state there, and of the derivatives of the return map,

        Dy = V - f·(∇s·V)/(∇s·f),    V = derivatives of the flow by y0 at that time,

    for all points of y0.  What cannot be proved raises NotVerified: that no solution crosses
    before, that all do, and with a rate that is not zero.

    >>> c = poincare(lambda t, y: [y[1], -y[0]], lambda y: y[1], [1.0, 0.0], direction=-1)
    >>> 2 * np.pi in c.t, 1.0 in c.y[0]
    (True, True)
    """
    environment.check()
    if direction not in (-1, 0, 1):
        raise ValueError(f"direction is 1, -1 or 0, for both, not {direction!r}")
    check_function(section, "section is a function of y")
    t0, t_max = (float(floats(t, "a time")) for t in (t0, t_max))
    if not (math.isfinite(t0) and math.isfinite(t_max)):
        raise ValueError(f"t0 and t_max are finite times, not {t0!r} and {t_max!r}")
    tol = tolerance(tol)
    box, order = states(y0), whole_number("order", order, 2)
    field = Field(fun, args, (t0, box.mid), back=False)
    s, steps = _Section(section, field), Stepper(field, t0, box, order, tol)
    taken: list[Taken] = []

    def solution(message: str = "") -> Solution:
        return Solution(box, taken, (t0, steps.t), None, message)

    side = _sign(s.value(box))
    known = steps.t if side else None  # the last time at which all are known to be on one side
    try:
        for step in walk(steps, t0 + t_max, max_steps):
            taken.append(step)
            here = _sign(s.value(steps.box()))
            if not here:
                continue
            begin = t0 if known is None else known
            _monotone(s, solution(), begin, steps.t, here)
            if known is not None and here == -side and direction in (0, here):
                return _crossed(s, solution(), begin, steps.t)
            side, known = here, steps.t
        raise NotVerified(f"no crossing up to t = {t0 + t_max!r}")
    except NotVerified as error:
        raise NotVerified(error.reason, solution(error.reason)) from error


def _sign(x: Interval) -> int:
    """Return the sign of all members, 0 if there is none."""
    return 1 if float(x.lo) > 0 else -1 if float(x.hi) < 0 else 0


def _pieces(a: float, b: float) -> list[Interval]:
    cuts = np.linspace(a, b, PIECES + 1)
    cuts[0], cuts[-1] = a, b
    return [Interval(x, y) for x, y in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)]


def _monotone(s: _Section, sol: Solution, a: float, b: float, sign: int) -> None:
    """Raise NotVerified unless between two times s vanishes at most once, and then in one way.

    In every piece it has a sign, or a rate of the given sign: it is crossed that way or not at all.
    """
    if _sign(s.value(sol(Interval(a, b)))):
        return
    for t in _pieces(a, b):
        y = sol(t)
        if not _sign(s.value(y)) and _sign(s.rate(t, y)) != sign:
            raise NotVerified(f"whether, and how, the section is crossed during {t} is not decided")


def _crossed(s: _Section, sol: Solution, a: float, b: float) -> Crossing:
    """Return the one crossing between two times, by Newton's method for all solutions."""
    inside = [t for t in _pieces(a, b) if not _sign(s.value(sol(t)))]
    time = inside[0]
    for t in inside[1:]:
        time = time | t
    for _ in range(CLOSER):
        middle = Interval(float(time.mid))
        closer = (middle - s.value(sol(middle)) / s.rate(time, sol(time))) & time
        done = float(closer.width) > 0.9 * float(time.width)
        time = closer
        if done:
            break
    return _mapped(s, sol, time)


def _mapped(s: _Section, sol: Solution, time: Interval) -> Crossing:
    """Return the crossing at a time within bounds."""
    y, middle = sol(time), Interval(float(time.mid))
    f = s.field(time, y)
    gradient = s.gradient(y)
    rate = gradient @ f
    v = sol.derivatives(time)
    slope = v - f.reshape(-1, 1) * ((gradient @ v) / rate).reshape(1, -1)
    nearer = (sol(middle) + f * (time - middle)) & y
    return Crossing(time, nearer, slope, sol)
