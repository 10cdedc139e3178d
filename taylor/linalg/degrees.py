"""Degree by degree: numbers, growing tables of matrices, and the rules that are made of them."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import Univariate
from taylor.core.operand import is_complex, lift
from taylor.core.parts import part
from taylor.core.table import Rule
from taylor.core.tables import nonzero
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import Floats, Kind, Rationals, base, base_array, floats, is_operand
from taylor.numbers.policy import current_policy
from taylor.numbers.values import as_array, zeros

RULES: dict[str, Rule] = {}


# ------------------------------------------------------------------ matrices
def T(x: Any) -> Any:
    """Return the transposes (no conjugates: these are holomorphic)."""
    return x.swapaxes(-1, -2)


def H(x: Any) -> Any:
    """Return the conjugate transposes."""
    return T(part("conj", x)) if is_complex(x) else T(x)


def transposing(a: Any) -> Callable[[Any], Any]:
    """Return what transposes adjoints: a function of real matrices is linear in complex ones."""
    return H if is_complex(a) else T


def column(c: Any) -> Any:
    """Return numbers of a batch with two more axes of length one."""
    return np.reshape(c, (*np.shape(c), 1, 1))


def mirrored(a: Any, upper: bool = False) -> Any:
    """Return the symmetric (Hermitian) matrices of which one triangle is read."""
    if is_complex(a):
        half = half_of(T(a) if upper else a)
        return T(half) + part("conj", half) if upper else half + H(half)
    i = np.arange(np.shape(a)[-1])
    low, high = np.maximum.outer(i, i), np.minimum.outer(i, i)
    return a[..., high, low] if upper else a[..., low, high]


def eye(n: int, like: Any) -> Any:
    """Return unit matrices in the numbers and with the batch axes of `like`."""
    one = np.eye(n, dtype=int).astype(base_array(like).dtype)
    return np.array(np.broadcast_to(one, (*np.shape(like)[:-2], n, n)))


# ------------------------------------------------------------------ arguments and their numbers
def arguments(name: str, *args: Any, square: bool = False) -> list[Any]:
    """Return the arguments of a function of matrices, integers with the numbers of operands."""
    args = tuple(x if is_operand(x) else np.asarray(x) for x in map(lift, args))
    shape = tuple(np.shape(args[0]))
    if len(shape) < 2 or (square and shape[-1] != shape[-2]):
        wanted = "square matrices (..., n, n)" if square else "matrices (..., m, n)"
        raise ShapeMismatch(f"{name} needs {wanted}, not shape {shape}")
    like = [x for x in args if is_operand(x)]

    def with_numbers(x: Any) -> Any:
        whole = like and not is_operand(x) and x.dtype.kind in "iub"
        return Kind.of(x, *like).array(as_array(x)) if whole else x

    return list(map(with_numbers, args))


def _conversion(name: str, args: Sequence[Any], floating: bool) -> Callable[[Any], Any]:
    """Return what brings the numbers of all arguments together: integers and quotients are floats.

    With `floating` exact numbers are floats, and numbers of mpmath are an error.
    """
    if all(is_operand(x) or x.dtype != object for x in args):
        return lambda x: x
    kind = Kind.of(*args).field
    if floating and not isinstance(kind, Floats):
        if not isinstance(kind, Rationals):
            raise TypeError(f"{name} works in floating point only; convert with .astype(float)")
        kind = floats(np.dtype(float))
    return lambda x: x if is_operand(x) else kind.among(x)


def _by_value(name: str, f: Callable[..., Any], floats: bool = False) -> Callable[..., Any]:
    """Return f for any numbers; a LinAlgError names the function, and in a batch the matrix."""

    def value(*args: Any) -> Any:
        if any(map(is_operand, args)):
            return f(*args)
        if not all([type(x) is np.ndarray and not x.dtype.hasobject for x in args]):
            args = tuple(map(np.asarray, args))
            args = tuple(map(_conversion(name, args, floats), args))
        try:
            return f(*args)
        except np.linalg.LinAlgError as error:
            where = ""
            for i in np.ndindex(*np.shape(args[0])[:-2]):
                try:
                    f(*(x[i] for x in args))
                except np.linalg.LinAlgError:
                    where = f" (matrix {i} of the batch)" if i else ""
                    break
            raise np.linalg.LinAlgError(f"{name}: {error}{where}") from None

    return value


# ------------------------------------------------------------------ tables
class Table:
    """A coefficient table inside a rule, whose part of degree k is computed when asked for.

    `rule(k)` returns that part, given all parts below k; a constant has no rule.
    """

    def __init__(self, algebra: Any, value: Any, rule: Any = None) -> None:
        self.algebra, self.value, self.constant = algebra, value, rule is None
        self.part = functools.cache(rule or (lambda k: 0))
        self.rows: Any = None  # the parts below degree `known`, as they stand in a series
        self.known = 1

    def __call__(self, k: int) -> Any:
        """Return the part of degree k; the number 0 for that of a constant above degree 0."""
        return self.part(k) if k else self.value

    def below(self, k: int) -> Any:
        """Return a coefficient table of which the parts below degree k are known."""
        if self.rows is None:
            like = self.value if is_operand(self.value) else np.asarray(self.value)
            self.rows = zeros((self.algebra.size, *np.shape(like)), like)
            self.rows[0] = like
        for j in range(self.known, k):
            self.rows[self.algebra.part(j)] = self(j)
        self.known = max(self.known, k)
        return self.rows

    def _with(self, other: Table, value: Any, part: Callable[[int], Any]) -> Table:
        return Table(self.algebra, value, None if self.constant and other.constant else part)

    def map(self, f: Callable[[Any], Any]) -> Table:
        """Return f(x) for a linear f of the last axes."""
        return self._with(self, f(self.value), lambda k: f(self(k)))

    def interior(self, spec: str, k: int, other: Table) -> Any:
        """Return Σ einsum(spec, x_j, y_{k-j}) over 1 <= j < k; the number 0 for no term."""
        if k < 2 or self.constant or other.constant:
            return 0
        terms, out = spec.split("->")
        a, b = terms.split(",")
        z = "pqrstuvw"[: np.ndim(self.value) - len(a)]
        x, y = self.below(k), other.below(k)
        return self.algebra.interior_of(f"{z}{a},{z}{b}->{z}{out}", k, x, y)

    def product(self, op: Callable[[Any, Any], Any], spec: str, other: Table) -> Table:
        """Return the product op, which is einsum(spec, ·, ·) for each batch."""

        def of_degree(k: int) -> Any:
            left = 0 if self.constant else op(self(k), other.value)
            right = 0 if other.constant else op(self.value, other(k))
            return left + right + self.interior(spec, k, other)

        return self._with(other, op(self.value, other.value), of_degree)

    def orthogonal(self, k: int) -> Any:
        """Return the Hermitian part -½ Σ_{j=1..k-1} q_jᴴ q_{k-j} of q_0ᴴ q_k, where qᴴq = 1."""
        return -0.5 * self.conjugate.interior("ji,jk->ik", k, self)

    @functools.cached_property
    def conjugate(self) -> Table:
        """The conjugates, for real variables; of real matrices the table itself."""
        return self.map(functools.partial(part, "conj")) if is_complex(self.value) else self

    def scaled(self, c: Table) -> Table:
        """Return the matrix times the number c."""
        return c.product(lambda c, x: column(c) * x, ",ij->ij", self)

    def __matmul__(self, other: Table) -> Table:
        return self.product(np.matmul, "ij,jk->ik", other)

    def __add__(self, other: Table) -> Table:
        return self._with(other, self.value + other.value, lambda k: self(k) + other(k))

    def __sub__(self, other: Table) -> Table:
        return self + other.map(operator.neg)


def line(a: Any, d: Any) -> Table:
    """Return the table of a + t d of order one; None is a constant."""
    return Table(Univariate(1), a, None if d is None else lambda k: d)


def by_columns(solve: Callable[[Any, Any], Any], a: Any, right: Any) -> Any:
    """Return solve(a, right); several matrices on the right, of one degree, are more columns."""
    if np.ndim(right) == np.ndim(a):
        return solve(a, right)
    wide = np.moveaxis(right, 0, -2)
    shape = np.shape(wide)
    x = solve(a, np.reshape(wide, (*shape[:-2], shape[-2] * shape[-1])))
    return np.moveaxis(np.reshape(x, shape), -2, 0)


def together(algebra: Any, values: Sequence[Any], rule: Callable[[int], Any]) -> list[Table]:
    """Return the tables with these values whose parts rule(k) returns together."""
    found = functools.cache(rule)
    return [Table(algebra, x, lambda k, i=i: found(k)[i]) for i, x in enumerate(values)]


# ------------------------------------------------------------------ rules
class Named(Rule):
    """A rule of this package, that is pickled as its name."""

    own = True

    def __init__(self, name: str, *parts: Any) -> None:
        super().__init__(name, *parts)
        RULES[name] = self

    def __reduce__(self) -> tuple[Any, ...]:
        return (_named, (self.name,))


def _named(name: str) -> Rule:
    return RULES[name]


def matrix_rule(
    name: str,
    f: Callable[..., Any],
    vjp: Any,
    series: Callable[..., Sequence[Table]],
    jvp: Any = None,
    check: Any = None,
    floating: bool = False,
) -> Rule:
    """Return the rule of f, a function of plain matrices.

    series(*x, *y) returns the tables of the results from those of the arguments and from their own
    values y.  It is called in the first degree in which an argument varies: what varies nowhere may
    be singular.  Its first degree is the tangent, unless that is given.  A function with a `check`
    works in floating point only (as others do if `floating`), and check(bar, *args, *y) raises
    where it has no derivatives: in reverse mode for the adjoint bar of the last result, otherwise
    (nan) for any.  It may return a symmetric matrix by which that adjoint is multiplied.  Of
    complex matrices it is one of real variables, and vjp takes and returns the conjugates of
    adjoints: the z̃ of Re(z̃ᴴ dz).
    """
    shown, floats = _shown(name), floating or check is not None

    def regular(x: Any, bar: Any, *known: Any) -> Any:
        shares = check(bar, *known)
        if shares is None:
            return x
        return (np.broadcast_to(x, np.shape(known[-1]))[..., None, :] @ shares)[..., 0, :]

    guard = checked(f"regular {name}", regular) if check is not None else None

    def guarded(d: Any, bar: Any, y: Any, args: Sequence[Any]) -> Any:
        lanes = getattr(bar, "active", False)
        if lanes and (not np.any(base(bar)) or current_policy().kink != "error"):
            bar = np.full(np.shape(bar), np.nan)  # of many adjoints in lanes: any
        return d if guard is None or d is None else guard(d, bar, *args, *_results(y))

    def tangent(dargs: Any, y: Any, *args: Any) -> Any:
        moving = [guarded(d, np.array(np.nan), y, args) for d in dargs]
        x = [line(a, d) for a, d in zip(args, moving, strict=True)]
        found = [z(1) for z in series(*x, *_results(y))]
        dy = tuple(v * 0 if type(d) is int else d for v, d in zip(_results(y), found, strict=True))
        return dy if isinstance(y, tuple) else dy[0]

    def adjoint(ybar: Any, y: Any, *args: Any) -> Any:
        *others, last = _results(ybar)
        bars = (*others, guarded(last, last, y, args))
        conjugates = floats and is_complex(args[0])
        if conjugates:
            bars = tuple(part("conj", bar) for bar in bars)
        found = vjp(bars if isinstance(y, tuple) else bars[0], y, *args)
        return tuple(part("conj", bar) for bar in found) if conjugates else found

    step = functools.partial(_step, name, series, guard, floats)
    return Named(name, _by_value(shown, f, floats), adjoint, jvp or tangent, step)


def _results(y: Any) -> tuple[Any, ...]:
    return y if isinstance(y, tuple) else (y,)


def _step(
    name: str, series: Callable[..., Sequence[Table]], guard: Rule | None, floats: bool,
    algebra: Any, args: Sequence[Any], live: Sequence[bool], y: Any,
) -> Callable[[int], Sequence[Any]]:  # fmt: skip
    """Return k -> the parts of degree k of the results: see `matrix_rule`."""
    given: list[Table] = []
    values: list[Any] = []
    results: list[Table] = []

    def of_degree(k: int) -> Sequence[Any]:
        if k == 0:
            change = _conversion(_shown(name), args, floats)
            for x, inside in zip(args, live, strict=True):
                rule = (lambda k, x=x: change(x[algebra.part(k)])) if inside else None
                given.append(Table(algebra, change(x[0] if inside else x), rule))
            values.extend(_results(RULES[name](*(x.value for x in given))))
            return values
        with np.errstate(all="ignore"):  # lanes propagate what their values gave
            if not results:
                if not any(np.any(nonzero(x(k))) for x in given if not x.constant):
                    return [0] * len(values)
                if guard is not None:
                    known = [*(x.value for x in given), *values]
                    guard(np.nan, np.nan, *map(base, known))
                    if any(map(is_operand, known)):  # recorded, perhaps, and run elsewhere
                        given[:] = [_seen_to(x, guard, known) for x in given]
                results.extend(series(*given, *values))
            return [x(k) for x in results]

    return of_degree


def _seen_to(x: Table, guard: Rule, known: Sequence[Any]) -> Table:
    """Return a table whose parts above degree zero go through a guard of known values."""
    if x.constant:
        return x
    return Table(x.algebra, x.value, lambda k: guard(x(k), np.array(np.nan), *known))


def _shown(name: str) -> str:
    return name.removeprefix("regular ").removesuffix("_upper")


def both_triangles(name: str, f: Callable[..., Any], *rest: Any, **more: Any) -> dict[bool, Rule]:
    """Return the rules of f(upper, a): LAPACK reads the lower (False) or the upper triangle."""
    return {
        upper: matrix_rule(name + "_upper" * upper, functools.partial(f, upper), *rest, **more)
        for upper in (False, True)
    }


def _masking(name: str, f: Callable[..., Any]) -> Rule:
    """Return the rule of a function that takes every element times a constant."""
    return matrix_rule(
        name, f, lambda ybar, y, x: (RULES[name](ybar),), lambda x, y: [x.map(RULES[name])]
    )


def _half(x: Any) -> Any:
    half = np.tril(x)
    np.einsum("...ii->...i", half)[...] *= 0.5
    return half


# Φ(x), the lower triangle with half the diagonal: x = Φ(x) + Φ(x)ᴴ if xᴴ = x
half_of = _masking("half", _half)
TRIANGLE = {False: _masking("tril", np.tril), True: _masking("triu", np.triu)}


def checked(name: str, value: Callable[..., Any]) -> Rule:
    """Return the rule (x, *more) -> value, linear in x, that raises wherever it is evaluated.

    It stands in derivatives, which are recorded at one point and may be evaluated at another.
    """

    def vjp(ybar: Any, y: Any, x: Any, *more: Any) -> Any:
        return (RULES[name](ybar, *more), *(None for _ in more))

    step = functools.partial(_step, name, lambda x, *more: [x], None, False)
    return Named(name, _by_value(_shown(name), value), vjp, None, step)
