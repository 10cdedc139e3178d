"""Right-hand sides and events that have their parameters from the functions around them.

What they use of values of the package becomes arguments, in front of those that are given.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from taylor.core.outside import opened, outside
from taylor.numbers.kinds import is_operand
from taylor.ode.options import as_args

F = TypeVar("F", bound=Callable[..., Any])


def with_closures(solve: F) -> F:
    """Return a solver of initial value problems whose functions may use values from outside."""

    @functools.wraps(solve)
    def solved(fun: Any, t_span: Any, y0: Any, *positional: Any, **named: Any) -> Any:
        events, dosing = named.get("events"), named.get("dosing")
        jumps = dosing[1] if isinstance(dosing, (tuple, list)) and len(dosing) == 2 else None
        jumps = None if is_operand(jumps) or not callable(jumps) else jumps
        held = outside(fun, events, jumps)
        if not held or not callable(fun):
            return solve(fun, t_span, y0, *positional, **named)
        named["args"] = (*held, *as_args(named.get("args")))
        if events is not None:
            several = hasattr(events, "__iter__") and not callable(events)
            named["events"] = [_event(e, held) for e in events] if several else _event(events, held)
        if dosing is not None and jumps is not None:
            named["dosing"] = dosing[0], _changing(jumps, held)
        return solve(opened(fun, held, 2), t_span, y0, *positional, **named)

    return cast(F, solved)


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
