"""Powers a**r: by products for integers, by their equation otherwise, and at the zeros of a series.

A root or real power of a series that starts at a degree v > 0 is (t^v u)^r = |t^v|^r u^r: a series
where v·r is an even number (|t|^odd is a kink) and, for cbrt, any whole number.  In several
variables the leading form must be the square of a form that does not change its sign.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.core.algebra import Univariate
from taylor.core.choices import choose
from taylor.core.table import lookup
from taylor.core.tables import nonzero
from taylor.errors import DomainError, NonAnalyticError
from taylor.numbers import contexts
from taylor.numbers.kinds import Array, is_operand
from taylor.numbers.values import is_complex, zeros


def integer_valued(r: Any) -> bool:
    """Whether r is a plain number with an integer value, of any type (2, 2.0, Fraction(4, 2))."""
    if np.ndim(r) or np.iscomplexobj(r) or contexts.is_interval(r):
        return False
    return bool(abs(r) < math.inf and r == int(r))


def integer_power(a: Any, n: Any) -> Any:
    """Return a**n by repeated squaring; a reciprocal for negative n, ones for n = 0.

    n is an int, or an array of ints with its own power for every lane.
    """
    if type(n) is not int and np.ndim(n):
        base, m = a, np.abs(n)
        found: Any = np.where(m & 1, a, 1)
        while np.any(m := m >> 1):
            base = base if m.all() else np.where(m, base, 1)  # of finished lanes nothing overflows
            base = base * base
            found = np.where(m & 1, found * base, found)
        return np.where(n < 0, 1 / np.where(n < 0, found, 1), found) if np.any(n < 0) else found
    if n < 0:
        return 1 / integer_power(a, -n)
    if n == 0:
        return a._ones()
    result = None
    while True:
        if n & 1:
            result = a if result is None else result * a
        n >>= 1
        if not n:
            return result
        a = a * a


def raised(a: Any, r: Any) -> Any:
    """Return a**r: by multiplication for integers, by a·y' = r·y·a' + a·log(a)·y·r' otherwise."""
    real_power = lookup("real_power")
    r = contexts.whole_number(r)
    if is_operand(r):
        if is_operand(a):
            return real_power(a, r)
        if (above := _positive(a)) is True or np.all(above):
            return lookup("exponential")(a, r)
        return _raised_from_below(a, r)
    r = r if np.ndim(r) == 0 else np.asarray(r)
    precise = isinstance(r, (np.ndarray, np.floating)) and hasattr(a, "dtype")  # no register
    if precise and r.dtype.kind == a.dtype.kind == "f":
        a = a.astype(np.result_type(a.dtype, r.dtype), copy=False)
    if integer_valued(r):
        return integer_power(a, int(r))
    if np.ndim(r) and not r.size:
        return a * r
    if np.ndim(r) and r.dtype.kind != "c":
        whole = np.array([integer_valued(e) for e in r.reshape(-1)], dtype=bool).reshape(r.shape)
        by_product = integer_power(a, np.where(whole, r, 0).astype(int)) if whole.any() else None
        if whole.all():
            return by_product
        by_equation = real_power(np.where(whole, 1, a) if whole.any() else a, r)
        return by_equation if by_product is None else np.where(whole, by_product, by_equation)
    return real_power(a, r)


def _raised_from_below(a: Any, r: Any) -> Any:
    """Return a**r of plain a, some of which is no positive number, and an operand r."""
    known = not hasattr(r, "tape") or r.tape.values[r.i] is not None
    if known and is_complex(r) and not is_complex(a):
        a = a * (1 + 0j)
    if np.ndim(r) and np.ndim(a) == 0:
        a = np.full(np.shape(r), a)  # a lane without an expansion is no error
    if np.ndim(a) == 0 and a == 0:
        return _zero_power(a, r)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = lookup("exponential")(a, r)
    zero = np.equal(a, 0)
    if not np.any(zero):
        return y
    zeros = choose(0.0, r, y, 0 * r, "formula")  # lanes that are zero stay so for r > 0
    return choose(np.where(zero, 1.0, 0.0), 0.5, zeros, y, "formula")


def _positive(r: Any) -> Any:
    """Whether r, or its real part, is above zero; recorded with a guard."""
    if is_operand(r) and not hasattr(r, "tape"):
        r = r.value
    return (r.real if is_complex(r) else r) > 0


def _zero_power(a: Any, r: Any) -> Any:
    """0**r: zero for r > 0, where it stays zero; nothing else has an expansion."""
    if not np.all(_positive(r)):
        raise DomainError("0**x has an expansion (zero) for x > 0 only")
    return r * 0 + a


# ------------------------------------------------------------------ at a zero
def lowered(algebra: Any, order: int) -> Any:
    """Return the algebra of a lower order."""
    if isinstance(algebra, Univariate) or algebra.name == "multivariate":
        return algebra.truncated(order)
    raise DomainError(
        "the known parts of a hyper-dual number vanish, and its root or power needs the next ones: "
        "use a Taylor or TaylorN series of higher order"
    )


