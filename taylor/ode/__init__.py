"""Initial value problems by Taylor series: `solve_ivp`, `TaylorIntegrator` and what they give.

Reading order: `system` (the series of a solution), `control` (order and step size), `stepper` and
`machine` (steps, through NumPy and as machine code), `integrator`, `surfaces` (changes of branch),
`jets`, `sensitivity`, `variation`, `event`, `events`, `solve`, `stepwise`; `lanes`, `members` and
`ensemble` for many at once.
`taylor.ode.TaylorSolver` is a method for `scipy.integrate.solve_ivp`; it needs SciPy.
"""

from typing import TYPE_CHECKING, Any

from taylor.core.advice import no_name
from taylor.errors import deprecated
from taylor.ode.dense import Solution
from taylor.ode.ensemble import solve_ensemble
from taylor.ode.results import EnsembleResult, OdeResult
from taylor.ode.sensitivity import flow_map, value_and_gradient
from taylor.ode.solve import solve_ivp
from taylor.ode.stepwise import MethodIntegrator, TaylorIntegrator
from taylor.ode.system import second_order

if TYPE_CHECKING:
    from taylor.ode.solver import TaylorSolver as TaylorSolver

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
    """Return `TaylorSolver`, which is imported with SciPy when it is asked for."""
    if name == "Taylor":
        deprecated("taylor.ode.Taylor", "taylor.ode.TaylorSolver")
    elif name != "TaylorSolver":
        raise no_name(__name__, name, [*__all__, "TaylorSolver"])
    try:
        from taylor.ode.solver import TaylorSolver
    except ImportError as error:
        raise ImportError(
            "taylor.ode.TaylorSolver is a method for scipy.integrate.solve_ivp: install SciPy, or "
            "use taylor.ode.solve_ivp, which does not need it"
        ) from error
    return TaylorSolver
