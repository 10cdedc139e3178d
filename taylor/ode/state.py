"""The state of a run, and fun recorded there: what an integrator begins with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from taylor.drivers.compile import Compiled
from taylor.errors import DomainError, IntegrationError, ShapeMismatch, TaylorError, eagerly
from taylor.ode.control import NONE, reported
from taylor.ode.machine import Memory, Stepper
from taylor.ode.options import Options, as_args, in_one_kind
from taylor.ode.pieces import Place
from taylor.ode.rests import Elements
from taylor.ode.sliding import Sliding, Turn
from taylor.ode.stepper import machine_of
from taylor.ode.stiffness import Creep, Stiffness
from taylor.ode.surfaces import Surface
from taylor.ode.system import System, is_parameter
from taylor.ode.zeros import Zero

Array = NDArray[Any]


class State:
    """Time and state, both sums of two numbers, and fun and its machine on the branch there."""

    elements = Elements()  # of y in the state

    @classmethod
    def of(
        cls, fun: Callable[..., Any], t0: Any, y0: Any, args: Sequence[Any], options: Options
    ) -> Self:
        """Return an integrator with options that have been checked."""
        it = cls.__new__(cls)
        it._begin(fun, t0, y0, args, options)
        return it

    def _begin(
        self, fun: Callable[..., Any], t0: Any, y0: Any, args: Sequence[Any], options: Options
    ) -> None:
        self.strict = options.strict or (isinstance(fun, Compiled) and fun.strict)
        self.fun = fun.f if isinstance(fun, Compiled) else fun
        self._args = as_args(args)
        t, y = in_one_kind(t0, y0)
        self.place = Place(t, 0 * t, y, 0 * y)
        control = self.control = options.control(y)
        self.tol, self.order, self.factor = control.tol, control.order, control.factor
        self.h: Any = 0 * self.t  # of the last step
        self.steps = 0  # taken so far: series of the solution that were computed
        self.worst = NONE  # log2 of the largest estimate of an error of a step, relative to y
        self.warnings: list[str] = []
        self.stiffness = Stiffness()
        self._left: Surface | None = None  # where fun has just changed its branch
        self._room: Any = math.inf  # twice as far as to the last surface
        self._further = 0  # how often a surface had to be left further behind
        self.at_zero: Any = 0  # at a zero of a function: the length of the step that led there
        self._zero: Zero | None = None  # that has been left behind
        self.touches: list[tuple[Place, Any]] | None = None  # whoever asks for them gives a list
        self.turns: list[Turn] | None = None  # and for where the run begins, and ends, to slide
        self._creep = Creep(t)
        self.leapt = False  # over a singular time, by the last step over one or from a zero
        self._again = 0  # steps that lead away from zeros, one after the other
        self.rested: Any = None  # the time at which elements of y came to rest last
        self._bind()

    def __repr__(self) -> str:
        return f"<Taylor integrator at t = {self.t}, order {self.order}, {self.steps} steps>"

    # -------------------------------------------------------------- state
    @property
    def place(self) -> Place:
        """Time and state."""
        return Place(self.t, self.t_low, self.y, self.y_low)

    @place.setter
    def place(self, place: Place) -> None:
        self.t, self.t_low, self.y, self.y_low = place

    def set_state(self, t: Any, y: Any) -> None:
        """Go on from another time and state."""
        t, y = in_one_kind(t, y)
        if y.dtype.kind == "c" and self.y.dtype.kind != "c":
            raise TypeError("the state is real; a complex one needs a complex y0 from the start")
        if y.shape != self.y.shape:
            raise ShapeMismatch(f"the state has shape {self.y.shape}, not {y.shape}")
        y = y.astype(self.y.dtype)
        self.place = Place(t, 0 * t, y, 0 * y)
        self._left, self.at_zero, self._zero = None, 0, None
        if isinstance(self.fun, Sliding):
            self.renew()

    @property
    def error(self) -> float:
        """The largest h·|p'(h) - fun(t + h, p(h))| of steps so far, relative to the state."""
        return reported(self.worst)

    @property
    def args(self) -> tuple[Any, ...]:
        """The further arguments of fun."""
        return self._args

    @args.setter
    def args(self, args: Sequence[Any]) -> None:
        args = as_args(args)
        same = len(args) == len(self._args) and all(
            is_parameter(a) and np.shape(a) == np.shape(b) if i in self.system.free else a is b
            for i, (a, b) in enumerate(zip(args, self._args, strict=True))
        )
        self._args, self._left, self._zero = args, None, None
        if not same or isinstance(self.fun, Sliding):
            return self.renew()
        self._parameters = self.system.parameters(args)
        if self._memory is not None:
            self._memory.parameters(self._parameters)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_memory": None, "system": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bind()

    def _bind(self) -> None:
        """Record fun at the present state, and have the machine for that branch."""
        try:
            self._use(System(self.fun, self.t, self.y, self._args))
        except DomainError as error:
            raise IntegrationError(
                f"fun has no value at t = {self.t}, y = {self.y}: {error}"
            ) from error

    def _use(self, system: System) -> None:
        """Step by a system of fun at the present state."""
        self.system, self._parameters = system, system.parameters(self._args)
        machine = self._machine(system)
        self._memory = None if machine is None else Memory(machine, self._parameters)

    def renew(self) -> None:
        """Record fun anew: what it reads besides its arguments may have changed."""
        self._left = None
        while isinstance(self.fun, Sliding):
            self.fun = self.fun.fun
        self._bind()

    def _rebind(self) -> None:
        """Record fun on another side of a surface, if its program depends on the side."""
        if self.system.program is None or self.system.program.guards:
            self._bind()

    def _machine(self, system: System) -> Stepper | None:
        """Return the machine of the steps, or None where they run through NumPy."""
        if system.program is not None and (self.y.dtype == object or not self.y.size):
            return None  # numbers of no machine
        try:
            return machine_of(system, self.y, self._parameters, self.order, self.factor)
        except (TaylorError, TypeError, ImportError, OSError) as error:
            self._slow(str(error))
            return None

    def _slow(self, why: str) -> None:
        """Say, once, why steps have no machine code."""
        if self.strict or why not in self.warnings:
            self.warnings.append(why)
            eagerly("the integration", why, self.strict)

    @property
    def counts(self) -> dict[str, int]:
        """How many series of the solution were computed, by the names of SciPy's results."""
        return {"nfev": self.steps, "njev": 0, "nlu": 0}
