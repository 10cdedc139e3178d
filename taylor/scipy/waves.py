"""Mathieu and spheroidal wave functions: their series in x from the equation they solve.

SciPy knows y and y' at a point; the equation P y'' + Q y' + R y = 0 with the coefficients of P, Q
and R there gives all others,

    Σ_j [P_j (n-j+2)(n-j+1) c_{n-j+2} + Q_j (n-j+1) c_{n-j+1} + R_j c_{n-j}] = 0     (n >= 0).

Mathieu: y'' + (a - 2q cos 2z) y = 0, modified y'' - (a - 2q cosh 2z) y = 0 (DLMF 28.2, 28.20).
Spheroidal: w² y'' + w w' y' + e (w (λ - s c² x²) - m²) y = 0 with w = 1 - e x², e = s = 1 but
s = -1 for oblate angular functions (c² -> -c²), e = -1 for oblate radial ones (x -> ix, DLMF 30.2).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special as sp

from taylor.scipy.analytic import Analytic

Array = Any
SECOND = 1e-8  # how far off a Wronskian may be
WAVES: dict[str, tuple[Analytic, Analytic]] = {}  # y and y' under SciPy's name


def expanded(
    p: list[Array], q: list[Array], r: list[Array], y: Array, dy: Array, order: int
) -> list[Array]:
    """Return the coefficients of the solution: see the head of the module."""
    c = [y, dy]
    for n in range(order - 1):
        total = 0.0
        for j in range(n + 1):
            if 0 < j < len(p):
                total = total + p[j] * (n - j + 2) * (n - j + 1) * c[n - j + 2]
            if j < len(q):
                total = total + q[j] * (n - j + 1) * c[n - j + 1]
            if j < len(r):
                total = total + r[j] * c[n - j]
        c.append(-total / (p[0] * (n + 2) * (n + 1)))
    return c[: order + 1]


def add(
    name: str,
    names: str,
    solve: Callable[..., list[Array]],
    room: Callable[..., Any],
    unit: float = 1.0,
) -> None:
    """Add y and y' of a function of SciPy: solve(order, *x) gives the coefficients of y in x.

    SciPy's y' is the derivative in unit·x.
    """
    words = tuple(names.split())
    value = getattr(sp, name)

    def refused(ctx: Any, *x: Any) -> Any:
        raise ValueError("only floats")

    def series(shift: int, m: tuple[int, ...], *x: Array) -> Array:
        k = m[-1] + shift
        return solve(k, *x)[k] * (k / unit if shift else 1)

    WAVES[name] = tuple(  # type: ignore[assignment]
        Analytic(
            name,
            words,
            lambda *x, n=n: value(*x)[n],
            refused,
            room,
            words[:-1],
            domain="where SciPy's y and y' solve their equation",
            fast=functools.partial(series, n),
        )
        for n in (0, 1)
    )


# ------------------------------------------------------------------ Mathieu functions
def _cosine(x: Array, order: int, modified: bool) -> list[Array]:
    """Return the coefficients of cos 2x, or of cosh 2x."""
    c, s = (np.cosh(2 * x), np.sinh(2 * x)) if modified else (np.cos(2 * x), np.sin(2 * x))
    cycle = (c, s, c, s) if modified else (c, -s, -c, s)
    return [cycle[k % 4] * 2**k / math.factorial(k) for k in range(order + 1)]


def _mathieu(name: str, value: Callable[..., Array], modified: bool) -> None:
    unit = 1.0 if modified else math.pi / 180  # SciPy's angles are degrees
    function = getattr(sp, name)

    def solve(order: int, m: Array, q: Array, x: Array) -> list[Array]:
        y, dy = function(m, q, x)
        sign = -1 if modified else 1
        r = [-2 * q * e * sign for e in _cosine(x * unit, order, modified)]
        r[0] = r[0] + sign * value(m, q)
        c = expanded([1.0], [], r, y, dy, order)
        return [e * unit**k for k, e in enumerate(c)]

    add(name, "m q x", solve, lambda m, q, x: (1.0, 1.0, 1.0), unit)


for _name, _value in (("cem", sp.mathieu_a), ("sem", sp.mathieu_b)):
    _mathieu(f"mathieu_{_name}", _value, False)
    for _n in "12":
        _mathieu(f"mathieu_mod{_name}{_n}", _value, True)


# ------------------------------------------------------------------ spheroidal wave functions
def _product(a: list[Array], b: list[Array]) -> list[Array]:
    out = [0.0 * (a[0] + b[0]) for _ in range(len(a) + len(b) - 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            out[i + j] = out[i + j] + x * y
    return out


def _is_second(e: float, c: Array, x: Array, one: Array, two: Array) -> Array:
    """Return where the Wronskian of radial functions is 1/(c (x² - e)): DLMF 30.11(iv).

    SciPy's y and y' of the second kind do not belong together near the ends of the interval.
    """
    return np.abs(c * (x * x - e) * (one[0] * two[1] - one[1] * two[0]) - 1) < SECOND


def _spheroidal(name: str, kind: str, radial: bool) -> None:
    oblate, given, second = kind == "obl", name.endswith("_cv"), "rad2" in name
    function, characteristic = getattr(sp, name), getattr(sp, f"{kind}_cv")
    first = getattr(sp, name.replace("rad2", "rad1"))
    e = -1.0 if oblate and radial else 1.0  # w = 1 - e x²

    def solve(order: int, m: Array, n: Array, c: Array, *more: Array) -> list[Array]:
        x = more[-1]
        y, dy = function(m, n, c, *more)
        if second:
            y = np.where(_is_second(e, c, x, first(m, n, c, *more), (y, dy)), y, np.nan)
        lam = more[0] if given else characteristic(m, n, c)
        one = x * 0 + 1
        square = [x * x, 2 * x, one]
        w = [1 - e * square[0], -e * square[1], -e * square[2]]
        s = -1.0 if oblate and not radial else 1.0
        bracket = [-s * c * c * v for v in square]
        bracket[0] = bracket[0] + lam
        r = [e * v for v in _product(w, bracket)]
        r[0] = r[0] - e * m * m
        q = _product(w, [w[1], 2 * w[2]])
        return expanded(_product(w, w), q, r, y, dy, order)

    names = "m n c cv x" if given else "m n c x"
    add(name, names, solve, lambda *x: (*(1.0 for _ in x[:-1]), np.abs(1 - e * x[-1] ** 2)))


for _kind in ("pro", "obl"):
    for _name in ("ang1", "rad1", "rad2"):
        for _end in ("", "_cv"):
            _spheroidal(f"{_kind}_{_name}{_end}", _kind, _name != "ang1")
