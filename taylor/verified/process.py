"""Instructions on intervals: what each of them makes of sets, element by element or as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.applied import Call
from taylor.core.calls import Row
from taylor.core.choices import SLOPES
from taylor.core.einsum import Einsum
from taylor.core.instructions import Scale
from taylor.core.lookups import Lookup
from taylor.core.loops import Loop
from taylor.core.maps import Contract, CumSum, Gather, Reshape, Scatter, Sum
from taylor.core.parts import Part
from taylor.core.sides import Choose
from taylor.errors import NonAnalyticError, Undecided
from taylor.linalg.degrees import RULES
from taylor.numbers.policy import current_policy
from taylor.verified import linear, planes, values
from taylor.verified.enclosing import ALL

Set = Any  # an Interval
REMEDY = "make it smaller, or split it"


def _summed(of: type[Set], op: Sum, args: Sequence[Any]) -> Set:
    return of._make(*planes.summed(of.of(args[0])._ends, op.axes))


def _running(of: type[Set], op: CumSum, args: Sequence[Any]) -> Set:
    return of._make(*planes.running(of.of(args[0])._ends, op.axis))


def _gathered(of: type[Set], op: Gather, args: Sequence[Any]) -> Set:
    return of._make(*planes.gathered([of.of(a)._ends for a in args], op.index))


def _scattered(of: type[Set], op: Scatter, args: Sequence[Any]) -> Set:
    return of._make(*planes.scattered(of.of(args[0])._ends, op.index, op.to))


def _reshaped(of: type[Set], op: Reshape, args: Sequence[Any]) -> Set:
    return of.of(args[0]).reshape(op.to)


def _contracted(of: type[Set], op: Einsum, args: Sequence[Any]) -> Set:
    return of._make(*planes.einsum(op.spec, *(of._ends_of(a) for a in args)))


def _contracted_by(of: type[Set], op: Contract, args: Sequence[Any]) -> Set:
    return of._make(*planes.einsum(op.spec, of._ends_of(op.c), of._ends_of(args[0])))


def _part(of: type[Set], op: Part, args: Sequence[Any]) -> Set:
    x = of.of(args[0])
    return x._zeros(x.shape) if op.kind == "imag" else x.copy()


def _chosen(of: type[Set], op: Choose, args: Sequence[Any]) -> Set:
    """Return a where lhs >= rhs, b where it is not; where members differ, the hull of both."""
    lhs, rhs, a, b = (of.of(x) for x in args)
    (p, q), (r, s) = lhs._ends, rhs._ends
    slopes = op.mode in (*SLOPES, "side")
    first = np.asarray(p > s if op.mode in SLOPES else p >= s)
    second = np.asarray(q < r)
    if op.mode == "formula":
        first = np.asarray(lhs.mid >= rhs.mid)
        second = ~first
    unsure = ~(first | second)
    shape = np.broadcast_shapes(unsure.shape, a.shape, b.shape)
    between = planes.hull(a._ends, b._ends)
    if slopes:
        unsure = unsure & np.logical_not((a.lo == b.lo) & (a.hi == b.hi) & (a.lo == a.hi))
        if unsure.any() and (op.mode == "side" or current_policy().kink != "subgradient"):
            _refuse(op.mode, shape, lhs, rhs)
            between = ALL
    found = planes.where(unsure, between, planes.where(first, a._ends, b._ends))
    return of._make(*(np.broadcast_to(v, shape).copy() for v in found))


def _refuse(mode: str, shape: Any, lhs: Set, rhs: Set) -> None:
    """Raise for a branch that has no derivative, of a single number, or as the policy asks for."""
    policy = current_policy().singular
    if policy == "propagate" or (policy != "raise" and shape):
        return
    if mode == "side":
        raise Undecided(f"members take both branches, {lhs} >= {rhs}: no derivatives; {REMEDY}")
    raise NonAnalyticError(f"a kink lies in the interval: both sides meet in {lhs}; {REMEDY}")


def looked_up(of: type[Set], op: Lookup, args: Sequence[Any]) -> Set:
    """Return the hulls of the rows of a table that members have."""
    x, table = args
    if not isinstance(x, of):
        return op.rows(x, table)
    first, last = op.places(x)
    ends, size = [of.of(table)], 1  # of 1, 2, 4, ... rows from each of them on
    while size <= np.max(last - first, initial=0):
        ends.append(ends[-1] | np.concatenate([ends[-1][size:], ends[-1][-size:]]))
        size *= 2
    which = np.log2(last - first + 1).astype(int)
    every = np.stack(ends)
    return every[which, first] | every[which, last + 1 - 2**which]


def _called(of: type[Set], op: Call, args: Sequence[Any]) -> Any:
    method = linear.METHODS.get(op.rule.name)
    if method is not None and RULES.get(op.rule.name) is op.rule:
        return method(of, *args)
    if op.rule.sets is not None:
        return op.rule.sets(*args)
    raise TypeError(
        f"{op.rule.name} has no verified method: write it with arithmetic, functions of the table, "
        "or solve, inv, det, slogdet, cholesky, eigvalsh and svdvals"
    )


PROCESS: dict[type, Callable[..., Any]] = {
    Row: lambda of, op, args: values.value(of, op.row, args),
    Scale: lambda of, op, args: of.of(args[0]) * of.of(op.c),
    Sum: _summed, CumSum: _running, Gather: _gathered, Scatter: _scattered, Reshape: _reshaped,
    Einsum: _contracted, Contract: _contracted_by, Part: _part, Choose: _chosen,
    Lookup: looked_up, Call: _called, Loop: lambda of, op, args: op.run(*args),
}  # fmt: skip
