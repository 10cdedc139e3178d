"""Which plain function?  Number type -> implementation; coefficients as arrays of numbers."""

from __future__ import annotations

import contextvars
import numbers
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from mpmath.libmp import NoConvergence

from taylor.errors import DomainError

Array = Any  # an ndarray of numbers, or an array-like Series used as coefficients

RATIONAL = (int, Fraction)


# ------------------------------------------------------------------ what is a number
class Handled:
    """Marks the values of the package (series, nodes), which handle their own arithmetic."""

    __slots__ = ()


def is_operand(x: object) -> bool:
    """Whether x is a value of the package (a series, a node) that handles its own arithmetic."""
    return isinstance(x, Handled)


def base(x: Any) -> Any:
    """Return the innermost plain value of a number of any nesting."""
    while is_operand(x):
        x = x.value
    return x


def is_interval(x: object) -> bool:
    """Whether x is a number of an interval context such as mpmath.iv."""
    return hasattr(x, "_mpi_") or hasattr(x, "_mpci_")


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


def full(shape: tuple[int, ...], x: Any) -> Array:
    """Return an object array of the shape with x in every place, whatever protocols x speaks."""
    out = np.empty(shape, dtype=object)
    for i in np.ndindex(*shape):
        out[i] = x
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
        a = full((), canonical(x)) if not isinstance(x, (float, complex)) else np.array(x)
    if a.dtype.kind in "fc":
        return a
    if a.dtype.kind in "iubO":
        out = np.empty(a.shape, dtype=object)
        flat, source = out.reshape(-1), a.reshape(-1)
        for i in range(a.size):
            flat[i] = canonical(source[i])
        return out
    raise TypeError(f"{x!r} is not an array of numbers (dtype {a.dtype})")


def exact(a: Array) -> bool:
    """Whether every element of an object array is an int or a Fraction."""
    return all(isinstance(e, RATIONAL) for e in a.reshape(-1))


def common_dtype(arrays: list[Array]) -> Any:
    """Return the dtype in which arrays of numbers meet: exact numbers are floats beside floats."""
    floats = [a.dtype for a in arrays if a.dtype != object]
    if not floats or any(a.dtype == object and not exact(a) for a in arrays):
        return np.dtype(object)
    return np.result_type(*floats)


def match(x: Array, y: Array) -> tuple[Array, Array]:
    """Return two arrays whose numbers can be combined: float with float, object with object.

    Integers and Fractions become floats beside floats, as in Python; floats become Python floats
    beside mpf, so that mpmath keeps its precision.
    """
    if is_operand(x) or is_operand(y) or (x.dtype != object) == (y.dtype != object):
        return x, y
    if x.dtype == object:
        y, x = match(y, x)
        return x, y
    if exact(y):
        return x, y.astype(x.dtype)
    return x.astype(object), y


# ------------------------------------------------------------------ constants at any precision
@dataclass(frozen=True)
class Constant:
    """A real constant, known to every number type: a formula in an mpmath context."""

    name: str
    formula: Callable[[Any], Any]

    def __repr__(self) -> str:
        return self.name

    def __float__(self) -> float:
        return float(self.formula(private(80)))

    def __reduce__(self) -> tuple[Any, ...]:
        return (_named, (self.name,))


def _named(name: str) -> Constant:
    return next(c for c in CONSTANTS if c.name == name)


PI = Constant("pi", lambda ctx: +ctx.pi)
LN2 = Constant("ln2", lambda ctx: ctx.ln(2))
LN10 = Constant("ln10", lambda ctx: ctx.ln(10))
SQRT1_2 = Constant("1/sqrt2", lambda ctx: 1 / ctx.sqrt(2))
TWO_OVER_SQRT_PI = Constant("2/sqrtpi", lambda ctx: 2 / ctx.sqrt(ctx.pi))
SQRT_2_OVER_PI = Constant("sqrt(2/pi)", lambda ctx: ctx.sqrt(2 / ctx.pi))
ONE_OVER_SQRT_2PI = Constant("1/sqrt2pi", lambda ctx: 1 / ctx.sqrt(2 * ctx.pi))
CONSTANTS = (PI, LN2, LN10, SQRT1_2, TWO_OVER_SQRT_PI, SQRT_2_OVER_PI, ONE_OVER_SQRT_2PI)


def constant(c: Any, like: Array) -> Any:
    """Return the constant c as a number that combines with the numbers of `like`.

    >>> constant(Fraction(1, 2), np.array([1.0]))
    0.5
    """
    if not isinstance(c, (Constant, Fraction)):
        return c
    while is_operand(like):
        if not hasattr(like, "_coef"):
            return c  # a node records the constant itself
        like = like._coef
    if like.dtype != object:
        return float(c)
    first: Any = next((e for e in like.reshape(-1) if not isinstance(e, RATIONAL)), None)
    while is_operand(first):
        return constant(c, first._coef)
    context = getattr(first, "context", getattr(first, "ctx", None))
    if isinstance(c, Constant):
        return float(c) if context is None else c.formula(context)
    return c if context is None else context.mpf(c.numerator) / c.denominator


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
    args = tuple(np.asarray(x) if isinstance(x, (list, tuple)) else x for x in args)
    if any(isinstance(x, np.ndarray) and x.dtype == object for x in args):
        out = np.frompyfunc(row, len(args), 1)(*args)
        return out
    for x in args:
        if isinstance(x, np.ndarray):
            if x.dtype.kind not in "fciub":
                raise TypeError(f"{row.name} needs numbers, not an array of dtype {x.dtype}")
        elif not is_number(x):
            raise TypeError(f"{row.name} needs a number, not {x!r} ({type(x).__name__})")
    if any(is_interval(x) or hasattr(x, "context") for x in args):
        return _by_context(row, args)
    if any(isinstance(x, Decimal) for x in args):
        raise TypeError(f"{row.name} of a Decimal is not exact; use mpmath.mpf or float instead")
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
            return row.mp(ctx, *x)
        mp = private(ctx.prec + 30)
        ends = [row.mp(mp, mp.make_mpf(end)) for end in x[0]._mpi_]
        if any(isinstance(e, mp.mpc) or e != e for e in ends):
            raise ValueError("outside of the domain")
        wide = [
            e + s * (abs(e) + mp.ldexp(1, -mp.prec)) * mp.ldexp(1, -ctx.prec - 10)
            for e in ends
            for s in (-1, 1)
        ]
        low, high = ctx.convert(min(wide)), ctx.convert(max(wide))
        return ctx.mpf([low.a, high.b])
    except (AttributeError, NotImplementedError, NoConvergence):
        raise TypeError(f"mpmath.iv has no {row.name}; use float or mpmath.mpf") from None
    except (ValueError, ZeroDivisionError):
        raise DomainError(
            f"{row.name} is not defined on all of the interval {x[0]} (domain: {row.domain}); "
            f"make it smaller"
        ) from None


def _convert(ctx: Any, x: Any) -> Any:
    if isinstance(x, Fraction):
        return ctx.mpf(x.numerator) / x.denominator
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
