"""Loops whose programs and machine code do not grow with the number of steps."""

from __future__ import annotations

import dataclasses
import itertools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.applied import Call
from taylor.core.calls import Row
from taylor.core.conditions import Guard, stays_number
from taylor.core.einsum import Products
from taylor.core.instructions import Arithmetic, Const, Input, Instruction, Scale
from taylor.core.loops import Loop
from taylor.core.maps import Map
from taylor.core.memory import fresh
from taylor.core.node import Node
from taylor.core.operand import host, lift
from taylor.core.program import Program, recording
from taylor.core.tape import Tape
from taylor.drivers import trees
from taylor.errors import NotNow, TraceError
from taylor.machine.calls import is_users
from taylor.machine.questions import is_written
from taylor.numbers.kinds import base, content, is_operand

Function = Callable[..., Any]
FEW = 2  # steps that are written out
EXACT = 1 << 53  # whole numbers up to here are floats


def scan(
    step: Function, state: Any, n: int | None = None, *, xs: Any = None, outputs: bool = False
) -> Any:
    """Return the state after n steps, each state = step(state), as one loop of machine code.

    With `xs`, a tree of arrays whose first axis are the steps, it is step(state, x) with the row x
    of each.  With `outputs` the step returns (state, y), and scan (state, ys), the y of all steps
    stacked along a first axis.  States, x and y are numbers, arrays or trees of them.

    The result is that of the loop in Python, in every number type; but a recording, and so
    `compile` and reverse mode, hold one step, whatever n is, if states keep their shapes and are
    float64.  Derivatives flow to what the step uses from elsewhere, too.  The step may be run more
    often than n times: it must return the same for the same arguments.  (jax.lax.scan(f, init, xs)
    always has x and y.)

    >>> import numpy as np
    >>> import taylor
    >>> scan(lambda s: s / 2 + 1 / s, 1.0, 6)
    1.414213562373095
    >>> taylor.gradient(lambda a: scan(lambda s: (s + a / s) / 2, 1.0, 6), 4.0)
    np.float64(0.25)
    >>> scan(lambda s, x: (s + x, s), 0.0, xs=np.arange(4.0), outputs=True)
    (np.float64(6.0), array([0., 0., 1., 3.]))
    """
    if not callable(step):
        raise TypeError(f"the step must be a function, not {type(step).__name__}")
    rows, form = ([], None) if xs is None else trees.flatten(xs)
    count = _count(n, rows, xs)
    if not count and outputs:
        raise ValueError("without a step there are no outputs: n must be >= 1")

    def each(state: Any, *x: Any) -> tuple[Any, Any]:
        """Return the next state and y."""
        row = () if form is None else (trees.build(form, iter(x)),)
        y = step(trees.entrywise(fresh, state), *row)
        if not outputs:
            return y, ()
        if not isinstance(y, tuple) or len(y) != 2:
            raise TypeError(
                f"with outputs=True the step returns (state, y), not a {type(y).__name__}"
            )
        return y

    found = _recorded(each, state, rows, count) if count > FEW else None
    state, ys = _plain(each, state, rows, count) if found is None else found
    return (state, ys) if outputs else state


def _count(n: int | None, rows: Sequence[Any], xs: Any) -> int:
    """Return the number of steps."""
    if n is None and not rows:
        raise TypeError("scan needs the number of steps n, or rows xs for them")
    shapes = [np.shape(r) for r in rows]
    lengths = {s[0] if s else -1 for s in shapes}
    if len(lengths) > 1 or -1 in lengths:
        raise ValueError(f"the first axis of all xs are the steps, but their shapes are {shapes}")
    if n is None:
        return lengths.pop()
    if np.ndim(n):
        raise TypeError("n is the number of steps; rows for them are scan(step, state, xs=rows)")
    count = whole_number("n", n, 0)
    if lengths and lengths != {count}:
        raise ValueError(f"n is {count}, but xs have {lengths.pop()} rows")
    return count


def _plain(each: Function, state: Any, rows: Sequence[Any], count: int) -> tuple[Any, Any]:
    """Return the state and the y of all steps, from the loop in Python."""
    kept: list[list[Any]] = []
    structure: Any = None
    for i in range(count):
        state, y = each(state, *(r[i] for r in rows))
        leaves, own = trees.flatten(y)
        if i and own != structure:
            raise TypeError("the step returns outputs y of another form than before")
        structure = own
        kept.append(leaves)
    ys = [np.stack([lift(e) for e in y]) for y in zip(*kept, strict=True)]
    return state, trees.build(structure, iter(ys)) if count else ()


# ------------------------------------------------------------------ recordings
def _recorded(each: Function, state: Any, rows: Sequence[Any], count: int, least: int = 0) -> Any:
    """Return the final state and the outputs as results of one instruction.

    None where nothing is being recorded, a step is no program for all states, or all steps make
    fewer numbers than `least`.
    """
    leaves, structure = trees.flatten(state)
    owner = host([lift(x) for x in (*leaves, *rows)])
    if owner is None:  # what the step uses from elsewhere may be recorded
        first = each(state, *(r[0] for r in rows))
        owner = host([lift(x) for x in trees.flatten(first)[0]])
    if not isinstance(owner, Node) or owner.tape.watched:
        return None
    tape = owner.tape
    nodes = [tape.node(_float(x)) for x in (*leaves, *rows)]
    first = len(leaves)
    points = [_point(tape.value_of(x.i)) for x in nodes]
    if any(p is None for p in points):
        return None
    points[first:] = [p[0] for p in points[first:]]
    form: Any = None

    def run(*z: Any) -> list[Any]:
        nonlocal form
        inner = z[0].tape
        inner.most, inner.compiled = tape.most, tape.compiled
        new, y = each(trees.build(structure, iter(z[:first])), *z[first:])
        tape.shortened |= inner.shortened
        (found, own), (ys, form) = trees.flatten(new), trees.flatten(y)
        if own != structure or inner.read:
            raise TraceError("a step is no program of its state")
        return [*found, *ys]

    try:
        program, _ = recording(run, *points)
    except NotNow:
        raise
    except Exception:  # the loop in Python takes the step again, and may raise it, too
        return None
    if sum(math.prod(i.shape) for i in program.code) * count < least:
        return None
    parts = _applied(program, nodes, first, count)
    if parts is None:
        return None
    return trees.build(structure, iter(parts[:first])), trees.build(form, iter(parts[first:]))


