"""Jet transport: states that are series become ordinary systems of their coefficients.

If y0 depends on variables ξ, so does y(t), and the coefficients of its series in ξ obey the
coefficients of f(t, y(t; ξ)): a system in plain numbers, integrated like others.  The variational
equations of order K are the case y0 = y_0 + ξ with series of order K.  (Pérez-Palau, Masdemont &
Gómez, Celestial Mechanics 123, 2015.)
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.operand import host, lift
from taylor.core.program import Program, kept, pushforward, record
from taylor.core.singular import nans
from taylor.drivers.evolution import coefficients, on_tables
from taylor.errors import GuardError, IntegrationError, NonAnalyticError, TraceError
from taylor.kept import STORE
from taylor.llvm.ir import WIDTH
from taylor.numbers.kinds import base, is_operand
from taylor.ode.control import finite, norm, spacing
from taylor.ode.dense import Solution
from taylor.ode.edges import MEET, REST, TOUCH, Edges, NoElements, SeriesElements, propagated
from taylor.ode.integrator import Integrator
from taylor.ode.methods import AUTO, OWN, Blocks, ByMethod, MethodOptions
from taylor.ode.options import Options, argument
from taylor.ode.pieces import Pieces, Place, Taken
from taylor.ode.recalled import recalled
from taylor.ode.rests import Elements
from taylor.ode.stops import Stop, next_stop
from taylor.ode.surfaces import Surface, met_at, on_surface, sides, unit_of
from taylor.ode.system import Equations, System, filled, is_parameter, not_of_time, rates, shaped
from taylor.ode.zeros import LEAST, NEAR
from taylor.series.series import Series

Array = NDArray[Any]

SHORT = 64  # units in the last place of the time, by which a change of branch is left behind
FAR = 40  # doublings of that distance, if need be
FURTHER = 2 * LEAST * NEAR  # units: so far away a zero is left behind that is near
ALONG = (
    "fun points to a surface on which it jumps from both sides, along which the solution slides: "
    "it has derivatives by solve_ivp alone; or make fun smooth there, tanh(x/eps) for sign(x)"
)
FLAT = 2.0**-18  # of a step: beside where a condition has zero slope
JUMP = 1e-10  # of rates, relative to them, that is none


class Jets(Equations):
    """fun, y0 and args with the coefficients of the series `like` in place of the series."""

    def __init__(self, fun: Callable[..., Any], y0: Any, args: Sequence[Any], like: Series) -> None:
        self.like, self.inner, self.shape = like, shaped(fun), np.shape(y0)
        self.y0 = self.table(y0)
        self.carried = [self._carries(a) for a in args]
        self.given = [y0, *(a for a, carried in zip(args, self.carried, strict=True) if carried)]
        self.args = tuple(
            coefficients(a, like) if carried else a
            for a, carried in zip(args, self.carried, strict=True)
        )

    def _carries(self, x: Any) -> bool:
        """Whether x is, or has among its coefficients, a series in the same variables."""
        while isinstance(x, Series):
            if x.tag is self.like.tag:
                return True
            x = x._coef
        return False

    def table(self, x: Any) -> Any:
        """Return the state of the system for a series."""
        return coefficients(x, self.like)

    def series(self, table: Any) -> Any:
        """Return the series of a state (or of states along a last axis)."""
        return self.like._new(table)

    def degrees(self, inner: Array) -> Any:
        """Return the degrees of the elements of a state, for those of the elements of y."""
        own = self.like.algebra.degrees
        return inner + own.reshape((-1,) + (1,) * np.ndim(inner))

    def places(self, inner: Array) -> Array:
        """Return the places of the blocks of a state (see `methods.Blocks`), for those of y."""
        many = np.arange(self.like.algebra.size)[:, None] * inner.size
        return np.concatenate(list(np.moveaxis(inner[..., None] + many[:, 0], -1, 0)), axis=1)

    def sizes(self, inner: Array) -> Array:
        """Return how large the elements of a state are for those of y of such sizes.

        A variable counts by the relative changes that it makes (Hindmarsh et al., User
        Documentation for CVODES, section 2.7).
        """
        algebra = self.like.algebra
        seeds = [coefficients(x, self.like) for x in self.given]
        scale = np.zeros(algebra.variables)
        for x in seeds:
            if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.size:
                table = np.abs(x.reshape(len(x), -1))
                own = np.where(table[0] > 0, table[0], table[0].max() or 1.0)
                scale = np.maximum(scale, (table[1 : 1 + len(scale)] / own).max(1))
        scale = np.where(scale > 0, scale, 1.0)
        exponents = getattr(algebra, "exponents", None)
        if exponents is None:
            powers = scale.max() ** algebra.degrees
        else:
            powers = np.prod(scale**exponents, axis=1)
        return np.asarray(powers.reshape(-1, *[1] * inner.ndim) * inner)

    def __call__(self, t: Any, table: Any, *args: Any) -> Any:
        """Return the state's rate of change."""
        return self.fun(t, table, *args)

    def fun(self, t: Any, table: Any, *args: Any) -> Any:
        """Return the coefficients of the right-hand side."""
        return on_tables(self.inner, self.like, (True, *self.carried))(t, table, *args)


