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
from taylor.scipy import minima, squares
from taylor.scipy.minima import *  # noqa: F403
from taylor.scipy.solved import apart, check_start, found, implicit, refused_full, taken_with
from taylor.scipy.squares import *  # noqa: F403
from taylor.scipy.theirs import names_of

Function = Callable[..., Any]
BRACKETING = ("bisect", "brenth", "brentq", "ridder", "toms748")
__all__ = [
    *squares.__all__, *minima.__all__, *BRACKETING, "fixed_point", "fsolve", "newton", "root",
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
    f = apart(f, options, "fprime", "fprime2")
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
    refused_full("fsolve", "root", args, options)
    return implicit(
        lambda x, *p: as_array(func(x, *p)),
        lambda p: (None, scipy.optimize.fsolve(func, x0, args=p, **options)),
        args,
    )[0]


def fixed_point(func: Function, x0: Any, args: Any = (), **options: Any) -> Any:
    """Return the x = func(x, *args) that scipy.optimize.fixed_point finds from x0.

    >>> import taylor
    >>> f = lambda p: fixed_point(lambda x, p: np.cos(p * x), 0.5, args=(p,))
    >>> float(taylor.derivative(f, 1.0).round(6))
    -0.297474
    """
    check_start("fixed_point", x0)
    func, args = taken_with(func, args, options)
    return implicit(
        lambda x, *p: x - as_array(func(x, *p)),
        lambda p: (None, scipy.optimize.fixed_point(func, x0, args=p, **options)),
        args,
    )[0]


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
