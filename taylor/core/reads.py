"""What a function reads besides its arguments, and whether that is still what it was.

A function of Python reads the cells of its closure, its defaults, the globals that its code names,
and of objects the attributes that any code it runs names, be it as a text.  Where these hold
numbers, texts, arrays, lists, dicts, functions of NumPy, or functions and objects of which the same
can be said, nothing else can change what it does.
"""

from __future__ import annotations

import builtins
import functools
import os
import pickle
import random
import sys
import weakref
from array import array
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from mmap import mmap
from operator import attrgetter, methodcaller
from types import (
    CellType,
    FunctionType,
    MappingProxyType,
    ModuleType,
)
from typing import Any

import numpy as np

from taylor.core.held import (
    BY_TABLE,
    PACKAGES,
    SHOWING,
    looked_up,
    made_of,
    names_in,
    of_package,
    parts,
    slots,
    users_classes,
)
from taylor.numbers.kinds import Array, is_operand

SAME = (int, float, complex, str, bytes, type(None), np.generic, np.ufunc)
PLAIN = (int, float, complex, str)  # equal ones of one type do the same
OBJECTS = 1 << 16  # that are followed in all
NAMES = 1 << 18  # of what may come that are kept in all
MISSING = object()
# what an expression calls without naming it
OPERATORS = {
    f"__{name}__" for name in (
        "call", "getitem", "setitem", "len", "iter", "next", "reversed", "contains", "missing",
        "float", "int", "complex", "bool", "index", "array", "array_ufunc", "array_function",
        "neg", "pos", "abs", "invert", "round", "eq", "ne", "lt", "le", "gt", "ge", "hash",
        "enter", "exit", "get", "getattr", "getattribute", "str", "repr", "format",
        *(side + name for side in ("", "r", "i") for name in (
            "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor",
            "lshift", "rshift", "divmod",
        )),
    )
}  # fmt: skip
ARRAYS = {"numpy", "scipy"}
CONTAINERS = (tuple, frozenset, list, set, deque, dict, MappingProxyType)
DRAWING = (np.random.Generator, np.random.RandomState, random.Random)
CHANCE = {  # what makes numbers that are others in each call
    "default_rng", "RandomState", "Random", "SystemRandom", "SeedSequence", "urandom", "uuid1",
    "uuid4", "randbelow", "randbits", "token_bytes", "token_hex", "time", "time_ns", "now", "today",
    "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns", "process_time",
}  # fmt: skip
MAKING = {"__new__", "__init__", "__post_init__"}
BY_TEXT = {"getattr", "hasattr"}  # what looks attributes up by texts, which may be missing
BY_FIELDS = {"asdict", "astuple", "fields", "replace"}  # all those of a data class


