"""Values of polynomials with intervals as coefficients, as machine code."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from taylor.llvm.bounds import Bounds
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.jit import Code, address, made
from taylor.numbers.kinds import Array
from taylor.verified.batches import UNIT, aligned
from taylor.verified.interval import Interval


def rise(c: Interval, h: Interval) -> Interval:
    """Return Σ_{k>0} c_k h^k for c of shape (order + 1, numbers, boxes) and h of shape (boxes,).

    The boxes of c are one or as many as there are of h, at most UNIT.
    """
    rows, numbers, _ = c.shape
    boxes = h.shape[0]
    size, code = _horner(rows - 1, numbers)
    data = aligned(size, UNIT)
    tables = data[4 : 4 + 2 * rows * numbers].reshape(numbers, rows, 2, UNIT)
    for n, (end, at) in enumerate(((c.lo, h.lo), (c.hi, h.hi))):
        tables[:, :, n, :boxes] = end.transpose(1, 0, 2)
        data[n, :boxes] = at
    start = 4 + 2 * rows * numbers
    with np.errstate(all="ignore"):
        code.call(address(data))
    found = data[start : start + 2 * numbers].reshape(numbers, 2, UNIT)[..., :boxes]
    lo, hi = (np.where(np.isfinite(found).all(1), found[:, n], end) for n, end in enumerate(ENDS))
    return Interval(lo, hi)


ENDS = (-np.inf, np.inf)


@functools.lru_cache(maxsize=64)
def _horner(order: int, numbers: int) -> tuple[int, Code]:
    """Return the size of memory, in vectors, and the code, for so many polynomials."""

    def write() -> tuple[Any, Code]:
        f = Function(UNIT)
        f.allocate(4)
        table = f.allocate(2 * (order + 1) * numbers)
        out = f.allocate(2 * numbers)
        h = Bounds(*(f.load(f.address("%data", [], n)) for n in (0, 1)))
        with f.loop(0, numbers) as loop:
            row = [(loop.index, 2 * (order + 1))]
            last = [f.load(f.address("%data", row, table + 2 * order + n)) for n in (0, 1)]

            def lower(k: str, totals: Any) -> Any:
                at = [*row, (f.whole("sub", order - 1, k), 2)]
                c = [f.load(f.address("%data", at, table + n)) for n in (0, 1)]
                return Bounds(*totals).times(h, Bounds(*c))

            found = f.fold(0, order - 1, last, lower, maybe=True)
            for n, end in enumerate(Bounds(*found).times(h)):
                f.store(end, f.address("%data", [(loop.index, 2)], out + n))
        text = f.text()
        return f.size + WIDTH, Code(text)

    size, code = made(write, "horner", order, numbers, 0)
    return size, code


def all_powers(h: Interval, order: int) -> Interval:
    """Return h^k for h >= 0, 0 <= k <= order: of k - 1 roundings, which may underflow."""
    k = np.arange(order + 1)
    low, high = (
        np.concatenate([[1.0], np.cumprod(np.full(order, float(x)))]) for x in (h.lo, h.hi)
    )
    off = k * 2.0**-51
    low, high = (low * (1 - off) - k * 2.0**-1074, high * (1 + off) + k * 2.0**-1074)
    return Interval(np.maximum(low, 0.0), high)


def powers(h: Array, k: int) -> Array:
    """Return bounds above of h^k for numbers h >= 0."""
    found = np.ones_like(h)
    for _ in range(k):
        found = found * h * (1 + 2.0**-51) + 2.0**-1074  # what underflow takes
    return found
