"""Local Taylor coefficients f⁽ᵐ⁾(x)/m! of functions without a usable first-order equation.

Throughout c_m is the coefficient of degree m at x.  Where a recurrence is stable in floating point
it runs on whole arrays; elsewhere it runs lane by lane in mpmath, at twice the precision until two
results agree (Ziv's strategy), and is rounded once.  Lanes outside the domain are nan throughout;
an mpf outside of it raises ValueError.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.values import private

Array = Any
Formula = Callable[[Any, Any, int], list[Any]]  # (context, x, order) -> coefficients


# ------------------------------------------------------------------ lanes in high precision
def _agreed(formula: Formula, x: Any, order: int, bits: int) -> list[Any]:
    """Return formula's coefficients right to `bits` bits, as numbers of a private context."""
    precision, previous = 2 * bits, None
    while precision < 1 << 17:
        ctx = private(precision)
        c = formula(ctx, ctx.convert(x), order)
        if any(v != v for v in c):
            raise ValueError(f"no expansion at {x}")
        if previous is not None:
            near = [max(abs(v) for v in c[max(m - 1, 0) : m + 2]) for m in range(order + 1)]
            pairs = zip(c, previous, near, strict=True)
            if all(abs(v - w) <= ctx.ldexp(scale, -bits) for v, w, scale in pairs):
                return c
        previous, precision = c, 2 * precision
    raise ValueError(f"no expansion at {x}")


def _lanes(formula: Formula, x: Any, order: int) -> Array:
    """Return the coefficients at every lane of a float or complex array, or at one mpf or mpc."""
    if hasattr(x, "context"):
        ctx, out = x.context, np.empty(order + 1, dtype=object)
        real = isinstance(x, ctx.mpf)
        c = _agreed(formula, x, order, ctx.prec + 10)
        if real and any(v.imag for v in c):
            raise ValueError(f"no real expansion at {x}")
        out[:] = [ctx.convert(v.real if real else v) for v in c]
        return out
    x = np.asarray(x)
    table = np.empty((order + 1, *x.shape), dtype=np.result_type(x.dtype, np.float64))
    flat, number = table.reshape(order + 1, x.size), complex if np.iscomplexobj(x) else float
    for i, v in enumerate(x.reshape(-1).tolist()):
        try:
            flat[:, i] = [number(c) for c in _agreed(formula, v, order, 60)]
        except (ValueError, TypeError, ZeroDivisionError):
            flat[:, i] = np.nan
    return table


def _is_float(x: Any) -> bool:
    return not hasattr(x, "context") and not np.iscomplexobj(x)


def _scipy() -> Any:
    try:
        from scipy import special
    except ImportError:
        return None
    return special


# ------------------------------------------------------------------ sin(πx)/(πx)
def _quarter(s: Any, c: Any, m: int) -> Any:
    """Return sin(z + m π/2) from s = sin z and c = cos z."""
    return (s, c, -s, -c)[m % 4]


