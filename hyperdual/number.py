"""HyperDual: numbers f + f_1 ε1 + f_2 ε2 + f_12 ε1ε2 + ... for any number of ε's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np

from taylor.core.graded import Monomials, squarefree
from taylor.core.operand import lift
from taylor.numbers.kinds import is_operand
from taylor.numbers.values import as_array, joined
from taylor.series import text
from taylor.series.series import Series, level_over


class HyperDual(Series):
    """A hyper-dual number (or array of them): `HyperDual(value, eps1, eps2, eps1eps2)`.

    With eps1 = eps2 = 1 at a point x, f(x) carries f in `.value`, f' in `.eps1` and `.eps2`, f'' in
    `.eps1eps2`, exact to rounding.

    >>> x = HyperDual(2.0, 1, 1)
    >>> x**3
    8 + 12 ε₁ + 12 ε₂ + 12 ε₁ ε₂
    """

    __slots__ = ()
    algebra: Monomials

    def __init__(self, value: Any, eps1: Any = 0, eps2: Any = 0, eps1eps2: Any = 0) -> None:
        made = self.from_parts([value, eps1, eps2, eps1eps2])
        self._coef, self.algebra, self.tag = made._coef, made.algebra, made.tag
        self._place, self._reach = None, made._reach

    @classmethod
    def from_parts(cls, parts: Sequence[Any]) -> Self:
        """Return the number with the given 2ⁿ parts, ordered 1, ε1, ε2, ..., ε1ε2, ε1ε3, ...

        >>> HyperDual.from_parts([1, 2])
        1 + 2 ε₁
        """
        n = len(parts).bit_length() - 1
        if len(parts) != 1 << n:
            raise ValueError(f"a hyper-dual number has 1, 2, 4, 8, ... parts, not {len(parts)}")
        algebra = squarefree(n)
        values = [lift(p) for p in parts]
        if not any(is_operand(v) for v in values):
            values = joined([as_array(v) for v in values])
        table = np.stack(np.broadcast_arrays(*values))
        return cls._make(table, algebra, level_over(table), algebra.height(table))

    @classmethod
    def variables(cls, values: Sequence[Any]) -> tuple[Self, ...]:
        """Return one number for each value, the i-th with its own ε_i of part 1.

        >>> x, y = HyperDual.variables([2.0, 3.0])
        >>> (x * y).eps1eps2
        np.float64(1.0)
        """
        return cls._variables(values, squarefree(len(values)))

    def _basis(self, latex: bool) -> tuple[list[str], str]:
        names = text.indexed(r"\varepsilon" if latex else "ε", self.algebra.variables, latex)
        return text.monomials(names, self.algebra.exponents.tolist(), latex), ""

    def part(self, subset: Iterable[int]) -> Any:
        """Return the part of the product of the ε's in the subset, numbered from 0.

        >>> HyperDual(1.0, 2.0, 3.0, 4.0).part({0, 1})
        np.float64(4.0)
        """
        chosen, n = list(subset), self.algebra.variables
        if len(set(chosen)) != len(chosen) or not set(chosen) <= set(range(n)):
            raise ValueError(f"{chosen} is no set of ε's: the {n} are numbered from 0")
        return self._coef[self.algebra.index([int(i in chosen) for i in range(n)])]

    @property
    def eps1(self) -> Any:
        """The part of ε1."""
        return self.part({0})

    @property
    def eps2(self) -> Any:
        """The part of ε2."""
        return self.part({1})

    @property
    def eps1eps2(self) -> Any:
        """The part of ε1ε2."""
        return self.part({0, 1})
