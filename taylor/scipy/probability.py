"""Incomplete gamma and beta functions, distribution functions, and the inverses of all of them.

The formulas are those of the NIST Digital Library of Mathematical Functions (DLMF), with SciPy's
conventions.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import special as sp

from taylor.scipy.fast import beta_density, f_density, in_x, log_beta, quantile, t_density
from taylor.scipy.formulas import add, gap, inside, inverse, positive, root
from taylor.scipy.incomplete import gamma_quantile, incomplete_gamma


# fmt: off
# ------------------------------------------------------------------ gamma and beta functions
def gamma_p(ctx: Any, a: Any, x: Any) -> Any:
    return ctx.gammainc(a, 0, x, regularized=True)


def gamma_q(ctx: Any, a: Any, x: Any) -> Any:
    return ctx.gammainc(a, x, ctx.inf, regularized=True)


def beta_i(ctx: Any, a: Any, b: Any, x: Any) -> Any:
    return ctx.betainc(a, b, 0, x, regularized=True)


def beta_c(ctx: Any, a: Any, b: Any, x: Any) -> Any:
    return ctx.betainc(b, a, 0, 1 - x, regularized=True)


def of_beta(a: Any, b: Any) -> tuple[Any, ...]:
    return gap(a), gap(b)


def of_log_beta(a: Any, b: Any) -> tuple[Any, ...]:
    zero = gap(a + b)  # of the beta function
    return np.minimum(gap(a), zero), np.minimum(gap(b), zero)


def in_unit(*x: Any) -> tuple[Any, ...]:
    return (*x[:-1], inside(x[-1]))


def below(largest: float, value: Callable[..., Any]) -> Callable[..., Any]:
    """Return a quantile that is nan beyond: near one its distance to one has lost its digits."""
    return lambda *x: np.where((y := value(*x)) < largest, y, np.nan)


def twice(fast: Callable[..., Any]) -> Callable[..., Any]:
    """Return only the first two coefficients: of a polynomial the higher ones may be zero."""
    return lambda m, *x: fast(m, *x) if m[-1] <= 2 else np.nan


add("rgamma", "z", "rgamma")
add("loggamma", "z", "loggamma", positive)
add("beta", "a b", "beta", of_beta)
add("betaln", "a b", lambda ctx, a, b: ctx.log(abs(ctx.beta(a, b))), of_log_beta, fast=log_beta)
add("binom", "x y", "binomial", lambda n, k: (gap(n + 1), 1.0))
add("poch", "z m", "rf", lambda z, m: (gap(z + m), gap(z + m)))
add("gammainc", "a x", gamma_p, positive, fast=incomplete_gamma)
add("gammaincc", "a x", gamma_q, positive, fast=lambda m, a, x: -incomplete_gamma(m, a, x))
add("betainc", "a b x", beta_i, in_unit, fast=in_x(beta_density))
add("betaincc", "a b x", beta_c, in_unit, fast=in_x(beta_density, -1.0))
OF_GAMMA, OF_GAMMA_C = gamma_quantile(sp.gammaincinv), gamma_quantile(sp.gammainccinv, -1.0)
OF_BETA = quantile(beta_density, below(0.99, sp.betaincinv))
OF_BETA_C = quantile(beta_density, below(0.99, sp.betainccinv), -1.0)
inverse("gammaincinv", "a y", 1, gamma_p, fast=OF_GAMMA)
inverse("gammainccinv", "a y", 1, gamma_q, fast=OF_GAMMA_C)
inverse("betaincinv", "a b y", 2, beta_i, fast=OF_BETA)
inverse("betainccinv", "a b y", 2, beta_c, fast=OF_BETA_C)
inverse("btdtria", "p b x", 0, beta_i, lambda p, b, x: (inside(p), b, inside(x)))
inverse("btdtrib", "a p x", 1, beta_i, lambda a, p, x: (a, inside(p), inside(x)))


# ------------------------------------------------------------------ distributions
def gdtr(ctx: Any, a: Any, b: Any, x: Any) -> Any:
    return gamma_p(ctx, b, a * x)


def chdtr(ctx: Any, v: Any, x: Any) -> Any:
    return gamma_p(ctx, v / 2, x / 2)


def chdtrc(ctx: Any, v: Any, x: Any) -> Any:
    return gamma_q(ctx, v / 2, x / 2)


def fdtr(ctx: Any, m: Any, n: Any, x: Any) -> Any:
    return beta_i(ctx, m / 2, n / 2, m * x / (n + m * x))


def stdtr(ctx: Any, v: Any, t: Any) -> Any:
    tail = beta_i(ctx, v / 2, ctx.mpf(1) / 2, v / (v + t * t)) / 2 if t else ctx.mpf(1) / 2
    if t * t < v:
        return (
            ctx.mpf(1) / 2
            + ctx.sign(t) * beta_i(ctx, ctx.mpf(1) / 2, v / 2, t * t / (v + t * t)) / 2
        )
    return tail if t < 0 else 1 - tail


def bdtr(ctx: Any, k: Any, n: Any, p: Any) -> Any:
    return beta_c(ctx, k + 1, n - k, p)


def nbdtr(ctx: Any, k: Any, n: Any, p: Any) -> Any:
    return beta_i(ctx, n, k + 1, p)


def pdtr(ctx: Any, k: Any, m: Any) -> Any:
    return gamma_q(ctx, k + 1, m)


def counted(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return f(ctx, k, ...) with k in whole steps."""
    return lambda ctx, k, *x: f(ctx, ctx.floor(k), *x)


