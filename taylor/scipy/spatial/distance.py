"""scipy.spatial.distance: distances of vectors, each a formula along the last axis.

>>> import taylor
>>> taylor.gradient(lambda u: euclidean(u, [0.0, 0.0]), [3.0, 4.0])
array([0.6, 0.8])
>>> cdist([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]], "cityblock")
array([[7., 1.]])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from taylor.core import functions as f
from taylor.core.operand import as_array
from taylor.errors import ShapeMismatch
from taylor.scipy.given import floats
from taylor.scipy.special import rel_entr
from taylor.scipy.theirs import names_of

Formula = Callable[..., Any]


def _total(x: Any, w: Any = None) -> Any:
    return np.sum(x if w is None else x * w, axis=-1)


def _cosine(u: Any, v: Any, w: Any = None) -> Any:
    return 1 - _total(u * v, w) / f.sqrt(_total(u * u, w) * _total(v * v, w))


def _correlation(u: Any, v: Any, w: Any = None) -> Any:
    w = np.ones(np.shape(u)[-1]) if w is None else as_array(w)
    w = w / np.sum(w)
    u, v = (x - np.sum(x * w, axis=-1, keepdims=True) for x in (u, v))
    return _cosine(u, v, w)


def _canberra(u: Any, v: Any, w: Any = None) -> Any:
    size = abs(u) + abs(v)
    zero = size <= 0
    return _total(np.where(zero, 0.0, abs(u - v) / np.where(zero, 1.0, size)), w)


def _chebyshev(u: Any, v: Any, w: Any = None) -> Any:
    """Return the largest difference, among those with a weight (which is plain) above zero."""
    return np.max(abs(u - v)[..., slice(None) if w is None else np.asarray(w) > 0], axis=-1)


def _minkowski(u: Any, v: Any, p: Any = 2, w: Any = None) -> Any:
    if w is None:
        return np.linalg.norm(u - v, p, axis=-1)
    return _chebyshev(u, v, w) if p == np.inf else _total(abs(u - v) ** p, w) ** (1.0 / p)


def _mahalanobis(u: Any, v: Any, VI: Any) -> Any:
    d = u - v
    return f.sqrt(_total(d * np.matmul(d, np.transpose(as_array(VI)))))


def _jensenshannon(p: Any, q: Any, base: Any = None) -> Any:
    p, q = p / np.sum(p, -1, keepdims=True), q / np.sum(q, -1, keepdims=True)
    m = (p + q) / 2
    both = _total(rel_entr(p, m)) + _total(rel_entr(q, m))
    return f.sqrt(both / 2 if base is None else both / 2 / np.log(base))


FORMULAS: dict[str, Formula] = {
    "braycurtis": lambda u, v, w=None: _total(abs(u - v), w) / _total(abs(u + v), w),
    "canberra": _canberra,
    "chebyshev": _chebyshev,
    "cityblock": lambda u, v, w=None: _total(abs(u - v), w),
    "correlation": _correlation,
    "cosine": _cosine,
    "euclidean": lambda u, v, w=None: f.sqrt(_total((u - v) ** 2, w)),
    "jensenshannon": _jensenshannon,
    "mahalanobis": _mahalanobis,
    "minkowski": _minkowski,
    "seuclidean": lambda u, v, V: f.sqrt(_total((u - v) ** 2 / as_array(V))),
    "sqeuclidean": lambda u, v, w=None: _total((u - v) ** 2, w),
}
__all__ = [*FORMULAS, "cdist", "directed_hausdorff", "pdist", "squareform"]


def _of_vectors(name: str) -> Formula:
    formula = FORMULAS[name]

    def distance(u: Any, v: Any, *args: Any, **parameters: Any) -> Any:
        u, v = floats(u), floats(v)
        if np.ndim(u) != 1 or np.shape(u) != np.shape(v):
            raise ShapeMismatch(f"{name}: vectors of shapes {np.shape(u)} and {np.shape(v)}")
        return formula(u, v, *args, **parameters)

    distance.__name__ = distance.__qualname__ = name
    distance.__doc__ = f"Return scipy.spatial.distance.{name} of two vectors."
    return distance


globals().update({name: _of_vectors(name) for name in FORMULAS})


def _metric(metric: Any) -> Formula:
    if callable(metric):
        return lambda u, v: np.stack([metric(a, b) for a, b in zip(u, v, strict=True)])
    if metric not in FORMULAS:
        raise ValueError(f"metric is one of {', '.join(FORMULAS)} here, not {metric!r}")
    return FORMULAS[metric]


def _spread(metric: Any, x: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with those left out: variances or a covariance of all points."""
    if metric == "seuclidean" and parameters.get("V") is None:
        return {**parameters, "V": np.var(x, axis=0, ddof=1)}
    if metric == "mahalanobis" and parameters.get("VI") is None:
        return {**parameters, "VI": np.linalg.inv(np.cov(x.T))}
    return parameters


def cdist(XA: Any, XB: Any, metric: Any = "euclidean", **parameters: Any) -> Any:
    """Return the distances of the rows of one matrix to those of another, as a matrix."""
    a, b = floats(XA), floats(XB)
    if np.ndim(a) != 2 or np.ndim(b) != 2 or np.shape(a)[1] != np.shape(b)[1]:
        raise ShapeMismatch(f"cdist: points of shapes {np.shape(a)} and {np.shape(b)}")
    i, j = np.indices((np.shape(a)[0], np.shape(b)[0])).reshape(2, -1)
    parameters = _spread(metric, np.concatenate([a, b]), parameters)
    found = _metric(metric)(a[i], b[j], **parameters)
    return np.reshape(found, (np.shape(a)[0], np.shape(b)[0]))


def pdist(X: Any, metric: Any = "euclidean", **parameters: Any) -> Any:
    """Return the distances of all pairs of rows, (0, 1), (0, 2), ..., as a vector."""
    x = floats(X)
    if np.ndim(x) != 2:
        raise ShapeMismatch(f"pdist: points of shape {np.shape(x)}, not a matrix")
    i, j = np.triu_indices(np.shape(x)[0], 1)
    return _metric(metric)(x[i], x[j], **_spread(metric, x, parameters))


def directed_hausdorff(u: Any, v: Any, rng: Any = 0) -> tuple[Any, int, int]:
    """Return the largest distance of a row of u from those of v, and which two rows it is between.

    rng has no effect on it.

    >>> directed_hausdorff([[0.0], [3.0]], [[1.0], [1.5]])
    (np.float64(1.5), 1, 1)
    """
    d = cdist(u, v)
    near = np.argmin(d, axis=1)
    i = int(np.argmax(d[np.arange(np.shape(d)[0]), near]))
    return d[i, int(near[i])], i, int(near[i])


def squareform(X: Any) -> Any:
    """Return the vector of `pdist` as a symmetric matrix, or such a matrix as the vector.

    >>> squareform([1.0, 2.0, 3.0])
    array([[0., 1., 2.],
           [1., 0., 3.],
           [2., 3., 0.]])
    """
    x = as_array(X)
    if np.ndim(x) == 2:
        return x[np.triu_indices(np.shape(x)[0], 1)]
    n = round((1 + np.sqrt(1 + 8 * np.size(x))) / 2)
    if np.ndim(x) != 1 or n * (n - 1) // 2 != np.size(x):
        raise ShapeMismatch(f"squareform: shape {np.shape(x)} holds no pairs of points")
    place = np.zeros((n, n), dtype=int)
    place[np.triu_indices(n, 1)] = np.arange(1, np.size(x) + 1)
    return np.concatenate([np.zeros(1), x])[place + place.T]


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
