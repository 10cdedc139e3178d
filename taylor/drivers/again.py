"""The code of functions that are differentiated often: see `often`.

A function is recorded at two calls; if that gives one program, code of the driver of this program
is looked for on disk, and made where the driver has been asked for often enough.  From then on each
call runs the code, and the function beside it, step by step compared with the program and computing
nothing (`core.repeat`): a result is given only if the function would be recorded just so here and
now.  Where it does anything else what it has done is a recording, and the ordinary way takes that
in its place.  Code is made for another program of the function after as many calls again, or twice
as many if the code made last was of little use.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from taylor.core.program import Program
from taylor.core.repeat import Repeatable, recorded
from taylor.drivers import patience, trees
from taylor.drivers.compile import Compiled
from taylor.drivers.often import KEPT
from taylor.drivers.recorded import short

Function = Callable[..., Any]
T = TypeVar("T")
FAILED = "failed"
Ask = Callable[[Compiled], Any]  # what a driver asks of the code of a function
PROGRAMS = 4  # of one function and of arguments of the same shapes
REFUSED = 3  # recordings that cannot be compared, after which none is made any more
WAIT = 256  # calls for which nothing is tried after many failures
LONGEST = 1 << 14  # instructions of a program
LARGEST = 1 << 24  # bytes of a program
HEAVY = KEPT.room // 8  # bytes of programs and their code; what is heavier is not kept


class Fixed(Compiled):
    """A recorded program as machine code: of its own branches only."""

    worth = 0.0  # what f takes beside it is far more

    def __init__(self, program: Program, identity: Any, least: int, past: int = 0) -> None:
        super().__init__(program.__call__)
        self.program, self.identity = program, identity
        self.least, self.past = least, past  # calls, and how many were before, if that matters

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        return sum(machine.weight for each in list(self.machines.values()) for machine in each)

    def recorded(self, kind: str, x: Sequence[Any], most: float) -> tuple[Program, Any]:
        return short(self.program, kind), trees.LEAF

    def due(self, where: Any) -> bool:
        return not self.machines.get(where) and super().due(where)

    def needed(self, kind: str, form: Any, program: Program, more: int) -> int:
        needed = super().needed(kind, form, program, more)
        if not self.past:
            return max(self.least, needed)
        paid = patience.paid(kind, self.program, program)
        return max(needed, min(self.least, paid - self.past + 1))

    def never(self, where: Any, error: Exception) -> None:
        super().never(where, error)
        self.reasons[where] = str(error)


class Known:
    """What is known of a function at arguments of the same shapes."""

    def __init__(self, after: int) -> None:
        self.programs: list[tuple[Repeatable, Fixed]] = []
        self.made = 0  # programs so far
        self.last: Any = None  # the identity of the last recording
        self.left = 1  # at which call from now on code is made
        self.past = 0  # calls so far, if it is made before where it pays
        self.rest = 0  # calls for which nothing is tried
        self.wait = 0  # how many these are after the next failure
        self.refused = 0  # recordings like the last one that cannot be compared
        self.after, self.price = after, float(after)  # calls after which more code may be made
        self.calls, self.uses = after, 0  # since code was made, and to which code gave the answer

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        return sum(program.weight + code.weight for program, code in self.programs)

    def answer(self, f: Function, at: Sequence[Any], ask: Ask) -> tuple[Any, Function]:
        """Return what the code of f gives, if f is what the code was made of; or NotImplemented.

        And f, or if it was recorded meanwhile, its program: f runs once.
        """
        self.calls += 1
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
                    self.uses += 1
                    return found, f
                break
        return self._recorded(f, at, ask, recording)

    def _recorded(
        self, f: Function, at: Sequence[Any], ask: Ask, recording: Any
    ) -> tuple[Any, Function]:
        """Return what the code of a recording gives, if it is known or like the last one."""
        self.rest, self.wait = self.wait, min(2 * self.wait or 1, WAIT)
        if recording is None:
            if self.calls < self.price:
                return NotImplemented, f
            recording = attempt(recorded, f, at, LONGEST)
        if recording is not FAILED and recording.tape.outers:  # inside of another derivative
            self.rest = self.wait = WAIT
            recording = FAILED
        if recording is FAILED:
            return NotImplemented, f
        program = recording.program.pruned()
        before, self.last = self.last, program.identity
        for pair in self.programs:
            if pair[1].identity == self.last:
                return ask(pair[1]), program
        made = before == self.last and self.calls >= self.price
        known = recording.compared() if made else None
        if known is None or known.weight > LARGEST:
            self.refused += made
            if self.refused == REFUSED:
                self.price = math.inf
            return NotImplemented, program
        code = Fixed(known.program, self.last, 1 if self.made else self.left, self.past)
        self.programs = [(known, code), *self.programs[: PROGRAMS - 1]]
        repaid = 2 * self.uses >= self.calls or not self.made
        self.price = self.after if repaid else 2 * self.price
        self.calls = self.uses = self.rest = 0
        self.made += 1
        found = ask(code)
        if self.weight > HEAVY:
            self.programs, self.price = [], math.inf
        return found, program


def attempt(record: Callable[..., T], *args: Any) -> T | str:
    """Return a recording, or FAILED: the ordinary way calls f again, and may raise it, too."""
    try:
        return record(*args)
    except Exception:
        return FAILED


def _first(x: T, among: list[T]) -> list[T]:
    return among if x is among[0] else [x, *(y for y in among if y is not x)]
