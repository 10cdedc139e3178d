"""A program on arrays as one on numbers: each element of an array is an instruction of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from taylor.core.bilinear import Bilinear
from taylor.core.calls import Integral, Row
from taylor.core.conditions import Guard
from taylor.core.einsum import Einsum
from taylor.core.instructions import ADD, MUL, Arithmetic, Const, Input, Instruction, Op, Scale
from taylor.core.maps import Contract, CumSum, Gather, Reshape, Scatter, Sum
from taylor.core.program import Program
from taylor.core.sides import Choose
from taylor.errors import TraceError
from taylor.numbers.kinds import Array, object_array

Put = Callable[[Op, Sequence[int]], "Element"]


class Element:
    """The result of an instruction, as a number of which NumPy makes sums and products."""

    __slots__ = ("i", "put")

    def __init__(self, i: int, put: Put) -> None:
        self.i, self.put = i, put

    def __add__(self, o: Any) -> Element:
        return self.put(ADD, [self.i, o.i]) if isinstance(o, Element) else self  # to zero

    __radd__ = __add__

    def __mul__(self, o: Any) -> Element:
        if isinstance(o, Element):
            return self.put(MUL, [self.i, o.i])
        return self.put(Scale(o), [self.i])

    __rmul__ = __mul__


def scalars(program: Program, most: float = math.inf) -> Program:
    """Return the program of the elements, inputs and outputs in order, of so many at most.

    >>> from taylor.core.program import record
    >>> [i.op.name for i in scalars(record(lambda x: np.sum(x * x), np.ones(2)), 9).code]
    ['input', 'input', 'mul', 'mul', 'add']
    """
    if sum(math.prod(i.shape) for i in program.code) > most:
        raise TraceError(f"the program has more than {most} numbers")
    code: list[Instruction] = []

    def put(op: Op, args: Sequence[int]) -> Element:
        code.append(Instruction(op, tuple(args), ()))
        return Element(len(code) - 1, put)

    v: list[Array] = []
    inputs: list[int] = []
    for op, args, shape in program.code:
        if isinstance(op, Input):
            inputs += range(len(code), len(code) + math.prod(shape))
            new: Any = [put(Input(len(code)), ()) for _ in range(math.prod(shape))]
        elif isinstance(op, (Const, Row, Scale, Arithmetic, Choose)):
            new = list(_by_element(op, [v[a] for a in op.reads(args)], shape, put))
        else:
            new = np.reshape(_moved(op, [v[a] for a in args]), -1)
            new = [x if isinstance(x, Element) else put(Const(0.0), ()) for x in new]
        v.append(object_array(shape, new))
    for y, (op, args, shape) in zip(v, program.code, strict=True):
        if isinstance(op, Integral):  # whose equation may stand after it
            given = [np.broadcast_to(v[a], shape).flat for a in args]
            for n, x in enumerate(y.flat):
                code[x.i] = code[x.i]._replace(args=tuple([e[n].i for e in given]))
    outputs = [x.i for i in program.outputs for x in v[i].flat]
    guards = [new for guard in program.guards for new in _decisions(guard, v)]
    return Program(code, inputs, outputs, guards, len(outputs) == 1)


def _decisions(guard: Guard, v: Sequence[Array]) -> Iterator[Guard]:
    """Yield what a decision is at each element."""
    if guard.b < 0:
        raise TraceError(f"np.{guard.op} decides, of whole arrays")
    outcome = np.asarray(guard.outcome)
    left, right = (np.broadcast_to(v[i], outcome.shape).flat for i in (guard.a, guard.b))
    for a, b, was in zip(left, right, outcome.flat, strict=True):
        yield guard._replace(a=a.i, b=b.i, outcome=was)


def _by_element(op: Op, args: Sequence[Array], shape: Any, put: Put) -> Any:
    """Yield the elements of what is done with each element alone."""
    given = [np.broadcast_to(x, shape).flat for x in args]
    constants = None
    if isinstance(op, (Const, Scale)) and np.ndim(op.c):
        constants = np.broadcast_to(op.c, shape).flat
    for n in range(math.prod(shape)):
        each: Any = op if constants is None else type(op)(constants[n])  # type: ignore[call-arg]
        yield put(each, [x[n].i for x in given])


def _moved(op: Op, args: Sequence[Array]) -> Any:
    """Return the elements of what moves elements, or adds them; numbers stand for zero."""
    if isinstance(op, Gather):
        return np.array([*(e for x in args for e in x.flat), 0], dtype=object)[op.index]
    if isinstance(op, Scatter):
        out, kept = np.zeros(math.prod(op.to), dtype=object), op.index.reshape(-1) >= 0
        np.add.at(out, op.index.reshape(-1)[kept], args[0].reshape(-1)[kept])
        return out
    if isinstance(op, (Reshape, Sum, CumSum)):
        return op.moved(args, 0)
    if isinstance(op, Contract):
        return np.einsum(op.spec, np.asarray(op.c, dtype=object), args[0])
    if isinstance(op, Einsum):
        return np.einsum(op.spec, *args)
    if isinstance(op, Bilinear):
        return op.written_out(*args)
    raise TraceError(f"{op.name} is no function of numbers")
