"""What is recorded in place of an instruction: a simpler one of the same value, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.core import functions
from taylor.core.calls import Row
from taylor.core.instructions import ADD, DIV, MUL, Add, Const, Div, Einsum, Mul, Op, Scale
from taylor.core.maps import Contract, CumSum, Gather, Reshape, Sum
from taylor.core.operand import is_complex
from taylor.core.parts import REFUSED, Part
from taylor.core.sides import Choose
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import base, is_operand
from taylor.numbers.values import common_shape

Tape = Any  # that records, and its
Node = Any

EXTREMES = (functions.maximum, functions.minimum)


def _arithmetic(tape: Tape, op: Op, nodes: list[Node]) -> Node | None:
    """x·1, 1·x and x/1 are x (x + 0 would lose the sign of -0); a constant factor is a scale."""
    a, b = nodes
    try:
        shape = common_shape(a.shape, b.shape)
    except ValueError:
        raise ShapeMismatch(f"shapes {a.shape} and {b.shape} do not fit in {op.name}") from None
    for factor, other in () if op is ADD else ((b, a), (a, b)):
        c = tape.code[factor.i].op
        if type(c) is not Const or (op is DIV and factor is a):
            continue
        if type(c.c) is int and c.c == 1:
            return tape.at(other.i)
        varies = type(tape.code[other.i].op) is not Const and other.shape == shape
        if op is MUL and varies and not is_operand(c.c):
            return tape.apply(Scale(c.c), [other])
    return tape.apply(op, nodes, shape)


def _of_row(tape: Tape, op: Row, nodes: list[Node]) -> Node | None:
    same = op.row in EXTREMES and nodes[0].i == nodes[1].i  # identical operands are no tie
    return tape.at(nodes[0].i) if same else None


def _moved(tape: Tape, op: Gather, nodes: list[Node]) -> Node:
    x, index = nodes[0], op.index
    layout = None if index.flags.c_contiguous else index
    whole = len(nodes) == 1 and index.size == x.size
    if whole and np.array_equal(index.reshape(-1), np.arange(x.size)):
        same = index.shape == x.shape
        return tape.at(x.i if same else tape.apply(Reshape(index.shape), [x]).i, layout)
    return tape.at(tape.apply(Gather(np.asarray(index, order="C")), nodes).i, layout)


def _summed(tape: Tape, op: Sum | CumSum, nodes: list[Node]) -> Node:
    where = nodes[0]._where
    return tape.apply(op, nodes)._beside(*(() if where is None else (op.moved([where], 0),)))


def _contracted(tape: Tape, op: Einsum, nodes: list[Node]) -> Node:
    terms, out = op.spec.split("->")
    (x, y), (a, b) = nodes, terms.split(",")
    x, a = _reduced(x, a, b + out)
    y, b = _reduced(y, b, a + out)
    for c, node, names in ((x, y, f"{a},{b}->{out}"), (y, x, f"{b},{a}->{out}")):
        known = tape.code[c.i].op
        if type(known) is Const and not is_operand(known.c):
            return tape.apply(Contract(names, np.asarray(known.c)), [node])
    return tape.apply(Einsum(f"{a},{b}->{out}"), [x, y])


def _chosen(tape: Tape, op: Choose, nodes: list[Node]) -> None:
    if op.mode == "kink" and any(np.iscomplexobj(base(tape.values[n.i])) for n in nodes):
        raise TypeError(
            "abs, maximum and their kin are not holomorphic: they have no derivative at a "
            "complex value; work with real and imaginary parts as two real variables"
        )


def _part(tape: Tape, op: Part, nodes: list[Node]) -> None:
    if not op.known and any(is_complex(tape.values[i]) for i in tape.inputs):
        raise TypeError(REFUSED)


SIMPLER: dict[type[Op], Callable[[Tape, Any, list[Node]], Node | None]] = {
    Add: _arithmetic, Mul: _arithmetic, Div: _arithmetic, Row: _of_row, Gather: _moved,
    Sum: _summed, CumSum: _summed, Einsum: _contracted, Choose: _chosen, Part: _part,
}  # fmt: skip


def _reduced(x: Node, axes: str, others: str) -> tuple[Node, str]:
    """Return x without repeated letters (its diagonal) and letters of its own (their sum)."""
    if len(set(axes)) < len(axes):
        kept = "".join(dict.fromkeys(axes))
        index = np.einsum(f"{axes}->{kept}", np.arange(x.size).reshape(x.shape))
        x, axes = x._gather([x], np.array(index)), kept
    alone = tuple(i for i, c in enumerate(axes) if c not in others)
    if alone:
        x, axes = x.tape.apply(Sum(alone), [x]), "".join(c for c in axes if c in others)
    return x, axes
