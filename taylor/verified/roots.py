"""All roots of a system of equations in a box, each proved to be there and to be the only one.

With the slopes J of f on a box X, its middle m and Y near J^-1, every root in X lies in

    N = m - f(m)/J   (one equation),     K = m - Y·f(m) + (1 - Y·J)·(X - m)   (several),

and if N, or K, lies in the inside of X there is exactly one (Krawczyk, Computing 4, 1969; Neumaier,
Interval Methods for Systems of Equations, 1990, theorems 5.1.7 and 5.1.8).  So boxes are cut until
f has no zero on them or a slightly larger box passes this test.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.drivers.derivatives import jacobian
from taylor.drivers.forward_mode import derivative
from taylor.errors import NonAnalyticError, NotVerified
from taylor.progress import Report
from taylor.verified.boxes import Boxes, bounded, halved, joined
from taylor.verified.effort import allowed, through
from taylor.verified.given import check_function, tolerance
from taylor.verified.interval import Interval

Floats = NDArray[np.float64]
Function = Callable[..., Any]
BUDGET = 60_000  # boxes at most, each of which may be looked at again and again
TURNS = 60  # of Newton's method
SHRUNK = 0.7  # of the width of a box, below which it is not cut


@dataclass(frozen=True)
class Roots:
    """The roots of f in a box.

    unique: boxes (first axis) in each of which there is one root, and no two have the same;
    undecided: boxes that may hold others, or one at the edge of the box; there are none elsewhere.
    evaluated: how many boxes were looked at.
    """

    unique: Interval
    undecided: Interval
    evaluated: int


class _Newton:
    """Newton's method on boxes: (n, ) unknowns and equations, boxes along a first axis."""

    def __init__(self, f: Function, box: Interval, executor: Executor | None) -> None:
        check_function(f, "the first argument is a function")
        self.n = max(box.size, 1)
        f = partial(_as_one, f)
        self.values = Boxes(f, box.shape, executor)
        slopes = jacobian if box.shape else derivative
        self.slopes = Boxes(partial(_with_slopes, f, slopes), box.shape, executor, slopes=True)

    def step(self, x: Interval) -> tuple[Any, Any, Any, Any]:
        """Return the ends of what holds all roots of boxes x, where f has none, and is one only."""
        m = x.mid
        try:
            y, slopes = self.slopes(x)
        except NonAnalyticError:  # a tie of both sides of a kink, wherever it is
            y, slopes = self.values(x)[0], Interval(-np.inf, np.inf) + np.zeros(x.size * self.n)
        at = self.values(Interval(m))[0]
        if not np.isfinite(y.mag).all():  # a kink: no slope, but values
            y = self.values(x)[0]
        if y.size != x.size:
            raise ValueError(
                f"f returns {y.size // len(x)} values for {self.n} unknowns; it has to be as many"
            )
        y, at = y.reshape(x.shape), at.reshape(x.shape)
        slopes = slopes.reshape(len(x), self.n, self.n)
        wide = at + (slopes * (x - m)[:, None, :]).sum(2)
        none = ~(_has_zero(y) & _has_zero(wide)).all(1)
        low, high = self._image(x, m, at, slopes)
        outside = ((high < x.lo) | (low > x.hi)).any(1)
        inside = ((low > x.lo) & (high < x.hi)).all(1)
        return low, high, none | outside, inside & ~none

    def _image(
        self, x: Interval, m: Floats, at: Interval, slopes: Interval
    ) -> tuple[Floats, Floats]:
        if self.n == 1:
            j = slopes[:, :, 0]
            regular = ~_has_zero(j)
            safe = Interval(np.where(regular, j.lo, 1.0), np.where(regular, j.hi, 1.0))
            image = Interval(m) - at / safe
            low, high = np.asarray(image.lo), np.asarray(image.hi)
            return np.where(regular, low, -np.inf), np.where(regular, high, np.inf)
        near = _inverses(slopes)
        rest = np.eye(self.n) - (near[:, :, :, None] * slopes[:, None, :, :]).sum(2)
        image = Interval(m) - (near * at[:, None, :]).sum(2) + (rest * (x - m)[:, None, :]).sum(2)
        return np.asarray(image.lo), np.asarray(image.hi)


def _as_one(f: Function, x: Any) -> Any:
    """Return the values of f, which may be a list of numbers, as one array."""
    y = f(x)
    return np.stack(y) if isinstance(y, (list, tuple)) else y


def _with_slopes(f: Function, slopes: Function, x: Any) -> tuple[Any, Any]:
    return f(x), slopes(f, x)


def _has_zero(x: Interval) -> Any:
    return (np.asarray(x.lo) <= 0) & (np.asarray(x.hi) >= 0)


def _inverses(slopes: Interval) -> Any:
    """Return matrices near the inverses of the middles of matrices, zero where there are none."""
    middle = np.where(np.isfinite(slopes.mag), slopes.mid, 0.0)
    singular = (np.linalg.det(middle) == 0)[:, None, None]
    found = np.where(
        singular, 0.0, np.linalg.inv(np.where(singular, np.eye(len(middle[0])), middle))
    )
    return np.where(np.isfinite(found).all((1, 2), keepdims=True), found, 0.0)


