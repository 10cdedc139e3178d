"""What things hold: the one place that looks into functions, containers, classes and objects.

A part of a thing has a place: the table of the thing in which it stands, and its key there.
"""

from __future__ import annotations

import dis
import functools
import sys
from collections import deque
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    MethodWrapperType,
)
from typing import Any, NamedTuple

import numpy as np

Place = tuple[str, Any]

PACKAGES = {"numpy", "math", "taylor", "hyperdual", "mpmath", "scipy", "pandas", "xarray", "sympy"}
PACKAGES |= {"dask", "polars", "pyarrow", "autograd", "jax", "jaxlib", "numba", "torch"}
PACKAGES |= {"equinox", "jaxtyping"}
PACKAGES |= {"pytest", "_pytest", "pluggy", "xdist"}  # whose session leads to all that is tested
PACKAGES |= sys.stdlib_module_names - {"__main__"}  # whose functions are what they are
SHOWING: dict[type[Any], Any] = {  # what shows a dict, and how it is made of one
    MappingProxyType: MappingProxyType, type({}.keys()): dict.keys,
    type({}.values()): dict.values, type({}.items()): dict.items,
}  # fmt: skip
BARE = {list, tuple, dict, deque, np.ndarray, *SHOWING}  # without attributes
EMPTY = CellType()
PARTS: dict[type[Any], tuple[str, ...]] = {  # what is made of its parts, by the names of these
    MethodType: ("__func__", "__self__"),
    BuiltinFunctionType: ("__self__",),  # of a list, say
    MethodWrapperType: ("__self__",),
    functools.partial: ("func", "args", "keywords"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    property: ("fget", "fset", "fdel"),
}
OWN = {"__dict__", "__weakref__", "__slots__"}  # of a class, made anew for each
BY_TABLE = {"globals", "vars", "eval", "exec"}  # what looks globals up by texts
LOADS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}  # the latter two: in classes
STORES = {"STORE_GLOBAL", "STORE_NAME"}


class Names(NamedTuple):
    """Globals that code looks up, those that it sets, and the modules that it imports."""

    loaded: frozenset[str] = frozenset()
    stored: frozenset[str] = frozenset()
    imported: frozenset[str] = frozenset()


def parts(x: Any) -> list[tuple[Place, Any]]:
    """Return what a thing holds, by its places.

    >>> parts((2.0, "k"))
    [(('item', 0), 2.0), (('item', 1), 'k')]
    """
    if type(x) is FunctionType:
        return _of_function(x)
    if names := made_of(x):
        return [(("part", name), getattr(x, name)) for name in names]
    if isinstance(x, type):
        members = [(("member", n), v) for n, v in vars(x).items() if n not in OWN]
        return [(("base", "__bases__"), x.__bases__), *members]
    own = _items(x)
    if type(x) in BARE:
        return own
    if hasattr(x, "__dict__"):
        own += [(("attribute", n), v) for n, v in vars(x).items()]
    own += [(("slot", n), getattr(x, n)) for n in slots(type(x)) if hasattr(x, n)]
    own.append((("class", "__class__"), type(x)))
    return own


def made_of(x: Any) -> tuple[str, ...]:
    """Return the names of the parts of what is made of nothing else; none of all other things."""
    return _names_of(type(x).__mro__)


@functools.lru_cache(maxsize=1024)
def _names_of(classes: tuple[type, ...]) -> tuple[str, ...]:
    return next((PARTS[c] for c in classes if c in PARTS), ())


def put(x: Any, place: Place, value: Any) -> None:
    """Put a value at a place of a function, a container, a class or an object."""
    table, key = place
    if table == "cell":
        x.__closure__[key].cell_contents = value
    elif table == "global":
        x.__globals__[key] = value
    elif table == "attribute":
        vars(x)[key] = value
    elif table == "slot":
        getattr(type(x), key).__set__(x, value)
    elif table != "item":
        setattr(x, key, value)
    elif isinstance(x, np.ndarray):
        x.flat[key] = value
    elif isinstance(x, dict) or key < len(x):
        x[key] = value
    else:
        x.append(value)


def remove(x: Any, place: Place) -> None:
    """Remove what stands at a place; of a list the last, for the others move up."""
    table, key = place
    if table == "item":
        x.pop(*(key,) if isinstance(x, dict) else ())
    elif table == "global":
        del x.__globals__[key]
    elif table == "cell":
        del x.__closure__[key].cell_contents
    else:
        delattr(x, key)


def _of_function(f: FunctionType) -> list[tuple[Place, Any]]:
    found: list[tuple[Place, Any]] = []
    if f.__closure__:
        cells = enumerate(f.__closure__)
        found += [(("cell", n), c.cell_contents) for n, c in cells if c != EMPTY]
    if f.__defaults__:
        found.append((("named", "__defaults__"), f.__defaults__))
    if f.__kwdefaults__:
        found.append((("named", "__kwdefaults__"), f.__kwdefaults__))
    if f.__dict__:
        found += [(("attribute", n), v) for n, v in f.__dict__.items()]
    names = looked_up(f.__code__)
    if (names.loaded or names.stored) and of_package(f.__module__) not in PACKAGES:
        known, used = f.__globals__, names.loaded | names.stored if names.stored else names.loaded
        if not names.loaded.isdisjoint(BY_TABLE):
            used = names_in(f.__code__)
        found += [(("global", n), known[n]) for n in used if n in known]
    return found


def _items(x: Any) -> list[tuple[Place, Any]]:
    if isinstance(x, (list, tuple, deque)):
        return [(("item", n), e) for n, e in enumerate(x)]
    if isinstance(x, dict) or type(x) in SHOWING:
        return [(("item", n), e) for n, e in getattr(x, "mapping", x).items()]
    if isinstance(x, np.ndarray) and x.dtype == object:
        return [(("item", n), e) for n, e in enumerate(x.reshape(-1).tolist())]
    return []


def slots(cls: type) -> list[str]:
    """Return the names of the slots that objects of a class have."""
    own = [vars(c) for c in cls.__mro__ if "__slots__" in vars(c)]
    return [n for c in own for n, v in c.items() if isinstance(v, MemberDescriptorType)]


@functools.lru_cache(maxsize=1024)
def names_in(code: CodeType) -> frozenset[str]:
    """Return the names that code looks up, or may (its texts), and the functions within it."""
    inner = [c for c in code.co_consts if isinstance(c, CodeType)]
    texts = [c for c in code.co_consts if isinstance(c, str) and c.isidentifier()]
    return frozenset((*code.co_names, *texts)).union(*map(names_in, inner))


@functools.lru_cache(maxsize=1024)
def looked_up(code: CodeType) -> Names:
    """Return the globals that code, and the functions within it, look up and set."""
    steps = [(step.opname, step.argval) for step in dis.get_instructions(code)]
    own = (frozenset(x for op, x in steps if op in ops) for ops in (LOADS, STORES, {"IMPORT_NAME"}))
    inner = [looked_up(c) for c in code.co_consts if isinstance(c, CodeType)]
    return Names(*(a.union(*b) for a, *b in zip(own, *inner, strict=True)))


def of_package(module: str | None) -> str:
    """Return the package of a module."""
    return (module or "").partition(".")[0]


def users_classes(x: Any) -> list[type]:
    """Return the classes of users whose attributes an object, or a class, has."""
    own = x.__mro__ if isinstance(x, type) else ()
    return [cls for cls in (*own, *type(x).__mro__) if of_package(cls.__module__) not in PACKAGES]
