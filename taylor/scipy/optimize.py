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
from taylor.core.outside import opened, outside
from taylor.drivers.derivatives import gradient
from taylor.drivers.implicit import implicit_root
from taylor.drivers.trees import joined
from taylor.numbers.kinds import is_operand
from taylor.scipy.theirs import names_of

Function = Callable[..., Any]
DERIVATIVES = ("fprime", "fprime2", "jac", "hess", "hessp")  # options that are functions of args
BRACKETING = ("bisect", "brenth", "brentq", "ridder", "toms748")
__all__ = [
    *BRACKETING, "fsolve", "minimize", "minimize_scalar", "newton", "root", "root_scalar", "rosen",
    "rosen_der", "rosen_hess", "rosen_hess_prod",
]  # fmt: skip


def _implicit(equation: Function, find: Function, args: Any) -> tuple[Any, Any]:
    """Return x with equation(x, *args) = 0 as a function of args, and what find(args) gave.

    find returns SciPy's result and x.  Nothing is differentiated if all args are plain.
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
    return x, seen[-1] if seen else None


def _taken_in(f: Function, args: Any, options: dict[str, Any]) -> tuple[Function, tuple[Any, ...]]:
    """Return f as a function of x and what it returns second: what f holds, then args.

    The functions among the options, changed in place, take the same: a Jacobian holds what f does.
    """
    args = args if isinstance(args, tuple) else (args,)
    more = {name: options[name] for name in DERIVATIVES if callable(options.get(name))}
    held = outside(f, *more.values())
    if not held:
        return f, args
    for name, g in more.items():
        options[name] = opened(g, held, 1 + (name == "hessp"))
    return opened(f, held, 1), (*held, *args)


def _not_derived(name: str, x: Any) -> None:
    if is_operand(as_array(x)):
        raise TypeError(f"{name}: the start is a plain number; what varies is passed in args")


def _of_brackets(name: str) -> Function:
    scipy_own = getattr(scipy.optimize, name)

    def solve(f: Function, a: float, b: float, args: Any = (), **options: Any) -> Any:
        for end in (a, b):
            _not_derived(name, end)
        if options.pop("full_output", False):
            raise TypeError(f"{name} returns the root only; use root_scalar for more")
        f, args = _taken_in(f, args, {})

        def find(p: tuple[Any, ...]) -> tuple[None, Any]:
            return None, scipy_own(lambda x, *p: float(f(x, *p)), a, b, args=p, **options)

        return _implicit(f, find, args)[0]

    solve.__name__ = solve.__qualname__ = name
    solve.__doc__ = f"Return the root of f(x, *args) that scipy.optimize.{name} finds in [a, b]."
    return solve


bisect, brenth, brentq, ridder, toms748 = map(_of_brackets, BRACKETING)


def newton(func: Function, x0: Any, fprime: Any = None, args: Any = (), **options: Any) -> Any:
    """Return the root of func(x, *args) that scipy.optimize.newton finds from x0."""
    _not_derived("newton", x0)
    options["fprime"] = fprime
    func, args = _taken_in(func, args, options)
    return _implicit(
        func, lambda p: (None, scipy.optimize.newton(func, x0, args=p, **options)), args
    )[0]


class Found(scipy.optimize.OptimizeResult):  # type: ignore[misc]
    """What SciPy found, with the solution as a function of the parameters."""


def _found(result: Any, **own: Any) -> Any:
    return Found({**(result or {}), **own})


def root_scalar(f: Function, args: Any = (), **options: Any) -> Any:
    """Return scipy.optimize.root_scalar(f, args, ...); its `root` has derivatives in args."""
    f, args = _taken_in(f, args, options)

    def find(p: tuple[Any, ...]) -> tuple[Any, Any]:
        result = scipy.optimize.root_scalar(f, args=p, **options)
        return vars(result), result.root

    x, result = _implicit(f, find, args)
    return _found(result, root=x)


def root(fun: Function, x0: Any, args: Any = (), **options: Any) -> Any:
    """Return scipy.optimize.root(fun, x0, args, ...); its `x` has derivatives in args.

    >>> import taylor
    >>> f = lambda p: root(lambda x, p: x + 0.1 * x**3 - p, [1.0, 1.0], args=(p,)).x
    >>> taylor.jacobian(f, [1.1, 1.1]).round(6) + 0.0
    array([[0.769231, 0.      ],
           [0.      , 0.769231]])
    """
    _not_derived("root", x0)
    fun, args = _taken_in(fun, args, options)

    def find(p: tuple[Any, ...]) -> tuple[Any, Any]:
        result = scipy.optimize.root(fun, x0, args=p, **options)
        return result, result.x

    x, result = _implicit(lambda x, *p: as_array(fun(x, *p)), find, args)
    return _found(result, x=x)


def fsolve(func: Function, x0: Any, args: Any = (), **options: Any) -> Any:
    """Return the root of func(x, *args) that scipy.optimize.fsolve finds from x0."""
    _not_derived("fsolve", x0)
    func, args = _taken_in(func, args, options)
    return _implicit(
        lambda x, *p: as_array(func(x, *p)),
        lambda p: (None, scipy.optimize.fsolve(func, x0, args=p, **options)),
        args,
    )[0]


def _least(fun: Function, find: Function, args: Any) -> Any:
    """Return what find(args) gave, the place and the least value as functions of args."""
    x, result = _implicit(lambda x, *p: gradient(lambda x: fun(x, *p), x), find, args)
    return _found(result, x=x, fun=fun(x, *args if isinstance(args, tuple) else (args,)))


def minimize(fun: Function, x0: Any, args: Any = (), **options: Any) -> Any:
    """Return scipy.optimize.minimize(fun, x0, args, ...) without constraints.

    `x` has derivatives in args, from fun_x(x, args) = 0; `fun` is the value there.
    """
    _not_derived("minimize", x0)
    if options.get("bounds") is not None or options.get("constraints"):
        raise TypeError("minimize with parameters that vary takes no bounds and no constraints")
    fun, args = _taken_in(fun, args, options)

    def find(p: tuple[Any, ...]) -> tuple[Any, Any]:
        result = scipy.optimize.minimize(lambda x, *p: float(fun(x, *p)), x0, args=p, **options)
        return result, result.x

    return _least(fun, find, args)


def minimize_scalar(fun: Function, args: Any = (), **options: Any) -> Any:
    """Return scipy.optimize.minimize_scalar(fun, args=args, ...) without bounds, as `minimize`."""
    if options.get("bounds") is not None:
        raise TypeError("minimize_scalar with parameters that vary takes no bounds")
    fun, args = _taken_in(fun, args, options)

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
