"""Compiled methods of objects: each object keeps its own, so that their code is made once.

They stand in the dict of the object and live as long as it: an object that has no dict has them
made anew at each look-up.  Copies of it, and what is pickled of it, have none.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
NAME = "_compiled_methods_"


class Methods:
    """Methods of one object, by what they are methods of."""

    def __init__(self, owner: Any = None) -> None:
        self.owner, self.known = owner, dict[int, tuple[Any, Any]]()

    def __reduce__(self) -> Any:
        return Methods, ()


def bound(function: Any, f: Callable[..., Any], obj: Any, made: Callable[[Any], T]) -> T:
    """Return made(the method f of an object), the one that was made before if there is one.

    `function` is what was looked up in the class.
    """
    own = getattr(obj, "__dict__", None)
    if type(own) is not dict:
        return made(types.MethodType(f, obj))
    methods = own.get(NAME)
    if methods is None or methods.owner is not obj:  # that of the object this one is a copy of
        methods = own[NAME] = Methods(obj)
    known = methods.known.get(id(function))
    if known is None:  # with the function, so that no other has its identity
        known = methods.known[id(function)] = function, made(types.MethodType(f, obj))
    found: T = known[1]
    return found
