"""THE TABLE: every elementary function as its value and its differential equation p·y' = q·a'.

In a row `quotient(a, y)` returns (q, p); with several arguments ((q_a, q_b, ...), p), meaning
p·y' = q_a·a' + q_b·b' + ...  Both may mention the result y and other rows: a step reads them one
degree late, so sin may need cos and cos sin.  Rule of review: p may vanish only where the function
itself is singular, and q₀ and p₀ must be free of cancellation.

The other kinds of row: `local(x, order)` gives f⁽ᵐ⁾(x)/m! where there is no usable equation;
`compose` writes the function in terms of other rows; `jumps(x)` marks a piecewise constant function
by the points where it jumps.
"""

from __future__ import annotations

import functools
import importlib
import math
import operator
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from taylor.errors import DomainError, NonAnalyticError, PoleError
from taylor.numbers import contexts, kinds, rounding, values
from taylor.numbers import special_series as local
from taylor.numbers.formulas import (
    LN2,
    LOG2_E,
    LOG10_E,
    ONE_OVER_E,
    ONE_OVER_SQRT_2PI,
    PI,
    SQRT1_2,
    SQRT_2_OVER_PI,
    TWO_OVER_SQRT_PI,
    by_lanes,
    by_math,
    by_mpmath,
    by_scipy,
)
from taylor.numbers.kinds import is_operand
from taylor.numbers.policy import current_policy
from taylor.numbers.values import ordered

Number = Any
HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


class Parts(NamedTuple):
    """A formula for the parts of a complex value: (x, y) -> (real part, imaginary part)."""

    formula: Callable[[Any, Any], tuple[Any, Any]]


class Cut(NamedTuple):
    """A branch cut along the real axis below an edge.

    `both_ends`: beyond -edge too; `turned`: along the imaginary axis.
    """

    edge: float
    both_ends: bool = False
    turned: bool = False


@dataclass(frozen=True, eq=False)
class Elementary:
    """A row of the table; calling it works for every number type of Python and of the package."""

    name: str
    numpy: Callable[..., Any]
    mp: Callable[..., Any]
    quotient: Callable[..., Any] | None = None
    local: Callable[[Any, int], Any] | None = None
    compose: Callable[..., Any] | None = None
    jumps: Callable[..., Any] | None = None
    domain: str = "all x"
    pole: bool = False
    samples: tuple[Any, ...] = ()
    exact: Callable[..., Any] | None = None
    ufunc: np.ufunc | None = None
    error: type[DomainError] = DomainError
    monotone: bool = False
    iv: Callable[..., Any] | None = None
    recurrence: Callable[..., Any] | None = None  # the quotient for series, if better than its own
    low: Callable[..., Any] | None = None  # of arguments and the value y: what rounding took from y
    polar: int | None = None  # series of |b + ia|**polar, or if 0 of its angle (b = 1 if left out)
    germ: Fraction | None = None  # f(a) - f(a₀) ~ (a - a₀)**germ at the finite ends of the domain
    # the value in machine code: a name of the C library, a formula in rows (of the parts of complex
    # numbers: `Parts`), or None, where the code asks Python
    code: str | Callable[..., Any] | None = None
    complex_code: str | Callable[..., Any] | Parts | None = None
    cut: Cut | None = None  # where complex_code is not continuous
    surface: Elementary | None = None  # of the argument: vanishes where a row jumps; None: itself
    own: bool = False  # whether the row stands in this package

    def __call__(self, *args: Any) -> Any:
        for x in args:
            if is_operand(x):
                return x._elementary(self, args)
        return values.call(self, args)

    def __repr__(self) -> str:
        return f"<elementary function {self.name}>"

    def __reduce__(self) -> Any:
        if self.own or TABLE.get(self.name) is self:
            return (lookup, (self.name,))
        module = sys.modules.get(getattr(self.numpy, "__module__", ""))
        name = getattr(self.numpy, "__qualname__", "")
        if getattr(module, name, None) is not self:
            raise pickle.PicklingError(f"the rule {self.name} is not found in its module as {name}")
        return (_in_module, (self.numpy.__module__, name))


