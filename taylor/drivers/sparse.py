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

The products are tangents of the program (of the gradient program, for a Hessian), one for each
colour; those of a compiled function are machine code.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.core.applied import Call
from taylor.core.instructions import full
from taylor.core.patterns import matrices
from taylor.core.program import Program, record
from taylor.core.rules import tangents
from taylor.drivers import kinks, ties
from taylor.drivers.derivable import Derivable
from taylor.drivers.derivatives import hvp, vjp
from taylor.drivers.driver import all_finite, is_one
from taylor.drivers.forward_mode import table_along
from taylor.drivers.pattern import jacobian_pattern as jacobian_pattern
from taylor.drivers.transform import reverse
from taylor.errors import DomainError, GuardError, ShapeMismatch
from taylor.numbers.data import unlabelled
from taylor.numbers.kinds import is_operand
from taylor.numbers.policy import current_policy, policy
from taylor.numbers.values import as_array

Array = Any
Function = Callable[..., Any]
LANES = 8  # products that are computed at a time
TOGETHER = 1 << 14  # numbers in the seeds of one pass, where NumPy computes more


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
    array = as_array(unlabelled(x, "a sparse driver"))
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
        wanted = self._plan.point.shape
        if x.shape != wanted:
            raise ShapeMismatch(
                f"the point has shape {x.shape}; the function was recorded with {wanted}"
            )
        with policy(singular=current_policy().singular):
            values = self._values(x)
        plan = self._plan
        if values is None or not np.isfinite(values).all():
            # the sweep sees the derivatives of each instruction alone; where these do not exist,
            # as at ties, the driver of the products decides
            colour, element = plan.entries
            rows = [self._product(x, seed).reshape(-1) for seed in plan.seeded(0, plan.count)]
            values = np.stack(rows)[colour, element]
        return plan.matrix(values)

    def _values(self, x: Array) -> Array | None:
        """Return the values of the entries at x, by a new plan if need be; None: drivers decide."""
        try:
            return self._plan.values(x)
        except (GuardError, DomainError):
            if not self._plan.program.guards:
                return None
        self._plan = self._planned(x)  # it was perhaps a wrong branch
        try:
            return self._plan.values(x)
        except DomainError:
            return None

    def _product(self, x: Array, seed: Array) -> Array:
        """Return the product with one seed by the driver for it."""
        raise NotImplementedError

    def __repr__(self) -> str:
        kind, (m, n) = type(self).__name__, self.shape
        return f"<{kind} of shape ({m}, {n}), {len(self._plan.rows)} entries, {self.count} colours>"

    def spy(self, ax: Any = None) -> Any:
        """Draw the pattern, each entry in the colour whose product gives it; return the axes.

        Needs matplotlib (the extra `plot`), or some axes that draw as its.
        """
        from taylor.display import plots

        groups = self._plan.entries[0]
        return plots.entries(plots.axes(ax, "spy()"), self.shape, *self.pattern, groups)

    def _repr_html_(self) -> str:
        from taylor.display import matrices

        text = repr(self).strip("<>")
        drawn = matrices.svg(self.shape, *self.pattern, self._plan.entries[0], text)
        return f"<p>{text}</p>{drawn}"


