"""scipy.special for values of the package: its ufuncs, and functions that are made of them.

A ufunc of SciPy takes values of the package itself, scipy.special.gammainc(a, t) say; here are the
same functions for lists of values and for numbers of mpmath, and those that are no ufuncs.

>>> import scipy.special, taylor
>>> t = taylor.Taylor.variable(2.0, order=2)
>>> scipy.special.gammaln(t)
0.422784 t + 0.322467 t² + O(t³)
>>> from taylor.scipy import special
>>> special.gammainc(t, 1.5)
0.442175 - 0.313489 t + 0.0502946 t² + O(t³)
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special as sp

from taylor.arrays.reductions import axes_of
from taylor.core import functions as f
from taylor.core.binding import SCIPY
from taylor.core.operand import as_array, lift
from taylor.numbers.contexts import is_set, whole_number
from taylor.numbers.kinds import is_operand
from taylor.numbers.special_series import digamma as digamma_series
from taylor.scipy import ufuncs as ufuncs
from taylor.scipy.analytic import Analytic, everywhere, partial
from taylor.scipy.formulas import FORMULAS, gap, second_positive
from taylor.scipy.rows import STILL
from taylor.scipy.theirs import names_of

THEIRS = names_of(__name__)


def _unwrapped(name: str) -> Any:
    """Return a function of SciPy, which may have wrapped it for the array-API standard."""
    function = getattr(sp, name)
    return getattr(function, "__wrapped__", function)


UFUNCS = sorted(n for n in dir(sp) if isinstance(_unwrapped(n), np.ufunc))

__all__ = [
    *UFUNCS, "assoc_laguerre", "comb", "factorial", "h1vp", "h2vp", "ivp", "jvp", "kvp", "lambertw",
    "log_softmax", "logsumexp", "multigammaln", "perm", "polygamma", "sinc", "softmax",
    "softplus", "spherical_in", "spherical_jn", "spherical_kn", "spherical_yn", "yvp", "zeta",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Return a ufunc of SciPy for any number type."""
    if name in UFUNCS:
        return ufunc(name)
    return THEIRS(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *UFUNCS})


@functools.cache
def ufunc(name: str) -> Callable[..., Any]:
    """Return the function of that name in scipy.special."""
    numpy = _unwrapped(name)

    def call(*args: Any, **kwargs: Any) -> Any:
        args = tuple(map(lift, args))
        if any(_exact(x) for x in args):
            return SCIPY[name](*args, **kwargs)
        return numpy(*args, **kwargs)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"Return scipy.special.{name} of numbers, arrays, or values of the package."
    return call


def _exact(x: Any) -> bool:
    """Whether SciPy's functions do not take x: a number of mpmath, or an array of them."""
    return hasattr(x, "context") or is_set(x) or (isinstance(x, np.ndarray) and x.dtype == object)


