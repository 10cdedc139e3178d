"""Series of sets of numbers through a compiled function, by machine code of their own kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.drivers import trees
from taylor.drivers.recorded import one_point
from taylor.errors import DomainError, TaylorError
from taylor.numbers.kinds import Kind
from taylor.series.univariate import Taylor

NEAR = 1e-9  # of values of one function, of one point and of many


class SetCode:
    """Machine code of one function at series of sets, made at the first call."""

    def __init__(self) -> None:
        self.known: dict[Any, Any] = {}
        self.apart: dict[Any, bool] = {}

    def through(self, f: Any, args: Sequence[Any]) -> tuple[list[Any], Any] | None:
        """Return [f(x)] of a compiled f, and its structure.

        None: the ordinary way finds it, or says why not.
        """
        x = args[0]
        if len(args) > 1 or type(x) is not Taylor or not math.prod(x.shape):
            return None
        c: Any = x._coef
        lanes: Any = c.reshape(len(c), -1)
        variable = bool(np.all(lanes.lo[1] == 1) & np.all(lanes.hi[1] == 1))
        variable = variable and (x._reach <= 1 or not lanes.mag[2:].any())
        found = self._found(f, lanes, x.algebra.order, variable, x.shape)
        return None if found is None else ([x._new(found)], trees.LEAF)

    def along(self, f: Any, x: Any, v: Any, order: int) -> Any:
        """Return the coefficients of f(x + t·v) for sets x and v = 1, or NotImplemented."""
        if type(v) not in (int, float) or v != 1 or not (order and math.prod(x.shape)):
            return NotImplemented
        found = self._found(f, x.reshape(1, -1), order, True, x.shape)
        return NotImplemented if found is None else found

    def _found(self, f: Any, lanes: Any, order: int, variable: bool, shape: tuple[int, ...]) -> Any:
        """Return the coefficients of f by machine code, from those of x, or None."""
        where = Kind.of(lanes), order, variable
        if where not in self.known and not self._make(f, where, lanes[0].mid):
            return None
        code = self.known[where]
        found = None if code is None else code.through(lanes)
        if found is None or not self._is_apart(f.f, found[0], lanes[0], shape):
            return None
        return found.reshape(order + 1, *shape)

    def _make(self, f: Any, where: Any, x: Any) -> bool:
        """Make the code, recorded at two of the points, or note that there is none.

        Return False outside the domain of f: other points may have it.
        """
        kind, order, variable = where
        try:
            program, _ = f.recorded("points", [np.resize(x, 2)], math.inf)
            self.known[where] = kind.compiled(one_point(program), order, variable)
        except DomainError:
            return False
        except (TaylorError, TypeError, ValueError, ImportError, OSError):
            self.known[where] = None  # the ordinary way calls f again, and may raise it, too
        return True

    def _is_apart(self, f: Callable[..., Any], y: Any, x: Any, shape: tuple[int, ...]) -> bool:
        """Whether f takes points of that shape one by one: it may ask how many there are."""
        if shape not in self.apart:
            with np.errstate(all="ignore"):
                value = np.asarray(f(x.mid.reshape(shape)[()]))
            same = value.shape == shape
            if same:
                flat, off = value.reshape(-1), NEAR * (1 + y.mag)
                same = bool(np.all((y.lo - off <= flat) & (flat <= y.hi + off)))
            self.apart[shape] = same
        return self.apart[shape]
