"""Products of arrays: matmul, dot, einsum and their kin; all are one einsum of two operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.arrays.reductions import axes_of, total
from taylor.core.binding import UFUNCS, implements
from taylor.core.memory import in_memory
from taylor.core.operand import Operand, laid_as, lift, stack
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import Floats, Kind
from taylor.numbers.values import shape_of

Array = Any
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _letters(n: int, start: int = 0) -> str:
    return LETTERS[start : start + n]


def pair(spec: str, x: Any, y: Any) -> Any:
    """Return einsum(spec, x, y); an axis of length one is stretched to the other's, as in NumPy."""
    (left, right), out = spec.split("->")[0].split(","), spec.split("->")[1]
    sizes: dict[str, int] = {}
    stretched = False
    for names, z in ((left, x), (right, y)):
        for c, n in zip(names, shape_of(z), strict=True):
            if sizes.setdefault(c, n) != n:
                if 1 not in (n, sizes[c]):
                    raise ShapeMismatch(
                        f"einsum: the axes {c!r} differ in size in {spec!r}: {sizes[c]} and {n}"
                    )
                sizes[c] = max(n, sizes[c]) if 0 not in (n, sizes[c]) else 0
                stretched = True
    if stretched:
        left, x = _unstretched(left, x, sizes)
        right, y = _unstretched(right, y, sizes)
    owner = x if isinstance(x, Operand) else y
    spec = f"{left},{right}->{out}"
    return owner._einsum(spec, x, y) if isinstance(owner, Operand) else np.einsum(spec, x, y)


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
        text, xs = operands[0].replace(" ", ""), [lift(x) for x in operands[1:]]
    else:
        pairs = len(operands) // 2
        xs = [lift(x) for x in operands[: 2 * pairs : 2]]
        text = ",".join(_as_letters(a) for a in operands[1 : 2 * pairs : 2])
        text += f"->{_as_letters(operands[-1])}" if len(operands) % 2 else ""
    left, arrow, out = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(xs):
        raise ValueError(f"einsum got {len(xs)} operands for {len(terms)} terms in {text!r}")
    extra = [np.ndim(x) - len(t.replace("...", "")) for t, x in zip(terms, xs, strict=True)]
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
    """Return np.matmul(x1, x2)."""
    a, b = lift(x1), lift(x2)
    m, n = len(shape_of(a)), len(shape_of(b))
    if not (m and n):
        raise ShapeMismatch("matmul does not take scalars; use * instead")
    if shape_of(a)[-1] != shape_of(b)[max(n - 2, 0)]:
        raise ShapeMismatch(f"matmul: shapes {np.shape(a)} and {np.shape(b)} do not fit")
    batch = max(m, n) - 2 if max(m, n) > 2 else 0
    z = _letters(batch)
    left = z[batch - max(m - 2, 0) :] + ("X" if m > 1 else "") + "Y"
    right = z[batch - max(n - 2, 0) :] + "Y" + ("Z" if n > 1 else "")
    return pair(f"{left},{right}->{z}{'X' * (m > 1)}{'Z' * (n > 1)}", a, b)


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


@implements(np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, axis: Any = -1) -> Any:
    """Return np.linalg.vecdot(x1, x2, axis)."""
    return _vecdot(lift(x1), lift(x2), axis)


@implements(np.dot)
def dot(a: Any, b: Any) -> Any:
    """Return np.dot(a, b)."""
    a, b = lift(a), lift(b)
    if not (np.ndim(a) and np.ndim(b)):
        return a * b
    return tensordot(a, b, ([np.ndim(a) - 1], [max(np.ndim(b) - 2, 0)]))


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Return np.tensordot(a, b, axes)."""
    a, b = lift(a), lift(b)
    m, n = np.ndim(a), np.ndim(b)
    if isinstance(axes, (int, np.integer)):
        axes = (list(range(m - int(axes), m)), list(range(int(axes))))
    ia, ib = ([x] if isinstance(x, (int, np.integer)) else list(x) for x in axes)
    left, right = list(_letters(m)), list(_letters(n, m))
    for i, j in zip(ia, ib, strict=True):
        if np.shape(a)[i] != np.shape(b)[j]:
            raise ShapeMismatch(f"tensordot: shapes {np.shape(a)} and {np.shape(b)} do not fit")
        right[j] = left[i]
    out = [c for i, c in enumerate(left) if i not in [k % m for k in ia]]
    out += [c for j, c in enumerate(right) if j not in [k % n for k in ib]]
    return pair(f"{''.join(left)},{''.join(right)}->{''.join(out)}", a, b)


@implements(np.linalg.tensordot)
def linalg_tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """Return np.linalg.tensordot(x1, x2, axes=axes)."""
    return tensordot(x1, x2, axes)


@implements(np.inner)
def inner(a: Any, b: Any) -> Any:
    """Return np.inner(a, b)."""
    a, b = lift(a), lift(b)
    if not (np.ndim(a) and np.ndim(b)):
        return a * b
    return tensordot(a, b, ([np.ndim(a) - 1], [np.ndim(b) - 1]))


@implements(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    """Return np.vdot(a, b)."""
    return dot(np.ravel(np.conj(lift(a))), np.ravel(lift(b)))


@implements(np.outer)
def outer(a: Any, b: Any) -> Any:
    """Return np.outer(a, b)."""
    return pair("a,b->ab", np.ravel(lift(a)), np.ravel(lift(b)))


@implements(np.linalg.outer)
def linalg_outer(x1: Any, x2: Any) -> Any:
    """Return np.linalg.outer(x1, x2), of vectors."""
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(
            f"np.linalg.outer takes vectors, not shapes {np.shape(x1)} and {np.shape(x2)}"
        )
    return outer(x1, x2)


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    """Return np.kron(a, b)."""
    a, b = lift(a), lift(b)
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
    a, b = np.moveaxis(lift(a), axisa, -1), np.moveaxis(lift(b), axisb, -1)
    m, n = np.shape(a)[-1], np.shape(b)[-1]
    if m != 3 or n != 3:
        raise ShapeMismatch(f"np.cross needs vectors of length 3, not {m} and {n}")
    a, b = ([x[..., i] for i in range(3)] for x in (a, b))
    parts = [a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3] for i in range(3)]
    return stack(parts, axis=axes_of(axisc, np.ndim(parts[0]) + 1)[0])


@implements(np.linalg.cross)
def linalg_cross(x1: Any, x2: Any, axis: Any = -1) -> Any:
    """Return np.linalg.cross(x1, x2, axis=axis)."""
    return cross(x1, x2, axis=axis)


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """Return np.convolve(a, v, mode)."""
    a, v = np.atleast_1d(lift(a)), np.atleast_1d(lift(v))
    n, m = np.shape(a)[0], np.shape(v)[0]
    if np.ndim(a) != 1 or np.ndim(v) != 1 or not n or not m:
        raise ValueError(f"np.convolve takes vectors, not shapes {np.shape(a)} and {np.shape(v)}")
    long, short = max(n, m), min(n, m)
    first, last = {
        "full": (0, n + m - 1),
        "same": ((short - 1) // 2, (short - 1) // 2 + long),
        "valid": (short - 1, long),
    }[mode]
    i, j = np.arange(n), np.arange(m)
    number = float if all(isinstance(Kind.of(x), Floats) for x in (a, v)) else int
    shift = (i[:, None] + j == np.arange(first, last)[:, None, None]).astype(number)
    return einsum("kij,i,j->k", shift, a, v)
