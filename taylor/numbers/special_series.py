"""Local Taylor coefficients f⁽ᵐ⁾(x)/m! of functions without a usable first-order equation.

The rule p·y' = q·a' is unstable where p vanishes although f is analytic (sinc and Bessel at 0) or
where f decays beside the other solutions (erfcx, Dawson); digamma and zeta have no equation.  Each
function here returns c_m = f⁽ᵐ⁾(x)/m!, m = 0..order, along a new first axis.  Float lanes go
through a stable recurrence on whole arrays; those it leaves non-finite, complex lanes and mpmath's
numbers through a formula in mpmath.  Outside the domain lanes are nan; mpf and mpc raise.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from typing import Any

import numpy as np

from taylor.numbers.formulas import scipy_special
from taylor.numbers.kinds import Array, private

Formula = Callable[[Any, Any, int], list[Any]]  # (context, x, order) -> coefficients
Lanes = Callable[[Array, int], Any]  # (float64 x of one axis, order) -> table

FLOAT_BITS = 60
ROOT_PI = Decimal("1.7724538509055160272981674833411")
MAX_BITS = 1 << 17
MAX_ZETA_TERMS = 20_000
MAX_SCIPY_BESSEL = 1e9  # beyond, SciPy's J and Y lose the phase


# ------------------------------------------------------------------ from formulas to tables
def _agreed(formula: Formula, x: Any, order: int, bits: int) -> list[Any]:
    """Return coefficients on which two precisions agree to `bits` bits (Ziv's strategy)."""
    previous: list[Any] = []
    precision = bits + 30
    while precision <= MAX_BITS:
        ctx = private(precision)
        z = ctx.convert(x)
        if not ctx.isfinite(z):
            raise ValueError(f"{x} is not finite")
        try:
            c = formula(ctx, z, order)
        except (ArithmeticError, ctx.NoConvergence) as error:
            raise ValueError(f"no coefficients found at {x}") from error
        pairs = zip(c, previous or [ctx.nan] * len(c), strict=True)
        if all(abs(v - w) <= ctx.ldexp(abs(v), -bits) for v, w in pairs):
            return c
        previous, precision = c, 2 * precision
    raise ValueError(f"no coefficients found at {x}")


def evaluate(x: Any, order: int, formula: Formula, lanes: Lanes | None = None) -> Array:
    """Return the table at one mpf or mpc, or at a float, a complex or an array of them."""
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
            table[:] = lanes(flat, order)
    finite = np.isfinite(flat)
    table[:, ~finite] = np.nan
    for i in np.flatnonzero(finite & ~np.isfinite(table).all(axis=0)):
        try:
            table[:, i] = [number(c) for c in _agreed(formula, flat[i].item(), order, FLOAT_BITS)]
        except ValueError:
            table[:, i] = np.nan
    return table.reshape(order + 1, *x.shape)


def settled(order: int) -> int:
    """Return a degree where a backward recurrence may begin with 0 to be right at `order`.

    If an error shrinks by z/m at degree m, z <= order, J degrees shrink it by exp(-J²/2z) or more.
    """
    return order + 40 + int(9 * math.sqrt(order))


# ------------------------------------------------------------------ exponential integrals
# y' = g(z)/z =: Σ d_m t^m with g entire, g(0) = 1 and coefficients w_m: x d_m + d_{m-1} = w_m.  As
# for sin(πz)/z this is right forward while m < |x| (at any m if nothing cancels, as for exp at
# x < 0); above, backward for (g - 1)/z, to which the coefficients (-1)^m/x^(m+1) of 1/z are added.
def _over_z(x: Array, w: list[Array], order: int, forward: Array) -> Array:
    """Return d_0 .. d_order from w_0 .. w_last."""
    table = np.empty((order + 1, x.size))
    low, e = np.where(np.abs(x) <= order + 2, x, 0.0), 0 * x
    for m in range(len(w) - 1, 0, -1):
        e = w[m] - low * e
        if m <= order + 1:
            table[m - 1] = e - (-1.0) ** m / x**m
    d = 0 * x
    for m in range(order + 1):
        d = (w[m] - d) / x
        table[m] = np.where(forward | (m < np.abs(x)), d, table[m])
    return table


def integrated(y: Array, d: Array) -> Array:
    """Return the coefficients of the integral of Σ d_m t^m with the value y."""
    degrees = np.arange(1, len(d) + 1)[:, None]
    return np.concatenate([np.reshape(y, (1, -1)), d / degrees])


def ci_mp(ctx: Any, x: Any) -> Any:
    """Return Ci(x), or Ci(|x|) of a real number, in an mpmath context."""
    return ctx.ci(abs(x) if isinstance(x, ctx.mpf) else x)


def _exponential_integral(kind: str, ctx: Any, x: Any, order: int) -> list[Any]:
    if x == 0:
        raise ValueError(f"{kind} has a pole at 0")
    s, c, e = ctx.sin(x), ctx.cos(x), ctx.exp(x)
    out, d, factorial = [ctx.ei(x) if kind == "ei" else ci_mp(ctx, x)], ctx.zero, ctx.one
    for m in range(order):
        w = (e if kind == "ei" else (c, -s, -c, s)[m % 4]) / factorial
        d = (w - d) / x
        factorial *= m + 1
        out.append(d / (m + 1))
    return out


def inverse_factorials(count: int) -> list[float]:
    """Return 1/m!, m <= count, zero where that underflows."""
    found = [1.0]
    for m in range(1, count + 1):
        found.append(found[-1] / m)
    return found


def _exponential_lanes(kind: str, x: Array, order: int) -> Array:
    special = scipy_special()
    if special is None:
        return np.full((order + 1, x.size), np.nan)
    weights, s, c = inverse_factorials(settled(order + 2)), np.sin(x), np.cos(x)
    if kind == "ei":
        value, w, forward = special.expi(x), [np.exp(x) * v for v in weights], x < 0
    else:
        value, forward = special.sici(x)[1], np.zeros(x.shape, dtype=bool)
        w = [(c, -s, -c, s)[m % 4] * v for m, v in enumerate(weights)]
    table = integrated(value, _over_z(x, w, order, forward))[: order + 1]
    return np.where(x == 0, np.nan, table)


def expi(x: Any, order: int) -> Array:
    """Return the local coefficients of Ei: x d_m + d_{m-1} = eˣ/m!, c_m = d_{m-1}/m (DLMF 6.2.5).

    >>> expi(1.0, 2).round(6)
    array([1.895118, 2.718282, 0.      ])
    """
    ways: Any = (functools.partial(f, "ei") for f in (_exponential_integral, _exponential_lanes))
    return evaluate(x, order, *ways)


def ci(x: Any, order: int) -> Array:
    """Return the local coefficients of Ci(|x|): as of Ei, with cos(x + mπ/2)/m! (DLMF 6.2.11).

    >>> ci(1.0, 1).round(6)
    array([0.337404, 0.540302])
    """
    ways: Any = (functools.partial(f, "ci") for f in (_exponential_integral, _exponential_lanes))
    return evaluate(x, order, *ways)


# ------------------------------------------------------------------ error functions
# y' = ±2 (xy - scale) with +, scale 1/√π for erfcx and -, scale 1/2 for Dawson's integral, hence
# (m+1) c_{m+1} = ±2 (x c_m + c_{m-1}), m >= 1 (DLMF 7.10.2, 7.10.3).  Beside c_m the other solution
# exp(±(x+t)²) grows by 2x²/m per degree while that exceeds 1, unless x < 0 in erfcx, which grows
# itself there.  Where it decays the ratios σ_m = -c_m/c_{m-1} = 2/(2x ± (m+1) σ_{m+1}) run backward
# (DLMF 7.18.4, 7.18.13), and c_0 = scale·σ_0.
def _forward(y: Any, x: Any, sign: int, scale: Any, order: int) -> list[Any]:
    """Return c_0 .. c_order from c_0 = y."""
    c = [y, 2 * sign * (x * y - scale)]
    for m in range(1, order):
        c.append(2 * sign * (x * c[m] + c[m - 1]) / (m + 1))
    return c[: order + 1]


def _backward(x: Any, sign: int, scale: Any, order: int, last: int, unit: Any = 1) -> list[Any]:
    """Return c_0 .. c_order from the ratios unit·σ_m, begun at m = last with 0."""
    ratio, ratios, a, b = 0 * x, [], 2 * x / unit, sign / (unit * unit)
    for m in range(last, -1, -1):
        ratio = 2 / (a + (m + 1) * b * ratio)
        if m <= order:
            ratios.append(ratio)
    c = [scale * ratios.pop()]
    while ratios:
        c.append(-c[-1] * ratios.pop())
    return [v / unit ** (m + 1) for m, v in enumerate(c)]


def _error_function(sign: int, ctx: Any, x: Any, order: int) -> list[Any]:
    # far out exp(-x²) is negligible in all coefficients, and the ratios settle in ctx.prec steps
    far = (x * x).real >= max(16 * (order + ctx.prec), abs(x) ** 2 / 2)
    far = far and (sign < 0 or x.real > 0)
    if not far:
        ctx.prec += int((order + 1) * max(0, 2 * ctx.mag(x) + 1))  # 2x² per degree is lost
    root = ctx.sqrt(ctx.pi)
    scale = 1 / root if sign > 0 else ctx.one / 2
    if far:
        return _backward(x, sign, scale, order, order + ctx.prec)
    y = ctx.exp(x * x) * ctx.erfc(x) if sign > 0 else root / 2 * ctx.exp(-x * x) * ctx.erfi(x)
    return _forward(y, x, sign, scale, order)


_erfcx, _dawsn = functools.partial(_error_function, 1), functools.partial(_error_function, -1)


def _unit(x: Array) -> Array:
    # where all σ_m are close to 1/x they would all be rounded alike
    return np.where(np.abs(x) < 8, 1.0, x)


@functools.cache
def _around_one(order: int) -> Array:
    """Return C(m+j, j) |c_{m+j}| of erfcx at 1, m <= order, for all j that count below 1."""
    degrees = 60 + int(4 * math.sqrt(order))
    top, one = order + degrees, Decimal(1)
    with localcontext(Context(prec=25)):  # needs no mpmath, which takes long to import
        last = int((math.sqrt(top) + 20) ** 2)
        c = [abs(v) for v in _backward(one, 1, one / ROOT_PI, top, last, one)]
        rows = [[c[m + j] * math.comb(m + j, j) for j in range(degrees)] for m in range(order + 1)]
    return np.array(rows, dtype=float)


def _erfcx_lanes(x: Array, order: int) -> Array:
    size, scale = np.abs(x), 1 / math.sqrt(math.pi)
    # errors in σ_m shrink like exp(-x√(8m)) downward, enough from `last` on for x >= 1
    far, last = np.maximum(size, 1.0), int((math.sqrt(order) + 14) ** 2)
    table = np.array(_backward(far, 1, scale, order, last, _unit(far)))
    # below 1, c_m(x) = Σ_j C(m+j, j) c_{m+j}(1) (x-1)^j has terms of one sign
    near = size < 1
    total = 0 * table[:, near]
    for column in _around_one(order).T[::-1]:
        total = total * (1 - size[near]) + column[:, None]
    table[:, near] = total * (-1.0) ** np.arange(order + 1)[:, None]
    # left of 0, erfcx(x) = 2 exp(x²) - erfcx(-x), where the square of a float32 is exact
    z, y = x[x < 0], table[0, x < 0]
    head = z.astype(np.float32).astype(float)
    y = 2 * np.exp(head * head) * np.exp((z - head) * (z + head)) - y
    table[:, x < 0] = _forward(y, z, 1, scale, order)
    return table


def erfcx(x: Any, order: int) -> Array:
    """Return the local coefficients of exp(x²)·erfc(x).

    (m+1) c_{m+1} = 2 (x c_m + c_{m-1}), m >= 1 (DLMF 7.10.3 at ix).

    >>> erfcx(0.0, 2).round(6)
    array([ 1.      , -1.128379,  1.      ])
    """
    return evaluate(x, order, _erfcx, _erfcx_lanes)


def _dawsn_lanes(x: Array, order: int) -> Array:
    table, special = np.full((order + 1, x.size), np.nan), scipy_special()
    far, near = np.abs(x) >= 2 * math.sqrt(order + 30), np.abs(x) <= 1
    table[:, far] = _backward(x[far], -1, 0.5, order, order + 30, _unit(x[far]))
    if special is not None:
        table[:, near] = _forward(special.dawsn(x[near]), x[near], -1, 0.5, order)
    return table


def dawsn(x: Any, order: int) -> Array:
    """Return the local coefficients of Dawson's integral exp(-x²) ∫₀ˣ exp(t²) dt.

    (m+1) c_{m+1} = -2 (x c_m + c_{m-1}), m >= 1 (DLMF 7.5.1, 7.10.3).

    >>> dawsn(0.0, 3).round(6) + 0.0
    array([ 0.      ,  1.      ,  0.      , -0.666667])
    """
    return evaluate(x, order, _dawsn, _dawsn_lanes)


# ------------------------------------------------------------------ Airy functions
# SciPy's phase is off by a rounding of 2/3 |x|^(3/2), which all coefficients share.  The series at
# the nearest multiple of 1/4, whose terms fall like (√|x|/8)^m/m!, has the error of a sum.
AIRY_FAR = 32


@functools.cache
def _airy_near(n: int) -> list[list[float]]:
    """Return the coefficients of Ai, Ai', Bi, Bi' at n/4: (m+2)(m+1) c_{m+2} = x c_m + c_{m-1}."""
    ctx = private(FLOAT_BITS)
    x, found = ctx.mpf(n) / 4, []
    for f in (ctx.airyai, ctx.airybi):
        c = [f(x), f(x, derivative=1)]
        c.append(x * c[0] / 2)
        for m in range(1, 18):
            c.append((x * c[m] + c[m - 1]) / ((m + 2) * (m + 1)))
        found += [[float(v) for v in c], [float(m * v) for m, v in enumerate(c)][1:]]
    return found


def airy(which: int, x: Array) -> Array:
    """Return Ai, Ai', Bi or Bi' (which = 0 .. 3) at x, |x| <= AIRY_FAR (DLMF 9.2.1).

    >>> float(airy(0, np.array(0.0)))
    0.3550280538878172
    """
    centres, place = np.unique(np.rint(4 * x), return_inverse=True)
    rows = np.array([_airy_near(int(n))[which] for n in centres]).T
    t, y = x - centres[place].reshape(x.shape) / 4, 0 * x
    for c in rows[::-1]:
        y = y * t + c[place].reshape(x.shape)
    return y


# ------------------------------------------------------------------ digamma and zeta
def _digamma(ctx: Any, x: Any, order: int) -> list[Any]:
    if ctx.isnpint(x):
        raise ValueError(f"digamma has a pole at {x}")
    if x.real >= 0:
        return [ctx.psi(m, x) / ctx.factorial(m) for m in range(order + 1)]
    # ψ(x) = ψ(1-x) - k(x), k = π cot πx (DLMF 5.5.4), and k' = -π² - k²
    k = [ctx.pi * ctx.cospi(x) / ctx.sinpi(x)]
    for m in range(order):
        k.append(-(ctx.fdot(k, k[::-1]) + (0 if m else ctx.pi**2)) / (m + 1))
    return [(-1) ** m * v - k[m] for m, v in enumerate(_digamma(ctx, 1 - x, order))]


def _digamma_lanes(x: Array, order: int) -> Array:
    # c_m = (-1)^(m+1) h_m(x), h_m(x) = Σ_k (x+k)^-(m+1) = ζ(m+1, x), h_0 = -ψ.  Left of 0, with the
    # distances a and b to the poles below and above, both exact, the terms x+k > 0 sum to h_m(a)
    # and those x+k < 0 to (-1)^(m+1) (h_m(b) - h_m(1-x)).
    table, special, left = np.full((order + 1, x.size), np.nan), scipy_special(), x < 0
    if special is None:
        return table
    a, b, far = np.where(left, x - np.floor(x), x), (np.ceil(x) - x)[left], 1 - x[left]
    for m in range(order + 1):
        h: Any = functools.partial(special.zeta, m + 1.0) if m else lambda z: -special.digamma(z)
        table[m] = (-1) ** (m + 1) * h(a)
        table[m, left] += h(b) - h(far)
    large = (x > 10 ** (290 / (order + 1))) & (x > 4 * order)
    for m in range(1, order + 1):  # SciPy's h_m has factors that underflow
        table[m, large] = (-1) ** (m + 1) * _hurwitz(m, x[large])
    return table


def _hurwitz(m: int, x: Array) -> Array:
    """Return h_m(x) = ζ(m+1, x) by Σ_k B_2k/(2k)! (m+1)_(2k-1) x^-(m+2k) (DLMF 25.11.43)."""
    total = 1 / m + 1 / (2 * x)
    for k, b in ((1, 1 / 6), (2, -1 / 30), (3, 1 / 42), (4, -1 / 30), (5, 5 / 66)):
        rising = math.prod(range(m + 1, m + 2 * k)) / math.factorial(2 * k)
        total = total + b * rising / x ** (2.0 * k)
    return total * x ** -float(m)


def digamma(x: Any, order: int) -> Array:
    """Return the local coefficients of ψ = Γ'/Γ.

    c_m = (-1)^(m+1) ζ(m+1, x), m >= 1, with Hurwitz' zeta function (DLMF 25.11.12).

    >>> digamma(1.0, 2).round(6)
    array([-0.577216,  1.644934, -1.202057])
    """
    return evaluate(x, order, _digamma, _digamma_lanes)


def _zeta(ctx: Any, s: Any, order: int) -> list[Any]:
    # η(s) = Σ (-1)^k (k+1)^-s = q(s) ζ(s), q(s) = 1 - 2^(1-s) (DLMF 25.2.3).  Its first n terms,
    # weighted 1 - d_k/d_n, d_k = Σ_{i<=k} n (n+i-1)! 4^i/((n-i)! (2i)!), give it to about (3+√8)^-n
    # (Borwein, An efficient algorithm for the Riemann zeta function, 2000, algorithm 2).
    if s == 1:
        raise ValueError("zeta has a pole at 1")
    n = 10 + int(0.4 * ctx.prec + 2 * (abs(s.imag) + max(0, -s.real)))
    if n > MAX_ZETA_TERMS:
        raise ValueError(f"zeta needs too many terms at {s}")
    e, d = 1, [1]
    for i in range(n):
        e = 2 * e * (n + i) * (n - i) // ((2 * i + 1) * (i + 1))
        d.append(d[-1] + e)
    eta = [ctx.zero] * (order + 1)
    for k in range(n):
        log = -ctx.ln(k + 1)
        term = ctx.mpf((-1) ** k * (d[n] - d[k])) / d[n] * ctx.exp(s * log)
        for m in range(order + 1):
            eta[m] += term
            term *= log
    # expm1 keeps q near the pole, and mpmath's value the zeros at -2, -4, ...
    ln2, q, c = ctx.ln(2), [-ctx.expm1(ctx.ln(2) * (1 - s))], [ctx.zeta(s)]
    for m in range(1, order + 1):
        q.append(-ctx.power(2, 1 - s) * (-ln2) ** m / ctx.factorial(m))
        c.append((eta[m] / ctx.factorial(m) - ctx.fdot(q[1:], c[::-1])) / q[0])
    return c


def zeta(s: Any, order: int) -> Array:
    """Return the local coefficients of Riemann's ζ; |Im s| and -Re s up to some thousands.

    c_m = Σ_k (-log k)^m/m! k^-s for Re s > 1 (DLMF 25.2.7), else continued.

    >>> zeta(2.0, 1).round(6)
    array([ 1.644934, -0.937548])
    """
    return evaluate(s, order, _zeta)


# ------------------------------------------------------------------ Bessel functions
# J and Y: 2f_k' = f_{k-1} - f_{k+1}, f_{-k} = (-1)^k f_k (DLMF 10.6.1, 10.4.1); I: the same with +
# (DLMF 10.29.1, 10.27.1).  Done m times with a factor 1/m each it gives f_n⁽ᵐ⁾/m! as a mean of
# neighbours (DLMF 10.6.7, 10.29.5) in which the dominant ones have one sign: nothing cancels.
def _differences(f: list[Any], n: int, order: int, sign: int) -> list[Any]:
    """Return the coefficients of f_n from f_0 .. f_(|n|+order)."""
    orders = range(n - order, n + order + 1)
    rows = np.array([f[abs(k)] * (sign if k < 0 and k % 2 else 1) for k in orders])
    c = [rows[order]]
    for m in range(1, order + 1):
        rows = (rows[:-2] + sign * rows[2:]) / (2 * m)
        c.append(rows[order - m])
    return c


def _upward(f: list[Any], x: Any, count: int, ratios: Any = None) -> list[Any]:
    """Continue f_0, f_1 by f_{k+1} = 2k/x f_k - f_{k-1}, for k >= |x| by given f_{k+1}/f_k."""
    for k in range(1, count):
        up = 2 * k / x * f[k] - f[k - 1]
        f.append(up if ratios is None else np.where(k < np.abs(x), up, ratios[k] * f[k]))
    return f


def _falling(x: Array, count: int) -> list[Array]:
    """Return r_k = J_{k+1}/J_k, k < count, right for k >= |x|: r_{k-1} = x/(2k - x r_k)."""
    ratio, ratios, x = 0 * x, [], np.where(np.abs(x) <= count, x, 0.0)
    for k in range(settled(count), 0, -1):
        ratio = x / (2 * k - x * ratio)
        if k <= count:
            ratios.append(ratio)
    return ratios[::-1]


def _bessel(kind: str, n: int, x: Any, order: int) -> Array:
    sign, count, special = 1 if kind == "i" else -1, abs(n) + order, scipy_special()

    def formula(ctx: Any, v: Any, order: int) -> list[Any]:
        if kind == "y" and (v == 0 or (isinstance(v, ctx.mpf) and v < 0)):
            raise ValueError("Y_n needs x > 0")
        function = getattr(ctx, f"bessel{kind}")
        f = [function(k, v) for k in range(2 if kind == "y" else count + 1)]
        return _differences(_upward(f, v, count) if kind == "y" else f, n, order, sign)

    def lanes(x: Array, order: int) -> Array:
        # SciPy's own J_k and Y_k lose 100 ulp at k = 40.  Stable instead (DLMF 10.74.iv): upward
        # for Y and while k < |x| for J, backward for J above
        function = getattr(special, f"{kind}v")
        f = [function(k, x) for k in range(count + 1 if kind == "i" else 2)]
        f = f if kind == "i" else _upward(f, x, count, _falling(x, count) if kind == "j" else None)
        return np.where(np.abs(x) < MAX_SCIPY_BESSEL, _differences(f, n, order, sign), np.nan)

    return evaluate(x, order, formula, lanes if special else None)


def bessel_j(n: int, x: Any, order: int) -> Array:
    """Return the local coefficients of J_n: 2^m f⁽ᵐ⁾ = Σ (-1)^i C(m,i) J_{n-m+2i} (DLMF 10.6.7).

    >>> bessel_j(0, 0.0, 2) + 0.0
    array([ 1.  ,  0.  , -0.25])
    """
    return _bessel("j", n, x, order)


def bessel_y(n: int, x: Any, order: int) -> Array:
    """Return the local coefficients of Y_n, x > 0, by the same formula (DLMF 10.6.7).

    >>> bessel_y(0, 1.0, 1).round(6)
    array([0.088257, 0.781213])
    """
    return _bessel("y", n, x, order)


def bessel_i(n: int, x: Any, order: int) -> Array:
    """Return the local coefficients of I_n: 2^m f⁽ᵐ⁾ = Σ C(m,i) I_{n-m+2i} (DLMF 10.29.5).

    >>> bessel_i(0, 0.0, 2)
    array([1.  , 0.  , 0.25])
    """
    return _bessel("i", n, x, order)
