"""Drivers: gradients, Jacobians, Hessians and their products, by the mode that fits.

The gradient is one recording and one reverse sweep, whatever the number of variables; the Hessian
is that of a gradient swept forward ("reverse on forward"), with its rows in lanes.  They all nest.
Where it cannot decide, at a removable singularity, forward mode does; at the ties of kinks `kinks`.
"""

from __future__ import annotations

import contextlib
import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.algebra import check_order
from taylor.core.graded import multivariate
from taylor.core.instructions import full
from taylor.core.operand import lift
from taylor.core.rules import tangents
from taylor.core.tags import Tag, fresh_tag
from taylor.core.tape import TooLarge
from taylor.drivers import inside, kinks, ties
from taylor.drivers.derivable import Derivable, noted
from taylor.drivers.driver import (
    all_finite,
    alone,
    call,
    direction,
    driver,
    finite,
    has_nan,
    parts,
    point,
    result,
    seed,
    wholly_finite,
)
from taylor.drivers.forward_mode import (
    LANES,
    MAX_TABLE,
    Function,
    along,
    each_unit,
    in_reach,
    in_units,
    scalar_only,
    value_and_tangent,
)
from taylor.drivers.interpolation import mixed
from taylor.drivers.lines import in_range, is_floats, product, tables
from taylor.drivers.overflown import limited
from taylor.drivers.reverse_mode import pulled, recorded, rows_of, seed_of
from taylor.errors import (
    DomainError,
    ForeignNodeError,
    NonAnalyticError,
    ShapeMismatch,
    TaylorError,
)
from taylor.numbers.kinds import base, content, is_operand
from taylor.numbers.policy import current_policy, policy
from taylor.numbers.values import as_array, as_data, shape_of, unit_rows
from taylor.series.multivariate import TaylorN

Array = NDArray[Any]
ROOM = 3 << 20  # coefficients of a recording with many directions, some 25 MB


# ------------------------------------------------------------------ first order
@driver(axes=(0, 1), results=(0, None), seed="w", parts=True)
def vjp(f: Function, x: Any, w: Any) -> tuple[Any, Any]:
    """Return (f(x), Jᵀ·w), the value and the vector-Jacobian product; w has the shape of f(x).

    One recording and one reverse sweep.  Complex f: the transpose, without conjugation.

    >>> y, xbar = vjp(lambda x: x**2, np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    >>> xbar
    array([ 2., 40.])
    """
    w = lift(content(w))
    w = w if is_operand(w) else as_array(w)[()]
    return _pullback(f, point(x), w, "vjp", frozenset())


@driver(axes=(0, 0), along=("v",), results=(0, 0), parts=True)
def jvp(f: Function, x: Any, v: Any) -> tuple[Any, Any]:
    """Return (f(x), J·v), the value and the Jacobian-vector product.

    >>> y, dy = jvp(lambda x: x**2, np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    >>> dy
    array([2., 0.])
    """
    if current_policy().kink != "error" and np.size(x) > 1:
        return _jvp_at_ties(f, x, v)
    try:
        y, dy = along(f, x, v, 1)
    except NonAnalyticError:
        return _jvp_at_ties(f, x, v)
    if shape_of(y) == () and not is_operand(y) and has_nan(base(dy)) and not has_nan(base(y)):
        dy = np.sum(gradient(f, x) * v)  # raises at a kink
    return y, dy


def _jvp_at_ties(f: Function, x: Any, v: Any) -> tuple[Any, Any]:
    try:
        pair = kinks.first(lambda g: np.moveaxis(along(g, x, v, 1), 0, -1), f, point(x), "jvp")
    except NonAnalyticError:
        if (found := _by_adjoint(f, x)) is None:
            raise
        return found[0], np.sum(found[1] * v)
    return pair[..., 0][()], pair[..., 1][()]


def _by_adjoint(f: Function, x: Any) -> tuple[Any, Array] | None:
    """Return f(x) and the gradient, if f is a number that has one: where singular values meet."""
    try:
        return None if is_operand(x) else value_and_gradient(f, x)
    except TaylorError:
        return None


