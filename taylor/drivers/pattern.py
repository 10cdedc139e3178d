"""Where the Jacobian of a program can be non-zero, by boolean matrices.

Row e of the matrix of a variable holds the input elements that its element e depends on.  A linear
map y = S x has the pattern of S times that of x; what acts element by element unites its arguments;
a piecewise constant function passes nothing on.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from taylor.core.program import Program

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Array = Any
Shape = tuple[int, ...]


def matrices() -> Any:
    """Return scipy.sparse, which holds the patterns and the results."""
    try:
        from scipy import sparse
    except ImportError as error:
        raise ImportError("sparse derivatives need SciPy: python -m pip install scipy") from error
    return sparse


def jacobian_pattern(
    program: Program, inputs: Sequence[int] | None = None, outputs: Sequence[int] | None = None
) -> tuple[Array, Array]:
    """Return (rows, cols), sorted: where the Jacobian of a recorded program can be non-zero.

    Rows count the elements of the outputs, columns those of the inputs, one after the other;
    `inputs` and `outputs` pick some of them by position (inputs left out are constants).  The
    pattern holds for all points at which the guards of the program hold; both sides of a recorded
    choice (np.where, maximum) count.

    >>> from taylor import record
    >>> rows, cols = jacobian_pattern(record(lambda x: x[1:] * x[0], np.ones(3)))
    >>> rows.tolist(), cols.tolist()
    ([0, 0, 1, 1], [0, 1, 0, 2])
    """
    inputs = range(len(program.inputs)) if inputs is None else inputs
    outputs = range(len(program.outputs)) if outputs is None else outputs
    wanted = [program.outputs[j] for j in outputs]
    sizes = [_size(program.code[program.inputs[j]].shape) for j in inputs]
    first = dict(zip(inputs, itertools.accumulate([0, *sizes]), strict=False))
    n = sum(sizes)
    last = _last_use(program, wanted)
    found: dict[int, csr_array] = {}
    for i, (op, args, param, shape) in enumerate(program.code):
        if i not in last:
            continue
        size = _size(shape)
        if op == "input" and param in first:
            found[i] = _ones(np.arange(size), np.arange(size) + first[param], (size, n))
        elif not any(found[a].nnz for a in args):
            found[i] = _ones([], [], (size, n))
        else:
            shapes = [program.code[a].shape for a in args]
            found[i] = _propagated(op, param, [found[a] for a in args], shapes, shape)
        for a in set(args):
            if last[a] == i:
                del found[a]
    joined = matrices().vstack([found[i] for i in wanted], format="csr")
    joined.sort_indices()
    return np.repeat(np.arange(joined.shape[0]), np.diff(joined.indptr)), joined.indices.astype(int)


def _last_use(program: Program, wanted: Sequence[int]) -> dict[int, int]:
    """Return, for the instructions the wanted ones need, the last instruction that reads them."""
    last = dict.fromkeys(wanted, len(program.code))
    for i in range(len(program.code) - 1, -1, -1):
        if i in last:
            for a in program.code[i].args:
                last.setdefault(a, i)
    return last


def _propagated(
    op: str, param: Any, x: list[csr_array], shapes: list[Shape], shape: Shape
) -> csr_array:
    """Return the pattern of one instruction from those of its arguments."""
    if op == "linear":
        return LINEAR[param.kind](param.data, x, shapes, shape)
    if op == "einsum":
        terms, out = param.split("->")
        return _union(
            _reduced(p, s, term, out, _lengths(terms, shapes))
            for p, s, term in zip(x, shapes, terms.split(","), strict=True)
        )
    if op == "call":
        used = np.unique(np.concatenate([p.indices for p in x]))
        at = np.arange(_size(shape))
        return _ones(np.repeat(at, len(used)), np.tile(used, len(at)), (len(at), x[0].shape[1]))
    if op == "elementary" and param.jumps is not None:
        return _ones([], [], (_size(shape), x[0].shape[1]))
    if op not in ("add", "mul", "div", "choose", "elementary"):
        raise ValueError(f"the dependences of instruction {op!r} are not known")
    sides = list(zip(x, shapes, strict=True))[2 if op == "choose" else 0 :]
    return _union(_broadcast(p, s, shape) for p, s in sides)


def _gather(index: Array, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
    return _taken(index, matrices().vstack(x, format="csr"))


def _scatter(data: Any, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
    return _moved(x[0], data[0], shape)


def _reshape(data: Any, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
    return x[0]


def _sum(axes: Any, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
    kept = tuple(1 if i in axes else n for i, n in enumerate(shapes[0]))
    return _moved(x[0], np.broadcast_to(_positions(kept), shapes[0]), shape)


def _cumsum(axis: int, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
    """Return the pattern of the running sum along an axis (Hillis & Steele, 1986)."""
    y, at, shift = x[0], _positions(shape), 1
    while shift < shape[axis]:
        index = np.full(shape, -1)
        low: list[Any] = [slice(None)] * len(shape)
        low[axis] = slice(shift, None)
        index[tuple(low)] = np.delete(at, np.s_[shape[axis] - shift :], axis)
        y = y + _taken(index, y)
        shift *= 2
    return y


def _scale(c: Any, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
    y = _broadcast(x[0], shapes[0], shape)
    if not isinstance(c, np.ndarray) or c.dtype.kind not in "iufc" or c.all():
        return y
    used = np.flatnonzero(np.broadcast_to(c, shape))
    return _ones(used, used, (y.shape[0], y.shape[0])) @ y


def _contracted(data: Any, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
    """Return the pattern of einsum(spec, c, x): only non-zeros of the constant c count."""
    spec, c = data
    terms, out = spec.split("->")
    first, term = terms.split(",")
    sizes = _lengths(terms, [np.shape(c), shapes[0]])
    used = np.nonzero(c) if isinstance(c, np.ndarray) and c.ndim else None
    if used is None or len(used[0]) == c.size:
        return _reduced(x[0], shapes[0], term, out, sizes)
    place = dict(zip(first, used, strict=True))
    same = np.ones(len(used[0]), dtype=bool)
    for letter, i in zip(first, used, strict=True):
        same &= place[letter] == i
    free = "".join(dict.fromkeys(letter for letter in term if letter not in first))
    grid = {e: np.repeat(i[same], _count(free, sizes)) for e, i in place.items()}
    grid |= {e: np.tile(i, np.count_nonzero(same)) for e, i in _grid(free, sizes).items()}
    source, target = _ravel(grid, term, sizes), _ravel(grid, out, sizes)
    return _ones(target, source, (_size(shape), x[0].shape[0])) @ x[0]


LINEAR: dict[str, Callable[[Any, list[csr_array], list[Shape], Shape], csr_array]] = {
    "gather": _gather, "scatter": _scatter, "reshape": _reshape, "sum": _sum, "cumsum": _cumsum,
    "scale": _scale, "einsum": _contracted,
}  # fmt: skip


# ------------------------------------------------------------------ boolean matrices
def _ones(rows: Any, cols: Any, shape: tuple[int, int]) -> csr_array:
    """Return the matrix with ones at these places."""
    at = (np.asarray(rows, dtype=int), np.asarray(cols, dtype=int))
    return matrices().csr_array((np.ones(len(at[0]), dtype=bool), at), shape=shape)


def _taken(index: Array, x: csr_array) -> csr_array:
    """Return the pattern of y with y.flat[i] = x.flat[index.flat[i]] (-1: the constant zero)."""
    flat = np.ravel(index)
    target = np.flatnonzero(flat >= 0)
    return _ones(target, flat[target], (len(flat), x.shape[0])) @ x


def _moved(x: csr_array, index: Array, shape: Shape) -> csr_array:
    """Return the pattern of y, of that shape, with y.flat[index[i]] += x.flat[i] (-1: dropped)."""
    flat = np.ravel(index)
    source = np.flatnonzero(flat >= 0)
    return _ones(flat[source], source, (_size(shape), x.shape[0])) @ x


def _broadcast(x: csr_array, shape: Shape, to: Shape) -> csr_array:
    return x if shape == to else _taken(np.broadcast_to(_positions(shape), to), x)


def _union(patterns: Any) -> csr_array:
    first, *others = patterns
    for p in others:
        first = first + p
    return first


def _reduced(x: csr_array, shape: Shape, term: str, out: str, sizes: dict[str, int]) -> csr_array:
    """Return the pattern of einsum(term, ... -> out) from one operand, the other without zeros."""
    letters = "".join(dict.fromkeys(term))
    kept = "".join(c for c in out if c in letters)
    grid = _grid(letters, sizes)
    source, target = _ravel(grid, term, sizes), _ravel(grid, kept, sizes)
    y = _ones(target, source, (_count(kept, sizes), x.shape[0])) @ x
    return _taken(_ravel(_grid(out, sizes), kept, sizes), y)


# ------------------------------------------------------------------ positions in arrays
def _size(shape: Shape) -> int:
    return int(np.prod(shape, dtype=int))


def _positions(shape: Shape) -> Array:
    return np.arange(_size(shape)).reshape(shape)


def _lengths(terms: str, shapes: Sequence[Shape]) -> dict[str, int]:
    """Return the length of the axis of every letter."""
    pairs = zip(terms.split(","), shapes, strict=True)
    return {c: n for term, shape in pairs for c, n in zip(term, shape, strict=True)}


def _count(letters: str, sizes: dict[str, int]) -> int:
    return _size(tuple(sizes[c] for c in letters))


def _grid(letters: str, sizes: dict[str, int]) -> dict[str, Array]:
    """Return, for every letter, its index at each position of an array with these axes."""
    lengths = tuple(sizes[c] for c in letters)
    indices = np.indices(lengths).reshape(len(letters), _size(lengths))
    return dict(zip(letters, indices, strict=True)) or {"": np.zeros(1, dtype=int)}


def _ravel(grid: dict[str, Array], letters: str, sizes: dict[str, int]) -> Array:
    """Return the flat position of the element with these lettered indices."""
    flat = np.zeros(len(next(iter(grid.values()))), dtype=int)
    for c in letters:
        flat = flat * sizes[c] + grid[c]
    return flat
