"""Coefficients: a table of coefficients with a tag in memory, its views, and what is written there.

A series is a table of coefficients (see `algebra`), an algebra and a tag.  The tag says *which*
variables the series is in: series of one tag combine; of two tags, the one of the lower level is a
coefficient of the other.  Variables made by hand have level 0 (1 for a variable at a series, and so
on); every call of a driver has a fresh tag of its own below those, which is what keeps nested
derivatives apart (perturbation confusion).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from taylor.core.algebra import Algebra
from taylor.core.conditions import jump_in
from taylor.core.graded import Graded
from taylor.core.memory import Family, Path, by_rows, positions, renew, rows, same_memory
from taylor.core.operand import Operand
from taylor.core.parts import part
from taylor.core.tables import nonzero, pad
from taylor.core.tags import Tag
from taylor.numbers.kinds import Array, Kind, is_operand
from taylor.numbers.values import together
from taylor.series import text

if TYPE_CHECKING:
    of_class = classmethod

FLOAT = np.dtype(float)
UNKNOWN = math.inf
SIMPLE = frozenset((int, slice, type(Ellipsis), type(None)))  # indices that make views


class _OfClass(classmethod):  # type: ignore[type-arg]
    """A class method that instances do not have.

    xarray takes x.variable of what meets its arrays for one of its own.
    """

    def __get__(self, x: Any, owner: Any = None) -> Any:
        if x is not None:
            raise AttributeError(f"{self.__name__} is a method of the class alone")
        return super().__get__(x, owner)


if not TYPE_CHECKING:
    of_class = _OfClass


class Coefficients(Operand):
    """A table of coefficients, which views share: what is written through one is seen by all."""

    __slots__ = ("_coef", "_place", "_reach", "algebra", "tag")
    _coef: Any  # an array of numbers, or a value of the package
    _place: tuple[Family, Path | None] | None  # what shares the table, once a view was made
    _reach: float  # the degree of the polynomial it is; UNKNOWN if more terms may be missing
    algebra: Algebra
    tag: Tag
    _mine: Callable[[Sequence[Any]], list[bool]]
    _constant: Callable[[Any], Any]

    @classmethod
    def _make(cls, coef: Array, algebra: Algebra, tag: Tag, reach: float = UNKNOWN) -> Self:
        self = object.__new__(cls)
        self._coef = coef
        self.algebra = algebra
        self.tag = tag
        self._place = None
        self._reach = reach
        return self

    def _new(self, coef: Array, algebra: Algebra | None = None, reach: float = UNKNOWN) -> Self:
        return self._make(coef, self.algebra if algebra is None else algebra, self.tag, reach)

    def __reduce__(self) -> tuple[Any, ...]:
        return (self._make, (self._coef, self.algebra, self.tag, self._reach))

    def _is_floats(self) -> bool:
        """Whether the coefficients are float64, so that a real number needs no conversion."""
        x = self._coef
        return type(x) is np.ndarray and x.dtype is FLOAT

    def _fellow(self, other: Any) -> bool:
        """Whether x is a series in the same variables, of the same algebra."""
        if type(other) is not type(self) or other.tag is not self.tag:
            return False
        return other.algebra is self.algebra or bool(other.algebra == self.algebra)

    # -------------------------------------------------------------- what it is
    @property
    def coef(self) -> NDArray[Any]:
        """The table of Taylor coefficients c_α (never factorial-scaled), by degree; read-only."""
        if is_operand(self._coef):
            return cast(NDArray[Any], self._coef.copy())
        view: NDArray[Any] = self._coef.view()
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
    def dtype(self) -> np.dtype[Any]:
        """Type of the coefficients."""
        return cast(np.dtype[Any], self._coef.dtype)

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

    def astype(self, dtype: Any, order: Any = "K", copy: bool = True) -> Any:
        """Return the series with its coefficients converted, for example to np.float32.

        Constants, as floor gives them, become plain integers; at a jump there
        are none (NonAnalyticError).

        With copy=False a series of that type is returned itself; as bool, the condition x != 0.
        """
        if np.dtype(dtype).kind == "b":
            return np.not_equal(cast(Any, self), 0)
        if np.dtype(dtype).kind in "iu" and self._reach == 0:  # of floor and its kin
            if not is_operand(self._coef) and self.active:
                raise jump_in("astype")
            return (self.value if is_operand(self._coef) else np.asarray(self.value)).astype(dtype)
        if np.dtype(dtype).kind not in "fcO":
            raise TypeError(
                f"astype({np.dtype(dtype)}) would drop derivatives: a series has float, complex "
                "or object coefficients; np.floor(x).astype(...) is a constant"
            )
        if self.dtype.kind == "c" and np.dtype(dtype).kind == "f":
            raise TypeError("complex coefficients do not fit a real series")
        if not copy and self.dtype == np.dtype(dtype):
            return self
        found = self._new(self._coef.astype(dtype), reach=self._reach)
        return found if order == "K" else found.copy(order)

    # -------------------------------------------------------------- conversions
    def _basis(self, latex: bool) -> tuple[list[str], str]:
        """Return how the basis is written, and what O(...) is of ("": nothing is left out)."""
        names = [f"e{i}" for i in range(1, self.algebra.size)]  # where it has none of its own
        return ["", *getattr(self.algebra, "names", names)], ""

    def __repr__(self) -> str:
        return text.plain(self)

    __str__ = __repr__

    def _repr_latex_(self) -> str:
        return text.latex(self)

    def __format__(self, spec: str) -> str:
        if spec and self.tag.level < 0:  # of a driver: the function writes of its values
            return format(self.value, spec)
        return text.plain(self, spec) if spec else repr(self)

    def _inactive(self, what: str) -> Any:
        if self.active:
            raise self._refused(what)
        return self.value

    def __bool__(self) -> bool:
        return bool(self._truth())

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        if dtype is not None and np.dtype(dtype) != object:
            return np.asarray(self._inactive("an array of numbers"), dtype=dtype)
        return self._objects(copy)

    # -------------------------------------------------------------- views
    def __getitem__(self, index: Any) -> Self:
        parts = index if isinstance(index, tuple) else (index,)
        kinds = [type(i) for i in parts]
        if not SIMPLE.issuperset(kinds):
            return super().__getitem__(index)
        numbers, axes = kinds.count(int), self._coef.ndim - 1
        if numbers + kinds.count(slice) > axes:
            raise IndexError(f"too many indices for a {type(self).__name__} of shape {self.shape}")
        where = (slice(None), *parts)
        try:
            if numbers == len(parts) == axes:
                return self._new(self._coef[where].copy(), reach=self._reach)
            whole = self._shared()
            piece = whole._coef[where]
        except IndexError:  # which counts the axis of coefficients
            return super().__getitem__(index)
        return whole._view(piece, lambda t: t[where])

    def _of_tables(self, f: Callable[..., Any], sources: Sequence[Any]) -> Self | None:
        tables: list[Array] = []
        reach, shape = 0.0, self._coef.shape
        for x in sources:
            x = self._constant(x) if type(x) is float else x
            if not (self._fellow(x) and x._is_floats() and x._coef.flags.c_contiguous):
                return None
            if x._coef.shape != shape:
                return None
            tables.append(x._coef)
            reach = max(reach, x._reach)
        return self._new(f(*tables), reach=reach)

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
        family.views.add(view, (step, path))
        return view

    def _viewed(self, f: Callable[..., Any]) -> Any:
        whole = self._shared()
        moved = rows(f, whole._coef)
        if isinstance(moved, (list, tuple)):
            return type(moved)(
                whole._seen(piece, functools.partial(_nth, f, n)) for n, piece in enumerate(moved)
            )
        return whole._seen(moved, lambda t: rows(f, t))

    def _seen(self, table: Array, step: Callable[[Any], Any]) -> Self:
        if same_memory(table, self._coef):
            return self._view(table, step)
        return self._new(table, reach=self._reach)

    def _part_view(self, kind: str) -> Self:
        """Return the real or imaginary part: a view, of objects a read-only copy."""
        whole = self._shared()
        if is_operand(whole._coef):
            whole._coef._shared()
        step = functools.partial(_part_of, kind)
        return whole._seen(step(whole._coef), step)

    def _fixed(self) -> Self:
        if isinstance(self._coef, np.ndarray):
            self._coef.flags.writeable = False
        return self

    def _unchanged(self, copy: Coefficients) -> bool:
        """Whether nothing was written here since that copy was made."""
        x, y = self._coef, copy._coef
        if is_operand(x) or is_operand(y):
            return is_operand(x) and is_operand(y) and bool(x._unchanged(y))
        if x.dtype == object:
            return all(a is b for a, b in zip(x.reshape(-1), y.reshape(-1), strict=True))
        return bool(x.dtype == y.dtype) and x.tobytes() == y.tobytes()

    # -------------------------------------------------------------- writing
    def _write(self, index: Any, table: Array, reach: float) -> None:
        """Write the elements of another table of the same algebra, a polynomial of that degree."""
        self._reach = max(self._reach, reach)
        for x, _ in self._place[0].views if self._place else ():
            x._reach = max(x._reach, reach)
        self._make_room(table)
        parts = index if isinstance(index, tuple) else (index,)
        if any(isinstance(i, (list, np.ndarray, bool, np.bool_)) for i in parts):
            chosen = (positions(self.shape) - 1)[index]
            if not (self.shape or chosen.size):
                return
            parts = np.unravel_index(chosen, self.shape) if self.shape else ()
        where = (slice(None), *parts)
        n = self._coef[where].ndim - 1
        lost = table.ndim - 1 - n
        if lost > 0 and set(table.shape[1 : 1 + lost]) == {1}:  # as NumPy, which drops them
            table = table.reshape((len(table), *table.shape[1 + lost :]))
        if not (is_operand(table) or is_operand(self._coef)):
            table, _ = together(table, self._coef)
        self._coef[where] = pad(table, n)
        if self._place and self._place[0].copies.known:
            renew(self._place[0])

    def _make_room(self, table: Any) -> None:
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
            if Kind.of(fits) != Kind.of(coef):
                self._convert(lambda t: together(t, table)[0])

    def _convert(self, f: Callable[[Any], Any]) -> None:
        if self._place is None:
            self._coef = f(self._coef)
        else:
            self._place[0].convert(f)


def _part_of(kind: str, table: Any) -> Any:
    if is_operand(table) or table.dtype != object:
        return getattr(table, kind)
    copied = part(kind, table)
    copied.flags.writeable = False  # what is written there would not be seen by the whole
    return copied


def _nth(f: Callable[..., Any], n: int, table: Any) -> Any:
    return rows(f, table)[n]


def degree_of_product(algebra: Algebra, a: float, b: float) -> float:
    """Return the degree of a product of polynomials; UNKNOWN if terms are lost."""
    if isinstance(algebra, Graded) and algebra.name != "multivariate" and a and b:
        return UNKNOWN  # ε² is lost at any degree
    return a + b if a + b <= algebra.order else UNKNOWN
