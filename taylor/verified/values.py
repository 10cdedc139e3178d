"""Rows of the table on intervals: their values, and their coefficients at all members.

At a number the value is a ball of FLINT (arb), computed with as many bits as a float needs.  On a
wide interval a monotone row has the hull of the values at both ends: where its slope q/p, from its
own equation, keeps its sign.  Else it has the mean value form f(m) + f'(X)·(X - m), if that is
narrower than the ball.  Because c_k' = (k + 1)·c_(k+1) the same holds for every coefficient, from
the highest down.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import Univariate
from taylor.core.functions import absolute, clip, maximum, minimum, power
from taylor.core.powers import integer_valued
from taylor.core.program import of_row
from taylor.core.rules import partials
from taylor.core.sweep import Sweep
from taylor.core.table import Elementary, jumps_at, lookup
from taylor.drivers.scan import whole_number
from taylor.errors import DomainError, NonAnalyticError
from taylor.numbers.ball_values import at, series_of, value_of
from taylor.numbers.kinds import Array
from taylor.numbers.policy import current_policy
from taylor.verified import elementary, planes
from taylor.verified.enclosing import ALL, Ends
from taylor.verified.rounding import INF, MOST, down, up

BITS, ENOUGH, MOST_BITS = 80, 58, 2000  # of balls; in a value, relative to it; tried
FAR = 2.0**40  # where a row is defined that is at infinity
EXTRA = 3  # orders above the one that is wanted, from which coefficients are tightened
Set = Any  # an Interval

MONOTONE = {  # beside those that the table says are
    "exp", "exp10", "log", "logaddexp", "logit", "log_expit", "erfi", "erfinv",
    "erfcinv", "ndtri",
}  # fmt: skip
WAVES = {"sin", "cos"}
BRANCHES = {"tan": 0.5, "cot": 0.0, "sec": 0.5, "csc": 0.0}  # poles lie at (k + that)·π
BOWLS = {"sec", "csc"}  # which turn in the middle between two poles, at 1 or -1
# and monotone in the size
EVEN = {"cosh", "sech2", "gauss", "npdf", "bessel_i(0)", "cos_atan", "sec_asin"}
STEPS: dict[str, Callable[..., Any]] = {  # increasing, of the first argument, and exact
    "sign": np.sign, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "rint": np.rint,
    "trunc_divide": np.trunc, "floor_divide": np.floor,
    "copysign": lambda x: np.where(x < 0, -1.0, 1.0),
}  # fmt: skip
PI, TURN = math.nextafter(math.pi, 4.0), 6.5
RANGES = {  # what the values of some rows are never below, and never above
    "exp": (0.0, INF), "exp2": (0.0, INF), "exp10": (0.0, INF), "expm1": (-1.0, INF),
    "sin": (-1.0, 1.0), "cos": (-1.0, 1.0), "sinpi": (-1.0, 1.0), "cospi": (-1.0, 1.0),
    "tanh": (-1.0, 1.0), "erf": (-1.0, 1.0), "erfc": (0.0, 2.0), "ndtr": (0.0, 1.0),
    "sigmoid": (0.0, 1.0), "sech2": (0.0, 1.0), "cosh": (1.0, INF), "gauss": (0.0, 1.0),
    "softplus": (0.0, INF), "erfcx": (0.0, INF), "hypot": (0.0, INF),
    "real_power": (0.0, INF), "exponential": (0.0, INF), "cos_atan": (0.0, 1.0),
    "bessel_j(0)": (-0.402759395702553, 1.0), "bessel_i(0)": (1.0, INF),
    "bessel_j(1)": (-0.5818652242815964, 0.5818652242815964),
    "dawsn": (-0.5410442246351818, 0.5410442246351818), "npdf": (0.0, 0.399),
    "airyai": (-0.4190154780325641, 0.5356566560157), "sinc": (-0.2172336282112217, 1.0),
    "si": (-1.851937051982467, 1.851937051982467), "atan2": (-PI, PI), "sec_asin": (1.0, INF),
    "log_ndtr": (-INF, 0.0), "log_expit": (-INF, 0.0), "exp1": (0.0, INF),
}  # fmt: skip
# first maxima and minima of what rises from -∞ at zero, and has smaller and smaller ones after that
# (DLMF 6.4, and Watson, Theory of Bessel Functions, 15.3)
WAVING = {
    "ci": (-0.1984075606923581, 0.4720006514395687),
    "bessel_y(0)": (-0.3403180455234406, 0.520786412402268),
    "bessel_y(1)": (-0.303173740139444, 0.4167299281064514),
}  # fmt: skip
# derivatives by a ball and the value there, of rows that are asked for often
QUICK: dict[str, Callable[[Any, Any], Any]] = {
    "sin": lambda x, y: x.cos(),
    "cos": lambda x, y: -x.sin(),
    "tan": lambda x, y: 1 + y * y,
    "cosh": lambda x, y: x.sinh(),
    "gauss": lambda x, y: -2 * x * y,
}
# the signs of the coefficients of degree k for x > 0, and between poles below (DLMF 5.9.19, 5.15.1)
SIGNED: dict[str, tuple[Callable[[int], int], Callable[[int], int]]] = {
    "gamma": (lambda k: 1 - k % 2, lambda k: 0),
    "lgamma": (lambda k: (-1) ** k if k > 1 else 0, lambda k: 1 - k % 2 if k > 1 else 0),
    "digamma": (lambda k: -((-1) ** k) if k else 0, lambda k: k % 2),
}


# ------------------------------------------------------------------ the value of a row
def value(of: type[Set], row: Elementary, args: Sequence[Any]) -> Set:
    """Return what encloses the values of a row at all members of intervals."""
    simple = SIMPLE.get(row)
    if simple is not None:
        return simple(of, *args)
    x = [of.of(a) for a in args]
    if row.own and row.jumps is not None and row.name.endswith("'"):
        return _slope_of_jump(of, row, x)
    if row.own and row.name in STEPS:
        step = STEPS[row.name]
        return of._make(step(x[0].lo), step(x[0].hi))
    if row.own and row.name in FORMULAS:
        found, known = FORMULAS[row.name](*(e._ends for e in x))
        return bounded(of, row, x, found, known)
    if row.compose is not None:
        return row.compose(*args)
    shape = np.broadcast_shapes(*(e.shape for e in x))
    lanes = [[np.broadcast_to(v, shape).reshape(-1) for v in e._ends] for e in x]
    with np.errstate(all="ignore"):
        low, high, known = _by_balls(row, lanes)
        if row.own and row.name.endswith("'") and not known.all():
            c = coefficients(row, of._make(*(v[~known] for v in lanes[0])), 0)[0]
            low[~known], high[~known] = c._ends
            known |= np.isfinite(high - low)
    found = low.reshape(shape), high.reshape(shape)
    return bounded(of, row, x, found, known.reshape(shape))


def bounded(of: type[Set], row: Elementary, x: Sequence[Set], found: Ends, known: Any) -> Set:
    """Return the set with those ends where a row is known to be defined, and no bounds elsewhere.

    Raise DomainError where there are no bounds for a single number, or the policy asks for it.
    """
    if np.all(known):
        return of._make(*found)
    policy = current_policy().singular
    if policy == "raise" or (policy != "propagate" and np.ndim(known) == 0):
        lane = tuple(np.argwhere(~np.asarray(known))[0])
        points = ", ".join(str(np.broadcast_to(e, np.shape(known))[lane]) for e in x)
        raise row.error(
            f"{row.name} is not defined, or has no bound, on all of {points} (domain: "
            f"{row.domain}); make it smaller, or split it"
        )
    return of._make(*planes.where(known, found, ALL))


def _slope_of_jump(of: type[Set], row: Elementary, x: Sequence[Set]) -> Set:
    """Return the derivative of a piecewise constant row: zero, without bounds where it may jump."""
    jumps = np.asarray(jumps_at(lookup(row.name[:-1]), *x))
    singular = current_policy().singular
    if jumps.any() and (singular == "raise" or (singular != "propagate" and jumps.ndim == 0)):
        raise NonAnalyticError(f"{row.name[:-1]} jumps in the interval {x[0]}; split it")
    return of._make(np.where(jumps, -INF, 0.0), np.where(jumps, INF, 0.0))


def _flint(row: Elementary) -> Any:
    try:
        import flint
    except ImportError:
        raise ImportError(
            f"{row.name} of an Interval needs python-flint, whose balls are proven: pip install "
            "'taylor-arithmetic[verified]'; arithmetic and sqrt work without it"
        ) from None
    return flint


def _by_balls(row: Elementary, x: list[list[Array]]) -> tuple[Array, Array, Array]:
    """Return bounds of a row in lanes, and where they are known."""
    arb, f = _flint(row).arb, value_of(row)
    if f is None:
        raise TypeError(
            f"{row.name} has no value on a set: give taylor.define or taylor.rule ball=, the value "
            "on a ball of flint.arb, such as ball=lambda x: x.sin()"
        )
    count, name = len(x[0][0]), row.name if row.own else ""
    if name in elementary.ROWS and count >= elementary.MANY:
        low, high, known = elementary.bounds(name, [(a, b) for a, b in x])
    else:
        low, high, known = np.full(count, -INF), np.full(count, INF), np.zeros(count, dtype=bool)
    left = ~known
    if name == "log":  # at zero, where boxes often end, it takes long to find out
        left &= x[0][0] > 0
    if name in WAVES:  # more than a turn
        turn = left & (x[0][1] - x[0][0] > TURN)
        low[turn], high[turn], known[turn], left = -1.0, 1.0, True, left & ~turn
    left = np.flatnonzero(left)
    with at(bits=BITS):
        for i in left.tolist():
            lane = [(float(a[i]), float(b[i])) for a, b in x]
            low[i], high[i], known[i] = _of_lane(row, arb, f, lane)
    if name in WAVES:
        left = left[_near(x[0][0][left], x[0][1][left])]
        ends = x[0][0][left], x[0][1][left], low[left], high[left]
        low[left], high[left] = elementary.turned(name, *ends)
    if row.name in RANGES and row.own:
        least: Any = RANGES[row.name][0]
        most = RANGES[row.name][1]
        if row.name in CORNERS:
            least = np.where(x[0][0] < 0, -INF, least)
        low, high = np.maximum(low, least), np.minimum(high, most)
    return low, high, known


def _near(low: Any, high: Any) -> Any:
    """Return where an interval is of the size that bounds of sin and cos are made for."""
    return (low >= -elementary.LARGEST) & (high <= elementary.LARGEST)


Lane = list[tuple[float, float]]
Found = tuple[float, float, bool]


def _of_lane(row: Elementary, arb: Any, f: Callable[..., Any], x: Lane) -> Found:
    """Return bounds of a row on one box, and whether they are known."""
    if row.own and row.name in CORNERS and x[0][0] < 0:
        return _of_negative(arb, f, *x)
    if all(a == b for a, b in x):
        return _at(arb, f, [a for a, _ in x])
    if row.own and (row.name in EVEN or row.name == "ci"):
        x = [(planes.nearest(x[0]), planes.farthest(x[0]))]
    if row.own and _by_ends(row.name, row.monotone, arb, x[0]):
        found = [_at(arb, f, [e[n] for e in x]) for n in (0, 1)]
        if row.name in BOWLS and not _in_one(arb, 0.5 - BRANCHES[row.name], x[0]):
            turn = math.copysign(1.0, found[0][0])
            found.append((turn, turn, True))
        return _hull(found)
    if row.own and (row.name in CORNERS or (row.name == "atan2" and not _cut(x))):
        return _hull([_at(arb, f, [a, b]) for a in set(x[0]) for b in set(x[1])])
    if row.own and row.name == "hypot":  # grows with the sizes of both
        least = _at(arb, f, [max(a, -b, 0.0) for a, b in x])
        most = _at(arb, f, [max(-a, b) for a, b in x])
        return least[0], most[1], True
    balls = [arb(a) if a == b else arb(a).union(arb(b)) for a, b in x]
    whole = f(*balls)
    low, high = _ends(arb, whole) if whole.is_finite() else (-INF, INF)
    limits = RANGES.get(row.name if row.own else "", (-INF, INF))
    if row.own and row.name in WAVING and x[0][0] > 0:
        limits = WAVING[row.name]
        low, limits = max(low, min(limits[0], _at(arb, f, [x[0][0]])[0])), (-INF, limits[1])
    low, high = max(low, limits[0]), min(high, limits[1])
    if not whole.is_finite():
        return low, high, math.isfinite(low) and math.isfinite(high)
    slopes = None if row.seam is not None and _cut(x) else _slopes(row, balls, whole)
    if slopes is None:
        return low, high, True
    signs = [1 if s >= 0 else -1 if s <= 0 else 0 for s in slopes]
    if all(signs):
        first = _at(arb, f, [a if s > 0 else b for (a, b), s in zip(x, signs, strict=True)])
        last = _at(arb, f, [b if s > 0 else a for (a, b), s in zip(x, signs, strict=True)])
        return max(low, first[0]), min(high, last[1]), True
    middle = [arb(planes.middle(e)) for e in x]
    form = f(*middle) + sum(
        (s * (b - m) for s, b, m in zip(slopes, balls, middle, strict=True)), arb(0)
    )
    if form.is_finite():
        narrow = _ends(arb, form)
        low, high = max(low, narrow[0]), min(high, narrow[1])
    return low, high, True


def _by_ends(name: str, monotone: bool, arb: Any, x: tuple[float, float]) -> bool:
    """Whether values on an interval lie between those at its ends and where the row turns."""
    return (
        monotone or name in MONOTONE or name in EVEN
        or (name in RISING and RISING[name](*x))
        or (name in BRANCHES and _in_one(arb, BRANCHES[name], x))
        or (name in WAVES and bool(_near(*x)))
    )  # fmt: skip


def _between_poles(low: float, high: float) -> bool:
    """Whether no pole of digamma, at 0, -1, -2, ..., lies between two numbers (DLMF 5.15.1)."""
    return low > 0 or (high < 0 and math.floor(high) < low)


def _in_one(arb: Any, turns: float, x: tuple[float, float]) -> bool:
    """Whether two numbers are known to lie between the same two of (k + turns)·π."""
    first, last = ((arb(e) / arb.pi() - turns).floor().unique_fmpz() for e in x)
    return first is not None and first == last


def _positive(low: float, high: float) -> bool:
    """Whether all numbers between two are positive."""
    return low > 0


# where rows that turn, or have poles, are monotone (DLMF 5.4.20, 5.15, 6.2, 9.2, 10.29, 25.2)
RISING: dict[str, Callable[[float, float], bool]] = {
    "digamma": _between_poles, "exp1": _positive,
    "expi": lambda low, high: low > 0 or high < 0, "zeta": lambda low, high: low > 1,
    "gamma": lambda low, high: low > 1.4617, "lgamma": lambda low, high: low > 1.4617,
    "erfcx": lambda low, high: True, "bessel_i(1)": lambda low, high: True,
    "airyai": lambda low, high: low >= 0, "airybi": lambda low, high: low >= 0,
}  # fmt: skip


def _of_negative(arb: Any, f: Callable[..., Any], x: tuple[float, float],
                 r: tuple[float, float]) -> Found:  # fmt: skip
    """Return bounds of x**r where x may be negative: for an integer r alone."""
    n = r[0]
    if n != r[1] or n != math.floor(n) or (n < 0 and x[1] >= 0):
        return -INF, INF, False
    found = _hull([_at(arb, f, [e, n]) for e in x])
    return (min(found[0], 0.0), max(found[1], 0.0), found[2]) if x[1] >= 0 else found


def _cut(x: Lane) -> bool:
    """Whether atan2 jumps in a box: below the negative half of its second axis."""
    return len(x) == 2 and x[0][0] < 0 <= x[0][1] and x[1][0] < 0


def _slopes(row: Elementary, x: list[Any], y: Any) -> list[Any] | None:
    """Return balls around the partial derivatives of a row, or None where they have no bounds."""
    if row.own and row.name in QUICK:
        found = [QUICK[row.name](x[0], y)]
        return found if found[0].is_finite() else None
    try:
        if row.local is not None:
            series = series_of(row.name)
            found = [] if series is None else [series(x[0], 1)[1]]
        else:
            found = partials(row, x, y, [True] * len(x)) or []
    except (DomainError, ZeroDivisionError):
        return None
    balls = [type(y)(s) for s in found]
    return balls if balls and all(s.is_finite() for s in balls) else None


def _at(arb: Any, f: Callable[..., Any], x: list[float]) -> Found:
    """Return the floats around a row at a point, and whether it is defined there."""
    y, bits = f(*map(arb, x)), BITS
    if not all(map(math.isfinite, x)):
        return _limit(arb, f, x, y)
    while bits < MOST_BITS and not _is_enough(y):
        if not y.is_finite() and bits > 2 * BITS:
            return -INF, INF, False
        bits *= 2
        with at(bits=bits):
            y = f(*map(arb, x))
    return (*_ends(arb, y), True) if y.is_finite() else (-INF, INF, False)


def _limit(arb: Any, f: Callable[..., Any], x: list[float], y: Any) -> Found:
    """Return the floats around a limit at infinity, no bounds where flint tells none.

    A row that is not defined far out is not defined there.
    """
    if y.is_finite():
        return (*_ends(arb, y), True)
    far = (e if math.isfinite(e) else math.copysign(FAR, e) for e in x)
    known = not (y.is_nan() and f(*map(arb, far)).is_nan())
    return MOST if y > MOST else -INF, -MOST if y < -MOST else INF, known


def _is_enough(y: Any) -> bool:
    """Whether a ball tells the floats around a number: it is narrow, or is that number."""
    return bool(y.is_exact() or (y.is_finite() and y.rel_accuracy_bits() >= ENOUGH))


def _hull(found: list[Found]) -> Found:
    return min(e[0] for e in found), max(e[1] for e in found), all(e[2] for e in found)


def _ends(arb: Any, y: Any) -> tuple[float, float]:
    """Return the floats below and above a ball."""
    near = float(y)
    rest = y - near
    if rest > 0 and y < math.nextafter(near, INF):
        return near, math.nextafter(near, INF)
    if rest < 0 and y > math.nextafter(near, -INF):
        return math.nextafter(near, -INF), near
    below, above = y.lower(), y.upper()
    low, high = float(below), float(above)
    if not arb(low) <= below:
        low = math.nextafter(low, -INF)
    if not arb(high) >= above:
        high = math.nextafter(high, INF)
    return low, high


# ------------------------------------------------------------------ values without balls
def _sqrt(x: Ends) -> tuple[Ends, Any]:
    known = np.greater_equal(x[0], 0)
    low, high = (np.sqrt(np.maximum(v, 0.0)) for v in x)
    return (np.maximum(down(low), 0.0), up(high)), known


def _heaviside(x: Ends, h: Ends) -> tuple[Ends, Any]:
    low = np.where(x[0] < 0, 0.0, np.where(x[0] > 0, 1.0, np.minimum(h[0], 1.0)))
    high = np.where(x[1] > 0, 1.0, np.where(x[1] < 0, 0.0, np.maximum(h[1], 0.0)))
    at_zero, alone = planes.has_zero(x), np.equal(x[0], x[1])
    low = np.where(at_zero, np.where(alone, h[0], np.minimum(low, h[0])), low)
    high = np.where(at_zero, np.where(alone, h[1], np.maximum(high, h[1])), high)
    return (low, high), np.ones(np.shape(low), dtype=bool)


def _absolute(of: type[Set], x: Any) -> Set:
    return abs(of.of(x))


def _maximum(of: type[Set], x: Any, y: Any) -> Set:
    (a, b), (c, d) = of.of(x)._ends, of.of(y)._ends
    return of._make(np.maximum(a, c), np.maximum(b, d))


def _minimum(of: type[Set], x: Any, y: Any) -> Set:
    (a, b), (c, d) = of.of(x)._ends, of.of(y)._ends
    return of._make(np.minimum(a, c), np.minimum(b, d))


def _clip(of: type[Set], x: Any, low: Any, high: Any) -> Set:
    found = x if low is None else _maximum(of, x, low)
    return of.of(found if high is None else _minimum(of, found, high))


def _power(of: type[Set], x: Any, r: Any) -> Set:
    """Return x**r: by products for an integer r, one or an array of them."""
    x = of.of(x)
    if not isinstance(r, of) and np.ndim(r) == 0 and integer_valued(r):
        return raised(of, x, int(r))
    r = of.of(r)
    if np.all((r.lo == r.hi) & (r.lo == np.rint(r.lo)) & (np.abs(r.lo) < INF)):
        shape = np.broadcast_shapes(x.shape, r.shape)
        if not shape:
            return raised(of, x, int(r.lo))
        lanes, powers = np.broadcast_to(x, shape), np.broadcast_to(r.lo, shape)
        out = of._make(np.zeros(shape), np.zeros(shape))
        for n in np.unique(powers):
            out[powers == n] = raised(of, lanes[powers == n], int(n))
        return out
    return value(of, REAL_POWER, [x, r])


def raised(of: type[Set], x: Set, n: int) -> Set:
    """Return xⁿ for an integer n, of one number."""
    if n < 0:
        return 1 / raised(of, x, -n)
    with np.errstate(all="ignore"):
        return of._make(*planes.power(x._ends, n)) if n else x._ones()


FORMULAS: dict[str, Callable[..., tuple[Ends, Any]]] = {"sqrt": _sqrt, "heaviside": _heaviside}
CORNERS = {"real_power", "exponential"}  # monotone in each argument, on every line of the other
REAL_POWER = lookup("real_power")
SIMPLE: dict[Elementary, Callable[..., Set]] = {
    absolute: _absolute,
    maximum: _maximum,
    minimum: _minimum,
    clip: _clip,
    power: _power,
    lookup("square"): lambda of, x: of.of(x) * x if isinstance(x, of) else raised(of, of.of(x), 2),
    lookup("stop_gradient"): lambda of, x: of.of(x),
}


# ------------------------------------------------------------------ coefficients
def coefficients(row: Elementary, x: Set, order: int, pieces: int = 1) -> Set:
    """Return f⁽ᵏ⁾(x)/k!, k = 0..order, of a row of one argument, along a new first axis.

    They hold those at all members of x.  An interval that is cut into pieces has the hull of those
    of the pieces: more work, and narrower.

    >>> from taylor.core.functions import exp
    >>> from taylor.verified.interval import Interval
    >>> bool(coefficients(exp, Interval(0, 1), 2).hi[2] < 1.3592)
    True
    """
    if not isinstance(row, Elementary) or getattr(row.numpy, "nin", 1) != 1:
        raise TypeError(f"coefficients are those of a row of one number, as taylor.exp, not {row}")
    if not hasattr(x, "_ends"):
        raise TypeError(f"x is an Interval, not {x!r}")
    order, pieces, of = whole_number("order", order, 0), whole_number("pieces", pieces, 1), type(x)
    name, n = row.name.rstrip("'"), row.name.count("'")
    if n and row.own and row.local is not None:  # a derivative
        c = coefficients(lookup(name), x, order + n, pieces)
        return np.stack([c[n + k] * math.perm(n + k, n) for k in range(order + 1)])
    if pieces > 1:
        found = coefficients(row, _cut_up(of, x, pieces), order)
        return of._make(found.lo.min(axis=1), found.hi.max(axis=1))
    top, wide = order + EXTRA, bool(np.any(x.width > 0))
    if not wide:
        return _crude(of, row, x, order)
    middle = planes.middle(x._ends)
    points = np.stack([x.lo, middle, x.hi])
    lanes = np.concatenate([x[None], of.of(points)])
    every = _crude(of, row, lanes, top)
    low, high = _signed(row, x, every.lo, every.hi)
    with np.errstate(all="ignore"):
        ends = _tightened(x._ends, middle, low, high, top)
    return of._make(
        np.stack([e[0] for e in ends[: order + 1]]), np.stack([e[1] for e in ends[: order + 1]])
    )


def _cut_up(of: type[Set], x: Set, pieces: int) -> Set:
    """Return x in pieces along a new first axis: neighbours have an end in common."""
    share = np.arange(pieces + 1).reshape(-1, *(1,) * x.ndim) / pieces
    with np.errstate(all="ignore"):
        cuts = np.clip(x.lo * (1 - share) + x.hi * share, x.lo, x.hi)
    cuts[0], cuts[-1] = x.lo, x.hi
    cuts = np.maximum.accumulate(cuts)
    return of._make(cuts[:-1].copy(), cuts[1:].copy())


def _tightened(x: Ends, m: Any, low: Array, high: Array, top: int) -> list[Ends]:
    """Return the coefficients on x from those on it, at its ends and in the middle (axis 1)."""
    found: list[Ends] = [(low[top, 0], high[top, 0])]
    thin = (m, m)
    for k in range(top - 1, -1, -1):
        slope = planes.times(found[-1], (float(k + 1),) * 2)
        form = planes.plus((low[k, 2], high[k, 2]), planes.times(slope, planes.minus(x, thin)))
        ends = planes.hull((low[k, 1], high[k, 1]), (low[k, 3], high[k, 3]))
        keeps = (slope[0] >= 0) | (slope[1] <= 0)
        new = planes.where(keeps, ends, form)
        found.append((np.maximum(new[0], low[k, 0]), np.minimum(new[1], high[k, 0])))
    return found[::-1]


def _crude(of: type[Set], row: Elementary, x: Set, order: int) -> Set:
    """Return coefficients as the equation of a row gives them on sets, or FLINT's."""
    if row.local is not None:
        return _of_local(of, row, x, order)
    table = of._make(np.zeros((order + 1, *x.shape)), np.zeros((order + 1, *x.shape)))
    table[0] = x
    if order:
        table[1] = np.ones(x.shape)
    sweep = Sweep(of_row(row, (True,)), Univariate(order), [table], ())
    sweep.run()
    return of.of(sweep.result(sweep.program.outputs[0]))


