"""The operands of an operation, with matching numbers and axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from taylor.core.memory import in_rows
from taylor.core.operand import Shape
from taylor.core.tables import pad
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import Array, is_operand
from taylor.numbers.values import as_array, constant, together


def aligned(x: Any, y: Any) -> tuple[Any, Any]:
    """Return two tables with matching numbers and axes."""
    if not (is_operand(x) or is_operand(y)):
        x, y = together(x, y)
    _check_shapes(x.shape[1:], y.shape[1:])
    n = max(x.ndim, y.ndim) - 1
    return pad(x, n), pad(y, n)


def with_constant(table: Any, c: Any) -> tuple[Any, Any]:
    """Return a table and a plain constant with matching numbers and axes."""
    if is_operand(c) or is_operand(table):
        return pad(table, np.ndim(c)), c
    if not isinstance(c, (np.ndarray, np.generic)):
        c = constant(c, table)
        if type(c) in (int, float, complex) and table.dtype != object:
            return table, c
    table, c = together(table, c if isinstance(c, np.ndarray) else as_array(c))
    _check_shapes(table.shape[1:], c.shape)
    return pad(table, c.ndim), c[()]


def _check_shapes(a: Shape, b: Shape) -> None:
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        raise ShapeMismatch(f"shapes {tuple(a)} and {tuple(b)} do not fit") from None


def moved(table: Array, c: Any) -> Any:
    """Return a table plus a constant."""
    head = table[:1] + c
    shape = (len(table) - 1, *head.shape[1:])
    tail = table[1:] if table.shape[1:] == head.shape[1:] else np.broadcast_to(table[1:], shape)
    return in_rows(np.concatenate([head, tail]), [table], [c])
