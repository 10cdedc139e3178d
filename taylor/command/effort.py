"""How much work an operation on series takes: estimated, and refused, before it begins.

The estimates are microseconds of one core of a computer of today, on the safe side.  What an
operation takes depends on the order, on the number of variables, and on how long numbers are; the
lengths are those of the operands, looked at before each operation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.command.certified import is_ball
from taylor.series.series import Series

MOST = 1_000_000  # microseconds
ORDER, DIGITS = 1000, 1000
PAIRS = 1_500_000  # of coefficients that make one product in several variables
BITS = 100_000  # of an exact number
POWER = 10_000  # the largest numerator and denominator of an exact exponent
HUGE = 1e12  # what is estimated is no more
FAR, FAR_DIGITS, BESSEL = 1e6, 1e3, 100  # |x| of a special function; the order of a Bessel function

# Functions that cost about as much as some products; all others are special functions
LINEAR = {
    "+", "-", "%", "abs", "maximum", "minimum", "max", "min", "mod", "clip", "sign", "floor",
    "ceil", "trunc", "rint", "heaviside",
}  # fmt: skip
PLAIN = LINEAR | {
    "*", "/", "^", "square", "reciprocal", "exp", "exp2", "expm1", "log", "ln", "log1p", "log2",
    "log10", "sqrt", "cbrt", "hypot", "sin", "cos", "tan", "sec", "csc", "cot",
    "asin", "acos", "atan", "atan2", "arcsin", "arccos", "arctan", "sinpi", "cospi", "sinh",
    "cosh", "tanh", "sech2", "asinh", "acosh", "atanh", "arcsinh", "arccosh", "arctanh", "sigmoid",
    "softplus", "logaddexp", "logsumexp",
}  # fmt: skip
EXPONENTIAL = {
    "exp", "exp2", "expm1", "sinh", "cosh", "tanh", "sech2", "sigmoid", "softplus",
    "logaddexp", "logsumexp",
}  # fmt: skip
POWERS = ("pow", "power", "real_power", "exponential")
BESSELS = ("jv", "yv", "iv")
NEUMANN = ("y0", "y1", "yv")  # limits of other functions


class Effort:
    """What is left of the work that one command may do, for series of one kind."""

    def __init__(self, order: int, variables: int, digits: int | None, exact: bool) -> None:
        if order > ORDER:
            raise ValueError(f"--order is at most {ORDER}, not {order}")
        if digits is not None and digits > DIGITS:
            raise ValueError(f"--digits is at most {DIGITS}, not {digits}")
        n = max(1, variables)
        self.order, self.variables, self.digits, self.exact = order, n, digits, exact
        self.pairs = math.comb(2 * n + order, order)
        if n > 1 and self.pairs > PAIRS:
            raise ValueError(
                f"a product in {n} variables to order {order} has {self.pairs} terms, more than "
                f"{PAIRS}: lower --order"
            )
        self.left = float(MOST)
        self.seen: set[str] = set()

    def before(self, name: str, x: Sequence[Any]) -> None:
        """Raise ValueError if an operation on numbers and series takes more than what is left."""
        name = "^" if name in POWERS else name
        if name == "exp2":
            name, x = "^", (2, *x)
        if name == "^" and len(x) != 2:
            return  # the function itself says so
        if name not in PLAIN:
            self._check_special(name, x)
        cost = self._exactly(name, x) if all(map(_is_exact, x)) else self._plain(name, x)
        if name not in PLAIN:
            cost += self._special(name, any(is_ball(_value(v)) for v in x))
        self.left -= cost
        if self.left < 0:
            raise ValueError(
                f"this takes longer than the second at which the command stops (at {name}, to "
                f"order {self.order}): lower --order or --digits, or use fewer operations"
            )

    # -------------------------------------------------------------- estimates
    def _products(self, name: str, x: Sequence[Any]) -> float:
        """Return to how many products of series an operation comes."""
        if not any(isinstance(v, Series) for v in x):
            return 1 / self.pairs
        if name in LINEAR:
            return min(1.0, 4 * (self.order + 1) / self.pairs)
        if name == "^" and isinstance(x[0], Series) and not isinstance(x[1], Series):
            return 1 + 2 * math.log2(2 + float(abs(x[1])))
        return 1.0 if name == "*" else 3.0

    def _plain(self, name: str, x: Sequence[Any]) -> float:
        products = self._products(name, x)
        if self.digits is not None:
            bits = 3.3 * self.digits + self._spread(name, x)
            return float(100 + 4 * products * self.pairs * (1 + (bits / 1000) ** 1.6))
        if self.variables == 1:
            step = 0.3 if name in LINEAR or name in "*^" else 30
            return 20 + products * (step * self.order + 0.001 * self.pairs)
        new = name not in LINEAR and name not in self.seen  # code may have to be made for it
        self.seen.add(name)
        return 20 + 0.3 * products * self.pairs + new * 10_000 * self.order

    def _spread(self, name: str, x: Sequence[Any]) -> float:
        """Return over how many bits the coefficients of many digits can be spread, as log2."""
        total = 0.0
        for v in x:
            total += max(map(_size, coefficients(v)), default=0)
            if name not in LINEAR and name != "*":  # the degrees of a quotient grow, or shrink
                total += (self.order + 1) * _size(_value(v))
            if name in EXPONENTIAL:
                total += 1.5 * float(min(abs(_value(v)), HUGE))
        if name == "^":
            total += _size(_value(x[0])) * float(min(abs(_value(x[1])), HUGE))
        return min(total, HUGE)

    def _special(self, name: str, balls: bool) -> float:
        n = self.order + 1
        if self.digits is None:
            return 4000.0 * n
        each = self.digits * (1 + self.digits / 100)
        if balls:  # whose library has series of its own
            return n * (2 * each * (4 if name in NEUMANN else 1) + 0.01 * n**2)
        return 200 * n * each * (30 if name in NEUMANN else 1)

    def _exactly(self, name: str, x: Sequence[Any]) -> float:
        bits = sum(map(length, x))
        if name == "^":
            parts = max(map(abs, _value(x[1]).as_integer_ratio()))
            if parts > POWER:
                raise ValueError(
                    f"an exponent is too large to be exact (at most {POWER}): write it as a float"
                )
            bits = length(x[0]) * parts
        elif name not in LINEAR and name != "*" and any(isinstance(v, Series) for v in x):
            bits *= self.order + 1  # quotients grow with the degree
        if bits > BITS:
            raise ValueError(
                f"the result of {name} can have {bits} bits, too large to be exact (at most "
                f"{BITS}): lower --order, or write a number as a float"
            )
        return 20.0 + self._products(name, x) * self.pairs * (3 + (bits / 64) ** 2 / 100)

    # -------------------------------------------------------------- arguments
    def _check_special(self, name: str, x: Sequence[Any]) -> None:
        """Raise ValueError for an argument that a special function may take too long for."""
        far = FAR if self.digits is None and not self.exact else FAR_DIGITS
        if name in BESSELS and x and abs(_value(x[0])) > BESSEL:
            raise ValueError(f"{name} is computed for orders up to {BESSEL} here")
        if any(abs(_value(v)) > far for v in x):
            raise ValueError(f"{name} is computed for arguments up to {far:g} in modulus here")


def length(x: Any) -> int:
    """Return the bits of the longest exact number in a number or series."""
    if isinstance(x, Series):
        return max(map(length, coefficients(x)), default=0)
    numerator, denominator = x.as_integer_ratio()
    return int(numerator.bit_length() + denominator.bit_length() - 1)


def _size(x: Any) -> int:
    """Return |log2| of a number of many digits."""
    if is_ball(x):
        mantissa, exponent = map(int, x.mid().man_exp() if x.is_finite() else (0, 0))
    else:
        mantissa, exponent = getattr(x, "man_exp", (0, 0))
    return abs(int(mantissa).bit_length() + exponent) if mantissa else 0


def coefficients(x: Any) -> list[Any]:
    """Return the numbers that a number or a series is made of."""
    return list(np.asarray(x.coef).reshape(-1)) if isinstance(x, Series) else [x]


def _is_exact(x: Any) -> bool:
    if isinstance(x, Series):
        return x.dtype == object and all(map(_is_exact, coefficients(x)))
    return isinstance(x, (int, Fraction))


def _value(x: Any) -> Any:
    return x.value if isinstance(x, Series) else x
