"""Real and imaginary parts, and conjugates: instructions that are linear over real numbers only.

A function of real variables may pass through complex numbers.  Its series in a real variable has
the parts of the coefficients; in reverse mode the adjoint z̄ of a complex z stands for
Re(z̄·dz), so that w = conj z has z̄ = conj w̄, and a real r = Re z has z̄ = Re r̄.  (A complex variable
has no such series, as these functions are not holomorphic; real functions have gradients with
the same meaning.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from taylor.core.instructions import Shape
from taylor.core.maps import Map
from taylor.numbers.kinds import is_operand

if TYPE_CHECKING:
    from scipy.sparse import csr_array

REFUSED = (
    "the real or imaginary part, modulus, angle or conjugate of a function of a complex variable "
    "is not holomorphic and has no Taylor series; differentiate by real variables, "
    "f(x + 1j*y) by x and y, in a driver, whose variables are known to be real (gradient, jvp, "
    "vjp, hvp and jacobian of a real f do so themselves); of a series made by hand "
    "in a variable that is real, take the parts of its coefficients: Taylor(x.coef.real)"
)


@dataclass(slots=True, eq=False)
class Part(Map):
    """The real or imaginary part or the conjugate of an array: kind is the name in NumPy.

    Of what is known to be real in all degrees the parts are holomorphic.
    """

    kind: str
    known: bool = False
    arity, by_element = 1, True

    def made_of(self, args: tuple[int, ...]) -> tuple[int, ...]:
        return args if self.kind == "conj" else ()

    def moved(self, xs: Any, lead: int) -> Any:
        return part(self.kind, xs[0])

    def transposed(self, bar: Any, shape: Shape, source: Shape) -> Any:
        if self.kind == "conj":
            return part("conj", bar)
        real = part("real", bar)
        return real if self.kind == "real" else -1j * real

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        return x[0]

    @property
    def name(self) -> str:
        return self.kind


def part(kind: str, x: Any) -> Any:
    """Return the part of a number, array or operand: a copy."""
    if is_operand(x):
        found = getattr(x, kind)
        return found() if kind == "conj" else found
    if isinstance(x, np.ndarray) and x.dtype == object:
        return np.frompyfunc(lambda e: _of_number(kind, e), 1, 1)(x)
    return +getattr(np, kind)(x)


def _of_number(kind: str, x: Any) -> Any:
    return x.conjugate() if kind == "conj" else getattr(x, kind)
