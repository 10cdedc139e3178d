"""What a distribution of scipy.stats is here: its support, and its formulas by name.

Formulas stand in z = (x - loc)/scale; those that are not given follow from the others.  Outside of
the support the density is 0, its logarithm -inf, and there is nothing to differentiate.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from taylor.core import functions as fn
from taylor.core.advice import RULE, no_name
from taylor.core.operand import as_array, lift
from taylor.numbers.kinds import is_operand
from taylor.scipy.moments import MOMENTS
from taylor.scipy.theirs import of_plain, varies

Formula = Callable[..., Any]
Ends = tuple[Any, Any]
INF = math.inf
MOST = sys.float_info.max
OF_X = {  # function -> (below the support, above it)
    "logpdf": (-INF, -INF), "cdf": (0.0, 1.0), "sf": (1.0, 0.0),
    "logcdf": (-INF, 0.0), "logsf": (0.0, -INF),
}  # fmt: skip
WHOLE = ("mean", "var", "std", "entropy", "median")  # no function of x
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
    functions.
    """

    def __init__(
        self,
        name: str,
        names: str,
        support: Ends | Callable[..., Ends],
        free: str = "",
        open: str = "",
        valid: Formula | None = None,
        **formulas: Formula,
    ) -> None:
        super().__init__(name)
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
        return self._moment("mean", args, kwargs, lambda m, loc, scale: loc + scale * m)

    def var(self, *args: Any, **kwargs: Any) -> Any:
        """Return the variance."""
        return self._moment("var", args, kwargs, lambda v, loc, scale: scale**2 * v)

    def std(self, *args: Any, **kwargs: Any) -> Any:
        """Return the standard deviation."""
        return fn.sqrt(self.var(*args, **kwargs))

    def entropy(self, *args: Any, **kwargs: Any) -> Any:
        """Return -∫ p log p, of whole numbers -Σ p log p."""
        return self._moment("entropy", args, kwargs, lambda h, loc, scale: h + fn.log(scale))

    def median(self, *args: Any, **kwargs: Any) -> Any:
        """Return the quantile of ½."""
        return self.ppf(0.5, *args, **kwargs)

    # -------------------------------------------------------------- how
    def _moment(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], placed: Formula
    ) -> Any:
        formula = self.formulas.get(name)
        if formula is None or not any(map(varies, (*args, *kwargs.values()))):
            return self._of_plain(name, "there is no formula")(*args, **kwargs)
        *shapes, loc, scale = self._arguments(args, kwargs)
        with np.errstate(all="ignore"):
            found = formula(*shapes)
        return placed(found + _lost(shapes) + 0 * scale, loc, scale)

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
        if not {function, "cdf", "sf"} & self.formulas.keys():
            return self._of_plain(function, "there is no formula")(x, *args, **kwargs)
        return self._of_x(function, *self._standard(x, args, kwargs)[:2])

    def _support(self, shapes: list[Any]) -> Ends:
        return self.ends(*shapes) if callable(self.ends) else self.ends

    def _of_x(self, function: str, z: Any, shapes: list[Any]) -> Any:
        """Return a function of z inside the support, and what it is outside."""
        (low, high), (below, above) = self._support(shapes), OF_X[function]
        inner, lost, moving = z, _lost(shapes), callable(self.ends)
        first, last = low, high
        if moving:  # infinity lies outside
            first, last = np.where(low < -MOST, -MOST, low), np.where(high > MOST, MOST, high)
        under = z <= first if "low" in self.open else z < first if moving or low > -INF else None
        over = z >= last if "high" in self.open else z > last if moving or high < INF else None
        for out in (under, over):
            inner = inner if out is None else np.where(out, _middle(low, high), inner)
        y = self._inside(function, inner, shapes)
        y = y if under is None else np.where(under, below + lost, y)
        return y if over is None else np.where(over, above + lost, y)

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
        return 1 - self._inside({"sf": "cdf", "cdf": "sf"}[function], z, shapes)

    def _quantile(
        self, function: str, q: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        formula = self.formulas.get(function)
        if formula is None and "ppf" not in self.formulas:
            return self._of_plain(function, "there is no formula")(q, *args, **kwargs)
        *shapes, loc, scale = self._arguments(args, kwargs)
        q = as_array(q)
        q = np.where(q < 0, math.nan, np.where(q > 1, math.nan, q))[()]
        with np.errstate(all="ignore"):
            z = self.formulas["ppf"](1 - q, *shapes) if formula is None else formula(q, *shapes)
        low, high = self._support(shapes)
        (first, last), lost = (low, high) if function == "ppf" else (high, low), _lost(shapes)
        z = np.where(q <= 0, first + lost, np.where(q >= 1, last + lost, z))[()]
        return z * scale + loc


def _middle(low: Any, high: Any) -> Any:
    """Return a number inside of the support."""
    left = np.where(low > -INF, low, np.where(high < INF, high - 2.0, -1.0))
    return 0.5 * (left + np.where(high < INF, high, left + 2.0))


def _lost(shapes: list[Any]) -> Any:
    """Return zero, nan where a shape is nan."""
    return sum(0 * np.where(s * s >= INF, 0.0, s)[()] for s in shapes)


class Discrete(Continuous):
    """A distribution of whole numbers k, which are plain; the shapes may vary.

    `first`, or `first(*shapes)`, and `last(*shapes)` are the least and the largest k there are.
    Shapes may be zero, but those in `positive`.
    """

    def __init__(
        self,
        name: str,
        names: str,
        first: float | Formula,
        last: Formula = lambda *shapes: INF,
        positive: str = "",
        valid: Formula | None = None,
        **formulas: Formula,
    ) -> None:
        def ends(*shapes: Any) -> Ends:
            return first(*shapes) if callable(first) else first, last(*shapes)

        super().__init__(name, names, ends, "", "", valid, **formulas)
        self.positive = positive.split()

    def _valid(self, name: str, x: Any) -> Any:
        high = 1.0 if name == "p" else INF
        x = super()._valid(name, x) if name in self.positive else x
        lost = x * math.nan
        return np.where(x < 0, lost, np.where(x > high, lost, x))[()]

    def pmf(self, k: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the probability of k."""
        return fn.exp(self.logpmf(k, *args, **kwargs))

    def logpmf(self, k: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the logarithm of `pmf`; -inf where k is no whole number of the support."""
        k, shapes, *_ = self._standard(k, args, kwargs)
        low, high = self._support(shapes)
        there = (k == np.floor(k)) & (k >= low) & (k <= high)
        y = self._inside("logpmf", np.where(there, k, _least(low)), shapes)
        return np.where(there, y, -INF + _lost(shapes))

    def pdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Raise AttributeError: there are probabilities only, as in SciPy."""
        raise AttributeError(f"{self.name} has no density; use pmf and logpmf")

    logpdf = pdf

    def _standard(self, x: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        if "scale" in kwargs or len(args) > len(self.names) + 1:
            raise TypeError(f"{self.name} takes k, {', '.join([*self.names, 'loc'])}")
        *shapes, loc, scale = self._arguments(args, kwargs)
        k = as_array(x) - loc
        if is_operand(k):
            raise TypeError(
                f"taylor.scipy.stats.{self.name} counts k in whole steps: it has no derivative in "
                "k (or loc); pass a plain number (k.value)"
            )
        return k, shapes, loc, scale

    def _of_x(self, function: str, z: Any, shapes: list[Any]) -> Any:
        low, high = self._support(shapes)
        k, (below, above), lost = np.floor(z), OF_X[function], _lost(shapes)
        y = self._inside(function, np.where((k < low) | (k >= high), _least(low), k), shapes)
        return np.where(k < low, below + lost, np.where(k >= high, above + lost, y))

    def _quantile(
        self, function: str, q: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return self._of_plain(function, "it is a step function")(q, *args, **kwargs)


def _least(low: Any) -> Any:
    """Return a number of the support: the first, or zero."""
    return np.where(low > -INF, low, 0.0)[()]
