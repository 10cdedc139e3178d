"""The code of functions that are differentiated often: see `often`.

A function is recorded at two calls; if that gives one program, the driver of this program is
compiled.  From then on each call runs the code, and the function beside it, step by step compared
with the program and computing nothing (`core.repeat`): a result is given only if the function would
be recorded just so here and now.  Where it does anything else what it has done is a recording, and
the ordinary way takes that in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from taylor.core.program import Program
from taylor.core.repeat import Repeatable, recorded
from taylor.drivers import trees
from taylor.drivers.compile import Compiled
from taylor.drivers.recorded import short

Function = Callable[..., Any]
T = TypeVar("T")
FAILED = "failed"
Ask = Callable[[Compiled], Any]  # what a driver asks of the code of a function
PROGRAMS = 4  # of one function and of arguments of the same shapes
LONGEST = 1 << 14  # instructions of a program
LARGEST = 1 << 22  # bytes of a program


class Fixed(Compiled):
    """A recorded program as machine code: of its own branches only."""

    def __init__(self, program: Program, identity: Any) -> None:
        super().__init__(program.__call__)
        self.program, self.identity = program, identity

    def recorded(self, kind: str, x: Sequence[Any], most: float) -> tuple[Program, Any]:
        return short(self.program, kind), trees.LEAF

    def due(self, where: Any) -> bool:
        return not self.machines.get(where) and super().due(where)

    def never(self, where: Any, error: Exception) -> None:
        super().never(where, error)
        self.reasons[where] = str(error)


class Known:
    """What is known of a function at arguments of the same shapes."""

    def __init__(self) -> None:
        self.programs: list[tuple[Repeatable, Fixed]] = []
        self.last: Any = None  # the identity of the last recording
        self.rest = 0  # calls for which nothing is tried
        self.wait = 0  # how many these are after the next failure

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        return sum(program.weight for program, _ in self.programs)

    def answer(self, f: Function, at: Sequence[Any], ask: Ask) -> tuple[Any, Function]:
        """Return what the code of f gives, if f is what the code was made of; or NotImplemented.

        And f, or if it was recorded meanwhile, its program: f runs once.
        """
        if self.rest:
            self.rest -= 1
            return NotImplemented, f
        at = [np.array(x)[()] for x in at]
        recording = None
        for pair in self.programs:
            found = ask(pair[1])  # first: the decisions of the program hold here, then
            if found is NotImplemented and pair[1].waiting:
                return NotImplemented, f  # its code takes long to make
            if found is not NotImplemented:
                recording = attempt(pair[0].by, f, at)
                if recording is None:
                    self.wait, self.programs = 0, _first(pair, self.programs)
                    return found, f
                break
        return self._recorded(f, at, ask, recording)

    def _recorded(
        self, f: Function, at: Sequence[Any], ask: Ask, recording: Any
    ) -> tuple[Any, Function]:
        """Return what the code of a recording gives, if it is known or like the last one."""
        if recording is None:
            recording = attempt(recorded, f, at, LONGEST)
        self.rest, self.wait = self.wait, 2 * self.wait or 1
        if recording is FAILED:
            return NotImplemented, f
        program = recording.program.pruned()
        before, self.last = self.last, program.identity
        for pair in self.programs:
            if pair[1].identity == self.last:
                return ask(pair[1]), program
        known = recording.compared() if before == self.last else None
        if known is None or known.weight > LARGEST:
            return NotImplemented, program
        code = Fixed(known.program, self.last)
        self.programs = [(known, code), *self.programs[: PROGRAMS - 1]]
        self.rest = 0
        return ask(code), program


def attempt(record: Callable[..., T], *args: Any) -> T | str:
    """Return a recording, or FAILED: the ordinary way calls f again, and may raise it, too."""
    try:
        return record(*args)
    except Exception:
        return FAILED


def _first(x: T, among: list[T]) -> list[T]:
    return among if x is among[0] else [x, *(y for y in among if y is not x)]
