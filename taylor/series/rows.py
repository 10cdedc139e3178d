"""Rows of the table at series: by machine code or by the sweep, and what is special at some points.

Where a series ends before its order says (a root of a series that starts at degree v, a division
that cancels a power of t) the rest is not known, and the result says so: see `declared`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from taylor.core.algebra import Algebra, Univariate, univariate
from taylor.core.functions import TINY, cbrt, mod, power, real_power, sqrt, stop_gradient
from taylor.core.instructions import Input, Instruction, Parameter
from taylor.core.memory import in_rows
from taylor.core.powers import at_zero, integer_valued, lowered, raised
from taylor.core.program import Program, of_row
from taylor.core.sides import Choose
from taylor.core.singular import checked, finite_in, is_zero, nans, no_expansion
from taylor.core.sweep import Sweep
from taylor.core.table import Elementary
from taylor.core.tables import nonzero, pad
from taylor.errors import DomainError, PoleError
from taylor.machine import engine
from taylor.numbers.balls import whole
from taylor.numbers.contexts import is_interval, is_set, members
from taylor.numbers.formulas import Constant
from taylor.numbers.kinds import Array, Kind, base, base_array, content, is_nested, is_operand
from taylor.numbers.policy import current_policy, policy
from taylor.numbers.special_values import rational
from taylor.numbers.values import as_array, divisible, together, widened
from taylor.series.coefficients import UNKNOWN, Coefficients
from taylor.series.wide import mended

Owner = TypeVar("Owner", bound=Coefficients)
Live = tuple[bool, ...]  # which operands are tables
ALONE, LEFT, RIGHT, BOTH = (True,), (True, False), (False, True), (True, True)


def plain(x: Any) -> Any:
    """Return a plain number or array that can be combined with a table."""
    x = content(x)
    if is_operand(x) or type(x) in (int, float, complex, Constant):
        return x
    if isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "fc":
        return x
    array = as_array(x)
    return array[()] if array.ndim == 0 else array


def argument(x: Any, table: Any) -> Any:
    """Return a plain argument of a rule beside a table: arrays of integers stay such by floats."""
    x = np.asarray(x) if isinstance(x, (list, tuple)) else x
    whole = isinstance(x, np.ndarray) and x.ndim and x.dtype.kind in "iub"
    return x if whole and not base(table).dtype.hasobject else plain(x)


def propagates() -> bool:
    """Whether singular points give nan."""
    return current_policy().singular == "propagate"


# ------------------------------------------------------------------ the table of a program
def by_code(row: Elementary | str, live: Live, algebra: Algebra, given: Sequence[Any]) -> Any:
    """Return the table of a row as a whole, laid out as NumPy's result is; or None."""
    found = engine.run(row, live, algebra, given)
    if found is None and type(algebra) is Univariate:
        name = row if isinstance(row, str) else row.name if row.own else ""
        found = whole(name, live, algebra.size, given)
    if found is None or found.ndim < 3:
        return found
    tables, arrays = (
        [x for x, m in zip(given, live, strict=True) if m is k] for k in (True, False)
    )
    return in_rows(found, tables, arrays)


def swept(
    program: Program,
    algebra: Algebra,
    tables: Sequence[Array],
    parameters: Sequence[Any] = (),
    side: str = "",
    reaches: Sequence[float] = (),
) -> Any:
    """Return the single output of a program of element-wise rules, on one side of a point.

    Tables may be known to be polynomials, of degrees up to `reaches`.
    """
    shape = np.broadcast_shapes(*(t.shape[1:] for t in tables), *(np.shape(c) for c in parameters))
    padded = [pad(t, len(shape)) for t in tables]
    heights = [algebra.height(t) for t in padded]
    if reaches:
        known = zip(padded, heights, reaches, strict=True)
        heights = [int(min(h, r)) if r or not _jumped(t) else h for t, h, r in known]
    sweep = Sweep(program, algebra, padded, parameters, heights)
    sweep.side = side
    sweep.run()
    y = mended(program, algebra, padded, parameters, sweep.result(program.outputs[0]))
    return in_rows(y, padded, parameters)


def _jumped(table: Any) -> bool:
    """Whether a constant has coefficients: the nan of a jump."""
    return bool(nans(base(table[1:])).any())


@functools.cache
def choice(mode: str, mine: Live) -> Program:
    """Return the program of one choice whose arguments marked in `mine` are series."""
    inputs = [i for i, inside in enumerate(mine) if inside]
    others = [i for i, inside in enumerate(mine) if not inside]
    ops = [Input(inputs.index(i)) if i in inputs else Parameter(others.index(i)) for i in range(4)]
    code = [*(Instruction(op, (), ()) for op in ops), Instruction(Choose(mode), (0, 1, 2, 3), ())]
    return Program(code, inputs, [4])


