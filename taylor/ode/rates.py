"""The right-hand side and its Jacobian as machine code: what implicit methods ask for.

The Jacobian comes from products J·s, one direction s for each colour of its columns (see
`taylor.drivers.sparse`), all of them side by side in one program.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.patterns import matrices
from taylor.core.program import Program, pushforward, record
from taylor.drivers.pattern import jacobian_pattern
from taylor.drivers.sparse import color_columns
from taylor.errors import GuardError, TaylorError, TraceError
from taylor.kept import STORE
from taylor.llvm.entry import Entry
from taylor.machine.machine import GUARD, Machine
from taylor.ode.system import System, filled

Array = NDArray[Any]
MANY, THIN = 64, 8  # variables from which on a matrix with one entry in so many is kept sparse


class Kernel:
    """A program as a function of arrays: as machine code where that can be made."""

    def __init__(self, program: Program) -> None:
        self.program, self.entry = program, Entry()
        try:
            self.machine: Machine | None = Machine(program)
        except (TaylorError, ImportError, OSError):
            self.machine = None

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        return self.program.weight + (0 if self.machine is None else self.machine.weight)

    def __call__(self, *x: Any) -> Any:
        """Return the first output; raises GuardError where the program branches otherwise."""
        if (y := self.entry.call(*x)) is not None:
            return y
        if self.machine is None or any(np.asarray(v).dtype.kind == "c" for v in x):
            with np.errstate(all="ignore"):
                return self.program.evaluate(*x)[0]
        status, (y, *_) = self.machine(*x)
        if status == GUARD:
            raise GuardError("fun takes another branch here")
        self.machine.enter(self.entry, False, True, 1)
        return y


def _kept(make: Callable[[], Any], program: Program, *what: Any) -> Any:
    """Return what is made of a program, made once for all equal ones if these tell all of it."""
    return STORE.made(make, *what, program.identity) if program.told else make()


class Jacobian:
    """The derivatives of a program of (t, y, *parameters) with respect to y, as a matrix."""

    def __init__(self, program: Program, point: Any) -> None:
        shape = program.code[program.inputs[1]].shape
        n = self.size = math.prod(shape)
        colors, self.rows, self.cols = np.arange(n), np.arange(0), np.arange(0)
        self.sparse = False
        if n >= MANY:
            rows, cols = jacobian_pattern(program, [1])
            if len(rows) * THIN <= n * n:
                self.rows, self.cols, self.sparse = rows, cols, True
                colors = color_columns(rows, cols, n)
        count = self.count = int(colors.max(initial=0)) + 1
        seeds = np.zeros((n, count))
        seeds[np.arange(n), colors] = 1
        seeds = seeds.reshape(*shape, count)
        self.places = self.rows * count + colors[self.cols]
        moving = [None, seeds, *[None] * (len(program.inputs) - 2)]

        def side_by_side(*x: Any) -> Any:
            return np.reshape(pushforward(program, x, moving, count)[1], (n, count))

        self.kernel = Kernel(record(side_by_side, *point))

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        return self.kernel.weight + self.rows.nbytes + self.cols.nbytes + self.places.nbytes

    def __call__(self, *x: Any) -> Any:
        """Return the matrix, as an array or in sparse form; where a derivative is not finite, 0."""
        products = np.asarray(self.kernel(*x))
        products = np.where(np.isfinite(products), products, 0.0)
        if not self.sparse:
            return products[:, : self.size]
        values = products.reshape(-1)[self.places]
        shape = (self.size, self.size)
        return matrices().csc_array((values, (self.rows, self.cols)), shape=shape)


class Rates:
    """fun and its Jacobian as functions of (t, y) for one system, recorded anew at new branches."""

    def __init__(self, system: System) -> None:
        self.f, self.shape, self.args = system.f, system.shape, system.args
        self.systems = [system]  # one for each branch that was met
        self.calls: dict[tuple[int, str], Any] = {}

    def value(self, t: float, y: Array, parameters: Any) -> Array:
        """Return fun(t, y) for a state along one axis."""
        found = self._found("value", Kernel, t, y.reshape(self.shape), parameters)
        same = type(found) is np.ndarray and found.dtype is y.dtype
        return np.array(found, dtype=None if same else np.result_type(found, y)).reshape(-1)

    def jacobian(self, t: float, y: Array, parameters: Any) -> Any:
        """Return the Jacobian there."""
        y = y.reshape(self.shape)
        x = (t, y, *parameters)
        return self._found("jacobian", lambda p: Jacobian(p, x), t, y, parameters)

    def _found(self, what: str, make: Any, t: float, y: Array, parameters: Any) -> Any:
        """Return what a function made of the program of the branch at (t, y) gives there."""
        for i in range(len(self.systems) + 1):
            try:
                call = self.calls.get((i, what))
                if call is None:
                    call = self.calls[i, what] = self._made(i, what, make, t, y, parameters)
                return call(t, y, *parameters)
            except GuardError:  # the point lies on another branch
                continue
        raise GuardError("fun branches where none of its conditions changes its sign")

    def _made(self, i: int, what: str, make: Any, t: float, y: Array, parameters: Any) -> Any:
        """Return a function made of the program of branch i; a new branch is that at (t, y)."""
        if i == len(self.systems):
            args = filled(self.args, self.systems[0].free, parameters)
            self.systems.append(System(self.f, t, y, args))
        program = self.systems[i].recorded
        if program is None:
            raise TraceError(
                f"fun cannot be recorded ({self.systems[i].reason}), so its derivatives are "
                "not known: write it with NumPy's functions"
            )
        return _kept(lambda: make(program), program, "rates", what)
