"""The rules of differentiation: value, tangent and adjoint of every instruction of a program.

For an instruction y = f(a, b) with tangents a', b' and the adjoint ȳ of its result

    y' = f_a·a' + f_b·b',        ā += ȳ·f_a,   b̄ += ȳ·f_b,

where a row of the table has f_a = q_a/p, and a linear map has its transpose as adjoint (Griewank &
Walther, Evaluating Derivatives, ch. 3).  Values, tangents and adjoints may be numbers, arrays,
series, or nodes of another tape: applied to nodes, these rules transform programs.

A tangent or adjoint may have axes of length one where its variable has longer ones, and None stands
for zero.  Where no derivative exists (a kink, a jump) the result is nan: the caller decides (see
`kinks`), and may give a choice the shares of its first side in place of its mode.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import contract
from taylor.core.choices import SIDES, blend, choose
from taylor.core.functions import CHOICES, mod
from taylor.core.table import Elementary, Rule, derived, slope_of_jump
from taylor.core.tape import (
    ARITHMETIC,
    Call,
    Instruction,
    Node,
    Shape,
    Tape,
    flat,
    pruned,
    scatter,
)
from taylor.numbers.values import (
    base,
    constant,
    integers,
    is_operand,
    over,
    plus,
    sample,
    shape_of,
    times,
    zeros,
)

Array = Any
Code = Sequence[Instruction]
Choices = tuple[tuple[int, bool], ...]
NUMBERS = (int, float, complex)  # of every kind of number
HELD = (type(None), int, float)  # arguments of a row of which its code may hold the value


def values(
    code: Code,
    x: Sequence[Any],
    keep: Container[int] | None = None,
    settle: Callable[[Any, int], Any] | None = None,
) -> list[Any]:
    """Return the value of every instruction at x, computed through the users' own front door.

    With `keep` only those values are kept; the others are forgotten after their last use.
    `settle` replaces every value; it gets the value and how often it is used.
    """
    v: list[Any] = []
    uses = Counter(a for i in code for a in i.args) if settle is not None else Counter()
    last = {a: i for i, c in enumerate(code) for a in c.args} if keep is not None else {}
    like: Any = None

    def number(c: Any) -> Any:
        nonlocal like
        if type(c) in NUMBERS:
            return c
        if like is None:
            like = x[0] if x and is_operand(x[0]) else sample(*x) if x else np.zeros(1)
        return constant(c, like)

    for op, args, param, _ in code:
        a = [v[i] for i in args]
        if op == "input":
            v.append(x[param])
        elif op == "constant":
            v.append(number(param))
        elif op in ARITHMETIC:
            v.append(ARITHMETIC[op](a[0], a[1]))
        elif op == "linear":
            scaled = param.kind == "scale"
            v.append(times(a[0], number(param.data)) if scaled else param(*a))
        elif op == "einsum":
            v.append(contract(param, *a))
        elif op == "choose":
            plain = isinstance(param, str)
            v.append(choose(a[0], a[1], a[2], a[3], param) if plain else blend(param, a[2], a[3]))
        elif op == "call":
            v.append(flat(param.rule(*a)))
        else:
            v.append(param(*a))
        if settle is not None:
            v[-1] = settle(v[-1], uses[len(v) - 1])
        if keep is not None:
            for j in args:
                if last[j] == len(v) - 1 and j not in keep:
                    v[j] = None
    return v


def active(code: Code) -> list[bool]:
    """Return, instruction by instruction, whether it depends on an input."""
    depends: list[bool] = []
    for op, args, _, _ in code:
        depends.append(op == "input" or any(map(depends.__getitem__, args)))
    return depends


# ------------------------------------------------------------------ forward: tangents
def tangents(
    code: Code,
    v: Sequence[Any],
    dx: Sequence[Any],
    share: Callable[[int, list[Any]], Any] | None = None,
) -> list[Any]:
    """Return the tangent of every instruction, given its values and the tangents of the inputs.

    `share(i, d)` gives choice i, whose arguments have the tangents d, the shares of its first side
    (None: those it has).
    """
    t: list[Any] = []
    with np.errstate(all="ignore"):
        for i, instruction in enumerate(code):
            op, args, param, _ = instruction
            d = [t[a] for a in args]
            if op == "input":
                t.append(dx[param])
            elif all(e is None for e in d):
                t.append(None)
            else:
                shapes = [code[a].shape for a in args]
                given = share(i, d) if op == "choose" and share is not None else None
                if given is not None:
                    instruction = instruction._replace(param=given)
                t.append(tangent_of(instruction, [v[a] for a in args], v[i], d, shapes))
    return t


def full(x: Any, shape: Shape, like: Any = 0.0) -> Any:
    """Return a tangent or adjoint in the whole shape of its variable; None as zeros of its kind."""
    if x is None:
        return zeros(shape, like if is_operand(like) else sample(like))[()]
    if shape_of(x) == tuple(shape):
        return x
    return np.broadcast_to(np.asarray(x, dtype=object) if type(x) is int else x, shape)


def tangent_of(
    instruction: Instruction, a: list[Any], y: Any, d: list[Any], shapes: list[Shape]
) -> Any:
    """Return the tangent of an instruction at a, its value y, for the tangents d."""
    op, args, param, _ = instruction
    if op == "add":
        return d[0] if d[1] is None else _plus(d[0], d[1])
    if op in ("mul", "einsum"):
        product = times if op == "mul" else functools.partial(contract, param)
        if op == "einsum":
            d = [None if e is None else full(e, s) for e, s in zip(d, shapes, strict=True)]
        left = None if d[0] is None else product(d[0], a[1])
        return left if d[1] is None else _plus(left, product(a[0], d[1]))
    if op == "div":
        numerator = d[0] if d[1] is None else _plus(d[0], -times(y, d[1]))
        return over(numerator, a[1])
    if op == "linear":
        if param.kind == "scale":
            return times(d[0], constant(param.data, _like(a[0])))
        return param(*(full(e, s, x) for e, s, x in zip(d, shapes, a, strict=True)))
    if op == "choose":
        if d[2] is None and d[3] is None:
            return None
        left, right = (0 if e is None else e for e in d[2:])
        if not isinstance(param, str):
            return blend(param, left, right)
        both = d[2] is not None and d[3] is not None
        return choose(a[0], a[1], left, right, slope_mode(args, param, both))
    moving = [e is not None for e in d]
    if op == "call":
        seeds = [None if e is None else full(e, s) for e, s in zip(d, shapes, strict=True)]
        return call_tangent(param, a, y, seeds, moving)
    slopes = partials(param, a, y, moving)
    if slopes is None:
        tape, out = inner(param.compose, a, moving)
        given = [e for e in d if e is not None]
        return tangents(tape.code, tape.values, given)[out]
    terms = [times(p, e) for p, e in zip(slopes, d, strict=True) if p is not None]
    return functools.reduce(plus, terms) if terms else None


def call_tangent(call: Call, a: list[Any], y: Any, d: list[Any], moving: list[bool]) -> Any:
    rule = call.rule
    if rule.jvp is not None:
        return flat(rule.jvp(tuple(d), call.split(y), *a))
    if rule.vjp is not None:
        # dy is the transpose of ȳ -> x̄, a linear map that can be recorded
        tape = Tape()
        seed = tape.input(shape_of(y), y * 0)
        bars = rule.vjp(call.split(seed), call.split(y), *a)
        seeds = {
            tape.node(b).i: full(e, shape_of(b))
            for b, e in zip(bars, d, strict=True)
            if e is not None and b is not None
        }
        return adjoints(tape.code, tape.values, seeds)[0]
    tape, out = inner(lambda *x: flat(rule.value(*x)), a, moving)
    return tangents(tape.code, tape.values, [e for e in d if e is not None])[out]


# ------------------------------------------------------------------ reverse: adjoints
class Adjoints:
    """The adjoints of all variables while they are being summed up.

    The adjoint of a branch that was not taken is zero, whatever the slopes there: such a variable
    keeps the choices (which, side) it is subject to, so that 0·inf does not poison what was taken.
    """

    def __init__(self, shapes: Sequence[Shape], transposing: tuple[Rule, ...] = ()) -> None:
        self.shapes = shapes
        self.transposing = transposing  # the rules whose tangents are being transposed
        self.total: dict[int, Any] = {}
        self.owned: set[int] = set()  # totals that may be written into
        self.pending: dict[int, list[tuple[Array, Any]]] = {}
        self.choices: dict[int, Choices] = {}

    def add(self, i: int, bar: Any, choices: Choices = ()) -> None:
        """Add a contribution that is broadcastable to the shape of variable i."""
        if i in self.total:
            self.total[i] = plus(self.total[i], bar)
            self.owned.add(i)
        else:
            self.total[i] = bar
            if choices and i not in self.pending:
                self.choices[i] = choices
                return
        if self.choices and self.choices.get(i, ()) != choices:
            self.choices.pop(i, None)

    def add_at(self, i: int, index: Array, bar: Any) -> None:
        """Add a contribution to single elements of variable i, without touching the others."""
        shape = self.shapes[i]
        self.choices.pop(i, None)
        if is_operand(bar) or is_operand(self.total.get(i)):
            self.pending.setdefault(i, []).append((index.reshape(-1), np.reshape(bar, -1)))
            return
        total = self.total.get(i)
        if total is None:
            self.total[i] = scatter(np.asarray(bar), index, shape)
        else:
            if i not in self.owned or shape_of(total) != shape or not _fits_into(bar, total):
                dtype = np.result_type(np.asarray(total), np.asarray(bar))
                total = np.array(np.broadcast_to(total, shape), dtype=dtype, order="C")
            to, bar = index.reshape(-1), np.reshape(bar, -1)
            if to.size and to.min() < 0:
                to, bar = to[to >= 0], bar[to >= 0]
            np.add.at(total.reshape(-1), to, bar)
            self.total[i] = total
        self.owned.add(i)

    def pop(self, i: int) -> Any:
        """Return the adjoint of variable i (None: zero) and forget it."""
        total = self.total.pop(i, None)
        if i in self.pending:
            index, bars = zip(*self.pending.pop(i), strict=True)
            bar = bars[0] if len(bars) == 1 else np.concatenate(bars)
            total = _plus(total, scatter(bar, np.concatenate(index), self.shapes[i]))
        return total


def adjoints(
    code: Code,
    v: Sequence[Any],
    seeds: Mapping[int, Any],
    start: Sequence[Any] = (),
    every: dict[int, Any] | None = None,
    transposing: tuple[Rule, ...] = (),
) -> list[Any]:
    """Return the adjoint of every input (None: zero), given the values and seeds of some variables.

    `start` holds adjoints of the inputs to which the new ones are added; `every` is filled with the
    adjoints of all variables, `transposing` the rules in whose tangents the code stands.
    """
    depends = active(code)
    bars = Adjoints([instruction.shape for instruction in code], transposing)
    inputs = [i for i, instruction in enumerate(code) if instruction.op == "input"]
    for i, bar in zip(inputs, start, strict=False):
        if bar is not None:
            bars.add(i, bar)
    for i, bar in seeds.items():
        bars.add(i, bar)
    with np.errstate(all="ignore"):
        for i in range(len(code) - 1, -1, -1):
            if code[i].op != "input" and depends[i] and 0 not in code[i].shape:
                bar = bars.pop(i)
                if bar is not None:
                    if every is not None:
                        every[i] = full(bar, code[i].shape)
                    _spread(code, v, i, bar, depends, bars, bars.choices.pop(i, ()))
        found = [bars.pop(i) for i in inputs]
    return [b if b is None else full(b, code[i].shape) for i, b in zip(inputs, found, strict=True)]


def _spread(
    code: Code,
    v: Sequence[Any],
    i: int,
    bar: Any,
    depends: list[bool],
    bars: Adjoints,
    choices: Choices,
) -> None:
    """Add what the adjoint of instruction i gives to those of its arguments."""
    op, args, param, shape = code[i]
    if op == "add":
        parts = [(j, bar) for j in args if depends[j]]
    elif op == "mul":
        (x, y), parts = args, []
        if depends[x]:
            parts.append((x, times(bar, v[y])))
        if depends[y]:
            parts.append((y, times(bar, v[x])))
    elif op == "div":
        (x, y), parts = args, []
        quotient = over(bar, v[y])
        if depends[x]:
            parts.append((x, quotient))
        if depends[y]:
            parts.append((y, -times(quotient, v[i])))
    elif op == "linear" and param.kind == "scale":
        parts = [(args[0], times(bar, constant(param.data, _like(v[args[0]]))))]
    elif op == "elementary" and (slopes := _slopes(code, v, i, depends)) is not None:
        parts = [(j, times(bar, p)) for j, p in zip(args, slopes, strict=True) if p is not None]
    elif op == "choose":
        parts = _sides(code, v, i, bar, depends)
    else:
        _spread_whole(code, v, i, full(bar, shape), depends, bars)
        return
    for n, (j, part) in enumerate(parts):
        for k, first in choices:
            part = _chosen(code[k], v, part, first)
        own = bars.shapes[j]
        if own != shape:
            bars.add(j, unbroadcast(part, shape, own))
        elif op == "choose":
            bars.add(j, part, (*choices, (i, n == 0 and depends[args[2]])))
        else:
            bars.add(j, part, choices)


def _slopes(code: Code, v: Sequence[Any], i: int, depends: list[bool]) -> list[Any] | None:
    """Return the partial derivatives of a row of the table, see `partials`."""
    _, args, row, _ = code[i]
    return partials(row, [v[j] for j in args], v[i], [depends[j] for j in args])


def _sides(
    code: Code, v: Sequence[Any], i: int, bar: Any, depends: list[bool]
) -> list[tuple[int, Any]]:
    """Return what the adjoint of a choice gives to its two sides."""
    _, args, mode, _ = code[i]
    left, right, one, other = args
    mode = slope_mode(args, mode, depends[one] and depends[other])
    zero = 0 if is_operand(bar) else sample(bar)[0]
    parts = []
    for j, x, y in ((one, bar, zero), (other, zero, bar)):
        if depends[j]:
            plain = isinstance(mode, str)
            parts.append((j, choose(v[left], v[right], x, y, mode) if plain else blend(mode, x, y)))
    return parts


def _spread_whole(
    code: Code, v: Sequence[Any], i: int, bar: Any, depends: list[bool], bars: Adjoints
) -> None:
    """Add what the adjoint of an instruction on whole arrays gives to its arguments."""
    op, args, param, shape = code[i]
    a, wanted = [v[j] for j in args], [depends[j] for j in args]
    if op == "elementary":
        tape, out = inner(param.compose, a, wanted)
        found = iter(adjoints(tape.code, tape.values, {out: bar}))
        for j, w in zip(args, wanted, strict=True):
            b = next(found) if w else None
            if b is not None:
                bars.add(j, b)
    elif op == "linear":
        _transpose(param, args, [code[j].shape for j in args], shape, bar, bars, depends)
    elif op == "einsum":
        left, out = param.split("->")
        x, y = left.split(",")
        if depends[args[0]]:
            bars.add(args[0], contract(f"{out},{y}->{x}", bar, v[args[1]]))
        if depends[args[1]]:
            bars.add(args[1], contract(f"{out},{x}->{y}", bar, v[args[0]]))
    else:
        given = _call_adjoint(param, a, v[i], bar, wanted, bars.transposing)
        for j, w, b in zip(args, wanted, given, strict=True):
            if w and b is not None:
                bars.add(j, b)


def _chosen(choice: Instruction, v: Sequence[Any], bar: Any, first: bool) -> Any:
    """Return the adjoint of a variable that counts where that side was chosen, or half of it."""
    (left, right, *_), mode = choice.args, choice.param
    if not isinstance(mode, str):
        return np.where(mode == (0 if first else 1), 0, bar)
    if mode in SIDES:
        zero = 0 if is_operand(bar) else sample(bar)[0]
        one, other = (bar, zero) if first else (zero, bar)
        return choose(v[left], v[right], one, other, mode)
    if first:
        return choose(v[left], v[right], bar, 0, "where")
    return choose(v[right], v[left], bar, 0, "where")


def _transpose(
    linear: Any,
    args: tuple[int, ...],
    shapes: list[Shape],
    shape: Shape,
    bar: Any,
    bars: Adjoints,
    depends: list[bool],
) -> None:
    """Add the transpose of a linear map, applied to bar, to the adjoints of its sources."""
    kind, data = linear
    if kind == "gather":
        bar, start = full(bar, shape), 0
        for j, s in zip(args, shapes, strict=True):
            size = math.prod(s)
            if depends[j]:
                mine = (data >= start) & (data < start + size) if len(args) > 1 else None
                if mine is None:
                    bars.add_at(j, data, bar)
                elif mine.any():
                    bars.add_at(j, data[mine] - start, bar[mine])
            start += size
        return
    if kind == "scatter":
        bar = np.reshape(full(bar, shape), -1)
        new = linear._replace(kind="gather", data=data[0].reshape(shapes[0]))(bar)
    elif kind == "reshape":
        new = np.reshape(full(bar, shape), shapes[0])
    elif kind == "sum":
        new = _with_unit_axes(bar, shape, shapes[0], data)
    elif kind == "cumsum":
        new = np.flip(np.cumsum(np.flip(full(bar, shape), data), axis=data), data)
    else:
        left, out = data[0].split("->")
        c, x = left.split(",")
        new = contract(f"{c},{out}->{x}", data[1], full(bar, shape))
    bars.add(args[0], new)


def _with_unit_axes(bar: Any, shape: Shape, source: Shape, axes: tuple[int, ...]) -> Any:
    """Return the adjoint of a sum, with an axis of length one for each axis summed over."""
    bar = full(bar, shape)
    return np.reshape(bar, tuple(1 if i in axes else n for i, n in enumerate(source)))


def _call_adjoint(
    call: Call,
    a: list[Any],
    y: Any,
    bar: Any,
    wanted: list[bool],
    transposing: tuple[Rule, ...],
) -> list[Any]:
    rule = call.rule
    if rule.vjp is not None:
        return list(rule.vjp(call.split(bar), call.split(y), *a))
    if rule.jvp is not None:
        # x̄ is the transpose of x' -> y', a linear map that can be recorded
        if rule in transposing:
            return _by_columns(call, a, y, bar, wanted)
        transposing = (*transposing, rule)
        tape = Tape()
        inputs = [
            tape.input(shape_of(x), x * 0) if w else None for x, w in zip(a, wanted, strict=True)
        ]
        out = tape.node(flat(rule.jvp(tuple(inputs), call.split(y), *a))).i
    else:
        tape, out = inner(lambda *x: flat(rule.value(*x)), a, wanted)
    found = iter(adjoints(tape.code, tape.values, {out: bar}, transposing=transposing))
    return [next(found) if w else None for w in wanted]


def _by_columns(call: Call, a: list[Any], y: Any, bar: Any, wanted: list[bool]) -> list[Any]:
    """Return the adjoints of a rule's arguments from its tangents along every element of them.

    The transpose of a tangent that uses the rule on what varies needs the transpose of the rule.
    """
    found: list[Any] = [None] * len(a)
    for n, moves in enumerate(wanted):
        if moves:
            size, shape = math.prod(shape_of(a[n])), shape_of(a[n])
            terms = []
            for unit in np.eye(size):
                d = [unit.reshape(shape)[()] if m == n else None for m in range(len(a))]
                terms.append(np.sum(bar * call_tangent(call, a, y, d, [e is not None for e in d])))
            found[n] = np.reshape(np.stack(terms), shape)
    return found


# ------------------------------------------------------------------ helpers
def partials(row: Elementary, a: list[Any], y: Any, wanted: Sequence[bool]) -> list[Any] | None:
    """Return the partial derivatives f_a of a row in the arguments that are wanted, at values a.

    They are q_a/p from its quotient, the first coefficient of its local series, or zero (None: not
    wanted, or zero); None for a row made of others that choose, jump, or depend on the values.
    """
    if row.compose is not None:
        return _of_composed(row, a, wanted)
    if row.local is not None:
        return [derived(row)(a[0])]
    if row.jumps is not None:
        if any(np.iscomplexobj(base(x)) for x in a):
            raise TypeError(f"{row.name} of a complex value is not holomorphic")
        return [slope_of_jump(row)(*a) if w else None for w in wanted]
    code, outputs = _quotients(row, tuple(wanted))
    v = values(code, [*(_companion(x) for x in a), y])
    *q, p = (v[i] for i in outputs)
    one = type(p) is int and p == 1
    found = iter(q if one else [over(e, p) for e in q])
    return [next(found) if w else None for w in wanted]


def _of_composed(row: Elementary, a: list[Any], wanted: Sequence[bool]) -> list[Any] | None:
    """Return the partial derivatives of a row made of others, if it always is of the same ones."""
    held = tuple(None if w else x for x, w in zip(a, wanted, strict=True))
    if row in CHOICES or row is mod or any(type(x) not in HELD for x in held) or not wanted[0]:
        return None
    code, outputs = _composed(row, held, tuple(map(type, held)))
    v = values(code, [x for x, w in zip(a, wanted, strict=True) if w])
    found = iter([None if i is None else v[i] for i in outputs])
    return [next(found) if w else None for w in wanted]


@functools.lru_cache(maxsize=1024)
def _composed(row: Elementary, held: tuple[Any, ...], kinds: Any) -> tuple[Code, list[int | None]]:
    """Return the code of the partial derivatives of a row, some arguments of which are held."""
    assert row.compose is not None
    tape = Tape()
    moving = [tape.input(()) if x is None else x for x in held]
    y = tape.node(row.compose(*moving)).i
    code, nodes = list(tape.code), [Node(tape, i) for i in range(len(tape.code))]
    count = len(tape.inputs)
    units = [[1 if i == j else None for i in range(count)] for j in range(count)]
    found = [tangents(code, nodes, unit)[y] for unit in units]
    outputs = [None if d is None else tape.node(d).i for d in found]
    tape.tag.closed = True
    needed = [i for i in outputs if i is not None]
    pruned_code, new = pruned(tape.code, [*needed, *tape.inputs])
    return pruned_code, [None if i is None else new[i] for i in outputs]


def _companion(x: Any) -> Any:
    """Return an argument of a row as its quotient takes it: exact integers as floats."""
    at = x
    while is_operand(at):
        at = at.tape.values[at.i] if isinstance(at, Node) else at._coef
    return x * np.float64(1.0) if integers(at) else x


@functools.lru_cache(maxsize=1024)
def _quotients(row: Elementary, wanted: tuple[bool, ...]) -> tuple[Code, list[int]]:
    """Return the code that computes the wanted q's and p of a row from its arguments and value."""
    tape = Tape()
    nodes = [tape.input(()) for _ in range(len(wanted) + 1)]
    assert row.quotient is not None
    qs, p = row.quotient(*nodes)
    qs = qs if isinstance(qs, tuple) else (qs,)
    outputs = [tape.node(z).i for z in (*(q for q, w in zip(qs, wanted, strict=True) if w), p)]
    tape.tag.closed = True
    code, new = pruned(tape.code, [*outputs, *tape.inputs])
    return code, [new[i] for i in outputs]


