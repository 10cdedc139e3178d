"""Units of time: coefficients of long and of short times are those of times near one.

The coefficient of order p of y' = w·y is w^p/p!, beyond the range of doubles for w = 1e17, and for
1e-17 below.  A run over a time T is one over T/u in units u of time, y' = u·f(u·t, y); for powers
of two nothing is rounded.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from taylor.core.operand import lift
from taylor.drivers.compile import Compiled
from taylor.errors import IntegrationError
from taylor.numbers.kinds import base, is_operand
from taylor.numbers.values import is_number
from taylor.ode.dense import SolutionInUnits

P = ParamSpec("P")
R = TypeVar("R")
FAR = 40  # log2 of a span in one's own units
MOST = 1000  # log2 of a unit


def unit_of(t_span: Any) -> float:
    """Return the unit of time for a span: a power of two, one for spans of ordinary lengths.

    >>> unit_of((0.0, 100.0)), unit_of((0.0, 1e-20)) == 2.0**-66
    (1.0, True)
    """
    try:
        length = abs(float(base(lift(t_span[1]))) - float(base(lift(t_span[0]))))
    except (TypeError, ValueError, IndexError):  # which is said elsewhere
        return 1.0
    if not 0 < length < math.inf or abs(math.log2(length)) <= FAR:
        return 1.0
    return math.ldexp(1.0, max(-MOST, min(MOST, round(math.log2(length)))))


def rate(fun: Callable[..., Any], unit: float, t: Any, y: Any, *args: Any) -> Any:
    """Return y' in a unit of time."""
    dy = fun(t * unit, y, *args)
    if dy is None or isinstance(dy, (str, dict)):
        return dy
    dy = lift(dy)
    return (dy if is_operand(dy) else np.asarray(dy)) * unit


def at_time(function: Callable[..., Any], unit: float, t: Any, *given: Any) -> Any:
    """Return a function of time in a unit of it."""
    return function(t * unit, *given)


def _event(g: Any, unit: float) -> Any:
    if not callable(g):
        return g
    own: Any = functools.partial(at_time, g, unit)
    for name in ("terminal", "direction"):
        if hasattr(g, name):
            setattr(own, name, getattr(g, name))
    callback = getattr(g, "callback", None)
    own.callback = functools.partial(at_time, callback, unit) if callable(callback) else callback
    return own


def _doses(dosing: Any, unit: float) -> Any:
    if not isinstance(dosing, (tuple, list)) or len(dosing) != 2:
        return dosing
    times, jumps = dosing
    return _scaled(times, unit), (
        functools.partial(at_time, jumps, unit) if callable(jumps) else jumps
    )


def _scaled(times: Any, unit: float) -> Any:
    """Return times in a unit of them; what is none is left as it is, which is said elsewhere."""
    if isinstance(times, (list, tuple)) or (np.asarray(times).dtype == object and np.ndim(times)):
        return [_scaled(t, unit) for t in times]
    times = lift(times)
    floats = isinstance(times, np.ndarray) and times.dtype.kind in "iuf"
    return times / unit if is_operand(times) or floats or is_number(times) else times


def _given(given: dict[str, Any], unit: float) -> dict[str, Any]:
    """Return the arguments of a run in a unit of time."""
    fun, events = given["fun"], given.get("events")
    if isinstance(fun, Compiled):
        fun = fun.f
    if callable(fun):
        fun = functools.partial(rate, fun, unit)
    given |= {"fun": fun, "t_span": [t / unit for t in given["t_span"]]}
    if given.get("t_eval") is not None:
        given["t_eval"] = _scaled(given["t_eval"], unit)
    if events is not None:
        several = hasattr(events, "__iter__") and not callable(events)
        given["events"] = [_event(g, unit) for g in (events if several else [events])]
    if "dosing" in given:
        given["dosing"] = _doses(given["dosing"], unit)
    if "max_step" in given:
        given["max_step"] = _scaled(given["max_step"], unit)
    return given


def _back(found: Any, unit: float) -> Any:
    """Return a result in one's own time."""
    if not isinstance(found, dict):
        return found
    for name in ("t", "t_last", "t_doses"):
        if found.get(name) is not None:
            found[name] = found[name] * unit
    if found.get("t_events") is not None:
        found["t_events"] = each(lambda t: t * unit, found["t_events"])
    if found.get("sol") is not None:
        found["sol"] = each(lambda sol: SolutionInUnits(sol, unit), found["sol"])
    if "message" in found:
        told = np.asarray(found["message"], dtype=object)
        said = [_in_units(str(m), unit) for m in told.reshape(-1)]
        found["message"] = np.array(said, dtype=object).reshape(told.shape)[()]
    return found


def each(change: Callable[[Any], Any], x: Any) -> Any:
    """Return what is in lists, and lists of them, changed."""
    return [each(change, e) for e in x] if isinstance(x, list) else change(x)


def _in_units(message: str, unit: float) -> str:
    return f"{message} (times in units of {unit})" if "t = " in message else message


def of_any_time(solve: Callable[P, R]) -> Callable[P, R]:
    """Have a function of (fun, t_span, ...) integrate very long and very short spans in units of
    time that suit them, where it takes Taylor series.
    """
    signature = inspect.signature(solve)
    place = list(signature.parameters).index("t_span")

    @functools.wraps(solve)
    def solved(*args: P.args, **kwargs: P.kwargs) -> R:
        unit = unit_of(args[place] if len(args) > place else kwargs.get("t_span"))
        if unit == 1.0:
            return solve(*args, **kwargs)
        given = signature.bind(*args, **kwargs).arguments
        if given.get("method") not in (None, "Taylor"):
            return solve(*args, **kwargs)
        more = given.pop("more", {})
        run: Any = solve
        try:
            found = run(**_given(given, unit), **more)
        except IntegrationError as error:
            if getattr(error, "result", None) is not None:
                error.result = _back(error.result, unit)
            error.args = (_in_units(str(error), unit),)
            raise
        return _back(found, unit)  # type: ignore[no-any-return]

    return solved