class Reads:
    """What a function reads; `known` says whether all of that could be told."""

    def __init__(self, f: Any) -> None:
        self.attributes: set[str] = set()  # that any code names
        self.optional: set[str] = set()  # that it asks for, be they there or not
        self.texts: set[str] = set()  # that it may take for names of attributes
        while not self._follow(f):
            pass
        self.arrays = [(now, bytearray(_held(now))) for now in self.memories]  # now, and then
        kept = self.lists or self.dicts or self.slots or self.objects or self.shadows or self.made
        self.inside = bool(kept or self.generators)  # whether there are lists and other objects

    def _follow(self, f: Any) -> bool:
        """Follow f, and of objects the attributes; return whether all were known by name then."""
        self.known = True
        self.least: int | None = None  # names that were known when attributes were first followed
        self.cells: list[tuple[CellType, Any]] = []
        self.names: list[tuple[Mapping[str, Any], str, Any]] = []
        self.absent: list[tuple[Mapping[str, Any], str]] = []  # names of what may come
        self.shadows: list[tuple[Mapping[str, Any], frozenset[str]]] = []  # nearer than found
        self.classes: dict[tuple[bool, type], list[tuple[type, frozenset[str]]]] = {}
        self.made: list[
            tuple[Any, type, Any]
        ] = []  # objects, their classes, and the bases of these
        self.owners: list[Mapping[str, Any]] = []  # attributes of functions
        self.slots: list[tuple[Callable[[], Any], Any]] = []  # what gives what is there
        self.functions: list[tuple[FunctionType, Any, Any, Any]] = []
        self.lists: list[tuple[Collection[Any], tuple[Any, ...]]] = []
        self.dicts: list[tuple[Mapping[Any, Any], tuple[Any, ...]]] = []
        self.memories: list[Any] = []  # of arrays: what they hold now
        self.fixed: list[Array] = []  # that nobody can write into
        self.objects: list[tuple[Any, bytes]] = []
        self.generators: list[tuple[Any, Any]] = []
        self.iterators = self.endless = False  # endless: more objects than are followed
        self.seen: set[int] = set()
        self.met: list[Any] = []  # kept: no other object has the identity of one seen
        self._read(f)
        for x in self.met:  # which grows by what each leads to
            self._follow_one(x)
            if len(self.seen) > OBJECTS or len(self.absent) > NAMES:
                self.endless, self.known = True, False
                return True
        if self.attributes & BY_TEXT:
            self._named_by(*self.texts)
            owned = [(own, frozenset(self.attributes - own.keys())) for own in self.owners]
            self.shadows += owned
        return self.least in (None, len(self.attributes) + len(self.optional))

    def __bool__(self) -> bool:
        """Whether there is anything that can change, but for the code of the function itself."""
        names = self.cells or self.names or self.absent or self.slots or self.generators
        kept = self.lists or self.dicts or self.arrays or self.fixed or self.objects
        classes = self.shadows or self.made
        return bool(names or kept or classes or any([d or k for _, _, d, k in self.functions]))

    @property
    def chance(self) -> str:
        """What makes other numbers in each call, if the function names some of these; else ''."""
        return "the time, or random numbers" * (not self.attributes.isdisjoint(CHANCE))

    def unchanged(self) -> bool:
        """Whether the function reads what it did, and that is all known."""
        return self.known and not self.changed()

    def changed(self) -> str:
        """Return what the function reads that is not what it was, in a word or two; else ''."""
        if self.endless:
            return "one of the objects it leads to, for all that is known"
        for cell, x in self.cells:
            if (now := cell.cell_contents) is not x and not _alike(now, x):
                return "a variable of its closure"
        for names, name, x in self.names:
            if name not in names or (names[name] is not x and not _alike(names[name], x)):
                return repr(name)
        for names, name in self.absent:
            if name in names:
                return repr(name)
        for now, old in self.arrays:
            if old != _held(now):  # by memcmp
                return "an array"
        for x in self.fixed:
            if not _is_fixed(x):
                return "an array"
        for f, code, defaults, named in self.functions:
            same = f.__code__ is code and f.__defaults__ is defaults
            if not (same and f.__kwdefaults__ is named):
                return f.__name__
        return self._changed_inside() if self.inside else ""

    def _changed_inside(self) -> str:
        """Return what has changed in lists and other objects, or ''."""
        for known, items in self.lists:
            if len(known) != len(items) or any(map(_differ, known, items)):
                return "a list"
        for table, items in self.dicts:
            if 2 * len(table) != len(items) or any(map(_differ, _content(table), items)):
                return "a dict"
        for x, cls, bases in self.made:
            if type(x) is not cls or cls.__mro__ is not bases:
                return "the class of an object"
        for own, names_of in self.shadows:
            if not names_of.isdisjoint(own):
                return "an attribute"
        for now, x in self.slots:
            if _differ(now(), x):
                return "an attribute"
        if any(_bytes(x) != old for x, old in self.objects):
            return "an array"
        drawn = any(_state(x) != old for x, old in self.generators)
        return "a generator of random numbers" if drawn else ""

    def _read(self, x: Any) -> None:
        """Have an object followed, later: chains of objects may be longer than Python's stack."""
        if type(x) is str and x.isidentifier():
            self.texts.add(x)
        if not isinstance(x, (SAME, Reads)) and id(x) not in self.seen:
            self.seen.add(id(x))
            self.met.append(x)

    def _follow_one(self, x: Any) -> None:
        """Follow an object: enter what in it may change, and have read what it leads to."""
        if isinstance(x, (np.ndarray, np.matrix)):
            if x.dtype.kind in "biufcSUmM" and _is_fixed(x):
                self.fixed.append(x)
            elif x.dtype.kind in "biufcSUmM":
                self.memories.append(_memory(np.asarray(x)))
                self._beside(x)
            else:
                self.objects.append((x, _bytes(x)))
                self._each(x.reshape(-1).tolist() if x.dtype == object else [])
                self.known = False
        elif isinstance(x, DRAWING):
            self.generators.append((x, _state(x)))
            self.known = False
        elif hasattr(x, "__next__") and not isinstance(x, type):
            self.iterators, self.known = True, False
        elif isinstance(x, CONTAINERS):
            self._container(x)
        elif type(x) in SHOWING:
            self._read(x.mapping)
        elif isinstance(x, (array, bytearray, memoryview)):
            self.objects.append((x, _bytes(x)))
        elif isinstance(x, weakref.ref):
            self._slot(x)
        elif isinstance(x, (attrgetter, methodcaller)):
            self._named_by(*(n for text in x.__reduce__()[1][:1] for n in str(text).split(".")))
        elif isinstance(x, ContextVar):
            self._slot(functools.partial(x.get, MISSING))
        elif type(x) is FunctionType:
            self._function(x)
        elif made_of(x):
            self._each([v for _, v in parts(x) if not isinstance(v, ModuleType)])
        else:
            self._object(x)

    def _beside(self, x: Array) -> None:
        """Follow what an array has besides its numbers: a mask, attributes of a user's class."""
        if isinstance(x, np.ma.MaskedArray):
            self._slot(functools.partial(np.ma.getmask, x))
        if users_classes(x):
            self._attributes(x)

    def _container(self, x: Any) -> None:
        table = isinstance(x, (dict, MappingProxyType))
        items = (*_content(x),) if table else (*x,)
        if table:
            self.dicts.append((x, items))
        elif not isinstance(x, (tuple, frozenset)):
            self.lists.append((x, items))
        self._each(items)
        if type(x) not in CONTAINERS:
            self._classes(x)

    def _each(self, items: Sequence[Any]) -> None:
        for e in items:
            self._read(e)

    def _slot(self, now: Callable[[], Any]) -> None:
        found = now()
        self.slots.append((now, found))
        self._read(found)

    def _function(self, f: FunctionType) -> None:
        for cell in f.__closure__ or ():
            try:
                self.cells.append((cell, cell.cell_contents))
            except ValueError:  # an empty one
                self.known = False
                continue
            self._read(cell.cell_contents)
        if of_package(f.__module__) in PACKAGES:
            if f.__closure__:
                self._read(getattr(f, "__wrapped__", None))
            return
        self.functions.append((f, f.__code__, f.__defaults__, f.__kwdefaults__))
        self.owners.append(f.__dict__)
        names = names_in(f.__code__)
        self.attributes |= names
        self.optional |= names if names & BY_TEXT else set()
        if names & {"environ", "getenv"}:
            self._slot(_environment)
        self._read(f.__defaults__)
        self._read(f.__kwdefaults__)
        for name in self._followed(vars(f)):
            self._named(vars(f), name)
        known, _, modules = looked_up(f.__code__)
        for name in (names if known & BY_TABLE else known) & f.__globals__.keys():
            self._named(f.__globals__, name)
        self._absent(f.__globals__, [n for n in known if not hasattr(builtins, n)])
        for name in modules:
            self._read(sys.modules.get(name) if of_package(name) not in PACKAGES else None)

    def _named(self, owner: Mapping[str, Any], name: str) -> None:
        x = owner[name]
        if not (isinstance(x, ModuleType) and of_package(x.__name__) in PACKAGES):
            self.names.append((owner, name, x))
            self._read(x)

    def _named_by(self, *names: str) -> None:
        self.attributes.update(names)
        self.optional.update(names)

    def _absent(self, owner: Mapping[str, Any], names: Collection[str]) -> None:
        self.absent += [(owner, name) for name in names if name not in owner]

    def _object(self, x: Any) -> None:
        """Follow the attributes of an object, a class, or a module, that code names."""
        home = x.__name__ if isinstance(x, ModuleType) else getattr(x, "__module__", "")
        wrapped = getattr(x, "__wrapped__", None)
        if wrapped is not None:  # by a decorator, or compiled
            self._read(wrapped)
        elif hasattr(x, "reads_of_users") and not isinstance(x, type):
            self._each(x.reads_of_users)
        elif of_package(home) in PACKAGES:
            code = isinstance(x, (ModuleType, type)) or type(x) is type(np.sum)
            self.known &= code
            if is_operand(x) and hasattr(x, "tape"):  # a node, which may be written into
                self._slot(functools.partial(getattr, x, "i"))
            elif not code and hasattr(x, "__array__") and not _is_graph(x):  # of pandas, say
                self.objects.append((x, _bytes(x)))
            elif not code and hasattr(x, "__dict__"):
                own = vars(x)
                self._each([*own.values()])
                # code of NumPy and SciPy reads what the user's does not name
                for name in own if of_package(home) in ARRAYS else self._followed(own):
                    self._named(own, name)
            elif not code:  # an instruction
                self._each([getattr(x, name, None) for name in ("row", "rule", "body")])
            if not code and of_package(home) in ARRAYS:
                for name in slots(type(x)):
                    self._slot(functools.partial(getattr, x, name, MISSING))
        else:
            self._attributes(x)

    def _attributes(self, x: Any) -> None:
        own: Mapping[str, Any] = getattr(x, "__dict__", {})
        self.known &= isinstance(x, ModuleType)
        if self.attributes & BY_FIELDS:
            self.attributes.update(getattr(x, "__dataclass_fields__", ()))
        for name in self._followed(own):
            self._named(own, name)
        if self.optional and hasattr(x, "__dict__"):
            self._absent(own, [n for n in self.optional if not hasattr(type(x), n)])
        if not isinstance(x, ModuleType):
            self._classes(x)

    def _classes(self, x: Any) -> None:
        """Follow what an object has of its classes, and what making one of a class does.

        What stands in a class is not found where something of its name comes to stand nearer.
        """
        alone = not isinstance(x, type)
        of = type(x) if alone else x
        if known := self.classes.get((alone, of)):
            new = False
        else:
            called, new = OPERATORS if alone else OPERATORS | MAKING, True
            known = self.classes[alone, of] = [
                (cls, frozenset(self._followed(vars(cls)) | (called & vars(cls).keys())))
                for cls in users_classes(x)
            ]
        nearer: list[Mapping[str, Any]] = [x.__dict__] if alone and hasattr(x, "__dict__") else []
        if alone and known:
            self.made.append((x, of, of.__mro__))
            if nearer and any("__getattr__" in names for _, names in known):
                self.shadows.append((nearer[0], frozenset(self.attributes - nearer[0].keys())))
        for cls, names in known:
            for name in names:
                self._of_class(x, cls, name, new)
            self.shadows += [(own, names - own.keys()) for own in nearer if names - own.keys()]
            nearer = [*nearer, vars(cls)] if new else nearer

    def _followed(self, own: Mapping[str, Any]) -> set[str]:
        """Return the attributes that code names, as far as it is known."""
        if own and self.least is None:
            self.least = len(self.attributes) + len(self.optional)
        return self.attributes & own.keys()

    def _of_class(self, x: Any, cls: type, name: str, new: bool) -> None:
        """Follow an attribute of a class of x; `new`: of which none has been followed."""
        found = vars(cls)[name]
        if hasattr(found, "__objclass__") and hasattr(type(found), "__set__"):  # a slot
            if not isinstance(x, type):
                self._slot(functools.partial(getattr, x, name, MISSING))
            return
        if not new:
            return
        inner = found
        for part in ("fget", "__func__", "func"):  # a property, a static method, a cached property
            inner = getattr(inner, part, None) or inner
        if type(inner) is FunctionType:
            self._read(inner)
        self._named(vars(cls), name)


