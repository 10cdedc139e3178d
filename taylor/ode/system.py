"""The right-hand side of y' = f(t, y, *args) as a program, and the series of its solution.

Coefficient k of y' is (k + 1)·y_{k+1}, so the sweep of f gives, degree by degree,

    y_{k+1} = f_k / (k + 1),        f_k = coefficient k of f(t_0 + s, y_0 + y_1 s + ... + y_k s^k).

(Moore, Interval Analysis, 1966; Jorba & Zou, Experimental Mathematics 14, 2005, section 2.)
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.advice import annotate, not_called
from taylor.core.algebra import Univariate
from taylor.core.applied import Call
from taylor.core.calls import Row
from taylor.core.deciding import deciding, limit, vanishing, zeros
from taylor.core.exponents import NOTHING, Exponent, exponents, saturated
from taylor.core.functions import stop_gradient
from taylor.core.instructions import Add, Input, Mul, Scale
from taylor.core.lookups import Lookup
from taylor.core.memory import fresh
from taylor.core.operand import lift
from taylor.core.program import Program, check, check_unread, expand, kept, plain, recording
from taylor.core.reals import in_reals
from taylor.core.sides import Choose
from taylor.core.sweep import Sweep
from taylor.errors import (
    DomainError,
    ForeignNodeError,
    PoleError,
    ShapeMismatch,
    TieError,
    TraceError,
)
from taylor.numbers.kinds import Kind, is_operand
from taylor.numbers.values import as_array, is_number
from taylor.ode.recalled import recalled
from taylor.ode.translated import or_translated
from taylor.series.univariate import Taylor

Array = NDArray[Any]
LATER = 2, 2**8, 2**16  # units of rounding of the time, after which equal values may differ


def is_parameter(x: Any) -> bool:
    """Whether an argument of f is a number or an array of numbers, which may change."""
    if isinstance(x, bool) or x is None or isinstance(x, str) or hasattr(x, "_fields"):
        return False
    return is_number(x) or (isinstance(x, (list, tuple, np.ndarray)) and _numeric(x))


def _numeric(x: Any) -> bool:
    try:
        array = as_array(x)
    except (TypeError, ValueError):
        return False
    if array.dtype == object:
        return all(is_number(e) for e in array.reshape(-1))
    return array.dtype.kind in "iufc"


def at_one_state(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return a vectorized fun, whose states lie along the first axis of a table, at one state."""

    def flow(t: Any, y: Any, *args: Any) -> Any:
        return np.reshape(lift(fun(t, y[:, None], *args)), np.shape(y))

    return flow


def second_order(acceleration: Callable[..., Any]) -> Callable[..., Any]:
    """Return y'' = acceleration(t, y, v, *args), v = y', as a first-order system of (y, v).

    Its state has the shape (2, *shape of y).  The series of y costs nothing: its coefficients are
    those of v, divided by k + 1.

    >>> from taylor.ode import solve_ivp
    >>> fall = second_order(lambda t, y, v: -9.81 + 0 * y)
    >>> solve_ivp(fall, (0.0, 1.0), [[0.0], [0.0]]).y[:, 0, -1]
    array([-4.905, -9.81 ])
    """

    if not callable(acceleration):
        raise TypeError(
            f"acceleration is a function of (t, y, v, *args), not {type(acceleration).__name__}"
        )

    def flow(t: Any, state: Any, *args: Any) -> Any:
        if np.shape(state)[:1] != (2,):
            raise ShapeMismatch(
                f"the state of second_order is (y, v), two along its first axis; its shape is "
                f"{np.shape(state)}"
            )
        y, v = state[0].copy(), state[1].copy()
        try:
            return np.stack([state[1], lift(acceleration(t, y, v, *args))])
        except TypeError as error:
            if not_called(error):
                annotate(error, "acceleration is called as acceleration(t, y, v, *args)")
            raise

    return flow


