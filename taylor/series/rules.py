"""Functions with a derivative of their own at series, degree by degree.

A rule gives its parts of each degree (`by_step`), or its tangent is known (`by_tangent`):
∂_i y = f'(x)·∂_i x, so that degree k of y needs the arguments below k only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np

from taylor.core.algebra import Algebra
from taylor.core.applied import Call, call_of, flat
from taylor.core.binding import Handler
from taylor.core.graded import differentiation
from taylor.core.rules import tangent_of
from taylor.core.singular import like_numbers
from taylor.core.table import Rule
from taylor.core.tags import Tag, fresh_tag
from taylor.errors import ForeignNodeError
from taylor.numbers.kinds import Array, is_operand
from taylor.numbers.values import as_array, as_data, joined, zeros
from taylor.series.coefficients import Coefficients


def by_step(owner: Coefficients, rule: Handler, tables: Sequence[Any], mine: list[bool]) -> Any:
    """Return the results of a function with a degree-wise rule at tables and plain values."""
    y: list[Any] = []
    step = rule(owner.algebra, tables, mine, y)
    for k in range(owner.order + 1):
        parts = step(k)
        if k == 0:
            y.extend(owner._constant(head)._coef for head in parts)
            continue
        for table, new in zip(y, parts, strict=True):
            if new is not None:
                table[owner.algebra.part(k)] = new
    return owner._new(y[0]) if len(y) == 1 else tuple(owner._new(table) for table in y)


def by_tangent(owner: Coefficients, rule: Rule, args: Sequence[Any], mine: list[bool]) -> Any:
    """Return the results of a function of which the tangent is known.

    They are found in variables of their own, which the rule meets in its arguments only.
    """
    if owner.tag.kept is not None:
        call, table = _along(owner, rule, args, mine)
        return call.results(owner._new(table))
    tag = fresh_tag()
    tag.kept, tag.source = [], owner.tag
    given = [
        type(owner)._make(x._coef, owner.algebra, tag) if m else x
        for x, m in zip(args, mine, strict=True)
    ]
    inner = next(x for x, m in zip(given, mine, strict=True) if m)
    try:
        call, y = _along(inner, rule, given, mine)
    finally:
        tag.closed, tag.kept = True, None
    return call.results(owner._new(y))


@dataclass
class _Known:
    """What is known of a rule at some arguments: the table y of its results up to an order."""

    rule: Rule
    args: Sequence[Any]
    call: Call
    y: Any
    order: int


def _along(owner: Coefficients, rule: Rule, x: Sequence[Any], mine: list[bool]) -> tuple[Call, Any]:
    """Return the table of y, and how to take it apart.

    A rule whose tangent uses the rule itself comes to an end: at order 0 with the plain function.
    What is known of it stays with the tag while the outermost one is computed: the next degree of y
    asks for all those before it, too.
    """
    kept = owner.tag.kept
    assert kept is not None
    entry = next((e for e in kept if e.rule is rule and _agree(e.args, x, mine)), None)
    if entry is None:
        given = [v.value if m else v for v, m in zip(x, mine, strict=True)]
        head = rule(*given)
        y = as_data(_checked(flat(head), owner.tag, rule), owner._coef)
        entry = _Known(
            rule, x, call_of(rule, head, compress(given, mine)), owner._constant(y)._coef[:1], 0
        )
        kept.append(entry)
    elif owner.order > entry.order:
        entry.args = x
    while entry.order < owner.order:
        _next_degree(owner, entry, x, mine)
    return entry.call, entry.y[: owner.algebra.size]


def _next_degree(owner: Coefficients, entry: _Known, x: Sequence[Any], mine: list[bool]) -> None:
    algebra, k = owner.algebra, entry.order + 1
    lower = algebra.truncated(k - 1)

    def below(table: Any) -> Any:  # a series of order 0 is its value
        return owner._new(table[: lower.size], lower) if lower.order else table[0]

    at = [below(v._coef) if m else v for v, m in zip(x, mine, strict=True)]
    parts, places = [], []
    for i in range(algebra.variables):
        rows, source, weights = differentiation(algebra, lower, i)
        speed = [
            below(derived(v._coef, algebra, lower, i)) if m else None
            for v, m in zip(x, mine, strict=True)
        ]
        dy = tangent_of(entry.call, at, below(entry.y), speed)
        top = lower.degrees[rows] == k - 1
        new = _coefficients(_checked(dy, owner.tag, entry.rule), owner.tag, rows[top], entry.y)
        scale = weights[top].reshape((-1,) + (1,) * (new.ndim - 1))
        parts.append(new / like_numbers(scale, new))
        places.append(source[top])
    entry.y = _extended(entry.y, parts, np.concatenate(places))
    entry.order = k


def _checked(y: Any, tag: Tag, rule: Rule) -> Any:
    """Return what a rule gave in the variables of a tag; raise if it is in those behind them."""
    if is_operand(y) and y.tag is tag.source:
        raise ForeignNodeError(
            f"the rule {rule.name!r} reads a series that is not among its arguments; pass it"
        )
    return y


def _agree(known: Sequence[Any], x: Sequence[Any], mine: Sequence[bool]) -> bool:
    """Whether arguments are the same as far as both are known."""
    for a, b, m in zip(known, x, mine, strict=True):
        if isinstance(a, Coefficients) != m:
            return False
        n = min(len(a._coef), len(b._coef)) if m else 0
        if not (_identical(a._coef[:n], b._coef[:n]) if m else _identical(a, b)):
            return False
    return True


def _identical(a: Any, b: Any) -> bool:
    """Whether two tables hold the same numbers."""
    if isinstance(a, Coefficients) and isinstance(b, Coefficients):
        return a.tag is b.tag and a.algebra == b.algebra and _identical(a._coef, b._coef)
    if is_operand(a) or is_operand(b):
        return a is b
    return np.shape(a) == np.shape(b) and bool(np.all(np.asarray(a) == np.asarray(b)))


def _coefficients(y: Any, tag: Tag, rows: Array, like: Any) -> Any:
    """Return coefficients of y in the variables of the tag, in the shape of the rows of a table."""
    if isinstance(y, Coefficients) and y.tag is tag:
        return y._coef[rows]
    y = like[0] * 0 if y is None else y  # a rule does not vary with some of its arguments
    if len(rows) == 1 and rows[0] == 0:
        y = y if is_operand(y) else as_array(y)
        return np.broadcast_to(np.reshape(y, (1, *np.shape(y))), (1, *like.shape[1:]))
    return np.concatenate([like[:1] * 0] * len(rows))


def _extended(table: Any, parts: Sequence[Any], places: Array) -> Any:
    """Return a table with the coefficients of the next degree, found in parts, at their places."""
    if not any(map(is_operand, (table, *parts))):
        table, *parts = joined([table, *parts])
    _, first = np.unique(places, return_index=True)
    return np.concatenate([table, np.concatenate(parts)[first]])


def derived(table: Any, algebra: Algebra, lower: Algebra, i: int) -> Any:
    """Return the table of ∂/∂x_i in an algebra of an order that is lower by one."""
    rows, source, weights = differentiation(algebra, lower, i)
    out = zeros((lower.size, *table.shape[1:]), table)
    scale = weights.reshape((-1,) + (1,) * (table.ndim - 1))
    out[rows] = table[source] * like_numbers(scale, table)
    return out
