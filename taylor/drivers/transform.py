"""Transformations of programs: forward and reverse differentiation, Program -> Program.

Both record what the rules of differentiation do to nodes, so that their results are programs like
any other: evaluate them in any number type, sweep them, transform them again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from taylor.core.choices import SLOPES
from taylor.core.instructions import Instruction, full
from taylor.core.node import Node
from taylor.core.program import Program, of_program
from taylor.core.rules import adjoints, tangents, values
from taylor.core.sides import Choose
from taylor.core.tape import Tape
from taylor.drivers.derivatives import jvp, vjp
from taylor.drivers.trees import as_one
from taylor.numbers.kinds import is_operand
from taylor.numbers.policy import current_policy


@dataclass(repr=False)
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
        at, unpack = as_one(x[:count])

        def joined(z: Any) -> Any:
            return as_one(origin.evaluate(*unpack(z)))[0]

        values = found[: len(origin.outputs)]
        derive, back = (vjp, unpack) if self.driver == "vjp" else (jvp, as_one(values)[1])
        return [*values, *back(derive(joined, at, as_one(x[count:])[0])[1])]


def _is_tie(c: Instruction, v: list[Any]) -> bool:
    """Whether a choice between derivatives is one at a kink here."""
    slope = isinstance(c.op, Choose) and c.op.mode in SLOPES
    return slope and bool(np.any(v[c.args[0]] == v[c.args[1]]))


def _finite(x: Any) -> bool:
    return bool(np.all(x - x == 0))


def _apart(names: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """Return names and more, with a prime to those that are taken."""
    for name in more:
        while name in names:
            name += "'"
        names = (*names, name)
    return names


def forward(program: Program) -> Program:
    """Return the program of (x..., dx...) -> (y..., dy...), with tangents dy = J·dx.

    >>> import numpy as np
    >>> from taylor import record
    >>> y, dy = forward(record(lambda x: x**2, 3.0))(3.0, 1.0)
    >>> float(y), float(dy)
    (9.0, 6.0)
    """

    def along(x: list[Node], v: list[Any], dx: list[Node]) -> list[Any]:
        t = tangents(program.code, v, dx)
        return [full(t[i], program.code[i].shape, v[i]) for i in program.outputs]

    names = tuple(f"d{name}" for name in of_program(program).names)
    return _derived(program, program.inputs, "jvp", along, names)


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

    def back(x: list[Node], v: list[Any], bars: list[Node]) -> list[Any]:
        seeds: dict[int, Any] = {}
        for i, bar in zip(program.outputs, bars, strict=True):
            seeds[i] = seeds[i] + bar if i in seeds else bar
        found = adjoints(program.code, v, seeds)
        return [full(b, n.shape, n) for b, n in zip(found, x, strict=True)]

    count = len(of_program(program).outputs)
    names = ("ȳ",) if program.single else tuple(f"ȳ{j}" for j in range(count))
    return _derived(program, program.outputs, "vjp", back, names)


def _derived(
    program: Program,
    seeded: Sequence[int],
    driver: str,
    derive: Callable[..., list[Any]],
    names: tuple[str, ...],
) -> Program:
    """Return the program of (x..., seeds...) -> (y..., derivatives...), at the program's point.

    `names` are those of the seeds.
    """
    tape, known = Tape(), bool(program.point)
    shapes = [[program.code[i].shape for i in where] for where in (program.inputs, seeded)]
    at = program.point or [None] * len(program.inputs)
    x = [tape.input(shape, point) for shape, point in zip(shapes[0], at, strict=True)]
    seeds = [tape.input(shape, np.ones(shape)[()] if known else None) for shape in shapes[1]]
    v = values(program.code, x)
    results = [*(v[i] for i in program.outputs), *derive(x, v, seeds)]
    found = [tape.node(y).i for y in results]
    guards = [g.moved(lambda i: tape.node(v[i]).i) for g in program.guards]
    point = tuple(tape.values[i] for i in tape.inputs) if known else ()
    tape.tag.closed = True
    made = Program(tape.code, tape.inputs, found, guards, False, point).pruned()
    if program.names:
        made.names = _apart(program.names, names)
    return Derived(**vars(made), origin=program, driver=driver)
