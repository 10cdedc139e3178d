"""Integrals over one variable, of a function that is recorded once and not run at each point.

Between finite limits it is Gauß' and Kronrod's rule on few intervals, if that is near enough by its
own estimate (Piessens et al., QUADPACK, 1983, section 2.2.2), else SciPy's adaptive rule.  An
interval that has become short is divided where the function jumps, if it does.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import scipy.integrate

from taylor.core.operand import lift
from taylor.core.program import Program, record
from taylor.drivers.again import Fixed
from taylor.errors import GuardError, NonAnalyticError, TaylorError
from taylor.kept import STORE
from taylor.numbers.kinds import is_operand
from taylor.scipy import jumps

Function = Callable[..., Any]
At = Callable[..., Function]  # functions of x, made of their parameters
Brackets = list[tuple[float, float]]
BESIDE = 2.0**-30  # of an interval: where it was halved f may jump, and nobody sees it
BRANCHES = 8  # recordings of one function, after which it is run itself
HALVINGS = 10  # of intervals between finite limits, after which SciPy's rule is taken
SHORT, JUMPS = 2.0**-5, 6  # of an interval that may hold a jump, and how many of these are found
RELATIVE = 1.49e-8  # of the integral of |f|: an absolute tolerance above it is none
CANNOT = (TaylorError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)
SOME = 300  # points after which a function is recorded that needs no recording at each
OFTEN = 150  # calls after which a program has code
LIKE, LEAST = 1e-6, 1e-3  # how near the program of a function is to what it gives, and zero
GAUSS, WEIGHTS = np.polynomial.legendre.leggauss(10)
KRONROD = np.array(
    [0.9956571630258081, 0.9301574913557082, 0.7808177265864169, 0.5627571346686047,
     0.2943928627014602, 0.0]
)  # fmt: skip
NODES = np.concatenate([GAUSS, KRONROD, -KRONROD[:-1]])
# the rule that is exact for Legendre's polynomials of degrees up to 20
ALL = np.linalg.solve(np.polynomial.legendre.legvander(NODES, 20).T, 2.0 * np.eye(21)[0])
ENDS = [2.0**-40 - 1, 1 - 2.0**-40]  # between them and the nodes beside them it may jump
TO_ENDS = np.polynomial.legendre.legvander(ENDS, 20) @ np.linalg.inv(
    np.polynomial.legendre.legvander(NODES, 20)
)
POINTS = [*NODES.tolist(), *ENDS]
AROUND: ContextVar[Integrand | None] = ContextVar("around", default=None)  # what runs now


class Recorded:
    """A program at points: by its instructions; if often enough, by code that is kept."""

    def __init__(self, program: Program) -> None:
        self.program, self.calls = program, 0
        self.code = Fixed(program, program.identity, 1) if program.told else None
        self.known = self.code.entries[None] if self.code else None

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        return self.program.weight + (self.code.weight if self.code else 0)

    def __call__(self, *x: Any) -> Any:
        """Return its value; None where that is no float."""
        if self.known is not None and (y := self.known.call(*x)) is not None:
            return y
        self.calls += 1
        run: Function = self.program
        if self.code is not None and self.calls > OFTEN:
            run = self.code
        y = run(*x)
        return y if np.asarray(y).dtype.kind in "fc" and np.isfinite(y).all() else None


def _recorded(f: Function, x: Sequence[Any]) -> Recorded:
    """Return f as recorded at x; the same for equal programs."""
    program = record(f, *x).pruned()
    if not program.told:
        return Recorded(program)
    return STORE.made(lambda: Recorded(program), "integrand", program.identity)


class Integrand:
    """(x, *p) -> at(*p)(x), recorded after so many points: at once if it holds integrals itself.

    The program takes its place if it gives what the function itself does at the next point; where
    its decisions do not hold, or it gives no number, the function runs.
    """

    def __init__(self, at: At, after: int = 0) -> None:
        self.at, self.after = at, after
        self.programs: list[Recorded] = []
        self.tried = 0  # programs that have been compared
        self.brackets: Brackets | None = None  # where the last integral was not smooth, if any was
        self.x = 0.0  # the last one
        self.rough: list[float] = []  # those at which integrals in it were not smooth
        self.fails = False

    def __call__(self, x: Any, *p: Any) -> Any:
        return lift(self.at(*p)(x))

    def over(self, a: float, b: float, p: Sequence[Any], options: dict[str, Any]) -> Any:
        """Return the integral over x from a to b at plain numbers."""
        if (around := AROUND.get()) is not None:
            around.after = self.after = 0
        token, self.rough = AROUND.set(self), []
        floats = all(np.asarray(v).dtype.kind in "fciub" for v in p)
        self.fails |= not floats
        try:
            y, self.brackets = (integral if floats else adaptive)(self._of(*p), a, b, options)
            if around is not None and (self.brackets or self.rough):
                around.rough.append(around.x)
            return y
        finally:
            AROUND.reset(token)

    def within(self, f: Function, a: float, b: float, options: dict[str, Any]) -> Any:
        """Return the integral of another function, which is part of this one's value."""
        y, brackets = integral(f, a, b, options)
        if brackets:
            self.rough.append(self.x)
        return y

    def _of(self, *p: Any) -> Function:
        own: list[Function] = []

        def direct(x: float) -> Any:
            own[:] = own or [self.at(*p)]
            y = lift(own[0](x))
            if is_operand(y):
                raise TypeError(
                    "func uses a value that is not among its arguments; pass it in args"
                )
            return y

        return partial(self._value, direct, p)

    def _value(self, direct: Function, p: Sequence[Any], x: float) -> Any:
        try:
            return self._at(direct, p, x)
        except NonAnalyticError:  # at a kink in x, which has no width; one in p is there, too
            return self._at(direct, p, _beside(x))

    def _at(self, direct: Function, p: Sequence[Any], x: float) -> Any:
        self.x = x
        for n, program in enumerate(self.programs):
            try:
                y = program(x, *p)
            except GuardError:
                continue
            if y is None:
                return direct(x)
            if n >= self.tried:
                self._compare(y, y := direct(x))
            return y
        self.after -= 1
        if self.fails or self.after >= 0 or len(self.programs) > BRANCHES:
            return direct(x)
        y = direct(x)  # may raise what is no matter of recording
        try:
            self.programs.append(_recorded(self, (x, *p)))
        except CANNOT:
            self.fails = True
        return y

    def _compare(self, found: Any, y: Any) -> None:
        """See to it that a program gives what the function does."""
        self.tried = len(self.programs)
        size = max(np.max(np.abs(y), initial=0.0), LEAST)
        if np.shape(found) != np.shape(y) or not np.all(np.abs(found - y) <= LIKE * size):
            self.programs, self.fails = [], True


