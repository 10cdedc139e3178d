"""`TaylorSolver`: a method for `scipy.integrate.solve_ivp`."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import DenseOutput, OdeSolver

from taylor.errors import IntegrationError
from taylor.ode.complexes import Parts, joined, solution, split
from taylor.ode.dense import Solution, SolutionInUnits
from taylor.ode.options import tolerance_of
from taylor.ode.stepwise import TaylorIntegrator
from taylor.ode.system import at_one_state
from taylor.ode.units import rate, unit_of

Array = NDArray[Any]


class TaylorSolver(OdeSolver):  # type: ignore[misc]
    """Taylor series of high order, as a `method` of `scipy.integrate.solve_ivp`.

    Options: `rtol` (or `tol`; default, and for arrays: the precision of doubles), `atol` (of an
    array the least), `order`, `max_step`.  They, and what fun may be, are those of
    `taylor.ode.solve_ivp`; `nfev` counts the series of the solution that were computed.

    >>> from scipy.integrate import solve_ivp
    >>> r = solve_ivp(lambda t, y: [y[1], -y[0]], (0.0, np.pi), [0.0, 1.0], method=TaylorSolver)
    >>> r.y[:, -1].round(15) + 0
    array([ 0., -1.])
    """

    y: Array

    def __init__(
        self,
        fun: Callable[..., Any],
        t0: float,
        y0: Array,
        t_bound: float,
        vectorized: bool = False,
        *,
        rtol: Any = None,
        atol: Any = 0.0,
        tol: Any = None,
        order: int | None = None,
        max_step: float = math.inf,
        **extraneous: Any,
    ) -> None:
        if extraneous:
            warnings.warn(
                f"options without meaning for TaylorSolver: {', '.join(sorted(extraneous))}",
                stacklevel=3,
            )
        super().__init__(fun, t0, y0, t_bound, vectorized, support_complex=True)
        unit = self._unit = unit_of((t0, t_bound))
        several = np.ndim(rtol) or np.ndim(tol) or np.ndim(atol)
        self._parts = np.iscomplexobj(self.y)
        own = at_one_state(fun) if vectorized else fun
        own = Parts(own, ()).fun if self._parts else own
        self._integrator = TaylorIntegrator(
            own if unit == 1 else functools.partial(rate, own, unit),
            t0 / unit,
            split(self.y) if self._parts else self.y,
            tol=None if several else tolerance_of(tol, rtol),
            order=order,
            max_step=max_step / unit,
            atol=float(np.min(atol)),
        )
        self._last: Solution | None = None

    def _step_impl(self) -> tuple[bool, str | None]:
        it = self._integrator
        try:
            pieces = next(it.march(self.t_bound / self._unit, 1))
        except IntegrationError as error:
            return False, error.reason or str(error)
        self._last = it.solution([pieces])
        self.t, self.y, self.nfev = it.t * self._unit, it.y, it.steps
        if self._parts:
            self._last, self.y = solution(self._last), joined(it.y)
        return True, None

    def _dense_output_impl(self) -> TaylorDenseOutput:
        assert self._last is not None
        return TaylorDenseOutput(self.t_old, self.t, SolutionInUnits(self._last, self._unit))


class TaylorDenseOutput(DenseOutput):  # type: ignore[misc]
    """The Taylor polynomial of a step as SciPy's interpolant."""

    def __init__(self, t_old: float, t: float, solution: SolutionInUnits) -> None:
        super().__init__(t_old, t)
        self.solution = solution

    def _call_impl(self, t: Array) -> Array:
        return np.asarray(self.solution(t))
