"""scipy.spatial: its module `distance`."""

from taylor.scipy import distance as distance

__all__ = ["distance"]
