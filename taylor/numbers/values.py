"""Numbers and arrays of them: how those of several kinds are combined, and the value of a row."""

from __future__ import annotations

import contextvars
import functools
import math
import numbers
import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.errors import DomainError, PoleError
from taylor.numbers.contexts import is_interval, is_set
from taylor.numbers.data import held, is_array_like, plain_array
from taylor.numbers.formulas import Constant
from taylor.numbers.kinds import (
    INTEGERS,
    Array,
    Kind,
    base,
    content,
    full,
    is_operand,
    meet,
    of_number,
    of_type,
    shown,
)

_REAL = {float, np.float64, np.float32}
_PLAIN = {float, int, complex, np.float64, np.float32, np.complex128}
_QUIET = contextvars.Context()  # without NumPy's warnings; only copies of it are entered
_QUIET.run(np.seterr, all="ignore")


# ------------------------------------------------------------------ what is a number
def shape_of(x: Any) -> tuple[int, ...]:
    """Return np.shape(x); faster for numbers, arrays and values of the package."""
    found = () if type(x) in _PLAIN else getattr(x, "shape", None)
    return np.shape(x) if found is None else found


def common_shape(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that arrays of these shapes broadcast to (equal ones are the rule)."""
    arrays = list(filter(None, shapes))
    first = arrays[0] if arrays else ()
    return first if arrays.count(first) == len(arrays) else _broadcast(*arrays)


_broadcast = functools.lru_cache(maxsize=1024)(np.broadcast_shapes)


def ordered(x: Any) -> Any:
    """Return what a row compares to choose its formula: of complex numbers the real parts."""
    pairs = not is_operand(x) and (np.iscomplexobj(x) or hasattr(x, "_mpc_"))
    return x.real if pairs else x


def is_number(x: object) -> bool:
    """Whether x can be a coefficient: any Python, NumPy, mpmath number, or a series."""
    return of_type(type(x)) is not None


def canonical(x: Any) -> Any:
    """Return one number in the form coefficients are stored in: exact integers are Python's."""
    return INTEGERS.number(x) if of_number(x) is INTEGERS else x


def as_array(x: Any) -> Array:
    """Return numbers as an ndarray that series can use (always a copy).

    float and complex stay as they are; integers and booleans of any width become Python's exact
    integers; Fraction, Decimal, mpf, mpc and intervals become object arrays.

    >>> as_array([True, 2]).tolist(), as_array(0.5).dtype
    ([1, 2], dtype('float64'))
    """
    if type(x) is np.ndarray or isinstance(x, np.generic):
        a = np.array(x)
    elif is_array_like(x):
        a = np.array(plain_array(x))
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
        return meet(map(of_number, flat)).among(out) if a.size else out
    raise TypeError(
        f"{shown(x)} is not an array of numbers (dtype {a.dtype})"
        + {
            "m": "; divide it by a unit, such as np.timedelta64(1, 'D')",
            "M": "; take the time since a date, in a unit",
            "V": "; take its fields" if a.dtype.names else "; convert it, to float32 say",
        }.get(a.dtype.kind, "")
    )


def is_real(x: Any) -> bool:
    """Whether x is a real number of Python or NumPy, or an array of floats."""
    return type(x) is int or is_float(x)


def is_float(x: Any) -> bool:
    """Whether x is a real floating-point number of Python or NumPy, or an array of them."""
    kind = type(x)
    return kind in _REAL or (kind is np.ndarray and x.dtype.kind == "f")


def is_native(x: Any) -> bool:
    """Whether x is a number of Python or NumPy, or an array of these."""
    return type(x) in _PLAIN or (type(x) is np.ndarray and not x.dtype.hasobject)


def integers(x: Any) -> bool:
    """Whether x is an int or an object array of ints."""
    if not isinstance(x, np.ndarray):
        return type(x) is int
    return x.dtype == object and all(type(e) is int for e in x.reshape(-1))


def exact(a: Array) -> bool:
    """Whether every element of an object array is an int or a Fraction."""
    return all(isinstance(e, (int, Fraction)) for e in a.reshape(-1))


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


def quiet() -> Callable[..., Any]:
    """Return what calls f(*args) without NumPy's warnings, at a tenth of what np.errstate costs.

    For what asks for no other state of the context, such as the policy: f sees none of it.  It is
    for one thread, and f does not call it again.
    """
    return _QUIET.copy().run


def quietly(f: Callable[..., Any], *args: Any) -> Any:
    """Return f(*args) without NumPy's warnings: see `quiet`."""
    return _QUIET.copy().run(f, *args)


# ------------------------------------------------------------------ numbers of several kinds
def together(*xs: Any) -> tuple[Any, ...]:
    """Return numbers and arrays that can be combined, element by element, by any operator.

    Floats of several precisions and Python's numbers beside them stay as they are, as in NumPy.

    >>> [x.dtype for x in together(as_array([1, 2]), np.ones(2, dtype=np.float32))]
    [dtype('float32'), dtype('float32')]
    """
    if all(map(is_native, xs)) or all(map(is_operand, xs)):
        return xs
    kind = Kind.of(*xs)
    return tuple(
        x if is_operand(x) else kind.among(x) if isinstance(x, np.ndarray) else kind.beside(x)
        for x in xs
    )


def joined(arrays: Sequence[Array]) -> list[Array]:
    """Return plain arrays in one dtype and kind, as parts of one table."""
    arrays = together(*arrays)
    dtype = np.result_type(*arrays) if arrays else float
    return [a.astype(dtype, copy=False) for a in arrays]


def divisible(x: Array, *others: Array) -> Array:
    """Return numbers whose quotients are right: exact integers as floats, or as the others are.

    >>> divisible(as_array([1, 2]))
    array([1., 2.])
    """
    if is_operand(x) or Kind.of(x) is not INTEGERS or (x.dtype == object and not x.size):
        return x
    return Kind.of(x, *(y for y in others if not is_operand(y))).field.array(x)


def zeros(shape: tuple[int, ...], like: Any) -> Any:
    """Return an array of zeros of the kind of number of `like`."""
    if is_operand(like):
        return like._zeros(shape)
    return np.zeros(shape, like.dtype) if like.dtype != object else Kind.of(like).zeros(shape)


def unit_rows(count: int, shape: tuple[int, ...], like: Any, start: int = 0) -> Array:
    """Return the unit directions e_start, e_(start+1), ... of an array of the kind of `like`."""
    kind = Kind.of(like)
    rows = kind.zeros((count, math.prod(shape)))
    rows[np.eye(count, rows.shape[1], start) == 1] = kind.one
    return rows.reshape(count, *shape)


def as_data(c: Any, like: Any) -> Any:
    """Return c, its integers and booleans as floats where the numbers of `like` are floats."""
    if is_operand(c) or isinstance(c, (Fraction, Constant)):
        return c
    dtype = getattr(base(like), "dtype", np.dtype(type(base(like))))
    if dtype.kind not in "fc" or np.asarray(c).dtype.kind not in "iub":
        return c
    return np.asarray(c).astype(np.empty(0, dtype).real.dtype)[()]


def widened(x: Any, like: Any) -> Any:
    """Return integers and flags of NumPy, which wrap around, as numbers that combine with `like`.

    >>> -widened(np.uint8(200), np.ones(1))
    np.float64(-200.0)
    """
    x = np.asarray(x) if isinstance(x, (list, tuple)) else x
    if not isinstance(x, (np.ndarray, np.generic)) or x.dtype.kind not in "iub":
        return x
    y = as_data(x, like)
    return together(as_array(x), np.asarray(base(like)))[0][()] if y is x else y


def fitted(x: Any, like: Any) -> Any:
    """Return what is written into an array like that: plain numbers in its precision."""
    to, given = getattr(base(like), "dtype", None), base(x)
    if to is None or to.kind not in "fc":
        return x
    if to.kind == "f" and np.iscomplexobj(given):
        raise TypeError("a complex value does not fit into a real array; make it complex first")
    if is_operand(x):
        return x
    array = np.asarray(x)
    plain = array.dtype.kind in "fciub" or (array.dtype == object and exact(array))
    return array.astype(to)[()] if plain else x


def constant(c: Any, like: Any) -> Any:
    """Return the constant c as a number (or an array) that combines with the numbers of `like`.

    >>> constant(Fraction(1, 2), np.array([1.0]))
    0.5
    """
    if type(c) in (int, float, complex) or is_operand(c):
        return c
    if is_operand(like):
        return like._lowered(c)
    if isinstance(c, np.ndarray):
        return together(c, like)[0] if c.dtype.hasobject else c
    if isinstance(c, Constant):
        return Kind.of(like).constant(c)
    return Kind.of(c, like).beside(c) if is_number(c) else c


def _simple(x: Any, y: Any) -> bool:
    """Whether NumPy and Python know how two operands meet."""
    left = type(x) in _PLAIN if type(x) is not np.ndarray else not x.dtype.hasobject
    right = type(y) in _PLAIN if type(y) is not np.ndarray else not y.dtype.hasobject
    return (left and right) or is_operand(x) or is_operand(y)


def _operands(x: Any, y: Any) -> tuple[Any, Any]:
    """Return the operands of one operation of plain numbers or arrays in one kind."""
    x, y = together(x, y)
    if isinstance(y, np.ndarray) and is_interval(x):  # would take an array for its end points
        x = full(y.shape, x)
    return x, y


def plus(x: Any, y: Any) -> Any:
    """Return x + y, in the kind in which plain numbers or arrays meet."""
    if type(x) is np.ndarray is type(y) and not (x.dtype.hasobject or y.dtype.hasobject):
        return x + y
    return x + y if _simple(x, y) else operator.add(*_operands(x, y))


def times(x: Any, y: Any) -> Any:
    """Return x·y, in the kind in which plain numbers or arrays meet."""
    if type(x) is np.ndarray is type(y) and not (x.dtype.hasobject or y.dtype.hasobject):
        return x * y
    return x * y if _simple(x, y) else operator.mul(*_operands(x, y))


def over(x: Any, y: Any) -> Any:
    """Return x/y, in the kind in which plain numbers or arrays meet."""
    if _simple(x, y):
        return x / y
    x, y = _operands(x, y)
    if Kind.of(x) is INTEGERS is Kind.of(y):
        x, y = divisible(np.asarray(x)), divisible(np.asarray(y))
    try:
        return x / y
    except PoleError:
        raise
    except ZeroDivisionError:  # as by NumPy, lane by lane; a number alone raises
        lanes = np.ndim(x) or np.ndim(y)
        return np.frompyfunc((Kind.of(x, y) if lanes else Kind()).over, 2, 1)(x, y)


# ------------------------------------------------------------------ comparisons and tests
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
    found = np.frompyfunc(functools.partial(Kind.of(x, y).compare, op), 2, 1)(x, y)
    for outcome, a, b in np.broadcast(found, x, y):
        if outcome is None:
            raise DomainError(
                f"how {a} and {b} compare ({op.__name__}) is not the same for all members of the "
                "interval, so no branch can be taken; split it"
            )
    return np.asarray(found, dtype=bool)[()]


_OF_OBJECTS: dict[str, Callable[[Any], Any]] = {
    "isnan": lambda e: of_number(e).is_nan(e),
    "isinf": lambda e: abs(e) == math.inf,
    "isfinite": lambda e: abs(e) < math.inf,
}


_BY_TRUTH = {"any", "all", "nonzero", "flatnonzero", "count_nonzero", "argwhere"}
_BY_ORDER = {"argmax", "argmin", "argsort", "argpartition"}


class _Ordered:
    """A set that NumPy sorts: one that overlaps another has no place in the order."""

    __slots__ = ("x",)

    def __init__(self, x: Any) -> None:
        self.x = x

    def __lt__(self, other: _Ordered) -> bool:
        return bool(decided(operator.lt, self.x, other.x))

    def __gt__(self, other: _Ordered) -> bool:
        return bool(decided(operator.gt, self.x, other.x))


def of_value(op: str, x: Any, *args: Any, **named: Any) -> Any:
    """Return np.op of a value; NumPy has no isnan and its like for numbers that are objects."""
    if is_set(x):
        if op in _BY_TRUTH:
            x = decided(operator.ne, x, 0)
        elif op in _BY_ORDER:
            x = np.frompyfunc(_Ordered, 1, 1)(x)
    test = None if is_operand(x) else _OF_OBJECTS.get(op)
    if test is None or np.asarray(x).dtype != object:
        return getattr(np, op)(x, *args, **named)
    return np.asarray(np.frompyfunc(test, 1, 1)(x), dtype=bool)[()]


# ------------------------------------------------------------------ the value of a row
def call(row: Any, args: tuple[Any, ...]) -> Any:
    """Return the plain value of a row of the table at plain numbers or arrays of them."""
    if all(map(is_float, args)):
        return row.numpy(*args)
    if all(map(is_real, args)) and any(map(is_float, args)):
        return row.numpy(*(float(x) if type(x) is int else x for x in args))
    args = tuple(map(_as_lanes, args))
    if any(map(is_operand, args)):
        return row(*args)
    arrays = [x for x in args if isinstance(x, np.ndarray)]
    if arrays and not all(map(_in_lanes, args)):
        # integers among numbers of mpmath are evaluated at their precision
        return np.frompyfunc(row, len(args), 1)(*map(_in_one_kind, args))
    for x in args:
        if isinstance(x, np.ndarray):
            if x.dtype.kind not in "fciub":
                raise TypeError(f"{row.name} needs numbers, not an array of dtype {x.dtype}")
        elif hasattr(x, "__taylor_value__"):  # of an array of another class
            return row(*map(content, args))
        elif not is_number(x):
            raise TypeError(f"{row.name} needs a number, not {x!r} ({type(x).__name__})")
    return Kind.of(*args).value(row, args)


def _as_lanes(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return np.asarray(x)
    if isinstance(x, (np.ndarray, np.generic)) or not is_array_like(x):
        return x
    return held(x) if held(x) is not None else plain_array(x)


def _in_lanes(x: Any) -> bool:
    """Whether NumPy's functions take x: no array of objects, nor a number of mpmath."""
    if isinstance(x, np.ndarray):
        return bool(x.dtype != object)
    kind = of_type(type(x))
    return kind is None or kind.numpy


def _in_one_kind(x: Any) -> Any:
    if not isinstance(x, np.ndarray):
        return x
    kind = Kind.of(x)
    return x if kind.exact else kind.among(x)


def is_complex(x: Any) -> bool:
    """Whether a number, array or operand has complex values."""
    known = getattr(x, "complex", None)  # of what has no values yet
    if known is not None:
        return bool(known)
    plain = base(x)
    if is_real(plain):
        return False
    if isinstance(plain, np.ndarray) and plain.dtype == object:
        return any(map(_is_complex_number, plain.reshape(-1)))
    return bool(np.iscomplexobj(plain)) or _is_complex_number(plain)


def _is_complex_number(x: Any) -> bool:
    return isinstance(x, numbers.Complex) and not isinstance(x, numbers.Real)
