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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.core import functions as f
from taylor.core.calls import Row
from taylor.core.choices import choose
from taylor.core.instructions import ADD, DIV, MUL, Const, Node, Op, Scale, Tape

NUMBERS = (int, float, np.float64, Fraction)
NEAR = Fraction(1, 1 << 50)  # roots at such a distance, of their size, are one that was rounded
LOG2 = math.log(2)
MOST = 32  # factors, or the exponent of one
STEPS = 4 * MOST  # instructions that are looked at, parts included: f may be a long loop
NESTED = 8  # functions that vanish with each other
LARGEST = 2.0**500  # factor of a quotient
POWERS = (f.square, f.power, f.reciprocal)
Regular = Callable[[Any], Any]


# ------------------------------------------------------------------ functions divided by a zero
def _even(f: Callable[[Any], Any]) -> Regular:
    """Return an even function, given at negative numbers."""
    return lambda a: f(choose(0.0, a, a, -a, "formula"))


def _sinh1(a: Any) -> Any:
    half = f.exp(-0.5 * a)  # exp(-a) overflows before sinh does
    return half * (half * f.exprel(2 * a))


def _exprel1(a: Any) -> Any:
    """Return a/(exp(a) - 1), which is that of -a less a: its slopes far below 0 are small."""
    size = choose(0.0, a, -a, a, "formula")
    return 1 / f.exprel(size) + choose(0.0, a, -a, 0.0, "formula")


def _coth1(a: Any) -> Any:
    """Return a·coth(a) = |a| + 2|a|/(exp(2|a|) - 1)."""
    size = choose(0.0, a, -a, a, "formula")
    return size + 1 / f.exprel(2 * size)


def _between(a: Any, b: Any) -> Any:
    """Return (exp(a) - exp(b))/(a - b), by the larger exponential: it does not overflow before."""
    rest = a - b
    larger = choose(0.0, rest, b, a, "formula")
    return f.exp(larger) * f.exprel(choose(0.0, rest, rest, -rest, "formula"))


def _tanh1(a: Any) -> Any:
    return 2 * f.exprel(2 * a) * f.sigmoid(-2 * a)


def _log1(a: Any) -> Any:
    """Return log(a)/(a - 1): a - 1 is exact where that counts."""
    near = choose(a, 0.5, a - 1, 0.0, "where")
    far = choose(a, 0.5, -1.0, a - 1, "where")
    return choose(a, 0.5, f.log1prel(near), f.log(a) / far, "formula")


