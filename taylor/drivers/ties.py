"""Ties: whether a function is smooth where the two sides of a kink meet, and what it is there.

With u = l - r, a kink chooses one of two sides by the sign of u; at a tie it is, to first order,
the mean of its sides and h·|u|.  If g is the adjoint of |u| with all ties at their mean, then

    f'(x; d) = mean·d + Σ g·|u'(x; d)|        along every direction d:

f has a derivative, the mean one, iff the terms whose u' are proportional to each other cancel.
Directions are generic and fixed: two runs give the same bits.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from taylor.core.algebra import Univariate
from taylor.core.calls import Row
from taylor.core.choices import SIDES, SLOPES
from taylor.core.einsum import Einsum
from taylor.core.functions import CHOICES, absolute
from taylor.core.instructions import Input, Instruction, Mul, Scale, full
from taylor.core.maps import Contract, Map
from taylor.core.node import Node
from taylor.core.rules import Code, active, inner, pruned, tangents, values
from taylor.core.sides import Blend, Choose, Decision
from taylor.core.singular import nans
from taylor.core.tables import nonzero, pad
from taylor.core.tags import fresh_tag
from taylor.drivers.driver import parts, seed
from taylor.errors import NonAnalyticError, TaylorError
from taylor.numbers.kinds import (
    RATIONALS,
    Floats,
    Kind,
    ValueSet,
    base,
    base_array,
    is_nested,
    is_operand,
)
from taylor.numbers.policy import current_policy
from taylor.numbers.values import as_array
from taylor.series.series import Series
from taylor.series.univariate import Taylor

Array = Any
Function = Callable[..., Any]
Shares = dict[int, Array]  # per tied choice, the share of its first side, element by element
KINK = Choose("kink")
ROUNDINGS = 4096  # differences of so many roundings are none
MOVES = 4  # the order to which it is seen whether a tie moves


class Tied(NamedTuple):
    """A recorded function of one argument at a point where choices are tied.

    Rows that choose are written out; `v` are plain values, `ties` says where, `names` of what;
    `given` are the values with their derivatives by outer variables.
    """

    code: list[Instruction]
    v: list[Any]
    out: int
    ties: dict[int, Array]
    names: dict[int, str]
    given: list[Any]

    @property
    def simple(self) -> bool:
        """Whether all ties are of kinks, or between equal derivatives on both sides of one.

        Of a kink, that is, which stays where it is, in other variables than those that vary.
        """
        slopes = [i for i in self.ties if self.code[i].op != KINK]
        depends = active(self.code) if slopes else []
        for i in slopes:
            left, right, a, b = self.code[i].args
            unequal = self.ties[i] & np.not_equal(self.v[a], self.v[b])
            if depends[left] or depends[right] or unequal.any():
                return False
        return True


def tied(code: Any, v: list[Any], out: int) -> Tied | None:
    """Return a recorded function with its ties; None if there are none."""
    if not any_tied(code, v):
        return None
    # without what an inner driver has tried first
    code, new = pruned(code, [out, *(i for i, c in enumerate(code) if type(c.op) is Input)])
    v, out = [v[i] for i in new], new[out]
    opened: list[Instruction] = []
    found: list[Any] = []
    names: dict[int, str] = {}

    def push(c: Instruction, value: Any, varies: bool, name: str) -> int:
        op = c.op
        if not (type(op) is Row and op.row in CHOICES and varies):
            opened.append(c)
            found.append(value)
            names[len(opened) - 1] = name
            return len(opened) - 1
        wanted = [depends[a] for a in c.args]
        assert op.row.compose is not None
        tape, (last,) = inner(op.row.compose, [found[a] for a in c.args], wanted)
        assert last is not None
        given = [a for a, w in zip(c.args, wanted, strict=True) if w]
        return into(tape.code, tape.values, given, op.name)[last]

    def into(code: Any, v: Any, given: list[int], name: str) -> list[int]:
        new: list[int] = []
        for c, value, varies in zip(code, v, active(code), strict=True):
            if type(c.op) is Input and given:
                new.append(given[c.op.n])
                continue
            new.append(push(c._replace(args=tuple(new[a] for a in c.args)), value, varies, name))
            depends.extend([varies] * (len(opened) - len(depends)))
        return new

    depends: list[bool] = []
    last = into(code, v, [], "the derivative of a kink")[out]
    met = {i: _tie(c, found) for i, c in enumerate(opened) if _is_open(c, depends)}
    for i in met:
        if not depends[i]:  # made of plain numbers
            met[i] = met[i] & np.not_equal(*(base(found[a]) for a in opened[i].args[2:]))
    met = {i: tie for i, tie in met.items() if tie.any()}
    if not _are_to_be_decided(met, opened, found):
        return None
    return Tied(opened, [base(e) for e in found], last, met, names, found)


def any_tied(code: Any, v: Sequence[Any]) -> bool:
    """Whether arguments of some choice are equal."""
    return any(_may_tie(c, v) for c in code)


def _may_tie(c: Instruction, v: Sequence[Any]) -> bool:
    """Whether an instruction is a choice, or a row written with some, of arguments that are equal.

    Constants may stand on both sides.
    """
    op = c.op
    if isinstance(op, Choose):
        return _is_kink(c) and bool(_tie(c, v).any())
    if not (type(op) is Row and op.row in CHOICES):
        return False
    a = [base(v[i]) for i in c.args] + [0] * (op.row is absolute)
    if any(isinstance(x, ValueSet) for x in a):  # a choice by sets knows what it may do
        return False
    return any(np.any(np.equal(x, y)) for x, y in itertools.combinations(a, 2))


def _is_kink(c: Instruction) -> bool:
    return isinstance(c.op, Choose) and c.op.mode not in SIDES and c.args[0] != c.args[1]


def _is_open(c: Instruction, depends: list[bool]) -> bool:
    """Whether a choice has a tie to be decided, not one that a convention has decided for good."""
    if not (isinstance(c.op, Choose) and _is_kink(c)):
        return False
    by_convention = current_policy().kink == "subgradient" and c.op.mode in SLOPES
    return not by_convention or any(depends[a] for a in c.args[:2])


def of_slopes(code: Code) -> bool:
    """Whether a program chooses between derivatives; at a tie these have a value by convention."""
    return any([c.op.mode in SLOPES for c in code if isinstance(c.op, Choose)])


def _are_to_be_decided(met: dict[int, Array], code: Code, v: Sequence[Any]) -> bool:
    """Whether sides of some ties may part: what is masked is equal on both sides, and stays."""
    varies = _varying(code, v) if met else []
    for i, tie in met.items():
        unequal = np.not_equal(*(base(v[a]) for a in code[i].args[2:]))
        if np.any(tie & (_any_of(varies, code[i]) | unequal)):
            return True
    return False


def _varying(code: Code, v: Sequence[Any]) -> list[Array]:
    """Return, instruction by instruction, which elements depend on a variable, here or nearby."""
    found: list[Array] = []
    for c, value in zip(code, v, strict=True):
        each: Any = type(c.op) is Input or is_operand(value)
        if isinstance(c.op, Map):  # sums of elements, or of those that a matrix does not leave out
            op = Contract(c.op.spec, _not_zero(c.op.c)) if isinstance(c.op, Contract) else c.op
            each = np.not_equal(op.moved([found[a].astype(float) for a in c.args], 0), 0)
        elif isinstance(c.op, Choose):
            left, right = (base(v[a]) for a in c.args[:2])
            first, second = (found[a] for a in c.args[2:])
            above, below = np.greater(left, right), np.less(left, right)
            each = np.where(above, first, np.where(below, second, _any_of(found, c)))
        elif c.args:
            each = _any_of(found, c) if c.op.by_element else any(found[a].any() for a in c.args)
        if isinstance(c.op, Scale):
            each = each & np.not_equal(c.op.c, 0)
        elif isinstance(c.op, (Mul, Einsum)):
            (a, x), (b, y) = ((found[i].astype(float), _not_zero(v[i])) for i in c.args)
            each = c.op.value([a, b + y], float) + c.op.value([a + x, b], float) > 0
        if base_array(value).dtype.kind == "f":
            each = each & np.isfinite(base(value))  # what is infinite stays so
        found.append(np.broadcast_to(np.asarray(each), c.shape))
    return found


def _not_zero(x: Any) -> Array:
    """Return 1.0 where the value of x is not zero, 0.0 elsewhere."""
    return np.not_equal(base(x), 0).astype(float)


def _any_of(varies: Sequence[Array], c: Instruction) -> Array:
    """Return where one of the arguments of an element-wise instruction varies."""
    return functools.reduce(np.logical_or, [varies[a] for a in c.args])


def _tie(c: Instruction, v: Sequence[Any]) -> Array:
    left, right = (base(v[a]) for a in c.args[:2])
    if isinstance(left, ValueSet) or isinstance(right, ValueSet):
        return np.zeros(c.shape, dtype=bool)
    return np.broadcast_to(np.asarray(np.equal(left, right), dtype=bool), c.shape)


def moving(x: Any) -> Any:
    """Return where a value of outer derivatives is not zero, at the point or beside it.

    `p·(t - 2)` at t = 2 is zero.
    """
    found = _with_outer(x)
    return np.ones(np.shape(x), dtype=bool) if found is None else nonzero(found).any(0)


def _with_outer(x: Any) -> Array | None:
    """Return the coefficients of a value in outer variables, that of lowest degree first.

    Of what is recorded along a generic line; None where it has none.
    """
    shape = np.shape(x)
    while isinstance(x, Series):
        x = x._coef
    found = _along_a_line(x) if isinstance(x, Node) else x
    return None if found is None else np.asarray(found).reshape(-1, *shape)


def _along_a_line(x: Node) -> Any:
    """Return the coefficients of a recorded number along a generic line in what it depends on.

    Up to a low order; None where it has none, as at a tie of its own.
    """
    tape, tag, algebra = x.tape, fresh_tag(), Univariate(MOVES)
    code, new = pruned(tape.code, [x.i])
    point = [np.asarray(base(tape.values[i])) for i in tape.inputs]
    lines = [next(directions(p))[None] for p in point]
    try:
        given = [seed(Taylor, p, algebra, d, tag) for p, d in zip(point, lines, strict=True)]
        found = parts(values(code, given, {new[x.i]})[new[x.i]], tag, algebra.size)
    except TaylorError:
        return None
    finally:
        tag.closed = True
    return found


def alike(x: Any, y: Any) -> Array:
    """Return where values are the same but for rounding, with their derivatives by outer variables.

    Whatever the nesting: all coefficients, and what is recorded along a generic line.
    """
    shape = np.shape(x)
    while isinstance(x, Series) and isinstance(y, Series):
        x, y = x._coef, y._coef
    found = same(numbers_of(x), numbers_of(y))
    if isinstance(x, Node) and isinstance(y, Node):
        p, q = map(_along_a_line, (x, y))
        found = found & (True if p is None or q is None else same(p, q).all(0))
    return found.reshape(-1, *shape).all(0)


Decision.moves = staticmethod(moving)


# ------------------------------------------------------------------ shares of the sides
def code(t: Tied, shares: Shares) -> list[Instruction]:
    """Return the code with those shares of its tied choices, in the kind of number of the point."""
    kind = Kind.of(point_of(t))

    def given(share: Array) -> Array:
        if kind is RATIONALS and np.isfinite(share).all():
            return np.frompyfunc(Fraction, 1, 1)(share)
        real = np.empty(0, kind.dtype).real.dtype if isinstance(kind, Floats) else share.dtype
        return share.astype(real)

    return [
        c._replace(op=Blend("kink", given(shares[i]))) if i in shares else c
        for i, c in enumerate(t.code)
    ]


def function(t: Tied, shares: Shares) -> Function:
    """Return the recorded function, without ties."""
    held = code(t, shares)
    return lambda y: values(held, [y], {t.out})[t.out]


def share(t: Tied, i: int, at_ties: Any) -> Array:
    """Return the shares of the first side of choice i, given those of its ties."""
    left, right = (t.v[a] for a in t.code[i].args[:2])
    above, below = np.greater(left, right), np.less(left, right)
    plain = np.where(above, 1.0, np.where(below, 0.0, np.nan))
    shares, like = np.where(t.ties[i], at_ties, plain), np.asarray(base(left)).dtype
    return shares.astype(like) if like.kind == "f" else shares


def means(t: Tied) -> Shares:
    return {i: share(t, i, 0.5) for i in t.ties}


def drawn(t: Tied) -> Shares:
    """Return random shares; of choices by the same two values, the derivatives of one, the same."""
    rng, shares = np.random.default_rng(3), {}
    known: dict[tuple[int, ...], Any] = {}
    for i, tie in t.ties.items():
        left, right = t.code[i].args[:2]
        if (left, right) not in known:
            sides = np.broadcast(t.v[left], t.v[right]).shape
            known[left, right] = rng.uniform(0.25, 0.75, sides)
            known[right, left] = 1 - known[left, right]
        shares[i] = share(t, i, np.broadcast_to(known[left, right], tie.shape))
    return shares


def _conventions(t: Tied) -> Shares:
    """Return the shares of a subgradient: the constant side where one does not vary, or halves."""
    varies = active(t.code)
    sides = {i: (varies[t.code[i].args[2]], varies[t.code[i].args[3]]) for i in t.ties}
    return {i: share(t, i, 0.5 if a and b else float(b)) for i, (a, b) in sides.items()}


def towards(t: Tied, d: Any, order: int) -> Shares:
    """Return the shares that choose, at every tie, the side met from the point in direction d.

    Where both sides are the same up to that order, or only outer variables part them, they get
    halves.
    """
    sides = [a for i in t.ties for a in t.code[i].args[:2]]
    code, new = pruned(t.code, sides)
    if any(_is_kink(c) and c.op != KINK for c in code):
        raise NonAnalyticError("the derivative of a kink decides on a branch; move the point")
    algebra, tag, x = Univariate(order), fresh_tag(), as_array(point_of(t))
    tag.side = "after"
    v = values(code, [seed(Taylor, x, algebra, np.asarray(d)[None], tag)])
    tables = {a: parts(v[new[a]], tag, algebra.size) for a in set(sides)}
    tag.closed = True
    shares: Shares = {}
    for i in t.ties:
        left, right = (tables[a] for a in t.code[i].args[:2])
        side: Any = 0.0
        for k in range(order, 0, -1):
            u = np.sign(_difference(base(left[k]), base(right[k])).astype(float))
            parted = is_nested(left[k]) or is_nested(right[k])
            still = ~moving(left[k] - right[k]) if parted else True
            side = np.where(u == 0, np.where(still, side, 0), u)
        shares[i] = share(t, i, (1 + side) / 2)
    return shares


def beside(t: Tied, value: Any) -> Any:
    """Return the value of the function, made of derivatives, with those met on one side.

    Where `value`, with those of no side, is known it stays.
    """
    x, lost = point_of(t), nans(base_array(value))
    if not lost.any():
        return value
    try:
        sided = function(t, towards(t, next(directions(x)), 1))(x)
    except NonAnalyticError:  # the side is a matter of derivatives itself
        return value
    return np.where(lost, sided, value)[()]


def point_of(t: Tied) -> Any:
    return t.v[next(i for i, c in enumerate(t.code) if type(c.op) is Input)]


def _difference(x: Any, y: Any) -> Any:
    """Return x - y (None: zero), and zero where it is one of rounding only."""
    x, y = (0 if e is None else e for e in (x, y))
    d = np.asarray(x - y)
    return np.where(np.abs(d) <= tolerance(d) * (np.abs(x) + np.abs(y)), 0, d)


def tolerance(x: Any) -> float:
    kind = np.asarray(x).dtype
    return ROUNDINGS * float(np.finfo(kind if kind.kind in "fc" else float).eps)


def same(x: Any, y: Any) -> Array:
    """Return where numbers are the same, but for rounding; nan is like nan."""
    x, y = np.asarray(base(x)), np.asarray(base(y))
    with np.errstate(invalid="ignore"):  # of infinite ones
        close = np.abs(x - y) <= tolerance(x) * (np.abs(x) + np.abs(y))
    return np.asarray(close | (x == y) | ((x != x) & (y != y)), dtype=bool)


def numbers_of(x: Any) -> Any:
    """Return all numbers in a value of any nesting: in front of its axes those of coefficients."""
    while is_nested(x):
        x = x._coef if isinstance(x, Series) else x.value
    return x


def directions(x: Any) -> Iterator[Array]:
    """Yield generic directions and their opposites; every two variables differ in sign in one."""
    x = np.asarray(x)
    n, rng = x.size, np.random.default_rng(x.size)
    rows = [np.zeros(n, dtype=int)]
    rows += [np.arange(n) >> bit & 1 for bit in range(max(n - 1, 0).bit_length())]
    rows += [rng.integers(0, 2, n) for _ in range(4)]
    for row in rows:
        d = ((1 - 2 * row) * rng.integers(1 << 20, 1 << 21, n)).reshape(x.shape)
        d = d.astype(object) if x.dtype == object else (d / (1 << 20)).astype(x.dtype)
        yield d
        yield -d


# ------------------------------------------------------------------ first order
def settled(t: Tied, real: dict[int, Array]) -> Shares:
    """Return the shares of conventions where ties are real, and means elsewhere."""
    mean, wanted = means(t), _conventions(t)
    return {i: np.where(real.get(i, False), wanted[i], mean[i]) for i in t.ties}


def one_sided(t: Tied) -> Shares | None:
    """Return the sides met where all variables grow, or shrink, if the policy says so."""
    kink = current_policy().kink
    if kink not in ("left", "right"):
        return None
    ones = np.ones_like(np.asarray(point_of(t)))
    return towards(t, ones if kink == "right" else -ones, 1)


def moves(t: Tied, known: Iterable[int]) -> tuple[list[Array], list[Array]]:
    """Return how u = l - r of the tied elements, and |their sides' difference|, change along two d.

    A choice that depends on another tie gets a random share of it, and so a place of its own.  What
    changes only beside the point, in outer variables, counts by its first coefficient there.
    """
    point = np.asarray(point_of(t))
    rng = np.random.default_rng(point.size)
    seen: list[dict[int, list[Any]]] = []
    for d in itertools.islice(directions(point), 0, 3, 2):
        seen.append({i: [0] * 4 for i in t.ties})

        def drawn(i: int, e: list[Any], found: dict[int, list[Any]] = seen[-1]) -> Any:
            if i not in t.ties:
                return None
            found[i] = [0 if x is None else x for x in e]
            return share(t, i, rng.uniform(0.25, 0.75, t.ties[i].shape))

        tangents(t.code[: max(t.ties) + 1], t.given, [d], drawn)

    def changes(n: int) -> list[Array]:
        pairs = {i: _leading(*(_change(*e[i][n : n + 2]) for e in seen)) for i in known}
        return [joined(t, known, {i: pair[m] for i, pair in pairs.items()}) for m in (0, 1)]

    return changes(0), changes(2)


def _change(x: Any, y: Any) -> Array:
    """Return the coefficients of x - y in outer variables."""
    found = [_with_outer(e) for e in (x, y)]
    if found[0] is None or found[1] is None:
        found = [np.asarray(base(e))[None] for e in (x, y)]
    return _difference(*_aligned(*found))


def _leading(a: Array, b: Array) -> Array:
    """Return the first coefficients of two values that are not zero in both."""
    a, b = np.broadcast_arrays(*_aligned(a, b))
    first = np.argmax((a != 0) | (b != 0), axis=0)
    return np.stack([np.take_along_axis(e, first[None], 0)[0] for e in (a, b)]).astype(float)


def _aligned(a: Array, b: Array) -> list[Array]:
    """Return tables of coefficients in one length and number of axes."""
    n, ndim = max(len(a), len(b)), max(a.ndim, b.ndim) - 1
    new = (np.concatenate([e, np.zeros((n - len(e), *e.shape[1:]), e.dtype)]) for e in (a, b))
    return [pad(e, ndim) for e in new]


def classes(p: Array, q: Array) -> tuple[Array, Array]:
    """Return an order in which terms with the same ratio of p and q are neighbours, and its starts.

    These are the terms |u| whose u are proportional to each other.
    """
    with np.errstate(all="ignore"):
        ratio = q / p
        order = np.argsort(ratio, kind="stable")
        new = np.diff(ratio[order]) > 1e-9 * (1 + np.abs(ratio[order][1:]))
    return order, np.flatnonzero(np.concatenate([[True], new]))


def apart(t: Tied) -> Shares:
    """Return shares with which derivatives are those of the means only where kinks cancel.

    Every class of proportional u has a random weight of its own; where u does not change both sides
    must give the same.
    """
    (p, q), _ = moves(t, t.ties)
    order, starts = classes(p, q)
    weights = np.random.default_rng(len(p)).uniform(0.25, 0.75, len(starts))
    signs = np.where(p == 0, 1.0, np.sign(p))[order]
    at_ties = np.full(len(p), 0.5)
    at_ties[order] += np.repeat(weights, np.diff([*starts, len(p)])) * signs / 2
    at_ties = np.where((p == 0) & (q == 0), joined(t, t.ties, drawn(t)), at_ties)
    return {i: share(t, i, part) for i, part in each_part(t, t.ties, at_ties, 0.5)}


def joined(t: Tied, known: Iterable[int], parts: dict[int, Any]) -> Array:
    """Return what the choices have at their tied elements, as one array of floats."""
    each = [full(parts[i], t.ties[i].shape)[t.ties[i]].astype(float) for i in known]
    return np.concatenate(each)


def each_part(t: Tied, known: Iterable[int], flat: Array, rest: Any) -> Iterator[tuple[int, Array]]:
    """Yield for each of the choices what is joined for their tied elements, in its shape."""
    start = 0
    for i in known:
        here = np.full(t.ties[i].shape, rest)
        count = int(t.ties[i].sum())
        here[t.ties[i]] = flat[start : start + count]
        start += count
        yield i, here


def real_ties(t: Tied, bars: dict[int, Any]) -> dict[int, Array]:
    """Return where ties leave the function without a derivative, given adjoints of the choices."""
    known = [i for i in t.ties if i in bars]
    if not known:
        return {}
    (p, q), (sides, _) = moves(t, known)
    effect = joined(t, known, bars) * sides * np.sign(p)
    real = _remaining(effect, p, q, tolerance(bars[known[0]]))
    return {i: here for i, here in each_part(t, known, real, False) if here.any()}


def _remaining(effect: Array, p: Array, q: Array, tolerance: float) -> Array:
    """Return which terms do not cancel among those with the same ratio of p and q."""
    real = (effect != 0) & (effect == effect)
    live = np.flatnonzero(real)
    if len(live) == 0:
        return real
    order, starts = classes(p[live], q[live])
    live = live[order]
    total, size = (np.add.reduceat(e, starts) for e in (effect[live], np.abs(effect[live])))
    cancelled = np.abs(total) <= tolerance * size
    real[live] = ~np.repeat(cancelled, np.diff([*starts, len(live)]))
    return real


def message(t: Tied, real: dict[int, Array], what: str, of_order: str) -> str:
    i, here = next(iter(real.items()))
    left, count = (
        np.broadcast_to(t.v[t.code[i].args[0]], here.shape),
        sum(map(np.sum, real.values())),
    )
    at = tuple(int(n) for n in np.argwhere(here)[0])
    place = f" at element {at} of {here.shape}" if here.ndim else ""
    return (
        f"{what}: f has a kink here{of_order}: {t.names[i]}{place}, where both sides are "
        f"{left[at]} ({count} such elements in all); move the point, write the function smoothly, "
        "or take a subgradient: with taylor.policy(kink='subgradient')"
    )
