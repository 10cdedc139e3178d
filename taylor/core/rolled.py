"""Programs made shorter: loops that were written out are rolled up, loops that are alike made one.

A stretch of a program repeats with period p if instruction i + p does what instruction i does, its
arguments being the same ones or those p later.  What differs between the repetitions, constants and
elements of arrays, becomes the rows of the loop.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from taylor.core.instructions import MUL, Const, Input, Instruction, Scale, Shape
from taylor.core.loops import Loop
from taylor.core.maps import Gather, Reshape, run
from taylor.core.program import Program
from taylor.core.rules import values
from taylor.numbers.kinds import Array

SHORTEST = 300  # instructions of a program that is looked at
LEAST = 8  # repetitions of a loop
WINDOW = 24  # instructions that are compared to find a period
TRIED = 4  # periods that are looked at closely


# ------------------------------------------------------------------ loops that are alike
def merged(program: Program) -> Program:
    """Return the program with loops of the same steps on the same arguments made one."""
    groups: dict[Any, list[int]] = defaultdict(list)
    for i, (op, args, _) in enumerate(program.code):
        if isinstance(op, Loop):
            count = op.states
            same = (op.n, count, op.rows, op.backwards, tuple(op.body.outputs[:count]))
            groups[args, same, tuple(op.body.code)].append(i)
    several = [group for group in groups.values() if len(group) > 1]
    if not several:
        return program
    whole = {group[0]: _union([_loop_at(program, i) for i in group]) for group in several}
    first = {i: group[0] for group in several for i in group}
    code: list[Instruction] = []
    new: dict[int, int] = {}
    made: dict[int, int] = {}
    for i, (op, args, shape) in enumerate(program.code):
        args = tuple(new[a] for a in args)
        if i in whole:
            made[i] = len(code)
            code.append(Instruction(whole[i], args, whole[i].shape([])))
        if i in first:
            assert isinstance(op, Loop)
            op, args = _part(whole[first[i]], op), (made[first[i]],)
        new[i] = len(code)
        code.append(Instruction(op, args, shape))
    return program.renumbered(code, new.__getitem__)


def _loop_at(program: Program, i: int) -> Loop:
    op = program.code[i].op
    assert isinstance(op, Loop)
    return op


def _union(loops: Sequence[Loop]) -> Loop:
    """Return the loop that has the results of all."""
    op = loops[0]
    ys = dict.fromkeys(i for loop in loops for i in loop.body.outputs[op.states :])
    outputs = [*op.body.outputs[: op.states], *ys]
    body = Program(op.body.code, op.body.inputs, outputs, [], False, op.body.point)
    return Loop(body, op.n, op.states, op.rows, op.backwards)


def _part(whole: Loop, op: Loop) -> Gather:
    """Return what takes the results of a loop from those of another, that has more."""
    places = np.arange(*whole.shape([]))
    parts, found, count = whole.split(places), whole.body.outputs, op.states
    pieces = parts[:count]
    pieces += [parts[count + found[count:].index(i)] for i in op.body.outputs[count:]]
    index = np.concatenate([np.ravel(p) for p in pieces])
    return run(0, index.shape) if np.array_equal(index, places[: index.size]) else Gather(index)
