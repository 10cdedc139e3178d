"""Jet transport: states that are series become ordinary systems of their coefficients.

If y0 depends on variables ξ, so does y(t), and the coefficients of its series in ξ obey the
coefficients of f(t, y(t; ξ)): a system in plain numbers, integrated like others.  The variational
equations of order K are the case y0 = y_0 + ξ with series of order K.  (Pérez-Palau, Masdemont &
Gómez, Celestial Mechanics 123, 2015.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.arrays import lift
from taylor.errors import AlgebraMismatch
from taylor.ode.dense import Solution
from taylor.ode.system import shaped
from taylor.series import Series
from taylor.values import as_array

Array = Any


class Jets:
    """fun, y0 and args with the coefficients of series in place of the series."""

    def __init__(self, fun: Callable[..., Any], y0: Any, args: Sequence[Any], like: Series) -> None:
        self.like, self.inner = like, fun
        y0 = y0 if isinstance(y0, Series) else as_array(y0)
        self.shape = np.shape(y0)
        self.y0 = self.table(y0)
        self.carried = [isinstance(a, Series) for a in args]
        self.args = tuple(
            self.table(a) if carried else a for a, carried in zip(args, self.carried, strict=True)
        )

    def table(self, x: Any) -> Array:
        """Return the coefficients of a series; those of a constant, if it is none."""
        like = self.like
        if isinstance(x, Series):
            if x.algebra != like.algebra or x.tag is not like.tag:
                raise AlgebraMismatch(
                    f"the state carries {like.algebra}, an argument {x.algebra}: make all series "
                    "of y0 and args together"
                )
            return x._coef
        x = lift(x)
        start = np.zeros((like.algebra.size, *np.shape(x)))
        if not isinstance(x, (np.ndarray, float, int)):  # numbers of other kinds
            return np.stack([x] + [0 * x] * (like.algebra.size - 1))
        start[0] = x
        return start

    def series(self, table: Array) -> Any:
        """Return the series of a table of coefficients."""
        return self.like._new(table)

    def fun(self, t: Any, table: Any, *args: Any) -> Any:
        """Return the coefficients of the right-hand side."""
        given = [
            self.series(a) if carried else a for a, carried in zip(args, self.carried, strict=True)
        ]
        dy = shaped(self.inner(t, self.series(table), *given), self.shape)
        return self.table(dy)

    def events(self, functions: Any) -> Any:
        """Return the events as functions of the coefficients: of the values, at ξ = 0."""
        if functions is None:
            return None
        return [self._event(g) for g in ([functions] if callable(functions) else functions)]

    def _event(self, g: Callable[..., Any]) -> Callable[..., Any]:
        if getattr(g, "callback", None) is not None:
            raise ValueError(
                "an event that changes the state cannot be carried by a state of series: its time "
                "depends on their variables; integrate up to the event, and go on from there"
            )

        def event(t: Any, table: Any, *args: Any) -> Any:
            values = [a[0] if carried else a for a, carried in zip(args, self.carried, strict=True)]
            return g(t, table[0], *values)

        for name in ("terminal", "direction"):
            if hasattr(g, name):
                setattr(event, name, getattr(g, name))
        return event

    def solution(self, sol: Solution) -> SeriesSolution:
        """Return the solution as a function of time whose values are series."""
        return SeriesSolution(sol, self.like)


class SeriesSolution:
    """A solution as a function of time whose values are series."""

    def __init__(self, coefficients: Any, like: Series) -> None:
        self.coefficients, self.like = coefficients, like

    def __call__(self, t: Any) -> Any:
        """Return the series y(t), of shape (*shape of y, *shape of t)."""
        return self.like._new(self.coefficients(t))

    def derivative(self, t: Any, order: int = 1) -> Any:
        """Return the derivative with respect to time, in the same shape."""
        return self.like._new(self.coefficients.derivative(t, order))


def jets_of(fun: Callable[..., Any], y0: Any, args: Sequence[Any]) -> Jets | None:
    """Return the system of coefficients, if y0 or an argument is a series."""
    y0 = lift(y0)
    args = [lift(a) for a in args]
    found = [x for x in (y0, *args) if isinstance(x, Series)]
    return Jets(fun, y0, args, found[0]) if found else None
