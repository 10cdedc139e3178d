"""The tape: recording what a function does to array-valued variables (a Wengert list).

Arguments of element-wise instructions broadcast as in NumPy.  Every shape operation is a linear map
y = S x with a constant S (see `maps`).  Nodes carry the values of the recording, in whatever number
type they are, so that a Python branch can be taken; each branch leaves a guard.  A value of an
outer differentiation that meets a node is a constant of the recording (see `tags`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from types import NoneType
from typing import Any

import numpy as np

from taylor.core.advice import PAGE
from taylor.core.applied import call_of, flat
from taylor.core.conditions import Guard
from taylor.core.instructions import LARGE, Const, Input, Instruction, Op, Shape
from taylor.core.maps import Reshape, run
from taylor.core.node import Node
from taylor.core.operand import NUMBERS
from taylor.core.table import Rule
from taylor.core.tables import unchanged
from taylor.core.tags import Tag, fresh_tag
from taylor.errors import ForeignNodeError, NotNow
from taylor.numbers.formulas import Constant
from taylor.numbers.kinds import Array, Fillable, is_nested, is_operand
from taylor.numbers.values import as_array, as_data, constant, is_native, quiet, shape_of

PLAIN = frozenset((int, float, np.float64, np.ndarray))
OUTLIVED = (
    f"a node outlived its recording; return results from the recorded function instead ({PAGE})"
)
new = tuple.__new__  # of a tuple with names: without the call of Python that this takes otherwise


class TooLarge(Exception):
    """A recording that takes more memory than it may."""


class Tape:
    """Records instructions; identical instructions are recorded once."""

    def __init__(self) -> None:
        self.code: list[Instruction] = []
        self.values: list[Any] = []
        self.inputs: list[int] = []
        self.guards: list[Guard] = []
        self.seen: dict[Any, int] = {}
        self.nonzero: dict[int, Array] = {}  # where variables can be other than zero, once asked
        self.steps: dict[int, bool] = {}  # whether variables are constant between jumps, once asked
        self.tag = fresh_tag()
        self.room = math.inf  # elements after which the recording is too large
        self.like: Any = None  # the number type of the recording
        self.watched = False  # whether steps end where a guard fails or something else is looked up
        self.native = True  # whether all values are known, and numbers of Python or NumPy
        self.arrays: dict[int, tuple[Array, Array, bool, int]] = {}  # constants by identity
        self.outers: dict[int, tuple[Any, Any, int]] = {}  # outer values, and what they were
        self.through: frozenset[Tag] = frozenset()  # tags of the driver's own: no part of .value
        self.compiled = False  # whether kinks become nan: where they are, the ordinary way decides
        self.exact = True  # whether of the values more than shapes and kinds is used
        self.resumed = False  # whether plain numbers take over where its results are nan
        self.passing = False  # whether it is of this point only, and never run at another one
        self.shortened = False  # whether a quotient is without zeros that both its sides have
        self.tied = False  # whether a TieError was raised, which f may have caught
        self.read = False  # whether the recorded function has taken a plain value out
        self.most: float = math.inf  # instructions after which the recording is given up
        self.outer: set[Tag] = set()  # of variables made by hand that the point is a series in
        self.inside: list[Any] = []  # the gradients in a function that is compared, in order
        self.quietly = quiet()  # for what is NumPy's work alone

    def push(self, op: Op, args: tuple[int, ...], shape: Shape, value: Any) -> Node:
        """Append one instruction (or find it) and return its node."""
        key = (op.key(), args)
        found = self.seen.get(key)
        if found is not None and type(op) is not Input:
            return self.at(found)
        self.native = self.native and is_native(value)
        return self._append(key, op, args, shape, value)

    def _append(self, key: Any, op: Op, args: tuple[int, ...], shape: Shape, value: Any) -> Node:
        """Append one instruction that is not there, and return its node."""
        i = len(self.code)
        if i >= self.most:
            raise NotNow(f"a recording of more than {self.most} instructions")
        if self.tag.closed:
            raise ForeignNodeError(OUTLIVED)
        self.seen[key] = i
        self.code.append(new(Instruction, (op, args, shape)))
        self.values.append(value)
        return Node(self, i)

    def input(self, shape: Shape, value: Any = None) -> Node:
        """Append an input."""
        if self.like is None and value is not None:
            self.like = value if is_operand(value) else np.asarray(value)
        x = value
        while is_nested(x):
            if x.tag.level >= 0:
                self.outer.add(x.tag)
            x = x.value
        node = self.push(Input(len(self.inputs)), (), shape, value)
        self.inputs.append(node.i)
        return node

    def constant(self, c: Any) -> Node:
        """Append a constant: a number, an array, a named Constant, or an outer value."""
        if type(c) in (int, float, np.float64):
            return self.push(Const(c), (), (), c)
        if type(c) is np.ndarray:
            return self._array(c)
        if isinstance(c, (Constant, Fraction)):
            value = None if self.like is None else constant(c, self.like)
            return self.push(Const(c), (), (), value)
        if is_operand(c):
            return self._outer(c)
        if isinstance(c, Fillable):
            return self.node(c.content())
        if np.ndim(c) == 0 and not isinstance(c, np.ndarray):
            c = int(c) if isinstance(c, (np.integer, np.bool_)) else c
            if type(c) not in NUMBERS:
                as_array(c)  # raises an error, if c is no number
            return self.push(Const(c), (), (), c)
        return self._array(np.asarray(c))

    def _array(self, c: Array) -> Node:
        """Append a constant array, which is known again as long as nobody writes into it."""
        known, floats = self.arrays.get(id(c)), c.dtype.kind in "fc"
        if known is not None and unchanged(*known[:3]):
            return self.at(known[3])
        # what nobody can write into, such as a constant of another tape, needs no copy
        fixed = floats and c.flags.owndata and not c.flags.writeable
        array = c if fixed else as_array(c if floats else as_data(c, self.like))
        array.flags.writeable = False
        node = self.push(Const(array), (), array.shape, array)
        if not c.dtype.hasobject or c.size > LARGE:
            self.arrays[id(c)] = (c, array, array.dtype.kind in "fc", node.i)
        return node

    def argument(self, c: Any) -> Node:
        """Return an argument of a rule as a node: an array of integers stays one."""
        if not (isinstance(c, np.ndarray) and c.dtype.kind in "iub"):
            return self.node(c)
        array = c.copy()
        array.flags.writeable = False
        return self.push(Const(array), (), array.shape, array)

    def _outer(self, c: Any) -> Node:
        """Append a constant that is a value of an outer differentiation, as it is now."""
        known = self.outers.get(id(c))
        if known is None or not c._unchanged(known[1]):
            held = c.copy()
            self.outers[id(c)] = known = c, held, self.push(Const(held), (), held.shape, held).i
        return Node(self, known[2])

    def holds(self, x: Any) -> bool:
        """Whether the value x belongs to a differentiation outside of this recording."""
        tag: Tag = x.tag
        return not tag.closed and (tag.level < self.tag.level or tag in self.outer)

    def node(self, x: Any) -> Node:
        """Return x as a node of this tape."""
        if type(x) is Node and x.tape is self:
            return x
        if type(x) in PLAIN:
            return self.constant(x)
        if isinstance(x, Node) and x.tape is self:
            return x
        if is_operand(x) and not self.holds(x):
            raise ForeignNodeError(
                f"a {type(x).__name__} of another, inner or finished differentiation cannot be "
                "used here: return results from their own function, or keep their .value"
            )
        return self.constant(x)

    def index(self, x: Any) -> int:
        """Return the instruction that holds x."""
        if type(x) is Node and x._cell is None and x.tape is self:
            return x._i
        return self.node(x).i

    def at(self, i: int, like: Array | None = None) -> Node:
        """Return the node of an instruction, laid out in memory as an array."""
        if self.tag.closed:
            raise ForeignNodeError(OUTLIVED)
        return Node(self, i, like)

    def size(self, i: int) -> int:
        """Return how many elements an instruction makes."""
        return math.prod(self.code[i].shape)

    def value_of(self, i: int) -> Any:
        """Return the value of an instruction at the point of the recording."""
        return self.values[i]

    def foretold(self, op: str, a: int, b: int) -> Any:
        """Return the outcome of the next comparison, v_a (op) v_b, if it is known; else None."""

    def number(self, c: Any) -> Any:
        """Return a constant as a number of the kind of the recording."""
        return c if self.native and is_native(c) else constant(c, self.like)

    def apply(
        self, op: Op, args: tuple[int, ...], shape: Shape | None = None, key: Any = None
    ) -> Node:
        """Append op of other instructions, with its value where theirs are known (or find it).

        `key` tells it from others, if not its content does.
        """
        values = [*map(self.values.__getitem__, args)]
        symbolic = not self.native and (self.like is None or NoneType in map(type, values))
        key = (key or op.key(), args)
        if not symbolic and (found := self.seen.get(key)) is not None:
            return self.at(found)
        if self.native and op.pure and self.room == math.inf:  # the shortest way
            if op.plain is None:
                value = self.quietly(op.value, values, self.number)
            else:
                value = self.quietly(op.plain, *values)
            return self._append(key, op, args, shape_of(value) if shape is None else shape, value)
        if shape is None:
            shape = op.shape([self.code[i].shape for i in args])
        if symbolic:
            return self.push(op, args, shape, None)
        self.room -= math.prod(shape)
        if self.room < 0:
            raise TooLarge
        if {*map(type, values)} == {Node}:  # it is recorded there
            value = op.value(values, self.number)
        else:
            with np.errstate(all="ignore"):
                value = (op.value if self.exact else op.glimpse)(values, self.number)
            self.native = self.native and is_native(value)
        return self._append(key, op, args, shape, value)

    def run(self, x: Node, start: int, shape: Shape) -> Node:
        """Append the elements of that shape that follow each other in x from a position on."""
        if math.prod(shape) == x.size:
            return x if shape == x.shape else self.apply(Reshape(shape), (x.i,), shape)
        return self.apply(run(start, shape), (x.i,), shape)

    def call(self, rule: Rule, args: Sequence[Any]) -> Any:
        """Append a rule of arrays, and return its results."""
        nodes = [self.argument(a) for a in args]
        given = [self.values[n.i] for n in nodes]
        y = rule(*given)
        varying = [
            x for x, n in zip(given, nodes, strict=True) if type(self.code[n.i].op) is not Const
        ]
        op = call_of(rule, y, varying)
        value = as_data(flat(y), self.like)
        return op.results(self.push(op, tuple(n.i for n in nodes), np.shape(value), value))
