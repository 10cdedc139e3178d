"""What SciPy's solvers find, as functions of parameters: the implicit function theorem.

SciPy solves at plain numbers.  Derivatives follow from the equation that is solved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import scipy.optimize

from taylor.core.operand import as_array
from taylor.core.outside import objects_within, opened, outside
from taylor.drivers.implicit import implicit_root
from taylor.drivers.trees import joined
from taylor.numbers.kinds import is_operand

Function = Callable[..., Any]
DERIVATIVES = (
    "fprime",
    "fprime2",
    "jac",
    "hess",
    "hessp",
    "Dfun",
)  # options that are functions of args
PLAIN = {  # parts of a result that do not vary with the parameters
    "success", "converged", "status", "message", "flag", "nfev", "njev", "nhev", "nit",
    "iterations", "function_calls", "method", "active_mask",
}  # fmt: skip


def implicit(equation: Function, find: Function, args: Any) -> tuple[Any, Any]:
    """Return x with equation(x, *args) = 0 as a function of args, and what find(args) gave.

    find returns SciPy's result and x.  Nothing is differentiated if all args are plain; else of
    the result what has no digits is left: how often f was called, and whether it succeeded.
    """
    given = [as_array(p) for p in (args if isinstance(args, tuple) else (args,))]
    if not any(map(is_operand, given)):
        result, x = find(tuple(p[()] for p in given))
        return x, result
    vector, apart = joined(given)
    seen: list[Any] = []

    def solver(theta: Any) -> Any:
        result, x = find(tuple(apart(theta)))
        seen.append(result)
        return x

    x = implicit_root(lambda x, theta: equation(x, *apart(theta)), solver=solver)(vector)
    return x, {k: v for k, v in seen[-1].items() if k in PLAIN} if seen and seen[-1] else None


def taken_with(f: Function, args: Any, options: dict[str, Any]) -> tuple[Function, tuple[Any, ...]]:
    """Return f as a function of x and what it returns second: what f holds, then args.

    The functions among the options, changed in place, take the same: a Jacobian holds what f does.
    """
    put, args = objects_within(args if isinstance(args, tuple) else (args,))
    more = {name: put(options[name]) for name in DERIVATIVES if callable(options.get(name))}
    f = put(f)
    options |= more
    held = outside(f, *more.values())
    if not held:
        return f, args
    for name, g in more.items():
        options[name] = opened(g, held, 1 + (name == "hessp"))
    return opened(f, held, 1), (*held, *args)


def apart(f: Function, options: dict[str, Any], *names: str) -> Function:
    """Return the first result of f, where an option that is True says that there are more of them.

    Such options, changed in place, become the functions of the other results.
    """
    if not any([options.get(name) is True for name in names]):
        return f
    for n, name in enumerate(names, 1):
        if options.get(name) is True:
            options[name] = _result(f, n)
    return _result(f, 0)


def _result(f: Function, n: int) -> Function:
    return lambda *args: f(*args)[n]


def refused_full(name: str, instead: str, args: Any, options: dict[str, Any]) -> None:
    """Raise TypeError where more than the solution is asked for, which is what has derivatives."""
    if options.get("full_output") and any(map(is_operand, map(as_array, args))):
        raise TypeError(
            f"{name} with parameters that vary returns the solution only; use {instead} for more"
        )


def check_start(name: str, x: Any) -> None:
    if is_operand(as_array(x)):
        raise TypeError(f"{name}: the start is a plain number; what varies is passed in args")


class Found(scipy.optimize.OptimizeResult):  # type: ignore[misc]
    """What SciPy found, with the solution as a function of the parameters."""


def found(result: Any, **own: Any) -> Any:
    return Found({**(result or {}), **own})
