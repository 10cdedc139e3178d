"""Programs made shorter: loops that were written out are rolled up, loops that are alike made one.

A stretch of a program repeats with period p if instruction i + p does what instruction i does, its
arguments being the same ones or those p later.  What differs between the repetitions, constants,
elements of arrays and what was computed before, becomes the rows of the loop.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from taylor.core.applied import Call
from taylor.core.calls import Row
from taylor.core.dependence import dependence
from taylor.core.instructions import MUL, Const, Input, Instruction, Scale, Shape
from taylor.core.loops import Loop
from taylor.core.maps import Gather, run
from taylor.core.patterns import matrices
from taylor.core.program import Program
from taylor.core.rules import values
from taylor.core.table import Rule
from taylor.numbers.kinds import Array

# whether a rule of arrays has machine code, where its first argument has that shape
Written = Callable[[Rule, Shape], bool]
PASSES = 12  # loops that are rolled up at most
SHORTEST = 200  # instructions of a program that is looked at
LONG = 1000  # of one whose loops may be of any kind
FEWEST = 100  # instructions of a loop that was written out
LEAST = 8  # repetitions of a loop
LARGE = 256  # elements of arrays that element-wise code goes over in tiles
WINDOW = 24  # instructions that are compared to find a period
MUCH = 1.2  # times as many instructions are worth a longer period
OUTSIDE = -1  # the shift of an argument that is some result from before the stretch
VARYING = (Const, Scale, Gather)  # instructions that may differ from step to step


# ------------------------------------------------------------------ loops that are alike
def merged(program: Program) -> Program:
    """Return the program with loops of the same steps on the same arguments made one."""
    groups: dict[Any, list[int]] = defaultdict(list)
    for i, (op, args, _) in enumerate(program.code):
        if isinstance(op, Loop):
            count = op.states
            same = (op.n, count, op.rows, op.backwards, tuple(op.body.outputs[:count]))
            groups[args, same, tuple(op.body.code)].append(i)
    several = [group for group in groups.values() if len(group) > 1]
    if not several:
        return program
    whole = {group[0]: _union([_loop_at(program, i) for i in group]) for group in several}
    first = {i: group[0] for group in several for i in group}
    code: list[Instruction] = []
    new: dict[int, int] = {}
    made: dict[int, int] = {}
    for i, (op, args, shape) in enumerate(program.code):
        args = tuple(new[a] for a in args)
        if i in whole:
            made[i] = len(code)
            code.append(Instruction(whole[i], args, whole[i].shape([])))
        if i in first:
            assert isinstance(op, Loop)
            op, args = _part(whole[first[i]], op), (made[first[i]],)
        new[i] = len(code)
        code.append(Instruction(op, args, shape))
    return program.renumbered(code, new.__getitem__)


def _loop_at(program: Program, i: int) -> Loop:
    op = program.code[i].op
    assert isinstance(op, Loop)
    return op


def _union(loops: Sequence[Loop]) -> Loop:
    """Return the loop that has the results of all."""
    op = loops[0]
    ys = dict.fromkeys(i for loop in loops for i in loop.body.outputs[op.states :])
    outputs = [*op.body.outputs[: op.states], *ys]
    body = Program(op.body.code, op.body.inputs, outputs, [], False, op.body.point)
    return Loop(body, op.n, op.states, op.rows, op.backwards)


def _part(whole: Loop, op: Loop) -> Gather:
    """Return what takes the results of a loop from those of another, that has more."""
    places = np.arange(*whole.shape([]))
    parts, found, count = whole.split(places), whole.body.outputs, op.states
    pieces = parts[:count]
    pieces += [parts[count + found[count:].index(i)] for i in op.body.outputs[count:]]
    index = np.concatenate([np.ravel(p) for p in pieces])
    return run(0, index.shape) if np.array_equal(index, places[: index.size]) else Gather(index)


# ------------------------------------------------------------------ loops that were written out
class Stretch(NamedTuple):
    """A stretch of a program that repeats: where it begins, its period, how often."""

    start: int
    period: int
    times: int

    @property
    def stop(self) -> int:
        """Where it ends."""
        return self.start + self.period * self.times


def rolled(program: Program, written: Written, any_kind: bool = True) -> Program:
    """Return the program with stretches that repeat as loops, the longest first.

    The program has its point; it is returned as it is where nothing repeats often enough.  Rules
    of arrays that are not `written` in machine code are in no loop.  Those of programs that are not
    long are of any kind only where that is said: else what their steps read depends on the same
    inputs, and they leave nothing but the last state.

    >>> from taylor.core.program import record
    >>> def f(x):
    ...     for i in range(500):
    ...         x = x + 0.1 * np.sin(x)
    ...     return x
    >>> long = record(f, 0.5)
    >>> len(long), len(rolled(long, lambda rule, shape: False))
    (1501, 3)
    """
    free = any_kind or len(program) >= LONG
    for _ in range(PASSES):
        if len(program) < SHORTEST:
            break
        found = (_Rolling(program, s, free).program() for s in _stretches(program, written, free))
        shorter = next((p for p in found if p is not program), None)
        if shorter is None:
            break
        program = shorter
    return program


def _kind(code: Sequence[Instruction], i: Instruction, written: Written, free: bool) -> Any:
    """Return what two instructions have in common that may stand for each other in a loop."""
    op = i.op
    known = written(op.rule, code[i.args[0]].shape) if isinstance(op, Call) else op.told
    if not known or (isinstance(op, Row) and not op.row.own):
        return object()  # only Python knows it: a loop of it has no machine code
    if type(op) in (Const, Scale):
        c = op.constant
        plain = isinstance(c, (int, float)) or (isinstance(c, np.ndarray) and c.dtype == np.float64)
        return (type(op), np.shape(c)) if plain else op.key(), len(i.args), i.shape
    if type(op) is Gather and free:
        return Gather, len(i.args), i.shape
    return op.key(), len(i.args), i.shape


def _stretches(program: Program, written: Written, free: bool) -> Iterator[Stretch]:
    """Yield the longest stretches that repeat, of those that hold the middle, or a quarter.

    First those whose steps may read any elements of arrays, and any results from before.
    """
    code, n = program.code, len(program)
    loose, args = _kinds(code, written, True), _arguments(code)
    strict = loose if free else _kinds(code, written, False)
    for middle in (n // 2, n // 4, n - n // 4):
        for kinds, any_args in ((loose, True), (strict, False)):
            stretch = _stretch_at(middle, kinds, args, any_args)
            if stretch is None:
                break
            if n >= LONG or not _in_tiles(code[stretch.start : stretch.start + stretch.period]):
                yield stretch


def _in_tiles(code: Sequence[Instruction]) -> bool:
    """Whether instructions work element by element on large arrays: in code, in tiles of them.

    As steps of a loop each would be a pass through memory.
    """
    return all(i.op.by_element and math.prod(i.shape) >= LARGE for i in code if i.args)


def _kinds(code: Sequence[Instruction], written: Written, free: bool) -> Array:
    """Return numbers that are equal for instructions that may stand for each other in a loop."""
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(_kind(code, i, written, free), len(numbers)) for i in code])


def _stretch_at(middle: int, kinds: Array, args: Array, any_args: bool) -> Stretch | None:
    """Return the longest stretch that repeats, of those that hold that place of a program."""
    window = kinds[middle : middle + WINDOW]
    places = np.lib.stride_tricks.sliding_window_view(kinds[middle + 1 :], len(window))
    gaps = np.flatnonzero((places == window).all(axis=1))[:64] + 1
    lengths = [_around(kinds[:-p] == kinds[p:], middle) for p in gaps.tolist()]
    best: Stretch | None = None
    for k in sorted(range(len(gaps)), key=lambda k: (lengths[k][0] - lengths[k][1], gaps[k])):
        p, known = int(gaps[k]), 0 if best is None else best.stop - best.start
        if lengths[k][1] - lengths[k][0] + p <= MUCH * known:
            break
        moved, from_before = args[p:] - args[:-p], args < lengths[k][0]
        known_args = (moved == 0) | (moved == p)
        if any_args:
            known_args |= from_before[p:] & from_before[:-p]
        same = (kinds[:-p] == kinds[p:]) & known_args.all(axis=1)
        first, stop = _around(same, middle)
        times = (stop + p - first) // p
        if times >= LEAST and times * p >= max(FEWEST, MUCH * known):
            best = Stretch(first, p, times)
    return best


def _arguments(code: Sequence[Instruction]) -> Array:
    """Return the arguments of all instructions, one row each."""
    most = max(len(i.args) for i in code)
    table = np.zeros((len(code), most), dtype=int)
    for k, (_, args, _) in enumerate(code):
        table[k, : len(args)] = args
    return table


def _around(same: Array, i: int) -> tuple[int, int]:
    """Return the range of places around i, as far as they are true."""
    if not same[i]:
        return i, i
    off = np.flatnonzero(~same)
    k = int(np.searchsorted(off, i))
    return int(off[k - 1]) + 1 if k else 0, int(off[k]) if k < len(off) else len(same)


class Irregular(Exception):
    """A stretch that is no loop."""


class _Rolling:
    """A stretch of a program that becomes a loop."""

    def __init__(self, program: Program, stretch: Stretch, free: bool) -> None:
        self.of, self.code, self.free = program, program.code, free
        self.start, self.period, self.count = stretch
        self.stop = stretch.stop
        self.rows: dict[int, Any] = {}  # by place in a step: what gives the rows of all steps
        self.constants: dict[int, None] = {}  # those that are numbers, which a step has itself
        self.fixed: dict[int, None] = {}  # arguments that are the same in all steps, in order
        self.outside: dict[
            tuple[int, ...], int
        ] = {}  # results from before, a row each; their order
        self.args: Array = np.zeros((0, 0, 0), dtype=int)  # by step, instruction, place
        self.shifts: list[list[int]] = []  # of the arguments from one step to the next
        self.states: dict[int, int] = {}  # by distance before the step: where they begin
        self.body: list[Instruction] = []

    def program(self) -> Program:
        """Return the program with the loop; as it was, if it is none."""
        try:
            self._read()
            return self._joined()
        except Irregular:
            return self.of

    def _at(self, j: int, k: int) -> Instruction:
        return self.code[self.start + k * self.period + j]

    def _read(self) -> None:
        """Find what each instruction of a step reads: states, rows, what is fixed, others."""
        table = _arguments(self.code[self.start : self.stop])
        self.args = table = table.reshape(self.count, self.period, -1)
        moved = table[1:] - table[:-1]
        outside = (table < self.start).all(axis=0) & (moved != 0).any(axis=0)
        if np.any((moved != moved[0]).any(axis=0) & ~outside):
            raise Irregular
        self.shifts = np.where(outside, OUTSIDE, moved[0]).tolist()
        for j, shift in enumerate(self.shifts):
            op, args, _ = self._at(j, 0)
            for n, (a, moves) in enumerate(zip(args, shift, strict=False)):
                if moves == OUTSIDE:
                    self._outside(table[:, j, n].tolist())
                elif moves and a < self.start:
                    self._carried(a)
                elif not moves and a >= self.start:
                    raise Irregular
            if type(op) in VARYING:
                every = [self._at(j, k) for k in range(self.count)]
                if type(op) is Const or any(x.op != op for x in every[1:]):
                    self._rows(j, every, any(shift))
            if j not in self.rows or type(op) is Scale:
                for a in [a for a, m in zip(args, shift, strict=False) if not m]:
                    (self.constants if type(self.code[a].op) is Const else self.fixed)[a] = None
        if all(j in self.rows and type(self._at(j, 0).op) is not Scale for j in range(self.period)):
            raise Irregular  # nothing is computed
        if not self.free:
            self._check_zeros()

    def _check_zeros(self) -> None:
        """Raise Irregular if steps read what depends on other inputs: Hessians have zeros then."""
        reads: list[Any] = [row for row in self.rows.values() if type(row[0]) is Gather]
        reads += [_one_each(self.code, every)[:2] for every in self.outside]
        wanted = {a for _, args in reads for a in args}
        if not wanted:
            return
        if any(type(self.code[a].op) is Input and _differ(op.index) for op, (a, *_) in reads):
            raise Irregular
        sizes = [math.prod(self.code[i].shape) for i in self.of.inputs]
        first = dict(enumerate(itertools.accumulate([0, *sizes[:-1]])))
        try:
            found = dependence(self.code[: self.start], first, sum(sizes), wanted)
        except (ImportError, ValueError) as error:  # no SciPy, or a pattern that is not known
            raise Irregular from error
        for op, args in reads:
            rows = matrices().vstack([found[a] for a in args], format="csr")
            each = [rows[index[index >= 0]].sum(axis=0) > 0 for index in op.index]
            if any(np.any(columns != each[0]) for columns in each[1:]):
                raise Irregular

    def _carried(self, a: int) -> None:
        """Note a result of a step before, and all those between."""
        while a < self.start:
            before = self.start - a
            if self.code[a].shape != self.code[a + self.period].shape:
                raise Irregular
            self.states.setdefault(before, a)
            a += self.period

    def _outside(self, every: list[int]) -> None:
        """Note results from before the stretch of which each step reads another one."""
        if len({self.code[a].shape for a in every}) > 1:
            raise Irregular
        self.outside.setdefault(tuple(every), len(self.outside))

    def _rows(self, j: int, every: Sequence[Instruction], moves: bool) -> None:
        """Note what differs between the steps: constants, factors, elements of what is fixed."""
        op, args, shape = every[0]
        if type(op) in (Const, Scale):
            c = [np.broadcast_to(np.asarray(i.op.constant, dtype=float), shape) for i in every]
            self.rows[j] = Const(np.stack(c)), ()
        elif type(op) is Gather and not moves:
            index = np.stack([i.op.index for i in every])  # type: ignore[attr-defined]
            self.rows[j] = Gather(index), args
        else:
            raise Irregular

    def _used(self) -> list[int]:
        """Return the instructions of the stretch that something after it reads."""
        after = [a for i in self.code[self.stop :] for a in i.args]
        guards = [i for g in self.of.guards for i in (g.a, g.b)]
        used = {*after, *guards, *self.of.outputs, *self.of.inputs}
        return sorted(i for i in used if self.start <= i < self.stop)

    def _joined(self) -> Program:
        """Return the program with the loop."""
        p, used = self.period, self._used()
        for i in used:  # a result of the last step is a state, if something is in its place before
            a = self.start - self.stop + i
            if a >= self.start - p and a >= 0 and self.code[a].shape == self.code[i].shape:
                self.states.setdefault(self.start - a, a)
        ys = list(dict.fromkeys((i - self.start) % p for i in used if not self._is_state(i)))
        if ys and not self.free:
            raise Irregular
        loop = self._loop(ys)
        code = list(self.code[: self.start])
        for j, (op, given) in self.rows.items():
            code.append(Instruction(op, given, (self.count, *self._at(j, 0).shape)))
        code += [_one_each(self.code, every) for every in self.outside]
        at = len(code)
        args = (*self.states.values(), *self.fixed, *range(self.start, at))
        code.append(Instruction(loop, args, loop.shape([])))
        new = {i: i for i in range(self.start)}
        places, states = loop.split(np.arange(*loop.shape([]))), list(self.states)
        for i in used:
            k, j = divmod(i - self.start, p)
            state = self._is_state(i)
            where = places[states.index(p - j) if state else len(states) + ys.index(j)]
            where = where if state else where[k]
            new[i] = len(code)
            op = run(int(where.flat[0]), where.shape)
            code.append(Instruction(op, (at,), where.shape))
        for i in range(self.stop, len(self.code)):
            new[i] = len(code)
            op, args, shape = self.code[i]
            args = tuple(new[a] for a in args)
            if type(op) is Gather and len(args) > 1:
                code.append(_from_sources(code, op.index, args))
            else:
                code.append(Instruction(op, args, shape))
        return self.of.renumbered(code, new.__getitem__).pruned()

    def _is_state(self, i: int) -> bool:
        """Whether a result of the stretch is a state after the last step."""
        return self.stop - i in self.states and i >= self.stop - self.period

    def _loop(self, ys: Sequence[int]) -> Loop:
        """Return the loop, with the results at those places of each step."""
        shapes = [self.code[a].shape for a in (*self.states.values(), *self.fixed)]
        shapes += [self._at(j, 0).shape for j in self.rows]
        shapes += [self.code[every[0]].shape for every in self.outside]
        body = [Instruction(Input(n), (), shape) for n, shape in enumerate(shapes)]
        states = {before: n for n, before in enumerate(self.states)}
        fixed = {a: n for n, a in enumerate(self.fixed, len(states))}
        rows = {j: n for n, j in enumerate(self.rows, len(states) + len(fixed))}
        place: dict[int, int] = {}
        last = len(states) + len(fixed) + len(rows)
        for a in self.constants:
            fixed[a] = len(body)
            body.append(self.code[a])

        def at(j: int, n: int, a: int) -> int:
            moves = self.shifts[j][n]
            if moves == OUTSIDE:
                return last + self.outside[tuple(self.args[:, j, n].tolist())]
            if a >= self.start:
                return place[a - self.start]
            return states[self.start - a] if moves else fixed[a]

        for j in range(self.period):
            op, args, shape = self._at(j, 0)
            if j in rows and type(op) is not Scale:
                place[j] = rows[j]
                continue
            place[j] = len(body)
            given = tuple([at(j, n, a) for n, a in enumerate(args)])
            if j in rows:
                op, given = MUL, (*given, rows[j])
            body.append(Instruction(op, given, shape))
        outputs = [
            states[b - self.period] if b > self.period else place[self.period - b] for b in states
        ]
        outputs += [place[j] for j in ys]
        step = Program(body, list(range(len(shapes))), outputs, [], False, self._point())
        return Loop(step.pruned(), self.count, len(states), len(rows) + len(self.outside))

    def _point(self) -> tuple[Any, ...]:
        """Return the values that a step begins with."""
        v = values(self.code[: self.start], self.of.point)
        found = [v[a] for a in (*self.states.values(), *self.fixed)]
        for op, args in self.rows.values():
            found.append(op.value([v[a] for a in args], lambda c: c)[0])
        found += [v[every[0]] for every in self.outside]
        if any(np.iscomplexobj(x) for x in found):
            raise Irregular
        return tuple(np.asarray(x, dtype=float)[()] for x in found)


def _differ(index: Array) -> bool:
    """Whether the rows of an index name other elements."""
    rows = np.sort(index.reshape(len(index), -1), axis=1)
    return bool(np.any(rows != rows[0]))


def _one_each(code: Sequence[Instruction], every: Sequence[int]) -> Instruction:
    """Return what stacks results of one shape, each of them as often as it is named."""
    shape, order = code[every[0]].shape, {a: n for n, a in enumerate(dict.fromkeys(every))}
    size = math.prod(shape)
    first = np.array([order[a] * size for a in every])
    index = first.reshape(-1, *[1] * len(shape)) + np.arange(size).reshape(shape)
    return _from_sources(code, index, tuple(order))


def _from_sources(code: Sequence[Instruction], index: Array, args: tuple[int, ...]) -> Instruction:
    """Return what takes elements of the joined arguments, from where those are elements of."""
    parts, start, starts = [], 0, dict[int, int]()
    for a in args:
        op, given, shape = code[a]
        part = np.arange(math.prod(shape))
        if type(op) is Gather and len(given) == 1:
            a, part = given[0], op.index.ravel()
        if a not in starts:
            starts[a], start = start, start + math.prod(code[a].shape)
        parts.append(np.where(part < 0, -1, part + starts[a]))
    found = np.where(index < 0, -1, np.concatenate(parts)[index])
    return Instruction(Gather(found), tuple(starts), found.shape)
