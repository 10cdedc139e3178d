"""The adjoint of a run by a method of SciPy, by the same method.

    λ' = -f_yᵀ λ,    μ' = -f_pᵀ λ,    λ jumps by w_j at t_j,

back from the last time, along the dense output of the run: y itself cannot be integrated
backwards where it is stiff.  (Cao, Li, Petzold & Serban, SIAM J. Sci. Comput. 24, 2003.)  λ is
judged relative to its own largest component, the adjoint of a parameter by relative changes of it.
Where y and λ are series, as in a Hessian, their coefficients are the state, block by block with the
matrix of λ.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.drivers.several import pullback
from taylor.errors import IntegrationError
from taylor.numbers.kinds import base
from taylor.ode.edges import numbers
from taylor.ode.jets import Crossing, DifferentiatedMethod, Plain
from taylor.ode.methods import ByMethod, MethodOptions, stepped
from taylor.ode.pieces import Pieces
from taylor.ode.rates import Rates
from taylor.ode.system import System

Array = NDArray[Any]
SMALL = 1e-2  # of the tolerance: what counts for adjoints that begin at zero


class Joint(NamedTuple):
    """A place where fun goes over to another branch: times before and after, the crossing if rates
    jump there, and the states on both sides.
    """

    before: Any
    after: Any
    crossing: Crossing | None
    sides: Any


class Past:
    """The steps of a run, without the coefficients that are zero, as a function of time."""

    def __init__(self, steps: Sequence[Pieces]) -> None:
        t = np.concatenate([pieces.t for pieces in steps])
        self.sign = np.sign(steps[0].h[0])
        self.t, self.ordered = t, self.sign * t
        self.coef: list[Array] = []
        for pieces in steps:
            used = np.any(pieces.coef != 0, axis=(0, *range(2, pieces.coef.ndim)))
            flat = pieces.coef[:, : np.flatnonzero(used)[-1] + 1 if used.any() else 1]
            self.coef += list(flat.reshape(*flat.shape[:2], -1).copy())

    def __call__(self, t: float) -> Array:
        """Return the state."""
        i = max(0, int(np.searchsorted(self.ordered, self.sign * t, side="right")) - 1)
        c, x = self.coef[i], t - self.t[i]
        y = c[-1]
        for k in range(len(c) - 2, -1, -1):
            y = y * x + c[k]
        return np.asarray(y)


class _Back:
    """λ and μ on their way back along a run: one vector z, of numbers or of series."""

    def __init__(self, f: Any, forward: Plain, it: ByMethod, past: Past, p: Any) -> None:
        self.f, self.forward, self.it, self.past, self.p = f, forward, it, past, p
        self.shape = np.shape(forward.given[0])
        self.n = math.prod(self.shape)
        self.z: Any = np.zeros(self.n + sum(map(np.size, p)))
        self.made: tuple[Plain, Rates, Any] | None = None

    def rate(self, t: Any, z: Any, y: Any, *p: Any) -> Any:
        """Return the rate of change of z, beside y."""
        bar = np.reshape(z[: self.n], self.shape)
        found = pullback(functools.partial(self.f, t), (y, *p), -bar)
        return np.concatenate([np.reshape(x, -1) for x in found])

    def y(self, t: Any) -> Any:
        """Return the state of the run."""
        return self.forward.series(self.past(float(t)).reshape(self.it.y.shape))

    def plain(self, t: Any) -> tuple[Plain, Rates, Any]:
        """Return the system in plain numbers, its rates, and their parameters."""
        if self.made is None:
            plain = Plain(self.rate, self.z, (self.y(t), *self.p))
            system = System(plain.fun, np.float64(t), plain.y0, plain.args)
            self.made = plain, Rates(system), system.parameters(plain.args)
        return self.made

    def small(self, t: Any, state: Array) -> Array:
        """Return what counts in z, as it is at time t in that state."""
        y, bar = (np.abs(np.asarray(base(x), float)).reshape(-1) for x in (self.y(t), self.z))
        bar = bar[: self.n]
        largest = np.max(bar) or np.max(np.abs(state))
        share = np.max(y * bar) or np.max(y) * largest or 1.0
        parts = [np.abs(np.asarray(base(x), float)).reshape(-1) for x in self.p]
        size = [np.where(x > 0, x, x.max(initial=0.0) or 1.0) for x in parts]
        return np.concatenate([np.full(self.n, largest), *(share / x for x in size)])

    def over(self, joint: Joint) -> None:
        """Go back over a place where fun goes over to another branch."""
        if joint.crossing is None:
            return
        step = functools.partial(self.f, joint.crossing)
        bar, rest = np.reshape(self.z[: self.n], self.shape), self.z[self.n :]
        found = pullback(step, (joint.sides, *self.p), bar)
        more = [np.reshape(x, -1) for x in found[1:]]
        rest = rest + np.concatenate(more) if more else rest
        self.z = np.concatenate([np.reshape(found[0][..., 0], -1), rest])

    def run(self, start: Any, stop: Any) -> None:
        """Integrate from one time back to another."""
        plain, rates, p = self.plain(start)
        state, options = plain.table(self.z), self.it.options
        if start == stop or not np.any(state):
            return
        rtol, blocks = float(np.min(options.tolerances[0])), plain.blocks()
        given = blocks.tolerances(np.asarray(rtol), SMALL * rtol * self.small(start, state))
        options = replace(options, tol=given[0], atol=given[1], more={})
        (of_y, q), sign = self.it.core(), float(np.sign(stop - start))

        # a time that begins at zero, as λ may begin to fall faster than times can be told apart
        def fun(s: float, z: Array) -> Array:
            t = start + sign * s
            return sign * rates.value(t, z, [plain.argument(0, self.y(t)), *p[1:]])

        def jacobian(s: float, z: Array) -> Any:
            t = start + sign * s
            y = np.asarray(base(self.y(t)), float)
            return -sign * of_y.jacobian(t, y.reshape(-1), q).T

        solver = options.solver(
            fun, jacobian, 0.0, state.reshape(-1), abs(float(stop - start)), blocks.places[: self.n]
        )
        while solver.status == "running":
            message = stepped(solver)
        if solver.status == "failed":
            ended = start + sign * solver.t
            raise IntegrationError(f"the adjoint ends at t = {ended}: {message}")
        self.z = plain.series(solver.y.reshape(state.shape))


def counting(times: Sequence[Any], w: Any) -> tuple[list[Any], Any]:
    """Return the times at which adjoints of states are not zero, the last one at least, and these.

    A run without `t_eval` gives the states at the ends of all steps, of which few count.
    """
    some = [n for n in range(len(times) - 1) if np.any(numbers(w[n]) != 0)]
    kept = [*some, len(times) - 1]
    return [times[n] for n in kept], w[kept]


def adjoint(
    f: Any,
    t0: Any,
    times: Sequence[Any],
    options: MethodOptions,
    varied: Sequence[bool],
    w: Any,
    y0: Any,
    p: Sequence[Any],
) -> tuple[Any, ...]:
    """Return the adjoints of y0 and of the parameters for those of the states at some times."""
    times, w = counting(times, w)
    forward = Plain(f, y0, p)
    it = forward.differentiated(t0, options)
    forward.guide(it, varied)
    assert isinstance(it, DifferentiatedMethod)
    steps, joints = list[Pieces](), list[Joint]()
    for pieces in it.march(times[-1]):
        steps.append(pieces)
        if it.before is not None:
            sides = np.stack([it.before[1], it.y], axis=-1)
            joints.append(Joint(it.before[0], it.t, it.crossing, forward.series(sides)))
    shapes = [np.shape(y0), *map(np.shape, p)]
    if not steps:
        return (np.sum(w, axis=0), *(np.zeros(s) for s in shapes[1:]))
    back, left = _Back(f, forward, it, Past(steps), p), times
    rest = np.zeros(len(back.z) - back.n)
    while left:
        t = left.pop()
        back.z = back.z + np.concatenate([np.reshape(w[len(left)], -1), rest])
        stop = left[-1] if left else t0
        while joints and np.sign(joints[-1].after - stop) == np.sign(t - stop) != 0:
            joint = joints.pop()
            back.run(t, joint.after)
            back.over(joint)
            t = joint.before
        back.run(t, stop)
    ends = [0, *np.cumsum([math.prod(s) for s in shapes])]
    found = (back.z[a:b] for a, b in itertools.pairwise(ends))
    return tuple(np.reshape(x, s)[()] for x, s in zip(found, shapes, strict=True))
