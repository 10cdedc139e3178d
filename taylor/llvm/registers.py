"""Registers of machine code: constants, types, and a number or a pair as one value."""

from __future__ import annotations

import functools
import struct
from collections.abc import Sequence
from typing import Any


def literal(c: float) -> str:
    """Return a double as LLVM writes it exactly.

    >>> literal(1.0)
    '0x3FF0000000000000'
    """
    return f"0x{struct.unpack('<Q', struct.pack('<d', float(c)))[0]:016X}"


ONE = literal(1.0)


@functools.cache
def type_of(width: int, kind: str = "double") -> str:
    """Return the LLVM type of a register of so many numbers."""
    return kind if width == 1 else f"<{width} x {kind}>"


def repeated(entries: Sequence[Any], kind: str = "double") -> str:
    """Return a constant vector."""
    return "<" + ", ".join(f"{kind} {e}" for e in entries) + ">"


class Scalar:
    """A double, or a vector of `width` doubles, in a register; in two, if it is complex.

    Of kind i64 it holds whole numbers (the bits of doubles), of kind i1 truths.
    """

    __slots__ = ("im", "kind", "text", "width")

    def __init__(self, text: str, width: int = 1, im: str = "", kind: str = "double") -> None:
        self.text, self.width, self.im, self.kind = text, width, im, kind

    @property
    def type(self) -> str:
        """The LLVM type."""
        return type_of(self.width, self.kind)

    @property
    def parts(self) -> list[Scalar]:
        """The real part and, of a complex number, the imaginary part."""
        return [Scalar(text, self.width, "", self.kind) for text in (self.text, self.im) if text]


def paired(parts: Sequence[Scalar]) -> Scalar:
    """Return the register of which these are the parts."""
    re, *im = parts
    return Scalar(re.text, re.width, im[0].text if im else "", re.kind)
