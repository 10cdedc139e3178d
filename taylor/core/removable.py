"""Quotients whose numerator and denominator vanish at one point: x/(1 - exp(-x)), sin(x)/x, ...

Near such a point each derivative of a quotient loses as many digits again as the point is near, and
at the point itself there is no quotient.  What vanishes is c·(x - r)^n·g with g analytic and not
zero there: (e^a - 1) = a·exprel(a), sin a = a·sinc1(a), cos a - 1 = -a²/2·sinc1(a/2)².  Where the
same x - r stands above and below, it is left out, and a product of the g's remains.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.core import functions as f
from taylor.core.calls import Row
from taylor.core.choices import choose
from taylor.core.instructions import ADD, DIV, MUL, Const, Op, Scale
from taylor.numbers.kinds import Handled

NUMBERS = (int, float, np.float64, Fraction)
NEAR = 2.0**-50  # roots at such a distance, of their size, are one that was rounded
MOST = 32  # factors, or the exponent of one
POWERS = (f.square, f.power, f.reciprocal)
SUB = Op()  # of operands whose difference is no sum
Number = Any  # float, or a Fraction of exact numbers
Regular = Callable[[Any], Any]


# ------------------------------------------------------------------ functions divided by a zero
def _even(f: Callable[[Any], Any]) -> Regular:
    """Return an even function, given at negative numbers."""
    return lambda a: choose(0.0, a, f(a), f(-a), "formula")


def _sinh1(a: Any) -> Any:
    return f.exp(-a) * f.exprel(2 * a)


def _tanh1(a: Any) -> Any:
    return 2 * f.exprel(2 * a) * f.sigmoid(-2 * a)


def _log1(a: Any) -> Any:
    """Return log(a)/(a - 1): a - 1 is exact where that counts."""
    near = choose(a, 0.5, a - 1, 0.0, "formula")
    far = choose(a, 0.5, -1.0, a - 1, "formula")
    return choose(a, 0.5, f.log1prel(near), f.log(a) / far, "formula")


# rows: a value that they take at a zero of their argument minus a number, this, and what remains
# when the zero is left out n times
ZEROS: dict[Any, tuple[int, int, int, Regular]] = {
    f.exp: (1, 0, 1, f.exprel),
    f.expm1: (0, 0, 1, f.exprel),
    f.sin: (0, 0, 1, f.sinc1),
    f.tan: (0, 0, 1, lambda a: f.sinc1(a) / f.cos(a)),
    f.cos: (1, 0, 2, lambda a: -0.5 * f.sinc1(0.5 * a) ** 2),
    f.sinh: (0, 0, 1, _even(_sinh1)),
    f.tanh: (0, 0, 1, _even(_tanh1)),
    f.cosh: (1, 0, 2, lambda a: 0.5 * _even(_sinh1)(0.5 * a) ** 2),
    f.log1p: (0, 0, 1, f.log1prel),
    f.log: (0, 1, 1, _log1),
    f.sqrt: (1, 1, 1, lambda a: 1 / (1 + f.sqrt(a))),
}


# ------------------------------------------------------------------ factors
@dataclass
class Leaf:
    """x^power, with x = scale·base + shift."""

    x: Any
    power: int
    base: Any
    scale: Number
    shift: Number

    @property
    def root(self) -> Number:
        """Where the base makes it vanish."""
        return -self.shift / self.scale


@dataclass
class Zero:
    """x^power, which is parts·rest^power and vanishes where its parts do."""

    x: Any
    power: int
    parts: Product
    rest: Callable[[], Any]


@dataclass
class Product:
    """scale·Π factors; None for the scale: it is not known to be other than zero.

    The numbers are floats, or else `exact`.
    """

    exact: bool
    scale: Number | None = 1
    factors: list[Leaf | Zero] = field(default_factory=list)

    def times(self, scale: Number | None, power: int) -> None:
        """Multiply by a number to that power."""
        known = scale and self.scale
        self.scale = self.scale * scale**power if known and self.scale and scale else None

    def leaves(self) -> Iterator[tuple[Leaf, bool]]:
        """Yield all that can vanish by itself, and whether it is a part of something else."""
        for factor in self.factors:
            if isinstance(factor, Leaf):
                yield factor, False
            else:
                yield from ((leaf, True) for leaf, _ in factor.parts.leaves())


def without_zeros(op: Op, x: Any, y: Any, exact: bool) -> Any:
    """Return x/y or x·y without the zeros that meet poles there; None if none do.

    Of operands that know what they come from: `_origin()`, and which of them are one: `_is`.  If
    numbers are not `exact`, roots that nearly agree are one.

    >>> import taylor
    >>> taylor.derivatives(lambda x: x / (1 - np.exp(-x)), 1e-9, 3).round(6) + 0.0
    array([1.      , 0.5     , 0.166667, 0.      ])
    """
    if not (_may_vanish(x) or _may_vanish(y)):
        return None
    whole = Product(exact)
    _into(whole, x, 1)
    _into(whole, y, 1 if op is MUL else -1)
    if not whole.scale:
        return None
    groups: list[list[tuple[Leaf, bool]]] = []
    for leaf, inner in whole.leaves():
        for group in groups:
            if _meet(group[0][0], leaf, exact):
                group.append((leaf, inner))
                break
        else:
            groups.append([(leaf, inner)])
    removed = [
        [leaf for leaf, _ in group]
        for group in groups
        if any(inner for _, inner in group)
        and min(leaf.power for leaf, _ in group) < 0 < max(leaf.power for leaf, _ in group)
    ]
    return _rebuilt(whole, removed) if removed else None


def is_quotient(x: Any) -> bool:
    """Whether an operand is a quotient, or a multiple of one."""
    op, args = _origin(x)
    if type(op) is Scale or op is MUL:
        inner = [a for a in args if _number(a, False) is None]
        op = _origin(inner[0])[0] if len(inner) == 1 else None
    return op is DIV


def _may_vanish(x: Any, depth: int = 6) -> bool:
    """Whether there is a row that vanishes with its argument among the factors of an operand."""
    op, args = _origin(x)
    kind = type(op)
    if kind is Row:
        return op.row in ZEROS or (op.row in POWERS and depth > 0 and _may_vanish(args[0]))
    if depth == 0 or not (kind is Scale or op in (ADD, SUB, MUL, DIV)):
        return False
    return any([_may_vanish(a, depth - 1) for a in args])


def _origin(x: Any) -> tuple[Any, Any]:
    """Return what made an operand, and of what; nothing if that is not known."""
    found = x._origin() if isinstance(x, Handled) else None
    return (None, ()) if found is None else found


def _number(x: Any, exact: bool) -> Number | None:
    if isinstance(x, Handled):
        op, _ = _origin(x)
        x = op.c if type(op) is Const else None
    if type(x) not in NUMBERS or not math.isfinite(x):
        return None
    return Fraction(x) if exact else float(x)


def _affine(x: Any, exact: bool) -> tuple[Any, Number, Number]:
    """Return y, c and d with x = c·y + d."""
    c: Number = 1
    d: Number = 0
    while True:
        op, args = _origin(x)
        if type(op) is Scale:
            k, inner = _number(op.c, exact), args[0]
        elif op is ADD or op is MUL or op is DIV:
            k, inner = _number(args[1], exact), args[0]
            if k is None and op is not DIV:
                k, inner = _number(args[0], exact), args[1]
        else:
            return x, c, d
        if k is None or (not k and op is not ADD):
            return x, c, d
        if op is ADD:
            d += c * k
        else:
            c = c / k if op is DIV else c * k
        x = inner


def _into(found: Product, x: Any, power: int) -> None:
    """Multiply a product by x^power, factor by factor."""
    number = _number(x, found.exact)
    op, args = _origin(x)
    if len(found.factors) > MOST:
        found.scale = None
    elif number is not None or not isinstance(x, Handled):
        found.times(number, power)
    elif type(op) is Scale and (k := _number(op.c, found.exact)):
        found.times(k, power)
        _into(found, args[0], power)
    elif op is MUL or op is DIV:
        _into(found, args[0], power)
        _into(found, args[1], power if op is MUL else -power)
    elif type(op) is Row and op.row in POWERS and (n := _exponent(op, args)):
        _into(found, args[0], n * power)
    else:
        form = _affine(x, found.exact)
        zero = _vanishing(x, power, *form, found.exact)
        found.factors.append(zero or Leaf(x, power, *form))


def _exponent(op: Row, args: Sequence[Any]) -> int:
    """Return n of a power a^n, 0 if it is not known."""
    if op.row is not f.power:
        return 2 if op.row is f.square else -1
    n = _number(args[1], False)
    return int(n) if n is not None and n % 1 == 0 and abs(n) <= MOST else 0


def _vanishing(x: Any, power: int, base: Any, c: Number, d: Number, exact: bool) -> Zero | None:
    """Return x = c·f(a) + d as what vanishes with a, if it does."""
    op, args = _origin(base)
    if (op is ADD or op is SUB) and not d:
        return _difference(x, power, c, args, -1 if op is SUB else 1, exact)
    if type(op) is not Row or op.row not in ZEROS:
        return None
    value, less, times, rest = ZEROS[op.row]
    if d != -c * value:
        return None
    a, parts = args[0], Product(exact, c**power)
    _into(parts, a - less if less else a, times * power)
    return Zero(x, power, parts, lambda: rest(a)) if parts.scale else None


def _difference(
    x: Any, power: int, c: Fraction, args: Sequence[Any], sign: int, exact: bool
) -> Zero | None:
    """Return c·(exp(a) - exp(b)), or the same of other multiples, as what vanishes with a - b."""
    if not all(isinstance(arg, Handled) for arg in args):
        return None
    (one, p, q), (other, r, s) = (_affine(arg, exact) for arg in args)
    origins = [_origin(e) for e in (one, other)]
    exps = all(type(op) is Row and op.row is f.exp for op, _ in origins)
    if not exps or p != -sign * r or q != -sign * s or np.shape(one) != np.shape(other):
        return None
    (a,), (b,) = (given for _, given in origins)
    (base, c1, d1), (same, c2, d2) = _affine(a, exact), _affine(b, exact)
    if not _is_same(base, same) or c1 == c2:
        return None
    parts = Product(exact, (c * p) ** power, [Leaf(a - b, power, base, c1 - c2, d1 - d2)])
    return Zero(x, power, parts, lambda: f.exp(b) * f.exprel(a - b))


# ------------------------------------------------------------------ leaving zeros out
def _is_same(x: Any, y: Any) -> bool:
    return type(x) is type(y) and bool(x._is(y))


def _meet(one: Leaf, other: Leaf, exact: bool) -> bool:
    """Whether two factors vanish at one point; as far as numbers that were rounded tell."""
    distance = abs(one.root - other.root)
    if distance > (0 if exact else NEAR * abs(one.root)):
        return False
    return _is_same(one.base, other.base)


def _rebuilt(whole: Product, removed: list[list[Leaf]]) -> Any:
    """Return the product without what meets: of each group one factor with the sum of powers."""
    met = {id(leaf) for group in removed for leaf in group}
    scale: Number = 1
    factors: list[tuple[Any, int]] = []

    def multiply(by: Product) -> None:
        nonlocal scale
        assert by.scale
        scale *= by.scale
        for factor in by.factors:
            if isinstance(factor, Zero) and any(id(v) in met for v, _ in factor.parts.leaves()):
                multiply(factor.parts)
                factors.append((factor.rest(), factor.power))
            elif id(factor) not in met:
                factors.append((factor.x, factor.power))

    multiply(whole)
    for group in removed:
        first, net = group[0], sum(leaf.power for leaf in group)
        for leaf in group:
            scale *= leaf.scale**leaf.power
        if net:
            scale /= first.scale**net
            factors.append((first.x, net))
    above, below = (
        [x if n == sign else x ** (sign * n) for x, n in factors if sign * n > 0]
        for sign in (1, -1)
    )
    if scale != 1 or not above:
        above.append(int(scale) if scale in (1, -1) else scale)
    found = functools.reduce(operator.mul, above)
    return found / functools.reduce(operator.mul, below) if below else found
