"""Unbiased estimates of P(∂)f where the algebra of P is too large: random terms or directions."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.drivers.driver import point
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import Floats, Kind, base_array
from taylor.numbers.values import constant, is_complex
from taylor.operators.drivers import apply
from taylor.operators.operator import Operator
from taylor.operators.symbol import Given, Symbol, partials

Array = NDArray[Any]
Function = Callable[..., Any]
Seed = int | np.random.Generator


@dataclass(frozen=True)
class Estimate:
    """A mean of independent unbiased samples, and an unbiased estimate of its variance."""

    value: Any
    variance: Any
    samples: int

    @property
    def error(self) -> Any:
        """The standard error of the value: the square root of its variance."""
        return self.variance**0.5  # of a fraction, too


def estimate(P: Symbol, f: Function, *args: Any, samples: int, seed: Seed) -> Estimate:
    """Return an estimate of P(∂)f from some of its terms, drawn in proportion to their size.

    A sample of the term c·∂^α is Σ|c|·c/|c|·∂^α f, so sparse directions suffice whatever the
    number of variables (Shi, Hu, Lin & Kawaguchi, Stochastic Taylor derivative estimator, NeurIPS
    2024).  Its variance is Σ|c| Σ|c|(∂^α f)² - (Pf)².  All samples are one sweep in the algebra of
    the terms drawn.  A coefficient that is differentiated or has no one size (an interval) does not
    count in the drawing and multiplies what is drawn, so that slopes are unbiased, at zero too; the
    same seed may draw other terms than for a number in its place.

    >>> d = partials(1000)
    >>> found = estimate(d @ d, lambda x: np.sum(x**2), np.ones(1000), samples=16, seed=0)
    >>> round(float(found.value)), float(found.variance)
    (2000, 0.0)
    """
    given = [(a, p) for a, p in P.varying if isinstance(a, Given)] if isinstance(P, Symbol) else []
    known = isinstance(P, Symbol) and len(given) == len(P.varying)
    parts = [(None, P), *given] if known else []
    terms = [(a, m, c) for a, p in parts for m, c in p.terms.items() if m]
    if not terms:
        raise TypeError(
            "estimates are of one symbol such as d @ d, d = partials(n), with constant "
            f"coefficients and of order 1 or more, not of {P!r}"
        )
    count, rng = _count(samples), _random(seed)
    sizes = [abs(c) for _, _, c in terms]
    total, size = sum(sizes), np.array([float(x) for x in sizes])
    drawn = Counter(rng.choice(len(terms), count, p=size / size.sum()).tolist())
    base = Symbol(P.variables, {(): 1})
    each = [Symbol(P.variables, {terms[i][1]: 1}) for i in drawn]
    found = apply([base, *each], f, *args)
    scaled = []
    for i, y in zip(drawn, found[1:], strict=True):
        a, _, c = terms[i]
        y = constant(total * (c / abs(c) if is_complex(c) else 1 if c > 0 else -1), y) * y
        scaled.append(y if a is None else a.value * y)
    mean, variance = _moments(scaled, list(drawn.values()))
    for a, p in parts:
        if () in p.terms:
            y = constant(p.terms[()], found[0]) * found[0]
            mean = mean + (y if a is None else a.value * y)
    return Estimate(mean, variance, count)


def estimate_laplacian(
    f: Function, x: Any, *, samples: int, seed: Seed, power: int = 1, factor: Any = None
) -> Estimate:
    """Return an estimate of Δᵖf from derivatives along random directions.

    E[(v·∂)^2p] = (2p - 1)!! Δᵖ for v of independent normal elements; for p = 1 they are ±1, which
    gives the smallest variance, 2 Σ_{i≠j} H_ij² with the Hessian H for each (Hutchinson,
    Communications in Statistics 19, 1990).  With a factor σ, Δ is replaced by Σ (σσᵀ)_ij ∂_i ∂_j,
    and H in the variance by σᵀHσ.  The directions are independent at each point.

    >>> f = lambda x: np.sum(np.cos(x))
    >>> found = estimate_laplacian(f, np.zeros(500), samples=4, seed=0)
    >>> float(found.value), float(found.variance)
    (-500.0, 0.0)
    """
    count, rng, x = _count(samples), _random(seed), point(x)
    if not np.ndim(x):
        raise ShapeMismatch("the variables lie along the last axis of the point, which has none")
    if not callable(f):
        raise TypeError(f"f must be a function, not {type(f).__name__}")
    if not isinstance(power, (int, np.integer)) or power < 1:
        raise ValueError(f"a power of the Laplacian to be estimated is 1, 2, ..., not {power}")
    n = np.shape(x)[-1]
    sigma = None if factor is None else np.asarray(factor)
    if sigma is not None and (sigma.ndim != 2 or len(sigma) != n):
        raise ShapeMismatch(f"the factor has {n} rows, not the shape {sigma.shape}")
    shape = (*np.shape(x)[:-1], count, n if sigma is None else sigma.shape[1])
    v: Array = rng.choice([-1, 1], shape) if power == 1 else rng.normal(size=shape)
    kind = Kind.of(x)
    v = v.astype(kind.dtype) if isinstance(kind, Floats) else Kind.of(x, v).array(v)
    v = v if sigma is None else v @ sigma.T

    def along(t: Any) -> Any:
        return f(x + np.sum(t[..., None] * v, -2))

    found = _along_each(count, 2 * power).applied(along, 0 * v[..., 0])
    odd = math.prod(range(1, 2 * power, 2))
    each = [y / odd for y in (found if type(found) is tuple else (found,))]
    mean, variance = _moments(each, [1] * count)
    return Estimate(mean, variance, count)


@functools.lru_cache(maxsize=16)
def _along_each(count: int, order: int) -> Operator:
    return Operator([d**order for d in partials(count)])


def _random(seed: Seed) -> np.random.Generator:
    if seed is None:
        raise TypeError("seed is an integer or a numpy.random.Generator: give one, such as seed=0")
    return np.random.default_rng(seed)


def _count(samples: int) -> int:
    if not isinstance(samples, (int, np.integer)):
        raise TypeError(f"samples is an integer, how many there are to be, not {samples!r}")
    if samples < 2:
        raise ValueError(f"a variance needs 2 samples or more, not {samples}")
    return samples


def _moments(values: list[Any], times: list[int]) -> tuple[Any, Any]:
    """Return the mean of values that were drawn so many times, and its variance."""
    total = sum(times)
    mean = sum(m * y for m, y in zip(times, values, strict=True)) / total
    away = [y - mean for y in values]
    if any(base_array(v).dtype.kind == "c" for v in away):
        away = [np.hypot(v.real, v.imag) for v in away]
    spread = sum(m * v**2 for m, v in zip(times, away, strict=True))
    return mean, spread / (total * (total - 1))
