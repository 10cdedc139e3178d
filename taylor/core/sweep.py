"""The step rules: "compute coefficient k of instruction i", for every algebra and every number.

Notation: a argument, y result, q and p the quotient, k the degree, D the derivation that multiplies
the part of degree k by k.  D obeys the product rule in every graded commutative algebra, so
p·y' = q·a' gives p·Dy = Σ q·Da and, comparing parts of degree k,

    p_0 (Dy)_k = Σ [ q_0 (Da)_k + interior(k, q, Da) ] - interior(k, p, Dy),     y_k = (Dy)_k / k.

(Griewank & Walther, Evaluating Derivatives, Prop. 13.1, is the case where q and p are free of y.)
Products and quotients compare parts in the same way.  Only coefficients below k of q, p and y are
read, so an integrator may ask for degree k of everything before it knows degree k + 1.

`height[i]` bounds the degree of the last non-zero part of instruction i: terms beyond it are left
out, which makes 1 + a² cheap and keeps 0·inf from turning an overflowed value into nan.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import Algebra, Univariate
from taylor.core.choices import SIDES, SLOPES, choose, shared
from taylor.core.conditions import Condition
from taylor.core.instructions import (
    MUL,
    Add,
    Call,
    Choose,
    Const,
    Div,
    Input,
    Integral,
    Jump,
    Local,
    Mul,
    Parameter,
    Row,
    Scale,
)
from taylor.core.maps import Map
from taylor.core.program import Program, check
from taylor.core.table import jumps_at
from taylor.core.tables import nonzero, pad
from taylor.errors import DomainError, NonAnalyticError, OrderMismatch, PoleError
from taylor.numbers import rounding
from taylor.numbers.contexts import is_interval
from taylor.numbers.formulas import Constant
from taylor.numbers.kinds import Kind, base, is_operand
from taylor.numbers.policy import current_policy
from taylor.numbers.values import (
    common_shape,
    constant,
    decided,
    ordered,
    over,
    plus,
    times,
    together,
    zeros,
)

Array = Any
REMEDY = "move the point, or use taylor.policy(kink='subgradient')"
Step = Callable[[int], None]
RULES = {
    Add: "_add", Mul: "_mul", Div: "_div", Scale: "_linear", Map: "_linear", Integral: "_integral",
    Local: "_local", Jump: "_jump", Choose: "_choose", Call: "_call",
}  # fmt: skip
DEPTH = 5  # of companions such as (1 - e) + 2e·s²
LARGEST_LOW = 2.0**-48  # of a low part; else the value is out of the range of its formula
LOW_ORDER = 20  # a rounded value puts coefficient k off by up to k/2 units: not worth a look below


def leading(x: Any) -> Any:
    """Return the value of a series of series: a plain number, or a node to be compared."""
    while hasattr(x, "_coef"):
        x = x.value
    return x


def outcome(op: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    """Return how two values compare; where they are recorded, that leaves a guard."""
    result = decided(op, leading(x), leading(y))
    return result.mask() if isinstance(result, Condition) else np.asarray(result, dtype=bool)


def is_zero(x: Any) -> bool:
    """Whether a scalar is zero (an interval: whether it contains zero)."""
    if is_interval(x):
        return bool(0 in x) if not hasattr(x, "_mpci_") else bool(0 in x.real and 0 in x.imag)
    return bool(x == 0)


def is_finite(x: Any) -> bool:
    """Whether a scalar of any number type is finite (an interval: bounded)."""
    return bool((abs(x).b if is_interval(x) else abs(x)) < float("inf"))


def is_nan(x: Any) -> bool:
    """Whether a scalar of any number type is not a number."""
    return not is_interval(x) and bool(x != x)


def _nans(x: Any) -> Array:
    """Return where numbers of an array are not numbers."""
    return np.asarray(np.frompyfunc(is_nan, 1, 1)(x) if x.dtype == object else x != x, dtype=bool)


class Sweep:
    """The tables of all instructions of an expanded program, computed degree by degree.

    `inputs` are tables (first axis: coefficients) and `parameters` plain values; `inputs` may be
    filled in later, degree by degree, if `heights` says how far each will reach.
    """

    def __init__(
        self,
        program: Program,
        algebra: Algebra,
        inputs: Sequence[Array],
        parameters: Sequence[Any] = (),
        heights: Sequence[int] | None = None,
    ) -> None:
        self.program = program
        self.algebra = algebra
        self.order = algebra.order
        self.policy = current_policy()
        constants = [i.op.constant for i in program.code if i.op.constant is not None]
        self.like = self._kind([*inputs, *_deciding(parameters), *_deciding(constants)])
        self.table: list[Any] = []  # a table, or the plain value of an inactive instruction
        self.height: list[int] = []
        self.weighted: dict[int, Array] = {}  # D of a table, for integrals
        self.steps: list[Step] = []
        self.owners: list[int] = []  # per step, its instruction
        rows = [i.op.row for i in program.code if isinstance(i.op, Integral)]
        self.precise = self.order > LOW_ORDER and any(row.low is not None for row in rows)
        self.lows: dict[int, Any] = {}  # what rounding took from the values of rows, when asked for
        self.moving: list[Any] = []  # per instruction, the lanes that vary (made when needed)
        self.live: list[bool] = []  # per instruction, whether it depends on an input at all
        found = [algebra.height(x) for x in inputs] if heights is None else heights
        read = {a for i in program.code if type(i.op) is Integral for a in i.op.reads(i.args)}
        for i, (op, args, shape) in enumerate(program.code):
            args = op.reads(args)
            self.live.append(type(op) is Input or any(self.live[a] for a in args))
            if type(op) is Input:
                self.table.append(inputs[op.n])
                self.height.append(found[op.n])
            else:
                self.height.append(op.height([self.height[a] for a in args], self.order))
                if self.height[i] > 0:
                    if op.by_element:
                        shape = common_shape(shape, *(self._shape(a) for a in args))
                    self.table.append(self._room(i, (algebra.size, *shape)))
                    self.steps.append(self._step(i))
                    self.owners.append(i)
                elif isinstance(op, Parameter):
                    self.table.append(self._number(parameters[op.n]))
                elif isinstance(op, Row):
                    self.table.append(self._checked(op.row, [self._head(a) for a in args]))
                else:
                    self.table.append(op.value([self._head(a) for a in args], self._number))
            if i in read and self.height[i] > 0 and type(op) is not Integral:
                if type(op) is Input and heights is None:
                    weights = algebra.degrees.reshape((-1,) + (1,) * (self.table[i].ndim - 1))
                    with np.errstate(all="ignore"):
                        self.weighted[i] = self.table[i] * like_numbers(weights, self.table[i])
                else:
                    self.weighted[i] = zeros(self.table[i].shape, self.table[i])
                    self.steps.append(self._weigh(i))
                    self.owners.append(i)

    def _step(self, i: int) -> Step:
        """Return the step rule of instruction i."""
        op = self.program.code[i].op
        rule: Step = getattr(self, next(r for kind, r in RULES.items() if isinstance(op, kind)))(i)
        return rule

    def _number(self, c: Any) -> Any:
        return constant(c, self.like)

    def _room(self, i: int, shape: tuple[int, ...]) -> Any:
        """Return the table of instruction i, all zeros."""
        return zeros(shape, self.like)

    def _kind(self, inputs: Sequence[Array]) -> Array:
        """Return an empty array of the kind of number of all tables."""
        return _common(inputs)

    def _checked(self, row: Any, values: Sequence[Any]) -> Any:
        """Return the value of a row; a scalar outside the domain raises DomainError."""
        return checked(row, values, self.policy.singular)

    def _coefficients(self, row: Any, x: Any) -> Any:
        """Return the local coefficients 0..order of a row at x."""
        return local_series(row, x, self.order)

    def _shape(self, a: int) -> tuple[int, ...]:
        return self.table[a].shape[1:] if self.height[a] else np.shape(self._head(a))

    def _value(self, a: int) -> Any:
        """Return the degree-0 part of instruction a."""
        return self.table[a][0] if self.height[a] else self._head(a)

    def _divisor(self, i: int) -> Any:
        """Return what divides by the value of instruction i, as it is before it is rounded.

        A rounded divisor moves a singularity, which puts coefficient k off by k times as much.
        """
        return self._dividing(self._value(i), self._low(i))

    def _dividing(self, x: Any, low: Any) -> Any:
        """Return (divide, by): divide(s, by) is s/(x + low)."""
        if low is None:
            return operator.truediv, x
        if not np.any(low):
            return operator.truediv, x
        with np.errstate(all="ignore"):
            return rounding.over, rounding.divisor(x, low)

    def _low(self, i: int, depth: int = DEPTH) -> Any:
        """Return what rounding took from the value of instruction i, as far as it is known."""
        op, args, _ = self.program.code[i]
        if isinstance(op, Integral):
            return self._row_low(i)
        if depth == 0 or not self._has_low(i):
            return None
        if isinstance(op, Const):
            return rounding.of_constant(op.c) if isinstance(op.c, Constant) else None
        if not isinstance(op, (Add, Mul, Div, Scale)) or np.ndim(op.constant):
            return None
        x = [(self._value(a), self._low(a, depth - 1)) for a in args]
        if isinstance(op, Scale):
            x.append((self._number(op.c), rounding.of_constant(op.c)))
            op = MUL
        return op.low(x[0], x[1], self._value(i), self._product_low)

    def _row_low(self, i: int) -> Any:
        """Return what rounding took from the value of a row that says so, at high orders."""
        if i not in self.lows:
            self.lows[i] = self._new_row_low(i)
        return self.lows[i]

    def _new_row_low(self, i: int) -> Any:
        op, given, _ = self.program.code[i]
        if not isinstance(op, Integral) or op.row.low is None or not self.precise:
            return None
        args = op.reads(given)
        if not all(map(self._has_low, (i, *args))):
            return None
        y = self._value(i)
        with np.errstate(all="ignore"):
            low = self._kept(op.row.low(*map(self._value, args), y), y)
            qs, p = given[op.count : -1], self._value(given[-1])
            for a, q in zip([a for a in args if self.live[a]], qs, strict=True):
                change = self._low(a, DEPTH - 2)
                if change is not None:
                    low = low + change * self._value(q) / p
        return low

    def _kept(self, low: Any, y: Any) -> Any:
        """Return a low part of y, zero where it is none."""
        return np.where(np.abs(low) <= LARGEST_LOW * np.abs(y), low, 0.0)[()]

    def _has_low(self, i: int) -> bool:
        """Whether the value of instruction i is a float (or some)."""
        x = self._value(i)
        return isinstance(x, (int, float)) or (type(x) is np.ndarray and x.dtype == float)

    def _product_low(self, x: Any, y: Any, z: Any) -> Any:
        return rounding.of_product(x, y, z)

    def _head(self, a: int) -> Any:
        x = self.table[a]
        return x[0] if type(self.program.code[a].op) is Input else x

    def run(self) -> None:
        """Compute all parts of all instructions."""
        with np.errstate(all="ignore"):
            for k in range(self.order + 1):
                for step in self.steps:
                    step(k)
        self.steps.clear()  # the steps refer back to the sweep: let the tables go with the sweep

    def result(self, i: int) -> Array:
        """Return the table of instruction i."""
        if self.height[i] or type(self.program.code[i].op) is Input:
            return self.table[i]
        value = self.table[i]
        table = zeros(
            (self.algebra.size, *np.shape(value)),
            self.like
            if is_operand(value) or is_operand(self.like)
            else Kind.of(self.like, value).zeros((1,)),
        )
        table[0] = value
        return table

    # ---------------------------------------------------------------- the rules
    def _weigh(self, i: int) -> Step:
        y, d, part = self.table[i], self.weighted[i], self.algebra.part

        def step(k: int) -> None:
            if 1 <= k <= self.height[i]:
                d[part(k)] = y[part(k)] * k

        return step

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
                    table[part(k)] = _masked(table[part(k)], lanes)

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
                    table[part(k)] = _masked(table[part(k)], lanes)

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

    def _jump(self, i: int) -> Step:
        op, args, _ = self.program.code[i]
        assert isinstance(op, Jump)
        row = op.row
        y, part = self.table[i], self.algebra.part
        lanes: list[Any] = []

        def step(k: int) -> None:
            if k == 0:
                values = [self._value(a) for a in args]
                if any(np.iscomplexobj(base(v)) for v in values):
                    raise TypeError(f"{row.name} of a complex series is not holomorphic")
                y[0] = self._checked(row, values)
                at = np.asarray(jumps_at(row, *(base(v) for v in values)), dtype=bool)
                at = at & self._lanes_active(args)
                if at.any() and self._raises(y[0]):
                    raise NonAnalyticError(
                        f"{row.name} jumps at {_show(values)}; it has no derivative there"
                    )
                lanes.append(at if at.any() else None)
            elif lanes[0] is not None:
                y[part(k)] = _masked(y[part(k)], lanes[0])

        return step

    def _choose(self, i: int) -> Step:
        op, args, _ = self.program.code[i]
        assert isinstance(op, Choose)
        (lhs, rhs, a, b), mode = args, op.mode
        y, part, height = self.table[i], self.algebra.part, self.height
        state: dict[str, Any] = {}
        mean = "mean" if self.live[a] and self.live[b] else "flat"
        fixed = not (height[lhs] or height[rhs])  # such a tie does not vary

        def pieces(j: int, k: int) -> Any:
            if k == 0:
                return self._value(j)
            return self.table[j][part(k)] if k <= height[j] else self._value(j) * 0

        def step(k: int) -> None:
            if k == 0:
                self._compared(state, pieces(lhs, 0), pieces(rhs, 0), mode)
            if mode in SLOPES and state["tie"].any():
                self._between_slopes(state, pieces(a, k), pieces(b, k), mode if fixed else "")
            if k and mode == "kink" and state["tie"].any():
                self._decide(k, state, args, pieces, y)
            # an undecided lane has equal parts on both sides so far
            new = _pick(pieces(a, k), pieces(b, k), state["first"] | state["tie"], state["lost"])
            half = state.pop("half", None)
            if half is not None and half.any():
                here = mean if mode == "kink" else mode
                new = np.where(half, shared(pieces(a, k), pieces(b, k), here), new)[()]
            y[part(k)] = new

        return step

    def _compared(self, state: dict[str, Any], left: Any, right: Any, mode: str) -> None:
        """Note in which lanes the first side is larger, the second, none of them, or neither."""
        above = operator.ge if mode in SIDES else operator.gt
        if mode == "formula" and any(np.iscomplexobj(base(x)) for x in (left, right)):
            left, right = ordered(base(left)), ordered(base(right))  # a guard has no order to hold
        first = outcome(above, left, right)
        second = outcome(operator.lt, left, right)
        tie = ~(first | second) & np.asarray(base(left) == base(right), dtype=bool)
        state.update(first=first, second=second, tie=tie, lost=~(first | second | tie))

    def _between_slopes(self, state: dict[str, Any], a: Any, b: Any, fixed: str) -> None:
        """Settle the tied lanes of a choice between derivatives where these differ at a degree.

        `fixed` is the mode of a tie that does not vary.
        """
        d = a - b
        differs = nonzero(d if is_operand(d) else np.asarray(d))
        if np.ndim(differs) > np.ndim(state["tie"]):
            differs = differs.any(0)
        here = state["tie"] & differs
        if not here.any():
            return
        if fixed and self.policy.kink == "subgradient":
            state["half"] = here
        elif self._raises(state["tie"]):
            raise NonAnalyticError(
                f"the derivatives on both sides of a kink are {_show([a])} and {_show([b])}: "
                f"there is none; {REMEDY}"
            )
        else:
            state["lost"] = state["lost"] | here
            state["tie"] = state["tie"] & ~here

    def _decide(self, k: int, state: dict[str, Any], args: Any, pieces: Any, y: Array) -> None:
        """Settle the tied lanes of a kink whose sides first differ at degree k."""
        lhs, rhs = args[:2]
        top = max(self.height[lhs], self.height[rhs])
        if k > top:
            return
        d = pieces(lhs, k) - pieces(rhs, k)
        differs = nonzero(d if is_operand(d) else np.asarray(d))
        if not isinstance(self.algebra, Univariate):
            differs = differs.any(0)
        here = state["tie"] & differs
        if not here.any():
            return
        if isinstance(self.algebra, Univariate):
            sign = self.algebra.sign(k, base(d), None)
        else:
            ndim = np.ndim(y) - 1
            table = pad(self.result(lhs), ndim) - pad(self.result(rhs), ndim)
            sign = self.algebra.sign(k, base(d), base(table))
        sign = self._side(k, base(d), np.asarray(sign, dtype=float))
        half = here & (np.isinf(sign) | (sign == 0))
        state["half"] = half
        state["tie"] = state["tie"] & ~differs
        state["first"] = state["first"] | (here & (sign > 0))
        state["second"] = state["second"] | (here & (sign <= 0))
        lost = here & np.isnan(sign)
        if lost.any() and self._raises(y[0]):
            raise NonAnalyticError(
                f"the two sides of a kink meet at {_show([pieces(lhs, 0)])}: no derivative of "
                f"order {k} there; {REMEDY}"
            )
        state["lost"] = state["lost"] | lost

    def _side(self, k: int, d: Any, sign: Any) -> Any:
        """Return the sign of the difference of the sides of a kink with leading part d of degree k.

        Where it is not the same all around the point (nan), the policy says which: after or before
        the point along a line, or with all variables growing or shrinking alike; inf is a share.
        """
        kink, along = self.policy.kink, isinstance(self.algebra, Univariate)
        if kink == "subgradient" and k == 1 == self.order:
            sided: Any = np.full(np.shape(sign), np.inf)
        elif (kink in ("left", "right") and k == 1 == self.order) or (
            kink in ("after", "before") and along
        ):
            sided = np.sign(np.asarray(d if along else d.sum(0), dtype=float))
            sided = sided if kink in ("right", "after") else -sided
        else:
            return sign
        return np.where(np.isnan(sign), sided, sign)

    # ---------------------------------------------------------------- singular points
    def _raises(self, value: Any) -> bool:
        if self.policy.singular == "propagate":
            return False
        return np.shape(base(value)) == () or self.policy.singular == "raise"

    def _lanes_active(self, args: Sequence[int]) -> Any:
        """Return where some argument varies, per lane."""
        if not self.moving:
            for i, (op, inner, _) in enumerate(self.program.code):
                lanes: Any = np.zeros((), dtype=bool)
                if type(op) is Input and self.height[i]:
                    lanes = nonzero(self.table[i][1:]).any(0)
                elif isinstance(op, Map) and self.height[i]:
                    lanes = np.ones((), dtype=bool)
                elif type(op) is not Input:
                    for a in op.reads(inner):
                        lanes = lanes | self.moving[a]
                self.moving.append(lanes)
        total: Any = np.zeros((), dtype=bool)
        for a in args:
            total = total | self.moving[a]
        return total

    def _singular(self, row: Any, args: Sequence[int], y0: Any, p0: Any) -> Any:
        """Return (lanes without an expansion, inactive lanes there) or None; raise for scalars."""
        y, p = base(y0), base(p0)
        if np.shape(y) == () and np.shape(p) == ():
            if not is_zero(p) and not is_nan(y):
                return None
            if self._raises(y):
                raise no_expansion(row, [self._value(a) for a in args])
            bad = np.asarray(True)
        else:
            zero = np.asarray(np.equal(p, 0), dtype=bool)
            bad = np.broadcast_to(zero | np.asarray(np.not_equal(y, y), dtype=bool), np.shape(y))
            if not bad.any():
                return None
        active = np.broadcast_to(self._lanes_active(args), bad.shape)
        if self._raises(y) and (bad & active).any():
            raise no_expansion(row, [self._value(a) for a in args])
        return (bad & active, bad & ~active)

    def _check_divisor(self, i: int, a: Any, b: Any, active: bool) -> None:
        divisor = base(b)
        if np.shape(divisor) == ():
            bad = is_zero(divisor)
        else:
            bad = self.policy.singular == "raise" and not np.all(divisor)
        if bad and self._raises(self.table[i][0]):
            raise PoleError(f"division by a series whose value is zero: {_show([a])}/{_show([b])}")


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


def like_numbers(degrees: Array, table: Array) -> Array:
    """Return the degrees as numbers that leave the kind of number of the table as it is."""
    if not is_operand(table) and table.dtype.kind in "fc":
        return degrees.astype(table.real.dtype)
    return degrees.astype(float) if is_operand(table) else degrees.astype(object)


def _total(terms: Sequence[Any]) -> Any:
    """Return the sum of the terms that exist, or None."""
    total = None
    for t in terms:
        if t is not None:
            total = t if total is None else total + t
    return total


def _masked(x: Any, lanes: Any) -> Any:
    """Return x with nan in bad lanes; a pair gives (nan lanes, zero lanes)."""
    bad, inactive = lanes if isinstance(lanes, tuple) else (lanes, None)
    if inactive is not None and inactive.any():
        x = np.where(inactive, zeros(np.shape(x), x), x)
    return np.where(bad, np.nan, x)[()] if bad.any() else x


def _pick(a: Any, b: Any, first: Any, lost: Any) -> Any:
    if np.shape(first) == ():
        return a if first and not lost else b if not lost else a + b + np.nan
    chosen = np.where(first, *together(a, b))
    return np.where(lost, np.nan, chosen) if lost.any() else chosen


def _deciding(constants: Iterable[Any]) -> list[Any]:
    """Return what decides, among constants, on the kind of number of a table.

    Python's floats do not: they take the precision of the table, as in NumPy.
    """
    found: list[Any] = []
    for c in constants:
        if is_operand(c) or isinstance(c, (np.ndarray, np.inexact)):
            found.append(c)
        elif isinstance(c, complex):
            found.append(np.zeros(0, dtype=np.complex64))
        elif not Kind.of(c).numpy:
            found.append(c)
    return found


def _common(inputs: Sequence[Any]) -> Array:
    """Return an array of the kind of number that combines all inputs."""
    held = [x for x in inputs if is_operand(x)]
    plain = [x for x in inputs if not is_operand(x)]
    like: Any = Kind.of(*plain).zeros((1,)) if plain or not held else None
    for x in held:
        head = x.reshape(-1)[:1]
        like = head if like is None else like + head
    return like


def _show(values: Sequence[Any]) -> str:
    return ", ".join(str(base(v)) for v in values)


def no_expansion(row: Any, values: Sequence[Any]) -> DomainError:
    """Return the error for a point where a row has no Taylor expansion."""
    error: type[DomainError] = row.error
    return error(
        f"{row.name} has no Taylor expansion at {_show(values)} (domain: {row.domain}); move the "
        f"point, "
        "use order 0, or taylor.policy(singular='propagate') to get nan"
    )


def checked(row: Any, values: Sequence[Any], singular: str | None) -> Any:
    """Return row(*values); a scalar outside the domain raises DomainError."""
    if all(np.shape(base(x)) == () for x in values):
        with np.errstate(all="ignore"):
            y = row(*values)
    else:
        y = row(*values)
    v = base(y)
    if np.shape(v) != () and singular != "raise":
        return y
    if singular == "propagate" or is_interval(v):
        return y
    points = [base(x) for x in values]
    if np.shape(v) == ():
        fresh = is_nan(v) and not any(is_nan(x) for x in points)
        at_pole = row.pole and not is_nan(v) and abs(v) == float("inf") and _finite(points)
        if fresh or at_pole:
            raise no_expansion(row, values)
    elif np.any(_nans(np.asarray(v)) & ~_nans(np.asarray(points[0]))):
        raise no_expansion(row, values)
    return y


def _finite(points: Sequence[Any]) -> bool:
    return all(is_interval(x) or is_finite(x) for x in points)


def local_series(row: Any, x: Any, order: int) -> Any:
    """Return f⁽ᵐ⁾(x)/m!, m = 0..order, of a row at a value of any number type."""
    if is_operand(x):
        return x._local_series(row, order)
    if isinstance(x, np.ndarray) and x.dtype == object:
        flat = [local_series(row, e, order) for e in x.reshape(-1)]
        return np.stack(flat, axis=1).reshape(order + 1, *x.shape)
    if isinstance(x, (int, np.integer)):
        x = float(x)
    try:
        return row.local(x, order)
    except ValueError as error:
        raise no_expansion(row, [x]) from error


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