# ------------------------------------------------------------------ elementary functions
def elementary(row: Elementary, owner: Coefficients, args: Sequence[Any]) -> Any:
    """Return a row of the table at arguments of which the owner is the innermost series."""
    mine = owner._mine(args)
    for x in args:
        if x is not None:
            plain(x)  # or it is no number
    if len(args) > 1:
        args = [widened(x, owner._coef) for x in args]
    values = [x.value if inside else x for x, inside in zip(args, mine, strict=True)]
    inside = [x for x, m in zip(args, mine, strict=True) if m]
    if row is stop_gradient:  # where there is no series to stop, too
        return owner._constant(row(*values))
    if owner.order == 0 or not any(x.active for x in inside):
        whole = owner.order == 0 or all(x._reach <= owner.order for x in inside)
        y = owner._constant(checked(row, values, current_policy().singular))
        if not whole and (row is mod or (row is power and mine[0])):
            return _composed(row, owner, args)
        return y if whole else _known(owner, y, row, inside, mine, values)
    if row.compose is not None:
        y = _composed(row, owner, args)
        same = isinstance(y, Coefficients) and y.tag is owner.tag
        if not same or any(x is None for x in args):
            return y
        with np.errstate(all="ignore"):
            return y._with_value(row(*values))
    if row is real_power and _vanishes(owner, args):
        return _of_powers(*args)
    if row is real_power or row is sqrt or row is cbrt:
        special = _at_zero(row, owner, args)
        if special is not None:
            return special
    still = row.jumps is not None or all(x._reach == 0 for x in inside)
    y = owner._new(_table(row, owner, args, mine, values), reach=0 if still else UNKNOWN)
    if not y.shape:
        return y
    if row is real_power or row is sqrt or row is cbrt:
        _set_roots(y, row, args)
    _rest(row, y._coef, inside)
    return _known(owner, y, row, inside, mine, values)


def _rest(row: Elementary, table: Any, inside: Sequence[Any]) -> None:
    """Write zeros to the lanes in which no argument varies: at their ends slopes are 0·inf."""
    if row.germ is None or type(table) is not np.ndarray:
        return
    if table.dtype != object:
        with np.errstate(all="ignore"):
            total = np.add.reduce(table, axis=None)
        if np.isfinite(total):
            return
    fine = finite_in(table)
    moving = functools.reduce(np.logical_or, [nonzero(x._coef[1:]).any(0) for x in inside])
    rest = ~(moving | fine.all(0)) & fine[0]
    table[1:, rest] = 0 * table[0, rest]


def _table(
    row: Elementary,
    owner: Coefficients,
    args: Sequence[Any],
    mine: list[bool],
    values: Sequence[Any],
) -> Any:
    live = tuple(mine)
    if len(args) > 1:
        given = [x._coef if m else x for x, m in zip(args, mine, strict=True)]
        table = by_code(row, live, owner.algebra, given)
        left = table is not None and row is real_power and not np.all(abs(table[0]) >= TINY)
        if table is not None and not left:
            table[0] = checked(row, values, current_policy().singular)
            return table
    inside = [x for x, m in zip(args, mine, strict=True) if m]
    inputs, reaches = together(*(divisible(x._coef) for x in inside)), [x._reach for x in inside]
    parameters = [x for x, m in zip(args, mine, strict=True) if not m]
    try:
        kind = Kind.of(inputs[0])
        # of moduli of sets the equation itself gives narrower bounds than phases, of angles wider
        program = of_row(row, live, kind.exact or (kind.sets and row.polar == 1))
        table = swept(program, owner.algebra, inputs, parameters, reaches=reaches)
    except DomainError:
        if row.jumps is not None:
            raise
        raise no_expansion(row, values) from None
    if row is real_power and mine[0]:
        _set_lanes_at_zero(table, owner.algebra, args[0]._coef, args[1])
    return table


def _composed(row: Elementary, owner: Coefficients, args: Sequence[Any]) -> Any:
    assert row.compose is not None
    return _power(owner, *args[1:]) if row is power and owner is args[0] else row.compose(*args)


