"""THE TABLE: every elementary function as its value and its differential equation p·y' = q·a'.

In a row `quotient(a, y)` returns (q, p); with several arguments ((q_a, q_b, ...), p), meaning
p·y' = q_a·a' + q_b·b' + ...  Both may mention the result y and other rows: a step reads them one
degree late, so sin may need cos and cos sin.  Rule of review: p may vanish only where the function
itself is singular, and q₀ and p₀ must be free of cancellation.

The other kinds of row: `local(x, order)` gives f⁽ᵐ⁾(x)/m! where there is no usable equation;
`compose` writes the function in terms of other rows; `jumps(x)` marks a piecewise constant function
by the points where it jumps.  The rows of the package stand in `functions`; here is what a row is,
and how one is added or found.
"""

from __future__ import annotations

import functools
import importlib
import pickle
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any, ClassVar, NamedTuple, TypeVar, overload

import numpy as np

from taylor.core.advice import annotate
from taylor.core.reads import Reads
from taylor.errors import DomainError, NonAnalyticError
from taylor.numbers import contexts, values
from taylor.numbers.formulas import by_lanes
from taylor.numbers.kinds import Fillable, Handled, Kind, ValueSet, content, is_operand

Value = TypeVar("Value", bound=Handled | np.ndarray[Any, Any])


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

    @property
    def across(self) -> str:
        """Which part of the argument changes its sign across the cut."""
        return "real" if self.turned else "imag"


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
    # the function up to what rounding takes from its value: series have its coefficients
    refines: Callable[..., Any] | None = None
    low: Callable[..., Any] | None = None  # of arguments and the value y: what rounding took from y
    polar: int | None = None  # series of |b + ia|**polar, or if 0 of its angle (b = 1 if left out)
    split: bool = False  # `polar` of 1 + ja with j² = 1, whose modulus is √(1 - a²)
    germ: Fraction | None = None  # f(a) - f(a₀) ~ (a - a₀)**germ at the finite ends of the domain
    # the value in machine code: a name of the C library, a formula in rows (of the parts of complex
    # numbers: `Parts`), or None, where the code asks Python
    code: str | Callable[..., Any] | None = None
    complex_code: str | Callable[..., Any] | Parts | None = None
    slope: str | Callable[..., Any] | None = None  # of a row with a local series: of its derivative
    # (x, order) of such a row: that series in machine code, as formulas in rows
    terms: Callable[[Any, int], list[Any]] | None = None
    complex_slope: Callable[..., Any] | None = None  # y', where q cancels in complex numbers
    cut: Cut | None = None  # where complex_code is not continuous
    # of the argument: vanishes where a row jumps, or has poles between which it does; None: itself
    surface: Elementary | None = None
    # of the arguments and the value: changes its sign where the value jumps though the series goes
    # on.  (Where p vanishes the series ends, or goes on along another branch.)
    seam: Callable[..., Any] | None = None
    # (s, n) of a row as large as exp(±s·|a|**n): a series does not show what a moves it by
    steep: tuple[float, int] | None = None
    overflows: bool = False  # such a row, where it is not small
    own: bool = False  # whether the row stands in this package
    ball: Callable[..., Any] | None = None  # the value on balls of flint.arb, if not of the package
    home: Elementary | None = None  # the row of a user of which this is what it has become

    @overload
    def __call__(self, x: Value, /, *more: Any) -> Value: ...
    @overload
    def __call__(self, *args: Any) -> Any: ...
    def __call__(self, *args: Any) -> Any:
        if len(args) == 1:
            if values.is_float(args[0]):  # the shortest way
                return self.numpy(*args)
        elif isinstance(self.numpy, np.ufunc) and len(args) != self.numpy.nin:
            raise TypeError(
                f"{self.name} takes {self.numpy.nin} argument(s): {len(args)} were given"
            )
        for x in args:
            if is_operand(x):
                return x._elementary(self if self.own else self.now, args)
            if isinstance(x, Fillable):
                return self(*map(content, args))
        return values.call(self, args)

    @property
    def now(self) -> Elementary:
        """The row itself, or one in its place: what is made of a row is kept for good.

        Where something has changed that the functions of a user's row read (a global, say) it is
        another one, of which nothing has been made yet.
        """
        home = self.home or self
        reads, row = home.__dict__.get("latest") or (None, home)
        if reads is None or reads.changed():
            functions = [getattr(home, field.name) for field in fields(home)]
            row = home if reads is None else replace(home, home=home)
            home.__dict__["latest"] = Reads((*functions,)), row
        return row

    def __repr__(self) -> str:
        return f"<elementary function {self.name}>"

    def __reduce__(self) -> Any:
        home = self.home or self
        if self.own or TABLE.get(self.name) is home:
            return (lookup, (self.name,))
        module = sys.modules.get(getattr(self.numpy, "__module__", ""))
        name = getattr(self.numpy, "__qualname__", "")
        if getattr(module, name, None) is not home:
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
    missing is derived from what is there; but `sets`, the value of sets of numbers, is not.
    """

    name: str
    value: Callable[..., Any]
    vjp: Callable[..., Any] | None = None
    jvp: Callable[..., Any] | None = None
    step: Callable[..., Any] | None = None
    complex_valued: bool = False  # of real arguments, too
    sets: Callable[..., Any] | None = None
    own: ClassVar[bool] = False  # whether it stands in this package, and never changes

    def __call__(self, *args: Any) -> Any:
        for x in args:
            if is_operand(x):
                return x._call(self, args)
            if isinstance(x, Fillable):
                return self(*map(content, args))
        return self.value(*args)

    def __repr__(self) -> str:
        return f"<rule {self.name}>"


# ------------------------------------------------------------------ where rows are found
TABLE: dict[str, Elementary] = {}
HIDDEN: dict[str, Elementary] = {}  # parts of other rows
FAMILIES: dict[str, Callable[[int], Elementary]] = {}  # rows with a parameter, made when asked for


def lookup(name: str) -> Elementary:
    """Return the row of that name; a member of a family is made when it is asked for."""
    if name.endswith("'"):
        row = lookup(name[:-1])
        return slope_of_jump(row) if row.jumps is not None else derived(row)
    family, _, parameter = name.partition("(")
    if family in FAMILIES:
        return FAMILIES[family](int(parameter[:-1]))
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

    def value(x: Any) -> Any:
        y, dtype = series(x, 1)[1], getattr(x, "dtype", None)
        return y.astype(dtype) if dtype is not None and dtype.kind == "f" else y

    code, terms, written = row.slope, None, row.terms
    if written is not None:

        def terms(x: Any, order: int) -> list[Any]:
            c = written(x, order + 1)
            return [c[m] if m == 1 else m * c[m] for m in range(1, order + 2)]

        code = code or (lambda x: written(x, 1)[1])
    return Elementary(
        row.name + "'", value, lambda ctx, x: series(x, 1)[1], local=local, domain=row.domain,
        error=row.error, own=row.own, code=code, terms=terms,
    )  # fmt: skip


def jumps_at(row: Elementary, *x: Any) -> Any:
    """Return where a piecewise constant row jumps, for intervals: whether it jumps inside."""
    assert row.jumps is not None
    if any(isinstance(e, ValueSet) for e in x):
        y = row(*x)
        return Kind.of(y).is_wide(y) | _jumps_at_ends(row, x)
    if any(map(contexts.is_set, x)):
        return np.frompyfunc(functools.partial(_jumps_inside, row), len(x), 1)(*x)
    return row.jumps(*x)


def _jumps_inside(row: Elementary, x: Any, *more: Any) -> bool:
    assert row.jumps is not None
    y = values.call(row, (x, *more))
    if Kind.of(y).is_wide(y):
        return True
    return any(bool(row.jumps(end, *more)) for end in contexts.ends(x))


def _jumps_at_ends(row: Elementary, x: Sequence[Any]) -> Any:
    """Return where a row jumps at an end of its first argument, the only one that it jumps by."""
    assert row.jumps is not None and isinstance(x[0], ValueSet)
    found = [row.jumps(*(end, end, 1.0)[: len(x)]) for end in x[0].members()[::2]]
    return np.logical_or(*found)


@functools.cache
def slope_of_jump(row: Elementary) -> Elementary:
    """Return the derivative of a piecewise constant row, as a row: zero, and nan at a jump."""
    jumps, surface = row.jumps, row.surface
    assert jumps is not None
    if row.name.endswith("'"):
        return row  # the derivative of zero

    def slope(*x: Any) -> Any:
        dtype = np.result_type(*x)
        shape = np.broadcast_shapes(*map(np.shape, x))  # a row may jump by its first argument alone
        zero = np.zeros(shape, dtype if dtype.kind in "fc" else float)
        return np.where(np.asarray(jumps(*x), dtype=bool), np.nan * zero, zero)[()]

    def slope_of_set(ctx: Any, *x: Any) -> Any:
        if jumps_at(row, *x):
            raise NonAnalyticError(f"{row.name} jumps in the interval {x[0]}; split it")
        return ctx.zero if ctx is not None else 0 * x[0]

    return Elementary(
        row.name + "'", slope, lambda ctx, *x: ctx.nan if jumps(*x) else ctx.zero, jumps=jumps,
        domain=row.domain, error=row.error, iv=slope_of_set, own=row.own, surface=surface,
        ball=functools.partial(slope_of_set, None),
        code=lambda x, *more: 0.0 / (x if surface is None else surface(x)),
    )  # fmt: skip


# ------------------------------------------------------------------ rows of a user
def define(
    name: str,
    value: Callable[..., Any],
    quotient: Callable[..., Any] | None = None,
    *,
    local: Callable[[Any, int], Any] | None = None,
    mp: Callable[..., Any] | None = None,
    ball: Callable[..., Any] | None = None,
    domain: str = "all x",
    pole: bool = False,
    samples: tuple[Any, ...] = (),
    exact: Callable[..., Any] | None = None,
) -> Elementary:
    """Return a new row of the table; it then works in every algebra, field and driver.

    `value` maps floats (arrays too, unless it only takes Python floats) to floats, `quotient(a, y)`
    returns (q, p) with p·y' = q·a'.  A function without such an equation gives `local(x, order)`,
    the coefficients f⁽ᵐ⁾(x)/m!, m = 0..order, along a new first axis.  `mp(ctx, x)` is the value in
    an mpmath context, `ball(x)` that on a ball of flint.arb, of all the numbers in it:
    with it intervals work too.  A name that is taken raises ValueError.

    >>> import math, numpy as np, taylor
    >>> gd = define("gd", lambda x: np.arctan(np.sinh(x)), lambda a, y: (1, taylor.cosh(a)))
    >>> taylor.derivatives(gd, 0.0, 3) + 0.0
    array([ 0.,  1.,  0., -1.])
    >>> del TABLE["gd"]
    """
    if name in TABLE:
        raise ValueError(f"the table already has a row {name!r}; choose another name")
    columns: dict[str, Any] = dict(
        ball=ball, domain=domain, pole=pole, samples=samples, exact=exact
    )
    TABLE[name] = rule(value, quotient=quotient, local=local, name=name, mp=mp, **columns)
    return TABLE[name]


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
    both must be written with NumPy's and this package's functions.  An adjoint may be a function
    without arguments that returns it, called only where the argument varies.  Of a tuple of results
    the arrays of integers (which elements were taken, say) are constant, and serve as indices.

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
    for part in (value, quotient, local, vjp, jvp, mp):
        if not (part is None or callable(part)):
            raise TypeError(f"rule {name!r} is made of functions, and {part!r} is none")
    by_element = (quotient is not None) + (local is not None)
    if by_element + (vjp is not None or jvp is not None) != 1:
        raise ValueError(
            f"rule {name!r} needs a quotient or a local series (element-wise functions), or else a "
            "vjp or a jvp (functions of arrays)"
        )
    if not by_element:
        if row or mp is not None:
            raise TypeError(f"rule {name!r}: a function of arrays takes vjp and jvp only")
        note = f"rule {name!r} calls vjp(ybar, y, *args)"
        backward = vjp and _of_numbers(_one_for_each(vjp, name), note)
        forward = jvp and _of_numbers(jvp, f"rule {name!r} calls jvp(dargs, y, *args)")
        return Rule(name, _of_numbers(value), backward, forward)

    def no_mp(ctx: Any, *x: Any) -> Any:
        raise TypeError(f"{name!r} was defined without an mpmath value: pass mp=...")

    return Elementary(name, _array_value(value), mp or no_mp, quotient, local, **row)


def _one_for_each(vjp: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return the vjp of a rule, which must give an adjoint for each argument."""

    def call(ybar: Any, y: Any, *x: Any) -> Any:
        found = vjp(ybar, y, *x)
        if not isinstance(found, (tuple, list)) or len(found) != len(x):
            given = len(found) if isinstance(found, (tuple, list)) else "one value alone"
            raise TypeError(
                f"rule {name!r}: vjp returns a tuple with one adjoint (None: zero) for each "
                f"argument, here {len(x)}, not {given}"
            )
        return tuple(found)

    return functools.wraps(vjp)(call)


def _of_numbers(f: Callable[..., Any], note: str | None = None) -> Callable[..., Any]:
    """Return f for numbers in NumPy's own types, where they are stored as objects."""

    def call(*x: Any) -> Any:
        try:
            found = f(*(values.native(v) for v in x))
        except TypeError as error:
            annotate(error, note)
            raise
        return tuple(map(content, found)) if type(found) is tuple else content(found)

    return functools.wraps(f)(call)


def _array_value(value: Callable[..., Any]) -> Callable[..., Any]:
    """Return value, called lane by lane where it does not take arrays itself."""

    def call(*x: Any) -> Any:
        if not [v for v in x if type(v) not in (float, np.float64) and np.ndim(v)]:
            return value(*x)
        try:
            return value(*x)
        except TypeError:
            return by_lanes(value)(*x)

    return functools.wraps(value)(call)
