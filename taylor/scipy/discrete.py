"""What a distribution of whole numbers of scipy.stats is here: sums over k."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.core import functions as fn
from taylor.core.operand import as_array
from taylor.core.outside import outside
from taylor.numbers.kinds import base_array, is_operand
from taylor.scipy.distributions import INF, OF_X, Continuous, Ends, Formula, lost
from taylor.scipy.theirs import varies

LEAST = 1e-290  # a probability whose logarithm has digits
MANY, NEAR = 20000, 1e-9  # terms of a sum, and how small those are that are left


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

        super().__init__(name, names, ends, "", "", valid, self._still, **formulas)
        self.positive = positive.split()

    @staticmethod
    def _still(*shapes: Any) -> float:
        return 0.0

    def _valid(self, name: str, x: Any) -> Any:
        high = 1.0 if name == "p" else INF
        x = super()._valid(name, x) if name in self.positive else x
        lost = x * np.nan
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
        return np.where(there, y, -INF + lost(shapes))

    def pdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Raise AttributeError: there are probabilities only, as in SciPy."""
        raise AttributeError(f"{self.name} has no density; use pmf and logpmf")

    logpdf = pdf

    def expect(  # type: ignore[override]
        self, func: Any = None, args: Any = (), loc: Any = 0, lb: Any = None, ub: Any = None,
        conditional: bool = False, **options: Any,
    ) -> Any:  # fmt: skip
        """Return the mean of func(k), between plain limits if there are any.

        If `conditional`, it is that of what lies between the limits.
        """
        func = func if func is not None else lambda k: k
        if not (varies([*args, loc]) or outside(func)):
            more = dict(lb=lb, ub=ub, conditional=conditional) | options
            return self._of_plain("expect")(func, args, loc, **more)
        *shapes, loc, _ = self._arguments((*args, loc), {})
        low, high = (-INF if lb is None else lb), (INF if ub is None else ub)

        def within(k: Any) -> Any:
            return (k + loc >= low) & (k + loc <= high)

        def values(k: Any) -> Any:
            return np.where(within(k), np.stack([as_array(func(x)) for x in k + loc]), 0.0)

        whole = self._average(values, shapes)
        return whole / self._average(lambda k: 1.0 * within(k), shapes) if conditional else whole

    def expect_of(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], func: Any, **options: Any
    ) -> Any:
        """Return `expect` at parameters given as those of other functions."""
        *shapes, loc, _ = self._arguments(args, kwargs)
        return self.expect(func, tuple(shapes), loc, **options)

    def _average(self, g: Formula, shapes: Any, low: Any = None, high: Any = None) -> Any:
        """Return Σ g(k) pmf(k); nan where terms are left that are not small."""
        plain = [*map(base_array, shapes)]
        k = self._numbers(plain)
        p = self.pmf(k, *(np.expand_dims(as_array(s), -1) for s in shapes))
        terms = np.where(p > LEAST, g(k) * p, 0.0)
        total, least = np.sum(terms, axis=-1), NEAR * np.sum(abs(terms), axis=-1)
        cut = self._support(plain)[1] > k[-1]
        return np.where(cut & (abs(terms[..., -1]) * k.size > least), np.nan, total)[()]

    def _entropy(self, *shapes: Any) -> Any:
        wide = [np.expand_dims(as_array(s), -1) for s in shapes]

        def surprise(k: Any) -> Any:
            y = self.logpmf(k, *wide)
            return np.where(y > math.log(LEAST), -y, 0.0)

        return self._average(surprise, shapes)

    def _numbers(self, shapes: Sequence[Any]) -> Any:
        """Return the k that have all of the probability but rounding."""
        low, high = (np.asarray(end, dtype=float) for end in self._support([*shapes]))
        mean, var = map(np.asarray, self.theirs.stats(*shapes))
        far = 40 * (np.sqrt(var) + var / np.maximum(np.abs(mean), np.sqrt(var)) + 1)
        first = max(float(np.min(low)), float(np.floor(np.min(mean - far))))
        last = min(float(np.max(high)), float(np.ceil(np.max(mean + far))))
        if not last - first < MANY:
            raise TypeError(
                f"taylor.scipy.stats.{self.name} has too many k for a sum over them; its moments "
                "are SciPy's, of plain numbers: there is no formula"
            )
        return np.arange(first, last + 1.0)

    def _inside(self, function: str, z: Any, shapes: list[Any]) -> Any:
        if function not in ("cdf", "sf") or {"cdf", "sf"} & self.formulas.keys():
            return super()._inside(function, z, shapes)
        if function == "sf":
            return 1 - self._inside("cdf", z, shapes)
        k = self._numbers([*map(base_array, shapes)])
        wide = [np.expand_dims(as_array(s), -1) for s in shapes]
        return np.sum(np.where(k <= np.expand_dims(z, -1), self.pmf(k, *wide), 0.0), axis=-1)

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
        k, (below, above), gone = np.floor(z), OF_X[function], lost(shapes)
        y = self._inside(function, np.where((k < low) | (k >= high), _least(low), k), shapes)
        return np.where(k < low, below + gone, np.where(k >= high, above + gone, y))

    def _quantile(
        self, function: str, q: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return self._of_plain(function, "it is a step function")(q, *args, **kwargs)


def _least(low: Any) -> Any:
    """Return a number of the support: the first, or zero."""
    return np.where(low > -INF, low, 0.0)[()]
