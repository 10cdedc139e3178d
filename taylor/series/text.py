"""How a series is written: 1 + 2 t + 3/2 t² + O(t³), in plain text and in LaTeX."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
MAX_TERMS = 12


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


def _names(x: Any, latex: bool) -> list[str]:
    n = x.algebra.variables
    if not hasattr(x.algebra, "exponents"):
        return ["t"]
    if type(x).__name__ == "HyperDual":
        return [
            rf"\varepsilon_{{{i + 1}}}" if latex else f"ε{str(i + 1).translate(SUBSCRIPT)}"
            for i in range(n)
        ]
    if n <= 3:
        return list("xyz"[:n])
    return [f"x_{{{i + 1}}}" if latex else f"x{str(i + 1).translate(SUBSCRIPT)}" for i in range(n)]


def _power(name: str, k: int, latex: bool) -> str:
    if k == 1:
        return name
    return f"{name}^{{{k}}}" if latex else name + str(k).translate(SUPERSCRIPT)


def _monomials(x: Any, latex: bool) -> list[str]:
    if hasattr(x.algebra, "names"):
        return ["", *x.algebra.names]
    names = _names(x, latex)
    if len(names) == 1 and not hasattr(x.algebra, "exponents"):
        return ["" if k == 0 else _power(names[0], k, latex) for k in range(x.order + 1)]
    rows = x.algebra.exponents
    return [
        " ".join(_power(n, int(e), latex) for n, e in zip(names, row, strict=True) if e)
        for row in rows
    ]


def _is_zero(c: Any) -> bool:
    return isinstance(c, (int, float, complex, Fraction, np.number)) and bool(c == 0)


def scalar(x: Any, spec: str = "", latex: bool = False) -> str:
    """Return one scalar series as text."""
    terms = []
    for c, monomial in zip(x._coef, _monomials(x, latex), strict=True):
        if _is_zero(c):
            continue
        shown = number(c, spec)
        negative = shown.startswith("-")
        shown = shown[1:] if negative else shown
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
    rest = _remainder(x, latex)
    return f"{body} + {rest}" if rest else body


def _remainder(x: Any, latex: bool) -> str:
    if type(x).__name__ == "HyperDual" or hasattr(x.algebra, "names"):
        return ""
    n = len(_names(x, latex))
    univariate = not hasattr(x.algebra, "exponents")
    name = _names(x, latex)[0] if univariate or n == 1 else r"\|x\|" if latex else "‖x‖"
    inside = _power(name, x.order + 1, latex)
    return rf"\mathcal{{O}}({inside})" if latex else f"O({inside})"


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
    rows = r" \\ ".join(scalar(flat[i], latex=True) for i in range(min(x.size, 12)))
    return rf"$\begin{{pmatrix}} {rows} \end{{pmatrix}}$"
