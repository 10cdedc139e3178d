"""Loops as one instruction: a program that is run again and again on its own results.

Its tangent is the loop of the tangent of a step, and its adjoint two loops: one forward that keeps
the states before each step, and one backward of the adjoint of a step (Griewank & Walther,
Evaluating Derivatives, ch. 12).  So derivatives of every order are loops again, as long as the
program of a step, whatever the number of steps.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from taylor.core import patterns
from taylor.core.instructions import At, Input, Number, Op, Shape, Step, Sweep, Whole, added, full
from taylor.core.node import Node
from taylor.core.operand import host
from taylor.core.patterns import ones
from taylor.core.program import Program
from taylor.core.rules import adjoints, tangents, values
from taylor.core.tape import Tape
from taylor.errors import TraceError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

GLIMPSE = 2  # steps taken where only the shapes and kinds of results count


@dataclass(slots=True, eq=False)
class Loop(Op):
    """(states, y) = body(states, fixed, x_i) for i = 0..n-1, or from n-1 down to 0 if `backwards`.

    The first arguments are the states before the first step, the last ones, `rows` of them, arrays
    of which each step gets one row.  The result joins the states after the last step and the rows
    y_0..y_{n-1} into one vector.
    """

    body: Program
    n: int
    states: int
    rows: int
    backwards: bool = False

    coded: ClassVar[Callable[..., Any]]  # (loop, arguments) -> its result by machine code, or None

    def contents(self) -> tuple[Any, ...]:
        b = self.body
        code = tuple(zip(*b.code, strict=True))
        return code, b.inputs, b.outputs, self.n, self.states, self.rows, self.backwards

    def key(self) -> Any:
        return (Loop, self.body.identity, self.n, self.states, self.rows, self.backwards)

    @property
    def told(self) -> bool:
        """Whether it tells all that is derived from it."""
        return self.body.told

    # -------------------------------------------------------------- arguments and results
    @property
    def parts(self) -> list[Shape]:
        """The shapes of the results."""
        code, outputs = self.body.code, self.body.outputs
        shapes = [code[i].shape for i in outputs]
        return [s if k < self.states else (self.n, *s) for k, s in enumerate(shapes)]

    def shapes(self) -> list[Shape]:
        """Return the shapes of the arguments."""
        found = [self.body.code[i].shape for i in self.body.inputs]
        first = len(found) - self.rows
        return [*found[:first], *((self.n, *s) for s in found[first:])]

    def shape(self, shapes: list[Shape]) -> Shape:
        return (sum(map(math.prod, self.parts)),)

    def split(self, y: Any) -> list[Any]:
        """Return the results from the vector that joins them; the last axes of y may be lanes."""
        found, start = [], 0
        for shape in self.parts:
            stop = start + math.prod(shape)
            found.append(y[start:stop].reshape((*shape, *np.shape(y)[1:]))[()])
            start = stop
        return found

    def steps(self) -> range:
        """The numbers of the steps, in order."""
        return range(self.n)[:: -1 if self.backwards else 1]

    def value(self, a: Sequence[Any], number: Number) -> Any:
        owner = host(a)
        if owner is not None:
            return owner.process(self, a)
        found = self.coded(a)
        return self.run(*a) if found is None else found

    def glimpse(self, a: Sequence[Any], number: Number) -> Any:
        owner = host(a)
        return self.run(*a, most=GLIMPSE) if owner is None else owner.process(self, a)

    def run(self, *a: Any, most: int | None = None) -> Any:
        """Return the result step by step, in whatever number type the arguments are.

        With `most` so many steps are taken at most, and the last one stands for all others.
        """
        count, first = self.states, len(a) - self.rows
        states, fixed, rows = list(a[:count]), a[count:first], a[first:]
        kept: list[list[Any]] = []
        code, outputs = self.body.code, self.body.outputs
        with np.errstate(all="ignore"):
            for i in self.steps()[:most]:
                v = values(code, [*states, *fixed, *(x[i] for x in rows)])
                states = [v[j] for j in outputs[:count]]
                kept.append([v[j] for j in outputs[count:]])
        if len(kept) < self.n:
            ys = [np.broadcast_to(y, (self.n, *np.shape(y))) for y in kept[-1]]
        else:
            ys = [np.stack(y) for y in zip(*kept[:: -1 if self.backwards else 1], strict=True)]
        flat = [
            np.reshape(np.broadcast_to(y, s), -1)
            for y, s in zip([*states, *ys], self.parts, strict=True)
        ]
        return np.concatenate(flat) if len(flat) > 1 else flat[0]

    # -------------------------------------------------------------- derivatives
    def tangent(self, at: At, d: list[Any]) -> Any:
        whole = [None if e is None else w for e, w in zip(d, at.whole(d), strict=True)]
        return self.pushed(at.a, whole, at.lanes)[1]

    def pushed(
        self, a: Sequence[Any], d: Sequence[Any], lanes: int | None = None
    ) -> tuple[Any, Any]:
        """Return the result at a and its tangent for those of the arguments (None: zero).

        With `lanes` the tangents have so many directions along a last axis.
        """
        live, end = self.live([e is not None for e in d]), () if lanes is None else (lanes,)
        loop = _tangent(self, tuple(e is not None for e in d), lanes)
        given: list[Any] = []
        for group in self.groups(len(a)):
            given += [a[i] for i in group]
            given += [full(d[i], (*np.shape(a[i]), *end), a[i]) for i in group if live[i]]
        parts, vary = iter(loop.split(loop.value(given, same))), self.varying(live)
        y, dy = list[Any](self.parts), list[Any](self.parts)
        count = self.states
        for group, moving in ((range(count), live), (range(count, len(y)), vary)):
            for i in group:
                y[i] = np.reshape(next(parts), -1)
            for i in group:
                e = next(parts) if moving[i] else full(None, (*self.parts[i], *end), a[0])
                dy[i] = np.reshape(e, (-1, *end))
        return np.concatenate(y), np.concatenate(dy)

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        count, first = self.states, len(at.a) - self.rows
        loop, fixed, rows = _adjoint(self, tuple(wanted))
        past = self.past(at)
        bars, live = self.split(full(bar, at.shape)), self.live(wanted)
        given = [w for w, m in zip(bars[:count], live, strict=False) if m]
        given += [full(None, at.shapes[i], at.a[i]) for i in fixed]
        given += [*at.a[count:first], *past, *at.a[first:], *bars[count:]]
        parts = iter(loop.split(loop.value(given, same)))
        found: list[Any] = [None] * len(at.a)
        for i in [*(i for i in range(count) if live[i]), *fixed, *rows]:
            found[i] = Whole(next(parts))
        return [b if w else None for b, w in zip(found, wanted, strict=True)]

    def past(self, at: At) -> list[Any]:
        """Return the states before each step, by a loop of their own if they hold anything."""
        shapes = at.shapes[: self.states]
        if not any(map(math.prod, shapes)):
            return [full(None, (self.n, *s), at.a[0]) for s in shapes]
        whole = _remembering(self)
        found: list[Any] = whole.split(whole.value(at.a, same))[len(self.parts) :]
        return found

    def groups(self, count: int) -> list[range]:
        """Return the positions of states, of what is fixed, and of rows among so many arguments."""
        first = count - self.rows
        return [range(self.states), range(self.states, first), range(first, count)]

    def live(self, moving: Sequence[bool]) -> list[bool]:
        """Return which arguments of a step vary if these arguments of the loop do."""
        found = list(moving)
        while True:
            out = self.varying(found)
            new = [a or b for a, b in zip(found, out[: self.states], strict=False)]
            if new == found[: self.states]:
                return found
            found[: self.states] = new

    def varying(self, moving: Sequence[bool]) -> list[bool]:
        """Return which results of a step vary if these arguments do."""
        v: list[bool] = []
        for op, args, _ in self.body.code:
            v.append(moving[op.n] if type(op) is Input else any(v[a] for a in args))
        return [v[i] for i in self.body.outputs]

    # -------------------------------------------------------------- series, patterns
    def height(self, h: list[int], order: int) -> int:
        return order if any(h) else 0

    def step(self, t: Sweep, i: int) -> Step:
        found: Step = t.looping(i)
        return found

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        count, first = self.states, len(x) - self.rows
        stack, each = patterns.matrices().vstack, _pattern(self.body)
        sizes = [math.prod(self.body.code[i].shape) for i in self.body.outputs]
        cuts = np.cumsum([0, *sizes])
        states, kept = list(x[:count]), []
        for i in self.steps():
            rows = [
                p[i * (size := math.prod(s[1:])) : (i + 1) * size]
                for p, s in zip(x[first:], shapes[first:], strict=True)
            ]
            y = each @ stack([*states, *x[count:first], *rows], format="csr")
            parts = [y[a:b] for a, b in itertools.pairwise(cuts)]
            states = parts[:count]
            kept.append(parts[count:])
        ys = [stack(y) for y in zip(*kept[:: -1 if self.backwards else 1], strict=True)]
        found: csr_array = stack([*states, *ys], format="csr")
        return found

    def show(self, v: list[str], shape: Shape) -> str:
        return f"{self.n} steps({', '.join(v)})"


def same(c: Any) -> Any:
    """Return a constant as it is: numbers are brought together by what is done with them."""
    return c


def _pattern(body: Program) -> csr_array:
    """Return the pattern of the Jacobian of a step, all results in all arguments."""
    code = body.code
    sizes = [math.prod(code[i].shape) for i in body.inputs]
    starts, total = np.cumsum([0, *sizes]), sum(sizes)
    found: list[Any] = []
    for op, args, shape in code:
        size = math.prod(shape)
        if type(op) is Input:
            found.append(ones(np.arange(size), np.arange(size) + starts[op.n], (size, total)))
        elif not any(found[a].nnz for a in args):
            found.append(ones([], [], (size, total)))
        else:
            found.append(op.pattern([found[a] for a in args], [code[a].shape for a in args], shape))
    joined: csr_array = patterns.matrices().vstack([found[i] for i in body.outputs], format="csr")
    return joined


# ------------------------------------------------------------------ the loops of derivatives
@functools.lru_cache(maxsize=256)
def _tangent(op: Loop, moving: tuple[bool, ...], lanes: int | None) -> Loop:
    """Return the loop of values and tangents, for tangents of those arguments.

    In each group of arguments and of results the tangents of those that vary stand at the end.
    """
    body, live, end = op.body, op.live(moving), () if lanes is None else (lanes,)
    tape, x, d = Tape(), list[Any](moving), list[Any]([None] * len(moving))
    tape.exact = False
    counts = []
    for group in op.groups(len(moving)):
        for i in group:
            x[i] = tape.input(body.code[body.inputs[i]].shape, body.point[i])
        for i in group:
            if live[i]:
                shape = (*x[i].shape, *end)
                d[i] = tape.input(shape, np.ones(shape)[()])
        counts.append(len(tape.inputs))
    v = values(body.code, x)
    t = tangents(body.code, v, d, lanes=lanes)
    out, count, vary = body.outputs, op.states, op.varying(live)
    results: list[Any] = []
    for group, varying in ((range(count), live), (range(count, len(out)), vary)):
        results += [v[out[i]] for i in group]
        for j in [out[i] for i in group if varying[i]]:
            results.append(full(t[j], (*body.code[j].shape, *end), v[j]))
    rows = counts[2] - counts[1]
    return Loop(_closed(tape, results), op.n, counts[0], rows, op.backwards)


@functools.lru_cache(maxsize=256)
def _remembering(op: Loop) -> Loop:
    """Return the loop that gives the states before each step, too."""
    body = op.body
    outputs = [*body.outputs, *body.inputs[: op.states]]
    step = Program(body.code, body.inputs, outputs, [], False, body.point)
    return Loop(step, op.n, op.states, op.rows, op.backwards)


@functools.lru_cache(maxsize=256)
def _adjoint(op: Loop, wanted: tuple[bool, ...]) -> tuple[Loop, list[int], list[int]]:
    """Return the loop of the adjoints, and which of what is fixed and of the rows it is for.

    Its states are the adjoints of the states that vary and the sums of those of what is fixed; its
    rows the states before each step, the rows, and the adjoints of the results of each step.
    """
    body, live, count = op.body, op.live(wanted), op.states
    shapes = [body.code[i].shape for i in body.inputs]
    _, still, rows = op.groups(len(wanted))
    fixed, each = [i for i in still if wanted[i]], [i for i in rows if wanted[i]]
    tape, x = Tape(), list[Any](wanted)
    tape.exact = False

    def seeded(shape: Shape) -> Node:
        return tape.input(shape, np.ones(shape)[()])

    bars = [seeded(shapes[i]) if live[i] else None for i in range(count)]
    sums = [seeded(shapes[i]) for i in fixed]
    for i in [*still, *range(count), *rows]:
        x[i] = tape.input(shapes[i], body.point[i])
    bars += [seeded(body.code[i].shape) for i in body.outputs[count:]]
    seeds: dict[int, Any] = {}
    for i, bar in zip(body.outputs, bars, strict=True):
        if bar is not None:
            seeds[i] = added(seeds.get(i), bar)
    v = values(body.code, x)
    order = [c.op.n for c in body.code if isinstance(c.op, Input)]
    found = dict(zip(order, adjoints(body.code, v, seeds), strict=True))
    results = [full(found[i], shapes[i], x[i]) for i in range(count) if live[i]]
    results += [added(found[i], s) for i, s in zip(fixed, sums, strict=True)]
    results += [full(found[i], shapes[i], x[i]) for i in each]
    states = sum(live[:count]) + len(fixed)
    given = count + len(rows) + len(body.outputs) - count
    return Loop(_closed(tape, results), op.n, states, given, not op.backwards), fixed, each


def _closed(tape: Tape, results: Sequence[Any]) -> Program:
    """Return the program of these results of a recording, which ends it."""
    outputs = [tape.node(y).i for y in results]
    point = tuple(tape.values[i] for i in tape.inputs)
    tape.tag.closed = True
    if tape.guards:
        raise TraceError("the derivative of a step of a loop branches on a value")
    return Program(tape.code, tape.inputs, outputs, [], False, point).pruned()
