"""Taylor: arrays of univariate series, and what one does with them."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from taylor.core.advice import asked_by, check_evaluated
from taylor.core.algebra import Univariate, check_order, univariate
from taylor.core.functions import sqrt
from taylor.core.operand import lift
from taylor.core.singular import is_zero
from taylor.core.tables import nonzero
from taylor.core.tags import user_tag
from taylor.errors import DomainError
from taylor.numbers import factorials
from taylor.numbers.data import labels_of
from taylor.numbers.kinds import Array, Floats, Kind, base, content, is_operand
from taylor.numbers.values import as_array, divisible, together, zeros
from taylor.series import text
from taylor.series.coefficients import UNKNOWN, of_class
from taylor.series.powers import PowerSeries, check_inner, horner, solution
from taylor.series.series import level_over
from taylor.series.symbolic import expression


class Taylor(PowerSeries):
    """Univariate series c_0 + c_1 t + ... + c_K t^K + O(t^(K+1)), one for each element of an array.

    `Taylor(coef)` takes the coefficients along the first axis.  A `Taylor` of shape S behaves like
    an array of shape S.

    >>> t = Taylor.variable(0.0, order=4)
    >>> np.exp(t)
    1 + t + 0.5 t² + 0.166667 t³ + 0.0416667 t⁴ + O(t⁵)
    >>> from fractions import Fraction
    >>> Taylor([1, 2, Fraction(3, 2)])
    1 + 2 t + 3/2 t² + O(t³)
    """

    __slots__ = ()
    algebra: Univariate

    def __init__(self, coef: Any) -> None:
        coef = lift(coef)
        table = coef.copy() if is_operand(coef) else as_array(coef)
        if table.ndim == 0:
            raise ValueError(
                "Taylor needs the list of coefficients; for one number use Taylor.constant(c, "
                "order)"
            )
        if len(table) == 0:
            raise ValueError("a series has at least the coefficient of degree 0")
        self._coef = table
        self.algebra = univariate(len(table) - 1)
        self.tag = level_over(table)
        self._place = None
        self._reach = UNKNOWN

    @of_class
    def variable(cls, value: Any, order: int, *, direction: Any = 1) -> Self:
        """Return value + direction·t: the variable of expansion at one point or an array of points.

        >>> Taylor.variable(2, order=3) ** 3
        8 + 12 t + 6 t² + t³ + O(t⁴)
        """
        algebra = univariate(check_order(order))
        if type(value) is float and type(direction) in (float, int) and order:  # the usual case
            table = np.zeros(algebra.size)
            table[0], table[1] = value, direction
            return cls._make(table, algebra, user_tag(0), 1)
        value = lift(value)
        head = value if is_operand(value) else as_array(value)
        kind = Kind.of(head)
        if type(direction) in (float, int) and isinstance(kind, Floats):
            direction = np.asarray(direction, dtype=np.result_type(kind.dtype, direction))
        return cls._seeded(head, algebra, as_array(direction)[None])

    @classmethod
    def constant(cls, value: Any, order: int) -> Self:
        """Return the constant series of a number or an array.

        >>> Taylor.constant(2.5, order=2)
        2.5 + O(t³)
        """
        return cls.variable(value, order, direction=0)

    @classmethod
    def from_polynomial(cls, p: Any, order: int | None = None) -> Self:
        """Return the expansion at 0 of a numpy.polynomial in any basis, or of np.poly1d.

        >>> Taylor.from_polynomial(np.polynomial.Polynomial([1, 2]), order=2)
        1 + 2 t + O(t³)
        >>> Taylor.from_polynomial(np.polynomial.Chebyshev([0, 0, 1.0]))  # 2 t² - 1
        -1 + 2 t² + O(t³)
        """
        if isinstance(p, np.poly1d):
            series = cls(p.coeffs[::-1])
        else:
            series = cls(p.convert(domain=[-1, 1], kind=np.polynomial.Polynomial).coef)
        if order is None or order == series.order:
            return series
        return series.extend(order) if order > series.order else series.truncate(order)

    def to_polynomial(self) -> np.polynomial.Polynomial:
        """Return the numpy.polynomial.Polynomial with the same coefficients."""
        self._one("to_polynomial")
        return np.polynomial.Polynomial(self._coef)

    def to_sympy(self, symbol: Any, *, remainder: bool = False) -> Any:
        """Return the polynomial as an expression of sympy in a symbol; with O(symbol**(order + 1)).

        Exact coefficients are exact; an array of series gives an Array or a Matrix.

        >>> import sympy
        >>> Taylor([1, 2, 3]).to_sympy(sympy.Symbol("t"))
        3*t**2 + 2*t + 1
        """
        rest = None
        if remainder:
            import sympy

            rest = sympy.O(symbol ** (self.order + 1))
        return expression(self._coef, self.algebra.degrees[:, None], [symbol], rest)

    def _one(self, what: str) -> None:
        if self.shape:
            raise ValueError(
                f"{what} needs one series, not an array of shape {self.shape}; index it first"
            )

    def _plain(self, what: str) -> None:
        self._one(what)
        if is_operand(self._coef):
            raise TypeError(
                f"{what} has no derivative: the coefficients of this series are differentiated; "
                "use .value of what they are made of"
            )

    def _basis(self, latex: bool) -> tuple[list[str], str]:
        return text.monomials(["t"], self.algebra.degrees[:, None].tolist(), latex), "t"

    # -------------------------------------------------------------- coefficients and derivatives
    def coefficient(self, k: int) -> Any:
        """Return the Taylor coefficient c_k, the k-th derivative over k!; `coef` holds them all.

        >>> (Taylor.variable(2, order=3) ** 3).coefficient(2)
        6
        """
        k = check_order(k)
        if k > self.order:
            raise ValueError(
                f"a series of order {self.order} has no coefficient {k}; raise the order"
            )
        return self._coef[k]

    def derivative(self, k: int = 1) -> Any:
        """Return the k-th derivative k!·c_k at the point; nan where c_k has underflowed.

        What is left of a subnormal coefficient is no digit: `taylor.derivative`, which chooses the
        scale of the variable, mpf, or a variable with direction=2.0**m have the derivative.

        >>> float(np.sin(Taylor.variable(0.0, order=3)).derivative(3))
        -1.0
        """
        k = check_order(k)
        if k > self.order:
            raise ValueError(
                f"a series of order {self.order} has no derivative {k}; raise the order"
            )
        return factorials.derivative(self._coef, self.algebra.degrees, k, math.factorial(k))

    def derivatives(self) -> NDArray[Any]:
        """Return all derivatives 0..order, along the first axis.

        >>> (Taylor.variable(3, order=2) ** 2).derivatives().tolist()
        [9, 6, 2]
        """
        degrees = self.algebra.degrees
        weights = np.array([math.factorial(k) for k in degrees.tolist()], dtype=object)
        found = factorials.scaled(self._coef, degrees, slice(len(weights)), weights)
        return cast(NDArray[Any], found)

    def deriv(self, m: int = 1) -> Self:
        """Return the series of the m-th derivative; the order is lower by m.

        >>> Taylor([1, 2, 3]).deriv()
        2 + 6 t + O(t²)
        """
        return self._differentiated(0, m)

    def integ(self, m: int = 1, k: Any = 0) -> Self:
        """Return the m-th integral from the expansion point, constants k; the order grows by m.

        A constant may be a number, an array, or a series in other variables.

        >>> Taylor([1.0, 2.0]).integ(k=5)
        5 + t + t² + O(t³)
        """
        m = check_order(m)
        constants = list(k) if isinstance(k, (list, tuple)) else [k] + [0] * (m - 1)
        if m and len(constants) != m:
            raise ValueError(f"{m} integrations need {m} constants, got {len(constants)}")
        y = self._new(divisible(self._coef))
        for c in constants[:m]:
            y = y._integrated(0, c)
        return y

    # -------------------------------------------------------------- evaluation
    def __call__(self, h: Any) -> Any:
        """Return the polynomial at the displacement h (numbers, arrays or series), by Horner.

        >>> float(np.exp(Taylor.variable(0.0, order=20))(1.0))
        2.718281828459045
        """
        h = np.asarray(h) if isinstance(h, (list, tuple)) else content(h)
        if type(h) is not float and labels_of(type(h)) and asked_by(sys._getframe(1)) == "table":
            return self  # as a column: df.assign(y=x)
        check_evaluated(self)
        coef, h = together(self._coef, h)
        return horner(coef, h)

    def compose(self, g: Taylor) -> Self:
        """Return self ∘ g, the series of self(g(t)); g must have the constant term 0.

        >>> t = Taylor.variable(0.0, order=3)
        >>> np.exp(t).compose(2 * t)
        1 + 2 t + 2 t² + 1.33333 t³ + O(t⁴)
        """
        if not isinstance(g, Taylor):
            raise TypeError(
                f"compose needs a Taylor series, not {type(g).__name__}; use y(h) for numbers"
            )
        self._check(g)
        check_inner(g)
        return cast(Self, self(g))

    def inverse(self) -> Self:
        """Return the compositional inverse g of y - y_0 (reversion): y(g(s)) = y_0 + s.

        Newton's method on series doubles the number of right coefficients in each step
        (Brent & Kung, J. ACM 25, 1978).

        >>> t = Taylor.variable(0.0, order=4)
        >>> np.expm1(t).inverse()
        t - 0.5 t² + 0.333333 t³ - 0.25 t⁴ + O(t⁵)
        """
        if self.order == 0:
            raise ValueError("a series of order 0 has no inverse; raise the order")
        slope = base(self._coef[1])
        if np.ndim(slope) == 0 and is_zero(slope):
            raise DomainError(
                "the first derivative is zero: the series has no inverse function here"
            )
        y = self._new(divisible(self._coef))
        f, identity = y - y.value, y._unit(0)
        df = f.deriv().extend(self.order)
        g: Self = identity / y._coef[1]
        known = 1
        while known < self.order:
            g = g - (f(g) - identity) / df(g)
            known *= 2
        return g

    def shift(self, h: Any) -> Self:
        """Return the same polynomial expanded at the point moved by h.

        >>> Taylor([0, 0, 1]).shift(3)
        9 + 6 t + t² + O(t³)
        """
        table, h = together(self._coef, h)
        result = zeros(table.shape, table) + 0 * (h if not is_operand(h) else h.value)
        for k in range(self.order, -1, -1):
            moved = np.concatenate([result[:1] * 0, result[:-1]])
            result = result * h + moved
            result[0] = result[0] + table[k]
        return self._new(result)

    # -------------------------------------------------------------- what the coefficients tell
    def roots(self, radius: float | None = None) -> NDArray[Any]:
        """Return the zeros (displacements) of the polynomial, nearest first, at most `radius` away.

        Without `radius` those inside the estimated radius of convergence are returned.

        >>> np.sin(Taylor.variable(3.0, order=12)).roots(0.5).real.round(12)
        array([0.14159265])
        """
        self._plain("roots")
        coef = divisible(self._coef)
        coef = (
            coef.astype(complex if any(isinstance(c, complex) for c in coef) else float)
            if coef.dtype == object
            else coef
        )
        found = np.polynomial.polynomial.polyroots(np.trim_zeros(coef, "b"))
        found = found[np.argsort(np.abs(found), kind="stable")]
        return found[np.abs(found) <= (self.radius() if radius is None else radius)]

    def radius(self) -> float:
        """Return an estimate of the radius of convergence (inf for a polynomial or a short series).

        The coefficients of an algebraic singularity, or of a conjugate pair, obey
        k c_k = (a k + a') c_{k-1} + (b k + b') c_{k-2} (Gegenbauer); a and b are fitted to the
        upper half of the coefficients, and the radius is the smallest root of 1 = a z + b z².
        Where no such rule fits (three singularities at one distance) it is the root test, to some
        per cent.  Powers of t that never occur are left out before.

        >>> round(np.log(Taylor.variable(2.0, order=40)).radius(), 6)
        2.0
        >>> round((1 / (1 + Taylor.variable(0.5, order=40) ** 2)).radius(), 6)
        1.118034
        """
        self._plain("radius")
        c = np.array([complex(x) for x in self._coef])
        used = np.flatnonzero(c)
        half = self.order // 2
        if len(used) == 0 or used[-1] < max(half, 4):
            return math.inf
        stride = int(np.gcd.reduce(np.diff(used[used > 0]))) or 1
        first = int(used[-1]) % stride  # t**first times a series in t**stride
        return float(_radius(c[first::stride], first / stride) ** (1 / stride))

    def pade(self, m: int, n: int) -> tuple[Self, Self]:
        """Return (p, q) of degrees m and n with p/q = self + O(t^(m+n+1)) and q_0 = 1.

        Baker & Graves-Morris, Padé Approximants, eq. 1.1.8; exact for int and Fraction.

        >>> p, q = np.exp(Taylor.variable(0.0, order=4)).pade(2, 2)
        >>> round(float(p(1.0) / q(1.0)), 12)
        2.714285714286
        """
        self._one("pade")
        m, n = check_order(m), check_order(n)
        if m + n > self.order:
            raise ValueError(f"Padé [{m}/{n}] needs order {m + n}, the series has {self.order}")
        c = self._coef

        def at(k: int) -> Any:
            return c[k] if k >= 0 else c[0] * 0

        columns = [_stack([at(m + i - j) for i in range(1, n + 1)], c) for j in range(1, n + 1)]
        one = [c[0] * 0 + 1]
        q = one
        if n:
            right = -_stack([at(m + i) for i in range(1, n + 1)], c)
            try:
                q = [*one, *solution(np.stack(columns, axis=1), right[:, None])[:, 0]]
            except np.linalg.LinAlgError:
                raise DomainError(
                    "the Padé table has no entry here (a singular system); change a degree"
                ) from None
        p = [sum((q[j] * at(k - j) for j in range(min(k, n) + 1)), c[0] * 0) for k in range(m + 1)]
        top, bottom = (self._new(_stack(x, c), univariate(len(x) - 1)) for x in (p, q))
        return top, bottom


def formal_sqrt(x: Taylor) -> Taylor:
    """Return the formal square root of a univariate series: t**n·u even where sqrt is |t|**n·u.

    The leading degree v must be even and its coefficient positive; v/2 degrees are lost.

    >>> from taylor import Taylor
    >>> formal_sqrt(Taylor([0, 0, 4.0, 4.0, 1.0]))
    2 t + t² + O(t⁴)
    """
    if not isinstance(x, Taylor) or x.shape:
        raise TypeError("formal_sqrt needs one univariate series; use sqrt for numbers and arrays")
    used = np.flatnonzero(nonzero(x._coef))
    v = int(used[0]) if len(used) else 0
    if v % 2:
        raise DomainError(
            f"a series that starts at odd degree {v} has no square root in powers of t"
        )
    if v == 0:
        return sqrt(x)
    root = sqrt(x._new(x._coef[v:], univariate(x.order - v)))
    zero = zeros((v // 2,), root._coef)
    return root._new(np.concatenate([zero, root._coef]), univariate(x.order - v // 2))


def _radius(c: Array, shift: float) -> float:
    """Return an estimate of the radius of convergence of Σ c_j t^(j + shift), without gaps."""
    order = len(c) - 1
    j = np.arange(max(order // 2, 2), order + 1)
    if np.count_nonzero(c[j]) < 4:
        return math.inf
    k = j + shift
    scale = float(np.max(np.abs(c[j]) ** (1.0 / k)))
    c = c * scale ** -np.arange(order + 1.0)
    rows = np.stack([k * c[j - 1], c[j - 1], k * c[j - 2], c[j - 2]], axis=1)
    one, residual = _fit(rows[:, :2], k * c[j])
    two, left = _fit(rows, k * c[j])
    if min(residual, left) > 0.1:
        return 1 / scale
    a, b = (one[0], 0.0) if residual < 1e-3 else (two[0], two[2])
    growth = np.abs(np.roots([1.0, -a, -b])).max()
    return float(1 / (growth * scale)) if growth > 1e-12 else math.inf


def _fit(rows: Array, right: Array) -> tuple[Array, float]:
    """Return the least-squares solution and the relative size of its residual."""
    x = np.linalg.lstsq(rows, right, rcond=None)[0]
    return x, float(np.linalg.norm(rows @ x - right) / np.linalg.norm(right))


def _stack(parts: Sequence[Any], like: Array) -> Array:
    if is_operand(like):
        return np.stack(list(parts))
    out = np.empty((len(parts), *np.shape(like)[1:]), dtype=like.dtype)
    for k, c in enumerate(parts):
        out[k] = c
    return out
