"""Tables of coefficients as arrays: sums of products, contractions, and where they are not zero."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from taylor.numbers.kinds import Array, ValueSet, is_operand
from taylor.numbers.values import together

APART = 1 << 16  # bits between two products, from which on mpmath adds them up
SMALL = 256  # elements of two operands below which einsum itself is faster than BLAS


def dot(x: Array, y: Array) -> Any:
    """Return Σ_j x_j·y_j over the first axis."""
    if type(x) is not np.ndarray or type(y) is not np.ndarray:
        return x._dot(y) if isinstance(x, ValueSet) and type(x) is type(y) else (x * y).sum(0)
    if x.dtype == object and y.dtype == object:
        z = _rounded_once(x, y)
        if z is not None:
            return z
    if x.ndim == 1 and y.ndim == 1:
        return np.dot(x, y)
    if x.dtype == object or y.dtype == object:
        return np.add.reduce(x * y, axis=0)
    return np.einsum("j...,j...->...", x, y)


def _rounded_once(x: Array, y: Array) -> Any:
    """Return Σ_j x_j·y_j over the first axis of reals of mpmath, or None for other numbers."""
    if x.ndim == 1 and y.ndim == 1:
        return _sum_of_products(x.tolist(), y.tolist())
    shape = np.broadcast_shapes(x.shape[1:], y.shape[1:])
    wide = [np.broadcast_to(v, (len(v), *shape)).reshape(len(v), -1).T.tolist() for v in (x, y)]
    sums = [_sum_of_products(a, b) for a, b in zip(*wide, strict=True)]
    if any(z is None for z in sums):
        return None
    out = np.empty(len(sums), dtype=object)
    out[:] = sums
    return out.reshape(shape)


def _sum_of_products(x: list[Any], y: list[Any]) -> Any:
    """Return Σ x_j·y_j, added up in whole numbers and rounded once; None for other numbers.

    No mpmath number is made on the way, which is most of what they cost.
    """
    total, low, context = 0, 0, None
    for a, b in zip(x, y, strict=True):
        if type(a) is int or type(b) is int:
            if a == 0 or b == 0:
                continue
            return None
        try:
            left, m, e, _ = a._mpf_
            right, n, d, _ = b._mpf_
            context = a.context
        except AttributeError:
            return None
        if not m or not n:
            if (e and not m) or (d and not n):  # an infinity or nan
                return None
            continue
        m, e = m * n, e + d
        if left != right:
            m = -m
        if not total:
            total, low = m, e
        elif abs(e - low) > APART:
            return None
        elif e >= low:
            total += m << (e - low)
        else:
            total, low = (total << (low - e)) + m, e
    if context is None:
        return None
    return +context.ldexp(total, low)  # rounded here


def pad(x: Array, ndim: int) -> Array:
    """Return a table with unit axes after the first, so that its array has ndim axes."""
    missing = ndim - (x.ndim - 1)
    return x if missing <= 0 else x.reshape((*x.shape[:1], *(1,) * missing, *x.shape[1:]))


def nonzero(x: Any) -> Any:
    """Return, as plain booleans, where the numbers of a table are not zero."""
    if is_operand(x):
        return np.asarray(x._nonzero(), dtype=bool)
    if x.dtype != object:
        return x != 0
    flat = [_is_nonzero(e) for e in x.reshape(-1)]
    return np.array(flat, dtype=bool).reshape(x.shape)


def unchanged(c: Array, then: Array, floats: bool) -> bool:
    """Whether an array still has the content that it had then."""
    if c.size <= SMALL and c.dtype == then.dtype and not c.dtype.hasobject:
        return c.shape == then.shape and c.tobytes() == then.tobytes()
    bits = {4: np.int32, 8: np.int64, 16: np.int64}.get(c.dtype.itemsize) if floats else None
    if bits is None or c.dtype != then.dtype or c.dtype.char == "g" or not c.flags.c_contiguous:
        return np.array_equal(c, then, equal_nan=floats)
    same = c.shape == then.shape and c.reshape(-1).view(bits) == then.reshape(-1).view(bits)
    return bool(np.all(same))


def last_nonzero(x: Array) -> int:
    """Return the last row of a table that is not zero (in some lane), or the first one."""
    used = nonzero(x)
    rows = np.flatnonzero(used if used.ndim == 1 else used.reshape(len(used), -1).any(1))
    return int(rows[-1]) if len(rows) else 0


def _is_nonzero(e: Any) -> bool:
    if is_operand(e):
        return bool(nonzero(e).any())
    return not bool(e == 0)  # a set that may hold other numbers than zero is none


def trimmed_product(x: Array, y: Array) -> Array:
    """Return the product of two scalar tables without the zeros at their ends: 0·inf stays out."""
    a, b = (v[: int(np.max(np.flatnonzero(nonzero(v)), initial=0)) + 1] for v in (x, y))
    z = np.convolve(a, b)[: len(x)]
    return np.concatenate([z, np.zeros(len(x) - len(z), z.dtype)])


# ------------------------------------------------------------------ contractions
def free_letter(spec: str) -> str:
    """Return a letter that an einsum specification does not use."""
    return next(c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba" if c not in spec)


def spec_under(spec: str, operand: int) -> str:
    """Return the specification with one more, last axis of an operand and of the result."""
    terms, out = spec.split("->")
    names, z = terms.split(","), free_letter(spec)
    names[operand] += z
    return f"{','.join(names)}->{out}{z}"


@functools.cache
def turned(spec: str) -> tuple[str, str]:
    """Return what gives the adjoints of x and of y: of ȳ and y, and of x and ȳ."""
    terms, out = spec.split("->")
    x, y = terms.split(",")
    return f"{out},{y}->{x}", f"{x},{out}->{y}"


def contract(spec: str, x: Array, y: Array) -> Any:
    """Return einsum(spec, x, y), through BLAS where the numbers allow it."""
    plain = type(x) is np.ndarray is type(y)
    if not plain:
        plain = not (is_operand(x) or is_operand(y))
        x, y = (v if is_operand(v) else np.asarray(v) for v in (x, y))
    if plain and (x.dtype.hasobject or y.dtype.hasobject):
        x, y = together(x, y)
    if not plain:
        return np.einsum(spec, x, y)
    dot = None if x.dtype.hasobject else _as_dot(spec)
    if dot is not None:
        a, b = x.T if dot[0] else x, y.T if dot[1] else y
        if a.shape[-1] == b.shape[0]:  # else one of them stands for equal parts
            return np.dot(a, b).T if dot[2] else np.dot(a, b)
    if x.size + y.size < SMALL:
        return np.einsum(spec, x, y)
    plan = None if dot is not None or x.dtype.hasobject else _as_product(spec)
    if plan is not None:
        left, right, rows, summed, order = plan
        a, b = x.transpose(left), y.transpose(right)
        own, others = a.shape[:rows], b.shape[summed:]
        if a.shape[rows:] == b.shape[:summed]:
            inner = math.prod(b.shape[:summed])
            a = a.reshape(*([math.prod(own)] if own else []), inner)
            b = b.reshape(inner, *([math.prod(others)] if others else []))
            return np.dot(a, b).reshape(own + others).transpose(order)
    return np.einsum(spec, x, y, optimize=True)


@functools.cache
def _as_dot(spec: str) -> tuple[bool, bool, bool] | None:
    """Return which of x, y and the result are transposed in a product of matrices or vectors."""
    terms, out = spec.split("->")
    a, b = terms.split(",")
    shared = set(a) & set(b)
    alone = sorted(set(a) ^ set(b))
    if len(shared) != 1 or sorted(out) != alone or len(a) + len(b) != len(alone) + 2:
        return None
    if len(a) > 2 or len(b) > 2:
        return None
    return a[-1] not in shared, b[0] not in shared, len(out) == 2 and out[0] in b


@functools.cache
def _as_product(spec: str) -> tuple[list[int], list[int], int, int, list[int]] | None:
    """Return the orders of axes in which x, y and the result are a product of matrices, or None.

    Those of x: first the ones that the result has (so many), then the summed ones (so many).
    """
    terms, out = spec.split("->")
    a, b = terms.split(",")
    shared = [c for c in a if c in b]
    alone = set(a) ^ set(b)
    if not shared or set(shared) & set(out) or len(out) != len(alone) or set(out) != alone:
        return None
    if len(set(a)) < len(a) or len(set(b)) < len(b):
        return None
    rows, columns = ([c for c in names if c not in shared] for names in (a, b))
    left, right = [*rows, *shared], [*shared, *columns]
    known = [*rows, *columns]
    return (
        [a.index(c) for c in left], [b.index(c) for c in right], len(rows), len(shared),
        [known.index(c) for c in out],
    )  # fmt: skip


def contract_rows(
    spec: str, x: Array, y: Array, left: bool = True, right: bool = True, total: bool = False
) -> Any:
    """Return einsum(spec) of the rows of two tables, or of one table and an array; or their sum.

    >>> contract_rows("i,i->", np.eye(2), np.array([1.0, 3.0]), right=False)
    array([1., 3.])
    """
    return contract(of_rows(spec, left, right, total), x, y)


def contract_part(spec: str, x: Array, y: Array) -> Any:
    """Return einsum(spec) of two arrays, of which one may be rows of a table."""
    terms, _ = spec.split("->")
    rows = [np.ndim(v) > len(names) for v, names in zip((x, y), terms.split(","), strict=True)]
    return contract_rows(spec, x, y, *rows) if any(rows) else contract(spec, x, y)


@functools.cache
def of_rows(spec: str, left: bool, right: bool, total: bool) -> str:
    """Return an einsum specification for the rows of one table or of both, or for their sum."""
    terms, out = spec.split("->")
    a, b = terms.split(",")
    z = free_letter(spec)
    return f"{z * left}{a},{z * right}{b}->{z * (not total)}{out}"
