"""Numbers of mpmath's contexts: mpf and mpc, and intervals; none of it imports mpmath."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.errors import DomainError
from taylor.numbers.kinds import (
    Array,
    Kind,
    ValueSet,
    give_back,
    is_operand,
    lent,
    of_type,
    private,
    register,
)


@dataclass(frozen=True)
class Multi(Kind):
    """The numbers of one context of mpmath, real or complex."""

    context: Any

    @property
    def precision(self) -> int:  # type: ignore[override]
        return int(self.context.prec)

    def number(self, x: Any) -> Any:
        if isinstance(x, Decimal) and x.is_finite():
            x = Fraction(x)
        if isinstance(x, Fraction):  # rounded once, or enclosed
            return self.context.mpf(x.numerator) / x.denominator
        if is_operand(x):
            return x
        return self.context.convert(x.item() if isinstance(x, np.generic) else x)

    def is_finite(self, x: Any) -> bool:
        return bool(self.context.isfinite(x))

    def constant(self, c: Any) -> Any:
        return c.formula(self.context)

    def value(self, row: Any, args: Sequence[Any]) -> Any:
        ctx = self.context
        own = lent(ctx.prec)  # another thread may be at work with the user's
        try:
            numbers = [_moved(own, self.number(x)) for x in args]
            y = row.mp(own, *numbers)
        except (ValueError, ZeroDivisionError):
            return ctx.nan
        finally:
            give_back(own)
        complex_given = any([isinstance(x, own.mpc) for x in numbers])
        return ctx.nan if not complex_given and isinstance(y, own.mpc) else _moved(ctx, y)

    def over(self, x: Any, y: Any) -> Any:
        ctx = self.context
        if self.sets or not self.is_zero(y):
            return super().over(x, y)
        real = isinstance(x, (int, float, ctx.mpf)) and x and x == x
        return (ctx.inf if x > 0 else ctx.ninf) if real else ctx.nan

    def local(self, row: Any, x: Any, order: int) -> Any:
        return row.local(x, order)

    def spacing(self, x: Any) -> Any:
        return abs(x) * self.context.eps if x else self.context.eps


def _moved(ctx: Any, x: Any) -> Any:
    """Return a number of any context as one of another, digit by digit."""
    if hasattr(x, "_mpf_"):
        return ctx.make_mpf(x._mpf_)
    return ctx.make_mpc(x._mpc_) if hasattr(x, "_mpc_") else ctx.convert(x)


class Intervals(Multi):
    """The intervals of one context of mpmath, real or complex."""

    rank, sets = 4.0, True

    def value(self, row: Any, args: Sequence[Any]) -> Any:
        ctx, x = self.context, [self.number(e) for e in args]
        try:
            return self._enclosure(row, x)
        except (AttributeError, NotImplementedError, ctx.NoConvergence):
            raise TypeError(f"mpmath.iv has no {row.name}; use float or mpmath.mpf") from None
        except (ValueError, ZeroDivisionError):
            raise DomainError(
                f"{row.name} is not defined on all of the interval {x[0]} (domain: {row.domain}); "
                f"make it smaller"
            ) from None

    def _enclosure(self, row: Any, x: list[Any]) -> Any:
        """Return mpmath's own enclosure, or that of a monotone function from its end points."""
        ctx = self.context
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

    def ends(self, x: Any) -> tuple[Any, Any]:
        mp = private(x.ctx.prec + 30)
        low, high = map(mp.make_mpf, x._mpi_)
        return low, high

    def hull(self, x: Any, y: Any) -> Any:
        ctx, x, y = self.context, self.number(x), self.number(y)
        if hasattr(x, "_mpi_") and hasattr(y, "_mpi_"):
            return ctx.mpf([x.a if x.a <= y.a else y.a, x.b if x.b >= y.b else y.b])
        return ctx.mpc(self.hull(x.real, y.real), self.hull(x.imag, y.imag))

    def is_zero(self, x: Any) -> bool:
        return bool(0 in x.real and 0 in x.imag) if hasattr(x, "_mpci_") else bool(0 in x)

    def is_nan(self, x: Any) -> bool:
        return False

    def is_finite(self, x: Any) -> bool:
        return bool(abs(x).b < float("inf"))

    def is_wide(self, x: Any) -> Any:
        return bool(x.delta != 0)


@functools.lru_cache(maxsize=256)
def _of_context(context: Any) -> Multi:
    return Intervals(context) if hasattr(context, "_mpi") else Multi(context)


def _found(t: type) -> Multi | None:
    context = getattr(t, "context", None) or getattr(t, "ctx", None)
    return _of_context(context) if hasattr(context, "mpf") else None


register(_found)


# ------------------------------------------------------------------ intervals
def is_interval(x: object) -> bool:
    """Whether x is one number that is a set, such as those of mpmath.iv."""
    kind = of_type(type(x))
    return kind is not None and kind.sets


def is_set(x: Any) -> bool:
    """Whether x is an interval or an array of intervals."""
    if isinstance(x, ValueSet):
        return True
    if isinstance(x, np.ndarray):
        return x.dtype == object and Kind.of(x).sets
    return not is_operand(x) and is_interval(x)


def hull(ctx: Any, x: Any, y: Any) -> Any:
    """Return the smallest interval of a context around two numbers or intervals."""
    return _of_context(ctx).hull(x, y)


def ends(x: Any) -> tuple[Any, Any]:
    """Return the end points of an interval, as numbers of a context of this thread's own."""
    return Kind.of(x).ends(x)


def whole_number(x: Any) -> Any:
    """Return the integer that a set of one number holds, and all else as it is."""
    if is_operand(x) or np.ndim(x) or not is_interval(x):
        return x
    low, high = ends(x)
    return int(low) if low == high and abs(low) < 2**53 and low == int(low) else x


def members(x: Any) -> tuple[Array, Array, Array]:
    """Return of every interval of an array its least member, that nearest to zero, its largest."""
    if isinstance(x, ValueSet):
        return x.members()
    x = np.asarray(x)
    if x.dtype.kind in "fiub":
        return x, x, x
    low, high = (
        np.frompyfunc(lambda e, n=n: float(ends(e)[n] if is_interval(e) else e), 1, 1)(x)
        for n in (0, 1)
    )
    low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    return low, np.clip(0.0, low, high), high
