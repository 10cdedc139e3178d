"""Right-hand sides and events that have their parameters from the functions around them.

What they use of values of the package becomes arguments, in front of those that are given.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from taylor.core.outside import opened, outside
from taylor.numbers.kinds import is_operand
from taylor.ode.options import as_args, members_args

F = TypeVar("F", bound=Callable[..., Any])


def held_by(fun: Any, events: Any, dosing: Any) -> list[Any]:
    """Return the values of the package that the functions of a problem have from outside."""
    each = dosing if isinstance(dosing, list) else [dosing]
    return outside(fun, events, *(d[1] for d in each if _varies(d))) if callable(fun) else []


def with_closures(solve: F, arguments: Callable[[Any], Any] = as_args) -> F:
    """Return a function of a problem, solve(fun, t_span, y0, ...) or solve(cost, fun, ...), whose
    functions may use values from outside.
    """
    place = list(inspect.signature(solve).parameters).index("fun")

    @functools.wraps(solve)
    def solved(*given: Any, **named: Any) -> Any:
        fun: Any = given[place] if len(given) > place else named.get("fun")
        events, dosing = named.get("events"), named.get("dosing")
        held = held_by(fun, events, dosing)
        if not held:
            return solve(*given, **named)
        args, count, own = arguments(named.get("args")), len(held), opened(fun, held, 2)
        if len(given) > place:
            given = (*given[:place], own, *given[place + 1 :])
        else:
            named["fun"] = own
        several = isinstance(args, list)
        named["args"] = [(*held, *a) for a in args] if several else (*held, *args)
        if events is not None:
            several = hasattr(events, "__iter__") and not callable(events)
            named["events"] = [_event(e, held) for e in events] if several else _event(events, held)
        if dosing is not None:
            several = isinstance(dosing, list) and any(map(_varies, dosing))
            named["dosing"] = [_doses(d, held) for d in dosing] if several else _doses(dosing, held)
        if "wrt" in named:
            places = [named["wrt"]] if isinstance(named["wrt"], (str, int)) else named["wrt"]
            named["wrt"] = [i + count if isinstance(i, int) else i for i in places]
        found = solve(*given, **named)
        return (*found[:2], found[2][count:]) if place else found

    return cast(F, solved)


def members_with_closures(solve: F) -> F:
    """Return the same of one for many initial values, each of which may have args of its own."""
    return with_closures(solve, members_args)


def _varies(dosing: Any) -> bool:
    """Whether doses are (times, a function)."""
    pair = isinstance(dosing, (tuple, list)) and len(dosing) == 2
    return pair and callable(dosing[1]) and not is_operand(dosing[1])


def _doses(dosing: Any, held: Sequence[Any]) -> Any:
    return (dosing[0], _changing(dosing[1], held)) if _varies(dosing) else dosing


def _changing(f: Callable[..., Any], held: Sequence[Any]) -> Callable[..., Any]:
    """Return the same of a function that may return (a state, its new args)."""
    given, count = opened(f, held, 2), len(held)

    def g(t: Any, y: Any, *args: Any) -> Any:
        found = given(t, y, *args)
        if isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], (tuple, list)):
            return found[0], (*args[:count], *found[1])
        return found

    return g


def _event(f: Any, held: Sequence[Any]) -> Any:
    """Return an event function with its attributes, as a function of what it holds, too."""
    if not callable(f):
        return f
    g = opened(f, held, 2)
    for name in ("terminal", "direction"):
        if hasattr(f, name):
            setattr(g, name, getattr(f, name))
    if callable(callback := getattr(f, "callback", None)):
        vars(g)["callback"] = _changing(callback, held)
    return g