def _applied(program: Program, nodes: Sequence[Node], states: int, n: int) -> list[Any] | None:
    """Return what `_recorded` does from the program of a step, in a list."""
    tape, many = nodes[0].tape, len(program.outputs)
    made = _loop(_without_numbers(program), states, n, tape)
    if made is None:
        return None
    loop, outer = made
    args = (*nodes[:states], *map(tape.node, outer), *nodes[states:])
    parts = loop.split(tape.apply(loop, tuple([x.i for x in args])))
    for v in parts[many:]:
        if np.isnan(base(v)).any():  # in Python's loop the driver says what is wrong
            return None
        stays_number(v)
    return parts[:many]


def _without_numbers(program: Program) -> Program:
    """Return the program with the values that must be numbers as results, not as guards."""
    held = dict.fromkeys(g.a for g in program.guards if _of_number(g))
    rest = [g for g in program.guards if not _of_number(g)]
    outputs = [*program.outputs, *held]
    return dataclasses.replace(program, outputs=outputs, guards=rest)


def _of_number(guard: Guard) -> bool:
    """Whether a guard is that of `number`."""
    return guard.op == ">=" and guard.a == guard.b


def rows(f: Function, x: Any, least: int) -> Any:
    """Return f of each row of x, stacked, as one instruction of a recording; None if it is none.

    Or if it makes fewer numbers than `least` of them all.
    """
    found = _recorded(lambda state, row: (state, f(row)), (), [x], len(x), least)
    return None if found is None else found[1]


def as_loop(step: Function, state: Any, n: int) -> Any:
    """Return the state after n >= 1 steps as one instruction of the recording.

    TraceError: a step is no program.
    """
    found = _recorded(lambda s: (content(step(trees.entrywise(fresh, s))), ()), state, [], n)
    if found is None:
        raise TraceError("a step is no program of its state")
    return found[0]


def _float(x: Any) -> Any:
    """Return a whole number as a float."""
    x = lift(x)
    if isinstance(x, int) and not isinstance(x, bool) and abs(x) <= EXACT:
        return float(x)
    return x.astype(float) if isinstance(x, np.ndarray) and x.dtype.kind in "iu" else x


def _point(value: Any) -> Any:
    """Return the plain value, if it is of float64."""
    plain = None if value is None else base(value)
    return plain if np.asarray(plain).dtype == np.dtype(float) else None


def _loop(program: Program, states: int, n: int, tape: Tape) -> tuple[Loop, list[Any]] | None:
    """Return the loop of a recorded step and the values of outer differentiations that it uses.

    None where another step may be another program, or where its kinks are to be seen.
    """
    code = program.code
    same = all(
        code[i].shape == code[j].shape
        for i, j in zip(program.inputs[:states], program.outputs[:states], strict=True)
    )
    seen = tape.compiled or all(map(_is_smooth, code))
    rules = [(c.op.rule, code[c.args[0]].shape) for c in code if isinstance(c.op, Call)]
    if rules and not (tape.compiled and all(itertools.starmap(is_written, rules))):
        return None
    if program.guards or not same or not seen or is_users(program, False):
        return None
    held = [i for i, c in enumerate(code) if is_operand(c.op.constant)]
    outer = [code[i].op.constant for i in held]
    points = [_point(c) for c in outer]
    if any(p is None for p in points) or not all(isinstance(code[i].op, Const) for i in held):
        return None
    inputs = [*program.inputs[:states], *held, *program.inputs[states:]]
    order = [*inputs, *(i for i in range(len(code)) if i not in set(inputs))]
    new = {i: j for j, i in enumerate(order)}
    body = [Instruction(Input(j), (), code[i].shape) for j, i in enumerate(inputs)]
    for i in order[len(inputs) :]:
        body.append(code[i]._replace(args=tuple(new[a] for a in code[i].args)))
    point = (*program.point[:states], *points, *program.point[states:])
    outputs = [new[i] for i in program.outputs]
    step = Program(body, list(range(len(inputs))), outputs, [], False, point).pruned()
    return Loop(step, n, states, len(program.inputs) - states), outer


def _is_smooth(i: Instruction) -> bool:
    """Whether an instruction has no kinks, of which a driver would have to know."""
    op = i.op
    if type(op) is Row:
        return op.row.compose is None and op.row.jumps is None
    return isinstance(op, (Input, Const, Arithmetic, Scale, Products, Map, Loop))


def whole_number(name: str, n: Any, least: int) -> int:
    """Return the argument of that name as an integer that is at least so large."""
    try:
        k = operator.index(n)
    except TypeError:
        raise TypeError(f"{name} must be an integer >= {least}, not {n!r}") from None
    if k < least:
        raise ValueError(f"{name} must be >= {least}, not {k}")
    return k
