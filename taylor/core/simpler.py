"""What is recorded in place of an instruction: a simpler one of the same value, bit for bit.

(But where an integrator watches, |x|² is x·x, and |x + iy|² is x·x + y·y: they are analytic.  And
quotients lose the zeros that their sides have in common: see `removable`.)
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.core import functions
from taylor.core.calls import Row
from taylor.core.choices import SLOPES
from taylor.core.einsum import Einsum
from taylor.core.instructions import ADD, DIV, MUL, Arithmetic, Const, Mul, Node, Op, Scale, Tape
from taylor.core.maps import Contract, CumSum, Gather, Reshape, Sum, run
from taylor.core.operand import as_array, is_complex
from taylor.core.parts import REFUSED, Part
from taylor.core.removable import is_quotient, without_zeros
from taylor.core.sides import Choose
from taylor.core.tables import nonzero
from taylor.errors import NotHolomorphic, ShapeMismatch
from taylor.numbers.kinds import base, is_operand
from taylor.numbers.values import common_shape, is_native, widened

MODULI = (functions.absolute, functions.hypot)
EVEN = {2: 1, 4: 2, 6: 3, 8: 4}  # powers of moduli that are written as products
REAL = (int, float)
EXTREMES = (functions.maximum, functions.minimum)


def arithmetic(tape: Tape, op: Arithmetic, i: int, j: int) -> Node:
    """Append an operator of two instructions.

    x·1, 1·x and x/1 are x (x + 0 would lose the sign of -0); a constant factor is a scale.
    """
    (left, _, shape), (right, _, other) = tape.code[i], tape.code[j]
    if shape != other:
        try:
            shape = common_shape(shape, other)
        except ValueError:
            shown = f"{tape.code[i].shape} and {other}"
            raise ShapeMismatch(f"shapes {shown} do not fit in {op.name}") from None
    if op is DIV or (op is MUL and (is_quotient(tape, i) or is_quotient(tape, j))):
        found = without_zeros(tape, op, i, j)
        if found is not None and found.shape == shape:
            tape.shortened = True
            return found
    if i == j and op is MUL and tape.watched and (found := _squared(tape, i, 1)) is not None:
        return found
    if type(right) is Const and op is not ADD:
        found = _with_factor(tape, op, i, j, shape)
        if found is not None:
            return found
    if type(left) is Const and op is MUL:
        found = _with_factor(tape, op, j, i, shape)
        if found is not None:
            return found
    return tape.apply(op, (i, j), shape, type(op))


def _with_factor(tape: Tape, op: Op, i: int, factor: int, shape: Any) -> Node | None:
    """Return x·c or x/c where that is no product of two arguments, or None."""
    c, other = tape.code[factor].op.c, tape.code[i]
    if type(c) is np.ndarray and c.size == 1 and c.dtype.kind in "iuf" and other.shape == shape:
        c = c.item()  # what the sum of an array has as adjoint, say
    if type(c) is int and c == 1:
        return tape.at(i)
    if op is DIV or type(other.op) is Const or other.shape != shape or is_operand(c):
        return None
    # equal arrays are one constant
    return tape.apply(Scale(c), (i,), shape, (Scale, factor) if type(c) is np.ndarray else None)


def _of_row(tape: Tape, op: Row, nodes: list[Node]) -> Node | None:
    if op.row is functions.power and (found := _of_varying_power(tape, *nodes)) is not None:
        return found
    if tape.watched and op.row in (functions.square, functions.power):
        power = 2 if op.row is functions.square else tape.code[nodes[1].i].op.constant
        return _squared(tape, nodes[0].i, EVEN.get(power, 0)) if type(power) in REAL else None
    same = op.row in EXTREMES and nodes[0].i == nodes[1].i  # identical operands are no tie
    return tape.at(nodes[0].i) if same else None


def _of_varying_power(tape: Tape, a: Node, r: Node) -> Node | None:
    """Return a**r = exp(r·log(a)), if log(a) vanishes where r has a pole: (1 + x)**(1/x).

    There a rounded a has lost the digits of its logarithm.
    """
    varies = type(tape.code[r.i].op) is not Const is not type(tape.code[a.i].op)
    value = base(tape.values[a.i])
    if not varies or is_complex(value) or value is None or not np.all(np.asarray(value) > 0):
        return None
    found = without_zeros(tape, MUL, functions.log(a).i, r.i)
    if found is None or found.shape != common_shape(a.shape, r.shape):
        return None
    tape.shortened = True
    return functions.exp(found)


def _squared(tape: Tape, i: int, times: int) -> Node | None:
    """Return |z|^(2n) of a modulus |z| without it; None of what is none, or n = 0."""
    op, args, _ = tape.code[i]
    if not times or not isinstance(op, Row) or op.row not in MODULI:
        return None
    first, *others = (tape.apply(MUL, (a, a)) for a in args)
    total = found = tape.apply(ADD, (first.i, others[0].i)) if others else first
    for _ in range(times - 1):
        found = tape.apply(MUL, (found.i, total.i))
    return found


def _moved(tape: Tape, op: Gather, nodes: list[Node]) -> Node:
    index = op.index
    args = tuple([x.i for x in nodes])
    if op.start == 0 and len(nodes) > 1:
        return tape.apply(op, args, index.shape)
    size = sum([x.size for x in nodes])
    layout = None if index.flags.c_contiguous else index
    whole = index.size == size and (not size or index.item(0) == 0)
    if whole and np.array_equal(index.reshape(-1), np.arange(size)):
        if len(nodes) == 1:
            x, same = nodes[0], index.shape == nodes[0].shape
            return tape.at(x.i if same else tape.apply(Reshape(index.shape), args).i, layout)
        return tape.apply(run(0, index.shape), args, index.shape)
    if layout is None:
        return tape.apply(op, args, index.shape)
    return tape.at(tape.apply(Gather(np.asarray(index, order="C")), args).i, layout)


def _summed(tape: Tape, op: Sum | CumSum, nodes: list[Node]) -> Node:
    where, node = nodes[0]._where, tape.apply(op, (nodes[0].i,))
    return node if where is None else node._beside(op.moved([where], 0))


def _contracted(tape: Tape, op: Einsum, nodes: list[Node]) -> Node:
    (x, y), (a, b, out, reduced) = nodes, _terms(op.spec)
    if not reduced:
        x, a = _reduced(x, a, b + out)
        y, b = _reduced(y, b, a + out)
    spec = op.spec if reduced else f"{a},{b}->{out}"
    i, j = x.i, y.i
    for constant, other, names in ((i, j, spec), (j, i, "")):
        known = tape.code[constant].op
        if type(known) is Const and not is_operand(known.c):
            names = names or f"{b},{a}->{out}"
            contract = Contract(names, np.asarray(known.c))
            return tape.apply(contract, (other,), None, (Contract, names, constant))
    return tape.apply(Einsum(spec), (i, j))


@functools.cache
def _terms(spec: str) -> tuple[str, str, str, bool]:
    """Return the axes of the operands and the result of a contraction, and whether it is reduced.

    Then no operand has letters of its own, or a letter twice.
    """
    terms, out = spec.split("->")
    a, b = terms.split(",")
    reduced = set(a) <= set(b + out) and set(b) <= set(a + out)
    return a, b, out, reduced and len(set(a)) == len(a) and len(set(b)) == len(b)


def _chosen(tape: Tape, op: Choose, nodes: list[Node]) -> Node | None:
    if op.mode in SLOPES:
        where, args = Choose("where"), tuple([x.i for x in nodes])
        return tape.apply(where, args) if _is_free(tape, nodes) else None
    if op.mode == "kink" and any(np.iscomplexobj(base(tape.values[n.i])) for n in nodes):
        raise NotHolomorphic(
            "abs, maximum and their kin are not holomorphic: they have no derivative at a "
            "complex value; work with real and imaginary parts as two real variables"
        )
    return None


def _is_free(tape: Tape, nodes: list[Node]) -> bool:
    """Whether a choice between slopes is by constants, both sides zero wherever these are equal."""
    ops = [tape.code[x.i].op for x in nodes[:2]]
    if not all(type(op) is Const and is_native(op.constant) for op in ops):
        return False
    tie = np.equal(*(op.constant for op in ops))
    return not any(_nonzero_at(tape, x.i, tie) for x in nodes[2:])


def _nonzero_at(tape: Tape, i: int, where: Any) -> bool:
    """Whether a variable can be other than zero there: a product is zero where a factor is."""
    factors, met = [i], set()
    while factors and where.any():
        op, args, _ = tape.code[i := factors.pop()]
        if i not in met and type(op) in (Const, Mul, Scale):
            factors.extend(args)
            where = where if op is MUL else where & nonzero(np.asarray(op.constant))
        met.add(i)
    return bool(where.any())


def _part(tape: Tape, op: Part, nodes: list[Node]) -> None:
    if not op.known and any(is_complex(tape.values[i]) for i in tape.inputs):
        raise NotHolomorphic(REFUSED)


SIMPLER: dict[type[Op], Callable[[Tape, Any, list[Node]], Node | None]] = {
    Row: _of_row, Gather: _moved, Sum: _summed, CumSum: _summed, Einsum: _contracted,
    Choose: _chosen, Part: _part,
}  # fmt: skip


def _reduced(x: Node, axes: str, others: str) -> tuple[Node, str]:
    """Return x without repeated letters (its diagonal) and letters of its own (their sum)."""
    if len(set(axes)) < len(axes):
        kept = "".join(dict.fromkeys(axes))
        index = np.einsum(f"{axes}->{kept}", np.arange(x.size).reshape(x.shape))
        x, axes = x._gather([x], np.array(index)), kept
    alone = tuple(i for i, c in enumerate(axes) if c not in others)
    if alone:
        x, axes = x.tape.apply(Sum(alone), (x.i,)), "".join(c for c in axes if c in others)
    return x, axes


def negative(x: Any, like: Any) -> Any:
    """Return -x, of an array-like in the numbers of `like`."""
    if type(x) in (*REAL, complex):
        return -x
    x = as_array(x)
    return -x if is_operand(x) else -widened(x, like)[()]
