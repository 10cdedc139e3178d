"""Intervals: arrays of closed intervals of real numbers, in which every operation encloses.

The result of an operation holds what the operation makes of any members.  Ends are float64, rounded
to the nearest and put outward by proven bounds (`rounding`); an end that is infinite is no bound.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self, cast

import numpy as np

from taylor.core import functions
from taylor.core.instructions import ADD, DIV, MUL, Arithmetic, Op
from taylor.core.operand import Operand, Shape, bind, fits, lift, plain_index
from taylor.core.tags import Tag
from taylor.errors import AlgebraMismatch, PoleError, Undecided
from taylor.numbers.kinds import Array, Kind, ValueSet, is_operand, register, shown
from taylor.numbers.policy import current_policy
from taylor.numbers.values import of_value
from taylor.verified import environment, planes, values
from taylor.verified.enclosing import Ends, ends, refuse_nan, written
from taylor.verified.process import PROCESS
from taylor.verified.rounding import INF, number

INNERMOST = Tag(-(1 << 63))  # below those of all variables, which hold it
CERTAIN: dict[Any, Callable[[Ends, Ends], Any]] = {
    operator.lt: lambda x, y: x[1] < y[0],
    operator.le: lambda x, y: x[1] <= y[0],
    operator.gt: lambda x, y: x[0] > y[1],
    operator.ge: lambda x, y: x[0] >= y[1],
    operator.eq: lambda x, y: (x[0] == y[1]) & (x[1] == y[0]),
    operator.ne: lambda x, y: (x[1] < y[0]) | (x[0] > y[1]),
}
OPPOSITE = {
    operator.lt: operator.ge, operator.ge: operator.lt, operator.le: operator.gt,
    operator.gt: operator.le, operator.eq: operator.ne, operator.ne: operator.eq,
}  # fmt: skip
SIGNS = {
    operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">=", operator.eq: "==",
    operator.ne: "!=",
}  # fmt: skip


class Sets(Kind):
    """Intervals with ends in float64."""

    rank, sets = 6.0, True
    series: ClassVar[Callable[..., Any]]  # of (program, order, variable), as machine code

    def number(self, x: Any) -> Any:
        return Interval.of(x)

    def array(self, x: Array) -> Any:
        return Interval.of(x)

    among = array

    def zeros(self, shape: Shape) -> Any:
        return Interval._make(np.zeros(shape), np.zeros(shape))

    @property
    def one(self) -> Any:
        return 1

    def constant(self, c: Any) -> Any:
        return Interval.of(c)

    def value(self, row: Any, args: Sequence[Any]) -> Any:
        return row(*map(Interval.of, args))

    def compiled(self, program: Any, order: int, variable: bool) -> Any:
        return Sets.series(program, order, variable)

    def is_zero(self, x: Any) -> bool:
        return bool(np.any(planes.has_zero(x._ends)))

    def is_nan(self, x: Any) -> bool:
        return False

    def is_wide(self, x: Any) -> Any:
        return np.not_equal(x.lo, x.hi)

    def hull(self, x: Any, y: Any) -> Any:
        return Interval.of(x) | y

    def is_finite(self, x: Any) -> bool:
        return bool(np.all(np.isfinite(x.mag)))


SETS = Sets()


def _measure(of: Callable[[Ends], Any], what: str) -> property:
    """Return a property of intervals that is computed from their ends."""

    def measured(self: Interval) -> Any:
        environment.check()
        return number(of(self._ends))

    return property(measured, doc=what)


class Interval(Operand, ValueSet):
    """An interval, or an array of them: Interval(x) around x, or Interval(low, high).

    Floats are the floats they are; integers, decimal strings, fractions and numbers of mpmath and
    flint are enclosed.  Arithmetic, NumPy's functions and the rows of the table hold the result of
    every member; so do the coefficients of series over intervals.  Comparisons are certain or raise
    `Undecided`.

    >>> x = Interval("0.1", 3)
    >>> x.lo <= 0.1 <= x.hi, 0.5 in x, (x * x - x).lo < -0.25
    (True, True, True)
    """

    __slots__ = ("_hi", "_lo")
    _lo: Any  # floats, or arrays of them
    _hi: Any
    tag = INNERMOST
    kind = SETS
    complex = False  # which no member is

    def __init__(self, low: Any, high: Any = None) -> None:
        lower = Interval._ends_of(low)
        upper = lower if high is None else Interval._ends_of(high)
        for given in (low, high):
            refuse_nan(given)
        lo, hi = np.broadcast_arrays(lower[0], upper[1])
        bad = ~(lo <= hi) | (lo == INF) | (hi == -INF)
        if bad.any():
            at = tuple(np.argwhere(bad)[0])
            raise ValueError(
                f"no interval ends at {lo[at]} and {hi[at]}: the lower end comes first"
            )
        self._lo, self._hi = number(lo.copy()), number(hi.copy())

    # -------------------------------------------------------------- making
    @classmethod
    def _make(cls, low: Any, high: Any) -> Self:
        """Return the set with those ends, which are kept as they are."""
        self = object.__new__(cls)
        if type(low) is float is type(high):
            self._lo, self._hi = low, high
        else:
            self._lo, self._hi = number(low), number(high)
        return self

    @classmethod
    def of(cls, x: Any) -> Self:
        """Return x itself if it is an Interval, or what encloses it."""
        if isinstance(x, cls):
            return x
        low, high = cls._ends_of(x)
        return cls._make(low, high.copy() if low is high and isinstance(high, np.ndarray) else high)

    @staticmethod
    def _ends_of(x: Any) -> Ends:
        environment.check()
        if type(x) is Interval:
            return x._ends
        x = lift(x)
        if is_operand(x) and not isinstance(x, Interval):
            raise TypeError(f"{x._title()} is no set of numbers; give an Interval its .value")
        return x._ends if isinstance(x, Interval) else ends(x)

    @property
    def _ends(self) -> Ends:
        return self._lo, self._hi

    def __reduce__(self) -> tuple[Any, ...]:
        return (_made, (self._lo, self._hi))

    # -------------------------------------------------------------- what it is
    @property
    def lo(self) -> Any:
        """The lower ends: a float or a read-only array."""
        return _fixed(self._lo)

    @property
    def hi(self) -> Any:
        """The upper ends: a float or a read-only array."""
        return _fixed(self._hi)

    mid = _measure(planes.middle, "A float inside, the middle but for rounding.")
    rad = _measure(planes.radius, "The largest distance of a member from `mid`, rounded up.")
    width = _measure(planes.width, "The distance of the ends, rounded up.")
    mag = _measure(planes.farthest, "The largest size of a member.")
    mig = _measure(planes.nearest, "The least size of a member.")

    @property
    def shape(self) -> Shape:
        return () if type(self._lo) is float else cast(Shape, self._lo.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the ends."""
        return np.dtype(float)

    @property
    def value(self) -> Self:
        """Itself: it has no derivatives."""
        return self

    def members(self) -> tuple[Array, Array, Array]:
        low, high = np.asarray(self._lo), np.asarray(self._hi)
        return low, np.clip(0.0, low, high), high

    # -------------------------------------------------------------- sets
    def __and__(self, other: Any) -> Self:
        """Return the members of both; raise ValueError where there are none."""
        x, y = self._ends, self._ends_of(other)
        low, high = np.maximum(x[0], y[0]), np.minimum(x[1], y[1])
        if np.any(low > high):
            raise ValueError(f"{shown(self)} and {shown(other)} have no member in common")
        return self._make(low, high)

    def __or__(self, other: Any) -> Self:
        """Return the hull of both."""
        return self._make(*planes.hull(self._ends, self._ends_of(other)))

    __rand__, __ror__ = __and__, __or__

    def __contains__(self, x: Any) -> bool:
        low, high = self._ends_of(x)
        return bool(np.all((self._lo <= low) & (high <= self._hi)))

    def subset(self, other: Any) -> Any:
        """Return, element by element, whether all members are members of the other."""
        low, high = self._ends_of(other)
        return (low <= self._lo) & (self._hi <= high)

    def inside(self, other: Any) -> Any:
        """Return, element by element, whether it lies in the interior of the other."""
        low, high = self._ends_of(other)
        return ((low < self._lo) | (low == -INF)) & ((self._hi < high) | (high == INF))

    def overlaps(self, other: Any) -> Any:
        """Return, element by element, whether both may have the same value."""
        low, high = self._ends_of(other)
        return (self._lo <= high) & (low <= self._hi)

    # -------------------------------------------------------------- text
    def _texts(self, digits: int | None) -> tuple[str, str]:
        """Return the ends, rounded outward to the digits that tell them apart, and two more."""
        if digits is None:
            size, width = float(np.max(self.mag, initial=0)), float(np.min(self.width, initial=INF))
            told = 0 < size < INF and 0 < width < INF
            digits = (
                min(17, max(3, 2 + math.ceil(math.log10(size) - math.log10(width)))) if told else 17
            )
        low = _listed(self._lo, lambda e: written(e, digits, False))
        return low, _listed(self._hi, lambda e: written(e, digits, True))

    def __repr__(self) -> str:
        low, high = self._texts(None)
        return f"Interval({low}, {high})"

    def __str__(self) -> str:
        return self.__format__("")

    def __format__(self, spec: str) -> str:
        """Return [low, high] in honest digits: as many as asked for (".6"), rounded outward."""
        if spec and not (spec[0] == "." and spec[1:].rstrip("g").isdigit()):
            raise ValueError(f"an Interval is written in a number of digits, '.6', not {spec!r}")
        low, high = self._texts(int(spec[1:].rstrip("g")) if spec else None)
        return f"[{low}, {high}]"

    def _title(self) -> str:
        return "an Interval"

    def _refused(self, what: str) -> TypeError:
        return TypeError(
            f"{what} of an Interval would drop its bounds; x.mid is a float inside, x.lo and x.hi "
            "are its ends"
        )

    def __bool__(self) -> bool:
        raise TypeError("an Interval is neither true nor false; compare it, or ask y in x")

    __hash__ = None  # type: ignore[assignment]

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        if dtype is not None and np.dtype(dtype) != object:
            raise self._refused("an array of numbers")
        return self._objects(copy)

    def _same(self) -> Self:
        """Return the same set, in memory of its own if it has a place in it."""
        return self if type(self._lo) is float else self.copy("K")

    # -------------------------------------------------------------- arithmetic
    def _beside(self, other: Any) -> Ends | None:
        """Return the ends of the other operand of an operator; None for one that is no number."""
        if type(other) is Interval:
            return other._ends
        other = lift(other)
        return None if isinstance(other, Operand) else ends(other)

    def _operate(self, op: Arithmetic, other: Any, right: bool = False) -> Any:
        """Return self ∘ other, or (right) other ∘ self."""
        y = self._beside(other)
        if y is None:
            return bind(op, *((other, self) if right else (self, other)))
        return _operated(op, *((y, self._ends) if right else (self._ends, y)))

    def __add__(self, other: Any) -> Any:
        if type(other) is Interval:
            return _operated(ADD, self._ends, other._ends)
        if type(other) is int and other == 0:
            return self._same()
        return self._operate(ADD, other) if fits(other) else NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if type(other) is int and other == 0:
            return self._same()
        y = self._beside(other) if fits(other) else None
        if y is None:
            return bind(ADD, self, -other) if fits(other) else NotImplemented
        return self._make(*_quiet(planes.minus, self._ends, y))

    def __rsub__(self, other: Any) -> Any:
        return (-self).__add__(other)

    def __neg__(self) -> Self:
        return self._make(-self._hi, -self._lo)

    def __mul__(self, other: Any) -> Any:
        if type(other) is int and -1 <= other <= 1:
            return self._same() if other == 1 else -self if other else self._no_terms()
        if other is self:
            return self._make(*_quiet(planes.squared, self._ends))
        if type(other) is Interval:
            return _operated(MUL, self._ends, other._ends)
        return self._operate(MUL, other) if fits(other) else NotImplemented

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if type(other) is int and other * other == 1:
            return self._same() if other == 1 else -self
        if type(other) in PLAIN and other > 0:
            return self._make(*_quiet(planes.over, self._ends, ends(other)))
        return self._operate(DIV, other) if fits(other) else NotImplemented

    def __rtruediv__(self, other: Any) -> Any:
        return self._operate(DIV, other, True) if fits(other) else NotImplemented

    def __pow__(self, r: Any, mod: Any = None) -> Any:
        return NotImplemented if mod is not None or not fits(r) else functions.power(self, r)

    def __abs__(self) -> Self:
        return self._make(self.mig, self.mag)

    def _no_terms(self) -> Self:
        """Return zero times it: zeros, where it has bounds."""
        zero = np.where(np.isfinite(self.mag), 0.0, INF)
        return self._make(-zero, zero)

    # -------------------------------------------------------------- comparisons
    def _compare(self, op: Any, other: Any) -> Any:
        """Return where all members compare like that; raise Undecided where only some do."""
        y = self._beside(other) if fits(other) else None
        if y is None:
            return NotImplemented
        environment.check()  # denormals may compare as zeros
        x = self._ends
        if other is self:
            return op(np.zeros(self.shape), 0.0)[()]
        yes = CERTAIN[op](x, y)
        no = CERTAIN[OPPOSITE[op]](x, y)
        unsure = ~(np.asarray(yes) | np.asarray(no))
        if unsure.any():
            raise undecided(f"whether {_first(x, unsure)} {SIGNS[op]} {_first(y, unsure)}")
        return yes if isinstance(yes, np.ndarray) else np.bool_(yes)

    def __eq__(self, other: Any) -> Any:
        return self._compare(operator.eq, other)

    def __ne__(self, other: Any) -> Any:
        return self._compare(operator.ne, other)

    def _truth(self) -> Any:
        return self != 0

    def _decided(self, op: str, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Return np.op of the set: isfinite, any, argsort, ..."""
        if op in ("iscomplexobj", "isrealobj"):
            return op == "isrealobj"
        if op in QUESTIONS:
            return QUESTIONS[op](self)
        objects = np.empty(self.shape, dtype=object)
        for i in np.ndindex(*self.shape):
            objects[i] = self[i]
        return of_value(op, objects, *args, **named)

    # -------------------------------------------------------------- memory
    def _hosts(self, other: Any) -> bool:
        return False

    def __getitem__(self, index: Any) -> Self:
        low, high = self._lo, self._hi
        if type(low) is float:
            low, high = np.asarray(low), np.asarray(high)
        if type(index) is not int and type(index) is not slice:
            index = plain_index(index)
        return self._make(low[index], high[index])

    def _viewed(self, f: Callable[..., Any]) -> Any:
        low, high = f(_array(self._lo)), f(_array(self._hi))
        if isinstance(low, (list, tuple)):
            return type(low)(map(self._make, low, high))
        return self._make(low, high)

    def copy(self, order: Any = "C") -> Self:
        """Return a copy, its axes in that order in memory."""
        if type(self._lo) is float:
            return self._make(self._lo, self._hi)
        return self._make(self._lo.copy(order), self._hi.copy(order))

    def astype(self, dtype: Any, order: Any = "K", copy: bool = True) -> Self:
        """Return the set itself, of which the ends are float64."""
        if np.dtype(dtype) not in (np.dtype(float), np.dtype(object)):
            raise TypeError(f"an Interval has ends in float64, not in {np.dtype(dtype)}")
        return self.copy(order) if copy else self

    def _memory(self) -> Any:
        x = self._lo
        return None if type(x) is float else x if x.base is None else x.base

    def _in_memory(self) -> Array:
        return _array(self._lo)

    def _shared(self) -> Self:
        return self

    def _unchanged(self, copy: Any) -> bool:
        return all(np.array_equal(a, b) for a, b in zip(self._ends, copy._ends, strict=True))

    def __setitem__(self, index: Any, value: Any) -> None:
        if type(index) is int and type(value) is Interval and type(self._lo) is not float:
            self._lo[index], self._hi[index] = value._ends
        else:
            super().__setitem__(index, value)

    def _assign(self, index: Any, value: Any) -> None:
        y = self._beside(value) if fits(value) else None
        if y is None:
            raise AlgebraMismatch(
                f"{shown(value)} does not fit into an array of intervals; make a new array, with "
                "np.stack, or give it sets of numbers"
            )
        if type(self._lo) is float:
            raise TypeError("an Interval that is one number cannot be written into")
        self._lo[index], self._hi[index] = y

    # -------------------------------------------------------------- primitives of Operand
    def process(self, op: Op, args: Sequence[Any]) -> Any:
        """Return what an instruction makes of those arguments."""
        if isinstance(op, Arithmetic):
            return _operated(op, *map(self._ends_of, args))
        environment.check()
        with np.errstate(all="ignore"):
            return PROCESS[type(op)](Interval, op, args)

    def _zeros(self, shape: Shape) -> Self:
        return self._make(np.zeros(shape), np.zeros(shape))

    def _ones(self) -> Self:
        return self._make(np.ones(self.shape), np.ones(self.shape))

    def _nonzero(self) -> Any:
        return np.not_equal(self._lo, 0) | np.not_equal(self._hi, 0)

    def _constant(self, c: Any) -> Self:
        return self.of(c)

    def _lowered(self, c: Any) -> Any:
        return c if type(c) in PLAIN else self.of(c)

    def _local_series(self, row: Any, order: int) -> Self:
        return values.coefficients(row, self, order)  # type: ignore[no-any-return]

    def _dot(self, other: Any) -> Any:
        """Return Σ self·other over the first axis, with one bound of what rounding takes."""
        return self._make(*_quiet(planes.dot, self._ends, self._ends_of(other)))


register(Interval, SETS)


# ------------------------------------------------------------------ helpers
def undecided(what: str) -> Undecided:
    """Return the error for a question whose answer differs among members."""
    return Undecided(f"{what} differs among members of the intervals; split them")


def _operated(op: Arithmetic, x: Ends, y: Ends) -> Any:
    if op is DIV and current_policy().singular != "propagate":
        bad = np.asarray(planes.has_zero(y))
        alone = bad.ndim == 0 and np.ndim(x[0]) == 0
        if bad.any() and (alone or current_policy().singular == "raise"):
            raise PoleError(f"division by {_first(y, bad)}, which holds zero; split it")
    f = planes.plus if op is ADD else planes.times if op is MUL else planes.over
    return Interval._make(*_quiet(f, x, y))


def _quiet(f: Callable[..., Ends], *args: Any) -> Ends:
    environment.check()
    if all([type(x[0]) is float for x in args]):
        return f(*args)
    with np.errstate(all="ignore"):
        return f(*args)


def _first(x: Ends, mask: Array) -> str:
    """Return the first interval in the lanes of a mask, for a message."""
    at = tuple(np.argwhere(mask)[0])
    low, high = (float(np.broadcast_to(v, mask.shape)[at]) for v in x)
    return str(Interval._make(low, high)) if low != high else repr(low)


def _array(x: Any) -> Array:
    return x if isinstance(x, np.ndarray) else np.asarray(x)


def _fixed(x: Any) -> Any:
    if type(x) is float:
        return x
    view = x.view()
    view.flags.writeable = False
    return view


def _listed(x: Any, text: Callable[[float], str]) -> str:
    if type(x) is float:
        return text(x)
    return f"[{', '.join(_listed(e if e.ndim else float(e), text) for e in x)}]"


def _made(low: Any, high: Any) -> Interval:
    return Interval._make(low, high)


PLAIN = {int, float}
QUESTIONS: dict[str, Callable[[Interval], Any]] = {
    "isnan": lambda x: np.zeros(x.shape, dtype=bool)[()],
    "isfinite": lambda x: np.isfinite(x.mag),
    "isinf": lambda x: ~np.isfinite(x.mag),
    "isposinf": lambda x: np.zeros(x.shape, dtype=bool)[()],
    "isneginf": lambda x: np.zeros(x.shape, dtype=bool)[()],
    "signbit": lambda x: x < 0,
}