def _check_still(program: Program) -> None:
    """Raise TypeError where a function of t or y is held constant: it would be, in time, too."""
    moves: list[bool] = []
    for op, args, _ in program.code:
        varies = any([moves[a] for a in args])
        moves.append(varies or (isinstance(op, Input) and op.n < 2))
        if varies and isinstance(op, Row) and op.row is stop_gradient:
            raise TypeError(
                "fun holds a function of t or y constant by stop_gradient, but its solution is a "
                "series in t; stop the gradient of arguments, or of the result"
            )


def _check_own(program: Program) -> None:
    """Raise ForeignNodeError where fun uses a differentiated value that is not given to it."""
    if any(is_operand(i.op.constant) for i in program.code):
        raise ForeignNodeError(
            "fun uses a differentiated value that is neither y0 nor one of args: pass it on, "
            "solve_ivp(fun, t_span, y0, args=(value,))"
        )


def _knots_of_time(program: Program) -> Array:
    """Return the knots of the tables of t of a program of (t, y, *args), in order."""
    now = program.inputs[0]
    knots = [op.knots for op, args, _ in program.code if isinstance(op, Lookup) and args[0] == now]
    return np.unique(np.concatenate(knots)) if knots else np.zeros(0)


def _limits_of_time(program: Program) -> Array:
    """Return the times with which such a program compares t, in order."""
    pairs = [(g.a, g.b) for g in program.guards if g.b >= 0]
    pairs += [
        args[:2]  # type: ignore[misc]
        for op, args, _ in program.code
        if isinstance(op, Choose) and op.mode != "formula"
    ]
    found = [limit(program.code, a, b, program.inputs[:1]) for a, b in pairs]
    times = [t for t in found if t is not None]
    return np.unique(times) if times else np.zeros(0)


class Derived(NamedTuple):
    """What a system knows of the program that was recorded of its f: see `System`."""

    program: Program
    surfaces: Program
    zeros: Program
    exponents: list[Exponent]
    beside_time: Program
    stops: Array
    limits: Array


def _derived(recorded: Program) -> Derived:
    """Return what follows from a recorded program; raise for what makes no system."""
    _check_still(recorded)
    for i in recorded.code:
        if isinstance(i.op, Call) and i.op.rule.step is None:
            raise TraceError(f"{i.op.rule.name} has no degree-wise rule")
    _check_own(recorded)
    program, limits = kept(expand, recorded), _limits_of_time(recorded)
    stops = np.union1d(_knots_of_time(recorded), limits)
    surfaces = kept(deciding, recorded)
    beside = deciding(recorded, (0,)) if len(stops) else surfaces
    return Derived(program, surfaces, zeros(recorded), exponents(program), beside, stops, limits)


def of_time(surfaces: Program) -> Program:
    """Return a program of (t, y, *args) without the outputs that depend on y."""
    return _with(surfaces, set(surfaces.outputs) - moving(surfaces, surfaces.inputs[1:2]))


def not_of_time(surfaces: Program) -> Program:
    """Return a program of (t, y, *args) without the outputs that depend on t only."""
    return _with(surfaces, moving(surfaces, surfaces.inputs[1:]))


def moving(surfaces: Program, inputs: Sequence[int]) -> set[int]:
    """Return the instructions that depend on some of the inputs."""
    moving, before = set(inputs), 0
    while len(moving) > before:  # instructions of series depend on each other, as sin and cos do
        before = len(moving)
        moving |= {i for i, (_, args, _) in enumerate(surfaces.code) if not moving.isdisjoint(args)}
    return moving


def is_linear(program: Program) -> bool:
    """Whether a program of (t, y), but not of y, is linear in t for sure."""
    degrees: list[float] = []
    for op, args, _ in program.code:
        given = [degrees[a] for a in args]
        if isinstance(op, Input):
            degree = 1.0 if op.n == 0 else 0.0
        elif isinstance(op, Mul):
            degree = sum(given)
        elif isinstance(op, (Add, Scale)):
            degree = max(given)
        else:
            degree = math.inf if any(given) else 0.0
        degrees.append(degree)
    return all(degrees[i] <= 1 for i in program.outputs)


