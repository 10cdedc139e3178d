"""Derivatives of solutions: the flow and its adjoint as rules of differentiation, flow maps.

For y' = f(t, y, p) and the adjoints w_j of the states at times t_1, ..., t_n the equations

    λ' = -f_yᵀ λ,    μ' = -f_pᵀ λ,    λ jumps by w_j at t_j,

run backwards from λ = μ = 0, give ȳ_0 = λ(t_0) and p̄ = μ(t_0).  (Pontryagin et al., The
Mathematical Theory of Optimal Processes, 1962; Cao, Li, Petzold & Serban, SIAM J. Sci. Comput. 24,
2003.)  The transposed products are one reverse sweep of f, so the cost is that of some integrations
whatever the number of parameters.

y is integrated along with λ and μ.  Backwards that is unstable where the solution is stable, so y
is set anew at the end of every step of the forward run, whose states are kept: n numbers a step.
With `checkpoints` only so many of them are, and the steps from one to the next are taken again.

Differentiated, a flow is the flow of its tangent y' = f, dy' = f_y dy + f_p dp, and the adjoint of
a flow is the adjoint of that: so there are derivatives of every order.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.algebra import check_order
from taylor.core.operand import host, lift
from taylor.core.tape import Node
from taylor.drivers import derivatives as drivers
from taylor.drivers.checkpoint import whole_number
from taylor.drivers.driver import point
from taylor.drivers.evolution import Evolution
from taylor.drivers.several import pullback
from taylor.drivers.trees import as_one
from taylor.numbers.kinds import is_operand
from taylor.ode.adjoints import adjoint
from taylor.ode.control import norm
from taylor.ode.integrator import TaylorIntegrator
from taylor.ode.jets import Differentiated, Plain
from taylor.ode.methods import MethodOptions, chosen
from taylor.ode.options import Options, argument
from taylor.ode.system import filled, is_parameter, shaped
from taylor.series.multivariate import TaylorN
from taylor.series.series import Series

Array = NDArray[Any]
Function = Callable[..., Any]


class Course(NamedTuple):
    """From where to which times a system is integrated, and how."""

    t0: Any
    times: Any
    options: Options
    checkpoints: int | None = None


# ------------------------------------------------------------------ the states of a run
class Mark(NamedTuple):
    """Time and state between two steps, the end of the step before and the start of that after.

    Where fun changes its branch the latter two are a little apart, each in a branch of its own.
    """

    t: Any
    y: Array
    end: tuple[Any, Array]
    start: Any


def _marks(it: Differentiated, t: Any) -> Iterator[Mark]:
    """Step to t and yield a mark after each step."""
    for pieces in it.march(t):
        for i in range(1, len(pieces)):
            place = pieces.t[i], pieces.coef[i, 0]
            yield Mark(*place, place, place[0])
        end = it.before or (it.t, it.y)
        yield Mark(it.t, it.y, end, 2 * it.t - end[0])


def _backwards(
    it: Differentiated, t: Any, checkpoints: int | None
) -> Iterator[tuple[Any, Any, Array]]:
    """Step to t, then yield (start, end, state at the end) of every step, the last one first."""
    last = Mark(it.t, it.y, (it.t, it.y), it.t)
    kept, every = [last], 1
    for n, last in enumerate(_marks(it, t), 1):
        if n % every == 0:
            kept.append(last)
        if checkpoints is not None and len(kept) > checkpoints + 1:
            kept, every = kept[::2], 2 * every
    if last is not kept[-1]:
        kept.append(last)
    for n in range(len(kept) - 1, 0, -1):
        marks = kept[n - 1 : n + 1]
        if every > 1:
            it.set_state(marks[0].t, marks[0].y)
            it.renew()
            marks = [marks[0], *_marks(it, marks[1].t)]
        for first, last in zip(marks[-2::-1], marks[:0:-1], strict=True):
            yield first.start, *last.end


# ------------------------------------------------------------------ the flow and its adjoint
def flow(f: Function, course: Course) -> Evolution:
    """Return the evolution (y0, *parameters) -> the states at the times, along the first axis."""

    def run(y0: Any, *p: Any) -> Any:
        plain = Plain(f, y0, p)
        it = plain.integrator(course.t0, course.options)
        return np.moveaxis(plain.series(it.propagate_grid(course.times)), -1, 0)

    def back(w: Any, y0: Any, *p: Any) -> Any:
        if isinstance(course.options, MethodOptions):
            return adjoint(f, course.t0, course.times, course.options, w, y0, p)
        forward = Plain(f, y0, p)
        it = forward.differentiated(course.t0, course.options)
        assert isinstance(it, Differentiated)
        times = [t + 0 * it.t for t in course.times]
        sign = 1 if times[-1] > it.t else -1
        backward = _Backward(f, course, np.shape(y0), p)
        for start, t, table in _backwards(it, times[-1], course.checkpoints):
            y = forward.series(table)
            while times and sign * (times[-1] - start) > 0:
                if sign * (times[-1] - t) < 0:
                    y, t = backward.run(t, y, times[-1]), times[-1]
                times.pop()
                backward.bar = backward.bar + w[len(times)]
            backward.run(t, y, start)
        for n in range(len(times)):  # at t0
            backward.bar = backward.bar + w[n]
        return tuple(np.reshape(x, np.shape(x))[()] for x in (backward.bar, *backward.total))

    return Evolution("solution", f, lambda g: flow(g, course), run, back, axis=1)


class _Backward:
    """λ and μ on their way back, with y beside them."""

    def __init__(self, f: Function, course: Course, shape: Any, p: Sequence[Any]) -> None:
        self.f, self.course, self.p = f, course, p
        self.bar: Any = np.zeros(shape)
        self.total: list[Any] = [np.zeros(np.shape(x)) for x in p]
        self.unpack = as_one([self.bar, self.bar, *self.total])[1]
        self.it: TaylorIntegrator | None = None

    def fun(self, t: Any, z: Any, *p: Any) -> Any:
        """Return the right-hand side for z = (y, λ, μ)."""
        y, bar, *_ = self.unpack(z)
        rate = functools.partial(self.f, t)
        return as_one([rate(y, *p), *pullback(rate, (y, *p), -bar)])[0]

    def run(self, start: Any, y: Any, stop: Any) -> Any:
        """Integrate back from one time to another; return y there."""
        if start == stop:
            return y
        # λ is given the size of y, by which the steps judge what is small
        scale = (norm(_numbers(self.bar)) / (norm(_numbers(y)) or 1)) or 1
        parts = [y, self.bar / scale, *(0 * x for x in self.total)]
        if all([type(x) in (np.ndarray, np.float64) and x.dtype == float for x in parts]):
            z = np.concatenate([x.reshape(-1) for x in parts])
        else:
            z = as_one(parts)[0]
        if self.it is None:
            self.plain = Plain(self.fun, z, self.p)
            # λ has the size of y, so what is too small for an interest in y is not so for λ
            options = replace(self.course.options, atol=0.0)
            self.it = self.plain.integrator(start, options)
        else:
            self.it.set_state(start, self.plain.table(z))
        y, bar, *more = self.unpack(self.plain.series(self.it.propagate_until(stop)))
        self.bar = bar * scale
        self.total = [x + dx * scale for x, dx in zip(self.total, more, strict=True)]
        return y


def _numbers(x: Any) -> Array:
    """Return the coefficients of a series as an array of numbers."""
    while isinstance(x, Series):
        x = x._coef
    return np.asarray(x)


# ------------------------------------------------------------------ with all arguments
def is_recorded(y0: Any, args: Sequence[Any]) -> bool:
    """Whether reverse mode is recording y0 or an argument."""
    return isinstance(host([lift(y0), *map(argument, args)]), Node)


def numeric(fun: Function, args: Sequence[Any]) -> tuple[Function, list[Any], list[int]]:
    """Return fun of those arguments that are numbers, these, and their places."""
    given = [argument(a) for a in args]
    places = [i for i, a in enumerate(given) if is_operand(a) or is_parameter(a)]

    def bound(t: Any, y: Any, *p: Any) -> Any:
        return fun(t, y, *filled(given, places, p))

    return shaped(bound), [point_of(given[i]) for i in places], places


def point_of(x: Any) -> Any:
    """Return a point of differentiation as an array or a series, integers as floats."""
    x = point(x)
    return x.astype(float) if isinstance(x, np.ndarray) and x.dtype.kind in "iub" else x


def states(fun: Function, y0: Any, args: Sequence[Any], course: Course) -> Any:
    """Return the states at the times of a course, along the last axis."""
    f, p, _ = numeric(fun, args)
    return np.moveaxis(flow(f, course).forward()(point_of(y0), *p), 0, -1)


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
    and of the arguments (None for an argument that is no number or array).  The adjoint equations
    are integrated backwards once, so the time is that of a few solutions, whatever the number of
    parameters.  The states at all N steps are kept; with `checkpoints` about as many states, and
    as many as there are steps between two of them, for one more integration.

    `method` is that of `solve_ivp`: "Radau", "BDF" or "LSODA" for a stiff problem.

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
    f, p, places = numeric(fun, args)
    y0, run = point_of(y0), flow(f, course)
    value, w = drivers.value_and_gradient(cost, run.forward()(y0, *p)[0])
    dy0, *dp = run.reverse()(np.stack([w]), y0, *p)
    found = dict(zip(places, dp, strict=True))
    value = value[()] if isinstance(value, np.ndarray) else value
    return value, dy0, tuple(found.get(i) for i in range(len(args)))


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
    plain = Plain(fun, variables.get("y0", point_of(y0)), given)
    it = plain.integrator(t_span[0], chosen(method, tol, None, max_step, atol, False, {}))
    found: TaylorN = plain.series(it.propagate_until(t_span[1]))
    return found
