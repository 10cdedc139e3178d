"""Interpolation of scipy.interpolate in several variables: of values on grids and at points."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.interpolate
from scipy.spatial import Delaunay, KDTree

from taylor.core import functions as fn
from taylor.core.lookups import lookup
from taylor.core.operand import as_array
from taylor.core.table import rule
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import base, is_operand
from taylor.scipy.piecewise import knots_of
from taylor.scipy.special import xlogy
from taylor.scipy.splines import interp1d, make_interp_spline, outside

__all__ = [
    "LinearNDInterpolator", "NearestNDInterpolator", "RBFInterpolator", "RectBivariateSpline",
    "RegularGridInterpolator", "griddata", "interpn",
]  # fmt: skip

Array = Any
GRID_METHODS = {"linear": 1, "nearest": 0, "slinear": 1, "cubic": 3, "quintic": 5}


KERNELS: dict[str, tuple[Any, int]] = {  # of (ε r)²; the least degree of the polynomial
    "linear": (lambda u: -fn.sqrt(u), 0),
    "thin_plate_spline": (lambda u: 0.5 * xlogy(u, u), 1),
    "cubic": (lambda u: u * fn.sqrt(u), 1),
    "quintic": (lambda u: -u * u * fn.sqrt(u), 2),
    "multiquadric": (lambda u: -fn.sqrt(1 + u), 0),
    "inverse_multiquadric": (lambda u: 1 / fn.sqrt(1 + u), -1),
    "inverse_quadratic": (lambda u: 1 / (1 + u), -1),
    "gaussian": (lambda u: fn.exp(-u), -1),
}
SCALELESS = ("linear", "thin_plate_spline", "cubic", "quintic")


# ------------------------------------------------------------------ on grids
def _coordinates(xi: Any, n: int) -> Any:
    """Return points with their coordinates along the last axis."""
    if isinstance(xi, tuple):
        xi = np.stack(np.broadcast_arrays(*map(as_array, xi)), axis=-1)
    xi = as_array(xi)
    if np.shape(xi)[-1:] != (n,):
        raise ShapeMismatch(f"points of shape {np.shape(xi)} for {n} coordinates")
    return xi


class RegularGridInterpolator:
    """Interpolation of values on a grid, in the points and in the values.

    method: "linear" (multilinear, "slinear"), "nearest" (of the next point of the grid), "cubic" or
    "quintic" (with splines along each axis).

    >>> grid = RegularGridInterpolator(([0.0, 1.0], [0.0, 1.0]), [[0.0, 1.0], [2.0, 3.0]])
    >>> grid([[0.5, 0.25]])
    array([1.25])
    """

    def __init__(
        self,
        points: Sequence[Any],
        values: Any,
        method: str = "linear",
        bounds_error: bool = True,
        fill_value: Any = np.nan,
    ) -> None:
        if method not in GRID_METHODS:
            raise ValueError(f"method is one of {', '.join(GRID_METHODS)} here, not {method!r}")
        self.grid, self.values, self.method = (
            [knots_of(p) for p in points],
            as_array(values),
            method,
        )
        self.bounds_error, self.fill_value = bounds_error, fill_value
        sizes = tuple(map(len, self.grid))
        if np.shape(self.values)[: len(sizes)] != sizes:
            raise ShapeMismatch(f"values of shape {np.shape(self.values)} on a grid {sizes}")
        self.flat = np.reshape(self.values, (-1, *np.shape(self.values)[len(sizes) :]))

    def __call__(self, xi: Any) -> Any:
        """Return the values at points: a tuple of coordinates, or an array of them, last axis."""
        alone = not isinstance(xi, tuple) and np.ndim(xi := as_array(xi)) == 1
        xi = _coordinates(np.reshape(xi, (-1, len(self.grid))) if alone else xi, len(self.grid))
        extra, points = (1,) * (np.ndim(self.flat) - 1), np.shape(xi)[:-1]
        if self.bounds_error and any(outside(xi[..., n], k) for n, k in enumerate(self.grid)):
            raise ValueError("a point lies outside of the grid")
        degree = GRID_METHODS[self.method]
        total = self._by_splines(xi, degree) if degree > 1 else self._by_corners(xi, extra)
        if self.fill_value is None or self.bounds_error:
            return total
        for n, knots in enumerate(self.grid):
            x = np.reshape(xi[..., n], (*points, *extra))
            total = np.where(x < knots[0], self.fill_value, total)
            total = np.where(x > knots[-1], self.fill_value, total)
        return total

    def _by_corners(self, xi: Any, extra: tuple[int, ...]) -> Any:
        """Return weighted means of the values at the corners of the cells."""
        sides: list[list[tuple[Any, Any]]] = []
        for n, knots in enumerate(self.grid):
            found = self._sides(xi[..., n], knots)
            sides.append([(i, np.reshape(w, (*np.shape(w), *extra))) for i, w in found])
        total: Any = 0.0
        for corner in itertools.product(*sides):
            weight = math.prod((w for _, w in corner[1:]), start=corner[0][1])
            total = total + weight * self._at([i for i, _ in corner])
        return total

    def _by_splines(self, xi: Any, degree: int) -> Any:
        """Return the values contracted with the splines of unit vectors, axis by axis."""
        points = np.reshape(xi, (-1, len(self.grid)))
        found = np.broadcast_to(self.values, (len(points), *np.shape(self.values)))
        for n, knots in enumerate(self.grid):
            weights = make_interp_spline(knots, np.eye(len(knots)), degree)(points[:, n])
            found = np.einsum("pi,pi...->p...", weights, found)
        return np.reshape(found, (*np.shape(xi)[:-1], *np.shape(found)[1:]))

    def _sides(self, x: Any, knots: Array) -> list[tuple[Any, Any]]:
        """Return the places of the neighbours of x along an axis, as reals, and their weights."""
        places = np.arange(len(knots), dtype=float)
        if self.method == "nearest":
            return [(lookup(x, (knots[1:] + knots[:-1]) / 2, places, "left"), 1 + 0 * x)]
        i = lookup(x, knots[1:-1], places[:-1])
        start, width = lookup(x, knots[1:-1], knots[:-1]), lookup(x, knots[1:-1], np.diff(knots))
        t = (x - start) / width
        return [(i, 1 - t), (i + 1, t)]

    def _at(self, places: Sequence[Any]) -> Any:
        """Return the values at places along the axes."""
        place: Any = 0.0
        for knots, i in zip(self.grid, places, strict=True):
            place = place * len(knots) + i
        return lookup(place, np.arange(1, len(self.flat)) - 0.5, self.flat)


def interpn(
    points: Sequence[Any], values: Any, xi: Any, method: str = "linear", bounds_error: bool = True,
    fill_value: Any = np.nan,
) -> Any:  # fmt: skip
    """Return the values of `RegularGridInterpolator` at points.

    >>> interpn(([0.0, 1.0], [0.0, 1.0]), [[0.0, 1.0], [2.0, 3.0]], [[0.5, 0.25]])
    array([1.25])
    """
    return RegularGridInterpolator(points, values, method, bounds_error, fill_value)(xi)


class RectBivariateSpline:
    """The product of splines of odd degrees through values on a grid, in points and in values.

    >>> x = np.arange(4.0)
    >>> float(RectBivariateSpline(x, x, np.outer(x**2, x)).ev(1.5, 2.5).round(9))
    5.625
    """

    def __init__(self, x: Any, y: Any, z: Any, *, kx: int = 3, ky: int = 3) -> None:
        if kx % 2 == 0 or ky % 2 == 0:
            raise ValueError(f"RectBivariateSpline takes odd degrees here, not {kx} and {ky}")
        self.knots, self.z, sizes = (
            (knots_of(x), knots_of(y)),
            as_array(z),
            (np.size(x), np.size(y)),
        )
        if np.shape(self.z) != sizes:
            raise ShapeMismatch(f"values of shape {np.shape(self.z)} on a grid {sizes}")
        self.bases = [
            make_interp_spline(x, np.eye(len(x)), k)
            for x, k in zip(self.knots, (kx, ky), strict=True)
        ]

    def _weights(self, n: int, x: Any, nu: int) -> Any:
        knots = self.knots[n]
        x = np.where(x < knots[0], knots[0], np.where(x > knots[-1], knots[-1], x))  # FITPACK's way
        return self.bases[n](x, nu)

    def __call__(self, x: Any, y: Any, dx: int = 0, dy: int = 0, grid: bool = True) -> Any:
        """Return values, or derivatives, on the grid of two vectors, or at points."""
        if not grid:
            return self.ev(x, y, dx, dy)
        x, y = (np.reshape(as_array(v), -1) for v in (x, y))
        right = np.transpose(self._weights(1, y, dy))
        return np.matmul(np.matmul(self._weights(0, x, dx), self.z), right)

    def ev(self, xi: Any, yi: Any, dx: int = 0, dy: int = 0) -> Any:
        """Return values, or derivatives, at points."""
        x, y = np.broadcast_arrays(as_array(xi), as_array(yi))
        rows = np.matmul(self._weights(0, x, dx), self.z)
        return np.sum(rows * self._weights(1, y, dy), axis=-1)

    def integral(self, xa: Any, xb: Any, ya: Any, yb: Any) -> Any:
        """Return the integral over a rectangle; outside of the grid the function is zero."""
        sides = []
        for basis, knots, a, b in zip(self.bases, self.knots, (xa, ya), (xb, yb), strict=True):
            whole = basis.antiderivative()
            at = [np.clip(as_array(v), knots[0], knots[-1]) for v in (a, b)]
            sides.append(whole(at[1]) - whole(at[0]))
        return np.dot(np.dot(sides[0], self.z), sides[1])


# ------------------------------------------------------------------ at points
class RBFInterpolator:
    """Radial basis functions through data: Σ_i w_i φ(ε |x - y_i|) + a polynomial of some degree.

    In the points x, in those of the data y, in the data d, in epsilon and in smoothing (G. E.
    Fasshauer, Meshfree Approximation Methods with MATLAB, ch. 6).  With `neighbors`, which are
    looked up, in the data only.

    >>> float(RBFInterpolator([[0.0], [1.0], [3.0]], [0.0, 2.0, 6.0])([[2.0]])[0].round(9))
    4.0
    """

    def __init__(
        self, y: Any, d: Any, neighbors: int | None = None, smoothing: Any = 0.0,
        kernel: str = "thin_plate_spline", epsilon: Any = None, degree: int | None = None,
    ) -> None:  # fmt: skip
        self.y, self.d = as_array(y) * 1.0, as_array(d)
        if kernel not in KERNELS:
            raise ValueError(f"kernel is one of {', '.join(KERNELS)}, not {kernel!r}")
        self.kernel, least = KERNELS[kernel]
        if epsilon is None and kernel not in SCALELESS:
            raise ValueError(f"the kernel {kernel} needs epsilon, unless it is of no scale")
        self.epsilon = 1.0 if epsilon is None else as_array(epsilon)
        degree = max(least, 0) if degree is None else degree
        n, width = np.shape(self.y)
        powers = itertools.product(range(degree + 1), repeat=width)
        chosen = [p for p in powers if sum(p) <= degree]
        self.powers = np.array(chosen, dtype=int).reshape(-1, width)
        self.unit = None
        if neighbors is not None:
            if is_operand(self.y) or is_operand(as_array(smoothing)) or is_operand(self.epsilon):
                raise TypeError("of the nearest neighbours only the data may vary")
            self.unit = scipy.interpolate.RBFInterpolator(
                y, np.eye(n), neighbors, smoothing, kernel, epsilon, degree
            )
            return
        low, high = np.min(base(self.y), axis=0), np.max(base(self.y), axis=0)
        self.shift, self.scale = (low + high) / 2, np.where(high > low, (high - low) / 2, 1.0)
        own = np.eye(n, dtype=bool)
        matrix = np.where(own, self.kernel(0.0), self.kernel(self._squares(self.y, own)))
        matrix = matrix + np.diag(np.broadcast_to(as_array(smoothing), n))
        tall = self._polynomials(self.y)
        none = np.zeros((len(self.powers), len(self.powers)))
        whole = np.block([[matrix, tall], [np.transpose(tall), none]])
        flat = np.reshape(self.d, (n, -1))
        right = np.concatenate([flat, np.zeros((len(self.powers), np.shape(flat)[1]))])
        self.weights = np.linalg.solve(whole, right)

    def _squares(self, x: Any, own: Any = False) -> Any:
        """Return (ε |x - y_i|)² of all points, 1 where a point is its own."""
        apart = x[:, None, :] - self.y
        return np.where(own, 1.0, np.sum(apart * apart, axis=-1) * self.epsilon**2)

    def _polynomials(self, x: Any) -> Any:
        return np.prod(((x - self.shift) / self.scale)[:, None, :] ** self.powers, axis=-1)

    def __call__(self, x: Any) -> Any:
        """Return the values at points."""
        x = as_array(x) * 1.0
        if self.unit is None:
            rows = np.concatenate([self.kernel(self._squares(x)), self._polynomials(x)], axis=1)
            found = np.matmul(rows, self.weights)
        elif is_operand(x):
            raise TypeError("of the nearest neighbours only the data may vary, not the points")
        else:
            flat = np.reshape(self.d, (np.shape(self.d)[0], -1))
            found = np.matmul(self.unit(np.asarray(x)), flat)
        return np.reshape(found, (np.shape(found)[0], *np.shape(self.d)[1:]))


class _Scattered:
    """Values at plain points; which of them count for another is looked up, and stays nearby."""

    def __init__(self, points: Any, values: Any, rescale: bool) -> None:
        if is_operand(as_array(points)):
            raise TypeError("the points of the data are plain numbers; data and points vary")
        points, self.values = np.asarray(points, dtype=float), as_array(values)
        if points.ndim != 2 or len(points) != np.shape(self.values)[0]:
            raise ShapeMismatch(
                f"values of shape {np.shape(self.values)} at points of shape {points.shape}"
            )
        self.offset = points.mean(axis=0) if rescale else np.zeros(points.shape[1])
        self.scale = np.ptp(points, axis=0) if rescale else np.ones(points.shape[1])
        self.points = (points - self.offset) / self.scale
        self.find = rule(
            self._find, jvp=lambda dargs, y, x: 0 * y, vjp=lambda bar, y, x: (0 * x,), name="find"
        )

    def _find(self, x: Any) -> Any:
        raise NotImplementedError

    def _scaled(self, xi: tuple[Any, ...]) -> Any:
        """Return points, given as one argument or by their coordinates, as those of the data."""
        xi = xi[0] if len(xi) == 1 else xi
        return (_coordinates(xi, len(self.scale)) - self.offset) / self.scale

    def _row(self, place: Any, table: Any) -> Any:
        return lookup(place, np.arange(1, np.shape(table)[0]) - 0.5, table)


class LinearNDInterpolator(_Scattered):
    """Linear on the triangles of Delaunay between plain points, in the points and in the values.

    >>> corners = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    >>> LinearNDInterpolator(corners, [0.0, 1.0, 2.0])([[0.25, 0.25]])
    array([0.75])
    """

    def __init__(
        self, points: Any, values: Any, fill_value: float = np.nan, rescale: bool = False
    ) -> None:
        super().__init__(points, values, rescale)
        self.fill_value, self.net = fill_value, Delaunay(self.points)

    def _find(self, x: Any) -> Any:
        return self.net.find_simplex(x).astype(float)

    def __call__(self, *xi: Any) -> Any:
        """Return the values at points: coordinates, a tuple or an array of them, last axis."""
        x = self._scaled(xi)
        place, n = self.find(x), np.shape(x)[-1]
        map_ = self._row(place, self.net.transform)  # of the triangle: its inverse, its last corner
        first = np.sum(map_[..., :n, :] * (x - map_[..., n, :])[..., None, :], axis=-1)
        weights = np.concatenate([first, 1 - np.sum(first, axis=-1, keepdims=True)], axis=-1)
        more, total = (1,) * (np.ndim(self.values) - 1), 0.0
        for j in range(n + 1):
            corner = self._row(place, self.net.simplices[:, j].astype(float))
            weight = np.reshape(weights[..., j], (*np.shape(place), *more))
            total = total + weight * self._row(corner, self.values)
        return np.where(np.reshape(place, (*np.shape(place), *more)) < 0, self.fill_value, total)


class NearestNDInterpolator(_Scattered):
    """The value of the nearest of plain points.

    >>> NearestNDInterpolator([[0.0, 0.0], [1.0, 0.0]], [3.0, 4.0])([[0.8, 5.0]])
    array([4.])
    """

    def __init__(self, x: Any, y: Any, rescale: bool = False) -> None:
        super().__init__(x, y, rescale)
        self.tree = KDTree(self.points)

    def _find(self, x: Any) -> Any:
        return np.asarray(self.tree.query(x)[1]).astype(float)

    def __call__(self, *xi: Any) -> Any:
        """Return the values at points: coordinates, a tuple or an array of them, last axis."""
        return self._row(self.find(self._scaled(xi)), self.values)


def griddata(
    points: Any, values: Any, xi: Any, method: str = "linear", fill_value: float = np.nan,
    rescale: bool = False,
) -> Any:  # fmt: skip
    """Return values at points from those at others, "linear" or "nearest".

    >>> griddata([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0.0, 1.0, 2.0], [[0.25, 0.25]])
    array([0.75])
    """
    if method not in ("linear", "nearest"):
        raise ValueError(f"method is 'linear' or 'nearest' here, not {method!r}")
    if isinstance(points, tuple):
        points = np.stack(np.broadcast_arrays(*points), axis=-1)
    points = np.asarray(points, dtype=float)
    if points.ndim < 2 or points.shape[-1] == 1:
        order = np.argsort(points.reshape(-1))
        fill: Any = fill_value if method == "linear" else "extrapolate"
        data, x = as_array(values)[order], xi[0] if isinstance(xi, tuple) else as_array(xi)
        knots = points.reshape(-1)[order]
        return interp1d(knots, data, method, axis=0, bounds_error=False, fill_value=fill)(x)
    if method == "nearest":
        return NearestNDInterpolator(points, values, rescale)(xi)
    return LinearNDInterpolator(points, values, fill_value, rescale)(xi)
