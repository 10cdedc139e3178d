"""Fourier transforms in machine code, of lengths whose factors are small.

A pass of the factor r takes r·m numbers that lie s apart, of which there are s
(C. Van Loan, Computational Frameworks for the Fast Fourier Transform, 1992, section 1.7: Stockham):

    y[q + s(rp + k)] = w^(pk) Σ_j v^(jk) x[q + s(p + mj)],   w = exp(∓2πi/(rm)), v = exp(∓2πi/r),

with 0 <= p < m, 0 <= q < s; the next one has m and rs in the places of rm and s.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.arrays.fourier import BACKWARD, FORWARD
from taylor.core.table import Rule
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.registers import Scalar
from taylor.machine.emit import Symbol, contiguous, empty, in_memory, lifted
from taylor.machine.nests import at, c_strides, each
from taylor.numbers.kinds import Array

FACTORS = (4, 2, 3, 5, 7)
LONGEST = 1 << 12  # beyond it NumPy is asked


@functools.lru_cache(maxsize=256)
def _factors(n: int) -> tuple[int, ...] | None:
    """Return the factors of n; None if there are others than small ones."""
    found: list[int] = []
    for r in FACTORS:
        while n % r == 0:
            found.append(r)
            n //= r
    return tuple(found) if n == 1 else None


def is_written(rule: Rule, shape: Sequence[int]) -> bool:
    """Whether a rule is a Fourier transform that has machine code at numbers of that shape."""
    ours = rule is FORWARD or rule is BACKWARD
    return ours and 1 < shape[-1] <= LONGEST and _factors(shape[-1]) is not None


def written(f: Function, rule: Rule, x: Any) -> Symbol | None:
    """Return the transform of the last axis of x; None if Python is to be asked."""
    if f.unit > 1 or not is_written(rule, np.shape(x)) or 0 in np.shape(x):
        return None
    x = contiguous(lifted(f, x))
    x = in_memory(f, x) if x.reg is not None else x
    shape, n = x.shape, x.shape[-1]
    rows = math.prod(shape) // n, n
    rooms = [empty(f, rows, True) for _ in range(2)]
    name = f"fft.{rows[0]}.{n}.{x.plane}.{int(rule is BACKWARD)}"
    if name not in f.helpers:
        with f.function(name, dict.fromkeys(("%x", "%y", "%z"), "ptr")) as g:
            planes = (x.plane, rooms[0].plane, rooms[1].plane)
            given = zip(("%x", "%y", "%z"), planes, strict=True)
            arrays = [Symbol(g, rows, None, base, 0, (n, 1), plane=plane) for base, plane in given]
            _passes(g, arrays, rule is BACKWARD)
    f.run(name, [f.address(y.base, y.lead, y.offset) for y in (x, *rooms)], [])
    result = rooms[1 - len(_factors(n) or ()) % 2]
    return result.view(shape, c_strides(shape))


def _passes(f: Function, arrays: Sequence[Symbol], back: bool) -> None:
    """Write all passes, from the first array to the others by turns."""
    source, *rooms = arrays
    left, s = source.shape[-1], 1
    for k, r in enumerate(_factors(left) or ()):
        _pass(f, source, rooms[k % 2], (r, left // r, s), back)
        source, left, s = rooms[k % 2], left // r, s * r


def _pass(f: Function, x: Symbol, y: Symbol, sizes: tuple[int, int, int], back: bool) -> None:
    """Write a pass of (r, m, s)."""
    r, m, s = sizes
    width = min(WIDTH, 1 << (s.bit_length() - 1))
    whole, turns = s // width * width, lifted(f, _turns(r, m, back)) if m > 1 else None

    def line(index: list[Any]) -> None:
        b, p = index
        w = [] if turns is None else [at(turns, [p, k]) for k in range(1, r)]

        def few(q: Any, width: int) -> None:
            start = [(b, r * m * s), (q, 1)]
            z = [x.load([*start, (p, s), (j * m * s, 1)], width) for j in range(r)]
            first, *others = _small(f, z, back)
            y.store(first, [*start, (p, r * s)])
            for k, other in enumerate(others):
                turned = f.binary("fmul", other, w[k]) if w else other
                y.store(turned, [*start, (p, r * s), ((k + 1) * s, 1)])

        f.repeat(whole, lambda q: few(q, width), width)
        for q in range(whole, s):
            few(q, 1)

    each(f, (x.shape[0], m), line)


def _small(f: Function, z: Sequence[Scalar], back: bool) -> list[Scalar]:
    """Return Σ_j v^(jk) z_j for all k."""
    r = len(z)
    if r == 2:
        return [z[0] + z[1], z[0] - z[1]]
    if r == 4:
        even, odd = _small(f, z[::2], back), _small(f, z[1::2], back)
        turned = _times_i(f, odd[1], back)
        return [even[0] + odd[0], even[1] + turned, even[0] - odd[0], even[1] - turned]
    pairs = [(z[j] + z[-j], z[j] - z[-j]) for j in range(1, (r + 1) // 2)]
    v = _roots(r)
    found = [sum([s for s, _ in pairs], z[0])]
    for k in range(1, r):
        level, slope = z[0], f.zero(z[0].width)
        for j, (s, d) in enumerate(pairs, 1):
            c = v[j * k % r]
            level, slope = level + s * c.real, slope + d * c.imag
        found.append(level + _times_i(f, slope, back))
    return found


def _times_i(f: Function, z: Scalar, back: bool) -> Scalar:
    """Return i·z, or -i·z if it is not `back`."""
    re, im = f.both(z)
    return f.pair(f.negative(im), re) if back else f.pair(im, f.negative(re))


@functools.lru_cache(maxsize=64)
def _roots(n: int) -> Array:
    """Return exp(2πi·k/n), of angles below a quarter of a right angle times two."""
    k = np.arange(n)
    eighth = (8 * k + n) // (2 * n)  # the multiple of a right angle that is nearest
    angle = (np.pi / 2) * ((4 * k - eighth * n) / n)
    turned: Array = np.exp(1j * angle) * np.array([1, 1j, -1, -1j])[eighth % 4]
    return turned


def _turns(r: int, m: int, back: bool) -> Array:
    """Return w^(pk) for all p and k."""
    w = _roots(r * m)[np.outer(np.arange(m), np.arange(r)) % (r * m)]
    return w if back else w.conj()
