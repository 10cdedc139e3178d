"""Where BLAS and LAPACK lie on this machine: in NumPy's own library, or in SciPy's.

TAYLOR_BLAS names one of them, "numpy" or "scipy", or "none"; else the first that is there is used.
Functions have Fortran's interface, in which everything is pointed to.  Whole numbers are given in
64 bits, low bytes first: a library that reads 32 of them finds the same number.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

NAMES = ("dgemm",)
SPELLINGS = ("scipy_{}_64_", "{}_64_", "scipy_{}_", "{}_")  # of NumPy's wheels


@functools.cache
def _of_numpy() -> Mapping[str, int]:
    """Return the addresses in the OpenBLAS that comes with NumPy; none if none comes with it."""
    home = Path(np.__file__).parent
    for folder in (home.parent / "numpy.libs", home / ".dylibs"):
        for file in sorted(folder.glob("*openblas*")):
            library = ctypes.CDLL(str(file))
            for spelling in SPELLINGS:
                names = {name: spelling.format(name) for name in NAMES}
                if all(hasattr(library, own) for own in names.values()):
                    return {name: _address(getattr(library, own)) for name, own in names.items()}
    return {}


def _address(function: Any) -> int:
    found = ctypes.cast(function, ctypes.c_void_p).value
    assert found is not None
    return found


@functools.cache
def _of_scipy() -> Mapping[str, int]:
    """Return the addresses that scipy.linalg.cython_blas exports."""
    from scipy.linalg import cython_blas

    name_of, pointer_of = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    capsules = cython_blas.__pyx_capi__
    return {name: pointer_of(capsules[name], name_of(capsules[name])) for name in NAMES}


ROUTES: dict[str, Callable[[], Mapping[str, int]]] = {
    "numpy": _of_numpy,
    "scipy": _of_scipy,
    "none": dict,
}


def route() -> str:
    """Return which library is used: a key of ROUTES.

    >>> route() in ROUTES
    True
    """
    return _route(os.environ.get("TAYLOR_BLAS", ""))


@functools.cache
def _route(wanted: str) -> str:
    if wanted and wanted not in ROUTES:
        raise ValueError(f"TAYLOR_BLAS is one of {', '.join(ROUTES)}, not {wanted!r}")
    if sys.byteorder != "little" or wanted == "none":
        return "none"
    if wanted != "scipy" and _of_numpy():
        return "numpy"
    there = wanted != "numpy" and importlib.util.find_spec("scipy") is not None
    return "scipy" if there else "none"


def addresses() -> Mapping[str, int]:
    """Return the addresses of the functions NAMES; nothing where there is no library."""
    return ROUTES[route()]()
