"""Arrays as people have them: columns of tables, buffers, ranges, arrays of other libraries.

One place says which objects hold numbers as an array does, and makes an array of NumPy of them.
What would lose its meaning there (a mask, missing values, the product of np.matrix) is refused.
"""

from __future__ import annotations

import array
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.numbers.kinds import Fillable, Handled, of_type

LABELLED = {"pandas": ("Series", "DataFrame"), "xarray": ("DataArray",)}
PLAIN = (np.ndarray, np.memmap)  # classes of arrays whose functions give plain arrays
HOST = (1, 3, 11, 13)  # devices of DLPack whose memory the processor reads


def is_array_like(x: Any) -> bool:
    """Whether x holds numbers as an array does.

    >>> is_array_like(range(3)), is_array_like([1.0, 2.0])
    (True, False)
    """
    if isinstance(x, (np.ndarray, range, memoryview, array.array)):
        return True
    return not isinstance(x, (Handled, type)) and (
        hasattr(x, "__array__") or hasattr(x, "__dlpack__")
    )


def has_own_class(x: Any) -> bool:
    """Whether x is an array of a class that its results have, too: with units, say.

    >>> has_own_class(np.eye(2)), has_own_class(np.zeros(2, [("x", float)]).view(np.recarray))
    (False, True)
    """
    return isinstance(x, np.ndarray) and not (type(x) in PLAIN or isinstance(x, Fillable))


def has_own_operators(x: Any) -> bool:
    """Whether x knows what a number times x is, and is none, nor an array: a vector of a program.

    >>> from datetime import timedelta
    >>> has_own_operators(timedelta(1)), has_own_operators(1.0), has_own_operators([1.0])
    (True, False, False)
    """
    of = type(x)
    if of_type(of) is not None or isinstance(x, Sequence):
        return False
    if is_array_like(x):  # with labels that the result keeps: xarray's, which may hold operands
        return of.__module__.partition(".")[0] == "xarray"
    reflected = any(hasattr(of, name) for name in ("__rmul__", "__radd__", "__rsub__"))
    return reflected and not (hasattr(of, "__float__") or hasattr(of, "__complex__"))


def is_sparse(x: Any) -> bool:
    """Whether x is a sparse matrix of SciPy.

    >>> is_sparse(np.eye(2))
    False
    """
    if type(x) is np.ndarray or type(x).__module__.partition(".")[0] != "scipy":
        return False
    return bool(sys.modules["scipy.sparse"].issparse(x)) if "scipy.sparse" in sys.modules else False


def labels_of(cls: type) -> str:
    """Return the name of the class of labelled arrays that cls is, or inherits; "" for others.

    An element of those has a label, so that what f makes of an array of the numbers is another
    thing.

    >>> labels_of(np.ndarray)
    ''
    """
    for library, names in LABELLED.items():
        module = sys.modules.get(library)
        for name in names if module is not None else ():
            if issubclass(cls, getattr(module, name, ())):
                return name
    return ""


def unlabelled(x: Any, what: str) -> Any:
    """Return x, which must have no labels: f would get an array in its place."""
    if type(x) is not np.ndarray and (name := labels_of(type(x))):
        raise TypeError(f"{what} takes no {name}, whose labels f would not see; give x.to_numpy()")
    return x


def held(x: Any) -> Any:
    """Return the value of the package that an array of xarray or a column of pandas holds, or None.

    >>> held(range(3)) is None
    True
    """
    found: tuple[Any, ...] = getattr(x, "data", None), getattr(x, "array", None), x
    for inner in found:
        if isinstance(inner, Handled):
            return inner
        if hasattr(inner, "__taylor_value__"):
            return inner.__taylor_value__()
    return None


def plain_array(x: Any) -> NDArray[Any]:
    """Return what is array-like as an array of NumPy; raise TypeError where that loses something.

    >>> plain_array(range(3))
    array([0, 1, 2])
    """
    lost = what_is_lost(x)
    if lost:
        raise TypeError(lost)
    if hasattr(x, "__array__") or not hasattr(x, "__dlpack__"):
        return np.asarray(x)
    if x.__dlpack_device__()[0] not in HOST:
        raise TypeError(
            f"the numbers of a {type(x).__name__} are in the memory of another device; copy them "
            "to the processor's first"
        )
    return np.from_dlpack(x)


def what_is_lost(x: Any) -> str:
    """Return why x, array-like, is not what an array of its numbers is; "" if it is."""
    if type(x) is np.ndarray:
        return ""
    if isinstance(x, Fillable) and x.filled:
        return "an array filled with derivatives is no array of numbers; use x.copy()"
    masked = sys.modules.get("numpy.ma")  # which NumPy itself imports only when asked for it
    if masked is not None and isinstance(x, masked.MaskedArray) and np.any(x.mask):
        return (
            "a masked array beside values of taylor would lose its mask; write "
            "np.where(~m.mask, x, ...) with m.filled(...), or sum(x, where=~m.mask)"
        )
    if isinstance(x, np.matrix):
        return "np.matrix means another product by *; take np.asarray(m), and write @ for products"
    graph = getattr(x, "__dask_graph__", None)
    if graph is not None and graph() is not None:
        return (
            "a dask array is not read into memory unasked; take x.compute(), or let taylor.lanes "
            "or taylor.map go through its blocks"
        )
    nullable = hasattr(x, "isna") and any(hasattr(t, "na_value") for t in _dtypes(x))
    if nullable and np.any(np.asarray(x.isna())):
        return (
            "a column has missing values (NA), which no number stands for; take x.dropna(), "
            "x.fillna(...), or x.to_numpy(float, na_value=np.nan)"
        )
    return ""


def _dtypes(x: Any) -> list[Any]:
    """Return the types of the columns of a table, or of one column."""
    return list(x.dtypes) if hasattr(x, "columns") else [getattr(x, "dtype", None)]