@driver(axes=(0, 1), parts=True)
def value_and_gradient(f: Function, x: Any) -> tuple[Any, Array]:
    """Return (f(x), gradient of f at x) for a scalar-valued f, from one recording.

    >>> value_and_gradient(lambda x: x[0] * x[1], [2.0, 3.0])
    (np.float64(6.0), array([3., 2.]))
    """
    return _pullback(f, point(x), None, "gradient", frozenset(), "jacobian(f, x)")


def _pullback(
    f: Function,
    x: Any,
    w: Any,
    what: str,
    through: frozenset[Tag],
    instead: str = "",
    room: float = math.inf,
) -> tuple[Any, Any]:
    """Return f(x) and the adjoint of x for the adjoint w of f(x); None: one, of a scalar f."""

    def pull(g: Function) -> Any:  # without outer variables of x
        return vjp(g, base(x), base(seed) if is_operand(x) else seed)[1]

    within = inside.begun(x) if w is None and not through else None
    try:
        tape = None if within is None else within.tape
        code, v, out = recorded(alone(f) if w is None else f, x, through, room, tape)
        if within is not None and (known := within.answer(out)) is not None:
            return known
        if w is None:
            scalar_only(shape_of(v[out]), what, instead)
        y = as_data(v[out][()] if type(v[out]) is np.ndarray else v[out], x)
        seed = seed_of(_adjoint(w, y, what), y)
        free = None if current_policy().kink == "error" else _free_of_kinks(code, v, out, seed, x)
        # choices between constants are recorded, too: an outer derivative looks at them
        held = x._constant(seed) if is_operand(x) and not is_operand(seed) else seed
        if kinks.removable(code, v, out, x, pull, what):
            with policy(singular=current_policy().singular, kink="subgradient"):
                found = y, pulled(code, v, {out: held}, x)
        else:
            found = y, pulled(code, v, {out: seed}, x) if free is None else free
    except TaylorError as error:
        outer = isinstance(error, NonAnalyticError) and is_operand(x)  # that decides
        foreign = isinstance(error, ForeignNodeError) and w is not None
        if outer or foreign or isinstance(error, ShapeMismatch):
            raise
        return _byforward(f, x, w, what, error)
    whole = all_finite(found[1])
    by_convention = free is None and current_policy().kink != "error"
    hidden = is_operand(found[1]) and has_nan(found[1])  # in derivatives by outer variables
    if by_convention or not whole or hidden or ties.of_slopes(code):
        lost = hidden or not whole
        found = kinks.beside(found, lost, code, v, out, x, held, pull, what)
        whole = all_finite(found[1])
        hidden = is_operand(found[1]) and has_nan(found[1])
    if hidden or not whole:
        found = _limited(found, x, seed, code, v, out)
        whole = all_finite(found[1])
    if not (whole and all_finite(found[0])):
        return _mended(f, x, w, what, found)
    return found if within is None else within.kept(out, found)


def _limited(found: Any, x: Any, seed: Any, code: Any, v: list[Any], out: int) -> tuple[Any, Any]:
    """Return value and adjoint of a code, of which only what has overflowed on the way is lost."""
    g = limited(code, v, [out]) if all_finite(found[0]) else None
    if g is None:
        return found[0], found[1]
    code, v, out = recorded(g, x)
    return found[0], pulled(code, v, {out: seed}, x)


