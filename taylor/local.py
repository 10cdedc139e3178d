"""Local Taylor coefficients f⁽ᵐ⁾(x)/m! of functions whose first-order equation is useless or
does not exist.

The rule p·y' = q·a' is unstable where p vanishes although f is analytic (sinc, Bessel at 0, Dawson
far out) and impossible where there is no such equation (digamma, zeta).  Each function here returns
c_m = f⁽ᵐ⁾(x)/m!, m = 0..order, along a new first axis.  A stable recurrence runs on whole arrays of
floats; the lanes it leaves non-finite, complex lanes and mpf go through a formula in mpmath, at
growing precision until two results agree.  Outside the domain lanes are nan and mpf raises.
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
Formula = Callable[[Any, Any, int], list[Any]]  # (context, x, order) -> coefficients
Lanes = Callable[[Array, int], Array]  # (1-D float64 x, order) -> table of coefficients

FLOAT_BITS = 60
MAX_BITS = 1 << 17
MAX_ZETA_TERMS = 20_000
_THREAD = threading.local()


# ------------------------------------------------------------------ from formulas to tables
def _private(bits: int) -> Any:
    """Return this module's own context of this thread: x may live in any other, unchanged."""
    if not hasattr(_THREAD, "context"):
        from mpmath.ctx_mp import MPContext

        _THREAD.context = MPContext()
    _THREAD.context.prec = bits
    return _THREAD.context


def _agreed(formula: Formula, x: Any, order: int, bits: int) -> list[Any]:
    """Return coefficients with `bits` right bits: two precisions agree (Ziv's strategy)."""
    previous: list[Any] = []
    precision = bits + 30
    while precision <= MAX_BITS:
        ctx = _private(precision)
        z = ctx.convert(x)
        if not ctx.isfinite(z):
            raise ValueError(f"{x} is not finite")
        try:
            c = formula(ctx, z, order)
        except (ArithmeticError, ctx.NoConvergence) as error:
            raise ValueError(f"no coefficients found at {x}") from error
        if previous and all(abs(v - w) <= abs(v) >> bits for v, w in zip(c, previous, strict=True)):
            return c
        previous, precision = c, 2 * precision
    raise ValueError(f"no coefficients found at {x}")


def _evaluate(x: Any, order: int, formula: Formula, lanes: Lanes | None = None) -> Array:
    """Return the table of coefficients at one mpf or mpc, or at an array of floats or complexes."""
    if hasattr(x, "context"):
        ctx, real = x.context, not isinstance(x, x.context.mpc)
        out = np.empty(order + 1, dtype=object)
        for m, v in enumerate(_agreed(formula, x, order, ctx.prec + 10)):
            out[m] = ctx.mpf(v.real) if real else ctx.mpc(v.real, v.imag)
        return out
    x = np.asarray(x)
    number = complex if np.iscomplexobj(x) else float
    flat = x.astype(number).reshape(-1)
    table = np.full((order + 1, flat.size), np.nan, flat.dtype)
    if lanes is not None and number is float:
        with np.errstate(all="ignore"):
            table = lanes(flat, order)
    for i in np.flatnonzero(~np.isfinite(table).all(axis=0) | ~np.isfinite(flat)):
        try:
            table[:, i] = [number(c) for c in _agreed(formula, flat[i].item(), order, FLOAT_BITS)]
        except ValueError:
            table[:, i] = np.nan
    return table.reshape(order + 1, *x.shape)


def _scipy() -> Any:
    """Return scipy.special, or None where SciPy is not installed."""
    try:
        from scipy import special
    except ImportError:
        return None
    return special


def _settled(order: int) -> int:
    """Return a degree from which a backward recurrence that starts with 0 is right at `order`.

    Where degree m shrinks errors by z/m, z <= order, J steps shrink them by exp(-J²/2z) or more.
    """
    return order + 40 + int(9 * math.sqrt(order))


# ------------------------------------------------------------------ sin(πx)/(πx)
# (x + t) Σ c_m t^m = sin(π(x + t))/π, hence x c_m + c_{m-1} = w_m sin(πx + mπ/2), w_m = π^(m-1)/m!.
# In units of c_m ~ π^m/m!/(m + |πx|) an error grows by m/|πx| in a step forward, by |πx|/m in a
# step backward: forward is right for m < |πx|, backward above.
def _weights(ctx: Any, count: int) -> list[Any]:
    """Return w_0 .. w_count."""
    w = [1 / ctx.pi]
    for m in range(1, count + 1):
        w.append(w[-1] * ctx.pi / m)
    return w


