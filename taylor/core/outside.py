"""What functions have of values of the package from outside: closures, defaults, globals.

`p` of the function around it, `k` of `lambda t, y, k=k`, `self.mu` of an object that is called.
Such values become arguments: `outside` finds them, `opened` is the function of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from taylor.core.copies import Copies
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
        return Copies(_holders(f, values), values)(f)(*x[:first], *x[end:])

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
