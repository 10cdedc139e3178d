"""What functions have of values of the package from outside: closures, defaults, globals.

`p` of the function around it, `k` of `lambda t, y, k=k`, `self.mu` of an object that is called,
`P["k"]` of a global dict, `par.k` of an object that is an argument.  Such values become arguments:
`outside` finds them, `opened` is the function of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Number
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any, TypeVar, cast

import numpy as np

from taylor.core.copies import Copies
from taylor.core.held import PACKAGES, SHOWING, made_of, names_in, of_package, parts, put, remove
from taylor.numbers.kinds import is_nested, is_operand

F = TypeVar("F", bound=Callable[..., Any])
LIBRARIES = {"builtins", "numpy", "scipy", "taylor", "mpmath", "pandas", "threading", "_thread"}
DATA = "taylor.scipy.", "taylor.ode.dense"  # whose objects may hold values: splines, solutions
FIXED = (int, float, complex, str, bytes, np.generic, ModuleType)
NUMBERS = {int, float, complex, str, bool, type(None), np.float64}
EMPTY = NUMBERS | {bytes, np.ufunc, GetSetDescriptorType, MemberDescriptorType}  # hold nothing
CONTAINERS: tuple[Any, ...] = (list, tuple, dict, deque, np.ndarray, *SHOWING)
HOLDING = (FunctionType, *CONTAINERS)
DEEP, MANY = 10, 4096  # objects within objects, and parts of one, that are looked at


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
        self.pairs = [(old, copy, dict(parts(copy))) for old, copy in pairs if copy is not old]

    def write_back(self) -> None:
        """Write into the objects what has been written into their copies."""
        for old, copy, before in self.pairs:
            after = dict(parts(copy))
            for place in before | after:
                if place not in after:
                    remove(old, place)
                elif place not in before or after[place] is not before[place]:
                    put(old, place, self.original(after[place]))

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
        for whole in filter(_may_hold, level):
            for pair in _pairs(whole):
                yield pair
                if (i := id(x := pair[1])) not in seen and not (is_operand(x) or _is_fixed(x)):
                    seen.add(i)
                    below.append(x)
        if not (level := below):
            return


def _pairs(whole: Any) -> list[tuple[Any, Any]]:
    """Return an object with each of its parts that may hold something, or be it."""
    if type(whole) is not FunctionType:
        return [(whole, x) for _, x in parts(whole) if type(x) not in EMPTY]
    found = []
    for _, x in parts(whole):
        if (kind := type(x)) is ModuleType:
            if of_package(x.__name__) not in PACKAGES:
                found += [(whole, x), *_named(x, whole)]
        elif kind not in EMPTY:
            found.append((whole, x))
    return found


def _named(module: ModuleType, f: FunctionType) -> list[tuple[Any, Any]]:
    """Return modules of the user with what the code of f names of them, from one on."""
    found, modules = list[tuple[Any, Any]](), [module]
    names = names_in(f.__code__)
    for m in modules:
        if of_package(m.__name__) not in PACKAGES:
            own = [(m, x) for n, x in vars(m).items() if n in names]
            modules += [x for _, x in own if type(x) is ModuleType and x not in modules]
            found += own
    return found


def _is_fixed(x: Any) -> bool:
    if isinstance(x, np.ndarray):
        return not x.dtype.hasobject
    return isinstance(x, FIXED)


def _may_hold(x: Any) -> bool:
    """Whether an object is made of others that may be values of the package."""
    if type(x) is FunctionType:
        return "__opened__" not in x.__dict__  # then what it holds are arguments
    if isinstance(x, CONTAINERS) and (x.size if isinstance(x, np.ndarray) else len(x)) > MANY:
        return False
    if type(x) in (list, tuple, dict):
        return not NUMBERS.issuperset(map(type, x.values() if type(x) is dict else x))
    if isinstance(x, type):
        return of_package(x.__module__) not in PACKAGES
    if isinstance(x, HOLDING) or made_of(x):
        return True
    home = type(x).__module__
    return of_package(home) not in LIBRARIES or home.startswith(DATA)


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
