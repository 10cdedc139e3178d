"""Kinds of number: how they meet, arrays of one kind, and which plain function is meant."""

from __future__ import annotations

import contextvars
import math
import numbers
import operator
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.errors import DomainError

Array = Any  # an ndarray of numbers, or an array-like Series used as coefficients

RATIONAL = (int, Fraction)


# ------------------------------------------------------------------ what is a number
class Handled:
    """Marks the values of the package (series, nodes), which handle their own arithmetic."""

    __slots__ = ("__weakref__",)

    def _lowered(self, c: Any) -> Any:
        """Return the constant c (see `constant`) as a number that combines with this value."""
        return c


def is_operand(x: object) -> bool:
    """Whether x is a value of the package (a series, a node) that handles its own arithmetic."""
    return isinstance(x, Handled)


def shape_of(x: Any) -> tuple[int, ...]:
    """Return np.shape(x); faster for arrays and values of the package."""
    found = getattr(x, "shape", None)
    return np.shape(x) if found is None else found


def base(x: Any) -> Any:
    """Return the innermost plain value of a number of any nesting."""
    while is_operand(x):
        x = x.value
    return x


def is_interval(x: object) -> bool:
    """Whether x is a number of an interval context such as mpmath.iv."""
    return type(x) is not np.ndarray and (hasattr(x, "_mpi_") or hasattr(x, "_mpci_"))


def ordered(x: Any) -> Any:
    """Return what a row compares to choose its formula: of complex numbers the real parts."""
    pairs = not is_operand(x) and (np.iscomplexobj(x) or hasattr(x, "_mpc_"))
    return x.real if pairs else x


def is_number(x: object) -> bool:
    """Whether x can be a coefficient: any Python, NumPy, mpmath number, or a series."""
    return isinstance(x, (numbers.Number, Decimal)) or is_interval(x) or is_operand(x)


def canonical(x: Any) -> Any:
    """Return one number in the form coefficients are stored in: exact integers are Python's."""
    if isinstance(x, (bool, np.bool_, np.integer)):
        return int(x)
    if not is_number(x):
        raise TypeError(f"{x!r} ({type(x).__name__}) is not a number; a series needs numbers")
    return x


