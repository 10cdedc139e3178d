"""Mixed derivatives of any order from univariate series along directions, by exact interpolation.

Griewank, Utke & Walther, Evaluating higher derivative tensors by forward propagation of univariate
Taylor series (Math. Comp. 69, 2000): with c_m(j) the Taylor coefficient of degree m along the
direction with integer components j,

    ∂^i = Σ_{|j|=m} γ_ij c_m(j),
    γ_ij = Σ_{0<k<=i} (-1)^{|i-k|} C(i, k) C(m k/|k|, j) (|k|/m)^m,     |i| = m.

γ_ij vanishes unless j lives on the variables of i, so each derivative needs few directions, and the
work per direction is O(m²) however many variables there are.

Conditioning: |c_m(j)| <= m^m/m!·max|∂^i| as |j| = m, so an entry is a sum of terms of up to
m^m/m!·Σ_j |γ_ij| = C(2m - 1, m) times the largest entry (3, 10, 35, 126 for m = 2..5, where all
variables of i differ): it loses that many roundings of the largest entry.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.numbers.kinds import Kind
from taylor.numbers.values import constant

Array = Any


def _binomial(a: Fraction, n: int) -> Fraction:
    """Return a (a-1) ... (a-n+1) / n!."""
    return math.prod((a - r for r in range(n)), start=Fraction(1)) / math.factorial(n)


def compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Yield the tuples of `parts` integers >= 0 with that sum."""
    for bars in itertools.combinations(range(total + parts - 1), parts - 1):
        edges = (-1, *bars, total + parts - 1)
        yield tuple(b - a - 1 for a, b in itertools.pairwise(edges))


@functools.cache
def weights(i: tuple[int, ...]) -> tuple[tuple[tuple[int, ...], Fraction], ...]:
    """Return the directions j and weights γ_ij that give ∂^i.

    >>> weights((1, 1))[0]  # f_xy = c_2(1, 1) - c_2(2, 0)/4 - c_2(0, 2)/4
    ((0, 2), Fraction(-1, 4))
    """
    m = sum(i)
    found = []
    for j in compositions(m, len(i)):
        gamma = Fraction(0)
        for k in itertools.product(*(range(n + 1) for n in i)):
            size = sum(k)
            if size:
                sign = (-1) ** (m - size)
                choose = math.prod(map(math.comb, i, k))
                inner = math.prod(
                    (_binomial(Fraction(m * a, size), b) for a, b in zip(k, j, strict=True)),
                    start=Fraction(1),
                )
                gamma += sign * choose * inner * Fraction(size, m) ** m
        if gamma:
            found.append((j, gamma))
    return tuple(found)


def mixed(coefficient: Callable[[Array], Any], n: int, m: int) -> Array:
    """Return all derivatives of order m in n variables: shape (n,)*m + shape of a coefficient.

    coefficient(v) gives the Taylor coefficient of degree m along the direction v.
    """
    known: dict[tuple[tuple[int, int], ...], Any] = {}

    def along(variables: Sequence[int], j: tuple[int, ...]) -> Any:
        key = tuple((v, c) for v, c in zip(variables, j, strict=True) if c)
        if key not in known:
            direction = np.zeros(n, dtype=int)
            for v, c in key:
                direction[v] = c
            known[key] = coefficient(direction)
        return known[key]

    full: Array = None
    for sequence in itertools.combinations_with_replacement(range(n), m):
        variables = sorted(set(sequence))
        i = tuple(sequence.count(v) for v in variables)
        terms = [(along(variables, j), w) for j, w in weights(i)]
        entry = functools.reduce(operator.add, (c * constant(w, c) for c, w in terms))
        if full is None:
            full = Kind.of(entry).zeros((n,) * m + np.shape(entry))
        for place in set(itertools.permutations(sequence)):
            full[place] = entry
    return full
