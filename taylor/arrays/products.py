"""Products of arrays: matmul, dot, einsum and their kin; all are one einsum of two operands."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor import linalg
from taylor.arrays.reductions import axes_of, by_value, norm, total
from taylor.core.binding import UFUNCS
from taylor.core.einsum import Einsum
from taylor.core.maps import scatter
from taylor.core.memory import in_memory, laid_as
from taylor.core.operand import Operand, bind, define, implements, lift, stack
from taylor.errors import ShapeMismatch
from taylor.numbers.values import shape_of

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def pair(spec: str, x: Any, y: Any) -> Any:
    """Return einsum(spec, x, y); an axis of length one is stretched to the other's, as in NumPy."""
    sizes = _stretched(spec, tuple(shape_of(x)), tuple(shape_of(y)))
    if sizes:
        (left, right), out = spec.split("->")[0].split(","), spec.split("->")[1]
        left, x = _unstretched(left, x, sizes)
        right, y = _unstretched(right, y, sizes)
        spec = f"{left},{right}->{out}"
    return bind(Einsum(spec), x, y)


@functools.lru_cache(maxsize=1024)
def _stretched(spec: str, x: tuple[int, ...], y: tuple[int, ...]) -> dict[str, int]:
    """Return the sizes of the axes if some of length one are stretched, else nothing."""
    sizes: dict[str, int] = {}
    stretched = False
    for names, shape in zip(spec.split("->")[0].split(","), (x, y), strict=True):
        for c, n in zip(names, shape, strict=True):
            if sizes.setdefault(c, n) != n:
                if 1 not in (n, sizes[c]):
                    raise ShapeMismatch(
                        f"einsum: the axes {c!r} differ in size in {spec!r}: {sizes[c]} and {n}"
                    )
                sizes[c] = max(n, sizes[c]) if 0 not in (n, sizes[c]) else 0
                stretched = True
    return sizes if stretched else {}


def _unstretched(names: str, x: Any, sizes: dict[str, int]) -> tuple[str, Any]:
    """Return an operand without those axes of length one that stand for a longer one."""
    shape = np.shape(x)
    keep = [i for i, c in enumerate(names) if shape[i] == sizes[c]]
    if len(keep) == len(names):
        return names, x
    return "".join(names[i] for i in keep), np.reshape(x, tuple(shape[i] for i in keep))


# ------------------------------------------------------------------ einsum
@implements(np.einsum)
def einsum(*operands: Any) -> Any:
    """Return np.einsum(*operands): subscripts in a string or in lists, with or without "..."."""
    terms, out, xs = _spelled(operands)
    term, x = terms[0], xs[0]
    if len(xs) == 1 and set(out) == set(term) and isinstance(x, Operand):  # NumPy makes a view
        return x._viewed(lambda i: np.einsum(f"{term}->{out}", i))
    for i in range(1, len(xs)):
        needed = set(out).union(*terms[i + 1 :])
        target = "".join(c for c in dict.fromkeys(term + terms[i]) if c in needed)
        target = out if i == len(xs) - 1 else target
        x, term = pair(f"{term},{terms[i]}->{target}", x, xs[i]), target
    if len(xs) == 1:
        x = pair(f"{term},->{out}", x, np.ones(()) if isinstance(x, Operand) else 1)
    arrays = [in_memory(v) for v in xs]
    if len(out) < 2 or len(xs) > 2 or all(v.flags.c_contiguous for v in arrays):
        return x
    return laid_as(x, np.einsum(f"{','.join(terms)}->{out}", *arrays))


def _spelled(operands: Sequence[Any]) -> tuple[list[str], str, list[Any]]:
    """Return the terms, the output and the operands, all axes as letters."""
    if isinstance(operands[0], str):
        text, xs = operands[0].replace(" ", ""), list(operands[1:])
    else:
        pairs = len(operands) // 2
        xs = list(operands[: 2 * pairs : 2])
        text = ",".join(_as_letters(a) for a in operands[1 : 2 * pairs : 2])
        text += f"->{_as_letters(operands[-1])}" if len(operands) % 2 else ""
    left, arrow, out = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(xs):
        raise ValueError(f"einsum got {len(xs)} operands for {len(terms)} terms in {text!r}")
    extra = [len(shape_of(x)) - len(t.replace("...", "")) for t, x in zip(terms, xs, strict=True)]
    for t, n, x in zip(terms, extra, xs, strict=True):
        if n < 0 or (n and "..." not in t):
            raise ShapeMismatch(f"einsum term {t!r} does not fit an operand of shape {np.shape(x)}")
    free = [c for c in LETTERS if c not in text]
    dots = "".join(free[: max(extra)])
    terms = [t.replace("...", dots[len(dots) - n :]) for t, n in zip(terms, extra, strict=True)]
    if not arrow:
        joined = "".join(terms)
        out = dots + "".join(c for c in sorted(set(joined) - set(dots)) if joined.count(c) == 1)
    elif dots and "..." not in out:
        raise ValueError(f"einsum: the output of {text!r} must have the axes of '...'")
    return terms, out.replace("...", dots), xs


