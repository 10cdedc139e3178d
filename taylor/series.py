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
from fractions import Fraction
from typing import Any, Self

import numpy as np

from taylor import text
from taylor.algebra import (
    Algebra,
    Univariate,
    contract,
    free_letter,
    nonzero,
    pad,
    trimmed_product,
)
from taylor.arrays import Operand, _fits, host, lift
from taylor.elementary import Elementary, Rule, real_power, sqrt
from taylor.errors import (
    AlgebraMismatch,
    DomainError,
    ForeignNodeError,
    NonAnalyticError,
    OrderMismatch,
    PoleError,
    ShapeMismatch,
)
from taylor.expand import of_row
from taylor.llvm import kernels, monomials
from taylor.memory import Family, Path, positions, rows, taken
from taylor.program import Program
from taylor.rules import call_tangent
from taylor.sweep import (
    Sweep,
    _like_numbers,
    checked,
    is_zero,
    leading,
    local_series,
    no_expansion,
    zeros,
)
from taylor.tags import Tag, user_tag
from taylor.tape import Call, Condition, Instruction, Node, flat, scatter
from taylor.values import (
    as_array,
    base,
    common_dtype,
    constant,
    current_policy,
    exact,
    is_operand,
    match,
)

Array = Any
FLOAT, COMPLEX = np.dtype(float), np.dtype(complex)
LANES_TIMES_DEGREES = 1 << 16  # a tile of lanes whose tables stay in the cache


def _level_over(x: Any) -> Tag:
    """Return the tag of a variable made by hand at the value x."""
    return user_tag(max(x.tag.level, -1) + 1 if isinstance(x, Series) else 0)


def _float(x: Array) -> Array:
    """Return a table of exact integers as floats; any other table as it is."""
    if not is_operand(x) and x.dtype == object and all(type(e) is int for e in x.reshape(-1)):
        return x.astype(float)
    return x


def _divisible(x: Array, *others: Array) -> Array:
    """Return a table whose quotients are right: integers as floats, beside Fractions as those."""
    if is_operand(x) or x.dtype != object or not exact(x):
        return x
    tables = [t for t in (x, *others) if not is_operand(t) and t.dtype == object]
    if not any(isinstance(e, Fraction) for t in tables for e in t.reshape(-1)):
        return x.astype(float)
    return np.array([Fraction(e) for e in x.reshape(-1)], dtype=object).reshape(x.shape)


def _fresh_floats(x: Array) -> Array:
    """Return an object table that holds only floats as a float table."""
    floats = not is_operand(x) and x.dtype == object and x.size > 0
    if floats and all(type(e) in (float, np.float64) for e in x.reshape(-1)):
        return x.astype(float)
    return x


