"""scipy.spatial: its module `distance`."""

from typing import TYPE_CHECKING

from taylor.core.advice import suggesting
from taylor.scipy import distance as distance

__all__ = ["distance"]

if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__)
