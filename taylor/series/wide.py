"""Coefficients that left the range of floats on the way, found again with unbounded exponents.

c_k of x**0.3 at 1e-100 is beyond the floats from k = 4 on, and x**1.5 is below them at 1e-217,
where c_1 is not.  A recurrence in floats goes on with an infinity and gives nan, or with a zero; in
mpmath's numbers it goes on, and each coefficient is rounded at the end: to what it is, to the
infinity of its sign, or to zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import Algebra
from taylor.core.applied import Call
from taylor.core.calls import Integral, Row
from taylor.core.functions import ROOTS, hypot
from taylor.core.program import Program
from taylor.core.sides import Choose
from taylor.core.sweep import Sweep
from taylor.errors import TaylorError
from taylor.numbers.kinds import Array, private

BITS = 80
LANES = 512  # that are redone one by one; in the others what is unknown stays nan
KINK = Choose("kink")


def mended(
    program: Program, algebra: Algebra, tables: Sequence[Array], given: Sequence[Any], y: Array
) -> Array:
    """Return the result y of a program at tables and parameters, its overflowed lanes redone."""
    if not isinstance(y, np.ndarray) or y.dtype.kind not in "fc":
        return y
    ops = [i.op for i in program.code]
    op = ops[program.outputs[0]]
    power = isinstance(op, Integral) and op.row in ROOTS
    with np.errstate(all="ignore"):
        if np.isfinite(np.add.reduce(y, axis=None)) and not (power and _sunk(tables, y).any()):
            return y
    jumps = any(isinstance(op, Row) and op.row.jumps is not None for op in ops)
    if KINK in ops or jumps or any(isinstance(op, Call) for op in ops):
        return y
    numbers = [*tables, *given]
    if any(np.asarray(x).dtype.kind not in "fciub" for x in numbers):
        return y
    modulus = isinstance(op, Integral) and op.row is hypot
    lanes = _left(tables, y, power, modulus or (power and y.dtype.kind == "c"))
    if power and len(lanes) > LANES and len(tables) == 1:
        _rescale(program, algebra, tables[0], given, y, tuple(np.transpose(lanes[LANES:])))
    for lane in lanes[:LANES]:
        one = [np.broadcast_to(t, (len(t), *y.shape[1:]))[(slice(None), *lane)] for t in tables]
        constants = [np.broadcast_to(c, y.shape[1:])[lane] for c in given]
        redone = _redone(program, algebra, one, constants)
        if redone is not None:
            part = y[(slice(1, None), *lane)]
            with np.errstate(over="ignore"):  # in single precision
                part[...] = np.array(redone[1:]).astype(y.dtype)
    return y


def _rescale(
    program: Program, algebra: Algebra, x: Array, given: Sequence[Any], y: Array, lanes: Any
) -> None:
    """Write the coefficients of a root or a power at some lanes, from those at a value near one.

    They are y_0/v_0 times those of v = (x·2^-e)**r.
    """
    table = np.broadcast_to(x, (len(x), *y.shape[1:]))[(slice(None), *lanes)]
    exponent = np.frexp(abs(table[0]))[1]
    for half in (exponent // 2, exponent - exponent // 2):
        table = table * np.exp2(-half).astype(table.real.dtype)
    constants = [np.broadcast_to(c, y.shape[1:])[lanes] for c in given]
    sweep = Sweep(program, algebra, [table], constants)
    sweep.run()
    v = sweep.result(program.outputs[0])
    y[(slice(1, None), *lanes)] = v[1:] * (y[(0, *lanes)] / v[0])


def _left(tables: Sequence[Array], y: Array, power: bool, whole: bool) -> list[tuple[Any, ...]]:
    """Return the lanes in which the first coefficient that is no number is infinite.

    And, of a power, those in which products with its value leave the range; of what is `whole`,
    also those in which it is nan: where such a function has a value other than 0 it has a series.
    """
    finite = np.isfinite(y)
    first = np.argmin(finite, axis=0)
    start = np.take_along_axis(y, first[None], axis=0)[0]
    known = ~finite.all(0) & np.isinf(start) & ((first > 0) | power | np.isnan(y).any(0))
    if power:
        known |= _sunk(tables, y)
    if whole:
        known |= (first > 0) & (y[0] != 0)
    for t in tables:
        known &= np.isfinite(t).all(0)
    return list(zip(*np.nonzero(known), strict=True)) if y.ndim > 1 else [()] * bool(known)


def _sunk(tables: Sequence[Array], y: Array) -> Array:
    """Return the lanes where the value of a power, or products with it, have not all digits."""
    a, tiny = tables[0][0], np.finfo(y.dtype).smallest_normal
    with np.errstate(all="ignore"):
        sunk: Array = ((abs(y[0]) < tiny) | (abs(y[0] * a) < tiny * 2.0**20)) & (a != 0)
    return sunk


def _redone(
    program: Program, algebra: Algebra, tables: Sequence[Array], given: Sequence[Any]
) -> list[Any] | None:
    ctx = private(BITS)
    wide = []
    for t in tables:
        table = np.empty(t.shape, dtype=object)
        table[:] = [ctx.convert(c) for c in t.tolist()]
        wide.append(table)
    try:
        sweep = Sweep(program, algebra, wide, [ctx.convert(np.asarray(c).item()) for c in given])
        sweep.run()
        result = sweep.result(program.outputs[0])
    except (TaylorError, ArithmeticError, ValueError):
        return None
    return [complex(c) if isinstance(c, ctx.mpc) else float(c) for c in result]
