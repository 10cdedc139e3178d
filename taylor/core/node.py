"""Nodes: the variables of a function that is being recorded, with NumPy's operators and memory."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from types import NoneType
from typing import Any, cast

import numpy as np

from taylor.core.advice import PAGE
from taylor.core.applied import Call
from taylor.core.bilinear import Bilinear
from taylor.core.calls import Row, of_row
from taylor.core.conditions import (
    MIRRORED,
    SIGNS,
    Condition,
    Guard,
    held_integer,
    held_step,
    jump_in,
    own,
)
from taylor.core.functions import stop_gradient
from taylor.core.instructions import ADD, DIV, MUL, Arithmetic, Const, Input, Op, Scale, Shape
from taylor.core.maps import Gather, Reshape, Scatter, gather
from taylor.core.memory import Cell, each, in_memory, joint, placed, positions, renew, shares
from taylor.core.operand import NUMBERS, Operand, binary, bind, fits, host, lift
from taylor.core.parts import Part
from taylor.core.places import Place, copied, element, moved, whole
from taylor.core.products import Between
from taylor.core.sides import Choose
from taylor.core.simpler import SIMPLER, arithmetic, negative
from taylor.core.singular import equal
from taylor.core.table import Elementary, derived
from taylor.core.tables import nonzero
from taylor.core.tags import Tag
from taylor.errors import TieError, TraceError
from taylor.numbers.formulas import Constant
from taylor.numbers.kinds import Array, Kind, base, base_array, is_operand, within
from taylor.numbers.values import fitted, is_complex, of_value

FACTORS = frozenset((int, float, np.float64))
PLAIN = frozenset((int, float, np.float64, np.ndarray))  # what an operator takes as it is
MINUS, MINUS_KEY = Scale(-1), Scale(-1).key()


def _varies(code: Sequence[Any], i: int) -> bool:
    """Whether a value has derivatives: not every way to an input leads through stop_gradient."""
    found = {i}
    for j in (left := [i]):
        op, args, _ = code[j]
        if type(op) is Input:
            return True
        if type(op) is not Row or op.row is not stop_gradient:
            left.extend(new := set(args) - found)
            found |= new
    return False


class Node(Operand):
    """A variable of a program being recorded."""

    __slots__ = ("_cell", "_i", "_place", "_seen", "_where", "tape")
    takes_all = True
    tape: Any  # the recording
    _seen: int  # the version of the cell that instruction _i reads
    _where: Any  # where its elements, of the cell if there is one, lie in memory; None: in C order
    _place: Place | None  # the same as what is known of all arrays of a shape, if it is

    def __init__(self, tape: Any, i: int, like: Array | None = None) -> None:
        self.tape = tape
        self._i = i
        self._where = None if like is None else placed(like)
        self._place = None
        self._cell: Cell | None = None  # what it shares with views of it, once there are any

    @property
    def i(self) -> int:
        """The instruction that holds the content."""
        cell = self._cell
        if cell is not None and self._seen != cell.version:  # written through another view
            if self._place is None or cell.source is not None:
                self._i = self._read(cell, self._where, cell.in_order)._i
            else:
                self._i = self._found(cell, self._place)
            self._seen = cell.version
            if self._where is cell.positions:
                cell.hold(self._i)
        return self._i

    @property
    def tag(self) -> Tag:
        """The identity of the recording."""
        return cast(Tag, self.tape.tag)

    @property
    def shape(self) -> Shape:
        """Shape of the variable."""
        found: Shape = self.tape.code[self._i][2] if self._cell is None else self._where.shape
        return found

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

    @property
    def complex(self) -> bool:
        """Whether the numbers at the point of the recording are complex."""
        known = None if self.tape.tag.closed else self.tape.values[self.i]
        return is_complex(self.value if known is None else known)

    def astype(self, dtype: Any, order: Any = "K", copy: bool = True) -> Any:
        """Return the variable in a wider type of numbers, its axes in that order in memory.

        As bool it is the condition x != 0.
        """
        dtype = np.dtype(dtype)
        if dtype.kind == "b":
            return self != 0
        if dtype in (self.dtype, np.dtype(object)):
            return self.copy(order) if copy else self
        if dtype.kind in "fc" and np.can_cast(self.dtype, dtype):
            wider = self * dtype.type(1)
            return wider if order == "K" else wider.copy(order)
        if dtype.kind in "iu" and self._is_step():
            return held_step(self).astype(int).astype(dtype)
        raise TraceError(
            f"recorded values are {self.dtype}; astype({dtype}) would cut off "
            + (
                "digits: convert the point"
                if dtype.kind in "fc"
                else "derivatives: take np.floor before, a constant"
            )
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
        return bool(self.tape.holds(other))

    def _in_memory(self) -> Any:
        return super()._in_memory() if self._where is None else self._where

    def _beside(self, *args: Any) -> Node:
        """Return the node of a new element-wise result of those arguments, laid out as NumPy's."""
        for x in args if len(self.shape) > 1 else ():
            if type(x) is Node:
                if x._where is not None and not x._where.flags.c_contiguous:
                    break
            elif not (x.flags.c_contiguous if type(x) is np.ndarray else type(x) in NUMBERS):
                break
        else:
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
        if type(self) is Node and self.shape:
            cell = self._shared()
            place = None if self._place is None else element(self._place, index)
            if place is not None:
                return self._at(cell, place)
            if type(index) is slice:
                return self._view(cell, self._where[index])
        return super().__getitem__(index)

    # arithmetic -----------------------------------------------------------------------------
    __add__, __radd__ = binary(ADD, "tape")
    __mul__, __rmul__ = binary(MUL, "tape")
    __truediv__, __rtruediv__ = binary(DIV, "tape")

    def __sub__(self, o: Any) -> Any:
        if type(o) is Node:
            return self + -o
        return self + negative(o, self.tape.like) if fits(o) else NotImplemented

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
            here = type(x) is Node and x.tape is self.tape
            if not (here or type(x) in PLAIN) or (type(x) is np.ndarray and x.dtype.hasobject):
                return super()._bound(op, args)
        return self.process(op, args)

    def process(self, op: Op, args: Sequence[Any]) -> Any:
        """Append an instruction on those arguments, or what is simpler and the same."""
        tape = self.tape
        if isinstance(op, Arithmetic):
            a, b = args
            node = self._scaled(b if a is self else a) if op is MUL else None
            if node is None:
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
        simpler = SIMPLER.get(type(op))
        found = None if simpler is None else simpler(tape, op, nodes)
        node = tape.apply(op, tuple([x.i for x in nodes])) if found is None else found
        if op.by_element and len(tape.code[node._i].shape) > 1:
            return node._beside(*args)
        return node

    def _scaled(self, c: Any) -> Node | None:
        """Return its product with a number, the shortest way; None if there is none."""
        if type(c) not in FACTORS:
            return None
        tape, i = self.tape, self.i
        op, _, shape = tape.code[i]
        if type(op) is Const:
            return None
        if type(c) is int and c == 1:
            return Node(tape, i)
        scaled: Node = tape.apply(Scale(c), (i,), shape)
        return scaled

    def _paired(self, between: Between, y: Any) -> Any:
        """Return the sums of products of its rows and those of y.

        Whole factors of these go into the sums: an array of multiples would take memory.
        """
        (x, a), (y, b) = _unscaled(self), _unscaled(y)
        op = between.made.get(a * b)
        if op is None:
            op = between.made[a * b] = Bilinear(between.pairs.scaled(a * b), between.rows)
        return bind(op, x, y)

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
            shape = self.shape
            if self._where is None:
                self._place = whole(shape)
                self._where = positions(shape) if self._place is None else self._place.where
            self._cell = Cell(self._i, self._where)
            self._cell.views.add(self)
            self._seen = 0
        return self._cell

    def _memory(self) -> Any:
        return self._cell

    def _viewed(self, f: Callable[..., Any]) -> Any:
        self = self if self._is_array() else self.copy()
        cell = self._shared()
        place = None if self._place is None else moved(self._place, f)
        if place is not None:
            return self._at(cell, place)

        def one(where: Any) -> Any:
            if shares(where, self._where):
                return self._view(cell, where)
            where = np.asarray(where)
            if cell.source is not None:
                return self._read(cell, where)
            return self._at(cell, copied(where, cell.positions.shape))

        return each(one, f(self._where))

    def _in_shape(self, shape: Shape) -> Any:
        if self._where is not None:
            return self.reshape(shape)
        return self.tape.apply(Reshape(shape), (self.i,), shape)

    def _rearranged(self, f: Callable[..., Any]) -> Any:
        self = self if self._is_array() else self.copy()
        cell = self._shared()
        place = None if self._place is None or cell.source is not None else moved(self._place, f)
        return super()._rearranged(f) if place is None or place.shared else self._at(cell, place)

    def _view(self, cell: Cell, where: Array, place: Place | None = None) -> Node:
        """Return the view of those positions of a cell."""
        view = Node(self.tape, -1)
        view._cell, view._where, view._seen, view._place = cell, where, -1, place
        cell.views.add(view)
        return view

    def _at(self, cell: Cell, place: Place) -> Node:
        """Return the view at a place in a cell or, of a copy, a node of what lies there."""
        if place.shared:
            return self._view(cell, place.where, place)
        if cell.source is not None:
            return self._read(cell, place.where)
        node = Node(self.tape, self._found(cell, place))
        node._where = place.layout
        return node

    def _found(self, cell: Cell, place: Place) -> int:
        """Return the instruction that reads what lies at a place in a cell without writes."""
        op, i = place.op, cell.i
        return i if op is None else self.tape.apply(op, (i,), place.where.shape)._i

    def _read(self, cell: Cell, where: Array, view: bool = False) -> Node:
        """Return a node of the elements at those positions of a cell, as they are now."""
        if view and cell.source is None and where.size and where.flags.c_contiguous:
            source = Node(self.tape, cell.i)
            return cast(Node, self.tape.run(source, int(where.item(0)) - 1, where.shape))
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
        if cell.copies.known:
            renew(cell)

    def _part(self, kind: str) -> Any:
        return PartNode(self, kind) if self._is_array() else super()._part(kind)

    def _fixed(self) -> Node:
        cell = self._shared()
        cell.positions = cell.place = self._where = self._where.copy()
        self._where.flags.writeable, self._place = False, None
        return self

    def _unchanged(self, copy: Node) -> bool:
        """Whether nothing was written here since that copy was made."""
        return self.i == copy.i

    def _constant(self, value: Any) -> Any:
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
        return cast(Array, found[self.i])

    def __eq__(self, other: Any) -> Any:
        same = self.__ne__(other)
        return same if same is NotImplemented else not same if isinstance(same, bool) else ~same

    def __ne__(self, other: Any) -> Any:
        if not fits(other):
            return NotImplemented
        if not is_operand(other) and self._is_step():  # the guard is on a value without rounding
            unlike = held_step(self) != other
            return bool(unlike) if np.ndim(unlike) == 0 else unlike
        difference = self - other
        unlike = difference._truth() if isinstance(difference, Node) else difference != 0
        return bool(unlike) if np.ndim(unlike) == 0 else unlike

    def _is_step(self) -> bool:
        """Whether it is made of constants, choices, and what is constant between jumps."""
        found, code, steps = {self.i}, self.tape.code, self.tape.steps
        for i in (left := [self.i]):
            op, args, _ = code[i]
            if steps.get(i):
                continue
            if i in steps or (not args and type(op) is not Const):
                steps[self.i] = False
                return False
            if type(op) is Row and op.row.jumps is not None:
                x = [base(self.tape.value_of(a)) for a in args]
                if self.tape.watched or not any(_varies(code, a) for a in args):
                    continue
                if np.any(op.row.jumps(*x)):
                    raise jump_in("an integer")
                continue
            chosen = isinstance(op, Choose) and op.mode == "where"
            left.extend(new := set(args[2:] if chosen else args) - found)
            found |= new
        steps.update(dict.fromkeys(left, True))
        return True

    def _constant_index(self) -> Any:
        """Return the integers that a recorded step of whole numbers is, leaving a guard."""
        if not self._is_step():
            return super()._constant_index()
        n = held_step(self)
        if np.any(n != np.rint(n)):
            raise IndexError(f"an index is a whole number, and not {n}")
        return n.astype(int) if n.shape else int(n)

    def __index__(self) -> int:
        steps = not self.shape and self._is_step()
        return operator.index(self._constant_index()) if steps else super().__index__()

    def __hash__(self) -> int:
        steps = not self.shape and self._is_step()
        return hash(held_step(self)[()]) if steps else super().__hash__()

    def __int__(self) -> int:
        if not self.shape and self._is_step():
            return int(held_step(self))
        return held_integer(self) if self.tape.watched and not self.shape else super().__int__()

    def __float__(self) -> float:
        steps = not self.shape and self._is_step()
        return float(held_step(self)) if steps else super().__float__()

    def _truth(self) -> Array:
        """Return where the value is other than zero, with a guard; of zeros, those of steps."""
        if self._is_step():
            return np.asarray(held_step(self) != 0)
        x = within(self.value, Node)  # of an outer recording: there it leaves a guard, too
        outcome = x._truth() if isinstance(x, Node) else ~np.asarray(equal(x, 0), dtype=bool)
        if np.any(~outcome & self._nonzero()):
            self.tape.tied = True
            raise TieError(
                "the truth of a recorded value that is zero, and == of two with one value, depend "
                f"on their derivatives; compare with < or > ({PAGE})"
            )
        self.tape.guards.append(Guard("not_equal", self.i, -1, own(outcome), ((0,), ())))
        return outcome

    def __bool__(self) -> bool:
        if math.prod(self.shape) != 1:
            raise TraceError(
                f"the truth of a recorded value of shape {self.shape} is ambiguous; write "
                f"np.any(x != 0) or np.all(x > 0) ({PAGE})"
            )
        return bool(self._truth())

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

    def _rearranged(self, f: Callable[..., Any]) -> Any:
        return self.copy("K")._rearranged(f)  # what lies in memory is the whole

    def _assign(self, index: Any, value: Any) -> None:
        value = fitted(lift(value), self.tape.values[self.i])
        if isinstance(value, Node) and value.i == self[index].i:
            return  # z.real += 1 ends with z.real = z.real
        real = self._which == "real"
        other = bind(Part("imag" if real else "real"), self._whole[index])
        self._whole._assign(index, value + 1j * other if real else other + 1j * value)


def _unscaled(x: Any) -> tuple[Any, int]:
    """Return what is multiplied by an integer, and this."""
    c = 1
    while type(x) is Node and type(op := x.tape.code[x.i].op) is Scale and type(op.c) is int:
        x, c = x.tape.at(x.tape.code[x.i].args[0]), c * op.c
    return x, c
