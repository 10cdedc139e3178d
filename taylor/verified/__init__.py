"""Validated numerics: results that are proofs, with sets of numbers in place of numbers."""

from taylor.errors import NotVerified as NotVerified
from taylor.errors import Undecided as Undecided
from taylor.verified.interval import Interval as Interval
from taylor.verified.values import coefficients as coefficients

__all__ = ["Interval", "NotVerified", "Undecided", "coefficients"]
