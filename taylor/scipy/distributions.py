"""What a distribution of scipy.stats is here: its support, and its formulas by name.

Formulas stand in z = (x - loc)/scale; those that are not given follow from the others.  Outside of
the support the density is 0, its logarithm -inf, and there is nothing to differentiate.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from taylor.core import functions as fn
from taylor.core.advice import RULE, no_name
from taylor.core.operand import as_array, lift
from taylor.core.outside import outside
from taylor.numbers.kinds import base_array
from taylor.scipy.averages import average
from taylor.scipy.integrate import quad
from taylor.scipy.moments import MOMENTS, nowhere
from taylor.scipy.solved import implicit
from taylor.scipy.theirs import of_plain, varies

Formula = Callable[..., Any]
Ends = tuple[Any, Any]
INF = math.inf
MOST = sys.float_info.max
OF_X = {  # function -> (below the support, above it)
    "logpdf": (-INF, -INF), "cdf": (0.0, 1.0), "sf": (1.0, 0.0),
    "logcdf": (-INF, 0.0), "logsf": (0.0, -INF),
}  # fmt: skip
WHOLE = (  # no functions of x
    "mean", "var", "std", "entropy", "median", "stats", "support",
)  # fmt: skip
FITS: dict[str, Formula] = {  # of most likelihood: loc and scale
    "norm": lambda x: (np.mean(x), np.std(x)),
    "expon": lambda x: (np.min(x), np.mean(x) - np.min(x)),
    "uniform": lambda x: (np.min(x), np.max(x) - np.min(x)),
    "laplace": lambda x: (np.median(x), np.mean(abs(x - np.median(x)))),
}
CENTRAL = {"s": (3, 0.0), "k": (4, 3.0)}  # the moments of skewness and kurtosis, and those of norm
OPPOSITE = {"logcdf": ("cdf", "sf"), "logsf": ("sf", "cdf")}


class Distribution:
    """A distribution of SciPy's name, which has SciPy's own methods for plain numbers, too.

    Called with parameters it is the one with these: `norm(0, 2).pdf(x)` is `norm.pdf(x, 0, 2)`.

    >>> import taylor
    >>> from taylor.scipy import stats
    >>> float(taylor.gradient(lambda s: stats.norm(0.0, s).logpdf(1.0), 2.0))
    -0.375
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<taylor.scipy.stats.{self.name}>"

    @property
    def theirs(self) -> Any:
        """SciPy's distribution of that name."""
        return getattr(import_module("scipy.stats"), self.name)

    def _of_plain(self, method: str, instead: str = RULE) -> Any:
        name = f"taylor.scipy.stats.{self.name}.{method}"
        return of_plain(getattr(self.theirs, method), name, instead)

    def __call__(self, *args: Any, **kwargs: Any) -> Frozen:
        return Frozen(self, args, kwargs)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_") or not hasattr(self.theirs, name):
                full = f"taylor.scipy.stats.{vars(self).get('name')}"
                raise no_name(full, name, dir(type(self)))
            return self._of_plain(name)


