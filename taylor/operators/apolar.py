"""The smallest algebra that holds P(∂)f: ℝ[ε]/Ann(P), the apolar algebra of P.

f(x + ε) is a series in R = ℝ[ε], which acts on polynomials by differentiation, and with
φ(ε^α) = α! P_α the derivative wanted is P(∂)f(x) = φ(f(x + ε)).  For a homogeneous P of order K,
φ vanishes on the ideal Ann(P) = {r : r∘P = 0}, so all may be computed in R/Ann(P): graded,
commutative, its part of degree d of dimension the rank of the catalecticant

    R_d -> S_{K-d},     ε^a ↦ ε^a∘P = Σ_b P_b b!/(b - a)! ξ^{b-a}

(Macaulay, The Algebraic Theory of Modular Systems, 1916; Iarrobino & Kanev, Power Sums, Gorenstein
Algebras, and Determinantal Loci, 1999).  For several P at once, of any orders, the ideals are
intersected: their catalecticants are stacked.  The basis consists of monomials, the columns in
which an elimination pivots, and every other monomial is a combination of them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Any

import numpy as np

from taylor.core.structured import Structured
from taylor.numbers.kinds import Array
from taylor.operators.symbol import (
    RAISED,
    Monomial,
    at_most,
    dimensions_shown,
    factorial,
    monomial_count,
)

Form = Mapping[Monomial, Any]  # a homogeneous polynomial
Row = dict[Monomial, Any]
MOST = 1 << 22  # entries of the catalecticants
PRIME = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Apolar:
    """The algebra of some forms P_j: x_i + Σ_k directions[k, i] e_k are its variables.

    P_j(∂)f is Σ c·coefficient of `readings[j]`, a list of pairs (position, c).
    """

    algebra: Structured
    directions: Array
    readings: Sequence[Sequence[tuple[int, Any]]]

    @property
    def dimensions(self) -> list[int]:
        """The dimensions of the parts of degree 0, 1, ..."""
        return np.diff(self.algebra.offsets).tolist()  # type: ignore[no-any-return]


def apolar(forms: Sequence[Form], names: Sequence[str]) -> Apolar:
    """Return the smallest algebra for the values of all P(∂)f; MemoryError: it is too large.

    >>> from taylor.operators.symbol import partials
    >>> d = partials(6)
    >>> apolar([dict(((d @ d) ** 2).terms)], d.names).dimensions
    [1, 6, 21, 6, 1]
    """
    order = max(len(next(iter(form))) for form in forms)
    work = sum(_divisor_count(b) for form in forms for b in form)
    if work > MOST:
        raise MemoryError(
            f"the operators have {sum(map(len, forms))} terms of order up to {order}: an algebra "
            f"of {dimensions_shown(_most(forms, order))}, found from {work} entries of "
            "catalecticants; take fewer terms, or an unbiased estimate "
            "(taylor.operators.estimate, or estimate_laplacian for powers of the Laplacian)"
        )
    basis: list[Monomial] = [()]
    reduced: dict[Monomial, Row] = {(): {(): 1}}
    for d in range(1, order + 1):
        found = _reduced(_catalecticant(forms, d))
        reduced.update(found)
        basis += sorted(m for m, row in found.items() if row.keys() == {m})
    place = {m: i for i, m in enumerate(basis)}
    constants = []
    for i, j, row in _products(reduced, place):
        constants += [(i, j, place[m], c) for m, c in row.items()]
    algebra = Structured(
        "apolar", [len(m) for m in basis], constants, [_name(m, names) for m in basis[1:]]
    )
    directions = np.zeros((algebra.variables, len(names)), dtype=object)
    for (*_, i), row in ((m, row) for m, row in reduced.items() if len(m) == 1):
        for m, c in row.items():
            directions[place[m] - 1, i] = c
    readings = [[(place[m], factorial(m) * c) for m, c in form.items() if m in place]
                for form in forms]  # fmt: skip
    return Apolar(algebra, directions, readings)


def _most(forms: Sequence[Form], order: int) -> list[int]:
    """Return what the dimensions of the algebra of some forms do not exceed, without finding it."""
    found, n = [0] * (order + 1), len({i for form in forms for m in form for i in m})
    for form in forms:
        K = len(next(iter(form)))
        patterns = Counter(tuple(sorted(e for _, e in _powers(m))) for m in form)
        divisors = [0] * (K + 1)  # of each degree, of all terms
        for pattern, count in patterns.items():
            counts = [1]
            for e in pattern:
                counts = np.convolve(counts, [1] * (e + 1)).tolist()
            divisors = [a + count * b for a, b in zip(divisors, counts, strict=True)]
        for d, most in enumerate(at_most(K, n)):
            found[d] += min(most, divisors[d], divisors[K - d])
    return [min(h, monomial_count(n, d)) for d, h in enumerate(found)]


def _products(
    reduced: Mapping[Monomial, Row], place: Mapping[Monomial, int]
) -> Iterable[tuple[int, int, Row]]:
    """Yield (i, j, e_i·e_j), i <= j, of the pairs of a basis of monomials that do not vanish."""
    for m, row in reduced.items():
        if not row:
            continue
        for left in _divisors(m, range(1, len(m) // 2 + 1)):
            right = _without(m, left)
            if left in place and right in place and place[left] <= place[right]:
                yield place[left], place[right], row
            elif len(left) == len(right) or left not in place or right not in place:
                continue
            else:
                yield place[right], place[left], row


def _powers(m: Monomial) -> list[tuple[int, int]]:
    """Return the pairs (i, α_i) of a monomial, a sorted tuple of indices."""
    return [(i, len(list(same))) for i, same in groupby(m)]


def _divisor_count(m: Monomial) -> int:
    return math.prod(n + 1 for _, n in _powers(m))


def _divisors(m: Monomial, degrees: Iterable[int]) -> Iterable[Monomial]:
    """Yield the divisors of a monomial of some degrees, each once."""
    powers = _powers(m)
    for d in degrees:
        found: list[Monomial] = [()]
        after = len(m)  # how many factors are to come
        for i, n in powers:
            after -= n
            found = [
                (*part, *(i,) * e)
                for part in found
                for e in range(min(n, d - len(part)), max(0, d - len(part) - after) - 1, -1)
            ]
        yield from found


def _without(m: Monomial, part: Monomial) -> Monomial:
    rest = list(m)
    for i in part:
        rest.remove(i)
    return tuple(rest)


def _name(m: Monomial, names: Sequence[str]) -> str:
    """Return the name of a product of ε, such as e0²·e3 for d[0]² d[3], or x·y."""
    found = []
    for i, same in groupby(m):
        name = names[i].removeprefix("d.").replace("d[", "e").replace("[", "").replace("]", "")
        found.append(name + str(p).translate(RAISED) if (p := len(list(same))) > 1 else name)
    return "·".join(found)


# ------------------------------------------------------------------ exact elimination
def _catalecticant(forms: Sequence[Form], d: int) -> list[Row]:
    """Return the stacked catalecticants on degree d: a row for each ξ^r, columns ε^a."""
    rows: dict[Any, Row] = {}
    for n, form in enumerate(forms):
        for b, c in form.items():
            if len(b) < d:
                break
            for a in _divisors(b, [d]):
                rest = _without(b, a)
                row = rows.setdefault((n, rest), {})
                row[a] = row.get(a, 0) + _exact(c) * (factorial(b) // factorial(rest))
    return list(rows.values())


def _exact(c: Any) -> Any:
    """Return a number as a fraction; floats, and mpmath's, are the fractions that they are."""
    if hasattr(c, "_mpf_"):
        sign, mantissa, exponent, _ = map(int, c._mpf_)
        return (-1) ** sign * mantissa * Fraction(2) ** exponent
    return Fraction(c) if not isinstance(c, (int, Fraction)) else c


