"""Recorded functions whose results have the types that the function itself gives them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from taylor.core import program as core
from taylor.core.memory import fresh
from taylor.core.program import Program
from taylor.drivers import forms
from taylor.drivers.trees import LEAF, build
from taylor.numbers.kinds import content, is_operand


@dataclass(repr=False)
class TypedProgram(Program):
    """A program with masks, counts or positions among its results; `forms` says which are what."""

    forms: Sequence[Any] = ()

    def __call__(self, *x: Any) -> Any:
        """Return the value at x: of plain numbers in the types of the recorded function."""
        each = zip(self.evaluate(*x), self.forms, strict=True)
        y = [v if is_operand(v) else build(form, iter([v])) for v, form in each]
        return y[0] if self.single else y


def record(f: Callable[..., Any], *x: Any) -> Program:
    """Return the program of f at the point x: numbers or arrays, one per argument of f.

    A result that is a mask or whole numbers is so of the program, too.

    >>> import numpy as np
    >>> p = record(lambda x: np.sum(np.sin(x) ** 2), np.array([1.0, 2.0]))
    >>> float(p(np.array([0.0, np.pi / 2])))
    1.0
    >>> record(lambda x: x > 1.0, np.array([1.0, 2.0]))([3.0, 0.0])
    array([ True, False])
    """
    program = core.record(f, *x)
    may = forms.untold(program)
    if not any(may):
        return program
    with np.errstate(all="ignore"):
        y = f(*map(fresh, x))
    each = zip(may, [y] if program.single else y, strict=True)
    types = [forms.type_of(other, content(v)) if other else LEAF for other, v in each]
    given = {field.name: getattr(program, field.name) for field in fields(program)}
    return program if all(t is LEAF for t in types) else TypedProgram(**given, forms=types)
