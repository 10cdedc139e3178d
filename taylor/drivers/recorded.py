"""A driver of a recorded function as a program of its own: what is compiled for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from taylor.core.calls import Row
from taylor.core.choices import choose
from taylor.core.conditions import Guard
from taylor.core.functions import CHOICES, log, log1p, log2, log10
from taylor.core.instructions import Add, Instruction, Scale, Shape
from taylor.core.loops import Loop
from taylor.core.maps import Reshape, Sum
from taylor.core.node import Node
from taylor.core.operand import is_complex
from taylor.core.program import Program, record
from taylor.core.rolled import LONG, merged, rolled
from taylor.core.table import Rule
from taylor.core.tape import Tape
from taylor.drivers.derivable import Derivable, outer
from taylor.drivers.derivatives import pushed
from taylor.drivers.driver import all_finite
from taylor.drivers.sided import Traced
from taylor.errors import TaylorError
from taylor.machine.questions import is_written
from taylor.numbers.kinds import is_operand
from taylor.numbers.policy import policy

LOGARITHMS = {log: 0, log2: 0, log10: 0, log1p: -1}  # above what each is finite


class _Recorded(Derivable):
    """A recorded function while one of its drivers is: notes what has to be finite besides.

    A derivative may be finite where the function has none: 1/x is, for log(x), at x < 0.
    """

    watches = True

    def __init__(self, program: Program, tape: Tape, shares: Any) -> None:
        self.program, self.tape = program, tape
        self.traced = None if shares is None else Traced(tape, shares)
        self.seen: dict[int, Any] = {}
        self.guards: dict[Any, Guard] = {}

    def trace(self, x: Sequence[Any]) -> list[Any]:
        """Return the value of every instruction at x."""
        v = self.program.trace(x) if self.traced is None else self.traced(self.program, x)
        for n, guard in enumerate(self.program.guards):
            new = guard.moved(lambda i: self.tape.node(outer(v[i], self.tape)).i)
            self.guards[n, new.a, new.b] = new
        self.note([v[i] for i in self.program.outputs])
        for op, args, shape in self.program.code:
            if shape == () and type(op) is Row and op.row in CHOICES:
                self.note([v[a] for a in args])  # a number has no series beside what is infinite
        return v

    def __call__(self, *x: Any) -> Any:
        v = self.trace(x)
        y = [v[i] for i in self.program.outputs]
        return y[0] if self.program.single else y

    def derived(self, driver: Callable[..., Any], x: Sequence[Any]) -> Any:
        """Return driver(self, *x), a part of the driver that is recorded."""
        y = driver(self, *x)
        self.note(y)
        return y

    def along(self, x: Any, v: Any, order: int) -> Any:
        """Return value and tangent of first order, which take fewer instructions than series."""
        if order != 1 or not isinstance(x, Node):
            return NotImplemented
        found = pushed(self, x, v)
        return found if all(all_finite(y) for y in found) else NotImplemented

    def note(self, y: Any) -> None:
        """Note a value as a node of the recording."""
        for v in y if isinstance(y, (tuple, list)) else (y,):
            v = outer(v, self.tape)
            if is_operand(v):
                self.seen[v.i] = v

    def zero(self, results: Sequence[Any]) -> list[Any]:
        """Return zero times all values noted, without those that are results: nan if one is."""
        rest = [v for i, v in self.seen.items() if all(i != y.i for y in results)]
        terms = list(self._terms(rest))
        return [sum(np.sum(0.0 * v) for v in terms)] if terms else []

    def _terms(self, rest: list[Node]) -> Iterator[Node]:
        """Yield what is finite where these are: instead of a sum of logarithms, say, their x."""
        stack, known = rest[::-1], set()
        while stack:
            y = stack.pop()
            if y.i in known:
                continue
            known.add(y.i)
            op, args, _ = self.tape.code[y.i]
            scaled = isinstance(op, Scale) and type(op.c) in (int, float) and math.isfinite(op.c)
            if (scaled or isinstance(op, (Sum, Add, Reshape))) and not is_complex(y):
                stack += [self.tape.at(a) for a in reversed(args)]
            elif isinstance(op, Row) and op.row in LOGARITHMS and not is_complex(y):
                (x,) = (self.tape.at(a) for a in args)
                yield choose(LOGARITHMS[op.row], x, math.nan, x, "where")
            else:
                yield y


def derived(
    program: Program,
    driver: Callable[..., Any],
    x: Sequence[Any],
    shares: Any = None,
    below: Sequence[Callable[..., Any]] = (),
) -> tuple[Program, int]:
    """Return the program of driver(f, *x) for f recorded at x[0], and how many results it has.

    Of a result that is no tuple there are none.  One more is nan where the result has no meaning.
    With shares of ties (`sided`) these are one more input.  Results of other drivers of f follow.
    """
    count = 0

    def run(*x: Any) -> list[Any]:
        nonlocal count
        at, share = (x[:-1], x[-1]) if shares is not None else (x, None)
        tape: Tape = x[0].tape
        tape.resumed = True
        loops = [type(i.op) is Loop for i in program.code]
        # decisions are checked at the values, and loops may divide by what others give
        tape.exact = bool(program.guards) or sum(loops) > 1
        f = _Recorded(program, tape, share)
        y = driver(f, *at)
        tape.guards += f.guards.values()
        results = [tape.node(e) for e in (y if isinstance(y, tuple) else [y])]
        count = len(results) if isinstance(y, tuple) else 0
        results += [tape.node(lower(f, *at[: len(program.inputs)])) for lower in below]
        return [*results, *f.zero(results)]

    with policy():
        recorded = record(run, *x, *([] if shares is None else [shares]))
    return merged(recorded.pruned()), count


def short(program: Program, kind: str) -> Program:
    """Return the program with equal loops made one, and loops that are written out rolled up.

    Of many points each takes all its steps alone.  Of rules of arrays a loop has machine code at
    numbers, and none at series.  Tensors are made of coefficients that are not zero, of steps one
    by one; Hessians have zeros where these differ.
    """
    if any(type(i.op) is Loop for i in program.code):
        program = merged(program.pruned())
    if kind == "points" or (kind == "tensor" and len(program) < LONG):
        return program
    return rolled(program, _never if kind == "series" else is_written, kind != "hessian")


def _never(rule: Rule, shape: Shape) -> bool:
    return False


def one_point(program: Program) -> Program:
    """Return the program of one point of an element-wise function, recorded at two."""
    shape = max((program.code[i].shape for i in program.inputs), key=len)
    if len(program.outputs) != 1:
        raise TaylorError("the function has several results")
    code = []
    for op, args, own in program.code:
        if own not in ((), shape) or not (op.by_element or op.arity == 0):
            raise TaylorError("the function is not element-wise")
        if np.ndim(op.constant):
            raise TaylorError("the function has a constant for each point")
        code.append(Instruction(op, args, ()))
    guards = []
    for guard in program.guards:
        outcome = np.unique(guard.outcome)
        if len(outcome) != 1 or guard.b < 0:
            raise TaylorError("the function branches on some of the points")
        guards.append(guard._replace(outcome=outcome[0]))
    return Program(code, program.inputs, program.outputs, guards, program.single)
