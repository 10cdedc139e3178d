"""Functions of several arguments, element by element, that know their mixed partial derivatives.

With c_m = ∂^m f/m! at the point a_0 and u = a - a_0 the part of degree k of the result is

    y_k = Σ_m c_m [u^m]_k,     [u^m]_k = interior(k, u^(m - e_i), u_i)     (|m| >= 2, m_i > 0).

The c_m come from a formula in mpmath, which has as many digits as it takes: forward differences
Δ^m f/(h^m m!) with h = 2^-s have the error O(h), so s·|m| more bits leave all digits of a float
right (Brent, Modern Computer Arithmetic, section 4.2).  A function of which NumPy and SciPy know
the coefficients gives them for whole arrays (`fast`); lanes it leaves nan go to the formula.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from taylor.core.node import Node
from taylor.core.operand import lift
from taylor.core.singular import is_nan, leading, local_series, no_expansion
from taylor.core.table import Elementary, Rule, lookup
from taylor.errors import DomainError
from taylor.numbers.contexts import is_set
from taylor.numbers.kinds import ValueSet, base, is_operand, private
from taylor.numbers.policy import current_policy
from taylor.numbers.values import zeros

Array = Any
Index = tuple[int, ...]  # how often to differentiate in each argument
FLOAT_BITS = 53
GUARD = 47  # bits by which the step of a difference is finer than a number
MORE_BITS = (0, 300, 1100)
LANES = 1 << 14  # points whose coefficients are remembered


def everywhere(*x: Any) -> tuple[Any, ...]:
    """Return the distances to the nearest singularity of an entire function."""
    return (1.0,) * len(x)


@dataclass(frozen=True, eq=False)
class Analytic:
    """f(a, b, ...) with the names of its arguments; those of `fixed` have no derivative.

    `value` takes floats and arrays, `formula(ctx, a, b, ...)` numbers of an mpmath context.
    `room(a, b, ...)` returns, for each argument, how far f is analytic around a point; where that
    is no positive number there is no series.  `fast(m, a, b, ...)` returns c_m of float arrays.
    `row(a, b, ...)` returns the name of the row of the table that f is in its last argument, for
    sets of numbers.
    """

    name: str
    names: tuple[str, ...]
    value: Callable[..., Any]
    formula: Callable[..., Any]
    room: Callable[..., tuple[Any, ...]] = everywhere
    fixed: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()  # of these, of which SciPy takes the integer part
    domain: str = "see scipy.special"
    fast: Callable[..., Any] | None = None
    row: Callable[..., str] | None = None
    slope: Callable[..., Any] | None = None  # (ctx, x) -> f'(x), of one argument, if simpler than f
    complex_valued: bool = False  # of real arguments, too
    error: type[DomainError] = DomainError

    def __call__(self, *args: Any) -> Any:
        args = tuple(map(lift, args))
        if not any(map(is_operand, args)):
            return plain(self, args)
        if len(args) != len(self.names):
            raise TypeError(f"{self.name} takes {', '.join(self.names)}: {len(args)} were given")
        given = args
        args = tuple(
            self._held(n, x) if n in self.fixed else x
            for n, x in zip(self.names, args, strict=True)
        )
        if not any(map(is_operand, args)):
            return next(filter(is_operand, given))._constant(plain(self, args))
        shape = np.broadcast_shapes(*map(np.shape, args))
        return partial(self, (0,) * len(args))(
            *(
                np.broadcast_to(x, shape) if is_operand(x) and np.shape(x) != shape else x
                for x in args
            )
        )

    def _held(self, name: str, x: Any) -> Any:
        """Return the plain value of an argument that must not vary, its integer part if whole."""
        if isinstance(x, Node) or (is_operand(x) and getattr(x, "active", True)):
            raise TypeError(
                f"scipy.special.{self.name} has no derivative in its argument {name}: pass a plain "
                f"number ({name}.value), or give the function its derivative with taylor.rule"
            )
        x = x.value if is_operand(x) else x
        return np.trunc(x) if name in self.whole and not _exact(x) else x

    def __repr__(self) -> str:
        return f"<scipy.special.{self.name}>"


# ------------------------------------------------------------------ partial derivatives as rules
@functools.cache
def partial(f: Analytic, m: Index) -> Rule:
    """Return the mixed partial derivative ∂^m f as a rule, whose tangents are such rules again."""
    signs = "".join(f"_{n}" * k for n, k in zip(f.names, m, strict=True))

    def value(*x: Any) -> Any:
        return coefficients(f, [m], x)[m] * factor(m) if any(m) else plain(f, x)

    def jvp(dargs: Sequence[Any], y: Any, *x: Any) -> Any:
        terms = [partial(f, up(m, i))(*x) * d for i, d in enumerate(dargs) if d is not None]
        return functools.reduce(operator.add, terms)

    def step(algebra: Any, args: Sequence[Any], live: Sequence[bool], y: Sequence[Any]) -> Any:
        return Expansion(f, m, algebra, args, live)

    def sets(*x: Any) -> Any:
        return _row(f, m, x)(x[-1])

    name = f"{f.name}{signs}"
    if f.row is None:
        return Rule(name, value, jvp=jvp, step=step, complex_valued=f.complex_valued)
    return Rule(name, value, jvp=jvp, step=step, complex_valued=f.complex_valued, sets=sets)


def _row(f: Analytic, m: Index, x: Sequence[Any]) -> Elementary:
    """Return the row that ∂^m f is in its last argument."""
    assert f.row is not None
    return lookup(f.row(*x[:-1]) + "'" * m[-1])


def up(m: Index, i: int) -> Index:
    """Return m with one more derivative in argument i."""
    return (*m[:i], m[i] + 1, *m[i + 1 :])


def factor(m: Index) -> int:
    """Return m! = Π m_i!."""
    return math.prod(map(math.factorial, m))


class Expansion:
    """The parts of degree k of ∂^m f at tables of its arguments: see the head of the module."""

    def __init__(
        self, f: Analytic, m: Index, algebra: Any, args: Sequence[Any], live: Sequence[bool]
    ) -> None:
        self.f, self.m, self.algebra, self.args = f, m, algebra, args
        self.varying = [i for i, moves in enumerate(live) if moves]
        self.c: dict[Index, Any] = {}
        self.monomials: dict[Index, Any] = {}

    def __call__(self, k: int) -> list[Any]:
        heads = [x[0] if i in self.varying else x for i, x in enumerate(self.args)]
        if k == 0:
            return [self._checked(heads)]
        algebra, part = self.algebra, self.algebra.part
        tables = {i: self.args[i] for i in self.varying}
        still = functools.reduce(operator.and_, (_zero(x[1:]) for x in tables.values()))
        if np.all(still):
            return [None]
        if not self.c:
            self._begin(heads)
        total: Any = None
        for m, c in self.c.items():
            if not sum(m) or sum(m) > k:
                continue
            i = next(i for i in reversed(range(len(m))) if m[i])
            if sum(m) == 1:
                term = tables[i][part(k)]
            else:
                lower = self.monomials.get(_down(m, i), tables[i])
                lower = (
                    lower
                    if sum(m) > 2
                    else tables[next(j for j in range(len(m)) if _down(m, i)[j])]
                )
                term = algebra.interior(k, lower, tables[i], k, k)
                if term is None:
                    continue
                self.monomials[m][part(k)] = term
            term = term * c
            total = term if total is None else total + term
        if not is_operand(total) and np.any(still):
            total = np.where(still, total * 0 if total.dtype == object else 0.0, total)
        return [total]

    def _begin(self, heads: Sequence[Any]) -> None:
        """Find the coefficients for all degrees, and make room for the monomials."""
        order = self.algebra.order
        ranges = [range(order + 1) if i in self.varying else (0,) for i in range(len(self.args))]
        wanted = sorted((m for m in itertools.product(*ranges) if sum(m) <= order), key=sum)
        if self.f.row is not None and isinstance(heads[-1], ValueSet):
            found = local_series(_row(self.f, self.m, heads), heads[-1], order)
            self.c = {m: found[m[-1]] for m in wanted if any(m)}
        elif any(map(is_operand, heads)):
            self.c = {
                m: partial(self.f, _sum(self.m, m))(*heads) / factor(m) for m in wanted if any(m)
            }
        else:
            whole = [_sum(self.m, m) for m in wanted if any(m)]
            found = coefficients(self.f, whole, heads)
            scale = {m: factor(_sum(self.m, m)) // factor(m) for m in wanted}
            self.c = {m: found[_sum(self.m, m)] * scale[m] for m in wanted if any(m)}
            self._check(heads)
        like = self.args[self.varying[0]]
        for m in self.c:
            if sum(m) > 1:
                self.monomials[m] = zeros(np.shape(like), like)

    def _checked(self, heads: Sequence[Any]) -> Any:
        with np.errstate(all="ignore"):
            y = partial(self.f, self.m)(*heads)
        if np.shape(y) == () and current_policy().singular != "propagate":
            v = leading(y)
            if is_nan(base(v)) and not any(
                is_nan(base(leading(x))) for x in heads if np.shape(x) == ()
            ):
                raise no_expansion(self.f, heads)
        return y

    def _check(self, heads: Sequence[Any]) -> None:
        """Raise where a number has no series."""
        singular = current_policy().singular
        lost = any(np.any(_nans(c)) for c in self.c.values())
        number = all(np.shape(x) == () for x in heads)
        if lost and (singular == "raise" or (number and singular != "propagate")):
            raise no_expansion(self.f, heads)


def _zero(rows: Any) -> Any:
    """Return where all rows of a table are zero."""
    return np.all(base(rows) == 0, axis=0) if not is_operand(rows) else np.zeros((), dtype=bool)


def _nans(x: Any) -> Any:
    return np.asarray(x != x, dtype=bool)


def _sum(m: Index, n: Index) -> Index:
    return tuple(a + b for a, b in zip(m, n, strict=True))


def _down(m: Index, i: int) -> Index:
    return (*m[:i], m[i] - 1, *m[i + 1 :])


# ------------------------------------------------------------------ values and coefficients
def plain(f: Analytic, x: Sequence[Any]) -> Any:
    """Return f of plain numbers or arrays: SciPy's value of floats, the formula's of others."""
    if any(map(is_set, x)):
        raise TypeError(f"scipy.special.{f.name} takes no intervals; use their ends")
    if any(_exact(v) for v in x):
        return coefficients(f, [(0,) * len(x)], x)[(0,) * len(x)]
    return f.value(*x)


def _exact(x: Any) -> bool:
    """Whether x holds numbers of mpmath."""
    return hasattr(x, "context") or (
        isinstance(x, np.ndarray)
        and x.dtype == object
        and any(hasattr(e, "context") for e in x.flat)
    )


def coefficients(f: Analytic, wanted: Sequence[Index], x: Sequence[Any]) -> dict[Index, Any]:
    """Return c_m = ∂^m f/m! for the m wanted, at plain numbers or arrays; nan without a series."""
    wanted = tuple(wanted)
    if any(_exact(v) for v in x):
        count = len(wanted)
        found = np.frompyfunc(lambda *lane: _exact_lane(f, wanted, lane), len(x), count)(*x)
        return dict(zip(wanted, found if count > 1 else (found,), strict=True))
    arrays = np.broadcast_arrays(*(np.asarray(v) for v in x))
    number = complex if f.complex_valued or any(map(np.iscomplexobj, arrays)) else float
    shape, dtype = arrays[0].shape, np.result_type(*(v.dtype for v in arrays), np.float32)
    dtype = np.result_type(dtype, np.complex64) if number is complex else dtype
    flat = [v.astype(number).reshape(-1) for v in arrays]
    table = np.full((len(wanted), flat[0].size), np.nan, dtype=number)
    with np.errstate(all="ignore"):
        if f.fast is not None and not any(map(np.iscomplexobj, arrays)):
            for row, m in zip(table, wanted, strict=True):
                row[:] = f.fast(m, *[v.real for v in flat])
        away = np.isfinite(sum(flat))
        for r, *orders in zip(_room(f, flat), *wanted, strict=True):
            away = away & (r > 0) if any(orders) else away
    table[:, ~away] = np.nan
    for i in np.flatnonzero(away & ~np.isfinite(table).all(axis=0)):
        table[:, i] = lane(f, wanted, tuple(v[i].item() for v in flat), FLOAT_BITS)
    rows = table.astype(dtype).reshape(len(wanted), *shape)
    return {m: row[()] for m, row in zip(wanted, rows, strict=True)}


def _room(f: Analytic, x: Sequence[Any]) -> Sequence[Any]:
    """Return the distances to singularities; of complex points only some are known."""
    if any(map(np.iscomplexobj, x)):
        return [np.where(v == 0, 1.0, np.minimum(np.abs(v), 1.0)) * 2.0**-20 for v in x]
    return f.room(*x)


def _exact_lane(f: Analytic, wanted: Sequence[Index], x: Sequence[Any]) -> Any:
    """Return coefficients at numbers of which some are mpmath's."""
    ctx = next(v.context for v in x if hasattr(v, "context"))
    found = differences(f, wanted, tuple(x), ctx.prec)
    numbers = tuple(ctx.mpf(v.real) if not v.imag else ctx.mpc(v.real, v.imag) for v in found)
    return numbers if len(numbers) > 1 else numbers[0]


