"""The tape: recording what a function does to array-valued variables (a Wengert list).

A recorded instruction is one of

    input · constant · add · mul · div · linear · einsum · choose · elementary · call

Arguments of element-wise instructions broadcast as in NumPy.  Every shape operation is `linear`:
y = S x with a constant S.  Nodes carry the values of the recording, in whatever number type they
are, so that a Python branch can be taken; each branch leaves a guard.  A value of an outer
differentiation that meets a node is a constant of the recording (see `tags`).
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from taylor import elementary
from taylor.algebra import contract, nonzero
from taylor.arrays import Operand, host, lift
from taylor.elementary import Rule, choose, derived
from taylor.errors import ForeignNodeError, ShapeMismatch, TraceError
from taylor.tags import Tag, fresh_tag
from taylor.values import Constant, as_array, base, constant, is_operand

Array = Any
Shape = tuple[int, ...]
ARITHMETIC = {"add": operator.add, "mul": operator.mul, "div": operator.truediv}
COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
LARGE = 1024  # elements of an array that is told from others by identity, not by content
MIRRORED = {"<": operator.gt, "<=": operator.ge, ">": operator.lt, ">=": operator.le}


class Linear(NamedTuple):
    """A constant linear map y = S x of one or several arrays.

    | kind | data | y |
    |---|---|---|
    | gather | index | y.flat[i] is element index[i] of the joined sources, -1 meaning zero |
    | scatter | (index, shape) | the transpose: y.flat[index[i]] += x.flat[i] |
    | reshape | shape | the same elements |
    | sum | axes | the sum over them |
    | cumsum | axis | the running sum |
    | scale | c | c·x |
    | einsum | (spec, c) | einsum(spec, c, x) |
    """

    kind: str
    data: Any

    def __call__(self, *xs: Any) -> Any:
        """Return S x for plain arrays or operands."""
        x = xs[0]
        if self.kind == "scale":
            return x * self.data
        if self.kind == "einsum":
            return contract(self.data[0], self.data[1], x)
        return self.moved(xs, 0)

    def moved(self, xs: Sequence[Any], lead: int) -> Any:
        """Return S x under `lead` leading axes, for the kinds that only move and add elements."""
        x = xs[0]
        if self.kind == "gather":
            return gather(xs, self.data, lead)
        if self.kind == "scatter":
            index, shape = self.data
            return scatter(x, index, shape, lead)
        if self.kind == "reshape":
            return np.reshape(x, (*np.shape(x)[:lead], *self.data))
        if self.kind == "sum":
            return np.sum(x, axis=tuple(d + lead for d in self.data))
        return np.cumsum(x, axis=self.data + lead)


def gather(sources: Sequence[Any], index: Array, lead: int) -> Any:
    """Return elements of the joined sources by position (-1: zero), under `lead` leading axes."""
    owner = None if lead else host(sources)
    if owner is not None:
        return owner._gather(sources, index)
    flat = [np.reshape(x, (*np.shape(x)[:lead], -1)) for x in sources]
    if index.size and index.min() < 0:
        flat.append(flat[0][..., :0].sum(-1)[..., None] if lead else np.zeros(1))
    joined = flat[0] if len(flat) == 1 else np.concatenate(flat, axis=-1)
    found = joined[..., index]
    return found[()] if isinstance(found, np.ndarray) else found  # a number, not an array of one


def scatter(x: Any, index: Array, shape: Shape, lead: int = 0) -> Any:
    """Return the array y with y.flat[index[i]] = Σ x.flat[i] (index -1: dropped)."""
    size = int(np.prod(shape, dtype=int))
    front = tuple(np.shape(x)[:lead])
    rows = int(np.prod(front, dtype=int))
    to = index.reshape(-1)
    x = np.reshape(x, (rows, -1))
    if to.size and to.min() < 0:
        x, to = x[:, to >= 0], to[to >= 0]
    to = (np.arange(rows)[:, None] * size + to).reshape(-1)
    x = np.reshape(x, -1)
    if is_operand(x):
        y = x._scatter(to, (rows * size,))
    elif x.dtype.kind == "f":
        y = np.bincount(to, weights=x, minlength=rows * size).astype(x.dtype, copy=False)
    else:
        y = np.zeros(rows * size, dtype=x.dtype)
        np.add.at(y, to, x)
    return np.reshape(y, (*front, *shape))


class Instruction(NamedTuple):
    """v_i = op(args; param): one line of a program."""

    op: str
    args: tuple[int, ...]
    param: Any
    shape: Shape


def pruned(
    code: Sequence[Instruction], needed: Iterable[int]
) -> tuple[list[Instruction], dict[int, int]]:
    """Return the instructions that the needed ones rest on, and the new index of each."""
    kept: set[int] = set()
    stack = list(needed)
    while stack:
        i = stack.pop()
        if i not in kept:
            kept.add(i)
            stack.extend(code[i].args)
    new = {i: n for n, i in enumerate(sorted(kept))}
    return [code[i]._replace(args=tuple(new[a] for a in code[i].args)) for i in new], new


class Guard(NamedTuple):
    """What a decision of the recording rested on: the outcome of v_a (op) v_b.

    With b = -1 the decision was np.op(v_a, *extra), for example an argsort.
    """

    op: str
    a: int
    b: int
    outcome: Array
    extra: tuple[Any, ...] = ()

    def holds(self, value: Callable[[int], Any]) -> bool:
        """Whether the decision is the same for the plain values `value(i)`."""
        if self.b < 0:
            return np.array_equal(getattr(np, self.op)(value(self.a), *self.extra), self.outcome)
        return np.array_equal(COMPARISONS[self.op](value(self.a), value(self.b)), self.outcome)

    def __str__(self) -> str:
        right = f"np.{self.op}(v{self.a})" if self.b < 0 else f"v{self.a} {self.op} v{self.b}"
        return f"the decision {right} was {self.outcome} when the program was recorded"


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
        self.like: Any = None  # the number type of the recording
        self.arrays: dict[int, tuple[Array, Array, bool, int]] = {}  # large constants by identity
        self.through: frozenset[Tag] = frozenset()  # tags of the driver's own: no part of .value
        self.read = False  # whether the recorded function has taken a plain value out
        self.outer: set[Tag] = set()  # of variables made by hand that the point is a series in

    def push(self, op: str, args: tuple[int, ...], param: Any, shape: Shape, value: Any) -> Node:
        """Append one instruction (or find it) and return its node."""
        if self.tag.closed:
            raise ForeignNodeError(
                "a node outlived its recording; return results from the recorded function instead"
            )
        key = (op, args, _key(param))
        if key in self.seen and op != "input":
            return Node(self, self.seen[key])
        self.code.append(Instruction(op, args, param, shape))
        self.values.append(value)
        self.seen[key] = len(self.code) - 1
        return Node(self, len(self.code) - 1)

    def input(self, shape: Shape, value: Any = None) -> Node:
        """Append an input."""
        if self.like is None and value is not None:
            self.like = value if is_operand(value) else np.asarray(value)
        x = value
        while is_operand(x):
            if x.tag.level >= 0:
                self.outer.add(x.tag)
            x = x.value
        node = self.push("input", (), len(self.inputs), shape, value)
        self.inputs.append(node.i)
        return node

    def constant(self, c: Any) -> Node:
        """Append a constant: a number, an array, a named Constant, or an outer value."""
        if isinstance(c, (Constant, Fraction)):
            value = None if self.like is None else constant(c, self.like)
            return self.push("constant", (), c, (), value)
        if is_operand(c):
            return self.push("constant", (), c, c.shape, c)
        if np.ndim(c) == 0 and not isinstance(c, np.ndarray):
            as_array(c)
            return self.push("constant", (), c, (), c)
        known = self.arrays.get(id(c))
        if known is not None and np.array_equal(known[0], known[1], equal_nan=known[2]):
            return Node(self, known[3])
        # what nobody can write into, such as a constant of another tape, needs no copy
        fixed = isinstance(c, np.ndarray) and c.flags.owndata and not c.flags.writeable
        array = c if fixed and c.dtype.kind in "fc" else as_array(c)
        array.flags.writeable = False
        node = self.push("constant", (), array, array.shape, array)
        if array.size > LARGE and isinstance(c, np.ndarray):
            self.arrays[id(c)] = (c, array, array.dtype.kind in "fc", node.i)
        return node

    def holds(self, x: Any) -> bool:
        """Whether the value x belongs to a differentiation outside of this recording."""
        tag: Tag = x.tag
        return not tag.closed and (tag.level < self.tag.level or tag in self.outer)

    def node(self, x: Any) -> Node:
        """Return x as a node of this tape."""
        if isinstance(x, Node) and x.tape is self:
            return x
        if is_operand(x) and not self.holds(x):
            raise ForeignNodeError(
                f"a {type(x).__name__} of another, inner or finished differentiation cannot be "
                "used here: return results from their own function, or keep their .value"
            )
        return self.constant(x)

    def linear(self, kind: str, data: Any, sources: Sequence[Any], shape: Shape) -> Node:
        """Append a linear map of the sources."""
        nodes = [self.node(x) for x in sources]
        values = [self.values[n.i] for n in nodes]
        linear = Linear(kind, data)
        with np.errstate(all="ignore"):
            value = None if any(v is None for v in values) else linear(*values)
        return self.push("linear", tuple(n.i for n in nodes), linear, shape, value)

    def scale(self, x: Node, c: Any) -> Node:
        """Append c·x for a constant c."""
        value = self.values[x.i]
        with np.errstate(all="ignore"):
            scaled = None if value is None else value * constant(c, self.like)
        return self.push("linear", (x.i,), Linear("scale", c), x.shape, scaled)


def _key(param: Any) -> Any:
    """Return a hashable stand-in for a parameter that tells 1 from 1.0 and 0.0 from -0.0."""
    if isinstance(param, np.ndarray) and param.size > LARGE:
        return id(param)
    if isinstance(param, np.ndarray):
        body = param.tobytes() if param.dtype != object else tuple(map(_key, param.ravel()))
        return (param.dtype.str, param.shape, body)
    if isinstance(param, tuple):
        return tuple(_key(p) for p in param)
    if isinstance(param, (elementary.Elementary, Rule, Constant)) or is_operand(param):
        return id(param)
    return (type(param), repr(param))


class Node(Operand):
    """A variable of a program being recorded."""

    __slots__ = ("_view", "i", "tape")

    def __init__(self, tape: Tape, i: int) -> None:
        self.tape = tape
        self.i = i
        self._view = False

    def _as_view(self) -> Node:
        self._view = True
        return self

    @property
    def tag(self) -> Tag:
        """The identity of the recording."""
        return self.tape.tag

    @property
    def shape(self) -> Shape:
        """Shape of the variable."""
        return self.tape.code[self.i].shape

    @property
    def value(self) -> Any:
        """The value at the point of the recording."""
        value = self.tape.values[self.i]
        if value is None:
            raise TraceError("this recording is symbolic: a node of it has no value to branch on")
        while getattr(value, "tag", None) in self.tape.through:
            value = value.value
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if not is_operand(value) and caller.partition(".")[0] not in ("taylor", "hyperdual"):
            self.tape.read = True
        return value

    def __repr__(self) -> str:
        return f"<node v{self.i} of shape {self.shape}>"

    def _hosts(self, other: Operand) -> bool:
        return self.tape.holds(other)

    # arithmetic -----------------------------------------------------------------------------
    def _binary(self, op: str, x: Any, y: Any) -> Any:
        x, y = lift(x), lift(y)
        owner = host((x, y))
        if not isinstance(owner, Node):  # an inner series, of which the nodes are coefficients
            return owner._operate(op, x, y)
        tape = owner.tape
        a, b = tape.node(x), tape.node(y)
        folded = _fold_identity(op, a, b)
        if folded is not None:
            return folded
        try:
            shape = np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            raise ShapeMismatch(f"shapes {a.shape} and {b.shape} do not fit in {op}") from None
        if op == "mul":
            for factor, other in ((a, b), (b, a)):
                c = tape.code[factor.i]
                varies = tape.code[other.i].op != "constant" and other.shape == shape
                if c.op == "constant" and varies and not is_operand(c.param):
                    return tape.scale(other, c.param)
        va, vb = tape.values[a.i], tape.values[b.i]
        with np.errstate(all="ignore"):
            value = None if va is None or vb is None else ARITHMETIC[op](va, vb)
        return tape.push(op, (a.i, b.i), None, shape, value)

    def __add__(self, o: Any) -> Any:
        return self._binary("add", self, o) if _ok(o) else NotImplemented

    def __radd__(self, o: Any) -> Any:
        return self._binary("add", o, self) if _ok(o) else NotImplemented

    def __mul__(self, o: Any) -> Any:
        return self._binary("mul", self, o) if _ok(o) else NotImplemented

    def __rmul__(self, o: Any) -> Any:
        return self._binary("mul", o, self) if _ok(o) else NotImplemented

    def __truediv__(self, o: Any) -> Any:
        return self._binary("div", self, o) if _ok(o) else NotImplemented

    def __rtruediv__(self, o: Any) -> Any:
        return self._binary("div", o, self) if _ok(o) else NotImplemented

    def __sub__(self, o: Any) -> Any:
        return self + _negative(o) if _ok(o) else NotImplemented

    def __rsub__(self, o: Any) -> Any:
        return o + -self if _ok(o) else NotImplemented

    def __neg__(self) -> Any:
        instruction = self.tape.code[self.i]
        if instruction.op == "linear" and _key(instruction.param) == _key(Linear("scale", -1)):
            return Node(self.tape, instruction.args[0])
        if instruction.op == "constant" and not isinstance(instruction.param, Constant):
            return self.tape.constant(-instruction.param)
        return self.tape.scale(self, -1)

    # primitives -----------------------------------------------------------------------------
    def _elementary(self, row: Any, args: tuple[Any, ...]) -> Any:
        args = tuple(lift(a) for a in args)
        if any(a is None for a in args):  # np.clip with one side open
            return row.compose(*args)
        owner = host(args)
        if not isinstance(owner, Node):
            return owner._elementary(row, args)
        tape = owner.tape
        nodes = [tape.node(a) for a in args]
        shape = np.broadcast_shapes(*(n.shape for n in nodes))
        values = [tape.values[n.i] for n in nodes]
        with np.errstate(all="ignore"):
            value = None if any(v is None for v in values) else row(*values)
        return tape.push("elementary", tuple(n.i for n in nodes), row, shape, value)

    def _call(self, rule: Rule, args: tuple[Any, ...]) -> Any:
        args = tuple(lift(a) for a in args)
        owner = host(args)
        if not isinstance(owner, Node):
            return owner._call(rule, args)
        tape = owner.tape
        nodes = [tape.node(a) for a in args]
        y = rule(*(tape.values[n.i] for n in nodes))
        shapes = [np.shape(z) for z in y] if isinstance(y, tuple) else None
        value = flat(y)
        param = Call(rule, None if shapes is None else tuple(shapes))
        node = tape.push("call", tuple(n.i for n in nodes), param, np.shape(value), value)
        return param.split(node)

    def _gather(self, sources: Sequence[Any], index: Array) -> Any:
        owner = host(sources)
        if not isinstance(owner, Node):
            return owner._gather(sources, index)
        x = sources[0]
        if len(sources) == 1 and index.size == x.size:
            in_order = np.array_equal(index.reshape(-1), np.arange(x.size))
            if in_order and index.shape == x.shape:
                return Node(x.tape, x.i)
            if in_order:
                return x.tape.linear("reshape", index.shape, [x], index.shape)
        return owner.tape.linear("gather", index, sources, index.shape)

    def _scatter(self, index: Array, shape: Shape) -> Any:
        return self.tape.linear("scatter", (index, shape), [self], shape)

    def _sum(self, axes: tuple[int, ...]) -> Any:
        shape = tuple(n for i, n in enumerate(self.shape) if i not in axes)
        return self.tape.linear("sum", axes, [self], shape)

    def _cumsum(self, axis: int) -> Any:
        return self.tape.linear("cumsum", axis, [self], self.shape)

    def _reduceat(self, starts: Array, axis: int) -> Any:
        starts = np.asarray(starts)
        ends = [*starts[1:], self.shape[axis]]
        rows = [range(a, max(b, a + 1)) for a, b in zip(starts, ends, strict=True)]
        taken: Any = np.take(self, np.concatenate(rows), axis=axis)
        index = np.arange(taken.size // max(taken.shape[axis], 1) * len(starts))
        shape = tuple(len(starts) if i == axis else n for i, n in enumerate(self.shape))
        segments = np.repeat(np.arange(len(starts)), [len(r) for r in rows])
        return taken._scatter(np.take(index.reshape(shape), segments, axis=axis), shape)

    def _einsum(self, spec: str, x: Any, y: Any) -> Any:
        owner = host((x, y))
        if not isinstance(owner, Node):
            return owner._einsum(spec, x, y)
        tape = owner.tape
        terms, out = spec.split("->")
        a, b = terms.split(",")
        x, a = _reduced(tape.node(x), a, b + out)
        y, b = _reduced(tape.node(y), b, a + out)
        sizes = dict(zip(a, x.shape, strict=True)) | dict(zip(b, y.shape, strict=True))
        shape = tuple(sizes[c] for c in out)
        for c, node, names in ((x, y, f"{a},{b}->{out}"), (y, x, f"{b},{a}->{out}")):
            instruction = tape.code[c.i]
            if instruction.op == "constant" and not is_operand(instruction.param):
                return tape.linear("einsum", (names, np.asarray(instruction.param)), [node], shape)
        vx, vy = tape.values[x.i], tape.values[y.i]
        names = f"{a},{b}->{out}"
        with np.errstate(all="ignore"):
            value = None if vx is None or vy is None else contract(names, vx, vy)
        return tape.push("einsum", (x.i, y.i), names, shape, value)

    def _choose(self, lhs: Any, rhs: Any, a: Any, b: Any, mode: str) -> Any:
        args = tuple(lift(x) for x in (lhs, rhs, a, b))
        owner = host(args)
        if not isinstance(owner, Node):
            return owner._choose(*args, mode)
        tape = owner.tape
        nodes = [tape.node(x) for x in args]
        shape = np.broadcast_shapes(*(n.shape for n in nodes))
        values = [tape.values[n.i] for n in nodes]
        if mode == "kink" and any(np.iscomplexobj(base(v)) for v in values):
            raise TypeError(
                "abs, maximum and their kin are not holomorphic: they have no derivative at a "
                "complex value; work with real and imaginary parts as two real variables"
            )
        value = (
            None
            if any(v is None for v in values)
            else choose(values[0], values[1], values[2], values[3], mode)
        )
        return tape.push("choose", tuple(n.i for n in nodes), mode, shape, value)

    def _decided(self, op: str, extra: tuple[Any, ...]) -> Any:
        """Return np.op of the value, leaving a guard for it."""
        outcome = getattr(np, op)(self.value, *extra)
        self.tape.guards.append(Guard(op, self.i, -1, outcome, extra))
        return outcome

    def _compare(self, op: Any, other: Any) -> Any:
        owner = host((self, lift(other)))
        sign = next(s for s, f in COMPARISONS.items() if f is op)
        if not isinstance(owner, Node):
            return MIRRORED[sign](owner, self)
        return Condition(sign, owner.tape.node(self), owner.tape.node(other))

    def _assign(self, index: Any, value: Any) -> None:
        node = self.tape.node(lift(value))
        size = self.size
        positions = np.arange(size).reshape(self.shape)
        target = positions[index]
        new = np.arange(size, size + node.size).reshape(node.shape)
        positions[index] = new.reshape(new.shape[new.ndim - np.ndim(target) :])
        self.i = self._gather([Node(self.tape, self.i), node], positions).i

    def _ones(self) -> Any:
        return self.tape.constant(np.ones(self.shape) if self.shape else 1)

    def _local_series(self, row: Any, order: int) -> Any:
        """Return f⁽ᵐ⁾(x)/m!, m = 0..order, of a row with a local series."""
        terms = []
        for m in range(order + 1):
            terms.append(row(self) / math.factorial(m))
            row = derived(row)
        return np.stack(terms)

    def _zeros(self, shape: Shape) -> Any:
        return self.tape.constant(np.zeros(shape))

    def _nonzero(self) -> Array:
        """Return where the value can be other than zero, whatever the inputs."""
        found = self.tape.nonzero
        if self.i not in found:
            op, args, param, shape = self.tape.code[self.i]
            found[self.i] = np.ones(shape, dtype=bool)
            if op == "constant":
                found[self.i] = np.broadcast_to(nonzero(np.asarray(param)), shape)
            elif op == "linear" and param.kind in ("gather", "reshape", "scatter"):
                known = [Node(self.tape, a)._nonzero() for a in args]
                found[self.i] = np.asarray(param(*(k.astype(float) for k in known)) != 0)
        return found[self.i]

    def __eq__(self, other: Any) -> Any:
        raise TraceError(
            "== of a recorded value depends on all its derivatives; compare with < or >"
        )

    __hash__ = None

    def __bool__(self) -> bool:
        raise TraceError("the truth of a recorded value depends on an input; write x > 0 or x < 0")

    def __float__(self) -> float:
        raise TraceError(
            "float() of a recorded value would drop its derivatives; use .value for the plain "
            "value, and make arrays to be filled with np.zeros_like(x), not np.zeros"
        )

    __int__ = __index__ = __complex__ = __float__

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        if dtype is not None and np.dtype(dtype) != object:
            raise TraceError("an array of numbers cannot hold recorded values; use np.stack")
        out = np.empty(self.shape, dtype=object)
        for i in np.ndindex(*self.shape):
            out[i] = self[i] if i else self
        return out


def _ok(x: Any) -> bool:
    return not (x is None or isinstance(x, (str, bytes)))


def _negative(x: Any) -> Any:
    x = lift(x)
    return -x if is_operand(x) else -as_array(x)[()]


def _fold_identity(op: str, a: Node, b: Node) -> Node | None:
    """Return x for x·1, 1·x and x/1 (exact for every number; x + 0 would lose the sign of -0)."""
    for unit, other in ((b, a), (a, b)):
        instruction = unit.tape.code[unit.i]
        one = (
            instruction.op == "constant"
            and instruction.shape == ()
            and type(instruction.param) is int
        )
        if one and instruction.param == 1 and (op == "mul" or (op == "div" and unit is b)):
            return Node(other.tape, other.i)
    return None


def _reduced(x: Node, axes: str, others: str) -> tuple[Node, str]:
    """Return x without repeated letters (its diagonal) and letters of its own (their sum)."""
    if len(set(axes)) < len(axes):
        kept = "".join(dict.fromkeys(axes))
        positions = np.einsum(f"{axes}->{kept}", np.arange(x.size).reshape(x.shape))
        x, axes = x._gather([x], np.array(positions)), kept
    alone = tuple(i for i, c in enumerate(axes) if c not in others)
    if alone:
        x, axes = x._sum(alone), "".join(c for c in axes if c in others)
    return x, axes


def flat(y: Any) -> Any:
    """Return the results of a call as one array: several are ravelled and joined."""
    return np.concatenate([np.reshape(z, -1) for z in y]) if isinstance(y, tuple) else y


def check_unread(x: Iterable[Any]) -> None:
    """Raise TraceError if a plain value was taken out: it would be another one elsewhere."""
    for v in x:
        while is_operand(v):
            if isinstance(v, Node) and v.tape.read:
                raise TraceError(
                    "the function takes the plain value of an argument (.value), which would be "
                    "that of the recording for ever"
                )
            v = v.value


class Call(NamedTuple):
    """The parameter of a `call`: the rule, and the shapes of its results if it has several."""

    rule: Rule
    shapes: tuple[Shape, ...] | None

    def split(self, y: Any) -> Any:
        """Return the results of the rule from one array."""
        if self.shapes is None:
            return y
        sizes = [int(np.prod(s, dtype=int)) for s in self.shapes]
        ends = np.cumsum(sizes)
        return tuple(
            np.reshape(y[end - n : end], s)
            for n, end, s in zip(sizes, ends, self.shapes, strict=True)
        )


class Condition:
    """A comparison of recorded values: its truth leaves a guard, np.where records a choice."""

    __array_priority__ = 2000.0

    def __init__(self, op: str, lhs: Node, rhs: Node) -> None:
        self.op, self.lhs, self.rhs = op, lhs, rhs

    def mask(self) -> Any:
        """Return the outcome at the recorded point, leaving a guard for it."""
        outcome = _mask(COMPARISONS[self.op](self.lhs.value, self.rhs.value))
        self.lhs.tape.guards.append(Guard(self.op, self.lhs.i, self.rhs.i, outcome))
        return outcome

    def __bool__(self) -> bool:
        if np.broadcast_shapes(self.lhs.shape, self.rhs.shape) != ():
            raise TraceError(
                f"the truth of an array-valued comparison of shapes {self.lhs.shape} {self.op} "
                f"{self.rhs.shape} is ambiguous; use np.where(x {self.op} y, ...), .any() or .all()"
            )
        return bool(self.mask())

    def any(self) -> bool:
        """Whether the comparison holds somewhere (leaves a guard)."""
        return bool(np.any(self.mask()))

    def all(self) -> bool:
        """Whether the comparison holds everywhere (leaves a guard)."""
        return bool(np.all(self.mask()))

    def __and__(self, other: Any) -> Any:
        return self.mask() & _mask(other)

    def __or__(self, other: Any) -> Any:
        return self.mask() | _mask(other)

    def __invert__(self) -> Any:
        return ~np.asarray(self.mask())

    __rand__, __ror__ = __and__, __or__

    def _where(self, a: Any, b: Any) -> Any:
        lhs, rhs = self.lhs, self.rhs
        if self.op == ">":
            return lhs._choose(rhs, lhs, b, a, "where")
        if self.op == "<":
            return lhs._choose(lhs, rhs, b, a, "where")
        return lhs._choose(*((lhs, rhs) if self.op == ">=" else (rhs, lhs)), a, b, "where")

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func is np.where and len(args) == 3:
            return self._where(*args[1:])
        if func in (np.any, np.all):
            return func(self.mask(), *args[1:], **kwargs)
        return NotImplemented


def _mask(x: Any) -> Any:
    return x.mask() if isinstance(x, Condition) else x