def _sinc(ctx: Any, x: Any, order: int) -> list[Any]:
    s, c = ctx.sinpi(x), ctx.cospi(x)
    last = order if abs(x) >= 1 else order + ctx.prec
    sines = [w * (s, c, -s, -c)[m % 4] for m, w in enumerate(_weights(ctx, last))]
    d, ds = ctx.zero, []
    if abs(x) >= 1:
        for m in range(order + 1):
            d = (sines[m] - d) / x
            ds.append(d)
        return ds
    for m in range(last, 0, -1):
        d = sines[m] - x * d
        ds.append(d)
    return ds[: -order - 2 : -1]


def _sinc_lanes(x: Array, order: int) -> Array:
    turn, size, last = np.rint(x), np.pi * np.abs(x), _settled(order + 2)
    sign = 1 - 2 * (turn % 2)
    s, c = sign * np.sin(np.pi * (x - turn)), sign * np.cos(np.pi * (x - turn))
    sines = [float(w) * (s, c, -s, -c)[m % 4] for m, w in enumerate(_weights(_private(80), last))]
    table, d = np.zeros((last, x.size)), np.zeros(x.size)
    low = np.where(size <= order + 2, x, 0.0)
    for m in range(last, 0, -1):
        table[m - 1] = d = sines[m] - low * d
    for m in range(order + 1):
        d = (sines[m] - (d if m else 0.0)) / x
        table[m] = np.where(m + 1 < size, d, table[m])
    return table[: order + 1]


def sinc(x: Any, order: int) -> Array:
    """Return the local coefficients of sin(πx)/(πx).

    x c_m + c_{m-1} = π^(m-1)/m! sin(πx + mπ/2), Leibniz' rule for x·sinc(x) (DLMF 1.4.12).

    >>> sinc(0.0, 2).round(6)
    array([ 1.      ,  0.      , -1.644934])
    """
    return _evaluate(x, order, _sinc, _sinc_lanes)


# ------------------------------------------------------------------ error functions
# y = erfcx has y' = 2xy - 2/√π and y = Dawson's integral y' = 1 - 2xy (DLMF 7.10, 7.5.1), hence
# (m+1) c_{m+1} = ±2 (x c_m + c_{m-1}).  Its other solution, exp(±(x+t)²), grows against c_m by
# 2x²/m per degree while that is > 1 (but for erfcx left of 0, which is itself the growing one).
# There c_m = -σ_m c_{m-1} with σ_m = 2/(2x ± (m+1) σ_{m+1}) run backward (DLMF 3.6, 7.18.13), and
# y' = ... reads c_0 = (1/√π or 1/2)·σ_0.
def _forward(c: list[Any], x: Any, sign: int, order: int) -> list[Any]:
    """Continue c_0, c_1 to c_order."""
    for m in range(1, order):
        c.append(2 * sign * (x * c[m] + c[m - 1]) / (m + 1))
    return c[: order + 1]


def _backward(x: Any, scale: Any, sign: int, order: int, last: int, unit: Any = 1) -> list[Any]:
    """Return c_0 .. c_order from the ratios unit·σ_m, begun at m = last."""
    ratio, ratios, a, b = 0, [], x / unit, 1 / (unit * unit)
    for m in range(last, -1, -1):
        ratio = 2 / (2 * a + sign * (m + 1) * b * ratio)
        ratios.append(ratio)
    c = [scale * ratios.pop()]
    for _ in range(order):
        c.append(-c[-1] * ratios.pop())
    return [v / unit ** (m + 1) for m, v in enumerate(c)]


def _is_far(ctx: Any, x: Any, order: int) -> bool:
    """Whether exp(-x²) and all its coefficients are negligible and the ratios settle fast."""
    return bool((x * x).real >= max(16 * (order + ctx.prec), abs(x) ** 2 / 2))


def _erfcx(ctx: Any, x: Any, order: int) -> list[Any]:
    if x.real > 0 and _is_far(ctx, x, order):
        return _backward(x, 1 / ctx.sqrt(ctx.pi), 1, order, order + ctx.prec)
    ctx.prec += (order + 1) * max(0, 2 * ctx.mag(x) + 1)  # what 2x² per degree costs
    y = ctx.exp(x * x) * ctx.erfc(x)
    return _forward([y, 2 * x * y - 2 / ctx.sqrt(ctx.pi)], x, 1, order)


def _dawsn(ctx: Any, x: Any, order: int) -> list[Any]:
    if _is_far(ctx, x, order):
        return _backward(x, ctx.one / 2, -1, order, order + ctx.prec)
    ctx.prec += (order + 1) * max(0, 2 * ctx.mag(x) + 1)
    y = ctx.sqrt(ctx.pi) / 2 * ctx.exp(-x * x) * ctx.erfi(x)
    return _forward([y, 1 - 2 * x * y], x, -1, order)
