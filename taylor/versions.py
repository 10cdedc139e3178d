"""What a report of a mistake should say: versions of the package and of what it works with."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from importlib import metadata

__all__ = ["show_versions"]
NEEDED = ("numpy", "mpmath", "llvmlite")
OPTIONAL = (
    "scipy", "python-flint", "gmpy2", "sympy", "pandas", "xarray", "dask", "matplotlib", "tqdm",
)  # fmt: skip


def show_versions() -> None:
    """Print the versions of the package, of Python, and of the packages that it can work with.

    >>> show_versions()  # doctest: +ELLIPSIS
    taylor-arithmetic ...
    python            ...
    """
    lines = {
        "taylor-arithmetic": importlib.import_module("taylor").__version__,
        "python": f"{platform.python_version()} ({platform.python_implementation()}{_locks()})",
        "platform": f"{platform.platform()}, {os.cpu_count()} cores",
    }
    lines |= {name: _version(name) for name in NEEDED + OPTIONAL}
    width = max(map(len, lines))
    print("\n".join(f"{name.ljust(width)} {version}" for name, version in lines.items()))


def _locks() -> str:
    """Return what is to be said of a Python without a global lock."""
    asked = getattr(sys, "_is_gil_enabled", lambda: True)
    return "" if asked() else ", free-threaded"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