def _with(surfaces: Program, wanted: set[int]) -> Program:
    outputs = [i for i in surfaces.outputs if i in wanted]
    return Program(surfaces.code, surfaces.inputs, outputs, [], single=False).pruned()


class Watched(NamedTuple):
    """Coefficients of a solution, of functions that must not vanish (`vanishing`), and of exponents
    that must be followed.
    """

    table: Array
    zeros: list[list[Array]]
    exponents: list[tuple[Exponent, Array]]


class Still(NamedTuple):
    """What stays zero: a program of (t, y, *those of args)."""

    program: Program
    free: list[int]

    def values(self, t: Any, y: Any, args: Sequence[Any]) -> list[Any]:
        """Return it."""
        return self.program.evaluate(t, y, *(args[i] for i in self.free))


class Equations:
    """A right-hand side that may know its program."""

    def __call__(self, t: Any, y: Any, *args: Any) -> Any:
        """Return the rate of change of y."""
        raise NotImplementedError

    def program(self, t: Any, y: Any, args: Sequence[Any]) -> Program | None:
        """Return its program, as `System` would record it, if it knows it."""
        return None


class System:
    """f recorded at (t, y, *args): its expanded program, and the surfaces where it branches.

    Arguments that are numbers or arrays are inputs of the program; others are constants of it, and
    so are integers where f needs them as such: in shapes, indices, loops.
    Exponentials that are `infinite` or larger there are constants of it.
    Where f cannot be recorded, `program` is None and `reason` says why.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        t: Any,
        y: Array,
        args: Sequence[Any],
        infinite: float = math.inf,
    ) -> None:
        self.own, self.f, self.shape, self.args = f, shaped(f), np.shape(y), args
        self.infinite = infinite
        self.floats = np.asarray(y).dtype.kind in "fc"
        self.free = [i for i, a in enumerate(args) if is_parameter(a)]
        self.program: Program | None = None  # the expanded one, of
        self.recorded: Program | None = None
        self.surfaces: Program
        self.between: Program  # those that are not met at times that are known, which are
        self.stops: Array = np.zeros(0)
        self.limits: Array = np.zeros(0)  # the ones of these at which fun may be another program
        self.zeros: Program | None = None  # of the functions whose zeros series do not pass
        self.exponents: list[Exponent] = []  # whose moves series do not show
        self.branches = False  # where the conditions in `surfaces` cross zero
        self.holds: Still | None = None  # what has no series and is constant: see `standing`
        self.reason = ""
        try:
            known = f.program(t, y, args) if isinstance(f, Equations) else None
            recorded = known or self._recorded(t, y)
            # that a value is a number, as x >= x asks, is no branch
            recorded.guards = [g for g in recorded.guards if g.a != g.b]
            found = kept(_derived, recorded)
        except TraceError as error:
            self.reason = str(error)
            try:
                self._eager(t, y, self.parameters(args), 2)
            except TypeError as second:
                raise TraceError(
                    f"fun has no Taylor series: {second}; write it with NumPy's functions"
                ) from error
            return
        self.recorded = recorded
        self.program, self.surfaces, self.zeros, self.exponents, beside = found[:5]
        if self.floats:
            self.stops, self.limits = found[5:]
        self.between = beside if len(self.stops) else self.surfaces
        self.branches = bool(self.surfaces.outputs)

    def _recorded(self, t: Any, y: Array) -> Program:
        """Return the program of f.

        Where f cannot be recorded with integers that may change, these become constants; where it
        has a pole in numbers that do not go to infinity, or asks whether equal values are equal, it
        is recorded a little later.
        """
        try:
            recorded, values = self._recording(t, y)
        except (TraceError, TypeError, IndexError) as error:
            free = [i for i in self.free if not isinstance(self.args[i], (int, np.integer))]
            if free != self.free:
                self.free = free
                return self._recorded(t, y)
            if not isinstance(error, TieError):
                raise
            recorded, values = self._beside(t, y)
        except PoleError:
            kind = Kind.of(t)
            t = t + kind.spacing(kind.one) * max(abs(t), 1 + 0 * t)
            recorded, values = self._recording(t, y)
        if self.floats and (flow := saturated(recorded, values, self.infinite)) is not None:
            recorded, _ = rates(flow, t, y, *self.parameters(self.args))
        return recorded

    def _beside(self, t: Any, y: Array) -> tuple[Program, Sequence[Any]]:
        """Record f a little later along its slope, where values may no longer be equal."""
        kind, p = Kind.of(t), self.parameters(self.args)
        slope = np.asarray(self.flow(t, y, *p))
        d = kind.spacing(kind.one) * max(abs(t), 1 + 0 * t)
        for k in LATER:
            with contextlib.suppress(TieError):
                return rates(self.flow, t + k * d, y + k * d * slope, *p)
        return rates(self.flow, t, y, *p)

    def overflown(self, t: Any, y: Array, args: Sequence[Any]) -> System | None:
        """Return the system of the same f where coefficients of exponentials overflow, which may be
        before their values do; None if they do not, or it is this one.
        """
        if self.recorded is None or not self.exponents or not self.floats:
            return None
        try:
            other = System(self.f, t, y, args, math.exp(NOTHING))
        except DomainError:  # f has no value here
            return None
        found = other.recorded
        return other if found is not None and len(found) > len(self.recorded) else None

    def parameters(self, args: Sequence[Any]) -> list[Any]:
        """Return those of the arguments that may change from call to call."""
        found = [np.asarray(args[i]) for i in self.free]
        whole = [self.floats and x.ndim > 0 and x.dtype.kind in "iub" for x in found]
        return [
            x.astype(float) if m else as_array(args[i])[()]
            for i, x, m in zip(self.free, found, whole, strict=True)
        ]

    def _recording(self, t: Any, y: Array) -> tuple[Program, Sequence[Any]]:
        """Return the program of f at a place, and the values of its instructions there."""
        x = t, y, *self.parameters(self.args)
        record = partial(rates, self.flow, *x)
        whole = len(self.free) == len(self.args)
        return recalled(self.own, "rates", x, record) if whole else record()

    def flow(self, t: Any, y: Any, *parameters: Any) -> Any:
        """Return f(t, y), in any number type."""
        try:
            dy = self._value(t, y, parameters)
        except ZeroDivisionError as error:  # of numbers of many digits
            if isinstance(error, DomainError):
                raise
            raise PoleError(f"fun divides by zero at t = {t}") from error
        check_unread((t, y, *parameters))
        return dy

    def regular(self, t: Any, y: Any, *parameters: Any) -> Any:
        """Return f(t, y) by its program, which loses no digits beside places where f is 0/0."""
        if self.program is None:
            return self.flow(t, y, *parameters)
        return kept(plain, self.program)(t, y, *parameters)

    def _value(self, t: Any, y: Any, parameters: Sequence[Any]) -> Any:
        try:
            return self.f(t, y, *filled(self.args, self.free, parameters))
        except TypeError:  # NumPy's functions take no numbers of many digits
            if self.floats or self.program is None:
                raise
            return self.regular(t, y, *parameters)

    def series(self, t: Any, y: Array, parameters: Sequence[Any], order: int) -> Array:
        """Return the coefficients 0..order of the solution through (t, y), in any number type."""
        return self.watched(t, y, parameters, order).table

    def watched(self, t: Any, y: Array, parameters: Sequence[Any], order: int) -> Watched:
        """Return the coefficients, and those of what limits a step."""
        if self.program is None:
            return Watched(self._eager(t, y, parameters, order), [], [])
        y = np.asarray(y)
        table = np.zeros((order + 1, *self.shape), dtype=y.dtype)
        table[0] = y
        time = np.asarray([t, 1 + 0 * t])
        inputs = [time, table, *(as_array(p)[None] for p in parameters)]
        heights = [min(1, order - 1), order - 1] + [0] * len(parameters)
        sweep = Sweep(self.program, Univariate(order - 1), inputs, (), heights)
        out = self.program.outputs[0]
        real = bool(sweep.real) and sweep.real[out]  # among complex numbers
        with np.errstate(all="ignore"):
            for k in range(order):
                for step in sweep.steps:
                    step(k)
                if k == 0:
                    check(self.program.guards, sweep.point)
                    table[1] = sweep.point(out)
                elif k <= sweep.height[out]:
                    rate = sweep.table[out][k]
                    table[k + 1] = (rate.real if real else rate) / (k + 1)
        zeros = [[sweep.result(i) for i in group] for group in vanishing(self.program)]
        return Watched(table, zeros, [(a, sweep.result(a.variable)) for a in self.exponents])

    def _eager(self, t: Any, y: Array, parameters: Sequence[Any], order: int) -> Array:
        """Return the same through series of growing order: order + 1 evaluations of f."""
        y = np.asarray(y)
        table = np.zeros((order + 1, *self.shape), dtype=y.dtype)
        table[0] = y
        for k in range(order):
            time = Taylor([t, 1 + 0 * t] + [0 * t] * (k - 1)) if k else t
            new = self.flow(time, Taylor(table[: k + 1]) if k else y, *parameters)
            value = new.coef[k] if isinstance(new, Taylor) else new if k == 0 else 0
            table[k + 1] = value / (k + 1)
        return table


def rates(f: Callable[..., Any], t: Any, y: Any, *p: Any) -> tuple[Program, Sequence[Any]]:
    """Return the program of f(t, y, *p) where an integrator watches, and its values; TypeError if
    it is complex for a real y.
    """
    recorded, values = in_reals(*recording(f, t, y, *p, watched=True))
    if np.iscomplexobj(values[recorded.outputs[0]]) and np.asarray(y).dtype.kind == "f":
        raise TypeError("fun is complex: give y0 in complex numbers")
    return recorded, values


def filled(args: Sequence[Any], places: Sequence[int], values: Sequence[Any]) -> list[Any]:
    """Return args with other values in some places."""
    found = list(args)
    for i, x in zip(places, values, strict=True):
        found[i] = x
    return found


def check_function(f: Any) -> None:
    """Raise TypeError if fun is no function."""
    if not callable(f):
        raise TypeError(f"fun is a function of (t, y, *args), not {type(f).__name__}")


def shaped(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return f(t, y, *args) with copies as arguments, and an array of the shape of y as value."""
    check_function(f)

    def g(t: Any, y: Any, *args: Any) -> Any:
        try:
            dy = or_translated(f, (t, fresh(y), *map(fresh, args)))
        except (TypeError, IndexError) as error:
            if isinstance(error, IndexError) or not_called(error):
                told = f"fun is called as fun(t, y, *args), here with y of shape {np.shape(y)}"
                annotate(error, told)
            raise
        return _shaped(dy, np.shape(y))

    vars(g)["__wrapped__"] = f  # which is all that it reads: see `recalled`
    return g


def _shaped(dy: Any, shape: tuple[int, ...]) -> Any:
    if dy is None or isinstance(dy, (str, dict)):
        raise TypeError(
            f"fun returned {type(dy).__name__}: return one derivative for each component of y"
        )
    try:
        dy = lift(dy)
        dy = dy if is_operand(dy) else np.asarray(dy)
    except ValueError as error:
        raise ShapeMismatch(f"what fun returned makes no array: {error}") from error
    if np.shape(dy) == shape:
        return dy
    if np.size(dy) == 1 == math.prod(shape):  # as SciPy allows
        return np.reshape(dy, shape)
    raise ShapeMismatch(
        f"fun returned an array of shape {np.shape(dy)} for a state of shape {shape}: return "
        "one derivative for each component of y"
    )
