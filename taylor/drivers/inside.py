"""Gradients inside of a function that code is made for by itself: known again with it.

While the function is compared with what was recorded of it (`core.repeat`), so is what a gradient
in it records.  If that is the same, its reverse sweep would make the same instructions, too, and
its results are known; unless the sweep looks at values: at ties of choices, at powers that vanish
or overflow, and at what is not finite.  Then it runs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from taylor.core.calls import Row
from taylor.core.einsum import Products
from taylor.core.functions import power, real_power
from taylor.core.instructions import Arithmetic, Const, Input, Instruction, Scale, Shape
from taylor.core.maps import Map
from taylor.core.node import Node
from taylor.core.program import Program
from taylor.core.repeat import AROUND, Repeatable, Repeating, same
from taylor.core.sides import Choose
from taylor.core.tape import Tape
from taylor.drivers import ties
from taylor.drivers.driver import all_finite
from taylor.numbers.kinds import is_operand
from taylor.numbers.policy import Policy, current_policy
from taylor.numbers.values import is_native

POWERS = power, real_power
STEADY = (Input, Const, Arithmetic, Scale, Products, Row, Choose, Map)
TINY = np.finfo(float).tiny


class Known(NamedTuple):
    """A gradient inside of a recorded function."""

    x: Any  # where: numbers, or the instruction outside that is the point
    policy: Policy
    function: Repeatable
    outers: list[tuple[int, int]]  # which of its constants are which instructions outside
    values: list[Any]  # of its instructions: nodes outside, or numbers
    results: tuple[int, int]  # which instructions outside its value and the gradient are

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        return int(self.function.weight + sum(getattr(v, "nbytes", 0) for v in self.values))

    def is_at(self, x: Any) -> bool:
        """Whether a gradient is at the same point, in the same mode."""
        here = _place(x)
        there = self.x == here if type(here) is type(self.x) is int else same(self.x, here)
        return there and current_policy() == self.policy

    def is_steady(self, around: Tape) -> bool:
        """Whether the sweep looks at no value, at those that the instructions outside have now."""
        around.value_of(max(self.results))  # and all before it
        v = [around.value_of(y.i) if type(y) is Node else y for y in self.values]
        code = self.function.program.code
        powers = [n for n, c in enumerate(code) if type(c.op) is Row and c.op.row in POWERS]
        return (
            all(all_finite(around.value_of(i)) for i in self.results)
            and not ties.any_tied(code, v)
            and all(_is_normal(v[n]) and _is_normal(v[code[n].args[0]]) for n in powers)
        )


def _place(x: Any) -> Any:
    return x.i if is_operand(x) else np.asarray(x)


def _is_normal(x: Any) -> bool:
    size = np.abs(x)
    return bool(np.all((size >= TINY) & (size < np.inf)))


class Inside:
    """A gradient at x inside of a function that is being recorded or compared."""

    def __init__(self, around: Tape, x: Any) -> None:
        self.around, self.x, self.n = around, x, len(around.inside)
        around.inside.append(None)
        self.tape, self.guards = Tape(), 0
        if isinstance(around, Repeating) and not around.departed:
            known = around.known.inside[self.n : self.n + 1]
            if known and known[0] is not None and known[0].is_at(x):
                self.tape = Within(around, known[0], x)

    def answer(self, out: int) -> tuple[Any, Any] | None:
        """Return value and gradient if they are known; else its tape is that of a recording."""
        tape, around = self.tape, self.around
        self.guards = len(around.guards)
        if not isinstance(tape, Within):
            return None
        if tape.is_known(out):
            around.inside[self.n] = known = tape.gradient
            value, slope = map(tape.around.reached, known.results)
            return value, slope
        tape.depart()
        return None

    def kept(self, out: int, results: tuple[Any, Any]) -> tuple[Any, Any]:
        """Return value and gradient, and keep what was recorded if nothing else counts."""
        tape, around = self.tape, self.around
        decided = tape.read or current_policy().kink != "error" or len(around.guards) > self.guards
        if decided or not all(isinstance(c.op, STEADY) for c in tape.code):
            return results
        if not all(_is_own(y, around) and _is_in_order(y) for y in results):
            return results
        if not all(_is_own(v, around) or (is_native(v) and np.isrealobj(v)) for v in tape.values):
            return results
        values = [Node(around, v.i) if is_operand(v) else v for v in tape.values]
        outers = [
            (n, c.op.constant.i) for n, c in enumerate(tape.code) if is_operand(c.op.constant)
        ]
        program = Program(tape.code, tape.inputs, [out], tape.guards)
        function = Repeatable(program, tape)
        x, (value, slope) = _place(self.x), [y.i for y in results]
        known = Known(x, current_policy(), function, outers, values, (value, slope))
        if known.is_steady(around):
            around.inside[self.n] = known
        return Node(around, value), Node(around, slope)  # as they will be when they are known


def _is_own(y: Any, tape: Tape) -> bool:
    return type(y) is Node and y.tape is tape


def _is_in_order(y: Node) -> bool:
    """Whether the elements of a node lie in C order, as those of an instruction."""
    return y._where is None or bool(y._where.flags.c_contiguous)


class Within(Repeating):
    """The tape of a known gradient inside of a function that is compared."""

    def __init__(self, around: Repeating, gradient: Known, x: Any) -> None:
        super().__init__(gradient.function, [x])
        self.around, self.gradient, self.compiled = around, gradient, False
        self.met = 0  # values from outside so far

    def input(self, shape: Shape, value: Any = None) -> Node:
        return Node(self, self.inputs[0])

    def depart(self) -> None:
        if not self.departed:
            super().depart()
            self.native = all(map(is_native, self.values))

    def foretold(self, op: str, a: int, b: int) -> Any:
        return None  # the tape around tells it, and keeps a guard

    def _outer(self, c: Any) -> Node:
        if not self.departed:
            known = self.outers.get(id(c))
            if known is not None and c._unchanged(known[1]):
                return Node(self, known[2])
            n, i = [*self.gradient.outers, (-1, -1)][self.met]
            if _is_own(c, self.around) and c.i == i:
                held = c.copy()
                self.met += 1
                self.outers[id(c)] = c, held, n
                self.code[n] = Instruction(Const(held), (), held.shape)
                return self.reached(n)
        return super()._outer(c)

    def is_known(self, out: int) -> bool:
        """Whether the gradient with that result is the known one, and nothing else counts."""
        function = self.gradient.function
        compared = not (self.departed or self.around.departed or self.read)
        same = compared and [out] == function.program.outputs and function.decides_as(self.guards)
        return same and self.gradient.is_steady(self.around)


def begun(x: Any) -> Inside | None:
    """Return a gradient at x as one inside of the function around; None if none is compared."""
    around = AROUND.get()
    if around is None or (is_operand(x) and not _is_own(x, around)):
        return None
    return Inside(around, x)
