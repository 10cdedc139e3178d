"""`from_sympy`: an expression of sympy as a function of numbers of any kind, arrays and series.

The tree of the expression is walked with this package's own functions, so that rationals stay
exact, other constants have the precision of the arguments, and all modes of differentiation apply.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.core import functions as f
from taylor.core.conditions import mask
from taylor.core.operand import as_array, lift
from taylor.core.table import derived
from taylor.numbers.formulas import PI, Constant, scipy_special
from taylor.numbers.kinds import Kind, is_operand
from taylor.numbers.values import constant, over, plus, times

Function = Callable[..., Any]
Functions = Mapping[str, Function]
OWN = (
    "exp", "log", "sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan", "atan2",
    "asinh", "acosh", "atanh", "sinh", "cosh", "tanh", "gamma", "digamma", "erf", "erfc", "zeta",
    "airyai", "airybi", "floor", "sign", "heaviside",
)  # fmt: skip
STRUCTURE = {"Symbol", "Dummy", "Add", "Mul", "Pow", "Piecewise", "ExprCondPair", "ITE"}


def _of_scipy(name: str, part: int | None = None) -> Function:
    """Return a function of scipy.special, or one of its results."""

    def call(*x: Any) -> Any:
        y = getattr(scipy_special(), name)(*x)
        return y if part is None else y[part]

    return call


def _polygamma(n: Any, x: Any) -> Any:
    return functools.reduce(lambda row, _: derived(row), range(int(n)), f.digamma)(x)


def _known(x: Any) -> Any:
    """Return a condition as a mask."""
    return np.asarray(mask(x), dtype=bool)


def _equal(x: Any, y: Any) -> Any:
    return _known(x <= y) & _known(x >= y)


FUNCTIONS: dict[str, Function] = {
    **{name: getattr(f, name) for name in OWN},
    "Abs": np.abs, "re": np.real, "im": np.imag, "conjugate": np.conj, "arg": np.angle,
    "ceiling": f.ceil, "frac": lambda x: x - f.floor(x), "Mod": f.mod, "Heaviside": f.heaviside,
    "Max": lambda *x: functools.reduce(f.maximum, x),
    "Min": lambda *x: functools.reduce(f.minimum, x),
    "coth": lambda x: 1 / f.tanh(x), "sech": lambda x: 1 / f.cosh(x),
    "csch": lambda x: 1 / f.sinh(x), "acot": lambda x: f.atan(1 / x),
    "asec": lambda x: f.acos(1 / x), "acsc": lambda x: f.asin(1 / x),
    "acoth": lambda x: f.atanh(1 / x), "asech": lambda x: f.acosh(1 / x),
    "acsch": lambda x: f.asinh(1 / x),
    "loggamma": f.lgamma, "polygamma": _polygamma, "factorial": lambda x: f.gamma(x + 1),
    "beta": _of_scipy("beta"), "binomial": _of_scipy("binom"),
    "uppergamma": lambda s, x: _of_scipy("gammaincc")(s, x) * f.gamma(s),
    "lowergamma": lambda s, x: _of_scipy("gammainc")(s, x) * f.gamma(s),
    "erfi": _of_scipy("erfi"), "erfinv": _of_scipy("erfinv"), "erfcinv": _of_scipy("erfcinv"),
    "besselj": _of_scipy("jv"), "bessely": _of_scipy("yv"), "besseli": _of_scipy("iv"),
    "besselk": _of_scipy("kv"), "airyaiprime": f.airyaip, "airybiprime": f.airybip,
    "Ei": f.expi, "expint": _of_scipy("expn"), "Si": f.si, "Ci": f.ci,
    "Shi": _of_scipy("shichi", 0), "Chi": _of_scipy("shichi", 1),
    "fresnels": _of_scipy("fresnel", 0), "fresnelc": _of_scipy("fresnel", 1),
    "LambertW": f.lambertw, "elliptic_k": _of_scipy("ellipk"),
    "StrictLessThan": operator.lt, "LessThan": operator.le,
    "StrictGreaterThan": operator.gt, "GreaterThan": operator.ge,
    "Equality": _equal, "Unequality": lambda x, y: ~_equal(x, y),
    "And": lambda *x: functools.reduce(operator.and_, map(_known, x)),
    "Or": lambda *x: functools.reduce(operator.or_, map(_known, x)),
    "Not": lambda x: ~_known(x),
}  # fmt: skip


class Walk:
    """The values of the parts of expressions, each found once, at given values of the symbols."""

    def __init__(self, known: dict[Any, Any], functions: Functions) -> None:
        self.known, self.functions = dict(known), functions
        self.kind = Kind.of(*known.values()) if known else Kind.of(0.0)

    def __call__(self, e: Any) -> Any:
        """Return the value of an expression."""
        if e not in self.known:
            self.known[e] = self.found(e)
        return self.known[e]

    def found(self, e: Any) -> Any:
        name = type(e).__name__
        if e.is_number:
            return self.number(e)
        if name in ("BooleanTrue", "BooleanFalse"):
            return np.bool_(name == "BooleanTrue")
        if name == "Add":
            return functools.reduce(self.both(plus), map(self, e.args))
        if name == "Mul":
            return self.product(e.args)
        if name == "Pow":
            return self.power(*e.args)
        if name == "Piecewise":
            return self.pieces(e.args)
        if name == "ITE":
            return self.pieces([(e.args[1], e.args[0]), (e.args[2], None)])
        if name == "sinc":
            return f.sinc(self.both(over)(self(e.args[0]), self.kind.constant(PI)))
        return (self.functions.get(name) or FUNCTIONS[name])(*map(self, e.args))

    def number(self, e: Any) -> Any:
        """Return a constant: rationals exactly, others in the precision of the arguments."""
        if e.is_Rational:
            return int(e) if e.is_Integer else Fraction(int(e.p), int(e.q))
        re, im = e.as_real_imag()
        if im == 0:
            return self.kind.constant(_constant(re))
        return self.kind.constant(_constant(re)) + 1j * self.kind.constant(_constant(im))

    def both(self, op: Function) -> Function:
        """Return an operator that takes exact numbers in the kind of the other side."""

        def run(x: Any, y: Any) -> Any:
            if not (isinstance(x, Fraction) and isinstance(y, (int, Fraction))):
                x = constant(x, _number_like(y)) if isinstance(x, Fraction) else x
            y = constant(y, _number_like(x)) if isinstance(y, Fraction) else y
            return op(Fraction(x) if op is over and type(x) is type(y) is int else x, y)

        return run

    def product(self, factors: Sequence[Any]) -> Any:
        """Return a product; by what has a negative power is divided."""
        top, bottom = [], []
        for e in factors:
            if e.is_Rational:
                top.append(int(e.p))
                bottom.append(int(e.q))
            elif e.is_Pow and e.exp.is_Rational and e.exp < 0:
                bottom.append(self.power(e.base, -e.exp))
            else:
                top.append(self(e))
        above, below = (
            functools.reduce(self.both(times), [x for x in side if type(x) is not int or x != 1], 1)
            for side in (top, bottom)
        )
        return above if type(below) is int and below == 1 else self.both(over)(above, below)

    def power(self, base: Any, exponent: Any) -> Any:
        if type(base).__name__ == "Exp1":
            return f.exp(self(exponent))
        x = self(base)
        if exponent.is_Rational and exponent < 0:
            return self.both(over)(1, self.power(base, -exponent))
        if exponent.is_Integer:
            return x ** int(exponent)
        if exponent.is_Rational and exponent.q == 2:
            return f.sqrt(x) ** int(exponent.p)
        return f.power(x, self(exponent))

    def pieces(self, pieces: Sequence[Any]) -> Any:
        """Return the first piece whose condition holds, lane by lane; nan where none does."""
        found: list[tuple[Any, Any]] = []
        last: Any = math.nan
        with np.errstate(divide="ignore", invalid="ignore"):  # in lanes that are not taken
            for e, condition in pieces:
                holds = np.bool_(True) if condition is None else _known(self(condition))
                if holds.all():
                    last = self(e)
                    break
                if holds.any():
                    found.append((holds, self(e)))
        for holds, value in reversed(found):
            last = np.where(holds, value, last)
        return last


def _number_like(x: Any) -> Any:
    return x if is_operand(x) else np.asarray(x)


def _constant(e: Any) -> Constant:
    """Return a real number of sympy in any precision."""
    return Constant(str(e), float(e), lambda ctx: ctx.mpf(str(e.evalf(ctx.dps + 5))))


def _unknown(e: Any, functions: Functions) -> Iterator[str]:
    """Yield the names of what an expression is made of that has no meaning here."""
    name = type(e).__name__
    if e.is_number or name in ("BooleanTrue", "BooleanFalse"):
        return
    if name not in functions and name not in FUNCTIONS and name not in STRUCTURE | {"sinc"}:
        yield name
        return
    for part in e.args:
        yield from _unknown(part, functions)


def from_sympy(
    expression: Any, symbols: Any, *, functions: Functions | None = None
) -> Callable[..., Any]:
    """Return an expression of sympy as a function of its symbols, one argument for each.

    It takes numbers of any kind, arrays and series, in all modes; a matrix, or a list of
    expressions, gives an array.  `functions` says, by name, what undefined functions mean, or
    others that have no counterpart here: these raise TypeError, as integrals and sums do that
    sympy's doit() leaves.

    >>> import sympy, taylor
    >>> x, y = sympy.symbols("x y")
    >>> f = from_sympy(sympy.exp(x) * y + sympy.Rational(1, 3), (x, y))
    >>> taylor.gradient(f, 0.0, 2.0, argnums=(0, 1))
    (np.float64(2.0), np.float64(1.0))
    >>> from_sympy(x**2 / 3, x)(Fraction(1, 2))
    Fraction(1, 12)
    """
    import sympy

    names = list(symbols) if isinstance(symbols, (list, tuple)) else [symbols]
    if isinstance(expression, str):
        raise TypeError(f"from_sympy takes an expression: sympy.sympify({expression!r}) makes one")
    given = functions or {}
    if expression is None:
        raise TypeError("from_sympy takes an expression, or a list of some, not None")
    single = np.ndim(expression) == 0 and not hasattr(expression, "tolist")
    whole = np.array(expression if single else sympy.Array(expression).tolist(), dtype=object)
    leaves = [sympy.sympify(e).doit() for e in whole.reshape(-1)]
    free = {str(s) for e in leaves for s in e.free_symbols} - set(map(str, names))
    if free:
        raise ValueError(f"from_sympy: no argument stands for {', '.join(sorted(free))}")
    unknown = {name for e in leaves for name in _unknown(e, given)}
    if unknown:
        raise TypeError(
            f"from_sympy: no counterpart of {', '.join(sorted(unknown))} here; rewrite the "
            f"expression, or give functions={{{min(unknown)!r}: ...}}"
        )

    def function(*args: Any) -> Any:
        if len(args) != len(names):
            raise TypeError(f"this function takes {len(names)} arguments, one for each symbol")
        values = [as_array(x) if isinstance(x, (list, tuple)) else lift(x) for x in args]
        walk = Walk(dict(zip(names, values, strict=True)), given)
        found = [walk(e) for e in leaves]
        if single:
            return found[0]
        found = [np.broadcast_to(y, np.broadcast_shapes(*map(np.shape, found))) for y in found]
        return np.reshape(as_array(found), (*whole.shape, *np.shape(found[0])))

    return function