def common_shape(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that arrays of these shapes broadcast to (equal ones are the rule)."""
    first = shapes[0]
    return first if all(s == first for s in shapes) else np.broadcast_shapes(*shapes)


def full(shape: tuple[int, ...], x: Any) -> Array:
    """Return an object array of the shape with x in every place, whatever protocols x speaks."""
    out = np.empty(shape, dtype=object)
    out.fill(x)
    return out


def as_array(x: Any) -> Array:
    """Return numbers as an ndarray that series can use (always a copy).

    float and complex stay as they are; integers and booleans of any width become Python's exact
    integers; Fraction, Decimal, mpf, mpc and intervals become object arrays.

    >>> as_array([True, 2]).tolist(), as_array(0.5).dtype
    ([1, 2], dtype('float64'))
    """
    if isinstance(x, (np.ndarray, np.generic)):
        a = np.array(x)
    elif isinstance(x, (list, tuple)):
        try:
            a = np.array(x)
        except ValueError:
            raise ValueError("the rows of a nested list of coefficients differ in length") from None
    else:
        return np.array(x) if isinstance(x, (float, complex)) else full((), canonical(x))
    if a.dtype.kind in "fc":
        return a
    if a.dtype.kind in "iubO":
        out = np.empty_like(a, dtype=object)
        flat, source = out.ravel("K"), a.ravel("K")
        for i in range(a.size):
            flat[i] = canonical(source[i])
        return _as_kind(out, _union({_kind_of_number(e) for e in flat} - {int}))
    raise TypeError(f"{x!r} is not an array of numbers (dtype {a.dtype})")


# ------------------------------------------------------------------ kinds, and how they meet
# The numbers of one array are of one kind: a dtype of floats, int, Fraction, Decimal, a context of
# mpmath (mpf and mpc), one of intervals, or HELD for the values of the package.  Where two kinds
# meet
#
#     int -> Fraction -> floats -> mpf and mpc -> intervals,      int -> Decimal -> mpf -> intervals
#
# the later one takes the other's numbers: exact ones rounded once at its precision (enclosed by
# intervals), floats exactly.  Decimal and floats or Fractions do not meet.  So no quotient of two
# Python integers is ever taken inside an array of another kind, where it would be a float64.
HELD = object()


def _kind_of_number(e: Any) -> Any:
    if isinstance(e, (int, np.integer, np.bool_)):
        return int
    if is_operand(e):
        return HELD
    if is_interval(e):
        return e.ctx
    context = getattr(e, "context", None)
    if context is not None:
        return context
    for kind in (Fraction, Decimal):
        if isinstance(e, kind):
            return kind
    return np.dtype(complex if isinstance(e, complex) else float)


def kind_of(x: Any) -> Any:
    """Return the kind of the numbers of an array, or of the innermost ones of a value.

    >>> kind_of(np.ones(2, dtype=np.float32)), kind_of(as_array([1, Fraction(1, 2)])).__name__
    (dtype('float32'), 'Fraction')
    """
    while is_operand(x):
        x = x._coef if hasattr(x, "_coef") else x.value
    if not isinstance(x, np.ndarray):
        return x.dtype if isinstance(x, np.inexact) else _kind_of_number(x)
    if x.dtype != object:
        return x.dtype if x.dtype.kind in "fc" else int
    for e in x.flat:
        kind = int if type(e) is int else kind_of(e) if is_operand(e) else _kind_of_number(e)
        if kind is not int:
            return kind
    return int


def _is_set(kind: Any) -> bool:
    """Whether a kind is a context of intervals."""
    return hasattr(kind, "_mpi")


def _union(kinds: set[Any]) -> Any:
    """Return the kind in which numbers of these kinds meet."""
    if len(kinds) < 2:
        return next(iter(kinds), int)
    if HELD in kinds:
        return HELD
    contexts = [k for k in kinds if hasattr(k, "mpf")]
    if contexts:
        return next((k for k in contexts if _is_set(k)), contexts[0])
    floats = [k for k in kinds if isinstance(k, np.dtype)]
    if Decimal in kinds and (floats or Fraction in kinds):
        raise TypeError(
            "a Decimal meets integers and mpmath's numbers only, not floats or Fractions; convert "
            "one of the two"
        )
    if floats:
        return np.result_type(*floats)
    return Decimal if Decimal in kinds else Fraction


def _as_kind(x: Array, kind: Any) -> Array:
    """Return an array of numbers in a kind that follows theirs."""
    if kind is HELD or kind is int or is_operand(x):
        return x
    if isinstance(kind, np.dtype):
        return x if x.dtype != object and x.dtype == kind else x.astype(kind)
    if x.dtype == object and all(_kind_of_number(e) is kind for e in x.flat):
        return x
    out = np.empty(x.shape, dtype=object)
    for i, e in enumerate(x.flat):
        out.flat[i] = in_kind(e, kind)
    return out


def in_kind(e: Any, kind: Any) -> Any:
    """Return one number in a kind that follows its own (for numbers of arrays, see `together`)."""
    if hasattr(kind, "mpf"):
        return _convert(kind, e)
    if isinstance(kind, np.dtype):
        return kind.type(e)
    return e if is_operand(e) or kind not in (Fraction, Decimal) else kind(e)


def together(*arrays: Array) -> tuple[Array, ...]:
    """Return arrays whose numbers can be combined, element by element, by any operator.

    >>> [x.dtype for x in together(as_array([1, 2]), np.ones(2, dtype=np.float32))]
    [dtype('float32'), dtype('float32')]
    """
    plain = [x for x in arrays if not is_operand(x)]
    if all(x.dtype != object for x in plain):
        return arrays
    arrays = tuple(
        as_array(x) if not is_operand(x) and x.dtype.kind in "iub" else x for x in arrays
    )
    kinds = {kind_of(x) for x in plain}
    if len(kinds) == 1 and int not in kinds:
        return arrays
    kind = _union(kinds)
    if isinstance(kind, np.dtype):  # float32 stays beside float64, as in NumPy
        exacts = [x.dtype == object for x in arrays]
        return tuple(
            x.astype(kind) if change else x for x, change in zip(arrays, exacts, strict=True)
        )
    return tuple(_as_kind(x, kind) for x in arrays)


def sample(*numbers: Any) -> Array:
    """Return a zero of the kind in which numbers or arrays of them meet, in an array."""
    kind = _union({kind_of(x) for x in numbers} or {np.dtype(float)})
    return np.zeros(1, kind) if isinstance(kind, np.dtype) else _zeros((1,), kind)


def meeting(x: Array, like: Any) -> Array:
    """Return plain numbers in the kind in which they meet those of a value, of the package too.

    >>> meeting(as_array(1), np.ones(2, dtype=np.float32)).dtype
    dtype('float32')
    """
    if is_operand(x) or (_is_native(x) and _is_native(like)):
        return x
    kind = kind_of(x)
    if x.dtype == object or kind is not kind_of(like):
        kind = _union({kind, kind_of(like)})
    return x if isinstance(kind, np.dtype) and x.dtype != object else _as_kind(x, kind)


def alike(xs: Sequence[Any]) -> list[Any]:
    """Return numbers and arrays in the kind in which they meet.

    Floats of several precisions and Python's numbers beside them stay as they are, as in NumPy.
    """
    kind = _union({kind_of(x) for x in xs})
    if kind is HELD or kind is int:
        return list(xs)
    if isinstance(kind, np.dtype):
        return [
            x.astype(kind) if isinstance(x, np.ndarray) and x.dtype == object else x for x in xs
        ]
    return [x if is_operand(x) else _as_kind(as_array(x), kind)[()] for x in xs]


def unit_rows(count: int, shape: tuple[int, ...], like: Any, start: int = 0) -> Array:
    """Return the unit directions e_start, e_(start+1), ... of an array of the kind of `like`."""
    size, kind = int(np.prod(shape, dtype=int)), kind_of(like)
    dtype = kind if isinstance(kind, np.dtype) else float
    rows = np.eye(count, size, start, dtype=dtype).reshape(count, *shape)
    if isinstance(kind, np.dtype):
        return rows
    out = _zeros(rows.shape, kind)
    out[rows == 1] = in_kind(1, kind)
    return out


def unit(like: Array) -> Any:
    """Return the number 1 of the kind of number of an array."""
    kind = kind_of(like)
    return 1 if isinstance(kind, np.dtype) or kind is HELD else in_kind(1, kind)


def joined(arrays: Sequence[Array]) -> list[Array]:
    """Return plain arrays in one dtype and kind, as parts of one table."""
    arrays = list(together(*arrays))
    dtype = np.result_type(*arrays) if arrays else float
    return [a.astype(dtype, copy=False) for a in arrays]


def divisible(x: Array) -> Array:
    """Return numbers whose quotients are right: exact integers as floats, all others as they are.

    >>> divisible(as_array([1, 2]))
    array([1., 2.])
    """
    if is_operand(x) or kind_of(x) is not int:
        return x
    return x if x.dtype == object and not x.size else x.astype(float)  # no numbers, of any kind


def is_set(x: Any) -> bool:
    """Whether x is an interval or an array of intervals."""
    if isinstance(x, np.ndarray):
        return x.dtype == object and _is_set(kind_of(x))
    return not is_operand(x) and is_interval(x)


def decided(op: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    """Return how plain numbers or arrays of them compare.

    An interval of which some members compare one way and some the other raises DomainError, a
    complex number TypeError; values of the package compare themselves.
    """
    if is_operand(x) or is_operand(y):
        return op(x, y)
    if np.iscomplexobj(x) or np.iscomplexobj(y):
        raise TypeError("complex values have no order; compare real parts of .value")
    if not (is_set(x) or is_set(y)):
        return op(x, y)
    found = np.frompyfunc(op, 2, 1)(x, y)
    for outcome, a, b in np.broadcast(found, x, y):
        if outcome is None:
            raise DomainError(
                f"how {a} and {b} compare ({op.__name__}) is not the same for all members of the "
                "interval, so no branch can be taken; split it"
            )
    return np.asarray(found, dtype=bool)[()]


_OF_OBJECTS: dict[str, Callable[[Any], Any]] = {
    "isnan": lambda e: e != e,
    "isinf": lambda e: abs(e) == math.inf,
    "isfinite": lambda e: abs(e) < math.inf,
}


def of_value(op: str, x: Any, *args: Any, **named: Any) -> Any:
    """Return np.op of a value; NumPy has no isnan and its like for numbers that are objects."""
    test = None if is_operand(x) else _OF_OBJECTS.get(op)
    if test is None or np.asarray(x).dtype != object:
        return getattr(np, op)(x, *args, **named)
    return np.asarray(np.frompyfunc(test, 1, 1)(x), dtype=bool)[()]


def hull(ctx: Any, x: Any, y: Any) -> Any:
    """Return the smallest interval of a context around two numbers or intervals."""
    x, y = _convert(ctx, x), _convert(ctx, y)
    if hasattr(x, "_mpi_") and hasattr(y, "_mpi_"):
        return ctx.mpf([x.a if x.a <= y.a else y.a, x.b if x.b >= y.b else y.b])
    return ctx.mpc(hull(ctx, x.real, y.real), hull(ctx, x.imag, y.imag))


def ends(x: Any) -> tuple[Any, Any]:
    """Return the end points of an interval, as numbers of a context of this thread's own."""
    mp = private(x.ctx.prec + 30)
    low, high = map(mp.make_mpf, x._mpi_)
    return low, high


def members(x: Array) -> tuple[Array, Array, Array]:
    """Return of every interval of an array its least member, that nearest to zero, its largest."""
    low, high = (
        np.frompyfunc(lambda e, n=n: float(ends(e)[n] if is_interval(e) else e), 1, 1)(x)
        for n in (0, 1)
    )
    low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    return low, np.clip(0.0, low, high), high


def zeros(shape: tuple[int, ...], like: Array) -> Array:
    """Return an array of zeros of the kind of number of `like`."""
    if is_operand(like):
        return like._zeros(shape)
    return (
        np.zeros(shape, dtype=like.dtype) if like.dtype != object else _zeros(shape, kind_of(like))
    )


def _zeros(shape: tuple[int, ...], kind: Any) -> Array:
    """Return an array of zeros of a kind that is no dtype."""
    out = np.empty(shape, dtype=object)
    out.fill(in_kind(0, kind))
    return out


def integers(x: Any) -> bool:
    """Whether x is an int or an object array of ints."""
    if not isinstance(x, np.ndarray):
        return type(x) is int
    return x.dtype == object and all(type(e) is int for e in x.reshape(-1))


def native(x: Any) -> Any:
    """Return an object array of ints, of floats or of complex numbers in NumPy's own type."""
    if not isinstance(x, np.ndarray) or x.dtype != object or not x.size:
        return x
    kinds = {type(e) for e in x.reshape(-1)}
    if kinds <= {float, np.float64, complex, np.complex128}:
        return x.astype(float if kinds <= {float, np.float64} else complex)
    if kinds == {int} and all(-(1 << 63) <= e < 1 << 63 for e in x.reshape(-1)):
        return x.astype(np.int64)
    return x


def exact(a: Array) -> bool:
    """Whether every element of an object array is an int or a Fraction."""
    return all(isinstance(e, RATIONAL) for e in a.reshape(-1))


_REAL = {float, np.float64, np.float32}
_PLAIN = {float, int, complex, np.float64, np.float32, np.complex128}


def _operands(x: Any, y: Any) -> list[Any]:
    """Return the operands of one operation of plain numbers or arrays in one kind."""
    x, y = alike([x, y])
    if isinstance(y, np.ndarray) and is_interval(x):  # would take an array for its end points
        x = full(y.shape, x)
    return [x, y]


def _is_native(x: Any) -> bool:
    """Whether x is a number of Python or NumPy, or an array of these."""
    return type(x) in _PLAIN or (type(x) is np.ndarray and not x.dtype.hasobject)


def _simple(x: Any, y: Any) -> bool:
    """Whether NumPy and Python know how two operands meet."""
    return (_is_native(x) and _is_native(y)) or is_operand(x) or is_operand(y)


def plus(x: Any, y: Any) -> Any:
    """Return x + y, in the kind in which plain numbers or arrays meet."""
    return x + y if _simple(x, y) else operator.add(*_operands(x, y))


def times(x: Any, y: Any) -> Any:
    """Return x·y, in the kind in which plain numbers or arrays meet."""
    return x * y if _simple(x, y) else operator.mul(*_operands(x, y))


def over(x: Any, y: Any) -> Any:
    """Return x/y, in the kind in which plain numbers or arrays meet."""
    if _simple(x, y):
        return x / y
    x, y = _operands(x, y)
    if kind_of(x) is int is kind_of(y):
        x, y = divisible(np.asarray(x)), divisible(np.asarray(y))
    return x / y


# ------------------------------------------------------------------ constants at any precision
@dataclass(frozen=True)
class Constant:
    """A real constant, known to every number type: a float, and a formula in an mpmath context."""

    name: str
    near: float
    formula: Callable[[Any], Any]

    def __repr__(self) -> str:
        return self.name

    def __float__(self) -> float:
        return self.near

    def __reduce__(self) -> tuple[Any, ...]:
        return (_named, (self.name,))


def _named(name: str) -> Constant:
    return next(c for c in CONSTANTS if c.name == name)


PI = Constant("pi", 3.141592653589793, lambda ctx: +ctx.pi)
ONE_OVER_E = Constant("1/e", 0.36787944117144233, lambda ctx: ctx.exp(-1))
LN2 = Constant("ln2", 0.6931471805599453, lambda ctx: ctx.ln(2))
LOG2_E = Constant("1/ln2", 1.4426950408889634, lambda ctx: 1 / ctx.ln(2))
LOG10_E = Constant("1/ln10", 0.4342944819032518, lambda ctx: 1 / ctx.ln(10))
SQRT1_2 = Constant("1/sqrt2", 0.7071067811865476, lambda ctx: 1 / ctx.sqrt(2))
TWO_OVER_SQRT_PI = Constant("2/sqrtpi", 1.1283791670955126, lambda ctx: 2 / ctx.sqrt(ctx.pi))
SQRT_2_OVER_PI = Constant("sqrt(2/pi)", 0.7978845608028654, lambda ctx: ctx.sqrt(2 / ctx.pi))
ONE_OVER_SQRT_2PI = Constant("1/sqrt2pi", 0.3989422804014327, lambda ctx: 1 / ctx.sqrt(2 * ctx.pi))
DEGREE = Constant("pi/180", 0.017453292519943295, lambda ctx: ctx.pi / 180)
RADIAN = Constant("180/pi", 57.29577951308232, lambda ctx: 180 / ctx.pi)
CONSTANTS = (
    DEGREE, RADIAN, PI, ONE_OVER_E, LN2, LOG2_E, LOG10_E, SQRT1_2, TWO_OVER_SQRT_PI, SQRT_2_OVER_PI,
    ONE_OVER_SQRT_2PI,
)  # fmt: skip


def constant(c: Any, like: Any) -> Any:
    """Return the constant c as a number (or an array) that combines with the numbers of `like`.

    >>> constant(Fraction(1, 2), np.array([1.0]))
    0.5
    """
    if type(c) in (int, float, complex) or is_operand(c):
        return c
    if is_operand(like):
        return like._lowered(c)
    kind = kind_of(like)
    if isinstance(c, Constant):
        return c.formula(kind) if hasattr(kind, "mpf") else float(c)
    if isinstance(c, np.ndarray):
        return c if c.dtype != object or kind is HELD else together(c, like)[0]
    if isinstance(c, (Fraction, np.generic, Decimal)) or is_number(c):
        if isinstance(kind, np.dtype):
            return float(c) if isinstance(c, Fraction) else c
        if hasattr(kind, "mpf"):
            return _convert(kind, c)
    return c


# ------------------------------------------------------------------ mpmath contexts nobody shares
_LOCAL = threading.local()


def private(bits: int) -> Any:
    """Return an mpmath context of this thread's own with the given precision in bits."""
    if not hasattr(_LOCAL, "context"):
        from mpmath.ctx_mp import MPContext

        _LOCAL.context = MPContext()
    _LOCAL.context.prec = bits
    return _LOCAL.context


# ------------------------------------------------------------------ calling a plain function
def by_mpmath(formula: Callable[..., Any]) -> Callable[..., Array]:
    """Return the float64/complex128 version, lane by lane, of a formula in an mpmath context."""

    def lane(*x: Any) -> Any:
        ctx = private(80)
        try:
            y = formula(ctx, *(ctx.convert(v) for v in x))
        except (ValueError, ZeroDivisionError):
            return np.nan
        if any(isinstance(v, complex) for v in x):
            return complex(y)
        return float(y) if not getattr(y, "imag", 0) else np.nan

    return by_lanes(lane)


def by_lanes(lane: Callable[..., Any]) -> Callable[..., Array]:
    """Return the array version of a function of Python floats (nan outside its domain)."""

    def guarded(*x: Any) -> Any:
        try:
            return lane(*x)
        except ValueError:
            return np.nan
        except OverflowError:
            return np.inf

    def arrays(*x: Any) -> Array:
        dtype = np.result_type(*(np.asarray(v).dtype for v in x), np.float32)
        out = np.frompyfunc(guarded, len(x), 1)(*(np.asarray(v).astype(object) for v in x))
        return np.asarray(out).astype(dtype)[()]

    return arrays


def by_math(lane: Callable[..., Any], formula: Callable[..., Any]) -> Callable[..., Array]:
    """Return the array version of a function of the math module, mpmath's for complex numbers."""
    real, general = by_lanes(lane), by_mpmath(formula)
    return lambda x: general(x) if np.iscomplexobj(x) else real(x)


def by_scipy(name: str, formula: Callable[..., Any]) -> Callable[..., Array]:
    """Return scipy.special's function of that name where SciPy is installed, else mpmath's."""

    def call(*x: Any) -> Array:
        try:
            from scipy import special
        except ImportError:
            return by_mpmath(formula)(*x)
        return getattr(special, name)(*x)

    return call


def call(row: Any, args: tuple[Any, ...]) -> Any:
    """Return the plain value of a row of the table at plain numbers or arrays of them."""
    if all(map(_is_float, args)):
        return row.numpy(*args)
    args = tuple(np.asarray(x) if isinstance(x, (list, tuple)) else x for x in args)
    if any(isinstance(x, np.ndarray) for x in args) and not all(map(_in_lanes, args)):
        kinds = [kind_of(x) if isinstance(x, np.ndarray) else None for x in args]
        args = tuple(  # integers among numbers of mpmath are evaluated at their precision
            _as_kind(x, kind) if hasattr(kind, "mpf") else x
            for x, kind in zip(args, kinds, strict=True)
        )
        return np.frompyfunc(row, len(args), 1)(*args)
    for x in args:
        if isinstance(x, np.ndarray):
            if x.dtype.kind not in "fciub":
                raise TypeError(f"{row.name} needs numbers, not an array of dtype {x.dtype}")
        elif not is_number(x):
            raise TypeError(f"{row.name} needs a number, not {x!r} ({type(x).__name__})")
    if any(is_interval(x) or hasattr(x, "context") for x in args):
        return _by_context(row, args)
    if any(isinstance(x, Decimal) for x in args):
        return _of_decimals(row, args)
    if any(isinstance(x, (float, complex, np.inexact)) for x in args):
        args = tuple(float(x) if isinstance(x, Fraction) else x for x in args)
    if any(isinstance(x, Fraction) for x in args):
        return _exact(row, args)
    if (row.compose or row.jumps) and row.exact and all(isinstance(x, (bool, int)) for x in args):
        whole = row.exact(*map(int, args))
        if isinstance(whole, RATIONAL) and whole == int(whole):
            return int(whole)
    floats = tuple(float(x) if isinstance(x, (bool, int)) else x for x in args)
    return row.numpy(*(_above_cut(x) for x in floats))


def is_real(x: Any) -> bool:
    """Whether x is a real number of Python or NumPy, or an array of floats."""
    return type(x) is int or _is_float(x)


def _is_float(x: Any) -> bool:
    """Whether x is a real floating-point number of Python or NumPy, or an array of them."""
    kind = type(x)
    return kind in _REAL or (kind is np.ndarray and x.dtype.kind == "f")


def _in_lanes(x: Any) -> bool:
    """Whether NumPy's functions take x: no array of objects, nor a number of mpmath."""
    if isinstance(x, np.ndarray):
        return bool(x.dtype != object)
    return not (is_interval(x) or hasattr(x, "context"))


def _of_decimals(row: Any, args: tuple[Any, ...]) -> Any:
    """Return a rational value, rounded as Decimals are."""
    rational = all(isinstance(x, (int, Decimal)) for x in args) and row.exact is not None
    known = row.exact(*map(Fraction, args)) if rational else None
    if known is None:
        raise TypeError(f"{row.name} of a Decimal is not exact; use mpmath.mpf or float instead")
    return Decimal(known.numerator) / known.denominator


def _above_cut(x: Any) -> Any:
    """On a branch cut the value is the limit from above: a zero imaginary part counts as +0."""
    return x + 0 if np.iscomplexobj(x) else x


def _exact(row: Any, args: tuple[Any, ...]) -> Any:
    known = row.exact(*args) if row.exact is not None else None
    if known is None:
        shown = ", ".join(map(str, args))
        raise TypeError(
            f"{row.name}({shown}) is not rational; use float(x) or mpmath.mpf for an approximation"
        )
    return Fraction(known) if isinstance(known, int) else known


def _by_context(row: Any, args: tuple[Any, ...]) -> Any:
    first = next(x for x in args if is_interval(x) or hasattr(x, "context"))
    ctx = first.ctx if is_interval(first) else first.context
    numbers_ = [_convert(ctx, x) for x in args]
    if is_interval(first):
        return _by_interval(row, ctx, numbers_)
    try:
        y = row.mp(ctx, *numbers_)
    except (ValueError, ZeroDivisionError):
        return ctx.nan
    complex_given = any(isinstance(x, (complex, ctx.mpc)) for x in numbers_)
    return ctx.nan if not complex_given and isinstance(y, ctx.mpc) else y


def _by_interval(row: Any, ctx: Any, x: list[Any]) -> Any:
    """Return an enclosure: mpmath's own, or that of a monotone function from its end points."""
    try:
        if row.iv is not None:
            return row.iv(ctx, *x)
        if row.local is not None:
            raise AttributeError(row.name)
        if not row.monotone:
            y = row.mp(ctx, *x)
            if isinstance(y, ctx.mpc) and not any(isinstance(e, ctx.mpc) for e in x):
                raise ValueError("outside of the domain")
            return y
        points = ends(x[0])
        mp = points[0].context
        found = [row.mp(mp, end) for end in points]
        if any(isinstance(e, mp.mpc) or e != e for e in found):
            raise ValueError("outside of the domain")
        wide = [
            e + s * (abs(e) + mp.ldexp(1, -mp.prec)) * mp.ldexp(1, -ctx.prec - 10)
            for e in found
            for s in (-1, 1)
        ]
        return hull(ctx, min(wide), max(wide))
    except (AttributeError, NotImplementedError, ctx.NoConvergence):
        raise TypeError(f"mpmath.iv has no {row.name}; use float or mpmath.mpf") from None
    except (ValueError, ZeroDivisionError):
        raise DomainError(
            f"{row.name} is not defined on all of the interval {x[0]} (domain: {row.domain}); "
            f"make it smaller"
        ) from None


def _convert(ctx: Any, x: Any) -> Any:
    """Return a number as one of an mpmath context: rationals rounded once, or enclosed."""
    if isinstance(x, Decimal) and x.is_finite():
        x = Fraction(x)
    if isinstance(x, Fraction):
        return ctx.mpf(x.numerator) / x.denominator
    if is_operand(x) or (is_interval(x) and not _is_set(ctx)):
        return x
    return ctx.convert(x.item() if isinstance(x, np.generic) else x)


# ------------------------------------------------------------------ what to do where nothing exists
@dataclass(frozen=True)
class Policy:
    """What a singular point and a kink mean: see `policy`."""

    singular: str = "numpy"
    kink: str = "error"


DEFAULT_POLICY = Policy()
_POLICY: contextvars.ContextVar[Policy] = contextvars.ContextVar("policy", default=DEFAULT_POLICY)
_CHOICES = {
    "singular": ("numpy", "raise", "propagate"),
    "kink": ("error", "subgradient", "left", "right"),
}


def current_policy() -> Policy:
    """Return the policy in force in this thread or task."""
    return _POLICY.get()


@contextmanager
def policy(*, singular: str = "numpy", kink: str = "error") -> Iterator[None]:
    """Return a context in which singular points and kinks are treated as said.

    `singular`: "numpy" (scalars raise DomainError, lanes of arrays become nan), "raise" (arrays
    raise too), "propagate" (scalars become nan as lanes do).  `kink`: "error", or for first
    derivatives of optimisation users "subgradient" (the mean of both sides, or the constant side),
    "left", "right".
    The context belongs to the current thread or task only.

    >>> import taylor
    >>> with taylor.policy(kink="subgradient"):
    ...     print(taylor.derivative(abs, 0.0))
    0.0
    """
    for key, value in (("singular", singular), ("kink", kink)):
        if value not in _CHOICES[key]:
            raise ValueError(f"{key}={value!r}: choose one of {', '.join(_CHOICES[key])}")
    token = _POLICY.set(Policy(singular, kink))
    try:
        yield
    finally:
        _POLICY.reset(token)


@contextmanager
def on_one_side(after: bool) -> Iterator[None]:
    """Return a context in which series in one variable are those after, or before, their point.

    At a kink they follow the branch of small t > 0, or t < 0, whatever their order.
    """
    token = _POLICY.set(Policy(current_policy().singular, "after" if after else "before"))
    try:
        yield
    finally:
        _POLICY.reset(token)
