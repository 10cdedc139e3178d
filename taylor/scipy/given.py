"""What functions of SciPy are given: array-likes, as numbers that do not wrap around."""

from __future__ import annotations

from typing import Any

from taylor.core.operand import as_array
from taylor.numbers.kinds import is_operand


def floats(x: Any) -> Any:
    """Return an array of floats, or of values of the package."""
    x = as_array(x)
    return x if is_operand(x) or x.dtype.kind in "fc" else x * 1.0