@functools.lru_cache(maxsize=LANES)
def lane(f: Analytic, wanted: tuple[Index, ...], x: tuple[Any, ...], bits: int) -> tuple[Any, ...]:
    """Return coefficients at one point of floats, nan where the formula finds none."""
    number = complex if f.complex_valued or any(isinstance(v, complex) for v in x) else float
    try:
        found = differences(f, wanted, x, bits)
        return tuple(number(v) if number is complex or not v.imag else math.nan for v in found)
    except (ValueError, ArithmeticError, _no_convergence()):
        return (math.nan,) * len(wanted)


def _no_convergence() -> Any:
    return private(FLOAT_BITS).NoConvergence


def differences(f: Analytic, wanted: Iterable[Index], x: Sequence[Any], bits: int) -> list[Any]:
    """Return Δ^m f/(h^m m!) at one point, right to that many bits, or zero to all those there are.

    A derivative may be tiny beside the function, at the ends of a distribution: then more bits.
    """
    wanted = tuple(wanted)
    for more in MORE_BITS:
        found, lost = _differences(f, wanted, x, bits, more)
        if not lost:
            break
    return found


def _differences(
    f: Analytic, wanted: tuple[Index, ...], x: Sequence[Any], bits: int, more: int
) -> tuple[list[Any], bool]:
    """Return the differences with so many bits more, and whether rounding counts in one."""
    fine, top = bits + GUARD, max(map(sum, wanted))
    with np.errstate(all="ignore"):
        near = [float(r) for r in _room(f, x)]
    ctx = private(bits + (top + 1) * fine + 60 + more)
    at = [ctx.convert(v) for v in x]
    ctx.prec += max(0, *(int(ctx.mag(v)) for v in at if v), *(-math.frexp(r)[1] for r in near))
    h = [ctx.ldexp(1, math.frexp(min(r, 1.0))[1] - fine) for r in near]
    if f.slope is not None:
        return [_of_slope(f, ctx, at[0], h[0], m[0]) for m in wanted], False

    @functools.cache
    def at_grid(i: Index) -> Any:
        return f.formula(ctx, *(v + n * d if n else v for v, n, d in zip(at, i, h, strict=True)))

    found, lost = [], False
    for m in wanted:
        total, size = ctx.zero, ctx.zero
        for i in itertools.product(*(range(k + 1) for k in m)):
            weight = math.prod(math.comb(k, j) for k, j in zip(m, i, strict=True))
            total += (-1) ** (sum(m) - sum(i)) * weight * at_grid(i)
            size += weight * abs(at_grid(i))
        lost = lost or abs(total) < ctx.ldexp(size, bits + 30 - ctx.prec)
        if abs(total) <= ctx.ldexp(size, 40 - ctx.prec):  # nothing but rounding
            total = ctx.zero
        found.append(total / factor(m) / ctx.fprod(d**k for d, k in zip(h, m, strict=True)))
    return found, lost


def _of_slope(f: Analytic, ctx: Any, x: Any, h: Any, m: int) -> Any:
    """Return c_m from the derivative of f, and the value from its formula."""
    assert f.slope is not None
    if not m:
        return f.formula(ctx, x)
    signs = ((-1) ** (m - 1 - j) * math.comb(m - 1, j) for j in range(m))
    return (
        sum(s * f.slope(ctx, x + j * h) for j, s in enumerate(signs))
        / math.factorial(m)
        / h ** (m - 1)
    )