def _power(a: Any, r: Any) -> Any:
    """Return a**r; by a·y' = r·y·a' where products leave the range of floats."""
    lost: PoleError | None = None
    result: Any = None
    try:
        result = raised(a, r)
    except PoleError as error:
        lost = error
    x = a._coef
    floats = not is_operand(x) and x.dtype.kind in "fc" and not is_operand(r) and np.ndim(r) == 0
    if floats and integer_valued(r):
        with np.errstate(all="ignore"):
            total = math.nan if lost is not None else np.add.reduce(result._coef, axis=None)
        if not np.isfinite(total) and np.all(x[0]) and np.isfinite(x).all():
            return a._new(swept(of_row(real_power, (True, False)), a.algebra, [x], [float(r)]))
    if lost is not None:
        raise lost
    return result


# ------------------------------------------------------------------ series that end early
def declared(owner: Owner, table: Array) -> Owner:
    """Return the series of a table that ends below the order.

    By hand its order is lower; in a driver the missing coefficients are nan, and the driver goes on
    at a higher order.
    """
    algebra, tag = owner.algebra, owner.tag
    missing = algebra.size - len(table)
    if missing <= 0:
        return owner._new(table[: algebra.size])
    if tag.level >= 0:
        return owner._new(table, lowered(algebra, int(algebra.degrees[len(table) - 1])))
    tag.short = True
    return owner._new(np.concatenate([table, np.concatenate([table[:1] * math.nan] * missing)]))


def _known(
    owner: Coefficients,
    y: Any,
    row: Elementary,
    inside: Sequence[Any],
    mine: Sequence[bool],
    values: Sequence[Any],
) -> Any:
    """Return y = row(a) as far as it is known where an argument varies above the order only.

    With a - a_0 = O(t^(K+1)) and f(a) - f(a_0) ~ (a - a_0)^g that is below degree (K+1)g.
    """
    if (row.germ is None and row.jumps is None) or all(x._reach <= owner.order for x in inside):
        return y
    still = np.ones((), dtype=bool)
    for x in inside:
        still = still & ~nonzero(x._coef[1:]).any(0)
    above = owner.algebra.degrees > _degree_known(row, owner.order, values)
    if not (still.any() and above.any()):
        return y
    lanes = np.broadcast_to(still & singular_at(row, mine, values), y.shape)
    if not lanes.any():
        return y
    if not y.shape:
        return declared(owner, y._coef[~above])
    y._coef[above.reshape((-1,) + (1,) * y.ndim) & lanes] = math.nan
    owner.tag.short = owner.tag.short or owner.tag.level < 0
    return y


def beside_zero(y: Owner, divisor: Any, reach: float) -> Owner:
    """Return a quotient as far as it is known, in lanes: divisors may vary above the order only."""
    if not y.shape or reach <= y.order or is_operand(divisor) or is_operand(y._coef):
        return y
    lanes = np.broadcast_to(~nonzero(divisor).any(0), y.shape)
    if lanes.any():
        with np.errstate(all="ignore"):
            y._coef[1:, lanes] = y._coef[0, lanes] - y._coef[0, lanes]  # which is inf or nan
    return y


def _degree_known(row: Elementary, order: int, values: Sequence[Any]) -> int:
    germ = row.germ
    if row is real_power:
        r = base(values[1])
        plain = np.ndim(r) == 0 and not (np.iscomplexobj(r) or is_set(r))
        germ = Fraction(float(r)) if plain else germ
    return max(math.ceil((order + 1) * germ) - 1, 0) if germ else 0


def singular_at(row: Elementary, mine: Sequence[bool], values: Sequence[Any]) -> Any:
    """Return, lane by lane, whether a row has no expansion at a point where it has a value."""
    points = [base_array(v) for v in values]
    if any(is_set(v) for v in points):  # a set has none if one of its numbers has none
        chosen = zip(*(members(v) for v in points), strict=True)
        return np.logical_or.reduce([singular_at(row, mine, v) for v in chosen])
    points = [v.astype(float) if v.dtype.kind not in "fc" else v for v in points]
    shape = np.broadcast_shapes(*(v.shape for v in points))
    heads = [v for v, m in zip(points, mine, strict=True) if m]
    tables = [pad(np.stack([h, np.ones_like(h)]), len(shape)) for h in heads]
    given = [v[()] for v, m in zip(points, mine, strict=True) if not m]
    with policy(singular="propagate"):
        sweep = Sweep(of_row(row, tuple(mine)), univariate(1), tables, given)
        sweep.run()
    return np.broadcast_to(~np.isfinite(sweep.result(sweep.program.outputs[0])[1]), shape)


