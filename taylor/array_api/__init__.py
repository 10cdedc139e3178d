"""The array-API standard, version 2024.12, with derivatives: what SciPy asks its arguments for.

Arrays hold NumPy's arrays or values of the package, and all functions take both, too:

>>> import taylor
>>> from taylor import array_api as xp
>>> x = xp.asarray([1.0, 2.0])
>>> xp.sum(x * x)
Array(5., dtype=float64)
>>> taylor.gradient(lambda x: xp.sum(xp.asarray(x) ** 3), [1.0, 2.0])
array([ 3., 12.])
"""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np

from taylor.array_api.array import VERSIONS, Array
from taylor.array_api.functions import BESIDE, PLAIN, WINDOWS, standard
from taylor.core.advice import no_name

EXTENSIONS = ("fft", "linalg", "special")
__array_api_version__ = VERSIONS[-1]
__array_namespace_info__ = np.__array_namespace_info__
CONSTANTS = {"e": np.e, "inf": np.inf, "nan": np.nan, "newaxis": None, "pi": np.pi}
TYPES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32",
    "float64", "complex64", "complex128",
]  # fmt: skip

__all__ = [*PLAIN, *TYPES, *CONSTANTS, *EXTENSIONS, "Array"]
globals().update(
    standard(BESIDE) | standard(PLAIN) | CONSTANTS | {name: np.dtype(name) for name in TYPES}
)

lib = SimpleNamespace(stride_tricks=SimpleNamespace(**standard(WINDOWS)))  # for xarray, too


def __getattr__(name: str) -> Any:
    """Return an extension, imported when it is first asked for."""
    if name in EXTENSIONS:
        return import_module(f"taylor.array_api.{name}")
    raise no_name(__name__, name, [*__all__, *EXTENSIONS])
