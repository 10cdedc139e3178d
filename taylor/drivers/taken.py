"""What f does at a point, without the sides of `np.where` that are not taken there.

A number has no lanes: a series of it raises where a function has no expansion, before `np.where`
can leave that out.  So the program of f at the point is run in its place, in which only what was
chosen is left.  What is only compared goes, too: the abs(r) of `while abs(r) > tol`.  At a kink
(maximum, minimum) both sides have a say, and beside one an infinite side has; else it leaves the
side out that is not taken: maximum(sqrt(x), 1) at 0 is 1.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import numpy as np

from taylor.core.calls import Row
from taylor.core.functions import maximum, minimum
from taylor.core.instructions import Input, Instruction
from taylor.core.maps import Gather
from taylor.core.patterns import positions
from taylor.core.program import Program
from taylor.core.rules import pruned
from taylor.core.sides import Choose
from taylor.core.singular import finite_in, outcome
from taylor.errors import DomainError
from taylor.numbers.kinds import ValueSet, base
from taylor.numbers.values import constant

SIGNS = {maximum: 1, minimum: -1}


def only_taken(program: Program, v: list[Any], x: Any) -> Program | None:
    """Return a program of the same value and derivatives at its point; None if nothing that has no
    series at x is left out.

    `v` are the values of the instructions there, x the series in place of its argument.  Of what is
    chosen by numbers, or alike in all elements, it has the side that was taken alone, and of guards
    nothing.

    >>> from taylor import Taylor
    >>> from taylor.core.program import recording
    >>> recorded = recording(lambda x: np.where(x > 0, np.sqrt(x), 2 * x), -1.0)
    >>> found = only_taken(*recorded, Taylor.variable(-1.0, 2))
    >>> [c.op.name for c in found.code]
    ['input', 'scale']
    """
    new: list[int] = []  # what stands for each instruction
    code: list[Instruction] = []
    for i, (op, args, shape) in enumerate(program.code):
        chosen = None
        if isinstance(op, Choose) and op.mode in ("where", "side"):
            chosen = _side(args, v)
        elif isinstance(op, Row) and op.row in SIGNS:
            chosen = _extreme(SIGNS[op.row], args, v)
        elif isinstance(op, Gather) and not shape and len(args) > 1:
            chosen = _source(op, args, v)
        if chosen is not None and (own := program.code[chosen].shape) != shape:
            op, args = Gather(np.broadcast_to(positions(own), shape)), (chosen,)
            chosen = None
        new.append(i if chosen is None else new[chosen])
        code.append(Instruction(op, tuple([new[a] for a in args]), shape))
    outputs = [new[i] for i in program.outputs]
    needed = pruned(code, outputs)[1]
    if not any(i not in needed for i in _singular(program, x)):
        return None
    return Program(code, program.inputs, outputs, [], program.single).pruned()


def _singular(program: Program, x: Any) -> Iterator[int]:
    """Yield which instructions have no series at x though what they read has."""
    v: list[Any] = []
    for i, (op, args, _) in enumerate(program.code):
        given = [v[a] for a in args]
        known, found = all(a is not None for a in given), None
        try:
            if isinstance(op, Input):
                found = x
            elif known:
                found = op.value(given, lambda c: constant(c, x))
        except DomainError:
            yield i
        v.append(found)


def _side(args: tuple[int, ...], v: list[Any]) -> int | None:
    """Return the side of a choice that was taken, if that is the same in all elements."""
    left, right, first, second = args
    if np.all(outcome(operator.ge, v[left], v[right])):
        return first
    return second if np.all(outcome(operator.lt, v[left], v[right])) else None


def _extreme(sign: int, args: tuple[int, ...], v: list[Any]) -> int | None:
    """Return the larger (sign 1) or lesser argument, if it is in all elements; both finite."""
    a, b = (base(v[i]) for i in args)
    if any(isinstance(x, ValueSet) for x in (a, b)) or not _all_finite(a, b):
        return None
    for i, more, less in ((0, a, b), (1, b, a)):
        if np.all(sign * np.asarray(more) > sign * np.asarray(less)):
            return args[i]
    return None


def _all_finite(*x: Any) -> bool:
    return all(bool(np.all(finite_in(np.asarray(e)))) for e in x)


def _source(op: Gather, args: tuple[int, ...], v: list[Any]) -> int | None:
    """Return the number that was taken from several arrays, as `np.where` does by conditions."""
    ends = list(accumulate(np.size(v[a]) for a in args))
    n = int(np.searchsorted(ends, op.index, "right"))
    return args[n] if op.index >= 0 and not np.shape(v[args[n]]) else None
