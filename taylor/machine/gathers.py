"""Elements that are moved twice, as by a stack of columns of an array, moved once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from taylor.core.instructions import Instruction
from taylor.core.maps import Gather, Reshape, run
from taylor.core.rules import pruned
from taylor.machine.moves import Index

Code = Sequence[Instruction]


def composed(code: Code, kept: Iterable[int]) -> tuple[Code, dict[int, int]]:
    """Return the program with a move of what nothing else reads as one, and the new numbers kept.

    Not where the later one repeats elements: the first one puts them in an order for that.
    """
    kept, new = set(kept), list(code)
    readers: list[set[int]] = [set() for _ in code]
    for i, instruction in enumerate(code):
        for a in instruction.args:
            readers[a].add(i)
    for i, (op, _, shape) in enumerate(code):
        while isinstance(op, Gather) and op.index.size:
            args = new[i].args
            inner = {
                a
                for a in args
                if isinstance(new[a].op, (Gather, Reshape)) and readers[a] == {i} and a not in kept
            }
            if not inner or op.index.size > sum(math.prod(new[a].shape) for a in args):
                break
            sources, places = _places(new, args, inner)
            op = _gather(np.where(op.index < 0, -1, places[op.index]))
            new[i] = Instruction(op, tuple(sources), shape)
            for a in sources:
                readers[a] = (readers[a] - inner) | {i}
    short, place = pruned(new, kept)
    return short, {i: place[i] for i in kept}


def _places(code: Code, args: Sequence[int], inner: set[int]) -> tuple[list[int], Index]:
    """Return the sources of arguments that follow each other, and which of theirs each element is.

    Those of `inner` are moves of their own sources.
    """
    sources: dict[int, int] = {}  # and where each begins
    end = 0
    for a in args:
        for b in code[a].args if a in inner else (a,):
            if b not in sources:
                sources[b] = end
                end += math.prod(code[b].shape)
    found = []
    for a in args:
        own = code[a].args if a in inner else (a,)
        joined = np.concatenate([sources[b] + np.arange(math.prod(code[b].shape)) for b in own])
        op = code[a].op
        if a in inner and isinstance(op, Gather):
            index = op.index.reshape(-1)
            joined = np.where(index < 0, -1, joined[index])
        found.append(joined)
    return list(sources), np.concatenate(found)


def _gather(index: Index) -> Gather:
    first = int(index.reshape(-1)[0])
    follow = np.array_equal(index.reshape(-1), np.arange(first, first + index.size))
    return run(first, index.shape) if first >= 0 and follow else Gather(index)
