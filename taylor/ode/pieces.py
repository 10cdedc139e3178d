"""The steps of a solution as polynomials, and the series of functions of (t, y) along them."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.algebra import Univariate
from taylor.core.exponents import Exponent, exponents, with_exponents
from taylor.core.maps import Gather
from taylor.core.program import Program, kept, kinds
from taylor.core.sweep import sweep
from taylor.errors import eagerly
from taylor.kept import STORE
from taylor.machine.engine import Kernel
from taylor.numbers.policy import policy
from taylor.numbers.values import as_array
from taylor.ode.control import norm, spacing, two_sum, unit
from taylor.ode.dense import Solution
from taylor.ode.roots import value

Array = NDArray[Any]
FEW = 4  # steps along which a function goes through NumPy that is asked for once
ROUNDS, MOST = 12, 1 << 15  # of dividing steps, and parts of one after it
ROOM = 64  # parts that are looked at together, the first ones first
MOMENT = 64  # units of rounding of a time: the first moment of a step, at least
FIELDS = "t", "low", "h", "coef"


class TooFast(ValueError):
    """A function changes too fast for a step along the solution."""


class Place(NamedTuple):
    """A time and a state, each a sum of two numbers."""

    t: Any
    t_low: Any
    y: Array
    y_low: Array


@dataclass(frozen=True)
class Pieces:
    """Some steps: their starts, what the starts are off by, their lengths and coefficients."""

    t: Array
    low: Array
    h: Array
    coef: Array

    def __len__(self) -> int:
        return len(self.t)

    def part(self, start: int, stop: int) -> Pieces:
        """Return those from number start to number stop."""
        i = slice(start, stop)
        return Pieces(self.t[i], self.low[i], self.h[i], self.coef[i])

    def until(self, i: int, h: Any) -> Pieces:
        """Return the steps up to step i, of which so much of its length."""
        return replace(self.part(0, i + 1), h=np.append(self.h[:i], h))

    def end(self, i: int) -> Any:
        """Return the time at which step i ends."""
        return self.t[i] + (self.h[i] + self.low[i])

    def at(self, i: int, h: Any) -> Place:
        """Return the place at distance h from the start of step i."""
        c = self.coef[i]
        return Place(*two_sum(self.t[i], h + self.low[i]), *two_sum(c[0], value(c[1:], h) * h))

    def scaled(self, tables: Array) -> Array:
        """Return series along the steps, one for each, in units of their lengths."""
        with np.errstate(over="ignore", invalid="ignore"):  # of long steps of short polynomials
            powers = self.h[:, None] ** np.arange(tables.shape[1])
            powers = powers.reshape(*powers.shape, *[1] * (tables.ndim - 2))
            return np.where(tables == 0, tables, tables * powers)


def joined(steps: Sequence[tuple[Any, Any, Any, Array]]) -> Pieces:
    """Return the steps with these starts, what they are off by, lengths and coefficients."""
    t, low, h, coef = zip(*steps, strict=True)
    return Pieces(np.array(t), np.array(low), np.array(h), np.stack(coef))


def chained(*some: Pieces) -> Pieces:
    """Return steps that follow each other as one."""
    some = tuple(p for p in some if len(p)) or some[:1]
    if len(some) == 1:
        return some[0]
    return Pieces(*(np.concatenate([getattr(p, n) for p in some]) for n in FIELDS))


def nothing(place: Place, order: int) -> Pieces:
    """Return no steps, in the numbers of a place."""
    return joined([(place.t, place.t_low, 0 * place.t, np.stack([place.y] * (order + 1)))]).part(
        0, 0
    )


def solution(some: Sequence[Pieces]) -> Solution:
    """Return steps that follow each other as a function of time."""
    t, low, coef = (np.concatenate([getattr(p, n) for p in some]) for n in ("t", "low", "coef"))
    return Solution(np.append(t, some[-1].end(-1)), low, coef)


def later(pieces: Pieces) -> Pieces:
    """Return the steps without the first moment."""
    h = pieces.h[0]
    moment = max(MOMENT * spacing(pieces.t[0]), 4 * unit(pieces.coef) * abs(h))
    if moment >= abs(h):
        return pieces
    first = (0, moment if h > 0 else -moment, h)
    return divided(pieces, [first, *((i, 0 * h, pieces.h[i]) for i in range(1, len(pieces)))])


class Taken(NamedTuple):
    """Some steps: a status of `machine`, the place they led to, how many they were, these steps
    (none if no log of them was asked for), the length of the last one, and log2 of the estimates of
    their errors relative to the state: the largest, and that of a last step that is too rough.

    Such a step is among them, but the place is its start.
    """

    status: int
    end: Place
    steps: int
    pieces: Pieces
    h: Any
    worst: float
    error: float


def side_by_side(programs: Sequence[Program]) -> Program:
    """Return a program with the outputs of several, without guards, of the same arguments.

    >>> from taylor.core.program import record
    >>> p = side_by_side([record(np.sqrt, 4.0), record(lambda x: x + 1, 4.0)])
    >>> p.evaluate(9.0)
    [np.float64(3.0), 10.0]
    """
    code, outputs, inputs = list(programs[0].code), list(programs[0].outputs), programs[0].inputs
    for p in programs[1:]:
        new = dict(zip(p.inputs, inputs, strict=True))
        own = [i for i in range(len(p.code)) if i not in new]
        new |= {i: len(code) + n for n, i in enumerate(own)}
        code += [p.code[i]._replace(args=tuple(new[a] for a in p.code[i].args)) for i in own]
        outputs += [new[i] for i in p.outputs]
    return Program(code, inputs, outputs, [], single=False)


def along(
    program: Program,
    pieces: Pieces,
    parameters: Sequence[Any],
    strict: bool = False,
    once: bool = False,
    each: bool = False,
) -> list[Array]:
    """Return the series of the outputs of an expanded program of (t, y, *parameters).

    One array (steps, order + 1, *shape) for each output, in units of the steps.  Raises GuardError
    where the program branches otherwise, and CompileError if it has no machine code and `strict`
    demands it.  `once` says that the program is not worth code, unless steps are many.  With `each`
    the parameters have a last axis: one value for each step.
    """
    if not len(pieces):
        return []
    if (index := _of_state(program)) is not None:
        return [pieces.scaled(pieces.coef.reshape(*pieces.coef.shape[:2], -1)[..., index])]
    order = pieces.coef.shape[1] - 1
    floats = pieces.coef.dtype == np.float64 and all(
        np.asarray(p).dtype.kind in "fiub" for p in parameters
    )
    if floats:
        n = len(pieces)
        times = np.stack([pieces.t, np.ones(n)])
        fixed = [
            np.asarray(p, float)[None]
            if each
            else np.broadcast_to(np.asarray(p, float)[..., None], (1, *np.shape(p), n))
            for p in parameters
        ]
        asked = 0 if once and n <= FEW else n
        heights = (1, order, *(0 for _ in parameters))
        what = (program.identity, Univariate(order), heights)
        kernel = STORE.made(lambda: Kernel(program, *what[1:]), "along", *what)
        tables = kernel.lanes(times, np.moveaxis(pieces.coef, 0, -1), *fixed, asked=asked)
        if tables is not None:
            return [pieces.scaled(np.moveaxis(table, -1, 0)) for table in tables]
        if kernel.reason:
            eagerly("a function of the steps", kernel.reason, strict)
    rows = [
        _one(program, t, c, [p[..., i] for p in parameters] if each else parameters)
        for i, (t, c) in enumerate(zip(pieces.t, pieces.coef, strict=True))
    ]
    return [pieces.scaled(np.stack(column)) for column in zip(*rows, strict=True)]


def _of_state(program: Program) -> Array | None:
    """Return the places of what a program returns in the state, if it returns elements of it."""
    if len(program.outputs) != 1 or program.guards:
        return None
    op, args, _ = program.code[program.outputs[0]]
    if isinstance(op, Gather) and args == (program.inputs[1],) and op.whole:
        return op.index
    return None


def _one(program: Program, t: Any, coef: Array, parameters: Sequence[Any]) -> list[Array]:
    order = len(coef) - 1
    inputs = [as_array((t, 1 + 0 * t)), coef, *(as_array(p)[None] for p in parameters)]
    rest = [np.zeros((order + 1 - len(x), *x.shape[1:]), x.dtype) for x in inputs]
    whole = [np.concatenate(pair) for pair in zip(inputs, rest, strict=True)]
    with policy(singular="propagate"):  # to nan, as in machine code
        tables = sweep(program, Univariate(order), whole)
    found = kinds(program.code, [np.iscomplexobj(x) for x in whole])
    outputs = zip(program.outputs, tables, strict=True)
    return [
        x if found[i] else np.real(x) for i, x in outputs
    ]  # of what passes through complex ones


def resolved(
    program: Program,
    pieces: Pieces,
    parameters: Sequence[Any],
    strict: bool = False,
    once: bool = False,
) -> tuple[Pieces, list[Array]]:
    """Return the steps, divided where a function of (t, y) has a shorter series than y, and its
    series along them (see `along`).

    A function such as sin(t) along the straight line y = t is no polynomial of low degree: steps
    are divided until the last two terms of its series are as small as those of y are, and its
    exponents can be followed.
    """
    if not len(pieces):
        return pieces, []
    given = program, pieces, parameters
    found, tables, _ = zip(*resolving(*given, strict, once, together=MOST), strict=True)
    return chained(*found), [np.concatenate(column) for column in zip(*tables, strict=True)]


def resolving(
    program: Program,
    pieces: Pieces,
    parameters: Sequence[Any],
    strict: bool = False,
    once: bool = False,
    room: Any = math.inf,
    together: int = ROOM,
) -> Iterator[tuple[Pieces, list[Array], list[Pieces]]]:
    """Yield what `resolved` returns in parts, the first ones first, and the steps behind them.

    Who has found what there is to find does not wait for the rest, nor for more than about `room`,
    if it lies there.  So many parts are looked at `together`.
    """
    limit, most, done = _limit(pieces.coef), MOST * len(pieces), 0
    moving, wanted = exponents(program), len(program.outputs)
    program = kept(with_exponents, program) if moving else program
    waiting = [(some, ROUNDS) for some in doubling(pieces, room)][::-1]
    while waiting:
        some, left = waiting.pop()
        tables = along(program, some, parameters, strict, once)
        tables, exponential = tables[:wanted], tables[wanted:]
        rows = [x.reshape(*x.shape[:2], -1) for x in tables]
        parts = _parts(np.concatenate(rows, axis=2), limit) if rows else np.ones(len(some), int)
        for a, table in zip(moving, exponential, strict=False):  # of no steps there are none
            parts = np.maximum(parts, _moves(a, table))
        if not left or np.all(parts == 1):
            done += len(some)
            yield some, tables, [later for later, _ in waiting[::-1]]
            continue
        if done + parts.sum() + sum(len(later) for later, _ in waiting) > most:
            raise TooFast(
                f"a function of (t, y) changes too fast for steps as long as {pieces.h[0]} at t = "
                f"{pieces.t[0]}: give a smaller max_step"
            )
        some = divided(some, [
            (i, h * j / m, h * (j + 1) / m if j + 1 < m else h)
            for i, (h, m) in enumerate(zip(some.h, parts, strict=True))
            for j in range(m)
        ])  # fmt: skip
        starts = range(0, len(some), together)
        waiting += [(some.part(i, i + together), left - 1) for i in starts][::-1]


def doubling(pieces: Pieces, room: Any) -> Iterator[Pieces]:
    """Yield the steps, but the first one in parts of about a length, then of twice as much, ..."""
    h = pieces.h[0] if len(pieces) else 0
    if not room < abs(h):
        return (yield pieces)
    n = min(math.ceil(math.log2(abs(h) / room)), ROUNDS)
    ends = [0 * h, *(h * 2.0 ** (k - n) for k in range(n)), h]
    for both in itertools.pairwise(ends):
        yield divided(pieces, [(0, *both)])
    if len(pieces) > 1:
        yield pieces.part(1, len(pieces))


def smooth(table: Array, coef: Array) -> Array:
    """Return along which steps a series falls off as that of y does (see `resolved`)."""
    return np.asarray(_parts(table, _limit(coef)) == 1)


def _limit(coef: Array) -> float:
    """Return how small the last two terms of series of y are, relative to the largest."""
    return max(float(8 * unit(coef)), 64 * math.exp(-2 * (coef.shape[1] - 2)))


def short_of(c: Array) -> bool:
    """Whether a polynomial in units of its step has terms that do not fall off."""
    return bool(norm(c[-2:]) > 2.0**10 * _limit(c[None]) * norm(c)) if len(c) > 4 else False


def _parts(table: Array, limit: float) -> Array:
    """Return in how many parts each step is to be divided."""
    order = table.shape[1] - 1
    with np.errstate(all="ignore"):
        terms = np.abs(table.reshape(len(table), order + 1, -1)).astype(float)
        size = terms.max(1)
        last = terms[:, -2:].max(1) if order > 1 else terms[:, -1]
        ratio = np.where(last > limit * size, last / (limit * size), 1.0).max(1, initial=1.0)
        parts = 2.0 ** np.ceil(np.log2(ratio) / order)
    return np.clip(np.where(np.isfinite(parts), parts, 1), 1, 64).astype(int)


def _moves(a: Exponent, table: Array) -> Array:
    """Return in how many parts each step is to be divided for what an exponent moves by."""
    terms = np.abs(table.reshape(*table.shape[:2], -1)).astype(float)
    with np.errstate(all="ignore"):
        rooms = a.room(terms[:, 0], table.shape[1], np.maximum)
        moves = (terms[:, 1:].sum(1) / rooms).max(1, initial=1.0)
        parts = 2.0 ** np.ceil(np.log2(moves))
    return np.clip(np.where(np.isfinite(parts), parts, 1), 1, 64).astype(int)


@functools.cache
def _binomials(order: int) -> tuple[Array, Array]:
    """Return C(n, k) and n - k, for every k and n up to an order, zero where n < k."""
    n, k = np.arange(order + 1), np.arange(order + 1)[:, None]
    table = np.array([[math.comb(j, i) for j in n] for i in n], dtype=object)
    return table, np.maximum(n - k, 0)


def shifted(c: Array, start: Any) -> Array:
    """Return the coefficients Σ C(n, k) start^(n-k) c_n of a polynomial about x = start.

    >>> shifted(np.array([1.0, 0.0, 1.0]), 2.0).tolist()
    [5.0, 4.0, 1.0]
    """
    moved: Array = _shifted(np.asarray(c)[None], np.asarray([start]))[0]
    return moved


def _shifted(c: Array, starts: Array) -> Array:
    """Return the same of polynomials, the rows of c, each about its own place."""
    order = c.shape[1] - 1
    binomials, powers = _binomials(order)
    matrices = binomials.astype(starts.dtype) * (starts[:, None] ** np.arange(order + 1))[:, powers]
    moved: Array = (matrices @ c.reshape(*c.shape[:2], -1)).reshape(c.shape)
    return moved


def divided(pieces: Pieces, parts: Sequence[tuple[int, Any, Any]]) -> Pieces:
    """Return the steps made of parts of others: (of which step, from where in it, to where)."""
    if not parts:
        return pieces.part(0, 0)
    which, starts, stops = map(np.array, zip(*parts, strict=True))
    t, low, coef = pieces.t[which], pieces.low[which], pieces.coef[which]
    inner = np.flatnonzero(starts != 0)
    if not len(inner):
        return Pieces(t, low, stops, coef)
    t[inner] = t[inner] + (starts + low)[inner]
    low[inner] = (pieces.t[which[inner]] - t[inner]) + (starts + low)[inner]
    c, x = np.moveaxis(coef[inner], 1, 0), starts[inner].reshape(-1, *[1] * (coef.ndim - 2))
    begins = c[0] + value(c[1:], x) * x  # as of `at`, to the last bit: on one side of a surface
    coef[inner] = _shifted(coef[inner], starts[inner])
    coef[inner, 0] = begins
    return Pieces(t, low, stops - starts, coef)