def by_last(*x: Any) -> tuple[Any, ...]:
    """Return the distances where only the last argument, in (0, 1), varies."""
    return (*(1.0 for _ in x[:-1]), inside(x[-1]))


def polynomial(*x: Any) -> tuple[Any, ...]:
    """Return the distances for polynomials in the last argument, a probability, 0 and 1 too."""
    ends = (x[-1] == 0) | (x[-1] == 1)
    return (*(1.0 for _ in x[:-1]), np.where(ends, 1.0, inside(x[-1])))


def from_zero(*x: Any) -> tuple[Any, ...]:
    """Return the distances for a function that is entire in its last argument, which is >= 0."""
    return (*(1.0 for _ in x[:-1]), np.where(x[-1] < 0, x[-1], 1.0))


def of_rate(m: tuple[int, ...], a: Any, b: Any, x: Any) -> Any:
    """Return c_m of P(b, a·x), of which a and x are alike."""
    if m[0] and m[2]:
        return np.nan
    factor = x ** m[0] * a ** m[2]
    return incomplete_gamma((m[1], m[0] + m[2]), b, a * x) * factor


add("gdtr", "a b x", gdtr, positive, fast=of_rate)
add("gdtrc", "a b x", lambda ctx, a, b, x: gamma_q(ctx, b, a * x), positive,
    fast=lambda m, *x: -of_rate(m, *x))
inverse("gdtria", "p b x", 0, gdtr)
inverse("gdtrib", "a p x", 1, gdtr)
inverse("gdtrix", "a b p", 2, gdtr,
    fast=lambda m, a, b, p: (-1) ** m[0] * OF_GAMMA(m[1:], b, p)
        / a ** (m[0] + 1) if any(m[1:]) else np.nan)
add("chdtr", "v x", chdtr, positive,
    fast=lambda m, v, x: incomplete_gamma(m, v / 2, x / 2) / 2.0 ** sum(m))
add("chdtrc", "v x", chdtrc, positive,
    fast=lambda m, v, x: incomplete_gamma(m, v / 2, x / 2) / -2.0 ** sum(m))
inverse("chdtri", "v p", 1, chdtrc, fast=lambda m, v, p:
    2 * OF_GAMMA_C(m, v / 2, p) / 2.0 ** m[0])
inverse("chdtriv", "p x", 0, chdtr)
add("fdtr", "dfn dfd x", fdtr, positive, fast=in_x(f_density))
add("fdtrc", "dfn dfd x", lambda ctx, m, n, x: beta_i(ctx, n / 2, m / 2, n / (n + m * x)), positive,
    fast=in_x(f_density, -1.0))
inverse("fdtri", "dfn dfd p", 2, fdtr, fast=quantile(f_density, below(1e9, sp.fdtri)))
inverse("fdtridfd", "dfn p x", 1, fdtr)
add("stdtr", "df t", stdtr, lambda v, t: (v, np.sqrt(v) + abs(t)), fast=in_x(t_density))
inverse("stdtrit", "df p", 1, stdtr, fast=quantile(t_density, sp.stdtrit))
inverse("stdtridf", "p t", 0, stdtr, lambda p, t: (inside(p), 1.0))
IN_BETA, IN_BETA_C = twice(in_x(beta_density)), twice(in_x(beta_density, -1.0))
add("bdtr", "k n p", counted(bdtr), polynomial, fixed=("k", "n"), whole=("n",),
    fast=lambda m, k, n, p: IN_BETA_C(m, np.floor(k) + 1, n - np.floor(k), p))
