"""How a series is written: 1 + 2 t + 3/2 t² + O(t³), in plain text and in LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
MAX_TERMS = 12
POWER_OF_TEN = re.compile(r"(?<=[\d.])e(-?)\+?0*(\d+)")


def number(c: Any, spec: str = "") -> str:
    """Return a coefficient as text; what is not a plain number goes into parentheses.

    >>> number(2.0), number(Fraction(3, 2)), number(1 + 2j)
    ('2', '3/2', '(1+2j)')
    """
    if isinstance(c, (float, np.floating)):
        if spec:
            return format(float(c), spec)
        x = float(c)
        return f"{x:.0f}" if x.is_integer() and abs(x) < 1e6 else f"{x:.6g}"
    if isinstance(c, (int, Fraction)):
        return str(c)
    if isinstance(c, (complex, np.complexfloating)):
        return format(complex(c), spec) if spec else f"({complex(c):.6g})"
    shown = str(c)
    return f"({shown})" if any(s in shown[1:] for s in "+- [") else shown


def _power(name: str, k: int, latex: bool) -> str:
    if k == 1:
        return name
    return f"{name}^{{{k}}}" if latex else name + str(k).translate(SUPERSCRIPT)


def indexed(letter: str, n: int, latex: bool) -> list[str]:
    """Return the names of n variables with an index.

    >>> indexed("x", 2, latex=False), indexed("x", 2, latex=True)
    (['x₁', 'x₂'], ['x_{1}', 'x_{2}'])
    """
    numbers = map(str, range(1, n + 1))
    return [letter + (f"_{{{i}}}" if latex else i.translate(SUBSCRIPT)) for i in numbers]


def monomials(names: Sequence[str], exponents: Iterable[Sequence[int]], latex: bool) -> list[str]:
    """Return the monomials of variables with these names.

    >>> monomials(["x", "y"], [[0, 0], [2, 1]], latex=False)
    ['', 'x² y']
    """
    return [
        " ".join(_power(n, int(e), latex) for n, e in zip(names, row, strict=True) if e)
        for row in exponents
    ]


def _is_zero(c: Any) -> bool:
    return isinstance(c, (int, float, complex, Fraction, np.number)) and bool(c == 0)


def scalar(x: Any, spec: str = "", latex: bool = False) -> str:
    """Return one scalar series as text."""
    basis, size = x._basis(latex)
    terms = []
    for c, monomial in zip(x._coef, basis, strict=True):
        if _is_zero(c):
            continue
        shown = number(c, spec)
        negative = shown.startswith("-")
        shown = shown[1:] if negative else shown
        if latex:
            shown = POWER_OF_TEN.sub(r" \\cdot 10^{\1\2}", shown)
        if latex and isinstance(c, Fraction) and c.denominator != 1:
            shown = rf"\frac{{{abs(c.numerator)}}}{{{c.denominator}}}"
        if monomial and shown == "1":
            shown = monomial
        elif monomial:
            shown = f"{shown} {monomial}"
        terms.append(("- " if negative else "+ ") + shown)
        if len(terms) > MAX_TERMS:
            terms[-1] = r"+ \cdots" if latex else "+ …"
            break
    body = " ".join(terms) or "0"
    body = body[2:] if body.startswith("+ ") else "-" + body[2:] if body.startswith("- ") else body
    if not size:
        return body
    rest = _power(size, x.order + 1, latex)
    return f"{body} + " + (rf"\mathcal{{O}}({rest})" if latex else f"O({rest})")


def plain(x: Any, spec: str = "") -> str:
    """Return the repr of a series of any shape."""
    if not x.shape:
        return scalar(x, spec)
    kind = f"{type(x).__name__}(shape={x.shape}, order={x.order}, dtype={x.dtype})"
    flat = x.reshape(-1)
    shown = [f"  {_index(x, i)}  {scalar(flat[i], spec)}" for i in range(min(x.size, 6))]
    more = [f"  … {x.size - 6} more"] if x.size > 6 else []
    return "\n".join([kind, *shown, *more])


def _index(x: Any, i: int) -> str:
    return "[" + ", ".join(str(int(j)) for j in np.unravel_index(i, x.shape)) + "]"


def latex(x: Any) -> str:
    """Return a series as LaTeX, for notebooks."""
    if not x.shape:
        return f"${scalar(x, latex=True)}$"
    flat = x.reshape(-1)
    rows = r" \\ ".join(scalar(flat[i], latex=True) for i in range(min(x.size, MAX_TERMS)))
    rows += r" \\ \vdots" if x.size > MAX_TERMS else ""
    return rf"$\begin{{pmatrix}} {rows} \end{{pmatrix}}$"