def _sinc(ctx: Any, x: Any, order: int) -> list[Any]:
    # z·s = sin z differentiated m times: z d_m + m d_{m-1} = sin(z + m π/2), d_m = s⁽ᵐ⁾(z)
    if x == 0:
        ds = [
            (-1) ** (m // 2) * ctx.one / (m + 1) if m % 2 == 0 else ctx.zero
            for m in range(order + 1)
        ]
    else:
        z, s, c = ctx.pi * x, ctx.sinpi(x), ctx.cospi(x)
        last = max(order, int(abs(z))) + 2 * ctx.prec
        d, ds = ctx.zero, [ctx.zero] * (last + 1)
        for m in range(last, 0, -1):  # the error shrinks by |z|/m in each step
            d = (_quarter(s, c, m) - z * d) / m
            ds[m - 1] = d
        d = s / z
        for m in range(min(order, int(abs(z))) + 1):
            d = s / z if m == 0 else (_quarter(s, c, m) - m * d) / z
            ds[m] = d
    return [ctx.pi**m * ds[m] / ctx.factorial(m) for m in range(order + 1)]


def sinc(x: Any, order: int) -> Array:
    """Return the local coefficients of sin(πx)/(πx).

    z d_m + m d_{m-1} = sin(z + m π/2), z = πx, is stable upwards for m < |z| and downwards for
    m > |z|.

    >>> sinc(0.0, 2).round(6)
    array([ 1.      ,  0.      , -1.644934])
    """
    if not _is_float(x):
        return _lanes(_sinc, x, order)
    x = np.asarray(x, dtype=float)
    half = 2 * np.rint(x / 2)
    r = x - half
    s = np.sin(np.pi * np.where(np.abs(r) > 0.5, np.copysign(1, r) - r, r))
    c = np.sin(np.pi * (0.5 - np.abs(r)))
    z = np.pi * x
    size = np.abs(z)
    reach = min(float(np.max(size, initial=0.0, where=np.isfinite(size))), order + 1.0)
    last = int(max(order, reach)) + 60
    d, down = np.zeros_like(x), np.zeros((order + 1, *x.shape))
    scale = np.pi ** np.arange(order + 1) / np.array(
        [math.factorial(m) for m in range(order + 1)], dtype=float
    )
    with np.errstate(all="ignore"):
        z_low = np.where(size <= reach, z, 0.0)
        for m in range(last, 0, -1):
            d = (_quarter(s, c, m) - z_low * d) / m
            if m <= order + 1:
                down[m - 1] = d
        up = s / z
        for m in range(order + 1):
            up = up if m == 0 else (_quarter(s, c, m) - m * up) / z
            down[m] = np.where((m <= size) & (size > 0), up, down[m]) * scale[m]
    return down


# ------------------------------------------------------------------ error functions
def _erfcx(ctx: Any, x: Any, order: int) -> list[Any]:
    # y' = 2xy - 2/√π, hence (m+1) c_{m+1} = 2x c_m + 2 c_{m-1} (DLMF 7.10)
    c = [ctx.exp(x * x) * ctx.erfc(x)]
    c.append(2 * x * c[0] - 2 / ctx.sqrt(ctx.pi))
    for m in range(1, order):
        c.append((2 * x * c[m] + 2 * c[m - 1]) / (m + 1))
    return c[: order + 1]


def erfcx(x: Any, order: int) -> Array:
    """Return the local coefficients of exp(x²)·erfc(x): (m+1) c_{m+1} = 2x c_m + 2 c_{m-1}.

    >>> erfcx(0.0, 2).round(6)
    array([ 1.      , -1.128379,  1.      ])
    """
    return _lanes(_erfcx, x, order)


def _dawsn(ctx: Any, x: Any, order: int) -> list[Any]:
    # y' = 1 - 2xy, hence (m+1) c_{m+1} = -2x c_m - 2 c_{m-1} (DLMF 7.5)
    c = [ctx.sqrt(ctx.pi) / 2 * ctx.exp(-x * x) * ctx.erfi(x)]
    c.append(1 - 2 * x * c[0])
    for m in range(1, order):
        c.append((-2 * x * c[m] - 2 * c[m - 1]) / (m + 1))
    return c[: order + 1]


def dawsn(x: Any, order: int) -> Array:
    """Return the local coefficients of Dawson's integral: (m+1) c_{m+1} = -2x c_m - 2 c_{m-1}.

    >>> dawsn(0.0, 3).round(6)
    array([ 0.      ,  1.      ,  0.      , -0.666667])
    """
    return _lanes(_dawsn, x, order)


# ------------------------------------------------------------------ digamma and zeta
def _digamma(ctx: Any, x: Any, order: int) -> list[Any]:
    return [ctx.psi(m, x) / ctx.factorial(m) for m in range(order + 1)]


def digamma(x: Any, order: int) -> Array:
    """Return the local coefficients of Γ'/Γ: c_m = (-1)^(m+1) ζ(m+1, x), m >= 1 (DLMF 5.15, 25.11).

    >>> digamma(1.0, 2).round(6)
    array([-0.577216,  1.644934, -1.202057])
    """
    special = _scipy()
    if special is None or not _is_float(x):
        return _lanes(_digamma, x, order)
    x = np.asarray(x, dtype=float)
    positive = x > 0
    safe = np.where(positive, x, 1.0)
    table = np.empty((order + 1, *x.shape))
    table[0] = special.digamma(safe)
    for m in range(1, order + 1):
        table[m] = (-1) ** (m + 1) * special.zeta(m + 1.0, safe)
    if not positive.all():
        table[:, ~positive] = _lanes(_digamma, x[~positive], order)
    return table


def _zeta(ctx: Any, s: Any, order: int) -> list[Any]:
    if s == 1:
        raise ValueError("zeta has a pole at 1")
    return [ctx.zeta(s, 1, m) / ctx.factorial(m) for m in range(order + 1)]


def zeta(s: Any, order: int) -> Array:
    """Return the local coefficients ζ⁽ᵐ⁾(s)/m! of Riemann's zeta function (DLMF 25.2).

    >>> zeta(2.0, 1).round(6)
    array([ 1.644934, -0.937548])
    """
    return _lanes(_zeta, s, order)


# ------------------------------------------------------------------ Bessel functions
def _differences(values: list[Any], order: int, sign: int) -> list[Any]:
    """Return f_n⁽ᵐ⁾/m! from f_{n-order} ... f_{n+order}, 2 f_n' = f_{n-1} + sign f_{n+1}."""
    row, c = values, [values[order]]
    for m in range(1, order + 1):
        row = [(row[i] + sign * row[i + 2]) / 2 for i in range(len(row) - 2)]
        c.append(row[order - m] / math.factorial(m))
    return c


def _bessel(scipy_name: str, mp_name: str, sign: int, n: int, x: Any, order: int) -> Array:
    # DLMF 10.6.1 and 10.29.1: 2 C_n' = C_{n-1} - C_{n+1} for J and Y, 2 I_n' = I_{n-1} + I_{n+1}
    def formula(ctx: Any, v: Any, k: int) -> list[Any]:
        function = getattr(ctx, mp_name)
        if mp_name == "bessely":  # Y_{m+1} = 2m/x Y_m - Y_{m-1} is stable upwards (DLMF 10.74.iv)
            known = [function(0, v), function(1, v)]
            for m in range(1, abs(n) + k + 1):
                known.append(2 * m / v * known[m] - known[m - 1])
            function = lambda m, _: known[m]  # noqa: E731
        return _differences(
            [_by_order(function, n + i, v, sign) for i in range(-k, k + 1)], k, sign
        )

    special = _scipy()
    if special is None or not _is_float(x):
        return _lanes(formula, x, order)
    x = np.asarray(x, dtype=float)
    function = getattr(special, scipy_name)
    with np.errstate(all="ignore"):
        values = [_by_order(function, n + i, x, sign) for i in range(-order, order + 1)]
        return np.stack(_differences(values, order, sign))


def _by_order(function: Callable[..., Any], n: int, x: Any, sign: int) -> Any:
    # DLMF 10.4.1, 10.27.1: f_{-n} = (-1)^n f_n for J and Y, I_{-n} = I_n
    value = function(abs(n), x)
    return -value if n < 0 and n % 2 and sign < 0 else value


def bessel_j(n: int, x: Any, order: int) -> Array:
    """Return the local coefficients of J_n: 2^m f⁽ᵐ⁾ = Σ (-1)^i C(m,i) J_{n-m+2i} (DLMF 10.6.7).

    >>> bessel_j(0, 0.0, 2) + 0.0
    array([ 1.  ,  0.  , -0.25])
    """
    return _bessel("jv", "besselj", -1, n, x, order)


def bessel_y(n: int, x: Any, order: int) -> Array:
    """Return the local coefficients of Y_n, x > 0, by DLMF 10.6.7.

    >>> bessel_y(0, 1.0, 1).round(6)
    array([0.088257, 0.781213])
    """
    table = _bessel("yv", "bessely", -1, n, x, order)
    if _is_float(x):
        table[:, ~(np.asarray(x) > 0)] = np.nan
    elif hasattr(x, "context") and x.imag == 0 and not x.real > 0:
        raise ValueError("Y_n needs x > 0")
    return table


def bessel_i(n: int, x: Any, order: int) -> Array:
    """Return the local coefficients of I_n: 2^m f⁽ᵐ⁾ = Σ C(m,i) I_{n-m+2i} (DLMF 10.29.5).

    >>> bessel_i(0, 0.0, 2)
    array([1.  , 0.  , 0.25])
    """
    return _bessel("iv", "besseli", 1, n, x, order)
