"""The program (a Wengert list): a straight-line list of instructions on array-valued variables.

`record(f, x, ...)` runs f on nodes and returns a `Program`.  A recorded instruction is one of

    input · constant · add · mul · div · linear · choose · elementary

and `expand.expand` replaces every `elementary` by the core instructions of the sweep.  Every shape
operation is `linear`: y = S x with a constant S.  Nodes carry the concrete values of the recording,
so that a Python branch can be taken; each branch leaves a guard.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from taylor import elementary
from taylor.arrays import Operand, tensordot
from taylor.errors import ForeignNodeError, GuardError, ShapeMismatch, TraceError
from taylor.values import Constant, as_array, constant, is_operand

Array = Any
Shape = tuple[int, ...]
ARITHMETIC = {"add": operator.add, "mul": operator.mul, "div": operator.truediv}
COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Linear(NamedTuple):
    """A constant linear map y = S x of one or several arrays.

    kind "gather": y.flat[i] is element data[i] of the joined sources, -1 meaning zero; "sum": over
    the axes `data`; "scale": by the constant `data`; "einsum": data = (spec, constant operand).
    """

    kind: str
    data: Any

    def __call__(self, *xs: Any) -> Any:
        """Return S x for plain arrays or operands."""
        x = xs[0]
        if self.kind == "scale":
            return x * self.data
        if self.kind == "sum":
            return np.sum(x, axis=self.data)
        if self.kind == "einsum":
            return np.einsum(self.data[0], self.data[1], x)
        return gather(xs, self.data, 0)


def gather(sources: Sequence[Any], index: Array, lead: int) -> Any:
    """Return elements of the joined sources by position (-1: zero), under `lead` leading axes."""
    flat = [np.reshape(x, (*np.shape(x)[:lead], -1)) for x in sources]
    if index.size and index.min() < 0:
        flat.append(flat[0][..., :0].sum(-1)[..., None] if lead else np.zeros(1))
    joined = flat[0] if len(flat) == 1 else np.concatenate(flat, axis=-1)
    return joined[..., index]


class Instruction(NamedTuple):
    """v_i = op(args; param): one line of a program."""

    op: str
    args: tuple[int, ...]
    param: Any
    shape: Shape


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


@dataclass
class Program:
    """A recorded function: instructions, the indices of its inputs and outputs, and its guards."""

    code: list[Instruction]
    inputs: list[int]
    outputs: list[int]
    guards: list[Guard] = field(default_factory=list)
    single: bool = True

    def __len__(self) -> int:
        return len(self.code)

    def __call__(self, *x: Any) -> Any:
        """Return the value of the program: see `evaluate`."""
        y = evaluate(self, *x)
        return y[0] if self.single else y

    def verify(self) -> None:
        """Raise ValueError unless every instruction is well formed and uses only earlier ones."""
        verify(self)

    def show(self, *x: Any, tangent: Any = None) -> str:
        """Return the table of v_i, its expression, its value and its tangent at x.

        `tangent` is the direction (default: all ones).  The layout follows Griewank & Walther,
        Evaluating Derivatives, Table 2.2.

        >>> import numpy as np
        >>> program = record(lambda x, y: np.log(x) + x * y, 2.0, 5.0)
        >>> print(program.show(2.0, 5.0, tangent=(1.0, 0.0)))
        v   expression  value     tangent
        v0  x0          2         1
        v1  x1          5         0
        v2  log(v0)     0.693147  0.5
        v3  v0 * v1     10        5
        v4  v2 + v3     10.6931   5.5
        y0  v4          10.6931   5.5
        """
        seeds = [np.ones(np.shape(v)) for v in x] if tangent is None else list(tangent)
        with np.errstate(all="ignore"):
            values, tangents = trace(self, x), _tangents(self, x, seeds)
        rows = [("v", "expression", "value", "tangent")]
        for i in range(len(self.code)):
            rows.append((f"v{i}", self.expression(i), _short(values[i]), _short(tangents[i])))
        for j, i in enumerate(self.outputs):
            rows.append((f"y{j}", f"v{i}", _short(values[i]), _short(tangents[i])))
        widths = [max(len(r[c]) for r in rows) + 2 for c in range(4)]
        return "\n".join(
            "".join(cell.ljust(w) for cell, w in zip(r, widths, strict=True)).rstrip() for r in rows
        )

    def expression(self, i: int) -> str:
        """Return instruction i in mathematical notation."""
        op, args, param, shape = self.code[i]
        v = [f"v{a}" for a in args]
        if op == "input":
            return f"x{param}"
        if op == "constant":
            return _short(param)
        if op in ARITHMETIC:
            return f" {dict(add='+', mul='*', div='/')[op]} ".join(v)
        if op == "linear":
            if param.kind == "scale":
                return f"{_short(param.data)} * {v[0]}"
            return f"{param.kind}({', '.join(v)}){list(shape) if shape else ''}"
        if op == "choose":
            return f"{v[2]} if {v[0]} > {v[1]} else {v[3]}"
        name = getattr(param, "name", param)
        return f"{name}({', '.join(v)})"

    def dot(self) -> str:
        """Return the graph of the program in the DOT language.

        >>> print(record(lambda x: x * x, 2.0).dot())
        digraph program {
          v0 [label="v0 = x0", shape=box];
          v1 [label="v1 = v0 * v0", shape=doublecircle];
          v0 -> v1;
          v0 -> v1;
        }
        """
        lines = ["digraph program {"]
        for i, (op, args, _, _) in enumerate(self.code):
            shape = "doublecircle" if i in self.outputs else "box" if op == "input" else "ellipse"
            label = f"v{i} = {self.expression(i)}".replace('"', '\\"')
            lines.append(f'  v{i} [label="{label}", shape={shape}];')
            lines += [f"  v{a} -> v{i};" for a in args]
        return "\n".join([*lines, "}"])


def _short(x: Any) -> str:
    if isinstance(x, Constant):
        return x.name
    if np.ndim(x) == 0:
        return f"{x:.6g}" if isinstance(x, (float, np.floating)) else str(x)
    return np.array2string(np.asarray(x), precision=4, threshold=6, edgeitems=2).replace("\n", "")


def _tangents(program: Program, x: Sequence[Any], seeds: Sequence[Any]) -> list[Any]:
    """Return the derivative of every variable along the seeds: p·v' = q·a' at order one."""
    v = trace(program, x)
    t: list[Any] = []
    for op, args, param, shape in program.code:
        a = [v[i] for i in args]
        d = [t[i] for i in args]
        if op == "input":
            t.append(np.asarray(seeds[param], dtype=float)[()])
        elif op == "constant":
            t.append(np.zeros(shape)[()])
        elif op == "add":
            t.append(d[0] + d[1])
        elif op == "mul":
            t.append(d[0] * a[1] + a[0] * d[1])
        elif op == "div":
            t.append((d[0] - v[len(t)] * d[1]) / a[1])
        elif op == "linear":
            t.append(param(*d))
        elif op == "choose":
            t.append(np.where(np.greater(a[0], a[1]), d[2], d[3])[()])
        else:
            moving = [program.code[j].op != "constant" for j in args]
            t.append(_row_tangent(param, a, d, moving))
    return t


def _row_tangent(row: Any, a: list[Any], d: list[Any], moving: list[bool]) -> Any:
    """Return f'(a)·d by recording the quotient of the row (or its local series) at a.

    Arguments that do not move stay plain numbers, as they do in a sweep.
    """

    def merged(z: tuple[Any, ...]) -> list[Any]:
        given = iter(z)
        return [next(given) if m else x for x, m in zip(a, moving, strict=True)]

    points = [x for x, m in zip(a, moving, strict=True) if m]
    seeds = [s for s, m in zip(d, moving, strict=True) if m]
    if row.local is not None:
        return row.local(np.asarray(a[0], dtype=float), 1)[1] * d[0]
    if row.jumps is not None:
        return d[0] * 0
    if row.compose is not None:
        inner = record(lambda *z: row.compose(*merged(z)), *points)
        return _tangents(inner, points, seeds)[inner.outputs[0]]
    y = row(*a)
    quotients = record(lambda *z: _flat(row.quotient(*merged(z[:-1]), z[-1])), *points, y)
    *qs, p = quotients(*points, y)
    live = [q for q, m in zip(qs, moving, strict=True) if m]
    return sum(q * s for q, s in zip(live, seeds, strict=True)) / p


def _flat(quotient: Any) -> list[Any]:
    q, p = quotient
    return [*q, p] if isinstance(q, tuple) else [q, p]


# ------------------------------------------------------------------ the tape and its nodes
class Tape:
    """Records instructions; identical instructions are recorded once."""

    def __init__(self) -> None:
        self.code: list[Instruction] = []
        self.values: list[Any] = []
        self.inputs: list[int] = []
        self.guards: list[Guard] = []
        self.seen: dict[Any, int] = {}
        self.open = True

    def push(self, op: str, args: tuple[int, ...], param: Any, shape: Shape, value: Any) -> Node:
        """Append one instruction (or find it) and return its node."""
        if not self.open:
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
        node = self.push("input", (), len(self.inputs), shape, value)
        self.inputs.append(node.i)
        return node

    def constant(self, c: Any) -> Node:
        """Append a constant: a number, an array, or a named Constant."""
        if isinstance(c, Constant):
            return self.push("constant", (), c, (), float(c))
        if np.ndim(c) == 0 and not isinstance(c, np.ndarray):
            as_array(c)
            return self.push("constant", (), c, (), c)
        array = as_array(c)
        array.flags.writeable = False
        return self.push("constant", (), array, array.shape, array)

    def node(self, x: Any) -> Node:
        """Return x as a node of this tape."""
        if isinstance(x, Node):
            if x.tape is not self:
                raise ForeignNodeError(
                    "a node of another recording leaked in; return it from its own function, or "
                    "use "
                    "its .value"
                )
            return x
        if is_operand(x):
            raise ForeignNodeError(
                f"a {type(x).__name__} cannot be mixed with a node of a recording; record first, "
                "then evaluate the program at the series"
            )
        return self.constant(x)

    def scale(self, x: Node, c: Any, shape: Shape) -> Node:
        """Append c·x for a constant c."""
        x = _broadcast(x, shape)
        value = self.values[x.i]
        plain = float(c) if isinstance(c, Constant) else c
        scaled = None if value is None else value * plain
        return self.push("linear", (x.i,), Linear("scale", c), shape, scaled)

    def program(self, outputs: Sequence[Node], single: bool) -> Program:
        """Return what was recorded."""
        return Program(self.code, self.inputs, [n.i for n in outputs], self.guards, single)


def _key(param: Any) -> Any:
    """Return a hashable stand-in for a parameter that tells 1 from 1.0 and 0.0 from -0.0."""
    if isinstance(param, np.ndarray):
        body = param.tobytes() if param.dtype != object else tuple(map(_key, param.ravel()))
        return (param.dtype.str, param.shape, body)
    if isinstance(param, tuple):
        return tuple(_key(p) for p in param)
    if isinstance(param, (elementary.Elementary, Constant)):
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
    def shape(self) -> Shape:
        """Shape of the variable."""
        return self.tape.code[self.i].shape

    @property
    def value(self) -> Any:
        """The value at the point of the recording."""
        value = self.tape.values[self.i]
        if value is None:
            raise TraceError("this recording is symbolic: a node of it has no value to branch on")
        return value

    def __repr__(self) -> str:
        return f"<node v{self.i} of shape {self.shape}>"

    # arithmetic -----------------------------------------------------------------------------
    def _binary(self, op: str, x: Any, y: Any) -> Any:
        a, b = self.tape.node(x), self.tape.node(y)
        folded = _fold_identity(op, a, b)
        if folded is not None:
            return folded
        try:
            shape = np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            raise ShapeMismatch(f"shapes {a.shape} and {b.shape} do not fit in {op}") from None
        a, b = _broadcast(a, shape), _broadcast(b, shape)
        if op == "mul":
            for factor, other in ((a, b), (b, a)):
                c = self.tape.code[factor.i]
                if c.op == "constant" and self.tape.code[other.i].op != "constant":
                    return self.tape.scale(other, c.param, shape)
        va, vb = self.tape.values[a.i], self.tape.values[b.i]
        value = None if va is None or vb is None else ARITHMETIC[op](va, vb)
        return self.tape.push(op, (a.i, b.i), None, shape, value)

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
        return self + -self.tape.node(o) if _ok(o) else NotImplemented

    def __rsub__(self, o: Any) -> Any:
        return self.tape.node(o) + -self if _ok(o) else NotImplemented

    def __neg__(self) -> Any:
        instruction = self.tape.code[self.i]
        if instruction.op == "linear" and _key(instruction.param) == _key(Linear("scale", -1)):
            return Node(self.tape, instruction.args[0])
        if instruction.op == "constant" and not isinstance(instruction.param, Constant):
            return self.tape.constant(-instruction.param)
        return self.tape.scale(self, -1, self.shape)

    # primitives -----------------------------------------------------------------------------
    def _elementary(self, row: Any, args: tuple[Any, ...]) -> Any:
        if any(a is None for a in args):  # np.clip with one side open
            return row.compose(*args)
        nodes = [self.tape.node(a) for a in args]
        shape = np.broadcast_shapes(*(n.shape for n in nodes))
        nodes = [_broadcast(n, shape) for n in nodes]
        values = [self.tape.values[n.i] for n in nodes]
        with np.errstate(all="ignore"):
            value = None if any(v is None for v in values) else row(*values)
        return self.tape.push("elementary", tuple(n.i for n in nodes), row, shape, value)

    def _linear(self, kind: str, data: Any, sources: Sequence[Any], shape: Shape) -> Any:
        nodes = [self.tape.node(x) for x in sources]
        values = [self.tape.values[n.i] for n in nodes]
        linear = Linear(kind, data)
        value = None if any(v is None for v in values) else linear(*values)
        return self.tape.push("linear", tuple(n.i for n in nodes), linear, shape, value)

    def _gather(self, sources: Sequence[Any], index: Array) -> Any:
        size = int(np.prod(np.shape(sources[0]), dtype=int))
        same_shape = len(sources) == 1 and index.shape == np.shape(sources[0])
        if same_shape and np.array_equal(index.ravel(), np.arange(size)):
            return Node(self.tape, self.tape.node(sources[0]).i)
        return self._linear("gather", index, sources, index.shape)

    def _sum(self, axes: tuple[int, ...]) -> Any:
        shape = tuple(n for i, n in enumerate(self.shape) if i not in axes)
        return self._linear("sum", axes, [self], shape)

    def _cumsum(self, axis: int) -> Any:
        lower = np.tril(np.ones((self.shape[axis],) * 2))
        moved = self.swapaxes(axis, 0)
        return tensordot(lower, moved, axes=1).swapaxes(axis, 0)

    def _reduceat(self, starts: Array, axis: int) -> Any:
        ends = [*starts[1:], self.shape[axis]]
        rows = np.arange(self.shape[axis])
        inside = np.array([(a <= rows) & (rows < b) for a, b in zip(starts, ends, strict=True)])
        moved = self.swapaxes(axis, 0)
        return tensordot(inside.astype(float), moved, axes=1).swapaxes(axis, 0)

    def _einsum(self, spec: str, x: Any, y: Any) -> Any:
        terms, out = spec.split("->")
        a, b = terms.split(",")
        if not (isinstance(x, Node) and isinstance(y, Node)):
            node, other, swapped = (
                (y, x, f"{a},{b}->{out}") if isinstance(y, Node) else (x, y, f"{b},{a}->{out}")
            )
            sizes = dict(zip(a, np.shape(x), strict=True)) | dict(zip(b, np.shape(y), strict=True))
            return self._linear(
                "einsum", (swapped, np.asarray(other)), [node], tuple(sizes[c] for c in out)
            )
        letters = out + "".join(c for c in dict.fromkeys(a + b) if c not in out)
        product = _spread(x, a, letters) * _spread(y, b, letters)
        return (
            product.sum(tuple(range(len(out), len(letters))))
            if len(letters) > len(out)
            else product
        )

    def _choose(self, lhs: Any, rhs: Any, a: Any, b: Any, mode: str) -> Any:
        nodes = [self.tape.node(x) for x in (lhs, rhs, a, b)]
        shape = np.broadcast_shapes(*(n.shape for n in nodes))
        nodes = [_broadcast(n, shape) for n in nodes]
        values = [self.tape.values[n.i] for n in nodes]
        value = None if any(v is None for v in values) else choose(*values)
        return self.tape.push("choose", tuple(n.i for n in nodes), mode, shape, value)

    def _decided(self, op: str, extra: tuple[Any, ...]) -> Any:
        """Return np.op of the value, leaving a guard for it."""
        outcome = getattr(np, op)(self.value, *extra)
        self.tape.guards.append(Guard(op, self.i, -1, outcome, extra))
        return outcome

    def _compare(self, op: Any, other: Any) -> Any:
        sign = next(s for s, f in COMPARISONS.items() if f is op)
        return Condition(sign, self, self.tape.node(other))

    def _assign(self, index: Any, value: Any) -> None:
        node = self.tape.node(value)
        size = self.size
        positions = np.arange(size).reshape(self.shape)
        positions[index] = np.arange(size, size + node.size).reshape(node.shape)
        self.i = self._gather([Node(self.tape, self.i), node], positions).i

    def _ones(self) -> Any:
        return self.tape.constant(np.ones(self.shape) if self.shape else 1)

    def __eq__(self, other: Any) -> Any:
        raise TraceError(
            "== of a recorded value depends on all its derivatives; compare with < or >"
        )

    __hash__ = None

    def __bool__(self) -> bool:
        raise TraceError("the truth of a recorded value depends on an input; write x > 0 or x < 0")

    def __float__(self) -> float:
        raise TraceError("float() of a recorded value drops its derivatives; use .value")

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


def _broadcast(x: Node, shape: Shape) -> Node:
    """Return x broadcast to the shape; scalar constants stay scalars."""
    if x.shape == shape or (x.tape.code[x.i].op == "constant" and x.shape == ()):
        return x
    if x.tape.code[x.i].op == "constant":
        return x.tape.constant(np.broadcast_to(x.tape.code[x.i].param, shape))
    index = np.broadcast_to(np.arange(x.size).reshape(x.shape), shape)
    moved: Node = x._gather([x], np.array(index))
    return moved


def _spread(x: Any, axes: str, letters: str) -> Any:
    """Return x with its lettered axes in the order of letters, the missing ones of length one."""
    if len(set(axes)) < len(axes):
        kept = "".join(dict.fromkeys(axes))
        positions = np.einsum(f"{axes}->{kept}", np.arange(x.size).reshape(x.shape))
        x, axes = x._gather([x], np.array(positions)), kept
    order = [axes.index(c) for c in letters if c in axes]
    shape = [x.shape[axes.index(c)] if c in axes else 1 for c in letters]
    return x.transpose(order).reshape(shape)


def choose(lhs: Any, rhs: Any, a: Any, b: Any) -> Any:
    """Return a where lhs >= rhs and b elsewhere; nan where the two cannot be compared."""
    if all(np.ndim(x) == 0 for x in (lhs, rhs, a, b)):
        return a if lhs >= rhs else b if lhs < rhs else lhs + rhs
    return np.where(np.greater_equal(lhs, rhs), a, np.where(np.less(lhs, rhs), b, np.add(lhs, rhs)))


class Condition:
    """A comparison of recorded values: its truth leaves a guard, np.where records a choice."""

    __array_priority__ = 2000.0

    def __init__(self, op: str, lhs: Node, rhs: Node) -> None:
        self.op, self.lhs, self.rhs = op, lhs, rhs

    def mask(self) -> Any:
        """Return the outcome at the recorded point, leaving a guard for it."""
        outcome = COMPARISONS[self.op](self.lhs.value, self.rhs.value)
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


# ------------------------------------------------------------------ record, evaluate, verify
def record(f: Callable[..., Any], *x: Any) -> Program:
    """Return the program of f at the point x: numbers or arrays, one per argument of f.

    >>> import numpy as np
    >>> p = record(lambda x: np.sum(np.sin(x) ** 2), np.array([1.0, 2.0]))
    >>> float(p(np.array([0.0, np.pi / 2])))
    1.0
    """
    tape = Tape()
    nodes = []
    for v in x:
        array = as_array(v)
        nodes.append(tape.input(array.shape, array[()]))
    try:
        y = f(*nodes)
        single = not isinstance(y, (tuple, list))
        outputs = [_output(tape, v) for v in ([y] if single else y)]
    finally:
        tape.open = False
    return tape.program(outputs, single)


def _output(tape: Tape, y: Any) -> Node:
    from taylor.arrays import lift

    y = lift(y)
    if callable(y) and not isinstance(y, Operand):
        raise TypeError("a recorded function must return numbers or arrays, not a function")
    return tape.node(y)


def trace(program: Program, x: Sequence[Any]) -> list[Any]:
    """Return the value of every instruction at x, computed through the users' own front door."""
    if len(x) != len(program.inputs):
        raise TypeError(f"the program takes {len(program.inputs)} arguments, got {len(x)}")
    v: list[Any] = []
    like = as_array(x[0]) if x and not is_operand(x[0]) else x[0] if x else np.zeros(1)
    for op, args, param, shape in program.code:
        a = [v[i] for i in args]
        if op == "input":
            if tuple(np.shape(x[param])) != shape:
                raise ShapeMismatch(
                    f"argument {param} has shape {np.shape(x[param])}; the program was recorded "
                    f"with "
                    f"{shape}: record it again for the new shape"
                )
            v.append(x[param])
        elif op == "constant":
            v.append(constant(param, like))
        elif op in ARITHMETIC:
            v.append(ARITHMETIC[op](*a))
        elif op == "linear" and isinstance(param.data, Constant):
            v.append(a[0] * constant(param.data, like))
        elif op == "linear":
            v.append(param(*a))
        elif op == "choose":
            chooser = next((z for z in a if isinstance(z, Operand)), None)
            v.append(choose(*a) if chooser is None else chooser._choose(*a, param))
        else:
            v.append(param(*a))
    check(program.guards, lambda i: v[i])
    return v


