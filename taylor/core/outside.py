"""What functions have of values of the package from outside: closures, defaults, globals.

`p` of the function around it, `k` of `lambda t, y, k=k`, `self.mu` of an object that is called,
`P["k"]` of a global dict, `par.k` of an object that is an argument.  Such values become arguments:
`outside` finds them, `opened` is the function of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from numbers import Number
from types import (
    BuiltinFunctionType,
    CellType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, TypeVar, cast

import numpy as np

from taylor.core.copies import Copies
from taylor.core.reads import PACKAGES, looked_up, names_in, of_package
from taylor.numbers.kinds import is_nested, is_operand

F = TypeVar("F", bound=Callable[..., Any])
LIBRARIES = {"builtins", "numpy", "scipy", "taylor", "mpmath", "pandas", "threading", "_thread"}
DATA = "taylor.scipy.", "taylor.ode.dense"  # whose objects may hold values: splines, solutions
FIXED = (int, float, complex, str, bytes, np.generic, ModuleType)
NUMBERS = {int, float, complex, str, bool, type(None), np.float64}
INNER = {staticmethod: "__func__", classmethod: "__func__", property: "fget"}
EMPTY = CellType()
EMPTY_KINDS = NUMBERS | {
    bytes,
    BuiltinFunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    np.ufunc,
}
DEEP, MANY = 8, 4096  # objects within objects, and parts of one, that are looked at


def outside(*functions: Any) -> list[Any]:
    """Return the values of the package that functions have from outside of them, each once; not
    those of finished differentiations, which a log may hold.

    >>> outside(lambda t, y, k=2.0: -k * y)
    []
    """
    found = {id(x): x for _, x in _within(functions) if is_operand(x)}
    return [x for x in found.values() if not (is_nested(x) and x.tag.closed)]


def opened(f: Callable[..., Any], held: Sequence[Any], first: int) -> Callable[..., Any]:
    """Return f(*x, *args) as a function of (*x, *what is held, *args), with so many x.

    It is held by f or by args.
    """
    end = first + len(held)

    def g(*x: Any) -> Any:
        h, args = Opening((f, x[end:]), held, x[first:end]).whole
        return h(*x[:first], *args)

    vars(g)["__opened__"] = True
    return g


class Opening:
    """A copy of an object with other values in place of what it holds, and the way back."""

    def __init__(self, x: Any, held: Sequence[Any], values: Sequence[Any]) -> None:
        new = {id(v): w for v, w in zip(held, values, strict=True)}
        holders = _holders(x, new)
        copies = Copies(holders, new)
        self.whole = copies(x)
        self.back = {id(w): v for v, w in zip(held, values, strict=True)}
        pairs = [(old, copies.made[i]) for i, old in holders.items() if i in copies.made]
        self.pairs = [(old, copy, _content(copy)) for old, copy in pairs if copy is not old]

    def write_back(self) -> None:
        """Write into the objects what has been written into their copies."""
        for old, copy, before in self.pairs:
            after = _content(copy)
            for key in before.keys() | after.keys():
                if key not in after:
                    _remove(old, key)
                elif key not in before or after[key] is not before[key]:
                    _put(old, key, self.original(after[key]))

    def original(self, x: Any) -> Any:
        """Return an object that may have been made of copies as one of the objects."""
        same = {id(copy): old for old, copy, _ in self.pairs} | self.back
        return same[id(x)] if id(x) in same else Copies(_holders(x, same), same)(x)


def taken_in(f: Any) -> tuple[Callable[..., Any], list[Any]]:
    """Return what makes f of values in place of those it holds, and these: p of λx p·x.

    >>> make, held = taken_in(lambda x: 2.0 * x)
    >>> make(*held)(1.5)
    3.0
    """
    held = outside(f)

    def make(*values: Any) -> Any:
        return Opening(f, held, values).whole if held else f

    vars(make)["__opened__"] = True
    return make, held


def objects_within(args: tuple[Any, ...]) -> tuple[Callable[[F], F], tuple[Any, ...]]:
    """Return what puts those of f's last arguments that are no numbers into f, and the others.

    >>> put, numbers = objects_within(("double", 3.0))
    >>> put(lambda x, name, y: (name, x + y))(1.0, *numbers)
    ('double', 4.0)
    """
    objects = {i: v for i, v in enumerate(args) if _is_object(v)}
    if not objects:
        return lambda f: f, args
    numbers = tuple([v for i, v in enumerate(args) if i not in objects])

    def put(f: F) -> F:
        def g(*x: Any) -> Any:
            first = len(x) - len(numbers)
            rest = iter(x[first:])
            both = (objects[i] if i in objects else next(rest) for i in range(len(args)))
            return f(*x[:first], *both)

        return cast(F, g)

    return put, numbers


def _is_object(x: Any) -> bool:
    """Whether an argument is neither a number nor an array, nor can be made one."""
    number = is_operand(x) or isinstance(x, (Number, np.ndarray, list, tuple))
    return not (number or hasattr(x, "__array__"))


def _within(x: Any) -> Iterator[tuple[Any, Any]]:
    """Yield whatever something holds, with what it is a part of."""
    level, seen = [x], {id(x)}
    for _ in range(DEEP + 1):
        below = []
        for whole, part in _pairs(level):
            yield whole, part
            if not (id(part) in seen or is_operand(part) or _is_fixed(part)):
                seen.add(id(part))
                below.append(part)
        if not (level := below):
            return


def _pairs(level: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield each of some objects with each of its parts that may hold something."""
    for whole in level:
        for part in _parts(whole):
            if (kind := type(part)) not in EMPTY_KINDS:
                yield whole, part
                if kind is ModuleType and _is_users(part) and type(whole) is FunctionType:
                    yield from _named(part, names_in(whole.__code__), {id(part)})


