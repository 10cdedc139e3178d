"""Columns of pandas that hold a value of the package: a Series inside a differentiated function.

All that pandas does with a column (labels, alignment, masks, groups, sums) happens to one series or
node.  Imported where pandas is in use already.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray, ExtensionDtype, no_default
from pandas.api.indexers import check_array_indexer

from taylor.core.conditions import Condition
from taylor.core.operand import Operand, as_array, lift
from taylor.errors import NonAnalyticError

TABLES = (pd.Series, pd.Index, pd.DataFrame)
REDUCTIONS = ("sum", "prod", "mean", "median", "min", "max", "var", "std", "any", "all")
RUNNING: dict[str, tuple[Any, float]] = {  # and what changes nothing: it stands where none is
    "cumsum": (np.cumsum, 0.0), "cumprod": (np.cumprod, 1.0),
    "cummax": (np.maximum.accumulate, -np.inf), "cummin": (np.minimum.accumulate, np.inf),
}  # fmt: skip


class Varying(ExtensionDtype):  # type: ignore[misc]
    """The type of a column that holds a value of the package."""

    name, type, kind, na_value, _is_numeric = "taylor", object, "O", np.nan, True

    @classmethod
    def construct_array_type(cls) -> Any:
        return Column


class Column(ExtensionArray):  # type: ignore[misc]
    """A value of the package with one axis, or an array beside such, as pandas holds it."""

    __array_priority__ = 2000.0

    def __init__(self, operand: Any) -> None:
        self.operand = operand

    @classmethod
    def _from_sequence(cls, scalars: Any, *, dtype: Any = None, copy: bool = False) -> Column:
        return cls(as_array(list(scalars)))

    @classmethod
    def _concat_same_type(cls, to_concat: Sequence[Column]) -> Column:
        return cls(np.concatenate([c.operand for c in to_concat]))

    dtype = property(lambda self: Varying())
    nbytes = property(lambda self: 8 * len(self))

    def __len__(self) -> int:
        return len(self.operand)

    def __getitem__(self, index: Any) -> Any:
        found = self.operand[check_array_indexer(self, index)]
        return Column(found) if np.ndim(found) else found

    def __setitem__(self, index: Any, value: Any) -> None:
        self.operand[check_array_indexer(self, index)] = inside(value)

    def take(self, indices: Any, *, allow_fill: bool = False, fill_value: Any = None) -> Column:
        places = np.asarray(indices)
        none = places < 0
        if not allow_fill or not none.any():
            return Column(self.operand[places])
        rest = np.nan if fill_value is None else fill_value
        if not len(self):
            return Column(np.full(len(places), rest))
        return Column(np.where(none, rest, self.operand[np.where(none, 0, places)]))

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        if isinstance(dtype, (ExtensionDtype, str)) or np.dtype(dtype).kind not in "fc":
            return super().astype(dtype, copy)
        return Column(self.operand.astype(dtype))

    def copy(self) -> Column:
        return Column(self.operand.copy())

    def isna(self) -> Any:
        return np.asarray(np.isnan(self.operand), dtype=bool)

    def argsort(self, *, ascending: bool = True, na_position: str = "last", **kwargs: Any) -> Any:
        if na_position != "last":
            raise TypeError("a column that is differentiated is sorted with na_position='last'")
        return np.argsort(self.operand if ascending else -self.operand, kind="stable")

    def isin(self, values: Any) -> Any:
        found = np.zeros(len(self), dtype=bool)
        for v in values:
            found |= self.isna() if v is pd.NA or v != v else np.asarray(self == v, dtype=bool)
        return found

    def _places(self, name: str) -> Any:
        """Return the place of each number in their order, nan for what is missing.

        NonAnalyticError if numbers are equal: others nearby are not.
        """
        order = np.argsort(self.operand, kind="stable")[: np.count_nonzero(~self.isna())]
        x, places = self.operand[order], pd.Series(np.full(len(self), np.nan))
        if not np.all(held(x[1:] > x[:-1])):
            raise NonAnalyticError(
                f"{name} asks which elements of a column are equal, which holds at this point "
                "only; move the point, or take plain numbers (x.value)"
            )
        places[order] = np.arange(len(order))
        return places

    def duplicated(self, keep: Any = "first") -> Any:
        return self._places("duplicated").duplicated(keep).to_numpy()

    def _rank(self, **kwargs: Any) -> Any:
        return self._places("rank").rank(**kwargs).to_numpy()

    def _mode(self, dropna: bool = True) -> Any:
        places = self._places("mode")
        found = places.mode(dropna)  # all numbers, in order, or that one is missing
        return self[[np.flatnonzero(places.isin([m]))[0] for m in found]]

    def _reduce(
        self,
        name: str,
        *,
        skipna: bool = True,
        keepdims: bool = False,
        min_count: int = 0,
        **kwargs: Any,
    ) -> Any:
        if name not in REDUCTIONS:
            raise TypeError(f"{name} of a column that is differentiated is not implemented")
        lost = self.isna() if skipna else np.zeros(len(self), dtype=bool)
        kwargs = {k: v for k, v in kwargs.items() if k == "ddof"}
        found = getattr(np, name)(self.operand[~lost] if lost.any() else self.operand, **kwargs)
        found = found * np.nan if np.count_nonzero(~self.isna()) < min_count else found
        return Column(np.reshape(found, 1)) if keepdims else found

    def _accumulate(self, name: str, *, skipna: bool = True, **kwargs: Any) -> Column:
        (run, neutral), lost = RUNNING[name], self.isna()
        if not (skipna and lost.any()):
            return Column(run(self.operand))
        return Column(np.where(lost, np.nan, run(np.where(lost, neutral, self.operand))))

    def __taylor_value__(self) -> Any:
        return self.operand

    def to_numpy(self, dtype: Any = None, copy: bool = False, na_value: Any = no_default) -> Any:
        """Return what the column holds, for functions that take no Series."""
        lost = np.False_ if na_value is no_default else self.isna()
        found = np.where(lost, na_value, self.operand) if lost.any() else self.operand
        found = found if dtype in (None, object) else found.astype(dtype)
        return found.copy() if copy else found

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.operand, dtype=dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, kind: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, TABLES) for x in inputs):
            return NotImplemented
        return held(getattr(ufunc, kind)(*map(inside, inputs), **kwargs))

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return func(*map(inside, args), **{k: inside(v) for k, v in kwargs.items()})


def inside(x: Any) -> Any:
    """Return what a column holds, in a list or tuple, too; else x itself."""
    if isinstance(x, Column):
        return x.operand
    return type(x)(map(inside, x)) if type(x) in (list, tuple) else x


def held(x: Any) -> Any:
    """Return a result with one axis as a column, a condition as its mask."""
    if isinstance(x, tuple):
        return tuple(map(held, x))
    if isinstance(x, Condition):
        return x.mask()
    return Column(x) if isinstance(x, Operand) and x.ndim == 1 else x


def _method(op: Callable[[Any, Any], Any], right: bool) -> Callable[[Column, Any], Any]:
    def method(self: Column, other: Any) -> Any:
        if isinstance(other, TABLES):
            return NotImplemented
        x, y = lift(self.operand), lift(inside(other))
        return held(op(y, x) if right else op(x, y))

    return method


def _alone(op: Callable[[Any], Any]) -> Callable[[Column], Any]:
    return lambda self: held(op(self.operand))


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    setattr(Column, f"__{_name}__", _method(getattr(operator, _name), False))
    setattr(Column, f"__r{_name}__", _method(getattr(operator, _name), True))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Column, f"__{_name}__", _method(getattr(operator, _name), False))
for _name in ("neg", "pos", "abs"):
    setattr(Column, f"__{_name}__", _alone(getattr(operator, _name)))
