"""Choices between two values by a comparison, and their modes: what derives from one side or both.

The modes differ in their derivatives only.  "where" and "formula" (of two formulas of one function)
have those of the side taken, "kink" those of both sides where they agree.  "side" chooses between
the derivatives of a "where": of a set whose members take both sides there are none.  "mean" and
"flat" choose between the derivatives on both sides of a kink: there these are equal, or the result
is nan, but with policy(kink="subgradient") their mean, or zero for "flat", where one side is
constant.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from taylor.errors import NonAnalyticError
from taylor.numbers import contexts, values
from taylor.numbers.kinds import Kind, is_operand
from taylor.numbers.policy import current_policy
from taylor.numbers.values import ordered

SLOPES = ("mean", "flat")  # the modes of a choice between derivatives
# the modes of a choice whose derivatives are those of the side taken; "side" is of derivatives
SIDES = ("where", "formula", "side")


def choose(lhs: Any, rhs: Any, a: Any, b: Any, mode: str) -> Any:
    """Return a where lhs >= rhs and b elsewhere; nan where the two cannot be compared.

    The mode "formula" compares the real parts of complex numbers, which no other mode takes.
    """
    for x in (lhs, rhs, a, b):
        if is_operand(x):
            return x._choose(lhs, rhs, a, b, mode)
    if not (values.is_real(lhs) and values.is_real(rhs)):
        if mode == "formula":
            lhs, rhs = ordered(lhs), ordered(rhs)
        elif np.iscomplexobj(lhs) or np.iscomplexobj(rhs):
            raise TypeError("complex values have no order; compare real parts of .value")
        if contexts.is_set(lhs) or contexts.is_set(rhs):
            return np.frompyfunc(functools.partial(_choose_of_sets, mode), 4, 1)(lhs, rhs, a, b)
    if _is_double(a) and _is_double(b) and not type(a) is int is type(b):
        above = apart(lhs, rhs)
        if above is not None:
            return np.where(above, a, b)
    chosen = _chosen(lhs, rhs, a, b)
    if mode not in SLOPES:
        return chosen
    tie = np.equal(lhs, rhs)
    if not np.count_nonzero(tie):
        return chosen
    tie = tie & np.not_equal(a, b)
    if not np.count_nonzero(tie):
        return chosen
    given = shared(a, b, mode) if current_policy().kink == "subgradient" else np.nan
    return np.where(tie, given, chosen)[()]


def apart(lhs: Any, rhs: Any) -> Any:
    """Return where lhs > rhs, of doubles of which none are equal or nan; else None."""
    if not (_is_double(lhs) and _is_double(rhs)):
        return None
    above, below = np.greater(lhs, rhs), np.less(lhs, rhs)
    sides = np.count_nonzero(above) + np.count_nonzero(below)
    return above if sides == above.size > 1 else None


def _chosen(lhs: Any, rhs: Any, a: Any, b: Any) -> Any:
    if all(values.shape_of(x) == () for x in (lhs, rhs, a, b)):
        return a if lhs >= rhs else b if lhs < rhs else lhs + rhs
    first, second = np.greater_equal(lhs, rhs), np.less(lhs, rhs)
    if not (values.is_real(a) and values.is_real(b)):
        a, b = values.together(a, b)
    return np.where(first, a, np.where(second, b, np.add(lhs, rhs)))


def _is_double(x: Any) -> bool:
    """Whether x is a float64, an array of them, or what has no precision beside them."""
    return x.dtype.char == "d" if type(x) is np.ndarray else type(x) in (float, int, np.float64)


def _choose_of_sets(mode: str, lhs: Any, rhs: Any, a: Any, b: Any) -> Any:
    """Return a or b, their hull where members of the intervals differ, no slope there."""
    compare = Kind.of(lhs, rhs).compare
    above, below = compare(operator.ge, lhs, rhs), compare(operator.ge, rhs, lhs)
    if mode in SLOPES and above is not False and below is not False:
        raise NonAnalyticError(f"a kink lies in the interval: both sides meet in {lhs}; split it")
    if above is None:
        return Kind.of(lhs, rhs, a, b).hull(a, b)
    return a if above else b


def shared(a: Any, b: Any, mode: str) -> Any:
    """Return what stands by convention for a derivative with the values a and b around a kink."""
    return (a + b) / 2 if mode == "mean" else 0


def blend(share: Any, a: Any, b: Any) -> Any:
    """Return share·a + (1 - share)·b; a side without a share never poisons the other."""
    mixed = (share != 1) & (share != 0)
    chosen = np.where(share == 1, a, b)
    return np.where(mixed, share * a + (1 - share) * b, chosen) if np.any(mixed) else chosen
