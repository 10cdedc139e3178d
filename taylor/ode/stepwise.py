"""`TaylorIntegrator`, `MethodIntegrator`: for programs that hold the reins, with events and doses.

Without these they are the integrators of `solve_ivp`.  With them each call takes its steps towards
an end as a run of `solve_ivp` does, up to an event that ends it, and the next call goes on there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.operand import lift
from taylor.numbers.kinds import is_operand
from taylor.ode.closures import held_by
from taylor.ode.dense import check_order, in_numbers_of
from taylor.ode.doses import given_at_start, schedule
from taylor.ode.events import Events
from taylor.ode.integrator import Integrator
from taylor.ode.methods import ByMethod, MethodOptions, chosen
from taylor.ode.options import FOREIGN, Options, as_args, check_names, check_time, tolerance_of
from taylor.ode.pieces import Pieces
from taylor.ode.record import Record

Array = NDArray[Any]
FIRST = 16  # steps taken at first, before events are looked for
OTHER = "steps of method={!r} takes taylor.ode.MethodIntegrator(fun, t0, y0, method)"
LACKING = "got an unexpected keyword argument {!r}: solve_ivp has t_eval and dense_output"


VARIES = (
    "{} differentiated: an integrator takes its steps in plain numbers; derivatives come from "
    "solve_ivp, solve_ensemble, value_and_gradient and flow_map"
)


def _check_names(named: dict[str, Any], known: Collection[str], method: Any = None) -> None:
    """Raise TypeError for what no argument of an integrator is called."""
    if lacking := named.keys() & {"t_eval", "dense_output"}:
        raise TypeError(LACKING.format(min(lacking)))
    known = *known, "fun", "t0", "y0", "args", "rtol", "method", "events", "dosing"
    check_names(named, known, method)


class Left(NamedTuple):
    """Where the last call has led to, and in which direction; to nowhere yet is the sign 0."""

    sign: int
    t: Any
    y: Array


class Stepwise(Integrator):
    """An integrator that is driven step by step, with the events and doses of `solve_ivp`."""

    watch: Events | None = None
    ended = False

    def _check(
        self, fun: Any, given: dict[str, Any], events: Any = None, dosing: Any = None
    ) -> None:
        """Raise TypeError where something that is given is, or holds, a differentiated value."""
        for name, x in given.items():
            each = (*x, *held_by(None, None, None, x)) if name == "args" else (x,)
            if any(is_operand(lift(one)) for one in each):
                raise TypeError(VARIES.format(f"{name} is" if name != "args" else "one of args is"))
        if held_by(fun, events, dosing, ()):
            raise TypeError(VARIES.format("fun, events or dosing use a value that is"))

    def _watch(self, events: Any, dosing: Any) -> None:
        """Have events and doses, checked, if there are any."""
        if events is None and dosing is None:
            return
        schedule(dosing, (self.t, math.inf), self.y, None)
        self.watch, self.dosing = Events(events, [], self, self.t), dosing
        self.asked = events is not None
        self.left = Left(0, self.t, self.y.copy())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if self.watch is not None:
            self.watch.read()

    # -------------------------------------------------------------- what was met
    def _logged(self) -> dict[str, Any]:
        return self.watch.result(self.asked, self.dosing is not None, 0) if self.watch else {}

    @property
    def t_events(self) -> list[Array] | None:
        """The times of each event so far; None without events."""
        return self._logged().get("t_events")

    @property
    def y_events(self) -> list[Array] | None:
        """The states at these times."""
        return self._logged().get("y_events")

    @property
    def t_doses(self) -> Array | None:
        """The times of the doses so far; None without `dosing`."""
        return self._logged().get("t_doses")

    @property
    def y_doses(self) -> Array | None:
        """The states before them."""
        return self._logged().get("y_doses")

    # -------------------------------------------------------------- towards an end
    @property
    def args(self) -> tuple[Any, ...]:
        """The further arguments of fun, and of events."""
        return super().args

    @args.setter
    def args(self, args: Sequence[Any]) -> None:
        self._check(None, {"args": as_args(args)})
        Integrator.args.fset(self, as_args(args))  # type: ignore[attr-defined]
        if self.watch is not None:
            self.watch.go_on_with(self._args)

    def _head(self, watch: Events, t_end: Any) -> None:
        """Go towards a time from here, where a user may have set time and state.

        Doses at a time that is set are given already: the state there is that after them.
        """
        self.ended, sign = False, 1 if t_end > self.t else -1
        for event in watch.functions:
            event.rearm()
        watch.last = t_end if abs(t_end) == math.inf else t_end + 0 * self.t
        before = self.left
        moved = before.sign != 0 and not (before.t == self.t and np.array_equal(before.y, self.y))
        if not moved and sign == before.sign:
            return
        doses = schedule(self.dosing, (self.t, sign * math.inf), self.y, None)
        if moved and sign > 0:
            doses = [dose for dose in doses if dose.t != self.t]
        y, args, at_start = given_at_start(doses, self.t, self.y, self._args)
        watch.turn(doses, moved or bool(at_start))
        watch.begin(at_start)
        if at_start:
            self.set_state(self.t, y)
            if args != self._args:
                self.args = args
        self.left = before._replace(sign=sign)

    def _handled(self, watch: Events, pieces: Pieces) -> Pieces:
        """Return the steps up to what ends the run, which is noted."""
        pieces, self.ended = watch.handle(pieces)
        self.left = self.left._replace(t=self.t, y=self.y.copy())
        return pieces

    def step(self, t_bound: Any = math.inf) -> Any:
        """Take one step towards t_bound, or up to an event, and return its length.

        >>> growth = TaylorIntegrator(lambda t, y: y, 0.0, 1.0)
        >>> h = growth.step()
        >>> bool(abs(growth.y - np.exp(h)) < 1e-15)
        True
        """
        if self.watch is None:
            return super().step(t_bound)
        check_time(t_bound, finite=False)
        if t_bound == self.t:
            return 0 * self.t
        self._head(self.watch, t_bound)
        pieces = self._handled(self.watch, next(self.march(t_bound, 1, stop=self.watch.next)))
        return pieces.h.sum()

    def propagate_until(self, t: Any, *, max_steps: int | None = None) -> Array:
        """Step until time t exactly, or up to a terminal event, and return y there.

        Raises IntegrationError where the solution ends before, or after `max_steps` steps; the
        state is then that of the last step.
        """
        if self.watch is None:
            return super().propagate_until(t, max_steps=max_steps)
        check_time(t)
        if t != self.t:
            self._head(self.watch, t)
        for pieces in self.march(t, max_steps, first=FIRST, stop=self.watch.next):
            self._handled(self.watch, pieces)
            if self.ended:
                break
        return self.y.copy()

    def propagate_grid(self, times: Any, *, max_steps: int | None = None) -> Array:
        """Return y at times in the order of integration, of shape (*shape of y, number of times).

        The steps are not shortened for the times between: the polynomials are evaluated there.
        After a terminal event, where the run ends, y is nan.
        """
        if self.watch is None:
            return super().propagate_grid(times, max_steps=max_steps)
        grid = in_numbers_of(self.y, times).reshape(-1)
        if len(grid):
            check_order(self.t, grid)
            if grid[-1] != self.t:
                self._head(self.watch, grid[-1])
        record = Record(self, grid)
        for pieces in self.march(grid[-1], max_steps, stop=self.watch.next) if len(grid) else ():
            record.add(self._handled(self.watch, pieces))
            if self.ended:
                break
        y = record.states()
        beyond = np.full((*self.y.shape, len(grid) - y.shape[-1]), np.nan)
        return np.concatenate([y, beyond], axis=-1)


class TaylorIntegrator(Stepwise):
    """The initial value problem y' = fun(t, y, *args), y(t0) = y0, stepped by Taylor series.

    `fun` is written in NumPy and returns an array (or list) in the shape of y; y0 has any shape and
    any numbers: float64, complex128, mpmath numbers, intervals.  `tol` is the error of a step
    relative to the largest component of y (default: the precision of the numbers), `atol` a size of
    y below which the error need not fall; `order` is that of Jorba & Zou for `tol` if not given.
    Arguments that are numbers or arrays may be changed later (`args`) without compiling again.
    Where steps on floats or complex numbers have no machine code a PerformanceWarning says why;
    with `strict` that is a CompileError.

    `events` and `dosing` are those of `solve_ivp`; `t_events`, `y_events`, `t_doses`, `y_doses` are
    logs of what was met so far.  A terminal event ends the call, at its time, and `ended` says so;
    the next call goes on from there.

    >>> pendulum = TaylorIntegrator(lambda t, y: [y[1], -np.sin(y[0])], 0.0, [1.0, 0.0])
    >>> pendulum.propagate_until(10.0).round(8)
    array([-0.99894981, -0.04203338])
    >>> float(pendulum.t), pendulum.order
    (10.0, 20)
    """

    def __init__(
        self,
        fun: Callable[..., Any],
        t0: Any,
        y0: Any,
        *,
        args: Sequence[Any] = (),
        tol: Any = None,
        order: int | None = None,
        max_step: Any = math.inf,
        rtol: Any = None,
        atol: Any = None,
        strict: bool = False,
        events: Any = None,
        dosing: Any = None,
        method: None = None,
        **more: Any,
    ) -> None:
        _check_names(more, Options.__dataclass_fields__)
        if method is not None:
            raise TypeError(OTHER.format(method))
        self._check(fun, {"t0": t0, "y0": y0, "args": as_args(args)}, events, dosing)
        given = Options.of(tol, rtol, order, max_step, atol, strict)
        self._begin(fun, t0, y0, args, given.fitting(y0))
        self._watch(events, dosing)


class MethodIntegrator(Stepwise, ByMethod):
    """A `TaylorIntegrator` whose steps are those of another method, for stiff problems.

    `method` is one of `solve_ivp`: "RadauIIA", "BDF", "LSODA", ..., "auto"; `tol` (default 1e-8)
    and `atol` are the tolerances, `more` are the method's other options.

    >>> decay = MethodIntegrator(lambda t, y: -1e6 * (y - np.cos(t)), 0.0, [0.0], "RadauIIA")
    >>> decay.propagate_until(1.0).round(6)
    array([0.540303])
    """

    def __init__(
        self,
        fun: Callable[..., Any],
        t0: Any,
        y0: Any,
        method: Any,
        *,
        args: Sequence[Any] = (),
        tol: Any = None,
        rtol: Any = None,
        max_step: Any = math.inf,
        atol: Any = None,
        strict: bool = False,
        events: Any = None,
        dosing: Any = None,
        **more: Any,
    ) -> None:
        _check_names(more, (*Options.__dataclass_fields__, *FOREIGN), method)
        self._check(fun, {"t0": t0, "y0": y0, "args": as_args(args)}, events, dosing)
        options = chosen(method, tolerance_of(tol, rtol), None, max_step, atol, strict, more)
        if not isinstance(options, MethodOptions):
            raise TypeError(f"method={method!r} are Taylor series: those of TaylorIntegrator")
        self._begin(fun, t0, y0, args, options)
        self._watch(events, dosing)
