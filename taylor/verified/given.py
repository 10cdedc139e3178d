"""What users give to proofs: each argument is of its kind, or an error says which it has to be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def check_function(f: Any, what: str) -> None:
    """Raise TypeError, which says what it is, unless f can be called."""
    if not callable(f):
        raise TypeError(f"{what}, not {type(f).__name__}")


def tolerance(tol: Any, name: str = "tol") -> Any:
    """Return a width that may be asked for: a positive number."""
    if tol is None or isinstance(tol, (str, bytes)) or np.ndim(tol) or np.iscomplexobj(tol):
        raise TypeError(f"{name} has to be a positive number, not {tol!r}")
    if not tol > 0:
        raise ValueError(f"{name} has to be positive, not {tol!r}")
    return tol


def budget(most: Any, name: str) -> Any:
    """Return how many there may be: a positive integer, in any type of numbers, or inf."""
    tolerance(most, name)
    if most != math.inf and most % 1:
        raise ValueError(f"{name} has to be a positive integer, not {most!r}")
    return most


def floats(x: Any, name: str) -> Any:
    """Return an array of floats."""
    try:
        return np.asarray(x, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{name} has to be made of real numbers, not {x!r}") from None
