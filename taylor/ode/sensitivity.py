"""Derivatives of solutions with respect to states and parameters, and flow maps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import check_order
from taylor.core.operand import lift
from taylor.drivers import derivatives as drivers
from taylor.drivers.checkpoint import whole_number
from taylor.drivers.evolution import has_nodes
from taylor.drivers.trees import as_one
from taylor.numbers.kinds import is_operand
from taylor.ode.flow import Course, flow, integrator, numeric, plain_of, point_of
from taylor.ode.methods import MethodOptions, chosen
from taylor.ode.options import argument, in_one_kind
from taylor.ode.system import System
from taylor.ode.units import of_any_time
from taylor.series.multivariate import TaylorN

Function = Callable[..., Any]


def is_recorded(y0: Any, args: Sequence[Any]) -> bool:
    """Whether reverse mode is recording y0 or an argument, or coefficients of theirs."""
    return any(map(has_nodes, [lift(y0), *map(argument, args)]))


def states(fun: Function, y0: Any, args: Sequence[Any], course: Course) -> Any:
    """Return the states at the times of a course, along the last axis."""
    f, p, _ = numeric(fun, args)
    return np.moveaxis(flow(f, course).forward()(point_of(y0), *p), 0, -1)


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
    order: int | None = None,
    max_step: Any = math.inf,
    atol: Any = None,
    checkpoints: int | None = None,
) -> tuple[Any, Any, tuple[Any, ...]]:
    """Return (cost(y(t1)), its gradient with respect to y0, and those with respect to args).

    y' = fun(t, y, *args) from y(t0) = y0, t_span = (t0, t1); the gradients have the shapes of y0
    and of the arguments (None for one that is no number or array, or that fun needs as an integer).
    The adjoint equations are integrated backwards once, so the time is that of a few solutions,
    whatever the number of parameters.  The states at all N steps are kept; with `checkpoints` about
    as many states, and as many as there are steps between two of them, for one more integration.

    `method` is that of `solve_ivp`: "RadauIIA", "BDF" or "LSODA" for a stiff problem.

    For a cost with an integral ∫ L(t, y) dt let L be one more component of fun, beginning at 0.

    Raises IntegrationError where the solution does not reach t1.

    >>> value, dy0, (dp,) = value_and_gradient(
    ...     lambda y: y[0], lambda t, y, p: p * y, (0.0, 2.0), [1.0], args=(0.5,)
    ... )
    >>> [round(float(x), 12) for x in (value, dy0[0], dp)]  # exp(p t), exp(p t), t exp(p t)
    [2.718281828459, 2.718281828459, 5.436563656918]
    """
    t0, t1 = t_span
    kept = None if checkpoints is None else whole_number("checkpoints", checkpoints, 1)
    options = chosen(method, tol, order, max_step, atol, False, {})
    if kept is not None and isinstance(options, MethodOptions):
        raise TypeError("checkpoints are those of Taylor series: leave them out, or the method")
    course = Course(t0, [t1], options, kept)
    f, p, places = numeric(fun, args, whole=_vary(fun, t0, y0, args))
    y0, run = point_of(y0), flow(f, course)
    value, w = drivers.value_and_gradient(cost, run.forward()(y0, *p)[0])
    dy0, *dp = run.reverse()(np.stack([w]), y0, *p)
    found = dict(zip(places, dp, strict=True))
    value = value[()] if isinstance(value, np.ndarray) else value
    return value, dy0, tuple(found.get(i) for i in range(len(args)))


def _vary(fun: Function, t0: Any, y0: Any, args: Sequence[Any]) -> bool:
    """Whether the integers among the arguments may vary: fun does not need them as such."""
    whole = [i for i, a in enumerate(args) if isinstance(a, (int, np.integer))]
    if not whole or any(is_operand(lift(x)) for x in (y0, *map(argument, args))):
        return bool(whole)
    free = System(fun, *in_one_kind(t0, y0), args).free
    return all(i in free for i in whole if not isinstance(args[i], bool))


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
    max_step: Any = math.inf,
    atol: Any = None,
) -> TaylorN:
    """Return y(t1) as an array of `TaylorN` in the displacement of y0: the flow map about y0.

    `wrt` says what the variables are, in their order: "y0" stands for the elements of y0, a number
    i for those of args[i].  `order` is that of the map, all other arguments are those of
    `solve_ivp`, `method` too.  Maps are composed by calling one with the displacement of another.

    >>> m = flow_map(lambda t, y: [y[1], -y[0]], (0.0, np.pi / 2), [0.0, 1.0], 2)
    >>> m.gradient().round(12) + 0
    array([[ 0.,  1.],
           [-1.,  0.]])
    """
    check_order(order)
    places = list(wrt)
    wrong = [i for i in places if i != "y0" and i not in range(len(args))]
    if wrong or not places or len(set(places)) < len(places):
        raise ValueError(
            f'wrt holds "y0" or positions of args (of which there are {len(args)}), each once, not '
            f"{tuple(places)}"
        )
    points, unpack = as_one([point_of(y0 if i == "y0" else args[i]) for i in places])
    variables = dict(zip(places, unpack(TaylorN.seeded(points, order)), strict=True))
    given = [variables.get(i, a) for i, a in enumerate(args)]
    plain = plain_of(fun, variables.get("y0", point_of(y0)), given)
    it = integrator(plain, t_span[0], chosen(method, tol, None, max_step, atol, False, {}))
    found: TaylorN = plain.series(it.propagate_until(t_span[1]))
    return found