def _mended(f: Function, x: Any, w: Any, what: str, found: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return value and adjoint where reverse mode did not find numbers: by forward mode."""
    if has_nan(x):  # in which no series is known: what does not depend on it has been found
        return found
    if not has_nan(base(found[1])) and not has_nan(base(found[0])):
        slope = value_and_tangent(f, x, np.ones(shape_of(x)))[1]  # raises at a singular point
        if not np.all(finite(slope)):
            return found  # infinite, not only a product on the way
    try:
        value, slopes = _byforward(f, x, w, what, None)
    except NonAnalyticError:
        if shape_of(found[0]) == ():
            raise
        return found  # nan in some lanes
    except TaylorError:
        raise
    except ValueError:  # too many variables for a table: what there is
        return found[0], found[1] + np.sum(0 * base(found[0]))
    if has_nan(base(found[0])):
        return value, slopes
    return value, np.where(wholly_finite(found[1]), found[1], slopes)[()]


def _adjoint(w: Any, y: Any, what: str) -> Any:
    """Return the adjoint w of a result y (None: one)."""
    if w is None:
        return np.float64(1) if type(y) is np.float64 else 1
    if shape_of(w) != shape_of(y):
        raise ShapeMismatch(f"{what}: w has shape {shape_of(w)}, but f(x) has shape {shape_of(y)}")
    return w


def _free_of_kinks(code: Any, v: list[Any], out: int, seed: Any, x: Any) -> Any:
    """Return the adjoint of a plain x if it is the same on all sides of all ties, else None."""
    if is_operand(x):
        return None
    try:
        with policy(singular=current_policy().singular):
            found = pulled(code, v, {out: seed}, x)
    except NonAnalyticError:
        return None
    return found if all_finite(found) else None


@driver(axes=(1,), parts=True)
def gradient(f: Function, x: Any) -> Array:
    """Return the gradient of a scalar-valued f, in the shape of x.

    Of a real f at complex x the g with df = Re(Σ g·dx), ∂f/∂Re x - i·∂f/∂Im x.

    >>> gradient(lambda x: x[0] * x[1], [2.0, 3.0])
    array([3., 2.])
    """
    found: Array = _pullback(f, point(x), None, "gradient", frozenset(), "jacobian(f, x)")[1]
    return found


@driver(axes=(1,), results=(0,), parts=True)
def jacobian(f: Function, x: Any) -> Array:
    """Return the Jacobian of f, of shape shape(f(x)) + shape(x).

    Its columns by forward mode or, where f(x) has fewer elements than x, its rows by reverse mode.

    >>> jacobian(lambda x: x**2, [1.0, 2.0])
    array([[2., 0.],
           [0., 4.]])
    """
    x = point(x)
    return _first(lambda g: _jacobian(g, x), f, x, "jacobian")


@driver(axes=(1,), results=(0,), parts=True)
def jacfwd(f: Function, x: Any) -> Array:
    """Return the Jacobian of f by forward mode, all its columns in lanes.

    >>> jacfwd(lambda x: x**2, [1.0, 2.0])
    array([[2., 0.],
           [0., 4.]])
    """
    x = point(x)
    return _first(lambda g: _by_columns(g, x), f, x, "jacfwd")


@driver(axes=(1,), results=(0,), parts=True)
def jacrev(f: Function, x: Any) -> Array:
    """Return the Jacobian of f by reverse mode, all its rows in lanes.

    >>> jacrev(lambda x: np.sum(x**2), [1.0, 2.0])
    array([2., 4.])
    """
    x = point(x)
    return _first(lambda g: _by_reverse(g, x), f, x, "jacrev")


def _first(driver: Function, f: Function, x: Any, what: str) -> Array:
    try:
        found: Array = kinks.first(driver, f, x, what)
    except NonAnalyticError:
        if (pair := _by_adjoint(f, x)) is None:
            raise
        return pair[1]
    return found


def _jacobian(f: Function, x: Any) -> Any:
    n = math.prod(shape_of(x))
    if n < 8 and not has_nan(x):
        return tables(f, x, 1)[0]
    return _by_reverse(f, x, n)


def _by_reverse(f: Function, x: Any, below: float = math.inf) -> Any:
    """Return the Jacobian by reverse mode, if f has fewer elements, is recorded and is finite."""
    try:
        code, v, out = recorded(f, x)
        few = math.prod(shape_of(v[out])) < below
        rows = rows_of(code, v, out, x) if few else None
    except ShapeMismatch:
        raise
    except TaylorError:
        return tables(f, x, 1)[0]
    if not few:
        return _by_columns(f, x)
    known = all_finite(rows) and all_finite(v[out])
    return rows if known or has_nan(x) else tables(f, x, 1)[0]


def _by_columns(f: Function, x: Any) -> Any:
    with contextlib.suppress(NonAnalyticError):
        if not has_nan(found := _columns(f, x)) or has_nan(x):
            return found
    return tables(f, x, 1)[0]


# ------------------------------------------------------------------ second order and beyond
@driver(axes=(1,), along=("v",), parts=True)
def hvp(f: Function, x: Any, v: Any) -> Array:
    """Return H·v, the Hessian-vector product of a scalar-valued f, in the shape of x.

    The gradient swept in Taylor arithmetic of order one along v (Pearlmutter, Fast exact
    multiplication by the Hessian, 1994): a small constant times the cost of f.

    >>> hvp(lambda x: x[0] ** 2 * x[1], [1.0, 2.0], [1.0, 0.0])
    array([4., 2.])
    """
    return _contracted(f, x, (v,), "hvp")


def pushed(g: Function, x: Any, *v: Any) -> list[Any]:
    """Return g(x) and J·v for directions v from one recording: tangents of its instructions."""
    at, d = zip(*(direction(x, w) for w in v), strict=True)
    code, values, out = recorded(g, at[0])
    if ties.of_slopes(code) and ties.tied(code, values, out) is not None:
        raise NonAnalyticError("the gradient chooses between derivatives at a kink")
    seeds = [w if is_operand(w) else seed_of(w, values[0]) for w in d]
    found = [tangents(code, values, [w])[out] for w in seeds]
    y, shape = as_data(values[out], at[0]), shape_of(values[out])
    return [y, *(full(as_data(t, at[0]), shape, y) for t in found)]


def bent(
    f: Function, x: Any, *v: Any, what: str, through: Function = pushed, tags: tuple[Tag, ...] = ()
) -> Any:
    """Return ∂_v ∂_w ... ∇f at x, for directions v, w, ...: tangents of (recorded) gradients."""
    if not v:
        return gradient_of(f, what, *tags)(x)

    def lower(y: Any) -> Any:
        own = (*tags, y.tag) if is_operand(y) else tags
        return noted(f, bent(f, y, *v[1:], what=what, through=through, tags=own))

    return through(lower, x, v[0])[1]


def _contracted(f: Function, x: Any, v: tuple[Any, ...], what: str) -> Array:
    """Return ∂_v ∂_w ... ∇f at x, also at ties and at removable singularities."""

    def swept(f: Function) -> Any:
        at, d = point(x), [direction(x, w)[1] for w in v]
        lines = len(d) == 1 and all(map(is_floats, (at, *d)))
        if lines and (found := product(f, at, d[0])) is not None:
            return found
        try:
            return bent(f, x, *v, what=what, through=value_and_tangent)
        except DomainError:  # a root of what vanishes needs series of higher order in all variables
            if any(map(is_operand, (at, *d))):
                raise
            table = _dense(f, at, 1 + len(v), what)
            return functools.reduce(lambda t, w: np.tensordot(t, w, np.ndim(at)), d, table)[()]

    def pushed_on(f: Function) -> Any:
        try:
            return bent(f, x, *v, what=what)
        except NonAnalyticError:  # of a gradient that chooses, where it may not matter
            if len(v) > 1 or is_operand(x) or np.size(x) ** 2 > ROOM:
                raise
            at, d = direction(x, v[0])
            h = _columns(gradient_of(f, what, room=ROOM), point(at), symmetric=True)
            return np.tensordot(h, d, np.ndim(at))[()]

    try:
        found: Array = kinks.decided(pushed_on, f, point(x), 1 + len(v), what, swept, scalar=True)
    except NonAnalyticError:
        alone = len(v) == 1 and not is_operand(x) and current_policy().kink == "error"
        if not alone or (known := _along_kinks(f, x, v[0])) is None:
            raise
        return known
    return found


def _along_kinks(f: Function, x: Any, v: Any) -> Array | None:
    """Return ∂_v ∇f at x where f has its gradient, and that is smooth along v, if it is."""
    try:
        slopes = gradient(f, x)
        found: Array = along(lambda y: gradient(f, y), x, v, 1)[1]
    except NonAnalyticError:
        return None
    return found if all_finite(slopes) and all_finite(found) else None


@driver(axes=(2,))
def hessian(f: Function, x: Any) -> Array:
    """Return the Hessian of a scalar-valued f, of shape shape(x) + shape(x).

    >>> hessian(lambda x: x[0] ** 2 * x[1], [1.0, 2.0])
    array([[4., 2.],
           [2., 0.]])
    """
    x = point(x)

    def columns(f: Function) -> Any:
        room = math.inf if is_operand(x) else ROOM
        return _columns(gradient_of(f, "hessian", room=room), x, symmetric=True)

    found = kinks.decided(
        columns, f, x, 2, "hessian", lambda f: _dense(f, x, 2, "hessian"), scalar=True
    )
    return _symmetric(found)[()]


def _symmetric(h: Array) -> Array:
    """Return a Hessian with its lower triangle in place of the upper, rounded otherwise."""
    if np.ndim(h) < 2:
        return h
    return np.reshape(np.reshape(h, -1)[_lower(math.isqrt(np.size(h)))], shape_of(h))


@functools.lru_cache(maxsize=8)
def _lower(n: int) -> Array:
    """Return the positions in an n × n matrix of the entries on or below its diagonal, mirrored."""
    i, j = np.indices((n, n)).reshape(2, -1)
    return np.maximum(i, j) * n + np.minimum(i, j)


def _dense(f: Function, x: Any, order: int, what: str) -> Any:
    """Return all partial derivatives of one order of a scalar f in forward mode."""
    found, value = _partials(alone(f), x, order)
    scalar_only(shape_of(value), what, f"tensor(f, x, {order})")
    return found


def _partials(f: Function, x: Any, order: int) -> tuple[Any, Any]:
    """Return all partial derivatives of one order, and f(x), in forward mode."""
    if np.size(x) != 1:
        found, value = tables(f, x, order)
        return in_range(found, f, x, order), value
    # along its only variable a series can cancel t**v, as in sin(x)/x
    value, *_, last = along(f, x, np.ones(shape_of(x), dtype=int), order)
    found = np.reshape(math.factorial(order) * last, shape_of(value) + shape_of(x) * order)
    return in_range(found, f, x, order), value


@driver(axes=(1,), along=("v", "w"))
def third(f: Function, x: Any, v: Any, w: Any) -> Array:
    """Return H'(v)·w, the third derivative of a scalar-valued f contracted with v and w.

    The gradient swept along v and w: Gower & Gower, Higher-order reverse automatic
    differentiation with emphasis on the third order (Math. Program. 2016), find it in reverse.

    >>> third(lambda x: x[0] ** 2 * x[1], [1.0, 2.0], [1.0, 0.0], [1.0, 0.0])
    array([0., 2.])
    """
    return _contracted(f, x, (w, v), "third")


def gradient_of(f: Function, what: str, *tags: Tag, room: float = math.inf) -> Function:
    """Return the gradient of f as a function of a series in a driver's own variables, or a point.

    It raises TooLarge if its recording at several of them makes more coefficients than `room`.
    """

    def g(y: Any) -> Any:
        own, most = (y.tag,) if is_operand(y) else (), room
        through = frozenset((*own, *tags))
        if own and room < math.inf:  # one direction takes what it takes
            most = room / y.algebra.size if y.algebra.size > 2 else math.inf
        found = _pullback(f, point(y), None, what, through, "tensor(f, x, 2)", most)
        return noted(f, found)[1]

    return g


@driver(axes=("order",), recorded=False, results=(0,))
def tensor(f: Function, x: Any, order: int) -> Array:
    """Return all partial derivatives of one order, shape shape(f(x)) + shape(x)*order, symmetric.

    From one multivariate series or, where its table would be too large, by exact interpolation of
    univariate series along directions (see `interpolation`): of the gradient, if f is scalar.

    >>> tensor(lambda x: x[0] * x[1] ** 2, [1.0, 2.0], 3)[0, 1, 1]
    np.float64(2.0)
    """
    order = check_order(order)
    if order == 1:
        return jacobian(f, x)
    if isinstance(f, Derivable):
        known = f.tensor(x, order)
        if known is not NotImplemented:
            return known
    x = point(x)
    found: Array = kinks.decided(lambda g: _tensor(g, x, order), f, x, order, "tensor")
    return found


def _tensor(f: Function, x: Any, order: int) -> Any:
    try:
        return in_range(tables(f, x, order)[0], f, x, order)
    except ValueError as error:
        n = math.prod(shape_of(x))
        if isinstance(error, TaylorError) or n**order > MAX_TABLE or is_operand(x) or order < 2:
            raise
        return _by_directions(f, x, n, order)


def _by_directions(f: Function, x: Any, n: int, order: int) -> Any:
    """Return the tensor of derivatives by interpolation."""
    y = result(f, x.copy()[()])
    scalar = shape_of(y) == ()
    g, m = (gradient_of(f, "tensor"), order - 1) if scalar else (f, order)

    def coefficient(v: Array) -> Any:
        return along(g, x, v.reshape(shape_of(x)), m)[m]

    found = mixed(coefficient, n, m)
    axes = np.moveaxis(found, range(m), range(-m, 0))  # the shape of g(x) first
    return axes.reshape((*shape_of(y), *shape_of(x) * order))


# ------------------------------------------------------------------ forward mode
def _byforward(
    f: Function, x: Any, w: Any, what: str, error: TaylorError | None
) -> tuple[Any, Any]:
    """Return value and adjoint by forward mode, where reverse mode gave an error or nan."""
    try:
        slopes, value = _partials(alone(f) if w is None else f, x, 1)
    except TaylorError:
        raise
    except ValueError:
        if error is not None:
            raise error from None
        raise
    if w is None:
        scalar_only(shape_of(value), what, "jacobian(f, x)")
        return value, slopes
    w = seed_of(_adjoint(w, value, what), value)
    with np.errstate(all="ignore"):
        return value, np.tensordot(w, slopes, np.ndim(w)) if np.ndim(w) else w * slopes


def _columns(f: Function, x: Any, symmetric: bool = False) -> Any:
    """Return the Jacobian by forward mode; `symmetric`: a matrix that is its own transpose."""
    joined = in_reach(_rows_along(f, x), x)
    shape = shape_of(joined)[1:]
    if (s := each_unit(x)) is not None and not is_operand(joined):
        s = np.reshape(s, (-1,) + (1,) * len(shape))
        joined = in_units(_rows_along(f, x, s), s, lambda: joined)
    if symmetric:
        return joined.reshape((*shape_of(x), *shape))
    return np.moveaxis(joined, 0, -1).reshape((*shape, *shape_of(x)))


def _rows_along(f: Function, x: Any, units: Any = None) -> Any:
    """Return the derivatives by each variable, in these units, a chunk of them at a time."""
    size = math.prod(shape_of(x))
    chunk = max(16, LANES // max(size, 1) // 64)
    columns: list[Any] = []
    start = 0
    while start < size or not columns:
        count = min(chunk, size - start)
        algebra = multivariate(count, 1)
        tag = fresh_tag()
        eye = unit_rows(count, shape_of(x), x, start)
        if units is not None:
            one = units[start : start + count].reshape((count,) + (1,) * np.ndim(x))
            eye = eye * one.astype(eye.dtype)
        try:
            y = call(f, seed(TaylorN, x, algebra, eye, tag), tag)
        except TooLarge:
            chunk = max(1, count // 4)
            continue
        columns.append(parts(y, tag, algebra.size)[1:])
        start += count
    return np.concatenate(columns) if len(columns) != 1 else columns[0]
