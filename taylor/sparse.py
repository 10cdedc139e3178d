"""Sparse Jacobians and Hessians: which entries can be non-zero, and how few products show them all.

A derivative matrix with known zeros is computed in three steps (Gebremedhin, Manne & Pothen, *What
color is your Jacobian?*, SIAM Review 47, 2005):

1. **pattern**: propagate through the recorded program, for every element of every variable, the set
   of input elements it depends on;
2. **colouring**: columns that share no row may be added up in one product J·s, s = Σ e_j over one
   colour.  For a Jacobian that is a distance-2 colouring (Curtis, Powell & Reid, 1974), of columns
   for J·s or of rows for w·J.  A Hessian is symmetric, h_ij may be read off as h_ji, and a *star
   colouring* is enough: neighbours differ and no path of four vertices has two colours only;
3. **recovery**: every entry is one entry of one product (direct recovery, no equations to solve).

The products are one sweep of the program (of the gradient program, for a Hessian) in the algebra
of order 1 with one variable for each colour; those of a compiled function are machine code.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from taylor import kinks
from taylor.algebra import multivariate
from taylor.drivers import hvp, vjp
from taylor.errors import DomainError, GuardError, ShapeMismatch
from taylor.expand import expand
from taylor.forward_mode import fast, table_along
from taylor.program import Program, record
from taylor.sweep import sweep
from taylor.transform import products, reverse
from taylor.values import as_array, current_policy, is_operand, policy

Array = Any
Function = Callable[..., Any]
BLOCK = 1 << 23  # dependences handled at once
MAX_LANES = 1 << 23  # elements of one compressed table
LANES = 8  # products that machine code computes at a time


class Coo(NamedTuple):
    """A sparse matrix without SciPy: entry (rows[k], cols[k]) is values[k], all others are zero.

    >>> Coo(np.array([0, 1]), np.array([1, 0]), np.array([5.0, 6.0]), (2, 2)).toarray()
    array([[0., 5.],
           [6., 0.]])
    """

    rows: Array
    cols: Array
    values: Array
    shape: tuple[int, int]

    def toarray(self) -> Array:
        """Return the dense matrix."""
        dense = np.zeros(self.shape, dtype=self.values.dtype)
        dense[self.rows, self.cols] = self.values
        return dense


# ------------------------------------------------------------------ sets of dependences
class Dependence:
    """Sets of pairs (element, input), each coded as element·n + input in a sorted array.

    n is the number of input elements.  All operations are whole-array operations, linear (up to a
    sort) in the number of pairs.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self.none = np.zeros(0, dtype=np.int64)

    def unique(self, codes: Array, size: int) -> Array:
        """Return the codes (of pairs with element < size) sorted, each once."""
        bound = size * self.n
        if bound <= 4 * len(codes):
            mark = np.zeros(bound, dtype=bool)
            mark[codes] = True
            return np.flatnonzero(mark)
        codes = np.sort(codes, kind="stable")
        return codes[np.concatenate([[True], codes[1:] != codes[:-1]])] if len(codes) else codes

    def union(self, x: Array, y: Array, size: int) -> Array:
        """Return the pairs of x and of y."""
        if len(x) == 0 or len(y) == 0 or x is y:
            return x if len(x) else y
        if len(x) == len(y) and np.array_equal(x, y):
            return x
        return self.unique(np.concatenate([x, y]), size)

    def taken(self, x: Array, source: Array, target: Array) -> Iterator[Array]:
        """Yield the codes of (target[i], input) for every i and every input of element source[i].

        Codes come in blocks of bounded size, in the order of i.
        """
        starts = np.searchsorted(x, source * self.n)
        counts = np.searchsorted(x, (source + 1) * self.n) - starts
        ends = np.cumsum(counts)
        lo = 0
        while lo < len(source):
            before = int(ends[lo - 1]) if lo else 0
            hi = max(lo + 1, int(np.searchsorted(ends, before + BLOCK, side="right")))
            part = slice(lo, hi)
            spot = starts[part] - (ends[part] - counts[part] - before)
            at = np.arange(int(ends[hi - 1]) - before) + np.repeat(spot, counts[part])
            yield x[at] + np.repeat((target[part] - source[part]) * self.n, counts[part])
            lo = hi

    def gather(self, x: Array, index: Array) -> Array:
        """Return the sets of y with y.flat[i] = x.flat[index.flat[i]] (-1: the constant zero)."""
        if len(x) == 0:
            return x
        flat = np.ravel(index)
        target = np.flatnonzero(flat >= 0)
        return self._joined(list(self.taken(x, flat[target], target)))

    def mapped(self, x: Array, source: Array, target: Array, size: int) -> Array:
        """Return the sets of y, of that size: y.flat[target[i]] depends on x.flat[source[i]]."""
        out = self.none
        if len(x):
            for codes in self.taken(x, source, target):
                out = self.unique(np.concatenate([out, codes]) if len(out) else codes, size)
        return out

    def moved(self, x: Array, target: Array, size: int) -> Array:
        """Return the sets of y, y.flat[target[i]] += x.flat[i] (-1: dropped)."""
        if len(x) == 0:
            return x
        element = x // self.n
        to = target[element]
        kept = slice(None) if target.min() >= 0 else to >= 0
        return self.unique((x + (to - element) * self.n)[kept], size)

    def broadcast(self, x: Array, shape: tuple[int, ...], to: tuple[int, ...]) -> Array:
        """Return the sets of x, of that shape, broadcast to another shape."""
        if shape == to or len(x) == 0:
            return x
        return self.gather(x, np.broadcast_to(_positions(shape), to))

    def running(self, x: Array, shape: tuple[int, ...], axis: int) -> Array:
        """Return the sets of the running sum of x along an axis (Hillis & Steele, 1986)."""
        at = _positions(shape)
        size, length, shift = at.size, shape[axis], 1
        while shift < length and len(x):
            low = [slice(None)] * len(shape)
            index = np.full(shape, -1)
            low[axis] = slice(shift, None)
            index[tuple(low)] = np.delete(at, np.s_[length - shift :], axis)
            x = self.union(x, self.gather(x, index), size)
            shift *= 2
        return x

    def reduced(self, x: Array, shape: tuple[int, ...], term: str, out: str, sizes: Any) -> Array:
        """Return the sets of einsum(term..., -> out) from one operand, the other without zeros."""
        if len(x) == 0:
            return x
        letters = "".join(dict.fromkeys(term))
        kept = "".join(c for c in out if c in letters)
        grid = _grid(letters, sizes)
        source, target = _ravel(grid, term, sizes), _ravel(grid, kept, sizes)
        y = self.mapped(x, source, target, _size(kept, sizes))
        return self.gather(y, _ravel(_grid(out, sizes), kept, sizes))

    def contracted(self, x: Array, spec: str, constant: Any, shape: tuple[int, ...]) -> Array:
        """Return the sets of einsum(spec, constant, x): only non-zeros of the constant count."""
        if len(x) == 0:
            return x
        terms, out = spec.split("->")
        first, term = terms.split(",")
        sizes = dict(zip(first, np.shape(constant), strict=True)) | dict(
            zip(term, shape, strict=True)
        )
        used = np.nonzero(constant) if isinstance(constant, np.ndarray) else None
        if used is None or len(used) == 0 or len(used[0]) == constant.size:
            return self.reduced(x, shape, term, out, sizes)
        place = dict(zip(first, used, strict=True))
        same = np.ones(len(used[0]), dtype=bool)
        for c, i in zip(first, used, strict=True):
            same &= place[c] == i
        free = "".join(dict.fromkeys(c for c in term if c not in first))
        others, found = _size(free, sizes), np.count_nonzero(same)
        grid = {c: np.repeat(i[same], others) for c, i in place.items()}
        grid |= {c: np.tile(i, found) for c, i in _grid(free, sizes).items()}
        source, target = _ravel(grid, term, sizes), _ravel(grid, out, sizes)
        return self.mapped(x, source, target, _size(out, sizes))

    def _joined(self, parts: list[Array]) -> Array:
        return parts[0] if len(parts) == 1 else np.concatenate([self.none, *parts])


