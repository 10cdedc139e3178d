"""Derivatives of solutions with respect to states and parameters, and flow maps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import check_order
from taylor.core.operand import lift
from taylor.drivers import derivatives as drivers
from taylor.drivers.scan import whole_number
from taylor.drivers.trees import as_one
from taylor.errors import IntegrationError
from taylor.numbers.kinds import is_operand
from taylor.ode.closures import with_closures
from taylor.ode.events import ends
from taylor.ode.flow import (
    Course,
    as_now,
    flow,
    integrator,
    is_recorded,
    number,
    numeric,
    plain_of,
    point_of,
)
from taylor.ode.methods import MethodOptions, chosen
from taylor.ode.options import argument, as_args, check_span, in_one_kind, numbers_of, tolerance_of
from taylor.ode.solve import solve_ivp
from taylor.ode.system import System, filled
from taylor.ode.units import of_any_time
from taylor.progress import Progress, Report
from taylor.series.multivariate import TaylorN

Function = Callable[..., Any]


@with_closures
@of_any_time
def value_and_gradient(
    cost: Callable[[Any], Any],
    fun: Function,
    t_span: Sequence[Any],
    y0: Any,
    *,
    args: Sequence[Any] = (),
    method: Any = None,
    tol: Any = None,
    rtol: Any = None,
    order: int | None = None,
    max_step: Any = math.inf,
    atol: Any = None,
    checkpoints: int | None = None,
    events: Any = None,
    dosing: Any = None,
    progress: Report = False,
) -> tuple[Any, Any, tuple[Any, ...]]:
    """Return (cost(y(t1)), its gradient with respect to y0, and those with respect to args).

    y' = fun(t, y, *args) from y(t0) = y0, t_span = (t0, t1); the gradients have the shapes of y0
    and of the arguments (None for one that is no number or array, or that fun needs as an integer).
    The adjoint equations are integrated backwards once, so the time is that of a few solutions,
    whatever the number of parameters.  The states at all N steps are kept; with `checkpoints` about
    as many states, and as many as there are steps between two of them, for one more integration.
    `progress` shows a bar of the way back (needs tqdm), or is called with the time that is done and
    is left.

    `method` is that of `solve_ivp`: "RadauIIA", "BDF" or "LSODA" for a stiff problem.  So are
    `events` and `dosing`; where an event ends the run, y(t1) is the state there.

    For a cost with an integral ∫ L(t, y) dt let L be one more component of fun, beginning at 0.

    Raises IntegrationError where the solution does not reach t1.

    >>> value, dy0, (dp,) = value_and_gradient(
    ...     lambda y: y[0], lambda t, y, p: p * y, (0.0, 2.0), [1.0], args=(0.5,)
    ... )
    >>> [round(float(x), 12) for x in (value, dy0[0], dp)]  # exp(p t), exp(p t), t exp(p t)
    [2.718281828459, 2.718281828459, 5.436563656918]
    """
    check_span(number(t_span), ends(events))
    numbers_of(y0, "y0")
    (t0, t1), tol = t_span, tolerance_of(tol, rtol)
    kept = None if checkpoints is None else whole_number("checkpoints", checkpoints, 1)
    options = chosen(method, tol, order, max_step, atol, False, {}).fitting(y0)
    if isinstance(options, MethodOptions):
        _only("of Taylor series: leave {} out, or the method", kept, progress)
    args = as_args(args)
    if is_recorded(y0, args):
        fun, args = as_now(fun, args)
    f, p, places = numeric(fun, args, whole=_vary(fun, t0, y0, args))
    y0 = point_of(y0)
    if events is None and dosing is None:
        with Progress(progress, "time") as report:
            run = flow(f, Course(t0, [t1], options, kept, None, (True,) * (1 + len(p)), report))
            value, w = drivers.value_and_gradient(cost, run.forward()(y0, *p)[0])
            dy0, *dp = run.reverse()(np.stack([w]), y0, *p)
    else:
        _only("for runs without events and doses: leave {} out", kept, progress)
        points, unpack = as_one([y0, *p])
        given = {"method": method, "tol": tol, "order": order, "max_step": max_step, "atol": atol}

        def end(z: Any) -> Any:
            y, *q = unpack(z)
            return cost(_end(fun, t_span, y, filled(args, places, q), events, dosing, given))

        value, slopes = drivers.value_and_gradient(end, points)
        dy0, *dp = unpack(slopes)
    found = dict(zip(places, dp, strict=True))
    value = value[()] if isinstance(value, np.ndarray) else value
    return value, dy0, tuple(found.get(i) for i in range(len(args)))


def _only(when: str, checkpoints: int | None, progress: Report) -> None:
    """Raise TypeError for what is asked for where it is not to be had."""
    if checkpoints is not None:
        raise TypeError(f"checkpoints are {when.format('them')}")
    if progress:
        raise TypeError(f"progress is {when.format('it')}")


def _end(
    fun: Function,
    t_span: Sequence[Any],
    y0: Any,
    args: Sequence[Any],
    events: Any,
    dosing: Any,
    given: dict[str, Any],
) -> Any:
    """Return the state at the end of a run with events and doses."""
    found = solve_ivp(fun, t_span, y0, args=args, events=events, dosing=dosing, **given)
    if not found.success:
        error = IntegrationError(found.message)
        error.result = found
        raise error
    return found.y[..., -1]


def _vary(fun: Function, t0: Any, y0: Any, args: Sequence[Any]) -> bool:
    """Whether the integers among the arguments may vary: fun does not need them as such."""
    whole = [i for i, a in enumerate(args) if isinstance(a, (int, np.integer))]
    if not whole or any(is_operand(lift(x)) for x in (y0, *map(argument, args))):
        return bool(whole)
    free = System(fun, *in_one_kind(t0, y0), args).free
    return all(i in free for i in whole if not isinstance(args[i], bool))


@with_closures
@of_any_time
def flow_map(
    fun: Function,
    t_span: Sequence[Any],
    y0: Any,
    order: int,
    *,
    args: Sequence[Any] = (),
    wrt: Sequence[Any] = ("y0",),
    method: Any = None,
    tol: Any = None,
    rtol: Any = None,
    max_step: Any = math.inf,
    atol: Any = None,
    events: Any = None,
    dosing: Any = None,
) -> TaylorN:
    """Return y(t1) as an array of `TaylorN` in the displacement of y0: the flow map about y0.

    `wrt` says what the variables are, in their order: "y0" stands for the elements of y0, a number
    i for those of args[i].  `order` is that of the map, all other arguments are those of
    `solve_ivp`, `method`, `events` and `dosing` too (where an event ends the run the map is that to
    the state there).  Maps are composed by calling one with the displacement of another.

    >>> m = flow_map(lambda t, y: [y[1], -y[0]], (0.0, np.pi / 2), [0.0, 1.0], 2)
    >>> m.gradient().round(12) + 0
    array([[ 0.,  1.],
           [-1.,  0.]])
    """
    check_order(order)
    check_span(number(t_span), ends(events))
    numbers_of(y0, "y0")
    tol = tolerance_of(tol, rtol)
    args, places = as_args(args), list[Any]([wrt] if isinstance(wrt, (str, int)) else wrt)
    wrong = [i for i in places if i != "y0" and i not in range(len(args))]
    if wrong or not places or len(set(places)) < len(places):
        raise ValueError(
            f'wrt holds "y0" or positions of args (of which there are {len(args)}), each once, not '
            f"{tuple(places)}"
        )
    points, unpack = as_one([point_of(y0 if i == "y0" else args[i]) for i in places])
    variables = dict(zip(places, unpack(TaylorN.seeded(points, order)), strict=True))
    given = [variables.get(i, a) for i, a in enumerate(args)]
    start = variables.get("y0", point_of(y0))
    found: TaylorN
    if events is None and dosing is None and not is_recorded(start, given):
        plain = plain_of(fun, start, given)
        options = chosen(method, tol, None, max_step, atol, False, {}).fitting(y0)
        it = integrator(plain, t_span[0], options)
        found = plain.series(it.propagate_until(t_span[1]))
    else:
        named = {"method": method, "tol": tol, "max_step": max_step, "atol": atol}
        found = _end(fun, t_span, start, given, events, dosing, named)
    return found
