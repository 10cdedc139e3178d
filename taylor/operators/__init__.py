"""Linear differential operators P(∂) of functions, each in the smallest algebra that holds it."""

from typing import TYPE_CHECKING

from taylor.core.advice import suggesting
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

if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__)
