"""scipy.spatial: its module `distance`."""

from typing import TYPE_CHECKING

from taylor.scipy.theirs import names_of

from . import distance as distance

__all__ = ["distance"]

if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