def _as_letters(axes: Sequence[Any]) -> str:
    return "".join("..." if a is Ellipsis else LETTERS[a] for a in axes)


# ------------------------------------------------------------------ matrices and vectors
@implements(np.linalg.matmul)
def matmul(x1: Any, x2: Any) -> Any:
    return pair(_of_matmul(tuple(shape_of(x1)), tuple(shape_of(x2))), x1, x2)


@functools.lru_cache(maxsize=1024)
def _of_matmul(x1: tuple[int, ...], x2: tuple[int, ...]) -> str:
    """Return the specification of the product of matrices of those shapes."""
    m, n = len(x1), len(x2)
    if not (m and n):
        raise ShapeMismatch("matmul does not take scalars; use * instead")
    if x1[-1] != x2[max(n - 2, 0)]:
        raise ShapeMismatch(f"matmul: shapes {x1} and {x2} do not fit")
    batch = LETTERS[: max(m, n, 2) - 2]
    left = batch[len(batch) - max(m - 2, 0) :] + ("X" if m > 1 else "") + "Y"
    right = batch[len(batch) - max(n - 2, 0) :] + "Y" + ("Z" if n > 1 else "")
    return f"{left},{right}->{batch}{'X' * (m > 1)}{'Z' * (n > 1)}"


def _matmul(a: Any, b: Any, axes: Any = None) -> Any:
    if axes is None:
        return matmul(a, b)
    first, second, last = axes
    product = matmul(np.moveaxis(a, first, (-2, -1)), np.moveaxis(b, second, (-2, -1)))
    return np.moveaxis(product, (-2, -1), last)


def _vecdot(a: Any, b: Any, axis: Any = -1, keepdims: bool = False) -> Any:
    return total(np.conj(a) * b, axis, keepdims)


UFUNCS[np.matmul] = _matmul
UFUNCS[np.vecdot] = _vecdot
for _name, _handler in {  # since NumPy 2.2
    "matvec": lambda a, x: np.matmul(a, np.expand_dims(x, -1))[..., 0],
    "vecmat": lambda x, a: np.matmul(np.expand_dims(np.conj(x), -2), a)[..., 0, :],
}.items():
    if hasattr(np, _name):
        UFUNCS[getattr(np, _name)] = _handler


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    first, second = shape_of(a), shape_of(b)
    m, n = len(first), len(second)
    if isinstance(axes, (int, np.integer)):
        axes = (list(range(m - int(axes), m)), list(range(int(axes))))
    ia, ib = ([x] if isinstance(x, (int, np.integer)) else list(x) for x in axes)
    for i, j in zip(ia, ib, strict=True):
        if first[i] != second[j]:
            raise ShapeMismatch(f"tensordot: shapes {first} and {second} do not fit")
    return pair(_contraction(m, n, tuple(ia), tuple(ib)), a, b)


@functools.cache
def _contraction(m: int, n: int, ia: tuple[int, ...], ib: tuple[int, ...]) -> str:
    """Return the specification of the sums along axes of two arrays of m and n axes."""
    left, right = list(LETTERS[:m]), list(LETTERS[m : m + n])
    for i, j in zip(ia, ib, strict=True):
        right[j] = left[i]
    out = [c for i, c in enumerate(left) if i not in [k % m for k in ia]]
    out += [c for j, c in enumerate(right) if j not in [k % n for k in ib]]
    return f"{''.join(left)},{''.join(right)}->{''.join(out)}"


def _inner(a: Any, b: Any, axis: int) -> Any:
    """Return the sums of products along the last axis of a and an axis of b."""
    first, second = shape_of(a), shape_of(b)
    m, n = len(first), len(second)
    if not (m and n):
        return a * b
    if first[-1] != second[max(n + axis, 0)]:
        raise ShapeMismatch(f"tensordot: shapes {first} and {second} do not fit")
    return bind(Einsum(_contraction(m, n, (m - 1,), (max(n + axis, 0),))), a, b)


def _outer(x1: Any, x2: Any) -> Any:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(
            f"np.linalg.outer takes vectors, not shapes {np.shape(x1)} and {np.shape(x2)}"
        )
    return pair("a,b->ab", x1, x2)


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    n = max(np.ndim(a), np.ndim(b))
    a, b = (np.reshape(x, (1,) * (n - np.ndim(x)) + tuple(np.shape(x))) for x in (a, b))
    product = tensordot(a, b, axes=0).transpose([i + j * n for i in range(n) for j in (0, 1)])
    return product.reshape(tuple(p * q for p, q in zip(np.shape(a), np.shape(b), strict=True)))


