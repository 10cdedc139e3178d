"""scipy.linalg.qr, with pivoting: the order of the columns is looked up, and stays nearby."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from taylor.core.operand import as_array
from taylor.core.table import rule


def qr(a: Any, mode: str = "full", pivoting: bool = False) -> Any:
    """Return (Q, R) with Q R = a; with mode "economic" no more of Q than R needs, with "r" R alone.

    With pivoting also the order of the columns, whole numbers, in which Q R = a[:, order].

    >>> qr([[1.0, 3.0], [0.0, 4.0]], pivoting=True)[2]
    array([1, 0])
    """
    if mode not in ("full", "economic", "r"):
        raise ValueError(f"qr takes mode 'full', 'economic' or 'r', not {mode!r}")
    a = as_array(a) * 1.0
    order: tuple[Any, ...] = ()
    if pivoting:
        columns = rule(
            lambda a: np.eye(np.shape(a)[-1])[:, scipy.linalg.qr(a, mode="r", pivoting=True)[1]],
            jvp=lambda da, y, a: 0 * y, vjp=lambda bar, y, a: (0 * a,), name="order of columns",
        )(a)  # fmt: skip
        a, order = np.matmul(a, columns), (np.argmax(columns, axis=0),)
    rows, width = np.shape(a)[-2:]
    if mode == "full" and rows > width:
        return (*np.linalg.qr(a, mode="complete"), *order)
    q, r = np.linalg.qr(a)
    if mode != "r":
        return (q, r, *order)
    below = [(0, 0)] * (np.ndim(a) - 2) + [(0, max(rows - width, 0)), (0, 0)]
    return (np.pad(r, below), *order)