def _state(x: Any) -> Any:
    """Return the state of a generator of random numbers; None of one that has none."""
    if isinstance(x, random.Random):
        return None if isinstance(x, random.SystemRandom) else x.getstate()
    state = x.get_state(legacy=False) if hasattr(x, "get_state") else x.bit_generator.state
    return pickle.dumps(state)  # of some these are arrays


def random_states() -> tuple[Any, ...]:
    """Return the states of the generators of random numbers that all functions share."""
    shared: Any = np.random.get_state(legacy=True)
    return random.getstate(), shared[1].tobytes(), shared[2:]


def _environment() -> str:
    return repr([*os.environ.items()])


def _alike(x: Any, y: Any) -> bool:
    if type(x) is not type(y) or not isinstance(x, PLAIN) or x != y:
        return False
    return isinstance(x, (int, str)) or repr(x) == repr(y)  # zeros have signs


def _differ(x: Any, y: Any) -> bool:
    return x is not y and not _alike(x, y)


def _content(table: Mapping[Any, Any]) -> Sequence[Any]:
    return [*table.keys(), *table.values()]


def _is_graph(x: Any) -> bool:
    """Whether the numbers of an array are computed when they are asked for, as those of dask."""
    graph = getattr(x, "__dask_graph__", None)
    return graph is not None and graph() is not None


def _bytes(x: Any) -> bytes:
    """Return the content of an array, or of what can be one."""
    if of_package(type(x).__module__) == "pandas" and hasattr(x, "axes"):  # labels, too
        return b"".join(_bytes(e) for e in (x.to_numpy(), *x.axes))
    x = np.asarray(x.detach() if hasattr(x, "detach") else x)  # torch has its own derivatives of x
    if x.dtype.kind == "O":
        return repr(x.reshape(-1).tolist()).encode()
    return bytes(x.tobytes())


def _memory(x: Array) -> Any:
    """Return the bytes of an array where they lie, or itself if other bytes lie between them."""
    x = x if x.flags.c_contiguous else x.T
    return x.reshape(-1).view(np.uint8).data if x.flags.c_contiguous else x


def _held(memory: Any) -> Any:
    """Return what an array's memory, or an array with gaps, holds."""
    return memory if type(memory) is memoryview else memory.tobytes()


def _is_fixed(x: Any) -> bool:
    """Whether an array, and all whose memory it has, are read-only."""
    while isinstance(x, np.ndarray):
        if x.flags.writeable:
            return False
        x = x.base
    return x is None or isinstance(x, (bytes, mmap))