@implements(np.cross)
def cross(
    a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None
) -> Any:
    """Return np.cross(a, b, ...), of vectors of length 3."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    m, n = np.shape(a)[-1], np.shape(b)[-1]
    if m != 3 or n != 3:
        raise ShapeMismatch(f"np.cross needs vectors of length 3, not {m} and {n}")
    a, b = ([x[..., i] for i in range(3)] for x in (a, b))
    parts = [a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3] for i in range(3)]
    return stack(parts, axis=axes_of(axisc, np.ndim(parts[0]) + 1)[0])


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = np.atleast_1d(a), np.atleast_1d(v)
    n, m = np.shape(a)[0], np.shape(v)[0]
    if np.ndim(a) != 1 or np.ndim(v) != 1 or not n or not m:
        raise ValueError(f"np.convolve takes vectors, not shapes {np.shape(a)} and {np.shape(v)}")
    long, short = max(n, m), min(n, m)
    first, last = {
        "full": (0, n + m - 1),
        "same": ((short - 1) // 2, (short - 1) // 2 + long),
        "valid": (short - 1, long),
    }[mode]
    to = np.arange(n)[:, None] + np.arange(m) - first
    return scatter(a[:, None] * v, np.where(to < last - first, to, -1), (last - first,))


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    if len(v) > len(a):
        return np.conj(correlate(v, a, mode))[::-1]
    return convolve(a, np.conj(v)[::-1], mode)


define({
    np.dot: lambda a, b: _inner(a, b, -2),
    np.inner: lambda a, b: _inner(a, b, -1),
    np.vdot: lambda a, b: _inner(np.ravel(np.conj(a)), np.ravel(b), -1),
    np.outer: lambda a, b: pair("a,b->ab", np.ravel(a), np.ravel(b)),
    np.linalg.outer: _outer,
    np.linalg.vecdot: lambda x1, x2, axis=-1: _vecdot(x1, x2, axis),
    np.linalg.tensordot: tensordot,
    np.linalg.cross: lambda x1, x2, axis=-1: cross(x1, x2, axis=axis),
    np.linalg.trace: lambda x, offset=0: total(np.diagonal(x, offset, -2, -1), -1),
    np.linalg.diagonal: lambda x, offset=0: np.diagonal(x, offset, -2, -1),
})  # fmt: skip
define(linalg.FUNCTIONS, lifted=False)


# ------------------------------------------------------------------ functions of matrices
def _multi_dot(arrays: Any) -> Any:
    """Return np.linalg.multi_dot(arrays), in the order that NumPy finds best."""
    arrays = [lift(x) for x in arrays]
    if len(arrays) < 2:
        raise ValueError("Expecting at least two arrays.")
    sizes = [np.atleast_2d(np.empty(np.shape(x))).shape for x in arrays[1:-1]]
    ends = [(1, *np.shape(arrays[0]))[-2:], (*np.shape(arrays[-1]), 1)[:2]]
    return _best(arrays, [ends[0], *sizes, ends[1]])


def _best(arrays: list[Any], shapes: list[tuple[int, ...]]) -> Any:
    """Return the product of matrices with fewest multiplications (Cormen et al., 15.2)."""
    p = [shapes[0][0], *(s[1] for s in shapes)]

    @functools.cache
    def cost(i: int, j: int) -> tuple[int, int]:
        if i == j:
            return 0, i
        return min(
            (cost(i, k)[0] + cost(k + 1, j)[0] + p[i] * p[k + 1] * p[j + 1], k) for k in range(i, j)
        )

    def product(i: int, j: int) -> Any:
        k = cost(i, j)[1]
        return arrays[i] if i == j else np.matmul(product(i, k), product(k + 1, j))

    return product(0, len(arrays) - 1)


def _cond(x: Any, p: Any = None) -> Any:
    """Return np.linalg.cond(x, p), the product of norms of x and of its inverse."""
    if p in (None, 2, -2):
        s = linalg.svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return norm(x, p, (-2, -1)) * norm(linalg.inv(x), p, (-2, -1))


def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    if axes is not None:
        moved = axes_of(tuple(axes), np.ndim(a))
        a = np.transpose(a, [*(i for i in range(np.ndim(a)) if i not in moved), *moved])
    shape = np.shape(a)[np.ndim(b) :]
    n = int(np.prod(shape, dtype=int))
    return np.reshape(linalg.solve(np.reshape(a, (-1, n)), np.ravel(b)), shape)


def _tensorinv(a: Any, ind: int = 2) -> Any:
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    lead, rest = np.shape(a)[:ind], np.shape(a)[ind:]
    n = int(np.prod(rest, dtype=int))
    return np.reshape(linalg.inv(np.reshape(a, (n, -1))), (*rest, *lead))


define({np.linalg.multi_dot: _multi_dot}, lifted=False)
define({
    np.linalg.cond: _cond, np.linalg.tensorsolve: _tensorsolve, np.linalg.tensorinv: _tensorinv,
    np.linalg.matrix_rank: lambda A, tol=None, hermitian=False, *, rtol=None: (
        np.linalg.matrix_rank(by_value(np.positive)(A), tol, hermitian, rtol=rtol)
    ),
})  # fmt: skip
