"""Kinds of number: one object each, which knows all that the package asks about its numbers.

The numbers of one array are of one kind: a dtype of floats, int, Fraction, Decimal, those of a
context of mpmath (mpf and mpc), intervals of one, or a kind that was registered.  Where two meet

    int -> Fraction -> floats -> mpf and mpc -> intervals,      int -> Decimal -> mpf -> intervals

the one of the higher rank takes the other's numbers: exact ones rounded once at its precision
(enclosed by intervals), floats exactly.  Decimals and floats or Fractions do not meet.  So no
quotient of two Python integers is ever taken inside an array of another kind, where it would be a
float64.
"""

from __future__ import annotations

import functools
import math
import numbers
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.errors import PoleError

Array = NDArray[Any]  # of numbers; a value of the package used as one is Any
Shape = tuple[int, ...]
_THREAD = threading.local()


class Handled:
    """Marks the values of the package (series, nodes), which handle their own arithmetic."""

    __slots__ = ("__weakref__",)

    def _lowered(self, c: Any) -> Any:
        """Return the constant c (see `constant`) as a number that combines with this value."""
        return c


class ValueSet(Handled):
    """Marks sets of numbers, which are innermost: series are over them, and they hold nothing."""

    __slots__ = ()
    kind: Kind  # in which it meets others
    shape: Any
    tag: Any

    def members(self) -> tuple[Array, Array, Array]:
        """Return of every set its least member, that nearest to zero, and its largest, as floats.

        They may be less, nearer and larger than any member.
        """
        raise NotImplementedError

    def _dot(self, other: Any) -> Any:
        """Return Σ self·other over the first axis."""
        x: Any = self
        return (x * other).sum(0)


class Fillable:
    """Marks the arrays of NumPy into which values of the package can be written."""

    __slots__ = ()
    filled = False  # whether one was

    def content(self) -> Any:
        """Return what it holds: a plain array, or a value of the package."""
        raise NotImplementedError


def content(x: Any) -> Any:
    """Return what an array of another class holds, and all else as it is.

    Such a class is fillable, or has a method __taylor_value__() that returns it.
    """
    if isinstance(x, Fillable):
        return x.content()
    return x.__taylor_value__() if hasattr(x, "__taylor_value__") else x


def is_operand(x: object) -> bool:
    """Whether x is a value of the package (a series, a node) that handles its own arithmetic."""
    return isinstance(x, Handled)


def is_nested(x: object) -> bool:
    """Whether x is a value of the package that holds others: x.value is what it holds."""
    return isinstance(x, Handled) and not isinstance(x, ValueSet)


def base(x: Any) -> Any:
    """Return the innermost number, array or set of a value of any nesting."""
    while is_nested(x):
        x = x.value
    return x


def within(x: Any, kind: type) -> Any:
    """Return the first value of a class inside of x, or the innermost number if there is none."""
    while is_nested(x) and not isinstance(x, kind):
        x = x.value
    return x


def base_array(x: Any) -> Any:
    """Return the innermost numbers of a value as an array, or as a set."""
    x = base(x)
    return x if isinstance(x, ValueSet) else np.asarray(x)