class Series(Operand):
    """A truncated series with the operators of numbers and the protocols of NumPy arrays."""

    __slots__ = ("__weakref__", "_coef", "_place", "algebra", "tag")
    _coef: Array
    _place: tuple[Family, Path | None] | None  # what shares the table, once a view was made
    algebra: Algebra
    tag: Tag

    @classmethod
    def _make(cls, coef: Array, algebra: Algebra, tag: Tag) -> Self:
        self = object.__new__(cls)
        self._coef = coef
        self.algebra = algebra
        self.tag = tag
        self._place = None
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (self._make, (self._coef, self.algebra, self.tag))

    def _new(self, coef: Array, algebra: Algebra | None = None) -> Self:
        return self._make(coef, self.algebra if algebra is None else algebra, self.tag)

    @classmethod
    def _variables(cls, values: Sequence[Any], algebra: Any) -> tuple[Self, ...]:
        """Return the variables values[i] + (variable i of the algebra), all of one tag."""
        lifted = [lift(v) for v in values]
        plain = [as_array(v) for v in lifted if not is_operand(v)]
        dtype = common_dtype(plain) if len(plain) == len(lifted) else None
        tag = max((_level_over(v) for v in lifted), key=lambda t: t.level, default=user_tag(0))
        out = []
        for i, v in enumerate(lifted):
            head = v if is_operand(v) else as_array(v).astype(dtype)
            table = zeros((algebra.size, *head.shape), head)
            table[0] = head if is_operand(head) else head[()]
            if algebra.order:
                table[1 + i] = 1
            out.append(cls._make(table, algebra, tag))
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
        return head.copy() if isinstance(head, np.ndarray) or is_operand(head) else head

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

    def copy(self) -> Self:
        """Return a copy that shares nothing."""
        return self._new(self._coef.copy())

    __copy__ = copy

    def astype(self, dtype: Any) -> Self:
        """Return the series with its coefficients converted, for example to np.float32."""
        if np.dtype(dtype).kind not in "fcO":
            raise TypeError(
                f"a series has float, complex or object coefficients, not {np.dtype(dtype)}"
            )
        if self.dtype.kind == "c" and np.dtype(dtype).kind == "f":
            raise TypeError("complex coefficients do not fit a real series")
        return self._new(self._coef.astype(dtype))

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
        return out

    def item(self, *index: Any) -> Any:
        """Return one element as a scalar series."""
        return (
            self.reshape(-1)[index[0]]
            if len(index) == 1
            else self[index]
            if index
            else self.reshape(()).copy()
        )

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        if all(type(i) in (int, slice, type(Ellipsis), type(None)) for i in parts):
            if sum(type(i) is int or type(i) is slice for i in parts) > self.ndim:
                raise IndexError(
                    f"too many indices for a {type(self).__name__} of shape {self.shape}"
                )
            if sum(type(i) is int for i in parts) == self.ndim and Ellipsis not in parts:
                return self._new(self._coef[(slice(None), *parts)].copy())
            whole = self._shared()
            step = lambda t: t[(slice(None), *parts)]  # noqa: E731
            return whole._view(step(whole._coef), step)
        return super().__getitem__(index)

    # -------------------------------------------------------------- shared memory
    def _is_array(self) -> bool:
        return self._coef.ndim > 1 or self._place is not None

    def _shared(self) -> Self:
        """Return the array that views are made of: this one, or a copy of what is a number.

        Its memory begins here, in C order, as that of a result has it in NumPy.
        """
        if self._place is not None:
            return self
        table = self._coef
        if is_operand(table) or self._coef.ndim == 1 or not table.flags.c_contiguous:
            table = table.copy()
        whole = self._new(table) if table.ndim == 1 else self
        whole._coef = table
        whole._place = Family(whole), None
        return whole

    def _view(self, table: Array, step: Callable[[Any], Any]) -> Self:
        """Return the view whose table is step(table of this series)."""
        assert self._place is not None
        family, path = self._place
        view = self._new(table)
        view._place = family, (step, path)
        family.add(view, (step, path))
        return view

    def _viewed(self, f: Callable[..., Any]) -> Any:
        whole = self._shared()
        moved = rows(f, whole._coef)
        if isinstance(moved, (list, tuple)):
            return type(moved)(
                whole._seen(part, lambda t, n=n: rows(f, t)[n]) for n, part in enumerate(moved)
            )
        return whole._seen(moved, lambda t: rows(f, t))

    def _seen(self, table: Array, step: Callable[[Any], Any]) -> Self:
        alone = isinstance(table, np.ndarray) and not np.may_share_memory(table, self._coef)
        return self._new(table) if alone else self._view(table, step)

    def _unchanged(self, copy: Series) -> bool:
        """Whether nothing was written here since that copy was made."""
        x, y = self._coef, copy._coef
        if is_operand(x) or is_operand(y):
            return is_operand(x) and is_operand(y) and x._unchanged(y)
        if x.dtype == object:
            return all(a is b for a, b in zip(x.reshape(-1), y.reshape(-1), strict=True))
        return x.dtype == y.dtype and x.tobytes() == y.tobytes()

    # -------------------------------------------------------------- two operands
    def _check(self, other: Series) -> None:
        """Raise unless the other series, of the same tag, is of the same algebra."""
        a, b = self.algebra, other.algebra
        if a == b:
            return
        names = f"{self._describe()} and {other._describe()}"
        same_kind = type(self) is type(other) and type(a) is type(b)
        if same_kind and getattr(a, "variables", 1) == getattr(b, "variables", 1):
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
        count = getattr(a, "variables", None)
        inside = f"order {a.order}" if count is None else f"{count} variables, order {a.order}"
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
            x, y = match(x, y)
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
        array = c if isinstance(c, np.ndarray) else None
        if array is None:
            if table.dtype != object and not isinstance(c, np.generic):
                c = constant(c, table)
                if type(c) is float:
                    return table, c
            array = as_array(c)
        if (table.dtype == object) != (array.dtype == object):
            table, array = match(table, array)
        try:
            np.broadcast_shapes(table.shape[1:], array.shape)
        except ValueError:
            raise ShapeMismatch(f"shapes {table.shape[1:]} and {array.shape} do not fit") from None
        return pad(table, array.ndim), array[()]

    def _is_number(self) -> bool:
        """Whether the coefficients are single floats, for which there are compiled rows."""
        x = self._coef
        return type(x) is np.ndarray and x.ndim == 1 and x.dtype is FLOAT

    def _is_plain(self) -> bool:
        """Whether the coefficients are single floats or complex numbers."""
        x = self._coef
        return type(x) is np.ndarray and x.ndim == 1 and (x.dtype is FLOAT or x.dtype is COMPLEX)

    def _compiled(self, row: Any, live: tuple[bool, ...], given: list[Any]) -> Array | None:
        """Return the table of a row from machine code, or None for the ordinary way."""
        if isinstance(self.algebra, Univariate):
            return kernels.run(row, live, self.order, given)
        return monomials.run(row, live, self.algebra, given)

    def _hosts(self, other: Operand) -> bool:
        if isinstance(other, Node):
            return not (self.tag.closed or other.tape.holds(self))
        assert isinstance(other, Series)
        return self.tag.level > other.tag.level

    def _refuses(self, x: Any) -> bool:
        """Whether x is no number for this series: a string, or a node that holds it."""
        if isinstance(x, Node):
            return not self._hosts(x)
        return isinstance(x, Condition) or not _fits(x)

    def _operate(self, op: str, x: Any, y: Any) -> Any:
        """Return x + y, x * y or x / y, one of which is this series."""
        name = {"add": "add", "mul": "mul", "div": "truediv"}[op]
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
        if type(other) is float and self._is_number():
            table = self._coef.copy()
            with np.errstate(all="ignore"):
                table[0] += other
            return self._new(table)
        if type(other) is type(self) and other.tag is self.tag and other.algebra == self.algebra:
            x, y = self._coef, other._coef
            if type(x) is np.ndarray is type(y) and x.shape == y.shape and x.dtype == y.dtype:
                with np.errstate(all="ignore"):
                    return self._new(x + y)
        elif self._refuses(other):
            return NotImplemented
        owner, x, y, tx, ty = self._pair(self, other)
        if tx and ty:
            x, y = owner._aligned(x, y)
            with np.errstate(all="ignore"):
                return owner._new(x + y)
        table, c = owner._scalar(*((x, y) if tx else (y, x)))
        if type(c) in (int, float) and not is_operand(table) and table.dtype != object:
            new = table.copy()
            with np.errstate(all="ignore"):
                new[0] += c
            return owner._new(new)
        with np.errstate(all="ignore"):
            head = table[:1] + c
        shape = (table.shape[0] - 1, *head.shape[1:])
        tail = table[1:] if table.shape[1:] == head.shape[1:] else np.broadcast_to(table[1:], shape)
        return owner._new(np.concatenate([head, tail + 0 * head if is_operand(head) else tail]))

    __radd__ = __add__

    def __neg__(self) -> Self:
        return self._new(-self._coef)

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, Series):
            return self + -other
        return NotImplemented if self._refuses(other) else self + _negative(other)

    def __rsub__(self, other: Any) -> Any:
        return NotImplemented if self._refuses(other) else -self + other

    def __mul__(self, other: Any) -> Any:
        if type(other) is float and self._is_number():
            with np.errstate(all="ignore"):
                return self._new(self._coef * other)
        if type(other) is type(self) and other.tag is self.tag and type(self.algebra) is Univariate:
            x, y = self._coef, other._coef
            if type(x) is np.ndarray is type(y) and x.ndim == 1 and x.shape == y.shape:
                z = np.convolve(x, y)[: len(x)]
                return self._new(z if z[-1] == z[-1] else trimmed_product(x, y))
        if self._refuses(other):
            return NotImplemented
        owner, x, y, tx, ty = self._pair(self, other)
        if tx and ty:
            x, y = owner._aligned(x, y)
            if type(owner.algebra) is Univariate and x.ndim > 1:
                table = kernels.run("mul", (True, True), owner.order, [x, y])
                if table is not None:
                    return owner._new(table)
            return owner._new(_quietly(owner.algebra.product, x, y))
        table, c = owner._scalar(*((x, y) if tx else (y, x)))
        with np.errstate(all="ignore"):
            return owner._new(table * c)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        alike = type(other) is type(self) and other.tag is self.tag
        if alike and type(self.algebra) is Univariate and self.algebra == other.algebra:
            numbers = self._is_plain() and other._is_plain()
            alike = numbers and self._coef.dtype is other._coef.dtype
            table = kernels.quotient(self._coef, other._coef) if alike else None
            if table is not None:
                return self._new(table)
        return NotImplemented if self._refuses(other) else self._divide(self, other)

    def __pow__(self, r: Any, mod: Any = None) -> Any:
        if mod is None and self._is_number():
            if type(r) is int and r == 2:
                return self * self
            if type(r) is float and r % 1 and self._coef[0] > 0:
                table = self._compiled(real_power, (True, False), [self._coef, r])
                if table is not None:
                    table[0] = real_power.numpy(self._coef[0], r)
                    return self._new(table)
        return super().__pow__(r, mod)

    def __rtruediv__(self, other: Any) -> Any:
        if type(other) in (float, int) and self._is_number():
            table = self._compiled("div", (False, True), [float(other), self._coef])
            if table is not None:
                return self._new(table)
        return NotImplemented if self._refuses(other) else self._divide(other, self)

    def _divide(self, a: Any, b: Any) -> Any:
        owner, x, y, tx, ty = self._pair(a, b)
        if not ty:
            table, c = owner._scalar(x, y)
            if not is_operand(c) and np.ndim(c) == 0 and is_zero(c) and not owner._propagates():
                raise PoleError(f"division of a {type(owner).__name__} by the number zero")
            if not is_operand(table) and table.dtype == object and isinstance(c, int):
                table = _divisible(table)
            with np.errstate(all="ignore"):
                return owner._new(table / c)
        if tx:
            x, y = owner._aligned(_divisible(x, y), _divisible(y, x))
            if y.ndim == 1 and is_zero(base(y[0])) and isinstance(owner.algebra, Univariate):
                return owner._cancel(x, y)
            table = owner._compiled("div", (True, True), [x, y])
            if table is not None:
                return owner._new(table)
            return owner._sweep(kernels.QUOTIENTS[True, True], [x, y], [])
        y, c = owner._scalar(
            _divisible(y, as_array(x)) if isinstance(x, Fraction) else _divisible(y), x
        )
        constant_zero = not owner.algebra.height(y) and np.ndim(base(y[0])) == 0
        if constant_zero and is_zero(base(y[0])) and not owner._propagates():
            raise PoleError("division by a series whose value is zero")
        table = owner._compiled("div", (False, True), [c, y])
        if table is not None:
            return owner._new(table)
        return owner._sweep(kernels.QUOTIENTS[False, True], [y], [c])

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
        return self._new(x[v:], lower)._divide(self._new(x[v:], lower), self._new(y[v:], lower))

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
            return self._new(sweep.result(program.outputs[0]))
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
        return self._new(out.reshape(self.algebra.size, *shape))

    # -------------------------------------------------------------- elementary functions
    def _elementary(self, row: Elementary, args: tuple[Any, ...]) -> Any:
        if len(args) == 1 and self._is_plain():
            if isinstance(self.algebra, Univariate):
                table = kernels.one(row, self._coef)
            else:
                table = monomials.one(row, self.algebra, self._coef)
            if table is not None:
                return self._new(table)
        args = tuple(lift(x) for x in args)
        owner = host(args)
        if not isinstance(owner, Series):
            return owner._elementary(row, args)
        mine = owner._mine(args)
        for x in args:
            if not is_operand(x) and x is not None:
                _plain(x)
        values = [x.value if inside else x for x, inside in zip(args, mine, strict=True)]
        if owner.order == 0 or not any(x.active for x, m in zip(args, mine, strict=True) if m):
            return owner._constant(checked(row, values, current_policy().singular))
        if row.compose is not None:
            result = row.compose(*args)
            if (
                isinstance(result, Series)
                and result.tag is owner.tag
                and all(x is not None for x in args)
            ):
                result = result._with_value(_quietly(row, *values))
            return result
        if row is real_power or row is sqrt:
            special = owner._at_zero(row, args)
            if special is not None:
                return special
        given = [x._coef if m else x for x, m in zip(args, mine, strict=True)]
        table = owner._compiled(row, tuple(mine), given)
        if table is not None:
            table[0] = checked(row, values, current_policy().singular)
            return owner._new(table)
        tables = [_divisible(x._coef) if m else None for x, m in zip(args, mine, strict=True)]
        inputs = [t for t in tables if t is not None]
        parameters = [x for x, m in zip(args, mine, strict=True) if not m]
        try:
            result = owner._sweep(of_row(row, tuple(mine)), inputs, parameters)
        except DomainError:
            if row.jumps is not None:
                raise
            raise no_expansion(row, values) from None
        if row is real_power and not mine[1]:
            result._lanes_at_zero(args[0], args[1])
        return owner._new(_fresh_floats(result._coef))

    def _call(self, rule: Rule, args: tuple[Any, ...]) -> Any:
        args = tuple(lift(x) for x in args)
        owner = host(args)
        if not isinstance(owner, Series):
            return owner._call(rule, args)
        mine = owner._mine(args)
        if rule.step is not None:
            return owner._by_step(rule.step, args, mine)
        if rule.jvp is None and rule.vjp is None:
            return rule.value(*args)
        return owner._by_tangent(rule, args, mine)

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
        """Return the results of a function of which the tangent is known: Dy = f'(x)·Dx.

        Degree k of y needs y below k only, so it is found degree by degree.
        """
        head = rule(*(x.value if m else x for x, m in zip(args, mine, strict=True)))
        shapes = tuple(np.shape(z) for z in head) if isinstance(head, tuple) else None
        call = Call(rule, shapes)
        y = self._constant(flat(head))
        for k in range(1, self.order + 1):
            known = [x._up_to(k) if m else x for x, m in zip(args, mine, strict=True)]
            speeds = [x._weighted() if m else None for x, m in zip(known, mine, strict=True)]
            dy = call_tangent(call, known, y._up_to(k), speeds, mine)
            part = self.algebra.part(k)
            y._coef[part] = dy._coef[part] / k
        return call.split(y)

    def _up_to(self, k: int) -> Self:
        """Return the series truncated to degree k, where that saves work."""
        if isinstance(self.algebra, Univariate):
            return self._new(self._coef[: k + 1], Univariate(k))
        return self

    def _weighted(self) -> Self:
        """Return D of the series: the part of degree k times k."""
        degrees = self.algebra.degrees.reshape((-1,) + (1,) * self.ndim)
        return self._new(self._coef * _like_numbers(degrees, self._coef))

    def _at_zero(self, row: Elementary, args: tuple[Any, ...]) -> Any:
        """Return sqrt or a real power of a scalar series whose value is zero, where it exists."""
        a = args[0]
        if not isinstance(a, Series) or a.tag is not self.tag or a.shape or is_operand(a._coef):
            return None
        if not is_zero(a._coef[0]) or self._propagates():
            return None
        r = args[1] if row is real_power else 0.5
        if row is real_power:
            if isinstance(r, Series) or np.ndim(r) or isinstance(r, complex):
                return None
            if r < 0:
                raise PoleError(f"a series with value zero to the power {r}: a pole")
            if self.order <= r:
                return self._constant(a._coef[0] ** r)
            raise DomainError(
                f"x**{r} at 0 has derivatives up to order {int(r)} only, asked for {self.order}; "
                f"lower the "
                "order or move the point"
            )
        if not isinstance(self.algebra, Univariate):
            return None
        v = int(np.flatnonzero(nonzero(a._coef))[0])
        if v % 4 == 2:
            raise NonAnalyticError(
                f"sqrt of a series that starts at degree {v} is |t|**{v // 2} times a series: a "
                f"kink; "
                "taylor.formal_sqrt gives the branch t**n"
            )
        return None if v % 2 else formal_sqrt(self._new(a._coef))

    def _lanes_at_zero(self, a: Series, r: Any) -> None:
        """Set the coefficients of x**r that exist (zeros up to degree r) in lanes with x = 0."""
        if not a.shape or is_operand(a._coef) or is_operand(r) or np.iscomplexobj(r):
            return
        zero = np.broadcast_to(base(a._coef[0]) == 0, self.shape)
        degrees = self.algebra.degrees.reshape((-1,) + (1,) * self.ndim)
        self._coef[zero & (degrees > 0) & (degrees <= r)] = 0

    def _with_value(self, value: Any) -> Self:
        """Return the series with its coefficient of degree 0 replaced by the plain function's."""
        coef = self._coef.copy()
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
        table[0] = value[()] if isinstance(value, np.ndarray) else value
        return self._new(table)

    def _ones(self) -> Self:
        table = zeros(self._coef.shape, self._coef)
        table[0] = 1
        return self._new(table)

    def _gather(self, sources: Sequence[Any], index: Array) -> Any:
        zero = bool(index.size and index.min() < 0)
        if len(sources) == 1:
            return self._new(taken(self._coef, index))
        owner = host(sources)
        if not isinstance(owner, Series):
            return owner._gather(sources, index)
        joined: list[Any] = []
        for x in sources:
            if not (isinstance(x, Series) and x.tag is owner.tag):
                if is_operand(x):
                    _check_alive(x, owner)
                x = owner._constant(_weak(_plain(x), owner._coef))
            owner._check(x)
            joined.append(x._coef.reshape((x._coef.shape[0], -1)))
        if zero:
            joined.append(zeros((joined[0].shape[0], 1), joined[0]))
        for i in range(1, len(joined)):
            joined[0], joined[i] = match(joined[0], joined[i])
        joined = [match(joined[0], j)[1] for j in joined]
        return owner._new(np.concatenate(joined, axis=1)[:, index])

    def _scatter(self, index: Array, shape: tuple[int, ...]) -> Self:
        return self._new(scatter(self._coef, index, shape, 1))

    def _sum(self, axes: tuple[int, ...]) -> Self:
        with np.errstate(all="ignore"):
            return self._new(np.sum(self._coef, axis=tuple(i + 1 for i in axes)))

    def _cumsum(self, axis: int) -> Self:
        with np.errstate(all="ignore"):
            return self._new(np.cumsum(self._coef, axis=axis + 1))

    def _reduceat(self, starts: Array, axis: int) -> Self:
        return self._new(np.add.reduceat(self._coef, starts, axis=axis + 1))

    def _einsum(self, spec: str, x: Any, y: Any) -> Any:
        with np.errstate(all="ignore"):
            return self._contract(spec, x, y)

    def _contract(self, spec: str, x: Any, y: Any) -> Any:
        owner = host((x, y))
        if not isinstance(owner, Series):
            return owner._einsum(spec, x, y)
        owner, x, y, tx, ty = owner._pair(x, y)
        if tx and ty:
            if not (is_operand(x) or is_operand(y)):
                x, y = match(x, y)
            return owner._new(owner.algebra.bilinear(spec, x, y))
        terms, out = spec.split("->")
        a, b = terms.split(",")
        if not tx:
            x, y, a, b = y, x, b, a
        if not (is_operand(x) or is_operand(y)):
            x, y = match(x, np.asarray(y))
        z = free_letter(spec)
        return owner._new(contract(f"{z}{a},{b}->{z}{out}", x, y))

    def _choose(self, lhs: Any, rhs: Any, a: Any, b: Any, mode: str) -> Any:
        args = [lift(x) for x in (lhs, rhs, a, b)]
        owner = host(args)
        if not isinstance(owner, Series):
            return owner._choose(*args, mode)
        mine = tuple(owner._mine(args))
        inputs = [x._coef for x, m in zip(args, mine, strict=True) if m]
        if mode == "kink" and any(np.iscomplexobj(base(x)) for x in args):
            raise TypeError(
                "abs, maximum and their kin are not holomorphic: a complex series has no Taylor "
                "series "
                "of them; work with real and imaginary parts as two real variables"
            )
        if not any(is_operand(t) for t in inputs):
            for i in range(len(inputs)):
                inputs[0], inputs[i] = match(inputs[0], inputs[i]) if i else (inputs[0], inputs[0])
        parameters = [_plain(x) for x, m in zip(args, mine, strict=True) if not m]
        return owner._sweep(_choice(mode, mine), inputs, parameters)

    def _compare(self, op: Any, other: Any) -> Any:
        other = lift(other)
        if self._refuses(other):
            return NotImplemented
        a, b = leading(self), leading(other) if is_operand(other) else _plain(other)
        if np.iscomplexobj(a) or np.iscomplexobj(b):
            raise TypeError("complex values have no order; compare real parts of .value")
        return op(a, b)

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
        self._coef[where] = pad(table, n)

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
            if table.dtype == object and coef.dtype != object and not exact(table):
                self._convert(lambda t: t.astype(object))

    def _convert(self, f: Callable[[Any], Any]) -> None:
        if self._place is None:
            self._coef = f(self._coef)
        else:
            self._place[0].convert(f)


def _check_alive(x: Any, owner: Series) -> None:
    if x.tag.closed or owner.tag.closed:
        raise ForeignNodeError(
            "a perturbation of a finished differentiation leaked in (a value kept from inside the "
            "differentiated function); keep its .value instead"
        )


def _plain(x: Any) -> Any:
    """Return a plain number or array that can be combined with a table."""
    if is_operand(x) or type(x) in (int, float, complex):
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


@functools.cache
def _choice(mode: str, mine: tuple[bool, ...]) -> Program:
    """Return the program of one choice whose arguments marked in `mine` are series."""
    code: list[Instruction] = []
    inputs: list[int] = []
    for i, inside in enumerate(mine):
        if inside:
            code.append(Instruction("input", (), len(inputs), ()))
            inputs.append(i)
        else:
            code.append(Instruction("parameter", (), i - len(inputs), ()))
    code.append(Instruction("choose", (0, 1, 2, 3), mode, ()))
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
