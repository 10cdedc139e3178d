"""Transformations of programs: forward and reverse differentiation, Program -> Program.

Both record what the rules of differentiation do to nodes, so that their results are programs like
any other: evaluate them in any number type, sweep them, transform them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from taylor.core.choices import SLOPES
from taylor.core.expand import moved, prune
from taylor.core.program import Program, evaluate
from taylor.core.rules import adjoints, full, tangents, values
from taylor.core.tape import Instruction, Node, Tape
from taylor.drivers.derivatives import jvp, vjp
from taylor.drivers.several import pack
from taylor.numbers.values import current_policy, is_operand


@dataclass
class Derived(Program):
    """The program of first derivatives of another one; at its ties the drivers decide."""

    origin: Program | None = None
    driver: str = "vjp"

    def results(self, v: list[Any], x: Sequence[Any]) -> list[Any]:
        """Return values and derivatives, given the arguments and the values of all instructions."""
        found, origin = super().results(v, x), self.origin
        strict = current_policy().kink == "error"
        if any(map(is_operand, (*x, *found))) or (strict and all(map(_finite, found))):
            return found
        if origin is None or not any(_is_tie(c, v) for c in self.code):
            return found
        count = len(origin.inputs)
        at, unpack = pack(x[:count])

        def joined(z: Any) -> Any:
            return pack(evaluate(origin, *unpack(z)))[0]

        values = found[: len(origin.outputs)]
        derive, back = (vjp, unpack) if self.driver == "vjp" else (jvp, pack(values)[1])
        return [*values, *back(derive(joined, at, pack(x[count:])[0])[1])]


def _is_tie(c: Instruction, v: list[Any]) -> bool:
    """Whether a choice between derivatives is one at a kink here."""
    return c.op == "choose" and c.param in SLOPES and bool(np.any(v[c.args[0]] == v[c.args[1]]))


def _finite(x: Any) -> bool:
    return bool(np.all(x - x == 0))


def forward(program: Program) -> Program:
    """Return the program of (x..., dx...) -> (y..., dy...), with tangents dy = J·dx.

    >>> import numpy as np
    >>> from taylor import record
    >>> y, dy = forward(record(lambda x: x**2, 3.0))(3.0, 1.0)
    >>> float(y), float(dy)
    (9.0, 6.0)
    """
    tape = Tape()
    x, dx = _inputs(tape, program, program.inputs), _inputs(tape, program, program.inputs, True)
    v = values(program.code, x)
    t = tangents(program.code, v, dx)
    dy = [full(t[i], program.code[i].shape, v[i]) for i in program.outputs]
    found = _finished(tape, program, v, [*(v[i] for i in program.outputs), *dy])
    return Derived(**vars(found), origin=program, driver="jvp")


def reverse(program: Program) -> Program:
    """Return the program of (x..., ȳ...) -> (y..., x̄...), with adjoints x̄ = Jᵀ·ȳ.

    Its operations are at most a few times those of the program, however many inputs there are
    (Griewank & Walther, Evaluating Derivatives, section 4.5).  Guards are carried over.

    >>> import numpy as np
    >>> from taylor import record
    >>> y, xbar = reverse(record(lambda x: x[0] * x[1], np.array([2.0, 5.0])))([2.0, 5.0], 1.0)
    >>> xbar
    array([5., 2.])
    """
    tape = Tape()
    x = _inputs(tape, program, program.inputs)
    bars = _inputs(tape, program, program.outputs, True)
    v = values(program.code, x)
    seeds: dict[int, Any] = {}
    for i, bar in zip(program.outputs, bars, strict=True):
        seeds[i] = seeds[i] + bar if i in seeds else bar
    found = adjoints(program.code, v, seeds)
    xbar = [full(b, n.shape, n) for b, n in zip(found, x, strict=True)]
    result = _finished(tape, program, v, [*(v[i] for i in program.outputs), *xbar])
    return Derived(**vars(result), origin=program, driver="vjp")


def products(
    program: Program, count: int, fixed: Sequence[Any], seeded: Sequence[int], read: Sequence[int]
) -> Program:
    """Return the program of (x..., s...) -> (J·s, 0): tangents along `count` directions at once.

    The last inputs of the program are `fixed`, x are the others; s has, for each input that is
    `seeded`, an array of shape (count, *shape).  Row i of the result holds the tangents along the
    directions s[i] of the outputs `read`, raveled, one after the other.  The second result is zero
    times all values that the program computes: nan where one of them is not finite.

    >>> import numpy as np
    >>> from taylor import record
    >>> program = record(lambda x: x[0] * x, np.array([2.0, 5.0]))
    >>> products(program, 2, (), (0,), (0,))([2.0, 5.0], np.eye(2))[0].T  # the Jacobian
    array([[4., 0.],
           [5., 2.]])
    """
    tape = Tape()
    x = _inputs(tape, program, program.inputs[: len(program.inputs) - len(fixed)])
    seeds = {}
    for j in seeded:
        shape = (count, *program.code[program.inputs[j]].shape)
        seeds[j] = tape.input(shape, np.ones(shape))
    v = values(program.code, [*x, *fixed])
    rows: list[Any] = []
    for i in range(count):
        dx = [seeds[j][i] if j in seeds else None for j in range(len(program.inputs))]
        t = tangents(program.code, v, dx)
        outputs = [program.outputs[j] for j in read]
        rows += [np.reshape(full(t[o], program.code[o].shape, v[o]), -1) for o in outputs]
    found = np.reshape(np.concatenate(rows), (count, -1))
    zero = sum(np.sum(0.0 * v[i]) for i in dict.fromkeys(program.outputs))
    return _finished(tape, program, v, [found, zero])


def _inputs(tape: Tape, program: Program, where: Sequence[int], ones: bool = False) -> list[Node]:
    """Return inputs with the shapes of those variables, at the point of the recording if known."""
    nodes = []
    for n, i in enumerate(where):
        shape = program.code[i].shape
        point: Any = None
        if program.point:
            point = np.ones(shape)[()] if ones else program.point[n]
        nodes.append(tape.input(shape, point))
    return nodes


def _finished(tape: Tape, program: Program, v: list[Any], outputs: list[Any]) -> Program:
    found = [tape.node(y).i for y in outputs]
    guards = [moved(g, lambda i: tape.node(v[i]).i) for g in program.guards]
    point = tuple(tape.values[i] for i in tape.inputs) if program.point else ()
    tape.tag.closed = True
    return prune(Program(tape.code, tape.inputs, found, guards, False, point))
