"""scipy.optimize: roots and minima as functions of parameters, in args or from outside.

SciPy finds them at plain numbers.  Their derivatives follow from the equation that they solve, not
from the iteration (the implicit function theorem): f(x, p) = 0 for a root, f_x(x, p) = 0 for a
minimum.  They are those at the point that was found, to its accuracy.

>>> import taylor
>>> root = lambda p: brentq(lambda x, p: x**3 - p, 0.0, 3.0, args=(p,))
>>> float(taylor.derivative(root, 8.0)).__round__(9)
0.083333333
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.optimize

from taylor.core.operand import as_array
from taylor.drivers.derivatives import gradient
from taylor.scipy import squares
from taylor.scipy.solved import check_start, found, implicit, taken_with
from taylor.scipy.squares import *  # noqa: F403
from taylor.scipy.theirs import names_of

Function = Callable[..., Any]
BRACKETING = ("bisect", "brenth", "brentq", "ridder", "toms748")
__all__ = [
    *squares.__all__, *BRACKETING, "fsolve", "minimize", "minimize_scalar", "newton", "root",
    "root_scalar", "rosen", "rosen_der", "rosen_hess", "rosen_hess_prod",
]  # fmt: skip


def _of_brackets(name: str) -> Function:
    scipy_own = getattr(scipy.optimize, name)

    def solve(f: Function, a: float, b: float, args: Any = (), **options: Any) -> Any:
        for end in (a, b):
            check_start(name, end)
        if options.pop("full_output", False):
            raise TypeError(f"{name} returns the root only; use root_scalar for more")
        f, args = taken_with(f, args, {})

        def find(p: tuple[Any, ...]) -> tuple[None, Any]:
            return None, scipy_own(lambda x, *p: float(f(x, *p)), a, b, args=p, **options)

        return implicit(f, find, args)[0]

    solve.__name__ = solve.__qualname__ = name
    solve.__doc__ = f"Return the root of f(x, *args) that scipy.optimize.{name} finds in [a, b]."
    return solve


bisect, brenth, brentq, ridder, toms748 = map(_of_brackets, BRACKETING)


def newton(func: Function, x0: Any, fprime: Any = None, args: Any = (), **options: Any) -> Any:
    """Return the root of func(x, *args) that scipy.optimize.newton finds from x0."""
    check_start("newton", x0)
    options["fprime"] = fprime
    func, args = taken_with(func, args, options)
    return implicit(
        func, lambda p: (None, scipy.optimize.newton(func, x0, args=p, **options)), args
    )[0]


def root_scalar(f: Function, args: Any = (), **options: Any) -> Any:
    """Return scipy.optimize.root_scalar(f, args, ...); its `root` has derivatives in args."""
    f, args = taken_with(f, args, options)

    def find(p: tuple[Any, ...]) -> tuple[Any, Any]:
        result = scipy.optimize.root_scalar(f, args=p, **options)
        return vars(result), result.root

    x, result = implicit(f, find, args)
    return found(result, root=x)


def root(fun: Function, x0: Any, args: Any = (), **options: Any) -> Any:
    """Return scipy.optimize.root(fun, x0, args, ...); its `x` has derivatives in args.

    >>> import taylor
    >>> f = lambda p: root(lambda x, p: x + 0.1 * x**3 - p, [1.0, 1.0], args=(p,)).x
    >>> taylor.jacobian(f, [1.1, 1.1]).round(6) + 0.0
    array([[0.769231, 0.      ],
           [0.      , 0.769231]])
    """
    check_start("root", x0)
    fun, args = taken_with(fun, args, options)

    def find(p: tuple[Any, ...]) -> tuple[Any, Any]:
        result = scipy.optimize.root(fun, x0, args=p, **options)
        return result, result.x

    x, result = implicit(lambda x, *p: as_array(fun(x, *p)), find, args)
    return found(result, x=x)


def fsolve(func: Function, x0: Any, args: Any = (), **options: Any) -> Any:
    """Return the root of func(x, *args) that scipy.optimize.fsolve finds from x0."""
    check_start("fsolve", x0)
    func, args = taken_with(func, args, options)
    return implicit(
        lambda x, *p: as_array(func(x, *p)),
        lambda p: (None, scipy.optimize.fsolve(func, x0, args=p, **options)),
        args,
    )[0]


def _least(fun: Function, find: Function, args: Any) -> Any:
    """Return what find(args) gave, the place and the least value as functions of args."""
    x, result = implicit(lambda x, *p: gradient(lambda x: fun(x, *p), x), find, args)
    return found(result, x=x, fun=fun(x, *args if isinstance(args, tuple) else (args,)))


def minimize(fun: Function, x0: Any, args: Any = (), **options: Any) -> Any:
    """Return scipy.optimize.minimize(fun, x0, args, ...) without constraints.

    `x` has derivatives in args, from fun_x(x, args) = 0; `fun` is the value there.
    """
    check_start("minimize", x0)
    if options.get("bounds") is not None or options.get("constraints"):
        raise TypeError("minimize with parameters that vary takes no bounds and no constraints")
    fun, args = taken_with(fun, args, options)

    def find(p: tuple[Any, ...]) -> tuple[Any, Any]:
        result = scipy.optimize.minimize(lambda x, *p: float(fun(x, *p)), x0, args=p, **options)
        return result, result.x

    return _least(fun, find, args)


def minimize_scalar(fun: Function, args: Any = (), **options: Any) -> Any:
    """Return scipy.optimize.minimize_scalar(fun, args=args, ...) without bounds, as `minimize`."""
    if options.get("bounds") is not None:
        raise TypeError("minimize_scalar with parameters that vary takes no bounds")
    fun, args = taken_with(fun, args, options)

    def find(p: tuple[Any, ...]) -> tuple[Any, Any]:
        result = scipy.optimize.minimize_scalar(fun, args=p, **options)
        return result, result.x

    return _least(fun, find, args)


# ------------------------------------------------------------------ a test function
def rosen(x: Any) -> Any:
    """Return Rosenbrock's function Σ 100 (x_(i+1) - x_i²)² + (1 - x_i)²."""
    x = as_array(x)
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2, axis=0)


def rosen_der(x: Any) -> Any:
    """Return the gradient of `rosen`."""
    x = as_array(x)
    right = 200.0 * (x[1:] - x[:-1] ** 2)
    left = -2 * right * x[:-1] - 2 * (1 - x[:-1])
    zero = 0 * x[:1]
    return np.concatenate([left, zero]) + np.concatenate([zero, right])


def rosen_hess(x: Any) -> Any:
    """Return the Hessian of `rosen`."""
    x = as_array(x)
    n, zero = np.size(x), 0 * x[:1]
    ones = np.r_[0.0, np.full(n - 1, 200.0)]
    on = np.concatenate([1200 * x[:-1] ** 2 - 400 * x[1:] + 2, zero]) + ones
    off = -400 * x[:-1]
    return np.diag(on) + np.diag(off, 1) + np.diag(off, -1)


def rosen_hess_prod(x: Any, p: Any) -> Any:
    """Return the product of the Hessian of `rosen` with a vector."""
    return np.matmul(rosen_hess(x), as_array(p))


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
