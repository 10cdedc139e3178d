"""scipy.spatial: its modules `distance` and `transform`, distances, and how shapes are matched."""

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.spatial

from taylor.errors import ShapeMismatch
from taylor.scipy.given import floats
from taylor.scipy.linalg import orthogonal_procrustes
from taylor.scipy.theirs import names_of, varies

from . import distance as distance
from . import transform as transform

__all__ = [
    "distance", "distance_matrix", "geometric_slerp", "minkowski_distance",
    "minkowski_distance_p", "procrustes", "transform",
]  # fmt: skip


def distance_matrix(x: Any, y: Any, p: float = 2) -> Any:
    """Return the distances of the rows of x from those of y, in the norm p.

    >>> distance_matrix([[0.0, 0.0]], [[3.0, 4.0]])
    array([[5.]])
    """
    return distance.cdist(x, y, "minkowski", p=p)


def minkowski_distance_p(x: Any, y: Any, p: float = 2.0) -> Any:
    """Return Σ |x - y|^p along the last axis (the largest for p = inf)."""
    d = abs(floats(x) - floats(y))
    return np.max(d, axis=-1) if p == np.inf else np.sum(d if p == 1 else d**p, axis=-1)


def minkowski_distance(x: Any, y: Any, p: float = 2.0) -> Any:
    """Return the distances along the last axis in the norm p."""
    found = minkowski_distance_p(x, y, p)
    return found if p in (1, np.inf) else found ** (1.0 / p)


def procrustes(data1: Any, data2: Any) -> tuple[Any, Any, Any]:
    """Return two sets of points, centred, of norm one, the second turned to fit, and what is left.

    >>> procrustes([[0.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 2.0]])[2].round(12)
    np.float64(0.0)
    """
    if not varies([data1, data2]):
        found: tuple[Any, Any, Any] = scipy.spatial.procrustes(data1, data2)
        return found
    a, b = floats(data1), floats(data2)
    if np.ndim(a) != 2 or np.shape(a) != np.shape(b):
        raise ShapeMismatch(f"procrustes: points of shapes {np.shape(a)} and {np.shape(b)}")
    a, b = (x - np.mean(x, axis=0) for x in (a, b))
    a, b = (x / np.linalg.norm(x) for x in (a, b))
    turn, scale = orthogonal_procrustes(a, b)
    b = b @ turn.T * scale
    return a, b, np.sum((a - b) ** 2)


def geometric_slerp(start: Any, end: Any, t: Any, tol: float = 1e-7) -> Any:
    """Return the points at the parts t of the way on the great circle between unit vectors.

    >>> geometric_slerp([1.0, 0.0], [0.0, 1.0], 0.5).round(6)
    array([0.707107, 0.707107])
    """
    a, b, t = floats(start), floats(end), floats(t)
    if np.ndim(a) != 1 or np.shape(a) != np.shape(b) or np.ndim(t) > 1:
        raise ShapeMismatch(
            f"geometric_slerp: from {np.shape(a)} to {np.shape(b)} at t of shape {np.shape(t)}"
        )
    if any(abs(np.linalg.norm(x) - 1) > tol for x in (a, b)):
        raise ValueError("start and end are not on a unit n-sphere")
    c = np.sum(a * b)
    side = b - c * a
    s = np.linalg.norm(side)
    angle = np.arctan2(s, c) * t[..., None]
    return a * np.cos(angle) + side / s * np.sin(angle)


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
