"""How functions of scipy.special are written that are known by a formula in mpmath.

One line for each (`probability`, `classical`): its arguments, its formula, how far it is analytic
around a point (`analytic`), and the arguments, integers mostly, in which it has no derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special as sp

from taylor.numbers.formulas import Formula, in_context
from taylor.scipy.analytic import Analytic, everywhere

FAR = 1e30
NEAR = 0.1  # of an answer of SciPy to the root
FORMULAS: dict[str, Analytic] = {}


def add(
    name: str, names: str, formula: Formula | str, room: Any = everywhere, **more: Any
) -> Analytic:
    """Add a function under SciPy's name for it."""
    more.setdefault("value", getattr(sp, name, None))
    made = Analytic(name, tuple(names.split()), formula=in_context(formula), room=room, **more)
    FORMULAS[name] = made
    return made


def part(
    name: str,
    of: str,
    n: int,
    names: str,
    formula: Formula | str,
    room: Any = everywhere,
    **more: Any,
) -> Analytic:
    """Add the n-th result of a function of SciPy."""
    return add(name, names, formula, room, value=lambda *x: getattr(sp, of)(*x)[n], **more)


def gap(x: Any) -> Any:
    """Return the distance to the nearest pole 0, -1, -2, ... of the gamma function."""
    return np.where(x > 0, x, np.abs(x - np.rint(x)))


def positive(*x: Any) -> tuple[Any, ...]:
    """Return the distances to zero: a function of positive numbers."""
    return x


def not_zero(x: Any) -> tuple[Any, ...]:
    return (np.abs(x),)


def second_positive(v: Any, x: Any) -> tuple[Any, ...]:
    return 1.0, x


def inside(x: Any) -> Any:
    """Return the distance to the ends of (0, 1)."""
    return np.minimum(x, 1 - x)


def root(ctx: Any, f: Callable[[Any], Any], start: complex) -> Any:
    """Return the zero of f near a float, by the secant method to the precision of the context."""
    if not abs(start) < FAR:  # SciPy's answer where there is none
        raise ValueError("no root is known")
    y, new = (
        ctx.convert(start),
        ctx.convert(start) * (1 + ctx.ldexp(1, -30)) + ctx.ldexp(1, -60) * (not start),
    )
    fy = f(y)
    for _ in range(80):
        fnew = f(new)
        if fnew == fy:
            return new
        if ctx.im(fnew) and not isinstance(start, complex):
            break
        step = fnew * (new - y) / (fnew - fy)
        y, fy, new = new, fnew, new - step
        if abs(step) <= abs(new) * ctx.ldexp(1, 40 - ctx.prec):
            return new
    raise ValueError("no root was found")


def inverse(
    name: str,
    names: str,
    index: int,
    of: Formula,
    room: Any = None,
    count: bool = False,
    **more: Any,
) -> Analytic:
    """Add the inverse of a function in one of its arguments, in place of which stands its value.

    Left out, `room` is that of a value between 0 and 1, and of positive numbers.  A `count` is 0
    for all values below that at 0, where it has a kink.
    """

    plain = [int if n in more.get("whole", ()) else float for n in names.split()]

    def formula(ctx: Any, *x: Any) -> Any:
        above = of(ctx, *x[:index], ctx.zero, *x[index + 1 :]) - x[index] if count else -1
        if above > 0:
            return ctx.zero
        if above == 0:
            raise ValueError("a kink")
        start = float(getattr(sp, name)(*(to(v) for to, v in zip(plain, x, strict=True))))
        y = root(ctx, lambda y: of(ctx, *x[:index], y, *x[index + 1 :]) - x[index], start)
        if abs(y - start) > NEAR * (1 + abs(start)):  # SciPy gave the end of its search
            raise ValueError("there is no root")
        return y

    def rooms(*x: Any) -> tuple[Any, ...]:
        return (*x[:index], inside(x[index]), *x[index + 1 :])

    return add(name, names, formula, room or rooms, **more)
