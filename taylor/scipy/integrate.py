"""scipy.integrate: integrals with limits and parameters that vary, and sums over samples.

With y = ∫ₐᵇ f(x, p) dx Leibniz' rule is dy = f(b, p) db - f(a, p) da + ∫ₐᵇ f_p dp dx.  Every
derivative is again an integral, which SciPy's adaptive rules find to their own tolerance: nothing
is differentiated that stands for something else.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.integrate

from taylor.core.algebra import Algebra
from taylor.core.copies import frozen
from taylor.core.instructions import total
from taylor.core.operand import as_array, lift
from taylor.core.outside import objects_within, outside, taken_in
from taylor.core.table import Rule
from taylor.core.tags import fresh_tag
from taylor.drivers.driver import parts
from taylor.drivers.evolution import has_nodes
from taylor.drivers.several import argument, pullback, pushforward, series
from taylor.numbers.kinds import base, base_array, is_operand
from taylor.scipy import jumps
from taylor.scipy.integrands import AROUND, SOME, At, Function, Integrand, integral
from taylor.scipy.theirs import names_of

__all__ = [
    "cumulative_simpson", "cumulative_trapezoid", "dblquad", "fixed_quad", "nquad", "quad",
    "quad_vec", "romb", "simpson", "tplquad", "trapezoid",
]  # fmt: skip

ENDS = 4  # the power that makes those at the ends of an integral smooth


def quad(
    func: Function,
    a: Any,
    b: Any,
    args: Any = (),
    *,
    epsabs: float = 1.49e-8,
    epsrel: float = 1.49e-8,
    limit: int | None = None,
    points: Any = None,
    weight: str | None = None,
    wvar: Any = None,
    complex_func: bool = False,
    full_output: bool = False,
) -> tuple[Any, ...]:
    """Return (∫ₐᵇ func(x, *args) dx, the error SciPy estimates).

    Limits (also infinite ones, which are plain) and args may be values of the package; func(x,
    *args) takes them as arguments, a number or an array each, or has them from the function it
    stands in.  Then the second is None.  At plain `points` between the limits func may have kinks;
    the most intervals are `limit`, or what SciPy takes.  `weight` is one of SciPy's, with wvar; of
    what varies "cos" or "sin" (wvar x), or "alg" and its kin: a factor.  A func that is complex at
    plain numbers is told by `complex_func`; else SciPy takes its real part.  `full_output` adds
    SciPy's account of the integration, None where something varies.  Where func jumps at
    an x that moves with what is differentiated, NonAnalyticError says so.

    >>> import taylor
    >>> f = lambda p: quad(lambda x, p: np.exp(-p * x), 0.0, np.inf, p)[0]
    >>> taylor.derivatives(f, 2.0, 2).round(8)
    array([ 0.5 , -0.25,  0.25])
    """
    put, args = objects_within(args if isinstance(args, tuple) else (args,))
    make, held = taken_in(put(func))

    def at(*p: Any) -> Function:
        f, rest = make(*p[: len(held)]), p[len(held) :]
        return (lambda x: f(x, *rest)) if rest else f

    p = (*held, *args)
    every = dict(epsabs=epsabs, epsrel=epsrel, limit=limit, points=points, weight=weight)
    return _quad(at, a, b, p, **every, wvar=wvar, complex_func=complex_func, full=full_output)


def _quad(
    at: At, a: Any, b: Any, p: Sequence[Any], epsabs: float = 1.49e-8, epsrel: float = 1.49e-8,
    limit: int | None = None, points: Any = None, weight: str | None = None, wvar: Any = None,
    complex_func: bool = False, full: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    """Return `quad` of the function at(*p); in another integral it may be complex untold."""
    given = [argument(v) for v in (a, b, *p)]
    options: dict[str, Any] = dict(epsabs=epsabs, epsrel=epsrel)
    options |= {} if limit is None else {"limit": limit}
    if points is not None:
        if is_operand(points := as_array(points)):
            raise TypeError("the points of quad are plain numbers; its limits may vary")
        options["points"] = points
    if not any(map(is_operand, (*given, argument(wvar) if weight else 0.0))):
        weighted = {"weight": weight, "wvar": wvar} if weight else {}
        f = at(*given[2:])
        told = complex_func or (AROUND.get() is not None and np.iscomplexobj(f(_inner(a, b))))
        more = weighted | ({"complex_func": True} if told else {})
        if full:
            whole: tuple[Any, ...] = scipy.integrate.quad(
                f, *given[:2], **options, **more, full_output=True
            )
            return whole
        if not (more or points is not None or limit is not None):
            if jumps.SEEN.get() is not None:
                y, brackets = integral(f, float(given[0]), float(given[1]), options)
                jumps.note(f, brackets)
                return y, None
            if (around := AROUND.get()) is not None:
                return around.within(f, float(given[0]), float(given[1]), options), None
        y, error, *_ = scipy.integrate.quad(f, *given[:2], **options, **more)
        return y, error
    for x in given[:2]:
        if is_operand(x) and x.shape:
            raise TypeError("the limits of quad are numbers")
    if weight is not None:
        at, ends, own = _weighted(at, weight, given[:2], [*np.ravel(argument(wvar))])
        given = [*ends, *own, *given[2:]]
    at = frozen(at) if any(map(has_nodes, given)) else at
    vary = [*map(is_operand, given[2:])]
    of_all = _Rest(at, [None if m else v for m, v in zip(vary, given[2:], strict=True)])
    given = [*given[:2], *itertools.compress(given[2:], vary)]
    return (_Integral(of_all, options)(*given), None, *((None,) if full else ()))


class _Rest:
    """A function of those parameters for which None stands among all."""

    def __init__(self, at: At, p: Sequence[Any]) -> None:
        self.at, self.p = at, p

    def __call__(self, *given: Any) -> Function:
        rest = iter(given)
        return self.at(*(next(rest) if v is None else v for v in self.p))


def _weighted(
    at: At, weight: str, limits: Sequence[Any], wanted: Sequence[Any]
) -> tuple[At, Sequence[Any], Sequence[Any]]:
    """Return a function times a weight of SciPy, its limits, and those of its parameters.

    Powers at the ends are smooth in t, where (x - a)/(b - x) = (t/(1 - t))**ENDS, 0 < t < 1.
    """
    if weight in ("cos", "sin"):
        wave = np.cos if weight == "cos" else np.sin

        def waved(w: Any, *p: Any) -> Function:
            f = at(*p)
            return lambda x: f(x) * wave(w * x)

        return waved, limits, wanted
    if weight not in ("alg", "alg-loga", "alg-logb", "alg-log"):
        raise TypeError(f"quad with weight={weight!r} takes nothing that varies; write it in func")
    logs = {"alg-loga": (1, 0), "alg-logb": (0, 1), "alg-log": (1, 1)}.get(weight, (0, 0))

    def with_ends(a: Any, b: Any, alpha: Any, beta: Any, *p: Any) -> Function:
        f = at(*p)

        def product(t: Any) -> Any:
            if not 0 < t < 1:  # asked for by limits that do not vary
                return math.nan * f(a)
            rise, fall = t**ENDS, (1 - t) ** ENDS
            whole = rise + fall
            near, far = (b - a) * rise / whole, (b - a) * fall / whole  # x - a, b - x
            factor = near**alpha * far**beta * (b - a) * ENDS
            if logs[0]:
                factor = factor * np.log(near)
            if logs[1]:
                factor = factor * np.log(far)
            return f(a + near) * (factor * (t * (1 - t)) ** (ENDS - 1) / whole**2)

        return product

    return with_ends, (0.0, 1.0), (*limits, *wanted)


class _Integral:
    """(a, b, *p) -> ∫ₐᵇ f(x) dx of a number or an array, f = at(*p), as a rule."""

    def __init__(self, at: At, options: dict[str, Any], after: int = SOME) -> None:
        self.at, self.integrand, self.options = at, Integrand(at, after), options
        self.rule = Rule("quad", self._value, self._vjp, self._jvp, self._step)

    def __call__(self, *args: Any) -> Any:
        return self.rule(*args)

    def _of(self, at: At, after: int = SOME) -> _Integral:
        return _Integral(at, self.options, after)

    def _value(self, a: Any, b: Any, *p: Any) -> Any:
        return self.integrand.over(float(a), float(b), [*map(_double, p)], self.options)

    def _check(self, *args: Any) -> None:
        a, b, *p = map(base_array, args)
        if AROUND.get() is not None:  # the integral around it looks at those within
            return
        if self.integrand.brackets is None:  # the value is known from elsewhere
            self._value(a, b, *p)
        jumps.check(self.at, p, self.integrand.brackets or [], self.integrand.rough)

    def _jvp(self, dargs: Sequence[Any], y: Any, a: Any, b: Any, *p: Any) -> Any:
        da, db, *dp = dargs
        terms = [] if db is None else [self.integrand(b, *p) * db]
        if da is not None:
            terms.append(-(self.integrand(a, *p) * da))
        live = [i for i, d in enumerate(dp) if d is not None]
        if not live:
            return total(terms)
        self._check(a, b, *p)

        def slope(*pd: Any) -> Function:
            at, moving = pd[: len(p)], dict(zip(live, pd[len(p) :], strict=True))
            each = [*map(moving.get, range(len(p)))]
            return lambda x: pushforward(lambda *q: self.integrand(x, *q), at, each)[1]

        return total([*terms, self._of(slope)(a, b, *p, *(dp[i] for i in live))])

    def _vjp(self, bar: Any, y: Any, a: Any, b: Any, *p: Any) -> tuple[Any, ...]:
        low = None if _infinite(a) else -np.sum(bar * self.integrand(a, *p))
        high = None if _infinite(b) else np.sum(bar * self.integrand(b, *p))
        if not p:
            return low, high
        self._check(a, b, *p)

        def adjoint(w: Any, *q: Any) -> Function:
            def joined(x: Any) -> Any:
                found = pullback(lambda *q: self.integrand(x, *q), q, w)
                return np.concatenate([np.ravel(v) for v in found])

            return joined

        found = self._of(adjoint, 0)(a, b, bar, *p)
        ends = np.cumsum([0, *map(np.size, p)])
        each = zip(ends[:-1], ends[1:], p, strict=True)
        return (low, high, *(np.reshape(found[i:j], np.shape(v)) for i, j, v in each))

    def _step(
        self, algebra: Algebra, args: Sequence[Any], live: Sequence[bool], y: Sequence[Any]
    ) -> Callable[[int], list[Any]]:
        heads = [_double(x[0] if m else x) for x, m in zip(args, live, strict=True)]
        last: list[Any] = [self, ()]  # the integral of the degree before, and its parameters

        def degree(k: int) -> list[Any]:
            if k == 0:
                heads[:] = [_double(x[0] if m else x) for x, m in zip(args, live, strict=True)]
                last[1] = heads[2:]
                return [self(*heads)]
            cut, part = algebra.truncated(k), algebra.part(k)
            tables = [
                _double(x[: cut.size]) if m else _double(x) for x, m in zip(args, live, strict=True)
            ]

            def grown(make: At, live: Sequence[bool], tables: Sequence[Any]) -> Function:
                """Return the part of degree k of what is made of series of those tables."""
                tag = fresh_tag()
                given = zip(tables, live, strict=True)
                f = make(*(series(t, cut, tag) if m else t for t, m in given))

                def of_degree(*x: Any) -> Any:
                    return parts(lift(f(*x)), tag, cut.size)[part]

                return of_degree

            found: Any = 0.0
            if any(live[2:]):
                last[0]._check(*heads[:2], *last[1])
                inside = self._of(lambda *p: grown(self.at, live[2:], p))
                found = inside(*heads[:2], *tables[2:])
                last[:] = inside, tables[2:]
            for i in (0, 1):
                if live[i]:
                    if algebra.size == 2:
                        piece = self.integrand(heads[i], *heads[2:]) * tables[i][1]
                    else:
                        near = partial(_near, self.at, heads[i], cut.order)
                        piece = grown(near, (True, *live[2:]), (tables[i], *tables[2:]))()
                    found = found + piece if i else found - piece
            return [found]

        return degree


def _double(x: Any) -> Any:
    """Return whole numbers and those of less than double precision in double precision.

    Others have no such integrals, and programs at whole numbers no others for x.
    """
    if isinstance(x, (np.ndarray, np.generic)):
        small = x.dtype in (np.float32, np.float16) or x.dtype.kind in "iub"
        return x.astype(float) if small else x
    return float(x) if type(x) is int else x


def _near(at: At, start: Any, order: int, end: Any, *p: Any) -> Function:
    """Return the integral, asked for by calling it, of at(*p) from a number to a series like it.

    With x = start + s u, u = end - start, it is u ∫₀¹ f(start + s u) ds; the integrand is a
    polynomial in s of degree `order` at most in each coefficient: Gauß' formula is exact.
    """
    nodes, weights = np.polynomial.legendre.leggauss(order // 2 + 1)
    u, f = end - start, at(*p)

    def integral() -> Any:
        terms = [w / 2 * f(start + (s + 1) / 2 * u) for s, w in zip(nodes, weights, strict=True)]
        return u * sum(terms[1:], start=terms[0])

    return integral


def _inner(a: float, b: float) -> float:
    """Return a number between two limits."""
    if math.isinf(a):
        return 0.0 if math.isinf(b) else b + math.copysign(1.0, a)
    return a + math.copysign(1.0, b) if math.isinf(b) else (a + b) / 2


def _infinite(x: Any) -> bool:
    return not is_operand(x) and math.isinf(float(base(x)))


def quad_vec(
    f: Function, a: Any, b: Any, args: Any = (), *, epsabs: float = 1e-12, epsrel: float = 1e-8
) -> tuple[Any, Any]:
    """Return (∫ₐᵇ f(x, *args) dx of an array, the error SciPy estimates), as `quad`."""
    given = (a, b, *(args if isinstance(args, tuple) else (args,)))
    if outside(f, *given) or any(is_operand(argument(v)) for v in given):
        return quad(f, a, b, args, epsabs=epsabs, epsrel=epsrel)[0], None
    y, error = scipy.integrate.quad_vec(
        lambda x: f(x, *given[2:]), float(a), float(b), epsabs=epsabs, epsrel=epsrel, norm="max"
    )
    return y, error


def nquad(
    func: Function, ranges: Sequence[Any], args: tuple[Any, ...] = (), opts: Any = None
) -> tuple[Any, Any]:
    """Return (∫ ... ∫ func(x_0, ..., x_n, *args) dx_0 ... dx_n, the error of the outer integral).

    It is `quad` of `quad`.  A range is a pair, or a function of the variables after its own, and
    of args, that returns one; opts holds options of `quad`, or a dict of these for each range, or
    such a function that returns one.

    >>> round(float(nquad(lambda y, x: x * y, [lambda x: (0.0, x), (0.0, 2.0)])[0]), 9)
    2.0
    """
    put, args = objects_within(args)
    last = len(ranges) - 1
    each = opts if isinstance(opts, (list, tuple)) else [opts or {}] * len(ranges)
    limited, chosen = ([put(e) if callable(e) else e for e in part] for part in (ranges, each))
    make, held = taken_in((put(func), limited, chosen))
    count = len(held)

    def over(n: int, *given: Any) -> tuple[Any, Any]:
        """Return the integral over x_n at the variables after it, what is held, and args."""

        def at(*given: Any) -> Function:
            if n:
                return lambda x: over(n - 1, x, *given)[0]
            f, rest = make(*given[last : last + count])[0], given[:last] + given[last + count :]
            return lambda x: f(x, *rest)

        first = last - n
        _, ranges, options = make(*given[first : first + count])
        x = given[:first] + given[first + count :]
        low, high = _called(ranges[n], *x)
        chosen = dict(_called(options[n], *x))
        if chosen.get("points") is not None and not (is_operand(low) or is_operand(high)):
            chosen["points"] = [v for v in chosen["points"] if low <= v <= high]
        return _quad(at, low, high, given, **chosen)

    return over(last, *held, *args)


def _called(g: Any, *x: Any) -> Any:
    return g(*x) if callable(g) else g


def dblquad(
    func: Function, a: Any, b: Any, gfun: Any, hfun: Any, args: tuple[Any, ...] = (), **tol: Any
) -> tuple[Any, Any]:
    """Return (∫ₐᵇ ∫ func(y, x, *args) dy dx, y from gfun(x) to hfun(x), numbers or functions).

    >>> round(float(dblquad(lambda y, x: x * y, 0.0, 2.0, 0.0, lambda x: x)[0]), 9)
    2.0
    """
    inner = lambda x, *p: (_called(gfun, x), _called(hfun, x))  # noqa: E731
    return nquad(func, [inner, (a, b)], args, tol)


def tplquad(
    func: Function, a: Any, b: Any, gfun: Any, hfun: Any, qfun: Any, rfun: Any,
    args: tuple[Any, ...] = (), **tol: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """Return `dblquad` of ∫ func(z, y, x, *args) dz, z from qfun(x, y) to rfun(x, y).

    >>> round(float(tplquad(lambda z, y, x: x * z, 0, 1, 0, 1, 0, lambda x, y: x + y)[0]), 9)
    0.375
    """
    inmost = lambda y, x, *p: (_called(qfun, x, y), _called(rfun, x, y))  # noqa: E731
    inner = lambda x, *p: (_called(gfun, x), _called(hfun, x))  # noqa: E731
    return nquad(func, [inmost, inner, (a, b)], args, tol)


# ------------------------------------------------------------------ sums
def fixed_quad(
    func: Function, a: Any, b: Any, args: tuple[Any, ...] = (), n: int = 5
) -> tuple[Any, None]:
    """Return (Gauß' formula with n nodes for ∫ₐᵇ func(x, *args) dx, None).

    func takes the vector of nodes; the last axis of its result is summed.

    >>> float(fixed_quad(lambda x: x**9, 0.0, 1.0)[0]).__round__(12)
    0.1
    """
    nodes, weights = np.polynomial.legendre.leggauss(n)
    a, b = as_array(a), as_array(b)
    half = (b - a) / 2
    return half * np.sum(weights * func(half * (nodes + 1) + a, *args), axis=-1), None


def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    """Return numpy.trapezoid(y, x, dx, axis)."""
    return np.trapezoid(as_array(y), None if x is None else as_array(x), dx, axis)


def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """Return Simpson's rule over samples at x, as scipy.integrate.simpson.

    Of an odd number of intervals the last one is that of the parabola through the last three
    samples (Cartwright, J. Math. Sci. Math. Educ. 12, 2017).

    >>> float(simpson([0.0, 1.0, 4.0]).__round__(12))
    2.666666666667
    """
    y = np.moveaxis(as_array(y), axis, -1)
    if not (is_operand(x) or is_operand(dx) or np.ndim(x) > 1):
        weights = scipy.integrate.simpson(np.eye(np.shape(y)[-1]), x=x, dx=dx, axis=0)
        return np.sum(y * weights, axis=-1)
    if x is None:
        return simpson(np.moveaxis(y, -1, axis), axis=axis) * dx
    x = np.moveaxis(as_array(x), axis, -1) if np.ndim(x) > 1 else x
    h, n = np.diff(x), np.shape(y)[-1]
    if n < 3:
        return np.sum(h * (y[..., 1:] + y[..., :-1]) / 2, axis=-1)
    m = n - 1 + n % 2  # of an odd number of samples
    a, b, left, right = (
        h[..., : m - 1 : 2],
        h[..., 1 : m - 1 : 2],
        y[..., : m - 2 : 2],
        y[..., 2:m:2],
    )
    whole, middle = a + b, y[..., 1 : m - 1 : 2]
    sides = (2 - b / a) * left + (2 - a / b) * right + whole**2 / (a * b) * middle
    found = np.sum(whole / 6 * sides, axis=-1)
    if m == n:
        return found
    p, q = h[..., -2], h[..., -1]
    last = (2 * q + 3 * p) / (p + q) * y[..., -1] + (q + 3 * p) / p * y[..., -2]
    return found + q / 6 * (last - q**2 / (p * (p + q)) * y[..., -3])


def romb(y: Any, dx: Any = 1.0, axis: int = -1) -> Any:
    """Return Romberg's rule over 2^k + 1 samples.

    >>> float(romb([0.0, 1.0, 4.0]).__round__(12))
    2.666666666667
    """
    y = np.moveaxis(as_array(y), axis, -1)
    weights = scipy.integrate.romb(np.eye(np.shape(y)[-1]), axis=0)
    return np.sum(y * weights, axis=-1) * dx


def cumulative_simpson(
    y: Any, *, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Any:
    """Return the integrals up to each sample, at x, by parabolas; `initial` is in front.

    >>> cumulative_simpson([0.0, 1.0, 4.0]).round(6)
    array([0.333333, 2.666667])
    """
    y = np.moveaxis(as_array(y), axis, -1)
    if is_operand(x):
        found = _by_parabolas(y, np.diff(np.moveaxis(x, axis, -1) if np.ndim(x) > 1 else x))
    else:
        weights = scipy.integrate.cumulative_simpson(np.eye(np.shape(y)[-1]), x=x, axis=-1)
        found = np.matmul(y, weights) * (dx if x is None else 1.0)
    if initial is not None:
        found = np.concatenate([found[..., :1] * 0, found], axis=-1) + initial
    return np.moveaxis(found, -1, axis)


def _by_parabolas(y: Any, h: Any) -> Any:
    """Return the integrals up to each sample: even intervals with the next one, others with that
    before, as the last one."""

    def first(h: Any, k: Any, f: Any, g: Any, e: Any) -> Any:
        share = h / (h + k)
        bend = share * h / k
        return h / 6 * ((3 - share) * f + (3 + bend + share) * g - bend * e)

    n = np.shape(y)[-1]
    if n < 3:
        return np.cumsum(h * (y[..., 1:] + y[..., :-1]) / 2, axis=-1)
    left, middle, right = y[..., :-2], y[..., 1:-1], y[..., 2:]
    one = first(h[..., :-1], h[..., 1:], left, middle, right)
    other = first(h[..., 1:], h[..., :-1], right, middle, left)
    place = np.arange(n - 1)
    place = np.where((place % 2 == 0) & (place < n - 2), place, n - 3 + place)
    return np.cumsum(np.concatenate([one, other], axis=-1)[..., place], axis=-1)


def cumulative_trapezoid(
    y: Any, x: Any = None, dx: float = 1.0, axis: int = -1, initial: Any = None
) -> Any:
    """Return the integrals up to each sample; `initial`, None or 0, is put in front.

    >>> cumulative_trapezoid([0.0, 2.0, 4.0])
    array([1., 4.])
    """
    if initial not in (None, 0):
        raise ValueError("initial is None or 0")
    y = np.moveaxis(as_array(y), axis, -1)
    step = dx if x is None else np.diff(as_array(x))
    found = np.cumsum(step * (y[..., 1:] + y[..., :-1]) / 2, axis=-1)
    if initial is not None:
        found = np.concatenate([found[..., :1] * 0, found], axis=-1)
    return np.moveaxis(found, -1, axis)


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
