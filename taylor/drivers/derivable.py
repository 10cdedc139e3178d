"""Functions that may answer for their drivers: what compiled ones and recordings are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from taylor.core.conditions import stays_number
from taylor.core.node import Node
from taylor.core.singular import nans
from taylor.core.tape import Tape
from taylor.errors import NonAnalyticError
from taylor.numbers.kinds import base_array, content, is_nested
from taylor.series.series import Series

Function = Callable[..., Any]
T = TypeVar("T")
PLAIN = (float, int, np.ndarray, np.float64)  # the usual arguments, which no recording has


class Derivable:
    """A function that may answer for its drivers: a compiled one, or one of which one is recorded.

    Whatever is NotImplemented the driver does itself.
    """

    plans: dict[Any, Any] | None = None  # by driver: how one tree goes through its code
    entries: Any = MappingProxyType({})  # by driver: the code that Python calls at once
    returns_trees = False  # as far as is known
    watches = False  # whether it makes sure by itself that its values are numbers

    def at_once(self, driver: Function, x: Sequence[Any]) -> Any:
        """Return driver(self, *x) by code that Python calls at once, if there is; or None."""
        return None

    def derived(self, driver: Function, x: Sequence[Any]) -> Any:
        """Return driver(self, *x)."""
        return NotImplemented

    def along(self, x: Any, v: Any, order: int) -> Any:
        """Return the Taylor coefficients 0..order of t -> f(x + t·v)."""
        return NotImplemented

    def tensor(self, x: Any, order: int) -> Any:
        """Return all partial derivatives of one order."""
        return NotImplemented

    def machine_of(self, program: Any, driver: Function, x: Sequence[Any]) -> Any:
        """Return the machine code of driver(program, *x), recorded at x, as a function of x."""
        return NotImplemented

    def of_leaves(self, args: Sequence[Any], vary: Sequence[int], named: dict[str, Any]) -> Any:
        """Return f as a function of leaves, and these, and structures (see `arguments`)."""
        return NotImplemented

    def under(self, g: Function) -> Any:
        """Return g(f, ...) as a function like this one."""
        return NotImplemented

    def note(self, y: Any) -> None:
        """Note a value that the result of a driver rests on."""


def noted(f: Function, y: T) -> T:
    """Return a value that the result of a driver of f rests on, and let f know of it."""
    if isinstance(f, Derivable):
        f.note(y)
    return y


class Watched(Derivable):
    """A function while a driver of it is recorded: its values must be numbers at other points, too.

    A derivative may be finite where the function has none: 1/x is, for log(x), at x < 0.
    """

    watches = True

    def __init__(self, f: Function, tape: Tape) -> None:
        self.f, self.tape = f, tape

    def __call__(self, *x: Any, **named: Any) -> Any:
        y = self.f(*x, **named)
        for v in y if isinstance(y, (tuple, list)) else (y,):
            self._see_to(outer(content(v), self.tape))
        return y

    def note(self, y: Any) -> None:
        for v in y if isinstance(y, (tuple, list)) else (y,):
            found = outer(v, self.tape)  # of many numbers their sum is seen to
            self._see_to(np.sum(0.0 * found) if np.size(found) > 1 else found)

    def _see_to(self, v: Any) -> None:
        """See to it that a value is a number here and at other points, too."""
        if self.tape.compiled and nans(base_array(v)).any():
            raise NonAnalyticError("what a driver rests on is no number here; move the point")
        stays_number(v)


def watched(f: Function, x: Sequence[Any]) -> Function:
    """Return f, watched if one of x is a value of a recording."""
    if isinstance(f, Derivable) and f.watches:
        return f
    for v in x:
        if type(v) not in PLAIN and (tape := recording(v)) is not None:
            return Watched(f, tape)
    return f


def recording(v: Any) -> Tape | None:
    """Return the recording that a value, or series of such values, belongs to, if it does."""
    while isinstance(v, Series):
        v = v._coef
    return v.tape if isinstance(v, Node) else None


def outer(v: Any, tape: Tape) -> Any:
    """Return a value within a driver as one of the recording around it; of a series, order zero."""
    while is_nested(v) and getattr(v, "tape", None) is not tape:
        v = v._coef[0] if isinstance(v, Series) else v.tape.values[v.i]
    return v