def _of_local(of: type[Set], row: Elementary, x: Set, order: int) -> Set:
    arb, series = _flint(row).arb, series_of(row.name) if row.own else None
    if series is None:
        raise TypeError(
            f"{row.name} has no series on a set; give it an equation, quotient=, in place of a "
            "local series"
        )
    low, high = (np.asarray(v).reshape(-1) for v in x._ends)
    found, known = np.empty((2, order + 1, low.size)), np.ones(low.size, dtype=bool)
    with at(bits=BITS):
        for i, (a, b) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
            ball = arb(a) if a == b else arb(a).union(arb(b))
            c = series(ball, order) if ball.is_finite() else [ball]
            known[i] = all(e.is_finite() for e in c)
            found[:, :, i] = (
                np.transpose([_ends(arb, e) for e in c]) if known[i] else [[-INF], [INF]]
            )
    known = known.reshape(x.shape)
    ends = found[0].reshape(order + 1, *x.shape), found[1].reshape(order + 1, *x.shape)
    return bounded(of, row, [x], ends, known)


def _signed(row: Elementary, x: Set, low: Array, high: Array) -> Ends:
    """Return coefficients with the signs that they are known to have."""
    if row.name not in SIGNED or not row.own:
        return low, high
    low, high = low.copy(), high.copy()
    right, left = x.lo > 0, (x.hi < 0) & (np.floor(x.hi) < x.lo)
    for where, sign in zip((right, left), SIGNED[row.name], strict=True):
        for k in range(len(low)):
            if sign(k) > 0:
                low[k, 0] = np.where(where, np.maximum(low[k, 0], 0.0), low[k, 0])
            elif sign(k) < 0:
                high[k, 0] = np.where(where, np.minimum(high[k, 0], 0.0), high[k, 0])
    return low, high
