"""The solution between its steps: one Taylor polynomial for each step."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.lookups import lookup
from taylor.core.operand import lift
from taylor.numbers.kinds import is_operand
from taylor.numbers.values import as_array
from taylor.ode import files
from taylor.ode.options import check_time

Array = NDArray[Any]
KIND = "a solution, format 2"  # in its file
BLOCK = 1 << 20  # numbers of gathered coefficients at a time


def in_numbers_of(y: Array, t: Any) -> Array:
    """Return times as an array: of doubles, unless the states hold numbers of many digits."""
    if not hasattr(t, "shape") and hasattr(t, "__iter__"):
        t = list(t)
    times = as_array(t)
    return times if y.dtype == object else np.asarray(times, float)


def check_order(t: Any, times: Array) -> None:
    """Raise an error unless times lie in one order of integration, from t on."""
    for time in times:
        check_time(time)
    backward = times[-1] < t
    steps = np.diff(times, prepend=t)
    if not np.all(steps <= 0 if backward else steps >= 0):
        raise ValueError("the times must lie in the order of integration, from t on")


class Solution:
    """A solution as a function of time: the polynomials Σ c_k (t - t_i)^k of its steps.

    `t` holds the n + 1 ends of the steps, `low` what the times of their starts are off by (they are
    sums of two numbers), `coef` the coefficients, of shape (n, order + 1, *shape of y).
    At the end of a step that is not the last, the next one counts: where the state was changed, it
    is the one after.  Outside of [t_0, t_n] the first or last polynomial is continued.
    Coefficients may be values of the package, series or nodes: so are those of the solution then.

    >>> s = Solution(np.array([0.0, 1.0, 2.0]), np.zeros(2), np.array([[[0.0], [1.0]]] * 2))
    >>> s(np.array([0.5, 1.25])).tolist()
    [[0.5, 0.25]]
    """

    def __init__(self, t: Array, low: Array, coef: Array) -> None:
        self.t, self.low, self.coef = t, low, coef

    def __repr__(self) -> str:
        ends = f"{float(self.t[0]):g} .. {float(self.t[-1]):g}"
        return f"<solution on {ends}, {len(self.coef)} steps of order {self.order}>"

    @property
    def order(self) -> int:
        """The degree of the polynomials."""
        return int(self.coef.shape[1]) - 1

    @property
    def t_min(self) -> Any:
        """The smallest time of the solution."""
        return min(self.t[0], self.t[-1])

    @property
    def t_max(self) -> Any:
        """The largest time of the solution."""
        return max(self.t[0], self.t[-1])

    def __call__(self, t: Any) -> Array:
        """Return y(t): for times of shape T an array of shape (*shape of y, *T)."""
        return self.derivative(t, 0)

    def derivative(self, t: Any, order: int = 1) -> Array:
        """Return the derivative of that order of y at times t, in the shape of `__call__`."""
        if isinstance(order, bool) or int(order) != order or order < 0:
            raise ValueError(f"the order of a derivative is an integer of at least 0, not {order}")
        if is_operand(lift(t)):
            found: Array = self._looked_up(lift(t), order)
            return found
        times = in_numbers_of(self.coef, t)
        flat = times.reshape(-1)
        shape = self.coef.shape[2:]
        size = math.prod(self.coef.shape[1:])
        step = max(1, BLOCK // max(1, size))
        parts = [self._at(flat[i : i + step], order) for i in range(0, len(flat), step)]
        empty = np.zeros((0, *shape), self.coef.dtype)
        y: Array = np.concatenate(parts) if parts else empty
        return np.moveaxis(y, 0, -1).reshape((*shape, *times.shape))

    def _looked_up(self, t: Any, order: int) -> Any:
        """Return it at values of the package: the polynomials are looked up at each of them."""
        turn, ends = (-1 if self.backward else 1), self.t[1:-1]
        side = "right" if self.backward else "left"

        def of_step(x: Array) -> Any:
            """Return what belongs to the step of each time."""
            return lookup(t, ends[::turn], x[::turn], side)

        x = (t - of_step(self.t[:-1])) - of_step(self.low)
        c = of_step(np.moveaxis(self.coef, 1, -1))  # of shape (*shape of t, *shape of y, order + 1)
        x = np.reshape(x, (*x.shape, *[1] * (self.coef.ndim - 2)))
        y = 0 * x + 0 * c[..., 0]
        for k in range(self.order, order - 1, -1):
            y = y * x + math.perm(k, order) * c[..., k]
        return np.moveaxis(y, range(t.ndim), range(-t.ndim, 0))

    @property
    def backward(self) -> bool:
        """Whether time runs backwards along the steps."""
        return bool(self.t[-1] < self.t[0])

    def _at(self, t: Array, order: int) -> Array:
        if not len(self.coef):
            raise ValueError("the solution has no steps: there is nothing between them")
        backward = self.backward
        ends = -self.t[1:-1] if backward else self.t[1:-1]
        i = np.searchsorted(ends, -t if backward else t, side="right")
        x = (t - self.t[i]) - self.low[i]
        x = x.reshape(-1, *[1] * (self.coef.ndim - 2))
        degree = self.order
        if order > degree:
            return np.zeros_like(self.coef[i, 0])
        y: Array = math.perm(degree, order) * self.coef[i, degree]
        for k in range(degree - 1, order - 1, -1):
            y = y * x + math.perm(k, order) * self.coef[i, k]
        return y

    def save(self, path: str | Path) -> None:
        """Write the solution to a file in NumPy's npz format, with a checksum; `load` reads it."""
        self.write(path)

    def write(self, path: str | Path, **more: Any) -> None:
        """Write it with more arrays to a file."""
        if is_operand(self.coef):
            raise TypeError("a solution of series cannot be saved as npz: pickle it")
        if self.coef.dtype == object:
            raise TypeError("numbers of many digits cannot be saved as npz: pickle the solution")
        files.write(Path(path), KIND, {"t": self.t, "low": self.low, "coef": self.coef, **more})

    @classmethod
    def load(cls, path: str | Path) -> Solution | SolutionInUnits:
        """Return the solution that was saved to a file; raises ValueError if that is damaged."""
        arrays = files.read(Path(path), KIND)
        unit = float(arrays.pop("unit", np.float64(1.0)))
        if arrays.keys() != {"t", "low", "coef"} or not _fit(**arrays) or not 0 < unit < math.inf:
            raise ValueError(f"{path} holds no solution: its arrays do not fit together")
        return cls(**arrays) if unit == 1.0 else SolutionInUnits(cls(**arrays), unit)


