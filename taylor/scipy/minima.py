"""Minima of scipy.optimize as functions of parameters, in args or from outside, and of bounds.

SciPy finds them at plain numbers.  Without bounds a minimum of f(x, p) solves f_x = 0, between
bounds a <= x <= b

    x = min(max(x - f_x, a), b),

which holds where f_x = 0, and at a bound from which f falls outwards (Nocedal & Wright, Numerical
Optimization, 2nd ed., section 16.7).  Where f_x = 0 at a bound there is a kink.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize

from taylor.core import functions as fn
from taylor.core.operand import as_array
from taylor.drivers.derivatives import gradient
from taylor.numbers.kinds import is_operand
from taylor.scipy.solved import apart, check_start, found, implicit, refused_full, taken_with

Function = Callable[..., Any]
OLDER = ("fmin", "fmin_bfgs", "fmin_cg", "fmin_powell", "fminbound", "brent", "golden")
SCALAR = ("fminbound", "brent", "golden")
__all__ = ["leastsq", "minimize", "minimize_scalar", *OLDER]


def _least(fun: Function, find: Function, args: tuple[Any, ...], bounds: Any = None) -> Any:
    """Return what find(args) gave, the place and the least value as functions of args.

    With bounds, two arrays, find gets them as its first two arguments.
    """

    def slope(x: Any, *p: Any) -> Any:
        return gradient(lambda x: fun(x, *p), x)

    def between(x: Any, low: Any, high: Any, *p: Any) -> Any:
        return x - fn.minimum(fn.maximum(x - slope(x, *p), low), high)

    if bounds is None:
        x, result = implicit(slope, find, args)
    else:
        x, result = implicit(between, lambda p: find(p[2:], p[:2]), (*bounds, *args))
    return found(result, x=x, fun=fun(x, *args))


def _ends(bounds: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Return the lower and the upper bounds of x, of Bounds or of pairs."""
    if hasattr(bounds, "lb"):
        pair = bounds.lb, bounds.ub
    else:
        pair = tuple(
            as_array([end if b is None else b for b in column])
            for end, column in zip((-np.inf, np.inf), zip(*bounds, strict=True), strict=True)
        )
    return tuple(np.broadcast_to(as_array(end) * 1.0, shape) for end in pair)  # type: ignore[return-value]


def minimize(fun: Function, x0: Any, args: Any = (), **options: Any) -> Any:
    """Return scipy.optimize.minimize(fun, x0, args, ...) without constraints other than bounds.

    `x` has derivatives in args, and in the bounds: see the head of the module; `fun` is the value
    there.  TypeError for constraints.

    >>> import taylor
    >>> def best(p):
    ...     f = lambda x: (x[0] - p) ** 2 + (x[1] - p * x[0]) ** 2
    ...     return minimize(f, [0.0, 0.0], bounds=[(0.0, 1.0), (None, None)], tol=1e-12).x
    >>> taylor.jacobian(best, 2.0).round(5) + 0.0
    array([0., 1.])
    """
    check_start("minimize", x0)
    bounds = options.pop("bounds", None)
    fun = apart(fun, options, "jac")
    fun, args = taken_with(fun, args, options)
    ends = None if bounds is None else _ends(bounds, np.shape(np.atleast_1d(x0)))
    if options.get("constraints") and any(map(is_operand, map(as_array, (*args, *(ends or ()))))):
        raise TypeError("minimize with parameters that vary takes no constraints but bounds")

    def find(p: tuple[Any, ...], ends: Any = None) -> tuple[Any, Any]:
        if ends is not None:
            options["bounds"] = scipy.optimize.Bounds(*ends)
        result = scipy.optimize.minimize(lambda x, *p: float(fun(x, *p)), x0, args=p, **options)
        return result, result.x

    return _least(fun, find, args, ends)


def minimize_scalar(fun: Function, args: Any = (), **options: Any) -> Any:
    """Return scipy.optimize.minimize_scalar(fun, args=args, ...), as `minimize`."""
    fun, args = taken_with(fun, args, options)
    bounds = options.pop("bounds", None)
    ends = None if bounds is None else tuple(as_array(end) * 1.0 for end in bounds)

    def find(p: tuple[Any, ...], ends: Any = None) -> tuple[Any, Any]:
        if ends is not None:
            options["bounds"] = tuple(map(float, ends))
        result = scipy.optimize.minimize_scalar(fun, args=p, **options)
        return result, result.x

    return _least(fun, find, args, ends)


# ------------------------------------------------------------------ functions that are older
def _older(name: str) -> Function:
    own = getattr(scipy.optimize, name)
    signature = inspect.signature(own)

    def solve(*given: Any, **named: Any) -> Any:
        options = signature.bind(*given, **named).arguments
        fun, args = options.pop(next(iter(signature.parameters))), options.pop("args", ())
        starts = {n: options.pop(n) for n in ("x0", "x1", "x2") if n in options}
        for start in starts.values():
            check_start(name, start)
        fun, args = taken_with(fun, args, options)
        refused_full(name, "minimize_scalar" if name in SCALAR else "minimize", args, options)

        def find(p: tuple[Any, ...]) -> tuple[None, Any]:
            return None, own(fun, **starts, args=p, **options)

        def slope(x: Any, *p: Any) -> Any:
            return gradient(lambda x: fun(x, *p), x)

        return implicit(slope, find, args)[0]

    solve.__name__ = solve.__qualname__ = name
    solve.__doc__ = (
        f"Return the minimum that scipy.optimize.{name} finds, within its bounds, as `minimize`."
    )
    return solve


fmin, fmin_bfgs, fmin_cg, fmin_powell, fminbound, brent, golden = map(_older, OLDER)


def leastsq(func: Function, x0: Any, args: Any = (), **options: Any) -> Any:
    """Return (x, ier) of scipy.optimize.leastsq(func, x0, args, ...): Σ func(x, *args)² is least.

    >>> import taylor
    >>> f = lambda p: leastsq(lambda x, p: np.stack([x[0] - p, x[0] - 2.0]), [0.0], args=(p,))[0]
    >>> taylor.jacobian(f, 1.0).round(6)
    array([0.5])
    """
    check_start("leastsq", x0)
    func, args = taken_with(func, args, options)
    refused_full("leastsq", "least_squares", args, options)
    seen: list[Any] = []

    def find(p: tuple[Any, ...]) -> tuple[None, Any]:
        x, *more = scipy.optimize.leastsq(func, x0, args=p, **options)
        seen[:] = more
        return None, x

    def slope(x: Any, *p: Any) -> Any:
        return gradient(lambda x: 0.5 * np.sum(as_array(func(x, *p)) ** 2), x)

    x = implicit(slope, find, args)[0]
    return (x, *seen)
