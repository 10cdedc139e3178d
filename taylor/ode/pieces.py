"""The steps of a solution as polynomials, and the series of functions of (t, y) along them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from taylor.algebra import Univariate
from taylor.llvm import engine
from taylor.program import Program
from taylor.sweep import sweep
from taylor.values import as_array

Array = Any
ROUNDS, MOST = 12, 1 << 14  # of halving steps, and steps after it


@dataclass(frozen=True)
class Pieces:
    """Some steps: their starts, what the starts are off by, their lengths and coefficients."""

    t: Array
    low: Array
    h: Array
    coef: Array

    def __len__(self) -> int:
        return len(self.t)

    def first(self, n: int) -> Pieces:
        """Return the first n of them."""
        return Pieces(self.t[:n], self.low[:n], self.h[:n], self.coef[:n])

    def until(self, i: int, h: Any) -> Pieces:
        """Return the steps up to step i, of which so much of its length."""
        return replace(self.first(i + 1), h=np.append(self.h[:i], h))

    def end(self, i: int) -> Any:
        """Return the time at which step i ends."""
        return self.t[i] + (self.h[i] + self.low[i])


def along(program: Program, pieces: Pieces, parameters: Sequence[Any]) -> list[Array]:
    """Return the series of the outputs of an expanded program of (t, y, *parameters).

    One array (steps, order + 1, *shape) for each output.  Raises GuardError where the program
    branches otherwise.
    """
    if not len(pieces):
        return []
    order = pieces.coef.shape[1] - 1
    floats = pieces.coef.dtype == np.float64 and all(
        np.asarray(p).dtype.kind in "fiub" for p in parameters
    )
    if floats and order >= 1:
        n = len(pieces)
        times = np.stack([pieces.t, np.ones(n)])
        fixed = [
            np.broadcast_to(np.asarray(p, float)[..., None], (1, *np.shape(p), n))
            for p in parameters
        ]
        heights = (1, order, *(0 for _ in parameters))
        kernel = engine.of_program(engine.Named(program), Univariate(order), heights)
        tables = kernel.lanes(times, np.moveaxis(pieces.coef, 0, -1), *fixed, asked=n)
        if tables is not None:
            return [np.moveaxis(table, -1, 0) for table in tables]
    rows = [_one(program, pieces, i, parameters, order) for i in range(len(pieces))]
    return [np.stack(column) for column in zip(*rows, strict=True)]


def _one(
    program: Program, pieces: Pieces, i: int, parameters: Sequence[Any], order: int
) -> list[Array]:
    t = pieces.t[i]
    time = np.zeros(order + 1, np.asarray(t).dtype)
    time[0] = t
    if order:
        time[1] = 1 + 0 * t
    fixed = []
    for p in parameters:
        table = np.zeros((order + 1, *np.shape(p)), as_array(p).dtype)
        table[0] = p
        fixed.append(table)
    return sweep(program, Univariate(order), [time, pieces.coef[i], *fixed])


def resolved(programs: Sequence[Program], pieces: Pieces, parameters: Sequence[Any]) -> Pieces:
    """Return the steps, divided where a function of (t, y) has a shorter series than y.

    A function such as sin(t) along the straight line y = t is no polynomial of low degree: steps
    are divided until the last two terms of its series are as small as those of y are.
    """
    order = pieces.coef.shape[1] - 1
    limit = max(2.0**-50, 64 * math.exp(-2 * (order - 1)))
    for program in programs:
        for _ in range(ROUNDS):
            parts = np.ones(len(pieces), dtype=int)
            for table in along(program, pieces, parameters):
                parts = np.maximum(parts, _parts(table, pieces.h, limit))
            if np.all(parts == 1) or parts.sum() > MOST:
                break
            pieces = _divided(pieces, parts)
    return pieces


def _parts(table: Array, h: Array, limit: float) -> Array:
    """Return in how many parts each step is to be divided."""
    order = table.shape[1] - 1
    flat = np.abs(table.reshape(len(table), order + 1, -1)).astype(float)
    with np.errstate(all="ignore"):
        terms = flat * np.abs(h.astype(float))[:, None, None] ** np.arange(order + 1)[:, None]
        size = terms.max(1)
        last = terms[:, -2:].max(1) if order > 1 else terms[:, -1]
        ratio = np.where(last > limit * size, last / (limit * size), 1.0).max(1, initial=1.0)
        parts = 2.0 ** np.ceil(np.log2(ratio) / order)
    return np.clip(np.where(np.isfinite(parts), parts, 1), 1, 64).astype(int)


def _divided(pieces: Pieces, parts: Array) -> Pieces:
    """Return the steps, each in so many equal parts."""
    order = pieces.coef.shape[1] - 1
    rows: list[tuple[Any, Any, Any, Array]] = []
    for i, m in enumerate(parts):
        t, low, h, c = pieces.t[i], pieces.low[i], pieces.h[i], pieces.coef[i]
        for j in range(m):
            start = h * j / m
            shift = [
                [math.comb(n, k) * start ** (n - k) for n in range(k, order + 1)]
                for k in range(order + 1)
            ]
            new = (
                c
                if j == 0
                else np.stack([np.tensordot(np.array(s), c[k:], 1) for k, s in enumerate(shift)])
            )
            begin = t + (start + low)
            rows.append((begin, (t - begin) + (start + low), h / m, new))
    t, low, h, coef = zip(*rows, strict=True)
    return Pieces(np.array(t), np.array(low), np.array(h), np.stack(coef))
