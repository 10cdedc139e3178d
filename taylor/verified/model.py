"""Taylor models: a float polynomial on a box and a radius that holds whatever it leaves out.

On a box, x_i = c_i + s_i ξ_i with ξ in [-1, 1]^n, a model (P, r) of f says

    f(x) is in P(ξ) + [-r, r] for every ξ

(Makino and Berz, Int. J. Pure Appl. Math. 4, 2003).  Since |ξ| <= 1, the sum |P| of the absolute
coefficients bounds P, and with it all that a product leaves out: what has too high a degree, the
other radius times |P|, and rounding, which is at most u·|a|·|b| for each of the products that a
coefficient is a sum of.  So the polynomial is computed in any order and rounded to nearest, and no
rounding mode is ever set.

A space may have linear generators η in [-1, 1] besides the symbols ξ: no product of two of them is
kept.  They carry the errors of a flow along.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from taylor.core.applied import Call
from taylor.core.calls import Row
from taylor.core.einsum import Einsum
from taylor.core.instructions import ADD, DIV, MUL, Arithmetic, Op, Scale
from taylor.core.lookups import Lookup
from taylor.core.maps import Contract, Gather, Map, Reshape
from taylor.core.operand import Operand, Shape, binary, fits, lift
from taylor.core.sides import Choose
from taylor.core.tables import pad
from taylor.core.tags import Tag
from taylor.errors import AlgebraMismatch, DomainError, NonAnalyticError
from taylor.numbers.formulas import Constant
from taylor.numbers.kinds import ValueSet, is_operand
from taylor.verified import environment
from taylor.verified.bounds import enclosed
from taylor.verified.boxes import bounded
from taylor.verified.compose import evaluated, of_row, reciprocal
from taylor.verified.interval import INNERMOST, Interval, Sets
from taylor.verified.symbols import TINY, Floats, Symbols, U, above, norm, symbols

OUTSIDE = Tag(INNERMOST.level + 1)  # of intervals, inside of all variables


# ------------------------------------------------------------------ spaces
@dataclass(frozen=True, eq=False)
class Space:
    """Where models live: the monomials in ξ and η, and the box x = centre + scale·ξ."""

    algebra: Symbols
    box: Interval
    centre: Floats
    scale: Floats

    @staticmethod
    def over(box: Any, order: int, generators: int = 0) -> Space:
        """Return the space of models of an order over a box: an Interval, one element a symbol."""
        box = bounded(box).reshape(-1)
        centre = np.asarray(box.mid, dtype=float)
        return Space(symbols(len(centre), order, generators), box, centre, np.asarray(box.rad))

    @staticmethod
    def unit(n: int, order: int, generators: int = 0) -> Space:
        """Return the space over [-1, 1]^n."""
        return Space.over(Interval(-np.ones(n), np.ones(n)), order, generators)

    def variables(self) -> TaylorModel:
        """Return the models of the coordinates of the box, as an array."""
        n, a = self.algebra.symbols, self.algebra
        coef = np.zeros((a.size, n))
        coef[0] = self.centre
        radius = np.zeros(n)
        if a.order:
            coef[a.linear[:n], np.arange(n)] = self.scale
        else:
            radius[:] = self.scale
        return TaylorModel(coef, radius, self)

    def generators(self) -> TaylorModel:
        """Return the models of the generators, as an array."""
        a = self.algebra
        coef = np.zeros((a.size, a.generators))
        coef[a.linear[a.symbols :], np.arange(a.generators)] = 1
        return TaylorModel(coef, np.zeros(a.generators), self)

    def constant(self, x: Any) -> TaylorModel:
        """Return the model of a number, an array of numbers, or an Interval."""
        x = x if isinstance(x, Interval) else Interval(x)
        middle = np.asarray(x.mid, dtype=float)
        coef = np.zeros((self.algebra.size, *middle.shape))
        coef[0] = middle
        thin = np.asarray(x.lo) == np.asarray(x.hi)
        return TaylorModel(coef, np.where(thin, 0.0, x.rad), self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Space):
            return NotImplemented
        same = self.algebra == other.algebra
        return same and all(
            np.array_equal(x, y)
            for x, y in ((self.centre, other.centre), (self.scale, other.scale))
        )

    def __hash__(self) -> int:
        return hash(self.algebra)


# ------------------------------------------------------------------ models
class Models(Sets):
    """Taylor models, of which the constants are intervals."""

    def is_zero(self, x: Any) -> bool:
        return bool(np.any(x.range().mig == 0))

    def is_finite(self, x: Any) -> bool:
        return True


MODELS = Models()


class TaylorModel(Operand, ValueSet):
    """An array of Taylor models over one box: coefficients (first axis: monomials) and radii.

    Made by `models`; NumPy's functions and operators work on it as on any value of the package.
    """

    __slots__ = ("coef", "radius", "space")
    tag = OUTSIDE
    kind = MODELS
    complex = False

    def __init__(self, coef: Floats, radius: Any, space: Space) -> None:
        self.coef, self.radius, self.space = coef, np.asarray(radius, dtype=float), space
        if not np.isfinite(self.radius).all():
            raise DomainError("a Taylor model has no finite bound on this box; split the box")

    # -------------------------------------------------------------- what an operand has
    @property
    def shape(self) -> Shape:
        """The shape of the array (coefficients not counted)."""
        return self.coef.shape[1:]

    @property
    def value(self) -> TaylorModel:
        """Itself: it has no derivatives."""
        return self

    def members(self) -> tuple[Any, Any, Any]:
        return self.range().members()

    def lift(self, x: Any) -> TaylorModel:
        """Return a number, an array or an Interval as models of this space; models as they are."""
        if not isinstance(x, TaylorModel):
            return self.space.constant(x)
        if x.space is not self.space and x.space != self.space:
            raise AlgebraMismatch(
                "two Taylor models of different boxes or orders do not combine; make all variables "
                "in one call of models()"
            )
        return x

    def _hosts(self, other: Operand) -> bool:
        return isinstance(other, ValueSet) and not isinstance(other, TaylorModel)

    def _zeros(self, shape: Shape) -> TaylorModel:
        return self.space.constant(np.zeros(shape))

    def _ones(self) -> TaylorModel:
        return self.space.constant(np.ones(self.shape))

    def _constant(self, c: Any) -> TaylorModel:
        return self.lift(c)

    def _lowered(self, c: Any) -> Any:
        return Interval(c) if isinstance(c, Constant) else c

    def _nonzero(self) -> Any:
        return (self.coef != 0).any(0) | (self.radius != 0)

    def _assign(self, index: Any, value: Any) -> None:
        value = self.lift(lift(value))
        index = index if isinstance(index, tuple) else (index,)
        self.coef[(slice(None), *index)] = value.coef
        self.radius[index] = value.radius

    def _compare(self, op: Callable[[Any, Any], Any], other: Any) -> Any:
        return op((self - other).range(), 0)

    def __eq__(self, other: Any) -> Any:
        return self._compare(lambda x, y: x == y, other) if fits(other) else NotImplemented

    def __ne__(self, other: Any) -> Any:
        return self._compare(lambda x, y: x != y, other) if fits(other) else NotImplemented

    __hash__ = Operand.__hash__

    def __bool__(self) -> bool:
        raise TypeError("the truth of a Taylor model is not defined; compare its range()")

    def __repr__(self) -> str:
        a = self.space.algebra
        return f"<TaylorModel of order {a.order} in {a.symbols} variables, range {self.range()}>"

    # -------------------------------------------------------------- instructions
    __add__, __radd__ = binary(ADD)
    __mul__, __rmul__ = binary(MUL)
    __truediv__, __rtruediv__ = binary(DIV)

    def __sub__(self, other: Any) -> Any:
        return self + -other if fits(other) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return -self + other if fits(other) else NotImplemented

    def __neg__(self) -> TaylorModel:
        return TaylorModel(-self.coef, self.radius, self.space)

    @np.errstate(over="ignore", invalid="ignore")  # a bound that is infinite is told by range()
    def process(self, op: Op, args: Sequence[Any]) -> Any:
        """Return op(*args)."""
        environment.check()
        if isinstance(op, Arithmetic):
            return getattr(self, f"_{op.operator}")(*args)
        if isinstance(op, Row):
            return of_row(op.row, self, args)
        if isinstance(op, Scale):
            return self._scaled(args[0], op.c)
        if isinstance(op, Choose):
            return self._chosen(op.mode, *args)
        if isinstance(op, Call) and op.rule.sets is not None:
            return op.rule.sets(*args)
        if isinstance(op, Lookup):
            return self._looked_up(op, *args)
        if isinstance(op, Map):
            return self._moved(op, args)
        if isinstance(op, Einsum):
            return op.expanded(None, [self.lift(x) for x in args], ())
        raise TypeError(f"{op.name} of Taylor models is not known; write it with other functions")

    def _add(self, a: Any, b: Any) -> TaylorModel:
        a, b = self.lift(a), self.lift(b)
        x, y = _alike(a.coef, b.coef)
        z = x + y
        back = z - x
        lost = (x - (z - back)) + (y - back)  # of each coefficient, exactly
        return TaylorModel(z, above(a.radius + b.radius + norm(lost)), self.space)

    def _mul(self, a: Any, b: Any) -> TaylorModel:
        if not isinstance(b, TaylorModel):
            return self._scaled(a, b)
        if not isinstance(a, TaylorModel):
            return self._scaled(b, a)
        a, b = self.lift(a), self.lift(b)
        algebra = self.space.algebra
        x, y = _alike(a.coef, b.coef)
        beyond = algebra.beyond(np.abs(x), np.abs(y))
        nx, ny = norm(x), norm(y)
        rounding = nx * ny * ((algebra.most + 1) * U / 2) + 2 * algebra.count * TINY
        radius = nx * b.radius + ny * a.radius + a.radius * b.radius
        radius = above(radius + rounding + beyond)
        return TaylorModel(algebra.times(x, y), radius, self.space)

    def _scaled(self, x: Any, c: Any) -> TaylorModel:
        """Return c·x for a number, an array or an Interval."""
        x, c = self.lift(x), c if isinstance(c, Interval) else Interval(c)
        m = np.asarray(c.mid, dtype=float)
        spread = np.where(np.asarray(c.lo) == np.asarray(c.hi), 0.0, c.rad)
        coef = pad(x.coef, m.ndim) * m
        exact = np.abs(np.frexp(m)[0]) == 0.5  # a power of two
        rounding = np.where(exact | (m == 0), 0.0, norm(coef) * (U / 2)) + len(coef) * TINY
        radius = (np.abs(m) + spread) * x.radius + norm(x.coef) * spread + rounding
        return TaylorModel(coef, above(radius), self.space)

    def _truediv(self, a: Any, b: Any) -> TaylorModel:
        if isinstance(b, TaylorModel):
            return cast(TaylorModel, a * reciprocal(self.lift(b)))
        return self._scaled(a, 1 / (b if isinstance(b, Interval) else Interval(b)))

    def _moved(self, op: Map, args: Sequence[Any]) -> TaylorModel:
        """Return a constant linear map of whole arrays of models."""
        xs = [self.lift(x) for x in args]
        size = op if not isinstance(op, Contract) else Contract(op.spec, np.abs(op.c))
        if isinstance(op, Contract) and op.c.dtype.kind not in "fiub":
            raise TypeError(f"{op.name} of Taylor models takes an array of floats")
        coef = np.array(op.moved([x.coef for x in xs], 1), dtype=float)
        radius = np.array(size.moved([x.radius for x in xs], 0), dtype=float)
        if not isinstance(op, (Gather, Reshape)):
            terms = max((math.prod(x.shape) for x in xs), default=0)
            norms = np.asarray(size.moved([norm(x.coef) for x in xs], 0), dtype=float)
            rounding = above(norms, terms + 2) * (terms + 1) * (U / 2)
            radius = above(radius, terms + 2) + rounding + len(coef) * terms * TINY
        return TaylorModel(coef, above(radius), self.space)

    def _looked_up(self, op: Lookup, x: Any, table: Any) -> TaylorModel:
        """Return the row of a table that all members have, or what holds the rows they have."""
        x = x.range() if isinstance(x, TaylorModel) else x
        if isinstance(table, TaylorModel):
            return table[op.places(op.settle(x))[0]] if is_operand(x) else op.rows(x, table)
        return self.lift(op.rows(x, table))

    def _chosen(self, mode: str, lhs: Any, rhs: Any, a: Any, b: Any) -> TaylorModel:
        """Return a where lhs >= rhs, b where it is less, and elsewhere what holds both."""
        lhs, a, b = self.lift(lhs), self.lift(a), self.lift(b)
        difference = (lhs - rhs).range()
        first, second = np.asarray(difference.lo) >= 0, np.asarray(difference.hi) < 0
        both = ~(first | second)
        if mode not in ("where", "kink", "formula") and both.any():
            raise NonAnalyticError(f"a kink lies in the box ({difference} contains 0); split it")
        between = (a + b) * 0.5
        apart = np.where(both, (a - b).range().mag / 2, 0.0)
        x, y, z = _alike(a.coef, b.coef, between.coef)
        coef = np.where(first, x, np.where(second, y, z))
        # a + b and a - b hold the radii of both
        radius = np.where(first, a.radius, np.where(second, b.radius, between.radius + apart))
        return TaylorModel(coef, above(radius), self.space)

    # -------------------------------------------------------------- what is asked of a model
    @np.errstate(over="ignore", invalid="ignore")
    def range(self, bound: str = "norm") -> Interval:
        """Return an enclosure of all values on the box.

        `bound` says how: "norm" by the sum of the coefficients, "ldb" by the linear dominated
        bounder, which looks again at the corners where a linear part has its ends (Makino and Berz,
        2005), "split" by that on pieces of the box.  Each is inside of the one before.
        """
        return enclosed(self, bound)

    @property
    def polynomial(self) -> Any:
        """The float polynomial, as a TaylorN in the variables x - centre of the box."""
        from taylor.series.multivariate import TaylorN

        a, n = self.space.algebra, self.space.algebra.symbols
        own = np.flatnonzero(~a.exponents[:, n:].any(1))
        e = a.exponents[own, :n].astype(int)
        with np.errstate(divide="ignore", invalid="ignore"):
            unit = np.where(e > 0, self.space.scale**e, 1.0).prod(1)
        table = self.coef[own] / unit.reshape((-1,) + (1,) * self.ndim)
        t = TaylorN.variables(np.zeros(n), order=a.order)[0]
        return t._new(table)

    @np.errstate(over="ignore", invalid="ignore")
    def __call__(self, *x: Any) -> Any:
        """Return the Interval of the values at a point or on a part of the box; or a composition.

        One argument for each variable: numbers and Intervals inside of the box, or Taylor models
        (of one space) whose ranges lie in it, which gives the model of the composition.
        """
        return evaluated(self, x)

    @np.errstate(over="ignore", invalid="ignore")
    def integ(self, i: int = 0) -> TaylorModel:
        """Return the integral along variable i from the centre of the box."""
        environment.check()
        space, a = self.space, self.space.algebra
        if not 0 <= i < a.symbols:
            raise ValueError(f"there is no variable {i}; the box has {a.symbols}")
        e = a.exponents.astype(int)
        e[:, i] += 1
        place = a.places(np.where(e.sum(1, keepdims=True) > a.order, 0, e))
        kept = e.sum(1) <= a.order
        weights = (space.scale[i] / e[:, i]).reshape((-1,) + (1,) * self.ndim)
        terms = self.coef * weights
        coef = np.zeros_like(self.coef)
        coef[place[kept]] = terms[kept]
        rounding = norm(terms) * (1.5 * U) + 2 * a.size * TINY
        radius = self.radius * space.scale[i] + norm(terms[~kept]) + rounding
        return TaylorModel(coef, above(radius), space)

    def deriv(self, i: int = 0) -> TaylorModel:
        """Refused: a function in a thin tube around a polynomial may have any slope."""
        raise TypeError(
            "a Taylor model bounds values, not slopes, so its derivative is not bounded; "
            "differentiate the function and evaluate that on models, or use TaylorN over models"
        )


def _alike(*tables: Floats) -> list[Floats]:
    """Return tables with as many axes."""
    ndim = max(x.ndim for x in tables) - 1
    return [pad(x, ndim) for x in tables]


def models(box: Any, *, order: int) -> TaylorModel:
    """Return the variables of a box as Taylor models of an order.

    `box`: a pair (lo, hi) or an Interval gives one model; a list of pairs or an Interval array an
    array of models, one for each variable.

    >>> t, u = models([(0, 1), (-1, 1)], order=8)
    >>> z = np.sin(t * u) + t**2
    >>> bool(0.04 + np.sin(0.1) in z(0.2, 0.5))
    True
    """
    box = bounded(box)
    x = Space.over(box, order).variables()
    return x.reshape(box.shape)
