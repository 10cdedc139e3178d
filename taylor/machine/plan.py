"""The order in which a program is written down: instructions alone, and element-wise regions.

A region is what may run together: instructions element by element of one shape of which none needs
another through something outside.  Sums of its values over all elements are taken in the same loop.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

import numpy as np

from taylor.core.bilinear import Bilinear
from taylor.core.calls import Row
from taylor.core.einsum import Einsum
from taylor.core.instructions import Arithmetic, Const, Input, Instruction, Scale
from taylor.core.maps import Sum
from taylor.core.parts import Part
from taylor.core.sides import Choose
from taylor.core.table import Elementary
from taylor.core.tape import Tape
from taylor.errors import TaylorError
from taylor.llvm import vector
from taylor.llvm.ir import WIDTH
from taylor.machine import planar
from taylor.machine.stencils import Patch

Code = Sequence[Instruction]
FEWEST = WIDTH  # elements of a region, more than
MOST = 1024  # instructions of a region
PIECE = 48  # instructions of one loop, where a region has more
AFTER = 8  # instructions, more than which have a loop of their own after functions of vectors


class Region(NamedTuple):
    """Instructions that run element by element together, and sums over all their elements."""

    members: list[int]
    sums: list[int]


def planned(
    code: Code, complex: Sequence[bool], results: Container[int] = ()
) -> list[int | Region]:
    """Return the order in which to run a program: instructions alone, and regions.

    A result is a region even alone: it is written in its place, and checked, in one loop.

    What begins at a level needs regions of lower levels only, so that none of the instructions of a
    level and a shape needs another of them through something outside.
    """
    ready = [0] * len(code)  # the level at which a region may read an instruction
    within: dict[int, tuple[Any, int]] = {}  # the shape and the level of those that join one
    regions: dict[tuple[Any, int], list[list[int]]] = {}
    for i, (_, args, shape) in enumerate(code):
        alike = [a in within and within[a][0] == shape for a in args]
        level = max((ready[a] - m for a, m in zip(args, alike, strict=True)), default=0)
        if _joins(code[i], code, complex):
            within[i], ready[i] = (shape, level), level + 1
            parts = regions.setdefault(within[i], [[]])
            parts[-1].append(i)
            if len(parts[-1]) == MOST:
                parts.append([])
        else:
            ready[i] = max((ready[a] for a in args), default=0)
    chunks = list(itertools.chain.from_iterable(regions.values()))
    found = [
        Region(m, [])
        for m in chunks
        if len(m) > 1 or m[0] in results or isinstance(code[m[0]].op, Patch)
    ]
    owner = {i: region for region in found for i in region.members}
    _joined_later(code, [m[0] for m in chunks if len(m) == 1 and m[0] not in owner], owner)
    for i, (_, args, _) in enumerate(code):
        last = max((a for a in args if a in owner), default=None)
        if last is not None and _adds_up(code, i, owner[last]):
            mine, level = owner[last], within[last][1]
            if all(owner.get(a) is mine or ready[a] <= level for a in args):
                mine.sums.append(i)
    owner |= {i: region for region in found for i in region.sums}
    return list(_in_order(code, owner))


def _joined_later(code: Code, single: Sequence[int], owner: dict[int, Region]) -> None:
    """Add instructions that are alone at their level to the only region that reads them."""
    readers: dict[int, list[int]] = {i: [] for i in single}
    for i, (_, args, _) in enumerate(code):
        for a in readers.keys() & args:
            readers[a].append(i)
    for i in sorted(single, reverse=True):
        regions = {id(r): r for r in map(owner.get, readers[i])}
        region = next(iter(regions.values()), None)
        if region is None or len(regions) > 1 or len(region.members) == MOST:
            continue
        if code[region.members[0]].shape == code[i].shape:
            bisect.insort(region.members, i)
            owner[i] = region


def _joins(instruction: Instruction, code: Code, complex: Sequence[bool]) -> bool:
    """Whether an instruction works element by element, in registers, on enough elements."""
    op, args, shape = instruction
    if math.prod(shape) <= FEWEST:
        return False
    if not isinstance(op, Row):
        return isinstance(op, (Arithmetic, Scale, Choose, Part, Patch))
    pair = any(complex[a] for a in args)
    held = tuple(code[a].op.constant if isinstance(code[a].op, Const) else None for a in args)
    return planar.code_of(op.row, pair) is not None or not (pair or _asks(op.row, held))


def _asks(row: Elementary, held: Sequence[Any]) -> bool:
    """Whether a row, some arguments of which are constants, needs more than registers."""
    if row.compose is None or any(np.ndim(c) for c in held if c is not None):
        return True
    tape = Tape()
    try:
        y = tape.node(row.compose(*(tape.input(()) if c is None else c for c in held)))
    except TaylorError:
        return True
    finally:
        tape.tag.closed = True
    plain = (Const, Input, Arithmetic, Scale, Choose)
    return bool(y.shape or tape.guards) or not all(
        isinstance(i.op, plain) or (isinstance(i.op, Row) and i.op.row.code) for i in tape.code
    )


def _adds_up(code: Code, i: int, region: Region) -> bool:
    """Whether an instruction is a sum over all elements of values of, or beside, a region."""
    op, args, _ = code[i]
    shape = code[region.members[0]].shape
    if any(code[a].shape != shape for a in args):
        return False
    if isinstance(op, Sum):
        return len(op.axes) == len(shape)
    if not isinstance(op, Einsum):
        return False
    terms, out = op.spec.split("->")
    x, y = terms.split(",")
    return x == y and not out and len(set(x)) == len(x)


def _in_order(code: Code, owner: Mapping[int, Region]) -> Iterator[int | Region]:
    """Yield instructions and regions, each after what it needs, regions as late as possible.

    A region that `owner` gives is run as a whole, with its sums.
    """
    done: set[int] = set()
    for i in [*(i for i in range(len(code)) if i not in owner), *owner]:
        stack = [i]
        while stack:
            j = stack[-1]
            region = owner.get(j)
            together = [j] if region is None else [*region.members, *region.sums]
            if j in done:
                stack.pop()
                continue
            inside = set(together)
            needed = {a for k in together for a in code[k].args} - inside
            missing = sorted(needed - done)
            if missing:
                stack += missing
                continue
            done.update(together)
            yield j if region is None else region


def own_arrays(code: Code, steps: Iterable[int | Region]) -> set[int]:
    """Return the instructions whose arrays are their own, and read by such instructions only."""
    inside = {i for step in steps if isinstance(step, Region) for i in (*step.members, *step.sums)}
    inside |= {i for i, c in enumerate(code) if isinstance(c.op, Bilinear)}
    return inside - {a for i, c in enumerate(code) if i not in inside for a in c.args}


def pieces(code: Code, members: Sequence[int]) -> list[list[int]]:
    """Return the instructions of a region in runs, each of which may be a loop of its own.

    Functions by kernels are one of their own: each takes many instructions, and what comes after,
    each waiting for the one before, would keep the processor from beginning the next ones.
    """
    kernel = [isinstance(op := code[i].op, Row) and vector.has_kernel(op.row.code) for i in members]
    starts, later = {0}, len(members)  # where the next kernel is
    for n in range(len(members) - 1, 0, -1):
        if kernel[n]:
            later = n
        elif kernel[n - 1] and later - n > AFTER:
            starts.add(n)
    found: list[list[int]] = []
    for n, i in enumerate(members):
        if n in starts or len(found[-1]) == PIECE:
            found.append([])
        found[-1].append(i)
    return found


def written_over(
    code: Code,
    region: Region,
    ended: Set[int],
    wanted: Sequence[int],
    complex: Sequence[bool],
    unit: int,
) -> dict[int, int]:
    """Return which results of a region may be written over which arrays that end with it.

    An array is read a vector at a time, before anything is written there; by later pieces of the
    region it is not read any more.
    """
    shape = code[region.members[0]].shape
    if (unit == 1 and shape[-1] % WIDTH) or any(isinstance(code[i].op, Patch) for i in wanted):
        return {}
    piece = {i: n for n, part in enumerate(pieces(code, region.members)) for i in part}
    last = {a: piece[i] for i in region.members for a in code[i].args}
    read = {a for i in region.sums for a in code[i].args}
    free = sorted(a for a in ended - read - piece.keys() if code[a].shape == shape)
    found: dict[int, int] = {}
    for i in wanted:
        fits = (a for a in free if last[a] <= piece[i] and complex[a] == complex[i])
        if (a := next(fits, None)) is not None:
            found[i] = a
            free.remove(a)
    return found
