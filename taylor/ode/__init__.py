"""Initial value problems by Taylor series: `solve_ivp`, `TaylorIntegrator` and what they give.

Reading order: `system` (the series of a solution), `control` (order and step size), `stepper` and
`machine` (steps, through NumPy and as machine code), `integrator`, `surfaces` (changes of branch),
`jets`, `sensitivity`, `variation`, `event`, `events`, `solve`, `stepwise`; `lanes`, `members` and
`ensemble` for many at once.
`taylor.ode.Taylor` is a method for `scipy.integrate.solve_ivp`; it needs SciPy.
"""

from typing import Any

from taylor.core.advice import no_name
from taylor.ode.dense import Solution
from taylor.ode.ensemble import solve_ensemble
from taylor.ode.results import EnsembleResult, OdeResult
from taylor.ode.sensitivity import flow_map, value_and_gradient
from taylor.ode.solve import solve_ivp
from taylor.ode.stepwise import MethodIntegrator, TaylorIntegrator
from taylor.ode.system import second_order

__all__ = [
    "EnsembleResult",
    "MethodIntegrator",
    "OdeResult",
    "Solution",
    "TaylorIntegrator",
    "flow_map",
    "second_order",
    "solve_ensemble",
    "solve_ivp",
    "value_and_gradient",
]


def __getattr__(name: str) -> Any:
    """Return `Taylor`, which is imported with SciPy when it is asked for."""
    if name != "Taylor":
        raise no_name(__name__, name, __all__)
    try:
        from taylor.ode.solver import Taylor
    except ImportError as error:
        raise ImportError(
            "taylor.ode.Taylor is a method for scipy.integrate.solve_ivp: install SciPy, or use "
            "taylor.ode.solve_ivp, which does not need it"
        ) from error
    return Taylor
