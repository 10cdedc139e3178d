"""Complex states: their real and imaginary parts, along a new first axis, are states of reals.

A function of real time may pass through complex numbers, so that fun has a Taylor series where |z|,
conj z, or parts of z stand in it, too; steps, events and derivatives are those of reals.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np

from taylor.core.memory import fresh
from taylor.core.node import Node
from taylor.core.operand import as_array, is_complex, lift
from taylor.core.parts import part
from taylor.errors import IntegrationError
from taylor.numbers.kinds import is_operand
from taylor.ode.dense import Solution, SolutionInUnits
from taylor.ode.options import argument, as_args, check_double, members_args, numbers_of
from taylor.ode.system import at_one_state, is_parameter, shaped
from taylor.ode.units import each

F = TypeVar("F", bound=Callable[..., Any])


def split(z: Any, axis: int = 0) -> Any:
    """Return the real and the imaginary part along a new axis."""
    z = as_array(z)
    return np.stack([part("real", z), part("imag", z)], axis=axis)


def joined(y: Any, axis: int = 0) -> Any:
    """Return the complex numbers of these parts.

    >>> joined(split([1.0 + 2.0j]))
    array([1.+2.j])
    """
    re, im = (y[(*(slice(None),) * axis, i)] for i in (0, 1))
    if not isinstance(re, np.ndarray) or re.dtype == object:
        return re + 1j * im
    z = re.astype(complex)  # 1j·inf has a real part, which is nan
    z.imag = im
    return z


def is_split(y0: Any, args: Sequence[Any]) -> bool:
    """Whether a state is complex, and y0 and args no functions of complex variables: these are
    holomorphic, as fun has to be.
    """
    given = [lift(y0), *map(argument, args)]
    return bool(is_complex(as_array(given[0]))) and not any(map(_of_complex_variables, given))


def _of_complex_variables(x: Any) -> bool:
    if isinstance(x, Node):
        return any(is_complex(x.tape.values[i]) for i in x.tape.inputs)
    return is_operand(x) and is_complex(x) and not x.tag.real


class Parts:
    """A problem with a complex state as one of reals: its fun, state, args, events and doses."""

    def __init__(self, fun: Callable[..., Any], args: Sequence[Any]) -> None:
        self.places = [i for i, a in enumerate(args) if _is_complex(argument(a))]
        self.args = self.split_args(args)
        self.fun = self._of_parts(shaped(fun))

    def split_args(self, args: Sequence[Any]) -> tuple[Any, ...]:
        """Return arguments with the parts of those that are complex."""
        return tuple(split(a) if i in self.places else a for i, a in enumerate(args))

    def joined_args(self, args: Sequence[Any]) -> tuple[Any, ...]:
        """Return the arguments of these parts."""
        return tuple(joined(a) if i in self.places else a for i, a in enumerate(args))

    def _of_parts(self, f: Callable[..., Any]) -> Callable[..., Any]:
        def g(t: Any, y: Any, *args: Any) -> Any:
            return split(lift(f(t, joined(y), *self.joined_args(args))))

        vars(g).update(
            __wrapped__=f, made=("parts", *self.places)
        )  # which says all: see `recalled`
        return g

    # -------------------------------------------------------------- events and doses
    def events(self, events: Any) -> Any:
        """Return event functions of the parts, with their attributes."""
        if events is None or callable(events):
            return events if events is None else self._event(events)
        return [self._event(g) for g in events]

    def _event(self, g: Any) -> Any:
        if not callable(g):
            return g

        @functools.wraps(g)
        def event(t: Any, y: Any, *args: Any) -> Any:
            return g(t, joined(y), *self.joined_args(args))

        for name in ("direction", "terminal"):  # of an object they may be properties
            if hasattr(g, name):
                setattr(event, name, getattr(g, name))
        callback = getattr(g, "callback", None)
        event.callback = self._callback(callback) if callable(callback) else callback  # type: ignore[attr-defined]
        return event

    def _callback(self, callback: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(callback)
        def of_parts(t: Any, y: Any, *args: Any) -> Any:
            z, given = joined(y), self.joined_args(args)
            own = [z, *(given[i] for i in self.places)]
            before = [fresh(x) for x in own]
            found = callback(t, z, *given)
            if found is None:  # it may have written into what it was given
                same = all(map(np.array_equal, before, own))
                return None if same else (split(z), self.split_args(given))
            return self._split_found(found)

        return of_parts

    def _split_found(self, found: Any) -> Any:
        """Return the parts of a state, or of (state, args)."""
        if isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], tuple):
            return split(found[0]), self.split_args(found[1])
        return split(found)

    def dosing(self, dosing: Any, shape: tuple[int, ...]) -> Any:
        """Return (times, jumps) with the parts of the jumps."""
        if not isinstance(dosing, (tuple, list)) or len(dosing) != 2:
            return dosing
        times, jumps = dosing
        if callable(jumps):

            @functools.wraps(jumps)
            def by(t: Any, y: Any, *args: Any) -> Any:
                found = jumps(t, joined(y), *self.joined_args(args))
                return None if found is None else self._split_found(found)

            return times, by
        jumps = as_array(jumps)
        return times, split(jumps, int(np.shape(jumps) != shape))


def _is_complex(x: Any) -> bool:
    return (is_operand(x) or is_parameter(x)) and is_complex(as_array(x))


# ------------------------------------------------------------------ results
def whole(found: Any, members: int = 0) -> Any:
    """Return a result of parts with the complex states; the parts lie after so many axes."""
    for name in ("y", "y_last"):
        if found.get(name) is not None:
            found[name] = joined(found[name], members)
    for name in ("y_events", "y_doses"):
        if found.get(name) is not None:
            found[name] = each(lambda y: joined(y, 1), found[name])
    if found.get("sol") is not None:
        found["sol"] = each(solution, found["sol"])
    return found


def solution(sol: Any) -> Any:
    """Return a solution of parts as one of complex states."""
    if isinstance(sol, SolutionInUnits):
        return SolutionInUnits(solution(sol.sol), sol.unit)
    return Solution(sol.t, sol.low, joined(sol.coef, 2))


# ------------------------------------------------------------------ what users call
def in_parts(solve: F) -> F:
    """Return a solver of initial value problems that solves one with a complex state by parts."""

    @functools.wraps(solve)
    def solved(fun: Any, t_span: Any, y0: Any, *positional: Any, **named: Any) -> Any:
        y0, args = numbers_of(y0, "y0"), as_args(named.get("args"))
        if not (callable(fun) and is_split(y0, args)):
            return solve(fun, t_span, y0, *positional, **named)
        check_double(y0)
        _check_jac(named)
        parts = Parts(at_one_state(fun) if named.pop("vectorized", None) else fun, args)
        named["args"] = parts.args
        if named.get("events") is not None:
            named["events"] = parts.events(named["events"])
        if named.get("dosing") is not None:
            named["dosing"] = parts.dosing(named["dosing"], np.shape(lift(y0)))
        try:
            return whole(solve(parts.fun, t_span, split(y0), *positional, **named))
        except IntegrationError as error:
            error.result = None if error.result is None else whole(error.result)
            raise

    return cast(F, solved)


def members_in_parts(solve: F) -> F:
    """Return a solver for many initial values that solves those with complex states by parts."""

    @functools.wraps(solve)
    def solved(fun: Any, t_span: Any, y0: Any, *positional: Any, **named: Any) -> Any:
        z, args = numbers_of(y0, "y0"), members_args(named.get("args"))
        if not callable(fun) or not np.ndim(z) or not is_split(z, ()):
            return solve(fun, t_span, y0, *positional, **named)
        check_double(z)
        _check_jac(named)
        each = args if isinstance(args, list) else [as_args(args)]
        own = at_one_state(fun) if named.pop("vectorized", None) else getattr(fun, "f", fun)
        parts = Parts(own, each[0] if each else ())
        given = [parts.split_args(a) for a in each]
        named["args"] = given if isinstance(args, list) else given[0]
        if named.get("events") is not None:
            named["events"] = parts.events(named["events"])
        return whole(solve(parts.fun, t_span, split(z, 1), *positional, **named), 1)

    return cast(F, solved)


def _check_jac(named: dict[str, Any]) -> None:
    if named.get("jac") is not None and named.get("method") is not None:
        raise TypeError("a complex state is integrated by its parts, whose Jacobian is known: "
                        "leave jac out")  # fmt: skip
