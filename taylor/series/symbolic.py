"""Series as expressions of sympy, which is imported where it is used."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.numbers.kinds import is_operand


def expression(table: Any, exponents: Any, symbols: Sequence[Any], remainder: Any = None) -> Any:
    """Return Σ c_α x^α of a table of coefficients, plus a remainder.

    An array of series is an Array of sympy, with two axes a Matrix.
    """
    import sympy

    if is_operand(table):
        raise TypeError("to_sympy: the coefficients are series themselves; take their .value first")
    monomials = [
        sympy.Mul(*(s ** int(k) for s, k in zip(symbols, row, strict=True))) for row in exponents
    ]
    found = []
    for column in table.reshape(len(table), -1).T:
        terms = [number(c) * m for c, m in zip(column, monomials, strict=True)]
        found.append(sympy.Add(*terms) + (0 if remainder is None else remainder))
    shape = table.shape[1:]
    if not shape:
        return found[0]
    return sympy.Matrix(*shape, found) if len(shape) == 2 else sympy.Array(found, shape)


def number(c: Any) -> Any:
    """Return a coefficient as a number of sympy: exact ones exactly, floats with their precision.

    >>> number(Fraction(1, 3)), number(0.5)
    (1/3, 0.500000000000000)
    """
    import sympy

    if isinstance(c, Fraction):
        return sympy.Rational(c.numerator, c.denominator)
    if isinstance(c, (complex, np.complexfloating)):
        return number(c.real) + sympy.I * number(c.imag)
    if hasattr(c, "_mpc_"):
        return number(c.real) + sympy.I * number(c.imag)
    if hasattr(c, "_mpf_"):
        return sympy.Float(c, precision=c.context.prec)
    if isinstance(c, (int, np.integer)):
        return sympy.Integer(int(c))
    if isinstance(c, (float, np.floating)):
        return sympy.Float(float(c))
    raise TypeError(f"to_sympy: {c!r} ({type(c).__name__}) is no number of sympy")
