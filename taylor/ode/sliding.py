"""Sliding: fun points to a surface on which it jumps from both sides: its solution stays there.

With the rates f₊ and f₋ on the sides of σ(t, y) = 0 and σ' = σ_t + σ_y·f, in direction s of time
s·σ'₋ > 0 > s·σ'₊.  The solution (A. F. Filippov, Differential Equations with Discontinuous
Righthand Sides, 1988, section 4) has the rate that keeps σ = 0,

    f = f₋ + α·(f₊ - f₋),     α = σ'₋ / (σ'₋ - σ'₊),     0 < α < 1,

until σ'₋ or σ'₊ vanishes: there it leaves to that side.  What tells the sides apart is held as it
is on each of them, so that both rates are smooth where the other one counts; all else that branches
is watched as before.  Where fun slides along one surface it may come to another one, and slides
along both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.calls import Row
from taylor.core.conditions import COMPARISONS, Guard
from taylor.core.instructions import Input
from taylor.core.program import Program, kept, plain
from taylor.core.rules import numbers
from taylor.core.sides import Choose
from taylor.drivers.several import pullback
from taylor.errors import DomainError, GuardError
from taylor.ode.control import norm, spacing
from taylor.ode.pieces import Place
from taylor.ode.surfaces import NEXT, Met, Surface, condition_of, sides
from taylor.ode.system import Equations, System

Array = NDArray[Any]
Function = Callable[..., Any]
AWAY = 0.25, 0.75, 1.0  # operands of a function that jumps, or of a comparison, with no jump near
FAR = 40  # doublings of the distance within which the other side is found


class Elsewhere(Exception):
    """Another condition than that of the surface has changed."""


@dataclass
class Sliding(Equations):
    """fun along a surface; a function of (t, y, *args), which is fun where it does not slide."""

    fun: Function
    free: list[int]  # which of args are parameters of what follows
    above: Function
    below: Function
    surface: Function
    sign: int  # the direction of time
    left: Surface  # as the surface was named when it was met

    def __call__(self, t: Any, y: Any, *args: Any) -> Any:
        p = [args[i] for i in self.free]
        try:
            up, down = self.above(t, y, *p), self.below(t, y, *p)
        except Elsewhere:
            return self.fun(t, y, *args)
        over, under = self.rates(t, y, p, up, down)
        if self.sign * under <= 0:
            return down
        if self.sign * over >= 0:
            return up
        return down + under / (under - over) * (up - down)

    def rates(self, t: Any, y: Any, p: Sequence[Any], up: Any, down: Any) -> tuple[Any, Any]:
        """Return σ' by the rates above and below the surface."""
        by_time, by_state = pullback(lambda t, y: self.surface(t, y, *p), (t, y), 1.0)
        return by_time + np.sum(by_state * up), by_time + np.sum(by_state * down)

    def leaves(self, t: Any, y: Array, args: Sequence[Any]) -> int | None:
        """Return to which side a solution leaves the surface at a place, 1 or -1; 0 if it stays on
        it, None if fun branches otherwise there.
        """
        p = [args[i] for i in self.free]
        try:
            up, down = self.above(t, y, *p), self.below(t, y, *p)
        except Elsewhere:
            return None
        over, under = self.rates(t, y, p, np.asarray(up), np.asarray(down))
        return -1 if self.sign * under <= 0 else int(self.sign * over >= 0)

    def beside(self, side: int, place: Place, args: Sequence[Any]) -> Place | None:
        """Return the nearest place on a side of the surface, that of the rates of the other one."""
        t, y, p = place.t, place.y, [args[i] for i in self.free]
        slope = np.asarray((self.below if side > 0 else self.above)(t, y, *p))
        for k in range(FAR):
            near = y + self.sign * spacing(max(abs(t), norm(y))) * 2**k * slope
            if np.sign(self.surface(t, near, *p)) == side:
                return Place(t, place.t_low, near, 0 * near)
        return None


class Turn(NamedTuple):
    """A place where a run begins to slide along a surface, or leaves it to a side of it."""

    t: Any
    y: Array
    slid: Sliding
    side: int | None = 0  # as `Sliding.leaves` has it

    @property
    def fun(self) -> Function:
        """What the run goes on with: fun on the side to which it leaves, or along the surface."""
        slid = self.slid
        if not self.side:
            return slid
        beside = slid.above if self.side > 0 else slid.below
        return lambda t, y, *args: beside(t, y, *(args[i] for i in slid.free))

    def vanishes(self, t: Any, y: Any, *args: Any) -> Any:
        """Return what vanishes here: the surface's function, or its rate on that side."""
        slid, p = self.slid, [args[i] for i in self.slid.free]
        if not self.side:
            return slid.surface(t, y, *p)
        over, under = slid.rates(t, y, p, slid.above(t, y, *p), slid.below(t, y, *p))
        return over if self.side > 0 else under