# rows: a value that they take at a zero of their argument minus a number, this, and what remains
# when the zero is left out n times
ZEROS: dict[Any, tuple[int, int, int, Regular]] = {
    f.exp: (1, 0, 1, f.exprel),
    f.expm1: (0, 0, 1, f.exprel),
    f.exp2: (1, 0, 1, lambda a: LOG2 * f.exprel(LOG2 * a)),
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
# the same of what is one over that, where it is known better
INVERSES: dict[Any, Regular] = {f.exp: _exprel1, f.expm1: _exprel1, f.tanh: _coth1}


# ------------------------------------------------------------------ factors
@dataclass
class Leaf:
    """v_i^power, with v_i = scale·v_base + shift."""

    i: int
    power: int
    base: int
    scale: Fraction
    shift: Fraction

    @property
    def root(self) -> Fraction:
        """Where the base makes it vanish."""
        return -self.shift / self.scale


@dataclass
class Zero:
    """v_i^power, which is parts·rest^power and vanishes where its parts do.

    Some know one over the rest better.
    """

    i: int
    power: int
    parts: Product
    rest: Callable[[], Any]
    inverse: Callable[[], Any] | None = None


@dataclass
class Product:
    """scale·Π factors; None for the scale: it is not known to be other than zero."""

    scale: Fraction | None = Fraction(1)
    factors: list[Leaf | Zero] = field(default_factory=list)
    steps: Iterator[int] = field(default_factory=lambda: iter(range(STEPS)))  # with its parts

    def times(self, scale: Fraction | None, power: int) -> None:
        """Multiply by a number to that power."""
        known = scale and self.scale
        self.scale = self.scale * scale**power if known and self.scale and scale else None

    def leaves(self) -> Iterator[tuple[Leaf, Leaf | Zero]]:
        """Yield all that can vanish by itself, and the factor that it is, or is a part of."""
        for factor in self.factors:
            if isinstance(factor, Leaf):
                yield factor, factor
            else:
                yield from ((leaf, factor) for leaf, _ in factor.parts.leaves())


def without_zeros(tape: Tape, op: Op, i: int, j: int) -> Node | None:
    """Return v_i/v_j or v_i·v_j without the zeros that meet poles there; None if none do.

    >>> import taylor
    >>> float(taylor.gradient(lambda x: x / (1 - np.exp(-x)), 1e-9).round(6))
    0.5
    """
    if not (_may_vanish(tape, i) or _may_vanish(tape, j)):
        return None
    whole = Product()
    _into(tape, whole, i, 1)
    _into(tape, whole, j, 1 if op is MUL else -1)
    if not whole.scale:
        return None
    groups: list[list[tuple[Leaf, Leaf | Zero]]] = []
    for leaf, factor in whole.leaves():
        for group in groups:
            if _meet(group[0][0], leaf, tape.native):
                group.append((leaf, factor))
                break
        else:
            groups.append([(leaf, factor)])
    removed = [
        [leaf for leaf, _ in group]
        for group in groups
        if any(factor is not leaf for leaf, factor in group)
        and any(factor is not group[0][1] for _, factor in group)  # not x·(1/x) in one argument
        and min(leaf.power for leaf, _ in group) < 0 < max(leaf.power for leaf, _ in group)
    ]
    return _rebuilt(tape, whole, removed) if removed else None


def is_quotient(tape: Tape, i: int) -> bool:
    """Whether an instruction is a quotient, or a multiple of one."""
    op, args, _ = tape.code[i]
    return op is DIV or (type(op) is Scale and tape.code[args[0]].op is DIV)


def _may_vanish(tape: Tape, i: int, depth: int = 6, shifted: bool = False) -> bool:
    """Whether there is a row that vanishes with its argument among the factors of a variable.

    Of a variable to which something is added those count that take other values there, too.
    """
    op, args, _ = tape.code[i]
    if isinstance(op, Row):
        if op.row in ZEROS:
            return shifted or not ZEROS[op.row][0]
        if _has_positive_base(tape, op, args):
            return shifted
        return op.row in POWERS and depth > 0 and _may_vanish(tape, args[0], depth - 1)
    adds, scales = op is ADD, type(op) is Scale
    if depth == 0 or not (scales or adds or op is MUL or op is DIV):
        return False
    shifted = adds or (shifted and scales)
    return any([_may_vanish(tape, a, depth - 1, shifted) for a in args])


def _number(tape: Tape, i: int) -> Fraction | None:
    op = tape.code[i].op
    return _exact(op.c) if type(op) is Const else None


def _exact(c: Any) -> Fraction | None:
    return Fraction(c) if type(c) in NUMBERS and abs(c) < math.inf else None


def _affine(tape: Tape, i: int) -> tuple[int, Fraction, Fraction]:
    """Return j, c and d with v_i = c·v_j + d."""
    c, d = Fraction(1), Fraction(0)
    for _ in range(STEPS):
        op, args, _ = tape.code[i]
        if type(op) is Scale:
            k, inner = _exact(op.c), args[0]
        elif op is ADD or op is MUL or op is DIV:
            k, inner = _number(tape, args[1]), args[0]
            if k is None and op is not DIV:
                k, inner = _number(tape, args[0]), args[1]
        else:
            return i, c, d
        if k is None or (not k and op is not ADD):
            return i, c, d
        if op is ADD:
            d += c * k
        else:
            c = c / k if op is DIV else c * k
        i = inner
    return i, c, d


def _into(tape: Tape, found: Product, i: int, power: int, nested: int = NESTED) -> None:
    """Multiply a product by v_i^power, factor by factor; of a very long one nothing is known."""
    left = [(i, power)]
    for _ in found.steps:
        if not left:
            return
        i, power = left.pop()
        op, args, _ = tape.code[i]
        if len(found.factors) > MOST:
            break
        if (k := _number(tape, i)) is not None:
            found.times(k, power)
        elif type(op) is Scale and _exact(op.c):
            found.times(_exact(op.c), power)
            left.append((args[0], power))
        elif op is MUL or op is DIV:
            left += (args[1], power if op is MUL else -power), (args[0], power)
        elif type(op) is Row and op.row in POWERS and (n := _exponent(tape, op, args)):
            left.append((args[0], n * power))
        else:
            base, c, d = _affine(tape, i)
            if base != i and not d and tape.code[base].op in (MUL, DIV):  # 1 + c/x - 1
                found.times(c, power)
                left.append((base, power))
            else:
                zero = _vanishing(tape, i, power, found.steps, nested)
                found.factors.append(zero or Leaf(i, power, base, c, d))
    found.scale = None


def _exponent(tape: Tape, op: Row, args: tuple[int, ...]) -> int:
    """Return n of a power a^n, 0 if it is not known."""
    if op.row is not f.power:
        return 2 if op.row is f.square else -1
    n = _number(tape, args[1])
    return int(n) if n is not None and n.denominator == 1 and abs(n) <= MOST else 0


def _vanishing(tape: Tape, i: int, power: int, steps: Iterator[int], nested: int) -> Zero | None:
    """Return c·f(a) + d as what vanishes with a, if it does."""
    base, c, d = _affine(tape, i)
    op, args, _ = tape.code[base]
    if op is ADD and not d:
        return _difference(tape, i, power, c, args)
    if type(op) is not Row or not ((exp := _has_positive_base(tape, op, args)) or op.row in ZEROS):
        return None
    row = f.exp if exp else op.row
    value, less, times, rest = ZEROS[row]
    if d != -c * value or not nested:
        return None
    a = _exponent_of(tape, args) if exp else tape.at(args[0])
    parts = Product(c**power, steps=steps)
    _into(tape, parts, (a - less).i if less else a.i, times * power, nested - 1)
    if not parts.scale:
        return None
    inverse = INVERSES.get(row)
    return Zero(i, power, parts, lambda: rest(a), inverse and functools.partial(inverse, a))


def _has_positive_base(tape: Tape, op: Row, args: tuple[int, ...]) -> bool:
    """Whether it is c^a = exp(a·log(c)) with constants c > 0."""
    base = tape.code[args[0]].op
    if op.row is not f.power or type(base) is not Const:
        return False
    c = np.asarray(base.c)
    return c.dtype.kind in "fiu" and bool(np.all(c > 0))


def _exponent_of(tape: Tape, args: tuple[int, ...]) -> Any:
    return tape.at(args[1]) * f.log(tape.at(args[0]))


def _difference(tape: Tape, at: int, power: int, c: Fraction, args: tuple[int, ...]) -> Zero | None:
    """Return c·(exp(a) - exp(b)), or the same of other multiples, as what vanishes with a - b."""
    (j, p, q), (k, r, s) = (_affine(tape, arg) for arg in args)
    one, other = tape.code[j], tape.code[k]
    exps = all(type(e.op) is Row and e.op.row is f.exp for e in (one, other))
    if not exps or p != -r or q != -s or one.shape != other.shape:
        return None
    (i, c1, d1), (j, c2, d2) = (_affine(tape, e.args[0]) for e in (one, other))
    if i != j or c1 == c2:
        return None
    a, b = tape.at(one.args[0]), tape.at(other.args[0])
    leaf = Leaf((a - b).i, power, i, c1 - c2, d1 - d2)
    parts = Product((c * p) ** power, [leaf])
    return Zero(at, power, parts, lambda: _between(a, b))


# ------------------------------------------------------------------ leaving zeros out
def _meet(one: Leaf, other: Leaf, rounded: bool) -> bool:
    """Whether two factors vanish at one point; as far as numbers that were rounded tell."""
    if one.base != other.base:
        return False
    distance = abs(one.root - other.root)
    return distance <= (NEAR * abs(one.root) if rounded else 0)


def _rebuilt(tape: Tape, whole: Product, removed: list[list[Leaf]]) -> Node | None:
    """Return the product without what meets: of each group one factor with the sum of powers.

    None if the number before it might be too large, or too small.
    """
    met = {id(leaf) for group in removed for leaf in group}
    scale, factors = Fraction(1), list[tuple[Any, int]]()

    def multiply(by: Product) -> None:
        nonlocal scale
        assert by.scale
        scale *= by.scale
        for factor in by.factors:
            if isinstance(factor, Zero) and any(id(v) in met for v, _ in factor.parts.leaves()):
                multiply(factor.parts)
                inverse = factor.inverse if factor.power < 0 else None
                factors.append(
                    (factor.rest(), factor.power) if inverse is None else (inverse(), -factor.power)
                )
            elif id(factor) not in met:
                factors.append((tape.at(factor.i), factor.power))

    multiply(whole)
    for group in removed:
        first, net = group[0], sum(leaf.power for leaf in group)
        for leaf in group:
            scale *= leaf.scale**leaf.power
        if net:
            scale /= first.scale**net
            factors.append((tape.at(first.i), net))
    if not 1 / LARGEST < abs(scale) < LARGEST:
        return None
    above, below = (
        [x if n == sign else x ** (sign * n) for x, n in factors if sign * n > 0]
        for sign in (1, -1)
    )
    number: Any = float(scale) if tape.native else scale
    if scale != 1 or not above:
        above.append(int(scale) if scale in (1, -1) else number)
    found = functools.reduce(operator.mul, above)
    return found / functools.reduce(operator.mul, below) if below else found