def roots(
    f: Function,
    box: Any,
    *,
    tol: float = 1e-12,
    max_boxes: int | None = None,
    executor: Executor | None = None,
    progress: Report = False,
) -> Roots:
    """Return all roots of f in a box: proved to be roots, the only ones there, and all of them.

    f: of a number where the box is a pair (lo, hi), else of an array of n unknowns to n values.
    Each box of `unique` has no more than the width tol, as far as rounding allows; what is not
    decided on boxes of that width is `undecided`.  If more than `max_boxes` have to be looked at
    `NotVerified` is raised, whose `result` says what is known.  Other arguments as of `minimize`.

    >>> found = roots(lambda x: np.sin(x**2) - 0.3 * x, (0.1, 6.0))
    >>> len(found.unique), len(found.undecided)
    (4, 0)
    """
    box, tol = bounded(box), tolerance(tol)
    search = _Search(f, box, tol, executor)
    complete = search.run(max_boxes, progress)
    found = search.result()
    if not complete:
        raise NotVerified(
            f"after {search.evaluated} boxes {len(found.unique)} roots are proved, and "
            f"{len(found.undecided)} boxes undecided; allow more max_boxes, or take a smaller box",
            found,
        )
    return found


class _Search:
    """The boxes in which roots are looked for, and those found."""

    def __init__(self, f: Function, box: Interval, tol: float, executor: Executor | None) -> None:
        self.newton, self.box, self.tol = _Newton(f, box, executor), box, tol
        self.whole = box.reshape(1, -1)
        self.x = self.whole
        self.evaluated = 0
        self.proved: list[tuple[Interval, Interval]] = []  # a root, and where it is the only one
        self.places = np.zeros((2, 0, self.whole.shape[1]))  # ends of what is proved
        self.undecided: list[Interval] = []

    def run(self, max_boxes: int | None, progress: Report) -> bool:
        """Look at boxes until none is left; return whether that was possible."""
        limit = allowed(max_boxes, [self.newton.values, self.newton.slopes], known=BUDGET)
        self.evaluated, complete = through(lambda: len(self.x), self._level, limit, progress)
        self.undecided += [] if complete else [self.x]
        return complete

    def _level(self) -> None:
        x = self.x
        low, high, none, inside = self.newton.step(x)
        x, low, high, inside = x[~none], low[~none], high[~none], inside[~none]
        if not len(x):
            self.x = x
            return
        low, high = np.maximum(low, x.lo), np.minimum(high, x.hi)
        cut = Interval(low, high)
        self._keep(cut[inside], x[inside])
        x, cut = x[~inside], cut[~inside]
        proved = self._proved_around(x, cut)
        x, cut = x[~proved], cut[~proved]
        self._next(x, cut)

    def _proved_around(self, x: Interval, cut: Interval) -> Any:
        """Return which boxes have all their roots in a slightly larger one, that has one only."""
        widths = cut.width
        small = (widths < 0.5 * x.width).all(1) & (widths < 0.05 * (self.whole.width + 1)).all(1)
        found = np.zeros(len(x), dtype=bool)
        if not small.any():
            return found
        inner = cut[small]
        margin = 2 * inner.width + 1e-15 * inner.mag + 1e-300
        outer = Interval(inner.lo - margin, inner.hi + margin)
        low, high, _, inside = self.newton.step(outer)
        at = np.flatnonzero(small)[inside]
        low, high = (np.clip(v, outer.lo, outer.hi)[inside] for v in (low, high))
        self._keep(Interval(low, high), outer[inside])
        found[at] = True
        return found

    def _next(self, x: Interval, cut: Interval) -> None:
        """Cut in two what did not shrink."""
        tiny = (cut.width <= self.tol).all(1)
        self.undecided += [cut[tiny]] if tiny.any() else []
        x, cut = x[~tiny], cut[~tiny]
        shrunk = (cut.width < SHRUNK * x.width).any(1)
        lo, hi = cut.lo, cut.hi
        left, right, apart = halved(lo, hi, np.argmax(hi - lo, axis=1))
        once = shrunk | ~apart
        left = np.where(once[:, None], hi, left)
        lo, hi = np.concatenate([lo, right[~once]]), np.concatenate([left, hi[~once]])
        self.x = Interval(lo, hi)

    def _keep(self, x: Interval, outer: Interval) -> None:
        """Keep boxes x that hold the only root of the boxes around them, once each is small."""
        for _ in range(TURNS):
            if not len(x):
                return
            wide = (x.width > self.tol).any(1)
            if not wide.any():
                break
            low, high, _, _ = self.newton.step(x)
            low, high = np.maximum(low, x.lo), np.minimum(high, x.hi)
            if not (high - low < 0.9 * x.width).any():
                break
            x = Interval(np.minimum(low, high), np.maximum(low, high))
        for i in range(len(x)):
            self._add(x[i], outer[i])

    def _add(self, x: Interval, outer: Interval) -> None:
        """Add a root, unless it is known, or certainly outside of the box."""
        whole = self.whole[0]
        if not np.all(x.overlaps(whole)):
            return
        if not np.all(x.subset(whole)):
            self.undecided.append(x[None])
            return
        low, high = self.places
        for n in np.flatnonzero(((low <= x.hi) & (x.lo <= high)).all(1))[:1]:
            y, known = self.proved[n]
            if np.all(x.subset(known)) or np.all(y.subset(outer)):
                self.proved[n] = (x & y, known)
            else:
                self.undecided.append(x[None])
            return
        self.proved.append((x, outer))
        self.places = np.append(self.places, np.stack([x.lo, x.hi])[:, None], axis=1)

    def result(self) -> Roots:
        """Return what is known."""
        n, shape = self.whole.shape[1], self.box.shape
        nothing = Interval(np.zeros((0, n)), np.zeros((0, n)))
        unique = joined([nothing, *(x[None] for x, _ in self.proved)])
        order = np.argsort(unique.lo[:, 0], kind="stable")
        undecided = joined([nothing, *self.undecided])
        return Roots(
            unique[order].reshape(len(unique), *shape),
            undecided.reshape(len(undecided), *shape),
            self.evaluated,
        )
