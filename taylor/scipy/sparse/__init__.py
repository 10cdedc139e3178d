"""SciPy's sparse matrices, also with entries that vary: products, sums, blocks, equations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from taylor.core.operand import as_array
from taylor.errors import ShapeMismatch
from taylor.scipy.theirs import names_of

from . import linalg as linalg
from . import varying
from .linalg import by_rows, spsolve

__all__ = ["by_rows", "matmul", "spsolve"]
globals().update(varying.NAMES)


def matmul(a: Any, x: Any) -> Any:
    """Return A @ x of a sparse matrix, in any format, and a vector or matrix.

    >>> import taylor
    >>> a = scipy.sparse.csr_array([[1.0, 2.0], [0.0, 3.0]])
    >>> taylor.jacobian(lambda x: matmul(a, x), [1.0, 1.0])
    array([[1., 2.],
           [0., 3.]])
    """
    if isinstance(a, varying.Varying):
        return a @ x
    a, x = scipy.sparse.coo_array(a), as_array(x)
    if np.ndim(x) not in (1, 2) or np.shape(x)[0] != a.shape[1]:
        raise ShapeMismatch(f"a matrix of shape {a.shape} has no product with {np.shape(x)}")
    return a @ x


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
