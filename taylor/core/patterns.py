"""Patterns: which elements of an array depend on which, as boolean matrices.

Row e of the matrix of a variable holds the input elements that its element e depends on.  A linear
map y = S x has the pattern of S times that of x; what acts element by element unites its arguments.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from taylor.numbers.kinds import Array

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Shape = tuple[int, ...]


def matrices() -> Any:
    """Return scipy.sparse, which holds the patterns and the results."""
    try:
        from scipy import sparse
    except ImportError as error:
        raise ImportError("sparse derivatives need SciPy: python -m pip install scipy") from error
    return sparse


def scipy_before(version: str) -> bool:
    """Whether SciPy is older than this version."""
    import scipy

    return bool(np.lib.NumpyVersion(scipy.__version__) < version)


def ones(rows: Any, cols: Any, shape: tuple[int, int]) -> csr_array:
    """Return the matrix with ones at these places."""
    at = (np.asarray(rows, dtype=int), np.asarray(cols, dtype=int))
    return matrices().csr_array((np.ones(len(at[0]), dtype=bool), at), shape=shape)


def taken(index: Array, x: csr_array) -> csr_array:
    """Return the pattern of y with y.flat[i] = x.flat[index.flat[i]] (-1: the constant zero)."""
    flat = np.ravel(index)
    target = np.flatnonzero(flat >= 0)
    return ones(target, flat[target], (len(flat), x.shape[0])) @ x


def moved(x: csr_array, index: Array, shape: Shape) -> csr_array:
    """Return the pattern of y, of that shape, with y.flat[index[i]] += x.flat[i] (-1: dropped)."""
    flat = np.ravel(index)
    source = np.flatnonzero(flat >= 0)
    return ones(flat[source], source, (math.prod(shape), x.shape[0])) @ x


def broadcast(x: csr_array, shape: Shape, to: Shape) -> csr_array:
    return x if shape == to else taken(np.broadcast_to(positions(shape), to), x)


def union(patterns: Iterable[csr_array]) -> csr_array:
    first, *others = patterns
    for p in others:
        first = first + p
    return first


def reduced(x: csr_array, shape: Shape, term: str, out: str, sizes: dict[str, int]) -> csr_array:
    """Return the pattern of einsum(term, ... -> out) from one operand, the other without zeros."""
    letters = "".join(dict.fromkeys(term))
    kept = "".join(c for c in out if c in letters)
    grid = _grid(letters, sizes)
    source, target = _ravel(grid, term, sizes), _ravel(grid, kept, sizes)
    y = ones(target, source, (_count(kept, sizes), x.shape[0])) @ x
    return taken(_ravel(_grid(out, sizes), kept, sizes), y)


def running(x: csr_array, axis: int, shape: Shape) -> csr_array:
    """Return the pattern of the running sum along an axis (Hillis & Steele, 1986)."""
    y, at, shift = x, positions(shape), 1
    while shift < shape[axis]:
        index = np.full(shape, -1)
        low: list[Any] = [slice(None)] * len(shape)
        low[axis] = slice(shift, None)
        index[tuple(low)] = np.delete(at, np.s_[shape[axis] - shift :], axis)
        y = y + taken(index, y)
        shift *= 2
    return y


def contracted(x: csr_array, spec: str, c: Any, own: Shape, shape: Shape) -> csr_array:
    """Return the pattern of einsum(spec, c, x): only non-zeros of the constant c count."""
    terms, out = spec.split("->")
    first, term = terms.split(",")
    sizes = lengths(terms, [np.shape(c), own])
    used = np.nonzero(c) if isinstance(c, np.ndarray) and c.ndim else None
    if used is None or len(used[0]) == c.size:
        return reduced(x, own, term, out, sizes)
    place = dict(zip(first, used, strict=True))
    same = np.ones(len(used[0]), dtype=bool)
    for letter, i in zip(first, used, strict=True):
        same &= place[letter] == i
    free = "".join(dict.fromkeys(letter for letter in term if letter not in first))
    grid = {e: np.repeat(i[same], _count(free, sizes)) for e, i in place.items()}
    grid |= {e: np.tile(i, np.count_nonzero(same)) for e, i in _grid(free, sizes).items()}
    source, target = _ravel(grid, term, sizes), _ravel(grid, out, sizes)
    return ones(target, source, (math.prod(shape), x.shape[0])) @ x


# ------------------------------------------------------------------ positions in arrays
def positions(shape: Shape) -> Array:
    return np.arange(math.prod(shape)).reshape(shape)


def lengths(terms: str, shapes: Sequence[Shape]) -> dict[str, int]:
    """Return the length of the axis of every letter."""
    pairs = zip(terms.split(","), shapes, strict=True)
    return {c: n for term, shape in pairs for c, n in zip(term, shape, strict=True)}


@functools.lru_cache(maxsize=1024)
def contracted_shape(spec: str, *shapes: Shape) -> Shape:
    """Return the shape of einsum(spec) of arrays of these shapes."""
    terms, out = spec.split("->")
    sizes = lengths(terms, shapes)
    return tuple([sizes[c] for c in out])


def multiplies(spec: str, shapes: Sequence[Shape], least: int) -> bool:
    """Whether einsum(spec) multiplies two matrices, with at least so many products of numbers."""
    terms, out = spec.split("->")
    x, y = (set(names) for names in terms.split(","))
    sizes = lengths(terms, shapes)
    kinds = (x - y, y - x, (x & y) - set(out))  # rows, columns, what is summed over
    long = all(math.prod(sizes[c] for c in some) > 1 for some in kinds)
    return long and math.prod(sizes.values()) >= least


def _count(letters: str, sizes: dict[str, int]) -> int:
    return math.prod(sizes[c] for c in letters)


def _grid(letters: str, sizes: dict[str, int]) -> dict[str, Array]:
    """Return, for every letter, its index at each position of an array with these axes."""
    lengths = tuple(sizes[c] for c in letters)
    indices = np.indices(lengths).reshape(len(letters), math.prod(lengths))
    return dict(zip(letters, indices, strict=True)) or {"": np.zeros(1, dtype=int)}


def _ravel(grid: dict[str, Array], letters: str, sizes: dict[str, int]) -> Array:
    """Return the flat position of the element with these lettered indices."""
    flat = np.zeros(len(next(iter(grid.values()))), dtype=int)
    for c in letters:
        flat = flat * sizes[c] + grid[c]
    return flat
