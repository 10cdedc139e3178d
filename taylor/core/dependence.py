"""Which elements of the inputs those of the variables of a program depend on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from taylor.core.instructions import Input, Instruction
from taylor.core.patterns import ones

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def dependence(
    code: Sequence[Instruction], first: Mapping[int, int], n: int, wanted: Iterable[int]
) -> dict[int, csr_array]:
    """Return the patterns of the wanted variables, with one column for each of n input elements.

    `first` are the columns where inputs begin, by their numbers; those left out are constants.
    """
    last = _last_use(code, wanted)
    found: dict[int, csr_array] = {}
    for i, (op, args, shape) in enumerate(code):
        if i not in last:
            continue
        size = math.prod(shape)
        if isinstance(op, Input) and op.n in first:
            found[i] = ones(np.arange(size), np.arange(size) + first[op.n], (size, n))
        elif not any(found[a].nnz for a in args):
            found[i] = ones([], [], (size, n))
        else:
            shapes = [code[a].shape for a in args]
            found[i] = op.pattern([found[a] for a in args], shapes, shape)
        for a in set(args):
            if last[a] == i:
                del found[a]
    return found


def _last_use(code: Sequence[Instruction], wanted: Iterable[int]) -> dict[int, int]:
    """Return, for the instructions the wanted ones need, the last instruction that reads them."""
    last = dict.fromkeys(wanted, len(code))
    for i in range(len(code) - 1, -1, -1):
        if i in last:
            for a in code[i].args:
                last.setdefault(a, i)
    return last
