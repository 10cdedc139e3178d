"""Complex values in machine code: of elementary functions, at pairs of registers.

They are those of NumPy: real formulas where these are as accurate, else the complex functions of
the C library.
"""

from __future__ import annotations

import math
import platform
import sys
from collections.abc import Callable
from typing import Any

from taylor.core.table import Cut, Elementary, Parts
from taylor.llvm.function import Function
from taylor.llvm.registers import Scalar

UNORDERED = "complex values have no order"
# where a complex number is passed and returned in two registers, as two doubles are
IN_REGISTERS = sys.platform != "win32" and platform.machine() in (
    "x86_64", "amd64", "AMD64", "aarch64", "arm64",
)  # fmt: skip


def code_of(row: Elementary, complex: bool) -> str | Callable[..., Any] | Parts | None:
    """Return the code of a row for real or for complex arguments, None if it has none."""
    if not complex:
        return row.code
    code = row.complex_code
    return None if isinstance(code, str) and not IN_REGISTERS else code


def library(f: Function, name: str, *xs: Scalar) -> Scalar:
    """Return a complex function of the C library, lane by lane."""
    re, im = f.library(name, [part for x in xs for part in f.both(x)], 2)
    return f.pair(re, im)


def above(f: Function, x: Scalar) -> Scalar:
    """Return a number whose zero parts count as +0: on a branch cut, its upper side."""
    return f.each(lambda part: part + 0.0, x)


def off(f: Function, cut: Cut, x: Scalar, z: Scalar) -> Scalar:
    """Return a value off a branch cut, nan on it.

    There NumPy's own sign of a zero would decide, so that the ordinary way is taken.  (For series
    the value is the limit from above: a zero imaginary part counts as +0.)
    """
    along, across = x.parts[::-1] if cut.turned else x.parts
    if cut.both_ends:
        along = -abs(along)
    nan, beyond = f.constant(math.nan), along < cut.edge
    return across.equals(0.0).where(beyond.where(f.pair(nan, nan), z), z)
