"""Drivers in forward mode: series through a Python function, of any order."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.algebra import Univariate, check_order
from taylor.core.functions import square, stop_gradient
from taylor.core.graded import multivariate
from taylor.core.node import Node
from taylor.core.operand import lift
from taylor.core.singular import leading, masked
from taylor.core.tags import Tag, fresh_tag
from taylor.drivers import ties
from taylor.drivers.derivable import Derivable
from taylor.drivers.driver import call, direction, driver, has_nan, parts, point, seed
from taylor.errors import DomainError, NonAnalyticError, PoleError, ShapeMismatch
from taylor.numbers import factorials
from taylor.numbers.kinds import base, is_operand
from taylor.numbers.policy import current_policy, policy
from taylor.numbers.values import as_array, unit_rows
from taylor.series.multivariate import TaylorN
from taylor.series.series import Series
from taylor.series.univariate import Taylor

Array = NDArray[Any]
Function = Callable[..., Any]
LANES = 1 << 22  # coefficients of a sweep with many directions that stay within reach of the cache
ORDINARY = 1e-75, 1e75  # sizes of a point where the slopes of its powers stay floats
MAX_TABLE = 1 << 26  # coefficients of one dense multivariate table of a driver


class Unfinished(Exception):
    """Derivatives that a higher order may show."""


def _order_of(y: Any, tag: Tag) -> int | None:
    """Return the order to which y is known in the variable of the tag (None: constant)."""
    if isinstance(y, Series):
        if y.tag is tag:
            return y.order
        if is_operand(y._coef):
            return _order_of(y._coef, tag)
    return None


def undecided(c: Any, x: Any) -> Any:
    """Return coefficients of which some are unknown, if these may be nan; else raise.

    Those of lanes of an array, and all where singular points give nan.
    """
    if np.shape(c)[1:] or current_policy().singular == "propagate":
        return c
    raise DomainError(
        f"f has no derivative of this order at {x}, or none that a higher order would show: a root "
        "(or the like) is taken of a function all known coefficients of which vanish; move the "
        "point"
    )


def along(f: Function, x: Any, v: Any, order: int) -> Any:
    """Return the Taylor coefficients 0..order of t -> f(x + t·v).

    Where a removable singularity costs degrees (sin(x)/x at 0), f is run again at a higher order;
    at the tie of a kink, on both sides of it: what they agree on is what f has, and at order 1
    the policy says the rest.
    """
    units = _units(point(x) if isinstance(x, (list, tuple)) else x) if order else None
    if units and (order == 1 or len(units) == 1):
        x, v = direction(x, v)
        if not is_operand(v) and current_policy().kink == "error":
            if order == 1:
                return _by_units(f, x, v, units)
            return _in_unit(f, x, v, order, *units)
    found = _along(f, x, v, order)
    if not (order and is_operand(x)):
        return found
    if is_operand(found):
        return np.concatenate([found[:1], in_reach(found[1:], x)])
    return [found[0], *(in_reach(c, x) for c in found[1:])]


def in_reach(slopes: Any, x: Any) -> Any:
    """Return slopes at x; code has none far out, where plain numbers have them in units of x."""
    inner = leading(x)
    if not (isinstance(inner, Node) and inner.tape.resumed and is_operand(slopes)):
        return slopes
    far = 0 * square(square(stop_gradient(inner)))  # overflows
    by_element = np.shape(slopes)[np.ndim(slopes) - np.ndim(far) :] == np.shape(far)
    return slopes * (1 + (far if by_element else np.sum(far)))


def _units(x: Any) -> dict[Any, Any]:
    """Return powers of two near numbers some of which are far from one, and where these are.

    In units of it slopes of 1/x and kin are as large as their values.
    """
    if type(x) in (float, np.float64):
        if ORDINARY[0] < (size := abs(x)) < ORDINARY[1] or not 0 < size < math.inf:
            return {}
        return {math.ldexp(0.5, math.frexp(size)[1]): True}
    if is_operand(x) or not isinstance(x, (np.ndarray, np.generic, complex)):
        return {}
    if (x := np.asarray(x)).dtype.kind not in "fc":
        return {}
    size = np.abs(x)
    half, step = size.dtype.type(0.5), int(np.finfo(size.dtype).minexp) // 2
    low, high = np.ldexp(half, step // 2), np.ldexp(half, -step // 2)
    if not size.size or low < size.min() <= size.max() < high:
        return {}
    exponents = np.frexp(size)[1]
    groups = np.rint(exponents / step)
    if not groups.any():
        return {}
    found = dict[Any, Any]()
    for n in np.unique(groups):
        at = exponents[groups == n]
        middle = (int(at.min()) + int(at.max())) // 2 if n else 1
        found[np.ldexp(half, middle)] = groups == n
    return found


def _by_units(f: Function, x: Any, v: Any, units: dict[Any, Any]) -> Any:
    """Return f(x) and J·v, the sum of J·v_i with v_i what v is at the numbers near one unit."""
    plain = functools.cache(lambda: _along(f, x, v, 1))
    total: Any = 0
    try:
        for unit, there in units.items():
            d = np.where(there, v, 0).astype(v.dtype)
            c = _along(f, x, d * v.dtype.type(unit), 1)
            if is_operand(c):
                return plain()
            same = plain if len(units) == 1 else functools.partial(_along, f, x, d, 1)
            total = total + in_units(c[1], unit, same, 1)
    except NonAnalyticError:  # of a part alone, it may be
        return plain()
    if len(units) > 1 and not np.all(np.isfinite(total)):
        total = np.where(np.isfinite(total), total, plain()[1])
    return np.stack([c[0], total])


def _in_unit(f: Function, x: Any, v: Any, order: int, unit: Any) -> Any:
    """Return the coefficients of f(x + t·v), found in that unit of t."""
    plain = functools.cache(lambda: _along(f, x, v, order))
    c = _along(f, x, v * v.dtype.type(unit), order)
    if is_operand(c):
        return plain()
    degrees = range(1, order + 1)
    return np.stack([c[0], *(in_units(c[k], unit, plain, k, times=k) for k in degrees)])


def each_unit(x: Any) -> Any:
    """Return for each number of an array a power of two near it if it is far from one; or None."""
    if not (units := _units(x)):
        return None
    far = functools.reduce(np.logical_or, [at for unit, at in units.items() if unit != 1])
    size = np.abs(np.asarray(x))
    return np.where(far, np.ldexp(size.dtype.type(0.5), np.frexp(size)[1]), 1)


def in_units(
    slopes: Any, unit: Any, plain: Callable[[], Any], at: Any = ..., times: int = 1
) -> Any:
    """Return slopes found in other units, to be divided by them so many times.

    `plain()[at]` has those that cannot be found so.
    """
    if slopes.dtype.kind not in "fc":
        return plain()[at]
    with np.errstate(all="ignore"):
        found, one = slopes, np.asarray(unit, slopes.dtype)
        for _ in range(times):
            found = found / one
        whole = np.isfinite(found) & (np.abs(slopes) >= np.finfo(slopes.dtype).tiny)
    if np.all(whole) or np.all(unit == 1):
        return found
    other = plain()[at]
    return np.where(whole | ((slopes == 0) & (other == 0)), found, other)


def _along(f: Function, x: Any, v: Any, order: int) -> Any:
    """Return the coefficients of t -> f(x + t·v): see `along`."""
    if isinstance(f, Derivable):
        found = f.along(x, v, order)
        if found is not NotImplemented:
            return found
    x, v = direction(x, v)
    now = current_policy()
    error = None
    try:
        with nullcontext() if now.kink == "error" else policy(singular=now.singular):
            found, kinked = _line(f, x, v, order)
    except NonAnalyticError as caught:
        error = caught
    else:
        if not (kinked or _is_lost(base(found))):
            return found
    both = _on_both_sides(f, x, v, order)
    lost = has_nan(both)
    if lost and now.kink != "error":
        found, error = _line(f, x, v, order)[0], None
        if is_operand(both):
            return found
    if error is not None and lost:
        raise error
    if error is not None or is_operand(both):
        return _marked(both) if lost else both
    return np.where(both == both, both, found)[()]


def _is_lost(c: Any) -> bool:
    """Whether some coefficients of a number are not known though its value is."""
    return has_nan(c) and bool(np.any((c[0] == c[0]) & (c != c)))


def _marked(x: Any) -> Any:
    """Return x, for outer derivatives whose sides may decide on what is nan in it."""
    c = x
    while isinstance(c, Series):
        c.tag.kinked, c = True, c._coef
    return x


def _on_both_sides(f: Function, x: Any, v: Any, order: int) -> Any:
    """Return the coefficients of f(x + t·v) that are the same for t > 0 and t < 0, else nan.

    With all their derivatives by outer variables.
    """
    right, left = (_line(f, x, v, order, side)[0] for side in ("after", "before"))
    if not (is_operand(right) or is_operand(left)):
        right, left = map(np.asarray, (right, left))
    known = np.logical_and.accumulate(ties.alike(right, left), axis=0)
    if known.all():
        return right
    now = current_policy()
    alone = is_operand(right) and np.ndim(right) == 1
    if alone and now.kink == "error" and now.singular != "propagate":
        raise NonAnalyticError("a derivative at a kink inside another one; move the point")
    return masked(right, ~known)


def _line(f: Function, x: Any, v: Any, order: int, side: str = "") -> tuple[Any, bool]:
    """Return the coefficients of f(x + t·v), on one side of a kink if one is given.

    And whether some may be nan for an inner derivative at a kink.
    """
    tops = (order, 2 * order + 8, 4 * order + 32)
    c, lost = None, 0  # lost: degrees that f itself cuts off
    for top in tops:
        tag, algebra = fresh_tag(), Univariate(top + lost)
        tag.side = side
        try:
            y = call(f, seed(Taylor, x, algebra, v[None], tag), tag)
        except DomainError as error:
            pole = isinstance(error, PoleError) and not np.shape(x)
            if top == tops[-1] or not (tag.short or pole):
                raise
            continue
        known = _order_of(y, tag)
        if known is not None and known < order:
            lost += order - known
            continue
        c = parts(y, tag, algebra.size)[: order + 1]
        if not (tag.short and has_nan(c)):
            return c, tag.kinked
    if c is None:
        raise PoleError(f"f loses degrees to a removable singularity without end at {x}")
    return undecided(c, x), tag.kinked


def _scaled(f: Function, x: Any, v: Any, order: int, wanted: Sequence[int]) -> list[Any]:
    """Return the derivatives of the wanted degrees of t -> f(x + t·v) at t = 0."""

    def run(m: int) -> Any:
        if m == 0:
            return along(f, x, v, order)
        w = as_array(v) if isinstance(v, (list, tuple)) else lift(v)
        return along(f, x, w * (2**m if m > 0 else 2.0**m), order)

    degrees = Univariate(order).degrees
    return factorials.derivatives(run, degrees, [(k, math.factorial(k)) for k in wanted])


@driver(axes=None, recorded=False, before={"order": "n"}, results=(0,))
def derivative(f: Function, x: Any, order: int = 1) -> Any:
    """Return the derivative of f of that order at x (at every element, if x is an array).

    n!·c_n for order n, with c_n from one sweep.  x: a number of any type or an array; f:
    elementwise in x.

    >>> derivative(lambda x: x**3, 2), float(derivative(np.sin, 0.0, 3))
    (12, -1.0)
    """
    n = check_order(order)
    return along(f, x, 1, n)[n] if n < 2 else _scaled(f, x, 1, n, [n])[0]


@driver(axes=None, recorded=False, results=(1,))
def derivatives(f: Function, x: Any, order: int) -> Array:
    """Return the derivatives 0..order of f at x, along the first axis.

    >>> derivatives(np.exp, 0.0, 3)
    array([1., 1., 1., 1.])
    """
    order = check_order(order)
    return np.stack(_scaled(f, x, 1, order, range(order + 1)))


@driver(axes=None, recorded=False, results=(1,))
def taylor_coefficients(f: Function, x: Any, order: int) -> Array:
    """Return the Taylor coefficients c_0..c_order of f at x, along the first axis.

    >>> taylor_coefficients(lambda x: 1 / (1 - x), 0.0, 3)
    array([1., 1., 1., 1.])
    """
    found: Array = along(f, x, 1, check_order(order))
    return found


@driver(axes=(0,), along=("v",), recorded=False, before={"order": "n"}, results=(0,))
def directional(f: Function, x: Any, v: Any, order: int = 1) -> Any:
    """Return the derivative of t -> f(x + t·v) of that order at t = 0; v has the shape of x.

    >>> float(directional(lambda x: x[0] ** 2 * x[1], [1.0, 2.0], [1.0, 1.0], 2))
    8.0
    """
    n = check_order(order)
    return _scaled(f, x, v, n, [n])[0]


def value_and_tangent(f: Function, x: Any, v: Any) -> tuple[Any, Any]:
    """Return (f(x), J·v)."""
    c = along(f, x, v, 1)
    return c[0], c[1]


def table_along(
    f: Function, x: Any, directions: Array, order: int, most: int | None = None
) -> TaylorN:
    """Return the series of f(x + Σ_i t_i·directions[i]).

    Raises Unfinished, if `most` is given, where some are unknown in tables of so many coefficients.
    """
    n, found = len(directions), None
    room = MAX_TABLE >> 4 if most is None else most
    size = multivariate(n, order).size
    for top in (order, 2 * order, 4 * order):
        if found is not None and math.comb(n + top, n) * np.size(ties.numbers_of(x)) > room:
            break
        tag, algebra = fresh_tag(), multivariate(n, top)
        try:
            y = call(f, seed(TaylorN, x, algebra, directions, tag), tag)
        except DomainError:
            if not tag.short or top in (0, 4 * order):
                raise
            continue
        found = parts(y, tag, algebra.size)[:size]
        if not (tag.short and has_nan(found)):
            return TaylorN._make(found, multivariate(n, order), tag)
    if most is not None:
        raise Unfinished
    return TaylorN._make(undecided(found, x), multivariate(n, order), tag)


def partials_of_order(f: Function, x: Any, order: int, most: int | None = None) -> tuple[Any, Any]:
    """Return the tensor of partial derivatives, shape (f) + (x)*order, and f(x)."""
    x = point(x)
    n = math.prod(np.shape(x))
    size = math.comb(n + order, n)
    if size * max(n, 1) > MAX_TABLE:
        raise ValueError(
            f"order {order} in {n} variables has {size} monomials in each of {n} elements, too "
            "many for one table; use univariate series along directions (taylor.directional) or "
            "fewer variables"
        )
    rows = unit_rows(n, np.shape(x), x)
    full, value = _tensor(f, x, rows, order, most)
    if is_operand(full):
        return in_reach(full, x), value
    if order != 1 or (s := each_unit(x)) is None:
        return full, value
    scaled = rows * np.reshape(s, (n,) + (1,) * np.ndim(x)).astype(rows.dtype)
    return in_units(_tensor(f, x, scaled, 1, most)[0], s, lambda: full), value


def _tensor(f: Function, x: Any, rows: Array, order: int, most: int | None) -> tuple[Any, Any]:
    carrier = table_along(f, x, rows, order, most)
    full = carrier.tensor(order).reshape((*carrier.shape, *np.shape(x) * order))
    return full if is_operand(full) else full[()], carrier._coef[0]


def scalar_only(shape: tuple[int, ...], what: str, instead: str) -> None:
    if shape != ():
        pair = ", or has_aux=True if it is (value, aux)" if shape == (2,) else ""
        raise ShapeMismatch(
            f"{what} needs a scalar-valued f; f(x) has shape {shape}: use {instead}{pair}"
        )


@driver(axes=None, recorded=False, results=(0,))
def partial(f: Function, x: Any, multi_index: Sequence[int]) -> Any:
    """Return the partial derivative ∂^α f at x; α has one entry for each element of x.

    >>> float(partial(lambda x: x[0] ** 2 * x[1] ** 3, [1.0, 1.0], (2, 1)))
    6.0
    """
    x = point(x)
    alpha = [check_order(a) for a in np.ravel(np.asarray(multi_index, dtype=object))]
    n = math.prod(np.shape(x))
    if len(alpha) != n:
        raise ShapeMismatch(f"the multi-index has {len(alpha)} entries for {n} variables")
    used = [i for i, a in enumerate(alpha) if a]
    degree = sum(alpha)
    algebra = multivariate(max(len(used), 1), degree)
    rows = np.zeros((max(len(used), 1), n), dtype=object)

    def run(m: int) -> Any:
        for row, i in enumerate(used):
            rows[row, i] = 2**m if m >= 0 else 2.0**m
        return table_along(f, x, rows.reshape(-1, *np.shape(x)), degree)._coef

    at = algebra.index([alpha[i] for i in used] or [0])
    factorial = math.prod(math.factorial(a) for a in alpha)
    return factorials.derivatives(run, algebra.degrees, [(at, factorial)])[0]
