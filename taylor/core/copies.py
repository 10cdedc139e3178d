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
from types import (
    BuiltinFunctionType,
    CellType,
    FunctionType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, TypeVar

import numpy as np

from taylor.core.reads import PACKAGES, Reads, names_in, of_package, users_classes
from taylor.numbers.kinds import is_operand

T = TypeVar("T")
EMPTY = CellType()
OWN = {"taylor", "hyperdual", "mpmath", "sympy"}  # whose objects do not change
DATA = {"numpy", "scipy", "pandas", "xarray", "polars", "pyarrow"}  # whose objects may
CLASSES, ROOTS = (type, ABCMeta), (object, ABC)
KEPT = {"__dict__", "__weakref__", "__slots__"}  # of a class, made anew for each


class Copies:
    """Copies of those objects whose identity is in `within`, and of what they are made of; `values`
    are what some become.

    An object is copied once, so what is shared stays so, and may lead to itself.
    """

    def __init__(self, within: Collection[int], values: Mapping[int, Any]) -> None:
        self.within, self.made = within, dict(values)
        self.changing = bool(values)  # also what does not change otherwise
        self.modules: dict[int, ModuleType] = {}  # by the globals of the functions in them
        self.waiting: list[tuple[Callable[[Any, Any], None], Any, Any]] = []

    def __call__(self, x: Any) -> Any:
        """Return the copy of an object, or itself."""
        new = self.of(x)
        while self.waiting:  # chains of objects may be longer than Python's stack
            fill, copied, old = self.waiting.pop()
            fill(copied, old)
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
            new: Any = FunctionType(x.__code__, table, x.__name__, None, cells or None)
            return self._filled(self._function, new, x)
        if isinstance(x, np.ndarray):
            filled = x.dtype == object
            return self._filled(self._elements, x.copy(), x) if filled else self.array(x)
        if isinstance(x, (list, dict, deque)):
            return self._filled(self._content, copy.copy(x), x)
        if isinstance(x, ModuleType):
            module = self._module(vars(x))
            return self._filled(self._attributes, module, x)
        if isinstance(x, type):
            return self._class(x)
        found = self._finished(x)
        return self._object(x) if found is None else found

    def _finished(self, x: Any) -> Any:
        """Return the copy of what is made of its parts at once; None if it is not."""
        if isinstance(x, tuple):
            parts = map(self.of, x)
            return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
        if isinstance(x, (set, bytearray)):
            return copy.copy(x)
        if isinstance(x, MappingProxyType):
            return MappingProxyType({name: self.of(value) for name, value in x.items()})
        if isinstance(x, MethodType):
            return MethodType(self.of(x.__func__), self.of(x.__self__))
        if isinstance(x, functools.partial):
            named = {name: self.of(value) for name, value in x.keywords.items()}
            return functools.partial(self.of(x.func), *map(self.of, x.args), **named)
        if isinstance(x, BuiltinFunctionType):  # one that belongs to a list, say
            return (
                x
                if isinstance(x.__self__, ModuleType)
                else getattr(self.of(x.__self__), x.__name__)
            )
        if isinstance(x, functools._lru_cache_wrapper):
            return self.of(x.__wrapped__)
        return None

    def array(self, x: Any) -> Any:
        """Return the copy of an array of numbers."""
        return x.copy()

    def data(self, x: Any) -> Any:
        """Return the copy of an object of NumPy, SciPy, pandas and the like."""
        return copy.deepcopy(x)

    def _filled(self, fill: Callable[[Any, Any], None], new: Any, x: Any) -> Any:
        self.waiting.append((fill, new, x))
        return new

    def _module(self, table: dict[str, Any]) -> ModuleType:
        """Return the module that holds the globals of copies."""
        if id(table) not in self.modules:
            self.modules[id(table)] = module = ModuleType(table.get("__name__", ""))
            vars(module).update(table)
        return self.modules[id(table)]

    # -------------------------------------------------------------- contents
    def _function(self, new: FunctionType, f: FunctionType) -> None:
        for cell, old in zip(new.__closure__ or (), f.__closure__ or (), strict=True):
            if old != EMPTY:
                cell.cell_contents = self.of(old.cell_contents)
        for name in names_in(f.__code__) & f.__globals__.keys():
            new.__globals__[name] = self.of(f.__globals__[name])
        if f.__defaults__:
            new.__defaults__ = tuple(map(self.of, f.__defaults__))
        if f.__kwdefaults__:
            new.__kwdefaults__ = {name: self.of(x) for name, x in f.__kwdefaults__.items()}
        vars(new).update({name: self.of(x) for name, x in vars(f).items()})

    def _elements(self, new: Any, x: Any) -> None:
        for i, e in enumerate(x.reshape(-1).tolist()):
            new.flat[i] = self.of(e)

    def _content(self, new: Any, x: Any) -> None:
        """Fill a list or dict, and its attributes if it has some."""
        for at, e in [*(x.items() if isinstance(x, dict) else enumerate(x))]:
            if (copied := self.of(e)) is not e:
                type(x).__setitem__(new, at, copied)
        if hasattr(x, "__dict__"):
            self._attributes(new, x)

    def _attributes(self, new: Any, x: Any) -> None:
        vars(new).update({name: self.of(value) for name, value in vars(x).items()})

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
            return self._filled(self._attributes, new, x)
        with contextlib.suppress(TypeError):  # of a file, a lock, a thread
            if package in DATA:
                return self.data(x)
            return self._filled(self._parts, copy.copy(x), x)
        return x

    def _parts(self, new: Any, x: Any) -> None:
        """Fill the attributes, and what there is in slots."""
        if hasattr(x, "__dict__"):
            self._attributes(new, x)
        for slot in (s for c in users_classes(x) for s in vars(c).values() if _is_slot(s)):
            if hasattr(x, slot.__name__):
                slot.__set__(new, self.of(slot.__get__(x)))

    def _class(self, x: type) -> type:
        """Return the copy of a class, as far as it is one of attributes and functions."""
        if not _is_simple(x):
            return x
        own = {name: value for name, value in vars(x).items() if name not in KEPT}
        new: type = type(x)(x.__name__, tuple(map(self.of, x.__bases__)), own)
        return self._filled(self._members, new, x)  # type: ignore[no-any-return]

    def _members(self, new: type, x: type) -> None:
        for name, value in vars(x).items():
            if name not in KEPT and (member := self._member(value)) is not value:
                setattr(new, name, member)

    def _member(self, x: Any) -> Any:
        if isinstance(x, (staticmethod, classmethod)):
            return type(x)(self.of(x.__func__))
        if type(x) is property:
            return property(self.of(x.fget), self.of(x.fset), self.of(x.fdel))
        return self.of(x)


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


def _is_slot(x: Any) -> bool:
    return isinstance(x, MemberDescriptorType)


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
