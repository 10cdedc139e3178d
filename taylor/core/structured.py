"""Any graded commutative algebra, by its structure constants: e_i·e_j = Σ_k c_ijk e_k.

Series in it run wherever others do: eagerly over every kind of number, in lanes, nested, and as
machine code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from taylor.core.graded import Graded
from taylor.numbers.kinds import Array
from taylor.numbers.values import as_array

Constant = tuple[int, int, int, Any]  # i, j, k and the number c_ijk


class Structured(Graded):
    """The algebra of a basis e_0 = 1, e_1, ... of ascending degrees with given products.

    `constants` holds (i, j, k, c) for every c ≠ 0 in e_i·e_j = Σ_k c e_k with 1 <= i <= j; the
    other order of the factors, and the products with e_0, follow.  `names` are those of e_1, e_2,
    ... in print.  ValueError: a product of other degree, or products that are not associative.

    >>> dual = Structured("dual", [0, 1, 1, 2], [(1, 1, 3, 1), (2, 2, 3, 1)])  # 1, a, b, a² = b²
    >>> x = np.array([5.0, 1.0, 2.0, 0.0])
    >>> dual.product(x, x)
    array([25., 10., 20.,  5.])
    """

    def __init__(
        self,
        name: str,
        degrees: Sequence[int],
        constants: Iterable[Constant],
        names: Sequence[str] | None = None,
    ) -> None:
        d, given = np.array(degrees, dtype=int), tuple(tuple(c) for c in constants)
        if not len(d) or d[0] or (np.diff(d) < 0).any() or (d[1:] < 1).any():
            raise ValueError(f"degrees must ascend from that of 1, the only 0, not {degrees}")
        super().__init__(name, d, int((d == 1).sum()), int(d[-1]))
        self.names = tuple(names or (f"e{i}" for i in range(1, len(d))))
        self._given = given
        seen = set()
        for i, j, k, c in given:
            if not (1 <= i <= j < self.size and 1 <= k < self.size and c):
                raise ValueError(f"{(i, j, k, c)}: give (i, j, k, c), 1 <= i <= j, c not zero")
            if d[i] + d[j] != d[k] or (i, j, k) in seen:
                raise ValueError(f"{(i, j, k, c)} is given twice, or has degree {d[k]}, not that "
                                 f"of the product, {d[i] + d[j]}")  # fmt: skip
            seen.add((i, j, k))
        rows = [(0, 0, 0, 1)]
        for i, j, k, c in (*((0, k, k, 1) for k in range(1, self.size)), *given):
            rows += [(i, j, k, c)] if i == j else [(i, j, k, c), (j, i, k, c)]
        self._left, self._right, self._out = np.array([r[:3] for r in rows], dtype=int).T
        self._constants = as_array([r[3] for r in rows])
        self.weighted = bool(np.any(self._constants != 1))
        if not self._is_associative():
            raise ValueError(f"the products of {self} are not associative")

    def _is_associative(self) -> bool:
        """Whether (xy)z = x(yz) for three elements chosen at random."""
        x, y, z = np.random.default_rng(0).uniform(0.5, 1.0, (3, self.size))
        left = self.product(self.product(x, y), z).astype(float)
        right = self.product(x, self.product(y, z)).astype(float)
        return bool(np.all(np.abs(left - right) <= 1e-9 * np.max(np.abs(left))))

    @property
    def identity(self) -> tuple[Any, ...]:
        return (self.name, tuple(self.degrees.tolist()), self._given)

    def _products(self, k: int, lo: int, hi: int) -> tuple[Array, ...]:
        left = self.degrees[self._left]
        rows = np.flatnonzero((self.degrees[self._out] == k) & (lo <= left) & (left <= hi))
        found = (self._left[rows], self._right[rows], self._out[rows] - self.offsets[k])
        return (*found, self._constants[rows]) if self.weighted else found

    def truncated(self, order: int) -> Structured:
        kept = int(self.offsets[min(order, self.order) + 1])
        constants = [c for c in self._given if c[2] < kept]
        names = self.names[: kept - 1]
        return Structured(self.name, self.degrees[:kept].tolist(), constants, names)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Structured, (self.name, self.degrees.tolist(), self._given, self.names))

    def __str__(self) -> str:
        return f"a series in the algebra {self.name!r} of order {self.order}"
