"""Functions that may answer for their drivers: what compiled ones and recordings are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Function = Callable[..., Any]
T = TypeVar("T")


class Derivable:
    """A function that may answer for its drivers: a compiled one, or one of which one is recorded.

    Whatever is NotImplemented the driver does itself.
    """

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

    def note(self, y: Any) -> None:
        """Note a value that the result of a driver rests on."""


def noted(f: Function, y: T) -> T:
    """Return a value that the result of a driver of f rests on, and let f know of it."""
    if isinstance(f, Derivable):
        f.note(y)
    return y
