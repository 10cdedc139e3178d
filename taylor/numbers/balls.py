"""Balls of FLINT: arb, a midpoint and a radius, so that every digit is certified; and their series.

None of it imports flint: whoever has a ball has.  A whole univariate series is one `arb_series`, of
which FLINT has products, quotients and functions (Johansson, Arb, IEEE Trans. Comput. 66, 2017).
"""

from __future__ import annotations

import copyreg
import math
import operator
import sys
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.errors import DomainError
from taylor.numbers.ball_values import SERIES, at, series_of, value_of
from taylor.numbers.contexts import ends
from taylor.numbers.kinds import Array, Kind, is_operand, object_array, of_type, private, register

OPPOSITE = {
    operator.lt: operator.ge, operator.ge: operator.lt, operator.le: operator.gt,
    operator.gt: operator.le, operator.eq: operator.ne, operator.ne: operator.eq,
}  # fmt: skip


NO_VALUE = "use float or mpmath.mpf, or give it ball=, its value on a ball of flint.arb"


class Balls(Kind):
    """The real balls of python-flint, at the precision of flint.ctx."""

    rank, sets = 5.0, True

    @property
    def precision(self) -> int:  # type: ignore[override]
        return int(sys.modules["flint"].ctx.prec)

    def number(self, x: Any) -> Any:
        """Return a ball around x: x itself where it is a float, an integer or one of mpmath."""
        flint = sys.modules["flint"]
        if type(x) is flint.arb or is_operand(x):
            return x
        x = x.item() if isinstance(x, np.generic) else x
        if isinstance(x, Decimal) and x.is_finite():
            x = Fraction(x)
        if isinstance(x, Fraction):
            return flint.arb(flint.fmpq(x.numerator, x.denominator))
        if hasattr(x, "_mpi_"):
            return self.hull(*ends(x))
        if isinstance(x, (int, float, Decimal)) or hasattr(x, "_mpf_"):
            return flint.arb(float(x) if isinstance(x, Decimal) else x)
        raise TypeError(f"a ball of flint.arb is real and meets no {x!r}; use mpmath for both")

    def array(self, x: Array) -> Array:
        return x if _of_balls(x) else super().array(x)

    def constant(self, c: Any) -> Any:
        """Return a constant: a value of mpmath, with more than its error as radius."""
        bits = self.precision + 20
        x = self.number(c.formula(private(bits)))
        return x + type(x)(0, abs(x).upper() * type(x)(2) ** (8 - bits))

    def to_mpmath(self, ctx: Any, x: Any) -> Any:
        raise TypeError("a ball is no number of mpmath, which would lose its radius; take x.mid()")

    def value(self, row: Any, args: Sequence[Any]) -> Any:
        """Return the ball of a row of the table; one that is not bounded raises DomainError."""
        value = value_of(row)
        if value is None:
            raise TypeError(f"flint.arb has no {row.name}; {NO_VALUE}")
        x = [self.number(e) for e in args]
        y = value(*x)
        if not y.is_finite() and all(e.is_finite() for e in x):
            raise DomainError(
                f"{row.name} is not defined on all of the ball {x[0]} (domain: {row.domain}); "
                "make it smaller"
            )
        return y

    def local(self, row: Any, x: Any, order: int) -> Array:
        series = series_of(row.name) if row.own else None
        if series is None:
            raise TypeError(f"flint.arb has no series of {row.name} at {x}; use mpmath.mpf")
        found = object_array((order + 1,), series(x, order))
        if not all(c.is_finite() for c in found):
            raise ValueError(f"{row.name} has no series at {x}")
        return found

    def ends(self, x: Any) -> tuple[Any, Any]:
        mp = private(self.precision + 30)
        return mp.convert(x.lower()), mp.convert(x.upper())

    def hull(self, x: Any, y: Any) -> Any:
        return self.number(x).union(self.number(y))

    def compare(self, op: Any, x: Any, y: Any) -> bool | None:
        x, y = self.number(x), self.number(y)
        return True if op(x, y) else False if OPPOSITE[op](x, y) else None

    def is_zero(self, x: Any) -> bool:
        return bool(x.contains(0))

    def is_nan(self, x: Any) -> bool:
        return bool(x.is_nan())

    def is_finite(self, x: Any) -> bool:
        return bool(x.is_finite())

    def is_wide(self, x: Any) -> Any:
        return not x.is_exact()


BALLS = Balls()


def _found(t: type) -> Balls | None:
    if t.__name__ != "arb" or t.__module__.partition(".")[0] != "flint":
        return None
    copyreg.pickle(t, _parts)  # flint pickles no balls
    return BALLS


def _parts(x: Any) -> tuple[Any, ...]:
    parts = (x.mid(), x.rad()) if x.is_finite() else ()
    return _ball, tuple(tuple(map(int, part.man_exp())) for part in parts)


def _ball(*parts: tuple[int, int]) -> Any:
    """Return a ball of a midpoint and a radius, each an integer and its power of two."""
    import flint

    return flint.arb(*parts) if parts else flint.arb.nan()


register(_found)


# ------------------------------------------------------------------ whole univariate series
def whole(name: str, live: Sequence[bool], size: int, given: Sequence[Any]) -> Array | None:
    """Return the table of a product, quotient or row of univariate series of balls, or None.

    `given` holds tables of `size` coefficients where `live`, else numbers.  None where they hold
    other numbers, where FLINT has no such function, and where the result is not bounded.
    """
    tables = [x for x, m in zip(given, live, strict=True) if m]
    if name not in SERIES or not all(type(x) is np.ndarray and _of_balls(x) for x in tables):
        return None
    if any(np.ndim(x) or is_operand(x) for x, m in zip(given, live, strict=True) if not m):
        return None
    if all(x.ndim == 1 for x in tables):
        return _lane(name, live, size, given)
    shape = np.broadcast_shapes(*(x.shape[1:] for x in tables))
    wide = iter([np.broadcast_to(x, (size, *shape)).reshape(size, -1) for x in tables])
    wide_or_number = [next(wide) if m else x for x, m in zip(given, live, strict=True)]
    found = []
    for i in range(math.prod(shape)):
        lane = [x[:, i] if m else x for x, m in zip(wide_or_number, live, strict=True)]
        z = _lane(name, live, size, lane)
        if z is None:
            return None
        found.append(z)
    return np.stack(found, axis=1).reshape(size, *shape) if found else None


def _of_balls(x: Array) -> bool:
    if x.dtype != object or not x.size:
        return False
    types = set(map(type, x.reshape(-1).tolist()))
    return len(types) == 1 and of_type(types.pop()) is BALLS


def _lane(name: str, live: Sequence[bool], size: int, given: Sequence[Any]) -> Array | None:
    flint = sys.modules["flint"]
    if name == "div" and live[1] and given[1][0].contains(0):
        return None
    with at(cap=size):
        args = [
            flint.arb_series(x.tolist(), prec=size) if m else BALLS.number(x)
            for x, m in zip(given, live, strict=True)
        ]
        coefficients = SERIES[name](*args).coeffs()
    if not all(c.is_finite() for c in coefficients):
        return None
    table = np.empty(size, dtype=object)
    table[:] = coefficients + [flint.arb(0)] * (size - len(coefficients))
    return table
