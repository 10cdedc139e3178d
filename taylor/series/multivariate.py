"""TaylorN: arrays of multivariate series, their partial derivatives and maps of them."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Sequence
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from taylor.core.advice import asked_by, check_evaluated
from taylor.core.algebra import check_order
from taylor.core.graded import Monomials, multivariate
from taylor.errors import DomainError, ShapeMismatch
from taylor.machine.substitution import composed, evaluated
from taylor.numbers import factorials
from taylor.numbers.data import labels_of
from taylor.numbers.kinds import Array, is_operand
from taylor.numbers.values import as_array, divisible, together, unit_rows, zeros
from taylor.series import text
from taylor.series.coefficients import UNKNOWN
from taylor.series.powers import PowerSeries, check_inner, horner, solution
from taylor.series.symbolic import expression

FLOAT = np.dtype(float)
MOST = 1 << 26  # partial derivatives in one array


class TaylorN(PowerSeries):
    """Series in n variables, truncated above a total order, one for each element of an array.

    >>> x, y = TaylorN.variables([1.0, 2.0], order=2)
    >>> x * y
    2 + 2 x + y + x y + O(‖x‖³)
    """

    __slots__ = ()
    algebra: Monomials

    @classmethod
    def variables(cls, values: Any, order: int) -> tuple[Self, ...]:
        """Return the n variables x_i = values[i] + dx_i; each value may be an array.

        >>> len(TaylorN.variables([1, 2, 3], order=5))
        3
        """
        if not hasattr(values, "__len__"):
            raise TypeError(
                f"variables needs the values of the variables, one after the other, not {values!r}"
            )
        return cls._variables(list(values), multivariate(len(values), order))

    @classmethod
    def seeded(cls, x: Array, order: int) -> Self:
        """Return an array x of numbers whose every element is a variable of its own.

        >>> TaylorN.seeded(np.zeros((2, 2)), order=1).algebra.variables
        4
        """
        x = x if is_operand(x) else as_array(x)
        return cls._seeded(x, multivariate(x.size, order), unit_rows(x.size, x.shape, x))

    def _basis(self, latex: bool) -> tuple[list[str], str]:
        n = self.algebra.variables
        names = list("xyz"[:n]) if n <= 3 else text.indexed("x", n, latex)
        size = names[0] if n == 1 else r"\|x\|" if latex else "‖x‖"
        return text.monomials(names, self.algebra.exponents.tolist(), latex), size

    def to_sympy(self, *symbols: Any) -> Any:
        """Return the polynomial as an expression of sympy in a symbol for each variable.

        Exact coefficients are exact; an array of series gives an Array or a Matrix.

        >>> import sympy
        >>> x, y = TaylorN.variables([1, 2], order=2)
        >>> (x * y).to_sympy(*sympy.symbols("x y"))
        x*y + 2*x + y + 2
        """
        n = self.algebra.variables
        if len(symbols) != n:
            raise TypeError(f"to_sympy takes a symbol for each of {n} variables")
        return expression(self._coef, self.algebra.exponents, symbols)

    # -------------------------------------------------------------- coefficients and derivatives
    def coefficient(self, alpha: Sequence[int]) -> Any:
        """Return the Taylor coefficient c_α of the monomial x^α.

        >>> x, y = TaylorN.variables([0, 0], order=3)
        >>> (x * x * y).coefficient((2, 1))
        1
        """
        return self._coef[self.algebra.index(alpha)]

    def partial(self, alpha: Sequence[int]) -> Any:
        """Return the partial derivative ∂^α at the point: α!·c_α.

        >>> x, y = TaylorN.variables([0, 0], order=3)
        >>> (x * x * y).partial((2, 1))
        2
        """
        index = self.algebra.index(alpha)
        factorial = math.prod(math.factorial(a) for a in alpha)
        return factorials.derivative(self._coef, self.algebra.degrees, index, factorial)

    def tensor(self, k: int) -> NDArray[Any]:
        """Return all partial derivatives of order k, a symmetric array of shape S + (n,)*k.

        >>> x, y = TaylorN.variables([1.0, 2.0], order=2)
        >>> (x * y).tensor(2)
        array([[0., 1.],
               [1., 0.]])
        """
        k = check_order(k)
        if k > self.order:
            raise ValueError(f"a series of order {self.order} has no derivatives of order {k}")
        n, part = self.algebra.variables, self.algebra.part(k)
        if n**k > MOST:
            raise ValueError(
                f"{n}^{k} partial derivatives of order {k} in {n} variables are too many for one "
                "array; .partial(alpha) is one of them, taylor.directional those along a line"
            )
        if k == 1:  # the coefficients, in the order of the variables
            return cast(NDArray[Any], np.moveaxis(self._coef[np.arange(1, n + 1)], 0, -1))
        spot, weights = self.algebra.derivatives(k)
        scaled = factorials.scaled(self._coef, self.algebra.degrees, part, weights)
        full = np.moveaxis(scaled[spot], 0, -1)
        return cast(NDArray[Any], full.reshape((*self.shape, *(n,) * k)))

    def gradient(self) -> NDArray[Any]:
        """Return the first partial derivatives, shape S + (n,).

        >>> x, y = TaylorN.variables([1.0, 2.0], order=1)
        >>> (x * y).gradient()
        array([2., 1.])
        """
        return self.tensor(1)

    def hessian(self) -> NDArray[Any]:
        """Return the second partial derivatives, shape S + (n, n).

        >>> x, y = TaylorN.variables([1, 2], order=2)
        >>> (x**2 * y).hessian().tolist()
        [[4, 2], [2, 0]]
        """
        return self.tensor(2)

    def deriv(self, i: int, m: int = 1) -> Self:
        """Return ∂^m/∂x_i^m as a series; the order is lower by m.

        >>> x, y = TaylorN.variables([0, 0], order=2)
        >>> (x * y).deriv(1)
        x + O(‖x‖²)
        """
        return self._differentiated(self._variable(i), m)

    def integ(self, i: int, k: Any = 0) -> Self:
        """Return the integral along x_i from the expansion point, plus k; the order grows by one.

        k may be a number, an array, or a series (of the higher order) in the other variables.

        >>> x, y = TaylorN.variables([0.0, 0.0], order=1)
        >>> y.integ(0)
        x y + O(‖x‖³)
        """
        return self._integrated(self._variable(i), k)

    def _variable(self, i: int) -> int:
        n = self.algebra.variables
        if not -n <= operator.index(i) < n:
            raise IndexError(f"there is no variable {i} among {n}")
        return int(i) % int(n)

    # -------------------------------------------------------------- evaluation and composition
    def __call__(self, dx: Any) -> Any:
        """Return the polynomial at the displacement dx (n numbers, arrays or series).

        >>> x, y = TaylorN.variables([1.0, 2.0], order=2)
        >>> float((x * y)([0.5, 0.5]))
        3.75
        """
        if labels_of(type(dx)) and asked_by(sys._getframe(1)) == "table":
            return self  # as a column: df.assign(y=x)
        check_evaluated(self)
        n = self.algebra.variables
        steps = list(dx) if isinstance(dx, (list, tuple)) or np.ndim(dx) else [dx]
        if len(steps) != n:
            raise ShapeMismatch(
                f"a series in {n} variables needs {n} displacements, got {len(steps)}"
            )
        coef, *steps = together(self._coef, *steps)
        found = _by_code(self.algebra, coef, steps)
        if found is not None:
            return found
        return self._horner(coef, steps, 0, np.arange(self.algebra.size))

    def _horner(self, coef: Array, steps: list[Any], i: int, rows: Array) -> Any:
        """Evaluate the monomials `rows`, nested by the powers of variable i."""
        if i == len(steps):
            return coef[rows[0]]
        powers = self.algebra.exponents[rows, i]
        parts = [rows[powers == k] for k in range(int(powers.max()) + 1)]
        terms = [self._horner(coef, steps, i + 1, r) if len(r) else None for r in parts]
        return horner(terms, steps[i])

    def compose(self, maps: Sequence[Any]) -> Self:
        """Return self(g_1, ..., g_n): composition with series whose constant terms are 0.

        >>> x, y = TaylorN.variables([0.0, 0.0], order=2)
        >>> (x * y).compose([x + y, x - y])
        x² - y² + O(‖x‖³)
        """
        for g in maps:
            check_inner(g)
        return cast(Self, self(maps))

    def subs(self, i: int, value: Any) -> Self:
        """Return the series with the displacement of variable i replaced by a number or a series.

        >>> x, y = TaylorN.variables([0.0, 0.0], order=2)
        >>> (x * y + x).subs(1, 3.0)
        4 x + O(‖x‖³)
        """
        steps: list[Any] = [self._unit(j) for j in range(self.algebra.variables)]
        steps[self._variable(i)] = value
        return cast(Self, self(steps))


def inverse_map(maps: Sequence[TaylorN]) -> list[TaylorN]:
    """Return the inverse of a map of n series in n variables: g with maps(g(s)) = values + s.

    Newton's iteration g <- g - J⁻¹ (f(g) - s) with the constant Jacobian J gains one order a step,
    which is taken up to that order only.

    >>> x, y = TaylorN.variables([0.0, 0.0], order=3)
    >>> g = inverse_map([x + y * y, y])
    >>> g[0]
    x - y² + O(‖x‖⁴)
    """
    if (
        not isinstance(maps, (list, tuple))
        or not maps
        or any(not isinstance(m, TaylorN) or m.shape for m in maps)
    ):
        raise TypeError("inverse_map needs a list of scalar TaylorN series")
    n, order = maps[0].algebra.variables, maps[0].order
    for m in maps:
        maps[0]._check(m)
    if len(maps) != n:
        raise ShapeMismatch(
            f"a map of {n} variables needs {n} series to be invertible, got {len(maps)}"
        )
    if not order:
        raise ValueError("series of order 0 have no inverse: their slopes are not known")
    y: Any = np.stack([m._new(divisible(m._coef)) for m in maps])
    like = y._coef
    jacobian = np.swapaxes(like[1 : 1 + n], 0, 1)
    plain = not is_operand(like) and like.dtype != object
    singular = plain and np.linalg.matrix_rank(jacobian) < n
    try:
        inverse = solution(jacobian, unit_rows(n, (n,), like))
    except np.linalg.LinAlgError:
        singular = True
    if singular:
        raise DomainError("the Jacobian is singular: the map has no inverse here")
    f = y - y.value
    s = y._seeded(zeros((n,), like), multivariate(n, 1), unit_rows(n, (n,), like), y.tag)
    g = inverse @ s
    for k in range(2, order + 1):
        g, s = g.extend(k), s.extend(k)
        g = g - inverse @ (f.truncate(k)(list(g)) - s)
    return list(g)


# ------------------------------------------------------------------ by machine code
def _by_code(algebra: Monomials, coef: Any, steps: Sequence[Any]) -> Any:
    """Return polynomials of floats at series of floats, or at arrays of them; else None."""
    if type(coef) is not np.ndarray or coef.dtype is not FLOAT or not coef.size:
        return None
    series = [x for x in steps if isinstance(x, TaylorN)]
    if series:
        return _at_series(algebra, coef, series[0], steps)
    if not all(isinstance(x, float) or getattr(x, "dtype", None) is FLOAT for x in steps):
        return None
    arrays = np.broadcast_arrays(*steps)
    shape, kept = arrays[0].shape, max(coef.ndim - arrays[0].ndim, 1)
    if set(coef.shape[kept:]) - {1}:  # arrays that meet arrays
        return None
    points = np.stack([x.reshape(-1) for x in arrays])
    found = evaluated(algebra, coef.reshape(algebra.size, -1), points)
    return None if found is None else found.reshape((*coef.shape[1:kept], *shape))[()]


def _at_series(algebra: Monomials, coef: Any, owner: TaylorN, steps: Sequence[Any]) -> Any:
    """Return polynomials of floats at series of floats and plain floats; else None."""
    table, reach = np.zeros((len(steps), owner.algebra.size)), np.zeros(len(steps))
    for i, x in enumerate(steps):
        if x is owner or owner._fellow(x):
            if type(x._coef) is not np.ndarray or x._coef.dtype is not FLOAT or x.shape:
                return None
            table[i], reach[i] = x._coef, x._reach
        elif isinstance(x, float):
            table[i, 0] = x
        else:
            return None
    c = coef.reshape(algebra.size, -1)
    found = composed(algebra, c, owner.algebra, table)
    if found is None:
        return None
    used = algebra.exponents[c.any(1)]
    degree = max(used @ reach, default=0.0) if np.isfinite(reach).all() else UNKNOWN
    whole = degree if degree <= owner.order else UNKNOWN
    return owner._new(found.T.reshape(-1, *coef.shape[1:]), reach=whole)
