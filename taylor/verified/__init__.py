"""Validated numerics: results that are proofs, with sets of numbers in place of numbers."""

from taylor.errors import NotVerified as NotVerified
from taylor.errors import Undecided as Undecided
from taylor.verified.interval import Interval as Interval
from taylor.verified.model import TaylorModel as TaylorModel
from taylor.verified.model import models as models
from taylor.verified.quad import quad as quad
from taylor.verified.roots import Roots as Roots
from taylor.verified.roots import roots as roots
from taylor.verified.search import Minimum as Minimum
from taylor.verified.search import minimize as minimize
from taylor.verified.search import range as range
from taylor.verified.search import sign as sign

__all__ = [
    "Interval", "Minimum", "NotVerified", "Roots", "TaylorModel", "Undecided", "minimize", "models",
    "quad", "range", "roots", "sign",
]  # fmt: skip
