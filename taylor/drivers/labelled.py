"""Labelled arrays as arguments: Series and DataFrames of pandas, DataArrays of xarray.

f is called with one of the same labels, and so are answers: the gradient by a Series is a Series,
its Hessian a DataFrame.  Neither library is imported here before it is in use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.operand import Operand, stack
from taylor.numbers.data import labels_of, what_is_lost
from taylor.numbers.kinds import is_operand

Rule = tuple[Callable[[Any], tuple[Sequence[Any], Any]], Callable[[Any, Sequence[Any]], Any]]


class Labels:
    """All that a labelled array is beside its numbers; equal to others by its content."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Labels) and all(map(_same, self.parts, other.parts))

    def __hash__(self) -> int:
        return hash((Labels, *map(np.shape, self.parts)))


def _same(x: Any, y: Any) -> bool:
    if type(x) is not type(y):
        return False
    if hasattr(x, "identical"):  # an index, or what xarray has
        return bool(x.identical(y))
    return bool(x.equals(y)) if hasattr(x, "equals") else bool(x == y)


def rule_of(cls: type) -> Rule | None:
    """Return how objects of a class of labelled arrays are taken apart and built; None for others.

    >>> rule_of(dict) is None
    True
    """
    name = labels_of(cls)
    return RULES[name] if name else None


def _is_array(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic, Operand))


def _numbers(x: Any) -> Any:
    """Return the numbers of a column; as they are where they are no array."""
    if hasattr(x.array, "__taylor_value__"):
        return x.array.__taylor_value__()
    return x.array if what_is_lost(x) else x.to_numpy()


def _column(y: Any) -> Any:
    """Return numbers as pandas can hold them."""
    if not isinstance(y, Operand):
        return y
    from taylor.drivers.columns import Column

    return Column(y)


# ------------------------------------------------------------------ Series
def _of_series(x: Any) -> tuple[Sequence[Any], Any]:
    from pandas.api.types import is_numeric_dtype

    if not is_numeric_dtype(x.dtype):
        return [], Labels(x)
    return [_numbers(x)], Labels(x.index, x.name)


def _series(labels: Labels, children: Sequence[Any]) -> Any:
    """Return numbers with labels along their last axis; of other answers along the first."""
    import pandas

    if not children:
        return labels.parts[0].copy()
    (index, name), (y,) = labels.parts, children
    if not _is_array(y) and not hasattr(y, "isna"):
        return _with_rows(y, index)
    if hasattr(y, "columns"):
        return y.set_axis(index) if len(y) == len(index) else y
    if not np.shape(y) or np.shape(y)[-1] != len(index) or np.ndim(y) > 2:
        return y
    if np.ndim(y) == 1:
        return pandas.Series(_column(y), index=index, name=name)
    return y if isinstance(y, Operand) else pandas.DataFrame(y, columns=index)


def _with_rows(y: Any, index: Any) -> Any:
    """Return a tree of derivatives with labels along the first axis of each."""
    import pandas

    if isinstance(y, dict):
        return {k: _with_rows(e, index) for k, e in y.items()}
    if type(y) in (list, tuple):
        return type(y)(_with_rows(e, index) for e in y)
    if np.ndim(y) not in (1, 2) or len(y) != len(index) or isinstance(y, Operand):
        return y
    if isinstance(y, np.ndarray):
        return (pandas.Series if y.ndim == 1 else pandas.DataFrame)(y, index=index)
    return y.set_axis(index) if hasattr(y, "columns") else y


# ------------------------------------------------------------------ DataFrames
def _of_frame(x: Any) -> tuple[Sequence[Any], Any]:
    """Return the columns of numbers; the others stand beside the labels."""
    from pandas.api.types import is_numeric_dtype

    known = [bool(is_numeric_dtype(t)) for t in x.dtypes]
    rest = x.loc[:, [not k for k in known]]
    columns = [_numbers(x.iloc[:, i]) for i, k in enumerate(known) if k]
    return columns, Labels(x.index, x.columns, rest, tuple(known))


def _frame(labels: Labels, children: Sequence[Any]) -> Any:
    """Return a DataFrame of columns; of derivatives that are none a dict by the column's name."""
    import pandas

    index, columns, rest, known = labels.parts
    if children and all(_is_array(y) and not np.ndim(y) for y in children):  # of one row
        row = stack(children) if any(map(is_operand, children)) else np.array(children)
        return pandas.Series(_column(row), index=columns[list(known)])
    if any(np.shape(y) != np.shape(index) or hasattr(y, "index") for y in children):
        return dict(zip(columns[list(known)], children, strict=True))
    numbers, others = iter(children), iter(rest.columns)
    at = {i: _column(next(numbers)) if k else rest[next(others)] for i, k in enumerate(known)}
    return pandas.DataFrame(at, index=index).set_axis(columns, axis=1)


# ------------------------------------------------------------------ xarray
def _of_data_array(x: Any) -> tuple[Sequence[Any], Any]:
    return [x.data], Labels(x.copy(data=np.zeros(x.shape, dtype=bool)))


def _data_array(labels: Labels, children: Sequence[Any]) -> Any:
    (like,), (y,) = labels.parts, children
    return like.copy(data=y) if _is_array(y) and np.shape(y) == like.shape and y.shape else y


RULES: dict[str, Rule] = {
    "Series": (_of_series, _series),
    "DataFrame": (_of_frame, _frame),
    "DataArray": (_of_data_array, _data_array),
}
