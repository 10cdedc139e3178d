"""What scipy.ndimage measures of the parts of an image: those with a label, or with any above zero.

>>> import taylor
>>> image = np.array([[1.0, 2.0], [3.0, 4.0]])
>>> taylor.gradient(lambda x: variance(x, [[1, 1], [2, 2]], 2), image)
array([[ 0. ,  0. ],
       [-0.5,  0.5]])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.core import functions as f
from taylor.core.operand import as_array
from taylor.scipy.given import floats

__all__ = [
    "center_of_mass", "maximum", "mean", "median", "minimum", "standard_deviation", "sum",
    "sum_labels", "variance",
]  # fmt: skip


def sum_labels(input: Any, labels: Any = None, index: Any = None) -> Any:
    """Return the sums of the elements with a label, or of all."""
    x = floats(input)
    if labels is None:
        return np.sum(x)
    labels = np.broadcast_to(np.asarray(labels), np.shape(x)).reshape(-1)
    if index is None:
        return np.sum(np.reshape(x, -1)[labels > 0])
    names, place = np.unique(labels, return_inverse=True)
    sums = np.bincount(place, np.reshape(x, -1), len(names))
    where = np.minimum(np.searchsorted(names, index), len(names) - 1)
    return np.where(names[where] == index, sums[where], 0.0)[()]


sum = sum_labels  # SciPy's other name


def mean(input: Any, labels: Any = None, index: Any = None) -> Any:
    """Return the means of the elements with a label, or of all."""
    ones = np.ones(np.shape(as_array(input)))
    with np.errstate(invalid="ignore"):
        return sum_labels(input, labels, index) / sum_labels(ones, labels, index)


def variance(input: Any, labels: Any = None, index: Any = None) -> Any:
    """Return the mean squares of the distances to `mean`."""
    x = floats(input)
    if labels is None or index is None:
        return mean((x - mean(x, labels, index)) ** 2, labels, index)
    labels = np.broadcast_to(np.asarray(labels), np.shape(x))
    names, place = np.unique(labels, return_inverse=True)
    middle = np.take(mean(x, labels, names), np.reshape(place, labels.shape))
    return mean((x - middle) ** 2, labels, index)


def standard_deviation(input: Any, labels: Any = None, index: Any = None) -> Any:
    """Return the square roots of `variance`."""
    return f.sqrt(variance(input, labels, index))


def center_of_mass(input: Any, labels: Any = None, index: Any = None) -> Any:
    """Return Σ m i/Σ m, where i are the places in the image: a tuple, or for an index a list.

    >>> center_of_mass(np.array([[0.0, 1.0], [0.0, 1.0]]))
    (np.float64(0.5), np.float64(1.0))
    """
    x = floats(input)
    whole = sum_labels(x, labels, index)
    places = np.indices(np.shape(x))
    found = [sum_labels(x * place, labels, index) / whole for place in places]
    if np.ndim(found[0]) == 0:
        return tuple(found)
    return [tuple(along[i] for along in found) for i in range(np.shape(found[0])[0])]


def _by_label(name: str, of: Callable[[Any], Any], what: str) -> Callable[..., Any]:
    def measure(input: Any, labels: Any = None, index: Any = None) -> Any:
        x = floats(input)
        if labels is None:
            return of(x)
        labels = np.broadcast_to(np.asarray(labels), np.shape(x))
        if index is None:
            return of(x[labels > 0])
        found = [of(x[labels == i]) if np.any(labels == i) else 0.0 for i in np.ravel(index)]
        return np.reshape(np.stack([as_array(v) for v in found]), np.shape(index))[()]

    measure.__name__ = measure.__qualname__ = name
    measure.__doc__ = f"Return the {what} of the elements with a label, or of all."
    return measure


maximum = _by_label("maximum", np.max, "largest")
minimum = _by_label("minimum", np.min, "smallest")
median = _by_label("median", np.median, "medians")
