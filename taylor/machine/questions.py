"""Rules in machine code: what has none of its own asks Python for its results."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from taylor.core.applied import Call
from taylor.core.instructions import Const, Instruction, Shape
from taylor.core.table import Rule
from taylor.llvm.function import Function
from taylor.machine import lapack, transforms
from taylor.machine.emit import Symbol, Unsupported, asked, lifted
from taylor.machine.lapack import Factors
from taylor.numbers.kinds import is_operand

ASKING = "a step of a loop uses functions that only Python knows"


class Question:
    """A rule in a program whose code is being written: it asks Python, by its instruction."""

    def __init__(
        self, f: Function, code: Sequence[Instruction], i: int, factors: Factors | None, loop: bool
    ) -> None:
        call, args, self.shape = code[i]
        assert isinstance(call, Call)
        self.f, self.i, self.rule = f, i, call.rule
        self.factors, self.matrix, self.loop = factors, args[0], loop
        self.fixed = [isinstance(code[a].op, Const) for a in args]
        self.name, self.step = self.rule.name, self.rule.step
        self.complex_valued = self.rule.complex_valued

    def __call__(self, *x: Any) -> Any:
        if not any(map(is_operand, x)):
            return self.rule(*x)
        if self.factors is not None:
            lu = functools.partial(self.factors.of, self.f, self.matrix)
            found = transforms.written(self.f, self.rule, x[0])
            if found is None:
                found = lapack.written(self.f, self.rule, x, self.shape, lu)
            if found is not None:
                return found
        if self.loop:
            raise Unsupported(ASKING)
        made = True if self.complex_valued else None
        return asked(self.f, "call", self.i, self.args(x), self.shape, made)

    def args(self, x: Sequence[Any]) -> list[Symbol | None]:
        """Return the arguments as symbols, None for constants (which may be integers)."""
        return [
            None if fixed and not is_operand(v) else lifted(self.f, v)
            for fixed, v in zip(self.fixed, x, strict=True)
        ]


def is_written(rule: Rule, shape: Shape) -> bool:
    """Whether a rule and its derivatives need no Python, where its first argument has that shape.

    Of real matrices, and Fourier transforms of any numbers.
    """
    return lapack.is_written(rule, shape) or transforms.is_written(rule, shape)


def with_questions(
    f: Function, code: Sequence[Instruction], values: bool = False, loop: bool = False
) -> Sequence[Instruction]:
    """Return the code with rules that ask Python, or are written if only values are wanted.

    In the step of a loop there is nobody to ask.
    """
    factors = Factors(code) if values else None
    return [
        i._replace(op=Call(Question(f, code, n, factors, loop))) if isinstance(i.op, Call) else i  # type: ignore[arg-type]
        for n, i in enumerate(code)
    ]
