"""The adjoints of all variables while they are being summed up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from taylor.core.instructions import Factors, Instruction, Shape, Whole
from taylor.core.maps import scattered, unbroadcast
from taylor.core.sides import Choose
from taylor.numbers.kinds import Array
from taylor.numbers.values import plus, times

Code = Sequence[Instruction]
WHERE = Choose("where")


def _is_finite(x: Any) -> bool:
    """Whether x is an array of finite numbers of NumPy's."""
    return type(x) is np.ndarray and x.dtype.kind == "f" and bool(np.isfinite(x).all())


# ------------------------------------------------------------------ adjoints in factors
def whole(bar: Any) -> Any:
    """Return an adjoint as one number or array."""
    return times(*bar) if type(bar) is Factors else bar


def joined(one: Any, other: Any) -> Any:
    """Return the sum of two adjoints; None is zero."""
    if one is None or other is None:
        return one if other is None else other
    if type(one) is Factors is type(other) and one.bar is other.bar:
        return Factors(one.bar, plus(one.slope, other.slope))
    return plus(whole(one), whole(other))


def narrowed(bar: Any, shape: Shape, own: Shape) -> Any:
    """Return the adjoint of an argument of its own shape that was broadcast.

    That in factors has a slope of that shape.
    """
    if type(bar) is Factors:
        return Factors(unbroadcast(bar.bar, shape, own), bar.slope)
    return unbroadcast(bar, shape, own)


def taking(code: Code, seeds: Mapping[int, Any]) -> Callable[[int], bool]:
    """Return what tells which instructions take an adjoint in factors from a quotient.

    Those that multiply it, are no results, and are used once: elsewhere a sum is wanted.
    """
    uses: dict[int, int] = {}

    def told(j: int) -> bool:
        if not code[j].op.multiplies or not code[j].args:
            return False
        if not uses:
            stack = [*seeds]
            while stack:  # what no result rests on counts for nothing
                i = stack.pop()
                uses[i] = uses.get(i, 0) + 1
                if uses[i] == 1:
                    stack.extend(code[i].args)
        return uses.get(j, 2) == 1 and j not in seeds

    return told


# ------------------------------------------------------------------ sums
class Path:
    """The choices that a variable is subject to: the last one, its side, and those before it."""

    __slots__ = ("before", "first", "i", "mask")

    def __init__(self, before: Path | None, i: int, first: bool) -> None:
        self.before, self.i, self.first = before, i, first
        self.mask: Any = None  # 1 where all of these sides are taken


class Totals:
    """The adjoints of all variables while they are being summed up.

    The adjoint of a branch that was not taken is zero, whatever the slopes there: such a variable
    keeps the choices that it is subject to, so that 0·inf does not poison what was taken.
    """

    def __init__(self, code: Code) -> None:
        self.code = code
        self.total: list[Any] = [None] * len(code)
        self.pending: dict[int, list[tuple[Array | slice, Any]]] = {}
        self.choices: dict[int, Path] = {}

    def add(self, i: int, bar: Any, choices: Path | None = None) -> None:
        """Add a contribution that is broadcastable to the shape of variable i."""
        known = self.total[i]
        self.total[i] = bar if known is None else joined(known, bar)
        if choices and known is None and i not in self.pending:
            self.choices[i] = choices
        elif self.choices and self.choices.get(i) is not choices:
            self.choices.pop(i, None)

    def add_whole(self, i: int, part: Whole) -> None:
        """Add a contribution to variable i, or to some elements without touching the others."""
        if part.at is None:
            self.add(i, part.bar)
        else:
            self.choices.pop(i, None)
            self.pending.setdefault(i, []).append((part.at, part.bar))

    def spread(self, v: Sequence[Any], i: int, given: Sequence[Any]) -> None:
        """Add what the adjoint of instruction i gives to those of its arguments."""
        op, args, shape = self.code[i]
        choices = self.choices.pop(i, None) if self.choices else None
        chooses = isinstance(op, Choose)
        for n, (j, part) in enumerate(zip(args, given, strict=True)):
            if part is None:
                continue
            if type(part) is Whole:
                self.add_whole(j, part)
                continue
            if choices and not (type(part) is Factors or _is_finite(part)):  # 0·slope is 0
                part = self.taken(v, choices, part)
            own = self.code[j].shape
            if own != shape:
                self.add(j, narrowed(part, shape, own))
            else:
                self.add(j, part, Path(choices, i, n == 2) if chooses else choices)

    def taken(self, v: Sequence[Any], path: Path, part: Any) -> Any:
        """Return an adjoint, and zero where other sides are taken than those of a path."""
        if path.before is None:
            return self._taken(v, path, part)
        new, last = [], path
        while last.mask is None and last.before is not None:
            new.append(last)
            last = last.before
        if last.mask is None:
            last.mask = self._taken(v, last, 1.0)
        mask = last.mask
        for p in reversed(new):
            mask = p.mask = self._taken(v, p, mask)
        return WHERE.taken(path.mask, 0.5, part, True)

    def _taken(self, v: Sequence[Any], last: Path, part: Any) -> Any:
        choice, (left, right, *_), _ = self.code[last.i]
        assert isinstance(choice, Choose)
        return choice.taken(v[left], v[right], part, last.first)

    def pop(self, i: int) -> Any:
        """Return the adjoint of variable i (None: zero) and forget it."""
        total, self.total[i] = self.total[i], None
        if self.pending and i in self.pending:
            total = joined(total, scattered(self.pending.pop(i), self.code[i].shape))
        return total