# ------------------------------------------------------------------ what is asked of a kind
class Kind:
    """A kind of number.  A new one gives `number`, `to_mpmath`, `precision`; see `register`."""

    rank = 3.0  # of two kinds the one of the higher rank takes the other's numbers
    exact = False  # whether its numbers are never rounded
    numpy = False  # whether NumPy's functions take its numbers, or floats for them
    sets = False  # whether each of its numbers is a set, such as an interval
    strangers: tuple[type[Kind], ...] = ()  # whose numbers do not meet those of this kind
    precision = 53  # in bits

    @staticmethod
    def of(*xs: Any) -> Kind:
        """Return the kind in which numbers, arrays, and the innermost numbers of values meet.

        >>> Kind.of(1, Fraction(1, 2)), Kind.of(1, np.ones(2, dtype=np.float32))
        (Rationals(), Floats(float32))
        """
        if len(xs) == 1:
            return _kind_of(xs[0])
        return meet(map(_kind_of, xs)) if xs else floats(np.dtype(float))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    @property
    def field(self) -> Kind:
        """The kind of its quotients."""
        return self

    @property
    def one(self) -> Any:
        """The number one, as it is written into an array."""
        return self.number(1)

    def number(self, x: Any) -> Any:
        """Return a number of a kind of no higher rank as one of this kind."""
        raise NotImplementedError

    def beside(self, x: Any) -> Any:
        """Return a number as an operator combines it with numbers of this kind."""
        return self.number(x)

    def array(self, x: Array) -> Array:
        """Return an array of numbers of kinds of no higher rank in this kind."""
        if x.dtype == object and all(of_number(e) == self for e in x.flat):
            return x
        return object_array(x.shape, [self.number(e) for e in x.flat])

    def compiled(self, program: Any, order: int, variable: bool) -> Any:
        """Return machine code of a program at series, or None: `through(table)` is what it does."""
        return None

    def among(self, x: Array) -> Array:
        """Return an array as any operator combines it with arrays of this kind."""
        return self.array(x)

    def zeros(self, shape: Shape) -> Array:
        """Return an array of zeros."""
        return full(shape, self.number(0))

    def takes(self, other: Kind) -> Kind:
        """Return the kind in which its numbers meet those of a kind of no higher rank."""
        return self

    def constant(self, c: Any) -> Any:
        """Return a `Constant` as a number of this kind."""
        return self.number(c.formula(private(self.precision + 20)))

    def to_mpmath(self, ctx: Any, x: Any) -> Any:
        """Return a number as one of an mpmath context."""
        return ctx.convert(x)

    def value(self, row: Any, args: Sequence[Any]) -> Any:
        """Return the plain value of a row of the table at numbers that meet in this kind.

        It is found in a context of mpmath, and nan outside of the domain.
        """
        ctx = private(self.precision + 20)
        try:
            y = row.mp(ctx, *(self.to_mpmath(ctx, self.number(x)) for x in args))
        except (ValueError, ZeroDivisionError):
            y = ctx.nan
        return self.number(ctx.nan if isinstance(y, ctx.mpc) else y)

    def local(self, row: Any, x: Any, order: int) -> Array:
        """Return f⁽ᵐ⁾(x)/m!, m = 0..order, of a row with a local series."""
        found = row.local(self.to_mpmath(private(self.precision + 20), x), order)
        return object_array((order + 1,), [self.number(c) for c in found])

    def over(self, x: Any, y: Any) -> Any:
        """Return x/y; PoleError where y is zero and no number of this kind stands for that."""
        try:
            return x / y
        except ZeroDivisionError:
            raise _pole(f"{shown(x)}/{shown(y)}") from None

    def is_zero(self, x: Any) -> bool:
        """Whether a number is zero, or a set contains zero."""
        return bool(x == 0)

    def is_nan(self, x: Any) -> bool:
        """Whether a number is not a number."""
        return bool(x != x)

    def is_finite(self, x: Any) -> bool:
        """Whether a number is finite, or a set bounded."""
        return bool(abs(x) < float("inf"))

    def is_wide(self, x: Any) -> Any:
        """Return whether a set has more than one member; of an array of sets for each."""
        return False

    def ends(self, x: Any) -> tuple[Any, Any]:
        """Return the least and the largest number of a set, in an mpmath context."""
        raise NotImplementedError

    def hull(self, x: Any, y: Any) -> Any:
        """Return the smallest set around two numbers or sets."""
        raise NotImplementedError

    def compare(self, op: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
        """Return op(x, y) of two numbers, None where it is not the same for all of two sets."""
        return op(x, y)

    def spacing(self, x: Any) -> Any:
        """Return about the distance of a number to the next one."""
        eps = self.number(2) ** -self.precision
        return abs(x) * eps if x else eps


class Native(Kind):
    """Numbers that NumPy's functions, and local series, take as they are."""

    numpy = True

    def constant(self, c: Any) -> float:
        return float(c)

    def local(self, row: Any, x: Any, order: int) -> Any:
        return row.local(x, order)


@dataclass(frozen=True, repr=False)
class Floats(Native):
    """Floating-point numbers of NumPy, real or complex, of one dtype."""

    dtype: np.dtype[Any]
    rank = 2.0

    def __repr__(self) -> str:
        return f"Floats({self.dtype})"

    @property
    def one(self) -> Any:
        return 1

    def number(self, x: Any) -> Any:
        return self.dtype.type(x)

    def beside(self, x: Any) -> Any:
        return float(x) if isinstance(x, Fraction) else x  # Python's numbers are weak

    def array(self, x: Array) -> Array:
        return x if x.dtype == self.dtype else x.astype(self.dtype)

    def among(self, x: Array) -> Array:
        return x if x.dtype.kind in "fc" else self.array(x)  # float32 stays beside float64

    def zeros(self, shape: Shape) -> Array:
        return np.zeros(shape, self.dtype)

    def takes(self, other: Kind) -> Kind:
        return floats(np.result_type(self.dtype, other.dtype)) if type(other) is Floats else self

    def value(self, row: Any, args: Sequence[Any]) -> Any:
        numbers_ = [float(x) if isinstance(x, (bool, int, Fraction)) else x for x in args]
        try:
            return row.numpy(*map(above_cut, numbers_))
        except ZeroDivisionError:  # of Python's floats; NumPy's have an infinity for it
            with np.errstate(all="ignore"):
                return row.numpy(*(np.asarray(x)[()] for x in numbers_))

    def spacing(self, x: Any) -> Any:
        return np.spacing(max(abs(x), 1e-300))


class Exact(Native):
    """Numbers that are never rounded, of one type of Python."""

    exact = True


class Integers(Exact):
    """Python's integers; their quotients are floats."""

    rank = 0.0

    @property
    def field(self) -> Kind:
        return floats(np.dtype(float))

    def number(self, x: Any) -> Any:
        return int(x) if isinstance(x, (np.integer, np.bool_, bool)) else x

    def beside(self, x: Any) -> Any:
        return x

    def among(self, x: Array) -> Array:
        return x if x.dtype == object else self.array(x)

    def value(self, row: Any, args: Sequence[Any]) -> Any:
        whole_number = (row.compose or row.jumps) and row.exact
        if whole_number and all(isinstance(x, (bool, int)) for x in args):
            y = row.exact(*map(int, args))
            if isinstance(y, (int, Fraction)) and y == int(y):
                return int(y)
        return self.field.value(row, args)

    def local(self, row: Any, x: Any, order: int) -> Any:
        return row.local(np.asarray(x, dtype=float)[()], order)


class Rationals(Exact):
    """Fractions."""

    rank = 1.0

    def number(self, x: Any) -> Any:
        lost = isinstance(x, float) and not math.isfinite(x)  # no derivative at a kink, say
        return x if lost else Fraction(INTEGERS.number(x))  # NumPy's integers overflow

    def value(self, row: Any, args: Sequence[Any]) -> Any:
        written = f"{row.name}({', '.join(map(str, args))})"
        try:
            known = row.exact(*args) if row.exact is not None else None
        except ZeroDivisionError:
            raise _pole(written) from None
        if known is None:
            raise TypeError(
                f"{written} is not rational; use float(x) or mpmath.mpf for an approximation"
            )
        return Fraction(known) if isinstance(known, int) else known


class Decimals(Exact):
    """Decimals, whose quotients are rounded as their context says."""

    rank = 1.5
    strangers = (Floats, Rationals)

    def number(self, x: Any) -> Any:
        return Decimal(INTEGERS.number(x))

    def value(self, row: Any, args: Sequence[Any]) -> Any:
        known = row.exact(*map(Fraction, args)) if row.exact is not None else None
        if known is None:
            raise TypeError(
                f"{row.name} of a Decimal is not exact; use mpmath.mpf or float instead"
            )
        return Decimal(known.numerator) / known.denominator


class Held(Exact):
    """Values of the package in an array of objects: they meet everything by themselves."""

    rank, exact, numpy = 9.0, False, False

    @property
    def one(self) -> Any:
        return 1

    def number(self, x: Any) -> Any:
        return x

    def array(self, x: Array) -> Array:
        return x


INTEGERS, RATIONALS, DECIMALS, HELD = Integers(), Rationals(), Decimals(), Held()


@functools.cache
def floats(dtype: np.dtype[Any]) -> Floats:
    """Return the kind of a floating-point dtype."""
    return Floats(dtype)


# ------------------------------------------------------------------ which kind a number is of
Finder = Callable[[type], Kind | None]
_FINDERS: list[Finder] = []
_KNOWN: dict[type, Kind | None] = {}


def register(find: type | Finder, kind: Kind | None = None) -> None:
    """Let numbers of a type be of a kind: register(type, kind).

    For types made while a program runs: register(find), where find(type) gives the kind or None.
    """
    if isinstance(find, type):
        number_type = find
        find = lambda t: kind if issubclass(t, number_type) else None  # noqa: E731
    _FINDERS.insert(0, find)
    _KNOWN.clear()


def of_type(number_type: type) -> Kind | None:
    """Return the kind of the numbers of a type; None if they are no numbers."""
    if number_type not in _KNOWN:
        found = (find(number_type) for find in _FINDERS)
        _KNOWN[number_type] = next((kind for kind in found if kind is not None), None)
    return _KNOWN[number_type]


def _of_python(t: type) -> Kind | None:
    if issubclass(t, np.inexact):
        return floats(np.dtype(t))
    if issubclass(t, (int, np.integer, np.bool_)):
        return INTEGERS
    for number_type, kind in ((Handled, HELD), (Fraction, RATIONALS), (Decimal, DECIMALS)):
        if issubclass(t, number_type):
            return kind
    real = not issubclass(t, complex)
    return floats(np.dtype(float if real else complex)) if issubclass(t, numbers.Number) else None


register(_of_python)


def of_number(x: Any) -> Kind:
    """Return the kind of one number; raise TypeError for anything else."""
    kind = of_type(type(x))
    if kind is None:
        many = hasattr(x, "__iter__") and not isinstance(x, (str, bytes, bytearray))
        raise TypeError(
            f"{shown(x)} ({type(x).__name__}) is not a number; a series needs numbers"
            + ("; make a list or an array of it" if many else "")
        )
    return kind


def shown(x: Any) -> str:
    """Return the beginning of a repr on one line, for a message.

    >>> shown([1, 2])
    '[1, 2]'
    """
    text = " ".join(repr(x).split())
    return text if len(text) <= 60 else text[:57] + "..."


def _kind_of(x: Any) -> Kind:
    while is_nested(x):
        x = x._coef if hasattr(x, "_coef") else x.value
    if isinstance(x, ValueSet):
        return x.kind
    if not isinstance(x, np.ndarray):
        return of_number(x)
    if x.dtype != object:
        return floats(x.dtype) if x.dtype.kind in "fc" else INTEGERS
    flat = x.reshape(-1).tolist()
    one_of_each = dict(zip(map(type, flat), flat, strict=True))
    mixed = len(one_of_each) > 1 and float in one_of_each
    if mixed and not any(type(e) is float and math.isfinite(e) for e in flat):
        del one_of_each[float]  # nan beside exact numbers: where nothing exists
    return meet(map(_kind_of, one_of_each.values())) if one_of_each else INTEGERS


def meet(kinds: Iterable[Kind]) -> Kind:
    """Return the kind in which numbers of these kinds meet."""
    different = dict.fromkeys(kinds)
    if len(different) > 1:
        different = dict.fromkeys(sorted(different, key=lambda k: -k.rank))
    return functools.reduce(_meeting, different)


def _meeting(kind: Kind, other: Kind) -> Kind:
    if isinstance(other, kind.strangers) or isinstance(kind, other.strangers):
        raise TypeError(
            "a Decimal meets integers and mpmath's numbers only, not floats or Fractions; convert "
            "one of the two"
        )
    return kind.takes(other)


# ------------------------------------------------------------------ helpers
def _pole(what: str) -> PoleError:
    return PoleError(
        f"{what}: a division by zero, for which these numbers have no infinity; move the point, or "
        "use floats"
    )


def lent(bits: int) -> Any:
    """Return a context like a private one, in which nobody computes until it is given back.

    mpmath's functions, and those of a user, change the precision for a while.
    """
    free = _THREAD.__dict__.setdefault("free", [])
    if not free:
        from mpmath.ctx_mp import MPContext

        free.append(MPContext())
    ctx = free.pop()
    if ctx.prec != bits:
        ctx.prec = bits
    return ctx


def give_back(ctx: Any) -> None:
    """Give a context back that was lent to this thread."""
    _THREAD.free.append(ctx)


def private(bits: int) -> Any:
    """Return an mpmath context of this thread's own with the given precision in bits."""
    contexts = _THREAD.__dict__.setdefault("contexts", {})
    if bits not in contexts:
        from mpmath.ctx_mp import MPContext

        contexts[bits] = MPContext()
    contexts[bits].prec = bits
    return contexts[bits]


def full(shape: Shape, x: Any) -> Array:
    """Return an object array of the shape with x in every place, whatever protocols x speaks."""
    out = np.empty(shape, dtype=object)
    out.fill(x)
    return out


def object_array(shape: Shape, numbers_: Sequence[Any]) -> Array:
    """Return an object array of the shape, filled with the numbers in C order."""
    out = np.empty(len(numbers_), dtype=object)
    for i, e in enumerate(numbers_):
        out[i] = e
    return out.reshape(shape)


def above_cut(x: Any) -> Any:
    """On a branch cut the value is the limit from above: a zero imaginary part counts as +0."""
    return x + 0 if np.iscomplexobj(x) else x
