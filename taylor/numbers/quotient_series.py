"""Local Taylor coefficients of quotients f(x)/x with f(0) = 0, and of their integrals.

Each function returns c_m, m = 0..order, along a new first axis: see `special_series`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.numbers.formulas import scipy_special
from taylor.numbers.kinds import Array, private
from taylor.numbers.special_series import (
    FLOAT_BITS,
    evaluate,
    integrated,
    inverse_factorials,
    settled,
)


# ------------------------------------------------------------------ sin(πx)/(πx)
# (x + t) Σ c_m t^m = sin(π(x + t))/π, hence x c_m + c_{m-1} = w_m sin(πx + mπ/2), w_m = π^(m-1)/m!.
# Beside c_m ~ π^m/m!/(m + |πx|) an error grows by m/|πx| per step forward and by |πx|/m per step
# backward: forward is right while m < |πx|, backward above.
def _powers(rate: Any, count: int) -> list[Any]:
    """Return w_m = r^(m-1)/m!, m <= count."""
    w = [1 / rate]
    for m in range(1, count + 1):
        w.append(w[-1] * rate / m)
    return w


@functools.cache
def _rounded(pi: bool, count: int) -> list[float]:
    """Return the same for r = π or 1 in double precision."""
    ctx = private(FLOAT_BITS)
    return [float(v) for v in _powers(ctx.pi if pi else ctx.one, count)]


def _sines(w: Sequence[Any], s: Any, c: Any) -> list[Any]:
    """Return w_m sin(rx + mπ/2) from s = sin rx and c = cos rx."""
    return [v * (s, c, -s, -c)[m % 4] for m, v in enumerate(w)]


def _sinc(ctx: Any, x: Any, order: int, pi: bool = True) -> list[Any]:
    """Return the coefficients of sin(rx)/(rx), r = π or 1."""
    forward = abs(x) >= 1  # and growing precision pays for m > |πx|
    count = order if forward else order + 1 + ctx.prec
    rate = ctx.pi if pi else ctx.one
    values = (ctx.sinpi(x), ctx.cospi(x)) if pi else (ctx.sin(x), ctx.cos(x))
    sines = _sines(_powers(rate, count), *values)
    c = [ctx.zero]
    for v in sines if forward else sines[:0:-1]:
        c.append((v - c[-1]) / x if forward else v - x * c[-1])
    return c[1:] if forward else c[: -order - 2 : -1]


def over_x(
    x: Any, size: Any, y: Any, w: Sequence[Any], order: int, where: Callable[..., Any]
) -> list[Any]:
    """Return c_0 .. c_order with x c_m + c_{m-1} = w_m and c_0 = y: forward for m < size.

    `where(p, q, a, b)` is a where p >= q, and b elsewhere.
    """
    low, d, found = where(order + 2.0, size, x, 0.0), 0.0 * x, list[Any]()
    for m in range(len(w) - 1, 0, -1):
        d = w[m] - low * d
        if m <= order + 1:
            found.insert(0, d)
    d = y
    for m in range(order + 1):
        found[m] = where(size, m + 1.0, d, found[m])
        d = (w[m + 1] - d) / x
    return found


def _where(p: Any, q: Any, a: Any, b: Any) -> Any:
    return np.where(p >= q, a, b)


def _sinc_lanes(x: Array, order: int, pi: bool = True) -> Any:
    rate = np.pi if pi else 1.0
    turn, last = np.rint(x) * pi, settled(order + 2)
    s, c = np.sin(rate * (x - turn)), np.cos(rate * (x - turn))
    sines = _sines(_rounded(pi, last), s, c)
    table = over_x(x, rate * np.abs(x), sines[0] / x, sines, order, _where)
    return np.stack(table) * (1 - 2 * (turn % 2))


def sinc(x: Any, order: int) -> Array:
    """Return the local coefficients of sin(πx)/(πx).

    x c_m + c_{m-1} = π^(m-1)/m! sin(πx + mπ/2) by Leibniz' formula (DLMF 1.4.12).

    >>> sinc(0.0, 2).round(6)
    array([ 1.      ,  0.      , -1.644934])
    """
    return evaluate(x, order, _sinc, _sinc_lanes)


def sinc1(x: Any, order: int) -> Array:
    """Return the local coefficients of sin(x)/x.

    >>> sinc1(0.0, 2).round(6)
    array([ 1.      ,  0.      , -0.166667])
    """
    ways: Any = (functools.partial(f, pi=False) for f in (_sinc, _sinc_lanes))
    return evaluate(x, order, *ways)


# ------------------------------------------------------------------ (eˣ - 1)/x
# (x + t) Σ c_m t^m = exp(x + t) - 1, hence x c_m + c_{m-1} = eˣ/m!, forward and backward as above.
def _exprel(ctx: Any, x: Any, order: int) -> list[Any]:
    forward = abs(x) >= 1
    weights = [ctx.exp(x)]
    for m in range(1, order + 2 if forward else order + 2 + ctx.prec):
        weights.append(weights[-1] / m)
    c = [ctx.expm1(x) / x] if forward else [ctx.zero]
    for v in weights[1 : order + 1] if forward else weights[:0:-1]:
        c.append((v - c[-1]) / x if forward else v - x * c[-1])
    return c if forward else c[: -order - 2 : -1]


def _exprel_lanes(x: Array, order: int) -> Any:
    weights = [np.exp(x) * v for v in inverse_factorials(settled(order + 2))]
    return np.stack(over_x(x, np.abs(x), np.expm1(x) / x, weights, order, _where))


def exprel(x: Any, order: int) -> Array:
    """Return the local coefficients of (eˣ - 1)/x.

    >>> exprel(0.0, 2).round(6)
    array([1.      , 0.5     , 0.166667])
    """
    return evaluate(x, order, _exprel, _exprel_lanes)


# ------------------------------------------------------------------ log(1 + x)/x
# d_m = (1 + x)^m c_m: r d_m + d_{m-1} = (-1)^(m-1)/(m (1 + x)), r = x/(1 + x), d_0 = log(1 + x)/x.
# An error grows by 1/r per step forward, and by r backward: forward is right while |r|^-m is small.
def _log1prel(ctx: Any, x: Any, order: int) -> list[Any]:
    if x == -1:
        raise ValueError("log(1 + x)/x has a pole at -1")
    r, d = x / (1 + x), [ctx.log1p(x) / x if x else ctx.one]
    if 4 * abs(x) >= 1:
        for m in range(1, order + 1):
            d.append(((-1) ** (m - 1) / (m * (1 + x)) - d[-1]) / r)
    else:
        d = [ctx.zero]
        for m in range(order + 1 + ctx.prec, 0, -1):
            d.append((-1) ** (m - 1) / (m * (1 + x)) - r * d[-1])
        d = d[: -order - 2 : -1]
    return [v / (1 + x) ** m for m, v in enumerate(d)]


def _log1prel_lanes(x: Array, order: int) -> Any:
    r, d = x / (1 + x), np.log1p(x) / x
    forward, table = np.abs(r) ** order >= 0.25, np.empty((order + 1, x.size))
    for m in range(order + 1):
        table[m] = d
        d = ((-1) ** m / ((m + 1) * (1 + x)) - d) / r
    low, d = np.where(forward, 0.0, r), 0 * x
    for m in range(30 * (order + 1) + 40, 0, -1):
        d = (-1) ** (m - 1) / (m * (1 + x)) - low * d
        if m <= order + 1:
            kept = forward if m > 1 else x != 0  # the value is the same at any order
            table[m - 1] = np.where(kept, table[m - 1], d)
    return np.where(x > -1, table, np.nan) / (1 + x) ** np.arange(order + 1)[:, None]


def log1prel(x: Any, order: int) -> Array:
    """Return the local coefficients of log(1 + x)/x.

    >>> log1prel(0.0, 2).round(6)
    array([ 1.      , -0.5     ,  0.333333])
    """
    return evaluate(x, order, _log1prel, _log1prel_lanes)


# ------------------------------------------------------------------ its integral
def si(x: Any, order: int) -> Array:
    """Return the local coefficients of Si: c_m = d_{m-1}/m from those of sin(x)/x (DLMF 6.2.9).

    >>> si(0.0, 3).round(6)
    array([ 0.      ,  1.      ,  0.      , -0.055556])
    """

    def formula(ctx: Any, x: Any, order: int) -> list[Any]:
        d = _sinc(ctx, x, order, pi=False)
        return [ctx.si(x), *(v / m for m, v in enumerate(d[:order], 1))]

    def lanes(x: Array, order: int) -> Array:
        special = scipy_special()
        value = np.nan * x if special is None else special.sici(x)[0]
        return integrated(value, _sinc_lanes(x, order, pi=False))[: order + 1]

    return evaluate(x, order, formula, lanes)
