"""The functions of scipy.special, where SciPy looks for them: x.__array_namespace__().special."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from taylor.array_api.array import of_arrays
from taylor.scipy import special


def __getattr__(name: str) -> Callable[..., Any]:
    """Return the function of `taylor.scipy.special` of that name for Arrays."""
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = of_arrays(getattr(special, name))
    return found


def __dir__() -> list[str]:
    return dir(special)
