"""Steps of sets that are Taylor models of the initial values: P(ξ) + B·η, ξ and η in [-1, 1].

What is not in the polynomial P of a solution is carried by linear generators η, one for each
state: a step multiplies them by the derivatives of the flow as it does with all symbols, and then
puts what is new, and the terms in ξ·η, into a frame Q of orthogonal columns (Lohner's QR, as in
`lohner`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from taylor.numbers.kinds import Array
from taylor.verified.fields import Field
from taylor.verified.flows import Flow, Table
from taylor.verified.horner import all_powers
from taylor.verified.interval import Interval
from taylor.verified.lohner import frame, turned
from taylor.verified.model import Space, TaylorModel
from taylor.verified.rounding import up
from taylor.verified.steps import Control
from taylor.verified.symbols import TINY, U, above, norm, symbols
from taylor.verified.tube import remainder


class ModelStep(NamedTuple):
    """A step from time t on: the series of the model, and what bounds its remainder."""

    t: float
    h: Interval
    space: Space
    coef: Array  # (order + 1, monomials, states)
    radius: Array  # (order + 1, states)
    last: Interval

    def model(self, tau: Interval) -> TaylorModel:
        """Return the model of the states a time tau after t."""
        order = len(self.coef) - 1
        powers = all_powers(tau, order)
        mid, rad = powers.mid, powers.rad
        rest = remainder(self.last, tau, order + 1)
        sizes = norm(self.coef.transpose(1, 0, 2))
        coef = np.tensordot(mid, self.coef, 1)
        coef[0] += rest.mid
        size = np.abs(mid) @ sizes
        radius = (np.abs(mid) + rad) @ self.radius + rad @ sizes + size * ((order + 3) * U)
        radius = radius + rest.rad + np.abs(coef[0]) * U + self.coef[0].size * (order + 2) * TINY
        return TaylorModel(coef, above(radius, 4 * order + 16), self.space)

    def at(self, tau: Interval) -> Interval:
        """Return a box around all states."""
        return self.model(tau).range("ldb")

    def flow(self, tau: Interval) -> TaylorModel:
        """Return the model of the states by the initial values."""
        return alone(self.model(tau))

    def derivatives(self, tau: Interval) -> Interval:
        """Raise TypeError: a model has no bounds of derivatives."""
        raise TypeError(
            'derivatives of the flow are bounded by method="interval"; a Taylor model bounds values'
        )


class ModelStepper(Control):
    """Steps of a field from a box on, of Taylor models."""

    def __init__(
        self, field: Field, t: float, box: Interval, orders: tuple[int, int], tol: float
    ) -> None:
        order, space_order = orders
        super().__init__(field, t, order, tol, field.jets(order + 1, varied=False))
        n = field.n
        wide = np.flatnonzero(box.lo < box.hi)
        self.space = Space.over(box[wide], space_order if len(wide) else 0, n)
        x = self.space.constant(box)
        coef, radius = x.coef, x.radius.copy()
        if len(wide) and space_order:
            coef[:, wide], radius[wide] = self.space.variables().coef, 0.0
        self.model = TaylorModel(coef, radius, self.space)
        self.flow = Flow(self.jets.scalars, self.space, order)

    def box(self) -> Interval:
        return self.model.range()  # the better bounds take longer than they save

    def series(self) -> Interval:
        """Return the coefficients of all states, (order + 2, n)."""
        box = self.box()
        return self.jets(Interval(np.full(1, self.t)), box.reshape(-1, 1))[:, :, 0]

    def taken(self, length: Interval, table: Interval, last: Interval, stop: float) -> ModelStep:
        """Return a step whose tube is proved, and take it."""
        tables: list[Table] = self.flow.series(self.t, self.model)
        coef = np.stack([x.coef for x in tables], axis=-1)
        radius = np.stack([x.radius for x in tables], axis=-1)
        step = ModelStep(self.t, length, self.space, coef, radius, last)
        self.model, self.t = absorbed(step.model(length)), stop
        return step


def absorbed(x: TaylorModel) -> TaylorModel:
    """Return the model with its radius, and what is not linear in η, in a new frame of η."""
    a, n = x.space.algebra, len(x.radius)
    linear = a.linear[a.symbols :]
    mixed = np.array(a.exponents[:, a.symbols :].any(axis=1), dtype=bool)
    mixed[linear] = False
    coef = x.coef.copy()
    radius = up(x.radius + norm(coef[mixed])) if mixed.any() else x.radius
    coef[mixed] = 0.0
    columns = coef[linear].T
    q = frame(columns, np.ones(n))
    every = turned(q, Interval(*(np.column_stack([columns, r]) for r in (-radius, radius)))).mag
    sizes = above(every[:, :n].sum(axis=1) * (1 + n * U) + every[:, n])
    coef[linear] = (q * sizes).T
    lost = above(np.abs(coef[linear]).sum(axis=0) * U + n * TINY)
    return TaylorModel(coef, lost, x.space)


def alone(x: TaylorModel) -> TaylorModel:
    """Return the model in ξ only: what is carried by η goes to the radius."""
    a, space = x.space.algebra, x.space
    own = ~a.exponents[:, a.symbols :].any(axis=1)
    to = symbols(a.symbols, a.order if a.symbols else 0, 0)
    coef = np.zeros((to.size, *x.shape))
    for n in np.flatnonzero(own):
        e = a.exponents[n, : a.symbols].astype(int)
        coef[to.index(e)] = x.coef[n]
    radius = above(x.radius + norm(x.coef[~own]))
    return TaylorModel(coef, radius, Space(to, space.box, space.centre, space.scale))
