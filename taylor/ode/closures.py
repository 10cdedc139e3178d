"""Right-hand sides and events that have their parameters from the functions around them, from
globals, or from objects, dicts among them, that are arguments.

What they use of values of the package becomes arguments, in front of those that are given.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np

from taylor.core.operand import holds_operands, lift
from taylor.core.outside import Opening, opened, outside
from taylor.drivers.labelled import rule_of
from taylor.errors import TaylorError
from taylor.numbers.kinds import is_operand
from taylor.ode.options import FOREIGN, as_args, check_names, members_args

F = TypeVar("F", bound=Callable[..., Any])


def held_by(fun: Any, events: Any, dosing: Any, args: Any) -> list[Any]:
    """Return the values of the package that the functions of a problem have from outside, or from
    objects among args.
    """
    each = dosing if isinstance(dosing, list) else [dosing]
    functions = fun, events, *(d[1] for d in each if _varies(d))
    several = args if isinstance(args, list) else [args]
    objects = [a for given in several for a in given if _is_object(a)]
    return outside(*(functions if callable(fun) else ()), *objects)


class Holding(dict[str, Any]):
    """An object among args that holds values of the package, which are arguments, too."""


def _is_object(x: Any) -> bool:
    """Whether an argument is one of which only fun knows what it holds, if it holds something."""
    if isinstance(x, (list, tuple)) and not hasattr(x, "_fields"):
        try:
            return not (holds_operands(x) and lift(x) is not x) and bool(outside(x))
        except (TaylorError, TypeError, ValueError):
            return True
    number = is_operand(x) or isinstance(x, (float, int, complex, str, np.ndarray, np.generic))
    return not (number or rule_of(type(x)))


def _packed(args: Any) -> Any:
    """Return the arguments, or those of members, with objects that hold values by themselves."""
    if isinstance(args, list):
        return [_packed(a) for a in args]
    return tuple(Holding(object=a) if _is_object(a) and outside(a) else a for a in args)


def _unpacked(args: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(a["object"] if isinstance(a, Holding) else a for a in args)


def _opened(f: Callable[..., Any], held: Sequence[Any]) -> Callable[..., Any]:
    """Return f(t, y, *args) as a function of (t, y, *held, *args)."""
    given = opened(f, held, 2)

    def g(t: Any, y: Any, *args: Any) -> Any:
        return given(t, y, *_unpacked(args))

    vars(g)["__opened__"] = True
    return g


def with_closures(solve: F, arguments: Callable[[Any], Any] = as_args) -> F:
    """Return a function of a problem, solve(fun, t_span, y0, ...) or solve(cost, fun, ...), whose
    functions may use values from outside.
    """
    names = list(inspect.signature(solve).parameters)
    at = names.index("method") if "method" in names else 0
    place, known = (
        names.index("fun"),
        {*names, *((*FOREIGN, "vectorized") if "more" in names else ())} - {"more"},
    )

    @functools.wraps(solve)
    def solved(*given: Any, **named: Any) -> Any:
        method = given[at] if 0 < at < len(given) else named.get("method")
        check_names(named, known, method)
        fun: Any = given[place] if len(given) > place else named.get("fun")
        events, dosing = named.get("events"), named.get("dosing")
        args = arguments(named.get("args"))
        held = held_by(fun, events, dosing, args)
        if not held:
            return solve(*given, **named)
        args, count, own = _packed(args), len(held), _opened(fun, held)
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
    """Return the same of a function that may return (a state, its new args), or write into what it
    holds and into its args.
    """
    count = len(held)

    def g(t: Any, y: Any, *args: Any) -> Any:
        own = args[count:]
        opening = Opening((f, _unpacked(own)), held, args[:count])
        h, given = opening.whole
        found = h(t, y, *given)
        opening.write_back()
        if not (isinstance(found, tuple) and len(found) == 2):
            return found
        new, more = found
        if not isinstance(more, (tuple, list)):
            return found
        objects = tuple(opening.original(a) if _is_object(a) else a for a in more)
        return new, (*args[:count], *_packed(objects))

    vars(g)["__opened__"] = True
    return g


def _event(f: Any, held: Sequence[Any]) -> Any:
    """Return an event function with its attributes, as a function of what it holds, too."""
    if not callable(f):
        return f
    g = _opened(f, held)
    for name in ("terminal", "direction"):
        if hasattr(f, name):
            setattr(g, name, getattr(f, name))
    if callable(callback := getattr(f, "callback", None)):
        vars(g)["callback"] = _changing(callback, held)
    return g
