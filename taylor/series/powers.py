"""Series in powers of their variables: partial derivatives, integrals, higher and lower order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from taylor.core.algebra import Univariate, check_order
from taylor.core.graded import Monomials, differentiation
from taylor.core.singular import like_numbers
from taylor.core.tables import nonzero
from taylor.errors import DomainError
from taylor.linalg.equations import eliminate
from taylor.numbers.kinds import INTEGERS, RATIONALS, Array, Kind, base, is_operand
from taylor.numbers.values import divisible, plus, times, zeros
from taylor.series.rules import derived
from taylor.series.series import Series


class PowerSeries(Series):
    """What `Taylor` and `TaylorN` have in common."""

    __slots__ = ()

    def truncate(self, order: int) -> Self:
        """Return the series with coefficients above `order` forgotten.

        >>> from taylor import Taylor
        >>> Taylor([1, 2, 3]).truncate(1)
        1 + 2 t + O(t²)
        """
        order = check_order(order)
        if order > self.order:
            raise ValueError(f"cannot truncate order {self.order} to {order}; use .extend({order})")
        lower = self.algebra.truncated(order)
        return self._new(self._coef[: lower.size].copy(), lower)

    def extend(self, order: int) -> Self:
        """Return the series with zeros up to `order`: right only where they are known to be zero.

        >>> from taylor import Taylor
        >>> Taylor([1, 2]).extend(2).order
        2
        """
        order = check_order(order)
        if order < self.order:
            raise ValueError(f"cannot extend order {self.order} to {order}; use .truncate({order})")
        higher = self.algebra.truncated(order)
        more = zeros((higher.size - self.algebra.size, *self.shape), self._coef)
        return self._new(np.concatenate([self._coef, more]), higher)

    def _unit(self, i: int) -> Self:
        """Return the displacement of variable i, in numbers of the kind of this series."""
        table = zeros(self._coef.shape, self._coef)
        if self.order:
            table[1 + i] = Kind.of(table).one
        return self._new(table, reach=1)

    def _differentiated(self, i: int, m: int) -> Self:
        """Return the series of ∂^m/∂x_i^m; the order is lower by m."""
        m = check_order(m)
        if m > self.order:
            raise ValueError(
                f"the derivative {m} of a series of order {self.order} is not known at all"
            )
        table, algebra = self._coef.copy(), self.algebra
        for _ in range(m):
            lower = algebra.truncated(algebra.order - 1)
            table, algebra = derived(table, algebra, lower, i), lower
        return self._new(table, algebra)

    def _integrated(self, i: int, k: Any) -> Self:
        """Return the integral along x_i plus k; the order grows by one."""
        source = divisible(self._coef)
        higher = self.algebra.truncated(self.order + 1)
        rows, up, weights = differentiation(higher, self.algebra, i)
        table = zeros((higher.size, *self.shape), source)
        scale = like_numbers(weights, source).reshape((-1,) + (1,) * self.ndim)
        table[up] = source[rows] / scale
        y: Self = self._new(table, higher) + self._without(k, i)
        return y

    def _without(self, k: Any, i: int) -> Any:
        """Return a constant of integration, which must not depend on the variable (number i)."""
        if not (isinstance(k, Series) and k.tag is self.tag):
            return k
        a = k.algebra
        depends = a.exponents[:, i] > 0 if isinstance(a, Monomials) else a.degrees > 0
        if nonzero(k._coef[depends]).any():
            raise ValueError(
                "the constant of integration depends on the variable of integration; its "
                "derivative would be added to the integrand"
            )
        return k.value if isinstance(a, Univariate) else k


def horner(terms: Sequence[Any], h: Any) -> Any:
    """Return Σ terms[k]·hᵏ (None: there is no such term)."""
    result = terms[-1]
    for c in terms[-2::-1]:
        result = plus(times(result, h), 0 if c is None else c)
    return result if len(terms) > 1 else plus(result, times(h, 0))


def check_inner(g: Any) -> None:
    """Raise unless the constant term of an inner series is zero."""
    if isinstance(g, Series) and not np.all(np.asarray(base(g.value) == 0)):
        raise DomainError(
            f"compose needs inner series with constant term 0, not {g.value}: the outer series is "
            "known around its own point only; expand it there, or call it to evaluate"
        )


def solution(a: Array, b: Array) -> Array:
    """Return x with a x = b over any field; of floats, the least-squares solution."""
    if not is_operand(a) and a.dtype != object:
        return np.linalg.lstsq(a, b, rcond=None)[0]
    if Kind.of(a) is INTEGERS:
        a, b = RATIONALS.array(a), RATIONALS.array(b)
    return eliminate(a, b)[0]