def at_zero(row: Any, a: Any, r: Fraction) -> Any:
    """Return the table of row(a) = a**r as far as it is known; None where it is no series at all.

    `a` is a scalar series of value zero that is not zero, or univariate ones that start at the same
    degree.
    """
    starts = nonzero(a._coef).reshape(a.algebra.size, -1).any(1)
    v = int(a.algebra.degrees[np.flatnonzero(starts)[0]])
    e, order = v * r, a.order
    if row.name == "real_power" and (order < e or (order == math.floor(e) and e % 1)):
        return zeros(a._coef.shape, a._coef) + a._coef[0] ** float(r)
    if row.name == "cbrt":
        whole = isinstance(a.algebra, Univariate) and e.denominator == 1
        return _shifted(row(_divided(a, v)), v, int(e)) if whole else None
    if row.name == "real_power" and (v % 2 or e.denominator > 1):
        raise DomainError(
            f"x**{float(r)} at 0 has derivatives up to order {math.floor(e)} only, asked for "
            f"{order}; lower the order or move the point"
        )
    if v % 2:
        return None
    if e % 2 and (isinstance(a.algebra, Univariate) or row.name != "sqrt"):
        raise NonAnalyticError(
            f"{row.name} of a series that starts at degree {v} is |t|**{e} times a series: a kink; "
            "taylor.formal_sqrt gives the branch t**n of a square root"
        )
    if not isinstance(a.algebra, Univariate):
        return _root_of_form(a, v) if row.name == "sqrt" else None
    u = _divided(a, v)
    return _shifted(row(u) if row.name == "sqrt" else row(u, float(r)), v, int(e))


def _divided(a: Any, v: int) -> Any:
    return a._new(a._coef[v:], Univariate(a.order - v))


def _shifted(w: Any, v: int, e: int) -> Array:
    """Return the table of t^e·w, where w has lost v degrees."""
    return np.concatenate([zeros((e, *w.shape), w._coef), w._coef])


# ------------------------------------------------------------------ several variables
def _root_of_form(a: Any, v: int) -> Array | None:
    """Return the table of √a up to degree K - v/2, or None where it is not known to be a series.

    With y = p + ... and p² the leading form, 2p·y_k = a_(v/2+k) - Σ y_i y_j is solved for the form
    y_k by least squares: the product with p is injective, and what is left must vanish.
    """
    algebra, half = a.algebra, v // 2
    if is_operand(a._coef) or a._coef.dtype.kind != "f" or algebra.name != "multivariate":
        return None
    y = np.zeros(int(algebra.offsets[algebra.order - half + 1]))
    full = np.zeros(algebra.size)
    p = _square_root(algebra, a._coef[algebra.part(v)], half)
    if p is None or not _one_sign(algebra, half, p):
        raise NonAnalyticError(
            f"sqrt of a series that starts at degree {v} with a form that is not the square of one "
            "of one sign: a kink; move the point"
        )
    full[algebra.part(half)] = p
    times_p = full.copy()
    for k in range(half + 1, algebra.order - half + 1):
        part = algebra.part(half + k)
        units = np.eye(algebra.size)[algebra.part(k)]
        matrix = 2 * np.stack([algebra.product(times_p, e)[part] for e in units], axis=1)
        rest = (a._coef - algebra.product(full, full))[part]
        form = np.linalg.lstsq(matrix, rest, rcond=None)[0]
        if np.abs(matrix @ form - rest).max() > 1e-10 * max(np.abs(a._coef).max(), 1e-300):
            raise NonAnalyticError("sqrt is no series at this point: a kink; move the point")
        full[algebra.part(k)] = form
    y[:] = full[: len(y)]
    return y


def _square_root(algebra: Any, form: Array, half: int) -> Array | None:
    """Return the form p with p² = form, or None; by the order of the monomials, the first first."""
    lead = np.zeros(algebra.size)
    whole = np.zeros(algebra.size)
    whole[algebra.part(2 * half)] = form
    scale = np.abs(form).max()
    exponents = algebra.exponents[algebra.part(2 * half)]
    first = int(np.flatnonzero(np.abs(form) > 1e-14 * scale)[0])
    if form[first] < 0 or (exponents[first] % 2).any():
        return None
    top = algebra.index(exponents[first] // 2)
    lead[top] = math.sqrt(form[first])
    for i in range(top + 1, algebra.part(half).stop):
        rest = whole - algebra.product(lead, lead)
        target = algebra.exponents[i] + algebra.exponents[top]
        lead[i] = rest[algebra.index(target)] / (2 * lead[top])
    rest = whole - algebra.product(lead, lead)
    return lead[algebra.part(half)] if np.abs(rest).max() <= 1e-12 * scale else None


def _one_sign(algebra: Any, half: int, p: Array) -> bool:
    """Whether a form is certainly of one sign (then positive, as its first coefficient is)."""
    if half == 2:
        rows = algebra.exponents[algebra.part(2)]
        matrix = np.zeros((algebra.variables,) * 2)
        for row, c in zip(rows, p, strict=True):
            i, j = np.repeat(np.arange(algebra.variables), row)
            matrix[i, j] += c / 2
            matrix[j, i] += c / 2
        return bool(np.linalg.eigvalsh(matrix)[0] >= -1e-12 * np.abs(p).max())
    table = np.zeros(algebra.size)
    table[algebra.part(half)] = p
    return bool(algebra.sign(half, p, table) > 0)
