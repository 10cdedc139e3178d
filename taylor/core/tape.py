"""The tape: recording what a function does to array-valued variables (a Wengert list).

Arguments of element-wise instructions broadcast as in NumPy.  Every shape operation is a linear map
y = S x with a constant S (see `maps`).  Nodes carry the values of the recording, in whatever number
type they are, so that a Python branch can be taken; each branch leaves a guard.  A value of an
outer differentiation that meets a node is a constant of the recording (see `tags`).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from types import NoneType
from typing import Any

import numpy as np

from taylor.core.advice import PAGE
from taylor.core.calls import Call, Row, flat, of_row
from taylor.core.conditions import MIRRORED, SIGNS, Condition, Guard, held_integer, own
from taylor.core.instructions import (
    ADD,
    DIV,
    LARGE,
    MUL,
    Arithmetic,
    Const,
    Input,
    Instruction,
    Op,
    Scale,
    Shape,
)
from taylor.core.maps import Gather, Reshape, Scatter, gather, run
from taylor.core.memory import Cell, each, in_memory, joint, placed, positions, shares
from taylor.core.operand import NUMBERS, Operand, binary, bind, fits, host, lift
from taylor.core.parts import Part
from taylor.core.simpler import SIMPLER, arithmetic, negative
from taylor.core.singular import equal
from taylor.core.table import Elementary, Rule, derived
from taylor.core.tables import nonzero, unchanged
from taylor.core.tags import Tag, fresh_tag
from taylor.errors import ForeignNodeError, NotNow, TieError, TraceError
from taylor.numbers.formulas import Constant
from taylor.numbers.kinds import Array, Fillable, Kind, base_array, is_nested, is_operand, within
from taylor.numbers.values import (
    as_array,
    as_data,
    constant,
    fitted,
    is_native,
    of_value,
    quiet,
    shape_of,
)

PLAIN = frozenset((int, float, np.float64, np.ndarray))
OUTLIVED = (
    f"a node outlived its recording; return results from the recorded function instead ({PAGE})"
)
MINUS, MINUS_KEY = Scale(-1), Scale(-1).key()
new = tuple.__new__  # of a tuple with names: without the call of Python that this takes otherwise


class TooLarge(Exception):
    """A recording that takes more memory than it may."""


# ------------------------------------------------------------------ the tape and its nodes
class Tape:
    """Records instructions; identical instructions are recorded once."""

    def __init__(self) -> None:
        self.code: list[Instruction] = []
        self.values: list[Any] = []
        self.inputs: list[int] = []
        self.guards: list[Guard] = []
        self.seen: dict[Any, int] = {}
        self.nonzero: dict[int, Array] = {}  # where variables can be other than zero, once asked
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
        self.read = False  # whether the recorded function has taken a plain value out
        self.most: float = math.inf  # instructions after which the recording is given up
        self.outer: set[Tag] = set()  # of variables made by hand that the point is a series in
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
        found = self.seen.get((key := (Gather, start, shape), (x.i,)))
        return (
            self.apply(run(start, shape), (x.i,), shape, key) if found is None else self.at(found)
        )

    def call(self, rule: Rule, args: Sequence[Any]) -> Any:
        """Append a rule of arrays, and return its results."""
        nodes = [self.argument(a) for a in args]
        y = rule(*(self.values[n.i] for n in nodes))
        op = Call(rule, tuple([np.shape(z) for z in y]) if isinstance(y, tuple) else None)
        value = as_data(flat(y), self.like)
        return op.split(self.push(op, tuple(n.i for n in nodes), np.shape(value), value))


class Node(Operand):
    """A variable of a program being recorded."""

    __slots__ = ("_cell", "_i", "_seen", "_where", "tape")
    _seen: int  # the version of the cell that instruction _i reads
    _where: Any  # where its elements, of the cell if there is one, lie in memory; None: in C order

    def __init__(self, tape: Tape, i: int, like: Array | None = None) -> None:
        self.tape = tape
        self._i = i
        self._where = None if like is None else placed(like)
        self._cell: Cell | None = None  # what it shares with views of it, once there are any

    @property
    def i(self) -> int:
        """The instruction that holds the content."""
        cell = self._cell
        if cell is not None and self._seen != cell.version:  # written through another view
            self._i = self._read(cell, self._where, cell.in_order)._i
            self._seen = cell.version
            if self._where is cell.positions:
                cell.hold(self._i)
        return self._i

    @property
    def tag(self) -> Tag:
        """The identity of the recording."""
        return self.tape.tag

    @property
    def shape(self) -> Shape:
        """Shape of the variable."""
        return self.tape.code[self._i].shape if self._cell is None else self._where.shape

    @property
    def value(self) -> Any:
        """The value at the point of the recording."""
        if (cell := self._cell) and self._seen != cell.version and self.tape.tag.closed:
            sources, place = cell.read(self._where, self.tape.size)  # nothing is recorded any more
            value = gather([*map(self.tape.value_of, sources)], place, 0)
        else:
            value = self.tape.value_of(self.i)
        if value is None:
            raise TraceError("this recording is symbolic: a node of it has no value to branch on")
        while getattr(value, "tag", None) in self.tape.through:
            value = value.value
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if caller.partition(".")[0] not in ("taylor", "hyperdual"):
            self.tape.read |= not is_operand(value)
            return value.copy() if np.ndim(value) else value
        return value

    @property
    def dtype(self) -> Any:
        """Type of the numbers at the point of the recording."""
        return base_array(self.tape.values[self.i]).dtype

    def astype(self, dtype: Any, order: Any = "K", copy: bool = True) -> Any:
        """Return the variable in a wider type of numbers, its axes in that order in memory."""
        dtype = np.dtype(dtype)
        if dtype in (self.dtype, np.dtype(object)):
            return self.copy(order) if copy else self
        if dtype.kind in "fc" and np.can_cast(self.dtype, dtype):
            wider = self * dtype.type(1)
            return wider if order == "K" else wider.copy(order)
        raise TraceError(
            f"recorded values are {self.dtype}; astype({dtype}) would cut off "
            + ("digits: convert the point" if dtype.kind in "fc" else "derivatives: use .value")
        )

    def _title(self) -> str:
        return "a recorded value"

    def __deepcopy__(self, memo: Any) -> Node:
        return self.copy("K")

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TraceError(
            "a recorded value cannot be pickled, nor go to another process: return numbers from "
            f"the function, or send x.value ({PAGE})"
        )

    def __format__(self, spec: str) -> str:
        known = spec and self.tape.values[self.i] is not None
        return format(self.value, spec) if known else repr(self)

    def __repr__(self) -> str:
        return f"<v{self.i} = {self.tape.values[self.i]}>"

    def _hosts(self, other: Operand) -> bool:
        return self.tape.holds(other)

    def _in_memory(self) -> Any:
        return super()._in_memory() if self._where is None else self._where

    def _beside(self, *args: Any) -> Node:
        """Return the node of a new element-wise result of those arguments, laid out as NumPy's."""
        if len(self.shape) < 2 or all(type(x) is Node and x._where is None for x in args):
            return self
        return Node(self.tape, self._i, joint(self.shape, [in_memory(x) for x in args]))

    def __getitem__(self, index: Any) -> Any:
        if type(index) is int and len(self.shape) == 1:  # a number, the shortest way
            (n,), cell = self.shape, self._cell
            if n > 1 and -n <= index < n:
                if cell is None:
                    source, k = self, index % n
                else:
                    i, k = cell.at(self._where[index])
                    source = Node(self.tape, i)
                    if not source.shape:
                        return source
                return self.tape.run(source, int(k), ())
        if type(index) is slice and type(self) is Node and self.shape:
            cell = self._shared()
            return self._view(cell, self._where[index])
        return super().__getitem__(index)

    # arithmetic -----------------------------------------------------------------------------
    __add__, __radd__ = binary(ADD, "tape")
    __mul__, __rmul__ = binary(MUL, "tape")
    __truediv__, __rtruediv__ = binary(DIV, "tape")

    def __sub__(self, o: Any) -> Any:
        return self + negative(o) if fits(o) else NotImplemented

    def __rsub__(self, o: Any) -> Any:
        if type(o) in NUMBERS:
            return self.process(ADD, (o, -self))
        return bind(ADD, o, -self) if fits(o) else NotImplemented

    def __neg__(self) -> Any:
        op, args, _ = self.tape.code[self.i]
        if type(op) is Scale and type(op.c) is int and op.c == -1:
            return Node(self.tape, args[0])._beside(self)
        if type(op) is Const and not isinstance(op.c, Constant):
            return self.tape.constant(-op.c)._beside(self)
        return self.tape.apply(MINUS, (self.i,), self.shape, MINUS_KEY)._beside(self)

    # instructions ---------------------------------------------------------------------------
    def _elementary(self, row: Elementary, args: Sequence[Any]) -> Any:
        if len(args) > 1:
            return self._bound(of_row(row), args)
        node = self.tape.apply(of_row(row), (self.tape.index(self),), self.shape, row)
        return node if self._where is None else node._beside(self)

    def _bound(self, op: Op, args: Sequence[Any]) -> Any:
        for x in args:
            if type(x) is not Node or x.tape is not self.tape:
                if type(x) not in PLAIN or (type(x) is np.ndarray and x.dtype.hasobject):
                    return super()._bound(op, args)
        return self.process(op, args)

    def process(self, op: Op, args: Sequence[Any]) -> Any:
        """Append an instruction on those arguments, or what is simpler and the same."""
        tape = self.tape
        if isinstance(op, Arithmetic):
            a, b = args
            node = arithmetic(tape, op, tape.index(a), tape.index(b))
            return node._beside(a, b) if len(tape.code[node._i].shape) > 1 else node
        if type(op) is Row:
            if len(args) == 1:
                return self._elementary(op.row, args)
            if NoneType in map(type, args):  # np.clip with one side open
                assert op.row.compose is not None
                return op.row.compose(*args)
        if type(op) is Call:
            return tape.call(op.rule, args)
        nodes = [x if type(x) is Node and x.tape is tape else tape.node(x) for x in args]
        found = SIMPLER[type(op)](tape, op, nodes) if type(op) in SIMPLER else None
        node = tape.apply(op, tuple([x.i for x in nodes])) if found is None else found
        if op.by_element and len(tape.code[node._i].shape) > 1:
            return node._beside(*args)
        return node

    def _decided(self, op: str, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Return np.op of the value, leaving a guard for it."""
        outcome = of_value(op, self.value, *args, **named)
        self.tape.guards.append(Guard(op, self.i, -1, *own((outcome, (args, (*named.items(),))))))
        return outcome

    def _compare(self, op: Any, other: Any) -> Any:
        other = lift(other)
        owner, sign = self if type(other) in PLAIN else host((self, other)), SIGNS[op]
        if not isinstance(owner, Node):
            return MIRRORED[sign](owner, self)
        return Condition(sign, owner.tape.node(self), owner.tape.node(other))

    def copy(self, order: Any = "C") -> Node:
        """Return a copy that shares nothing, its axes in that order in memory."""
        return Node(self.tape, self.i) if order == "C" else super().copy(order)

    def _shared(self) -> Cell:
        """Return the memory of the node, which begins with its first view or write."""
        if self._cell is None:
            where = positions(self.shape) if self._where is None else self._where
            self._cell = Cell(self._i, where)
            self._cell.views.add(self)
            self._where, self._seen = where, 0
        return self._cell

    def _memory(self) -> Any:
        return self._cell

    def _viewed(self, f: Callable[..., Any]) -> Any:
        self = self if self._is_array() else self.copy()
        cell = self._shared()

        def one(where: Any) -> Any:
            if shares(where, cell.positions):
                return self._view(cell, where)
            return self._read(cell, np.asarray(where))

        return each(one, f(self._where))

    def _view(self, cell: Cell, where: Array) -> Node:
        """Return the view of those positions of a cell."""
        view = Node(self.tape, -1)
        view._cell, view._where, view._seen = cell, where, -1
        cell.views.add(view)
        return view

    def _read(self, cell: Cell, where: Array, view: bool = False) -> Node:
        """Return a node of the elements at those positions of a cell, as they are now."""
        if view and cell.source is None and where.size and where.flags.c_contiguous:
            return self.tape.run(Node(self.tape, cell.i), int(where.item(0)) - 1, where.shape)
        found, place = cell.read(where, self.tape.size)
        sources = [Node(self.tape, i) for i in found]
        return sources[0]._gather(sources, place)  # type: ignore[no-any-return]

    def _assign(self, index: Any, value: Any) -> None:
        cell = self._shared()
        value = lift(value)
        same = isinstance(value, Node) and value._cell is cell
        if same and np.array_equal(value._where, self._where[index]):
            return  # y[1:] *= 2 ends with y[1:] = y[1:]
        node = self.tape.node(fitted(value, self.tape.values[cell.first]))
        cell.write(self._where, index, node.i, node.shape)

    def _part(self, kind: str) -> Any:
        return PartNode(self, kind) if self._is_array() else super()._part(kind)

    def _fixed(self) -> Node:
        self._shared().positions.flags.writeable = False
        return self

    def _unchanged(self, copy: Node) -> bool:
        """Whether nothing was written here since that copy was made."""
        return self.i == copy.i

    def _constant(self, value: Any) -> Node:
        return self.tape.constant(value)

    def _lowered(self, c: Any) -> Any:
        return self.tape.constant(c) if isinstance(c, (Constant, Fraction)) else c

    def _ones(self) -> Any:
        one = self._kind().zeros(self.shape)
        one[...] = self._kind().one
        return self.tape.constant(one) if self.shape else self.tape.constant(1)

    def _local_series(self, row: Any, order: int) -> Any:
        """Return f⁽ᵐ⁾(x)/m!, m = 0..order, of a row with a local series."""
        terms = []
        for m in range(order + 1):
            terms.append(row(self) / math.factorial(m))
            row = derived(row)
        return np.stack(terms)

    def _zeros(self, shape: Shape) -> Any:
        return self.tape.constant(self._kind().zeros(shape))

    def _kind(self) -> Kind:
        """Return the kind of number of the value."""
        value = self.tape.values[self.i]
        like = self.tape.like if value is None else value
        return Kind.of() if like is None else Kind.of(like)

    def _nonzero(self) -> Array:
        """Return where the value can be other than zero, whatever the inputs."""
        found = self.tape.nonzero
        if self.i not in found:
            op, args, shape = self.tape.code[self.i]
            found[self.i] = np.ones(shape, dtype=bool)
            if type(op) is Const:
                found[self.i] = np.broadcast_to(nonzero(np.asarray(op.c)), shape)
            elif isinstance(op, (Gather, Reshape, Scatter)):
                known = [Node(self.tape, a)._nonzero().astype(float) for a in args]
                found[self.i] = np.asarray(op.moved(known, 0) != 0)
        return found[self.i]

    def __eq__(self, other: Any) -> Any:
        same = self.__ne__(other)
        return same if same is NotImplemented else not same if isinstance(same, bool) else ~same

    def __ne__(self, other: Any) -> Any:
        if not fits(other):
            return NotImplemented
        difference = self - other
        unlike = difference._truth() if isinstance(difference, Node) else difference != 0
        return bool(unlike) if np.ndim(unlike) == 0 else unlike

    __hash__ = Operand.__hash__

    def __int__(self) -> int:
        return held_integer(self) if self.tape.watched and not self.shape else super().__int__()

    def _truth(self) -> Array:
        """Return where the value is other than zero, with a guard; at a zero it is not known."""
        x = within(self.value, Node)  # of an outer recording: there it leaves a guard, too
        outcome = x._truth() if isinstance(x, Node) else ~np.asarray(equal(x, 0), dtype=bool)
        if np.any(~outcome & self._nonzero()):
            raise TieError(
                "the truth of a recorded value that is zero, and == of two with one value, depend "
                f"on their derivatives; compare with < or > ({PAGE})"
            )
        self.tape.guards.append(Guard("not_equal", self.i, -1, own(outcome), ((0,), ())))
        return outcome

    def __bool__(self) -> bool:
        raise TraceError(
            "the truth of a recorded value depends on all its derivatives; write x > 0 or x < 0 "
            f"({PAGE})"
        )

    def _refused(self, what: str) -> TraceError:
        return TraceError(*super()._refused(what).args)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        if dtype is not None and np.dtype(dtype) != object:
            raise self._refused("an array of numbers")
        return self._objects(copy)


class PartNode(Node):
    """The real or imaginary part of a node in memory: a view that reads and writes through it."""

    __slots__ = ("_of", "_which", "_whole")

    def __init__(self, whole: Node, which: str) -> None:
        super().__init__(whole.tape, whole.i)
        self._whole, self._which, self._where = whole, which, whole._where
        self._of = -1  # the content of the whole that instruction _i takes the part of, once asked

    @property
    def i(self) -> int:
        """The instruction that holds the content."""
        now = self._whole.i
        if now != self._of:
            self._of = now
            self._i = bind(Part(self._which), Node(self.tape, now)).i
        return self._i

    def _memory(self) -> Any:
        return self._whole._memory()

    def _viewed(self, f: Callable[..., Any]) -> Any:
        return each(lambda x: x._part(self._which), self._whole._viewed(f))

    def _assign(self, index: Any, value: Any) -> None:
        value = fitted(lift(value), self.tape.values[self.i])
        if isinstance(value, Node) and value.i == self[index].i:
            return  # z.real += 1 ends with z.real = z.real
        real = self._which == "real"
        other = bind(Part("imag" if real else "real"), self._whole[index])
        self._whole._assign(index, value + 1j * other if real else other + 1j * value)