def check(guards: Sequence[Guard], value: Callable[[int], Any]) -> None:
    """Raise GuardError where a decision of the recording would be another one at these values."""

    def plain(i: int) -> Any:
        x = value(i)
        while is_operand(x):
            x = x.value
        return x

    for guard in guards:
        if not guard.holds(plain):
            raise GuardError(f"{guard} and is not so here; record the function again at this point")


def evaluate(program: Program, *x: Any) -> list[Any]:
    """Return the outputs of the program at x, in whatever number type x is.

    Raises GuardError where a recorded branch would go the other way.
    """
    v = trace(program, x)
    return [v[i] for i in program.outputs]


ARITY = {"input": 0, "constant": 0, "parameter": 0, "add": 2, "mul": 2, "div": 2, "choose": 4}


def _reach(i: int, op: str, param: Any, j: int, program: Program) -> int:
    """Return the bound of argument j: the q's and p of an integral may stand after it."""
    return len(program.code) if op == "integral" and j >= param.arity else i


def verify(program: Program) -> None:
    """Raise ValueError unless every instruction is well formed and uses only earlier ones."""
    for i, (op, args, param, shape) in enumerate(program.code):
        problem = ""
        if op not in ARITY and op not in ("linear", "elementary", "integral", "local", "jump"):
            problem = f"unknown instruction {op!r}"
        elif op in ARITY and len(args) != ARITY[op]:
            problem = f"{op} needs {ARITY[op]} arguments, has {len(args)}"
        elif any(not 0 <= a < _reach(i, op, param, j, program) for j, a in enumerate(args)):
            problem = f"arguments {args} are not all computed before"
        elif op == "input" and (param >= len(program.inputs) or program.inputs[param] != i):
            problem = "the input is not listed in program.inputs"
        elif op in ("add", "mul", "div", "choose", "elementary"):
            shapes = {program.code[a].shape for a in args} - {()}
            if shapes - {shape}:
                problem = f"argument shapes {shapes} differ from {shape}"
        if problem:
            raise ValueError(f"instruction v{i}: {problem}")
    if any(not 0 <= i < len(program.code) for i in program.outputs):
        raise ValueError(f"outputs {program.outputs} are not all computed")


def active(program: Program) -> Iterator[bool]:
    """Yield, instruction by instruction, whether it depends on an input."""
    depends: list[bool] = []
    for op, args, _, _ in program.code:
        depends.append(op == "input" or any(depends[a] for a in args))
        yield depends[-1]
