"""Choices in a program: what they give, and which side counts for the parts of a series.

Where the sides of a kink meet, those lanes follow the first degree in which they differ; the policy
says what stands where that decides nothing.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from taylor.core.algebra import Univariate
from taylor.core.choices import SIDES, SLOPES, apart, blend, choose, shared
from taylor.core.functions import absolute, clip, maximum, minimum
from taylor.core.instructions import At, Degrees, Input, Number, Op, Shape, Sweep, by_degree
from taylor.core.singular import leading, outcome, show
from taylor.core.table import Elementary
from taylor.core.tables import nonzero, pad
from taylor.errors import NonAnalyticError, Undecided
from taylor.numbers.contexts import members
from taylor.numbers.kinds import Array, Kind, ValueSet, base, is_nested, is_operand
from taylor.numbers.values import is_real, ordered, together

if TYPE_CHECKING:
    from scipy.sparse import csr_array

SPLIT = "make it smaller, or split it"
REMEDY = "move the point, or use taylor.policy(kink='subgradient')"


@dataclass(slots=True, eq=False)
class Choose(Op):
    """a where lhs >= rhs and b elsewhere: see `elementary.choose` for the modes."""

    mode: str
    arity, by_element = 4, True

    @property
    def pure(self) -> bool:  # type: ignore[override]
        return self.mode not in SLOPES  # else the policy counts

    def key(self) -> Any:
        return (Choose, self.mode)

    def made_of(self, args: tuple[int, ...]) -> tuple[int, ...]:
        return args[2:]

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return choose(a[0], a[1], a[2], a[3], self.mode)

    def between(self, at: At, a: Any, b: Any, both: bool) -> Any:
        """Return the one of two derivatives that counts, of which `both` vary or only one does.

        At a kink there is none, or by convention the mean, or the zero of the side that is
        constant.
        """
        mode = "side" if self.mode == "where" else self.mode
        if mode not in SIDES:
            left, right, *_ = at.code[at.i].args
            mode = "where" if left == right else "mean" if both else "flat"
        return choose(at.a[0], at.a[1], a, b, mode)

    def tangent(self, at: At, d: list[Any]) -> Any:
        if d[2] is None and d[3] is None:
            return None
        a, b = (0 if e is None else e for e in d[2:])
        return self.between(at, a, b, d[2] is not None and d[3] is not None)

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        above = (
            apart(at.a[0], at.a[1]) if type(self) is Choose and type(bar) is np.ndarray else None
        )
        if above is not None and bar.dtype.char == "d":
            first = np.where(above, bar, 0.0) if wanted[2] else None
            return None, None, first, np.where(above, 0.0, bar) if wanted[3] else None
        zero, both = _zero(bar), wanted[2] and wanted[3]
        return (
            None,
            None,
            self.between(at, bar, zero, both) if wanted[2] else None,
            self.between(at, zero, bar, both) if wanted[3] else None,
        )

    def taken(self, lhs: Any, rhs: Any, bar: Any, first: bool) -> Any:
        """Return the adjoint of a variable that counts where that side was chosen, or half of it.

        A side that was not taken never poisons what was.
        """
        if self.mode in SIDES:
            one, other = (bar, _zero(bar)) if first else (_zero(bar), bar)
            return choose(lhs, rhs, one, other, "side" if self.mode == "where" else self.mode)
        return choose(*((lhs, rhs) if first else (rhs, lhs)), bar, 0, "where")

    @by_degree
    def step(self, t: Sweep, i: int) -> Degrees:
        y, chosen = t.table[i], t.choosing(i)
        while True:
            k = yield
            y[t.algebra.part(k) if k else 0] = chosen(k)

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        return Op.pattern(self, x[2:], shapes[2:], shape)

    def show(self, v: list[str], shape: Shape) -> str:
        return f"{v[2]} if {v[0]} > {v[1]} else {v[3]}"


@dataclass(slots=True, eq=False)
class Blend(Choose):
    """A choice at whose ties it has been settled how much the first side counts: share, 0 to 1."""

    share: Array
    key = Op.key

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return blend(self.share, a[2], a[3])

    def between(self, at: At, a: Any, b: Any, both: bool) -> Any:
        return blend(self.share, a, b)

    def taken(self, lhs: Any, rhs: Any, bar: Any, first: bool) -> Any:
        return np.where(self.share == (0 if first else 1), 0, bar)


# ------------------------------------------------------------------ rows written with kinks
def passed_on(row: Elementary, a: Sequence[Any], d: Sequence[Any]) -> Any:
    """Return the tangent of abs, maximum, minimum or clip at a, for the tangents d of a."""
    if all(e is None for e in d):
        return None
    if row is absolute:
        return choose(a[0], 0, d[0], -d[0], "mean")
    if row is clip:
        inner = passed_on(maximum, a[:2], d[:2])
        return passed_on(minimum, [maximum(*a[:2]), a[2]], [inner, d[2]])
    left, right = a if row is maximum else reversed(a)
    first, second = (0 if e is None else e for e in d)
    both = all(e is not None for e in d)
    return choose(left, right, first, second, "mean" if both else "flat")


def passed_back(row: Elementary, a: Sequence[Any], bar: Any, wanted: Sequence[bool]) -> list[Any]:
    """Return what the adjoint of abs, maximum, minimum or clip at a gives to each argument."""
    if bar is None:
        return [None] * len(a)
    if row is absolute:
        return [choose(a[0], 0, bar, -bar, "mean")]
    if row is clip:
        if not any(wanted[1:]) and (between := _between(*a)) is not None:
            return [np.where(between, bar, _zero(bar)), None, None]
        lower = maximum(*a[:2])
        inner, last = passed_back(minimum, [lower, a[2]], bar, [any(wanted[:2]), wanted[2]])
        return [*passed_back(maximum, a[:2], inner, wanted[:2]), last]
    left, right = a if row is maximum else reversed(a)
    zero, mode = _zero(bar), "mean" if all(wanted) else "flat"
    return [
        choose(left, right, bar, zero, mode) if wanted[0] else None,
        choose(left, right, zero, bar, mode) if wanted[1] else None,
    ]


def _between(x: Any, low: Any, high: Any) -> Array | None:
    """Return where an array of floats lies between its bounds; None where it meets one, or nan."""
    if not (type(x) is np.ndarray and x.dtype.kind == "f" and is_real(low) and is_real(high)):
        return None
    inside, outside = (low < x) & (x < high), (x < low) | (high < x)
    known = np.count_nonzero(inside) + np.count_nonzero(outside) == inside.size
    return inside if known and np.all(low < high) else None


def _zero(bar: Any) -> Any:
    if type(bar) is np.ndarray and bar.dtype.kind == "f":
        return bar.dtype.type(0)
    return 0 if is_operand(bar) else Kind.of(bar).zeros((1,))[0]


class Decision:
    """Which side of a choice counts, lane by lane, as far as the last degree tells."""

    # where a nested value is not zero, at the point or beside it in outer variables
    moves: ClassVar[Callable[..., Any]]

    def __init__(self, t: Sweep, i: int) -> None:
        op, self.args, _ = t.program.code[i]
        self.t, self.y, self.mode = t, t.table[i], op.mode
        lhs, rhs, a, b = self.args
        self.mean = "mean" if t.live[a] and t.live[b] else "flat"
        self.fixed = not (t.height[lhs] or t.height[rhs])  # such a tie does not vary
        self.unsure: Any = None  # the lanes in which members of sets differ
        self.outer: list[tuple[Any, Any, Any]] = []  # lanes, and what is compared there: `_defer`
        self.doubt: Any = None  # zero, or nan where there was no part that is left to these

    def __call__(self, k: int) -> Any:
        """Return the part of degree k."""
        t, mode = self.t, self.mode
        if k == 0:
            self._compare()
        a, b = (t.at(j, k) for j in self.args[2:])
        if self.unsure is not None:
            return self._of_sets(k, a, b)
        half: Any = None  # the lanes whose sides share what stands for a derivative
        if mode in SLOPES and self.tie.any():
            half = self._between_slopes(a, b)
        if k and mode == "kink" and self.tie.any():
            half = self._decide(k)
        # an undecided lane has equal parts on both sides so far
        new = _pick(a, b, self.first | self.tie, self.lost)
        slopes = self.mean if mode == "kink" else "side" if mode == "where" else mode
        if half is not None and half.any():
            new = np.where(half, shared(a, b, slopes), new)[()]
        for lanes, left, right in self.outer:
            chosen = choose(left, right, a, b, slopes if k else mode)
            new = np.where(lanes, chosen, new) if np.ndim(lanes) else chosen
        return self._doubted(new) if self.outer and mode not in SIDES else new

    def _doubted(self, part: Any) -> Any:
        """Return a part, or nan in lanes that have had no part of a lower degree."""
        t = self.t
        if t.order == 1:  # of which there is no higher degree
            return part
        found = part if self.doubt is None else part + self.doubt
        none = 0.0 * part
        none = none.sum(0) if np.ndim(none) > np.ndim(t.value(self.args[2])) else none
        lanes = functools.reduce(np.logical_or, [lanes for lanes, _, _ in self.outer])
        none = none if np.all(lanes) else np.where(lanes, none, 0.0)
        self.doubt = none if self.doubt is None else self.doubt + none
        return found

    def _compare(self) -> None:
        """Note in which lanes the first side is larger, neither is, or they do not compare."""
        left, right = (self.t.value(j) for j in self.args[:2])
        if isinstance(base(left), ValueSet) or isinstance(base(right), ValueSet):
            return self._compare_sets(base(left), base(right))
        if self._chooses_for_itself(left, right):
            return
        above = operator.ge if self.mode in SIDES else operator.gt
        if self.mode == "formula" and any(np.iscomplexobj(base(x)) for x in (left, right)):
            left, right = ordered(base(left)), ordered(base(right))  # a guard has no order to hold
        self.first = outcome(above, left, right)
        second = outcome(operator.lt, left, right)
        equal = np.asarray(base(left) == base(right), dtype=bool)
        self.tie = ~(self.first | second) & equal
        self.lost = ~(self.first | second | self.tie)
        if self.tie.any() and self.mode not in SIDES:
            self._defer(left, right, self.tie)
            if self.mode in SLOPES:
                self._foresee()

    def _chooses_for_itself(self, left: Any, right: Any) -> bool:
        """Leave all lanes to choices that are recorded, and no guard, if there are no ties here.

        As tangents do (`between`): at other points ties have no derivatives where sides differ, but
        those of two formulas do not.
        """
        x, y = base(left), base(right)
        recorded = is_operand(leading(left)) or is_operand(leading(right))
        if not recorded or np.iscomplexobj(x) or np.iscomplexobj(y):
            return False
        self.first = np.asarray(x > y, dtype=bool)
        if self.mode != "formula" and not np.all(self.first | (x < y)):
            return False
        self.tie = self.lost = np.zeros_like(self.first)
        self.outer.append((True, left, right))
        return True

    def _defer(self, left: Any, right: Any, lanes: Any) -> None:
        """Leave ties that move with the variables of an outer derivative to its series.

        It differs in them first: next to its point they are none.
        """
        if not (is_nested(left) or is_nested(right)):
            return
        moving = lanes & self.moves(left - right)
        if moving.any():
            self.outer.append((moving, left, right))
            self.tie = self.tie & ~moving

    def _foresee(self) -> None:
        """Settle tied lanes of a choice between slopes as far as the choice of values will."""
        t, (lhs, rhs, *_) = self.t, self.args
        if any(t.live[j] and type(t.program.code[j].op) is not Input for j in (lhs, rhs)):
            return  # which will be known degree by degree
        tie = self.tie
        for k in range(1, max(t.height[lhs], t.height[rhs]) + 1):
            d = t.at(lhs, k) - t.at(rhs, k)
            here = tie & self._differ(base(d))
            sign = np.asarray(self._sign(k, d), dtype=float)
            self.first = self.first | (here & (sign > 0))
            tie, self.tie = tie & ~here, self.tie & ~(here & (sign == sign))

    def _compare_sets(self, left: Any, right: Any) -> None:
        """Note in which lanes all members are on the first side, and in which some are.

        Of two formulas, which hold for all members, the one of the middle counts.
        """
        (p, _, q), (r, _, s) = (members(x) for x in (left, right))
        if self.mode == "formula":
            self.first = np.asarray(p / 2 + q / 2 >= r / 2 + s / 2)
            self.unsure = np.zeros(self.first.shape, dtype=bool)
        else:
            self.first = np.asarray(p >= s if self.mode in SIDES else p > s)
            self.unsure = ~(self.first | (q < r))

    def _of_sets(self, k: int, a: Any, b: Any) -> Any:
        """Return the part of degree k of a choice by sets: of degree 0 the hull of both sides."""
        t = self.t
        chosen = (
            np.where(self.first, *together(a, b)) if self.first.ndim else a if self.first else b
        )
        if not self.unsure.any():
            return chosen
        slopes, jumps = self.mode in (*SLOPES, "side"), self.mode in SIDES
        by_convention = t.policy.kink == "subgradient" and k + slopes == 1 and not jumps
        if (k == 0 and not slopes) or by_convention:
            if is_nested(a) or is_nested(b):
                raise Undecided(f"{self._question()}; {SPLIT}")
            kind = Kind.of(*(base(t.value(j)) for j in self.args))  # both sides may be constants
            return np.where(self.unsure, kind.hull(a, b), chosen)
        if t.raises(self.unsure):
            error = Undecided if jumps else NonAnalyticError
            raise error(f"{self._question()}: no derivatives there; {SPLIT}")
        return np.where(self.unsure, chosen * np.nan, chosen)

    def _question(self) -> str:
        """Return which branch the members of sets do not agree on."""
        lhs, rhs = (show([self.t.value(j)]) for j in self.args[:2])
        sides = "a kink lies in the set" if self.mode not in SIDES else "members take both branches"
        return f"{sides}, {lhs} {'>=' if self.mode in SIDES else '='} {rhs}"

    def _differ(self, d: Any) -> Any:
        """Return the tied lanes in which d is not zero."""
        differs = self.moves(d) if is_nested(d) else nonzero(d if is_operand(d) else np.asarray(d))
        return self.tie & (differs.any(0) if np.ndim(differs) > np.ndim(self.tie) else differs)

    def _between_slopes(self, a: Any, b: Any) -> Any:
        """Settle the tied lanes of a choice between derivatives where these differ at a degree."""
        here = self._differ(a - b)
        if not here.any():
            return None
        if self.fixed and self.t.policy.kink == "subgradient":
            return here
        if self.t.raises(self.tie):
            raise NonAnalyticError(
                f"the derivatives on both sides of a kink are {show([a])} and {show([b])}: "
                f"there is none; {REMEDY}"
            )
        self.lost, self.tie = self.lost | here, self.tie & ~here
        return None

    def _decide(self, k: int) -> Array | None:
        """Settle the tied lanes of a kink whose sides first differ at degree k."""
        t, (lhs, rhs, *_) = self.t, self.args
        if k > max(t.height[lhs], t.height[rhs]):
            return None
        d = t.at(lhs, k) - t.at(rhs, k)
        here = self._differ(d)
        if not here.any():
            return None
        if is_nested(d):
            here = self._between_outer(k, t.at(lhs, k), t.at(rhs, k), here)
        sign = np.asarray(self._sign(k, d), dtype=float)
        sign = self._by_policy(k, base(d), sign)
        lost = here & np.isnan(sign)
        if lost.any() and t.raises(self.y[0]):
            raise NonAnalyticError(
                f"the two sides of a kink meet at {show([t.value(lhs)])}: no derivative of "
                f"order {k} there; {REMEDY}"
            )
        self.tie, self.lost = self.tie & ~here, self.lost | lost
        self.first = self.first | (here & (sign > 0))
        half: Array = here & (np.isinf(sign) | (sign == 0))
        return half

    def _between_outer(self, k: int, left: Any, right: Any, here: Array) -> Array:
        """Return those of the tied lanes that are settled by values of outer variables.

        What has value zero and moves with them is left to their series.
        """
        for compare in (operator.gt, operator.lt):
            outcome(compare, left, right)  # leaves a guard, if they are recorded
        zero = here & ~self._differ(base(left - right))
        if not zero.any():
            return here
        value = self.t.value(self.args[0]) - self.t.value(self.args[1])
        if hasattr(value, "_coef") and value._reach > value.order:
            value.tag.short = True  # it vanishes as far as it is known
        if k % 2 and self.t.side == "before":
            left, right = right, left
        if isinstance(self.t.algebra, Univariate) and (self.t.side or not k % 2):
            self._defer(left, right, zero)
        settled: Array = here & self.tie
        return settled

    def _sign(self, k: int, d: Any) -> Any:
        """Return the sign of the difference of the sides of a kink with leading part d of degree k.

        It is nan where it is not the same all around the point, or on the side of it that counts.
        """
        t, table = self.t, None
        if not isinstance(t.algebra, Univariate):
            ndim, (lhs, rhs, *_) = np.ndim(self.y) - 1, self.args
            table = base(pad(t.result(lhs), ndim) - pad(t.result(rhs), ndim))
        elif t.side:
            sign = np.sign(np.asarray(base(d), dtype=float))
            return -sign if t.side == "before" and k % 2 else sign
        return t.algebra.sign(k, base(d), table)

    def _by_policy(self, k: int, d: Any, sign: Any) -> Any:
        """Return the sign of a difference where it is nan, too, if the policy says which.

        After or before the point with all variables growing or shrinking alike; inf is a share.
        """
        kink = self.t.policy.kink
        if kink == "error" or self.t.side or not k == 1 == self.t.order:
            return sign
        if kink == "subgradient":
            sided: Any = np.full(np.shape(sign), np.inf)
        else:
            along = isinstance(self.t.algebra, Univariate)
            sided = np.sign(np.asarray(d if along else d.sum(0), dtype=float))
            sided = -sided if kink == "left" else sided
        return np.where(np.isnan(sign), sided, sign)


def _pick(a: Any, b: Any, first: Any, lost: Any) -> Any:
    if np.shape(first) == ():
        return a if first and not lost else b if not lost else a + b + np.nan
    chosen = np.where(first, *together(a, b))
    return np.where(lost, np.nan, chosen) if lost.any() else chosen
