"""The state after a time that is zero but for its derivatives.

A number τ whose value is zero has powers that vanish from some degree on, so the solution

    y(t + τ) = Σ_k Y_k τ^k

with the coefficients Y_k of the series of y at t is a polynomial: no step is taken.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.algebra import univariate
from taylor.core.operand import lift
from taylor.core.singular import nans
from taylor.core.tags import fresh_tag
from taylor.drivers.driver import parts
from taylor.drivers.evolution import Evolution, has_nodes, orders_of
from taylor.drivers.several import pullback, series
from taylor.errors import DomainError, GuardError, NonAnalyticError
from taylor.numbers.kinds import base, is_nested, is_operand
from taylor.ode.system import System
from taylor.series.series import Series

Array = NDArray[Any]
Function = Callable[..., Any]
LOST = (
    "a state has no derivatives: what changes it on the way (a callback, a dose) has a "
    "kink or jumps at the state before, as abs and sign of what is 0 do; write it smoothly there"
)


def moved(f: Function, t: Any, y: Any, tau: Any, p: Sequence[Any]) -> Any:
    """Return y(t + tau) for y' = f(t, y, *p)."""
    if not is_operand(tau):
        return y
    f = regular(f, t, y, p)

    def rate(s: Any, y: Any, t: Any, tau: Any, *p: Any) -> Any:
        return tau * f(t + s * tau, y, *p)

    return _shift(rate, 0).forward()(y, lift(t), tau, *p)


def regular(f: Function, t: Any, y: Any, p: Sequence[Any]) -> Function:
    """Return the rates at a place by their program, if there is one: f may be nearly 0/0 there."""
    at, values = (base(lift(t)), base(lift(y))), [base(lift(x)) for x in p]
    with contextlib.suppress(DomainError, GuardError):
        system = System(f, *at, values)
        if len(system.free) == len(p):
            system.regular(*at, *values)
            return system.regular
    return f


def order_of(x: Any) -> int:
    """Return how many derivatives of a number there are, on all levels."""
    found = 0
    while is_nested(x):
        found, x = (found + x.order, x._coef) if isinstance(x, Series) else (found + 1, x.value)
    return found


def check_known(y: Any) -> None:
    """Raise NonAnalyticError where derivatives of a state are lost, but not its values."""
    if not np.any(nans(np.ravel(base(lift(y)))[:1])):
        check_adjoint(y)


def check_adjoint(x: Any) -> None:
    """Raise NonAnalyticError where derivatives of what depends on a state are lost."""
    if not has_nodes(x) and np.any(nans(numbers_in(x))):
        raise NonAnalyticError(LOST)


def numbers_in(x: Any) -> Array:
    """Return the coefficients of a series as an array of numbers."""
    while isinstance(x, Series):
        x = x._coef
    return np.asarray(x)


def _shift(step: Function, orders: int) -> Evolution:
    """Return the evolution (y, t, tau, *p) -> the state after s = 1 of y' = step(s, y, t, tau, *p);
    each of the `orders` of derivatives that it is of has one more power of what vanishes.
    """

    def run(y: Any, t: Any, tau: Any, *p: Any) -> Any:
        check_known(y)
        return _sum(step, orders + order_of(tau), y, t, tau, *p)

    def back(w: Any, y: Any, t: Any, tau: Any, *p: Any) -> Any:
        check_adjoint(w)
        degree = orders + order_of(tau) + 1
        return pullback(lambda *x: _sum(step, degree, *x), (y, t, tau, *p), w)

    def derived(g: Function) -> Evolution:
        return _shift(g, orders + orders_of(g))

    return Evolution("state at a time beside", step, derived, run, back)


def _sum(step: Function, degree: int, y: Any, *p: Any) -> Any:
    """Return the sum of the coefficients of the solution from s = 0 on, up to some degree."""
    found = [y]
    for k in range(degree):
        tag, algebra = fresh_tag(), univariate(k)
        s = series(np.eye(k + 1)[min(1, k)] if k else np.zeros(1), algebra, tag)
        rate = step(s, series(np.stack(found), algebra, tag), *p)
        found.append(parts(rate, tag, k + 1)[k] / (k + 1))
    return sum(found[1:], found[0])
