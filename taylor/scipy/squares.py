"""Least squares of scipy.optimize as functions of what varies: of parameters, data, matrices.

A fit without bounds solves f_x = 0 for its sum of squares f.  In problems with bounds those that
hold at the solution are kept, and what is left is a linear system.

>>> import taylor
>>> x = np.array([0.0, 1.0, 2.0])
>>> slope = lambda y: curve_fit(lambda x, a, b: a * x + b, x, y)[0][0]
>>> taylor.gradient(slope, [1.0, 3.0, 4.0]).round(6) + 0.0
array([-0.5,  0. ,  0.5])
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize

from taylor.core import functions as fn
from taylor.core.operand import as_array
from taylor.core.table import rule
from taylor.drivers.derivatives import gradient, jacobian
from taylor.errors import NonAnalyticError
from taylor.numbers.kinds import is_operand
from taylor.scipy.solved import check_start, found, implicit, taken_with
from taylor.scipy.theirs import varies

__all__ = ["curve_fit", "least_squares", "lsq_linear", "nnls"]

Function = Callable[..., Any]
LOSSES: dict[str, Function] = {  # of z, a residual squared
    "linear": lambda z: z,
    "soft_l1": lambda z: 2 * (fn.sqrt(1 + z) - 1),
    "huber": lambda z: np.where(z <= 1, z, 2 * fn.sqrt(np.where(z <= 1, 1.0, z)) - 1),
    "cauchy": fn.log1p,
    "arctan": fn.atan,
}


def least_squares(fun: Function, x0: Any, *more: Any, args: Any = (), **options: Any) -> Any:
    """Return scipy.optimize.least_squares(fun, x0, ..., args=args).

    Where args, or what fun holds, vary, `x`, `cost`, `fun`, `jac` and `grad` are functions of
    them; a bound must not be met then.

    >>> import taylor
    >>> f = lambda a: least_squares(lambda x: np.stack([x[0] - a, x[0] - 2.0]), [0.0]).x[0]
    >>> float(taylor.derivative(f, 1.0).round(6))
    0.5
    """
    check_start("least_squares", x0)
    if more:
        known = list(inspect.signature(scipy.optimize.least_squares).parameters)[2:]
        options |= dict(zip(known, more, strict=False))
    x0, kwargs = np.atleast_1d(x0), options.pop("kwargs", {})
    plain = fun if not kwargs else lambda x, *p: fun(x, *p, **kwargs)
    of, args = taken_with(plain, args, options)
    varying = any(map(varies, args))
    loss, width = options.get("loss", "linear"), options.get("f_scale", 1.0)

    def residuals(x: Any, *p: Any) -> Any:
        return np.ravel(as_array(of(x, *p)))

    def cost(x: Any, *p: Any) -> Any:
        return 0.5 * width**2 * np.sum(LOSSES[loss]((residuals(x, *p) / width) ** 2))

    def find(p: tuple[Any, ...]) -> tuple[Any, Any]:
        result = scipy.optimize.least_squares(of, x0, args=p, **options)
        if varying and np.any(result.active_mask):
            raise TypeError("least_squares with parameters that vary meets a bound: give none")
        return result, result.x

    def equation(x: Any, *p: Any) -> Any:
        return gradient(lambda x: cost(x, *p), x)

    x, result = implicit(equation, find, args)
    if not varying:
        return result
    return found(
        result, x=x, fun=residuals(x, *args), cost=cost(x, *args), grad=equation(x, *args),
        jac=jacobian(lambda x: residuals(x, *args), x),
    )  # fmt: skip


def curve_fit(
    f: Function, xdata: Any, ydata: Any, p0: Any = None, sigma: Any = None,
    absolute_sigma: bool = False, **options: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """Return (the parameters of the fit, their covariance) of scipy.optimize.curve_fit.

    Data, sigma and what f holds may vary; bounds must not be met then.
    """
    if not (any(map(varies, (xdata, ydata, sigma))) or taken_with(f, (), {})[1]):
        plain: tuple[Any, Any] = scipy.optimize.curve_fit(
            f, xdata, ydata, p0, sigma, absolute_sigma, **options
        )
        return plain
    if options.keys() - {"maxfev", "method", "bounds", "ftol", "xtol", "gtol"}:
        raise TypeError(
            "curve_fit of what varies takes f, xdata, ydata, p0, sigma, absolute_sigma, bounds, "
            "method and tolerances"
        )
    count = len(inspect.signature(f).parameters) - 1 if p0 is None else np.size(p0)
    of, held = taken_with(lambda p, x: f(x, *(p[i] for i in range(count))), (), {})
    scaled = sigma is not None
    args = (*held, as_array(xdata), as_array(ydata), *([as_array(sigma)] if scaled else []))

    def residuals(p: Any, *args: Any) -> Any:
        x, y, *s = args[len(held) :]
        r = np.ravel(of(p, *args[: len(held)], x) - y)
        if not s or np.ndim(s[0]) < 2:
            return r / s[0] if s else r
        return np.linalg.solve(np.linalg.cholesky(s[0]), r)

    def find(args: tuple[Any, ...]) -> tuple[Any, Any]:
        own, (x, y, *s) = args[: len(held)], args[len(held) :]
        start = np.ones(count) if p0 is None and "bounds" not in options else p0
        p, *_, message, status = scipy.optimize.curve_fit(
            lambda x, *p: of(np.stack(p), *own, x), x, y, start, *s, full_output=True, **options
        )
        return {"message": message, "status": status}, p

    p, _ = implicit(
        lambda p, *args: gradient(lambda p: 0.5 * np.sum(residuals(p, *args) ** 2), p), find, args
    )
    slopes, rest = jacobian(lambda p: residuals(p, *args), p), residuals(p, *args)
    covariance = np.linalg.inv(slopes.T @ slopes)
    if not absolute_sigma:
        covariance = covariance * np.sum(rest**2) / (np.size(rest) - count)
    return p, covariance


# ------------------------------------------------------------------ linear, with bounds
def _bounded(A: Any, b: Any, ends: Function) -> Any:
    """Return x with the least |A x - b| where ends(A, b) gives what does not vary, and its values.

    It is nan where x is free, else the bound that x keeps.
    """
    kept = rule(
        ends, jvp=lambda d, y, A, b: 0 * y, vjp=lambda bar, y, A, b: (0 * A, 0 * b), name="bounds"
    )(A, b)
    free = np.where(np.isnan(kept), 1.0, 0.0)
    fixed = np.where(np.isnan(kept), 0.0, kept)
    square = np.matmul(np.transpose(A), A) * free[:, None] * free + np.diag(1 - free)
    target = np.matmul(np.transpose(A), b - np.matmul(A, fixed)) * free
    return np.linalg.solve(square, target) + fixed


def _ends(A: Any, b: Any, x: Any, low: Any, high: Any) -> Any:
    """Return the bounds that are kept, nan where x is free, from a solution."""
    pull = A.T @ (b - A @ x)
    size = np.linalg.norm(A, axis=0) * (np.linalg.norm(b) + np.linalg.norm(A @ x)) * 1e-12
    close = 1e-9 * (1 + abs(x))
    at_low, at_high = x - low <= close, high - x <= close
    if np.any((at_low | at_high) & (abs(pull) <= size)):
        raise NonAnalyticError("a bound is met where it does not press: a kink; move the point")
    return np.where(at_low, low, np.where(at_high, high, np.nan))


def nnls(A: Any, b: Any, maxiter: int | None = None, **options: Any) -> tuple[Any, Any]:
    """Return (x ≥ 0 with the least |A x - b|, that norm), in A and in b.

    >>> import taylor
    >>> A = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> taylor.gradient(lambda b: nnls(A, b)[0][0], [1.0, -3.0, 1.0])
    array([0.5, 0. , 0.5])
    """
    A, b = as_array(A), as_array(b)
    if not (is_operand(A) or is_operand(b)):
        plain: tuple[Any, Any] = scipy.optimize.nnls(A, b, maxiter=maxiter, **options)
        return plain

    def ends(A: Any, b: Any) -> Any:
        A, b = np.asarray(A), np.asarray(b)
        x = scipy.optimize.nnls(A, b, maxiter=maxiter, **options)[0]
        return _ends(A, b, x, 0.0, np.inf)

    x = _bounded(A, b, ends)
    return x, np.linalg.norm(np.matmul(A, x) - b)


def lsq_linear(A: Any, b: Any, bounds: Any = (-np.inf, np.inf), **options: Any) -> Any:
    """Return scipy.optimize.lsq_linear(A, b, bounds, ...), its `x`, `fun`, `cost` in A and in b."""
    A, b = as_array(A), as_array(b)
    if not (is_operand(A) or is_operand(b)):
        return scipy.optimize.lsq_linear(A, b, bounds, **options)
    plain = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") else bounds
    low, high = (np.broadcast_to(np.asarray(e, float), np.shape(A)[1]) for e in plain)

    def ends(A: Any, b: Any) -> Any:
        A, b = np.asarray(A), np.asarray(b)
        x = scipy.optimize.lsq_linear(A, b, (low, high), **options).x
        return _ends(A, b, x, low, high)

    x = _bounded(A, b, ends)
    rest = np.matmul(A, x) - b
    return found(None, x=x, fun=rest, cost=0.5 * np.sum(rest**2))
