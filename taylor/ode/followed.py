"""Steps on which exponents are followed: a series does not show what they do beyond.

What a pulse exp(-t²) brings to y is not in the coefficients of y where it begins, as the largest
term of its series is far smaller there than its value later; and below e^-745 it is 0 with all of
them.  So in a step of order p

    Σ |a_k| h^k <= max(3p/2, |a_0| - 300),        k > 0,

for every exponential exp(a) of fun, and likewise for functions that fall as exp(-a²).  The sum is
convex in h and zero at 0: it is at most half if h is.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.exponents import NOTHING, Exponent, added, exponents
from taylor.core.program import Program
from taylor.llvm.function import Function
from taylor.llvm.ir import Index
from taylor.llvm.registers import Scalar
from taylor.machine.series import Emission
from taylor.machine.tables import Table
from taylor.ode.control import NONE, finite
from taylor.ode.pieces import along, joined
from taylor.ode.registers import exp2, log2
from taylor.ode.roots import value
from taylor.ode.system import System, moving

Array = NDArray[Any]
DEGREE = 8  # of series of exponents that are functions of time alone


class Least(NamedTuple):
    """Log2 of the least size of a state to which errors of steps are relative, and of the size of
    its rate, as the terms of fun have these sizes.

    Both only where fun takes exponentials: its value may be far smaller for long, then is not.
    """

    state: float
    rate: float


def least(program: Program | None) -> Least:
    """Return to which sizes errors of steps are relative."""
    if program is None or not exponents(program):
        return Least(NONE, 2 * NONE)
    terms = added(program)
    return Least(-NOTHING / math.log(2), math.log2(terms) if terms else 2 * NONE)


def followed(
    f: Function,
    sweep: Emission,
    h: Scalar,
    longest: Scalar,
    order: int,
    largest: Callable[..., Scalar],
) -> Scalar:
    """Return h > 0, or how much of it and the longest step exponents of a program are followed.

    `largest` gives the largest of a function of so many elements.
    """
    found = [a for a in exponents(sweep.program) if sweep.height[a.variable]]
    if not found:
        return h

    def most(step: Scalar) -> Scalar:
        """Return how far they move in a step, as a part of how far they may."""

        def moved(i: Index, width: int, a: Exponent, table: Table) -> Scalar:
            size, change = sizes(f, table, sweep.height[a.variable], step, i, width)
            part: Scalar = change / a.room(size, order, lambda x, y: x.most(y))
            return part

        return over(moved, 0.0)

    def rate(i: Index, width: int, a: Exponent, table: Table) -> Scalar:
        """Return -log2 of the step in which one of the terms moves it so far."""
        room = a.room(size_of(f, table, 0, i, width), order, lambda x, y: x.most(y))
        rates = [
            log2(size_of(f, table, k, i, width) / room) * (1.0 / k)
            for k in range(1, sweep.height[a.variable] + 1)
        ]
        return rates[0].most(*rates[1:])

    def over(of: Callable[..., Scalar], outside: float) -> Scalar:
        tables = [(a, sweep.table[a.variable]) for a in found]
        first, *more = [
            largest(f, math.prod(x.part_shape), lambda *e, a=a, x=x: of(*e, a, x), outside)
            for a, x in tables
        ]
        return first.most(*more)

    def shorter(step: Scalar) -> Scalar:
        step = step.least(exp2(-over(rate, -2000.0)))
        return step / most(step).most(1.0)

    step = h.least(longest)
    if f.unit > 1:
        return (most(step) > 1.0).where(shorter(step), h)
    with f.when(most(step) > 1.0) as rare:
        other = shorter(step)
    followed: Scalar = rare.merged(other, h)
    return followed


def size_of(f: Function, table: Table, k: int, i: Index, width: int) -> Scalar:
    """Return the sizes of coefficients of degree k."""
    start = table.offset + k * table.size_of_part
    planes = [0, table.room] if table.complex else [0]
    first, *more = [abs(f.load(f.address("%data", [(i, 1)], start + p), width)) for p in planes]
    return functools.reduce(lambda a, b: a + b, more, first)


def sizes(
    f: Function, table: Table, top: int, h: Scalar, i: Index, width: int
) -> tuple[Scalar, Scalar]:
    """Return |p_0| and Σ |p_k| h^k, k > 0, of elements of a table up to degree `top`."""
    square, halves = h * h, []
    for first in (top, top - 1):  # odd and even powers apart
        total = size_of(f, table, first, i, width) if first > 0 else f.constant(0.0, width)
        for k in range(first - 2, 0, -2):
            total = total.fma(square, size_of(f, table, k, i, width))
        halves.append(total)
    odd, even = halves if top % 2 else halves[::-1]
    return size_of(f, table, 0, i, width), even.fma(h, odd) * h


def within(tables: Sequence[tuple[Exponent, Array]], h: Any) -> Any:
    """Return h > 0, or the part of it on which exponents are followed that have these series."""
    given = [(a, _doubles(abs(c)), len(c)) for a, c in tables]
    step = float(h)
    with np.errstate(all="ignore"):
        rooms = [a.room(c[0], order, np.maximum) for a, c, order in given]
        for (_, c, _), room in zip(given, rooms, strict=True):
            for k, x in enumerate(c[1:], 1):
                step = min(step, np.min((room / x) ** (1 / k), initial=step, where=x > 0))
        most = 1.0
        for (_, c, _), room in zip(given, rooms, strict=True):
            moved = value(c[1:], step) * step / room if len(c) > 1 else 0 * room
            most = max(most, np.max(moved, initial=1.0, where=moved == moved))
    return step / most if step < h or most > 1 else h


def _doubles(x: Array) -> Array:
    """Return numbers of any kind as doubles, intervals by their upper ends."""
    if x.dtype != object:
        return x
    return np.array([float(getattr(e, "b", e)) for e in x.reshape(-1)]).reshape(x.shape)


# ------------------------------------------------------------------ of time alone
class Clocks:
    """The exponents of a system that are functions of time alone.

    Those of y have coefficients of whatever stiff components y has: they say nothing of a method
    for stiff problems, whose steps y itself bounds.
    """

    def __init__(self, system: System) -> None:
        program = system.program
        of_y = moving(program, program.inputs[1:2]) if program else set[int]()
        self.exponents = [a for a in system.exponents if a.variable not in of_y]
        if program is not None and self.exponents:
            outputs = [a.variable for a in self.exponents]
            self.program = replace(program, outputs=outputs, guards=[], single=False).pruned()
        self.still = np.zeros((DEGREE + 1, *system.shape))

    def room(self, t: Any, parameters: Sequence[Any], h: Any, order: int) -> float:
        """Return how far steps of an order may go from t on, |h| at most, to follow them."""
        if not self.exponents or not h:
            return float(abs(h))
        tables = along(self.program, joined([(t, 0 * t, np.sign(h), self.still)]), parameters)
        series = [table[0] for table in tables]
        if not all(map(finite, series)):
            return float(abs(h))
        given = [(a, c[: order + 1]) for a, c in zip(self.exponents, series, strict=True)]
        return float(within(given, abs(h)))
