"""Algebras given by their bases: polynomials in several variables, and square-free ones.

Each knows which pairs of basis elements have a product of degree k (see `algebra`).
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from taylor.core import algebra as below
from taylor.core.algebra import MAX_ORDER, Algebra, Univariate, check_order, gathered
from taylor.core.products import NONE, Between, Pairs, collected, sorted_pairs
from taylor.core.tables import contract_rows, last_nonzero
from taylor.errors import NoPartials
from taylor.numbers.kinds import Array
from taylor.numbers.values import constant

MAX_MONOMIALS = 2 * 10**7
MAX_EXPONENTS = 2 * 10**8  # monomials times variables
CACHED_PAIRS = 1 << 22
# products of coefficients that are recorded one by one, for so many coefficients at most: they
# become loops with what is done element by element, in the machine code of stacks of arrays
WRITTEN_OUT, ROWS = 32, 8


class Graded:
    """An algebra given by its basis: which pairs have a product of degree k, and what it is."""

    weighted = False  # whether some products have other weights than one

    def __init__(self, name: str, degrees: Array, variables: int, order: int) -> None:
        self.name, self.degrees, self.variables, self.order = name, degrees, variables, order
        self.offsets = np.searchsorted(degrees, np.arange(order + 2))
        self.size = len(degrees)
        self._hash = hash((variables, order, self.size))  # the same in every process
        self._pairs: dict[tuple[int, int, int], Pairs] = {}
        self._parts: dict[tuple[int, int, bool], Between] = {}
        self._lists: dict[tuple[int, int, int, bool], list[Array]] = {}

    def _products(self, k: int, lo: int, hi: int) -> tuple[Array, ...]:
        """Return (p, q, out) or (p, q, out, weights) of `pairs`, in any order."""
        raise NotImplementedError

    @property
    def identity(self) -> tuple[Any, ...]:
        """What tells this algebra from others of its class."""
        return (self.name, self.variables, self.order)

    @property
    def count(self) -> int:
        return len(self.lists(-1, 0, 0)[0])

    def part(self, k: int) -> slice:
        return slice(int(self.offsets[k]), int(self.offsets[k + 1]))

    def height(self, x: Array) -> int:
        return int(self.degrees[last_nonzero(x)])

    # -------------------------------------------------------------- by degree
    def pairs(self, k: int, lo: int, hi: int) -> Pairs:
        """Return the pairs whose product has degree k and whose left degree runs from lo to hi."""
        key = (k, lo, hi)
        if key in self._pairs:
            return self._pairs[key]
        p, q, out, *weights = self._products(k, lo, hi)
        found = sorted_pairs(out, p, q, weights[0] if weights else None)
        if len(p) <= CACHED_PAIRS:
            self._pairs[key] = found
        return found

    def lists(self, k: int, lo: int, hi: int, half: bool = False) -> list[Array]:
        """Return p, q, where each sum begins, and weights, of `pairs` or (k < 0) of all products.

        They are laid out for machine code.  Of a square `half` of them do, p <= q.
        """
        key = (k, lo, hi, half)
        if key in self._lists:
            return self._lists[key]
        degrees = [(k, lo, hi)] if k >= 0 else [(j, 0, j) for j in range(self.order + 1)]
        parts = [self.pairs(*given) for given in degrees]
        sizes = np.diff(self.offsets)
        counts = [
            np.bincount(part.rows, minlength=sizes[j])
            for (j, *_), part in zip(degrees, parts, strict=True)
        ]
        starts = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
        p, q = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
        given = [part.weights for part in parts if part.weights is not None]
        weights = np.concatenate(given).astype(float) if given else NONE
        if half:
            kept = p <= q
            starts = np.concatenate([[0], np.cumsum(kept)])[starts]
            weights = np.where(p < q, 2.0, 1.0)[kept] * (weights[kept] if given else 1.0)
            p, q = p[kept], q[kept]
        found = [np.ascontiguousarray(v, dtype=np.int32) for v in (p, q, starts)] + [weights]
        if len(p) <= CACHED_PAIRS:
            self._lists[key] = found
        return found

    def _collect(
        self, k: int, lo: int, hi: int, x: Array, y: Array, multiply: Any = operator.mul
    ) -> Any:
        """Return the part of degree k of a product, from left degrees lo to hi."""
        pairs = self.pairs(k, lo, hi)
        n = int(self.offsets[k + 1] - self.offsets[k])
        if multiply is operator.mul and hasattr(x, "tape") and len(pairs.p):
            if len(pairs.p) <= WRITTEN_OUT and n <= ROWS:
                return self._row_by_row(pairs, n, x, y)
            return self._by_parts(k, range(lo, hi + 1), x, y)
        return collected(pairs, n, x, y, multiply)

    def _by_parts(self, k: int, degrees: Iterable[int], x: Any, y: Any) -> Any:
        """Return the same of what is recorded, one instruction for each degree of x."""
        terms = []
        for j in degrees:
            if x is y and 2 * j > k:  # a square: each of these products has been taken twice
                break
            between = self._between(j, k - j, x is y and 2 * j == k)
            if len(between.pairs.p):
                term = x[self.part(j)]._paired(between, y[self.part(k - j)])
                terms.append(term * 2 if x is y and 2 * j < k else term)
        return sum(terms[1:], terms[0])

    def _between(self, i: int, j: int, half: bool) -> Between:
        """Return the products of the parts of degrees i and j, whose rows are counted from zero.

        Of a square `half` of them do.
        """
        if (i, j, half) in self._parts:
            return self._parts[i, j, half]
        pairs = self.pairs(i + j, i, i)
        p, q, rows, weights = pairs.p, pairs.q, pairs.rows, pairs.weights
        if half:
            kept, twice = p <= q, (1 + (p < q)).astype(object)
            weights = (twice if weights is None else twice * weights)[kept]
            p, q, rows = p[kept], q[kept], rows[kept]
        found = sorted_pairs(rows, p - self.offsets[i], q - self.offsets[j], weights)
        n, nx, ny = (int(self.offsets[k + 1] - self.offsets[k]) for k in (i + j, i, j))
        return self._parts.setdefault((i, j, half), Between(found, (n, nx, ny), {}))

    def _row_by_row(self, pairs: Pairs, n: int, x: Array, y: Array) -> Any:
        """Return the part of degree k of a product as that of its coefficients, one by one."""
        weights = [1] * len(pairs.p) if pairs.weights is None else pairs.weights.tolist()
        rows: list[Any] = [None] * n
        for i, out in enumerate(pairs.rows):
            p, q, weight = int(pairs.p[i]), int(pairs.q[i]), weights[i]
            weight *= 2 * (p < q) if x is y and p != q else 1  # a square has half the products
            if weight:
                term = x[p] * y[q] if weight == 1 else x[p] * y[q] * constant(weight, x)
                rows[out] = term if rows[out] is None else rows[out] + term
        zero = next(r for r in rows if r is not None) * 0
        return np.stack([zero if r is None else r for r in rows])

    def interior(self, k: int, x: Array, y: Array, hx: int, hy: int) -> Array | None:
        lo, hi = max(1, k - hy), min(k - 1, hx)
        return None if hi < lo else self._collect(k, lo, hi, x, y)

    def interior_of(
        self, spec: str, k: int, x: Array, y: Array, hx: int = MAX_ORDER, hy: int = MAX_ORDER
    ) -> Array | None:
        lo, hi = max(1, k - hy), min(k - 1, hx)
        multiply = functools.partial(contract_rows, spec)
        return None if hi < lo else self._collect(k, lo, hi, x, y, multiply)

    # -------------------------------------------------------------- all degrees at once
    def product(self, x: Array, y: Array) -> Array:
        z = None if self.weighted else gathered(x, y, self)
        if z is not None:
            return z
        hx, hy = self.height(x), self.height(y)
        parts = [x[:1] * y[:1]]
        for k in range(1, self.order + 1):
            p = self.part(k)
            terms = [x[:1] * y[p]] if k <= hy else []
            if k <= hx:
                terms.append(x[p] * y[:1])
            inner = self.interior(k, x, y, hx, hy)
            terms += [] if inner is None else [inner]
            parts.append(sum(terms[1:], terms[0]) if terms else (x[:1] * 0) * y[p])
        return np.concatenate(parts)

    def bilinear(self, spec: str, x: Array, y: Array) -> Array:
        parts = [contract_rows(spec, x[:1], y[:1])]
        for k in range(1, self.order + 1):
            p = self.part(k)
            total = contract_rows(spec, x[0], y[p], left=False)
            total = total + contract_rows(spec, x[p], y[0], right=False)
            inner = self.interior_of(spec, k, x, y)
            parts.append(total if inner is None else total + inner)
        return np.concatenate(parts)

    @functools.cached_property
    def all_pairs(self) -> list[Array]:
        """The pairs (P, Q) of all products in their order, and where each product begins."""
        p, q, starts, _ = self.lists(-1, 0, 0)
        return [p, q, starts[:-1]]

    def sign(self, k: int, d: Array, table: Array) -> Any:
        return d[0] * math.nan

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self is other or self.identity == other.identity

    def __hash__(self) -> int:
        return self._hash


class Monomials(Graded):
    """Polynomials whose monomials are given by rows of exponents, sorted by degree.

    Products that leave the set of monomials vanish: with all exponents of degree <= K this is the
    truncated multivariate algebra, with exponents 0 and 1 the square-free one.
    """

    def __init__(self, name: str, exponents: Array, order: int) -> None:
        super().__init__(name, exponents.sum(1, dtype=int), exponents.shape[1], order)
        self.exponents = exponents
        self._codes, self._weights = _linear_codes(exponents)
        self._cap = exponents.max(0, initial=0)

    def index(self, alpha: Any) -> int:
        """Return the position of the monomial with exponents alpha."""
        if not hasattr(alpha, "__iter__"):
            raise TypeError(f"a multi-index is a tuple of orders, one per variable, not {alpha!r}")
        alpha = tuple(operator.index(a) for a in alpha)
        if len(alpha) != self.variables or min(alpha, default=0) < 0:
            raise ValueError(f"{alpha} is no multi-index for {self.variables} variables")
        degree = sum(alpha)
        place = int(self.places(np.array([alpha]))[0]) if degree <= self.order else -1
        if place < 0:
            raise ValueError(f"the monomial {alpha} is not kept in {self}")
        return place

    def places(self, exponents: Array) -> Array:
        """Return the positions of monomials, given by rows of exponents; -1: it is not kept."""
        order, codes = self._in_order
        at = np.searchsorted(codes, exponents.astype(np.int64) @ self._weights)
        found = order[np.minimum(at, self.size - 1)]
        return np.where((self.exponents[found] == exponents).all(1), found, -1)

    def derivatives(self, k: int) -> tuple[Array, Array]:
        """Return at which monomial of degree k each of the n^k derivatives is, and α! of these.

        All monomials of that degree are kept.  So many derivatives are one: k!/α!.
        """
        codes, total = self._codes[self.part(k)], np.zeros((), dtype=np.int64)
        for _ in range(k):
            total = total[..., None] + self._weights
        order = np.argsort(codes)
        at = order[np.searchsorted(codes[order], total.reshape(-1))]
        alike, all_orders = np.bincount(at, minlength=len(codes)).tolist(), math.factorial(k)
        return at, np.array([all_orders // m for m in alike], dtype=object)

    @functools.cached_property
    def _in_order(self) -> tuple[Array, Array]:
        order = np.argsort(self._codes)
        return order, self._codes[order]

    def _products(self, k: int, lo: int, hi: int) -> tuple[Array, ...]:
        codes = self._codes[self.part(k)]
        order = np.argsort(codes, kind="stable")
        found = []
        for j in range(lo, hi + 1):
            first, second = self.part(j), self.part(k - j)
            total = (self._codes[first][:, None] + self._codes[second]).ravel()
            spot = np.minimum(np.searchsorted(codes, total, sorter=order), len(codes) - 1)
            i = np.arange(total.size)
            width = second.stop - second.start
            pair = np.stack([first.start + i // width, second.start + i % width, order[spot]])
            if self._cap.max(initial=0) <= 1:
                overlap = self.exponents[pair[0]] & self.exponents[pair[1]]
                pair = pair[:, ~overlap.any(1)]
            found.append(pair)
        return tuple(np.concatenate(found, axis=1))

    @functools.cached_property
    def count(self) -> int:
        if self._cap.max(initial=0) <= 1 < self.order:  # square-free
            return int(3**self.variables)
        return math.comb(2 * self.variables + self.order, self.order)

    def sign(self, k: int, d: Array, table: Array) -> Any:
        # decided only where it is certain: every monomial of d is a square, all have one sign, and
        # each variable the series depends on occurs alone
        e = self.exponents[self.part(k)]
        axes = tuple(range(1, np.ndim(d)))
        even = (e % 2 == 0).all(1)
        used = self.exponents[np.any(table != 0, axis=axes)].any(0) if self._cap.max() > 1 else None
        pure = even & ((e > 0).sum(1) == 1)
        undecided = d[0] * math.nan
        if used is None or not even.any():
            return undecided
        has_all = np.ones(np.shape(d)[1:], dtype=bool)
        for i in np.flatnonzero(used):
            has_all &= np.any(d[pure & (e[:, i] > 0)] != 0, axis=0)
        sure = has_all & np.all(d[~even] == 0, axis=0)
        positive, negative = np.all(d >= 0, axis=0), np.all(d <= 0, axis=0)
        return np.where(sure & positive, 1.0, np.where(sure & negative, -1.0, math.nan))

    def truncated(self, order: int) -> Monomials:
        return _ALGEBRAS[self.name](self.variables, order)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_ALGEBRAS[self.name], (self.variables, self.order))

    def __str__(self) -> str:
        return f"a {self.name} series in {self.variables} variables of order {self.order}"


def _linear_codes(exponents: Array) -> tuple[Array, Array]:
    """Return distinct integers for the monomials, additive in products, and their weights."""
    n = exponents.shape[1]
    base = int(exponents.sum(1, dtype=int).max(initial=0)) + 1
    if n * math.log2(max(base, 2)) < 62:
        weights = np.array([base**i for i in range(n)], dtype=np.int64)
        return exponents.astype(np.int64) @ weights, weights
    for seed in range(100):  # additive hashing: distinct on the whole set, so exact
        weights = np.asarray(np.random.default_rng(seed).integers(-(2**62), 2**62, n))
        codes = exponents.astype(np.int64) @ weights
        if len(np.unique(codes)) == len(codes):
            return codes, weights
    raise RuntimeError("no additive code found for the monomials")


def monomials(n: int, order: int) -> Array:
    """Return the exponents of all monomials of degree <= order in n variables, graded.

    >>> monomials(2, 2).tolist()
    [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]
    """
    parts, one = [np.zeros((1, n), dtype=np.int16)], np.eye(n, dtype=np.int16)
    for k in range(order if n else 0):
        last = parts[-1]  # at its end those in the variables from number i on
        ends = [last[len(last) - math.comb(n - i + k - 1, k) :] for i in range(n)]
        parts.append(np.concatenate([end + x for end, x in zip(ends, one, strict=True)]))
    return np.concatenate(parts)


@functools.lru_cache(maxsize=64)
def _multivariate(n: int, order: int) -> Monomials:
    return Monomials("multivariate", monomials(n, order), order)


def multivariate(n: int, order: int) -> Monomials:
    """Return the algebra of polynomials in n variables, truncated above total degree `order`."""
    order = check_order(order)
    count = math.comb(n + order, order)
    if count > MAX_MONOMIALS or count * n > MAX_EXPONENTS:
        raise ValueError(
            f"order {order} in {n} variables has {count} monomials, too many for one table; lower "
            "the order, or use univariate series along directions (taylor.directional)"
        )
    return _multivariate(n, order)


@functools.lru_cache(maxsize=16)
def _squarefree(n: int, order: int) -> Monomials:
    bits = np.arange(1 << n)[:, None] >> np.arange(n) & 1
    degrees = bits.sum(1)
    subsets = bits[np.lexsort((np.arange(1 << n), degrees))].astype(np.int16)
    return Monomials("square-free", subsets[subsets.sum(1) <= order], order)


def squarefree(n: int, order: int | None = None) -> Monomials:
    """Return the algebra generated by ε_1 ... ε_n with ε_i² = 0 (2ⁿ coefficients)."""
    if n > 16:
        raise ValueError(
            f"{n} epsilons have {2**n} coefficients and {3**n} products; use at most 16, or Taylor "
            "series along directions (taylor.tensor)"
        )
    return _squarefree(n, n if order is None else order)


@functools.lru_cache(maxsize=256)
def differentiation(algebra: Algebra, lower: Algebra, i: int) -> tuple[Array, Array, Array]:
    """Return what ∂/∂x_i takes where: coefficient rows of lower are weights times source.

    >>> [a.tolist() for a in differentiation(multivariate(1, 2), multivariate(1, 1), 0)]
    [[0, 1], [1, 2], [1, 2]]
    """
    if isinstance(algebra, Univariate):
        rows = np.arange(lower.size)
        return rows, rows + 1, rows + 1
    if not (isinstance(algebra, Monomials) and isinstance(lower, Monomials)):
        raise NoPartials(f"{algebra} has no partial derivatives; give the rule a step of its own")
    up = lower.exponents.astype(int)
    up[:, i] += 1
    source = algebra.places(up)
    rows = np.flatnonzero(source >= 0)
    return rows, source[rows], up[rows, i]


_ALGEBRAS: dict[str, Callable[[int, int], Monomials]] = {
    "multivariate": multivariate,
    "square-free": squarefree,
}
# series pickled when these stood there ask for them there
vars(below).update({made.__name__: made for made in _ALGEBRAS.values()})