class SolutionInUnits:
    """A solution as a function of time, which was found in other units of time."""

    def __init__(self, sol: Any, unit: float) -> None:
        self.sol, self.unit = sol, unit

    def __call__(self, t: Any) -> Any:
        """Return y(t), of shape (*shape of y, *shape of t)."""
        return self.sol(np.asarray(t) / self.unit)

    def derivative(self, t: Any, order: int = 1) -> Any:
        """Return the derivative of that order, in the same shape."""
        return self.sol.derivative(np.asarray(t) / self.unit, order) / self.unit**order

    @property
    def t(self) -> Any:
        """The ends of the steps."""
        return self.sol.t * self.unit

    @property
    def t_min(self) -> Any:
        """The smallest time of the solution."""
        return self.sol.t_min * self.unit

    @property
    def t_max(self) -> Any:
        """The largest time of the solution."""
        return self.sol.t_max * self.unit

    def __repr__(self) -> str:
        return f"<{self.sol!r}, in units of time of {self.unit:g}>"

    def save(self, path: str | Path) -> None:
        """Write the solution to a file, which `Solution.load` reads."""
        self.sol.write(path, unit=np.float64(self.unit))


def _fit(t: Array, low: Array, coef: Array) -> bool:
    """Whether arrays can be those of a solution: times in order, one polynomial for each step."""
    real = t.dtype == low.dtype == np.float64 and coef.dtype in (np.float64, np.complex128)
    if not real or not t.ndim == low.ndim == 1 or coef.ndim < 2 or not coef.shape[1]:
        return False
    steps = np.diff(t)
    ordered = bool((steps >= 0).all() or (steps <= 0).all())
    return len(t) == len(low) + 1 == len(coef) + 1 and ordered and bool(np.isfinite(low).all())
