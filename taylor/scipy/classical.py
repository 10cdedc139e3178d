"""Error, Bessel, elliptic and hypergeometric functions, orthogonal polynomials.

The formulas are those of the NIST Digital Library of Mathematical Functions (DLMF), with SciPy's
conventions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special as sp

from taylor.scipy.analytic import Analytic, everywhere
from taylor.scipy.fast import cylinder, elliptic, of_one_order, spence, turned
from taylor.scipy.formulas import add, gap, not_zero, part, positive, root, second_positive


# fmt: off
# ------------------------------------------------------------------ error functions, exponentials
def faddeeva(ctx: Any, z: Any) -> Any:
    return ctx.exp(-z * z) * ctx.erfc(-1j * z)


def voigt(ctx: Any, x: Any, sigma: Any, gamma: Any) -> Any:
    if not sigma:
        return gamma / (ctx.pi * (x * x + gamma * gamma))
    z = (x + 1j * gamma) / (sigma * ctx.sqrt(2))
    return faddeeva(ctx, z).real / (sigma * ctx.sqrt(2 * ctx.pi))


def boxcox(ctx: Any, x: Any, lam: Any) -> Any:
    return ctx.expm1(lam * ctx.log(x)) / lam if lam else ctx.log(x)


def inv_boxcox(ctx: Any, y: Any, lam: Any) -> Any:
    return ctx.exp(ctx.log1p(lam * y) / lam) if lam else ctx.exp(y)


def of_inv_boxcox(y: Any, lam: Any) -> tuple[Any, ...]:
    left = 1 + lam * y
    return left / np.maximum(np.abs(lam), 1), left / np.maximum(np.abs(y), 1)


def wright_omega(ctx: Any, z: Any) -> Any:
    plain = complex(z) if z.imag else float(z.real)
    return root(ctx, lambda y: y + ctx.log(y) - z, sp.wrightomega(plain).item())


add("wofz", "z", faddeeva, complex_valued=True)
add("voigt_profile", "x sigma gamma", voigt, lambda x, s, g: (1.0, s, np.maximum(g, 1.0)))
add("boxcox", "x lmbda", boxcox, lambda x, lam: (x, 1.0))
add("boxcox1p", "x lmbda", lambda ctx, x, lam: boxcox(ctx, 1 + x, lam), lambda x, lam: (1 + x, 1.0))
add("inv_boxcox", "y lmbda", inv_boxcox, of_inv_boxcox)
add("inv_boxcox1p", "y lmbda", lambda ctx, y, lam: inv_boxcox(ctx, y, lam) - 1, of_inv_boxcox)
add("powm1", "x y", lambda ctx, x, y: ctx.expm1(y * ctx.log(x)), lambda x, y: (x, 1.0))
part("shi", "shichi", 0, "x", "shi")
part("chi", "shichi", 1, "x", "chi", positive)
add("zetac", "x", lambda ctx, x: ctx.zeta(x) - 1, lambda x: (np.abs(x - 1),))
add("spence", "z", lambda ctx, z: ctx.polylog(2, 1 - z), positive, fast=spence)
add("expn", "n x", "expint", second_positive, fixed=("n",), whole=("n",))
add("wrightomega", "z", wright_omega)


def modulated(sign: int, ctx: Any, x: Any) -> Any:
    turn = ctx.exp(sign * 1j * ctx.pi / 4)
    return ctx.sqrt(ctx.pi) / 2 * turn * ctx.erfc(x / turn)


def modulated_k(sign: int, ctx: Any, x: Any) -> Any:
    return ctx.exp(-sign * 1j * (x * x + ctx.pi / 4)) / ctx.sqrt(ctx.pi) * modulated(sign, ctx, x)


for _name, _sign in (("modfresnelp", 1), ("modfresnelm", -1)):
    part(f"{_name}_f", _name, 0, "x", functools.partial(modulated, _sign), complex_valued=True)
    part(f"{_name}_k", _name, 1, "x", functools.partial(modulated_k, _sign), complex_valued=True)


# ------------------------------------------------------------------ Bessel functions of real order
def of_order(v: Any, x: Any) -> tuple[Any, ...]:
    """Return the distances for a function that is entire in x for integer orders only."""
    return np.where(x > 0, 1.0, 0.0), np.where(v == np.rint(v), 1.0, x)


add("jv", "v z", "besselj", of_order, fast=cylinder(sp.jv, -1))
add("yv", "v z", "bessely", second_positive, fast=cylinder(sp.yv, -1))
add("iv", "v z", "besseli", of_order, fast=cylinder(sp.iv, 1))
add("kv", "v z", "besselk", second_positive, fast=cylinder(sp.kv, 1, True))
add("yn", "n x", "bessely", second_positive, fixed=("n",), whole=("n",),
    fast=cylinder(sp.yv, -1))
add("kn", "n x", "besselk", second_positive, fixed=("n",), whole=("n",),
    fast=cylinder(sp.kv, 1, True))
KVE, IVE = turned(sp.kve, 1.0, 1, True), turned(sp.ive, lambda x: -np.sign(x), 1)
add("kve", "v z", lambda ctx, v, x: ctx.besselk(v, x) * ctx.exp(x), second_positive, fast=KVE)
add("ive", "v z", lambda ctx, v, x: ctx.besseli(v, x) * ctx.exp(-abs(x)),
    lambda v, x: (1.0, np.where(v == np.rint(v), abs(x), x)), fast=IVE)
# exp(-u)·I_n(u)/uⁿ of u = |x|, entire in u: DLMF 10.25.2
add("ive_over_power", "n u", lambda ctx, n, u:
        ctx.exp(-u) * ctx.hyp0f1(n + 1, u * u / 4) / (2**n * ctx.factorial(n)),
    fixed=("n",), whole=("n",), value=lambda n, u: np.exp(-u) * sp.hyp0f1(n + 1, u * u / 4)
        / (2.0**n * sp.gamma(n + 1)))
for _n in (0, 1):
    add(f"k{_n}", "x", functools.partial(lambda n, ctx, x: ctx.besselk(n, x), _n), positive,
        fast=of_one_order(_n, cylinder(sp.kv, 1, True)))
    add(f"k{_n}e", "x", functools.partial(lambda n, ctx, x: ctx.exp(x) * ctx.besselk(n, x), _n),
        positive, fast=of_one_order(_n, KVE))
    add(f"i{_n}e", "x",
        functools.partial(lambda n, ctx, x: ctx.exp(-abs(x)) * ctx.besseli(n, x), _n), not_zero,
        fast=of_one_order(_n, IVE))


def airy_scaled(of: str, slope: int, sign: int, ctx: Any, x: Any) -> Any:
    scale = ctx.mpf(2) / 3 * ctx.re(x * ctx.sqrt(x))
    return getattr(ctx, of)(x, derivative=slope) * ctx.exp(sign * scale)


for _n, (_name, _of, _slope, _sign, _room) in enumerate(
    (("eai", "airyai", 0, 1, positive), ("eaip", "airyai", 1, 1, positive),
     ("ebi", "airybi", 0, -1, not_zero), ("ebip", "airybi", 1, -1, not_zero))
):
    part(_name, "airye", _n, "z", functools.partial(airy_scaled, _of, _slope, _sign), _room)


def hankel(sign: int, scaled: bool, ctx: Any, v: Any, z: Any) -> Any:
    y = ctx.besselj(v, z) + sign * 1j * ctx.bessely(v, z)
    return y * ctx.exp(-sign * 1j * z) if scaled else y


for _name, _sign in (("hankel1", 1), ("hankel2", -1)):
    add(_name, "v z", functools.partial(hankel, _sign, False), second_positive, complex_valued=True,
        fast=cylinder(getattr(sp, _name), -1))
    add(_name + "e", "v z", functools.partial(hankel, _sign, True), second_positive,
        complex_valued=True, fast=turned(getattr(sp, _name + "e"), -_sign * 1j))


def besselpoly(ctx: Any, a: Any, lam: Any, nu: Any) -> Any:
    c = (lam + nu + 1) / 2
    return a**nu / ctx.gamma(nu + 1) / (2 * c) * ctx.hyp1f2(c, nu + 1, c + 1, -a * a)


add("besselpoly", "a lmb nu", besselpoly,
    lambda a, lam, nu: (np.where(nu == np.rint(nu), 1.0, a), 1.0, 1.0))
add("struve", "v x", "struveh", of_order)
add("modstruve", "v x", "struvel", of_order)


def kelvin_b(ctx: Any, x: Any) -> Any:
    return ctx.besselj(0, x * ctx.exp(0.75j * ctx.pi))


def kelvin_k(ctx: Any, x: Any) -> Any:
    return ctx.besselk(0, x * ctx.exp(0.25j * ctx.pi))


add("ber", "x", lambda ctx, x: kelvin_b(ctx, x).real)
add("bei", "x", lambda ctx, x: kelvin_b(ctx, x).imag)
add("ker", "x", lambda ctx, x: kelvin_k(ctx, x).real, positive)
add("kei", "x", lambda ctx, x: kelvin_k(ctx, x).imag, positive)


# integrals of Bessel and Struve functions: DLMF 10.22, 10.43, 11.7, by their power series and, for
# tails, as the derivative of what is known
def hyper(ctx: Any, top: list[Any], bottom: list[Any], z: Any) -> Any:
    return ctx.hyper(top, bottom, z)


def integral(
    name: str,
    of: str,
    n: int | None,
    first: Callable[..., Any],
    slope: Callable[..., Any],
    room: Any = everywhere,
) -> Analytic:
    """Add a function whose derivative is known by a formula, and its value by another one."""
    value = getattr(sp, of) if n is None else (lambda x: getattr(sp, of)(x)[n])
    return add(name, "x", first, room, value=value, slope=slope)


def quadrature(f: Callable[..., Any], tail: bool) -> Callable[..., Any]:
    """Return the integral of f(ctx, t) from 0 to x, or from x to infinity."""

    def formula(ctx: Any, x: Any) -> Any:
        return ctx.quad(lambda t: f(ctx, t), [x, x + 1, ctx.inf] if tail else [0, x])

    return formula


def j0_over(ctx: Any, t: Any) -> Any:
    return t / 4 * hyper(ctx, [1], [2, 2], -t * t / 4)  # (1 - J_0)/t


def i0_over(ctx: Any, t: Any) -> Any:
    return t / 4 * hyper(ctx, [1], [2, 2], t * t / 4)


def h0_over(ctx: Any, t: Any) -> Any:
    return ctx.struveh(0, t) / t if t else 2 / ctx.pi


def airy_of(name: str, sign: int, ctx: Any, x: Any) -> Any:
    return getattr(ctx, name)(sign * x)


integral("itj0", "itj0y0", 0, lambda ctx, x: x * hyper(ctx, [0.5], [1, 1.5], -x * x / 4),
    lambda ctx, x: ctx.besselj(0, x))
integral("ity0", "itj0y0", 1, quadrature(lambda ctx, t: ctx.bessely(0, t), False),
    lambda ctx, x: ctx.bessely(0, x), positive)
integral("iti0", "iti0k0", 0, lambda ctx, x: x * hyper(ctx, [0.5], [1, 1.5], x * x / 4),
    lambda ctx, x: ctx.besseli(0, x))
integral("itk0", "iti0k0", 1, quadrature(lambda ctx, t: ctx.besselk(0, t), False),
    lambda ctx, x: ctx.besselk(0, x), positive)
integral("it2j0", "it2j0y0", 0,
    lambda ctx, x: x * x / 8 * hyper(ctx, [1, 1], [2, 2, 2], -x * x / 4), j0_over)
integral("it2y0", "it2j0y0", 1, quadrature(lambda ctx, t: ctx.bessely(0, t) / t, True),
    lambda ctx, x: -ctx.bessely(0, x) / x, positive)
integral("it2i0", "it2i0k0", 0, lambda ctx, x: x * x / 8 * hyper(ctx, [1, 1], [2, 2, 2], x * x / 4),
    i0_over)
integral("it2k0", "it2i0k0", 1, quadrature(lambda ctx, t: ctx.besselk(0, t) / t, True),
    lambda ctx, x: -ctx.besselk(0, x) / x, positive)
integral("itstruve0", "itstruve0", None,
    lambda ctx, x: x * x / ctx.pi * hyper(ctx, [1, 1], [1.5, 1.5, 2], -x * x / 4),
    lambda ctx, x: ctx.struveh(0, x))
integral("itmodstruve0", "itmodstruve0", None,
    lambda ctx, x: x * x / ctx.pi * hyper(ctx, [1, 1], [1.5, 1.5, 2], x * x / 4),
    lambda ctx, x: ctx.struvel(0, x))
integral("it2struve0", "it2struve0", None,
    lambda ctx, x: ctx.pi / 2 - quadrature(h0_over, False)(ctx, x), lambda ctx, x: -h0_over(ctx, x))
for _n, (_name, _airy, _sign) in enumerate(
    (("itai", "airyai", 1), ("itbi", "airybi", 1), ("itain", "airyai", -1), ("itbin", "airybi", -1))
):
    _f = functools.partial(airy_of, _airy, _sign)
    integral(_name, "itairy", _n, quadrature(_f, False), _f)


# ------------------------------------------------------------------ characteristic values
def eigenvalue(
    ctx: Any, start: float, middle: int, diagonal: list[Any], couplings: list[Any]
) -> Any:
    """Return the eigenvalue near `start` of a tridiagonal matrix, read from both ends.

    `couplings[k]` is the product of the two elements beside diagonal elements k and k + 1.
    """

    def off(a: Any) -> Any:
        up = down = ctx.zero
        for k in range(middle):
            up = couplings[k] / (diagonal[k] - a - up)
        for k in range(len(diagonal) - 1, middle, -1):
            down = couplings[k - 1] / (diagonal[k] - a - down)
        return diagonal[middle] - a - up - down

    return root(ctx, off, start)


def mathieu(kind: str, ctx: Any, m: Any, q: Any) -> Any:
    """Return a (or b) from the recurrence of Fourier coefficients (DLMF 28.4.5 to 28.4.8)."""
    m, odd = int(m), int(m) % 2
    start = float(getattr(sp, f"mathieu_{kind}")(m, float(q)))
    first = odd if kind == "a" or odd else 2
    count = m + 20 + int(ctx.prec / 8) + int(2 * abs(q) ** 0.5)
    diagonal = [ctx.mpf(first + 2 * k) ** 2 for k in range(count)]
    if odd:
        diagonal[0] += q if kind == "a" else -q
    couplings = [q * q * (2 if kind == "a" and not odd and k == 0 else 1) for k in range(count)]
    return eigenvalue(ctx, start, (m - first) // 2, diagonal, couplings)


def spheroidal(sign: int, ctx: Any, m: Any, n: Any, c: Any) -> Any:
    """Return λ from the recurrence of the coefficients of Legendre functions (DLMF 30.8.4)."""
    m, n, square = int(m), int(n), sign * c * c
    start = float((sp.pro_cv if sign > 0 else sp.obl_cv)(m, n, float(c)))
    rs = [ctx.mpf((n - m) % 2 + 2 * k) for k in range(n + 20 + int(ctx.prec / 8) + int(abs(c)))]
    diagonal = [
        (m + r) * (m + r + 1)
        + square
        * (2 * (m + r) * (m + r + 1) - 2 * m * m - 1)
        / ((2 * (m + r) - 1) * (2 * (m + r) + 3))
        for r in rs
    ]
    couplings = [
        square
        * square
        * (2 * m + r + 2)
        * (2 * m + r + 1)
        * (r + 2)
        * (r + 1)
        / ((2 * (m + r) + 3) ** 2 * (2 * (m + r) + 5) * (2 * (m + r) + 1))
        for r in rs
    ]
    return eigenvalue(ctx, start, (n - m) // 2, diagonal, couplings)


add("mathieu_a", "m q", functools.partial(mathieu, "a"), fixed=("m",))
add("mathieu_b", "m q", functools.partial(mathieu, "b"), fixed=("m",))
add("pro_cv", "m n c", functools.partial(spheroidal, 1), fixed=("m", "n"))
add("obl_cv", "m n c", functools.partial(spheroidal, -1), fixed=("m", "n"))


# ------------------------------------------------------------------ elliptic functions
def am(ctx: Any, u: Any, m: Any) -> Any:
    turns = ctx.nint(u / (2 * ctx.ellipk(m)))
    v = u - 2 * turns * ctx.ellipk(m)
    return ctx.atan2(ctx.ellipfun("sn", v, m=m), ctx.ellipfun("cn", v, m=m)) + turns * ctx.pi


def of_jacobi(u: Any, m: Any) -> tuple[Any, ...]:
    return 1.0, np.where((m >= 0) & (m < 1), 1 - m, 0.0)


def of_amplitude(phi: Any, m: Any) -> tuple[Any, ...]:
    left = np.where(np.abs(phi) < np.pi / 2, 1 - m * np.sin(phi) ** 2, 1 - m)
    return left, left


add("ellipk", "m", "ellipk", lambda m: (1 - m,))
add("ellipkm1", "p", lambda ctx, p: ctx.ellipk(1 - p), positive)
add("ellipe", "m", "ellipe", lambda m: (1 - m,))
add("ellipkinc", "phi m", "ellipf", of_amplitude, fast=elliptic(False))
add("ellipeinc", "phi m", "ellipe", of_amplitude, fast=elliptic(True))
for _n, _name in enumerate(("sn", "cn", "dn")):
    part(_name, "ellipj", _n, "u m",
        functools.partial(lambda kind, ctx, u, m: ctx.ellipfun(kind, u, m=m), _name), of_jacobi)
part("am", "ellipj", 3, "u m", am, of_jacobi)
add("elliprc", "x y", "elliprc", lambda x, y: (x, np.abs(y)))
for _name in ("elliprf", "elliprd", "elliprg"):
    add(_name, "x y z", _name, positive)
add("elliprj", "x y z p", "elliprj", positive)
add("agm", "a b", "agm", positive)


# ------------------------------------------------------------------ hypergeometric functions
def wright(ctx: Any, a: Any, b: Any, x: Any) -> Any:
    total, power, k = ctx.zero, ctx.one, 0
    while True:
        term = power * ctx.rgamma(a * k + b)
        total += term
        k += 1
        power *= x / k
        if k > 3 and abs(power) <= ctx.ldexp(1, -ctx.prec - 10) * abs(total):
            return total


add("hyp0f1", "v z", "hyp0f1", lambda v, z: (gap(v), 1.0))
add("hyp1f1", "a b x", "hyp1f1", lambda a, b, x: (1.0, gap(b), 1.0))
add("hyp2f1", "a b c z", "hyp2f1", lambda a, b, c, z: (1.0, 1.0, gap(c), 1 - z))
add("hyperu", "a b x", "hyperu", lambda a, b, x: (1.0, 1.0, x))
add("wright_bessel", "a b x", wright, lambda a, b, x: (1.0, 1.0, 1.0))
add("log_wright_bessel", "a b x", lambda ctx, a, b, x: ctx.log(wright(ctx, a, b, x)),
    lambda a, b, x: (1.0, 1.0, 1.0))
add("lpmv", "m v x", lambda ctx, m, v, x: ctx.legenp(v, m, x, type=2),
    lambda m, v, x: (1.0, 1.0, 1 - np.abs(x)), fixed=("m",))
add("pbdv", "v x", "pcfd", value=lambda v, x: sp.pbdv(v, x)[0])
add("pbvv", "v x", lambda ctx, v, x: ctx.pcfv(-v - 0.5, x), value=lambda v, x: sp.pbvv(v, x)[0])
add("pbwa", "a x", lambda ctx, a, x: ctx.pcfw(a, x).real, value=lambda a, x: sp.pbwa(a, x)[0])


# ------------------------------------------------------------------ orthogonal polynomials
def jacobi(ctx: Any, n: Any, a: Any, b: Any, x: Any) -> Any:
    if a == 0 or not ctx.isnpint(a):  # DLMF 18.5.7, of all degrees; mpmath's is of whole ones at 0
        return ctx.binomial(n + a, n) * ctx.hyp2f1(-n, n + a + b + 1, a + 1, (1 - x) / 2)
    return ctx.jacobi(n, a, b, x)


def sh_jacobi(ctx: Any, n: Any, p: Any, q: Any, x: Any) -> Any:
    return jacobi(ctx, n, p - q, q - 1, 2 * x - 1) / ctx.binomial(2 * n + p - 1, n)


def of_degree(*x: Any) -> tuple[Any, ...]:
    """Return the distances for polynomials and, of other degrees, functions with a branch at -1."""
    n, z = x[0], x[-1]
    return (*(1.0 for _ in x[:-1]), np.where(n == np.rint(n), 1.0, 1 + z))


def of_shifted(*x: Any) -> tuple[Any, ...]:
    return of_degree(*x[:-1], 2 * x[-1] - 1)


add("eval_jacobi", "n alpha beta x", jacobi, of_degree)
add("eval_sh_jacobi", "n p q x", sh_jacobi, of_shifted)
add("eval_gegenbauer", "n alpha x", "gegenbauer", of_degree)
add("eval_legendre", "n x", "legendre", of_degree)
add("eval_sh_legendre", "n x", lambda ctx, n, x: ctx.legendre(n, 2 * x - 1), of_shifted)
add("eval_chebyt", "n x", "chebyt", of_degree)
add("eval_chebyu", "n x", "chebyu", of_degree)
add("eval_chebyc", "n x", lambda ctx, n, x: 2 * ctx.chebyt(n, x / 2),
    lambda n, x: of_degree(n, x / 2))
add("eval_chebys", "n x", lambda ctx, n, x: ctx.chebyu(n, x / 2), lambda n, x: of_degree(n, x / 2))
add("eval_sh_chebyt", "n x", lambda ctx, n, x: ctx.chebyt(n, 2 * x - 1), of_shifted)
add("eval_sh_chebyu", "n x", lambda ctx, n, x: ctx.chebyu(n, 2 * x - 1), of_shifted)
add("eval_laguerre", "n x", lambda ctx, n, x: ctx.laguerre(n, 0, x))
add("eval_genlaguerre", "n alpha x", "laguerre")
add("eval_hermite", "n x", "hermite", fixed=("n",))
add("eval_hermitenorm", "n x", lambda ctx, n, x: ctx.hermite(n, x / ctx.sqrt(2)) / ctx.sqrt(2) ** n,
    fixed=("n",))