def integral(f: Function, a: float, b: float, options: dict[str, Any]) -> tuple[Any, Brackets]:
    """Return ∫ₐᵇ f(x) dx of a number or an array, to the tolerances among SciPy's options.

    And where f may jump.

    >>> y, brackets = integral(math.exp, 0.0, 1.0, {"epsabs": 1e-8, "epsrel": 1e-8})
    >>> float(y.round(12)), brackets
    (1.718281828459, [])
    """
    if math.isfinite(a) and math.isfinite(b) and "points" not in options:
        parts, found, most = [_by_one_rule(f, a, b)], 0, HALVINGS
        while len(parts) <= most and math.isfinite(parts[-1].error):
            if _done(parts, options):
                return sum(part.value for part in parts), _around([p.a for p in parts], a, b)
            worst = parts.pop(max(range(len(parts)), key=lambda i: parts[i].error))
            low = high = (worst.a + worst.b) / 2
            short = SHORT / 2 < (worst.b - worst.a) / (b - a) <= SHORT
            jump = jumps.place(f, *_ends(worst)) if short and found < JUMPS else None
            if jump is not None:
                (low, high), found, most = jump[0], found + 1, most + HALVINGS
            parts += [_by_one_rule(f, worst.a, low), _by_one_rule(f, high, worst.b)]
    return adaptive(f, a, b, options)


