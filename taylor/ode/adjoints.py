"""The adjoint of a run by a method of SciPy, by the same method.

    λ' = -f_yᵀ λ,    μ' = -f_pᵀ λ,    λ jumps by w_j at t_j,

back from the last time, along the dense output of the run: y itself cannot be integrated
backwards where it is stiff.  (Cao, Li, Petzold & Serban, SIAM J. Sci. Comput. 24, 2003.)  λ is
judged relative to its own largest component, the adjoint of a parameter by relative changes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.errors import IntegrationError
from taylor.numbers.kinds import is_operand
from taylor.ode.jets import Plain
from taylor.ode.methods import MethodIntegrator, MethodOptions
from taylor.ode.pieces import Pieces

Array = NDArray[Any]
SMALL = 1e-2  # of the tolerance: what counts for adjoints that begin at zero


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
    """λ and μ on their way back along a run."""

    def __init__(self, it: MethodIntegrator, past: Past, p: Sequence[Any]) -> None:
        self.it, self.past, self.p = it, past, p
        self.n, self.size = it.y.size, it.y.size + sum(np.size(x) for x in p)
        self.z = np.zeros(self.size)

    def run(self, start: Any, stop: Any) -> None:
        """Integrate from one time back to another."""
        if start == stop or not np.any(self.z):
            return
        rtol = float(np.min(self.it.options.tolerances[0]))
        y, bar = np.abs(self.past(float(start))), np.abs(self.z[: self.n])
        share = np.max(y * bar) or np.max(y) * np.max(bar) or 1.0
        parts = [np.abs(np.asarray(x, float)).reshape(-1) for x in self.p]
        size = [np.where(x > 0, x, x.max(initial=0.0) or 1.0) for x in parts]
        atol = np.concatenate([np.full(self.n, np.max(bar)), *(share / x for x in size)])
        options = replace(self.it.options, tol=rtol, atol=SMALL * rtol * atol, more={})
        rates, sign = self.it.rates, float(np.sign(stop - start))

        # a time that begins at zero, as λ may begin to fall faster than times can be told apart
        def fun(s: float, z: Array) -> Array:
            t = start + sign * s
            return -sign * rates.pulled(t, self.past(t), z[: self.n], self.p)

        def jacobian(s: float, z: Array) -> Any:
            t = start + sign * s
            return -sign * rates.jacobian(t, self.past(t), self.p).T

        places = np.arange(self.n)[:, None]
        solver = options.solver(fun, jacobian, 0.0, self.z, abs(float(stop - start)), places)
        while solver.status == "running":
            message = solver.step()
        if solver.status == "failed":
            ended = start + sign * solver.t
            raise IntegrationError(f"the adjoint ends at t = {ended}: {message}")
        self.z = solver.y


def adjoint(
    f: Any, t0: Any, times: Sequence[Any], options: MethodOptions, w: Any, y0: Any, p: Sequence[Any]
) -> tuple[Any, ...]:
    """Return the adjoints of y0 and of the parameters for those of the states at some times."""
    if any(map(is_operand, (w, y0, *p))):
        raise TypeError(
            f"series through the adjoint by method={options.method!r} are not known here: take "
            "second derivatives by a state of series of order 2, or leave the method out"
        )
    it = Plain(f, y0, p).differentiated(t0, options)
    assert isinstance(it, MethodIntegrator)
    steps = list(it.march(times[-1]))
    shapes = [np.shape(y0), *map(np.shape, p)]
    if not steps:
        return (np.sum(w, axis=0), *(np.zeros(s) for s in shapes[1:]))
    back, left = _Back(it, Past(steps), it.parameters), list(times)
    while left:
        t = left.pop()
        back.z[: back.n] += np.reshape(w[len(left)], -1)
        back.run(t, left[-1] if left else t0)
    ends = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]
    return tuple(np.reshape(x, s)[()] for x, s in zip(np.split(back.z, ends), shapes, strict=True))
