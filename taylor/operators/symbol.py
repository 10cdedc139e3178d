"""Symbols of linear differential operators: polynomials in ∂, such as d.x**2 + d.y**2.

    >>> d = partials("x", "y")
    >>> d.x**2 + 2 * d.x * d.y
    d.x² + 2 d.x d.y

A coefficient may also be a function of the point; it stands to the left of all derivatives.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import groupby, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.numbers.kinds import is_operand, shown
from taylor.numbers.values import is_complex, is_number

Monomial = tuple[
    int, ...
]  # the variables of a product of derivatives, ascending: ∂0²∂3 is (0, 0, 3)
Coefficient = Callable[..., Any]
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
SHOWN = 12  # terms of a symbol
MOST = 1 << 22  # products of terms in a product of symbols


def factorial(m: Monomial) -> int:
    """Return α! of the exponents α of a monomial.

    >>> factorial((0, 0, 0, 2))
    6
    """
    return math.prod(math.factorial(len(list(same))) for _, same in groupby(m))


def at_most(order: int, n: int) -> list[int]:
    """Return what the dimensions of the algebra of an operator in n variables do not exceed.

    That of degree d is the rank of a matrix of the monomials of degrees d and order - d.

    >>> at_most(4, 6)
    [1, 6, 21, 6, 1]
    """
    return [monomial_count(n, min(d, order - d)) for d in range(order + 1)]


def monomial_count(n: int, degree: int) -> int:
    """Return how many monomials of a degree there are in n variables."""
    return math.comb(n + degree - 1, degree)


def dimensions_shown(dimensions: Sequence[int]) -> str:
    """Return the number of coefficients, and by degree: what an algebra would take."""
    found = ", ".join(map(str, dimensions[:SHOWN])) + ", ..." * (len(dimensions) > SHOWN)
    return f"up to {sum(dimensions)} coefficients ({found}) for each number of f"


class Partials:
    """The derivatives with respect to named variables, each a number or a vector of them.

    d.x is the derivative by the number x, d.y[2] that by an element of the vector y; a single
    vector needs no name: d[2].  `d @ A @ d` is Σ A_ij ∂_i ∂_j, and so is `d.y @ A @ d.y`.
    """

    def __init__(self, sizes: Mapping[str, int | None]) -> None:
        ends = np.cumsum([1 if n is None else n for n in sizes.values()]).tolist()
        self.sizes = dict(sizes)
        starts = dict(zip(sizes, [0, *ends], strict=False))
        self._parts = {
            name: Symbol(self, {(starts[name],): 1})
            if n is None
            else Vector([Symbol(self, {(starts[name] + i,): 1}) for i in range(n)])
            for name, n in sizes.items()
        }

    reads_of_users = ()  # nothing of it changes
    __array_ufunc__ = None

    def __getattr__(self, name: str) -> Any:
        parts = self.__dict__.get("_parts", {})  # none while it is unpickled
        if name not in parts:
            known = ", ".join(k or "d[0], d[1], ..." for k in parts)
            raise AttributeError(f"there is no variable {name!r}; there are {known}")
        return parts[name]

    def _all(self) -> Vector:
        each = ([x] if isinstance(x, Symbol) else x for x in self._parts.values())
        return Vector([x for part in each for x in part])

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[Symbol]:
        return iter(self._all())

    def __getitem__(self, i: Any) -> Any:
        try:
            return self._all()[i]
        except (IndexError, TypeError):
            known = ", ".join(self.names[:6]) + ", ..." * (len(self) > 6)
            raise IndexError(f"there is no variable {i!r}; there are {known}") from None

    def __matmul__(self, other: Any) -> Any:
        return self._all() @ other

    def __rmatmul__(self, other: Any) -> Any:
        return other @ self._all()

    def __mul__(self, other: Any) -> Any:
        return self._all() * other

    def __rmul__(self, other: Any) -> Any:
        return other * self._all()

    def __truediv__(self, other: Any) -> Any:
        return self._all() / other

    def __pow__(self, exponent: int) -> Any:
        return self._all() ** exponent

    def __neg__(self) -> Any:
        return -self._all()

    @property
    def names(self) -> list[str]:
        """The names of the variables, in order."""
        plain = len(self.sizes) == 1 and "" in self.sizes
        found = []
        for name, n in self.sizes.items():
            head = "d" if plain else f"d.{name}"
            found += [head] if n is None else [f"{head}[{i}]" for i in range(n)]
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Partials) and [*self.sizes.items()] == [*other.sizes.items()]

    def __hash__(self) -> int:
        return hash(tuple(self.sizes.items()))

    def __repr__(self) -> str:
        return f"<derivatives by {', '.join(self.names[:6])}{', ...' * (len(self) > 6)}>"


def partials(*names: str | int, **sizes: int) -> Partials:
    """Return the derivatives by variables: of one vector, of named numbers and named vectors.

    partials(3) has d[0], d[1], d[2]; partials("t", "x") has d.t and d.x; partials("t", x=3) has
    d.t, d.x[0], d.x[1], d.x[2].  Named ones are the arguments of a function, in this order.

    >>> d = partials("t", x=2)
    >>> d.t - d.x @ d.x
    d.t - d.x[0]² - d.x[1]²
    """
    if len(names) == 1 and not sizes and isinstance(names[0], (int, np.integer)):
        return Partials({"": _count(names[0])})
    given: dict[str, int | None] = {}
    for name in names:
        if not isinstance(name, str) or not name.isidentifier():
            raise TypeError(
                f"partials takes the number of variables, partials(3), or names of arguments, "
                f'partials("t", "x"), not {name!r}'
            )
        if name in given or name in sizes:
            raise ValueError(f"the variable {name!r} is given twice")
        given[name] = None
    given.update({name: _count(n) for name, n in sizes.items()})
    if not given:
        raise TypeError("partials() needs the number of variables, or their names")
    return Partials(given)


def _count(n: Any) -> int:
    if not isinstance(n, (int, np.integer)):
        raise TypeError(f"the size of a vector of variables is an integer, not {n!r}")
    if n < 1:
        raise ValueError(f"a vector of variables has at least one element, not {n}")
    return int(n)


class Vector(tuple["Symbol", ...]):
    """A vector of symbols: v[i], v[i:j], v @ w = Σ v_i w_i, v @ A and A @ v for a matrix A.

    Of a vector a of numbers v @ a = a @ v is the derivative along it, Σ a_i v_i.

    Vectors add, and are multiplied by numbers and functions, as those of numbers are.
    """

    __array_ufunc__ = None

    def __getitem__(self, i: Any) -> Any:
        try:
            found = tuple(self)[i]
        except IndexError:
            raise IndexError(f"there is no element {i} in a vector of {len(self)}") from None
        return Vector(found) if isinstance(i, slice) else found

    def __add__(self, other: Any) -> Vector:
        return Vector(a + b for a, b in zip(self, self._like(other), strict=True))

    def __sub__(self, other: Any) -> Vector:
        return self + -self._like(other)

    def __neg__(self) -> Vector:
        return Vector(-v for v in self)

    def __mul__(self, other: Any) -> Vector:
        if isinstance(other, (Vector, Partials)):
            raise TypeError("the product of two vectors of derivatives is v @ w")
        return Vector(v * other for v in self)

    def __rmul__(self, other: Any) -> Vector:
        return Vector(other * v for v in self)

    def __truediv__(self, other: Any) -> Vector:
        return Vector(v / other for v in self)

    def __pow__(self, exponent: int) -> Vector:
        raise TypeError("powers are those of symbols: (v @ v)**k of the Laplacian, v[0]**k of one")

    def _like(self, other: Any) -> Vector:
        """Return another vector of as many symbols."""
        other = Vector(other) if isinstance(other, Partials) else other
        if not isinstance(other, Vector):
            raise TypeError(f"a vector of derivatives meets {other!r}: take its elements")
        if len(other) != len(self):
            raise ValueError(f"vectors of {len(self)} and {len(other)} derivatives meet")
        return other

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, (Vector, Partials)):
            return _total(a * b for a, b in zip(self, self._like(other), strict=True))
        a = _numbers(other, len(self))
        return self._combined(a) if a.ndim == 1 else Vector(map(self._combined, a.T))

    def __rmatmul__(self, other: Any) -> Any:
        return self @ (other if _is_function(other) else np.transpose(other))

    def _combined(self, coefficients: NDArray[Any]) -> Symbol:
        return _total(v * c for c, v in zip(coefficients.tolist(), self, strict=True))


def _numbers(a: Any, rows: int) -> NDArray[Any]:
    if _is_function(a):
        raise TypeError(
            "a matrix that depends on the point: write hessian_trace(f, x, A(x)), or its elements"
        )
    found: NDArray[Any] = np.asarray(a)
    if found.ndim not in (1, 2) or len(found) != rows:
        raise ValueError(
            f"a vector of {rows} numbers or a matrix of {rows} rows is needed, "
            f"not one of shape {found.shape}"
        )
    return found


def _is_function(x: Any) -> bool:
    """Whether x is a function; series and constants of mpmath are numbers that can be called."""
    return callable(x) and not is_operand(x) and not hasattr(x, "_mpf_")


def _total(symbols: Iterable[Symbol]) -> Symbol:
    found = list(symbols)
    terms: dict[Monomial, Any] = {}
    for s in found:
        for m, c in s.terms.items():
            terms[m] = terms.get(m, 0) + c
    return Symbol(found[0].variables, terms, sum((s.varying for s in found), ()))


class Symbol:
    """A polynomial in the derivatives by some variables: Σ c_α ∂^α + Σ_j a_j(x) P_j(∂).

    Symbols add, multiply and take powers as polynomials do; numbers and functions of the point are
    coefficients.  A function times a symbol stands for x ↦ a(x)·(Pf)(x).
    """

    __slots__ = ("terms", "variables", "varying")
    __array_ufunc__ = None

    def __init__(
        self,
        variables: Partials,
        terms: Mapping[Monomial, Any],
        varying: tuple[tuple[Coefficient, Symbol], ...] = (),
    ) -> None:
        self.variables = variables
        self.terms = {m: c for m, c in terms.items() if c != 0}
        self.varying = varying

    # -------------------------------------------------------------- arithmetic
    def _met(self, other: Any) -> Symbol | None:
        """Return a symbol, a number, or a function of the point as a symbol; None for others."""
        if isinstance(other, Symbol):
            if other.variables != self.variables:
                raise ValueError(
                    f"symbols in different variables meet: {self.variables} and {other.variables}"
                )
            return other
        if isinstance(other, np.ndarray) and not other.ndim:
            other = other[()]
        known = isinstance(other, (numbers.Number, Fraction)) or hasattr(other, "_mpf_")
        if known and not is_operand(other):
            if other - other != 0:
                raise ValueError(f"a coefficient of a symbol is {other}")
            exact = isinstance(other, (int, np.integer))
            return Symbol(self.variables, {(): int(other) if exact else other})
        varies = is_operand(other) or is_number(other)
        if varies and not np.ndim(other):
            return Symbol(self.variables, {(): 1}).scaled(Given(other))
        if varies or isinstance(other, np.ndarray):
            raise TypeError(
                "an array is no coefficient of a symbol: write a function of the point for one "
                "that depends on it, or multiply what P(f, x) returns; a matrix stands in d @ A @ d"
            )
        return Symbol(self.variables, {(): 1}).scaled(other) if callable(other) else None

    def __add__(self, other: Any) -> Symbol:
        met = self._met(other)
        return NotImplemented if met is None else _total([self, met])

    __radd__ = __add__

    def __neg__(self) -> Symbol:
        return self * -1

    def __sub__(self, other: Any) -> Symbol:
        met = self._met(other)
        return NotImplemented if met is None else self + -met

    def __rsub__(self, other: Any) -> Symbol:
        return (-self).__add__(other)

    def scaled(self, a: Coefficient) -> Symbol:
        """Return a(x)·P for a function a of the point."""
        plain = Symbol(self.variables, self.terms)
        inner = tuple((_times(a, b), p) for b, p in self.varying)
        return Symbol(self.variables, {}, (((a, plain),) if self.terms else ()) + inner)

    def __mul__(self, other: Any) -> Symbol:
        met = self._met(other)
        if met is None:
            return NotImplemented
        after = self.varying or any(self.terms)
        if after and not all(isinstance(a, Given) for a, _ in met.varying):
            raise TypeError(
                "a derivative of a coefficient that depends on the point: write it on the left of "
                "all derivatives, a * (d.x * d.y), and its own derivatives as coefficients"
            )
        if len(self.terms) * len(met.terms) > MOST:
            each = at_most(self.order + met.order, len(self.variables))
            raise MemoryError(
                f"a product of symbols of {len(self.terms)} and {len(met.terms)} terms, in an "
                f"algebra of {dimensions_shown(each)}: apply one after the other, or take an "
                "unbiased estimate (taylor.operators.estimate_laplacian)"
            )
        terms: dict[Monomial, Any] = {}
        for m, c in self.terms.items():
            for k, b in met.terms.items():
                key = tuple(sorted(m + k))
                terms[key] = terms.get(key, 0) + c * b
        mine, theirs = Symbol(self.variables, self.terms), Symbol(met.variables, met.terms)
        varying = [(a, p * theirs) for a, p in self.varying if met.terms]
        varying += [(b, mine * q) for b, q in met.varying if self.terms]
        varying += [(_times(a, b), p * q) for a, p in self.varying for b, q in met.varying]
        return Symbol(self.variables, terms, tuple(varying))

    def __rmul__(self, other: Any) -> Symbol:
        if _is_function(other):
            return self.scaled(other)
        met = self._met(other)
        return NotImplemented if met is None else met * self

    def __truediv__(self, other: Any) -> Symbol:
        if isinstance(other, Symbol) or _is_function(other):
            raise TypeError("a symbol is divided by numbers only")
        return self * (Fraction(1, other) if isinstance(other, int) else 1 / other)

    def __rtruediv__(self, other: Any) -> Symbol:
        raise TypeError("a symbol divides nothing: it is a polynomial in derivatives")

    def __pow__(self, exponent: int) -> Symbol:
        if not isinstance(exponent, (int, np.integer)):
            raise TypeError(f"a power of a symbol is an integer 0, 1, 2, ..., not {exponent!r}")
        n = int(exponent)
        if n < 0:
            raise ValueError(f"a power of a symbol is 0, 1, 2, ..., not {n}")
        found = Symbol(self.variables, {(): 1})
        for _ in range(n):
            found = found * self
        return found

    # -------------------------------------------------------------- what it is
    @property
    def order(self) -> int:
        """The highest order of its derivatives."""
        inner = [p.order for _, p in self.varying]
        return max([len(m) for m in self.terms] + inner, default=0)

    @property
    def reads_of_users(self) -> list[Coefficient]:
        """What of it may do something else later: coefficients that depend on the point."""
        return [a for a, _ in self.varying]

    @property
    def given(self) -> bool:
        """Whether it holds a parameter, which is another one the next time."""
        return any(isinstance(a, Given) for a, _ in self.varying)

    def homogeneous(self) -> dict[int, dict[Monomial, Any]]:
        """Return the terms with constant coefficients by their order."""
        found: dict[int, dict[Monomial, Any]] = {}
        for m, c in self.terms.items():
            found.setdefault(len(m), {})[m] = c
        return found

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Symbol):
            return NotImplemented
        mine, theirs = ((s.variables, dict(s.terms), s.varying) for s in (self, other))
        return mine == theirs

    def __hash__(self) -> int:
        return hash((self.variables, frozenset(self.terms.items()), self.varying))

    @property
    def types(self) -> tuple[Any, ...]:
        """The types of its coefficients: 2 and 2.0 are equal, what is computed with them is not."""
        inner = (p.types for _, p in self.varying)
        return frozenset((m, type(c)) for m, c in self.terms.items()), *inner

    def __repr__(self) -> str:
        names = self.variables.names
        found = ""
        for m, c in islice(self.terms.items(), SHOWN):
            powers = ((names[i], len(list(same))) for i, same in groupby(m))
            text = " ".join(n + str(p).translate(RAISED) * (p > 1) for n, p in powers)
            negative = not is_complex(c) and c < 0
            size = -c if negative else c
            factor = "" if size == 1 and text else f"{size} " if text else f"{size}"
            found += (" - " if negative else " + ") + factor + text
        if len(self.terms) > SHOWN:
            found += f" + ... ({len(self.terms)} terms)"
        for a, p in self.varying:
            found += f" + {a if isinstance(a, Given) else shown(getattr(a, '__name__', a))}·({p})"
        found = found or " + 0"
        return ("-" if found[1] == "-" else "") + found[3:]


class Given:
    """A coefficient that is a number, but not a known one: a parameter, an interval."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, *args: Any) -> Any:
        return self.value

    def __repr__(self) -> str:
        return shown(self.value)


def _times(a: Coefficient, b: Coefficient) -> Coefficient:
    if isinstance(a, Given) and isinstance(b, Given):
        return Given(a.value * b.value)

    def product(*args: Any) -> Any:
        return a(*args) * b(*args)

    return product
