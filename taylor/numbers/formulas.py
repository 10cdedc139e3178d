"""Constants and plain functions from formulas in an mpmath context."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from taylor.numbers.kinds import Array, floats, private, register

# ------------------------------------------------------------------ constants at any precision
Formula = Callable[..., Any]


@dataclass(frozen=True, eq=False)
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


register(Constant, floats(np.dtype(float)))  # it meets others as a float does

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


# ------------------------------------------------------------------ functions of arrays
def in_context(formula: Formula | str) -> Formula:
    """Return a formula f(ctx, x, ...), which may be given as the name of a function of contexts."""
    return functools.partial(_named_function, formula) if isinstance(formula, str) else formula


def _named_function(name: str, ctx: Any, *x: Any) -> Any:
    return getattr(ctx, name)(*x)


def by_mpmath(formula: Formula | str) -> Callable[..., Array]:
    """Return the float64/complex128 version, lane by lane, of a formula in an mpmath context."""
    formula = in_context(formula)

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


def by_math(lane: Callable[..., Any], formula: Formula | str) -> Callable[..., Array]:
    """Return the array version of a function of the math module, mpmath's for complex numbers."""
    real, general = by_lanes(lane), by_mpmath(formula)
    return lambda x: general(x) if np.iscomplexobj(x) else real(x)


def scipy_special() -> Any:
    """Return scipy.special, or None where SciPy is not installed."""
    try:
        from scipy import special
    except ImportError:
        return None
    return special


def by_scipy(name: str, formula: Formula | str) -> Callable[..., Array]:
    """Return scipy.special's function of that name where SciPy is installed, else mpmath's."""

    def call(*x: Any) -> Array:
        found: Callable[..., Array] = getattr(scipy_special(), name, None) or by_mpmath(formula)
        return found(*x)

    return call
