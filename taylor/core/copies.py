"""Copies of functions, objects and of what they hold: with other values, or as all of it is now.

What is done later, as a reverse sweep is, calls functions again.  By then a dict, a list, an array,
an attribute, a variable or a global that they read may have changed: `frozen` is a function as it
is now, for ever.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from abc import ABC, ABCMeta
from collections import deque
from collections.abc import Callable, Collection, Mapping
from types import CellType, FunctionType, ModuleType
from typing import Any, TypeVar

import numpy as np

from taylor.core.held import (
    PACKAGES,
    PARTS,
    SHOWING,
    made_of,
    of_package,
    parts,
    put,
    users_classes,
)
from taylor.core.reads import Reads
from taylor.numbers.kinds import is_operand

T = TypeVar("T")
OWN = {"taylor", "hyperdual", "mpmath", "sympy"}  # whose objects do not change
DATA = {"numpy", "scipy", "pandas", "xarray", "polars", "pyarrow"}  # whose objects may
CLASSES, ROOTS = (type, ABCMeta), (object, ABC)
PLAIN = {int, float, str}  # what most lists and dicts are full of, and nothing else becomes
ANEW = {"cell", "named", "attribute", "slot"}  # tables in which a copy may have nothing yet
BEGUN = {"base", "class"}  # and those that it has from the beginning


class Copies:
    """Copies of those objects whose identity is in `within`, and of what they are made of; `values`
    are what some become.

    An object is copied once, so what is shared stays so, and may lead to itself.
    """

    def __init__(self, within: Collection[int], values: Mapping[int, Any]) -> None:
        self.within, self.made = within, dict(values)
        self.changing = bool(values)  # also what does not change otherwise
        self.modules: dict[int, ModuleType] = {}  # by the globals of the functions in them
        self.waiting: list[tuple[Any, Any]] = []  # copies without content, and of what

    def __call__(self, x: Any) -> Any:
        """Return the copy of an object, or itself."""
        new = self.of(x)
        while self.waiting:  # chains of objects may be longer than Python's stack
            self._fill(*self.waiting.pop())
        return new

    def of(self, x: Any) -> Any:
        """Return the copy of an object, which may be without its content yet."""
        known = id(x)
        if known in self.made:
            return self.made[known]
        if known not in self.within or is_operand(x):
            return x
        self.made[known] = new = self._begun(x)
        return new

    def _begun(self, x: Any) -> Any:
        if type(x) is FunctionType:
            home = of_package(x.__module__)
            if home in PACKAGES and not (home in OWN and "<locals>" in x.__qualname__):
                return x
            cells = tuple([CellType() for _ in x.__closure__ or ()])
            table = vars(self._module(x.__globals__))
            return self._filled(FunctionType(x.__code__, table, x.__name__, None, cells or None), x)
        if isinstance(x, np.ndarray):
            return self._filled(x.copy(), x) if x.dtype == object else self.array(x)
        if isinstance(x, (list, dict, deque)):
            return self._filled(copy.copy(x), x)
        if isinstance(x, ModuleType):
            return self._filled(self._module(vars(x)), x)
        if isinstance(x, type):
            return self._class(x)
        if (names := made_of(x)) or type(x) in SHOWING or isinstance(x, tuple):
            return self._finished(x, names)
        if isinstance(x, (set, bytearray)):
            return copy.copy(x)
        if isinstance(x, functools._lru_cache_wrapper):
            return self.of(x.__wrapped__)
        return self._object(x)

    def _finished(self, x: Any, names: tuple[str, ...]) -> Any:
        """Return the copy of what is made of its parts at once."""
        if type(x) in SHOWING:
            return SHOWING[type(x)]({place[1]: self.of(part) for place, part in parts(x)})
        if not names:
            own = map(self.of, x)
            return type(x)(*own) if hasattr(x, "_fields") else type(x)(own)
        if isinstance(x, functools.partial):
            named = {name: self.of(value) for name, value in x.keywords.items()}
            return functools.partial(self.of(x.func), *map(self.of, x.args), **named)
        first, *rest = (self.of(getattr(x, name)) for name in names)
        if names == ("__self__",):
            return x if isinstance(first, ModuleType) else getattr(first, x.__name__)
        return type(x)(first, *rest) if type(x) in PARTS else x

    def array(self, x: Any) -> Any:
        """Return the copy of an array of numbers."""
        return x.copy()

    def data(self, x: Any) -> Any:
        """Return the copy of an object of NumPy, SciPy, pandas and the like."""
        return copy.deepcopy(x)

    def _filled(self, new: Any, x: Any) -> Any:
        self.waiting.append((new, x))
        return new

    def _fill(self, new: Any, x: Any) -> None:
        """Put copies of the parts of a thing into its copy, where they are not yet."""
        for place, part in parts(x):
            table = place[0]
            if table == "item" and type(part) in PLAIN:
                continue
            copied = self.of(part)
            if table in ANEW or (copied is not part and table not in BEGUN):
                put(new, place, copied)

    def _module(self, table: dict[str, Any]) -> ModuleType:
        """Return the module that holds the globals of copies."""
        if id(table) not in self.modules:
            self.modules[id(table)] = module = ModuleType(table.get("__name__", ""))
            vars(module).update(table)
        return self.modules[id(table)]

    # -------------------------------------------------------------- objects and classes
    def _object(self, x: Any) -> Any:
        """Return the copy of another object: itself, if it does not change or cannot be copied."""
        package = of_package(type(x).__module__)
        if hasattr(type(x), "without_code"):
            return self.of(x.without_code)
        own = package in OWN and not self.changing
        if own or (package in PACKAGES - DATA and not hasattr(x, "__dict__")):
            return x
        if _is_simple(type(x)):
            new = object.__new__(self.of(type(x)))
            return self._filled(new, x)
        with contextlib.suppress(TypeError):  # of a file, a lock, a thread
            if package in DATA:
                return self.data(x)
            return self._filled(copy.copy(x), x)
        return x

    def _class(self, x: type) -> type:
        """Return the copy of a class, as far as it is one of attributes and functions."""
        if not _is_simple(x):
            return x
        own = {place[1]: part for place, part in parts(x) if place[0] == "member"}
        new: type = type(x)(x.__name__, tuple(map(self.of, x.__bases__)), own)
        return self._filled(new, x)  # type: ignore[no-any-return]


def _is_simple(x: type) -> bool:
    """Whether a class, and each above it, is written in Python and has nothing but attributes."""
    if type(x) not in CLASSES or hasattr(x.__init_subclass__, "__func__"):
        return False
    return all(
        [
            c in ROOTS
            or (of_package(c.__module__) not in PACKAGES and not vars(c).get("__slots__"))
            for c in x.__mro__
        ]
    )


def frozen(f: T) -> T:
    """Return a function as it is now: a copy of it and of all that it reads and that may change.

    What cannot be copied (files, locks, iterators) stays what it is, and so do the objects of
    packages that do not change.

    >>> def line(p):
    ...     return lambda x: p["k"] * x
    >>> p = {"k": 2.0}
    >>> f = frozen(line(p))
    >>> p["k"] = 3.0
    >>> f(1.0)
    2.0
    """
    reads = Reads(f)
    return copied(f, reads, functools.partial(Copies, values={})) if reads else f


def copied(f: T, reads: Reads, copies: Callable[[set[int]], Copies]) -> T:
    """Return the copy of a function that reads this, made by those copies."""
    within = reads.seen | {id(c) for x in reads.met for c in users_classes(x)}
    found: T = copies(within - {id(x) for x in reads.fixed})(f)
    return found