# ------------------------------------------------------------------ sums of exponentials
def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """Return log(Σ b exp(a)) over some axes, without overflow, as scipy.special.logsumexp.

    The largest element is subtracted as a constant, which leaves all derivatives right: they are
    those of softmax (Blanchard, Higham & Higham, IMA J. Numer. Anal. 41, 2021).

    >>> import taylor
    >>> taylor.gradient(logsumexp, [1000.0, 1000.0])
    array([0.5, 0.5])
    """
    a = as_array(a)
    if b is not None:
        b = as_array(b)
        a = np.where(b == 0, -np.inf, a) if not is_operand(b) else a
    top = np.max(STILL(a), axis=axes_of(axis, np.ndim(a)), keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    terms = f.exp(a - top)
    total = np.sum(terms if b is None else b * terms, axis=axis, keepdims=keepdims)
    if not keepdims:
        top = np.squeeze(top, axes_of(axis, np.ndim(a)))
    sign = np.sign(STILL(total)) if return_sign else 1.0
    with np.errstate(divide="ignore"):
        found = f.log(total * sign if return_sign else total) + top
    return (found, sign) if return_sign else found


def log_softmax(x: Any, axis: Any = None) -> Any:
    """Return x - log(Σ exp(x)) over some axes, as scipy.special.log_softmax.

    >>> log_softmax([1000.0, 0.0]).round(6)
    array([    0., -1000.])
    """
    x = as_array(x)
    return x - logsumexp(x, axis, keepdims=True)


def softmax(x: Any, axis: Any = None) -> Any:
    """Return exp(x)/Σ exp(x) over some axes, as scipy.special.softmax.

    >>> import taylor
    >>> taylor.jacobian(softmax, [0.0, 0.0])
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    return f.exp(log_softmax(x, axis))


# ------------------------------------------------------------------ gamma functions
def multigammaln(a: Any, d: int) -> Any:
    """Return log Γ_d(a) = d(d-1)/4 log π + Σ_{j<d} log Γ(a - j/2), a > (d-1)/2 (DLMF 35.3.4).

    >>> float(multigammaln(2.5, 2)).__round__(6)
    0.857048
    """
    if is_operand(d) or d != int(d) or d < 1:
        raise ValueError(f"multigammaln(a, d) needs a positive integer d, not {d!r}")
    a = as_array(a)
    if np.any(a <= 0.5 * (d - 1)):
        raise ValueError("condition a > 0.5 * (d-1) not met")
    total = sum(f.lgamma(a - j / 2) for j in range(int(d)))
    return total + d * (d - 1) / 4 * math.log(math.pi)


def _polygamma_fast(m: tuple[int, ...], n: Any, x: Any) -> Any:
    k = m[1]
    if m[0] or np.any(n != n[:1]):
        return np.nan
    order = int(n[0]) + k
    return digamma_series(x, order)[order] * (math.factorial(order) / math.factorial(k))


_POLYGAMMA = Analytic(
    "polygamma", ("n", "x"), sp.polygamma, lambda ctx, n, x: ctx.psi(int(n), x),
    lambda n, x: (1.0, gap(x)), ("n",), fast=_polygamma_fast,
    row=lambda n: "digamma" + "'" * int(whole_number(n)),
)  # fmt: skip
_ZETA = Analytic(
    "zeta", ("x", "q"), sp.zeta, lambda ctx, x, q: ctx.zeta(x, q), lambda x, q: (x - 1, q)
)
_LAMBERT = Analytic(
    "lambertw(z, -1)", ("z",), lambda z: sp.lambertw(z, -1).real,
    lambda ctx, z: ctx.lambertw(z, -1).real, lambda z: (np.minimum(-z, z + np.exp(-1.0)),),
    domain="-1/e < z < 0",
)  # fmt: skip


def _branch(z: Any, k: Any, tol: Any) -> Any:
    return lambertw(z, int(k))


SCIPY.update({"_zeta": _ZETA, "_riemann_zeta": f.zeta, "_lambertw": _branch})  # as SciPy asks


def polygamma(n: Any, x: Any) -> Any:
    """Return ψ⁽ⁿ⁾(x), n = 0, 1, ... (DLMF 5.15), as scipy.special.polygamma.

    >>> import taylor
    >>> float(taylor.derivative(lambda x: polygamma(1, x), 1.0)).__round__(6)
    -2.404114
    """
    return _POLYGAMMA(n, x)


def zeta(x: Any, q: Any = None) -> Any:
    """Return Riemann's ζ(x), or Hurwitz' ζ(x, q) = Σ_k (k + q)^-x, x > 1 (DLMF 25.2, 25.11).

    >>> import taylor
    >>> float(taylor.derivative(lambda q: zeta(3.0, q), 2.0)).__round__(6)
    -0.24697
    """
    return f.zeta(lift(x)) if q is None else _ZETA(x, q)


def lambertw(z: Any, k: int = 0) -> Any:
    """Return W_k(z), the branches 0 and -1, as scipy.special.lambertw; real for real z.

    W e^W = z (DLMF 4.13.1).

    >>> import taylor
    >>> float(taylor.derivative(lambda z: lambertw(z, -1), -0.2)).__round__(6)
    -8.241194
    """
    if k not in (0, -1):
        raise ValueError(f"lambertw knows the branches k = 0 and k = -1, not {k!r}")
    return f.lambertw(lift(z)) if k == 0 else _LAMBERT(z)


def comb(N: Any, k: Any) -> Any:
    """Return the binomial coefficient Γ(N+1)/(Γ(k+1) Γ(N-k+1)) (DLMF 1.2.6).

    >>> float(comb(4.0, 2.0))
    6.0
    """
    return FORMULAS["binom"](N, k)


def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    """Return n! = Γ(n + 1), of plain numbers in all of SciPy's ways: exact, or 0 below 0.

    >>> import taylor
    >>> float(taylor.derivative(factorial, 3.0)).__round__(6), factorial(20, exact=True)
    (7.536706, 2432902008176640000)
    """
    if not is_operand(n):
        return sp.factorial(n, exact, extend)
    if exact or extend != "zero":
        raise TypeError("factorial of values of taylor is Γ(n + 1): not exact, nor extended")
    return np.where(n < 0, 0 * n, f.gamma(np.where(n < 0, 0 * n, n) + 1))[()]


def perm(N: Any, k: Any) -> Any:
    """Return Γ(N+1)/Γ(N-k+1).

    >>> float(perm(4.0, 2.0))
    12.0
    """
    N, k = lift(N), lift(k)
    return FORMULAS["poch"](N - k + 1, k)


def sinc(x: Any) -> Any:
    """Return sin(πx)/(πx).

    >>> float(sinc(0.5)).__round__(6)
    0.63662
    """
    return f.sinc(lift(x))


def softplus(x: Any) -> Any:
    """Return log(1 + exp(x)).

    >>> float(softplus(0.0)).__round__(6)
    0.693147
    """
    return f.softplus(lift(x))


def assoc_laguerre(x: Any, n: Any, k: Any = 0.0) -> Any:
    """Return the generalised Laguerre polynomial L_n^(k)(x) (DLMF 18.5.12).

    >>> float(assoc_laguerre(0.5, 2, 1.0)).__round__(6)
    1.625
    """
    return FORMULAS["eval_genlaguerre"](n, k, x)


# ------------------------------------------------------------------ Bessel functions
def _slope(name: str) -> Callable[..., Any]:
    """Return the n-th derivative of a Bessel function in its argument."""
    letter = name[:-1]

    def call(v: Any, z: Any, n: int = 1) -> Any:
        if is_operand(n) or n != int(n) or n < 0:
            raise ValueError(f"{name}(v, z, n) needs an integer n >= 0, not {n!r}")
        function = FORMULAS[{"h1v": "hankel1", "h2v": "hankel2"}.get(letter, letter)]
        return partial(function, (0, int(n)))(as_array(v) * 1.0, as_array(z) * 1.0)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"Return the n-th derivative of {letter}(v, z) in z, as scipy.special.{name}."
    return call


jvp, yvp, ivp, kvp, h1vp, h2vp = map(_slope, ("jvp", "yvp", "ivp", "kvp", "h1vp", "h2vp"))


def _entire(sign: int, ctx: Any, n: Any, z: Any) -> Any:
    # z^n √π/(2^(n+1) Γ(n + 3/2)) 0F1(; n + 3/2; ∓z²/4), DLMF 10.47.3 with 10.16.9
    half = n + ctx.mpf(3) / 2
    return (
        z**n
        * ctx.sqrt(ctx.pi)
        / ctx.mpf(2) ** (n + 1)
        * ctx.rgamma(half)
        * ctx.hyp0f1(half, sign * z * z / 4)
    )


def _spherical(name: str, formula: Callable[..., Any], room: Any) -> Callable[..., Any]:
    function = getattr(sp, name)
    made = Analytic(
        name, ("n", "z"), lambda n, z: function(np.asarray(n).astype(int), z), formula, room, ("n",)
    )

    def call(n: Any, z: Any, derivative: bool = False) -> Any:
        return partial(made, (0, 1))(n, lift(z)) if derivative else made(n, z)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"Return scipy.special.{name}(n, z), or its derivative (DLMF 10.47)."
    return call


def _half(kind: str, ctx: Any, n: Any, z: Any) -> Any:
    return ctx.sqrt(ctx.pi / (2 * z)) * getattr(ctx, kind)(n + ctx.mpf(1) / 2, z)


spherical_jn = _spherical("spherical_jn", functools.partial(_entire, -1), everywhere)
spherical_in = _spherical("spherical_in", functools.partial(_entire, 1), everywhere)
spherical_yn = _spherical("spherical_yn", functools.partial(_half, "bessely"), second_positive)
spherical_kn = _spherical("spherical_kn", functools.partial(_half, "besselk"), second_positive)
