"""Algebras graded by degree: what a coefficient table is and how two of them are multiplied.

A table holds the coefficients of one series along its first axis, sorted by degree; the other axes
are those of the array the series describes.  Its numbers are float64, complex128, Python objects
(Fraction, mpf, intervals), or again a series of another algebra or tag (nesting).

Multiplication is needed in one form only.  With x = Σ x_j, y = Σ y_j by degree, the part of degree
k >= 1 of x·y is

    x_0 y_k + x_k y_0 + interior(k, x, y),     interior(k, x, y) = Σ_{j=1..k-1} x_j y_{k-j}

and every step rule of the package is written with `interior`: the boundary terms only scale, so a
constant never convolves and an unknown y_k is never multiplied by anything but a value.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from taylor.llvm import products as machine
from taylor.llvm.products import Blocks
from taylor.numbers.contexts import is_interval, is_set
from taylor.numbers.kinds import is_operand
from taylor.numbers.values import together, zeros

Array = Any
MAX_ORDER = 10**7
MAX_MONOMIALS = 2 * 10**7
MAX_EXPONENTS = 2 * 10**8  # monomials times variables
CACHED_PAIRS = 1 << 22
GATHERED = 1 << 13  # products of coefficients, in all lanes, up to which they are gathered
LARGE, LONG = 20_000, 7  # products of coefficients, in all and for two rows, that rows pay for


def check_order(order: Any) -> int:
    """Return a valid order (an int >= 0)."""
    try:
        k = operator.index(order)
    except TypeError:
        raise TypeError(f"order must be an integer >= 0, not {order!r}") from None
    if k < 0:
        raise ValueError(f"order must be >= 0, not {k}")
    if k > MAX_ORDER:
        raise ValueError(f"order {k} cannot fit in memory; the largest order is {MAX_ORDER}")
    return k


def dot(x: Array, y: Array) -> Array:
    """Return Σ_j x_j·y_j over the first axis."""
    if type(x) is not np.ndarray or type(y) is not np.ndarray:
        return (x * y).sum(0)
    if x.dtype == object and y.dtype == object:
        z = _rounded_once(x, y)
        if z is not None:
            return z
    if x.ndim == 1 and y.ndim == 1:
        return np.dot(x, y)
    if x.dtype == object or y.dtype == object:
        return np.add.reduce(x * y, axis=0)
    return np.einsum("j...,j...->...", x, y)


def _rounded_once(x: Array, y: Array) -> Array | None:
    """Return Σ_j x_j·y_j over the first axis of reals of mpmath, or None for other numbers."""
    if x.ndim == 1 and y.ndim == 1:
        return _sum_of_products(x.tolist(), y.tolist())
    shape = np.broadcast_shapes(x.shape[1:], y.shape[1:])
    wide = [np.broadcast_to(v, (len(v), *shape)).reshape(len(v), -1).T.tolist() for v in (x, y)]
    sums = [_sum_of_products(a, b) for a, b in zip(*wide, strict=True)]
    if any(z is None for z in sums):
        return None
    out = np.empty(len(sums), dtype=object)
    out[:] = sums
    return out.reshape(shape)


def _sum_of_products(x: list[Any], y: list[Any]) -> Any:
    """Return Σ x_j·y_j, added up in whole numbers and rounded once; None for other numbers.

    No mpmath number is made on the way, which is most of what they cost.
    """
    total, low, context = 0, 0, None
    for a, b in zip(x, y, strict=True):
        if type(a) is int or type(b) is int:
            if a == 0 or b == 0:
                continue
            return None
        try:
            left, m, e, _ = a._mpf_
            right, n, d, _ = b._mpf_
        except AttributeError:
            return None
        context = a.context
        if not m or not n:
            if (e and not m) or (d and not n):  # an infinity or nan
                return None
            continue
        m, e = m * n, e + d
        if left != right:
            m = -m
        if e >= low:
            total += m << (e - low)
        else:
            total, low = (total << (low - e)) + m, e
    if context is None:
        return None
    return context.ldexp(total, low)


def pad(x: Array, ndim: int) -> Array:
    """Return a table with unit axes after the first, so that its array has ndim axes."""
    missing = ndim - (x.ndim - 1)
    return x if missing <= 0 else x.reshape((*x.shape[:1], *(1,) * missing, *x.shape[1:]))


def nonzero(x: Array) -> Array:
    """Return, as plain booleans, where the numbers of a table are not zero."""
    if is_operand(x):
        return np.asarray(x._nonzero(), dtype=bool)
    if x.dtype != object:
        return x != 0
    flat = [_is_nonzero(e) for e in x.reshape(-1)]
    return np.array(flat, dtype=bool).reshape(x.shape)


def _is_nonzero(e: Any) -> bool:
    if is_operand(e):
        return bool(nonzero(e).any())
    return bool(e.a != 0 or e.b != 0) if is_interval(e) and hasattr(e, "a") else bool(e != 0)


def few_products(algebra: Any, x: Array, y: Array) -> bool:
    """Whether a product of two tables takes so few products of numbers that NumPy is as fast."""
    return bool(max(x.size, y.size) * algebra.count < GATHERED * algebra.size)


def _gathered(x: Array, y: Array, algebra: Any) -> Array | None:
    """Return the product of two tables from all pairs, or None.

    None if it is not finite (0·inf would be met), or not of floats, or takes too much memory.
    """
    if any(type(v) is not np.ndarray or v.dtype == object for v in (x, y)):
        return None
    if not few_products(algebra, x, y):
        return None
    p, q, starts = algebra.all_pairs
    z = np.add.reduceat(x[p] * y[q], starts, axis=0)
    return z if np.isfinite(np.add.reduce(z, axis=None)) else None


def trimmed_product(x: Array, y: Array) -> Array:
    """Return the product of two scalar tables without the zeros at their ends: 0·inf stays out."""
    a, b = (v[: int(np.max(np.flatnonzero(nonzero(v)), initial=0)) + 1] for v in (x, y))
    z = np.convolve(a, b)[: len(x)]
    return np.concatenate([z, np.zeros(len(x) - len(z), z.dtype)])


@dataclass(frozen=True)
class Univariate:
    """Series in one variable up to degree `order`: part k is one coefficient.

    >>> Univariate(2).product(np.array([1.0, 1, 0]), np.array([1.0, 2, 3]))
    array([1., 3., 5.])
    """

    order: int

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return self.order + 1

    @property
    def degrees(self) -> Array:
        """The degree of each coefficient."""
        return np.arange(self.order + 1)

    @property
    def variables(self) -> int:
        """Number of variables."""
        return 1

    def part(self, k: int) -> int:
        """Return the index of the part of degree k in a table."""
        return k

    def truncated(self, order: int) -> Univariate:
        """Return the algebra of series up to that degree."""
        return Univariate(order)

    def interior(self, k: int, x: Array, y: Array, hx: int, hy: int) -> Array | None:
        """Return Σ x_j y_{k-j} over 1 <= j < k, j <= hx, k - j <= hy; None for no term."""
        lo, hi = max(1, k - hy), min(k - 1, hx)
        if hi < lo:
            return None
        return dot(x[lo : hi + 1], y[k - hi : k - lo + 1][::-1])

    def product(self, x: Array, y: Array) -> Array:
        """Return the table of the product of two tables."""
        if type(x) is np.ndarray is type(y) and x.ndim == y.ndim == 1:
            z = np.convolve(x, y)[: self.order + 1]
            return z if z[-1] == z[-1] else trimmed_product(x, y)
        gathered = _gathered(x, y, self)
        if gathered is not None:
            return gathered
        z = np.stack([dot(x[: k + 1], y[k::-1]) for k in range(self.order + 1)])
        return z if is_operand(z) or z.dtype == object else self._mend(x, y, z)

    @property
    def count(self) -> int:
        """Number of pairs of coefficients whose product is kept."""
        return (self.order + 1) * (self.order + 2) // 2

    @property
    def all_pairs(self) -> list[Array]:
        """The pairs (P, Q) of all products in their order, and where each product begins."""
        return _triangle(self.order)

    def _mend(self, x: Array, y: Array, z: Array) -> Array:
        """Redo the lanes in which a padding zero met an infinity."""
        for lane in zip(*np.nonzero(np.isnan(z[-1])), strict=True):
            a, b = (np.broadcast_to(v, z.shape)[(slice(None), *lane)] for v in (x, y))
            z[(slice(None), *lane)] = trimmed_product(a, b)
        return z

    def height(self, x: Array) -> int:
        """Return the degree of the last coefficient that is not zero (in some lane)."""
        used = nonzero(x)
        rows = np.flatnonzero(used if used.ndim == 1 else used.reshape(len(used), -1).any(1))
        return int(rows[-1]) if len(rows) else 0

    def bilinear(self, spec: str, x: Array, y: Array) -> Array:
        """Return the table of einsum(spec, ·, ·) of two tables."""
        terms, out = spec.split("->")
        a, b = terms.split(",")
        z = free_letter(spec)
        full = f"{z}{a},{z}{b}->{out}"
        parts = [contract(full, x[: k + 1], y[k::-1]) for k in range(self.order + 1)]
        return np.stack(parts)

    def interior_of(self, spec: str, k: int, x: Array, y: Array) -> Array | None:
        """Return Σ einsum(spec, x_j, y_{k-j}) over 1 <= j < k; None for no term."""
        if k < 2:
            return None
        terms, out = spec.split("->")
        a, b = terms.split(",")
        z = free_letter(spec)
        return contract(f"{z}{a},{z}{b}->{out}", x[1:k], y[k - 1 : 0 : -1])

    def sign(self, k: int, d: Array, table: Array) -> Array:
        """Return the sign on both sides of a series with leading part d of degree k, or nan."""
        if is_set(d):  # the sides of thin intervals meet
            return np.full(np.shape(d), math.nan)
        return np.sign(d) if k % 2 == 0 else d * math.nan

    def __str__(self) -> str:
        return f"a series of order {self.order}"


@functools.lru_cache(maxsize=256)
def _triangle(order: int) -> list[Array]:
    total, p = np.tril_indices(order + 1)
    return [p, total - p, np.flatnonzero(p == 0)]


SMALL = 256  # elements of two operands below which einsum itself is faster than BLAS


def free_letter(spec: str) -> str:
    """Return a letter that an einsum specification does not use."""
    return next(c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba" if c not in spec)


def contract(spec: str, x: Array, y: Array) -> Array:
    """Return einsum(spec, x, y), through BLAS where the numbers allow it."""
    plain = not (is_operand(x) or is_operand(y))
    x, y = (v if is_operand(v) else np.asarray(v) for v in (x, y))
    if plain and (x.dtype == object or y.dtype == object):
        x, y = together(x, y)
    if not plain or x.size + y.size < SMALL:
        return np.einsum(spec, x, y)
    return np.einsum(spec, x, y, optimize=True)


def _against_one(spec: str, table: Array, one: Array, other: int) -> Array:
    """Return einsum(spec) of each row of a table and one array, which is operand `other`."""
    terms, out = spec.split("->")
    a, b = terms.split(",")
    z = free_letter(spec)
    if other == 0:
        return contract(f"{a},{z}{b}->{z}{out}", one, table)
    return contract(f"{z}{a},{b}->{z}{out}", table, one)


def _under_one_axis(spec: str) -> Callable[[Array, Array], Array]:
    terms, out = spec.split("->")
    a, b = terms.split(",")
    z = free_letter(spec)
    return lambda x, y: contract(f"{z}{a},{z}{b}->{z}{out}", x, y)


class Monomials:
    """Polynomials whose monomials are given by rows of exponents, sorted by degree.

    Products that leave the set of monomials vanish: with all exponents of degree <= K this is the
    truncated multivariate algebra, with exponents 0 and 1 the square-free one.
    """

    def __init__(self, name: str, exponents: Array, order: int) -> None:
        self.name = name
        self.exponents = exponents
        self.order = order
        self.variables = exponents.shape[1]
        self.degrees = exponents.sum(1, dtype=int)
        self.offsets = np.searchsorted(self.degrees, np.arange(order + 2))
        self.size = len(exponents)
        self._codes, self._weights = _linear_codes(exponents)
        self._cap = exponents.max(0, initial=0)
        self._pairs: dict[tuple[int, int, int], tuple[Array, Array, Array, Array]] = {}
        self._tables: dict[tuple[int, int, int], machine.Pairs] = {}

    def part(self, k: int) -> slice:
        """Return the slice of the part of degree k in a table."""
        return slice(int(self.offsets[k]), int(self.offsets[k + 1]))

    def index(self, alpha: Any) -> int:
        """Return the position of the monomial with exponents alpha."""
        alpha = tuple(operator.index(a) for a in alpha)
        if len(alpha) != self.variables or min(alpha, default=0) < 0:
            raise ValueError(f"{alpha} is no multi-index for {self.variables} variables")
        degree = sum(alpha)
        if degree <= self.order:
            part = self.part(degree)
            hit = np.flatnonzero((self.exponents[part] == alpha).all(1))
            if len(hit):
                return int(part.start + hit[0])
        raise ValueError(f"the monomial {alpha} is not kept in {self}")

    def pairs(self, k: int, lo: int, hi: int) -> tuple[Array, Array, Array, Array]:
        """Return (P, Q, starts, out): the pairs of monomials whose product has degree k.

        The left degree runs from lo to hi.  Pairs are sorted by their product; `starts` marks where
        a new product begins and `out` is its position in part k.
        """
        key = (k, lo, hi)
        if key in self._pairs:
            return self._pairs[key]
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
        p, q, out = np.concatenate(found, axis=1)
        by_product = np.argsort(out, kind="stable")
        p, q, out = p[by_product], q[by_product], out[by_product]
        starts = np.flatnonzero(np.diff(out, prepend=-1))
        result = (p, q, starts, out[starts])
        if len(p) <= CACHED_PAIRS:
            self._pairs[key] = result
        return result

    def _collect(
        self, k: int, lo: int, hi: int, x: Array, y: Array, multiply: Any = operator.mul
    ) -> Array:
        p, q, starts, out = self.pairs(k, lo, hi)
        n = int(self.offsets[k + 1] - self.offsets[k])
        sums = None
        if multiply is operator.mul and machine.usable(x, y, len(p)):
            sums = machine.sums(x, y, self.compiled_pairs(k, lo, hi))
        if sums is None:
            terms = multiply(x[p], y[q])
        if len(starts) == 0:
            return terms.sum(0) + zeros((n,) + (1,) * (np.ndim(terms) - 1), terms)
        if sums is None:
            sums = np.add.reduceat(terms, starts, axis=0)
        if len(out) == n:
            return sums
        spread = np.zeros(n, dtype=int)
        spread[out] = np.arange(1, len(out) + 1)
        return np.concatenate([sums[:1] * 0, sums])[spread]

    def compiled_pairs(self, k: int, lo: int, hi: int) -> machine.Pairs:
        """Return the pairs of `pairs`, or (k < 0) of all products, for compiled sums."""
        key = (k, lo, hi)
        if key not in self._tables:
            if k < 0:  # all products
                parts = [self.pairs(j, 0, j) for j in range(self.order + 1)]
            else:
                parts = [self.pairs(k, lo, hi)]
            counts = np.cumsum([0, *(len(part[0]) for part in parts)])
            p, q = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
            moved = [part[2] + c for part, c in zip(parts, counts[:-1], strict=True)]
            starts = np.concatenate([*moved, counts[-1:]])
            packed = machine.Pairs(p, q, starts)
            if len(p) > CACHED_PAIRS:
                return packed
            self._tables[key] = packed
        return self._tables[key]

    @functools.cached_property
    def count(self) -> int:
        """Number of pairs of monomials whose product is kept, or a bound of it."""
        if self._cap.max(initial=0) <= 1 < self.order:  # square-free
            return int(3**self.variables)
        return math.comb(2 * self.variables + self.order, self.order)

    def interior(self, k: int, x: Array, y: Array, hx: int, hy: int) -> Array | None:
        """Return Σ x_j y_{k-j} over 1 <= j < k, j <= hx, k - j <= hy; None for no term."""
        lo, hi = max(1, k - hy), min(k - 1, hx)
        return None if hi < lo else self._collect(k, lo, hi, x, y)

    def product(self, x: Array, y: Array) -> Array:
        """Return the table of the product of two tables."""
        if machine.usable(x, y, self.count):
            z = self._compiled_product(x, y)
            if z is not None and math.isfinite(np.add.reduce(z)):
                return z
        else:
            z = _gathered(x, y, self)
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

    @functools.cached_property
    def all_pairs(self) -> list[Array]:
        """The pairs (P, Q) of all products in their order, and where each product begins."""
        p, q, starts = self.compiled_pairs(-1, 0, 0).arrays
        return [p, q, starts[:-1]]

    def _compiled_product(self, x: Array, y: Array) -> Array | None:
        """Return the product as machine code gives it, or None."""
        if self.blocks is not None:
            return self.blocks.product(x, y)
        if self.count > CACHED_PAIRS:
            return None
        if x is y:
            return machine.sums(np.concatenate([x, x + x]), x, self._halves)
        return machine.sums(x, y, self.compiled_pairs(-1, 0, 0))

    @functools.cached_property
    def _halves(self) -> machine.Pairs:
        """The pairs of a square: one p < q for two, which is 2x_p·x_q of [x, 2x] and x."""
        p, q, starts = self.compiled_pairs(-1, 0, 0).arrays
        kept = p <= q
        before = np.concatenate([[0], np.cumsum(kept)])[starts]
        p, q = p[kept], q[kept]
        return machine.Pairs(np.where(p < q, p + self.size, p), q, before)

    @functools.cached_property
    def blocks(self) -> Blocks | None:
        """The rows of a product where it goes through them; None where pairs are better."""
        n, order = self.variables, self.order
        if n < 2 or self.name != "multivariate" or self.count < LARGE:
            return None
        per_row = self.count // math.comb(2 * n - 2 + order, order)  # products of two rows
        if self.count <= CACHED_PAIRS and per_row < LONG:
            return None
        heads = _multivariate(n - 2, order)
        if heads.count > CACHED_PAIRS:
            return None
        return Blocks(self.exponents, heads.exponents, order, heads.compiled_pairs(-1, 0, 0).arrays)

    def height(self, x: Array) -> int:
        """Return the degree of the last part of a table that is not zero."""
        rows = np.flatnonzero(nonzero(x).reshape(self.size, -1).any(1))
        return int(self.degrees[rows[-1]]) if len(rows) else 0

    def bilinear(self, spec: str, x: Array, y: Array) -> Array:
        """Return the table of einsum(spec, ·, ·) of two tables."""
        multiply = _under_one_axis(spec)
        parts = [multiply(x[:1], y[:1])]
        for k in range(1, self.order + 1):
            p = self.part(k)
            total = _against_one(spec, y[p], x[0], 0) + _against_one(spec, x[p], y[0], 1)
            inner = self.interior_of(spec, k, x, y)
            parts.append(total if inner is None else total + inner)
        return np.concatenate(parts)

    def interior_of(self, spec: str, k: int, x: Array, y: Array) -> Array | None:
        """Return Σ einsum(spec, x_j, y_{k-j}) over 1 <= j < k; None for no term."""
        return None if k < 2 else self._collect(k, 1, k - 1, x, y, _under_one_axis(spec))

    def sign(self, k: int, d: Array, table: Array) -> Array:
        """Return the sign a series has around the point when d is its leading part; else nan.

        Decided only where it is certain: every monomial of d is a square, all have one sign, and
        each variable the series depends on occurs alone.
        """
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
        """Return the algebra of the same monomials up to that degree."""
        return _ALGEBRAS[self.name](self.variables, order)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Monomials):
            return NotImplemented
        return self is other or (self.name, self.order, self.variables) == (
            other.name, other.order, other.variables,
        )  # fmt: skip

    def __hash__(self) -> int:
        return hash((self.name, self.order, self.variables))

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
        weights = np.random.default_rng(seed).integers(-(2**62), 2**62, n)
        codes = exponents.astype(np.int64) @ weights
        if len(np.unique(codes)) == len(codes):
            return codes, weights
    raise RuntimeError("no additive code found for the monomials")


def monomials(n: int, order: int) -> Array:
    """Return the exponents of all monomials of degree <= order in n variables, graded.

    >>> monomials(2, 2).tolist()
    [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]
    """
    parts = [np.zeros((1, n), dtype=np.int16)]
    for _ in range(order if n else 0):
        last = parts[-1]
        first = np.where(last.any(1), n - 1 - np.argmax(last[:, ::-1] > 0, axis=1), 0)
        rows = [last[first <= i] + np.eye(n, dtype=np.int16)[i] for i in range(n)]
        grown = np.concatenate(rows)
        parts.append(grown[np.lexsort(tuple(-grown[:, i] for i in range(n - 1, -1, -1)))])
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
    assert isinstance(lower, Monomials)
    place = {tuple(row): j for j, row in enumerate(algebra.exponents.tolist())}
    found = []
    for j, row in enumerate(lower.exponents.tolist()):
        row[i] += 1
        if tuple(row) in place:
            found.append((j, place[tuple(row)], row[i]))
    rows, source, weights = np.array(found, dtype=int).reshape(-1, 3).T
    return rows, source, weights


_ALGEBRAS: dict[str, Callable[[int, int], Monomials]] = {
    "multivariate": multivariate,
    "square-free": squarefree,
}
Algebra = Univariate | Monomials