class Frozen:
    """A distribution with its parameters."""

    def __init__(self, of: Distribution, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.of, self.args, self.kwargs = of, args, kwargs

    def __repr__(self) -> str:
        return f"<{self.of!r} with parameters>"

    def expect(self, func: Any = None, lb: Any = None, ub: Any = None, **options: Any) -> Any:
        """Return the mean of func(x), between limits if there are any."""
        given = [*self.args, *self.kwargs.values(), func, lb, ub]
        if not isinstance(self.of, Continuous) or not (varies(given) or outside(func)):
            frozen = self.of.theirs(*self.args, **self.kwargs)
            name = f"taylor.scipy.stats.{self.of.name}.expect"
            return of_plain(frozen.expect, name)(func, lb=lb, ub=ub, **options)
        return self.of.expect_of(self.args, self.kwargs, func, lb=lb, ub=ub, **options)

    def rvs(self, size: Any = None, random_state: Any = None) -> Any:
        """Return random numbers, as those of the distribution."""
        options = {"random_state": random_state} | ({} if size is None else {"size": size})
        of: Any = self.of
        return of.rvs(*self.args, **self.kwargs, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        method = getattr(self.of, name)
        if hasattr(type(self.of), name) and name not in WHOLE:
            return lambda x: method(x, *self.args, **self.kwargs)
        return lambda *more, **named: method(*more, *self.args, **self.kwargs, **named)


class Continuous(Distribution):
    """A continuous distribution: `names` of its shapes, its support, and formulas by name.

    The support is a pair of ends, or a function of the shapes that returns one.  Shapes are
    positive, but those in `free`, and where `valid` of them all is true.  The density is zero at
    the ends of the support in `open`, where its formula has no value, and at infinite ones that are
    functions.  It may turn at `turn` of its shapes.
    """

    def __init__(
        self,
        name: str,
        names: str,
        support: Ends | Callable[..., Ends],
        free: str = "",
        open: str = "",
        valid: Formula | None = None,
        turn: Formula = lambda *shapes: 0.0,
        **formulas: Formula,
    ) -> None:
        super().__init__(name)
        self.turn = turn
        self.names, self.ends, self.valid = names.split(), support, valid
        self.free, self.open = free.split(), open.split()
        self.formulas = {**MOMENTS.get(name, {}), **formulas}

    # -------------------------------------------------------------- functions of x
    def pdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the density."""
        return fn.exp(self.logpdf(x, *args, **kwargs))

    def logpdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the logarithm of the density."""
        z, shapes, _, scale = self._standard(x, args, kwargs)
        return self._of_x("logpdf", z, shapes) - fn.log(scale)

    def cdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the probability of values up to x."""
        return self._probability("cdf", x, args, kwargs)

    def sf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the probability of values above x."""
        return self._probability("sf", x, args, kwargs)

    def logcdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the logarithm of `cdf`."""
        return self._probability("logcdf", x, args, kwargs)

    def logsf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the logarithm of `sf`."""
        return self._probability("logsf", x, args, kwargs)

    # -------------------------------------------------------------- quantiles
    def ppf(self, q: Any, *args: Any, **kwargs: Any) -> Any:
        """Return x with cdf(x) = q."""
        return self._quantile("ppf", q, args, kwargs)

    def isf(self, q: Any, *args: Any, **kwargs: Any) -> Any:
        """Return x with sf(x) = q."""
        return self._quantile("isf", q, args, kwargs)

    def interval(self, confidence: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the ends of the middle part of so much probability."""
        q = (1 - as_array(confidence)) / 2
        return self.ppf(q, *args, **kwargs), self.isf(q, *args, **kwargs)

    # -------------------------------------------------------------- the whole
    def mean(self, *args: Any, **kwargs: Any) -> Any:
        """Return the mean."""
        general = lambda *shapes: self._raw(1, shapes)  # noqa: E731
        return self._moment("mean", args, kwargs, lambda m, loc, scale: loc + scale * m, general)

    def var(self, *args: Any, **kwargs: Any) -> Any:
        """Return the variance."""
        general = lambda *shapes: self._central(2, shapes)  # noqa: E731
        return self._moment("var", args, kwargs, lambda v, loc, scale: scale**2 * v, general)

    def std(self, *args: Any, **kwargs: Any) -> Any:
        """Return the standard deviation."""
        var = self.var(*args, **kwargs)
        finite = np.isfinite(var)
        return np.where(finite, fn.sqrt(np.where(finite, var, 1.0)), var)[()]

    def entropy(self, *args: Any, **kwargs: Any) -> Any:
        """Return -∫ p log p, of whole numbers -Σ p log p."""
        placed = lambda h, loc, scale: h + fn.log(scale)  # noqa: E731
        return self._moment("entropy", args, kwargs, placed, self._entropy)

    def median(self, *args: Any, **kwargs: Any) -> Any:
        """Return the quantile of ½."""
        return self.ppf(0.5, *args, **kwargs)

    def support(self, *args: Any, **kwargs: Any) -> Ends:
        """Return the ends of the support."""
        if not varies([*args, *kwargs.values()]):
            ends: Ends = self._of_plain("support")(*args, **kwargs)
            return ends
        *shapes, loc, scale = self._arguments(args, kwargs)
        low, high = (end + lost(shapes) for end in self._support(shapes))
        return low * scale + loc, high * scale + loc

    def moment(self, order: int, *args: Any, **kwargs: Any) -> Any:
        """Return the mean of x**order.

        >>> import taylor
        >>> from taylor.scipy import stats
        >>> float(taylor.derivative(lambda s: stats.norm.moment(2, 1.0, s), 3.0).round(9))
        6.0
        """

        def power(*shapes: Any) -> Any:
            return [1.0, *(self._raw(n, shapes) for n in range(1, order + 1))]

        def placed(m: Any, loc: Any, scale: Any) -> Any:
            each = (math.comb(order, n) * loc ** (order - n) * scale**n * m[n]
                    for n in range(order + 1))  # fmt: skip
            return sum(each)

        return self._moment("moment", args, kwargs, placed, power, (order,))

    def stats(self, *args: Any, moments: str = "mv", **kwargs: Any) -> Any:
        """Return of mean (m), variance (v), skewness (s) and kurtosis (k) those asked for."""
        if not varies([*args, *kwargs.values()]):
            return self._of_plain("stats")(*args, moments=moments, **kwargs)
        found = []
        for name in [name for name in "mvsk" if name in moments]:
            if name in "mv":
                found.append((self.mean if name == "m" else self.var)(*args, **kwargs))
                continue
            order, less = CENTRAL[name]

            def scaled(*shapes: Any, order: int = order, less: float = less) -> Any:
                return self._central(order, shapes) / self._central(2, shapes) ** (order / 2) - less

            found.append(self._moment("stats", args, kwargs, _whole, scaled, moments=name))
        return found[0] if len(found) == 1 else tuple(found)

    def expect(
        self, func: Any = None, args: Any = (), loc: Any = 0, scale: Any = 1, lb: Any = None,
        ub: Any = None, conditional: bool = False, **options: Any,
    ) -> Any:  # fmt: skip
        """Return the mean of func(x), between limits if there are any, by `quad` and its options.

        If `conditional`, it is that of what lies between the limits.
        """
        func = func if func is not None else lambda x: x
        given = [*args, loc, scale, 0.0 if lb is None else lb, 0.0 if ub is None else ub]
        if not (varies(given) or outside(func)):
            more = dict(lb=lb, ub=ub, conditional=conditional) | options
            return self._of_plain("expect")(func, args, loc, scale, **more)
        *shapes, loc, scale = self._arguments((*args, loc, scale), {})
        low, high = (
            end if np.all(np.isfinite(end)) else float(base_array(end))
            for end in self._support(shapes)
        )
        low = low if lb is None else (lb - loc) / scale
        high = high if ub is None else (ub - loc) / scale
        middle = float(self.theirs.median(*map(base_array, shapes)))

        def weighed(z: Any) -> Any:
            p = fn.exp(self._of_x("logpdf", z, shapes))
            there = p > 0  # beyond, func may be infinite
            return np.where(there, func(np.where(there, z, middle) * scale + loc) * p, 0.0)

        whole = quad(weighed, low, middle, **options)[0] + quad(weighed, middle, high, **options)[0]
        if not conditional:
            return whole
        return whole / (self._of_x("cdf", high, shapes) - self._of_x("cdf", low, shapes))

    def rvs(self, *args: Any, size: Any = None, random_state: Any = None, **kwargs: Any) -> Any:
        """Return SciPy's random numbers; where loc and scale vary, numbers that move with these.

        >>> import taylor
        >>> from taylor.scipy import stats
        >>> f = lambda s: stats.norm.rvs(0.0, s, size=3, random_state=1)
        >>> bool(np.allclose(taylor.jacobian(f, 2.0), f(1.0)))
        True
        """
        of_plain_numbers = self._of_plain(
            "rvs", "its shapes are plain numbers; ppf(u, ...) of uniform u varies with all"
        )
        given = [*args, *kwargs.values()]
        options = {"random_state": random_state} | ({} if size is None else {"size": size})
        if not varies(given):
            return of_plain_numbers(*args, **kwargs, **options)
        *shapes, loc, scale = self._arguments(args, kwargs)
        shape = np.broadcast_shapes(*map(np.shape, (*shapes, loc, scale)))
        drawn = of_plain_numbers(*shapes, **({"size": shape} | options))
        return drawn * scale + loc

    def fit(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the parameters SciPy finds; of data that vary those that have a formula."""
        if not varies([data, *args, *kwargs.values()]):
            return self._of_plain("fit")(data, *args, **kwargs)
        if args or kwargs or self.name not in FITS:
            raise TypeError(
                f"taylor.scipy.stats.{self.name}.fit of data that vary has no formula; minimize "
                "-np.sum(logpdf(data, *p)) by taylor.scipy.optimize.minimize, which varies"
            )
        return FITS[self.name](np.reshape(as_array(data), -1))

    def expect_of(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], func: Any, **options: Any
    ) -> Any:
        """Return `expect` at parameters given as those of other functions."""
        *shapes, loc, scale = self._arguments(args, kwargs)
        return self.expect(func, tuple(shapes), loc, scale, **options)

    # -------------------------------------------------------------- how
    def _moment(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], placed: Formula,
        general: Formula, first: tuple[Any, ...] = (), **options: Any,
    ) -> Any:  # fmt: skip
        """Return what is placed of a formula of the shapes, or of a general one.

        Of the latter where SciPy has a finite value.
        """
        if not varies([*args, *kwargs.values()]):
            return self._of_plain(name)(*first, *args, **kwargs, **options)
        *shapes, loc, scale = self._arguments(args, kwargs)
        formula = self.formulas.get(name)
        with np.errstate(all="ignore"):
            if formula is not None:
                return placed(formula(*shapes) + lost(shapes) + 0 * scale, loc, scale)
            found = placed(general(*shapes), loc, scale) + lost(shapes) + 0 * scale
            if "raw" in self.formulas:
                return found
            plain = [*map(base_array, shapes)]
            theirs = np.asarray(getattr(self.theirs, name)(*first, *plain, **options), dtype=float)
        if np.any(np.isnan(base_array(found)) & np.isfinite(theirs)):
            raise TypeError(
                f"taylor.scipy.stats.{self.name}.{name} is SciPy's, of plain numbers: there is no "
                "formula, and no rule for its integral or sum that converges here"
            )
        return np.where(np.isfinite(theirs), found, nowhere(theirs, found))[()]

    def _average(self, g: Formula, shapes: Any, low: Any = None, high: Any = None) -> Any:
        """Return the integral of g(z) times the density between two places, or to the ends."""
        plain = [*map(base_array, shapes)]
        shape = np.broadcast_shapes(*map(np.shape, plain))
        wide = [np.expand_dims(np.broadcast_to(as_array(s), shape), -1) for s in shapes]
        quarters = (self.theirs.ppf(q, *map(base_array, wide)) for q in (0.25, 0.5, 0.75))
        first, middle, last = (np.broadcast_to(q, (*shape, 1)) for q in quarters)
        ends = [np.broadcast_to(as_array(end), (*shape, 1)) for end in self._support(wide)]
        given = zip(ends, (low, high), strict=True)
        ends = [e if x is None else np.expand_dims(x, -1) for e, x in given]
        turn = np.broadcast_to(as_array(self.turn(*wide)), (*shape, 1))
        inside = np.asarray((turn > ends[0]) & (turn < ends[1]))
        turns = [middle]
        if inside.any():
            turn = np.where(inside, turn, middle)
            turns = [np.minimum(turn, middle), np.maximum(turn, middle)]
        logpdf = lambda z: self._of_x("logpdf", z, wide)  # noqa: E731
        return average(g, logpdf, ends, turns, last - first)

    def _raw(self, order: int, shapes: Any) -> Any:
        if "raw" in self.formulas:
            return self.formulas["raw"](order, *shapes)
        return self._average(lambda z: z**order, shapes)

    def _central(self, order: int, shapes: Any) -> Any:
        known = self.formulas.get("mean")
        mean = as_array(self._raw(1, shapes) if known is None else known(*shapes))
        if "raw" in self.formulas:
            powers = ((-mean) ** (order - n) * self._raw(n, shapes) for n in range(order + 1))
            return sum(math.comb(order, n) * x for n, x in enumerate(powers))
        middle = np.expand_dims(mean, -1)
        return self._average(lambda z: (z - middle) ** order, shapes)

    def _entropy(self, *shapes: Any) -> Any:
        wide = [np.expand_dims(as_array(s), -1) for s in shapes]
        return -self._average(lambda z: self._of_x("logpdf", z, wide), shapes)

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """Return the shapes, loc and scale."""
        names = [*self.names, "loc", "scale"]
        given = dict(zip(names, args, strict=False))
        twice = given.keys() & kwargs.keys()
        strange = kwargs.keys() - set(names)
        if len(args) > len(names) or twice or strange:
            raise TypeError(f"{self.name} takes x (or q), {', '.join(names)}")
        given = {"loc": 0.0, "scale": 1.0} | given | kwargs
        missing = [n for n in names if n not in given]
        if missing:
            raise TypeError(f"{self.name} needs its shape {missing[0]}")
        lifted = {
            n: lift(np.asarray(given[n]) if isinstance(given[n], (list, tuple)) else given[n])
            for n in names
        }
        *shapes, loc, scale = [x if n == "loc" else self._valid(n, x) for n, x in lifted.items()]
        if self.valid is not None:
            right = self.valid(*shapes)
            shapes = [np.where(right, s, s * math.nan)[()] for s in shapes]
        return [*shapes, loc, scale]

    def _valid(self, name: str, x: Any) -> Any:
        """Return a parameter, nan where there is no such distribution."""
        return x if name in self.free else np.where(x > 0, x, x * math.nan)[()]

    def _standard(self, x: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        *shapes, loc, scale = self._arguments(args, kwargs)
        return (as_array(x) - loc) / scale, shapes, loc, scale

    def _probability(
        self, function: str, x: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        known = {function, "cdf", "sf"} & self.formulas.keys()
        if not known and not varies([x, *args, *kwargs.values()]):
            return self._of_plain(function)(x, *args, **kwargs)
        return self._of_x(function, *self._standard(x, args, kwargs)[:2])

    def _support(self, shapes: list[Any]) -> Ends:
        return self.ends(*shapes) if callable(self.ends) else self.ends

    def _of_x(self, function: str, z: Any, shapes: list[Any]) -> Any:
        """Return a function of z inside the support, and what it is outside."""
        (low, high), (below, above) = self._support(shapes), OF_X[function]
        inner, gone, moving = z, lost(shapes), callable(self.ends)
        first, last = low, high
        if moving:  # infinity lies outside
            first, last = np.where(low < -MOST, -MOST, low), np.where(high > MOST, MOST, high)
        under = z <= first if "low" in self.open else z < first if moving or low > -INF else None
        over = z >= last if "high" in self.open else z > last if moving or high < INF else None
        for out in (under, over):
            inner = inner if out is None else np.where(out, _middle(low, high), inner)
        y = self._inside(function, inner, shapes)
        y = y if under is None else np.where(under, below + gone, y)
        return y if over is None else np.where(over, above + gone, y)

    def _inside(self, function: str, z: Any, shapes: list[Any]) -> Any:
        found = self.formulas.get(function)
        if found is not None:
            with np.errstate(all="ignore"):
                return found(z, *shapes)
        if function in ("logcdf", "logsf"):
            p, rest = (self._inside(n, z, shapes) for n in OPPOSITE[function])
            small = p < 0.5
            with np.errstate(divide="ignore"):
                near_one = fn.log1p(-np.where(small, 0.5, rest))
                return np.where(small, fn.log(np.where(small, p, 0.5)), near_one)
        if not {"cdf", "sf"} & self.formulas.keys():
            low, high = (z, None) if function == "sf" else (None, z)
            ones = lambda z: 1.0 + 0 * z  # noqa: E731
            return self._average(ones, np.broadcast_arrays(*shapes, z)[:-1], low, high)
        return 1 - self._inside({"sf": "cdf", "cdf": "sf"}[function], z, shapes)

    def _quantile(
        self, function: str, q: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        formula = self.formulas.get(function)
        known = formula is not None or "ppf" in self.formulas
        if not known and not varies([q, *args, *kwargs.values()]):
            return self._of_plain(function)(q, *args, **kwargs)
        *shapes, loc, scale = self._arguments(args, kwargs)
        q = as_array(q)
        q = np.where(q < 0, math.nan, np.where(q > 1, math.nan, q))[()]
        with np.errstate(all="ignore"):
            if known:
                z = self.formulas["ppf"](1 - q, *shapes) if formula is None else formula(q, *shapes)
            else:
                z = self._solved(function, np.where((q > 0) & (q < 1), q, 0.5), shapes)
        low, high = self._support(shapes)
        (first, last), gone = (low, high) if function == "ppf" else (high, low), lost(shapes)
        z = np.where(q <= 0, first + gone, np.where(q >= 1, last + gone, z))[()]
        return z * scale + loc

    def _solved(self, function: str, q: Any, shapes: Sequence[Any]) -> Any:
        """Return z with cdf(z) = q, or sf(z) = q, which SciPy finds."""
        of = "cdf" if function == "ppf" else "sf"
        shape = np.broadcast_shapes(*map(np.shape, (q, *shapes)))
        given = tuple(np.broadcast_to(as_array(v), shape) for v in (q, *shapes))
        find = lambda p: (None, getattr(self.theirs, function)(*p))  # noqa: E731
        return implicit(lambda z, q, *s: self._of_x(of, z, [*s]) - q, find, given)[0]


def _whole(m: Any, loc: Any, scale: Any) -> Any:
    """Return what does not depend on the place."""
    return m


def _middle(low: Any, high: Any) -> Any:
    """Return a number inside of the support."""
    left = np.where(low > -INF, low, np.where(high < INF, high - 2.0, -1.0))
    return 0.5 * (left + np.where(high < INF, high, left + 2.0))


def lost(shapes: list[Any]) -> Any:
    """Return zero, nan where a shape is nan."""
    return sum(0 * np.where(s * s >= INF, 0.0, s)[()] for s in shapes)