def inner(f: Callable[..., Any], a: Sequence[Any], moving: Sequence[bool]) -> tuple[Tape, int]:
    """Return the recording of f at a, and its result; arguments that do not move stay numbers."""
    tape = Tape()
    z = [tape.input(shape_of(x), x) if m else x for x, m in zip(a, moving, strict=True)]
    out = tape.node(f(*z)).i
    tape.tag.closed = True
    return tape, out


def slope_mode(args: tuple[int, ...], mode: Any, both: bool) -> Any:
    """Return the mode of the choice between derivatives, of which `both` vary or only one does.

    At a kink there is none, or by convention the mean, or the zero of the side that is constant.
    """
    if not isinstance(mode, str):
        return mode
    if mode in SIDES:
        return mode
    if args[0] == args[1]:
        return "where"
    return "mean" if both else "flat"


def unbroadcast(bar: Any, whole: Shape, shape: Shape) -> Any:
    """Return the adjoint of an argument of that shape which was broadcast to the whole shape.

    Axes of length one of bar stand for `whole` equal parts.
    """
    if shape == whole:
        return bar
    have, lead = shape_of(bar), len(whole) - len(shape)
    offset = len(whole) - len(have)
    axes, times = [], 1
    for i, n in enumerate(whole):
        if i >= lead and shape[i - lead] == n:
            continue
        if i >= offset and have[i - offset] == n:
            axes.append(i - offset)
        else:
            times *= n
    if axes:
        bar = np.sum(bar, axis=tuple(axes), keepdims=True)
    extra = max(len(have) - len(shape), 0)
    if extra:
        bar = np.reshape(bar, shape_of(bar)[extra:])
    return bar if times == 1 else bar * times


def _plus(x: Any, y: Any) -> Any:
    return y if x is None else plus(x, y)


def _like(x: Any) -> Any:
    return x if is_operand(x) else np.asarray(x)


def _fits_into(bar: Any, total: Any) -> bool:
    if not isinstance(total, np.ndarray) or not total.flags.c_contiguous:
        return False  # what is written through reshape(-1) must reach the array
    return bool(total.dtype == object or np.result_type(np.asarray(bar), total) == total.dtype)
