"""Steps at times where fun has no value, or an infinite one, but y goes on.

Where fun is 0/0, as in y'' + 2y'/t + yⁿ = 0 at t = 0, the coefficients of y follow from those of
fun by a linear equation in each degree: near such a time fun = M·(y - y_0)/t + ..., so that

    ((k + 1) - M) y_{k+1} = f_k      for y_{k+1} = 0 in f_k

(regular singular points: Coddington & Levinson, Theory of Ordinary Differential Equations, 1955,
chapter 4; with eigenvalues of M to the right of 0 there are many solutions).  Where fun is
infinite, or has no series, it is near t* as A + C·|t - t*|^-a, for logarithms the limit a → 0:
successive quotients of its coefficients give t* and a, and with a < 1 the rest of the integral is

    ∫ f dt = τ·(f_0 + f_1·τ/(1 - a)),      τ = t* - t.

(The ratio method: Domb & Sykes, Proc. R. Soc. A 240, 1957.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.instructions import Div, Input
from taylor.core.program import Program, expand, kept
from taylor.errors import DomainError, GuardError, PoleError
from taylor.linalg import solve
from taylor.numbers.kinds import Kind
from taylor.numbers.values import constant
from taylor.ode.control import exp2, finite, log2, log2_step, norm, spacing, two_sum, unit
from taylor.ode.followed import within
from taylor.ode.options import Control
from taylor.ode.pieces import Pieces, Place, along, joined, shifted
from taylor.ode.roots import roots, value
from taylor.ode.stepper import error_of
from taylor.ode.system import System, of_time
from taylor.series.univariate import Taylor

Array = NDArray[Any]
Step = tuple[Place, Pieces, float]
TERMS = 6  # coefficients of fun that tell how it grows
MOST = 1 - 2.0**-6  # the power of an integrable pole at most
SAME = 2.0**-8  # relative difference of two estimates of where it is
FIRST = 2.0**-52  # of the time that is left: the first small step from t = 0
ROUNDS = 5  # of the iteration for the state beyond
SAME_STATE = 16  # units of rounding
PROBE = 2.0**-20  # of the state: another one beyond, that must not come from the same one before
DEGREE = 12  # of the series of divisors
AHEAD = 64  # steps: so far ahead a time is looked for at which fun is 0/0
LOST = 4  # degrees that quotients may lose
SIZE = 64  # components of y for which a linear equation is solved
EQUAL = 2.0**-30  # relative differences of coefficients that are none
TRIES = 12


class Growth(NamedTuple):
    """Where fun is singular, seen from a time, by which power, and what is left of the integral."""

    away: Any
    power: float
    rest: Array
    error: Any


def growth(series: Array) -> Growth | None:
    """Return how the derivative of a function with these coefficients grows; None if it does not.

    >>> t = Taylor.variable(-0.25, TERMS)
    >>> found = growth((-2 * np.sqrt(-t)).coef[:, None])                # of 1/sqrt(-t)
    >>> float(found.away), round(float(found.power), 12), found.rest.round(12)
    (0.25, 0.5, array([1.]))
    """
    f = np.stack([(k + 1) * series[k + 1] for k in range(TERMS)]).reshape(TERMS, -1)
    first, second = (_fitted(f, k) for k in (3, 4))
    if first is None or second is None:
        return None
    apart = abs(first.away - second.away)
    if not apart <= SAME * abs(first.away):
        return None
    shape = series.shape[1:]
    return first._replace(rest=first.rest.reshape(shape), error=norm(first.rest - second.rest))


def _fitted(f: Array, k: int) -> Growth | None:
    """Return it by the quotients of coefficients k - 1, k and k + 1."""
    j = max(range(f.shape[1]), key=lambda i: abs(f[k, i]))
    if not (f[k - 1, j] and f[k, j] and f[k + 1, j]):
        return None
    falls = (k + 1) * f[k + 1, j] / f[k, j] - k * f[k, j] / f[k - 1, j]
    if not falls:
        return None
    away = 1 / falls
    powers = np.array([k * y / x * away - k + 1 if x else 0 * x for x, y in f[k - 1 : k + 1].T])
    below = np.where(f[1] == 0, 0 * powers, powers)
    size = abs(f[k] * away**k)
    counts = [p for i, p in enumerate(powers) if size[i] >= SAME * abs(f[0, i])]
    most = float(max(counts, default=powers[j]))
    if not most <= MOST:
        return Growth(away, most, 0 * f[0], 0)
    rest = away * (f[0] + f[1] * away / (1 - np.minimum(below, MOST)))
    return Growth(away, most, rest, 0) if finite(rest) else None


def leap(
    system: System,
    parameters: Sequence[Any],
    place: Place,
    t_end: Any,
    least: Any,
    control: Control,
) -> Step | None:
    """Return where a step leads to from a time at which fun has no series, or from just before it,
    the step, and log2 of its error relative to the state; None if y does not go on.
    """
    given = system, parameters, place, t_end
    for made in (from_rest, removable):
        found = made(*given, control)
        if found is not None:
            return found
    return over(*given, least, control)


def _made(place: Place, h: Any, c: Array, t_end: Any, error: float) -> Step:
    """Return the step of a polynomial."""
    y, y_low = two_sum(c[0], value(c[1:], h) * h)
    if h == t_end - place.t:
        end = Place(t_end + 0 * place.t, 0 * place.t, y, y_low)
    else:
        end = Place(*two_sum(place.t, h + place.t_low), y, y_low)
    return end, Pieces(np.array([place.t]), np.array([place.t_low]), np.array([h]), c[None]), error


# ------------------------------------------------------------------ infinite, but integrable
def over(
    system: System,
    parameters: Sequence[Any],
    place: Place,
    t_end: Any,
    least: Any,
    control: Control,
) -> Step | None:
    """Return a step over a time at which fun is infinite, or away from it."""
    sign = 1 if t_end > place.t else -1

    def seen(t: Any, y: Array) -> Growth | None:
        with np.errstate(all="ignore"):
            try:
                c = system.series(t, y, parameters, TERMS)
            except (DomainError, GuardError):
                return None
            return growth(c) if finite(c) else None

    begins = seen(place.t, place.y) if place.t_low == 0 else None
    away, rest, error = (0 * place.t, 0 * place.y, 0.0) if begins is None else (
        begins.away, begins.rest, begins.error
    )  # fmt: skip
    if begins is not None and begins.power > MOST:
        return None
    star = place.y + rest
    length = max(least, FIRST * abs(t_end - place.t)) if place.t == 0 else least
    t = place.t + sign * (max(sign * away, 0 * away) + length)
    t = t_end + 0 * t if sign * (t - t_end) > 0 else t
    if t == place.t:
        return None
    behind = (place.t - t) + away
    y, last = star, 0.0
    for _ in range(ROUNDS if abs(behind) > spacing(t) else 0):
        there = seen(t, y)
        if there is None or there.power > MOST or abs(there.away - behind) > SAME * abs(behind):
            return None
        y, last = star - there.rest, there.error
    if abs(behind) > spacing(t):  # else any y would do: those of y' = y/2t all begin at 0
        apart = PROBE * (norm(place.y) + norm(y)) * np.linspace(1.0, 2.0, y.size).reshape(y.shape)
        other = seen(t, y + apart)
        if other is None or norm(star - other.rest - y) > norm(apart) / 2:
            return None
    size = max(norm(place.y), norm(y))
    off = log2((error + last) / size) if size else log2(0.0)
    if not off <= control.allowed:
        return None
    between = place.t + away
    end, whole, _ = _made(place, t - place.t, _line(place.y, y, t - place.t, control), t_end, off)
    if not min(place.t, t) < between < max(place.t, t):
        return end, whole, off
    parts = (place.t, place.t_low, place.y, star, between), (between, 0 * t, star, y, t)
    lines = [(a, low, b - a, _line(x, z, b - a, control)) for a, low, x, z, b in parts]
    return end, joined(lines), off


def _line(start: Array, end: Array, h: Any, control: Control) -> Array:
    """Return the coefficients of a straight line between two states."""
    c = np.zeros((control.order + 1, *end.shape), end.dtype)
    c[0], c[1] = start, (end - start) / h
    return c


# ------------------------------------------------------------------ 0/0
def removable(
    system: System, parameters: Sequence[Any], place: Place, t_end: Any, control: Control
) -> Step | None:
    """Return a step of the series at a time at which fun is 0/0."""
    if Kind.of(place.y).sets or place.y.size > SIZE or system.recorded is None:
        return None
    try:
        with np.errstate(all="ignore"):
            if finite(system.flow(place.t, place.y, *parameters)):
                return None
    except (DomainError, GuardError):
        pass
    c = _of_quotients(system, parameters, place, control.order)
    return None if c is None else _of_series(system, parameters, place, t_end, control, c)


def resumed(
    system: System, parameters: Sequence[Any], place: Place, t_end: Any, h: Any, control: Control
) -> Step | None:
    """Return a step where steps of length h are not accurate: from rest, or to a time at which fun
    is 0/0, beside which little is known of it; None if there is another reason.
    """
    given = system, parameters, place, t_end, control
    if system.zeros is not None and system.zeros.outputs:
        return None
    found = from_rest(*given)
    return bridge(*given, h) if found is None else found


def bridge(
    system: System, parameters: Sequence[Any], place: Place, t_end: Any, control: Control, h: Any
) -> Step | None:
    """Return a step that ends where fun is 0/0, made of the series there."""
    h = min(abs(h) * AHEAD, abs(t_end - place.t)) * (1 if t_end > place.t else -1)
    there = _divisor_vanishes(system, parameters, place, h)
    if there is None or there == place.t:
        return None
    h, y = there - place.t, place.y
    for _ in range(ROUNDS):
        c = _of_quotients(system, parameters, Place(there, 0 * there, y, 0 * y), control.order)
        if c is None or abs(h) > exp2(log2_step(c, control.factor, control.floor)):
            return None
        off = place.y - value(c, -h)
        if norm(off) <= SAME_STATE * unit(y) * norm(y):
            c = shifted(c, -h)
            c[0] = place.y
            return _made(place, h, c, t_end, log2(norm(off) / norm(y) if norm(off) else 0.0))
        y = y + off
    return None


def _divisor_vanishes(system: System, parameters: Sequence[Any], place: Place, h: Any) -> Any:
    """Return the first time within h at which a function of t vanishes that divides another."""
    if system.recorded is None:
        return None
    program = kept(divisors, system.recorded)
    if not program.outputs:
        return None
    coef = np.stack([place.y] + [0 * place.y] * DEGREE)[None]

    def series(t: Any) -> list[Array]:
        """Return the series of the divisors from a time on, in units of h."""
        piece = Pieces(np.array([t]), np.array([0 * t]), np.array([h]), coef)
        tables = along(program, piece, parameters)
        return [c for x in tables for c in x[0].reshape(x.shape[1], -1).T]

    found = []
    for n, c in enumerate(series(place.t)):
        for x, _, order in roots(c) if finite(c) else []:
            t = place.t + h * x
            near = series(t)[n]
            t = t - (h * order * near[0] / near[1] if near[1] else 0 * t)
            t = 0 * t if abs(t) <= SAME_STATE * unit(c) * abs(h) else t
            if series(t)[n][0] == 0:
                found.append(t)
    return min(found, key=lambda t: abs(t - place.t), default=None)


def divisors(program: Program) -> Program:
    """Return the functions of t alone that divide others in a program of (t, y, *args)."""
    whole = expand(program)
    found = dict.fromkeys(args[1] for op, args, _ in whole.code if type(op) is Div)
    return of_time(Program(whole.code, whole.inputs, list(found), [], single=False))


def from_rest(
    system: System, parameters: Sequence[Any], place: Place, t_end: Any, control: Control
) -> Step | None:
    """Return a step from where y and fun are zero: what follows says how long it may be."""
    if np.any(place.y != 0):
        return None
    try:
        c, _, moving = system.watched(place.t, place.y, parameters, control.order)
    except (DomainError, GuardError):
        return None
    if not finite(c) or np.any(c[1] != 0):
        return None
    longest = within(moving, abs(t_end - place.t))
    return _of_series(system, parameters, place, t_end, control, c, longest)


def _of_series(
    system: System,
    parameters: Sequence[Any],
    place: Place,
    t_end: Any,
    control: Control,
    c: Array,
    longest: Any = math.inf,
) -> Step | None:
    """Return a step of a series, as long as it may be."""
    left, first = t_end - place.t, next((k for k, x in enumerate(c) if np.any(x != 0)), 0)
    known = np.concatenate([c[first:], 0 * c[:first]])
    h = exp2(log2_step(known, control.factor, control.floor))
    h = min(h, abs(left), control.max_step, longest) * (1 if left > 0 else -1) + 0 * place.t
    for _ in range(TRIES):
        h = h if h == left else (place.t + h) - place.t
        made = _made(place, h, c, t_end, 0.0)
        error = error_of(system, parameters, c, h, made[0], control)
        if error <= control.allowed:
            return made[0], made[1], error
        h = h / 2
    return None


def _of_quotients(
    system: System, parameters: Sequence[Any], place: Place, order: int
) -> Array | None:
    """Return the coefficients of y at a time at which fun is 0/0; None if it is infinite."""
    try:
        with np.errstate(all="ignore"):
            c = _coefficients(system, parameters, place, order)
    except (DomainError, GuardError):
        return None
    return c if c is not None and finite(c) else None


def _coefficients(
    system: System, parameters: Sequence[Any], place: Place, order: int
) -> Array | None:
    """Return the coefficients of y; None where they are not the only ones."""
    t, shape, size = place.t, place.y.shape, place.y.size
    c = np.zeros((order + 1 + LOST, size), place.y.dtype) + 0 * place.y.reshape(-1)
    c[0] = place.y.reshape(-1)

    def rate(c: Array, k: int) -> Array:
        """Return coefficient k of fun."""
        time = Taylor([t, 1 + 0 * t] + [0 * t] * (k + LOST - 1))
        found = _flow(system, time, Taylor(c[: k + LOST + 1].reshape(-1, *shape)), parameters)
        table = found.coef if isinstance(found, Taylor) else np.asarray(found)[None]
        return np.asarray(table[k]).reshape(-1) if k < len(table) else 0 * c[0]

    first = rate(c, 0)
    columns = []
    for j in range(size):
        moved = c.copy()
        moved[1, j] = moved[1, j] + 1
        columns.append(rate(moved, 0) - first)
    matrix = np.stack(columns, axis=1)
    if not finite(matrix) or _grows(matrix.astype(float)):
        return None
    unit = np.eye(size, dtype=int)
    for k in range(order):
        c[k + 1] = solve((k + 1) * unit - matrix, rate(c, k))
    for k in (0, order - 1):
        right, left = rate(c, k), (k + 1) * c[k + 1]
        if norm(right - left) > EQUAL * max(norm(right), norm(left)):
            return None
    found: Array = c[: order + 1].reshape(-1, *shape)
    return found


def _grows(matrix: Array) -> bool:
    """Whether there are solutions t^λ, with eigenvalues λ to the right of zero, beside others."""
    return bool(np.linalg.eigvals(matrix).real.max(initial=0.0) > EQUAL)


def _flow(system: System, t: Any, y: Any, parameters: Sequence[Any]) -> Any:
    """Return f at series, of the same order though quotients lose some degrees.

    What they lose is zero instead: the highest coefficients of f, as many as that, mean nothing.
    """
    assert system.recorded is not None
    given, v, lost = [t, y, *parameters], list[Any](), 0
    for op, args, _ in system.recorded.code:
        if type(op) is Input:
            v.append(given[op.n])
            continue
        x = [v[a] for a in args]
        less = 0
        if type(op) is Div and isinstance(x[1], Taylor) and np.any(x[1].value == 0):
            x[0], x[1], less = _without_powers(*x)
        new = op.value(x, lambda c: constant(c, t))
        if isinstance(new, Taylor) and new.order < t.order:
            less, new = less + t.order - new.order, new.extend(t.order)
        lost += less
        if lost > LOST:
            raise DomainError(f"quotients at t = {t.value} lose more than {LOST} degrees")
        v.append(new)
    return v[system.recorded.outputs[0]]


def _without_powers(x: Any, y: Taylor) -> tuple[Taylor, Taylor, int]:
    """Return series without the power of the variable that divides each of y, and the highest."""
    shape = np.broadcast_shapes(np.shape(x), np.shape(y))
    upper = (x if isinstance(x, Taylor) else 0 * y + x).coef
    a, b = (
        np.broadcast_to(c.reshape(len(c), *[1] * (len(shape) + 1 - c.ndim), *c.shape[1:]),
                        (len(c), *shape)).reshape(len(c), -1).copy()
        for c in (upper, y.coef)
    )  # fmt: skip
    highest = 0
    for i in range(b.shape[1]):
        there = np.flatnonzero(b[:, i] != 0)
        v = int(there[0]) if len(there) else len(b)
        if v and (v == len(b) or np.any(a[:v, i] != 0)):
            raise PoleError("a divisor vanishes where what it divides does not")
        for c in (a, b):
            c[:, i] = np.append(c[v:, i], 0 * c[:v, i])
        highest = max(highest, v)
    return Taylor(a.reshape(-1, *shape)), Taylor(b.reshape(-1, *shape)), highest
