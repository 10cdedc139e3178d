"""Linear differential operators P(∂) of functions, each in the smallest algebra that holds it."""

from taylor.operators.drivers import (
    apply,
    biharmonic,
    curl,
    divergence,
    hessian_trace,
    laplacian,
    operator,
)
from taylor.operators.estimates import Estimate, estimate, estimate_laplacian
from taylor.operators.operator import Operator
from taylor.operators.symbol import Symbol, partials

__all__ = [
    "Estimate", "Operator", "Symbol", "apply", "biharmonic", "curl", "divergence", "estimate",
    "estimate_laplacian", "hessian_trace", "laplacian", "operator", "partials",
]  # fmt: skip
