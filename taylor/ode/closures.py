"""Right-hand sides and events that have their parameters from the functions around them.

What they use of values of the package becomes arguments, in front of those that are given.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from taylor.core.outside import inside, outside
from taylor.ode.options import as_args

F = TypeVar("F", bound=Callable[..., Any])


def with_closures(solve: F) -> F:
    """Return a solver of initial value problems whose functions may use values from outside."""

    @functools.wraps(solve)
    def solved(fun: Any, t_span: Any, y0: Any, *positional: Any, **named: Any) -> Any:
        events, dosing = named.get("events"), named.get("dosing")
        jumps = dosing[1] if isinstance(dosing, (tuple, list)) and len(dosing) == 2 else None
        jumps = jumps if callable(jumps) else None
        held = outside(fun, events, jumps)
        if not held or not callable(fun):
            return solve(fun, t_span, y0, *positional, **named)
        named["args"] = (*held, *as_args(named.get("args")))
        if events is not None:
            several = hasattr(events, "__iter__") and not callable(events)
            named["events"] = [_event(e, held) for e in events] if several else _event(events, held)
        if dosing is not None and jumps is not None:
            named["dosing"] = dosing[0], _changing(jumps, held)
        return solve(_given(fun, held), t_span, y0, *positional, **named)

    return cast(F, solved)


def _given(f: Any, held: Sequence[Any]) -> Any:
    """Return f(t, y, *args) as a function of (t, y, *what it holds, *args)."""

    def g(t: Any, y: Any, *args: Any) -> Any:
        return inside(f, held, args[: len(held)])(t, y, *args[len(held) :])

    return g


def _changing(f: Any, held: Sequence[Any]) -> Any:
    """Return the same of a function that may return (a state, its new args)."""
    given = _given(f, held)

    def g(t: Any, y: Any, *args: Any) -> Any:
        found = given(t, y, *args)
        if isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], (tuple, list)):
            return found[0], (*args[: len(held)], *found[1])
        return found

    return g


def _event(f: Any, held: Sequence[Any]) -> Any:
    """Return an event function with its attributes, as a function of what it holds, too."""
    if not callable(f):
        return f
    g = _given(f, held)
    for name in ("terminal", "direction"):
        if hasattr(f, name):
            setattr(g, name, getattr(f, name))
    if callable(callback := getattr(f, "callback", None)):
        vars(g)["callback"] = _changing(callback, held)
    return g
