"""Series: the arithmetic of truncated series over any algebra and any field of coefficients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

import numpy as np

from taylor.core.advice import PAGE
from taylor.core.algebra import Univariate, few_products, univariate
from taylor.core.applied import Call
from taylor.core.calls import Row
from taylor.core.conditions import Condition
from taylor.core.einsum import Einsum
from taylor.core.instructions import Add, Arithmetic, Div, Mul, Op
from taylor.core.lookups import Lookup
from taylor.core.loops import Loop
from taylor.core.maps import Gather, Map
from taylor.core.memory import in_memory, in_rows, taken
from taylor.core.node import Node
from taylor.core.operand import bind, fits, host, lift
from taylor.core.parts import REFUSED, Part
from taylor.core.sides import Choose
from taylor.core.singular import equal, is_zero, leading, local_series, no_quotient
from taylor.core.table import Elementary
from taylor.core.tables import contract, free_letter, nonzero
from taylor.core.tags import Tag, user_tag
from taylor.errors import (
    AlgebraMismatch,
    ForeignNodeError,
    NotHolomorphic,
    OrderMismatch,
    PoleError,
)
from taylor.machine import engine, pairs, short
from taylor.machine.pairs import Pairs
from taylor.numbers.kinds import Array, Kind, ValueSet, base, is_operand
from taylor.numbers.policy import current_policy, on_one_side
from taylor.numbers.values import (
    as_array,
    constant,
    decided,
    divisible,
    joined,
    over,
    quietly,
    together,
    zeros,
)
from taylor.series import rows, rules
from taylor.series.coefficients import UNKNOWN, Coefficients, degree_of_product
from taylor.series.operands import aligned, moved, with_constant
from taylor.series.rows import BOTH, LEFT, RIGHT, Live, by_code, declared, plain, propagates
from taylor.series.smooth import powered, shortly, side_taken, vanish_nearby, vanishes_nearby

FLOAT, OBJECT = np.dtype(float), np.dtype(object)
REALS = (float, int, np.float64)
T = TypeVar("T")
# the owner of an operation, its operands (of one table and a constant the table first), which sides
# are tables, and the degrees of the operands as polynomials
Met = tuple[T, Any, Any, Live, float, float]


def level_over(x: Any) -> Tag:
    """Return the tag of a variable made by hand at the value x."""
    return user_tag(max(x.tag.level, -1) + 1 if isinstance(x, Series) else 0)


class Series(Coefficients):
    """A truncated series with the operators of numbers and the protocols of NumPy arrays."""

    __slots__ = ()

    @classmethod
    def _seeded(
        cls, x: Any, algebra: Any, directions: Array, tag: Tag | None = None, first: int = 0
    ) -> Self:
        """Return x + Σ_i directions[i]·(variable first + i)."""
        shape = x.shape
        if directions.ndim > 1:
            shape = np.broadcast_shapes(shape, directions.shape[1:])
        if is_operand(x):
            directions = together(directions, x)[0]
        else:
            x, directions = joined([x, directions])
        table = zeros((algebra.size, *shape), x)
        table[0] = x if is_operand(x) else x[()]
        if algebra.order:
            table[1 + first : 1 + first + len(directions)] = directions
        return cls._make(table, algebra, level_over(x) if tag is None else tag, 1)

    @classmethod
    def _variables(cls, values: Sequence[Any], algebra: Any) -> tuple[Self, ...]:
        """Return the variables values[i] + (variable i of the algebra), all of one tag."""
        lifted = [lift(v) for v in values]
        numbers = iter(joined([as_array(v) for v in lifted if not is_operand(v)]))
        heads = [v if is_operand(v) else next(numbers) for v in lifted]
        tag = max(map(level_over, heads), key=lambda t: t.level, default=user_tag(0))
        ones = [Kind.of(x).zeros((1,)) + Kind.of(x).one for x in heads]
        return tuple(
            cls._seeded(x, algebra, one, tag, i)
            for i, (x, one) in enumerate(zip(heads, ones, strict=True))
        )

    # -------------------------------------------------------------- two operands
    def _check(self, other: Series) -> None:
        """Raise unless the other series, of the same tag, is of the same algebra."""
        a, b = self.algebra, other.algebra
        if a == b:
            return
        names = f"{self._describe()} and {other._describe()}"
        if (type(self), type(a), a.variables) == (type(other), type(b), b.variables):
            raise OrderMismatch(
                f"{names} differ in order; use .truncate({min(a.order, b.order)}) on one, or "
                f".extend({max(a.order, b.order)}) "
                "where the missing coefficients are known to be zero"
            )
        raise AlgebraMismatch(
            f"{names} are series of different algebras; make all variables in one call, or nest: "
            "take the derivative of a derivative with the drivers"
        )

    def _mine(self, args: Sequence[Any]) -> list[bool]:
        """Return which arguments are series in the variables of this one; check all operands."""
        mine = [isinstance(x, Series) and x.tag is self.tag for x in args]
        for x, inside in zip(args, mine, strict=True):
            if inside:
                self._check(x)
            elif is_operand(x):
                _check_alive(x, self)
        return mine

    def _describe(self) -> str:
        a = self.algebra
        count = "" if isinstance(a, Univariate) else f"{a.variables} variables, "
        return f"{type(self).__name__} ({count}order {a.order})"

    def _met(self, other: Any, right: bool = False) -> Met[Self] | None:
        """Return the matching operands (see `Met`) of self ∘ other, or (right) of other ∘ self.

        None if the other is no number for a series.
        """
        table = self._coef
        if type(table) is np.ndarray and table.dtype is FLOAT:
            array = type(other) is np.ndarray and other.dtype is FLOAT
            if type(other) in REALS or (array and other.shape == table.shape[1:]):
                return self, table, other, RIGHT if right else LEFT, self._reach, 0
        if self._fellow(other):
            y = other._coef
            same = type(table) is np.ndarray is type(y) and table.shape == y.shape
            if same and table.dtype is y.dtype is not OBJECT:
                met = self, table, y, BOTH, self._reach, other._reach
                return met if not right else (self, y, table, BOTH, other._reach, self._reach)
        if self._refuses(other):
            return None
        other = lift(other)
        if is_operand(other) and self._refuses(other):
            return None  # the elements of an array of objects are nodes that hold this
        owner, x, y, live, a, b = self._pair(*((other, self) if right else (self, other)))
        x, y = aligned(x, y) if live is BOTH else with_constant(x, y)
        return owner, x, y, live, a, b

    def _pair(self, x: Any, y: Any) -> Met[Self]:
        """Return the operands of an operation on x and y, as they are."""
        owner = host((x, y))
        first, second = owner._mine((x, y))
        a, b = x._reach if first else 0, y._reach if second else 0
        x, y = x._coef if first else plain(x), y._coef if second else plain(y)
        if first:
            return owner, x, y, BOTH if second else LEFT, a, b
        return owner, y, x, RIGHT, b, a

    def _hosts(self, other: Any) -> bool:
        if isinstance(other, Node):
            return not (self.tag.closed or other.tape.holds(self))
        assert isinstance(other, (Series, ValueSet))
        return self.tag.level > other.tag.level

    def _refuses(self, x: Any) -> bool:
        """Whether x is no number for this series: a string, or a node that holds it."""
        if isinstance(x, Node):
            return not self._hosts(x)
        return isinstance(x, Condition) or not fits(x)

    def _operate(self, op: Arithmetic, args: Sequence[Any]) -> Any:
        """Return the result of an operator, one of whose sides is this series."""
        (x, y), name = args, op.operator
        if isinstance(x, Series):
            result = getattr(x, f"__{name}__")(y)
        else:
            result = getattr(y, f"__r{name}__")(x)
        if result is NotImplemented:
            raise ForeignNodeError(
                "a node of a finished recording leaked in; return results from the recorded "
                "function instead"
            )
        return result

    # -------------------------------------------------------------- arithmetic
    def _added(self, met: Met[Self] | None, minus: bool) -> Self:
        """Return x + y, or x - y."""
        if met is None:
            return NotImplemented  # type: ignore[no-any-return]
        owner, x, y, live, a, b = met
        with np.errstate(all="ignore"):
            if live is BOTH:
                table = in_rows(x - y if minus else x + y, (x, y))
            elif live is LEFT:
                table = moved(x, -y if minus else y)
            else:
                table = moved(-x if minus else x, y)
        return owner._make(table, owner.algebra, owner.tag, a if a > b else b)

    def _combined(self, other: Any, sums: Callable[[int], Pairs], f: np.ufunc) -> Self | None:
        """Return f of two tables of floats, element by element; None for any other operands."""
        if not self._fellow(other):
            return None
        x, y, a, b = self._coef, other._coef, self._reach, other._reach
        table = sums(len(x)).call(x, y)
        if table is None:
            if not (self._is_floats() and other._is_floats() and x.shape == y.shape and x.ndim < 3):
                return None
            table = quietly(f, x, y)
        return self._make(table, self.algebra, self.tag, a if a > b else b)

    def __add__(self, other: Any) -> Self:
        if type(other) in REALS and self._is_floats():
            table = self._coef.copy("K")
            if table.ndim == 1 and (type(other) is float or abs(other) < engine.EXACT):
                table[0] = table.item(0) + other  # without warnings
            else:
                table[0] = quietly(np.add, table[0], other)
            return self._new(table, reach=self._reach)
        found = self._combined(other, pairs.added, np.add)
        return self._added(self._met(other), False) if found is None else found

    __radd__ = __add__

    def __sub__(self, other: Any) -> Self:
        if type(other) in REALS:
            return self.__add__(-other)
        found = self._combined(other, pairs.subtracted, np.subtract)
        return self._added(self._met(other), True) if found is None else found

    def __rsub__(self, other: Any) -> Self:
        if type(other) in REALS:
            return (-self).__add__(other)
        return self._added(self._met(other, True), True)

    def __neg__(self) -> Self:
        return self._new(-self._coef, reach=self._reach)

    def __mul__(self, other: Any) -> Self:
        if type(other) in REALS and self._is_floats():
            x, c = self._coef, float(other) if abs(other) < engine.EXACT else other
            table = pairs.scaled(len(x)).call(x, c)
            table = quietly(np.multiply, x, other) if table is None else table
            return self._new(table, reach=self._reach if other else 0)
        if self._fellow(other):
            x, algebra, reach = self._coef, self.algebra, self._reach + other._reach
            if x.ndim == 1 and type(algebra) is Univariate:
                table = pairs.multiplied(len(x)).call(x, other._coef)
                reach = reach if reach < len(x) else UNKNOWN
            else:
                table = short.multiplied(algebra, x.shape).call(x, other._coef)
                reach = degree_of_product(algebra, self._reach, other._reach)
            if table is not None:
                return self._make(table, algebra, self.tag, reach)
        met = self._met(other)
        if met is None:
            return NotImplemented
        owner, x, y, live, a, b = met
        if live is BOTH:
            return owner._new(owner._product(x, y), reach=degree_of_product(owner.algebra, a, b))
        reach = 0 if type(y) in REALS and y == 0 else a
        with np.errstate(all="ignore"):
            found = in_rows(x * y, (x,), (y,))
        return owner._make(found, owner.algebra, owner.tag, reach)

    __rmul__ = __mul__

    def _product(self, x: Array, y: Array) -> Any:
        """Return the table of the product of two tables of as many axes."""
        if x.ndim == 1 and type(self.algebra) is Univariate:
            return self.algebra.product(x, y)
        table = engine.product(self.algebra, x, y) if x.ndim == 1 else None
        if table is not None:
            return table
        if not few_products(self.algebra, x, y):
            table = by_code("mul", BOTH, self.algebra, [x, y])
        if table is None:
            with np.errstate(all="ignore"):
                return in_rows(self.algebra.product(x, y), (x, y))
        table[0] = x[0] * y[0]  # NumPy's own rounding
        return table

    def __truediv__(self, other: Any) -> Self:
        if type(other) in REALS and other and self._is_floats():
            table = pairs.divided(len(self._coef)).call(self._coef, other)
            table = quietly(np.true_divide, self._coef, other) if table is None else table
            return self._new(table, reach=self._reach)
        if self._fellow(other):
            if self.tag.level < 0 and not self.tag.near:
                self.tag.near = vanish_nearby(self._coef, other._coef, self.algebra)
            table = engine.entry("div", BOTH, self.algebra).call(self._coef, other._coef)
            if table is not None:
                return self._make(table, self.algebra, self.tag)
        return self._divided(self._met(other))

    def __rtruediv__(self, other: Any) -> Self:
        if self.tag.level < 0 and not self.tag.near:
            self.tag.near = vanishes_nearby(self._coef, self.algebra)
        if type(other) in REALS and abs(other) < engine.EXACT:
            table = engine.entry("div", RIGHT, self.algebra).call(self._coef, float(other))
            if table is not None:
                return self._make(table, self.algebra, self.tag)
        return self._divided(self._met(other, True))

    def _divided(self, met: Met[Self] | None) -> Self:
        """Return x/y."""
        if met is None:
            return NotImplemented  # type: ignore[no-any-return]
        owner, x, y, live, a, b = met
        if live is not LEFT:
            given = [y, x] if live is RIGHT else [x, y]
            table = by_code("div", live, owner.algebra, given)
            if table is not None:
                return owner._new(table)
        if live is BOTH:
            return rows.beside_zero(owner._quotient(divisible(x, y), divisible(y, x)), y, b)
        if not is_operand(y):
            x, y = with_constant(divisible(x, np.asarray(y)), y)
        elif live is RIGHT:
            x = divisible(x)
        if live is LEFT:
            if not is_operand(y) and np.ndim(y) == 0 and is_zero(y) and not propagates():
                raise PoleError(f"division of a {type(self).__name__} by the number zero")
            with np.errstate(all="ignore"):
                return owner._new(over(x, y), reach=a)
        still = not owner.algebra.height(x) and np.ndim(base(x[0])) == 0
        if still and is_zero(base(x[0])) and not propagates():
            raise no_quotient("")
        found = owner._new(rows.swept(engine.QUOTIENTS[RIGHT], owner.algebra, [x], [y]))
        return rows.beside_zero(found, x, a)

    def _quotient(self, x: Array, y: Array) -> Self:
        """Return the quotient of two tables."""
        if y.ndim == 1 and is_zero(base(y[0])):
            if isinstance(self.algebra, Univariate):
                return self._cancel(x, y)
            if not propagates():
                raise no_quotient(f": {base(x[0])}/{base(y[0])}")
        return self._new(rows.swept(engine.QUOTIENTS[BOTH], self.algebra, [x, y]))

    def _cancel(self, x: Array, y: Array) -> Self:
        """Return x/y where y starts at degree v > 0: t^v cancels and v degrees are lost."""
        ux, uy = np.flatnonzero(nonzero(x)), np.flatnonzero(nonzero(y))
        v = int(uy[0]) if len(uy) else self.order + 1
        if v == 0 or (len(ux) and ux[0] < v) or v > self.order:
            if propagates():
                return self._new(x / y[0])
            raise no_quotient(
                f": the numerator starts at degree {int(ux[0]) if len(ux) else self.order + 1}, "
                f"the divisor at degree {v} of order {self.order}"
            )
        lower = univariate(self.order - v)
        return declared(self, (self._new(x[v:], lower) / self._new(y[v:], lower))._coef)

    def __pow__(self, r: Any, mod: Any = None) -> Self:
        y = powered(self, r) if mod is None else None
        return super().__pow__(r, mod) if y is None else y

    # -------------------------------------------------------------- functions
    def _elementary(self, row: Elementary, args: Sequence[Any]) -> Any:
        y = shortly(self, row, args)
        return bind(Row(row), *args) if y is None else y

    def _choose(self, lhs: Any, rhs: Any, a: Any, b: Any, mode: str) -> Any:
        y = side_taken(self, lhs, rhs, a, b)
        return super()._choose(lhs, rhs, a, b, mode) if y is None else y

    def _called(self, op: Call, args: Sequence[Any]) -> Any:
        if not self.tag.side or self.tag.side == current_policy().side:
            return self._by_rule(op, args)
        with on_one_side(self.tag.side):
            return self._by_rule(op, args)

    def _by_rule(self, op: Call, args: Sequence[Any]) -> Any:
        owner, rule, mine = self, op.rule, self._mine(args)
        if rule.step is not None:
            c = owner._coef
            tables = [
                x._coef if m else rows.argument(x, c) for x, m in zip(args, mine, strict=True)
            ]
            return rules.by_step(owner, rule.step, tables, mine)
        if rule.jvp is None and rule.vjp is None:
            return rule.value(*args)
        if not any(x.active for x, m in zip(args, mine, strict=True) if m):
            y = rule(*(x.value if m else x for x, m in zip(args, mine, strict=True)))
            constants = [owner._constant(z) for z in (y if isinstance(y, tuple) else [y])]
            return tuple(constants) if isinstance(y, tuple) else constants[0]
        return rules.by_tangent(owner, rule, args, mine)

    def _looped(self, op: Loop, args: Sequence[Any]) -> Any:
        """Return a loop of series; with coefficients that are recorded, again one instruction."""
        mine = self._mine(args)
        if self.order != 1 or not is_operand(self._coef):
            return op.run(*args)
        a = [x.value if m else plain(x) for x, m in zip(args, mine, strict=True)]
        d = [
            np.moveaxis(x._coef[1:], 0, -1) if m else None for x, m in zip(args, mine, strict=True)
        ]
        y, dy = op.pushed(a, d, self.algebra.size - 1)
        return self._new(np.concatenate([y[None], np.moveaxis(dy, -1, 0)]))

    def _with_value(self, value: Any) -> Self:
        """Return the series with its coefficient of degree 0 replaced by the plain function's."""
        coef = self._coef.copy("K")
        if is_operand(coef) or coef.dtype == object or np.asarray(value).dtype != object:
            spread = self.shape and not is_operand(value)
            coef[0] = np.broadcast_to(value, self.shape) if spread else value
        return self._new(coef, reach=self._reach)

    def _local_series(self, row: Elementary, order: int) -> Any:
        """Return the local coefficients of a row: c_m(x + u) = Σ C(m+j, j) c_{m+j}(x) u^j."""
        u = self._with_value(0 * self.value)
        c = local_series(row, self.value, order + self.order)
        out = []
        for m in range(order + 1):
            total: Any = u * 0 + c[m + self.order] * math.comb(m + self.order, m)
            for j in range(self.order - 1, -1, -1):
                total = total * u + c[m + j] * math.comb(m + j, m)
            out.append(total)
        return np.stack(out)

    # -------------------------------------------------------------- primitives of Operand
    def _in_memory(self) -> Array:
        return in_memory(self._coef)[0, ...]

    def _zeros(self, shape: tuple[int, ...]) -> Self:
        return self._new(zeros((self._coef.shape[0], *shape), self._coef))

    def _nonzero(self) -> Any:
        inner = nonzero(self._coef)
        return inner.any(0) if inner.shape[0] else np.zeros(self.shape, dtype=bool)

    def _constant(self, value: Any) -> Self:
        """Return the constant series of that value."""
        if is_operand(value):
            table = value._zeros((self.algebra.size, *value.shape))
        else:
            value = value if isinstance(value, np.ndarray) else as_array(value)
            table = zeros((self.algebra.size, *value.shape), value)
        table = in_rows(table, (), [value])
        table[0] = value[()] if isinstance(value, np.ndarray) else value
        return self._new(table, reach=0)

    def _lowered(self, c: Any) -> Any:
        return constant(c, self._coef)

    def _ones(self) -> Self:
        table = zeros(self._coef.shape, self._coef)
        table[0] = Kind.of(table).one
        return self._new(table, reach=0)

    def process(self, op: Op, args: Sequence[Any]) -> Any:
        """Return what an instruction makes of those arguments."""
        if type(op) in PROCESS:
            return PROCESS[type(op)](self, op, args)
        assert isinstance(op, Map)
        if type(op) is Part and not op.known:
            self._check_part()
        with np.errstate(all="ignore"):
            return self._new(op.moved((self._coef,), 1), reach=self._reach)

    def _check_part(self) -> None:
        """Raise unless the real and imaginary parts have series."""
        if not self.tag.real and self.active:
            raise NotHolomorphic(REFUSED)

    def _part(self, kind: str) -> Any:
        self._check_part()
        return self._part_view(kind) if self._is_array() else bind(Part(kind), self)

    def _gathered(self, op: Gather, sources: Sequence[Any]) -> Self:
        owner, index = self, op.index
        if len(sources) == 1:
            return self._new(taken(self._coef, index), reach=self._reach)
        joined: list[Any] = []
        reach = 0.0
        for x, inside in zip(sources, owner._mine(sources), strict=True):
            if not inside:
                x = plain(x)
                if type(x) in (float, int) and owner.dtype.kind in "fc":
                    x = np.asarray(x, dtype=owner.dtype)  # Python's numbers have no precision
                x = owner._constant(x)
            reach = max(reach, x._reach)
            joined.append(x._coef.reshape((x._coef.shape[0], -1)))
        return owner._new(taken(np.concatenate(together(*joined), axis=1), index), reach=reach)

    def _contracted(self, op: Einsum, args: Sequence[Any]) -> Any:
        owner, x, y, live, a, b = self._pair(*args)
        if not (is_operand(x) or is_operand(y)):
            x, y = together(x, y if live is BOTH else np.asarray(y))
        with np.errstate(all="ignore"):
            if live is BOTH:
                found = owner.algebra.bilinear(op.spec, x, y)
            else:
                terms, out = op.spec.split("->")
                first, second = terms.split(",")[:: 1 if live is LEFT else -1]
                z, some = free_letter(op.spec), len(x)
                if is_operand(x) or is_operand(y):  # what is zero need not be recorded
                    some = int(np.count_nonzero(owner.algebra.degrees <= max(a, b)))
                found = contract(f"{z}{first},{second}->{z}{out}", x[:some], y)
                if some < len(x):
                    rest = zeros((len(x) - some, *found.shape[1:]), found)
                    found = np.concatenate([found, rest])
            return owner._new(in_rows(found), reach=degree_of_product(owner.algebra, a, b))

    def _chosen(self, op: Choose, args: Sequence[Any]) -> Any:
        mine, mode = tuple(self._mine(args)), op.mode
        inputs = [x._coef for x, m in zip(args, mine, strict=True) if m]
        if mode == "kink" and any(np.iscomplexobj(base(x)) for x in args):
            raise NotHolomorphic(
                "abs, maximum and their kin are not holomorphic: a complex series has no Taylor "
                "series of them; work with real and imaginary parts as two real variables"
            )
        tables = together(*inputs)
        parameters = [plain(x) for x, m in zip(args, mine, strict=True) if not m]
        program = rows.choice(mode, mine)
        reach = max([x._reach for x, m in zip(args[2:], mine[2:], strict=True) if m], default=0)
        table = rows.swept(program, self.algebra, tables, parameters, self.tag.side)
        return self._new(table, reach=reach)

    def _looked_up(self, op: Lookup, args: Sequence[Any]) -> Any:
        (x, table), (inside, varies) = args, self._mine(args)
        x = op.settle(x.value) if inside else x
        if not varies:
            return self._constant(op.rows(x, plain(table)))
        return self._new(op.rows(x, table._coef, 1), reach=table._reach)

    def _compare(self, op: Any, other: Any) -> Any:
        other = lift(other)
        if self._refuses(other):
            return NotImplemented
        return decided(op, leading(self), leading(other) if is_operand(other) else plain(other))

    def __eq__(self, other: Any) -> Any:
        met = self._met(other)
        if met is None:
            return NotImplemented
        owner, x, y, live, *_ = met
        value = np.asarray(equal(x[0], y[0] if live is BOTH else y), dtype=bool)
        rest = equal(x[1:], y[1:]) if live is BOTH else ~nonzero(x[1:])
        same = value & np.all(np.asarray(rest, dtype=bool), axis=0)
        if owner.tag.level < 0 and np.any(value & ~same):
            owner.tag.isolated = True
        return bool(same) if np.ndim(same) == 0 else same

    def __ne__(self, other: Any) -> Any:
        same = self.__eq__(other)
        return same if same is NotImplemented else not same if isinstance(same, bool) else ~same

    __hash__ = Coefficients.__hash__

    def _truth(self) -> Any:
        """Return where the series is other than zero: x != 0."""
        return self != 0

    def _assign(self, index: Any, value: Any) -> None:
        value = lift(value)
        if not fits(value):
            as_array(value)  # raises an error: it is no number
        if self._refuses(value) or (isinstance(value, Series) and value._hosts(self)):
            raise AlgebraMismatch(
                f"a value of an inner differentiation does not fit into a {self._describe()} of "
                "an outer one; make a new array, with np.stack or y = y + z"
            )
        _, _, y, live, _, reach = self._pair(self, value)
        self._write(index, y if live is BOTH else self._constant(y)._coef, reach)


def _check_alive(x: Any, owner: Series) -> None:
    if x.tag.closed or owner.tag.closed:
        raise ForeignNodeError(
            "a perturbation of a finished differentiation leaked in (a value kept from inside the "
            f"differentiated function); keep its .value instead ({PAGE})"
        )


PROCESS: dict[type[Op], Any] = {
    Add: Series._operate, Mul: Series._operate, Div: Series._operate,
    Row: lambda owner, op, args: rows.elementary(op.row, owner, args),
    Call: Series._called, Choose: Series._chosen, Gather: Series._gathered,
    Einsum: Series._contracted, Lookup: Series._looked_up,
    Loop: Series._looped,
}  # fmt: skip
