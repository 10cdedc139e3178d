"""Functions of Taylor models: the series of a row at the centre, and its next coefficient as bound.

With u = a - a_0 and the coefficients c_k of a function (Makino and Berz, 2003, with the remainder
of Lagrange)

    f(a) = Σ_{k <= m} c_k(a_0) u^k + c_{m+1}(ξ) u^{m+1}        for some ξ in the range of a,

and both c_k(a_0) and c_{m+1}(range) are those of the row itself, over intervals.  Where c_{m+1}
keeps its sign the rest grows, or falls, on either side of a_0, so that it lies between zero and
what it is at the ends of the range (Joldes, Rigorous Polynomial Approximations, 2011, 2.2.1).  In
several arguments Lagrange's form holds for the coefficients of all monomials of degree m + 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from taylor.core.functions import power
from taylor.core.graded import multivariate
from taylor.core.powers import integer_power, integer_valued
from taylor.core.table import Elementary, lookup
from taylor.errors import DomainError, PoleError
from taylor.numbers.kinds import is_operand
from taylor.numbers.policy import policy
from taylor.series.multivariate import TaylorN
from taylor.verified.bounds import BOUNDS, enclosed, nearly_linear
from taylor.verified.interval import Interval
from taylor.verified.symbols import above
from taylor.verified.values import coefficients

PIECES = 8  # of a range, on which coefficients are narrower
SMALL = 1e-13  # a rest that needs no better bound
REAL_POWER = lookup("real_power")
ROUGH = 1e-2  # of a value: a rest that is worth a costly one

Coefficients = Callable[[Interval, int], Any]  # (x, order) -> c_0, ..., c_order on x


def of_row(row: Elementary, owner: Any, args: Sequence[Any]) -> Any:
    """Return a row of the table at arguments some of which are Taylor models, the owner one."""
    if row is power and not is_operand(args[1]) and integer_valued(args[1]):
        n = int(args[1])
        return integer_power(reciprocal(owner) if n < 0 else owner, abs(n))
    if row is power and not is_operand(args[1]) and np.ndim(args[1]) == 0:
        found = of_one(owner, partial(_real_powers, args[1]))
        return _bounded(row, found, [owner])
    if row.compose is not None:
        return row.compose(*args)
    live = [isinstance(x, type(owner)) for x in args]
    if row.jumps is not None:
        ranges = (enclosed(x) if m else x for x, m in zip(args, live, strict=True))
        return owner.lift(row(*ranges))
    if len(args) == 1:
        found = of_one(owner, partial(_series, row))
    else:
        found = _of_several(row, owner, args, live)
    return _bounded(row, found, [x for x, m in zip(args, live, strict=True) if m])


def _bounded(row: Elementary, found: Any, models: Sequence[Any]) -> Any:
    """Return what was found of a row at models; raise its error where that is nothing."""
    if found is None:
        parts = [str(enclosed(x, BOUNDS[-1])) for x in models]
        raise row.error(
            f"{row.name} has no bound on all of {', '.join(parts)} (domain: {row.domain}); "
            "split the box"
        )
    return found


def _series(row: Elementary, x: Interval, order: int) -> Any:
    return coefficients(row, x, order, 1 if np.all(x.lo == x.hi) else PIECES)


def _real_powers(r: Any, x: Interval, order: int) -> list[Any]:
    """Return the coefficients binomial(r, k)·x^(r - k) of a power."""
    exact = Fraction(*r.as_integer_ratio()) if hasattr(r, "as_integer_ratio") else Interval(r)
    factor, found = Interval(1), []
    for k in range(order + 1):
        with policy(singular="propagate"):
            found.append(factor * REAL_POWER(x, Interval(exact - k)))
        factor = factor * Interval(exact - k) / (k + 1)
    return found


def reciprocal(x: Any) -> Any:
    """Return 1/x of a Taylor model."""
    y = of_one(x, _reciprocals)
    if y is None:
        raise PoleError(
            f"division by a Taylor model with the range {enclosed(x, BOUNDS[-1])}, which holds "
            "zero; split the box"
        )
    return y


def _reciprocals(x: Interval, order: int) -> list[Any]:
    with policy(singular="propagate"):
        power, found = 1 / x, []
    first = power
    for k in range(order + 1):
        found.append(-power if k % 2 else power)
        power = power * first
    return found


def of_one(x: Any, series: Coefficients) -> Any:
    """Return f(x) of a Taylor model, given the coefficients of f at points and on intervals.

    None where they have no bounds.
    """
    order = x.space.algebra.order
    at = series(Interval(x.coef[0]), order)
    if not all(np.isfinite(c.mag).all() for c in at):
        return None
    u = _around(x)
    y = x.lift(at[order])
    for k in range(order - 1, -1, -1):
        y = y * u + at[k]

    def rest(ranges: Sequence[Interval]) -> Any:
        last = series(ranges[0], order + 1)[order + 1]
        found = _rest([x], ranges, [last], [(order + 1,)])
        keeps = ((last.lo >= 0) | (last.hi <= 0)) & np.isfinite(last.mag)
        if not np.any(keeps):
            return found
        narrow = _between_ends(series, at, Interval(x.coef[0]), ranges[0])
        if order % 2 == 0:  # of both signs: the polynomial stays that of Taylor
            narrow = Interval(-narrow.mag, narrow.mag)
        return np.where(keeps, found & narrow, found)

    found = _least_rest([x], rest, at[0])
    return None if found is None else y + found


def _between_ends(series: Coefficients, at: Sequence[Any], centre: Interval, x: Interval) -> Any:
    """Return the hull of zero and of f(x) - Σ c_k(centre) (x - centre)^k at both ends of x."""
    found: Any = Interval(np.zeros(x.shape))
    for end in (x.lo, x.hi):
        u = Interval(end) - centre
        total = at[-1]
        for c in at[-2::-1]:
            total = total * u + c
        found = found | (series(Interval(end), 0)[0] - total)
    return found


def developed(row: Elementary, x: Any, count: int) -> list[Any]:
    """Return the coefficients up to degree `count` of a function of one argument at a model.

    They are functions of it, too, with the coefficients binomial(n + k, n)·c_(n + k).
    """
    top = count + x.space.algebra.order + 1
    known: dict[Any, Any] = {}

    def all_of(x: Interval) -> Any:
        name = (np.asarray(x.lo).tobytes(), np.asarray(x.hi).tobytes())
        if name not in known:
            known[name] = _series(row, x, top)
        return known[name]

    def one(n: int, x: Interval, order: int) -> list[Any]:
        return [all_of(x)[n + k] * math.comb(n + k, n) for k in range(order + 1)]

    return [_bounded(row, of_one(x, partial(one, n)), [x]) for n in range(count + 1)]


def _around(x: Any) -> Any:
    """Return x - x_0."""
    u = x.copy()
    u.coef[0] = 0
    return u


def _least_rest(xs: Sequence[Any], rest_on: Callable[[Sequence[Interval]], Any], value: Any) -> Any:
    """Return an enclosure of a rest, from bounds of the ranges that are as good as need be.

    That is an error beside a value of the function.  None if there are no bounds.
    """
    found: Any = None
    large = ROUGH * np.max(value.mag, initial=0.0)
    for bound in BOUNDS:
        if bound == BOUNDS[-1] and found is not None and np.max(found.mag, initial=0.0) <= large:
            break
        try:
            rest = rest_on([enclosed(x, bound) for x in xs])
        except DomainError:
            continue
        if not np.isfinite(rest.mag).all():
            continue
        if found is None or np.max(rest.mag) < np.max(found.mag):
            found = rest
        if np.max(found.mag, initial=0.0) < SMALL or all(map(nearly_linear, xs)):
            break
    return found


def _rest(
    xs: Sequence[Any],
    ranges: Sequence[Interval],
    last: Sequence[Any],
    exponents: Sequence[Sequence[int]],
) -> Any:
    """Return an enclosure of Σ last_α u^α."""
    around = [(r - x.coef[0]).mag for x, r in zip(xs, ranges, strict=True)]
    total: Any = 0
    for e, c in zip(exponents, last, strict=True):
        size = np.ones(())
        for v, n in zip(around, e, strict=True):
            size = above(size * _power(v, n), 2)
        even = all(n % 2 == 0 for n in e)
        total = total + c * Interval(0.0 * size if even else -size, size)
    return total


def _power(x: Any, n: int) -> Any:
    """Return a bound of xⁿ for x >= 0."""
    found = np.ones_like(x)
    for _ in range(n):
        found = above(found * x, 2)
    return found


def _of_several(row: Elementary, owner: Any, args: Sequence[Any], live: Sequence[bool]) -> Any:
    """Return a row of several arguments, of which those marked as live are models."""
    order = owner.space.algebra.order
    own = [owner.lift(x) for x, m in zip(args, live, strict=True) if m]
    shape = np.broadcast_shapes(*(x.shape for x in own), *(np.shape(x) for x in args))
    algebra = multivariate(len(own), order + 1)
    tail = algebra.part(order + 1)

    def table(points: Sequence[Any], order: int) -> Any:
        variables = iter(TaylorN.variables(points, order=order))
        given = [next(variables) if m else x for x, m in zip(args, live, strict=True)]
        return row(*given).coef

    def last(ranges: Sequence[Interval]) -> Any:
        whole: list[Any] = [np.broadcast_to(r, shape) for r in ranges]
        found = table(_cut(whole), order + 1)[tail]
        return Interval(found.lo.min(1), found.hi.max(1))

    at = table([np.broadcast_to(Interval(x.coef[0]), shape) for x in own], order)
    y, powers, u = owner.lift(at[0]), {0: None}, [_around(x) for x in own]
    for k in range(1, len(at)):
        e = algebra.exponents[k]
        i = int(np.flatnonzero(e)[0])
        before = powers[algebra.index(e - np.eye(len(e), dtype=int)[i])]
        powers[k] = u[i] if before is None else before * u[i]
        y = y + powers[k] * at[k]
    exponents = algebra.exponents[tail].tolist()
    rest = _least_rest(own, lambda ranges: _rest(own, ranges, last(ranges), exponents), at[0])
    return None if rest is None else y + rest


def _cut(ranges: Sequence[Interval]) -> list[Interval]:
    """Return boxes cut into pieces, along a first axis."""
    count = 64 if len(ranges) == 1 else 12 if len(ranges) == 2 else 2
    found = []
    steps = np.linspace(0, 1, count + 1)
    for i, x in enumerate(ranges):
        lo, hi = np.asarray(x.lo), np.asarray(x.hi)
        at = steps.reshape((-1,) + (1,) * lo.ndim)
        ends = np.clip(lo + (hi - lo) * at, lo, hi)
        ends[0], ends[-1] = lo, hi
        n = len(ranges)
        shape = [count if j == i else 1 for j in range(n)]
        each = [
            np.broadcast_to(v.reshape(*shape, *lo.shape), (*[count] * n, *lo.shape))
            for v in (ends[:-1], ends[1:])
        ]
        found.append(Interval(*(v.reshape(-1, *lo.shape) for v in each)))
    return found


# ------------------------------------------------------------------ at points, and of other models
def evaluated(model: Any, x: Sequence[Any]) -> Any:
    """Return a model at a point, on a part of its box, or of other models."""
    space, a = model.space, model.space.algebra
    if len(x) != a.symbols:
        raise TypeError(f"the model has {a.symbols} variables, got {len(x)} arguments")
    kind = type(model)
    ranges = [enclosed(v, "ldb") if isinstance(v, kind) else Interval(v) for v in x]
    for i, r in enumerate(ranges):
        if not np.all(r.subset(space.box[i])):
            raise DomainError(
                f"argument {i} is {r}, not inside of {space.box[i]}, where the model holds"
            )
    inner = [r if isinstance(v, kind) is False else v for v, r in zip(x, ranges, strict=True)]
    unit = Interval(-1.0, 1.0)
    xi = [
        (v - c) / s if s else Interval(0.0)
        for v, c, s in zip(inner, space.centre.tolist(), space.scale.tolist(), strict=True)
    ]
    xi = [v if isinstance(v, kind) else v & unit for v in xi] + [unit] * a.generators
    powers = [[v**k for k in range(a.order + 1)] for v in xi]
    total: Any = 0
    ones = (1,) * max(np.ndim(v) for v in xi) if xi else ()
    for e, c in zip(a.exponents.tolist(), model.coef, strict=True):
        if not np.any(c):
            continue
        term: Any = Interval(c.reshape(c.shape + ones))
        for i, k in enumerate(e):
            term = term * powers[i][k] if k else term
        total = total + term
    r = model.radius.reshape(model.radius.shape + ones)
    return total + Interval(-r, r)
