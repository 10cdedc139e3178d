"""The flow of a system as a rule of differentiation, its adjoint, and the jumps of its derivatives.

For y' = f(t, y, p) and the adjoints w_j of the states at times t_1, ..., t_n the equations

    λ' = -f_yᵀ λ,    μ' = -f_pᵀ λ,    λ jumps by w_j at t_j,

run backwards from λ = μ = 0, give ȳ_0 = λ(t_0) and p̄ = μ(t_0).  (Pontryagin et al., The
Mathematical Theory of Optimal Processes, 1962; Cao, Li, Petzold & Serban, SIAM J. Sci. Comput. 24,
2003.)  The transposed products are one reverse sweep of f, so the cost is that of some integrations
whatever the number of parameters.

y is integrated along with λ and μ.  Backwards that is unstable where the solution is stable, so y
is set anew at the end of every step of the forward run, whose states are kept: n numbers a step.
With `checkpoints` only so many of them are, and the steps from one to the next are taken again.
In a few numbers the adjoints are products with the tangents, which take one run in lanes.

Differentiated, a flow is the flow of its tangent y' = f, dy' = f_y dy + f_p dp, and the adjoint of
a flow is the adjoint of that: so there are derivatives of every order.

Where f jumps, on a surface g(t, y, p) = 0, the time T of the crossing is an implicit function, and
derivatives jump.  With the flows φ₋ and φ₊ of the two branches, for the plain number t of T,

    g(T, φ₋(t, y, T - t)) = 0,     y(T) = φ₋(t, y, T - t),     y⁺ = φ₊(T, y(T), t - T).

To first order that is the saltation matrix I + (f₊ - f₋) g_y / (g_t + g_y f₋)  (Leine & Nijmeijer,
Dynamics and Bifurcations of Non-Smooth Mechanical Systems, 2004, chapter 7).  The map y -> y⁺ is
differentiated as flows are, so it is carried to any order and in any mode.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.copies import frozen
from taylor.core.operand import host, lift
from taylor.core.singular import nans
from taylor.drivers.derivatives import gradient
from taylor.drivers.driver import point
from taylor.drivers.evolution import Evolution, has_nodes
from taylor.drivers.implicit import implicit_root
from taylor.drivers.several import pullback
from taylor.drivers.trees import as_one
from taylor.errors import NonAnalyticError
from taylor.numbers.kinds import base, is_operand
from taylor.numbers.values import integers
from taylor.ode.adjoints import adjoint, counting
from taylor.ode.control import norm
from taylor.ode.dense import Solution
from taylor.ode.edges import MEET, bends
from taylor.ode.integrator import Integrator
from taylor.ode.jets import Crossing, Differentiated, Plain
from taylor.ode.methods import MethodOptions
from taylor.ode.moved import check_adjoint, check_known, moved, numbers_in, order_of, regular
from taylor.ode.options import Options, argument
from taylor.ode.surfaces import condition_of, met_at
from taylor.ode.system import System, check_function, filled, is_parameter, shaped
from taylor.progress import Progress
from taylor.series.multivariate import TaylorN
from taylor.series.series import Series

Array = NDArray[Any]
Function = Callable[..., Any]
FAR = 40  # doublings of the distance within which the other side of a surface is found
SAME = 1e-7  # of derivatives of times, relative to them: a difference that is none
TINY = 2.0**-40  # of a state: rates that are none
FEW = 8  # numbers, a whole vector: derivatives in so many cost no more than adjoints


class Course(NamedTuple):
    """From where to which times a system is integrated, and how."""

    t0: Any
    times: Any
    options: Options
    checkpoints: int | None = None
    kept: dict[str, tuple[Plain, Integrator]] | None = None  # for courses of the same step
    varied: tuple[bool, ...] = ()  # which of (y0, *parameters) derivatives are asked for, if known
    report: Progress | None = None  # of the way back


# ------------------------------------------------------------------ the states of a run
class Mark(NamedTuple):
    """Time and state between two steps, the end of the step before and the start of that after.

    Where fun changes its branch the latter two are a little apart, each in a branch of its own;
    where derivatives jump there is the crossing, too.
    """

    t: Any
    y: Array
    end: tuple[Any, Array]
    start: Any
    crossing: Crossing | None = None

    @property
    def sides(self) -> Array:
        """The states before and after it, along the last axis."""
        return np.stack([self.end[1], self.y], axis=-1)


def _marks(it: Differentiated, t: Any) -> Iterator[Mark]:
    """Step to t and yield a mark after each step."""
    for pieces in it.march(t):
        for i in range(1, len(pieces)):
            place = pieces.t[i], pieces.coef[i, 0]
            yield Mark(*place, place, place[0])
        end = it.before or (it.t, it.y)
        yield Mark(it.t, it.y, end, 2 * it.t - end[0], it.crossing)


def _backwards(it: Differentiated, t: Any, checkpoints: int | None) -> Iterator[tuple[Any, Mark]]:
    """Step to t, then yield the start of every step and the mark at its end, the last one first."""
    last = Mark(it.t, it.y, (it.t, it.y), it.t)
    kept, every = [last], 1
    for n, last in enumerate(_marks(it, t), 1):
        if n % every == 0:
            kept.append(last)
        if checkpoints is not None and len(kept) > checkpoints + 1:
            kept, every = kept[::2], 2 * every
    if last is not kept[-1]:
        kept.append(last)
    if it.begun is not None:
        kept[0] = kept[0]._replace(start=it.begun)
    for n in range(len(kept) - 1, 0, -1):
        marks = kept[n - 1 : n + 1]
        if every > 1:
            it.set_state(marks[0].t, marks[0].y)
            it.renew()
            marks = [*([marks[0], *_marks(it, marks[1].t)][:-1]), marks[1]]
        for first, last in zip(marks[-2::-1], marks[:0:-1], strict=True):
            yield first.start, last


# ------------------------------------------------------------------ the flow and its adjoint
def flow(f: Function, course: Course) -> Evolution:
    """Return the evolution (y0, *parameters) -> the states at the times, along the first axis."""
    return _flow(piecewise(f), course, False)


def _flow(step: Function, course: Course, derived: bool) -> Evolution:
    """Return the same for what is asked for rates, step(t, y, *p), and jumps, step(crossing, ...).

    States that are `derived` hold those of another flow and their derivatives, which jump.
    """

    def run(y0: Any, *p: Any) -> Any:
        given = Plain(step, y0, p)
        if given.levels or derived:
            check_known(y0)
        it = _again(course, "run", given)
        it = it or integrator(given, course.t0, course.options, derived, course.varied)
        _keep(course, "run", given, it)
        return np.moveaxis(given.series(it.propagate_grid(course.times)), -1, 0)

    def back(w: Any, y0: Any, *p: Any) -> Any:
        varied = [i for i, v in enumerate(course.varied or (True,) * (1 + len(p))) if v]
        many = sum(np.size((y0, *p)[i]) for i in varied) > FEW
        options, asked = course.options, course.report or course.checkpoints is not None
        with contextlib.suppress(NonAnalyticError):  # of what may vary, or has no way back
            if isinstance(options, MethodOptions):
                if many:
                    return adjoint(step, course.t0, course.times, options, course.varied, w, y0, p)
            elif many or asked:
                return _adjoint(step, course, w, y0, p)
        if not isinstance(options, MethodOptions):
            options = replace(options, atol=0.0)  # what is too small for an interest in y counts
        tangents = _flow(step, course._replace(options=options, varied=(), kept=None), derived)
        return _contracted(tangents.run, w, (y0, *p), varied)  # they know what varies

    def derived_flow(g: Function) -> Evolution:
        return _flow(g, course._replace(kept=None, report=None), True)

    return Evolution("solution", step, derived_flow, run, back, axis=1)


def expansion(f: Function, course: Course) -> Evolution:
    """Return the evolution (y0, *parameters) -> the coefficients of the solution's series about
    each of the times, degree by degree, along the first axis.
    """
    return _expansion(piecewise(f), course, False)


def _expansion(step: Function, course: Course, derived: bool) -> Evolution:
    """Return the same for rates and jumps, as for a flow."""

    def run(y0: Any, *p: Any) -> Any:
        given = Plain(step, y0, p)
        it = integrator(given, course.t0, course.options, derived, course.varied)
        found = []
        for t in course.times:
            it.propagate_until(t)
            found.append(it.here().coef[0])
        states = np.moveaxis(np.concatenate(found), 0, -1)
        return np.moveaxis(given.series(states), -1, 0)

    def back(w: Any, y0: Any, *p: Any) -> Any:
        varied = [i for i, v in enumerate(course.varied or (True,) * (1 + len(p))) if v]
        return _contracted(run, w, (y0, *p), varied)

    def derived_expansion(g: Function) -> Evolution:
        return _expansion(g, course, True)

    return Evolution("series of a solution", step, derived_expansion, run, back, axis=1)


def _adjoint(step: Function, course: Course, w: Any, y0: Any, p: Sequence[Any]) -> Any:
    """Return the adjoints of (y0, *parameters), back along steps of Taylor series."""
    forward = Plain(step, y0, p)
    it = _again(course, "way", forward)
    it = it or integrator(forward, course.t0, course.options, True, course.varied)
    _keep(course, "way", forward, it)
    assert isinstance(it, Differentiated)
    times, w = counting([t + 0 * it.t for t in course.times], w)
    sign = 1 if times[-1] > it.t else -1
    backward = _Backward(step, course, np.shape(y0), p)
    for start, mark in _backwards(it, times[-1], course.checkpoints):
        t, y = mark.end[0], forward.series(mark.end[1])
        if mark.crossing is not None:
            backward.jump(mark.crossing, forward.series(mark.sides))
        while times and sign * (times[-1] - start) > 0:
            if sign * (times[-1] - t) < 0:
                y, t = backward.run(t, y, times[-1]), times[-1]
            times.pop()
            backward.bar = backward.bar + w[len(times)]
        backward.run(t, y, start)
        if course.report:
            end = course.times[-1]
            course.report(abs(float(end - start)), abs(float(start - course.t0)))
    for n in range(len(times)):  # at t0
        backward.bar = backward.bar + w[n]
    return tuple(np.reshape(x, np.shape(x))[()] for x in (backward.bar, *backward.total))


def _contracted(run: Function, w: Any, given: Sequence[Any], varied: Sequence[int]) -> Any:
    """Return the adjoints of (y0, *parameters) where they vary: products of w with tangents.

    Tangents are as accurate as the steps are; adjoints may lose what λ·y', which is constant, has
    in cancelling terms (through a fold of a relaxation oscillation six digits).
    """
    points, unpack = as_one([given[i] for i in varied])
    states = run(*filled(given, varied, unpack(TaylorN.seeded(points, 1))))
    slopes = np.reshape(np.sum(w * states).gradient(), np.shape(points))
    found = dict(zip(varied, unpack(slopes), strict=True))
    return tuple(found.get(i, np.zeros(np.shape(x))) for i, x in enumerate(given))


def _again(course: Course, what: str, given: Plain, t: Any = None) -> Any:
    """Return the integrator of another course of the same step, set to a system and the start of
    this one; None if there is none that fits.
    """
    found = (course.kept or {}).get(what)
    if found is None or not given.is_like(found[0]):
        return None
    it = found[1]
    it.args = given.args
    it.set_state(course.t0 if t is None else t, given.y0)
    given.guide(it, course.varied)
    return it


def _keep(course: Course, what: str, given: Plain, it: Integrator) -> None:
    """Keep an integrator for other courses of the same step."""
    if course.kept is not None:
        course.kept[what] = given, it


def plain_of(fun: Function, y0: Any, args: Sequence[Any]) -> Plain:
    """Return the system in plain numbers for a state and arguments that may be series."""
    if not isinstance(host([lift(y0), *map(argument, args)]), Series):
        return Plain(fun, y0, args)
    f, p, _ = numeric(fun, args)
    return Plain(piecewise(f), y0, p)


def integrator(
    given: Plain, t: Any, options: Options, derived: bool = False, varied: Sequence[bool] = ()
) -> Integrator:
    """Return what integrates a system in plain numbers from time t, through its jumps."""
    it = given.differentiated(t, options) if derived else given.integrator(t, options)
    given.guide(it, varied)
    return it


class _Backward:
    """λ and μ on their way back, with y beside them."""

    def __init__(self, f: Function, course: Course, shape: Any, p: Sequence[Any]) -> None:
        self.f, self.course, self.p = f, course, p
        self.bar: Any = np.zeros(shape)
        self.total: list[Any] = [np.zeros(np.shape(x)) for x in p]
        self.unpack = as_one([self.bar, self.bar, *self.total])[1]
        self.it: Integrator | None = None

    def fun(self, t: Any, z: Any, *p: Any) -> Any:
        """Return the right-hand side for z = (y, λ, μ)."""
        y, bar, *_ = self.unpack(z)
        rate = functools.partial(self.f, t)
        return as_one([rate(y, *p), *pullback(rate, (y, *p), -bar)])[0]

    def jump(self, crossing: Crossing, sides: Any) -> None:
        """Go back to the near side of a surface."""
        bars = pullback(functools.partial(self.f, crossing), (sides, *self.p), self.bar)
        self.bar = bars[0][..., 0]
        self.total = [x + dx for x, dx in zip(self.total, bars[1:], strict=True)]

    def run(self, start: Any, y: Any, stop: Any) -> Any:
        """Integrate back from one time to another; return y there."""
        if start == stop:
            return y
        check_adjoint(self.bar)
        # λ is given the size of y, by which the steps judge what is small
        scale = (norm(numbers_in(self.bar)) / (norm(numbers_in(y)) or 1)) or 1
        parts = [y, self.bar / scale, *(0 * x for x in self.total)]
        if all([type(x) in (np.ndarray, np.float64) and x.dtype == float for x in parts]):
            z = np.concatenate([x.reshape(-1) for x in parts])
        else:
            z = as_one(parts)[0]
        if self.it is None:
            self.plain = Plain(self.fun, z, self.p)
            # λ has the size of y, so what is too small for an interest in y is not so for λ
            options = replace(self.course.options, atol=0.0)
            self.it = _again(self.course, "back", self.plain, start)
            self.it = self.it or self.plain.integrator(start, options)
            _keep(self.course, "back", self.plain, self.it)
        else:
            self.it.set_state(start, self.plain.table(z))
        y, bar, *more = self.unpack(self.plain.series(self.it.propagate_until(stop)))
        self.bar = bar * scale
        self.total = [x + dx * scale for x, dx in zip(self.total, more, strict=True)]
        return y


# ------------------------------------------------------------------ times of events, and jumps
def delay_of(
    f: Function, g: Function, t: Any, y: Any, p: Sequence[Any]
) -> tuple[Function | None, Any]:
    """Return the time from t on to where g(t, y, *p) vanishes, which it does there but for
    rounding, as a function of (y, *p) in one array, and these; None if it does not vary.
    """
    value = g(t, y, *p)
    if not is_operand(lift(value)):
        return None, None
    rest = number(value)
    theta, apart = as_one([y, *p])

    def residual(tau: Any, theta: Any) -> Any:
        y, *p = apart(theta)
        return np.reshape(lift(g(t + tau, moved(f, t, y, tau, p), *p)) - rest, ())

    return implicit_root(residual, solver=lambda theta: 0 * t), theta


def common_delay(found: Sequence[tuple[Function | None, Any]], t: Any, what: str) -> Any:
    """Return the delay at t of what is met there, if all derivatives of it are the same for all.

    In reverse mode it is not known what varies: they may not be.
    """
    delays = [0 * t if root is None else root(theta) for root, theta in found]
    if len(found) > 1:
        if any(theta is not None and has_nodes(theta) for _, theta in found):
            slopes = [np.zeros(1) if root is None else gradient(root, base(z)) for root, z in found]
        else:
            slopes = [numbers_in(lift(delay)) for delay in delays]
        size, first = max(map(norm, slopes)), slopes[0]
        for x in slopes[1:]:
            if np.any(abs(x - first) > SAME * np.maximum(abs(x), abs(first)) + TINY * size):
                raise NonAnalyticError(MEET.format(what, t))
    return delays[0]


def piecewise(f: Function) -> Function:
    """Return the rates f(t, y, *p), and for a crossing the state beyond it (see `_beyond`)."""

    def step(t: Any, y: Any, *p: Any) -> Any:
        return _beyond(f, t, y, p) if isinstance(t, Crossing) else f(t, y, *p)

    vars(step)["__wrapped__"] = f
    return step


def _beyond(f: Function, at: Crossing, sides_of: Any, p: Sequence[Any]) -> Any:
    """Return the state at the time of a crossing for that a little before.

    They lie along the last axis; of the former only the values are known.
    """
    y, after = sides_of[..., 0], number(sides_of[..., 1])
    t, old, q = at.before, number(y), [number(x) for x in p]
    system = System(f, t, old, q)
    slope = system.flow(t, old, *q)
    for k in range(FAR):
        d = 2 * (at.t - t) * 2**k
        new = old + d * slope
        names = met_at(system.surfaces, (t + d / 2, old + d / 2 * slope), slope, d / 2, q)
        if names:
            break
    else:
        raise NonAnalyticError(f"fun jumps at t = {at.t}, but no condition of it changes its sign")

    if len(names) > 1 and order_of(y) <= 1 >= max(map(order_of, p), default=0):
        # kinks of fun are jumps of second derivatives
        own = [condition_of(system.surfaces, m) for m in names]
        kinks = [bends(system, g, t, old, q) for g in own]
        names = [m for m, kink in zip(names, kinks, strict=True) if not kink] or names
    places = {True: (t, y), False: (t + d, y + (new - old))}
    found = [delay_of(f, condition_of(system.surfaces, m), *places[m.before], p) for m in names]
    tau = common_delay(found, at.t, "surfaces on which fun jumps")
    y = moved(f, t, y, tau, p) + (new - old)
    return moved(f, t + d + tau, y, -tau, p) + (after - new)


def jumps(f: Function, t: Any, y: Any, p: Sequence[Any], d: Any) -> list[Function]:
    """Return the functions of (t, y, *p) that vanish within a time d of a place, where f jumps."""
    old, q = number(y), [number(x) for x in p]
    system = System(f, t, old, q)
    if not system.branches:
        return []
    slope = system.flow(t, old, *q)
    sides = [(t + s * d, old + s * d * slope) for s in (-1, 1)]
    before, after = (np.asarray(regular(f, *at, q)(*at, *q)) for at in sides)
    if norm(after - before) <= SAME * max(norm(before), norm(after)):
        return []
    return [
        condition_of(system.surfaces, m) for m in met_at(system.surfaces, (t, old), slope, d, q)
    ]


class Edge(NamedTuple):
    """A place where f branches: how far a place beside it is from there, and up to which derivative
    of the solution the branches agree.
    """

    beside: tuple[Any, Array]
    agree: int


def edge(f: Function, t: Any, y: Any, p: Sequence[Any], d: Any, order: int) -> Edge | None:
    """Return the place if conditions of f vanish within a time d of it; `order` derivatives are
    compared.
    """
    old, q = number(y), [number(x) for x in p]
    system = System(f, t, old, q)
    if not system.branches:
        return None
    slope = np.asarray(system.flow(t, old, *q))
    slope = np.where(nans(slope), 0, slope)
    if not met_at(system.surfaces, (t, old), slope, d, q):
        return None
    sides = []
    for place in ((t - d, old - d * slope), (t + d, old + d * slope)):
        system = System(f, *place, q)
        sides.append(system.series(*place, system.parameters(q), order + 2))
    a, b = sides
    size = [max(norm(x), norm(y)) for x, y in zip(a, b, strict=True)]
    for k in range(1, order + 1):
        apart = norm(a[k] - b[k]) > SAME * size[k] + 4 * (k + 1) * d * size[k + 1]
        # as those of a root, of whose value the part from the last d is not known
        steep = size[k + 2] * d**2 > SAME * max(size[k], size[k + 1] * d, TINY * size[0])
        if apart or steep:
            return Edge((-d, -d * slope), k - 1)
    return Edge((-d, -d * slope), order)


def number(x: Any) -> Any:
    """Return the value of what may be a series or a node."""
    return base(lift(x))


# ------------------------------------------------------------------ with all arguments
def numeric(
    fun: Function, args: Sequence[Any], whole: bool = False
) -> tuple[Function, list[Any], list[int]]:
    """Return fun of those arguments that are numbers, these, and their places.

    Integers are constants of fun, which may need them as such, but if `whole`.
    """
    check_function(fun)
    given = [argument(a) for a in args]
    fixed = () if whole else (int, np.integer)
    places = [
        i
        for i, a in enumerate(given)
        if is_operand(a) or (is_parameter(a) and not isinstance(a, fixed))
    ]

    def bound(t: Any, y: Any, *p: Any) -> Any:
        return fun(t, y, *filled(given, places, p))

    if len(places) == len(given):
        bound = fun
    return shaped(bound), [point_of(given[i]) for i in places], places


def point_of(x: Any) -> Any:
    """Return a point of differentiation as an array or a series, integers as floats."""
    x = point(x)
    whole = isinstance(x, np.ndarray) and (x.dtype.kind in "iub" or (x.size and integers(x)))
    return x.astype(float) if whole else x


def as_now(fun: Function, args: Sequence[Any]) -> tuple[Function, tuple[Any, ...]]:
    """Return fun and its arguments as they are now, for what is done later: see `frozen`."""
    given = {i: a for i, a in enumerate(args) if not (is_operand(a) or is_parameter(a))}
    if not given:
        return frozen(fun), tuple(args)
    fun, given = frozen((fun, given))
    return fun, tuple(given.get(i, a) for i, a in enumerate(args))


def is_recorded(y0: Any, args: Sequence[Any]) -> bool:
    """Whether reverse mode is recording y0 or an argument, or coefficients of theirs."""
    return any(map(has_nodes, [lift(y0), *map(argument, args)]))


def states(fun: Function, y0: Any, args: Sequence[Any], course: Course) -> Any:
    """Return the states at the times of a course, along the last axis."""
    return np.moveaxis(_along(flow, fun, y0, args, course), 0, -1)


def _along(
    what: Callable[..., Evolution], fun: Function, y0: Any, args: Sequence[Any], course: Course
) -> Any:
    """Return what an evolution gives at the times of a course, along the first axis."""
    f, p, _ = numeric(*as_now(fun, args))
    given = point_of(y0), *p
    course = course._replace(varied=tuple(map(is_operand, given)))
    return what(f, course).forward()(*given)


def solution(fun: Function, y0: Any, args: Sequence[Any], course: Course) -> Solution:
    """Return the solution between the times of a course, the ends of steps."""
    steps = course.times[:-1]
    coef = _along(expansion, fun, y0, args, course._replace(times=steps))
    return Solution(np.asarray(course.times), 0.0 * steps, in_steps(coef, len(steps)))


def in_steps(coef: Any, steps: int) -> Any:
    """Return coefficients that follow each other along the first axis, for each of some steps."""
    return np.reshape(coef, (steps, len(coef) // steps, *coef.shape[1:]))
