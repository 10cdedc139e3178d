"""Exponentials of a program: whose arguments they are, and what they are where they overflow.

Of exp(a(t)) a series of order p shows no more than its terms up to a^p/p!: where a moves by x > p,
the largest of them is smaller than e^x.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from taylor.core.calls import Row
from taylor.core.instructions import Add, Div, Input, Mul, Scale
from taylor.core.maps import Map
from taylor.core.program import Program, check
from taylor.core.rules import numbers

MOVES = 1.5  # how far an exponent may move, times the order
NOTHING = 300.0  # e^-300 is


class Exponent(NamedTuple):
    """A variable of which some row is as large as exp(±scale·|a|**power)."""

    variable: int
    scale: float
    power: int

    def room(self, size: Any, order: int, larger: Callable[[Any, float], Any]) -> Any:
        """Return how far it may move from a value of that absolute size.

        That is 3p/2 in the exponent, or to where its exponential is no longer nothing.
        """
        s, most = self.scale ** (1 / self.power), MOVES * order
        if self.power == 1:
            return larger(size - NOTHING / s, most / s)
        near = most / 2 / s**2 / (size + math.sqrt(most / 2) / s)  # (a + x)² - a² <= most
        return near + larger(size - math.sqrt(NOTHING) / s - near, 0.0)


def exponents(program: Program) -> list[Exponent]:
    """Return the variables of an expanded program whose exponentials it takes.

    >>> from taylor.core.program import expand, record
    >>> [(e.scale, e.power) for e in exponents(expand(record(lambda x: np.exp(-2 * x), 1.0)))]
    [(1.0, 1)]
    """
    found: dict[Exponent, None] = {}
    for op, args, _ in program.code:
        if isinstance(op, Row) and op.row.steep is not None:
            base, *more = op.made_of(args)
            scale, power = op.row.steep
            if more:  # base**a
                base, c = more[0], program.code[base].op.constant
                scale = scale if c is None else float(np.max(abs(np.log(np.asarray(c, float)))))
            if scale:
                found[Exponent(base, scale, power)] = None
    return list(found)


def added(program: Program) -> float:
    """Return the largest number that an expanded program adds to functions, by which it cancels.

    As in 1 + tanh(x), whose value has the rounding errors of 1 however small it is; 0 for none.

    >>> from taylor.core.program import expand, record
    >>> added(expand(record(lambda x: 0.5 * (1 - np.tanh(x)), 1.0)))
    0.5
    """
    most, seen, waiting = 0.0, dict[int, float](), [(i, 1.0) for i in program.outputs]
    while waiting:
        i, factor = waiting.pop()
        if factor <= seen.get(i, 0.0):
            continue
        seen[i], (op, args, _) = factor, program.code[i]
        if isinstance(op, Scale):
            factor = factor * _size(op.c)
        elif isinstance(op, Add):
            numbers = [_size(c) for a in args if (c := program.code[a].op.constant) is not None]
            most = max(most, *(factor * c for c in numbers), 0.0)
        elif isinstance(op, Div):
            args = args[:1]
        elif not isinstance(op, (Mul, Map)):
            continue
        waiting += [(a, factor) for a in args]
    return most


def _size(c: Any) -> float:
    """Return the largest absolute value of plain numbers; 0 of others."""
    x = np.abs(np.asarray(c if isinstance(c, (int, float, complex, np.ndarray)) else 0))
    return float(np.max(x, initial=0.0)) if x.dtype.kind in "iufb" else 0.0


def with_exponents(program: Program) -> Program:
    """Return the program with its exponents as further outputs."""
    outputs = [*program.outputs, *(a.variable for a in exponents(program))]
    return Program(program.code, program.inputs, outputs, program.guards, single=False)


def saturated(
    program: Program, values: Sequence[Any], least: float, rates: bool = True
) -> Callable[..., Any] | None:
    """Return the function of a program in which large exponentials stay at e^300.

    Those are whose values, among those of its instructions, are `least` or larger; None if there
    is none.  (Coefficients of what overflows are lost, not those of 1/(1 + exp(a)), which are 0.)
    A result of that size is infinite, if results are `rates`: of others the signs count.
    """
    over = set()
    for i, (op, _, _) in enumerate(program.code):
        real = isinstance(op, Row) and op.row.overflows and not np.iscomplexobj(values[i])
        if real and np.any(np.abs(values[i]) >= least):
            over.add(i)
    if not over:
        return None

    def f(*x: Any) -> Any:
        number, v = numbers(x), list[Any]()
        for i, (op, args, _) in enumerate(program.code):
            a = [v[j] for j in args]
            if i in over and isinstance(op, Row) and op.row.steep is not None:
                end = NOTHING / op.row.steep[0]
                a = [_within(a[0], end, end)]
            v.append(x[op.n] if isinstance(op, Input) else op.value(a, number))
        check(program.guards, v.__getitem__)
        found = [v[i] for i in program.outputs]
        if rates:
            found = [_within(y, math.exp(NOTHING / 2), math.inf) for y in found]
        return found[0] if program.single else found

    return f


def _within(a: Any, end: float, beyond: float) -> Any:
    """Return a, and ±beyond for what is larger than an end."""
    return np.where(a >= end, beyond, np.where(-end >= a, -beyond, a))
