"""scipy.sparse.linalg: equations of sparse matrices of numbers and values of the package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from taylor.core.operand import as_array
from taylor.core.table import Rule
from taylor.errors import ShapeMismatch
from taylor.scipy.theirs import names_of

__all__ = ["by_rows", "spsolve"]


def spsolve(a: Any, b: Any) -> Any:
    """Return x with a x = b for a sparse matrix of plain numbers, factorised once.

    >>> import taylor
    >>> a = scipy.sparse.csc_array([[2.0, 0.0], [1.0, 4.0]])
    >>> taylor.jacobian(lambda b: spsolve(a, b), [1.0, 1.0])
    array([[ 0.5  ,  0.   ],
           [-0.125,  0.25 ]])
    """
    a, b = scipy.sparse.csc_array(a), as_array(b) * 1.0
    if np.ndim(b) not in (1, 2) or np.shape(b)[0] != a.shape[1]:
        raise ShapeMismatch(f"a matrix of shape {a.shape} has no equations with {np.shape(b)}")
    factors = scipy.sparse.linalg.splu(a)

    def rule(transposed: bool) -> Rule:
        def solved(r: Any) -> Any:
            return factors.solve(np.asarray(r), "T" if transposed else "N")

        def step(algebra: Any, given: Any, live: Any, y: Any) -> Any:
            return lambda k: [by_rows(own, given[0][algebra.part(k) if k else 0], np.ndim(b))]

        own = Rule("spsolve", solved, lambda bar, y, r: (rules[not transposed](bar),),
                   lambda d, y, r: own(d[0]), step)  # fmt: skip
        return own

    rules = {t: rule(t) for t in (False, True)}
    return rules[False](b)


def by_rows(f: Any, x: Any, ndim: int) -> Any:
    """Return f of an array of so many axes, or of each of several along the first axis."""
    return f(x) if np.ndim(x) == ndim else np.stack([f(row) for row in x])


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
