"""A function on many boxes at once: recorded, and run with the boxes along a first axis of arrays.

f is ordinary code of one point; its program is run on Intervals, or on series over them.  Boxes on
which a recorded branch may go either way, and those that leave the domain, have no bounds: whoever
asks splits them.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, cast

import numpy as np

from taylor.core.algebra import Algebra
from taylor.core.bilinear import Bilinear
from taylor.core.calls import Row
from taylor.core.conditions import COMPARISONS, Guard
from taylor.core.einsum import Einsum, Products
from taylor.core.functions import absolute, clip, maximum, minimum, power, reciprocal, square
from taylor.core.instructions import Const, Input, Op
from taylor.core.lookups import Lookup
from taylor.core.maps import Map
from taylor.core.program import Program, record
from taylor.core.rules import numbers
from taylor.core.sides import Choose
from taylor.core.singular import unsettled
from taylor.core.tables import contract, free_letter, pad
from taylor.errors import DomainError, NonAnalyticError, TaylorError, TieError, Undecided
from taylor.llvm.enclosures import VALUES
from taylor.numbers.kinds import Array, Shape, base, is_operand
from taylor.numbers.policy import policy
from taylor.numbers.values import shape_of
from taylor.series.multivariate import TaylorN
from taylor.series.univariate import Taylor
from taylor.verified.given import check_function
from taylor.verified.interval import CERTAIN, OPPOSITE, SETS, Interval
from taylor.verified.jets import has_kernel
from taylor.verified.levels import Levels
from taylor.verified.process import looked_up

Function = Callable[..., Any]
BRANCHES = 16  # programs of one function
CONTINUOUS = {absolute, clip, maximum, minimum, power, reciprocal, square}  # of composed rows
SHARES = (0.5, 0.382, 0.724, 0.146)  # where to record, if there is a kink in the middle
BESIDE = 1e-6  # how far from a point to record, relative to it, if values are equal there
FEW = 64  # boxes that are not worth another worker
# microseconds: a side of a box, an operation, a product of coefficients, a function by balls, ...
BY_CODE, BY_ELEMENT, BY_PAIR, BY_BALL, BY_LANE = 0.5, 0.3, 0.05, 100.0, 1000.0
MANY, MORE = 512, 1024  # boxes that are worth machine code of series, and of values


class Boxes:
    """A function of points of that shape on many boxes: on intervals, or on series over them.

    Boxes are rows of ends, however the argument of the function is shaped.  With an algebra the
    results are the coefficients of f around every point of the box, along a second axis.
    """

    def __init__(
        self,
        f: Function,
        shape: Shape,
        executor: Executor | None,
        algebra: Algebra | None = None,
        slopes: bool = False,
    ) -> None:
        check_function(f, "the first argument is a function")
        if not (executor is None or hasattr(executor, "submit")):
            raise TypeError(f"the executor must be one of concurrent.futures, not {executor!r}")
        self.f, self.shape, self.executor, self.algebra = f, shape, executor, algebra
        self.smooth = slopes or algebra is not None  # whether a jump leaves no bounds
        self.programs: list[Program] = []
        self.seen = 0  # boxes so far
        self.codes: dict[Any, Any] = {}  # machine code of programs, or None

    def __getstate__(self) -> Any:
        return {**self.__dict__, "programs": [], "executor": None, "codes": {}}

    def __call__(self, x: Interval) -> list[Any]:
        """Return the results on boxes, which lie along the first axis of x and of each result."""
        count = len(x)
        self.seen += count
        self.one = x[:1]
        if self.executor is None or count < 2 * FEW:
            return self.at(x)
        parts = min(count // FEW, 4 * getattr(self.executor, "_max_workers", 4))
        cuts = np.linspace(0, count, parts + 1).astype(int).tolist()
        waiting = [self.executor.submit(self.at, x[i:j]) for i, j in itertools.pairwise(cuts)]
        return _joined([each.result() for each in waiting])

    def numbers(self, x: Interval) -> Any:
        """Return the only result of f, a number on every box, or its coefficients."""
        results = self(x)
        y, lead = results[0], 1 if self.algebra is None else 2
        if y.ndim == lead and len(results) == 1:
            return y
        shape = (len(results), *y.shape[lead:])
        shape = shape if len(results) > 1 else shape[1:]
        raise TypeError(f"f has to return one number, not an array or a list of the shape {shape}")

    def at(self, x: Interval) -> list[Any]:
        """Return the results on boxes, computed here."""
        if not self.programs:
            self._record(x[:1])
        found, left, n = list[Any](), np.arange(len(x)), 0
        while len(left) and n < BRANCHES:
            if n == len(self.programs) and not self._record(x[left[:1]]):
                left = left[1:]
                continue
            some = x if len(left) == len(x) else x[left]
            results, same, other = self._tried(self.programs[n], some)
            if same.all() and len(left) == len(x):
                return results
            found = found or self._unbounded(len(x))
            for y, z in zip(found, results, strict=True):
                y[left[same]] = z[same]
            left, n = left[other], n + 1
        return found or self._unbounded(len(x))

    def effort(self, by_code: bool) -> float:
        """Return how many microseconds a box takes, about: operation by operation, or at best."""
        if not self.programs:
            self._record(self.one)
        program = self.programs[0]
        n, degree = math.prod(self.shape), -1 if self.algebra is None else self.algebra.order
        if by_code and self._code(program) is not None:
            return BY_CODE * n
        return sum(_cost(op, shape, n, degree) for op, _, shape in program.code)

    def _unbounded(self, count: int) -> list[Any]:
        """Return results without bounds."""
        program = self.programs[0]
        lead = (count,) if self.algebra is None else (count, self.algebra.size)
        sizes = [np.full((*lead, *program.code[i].shape), np.inf) for i in program.outputs]
        return [Interval(-size, size) for size in sizes]

    def _tried(self, program: Program, x: Interval) -> tuple[list[Any], Any, Any]:
        """Return the results of a branch, where they hold, and which boxes take another branch."""
        if self.seen > (MORE if self.algebra is None else MANY):
            code = self._code(program)
            found = None if code is None else self._by_code(code, x)
            if found is not None:
                results, same, other, lost = found
                if lost.any():
                    rest, same[lost], other[lost] = self._by_sets(program, x[lost])
                    for y, z in zip(results, rest, strict=True):
                        y[lost] = z
                return results, same, other
        return self._by_sets(program, x)

    def _by_sets(self, program: Program, x: Interval) -> tuple[list[Any], Any, Any]:
        """Return what `_tried` does, operation by operation."""
        try:
            found, same, other = run(program, [self._argument(x)], len(x), self.smooth)
        except DomainError:
            if len(x) > 1:
                half = len(x) // 2
                parts = [self._by_sets(program, part) for part in (x[:half], x[half:])]
                same, other = (np.concatenate([part[n] for part in parts]) for n in (1, 2))
                return _joined([part[0] for part in parts]), same, other
            none = np.zeros(1, dtype=bool)
            return self._unbounded(1), none, none
        bounds = Interval if self.algebra is None else self._table
        return [bounds(y) for y in found], same, other

    def _code(self, program: Program) -> Any:
        """Return the machine code of values, or of a series of one variable; None without."""
        if program.identity not in self.codes:
            try:
                if self.algebra is None:
                    code = Levels(program, self.smooth)
                elif self.algebra.variables == 1 and program.single:
                    code = SETS.compiled(program, self.algebra.order, True)
                else:
                    code = None
            except (TaylorError, TypeError):  # it has none: the ordinary way takes it
                code = None
            self.codes[program.identity] = code
        return self.codes[program.identity]

    def _by_code(self, code: Any, x: Interval) -> tuple[list[Any], Any, Any, Any] | None:
        """Return results by machine code, where they hold, fail, and where it has none."""
        if isinstance(code, Levels):
            return code.through(x)
        try:
            found, none = code.through(self._argument(x).coef), np.zeros(len(x), dtype=bool)
        except Undecided:
            return None
        return None if found is None else ([np.moveaxis(found, 0, 1)], ~none, none.copy(), none)

    def _argument(self, x: Interval) -> Any:
        """Return the argument of f."""
        shape, algebra = (len(x), *self.shape), self.algebra
        if algebra is None:
            return x.reshape(shape)
        if algebra.variables == 1:
            return Taylor.variable(x.reshape(shape), order=algebra.order)
        sides = [x[:, i] for i in range(algebra.variables)]
        variables = TaylorN.variables(sides, order=algebra.order)
        return np.stack(variables, axis=1).reshape(shape)

    def _table(self, y: Any) -> Interval:
        """Return coefficients, boxes first."""
        assert self.algebra is not None
        if isinstance(y, (Taylor, TaylorN)):
            return cast(Interval, np.moveaxis(y.coef, 0, 1))
        y = Interval(y)
        rest = np.zeros((len(y), self.algebra.size - 1, *y.shape[1:]))
        return joined([y[:, None], Interval(rest)], axis=1)

    def _record(self, x: Interval) -> bool:
        """Record the branch at a point of a box, near its middle, if there is another one."""
        tied: TieError | NonAnalyticError | None = None
        for share in SHARES:
            shares = (share + 0.06 * np.arange(x.shape[1])) % 1 if share != 0.5 else share
            point = np.clip(x.lo[0] + shares * (x.hi[0] - x.lo[0]), x.lo[0], x.hi[0])
            if tied:  # beside a box without width: guards tell where the program holds
                aside = point + (shares - 0.5) * BESIDE * np.maximum(1.0, np.abs(point))
                point = np.where(x.lo[0] == x.hi[0], aside, point)
            try:
                with policy():
                    program = record(self.f, np.reshape(point, self.shape)[()])
            except (TieError, NonAnalyticError) as error:
                tied = error
                continue
            except DomainError:
                if not self.programs and share == SHARES[-1]:
                    raise
                continue
            new = program.identity not in [p.identity for p in self.programs]
            self.programs += [program] if new else []
            return new
        if tied and not self.programs:
            raise Undecided(f"at every point that was tried near {x[0]}: {tied}") from tied
        return False


def _cost(op: Op, shape: Shape, n: int, degree: int) -> float:
    """Return how many microseconds an instruction takes on a box, about: of series, if any."""
    if not (op.by_element or isinstance(op, (Const, Products, Input, Lookup, Map))):
        return BY_LANE
    ball = isinstance(op, Row) and op.row.compose is None and not has_kernel(op.row, VALUES)
    if degree < 0:
        return math.prod(shape) * (BY_BALL if ball else BY_ELEMENT)
    if ball:  # coefficients at both ends, in the middle, and on all of a box
        return math.prod(shape) * math.comb(n + degree, n) * 3 * BY_BALL
    return math.prod(shape) * math.comb(2 * n + degree, 2 * n) * BY_PAIR


def _joined(parts: Sequence[list[Any]]) -> list[Any]:
    return [joined(each) for each in zip(*parts, strict=True)]


def joined(parts: Sequence[Any], axis: int = 0) -> Interval:
    """Return arrays of intervals as one."""
    return cast(Interval, np.concatenate(parts, axis=axis))


def run(
    program: Program, inputs: Sequence[Any], count: int, smooth: bool = False
) -> tuple[list[Any], Any, Any]:
    """Return the outputs of a program at many points, which lie along the first axis of all arrays.

    And at which all its branches are taken, and at which another one certainly is.  If it is to be
    `smooth` boxes on which something may jump are neither.
    """
    v: list[Any] = []
    number = numbers([base(inputs[0])])
    same, other = np.ones(count, dtype=bool), np.zeros(count, dtype=bool)
    with np.errstate(all="ignore"):
        for op, args, shape in program.code:
            if type(op) is Input:
                v.append(inputs[op.n])
                continue
            a = [v[i] for i in args]
            v.append(_value(op, args, a, shape, count, number))
            if smooth and isinstance(op, (Choose, Lookup, Row)):
                same &= _steady(op, a, v[-1], count)
    for guard in program.guards:
        holds, fails = _decided(guard, v, count)
        same, other = same & holds, other | fails
    return [_whole(v[i], count) for i in program.outputs], same, other


def _value(op: Op, args: Any, a: list[Any], shape: Shape, count: int, number: Any) -> Any:
    """Return the value of an instruction at arguments a, whose lanes come first."""
    if isinstance(op, Const):
        c = op.value(a, number)
        return np.reshape(c, (1, *shape)) if shape else c
    if isinstance(op, Map):
        return op.moved([_whole(x, count) for x in a], 1)
    if isinstance(op, Einsum):
        z, (terms, out) = free_letter(op.spec), op.spec.split("->")
        first, second = terms.split(",")
        spec = f"{z}{first},{z}{second}->{z}{out}"
        return contract(spec, *(_whole(x, count) for x in a))
    if isinstance(op, Bilinear):
        x, y = (np.moveaxis(_whole(x, count), 0, -1) for x in a)
        return np.moveaxis(op.written_out(x, y), -1, 0)
    if isinstance(op, Lookup) and shape_of(a[1])[0] == 1:
        return looked_up(Interval, op, (Interval.of(base(a[0])), Interval.of(base(a[1]))[0]))
    if op.by_element:
        ready = {i: _aligned(x, len(shape)) for i, x in zip(args, a, strict=True)}
        return op.value([ready[i] for i in args], number)
    lanes = [[x if shape_of(x) == () else x[n % len(x)] for x in a] for n in range(count)]
    return np.stack([op.value(lane, number) for lane in lanes])


def _steady(op: Op, a: Sequence[Any], y: Any, count: int) -> Any:
    """Return where an instruction certainly is continuous: on which boxes it cannot jump."""
    ndim = max((len(shape_of(x)) for x in (*a, y)), default=1) - 1
    if isinstance(op, Lookup):
        first, last = op.places(_whole(Interval.of(base(a[0])), count))
        return (first == last).reshape(count, -1).all(1)
    if isinstance(op, Row):
        if op.row.jumps is not None:
            low, high = _lanes(y, count, ndim)
            return (low == high).reshape(count, -1).all(1)
        if op.row.compose is None or op.row in CONTINUOUS:
            lost = unsettled(op.row, [base(x) for x in a], Interval.of(base(y)))
            lost = np.broadcast_to(lost, (count,) if np.ndim(lost) == 0 else np.shape(lost))
            return ~np.broadcast_to(lost.reshape(len(lost), -1).any(1), (count,))
        points = [np.ones(shape_of(x)[1:])[()] if is_operand(x) else x for x in a]
        inner = record(op.row.compose, *points)
        return run(inner, [_whole(x, count) for x in a], count, True)[1]
    if not isinstance(op, Choose) or op.mode != "where":
        return np.ones(count, dtype=bool)
    (p, q), (r, s) = (_lanes(x, count, ndim) for x in a[:2])
    return ((p >= s) | (q < r)).reshape(count, -1).all(1)


def _whole(x: Any, count: int) -> Any:
    """Return x with all lanes: what is the same in all of them may have one."""
    shape = shape_of(x)
    if shape[:1] == (count,):
        return x
    return np.broadcast_to(x, (count, *shape[1:]))


def _aligned(x: Any, ndim: int) -> Any:
    return x if shape_of(x) == () else pad(x, ndim)


def _decided(guard: Guard, v: Sequence[Any], count: int) -> tuple[Any, Any]:
    """Return where a recorded decision is certainly the same, and where certainly another one."""
    if guard.b == guard.a:  # that it is a number
        outcome = COMPARISONS[guard.op](0.0, 0.0) == np.asarray(guard.outcome)
        same = np.full(count, bool(np.all(outcome)))
        return same, ~same
    outcome = np.asarray(guard.outcome)
    if guard.op == "not_equal":  # to zero
        op, x = operator.ne, _lanes(v[guard.a], count, outcome.ndim)
        y: Any = (0.0, 0.0)
    elif guard.b < 0:
        return _of_lanes(guard, v, count)
    else:
        op = COMPARISONS[guard.op]
        x, y = (_lanes(v[i], count, outcome.ndim) for i in (guard.a, guard.b))
    yes, no = CERTAIN[op](x, y), CERTAIN[OPPOSITE[op]](x, y)
    holds, fails = np.where(outcome, yes, no), np.where(outcome, no, yes)
    shape = (count, -1)
    return holds.reshape(shape).all(1), fails.reshape(shape).any(1)


def _lanes(x: Any, count: int, ndim: int) -> tuple[Any, Any]:
    """Return the ends of a value, boxes first."""
    x = Interval.of(base(x))
    low, high = (np.asarray(e) for e in (x.lo, x.hi))
    if low.ndim == 0:
        low, high = (np.broadcast_to(e, (count,)) for e in (low, high))
    return pad(low, ndim), pad(high, ndim)


def _given(x: Any, _: int) -> Any:
    return x


def _of_order(guard: Guard, x: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return where an argsort, argmax or argmin certainly is the same, and certainly is not.

    One element comes before another; of two that may be equal it is the first of them.
    """
    index = np.atleast_1d(guard.outcome)
    rest = np.delete(np.arange(x[0].shape[1]), index if guard.op != "argsort" else [])
    pairs = {
        "argsort": (index[:-1], index[1:]), "argmax": (rest, index), "argmin": (index, rest),
    }  # fmt: skip
    before, after = np.broadcast_arrays(*pairs[guard.op])
    strict = (before > after) != (guard.op == "argmax")
    (low, high), first, last = x, before, after
    holds = (high[:, first] < low[:, last]) | (~strict & (high[:, first] <= low[:, last]))
    fails = (low[:, first] > high[:, last]) | (strict & (low[:, first] >= high[:, last]))
    return holds.all(1), fails.any(1)