def sliding(
    fun: Function, args: Sequence[Any], system: System, left: Surface, place: Place, sign: int
) -> Sliding | None:
    """Return fun along the surface that a run has just come over and to which fun points back;
    None if more than one condition changes there, or fun is not known on its other side.

    It leaves the surface at once where it has turned round at that very time: there it goes back.
    """
    t, y, p = place.t, place.y, system.parameters(args)
    if system.program is None or any(g.b < 0 for g in system.program.guards):
        return None
    every, (n, m) = system.between, left.name
    alone = Program(every.code, every.inputs, [every.outputs[n]], [], single=False).pruned()
    surface = condition_of(alone, Met((0, m), True))
    try:
        slope, here = np.asarray(system.flow(t, y, *p)), np.sign(surface(t, y, *p))
        unit = sign * spacing(max(abs(t), norm(y)))
        states = (y + unit * 2**k * slope for k in range(FAR))
        other = next((x for x in states if np.sign(surface(t, x, *p)) == -here), None)
        if other is None or not here:
            return None
        beyond = System(fun, t, other, args)
        if beyond.program is None or beyond.free != system.free:
            return None
        if not _is_one(*(sides(system.between, t, x, p) for x in (y, other))):
            return None
        points = [t, y, *p], [t, other, *p]
        own = _on_a_side(kept(plain, system.program), *points)
        across = _on_a_side(kept(plain, beyond.program), *points[::-1])
    except (DomainError, GuardError):
        return None
    above, below = (own, across) if here > 0 else (across, own)
    found = Sliding(fun, system.free, above, below, surface, sign, left)
    if (leaves := found.leaves(t, y, args)) != 0:
        return None if leaves is None else found
    made = System(found, t, y, args)
    near = NEXT * max(1, abs(t), norm(y))
    still = [np.any(abs(x) < near) for x in sides(made.between, t, y, p)]
    return None if made.program is None or any(still) else found


def _is_one(here: Sequence[Array], other: Sequence[Array]) -> bool:
    """Whether all conditions that have other signs at another place are the same but for signs."""
    pairs = [np.stack([np.ravel(a), np.ravel(b)]) for a, b in zip(here, other, strict=True)]
    every = np.concatenate(pairs, axis=1)
    changed = np.abs(every[:, np.sign(every[0]) != np.sign(every[1])])
    return bool(np.all(changed == changed[:, :1]))


def _on_a_side(program: Program, here: Sequence[Any], other: Sequence[Any]) -> Function:
    """Return the function of a program in which what is otherwise at another place is held as it is
    here.
    """
    v, w = (_values(program, x) for x in (here, other))
    guards = [g for g in program.guards if g.holds(lambda i: w[i])]
    held = dict[int, tuple[Any, Any]]()  # in which elements, and what of the first operand counts
    for i, (op, args, _) in enumerate(program.code):
        if isinstance(op, Choose):
            first, second = (x[args[0]] >= x[args[1]] for x in (v, w))
            differs, value = np.asarray(first != second), first
        elif isinstance(op, Row) and op.row.jumps is not None:
            differs, value = np.asarray(v[i] != w[i]), v[i]
        else:
            continue
        if np.any(differs):
            held[i] = differs, value

    def f(*x: Any) -> Any:
        found, number = list[Any](), numbers(x)
        for i, (op, args, _) in enumerate(program.code):
            a = [found[j] for j in args]
            if i not in held:
                found.append(x[op.n] if isinstance(op, Input) else op.value(a, number))
                continue
            at, value = held[i]
            fixed = np.where(value, a[2], a[3]) if isinstance(op, Choose) else value
            if not at.all():  # in elements that are held the sides are not asked for
                asked = 2 if isinstance(op, Choose) else len(a)
                a[:asked] = [np.where(at, c, x) for c, x in zip(AWAY, a[:asked], strict=False)]
                fixed = np.where(at, fixed, op.value(a, number))
            found.append(fixed)
        _ask(guards, found)
        return found[program.outputs[0]]

    return f


def _values(program: Program, x: Sequence[Any]) -> list[Any]:
    """Return the values of all instructions at a point, wherever it lies."""
    found, number = list[Any](), numbers(x)
    for op, args, _ in program.code:
        a = [found[j] for j in args]
        found.append(x[op.n] if isinstance(op, Input) else op.value(a, number))
    return found


def _ask(guards: Sequence[Guard], found: Sequence[Any]) -> None:
    """Raise Elsewhere if a decision is another one than it was."""
    for g in guards:
        if not np.array_equal(COMPARISONS[g.op](found[g.a], found[g.b]), g.outcome):
            raise Elsewhere
