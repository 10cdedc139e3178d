"""Validated numerics: results that are proofs, with sets of numbers in place of numbers."""

from typing import TYPE_CHECKING

from taylor.core.advice import suggesting
from taylor.errors import NotVerified as NotVerified
from taylor.errors import Undecided as Undecided
from taylor.verified import compiled as compiled  # of which intervals hear
from taylor.verified.interval import Interval as Interval
from taylor.verified.ivp import solve_ivp as solve_ivp
from taylor.verified.model import TaylorModel as TaylorModel
from taylor.verified.model import models as models
from taylor.verified.quad import quad as quad
from taylor.verified.roots import Roots as Roots
from taylor.verified.roots import roots as roots
from taylor.verified.search import Minimum as Minimum
from taylor.verified.search import minimize as minimize
from taylor.verified.search import range as range
from taylor.verified.search import sign as sign
from taylor.verified.sections import Crossing as Crossing
from taylor.verified.sections import poincare as poincare
from taylor.verified.solution import Solution as Solution
from taylor.verified.values import coefficients as coefficients

__all__ = [
    "Crossing", "Interval", "Minimum", "NotVerified", "Roots", "Solution", "TaylorModel",
    "Undecided", "coefficients", "minimize", "models", "poincare", "quad", "range", "roots", "sign",
    "solve_ivp",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__)
