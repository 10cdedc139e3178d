"""Choices, jumps and singular points in a sweep: which side counts, and what the policy says."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import Univariate
from taylor.core.choices import SIDES, SLOPES, shared
from taylor.core.instructions import Choose, Input, Jump
from taylor.core.maps import Map
from taylor.core.singular import is_nan, is_zero, masked, no_expansion, outcome, show
from taylor.core.state import Step, Tables
from taylor.core.table import jumps_at
from taylor.core.tables import nonzero, pad
from taylor.errors import NonAnalyticError, PoleError
from taylor.numbers.kinds import base, is_operand
from taylor.numbers.values import ordered, together

Array = Any
REMEDY = "move the point, or use taylor.policy(kink='subgradient')"


class Sides(Tables):
    """Tables whose choices and jumps know which side counts, and where there is no expansion."""

    def _jump(self, i: int) -> Step:
        op, args, _ = self.program.code[i]
        assert isinstance(op, Jump)
        row = op.row
        y, part = self.table[i], self.algebra.part
        lanes: list[Any] = []

        def step(k: int) -> None:
            if k == 0:
                values = [self._value(a) for a in args]
                if any(np.iscomplexobj(base(v)) for v in values):
                    raise TypeError(f"{row.name} of a complex series is not holomorphic")
                y[0] = self._checked(row, values)
                at = np.asarray(jumps_at(row, *(base(v) for v in values)), dtype=bool)
                at = at & self._lanes_active(args)
                if at.any() and self._raises(y[0]):
                    raise NonAnalyticError(
                        f"{row.name} jumps at {show(values)}; it has no derivative there"
                    )
                lanes.append(at if at.any() else None)
            elif lanes[0] is not None:
                y[part(k)] = masked(y[part(k)], lanes[0])

        return step

    def _choose(self, i: int) -> Step:
        op, args, _ = self.program.code[i]
        assert isinstance(op, Choose)
        (lhs, rhs, a, b), mode = args, op.mode
        y, part, height = self.table[i], self.algebra.part, self.height
        state: dict[str, Any] = {}
        mean = "mean" if self.live[a] and self.live[b] else "flat"
        fixed = not (height[lhs] or height[rhs])  # such a tie does not vary

        def pieces(j: int, k: int) -> Any:
            if k == 0:
                return self._value(j)
            return self.table[j][part(k)] if k <= height[j] else self._value(j) * 0

        def step(k: int) -> None:
            if k == 0:
                self._compared(state, pieces(lhs, 0), pieces(rhs, 0), mode)
            if mode in SLOPES and state["tie"].any():
                self._between_slopes(state, pieces(a, k), pieces(b, k), mode if fixed else "")
            if k and mode == "kink" and state["tie"].any():
                self._decide(k, state, args, pieces, y)
            # an undecided lane has equal parts on both sides so far
            new = _pick(pieces(a, k), pieces(b, k), state["first"] | state["tie"], state["lost"])
            half = state.pop("half", None)
            if half is not None and half.any():
                here = mean if mode == "kink" else mode
                new = np.where(half, shared(pieces(a, k), pieces(b, k), here), new)[()]
            y[part(k)] = new

        return step

    def _compared(self, state: dict[str, Any], left: Any, right: Any, mode: str) -> None:
        """Note in which lanes the first side is larger, the second, none of them, or neither."""
        above = operator.ge if mode in SIDES else operator.gt
        if mode == "formula" and any(np.iscomplexobj(base(x)) for x in (left, right)):
            left, right = ordered(base(left)), ordered(base(right))  # a guard has no order to hold
        first = outcome(above, left, right)
        second = outcome(operator.lt, left, right)
        tie = ~(first | second) & np.asarray(base(left) == base(right), dtype=bool)
        state.update(first=first, second=second, tie=tie, lost=~(first | second | tie))

    def _between_slopes(self, state: dict[str, Any], a: Any, b: Any, fixed: str) -> None:
        """Settle the tied lanes of a choice between derivatives where these differ at a degree.

        `fixed` is the mode of a tie that does not vary.
        """
        d = a - b
        differs = nonzero(d if is_operand(d) else np.asarray(d))
        if np.ndim(differs) > np.ndim(state["tie"]):
            differs = differs.any(0)
        here = state["tie"] & differs
        if not here.any():
            return
        if fixed and self.policy.kink == "subgradient":
            state["half"] = here
        elif self._raises(state["tie"]):
            raise NonAnalyticError(
                f"the derivatives on both sides of a kink are {show([a])} and {show([b])}: "
                f"there is none; {REMEDY}"
            )
        else:
            state["lost"] = state["lost"] | here
            state["tie"] = state["tie"] & ~here

    def _decide(self, k: int, state: dict[str, Any], args: Any, pieces: Any, y: Array) -> None:
        """Settle the tied lanes of a kink whose sides first differ at degree k."""
        lhs, rhs = args[:2]
        top = max(self.height[lhs], self.height[rhs])
        if k > top:
            return
        d = pieces(lhs, k) - pieces(rhs, k)
        differs = nonzero(d if is_operand(d) else np.asarray(d))
        if not isinstance(self.algebra, Univariate):
            differs = differs.any(0)
        here = state["tie"] & differs
        if not here.any():
            return
        if isinstance(self.algebra, Univariate):
            sign = self.algebra.sign(k, base(d), None)
        else:
            ndim = np.ndim(y) - 1
            table = pad(self.result(lhs), ndim) - pad(self.result(rhs), ndim)
            sign = self.algebra.sign(k, base(d), base(table))
        sign = self._side(k, base(d), np.asarray(sign, dtype=float))
        half = here & (np.isinf(sign) | (sign == 0))
        state["half"] = half
        state["tie"] = state["tie"] & ~differs
        state["first"] = state["first"] | (here & (sign > 0))
        state["second"] = state["second"] | (here & (sign <= 0))
        lost = here & np.isnan(sign)
        if lost.any() and self._raises(y[0]):
            raise NonAnalyticError(
                f"the two sides of a kink meet at {show([pieces(lhs, 0)])}: no derivative of "
                f"order {k} there; {REMEDY}"
            )
        state["lost"] = state["lost"] | lost

    def _side(self, k: int, d: Any, sign: Any) -> Any:
        """Return the sign of the difference of the sides of a kink with leading part d of degree k.

        Where it is not the same all around the point (nan), the policy says which: after or before
        the point along a line, or with all variables growing or shrinking alike; inf is a share.
        """
        kink, along = self.policy.kink, isinstance(self.algebra, Univariate)
        if kink == "subgradient" and k == 1 == self.order:
            sided: Any = np.full(np.shape(sign), np.inf)
        elif (kink in ("left", "right") and k == 1 == self.order) or (
            kink in ("after", "before") and along
        ):
            sided = np.sign(np.asarray(d if along else d.sum(0), dtype=float))
            sided = sided if kink in ("right", "after") else -sided
        else:
            return sign
        return np.where(np.isnan(sign), sided, sign)

    # ---------------------------------------------------------------- singular points
    def _raises(self, value: Any) -> bool:
        if self.policy.singular == "propagate":
            return False
        return np.shape(base(value)) == () or self.policy.singular == "raise"

    def _lanes_active(self, args: Sequence[int]) -> Any:
        """Return where some argument varies, per lane."""
        if not self.moving:
            for i, (op, inner, _) in enumerate(self.program.code):
                lanes: Any = np.zeros((), dtype=bool)
                if type(op) is Input and self.height[i]:
                    lanes = nonzero(self.table[i][1:]).any(0)
                elif isinstance(op, Map) and self.height[i]:
                    lanes = np.ones((), dtype=bool)
                elif type(op) is not Input:
                    for a in op.reads(inner):
                        lanes = lanes | self.moving[a]
                self.moving.append(lanes)
        total: Any = np.zeros((), dtype=bool)
        for a in args:
            total = total | self.moving[a]
        return total

    def _singular(self, row: Any, args: Sequence[int], y0: Any, p0: Any) -> Any:
        """Return (lanes without an expansion, inactive lanes there) or None; raise for scalars."""
        y, p = base(y0), base(p0)
        if np.shape(y) == () and np.shape(p) == ():
            if not is_zero(p) and not is_nan(y):
                return None
            if self._raises(y):
                raise no_expansion(row, [self._value(a) for a in args])
            bad = np.asarray(True)
        else:
            zero = np.asarray(np.equal(p, 0), dtype=bool)
            bad = np.broadcast_to(zero | np.asarray(np.not_equal(y, y), dtype=bool), np.shape(y))
            if not bad.any():
                return None
        active = np.broadcast_to(self._lanes_active(args), bad.shape)
        if self._raises(y) and (bad & active).any():
            raise no_expansion(row, [self._value(a) for a in args])
        return (bad & active, bad & ~active)

    def _check_divisor(self, i: int, a: Any, b: Any, active: bool) -> None:
        divisor = base(b)
        if np.shape(divisor) == ():
            bad = is_zero(divisor)
        else:
            bad = self.policy.singular == "raise" and not np.all(divisor)
        if bad and self._raises(self.table[i][0]):
            raise PoleError(f"division by a series whose value is zero: {show([a])}/{show([b])}")


def _pick(a: Any, b: Any, first: Any, lost: Any) -> Any:
    if np.shape(first) == ():
        return a if first and not lost else b if not lost else a + b + np.nan
    chosen = np.where(first, *together(a, b))
    return np.where(lost, np.nan, chosen) if lost.any() else chosen
