"""Functions that are differentiated often: when code is made for them by itself.

After some calls of a driver with one function at arguments of the same shapes, as many as pay
(`patience.paid`) or as `policy(compile_after=...)` says, the function answers for its drivers as a
compiled one does, as long as it is certain that it still is what was compiled (`again`).
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from taylor.core.repeat import AROUND
from taylor.drivers.derivable import Derivable
from taylor.kept import Store
from taylor.llvm import store
from taylor.numbers.kinds import is_operand
from taylor.numbers.policy import current_policy

Function = Callable[..., Any]
Ask = Callable[[Any], Any]  # what a driver asks of the code of a function
FLOAT = np.dtype(float)
EARLY = 16  # the call from which on code on disk is looked for, if there is some, or made
AFTER = 64  # the call that makes code where nothing else is said, if no earlier one does
SHAPES = 64  # drivers and shapes of arguments of one function, after which counting begins anew
KEPT = Store(
    256, 1 << 28
)  # of functions, by their Python code: never a function, nor what it holds


class History:
    """How often drivers of functions of one Python code were asked for, and what is known then."""

    following: ClassVar[Callable[[int], Any]]  # makes what watches them after so many calls

    def __init__(self, code: types.CodeType) -> None:
        self.code = code  # while it lives no other is in its place
        self.calls: dict[Any, int] = {}
        self.known: dict[Any, Any] = {}

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        return sum(known.weight for known in list(self.known.values()))

    def due(self, where: Any, after: int) -> int:
        """Count a call, and return its number if there may be code for it, else 0."""
        if len(self.calls) > SHAPES:
            self.calls.clear()
            self.known.clear()
        calls = self.calls[where] = self.calls.get(where, 0) + 1
        early = EARLY <= calls < after - 1 and store.is_used()
        return calls if early or calls >= after - 1 else 0

    def answer(
        self, f: Function, call: int, after: int, shapes: Any, at: Sequence[Any], ask: Ask
    ) -> tuple[Any, Function]:
        """Return what the code of f gives, if f still is what it was made of; or NotImplemented.

        And f, or if it was recorded meanwhile, its program.  `call` is the number of this one;
        before that `after` which code is made, if one is given, it is only taken from the disk.
        """
        known = self.known.get(shapes)
        if known is None:
            known = self.known[shapes] = History.following(after or AFTER)
        known.left, made = max(1, (after or AFTER) - call + 1), known.made
        known.past = 0 if after else call
        found: tuple[Any, Function] = known.answer(f, at, ask)
        if known.made != made:
            KEPT.entries.pop((id(self.code),), None)
            KEPT.put(self, id(self.code))
        return found


class Often(Derivable):
    """A function that answers for its drivers by code made for it, if it still is the same.

    If it has been recorded meanwhile, a driver can take its program, since it has run already.
    """

    __slots__ = ("after", "f", "history", "program")

    def __init__(self, f: Function, history: History, after: int) -> None:
        self.f = self.program = f
        self.history, self.after = history, after  # 0: where it pays

    def __call__(self, *x: Any, **named: Any) -> Any:
        return self.program(*x, **named)

    def instead(self, driver: Function, x: Sequence[Any], recorded: bool) -> Any:
        """Return driver(self, *x) by its code or program, or NotImplemented.

        At kinks and singular points, where results are not finite, a program knows less than f.
        """
        if recorded and self.program is self.f:
            return NotImplemented
        try:
            found = driver(self.program if recorded else self, *x)
        except Exception:
            if self.program is self.f:
                raise
            return NotImplemented  # f raises it again, if it is its own
        each = found if isinstance(found, tuple) else (found,)
        return found if self.program is self.f or all(map(_is_number, each)) else NotImplemented

    def derived(self, driver: Function, x: Sequence[Any]) -> Any:
        shapes = tuple([_shape(v) for v in x])
        count = getattr(driver, "count", 1)
        where = driver, shapes
        return self._answer(where, shapes[:count], x[:count], lambda code: code.derived(driver, x))

    def along(self, x: Any, v: Any, order: int) -> Any:
        shapes = _shape(x), () if type(v) is int else _shape(v)
        if self.program is not self.f or not (self.after or shapes[0]):
            return NotImplemented  # a series of one number takes less than to compare f
        where = order, shapes
        return self._answer(where, shapes[:1], (x,), lambda code: code.along(x, v, order))

    def tensor(self, x: Any, order: int) -> Any:
        shapes = (_shape(x),)
        if self.program is not self.f:
            return NotImplemented
        where = ("tensor", order), shapes
        return self._answer(where, shapes, (x,), lambda code: code.tensor(x, order))

    def _answer(self, where: Any, shapes: Any, at: Sequence[Any], ask: Ask) -> Any:
        """Return what code gives that is asked, if this call is to have some."""
        if None in where[1] or not (call := self.history.due(where, self.after or AFTER)):
            return NotImplemented
        found, self.program = self.history.answer(self.f, call, self.after, shapes, at, ask)
        return found


def again(f: Function, x: Sequence[Any]) -> Often | None:
    """Return what answers for the drivers of f by code made for it; None if none will.

    None inside of a function that is compared itself: what f does there belongs to it.
    """
    after = current_policy().compile_after
    if after == 0 or not x or _shape(x[0]) is None or AROUND.get() is not None:
        return None
    g = getattr(f, "__wrapped__", f)
    plain = type(g) is types.FunctionType and not hasattr(g, "__wrapped__")
    code = g.__code__ if plain else _code(g)
    if code is None:
        return None
    history = KEPT.get(id(code)) or KEPT.put(History(code), id(code))
    return Often(f, history, after or 0)


def _shape(x: Any) -> tuple[int, ...] | None:
    """Return the shape of a float or an array of floats; None of all else."""
    kind = type(x)
    if kind is np.ndarray:
        return x.shape if x.dtype is FLOAT else None
    return () if kind is float or kind is np.float64 else None


def _is_number(y: Any) -> bool:
    return not is_operand(y) and np.asarray(y).dtype.kind in "fc" and bool(np.isfinite(y).all())


def _code(f: Any) -> types.CodeType | None:
    """Return the Python code by which a function is found again: a hint, nothing rests on it."""
    for _ in range(8):
        if isinstance(f, functools.partial):
            f = f.func
        elif hasattr(f, "__wrapped__"):
            f = f.__wrapped__
        else:
            break
    f = getattr(f, "__func__", f)
    if not isinstance(f, types.FunctionType):
        f = inspect.getattr_static(type(f), "__call__", None)
    code = getattr(f, "__code__", None)
    return code if isinstance(code, types.CodeType) else None
