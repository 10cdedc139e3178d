"""Initial value problems with a proof: bounds that hold the solution, or NotVerified."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, Protocol

import numpy as np

from taylor.drivers.scan import whole_number
from taylor.errors import NotVerified, ShapeMismatch
from taylor.verified import environment
from taylor.verified.fields import Field
from taylor.verified.given import budget, floats, tolerance
from taylor.verified.interval import Interval
from taylor.verified.modelsteps import ModelStepper
from taylor.verified.solution import Solution, Taken
from taylor.verified.steps import Stepper

LOST, LOST_OF_BOX, LEAST = 1e-16, 1e-8, 1e-290  # what steps may lose, of a point and of a box
BITS = 46  # of times: a step is a difference of two of them, and exact


class Steps(Protocol):
    """What takes steps."""

    t: float

    def step(self, end: float, grid: float) -> Taken:
        """Take a step towards a time; raise NotVerified where none is proved."""


def solve_ivp(
    fun: Callable[..., Any],
    t_span: Sequence[float],
    y0: Any,
    *,
    order: int = 20,
    space_order: int = 6,
    tol: float | None = None,
    method: Literal["interval", "model"] | None = None,
    t_eval: Any = None,
    args: Sequence[Any] = (),
    max_steps: int = 10_000,
) -> Solution:
    """Return bounds of all solutions of y' = fun(t, y, *args) that begin in y0.

    fun is ordinary NumPy code, as for SciPy's solve_ivp; floats in it are the floats they are, and
    Intervals, among its constants or args, stand for each of their members.  y0 holds numbers,
    decimal strings or Intervals.  A step takes a series up to `order` in t, and as
    its remainder the next coefficient on boxes that the solutions provably do not leave; `tol` is
    what this may add to the bounds in a step, relative to the
    size of the states as it begins, and sets the length of steps
    (1e-16, of a box 1e-8 of its size, unless it is given).
    method "interval" is for points: bounds are carried by the derivatives of the flow, as in
    Lohner's method; "model" is for boxes: the flow is a Taylor model of space_order in the initial
    values.  What cannot be proved, in max_steps steps, raises NotVerified, whose `result` is the
    solution up to the time that was reached.

    >>> sol = solve_ivp(lambda t, y: y / 2, (0, 2), [1.0])
    >>> np.e in sol(2.0)[0], float(sol(2.0).width[0]) < 2e-14
    (True, True)
    """
    environment.check()
    if np.shape(t_span) != (2,):
        raise ValueError(f"t_span is a pair of times, the first and the last, not {t_span!r}")
    start, end = floats(t_span, "t_span").tolist()
    if not (math.isfinite(start) and math.isfinite(end)):
        raise ValueError(f"t_span holds two finite times, not {t_span!r}")
    box = states(y0)
    if t_eval is not None and not _inside(t_eval, start, end):
        raise ValueError(f"t_eval has times outside of t_span, {start!r} to {end!r}")
    back = end < start
    field = Field(fun, args, (-start if back else start, box.mid), back)
    span = (-start, -end) if back else (start, end)
    if method is None:
        method = "model" if np.any(box.lo < box.hi) else "interval"
    steps = _steps(method, field, span[0], box, (order, space_order), tol)
    taken: list[Taken] = []

    def solution(message: str = "") -> Solution:
        return Solution(box, taken, (start, -steps.t if back else steps.t), t_eval, message)

    try:
        for step in walk(steps, span[1], max_steps):
            taken.append(step)
    except NotVerified as error:
        raise NotVerified(error.reason, solution(error.reason)) from error
    return solution()


def states(y0: Any) -> Interval:
    """Return initial states as Intervals along one axis."""
    if isinstance(y0, (list, tuple)) and y0:
        y0 = np.stack([Interval(y) for y in y0])
    box = y0 if isinstance(y0, Interval) else Interval(y0)
    if box.ndim != 1 or not box.size or not np.isfinite(box.mag).all():
        raise ShapeMismatch(f"y0 holds bounded states along one axis, not {box}")
    return box


def walk(steps: Steps, end: float, max_steps: int) -> Iterator[Taken]:
    """Yield steps up to a time."""
    size, most = max(abs(steps.t), abs(end)), budget(max_steps, "max_steps")
    grid = 2.0 ** (math.frexp(size)[1] - BITS)
    count = 0
    while steps.t < end:
        if count >= most:
            raise NotVerified(
                f"t = {steps.t!r} was reached in {count} steps; max_steps allows no more"
            )
        yield steps.step(end, grid)
        count += 1


def _steps(
    method: str, field: Field, t: float, box: Interval, orders: tuple[int, int], tol: float | None
) -> Steps:
    """Return what takes steps by a method."""
    order, space_order = (
        whole_number("order", orders[0], 2),
        whole_number("space_order", orders[1], 1),
    )
    if tol is None:
        size = max(float(box.mag.max()), LEAST)
        tol = min(max(LOST, LOST_OF_BOX * float(box.rad.max()) / size), LOST_OF_BOX)
    tol = tolerance(tol)
    if method == "interval":
        return Stepper(field, t, box, order, tol)
    if method == "model":
        return ModelStepper(field, t, box, (order, space_order), tol)
    raise ValueError(f'method is "interval" or "model", not {method!r}')


def _inside(t_eval: Any, start: float, end: float) -> bool:
    times = floats(t_eval, "t_eval")
    return bool(np.all((times >= min(start, end)) & (times <= max(start, end))))