def _set_roots(y: Coefficients, row: Elementary, args: Sequence[Any]) -> None:
    """Set roots and real powers in the lanes that are zero and start at a higher degree.

    As far as they are known, where they exist.
    """
    a = args[0]
    r: Any = args[1] if row is real_power else row.germ
    if not isinstance(a, Coefficients) or a.tag is not y.tag or is_operand(a._coef):
        return
    if isinstance(r, (Coefficients, complex)) or np.ndim(r) or r < 0:
        return
    if a._coef.dtype.kind not in "fO" or np.all(a._coef[0]):
        return
    started, algebra = nonzero(a._coef), y.algebra
    start = np.where(started.any(0), algebra.degrees[np.argmax(started, axis=0)], 0)
    for v in np.unique(start[start > 1]):
        lanes = np.argwhere(start == v)
        groups = [lanes.T] if isinstance(algebra, Univariate) else lanes
        for group in groups:
            place = (slice(None), *group)
            try:
                table = at_zero(row, a._new(a._coef[place]), rational(r))
            except DomainError:  # of a kink
                continue
            if table is not None:
                y._coef[place] = math.nan
                y._coef[(slice(len(table)), *group)] = table[: algebra.size]
            elif isinstance(algebra, Univariate) or row is not cbrt:
                continue
            y.tag.short |= table is None or len(table) < algebra.size


def _at_zero(row: Elementary, owner: Coefficients, args: Sequence[Any]) -> Any:
    """Return a root or real power of a scalar series whose value is zero, where it exists."""
    a = args[0]
    if not isinstance(a, Coefficients) or a.tag is not owner.tag or a.shape or is_operand(a._coef):
        return None
    if is_interval(a._coef[0]) or not is_zero(a._coef[0]) or propagates():
        return None
    r: Any = args[1] if row is real_power else row.germ
    if isinstance(r, Coefficients):
        if is_operand(r._coef) or np.iscomplexobj(r._coef) or is_interval(r.value):
            return None
        return _varying_power_at_zero(owner, a, r.value)
    if np.ndim(r) or isinstance(r, complex):
        return None
    if r < 0:
        raise PoleError(f"a series with value zero to the power {r}: a pole")
    table = at_zero(row, a, rational(r))
    return None if table is None else declared(owner, table)


def _varying_power_at_zero(owner: Owner, a: Coefficients, r: Any) -> Owner | None:
    """Return a**b for b = r + ... where a series a has the value zero: zeros, as far as known."""
    y, known = owner._constant(a.value**r), a.order
    if r > 0 and not nonzero(a._coef[1:]).any():
        known = known if a._reach == 0 else _degree_known(real_power, known, (a.value, r))
    elif r <= known:
        return None
    return declared(owner, y._coef[owner.algebra.degrees <= known])


def _vanishes(owner: Coefficients, args: Sequence[Any]) -> bool:
    """Whether a**r has coefficients where a_0 is zero, and no lanes of floats hold them.

    They vary with outer variables, or are numbers by which zero cannot be divided.
    """
    a, r = args
    if not isinstance(a, Coefficients) or a.tag is not owner.tag:
        return False
    lanes = a.shape and isinstance(a._coef, np.ndarray) and a._coef.dtype.kind == "O"
    if not (is_nested(a._coef) or lanes):
        return False
    head = base(a.value)
    if is_operand(r) or is_set(head) or np.iscomplexobj(r) or np.all(head):
        return False
    return bool(np.all(np.asarray(r) >= a.order))


def _of_powers(a: Coefficients, r: Any) -> Any:
    """Return a**r = Σ_k (r choose k) a_0^(r-k) (a - a_0)^k, which does not divide by a_0."""
    head, factor, product = a.value, 1, None
    rest = a - head
    y = a._constant(real_power(head, r))
    for k in range(1, a.order + 1):
        factor = factor * (r - k + 1) / k
        product = rest if product is None else product * rest
        y = y + product * (factor * real_power(head, r - k))
    return y


def _set_lanes_at_zero(table: Array, algebra: Algebra, a: Array, r: Any) -> None:
    """Set the coefficients of x**r that exist in lanes with x = 0: zeros up to degree r.

    Below it where r varies; all of them where r does alone.
    """
    varies, r = isinstance(r, Coefficients), getattr(r, "value", r)
    if table.ndim == 1 or is_operand(table) or is_operand(r) or np.iscomplexobj(r):
        return
    shape = (-1,) + (1,) * (table.ndim - 1)
    zero = np.broadcast_to(base(a[0]) == 0, table.shape[1:])
    degrees = algebra.degrees.reshape(shape)
    if varies:
        still = ~np.broadcast_to(nonzero(a[1:]).any(0), table.shape[1:])
        known = (degrees < r) | (still & np.greater(r, 0))
    else:
        known = degrees <= r
    table[zero & (degrees > 0) & known] = 0