def _reduced(rows: Sequence[Row]) -> dict[Monomial, Row]:
    """Return every column as a combination of pivot columns, which stand for themselves."""
    found: dict[Monomial, Row] = {}
    for block in _blocks(rows):
        columns = dict.fromkeys(m for row in block for m in row)
        if _independent(block, list(columns)):
            found.update({m: {m: 1} for m in columns})
            continue
        pivots = _echelon(block)
        for m in columns:
            row = {p: row[m] for p, row in pivots.items() if m in row}
            found[m] = {m: 1} if m in pivots else row
    return found


def _blocks(rows: Sequence[Row]) -> Iterable[list[Row]]:
    """Yield the rows in groups that have no column in common."""
    group: dict[Monomial, list[Row]] = {}
    for row in rows:
        met = {id(group[m]): group[m] for m in row if m in group}
        joined = max(met.values(), key=len, default=[])
        for other in met.values():
            if other is not joined:
                joined += other
                group.update((m, joined) for r in other for m in r)
        joined.append(row)
        group.update((m, joined) for m in row)
    yield from {id(block): block for block in group.values()}.values()


def _independent(rows: Sequence[Row], columns: list[Monomial]) -> bool:
    """Whether the columns are independent modulo a prime: then they are."""
    if len(rows) < len(columns):
        return False
    place = {m: i for i, m in enumerate(columns)}
    a = np.zeros((len(rows), len(columns)), dtype=np.int64)
    for i, row in enumerate(rows):
        scale = math.lcm(*(Fraction(c).denominator for c in row.values()))
        for m, c in row.items():
            a[i, place[m]] = int(c * scale) % PRIME
    for k in range(len(columns)):
        pivot = k + int(np.argmax(a[k:, k] != 0))
        if not a[pivot, k]:
            return False
        a[[k, pivot]] = a[[pivot, k]]
        factors = a[k + 1 :, k] * pow(int(a[k, k]), -1, PRIME) % PRIME
        a[k + 1 :] = (a[k + 1 :] - factors[:, None] * a[k]) % PRIME
    return True


def _echelon(rows: Sequence[Row]) -> dict[Monomial, Row]:
    """Return the reduced row echelon form: rows by the columns in which they alone are one."""
    pivots: dict[Monomial, Row] = {}
    for given in rows:
        row = dict(given)
        for m in [m for m in row if m in pivots]:
            _subtract(row, pivots[m], row[m])
        if not row:
            continue
        pivot = max(row, key=lambda m: (abs(row[m]), [-i for i in m]))
        row = {m: _quotient(c, row[pivot]) for m, c in row.items()}
        for other in pivots.values():
            if pivot in other:
                _subtract(other, row, other[pivot])
        pivots[pivot] = row
    return pivots


def _quotient(x: Any, y: Any) -> Any:
    if y == 1:
        return x
    q = Fraction(x) / y
    return q.numerator if q.denominator == 1 else q


def _subtract(row: Row, other: Row, factor: Any) -> None:
    for m, c in other.items():
        left = row.get(m, 0) - factor * c
        if left:
            row[m] = left
        else:
            row.pop(m, None)
