"""Powers of one quadratic form in its principal axes.

With A = Σ λ_i w_i w_iᵀ the operator Σ A_jk ∂_j∂_k is Σ ±(v_i·∂)², v_i = √|λ_i| w_i: in derivatives
along the v_i it and its powers are those of a Laplacian, whose algebra has few products.  An axis
whose λ is no more than the rounding of A is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from taylor.numbers.kinds import Array
from taylor.operators.apolar import Apolar, Form, apolar
from taylor.operators.symbol import Monomial, Symbol, partials

EPS = 2.0**-52


class Root(NamedTuple):
    """A form that is factor·(Σ A_ij ∂_i∂_j)^power."""

    factor: float
    A: Array
    power: int


def in_axes(forms: Sequence[Form], n: int) -> Apolar | None:
    """Return the algebra of multiples of powers of one dense quadratic form of floats; else None.

    >>> d = partials(2)
    >>> P = (d @ np.array([[2.0, 1.0], [1.0, 2.0]]) @ d) ** 2
    >>> apolar([P.terms], d.names).algebra.count, in_axes([P.terms], 2).algebra.count
    (58, 42)
    """
    if not any(isinstance(c, float) for form in forms for c in form.values()):
        return None
    roots: list[Root] = []
    for form in forms:
        root = _root(form, n)
        if root is None or not np.allclose(
            root.A, (roots or [root])[0].A, rtol=0, atol=8 * n * EPS
        ):
            return None
        roots.append(root)
    A = roots[0].A
    if not (A - np.diag(np.diag(A))).any():
        return None
    size, w = np.linalg.eigh(A)
    kept = abs(size) > n * EPS * abs(size).max()
    axes = w[:, kept].T * np.sqrt(abs(size[kept]))[:, None]
    d = partials(len(axes))
    whole = sum((u**2 * (1 if s > 0 else -1) for u, s in zip(d, size[kept], strict=True)), 0 * d[0])
    found = apolar([(whole**root.power).terms for root in roots], d.names)
    readings = [
        [(place, root.factor * c) for place, c in reading]
        for root, reading in zip(roots, found.readings, strict=True)
    ]
    return Apolar(found.algebra, found.directions @ axes, readings)


def _root(form: Form, n: int) -> Root | None:
    """Return a form as a power of a quadratic one whose coefficient of some ∂_i² is 1, or None."""
    order = len(next(iter(form)))
    pure = {m[0]: c for m, c in form.items() if m[0] == m[-1]}
    if order % 2 or not pure or any(isinstance(c, complex) for c in form.values()):
        return None
    i = max(pure, key=lambda j: abs(pure[j]))
    factor, power = float(pure[i]), order // 2

    def near(*others: int) -> float:
        """Return the coefficient of ∂_i^(order - ...)·∂_j·... over the factor."""
        m: Monomial = tuple(sorted((*(i,) * (order - len(others)), *others)))
        return float(form.get(m, 0)) / factor

    others = [j for j in range(n) if j != i]
    line = {j: near(j) / power for j in others}
    A = np.zeros((n, n))
    A[i, i] = 1.0
    for j in others:
        A[i, j] = A[j, i] = line[j] / 2
        for k in others:
            mixed = near(j, k) / (1 + (j != k)) - math.comb(power, 2) * line[j] * line[k]
            A[j, k] = mixed / power
    d = partials(n)
    again: Symbol = (d @ A @ d) ** power * factor
    rest: dict[Any, Any] = (again - Symbol(d, form)).terms
    most = max(map(abs, form.values()))
    if any(abs(c) > 64 * order * EPS * most for c in rest.values()):
        return None
    return Root(factor, A, power)
