"""Whether a function still is what was recorded of it: it runs, and each step is compared.

Nothing is computed unless the function asks for a value.  So this says for certain, at a fraction
of what a recording costs, that a recording here would be the same program, whatever the function
reads or does: what has been changed since, anywhere, shows as another instruction or constant.
From there on it is recorded, so that the function runs once in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from taylor.core.applied import Call
from taylor.core.calls import Row
from taylor.core.conditions import Guard, own
from taylor.core.einsum import Products
from taylor.core.instructions import Arithmetic, Const, Input, Op, Scale, Shape
from taylor.core.lookups import Lookup
from taylor.core.maps import Map
from taylor.core.node import Node
from taylor.core.program import Program, outputs_of
from taylor.core.rules import numbers
from taylor.core.sides import Choose
from taylor.core.table import Rule
from taylor.core.tape import Tape
from taylor.kept import identity
from taylor.numbers.kinds import Array, is_operand
from taylor.numbers.values import as_data, is_native

COMPARED = (Input, Const, Arithmetic, Scale, Products, Row, Choose, Lookup, Map)  # instructions
BITS = np.dtype(np.int64)
AROUND: ContextVar[Tape | None] = ContextVar("around", default=None)  # of what is recorded now


class Recording:
    """A function recorded at floats and arrays of floats.

    It can be compared unless it has loops, rules of others, or values of outer differentiations, or
    takes a plain value out.
    """

    def __init__(self, tape: Tape, f: Callable[..., Any], nodes: Sequence[Node]) -> None:
        around = AROUND.set(tape)
        try:
            outputs, single = outputs_of(tape, f, nodes)
        finally:
            AROUND.reset(around)
            tape.tag.closed = True
        point = tuple(tape.value_of(i) for i in tape.inputs)
        self.program = Program(tape.code, tape.inputs, outputs, tape.guards, single, point)
        self.tape = tape

    def compared(self) -> Repeatable | None:
        """Return it as what is compared; None if it cannot be."""
        tape = self.tape
        native = all(map(is_native, tape.values))
        if tape.read or not native or not all(_is_compared(i.op) for i in tape.code):
            return None
        found = Repeatable(self.program, tape)
        # derivatives inside hold the tape, which lets go of the numbers of this point
        tape.values[:] = found.likes
        tape.arrays.clear()
        tape.outers.clear()
        return found


def recorded(f: Callable[..., Any], x: Sequence[Any], most: float) -> Recording:
    """Return f recorded at x; NotNow if it has more instructions."""
    tape = Tape()
    tape.most, tape.compiled = most, True
    return Recording(tape, f, [tape.input(np.shape(v), v) for v in x])


def _is_compared(op: Op) -> bool:
    """Whether what an instruction does is told by its content."""
    return isinstance(op, COMPARED) or (type(op) is Call and op.rule.own)


class Repeatable:
    """A recorded program as what is compared."""

    def __init__(self, program: Program, tape: Tape) -> None:
        self.program, self.seen = program, tape.seen
        self.likes = [_like(v) for v in tape.values]
        self.calls = {
            (op.rule, args): n for n, (op, args, _) in enumerate(program.code) if type(op) is Call
        }
        self.inside = tape.inside
        inner = sum(known.weight for known in tape.inside if known is not None)
        self.weight = 3 * program.weight + inner

    def by(self, f: Callable[..., Any], x: Sequence[Any]) -> Recording | None:
        """Return None if f, recorded at x, is this program, whose decisions hold there.

        If it is another one return that.
        """
        tape = Repeating(self, x)
        found = Recording(tape, f, [Node(tape, i) for i in self.program.inputs])
        here, known = found.program, self.program
        same = here.outputs == known.outputs and here.single is known.single
        if same and not (tape.departed or tape.read) and self.decides_as(tape.guards):
            return None
        tape.depart()
        found.program = Program(
            tape.code, tape.inputs, here.outputs, tape.guards, here.single, here.point
        )
        return found

    def decides_as(self, guards: list[Guard]) -> bool:
        """Whether all decisions are as they were."""
        known = self.program.guards
        return len(guards) == len(known) and all(map(_alike, guards, known))


def _alike(a: Guard, b: Guard) -> bool:
    same = a[:3] == b[:3] and np.array_equal(a.outcome, b.outcome)
    return same and (a.extra is b.extra or identity(a.extra) == identity(b.extra))


def _like(value: Any) -> Any:
    """Return what has the shape and the kind of a value and takes no room."""
    if type(value) is np.ndarray:
        return np.broadcast_to(np.zeros((), value.dtype), value.shape)
    return value


class Repeating(Tape):
    """The tape of a recording that is compared with a known one until it departs from it.

    An instruction is what it was, if its operation and its arguments are, whatever the order.
    """

    def __init__(self, known: Repeatable, x: Sequence[Any]) -> None:
        super().__init__()
        self.known, self.x = known, x
        # of its own, and shortened in place: an expression may hold one when it departs
        self.code, self.values = [*known.program.code], [*known.likes]
        self.seen, self.inputs = known.seen, known.program.inputs
        self.like, self.compiled = x[0] if is_operand(x[0]) else np.asarray(x[0]), True
        self.last = len(x) - 1  # the last instruction so far
        self.departed = False
        self.computed: list[Any] = []

    def depart(self) -> None:
        """Go on as an ordinary tape, with what has been asked for so far."""
        if not self.departed:
            size = self.last + 1
            self.value_of(self.last)
            self.departed = True
            del self.code[size:]
            self.values[:] = self.computed[:size]
            self.inputs = [*self.inputs]
            self.seen = {key: n for key, n in self.seen.items() if n < size}

    def reached(self, n: int) -> Node:
        """Return the node of a known instruction."""
        if n > self.last:
            self.last = n
        return Node(self, n)

    def push(self, op: Op, args: tuple[int, ...], shape: Shape, value: Any) -> Node:
        if not self.departed:
            n = self.seen.get((op.key(), args))
            if n is not None:
                return self.reached(n)
            self.depart()
        return super().push(op, args, shape, value)

    def apply(
        self, op: Op, args: tuple[int, ...], shape: Shape | None = None, key: Any = None
    ) -> Node:
        if not self.departed:
            n = self.seen.get((key or op.key(), args))
            n = self._next(op, args) if n is None else n
            if n is not None:
                return self.reached(n)
            self.depart()
        return super().apply(op, args, shape, key)

    def _next(self, op: Op, args: tuple[int, ...]) -> int | None:
        """Return the number of the next instruction, if its content is that of op."""
        n = self.last + 1
        if n < len(self.code):
            known, given, _ = self.code[n]
            if given == args and type(known) is type(op) and identity(known) == identity(op):
                return n
        return None

    def _array(self, c: Array) -> Node:
        if self.departed:
            return super()._array(c)
        known = self.arrays.get(id(c))
        if known is not None and same(known[1], c):
            return Node(self, known[3])
        floats, n = c.dtype.kind in "fc", self.last + 1
        array = c if floats else np.asarray(as_data(c, self.like))
        held = self.code[n].op if n < len(self.code) else None
        if type(held) is Const and type(held.c) is np.ndarray and same(held.c, array):
            self.arrays[id(c)] = c, held.c, floats, n
            return self.reached(n)
        found = None if array.dtype.hasobject else self.seen.get((Const(array).key(), ()))
        if found is None:
            self.depart()
            return super()._array(c)
        return self.reached(found)

    def _outer(self, c: Any) -> Node:
        self.depart()
        return super()._outer(c)

    def call(self, rule: Rule, args: Sequence[Any]) -> Any:
        if not self.departed:
            nodes = [self.argument(a) for a in args]
            n = None if self.departed else self.known.calls.get((rule, tuple([x.i for x in nodes])))
            if n is not None:
                op: Any = self.code[n].op
                return op.results(self.reached(n))
            self.depart()
        return super().call(rule, args)

    def foretold(self, op: str, a: int, b: int) -> Any:
        n, guards = len(self.guards), self.known.program.guards
        known = guards[n] if n < len(guards) and not self.departed else None
        return own(known.outcome) if known is not None and known[:3] == (op, a, b) else None

    def value_of(self, i: int) -> Any:
        if self.departed:
            return self.values[i]
        number = numbers(self.x)
        with np.errstate(all="ignore"):
            for op, args, _ in self.code[len(self.computed) : i + 1]:
                given = [self.computed[a] for a in args]
                self.computed.append(self.x[op.n] if type(op) is Input else op.value(given, number))
        return self.computed[i]


def same(a: Array, b: Array) -> bool:
    """Whether two arrays are of one shape and type, and the same to the last bit."""
    if a is b:  # what nobody can write into is recorded as it is
        return True
    if a.dtype != b.dtype or a.shape != b.shape or a.dtype.hasobject:
        return False
    if a.dtype.itemsize == 8 and a.flags.c_contiguous and b.flags.c_contiguous:
        return np.array_equal(a.view(BITS), b.view(BITS))
    return a.tobytes() == b.tobytes()
