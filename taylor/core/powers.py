"""Powers a**r: by products for integers, by their equation otherwise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from taylor.core.table import lookup
from taylor.errors import DomainError
from taylor.numbers import contexts
from taylor.numbers.kinds import is_operand


def integer_valued(r: Any) -> bool:
    """Whether r is a plain number with an integer value, of any type (2, 2.0, Fraction(4, 2))."""
    if np.ndim(r) or isinstance(r, complex | np.complexfloating) or contexts.is_interval(r):
        return False
    return bool(abs(r) < math.inf and r == int(r))


def integer_power(a: Any, n: Any) -> Any:
    """Return a**n by repeated squaring; a reciprocal for negative n, ones for n = 0.

    n is an int, or an array of ints with its own power for every lane.
    """
    if np.ndim(n):
        result, base, m = a * 0 + 1, a, np.abs(n)
        while np.any(m):
            result = np.where(m & 1, result * base, result)
            m = m >> 1
            base = base * base if np.any(m) else base
        return np.where(n < 0, 1 / np.where(n < 0, result, 1), result) if np.any(n < 0) else result
    if n < 0:
        return 1 / integer_power(a, -n)
    if n == 0:
        return a._ones()
    result = None
    while True:
        if n & 1:
            result = a if result is None else result * a
        n >>= 1
        if not n:
            return result
        a = a * a


def raised(a: Any, r: Any) -> Any:
    """Return a**r: by multiplication for integers, by a·y' = r·y·a' + a·log(a)·y·r' otherwise."""
    real_power = lookup("real_power")
    if is_operand(r):
        if is_operand(a):
            return real_power(a, r)
        if np.ndim(a) == 0 and a == 0:
            return _zero_power(a, r)
        return lookup("exponential")(a, r)
    r = r if np.ndim(r) == 0 else np.asarray(r)
    if integer_valued(r):
        return integer_power(a, int(r))
    if np.ndim(r) and r.dtype.kind != "c":
        whole = np.array([integer_valued(e) for e in r.reshape(-1)], dtype=bool).reshape(r.shape)
        by_product = integer_power(a, np.where(whole, r, 0).astype(int)) if whole.any() else None
        if whole.all():
            return by_product
        by_equation = real_power(np.where(whole, 1, a) if whole.any() else a, r)
        return by_equation if by_product is None else np.where(whole, by_product, by_equation)
    return real_power(a, r)


def _zero_power(a: Any, r: Any) -> Any:
    """0**r: zero for r > 0, where it stays zero; nothing else has an expansion."""
    if not np.all(r > 0):
        raise DomainError("0**x has an expansion (zero) for x > 0 only")
    return r * 0 + a
