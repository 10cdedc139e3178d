"""What a function reads besides its arguments, and whether that is still what it was.

A function of Python reads the cells of its closure, its defaults and the globals that its code
names.  Where these hold numbers, texts, arrays, functions of NumPy, or functions of which the same
can be said, nothing else can change what it does.
"""

from __future__ import annotations

from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

SAME = (int, float, complex, str, bytes, type(None), np.generic, BuiltinFunctionType, np.ufunc)
PACKAGES = ("numpy", "math", "taylor", "mpmath", "scipy")  # whose functions are what they are


class Reads:
    """What a function reads; `known` says whether all of that could be told."""

    def __init__(self, f: Any) -> None:
        self.known = True
        self.cells: list[tuple[CellType, Any]] = []
        self.names: list[tuple[dict[str, Any], str, Any]] = []
        self.defaults: list[tuple[FunctionType, Any]] = []
        self.arrays: list[tuple[Any, bytes]] = []
        self.seen: set[int] = set()
        self._read(f)

    def unchanged(self) -> bool:
        """Whether the function reads what it did."""
        return (
            self.known
            and all(c.cell_contents is x for c, x in self.cells)
            and all(d.get(name, None) is x for d, name, x in self.names)
            and all(f.__defaults__ is x for f, x in self.defaults)
            and all(x.tobytes() == old for x, old in self.arrays)
        )

    def _read(self, x: Any) -> None:
        if isinstance(x, SAME) or id(x) in self.seen:
            return
        self.seen.add(id(x))
        if isinstance(x, np.ndarray) and x.dtype.kind in "biufc":
            self.arrays.append((x, x.tobytes()))
        elif type(x) is tuple:
            for e in x:
                self._read(e)
        elif type(x) is FunctionType and _package(x.__module__) not in PACKAGES:
            self._function(x)
        else:
            name = x.__name__ if isinstance(x, ModuleType) else getattr(x, "__module__", "")
            code = isinstance(x, (ModuleType, FunctionType, type)) or type(x) is type(np.sum)
            self.known &= code and _package(name) in PACKAGES

    def _function(self, f: FunctionType) -> None:
        for cell in f.__closure__ or ():
            try:
                self.cells.append((cell, cell.cell_contents))
            except ValueError:  # an empty one
                self.known = False
                return
            self._read(cell.cell_contents)
        self.defaults.append((f, f.__defaults__))
        self._read(f.__defaults__)
        self.known &= f.__kwdefaults__ is None
        for name in _names(f.__code__):
            if name in f.__globals__:
                self.names.append((f.__globals__, name, f.__globals__[name]))
                self._read(f.__globals__[name])


def _names(code: CodeType) -> set[str]:
    """Return the names that code looks up, and the functions within it."""
    inner = [c for c in code.co_consts if isinstance(c, CodeType)]
    return set(code.co_names).union(*map(_names, inner))


def _package(module: str | None) -> str:
    return (module or "").partition(".")[0]
