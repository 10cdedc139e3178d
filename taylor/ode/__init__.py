"""Initial value problems by Taylor series: `solve_ivp`, `TaylorIntegrator` and what they give.

Reading order: `system` (the series of a solution), `control` (order and step size), `machine` (the
same as machine code), `integrator`, `events`, `jets`, `sensitivity`, `solve`.
"""

from taylor.ode.dense import Solution
from taylor.ode.integrator import TaylorIntegrator
from taylor.ode.sensitivity import flow_map, value_and_gradient
from taylor.ode.solve import OdeResult, solve_ivp

__all__ = [
    "OdeResult",
    "Solution",
    "TaylorIntegrator",
    "flow_map",
    "solve_ivp",
    "value_and_gradient",
]
