"""Branch and prune: the least value of a function on a box, its range, and its sign.

All boxes of a level are bounded at once, by f itself and by f(m) + f'(X)·(X - m); those that lie
above a value that f takes, or in whose inside f grows along a variable, hold no least value; the
others are cut across the variable along which f varies most (Hansen and Walster, Global
Optimization Using Interval Analysis, 2004).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.drivers.derivatives import value_and_gradient
from taylor.errors import NonAnalyticError, NotVerified, Undecided
from taylor.progress import Report
from taylor.verified.boxes import Boxes, bounded, halved
from taylor.verified.effort import allowed, through
from taylor.verified.given import tolerance
from taylor.verified.interval import Interval

Floats = NDArray[np.float64]
Ends = tuple[Floats, Floats, Floats]  # lower and upper ends of boxes, and bounds of f there
Function = Callable[..., Any]
MANY = 256  # boxes that take not much longer than one
GAIN = 2.0**-10  # of a bound, of what it lacks, which halving a box is good for
IDLE = 60  # halvings of every side without a gain, after which a box is set aside


@dataclass(frozen=True)
class Minimum:
    """The least value of a function on a box, and where it may be.

    value: an enclosure of the least value; boxes: an array of boxes, one along the first axis, that
    hold every point where it is taken; evaluated: how many boxes were looked at; complete: whether
    the width of the value is no more than was asked for.
    """

    value: Interval
    boxes: Interval
    evaluated: int
    complete: bool


class _Least:
    """The search for the least value of sign·f on a box; `enough(high)` is what is low enough."""

    def __init__(self, box: Interval, sign: int, functions: tuple[Boxes, Boxes]) -> None:
        self.shape, self.sign = box.shape, sign
        self.values, self.slopes = functions
        n, ends = box.size, (box.lo, box.hi)
        self.floor, self.top = (np.reshape(np.asarray(e, dtype=float), (1, n)) for e in ends)
        self.lo, self.hi = self.floor.copy(), self.top.copy()
        self.low = np.full(1, -np.inf)  # bounds of the boxes that wait
        self.idle = np.zeros(1)  # how often each was halved since its bound gained by that
        self.kept: list[Ends] = []  # lo, hi, low of boxes set aside
        self.high = np.inf  # a value that is taken, or more
        self.evaluated = 0

    def run(
        self,
        enough: Callable[[float], float],
        max_boxes: int | None,
        progress: Report,
        stop: Callable[[float], bool] = lambda high: False,
    ) -> bool:
        """Look at boxes until all have a bound that is high enough; return whether they have."""
        self.evaluated, complete = through(
            lambda: 0 if stop(self.high) else len(self.lo),
            lambda: self._level(enough),
            allowed(max_boxes, [self.values, self.slopes]),
            progress,
        )
        return complete

    def _level(self, enough: Callable[[float], float]) -> None:
        x = Interval(self.lo, self.hi)
        m = x.mid
        at = self.sign * self.values.numbers(Interval(m))
        try:
            y, g = self.slopes(x)
        except NonAnalyticError:  # a tie of both sides of a kink, wherever it is
            y = g = Interval(-np.inf, np.inf) + np.zeros(x.shape)
            y = y[:, 0]
        g = g.reshape(x.shape)
        if not np.isfinite(y.mag).all():  # a kink: no slope, but values
            y = self.values(x)[0]
        y, g = self.sign * y, self.sign * g
        self.high = min(self.high, float(np.min(at.hi)))
        centred = at + ((x - m) * g).sum(1)
        low = np.maximum(self.low, np.maximum(y.lo, centred.lo))
        with np.errstate(invalid="ignore"):
            gained = low - self.low > GAIN * (self.high - low)
        self.idle[gained | (np.isfinite(low) & ~np.isfinite(self.low))] = 0
        self.low = low
        lo, hi, kept = self._monotone(g)
        kept &= self.low <= self.high
        ready = (self.low >= enough(self.high)) | (self.idle > IDLE * x.shape[1])
        flat = ((lo == hi) & (self.lo < self.hi)).any(1)  # now on a side: to be looked at again
        smear = np.where(hi > lo, (hi - lo) * np.where(np.isfinite(g.mag), g.mag, 1e300), -1.0)
        every = (lo, hi, self.low)
        self.kept.append(self._taken(every, kept & ready))
        again = *self._taken(every, kept & ~ready & flat), self.idle[kept & ~ready & flat]
        waiting = kept & ~ready & ~flat
        self.lo, self.hi, self.low = self._taken(every, waiting)
        self.idle = self.idle[waiting]
        self._cut(smear[waiting])
        self.lo, self.hi, self.low, self.idle = (
            np.concatenate(pair)
            for pair in zip(again, (self.lo, self.hi, self.low, self.idle), strict=True)
        )

    def _taken(self, boxes: Ends, which: Any) -> Ends:
        lo, hi, low = boxes
        return lo[which], hi[which], low[which]

    def _monotone(self, g: Interval) -> tuple[Floats, Floats, Any]:
        """Return the boxes that may hold a least value, on a side of the whole box if f grows."""
        up, down = np.asarray(g.lo) > 0, np.asarray(g.hi) < 0
        inner = (up & (self.lo > self.floor)) | (down & (self.hi < self.top))
        hi = np.where(up, self.lo, self.hi)
        lo = np.where(down, self.hi, self.lo)
        return lo, hi, ~inner.any(1)

    def _cut(self, smear: Floats) -> None:
        """Halve the boxes that wait, more than once while there are few."""
        while len(self.lo):
            i = np.argmax(smear, axis=1)
            left, right, apart = halved(self.lo, self.hi, i)
            if not apart.all():  # as small as floats allow
                self.kept.append((self.lo[~apart], self.hi[~apart], self.low[~apart]))
                self.lo, self.hi, self.low = self.lo[apart], self.hi[apart], self.low[apart]
                self.idle, smear = self.idle[apart], smear[apart]
                continue
            self.lo, self.hi = np.concatenate([self.lo, right]), np.concatenate([left, self.hi])
            self.low = np.concatenate([self.low, self.low])
            self.idle = np.concatenate([self.idle, self.idle]) + 1
            smear[np.arange(len(i)), i] *= 0.5
            smear = np.concatenate([smear, smear])
            if 2 * len(self.lo) > MANY:
                break

    def found(self) -> tuple[Floats, Floats, Floats]:
        """Return the boxes that may hold a least value, and lower bounds on them."""
        lo, hi, low = (
            np.concatenate(each)
            for each in zip(*self.kept, (self.lo, self.hi, self.low), strict=True)
        )
        kept = low <= self.high
        return lo[kept], hi[kept], low[kept]

    def remedy(self) -> str:
        """Return what to do where the search came to no end."""
        lo, hi, low = self.found()
        lost = np.flatnonzero(np.isneginf(low))
        if len(lost):
            box = Interval(lo[lost[0]], hi[lost[0]])
            return (
                f"f has no bound on {box}: a branch of its code that goes either way there (use "
                "np.where with < or >), a pole, or the end of its domain"
            )
        return "allow more max_boxes, a larger tol, or take a smaller box"

    def value(self) -> Interval:
        """Return an enclosure of the least value of sign·f."""
        low = float(np.min(self.found()[2], initial=self.high))
        return Interval(low, self.high if self.high < np.inf else np.inf)


def _functions(f: Function, box: Interval, executor: Executor | None) -> tuple[Boxes, Boxes]:
    """Return f, and f with its gradient, on boxes."""
    slopes = Boxes(partial(value_and_gradient, f), box.shape, executor, slopes=True)
    return Boxes(f, box.shape, executor), slopes


def minimize(
    f: Function,
    box: Any,
    *,
    tol: float = 1e-8,
    max_boxes: int | None = None,
    executor: Executor | None = None,
    progress: Report = False,
) -> Minimum:
    """Return an enclosure, of a width of no more than tol, of the least value of f on a box.

    f is ordinary code of one point: of a number where the box is a pair (lo, hi), of an array where
    it is a list of pairs, as for `scipy.optimize`; what it returns is proved for the exact function
    of real numbers that its code describes.  If more than `max_boxes` have to be looked at (left
    out: as many as take seconds), `NotVerified` is raised; its `result` is true, but wide.  An
    executor shares out the boxes of a level; progress=True shows a bar (of tqdm), or a function
    gets the numbers of boxes done and left.

    >>> found = minimize(lambda x: (x - 1) ** 2 * (x + 2), (-1.5, 2.0), tol=1e-6)
    >>> 0.0 in found.value, 1.0 in found.boxes[0]
    (True, True)
    """
    box, tol = bounded(box), tolerance(tol)
    search = _Least(box, 1, _functions(f, box, executor))
    complete = search.run(lambda high: high - tol, max_boxes, progress)
    return _minimum(search, tol, complete)


def _minimum(search: _Least, tol: float, complete: bool) -> Minimum:
    lo, hi, _ = search.found()
    value = search.value()
    complete = complete and value.width <= tol * (1 + 1e-9)
    boxes = Interval(lo, hi).reshape(len(lo), *search.shape)
    found = Minimum(value, boxes, search.evaluated, complete)
    if not complete:
        raise NotVerified(
            f"the least value is only known to lie in {value} after {search.evaluated} boxes, more "
            f"than {tol:g} wide; {search.remedy()}",
            found,
        )
    return found


def range(
    f: Function,
    box: Any,
    *,
    tol: float = 1e-6,
    max_boxes: int | None = None,
    executor: Executor | None = None,
    progress: Report = False,
) -> Interval:
    """Return an Interval that holds all values of f on a box, each end within tol of one of them.

    Arguments as of `minimize`; the `result` of `NotVerified` is an Interval that holds them all.

    >>> y = range(lambda x: x * (1 - x), (0.0, 1.0), tol=1e-9)
    >>> 0 in y, 0.25 in y, bool(y.width < 0.25 + 1e-8)
    (True, True, True)
    """
    box, tol = bounded(box), tolerance(tol)
    functions = _functions(f, box, executor)
    searches = [_Least(box, sign, functions) for sign in (1, -1)]
    for search in searches:
        search.run(lambda high: high - tol, max_boxes, progress)
    least, most = searches[0].value(), -searches[1].value()
    found = Interval(least.lo, most.hi)
    for search, end in zip(searches, (least, most), strict=True):
        if end.width > tol * (1 + 1e-9):
            raise NotVerified(
                f"the ends of the range are only known to lie in {least} and {most}; "
                f"{search.remedy()}",
                found,
            )
    return found


def sign(
    f: Function,
    box: Any,
    relation: str = ">",
    *,
    max_boxes: int | None = None,
    executor: Executor | None = None,
    progress: Report = False,
) -> bool:
    """Return whether f > 0 (or "<", ">=", "<=") on all of a box: proved, or proved not to be so.

    Raise `Undecided` where neither was proved.  Arguments as of `minimize`.

    >>> sign(np.exp, (-50.0, 3.0), ">"), sign(np.sin, (0.0, 4.0), ">=")
    (True, False)
    """
    if relation not in (">", ">=", "<", "<="):
        raise ValueError(f"the relation is one of >, >=, <, <=, not {relation!r}")
    strict = len(relation) == 1
    box = bounded(box)
    search = _Least(box, 1 if relation[0] == ">" else -1, _functions(f, box, executor))
    enough = math.nextafter(0.0, 1.0) if strict else 0.0

    def false(high: float) -> bool:
        return high <= 0 if strict else high < 0

    done = search.run(lambda high: enough, max_boxes, progress, false)
    if false(search.high):
        return False
    if done and np.min(search.found()[2], initial=np.inf) >= enough:
        return True
    lo, hi, low = search.found()
    worst = int(np.argmin(low))
    raise Undecided(
        f"whether f {relation} 0 was not decided on {Interval(lo[worst], hi[worst])} and "
        f"{len(lo) - 1} other boxes; allow more max_boxes, or look there"
    )
