"""The right-hand side of y' = f(t, y) with its first variation, for validated steps."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.advice import annotate, not_called
from taylor.core.program import Program, expand, pushforward, record
from taylor.errors import ShapeMismatch, TieError, Undecided
from taylor.verified.given import check_function
from taylor.verified.jets import Jets


class Field:
    """A function f(t, y, *args) of y with n numbers; with `back` that of -t: -f(-t, y).

    What is recorded is (f, f'·V) for the first variation V, an n x n matrix, or f alone.
    """

    def __init__(
        self, fun: Callable[..., Any], args: Sequence[Any], at: tuple[float, Any], back: bool
    ) -> None:
        check_function(fun, "fun is a function of (t, y, *args)")
        if not isinstance(args, (tuple, list)):
            raise TypeError(f"args is a tuple: did you mean args=({args!r},)?")
        self.fun, self.args, self.back = fun, tuple(args), back
        self.at, self.n = (float(at[0]), np.array(at[1], dtype=float)), len(at[1])

    def __call__(self, t: Any, y: Any) -> Any:
        found = self._found(-t if self.back else t, y)
        f = np.stack(found) if isinstance(found, (list, tuple)) else found
        if np.shape(f) != (self.n,):
            raise ShapeMismatch(
                f"fun returned an array of shape {np.shape(f)} for a state of shape {(self.n,)}: "
                "return one derivative for each component of y"
            )
        return -f if self.back else f

    def _found(self, t: Any, y: Any) -> Any:
        """Return what fun returns."""
        try:
            found = self.fun(t, y, *self.args)
        except (TypeError, IndexError) as error:
            if isinstance(error, IndexError) or not_called(error):
                annotate(error, f"fun is called as fun(t, y, *args), here with {self.n} states y")
            raise
        if found is None or isinstance(found, (str, dict)):
            raise TypeError(
                f"fun returned {type(found).__name__}: return one derivative for each component "
                "of y"
            )
        return found

    def varied(self, t: Any, y: Any, v: Any) -> tuple[Any, Any]:
        """Return f and f'·V."""
        f, d = pushforward(lambda y: self(t, y), [y], [v], self.n)
        return f, d

    def jets(self, order: int, varied: bool = True) -> Jets:
        """Return what computes the coefficients of y, and of V if it is wanted, up to an order."""
        t, y = self.at
        if varied:
            program = recorded("fun", self.varied, t, y, np.eye(self.n))
            return Jets(expand(program, exact=True), order)
        return Jets(self.program, order)

    @functools.cached_property
    def program(self) -> Program:
        """f(t, y), expanded."""
        return expand(recorded("fun", self, *self.at), exact=True)


def recorded(name: str, f: Callable[..., Any], *at: Any) -> Program:
    """Return the program of a function at a point; Undecided where a branch goes either way."""
    try:
        return record(f, *at)
    except TieError as error:
        raise Undecided(
            f"a branch of {name} goes either way at {', '.join(map(str, at[:2]))}: {error}"
        ) from error
