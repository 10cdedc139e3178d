"""When code is made: what it takes to make it, against what calls in the ordinary way take."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from taylor.core.algebra import Univariate
from taylor.core.program import Program
from taylor.core.reads import Reads

T = TypeVar("T")
FEW = 3  # calls in a row without results that can be used, after which it is said
UNUSED = f"its code gave no finite results {FEW} times in a row: NumPy's way was taken after it"
# What one call may spend on code, beyond ten times the ordinary way, in recorded operations on
# numbers (to record, write and compile one takes some 70 µs, so this is a fifth of a second)
PATIENCE = 2800
ON_ARRAYS = 4  # such an operation on arrays takes as long as so many
LOOPED = 10  # degrees above which the code of a series is a loop over them
PLAIN = ("value", "series", "points")  # forms whose ordinary way is the function as it is
ON_PARTS = 20  # and the step of one degree of a multivariate series
# Seconds: to make code, and for each operation of it on numbers, on arrays; what code saves of a
# first derivative for each operation of f on numbers, on arrays, and how much more of others
MAKING, SAVED, MORE = (15e-3, 1e-4, 8e-4), (6e-6, 25e-6), 9
FIRST = "gradient", "value_and_gradient", "vjp", "jvp", "jacobian", "jacfwd", "jacrev", "series"
VALUE = 4  # a value takes so many times less in the ordinary way than a first derivative
SHAPES = 4  # of arguments, in one form of a function, that have code at once
CHANGES = 2  # of what a function reads from elsewhere, after which no code is made at once
ASKED = 64  # shapes after which counting their calls begins anew


class Unused:
    """Forms whose code gives nothing that can be used, call after call; `reasons` are told."""

    def __init__(self, reasons: dict[Any, str]) -> None:
        self.reasons, self.calls = reasons, dict[Any, int]()

    def note(self, where: Any, usable: bool) -> None:
        """Count a call of the code of a form."""
        if not usable:
            self.calls[where] = calls = self.calls.get(where, 0) + 1
            if calls == FEW:
                self.reasons.setdefault(where, UNUSED)
        elif self.calls.pop(where, 0) and self.reasons.get(where) == UNUSED:
            del self.reasons[where]

    def allows(self, where: Any) -> bool:
        """Whether a form may have code, or more of it."""
        return self.reasons.get(where, UNUSED) == UNUSED


class Crowd:
    """What code of one function there has been: for more shapes it is made where that will pay."""

    def __init__(self) -> None:
        self.made: dict[Any, int] = {}  # by kind and driver: how many shapes have code
        self.paid: dict[Any, int] = {}  # after how many calls that pays
        self.asked: dict[Any, int] = {}  # calls of those that wait
        self.changes = 0  # of what the function reads from elsewhere
        self.reads: Reads | None = None  # when enough calls had been counted

    def waits(self, f: Any, where: Any, reasons: dict[Any, str]) -> bool:
        """Count a call of f, for which there is no code; whether it is to wait for some."""
        kind = where[:2]
        if self.made.get(kind, 0) < SHAPES:
            return False
        if len(self.asked) > ASKED:
            self.asked.clear()
        asked = id(f), where  # a function may be an object without a hash
        calls = self.asked[asked] = self.asked.get(asked, 0) + 1
        if calls == 1:
            often = "what it reads has changed often" if self.changes else "many shapes have code"
            reasons[(*kind, "more")] = f"{often}: more is made at call {self.paid[kind]} of a kind"
        if calls < self.paid[kind]:
            return True
        self.asked.pop(asked, None)
        return self.changes >= CHANGES and self._changed(f)

    def _changed(self, f: Any) -> bool:
        """Whether a function reads other things than when it was last asked about."""
        if self.reads is not None and not self.reads.changed():
            return False
        self.reads = Reads(f)
        return True

    def noted(self, made: T, where: Any, f: Program, program: Program) -> T:
        """Return what is made of the program of a driver of f, and note that there is some."""
        kind = where[:2]
        self.made[kind] = self.made.get(kind, 0) + 1
        self.paid[kind] = paid(where[0], f, program)
        return made

    def changed(self) -> None:
        """Note that what the function reads has changed: there is no code of it any more."""
        self.changes += 1
        self.made = dict.fromkeys(self.made, SHAPES if self.changes >= CHANGES else 0)
        self.asked.clear()


def weights(kind: str, form: Any) -> tuple[int, int]:
    """Return what the code of an operation on numbers, and of one on arrays, counts as."""
    if kind not in ("series", "points"):
        return 1, ON_ARRAYS
    algebra = form[0]
    if isinstance(algebra, Univariate):
        degrees = 1 + min(algebra.order, LOOPED)
        return degrees * (ON_ARRAYS if kind == "points" else 1), degrees * ON_ARRAYS
    return ON_PARTS * (algebra.order + 1), ON_PARTS * (algebra.order + 1)


def needed(kind: str, form: Any, program: Program, more: int = 0) -> int:
    """Return which call of a form makes its code, so that no call waits long for it on average.

    Derivatives take ten times less in the ordinary way than their program takes to compile.  `more`
    operations are not in the program.
    """
    weight, on_arrays = weights(kind, form)
    numbers, arrays = _sizes(program)
    size = more + weight * numbers + on_arrays * arrays
    free = 0 if kind in PLAIN else len(program)
    return -(-size // (PATIENCE + free))


def paid(kind: str, f: Program, program: Program) -> int:
    """Return after how many calls the code of a program pays that is made of f by itself.

    By then it would have saved what it takes to make it; f runs beside it.
    """
    (numbers, arrays), (some, more) = _sizes(program), _sizes(f)
    made = MAKING[0] + MAKING[1] * numbers + MAKING[2] * arrays
    saved = (SAVED[0] * some + SAVED[1] * more) / (VALUE if kind == "value" else 1)
    return math.ceil(made / (saved * (1 if kind in (*FIRST, *PLAIN) else MORE)))


def _sizes(program: Program) -> tuple[int, int]:
    """Return how many operations a program has on numbers, and on arrays."""
    arrays = sum(math.prod(i.shape) != 1 for i in program.code)
    return len(program) - arrays, arrays