def _done(parts: Sequence[Part], options: dict[str, Any]) -> bool:
    """Whether parts of an integral are as near as its options ask for."""
    size = np.max(np.abs(sum(part.value for part in parts)), initial=0.0)
    least = min(options["epsabs"], RELATIVE * sum(part.size for part in parts))
    return bool(sum(part.error for part in parts) <= max(least, options["epsrel"] * size))


def adaptive(f: Function, a: float, b: float, options: dict[str, Any]) -> tuple[Any, Brackets]:
    """Return ∫ₐᵇ f(x) dx by SciPy's adaptive rule, and where f may jump."""
    y, _, info = scipy.integrate.quad_vec(f, a, b, norm="max", full_output=True, **options)
    if not info.success:
        warnings.warn(info.message, scipy.integrate.IntegrationWarning, stacklevel=2)
    return np.asarray(y)[()], _narrowest(info.intervals, a, b)


def _narrowest(intervals: Any, a: float, b: float) -> Brackets:
    """Return a bracket around the narrowest interval, if it is far narrower than others.

    SciPy's are of t, x = a + (1 - t)/t, b - (1 - t)/t, (1 - |t|)/t where limits are infinite.  One
    at an end is none.
    """
    middle = [(-BESIDE, BESIDE)] if math.isinf(a) and math.isinf(b) else []  # t = -1 and t = 1
    low, high = np.asarray(intervals).T
    widths = high - low
    n = int(np.argmin(widths))
    left, right = low[n] - widths[n], high[n] + widths[n]
    if widths.max() <= 2**HALVINGS * widths[n] or left <= low.min() or right >= high.max():
        return middle
    ends = [float(left), float(right)]
    if math.isinf(a) and math.isinf(b):
        ends = [(1 - abs(t)) / t for t in ends]
    elif math.isinf(a) or math.isinf(b):
        ends = [b - (1 - t) / t if math.isinf(a) else a + (1 - t) / t for t in ends]
    return [*middle, (min(ends), max(ends))]


def _around(ends: Sequence[float], a: float, b: float) -> Brackets:
    """Return a bracket around each place where an interval was halved."""
    return [(x - BESIDE * (b - a), x + BESIDE * (b - a)) for x in ends if x != a]


class Part(NamedTuple):
    """The integral from a to b, an estimate of its error, and the integral of the modulus."""

    a: float
    b: float
    value: Any
    error: float
    size: float


def _beside(x: float) -> float:
    """Return a number next to x."""
    return x + BESIDE * (abs(x) + BESIDE)


def _ends(part: Part) -> list[float]:
    """Return numbers beside the ends of an interval, where f may have no value."""
    return [(part.a + part.b) / 2 + (part.b - part.a) / 2 * x for x in ENDS]


def _by_one_rule(f: Function, a: float, b: float) -> Part:
    """Return the rule of 21 points; the estimate of its error is by that of ten of them.

    And by the values at the ends, where these are finite, beside those of the polynomial.
    """
    middle, half = (a + b) / 2, (b - a) / 2
    y = np.array([f(middle + half * x) for x in POINTS])
    if y.dtype.hasobject:  # from outside
        return Part(a, b, y[0], math.inf, math.inf)
    if not np.isfinite(y[:21]).all():  # at a kink, or of a quotient that is 0/0 at one node
        each = zip(POINTS, y, strict=True)
        y = np.array(
            [v if np.isfinite(v).all() else f(_beside(middle + half * x)) for x, v in each]
        )
    table = y.reshape(23, -1)
    table, ends = table[:21], table[21:]
    mean = ALL @ table / 2
    off = float(np.max(np.abs(half * (2 * mean - WEIGHTS @ table[:10])), initial=0.0))
    spread = float(np.max(np.abs(half * (ALL @ np.abs(table - mean))), initial=0.0))
    error = spread * min(1.0, (200 * off / spread) ** 1.5) if spread and off else off
    beside = float(np.max(np.abs(TO_ENDS @ table - ends), initial=0.0))
    error = max(error, beside * half * (1 - KRONROD[0])) if math.isfinite(beside) else error
    size = float(np.max(half * (ALL @ np.abs(table)), initial=0.0))
    return Part(a, b, (2 * half * mean).reshape(y.shape[1:])[()], error, size)
