"""Compiled rows: the recurrence of one elementary function, for eager arithmetic.

Tables are float64 or complex128.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.elementary import Elementary
from taylor.errors import TraceError
from taylor.expand import of_row
from taylor.llvm.machine import OK, Machine
from taylor.program import Program
from taylor.tape import Instruction

Array = Any
TILE = 32  # points of a tile: four vectors hide the latency of a multiply-add
ORDERS = range(2, 129)  # below, NumPy is as fast; above, code of its own for one order is a waste
FLOAT, COMPLEX = np.dtype(float), np.dtype(complex)
COMPLEX_PRODUCTS = 16  # order from which machine code beats NumPy's products of complex lanes
_X, _Y = Instruction("input", (), 0, ()), Instruction("input", (), 1, ())
_C = Instruction("parameter", (), 0, ())
PRODUCT = Program([_X, _Y, Instruction("mul", (0, 1), None, ())], [0, 1], [2])
QUOTIENTS: dict[tuple[bool, ...], Program] = {
    (True, True): Program([_X, _Y, Instruction("div", (0, 1), None, ())], [0, 1], [2]),
    (False, True): Program([_X, _C, Instruction("div", (1, 0), None, ())], [0], [2]),
}


@functools.lru_cache(maxsize=2048)
def _machine(
    row: Any, live: tuple[bool, ...], order: int, unit: int, complex: tuple[bool, ...] = ()
) -> Any:
    """Return the machine of a row ("div" and "mul" too), or None where it has no machine code."""
    if isinstance(row, str):
        program = QUOTIENTS[live] if row == "div" else PRODUCT
    else:
        program = of_row(row, live)
    try:
        heights = [order] * sum(live)
        return Machine(program, order, heights, unit, expanded=True, complex=complex)
    except (TraceError, ImportError, OSError):
        return None


def one(row: Elementary, x: Array) -> Array | None:
    """Return the table of a row of one argument at the table of one number, or None as `run`."""
    order = len(x) - 1
    if row.quotient is None or order not in ORDERS:
        return None
    pattern = (True,) if x.dtype is COMPLEX else ()
    machine = _machine(row, (True,), order, 1, pattern)
    if machine is None:
        return None
    status, (c,) = machine(x)
    if status != OK:
        return None
    c[0] = row.numpy(x[0] + 0 if pattern else x[0])  # on a branch cut: its upper side
    return c


def quotient(x: Array, y: Array) -> Array | None:
    """Return the table of x/y for two tables of one order and dtype, or None as `run`."""
    order = len(x) - 1
    pattern = (True, True) if x.dtype is COMPLEX else ()
    machine = _machine("div", (True, True), order, 1, pattern) if order in ORDERS else None
    if machine is None:
        return None
    status, (c,) = machine(x, y)
    return c if status == OK else None


def run(
    row: Elementary | str, live: tuple[bool, ...], order: int, given: Sequence[Any]
) -> Array | None:
    """Return the table of a row at tables and constants, or None for the ordinary way.

    `given` holds a table where `live`, else a number.  Coefficients that are not finite are left to
    the ordinary way.
    """
    if order not in ORDERS or (isinstance(row, Elementary) and row.quotient is None):
        return None
    shapes = {x.shape[1:] for x, is_table in zip(given, live, strict=True) if is_table}
    if len(shapes) != 1:
        return None
    (lanes,) = shapes
    for x, is_table in zip(given, live, strict=True):
        if is_table:
            if type(x) is not np.ndarray or x.dtype not in (FLOAT, COMPLEX):
                return None
        elif type(x) not in (float, int, complex):
            return None
    size = int(np.prod(lanes, dtype=int))
    if lanes and size < TILE:
        return None
    tables = [x for x, is_table in zip(given, live, strict=True) if is_table]
    constants = [x for x, is_table in zip(given, live, strict=True) if not is_table]
    pattern = tuple(np.iscomplexobj(x) for x in (*tables, *constants))
    if not any(pattern):
        pattern = ()
    elif row == "mul" and order < COMPLEX_PRODUCTS:
        return None
    machine = _machine(row, live, order, TILE if lanes else 1, pattern)
    if machine is None:
        return None
    if not lanes:
        status, (c,) = machine(*tables, *map(np.asarray, constants))
    else:
        flat = [x.reshape(order + 1, size) for x in tables]
        status, (c,) = machine.batch(*flat, *(np.full(size, v) for v in constants))
        c = c.reshape(order + 1, *lanes)
    if status != OK:
        return None
    if pattern and row == "mul":
        c[0] = tables[0][0] * tables[1][0]  # NumPy's own rounding
    return c
