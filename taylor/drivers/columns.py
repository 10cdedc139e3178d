"""Columns of pandas that hold a value of the package: a Series inside a differentiated function.

All that pandas does with a column (labels, alignment, masks, groups, sums) happens to one series or
node.  Imported where pandas is in use already.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray, ExtensionDtype, no_default
from pandas.api.indexers import check_array_indexer

from taylor.core.advice import asked_by
from taylor.core.conditions import Condition
from taylor.core.node import Node
from taylor.core.operand import Operand, as_array, lift
from taylor.errors import NonAnalyticError

TABLES = (pd.Series, pd.Index, pd.DataFrame)
NEEDED = {"any": 0, "all": 0, "sum": 0, "prod": 0, "skew": 3, "kurt": 4}  # numbers; else one
SPREADS = "var", "std", "sem"
REDUCTIONS = (*NEEDED, *SPREADS, "mean", "median", "min", "max")
RUNNING: dict[str, tuple[Any, float]] = {  # and what changes nothing: it stands where none is
    "cumsum": (np.cumsum, 0.0), "cumprod": (np.cumprod, 1.0),
    "cummax": (np.maximum.accumulate, -np.inf), "cummin": (np.minimum.accumulate, np.inf),
}  # fmt: skip


def _sem(x: Any, ddof: int = 1) -> Any:
    return np.std(x, ddof=ddof) / np.sqrt(len(x))


def _skew(x: Any) -> Any:
    """Return the skewness, adjusted as in pandas: G₁ of Joanes and Gill (1998)."""
    n, d = len(x), x - np.mean(x)
    return n * np.sqrt(n - 1) / (n - 2) * np.sum(d**3) / np.sum(d**2) ** 1.5


def _kurt(x: Any) -> Any:
    """Return the excess kurtosis, adjusted as in pandas: G₂ of Joanes and Gill (1998)."""
    n, d = len(x), x - np.mean(x)
    ratio = n * (n + 1) * np.sum(d**4) / np.sum(d**2) ** 2
    return (n - 1) / ((n - 2) * (n - 3)) * (ratio - 3 * (n - 1))


OWN = {"sem": _sem, "skew": _skew, "kurt": _kurt}  # those that NumPy has not


class Varying(ExtensionDtype):  # type: ignore[misc]
    """The type of a column that holds a value of the package."""

    name, type, kind, na_value, _is_numeric = "taylor", object, "O", np.nan, True

    @classmethod
    def construct_array_type(cls) -> Any:
        return Column

    def __ne__(self, other: object) -> bool:
        """Whether the types differ; for `equals` of pandas numbers of NumPy are of one with it."""
        numbers = isinstance(other, np.dtype) and other.kind in "iufc"
        return not (self == other or (numbers and asked_by(sys._getframe(1)) == "equals"))

    __hash__ = ExtensionDtype.__hash__

    def _get_common_dtype(self, dtypes: list[Any]) -> Any:
        """Return what holds columns of these types: beside numbers of NumPy they stay one value."""
        numbers = (isinstance(t, np.dtype) and t.kind in "iufc" for t in dtypes if t != self)
        return self if all(numbers) else None


class Column(ExtensionArray):  # type: ignore[misc]
    """A value of the package with one axis, or an array beside such, as pandas holds it."""

    __array_priority__ = 2000.0

    def __init__(self, operand: Any) -> None:
        self.operand = operand

    @classmethod
    def _from_sequence(cls, scalars: Any, *, dtype: Any = None, copy: bool = False) -> Column:
        plain = isinstance(scalars, np.ndarray) and not scalars.dtype.hasobject
        return cls(scalars.copy() if plain else as_array(list(scalars)))

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
        index, value = check_array_indexer(self, index), inside(value)
        if isinstance(value, Operand) and isinstance(self.operand, np.ndarray):
            self.operand = self.operand + np.zeros_like(value, shape=len(self))
        self.operand[index] = value

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
            if isinstance(dtype, pd.StringDtype):
                raise TypeError("a column that is differentiated has no text; take x.value")
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

    def _monotonic_check(self) -> tuple[bool, bool, bool]:
        """Return whether the numbers never fall, never rise, and differ."""
        x = self.operand
        up, down = (np.all(held(c)) for c in (x[1:] >= x[:-1], x[1:] <= x[:-1]))
        strict = np.all(held(x[1:] > x[:-1])) or np.all(held(x[1:] < x[:-1]))
        known = not np.any(self.isna())
        return bool(up) and known, bool(down) and known, bool(strict) and known

    _is_monotonic_increasing = property(lambda self: self._monotonic_check()[0])
    _is_monotonic_decreasing = property(lambda self: self._monotonic_check()[1])

    def equals(self, other: object) -> bool:
        """Whether the numbers, and what is missing, are those of another column or array.

        NonAnalyticError where they are: others nearby are not.
        """
        x, y = self.operand, inside(other)
        if np.shape(x) != np.shape(y):
            return False
        lost = self.isna()
        if np.any(lost != np.isnan(y)):
            return False
        x, y = x[~lost], y[~lost]
        if any(np.any(held(c)) for c in (x < y, x > y)):
            return False
        if isinstance(x, Node):
            alike = isinstance(y, Node) and x.tape is y.tape and x.i == y.i
        else:
            alike = bool(np.all(x - y == 0))
        if not alike:
            raise _equal("equals")
        return True

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
            raise _equal(name)
        places[order] = np.arange(len(order))
        return places

    def duplicated(self, keep: Any = "first") -> Any:
        return self._places("duplicated").duplicated(keep).to_numpy()

    def _rank(self, **kwargs: Any) -> Any:
        return self._places("rank").rank(**kwargs).to_numpy()

    def factorize(self, use_na_sentinel: bool = True) -> tuple[Any, Column]:
        places = self._places("factorize").to_numpy()
        codes = pd.factorize(places, use_na_sentinel=use_na_sentinel)[0]
        found, first = np.unique(codes, return_index=True)
        return codes, self[first[found >= 0]]

    def _values_for_factorize(self) -> Any:
        raise _equal("a merge")

    def unique(self) -> Column:
        return self.factorize(use_na_sentinel=False)[1]

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
        if name in ("argmax", "argmin"):
            return getattr(self, name)(skipna=skipna)
        if name not in REDUCTIONS:
            raise TypeError(f"{name} of a column that is differentiated is not implemented")
        lost = self.isna()
        kwargs = {k: v for k, v in kwargs.items() if k == "ddof"}
        x = self.operand[~lost] if skipna and lost.any() else self.operand
        least = kwargs.get("ddof", 1) + 1 if name in SPREADS else NEEDED.get(name, 1)
        if name not in ("any", "all") and (np.any(lost) > skipna or len(x) < max(least, min_count)):
            found = np.sum(self.operand) * np.nan
        else:
            found = (OWN.get(name) or getattr(np, name))(x, **kwargs)
        return Column(np.reshape(found, 1)) if keepdims else found

    def _groupby_op(
        self,
        *,
        how: str,
        has_dropped_na: bool,
        min_count: int,
        ngroups: int,
        ids: Any,
        **kwargs: Any,
    ) -> Any:
        """Return what pandas asks of groups: a number of each, or its column in their places."""
        if how in ("first", "last"):
            return self._groupby_first_last(
                how=how, min_count=min_count, ngroups=ngroups, ids=ids, **kwargs
            )
        order = np.argsort(ids, kind="stable")
        groups = np.split(order, np.searchsorted(ids[order], np.arange(ngroups)))[1:]
        if how in ("idxmax", "idxmin"):
            return self._extremes("arg" + how[3:], groups)
        if how not in RUNNING and how != "rank":
            found = [self[g]._reduce(how, min_count=min_count, **kwargs) for g in groups]
            return np.array(found) if how in ("any", "all") else Column(as_array(found))
        if how == "rank":
            names = {"method" if k == "ties_method" else k: v for k, v in kwargs.items()}
            parts: list[Any] = [self[g]._rank(**names) for g in groups]
        else:
            parts = [self[g]._accumulate(how, **kwargs).operand for g in groups]
        places = np.full(len(self), -1)  # of those in no group, which have no number
        places[order[len(order) - sum(map(len, groups)) :]] = np.arange(sum(map(len, groups)))
        found = Column(np.concatenate(parts)).take(places, allow_fill=True)
        return found.operand if how == "rank" else found

    def _extremes(self, name: str, groups: Sequence[Any]) -> Any:
        """Return the place of the greatest or least number of each group, -1 where none is."""
        known = [bool(np.any(~self[g].isna())) for g in groups]
        pairs = zip(groups, known, strict=True)
        return np.array([g[getattr(self[g], name)()] if k else -1 for g, k in pairs], dtype=int)

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
        if (what := asked_by(sys._getframe(1))) in ("isin", "equals"):
            raise _equal(what)
        return np.asarray(self.operand, dtype=dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, kind: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, TABLES) for x in inputs):
            return NotImplemented
        return held(getattr(ufunc, kind)(*map(inside, inputs), **kwargs))

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return func(*map(inside, args), **{k: inside(v) for k, v in kwargs.items()})


def _equal(what: str) -> NonAnalyticError:
    return NonAnalyticError(
        f"{what} asks which elements of a column are equal, which holds at this point only; move "
        "the point, or take plain numbers (x.value)"
    )


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
Column.__divmod__ = _method(divmod, False)
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Column, f"__{_name}__", _method(getattr(operator, _name), False))
for _name in ("neg", "pos", "abs"):
    setattr(Column, f"__{_name}__", _alone(getattr(operator, _name)))
