"""The step rules: "compute coefficient k of instruction i", for every algebra and every number.

Notation: a argument, y result, q and p the quotient, k the degree, D the derivation that multiplies
the part of degree k by k.  D obeys the product rule in every graded commutative algebra, so
p·y' = q·a' gives p·Dy = Σ q·Da and, comparing parts of degree k,

    p_0 (Dy)_k = Σ [ q_0 (Da)_k + interior(k, q, Da) ] - interior(k, p, Dy),     y_k = (Dy)_k / k.

(Griewank & Walther, Evaluating Derivatives, Prop. 13.1, is the case where q and p are free of y.)
Products and quotients compare parts in the same way.  Only coefficients below k of q, p and y are
read, so an integrator may ask for degree k of everything before it knows degree k + 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import Algebra, Univariate
from taylor.core.choices import choose
from taylor.core.instructions import Add, Call, Choose, Div, Integral, Jump, Local, Mul, Scale
from taylor.core.maps import Map
from taylor.core.program import Program, check
from taylor.core.sides import Sides
from taylor.core.singular import masked
from taylor.core.state import Step
from taylor.errors import OrderMismatch
from taylor.numbers import rounding
from taylor.numbers.values import over, plus, times, together, zeros

Array = Any
RULES = {
    Add: "_add", Mul: "_mul", Div: "_div", Scale: "_linear", Map: "_linear", Integral: "_integral",
    Local: "_local", Jump: "_jump", Choose: "_choose", Call: "_call",
}  # fmt: skip


class Sweep(Sides):
    """The step rules of an expanded program on its tables."""

    def _step(self, i: int) -> Step:
        """Return the step rule of instruction i."""
        op = self.program.code[i].op
        rule: Step = getattr(self, next(r for kind, r in RULES.items() if isinstance(op, kind)))(i)
        return rule

    def _add(self, i: int) -> Step:
        a, b = self.program.code[i].args
        y, part = self.table[i], self.algebra.part

        def step(k: int) -> None:
            if k == 0:
                y[0] = plus(self._value(a), self._value(b))
            elif k <= min(self.height[a], self.height[b]):
                y[part(k)] = self.table[a][part(k)] + self.table[b][part(k)]
            elif k <= self.height[i]:
                y[part(k)] = self.table[a if k <= self.height[a] else b][part(k)]

        return step

    def _scaled(self, c: int, x: int, k: int) -> list[Any]:
        """Return the terms of c_0·x_k (an interval on the left would take an array for ends)."""
        part, low = self.table[x][self.algebra.part(k)], self._row_low(c)
        return [part * self._value(c), None if low is None else part * low]

    def _mul(self, i: int) -> Step:
        a, b = self.program.code[i].args
        y, part, height = self.table[i], self.algebra.part, self.height

        def step(k: int) -> None:
            if k == 0:
                y[0] = times(self._value(a), self._value(b))
                return
            if k > height[i]:
                return
            terms = self._scaled(a, b, k) if k <= height[b] else []
            if k <= height[a]:
                terms += self._scaled(b, a, k)
            if height[a] and height[b]:
                x, z = self.table[a], self.table[b]
                terms.append(self.algebra.interior(k, x, z, height[a], height[b]))
            y[part(k)] = _total(terms[::-1])  # small terms first, that they are not lost one by one

        return step

    def _div(self, i: int) -> Step:
        a, b = self.program.code[i].args
        y, part, height = self.table[i], self.algebra.part, self.height
        divisor: list[Any] = []

        def step(k: int) -> None:
            if k == 0:
                self._check_divisor(i, self._value(a), self._value(b), height[b] > 0)
                y[0] = over(self._value(a), self._value(b))
                divisor.extend(self._divisor(b))
                return
            if k > height[i]:
                return
            terms = [self.table[a][part(k)]] if k <= height[a] else []
            if k <= height[b]:
                if k == 1:
                    divisor.append(self._low(i) if self.precise else None)
                low = divisor[2]
                terms.append(None if low is None else -(self.table[b][part(k)] * low))
                terms.append(-(self.table[b][part(k)] * y[0]))
            if height[b]:
                inner = self.algebra.interior(k, y, self.table[b], k, height[b])
                terms.append(None if inner is None else -inner)
            s = _total(terms)
            if s is not None:
                y[part(k)] = divisor[0](s, divisor[1])

        return step

    def _linear(self, i: int) -> Step:
        op, args, _ = self.program.code[i]
        y, part, height = self.table[i], self.algebra.part, self.height
        lead = 0 if isinstance(self.algebra, Univariate) else 1

        def source(a: int, k: int) -> Any:
            if k == 0:
                value = self._value(a)
                return value if lead == 0 else np.reshape(value, (1, *np.shape(value)))
            if k <= height[a]:
                return self.table[a][part(k)]
            n = 1 if lead == 0 else part(k).stop - part(k).start  # type: ignore[union-attr]
            zero = self._value(a) * 0
            return zero if lead == 0 else np.broadcast_to(zero, (n, *np.shape(zero)))

        def step(k: int) -> None:
            if k > height[i]:
                return
            xs = [source(a, k) for a in args]
            if isinstance(op, Map):
                y[part(k)] = op.moved(xs, lead)
            else:
                y[part(k)] = xs[0] * self._number(op.constant)

        return step

    def _integral(self, i: int) -> Step:
        op, args, _ = self.program.code[i]
        assert isinstance(op, Integral)
        row, n = op.row, op.count
        if op.polar is not None:
            return self._polar(i)
        live = [a for a in args[:n] if self.live[a]]
        p, qs = args[-1], args[n:-1]
        y, part, height, interior = (
            self.table[i],
            self.algebra.part,
            self.height,
            self.algebra.interior,
        )
        dy = self.weighted[i] = zeros(y.shape, y)
        top = self.height[i]
        pairs: list[tuple[tuple[int | None, Any], Any, int, Any, int]] = []
        divisor: list[Any] = []

        def start() -> None:
            """Bind what is known after degree 0: q_0, p_0, and the lanes without an expansion."""
            p0 = self._value(p)
            lanes = self._singular(row, args[:n], y[0], p0)
            for a, q in zip(live, qs, strict=True):
                if height[a]:
                    one = type(self.table[q]) is int and self.table[q] == 1
                    low = self._low(q) if self.precise else None
                    start = (None if one else q), low
                    pairs.append((start, self.table[q], height[q], self.weighted[a], height[a]))
            one = type(self.table[p]) is int and self.table[p] == 1
            divide, by = (None, None) if one else self._divisor(p)
            divisor.extend((divide, by, self.table[p], height[p], lanes))

        def step(k: int) -> None:
            if k == 0:
                y[0] = self._checked(row, [self._value(a) for a in args[:n]])
                return
            if not divisor:
                start()
            if k > top:
                return
            s = None
            for (c, low), q, hq, da, ha in pairs:
                if k <= ha:
                    dak = da[part(k)]
                    term = dak if c is None else dak * self._value(c)
                    if low is not None:
                        term = dak * low + term
                    s = term if s is None else s + term
                if hq:
                    term = interior(k, q, da, hq, ha)
                    if term is not None:
                        s = term if s is None else s + term
            divide, by, pt, hp, lanes = divisor
            if hp:
                term = interior(k, pt, dy, hp, k - 1)
                if term is not None:
                    s = -term if s is None else s - term
            if s is None:
                return
            if divide is not None:
                s = divide(s, by)
            dy[part(k)] = s
            y[part(k)] = s / k
            if lanes is not None:
                for table in (y, dy):
                    table[part(k)] = masked(table[part(k)], lanes)

        return step

    def _polar(self, i: int) -> Step:
        """Return the step of the angle of z = b + ia, or of |z|**n; b may be left out for 1.

        With w = 1, or w = n·|z|**n, and u + iv = w·Dz/z the result has D y = v, or D y = u, where

            b_0 u_k - a_0 v_k = (w Db)_k - interior(k, b, u) + interior(k, a, v) =: r,
            b_0 v_k + a_0 u_k = (w Da)_k - interior(k, b, v) - interior(k, a, u) =: s.

        Rounded, the coefficients of 1 + a² would have other zeros, and cancel in each degree.
        """
        op, (*args, _), _ = self.program.code[i]
        assert isinstance(op, Integral)
        row, polar = op.row, op.polar
        y, part = self.table[i], self.algebra.part
        u, v = zeros(y.shape, y), zeros(y.shape, y)
        dy = self.weighted[i] = u if polar else v
        state: list[Any] = []

        def step(k: int) -> None:
            if k == 0:
                y[0] = self._checked(row, [self._value(x) for x in args])
                return
            if not state:
                a0, b0, square = self._modulus(args)
                lanes = self._singular(row, args, y[0], square[0])
                state.extend((a0, b0, *self._dividing(*square), lanes))
            a0, b0, divide, by, lanes = state
            r, s = self._polar_sides(i, k, u, v)
            for table, terms in ((u, ((r, b0), (s, a0))), (v, ((s, b0), (r, -a0)))):
                table[part(k)] = divide(_total([x * c for x, c in terms if x is not None]), by)
            y[part(k)] = dy[part(k)] / k
            if lanes is not None:
                for table in (y, dy):
                    table[part(k)] = masked(table[part(k)], lanes)

        return step

    def _polar_sides(self, i: int, k: int, u: Any, v: Any) -> tuple[Any, Any]:
        """Return r and s of `_polar`; an argument that does not vary has no terms."""
        op, (*args, _), _ = self.program.code[i]
        assert isinstance(op, Integral)
        n = op.polar
        y, interior, part = self.table[i], self.algebra.interior, self.algebra.part
        r: list[Any] = []
        s: list[Any] = []
        for arg, own, other, sign in zip(args, (s, r), (r, s), (1, -1), strict=False):
            h, x = self.height[arg], self.table[arg]
            if not h:
                continue
            d = self.weighted[arg]
            driving = [d[part(k)] * y[0] if n else d[part(k)]] if k <= h else []
            driving += [interior(k, y, d, self.height[i], h)] if n else []
            total = _total(driving)
            own.append(total * n if n and total is not None else total)
            for side, known, minus in ((own, u, True), (other, v, sign < 0)):
                inner = interior(k, x, known, h, k - 1)
                side.append(-inner if minus and inner is not None else inner)
        return _total(r), _total(s)

    def _modulus(self, args: Sequence[int]) -> tuple[Any, Any, Any]:
        """Return a/c, b/c and (|z|²/c², its low part) of z = b + ia, for a scale c² of |z|²."""
        a, b = (*map(self._value, args), 1)[:2]
        if not all(map(self._has_low, args)):
            return a, b, (plus(times(a, a), times(b, b)), None)
        # a power of two that keeps squares in range
        size = abs(a) + abs(b)
        low, high = choose(1e-150, size, 2.0**511, 1.0, "formula"), 2.0**-520
        c = choose(size, 1e150, high, low, "formula")
        squares = []
        for x in (a * c, b * c):
            squares.append((x * x, self._product_low(x, x, x * x)))
        total = squares[0][0] + squares[1][0]
        return a * c * c, b * c * c, (total, rounding.through_sum(squares[0], squares[1], total))

    def _local(self, i: int) -> Step:
        op, (a,), _ = self.program.code[i]
        assert isinstance(op, Local)
        row = op.row
        x, y, part, top = self.table[a], self.table[i], self.algebra.part, self.height[a]
        powers: list[Any] = [None, x]
        series: list[Any] = []

        def step(k: int) -> None:
            # y_k = Σ_m c_m [u^m]_k with u = a - a_0 and [u^m]_k = interior(k, u^(m-1), u)
            if k == 0:
                y[0] = self._checked(row, [x[0]])
                series.append(self._coefficients(row, x[0]))
                return
            if isinstance(self.algebra, Univariate) and top == 1:
                y[k] = series[0][k] * x[1] ** k
                return
            terms = [x[part(k)] * series[0][1]] if k <= top else []
            if k >= 2:
                powers.append(zeros(x.shape, self.like))
            for m in range(2, k + 1):
                if k <= m * top:
                    power = interior_power(k, m)
                    if power is not None:
                        powers[m][part(k)] = power
                        terms.append(powers[m][part(k)] * series[0][m])
            y[part(k)] = _total(terms)

        def interior_power(k: int, m: int) -> Any:
            return self.algebra.interior(k, powers[m - 1], x, min((m - 1) * top, k), top)

        return step

    def _call(self, i: int) -> Step:
        op, args, _ = self.program.code[i]
        assert isinstance(op, Call)
        rule, y = op.rule, self.table[i]
        if rule.step is None:
            raise TypeError(
                f"{rule.name} has no degree-wise rule to sweep; evaluate the program at a series"
            )
        live = [self.height[a] > 0 for a in args]
        given = [self.table[a] if m else self._head(a) for a, m in zip(args, live, strict=True)]
        return called(rule, self.algebra, given, live, y, self.like)


def called(
    rule: Any, algebra: Algebra, given: Sequence[Any], live: Sequence[bool], y: Any, like: Any
) -> Step:
    """Return the step of a rule: it writes the part of degree k of all results, joined, into y.

    `given` holds a table where `live`, else a value; the results are numbers of the kind of `like`.
    """
    part = algebra.part
    tables: list[Any] = []
    inner = rule.step(algebra, given, live, tables)

    def step(k: int) -> None:
        parts = inner(k)
        if k == 0:
            for head in parts:
                table = zeros((algebra.size, *np.shape(head)), like)
                table[0] = head
                tables.append(table)
        else:
            for table, new in zip(tables, parts, strict=True):
                if new is not None:
                    table[part(k)] = new
        if len(tables) == 1:
            y[part(k)] = tables[0][part(k)]
        else:
            lead = np.shape(y[part(k)])[:-1]
            joined = [np.reshape(t[part(k)], (*lead, -1)) for t in tables]
            y[part(k)] = np.concatenate(joined, axis=-1)

    return step


def _total(terms: Sequence[Any]) -> Any:
    """Return the sum of the terms that exist, or None."""
    total = None
    for t in terms:
        if t is not None:
            total = t if total is None else total + t
    return total


def sweep(
    program: Program, algebra: Algebra, inputs: Sequence[Array], parameters: Sequence[Any] = ()
) -> list[Array]:
    """Return the tables of the outputs of an expanded program.

    >>> from taylor import exp, record
    >>> from taylor.core.expand import expand
    >>> sweep(expand(record(exp, 0.0)), Univariate(3), [np.array([0.0, 1, 0, 0])])[0]
    array([1.        , 1.        , 0.5       , 0.16666667])
    """
    for n, x in enumerate(inputs):
        if len(x) != algebra.size:
            raise OrderMismatch(
                f"input {n} has {len(x)} coefficients; {algebra} has {algebra.size}"
            )
    s = Sweep(program, algebra, together(*inputs), parameters)
    s.run()
    check(program.guards, s._value)
    return [s.result(i) for i in program.outputs]
