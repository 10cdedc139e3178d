"""Integrals over intervals and boxes, enclosed: by Taylor polynomials and the next coefficients.

On a piece around m the degrees up to K have the coefficients of f at m, and those of degree K + 1
lie in the coefficients of f over the piece (Corliss and Rall, SIAM J. Sci. Stat. Comput. 8, 1987):

    f(m + u) = Σ_{|α| <= K} c_α(m) u^α + Σ_{|α| = K+1} c_α(piece) u^α.

Pieces whose integral is too wide are halved.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from taylor.core.algebra import Univariate
from taylor.core.graded import monomials, multivariate
from taylor.drivers.scan import whole_number
from taylor.errors import NonAnalyticError, NotVerified
from taylor.numbers.kinds import Shape
from taylor.progress import Report
from taylor.verified.boxes import Boxes, halved, joined
from taylor.verified.effort import allowed, through
from taylor.verified.given import floats, tolerance
from taylor.verified.interval import Interval

Floats = NDArray[np.float64]
Function = Callable[..., Any]
BUDGET = 50_000  # pieces at most, if nobody says how many
FIRST = 3  # cuts to begin with
SHORTEST = 2.0**-52  # of a side of a piece without bounds, relative to the ends of the whole


class _Pieces:
    """The integrals of f over many boxes at once."""

    def __init__(self, f: Function, shape: Shape, order: int, executor: Executor | None) -> None:
        n, self.order = math.prod(shape), order
        algebra = Univariate(order + 1) if n == 1 else multivariate(n, order + 1)
        alone = np.arange(order + 2)[:, None]
        self.exponents = monomials(n, order + 1).astype(int) if n > 1 else alone
        self.degrees = algebra.degrees
        self.series = Boxes(f, shape, executor, algebra)
        self.values = Boxes(f, shape, executor)

    def __call__(self, x: Interval) -> tuple[Interval, Any]:
        """Return the integrals over boxes, and the widths that are due to rounding alone."""
        m, count = x.mid, len(x)
        try:
            table = self.series.numbers(joined([Interval(m), x]))
        except NonAnalyticError:  # a tie of both sides of a kink, wherever it is
            table = Interval(-np.inf, np.inf) + np.zeros((2 * count, len(self.degrees)))
        even, size = self._moments(Interval(x.lo) - m, Interval(x.hi) - m)
        below = self.degrees <= self.order
        head: Any = (table[:count][:, below] * even[:, below]).sum(1)
        last, even, size = table[count:][:, ~below], even[:, ~below], size[:, ~below]
        squares = (self.exponents[~below] % 2 == 0).all(1)
        middle = np.where(np.isfinite(last.mag), last.mid, 0.0)
        radius = np.where(squares, 0.0, np.where(np.isfinite(last.mag), last.rad, np.inf))
        spread = size * Interval(-radius, radius) + middle * even
        rest = np.where(squares, last * even, spread).sum(1)
        found: Any = head + rest
        wild = found.width > np.abs(found.mid)
        if wild.any():  # a kink, the end of a domain, or waves that no polynomial follows
            found = _replaced(
                found, wild, found[wild] & self.values.numbers(x[wild]) * volume(x[wild])
            )
        return found, np.where(wild, 0.0, np.asarray(head.width))

    def _moments(self, a: Interval, b: Interval) -> tuple[Interval, Interval]:
        """Return the integrals of the monomials, and of their absolute values, from a to b."""
        sides = joined([b[None], a[None]])
        powers: list[Any] = [sides]
        for _ in range(self.order + 1):
            powers.append(powers[-1] * sides)
        weights = np.arange(1.0, self.order + 3).reshape(-1, 1, 1, 1)
        p, q = np.moveaxis(np.stack(powers) / weights, 1, 0)
        alike = np.where(weights[:, 0] % 2, -q, q)
        even, size = np.moveaxis(np.stack([p - q, p + alike]), 2, 1)
        found: list[Any] = []
        for moments in (even, size):
            total = moments[:, self.exponents[:, 0], 0]
            for i in range(1, self.exponents.shape[1]):
                total = total * moments[:, self.exponents[:, i], i]
            found.append(total)
        return found[0], found[1]


def volume(x: Interval) -> Interval:
    """Return the volumes of boxes."""
    return cast(Interval, np.prod(Interval(x.hi) - x.lo, axis=1))


def _replaced(x: Interval, where: Any, y: Interval) -> Interval:
    lo, hi = np.array(x.lo), np.array(x.hi)
    lo[where], hi[where] = y.lo, y.hi
    return Interval(lo, hi)


def quad(
    f: Function,
    a: Any,
    b: Any,
    *,
    tol: float = 1e-10,
    order: int = 15,
    max_pieces: int | None = None,
    executor: Executor | None = None,
    progress: Report = False,
) -> Interval:
    """Return an Interval of a width of no more than tol that holds the integral of f from a to b.

    With numbers a, b f is a function of one number, as for `scipy.integrate.quad`; with arrays it
    is one of a point, an array, and the integral is that over the box between the corners a and b.
    The ends are finite floats.  `order` is the degree of the polynomials.  `NotVerified` is raised
    if more than `max_pieces` are needed, or rounding alone takes more than tol: its `result` holds
    the integral, too.  Other arguments as of `minimize`.

    >>> y = quad(np.exp, 0.0, 1.0)
    >>> np.e - 1 in y, y.width < 1e-10
    (True, True)
    """
    low, high = floats(a, "a"), floats(b, "b")
    if low.shape != high.shape or low.ndim > 1 or not np.isfinite([low, high]).all():
        raise ValueError(f"a and b are finite numbers, or arrays of as many, not {a!r} and {b!r}")
    tol = tolerance(tol)
    factor = math.prod(np.where(low <= high, 1, -1).reshape(-1).tolist())
    low, high = np.minimum(low, high), np.maximum(low, high)
    pieces = _Pieces(f, low.shape, whole_number("order", order, 0), executor)
    integral = _Sum(pieces, low.reshape(-1), high.reshape(-1), tol)
    limit = allowed(max_pieces, [pieces.series], "max_pieces", BUDGET)
    through(integral.waiting, integral.level, limit, progress, "pieces")
    total = cast(Interval, integral.total() * factor)
    if not total.width <= tol:
        raise NotVerified(
            f"the integral is only known to lie in {total}, more than {tol:g} wide; allow more "
            "max_pieces, a larger tol, or cut the interval where f is not smooth",
            total,
        )
    return total


class _Sum:
    """The sum over pieces, which are cut in two until it is narrow enough."""

    def __init__(self, pieces: _Pieces, low: Floats, high: Floats, tol: float) -> None:
        self.pieces, self.tol, self.sides = pieces, tol, high - low
        self.tiny = SHORTEST * np.maximum(abs(low), abs(high))
        self.x = Interval(low[None], high[None])
        for _ in range(FIRST):
            self.x = _halved(self.x, self.sides)
        self.done: list[Interval] = []
        self.left = Interval(np.full(1, -np.inf), np.full(1, np.inf))
        self.width = 0.0

    def waiting(self) -> int:
        """Return how many pieces are looked at next."""
        return len(self.x)

    def level(self) -> None:
        """Look at the pieces, and cut those that are too wide."""
        x = self.x
        part, rounding = self.pieces(x)
        share = np.prod((x.hi - x.lo) / np.where(self.sides, self.sides, 1.0), axis=1)
        ready = (part.width <= 0.5 * self.tol * share) | (part.width <= 2 * rounding)
        last, lost = ~_cut(x, self.sides)[2], ~np.isfinite(part.mag)
        ready |= last
        total = self.width + float(np.sum(part.width))
        tiny = np.all(x.hi - x.lo <= self.tiny, axis=1)
        hopeless = np.any(lost & (last | tiny))  # no piece gets bounds by being smaller
        if hopeless or total <= 0.9 * self.tol:
            ready[:] = True
        self.done.append(part[ready])
        self.width += float(np.sum(part.width[ready]))
        self.left = part[~ready]
        self.x = _halved(x[~ready], self.sides)

    def total(self) -> Interval:
        """Return the sum of all pieces, those too wide among them."""
        return joined([*self.done, self.left]).sum(axis=0)


def _cut(x: Interval, sides: Floats) -> tuple[Any, Any, Any]:
    """Return boxes `halved` across the side that is longest beside that of the whole."""
    i = np.argmax((x.hi - x.lo) / np.where(sides, sides, np.inf), axis=1)
    return halved(x.lo, x.hi, i)


def _halved(x: Interval, sides: Floats) -> Interval:
    """Return boxes cut in two."""
    left, right, _ = _cut(x, sides)
    return Interval(np.concatenate([x.lo, right]), np.concatenate([left, x.hi]))
