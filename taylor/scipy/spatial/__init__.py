"""scipy.spatial: its modules `distance` and `transform`, and `distance_matrix`."""

from typing import TYPE_CHECKING, Any

from taylor.scipy.theirs import names_of

from . import distance as distance
from . import transform as transform

__all__ = ["distance", "distance_matrix", "transform"]


def distance_matrix(x: Any, y: Any, p: float = 2) -> Any:
    """Return the distances of the rows of x from those of y, in the norm p.

    >>> distance_matrix([[0.0, 0.0]], [[3.0, 4.0]])
    array([[5.]])
    """
    return distance.cdist(x, y, "minkowski", p=p)


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
