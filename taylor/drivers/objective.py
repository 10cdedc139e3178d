"""A function with its derivatives in the form that SciPy's minimizers take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from taylor.drivers.derivatives import gradient, hessian, hvp, value_and_gradient
from taylor.drivers.driver import Function

Array = NDArray[Any]


class Objective:
    """A scalar function of an array with its derivatives, in the form scipy.optimize takes them.

    jac(x, *args) is the gradient, hess(x, *args) the Hessian, hessp(x, p, *args) the Hessian times
    p, and value_and_gradient(x, *args) is (f, gradient) for minimize(..., jac=True).  `args` are
    those of minimize, or else those given to `objective`.
    """

    def __init__(self, f: Function, args: Sequence[Any]) -> None:
        self.f, self.args = f, tuple(args)

    def __repr__(self) -> str:
        return f"<objective {getattr(self.f, '__name__', 'function')}>"

    def __call__(self, x: Any, *args: Any) -> Any:
        """Return f(x, *args)."""
        return self.f(x, *(args or self.args))

    def jac(self, x: Any, *args: Any) -> Array:
        """Return the gradient at x."""
        return gradient(self.f, x, *(args or self.args))

    def hess(self, x: Any, *args: Any) -> Array:
        """Return the Hessian at x."""
        return hessian(self.f, x, *(args or self.args))

    def hessp(self, x: Any, p: Any, *args: Any) -> Array:
        """Return the Hessian at x times p."""
        rest = args or self.args
        return hvp(self.f, (x, *rest), p, argnums=0) if rest else hvp(self.f, x, p)

    def value_and_gradient(self, x: Any, *args: Any) -> tuple[Any, Array]:
        """Return f(x, *args) and its gradient."""
        return value_and_gradient(self.f, x, *(args or self.args))


def objective(f: Function, *args: Any) -> Objective:
    """Return f with the methods jac, hess, hessp and value_and_gradient for scipy.optimize.

    `args` are further arguments of f, which do not vary.

    >>> import numpy as np
    >>> o = objective(lambda x, a: np.sum((x - a) ** 4), 1.0)
    >>> o.jac(np.zeros(2)), o.hessp(np.zeros(2), np.array([1.0, 0.0]))
    (array([-4., -4.]), array([12.,  0.]))
    """
    if not callable(f):
        raise TypeError(f"objective needs a function, not {type(f).__name__}")
    return Objective(f, args)