def _named(module: ModuleType, names: frozenset[str], seen: set[int]) -> Iterator[tuple[Any, Any]]:
    """Yield a module of the user with what code names of it, and so its modules."""
    for part in [x for n, x in vars(module).items() if n in names]:
        yield module, part
        if type(part) is ModuleType and _is_users(part) and id(part) not in seen:
            seen.add(id(part))
            yield from _named(part, names, seen)


def _is_users(module: ModuleType) -> bool:
    return of_package(module.__name__) not in PACKAGES


def _is_fixed(x: Any) -> bool:
    if isinstance(x, np.ndarray):
        return not x.dtype.hasobject
    return isinstance(x, FIXED)


def _parts(x: Any) -> Iterable[Any]:
    """Return what an object is made of, where it can be made of others."""
    if type(x) is FunctionType:
        return _parts_of_function(x)
    if hasattr(x, "__opened__"):  # what it holds are arguments
        return ()
    if isinstance(x, MethodType):
        return x.__func__, x.__self__
    if isinstance(x, functools.partial):
        return x.func, *x.args, *x.keywords.values()
    if isinstance(x, (list, tuple)):
        return x if len(x) <= MANY and not NUMBERS.issuperset(map(type, x)) else ()
    if isinstance(x, dict):
        return (
            x.values() if len(x) <= MANY and not NUMBERS.issuperset(map(type, x.values())) else ()
        )
    if isinstance(x, np.ndarray):
        found: Iterable[Any] = x.reshape(-1).tolist() if x.size <= MANY else ()
        return found
    if isinstance(x, type):
        return () if of_package(x.__module__) in PACKAGES else _parts_of_class(x)
    if of_package(home := type(x).__module__) not in LIBRARIES or home.startswith(DATA):
        return *getattr(x, "__dict__", {}).values(), *(v for _, v in _slots(x)), type(x)
    return ()


def _parts_of_function(f: FunctionType) -> list[Any]:
    found = list[Any]()
    if held := f.__dict__:
        if "__opened__" in held:
            return found
        found += held.values()
    if f.__closure__:
        found += [c.cell_contents for c in f.__closure__ if c != EMPTY]
    found += f.__defaults__ or ()
    if f.__kwdefaults__:
        found += f.__kwdefaults__.values()
    names, known = looked_up(f.__code__)[0], f.__globals__
    if names and of_package(f.__module__) not in PACKAGES:
        found += [known[n] for n in names if n in known]
    return found


def _parts_of_class(x: type) -> list[Any]:
    return [
        *x.__bases__,
        *(getattr(v, INNER[type(v)]) if type(v) in INNER else v for v in vars(x).values()),
    ]


def _slots(x: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an object has in slots, by name."""
    for cls in type(x).__mro__:
        if "__slots__" in cls.__dict__:
            slots = [n for n, v in vars(cls).items() if isinstance(v, MemberDescriptorType)]
            yield from ((n, getattr(x, n)) for n in slots if hasattr(x, n))


def _holders(f: Any, values: Mapping[int, Any]) -> dict[int, Any]:
    """Return, by identity, what holds some of the values, or something that does: itself."""
    above: dict[int, list[Any]] = {}
    for whole, part in _within(f):
        above.setdefault(id(part), []).append(whole)
    found: dict[int, Any] = {}
    waiting = [x for i in values for x in above.get(i, ())]
    while waiting:
        x = waiting.pop()
        if id(x) not in found:
            found[id(x)] = x
            waiting += above.get(id(x), ())
    return found


# ------------------------------------------------------------------ what can be written into
def _content(x: Any) -> dict[Any, Any]:
    """Return what stands in an object that can be written into, by where it stands."""
    if isinstance(x, FunctionType):
        names = names_in(x.__code__) & x.__globals__.keys()
        cells = [(n, c) for n, c in enumerate(x.__closure__ or ()) if c != EMPTY]
        return {n: c.cell_contents for n, c in cells} | {n: x.__globals__[n] for n in names}
    if isinstance(x, (dict, list)):
        return dict(x.items() if isinstance(x, dict) else enumerate(x))
    return dict(getattr(x, "__dict__", {})) | dict(_slots(x))


def _put(x: Any, key: Any, value: Any) -> None:
    if isinstance(x, FunctionType):
        if isinstance(key, int):
            (x.__closure__ or ())[key].cell_contents = value
        else:
            x.__globals__[key] = value
    elif isinstance(x, list):
        x[key : key + 1] = [value]
    elif isinstance(x, dict):
        x[key] = value
    else:
        setattr(x, key, value)


def _remove(x: Any, key: Any) -> None:
    if isinstance(x, (dict, list)):
        x.pop(key if isinstance(x, dict) else -1)
    else:
        delattr(x, key)
