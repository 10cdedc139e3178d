"""What functions have of values of the package from outside: closures, defaults, globals.

`p` of the function around it, `k` of `lambda t, y, k=k`, `self.mu` of an object that is called.
Such values become arguments: `outside` finds them, `opened` is the function of them.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from taylor.numbers.kinds import is_operand

LIBRARIES = {"builtins", "numpy", "scipy", "taylor", "mpmath", "pandas", "threading", "_thread"}
FIXED = (int, float, complex, str, bytes, type, np.ndarray, np.generic, ModuleType)
EMPTY = CellType()
DEEP, MANY = 8, 4096  # objects within objects, and parts of one, that are looked at


def outside(*functions: Any) -> list[Any]:
    """Return the values of the package that functions have from outside of them, each once.

    >>> outside(lambda t, y, k=2.0: -k * y)
    []
    """
    return list({id(x): x for _, x in _within(functions) if is_operand(x)}.values())


def opened(f: Callable[..., Any], held: Sequence[Any], first: int) -> Callable[..., Any]:
    """Return f(*x, *args) as a function of (*x, *what it holds, *args), with so many x."""
    ids, end = [id(x) for x in held], first + len(held)

    def g(*x: Any) -> Any:
        values = dict(zip(ids, x[first:end], strict=True))
        return _replaced(f, values, _holders(f, values))(*x[:first], *x[end:])

    vars(g)["__opened__"] = True
    return g


def taken_in(f: Callable[..., Any]) -> tuple[Callable[..., Any], list[Any]]:
    """Return f(x, *args) as a function of (x, *held, *args), and what it holds: p of λx p·x."""
    held = outside(f)
    return (opened(f, held, 1) if held else f), held


def _within(x: Any) -> Iterator[tuple[Any, Any]]:
    """Yield whatever something holds, with what it is a part of."""
    level, seen = [x], {id(x)}
    for _ in range(DEEP + 1):
        below = []
        for whole in level:
            for part in _parts(whole):
                yield whole, part
                if not (is_operand(part) or isinstance(part, FIXED) or id(part) in seen):
                    seen.add(id(part))
                    below.append(part)
        level = below


def _parts(x: Any) -> Iterator[Any]:
    """Yield what an object is made of, where it can be made of others."""
    if hasattr(x, "__opened__"):  # what it holds are arguments
        return
    if isinstance(x, FunctionType):
        yield from (c.cell_contents for c in x.__closure__ or () if c != EMPTY)
        yield from x.__defaults__ or ()
        yield from (x.__kwdefaults__ or {}).values()
        yield from vars(x).values()
        known = x.__globals__
        yield from (known[n] for n in x.__code__.co_names if is_operand(known.get(n)))
    elif isinstance(x, MethodType):
        yield from (x.__func__, x.__self__)
    elif isinstance(x, functools.partial):
        yield from (x.func, *x.args, *x.keywords.values())
    elif isinstance(x, (list, tuple)) and len(x) <= MANY:
        yield from x
    elif isinstance(x, dict) and len(x) <= MANY:
        yield from x.values()
    elif hasattr(x, "__dict__") and type(x).__module__.partition(".")[0] not in LIBRARIES:
        yield from vars(x).values()


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


def _replaced(x: Any, values: Mapping[int, Any], made: dict[int, Any]) -> Any:
    """Return something with other values; `made` is what becomes of what holds some."""
    if id(x) in values:
        return values[id(x)]
    new = made.get(id(x), x)
    if new is not x or id(x) not in made:
        return new
    other = functools.partial(_replaced, values=values, made=made)
    return (_function if isinstance(x, FunctionType) else _made)(x, other, made)


def _made(x: Any, other: Callable[[Any], Any], made: dict[int, Any]) -> Any:
    """Return an object made of the other parts, which may hold itself."""
    if isinstance(x, MethodType):
        new: Any = MethodType(other(x.__func__), other(x.__self__))
    elif isinstance(x, functools.partial):
        new = functools.partial(other(x.func), *map(other, x.args), **_values(x.keywords, other))
    elif isinstance(x, tuple):
        new = type(x)(*map(other, x)) if hasattr(x, "_fields") else type(x)(map(other, x))
    else:
        made[id(x)] = new = copy.copy(x)
        if isinstance(x, list):
            new[:] = map(other, x)
        else:
            table = new if isinstance(x, dict) else vars(new)
            table.update(_values(x if isinstance(x, dict) else vars(x), other))
    made[id(x)] = new
    return new


def _values(table: dict[str, Any], other: Callable[[Any], Any]) -> dict[str, Any]:
    return {name: other(value) for name, value in table.items()}


def _function(f: FunctionType, other: Callable[[Any], Any], made: dict[int, Any]) -> Any:
    """Return a function of the other parts, which may call itself."""
    known = f.__globals__
    moved = {n: other(known[n]) for n in f.__code__.co_names if is_operand(known.get(n))}
    defaults = tuple(map(other, f.__defaults__)) if f.__defaults__ else None
    given, old = {**known, **moved} if moved else known, f.__closure__ or ()
    cells = tuple([CellType() for _ in old])
    made[id(f)] = new = FunctionType(f.__code__, given, f.__name__, defaults, cells or None)
    for cell, content in zip(cells, old, strict=True):
        if content != EMPTY:
            cell.cell_contents = other(content.cell_contents)
    new.__kwdefaults__ = _values(f.__kwdefaults__, other) if f.__kwdefaults__ else None
    new.__dict__.update(_values(vars(f), other))
    return new