class FirstOrder(Jets):
    """Series of order one: the state is their values and, before these, their tangents in lanes.

    y' = f and Y' = f_y·Y + f_p·P, with the directions along the last axis of Y, in whole vectors.
    """

    def __init__(self, fun: Callable[..., Any], y0: Any, args: Sequence[Any], like: Series) -> None:
        self.count = like.algebra.size - 1
        self.room = self.count if self.count <= 2 else -(-self.count // WIDTH) * WIDTH
        self.start = math.prod(np.shape(y0)) * self.room  # of the values
        super().__init__(fun, y0, args, like)

    def table(self, x: Any) -> Any:
        """Return the state of the system for a series."""
        return self._state(coefficients(x, self.like))

    def _state(self, table: Any) -> Any:
        return np.concatenate([np.reshape(self._lanes(table), -1), np.reshape(table[0], -1)])

    def _lanes(self, table: Any) -> Any:
        """Return the tangents along the last axis, filled up with zeros."""
        lanes = np.moveaxis(table[1:], 0, -1)
        more = np.zeros((*np.shape(lanes)[:-1], self.room - self.count))
        return np.concatenate([lanes, more], axis=-1)

    def series(self, table: Any) -> Any:
        """Return the series of a state (or of states along a last axis)."""
        times = np.shape(table)[1:]
        lanes = np.reshape(table[: self.start], (*self.shape, self.room, *times))
        y = np.reshape(table[self.start :], (1, *self.shape, *times))
        tangents = np.moveaxis(lanes, len(self.shape), 0)[: self.count]
        return self.like._new(np.concatenate([y, tangents]))

    def value(self, table: Any) -> Any:
        """Return the value of the series of a state."""
        return np.reshape(table[self.start :], self.shape)

    def degrees(self, inner: Array) -> Any:
        """Return the degrees of the elements of a state, for those of the elements of y."""
        return np.append(np.repeat(inner + 1, self.room), inner)

    def places(self, inner: Array) -> Array:
        """Return the places of the blocks of a state, for those of y: of the values first."""
        lanes = [inner * self.room + lane for lane in range(self.room)]
        return np.concatenate([self.start + inner, *lanes], axis=1)

    def sizes(self, inner: Array) -> Array:
        """Return how large the elements of a state are for those of y of such sizes."""
        sizes = self._state(super().sizes(inner))
        return np.where(sizes > 0, sizes, 1.0)  # 1 where the lanes are filled up

    def fun(self, t: Any, table: Any, *args: Any) -> Any:
        """Return the state's rate of change."""
        live = [i for i, a in enumerate(args) if self.carried[i] or is_operand(a)]
        try:
            return self._moved(self._rate(args, live), live, t, table, *(args[i] for i in live))
        except TraceError:
            return self._state(super().fun(t, self.series(table)._coef, *args))

    def _rate(self, args: Sequence[Any], live: Sequence[int]) -> Any:
        """Return the rate of change of y as a function of some of the arguments."""

        def rate(t: Any, y: Any, *p: Any) -> Any:
            return self.inner(t, y, *filled(args, live, p))

        return rate

    def _moved(self, rate: Any, live: Sequence[int], t: Any, table: Any, *p: Any) -> Any:
        """Return the state's rate of change for that of y."""
        carried = [self.carried[i] for i in live]
        x = [t, self.value(table), *(a[0] if c else a for a, c in zip(p, carried, strict=True))]
        lanes = np.reshape(table[: self.start], (*self.shape, self.room))
        moving = [self._lanes(a) if c else None for a, c in zip(p, carried, strict=True)]
        dy, dlanes = pushforward(rate, x, [None, lanes, *moving], self.room)
        return np.concatenate([np.reshape(dlanes, -1), np.reshape(dy, -1)])

    def program(self, t: Any, y: Any, args: Sequence[Any]) -> Program | None:
        """Return the program of `fun`, made once for all equal ones of the rate of change of y.

        None where that branches, or has no tangents in this form.
        """
        live = [i for i, a in enumerate(args) if is_parameter(a)]
        x = [t, self.value(y), *(args[i][0] if self.carried[i] else args[i] for i in live)]
        anew = partial(rates, self._rate(args, live), *x)
        whole = len(live) == len(args)
        rate, _ = recalled(self.inner, "rates", x, anew) if whole else anew()
        if not rate.told or any(g.a != g.b for g in rate.guards):
            return None
        what = "tangents", rate.identity, self.count, *(self.carried[i] for i in live)
        given = t, y, *(args[i] for i in live)
        try:
            return STORE.made(lambda: record(partial(self._moved, rate, live), *given), *what)
        except TraceError:
            return None


class Slides(IntegrationError):
    """A run that is differentiated comes to slide along a surface."""


class Crossing(NamedTuple):
    """A jump of fun along a run: a time just before it, surely on the old side, and its time."""

    before: Any
    t: Any


class Differentiated(Integrator):
    """Steps that are differentiated, through changes of the branch of fun.

    The derivatives of order k of a solution jump where those of fun of order k - 1 do, by an amount
    that depends on the surface: `through` gives the state beyond, with its derivatives, for that
    before and the values of that beyond.  It is asked where the rates jump of any degree but the
    highest, of each relative to themselves.
    """

    degrees: Any = 0  # of the elements of the state, and what they are below
    top = 1
    through: Callable[[Crossing, Array], Array] | None = None
    before: tuple[Any, Any] | None = None  # time and state just before the last change of branch
    met: tuple[Any, Any] | None = None  # and just before a zero of a function
    former: System | None = None  # fun on the branch before
    crossing: Crossing | None = None  # at the end of the last steps
    passed: Any = None  # the time of the last jump of derivatives
    edges: Edges | None = None  # what is asked about the surfaces at a place
    begun: Any = None  # where the run has left a surface on which it began
    lost = False  # whether fun is recorded on such a surface, where it has no series
    elements: Elements = NoElements()

    def set_state(self, t: Any, y: Any) -> None:
        """Go on from another time and state."""
        super().set_state(t, y)
        self.passed = self.begun = None

    def advance(self, t_end: Any, limit: int, log: bool = True) -> tuple[int, Pieces]:
        """Step towards t_end."""
        self.before = self.crossing = None
        system, stop = self.system, next_stop(self.system.stops, self.t, t_end)
        found = super().advance(t_end, limit, log)
        if stop is not None and self.t == stop.after:
            self._check_alone(system, stop)
        return found

    def _check_alone(self, system: System, stop: Stop) -> None:
        """Raise NonAnalyticError if another surface is met where fun branches at a known time."""
        d, p = SHORT * (stop.after - stop.before), self._parameters
        slopes = system.flow(stop.before, self.y, *p), self.system.flow(self.t, self.y, *p)
        around = [(stop.time + x, self.y + x * v) for x, v in zip((-d, d), slopes, strict=True)]
        others = kept(not_of_time, system.between)
        old, new = (sides(others, *place, p) for place in around)
        changes = any(np.any(np.sign(a) * np.sign(b) < 0) for a, b in zip(old, new, strict=True))
        place, ends = (stop.time, self.y), (stop.before, self.t)
        if (
            changes
            and met_at(others, place, slopes[0], d, p)
            and (self.edges is None or self.edges.jumping(*place, d, ends))
        ):
            raise NonAnalyticError(MEET.format("surfaces on which fun branches", stop.time))
        self._check_touched(place, d, ends)

    def switched(self, pieces: Pieces, i: int, met: Surface, t_end: Any) -> tuple[int, Pieces]:
        """Go over to another branch, and carry the derivatives there."""
        near = -unit_of(pieces, i)
        old, p, k = self.system.between, self._parameters, 0
        while True:
            place = pieces.at(i, pieces.h[i] * met.x + SHORT * 2**k * near)
            side = sides(old, place.t, place.y, p)[met.name[0]].reshape(-1)[met.name[1]]
            k += 1
            if np.sign(float(side)) == -met.slope or k > FAR:
                break
        self.former = self.system
        found = super().switched(pieces, i, met, t_end)
        self.before = place.t, place.y
        jump = self._jump(t_end - place.t, self.before, (self.t, self.y))
        if jump is None:
            self._check_touched(((place.t + self.t) / 2, self.y), abs(self.t - place.t))
            return found
        if self.passed is not None and (place.t - self.passed) * near >= 0:
            # what vanishes there was met with the surface before, when derivatives jumped
            if abs(self.t - self.passed) > SHORT * abs(near):
                raise NonAnalyticError(MEET.format("surfaces on which fun jumps", self.t))
            self.before = None
            return found
        if met.order > 1 or k > FAR or self.through is None:
            raise jump
        self.passed = self.t
        self.crossing = Crossing(place.t, self.t)
        self.y = self.through(self.crossing, np.stack([place.y, self.y], axis=-1))
        self.y_low = 0 * self.y
        return found

    def _slide(self, sign: int) -> None:
        """Go back from a surface where fun turns round, unless it jumps there and moves; else raise
        IntegrationError: when a surface is reached varies, and what is lost on it.
        """
        if not self._turns_round(sign):
            raise Slides(str(self._stuck(ALONG)))
        if self.edges is not None and self.edges.turning(self.t, self.y):
            raise NonAnalyticError(TOUCH.format(self.t, self.y))
        super()._slide(sign)

    def _leave(self, t_end: Any) -> None:
        """Move off a surface, which may not move if the rates jump there."""
        start, y = self.t, self.y
        with propagated():
            super()._leave(t_end)
        if self.t == start:
            if self.edges is not None and self.edges.resting(start, y):
                raise NonAnalyticError(REST.format(start, y))
            return
        self.begun = self.t
        if self.lost:
            self.lost = False
            self._bind()
        before = 2 * start - self.t, 2 * y - self.y
        self._check_edge((start, y), SHORT * abs(self.t - start), before, (self.t, self.y))

    def march(self, t_end: Any, *given: Any, **named: Any) -> Iterator[Pieces]:
        """Yield the steps to t_end, where no surface may be that moves if the rates jump there."""
        yield from super().march(t_end, *given, **named)
        if not self.system.branches:
            return
        d, p = SHORT * spacing(max(abs(self.t), abs(self.h))), self._parameters
        with propagated():
            slope = np.asarray(self.system.flow(self.t, self.y, *p))
            slope = np.where(nans(slope), 0, slope)
            if met_at(self.system.between, (self.t, self.y), slope, d, p):
                sides = [(self.t + x, self.y + x * slope) for x in (-d, d)]
                self._check_edge((self.t, self.y), d, *sides)

    def _check_edge(self, place: tuple[Any, Array], d: Any, *sides: tuple[Any, Array]) -> None:
        """Raise NonAnalyticError if the rates jump on a surface that moves, at an end of a run."""
        self._check_touched(place, d)
        if self.edges is None or not self.edges.moving(*place, d):
            return
        if self._jump(0, *sides) is not None:
            raise NonAnalyticError(
                f"fun, or a derivative of it, jumps at t = {place[0]}, where a run begins or ends, "
                "on a surface that moves with what the solution depends on: there are derivatives "
                f"to one side only; begin, or end, beside it; y = {place[1]}"
            )

    def _crossed(self, start: Place, pieces: Pieces) -> tuple[Pieces, int, Surface] | None:
        """Return the first change of branch, up to which no branch may be touched."""
        self.touches = []
        found = super()._crossed(start, pieces)
        for place, h in self.touches:
            self._check_touched((place.t, place.y), FLAT * abs(h))
        return found

    def _check_touched(
        self, place: tuple[Any, Array], d: Any, ends: tuple[Any, Any] | None = None
    ) -> None:
        """Raise NonAnalyticError if a branch of fun begins at a place as what it depends on varies,
        one way only.
        """
        if self.edges is not None and self.edges.touched(*place, d, ends):
            raise NonAnalyticError(TOUCH.format(*place))

    def stopped(self, taken: Taken, x: Any) -> tuple[int, Pieces]:
        """Stop at a zero of a function."""
        found = super().stopped(taken, x)
        place = taken.pieces.at(0, found[1].h[0] - SHORT * unit_of(taken.pieces, 0))
        self.before = self.met = place.t, place.y
        return found

    def beyond(self, t_end: Any, status: int) -> tuple[int, Pieces]:
        """Leave a zero of a function behind, if the rates do not jump there."""
        # where steps got ever shorter the zero is a little further
        here = (self.t, self.y), FURTHER
        before, far = (self.met, SHORT) if self.met and self.at_zero else here
        found = super().beyond(t_end, status)
        if len(found[1]) and not self.leapt:  # then all derivatives were carried over
            x = min(far * abs(unit_of(found[1], 0)), abs(found[1].h[0])) * np.sign(found[1].h[0])
            place = found[1].at(0, x)
            jump = self._jump(t_end - place.t, before, (place.t, place.y))
            if jump is not None and not self._fades(before, place, found[1].at(0, x / 64)):
                raise jump
        self.met = None
        return found

    def _fades(self, before: tuple[Any, Any], far: Place, near: Place) -> bool:
        """Whether rates beyond a place come to those before it, as those of a root do."""
        places = before, (far.t, far.y), (near.t, near.y)
        with np.errstate(all="ignore"):
            old, *new = (np.asarray(self.system.flow(*at, *self._parameters)) for at in places)
        return bool(norm(new[1] - old) <= norm(new[0] - old) / 4)

    def _jump(self, rest: Any, *sides: tuple[Any, Any]) -> NonAnalyticError | None:
        """Return an error if the rates on two sides of a surface differ, by what counts in the time
        that is left.
        """
        with np.errstate(all="ignore"):
            rates = [np.asarray(self.system.flow(*at, *self._parameters)) for at in sides]
            if not self._differ(rest, *rates) or not self._differ(rest, *map(self._rates, sides)):
                return None
        return NonAnalyticError(
            f"fun, or a derivative of it, jumps at t = {self.t} where no condition crosses zero "
            "with a slope, so the derivatives of the solution are not known beyond: integrate up "
            f"to there and go on with the other branch; last good state y = {self.y}"
        )

    def _differ(self, rest: Any, old: Array, new: Array) -> bool:
        """Whether rates of any degree but the highest do, by what counts in a time."""
        most = np.maximum(np.maximum(abs(old), abs(new)), abs(self.y) / (abs(rest) or 1))
        parts = [np.broadcast_to(self.degrees, old.shape) == k for k in range(self.top)]
        return not all(norm(new[k] - old[k]) <= JUMP * norm(most[k]) for k in parts)

    def _rates(self, at: tuple[Any, Any]) -> Array:
        """Return the rates at a place, by the program there: fun may be nearly 0/0.

        As a rule that is the one of the present branch, or of that before.
        """
        for system in (self.system, self.former):
            if system is not None and system.program is not None:
                with contextlib.suppress(GuardError, ZeroDivisionError):  # another one, or a pole
                    found = np.asarray(system.regular(*at, *system.parameters(self._args)))
                    if finite(found):
                        return found
        system = System(self.system.own, *at, self._args)
        return np.asarray(system.regular(*at, *system.parameters(self._args)))


class DifferentiatedMethod(Differentiated, ByMethod):
    """Steps of a method that are differentiated."""

    def advance(self, t_end: Any, limit: int, log: bool = True) -> tuple[int, Pieces]:
        """Step towards t_end."""
        stop = next_stop(self.system.stops, self.t, t_end)
        found = super().advance(t_end, limit, log)
        if stop is not None and self.t == stop.after and self.before is None:
            self.before = stop.before, self.y
        return found

    def towards(self, t_end: Any, limit: int, log: bool) -> tuple[int, Pieces]:
        """Step to t_end, on the way to which no time is known at which fun branches."""
        if self.solver is None and self.system.branches and self.t != t_end:
            self._leave(t_end)
        return super().towards(t_end, limit, log)

    def _jumps(self, old: Array, new: Array) -> bool:
        """Whether rates of any degree but the highest differ on two sides of a surface."""
        parts = [np.broadcast_to(self.degrees, old.shape) == k for k in range(self.top)]
        return any(super(DifferentiatedMethod, self)._jumps(old[k], new[k]) for k in parts)


def _values(x: Any) -> Any:
    """Return the values of a series, an array of floats if it is one of numbers."""
    x = base(x)
    return np.asarray(x, float) if is_parameter(x) else x


class Plain:
    """A system in plain numbers: fun, y0 and args without the series, and the way back to them.

    Series of series are taken apart level by level, the outermost first.
    """

    def __init__(self, fun: Callable[..., Any], y0: Any, args: Sequence[Any]) -> None:
        self.levels: list[Jets] = []
        y0, args = lift(y0), [argument(a) for a in args]
        self.f, self.given = fun, (y0, args)
        while isinstance(owner := host((y0, *args)), Series):
            level = (FirstOrder if owner.order == 1 else Jets)(fun, y0, args, owner)
            self.levels.append(level)
            fun, y0, args = level, level.y0, list(level.args)
        self.fun, self.y0, self.args = fun, y0, tuple(args)

    def of(self, fun: Callable[..., Any], y: Any) -> Plain:
        """Return that of another function with the same arguments, for a state of series."""
        return Plain(fun, y, self.given[1])

    def is_like(self, other: Plain) -> bool:
        """Whether another one with the same fun and args differs by the numbers of y0 only."""
        pairs = zip(self.levels, other.levels, strict=False)
        return (
            len(self.levels) == len(other.levels)
            and all(a.like.tag is b.like.tag and a.like.algebra == b.like.algebra for a, b in pairs)
            and np.shape(self.y0) == np.shape(other.y0)
            and np.asarray(self.y0).dtype == np.asarray(other.y0).dtype
        )

    def integrator(self, t: Any, options: Options) -> Integrator:
        """Return an integrator from time t."""
        if not self.levels:
            kind = ByMethod if isinstance(options, MethodOptions) else Integrator
            return kind.of(self.fun, t, self.y0, self.args, options)
        it = self.differentiated(t, options)
        degrees = np.zeros(self.levels[0].shape, dtype=int)
        for level in self.levels:
            degrees = level.degrees(degrees)
        top = sum(level.like.order for level in self.levels)
        it.degrees, it.top, it.elements = degrees, top, SeriesElements(self)
        return it

    def differentiated(self, t: Any, options: Options) -> Differentiated:
        """Return an integrator whose run is differentiated once more."""
        if not isinstance(options, MethodOptions):
            return self._stepped(t, options)
        if options.method == AUTO:
            options = replace(options, method=OWN)
        it = DifferentiatedMethod.of(self.fun, t, self.y0, self.args, options)
        it.blocks = self.blocks() if self.levels else None
        return it

    def _stepped(self, t: Any, options: Options) -> Differentiated:
        """Return an integrator by series, which may begin where fun jumps and has none."""
        given = self.fun, t, self.y0, self.args, options
        try:
            return Differentiated.of(*given)
        except IntegrationError:
            y, p = base(lift(self.given[0])), [base(x) for x in self.given[1]]
            system = System(self.f, t, y, p)
            if system.program is None or not on_surface(system.between, t, y, p):
                raise
            with propagated():
                it = Differentiated.of(*given)
            it.lost = True
            return it

    def blocks(self) -> Blocks:
        """Return how the state is made of blocks, one for each coefficient of the series."""
        y0, args = self.given
        y = _values(y0)
        places, sizes = np.arange(y.size)[:, None], np.ones(y.shape)
        for level in self.levels:
            places, sizes = level.places(places), level.sizes(sizes)
        return Blocks(
            shaped(self.f), [_values(a) for a in args], y.shape, places, sizes.reshape(-1)
        )

    def through(self, crossing: Crossing, sides: Any) -> Any:
        """Return the state beyond a jump of fun, for those on its sides, along the last axis."""
        return self.table(self.f(crossing, self.series(sides), *self.given[1]))

    def guide(self, it: Any, varied: Sequence[bool]) -> None:
        """Have an integrator ask how surfaces are crossed, and move: see `moving`."""
        if isinstance(it, Differentiated):
            it.through = self.through
            it.edges = Edges(self, varied, it.t)

    def table(self, x: Any) -> Any:
        """Return the plain numbers of a state."""
        for level in self.levels:
            x = level.table(x)
        return x

    def argument(self, i: int, x: Any) -> Any:
        """Return the plain numbers of an argument in place of number i."""
        for level in self.levels:
            x = coefficients(x, level.like) if level.carried[i] else x
        return x

    def series(self, table: Any) -> Any:
        """Return the state (or states, along a last axis) of plain numbers."""
        for level in reversed(self.levels):
            table = level.series(table)
        return table

    def solution(self, sol: Solution) -> Solution:
        """Return the solution of plain numbers as that of series."""
        if not self.levels:
            return sol
        steps, degrees, *shape = sol.coef.shape
        states = np.moveaxis(sol.coef.reshape(-1, *shape), 0, -1)
        coef = np.moveaxis(self.series(states), -1, 0)
        return Solution(sol.t, sol.low, np.reshape(coef, (steps, degrees, *coef.shape[1:])))
