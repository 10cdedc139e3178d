"""Series: the arithmetic of truncated series over any algebra and any field of coefficients.

A series is a table of coefficients (see `algebra`), an algebra and a tag.  The tag says *which*
variables the series is in: series of one tag combine; of two tags, the one of the lower level is a
coefficient of the other.  Variables made by hand have level 0 (1 for a variable at a series, and so
on); every call of a driver has a fresh tag of its own below those, which is what keeps nested
derivatives apart (perturbation confusion).
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

import numpy as np

from taylor.core.algebra import (
    Algebra,
    Graded,
    Monomials,
    Univariate,
    differentiation,
    few_products,
)
from taylor.core.branches import at_zero, lowered
from taylor.core.conditions import Condition
from taylor.core.expand import of_row
from taylor.core.functions import cbrt, mod, power, real_power, sqrt
from taylor.core.instructions import (
    Add,
    Arithmetic,
    Call,
    Choose,
    Div,
    Einsum,
    Input,
    Instruction,
    Mul,
    Op,
    Parameter,
    Row,
    flat,
)
from taylor.core.maps import Gather, Map
from taylor.core.memory import (
    Family,
    Path,
    by_rows,
    in_memory,
    in_rows,
    positions,
    rows,
    same_memory,
    taken,
)
from taylor.core.operand import Operand, bind, fits, lift
from taylor.core.powers import integer_power, integer_valued, raised
from taylor.core.program import Program
from taylor.core.rules import tangent_of
from taylor.core.singular import checked, is_zero, leading, like_numbers, local_series, no_expansion
from taylor.core.sweep import Sweep
from taylor.core.table import Elementary, Rule
from taylor.core.tables import contract, free_letter, nonzero, pad
from taylor.core.tags import Tag, fresh_tag, user_tag
from taylor.core.tape import Node, as_data
from taylor.errors import (
    AlgebraMismatch,
    DomainError,
    ForeignNodeError,
    OrderMismatch,
    PoleError,
    ShapeMismatch,
)
from taylor.machine import engine
from taylor.numbers.contexts import is_interval, is_set, members
from taylor.numbers.formulas import Constant
from taylor.numbers.kinds import Kind, base, is_operand
from taylor.numbers.policy import current_policy, policy
from taylor.numbers.values import as_array, constant, decided, divisible, joined, together, zeros
from taylor.series import text
from taylor.series.wide import mended

Array = Any
UNKNOWN = math.inf
FLOAT, REALS = np.dtype(float), (float, int)
FIRST, SECOND, BOTH = (True,), (False, True), (True, True)  # which operands are tables
SIMPLE = frozenset((int, slice, type(Ellipsis), type(None)))  # indices that make views
LANES_TIMES_DEGREES = 1 << 16  # a tile of lanes whose tables stay in the cache


def level_over(x: Any) -> Tag:
    """Return the tag of a variable made by hand at the value x."""
    return user_tag(max(x.tag.level, -1) + 1 if isinstance(x, Series) else 0)


class Series(Operand):
    """A truncated series with the operators of numbers and the protocols of NumPy arrays."""

    __slots__ = ("_coef", "_place", "_reach", "algebra", "tag")
    _coef: Array
    _place: tuple[Family, Path | None] | None  # what shares the table, once a view was made
    _reach: float  # the degree of the polynomial it is; UNKNOWN if more terms may be missing
    algebra: Algebra
    tag: Tag

    @classmethod
    def _make(cls, coef: Array, algebra: Algebra, tag: Tag, reach: float = UNKNOWN) -> Self:
        self = object.__new__(cls)
        self._coef = coef
        self.algebra = algebra
        self.tag = tag
        self._place = None
        self._reach = reach
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (self._make, (self._coef, self.algebra, self.tag, self._reach))

    def _new(self, coef: Array, algebra: Algebra | None = None, reach: float = UNKNOWN) -> Self:
        return self._make(coef, self.algebra if algebra is None else algebra, self.tag, reach)

    @classmethod
    def _variables(cls, values: Sequence[Any], algebra: Any) -> tuple[Self, ...]:
        """Return the variables values[i] + (variable i of the algebra), all of one tag."""
        lifted = [lift(v) for v in values]
        plain = joined([as_array(v) for v in lifted if not is_operand(v)])
        tag = max((level_over(v) for v in lifted), key=lambda t: t.level, default=user_tag(0))
        out = []
        for i, v in enumerate(lifted):
            head = v if is_operand(v) else plain.pop(0)
            table = zeros((algebra.size, *head.shape), head)
            table[0] = head if is_operand(head) else head[()]
            if algebra.order:
                table[1 + i] = Kind.of(head).one
            out.append(cls._make(table, algebra, tag, 1))
        return tuple(out)

    # -------------------------------------------------------------- what a series is
    @property
    def coef(self) -> Array:
        """The table of Taylor coefficients c_α (never factorial-scaled), by degree; read-only."""
        if is_operand(self._coef):
            return self._coef.copy()
        view = self._coef.view()
        view.flags.writeable = False
        return view

    @property
    def order(self) -> int:
        """The highest degree kept."""
        return self.algebra.order

    @property
    def value(self) -> Any:
        """The coefficient of degree 0: the plain value."""
        head = self._coef[0]
        return head.copy("K") if isinstance(head, np.ndarray) or is_operand(head) else head

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array whose elements carry series."""
        return tuple(self._coef.shape[1:])

    @property
    def dtype(self) -> Any:
        """Type of the coefficients."""
        return self._coef.dtype

    @property
    def active(self) -> bool:
        """Whether some coefficient above degree 0 is not zero."""
        return bool(nonzero(self._coef[1:]).any())

    def copy(self, order: Any = "C") -> Self:
        """Return a copy that shares nothing, its axes in that order in memory."""
        if order == "C":
            return self._new(self._coef.copy(), reach=self._reach)
        found: Self = super().copy(order)
        return found

    def astype(self, dtype: Any, order: Any = "K", copy: bool = True) -> Self:
        """Return the series with its coefficients converted, for example to np.float32.

        With copy=False a series of that type is returned itself.
        """
        if np.dtype(dtype).kind not in "fcO":
            raise TypeError(
                f"a series has float, complex or object coefficients, not {np.dtype(dtype)}"
            )
        if self.dtype.kind == "c" and np.dtype(dtype).kind == "f":
            raise TypeError("complex coefficients do not fit a real series")
        if not copy and self.dtype == np.dtype(dtype):
            return self
        found = self._new(self._coef.astype(dtype), reach=self._reach)
        return found if order == "K" else found.copy(order)

    def __repr__(self) -> str:
        return text.plain(self)

    __str__ = __repr__

    def _repr_latex_(self) -> str:
        return text.latex(self)

    def __format__(self, spec: str) -> str:
        return text.plain(self, spec) if spec else repr(self)

    # -------------------------------------------------------------- conversions
    def _inactive(self, what: str) -> Any:
        if self.active:
            raise TypeError(
                f"{what} of a {type(self).__name__} would drop its derivatives; use .value for "
                f"the plain "
                "value (in a recorded or differentiated function use numpy or taylor functions, "
                "and make arrays to be filled with np.zeros_like(x))"
            )
        return self.value

    def __float__(self) -> float:
        return float(self._inactive("float()"))

    def __int__(self) -> int:
        return int(self._inactive("int()"))

    def __complex__(self) -> complex:
        return complex(self._inactive("complex()"))

    def __index__(self) -> int:
        return operator.index(self._inactive("an index made"))

    def _truth(self) -> Any:
        """Return where the series is other than zero: x != 0."""
        return self != 0

    def __bool__(self) -> bool:
        return bool(self._truth())

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        if dtype is not None and np.dtype(dtype) != object:
            return np.asarray(self._inactive("an array of numbers"), dtype=dtype)
        out = np.empty(self.shape, dtype=object)
        for i in np.ndindex(*self.shape):
            out[i] = self[i] if i else self
        out.flags.writeable = bool(copy)  # what is written there would not be seen here
        return out

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        kinds = [type(i) for i in parts]
        if SIMPLE.issuperset(kinds):
            numbers, axes = kinds.count(int), self._coef.ndim - 1
            if numbers + kinds.count(slice) > axes:
                raise IndexError(
                    f"too many indices for a {type(self).__name__} of shape {self.shape}"
                )
            where = (slice(None), *parts)
            if numbers == len(parts) == axes:
                return self._new(self._coef[where].copy(), reach=self._reach)
            whole = self._shared()
            return whole._view(whole._coef[where], lambda t: t[where])
        return super().__getitem__(index)

    # -------------------------------------------------------------- shared memory
    def _memory(self) -> Any:
        return None if self._place is None else self._place[0]

    def _shared(self) -> Self:
        """Return the array that views are made of: this one, or a copy of what is a number.

        Its memory begins here, its rows laid out as a result has them in NumPy.
        """
        if self._place is not None:
            return self
        number = self._coef.ndim == 1
        nested = is_operand(self._coef)
        table = self._coef.copy("K") if number or nested else by_rows(self._coef)
        whole = self._new(table, reach=self._reach) if number else self
        whole._coef = table
        whole._place = Family(whole), None
        return whole

    def _view(self, table: Array, step: Callable[[Any], Any]) -> Self:
        """Return the view whose table is step(table of this series)."""
        assert self._place is not None
        family, path = self._place
        view = self._new(table, reach=self._reach)
        view._place = family, (step, path)
        family.add(view, (step, path))
        return view

    def _viewed(self, f: Callable[..., Any]) -> Any:
        whole = self._shared()
        moved = rows(f, whole._coef)
        if isinstance(moved, (list, tuple)):
            return type(moved)(
                whole._seen(part, functools.partial(_nth, f, n)) for n, part in enumerate(moved)
            )
        return whole._seen(moved, lambda t: rows(f, t))

    def _seen(self, table: Array, step: Callable[[Any], Any]) -> Self:
        if same_memory(table, self._coef):
            return self._view(table, step)
        return self._new(table, reach=self._reach)

    def _unchanged(self, copy: Series) -> bool:
        """Whether nothing was written here since that copy was made."""
        x, y = self._coef, copy._coef
        if is_operand(x) or is_operand(y):
            return is_operand(x) and is_operand(y) and bool(x._unchanged(y))
        if x.dtype == object:
            return all(a is b for a, b in zip(x.reshape(-1), y.reshape(-1), strict=True))
        return bool(x.dtype == y.dtype) and x.tobytes() == y.tobytes()

    # -------------------------------------------------------------- two operands
    def _check(self, other: Series) -> None:
        """Raise unless the other series, of the same tag, is of the same algebra."""
        a, b = self.algebra, other.algebra
        if a == b:
            return
        names = f"{self._describe()} and {other._describe()}"
        same_kind = type(self) is type(other) and type(a) is type(b)
        if same_kind and a.variables == b.variables:
            low = min(a.order, b.order)
            raise OrderMismatch(
                f"{names} differ in order; use .truncate({low}) on one, or "
                f".extend({max(a.order, b.order)}) "
                "where the missing coefficients are known to be zero"
            )
        raise AlgebraMismatch(
            f"{names} are series of different algebras; make all variables in one call, or nest: "
            f"take "
            "the derivative of a derivative with the drivers"
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
        inside = f"{count}order {a.order}"
        return f"{type(self).__name__} ({inside})"

    def _pair(self, x: Any, y: Any) -> tuple[Self, Any, Any, bool, bool]:
        """Return the owner of an operation on x and y, its operands, and which are tables."""
        x, y = lift(x), lift(y)
        owner: Any = None
        for z in (x, y):
            if isinstance(z, Series) and (owner is None or z.tag.level > owner.tag.level):
                owner = z
        operands: list[Any] = []
        tables: list[bool] = []
        for z in (x, y):
            if isinstance(z, Series) and z.tag is owner.tag:
                if z is not owner:
                    owner._check(z)
                operands.append(z._coef)
            else:
                if is_operand(z):
                    _check_alive(z, owner)
                operands.append(_plain(z))
            tables.append(isinstance(z, Series) and z.tag is owner.tag)
        return owner, operands[0], operands[1], tables[0], tables[1]

    def _aligned(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return two operands of one element-wise operation with matching numbers and axes."""
        if not (is_operand(x) or is_operand(y)):
            x, y = together(x, y)
        n = max(x.ndim, y.ndim) - 1
        try:
            np.broadcast_shapes(x.shape[1:], y.shape[1:])
        except ValueError:
            raise ShapeMismatch(
                f"shapes {tuple(x.shape[1:])} and {tuple(y.shape[1:])} do not fit"
            ) from None
        return pad(x, n), pad(y, n)

    def _scalar(self, table: Any, c: Any) -> tuple[Any, Any]:
        """Return a table and a plain constant as they can be combined."""
        if type(c) in (int, float, complex) and (is_operand(table) or table.dtype != object):
            return table, c
        if is_operand(c) or is_operand(table):
            n = np.ndim(c)
            return pad(table, n), c
        if not isinstance(c, (np.ndarray, np.generic)):
            c = constant(c, table)
            if type(c) is float and table.dtype != object:
                return table, c
        array = c if isinstance(c, np.ndarray) else as_array(c)
        table, array = together(table, array)
        try:
            np.broadcast_shapes(table.shape[1:], array.shape)
        except ValueError:
            raise ShapeMismatch(f"shapes {table.shape[1:]} and {array.shape} do not fit") from None
        return pad(table, array.ndim), array[()]

    def _is_floats(self) -> bool:
        """Whether the coefficients are float64, so that a real number needs no conversion."""
        x = self._coef
        return type(x) is np.ndarray and x.dtype is FLOAT

    def _alike(self, other: Any) -> bool:
        """Whether x is a series in the same variables, of the same type of float."""
        if type(other) is not type(self) or other.tag is not self.tag:
            return False
        x, y = self._coef, other._coef
        if not (type(x) is np.ndarray is type(y) and x.dtype == y.dtype and x.dtype != object):
            return False
        return self.algebra is other.algebra or self.algebra == other.algebra

    def _hosts(self, other: Operand) -> bool:
        if isinstance(other, Node):
            return not (self.tag.closed or other.tape.holds(self))
        assert isinstance(other, Series)
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

    def __add__(self, other: Any) -> Any:
        if type(other) in REALS and self._is_floats():
            table = self._coef.copy("K")
            with np.errstate(all="ignore"):
                table[0] += other
            return self._new(table, reach=self._reach)
        if self._alike(other) and self._coef.shape == other._coef.shape:
            with np.errstate(all="ignore"):
                table = in_rows(self._coef + other._coef, (self._coef, other._coef))
            return self._new(table, reach=max(self._reach, other._reach))
        if self._refuses(other):
            return NotImplemented
        owner, x, y, tx, ty = self._pair(self, other)
        reach = max(_reach_in(owner, self), _reach_in(owner, other))
        if tx and ty:
            x, y = owner._aligned(x, y)
            with np.errstate(all="ignore"):
                return owner._new(in_rows(x + y, (x, y)), reach=reach)
        table, c = owner._scalar(*((x, y) if tx else (y, x)))
        if type(c) in (int, float) and not is_operand(table) and table.dtype != object:
            new = table.copy("K")
            with np.errstate(all="ignore"):
                new[0] += c
            return owner._new(new, reach=reach)
        with np.errstate(all="ignore"):
            head = table[:1] + c
        shape = (table.shape[0] - 1, *head.shape[1:])
        tail = table[1:] if table.shape[1:] == head.shape[1:] else np.broadcast_to(table[1:], shape)
        tail = tail + 0 * head if is_operand(head) else tail
        return owner._new(in_rows(np.concatenate([head, tail]), [table], [c]), reach=reach)

    __radd__ = __add__

    def __neg__(self) -> Self:
        return self._new(-self._coef, reach=self._reach)

    def __sub__(self, other: Any) -> Any:
        if self._alike(other) and self._coef.shape == other._coef.shape:
            with np.errstate(all="ignore"):
                table = in_rows(self._coef - other._coef, (self._coef, other._coef))
            return self._new(table, reach=max(self._reach, other._reach))
        if isinstance(other, Series):
            return self + -other
        return NotImplemented if self._refuses(other) else self + _negative(other)

    def __rsub__(self, other: Any) -> Any:
        return NotImplemented if self._refuses(other) else -self + other

    def __mul__(self, other: Any) -> Any:
        if type(other) in REALS and self._is_floats():
            with np.errstate(all="ignore"):
                return self._new(self._coef * other, reach=self._reach if other else 0)
        if self._alike(other) and self._coef.shape == other._coef.shape:
            table = self._product(self._coef, other._coef)
            return self._new(table, reach=_degree(self.algebra, self._reach, other._reach))
        if self._refuses(other):
            return NotImplemented
        owner, x, y, tx, ty = self._pair(self, other)
        if tx and ty:
            x, y = owner._aligned(x, y)
            reach = _reach_of_product(owner, self, other)
            return owner._new(owner._product(x, y), reach=reach)
        reach = max(_reach_in(owner, self), _reach_in(owner, other))
        table, c = owner._scalar(*((x, y) if tx else (y, x)))
        if type(c) in (int, float, np.float64) and c == 0:
            reach = 0
        with np.errstate(all="ignore"):
            return owner._new(in_rows(table * c, [table], [c]), reach=reach)

    __rmul__ = __mul__

    def _product(self, x: Array, y: Array) -> Array:
        """Return the table of the product of two tables of as many axes."""
        if x.ndim == 1 and type(self.algebra) is Univariate:
            return self.algebra.product(x, y)
        table = None
        if x.ndim > 1 and not few_products(self.algebra, x, y):
            table = _by_code("mul", BOTH, self.algebra, [x, y])
        if table is None:
            return in_rows(_quietly(self.algebra.product, x, y), (x, y))
        table[0] = x[0] * y[0]  # NumPy's own rounding
        return table

    def __truediv__(self, other: Any) -> Any:
        if type(other) in REALS and other and self._is_floats():
            with np.errstate(all="ignore"):
                return self._new(self._coef / other, reach=self._reach)
        if type(other) is type(self) and other.tag is self.tag and self.algebra == other.algebra:
            table = _by_code("div", BOTH, self.algebra, [self._coef, other._coef])
            if table is not None:
                return self._new(table)
        return NotImplemented if self._refuses(other) else self._divide(self, other)

    def __pow__(self, r: Any, mod: Any = None) -> Any:
        if mod is None and self._is_floats():
            if type(r) is int and r > 1:
                y = integer_power(self, r)
                if np.isfinite(y._coef).all():
                    y._coef[0] = self._coef[0] ** r
                    return y
            elif type(r) is float and r % 1 and np.all(self._coef[0] > 0):
                table = _by_code(real_power, (True, False), self.algebra, [self._coef, r])
                if table is not None:
                    table[0] = real_power.numpy(self._coef[0], r)
                    return self._new(table)
        return super().__pow__(r, mod)

    def __rtruediv__(self, other: Any) -> Any:
        if type(other) in (float, int, complex):
            table = _by_code("div", SECOND, self.algebra, [other, self._coef])
            if table is not None:
                return self._new(table)
        return NotImplemented if self._refuses(other) else self._divide(other, self)

    def _divide(self, a: Any, b: Any) -> Any:
        owner, x, y, tx, ty = self._pair(a, b)
        if not ty:
            table, c = owner._scalar(x, y)
            if not is_operand(c) and np.ndim(c) == 0 and is_zero(c) and not owner._propagates():
                raise PoleError(f"division of a {type(owner).__name__} by the number zero")
            if not (is_operand(table) or is_operand(c)):
                table = divisible(table, np.asarray(c))
                c = c if np.ndim(c) == 0 else together(table, c)[1]
            with np.errstate(all="ignore"):
                return owner._new(table / c, reach=owner._reach)
        if tx:
            x, y = owner._aligned(divisible(x, y), divisible(y, x))
            if y.ndim == 1 and is_zero(base(y[0])):
                if isinstance(owner.algebra, Univariate):
                    return owner._cancel(x, y)
                if not owner._propagates():
                    raise PoleError(
                        f"division by a series whose value is zero: {base(x[0])}/{base(y[0])}"
                    )
            return owner._sweep(engine.QUOTIENTS[BOTH], [x, y], [])
        y = divisible(y) if is_operand(x) else divisible(y, np.asarray(x))
        y, c = owner._scalar(y, x)
        constant_zero = not owner.algebra.height(y) and np.ndim(base(y[0])) == 0
        if constant_zero and is_zero(base(y[0])) and not owner._propagates():
            raise PoleError("division by a series whose value is zero")
        table = _by_code("div", SECOND, owner.algebra, [c, y])
        if table is not None:
            return owner._new(table)
        return owner._sweep(engine.QUOTIENTS[SECOND], [y], [c])

    def _propagates(self) -> bool:
        return current_policy().singular == "propagate"

    def _cancel(self, x: Array, y: Array) -> Any:
        """Return x/y where y starts at degree v > 0: t^v cancels and v degrees are lost."""
        ux, uy = np.flatnonzero(nonzero(x)), np.flatnonzero(nonzero(y))
        v = int(uy[0]) if len(uy) else self.order + 1
        if v == 0 or (len(ux) and ux[0] < v) or v > self.order:
            if self._propagates():
                return self._new(x / y[0])
            raise PoleError(
                f"division by a series whose value is zero: the numerator starts at degree "
                f"{int(ux[0]) if len(ux) else self.order + 1}, the divisor at degree {v} of order "
                f"{self.order}"
            )
        lower = Univariate(self.order - v)
        quotient = self._new(x[v:], lower)._divide(self._new(x[v:], lower), self._new(y[v:], lower))
        return self._declared(quotient._coef)

    def _sweep(self, program: Any, tables: list[Array], parameters: list[Any]) -> Self:
        """Return the single output of a program of element-wise rules, tile by tile of lanes."""
        shape = np.broadcast_shapes(
            *(t.shape[1:] for t in tables), *(np.shape(c) for c in parameters)
        )
        lanes = int(np.prod(shape, dtype=int))
        tile = max(64, LANES_TIMES_DEGREES // self.algebra.size)
        if lanes <= tile or any(is_operand(t) for t in (*tables, *parameters)):
            n = len(shape)
            padded = [pad(t, n) for t in tables]
            sweep = Sweep(program, self.algebra, padded, parameters)
            sweep.run()
            y = sweep.result(program.outputs[0])
            y = mended(program, self.algebra, padded, parameters, y)
            return self._new(in_rows(y, padded, parameters))
        flat = [np.broadcast_to(pad(t, len(shape)), (t.shape[0], *shape)) for t in tables]
        flat = [t.reshape(t.shape[0], lanes) for t in flat]
        given = [np.broadcast_to(c, shape).reshape(lanes) if np.ndim(c) else c for c in parameters]
        out: Array = None
        for start in range(0, lanes, tile):
            cut = slice(start, start + tile)
            part = self._sweep(
                program, [t[:, cut] for t in flat], [c[cut] if np.ndim(c) else c for c in given]
            )._coef
            if out is None:
                out = np.empty((self.algebra.size, lanes), dtype=part.dtype)
            elif part.dtype != out.dtype:
                out = out.astype(np.result_type(out, part))
            out[:, cut] = part
        out = out.reshape(self.algebra.size, *shape)
        return self._new(in_rows(out, tables, parameters))

    # -------------------------------------------------------------- elementary functions
    def _elementary(self, row: Elementary, args: Sequence[Any]) -> Any:
        if len(args) == 1:
            table = _by_code(row, FIRST, self.algebra, [self._coef])
            if table is not None:
                head = self._coef[0]
                table[0] = row.numpy(head if self._is_floats() else head + 0)  # above branch cuts
                return self._new(table, reach=0 if self._reach == 0 else UNKNOWN)
        return bind(Row(row), *args)

    def _function(self, op: Row, args: Sequence[Any]) -> Any:
        owner, row, mine = self, op.row, self._mine(args)
        for x in args:
            if not is_operand(x) and x is not None:
                _plain(x)
        values = [x.value if inside else x for x, inside in zip(args, mine, strict=True)]
        if owner.order == 0 or not any(x.active for x, m in zip(args, mine, strict=True) if m):
            y = owner._constant(checked(row, values, current_policy().singular))
            whole = all(x._reach <= owner.order for x, m in zip(args, mine, strict=True) if m)
            if row is power and mine[0] and not (owner.order == 0 or whole):
                return owner._power(*args[1:])
            if row is mod and row.compose is not None and not (owner.order == 0 or whole):
                return row.compose(*args)
            ends = row.germ is not None or row.jumps is not None
            return owner._cut(y, row, mine, values) if ends and not whole else y
        if row.compose is not None:
            if row is power and owner is args[0]:
                result = owner._power(*args[1:])
            else:
                result = row.compose(*args)
            if (
                isinstance(result, Series)
                and result.tag is owner.tag
                and all(x is not None for x in args)
            ):
                result = result._with_value(_quietly(row, *values))
            return result
        if row is real_power or row is sqrt or row is cbrt:
            special = owner._at_zero(row, tuple(args))
            if special is not None:
                return special
        given = [x._coef if m else x for x, m in zip(args, mine, strict=True)]
        table = _by_code(row, tuple(mine), owner.algebra, given) if len(args) > 1 else None
        if table is not None:
            table[0] = checked(row, values, current_policy().singular)
            return owner._new(table, reach=_reach_of(row, args))
        inputs = list(together(*(divisible(x._coef) for x, m in zip(args, mine, strict=True) if m)))
        parameters = [x for x, m in zip(args, mine, strict=True) if not m]
        try:
            exact = Kind.of(inputs[0]).exact
            result = owner._sweep(of_row(row, tuple(mine), exact), inputs, parameters)
        except DomainError:
            if row.jumps is not None:
                raise
            raise no_expansion(row, values) from None
        if row is real_power and not mine[1]:
            result._lanes_at_zero(args[0], args[1])
        result = owner._new(result._coef, reach=_reach_of(row, args))
        if result.shape and (row.germ is not None or row.jumps is not None):
            result._cut_lanes(row, args, mine, values)
        return result

    def _power(self, r: Any) -> Any:
        """Return self**r; by a·y' = r·y·a' where products leave the range of floats."""
        lost: PoleError | None = None
        result: Any = None
        try:
            result = raised(self, r)
        except PoleError as error:
            lost = error
        x = self._coef
        plain = not is_operand(x) and x.dtype.kind in "fc" and not is_operand(r) and np.ndim(r) == 0
        if plain and integer_valued(r):
            with np.errstate(all="ignore"):
                total = math.nan if lost is not None else np.add.reduce(result._coef, axis=None)
            if not np.isfinite(total) and np.all(x[0]) and np.isfinite(x).all():
                return self._sweep(of_row(real_power, (True, False)), [x], [float(r)])
        if lost is not None:
            raise lost
        return result

    def _called(self, op: Call, args: Sequence[Any]) -> Any:
        owner, rule, mine = self, op.rule, self._mine(args)
        if rule.step is not None:
            return owner._by_step(rule.step, args, mine)
        if rule.jvp is None and rule.vjp is None:
            return rule.value(*args)
        if not any(x.active for x, m in zip(args, mine, strict=True) if m):
            y = rule(*(x.value if m else x for x, m in zip(args, mine, strict=True)))
            constants = [owner._constant(z) for z in (y if isinstance(y, tuple) else [y])]
            return tuple(constants) if isinstance(y, tuple) else constants[0]
        if owner.tag.kept is None:
            return owner._by_tangent(rule, args, mine)
        call, table = owner._along(rule, args, mine)
        return call.split(owner._new(table))

    def _by_step(self, rule: Callable[..., Any], args: Sequence[Any], mine: list[bool]) -> Any:
        """Return the results of a function with a degree-wise rule."""
        tables = [x._coef if m else _plain(x) for x, m in zip(args, mine, strict=True)]
        y: list[Any] = []
        step = rule(self.algebra, tables, mine, y)
        for k in range(self.order + 1):
            parts = step(k)
            if k == 0:
                y.extend(self._constant(head)._coef for head in parts)
                continue
            for table, new in zip(y, parts, strict=True):
                if new is not None:
                    table[self.algebra.part(k)] = new
        return self._new(y[0]) if len(y) == 1 else tuple(self._new(table) for table in y)

    def _by_tangent(self, rule: Rule, args: Sequence[Any], mine: list[bool]) -> Any:
        """Return the results of a function of which the tangent is known: see `_along`.

        They are found in variables of their own, which the rule meets in its arguments only.
        """
        tag = fresh_tag()
        tag.kept, tag.source = [], self.tag
        given = [
            Series._make(x._coef, self.algebra, tag) if m else x
            for x, m in zip(args, mine, strict=True)
        ]
        owner = next(x for x, m in zip(given, mine, strict=True) if m)
        try:
            call, y = owner._along(rule, given, mine)
        finally:
            tag.closed, tag.kept = True, None
        return call.split(self._new(y))

    def _along(self, rule: Rule, x: Sequence[Any], mine: list[bool]) -> tuple[Call, Any]:
        """Return the table of y, by ∂_i y = f'(x)·∂_i x, and how to take it apart.

        Degree k needs the arguments below k only, so that a rule whose tangent uses the rule itself
        comes to an end: at order 0 with the plain function.  What is known of it stays with the tag
        while the outermost one is computed: the next degree of y asks for all those before it, too.
        """
        kept = self.tag.kept
        assert kept is not None
        entry = next((e for e in kept if e.rule is rule and _agree(e.args, x, mine)), None)
        if entry is None:
            head = rule(*(v.value if m else v for v, m in zip(x, mine, strict=True)))
            shapes = tuple(np.shape(z) for z in head) if isinstance(head, tuple) else None
            y = self._constant(as_data(self._checked(flat(head), rule), self._coef))._coef[:1]
            entry = _Known(rule, x, Call(rule, shapes), y, 0)
            kept.append(entry)
        elif self.order > entry.order:
            entry.args = x
        while entry.order < self.order:
            k = entry.order + 1
            lower = self.algebra.truncated(k - 1)
            at = [v._in(lower, v._coef) if m else v for v, m in zip(x, mine, strict=True)]
            known, parts, places = self._in(lower, entry.y), [], []
            for i in range(lower.variables):
                rows, source, weights = differentiation(self.algebra, lower, i)
                speed = [
                    v._in(lower, _derived(v._coef, rows, source, weights, lower.size))
                    if m else None
                    for v, m in zip(x, mine, strict=True)
                ]  # fmt: skip
                dy = self._checked(tangent_of(entry.call, at, known, speed), rule)
                top = lower.degrees[rows] == k - 1
                new = _coefficients(dy, self.tag, rows[top], entry.y)
                scale = weights[top].reshape((-1,) + (1,) * (new.ndim - 1))
                parts.append(new / like_numbers(scale, new))
                places.append(source[top])
            entry.y = _extended(entry.y, parts, np.concatenate(places))
            entry.order = k
        return entry.call, entry.y[: self.algebra.size]

    def _checked(self, y: Any, rule: Rule) -> Any:
        """Return what a rule gave in s; raise if it is a series in the variables behind s."""
        if is_operand(y) and y.tag is self.tag.source:
            raise ForeignNodeError(
                f"the rule {rule.name!r} reads a series that is not among its arguments; pass it"
            )
        return y

    def _in(self, algebra: Any, table: Any) -> Any:
        """Return the series of a table in a lower algebra; a series of order 0 is its value."""
        return self._new(table[: algebra.size], algebra) if algebra.order else table[0]

    def _declared(self, table: Array) -> Self:
        """Return the series of a table that ends below the order.

        By hand its order is lower; in a driver the missing coefficients are nan, and the driver
        goes on at a higher order.
        """
        missing = self.algebra.size - len(table)
        if missing <= 0:
            return self._new(table[: self.algebra.size])
        known = int(self.algebra.degrees[len(table) - 1])
        if self.tag.level >= 0:
            return self._new(table, lowered(self.algebra, known))
        self.tag.short = True
        unknown = np.concatenate([table[:1] * math.nan] * missing)
        return self._new(np.concatenate([table, unknown]))

    def _cut(self, y: Self, row: Elementary, mine: Sequence[bool], values: Sequence[Any]) -> Self:
        """Return a row of arguments that vary above the order only, of value y, as far as known.

        With a - a_0 = O(t^(K+1)) and f(a) - f(a_0) ~ (a - a_0)^g that is below degree (K+1)g.
        """
        known = self._degree_known(row, values)
        singular = known < self.order and _singular_at(row, mine, values)
        if not np.any(singular):
            return y
        part = self.algebra.degrees <= known
        if not y.shape:
            return self._declared(y._coef[part])
        y._coef[np.ix_(~part, *(range(n) for n in y.shape))] = np.where(
            singular, math.nan, y._coef[~part]
        )
        self.tag.short = self.tag.short or self.tag.level < 0
        return self._new(y._coef)

    def _degree_known(self, row: Elementary, values: Sequence[Any]) -> int:
        germ = row.germ
        if row is real_power:
            r = base(values[1])
            germ = Fraction(float(r)) if np.ndim(r) == 0 and not np.iscomplexobj(r) else germ
        return max(math.ceil((self.order + 1) * germ) - 1, 0) if germ else 0

    def _cut_lanes(
        self, row: Elementary, args: Sequence[Any], mine: Sequence[bool], values: Sequence[Any]
    ) -> None:
        """Set what is not known in the lanes whose arguments vary above the order only."""
        inside = [x for x, m in zip(args, mine, strict=True) if m]
        if all(x._reach <= self.order for x in inside) or is_operand(self._coef):
            return
        still = np.ones((), dtype=bool)
        for x in inside:
            still = still & ~nonzero(x._coef[1:]).any(0)
        if not still.any():
            return
        lanes = np.broadcast_to(still & _singular_at(row, mine, values), self.shape)
        above = self.algebra.degrees > self._degree_known(row, values)
        if lanes.any() and above.any():
            degrees = above.reshape((-1,) + (1,) * self.ndim)
            self._coef[degrees & lanes] = math.nan
            self.tag.short = self.tag.short or self.tag.level < 0

    def _at_zero(self, row: Elementary, args: tuple[Any, ...]) -> Any:
        """Return a root or real power of a scalar series whose value is zero, where it exists."""
        a = args[0]
        if not isinstance(a, Series) or a.tag is not self.tag or a.shape or is_operand(a._coef):
            return None
        if is_interval(a._coef[0]) or not is_zero(a._coef[0]) or self._propagates():
            return None
        r: Any = args[1] if row is real_power else row.germ
        if isinstance(r, Series) or np.ndim(r) or isinstance(r, complex):
            return None
        if r < 0:
            raise PoleError(f"a series with value zero to the power {r}: a pole")
        table = at_zero(row, a, Fraction(r))
        return None if table is None else self._declared(table)

    def _lanes_at_zero(self, a: Series, r: Any) -> None:
        """Set the coefficients of x**r that exist (zeros up to degree r) in lanes with x = 0."""
        if not a.shape or is_operand(a._coef) or is_operand(r) or np.iscomplexobj(r):
            return
        zero = np.broadcast_to(base(a._coef[0]) == 0, self.shape)
        degrees = self.algebra.degrees.reshape((-1,) + (1,) * self.ndim)
        self._coef[zero & (degrees > 0) & (degrees <= r)] = 0

    def _without(self, k: Any, i: int | None) -> Any:
        """Return a constant of integration, which must not depend on the variable (number i)."""
        if not (isinstance(k, Series) and k.tag is self.tag):
            return k
        rows: Any = slice(1, None)
        if i is not None and isinstance(k.algebra, Monomials):
            rows = k.algebra.exponents[:, i] > 0
        if nonzero(k._coef[rows]).any():
            raise ValueError(
                "the constant of integration depends on the variable of integration; its "
                "derivative would be added to the integrand"
            )
        return k.value if i is None else k

    def _with_value(self, value: Any) -> Self:
        """Return the series with its coefficient of degree 0 replaced by the plain function's."""
        coef = self._coef.copy("K")
        if is_operand(coef) or coef.dtype == object or np.asarray(value).dtype != object:
            coef[0] = (
                np.broadcast_to(value, self.shape)
                if self.shape and not is_operand(value)
                else value
            )
        return self._new(coef)

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

    def _nonzero(self) -> Array:
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
        with np.errstate(all="ignore"):
            return self._new(op.moved((self._coef,), 1), reach=self._reach)

    def _gathered(self, op: Gather, sources: Sequence[Any]) -> Self:
        owner, index = self, op.index
        if len(sources) == 1:
            return self._new(taken(self._coef, index), reach=self._reach)
        joined: list[Any] = []
        reach = 0.0
        for x in sources:
            if not (isinstance(x, Series) and x.tag is owner.tag):
                if is_operand(x):
                    _check_alive(x, owner)
                x = owner._constant(_weak(_plain(x), owner._coef))
            owner._check(x)
            reach = max(reach, x._reach)
            joined.append(x._coef.reshape((x._coef.shape[0], -1)))
        return owner._new(taken(np.concatenate(together(*joined), axis=1), index), reach=reach)

    def _contracted(self, op: Einsum, args: Sequence[Any]) -> Any:
        with np.errstate(all="ignore"):
            return self._contract(op.spec, *args)

    def _contract(self, spec: str, x: Any, y: Any) -> Any:
        reach = _reach_of_product(self, x, y)
        owner, x, y, tx, ty = self._pair(x, y)
        if tx and ty:
            if not (is_operand(x) or is_operand(y)):
                x, y = together(x, y)
            return owner._new(in_rows(owner.algebra.bilinear(spec, x, y)), reach=reach)
        terms, out = spec.split("->")
        a, b = terms.split(",")
        if not tx:
            x, y, a, b = y, x, b, a
        if not (is_operand(x) or is_operand(y)):
            x, y = together(x, np.asarray(y))
        z = free_letter(spec)
        return owner._new(in_rows(contract(f"{z}{a},{b}->{z}{out}", x, y)), reach=reach)

    def _chosen(self, op: Choose, args: Sequence[Any]) -> Any:
        mine, mode = tuple(self._mine(args)), op.mode
        inputs = [x._coef for x, m in zip(args, mine, strict=True) if m]
        if mode == "kink" and any(np.iscomplexobj(base(x)) for x in args):
            raise TypeError(
                "abs, maximum and their kin are not holomorphic: a complex series has no Taylor "
                "series "
                "of them; work with real and imaginary parts as two real variables"
            )
        inputs = list(together(*inputs))
        parameters = [_plain(x) for x, m in zip(args, mine, strict=True) if not m]
        return self._sweep(_choice(mode, mine), inputs, parameters)

    def _compare(self, op: Any, other: Any) -> Any:
        other = lift(other)
        if self._refuses(other):
            return NotImplemented
        return decided(op, leading(self), leading(other) if is_operand(other) else _plain(other))

    def __eq__(self, other: Any) -> Any:
        if self._refuses(other):
            return NotImplemented
        owner, x, y, tx, ty = self._pair(self, other)
        if not tx or not ty:
            table, c = owner._scalar(*((x, y) if tx else (y, x)))
            same = np.all(~nonzero(table[1:]), axis=0) & np.asarray(table[0] == c, dtype=bool)
        else:
            x, y = owner._aligned(x, y)
            same = np.all(np.asarray(x == y, dtype=bool), axis=0)
        return bool(same) if np.ndim(same) == 0 else same

    def __ne__(self, other: Any) -> Any:
        same = self.__eq__(other)
        return same if same is NotImplemented else not same if isinstance(same, bool) else ~same

    __hash__ = None

    def _assign(self, index: Any, value: Any) -> None:
        value = lift(value)
        if self._refuses(value) or (isinstance(value, Series) and value._holds(self)):
            raise AlgebraMismatch(
                f"a value of an inner differentiation does not fit into a {self._describe()} of "
                "an outer one; make a new array, with np.stack or y = y + z"
            )
        _, _, y, _, inside = self._pair(self, value)
        table = y if inside else self._constant(y)._coef
        self._widen(_reach_in(self, value))
        self._make_room(table)
        parts = index if isinstance(index, tuple) else (index,)
        if any(isinstance(i, (list, np.ndarray, bool, np.bool_)) for i in parts):
            places = (positions(self.shape) - 1)[index]
            parts = np.unravel_index(places, self.shape)
        where = (slice(None), *parts)
        n = self._coef[where].ndim - 1
        lost = table.ndim - 1 - n
        if lost > 0 and set(table.shape[1 : 1 + lost]) == {1}:  # as NumPy, which drops them
            table = table.reshape((len(table), *table.shape[1 + lost :]))
        if not (is_operand(table) or is_operand(self._coef)):
            table, _ = together(table, self._coef)
        self._coef[where] = pad(table, n)

    def _widen(self, reach: float) -> None:
        """Note, for all that share the table, that a polynomial of that degree is written."""
        if self._place is None:
            self._reach = max(self._reach, reach)
        else:
            self._place[0].each(lambda x, _: setattr(x, "_reach", max(x._reach, reach)))

    def _holds(self, other: Series) -> bool:
        return self.tag.level > other.tag.level

    def _make_room(self, table: Array) -> None:
        """Convert the table, for all that share it, to numbers that those of another fit into."""
        coef = self._coef
        if is_operand(table):
            if is_operand(coef) and not table._hosts(coef):
                return
            self._convert(lambda t: table._zeros(t.shape) + t)
        elif not is_operand(coef):
            if table.dtype.kind == "c" and coef.dtype.kind == "f":
                raise TypeError(
                    "a complex value does not fit into a real series; make it complex first"
                )
            fits, _ = together(coef, table)
            if not is_operand(fits) and Kind.of(fits) != Kind.of(coef):
                self._convert(lambda t: together(t, table)[0])

    def _convert(self, f: Callable[[Any], Any]) -> None:
        if self._place is None:
            self._coef = f(self._coef)
        else:
            self._place[0].convert(f)


@dataclass
class _Known:
    """What is known of a rule at some arguments: the table y of its results up to an order."""

    rule: Rule
    args: Sequence[Any]
    call: Call
    y: Any
    order: int


def _agree(known: Sequence[Any], x: Sequence[Any], mine: Sequence[bool]) -> bool:
    """Whether arguments are the same as far as both are known."""
    for a, b, m in zip(known, x, mine, strict=True):
        if isinstance(a, Series) != m:
            return False
        n = min(len(a._coef), len(b._coef)) if m else 0
        if not (_identical(a._coef[:n], b._coef[:n]) if m else _identical(a, b)):
            return False
    return True


def _identical(a: Any, b: Any) -> bool:
    """Whether two tables hold the same numbers."""
    if isinstance(a, Series) and isinstance(b, Series):
        return a.tag is b.tag and a.algebra == b.algebra and _identical(a._coef, b._coef)
    if is_operand(a) or is_operand(b):
        return a is b
    return np.shape(a) == np.shape(b) and bool(np.all(np.asarray(a) == np.asarray(b)))


def _coefficients(y: Any, tag: Tag, rows: Array, like: Any) -> Any:
    """Return coefficients of y in the variables of the tag, in the shape of the rows of a table."""
    if isinstance(y, Series) and y.tag is tag:
        return y._coef[rows]
    if len(rows) == 1 and rows[0] == 0:
        y = y if is_operand(y) else as_array(y)
        return np.broadcast_to(np.reshape(y, (1, *np.shape(y))), (1, *like.shape[1:]))
    return np.concatenate([like[:1] * 0] * len(rows))


def _extended(table: Any, parts: Sequence[Any], places: Array) -> Any:
    """Return a table with the coefficients of the next degree, found in parts, at their places."""
    if not any(map(is_operand, (table, *parts))):
        table, *parts = joined([table, *parts])
    _, first = np.unique(places, return_index=True)
    return np.concatenate([table, np.concatenate(parts)[first]])


def _derived(table: Any, rows: Array, source: Array, weights: Array, size: int) -> Any:
    """Return the table of a partial derivative: see `differentiation`."""
    out = zeros((size, *table.shape[1:]), table)
    scale = weights.reshape((-1,) + (1,) * (table.ndim - 1))
    out[rows] = table[source] * like_numbers(scale, table)
    return out


def _singular_at(row: Elementary, mine: Sequence[bool], values: Sequence[Any]) -> Array:
    """Return, lane by lane, whether a row has no expansion at a point where it has a value."""
    plain = [np.asarray(base(v)) for v in values]
    if any(is_set(v) for v in plain):  # a set has none if one of its numbers has none
        chosen = zip(*(members(v) for v in plain), strict=True)
        return np.logical_or.reduce([_singular_at(row, mine, v) for v in chosen])
    plain = [v.astype(float) if v.dtype.kind not in "fc" else v for v in plain]
    shape = np.broadcast_shapes(*(v.shape for v in plain))
    heads = [v for v, m in zip(plain, mine, strict=True) if m]
    tables = [pad(np.stack([h, np.ones_like(h)]), len(shape)) for h in heads]
    given = [v[()] for v, m in zip(plain, mine, strict=True) if not m]
    with policy(singular="propagate"):
        sweep = Sweep(of_row(row, tuple(mine)), Univariate(1), tables, given)
        sweep.run()
    return np.broadcast_to(~np.isfinite(sweep.result(sweep.program.outputs[0])[1]), shape)


def _reach_in(owner: Series, x: Any) -> float:
    """Return the degree of an operand in the variables of a series."""
    if isinstance(x, Series):
        return x._reach if x.tag is owner.tag else 0
    held = isinstance(x, (list, tuple)) or (isinstance(x, np.ndarray) and x.dtype == object)
    return UNKNOWN if held else 0  # an array may hold series


def _reach_of(row: Elementary, args: Sequence[Any]) -> float:
    """Return the degree of f(a) as a polynomial: 0 for a constant a, and for a step of any a."""
    still = all(x._reach == 0 for x in args if isinstance(x, Series))
    return 0 if still or row.jumps is not None else UNKNOWN


def _by_code(
    row: Elementary | str, live: tuple[bool, ...], algebra: Any, given: Sequence[Any]
) -> Array | None:
    """Return the table of a row from the engine, laid out as NumPy's result is; or None."""
    found = engine.run(row, live, algebra, given)
    if found is None or found.ndim < 3:
        return found
    tables, arrays = (
        [x for x, m in zip(given, live, strict=True) if m is k] for k in (True, False)
    )
    return in_rows(found, tables, arrays)


def _reach_of_product(owner: Series, x: Any, y: Any) -> float:
    """Return the degree of a product in the variables of its owner; UNKNOWN if terms are lost."""
    return _degree(owner.algebra, _reach_in(owner, x), _reach_in(owner, y))


def _degree(algebra: Algebra, a: float, b: float) -> float:
    """Return the degree of a product of polynomials; UNKNOWN if terms are lost."""
    if isinstance(algebra, Graded) and algebra.name != "multivariate" and a and b:
        return UNKNOWN  # ε² is lost at any degree
    return a + b if a + b <= algebra.order else UNKNOWN


def _nth(f: Callable[..., Any], n: int, table: Any) -> Any:
    return rows(f, table)[n]


def _check_alive(x: Any, owner: Series) -> None:
    if x.tag.closed or owner.tag.closed:
        raise ForeignNodeError(
            "a perturbation of a finished differentiation leaked in (a value kept from inside the "
            "differentiated function); keep its .value instead"
        )


def _plain(x: Any) -> Any:
    """Return a plain number or array that can be combined with a table."""
    if is_operand(x) or type(x) in (int, float, complex, Constant):
        return x
    if isinstance(x, np.ndarray) and x.dtype.kind in "fc":
        return x
    if isinstance(x, np.generic) and x.dtype.kind in "fc":
        return x
    array = as_array(x)
    return array[()] if array.ndim == 0 else array


def _weak(x: Any, like: Array) -> Any:
    """Return a Python number in the precision of the table, as NumPy's promotion does."""
    if type(x) in (int, float) and not is_operand(like) and like.dtype.kind in "fc":
        return np.asarray(x, dtype=like.dtype)
    return x


def _negative(x: Any) -> Any:
    x = lift(x)
    return -x if is_operand(x) else -_plain(x)


def _quietly(f: Callable[..., Any], *args: Any) -> Any:
    """Return f(*args) without warnings: lanes propagate silently what NumPy's own function gave."""
    with np.errstate(all="ignore"):
        return f(*args)


PROCESS: dict[type[Op], Any] = {
    Add: Series._operate, Mul: Series._operate, Div: Series._operate, Row: Series._function,
    Call: Series._called, Choose: Series._chosen, Gather: Series._gathered,
    Einsum: Series._contracted,
}  # fmt: skip


@functools.cache
def _choice(mode: str, mine: tuple[bool, ...]) -> Program:
    """Return the program of one choice whose arguments marked in `mine` are series."""
    code: list[Instruction] = []
    inputs: list[int] = []
    for i, inside in enumerate(mine):
        if inside:
            code.append(Instruction(Input(len(inputs)), (), ()))
            inputs.append(i)
        else:
            code.append(Instruction(Parameter(i - len(inputs)), (), ()))
    code.append(Instruction(Choose(mode), (0, 1, 2, 3), ()))
    return Program(code, inputs, [4])


def formal_sqrt(x: Any) -> Any:
    """Return the formal square root of a univariate series: t**n·u even where sqrt is |t|**n·u.

    The leading degree v must be even and its coefficient positive; v/2 degrees are lost.

    >>> from taylor import Taylor
    >>> formal_sqrt(Taylor([0, 0, 4.0, 4.0, 1.0]))
    2 t + t² + O(t⁴)
    """
    if not isinstance(x, Series) or not isinstance(x.algebra, Univariate) or x.shape:
        raise TypeError("formal_sqrt needs one univariate series; use sqrt for numbers and arrays")
    used = np.flatnonzero(nonzero(x._coef))
    v = int(used[0]) if len(used) else 0
    if v % 2:
        raise DomainError(
            f"a series that starts at odd degree {v} has no square root in powers of t"
        )
    if v == 0:
        return sqrt(x)
    root = sqrt(x._new(x._coef[v:], Univariate(x.order - v)))
    zero = zeros((v // 2,), root._coef)
    return root._new(np.concatenate([zero, root._coef]), Univariate(x.order - v // 2))
