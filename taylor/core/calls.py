"""Calls of rows of the table in a program.

In a program that is swept a row is an integral, p·y' = Σ q·a', with q and p as its arguments; or it
has a local series, or jumps; or the rows it is made of stand there.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from taylor.core import patterns
from taylor.core.algebra import Univariate
from taylor.core.applied import wholes
from taylor.core.choices import choose
from taylor.core.functions import CHOICES, ROOTS, hypot
from taylor.core.instructions import (
    At,
    Degrees,
    Factors,
    Instruction,
    Node,
    Number,
    Op,
    Shape,
    Step,
    Sweep,
    Tape,
    by_degree,
    full,
    total,
)
from taylor.core.sides import passed_back, passed_on
from taylor.core.slopes import alike, falls, in_range, is_nothing, lowered, trusted, within
from taylor.core.table import Elementary
from taylor.numbers import rounding
from taylor.numbers.kinds import ValueSet, base, is_operand
from taylor.numbers.values import is_complex, is_float, over, plus, times, zeros

if TYPE_CHECKING:
    from scipy.sparse import csr_array


# ------------------------------------------------------------------ rows of the table
@dataclass(slots=True, eq=False)
class Row(Op):
    """A function of the table, at as many arguments as it takes."""

    row: Elementary
    by_element = multiplies = True

    @property
    def pure(self) -> bool:  # type: ignore[override]
        return self.row.own

    def key(self) -> Any:
        return self.row

    def height(self, h: list[int], order: int) -> int:
        return order if any(h) else 0

    def value(self, a: Sequence[Any], number: Number) -> Any:
        for x in a:
            if not (type(x) is np.ndarray and x.dtype.kind == "f") and not is_float(x):
                return self.row(*a)
        return self.row.numpy(*a)

    def tangent(self, at: At, d: list[Any]) -> Any:
        if self.row in CHOICES:
            return passed_on(self.row, at.a, d)
        slopes = at.slopes(self.row, [e is not None for e in d])
        if slopes is None:
            assert self.row.compose is not None
            return at.push(self.row.compose, d)
        pairs = zip(slopes, d, strict=True)
        terms = [times(p, e) for p, e in pairs if p is not None and not is_nothing(p)]
        return functools.reduce(plus, terms) if terms else None

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        if self.row in CHOICES:
            return passed_back(self.row, at.a, full(bar, at.shape), wanted)
        if (found := in_range(self.row, at.a, at.y, bar, wanted)) is not None:
            return found
        if wanted[0] and (r := falls(self.row, *at.a)) and at.in_factors(0):
            return [Factors(times(bar, r * at.y), over(1, at.a[0])), None][: len(at.a)]
        slopes = at.slopes(self.row, wanted)
        if slopes is not None:  # an exact zero is none, whatever the argument is
            return [None if p is None or is_nothing(p) else times(bar, p) for p in slopes]
        assert self.row.compose is not None
        return wholes(at.pull(self.row.compose, at.a, wanted, [full(bar, at.shape)]))

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        if self.row.jumps is not None:
            return patterns.ones([], [], (math.prod(shape), x[0].shape[1]))
        return Op.pattern(self, x, shapes, shape)

    def expanded(self, tape: Tape, args: list[Node], shape: Shape) -> Node:
        """The rows it is made of; else what has a step rule."""
        row = self.row
        live = any(tape.active[a.i] for a in args)
        if row.compose is not None and live:
            y = tape.node(row.compose(*(tape.plain(a) for a in args)))
            return y if y.shape == shape else tape.node(np.broadcast_to(y, shape))
        composed = tape.composing and row.own and len(args) == 1
        if row.refines is not None and live and not (composed or tape.exact):
            return tape.core(Refined(row), [*args, tape.node(row.refines(*args))], shape)
        stays = composed or row.quotient is None
        return tape.core(self if stays else Integral(row, len(args)), args, shape)

    def step(self, t: Sweep, i: int) -> Step:
        """The step of a row with a local series, or of one that jumps."""
        found: Step = self._local(t, i) if self.row.jumps is None else self._jump(t, i)
        return found

    @by_degree
    def _local(self, t: Sweep, i: int) -> Degrees:
        (a,), y = t.args(i), t.table[i]
        x = t.table[a]
        yield
        y[0] = t.checked(self.row, [x[0]])
        part = t.composed(x, t.height[a], t.coefficients(self.row, x[0]))
        while True:
            k = yield
            found = part(k)
            if k == 1 and t.slopes_first(y):
                found = within(self.row, x[0], found)
            y[t.algebra.part(k)] = found

    @by_degree
    def _jump(self, t: Sweep, i: int) -> Degrees:
        y = t.table[i]
        yield
        y[0], slope = t.jumping(self.row, t.args(i))
        while True:
            k = yield
            if slope is not None:
                y[t.algebra.part(k)] = slope

    @property
    def name(self) -> str:
        return self.row.name


of_row = functools.lru_cache(1024)(Row)  # what calls a row; it is made once


@dataclass(slots=True, eq=False)
class Refined(Row):
    """A row by what it `refines`, its last argument: of that all but the value."""

    key = Op.key

    def made_of(self, args: tuple[int, ...]) -> tuple[int, ...]:
        return args[:-1]

    def slope(self, t: Sweep, i: int, n: int) -> Any:
        """Return the derivative by argument n at the value."""
        assert self.row.quotient is not None
        q, p = self.row.quotient(*map(t.value, self.made_of(t.args(i))), t.value(i))
        return (q if isinstance(q, tuple) else (q,))[n] / p

    def height(self, h: list[int], order: int) -> int:
        return h[-1]

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return Row.value(self, a[:-1], number)

    @by_degree
    def step(self, t: Sweep, i: int) -> Degrees:
        *args, whole = t.args(i)
        y = t.table[i]
        yield
        y[0] = t.checked(self.row, [t.value(a) for a in args])
        lanes = t.singular(self.row, args, y[0], 1)
        while True:
            k = yield
            y[t.algebra.part(k)] = t.at(whole, k)
            t.mask(lanes, k, y)


@dataclass(slots=True, eq=False)
class Integral(Row):
    """p·y' = Σ q·a' for a row: the args are `count` arguments, their q's, and p.

    The q's and p may stand after it: the step for degree k reads them below degree k only.  With
    `polar` there are no q's: the step rule for angles and moduli is used.
    """

    count: int
    polar: int | None = None

    def reads(self, args: tuple[int, ...]) -> tuple[int, ...]:
        return args[: self.count]

    made_of = reads
    key = Op.key

    def slope(self, t: Sweep, i: int, n: int) -> Any:
        """Return the derivative by argument n, which is live, at the value."""
        given = t.args(i)
        q = given[self.count + sum(t.live[a] for a in given[:n])]
        return t.value(q) / t.value(given[-1])

    def equation(self, tape: Tape, args: list[Node], y: Node) -> Instruction:
        """Return the integral y with its companions, which are appended."""
        row, indices = self.row, tuple(a.i for a in args)
        if row.polar is not None and not tape.exact:
            op = Integral(row, self.count, row.polar)
            p = (1 - args[0]) * (1 + args[0]) if row.split else 1
            return Instruction(op, (*indices, tape.node(p).i), y.shape)
        quotient = row.quotient if tape.exact else row.recurrence or row.quotient
        assert quotient is not None
        found = quotient(*args, y)
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            raise TypeError(f"the quotient of {row.name} has to return (q, p) with p·y' = q·a'")
        qs, p = found
        qs = qs if isinstance(qs, tuple) else (qs,)
        companions = [tape.node(q).i for q, i in zip(qs, indices, strict=True) if tape.active[i]]
        return Instruction(self, (*indices, *companions, tape.node(p).i), y.shape)

    def step(self, t: Sweep, i: int) -> Step:
        found: Step = self._quotient(t, i) if self.polar is None else self._angle(t, i)
        return found

    @by_degree
    def _quotient(self, t: Sweep, i: int) -> Degrees:
        given = t.args(i)
        args, p, y, part = self.reads(given), given[-1], t.table[i], t.algebra.part
        dy = t.weighted[i] = zeros(y.shape, y)
        yield
        y[0] = t.checked(self.row, [t.value(a) for a in args])
        k = yield  # the companions have their values now
        if self.row.complex_slope is not None and is_complex(y[0]):
            t.table[given[self.count]][0] = self.row.complex_slope(t.value(args[0]))
        slopes = [t.value(q) for q in given[self.count : -1]] if is_operand(y) else ()
        lanes = t.singular(self.row, args, y[0], t.value(p), slopes)
        driving = self._driving(t, given)
        divide, by = (None, None) if _is_one(t, p) else t.divisor(p)
        if self.row in ROOTS and t.slopes_first(y) and driving:
            r = self._exponent(t, given, driving)
            if r is not None:
                k = yield from self._by_slopes(t, i, k, r, lanes)
        while True:
            s = total(self._driven(t, k, driving))
            if t.height[p]:
                term = t.algebra.interior(k, t.table[p], dy, t.height[p], k - 1)
                if term is not None:
                    s = -term if s is None else s - term
            if s is None:
                s = t.value(args[0]) * 0
            if divide is not None:
                s = divide(s, by)
            if k == 1 and t.slopes_first(y):
                s = within(self.row, t.value(args[0]), s)
            dy[part(k)] = s
            y[part(k)] = s / k
            t.mask(lanes, k, y, dy)
            k = yield

    def _exponent(
        self, t: Sweep, given: tuple[int, ...], driving: list[tuple[int, int, Any]]
    ) -> Any:
        """Return r of a**r, if it is a number and all that varies is a."""
        if self.count == 1:
            return self.row.germ
        r = t.value(given[1])
        alone = [a for a, _, _ in driving] == [given[0]]
        return r if alone and isinstance(r, (int, float, Fraction)) else None

    def _by_slopes(self, t: Sweep, i: int, k: int, r: Any, lanes: Any) -> Generator[None, int, int]:
        """The parts of a root or power a**r by those of y/a: y·a' may leave the range.

        So may y/a for r < 0: then only the first part is found from it.
        """
        a, part, interior = t.args(i)[0], t.algebra.part, t.algebra.interior
        x, y, da, dy, top, h = (
            t.table[a], t.table[i], t.weighted[a], t.weighted[i], t.height[i], t.height[a]
        )  # fmt: skip
        slope, rates, head = zeros(y.shape, y), zeros(y.shape, y), t.value(a)
        slope[0] = lowered(self.row, head, r, y[0])
        while r > 0 or k == 1:
            terms = [slope[0] * da[part(k)]] if k <= h else []
            driven = total([*terms, interior(k, slope, da, top, h)])
            inner = interior(k, x, rates, h, k - 1)
            s = 0 * y[0] if driven is None else r * driven
            dy[part(k)] = s if inner is None else s - inner
            y[part(k)] = dy[part(k)] / k
            t.mask(lanes, k, y, dy)
            slope[part(k)], rates[part(k)] = y[part(k)] / head, dy[part(k)] / head
            if k == 1 and r > 1:
                slope[part(k)] = slope[part(k)] * trusted(slope[0], head, da[part(k)])
            k = yield
        return k

    def _driving(self, t: Sweep, given: tuple[int, ...]) -> list[tuple[int, int, Any]]:
        """Return the terms q·Da that do not vanish: a, q, and what rounding took from q_0."""
        live = [a for a in self.reads(given) if t.live[a]]
        pairs = zip(live, given[self.count : -1], strict=True)
        return [(a, q, t.low(q) if t.precise else None) for a, q in pairs if t.height[a]]

    def _driven(self, t: Sweep, k: int, driving: list[tuple[int, int, Any]]) -> Iterator[Any]:
        """Yield the parts of degree k of the terms q·Da."""
        for a, q, low in driving:
            da = t.weighted[a]
            if k <= t.height[a]:
                part = da[t.algebra.part(k)]
                term = part if _is_one(t, q) else part * t.value(q)
                yield term if low is None else part * low + term
            if t.height[q]:
                yield t.algebra.interior(k, t.table[q], da, t.height[q], t.height[a])

    @by_degree
    def _angle(self, t: Sweep, i: int) -> Degrees:
        """The angle of z = b + ia, or |z|**n; b may be left out for 1.

        With w = 1, or w = n·|z|**n, and u + iv = w·Dz/z the result has D y = v, or D y = u, where

            b_0 u_k - a_0 v_k = (w Db)_k - interior(k, b, u) + interior(k, a, v) =: r,
            b_0 v_k + a_0 u_k = (w Da)_k - interior(k, b, v) - interior(k, a, u) =: s.

        Rounded, the coefficients of 1 + a² would have other zeros, and cancel in each degree.
        Of a split number 1 + ja, j² = 1, the terms with a_0 and interior(k, a, v) in the first
        equation change their signs; u and v are even and odd in a, without cancellation at a = 0.
        z and the w of a modulus are in units of a number near |z|: products might leave the range.
        """
        given, n = t.args(i), self.polar
        args, y, part = self.reads(given), t.table[i], t.algebra.part
        u, v = zeros(y.shape, y), zeros(y.shape, y)
        dy = t.weighted[i] = u if n else v
        yield
        y[0] = t.checked(self.row, [t.point(x) for x in args])
        k = yield
        unit: Any = None
        if self.row.split:
            a0, b0 = t.value(args[0]), 1
            square, (divide, by) = t.value(given[-1]), t.divisor(given[-1])
            if is_operand(a0) and not t.has_low(args[0]):  # its slope would cancel near 0
                square = by = choose(a0 * a0, 0.25, square, 1 - a0 * a0, "formula")
        else:
            a0, b0 = alike(*map(t.value, args), 1)[:2]
            unit, square, divide, by = _modulus(t, args, a0, b0)
        lanes = t.singular(self.row, args, y[0], square)
        w, x, of_w = y, [t.table[arg] for arg in args], unit
        if unit is not None:
            a0, b0 = a0 / unit, b0 / unit
            x = [zeros(y.shape, y) for arg in args]
            if n == 1:
                w, of_w = zeros(y.shape, y), None
                w[0] = y[0] / unit
        other = -a0 if self.row.split else a0
        while True:
            r, s = self._sides(t, i, k, (w, u, v), x, of_w)
            for table, terms in ((u, ((r, b0), (s, other))), (v, ((s, b0), (r, -a0)))):
                table[part(k)] = divide(total(z * c for z, c in terms if z is not None), by)
            y[part(k)] = dy[part(k)] / k
            if w is not y:
                w[part(k)] = y[part(k)] / unit
            if unit is not None:
                for arg, scaled in zip(args, x, strict=True):
                    if k <= t.height[arg]:
                        scaled[part(k)] = t.table[arg][part(k)] / unit
            t.mask(lanes, k, y, dy)
            k = yield

    def _sides(
        self, t: Sweep, i: int, k: int, wuv: Sequence[Any], tables: Sequence[Any], unit: Any
    ) -> tuple[Any, Any]:
        """Return r and s of `_angle`; an argument that does not vary has no terms.

        `tables` are those of the arguments in units of `unit`; w is in units of it if that is None.
        """
        w, u, v = wuv
        n, interior, part = self.polar, t.algebra.interior, t.algebra.part
        r: list[Any] = []
        s: list[Any] = []
        sides = ((s, r), (r, s))
        given = zip(self.reads(t.args(i)), tables, sides, (1, -1), strict=False)
        for arg, x, (own, other), sign in given:
            h = t.height[arg]
            if not h:
                continue
            d = t.weighted[arg]
            driving = [d[part(k)] * w[0] if n else d[part(k)]] if k <= h else []
            driving += [interior(k, w, d, t.height[i], h)] if n else []
            driven = total(driving)
            driven = driven * n if n and driven is not None else driven
            own.append(driven if driven is None or unit is None else driven / unit)
            for side, known, minus in ((own, u, True), (other, v, sign < 0 or self.row.split)):
                inner = interior(k, x, known, h, k - 1)
                side.append(-inner if minus and inner is not None else inner)
        return total(r), total(s)


def _is_one(t: Sweep, i: int) -> bool:
    return type(t.table[i]) is int and bool(t.table[i] == 1)


def _modulus(t: Sweep, args: Sequence[int], a: Any, b: Any) -> tuple[Any, Any, Any, Any]:
    """Return c near |z| (None: 1), |z|² or c, which vanish with it, and what divides by |z|²/c².

    Of z = b + ia.  Of floats c is a power of two where squares leave their range.
    """
    both = a * b
    if t.slopes_first(both) and not (is_complex(both) or isinstance(base(both), ValueSet)):
        modulus = hypot(a, b)
        return modulus, modulus, lambda s, one: s, None
    unit = t.unit(a, b)
    if unit is not None:
        a, b = a / unit, b / unit
    with t.exactly():
        if is_complex(a):
            square, low = (b + 1j * a) * (b - 1j * a), None
        else:
            square, low = plus(times(a, a), times(b, b)), None
        if all(map(t.has_low, args)):
            squares = [(x * x, t.product_low(x, x, x * x)) for x in (a, b)]
            square = squares[0][0] + squares[1][0]
            low = t.settled(rounding.through_sum(squares[0], squares[1], square))
    return unit, square, *t.dividing(square, low)


def composed(t: Sweep, x: Any, top: int, c: Any) -> Callable[[int], Any]:
    """Return what gives y_k = Σ_m c_m [u^m]_k, u = a - a_0, for the table x of a of that height.

    [u^m]_k = interior(k, u^(m-1), u) is zero above degree m·top.
    """
    algebra, powers = t.algebra, [None, x]

    def at(k: int) -> Any:
        if isinstance(algebra, Univariate) and top == 1:
            return c[k] * x[1] ** k
        part = algebra.part(k)
        terms = [x[part] * c[1]] if k <= top else []
        if 2 <= k < t.order:
            powers.append(zeros(x.shape, t.like))
        for m in range(2, k + 1):
            if k <= m * top:
                degrees = min((m - 1) * top, k), min(top, k - m + 1)  # u^(m-1) begins at m - 1
                power = algebra.interior(k, powers[m - 1], x, *degrees)
                if power is None:
                    continue
                if k < t.order:  # the next power needs it
                    powers[m][part] = power
                    power = powers[m][part]
                terms.append(power * c[m])
        return total(terms)

    return at
