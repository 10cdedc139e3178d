"""Products of matrices through BLAS, where they are large.

A sum of products of two arrays is one product of matrices, or one for each element of a batch, if
the axes of a kind (of rows, of columns, summed) run on as one in memory, and one of the two axes of
each matrix is contiguous.  The points of a tile are more columns, where the other factor is a
constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from taylor.core.patterns import lengths
from taylor.llvm.function import Function
from taylor.machine.nests import Shape, Strided, each, terms_of
from taylor.numbers import blas

# multiply-adds, and terms of a sum, from which BLAS is faster than loops.  (It is not for a matrix
# and a vector, where both wait for memory.)
LEAST, SHORT = 1 << 13, 4


class Letters(NamedTuple):
    """The axes of a product by kind: of both factors and the result, of one and it, summed."""

    batch: str
    rows: str
    columns: str
    inner: str


class Matrix(NamedTuple):
    """Matrices in memory, row after row or (`turned`) column after column, `step` numbers apart."""

    x: Strided
    batch: int
    rows: int
    columns: int
    turned: bool
    step: int


def product(
    names: Sequence[str],
    out: str,
    args: Sequence[Any],
    copy: Callable[[Any], Any],
    empty: Callable[[Shape, bool], Any],
) -> Any:
    """Return the einsum of two arrays as a product of matrices; None where loops are better.

    An array whose layout does not fit is copied.
    """
    tiles = args[0].f.unit > 1  # what differs at their points comes second
    if args[0].base == "%data" if tiles else len(names) == 2 and out[-1:] in names[0]:
        names, args = names[::-1], args[::-1]  # so that the result lies in order
    found = letters(names, out, args)
    if found is None:
        return None
    batch, rows, columns, inner = found
    sides = [(rows, inner), (inner, columns)]
    given: list[Matrix] = []
    for x, name, (down, along) in zip(args, names, sides, strict=True):
        where = len(batch), len(batch + down)
        x = ordered(x, name, batch + down + along)
        laid = matrix(x, *where)
        if laid is None and not isinstance(x.slot, str):
            laid = matrix(copy(x), *where)
        if laid is None:
            return None
        given.append(laid)
    sizes = lengths(",".join(names), [x.shape for x in args])
    result = empty(tuple(sizes[c] for c in batch + rows + columns), any(x.complex for x in args))
    write(given[0], given[1], result)
    return ordered(result, batch + rows + columns, out)


def ordered(x: Any, name: str, out: str) -> Any:
    """Return an array with its axes in another order."""
    axes = [name.index(c) for c in out]
    return x.view(tuple(x.shape[i] for i in axes), [x.strides[i] for i in axes])


def letters(names: Sequence[str], out: str, args: Sequence[Strided]) -> Letters | None:
    """Return the axes of a product of matrices that is faster through BLAS, or None."""
    if len(names) != 2 or any(len(set(n)) < len(n) for n in names) or blas.route() == "none":
        return None
    (a, b), f = names, args[0].f
    sizes = lengths(",".join(names), [x.shape for x in args])
    kinds = [(True, True), (True, False), (False, True)]
    batch, rows, columns = ("".join(c for c in out if (c in a, c in b) == k) for k in kinds)
    found = Letters(batch, rows, columns, "".join(c for c in a if c in b and c not in out))
    if sum(map(len, found)) < len(sizes) or any(x.reg is not None for x in args):
        return None
    if f.unit > 1 and (args[0].base == "%data" or args[1].base != "%data"):
        return None
    m, n, k = (math.prod(sizes[c] for c in group) for group in found[1:])
    long = m > 1 and n * f.unit > 1 and k >= SHORT
    return found if long and m * n * f.unit * k >= LEAST and 0 not in sizes.values() else None


def matrix(x: Strided, batch: int, split: int) -> Matrix | None:
    """Return an array with axes of a batch, of rows and, from `split` on, of columns, or None.

    None where BLAS cannot read it as matrices.
    """
    rows, columns = _merged(x, batch, split), _merged(x, split, len(x.shape))
    if rows is None or columns is None:
        return None
    (m, down), (n, along) = rows, columns
    down, along = down if m > 1 else n, along if n > 1 else m
    if n == 1 or (along == 1 and down >= n):
        return Matrix(x, batch, m, n, False, down) if down >= n else None
    shared = x.f.unit == 1 or x.base != "%data"
    if (m == 1 or down == 1) and along >= m and shared:
        return Matrix(x, batch, m, n, True, along)
    return None


def _merged(x: Strided, start: int, stop: int) -> tuple[int, int] | None:
    """Return the size and the stride of some axes as one, or None."""
    size, step = 1, 1
    for n, stride in reversed(list(zip(x.shape[start:stop], x.strides[start:stop], strict=True))):
        if n == 1:
            continue
        if size > 1 and stride != size * step:
            return None
        size, step = n * size, step if size > 1 else stride
    return size, step


def write(a: Matrix, b: Matrix, out: Strided) -> None:
    """Write the products of matrices to an array in C order."""
    f, sizes = out.f, out.shape[: a.batch]
    planes = [range(1 + m.x.complex) for m in (a, b)]

    def one(index: list[Any]) -> None:
        begun: set[int] = set()
        for i in planes[0]:
            for j in planes[1]:
                part = (i + j) % 2
                sign, more = (-1.0 if i and j else 1.0), float(part in begun)
                begun.add(part)
                x, y = _pointer(a.x, index, i), _pointer(b.x, index, j)
                _product(f, a, b, x, y, _pointer(out, index, part), sign, more)

    each(f, sizes, one)


def _pointer(x: Strided, index: Sequence[Any], part: int) -> str:
    """Return where the real (0) or imaginary parts of a matrix of a batch begin."""
    terms = terms_of(index, x.strides[: len(index)])
    pointer = x.f.address(x.base, [*x.lead, *terms], x.offset)
    return x.f.address(pointer, [], x.plane) if part else pointer


def _product(
    f: Function, a: Matrix, b: Matrix, x: str, y: str, z: str, sign: float, more: float
) -> None:
    """Write z = sign·x y + more·z.  BLAS, which counts columns first, sees zᵀ = yᵀ xᵀ."""
    flags = ["T" if matrix.turned else "N" for matrix in (b, a)]
    n, step = (size * f.unit for size in (b.columns, b.step))
    f.blas("dgemm", *flags, n, a.rows, a.columns, sign, y, step, x, a.step, more, z, n)
