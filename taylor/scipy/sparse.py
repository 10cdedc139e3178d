"""Products of SciPy's sparse matrices with arrays of values of the package.

SciPy does not ask the other operand of `A @ x` and would take it for an array of numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from taylor.core.operand import as_array
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import is_operand


def matmul(a: Any, x: Any) -> Any:
    """Return A @ x of a sparse matrix of plain numbers and a vector or matrix.

    >>> import taylor
    >>> a = scipy.sparse.csr_array([[1.0, 2.0], [0.0, 3.0]])
    >>> taylor.jacobian(lambda x: matmul(a, x), [1.0, 1.0])
    array([[1., 2.],
           [0., 3.]])
    """
    a, x = scipy.sparse.coo_array(a), as_array(x)
    if np.ndim(x) not in (1, 2) or np.shape(x)[0] != a.shape[1]:
        raise ShapeMismatch(f"a matrix of shape {a.shape} has no product with {np.shape(x)}")
    if not is_operand(x):
        return a @ x
    if np.ndim(x) == 2:
        return np.stack([matmul(a, column) for column in x.T], axis=1)
    i, j = a.coords
    return (a.data * x[j])._scatter(i, (a.shape[0],))
