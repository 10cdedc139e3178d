"""Arrays that are joined, each written where it is to be in the whole."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from taylor.core.instructions import Instruction
from taylor.core.maps import Gather
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.machine.emit import Symbol, copied, empty, lifted
from taylor.machine.moves import in_order
from taylor.machine.nests import c_strides

Code = Sequence[Instruction]


def joins(code: Code, i: int) -> bool:
    """Whether an instruction is some arrays one after the other, no more."""
    op, args, _ = code[i]
    if not isinstance(op, Gather) or len(args) == 1:
        return False
    return in_order(op.index, [code[a].shape for a in args])


class Joins:
    """Where regions write what a program joins.

    Only rows of whole vectors: others would be written beyond their ends, into their neighbours.
    """

    def __init__(
        self, f: Function, code: Code, complex: Sequence[bool], outs: Mapping[int, Symbol]
    ) -> None:
        self.f, self.code, self.complex, self.outs = f, code, complex, outs
        self.made: dict[int, Symbol] = {}
        self.placed: set[int] = set()
        self.within: dict[int, tuple[int, int]] = {}  # the join, and where in it
        for i, (_, args, _) in enumerate(code):
            for a, start in zip(args, self._starts(i), strict=False):
                whole = code[a].shape[-1:] != () and code[a].shape[-1] % WIDTH == 0
                if whole and complex[a] == complex[i] and a not in outs:
                    self.within.setdefault(a, (i, start))

    def _starts(self, i: int) -> list[int]:
        """Return where each argument begins in what joins them; nothing if it does not."""
        if not joins(self.code, i):
            return []
        sizes = [math.prod(self.code[a].shape) for a in self.code[i].args]
        return [end - n for n, end in zip(sizes, itertools.accumulate(sizes), strict=True)]

    def _whole(self, i: int) -> Symbol:
        if i not in self.made:
            self.made[i] = self.outs.get(i) or empty(self.f, self.code[i].shape, self.complex[i])
        return self.made[i]

    def _view(self, whole: Symbol, i: int, start: int) -> Symbol:
        shape = self.code[i].shape
        return whole.view(shape, c_strides(shape), start)

    def place(self, i: int) -> Symbol:
        """Return where the result of a member of a region is to be written."""
        if i in self.within:
            join, start = self.within[i]
            self.placed.add(i)
            return self._view(self._whole(join), i, start)
        return self.outs.get(i) or empty(self.f, self.code[i].shape, self.complex[i])

    def value(self, i: int, v: Mapping[int, Any]) -> Symbol | None:
        """Return what joins arrays some of which are in place already, or None."""
        whole = self.made.pop(i, None)
        if whole is None:
            return None
        for a, start in zip(self.code[i].args, self._starts(i), strict=True):
            if a not in self.placed or self.within[a] != (i, start):
                copied(lifted(self.f, v[a]), self._view(whole, a, start))
        return whole