def _positions(shape: tuple[int, ...]) -> Array:
    return np.arange(int(np.prod(shape, dtype=int))).reshape(shape)


def _size(letters: str, sizes: dict[str, int]) -> int:
    return int(np.prod([sizes[c] for c in letters], dtype=int))


def _grid(letters: str, sizes: dict[str, int]) -> dict[str, Array]:
    """Return, for every letter, its index at each position of an array with these axes."""
    flat = np.arange(_size(letters, sizes))
    grid = {}
    for c in reversed(letters):
        grid[c] = flat % sizes[c]
        flat = flat // sizes[c]
    return grid or {"": flat}


def _ravel(grid: dict[str, Array], letters: str, sizes: dict[str, int]) -> Array:
    """Return the flat position of the element with these lettered indices."""
    flat = np.zeros(len(next(iter(grid.values()))), dtype=np.int64)
    for c in letters:
        flat = flat * sizes[c] + grid[c]
    return flat


def jacobian_pattern(
    program: Program, inputs: Sequence[int] | None = None, outputs: Sequence[int] | None = None
) -> tuple[Array, Array]:
    """Return (rows, cols), sorted: where the Jacobian of a recorded program can be non-zero.

    Rows count the elements of the outputs, columns those of the inputs, one after the other;
    `inputs` and `outputs` pick some of them by position (inputs left out are constants).  The
    pattern holds for all points at which the guards of the program hold; both sides of a recorded
    choice (np.where, maximum) count.

    >>> rows, cols = jacobian_pattern(record(lambda x: x[1:] * x[0], np.ones(3)))
    >>> rows.tolist(), cols.tolist()
    ([0, 0, 1, 1], [0, 1, 0, 2])
    """
    inputs = range(len(program.inputs)) if inputs is None else inputs
    wanted = [
        program.outputs[j] for j in (range(len(program.outputs)) if outputs is None else outputs)
    ]
    size = [int(np.prod(i.shape, dtype=int)) for i in program.code]
    ends = list(itertools.accumulate(size[program.inputs[j]] for j in inputs))
    first = dict(zip(inputs, [0, *ends], strict=False))
    sets = Dependence(ends[-1] if ends else 0)
    last = _last_use(program, wanted)
    found: dict[int, Array] = {}
    for i, (op, args, param, shape) in enumerate(program.code):
        if i not in last:
            continue
        if op == "input":
            at = np.arange(size[i])
            found[i] = at * sets.n + at + first[param] if param in first else sets.none
        else:
            found[i] = _propagated(sets, program, op, args, param, shape, found)
        for a in set(args):
            if last[a] == i:
                del found[a]
    rows, base = [sets.none], 0
    for i in wanted:
        rows.append(found[i] + base * sets.n)
        base += size[i]
    codes = np.concatenate(rows)
    return (codes // sets.n, codes % sets.n) if sets.n else (codes, codes)


def _last_use(program: Program, wanted: Sequence[int]) -> dict[int, int]:
    """Return, for the instructions the wanted ones need, the last instruction that reads them."""
    last = dict.fromkeys(wanted, len(program.code))
    for i in range(len(program.code) - 1, -1, -1):
        if i in last:
            for a in program.code[i].args:
                last.setdefault(a, i)
    return last


def _propagated(
    sets: Dependence,
    program: Program,
    op: str,
    args: tuple[int, ...],
    param: Any,
    shape: tuple[int, ...],
    found: dict[int, Array],
) -> Array:
    """Return the dependences of one instruction from those of its arguments."""
    x = [found[a] for a in args]
    shapes = [program.code[a].shape for a in args]
    size = int(np.prod(shape, dtype=int))
    if op == "constant" or not any(map(len, x)):
        return sets.none
    if op == "linear":
        return _of_linear(sets, param, x, shapes, shape, size)
    if op == "einsum":
        terms, out = param.split("->")
        a, b = terms.split(",")
        sizes = dict(zip(a, shapes[0], strict=True)) | dict(zip(b, shapes[1], strict=True))
        left = sets.reduced(x[0], shapes[0], a, out, sizes)
        return sets.union(left, sets.reduced(x[1], shapes[1], b, out, sizes), size)
    if op == "call":
        used = np.unique(np.concatenate([e % sets.n for e in x]))
        return (np.arange(size)[:, None] * sets.n + used).ravel()
    if op == "elementary" and param.jumps is not None:
        return sets.none
    if op not in ("add", "mul", "div", "choose", "elementary"):
        raise ValueError(f"the dependences of instruction {op!r} are not known")
    y = sets.none
    for e, s in list(zip(x, shapes, strict=True))[2 if op == "choose" else 0 :]:
        y = sets.union(y, sets.broadcast(e, s, shape), size)
    return y


def _of_linear(
    sets: Dependence,
    linear: Any,
    x: list[Array],
    shapes: list[tuple[int, ...]],
    shape: tuple[int, ...],
    size: int,
) -> Array:
    """Return the dependences of y = S x."""
    kind, data = linear
    if kind == "gather":
        joined, base = [], 0
        for e, s in zip(x, shapes, strict=True):
            joined.append(e + base * sets.n)
            base += int(np.prod(s, dtype=int))
        return sets.gather(sets._joined(joined), data)
    if kind == "scatter":
        return sets.moved(x[0], np.ravel(data[0]), size)
    if kind == "sum":
        kept = [1 if i in data else n for i, n in enumerate(shapes[0])]
        target = np.broadcast_to(_positions(tuple(kept)), shapes[0])
        return sets.moved(x[0], target.ravel(), size)
    if kind == "reshape":
        return x[0]
    if kind == "cumsum":
        return sets.running(x[0], shapes[0], data)
    if kind == "einsum":
        return sets.contracted(x[0], data[0], data[1], shapes[0])
    if kind != "scale":
        raise ValueError(f"the dependences of the linear map {kind!r} are not known")
    y = sets.broadcast(x[0], shapes[0], shape)
    if isinstance(data, np.ndarray) and data.dtype.kind in "iufc" and not data.all():
        used = np.broadcast_to(data != 0, shape).ravel()
        y = y[used[y // sets.n]]
    return y


# ------------------------------------------------------------------ colourings
def color_columns(rows: Array, cols: Array, n: int) -> Array:
    """Return a colour for each of n columns; no two columns of one colour share a row.

    Greedy, columns with most entries first (Curtis, Powell & Reid 1974; largest first, Welsh &
    Powell 1967).  The colours a row has seen are the bits of one integer, so that a column costs
    its number of entries.

    >>> color_columns(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 2]), 3).tolist()
    [1, 0, 1]
    """
    of_column = _lists(cols, rows, n)
    seen = [0] * (int(rows.max()) + 1 if len(rows) else 0)
    colors = [0] * n
    for j in sorted(range(n), key=lambda j: -len(of_column[j])):
        used = 0
        for i in of_column[j]:
            used |= seen[i]
        bit = ~used & (used + 1)  # the lowest free colour
        for i in of_column[j]:
            seen[i] |= bit
        colors[j] = bit.bit_length() - 1
    return np.array(colors, dtype=np.int64)


def star_coloring(rows: Array, cols: Array, n: int) -> Array:
    """Return a star colouring of the graph of a symmetric pattern: a colour for each of n vertices.

    Neighbours get different colours and no path of four vertices has two colours only, so of the
    two products that contain h_ij = h_ji at least one shows it alone.  Greedy with two-coloured
    stars (Gebremedhin, Tarafdar, Manne & Pothen, *New acyclic and star coloring algorithms*, SIAM
    J. Sci. Comput. 29, 2007), largest degree first.  Diagonal entries need no edge.

    >>> star_coloring(np.array([0, 0, 1, 2]), np.array([1, 2, 0, 0]), 3).tolist()
    [0, 1, 1]
    """
    off = rows != cols
    neighbours = _lists(rows[off], cols[off], n)
    colors = [-1] * n
    seen = [0] * n  # the colours of the coloured neighbours of a vertex, as bits
    # w is a leaf of a star with a hub of colour c (some neighbour of colour c has two neighbours
    # of the colour of w): a path v-w-hub-leaf would have two colours if v took the colour c
    leaf = [0] * n
    first: list[dict[int, int]] = [{} for _ in range(n)]  # colour -> a neighbour of that colour
    for v in sorted(range(n), key=lambda v: -len(neighbours[v])):
        around = [w for w in neighbours[v] if colors[w] >= 0]
        used = 0
        mine = first[v]
        for w in around:
            used |= 1 << colors[w] | leaf[w]
            if colors[w] in mine:  # v joins two stars: x-w-v-w' must not have two colours
                used |= seen[w] | seen[mine[colors[w]]]
            else:
                mine[colors[w]] = w
        bit = ~used & (used + 1)
        colors[v] = c = bit.bit_length() - 1
        for w in around:
            seen[w] |= bit
            seen[v] |= 1 << colors[w]
            one = mine[colors[w]]
            if one != w:  # v is a hub, with leaves w and one
                leaf[w] |= bit
                leaf[one] |= bit
            other = first[w].setdefault(c, v)
            if other != v:  # w is a hub, with leaves v and other
                leaf[v] |= 1 << colors[w]
                leaf[other] |= 1 << colors[w]
    return np.array(colors, dtype=np.int64)


def _lists(keys: Array, items: Array, n: int) -> list[list[int]]:
    """Return, for each key below n, the list of its items."""
    order = np.argsort(keys, kind="stable")
    ends = np.searchsorted(keys[order], np.arange(n + 1)).tolist()
    listed = items[order].tolist()
    return [listed[a:b] for a, b in itertools.pairwise(ends)]


def _star_reads(rows: Array, cols: Array, colors: Array) -> tuple[Array, Array]:
    """Return (colour, element): the product and its element that show each entry (i, j) alone.

    That is element i of the product of j's colour where i has no other neighbour of that colour,
    and element j of the product of i's colour elsewhere.  Both triangles read the same element.
    """
    count = int(colors.max(initial=0)) + 1
    i, j = np.maximum(rows, cols), np.minimum(rows, cols)
    off = rows != cols
    seen, times = np.unique(rows[off] * count + colors[cols[off]], return_counts=True)
    if len(seen) == 0:
        return colors[j], i
    spot = np.minimum(np.searchsorted(seen, i * count + colors[j]), len(seen) - 1)
    direct = ~off | (times[spot] == 1)
    return np.where(direct, colors[j], colors[i]), np.where(direct, i, j)


# ------------------------------------------------------------------ compressed products
def _plain_only(x: Any) -> str:
    return (
        f"a sparse matrix holds plain numbers, not {type(x).__name__}; use the dense "
        "taylor.hessian or taylor.jacobian inside another derivative"
    )


def _point(x: Any) -> Array:
    if is_operand(x):
        raise TypeError(_plain_only(x))
    array = as_array(x)
    if array.dtype == object:
        if not all(isinstance(e, (int, Fraction)) for e in array.reshape(-1)):
            raise TypeError("a sparse matrix holds floats or complex numbers; convert x to them")
        array = array.astype(float)
    return array


class _Sparse:
    """What SparseJacobian and SparseHessian share: a plan made once, used at many points."""

    def __init__(self, f: Function, x: Any) -> None:
        self._f = f
        self._plan = self._planned(_point(x))

    def _planned(self, x: Array) -> _Plan:
        raise NotImplementedError

    @property
    def pattern(self) -> tuple[Array, Array]:
        """(rows, cols), sorted: the entries that can be non-zero."""
        return self._plan.rows, self._plan.cols

    @property
    def colors(self) -> Array:
        """The colour of every column (of every row where `by` is "rows")."""
        return self._plan.colors

    @property
    def count(self) -> int:
        """The number of colours: how many products one matrix costs."""
        return int(self.colors.max(initial=-1)) + 1

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the matrix."""
        return self._plan.shape

    def __call__(self, x: Any) -> Any:
        """Return the matrix at x; where a branch of f goes the other way, f is recorded again."""
        x = _point(x)
        if x.shape != self._plan.point:
            raise ShapeMismatch(
                f"the point has shape {x.shape}; the function was recorded with {self._plan.point}"
            )
        with policy(singular=current_policy().singular):
            plan, values = self._swept(x)
        if values is None or not np.isfinite(values).all():
            # the sweep sees the derivatives of each instruction alone; where these do not exist,
            # as at ties, the driver of the products decides
            colour, element = plan.entries
            rows = [self._product(x, plan.seed(c)).reshape(-1) for c in range(plan.count)]
            values = np.stack(rows)[colour, element]
        return plan.matrix(values)

    def _swept(self, x: Array) -> tuple[_Plan, Array | None]:
        """Return the plan for x and the values of its entries (None: the drivers decide)."""
        plan = self._plan
        try:
            return plan, plan.values(x)
        except (GuardError, DomainError):  # perhaps on a wrong branch
            if plan.program.guards:
                plan = self._plan = self._planned(x)
        try:
            return plan, plan.values(x)
        except DomainError:
            return plan, None

    def _product(self, x: Array, seed: Array) -> Array:
        """Return the product with one seed by the driver for it."""
        raise NotImplementedError

    def __repr__(self) -> str:
        kind, (m, n) = type(self).__name__, self.shape
        return f"<{kind} of shape ({m}, {n}), {len(self._plan.rows)} entries, {self.count} colours>"


@dataclass
class _Plan:
    """How to compute the entries: sweep `program` with the seeds, read `entries` of the result."""

    function: Function
    program: Program
    point: tuple[int, ...]
    shape: tuple[int, int]
    rows: Array
    cols: Array
    colors: Array
    seeded: tuple[int, ...]  # the inputs that take the seeds: x itself, or the adjoints of f
    read: tuple[int, ...]  # the outputs that hold the products
    entries: tuple[Array, Array]  # (colour, element of the product) of every entry
    fixed: tuple[Any, ...] = ()  # the values of the inputs after x

    def __post_init__(self) -> None:
        self.count = int(self.colors.max(initial=0)) + 1

    @functools.cached_property
    def expanded(self) -> Program:
        """The program in core instructions."""
        return expand(self.program)

    @functools.cached_property
    def machine(self) -> Any:
        """The machine code of the products of up to LANES colours, for a compiled function."""
        lanes = min(self.count, LANES)
        program = products(self.program, lanes, self.fixed, self.seeded, self.read)
        return fast(self.function, "machine", program)

    @functools.cached_property
    def seeds(self) -> list[Array]:
        """The seeds of all colours, if there are few."""
        return self._seeds(0, self.count)

    @functools.cached_property
    def places(self) -> Array:
        """Where the entries stand in the products of all colours."""
        colour, element = self.entries
        size = sum(_count(self.program, self.program.outputs[j]) for j in self.read)
        return colour * size + element

    @functools.cached_property
    def structure(self) -> tuple[Array, Array]:
        """The indices and the starts of rows of the matrix, as SciPy keeps them."""
        kind = np.int32 if max(*self.shape, len(self.rows)) < 2**31 else np.int64
        starts = np.searchsorted(self.rows, np.arange(self.shape[0] + 1))
        return self.cols.astype(kind), starts.astype(kind)

    def seed(self, c: int) -> Array:
        """Return the seed of one colour, raveled."""
        return np.concatenate([part.reshape(-1) for part in self._seeds(c, c + 1)])

    def values(self, x: Array) -> Array:
        """Return the values of the entries at x."""
        if x.dtype == np.float64 and self.machine is not NotImplemented:
            found = self._compiled(x)
            if found is not None:
                return found
        code = self.expanded.code
        colour, element = self.entries
        out = np.zeros(len(self.rows), dtype=x.dtype)
        biggest = max(int(np.prod(i.shape, dtype=int)) for i in code)
        lanes = max(1, min(64, MAX_LANES // max(biggest, 1)))
        for lo in range(0, self.count, lanes):
            hi = min(self.count, lo + lanes)
            mine = np.flatnonzero((lo <= colour) & (colour < hi))
            if len(mine) or lo == 0:
                found = self._products(x, lo, hi)
                out = out.astype(np.result_type(out, found), copy=False)
                out[mine] = found[colour[mine] - lo, element[mine]]
        return out

    def _compiled(self, x: Array) -> Array | None:
        """Return the values of the entries from machine code; None for the ordinary way."""
        lanes = min(self.count, LANES)
        if self.count == lanes:
            found = self.machine(x, *self.seeds)
            return None if found is None else found[0].reshape(-1)[self.places]
        colour, element = self.entries
        out = np.empty(len(self.rows))
        for lo in range(0, self.count, lanes):
            found = self.machine(x, *self._seeds(lo, lo + lanes))
            if found is None:
                return None
            mine = np.flatnonzero((lo <= colour) & (colour < lo + lanes))
            out = out.astype(found[0].dtype, copy=False)
            out[mine] = found[0][colour[mine] - lo, element[mine]]
        return out

    def _seeds(self, lo: int, hi: int) -> list[Array]:
        """Return the seeds of colours lo..hi-1 of each input that takes some."""
        members = np.flatnonzero((lo <= self.colors) & (self.colors < hi))
        seeds = np.zeros((hi - lo, len(self.colors)))
        seeds[self.colors[members] - lo, members] = 1
        shapes = [self.program.code[self.program.inputs[j]].shape for j in self.seeded]
        ends = np.cumsum([int(np.prod(s, dtype=int)) for s in shapes])
        parts = np.split(seeds, ends[:-1], axis=1)
        return [p.reshape(hi - lo, *s) for p, s in zip(parts, shapes, strict=True)]

    def _products(self, x: Array, lo: int, hi: int) -> Array:
        """Return the products of colours lo..hi-1, raveled, one in each row."""
        tables = [
            np.concatenate([v[None], np.zeros((hi - lo, *v.shape), v.dtype)])
            for v in (x, *(np.asarray(v, x.dtype) for v in self.fixed))
        ]
        for j, seeds in zip(self.seeded, self._seeds(lo, hi), strict=True):
            tables[j][1:] = seeds
        outputs = sweep(self.expanded, multivariate(hi - lo, 1), tables)
        foreign = next((y for y in outputs if is_operand(y)), None)
        if foreign is not None:
            raise TypeError(_plain_only(foreign))
        return np.concatenate([outputs[j][1:].reshape(hi - lo, -1) for j in self.read], axis=1)

    def matrix(self, values: Array) -> Any:
        """Return a scipy.sparse.csr_array, or a Coo where SciPy is missing."""
        try:
            from scipy import sparse
        except ImportError:
            return Coo(self.rows, self.cols, values, self.shape)
        indices, starts = (a.copy() for a in self.structure)  # a csr_array may change its own
        return sparse.csr_array((values, indices, starts), shape=self.shape)


def _count(program: Program, i: int) -> int:
    """Return the number of elements of a variable of a program."""
    return int(np.prod(program.code[i].shape, dtype=int))


class SparseJacobian(_Sparse):
    """The Jacobian of f as a sparse matrix: recorded and coloured at x, then called at any point.

    Rows count the elements of f(x), columns those of x.  `by` says whether one product adds up
    columns (J·s, forward) or rows (w·J, reverse), whichever needs fewer colours.

    >>> J = SparseJacobian(lambda x: x[1:] * x[:-1], np.ones(1000))
    >>> J
    <SparseJacobian of shape (999, 1000), 1998 entries, 2 colours>
    >>> float(J(np.arange(1000.0))[0, 1]), J.by
    (0.0, 'columns')
    """

    @property
    def by(self) -> str:
        """What a colour adds up: "columns" or "rows"."""
        return "rows" if len(self._plan.program.inputs) > 1 else "columns"

    def _product(self, x: Array, seed: Array) -> Array:
        def joined(x: Any) -> Any:
            y = self._f(x)
            parts = y if isinstance(y, (tuple, list)) else [y]
            return np.concatenate([np.reshape(v, -1) for v in parts])

        if self.by == "rows":
            return vjp(joined, x, seed)[1]
        v = seed.reshape(1, *x.shape)
        return kinks.first(
            lambda g: table_along(g, x, v, 1).tensor(1)[..., 0], joined, x, "sparse_jacobian"
        )

    def _planned(self, x: Array) -> _Plan:
        program = record(self._f, x)
        rows, cols = jacobian_pattern(program)
        shapes = [program.code[i].shape for i in program.outputs]
        m, n = sum(int(np.prod(s, dtype=int)) for s in shapes), x.size
        colors = color_columns(rows, cols, n)
        count = int(colors.max(initial=0)) + 1
        # a column with more entries than there are colours needs more colours by rows
        if np.bincount(cols, minlength=1).max() < count:
            other = color_columns(cols, rows, m)
            if int(other.max(initial=0)) + 1 < count:
                backward = reverse(program)
                k = len(shapes)
                fixed = tuple(np.zeros(s) for s in shapes)
                seeded = tuple(range(1, k + 1))
                return _Plan(
                    self._f, backward, x.shape, (m, n), rows, cols, other, seeded, (k,),
                    (other[rows], cols), fixed,
                )  # fmt: skip
        read = tuple(range(len(shapes)))
        entries = (colors[cols], rows)
        return _Plan(self._f, program, x.shape, (m, n), rows, cols, colors, (0,), read, entries)


class SparseHessian(_Sparse):
    """The Hessian of a scalar f as a sparse matrix: recorded and coloured at x, called anywhere.

    Rows and columns count the elements of x.  The matrix is exactly symmetric.

    >>> H = SparseHessian(lambda x: np.sum(x[0] * x[1:] ** 2), np.ones(1000))
    >>> H
    <SparseHessian of shape (1000, 1000), 2997 entries, 2 colours>
    >>> float(H(np.arange(1000.0))[0, 5])
    10.0
    """

    def _product(self, x: Array, seed: Array) -> Array:
        return hvp(self._f, x, seed.reshape(x.shape))

    def _planned(self, x: Array) -> _Plan:
        program = record(self._f, x)
        shape = program.code[program.outputs[0]].shape
        if len(program.outputs) != 1 or shape != ():
            many = len(program.outputs) != 1
            raise ShapeMismatch(
                "a Hessian needs a scalar-valued f; f(x) "
                + (f"has {len(program.outputs)} results" if many else f"has shape {shape}")
                + ": use sparse_jacobian(f, x)"
            )
        backward = reverse(program)
        rows, cols = jacobian_pattern(backward, [0], [1])
        n = x.size
        codes = np.unique(np.concatenate([rows * n + cols, cols * n + rows]))
        rows, cols = (codes // n, codes % n) if n else (codes, codes)
        colors = star_coloring(rows, cols, n)
        entries = _star_reads(rows, cols, colors)
        return _Plan(
            self._f, backward, x.shape, (n, n), rows, cols, colors, (0,), (1,), entries, (1.0,)
        )


def sparse_jacobian(f: Function, x: Any) -> Any:
    """Return the Jacobian of f at x as a sparse matrix of shape (f(x).size, x.size).

    A scipy.sparse.csr_array, or a `Coo` where SciPy is missing.  Arrays of any shape count their
    elements in C order.  `SparseJacobian` keeps the pattern and the colouring for other points.

    >>> sparse_jacobian(lambda x: x[1:] * x[:-1], [1.0, 2.0, 3.0]).toarray()
    array([[2., 1., 0.],
           [0., 3., 2.]])
    """
    return SparseJacobian(f, x)(x)


def sparse_hessian(f: Function, x: Any) -> Any:
    """Return the Hessian of a scalar-valued f at x as a sparse matrix of shape (x.size, x.size).

    A scipy.sparse.csr_array, or a `Coo` where SciPy is missing.  Arrays of any shape count their
    elements in C order.  `SparseHessian` keeps the pattern and the colouring for other points.

    >>> sparse_hessian(lambda x: x[0] ** 2 * x[1], [1.0, 2.0, 3.0]).toarray()
    array([[4., 2., 0.],
           [2., 0., 0.],
           [0., 0., 0.]])
    """
    return SparseHessian(f, x)(x)