add("bdtrc", "k n p", counted(lambda ctx, k, n, p: beta_i(ctx, k + 1, n - k, p)), polynomial,
    fixed=("k", "n"), whole=("n",),
    fast=lambda m, k, n, p: IN_BETA(m, np.floor(k) + 1, n - np.floor(k), p))
inverse("bdtri", "k n y", 2, counted(bdtr), by_last, fixed=("k", "n"), whole=("n",),
    fast=lambda m, k, n, y: OF_BETA_C(m, np.floor(k) + 1, n - np.floor(k), y))
inverse("bdtrik", "y n p", 0, bdtr, lambda y, n, p: (inside(y), n, inside(p)), count=True)
inverse("bdtrin", "k y p", 1, bdtr, lambda k, y, p: (k + 1, inside(y), inside(p)))
add("nbdtr", "k n p", counted(nbdtr), polynomial, fixed=("k", "n"), whole=("k", "n"),
    fast=lambda m, k, n, p: IN_BETA(m, n, k + 1, p))
add("nbdtrc", "k n p", counted(lambda ctx, k, n, p: beta_c(ctx, n, k + 1, p)), polynomial,
    fixed=("k", "n"), whole=("k", "n"), fast=lambda m, k, n, p: IN_BETA_C(m, n, k + 1, p))
inverse("nbdtri", "k n y", 2, counted(nbdtr), by_last, fixed=("k", "n"), whole=("k", "n"),
    fast=lambda m, k, n, y: OF_BETA(m, n, k + 1, y))
inverse("nbdtrik", "y n p", 0, nbdtr, lambda y, n, p: (inside(y), n, inside(p)), count=True)
inverse("nbdtrin", "k y p", 1, nbdtr, lambda k, y, p: (k + 1, inside(y), inside(p)))
add("pdtr", "k m", counted(pdtr), from_zero, fixed=("k",),
    fast=lambda n, k, m: -incomplete_gamma(n, np.floor(k) + 1, m))
add("pdtrc", "k m", counted(lambda ctx, k, m: gamma_p(ctx, k + 1, m)), from_zero, fixed=("k",),
    fast=lambda n, k, m: incomplete_gamma(n, np.floor(k) + 1, m))
inverse("pdtri", "k y", 1, counted(pdtr), by_last, fixed=("k",),
    fast=lambda n, k, y: OF_GAMMA_C(n, np.floor(k) + 1, y))
inverse("pdtrik", "p m", 0, pdtr, count=True)


# noncentral distributions: mixtures with Poisson weights, of incomplete gamma or beta functions of
# a + j by P(a + 1, x) = P(a, x) - x^a e^-x/Γ(a + 1) (DLMF 8.8.5), I_x(a + 1, b) = I_x(a, b)
# - x^a (1 - x)^b/(a B(a, b)) (DLMF 8.17.20)
def gammas(ctx: Any, a: Any, x: Any) -> Iterator[Any]:
    """Yield P(a + j, x), j = 0, 1, ..."""
    y, drop = gamma_p(ctx, a, x), x**a * ctx.exp(-x) * ctx.rgamma(a + 1)
    while True:
        yield y
        y -= drop
        a += 1
        drop *= x / a


def betas(ctx: Any, a: Any, b: Any, x: Any) -> Iterator[Any]:
    """Yield I_x(a + j, b), j = 0, 1, ..."""
    y, drop = beta_i(ctx, a, b, x), x**a * (1 - x) ** b / (a * ctx.beta(a, b))
    while True:
        yield y
        y -= drop
        drop *= x * (a + b) / (a + 1)
        a += 1


def mixed(ctx: Any, rate: Any, terms: Iterator[Any]) -> Any:
    """Return Σ_j e^(-λ) λ^j/j! term_j."""
    total, weight = ctx.zero, ctx.exp(-rate)
    for j, term in enumerate(terms, 1):
        total += weight * term
        weight *= rate / j
        if j > rate and abs(weight) <= ctx.ldexp(1, -ctx.prec - 20) * abs(total):
            break
    return total


def chndtr(ctx: Any, x: Any, df: Any, nc: Any) -> Any:
    return mixed(ctx, nc / 2, gammas(ctx, df / 2, x / 2))


def ncfdtr(ctx: Any, m: Any, n: Any, nc: Any, f: Any) -> Any:
    return mixed(ctx, nc / 2, betas(ctx, m / 2, n / 2, m * f / (n + m * f)))


