"""The series of functions of (t, y) along the steps of a solution."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.algebra import Univariate
from taylor.errors import TaylorError
from taylor.jit import key
from taylor.llvm.kernels import TILE
from taylor.llvm.machine import OK, Machine
from taylor.program import Program
from taylor.sweep import sweep
from taylor.values import as_array

Array = Any
FEW = 2  # steps up to which NumPy is as fast as having machine code made


class _Named:
    """A program that is equal to another of the same code."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.name = key(program.code, program.inputs, program.outputs, program.guards)

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Named) and self.name == other.name and self.name is not None


@functools.lru_cache(maxsize=256)
def _machine(named: _Named, order: int) -> Machine | None:
    program = named.program
    heights = [min(1, order), order] + [0] * (len(program.inputs) - 2)
    try:
        return Machine(program, order, heights, TILE, expanded=True)
    except (TaylorError, ImportError, OSError):
        return None


def along(program: Program, pieces: Any, parameters: Sequence[Any]) -> list[Array]:
    """Return the series of the outputs of an expanded program of (t, y, *parameters).

    One array (steps, order + 1, *shape) for each output.  Raises GuardError where the program
    branches otherwise.
    """
    if not len(pieces):
        return []
    order = pieces.coef.shape[1] - 1
    floats = pieces.coef.dtype == np.float64 and all(
        np.asarray(p).dtype.kind in "fiub" for p in parameters
    )
    if floats and len(pieces) > FEW and order >= 1:
        machine = _machine(_Named(program), order)
        if machine is not None:
            n = len(pieces)
            times = np.stack([pieces.t, np.ones(n)])
            fixed = [
                np.broadcast_to(np.asarray(p, float)[..., None], (*np.shape(p), n))
                for p in parameters
            ]
            given = [times, np.moveaxis(pieces.coef, 0, -1), *(p[None] for p in fixed)]
            status, tables = machine.batch(*given)
            if status == OK:
                return [np.moveaxis(table, -1, 0) for table in tables]
    rows = [_one(program, pieces, i, parameters, order) for i in range(len(pieces))]
    return [np.stack(column) for column in zip(*rows, strict=True)]


def _one(
    program: Program, pieces: Any, i: int, parameters: Sequence[Any], order: int
) -> list[Array]:
    t = pieces.t[i]
    time = np.zeros(order + 1, np.asarray(t).dtype)
    time[0] = t
    if order:
        time[1] = 1 + 0 * t
    fixed = []
    for p in parameters:
        table = np.zeros((order + 1, *np.shape(p)), as_array(p).dtype)
        table[0] = p
        fixed.append(table)
    return sweep(program, Univariate(order), [time, pieces.coef[i], *fixed])
