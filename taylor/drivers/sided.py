"""Code for points with ties that leave no mark: derivatives by shares of both sides.

At a tie the code of a choice gives nan.  Here both sides have shares there instead, which are an
input: derivatives are polynomials in the shares, and constant, with probability one, if they are
the same for random ones.  Then all sides have them, so that they are those of f; the code says so
call by call.  Other ties, where they differ, are left to `kinks`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.calls import Row
from taylor.core.choices import choose
from taylor.core.functions import CHOICES, absolute, clip, maximum
from taylor.core.instructions import Input, Instruction
from taylor.core.program import Program
from taylor.core.rules import numbers, values
from taylor.core.tape import Tape
from taylor.drivers import ties
from taylor.drivers.arguments import OfSeveral
from taylor.drivers.derivable import outer
from taylor.drivers.derivatives import gradient, hvp
from taylor.drivers.ties import KINK
from taylor.errors import DomainError
from taylor.machine.machine import INFINITE, OK, Machine
from taylor.numbers.kinds import Array
from taylor.numbers.values import shape_of

TIED = "tied"  # the last part of the name of a form with shares
SEEN_TO = 16  # calls with ties after which it is seen to whether there are some still
FIRST = "gradient", "value_and_gradient", "vjp", "jacobian", "jacfwd", "jacrev"
Where = tuple[Any, ...]


def _generic(f: Any, x: Any) -> Any:
    """Return H·v for a generic v, which is the same with other shares only if all of H is."""
    return hvp(f, x, next(ties.directions(np.zeros(shape_of(x)))))


# what has to be there, and the same with other shares, for derivatives of second order
BELOW = {"hessian": (gradient,), "hvp": (gradient, _generic)}


def may_tie(where: Where, program: Program) -> bool:
    """Whether there is such code of a form of a program: it has kinks, and no others in loops."""
    second = where[0] in BELOW and not isinstance(where[1], OfSeveral)
    return (second or where[0] in FIRST) and room(program.code) > 0


def room(code: Sequence[Instruction]) -> int:
    """Return how many shares the kinks of a program have."""
    return sum([_kinks(c) * math.prod(c.shape) for c in code])


def _kinks(c: Instruction) -> int:
    if type(c.op) is Row and c.op.row in CHOICES:
        return 2 if c.op.row is clip else 1
    return int(c.op == KINK)


def found(f: Any, where: Where, run: Callable[[Where], Any]) -> Any:
    """Return what a compiled function gives by the code of a form, or else by that with shares.

    That is asked first if it is all there is, and there were ties when it was last called.
    """
    tied = *where, TIED
    alone = not f.machines.get(where) and any(m.met for m in f.machines.get(tied, ()))
    answer = None if alone else run(where)
    allowed = tied in f.waiting or f.unused.allows(tied)
    if answer is None and f.kinked.get(where) and allowed:
        answer = run(tied)
        if answer is not None:
            f.unused.note(where, True)
            f.counts[where] = f.counts[tied]
    return answer


def given(where: Where, program: Program, x: Sequence[Array]) -> tuple[Any, ...]:
    """Return what `derived` is to get beside a driver recorded at x: shares of the ties, if any.

    And what has to be there besides: see `BELOW`.  DomainError: there is a tie at x, so that the
    driver is to be recorded with shares; or with them there is none.
    """
    if not may_tie(where, program):
        return ()
    shares = where[-1] == TIED
    with np.errstate(all="ignore"):
        v = values(program.code, x)
    if ties.any_tied(program.code, v) != shares:
        raise DomainError("no tie here" if shares else "a tie")
    return (np.full(room(program.code), 0.5), BELOW.get(where[0], ())) if shares else ()


def of(where: Where, machine: Any) -> Any:
    """Return the code of a form, to be called without shares."""
    return Shared(machine) if where[-1] == TIED else machine


class Traced:
    """A program with shares at its ties, evaluated at nodes of a recording or at series of them."""

    def __init__(self, tape: Tape, shares: Any) -> None:
        self.tape, self.shares, self.used = tape, shares, 0

    def __call__(self, program: Program, x: Sequence[Any]) -> list[Any]:
        """Return the value of every instruction at x."""
        v: list[Any] = []
        number, self.used = numbers(x), 0
        for op, args, _ in program.code:
            a = [v[i] for i in args]
            if type(op) is Input:
                v.append(x[op.n])
            elif type(op) is Row and op.row in CHOICES:
                v.append(self._row(op.row, a))
            else:
                v.append(self._between(*a) if op == KINK else op.value(a, number))
        return v

    def _row(self, row: Any, a: Sequence[Any]) -> Any:
        if row is absolute:
            return self._between(a[0], 0.0, a[0], -a[0])
        if row is clip:
            x, low, high = a
            x = self._between(x, low, x, low)
            return self._between(high, x, x, high)
        left, right = a
        sides = (left, right) if row is maximum else (right, left)
        return self._between(*sides, left, right)

    def _between(self, left: Any, right: Any, a: Any, b: Any) -> Any:
        """Return a where left > right, b where it is less, and both by their shares at ties.

        Choices are by signs, which are no series and meet no tie themselves.
        """
        shape = np.broadcast_shapes(*map(shape_of, (left, right, a, b)))
        end = self.used + math.prod(shape)
        share, self.used = self.shares[self.used : end].reshape(shape), end
        left, right = (outer(x, self.tape) for x in (left, right))
        beyond = choose(right, left, 0.0, 1.0, "where")
        sign = choose(left, right, beyond, -1.0, "where")
        weight = choose(sign, 0.5, 0.0, choose(sign, -0.5, share, 0.0, "where"), "where")
        tied = choose(sign, -0.5, b + weight * (a - b), b, "where")
        return choose(sign, 0.5, a, tied, "where")


class Shared:
    """The code of a driver with shares, as that of the driver alone."""

    met = True  # whether there were ties when it was last seen to

    def __init__(self, machine: Machine) -> None:
        self.machine, self.code = machine, machine.code
        self.complex, self.inputs = machine.complex[:-1], machine.inputs[:-1]
        (size,) = machine.inputs[-1]
        drawn = np.random.default_rng(size).uniform(0.25, 0.75, size)
        self.none, self.half, self.drawn = np.full(size, np.nan), np.full(size, 0.5), drawn
        self.calls = 0

    def alike(self, count: int) -> bool:
        """Whether Python may call the code at once: it is called more than once."""
        return False

    @property
    def weight(self) -> int:
        """Bytes of the object and of the memory of a thread."""
        return self.machine.weight + 3 * self.half.nbytes

    def __call__(self, *x: Any) -> tuple[int, list[Any]]:
        """Return status and outputs at x; INFINITE where they are others with other shares."""
        self.calls += 1
        if not self.met or self.calls % SEEN_TO == 0:
            status, found = self.machine(*x, self.none)
            if status != INFINITE:
                self.met = False
                return status, found
        status, found = self.machine(*x, self.half)
        if status == OK:
            self.met = True
            status, other = self.machine(*x, self.drawn)
            if status == OK and not all(
                ties.same(*pair).all() for pair in zip(found, other, strict=True)
            ):
                return INFINITE, found
        return status, found