def _in_module(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


@dataclass(frozen=True, eq=False)
class Rule:
    """A function of arrays that brings its own derivative, in front-door NumPy code.

    value(*args) gives an array or a tuple of arrays.  vjp(ybar, y, *args) gives one adjoint (or
    None for zero) per argument, jvp(dargs, y, *args) the tangent, where dargs holds None for an
    argument that does not vary.  step(algebra, args, live, y) gives the degree-wise rule: a
    function of k that returns the parts of degree k of all results (see `linalg`).  Whatever is
    missing is derived from what is there.
    """

    name: str
    value: Callable[..., Any]
    vjp: Callable[..., Any] | None = None
    jvp: Callable[..., Any] | None = None
    step: Callable[..., Any] | None = None

    def __call__(self, *args: Any) -> Any:
        for x in args:
            if is_operand(x):
                return x._call(self, args)
        return self.value(*args)

    def __repr__(self) -> str:
        return f"<rule {self.name}>"


TABLE: dict[str, Elementary] = {}
SLOPES = ("mean", "flat")  # the modes of a choice between derivatives
SIDES = ("where", "formula")  # the modes of a choice whose derivatives are those of the side taken


def choose(lhs: Any, rhs: Any, a: Any, b: Any, mode: str) -> Any:
    """Return a where lhs >= rhs and b elsewhere; nan where the two cannot be compared.

    The modes "where" and "kink" differ in their derivatives only; "formula", for two formulas of
    one function, takes the real parts of complex numbers.  "mean" and "flat" choose between
    the derivatives on both sides of a kink: at the kink these are equal, or the result is nan, but
    with policy(kink="subgradient") their mean, or zero for "flat", where one side is constant.
    """
    for x in (lhs, rhs, a, b):
        if is_operand(x):
            return x._choose(lhs, rhs, a, b, mode)
    if not (values.is_real(lhs) and values.is_real(rhs)):
        if mode == "formula":
            lhs, rhs = ordered(lhs), ordered(rhs)
        elif np.iscomplexobj(lhs) or np.iscomplexobj(rhs):
            raise TypeError("complex values have no order; compare real parts of .value")
        if contexts.is_set(lhs) or contexts.is_set(rhs):
            return np.frompyfunc(functools.partial(_choose_of_sets, mode), 4, 1)(lhs, rhs, a, b)
    chosen = _chosen(lhs, rhs, a, b)
    if mode not in SLOPES:
        return chosen
    tie = np.equal(lhs, rhs)
    tie = tie & np.not_equal(a, b) if tie.any() else tie
    if not tie.any():
        return chosen
    given = shared(a, b, mode) if current_policy().kink == "subgradient" else np.nan
    return np.where(tie, given, chosen)[()]


def _chosen(lhs: Any, rhs: Any, a: Any, b: Any) -> Any:
    if all(values.shape_of(x) == () for x in (lhs, rhs, a, b)):
        return a if lhs >= rhs else b if lhs < rhs else lhs + rhs
    if not (values.is_real(a) and values.is_real(b)):
        a, b = values.together(a, b)
    return np.where(np.greater_equal(lhs, rhs), a, np.where(np.less(lhs, rhs), b, np.add(lhs, rhs)))


def _choose_of_sets(mode: str, lhs: Any, rhs: Any, a: Any, b: Any) -> Any:
    """Return a or b, their hull where members of the intervals differ, no slope there."""
    above, below = lhs >= rhs, rhs >= lhs
    if mode in SLOPES and above is not False and below is not False:
        raise NonAnalyticError(f"a kink lies in the interval: both sides meet in {lhs}; split it")
    if above is None:
        return contexts.hull(next(x.ctx for x in (lhs, rhs) if contexts.is_interval(x)), a, b)
    return a if above else b


def jumps_at(row: Elementary, *x: Any) -> Any:
    """Return where a piecewise constant row jumps, for intervals: whether it jumps inside."""
    assert row.jumps is not None
    if any(map(contexts.is_set, x)):
        return np.frompyfunc(functools.partial(_jumps_inside, row), len(x), 1)(*x)
    return row.jumps(*x)


def _jumps_inside(row: Elementary, x: Any, *more: Any) -> bool:
    assert row.jumps is not None
    steps = values.call(row, (x, *more)).delta
    return bool(steps != 0 or any(row.jumps(end, *more) for end in contexts.ends(x)))


def shared(a: Any, b: Any, mode: str) -> Any:
    """Return what stands by convention for a derivative with the values a and b around a kink."""
    return (a + b) / 2 if mode == "mean" else 0


def blend(share: Any, a: Any, b: Any) -> Any:
    """Return share·a + (1 - share)·b; a side without a share never poisons the other."""
    mixed = (share != 1) & (share != 0)
    chosen = np.where(share == 1, a, b)
    return np.where(mixed, share * a + (1 - share) * b, chosen) if np.any(mixed) else chosen


def lookup(name: str) -> Elementary:
    """Return the row of that name; Bessel rows of integer order are made when asked for."""
    if name.endswith("'"):
        row = lookup(name[:-1])
        return slope_of_jump(row) if row.jumps is not None else derived(row)
    if name not in TABLE and name[:7] == "bessel_":
        return bessel(name[7], int(name[9:-1]))
    return HIDDEN[name] if name in HIDDEN else TABLE[name]


@functools.cache
def derived(row: Elementary) -> Elementary:
    """Return the derivative of a row with a local series, as a row: c_m(f') = (m + 1) c_{m+1}(f).

    >>> float(derived(lookup("sinc"))(0.0))
    0.0
    """
    series = row.local
    assert series is not None

    def local(x: Any, order: int) -> Any:
        c = series(x, order + 1)[1:]
        return np.stack([c[m] * (m + 1) for m in range(order + 1)])

    return Elementary(
        row.name + "'", lambda x: series(x, 1)[1], lambda ctx, x: series(x, 1)[1], local=local,
        domain=row.domain, error=row.error, own=row.own,
    )  # fmt: skip


@functools.cache
def slope_of_jump(row: Elementary) -> Elementary:
    """Return the derivative of a piecewise constant row, as a row: zero, and nan at a jump."""
    jumps, surface = row.jumps, row.surface
    assert jumps is not None
    if row.name.endswith("'"):
        return row  # the derivative of zero

    def slope(*x: Any) -> Any:
        zero = np.zeros((), np.result_type(*x, np.float32))
        return np.where(np.asarray(jumps(*x), dtype=bool), np.nan * zero, zero)[()]

    def slope_of_set(ctx: Any, *x: Any) -> Any:
        if jumps_at(row, *x):
            raise NonAnalyticError(f"{row.name} jumps in the interval {x[0]}; split it")
        return ctx.zero

    return Elementary(
        row.name + "'", slope, lambda ctx, *x: ctx.nan if jumps(*x) else ctx.zero, jumps=jumps,
        domain=row.domain, error=row.error, iv=slope_of_set, own=row.own, surface=surface,
        code=lambda x, *more: 0.0 / (x if surface is None else surface(x)),
    )  # fmt: skip


def define(
    name: str,
    value: Callable[..., Any],
    quotient: Callable[..., Any] | None = None,
    *,
    local: Callable[[Any, int], Any] | None = None,
    mp: Callable[..., Any] | None = None,
    domain: str = "all x",
    pole: bool = False,
    samples: tuple[Any, ...] = (),
    exact: Callable[..., Any] | None = None,
) -> Elementary:
    """Return a new row of the table; it then works in every algebra, field and driver.

    `value` maps floats (arrays too, unless it only takes Python floats) to floats, `quotient(a, y)`
    returns (q, p) with p·y' = q·a'.  A function without such an equation gives `local(x, order)`,
    the coefficients f⁽ᵐ⁾(x)/m!, m = 0..order, along a new first axis.  `mp(ctx, x)` is the value in
    an mpmath context.  A name that is taken raises ValueError.

    >>> import math, numpy as np, taylor
    >>> gd = define("gd", lambda x: np.arctan(np.sinh(x)), lambda a, y: (1, taylor.cosh(a)))
    >>> taylor.derivatives(gd, 0.0, 3) + 0.0
    array([ 0.,  1.,  0., -1.])
    >>> del TABLE["gd"]
    """
    if name in TABLE:
        raise ValueError(f"the table already has a row {name!r}; choose another name")
    row = rule(
        value, quotient=quotient, local=local, mp=mp, domain=domain, pole=pole, samples=samples,
        exact=exact, name=name,
    )  # fmt: skip
    assert isinstance(row, Elementary)
    TABLE[name] = row
    return row


def rule(
    value: Callable[..., Any] | None = None,
    *,
    quotient: Callable[..., Any] | None = None,
    local: Callable[[Any, int], Any] | None = None,
    vjp: Callable[..., Any] | None = None,
    jvp: Callable[..., Any] | None = None,
    name: str = "",
    mp: Callable[..., Any] | None = None,
    **row: Any,
) -> Any:
    """Return a function with a derivative of its own: the function's code is never differentiated.

    Approximate the derivative, do not differentiate the approximation.  Used as a decorator.  An
    element-wise function gives `quotient(a, y)`, which returns (q, p) with p·y' = q·a', or
    `local(x, order)`, the coefficients f⁽ᵐ⁾(x)/m!; it then works in every order, algebra and mode.
    A function of arrays gives `jvp(dargs, y, *args)`, its tangent (dargs holds None for an argument
    that does not vary), or `vjp(ybar, y, *args)`, a tuple with one adjoint (None: zero) for each
    argument; each of the two is the transpose of the other, and higher orders follow from them, so
    both must be written with NumPy's and this package's functions.

    >>> import taylor
    >>> @rule(quotient=lambda a, y: (1, taylor.cosh(a)))
    ... def gd(x):
    ...     return np.arctan(np.sinh(x))
    >>> taylor.derivatives(gd, 0.0, 3) + 0.0
    array([ 0.,  1.,  0., -1.])
    >>> @rule(vjp=lambda ybar, y, x: (ybar * y * (1 - y),))
    ... def logistic(x):  # a table lookup, say
    ...     return 1 / (1 + np.exp(-np.asarray(x)))
    >>> float(taylor.derivative(logistic, 0.0, 3))
    -0.125
    """
    if value is None:
        given = dict(quotient=quotient, local=local, vjp=vjp, jvp=jvp, name=name, mp=mp, **row)
        return lambda value: rule(value, **given)
    name = name or getattr(value, "__name__", "rule")
    by_element = (quotient is not None) + (local is not None)
    if by_element + (vjp is not None or jvp is not None) != 1:
        raise ValueError(
            f"rule {name!r} needs a quotient or a local series (element-wise functions), or else a "
            "vjp or a jvp (functions of arrays)"
        )
    if not by_element:
        if row or mp is not None:
            raise TypeError(f"rule {name!r}: a function of arrays takes vjp and jvp only")
        return Rule(name, *(_of_numbers(f) for f in (value, vjp, jvp)))

    def no_mp(ctx: Any, *x: Any) -> Any:
        raise TypeError(f"{name!r} was defined without an mpmath value: pass mp=...")

    return Elementary(name, _array_value(value), mp or no_mp, quotient, local, **row)


def _of_numbers(f: Callable[..., Any] | None) -> Any:
    """Return f for numbers in NumPy's own types, where they are stored as objects."""
    if f is None:
        return None

    def call(*x: Any) -> Any:
        return f(*(values.native(v) for v in x))

    return functools.wraps(f)(call) if hasattr(f, "__name__") else call


def _array_value(value: Callable[..., Any]) -> Callable[..., Any]:
    """Return value, called lane by lane where it does not take arrays itself."""

    def call(*x: Any) -> Any:
        if not [v for v in x if type(v) not in (float, np.float64) and np.ndim(v)]:
            return value(*x)
        try:
            return value(*x)
        except TypeError:
            return by_lanes(value)(*x)

    return functools.wraps(value)(call) if hasattr(value, "__name__") else call


def _row(name: str, numpy: Any, mp: Any, quotient: Any = None, **columns: Any) -> Elementary:
    """Add one row; a ufunc as its NumPy value also makes np.<name>(series) reach it."""
    if isinstance(mp, str):
        mp = functools.partial(_attribute, mp)
    if isinstance(numpy, np.ufunc):
        columns.setdefault("ufunc", numpy)
    row = Elementary(name, numpy, mp, quotient, own=True, **columns)
    TABLE[name] = row
    return row


def _attribute(name: str, ctx: Any, *x: Any) -> Any:
    return getattr(ctx, name)(*x)


def _at(*points: tuple[int, int]) -> Callable[[Any], Any]:
    """Return the exact value at the few rational points where the function has one."""
    known = dict(points)
    return lambda x: known.get(x)


def _quiet(f: Callable[..., Any]) -> Callable[..., Any]:
    def call(*x: Any) -> Any:
        with np.errstate(all="ignore"):
            return f(*x)

    return call


# rows that another row mentions before their own line
airyaip: Elementary
airybip: Elementary
cos: Elementary
cosh: Elementary
cospi: Elementary
sech2: Elementary
cot: Elementary
_kepler_cos: Elementary
lambertw1: Elementary
maximum: Elementary
minimum: Elementary
real_power: Elementary
rint: Elementary
sigmoid: Elementary
sin: Elementary
sinh: Elementary
tanh: Elementary


def _sigmoid(x: Any) -> Any:
    e = np.exp(np.where(np.real(x) >= 0, -x, x))  # never overflows
    return np.where(np.real(x) >= 0, 1 / (1 + e), e / (1 + e))[()]


def _sigmoid_code(x: Any) -> Any:
    e = exp(-abs(x))  # never overflows
    return choose(x, 0.0, 1 / (1 + e), e / (1 + e), "where")


def _exp_parts(x: Any, y: Any) -> tuple[Any, Any]:
    r = exp(x)
    return r * cos(y), r * sin(y)


def _expm1_parts(x: Any, y: Any) -> tuple[Any, Any]:
    # e^x cos y - 1 = (e^x - 1) cos y - 2 sin²(y/2)
    s = sin(0.5 * y)
    return expm1(x) * cos(y) - (s + s) * s, exp(x) * sin(y)


def _log1p_parts(x: Any, y: Any) -> tuple[Any, Any]:
    return log(hypot(x + 1.0, y)), atan2(y, x + 1.0)


# ------------------------------------------------------------------ exponentials and logarithms
exp = _row(
    "exp", np.exp, "exp", lambda a, y: (y, 1),
    samples=(-700.0, -20.0, -1e-20, 0.0, 0.5, 20.0, 700.0), exact=_at((0, 1)),
    code="exp", complex_code=Parts(_exp_parts),
)  # fmt: skip
expm1 = _row(
    "expm1", np.expm1, "expm1", lambda a, y: (exp(a), 1),
    samples=(-40.0, -36.0, -1e-12, 0.0, 1e-300, 0.5, 30.0), exact=_at((0, 0)), monotone=True,
    code="expm1", complex_code=Parts(_expm1_parts),
)  # fmt: skip
exp2 = _row(
    "exp2", np.exp2, lambda ctx, x: ctx.mpf(2) ** x, lambda a, y: (LN2 * y, 1),
    samples=(-1000.0, -0.5, 0.0, 3.0, 900.25),
    exact=lambda x: Fraction(2) ** x if x % 1 == 0 else None, monotone=True,
    code="exp2", complex_code=lambda z: exp(LN2 * z),
)  # fmt: skip
log = _row(
    "log", np.log, "log", lambda a, y: (1, a), domain="x > 0", pole=True,
    samples=(1e-300, 0.1, 1.0, 1.0 + 1e-12, 2.5, 1e300), exact=_at((1, 0)),
    code="log", complex_code="clog", cut=Cut(0.0),
)  # fmt: skip
log1p = _row(
    "log1p", np.log1p, lambda ctx, x: ctx.log1p(x), lambda a, y: (1, 1 + a), domain="x > -1",
    pole=True, samples=(-1 + 1e-12, -0.5, -1e-20, 0.0, 1e-12, 3.0, 1e300), exact=_at((0, 0)),
    monotone=True,
    code="log1p", complex_code=Parts(_log1p_parts), cut=Cut(-1.0),
)  # fmt: skip
log2 = _row(
    "log2", np.log2, lambda ctx, x: ctx.log(x) / ctx.ln(2), lambda a, y: (LOG2_E, a),
    domain="x > 0", pole=True, samples=(1e-300, 0.25, 1.0, 3.0, 1e300), exact=_at((1, 0), (2, 1)),
    monotone=True,
    code="log2", complex_code=lambda z: LOG2_E * log(z),
)  # fmt: skip
log10 = _row(
    "log10", np.log10, lambda ctx, x: ctx.log(x) / ctx.ln(10), lambda a, y: (LOG10_E, a),
    domain="x > 0", pole=True, samples=(1e-300, 0.25, 1.0, 1000.0, 1e300),
    exact=_at((1, 0), (10, 1)), monotone=True,
    code="log10", complex_code=lambda z: LOG10_E * log(z),
)  # fmt: skip
sigmoid = _row(
    "sigmoid",
    _quiet(_sigmoid),
    lambda ctx, x: 1 / (1 + ctx.exp(-x)),
    lambda a, y: (Fraction(1, 4) * sech2(HALF * a), 1),
    samples=(-700.0, -40.0, -1.0, 0.0, 1.0, 20.0, 40.0, 700.0),
    exact=lambda x: None if x else HALF, monotone=True,
    code=_sigmoid_code, complex_code=lambda z: 1 / (1 + exp(-z)),
)  # fmt: skip
softplus = _row(
    "softplus", lambda x: np.logaddexp(x - x, x), lambda ctx, x: ctx.log1p(ctx.exp(x)),
    lambda a, y: (sigmoid(a), 1), samples=(-700.0, -40.0, -1.0, 0.0, 1.0, 40.0, 700.0),
    monotone=True,
    code=lambda x: maximum(x, 0.0) + log1p(exp(-abs(x))),
)  # fmt: skip
logaddexp = _row(
    "logaddexp", np.logaddexp, lambda ctx, a, b: ctx.log(ctx.exp(a) + ctx.exp(b)),
    lambda a, b, y: ((sigmoid(a - b), sigmoid(b - a)), 1),
    samples=((0.0, 0.0), (1.0, -2.0), (800.0, 799.0), (-800.0, 3.0)),
    code=lambda a, b: maximum(a, b) + log1p(exp(-abs(a - b))),
)  # fmt: skip


# ------------------------------------------------------------------ powers and roots
def _exact_sqrt(x: Fraction) -> Any:
    if x < 0:
        return None
    n, d = math.isqrt(x.numerator), math.isqrt(x.denominator)
    return Fraction(n, d) if n * n == x.numerator and d * d == x.denominator else None


def _exact_root(x: Fraction, n: int) -> Fraction | None:
    """Return the n-th root of x > 0 when it is rational."""

    def integer(m: int) -> int:
        r = (
            round(m ** (1 / n))
            if m < 2**52
            else int(kinds.private(m.bit_length() + 20).root(m, n) + 0.5)
        )
        return r if r**n == m else -1

    if x < 0:
        return None
    p, q = integer(x.numerator), integer(x.denominator)
    return Fraction(p, q) if p >= 0 and q >= 0 else None


def _exact_cbrt(x: Fraction) -> Any:
    root = _exact_root(abs(x), 3)
    return root if root is None or x >= 0 else -root


def _exact_power(x: Any, r: Any) -> Any:
    x, r = Fraction(x), Fraction(r)
    if r.denominator == 1:
        return x**r.numerator
    root = _exact_root(x, r.denominator)
    return None if root is None else root**r.numerator


sqrt = _row(
    "sqrt", np.sqrt, "sqrt", lambda a, y: (HALF, y), domain="x >= 0", germ=HALF,
    recurrence=lambda a, y: (HALF * y, a),
    samples=(1e-300, 0.1, 1.0, 4.0, 1e300), exact=_exact_sqrt,
    code="sqrt", complex_code="csqrt", cut=Cut(0.0),
)  # fmt: skip
cbrt = _row(
    "cbrt", lambda x: x ** (1 / 3) if np.iscomplexobj(x) else np.cbrt(x),
    lambda ctx, x: ctx.sign(x) * ctx.cbrt(abs(x)) if ctx.im(x) == 0 else ctx.cbrt(x),
    lambda a, y: (THIRD * y, a), ufunc=np.cbrt, germ=THIRD,
    domain="x != 0 for derivatives", samples=(-8.0, -1e-9, 1e-10, 0.3, 1e300),
    exact=_exact_cbrt, monotone=True,
    code="cbrt", complex_code=lambda z: real_power(z, 1 / 3),
)  # fmt: skip
square = _row(
    "square", np.square, lambda ctx, x: x * x, compose=lambda a: a * a,
    samples=(-3.0, 0.0, 1e-200, 2.5), exact=lambda x: x * x,
)  # fmt: skip
reciprocal = _row(
    "reciprocal", lambda x: 1 / x, lambda ctx, x: 1 / x, compose=lambda a: 1 / a,
    ufunc=np.reciprocal,
    domain="x != 0", pole=True, error=PoleError, samples=(-3.0, 1e-200, 2.5, 1e200),
    exact=lambda x: 1 / Fraction(x),
)  # fmt: skip


def integer_valued(r: Any) -> bool:
    """Whether r is a plain number with an integer value, of any type (2, 2.0, Fraction(4, 2))."""
    if np.ndim(r) or isinstance(r, complex | np.complexfloating) or contexts.is_interval(r):
        return False
    return bool(abs(r) < math.inf and r == int(r))


def integer_power(a: Any, n: Any) -> Any:
    """Return a**n by repeated squaring; a reciprocal for negative n, ones for n = 0.

    n is an int, or an array of ints with its own power for every lane.
    """
    if np.ndim(n):
        result, base, m = a * 0 + 1, a, np.abs(n)
        while np.any(m):
            result = np.where(m & 1, result * base, result)
            m = m >> 1
            base = base * base if np.any(m) else base
        return np.where(n < 0, 1 / np.where(n < 0, result, 1), result) if np.any(n < 0) else result
    if n < 0:
        return 1 / integer_power(a, -n)
    if n == 0:
        return a._ones()
    result = None
    while True:
        if n & 1:
            result = a if result is None else result * a
        n >>= 1
        if not n:
            return result
        a = a * a


def raised(a: Any, r: Any) -> Any:
    """Return a**r: by multiplication for integers, by a·y' = r·y·a' + a·log(a)·y·r' otherwise."""
    if is_operand(r):
        if is_operand(a):
            return real_power(a, r)
        if np.ndim(a) == 0 and a == 0:
            return _zero_power(a, r)
        return exponential(a, r)
    r = r if is_operand(r) or np.ndim(r) == 0 else np.asarray(r)
    if integer_valued(r):
        return integer_power(a, int(r))
    if np.ndim(r) and r.dtype.kind != "c":
        whole = np.array([integer_valued(e) for e in r.reshape(-1)], dtype=bool).reshape(r.shape)
        by_product = integer_power(a, np.where(whole, r, 0).astype(int)) if whole.any() else None
        if whole.all():
            return by_product
        by_equation = real_power(np.where(whole, 1, a) if whole.any() else a, r)
        return by_equation if by_product is None else np.where(whole, by_product, by_equation)
    return real_power(a, r)


def _zero_power(a: Any, r: Any) -> Any:
    """0**r: zero for r > 0, where it stays zero; nothing else has an expansion."""
    if not np.all(r > 0):
        raise DomainError("0**x has an expansion (zero) for x > 0 only")
    return r * 0 + a


power = _row(
    "power", operator.pow, lambda ctx, x, r: x**r, compose=raised, exact=_exact_power,
    ufunc=np.power,
    domain="base > 0, or an integer exponent",
    samples=((2.0, 0.5), (1e-200, -0.3), (3.0, -7), (-1.5, 3), (0.0, 4), (1.7, 1.7), (0.3, 40.5)),
)  # fmt: skip
real_power = _row(
    "real_power", operator.pow, lambda ctx, x, r: x**r,
    lambda a, r, y: ((r * y, a * log(a) * y), a), exact=_exact_power, ufunc=np.float_power,
    domain="base > 0", samples=((2.0, 0.5), (1e-200, -0.3), (1.7, 1.7)), germ=Fraction(0),
    code="pow", complex_code="cpow", cut=Cut(0.0),
)  # fmt: skip
exponential = _row(
    "exponential", operator.pow, lambda ctx, x, r: x**r, lambda c, a, y: ((0, log(c) * y), 1),
    exact=_exact_power, domain="base > 0", samples=((2.0, 0.5), (0.1, -3.5)),
    code="pow", complex_code="cpow", cut=Cut(0.0),
)  # fmt: skip


# ------------------------------------------------------------------ trigonometric functions
def _sinpi(x: Any) -> Any:
    # r = x mod 2 in [-1, 1] and then r' in [-1/2, 1/2] are exact, so only the last product rounds
    if np.iscomplexobj(x):
        return by_mpmath(lambda ctx, v: ctx.sinpi(v))(x)
    r = x - 2 * np.rint(x / 2)
    return np.sin(np.pi * np.where(np.abs(r) > 0.5, np.copysign(1, r) - r, r))[()]


def _cospi(x: Any) -> Any:
    if np.iscomplexobj(x):
        return by_mpmath(lambda ctx, v: ctx.cospi(v))(x)
    return np.sin(np.pi * (0.5 - np.abs(x - 2 * np.rint(x / 2))))


def _sinpi_code(x: Any) -> Any:
    r = x - 2 * rint(0.5 * x)  # in [-1, 1], exact
    near = choose(r, 0.5, 1 - r, r, "where")  # sin π(1 - r) = sin πr, without loss at 1
    return sin(math.pi * choose(-0.5, r, -1 - r, near, "where"))


def _cospi_code(x: Any) -> Any:
    r = abs(x - 2 * rint(0.5 * x))
    return choose(r, 0.25, sin(math.pi * (0.5 - r)), cos(math.pi * r), "where")


ANGLES = (-1e4, -1.5, -1e-20, 0.0, 0.7, 1.5707963267948966, 3.0, 1e6)
sin = _row(
    "sin", np.sin, "sin", lambda a, y: (cos(a), 1), samples=ANGLES, exact=_at((0, 0)),
    code="sin", complex_code=Parts(lambda x, y: (sin(x) * cosh(y), cos(x) * sinh(y))),
)  # fmt: skip
cos = _row(
    "cos", np.cos, "cos", lambda a, y: (-sin(a), 1), samples=ANGLES, exact=_at((0, 1)),
    code="cos", complex_code=Parts(lambda x, y: (cos(x) * cosh(y), -(sin(x) * sinh(y)))),
)  # fmt: skip


def _of_angle(numerator: int | None, denominator: int) -> Callable[..., Any]:
    """Return what rounding took from a quotient of the sine (0), the cosine (1) and 1 (None)."""

    def low(x: Any, y: Any) -> Any:
        pairs = rounding.sin_cos(x)
        top = (1.0, 0.0) if numerator is None else pairs[numerator]
        return rounding.of_quotient(top, pairs[denominator], y)

    return low


tan = _row(
    "tan", np.tan, "tan", lambda a, y: (1 + y * y, 1), low=_of_angle(0, 1),
    domain="x != pi/2 + n pi",
    samples=(-1.5, -1e-20, 0.0, 0.7, 1.5, 1.57, 3.0, 1e4), exact=_at((0, 0)),
    code="tan", complex_code="ctan",
)  # fmt: skip
sec = _row(
    "sec", lambda x: 1 / np.cos(x), lambda ctx, x: 1 / ctx.cos(x), lambda a, y: (y * tan(a), 1),
    low=_of_angle(None, 1), domain="x != pi/2 + n pi", samples=(-1.5, 0.0, 0.7, 3.0),
    exact=_at((0, 1)), code=lambda x: 1 / cos(x), complex_code=lambda z: 1 / cos(z),
)  # fmt: skip
csc = _row(
    "csc", lambda x: 1 / np.sin(x), lambda ctx, x: 1 / ctx.sin(x), lambda a, y: (-(y * cot(a)), 1),
    low=_of_angle(None, 0), domain="x != n pi", pole=True, error=PoleError,
    samples=(-1.5, 1e-8, 0.7, 3.0), code=lambda x: 1 / sin(x), complex_code=lambda z: 1 / sin(z),
)  # fmt: skip
cot = _row(
    "cot", lambda x: 1 / np.tan(x), lambda ctx, x: 1 / ctx.tan(x), lambda a, y: (-1 - y * y, 1),
    low=_of_angle(1, 0), domain="x != n pi", pole=True, error=PoleError,
    samples=(-1.5, 1e-8, 0.7, 3.0),
    code=lambda x: 1 / tan(x), complex_code=lambda z: 1 / tan(z),
)  # fmt: skip


def _asin_q(a: Any) -> Any:
    # 1/√(1 - a²) by its two factors: the rounded coefficients of 1 - a² would move its zeros
    return real_power(1 - a, -HALF) * real_power(1 + a, -HALF)


UNIT = (-1 + 1e-12, -0.3, 0.0, 1e-20, 0.7, 1 - 1e-6)
asin = _row(
    "asin", np.arcsin, "asin", lambda a, y: (_asin_q(a), 1), domain="-1 <= x <= 1",
    samples=UNIT, exact=_at((0, 0)), monotone=True, germ=HALF,
    code="asin", complex_code="casin", cut=Cut(-1.0, both_ends=True),
)  # fmt: skip
acos = _row(
    "acos", np.arccos, "acos", lambda a, y: (-_asin_q(a), 1), domain="-1 <= x <= 1",
    samples=UNIT, exact=_at((1, 0)), monotone=True, germ=HALF,
    code="acos", complex_code="cacos", cut=Cut(-1.0, both_ends=True),
)  # fmt: skip
atan = _row(
    "atan", np.arctan, "atan", lambda a, y: (1, 1 + a * a), exact=_at((0, 0)), polar=0,
    samples=(-1e8, -1.0, -0.1, 0.0, 1e-20, 0.7, 10.0, 1e100), monotone=True,
    code="atan", complex_code="catan", cut=Cut(-1.0, both_ends=True, turned=True),
)  # fmt: skip


def _atan2(a: Any, b: Any, y: Any) -> Any:
    h = hypot(a, b)  # p = h and q = (b, -a)/h instead of h² and (b, -a): no overflow
    return ((b / h, -(a / h)), h)


atan2 = _row(
    "atan2", np.arctan2, lambda ctx, a, b: ctx.atan2(a, b), _atan2, domain="not the origin",
    germ=Fraction(0), polar=0,
    samples=((1.0, 2.0), (-1e-10, 1e-10), (1e200, -3e200), (0.0, 2.0), (3.0, 0.0), (-1.0, -1.0)),
    code="atan2",
)  # fmt: skip
hypot = _row(
    "hypot", np.hypot, lambda ctx, a, b: ctx.hypot(a, b), lambda a, b, y: ((a, b), y),
    exact=lambda a, b: _exact_sqrt(Fraction(a * a + b * b)),
    domain="not the origin", error=NonAnalyticError, germ=Fraction(1), polar=1,
    samples=((3.0, 4.0), (1e-10, 1e-10), (1e200, -3e200), (0.0, 2.0)), iv=lambda ctx, a,
    b: ctx.sqrt(a * a + b * b),
    code="hypot",
)  # fmt: skip
sinpi = _row(
    "sinpi", _sinpi, "sinpi", lambda a, y: (PI * cospi(a), 1),
    samples=(-2.5, -1.0, 0.0, 1e-20, 0.3, 0.5, 1e6 + 0.25), exact=_at((0, 0)), iv=lambda ctx,
    x: ctx.sin(ctx.pi * x),
    code=_sinpi_code,
)  # fmt: skip
cospi = _row(
    "cospi", _cospi, "cospi", lambda a, y: (-(PI * sinpi(a)), 1),
    samples=(-2.5, -1.0, 0.0, 1e-20, 0.3, 0.5, 1e6 + 0.25), exact=_at((0, 1)), iv=lambda ctx,
    x: ctx.cos(ctx.pi * x),
    code=_cospi_code,
)  # fmt: skip

# ------------------------------------------------------------------ hyperbolic functions
REALS = (-30.0, -1.0, -1e-12, 0.0, 0.5, 3.0, 20.0)
sinh = _row(
    "sinh",
    np.sinh,
    "sinh",
    lambda a, y: (cosh(a), 1),
    samples=REALS,
    exact=_at((0, 0)),
    monotone=True,
    code="sinh",
    complex_code=Parts(lambda x, y: (sinh(x) * cos(y), cosh(x) * sin(y))),
)
cosh = _row(
    "cosh",
    np.cosh,
    "cosh",
    lambda a, y: (sinh(a), 1),
    samples=REALS,
    exact=_at((0, 1)),
    iv=lambda ctx, x: (ctx.exp(x) + ctx.exp(-x)) / 2,
    code="cosh",
    complex_code=Parts(lambda x, y: (cosh(x) * cos(y), sinh(x) * sin(y))),
)


def _halves(x: Any) -> tuple[Any, Any, Any]:
    """Return 1 + E, 1 - E and E = exp(-2x) as pairs."""
    n, (high, low) = rounding.exp(-2 * x)
    power = exp2(n)
    e = (high * power, low * power)
    one, minus = (1.0, 0.0), (-e[0], -e[1])
    return rounding.sum_of(one, e), rounding.sum_of(one, minus), e


def _sech2_low(x: Any, y: Any) -> Any:
    plus, _, (e, low) = _halves(x)
    return rounding.of_quotient((4 * e, 4 * low), rounding.product(plus, plus), y)


def _tanh_low(x: Any, y: Any) -> Any:
    plus, minus, _ = _halves(x)
    return rounding.of_quotient(minus, plus, y)


sech2 = _row(
    "sech2", _quiet(lambda x: (1 / np.cosh(x)) ** 2), lambda ctx, x: 1 / ctx.cosh(x) ** 2,
    lambda a, y: (-2 * (tanh(a) * y), 1), low=_sech2_low, samples=(-300.0, *REALS),
    exact=_at((0, 1)),
    iv=lambda ctx, x: 4 / (ctx.exp(x) + ctx.exp(-x)) ** 2,
    code=lambda x: 1 / cosh(x) / cosh(x), complex_code=lambda z: 1 / cosh(z) / cosh(z),
)  # fmt: skip
tanh = _row(
    "tanh", np.tanh, "tanh", lambda a, y: (sech2(a), 1), low=_tanh_low,
    samples=(-300.0, *REALS, 10.0),
    exact=_at((0, 0)), monotone=True,
    code="tanh", complex_code="ctanh",
)  # fmt: skip


def _cos_atan(x: Any) -> Any:
    if np.iscomplexobj(x):
        return 1 / (np.sqrt(1 + 1j * x) * np.sqrt(1 - 1j * x))
    return 1 / np.hypot(1, x)


cos_atan = _row(
    "cos_atan", _cos_atan, lambda ctx, x: 1 / ctx.sqrt(1 + x * x),
    lambda a, y: (-a * (y * y * y), 1), polar=-1, exact=_at((0, 1)),
    samples=(-1e9, -1.0, 0.0, 1e-20, 0.5, 2.5, 7.0, 1e200),
    code=lambda x: 1 / hypot(1.0, x),
    complex_code=lambda z: 1 / (sqrt(1 + 1j * z) * sqrt(1 - 1j * z)),
)  # fmt: skip
asinh = _row(
    "asinh", np.arcsinh, "asinh", lambda a, y: (cos_atan(a), 1), exact=_at((0, 0)),
    samples=(-1e9, -1.0, 0.0, 1e-20, 0.5, 2.5, 20.0, 1e200), monotone=True,
    code="asinh", complex_code="casinh", cut=Cut(-1.0, both_ends=True, turned=True),
)  # fmt: skip


def _acosh_q(a: Any) -> Any:
    return real_power(a - 1, -HALF) * real_power(a + 1, -HALF)


acosh = _row(
    "acosh", np.arccosh, "acosh", lambda a, y: (_acosh_q(a), 1), domain="x >= 1",
    samples=(1 + 1e-12, 1.001, 2.0, 1e200), exact=_at((1, 0)), monotone=True, germ=HALF,
    code="acosh", complex_code="cacosh", cut=Cut(1.0),
)  # fmt: skip
atanh = _row(
    "atanh", np.arctanh, "atanh", lambda a, y: (HALF * (1 / (1 - a) + 1 / (1 + a)), 1),
    domain="-1 < x < 1", pole=True,
    samples=(-1 + 1e-12, -0.3, 0.0, 1e-20, 0.1, 0.999999), exact=_at((0, 0)), monotone=True,
    code="atanh", complex_code="catanh", cut=Cut(-1.0, both_ends=True),
)  # fmt: skip


# ------------------------------------------------------------------ error functions
def _bell(x: Any, rate: float, scale: float) -> Any:
    """Return scale·exp(-rate·x²), x² in two parts: rounded, it would be off by x² roundings."""
    if np.iscomplexobj(x):
        return scale * np.exp(-rate * x * x)
    x = np.clip(x, -40.0, 40.0)
    high = np.asarray(x).astype(np.float32).astype(np.asarray(x).dtype)
    return (scale * np.exp(-rate * high * high) * np.exp(-rate * (x - high) * (x + high)))[()]


def _bell_code(x: Any, rate: float) -> Any:
    x = minimum(maximum(x, -40.0), 40.0)
    t = (2.0**27 + 1) * x
    high = t - (t - x)  # its square is exact
    off = exp(-rate * ((x - high) * (x + high)))
    return exp(-rate * (high * high)) * off


gauss = _row(
    "gauss", lambda x: _bell(x, 1.0, 1.0), lambda ctx, x: ctx.exp(-x * x),
    lambda a, y: (-2 * (a * y), 1), samples=(-6.3, -1.0, 0.0, 1e-20, 0.3, 25.1), exact=_at((0, 1)),
    code=lambda x: _bell_code(x, 1.0),
)  # fmt: skip
npdf = _row(
    "npdf", lambda x: _bell(x, 0.5, float(ONE_OVER_SQRT_2PI)), lambda ctx, x: ctx.npdf(x),
    lambda a, y: (-(a * y), 1), samples=(-30.3, -2.0, 0.0, 1.0, 6.1),
    code=lambda x: float(ONE_OVER_SQRT_2PI) * _bell_code(x, 0.5),
)  # fmt: skip
erf = _row(
    "erf", by_math(math.erf, lambda ctx, x: ctx.erf(x)), "erf", lambda a,
    y: (TWO_OVER_SQRT_PI * gauss(a), 1),
    samples=(-6.0, -1.0, 0.0, 1e-20, 0.3, 2.0, 5.0), exact=_at((0, 0)), monotone=True,
    code="erf",
)  # fmt: skip
erfc = _row(
    "erfc", by_math(math.erfc, lambda ctx, x: ctx.erfc(x)), "erfc", lambda a,
    y: (-(TWO_OVER_SQRT_PI * gauss(a)), 1),
    samples=(-6.0, -1.0, 0.0, 0.3, 6.0, 25.0), exact=_at((0, 1)), monotone=True,
    code="erfc",
)  # fmt: skip
erfcx = _row(
    "erfcx", by_scipy("erfcx", lambda ctx, x: local.erfcx(x, 0)[0]), lambda ctx,
    x: local.erfcx(x, 0)[0],
    local=local.erfcx, samples=(-5.0, -0.5, 0.0, 0.3, 1.0, 6.0, 100.0),
)  # fmt: skip
dawsn = _row(
    "dawsn", by_scipy("dawsn", lambda ctx, x: local.dawsn(x, 0)[0]), lambda ctx,
    x: local.dawsn(x, 0)[0],
    local=local.dawsn, samples=(-7.0, 0.0, 0.3, 2.0, 10.0, 100.0), exact=_at((0, 0)),
)  # fmt: skip
ndtr = _row(
    "ndtr", by_scipy("ndtr", lambda ctx, x: ctx.ncdf(x)), lambda ctx, x: ctx.ncdf(x),
    lambda a, y: (npdf(a), 1),
    samples=(-30.0, -2.0, 0.0, 1.0, 6.0), monotone=True,
    code=lambda x: 0.5 * erfc(-math.sqrt(0.5) * x),
)  # fmt: skip


def _log_ndtr(a: Any, y: Any) -> Any:
    # φ/Φ has no cancellation, but Φ underflows on the left, where it is √(2/π)/erfcx(-x/√2)
    q = choose(a, 0, npdf(a), SQRT_2_OVER_PI, "formula")
    return (q, choose(a, 0, ndtr(a), erfcx(-(SQRT1_2 * a)), "formula"))


log_ndtr = _row(
    "log_ndtr", by_scipy("log_ndtr", lambda ctx, x: ctx.log(ctx.ncdf(x))), lambda ctx,
    x: ctx.log(ctx.ncdf(x)),
    _log_ndtr, samples=(-100.0, -30.0, -2.0, 0.0, 1.0, 6.0), monotone=True,
)  # fmt: skip


# ------------------------------------------------------------------ local series
def _special(name: str, scipy_name: str, mp: Callable[..., Any], **columns: Any) -> Elementary:
    return _row(name, by_scipy(scipy_name, mp), mp, **columns)


sinc = _row(
    "sinc", np.sinc, lambda ctx, x: ctx.sincpi(x), local=local.sinc, exact=_at((0, 1)),
    samples=(-10.3, 0.0, 1e-300, 1e-8, 0.01, 0.75, 1.0, 100.25),
)  # fmt: skip
digamma = _special(
    "digamma", "digamma", lambda ctx, x: ctx.psi(0, x), local=local.digamma, pole=True,
    error=PoleError,
    domain="x != 0, -1, -2, ...",
    samples=(-3.7, -0.5, 1e-3, 0.5, 1.4616321449683622, 3.0, 50.0, 1e8),
)  # fmt: skip
zeta = _row(
    "zeta", by_mpmath(lambda ctx, s: ctx.zeta(s)), lambda ctx, s: ctx.zeta(s),
    local=local.zeta,
    pole=True, error=PoleError,
    domain="x != 1", samples=(-3.5, 0.0, 0.5, 1.001, 2.0, 30.0),
)  # fmt: skip
gamma = _row(
    "gamma", by_math(math.gamma, lambda ctx, x: ctx.gamma(x)), "gamma", lambda a,
    y: (y * digamma(a), 1), pole=True,
    error=PoleError,
    domain="x != 0, -1, -2, ...", samples=(-3.7, -0.5, 1e-3, 0.5, 1.4616321449683622, 5.0, 150.0),
    exact=lambda x: math.factorial(int(x) - 1) if x % 1 == 0 and x > 0 else None,
    code="tgamma",
)  # fmt: skip


@functools.cache
def _log_gamma_near_two() -> tuple[float, ...]:
    """Return the coefficients of log Γ(2 + z): 1 - γ and (-1)^k (ζ(k) - 1)/k (DLMF 5.7.3)."""
    ctx = kinds.private(80)
    c = [(-1) ** k * (ctx.zeta(k) - 1) / k for k in range(2, 32)]
    return (0.0, float(1 - ctx.euler), *map(float, c))


def _log_gamma(x: float) -> float:
    # near its zeros 1 and 2 math.lgamma is right to absolute precision only
    if not 0.75 < x < 2.25:
        return math.lgamma(x)
    z, y = (x - 1 if x < 1.5 else x - 2), 0.0
    for c in reversed(_log_gamma_near_two()):
        y = y * z + c
    return y - math.log1p(z) if x < 1.5 else y


lgamma = _row(
    "lgamma", by_math(_log_gamma, lambda ctx, x: ctx.loggamma(x)), lambda ctx,
    x: ctx.loggamma(x) if isinstance(x, ctx.mpc) else ctx.re(ctx.loggamma(x)),
    lambda a, y: (digamma(a), 1), pole=True, error=PoleError, domain="x != 0, -1, -2, ...",
    samples=(-3.7, -0.5, 1e-3, 0.5, 1.0, 1.0 - 1e-9, 1.5, 2.0000000000000284, 3.0, 1e8),
    code="lgamma",
)  # fmt: skip


@functools.cache
def bessel(kind: str, n: int) -> Elementary:
    """Return the row of the Bessel function J, Y or I (kind "j", "y", "i") of integer order n."""
    mp = {"j": "besselj", "y": "bessely", "i": "besseli"}[kind]
    series = {"j": local.bessel_j, "y": local.bessel_y, "i": local.bessel_i}[kind]
    special = {0: f"{kind}0", 1: f"{kind}1"}.get(n)

    def value(ctx: Any, x: Any) -> Any:
        return getattr(ctx, mp)(n, x)

    def by_order(x: Any) -> Any:
        return by_scipy(f"{kind}v", lambda ctx, m, v: value(ctx, v))(np.float64(n), x)

    def numpy(x: Any) -> Any:
        return by_order(x) if special is None or np.iscomplexobj(x) else by_scipy(special, value)(x)

    return Elementary(
        f"bessel_{kind}({n})", numpy, value, local=functools.partial(series, n),
        domain="x > 0" if kind == "y" else "all x", pole=kind == "y", own=True,
        samples=(0.3, 2.4, 20.0) if kind == "y" else (0.0, 1e-10, 0.3, 2.404825557695773, 20.0),
    )  # fmt: skip


j0, j1 = bessel("j", 0), bessel("j", 1)
y0, y1 = bessel("y", 0), bessel("y", 1)
i0, i1 = bessel("i", 0), bessel("i", 1)
TABLE.update(j0=j0, j1=j1, y0=y0, y1=y1, i0=i0, i1=i1)


def _order(name: str, n: Any) -> int:
    if is_operand(n) or not integer_valued(n):
        raise TypeError(f"{name}(n, x) needs an integer order n, not {n!r}")
    return int(n)


def jv(n: int, x: Any) -> Any:
    """Return the Bessel function J_n(x) of integer order n (DLMF 10.2).

    >>> float(jv(2, 0.0))
    0.0
    """
    return bessel("j", _order("jv", n))(x)


def yv(n: int, x: Any) -> Any:
    """Return the Bessel function Y_n(x) of integer order n, x > 0 (DLMF 10.2)."""
    return bessel("y", _order("yv", n))(x)


def iv(n: int, x: Any) -> Any:
    """Return the modified Bessel function I_n(x) of integer order n (DLMF 10.25)."""
    return bessel("i", _order("iv", n))(x)


# ------------------------------------------------------------------ integrals and inverse functions
expi = _special(
    "expi", "expi", lambda ctx, x: ctx.ei(x), local=local.expi, pole=True,
    domain="x != 0", samples=(-20.0, -0.1, 1e-8, 0.37250741078136663, 2.0, 30.0),
)  # fmt: skip
exp1 = _special(
    "exp1", "exp1", lambda ctx, x: ctx.e1(x), quotient=lambda a, y: (-exp(-a), a), pole=True,
    domain="x > 0", samples=(1e-8, 0.1, 2.0, 30.0, 600.0),
)  # fmt: skip
expint = exp1  # the name of the classical tables
si = _row(
    "si", lambda x: _sici(x, 0), "si",
    local=local.si, samples=(-20.0, 0.0, 1e-8, 0.75, 3.0, 100.0), exact=_at((0, 0)),
)  # fmt: skip
ci = _row(
    "ci", lambda x: _sici(x, 1), "ci", local=local.ci, domain="x > 0", pole=True,
    samples=(1e-8, 0.6165054856207162, 3.0, 100.0),
)  # fmt: skip


def _sici(x: Any, which: int) -> Any:
    y = by_scipy("sici", lambda ctx, v: (ctx.si, ctx.ci)[which](v))(x)
    return y[which] if isinstance(y, tuple) else y


def _airy(x: Any, which: int) -> Any:
    if np.iscomplexobj(x):
        return by_mpmath(_AIRY[which])(x)
    near = np.abs(x) <= local.AIRY_FAR
    y = local.airy(which, np.where(near, x, 0.0))
    if not near.all():
        far = by_scipy("airy", _AIRY[which])(x)
        y = np.where(near, y, far[which] if isinstance(far, tuple) else far)
    return np.asarray(y).astype(np.result_type(np.asarray(x), np.float32))[()]


_AIRY = (
    lambda ctx, x: ctx.airyai(x),
    lambda ctx, x: ctx.airyai(x, derivative=1),
    lambda ctx, x: ctx.airybi(x),
    lambda ctx, x: ctx.airybi(x, derivative=1),
)
PLANE = (-30.0, -2.338107410459767, 0.0, 1e-8, 1.0, 10.0)
airyai = _row(
    "airyai", lambda x: _airy(x, 0), _AIRY[0], lambda a, y: (airyaip(a), 1), samples=PLANE
)
airyaip = _row(
    "airyaip", lambda x: _airy(x, 1), _AIRY[1], lambda a, y: (a * airyai(a), 1), samples=PLANE
)
airybi = _row(
    "airybi", lambda x: _airy(x, 2), _AIRY[2], lambda a, y: (airybip(a), 1), samples=PLANE
)
airybip = _row(
    "airybip", lambda x: _airy(x, 3), _AIRY[3], lambda a, y: (a * airybi(a), 1), samples=PLANE
)


def _lambertw(x: Any) -> Any:
    w = by_scipy("lambertw", lambda ctx, v: ctx.lambertw(v))(x)
    if np.iscomplexobj(x):
        return w
    return np.where(np.imag(w) == 0, np.real(w), np.nan)[()]


def _lambertw1(x: Any) -> Any:
    u = 1 + lambertw(x)
    near = np.abs(u) < 0.5  # 1 + W cancels near the branch point -1/e
    if not np.any(near):
        return u
    return np.where(near, by_mpmath(lambda ctx, v: 1 + ctx.lambertw(v))(np.where(near, x, 0)), u)[
        ()
    ]


def _lambertw_p(a: Any, y: Any) -> Any:
    # p = exp(y)(1 + y) = exp(y) + a, but for the cancellation on the left of 0
    return choose(a, 0, a + exp(y), exp(y) * lambertw1(a), "formula")


def _head(pairs: Callable[..., Any], plain: Callable[..., Any]) -> dict[str, Any]:
    """Return the columns `numpy` and `low` of a row whose value is a pair where it is finite."""

    def value(*x: Any) -> Any:
        if any(map(np.iscomplexobj, x)):
            return plain(*x)
        with np.errstate(all="ignore"):
            high, low = pairs(*x)
        return np.where(np.isfinite(high + low), high + low, plain(*x))[()]

    def low(*x: Any) -> Any:
        high, low = pairs(*x[:-1])
        return (high - x[-1]) + low

    return {"numpy": value, "low": low}


def _decayed(y: Any) -> Any:
    n, (high, low) = rounding.exp(-y)
    power, one = np.exp2(n), float(ONE_OVER_E)
    return rounding.product((high * power, low * power), (one, rounding.of_constant(ONE_OVER_E)))


# exp(-1 - y) near y = -1, where what is taken from it is almost all of it
_decay = Elementary(
    "exp(-1-x)", own=True, **_head(_decayed, lambda y: np.exp(-1 - y)),
    mp=lambda ctx, y: ctx.exp(-1 - y),
    quotient=lambda y, z: (-z, 1),
)  # fmt: skip


_above = Elementary(
    "x + exp(-1-x)", own=True, mp=lambda ctx, y: y + ctx.exp(-1 - y),
    quotient=lambda y, z: (1 - _decay(y), 1),
    **_head(lambda y: rounding.sum_of((y, 0.0), _decayed(y)), lambda y: y + np.exp(-1 - y)),
)  # fmt: skip


def _lambertw_equation(a: Any, y: Any) -> Any:
    # (a + 1/e)·y' = (y + exp(-1-y))/(1 + y)·a': p has the branch point as its zero wherever the
    # rounded y is, and q is analytic in y there
    return (_above(y) / (1 + y), a + ONE_OVER_E)


lambertw = _row(
    "lambertw", _lambertw, "lambertw", lambda a, y: (1, _lambertw_p(a, y)), domain="x >= -1/e",
    recurrence=_lambertw_equation, exact=_at((0, 0)), monotone=True, germ=HALF,
    samples=(-0.35, -0.2, 0.0, 1e-20, 1.0, 2.0, 1e10),
)  # fmt: skip
lambertw1 = _row(
    "lambertw1", _lambertw1, lambda ctx, x: 1 + ctx.lambertw(x),
    lambda a, u: (1, _lambertw_p(a, lambertw(a))), domain="x >= -1/e", monotone=True,
    recurrence=lambda a, u: _lambertw_equation(a, lambertw(a)), samples=(-0.35, -0.2, 0.0, 1.0),
    germ=HALF,
)  # fmt: skip


def _kepler(ctx: Any, e: Any, m: Any) -> Any:
    """Solve y - e·sin y = m, 0 <= e < 1, by Newton's method inside the bracket [m - e, m + e]."""
    if not 0 <= e < 1:
        return ctx.nan
    with ctx.extraprec(20):
        lo, hi = m - e, m + e
        y = m + e * ctx.sin(m)
        for _ in range(10 * ctx.prec):
            f = y - e * ctx.sin(y) - m
            if f == 0:
                break
            lo, hi = (lo, y) if f > 0 else (y, hi)
            step = y - f / (1 - e * ctx.cos(y))
            new = step if lo <= step <= hi else (lo + hi) / 2
            done, y = abs(new - y) <= abs(new) * ctx.eps * 4, new
            if done:
                break
    return +y


def _half_angle(which: int, h: Any, e: Any, m: Any) -> Any:
    # of y/2 with y - e·sin y = m, where h is y/2 rounded: one step of Newton's method from there
    sine, cosine = rounding.sin_cos(h)
    product = rounding.product(rounding.product(sine, cosine), (2 * e, 0.0))
    rest = rounding.sum_of(rounding.sum_of((2 * h, 0.0), (-m, 0.0)), (-product[0], -product[1]))
    step = -0.5 * sum(rest) / ((1 - e) + 2 * e * sine[0] ** 2)
    change = -sine[0] * step if which else cosine[0] * step
    return rounding.sum_of((sine, cosine)[which], (change, 0.0))


# sin y/2 and cos y/2 for y = kepler(e, m) that is given; of a large y half the digits are lost
_kepler_sin = Elementary(
    "sin(kepler/2)", own=True,
    **_head(functools.partial(_half_angle, 0), lambda h, e, m: np.sin(h)),
    mp=lambda ctx, h, e, m: ctx.sin(h),
    quotient=lambda h, e, m, y: ((_kepler_cos(h, e, m), 0, 0), 1),
)  # fmt: skip
_kepler_cos = Elementary(
    "cos(kepler/2)", own=True,
    **_head(functools.partial(_half_angle, 1), lambda h, e, m: np.cos(h)),
    mp=lambda ctx, h, e, m: ctx.cos(h),
    quotient=lambda h, e, m, y: ((-_kepler_sin(h, e, m), 0, 0), 1),
)  # fmt: skip


def _kepler_equation(e: Any, m: Any, y: Any) -> Any:
    s, c = (row(HALF * y, e, m) for row in (_kepler_sin, _kepler_cos))
    return ((2 * (s * c), 1), (1 - e) + 2 * (e * (s * s)))


def _kepler_p(e: Any, y: Any) -> Any:
    # 1 - e·cos y without cancellation near e = 1, y = 0
    s = sin(HALF * y)
    return (1 - e) + 2 * e * (s * s)


kepler = _row(
    "kepler", by_mpmath(_kepler), _kepler, lambda e, m, y: ((sin(y), 1), _kepler_p(e, y)),
    recurrence=_kepler_equation, domain="0 <= e < 1",
    samples=((0.0, 1.0), (0.3, 2.0), (0.9, 0.1), (0.99, 1e-3), (0.5, -20.0)),
)  # fmt: skip


HIDDEN = {
    row.name: row for row in (_decay, _above, _kepler_sin, _kepler_cos)
}  # parts of other rows


# ------------------------------------------------------------------ piecewise functions
def _maximum(a: Any, b: Any) -> Any:
    return choose(a, b, a, b, "kink")


def _minimum(a: Any, b: Any) -> Any:
    return choose(b, a, a, b, "kink")


def _clip(a: Any, low: Any, high: Any) -> Any:
    a = a if low is None else maximum(a, low)
    return a if high is None else minimum(a, high)


def _integers(x: Any) -> Any:
    return x == np.floor(x)


def _sign(ctx: Any, x: Any) -> Any:
    return ctx.sign(x)


def _monotone(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return the enclosure of an increasing function whose values are exact."""

    def enclosure(ctx: Any, *x: Any) -> Any:
        found = []
        for which in (0, 1):
            points = [contexts.ends(v)[which] for v in x]
            found.append(f(points[0].context, *points))
        return contexts.hull(ctx, *found)

    return enclosure


KINKED = (-3.5, -1e-20, 0.5, 2.0)
absolute = _row(
    "abs", np.abs, lambda ctx, x: abs(x), compose=lambda a: choose(a, 0, a, -a, "kink"),
    domain="x != 0 for derivatives", samples=KINKED, exact=abs,
    code="fabs",
)  # fmt: skip
maximum = _row(
    "maximum", np.maximum, lambda ctx, a, b: max(a, b), compose=_maximum, exact=max,
    domain="no ties", samples=((1.0, 2.0), (3.0, -1.0)), iv=_monotone(lambda ctx, a, b: max(a, b)),
    code="maximum",
)  # fmt: skip
minimum = _row(
    "minimum", np.minimum, lambda ctx, a, b: min(a, b), compose=_minimum, exact=min,
    domain="no ties", samples=((1.0, 2.0), (3.0, -1.0)), iv=_monotone(lambda ctx, a, b: min(a, b)),
    code="minimum",
)  # fmt: skip
clip = _row(
    "clip", np.clip, lambda ctx, a, low, high: min(max(a, low), high), compose=_clip,
    exact=lambda a, low, high: min(max(a, low), high), domain="not at the edges",
    samples=((0.5, 0.0, 1.0), (-3.0, 0.0, 1.0), (3.0, 0.0, 1.0)),
    iv=_monotone(lambda ctx, a, low, high: min(max(a, low), high)),
)  # fmt: skip
CHOICES = (absolute, maximum, minimum, clip)  # the rows that are written with kinks
sign = _row(
    "sign", np.sign, _sign, jumps=lambda x: x == 0, domain="x != 0 for derivatives",
    samples=KINKED, exact=lambda x: (x > 0) - (x < 0), iv=_monotone(_sign),
    code=lambda x: choose(x, 0.0, choose(0.0, x, 0.0 * x, 1.0, "where"), -1.0, "where"),
)  # fmt: skip
floor = _row(
    "floor", np.floor, "floor", jumps=_integers, domain="x no integer for derivatives",
    samples=(-3.5, 0.5, 2.7), exact=math.floor,
    iv=_monotone(lambda ctx, x: ctx.floor(x)),
    code="floor", surface=sinpi,
)  # fmt: skip
ceil = _row(
    "ceil", np.ceil, "ceil", jumps=_integers, domain="x no integer for derivatives",
    samples=(-3.5, 0.5, 2.7), exact=math.ceil,
    iv=_monotone(lambda ctx, x: ctx.ceil(x)),
    code="ceil", surface=sinpi,
)  # fmt: skip
trunc = _row(
    "trunc", np.trunc, lambda ctx, x: ctx.sign(x) * ctx.floor(abs(x)),
    jumps=lambda x: (x == np.floor(x)) & (x != 0), domain="x no integer for derivatives",
    samples=(-3.5, 0.0, 0.5, 2.7), exact=math.trunc,
    iv=_monotone(lambda ctx, x: ctx.sign(x) * ctx.floor(abs(x))),
    code="trunc", surface=sinpi,
)  # fmt: skip
rint = _row(
    "rint", np.rint, "nint", jumps=lambda x: x - np.floor(x) == 0.5,
    domain="2x no odd integer for derivatives", samples=(-3.2, 0.0, 0.7, 2.0),
    exact=lambda x: round(x),  # without the digits that a second argument would be
    iv=_monotone(lambda ctx, x: ctx.nint(x)),
    code="rint", surface=cospi,
)  # fmt: skip


def _heaviside_of_set(ctx: Any, x: Any, h: Any) -> Any:
    low, high = contexts.ends(x)
    found = ((0, low < 0), (h, low <= 0 <= high), (1, high > 0))
    there = [ctx.mpf(v) for v, is_there in found if is_there]
    return functools.reduce(functools.partial(contexts.hull, ctx), there)


heaviside = _row(
    "heaviside", np.heaviside, lambda ctx, x, h: ctx.mpf(x > 0) if x else h,
    jumps=lambda x, h: x == 0, domain="x != 0 for derivatives", samples=((-3.5, 0.5), (2.0, 0.5)),
    iv=_heaviside_of_set,
    code=lambda x, h: choose(x, 0.0, choose(0.0, x, h, 1.0, "where"), 0.0, "where"),
)  # fmt: skip
mod = _row(
    "mod", np.remainder, lambda ctx, a, b: a - b * ctx.floor(a / b), exact=lambda a, b: a % b,
    compose=lambda a, b: a - b * floor(a / b), domain="x no multiple of the divisor",
    iv=lambda ctx, a, b: a - b * floor(a / b),
    samples=((5.5, 2.0), (-1.3, 2.0)),
)  # fmt: skip
