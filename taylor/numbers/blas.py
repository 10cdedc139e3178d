"""Where BLAS and LAPACK lie on this machine: in NumPy's own library, or in SciPy's.

TAYLOR_BLAS names one of them, "numpy" or "scipy", or "none"; else the first that is there is used.
Functions have Fortran's interface, in which everything is pointed to.  Whole numbers are given in
64 bits, low bytes first: a library that reads 32 of them finds the same number.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import math
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAMES = (
    "dgemm", "dtrsm", "ztrsm", "dgetrf", "dgetrs", "dpotrf", "dgeqrf", "dorgqr", "dsyevd", "dgesdd",
)  # fmt: skip
SMALL = 32  # rows of matrices of which NumPy does a batch in one call
ONE = (ctypes.c_double * 2)(1.0, 0.0)
SPELLINGS = ("scipy_{}_64_", "{}_64_", "scipy_{}_", "{}_")  # of NumPy's wheels


@functools.cache
def _of_numpy() -> Mapping[str, int]:
    """Return the addresses in the OpenBLAS that comes with NumPy; none if none comes with it."""
    home = Path(np.__file__).parent
    for folder in (home.parent / "numpy.libs", home / ".dylibs"):
        for file in sorted(folder.glob("*openblas*")):
            try:
                library = ctypes.CDLL(str(file))
            except OSError:  # an archive, or a library for another system: not what NumPy uses
                continue
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
    """Return the addresses that scipy.linalg.cython_blas and cython_lapack export."""
    from scipy.linalg import cython_blas, cython_lapack

    name_of, pointer_of = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    capsules = cython_blas.__pyx_capi__ | cython_lapack.__pyx_capi__
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


def integers() -> int:
    """Return the bytes of the whole numbers that the library writes; 0 where there is none.

    >>> integers() in (0, 4, 8)
    True
    """
    return _integers(route())


@functools.cache
def _integers(where: str) -> int:
    if where == "none":
        return 0
    pivots, n, info = (ctypes.c_int64 * 2)(), ctypes.c_int64(2), ctypes.c_int64()
    matrix = (ctypes.c_double * 4)(1.0, 0.0, 0.0, 1.0)
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 6)(ROUTES[where]()["dgetrf"])
    size = ctypes.addressof(n)
    a, p, i = (ctypes.addressof(x) for x in (matrix, pivots, info))
    call(size, size, a, size, p, i)
    return 8 if list(pivots) == [1, 2] else 4


# ------------------------------------------------------------------ triangular equations
def solve_triangular(t: NDArray[Any], b: NDArray[Any], upper: bool) -> NDArray[Any]:
    """Return x with t x = b, of floats or complex numbers: of t one triangle is read.

    Shapes (..., n, n) and (..., n, m).  A zero on the diagonal raises LinAlgError.

    >>> solve_triangular(np.array([[2.0, 9.0], [1.0, 1.0]]), np.array([[2.0], [3.0]]), False)
    array([[1.],
           [2.]])
    """
    kind = t.dtype if t.dtype is b.dtype else np.result_type(t, b)
    kind = kind if kind.kind in "fc" else np.dtype(float)
    if not t.diagonal(axis1=-2, axis2=-1).all():
        raise np.linalg.LinAlgError("Singular matrix")
    many = math.prod(b.shape[:-2]) > 1
    if (many and t.shape[-1] < SMALL) or kind.char not in "fdFD" or route() == "none":
        if not upper:  # the other way round it is an upper one, which elimination leaves as it is
            return solve_triangular(t[..., ::-1, ::-1], b[..., ::-1, :], True)[..., ::-1, :]
        return np.linalg.solve(np.triu(t), b)
    x = np.array(b, "D" if kind.kind == "c" else "d", order="C")
    call = _function("ztrsm" if kind.kind == "c" else "dtrsm", route())
    t = t.astype(x.dtype, copy=False)
    if t.ndim == x.ndim == 2:
        _solve(call, t, x, upper)
    else:
        t = np.broadcast_to(t, (*x.shape[:-2], *t.shape[-2:]))
        for i in np.ndindex(x.shape[:-2]):
            _solve(call, t[i], x[i], upper)
    return x.astype(kind, copy=False)


@functools.cache
def _function(name: str, where: str) -> Callable[..., None]:
    pointer = ctypes.c_void_p
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_char_p] * 4, *[pointer] * 7)
    return kind(ROUTES[where]()[name])


def _solve(call: Callable[..., None], t: NDArray[Any], x: NDArray[Any], upper: bool) -> None:
    """Solve t x = b, given as x, in place.  BLAS, which counts columns first, sees xᵀ tᵀ = bᵀ."""
    if not x.size:
        return
    turned = t.flags.f_contiguous and not t.flags.c_contiguous
    t = t if turned else np.ascontiguousarray(t)
    n, _ = _pointed(*x.shape)
    flags = (b"R", b"U" if upper == turned else b"L", b"T" if turned else b"N", b"N")
    call(*flags, n + 8, n, ctypes.addressof(ONE), t.ctypes.data, n, x.ctypes.data, n + 8)


@functools.lru_cache(maxsize=256)
def _pointed(n: int, m: int) -> tuple[int, Any]:
    """Return where two whole numbers lie, and what holds them."""
    numbers = (ctypes.c_int64 * 2)(n, m)
    return ctypes.addressof(numbers), numbers
