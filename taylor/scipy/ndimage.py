"""scipy.ndimage: filters and interpolation of images, in the image, and in coordinates and kernels.

A filter is a product of windows of the padded image with a kernel.  Interpolation by splines is in
the image a matrix along each axis (the prefilter) and a gather, and in the coordinates a polynomial
between the pixels.

>>> import taylor
>>> image = np.array([[0.0, 1.0, 4.0], [2.0, 3.0, 6.0]])
>>> taylor.gradient(lambda at: map_coordinates(image, at, order=1), [0.5, 0.5])
array([2., 1.])
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.interpolate
import scipy.ndimage
from numpy.lib.stride_tricks import sliding_window_view

from taylor.core import functions as f
from taylor.core.operand import as_array, is_complex
from taylor.errors import NonAnalyticError, ShapeMismatch
from taylor.numbers.kinds import base, is_operand
from taylor.scipy import labels, special
from taylor.scipy.given import floats
from taylor.scipy.labels import *  # noqa: F403
from taylor.scipy.theirs import names_of, varies

__all__ = [
    *labels.__all__, "affine_transform", "black_tophat", "convolve", "convolve1d", "correlate",
    "correlate1d", "fourier_ellipsoid", "fourier_gaussian", "fourier_shift", "fourier_uniform",
    "gaussian_filter", "gaussian_filter1d", "gaussian_gradient_magnitude", "gaussian_laplace",
    "grey_closing", "grey_dilation", "grey_erosion", "grey_opening", "laplace", "map_coordinates",
    "maximum_filter", "maximum_filter1d", "median_filter", "minimum_filter", "minimum_filter1d",
    "morphological_gradient", "percentile_filter", "prewitt", "rank_filter", "rotate", "shift",
    "sobel", "spline_filter", "spline_filter1d", "uniform_filter", "uniform_filter1d",
    "white_tophat", "zoom",
]  # fmt: skip
PADS = {  # SciPy's names of how an image goes on, and NumPy's
    "reflect": "symmetric", "grid-mirror": "symmetric", "mirror": "reflect", "nearest": "edge",
    "wrap": "wrap", "grid-wrap": "wrap", "constant": "constant", "grid-constant": "constant",
}  # fmt: skip


def _padded(x: Any, widths: Sequence[tuple[int, int]], mode: str, cval: float) -> Any:
    if mode not in PADS:
        raise ValueError(f"mode is one of {', '.join(PADS)}, not {mode!r}")
    constant = {"constant_values": cval} if PADS[mode] == "constant" else {}
    return np.pad(x, widths, mode=PADS[mode], **constant)  # type: ignore[call-overload]


def _each(value: Any, count: int, what: str) -> list[Any]:
    """Return one value for each axis."""
    if isinstance(value, (str, bytes)) or np.ndim(value) == 0:
        return [value] * count
    if len(value) != count:
        raise ValueError(f"{what} needs one value for each of {count} axes, not {len(value)}")
    return list(value)


def _axes(axes: Any, ndim: int) -> list[int]:
    found = range(ndim) if axes is None else [axes] if isinstance(axes, int) else axes
    return [a % ndim for a in found]


# ------------------------------------------------------------------ filters
def _windows(
    x: Any, size: Sequence[int], mode: str, cval: float, origin: Sequence[int]
) -> tuple[Any, tuple[int, ...]]:
    """Return the windows around each pixel, and which axes run over them."""
    widths = [(n // 2 + o, n - 1 - n // 2 - o) for n, o in zip(size, origin, strict=True)]
    if any(low < 0 or high < 0 for low, high in widths):
        raise ValueError("invalid origin")
    windows = sliding_window_view(_padded(x, widths, mode, cval), tuple(size))
    return windows, tuple(range(-len(size), 0))


def correlate1d(
    input: Any,
    weights: Any,
    axis: int = -1,
    *,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Any:
    """Return Σ_k w_k x_(i+k-n//2) along an axis."""
    x, w = np.moveaxis(floats(input), axis, -1), as_array(weights)
    n = np.size(w)
    low, high = n // 2 + origin, n - 1 - n // 2 - origin
    if low < 0 or high < 0:
        raise ValueError("invalid origin")
    wide = _padded(x, [(0, 0)] * (np.ndim(x) - 1) + [(low, high)], mode, cval)
    return np.moveaxis(np.matmul(sliding_window_view(wide, n, axis=-1), w), -1, axis)


def convolve1d(
    input: Any,
    weights: Any,
    axis: int = -1,
    *,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Any:
    """Return the correlation with the reversed weights, along an axis."""
    w = as_array(weights)
    origin = -origin - (np.size(w) + 1) % 2
    return correlate1d(input, w[::-1], axis, mode=mode, cval=cval, origin=origin)


def correlate(
    input: Any, weights: Any, *, mode: str = "reflect", cval: float = 0.0, origin: Any = 0
) -> Any:
    """Return the products of the windows with a kernel of as many axes.

    >>> correlate([[1.0, 2.0], [3.0, 4.0]], [[0.0, 1.0, 0.0]])
    array([[1., 2.],
           [3., 4.]])
    """
    x, w = floats(input), as_array(weights)
    if np.ndim(x) != np.ndim(w):
        raise ShapeMismatch(f"a kernel of shape {np.shape(w)} for an array of {np.ndim(x)} axes")
    windows, axes = _windows(x, np.shape(w), mode, cval, _each(origin, np.ndim(x), "origin"))
    return np.tensordot(windows, w, (axes, tuple(range(np.ndim(w)))))


def convolve(
    input: Any, weights: Any, *, mode: str = "reflect", cval: float = 0.0, origin: Any = 0
) -> Any:
    """Return the correlation with the kernel reversed along all axes."""
    w = as_array(weights)
    origins = [
        -o - (n + 1) % 2
        for o, n in zip(_each(origin, np.ndim(w), "origin"), np.shape(w), strict=True)
    ]
    return correlate(input, np.flip(w), mode=mode, cval=cval, origin=origins)


def gaussian_filter1d(
    input: Any,
    sigma: float,
    axis: int = -1,
    order: int = 0,
    *,
    mode: str = "reflect",
    cval: float = 0.0,
    truncate: float = 4.0,
    radius: int | None = None,
) -> Any:
    """Return the correlation with a Gaussian, or its derivative of an order.

    Where sigma varies, so do the weights, exp(-k²/(2 sigma²)) over their sum; how many there are
    is constant until truncate * sigma + ½ is a whole number, where the filter jumps.
    """
    reach = _reach(truncate * sigma + 0.5) if radius is None else radius
    k = np.arange(-reach, reach + 1) / sigma
    weights = f.exp(-0.5 * k * k)
    last, hermite = 0.0 * k, 1.0 + 0.0 * k
    for n in range(order):  # He_(n+1) = x He_n - n He_(n-1)
        last, hermite = hermite, k * hermite - n * last
    kernel = hermite * weights / (np.sum(weights) * sigma**order)
    return correlate1d(input, kernel, axis, mode=mode, cval=cval)


def _reach(x: Any) -> int:
    """Return the whole part of a value, which stays while it lies between the same numbers."""
    n = int(base(x))
    if is_operand(x) and not (n < x < n + 1):
        raise NonAnalyticError(f"the number of weights jumps where sigma gives {n}; move the point")
    return n


def uniform_filter1d(
    input: Any,
    size: int,
    axis: int = -1,
    *,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Any:
    """Return the mean of windows of that size."""
    kernel = np.full(size, 1 / size)
    return correlate1d(input, kernel, axis, mode=mode, cval=cval, origin=origin)


def gaussian_filter(
    input: Any,
    sigma: Any,
    order: Any = 0,
    *,
    mode: Any = "reflect",
    cval: float = 0.0,
    truncate: float = 4.0,
    radius: Any = None,
    axes: Any = None,
) -> Any:
    """Return `gaussian_filter1d` along all axes."""
    x = floats(input)
    along = _axes(axes, np.ndim(x))
    lists = [_each(v, len(along), "gaussian_filter") for v in (sigma, order, mode, radius)]
    for axis, s, o, m, r in zip(along, *lists, strict=True):
        if s > 1e-15:
            x = gaussian_filter1d(x, s, axis, o, mode=m, cval=cval, truncate=truncate, radius=r)
    return x


def uniform_filter(
    input: Any,
    size: Any = 3,
    *,
    mode: Any = "reflect",
    cval: float = 0.0,
    origin: Any = 0,
    axes: Any = None,
) -> Any:
    """Return `uniform_filter1d` along all axes."""
    x = floats(input)
    along = _axes(axes, np.ndim(x))
    lists = [_each(v, len(along), "uniform_filter") for v in (size, mode, origin)]
    for axis, n, m, o in zip(along, *lists, strict=True):
        x = uniform_filter1d(x, n, axis, mode=m, cval=cval, origin=o)
    return x


def _edges(name: str, smooth: list[float]) -> Callable[..., Any]:
    def edge(input: Any, axis: int = -1, *, mode: Any = "reflect", cval: float = 0.0) -> Any:
        x = floats(input)
        modes = _each(mode, np.ndim(x), name)
        for a in range(np.ndim(x)):
            kernel = [-1.0, 0.0, 1.0] if a == axis % np.ndim(x) else smooth
            x = correlate1d(x, kernel, a, mode=modes[a], cval=cval)
        return x

    edge.__name__ = edge.__qualname__ = name
    edge.__doc__ = f"Return scipy.ndimage.{name} of an array."
    return edge


sobel, prewitt = _edges("sobel", [1.0, 2.0, 1.0]), _edges("prewitt", [1.0, 1.0, 1.0])


def laplace(input: Any, *, mode: Any = "reflect", cval: float = 0.0) -> Any:
    """Return the sum of the second differences along all axes."""
    x = floats(input)
    modes = _each(mode, np.ndim(x), "laplace")
    parts = [correlate1d(x, [1.0, -2.0, 1.0], a, mode=m, cval=cval) for a, m in enumerate(modes)]
    return functools.reduce(np.add, parts)


def _gaussian_parts(x: Any, sigma: Any, order: int, options: dict[str, Any]) -> list[Any]:
    """Return the derivative of an order of the smoothed array along each axis."""
    units = np.eye(np.ndim(x), dtype=int) * order
    return [gaussian_filter(x, sigma, list(unit), **options) for unit in units]


def gaussian_laplace(input: Any, sigma: Any, **options: Any) -> Any:
    """Return the sum of second derivatives of the smoothed array."""
    return functools.reduce(np.add, _gaussian_parts(floats(input), sigma, 2, options))


def gaussian_gradient_magnitude(input: Any, sigma: Any, **options: Any) -> Any:
    """Return the length of the gradient of the smoothed array."""
    parts = _gaussian_parts(floats(input), sigma, 1, options)
    return f.sqrt(functools.reduce(np.add, [p * p for p in parts]))


def _ranked(name: str, rank: Callable[..., Any], count: int = 0) -> Callable[..., Any]:
    """Return the filter that takes rank(elements, *q) of windows; there are so many q."""

    def ranked(
        input: Any,
        *first: Any,
        size: Any = None,
        footprint: Any = None,
        mode: str = "reflect",
        cval: float = 0.0,
        origin: Any = 0,
    ) -> Any:
        x, q = floats(input), first[:count]
        size = first[count] if len(first) > count else size
        if footprint is not None:
            size = np.shape(footprint)
        if size is None:
            raise RuntimeError("no footprint or filter size provided")
        sizes = _each(size, np.ndim(x), name)
        windows, _ = _windows(x, sizes, mode, cval, _each(origin, np.ndim(x), name))
        flat = np.reshape(windows, (*np.shape(x), math.prod(sizes)))
        if footprint is not None:
            flat = flat[..., np.flatnonzero(footprint)]
        return rank(flat, *q)

    ranked.__name__ = ranked.__qualname__ = name
    ranked.__doc__ = f"Return scipy.ndimage.{name} of an array."
    return ranked


maximum_filter = _ranked("maximum_filter", lambda w: np.max(w, axis=-1))
minimum_filter = _ranked("minimum_filter", lambda w: np.min(w, axis=-1))


def _of_rank(w: Any, k: int) -> Any:
    return np.sort(w, axis=-1)[..., k]


median_filter = _ranked("median_filter", lambda w: _of_rank(w, np.shape(w)[-1] // 2))


def _percentile(w: Any, percentile: float) -> Any:
    n = np.shape(w)[-1]
    percentile = percentile + 100.0 if percentile < 0 else percentile
    return _of_rank(w, n - 1 if percentile == 100.0 else int(n * percentile / 100.0))


percentile_filter = _ranked("percentile_filter", _percentile, 1)


rank_filter = _ranked("rank_filter", _of_rank, 1)


def _along_axis(name: str, of: Callable[..., Any]) -> Callable[..., Any]:
    def alone(
        input: Any, size: int, axis: int = -1, *, mode: str = "reflect", cval: float = 0.0,
        origin: int = 0,
    ) -> Any:  # fmt: skip
        places = [0] * np.ndim(input)
        places[axis] = origin
        sizes = [1] * np.ndim(input)
        sizes[axis] = size
        return of(input, size=tuple(sizes), mode=mode, cval=cval, origin=tuple(places))

    alone.__name__ = alone.__qualname__ = name
    alone.__doc__ = f"Return scipy.ndimage.{name} along an axis of an array."
    return alone


maximum_filter1d = _along_axis("maximum_filter1d", maximum_filter)
minimum_filter1d = _along_axis("minimum_filter1d", minimum_filter)


# ------------------------------------------------------------------ shapes in grey
def _flat(name: str, of: Callable[..., Any]) -> Callable[..., Any]:
    """Return what is made of dilations and erosions by windows of odd sizes."""
    theirs = getattr(scipy.ndimage, name)

    def made(input: Any, size: Any = None, *more: Any, mode: str = "reflect", cval: float = 0.0,
             **named: Any) -> Any:  # fmt: skip
        if not varies(input):
            return theirs(input, size, *more, mode=mode, cval=cval, **named)
        if size is None or more or named or not np.all(np.asarray(size) % 2):
            raise TypeError(f"{name} of what varies takes an odd size, mode and cval")
        given = {"size": size, "mode": mode, "cval": cval}
        wide, narrow = (functools.partial(g, **given) for g in (maximum_filter, minimum_filter))
        return of(floats(input), wide, narrow)

    made.__name__ = made.__qualname__ = name
    made.__doc__ = f"Return scipy.ndimage.{name} of an array by windows of a size."
    return made


grey_dilation = _flat("grey_dilation", lambda x, wide, narrow: wide(x))
grey_erosion = _flat("grey_erosion", lambda x, wide, narrow: narrow(x))
grey_opening = _flat("grey_opening", lambda x, wide, narrow: wide(narrow(x)))
grey_closing = _flat("grey_closing", lambda x, wide, narrow: narrow(wide(x)))
white_tophat = _flat("white_tophat", lambda x, wide, narrow: x - wide(narrow(x)))
black_tophat = _flat("black_tophat", lambda x, wide, narrow: narrow(wide(x)) - x)
morphological_gradient = _flat(
    "morphological_gradient", lambda x, wide, narrow: wide(x) - narrow(x)
)


# ------------------------------------------------------------------ Fourier transforms
def _damped(name: str) -> Callable[..., Any]:
    """Return a filter of a Fourier transform, which multiplies each coefficient by a number."""
    theirs = getattr(scipy.ndimage, name)

    def filtered(input: Any, by: Any, n: int = -1, axis: int = -1) -> Any:
        x = floats(input)
        kind = complex if is_complex(x) or name == "fourier_shift" else float
        return x * theirs(np.ones(np.shape(x), kind), by, n, axis)

    filtered.__name__ = filtered.__qualname__ = name
    filtered.__doc__ = f"Return scipy.ndimage.{name} of a Fourier transform; the second is plain."
    return filtered


fourier_ellipsoid = _damped("fourier_ellipsoid")
fourier_gaussian = _damped("fourier_gaussian")
fourier_shift = _damped("fourier_shift")
fourier_uniform = _damped("fourier_uniform")


# ------------------------------------------------------------------ interpolation
SPLINE_MODES = ("constant", "mirror", "reflect", "grid-mirror", "grid-wrap", "nearest")


@functools.cache
def _pieces(order: int) -> Any:
    """Return the polynomials of the B-splines of an order, one row for each neighbour."""
    basis = scipy.interpolate.BSpline.basis_element(np.arange(order + 2.0))
    rows = [basis(np.arange(order + 1.0), nu=m) / math.factorial(m) for m in range(order + 1)]
    return np.stack(rows, axis=1)[::-1]


def spline_filter1d(input: Any, order: int = 3, axis: int = -1, *, mode: str = "mirror") -> Any:
    """Return the coefficients of the spline along an axis: a matrix, of which SciPy says what."""
    x = floats(input)
    if order < 2 or np.shape(x)[axis] == 1:
        return x
    matrix = scipy.ndimage.spline_filter1d(np.eye(np.shape(x)[axis]), order, axis=0, mode=mode)
    return np.moveaxis(np.tensordot(x, matrix, ((axis,), (1,))), -1, axis)


def spline_filter(input: Any, order: int = 3, *, mode: str = "mirror") -> Any:
    """Return `spline_filter1d` along all axes."""
    x = floats(input)
    for axis in range(np.ndim(x)):
        x = spline_filter1d(x, order, axis, mode=mode)
    return x


def _inside(i: Any, n: int, mode: str) -> Any:
    """Return the positions of coefficients that lie outside of 0..n-1."""
    if mode == "grid-wrap":
        return i % n
    if mode in ("reflect", "grid-mirror"):
        i = i % (2 * n)
        return np.where(i < n, i, 2 * n - 1 - i)
    if n == 1:
        return 0 * i
    i = i % (2 * n - 2)
    return np.where(i < n, i, 2 * n - 2 - i)


def map_coordinates(
    input: Any,
    coordinates: Any,
    order: int = 3,
    *,
    mode: str = "constant",
    cval: float = 0.0,
    prefilter: bool = True,
) -> Any:
    """Return the spline through the pixels at coordinates, which stand along their first axis.

    mode: constant (cval outside), mirror, reflect, grid-mirror, grid-wrap, nearest.
    """
    x, at = floats(input), floats(coordinates)
    if not 0 <= order <= 5:
        raise RuntimeError("spline order not supported")
    if mode not in SPLINE_MODES:
        raise ValueError(f"mode is one of {', '.join(SPLINE_MODES)} here, not {mode!r}")
    if np.shape(at)[:1] != (np.ndim(x),):
        raise ShapeMismatch(
            f"coordinates of shape {np.shape(at)} for an image of {np.ndim(x)} axes"
        )
    shape, extra = np.shape(x), 0
    outside: Any = False
    if mode == "constant":
        for u, n in zip(at, shape, strict=True):
            outside = outside | np.asarray((u < 0) | (u > n - 1))
    if mode == "nearest":
        at = np.stack([np.clip(u, 0, n - 1) for u, n in zip(at, shape, strict=True)])
        extra = 12 if order > 1 else 0  # as SciPy does: pixels repeat, then are mirrored
        x, at = np.pad(x, extra, mode="edge"), at + extra
    if prefilter:
        extended = mode if mode in ("reflect", "grid-mirror", "grid-wrap") else "mirror"
        x = spline_filter(x, order, mode=extended)
    y = _spline(x, at, order, mode)
    return np.where(outside, cval, y) if np.any(outside) else y


def _floor(u: Any) -> Any:
    """Return the whole numbers below, as positions: constant between two of them."""
    if not is_operand(u):
        return np.floor(u).astype(int)
    plain = np.asarray(base(u))
    grid = np.arange(np.floor(plain.min(initial=0.0)), plain.max(initial=0.0) + 2)
    return np.asarray(np.searchsorted(grid, u, side="right")) - 1 + int(grid[0])


def _spline(c: Any, at: Any, order: int, mode: str) -> Any:
    """Return Σ c_ij B(u - i) B(v - j) of coefficients at points."""
    sides = []
    for u, n in zip(at, np.shape(c), strict=True):
        half = 0.0 if order % 2 else 0.5
        first = _floor(u + half)
        t = u - first + half
        weights = [np.polyval(row[::-1], t) if order else 1.0 for row in _pieces(order)]
        places = [_inside(first + k - order // 2, n, mode) for k in range(order + 1)]
        sides.append(list(zip(places, weights, strict=True)))
    total: Any = 0.0
    for corner in itertools.product(*sides):
        weight = math.prod((w for _, w in corner[1:]), start=corner[0][1])
        total = total + weight * c[tuple(i for i, _ in corner)]
    return total


def affine_transform(
    input: Any,
    matrix: Any,
    offset: Any = 0.0,
    output_shape: Any = None,
    *,
    order: int = 3,
    **options: Any,
) -> Any:
    """Return the pixels at matrix @ o + offset for each position o; a vector is a diagonal."""
    x, m = floats(input), as_array(matrix)
    n = np.ndim(x)
    if np.ndim(m) == 2 and np.shape(m)[1] == n + 1:
        m, offset = m[:n, :n], m[:n, n]
    m = np.diag(m) if np.ndim(m) == 1 else m
    shape = np.shape(x) if output_shape is None else tuple(output_shape)
    o = np.indices(shape).reshape(n, -1).astype(float)
    by = as_array(offset)
    moved = np.matmul(m, o) + (np.reshape(by, (n, 1)) if np.ndim(by) else by)
    return np.reshape(map_coordinates(x, moved, order, **options), shape)


def shift(input: Any, shift: Any, *, order: int = 3, **options: Any) -> Any:
    """Return the image moved by a number of pixels along each axis, which may vary."""
    x, by = floats(input), as_array(shift)
    by = by if np.ndim(by) else np.stack([by] * np.ndim(x))
    return affine_transform(x, np.ones(np.ndim(x)), -by, order=order, **options)


def zoom(input: Any, zoom: Any, *, order: int = 3, grid_mode: bool = False, **options: Any) -> Any:
    """Return the image with its first and last pixels at the ends of a finer or coarser grid."""
    if grid_mode:
        raise TypeError("zoom takes no grid_mode here; use affine_transform")
    x = floats(input)
    factors = _each(zoom, np.ndim(x), "zoom")
    shape = tuple(round(n * z) for n, z in zip(np.shape(x), factors, strict=True))
    steps = [(n - 1) / (m - 1) if m > 1 else 1.0 for n, m in zip(np.shape(x), shape, strict=True)]
    return affine_transform(x, np.array(steps), 0.0, shape, order=order, **options)


def rotate(
    input: Any,
    angle: Any,
    axes: tuple[int, int] = (1, 0),
    reshape: bool = True,
    *,
    order: int = 3,
    **options: Any,
) -> Any:
    """Return a matrix turned by an angle in degrees, which may vary unless the shape follows it."""
    x = floats(input)
    if np.ndim(x) != 2:
        raise ShapeMismatch(f"rotate takes matrices here, not shape {np.shape(x)}")
    if reshape and is_operand(as_array(angle)):
        raise TypeError("rotate by an angle that varies needs reshape=False")
    c, s = special.cosdg(angle), special.sindg(angle)
    turn = [[c, s], [-s, c]] if axes[0] % 2 > axes[1] % 2 else [[c, -s], [s, c]]
    matrix = np.stack([np.stack([as_array(e) for e in row]) for row in turn])
    size = np.array(np.shape(x))
    shape = size
    if reshape:
        corners = np.asarray(matrix) @ [[0, 0, size[0], size[0]], [0, size[1], 0, size[1]]]
        shape = (np.ptp(corners, axis=1) + 0.5).astype(int)
    middle = np.matmul(matrix, (shape - 1) / 2.0)
    return affine_transform(
        x, matrix, (size - 1) / 2.0 - middle, tuple(shape), order=order, **options
    )


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