def nctdtr(ctx: Any, v: Any, d: Any, t: Any) -> Any:
    # Φ(-δ) + ½ Σ_j [p_j I_x(j + ½, v/2) + q_j I_x(j + 1, v/2)], x = t²/(v + t²), t > 0 (Lenth,
    # Algorithm AS 243, 1989); for t < 0 it is 1 minus that of -t and -δ
    if t < 0:
        return 1 - nctdtr(ctx, v, -d, -t)
    x, half = t * t / (v + t * t), ctx.mpf(1) / 2
    total = ctx.ncdf(-d)
    p = half * ctx.exp(-d * d / 2)
    q = p * d * ctx.sqrt(2 / ctx.pi)
    left, right = betas(ctx, half, v / 2, x), betas(ctx, 2 * half, v / 2, x)
    for j in itertools.count(1):
        total += p * next(left) + q * next(right)
        p *= d * d / (2 * j)
        q *= d * d / (2 * j + 1)
        if j > d * d / 2 and abs(p) + abs(q) <= ctx.ldexp(1, -ctx.prec - 20) * abs(total):
            break
    return total


add("chndtr", "x df nc", chndtr, lambda x, df, nc: (x, df, np.where(nc < 0, nc, 1.0)))
inverse("chndtrix", "p df nc", 0, chndtr)
inverse("chndtridf", "x p nc", 1, chndtr)
inverse("chndtrinc", "x df p", 2, chndtr)
add("ncfdtr", "dfn dfd nc f", ncfdtr, lambda m, n, nc, f: (m, n, np.where(nc < 0, nc, 1.0), f))
inverse("ncfdtri", "dfn dfd nc p", 3, ncfdtr)
inverse("ncfdtridfn", "p dfd nc f", 0, ncfdtr)
inverse("ncfdtridfd", "dfn p nc f", 1, ncfdtr)
inverse("ncfdtrinc", "dfn dfd p f", 2, ncfdtr)
add("nctdtr", "df nc t", nctdtr, lambda v, d, t: (v, 1.0, np.sqrt(v) + abs(t)))
inverse("nctdtridf", "p nc t", 0, nctdtr, lambda p, d, t: (inside(p), 1.0, abs(t)))
inverse("nctdtrinc", "df p t", 1, nctdtr, lambda v, p, t: (v, inside(p), abs(t)))
inverse("nctdtrit", "df nc p", 2, nctdtr, lambda v, d, p: (v, 1.0, inside(p)))


def kolmogorov(ctx: Any, y: Any) -> Any:
    # 2 Σ (-1)^(k-1) e^(-2k²y²) = 1 - √(2π)/y Σ e^(-(2k-1)²π²/8y²)
    if y <= 0:
        return ctx.one  # all derivatives vanish at 0
    total, k = ctx.zero, 1
    small = y < 1
    rate = ctx.pi**2 / (8 * y * y) if small else 2 * y * y
    while True:
        term = (
            ctx.exp(-rate * (2 * k - 1) ** 2) if small else (-1) ** (k - 1) * ctx.exp(-rate * k * k)
        )
        total += term
        k += 1
        if abs(term) <= ctx.ldexp(1, -ctx.prec - 5) * abs(total):
            return 1 - ctx.sqrt(2 * ctx.pi) / y * total if small else 2 * total


def smirnov(ctx: Any, n: Any, d: Any) -> Any:
    # Birnbaum & Tingey (1951)
    n = int(n)
    last = min(int(ctx.floor(n * (1 - d))), n)
    return sum(
        ctx.binomial(n, j)
        * d
        * (d + ctx.mpf(j) / n) ** (j - 1)
        * (1 - d - ctx.mpf(j) / n) ** (n - j)
        for j in range(last + 1)
    )


def of_smirnov(n: Any, d: Any) -> tuple[Any, ...]:
    steps = n * (1 - d)
    return 1.0, np.minimum(inside(d), np.abs(steps - np.rint(steps)) / n)


add("kolmogorov", "y", kolmogorov, lambda y: (np.where(y > 0, y, 1.0),))
inverse("kolmogi", "p", 0, kolmogorov)
add("smirnov", "n d", smirnov, of_smirnov, fixed=("n",), whole=("n",))
inverse("smirnovi", "n p", 1, smirnov, by_last, fixed=("n",), whole=("n",))


def tukey(ctx: Any, p: Any, x: Any, lam: Any) -> Any:
    return (p**lam - (1 - p) ** lam) / lam if lam else ctx.log(p / (1 - p))


def tklmbda(ctx: Any, x: Any, lam: Any) -> Any:
    start = float(sp.tklmbda(float(x), float(lam)))
    return root(ctx, lambda p: tukey(ctx, p, x, lam) - x, start)


add("tklmbda", "x lmbda", tklmbda,
    lambda x, lam: (np.where(lam > 0, 1 / np.where(lam > 0, lam, 1) - abs(x), 1.0), 1.0))
