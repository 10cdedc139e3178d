"""Sets of elements, and questions of types and shapes, by NumPy's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.core.binding import family
from taylor.core.operand import Operand, define, implements


@implements(np.setdiff1d)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """Return np.setdiff1d(ar1, ar2): the elements of ar1 whose values are not in ar2."""
    if isinstance(ar2, Operand):
        raise TypeError(
            "np.setdiff1d of a value of taylor does not take one as ar2; give ar2.value"
        )
    found = np.ravel(ar1) if assume_unique else np.unique(ar1)
    return found[~np.isin(found, ar2)]


def _may_share(a: Any, b: Any) -> bool:
    """Whether two arrays are the same, or views of one memory."""
    if not (isinstance(a, Operand) and isinstance(b, Operand)):
        return True  # np.asarray(x) holds the elements of x
    return a is b or (a._memory() is not None and a._memory() is b._memory())


def _empty(x: Any) -> Any:
    return np.empty(x.shape, x.dtype)[()] if isinstance(x, Operand) else x


def _of_empty(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return f of plain arrays of the same shapes and types of numbers."""
    return lambda *args, **kwargs: f(*map(_empty, args), **kwargs)


for _function in (
    np.common_type, np.min_scalar_type, np.diag_indices_from,
    np.tril_indices_from, np.triu_indices_from,
):  # fmt: skip
    family(_function, _of_empty(_function))
define({
    np.can_cast: lambda from_, to, casting="safe": np.can_cast(_empty(from_), to, casting),
    np.union1d: lambda ar1, ar2: np.unique(np.concatenate((ar1, ar2), axis=None)),
    np.unique_values: lambda x: np.unique(x),
    np.histogram_bin_edges: lambda a, bins=10, range=None: np.histogram(a, bins, range)[1],
    np.emath.logn: lambda n, x: np.emath.log(x) / np.emath.log(n),
})  # fmt: skip
define({np.may_share_memory: _may_share}, lifted=False)
