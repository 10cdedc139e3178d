"""What was made once in this process, found again by what it was made from.

Machine code, the machines around it and expanded programs are kept here, the last ones that were
asked for; `jit` has the disk behind it.  What something was made from is known by its `identity`.
"""

from __future__ import annotations

import hashlib
import itertools
import marshal
import operator
from collections.abc import Callable, Hashable
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")
PLAIN = frozenset((type(None), bool, int, float, complex, str, bytes))
SAME: Any = object.__eq__
LARGE = 1 << 12  # bytes of an array that only their hash stands for


def identity(x: Any) -> tuple[Any, ...]:
    """Return what is equal for two things only where the same would be made from them.

    They are nested tuples, lists, numbers and arrays, compared by content (1 is not 1.0, 0.0 is not
    -0.0), and objects that are equal to themselves only, such as functions, which are part of the
    result: while it lives nothing else can be in their place.  Whatever else there is makes a thing
    that is like no other.

    >>> identity((1, [2.0])) == identity((1, [2.0])), identity((1,)) == identity((1.0,))
    (True, False)
    """
    held: list[Any] = []
    try:
        text = marshal.dumps(_plain(x, held), 2)
    except (TypeError, ValueError):
        return b"", object()
    return hashlib.sha256(text).digest(), *held


def _plain(x: Any, held: list[Any]) -> Any:
    """Return x in the types of `marshal`, and add to `held` what is told by identity only."""
    kind = type(x)
    if kind is tuple:
        for e in x:
            if type(e) not in PLAIN:
                return tuple([_plain(e, held) for e in x])
        return x
    if kind in PLAIN:
        return x
    if hasattr(kind, "contents"):  # an instruction
        return ..., kind.__name__, *[_plain(e, held) for e in x.contents()]
    if kind is list:
        return [_plain(e, held) for e in x]
    if isinstance(x, tuple):  # with names
        return ..., kind.__name__, *[e if type(e) in PLAIN else _plain(e, held) for e in x]
    if isinstance(x, np.generic):
        return ..., x.dtype.char, x.tobytes()
    if kind is np.ndarray and x.dtype != object:
        body = x.tobytes()
        body = body if len(body) <= LARGE else hashlib.sha256(body).digest()
        return ..., x.dtype.str, x.shape, body
    if kind is np.ndarray:
        return ..., "O", x.shape, _plain(x.reshape(-1).tolist(), held)
    if kind is Fraction:
        return ..., "/", x.numerator, x.denominator
    if kind.__eq__ is not SAME:
        raise TypeError(f"{kind.__name__} has an equality of its own")
    held.append(x)
    return ..., len(held)


def _weight(x: Any) -> int:
    """Return about how many bytes something holds that says so."""
    return sum(map(_weight, x)) if type(x) is tuple else getattr(x, "weight", 0)


class Store:
    """Finds what was made from the same things; keeps so many entries, and bytes of them."""

    def __init__(self, most: int, room: int) -> None:
        self.most, self.room = most, room
        self.entries: dict[Hashable, list[Any]] = {}  # value, weight, when it was last asked for
        self.clock = itertools.count()

    def get(self, *what: Hashable) -> Any:
        """Return what was made from this; None if nothing was."""
        entry = self.entries.get(what)
        if entry is None:
            return None
        entry[2] = next(self.clock)
        return entry[0]

    def put(self, value: T, *what: Hashable) -> T:
        """Keep what was made from this; return it, or what another thread has kept meanwhile."""
        weight = _weight(value)
        if weight > self.room // 8:  # would drive out all others
            return value
        entry = self.entries.setdefault(what, [value, weight, next(self.clock)])
        if weight or len(self.entries) > self.most:
            self._trim()
        found: T = entry[0]
        return found

    def made(self, make: Callable[[], T], *what: Hashable) -> T:
        """Return what was made from this (None, too), or else is made now."""
        entry = self.entries.get(what)
        if entry is None:
            return self.put(make(), *what)
        entry[2] = next(self.clock)
        found: T = entry[0]
        return found

    def _trim(self) -> None:
        """Remove what nobody has asked for for longest, where there is too much."""
        known = list(self.entries.values())
        left, weight = len(known), sum(map(operator.itemgetter(1), known))
        if left <= self.most and weight <= self.room:
            return
        for what, entry in sorted(list(self.entries.items()), key=lambda item: item[1][2]):
            if left <= self.most * 3 // 4 and weight <= self.room * 3 // 4:
                break
            self.entries.pop(what, None)
            left, weight = left - 1, weight - entry[1]

    def clear(self) -> None:
        """Forget everything."""
        self.entries.clear()


STORE = Store(4096, 1 << 28)
