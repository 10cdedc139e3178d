"""Where functions branch: zeros of their conditions, which are functions of (t, y), along steps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.program import Program, kept, plain
from taylor.core.singular import nans
from taylor.ode.control import norm, spacing
from taylor.ode.pieces import Pieces, Place, chained, divided, resolving
from taylor.ode.roots import roots, without_root
from taylor.ode.system import System

Array = NDArray[Any]
Function = Callable[..., Any]
SLIDES = (
    "fun points to its surface of discontinuity from both sides: a solution could only slide along "
    "it, as far as is known here (take Taylor's series, the method by default; make fun smooth "
    "there, or go on with the equation of sliding by an event that changes args)"
)
NEAR = 2.0**-30  # of a step: a part that short is left out
NEXT = 2.0**-40  # of times and states: the value of a condition that has just been zero
NUDGES = 12  # doublings of a unit of rounding, to the other side of a jump
SMALL = 2.0**-8  # part of a step
FURTHEST = 23  # doublings of a unit of rounding, up to a part whose square is a rounding error
STAGES = 4  # such parts, one after the other
TOWARDS = 1.7  # times as large three times as far from a place: what vanishes there


class Surface(NamedTuple):
    """A change of branch: where the condition of that name (output, element) crosses zero."""

    x: Any
    name: tuple[int, int]
    slope: int
    order: int = 1  # of the zero


def sides(surfaces: Program, t: Any, y: Array, parameters: Sequence[Any]) -> list[Array]:
    """Return the values of the outputs of a program of (t, y, *parameters)."""
    with np.errstate(all="ignore"):
        return [np.asarray(x) for x in kept(plain, surfaces).evaluate(t, y, *parameters)]


def on_surface(surfaces: Program, t: Any, y: Array, parameters: Sequence[Any]) -> bool:
    """Whether a condition is zero, so that the branch is not known."""
    return any(np.any(side == 0) for side in sides(surfaces, t, y, parameters))


class Met(NamedTuple):
    """A condition that vanishes at a place: its name, and whether it does so before it."""

    name: tuple[int, int]
    before: bool


def met_at(
    surfaces: Program, place: tuple[Any, Array], slope: Any, d: Any, parameters: Sequence[Any]
) -> list[Met]:
    """Return the conditions that vanish within a time d of a place if some change their signs.

    One that has another sign beyond without having vanished on either side, as that of t % 1 < p
    where t is whole, only follows another one.
    """
    found, changes = vanishing_at(surfaces, place, (slope, slope), d, parameters)
    return found if any(np.any(x) for x in changes) else []


def touched_at(
    surfaces: Program,
    place: tuple[Any, Array],
    slopes: tuple[Any, Any],
    d: Any,
    parameters: Sequence[Any],
) -> list[Met]:
    """Return the conditions that vanish within a time d of a place, but have the same sign on both
    sides, by the slopes before and after it.
    """
    found, changes = vanishing_at(surfaces, place, slopes, d, parameters)
    return [met for met in found if not np.reshape(changes[met.name[0]], -1)[met.name[1]]]


def vanishing_at(
    surfaces: Program,
    place: tuple[Any, Array],
    slopes: tuple[Any, Any],
    d: Any,
    parameters: Sequence[Any],
) -> tuple[list[Met], list[Array]]:
    """Return the conditions that vanish on one side of a place, by the slopes before and after it,
    and of all whether they change.
    """
    t, y = place
    at = [sides(surfaces, t + k * d, y + k * d * slopes[k > 0], parameters) for k in (-3, -1, 1, 3)]
    changes = [np.sign(a) * np.sign(b) < 0 for a, b in zip(at[1], at[2], strict=True)]
    found = []
    for n, (far, near, after, beyond) in enumerate(zip(*(map(np.abs, x) for x in at), strict=True)):
        begins, ends = far > TOWARDS * near, beyond > TOWARDS * after
        for m in np.flatnonzero(begins | ends):
            found.append(Met((n, int(m)), bool(np.reshape(begins, -1)[m])))
    return found, changes


def condition_of(surfaces: Program, met: Met) -> Function:
    """Return a condition as a function of (t, y, *parameters)."""
    program, (n, m) = kept(plain, surfaces), met.name
    return lambda t, y, *p: np.reshape(program(t, y, *p)[n], -1)[m]


def renamed(
    left: Surface, system: System, place: Place, parameters: Sequence[Any]
) -> Surface | None:
    """Return the surface that has just been left at a place, as the program that is recorded now
    names it.

    That is the one whose condition is nearest to zero; None if it has no such condition.
    """
    t, y, program = place.t, place.y, system.program
    if program is None or not program.guards:
        return None if program is None else left._replace(x=t)
    found, least = None, NEXT * max(1, abs(t), norm(y))
    for n, values in enumerate(sides(system.between, t, y, parameters)):
        for m, value in enumerate(np.reshape(values, -1)):
            if 0 < abs(value) < least:
                least, found = abs(value), Surface(t, (n, m), 1 if value > 0 else -1)
    return found


def off_surface(
    surfaces: Program, flow: Function, t: Any, y: Array, h: Any, parameters: Sequence[Any]
) -> tuple[Any, Array] | None:
    """Return the smallest part of a step h that leads off all surfaces that it leads off at all,
    and its slope.

    Where y' is zero, and leads off none, it may be y'' that does: from a little later on it is y'.
    None where there is none near, or the slope is infinite.
    """
    unit = spacing(max(abs(t), abs(h))) * (1 if h > 0 else -1)
    moved, far, found = y, 0 * h, None
    for stage in range(STAGES):
        with np.errstate(all="ignore"):
            slope = np.asarray(flow(t + far, moved, *parameters))
        if np.any(abs(slope) == math.inf):
            return None
        lost = nans(slope)  # as a derivative of what jumps has no value on the surface
        known = np.where(lost, 0, slope) if lost.any() else slope

        def on(h: Any, far: Any = far, moved: Any = moved, known: Any = known) -> int:
            """Return on how many surfaces the way is at h."""
            place = t + far + h, moved + h * known
            return sum(np.sum(x == 0) for x in sides(surfaces, *place, parameters))

        lengths = [unit * 2**n for n in range(FURTHEST + 1)]
        stays = on(lengths[-1])
        leads = stays != on(0 * h)
        h = next(h for h in lengths if on(h) == stays) if leads else lengths[-1]
        if lost.any() and leads:
            known = np.asarray(flow(t + far + h, moved + h * known, *parameters))
        if leads and not stage:
            return h, known
        moved, far = moved + h * known, far + h
        if leads:
            found = far, (moved - y) / far
            if not stays:
                break
    return found


def _near(
    tables: Sequence[Array], always: tuple[int, int] | None = None
) -> list[tuple[int, tuple[int, int], Array]]:
    """Return the steps where conditions may be zero, in order, with their names and series there.

    That of the name `always` is among them in the first step.
    """
    found: list[tuple[int, tuple[int, int], Array]] = []
    for n, table in enumerate(tables):
        if np.iscomplexobj(table) and not np.any(table.imag):
            table = table.real
        if np.iscomplexobj(table):
            raise TypeError(
                "fun compares complex numbers or takes their absolute value, which has no series: "
                "write it in real and imaginary parts"
            )
        rows = np.moveaxis(table.reshape(*table.shape[:2], -1), 2, 1)
        here = np.ones(rows.shape[:2], bool)
        if rows.dtype != object:  # (beside a pole there may be no series)
            known = np.isfinite(rows).all(2)
            here = known & ~without_root(rows.reshape(-1, rows.shape[2])).reshape(here.shape)
        if always is not None and always[0] == n:
            here[0, always[1]] = True
        found += [(int(i), (n, int(m)), rows[i, m]) for i, m in np.argwhere(here)]
    return sorted(found, key=lambda f: f[:2])


def first_crossing(
    tables: Sequence[Array], left: Surface | None, touches: list[tuple[int, Any]]
) -> tuple[int, Surface] | None:
    """Return the first step in which conditions with these series cross zero, and where in it.

    `left` is where the first step begins: the place of a change of branch.  If fun points back
    there it is the crossing, at x = 0.  `touches` gets the places where conditions touch zero.
    """
    first, met = -1, list[Surface]()
    for i, name, c in _near(tables, left.name if left else None):
        if met and i > first:
            break
        if i == 0 and left is not None and left.name == name:
            c = np.append(0 * c[: left.order], c[left.order :])
            if np.any(c) and _lead(c) != left.slope:
                return 0, left._replace(x=0)
        root = None
        for root in roots(c):
            if root.slope:
                break
            touches.append((i, root.x))
        if root is not None and root.slope:
            first = i
            met.append(Surface(root.x, name, root.slope, root.order))
    return (first, min(met)) if met else None


def crossing(
    surfaces: Program,
    pieces: Pieces,
    parameters: Sequence[Any],
    strict: bool,
    left: Surface | None,
    touches: list[tuple[Place, Any]] | None = None,
    room: Any = math.inf,
) -> tuple[Pieces, int, Surface] | None:
    """Return the steps, the first one in which a condition crosses zero, and where; None if there
    is none.  It is looked for in so much `room` first.  Places where conditions touch zero before,
    and the lengths of steps there, are added to `touches`.

    Zeros are exact to rounding errors of a step.  One in a small part of it, as polynomials take
    steps of any length, is found again in a shorter one.
    """
    seen: list[Pieces] = []
    for part, tables, rest in resolving(surfaces, pieces, parameters, strict, room=room):
        touched: list[tuple[int, Any]] = []
        found = first_crossing(tables, None if seen else left, touched)
        if touches is not None:
            last = (len(part), 0) if found is None else (found[0], found[1].x)
            here = [(i, x) for i, x in touched if (i, x) < last]
            touches += [(part.at(i, x * part.h[i]), part.h[i]) for i, x in here]
        seen.append(part)
        if found is not None:
            (i, met), pieces = found, chained(*seen, *rest)
            break
    else:
        return None
    i += sum(map(len, seen[:-1]))
    if 0 < met.x < SMALL:
        part = pieces.until(i, 2 * met.x * pieces.h[i])
        again = crossing(surfaces, part, parameters, strict, left)
        if again is not None:
            return again
    return pieces, i, met


def _lead(c: Array) -> int:
    """Return the sign of the first coefficient that is not zero."""
    return int(np.sign(float(c[np.flatnonzero(c)[0]])))


def unit_of(pieces: Pieces, i: int) -> Any:
    """Return a unit of rounding of the times in step i, in the direction of the run."""
    return spacing(max(abs(pieces.t[i]), abs(pieces.h[i]))) * (1 if pieces.h[i] > 0 else -1)


def past(
    surfaces: Program,
    parameters: Sequence[Any],
    pieces: Pieces,
    i: int,
    x: Any,
    name: tuple[int, int],
    side: int,
) -> Any:
    """Return the next place in step i, from x on, that lies on a side of a surface for sure.

    None where there is none up to its end.
    """
    unit = unit_of(pieces, i)
    for k in range(60):
        h = x + unit * (2**k - 1)
        if abs(h) > (1 + NEAR) * abs(pieces.h[i]) + 4 * abs(unit):  # nothing is known from there on
            return None
        place = pieces.at(i, h)
        found = sides(surfaces, place.t, place.y, parameters)[name[0]].reshape(-1)[name[1]]
        if np.sign(float(found)) == side:
            return h
    return None


def changed(
    surfaces: Program, parameters: Sequence[Any], pieces: Pieces, i: int, x: Any
) -> tuple[Any, tuple[int, int], int] | None:
    """Return a place in step i a little beyond x, the condition that has another sign there than
    before x, and that sign; None if there is none near.

    Where a condition jumps when its series comes to zero, as t % 24 - 24 does, it is that of the
    jump.
    """
    unit = unit_of(pieces, i)
    for k in range(NUDGES):
        d = unit * 2**k
        ends = [pieces.at(i, x + s * d) for s in (-1, 1)]
        old, new = (sides(surfaces, end.t, end.y, parameters) for end in ends)
        for n, (a, b) in enumerate(zip(old, new, strict=True)):
            for m in np.flatnonzero(np.sign(a) * np.sign(b) < 0):
                return x + d, (n, int(m)), int(np.sign(float(np.reshape(b, -1)[m])))
    return None


def cut(
    surfaces: Program, parameters: Sequence[Any], pieces: Pieces, tables: Sequence[Array]
) -> tuple[Pieces, set[Any]]:
    """Return the steps divided where functions of (t, y), which have these series along them, cross
    zero, and where the parts begin.

    A part begins a little beyond its surface, where the side is known: the first step, too, if its
    start lies on one.
    """
    crossed: list[list[Any]] = [[] for _ in pieces.h]  # where, for each step
    for i, name, c in _near(tables):
        found = [(r.x, r.slope) for r in roots(c) if r.slope]
        if c[0] == 0 and np.any(c):
            found.append((0 * c[0], _lead(c)))
        for x, side in found:
            place = past(surfaces, parameters, pieces, i, pieces.h[i] * x, name, side)
            crossed[i].append(pieces.h[i] * x if place is None else place)
    parts: list[tuple[int, Any, Any]] = []
    beyond = 0 * pieces.h[0]  # how far the next step is on the old side
    for i, h in enumerate(pieces.h):
        ordered = sorted({beyond, *crossed[i]}, key=abs)
        inner = [x for x in ordered if abs(x) < abs(h)]
        beyond = max([x - h for x in ordered if abs(x) >= abs(h)], key=abs, default=0 * h)
        first = [x for x in inner if abs(x) <= NEAR * abs(h)]
        bounds = [first[-1], *inner[len(first) :], h] if first else [*inner, h]
        parts += [(i, a, b) for a, b in itertools.pairwise(bounds)]
    new = divided(pieces, parts)
    return new, {t for t, (_, start, _) in zip(new.t, parts, strict=True) if start != 0}