def _of_lanes(guard: Guard, v: Sequence[Any], count: int) -> tuple[Any, Any]:
    x = base(v[guard.a])
    if guard.op == "isnan":  # which no member of a set is
        same = np.full(count, not np.any(guard.outcome))
        return same, ~same
    if guard.op in ("argsort", "argmax", "argmin") and len(shape_of(x)) == 2:
        return _of_order(guard, _lanes(_whole(x, count), count, 1))
    lanes = [x] * count if shape_of(x) == () else [x[n % len(x)] for n in range(count)]
    same, other = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    for n, lane in enumerate(lanes):
        try:
            same[n] = guard.holds(functools.partial(_given, lane))
            other[n] = not same[n]
        except DomainError:
            continue
    return same, other


# ------------------------------------------------------------------ boxes as they are given
def halved(lo: Array, hi: Array, i: Array) -> tuple[Array, Array, Array]:
    """Return where the lower halves of boxes end and the upper ones begin, cut across sides i.

    And which boxes have floats within that side, so that both halves are smaller.
    """
    at = np.arange(len(i)), i
    middle = 0.5 * lo[at] + 0.5 * hi[at]
    left, right = np.array(hi), np.array(lo)
    left[at] = right[at] = middle
    return left, right, (lo[at] < middle) & (middle < hi[at])


def boxed(box: Any) -> Interval:
    """Return a box as an Interval: an Interval, a pair (lo, hi), or a list of such."""
    if isinstance(box, Interval):
        return box
    if not isinstance(box, (list, tuple, np.ndarray)) or len(box) == 0:
        raise TypeError(f"a box is an Interval, a pair (lo, hi) or a list of pairs, not {box!r}")
    if all(np.ndim(e) == 0 and not isinstance(e, Interval) for e in box):
        if len(box) != 2:
            raise TypeError(f"a pair (lo, hi) has two ends, not {len(box)}")
        return Interval(*box)
    pairs = [boxed(e) for e in box]
    return Interval(np.array([e.lo for e in pairs]), np.array([e.hi for e in pairs]))


def bounded(box: Any) -> Interval:
    """Return a box whose ends are finite."""
    found = boxed(box)
    if not np.isfinite(found.mag).all():
        raise DomainError(f"a box has finite ends, not {found}; cut it off, or change variables")
    return found