@dataclass
class _Plan:
    """How to compute the entries: sweep `program` with the seeds, read `entries` of the result."""

    function: Function
    program: Program  # of x, or of (x, adjoint), of whose last output the products are tangents
    point: Array
    shape: tuple[int, int]
    rows: Array
    cols: Array
    colors: Array
    entries: tuple[Array, Array]  # (colour, element of the product) of every entry
    by_rows: bool = False  # whether the seeds are adjoints

    def __post_init__(self) -> None:
        self.count = int(self.colors.max(initial=0)) + 1

    @functools.cached_property
    def machine(self) -> Any:
        """The machine code of the products of up to LANES colours, for a compiled function."""
        if not isinstance(self.function, Derivable):
            return NotImplemented

        def rows(f: Any, x: Any, seeds: Any) -> Any:
            return self._rows(f.trace(self._at(x)), seeds)

        return self.function.machine_of(self.program, rows, (self.point, self.seeds))

    @functools.cached_property
    def seeds(self) -> Array:
        """The seeds of the first colours."""
        return self.seeded(0, min(self.count, LANES))

    @functools.cached_property
    def places(self) -> Array:
        """Where the entries stand in the products of all colours."""
        colour, element = self.entries
        return colour * self.shape[len(self.program.inputs) - 1] + element

    @functools.cached_property
    def structure(self) -> tuple[Array, Array]:
        """The indices and the starts of rows of the matrix, as SciPy keeps them."""
        kind = np.int32 if max(*self.shape, len(self.rows)) < 2**31 else np.int64
        starts = np.searchsorted(self.rows, np.arange(self.shape[0] + 1))
        return self.cols.astype(kind), starts.astype(kind)

    def seeded(self, lo: int, hi: int) -> Array:
        """Return the seeds of colours lo..hi-1, each a row."""
        members = np.flatnonzero((lo <= self.colors) & (self.colors < hi))
        seeds = np.zeros((hi - lo, len(self.colors)))
        seeds[self.colors[members] - lo, members] = 1
        return seeds

    def values(self, x: Array) -> Array:
        """Return the values of the entries at x."""
        if x.dtype == np.float64 and self.machine is not NotImplemented:
            found = self._read(x, self.machine, LANES)
            if found is not None:
                return found
        found = self._read(x, self._plain, min(self.count, max(LANES, TOGETHER // max(x.size, 1))))
        assert found is not None
        return found

    def _read(self, x: Array, products: Callable[..., Array | None], lanes: int) -> Array | None:
        """Return the values of the entries from the products of so many colours at a time."""
        colour, element = self.entries
        out = np.zeros(len(self.rows), dtype=x.dtype)
        for lo in range(0, self.count, lanes):
            first = lo == 0 and min(self.count, lanes) <= LANES
            found = products(x, self.seeds if first else self.seeded(lo, lo + lanes))
            if found is None:
                return None
            if self.count <= lanes:
                return found.reshape(-1)[self.places]
            mine = np.flatnonzero((lo <= colour) & (colour < lo + lanes))
            out = out.astype(np.result_type(out, found), copy=False)
            out[mine] = found[colour[mine] - lo, element[mine]]
        return out

    def _plain(self, x: Array, seeds: Array) -> Array:
        """Return the products, computed by NumPy; DomainError where f has no finite value."""
        code, outputs = self.program.code, self.program.outputs
        with np.errstate(all="ignore"):
            v = self.program.trace(self._at(x))
        sided = ties.of_slopes(code) and ties.tied(code, v, outputs[-1]) is not None
        if sided or not all(all_finite(v[i]) for i in outputs):
            raise DomainError("f, or a derivative of it, has no value here")
        together = seeds.size <= TOGETHER and not any(isinstance(c.op, Call) for c in code)
        found = (self._in_lanes if together else self._rows)(v, seeds.astype(x.dtype))
        if is_operand(found):
            raise TypeError(_plain_only(found))
        return found

    def _at(self, x: Any) -> list[Any]:
        """Return the arguments of the program."""
        adjoint = np.ones(self.shape[0] if self.by_rows else (), x.dtype)
        return [x, adjoint][: len(self.program.inputs)]

    def _rows(self, v: list[Any], seeds: Any) -> Any:
        """Return the products with the seeds, one in each row, from the values of the program."""
        program, rows = self.program, []
        code, out = program.code, program.outputs[-1]
        d: list[Any] = [None] * len(program.inputs)
        for seed in seeds:
            d[self.by_rows] = np.reshape(seed, code[program.inputs[self.by_rows]].shape)
            rows.append(np.reshape(full(tangents(code, v, d)[out], code[out].shape), -1))
        return np.stack(rows)

    def _in_lanes(self, v: list[Any], seeds: Array) -> Any:
        """Return the same from one pass, with the seeds along a last axis of the tangents."""
        code, out = self.program.code, self.program.outputs[-1]
        d: list[Any] = [None] * len(self.program.inputs)
        shape = code[self.program.inputs[self.by_rows]].shape
        d[self.by_rows] = np.moveaxis(seeds, 0, -1).reshape(*shape, len(seeds))
        found = tangents(code, v, d, lanes=len(seeds))[out]
        whole = full(found, (*code[out].shape, len(seeds)))
        return np.ascontiguousarray(np.moveaxis(np.asarray(whole), -1, 0).reshape(len(seeds), -1))

    def matrix(self, values: Array) -> Any:
        """Return a scipy.sparse.csr_array."""
        indices, starts = (a.copy() for a in self.structure)  # a csr_array may change its own
        return matrices().csr_array((values, indices, starts), shape=self.shape)


def _joined(f: Function) -> Function:
    """Return f with all its results in one array of one axis."""
    if not callable(f):
        raise TypeError(f"the first argument must be a function, not {type(f).__name__}")

    def joined(x: Any) -> Any:
        y = f(x)
        if y is None:
            return y
        return (
            np.concatenate([np.reshape(v, -1) for v in y])
            if isinstance(y, (tuple, list))
            else np.reshape(y, -1)
        )

    return joined


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
        return "rows" if self._plan.by_rows else "columns"

    def _product(self, x: Array, seed: Array) -> Array:
        f = _joined(self._f)
        if self.by == "rows":
            return vjp(f, x, seed)[1]
        v = seed.reshape(1, *x.shape)
        return kinks.first(
            lambda g: table_along(g, x, v, 1).tensor(1)[..., 0], f, x, "sparse_jacobian"
        )

    def _planned(self, x: Array) -> _Plan:
        program = record(_joined(self._f), x)
        rows, cols = jacobian_pattern(program)
        m, n = math.prod(program.code[program.outputs[0]].shape), x.size
        shape, colors = (m, n), color_columns(rows, cols, n)
        count = int(colors.max(initial=0)) + 1
        # a column with more entries than there are colours needs more colours by rows
        if np.bincount(cols, minlength=1).max() < count:
            other = color_columns(cols, rows, m)
            if int(other.max(initial=0)) + 1 < count:
                entries, backward = (other[rows], cols), reverse(program)
                return _Plan(self._f, backward, x, shape, rows, cols, other, entries, by_rows=True)
        entries = (colors[cols], rows)
        return _Plan(self._f, program, x, shape, rows, cols, colors, entries)


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
        if len(program.outputs) == 1 and is_one(shape):
            program, shape = record(lambda x: np.reshape(program(x), ()), x), ()
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
        return _Plan(self._f, backward, x, (n, n), rows, cols, colors, entries)


def _of_first(f: Function, args: Sequence[Any], named: dict[str, Any]) -> Function:
    """Return f as a function of its first argument."""
    if not (args or named):
        return f

    def of_x(x: Any) -> Any:
        return f(x, *args, **named)

    of_x.__wrapped__ = f  # type: ignore[attr-defined]
    return of_x


def sparse_jacobian(f: Function, x: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the Jacobian of f at x as a sparse matrix of shape (f(x).size, x.size).

    A scipy.sparse.csr_array.  Arrays of any shape count their elements in C order; further
    arguments of f do not vary.  `SparseJacobian` keeps the pattern and the colouring for other
    points.

    >>> sparse_jacobian(lambda x: x[1:] * x[:-1], [1.0, 2.0, 3.0]).toarray()
    array([[2., 1., 0.],
           [0., 3., 2.]])
    >>> sparse_jacobian(lambda x, a: a * x, [1.0, 2.0], 3.0).data
    array([3., 3.])
    """
    return SparseJacobian(_of_first(f, args, kwargs), x)(x)


def sparse_hessian(f: Function, x: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the Hessian of a scalar-valued f at x as a sparse matrix of shape (x.size, x.size).

    A scipy.sparse.csr_array.  Arrays of any shape count their elements in C order; further
    arguments of f do not vary.  `SparseHessian` keeps the pattern and the colouring for other
    points.

    >>> sparse_hessian(lambda x: x[0] ** 2 * x[1], [1.0, 2.0, 3.0]).toarray()
    array([[4., 2., 0.],
           [2., 0., 0.],
           [0., 0., 0.]])
    """
    return SparseHessian(_of_first(f, args, kwargs), x)(x)
